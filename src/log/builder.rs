//! From batches of unchecked columns to the typed columns of a log: every rule about values is
//! applied here and nowhere else. Opens no files; computes nothing from the values.

mod pieces;

use std::borrow::Cow;
use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{HashMap, HashSet};

pub(super) use self::pieces::{Known, Piece, Told};
use super::batch::MixedValue;
use super::batch::{Batch, Column, TextColumn};
use super::dictionary::Coded;
use super::ids::IdReader;
use super::mixed;
use super::names::{self, JoinNames, Nulls};
use super::parse;
use super::schema::LogSchema;
use super::spare::ColumnPool;
use super::time_format::TimeFormat;
use super::topics::{TopicReader, Topics};
use super::values::{Checked, Truth, each_number, each_time, number_in_role, position};
use crate::error::Error;
use crate::error::role::Role;
use crate::error::row::{FaultReason, RowFault, RowPolicy, SetAside, SetAsideAccount, excerpt};

/// Bytes that a distinct id or set of topics takes beside its text while it gets a key, is compared with
/// others and gets a place in a tally.
const BYTES_PER_ID: usize = 64;

/// Gathers one column in one role.
#[derive(Debug)]
enum Target<'s> {
    Ids(IdReader),
    Position(Vec<u32>),
    Time(Vec<i64>, &'s TimeFormat),
    Number(Vec<f64>),
    Topics(TopicReader<'s>),
}

/// A column that is being read in one role.
#[derive(Debug)]
struct Reading<'s> {
    role: Role,
    column: &'s str,
    /// Where the column stands in a batch.
    index: usize,
    join_names: &'s [JoinNames],
    target: Target<'s>,
}

/// Reads batches into the columns of a log.
#[derive(Debug)]
pub(super) struct LogBuilder<'s> {
    file: String,
    nulls: &'s [String],
    policy: RowPolicy,
    readings: Vec<Reading<'s>>,
    /// A column called like a count that nobody reads.
    unread_count: Option<String>,
    /// Rows of the file before the first that is read here.
    before: u64,
    rows: usize,
    keep: Vec<bool>,
    account: SetAsideAccount,
}

/// What a builder has read.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) rows: usize,
    pub(super) rows_read: u64,
    pub(super) set_aside: SetAside,
    /// A column called like a count that nobody reads.
    pub(super) unread_count: Option<String>,
    /// Which rows were kept; all of them if `None`.
    pub(super) keep: Option<Vec<bool>>,
    columns: Vec<(Role, String, BuiltColumn)>,
}

#[derive(Debug)]
enum BuiltColumn {
    Ids(Coded),
    Position(Vec<u32>),
    Time(Vec<i64>),
    Number(Vec<f64>),
    Topics(Topics),
}

macro_rules! take {
    ($($name:ident: $kind:ident -> $type:ty),* $(,)?) => {$(
        /// Takes the column out that plays a role.
        pub(super) fn $name(&mut self, role: Role) -> Option<$type> {
            let at = self.columns.iter().position(|(its, ..)| *its == role)?;
            match self.columns.swap_remove(at).2 {
                BuiltColumn::$kind(values) => Some(values),
                _ => unreachable!("a role has one kind of column"),
            }
        }
    )*};
}

impl Built {
    take! {
        ids: Ids -> Coded,
        position: Position -> Vec<u32>,
        time: Time -> Vec<i64>,
        number: Number -> Vec<f64>,
        topics: Topics -> Topics,
    }

    /// Itself, unless no row is left.
    pub(super) fn or_empty(self, file: &str) -> Result<Self, Error> {
        if self.rows > 0 {
            return Ok(self);
        }
        Err(Error::EmptyLog { file: file.to_owned(), set_aside: self.set_aside.rows })
    }

    /// The row of the source, counted from 1, that each row kept was.
    pub(super) fn source_rows(&self) -> Vec<u64> {
        match &self.keep {
            None => (1..=self.rows_read).collect(),
            Some(keep) => (1..).zip(keep).filter(|(_, k)| **k).map(|(row, _)| row).collect(),
        }
    }

    /// Takes out all named columns.
    pub(super) fn named(&mut self) -> HashMap<String, Coded> {
        std::mem::take(&mut self.columns)
            .into_iter()
            .filter_map(|(_, name, column)| match column {
                BuiltColumn::Ids(values) => Some((name, values)),
                _ => None,
            })
            .collect()
    }
}

