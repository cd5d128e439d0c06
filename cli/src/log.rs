//! The log that is asked, as flags.

use std::path::PathBuf;

use clap::Args;
use tiltmeter::log::{ItemTopicsSchema, LogSchema, Origin, RankWithin};
use tiltmeter::{ItemTopicsInput, JoinInput, Keep, LogInput, NamedTable};

use crate::failure::Failure;
use crate::roles::RoleArgs;
use crate::spoken::in_flags;
use crate::tally::SkipArgs;
use crate::{out, parse};

/// A log, and which of its rows.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    /// The log: files (.csv, .tsv, .json, .ndjson, .jsonl, each also .gz; .parquet), folders or patterns.
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Only rows with this value in a column; the same column twice means either. Also !=, and <, <=, > and >= with a
    /// number, a date or a time; 'COLUMN in A,B' and 'COLUMN not in A,B'. It holds for the supply and the candidates
    /// too where they have the column; the report says where not.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = parse::filter)]
    filter: Vec<Keep>,
    #[command(flatten)]
    skip: SkipArgs,
    #[command(flatten)]
    pub(crate) beside: BesideArgs,
    #[command(flatten)]
    pub(crate) roles: RoleArgs,
}

/// Says on standard error what was found of a file and not declared.
pub(crate) fn tell_found(origin: &Origin) {
    for found in &origin.found {
        let said = format!("note: {}: found: {found}", origin.source);
        out::tell(&in_flags(&said));
    }
}

/// Says on standard error how many rows are not in the numbers, and why, where no report does.
pub(crate) fn tell_left_out(origin: &Origin) {
    let (file, aside) = (&origin.source, origin.set_aside.rows);
    if aside > 0 || origin.left_out > 0 {
        let (read, left_out) = (origin.rows_read, origin.left_out);
        out::tell(&format!(
            "note: {file}: {read} rows read, {aside} set aside, {left_out} left out"
        ));
    }
    for its in &origin.set_aside.reasons {
        out::tell(&format!(
            "note: {file}: set aside: {} for {} in column {:?}, first row {} ({:?})",
            its.rows, its.reason, its.column, its.first_row, its.first_value
        ));
    }
}

/// What a log's own columns do not say.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Beside the log")]
pub(crate) struct BesideArgs {
    /// A table with a row for each id in the column of --on, such as accounts with their arm: its other columns are
    /// columns of the log too. Said again with another --on for another table.
    #[arg(long, value_name = "FILE", requires = "on")]
    join: Vec<PathBuf>,
    /// The column that the log and the table of --join both have.
    #[arg(long, value_name = "COLUMN", requires = "join")]
    on: Vec<String>,
    /// Topics by item, in a table of their own: its columns are those of --item and of the topics.
    #[arg(long, value_name = "FILE", requires = "item")]
    items: Option<PathBuf>,
    /// Columns that paths say: with 'data/{country}/*-{arm}.csv' there are columns country and arm. Folders called
    /// NAME=VALUE need no pattern.
    #[arg(long, value_name = "PATTERN")]
    columns_from_path: Option<String>,
    /// A query in SQL whose rows are the log's: in it the files are the table log, with a column file beside their own.
    /// Flags of columns are then those of the query. It needs a build with the feature sql.
    #[arg(long, value_name = "QUERY")]
    sql: Option<String>,
    /// A table that the query may name beside log.
    #[arg(long, value_name = "NAME=FILE", value_parser = parse::assigned, requires = "sql")]
    table: Vec<(String, String)>,
    /// Ranks from the order of rows within each slate, session or viewer and arm, before rows are filtered.
    #[arg(long, value_name = "WITHIN", conflicts_with = "position")]
    rank_by_order: Option<RankWithin>,
}

impl BesideArgs {
    pub(crate) fn ranks_by_order(&self) -> bool {
        self.rank_by_order.is_some()
    }

    /// The pattern of paths that says columns.
    pub(crate) fn path_pattern(&self) -> Option<&str> {
        self.columns_from_path.as_deref()
    }

    /// Whether topics are in a table of items.
    pub(crate) fn has_items(&self) -> bool {
        self.items.is_some()
    }

    fn tables(&self) -> Vec<NamedTable> {
        let table =
            |(name, path): &(String, String)| NamedTable { name: name.clone(), path: path.into() };
        self.table.iter().map(table).collect()
    }

    /// The tables that are joined.
    fn joined(&self) -> Result<Vec<JoinInput>, Failure> {
        let (tables, on) = (self.join.len(), self.on.len());
        if tables != on {
            return Err(Failure::Usage(format!(
                "--join is said {tables} times and --on {on} times; say one --on for each --join"
            )));
        }
        let pairs = self.join.iter().zip(&self.on);
        Ok(pairs.map(|(path, on)| JoinInput { path: path.clone(), on: on.clone() }).collect())
    }

    /// The schema with the columns that paths say, and without topics where items have them.
    fn on_top_of(&self, schema: LogSchema) -> LogSchema {
        let schema = match &self.columns_from_path {
            Some(pattern) => schema.path_columns(pattern),
            None => schema,
        };
        if self.items.is_some() { schema.without_topics() } else { schema }
    }

    /// The table of topics by item.
    pub(crate) fn item_topics(&self, roles: &RoleArgs) -> Result<Option<ItemTopicsInput>, Failure> {
        let (Some(path), Some(item)) = (&self.items, &roles.item) else { return Ok(None) };
        let topics = roles.topic_column().ok_or_else(|| {
            let what = "--items FILE is a table of topics by item; say which of its columns has them, with --topic \
                        or --topics";
            Failure::Usage(what.to_owned())
        })?;
        let mut schema = ItemTopicsSchema::new(item, topics).rows(roles.policy());
        schema = roles.null.iter().fold(schema, ItemTopicsSchema::null);
        schema = roles.join_names.iter().fold(schema, |schema, how| schema.join_names(*how));
        Ok(Some(ItemTopicsInput { path: path.clone(), schema }))
    }
}

impl LogArgs {
    /// Which rows are asked about.
    pub(crate) fn keep(&self) -> Vec<Keep> {
        parse::keep(&self.filter)
    }

    /// The log, of this schema.
    pub(crate) fn input(&self, schema: LogSchema) -> Result<LogInput, Failure> {
        let (path, more) =
            self.logs.split_first().ok_or_else(|| Failure::Usage("which LOG?".to_owned()))?;
        Ok(LogInput {
            join: self.beside.joined()?,
            rank_by_order: self.beside.rank_by_order,
            sql: self.beside.sql.clone(),
            tables: self.beside.tables(),
            more: more.to_vec(),
            skip: self.skip.skip.clone(),
            keep: self.keep(),
            ..LogInput::new(path, self.beside.on_top_of(schema))
        })
    }
}
