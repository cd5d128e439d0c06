//! What a learning policy keeps its counts by.

use serde::{Deserialize, Serialize};

use super::{Candidates, Feature, Shown};

/// What a policy learns about: each item by itself, or all items of a kind together.
///
/// Items of a feed die before much is known of each; sets of topics and creators stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Per {
    /// Each item.
    #[default]
    Item,
    /// Each set of topics.
    TopicSet,
    /// Each creator.
    Creator,
}

impl Per {
    pub(super) fn needs(self) -> Vec<Feature> {
        match self {
            Self::Item => Vec::new(),
            Self::TopicSet => vec![Feature::Topics],
            Self::Creator => vec![Feature::Creators],
        }
    }

    pub(super) fn of_candidates(self, candidates: &Candidates) -> &[u32] {
        match self {
            Self::Item => &candidates.items,
            Self::TopicSet => &candidates.topics,
            Self::Creator => &candidates.creators,
        }
    }

    pub(super) const fn of(self, shown: &Shown) -> u32 {
        match self {
            Self::Item => shown.item,
            Self::TopicSet => shown.topics,
            Self::Creator => shown.creator,
        }
    }
}