impl<'s> LogBuilder<'s> {
    /// A builder, and the columns of the source it needs, by index.
    pub(super) fn new(
        file: &str,
        schema: &'s LogSchema,
        available: &[String],
    ) -> Result<(Self, Vec<usize>), Error> {
        if schema.needs().is_empty() {
            return Err(Error::Unstated {
                what: "columns",
                call: "LogSchema::arm, viewer, topics and the like",
            });
        }
        schema.check_combined(file)?;
        schema.check_numbers()?;
        let places = Places::of(available);
        let mut wanted: Vec<usize> = Vec::new();
        let mut index_of: HashMap<usize, usize> = HashMap::new();
        let mut named: HashSet<&str> = HashSet::new();
        let mut readings: Vec<Reading<'s>> = Vec::new();
        for (role, column) in schema.needs() {
            let at = places.find(file, role, column, available)?;
            let index = *index_of.entry(at).or_insert_with(|| {
                wanted.push(at);
                wanted.len() - 1
            });
            if role == Role::Named && !named.insert(column) {
                continue;
            }
            let (join_names, target) = (schema.join_names.as_slice(), Target::new(role, schema));
            readings.push(Reading { role, column, index, join_names, target });
        }
        let builder = Self {
            file: file.to_owned(),
            nulls: &schema.nulls,
            policy: schema.rows,
            unread_count: unread_count(schema, available),
            readings,
            before: 0,
            rows: 0,
            keep: Vec::new(),
            account: SetAsideAccount::default(),
        };
        Ok((builder, wanted))
    }

    /// The same, for rows that come after others of the file.
    pub(super) fn starting_after(mut self, rows: u64) -> Self {
        self.before = rows;
        self
    }

    /// Makes room for so many rows, which is cheaper than growing as they come.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.reserve_in(&mut ColumnPool::default(), rows);
    }

    /// The same, in spare memory as far as there is some. To be called before rows are read.
    pub(super) fn reserve_in(&mut self, spare: &mut ColumnPool, rows: usize) {
        for reading in &mut self.readings {
            match &mut reading.target {
                Target::Ids(ids) => ids.begin_in(spare.column(rows)),
                Target::Topics(topics) => topics.begin_in(spare.column(rows)),
                Target::Position(values) => *values = spare.column(rows),
                Target::Time(values, _) => values.reserve(rows),
                Target::Number(values) => values.reserve(rows),
            }
        }
    }

    /// How many rows of the file come before the next.
    pub(super) fn rows_before(&self) -> u64 {
        self.before + self.rows as u64
    }

    /// How many rows were read.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Leaves what is held beside the rows no larger than a part of so many bytes.
    pub(super) fn within(mut self, bytes: usize) -> Self {
        for reading in &mut self.readings {
            if let Target::Ids(ids) = &mut reading.target {
                ids.within(bytes / 4);
            }
        }
        self
    }

    /// Bytes of memory that the rows take, and what is made of them until they are tallied.
    pub(super) fn bytes(&self, per_row: usize) -> usize {
        let columns = self.readings.iter().map(|reading| match &reading.target {
            Target::Ids(ids) => ids.bytes() + BYTES_PER_ID * ids.distinct(),
            Target::Topics(topics) => topics.bytes() + BYTES_PER_ID * topics.distinct().1,
            // Their numbers are part of the row.
            Target::Position(_) | Target::Time(..) | Target::Number(_) => 0,
        });
        self.rows * per_row + columns.sum::<usize>()
    }

    /// Bytes of memory held for what the codes of rows mean.
    fn held(&self) -> usize {
        let column = |reading: &Reading<'_>| match &reading.target {
            Target::Ids(ids) => ids.held(),
            Target::Topics(topics) => topics.bytes(),
            Target::Position(_) | Target::Time(..) | Target::Number(_) => 0,
        };
        self.readings.iter().map(column).sum()
    }

    /// Reads a batch.
    pub(super) fn push(&mut self, batch: Batch) -> Result<(), Error> {
        let (rows, faults) = self.gather(batch)?;
        self.judge(rows, faults)
    }

    /// Gathers the columns of a batch. The answer is how many rows it has, and the first fault of each that
    /// has some.
    fn gather(&mut self, batch: Batch) -> Result<(usize, RowFaults), Error> {
        let rows = self.check_shape(&batch)?;
        let mut faults = Faults { file: &self.file, of_row: BTreeMap::new() };
        for row in batch.unreadable {
            faults.add(row.index, &row.column, row.reason, &row.value);
        }
        for reading in &mut self.readings {
            reading.push(&batch.columns[reading.index], self.nulls, &mut faults)?;
        }
        Ok((rows, faults.of_row))
    }

    /// Does with the faults of the rows just gathered what is to be done with them.
    fn judge(&mut self, rows: usize, mut faults: RowFaults) -> Result<(), Error> {
        let first_row = self.before + self.rows as u64 + 1;
        for (index, fault) in &mut faults {
            fault.row = first_row + *index as u64;
        }
        match self.policy {
            RowPolicy::SetAside => self.set_aside(rows, faults),
            RowPolicy::Strict => {
                if let Some((_, first)) = faults.pop_first() {
                    return Err(Error::Row(Box::new(first)));
                }
            }
        }
        self.rows += rows;
        Ok(())
    }

    /// The rows of a batch, if it has all columns in one length and names no row past them.
    fn check_shape(&self, batch: &Batch) -> Result<usize, Error> {
        let rows = batch.columns.first().map_or(0, Column::len);
        let wrong = |column: &str, found| Error::ColumnLength {
            file: self.file.clone(),
            column: column.to_owned(),
            found,
            expected: rows,
        };
        for reading in &self.readings {
            match batch.columns.get(reading.index).map(Column::len) {
                Some(found) if found == rows => {}
                found => return Err(wrong(reading.column, found.unwrap_or(0))),
            }
        }
        match batch.unreadable.iter().find(|row| row.index >= rows) {
            Some(row) => Err(wrong(&row.column, row.index.saturating_add(1))),
            None => Ok(rows),
        }
    }

    fn set_aside(&mut self, rows: usize, faults: RowFaults) {
        let start = self.keep.len();
        self.keep.resize(start + rows, true);
        for (index, fault) in faults {
            self.keep[start + index] = false;
            self.account.count(fault);
        }
    }

    /// The columns, without the rows set aside; there may be no row left.
    pub(super) fn finish(self) -> Result<Built, Error> {
        let set_aside = self.account.finish();
        let rows = self.rows - usize::try_from(set_aside.rows).unwrap_or(self.rows);
        let keep = (set_aside.rows > 0).then_some(self.keep);
        let columns = self
            .readings
            .into_iter()
            .map(|r| Ok((r.role, r.column.to_owned(), r.target.finish(keep.as_deref())?)))
            .collect::<Result<_, Error>>()?;
        let unread_count = self.unread_count;
        Ok(Built { rows, rows_read: self.rows as u64, set_aside, unread_count, keep, columns })
    }
}

