//! A question, put together once and taken by whatever answers it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::attention::Attention;
use super::baseline::Baseline;
use super::cluster::{ClusterBy, StratifyBy};
use super::correction::Correction;
use super::estimand::{Denominator, Unit};
use super::groups::{GroupBy, Pairs};
use super::multi_label::MultiLabel;
use super::window::WindowBy;
use crate::error::Error;
use crate::statistic::{AnyStatistic, Side};

/// What is asked: of which arm, against what, about which topics, by which statistics, and how impressions
/// are weighed, counted and grouped.
///
/// It is put together once, and audits, sensitivity tables, decompositions, off-policy estimates, monitors,
/// truths and coverage studies take it; as JSON or TOML it is the `question` of a study file.
///
/// What is not said is the default: all topics, the amplification ratio, pooled over viewers, of all
/// impressions alike. `None` leaves it to what is asked: a log answers with the default that stands with the
/// field, a tally that was made before with what it was made by. A question that says otherwise than the
/// tally is an error ([`Error::OtherTally`]).
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::sensitivity::Sensitivity;
/// use tiltmeter::statistic::Difference;
/// use tiltmeter::{Audit, ClusterBy, Question, Unit};
///
/// let question = Question::between("ranked", "newest")
///     .topics(["war"])
///     .statistic(Difference)
///     .unit(Unit::ClusterMean)
///     .cluster(ClusterBy::Viewer);
/// let report = Audit::of(&log, &question).run()?;
/// assert_eq!(report.estimates().len(), 1);
/// // The same question, under every choice that could have been made.
/// let table = Sensitivity::of(&log, &question).run()?;
/// assert!(table.rows().len() > 10);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[must_use]
#[non_exhaustive]
pub struct Question {
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with; nothing for a question about one arm by itself ([`Question::of_arm`]). A
    /// study file must say it, for shares alone as `"nothing"`.
    #[serde(deserialize_with = "must_be_said")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Baseline"))]
    pub baseline: Option<Baseline>,
    /// The topics, in the order of the answers; an empty list, or none, means all.
    #[serde(default, skip_serializing_if = "Topics::are_all")]
    pub topics: Topics,
    /// The statistics, in the order of the answers, each once; the amplification ratio if there are none
    /// here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<AnyStatistic>,
    /// How clusters are put together.
    #[serde(default)]
    pub unit: Unit,
    /// Which impressions form the denominator.
    #[serde(default)]
    pub denominator: Denominator,
    /// The position model. Left open it is uniform for a log, and the first that a tally has.
    #[serde(default = "by_default", serialize_with = "or_default")]
    pub attention: Option<Attention>,
    /// How several topics share an impression. Left open it is full for a log, and the tally's own.
    #[serde(default = "by_default", serialize_with = "or_default")]
    pub multi_label: Option<MultiLabel>,
    /// The groups kept apart. Left open they are the log's stratum, where it has one, and the tally's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strata: Option<StratifyBy>,
    /// The unit that was assigned or sampled independently. Left open it is the viewer for a log, and the
    /// tally's own.
    #[serde(default = "by_default", serialize_with = "or_default")]
    pub cluster: Option<ClusterBy>,
    /// A second such unit, for impressions that are alike for two reasons: the same device and the same
    /// week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_cluster: Option<ClusterBy>,
    /// How labels are corrected by those that were given by hand; not at all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<Correction>,
    /// The groups that are answered one by one; one answer for all by default.
    #[serde(default, skip_serializing_if = "GroupBy::is_nothing")]
    pub groups: GroupBy,
}

/// Which topics are asked about. In files a list; an empty one, or none, means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub enum Topics {
    /// All that the log has, by name.
    #[default]
    All,
    /// These.
    Named(Vec<String>),
}

impl Topics {
    const fn are_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Those that are named, if any are.
    #[must_use]
    pub fn named(&self) -> Option<&[String]> {
        match self {
            Self::All => None,
            Self::Named(topics) => Some(topics),
        }
    }
}

impl From<Vec<String>> for Topics {
    fn from(topics: Vec<String>) -> Self {
        if topics.is_empty() { Self::All } else { Self::Named(topics) }
    }
}

impl From<Topics> for Vec<String> {
    fn from(topics: Topics) -> Self {
        match topics {
            Topics::All => Self::new(),
            Topics::Named(topics) => topics,
        }
    }
}

