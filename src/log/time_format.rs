//! How times are written.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::{Deserialize, Serialize};

use crate::format::word::{self, UnknownWord};

/// How times are written. All become microseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use tiltmeter::log::{LogSchema, TimeFormat};
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("example").text("day", &["11-07-2024"]);
/// let days = TimeFormat::Pattern("%d-%m-%Y".into());
/// let log = ExposureLog::read(source, &LogSchema::new().time("day", days))?;
/// assert_eq!(log.times(), Some(&[1_720_656_000_000_000][..]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeFormat {
    /// ISO 8601: a date, a date and time (read as UTC), or a date and time with an offset;
    /// `T` or a space between them. A zone's name without an offset is refused. Timestamp columns of files and frames need nothing else.
    #[default]
    Iso,
    /// A pattern of [`strftime` directives](jiff::fmt::strtime), such as `%d-%m-%Y`; read as UTC
    /// unless it has an offset. A zone's name without an offset is refused.
    Pattern(String),
    /// Seconds since 1970-01-01T00:00:00Z, whole or with a fraction.
    EpochSeconds,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    EpochMilliseconds,
    /// Microseconds since 1970-01-01T00:00:00Z.
    EpochMicroseconds,
}

/// By the word of study files, with a pattern behind a colon: see [`UnknownWord`].
impl FromStr for TimeFormat {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let format: Self = word::option(text)?;
        if let Self::Pattern(pattern) = &format
            && (!pattern.contains('%') || strtime::format(pattern, EXAMPLE).is_err())
        {
            return Err(UnknownWord(format!(
                "the pattern {pattern:?} has no directives such as %d-%m-%Y, or some that there are not"
            )));
        }
        Ok(format)
    }
}

/// Any moment, to try a pattern on.
const EXAMPLE: Timestamp = Timestamp::UNIX_EPOCH;
