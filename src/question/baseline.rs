//! What an arm is compared with. Typed questions only; nothing is computed here.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cluster::ClusterBy;
use super::propensity::{Clip, Floor, Target};
use crate::base::text::number;
use crate::base::time::{iso, iso_text};
use crate::error::Error;

/// What the treatment is compared with. Each answers another question, and on the same log they may
/// disagree in sign; so the choice is part of the estimand.
///
/// | baseline | amplified compared with ... | needs | sampling error |
/// | --- | --- | --- | --- |
/// | [`Arm`](Self::Arm) | what another ranking showed | two arms | of its clusters |
/// | [`Supply`](Self::Supply) | what there was to show | a table of items ([`Audit::supply`]) | none if known, else of the table |
/// | [`Reference`](Self::Reference) | figures from elsewhere | the figures | as stated; their bias gives bounds |
/// | [`Chronological`](Self::Chronological) | the newest of each request's candidates | slates and candidates ([`Audit::candidates`]) with times | of the requests' clusters |
/// | [`UniformPool`](Self::UniformPool) | any of the candidates alike | slates and candidates | of the requests' clusters |
/// | [`EngagementWeighted`](Self::EngagementWeighted) | candidates by their popularity | slates and candidates with engagement | of the requests' clusters |
/// | [`Period`](Self::Period) | the same arm before | times | of its clusters, paired where they persist |
/// | [`Propensity`](Self::Propensity) | another policy, by weighing what was shown | items and propensities | of its clusters |
/// | [`Nothing`](Self::Nothing) | nothing: a share alone | | none |
///
/// [`Audit::supply`]: crate::Audit::supply
/// [`Audit::candidates`]: crate::Audit::candidates
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Baseline {
    /// Another arm of the same log: randomised, chronological, a neutral persona.
    Arm(String),
    /// What was available.
    Supply(Supply),
    /// Shares measured elsewhere.
    Reference(Reference),
    /// The newest candidates of each request, as many as were shown, the newest first. Of those
    /// published at the same moment the one comes first whose id does.
    Chronological,
    /// A uniform draw from each request's candidates for each place: its expectation, with no sampling
    /// error but that of which requests there are.
    UniformPool,
    /// A draw from each request's candidates with probability in proportion to their engagement: what
    /// popularity alone would show. Its expectation.
    EngagementWeighted(EngagementWeighted),
    /// The same arm before a date.
    Period(Period),
    /// What another policy would have shown, by weighing impressions by its probability over the logging
    /// policy's.
    Propensity(Propensity),
    /// Nothing: what the treatment did, for statistics of one arm such as
    /// [`TreatmentShare`](crate::statistic::TreatmentShare). That of a question which states no baseline and asks
    /// for such statistics alone ([`Question::of_arm`](crate::Question::of_arm)).
    Nothing,
}

impl Baseline {
    /// Whether it is made of impressions, which sums do not tell.
    pub(crate) const fn is_made_of_rows(&self) -> bool {
        match self {
            Self::Arm(_) | Self::Reference(_) | Self::Nothing | Self::Supply(Supply::Known) => {
                false
            }
            Self::Supply(Supply::Sampled { .. })
            | Self::Chronological
            | Self::UniformPool
            | Self::EngagementWeighted(_)
            | Self::Period(_)
            | Self::Propensity(_) => true,
        }
    }
}

/// What was available, as a table of items with topics and, if items count differently, weights
/// ([`Audit::supply`](crate::Audit::supply)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Supply {
    /// The table is all there was: its shares have no error.
    Known,
    /// The table is a sample of what there was. It is asked about [`Unit::Pooled`](crate::Unit::Pooled)
    /// alone: a mean over what was drawn is of other things than a mean over viewers.
    Sampled {
        /// What was drawn independently: mostly [`ClusterBy::Item`], or a column such as the creator.
        cluster: ClusterBy,
    },
}

/// Shares measured elsewhere: on another platform, in a poll, in a catalogue of somebody else.
///
/// They are hardly ever of the same thing as the log. How far off they may be is to be stated: the true
/// baseline is taken to be the reference times a factor between the two of [`Bias`]. Unless both are 1
/// the answer is an interval of values, not a value (Manski 2003, *Partial Identification of
/// Probability Distributions*), and the confidence interval runs from the lower end of the one at the
/// lowest value to the upper end of the one at the greatest, which covers any true value between them at
/// least as often as stated (and the interval of Imbens and Manski 2004, doi
/// 10.1111/j.1468-0262.2004.00555.x, more closely).
///
/// ```
/// use tiltmeter::{Bias, Reference, ReferenceShare};
/// // A tenth of a random sample of 2,000 posts was about the war; the sample may be off by a fifth.
/// let reference = Reference::new("posts of the week", Bias::within_factor(1.2))
///     .share("war", ReferenceShare::Counts { topic: 200, all: 2000 });
/// reference.check()?;
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What it is, for reports.
    pub name: String,
    /// By topic, each once.
    #[serde(deserialize_with = "each_once")]
    pub shares: BTreeMap<String, ReferenceShare>,
    /// How far off they may be.
    pub bias: Bias,
}

