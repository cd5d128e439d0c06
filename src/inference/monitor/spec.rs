//! What is monitored, and how: declared before the first cluster comes in. Plain data.

use serde::{Deserialize, Serialize};

use super::sequence::{Boundary, Sidedness};
use crate::error::Error;
use crate::inference::check_level;
use crate::inference::question::Question;
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Estimand, Unit};
use crate::statistic::{self, AmplificationRatio, Cell, Over, Statistic};
use crate::tally::{ClusterBy, StratifyBy, TallySpec, Weights};

/// What a [`Monitor`](super::Monitor) watches, and how: to be declared before the first cluster.
///
/// ```
/// use tiltmeter::inference::{MonitorSpec, Sidedness, Watched};
/// let mut spec = MonitorSpec::for_clusters(500);
/// spec.questions.push(Watched::of("war", "ranked", "newest"));
/// spec.sidedness = Sidedness::Above;
/// // A sequence costs width: 2.8 standard errors here, where an interval made once has 1.6.
/// assert!((spec.stretch(500)? - 2.78).abs() < 0.01);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitorSpec {
    /// The questions, one or more. Each has a sequence of its own at [`level`](Self::level); for all of
    /// `m` to hold together, ask for `1 - (1 - level) / m`.
    pub questions: Vec<Watched>,
    /// How the tallies are made that will be observed. Windows of time may differ: they are added up.
    pub tally: TallySpec,
    /// The confidence level, in (0, 1); above 1/2 for one side.
    pub level: f64,
    /// On which sides the statistics are bounded.
    pub sidedness: Sidedness,
    /// The number of clusters, 1 or more, at which the sequence is to be narrowest. It is valid at all
    /// others, and costs little at some times more or fewer.
    pub target: u64,
    /// Clusters in each arm, 2 or more, before there is an interval: the method is asymptotic. Enough of
    /// them must carry the topic as well ([`NoInterval::ThinTopic`](crate::NoInterval::ThinTopic)).
    pub start: u64,
    /// Whether each look is kept.
    pub trail: Trail,
}

/// Whether a monitor keeps what it saw at each observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// A label, and some 50 bytes for each question.
    #[default]
    Kept,
    /// Nothing; what is intersected over time, and when the null was first excluded, is kept anyway.
    Dropped,
}

/// A question that is watched.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// One of [`statistic::ALL`], saved by its name. Only totals over all strata can be watched.
    #[serde(with = "by_name")]
    pub statistic: &'static dyn Statistic,
    /// The topic. It need not have been shown yet.
    pub topic: String,
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with.
    pub baseline: Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions stand below the line.
    pub denominator: Denominator,
    /// The position model, one of the tallies'.
    pub attention: Attention,
    /// The value that the sequence is to be held against.
    pub null: Null,
}

/// The value that a sequence is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Null {
    /// Equal shares in both arms: a ratio of 1, a difference of 0. A share of one arm alone has no
    /// such value.
    #[default]
    NoAmplification,
    /// A value on the reported scale.
    At(f64),
}

impl MonitorSpec {
    /// No questions yet; viewers as clusters, uniform attention, 95% on two sides from 20 clusters in
    /// each arm, narrowest at `target` clusters.
    #[must_use]
    pub fn for_clusters(target: u64) -> Self {
        Self {
            questions: Vec::new(),
            tally: TallySpec::default(),
            level: 0.95,
            sidedness: Sidedness::default(),
            target,
            start: 20,
            trail: Trail::default(),
        }
    }

    /// By how many standard errors the sequence reaches after this many clusters; infinite at 0. At
    /// the target and 95% it is 3.04 on two sides, where an interval made once has 1.96.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level or target outside its range.
    pub fn stretch(&self, clusters: u64) -> Result<f64, Error> {
        Ok(self.boundary()?.stretch(clusters))
    }

    pub(super) fn boundary(&self) -> Result<Boundary, Error> {
        check_level(self.level)?;
        if self.sidedness != Sidedness::TwoSided && self.level <= 0.5 {
            return refuse("level", self.level, "above 1/2 for a sequence on one side");
        }
        if self.target == 0 {
            return refuse("target", 0, "1 cluster or more");
        }
        Ok(Boundary::tuned(1.0 - self.level, self.sidedness, self.target))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.boundary()?;
        self.tally.check()?;
        if self.questions.is_empty() {
            return refuse("the number of questions", 0, "1 or more");
        }
        if self.start < 2 {
            return refuse("start", self.start, "2 clusters or more");
        }
        if !self.tally.cluster.has_stable_keys() {
            let cluster = ClusterBy::to_string(&self.tally.cluster);
            return refuse("the cluster of a monitor", cluster, "something that has an id");
        }
        self.questions.iter().try_for_each(|watched| watched.check(&self.tally))
    }
}

