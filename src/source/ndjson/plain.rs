//! Lines of JSON as programs write most of them: one object of texts without escapes, numbers, words and
//! lists of such texts, with the keys of the line before. Whatever else a line may be is left to a parser of
//! all of JSON; what is read here it would read as the same.

use std::cell::Cell;

use crate::log::CellKind;

/// What the lines so far had between their values.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// By field, what stands before it, and where it is wanted, if it is.
    learned: Vec<(Between, Option<usize>)>,
}

/// The bytes from the end of a value to the next, of which most are few enough for a word.
#[derive(Debug)]
struct Between {
    bytes: Vec<u8>,
    /// The first of them as a word, and which bytes of a word they are.
    word: u128,
    mask: u128,
}

impl Between {
    fn of(bytes: &[u8]) -> Self {
        let count = bytes.len().min(16);
        let mut first = [0; 16];
        first[..count].copy_from_slice(&bytes[..count]);
        let mask = u128::MAX.checked_shr(128 - 8 * count as u32).unwrap_or(0);
        Self { bytes: bytes.to_vec(), word: u128::from_le_bytes(first), mask }
    }

    /// Whether a line goes on so.
    #[inline]
    fn begins(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(first) if self.bytes.len() <= 16 => {
                u128::from_le_bytes(*first) & self.mask == self.word
            }
            _ => rest.starts_with(&self.bytes),
        }
    }
}

/// A value as it stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) kind: Kind,
    /// Where it stands, without its quotes.
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cell(CellKind),
    /// A list of texts.
    List,
}

/// That a line is to be read by other means.
#[derive(Debug)]
pub(super) struct Other;

impl Plain {
    /// Calls `found` with the values of a line that are wanted, and their places.
    #[inline]
    pub(super) fn values(
        &mut self,
        line: &[u8],
        wanted: impl Fn(&str) -> Option<usize>,
        mut found: impl FnMut(usize, Value) -> Result<(), Other>,
    ) -> Result<(), Other> {
        let (mut at, mut field) = (0, 0);
        loop {
            let start = at;
            let place = match self.learned.get(field) {
                Some((between, place)) if between.begins(&line[at..]) => {
                    at += between.bytes.len();
                    *place
                }
                _ => match next_key(line, &mut at, field == 0)? {
                    None => return Ok(()),
                    Some(key) => {
                        let place = wanted(key);
                        self.learned.truncate(field);
                        self.learned.push((Between::of(&line[start..at]), place));
                        place
                    }
                },
            };
            let value = value(line, &mut at)?;
            if let Some(place) = place {
                found(place, value)?;
            }
            field += 1;
        }
    }

    /// Takes a line's keys as those that the next may have.
    pub(super) fn learn(&mut self, line: &[u8]) {
        self.learned.clear();
        if self.values(line, |_| None, |_, _| Ok(())).is_err() {
            self.learned.clear();
        }
    }

    /// Whether a line has the keys of the one before.
    pub(super) fn is_as_before(&mut self, line: &[u8]) -> bool {
        let is_new = Cell::new(false);
        let unknown = |_: &str| {
            is_new.set(true);
            None
        };
        let is_read = self.values(line, unknown, |_, _| Ok(())).is_ok();
        is_read && !is_new.get() && std::str::from_utf8(line).is_ok()
    }
}

/// The key that comes next; `None` at the end of the line.
fn next_key<'l>(line: &'l [u8], at: &mut usize, first: bool) -> Result<Option<&'l str>, Other> {
    skip_space(line, at);
    if first {
        expect(line, at, b'{')?;
        skip_space(line, at);
    }
    if line.get(*at) == Some(&b'}') {
        *at += 1;
        skip_space(line, at);
        return if *at == line.len() { Ok(None) } else { Err(Other) };
    }
    if !first {
        expect(line, at, b',')?;
        skip_space(line, at);
    }
    expect(line, at, b'"')?;
    let start = *at;
    *at = text_end(line, start)? + 1;
    let key = std::str::from_utf8(&line[start..*at - 1]).map_err(|_| Other)?;
    skip_space(line, at);
    expect(line, at, b':')?;
    skip_space(line, at);
    Ok(Some(key))
}

