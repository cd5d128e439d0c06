//! Columns that a file does not have and that are made while it is read: those of a table beside it, a list of
//! topics out of a column for each, and what the file's path says.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::flags::{flags_of, parts};
use super::id_text::each_text;
use super::keyed::KeyedTable;
use super::path::{PathPattern, of_folder};
use super::schema::{LogSchema, TopicFormat};
use super::{Column, Found, SharedText, TextColumn};
use crate::error::Error;
use crate::error::row::FaultReason;

/// What makes the columns of one file that it does not have itself.
#[derive(Debug, Default)]
pub(super) struct Made<'s> {
    /// The name of each, with what makes it.
    columns: Vec<(&'s str, Making)>,
    tables: Vec<FromTable<'s>>,
    of_folders: Vec<&'s str>,
    /// Columns of the file that folders' names say too.
    beside_folders: Vec<&'s str>,
}

#[derive(Debug)]
enum Making {
    /// A column of a table, by its place in it.
    Table { table: usize, place: usize },
    /// Of columns of the source, by their places in a batch, each with its topic.
    Flags(Vec<(usize, String, String)>),
    /// The same in all rows.
    Constant(Arc<TextColumn>),
}

/// A table, and where its key stands in a batch.
#[derive(Debug)]
struct FromTable<'s> {
    table: Cow<'s, KeyedTable>,
    key: usize,
}

impl<'s> Made<'s> {
    /// What makes the columns that a schema needs of this file. `index` says where in a batch a column of the
    /// source by this name stands, and has it read.
    pub(super) fn of(
        file: &str,
        schema: &'s LogSchema,
        available: &[String],
        mut index: impl FnMut(&str) -> Result<usize, Error>,
    ) -> Result<Self, Error> {
        let mut made = Self::default();
        let pattern = schema.path_columns.as_deref().map(PathPattern::of).transpose()?;
        let of_path: HashMap<String, String> = match &pattern {
            Some(pattern) => pattern.values(file)?,
            None => HashMap::new(),
        };
        let there: HashSet<&str> = available.iter().map(String::as_str).collect();
        let sieves = schema.keep.iter().map(|keep| keep.column.as_str());
        for column in schema.needs().into_iter().map(|(_, column)| column).chain(sieves) {
            if made.columns.iter().any(|(name, _)| *name == column) {
                continue;
            }
            let is_there = there.contains(column);
            if is_there && of_folder(file, column).is_some() {
                made.beside_folders.push(column);
            }
            let mut makings = Vec::new();
            for (at, table) in schema.tables.iter().enumerate() {
                makings.extend(table.place(column).map(|place| Making::Table { table: at, place }));
            }
            makings.extend(of_path.get(column).map(|value| constant(value)));
            if let Some(topics) = &schema.topics
                && topics.format == TopicFormat::Flags
                && topics.column == column
            {
                made.columns.push((column, flags(file, column, available, &mut index)?));
                continue;
            }
            if makings.is_empty() && !is_there {
                makings.extend(of_folder(file, column).map(|value| constant(&value)));
                made.of_folders.extend(makings.last().map(|_| column));
            }
            match (makings.len(), is_there) {
                (0, _) => {}
                (1, false) => made.columns.extend(makings.pop().map(|making| (column, making))),
                _ => {
                    let tables = schema.tables.iter().filter(|its| its.place(column).is_some());
                    let files: Vec<&str> =
                        std::iter::once(file).chain(tables.map(KeyedTable::source)).collect();
                    let (file, column) = (files.join(" with "), column.to_owned());
                    return Err(Error::RepeatedColumn { file, column });
                }
            }
        }
        made.tables = tables_of(schema)?;
        let used = |at: usize| {
            let of = |(_, making): &(_, Making)| matches!(making, Making::Table { table, .. } if *table == at);
            made.columns.iter().any(of)
        };
        let used: Vec<bool> = (0..made.tables.len()).map(used).collect();
        for (its, _) in made.tables.iter_mut().zip(used).filter(|(_, used)| *used) {
            its.key = index(its.table.on())?;
        }
        Ok(made)
    }

