//! How names are written: as numbers, as days, as nothing at all, with characters that are not seen.

use std::collections::BTreeSet;

/// Characters that are not seen, and make two names of what looks like one.
pub(super) const fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The whole number in a text such as `17.0`.
pub(super) fn whole_number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.')?;
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    (zeros && is_whole(whole)).then_some(whole)
}

/// Whether a text is a whole number as programs write them, of at most 15 digits.
pub(super) fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (1..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
        && text != "-0"
}

/// Whether a name is what stands before the sums of a table, in some of the languages of offices.
pub(super) fn is_like_total(name: &str) -> bool {
    const TOTALS: [&str; 11] = [
        "total",
        "totals",
        "grand total",
        "subtotal",
        "sum",
        "gesamt",
        "summe",
        "totale",
        "totaal",
        "insgesamt",
        "total g\u{e9}n\u{e9}ral",
    ];
    // The longest, with a colon.
    if name.len() > 16 {
        return false;
    }
    let name = name.trim().trim_end_matches(':');
    TOTALS.iter().any(|total| total.eq_ignore_ascii_case(name))
}

/// Whether a name is what programs and people write where they have no value.
pub(super) fn is_like_null(name: &str) -> bool {
    const NULLS: [&str; 19] = [
        "nan",
        "na",
        "n/a",
        "#n/a",
        "<na>",
        "none",
        "null",
        "<null>",
        "(null)",
        "nil",
        "nat",
        "undefined",
        "n.a.",
        "-",
        "--",
        "?",
        "\\n",
        "unknown",
        "missing",
    ];
    // The longest is of nine letters, and long names are many.
    if name.len() > 40 {
        return false;
    }
    let name = name.trim();
    name.is_empty() || NULLS.iter().any(|null| null.eq_ignore_ascii_case(name))
}

/// Marks that stand on the letter before them, which looks like the letter that has them.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// How a day is written: what stands between its numbers, whether the year comes first, and whether numbers
/// below 10 have a zero before them; `None` where none is below 10.
pub(super) type DayForm = (char, bool, Option<bool>);

/// The form of a day, with or without a time after it.
pub(super) fn day_form(name: &str) -> Option<DayForm> {
    let day = name.trim().split([' ', 'T']).next()?;
    if !(8..=10).contains(&day.len()) {
        return None;
    }
    let between = day.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = day.split(between).collect();
    let [first, second, third] = parts[..] else { return None };
    let year_first = first.len() == 4;
    let (year, others) =
        if year_first { (first, [second, third]) } else { (third, [first, second]) };
    let is_part = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse().is_ok_and(|number: u32| (1..=31).contains(&number))
    };
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    if !is_year || !others.iter().all(|part| is_part(part)) {
        return None;
    }
    let zero = others.iter().any(|part| part.starts_with('0'));
    let bare = others.iter().any(|part| part.len() == 1);
    Some((between, year_first, (zero || bare).then_some(zero)))
}

/// In how many ways days are written: those that may be of either way are of one that is there.
pub(super) fn ways(forms: &BTreeSet<DayForm>) -> usize {
    let said = forms.iter().filter(|(_, _, zeros)| zeros.is_some()).count();
    let unsaid = forms.iter().filter(|(between, first, zeros)| {
        let same = |zeros| forms.contains(&(*between, *first, Some(zeros)));
        zeros.is_none() && !same(true) && !same(false)
    });
    said + unsaid.count()
}

/// Whether a name is a whole number past ten digits in scientific notation, as programs write it that hold
/// it as a floating-point number.
pub(super) fn is_rounded(name: &str) -> bool {
    let text = name.trim();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let is_written_so = mantissa.contains('.') || exponent.starts_with('+');
    let is_number = mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && mantissa.parse::<f64>().is_ok();
    is_written_so && is_number && exponent.parse().is_ok_and(|power: u32| (10..40).contains(&power))
}

/// The number that a name is, the same text however the number is written; exact, since two ids may
/// differ in their last of many digits.
pub(super) fn number_in(name: &str) -> Option<String> {
    let text = name.trim();
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let power = i64::from(exponent) + zeros as i64 - fraction.len() as i64;
    Some(format!("{sign}{significant}e{power}"))
}
