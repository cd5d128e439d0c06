//! From batches of unchecked columns to the typed columns of a log: every rule about values is
//! applied here and nowhere else. Opens no files; computes nothing from the values.

mod pieces;
pub(super) mod sieve;

use std::borrow::Cow;
use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, HashMap, HashSet};

pub(super) use self::pieces::{Known, Piece, Told};
use self::sieve::{Sieve, Sieved, Written};
use super::batch::{Batch, Column, TextColumn};
use super::dictionary::Coded;
use super::form::{Found, NumberForm};
use super::id_text::id_text;
use super::ids::IdReader;
use super::keyed::KeyedTable;
use super::made::Made;
use super::mixed;
use super::mixed_value::{MixedValue, of_floats};
use super::names::{self, JoinNames, Nulls};
use super::schema::LogSchema;
use super::spare::ColumnPool;
use super::time_format::TimeFormat;
use super::topics::{TopicReader, Topics, push_cell};
use super::values::{Checked, Truth, each_number, each_time, number_in_role, position};
use crate::error::Error;
use crate::error::role::Role;
use crate::error::row::{FaultReason, RowFault, RowPolicy, SetAside, SetAsideAccount, excerpt};
use crate::question::keep::Keep;

/// Bytes that a distinct id or set of topics takes beside its text while it gets a key, is compared with
/// others and gets a place in a tally.
const BYTES_PER_ID: usize = 64;

/// Gathers one column in one role.
#[derive(Debug)]
enum Target<'s> {
    Ids(IdReader),
    /// With the rank of the first place as the file has it.
    Position(Vec<u32>, u32),
    Time(Vec<i64>, &'s TimeFormat),
    Number(Vec<f64>),
    Topics(TopicReader<'s>),
}

/// A column that is being read in one role.
#[derive(Debug)]
struct Reading<'s> {
    role: Role,
    column: &'s str,
    /// Where the column stands.
    place: Place,
    join_names: &'s [JoinNames],
    numbers: NumberForm,
    target: Target<'s>,
}

/// Where a column stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In a batch.
    Read(usize),
    /// Among those that are made.
    Made(usize),
}

/// Reads batches into the columns of a log.
#[derive(Debug)]
pub(super) struct LogBuilder<'s> {
    file: String,
    made: Made<'s>,
    nulls: &'s [String],
    join_names: &'s [JoinNames],
    policy: RowPolicy,
    readings: Vec<Reading<'s>>,
    /// A column called like a count that nobody reads.
    unread_count: Option<String>,
    /// Rows of the file before the first that is read here.
    before: u64,
    rows: usize,
    /// What is asked of rows, and of which column.
    sieves: Vec<(&'s Keep, Place, Written<'s>)>,
    /// Some of what the first of these columns held.
    seen: BTreeSet<String>,
    left_out: usize,
    keep: Vec<bool>,
    account: SetAsideAccount,
}

/// What a batch holds, beside its columns.
#[derive(Debug)]
struct Gathered {
    rows: usize,
    /// The first fault of each row that has some.
    faults: RowFaults,
    /// Which rows are asked about, where not all are.
    sieved: Option<Sieved>,
}