/// A part of a question that not every answer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Baseline,
    Topics,
    Statistics,
    Unit,
    Denominator,
    Strata,
    SecondCluster,
    Correction,
    Groups,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Topics => "topics",
            Self::Statistics => "statistics",
            Self::Unit => "unit",
            Self::Denominator => "denominator",
            Self::Strata => "strata",
            Self::SecondCluster => "second cluster",
            Self::Correction => "correction of labels",
            Self::Groups => "groups",
        }
    }
}

impl Question {
    /// How an arm differs from a baseline: another arm by its name, or any [`Baseline`].
    pub fn between(treatment: impl Into<String>, baseline: impl Into<Baseline>) -> Self {
        Self { baseline: Some(baseline.into()), ..Self::of_arm(treatment) }
    }

    /// What one arm did, against nothing in particular: its shares
    /// ([`TreatmentShare`](crate::statistic::TreatmentShare)), a [`Waterfall`](crate::decompose::Waterfall) over its
    /// stages, or with [`OffPolicy`](crate::replay::off_policy::OffPolicy) what another policy would have done. Of a
    /// log without a column of arms all is one arm, whatever it is called here.
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::statistic::TreatmentShare;
    /// use tiltmeter::{Audit, ExposureLog, Question};
    ///
    /// let schema = LogSchema::new().viewer("viewer_id").topics(TopicColumn::json("topics"));
    /// let log = ExposureLog::open("data/feed.csv", &schema)?;
    /// let question = Question::of_arm("the whole feed").statistic(TreatmentShare);
    /// let report = Audit::of(&log, &question).run()?;
    /// let politics = report.get("politics")?;
    /// assert!(politics.value().is_some_and(|share| share > 0.1 && share < 0.4));
    /// assert!(politics.low() < politics.value() && politics.value() < politics.high());
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    pub fn of_arm(arm: impl Into<String>) -> Self {
        Self {
            treatment: arm.into(),
            baseline: None,
            topics: Topics::All,
            statistics: Vec::new(),
            unit: Unit::default(),
            denominator: Denominator::default(),
            attention: None,
            multi_label: None,
            strata: None,
            cluster: None,
            second_cluster: None,
            correct: None,
            groups: GroupBy::default(),
        }
    }

    /// Against another baseline.
    pub fn against(mut self, baseline: impl Into<Baseline>) -> Self {
        self.baseline = Some(baseline.into());
        self
    }

    /// About these topics, in this order and each once.
    pub fn topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.topics = Topics::Named(topics.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a statistic. One of the library that is added twice is asked for once.
    pub fn statistic(mut self, statistic: impl Into<AnyStatistic>) -> Self {
        self.statistics.push(statistic.into());
        self
    }

    /// How clusters are put together.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Which impressions form the denominator.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.denominator = denominator;
        self
    }

    /// The position model.
    pub fn attention(mut self, attention: Attention) -> Self {
        self.attention = Some(attention);
        self
    }

    /// How several topics share an impression.
    pub fn multi_label(mut self, rule: MultiLabel) -> Self {
        self.multi_label = Some(rule);
        self
    }

    /// The groups kept apart. Groups that neither statistics nor test look at are warned of.
    pub fn strata(mut self, strata: StratifyBy) -> Self {
        self.strata = Some(strata);
        self
    }

    /// The unit that was assigned or sampled independently.
    pub fn cluster(mut self, cluster: ClusterBy) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// A second such unit. See [`TwoWay`](crate::tally::TwoWay).
    pub fn second_cluster(mut self, cluster: ClusterBy) -> Self {
        self.second_cluster = Some(cluster);
        self
    }

    /// Corrects labels by those that were given by hand.
    pub fn correct(mut self, correction: Correction) -> Self {
        self.correct = Some(correction);
        self
    }

    /// For each value of a column by itself; said again, for each combination. An [`Audit`](crate::Audit) of
    /// a log answers all groups in one report.
    pub fn by(mut self, column: impl Into<String>) -> Self {
        self.groups.columns.push(column.into());
        self
    }

    /// For each window of time by itself.
    pub fn windows(mut self, windows: WindowBy) -> Self {
        self.groups.windows = windows;
        self
    }

    /// For every arm against every other.
    pub fn all_pairs(mut self) -> Self {
        self.groups.pairs = Pairs::All;
        self
    }

