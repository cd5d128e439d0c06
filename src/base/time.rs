//! Moments as text.

use jiff::fmt::temporal;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Microseconds since the epoch, from ISO 8601; without an offset it is UTC. `UTC` or `GMT` may stand for the `Z`, and
/// an hour may have one digit.
pub(crate) fn iso(text: &str) -> Option<i64> {
    if let Some(at) = plain_iso(text.as_bytes()) {
        return Some(at);
    }
    strict_iso(text).or_else(|| loose_iso(text))
}

/// What programs write that know of ISO 8601 by hearsay.
fn loose_iso(text: &str) -> Option<i64> {
    let named = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT"));
    let mut whole = named.map_or_else(|| text.to_owned(), |text| format!("{}Z", text.trim_end()));
    // `2021-02-04 8:00:24`.
    if let Some(b'T' | b' ') = whole.as_bytes().get(10)
        && whole.as_bytes().get(12) == Some(&b':')
        && whole.is_char_boundary(11)
    {
        whole.insert(11, '0');
    }
    (whole != text).then(|| strict_iso(&whole))?
}

fn strict_iso(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond());
    }
    let pieces = temporal::Pieces::parse(text).ok()?;
    let local = pieces.offset().is_none() && pieces.time_zone_annotation().is_none();
    local.then(|| utc(pieces.date().to_datetime(pieces.time().unwrap_or_default())))?
}

/// The same of the form that most files have, `2026-03-01T12:34:56Z`, with a space for the `T`, without the
/// `Z`, or with a fraction of up to six digits; `None` for all else, though it may be a moment.
fn plain_iso(text: &[u8]) -> Option<i64> {
    let (whole, rest) = text.split_first_chunk::<19>()?;
    let number = |digits: &[u8]| {
        let digit = |sum: Option<i64>, byte: &u8| {
            let digit = byte.wrapping_sub(b'0');
            (digit < 10).then_some(sum? * 10 + i64::from(digit))
        };
        digits.iter().fold(Some(0), digit)
    };
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T' | b' ',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
    ] = *whole
    else {
        return None;
    };
    let year = number(&[y0, y1, y2, y3])?;
    let [month, day] = [number(&[m0, m1])?, number(&[d0, d1])?];
    let [hour, minute, second] = [number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // Of a second of 60, and of where calendars end, others know more.
    if !(1..=9998).contains(&year)
        || !(1..=days).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let fraction = match rest.strip_suffix(b"Z").unwrap_or(rest) {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    let seconds = (hour * 60 + minute) * 60 + second;
    Some(days_from_epoch(year, month, day) * DAY + seconds * 1_000_000 + fraction)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar: years are counted from March, so that a day
/// is added at their end, in eras of 400 years, which have 146,097 days.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    // 1970-01-01 is the 719,468th day after 0000-03-01.
    era * 146_097 + days - 719_468
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_one_digit_and_names_of_utc() {
        let at = iso("2021-02-04T08:00:24Z").unwrap();
        for text in [
            "2021-02-04 8:00:24",
            "2021-02-04T8:00:24Z",
            "2021-02-04 08:00:24 UTC",
            "2021-02-04 8:00:24 GMT",
            "2021-02-04 9:00:24+01:00",
        ] {
            assert_eq!(iso(text), Some(at), "{text}");
        }
        for text in [
            "2021-02-04 :00:24",
            "2021-02-04 8",
            "UTC",
            "2021-02-04 08:00:24 CET",
            "2021-02-0é 8:00",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    /// What the quick way reads is what `jiff` reads, on every day of some centuries and at edges of all
    /// parts.
    #[test]
    fn the_quick_way_reads_what_jiff_reads() {
        let slowly = |text: &str| {
            let pieces = temporal::Pieces::parse(text).ok()?;
            match text.parse::<Timestamp>() {
                Ok(at) => Some(at.as_microsecond()),
                Err(_) => utc(pieces.date().to_datetime(pieces.time().unwrap_or_default())),
            }
        };
        let mut read = 0;
        for year in (1..3000).step_by(7).chain([1600, 1700, 1899, 1900, 1970, 2000, 2024, 9999]) {
            for (month, day) in
                [(1, 1), (2, 28), (2, 29), (3, 1), (4, 30), (4, 31), (12, 31), (13, 1)]
            {
                let (hour, minute) = (year % 25, year % 61);
                let date = format!("{year:04}-{month:02}-{day:02}");
                for time in
                    [format!("{hour:02}:{minute:02}:59"), "00:00:60".into(), "00:00:00".into()]
                {
                    for (between, end) in [('T', "Z"), (' ', ""), ('T', ".5Z"), (' ', ".123456")] {
                        let text = format!("{date}{between}{time}{end}");
                        let quick = plain_iso(text.as_bytes());
                        assert!(quick.is_none() || quick == slowly(&text), "{text}: {quick:?}");
                        read += u32::from(quick.is_some());
                    }
                }
            }
        }
        assert!(read > 10_000, "{read}");
        for text in [
            "2026-03-01T12:34:56+01:00",
            "2026-03-01",
            "2026-03-01T12:34:56.1234567Z",
            "2026-3-01T12:34:560",
        ] {
            assert_eq!(plain_iso(text.as_bytes()), None, "{text}");
        }
    }
}