impl Watched {
    /// The amplification ratio of a topic between two arms: pooled, of all impressions, with uniform
    /// attention, held against no amplification.
    pub fn of(
        topic: impl Into<String>,
        treatment: impl Into<String>,
        baseline: impl Into<String>,
    ) -> Self {
        Self {
            statistic: &AmplificationRatio,
            topic: topic.into(),
            treatment: treatment.into(),
            baseline: Baseline::arm(baseline),
            unit: Unit::default(),
            denominator: Denominator::default(),
            attention: Attention::default(),
            null: Null::default(),
        }
    }

    pub(super) fn question(&self) -> Question<'_> {
        Question {
            topic: &self.topic,
            treatment: &self.treatment,
            baseline: &self.baseline,
            unit: self.unit,
            denominator: self.denominator,
            attention: &self.attention,
        }
    }

    pub(super) fn cells(&self) -> Vec<Cell> {
        self.statistic.cells(1)
    }

    /// The null on the reported scale.
    pub(super) fn null(&self) -> Option<f64> {
        match self.null {
            Null::At(value) => Some(value),
            Null::NoAmplification => {
                self.statistic.null().map(|null| self.statistic.scale().reported(null))
            }
        }
    }

    pub(super) fn estimand(&self, tally: &TallySpec) -> Estimand {
        Estimand {
            statistic: self.statistic.name().to_owned(),
            phrase: statistic::phrase_in_full(self.statistic),
            topic: self.topic.clone(),
            treatment: self.treatment.clone(),
            baseline: self.baseline.clone(),
            unit: self.unit,
            denominator: self.denominator,
            // Those of the looks, which come later.
            weights: Weights::Unknown,
            attention: self.attention.clone(),
            multi_label: tally.multi_label,
            cluster: tally.cluster.clone(),
            second_cluster: None,
            // Only totals over all strata are watched.
            strata: StratifyBy::Nothing,
            kept: Vec::new(),
        }
    }

    fn check(&self, tally: &TallySpec) -> Result<(), Error> {
        statistic::check_unit(self.statistic, self.unit)?;
        let name = self.statistic.name();
        let own = statistic::Checked::of(self.statistic, 1)?.is_some();
        let listed = statistic::ALL.iter().any(|its| its.name() == name);
        if own || !listed || self.cells().iter().any(|cell| cell.over != Over::AllStrata) {
            let expected = "one of statistic::ALL, of totals over all strata";
            return refuse("the statistic of a monitor", name, expected);
        }
        match &self.baseline {
            Baseline::Arm(baseline) if *baseline == self.treatment => {
                return Err(Error::SameArm { arm: baseline.clone() });
            }
            Baseline::Arm(_) => {}
            other => {
                let expected = "Baseline::Arm; an arm made by a replay is one";
                return refuse("the baseline of a monitor", other, expected);
            }
        }
        if !tally.attentions.contains(&self.attention) {
            return Err(Error::UnknownAttention {
                attention: self.attention.to_string(),
                available: tally.attentions.iter().map(Attention::to_string).collect(),
            });
        }
        match self.null {
            Null::At(value) if !value.is_finite() => refuse("the null", value, "a finite number"),
            _ => Ok(()),
        }
    }
}

fn refuse<T>(
    parameter: &'static str,
    value: impl ToString,
    expected: &'static str,
) -> Result<T, Error> {
    Err(Error::Parameter { parameter, value: value.to_string(), expected })
}

/// A statistic as its name.
mod by_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::statistic::{ALL, Statistic};

    pub(super) fn serialize<S: Serializer>(
        statistic: &&'static dyn Statistic,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(statistic.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<&'static dyn Statistic, D::Error> {
        let name = String::deserialize(from)?;
        let known = ALL.iter().find(|statistic| statistic.name() == name);
        known.copied().ok_or_else(|| D::Error::custom(format!("there is no statistic {name:?}")))
    }
}