/// Names of columns that hardly ever hold anything but how often something was shown, in small letters: a
/// column called so that no role reads is told ([`Origin::unread_count`](super::Origin::unread_count)).
pub const COUNT_NAMES: [&str; 16] = [
    "n",
    "cnt",
    "count",
    "count_star()",
    "count(*)",
    "impression_count",
    "num_impressions",
    "n_exposures",
    "counts",
    "freq",
    "frequency",
    "impressions",
    "n_impressions",
    "n_shown",
    "n_times",
    "times_shown",
];

/// A column called like a count that no role reads.
fn unread_count(schema: &LogSchema, available: &[String]) -> Option<String> {
    let needs: HashSet<&str> = schema.needs().into_iter().map(|(_, column)| column).collect();
    let unread = |name: &&String| !needs.contains(name.as_str());
    available.iter().filter(|name| is_like_count(name)).find(unread).cloned()
}

/// Whether a column is called like a count of impressions.
pub(super) fn is_like_count(name: &str) -> bool {
    COUNT_NAMES.contains(&name.to_ascii_lowercase().as_str())
}

/// Where each column of a source stands, if there is one of its name only.
struct Places<'n>(HashMap<&'n str, Option<usize>>);

impl<'n> Places<'n> {
    fn of(names: &'n [String]) -> Self {
        let mut places = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            places.entry(name.as_str()).and_modify(|place| *place = None).or_insert(Some(at));
        }
        Self(places)
    }

    fn find(&self, file: &str, role: Role, column: &str, have: &[String]) -> Result<usize, Error> {
        match self.0.get(column) {
            Some(Some(at)) => Ok(*at),
            Some(None) => {
                Err(Error::RepeatedColumn { file: file.to_owned(), column: column.to_owned() })
            }
            None => Err(Error::MissingColumn {
                file: file.to_owned(),
                column: column.to_owned(),
                role,
                available: have.to_vec(),
            }),
        }
    }
}

