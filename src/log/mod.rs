//! The exposure log: typed, checked columns of impressions, and the schema that says what they
//! are. It knows nothing of files, statistics or reports.

mod again;
mod batch;
mod blocks;
mod builder;
mod cells;
mod chunks;
mod dictionary;
mod feed;
mod flags;
mod form;
mod id_text;
mod ids;
mod json_form;
mod keep;
mod keyed;
mod made;
mod matching;
mod mixed;
mod mixed_value;
mod names;
mod order;
mod parse;
mod path;
mod quality;
mod range;
mod recent;
mod schema;
mod spare;
mod split;
mod time_format;
mod topics;
mod values;
mod workers;
mod writing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::batch::{Batch, Column, SharedNumbers, SharedText, TextColumn, UnreadableRow};
pub use self::blocks::Undecoded;
pub(crate) use self::blocks::{Decoded, Stop};
pub use self::builder::COUNT_NAMES;
use self::builder::{Built, LogBuilder, is_like_count};
pub use self::cells::Cells;
pub(crate) use self::cells::{BlockText, CellKind};
pub(crate) use self::chunks::{Chunk, Chunks};
pub use self::dictionary::{Coded, Dictionary, RankedKeys};
use self::feed::Feed;
pub(crate) use self::form::TextForm;
pub use self::form::{FileFormat, Found, NumberForm};
#[cfg(feature = "sql")]
pub(crate) use self::id_text::each_text;
pub(crate) use self::json_form::JsonForm;
pub use self::keyed::KeyedTable;
pub use self::mixed_value::MixedValue;
pub(crate) use self::spare::ColumnPool;
use crate::error::row::{SetAsideAccount, excerpt};

pub use self::names::{JoinNames, NameRemark, OddNames};
pub use self::order::RankWithin;
pub(crate) use self::quality::outside;
pub use self::quality::{DataQuality, SlateRepeats};
pub(crate) use self::range::{Bound, RowGroup};
pub use self::schema::{CombinedColumn, LogSchema, TopicColumn, TopicFormat, Unlisted};
pub use self::time_format::TimeFormat;
pub(crate) use self::topics::LABELLED_NONE;
pub use self::topics::{ItemRepeats, ItemTopics, ItemTopicsSchema, Topics};
pub use crate::base::cluster_key::ClusterKey;
pub(crate) use crate::base::time::iso_text;
use crate::error::Error;
pub use crate::error::limit::{
    Limit, MAX_COLUMNS, MAX_FOOTER, MAX_LINE, MAX_PAGE, MAX_VALUE, MAX_WEIGHT,
};
pub use crate::error::role::Role;
pub use crate::error::row::{FaultReason, RowFault, RowPolicy, SetAside, SetAsideReason};
pub use crate::question::keep::{Comparison, Keep, NotComparable};

/// Something that yields the rows of a log, batch after batch, without holding all of them.
///
/// Readers of files, frames and slices implement it; see [`crate::source`]. The order of calls
/// is: [`column_names`](LogSource::column_names), one [`select`](LogSource::select), then
/// [`next_batch`](LogSource::next_batch) until it says `None`.
pub trait LogSource {
    /// The file, or a word for where the rows come from, as errors will name it.
    fn name(&self) -> &str;

    /// The columns that are there.
    fn column_names(&self) -> &[String];

    /// Chooses the columns that batches shall hold, by index into
    /// [`column_names`](LogSource::column_names).
    fn select(&mut self, columns: &[usize]);

    /// The next rows, or `None` after the last.
    ///
    /// # Errors
    /// When the source cannot be read on.
    fn next_batch(&mut self) -> Result<Option<Batch>, Error>;

    /// What was found of how the file is written, where the reader was not told.
    fn found(&self) -> Vec<Found> {
        Vec::new()
    }

    /// Whether rows can be had as they stand in a file, to be decoded on several threads: as
    /// [`next_block`](LogSource::next_block), and then no more as batches. Readers of text have them so.
    fn has_blocks(&self) -> bool {
        false
    }

    /// The next rows of about so many bytes as they stand in the file, or `None` after the last.
    ///
    /// # Errors
    /// When the source cannot be read on.
    fn next_block(&mut self, bytes: usize) -> Result<Option<Undecoded>, Error> {
        let _ = bytes;
        Ok(None)
    }

    /// How many rows of the file come before the first that is read, so that errors count rows as
    /// the file does; 0 unless a source reads a part of one.
    fn rows_before(&self) -> u64 {
        0
    }