/// Shares by topic, where a topic that is there twice is refused: one of its shares would be lost.
fn each_once<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, ReferenceShare>, D::Error> {
    struct Shares;
    impl<'de> serde::de::Visitor<'de> for Shares {
        type Value = BTreeMap<String, ReferenceShare>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("shares by topic")
        }

        fn visit_map<M: serde::de::MapAccess<'de>>(
            self,
            mut map: M,
        ) -> Result<Self::Value, M::Error> {
            let mut shares = BTreeMap::new();
            while let Some((topic, share)) = map.next_entry::<String, _>()? {
                if shares.contains_key(&topic) {
                    let fault = format!("the topic {topic:?} has two shares; give it one");
                    return Err(serde::de::Error::custom(fault));
                }
                shares.insert(topic, share);
            }
            Ok(shares)
        }
    }
    from.deserialize_map(Shares)
}

/// A share measured elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReferenceShare {
    /// Without sampling error: from 0 to 1.
    Known(f64),
    /// With a standard error of its own, which knows of its own clusters.
    Estimated {
        /// From 0 to 1.
        share: f64,
        /// Of the share, from 0 to 1.
        standard_error: f64,
    },
    /// Of a simple random sample.
    Counts {
        /// How many were of the topic.
        topic: u64,
        /// How many there were, at least 1.
        all: u64,
    },
}

impl ReferenceShare {
    /// The share and its standard error.
    pub(crate) fn parts(self) -> (f64, f64) {
        match self {
            Self::Known(share) => (share, 0.0),
            Self::Estimated { share, standard_error } => (share, standard_error),
            Self::Counts { topic, all } => {
                let share = topic as f64 / all as f64;
                (share, (share * (1.0 - share) / all as f64).sqrt())
            }
        }
    }

    /// Of how many draws it is none or all, which has no standard error and bounds; infinite for any other.
    pub(crate) fn draws_at_limit(self) -> f64 {
        match self {
            Self::Counts { topic, all } if topic == 0 || topic == all => all as f64,
            _ => f64::INFINITY,
        }
    }

    fn is_sound(self) -> bool {
        let counted = !matches!(self, Self::Counts { topic, all } if topic > all || all == 0);
        let (share, error) = self.parts();
        counted && (0.0..=1.0).contains(&share) && (0.0..=1.0).contains(&error)
    }
}

/// Between which factors the true baseline lies of a reference's share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bias {
    /// The true share is at least the reference's times this; above 0.
    pub low: f64,
    /// And at most the reference's times this; finite.
    pub high: f64,
}

impl Bias {
    /// The reference measures the very thing: a strong claim.
    pub const NONE: Self = Self { low: 1.0, high: 1.0 };

    /// Off by at most this factor, either way.
    #[must_use]
    pub fn within_factor(factor: f64) -> Self {
        Self { low: 1.0 / factor, high: factor }
    }
}

/// The least share of a reference that is not 0, with its bias.
const LEAST_SHARE: f64 = 1e-100;

impl Reference {
    /// A reference that says nothing yet.
    pub fn new(name: impl Into<String>, bias: Bias) -> Self {
        Self { name: name.into(), shares: BTreeMap::new(), bias }
    }

    /// Adds a topic's share.
    #[must_use]
    pub fn share(mut self, topic: impl Into<String>, share: ReferenceShare) -> Self {
        self.shares.insert(topic.into(), share);
        self
    }

    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        let refuse =
            |parameter, value, expected| Err(Error::Parameter { parameter, value, expected });
        let Bias { low, high } = self.bias;
        if !(low > 0.0 && low <= high && high.is_finite()) {
            let value = format!("{low} to {high}");
            return refuse("the bias of a Reference", value, "above 0, finite, and in order");
        }
        match self.shares.iter().find(|(_, share)| !share.is_sound()) {
            Some((topic, share)) => refuse(
                "a share of a Reference",
                format!("{share:?} for {topic:?}"),
                "from 0 to 1, with an error from 0 to 1",
            ),
            None => self.check_least(),
        }
    }

    /// A share times the least factor is still a share, and none is so small that ratios to it, or their
    /// squares, would leave the range of numbers.
    fn check_least(&self) -> Result<(), Error> {
        let least = |share: &ReferenceShare| share.parts().0 * self.bias.low;
        let is_small = |share: &ReferenceShare| share.parts().0 > 0.0 && least(share) < LEAST_SHARE;
        if let Some((topic, share)) = self.shares.iter().find(|(_, share)| is_small(share)) {
            let Bias { low, .. } = self.bias;
            return Err(Error::Parameter {
                parameter: "a share of a Reference",
                value: format!("{:e} for {topic:?}, times {low:e} at least", share.parts().0),
                expected: "0, or 1e-100 and more with its bias",
            });
        }
        // A factor that was made to give 1 may be off by rounding.
        match self.shares.iter().find(|(_, share)| least(share) > 1.0 + 1e-9) {
            None => Ok(()),
            Some((topic, share)) => Err(Error::Parameter {
                parameter: "the bias of a Reference",
                value: format!(
                    "at least {}, which makes {:.4} of {topic:?}'s share of {:.4}",
                    self.bias.low,
                    least(share),
                    share.parts().0
                ),
                expected: "such that shares times its lower factor are at most 1",
            }),
        }
    }
}

