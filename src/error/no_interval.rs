//! Why there is no interval.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::cell::Side;

/// Why there is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoInterval {
    /// There is no value.
    UndefinedValue,
    /// An arm has a single cluster, so nothing shows how clusters vary.
    SingleCluster,
    /// Clusters do not vary at all.
    NoVariation,
    /// A share is 0 or 1, where the statistic's linearisation fails and no bound is known.
    ShareAtLimit,
    /// All bootstrap replicates lie on one side of the estimate, so that nothing corrects for bias.
    ReplicatesOnOneSide,
    /// So many bootstrap replicates have no finite value that bands have no end.
    ReplicatesWithoutValue,
    /// Without one of the clusters the statistic has no finite value.
    LeavingOneOut,
    /// Weights or rewards are so large or small that the variance is beyond what numbers of 64 bits hold.
    BeyondNumbers,
    /// Fewer clusters in an arm than were declared as the start of a
    /// [`Monitor`](crate::inference::Monitor)'s sequence.
    TooEarly,
    /// Too few clusters of an arm carry the topic, or anything but the topic, or most of the mass, for a
    /// [`Monitor`](crate::inference::Monitor)'s sequence to hold.
    ThinTopic {
        /// The arm.
        side: Side,
        /// The effective number of such clusters, `(sum x)^2 / sum x^2`, rounded down.
        effective: u64,
        /// How many are needed.
        needed: u64,
    },
}

impl fmt::Display for NoInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ThinTopic { side, effective, needed } => {
                let arm = match side {
                    Side::Treatment => "treatment",
                    Side::Baseline => "baseline",
                };
                return write!(
                    f,
                    "the topic, or all but the topic, comes from the equivalent of {effective} clusters \
                     in the {arm}, and {needed} are needed"
                );
            }
            Self::UndefinedValue => "no value",
            Self::SingleCluster => "a single cluster in an arm",
            Self::NoVariation => "clusters do not vary",
            Self::ShareAtLimit => "a share is 0 or 1",
            Self::ReplicatesOnOneSide => "all replicates on one side of the estimate",
            Self::ReplicatesWithoutValue => "too many replicates without a finite value",
            Self::LeavingOneOut => "no finite value without one of the clusters",
            Self::BeyondNumbers => "the variance is beyond what numbers hold",
            Self::TooEarly => "too few clusters yet",
        })
    }
}
