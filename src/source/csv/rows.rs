//! The cells of the columns that are asked for, row by row, and what is wrong with a row.

use crate::log::{CellKind, Cells, FaultReason, MAX_LINE, UnreadableRow};

/// A column that nobody asked for.
const NOT_ASKED: u32 = u32::MAX;

/// Which columns are asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The names of all columns.
    names: Vec<String>,
    /// By column, the place of its cells.
    place: Vec<u32>,
    /// By place, which column it is.
    columns: Vec<usize>,
}

impl Asked {
    /// These columns of those that there are; each of them once.
    pub(super) fn new(names: &[String], asked: &[usize]) -> Self {
        let mut place = vec![NOT_ASKED; names.len()];
        let mut columns = Vec::new();
        for &column in asked {
            if let Some(place) = place.get_mut(column).filter(|place| **place == NOT_ASKED) {
                *place = columns.len() as u32;
                columns.push(column);
            }
        }
        Self { names: names.to_vec(), place, columns }
    }

    /// Where the cells of a column stand.
    pub(super) fn place(&self, column: usize) -> Option<usize> {
        self.place.get(column).filter(|place| **place != NOT_ASKED).map(|place| *place as usize)
    }
}

/// Why there are no more rows where there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    LineTooLong,
    OpenQuote,
}

/// Rows as they are read.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    asked: &'a Asked,
    cells: Vec<Cells>,
    pub(super) unreadable: Vec<UnreadableRow>,
    /// Texts that are not stretches of the block.
    pub(super) text: String,
    /// Where in the text of all cells these begin.
    text_start: usize,
    rows: usize,
    /// Fields of the row so far.
    fields: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(asked: &'a Asked, text_start: usize) -> Self {
        Self {
            asked,
            cells: vec![Cells::default(); asked.columns.len()],
            unreadable: Vec::new(),
            text: String::new(),
            text_start,
            rows: 0,
            fields: 0,
        }
    }

    /// Makes room for so many rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.cells.iter_mut().for_each(|cells| cells.reserve(rows));
    }

    /// The cells of all whole rows.
    pub(super) fn take_cells(&mut self) -> Vec<Cells> {
        // Of a row that does not end, some fields may have been read.
        self.cells.iter_mut().for_each(|cells| cells.truncate(self.rows));
        std::mem::take(&mut self.cells)
    }

    /// Whether the next field is asked for.
    #[inline(always)]
    pub(super) fn is_asked(&self) -> bool {
        self.asked.place.get(self.fields).is_some_and(|place| *place != NOT_ASKED)
    }

    /// Whether the row has no field yet.
    #[inline(always)]
    pub(super) fn is_new(&self) -> bool {
        self.fields == 0
    }

    /// Adds a field that nobody asked for.
    #[inline(always)]
    pub(super) fn pass(&mut self) {
        self.fields += 1;
    }

    /// Adds a field, which is a stretch of the block.
    #[inline(always)]
    pub(super) fn field(&mut self, start: usize, end: usize) {
        if let Some(&place) = self.asked.place.get(self.fields)
            && let Some(cells) = self.cells.get_mut(place as usize)
        {
            cells.push(CellKind::Text, start, end);
        }
        self.fields += 1;
    }

    /// Adds a field by its text.
    pub(super) fn field_of_text(&mut self, text: &str) {
        let start = self.text_start + self.text.len();
        self.text.push_str(text);
        self.field(start, start + text.len());
    }

    /// Ends a row.
    #[inline(always)]
    pub(super) fn end(&mut self) {
        if self.fields != self.asked.names.len() {
            self.end_malformed();
        }
        self.fields = 0;
        self.rows += 1;
    }

    #[cold]
    fn end_malformed(&mut self) {
        let value =
            format!("{} fields where the header has {}", self.fields, self.asked.names.len());
        self.at_fault("(whole line)".to_owned(), value, FaultReason::Malformed);
    }

    /// Nulls in the columns of a row that cannot be read, and why.
    fn at_fault(&mut self, column: String, value: String, reason: FaultReason) {
        for cells in &mut self.cells {
            if cells.len() > self.rows {
                cells.drop_last();
            } else {
                cells.push_null();
            }
        }
        self.unreadable.push(UnreadableRow { index: self.rows, column, value, reason });
    }

    /// Adds a row of fields that may be no UTF-8.
    pub(super) fn record<'f>(&mut self, fields: impl Iterator<Item = &'f [u8]>) {
        let mut not_utf8: Option<(usize, Vec<u8>)> = None;
        for field in fields {
            if !self.is_asked() {
                self.pass();
                continue;
            }
            let column = self.fields;
            match std::str::from_utf8(field) {
                Ok(text) => self.field_of_text(text),
                Err(_) => {
                    // Of several the one that was asked for first is told.
                    let place = |column: usize| self.asked.place[column];
                    if not_utf8.as_ref().is_none_or(|(first, _)| place(column) < place(*first)) {
                        not_utf8 = Some((column, field.to_owned()));
                    }
                    self.field_of_text("");
                }
            }
        }
        match not_utf8 {
            Some((column, field)) if self.fields == self.asked.names.len() => {
                let shown = String::from_utf8_lossy(&field).into_owned();
                self.at_fault(self.asked.names[column].clone(), shown, FaultReason::NotUtf8);
                self.fields = 0;
                self.rows += 1;
            }
            _ => self.end(),
        }
    }

    /// That a row from one byte up to another, the byte that ends it included, is not too long.
    #[inline(always)]
    pub(super) fn check_length(&self, block: &[u8], start: usize, end: usize) -> Result<(), Halt> {
        let length = end - start;
        if length < MAX_LINE {
            return Ok(());
        }
        let two = block.get(end - 1) == Some(&b'\r') && block.get(end) == Some(&b'\n');
        if length + usize::from(two) > MAX_LINE { Err(Halt::LineTooLong) } else { Ok(()) }
    }
}
