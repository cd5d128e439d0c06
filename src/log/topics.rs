//! What impressions are about: label sets, one per impression, and the map from items to them
//! that may come from a second table.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::batch::{SharedText, TextColumn};
use super::cells::{CellKind, Cells};
use super::dictionary::Dictionary;
use super::ids::{Memo, UNKNOWN, all_made, none_made};
use super::matching::{Patterns, domain};
use super::mixed_value::MixedValue;
use super::names::{JoinNames, Nulls};
use super::parse::python_list;
use super::recent::Recent;
use super::schema::{TopicColumn, TopicFormat, Unlisted};
use crate::error::Error;
use crate::error::limit::MAX_VALUE;
use crate::error::row::{FaultReason, RowPolicy, SetAside, excerpt};

/// The set without topics, which untagged impressions have.
const UNTAGGED: u32 = 0;

/// What stands in the set of a row that was labelled by hand as having no topic, so that it differs from one that
/// nobody labelled. No topic has this name.
pub(crate) const LABELLED_NONE: &str = "\u{1f}";

/// The topics of every impression of a log.
///
/// Impressions with the same topics share a *label set*; each row holds the number of its set,
/// and set 0 is the empty one. A log with one topic per impression has one set per topic.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// let topics = log.topics().expect("the schema declares topics");
/// let first: Vec<_> = topics.of_row(0).iter().filter_map(|&code| topics.labels().id(code)).collect();
/// assert_eq!(first, ["war", "politics"]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    sets: LabelSets,
    set_of_row: Vec<u32>,
}

impl Topics {
    /// The distinct topics, in order of first appearance.
    #[must_use]
    pub fn labels(&self) -> &Dictionary {
        &self.sets.labels
    }

    /// The label set of each row.
    #[must_use]
    pub fn set_of_row(&self) -> &[u32] {
        &self.set_of_row
    }

    /// How many label sets there are, the empty one included.
    #[must_use]
    pub fn set_count(&self) -> usize {
        self.sets.ends.len()
    }

    /// The codes of the topics in a label set, ascending; none past the last set.
    #[must_use]
    pub fn set(&self, set: u32) -> &[u32] {
        self.sets.get(set)
    }

    /// The codes of the topics of an impression, ascending; none if it is untagged or past the end.
    #[must_use]
    pub fn of_row(&self, row: usize) -> &[u32] {
        self.set_of_row.get(row).map_or(&[], |&set| self.set(set))
    }

    /// Whether some impression has more than one topic.
    #[must_use]
    pub fn is_multi_label(&self) -> bool {
        (0..self.sets.ends.len()).any(|set| self.set(set as u32).len() > 1)
    }

    /// How many impressions are untagged.
    #[must_use]
    pub fn untagged(&self) -> u64 {
        self.set_of_row.iter().filter(|&&set| self.set(set).is_empty()).count() as u64
    }

    pub(super) fn by_row<T: AsRef<str>>(
        rows: usize,
        mut topics: impl FnMut(usize) -> Vec<T>,
    ) -> Result<Self, Error> {
        let mut sets = LabelSets::default();
        let set = |row| sets.intern(topics(row).iter().map(AsRef::as_ref));
        let set_of_row = (0..rows).map(set).collect::<Result<_, _>>()?;
        Ok(Self { sets, set_of_row })
    }

    /// The column of sets alone.
    pub(super) fn into_sets(self) -> Vec<u32> {
        self.set_of_row
    }

    /// These rows, in this order, with the labels of just these rows.
    pub(super) fn again(&self, rows: &[u32]) -> Result<Self, Error> {
        let set_of_row = rows.iter().map(|&row| self.set_of_row[row as usize]).collect();
        let mut again = Self { sets: self.sets.clone(), set_of_row };
        again.retain(&vec![true; rows.len()])?;
        Ok(again)
    }

    /// These rows, in this order, with all labels that there are.
    pub(super) fn group(&self, rows: &[u32]) -> Self {
        let set_of_row = rows.iter().map(|&row| self.set_of_row[row as usize]).collect();
        Self { sets: self.sets.clone(), set_of_row }
    }

