//! What columns are for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The part a column plays in a log (METHODS vocabulary).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Who, or which sock puppet, was shown the item.
    Viewer,
    /// What was shown.
    Item,
    /// The ranking condition that produced the impression.
    Arm,
    /// The 1-based rank at which it was shown.
    Position,
    /// When it was shown.
    Time,
    /// A non-negative weight, such as dwell time; 1 where no column is declared. It says how much an
    /// impression matters, not how many there were: that is [`Role::Count`].
    Weight,
    /// How many impressions alike a row stands for; 1 where no column is declared.
    Count,
    /// A group to adjust for: country, leaning, week.
    Stratum,
    /// What the item is about.
    Topics,
    /// The ranked list, served at one request, that the impression belongs to.
    Slate,
    /// The consecutive slates of one viewer.
    Session,
    /// Click, like, watch seconds.
    Engagement,
    /// The probability with which the logging policy showed this item here.
    Propensity,
    /// The probability that a viewer who sees this item is satisfied and looks no further.
    Satisfaction,
    /// What the item is about by hand, of the rows that somebody labelled.
    Human,
    /// The probability with which the row was chosen to be labelled by hand.
    Inclusion,
    /// A further column to cluster or stratify by.
    Named,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "the viewer",
            Self::Item => "the item",
            Self::Arm => "the arm",
            Self::Position => "the position",
            Self::Time => "the time",
            Self::Weight => "the weight",
            Self::Count => "the count",
            Self::Stratum => "the stratum",
            Self::Topics => "the topics",
            Self::Slate => "the slate",
            Self::Session => "the session",
            Self::Engagement => "the engagement",
            Self::Propensity => "the propensity",
            Self::Satisfaction => "the satisfaction",
            Self::Human => "the labels by hand",
            Self::Inclusion => "the inclusion probability",
            Self::Named => "a named column",
        })
    }
}
