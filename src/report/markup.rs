//! Texts in HTML and SVG: the characters that mark up are escaped, and names kept apart.

use crate::base::printable::printable;

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// A name by itself, in a sentence or a cell: kept apart, so that the direction in which it is read does
/// not reach what stands around it.
pub(super) fn isolated(name: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(name))
}

/// A text with what it has in quotes, which are names, [isolated].
pub(super) fn with_names_isolated(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('"') {
        let (before, name) = (&rest[..=begin], &rest[begin + 1..]);
        let Some(end) = end_of_quote(name) else { break };
        out.push_str(&escaped(before));
        out.push_str(&isolated(&name[..end]));
        out.push_str(&escaped("\""));
        rest = &name[end + 1..];
    }
    out + &escaped(rest)
}

/// Where the quote ends: a mark after a backslash is one of the name's.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}