    /// The rows of several columns, one column after the other.
    pub(super) fn joined(parts: &[&Self]) -> Result<Self, Error> {
        let mut all = Self { sets: LabelSets::default(), set_of_row: Vec::new() };
        for part in parts {
            let labels = |set: u32| part.set(set).iter().filter_map(|&code| part.labels().id(code));
            let mut sets = vec![None; part.set_count()];
            for &set in &part.set_of_row {
                let number = match sets[set as usize] {
                    Some(number) => number,
                    None => all.sets.intern(labels(set))?,
                };
                sets[set as usize] = Some(number);
                all.set_of_row.push(number);
            }
        }
        Ok(all)
    }

    pub(super) fn retain(&mut self, keep: &[bool]) -> Result<(), Error> {
        let mut sets = LabelSets::default();
        let mut kept = Vec::with_capacity(self.set_of_row.len());
        for (&set, _) in self.set_of_row.iter().zip(keep).filter(|(_, keep)| **keep) {
            let labels = self.set(set).iter();
            let labels = labels.map(|&code| self.labels().id(code).expect("codes have ids"));
            kept.push(sets.intern(labels)?);
        }
        *self = Self { sets, set_of_row: kept };
        Ok(())
    }
}

/// Distinct sets of labels, numbered.
#[derive(Clone, Debug)]
struct LabelSets {
    labels: Dictionary,
    members: Vec<u32>,
    ends: Vec<usize>,
    number: HashMap<Box<[u32]>, u32, RandomState>,
}

impl Default for LabelSets {
    fn default() -> Self {
        Self {
            labels: Dictionary::default(),
            members: Vec::new(),
            ends: vec![0],
            number: HashMap::from_iter([(Box::default(), UNTAGGED)]),
        }
    }
}

impl PartialEq for LabelSets {
    fn eq(&self, other: &Self) -> bool {
        self.labels == other.labels && self.members == other.members && self.ends == other.ends
    }
}

impl LabelSets {
    fn get(&self, set: u32) -> &[u32] {
        let set = set as usize;
        let Some(&end) = self.ends.get(set) else {
            return &[];
        };
        let start = set.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.members[start..end]
    }

    /// The number of a set. An empty label is no topic, wherever it comes from.
    fn intern<'a>(&mut self, labels: impl Iterator<Item = &'a str>) -> Result<u32, Error> {
        let labels = labels.filter(|label| !label.is_empty());
        let mut codes =
            labels.map(|label| self.labels.intern(label)).collect::<Result<Vec<_>, _>>()?;
        codes.sort_unstable();
        codes.dedup();
        if let Some(&set) = self.number.get(&*codes) {
            return Ok(set);
        }
        let set = u32::try_from(self.ends.len()).map_err(|_| Error::TooManyIds)?;
        self.members.extend(&codes);
        self.ends.push(self.members.len());
        self.number.insert(codes.into(), set);
        Ok(set)
    }
}

/// Why the topics of a row cannot be read: the rule broken and the value that breaks it.
pub(super) type TopicFault = (FaultReason, String);

/// Turns what a topics column holds into label sets, remembering texts it has seen.
#[derive(Debug)]
pub(super) struct TopicReader<'s> {
    column: &'s TopicColumn,
    patterns: Patterns<'s>,
    nulls: Nulls<'s>,
    sets: LabelSets,
    set_of_row: Vec<u32>,
    seen: HashMap<Box<str>, u32, RandomState>,
    /// Bytes of the texts seen.
    seen_bytes: usize,
    /// The sets of the texts of the dictionary that was met last.
    shared: Memo<TextColumn>,
    /// The sets of short texts that came lately.
    recent: Recent,
    /// Whether a cell without a topic is a label too.
    by_hand: bool,
}

/// Label sets as far as others are to know of them: the labels, and the sets by the codes of their labels.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownSets {
    labels: Dictionary,
    members: Vec<u32>,
    ends: Vec<usize>,
}

impl KnownSets {
    /// How many labels and sets there are.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.labels.len(), self.ends.len())
    }

    /// Adds those that are new.
    pub(super) fn append(&mut self, new: &Self) {
        self.labels.append(&new.labels);
        let start = self.members.len();
        self.members.extend(&new.members);
        self.ends.extend(new.ends.iter().map(|end| start + end));
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.labels.bytes() + 4 * self.members.capacity() + 8 * self.ends.capacity()
    }

    fn labels_of(&self, set: usize) -> impl Iterator<Item = &str> {
        let start = set.checked_sub(1).map_or(0, |before| self.ends[before]);
        let members = &self.members[start..self.ends[set]];
        members.iter().filter_map(|&code| self.labels.id(code))
    }
}

