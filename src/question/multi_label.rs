//! How several topics share an impression.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

/// How an impression with several topics counts for each of them.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::MultiLabel;
/// let report = Audit::of(&log, &question.multi_label(MultiLabel::Fractional).topics(["war"])).run()?;
/// let mass = report.estimates()[0].treatment.topic;
/// assert!((mass - 3.5).abs() < 1e-9); // one of four impressions is about politics too
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MultiLabel {
    /// Every topic gets the whole mass; shares may add up to more than 1.
    #[default]
    Full,
    /// Each of n topics gets one n-th of the mass.
    Fractional,
}

said_by_words!(MultiLabel);

impl fmt::Display for MultiLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Fractional => "fractional",
        })
    }
}