    /// Refuses a question that says what an answer of this kind does not look at; groups, which audits of
    /// logs alone look at, always.
    ///
    /// # Errors
    /// [`Error::NotLookedAt`] for the first of these parts that is said.
    pub(crate) fn refuse(&self, by: &'static str, parts: &[Part]) -> Result<(), Error> {
        let said = |part: &Part| self.said(*part).map(|said| (*part, said));
        match [Part::Groups].iter().chain(parts).find_map(said) {
            Some((part, said)) => Err(Error::NotLookedAt { by, part: part.name(), said }),
            None => Ok(()),
        }
    }

    /// What a part says, if it says other than its default.
    fn said(&self, part: Part) -> Option<String> {
        match part {
            Part::Baseline => self.baseline.as_ref().map(ToString::to_string),
            Part::Topics => self.topics.named().map(|topics| format!("{topics:?}")),
            Part::Statistics => self.statistics.first().map(|its| its.name().to_owned()),
            Part::Unit => (self.unit != Unit::default()).then(|| self.unit.to_string()),
            Part::Denominator => (self.denominator != Denominator::default())
                .then(|| "tagged impressions".to_owned()),
            Part::Strata => (self.strata.as_ref())
                .filter(|strata| **strata != StratifyBy::Nothing)
                .map(ToString::to_string),
            Part::SecondCluster => self.second_cluster.as_ref().map(ToString::to_string),
            Part::Correction => self.correct.as_ref().map(ToString::to_string),
            Part::Groups => (!self.groups.is_nothing()).then(|| self.groups.to_string()),
        }
    }

    /// The baseline in words, for pages.
    #[cfg(feature = "plot")]
    pub(crate) fn baseline_in_words(&self) -> String {
        self.baseline.as_ref().map_or_else(|| "no baseline".to_owned(), ToString::to_string)
    }

    /// Which arm is asked about, and against what, for pages.
    #[cfg(feature = "plot")]
    pub(crate) fn arms_in_words(&self) -> String {
        match &self.baseline {
            None | Some(Baseline::Nothing) => format!("arm {:?}", self.treatment),
            Some(baseline) => format!("arm {:?} against {baseline}", self.treatment),
        }
    }

    /// The baseline; nothing where the statistics are of the treatment alone.
    ///
    /// # Errors
    /// [`Error::Unstated`] for a comparison with nothing.
    pub(crate) fn needs_baseline(&self) -> Result<&Baseline, Error> {
        let call = "Question::between or Question::against";
        match &self.baseline {
            None | Some(Baseline::Nothing) if self.is_of_one_arm() => Ok(&Baseline::Nothing),
            None | Some(Baseline::Nothing) => Err(Error::Unstated { what: "baseline", call }),
            Some(baseline) => Ok(baseline),
        }
    }

    /// Whether something is asked for that keeps strata apart.
    #[must_use]
    pub fn keeps_strata(&self) -> bool {
        self.statistics.iter().any(|its| crate::statistic::keeps_strata(&**its))
    }

    /// Whether all that is asked for are statistics of the treatment alone, so that no baseline is needed.
    #[must_use]
    pub fn is_of_one_arm(&self) -> bool {
        let is_of_one =
            |its: &AnyStatistic| its.cells(2).iter().all(|cell| cell.side == Side::Treatment);
        !self.statistics.is_empty() && self.statistics.iter().all(is_of_one)
    }

    /// What is asked for, each of the library's once.
    pub(crate) fn distinct_statistics(&self) -> Vec<AnyStatistic> {
        if self.statistics.is_empty() {
            return vec![AnyStatistic::default()];
        }
        let mut seen = std::collections::HashSet::new();
        let once = |its: &&AnyStatistic| {
            !its.is_of_the_library() || seen.insert((its.name(), its.details()))
        };
        self.statistics.iter().filter(once).cloned().collect()
    }
}

/// Refuses what was said where a tally has something else.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    said: Option<&T>,
    tally: &T,
) -> Result<(), Error> {
    match said {
        Some(said) if said != tally => {
            Err(Error::OtherTally { what, said: format!("{said:?}"), tally: format!("{tally:?}") })
        }
        _ => Ok(()),
    }
}

/// A file says what it leaves to the default.
fn by_default<T: Default>() -> Option<T> {
    Some(T::default())
}

fn or_default<T: Default + Serialize, S: Serializer>(
    said: &Option<T>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match said {
        Some(said) => said.serialize(to),
        None => T::default().serialize(to),
    }
}

fn must_be_said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Baseline>, D::Error> {
    Baseline::deserialize(from).map(Some)
}