impl<'s> TopicReader<'s> {
    pub(super) fn new(column: &'s TopicColumn, nulls: Nulls<'s>) -> Result<Self, Error> {
        Ok(Self {
            column,
            patterns: Patterns::of(column)?,
            nulls,
            sets: LabelSets::default(),
            set_of_row: Vec::new(),
            seen: HashMap::default(),
            seen_bytes: 0,
            shared: Memo::default(),
            recent: Recent::default(),
            by_hand: false,
        })
    }

    /// For labels by hand: an empty cell is a row that nobody labelled, and one without topics a row that was found to
    /// have none.
    pub(super) fn by_hand(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// Of the last rows, whether each has a label.
    pub(super) fn last_are_labelled(&self, rows: usize) -> impl Iterator<Item = bool> {
        let last = &self.set_of_row[self.set_of_row.len() - rows..];
        last.iter().map(|set| *set != UNTAGGED)
    }

    /// Adds the rows of a column of cells.
    pub(super) fn push_cells(
        &mut self,
        cells: &Cells,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        self.set_of_row.reserve(cells.len());
        for (row, (kind, text)) in cells.iter().enumerate() {
            let short = match kind {
                CellKind::Text | CellKind::Integer => Recent::short(text.as_bytes()),
                _ => None,
            };
            if let Some(set) = short.and_then(|short| self.recent.get(short)) {
                self.set_of_row.push(set);
                continue;
            }
            let found = match kind {
                CellKind::Text | CellKind::Integer => self.push_text(Some(text))?,
                _ => push_cell(self, &cells.get(row))?,
            };
            match (found, short, self.set_of_row.last()) {
                (Some((reason, value)), ..) => fault(row, reason, &value),
                (None, Some(short), Some(&set)) => self.recent.insert(short, set),
                _ => {}
            }
        }
        Ok(())
    }

    /// The rows so far, as numbers of sets; the sets are kept for further rows.
    pub(super) fn take_sets(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.set_of_row)
    }

    /// The labels and sets from these on.
    pub(super) fn sets_after(&self, (labels, sets): (usize, usize)) -> KnownSets {
        let start = sets.checked_sub(1).map_or(0, |before| self.sets.ends[before]);
        KnownSets {
            labels: self.sets.labels.after(labels),
            members: self.sets.members[start..].to_vec(),
            ends: self.sets.ends[sets..].iter().map(|end| end - start).collect(),
        }
    }

    /// Adds rows that another reader read, by its numbers of sets: `known` are the sets of those, and `made`
    /// what was made of each, or [`UNKNOWN`].
    pub(super) fn push_known(
        &mut self,
        sets: &[u32],
        known: &KnownSets,
        made: &mut [u32],
    ) -> Result<(), Error> {
        if all_made(made, sets, &mut self.set_of_row) {
            return Ok(());
        }
        for &set in sets {
            let set = set as usize;
            if made[set] == UNKNOWN {
                made[set] = self.sets.intern(known.labels_of(set))?;
            }
            self.set_of_row.push(made[set]);
        }
        Ok(())
    }

    /// Adds a row from its text; `None`, and what means no value, is untagged. A faulty row is added as untagged.
    pub(super) fn push_text(&mut self, text: Option<&str>) -> Result<Option<TopicFault>, Error> {
        let Some(text) = text else {
            return self.push(UNTAGGED);
        };
        if let Some(&set) = self.seen.get(text) {
            return self.push(set);
        }
        if text.len() > MAX_VALUE {
            self.push(UNTAGGED)?;
            return Ok(Some((FaultReason::ValueTooLong, excerpt(text))));
        }
        if self.nulls.has(text) {
            self.see(text, UNTAGGED);
            return self.push(UNTAGGED);
        }
        if self.is_unread_list(text) {
            self.push(UNTAGGED)?;
            return Ok(Some((FaultReason::ListAsText, text.to_owned())));
        }
        match self.split(text) {
            Some(labels) => {
                let fault = self.push_list(&labels)?;
                if fault.is_none() {
                    let set = *self.set_of_row.last().expect("a row was just added");
                    self.see(text, set);
                }
                Ok(fault)
            }
            None => {
                self.push(UNTAGGED)?;
                Ok(Some((FaultReason::UnreadableTopics, text.to_owned())))
            }
        }
    }