fn skip_space(line: &[u8], at: &mut usize) {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = line.get(*at) {
        *at += 1;
    }
}

fn expect(line: &[u8], at: &mut usize, byte: u8) -> Result<(), Other> {
    if line.get(*at) != Some(&byte) {
        return Err(Other);
    }
    *at += 1;
    Ok(())
}

/// The value that begins there.
#[inline]
fn value(line: &[u8], at: &mut usize) -> Result<Value, Other> {
    let start = *at;
    let cell = |kind, start, end| Ok(Value { kind: Kind::Cell(kind), start, end });
    match line.get(start) {
        Some(b'"') => {
            let end = text_end(line, start + 1)?;
            *at = end + 1;
            cell(CellKind::Text, start + 1, end)
        }
        Some(b'-' | b'0'..=b'9') => {
            let kind = number(line, at)?;
            cell(kind, start, *at)
        }
        Some(b'[') => {
            texts(line, at, |_| {})?;
            Ok(Value { kind: Kind::List, start, end: *at })
        }
        _ => {
            let words =
                [("true", CellKind::True), ("false", CellKind::False), ("null", CellKind::Null)];
            let is_it = |(word, _): &&(&str, _)| line[start..].starts_with(word.as_bytes());
            let (word, kind) = words.iter().find(is_it).ok_or(Other)?;
            *at += word.len();
            cell(*kind, start, *at)
        }
    }
}

/// Where a text ends that has no escapes.
#[inline]
fn text_end(line: &[u8], start: usize) -> Result<usize, Other> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The lowest byte that is marked is zero in `word`; those above it may be marked as well.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = start;
    while let Some(eight) = line.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let quote = zero(word ^ (ONES * b'"' as u64));
        let escape = zero(word ^ (ONES * b'\\' as u64));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let marked = quote | escape | control;
        if marked != 0 {
            at += marked.trailing_zeros() as usize / 8;
            return if line[at] == b'"' { Ok(at) } else { Err(Other) };
        }
        at += 8;
    }
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => return Ok(at),
            b'\\' | 0..0x20 => return Err(Other),
            _ => at += 1,
        }
    }
    Err(Other)
}

/// The kind of a number, without exponents, and of few digits where it is whole.
#[inline]
fn number(line: &[u8], at: &mut usize) -> Result<CellKind, Other> {
    let negative = line[*at] == b'-';
    *at += usize::from(negative);
    let whole = digits(line, at);
    let zero = line.get(*at - whole) == Some(&b'0');
    if whole == 0 || zero && whole > 1 {
        return Err(Other);
    }
    match line.get(*at) {
        Some(b'e' | b'E') => Err(Other),
        Some(b'.') => {
            *at += 1;
            let fraction = digits(line, at);
            let exponent = matches!(line.get(*at), Some(b'e' | b'E'));
            if fraction == 0 || exponent { Err(Other) } else { Ok(CellKind::Float) }
        }
        // A zero below zero is no whole number.
        _ if whole > 18 || zero && negative => Err(Other),
        _ => Ok(CellKind::Integer),
    }
}

/// How many digits there are.
fn digits(line: &[u8], at: &mut usize) -> usize {
    let start = *at;
    while let Some(b'0'..=b'9') = line.get(*at) {
        *at += 1;
    }
    *at - start
}

/// The texts of a list, which has no others.
pub(super) fn texts<'l>(
    line: &'l [u8],
    at: &mut usize,
    mut found: impl FnMut(&'l [u8]),
) -> Result<(), Other> {
    expect(line, at, b'[')?;
    skip_space(line, at);
    if line.get(*at) == Some(&b']') {
        *at += 1;
        return Ok(());
    }
    loop {
        expect(line, at, b'"')?;
        let start = *at;
        let end = text_end(line, start)?;
        found(&line[start..end]);
        *at = end + 1;
        skip_space(line, at);
        match line.get(*at) {
            Some(b',') => *at += 1,
            Some(b']') => {
                *at += 1;
                return Ok(());
            }
            _ => return Err(Other),
        }
        skip_space(line, at);
    }
}
