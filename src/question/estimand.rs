//! What is estimated: a question in full, so that no number is without one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::attention::Attention;
use super::baseline::Baseline;
use super::cluster::{ClusterBy, StratifyBy};
use super::correction::Correction;
use super::groups::Group;
use super::keep::Keep;
use super::multi_label::MultiLabel;
use super::weights::Weights;
use crate::format::word::said_by_words;
pub use crate::statistic::{Reach, Unit};

/// Which impressions form the denominator of a share.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::Denominator;
/// let report = Audit::of(&log, &question.denominator(Denominator::TaggedImpressions)).run()?;
/// assert_eq!(report.estimates()[0].treatment.impressions, 8); // 9 less an untagged one
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Denominator {
    /// All impressions, untagged ones too.
    #[default]
    AllImpressions,
    /// Impressions with at least one topic.
    TaggedImpressions,
}

said_by_words!(Denominator);

/// A question in full: statistic, topic, treatment, baseline, unit, attention, labels and
/// cluster. Its `Display` is the sentence that a paper would print.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// let report = Audit::of(&log, &question.topics(["war"])).run()?;
/// assert_eq!(
///     report.estimates()[0].estimand.to_string(),
///     "the ratio of the topic's exposure share for topic \"war\", arm \"ranked\" against arm \
///      \"newest\", pooled over clusters, attention uniform; clusters: viewer"
/// );
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimand {
    /// The statistic's name.
    pub statistic: String,
    /// What the statistic is, in words.
    pub phrase: String,
    /// The topic.
    pub topic: String,
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with.
    pub baseline: Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// What impressions weigh.
    #[serde(default)]
    pub weights: Weights,
    /// The position model.
    pub attention: Attention,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// A second such unit, where impressions are alike for two reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_cluster: Option<ClusterBy>,
    /// The groups that the statistic keeps apart; [`StratifyBy::Nothing`] for one that looks at all
    /// of them together, whatever groups the tally has.
    #[serde(default)]
    pub strata: StratifyBy,
    /// How labels were corrected by those that were given by hand; not at all if nothing is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<Correction>,
    /// Which rows were asked about, by the ids in columns; all of them if there is nothing here.
    #[serde(default)]
    pub kept: Vec<Keep>,
    /// The group that is asked about, of those that were asked about one by one; none if there is nothing
    /// here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Group>,
}

impl Estimand {
    /// How shares were weighed and counted: unit, attention, denominator, labels; which strata were
    /// kept apart, and which rows and which group were asked about.
    #[must_use]
    pub fn conditions(&self) -> String {
        let mut conditions = self.conditions_of_all();
        for (at, group) in self.group.iter().enumerate() {
            conditions.push_str(if at == 0 { ", in the group where " } else { " and " });
            conditions.push_str(&group.to_string());
        }
        conditions
    }

    /// What the estimates of all groups have in common.
    pub(crate) fn conditions_of_all(&self) -> String {
        let mut conditions = self.unit.to_string();
        conditions.push_str(
            &Weighing {
                weights: &self.weights,
                attention: &self.attention,
                denominator: self.denominator,
                multi_label: self.multi_label,
            }
            .to_string(),
        );
        if let Some(correction) = &self.correct {
            conditions.push_str(&format!(", {correction}"));
        }
        match &self.strata {
            StratifyBy::Nothing => {}
            StratifyBy::Stratum => conditions.push_str(", within the log's strata"),
            StratifyBy::Column(column) => {
                conditions.push_str(&format!(", within strata of {column:?}"));
            }
        }
        conditions + &OfRows(&self.kept).to_string()
    }

    /// Which arm is compared with what, in words.
    pub(crate) fn arms(&self) -> String {
        match &self.baseline {
            Baseline::Nothing => format!("arm {:?}", self.treatment),
            baseline => format!("arm {:?} against {baseline}", self.treatment),
        }
    }
}

/// What an impression counts, as sentences say it after the unit: each part begins with a comma.
pub(crate) struct Weighing<'e> {
    pub(crate) weights: &'e Weights,
    pub(crate) attention: &'e Attention,
    pub(crate) denominator: Denominator,
    pub(crate) multi_label: MultiLabel,
}

impl fmt::Display for Weighing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Weights::Columns(_) = self.weights {
            write!(f, ", weighed by {}", self.weights)?;
        }
        write!(f, ", attention {}", self.attention)?;
        if self.denominator == Denominator::TaggedImpressions {
            f.write_str(", of tagged impressions")?;
        }
        match self.multi_label {
            MultiLabel::Fractional => f.write_str(", each of n topics counting 1/n"),
            MultiLabel::Full => Ok(()),
        }
    }
}

/// Which rows were asked about, after a comma; nothing where it is all of them.
pub(crate) struct OfRows<'e>(pub(crate) &'e [Keep]);

impl fmt::Display for OfRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, keep)| {
            write!(f, "{}{keep}", if at == 0 { ", of rows where " } else { " and " })
        })
    }
}

impl fmt::Display for Estimand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for topic {:?}, {}, {}; clusters: {}",
            self.phrase,
            self.topic,
            self.arms(),
            self.conditions(),
            self.cluster
        )?;
        match &self.second_cluster {
            Some(second) => write!(f, " and {second}"),
            None => Ok(()),
        }
    }
}
