//! What to know before planning with a pilot.

use std::fmt;

use serde::Serialize;

use super::contribution::Contributions;
use crate::estimate::{ClusterCounts, Relation, Warning};
use crate::statistic::Side;

/// What to know before planning with a pilot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Caution {
    /// Fewer than 10 clusters in an arm: the variance itself is known to a factor of two or so.
    FewClusters {
        /// The arm.
        side: Side,
        /// Its clusters.
        clusters: u64,
    },
    /// The intraclass correlation is below 0, and counted as 0 in design effects.
    NegativeIntraclass {
        /// It.
        intraclass: f64,
    },
    /// The intraclass correlation cannot be known, since every cluster has a single impression.
    UnknownIntraclass,
    /// Only some crossed clusters have impressions in both arms; the study is taken to have the
    /// same mix, and its clusters per arm are those in either.
    PartlyCrossed {
        /// Clusters in both arms.
        both: u64,
        /// Clusters in either.
        either: u64,
    },
    /// Few clusters show the topic in an arm, as if so many of equal size did: how clusters vary, and so
    /// what can be detected, is next to unknown.
    FewTopicClusters {
        /// The arm.
        side: Side,
        /// `(sum x)^2 / sum x^2` over its clusters' masses of the topic.
        effective: f64,
    },
    /// A few clusters have most of an arm's mass, as if so many of equal size did: the same is so.
    UnequalClusters {
        /// The arm.
        side: Side,
        /// `(sum n)^2 / sum n^2` over its clusters' masses.
        effective: f64,
    },
}

impl Caution {
    fn of_few(warning: &Warning) -> Option<Self> {
        match *warning {
            Warning::FewTopicClusters { side, effective } => {
                Some(Self::FewTopicClusters { side, effective })
            }
            Warning::UnequalClusters { side, effective, .. } => {
                Some(Self::UnequalClusters { side, effective })
            }
            _ => None,
        }
    }

    /// Whether the pilot says next to nothing of how clusters vary, though it has enough of them.
    pub(crate) fn is_of_few(&self) -> bool {
        matches!(self, Self::FewTopicClusters { .. } | Self::UnequalClusters { .. })
    }
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewClusters { side, clusters } => write!(
                f,
                "the {side} has {clusters} clusters, which show how clusters vary only to a factor of two \
                 or so"
            ),
            Self::NegativeIntraclass { intraclass } => write!(
                f,
                "the intraclass correlation is {intraclass:.4}, which is below 0 and counts as 0 in \
                 design effects"
            ),
            Self::UnknownIntraclass => f.write_str(
                "every cluster has a single impression, so that the intraclass correlation cannot be known",
            ),
            Self::PartlyCrossed { both, either } => write!(
                f,
                "{both} of {either} clusters have impressions in both arms, and the study is taken to \
                 have the same mix"
            ),
            Self::FewTopicClusters { side, effective } => write!(
                f,
                "the topic in the {side} comes from few clusters, as if from {effective:.1} of equal \
                 size, which say next to nothing of what can be detected"
            ),
            Self::UnequalClusters { side, effective } => write!(
                f,
                "a few clusters hold most of the {side}, which is as if from {effective:.1} of equal size, \
                 and say next to nothing of what can be detected"
            ),
        }
    }
}

/// What to know of a pilot of these clusters, whose impressions have this intraclass correlation.
pub(super) fn of(contributions: &Contributions, intraclass: Option<f64>) -> Vec<Caution> {
    let ClusterCounts { treatment, baseline, both, relation } = contributions.clusters();
    let mut cautions = Vec::new();
    for (side, clusters) in [(Side::Treatment, treatment), (Side::Baseline, baseline)] {
        if clusters < super::FEW_CLUSTERS {
            cautions.push(Caution::FewClusters { side, clusters });
        }
    }
    match intraclass {
        Some(intraclass) if intraclass < 0.0 => {
            cautions.push(Caution::NegativeIntraclass { intraclass });
        }
        Some(_) => {}
        None => cautions.push(Caution::UnknownIntraclass),
    }
    let either = treatment + baseline - both;
    if relation == Relation::PartlyCrossed {
        cautions.push(Caution::PartlyCrossed { both, either });
    }
    cautions.extend(super::few_that_carry(contributions).iter().filter_map(Caution::of_few));
    cautions
}
