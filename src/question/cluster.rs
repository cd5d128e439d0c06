//! Which impressions belong together, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::printable;
use crate::error::Error;

/// The most buckets of [`ClusterBy::Hashed`], as a power of two.
pub const MAX_BUCKET_BITS: u32 = 24;

/// The unit that was assigned or sampled independently. Never assume it: impressions of one
/// viewer are alike, and so are viewers of one household, sock puppets of one phone, slates of
/// one day.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::ClusterBy;
/// assert_eq!(ClusterBy::Viewer.hashed(10).to_string(), "1024 hash buckets of viewer");
/// let report = Audit::of(&log, &question.cluster(ClusterBy::column("viewer"))).run()?;
/// assert_eq!(report.estimates()[0].clusters.treatment, 4);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ClusterBy {
    /// The viewer.
    #[default]
    Viewer,
    /// The session: right only if sessions, not viewers, were assigned.
    Session,
    /// The slate: right only if slates were assigned, as in interleaving.
    Slate,
    /// The item: for inference over items, such as when creators were sampled.
    Item,
    /// A column by name: device, day, household.
    Column(String),
    /// Every impression for itself. Almost always wrong, and here to show how wrong.
    Impression,
    /// Hash buckets of another unit: `2^bits` of them, whatever the number of units. Units in a
    /// bucket count as one cluster, which is valid, and fixed in size.
    Hashed {
        /// The unit that is put into buckets.
        of: Box<ClusterBy>,
        /// The number of buckets as a power of two, up to 24 ([`MAX_BUCKET_BITS`]).
        bits: u32,
    },
    /// The pairs of two other units that occur together: what two-way clusters share.
    Pair(Box<[ClusterBy; 2]>),
}

impl ClusterBy {
    /// Whether single impressions are clusters, which have no id by which to be known again.
    pub(crate) fn is_of_impressions(&self) -> bool {
        match self {
            Self::Impression => true,
            Self::Hashed { of, .. } => of.is_of_impressions(),
            Self::Pair(both) => both.iter().any(Self::is_of_impressions),
            _ => false,
        }
    }

    /// A column by name.
    pub fn column(name: impl Into<String>) -> Self {
        Self::Column(name.into())
    }

    /// `2^bits` hash buckets of this unit.
    #[must_use]
    pub fn hashed(self, bits: u32) -> Self {
        Self::Hashed { of: Box::new(self), bits }
    }

    /// The pairs of this unit with another.
    ///
    /// ```
    /// use tiltmeter::ClusterBy;
    /// let pairs = ClusterBy::column("device").paired(ClusterBy::column("week"));
    /// assert_eq!(pairs.to_string(), "device with week");
    /// ```
    #[must_use]
    pub fn paired(self, with: Self) -> Self {
        Self::Pair(Box::new([self, with]))
    }

    /// The units with columns of their own that this is made of.
    pub(crate) fn units(&self) -> Vec<&Self> {
        match self {
            Self::Hashed { of, .. } => of.units(),
            Self::Pair(of) => of.iter().flat_map(Self::units).collect(),
            unit => vec![unit],
        }
    }

    /// Whether there can be buckets as asked for. Units without ids of their own have no keys
    /// whose leading bits could spread them.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Hashed { bits, .. } if *bits > MAX_BUCKET_BITS => Err(Error::Parameter {
                parameter: "bits",
                value: bits.to_string(),
                expected: "at most 24 (16,777,216 buckets)",
            }),
            Self::Hashed { of, .. } if matches!(**of, Self::Hashed { .. } | Self::Impression) => {
                Err(Error::Parameter {
                    parameter: "the unit that is hashed",
                    value: of.to_string(),
                    expected: "one with ids: viewer, session, slate, item or a column",
                })
            }
            Self::Pair(of) => match of.iter().find(|unit| !unit.has_ids()) {
                Some(unit) => Err(Error::Parameter {
                    parameter: "a unit of a pair",
                    value: unit.to_string(),
                    expected: "one with ids: viewer, session, slate, item or a column",
                }),
                None => Ok(()),
            },
            Self::Hashed { of, .. } => of.check(),
            _ => Ok(()),
        }
    }

    fn has_ids(&self) -> bool {
        !matches!(self, Self::Hashed { .. } | Self::Impression | Self::Pair(_))
    }

    /// Whether equal keys in two logs mean the same cluster.
    pub(crate) fn has_stable_keys(&self) -> bool {
        match self {
            Self::Impression => false,
            Self::Hashed { of, .. } => of.has_stable_keys(),
            _ => true,
        }
    }
}

impl fmt::Display for ClusterBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Viewer => f.write_str("viewer"),
            Self::Session => f.write_str("session"),
            Self::Slate => f.write_str("slate"),
            Self::Item => f.write_str("item"),
            Self::Column(name) => f.write_str(&printable(name)),
            Self::Impression => f.write_str("impression"),
            Self::Hashed { of, bits } => match 1_u64.checked_shl(*bits) {
                Some(buckets) => write!(f, "{buckets} hash buckets of {of}"),
                None => write!(f, "2^{bits} hash buckets of {of}"),
            },
            Self::Pair(of) => write!(f, "{} with {}", of[0], of[1]),
        }
    }
}

/// The groups that a tally keeps apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StratifyBy {
    /// None.
    #[default]
    Nothing,
    /// The log's stratum.
    Stratum,
    /// A column by name.
    Column(String),
}

impl StratifyBy {
    /// A column by name.
    pub fn column(name: impl Into<String>) -> Self {
        Self::Column(name.into())
    }
}

impl fmt::Display for StratifyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::Stratum => f.write_str("stratum"),
            Self::Column(name) => f.write_str(&printable(name)),
        }
    }
}
