//! Numbers and names that programs stumble over. Data alone.

use crate::chance::Chance;

/// As text, so that they can stand in any form.
pub(crate) const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "2",
    "0.5",
    "5e-324",
    "2.2250738585072014e-308",
    "1e-300",
    "1e-7",
    "0.999999999999",
    "8388608",
    "16777216",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "340282366920938463463374607431768211456",
    "1e15",
    "1e16",
    "1e308",
    "1.7976931348623157e308",
    "1e309",
    "-1e308",
    "NaN",
    "inf",
    "-inf",
    "0x10",
    "1_000",
    " 1",
    "1,5",
    "00",
    "+1",
    "true",
];

pub(crate) const NAMES: &[&str] = &[
    "",
    " ",
    "ranked",
    "newest",
    "war",
    "sport",
    "war|sport",
    "|",
    "['war', \"the people's party\"]",
    "[\"war\"]",
    "[",
    "null",
    "NA",
    "\u{202e}war\u{2066}",
    "a\u{2028}b\u{2029}c",
    "\u{1b}[31mred\u{1b}[0m",
    "a\u{0}b",
    "\u{feff}war",
    "e\u{301}",
    "\u{e9}",
    "\u{1f469}\u{200d}\u{1f469}",
    "<script>alert(1)</script>",
    "]]>&amp;\"'",
    "../../etc/passwd",
    "a\nb",
    "a\r\nb",
    "\"",
    "\\",
    "2024-07-11",
    "2024-02-30T25:61:61Z",
    "-9999-01-01",
    "9999-12-31T23:59:59.999999999+26:00",
    "2024-07-11T00:00:00[Europe/Paris]",
    "%d",
    "=1+1",
];

pub(crate) fn number(chance: &mut Chance) -> &'static str {
    NUMBERS[chance.below(NUMBERS.len())]
}

/// A name, now and then a very long one.
pub(crate) fn name(chance: &mut Chance) -> String {
    let name = *chance.pick(NAMES);
    if chance.one_in(24) { name.repeat(1 + chance.below(4096)) + "x" } else { name.to_owned() }
}

/// Either.
pub(crate) fn cell(chance: &mut Chance) -> String {
    if chance.one_in(2) { number(chance).to_owned() } else { name(chance) }
}
