//! A second table that has a row for each id in a column of the log.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::id_text::each_text;
use super::names::{JoinNames, joined};
use super::{Column, Found, LogSource, SharedText, TextColumn};
use crate::error::Error;
use crate::error::row::{RowFault, excerpt};

/// A table beside the log, by the ids of a column that both have: accounts with their arm, people with their
/// weight, places with their region. Its other columns are then columns of the log.
///
/// ```
/// use tiltmeter::log::{KeyedTable, LogSchema};
/// use tiltmeter::{ExposureLog, source::SliceSource};
/// let accounts = SliceSource::new("accounts").text("who", &["ann", "bo"]).text("feed", &["ranked", "newest"]);
/// let accounts = KeyedTable::read(accounts, "who")?;
/// let rows = SliceSource::new("log").text("who", &["bo", "ann", "bo"]);
/// let log = ExposureLog::read(rows, &LogSchema::new().viewer("who").arm("feed").table(accounts))?;
/// let arms = log.arms().expect("the table has them");
/// assert_eq!((arms.id(0), arms.id(1)), (Some("newest"), Some("ranked")));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedTable {
    source: String,
    on: String,
    columns: Arc<Vec<(String, Arc<TextColumn>)>>,
    row_of: Arc<HashMap<Box<str>, u32, RandomState>>,
    /// Differences between keys that do not count.
    rules: Vec<JoinNames>,
    found: Vec<Found>,
}

impl KeyedTable {
    /// Reads a table whose rows are told apart by the values in a column, which the log has by the same name.
    ///
    /// # Errors
    /// [`Error::MissingColumn`] and [`Error::RepeatedColumn`] for a table that does not have the column once;
    /// [`Error::RepeatedKey`] where two rows have one value and are not alike; [`Error::Row`] for a row that
    /// cannot be read; those of the source.
    pub fn read(mut source: impl LogSource, on: &str) -> Result<Self, Error> {
        let (file, found) = (source.name().to_owned(), source.found());
        let names = source.column_names().to_vec();
        let places: Vec<usize> = (0..names.len()).collect();
        source.select(&places);
        let mut texts = vec![TextColumn::default(); names.len()];
        while let Some(batch) = source.next_batch()? {
            if let Some(row) = batch.unreadable.into_iter().next() {
                let before = texts.first().map_or(0, TextColumn::len) + row.index;
                let (column, value, reason) = (row.column, excerpt(&row.value), row.reason);
                let row = before as u64 + 1;
                return Err(Error::Row(Box::new(RowFault { file, column, row, value, reason })));
            }
            for (column, texts) in batch.columns.iter().zip(&mut texts) {
                each_text(column, |text| texts.push(text));
            }
        }
        Ok(Self { found, ..Self::of(file, on, names, texts)? })
    }

    fn of(
        source: String,
        on: &str,
        names: Vec<String>,
        texts: Vec<TextColumn>,
    ) -> Result<Self, Error> {
        let mut places = names.iter().enumerate().filter(|(_, name)| *name == on);
        let at = match (places.next(), places.next()) {
            (Some((at, _)), None) => at,
            (None, _) => {
                let role = crate::error::role::Role::Named;
                let column = on.to_owned();
                return Err(Error::MissingColumn { file: source, column, role, available: names });
            }
            _ => return Err(Error::RepeatedColumn { file: source, column: on.to_owned() }),
        };
        let mut row_of: HashMap<Box<str>, u32, RandomState> = HashMap::default();
        for row in 0..texts[at].len() {
            let Some(key) = texts[at].get(row).filter(|key| !key.is_empty()) else { continue };
            let number = u32::try_from(row).map_err(|_| Error::TooManyIds)?;
            let first = *row_of.entry(key.into()).or_insert(number) as usize;
            if texts.iter().any(|column| column.get(first) != column.get(row)) {
                let key = key.to_owned();
                return Err(Error::RepeatedKey { file: source, column: on.to_owned(), key });
            }
        }
        let columns = names.into_iter().zip(texts.into_iter().map(Arc::new)).collect();
        let (on, columns, row_of) = (on.to_owned(), Arc::new(columns), Arc::new(row_of));
        Ok(Self { source, on, columns, row_of, rules: Vec::new(), found: Vec::new() })
    }

    /// Whether its keys are told apart as a log with these rules tells its own apart.
    pub(super) fn is_joined(&self, rules: &[JoinNames]) -> bool {
        self.rules == rules
    }

    /// The same table for a log in which keys that differ only so are the same.
    ///
    /// # Errors
    /// [`Error::RepeatedKey`] where two rows then have one key and are not alike.
    pub(crate) fn joined(&self, rules: &[JoinNames]) -> Result<Self, Error> {
        let mut row_of: HashMap<Box<str>, u32, RandomState> = HashMap::default();
        let mut rows: Vec<(&str, u32)> =
            self.row_of.iter().map(|(key, row)| (&**key, *row)).collect();
        rows.sort_unstable_by_key(|(_, row)| *row);
        for (key, row) in rows {
            let first = *row_of.entry(joined(key, rules).into()).or_insert(row) as usize;
            let others = self.columns.iter().filter(|(name, _)| *name != self.on);
            if others.into_iter().any(|(_, column)| column.get(first) != column.get(row as usize)) {
                let (file, column, key) = (self.source.clone(), self.on.clone(), key.to_owned());
                return Err(Error::RepeatedKey { file, column, key });
            }
        }
        Ok(Self { row_of: Arc::new(row_of), rules: rules.to_vec(), ..self.clone() })
    }

    /// The file or source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The column by whose values rows are told apart.
    #[must_use]
    pub fn on(&self) -> &str {
        &self.on
    }

    /// The columns that it adds to the log.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str()).filter(|name| *name != self.on)
    }

    /// What was found of how its file is written.
    pub(super) fn found(&self) -> impl Iterator<Item = Found> {
        let of_table = |found: &Found| Found::Table(self.source.clone(), Box::new(found.clone()));
        self.found.iter().map(of_table)
    }

    /// The place of a column that it adds.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        let place = self.columns.iter().position(|(its, _)| its == name)?;
        (name != self.on).then_some(place)
    }

    /// The row of each value of a column; where the table has none, `missing` is called.
    pub(super) fn rows_of(&self, keys: &Column, mut missing: impl FnMut(usize, &str)) -> Vec<u32> {
        let mut rows = Vec::with_capacity(keys.len());
        // Viewers mostly come one after the other.
        let mut last = (String::new(), SharedText::NULL);
        each_text(keys, |key| {
            let key = key.unwrap_or_default();
            if key != last.0 || rows.is_empty() {
                let row = match self.rules.as_slice() {
                    [] => self.row_of.get(key),
                    rules => self.row_of.get(&*joined(key, rules)),
                };
                let row = row.copied().unwrap_or(SharedText::NULL);
                last = (key.to_owned(), row);
            }
            if last.1 == SharedText::NULL {
                missing(rows.len(), key);
            }
            rows.push(last.1);
        });
        rows
    }

    /// A column that it adds, for rows of the table.
    pub(super) fn column(&self, place: usize, rows: &[u32]) -> Column {
        Column::Shared(SharedText { texts: self.columns[place].1.clone(), keys: rows.to_vec() })
    }

    /// All that it says, in a fixed order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        let columns = self.columns.iter().flat_map(|(name, texts)| {
            std::iter::once(Some(name.as_str())).chain((0..texts.len()).map(|row| texts.get(row)))
        });
        std::iter::once(Some(self.on.as_str())).chain(columns)
    }
}
