//! Numbers and names as tables and sentences have them.

use super::printable::printable_name;

/// Four significant digits; plain notation where that is short.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "infinite" } else { "-infinite" }.to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if (-4.0..6.0).contains(&magnitude) {
        let digits = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

/// The same without digits that say nothing.
pub(crate) fn short(value: f64) -> String {
    let text = number(value);
    if !text.contains('.') || text.contains('e') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number in digits with a comma before each three of its whole part: 12,345.6. What else stands in the text is
/// left as it is.
pub(crate) fn grouped(digits: &str) -> String {
    let start = digits.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let length = digits[start..].bytes().take_while(u8::is_ascii_digit).count();
    let mut out = digits[..start].to_owned();
    for (at, digit) in digits[start..start + length].chars().enumerate() {
        if at > 0 && (length - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + &digits[start + length..]
}

/// A count, for people.
pub(crate) fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// Lines of at most 100 characters, and no more than so many, but for longer words.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let most = width.min(100);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// A level in percent, without digits that say nothing; one below 1 is never 100%.
pub(crate) fn percent(level: f64) -> String {
    let mut digits = 4;
    loop {
        let text = format!("{:.digits$}", 100.0 * level);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        if short != "100" || level >= 1.0 || digits >= 17 {
            return short.to_owned();
        }
        digits += 1;
    }
}

/// A field of CSV that no spreadsheet computes and no terminal obeys, in quotes where it must be.
pub(crate) fn csv_text(text: &str) -> String {
    let mut text = printable_name(text);
    // Spreadsheets pass over spaces, and some take the wide forms for the narrow ones.
    let first = text.trim_start().chars().next();
    if first.is_some_and(|first| "=+-@'＝＋－＠".contains(first)) {
        text.insert(0, '\'');
    }
    match text.contains([',', '"']) || text.starts_with(' ') || text.ends_with(' ') {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, number, percent};
    use crate::base::digits::{decimals, exact};

    #[test]
    fn numbers_of_every_size_are_short_and_exact_ones_read_back() {
        for value in [0.0, -0.0, 0.1, 5e-324, -5e-324, 1e-300, 1e81, -1e300, f64::MAX, 1.0 / 3.0] {
            assert!(number(value).len() <= 12, "{}", number(value));
            assert!(decimals(value, 3).len() <= 14, "{}", decimals(value, 3));
            let text = exact(value);
            assert!(text.len() <= 26, "{text}");
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
        assert_eq!((&*exact(0.25), &*exact(1e81), &*decimals(1.5, 3)), ("0.25", "1e81", "1.500"));
    }

    #[test]
    fn digits_are_in_threes() {
        let texts = ["0", "999", "1000", "-12345.678", "1234567%", "1.234e6", "infinite", ""];
        let shown = ["0", "999", "1,000", "-12,345.678", "1,234,567%", "1.234e6", "infinite", ""];
        assert_eq!(texts.map(grouped), shown.map(str::to_owned));
    }

    #[test]
    fn levels_below_one_are_not_all() {
        let shown = [0.95, 0.5, 0.999, 1.0, 0.999_999_99, 1.0 - f64::EPSILON].map(percent);
        assert_eq!(shown[..5], ["95", "50", "99.9", "100", "99.999999"]);
        assert!(shown[5].starts_with("99.99"), "{shown:?}");
    }
}
