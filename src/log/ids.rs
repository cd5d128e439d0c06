//! Reading ids: from a column of any type that may hold them to codes, looking at each distinct
//! number or shared text once. The rules about values are the builder's.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::batch::{Column, SharedNumbers, SharedText, TextColumn};
use super::cells::{CellKind, Cells, whole_number};
use super::dictionary::{Coded, Dictionary};
use super::mixed::{self, refused};
use super::recent::Recent;
use crate::error::Error;
use crate::error::row::FaultReason;

/// A code that was not handed out yet.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// Cells whose numbers are looked up together.
const CELLS_AT_A_TIME: usize = 1024;

/// Reads a column of ids, batch after batch.
#[derive(Debug, Default)]
pub(super) struct IdReader {
    ids: Coded,
    numbers: NumberCodes,
    /// The codes of the texts of the dictionary that was met last.
    shared: Memo<TextColumn>,
    /// The codes of the numbers of the dictionary that was met last.
    shared_numbers: Memo<Vec<i64>>,
    /// The codes of short texts that came lately.
    recent: Recent,
}

/// The codes of numbers that were met. Ids are mostly dealt out one after the other, so most stand
/// in a table by their distance from the least; ids that lie far apart are looked up.
#[derive(Debug)]
struct NumberCodes {
    base: i64,
    near: Vec<u32>,
    far: HashMap<i64, u32, RandomState>,
    /// The most places of the table, whatever the numbers.
    most: usize,
}

impl Default for NumberCodes {
    fn default() -> Self {
        Self { base: 0, near: Vec::new(), far: HashMap::default(), most: usize::MAX }
    }
}

impl NumberCodes {
    /// The longest table for a few numbers (8 MiB); for many it may be 32 times as long as they are.
    const LEAST: usize = 1 << 21;

    #[inline]
    fn get(&self, number: i64) -> u32 {
        let at = number.wrapping_sub(self.base) as u64;
        match self.near.get(usize::try_from(at).unwrap_or(usize::MAX)) {
            Some(&code) if code != UNKNOWN => code,
            _ if self.far.is_empty() => UNKNOWN,
            _ => self.far.get(&number).copied().unwrap_or(UNKNOWN),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<u32>() * self.near.capacity() + 2 * size_of::<(i64, u32)>() * self.far.capacity()
    }

    /// Remembers a code; `codes` have been handed out so far.
    fn insert(&mut self, number: i64, code: u32, codes: usize) {
        if self.near.is_empty() {
            self.base = number;
        }
        let most = Self::LEAST.max(32 * codes).min(self.most) as i128;
        let base = i128::from(self.base).min(number.into());
        let end = (i128::from(self.base) + self.near.len() as i128).max(i128::from(number) + 1);
        if end - base > most {
            self.far.insert(number, code);
            return;
        }
        let before = (i128::from(self.base) - base) as usize;
        if before > 0 {
            // Room for as much again, so that ids which come in falling order are moved seldom.
            let room = (most - (end - base)).min(self.near.len() as i128).max(0);
            let room = room.min(base - i128::from(i64::MIN)) as usize;
            self.near.splice(0..0, std::iter::repeat_n(UNKNOWN, before + room));
            self.base = (base - room as i128) as i64;
        }
        let at = (i128::from(number) - i128::from(self.base)) as usize;
        if at >= self.near.len() {
            self.near.resize(at + 1, UNKNOWN);
        }
        self.near[at] = code;
    }
}

/// What was made of each value of a shared dictionary, for as long as the same one comes again.
#[derive(Debug)]
pub(super) struct Memo<T> {
    values: Option<Arc<T>>,
    made: Vec<u32>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { values: None, made: Vec::new() }
    }
}

impl<T> Memo<T> {
    /// What was made of a dictionary's values; what `known` knows of those not met yet, or
    /// [`UNKNOWN`].
    pub(super) fn of(&mut self, values: &Arc<T>, known: impl Iterator<Item = u32>) -> &mut [u32] {
        if !self.values.as_ref().is_some_and(|its| Arc::ptr_eq(its, values)) {
            self.values = Some(Arc::clone(values));
            self.made.clear();
            self.made.extend(known);
        }
        &mut self.made
    }

