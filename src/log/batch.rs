//! What a source hands to the log: some rows, column by column, not yet checked. Only the types
//! that files have; roles and rules are the builder's.

use std::sync::Arc;

use super::cells::Cells;
use super::dictionary::Coded;
use super::mixed_value::MixedValue;

/// Text of many rows in one piece of memory.
///
/// ```
/// use tiltmeter::log::TextColumn;
/// let column: TextColumn = [Some("war"), None].into_iter().collect();
/// assert_eq!((column.get(0), column.get(1), column.len()), (Some("war"), None, 2));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextColumn {
    text: String,
    ends: Vec<usize>,
    null: Vec<bool>,
}

impl TextColumn {
    /// Adds a row.
    pub fn push(&mut self, value: Option<&str>) {
        self.text.push_str(value.unwrap_or_default());
        self.ends.push(self.text.len());
        self.null.push(value.is_none());
    }

    /// The text in a row; `None` for a null and past the last row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        if *self.null.get(row)? {
            return None;
        }
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..self.ends[row]])
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + 8 * self.ends.capacity() + self.null.capacity()
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl<'a> FromIterator<Option<&'a str>> for TextColumn {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(values: I) -> Self {
        let mut column = Self::default();
        for value in values {
            column.push(value);
        }
        column
    }
}

/// Text as numbers into a dictionary that several batches share, so that a reader of many rows
/// looks at each distinct text once.
///
/// ```
/// use std::sync::Arc;
/// use tiltmeter::log::{SharedText, TextColumn};
/// let texts: TextColumn = [Some("war"), Some("sport")].into_iter().collect();
/// let column = SharedText { texts: Arc::new(texts), keys: vec![1, 0, SharedText::NULL] };
/// assert_eq!((column.get(0), column.get(2)), (Some("sport"), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedText {
    /// The distinct texts.
    pub texts: Arc<TextColumn>,
    /// By row, the place of its text; one that is past the end is a null.
    pub keys: Vec<u32>,
}

impl SharedText {
    /// The key of a null.
    pub const NULL: u32 = u32::MAX;

    /// The text in a row; `None` for a null and past the last row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.texts.get(*self.keys.get(row)? as usize)
    }
}

/// Whole numbers as keys into a dictionary that several batches share, so that a reader of many rows
/// looks at each distinct number once.
///
/// ```
/// use std::sync::Arc;
/// use tiltmeter::log::SharedNumbers;
/// let column = SharedNumbers { numbers: Arc::new(vec![7, -1]), keys: vec![1, SharedNumbers::NULL] };
/// assert_eq!((column.get(0), column.get(1)), (Some(-1), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedNumbers {
    /// The distinct numbers.
    pub numbers: Arc<Vec<i64>>,
    /// By row, the place of its number; one that is past the end is a null.
    pub keys: Vec<u32>,
}

impl SharedNumbers {
    /// The key of a null.
    pub const NULL: u32 = SharedText::NULL;

    /// The number in a row; `None` for a null and past the last row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i64> {
        self.numbers.get(*self.keys.get(row)? as usize).copied()
    }
}

/// Some rows of one column, of one of the types that files have.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Column {
    /// Text.
    Text(TextColumn),
    /// Text without nulls, as codes into a dictionary.
    Coded(Coded),
    /// Text as numbers into a shared dictionary.
    Shared(SharedText),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Whole numbers without nulls.
    Whole(Vec<i64>),
    /// Whole numbers as keys into a shared dictionary.
    SharedWhole(SharedNumbers),
    /// Floating-point numbers.
    Float(Vec<Option<f64>>),
    /// Truth values.
    Boolean(Vec<Option<bool>>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(Vec<Option<i64>>),
    /// The same by a clock whose zone the source does not say: UTC, unless a schema names a zone
    /// ([`TimeFormat::Zone`](crate::log::TimeFormat::Zone)).
    LocalTime(Vec<Option<i64>>),
    /// Lists of text.
    TextList(Vec<Option<Vec<String>>>),
    /// Cells that have each a type of their own. What a cell is in a role does not depend on the
    /// others, so a batch reads the same however a file is cut into batches.
    Mixed(Vec<MixedValue>),
    /// The same, as stretches of one text.
    Cells(Cells),
    /// A type that no role can use; refused with its name if a role needs the column.
    Unsupported {
        /// The type as the source calls it.
        type_name: String,
        /// How many rows there are.
        rows: usize,
    },
}

impl Column {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Coded(coded) => coded.codes().len(),
            Self::Shared(shared) => shared.keys.len(),
            Self::Integer(values) | Self::Timestamp(values) | Self::LocalTime(values) => {
                values.len()
            }
            Self::Whole(values) => values.len(),
            Self::SharedWhole(shared) => shared.keys.len(),
            Self::Float(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::TextList(values) => values.len(),
            Self::Mixed(values) => values.len(),
            Self::Cells(cells) => cells.len(),
            Self::Unsupported { rows, .. } => *rows,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type in words, for messages.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Text(_) | Self::Coded(_) | Self::Shared(_) => "text",
            Self::Integer(_) | Self::Whole(_) | Self::SharedWhole(_) => "whole numbers",
            Self::Float(_) => "floating-point numbers",
            Self::Boolean(_) => "booleans",
            Self::Timestamp(_) | Self::LocalTime(_) => "timestamps",
            Self::TextList(_) => "lists of text",
            Self::Mixed(_) | Self::Cells(_) => "values of several types",
            Self::Unsupported { type_name, .. } => type_name,
        }
    }
}

impl Cells {
    /// The same as a column that holds its texts itself: of nothing but text as text, which means the same
    /// in less room.
    pub(crate) fn to_column(&self) -> Column {
        let rows = 0..self.len();
        if self.are_text() {
            return Column::Text(rows.map(|row| self.text(row)).collect());
        }
        Column::Mixed(rows.map(|row| self.get(row)).collect())
    }
}

/// A row that a source could not read, though it could read on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    /// Its index in the batch, from 0. The batch's columns hold a null there.
    pub index: usize,
    /// The column at fault, or a word for the whole line.
    pub column: String,
    /// What stood there, as far as it can be shown.
    pub value: String,
    /// Why it could not be read.
    pub reason: super::FaultReason,
}

/// Some rows of a source: the columns that were asked for, in that order, all of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// One column for each that was asked for.
    pub columns: Vec<Column>,
    /// Rows that could not be read, in order.
    pub unreadable: Vec<UnreadableRow>,
}
