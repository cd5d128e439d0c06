//! Cells as stretches of the text of a block, which the columns of a block share: nothing is copied
//! before it is looked at. What a cell means in a role is not known here.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::mixed_value::MixedValue;

/// What kind of cell it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    Null,
    /// Text, as it stands there.
    Text,
    /// A whole number of at most 18 digits as programs write it: its text is that of the number.
    Integer,
    /// A number that is not whole, or not written so.
    Float,
    True,
    False,
    /// One that is held beside the text.
    Odd,
}

/// Where a cell stands, and what kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    start: u32,
    /// The length in the low bits, the kind in the others: lines have at most 2^20 bytes.
    length_and_kind: u32,
}

/// Bits of a cell's length.
const LENGTH_BITS: u32 = 28;

const KINDS: [CellKind; 7] = [
    CellKind::Null,
    CellKind::Text,
    CellKind::Integer,
    CellKind::Float,
    CellKind::True,
    CellKind::False,
    CellKind::Odd,
];

/// The text of a block. Whoever read it may have its memory back once nobody needs it any more.
#[derive(Default)]
pub(crate) struct BlockText {
    text: String,
    give_back: Option<Box<dyn Fn(Vec<u8>) + Send + Sync>>,
}

impl BlockText {
    pub(crate) fn new(text: String, give_back: Box<dyn Fn(Vec<u8>) + Send + Sync>) -> Self {
        Self { text, give_back: Some(give_back) }
    }
}

impl Deref for BlockText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Drop for BlockText {
    fn drop(&mut self) {
        if let Some(give_back) = &self.give_back {
            give_back(std::mem::take(&mut self.text).into_bytes());
        }
    }
}

impl std::fmt::Debug for BlockText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.text.len())
    }
}

/// The cells of some rows of one column, each of a kind of its own, as stretches of one text.
///
/// Only readers of text make such columns, and only for the log; batches that
/// [`LogSource::next_batch`](super::LogSource::next_batch) gives have others.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    text: Arc<BlockText>,
    cells: Vec<Cell>,
    odd: Vec<MixedValue>,
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|row| self.get(row) == other.get(row))
    }
}

impl Cells {
    /// Adds a cell that is a stretch of the text.
    #[inline]
    pub(crate) fn push(&mut self, kind: CellKind, start: usize, end: usize) {
        let length_and_kind = (end - start) as u32 | ((kind as u32) << LENGTH_BITS);
        self.cells.push(Cell { start: start as u32, length_and_kind });
    }

    /// Adds a null.
    pub(crate) fn push_null(&mut self) {
        self.push(CellKind::Null, 0, 0);
    }

    /// Adds a cell that is no stretch of the text.
    pub(crate) fn push_odd(&mut self, value: MixedValue) {
        let at = self.odd.len();
        self.odd.push(value);
        self.push(CellKind::Odd, at, at);
    }

    /// Adds the odd cell once more that was the last to be added.
    pub(crate) fn push_last_odd(&mut self) {
        let at = self.odd.len().saturating_sub(1);
        self.push(CellKind::Odd, at, at);
    }