    /// How many rows are still to come, if known, so that room can be made for them.
    fn rows_left(&self) -> Option<u64> {
        None
    }

    /// Bytes of memory that the source holds beside the batches that it gave, so that whoever reads it
    /// in bounded memory takes fewer rows at a time.
    fn bytes(&self) -> usize {
        0
    }
}

/// Where a log came from and what was left out on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file or source.
    pub source: String,
    /// Rows read, those set aside included.
    pub rows_read: u64,
    /// Rows set aside.
    pub set_aside: SetAside,
    /// Rows left out on purpose, by [`ExposureLog::keep`] and [`ExposureLog::filter`].
    #[serde(default)]
    pub left_out: u64,
    /// Which rows were kept by the ids in a column ([`ExposureLog::keep`]), one column after another;
    /// all of them if there is nothing here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Keep>,
    /// What was found of how the files are written, where the schema does not declare it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    /// A column called like a count of impressions (`n`, `count`, `impressions` and the like) that no
    /// role reads, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_count: Option<String>,
    /// The column of the weights, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// The column of the weights, if it is called like a count of impressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_like_count: Option<String>,
    /// The topics table, where one was joined.
    pub item_topics: Option<ItemTopicsOrigin>,
    /// Ids that may be one written in several ways, or none. Of many parts, ids are compared within
    /// each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameRemark>,
}

impl Origin {
    /// Adds the account of further rows of the same files.
    pub(crate) fn add(&mut self, more: Self) {
        self.source = more.source;
        self.rows_read += more.rows_read;
        self.left_out += more.left_out;
        self.set_aside.absorb(more.set_aside);
        self.found.extend(more.found);
        self.found.sort_unstable();
        self.found.dedup();
        if self.kept.is_empty() {
            self.kept = more.kept;
        }
        self.unread_count = self.unread_count.take().or(more.unread_count);
        self.weight = self.weight.take().or(more.weight);
        self.weight_like_count = self.weight_like_count.take().or(more.weight_like_count);
        self.item_topics = self.item_topics.take().or(more.item_topics);
        names::absorb(&mut self.names, more.names);
    }

    /// Keeps what is still to be said of names once all rows were read.
    pub(crate) fn settle(&mut self) {
        names::settle(&mut self.names);
    }
}

/// What joining a topics table did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemTopicsOrigin {
    /// The file or source of the table.
    pub source: String,
    /// Items in the table.
    pub items: u64,
    /// Distinct items of the log that the table does not have; their impressions are untagged.
    pub items_missing: u64,
    /// Rows of the table that were set aside.
    pub set_aside: SetAside,
}

/// A log of impressions: one row each, columns typed and checked.
///
/// An impression is one item shown to one viewer at one position at one time. Every column is
/// optional but for the rows themselves; a question that needs a missing column is refused with
/// [`Error::MissingRole`]. Ids are held as codes into a [`Dictionary`]; times in microseconds
/// since 1970-01-01T00:00:00Z; positions are 1-based ranks.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("three impressions")
///     .text("who", &["ada", "ada", "bo"])
///     .text("feed", &["ranked", "ranked", "newest"])
///     .integer("rank", &[1, 2, 1])
///     .text("about", &["war|politics", "", "sport"]);
/// let schema = LogSchema::new()
///     .viewer("who")
///     .arm("feed")
///     .position("rank")
///     .topics(TopicColumn::separated("about", '|'));
/// let log = ExposureLog::read(source, &schema)?;
///
/// assert_eq!(log.rows(), 3);
/// assert_eq!(log.arms().unwrap().dictionary().len(), 2);
/// assert_eq!(log.topics().unwrap().untagged(), 1);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureLog {
    rows: usize,
    ids: BTreeMap<Role, Coded>,
    numbers: BTreeMap<Role, Vec<f64>>,
    positions: Option<Vec<u32>>,
    times: Option<Vec<i64>>,
    topics: Option<Topics>,
    /// Labels by hand; the empty set where there is none.
    human: Option<Topics>,
    named: Vec<(String, Coded)>,
    /// The source's column for each role of ids, so that it may be asked for by that name too.
    aliases: Vec<(String, Role)>,
    origin: Origin,
}

