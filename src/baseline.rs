//! What an arm is compared with. Typed questions only; nothing is computed here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the treatment is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Baseline {
    /// Another arm of the same log: randomised, chronological, a neutral persona.
    Arm(String),
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

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arm(name) => write!(f, "arm {name:?}"),
        }
    }
}