    /// Bytes of what was made, and of the dictionary that it was made of.
    pub(super) fn bytes(&self, of_values: impl Fn(&T) -> usize) -> usize {
        size_of::<u32>() * self.made.capacity() + self.values.as_deref().map_or(0, of_values)
    }
}

/// What was made of the values that some keys stand for, added to `rows`; or nothing added, if
/// there are keys of which nothing was made yet.
pub(super) fn all_made(made: &[u32], keys: &[u32], rows: &mut Vec<u32>) -> bool {
    let first = rows.len();
    let mut most = 0;
    rows.extend(keys.iter().map(|&key| {
        let made = made.get(key as usize).copied().unwrap_or(UNKNOWN);
        most = most.max(made);
        made
    }));
    if most == UNKNOWN {
        rows.truncate(first);
    }
    most != UNKNOWN
}

/// For as many values, that nothing was made of them.
pub(super) fn none_made(values: usize) -> impl Iterator<Item = u32> {
    std::iter::repeat_n(UNKNOWN, values)
}

impl IdReader {
    /// Adds the rows of a column, given the text of a row and whether a text means no value.
    /// `fault` is called for rows without a value that can be an id, which get an empty one.
    pub(super) fn push<'c>(
        &mut self,
        column: &'c Column,
        text_of: impl Fn(usize) -> Option<std::borrow::Cow<'c, str>>,
        null: impl Fn(&str) -> bool + Copy,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        match column {
            Column::Cells(cells) => self.push_cells(cells, null, fault),
            Column::Whole(numbers) => self.push_numbers(numbers, null, fault),
            Column::Shared(shared) => self.push_shared(shared, null, fault),
            Column::SharedWhole(shared) => self.push_shared_numbers(shared, null, fault),
            _ => {
                for row in 0..column.len() {
                    let text = text_of(row);
                    match refused(text.as_deref(), null) {
                        None => self.ids.push(&text.unwrap_or_default())?,
                        Some(reason) => {
                            fault(row, reason, &text.unwrap_or_default());
                            self.ids.push("")?;
                        }
                    }
                }
                Ok(())
            }
        }
    }

    fn push_numbers(
        &mut self,
        numbers: &[i64],
        null: impl Fn(&str) -> bool,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        let first = self.ids.codes().len();
        let mut most = 0;
        self.ids.codes_mut().extend(numbers.iter().map(|&number| {
            let code = self.numbers.get(number);
            most = most.max(code);
            code
        }));
        if most != UNKNOWN {
            return Ok(());
        }
        // Numbers that were not met before are few: they are looked at one by one.
        for (row, &number) in numbers.iter().enumerate() {
            if self.ids.codes()[first + row] == UNKNOWN {
                let code = match self.numbers.get(number) {
                    UNKNOWN => self.new_number(number, &null, |text| {
                        fault(row, FaultReason::Null, text);
                    })?,
                    code => code,
                };
                self.ids.codes_mut()[first + row] = code;
            }
        }
        Ok(())
    }

    /// The code of a number not met before. One that means no value gets the code of the empty id.
    fn new_number(
        &mut self,
        number: i64,
        null: impl Fn(&str) -> bool,
        fault: impl FnOnce(&str),
    ) -> Result<u32, Error> {
        let text = number.to_string();
        if null(&text) {
            fault(&text);
            return self.ids.code_for("");
        }
        let code = self.ids.code_for_number(&text)?;
        self.numbers.insert(number, code, self.ids.dictionary().len());
        Ok(code)
    }

    fn push_shared(
        &mut self,
        shared: &SharedText,
        null: impl Fn(&str) -> bool,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        let made = self.shared.of(&shared.texts, none_made(shared.texts.len()));
        if all_made(made, &shared.keys, self.ids.codes_mut()) {
            return Ok(());
        }
        for (row, &key) in shared.keys.iter().enumerate() {
            let mut code = made.get(key as usize).copied().unwrap_or(UNKNOWN);
            if code == UNKNOWN {
                let text = shared.texts.get(key as usize);
                match refused(text, &null) {
                    None => {
                        code = self.ids.code_for(text.unwrap_or_default())?;
                        made[key as usize] = code;
                    }
                    Some(reason) => {
                        fault(row, reason, text.unwrap_or_default());
                        code = self.ids.code_for("")?;
                    }
                }
            }
            self.ids.codes_mut().push(code);
        }
        Ok(())
    }

    fn push_shared_numbers(
        &mut self,
        shared: &SharedNumbers,
        null: impl Fn(&str) -> bool,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        let mut memo = std::mem::take(&mut self.shared_numbers);
        // Row groups that follow each other mostly have the same numbers.
        let known = shared.numbers.iter().map(|&number| self.numbers.get(number));
        let made = memo.of(&shared.numbers, known);
        if !all_made(made, &shared.keys, self.ids.codes_mut()) {
            for (row, &key) in shared.keys.iter().enumerate() {
                let code = match made.get(key as usize).copied() {
                    Some(code) if code != UNKNOWN => code,
                    Some(_) => {
                        let number = shared.numbers[key as usize];
                        let code = self.new_number(number, &null, |text| {
                            fault(row, FaultReason::Null, text);
                        })?;
                        // A number that means no value is a fault in each of its rows.
                        made[key as usize] = self.numbers.get(number);
                        code
                    }
                    None => {
                        fault(row, FaultReason::Null, "");
                        self.ids.code_for("")?
                    }
                };
                self.ids.codes_mut().push(code);
            }
        }
        self.shared_numbers = memo;
        Ok(())
    }

    /// Cells of which most are text or whole numbers. A whole number is told by its number, written as text
    /// or not, since it is the same id.
    fn push_cells(
        &mut self,
        cells: &Cells,
        null: impl Fn(&str) -> bool + Copy,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        self.ids.codes_mut().reserve(cells.len());
        let mut numbers = Vec::with_capacity(CELLS_AT_A_TIME);
        for first in (0..cells.len()).step_by(CELLS_AT_A_TIME) {
            let rows = first..cells.len().min(first + CELLS_AT_A_TIME);
            let whole = |(kind, text): (CellKind, &str)| match kind {
                CellKind::Text | CellKind::Integer => whole_number(text.as_bytes()),
                _ => None,
            };
            numbers.clear();
            numbers.extend(cells.iter_in(rows.clone()).map_while(whole));
            // First all numbers and then all codes: a look into a large table does not wait for the one
            // before it.
            if numbers.len() == rows.len() {
                self.push_numbers(&numbers, null, |row, reason, text| {
                    fault(first + row, reason, text);
                })?;
            } else {
                self.push_each_cell(cells, rows, null, &mut fault)?;
            }
        }
        Ok(())
    }

    fn push_each_cell(
        &mut self,
        cells: &Cells,
        rows: std::ops::Range<usize>,
        null: impl Fn(&str) -> bool + Copy,
        fault: &mut impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        for (row, (kind, text)) in rows.clone().zip(cells.iter_in(rows)) {
            let code = match kind {
                CellKind::Text | CellKind::Integer => match self.code_of(text, null)? {
                    Some(code) => code,
                    None => {
                        let reason = refused(Some(text), null).unwrap_or(FaultReason::Null);
                        fault(row, reason, text);
                        self.ids.code_for("")?
                    }
                },
                _ => mixed::code_of(&mut self.ids, &cells.get(row), null, |reason, value| {
                    fault(row, reason, value);
                })?,
            };
            self.ids.codes_mut().push(code);
        }
        Ok(())
    }

    /// The code of an id; `None` for a text that is none.
    #[inline]
    fn code_of(
        &mut self,
        text: &str,
        null: impl Fn(&str) -> bool + Copy,
    ) -> Result<Option<u32>, Error> {
        if let Some(number) = whole_number(text.as_bytes()) {
            return match self.numbers.get(number) {
                UNKNOWN => self.code_of_new(text, Some(number), null),
                code => Ok(Some(code)),
            };
        }
        let short = Recent::short(text.as_bytes());
        if let Some(code) = short.and_then(|short| self.recent.get(short)) {
            return Ok(Some(code));
        }
        // What is refused stands in no dictionary, but for the empty text.
        let code = match self.ids.dictionary().code(text).filter(|_| !text.is_empty()) {
            Some(code) => Some(code),
            None => self.code_of_new(text, None, null)?,
        };
        if let (Some(short), Some(code)) = (short, code) {
            self.recent.insert(short, code);
        }
        Ok(code)
    }

    #[cold]
    fn code_of_new(
        &mut self,
        text: &str,
        number: Option<i64>,
        null: impl Fn(&str) -> bool,
    ) -> Result<Option<u32>, Error> {
        if refused(Some(text), null).is_some() {
            return Ok(None);
        }
        let Some(number) = number else {
            return self.ids.code_for(text).map(Some);
        };
        let code = self.ids.code_for_number(text)?;
        self.numbers.insert(number, code, self.ids.dictionary().len());
        Ok(Some(code))
    }

    /// The rows so far, as codes; the ids are kept for further rows.
    pub(super) fn take_codes(&mut self) -> Vec<u32> {
        std::mem::take(self.ids.codes_mut())
    }

    /// The ids from a code on.
    pub(super) fn ids_after(&self, code: usize) -> Dictionary {
        self.ids.dictionary().after(code)
    }

    /// Adds rows that another reader read, by its codes: `ids` are the ids of those, and `made` what was
    /// made of each, or [`UNKNOWN`].
    pub(super) fn push_known(
        &mut self,
        codes: &[u32],
        ids: &Dictionary,
        made: &mut [u32],
    ) -> Result<(), Error> {
        if all_made(made, codes, self.ids.codes_mut()) {
            return Ok(());
        }
        for &code in codes {
            let made = &mut made[code as usize];
            if *made == UNKNOWN {
                let id = ids.id(code).unwrap_or_default();
                // What is no id was found by the other reader, and is empty here as there.
                *made = match id {
                    "" => self.ids.code_for("")?,
                    id => self.code_of(id, |_| false)?.unwrap_or_default(),
                };
            }
            self.ids.codes_mut().push(*made);
        }
        Ok(())
    }

    /// Reads into a column of codes that has room for them.
    pub(super) fn begin_in(&mut self, empty: Vec<u32>) {
        *self.ids.codes_mut() = empty;
    }

    /// Leaves the tables that find numbers no longer than in so many bytes.
    pub(super) fn within(&mut self, bytes: usize) {
        self.numbers.most = (bytes / size_of::<u32>()).max(1024);
    }

    /// Bytes of memory held, and of names that are copied when they are compared and put in order.
    pub(super) fn bytes(&self) -> usize {
        self.ids.dictionary().bytes()
            + 2 * self.ids.dictionary().text_bytes()
            + self.numbers.bytes()
            + self.shared.bytes(TextColumn::bytes)
            + self.shared_numbers.bytes(|numbers| size_of::<i64>() * numbers.capacity())
            + self.recent.bytes()
    }

    /// The same but for what is copied.
    pub(super) fn held(&self) -> usize {
        self.ids.dictionary().bytes() + self.numbers.bytes() + self.recent.bytes()
    }

    /// How many distinct ids there are.
    pub(super) fn distinct(&self) -> usize {
        self.ids.dictionary().len()
    }

    /// The column so far, to add ids to by their text.
    pub(super) fn plain(&mut self) -> &mut Coded {
        &mut self.ids
    }

    /// The column.
    pub(super) fn finish(self) -> Coded {
        self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers get the codes of their texts, in order of appearance, wherever they lie.
    #[test]
    fn numbers_near_and_far() {
        let numbers = [
            5,
            3,
            5,
            70_000,
            -70_000,
            i64::MAX,
            i64::MIN,
            3,
            i64::MAX,
            4,
            -1,
            i64::MIN,
            0,
            3 << 20,
        ];
        let mut reader = IdReader::default();
        for numbers in numbers.chunks(4) {
            let column = Column::Whole(numbers.to_vec());
            let none = |_: usize| None;
            reader
                .push(&column, none, |text| text == "4", |_, _, value| assert_eq!(value, "4"))
                .unwrap();
        }
        let mut expected = Coded::default();
        for number in numbers {
            let text = if number == 4 { String::new() } else { number.to_string() };
            expected.push(&text).unwrap();
        }
        assert_eq!(reader.finish(), expected);
    }

    #[test]
    fn falling_ids_stay_in_the_table() {
        let numbers: Vec<i64> = (0..200_000).rev().map(|id| id * 7 - 700_000).collect();
        let mut reader = IdReader::default();
        let column = Column::Whole(numbers.clone());
        reader.push(&column, |_| None, |_| false, |_, _, _| panic!("no faults")).unwrap();
        assert!(reader.numbers.far.is_empty(), "{}", reader.numbers.far.len());
        let ids = reader.finish();
        for (row, number) in numbers.iter().enumerate() {
            assert_eq!(ids.id(row), Some(&*number.to_string()));
        }
    }
}