impl ExposureLog {
    /// Reads a whole source into memory, checking every value.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::RepeatedColumn`], [`Error::ColumnType`] and
    /// [`Error::ColumnLength`] where source and schema do not fit; [`Error::Parameter`] for a
    /// combination of no columns; [`Error::Row`] at the first row that breaks a rule (unless the
    /// schema says [`RowPolicy::SetAside`]); [`Error::EmptyLog`] when no row is left; and
    /// whatever the source itself meets, [`Error::Damaged`] above all.
    pub fn read(source: impl LogSource, schema: &LogSchema) -> Result<Self, Error> {
        let name = source.name().to_owned();
        let (built, found) = Self::built(source, schema)?;
        let mut log = Self::from_built(name.clone(), built.or_empty(&name)?, schema)?;
        log.origin.found = found;
        log.origin.settle();
        Ok(log)
    }

    /// The same of one of several sources, of which some may have no row that is asked about; what is to be said of it
    /// then.
    pub(crate) fn read_part(
        source: impl LogSource,
        schema: &LogSchema,
    ) -> Result<Result<Self, Origin>, Error> {
        let name = source.name().to_owned();
        let (mut built, found) = Self::built(source, schema)?;
        if built.rows == 0 && built.left_out > 0 {
            return Ok(Err(Origin {
                source: name,
                rows_read: built.rows_read,
                set_aside: std::mem::take(&mut built.set_aside),
                left_out: built.left_out,
                kept: schema.keep.clone(),
                found,
                ..Origin::default()
            }));
        }
        let mut log = Self::from_built(name.clone(), built.or_empty(&name)?, schema)?;
        log.origin.found = found;
        log.origin.settle();
        Ok(Ok(log))
    }

    /// All rows of a source, and what was found of how it is written.
    fn built(mut source: impl LogSource, schema: &LogSchema) -> Result<(Built, Vec<Found>), Error> {
        let name = source.name().to_owned();
        let (mut builder, wanted) = LogBuilder::new(&name, schema, source.column_names())?;
        source.select(&wanted);
        let found = builder.found(source.found());
        builder.reserve(source.rows_left().and_then(|rows| rows.try_into().ok()).unwrap_or(0));
        let mut feed = Feed::new(source, schema);
        feed.begin(usize::MAX)?;
        while feed.next_into(&mut builder)? {}
        Ok((builder.finish()?, found))
    }

    fn from_built(source: String, mut built: Built, schema: &LogSchema) -> Result<Self, Error> {
        let mut log = Self {
            rows: built.rows,
            ids: BTreeMap::new(),
            numbers: BTreeMap::new(),
            positions: built.position(Role::Position),
            times: built.time(Role::Time),
            topics: built.topics(Role::Topics),
            human: built.topics(Role::Human),
            named: Vec::new(),
            aliases: Vec::new(),
            origin: Origin {
                source,
                rows_read: built.rows_read,
                set_aside: std::mem::take(&mut built.set_aside),
                left_out: built.left_out,
                kept: schema.keep.clone(),
                found: Vec::new(),
                unread_count: built.unread_count.take(),
                weight: schema.weight.clone(),
                weight_like_count: schema.weight.clone().filter(|name| is_like_count(name)),
                item_topics: None,
                names: Vec::new(),
            },
        };
        for (role, column) in schema.needs() {
            match role {
                Role::Weight
                | Role::Count
                | Role::Engagement
                | Role::Propensity
                | Role::Satisfaction
                | Role::Inclusion => {
                    log.numbers.extend(built.number(role).map(|n| (role, n)));
                }
                Role::Position | Role::Time | Role::Topics | Role::Human | Role::Named => {}
                ids => {
                    log.ids.extend(built.ids(ids).map(|coded| (ids, coded)));
                    log.aliases.push((column.to_owned(), ids));
                }
            }
        }
        let parts = built.named();
        for combined in &schema.combined {
            let of: Vec<&Coded> = combined.of.iter().map(|part| &parts[part]).collect();
            let column = combine(&of, log.rows)?;
            log.named.push((combined.name.clone(), column));
        }
        let mut parts = parts;
        for name in &schema.columns {
            log.named.extend(parts.remove_entry(name));
        }
        log.without_empty_rows().map(Self::with_names_told)
    }

    /// With what is to be said of its names.
    fn with_names_told(mut self) -> Self {
        self.origin.names = NameRemark::of_ids(&self);
        self
    }

    /// Without rows that stand for no impression: as if each row were there as often as it counts.
    fn without_empty_rows(self) -> Result<Self, Error> {
        match self.counts() {
            Some(counts) if counts.contains(&0.0) => {
                let counts = counts.to_vec();
                self.retained(|row| counts[row] > 0.0)
            }
            _ => Ok(self),
        }
    }

