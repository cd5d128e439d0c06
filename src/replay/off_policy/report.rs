//! What comes out: estimates, or the reason why one is refused, with what to beware of. Plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::measure::Measure;
use super::weights::WeightDiagnostics;
use crate::base::text::number;
use crate::estimate::{ClusterCounts, Measured, Naive, Warning};
use crate::inference::Interval;
use crate::log::Keep;
use crate::question::attention::Attention;
use crate::question::propensity::{Clip, Floor};
use crate::tally::{ClusterBy, MultiLabel, Weights};

/// Why an estimate is refused.
///
/// ```
/// use tiltmeter::replay::off_policy::Refusal;
/// let refusal = Refusal::BelowFloor { effective_size: 2.0, floor: 100.0, impressions: 10_000 };
/// assert!(refusal.to_string().starts_with("10000 logged impressions are worth 2.000 of the"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The log is worth too few impressions of the target.
    BelowFloor {
        /// What it is worth, `(sum w)^2 / sum w^2`.
        effective_size: f64,
        /// The least that would do.
        floor: f64,
        /// Impressions of the logging arm.
        impressions: u64,
    },
    /// The target would have shown nothing of what was logged: all weights, or for topics all weights
    /// times exposure masses, are 0.
    NoWeight,
    /// The reward model is to be fitted on other clusters, and there is but one.
    SingleCluster,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BelowFloor { effective_size, floor, impressions } => write!(
                f,
                "{impressions} logged impressions are worth {} of the target's, less than the {} asked for: a few of them carry nearly all the weight",
                number(*effective_size),
                number(*floor)
            ),
            Self::NoWeight => f.write_str("the target would have shown nothing of what was logged"),
            Self::SingleCluster => f.write_str(
                "the reward model is fitted on other clusters, and there is a single one",
            ),
        }
    }
}

/// A number for a measure, with all that is needed to judge it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The value and how sure one may be of it; the standard error on the scale that [`Measure`] names.
    pub measured: Measured,
    /// The error if impressions were independent.
    pub naive: Option<Naive>,
    /// Clusters of the arm that the measure is of; of the logging arm for differences.
    pub clusters: u64,
    /// For differences, the clusters of the logging arm (treatment) and of the other one (baseline),
    /// and whether they share some.
    pub arms: Option<ClusterCounts>,
}

crate::estimate::measured::is_measured!(Answer);

/// Something to know before believing a number.
///
/// ```
/// use tiltmeter::replay::off_policy::Caution;
/// let caution = Caution::Uncovered { probability: 0.125 };
/// assert!(caution.to_string().starts_with("12.50% of what the target shows"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Caution {
    /// The effective size is below the floor, which was overridden.
    BelowFloor {
        /// The effective size.
        effective_size: f64,
        /// The floor.
        floor: f64,
    },
    /// Items that the log never shows are left out of the target.
    UnshownItemsNotCounted {
        /// Items that are counted.
        items: u64,
    },
    /// The target shows items that the logging arm never shows; the log says nothing of them.
    Uncovered {
        /// How often it does, from 0 to 1.
        probability: f64,
    },
    /// Probabilities of the target add up to less than 1; IPS counts what is missing as showing
    /// nothing, SNIPS leaves it out.
    TargetBelowOne {
        /// Their sum.
        sum: f64,
    },
    /// Weights were clipped: estimates of the target lean toward the logging policy.
    Clipped {
        /// How many.
        impressions: u64,
        /// How much of all weight was cut, from 0 to 1.
        mass: f64,
    },
    /// The mean weight is not what it must be if propensities and target are right.
    MeanWeightOff {
        /// The mean weight.
        mean: f64,
        /// What it should be near.
        expected: f64,
    },
    /// Fewer than 10 clusters.
    FewClusters {
        /// How many.
        clusters: u64,
    },
    /// What is added up comes from few of the clusters.
    FewCarriers {
        /// From as if so many of equal size, `(sum x)^2 / sum x^2`.
        effective: f64,
        /// Of so many.
        clusters: u64,
    },
    /// Rows of the log were set aside.
    RowsSetAside {
        /// How many.
        rows: u64,
    },
    /// Every impression counted as its own cluster.
    ImpressionsAsClusters,
    /// One of the interval.
    Inference {
        /// The warning.
        warning: Warning,
    },
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: f64| format!("{}%", number(100.0 * part));
        match self {
            Self::BelowFloor { effective_size, floor } => write!(
                f,
                "the log is worth {} impressions of the target, less than the floor of {}, which was overridden: do not rely on numbers about the target",
                number(*effective_size),
                number(*floor)
            ),
            Self::UnshownItemsNotCounted { items } => write!(
                f,
                "the target is uniform over the {items} items that the logging arm shows; items that it never shows are not counted"
            ),
            Self::Uncovered { probability } => write!(
                f,
                "{} of what the target shows are items that the logging arm never shows; the log says nothing of them",
                percent(*probability)
            ),
            Self::TargetBelowOne { sum } => write!(
                f,
                "the target's probabilities add up to {}: IPS counts the rest as showing nothing, SNIPS leaves it out",
                number(*sum)
            ),
            Self::Clipped { impressions, mass } => write!(
                f,
                "{impressions} weights were clipped, {} of all weight: estimates lean toward the logging policy",
                percent(*mass)
            ),
            Self::MeanWeightOff { mean, expected } => write!(
                f,
                "the mean weight is {} where {} is expected, and its interval does not reach there: propensities or target may be wrong",
                number(*mean),
                number(*expected)
            ),
            Self::FewClusters { clusters } => write!(
                f,
                "only {clusters} {}: intervals from fewer than 10 tend to be too short",
                if *clusters == 1 { "cluster" } else { "clusters" }
            ),
            Self::FewCarriers { effective, clusters } => write!(
                f,
                "what is added up comes from few of the {clusters} clusters, as if from {effective:.1} of equal size"
            ),
            Self::RowsSetAside { rows } => write!(f, "{rows} rows of the log were set aside"),
            Self::ImpressionsAsClusters => Warning::ImpressionsAsClusters.fmt(f),
            Self::Inference { warning } => warning.fmt(f),
        }
    }
}