    /// Remembers the set of a text.
    fn see(&mut self, text: &str, set: u32) {
        self.seen_bytes += text.len();
        self.seen.insert(text.into(), set);
    }

    /// Adds a row from its topics. A faulty row is added as untagged.
    pub(super) fn push_list(&mut self, labels: &[String]) -> Result<Option<TopicFault>, Error> {
        // All of them together, as in a list that is written as text.
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() > MAX_VALUE + 1 {
            self.push(UNTAGGED)?;
            let long = labels.iter().max_by_key(|label| label.len());
            let shown = long.map(|label| excerpt(label)).unwrap_or_default();
            return Ok(Some((FaultReason::ValueTooLong, shown)));
        }
        match self.rename(labels) {
            Ok(labels) => {
                let set = self.sets.intern(labels.iter().map(|label| &**label))?;
                if set == UNTAGGED && self.by_hand {
                    let none = self.sets.intern(std::iter::once(LABELLED_NONE))?;
                    return self.push(none);
                }
                self.push(set)
            }
            Err(unlisted) => {
                self.push(UNTAGGED)?;
                Ok(Some((FaultReason::UnlistedTopic, unlisted)))
            }
        }
    }

    /// Adds the rows of a column of shared texts, looking at each text once.
    pub(super) fn push_shared(
        &mut self,
        shared: &SharedText,
        mut fault: impl FnMut(usize, FaultReason, &str),
    ) -> Result<(), Error> {
        let mut memo = std::mem::take(&mut self.shared);
        let sets = memo.of(&shared.texts, none_made(shared.texts.len()));
        if !all_made(sets, &shared.keys, &mut self.set_of_row) {
            for (row, &key) in shared.keys.iter().enumerate() {
                match self.push_text(shared.texts.get(key as usize))? {
                    Some((reason, value)) => fault(row, reason, &value),
                    None => {
                        let set = self.set_of_row.last().copied();
                        let made = sets.get_mut(key as usize);
                        made.into_iter().zip(set).for_each(|(made, set)| *made = set);
                    }
                }
            }
        }
        self.shared = memo;
        Ok(())
    }

    /// How many topics, and how many sets of them, there are.
    pub(super) fn distinct(&self) -> (usize, usize) {
        (self.sets.labels.len(), self.sets.ends.len())
    }

    /// Bytes of memory held, but for a number for each row, and of names that are copied when they are
    /// compared and put in order.
    pub(super) fn bytes(&self) -> usize {
        // A text that was seen, and a set: its entry in a table, and what its allocation takes beside.
        const ENTRY: usize = 64;
        self.sets.labels.bytes()
            + 2 * self.sets.labels.text_bytes()
            + self.sets.ends.capacity() * (8 + ENTRY)
            + 8 * self.sets.members.capacity()
            + self.seen_bytes
            + self.seen.capacity() * ENTRY
            + self.shared.bytes(TextColumn::bytes)
            + self.recent.bytes()
    }

    /// Reads into a column of sets that has room for them.
    pub(super) fn begin_in(&mut self, empty: Vec<u32>) {
        self.set_of_row = empty;
    }