    /// What was found that the schema does not say: columns from the names of folders, and how tables are written.
    pub(super) fn found(&self) -> impl Iterator<Item = Found> {
        let of_folders = self.of_folders.iter().map(|name| Found::FolderColumn((*name).to_owned()));
        let beside = self.beside_folders.iter().map(|name| Found::BesideFolder((*name).to_owned()));
        of_folders.chain(beside).chain(self.tables.iter().flat_map(|its| its.table.found()))
    }

    /// The place of a column among those made.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|(name, _)| *name == column)
    }

    /// The columns, for the rows of a batch.
    pub(super) fn columns(
        &self,
        batch: &[Column],
        rows: usize,
        mut fault: impl FnMut(usize, &str, FaultReason, &str),
    ) -> Vec<Column> {
        let rows_of = self.tables.iter().map(|its| match batch.get(its.key) {
            Some(keys) => its.table.rows_of(keys, |row, key| {
                fault(row, its.table.on(), FaultReason::NotInTable, key);
            }),
            None => Vec::new(),
        });
        let rows_of: Vec<Vec<u32>> = rows_of.collect();
        let make = |(_, making): &(&str, Making)| match making {
            Making::Table { table, place } => {
                self.tables[*table].table.column(*place, &rows_of[*table])
            }
            Making::Constant(text) => {
                Column::Shared(SharedText { texts: text.clone(), keys: vec![0; rows] })
            }
            Making::Flags(of) => lists(of, batch, rows, &mut fault),
        };
        self.columns.iter().map(make).collect()
    }
}

/// The tables beside a log, whose keys are told apart as its own are; mostly that was done once for all files.
fn tables_of(schema: &LogSchema) -> Result<Vec<FromTable<'_>>, Error> {
    let table = |table| FromTable { table, key: usize::MAX };
    let tables = schema.tables.iter().map(|its| match its.is_joined(&schema.join_names) {
        true => Ok(table(Cow::Borrowed(its))),
        false => its.joined(&schema.join_names).map(|its| table(Cow::Owned(its))),
    });
    tables.collect()
}

fn constant(value: &str) -> Making {
    Making::Constant(Arc::new([Some(value)].into_iter().collect()))
}

/// The columns that a pattern with `*`, or names with commas between, stand for; each is a topic, called by what
/// the `*` stands for.
fn flags(
    file: &str,
    pattern: &str,
    available: &[String],
    mut index: impl FnMut(&str) -> Result<usize, Error>,
) -> Result<Making, Error> {
    let mut of = Vec::new();
    for (part, topic) in parts(pattern).zip(flags_of(pattern)) {
        let found: Vec<_> =
            available.iter().filter_map(|name| Some((name, topic(name)?))).collect();
        if found.is_empty() {
            let role = crate::error::role::Role::Topics;
            let (file, column, available) = (file.to_owned(), part.to_owned(), available.to_vec());
            return Err(Error::MissingColumn { file, column, role, available });
        }
        for (name, topic) in found {
            of.push((index(name)?, name.clone(), topic));
        }
    }
    Ok(Making::Flags(of))
}

/// By row, the topics whose columns say yes.
fn lists(
    of: &[(usize, String, String)],
    batch: &[Column],
    rows: usize,
    mut fault: impl FnMut(usize, &str, FaultReason, &str),
) -> Column {
    let mut lists: Vec<Option<Vec<String>>> = vec![Some(Vec::new()); rows];
    for (at, name, topic) in of {
        let mut row = 0;
        each_text(&batch[*at], |text| {
            match says_yes(text.unwrap_or_default().trim()) {
                Some(true) => lists[row].get_or_insert_default().push(topic.clone()),
                Some(false) => {}
                None => fault(row, name, FaultReason::NotYesOrNo, text.unwrap_or_default()),
            }
            row += 1;
        });
    }
    Column::TextList(lists)
}

/// Whether a text says yes or no; `None` if neither. Nothing is no.
fn says_yes(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "t" | "yes" | "y" => Some(true),
        "" | "0" | "0.0" | "false" | "f" | "no" | "n" => Some(false),
        _ => None,
    }
}
