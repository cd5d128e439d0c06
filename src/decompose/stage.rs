//! The stages of a feed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

/// A stage on the way from what there was to what viewers acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What was available: a table of items, each with its weight or 1.
    Supply,
    /// What requests could choose from: a uniform draw from the candidates of each request, as often as
    /// it shows something.
    Candidates,
    /// What was put into slates: every impression counts 1, at whatever rank.
    Ranked,
    /// What was looked at: mass under the attention model and the log's weights.
    Exposed,
    /// What was acted upon: engagement, by [`EngagementCounts`].
    Engaged,
}

impl Stage {
    /// All of them, from the first to the last.
    pub const ALL: [Self; 5] =
        [Self::Supply, Self::Candidates, Self::Ranked, Self::Exposed, Self::Engaged];

    /// The name, which its arm has in estimands too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::Candidates => "candidates",
            Self::Ranked => "ranked",
            Self::Exposed => "exposed",
            Self::Engaged => "engaged",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an impression's engagement counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngagementCounts {
    /// Its mass times its engagement. Right where engagement is what an impression would get if it were
    /// looked at: a rating, the part of a clip that was watched.
    TimesMass,
    /// Its engagement alone. Right where engagement is what happened: clicks, likes. Whoever clicked has
    /// looked, so that attention is in it already, and would count twice with the mass.
    #[default]
    Alone,
}

said_by_words!(EngagementCounts);
