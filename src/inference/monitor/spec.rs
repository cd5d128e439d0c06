//! What is monitored, and how: declared before the first cluster comes in. Plain data.

use serde::{Deserialize, Serialize};

use super::sequence::{Boundary, Sidedness};
use crate::error::Error;
use crate::inference::check_level;
use crate::inference::question::TopicQuestion;
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Estimand, Unit};
use crate::question::whole::{Part, Question, same};
use crate::statistic::{self, AnyStatistic, Cell, Over};
use crate::tally::{ClusterBy, StratifyBy, TallySpec, Weights};

/// What a [`Monitor`](super::Monitor) watches, and how: to be declared before the first cluster.
///
/// ```
/// use tiltmeter::Question;
/// use tiltmeter::inference::{MonitorSpec, Sidedness};
/// let question = Question::between("ranked", "newest").topics(["war"]);
/// let mut spec = MonitorSpec::of(&question, 500)?;
/// spec.sidedness = Sidedness::Above;
/// // A sequence costs width: 2.8 standard errors here, where an interval made once has 1.6.
/// assert!((spec.stretch(500)? - 2.78).abs() < 0.01);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct MonitorSpec {
    /// The questions, one or more. Each has a sequence of its own at [`level`](Self::level); for all of
    /// `m` to hold together, ask for `1 - (1 - level) / m`.
    pub questions: Vec<MonitoredQuestion>,
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

/// One topic and statistic of a question, and the value that its sequence is held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct MonitoredQuestion {
    question: Question,
    topic: String,
    statistic: AnyStatistic,
    baseline: Baseline,
    attention: Attention,
    null: Null,
}

/// The same as files have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    statistic: AnyStatistic,
    topic: String,
    treatment: String,
    baseline: Baseline,
    unit: Unit,
    denominator: Denominator,
    attention: Attention,
    null: Null,
}

impl From<MonitoredQuestion> for Saved {
    fn from(watched: MonitoredQuestion) -> Self {
        let MonitoredQuestion { question, topic, statistic, baseline, attention, null } = watched;
        let Question { treatment, unit, denominator, .. } = question;
        Self { statistic, topic, treatment, baseline, unit, denominator, attention, null }
    }
}

impl From<Saved> for MonitoredQuestion {
    fn from(saved: Saved) -> Self {
        let question = Question::between(saved.treatment, saved.baseline.clone())
            .topics([&saved.topic])
            .statistic(saved.statistic.clone())
            .unit(saved.unit)
            .denominator(saved.denominator)
            .attention(saved.attention.clone());
        let Saved { statistic, topic, baseline, attention, null, .. } = saved;
        Self { question, topic, statistic, baseline, attention, null }
    }
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
    /// Each topic and statistic of a question, held against no amplification: at 95% on two sides from 20
    /// clusters in each arm, narrowest at `target` clusters. Clusters, labels and attention of the tallies
    /// are the question's, by default viewers, in full and uniform.
    ///
    /// # Errors
    /// [`Error::Unstated`] for a question without topics or baseline, [`Error::NotLookedAt`] for one with
    /// strata or a second way of clustering.
    pub fn of(question: &Question, target: u64) -> Result<Self, Error> {
        Ok(Self {
            questions: MonitoredQuestion::all(question, Null::default())?,
            tally: TallySpec {
                cluster: question.cluster.clone().unwrap_or_default(),
                attentions: vec![question.attention.clone().unwrap_or_default()],
                multi_label: question.multi_label.unwrap_or_default(),
                ..TallySpec::default()
            },
            level: 0.95,
            sidedness: Sidedness::default(),
            target,
            start: 20,
            trail: Trail::default(),
        })
    }

