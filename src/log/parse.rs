//! Reading one value from text: times, lists, numbers. No rows, no files.

use jiff::fmt::{rfc2822, strtime, temporal};
use jiff::tz::TimeZone;

use super::time_format::TimeFormat;
use crate::base::time::{iso, iso_text, utc};

/// Microseconds since the epoch, from text in the given format.
pub(super) fn time(text: &str, format: &TimeFormat) -> Option<i64> {
    let text = text.trim();
    match format {
        TimeFormat::Iso => iso(text),
        TimeFormat::Pattern(pattern) => {
            let parts = strtime::parse(pattern, text).ok()?;
            match parts.to_timestamp() {
                Ok(at) => Some(at.as_microsecond()),
                // Without an offset a named zone would have to be looked up; taken as UTC, it
                // would be hours off.
                Err(_) if parts.offset().is_some() || parts.iana_time_zone().is_some() => None,
                Err(_) => utc(parts.to_datetime().ok()?),
            }
        }
        TimeFormat::Rfc2822 => {
            let at = rfc2822::parse(text).ok()?;
            Some(at.timestamp().as_microsecond())
        }
        TimeFormat::Javascript => {
            let text = text.split_once(" (").map_or(text, |(text, _)| text);
            let parts = strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", text).ok()?;
            Some(parts.to_timestamp().ok()?.as_microsecond())
        }
        TimeFormat::Zone(name) => {
            // What has an offset is a moment without a zone's help, and another format.
            let pieces = temporal::Pieces::parse(text).ok()?;
            let local = pieces.offset().is_none() && pieces.time_zone_annotation().is_none();
            let at = local.then(|| pieces.date().to_datetime(pieces.time().unwrap_or_default()))?;
            let zone = TimeZone::get(name).ok()?;
            Some(zone.to_ambiguous_timestamp(at).compatible().ok()?.as_microsecond())
        }
        epoch => match text.parse::<i64>() {
            Ok(whole) => whole_time(whole, epoch),
            Err(_) => fractional_time(text.parse().ok()?, epoch),
        },
    }
}

/// A moment by a clock whose zone is not said, given as if it were UTC: by that of the format, if it names one.
pub(super) fn local_time(at: i64, format: &TimeFormat) -> Option<i64> {
    let TimeFormat::Zone(name) = format else { return Some(at) };
    let local = TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(at).ok()?);
    let zone = TimeZone::get(name).ok()?;
    Some(zone.to_ambiguous_timestamp(local).compatible().ok()?.as_microsecond())
}

/// Microseconds since the epoch, from a whole number in the given unit.
pub(super) fn whole_time(value: i64, format: &TimeFormat) -> Option<i64> {
    match format {
        TimeFormat::EpochNanoseconds => return Some(value.div_euclid(1_000)),
        // Dates such as 20260309.
        TimeFormat::Pattern(_) => return time(&value.to_string(), format),
        _ => {}
    }
    value.checked_mul(microseconds_per_unit(format)?).filter(is_moment)
}

/// Microseconds since the epoch, from a number in the given unit, to the nearest microsecond.
pub(super) fn fractional_time(value: f64, format: &TimeFormat) -> Option<i64> {
    let scaled = match format {
        TimeFormat::EpochNanoseconds => (value / 1_000.0).floor(),
        _ => (value * microseconds_per_unit(format)? as f64).round(),
    };
    // Beyond 2^62 an f64 is no exact microsecond any more, and years are past 100,000.
    (scaled.abs() < (1_i64 << 62) as f64).then_some(scaled as i64).filter(is_moment)
}

/// Whether a moment is within the years that calendars are kept of, so that milliseconds are not taken for seconds.
fn is_moment(at: &i64) -> bool {
    jiff::Timestamp::from_microsecond(*at).is_ok()
}

fn microseconds_per_unit(format: &TimeFormat) -> Option<i64> {
    match format {
        TimeFormat::EpochSeconds => Some(1_000_000),
        TimeFormat::EpochMilliseconds => Some(1_000),
        TimeFormat::EpochMicroseconds => Some(1),
        _ => None,
    }
}

/// The text of a moment as an id. Midnight is its date, since a date and the moment at which it begins
/// are one thing that files hold as either.
pub(super) fn moment_id(microseconds: i64) -> String {
    let mut text = iso_text(microseconds);
    if let Some(date) = text.strip_suffix("T00:00:00Z").map(str::len) {
        text.truncate(date);
    }
    text
}

/// The strings of a list as Python prints it. Anything but strings in it is not read.
pub(super) fn python_list(text: &str) -> Option<Vec<String>> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut items = Vec::new();
    let mut rest = inside.trim_start();
    while !rest.is_empty() {
        let (item, after) = python_string(rest)?;
        items.push(item);
        rest = after.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(items)
}

