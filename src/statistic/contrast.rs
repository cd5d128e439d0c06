//! One amplification against another: of two topics, or in two strata. Both come from the same clusters, so that
//! what they have in common is in the error of the contrast.

use serde::{Deserialize, Serialize};

use super::{
    AmplificationRatio, Cell, Difference, LogRatio, OddsRatio, Over, PercentAmplification,
    Quantity, Scale, Statistic, Undefined, Working,
};
use crate::base::printable::quoted;
use crate::error::Error;

/// The names of contrasts, which take parameters.
pub(super) const NAMES: [&str; 2] = ["topic_contrast", "stratum_contrast"];

/// What is contrasted: a statistic that compares two shares, by the name that it has elsewhere.
///
/// ```
/// use tiltmeter::statistic::{ShareStatistic, TopicContrast};
/// let by_difference = TopicContrast::against("sport").of(ShareStatistic::Difference);
/// assert_ne!(by_difference, TopicContrast::against("sport"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShareStatistic {
    /// The ratio of the topic's shares ([`AmplificationRatio`](struct@AmplificationRatio)).
    #[default]
    AmplificationRatio,
    /// Its natural logarithm ([`LogRatio`](struct@LogRatio)).
    LogRatio,
    /// By how many percent the ratio is above 1 ([`PercentAmplification`](struct@PercentAmplification)).
    PercentAmplification,
    /// The difference of the topic's shares ([`Difference`](struct@Difference)).
    Difference,
    /// The ratio of the topic's odds ([`OddsRatio`](struct@OddsRatio)).
    OddsRatio,
}

impl ShareStatistic {
    fn get(self) -> &'static dyn Statistic {
        match self {
            Self::AmplificationRatio => &AmplificationRatio,
            Self::LogRatio => &LogRatio,
            Self::PercentAmplification => &PercentAmplification,
            Self::Difference => &Difference,
            Self::OddsRatio => &OddsRatio,
        }
    }
}

/// How much more a topic is amplified than another one: the ratio of their ratios, or the difference of their
/// differences, in the same two arms.
///
/// On the working scale it is the value for the topic asked about less that for the other; so of
/// [`AmplificationRatio`](super::AmplificationRatio), the default, it is `R / R_other`, and 1 where both are
/// amplified alike. Clusters are those of both, with their covariance: a viewer who sees much of one topic sees
/// less of the other. [`ShareBounds`](crate::inference::ShareBounds) are put together from those of the two
/// values.
///
/// Undefined where either value is, and where both are infinite.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// use tiltmeter::statistic::{AmplificationRatio, TopicContrast};
/// let question = Question::between("ranked", "newest")
///     .statistic(AmplificationRatio)
///     .statistic(TopicContrast::against("sport"));
/// let report = Audit::of(&log, &question).run()?;
/// let of = |topic| report.get(topic).map(|its| its.value().unwrap());
/// let contrast = report.estimate(&TopicContrast::against("sport"), "war").unwrap();
/// assert!((contrast.value().unwrap() - of("war")? / of("sport")?).abs() < 1e-12);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TopicContrast {
    /// The topic that it is compared with.
    #[serde(rename = "topic")]
    other: String,
    /// What is compared.
    #[serde(default)]
    of: ShareStatistic,
}

impl TopicContrast {
    /// Against this topic, of the amplification ratio.
    #[must_use]
    pub fn against(topic: impl Into<String>) -> Self {
        Self { other: topic.into(), of: ShareStatistic::default() }
    }

    /// Of another statistic.
    #[must_use]
    pub fn of(self, statistic: ShareStatistic) -> Self {
        Self { of: statistic, ..self }
    }
}

/// How much more a topic is amplified in one stratum than in another: the ratio of the two ratios, or the
/// difference of the two differences.
///
/// On the working scale it is the value in the first stratum less that in the second; so of
/// [`AmplificationRatio`](super::AmplificationRatio), the default, it is `R_DE / R_US`, and 1 where the topic is
/// amplified alike in both. Clusters may be in one of the strata, as viewers are in one country, or in both, as
/// viewers are before and after a change: what both have of a cluster varies together.
///
/// With strata of time, [`ExposureLog::split_at`](crate::ExposureLog::split_at), and a baseline arm that did not
/// change it is a difference in differences: how the treatment changed, beyond how the control arm did.
///
/// The tally must keep the strata apart ([`Question::strata`](crate::Question::strata)). Undefined in the same cases as
/// [`TopicContrast`].
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::statistic::StratumContrast;
/// use tiltmeter::tally::StratifyBy;
/// use tiltmeter::{Audit, ExposureLog, Question};
///
/// let schema = LogSchema::new()
///     .viewer("viewer_id")
///     .arm("feed")
///     .topics(TopicColumn::json("topics"))
///     .stratum("country");
/// let log = ExposureLog::open("data/feed.csv", &schema)?;
/// let question = Question::between("ranked", "chronological")
///     .strata(StratifyBy::Stratum)
///     .topics(["politics"])
///     .statistic(StratumContrast::between("DE", "FR"));
/// let report = Audit::of(&log, &question).run()?;
/// let politics = report.get("politics")?;
/// assert!(politics.low() < politics.value() && politics.value() < politics.high());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(from = "StratumForm", into = "StratumForm")]
pub struct StratumContrast {
    strata: [String; 2],
    of: ShareStatistic,
}

