//! How times are written.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
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
    /// `T` or a space between them; `UTC` may stand for `Z`, and an hour may have one digit. A zone's name without an offset is refused. Timestamp columns of files and frames need nothing else.
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
    /// Nanoseconds since 1970-01-01T00:00:00Z; microseconds are kept.
    EpochNanoseconds,
    /// As mail has it: `Thu, 04 Feb 2021 08:00:24 +0100`.
    Rfc2822,
    /// As JavaScript prints dates: `Thu Feb 04 2021 08:00:24 GMT+0100 (Central European Standard Time)`.
    Javascript,
    /// ISO 8601 without an offset, as clocks showed it in a zone by its name, such as `Europe/Berlin`. A time that
    /// clocks showed twice is the first, and one that they skipped is taken as if they had not.
    Zone(String),
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
        if let Self::Zone(name) = &format
            && TimeZone::get(name).is_err()
        {
            return Err(UnknownWord(format!(
                "there is no zone {name:?}; there are Europe/Berlin, America/New_York and others"
            )));
        }
        Ok(format)
    }
}

/// Any moment, to try a pattern on.
const EXAMPLE: Timestamp = Timestamp::UNIX_EPOCH;