/// The first fault of each row of a batch that has one, by the row's index.
type RowFaults = BTreeMap<usize, RowFault>;

/// Collects them.
struct Faults<'f> {
    file: &'f str,
    of_row: RowFaults,
}

impl Faults<'_> {
    fn add(&mut self, index: usize, column: &str, reason: FaultReason, value: &str) {
        if let Entry::Vacant(vacant) = self.of_row.entry(index) {
            vacant.insert(RowFault {
                file: self.file.to_owned(),
                column: column.to_owned(),
                // Which row of the file that is, is known when those before it are.
                row: index as u64 + 1,
                value: excerpt(value),
                reason,
            });
        }
    }
}

impl<'s> Target<'s> {
    fn new(role: Role, schema: &'s LogSchema) -> Self {
        match role {
            Role::Position => Self::Position(Vec::new()),
            Role::Weight
            | Role::Count
            | Role::Engagement
            | Role::Propensity
            | Role::Satisfaction => Self::Number(Vec::new()),
            Role::Time => {
                let (_, format) = schema.time.as_ref().expect("the role is declared");
                Self::Time(Vec::new(), format)
            }
            Role::Topics => {
                let column = schema.topics.as_ref().expect("the role is declared");
                Self::Topics(TopicReader::new(column, Nulls::of(&schema.nulls, &schema.join_names)))
            }
            _ => Self::Ids(IdReader::default()),
        }
    }

    fn finish(self, keep: Option<&[bool]>) -> Result<BuiltColumn, Error> {
        fn kept<T>(mut values: Vec<T>, keep: Option<&[bool]>) -> Vec<T> {
            if let Some(keep) = keep {
                super::retain(&mut values, keep);
            }
            values
        }
        Ok(match self {
            Self::Ids(reader) => {
                let mut ids = reader.finish();
                if let Some(keep) = keep {
                    ids.retain(keep);
                }
                BuiltColumn::Ids(ids)
            }
            Self::Position(values) => BuiltColumn::Position(kept(values, keep)),
            Self::Time(values, _) => BuiltColumn::Time(kept(values, keep)),
            Self::Number(values) => BuiltColumn::Number(kept(values, keep)),
            Self::Topics(reader) => {
                let mut topics = reader.finish();
                if let Some(keep) = keep {
                    topics.retain(keep)?;
                }
                BuiltColumn::Topics(topics)
            }
        })
    }
}

impl Reading<'_> {
    fn push(
        &mut self,
        column: &Column,
        nulls: &[String],
        faults: &mut Faults<'_>,
    ) -> Result<(), Error> {
        let (role, name, file) = (self.role, self.column, faults.file);
        let wrong_type = |expected, mend| Error::ColumnType {
            file: file.to_owned(),
            column: name.to_owned(),
            role,
            expected,
            found: column.type_name().to_owned(),
            mend,
        };
        // Numbers and times are no names, which could be joined.
        let null = |text: &str| Nulls::of(nulls, &[]).has(text);
        match &mut self.target {
            Target::Ids(_)
                if matches!(column, Column::TextList(_) | Column::Unsupported { .. }) =>
            {
                let mend = "cast it to whole numbers or text, so that ids are exact";
                Err(wrong_type("ids", mend))
            }
            Target::Ids(ids) => {
                let column = joined(column, self.join_names);
                let null = |text: &str| Nulls::of(nulls, self.join_names).has(text);
                push_ids(ids, &column, null, |row, reason, value| {
                    faults.add(row, name, reason, value);
                })
            }
            Target::Topics(reader) => {
                if matches!(
                    column,
                    Column::Float(_) | Column::Timestamp(_) | Column::Unsupported { .. }
                ) {
                    return Err(wrong_type("topics", "name the column that holds the topics"));
                }
                push_topics(reader, column, |row, reason, value| {
                    faults.add(row, name, reason, value);
                })
            }
            Target::Position(positions) => {
                let add = collect(positions, 1, name, faults);
                each_number(column, null, Truth::IsNoNumber, position, add)
                    .ok_or_else(|| wrong_type("whole numbers", "cast it, or name another column"))
            }
            Target::Number(numbers) => {
                let add = collect(numbers, 0.0, name, faults);
                let rule = |value| number_in_role(role, value);
                each_number(column, null, Truth::IsOneOrZero, rule, add)
                    .ok_or_else(|| wrong_type("numbers", "cast it, or name another column"))
            }
            Target::Time(times, format) => {
                let add = collect(times, 0, name, faults);
                each_time(column, format, null, add).ok_or_else(|| {
                    let mend = "say TimeFormat::EpochSeconds or another epoch for numbers";
                    wrong_type("times in the declared format", mend)
                })
            }
        }
    }
}