/// One Python string literal at the start of `text`, and what follows it.
fn python_string(text: &str) -> Option<(String, &str)> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next().filter(|(_, c)| matches!(c, '\'' | '"'))?;
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((value, &text[at + c.len_utf8()..])),
            '\\' => {
                let (_, escape) = chars.next()?;
                value.push(match escape {
                    '\\' | '\'' | '"' => escape,
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'x' => hex(&mut chars, 2)?,
                    'u' => hex(&mut chars, 4)?,
                    'U' => hex(&mut chars, 8)?,
                    _ => return None,
                });
            }
            c => value.push(c),
        }
    }
    None
}

fn hex(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.1.to_digit(16)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: datetime(2024, 7, 11, tzinfo=timezone.utc).timestamp() == 1720656000.0
    const DAY: i64 = 1_720_656_000_000_000;

    #[test]
    fn times_in_the_forms_of_real_files() {
        let pattern = TimeFormat::Pattern("%d-%m-%Y".into());
        assert_eq!(time("11-07-2024", &pattern), Some(DAY));
        assert_eq!(time("2024-07-11", &TimeFormat::Iso), Some(DAY));
        assert_eq!(time("2024-07-11 00:00:00", &TimeFormat::Iso), Some(DAY));
        let offset = "2024-07-11 02:00:00.000004+02:00";
        assert_eq!(time(offset, &TimeFormat::Iso), Some(DAY + 4));
        assert_eq!(time("2024-07-11T00:00:00Z", &TimeFormat::Iso), Some(DAY));
        assert_eq!(time("2024-07-11T02:00+02:00[Europe/Paris]", &TimeFormat::Iso), Some(DAY));
        let zone = TimeFormat::Pattern("%Y-%m-%d %H:%M %Q".into());
        assert_eq!(time("2024-07-11 02:00 +0200", &zone), Some(DAY));
        let with_offset = TimeFormat::Pattern("%Y/%m/%d %H:%M %z".into());
        assert_eq!(time("2024/07/11 02:00 +0200", &with_offset), Some(DAY));
        assert_eq!(time("Thu, 11 Jul 2024 02:00:00 +0200", &TimeFormat::Rfc2822), Some(DAY));
        let printed = "Thu Jul 11 2024 02:00:00 GMT+0200 (Central European Summer Time)";
        assert_eq!(time(printed, &TimeFormat::Javascript), Some(DAY));
        let berlin = TimeFormat::Zone("Europe/Berlin".into());
        assert_eq!(time("2024-07-11 02:00:00", &berlin), Some(DAY));
        // A winter's hour is one; the hour that clocks skipped is taken as if they had not.
        assert_eq!(time("2024-01-01T01:00", &berlin), time("2024-01-01T00:00Z", &TimeFormat::Iso));
        assert_eq!(time("2024-03-31T02:30", &berlin), time("2024-03-31T01:30Z", &TimeFormat::Iso));
        assert_eq!(time("2024-07-11T02:00:00+02:00", &berlin), None);
        let nanoseconds = TimeFormat::EpochNanoseconds;
        assert_eq!(whole_time(1_720_656_000_000_000_999, &nanoseconds), Some(DAY));
        assert_eq!(time("1720656000000000999", &nanoseconds), Some(DAY));
        assert_eq!(whole_time(20_240_711, &TimeFormat::Pattern("%Y%m%d".into())), Some(DAY));
        assert_eq!(time("1720656000", &TimeFormat::EpochSeconds), Some(DAY));
        assert_eq!(time("1720656000.25", &TimeFormat::EpochSeconds), Some(DAY + 250_000));
        assert_eq!(whole_time(1_720_656_000_000, &TimeFormat::EpochMilliseconds), Some(DAY));
    }

    #[test]
    fn times_that_are_none() {
        let zoned = "2024-07-11T02:00[Europe/Paris]";
        for text in ["", "yesterday", "32-01-2024", "2024-13-01", zoned] {
            assert_eq!(time(text, &TimeFormat::Iso), None, "{text}");
        }
        let zone = TimeFormat::Pattern("%Y-%m-%d %H:%M %Q".into());
        assert_eq!(time("2024-07-11 02:00 Europe/Paris", &zone), None);
        assert_eq!(time("nan", &TimeFormat::EpochSeconds), None);
        assert_eq!(time("1e30", &TimeFormat::EpochSeconds), None);
        assert_eq!(whole_time(i64::MAX, &TimeFormat::EpochSeconds), None);
        assert_eq!(whole_time(5, &TimeFormat::Iso), None);
    }

    #[test]
    fn python_lists() {
        let read = |text| python_list(text).map(|items| items.join("/"));
        assert_eq!(read("[]").as_deref(), Some(""));
        assert_eq!(read("['a', \"b's\", 'c\\'d\\u00e9',]").as_deref(), Some("a/b's/c'dé"));
        for broken in ["", "a", "['a'", "['a' 'b']", "[1]", "['a]", "[,]"] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
