//! How times are written.

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

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

said_by_words!(TimeFormat);
