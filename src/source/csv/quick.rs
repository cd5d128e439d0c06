//! Delimited text many bytes at a time, where it is UTF-8 and all quotes stand as they should.

use super::marks::{WIDTH, mask, places};
use super::quotes::{Quotes, padded};
use super::rows::{Halt, Rows};

/// That it must be read byte by byte.
pub(super) struct Odd;

/// The rows of a block without quotes.
pub(super) fn decode_plain(text: &str, delimiter: u8, rows: &mut Rows<'_>) -> Result<(), Halt> {
    let block = text.as_bytes();
    let returns = memchr::memchr(b'\r', block).is_some();
    let mut walk = Walk::default();
    for (at, (chunk, count)) in padded(block).enumerate() {
        let ends = match returns {
            true => mask(&chunk, |byte| byte == delimiter || byte == b'\n' || byte == b'\r'),
            false => mask(&chunk, |byte| byte == delimiter || byte == b'\n'),
        };
        for place in places(within(ends, count)) {
            let end = at * WIDTH + place;
            if block[end] == delimiter {
                rows.field(walk.field, end);
                walk.field = end + 1;
            } else {
                walk.line(block, end, rows, |rows, start, end| rows.field(start, end))?;
            }
        }
    }
    walk.last(block, rows, |rows, start, end| rows.field(start, end))
}

/// The rows of a block with quotes.
pub(super) fn decode_quoted(
    text: &str,
    delimiter: u8,
    rows: &mut Rows<'_>,
) -> Result<Result<(), Halt>, Odd> {
    let block = text.as_bytes();
    let mut quotes = Quotes::at_row();
    let mut walk = Walk::default();
    let field = |rows: &mut Rows<'_>, start, end| quoted_field(text, start, end, rows);
    for (at, (chunk, count)) in padded(block).enumerate() {
        let ends = quotes.next(&chunk, delimiter).ok_or(Odd)?;
        for place in places(within(ends.fields, count)) {
            let end = at * WIDTH + place;
            if block[end] == delimiter {
                field(rows, walk.field, end);
                walk.field = end + 1;
            } else if let Err(halt) = walk.line(block, end, rows, field) {
                return Ok(Err(halt));
            }
        }
    }
    if quotes.are_open() {
        let too_long = rows.check_length(block, walk.line, block.len() + 1);
        return Ok(too_long.and(Err(Halt::OpenQuote)));
    }
    Ok(walk.last(block, rows, field))
}

/// The bits of bytes that are there.
#[inline(always)]
fn within(mask: u64, count: usize) -> u64 {
    if count < WIDTH { mask & ((1 << count) - 1) } else { mask }
}

/// Where the field and the line begin that are being read.
#[derive(Default)]
struct Walk {
    field: usize,
    line: usize,
}

impl Walk {
    /// Ends the line at a byte that ends one; a blank line is none.
    #[inline(always)]
    fn line(
        &mut self,
        block: &[u8],
        end: usize,
        rows: &mut Rows<'_>,
        field: impl Fn(&mut Rows<'_>, usize, usize),
    ) -> Result<(), Halt> {
        if !rows.is_new() || end > self.field {
            rows.check_length(block, self.line, end + 1)?;
            field(rows, self.field, end);
            rows.end();
        }
        (self.field, self.line) = (end + 1, end + 1);
        Ok(())
    }

    /// Ends a last line that nothing ends.
    fn last(
        mut self,
        block: &[u8],
        rows: &mut Rows<'_>,
        field: impl Fn(&mut Rows<'_>, usize, usize),
    ) -> Result<(), Halt> {
        self.line(block, block.len(), rows, field)
    }
}

/// Adds a field that may be in quotes.
#[inline(always)]
fn quoted_field(text: &str, start: usize, end: usize, rows: &mut Rows<'_>) {
    let field = &text.as_bytes()[start..end];
    if !rows.is_asked() {
        rows.pass();
    } else if field.first() != Some(&b'"') {
        rows.field(start, end);
    } else if field.len() > 1 && memchr::memchr(b'"', &field[1..]) == Some(field.len() - 2) {
        rows.field(start + 1, end - 1);
    } else {
        rows.field_of_text(&unquoted(&text[start + 1..end]));
    }
}

/// The text of a field after the quote that opens it: two quotes are one, and after one alone what follows
/// is taken as it is.
fn unquoted(mut rest: &str) -> String {
    let mut text = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('"') {
        text.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None => {
                text.push_str(after);
                return text;
            }
        }
    }
    text.push_str(rest);
    text
}