/// Adds ids, of whatever type their column is.
fn push_ids(
    ids: &mut IdReader,
    column: &Column,
    null: impl Fn(&str) -> bool + Copy,
    fault: impl FnMut(usize, FaultReason, &str),
) -> Result<(), Error> {
    let cells = match column {
        Column::Float(values) => Some(Cow::Owned(mixed::of_floats(values))),
        Column::Mixed(values) => Some(Cow::Borrowed(values.as_slice())),
        _ => None,
    };
    match cells {
        Some(cells) => mixed::push_ids(ids.plain(), &cells, null, fault),
        None => ids.push(column, id_text(column), null, fault),
    }
}

/// Adds values to a column, and `blank` with a fault where there is none.
fn collect<'a, T: Copy>(
    values: &'a mut Vec<T>,
    blank: T,
    name: &'a str,
    faults: &'a mut Faults<'_>,
) -> impl FnMut(usize, Checked<T>) {
    move |row, value| {
        values.push(value.unwrap_or_else(|(reason, text)| {
            faults.add(row, name, reason, &text);
            blank
        }));
    }
}

/// The canonical text of the id in a row of a column that may hold ids.
fn id_text<'c>(column: &'c Column) -> impl Fn(usize) -> Option<Cow<'c, str>> {
    move |row| match column {
        Column::Text(text) => text.get(row).map(Cow::Borrowed),
        Column::Coded(coded) => coded.id(row).map(Cow::Borrowed),
        Column::Shared(shared) => shared.get(row).map(Cow::Borrowed),
        Column::Integer(values) => values[row].map(|value| Cow::Owned(value.to_string())),
        Column::Whole(values) => Some(Cow::Owned(values[row].to_string())),
        Column::SharedWhole(shared) => shared.get(row).map(|v| Cow::Owned(v.to_string())),
        Column::Boolean(values) => {
            values[row].map(|b| Cow::Borrowed(if b { "true" } else { "false" }))
        }
        Column::Timestamp(values) => values[row].map(|at| Cow::Owned(parse::moment_id(at))),
        Column::Float(_)
        | Column::TextList(_)
        | Column::Mixed(_)
        | Column::Cells(_)
        | Column::Unsupported { .. } => None,
    }
}

/// A column of ids without the differences in writing that are not to count.
fn joined<'c>(column: &'c Column, rules: &[JoinNames]) -> Cow<'c, Column> {
    let whole = matches!(column, Column::Whole(_) | Column::SharedWhole(_) | Column::Integer(_));
    if rules.is_empty() || whole {
        return Cow::Borrowed(column);
    }
    let join = |text: &str| names::joined(text, rules).into_owned();
    Cow::Owned(match column {
        Column::Cells(cells) => return Cow::Owned(joined(&cells.to_column(), rules).into_owned()),
        Column::Mixed(cells) => Column::Mixed(
            cells
                .iter()
                .map(|cell| match cell {
                    MixedValue::Text(text) => MixedValue::Text(join(text)),
                    other => other.clone(),
                })
                .collect(),
        ),
        Column::Text(_) | Column::Coded(_) | Column::Shared(_) => {
            let text_of = id_text(column);
            let mut texts = TextColumn::default();
            for row in 0..column.len() {
                texts.push(text_of(row).map(|text| join(&text)).as_deref());
            }
            Column::Text(texts)
        }
        _ => return Cow::Borrowed(column),
    })
}

fn push_topics(
    reader: &mut TopicReader<'_>,
    column: &Column,
    mut fault: impl FnMut(usize, FaultReason, &str),
) -> Result<(), Error> {
    match column {
        Column::Shared(shared) => return reader.push_shared(shared, fault),
        Column::Cells(cells) => return reader.push_cells(cells, fault),
        _ => {}
    }
    let text_of = id_text(column);
    for row in 0..column.len() {
        let found = match column {
            Column::TextList(lists) => {
                reader.push_list(lists[row].as_deref().unwrap_or_default())?
            }
            Column::Mixed(values) => mixed::push_topics(reader, &values[row])?,
            _ => reader.push_text(text_of(row).as_deref())?,
        };
        if let Some((reason, value)) = found {
            fault(row, reason, &value);
        }
    }
    Ok(())
}
