//! Numbers in digits, never hundreds of them, wherever they are said. Which numbers, and with how many digits,
//! is not known here.

/// A number with so many decimals, or few digits and a power of ten where that would be long.
pub(crate) fn decimals(value: f64, digits: usize) -> String {
    if value.abs() < 1e9 { format!("{value:.digits$}") } else { format!("{value:.digits$e}") }
}

/// All digits of a number: with a power of ten where it would be long without. It reads back as the same.
pub(crate) fn exact(value: f64) -> String {
    const LONG: usize = 26;
    let text = value.to_string();
    if text.len() <= LONG { text } else { format!("{value:e}") }
}
