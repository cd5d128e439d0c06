//! Which bytes of delimited text stand within quotes, where all quotes stand as they should.
//!
//! A quote opens a field only at the field's beginning; elsewhere it is a character like others. So whether a
//! byte stands within quotes is not a matter of counting them, unless each quote that would open one stands at
//! the beginning of a field, or behind one that closed it (which makes both one quote of the field's text).
//! That is looked at here for 64 bytes at a time, and where it is not so the text is left to a parser that
//! goes byte by byte.

use super::marks::{WIDTH, mask, parity};

/// What is carried from 64 bytes to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotes {
    /// All ones within quotes.
    within: u64,
    /// Whether the byte before was the end of a field, or a quote that closed one.
    may_open: u64,
}

/// Bytes of which each may be the end of a field.
pub(super) struct Ends {
    /// Delimiters and ends of lines outside of quotes.
    pub(super) fields: u64,
    /// Ends of lines outside of quotes.
    pub(super) lines: u64,
}

impl Quotes {
    /// At the beginning of a row.
    pub(super) const fn at_row() -> Self {
        Self { within: 0, may_open: 1 }
    }

    /// Whether the bytes so far end within quotes.
    pub(super) const fn are_open(self) -> bool {
        self.within != 0
    }

    /// The ends of fields and lines among the next bytes; `None` where a quote stands as it should not.
    #[inline(always)]
    pub(super) fn next(&mut self, bytes: &[u8; WIDTH], delimiter: u8) -> Option<Ends> {
        let quotes = mask(bytes, |byte| byte == b'"');
        let lines = mask(bytes, |byte| byte == b'\n' || byte == b'\r');
        let fields = mask(bytes, |byte| byte == delimiter) | lines;
        if quotes == 0 {
            let outside = !self.within;
            let ends = Ends { fields: fields & outside, lines: lines & outside };
            self.may_open = (ends.fields >> (WIDTH - 1)) & 1;
            return Some(ends);
        }
        let within = parity(quotes) ^ self.within;
        let (opening, closing) = (quotes & within, quotes & !within);
        let ends = Ends { fields: fields & !within, lines: lines & !within };
        let before = ends.fields | closing;
        if opening & !(before << 1 | self.may_open) != 0 {
            return None;
        }
        self.may_open = before >> (WIDTH - 1);
        self.within = (within >> (WIDTH - 1)).wrapping_neg();
        Some(ends)
    }
}

/// Where the last line ends that ends among some bytes which begin with a row; `None` if none does.
/// A carriage return that is the last byte may be half of an end.
pub(super) fn last_line_end(bytes: &[u8], delimiter: u8) -> Option<Option<usize>> {
    let mut quotes = Quotes::at_row();
    let mut last = None;
    let all = bytes.len();
    for (at, (chunk, count)) in padded(bytes).enumerate() {
        let lines = quotes.next(&chunk, delimiter)?.lines;
        let mut lines = if count < WIDTH { lines & ((1 << count) - 1) } else { lines };
        if at * WIDTH + count == all && bytes[all - 1] == b'\r' {
            lines &= !(1 << (count - 1));
        }
        if lines != 0 {
            last = Some(at * WIDTH + WIDTH - lines.leading_zeros() as usize);
        }
    }
    Some(last)
}

/// The bytes 64 at a time; after the last of them zeros, and how many of them there are.
#[inline(always)]
pub(super) fn padded(bytes: &[u8]) -> impl Iterator<Item = ([u8; WIDTH], usize)> {
    let (chunks, rest) = bytes.as_chunks::<WIDTH>();
    let last = (!rest.is_empty()).then(|| {
        let mut last = [0; WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        (last, rest.len())
    });
    chunks.iter().map(|chunk| (*chunk, WIDTH)).chain(last)
}
