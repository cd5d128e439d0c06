//! What is asked of a log by the propensities of its impressions, as data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::format::word::said_by_words;

/// The target policy: with which probability it would have shown the logged item in the place of the
/// logged impression.
///
/// A target must be stated for the same choice as the logged propensities: the probability of the item
/// *here*, at this position of this request. Where a logging policy fills several positions and its
/// propensity is that of an item at its position, a uniform target over 80 items is 1/80 at each.
///
/// ```
/// use tiltmeter::replay::off_policy::Target;
/// assert_eq!(Target::Uniform { items: 80 }.to_string(), "uniform over 80 items");
/// let table = Target::Table([("a".to_owned(), 0.75), ("b".to_owned(), 0.25)].into());
/// assert_eq!(table.to_string(), "a table of 2 items");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Target {
    /// Each of so many items alike, those that the log never shows too.
    Uniform {
        /// How many items there are to choose from, 1 or more, and no fewer than were shown.
        items: u32,
    },
    /// Each of the distinct items of the logging arm alike. Items that it never showed are not counted,
    /// which the report says: a log shows what its policy liked, so this target is closer to it than
    /// the whole catalogue is.
    UniformOverItems,
    /// The probability of each item, whatever the request; 0 for items that are not in it. 0 or more
    /// each, and at most 1 together.
    Table(BTreeMap<String, f64>),
    /// The probability of the logged item at each impression: one for each row of the log, from 0 to 1.
    /// Values in rows of other arms are not looked at.
    ByRow(Vec<f64>),
}

said_by_words!(Target);

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform { items } => write!(f, "uniform over {items} items"),
            Self::UniformOverItems => f.write_str("uniform over the items of the logging arm"),
            Self::Table(table) => write!(f, "a table of {} items", table.len()),
            Self::ByRow(_) => f.write_str("probabilities given by row"),
        }
    }
}

/// Whether great weights are cut.
///
/// Cutting trades variance for bias, and the bias is against what the logging policy seldom showed
/// (Ionides 2008, doi 10.1198/106186008X320456). So it is done on request only, and the report says
/// how many weights were cut and how much of all weight that took away.
///
/// ```
/// use tiltmeter::replay::off_policy::Clip;
/// assert_eq!(Clip::default(), Clip::None);
/// assert_eq!(Clip::At(20.0).to_string(), "clipped at 20");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// Weights are left as they are.
    #[default]
    None,
    /// A weight above this number counts as this number; 1e-70 or more.
    At(f64),
}

impl fmt::Display for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("not clipped"),
            Self::At(limit) => write!(f, "clipped at {limit}"),
        }
    }
}

/// Below which effective sample size nothing is said of the target.
///
/// The default is 100. No impression then carries more than a tenth of all weight, since the greatest
/// part of it is at most one over the root of the effective size; and the standard error of a
/// self-normalised mean is about a tenth of the rewards' standard deviation. Below that an estimate is
/// an anecdote about a few impressions, and its interval, which is made from the same few, is too short.
/// The floor is kept by the weights as they are used, clipped ones if so asked, and for topics by
/// weights times exposure mass.
///
/// ```
/// use tiltmeter::replay::off_policy::Floor;
/// assert_eq!(Floor::default(), Floor::At(100.0));
/// assert_eq!(Floor::overridden(), Floor::Overridden(100.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Floor {
    /// Estimates of the target are refused below this effective size; 0 or more.
    At(f64),
    /// They are made all the same, with a warning below this effective size.
    Overridden(f64),
}

impl Default for Floor {
    fn default() -> Self {
        Self::At(100.0)
    }
}

impl Floor {
    /// The default floor, overridden.
    #[must_use]
    pub fn overridden() -> Self {
        Self::Overridden(100.0)
    }

    /// The effective size in question.
    #[must_use]
    pub const fn effective_size(self) -> f64 {
        match self {
            Self::At(size) | Self::Overridden(size) => size,
        }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        let size = self.effective_size();
        if size >= 0.0 && size.is_finite() {
            return Ok(());
        }
        Err(Error::Parameter {
            parameter: "the floor of the effective sample size",
            value: size.to_string(),
            expected: "a finite number, 0 or more",
        })
    }
}