    /// Gives every impression the topics of its item, from a table of their own. Topics that the
    /// log had before are replaced. Impressions of items that the table does not have are
    /// untagged; [`Origin::item_topics`] counts such items.
    ///
    /// # Errors
    /// [`Error::MissingRole`] when the log has no items.
    pub fn with_item_topics(mut self, topics: &ItemTopics) -> Result<Self, Error> {
        let items = self.require_ids(Role::Item, "joining a topics table")?;
        let (joined, items_missing) = topics.join(items.codes(), items.dictionary())?;
        self.topics = Some(joined);
        self.origin.item_topics = Some(ItemTopicsOrigin {
            source: topics.source.clone(),
            items: topics.len() as u64,
            items_missing,
            set_aside: topics.set_aside.clone(),
        });
        Ok(self)
    }

    /// Gives every impression the topics that `topics` names for its row, which may depend on
    /// anything in the log: "own party" in one arm is the other party in the other. Topics that
    /// the log had before are replaced; an impression without topics is untagged, and an empty
    /// text is no topic.
    ///
    /// # Errors
    /// [`Error::TooManyIds`].
    pub fn with_topics_by_row<T: AsRef<str>>(
        mut self,
        mut topics: impl FnMut(&Self, usize) -> Vec<T>,
    ) -> Result<Self, Error> {
        let tagged = Topics::by_row(self.rows, |row| topics(&self, row))?;
        self.topics = Some(tagged);
        self.origin.item_topics = None;
        Ok(self)
    }

