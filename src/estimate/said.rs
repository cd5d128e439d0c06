//! What was said of a question, and the tables beside a log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::printable;

/// What was said of a question and changes nothing in its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Said {
    /// Groups to keep apart, where neither statistics nor test look at groups: the column that holds
    /// them.
    Strata(String),
    /// Weights, for a reach that counts impressions of any mass.
    Weights,
    /// A position model, for a reach that counts impressions of any mass.
    Attention,
    /// The rule for impressions with several topics, for a reach that counts impressions of any mass.
    MultiLabel,
    /// The rule for impressions with several topics, where none has several.
    SingleTopics,
}

/// A table beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Table {
    /// The items that were available.
    Supply,
    /// The candidates of requests.
    Candidates,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supply => "the supply",
            Self::Candidates => "the candidates",
        })
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = "reach counts impressions, whatever their mass";
        match self {
            Self::Strata(column) => write!(
                f,
                "the strata ({}) change nothing here: these statistics look at all strata \
                 together; to compare within strata ask for mantel_haenszel_ratio or \
                 standardised_ratio_both",
                printable(column)
            ),
            Self::Weights => write!(f, "the weights change nothing here: {reach}"),
            Self::Attention => write!(f, "the attention model changes nothing here: {reach}"),
            Self::MultiLabel => {
                write!(f, "the rule for several topics changes nothing here: {reach}")
            }
            Self::SingleTopics => f.write_str(
                "the rule for several topics changes nothing here: no impression has several, as \
                 they were read",
            ),
        }
    }
}
