//! The unit of a question: what a cluster contributes to each total.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

/// How clusters are put together into an arm's share. On real data the first two differ (11.81
/// against 11.92 points on a 2024 audit of TikTok), so the choice is always explicit.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::{Reach, Unit};
/// // How many viewers saw the topic at least twice?
/// let twice = Unit::Reach(Reach { impressions: 2, mass: 0.0 });
/// let report = Audit::of(&log, &question.unit(twice).topics(["war"])).run()?;
/// assert_eq!(report.estimates()[0].treatment.share, Some(0.25)); // viewer 1 of four
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Masses are added over clusters and divided once: what the average impression is about.
    #[default]
    Pooled,
    /// Each cluster's own share, averaged: what the average cluster was shown. Clusters without
    /// mass in an arm have no share there and are left out of its mean.
    ClusterMean,
    /// The share of clusters that the topic reached at all.
    Reach(Reach),
}

said_by_words!(Unit);

/// When a cluster counts as reached by a topic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Reach {
    /// At least so many impressions of the topic; 1 or more.
    pub impressions: u64,
    /// And at least so much exposure mass of it (seconds, if weights are dwell in seconds).
    pub mass: f64,
}

impl Default for Reach {
    /// One impression, of any mass.
    fn default() -> Self {
        Self { impressions: 1, mass: 0.0 }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pooled => f.write_str("pooled over clusters"),
            Self::ClusterMean => f.write_str("averaged over clusters"),
            Self::Reach(Reach { impressions, mass }) => {
                write!(
                    f,
                    "as reach, the share of clusters with at least {impressions} impression"
                )?;
                f.write_str(if *impressions == 1 { "" } else { "s" })?;
                if *mass > 0.0 {
                    write!(f, " and a mass of {mass}")?;
                }
                f.write_str(" of the topic")
            }
        }
    }
}