    /// The log of just the rows for which `keep` is true, and what they are called, which estimands and reports of
    /// this log say. [`Origin::left_out`] counts the others. For rows by the ids in a column there is
    /// [`keep`](Self::keep).
    ///
    /// ```
    /// # use tiltmeter::log::LogSchema;
    /// # use tiltmeter::{ExposureLog, source::SliceSource};
    /// # let source = SliceSource::new("example")
    /// #     .text("feed", &["ranked", "newest"])
    /// #     .integer("rank", &[1, 9]);
    /// # let log = ExposureLog::read(source, &LogSchema::new().arm("feed").position("rank"))?;
    /// let ranks = log.positions().expect("the schema has them");
    /// let top = log.filter("the first five ranks", |row| ranks[row] <= 5)?;
    /// assert_eq!((top.rows(), top.origin().left_out), (1, 1));
    /// assert_eq!(top.origin().kept[0].to_string(), "they are \"the first five ranks\"");
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::EmptyLog`] when no row is kept.
    pub fn filter(
        &self,
        called: impl Into<String>,
        keep: impl FnMut(usize) -> bool,
    ) -> Result<Self, Error> {
        Ok(self.clone().retained(keep)?.chosen(Keep::new(called, [""; 0])))
    }

    /// The same rows, which were chosen so.
    pub(crate) fn chosen(mut self, keep: Keep) -> Self {
        self.origin.kept.push(keep);
        self
    }

    /// The rows for which `keep` is true, which others are told of elsewhere.
    pub(crate) fn retained(mut self, keep: impl FnMut(usize) -> bool) -> Result<Self, Error> {
        let keep: Vec<bool> = (0..self.rows).map(keep).collect();
        let kept = keep.iter().filter(|keep| **keep).count();
        if kept == 0 {
            return Err(Error::EmptyLog {
                file: self.origin.source,
                set_aside: self.origin.set_aside.rows,
            });
        }
        self.origin.left_out += (self.rows - kept) as u64;
        self.rows = kept;
        for column in self.ids.values_mut() {
            column.retain(&keep);
        }
        for (_, column) in &mut self.named {
            column.retain(&keep);
        }
        for column in self.numbers.values_mut() {
            retain(column, &keep);
        }
        if let Some(positions) = &mut self.positions {
            retain(positions, &keep);
        }
        if let Some(times) = &mut self.times {
            retain(times, &keep);
        }
        for topics in [&mut self.topics, &mut self.human].into_iter().flatten() {
            topics.retain(&keep)?;
        }
        Ok(self)
    }

    /// How many rows there are: impressions, unless rows stand for several ([`Role::Count`]).
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many impressions there are.
    #[must_use]
    pub fn impressions(&self) -> u64 {
        self.impressions_in(0..self.rows)
    }

    pub(crate) fn impressions_in(&self, rows: std::ops::Range<usize>) -> u64 {
        match self.counts() {
            None => rows.len() as u64,
            Some(counts) => counts[rows].iter().map(|&count| count as u64).sum(),
        }
    }

    /// How many impressions each row stands for, whole numbers; `None` where each stands for one.
    pub(crate) fn counts(&self) -> Option<&[f64]> {
        self.numbers(Role::Count)
    }

    /// For what takes each row for one impression.
    pub(crate) fn refuse_counts(&self, what: &str) -> Result<(), Error> {
        match self.counts() {
            None => Ok(()),
            Some(_) => Err(Error::RowsOfSeveral { what: what.to_owned() }),
        }
    }

    /// Where the log came from and what was left out.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The column of ids in a role: viewer, item, arm, stratum, slate or session.
    #[must_use]
    pub fn ids(&self, role: Role) -> Option<&Coded> {
        self.ids.get(&role)
    }

    /// The arm of each impression.
    #[must_use]
    pub fn arms(&self) -> Option<&Coded> {
        self.ids(Role::Arm)
    }

    /// A column of numbers: weight, count, engagement, propensity, satisfaction or inclusion. An inclusion probability
    /// is 0 where there is none.
    #[must_use]
    pub fn numbers(&self, role: Role) -> Option<&[f64]> {
        self.numbers.get(&role).map(Vec::as_slice)
    }

    /// The 1-based rank of each impression.
    #[must_use]
    pub fn positions(&self) -> Option<&[u32]> {
        self.positions.as_deref()
    }

    /// The time of each impression, in microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn times(&self) -> Option<&[i64]> {
        self.times.as_deref()
    }

    /// The topics of each impression.
    #[must_use]
    pub fn topics(&self) -> Option<&Topics> {
        self.topics.as_ref()
    }

    /// The topics by hand of each impression that has some ([`LogSchema::human`]).
    pub(crate) fn human(&self) -> Option<&Topics> {
        self.human.as_ref()
    }

    /// How many rows are labelled by hand; none where the schema declares no such labels.
    #[must_use]
    pub fn labelled(&self) -> u64 {
        self.human.as_ref().map_or(0, |human| self.rows as u64 - human.untagged())
    }

    /// The further columns, with their names.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Coded)> {
        self.named.iter().map(|(name, column)| (&**name, column))
    }

    /// A column of ids by name: a further column, or the source's column for some role.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if there is none of that name.
    pub fn column(&self, name: &str) -> Result<&Coded, Error> {
        let alias = || {
            let (_, role) = self.aliases.iter().find(|(alias, _)| alias == name)?;
            self.ids.get(role)
        };
        self.named
            .iter()
            .find(|(its, _)| its == name)
            .map(|(_, column)| column)
            .or_else(alias)
            .ok_or_else(|| Error::UnknownColumn {
                column: name.to_owned(),
                available: self.column_names(),
            })
    }

    /// The source's column for a role of ids, where asking for it by that name gives that role's ids.
    pub(crate) fn name_of(&self, role: Role) -> Option<&str> {
        let (name, _) = self.aliases.iter().find(|(_, its)| *its == role)?;
        let is_it = |column: &Coded| self.ids.get(&role).is_some_and(|its| its == column);
        self.column(name).is_ok_and(is_it).then_some(name)
    }

    fn column_names(&self) -> Vec<String> {
        let named = self.named.iter().map(|(name, _)| name.clone());
        let aliases = self.aliases.iter().map(|(name, _)| name.clone());
        let mut names: Vec<_> = named.chain(aliases).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(crate) fn require_ids(&self, role: Role, needed_by: &str) -> Result<&Coded, Error> {
        self.ids(role).ok_or_else(|| missing(role, needed_by))
    }

    pub(crate) fn require_positions(&self, needed_by: &str) -> Result<&[u32], Error> {
        self.positions().ok_or_else(|| missing(Role::Position, needed_by))
    }

    pub(crate) fn require_times(&self, needed_by: &str) -> Result<&[i64], Error> {
        self.times().ok_or_else(|| missing(Role::Time, needed_by))
    }

    pub(crate) fn require_numbers(&self, role: Role, needed_by: &str) -> Result<&[f64], Error> {
        self.numbers(role).ok_or_else(|| missing(role, needed_by))
    }

    #[cfg(feature = "parquet")]
    pub(crate) fn aliases(&self) -> &[(String, Role)] {
        &self.aliases
    }

    #[cfg(feature = "parquet")]
    pub(crate) fn restore(
        mut self,
        origin: Origin,
        aliases: Vec<(String, Role)>,
        names: Vec<String>,
    ) -> Self {
        self.origin = origin;
        self.aliases = aliases;
        for (name, (column, _)) in names.into_iter().zip(&mut self.named) {
            *column = name;
        }
        self
    }
}

fn missing(role: Role, needed_by: &str) -> Error {
    Error::MissingRole { role, needed_by: needed_by.to_owned() }
}

impl ExposureLog {
    /// One column out of several of this log's.
    pub(crate) fn combined_ids(&self, of: &[&Coded]) -> Result<Coded, Error> {
        combine(of, self.rows)
    }
}

/// Keeps the values for which `keep` is true.
pub(crate) fn retain<T>(values: &mut Vec<T>, keep: &[bool]) {
    let mut flags = keep.iter();
    values.retain(|_| flags.next().copied().unwrap_or(true));
}

/// One column out of several; the text is made once per distinct combination.
fn combine(of: &[&Coded], rows: usize) -> Result<Coded, Error> {
    let mut seen: std::collections::HashMap<Vec<u32>, String> = std::collections::HashMap::new();
    let mut combined = Coded::default();
    for row in 0..rows {
        let codes: Vec<u32> = of.iter().map(|column| column.codes()[row]).collect();
        let text = seen.entry(codes).or_insert_with_key(|codes| {
            let parts = of.iter().zip(codes).map(|(column, &code)| {
                let id = column.dictionary().id(code).expect("every code has an id");
                id.replace('\\', r"\\").replace('|', r"\|")
            });
            parts.collect::<Vec<_>>().join("|")
        });
        combined.push(text)?;
    }
    Ok(combined)
}

impl ItemTopics {
    /// Reads a topics table.
    ///
    /// # Errors
    /// As [`ExposureLog::read`]; and an item whose rows say different things is a
    /// [`FaultReason::ConflictingTopics`] unless the schema says [`ItemRepeats::Union`].
    pub fn read(mut source: impl LogSource, schema: &ItemTopicsSchema) -> Result<Self, Error> {
        let name = source.name().to_owned();
        let as_log = LogSchema {
            nulls: schema.nulls.clone(),
            join_names: schema.join_names.clone(),
            ..LogSchema::new().item(&schema.item).topics(schema.topics.clone()).rows(schema.rows)
        };
        let (mut builder, wanted) = LogBuilder::new(&name, &as_log, source.column_names())?;
        source.select(&wanted);
        let mut feed = Feed::new(source, &as_log);
        feed.begin(usize::MAX)?;
        while feed.next_into(&mut builder)? {}
        let built = builder.finish()?.or_empty(&name)?;
        let source_rows = built.source_rows();
        let log = ExposureLog::from_built(name, built, &as_log)?;
        Self::from_log(&log, &source_rows, schema)
    }

    fn from_log(
        log: &ExposureLog,
        source_rows: &[u64],
        schema: &ItemTopicsSchema,
    ) -> Result<Self, Error> {
        let items = log.require_ids(Role::Item, "a topics table")?;
        let topics = log.topics().expect("the schema declares topics");
        let mut account = SetAsideAccount::default();
        let mut table = Self {
            source: log.origin.source.clone(),
            labels_of: std::collections::HashMap::default(),
            set_aside: SetAside::default(),
        };
        for (row, &source_row) in source_rows.iter().enumerate() {
            let item = items.id(row).expect("every row has an item");
            let label = |&code| topics.labels().id(code).expect("codes have ids").to_owned();
            let labels: Vec<String> = topics.of_row(row).iter().map(label).collect();
            match table.labels_of.get_mut(item) {
                None => {
                    table.labels_of.insert(item.into(), labels);
                }
                Some(known) if *known == labels => {}
                Some(known) if schema.repeats == ItemRepeats::Union => {
                    let new = labels.into_iter().filter(|l| !known.contains(l));
                    known.extend(new.collect::<Vec<_>>());
                }
                Some(_) => {
                    let fault = RowFault {
                        file: table.source.clone(),
                        column: schema.item.clone(),
                        row: source_row,
                        value: excerpt(item),
                        reason: FaultReason::ConflictingTopics,
                    };
                    match schema.rows {
                        RowPolicy::Strict => return Err(Error::Row(Box::new(fault))),
                        RowPolicy::SetAside => account.count(fault),
                    }
                }
            }
        }
        table.set_aside = log.origin.set_aside.clone();
        table.set_aside.absorb(account.finish());
        Ok(table)
    }
}