    /// Leaves the first rows alone.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.cells.truncate(rows);
    }

    /// Puts a null in the place of the last cell.
    pub(crate) fn drop_last(&mut self) {
        self.cells.pop();
        self.push_null();
    }

    /// Makes room for so many rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.cells.reserve(rows);
    }

    /// The same cells of a text that is there by now.
    pub(crate) fn of(mut self, text: &Arc<BlockText>) -> Self {
        self.text = Arc::clone(text);
        self
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Of each row, which kind of cell there is, and its text.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (CellKind, &str)> + Clone {
        self.iter_in(0..self.len())
    }

    /// The same of some rows that there are.
    pub(crate) fn iter_in(
        &self,
        rows: Range<usize>,
    ) -> impl ExactSizeIterator<Item = (CellKind, &str)> + Clone {
        let text: &str = &self.text;
        self.cells[rows].iter().map(move |cell| {
            let (kind, length) = cell.parts();
            let start = cell.start as usize;
            match kind {
                CellKind::Odd => (kind, ""),
                // A reader cuts between characters.
                _ => (kind, text.get(start..start + length).unwrap_or_default()),
            }
        })
    }

    /// The cell in a row; a null past the last row.
    #[must_use]
    pub fn get(&self, row: usize) -> MixedValue {
        let Some(cell) = self.cells.get(row) else { return MixedValue::Null };
        let (kind, length) = cell.parts();
        let start = cell.start as usize;
        let text = || self.text.get(start..start + length).unwrap_or_default();
        let or_text = |value: Option<MixedValue>| {
            value.unwrap_or_else(|| MixedValue::Text(text().to_owned()))
        };
        match kind {
            CellKind::Null => MixedValue::Null,
            CellKind::Text => MixedValue::Text(text().to_owned()),
            CellKind::Integer => or_text(text().parse().ok().map(MixedValue::Integer)),
            CellKind::Float => or_text(text().parse().ok().map(MixedValue::Float)),
            CellKind::True => MixedValue::Boolean(true),
            CellKind::False => MixedValue::Boolean(false),
            CellKind::Odd => self.odd.get(start).cloned().unwrap_or_default(),
        }
    }

    /// The text of a row where the cell is text.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        let cell = self.cells.get(row)?;
        let (kind, length) = cell.parts();
        let start = cell.start as usize;
        match kind {
            CellKind::Text => self.text.get(start..start + length),
            CellKind::Odd => match self.odd.get(start) {
                Some(MixedValue::Text(text)) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether all cells are text, or nulls.
    pub(crate) fn are_text(&self) -> bool {
        self.cells.iter().all(|cell| match cell.parts().0 {
            CellKind::Null | CellKind::Text => true,
            CellKind::Odd => matches!(self.odd.get(cell.start as usize), Some(MixedValue::Text(_))),
            _ => false,
        })
    }
}

impl Cell {
    #[inline]
    fn parts(self) -> (CellKind, usize) {
        let kind = KINDS[(self.length_and_kind >> LENGTH_BITS) as usize % KINDS.len()];
        (kind, (self.length_and_kind & ((1 << LENGTH_BITS) - 1)) as usize)
    }
}

/// The whole number that a text is, if it is written as programs write whole numbers: so that the text of
/// the number is the text again.
#[inline]
pub(super) fn whole_number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 18 => {}
        _ => return None,
    }
    let number = match digits.len() {
        ..=8 => few_digits(digits)?,
        9..=16 => {
            let (first, last) = digits.split_last_chunk::<8>()?;
            few_digits(first)? * 100_000_000 + eight_digits(u64::from_le_bytes(*last))?
        }
        _ => {
            let (first, last) = digits.split_at(digits.len() - 16);
            let (middle, last) = last.split_at(8);
            let high = few_digits(first)? * 100_000_000 + few_digits(middle)?;
            high * 100_000_000 + few_digits(last)?
        }
    };
    let number = number as i64;
    Some(if negative { -number } else { number })
}

/// The number that up to eight digits are, of which there is at least one.
#[inline]
fn few_digits(digits: &[u8]) -> Option<u64> {
    let count = digits.len();
    // As one word, whose last byte is the last digit; of loads that overlap, the same bytes meet.
    let word = if let Some(eight) = digits.first_chunk::<8>() {
        u64::from_le_bytes(*eight)
    } else if let (Some(first), Some(last)) = (digits.first_chunk(), digits.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        u64::from(first) | u64::from(last) << (8 * (count - 4))
    } else {
        let byte = |at: usize| u64::from(digits[at]) << (8 * at);
        byte(0) | byte(count / 2) | byte(count - 1)
    };
    // Zeros before the first.
    let empty = 64 - 8 * count as u32;
    eight_digits(word << empty | (ZEROS & !(u64::MAX << empty)))
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number that eight digits are.
#[inline]
fn eight_digits(eight: u64) -> Option<u64> {
    let values = eight ^ ZEROS;
    // A byte above 9 has a high half once 6 is added; bytes of 128 and more have one already.
    if (values | values.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 != 0 {
        return None;
    }
    // Pairs, then fours, then all eight.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever is a whole number has the same text again, and no other text is one.
    #[test]
    fn whole_numbers_are_their_texts() {
        let digits = 123_456_789_987_654_321_i64;
        let of_each_length = (0..18).map(|length| digits / 10_i64.pow(length));
        for number in of_each_length.chain([0, 9, 10, 99, 100, 999_999_999_999_999_999]) {
            for number in [number, -number] {
                assert_eq!(whole_number(number.to_string().as_bytes()), Some(number));
            }
        }
        let none = [
            "",
            "-",
            "-0",
            "00",
            "01",
            "+1",
            "1.0",
            " 1",
            "1 ",
            "1a",
            "12345:78",
            "12/45678",
            "1234567\u{e9}",
            "9999999999999999999",
            "\u{661}",
            "1234567890123456789",
        ];
        for text in none {
            assert_eq!(whole_number(text.as_bytes()), None, "{text}");
        }
        // Each byte in each place of eight.
        for place in 0..8 {
            for byte in 0..=255 {
                let mut text = *b"12345678";
                text[place] = byte;
                let expected = std::str::from_utf8(&text).ok().and_then(|text| {
                    let number = text.parse::<i64>().ok()?;
                    (number.to_string() == text).then_some(number)
                });
                assert_eq!(whole_number(&text), expected, "{text:?}");
            }
        }
    }
}
