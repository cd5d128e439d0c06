//! Moments as text.

use jiff::fmt::temporal;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Microseconds since the epoch, from ISO 8601; without an offset it is UTC.
pub(crate) fn iso(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond());
    }
    let pieces = temporal::Pieces::parse(text).ok()?;
    let local = pieces.offset().is_none() && pieces.time_zone_annotation().is_none();
    local.then(|| utc(pieces.date().to_datetime(pieces.time().unwrap_or_default())))?
}

/// A moment in ISO 8601, UTC; its microseconds where no calendar reaches it.
pub(crate) fn iso_text(microseconds: i64) -> String {
    match Timestamp::from_microsecond(microseconds) {
        Ok(at) => at.to_string(),
        Err(_) => format!("{microseconds} microseconds"),
    }
}

/// Microseconds since the epoch of a date and time of UTC.
pub(crate) fn utc(at: civil::DateTime) -> Option<i64> {
    Some(TimeZone::UTC.to_timestamp(at).ok()?.as_microsecond())
}
