//! Reading ids: from a column of any type that may hold them to codes, looking at each distinct
//! number or shared text once. The rules about values are the builder's.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::batch::{Column, SharedText, TextColumn};
use super::dictionary::Coded;
use crate::error::Error;

/// A code that was not handed out yet.
const UNKNOWN: u32 = u32::MAX;

/// Reads a column of ids, batch after batch.
#[derive(Debug, Default)]
pub(super) struct IdReader {
    ids: Coded,
    /// The codes of numbers that were met.
    numbers: HashMap<i64, u32, RandomState>,
    /// The codes of the texts of the dictionary that was met last.
    shared: Memo,
}

/// What was made of each text of a shared dictionary, for as long as the same one comes again.
#[derive(Debug, Default)]
pub(super) struct Memo {
    texts: Option<Arc<TextColumn>>,
    made: Vec<u32>,
}

impl Memo {
    /// What was made of a dictionary's texts, [`UNKNOWN`] for those not met yet.
    pub(super) fn of(&mut self, texts: &Arc<TextColumn>) -> &mut [u32] {
        if !self.texts.as_ref().is_some_and(|its| Arc::ptr_eq(its, texts)) {
            self.texts = Some(Arc::clone(texts));
            self.made.clear();
            self.made.resize(texts.len(), UNKNOWN);
        }
        &mut self.made
    }

    /// Whether nothing was made of a text yet.
    pub(super) const fn is_unknown(made: u32) -> bool {
        made == UNKNOWN
    }
}

impl IdReader {
    /// Adds the rows of a column, given the text of a row and whether a text means no value.
    /// `fault` is called for rows without a value, which get an empty id.
    pub(super) fn push<'c>(
        &mut self,
        column: &'c Column,
        text_of: impl Fn(usize) -> Option<std::borrow::Cow<'c, str>>,
        null: impl Fn(&str) -> bool,
        mut fault: impl FnMut(usize, &str),
    ) -> Result<(), Error> {
        match column {
            Column::Whole(numbers) => self.push_numbers(numbers, null, fault),
            Column::Shared(shared) => self.push_shared(shared, null, fault),
            _ => {
                for row in 0..column.len() {
                    match text_of(row) {
                        Some(text) if !null(&text) => self.ids.push(&text)?,
                        text => {
                            fault(row, &text.unwrap_or_default());
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
        mut fault: impl FnMut(usize, &str),
    ) -> Result<(), Error> {
        self.ids.reserve(numbers.len());
        let mut last = None;
        for (row, &number) in numbers.iter().enumerate() {
            // Rows of one viewer often follow each other.
            if let Some((_, code)) = last.filter(|(before, _)| *before == number) {
                self.ids.push_code(code);
                continue;
            }
            let code = if let Some(&code) = self.numbers.get(&number) {
                code
            } else {
                let text = number.to_string();
                if null(&text) {
                    fault(row, &text);
                    self.ids.push("")?;
                    continue;
                }
                let code = self.ids.code_for(&text)?;
                self.numbers.insert(number, code);
                code
            };
            self.ids.push_code(code);
            last = Some((number, code));
        }
        Ok(())
    }

    fn push_shared(
        &mut self,
        shared: &SharedText,
        null: impl Fn(&str) -> bool,
        mut fault: impl FnMut(usize, &str),
    ) -> Result<(), Error> {
        self.ids.reserve(shared.keys.len());
        let codes = self.shared.of(&shared.texts);
        for (row, &key) in shared.keys.iter().enumerate() {
            let code = codes.get(key as usize).copied().unwrap_or(UNKNOWN);
            if code != UNKNOWN {
                self.ids.push_code(code);
                continue;
            }
            match shared.texts.get(key as usize) {
                Some(text) if !null(text) => {
                    let code = self.ids.code_for(text)?;
                    codes[key as usize] = code;
                    self.ids.push_code(code);
                }
                text => {
                    fault(row, text.unwrap_or_default());
                    self.ids.push("")?;
                }
            }
        }
        Ok(())
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