/// One estimate.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct OffPolicyEstimate {
    /// What is estimated.
    pub measure: Measure,
    /// Of which topic; `None` for rewards and weights.
    pub topic: Option<String>,
    /// The estimand in a sentence.
    pub sentence: String,
    /// The answer, or why it is refused: then there is no number.
    pub answer: Result<Answer, Refusal>,
    /// What a reader should know of this estimate.
    pub warnings: Vec<Caution>,
}

impl OffPolicyEstimate {
    /// The value if it is a finite number; `None` where it is refused, infinite or undefined.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let answer = self.answer.ok()?;
        answer.value.number().filter(|value| value.is_finite())
    }
}

/// The question, as it was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OffPolicyQuestion {
    /// The logging arm.
    pub arm: String,
    /// The target policy, in words.
    pub target: String,
    /// Whether weights were clipped.
    pub clip: Clip,
    /// The floor of the effective sample size.
    pub floor: Floor,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// How intervals are made.
    pub interval: Interval,
    /// What impressions weigh in exposure shares; rewards are of impressions alike.
    #[serde(default)]
    pub weights: Weights,
    /// The position model of exposure shares.
    pub attention: Attention,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
    /// Which rows were asked about, by the ids in columns; all of them if there is nothing here.
    #[serde(default)]
    pub kept: Vec<Keep>,
    /// The reward model, in words; `None` without a doubly robust estimate.
    pub reward_model: Option<String>,
    /// The arm that is checked against.
    pub check: Option<String>,
}

/// The answer of [`OffPolicy`](super::OffPolicy).
///
/// `Display` prints tables and warnings; [`to_json`](Self::to_json) the versioned JSON of
/// [`OffPolicyRecord`](super::OffPolicyRecord).
///
/// ```
/// # use tiltmeter::log::{LogSchema, TopicColumn};
/// # use tiltmeter::{ExposureLog, Question, source::SliceSource};
/// # let source = SliceSource::new("example")
/// #     .text("who", &["1", "1", "2", "2", "3", "3"])
/// #     .text("feed", &["ranked"; 6])
/// #     .text("what", &["a", "b", "a", "a", "a", "b"])
/// #     .text("about", &["war", "sport", "war", "war", "war", "sport"])
/// #     .integer("click", &[1, 0, 0, 1, 0, 1])
/// #     .float("chance", &[0.8, 0.2, 0.8, 0.8, 0.8, 0.2]);
/// # let schema = LogSchema::new()
/// #     .viewer("who")
/// #     .arm("feed")
/// #     .item("what")
/// #     .topics(TopicColumn::single("about"))
/// #     .engagement("click")
/// #     .propensity("chance");
/// # let log = ExposureLog::read(source, &schema)?;
/// # use tiltmeter::replay::off_policy::{Measure, OffPolicy, Refusal, Target};
/// let question = Question::of_arm("ranked");
/// let report = OffPolicy::of(&log, &question).target(Target::Uniform { items: 2 }).run()?;
/// assert!(matches!(report.refusal(), Some(Refusal::BelowFloor { impressions: 6, .. })));
/// // What was logged stands all the same.
/// let logged = report.estimate(Measure::LoggedReward).and_then(|its| its.number());
/// assert_eq!(logged, Some(0.5));
/// assert_eq!(report.topics(), ["sport", "war"]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct OffPolicyReport {
    /// The question.
    pub asked: OffPolicyQuestion,
    /// What the weights are worth.
    pub weights: WeightDiagnostics,
    /// Effective size of weights times exposure mass, which topics go by.
    pub exposure_effective_size: f64,
    /// The estimates: rewards and weights first, then by topic.
    pub estimates: Vec<OffPolicyEstimate>,
    /// What a reader should know of all of them.
    pub warnings: Vec<Caution>,
}

impl OffPolicyReport {
    /// The estimate of a measure that is not of a topic; `None` where the log or the question has
    /// nothing for it.
    pub fn estimate(&self, measure: Measure) -> Option<&OffPolicyEstimate> {
        self.estimates.iter().find(|its| its.measure == measure && its.topic.is_none())
    }

    /// The estimate of a measure of a topic.
    pub fn of_topic(&self, measure: Measure, topic: &str) -> Option<&OffPolicyEstimate> {
        let is_it = |its: &&OffPolicyEstimate| {
            its.measure == measure && its.topic.as_deref() == Some(topic)
        };
        self.estimates.iter().find(is_it)
    }

    /// Why estimates of the target are refused; `None` where none is.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.estimates.iter().find_map(|estimate| estimate.answer.err())
    }

    /// The topics, in the order of their estimates.
    #[must_use]
    pub fn topics(&self) -> Vec<&str> {
        let mut topics: Vec<&str> = Vec::new();
        for topic in self.estimates.iter().filter_map(|its| its.topic.as_deref()) {
            if topics.last() != Some(&topic) {
                topics.push(topic);
            }
        }
        topics
    }
}