/// Candidates by their engagement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EngagementWeighted {
    /// What is added to the engagement of each, so that new items have a chance: finite, not negative.
    pub plus: f64,
}

/// The same arm before a date. Times are microseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use tiltmeter::Period;
/// let before = Period::before("2024-07-13T00:00:00Z")?;
/// assert_eq!(before.cut, 1_720_828_800_000_000);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The baseline is what was shown before this moment, in microseconds since 1970-01-01T00:00:00Z.
    pub cut: i64,
    /// And not before this one, if said.
    pub since: Option<i64>,
    /// The treatment is what was shown from the cut on, or from here if said: what lies between is left
    /// out.
    pub resume: Option<i64>,
    /// And before this moment, if said.
    pub until: Option<i64>,
}

impl Period {
    /// All before a moment against all from it on; as text in ISO 8601, dates being midnight UTC.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a text that is no time.
    pub fn before(moment: &str) -> Result<Self, Error> {
        let cut = iso(moment).ok_or_else(|| Error::Parameter {
            parameter: "the date of a Period",
            value: format!("{moment:?}"),
            expected: "a date or time as 2024-07-13 or 2024-07-13T00:00:00Z",
        })?;
        Ok(Self { cut, since: None, resume: None, until: None })
    }
}

/// What another policy would have shown, by weighing the impressions of an arm whose policy recorded its
/// propensities.
///
/// See [`off_policy`](crate::replay::off_policy) for what it takes to be right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Propensity {
    /// The policy that would have shown it.
    pub target: Target,
    /// The arm whose impressions are weighed; the treatment itself by default.
    #[serde(default)]
    pub logged: Option<String>,
    /// Whether weights are clipped.
    #[serde(default)]
    pub clip: Clip,
    /// The effective number of impressions below which there is no answer.
    #[serde(default)]
    pub floor: Floor,
}

impl Propensity {
    /// Of the treatment's own impressions, without clipping, refused below the default floor.
    pub fn of(target: Target) -> Self {
        Self { target, logged: None, clip: Clip::default(), floor: Floor::default() }
    }
}

impl Baseline {
    /// Another arm of the same log.
    ///
    /// ```
    /// use tiltmeter::Baseline;
    /// assert_eq!(Baseline::arm("newest").to_string(), "arm \"newest\"");
    /// ```
    pub fn arm(name: impl Into<String>) -> Self {
        Self::Arm(name.into())
    }
}

impl Baseline {
    /// The arm that it is.
    ///
    /// # Errors
    /// [`Error::BaselineLacks`] for one that is no arm of a tally.
    pub(crate) fn of_tally(&self) -> Result<&str, Error> {
        match self {
            Self::Arm(name) => Ok(name),
            other => Err(Error::BaselineLacks {
                baseline: other.to_string(),
                needs: "an audit of the log",
                mend: "take Baseline::Arm here: an arm of the tally, which a replay may have made",
            }),
        }
    }
}

impl From<&str> for Baseline {
    /// Another arm, by its name.
    fn from(arm: &str) -> Self {
        Self::arm(arm)
    }
}

impl From<String> for Baseline {
    /// Another arm, by its name.
    fn from(arm: String) -> Self {
        Self::arm(arm)
    }
}

impl Baseline {
    /// An arm by its name alone, for columns and labels that are of arms; what is none in words.
    pub(crate) fn called(&self) -> String {
        match self {
            Self::Arm(name) => name.clone(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arm(name) => write!(f, "arm {name:?}"),
            Self::Supply(Supply::Known) => f.write_str("the supply of items"),
            Self::Supply(Supply::Sampled { cluster }) => {
                write!(f, "the supply of items, sampled by {cluster}")
            }
            Self::Reference(Reference { name, bias, .. }) => {
                write!(f, "the reference {name:?}")?;
                if *bias == Bias::NONE {
                    return Ok(());
                }
                write!(f, " times {} to {}", number(bias.low), number(bias.high))
            }
            Self::Chronological => f.write_str("the newest candidates of each request"),
            Self::UniformPool => f.write_str("a uniform draw from each request's candidates"),
            Self::EngagementWeighted(EngagementWeighted { plus }) => {
                f.write_str("a draw by engagement from each request's candidates")?;
                if *plus > 0.0 { write!(f, ", {plus} added to each") } else { Ok(()) }
            }
            Self::Period(period) => {
                write!(f, "the same arm before {}", iso_text(period.cut))
            }
            Self::Propensity(Propensity { target, logged, .. }) => {
                write!(f, "{target}, by the propensities of ")?;
                match logged {
                    Some(arm) => write!(f, "arm {arm:?}"),
                    None => f.write_str("the arm itself"),
                }
            }
            Self::Nothing => f.write_str("nothing"),
        }
    }
}