/// One stratum against another, as files have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct StratumForm {
    /// The stratum that is asked about.
    stratum: String,
    /// The stratum that it is compared with.
    against: String,
    /// What is compared.
    #[serde(default)]
    of: ShareStatistic,
}

impl From<StratumForm> for StratumContrast {
    fn from(StratumForm { stratum, against, of }: StratumForm) -> Self {
        Self { strata: [stratum, against], of }
    }
}

impl From<StratumContrast> for StratumForm {
    fn from(StratumContrast { strata: [stratum, against], of }: StratumContrast) -> Self {
        Self { stratum, against, of }
    }
}

impl StratumContrast {
    /// The first stratum against the second, of the amplification ratio.
    #[must_use]
    pub fn between(stratum: impl Into<String>, against: impl Into<String>) -> Self {
        Self { strata: [stratum.into(), against.into()], of: ShareStatistic::default() }
    }

    /// Of another statistic.
    #[must_use]
    pub fn of(self, statistic: ShareStatistic) -> Self {
        Self { of: statistic, ..self }
    }
}

/// One value less another.
fn less(one: Working, other: Working) -> Working {
    match (one, other) {
        (Working::Undefined(reason), _) | (_, Working::Undefined(reason)) => {
            Working::Undefined(reason)
        }
        (Working::Finite(one), Working::Finite(other)) => Working::Finite(one - other),
        (Working::Above, Working::Above) | (Working::Below, Working::Below) => {
            Working::Undefined(Undefined::BothInfinite)
        }
        (Working::Above, _) | (_, Working::Below) => Working::Above,
        (Working::Below, _) | (_, Working::Above) => Working::Below,
    }
}

fn value(of: &dyn Statistic, totals: &[f64]) -> Working {
    let (one, other) = totals.split_at(totals.len() / 2);
    less(of.value(one), of.value(other))
}

fn gradient(of: &dyn Statistic, totals: &[f64]) -> Vec<f64> {
    let (one, other) = totals.split_at(totals.len() / 2);
    let negative = of.gradient(other).into_iter().map(|slope| -slope);
    of.gradient(one).into_iter().chain(negative).collect()
}

macro_rules! contrast {
    ($type:ident, $name:literal, $ratio:literal, $difference:literal) => {
        impl Statistic for $type {
            crate::statistic::origin::of_the_library!();

            fn name(&self) -> &'static str {
                $name
            }

            fn phrase(&self) -> &'static str {
                match self.scale() {
                    Scale::Log => $ratio,
                    Scale::LogPercent => concat!("by how many percent it is more than 1: ", $ratio),
                    Scale::Linear | Scale::Logit => $difference,
                }
            }

            fn details(&self) -> Option<String> {
                Some(self.in_words())
            }

            fn check_strata(&self, _: &[String]) -> Result<(), Error> {
                match self.strata() {
                    [one, other] if one == other => Err(Error::Parameter {
                        parameter: "the strata of a contrast",
                        value: format!("{} and {}", quoted(one), quoted(other)),
                        expected: "two different ones",
                    }),
                    _ => Ok(()),
                }
            }

            fn other_topics(&self) -> &[String] {
                self.topics()
            }

            fn named_strata(&self) -> &[String] {
                self.strata()
            }

            fn contrasts(&self) -> Option<&dyn Statistic> {
                Some(self.of.get())
            }

            fn cells(&self, _: usize) -> Vec<Cell> {
                [0, 1].into_iter().flat_map(|half| Self::half(half)).collect()
            }

            fn scale(&self) -> Scale {
                self.of.get().scale()
            }

            fn value(&self, totals: &[f64]) -> Working {
                value(self.of.get(), totals)
            }

            fn gradient(&self, totals: &[f64]) -> Vec<f64> {
                gradient(self.of.get(), totals)
            }
        }
    };
}

contrast!(
    TopicContrast,
    "topic_contrast",
    "the ratio of the topic's amplification to another topic's",
    "the difference between the topic's amplification and another topic's"
);
contrast!(
    StratumContrast,
    "stratum_contrast",
    "the ratio of the topic's amplification in one stratum to that in another",
    "the difference of the topic's amplification between two strata"
);

impl TopicContrast {
    fn in_words(&self) -> String {
        format!("{}, against the topic {}", self.of.get().name(), quoted(&self.other))
    }

    fn topics(&self) -> &[String] {
        std::slice::from_ref(&self.other)
    }

    fn strata(&self) -> &[String] {
        &[]
    }

    fn half(half: usize) -> [Cell; 4] {
        Cell::TWO_ARMS.map(|cell| match (half, cell.quantity) {
            (1, Quantity::Topic) => Cell { quantity: Quantity::OtherTopic(0), ..cell },
            _ => cell,
        })
    }
}

impl StratumContrast {
    fn in_words(&self) -> String {
        let [one, other] = self.strata.each_ref().map(|name| quoted(name));
        format!("{}, in the stratum {one} against {other}", self.of.get().name())
    }

    fn topics(&self) -> &[String] {
        &[]
    }

    fn strata(&self) -> &[String] {
        &self.strata
    }

    fn half(half: usize) -> [Cell; 4] {
        Cell::TWO_ARMS.map(|cell| Cell { over: Over::Named(half), ..cell })
    }
}