    pub(super) fn finish(self) -> Topics {
        Topics { sets: self.sets, set_of_row: self.set_of_row }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of its callers' answers")]
    fn push(&mut self, set: u32) -> Result<Option<TopicFault>, Error> {
        self.set_of_row.push(set);
        Ok(None)
    }

    fn split(&self, text: &str) -> Option<Vec<String>> {
        match self.column.format {
            TopicFormat::Single => Some(vec![text.to_owned()]),
            TopicFormat::Separated(separator) => Some(
                text.split(separator)
                    .map(str::trim)
                    .filter(|topic| !topic.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
            TopicFormat::PythonList => python_list(text),
            TopicFormat::JsonList => serde_json::from_str(text).ok(),
            TopicFormat::Text => Some(self.patterns.topics(text)),
            TopicFormat::Domain => Some(vec![domain(text)?]),
            // Lists are made of them before.
            TopicFormat::Flags => None,
        }
    }

    /// Whether a text is a list that the declared format would take for topics with brackets.
    fn is_unread_list(&self, text: &str) -> bool {
        let text = text.trim();
        let as_text = matches!(self.column.format, TopicFormat::Single | TopicFormat::Separated(_));
        as_text
            && text.starts_with('[')
            && text.ends_with(']')
            && !self.column.relabel.contains_key(text)
            && (serde_json::from_str::<Vec<serde_json::Value>>(text).is_ok()
                || python_list(text).is_some()
                // As numpy prints them: quoted, with spaces between.
                || matches!(text[1..].trim_start().chars().next(), Some('"' | '\'')))
    }

    /// The labels under their new names, or the one that has none and must have. White space around a
    /// label is not part of it, wherever it comes from.
    fn rename<'a>(&self, labels: &'a [String]) -> Result<Vec<Cow<'a, str>>, String>
    where
        's: 'a,
    {
        let column: &'s TopicColumn = self.column;
        let mut renamed = Vec::with_capacity(labels.len());
        for label in labels {
            let trimmed = label.trim();
            if self.nulls.has(trimmed) {
                continue;
            }
            let new = column.relabel.get(trimmed).or_else(|| column.relabel.get(label));
            // Names that are the same to the log are the same to what renames them.
            let joined = self.nulls.joined(trimmed);
            let alike = || {
                if !self.nulls.joins() {
                    return None;
                }
                let mut old =
                    column.relabel.iter().filter(|(old, _)| self.nulls.joined(old) == joined);
                old.next().map(|(_, new)| new)
            };
            match (new.or_else(alike), column.unlisted) {
                (Some(new), _) => renamed.push(Cow::Borrowed(&**new)),
                (None, Unlisted::Refuse) if !column.relabel.is_empty() => return Err(label.clone()),
                (None, Unlisted::Untag) if !column.relabel.is_empty() => {}
                (None, _) => renamed.push(joined),
            }
        }
        Ok(renamed)
    }
}

/// Adds a cell to a column of topics: text in the declared format, lists as they are.
pub(super) fn push_cell(
    reader: &mut TopicReader<'_>,
    value: &MixedValue,
) -> Result<Option<TopicFault>, Error> {
    match value {
        MixedValue::TextList(items) => reader.push_list(items),
        MixedValue::Float(_) | MixedValue::Other(_) => {
            reader.push_text(None)?;
            Ok(Some((FaultReason::UnreadableTopics, value.shown())))
        }
        value => reader.push_text(value.id().as_deref()),
    }
}

/// What to do when a topics table has several rows for one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ItemRepeats {
    /// Rows that say the same are one; a row that says otherwise is at fault.
    #[default]
    Refuse,
    /// The item has the topics of all its rows (tables with one row per item and topic).
    Union,
}

/// Which columns of a topics table are which.
///
/// ```
/// use tiltmeter::log::{ItemTopicsSchema, TopicColumn, TopicFormat};
/// let topics = TopicColumn::new("labels", TopicFormat::PythonList);
/// let schema = ItemTopicsSchema::new("video_id", topics);
/// # let _ = schema;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ItemTopicsSchema {
    /// The column of the items' ids.
    pub(super) item: String,
    /// The column of their topics.
    pub(super) topics: TopicColumn,
    /// What to do with several rows for one item.
    #[serde(default)]
    pub(super) repeats: ItemRepeats,
    /// Texts that mean "no value", beside the empty text: an item without topics, or a row without an item, which
    /// is at fault.
    #[serde(default)]
    pub(super) nulls: Vec<String>,
    /// Takes names that differ only so for the same: of items and of topics. Say what the log's schema says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) join_names: Vec<JoinNames>,
    /// What to do with rows that break a rule.
    #[serde(default)]
    pub(super) rows: RowPolicy,
}

impl ItemTopicsSchema {
    /// A table with the items in one column and their topics in another.
    pub fn new(item: impl Into<String>, topics: TopicColumn) -> Self {
        Self {
            item: item.into(),
            topics,
            repeats: ItemRepeats::Refuse,
            nulls: Vec::new(),
            join_names: Vec::new(),
            rows: RowPolicy::Strict,
        }
    }

    /// A text that means "no value", beside the empty text: an item without topics, or a row
    /// without an item, which is at fault.
    #[must_use]
    pub fn null(mut self, text: impl Into<String>) -> Self {
        self.nulls.push(text.into());
        self
    }

    /// Takes names that differ only so for the same: of items and of topics. Say what the log's schema says.
    #[must_use]
    pub fn join_names(mut self, differ: JoinNames) -> Self {
        if !self.join_names.contains(&differ) {
            self.join_names.push(differ);
        }
        self
    }