/// What a builder has read.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) rows: usize,
    pub(super) rows_read: u64,
    pub(super) set_aside: SetAside,
    /// Rows that were not asked about.
    pub(super) left_out: u64,
    /// What was asked of rows first, and some of what they had.
    sieve: Option<(Keep, Vec<String>)>,
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
        let file = file.to_owned();
        match self.sieve {
            Some((keep, available)) if self.left_out > 0 => {
                let asked = keep.to_string();
                Err(Error::NothingKept { file, column: keep.column, asked, available })
            }
            _ => Err(Error::EmptyLog { file, set_aside: self.set_aside.rows }),
        }
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
            let call = "LogSchema::arm, viewer, topics and the like";
            return Err(Error::Unstated { what: "columns", call });
        }
        schema.check_combined(file)?;
        schema.check_numbers()?;
        schema.check_labels()?;
        let places = Places::of(available);
        let mut wanted: Vec<usize> = Vec::new();
        let mut index_of: HashMap<usize, usize> = HashMap::new();
        let mut named: HashSet<&str> = HashSet::new();
        let mut readings: Vec<Reading<'s>> = Vec::new();
        let mut index = |role, column: &str| {
            let at = places.find(file, role, column, available)?;
            Ok::<_, Error>(*index_of.entry(at).or_insert_with(|| {
                wanted.push(at);
                wanted.len() - 1
            }))
        };
        let made = Made::of(file, schema, available, |column| index(Role::Named, column))?;
        let mut place = |role, column: &str| match made.place(column) {
            Some(place) => Ok(Place::Made(place)),
            None => {
                index(role, column).map(Place::Read).map_err(|error| of_tables_too(error, schema))
            }
        };
        for (role, column) in schema.needs() {
            let place = place(role, column)?;
            if role == Role::Named && !named.insert(column) {
                continue;
            }
            let (join_names, numbers) = (schema.join_names.as_slice(), schema.numbers);
            let target = Target::new(role, schema)?;
            readings.push(Reading { role, column, place, join_names, numbers, target });
        }
        let sieves = schema.keep.iter().map(|keep| {
            keep.check()?;
            Ok((keep, place(Role::Named, &keep.column)?, Written::of(schema, &keep.column)))
        });
        let sieves = sieves.collect::<Result<_, Error>>()?;
        // Rows are counted by a column, and a path may say all that is asked.
        if wanted.is_empty() && !available.is_empty() {
            wanted.push(0);
        }
        let builder = Self {
            file: file.to_owned(),
            made,
            nulls: &schema.nulls,
            join_names: &schema.join_names,
            policy: schema.rows,
            unread_count: unread_count(schema, available),
            readings,
            before: 0,
            rows: 0,
            sieves,
            seen: BTreeSet::new(),
            left_out: 0,
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
                Target::Position(values, _) => *values = spare.column(rows),
                Target::Time(values, _) => values.reserve(rows),
                Target::Number(values) => values.reserve(rows),
            }
        }
    }

    /// What was found of the file, with what its folders say.
    pub(super) fn found(&self, mut found: Vec<Found>) -> Vec<Found> {
        found.extend(self.made.found());
        found
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
            Target::Position(..) | Target::Time(..) | Target::Number(_) => 0,
        });
        self.rows * per_row + columns.sum::<usize>()
    }

    /// Bytes of memory held for what the codes of rows mean.
    fn held(&self) -> usize {
        let column = |reading: &Reading<'_>| match &reading.target {
            Target::Ids(ids) => ids.held(),
            Target::Topics(topics) => topics.bytes(),
            Target::Position(..) | Target::Time(..) | Target::Number(_) => 0,
        };
        self.readings.iter().map(column).sum()
    }

    /// Reads a batch.
    pub(super) fn push(&mut self, batch: Batch) -> Result<(), Error> {
        let gathered = self.gather(batch)?;
        self.judge(gathered)
    }

    /// Gathers the columns of a batch.
    fn gather(&mut self, batch: Batch) -> Result<Gathered, Error> {
        let rows = self.check_shape(&batch)?;
        let mut faults = Faults { file: &self.file, of_row: BTreeMap::new() };
        let unreadable: Vec<usize> = batch.unreadable.iter().map(|row| row.index).collect();
        for row in batch.unreadable {
            faults.add(row.index, &row.column, row.reason, &row.value);
        }
        let made = self.made.columns(&batch.columns, rows, |row, column, reason, value| {
            faults.add(row, column, reason, value);
        });
        let column = |place| match place {
            Place::Read(at) => &batch.columns[at],
            Place::Made(at) => &made[at],
        };
        for reading in &mut self.readings {
            reading.push(column(reading.place), self.nulls, &mut faults)?;
        }
        self.check_labels(rows, &mut faults);
        let mut of_row = faults.of_row;
        let sieved = (!self.sieves.is_empty()).then(|| {
            let sieves = self.sieves.iter().map(|&(keep, place, written)| Sieve {
                keep,
                column: column(place),
                written,
                is_made: matches!(place, Place::Made(_)),
            });
            let nulls = Nulls::of(self.nulls, self.join_names);
            sieve::sieved((&self.file, nulls), sieves, (rows, &unreadable), &mut of_row)
        });
        Ok(Gathered { rows, faults: of_row, sieved })
    }

    /// Whether each of the rows just read that is labelled by hand says with which chance.
    fn check_labels(&self, rows: usize, faults: &mut Faults<'_>) {
        let of = |role| self.readings.iter().find(|reading| reading.role == role);
        let (Some(human), Some(inclusion)) = (of(Role::Human), of(Role::Inclusion)) else { return };
        let (Target::Topics(human), Target::Number(inclusion_of)) =
            (&human.target, &inclusion.target)
        else {
            return;
        };
        let labelled = human.last_are_labelled(rows);
        let chances = &inclusion_of[inclusion_of.len() - rows..];
        for (row, _) in labelled.zip(chances).enumerate().filter(|(_, its)| its.0 && *its.1 == 0.0)
        {
            faults.add(row, inclusion.column, FaultReason::LabelWithoutInclusion, "");
        }
    }

    /// Does with the rows just gathered what is to be done with them.
    fn judge(&mut self, gathered: Gathered) -> Result<(), Error> {
        let Gathered { rows, mut faults, sieved } = gathered;
        let first_row = self.before + self.rows as u64 + 1;
        for (index, fault) in &mut faults {
            fault.row = first_row + *index as u64;
        }
        if self.policy == RowPolicy::Strict
            && let Some((_, first)) = faults.pop_first()
        {
            return Err(Error::Row(Box::new(first)));
        }
        let start = self.keep.len();
        match sieved {
            Some(Sieved { keep, seen }) => {
                self.left_out += keep.iter().filter(|keep| !**keep).count();
                self.seen.extend(seen);
                self.keep.extend(keep);
            }
            None if self.policy == RowPolicy::SetAside => self.keep.resize(start + rows, true),
            None => {}
        }
        for (index, fault) in faults {
            self.keep[start + index] = false;
            self.account.count(fault);
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
            let Place::Read(index) = reading.place else { continue };
            match batch.columns.get(index).map(Column::len) {
                Some(found) if found == rows => {}
                found => return Err(wrong(reading.column, found.unwrap_or(0))),
            }
        }
        match batch.unreadable.iter().find(|row| row.index >= rows) {
            Some(row) => Err(wrong(&row.column, row.index.saturating_add(1))),
            None => Ok(rows),
        }
    }

    /// The columns, without the rows set aside; there may be no row left.
    pub(super) fn finish(self) -> Result<Built, Error> {
        let set_aside = self.account.finish();
        let aside = usize::try_from(set_aside.rows).unwrap_or(self.rows);
        let rows = self.rows - aside - self.left_out;
        let keep = (aside + self.left_out > 0).then_some(self.keep);
        let columns = self
            .readings
            .into_iter()
            .map(|r| Ok((r.role, r.column.to_owned(), r.target.finish(keep.as_deref())?)))
            .collect::<Result<_, Error>>()?;
        let unread_count = self.unread_count;
        let left_out = self.left_out as u64;
        let sieve = self.sieves.into_iter().next().map(|(keep, ..)| keep.clone());
        let sieve = sieve.map(|keep| (keep, self.seen.into_iter().collect()));
        let rows_read = self.rows as u64;
        Ok(Built { rows, rows_read, set_aside, left_out, sieve, unread_count, keep, columns })
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

/// Says of a column that is missing that those of tables beside the log can be named as well.
fn of_tables_too(error: Error, schema: &LogSchema) -> Error {
    match error {
        Error::MissingColumn { file, column, role, mut available } => {
            let tables = schema.tables.iter().flat_map(KeyedTable::column_names);
            available.extend(tables.map(str::to_owned));
            Error::MissingColumn { file, column, role, available }
        }
        other => other,
    }
}

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
    fn new(role: Role, schema: &'s LogSchema) -> Result<Self, Error> {
        Ok(match role {
            Role::Position => Self::Position(Vec::new(), schema.first_rank.unwrap_or(1)),
            Role::Weight
            | Role::Count
            | Role::Engagement
            | Role::Propensity
            | Role::Satisfaction
            | Role::Inclusion => Self::Number(Vec::new()),
            Role::Time => {
                let (_, format) = schema.time.as_ref().expect("the role is declared");
                Self::Time(Vec::new(), format)
            }
            Role::Topics => {
                let column = schema.topics.as_ref().expect("the role is declared");
                let nulls = Nulls::of(&schema.nulls, &schema.join_names);
                Self::Topics(TopicReader::new(column, nulls)?)
            }
            Role::Human => {
                let column = schema.human.as_ref().expect("the role is declared");
                let nulls = Nulls::of(&schema.nulls, &schema.join_names);
                Self::Topics(TopicReader::new(column, nulls)?.by_hand())
            }
            _ => Self::Ids(IdReader::default()),
        })
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
            Self::Position(values, _) => BuiltColumn::Position(kept(values, keep)),
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
                    Column::Float(_)
                        | Column::Timestamp(_)
                        | Column::LocalTime(_)
                        | Column::Unsupported { .. }
                ) {
                    return Err(wrong_type("topics", "name the column that holds the topics"));
                }
                push_topics(reader, column, |row, reason, value| {
                    faults.add(row, name, reason, value);
                })
            }
            Target::Position(positions, first) => {
                let first = f64::from(*first);
                let add = collect(positions, 1, name, faults);
                let position = |number: f64| position(number - first + 1.0);
                each_number(column, null, (Truth::IsNoNumber, self.numbers), position, add)
                    .ok_or_else(|| wrong_type("whole numbers", "cast it, or name another column"))
            }
            Target::Number(numbers) => {
                let mut add = collect(numbers, 0.0, name, faults);
                let add = |row, number| add(row, or_no_chance(role, number));
                let rule = |value| number_in_role(role, value);
                each_number(column, null, (Truth::IsOneOrZero, self.numbers), rule, add)
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

/// A number in its role; rows that nobody labelled by hand need no chance of it.
fn or_no_chance(role: Role, number: Checked<f64>) -> Checked<f64> {
    match number {
        Err((FaultReason::Null, _)) if role == Role::Inclusion => Ok(0.0),
        number => number,
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
        Column::Float(values) => Some(Cow::Owned(of_floats(values))),
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
            Column::TextList(lists) => match &lists[row] {
                Some(list) => reader.push_list(list)?,
                None => reader.push_text(None)?,
            },
            Column::Mixed(values) => push_cell(reader, &values[row])?,
            _ => reader.push_text(text_of(row).as_deref())?,
        };
        if let Some((reason, value)) = found {
            fault(row, reason, &value);
        }
    }
    Ok(())
}
