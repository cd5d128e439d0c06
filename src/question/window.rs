//! Windows of time that a tally keeps apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::time::iso_text;
use crate::error::Error;
use crate::format::word::said_by_words;

const MICROSECONDS: i64 = 1_000_000;

/// The windows of time that a tally keeps apart.
///
/// ```
/// use tiltmeter::tally::WindowBy;
/// const HOUR: i64 = 3_600_000_000;
/// // 01:00 on 2 January 1970 lies in the day that starts 24 hours after the epoch.
/// assert_eq!(WindowBy::days(1).start(25 * HOUR), 24 * HOUR);
/// assert_eq!(WindowBy::days(1).to_string(), "every day (UTC)");
/// // In files and flags, `day` and `week` are words for these two.
/// assert_eq!("week".parse(), Ok(WindowBy::weeks()));
/// assert_eq!("every:seconds=3600".parse(), Ok(WindowBy::Every { seconds: 3600, origin: 0 }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", from = "Said")]
#[non_exhaustive]
pub enum WindowBy {
    /// None: all of the log is one window.
    #[default]
    Nothing,
    /// Windows of one length, without gaps.
    Every {
        /// Their length, in seconds; at least 1.
        seconds: u32,
        /// A moment at which a window starts, in seconds since 1970-01-01T00:00:00Z.
        origin: i64,
    },
}

said_by_words!(WindowBy);

/// The windows of time that are kept apart; the two lengths that are asked for most have words of their own.
#[derive(Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "WindowBy"))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    /// None: all of the log is one window.
    Nothing,
    /// Days in UTC.
    Day,
    /// Weeks from Monday to Sunday, in UTC.
    Week,
    /// Windows of one length, without gaps.
    Every {
        /// Their length, in seconds; at least 1.
        seconds: u32,
        /// A moment at which a window starts, in seconds since 1970-01-01T00:00:00Z.
        #[serde(default)]
        origin: i64,
    },
}

impl From<Said> for WindowBy {
    fn from(said: Said) -> Self {
        match said {
            Said::Nothing => Self::Nothing,
            Said::Day => Self::days(1),
            Said::Week => Self::weeks(),
            Said::Every { seconds, origin } => Self::Every { seconds, origin },
        }
    }
}

impl WindowBy {
    /// Windows of this many days, in UTC, counted from 1970-01-01.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self::Every { seconds: days as u32 * 86_400, origin: 0 }
    }

    /// Weeks from Monday to Sunday, in UTC.
    #[must_use]
    pub const fn weeks() -> Self {
        // 1970-01-05 was a Monday.
        Self::Every { seconds: 7 * 86_400, origin: 4 * 86_400 }
    }

    /// The first moment of the window in which a moment lies, both in microseconds since
    /// 1970-01-01T00:00:00Z; 0 where there are no windows.
    #[must_use]
    pub const fn start(self, time: i64) -> i64 {
        match self {
            Self::Nothing | Self::Every { seconds: 0, .. } => 0,
            Self::Every { seconds, origin } => {
                let length = seconds as i64 * MICROSECONDS;
                let origin = origin.saturating_mul(MICROSECONDS) % length;
                let since = time.saturating_sub(origin).rem_euclid(length);
                time.saturating_sub(since)
            }
        }
    }

    /// The start of a window as a date where all windows start at midnight, else with its time.
    pub(crate) fn start_text(self, microseconds: i64) -> String {
        let of_days = |seconds: i64| seconds.rem_euclid(86_400) == 0;
        let text = iso_text(microseconds);
        match (self, text.split_once('T')) {
            (Self::Every { seconds, origin }, Some((date, _)))
                if of_days(i64::from(seconds)) && of_days(origin) =>
            {
                date.to_owned()
            }
            _ => text,
        }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Every { seconds: 0, .. } => Err(Error::Parameter {
                parameter: "window length",
                value: "0 s".to_owned(),
                expected: "1 second or more",
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for WindowBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            _ if *self == Self::days(1) => f.write_str("every day (UTC)"),
            _ if *self == Self::weeks() => f.write_str("every week from Monday (UTC)"),
            Self::Every { seconds, origin: 0 } => write!(f, "every {seconds} s"),
            Self::Every { seconds, origin } => write!(f, "every {seconds} s from {origin} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the calendar: 2024-11-05 was a Tuesday, 1969-12-31 a Wednesday.
    #[test]
    fn moments_lie_in_their_windows() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let tuesday = at("2024-11-05T23:59:59.999999Z");
        assert_eq!(WindowBy::days(1).start(tuesday), at("2024-11-05T00:00:00Z"));
        assert_eq!(WindowBy::weeks().start(tuesday), at("2024-11-04T00:00:00Z"));
        let before = at("1969-12-31T12:00:00Z");
        assert_eq!(WindowBy::days(1).start(before), at("1969-12-31T00:00:00Z"));
        assert_eq!(WindowBy::weeks().start(before), at("1969-12-29T00:00:00Z"));
        assert_eq!(WindowBy::Nothing.start(tuesday), 0);
        for extreme in [i64::MIN, i64::MAX] {
            let _ = WindowBy::weeks().start(extreme);
        }
    }
}