    /// Watches another question as well, of the same clusters and labels; its attention is added to the
    /// tallies.
    ///
    /// # Errors
    /// Those of [`of`](Self::of), and [`Error::OtherTally`] for other clusters or labels.
    pub fn and(mut self, question: &Question) -> Result<Self, Error> {
        same("cluster", question.cluster.as_ref(), &self.tally.cluster)?;
        same("counting of labels", question.multi_label.as_ref(), &self.tally.multi_label)?;
        let more = MonitoredQuestion::all(question, Null::default())?;
        let attention = question.attention.clone().unwrap_or_default();
        if !self.tally.attentions.contains(&attention) {
            self.tally.attentions.push(attention);
        }
        self.questions.extend(more);
        Ok(self)
    }

    /// Holds all sequences against this value.
    pub fn against(mut self, null: Null) -> Self {
        self.questions.iter_mut().for_each(|its| its.null = null);
        self
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

impl MonitoredQuestion {
    /// Each topic and statistic of a question, in that order.
    fn all(question: &Question, null: Null) -> Result<Vec<Self>, Error> {
        let parts = [Part::Strata, Part::SecondCluster, Part::Correction];
        question.refuse("a monitor", &parts)?;
        let Some(topics) = question.topics.named() else {
            let call = "Question::topics, since a monitor is told before there is a log";
            return Err(Error::Unstated { what: "topics", call });
        };
        let baseline = question.needs_baseline()?;
        let attention = question.attention.clone().unwrap_or_default();
        let statistics = question.distinct_statistics();
        let each = topics.iter().flat_map(|topic| statistics.iter().map(move |its| (topic, its)));
        Ok(each
            .map(|(topic, statistic)| Self {
                question: Question {
                    topics: vec![topic.clone()].into(),
                    statistics: vec![statistic.clone()],
                    ..question.clone()
                },
                topic: topic.clone(),
                statistic: statistic.clone(),
                baseline: baseline.clone(),
                attention: attention.clone(),
                null,
            })
            .collect())
    }

    /// What is asked: a question with this topic and statistic alone.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The topic. It need not have been shown yet.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The statistic, of totals over all strata.
    #[must_use]
    pub fn statistic(&self) -> &AnyStatistic {
        &self.statistic
    }

    /// The value that the sequence is held against.
    #[must_use]
    pub const fn held_against(&self) -> Null {
        self.null
    }

    pub(super) fn of_topic(&self) -> TopicQuestion<'_> {
        TopicQuestion {
            topic: &self.topic,
            treatment: &self.question.treatment,
            baseline: &self.baseline,
            unit: self.question.unit,
            denominator: self.question.denominator,
            attention: &self.attention,
            correction: None,
        }
    }

    pub(super) const fn unit(&self) -> Unit {
        self.question.unit
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
            phrase: statistic::phrase_in_full(&*self.statistic),
            topic: self.topic.clone(),
            treatment: self.question.treatment.clone(),
            baseline: self.baseline.clone(),
            unit: self.question.unit,
            denominator: self.question.denominator,
            // Those of the looks, which come later.
            weights: Weights::Unknown,
            attention: self.attention.clone(),
            multi_label: tally.multi_label,
            cluster: tally.cluster.clone(),
            second_cluster: None,
            correct: None,
            // Only totals over all strata are watched.
            strata: StratifyBy::Nothing,
            kept: Vec::new(),
            group: Vec::new(),
        }
    }

    fn check(&self, tally: &TallySpec) -> Result<(), Error> {
        statistic::check_unit(&*self.statistic, self.unit())?;
        statistic::refuse_within(self.unit(), "a monitor")?;
        let name = self.statistic.name();
        let own = statistic::Checked::of(&*self.statistic, 1)?.is_some();
        let listed = statistic::ALL.iter().any(|its| its.name() == name);
        if own || !listed || self.cells().iter().any(|cell| cell.over != Over::AllStrata) {
            let expected = "one of statistic::ALL, of totals over all strata";
            return refuse("the statistic of a monitor", name, expected);
        }
        match &self.baseline {
            Baseline::Arm(baseline) if *baseline == self.question.treatment => {
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