    /// What to do with several rows for one item.
    #[must_use]
    pub fn repeats(mut self, repeats: ItemRepeats) -> Self {
        self.repeats = repeats;
        self
    }

    /// What to do with rows that break a rule.
    #[must_use]
    pub fn rows(mut self, policy: RowPolicy) -> Self {
        self.rows = policy;
        self
    }
}

/// The topics of items, from a table of their own.
///
/// ```
/// use tiltmeter::log::{ItemTopics, ItemTopicsSchema, LogSchema, TopicColumn};
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// let table = SliceSource::new("topics").text("id", &["a", "b"]).text("about", &["war", "sport"]);
/// let schema = ItemTopicsSchema::new("id", TopicColumn::single("about"));
/// let topics = ItemTopics::read(table, &schema)?;
///
/// let log = SliceSource::new("log").text("item", &["b", "a", "b", "c"]);
/// let log = ExposureLog::read(log, &LogSchema::new().item("item"))?.with_item_topics(&topics)?;
/// assert_eq!(log.topics().unwrap().untagged(), 1); // the table does not have item c
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ItemTopics {
    pub(super) source: String,
    pub(super) labels_of: HashMap<Box<str>, Vec<String>, RandomState>,
    pub(super) set_aside: SetAside,
}

impl ItemTopics {
    /// How many items the table has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels_of.len()
    }

    /// Items and their topics, in no order.
    pub(crate) fn items(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.labels_of.iter().map(|(item, labels)| (&**item, &labels[..]))
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels_of.is_empty()
    }

    /// The topics of an item; `None` if the table does not have it.
    #[must_use]
    pub fn topics(&self, item: &str) -> Option<&[String]> {
        self.labels_of.get(item).map(Vec::as_slice)
    }

    /// Rows of the table that were set aside.
    #[must_use]
    pub fn set_aside(&self) -> &SetAside {
        &self.set_aside
    }

    /// The topics of rows given by their items' codes, and how many distinct items have no entry.
    pub(super) fn join(&self, codes: &[u32], items: &Dictionary) -> Result<(Topics, u64), Error> {
        let mut sets = LabelSets::default();
        let mut set_of_item = vec![None; items.len()];
        let mut missing = 0;
        let mut set_of_row = Vec::with_capacity(codes.len());
        for &code in codes {
            let known = set_of_item[code as usize];
            let set = if let Some(set) = known {
                set
            } else {
                let labels = self.topics(items.id(code).expect("every code has an id"));
                missing += u64::from(labels.is_none());
                let labels = labels.unwrap_or_default();
                sets.intern(labels.iter().map(String::as_str))?
            };
            set_of_item[code as usize] = Some(set);
            set_of_row.push(set);
        }
        Ok((Topics { sets, set_of_row }, missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(column: &TopicColumn, texts: &[Option<&str>]) -> (Topics, Vec<Option<TopicFault>>) {
        let mut reader = TopicReader::new(column, Nulls::of(&[], &[])).unwrap();
        let faults = texts.iter().map(|t| reader.push_text(*t).unwrap());
        let faults = faults.collect();
        (reader.finish(), faults)
    }

    #[test]
    fn the_same_topics_in_any_order_are_one_set() {
        let column = TopicColumn::separated("t", '|');
        let (topics, _) =
            read(&column, &[Some("war|party"), None, Some("party | war|war"), Some("|")]);
        assert_eq!(topics.set_of_row(), [1, 0, 1, 0]);
        assert_eq!(topics.labels().iter().collect::<Vec<_>>(), ["war", "party"]);
        assert_eq!(topics.untagged(), 2);
        assert!(topics.is_multi_label());
    }

    #[test]
    fn relabelling_refuses_keeps_or_untags_what_it_does_not_list() {
        let column = TopicColumn::single("t").relabel([("a", "x")]);
        let texts = [Some("a"), Some("b")];
        let (_, faults) = read(&column, &texts);
        assert_eq!(faults[1], Some((FaultReason::UnlistedTopic, "b".into())));
        let (topics, faults) = read(&column.clone().unlisted(Unlisted::Untag), &texts);
        assert_eq!((topics.untagged(), &faults[1]), (1, &None));
        let (topics, _) = read(&column.unlisted(Unlisted::Keep), &texts);
        assert_eq!(topics.labels().iter().collect::<Vec<_>>(), ["x", "b"]);
    }
}
