//! Which column of a source plays which role, and how its text is to be read. A schema is plain
//! data: it opens no file and holds no row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::{FileFormat, NumberForm, TextForm};
use super::keyed::KeyedTable;
use super::names::JoinNames;
use super::range::Bound;
use super::time_format::TimeFormat;
use crate::error::Error;
use crate::error::role::Role;
use crate::error::row::RowPolicy;
use crate::question::keep::Keep;

/// How the topics of one impression are written in a text column. A column of lists (Parquet,
/// frames, NDJSON arrays) is taken as lists whatever is said here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TopicFormat {
    /// The whole text is one topic.
    #[default]
    Single,
    /// Topics with this character between them. Spaces around a topic are not part of it.
    Separated(char),
    /// A list as Python prints it: `['war', "the people's party"]`.
    PythonList,
    /// A JSON array of strings.
    JsonList,
    /// A column for each topic, which says yes or no: the name is then a pattern such as `is_*`, and the topic what the
    /// `*` stands for.
    Flags,
    /// A text, whose topics are those of `matches`.
    Text,
    /// The address of a page, whose domain without `www.` is the topic.
    Domain,
}

/// What becomes of a topic that a relabelling does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unlisted {
    /// The row is at fault.
    #[default]
    Refuse,
    /// The topic keeps its name.
    Keep,
    /// The topic is dropped; the impression still counts in totals.
    Untag,
}

/// The column that holds the topics, how it is written, and new names for them if wanted.
///
/// ```
/// use tiltmeter::log::{TopicColumn, Unlisted};
///
/// let party = TopicColumn::single("stance")
///     .relabel([("Pro Democrat", "Democrat"), ("Anti Republican", "Democrat")])
///     .unlisted(Unlisted::Keep);
/// assert_eq!(party.column_name(), "stance");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TopicColumn {
    /// Its name.
    pub(crate) column: String,
    /// How topics are written in it.
    #[serde(default)]
    pub(crate) format: TopicFormat,
    /// New names for topics, by their old ones; several old ones may share a new one. A topic whose new name is
    /// empty is dropped; the impression still counts in totals.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) relabel: BTreeMap<String, String>,
    /// What becomes of topics that have no new name, where others have one.
    #[serde(default)]
    pub(crate) unlisted: Unlisted,
    /// Of a text: topics by the regular expressions that it must match, whatever its case and accents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) matches: BTreeMap<String, String>,
}

impl TopicColumn {
    /// A column written in the given format.
    pub fn new(column: impl Into<String>, format: TopicFormat) -> Self {
        Self {
            column: column.into(),
            format,
            relabel: BTreeMap::new(),
            unlisted: Unlisted::Refuse,
            matches: BTreeMap::new(),
        }
    }

    /// A column with one topic, or none, per impression.
    pub fn single(column: impl Into<String>) -> Self {
        Self::new(column, TopicFormat::Single)
    }

    /// A column with any number of topics, `separator` between them.
    pub fn separated(column: impl Into<String>, separator: char) -> Self {
        Self::new(column, TopicFormat::Separated(separator))
    }

    /// A list of topics as JSON has it: `["war", "politics"]`.
    pub fn json(column: impl Into<String>) -> Self {
        Self::new(column, TopicFormat::JsonList)
    }

    /// A list of topics as Python prints it: `['war', 'politics']`.
    pub fn python(column: impl Into<String>) -> Self {
        Self::new(column, TopicFormat::PythonList)
    }

    /// A column for each topic, which says whether an impression has it: 1, true, yes; 0, false, no or nothing. The
    /// columns are those that a pattern with one `*` names, and the topic is what the `*` stands for; or names with
    /// commas between.
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::{ExposureLog, source::SliceSource};
    /// let rows = SliceSource::new("rows").integer("is_war", &[1, 0]).integer("is_sport", &[1, 1]);
    /// let log = ExposureLog::read(rows, &LogSchema::new().topics(TopicColumn::flags("is_*")))?;
    /// let topics = log.topics().expect("they are declared");
    /// assert_eq!(topics.labels().iter().collect::<Vec<_>>(), ["war", "sport"]);
    /// assert_eq!((topics.of_row(0).len(), topics.of_row(1).len()), (2, 1));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    pub fn flags(columns: impl Into<String>) -> Self {
        Self::new(columns, TopicFormat::Flags)
    }

    /// A text, whose topics are those of the regular expressions that it matches, whatever its case and accents; in
    /// the syntax of the crate `regex`. A topic with several patterns is that of texts that match any of them.
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::{ExposureLog, source::SliceSource};
    /// let rows = SliceSource::new("rows").text("title", &["Krieg!", "Warm words", "A WAR on cars"]);
    /// let topics = TopicColumn::matching("title", [("war", r"\b(war|krieg)\b"), ("cars", "cars?")]);
    /// let log = ExposureLog::read(rows, &LogSchema::new().topics(topics))?;
    /// let counts: Vec<_> = (0..3).map(|row| log.topics().unwrap().of_row(row).len()).collect();
    /// assert_eq!(counts, [1, 0, 2]);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    pub fn matching<T: Into<String>, P: Into<String>>(
        column: impl Into<String>,
        patterns: impl IntoIterator<Item = (T, P)>,
    ) -> Self {
        let mut topics = Self::new(column, TopicFormat::Text);
        for (topic, pattern) in patterns {
            let pattern = pattern.into();
            let either = |before: &mut String| *before = format!("(?:{before})|(?:{pattern})");
            topics.matches.entry(topic.into()).and_modify(either).or_insert(pattern);
        }
        topics
    }

    /// The address of a page, whose domain without `www.` is the topic.
    pub fn domain(column: impl Into<String>) -> Self {
        Self::new(column, TopicFormat::Domain)
    }

    /// Gives topics new names; several old ones may share a new one. A topic whose new name is
    /// empty is dropped; the impression still counts in totals.
    #[must_use]
    pub fn relabel<O: Into<String>, N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = (O, N)>,
    ) -> Self {
        self.relabel.extend(names.into_iter().map(|(old, new)| (old.into(), new.into())));
        self
    }

    /// Says what becomes of topics that [`TopicColumn::relabel`] does not list. Without a
    /// relabelling it changes nothing.
    #[must_use]
    pub fn unlisted(mut self, unlisted: Unlisted) -> Self {
        self.unlisted = unlisted;
        self
    }

    /// The name of the column.
    #[must_use]
    pub fn column_name(&self) -> &str {
        &self.column
    }
}

fn is_plain(form: &NumberForm) -> bool {
    *form == NumberForm::Plain
}

/// A column made of others: their values with `|` between them (`\|` and `\\` stand for a bar
/// and a backslash inside a value, so that two different rows never become one).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CombinedColumn {
    /// The new column's name.
    pub name: String,
    /// The columns it is made of, in this order.
    pub of: Vec<String>,
}

/// What a column of each role holds, said once: for setters and, as the fields' own, for the schema of study files.
macro_rules! about {
    (viewer) => {
        "Who was shown the item: text, whole numbers or booleans."
    };
    (item) => {
        "What was shown: text, whole numbers or booleans."
    };
    (arm) => {
        "The ranking condition: text, whole numbers or booleans."
    };
    (position) => {
        "The 1-based rank: whole numbers from 1 to 4,294,967,295."
    };
    (weight) => {
        "How much an impression matters (dwell time, say): from 0 to 8,388,608 ([`MAX_WEIGHT`](crate::log::MAX_WEIGHT))."
    };
    (count) => {
        "How many impressions alike the row stands for: whole numbers from 0 to 4,294,967,295. The \
                log is then as if the row were there so often: counts of impressions, naive errors and \
                design effects are of what it stands for. A row of 0 stands for nothing and is dropped."
    };
    (stratum) => {
        "A group to adjust for: text, whole numbers or booleans."
    };
    (slate) => {
        "The ranked list: an id that is unique over the whole log."
    };
    (session) => {
        "The session: an id that is unique over the whole log."
    };
    (engagement) => {
        "Engagement: any finite number, or booleans (1 for true)."
    };
    (propensity) => {
        "The logging policy's probability of this impression: above 0, at most 1."
    };
    (satisfaction) => {
        "The probability that the viewer stops here: from 0 to 1."
    };
    (inclusion) => {
        "The probability with which a row was chosen to be labelled by hand, known from how it was drawn: above 0, at \
                most 1, and empty, if one likes, where none was labelled."
    };
    (human) => {
        "What the item is about by hand, beside the topics, which a classifier or a language model gave: empty where \
                nobody looked. A row that somebody looked at and found to be about none of the topics needs a word of \
                its own (`none`, `other`), or in lists an empty one."
    };
}

/// Which column of a source is which, and how to read it.
///
/// Only what is declared is read. A column may play several roles (the viewer is often also the
/// device that was assigned an arm). Every declared column must have a value in every row, but
/// for topics: an impression without topics is untagged and counts in totals.
///
/// ```
/// use tiltmeter::log::{LogSchema, RowPolicy, TimeFormat, TopicColumn};
///
/// let schema = LogSchema::new()
///     .viewer("device")
///     .arm("leaning")
///     .item("video_id")
///     .position("watch_index")
///     .time("watched", TimeFormat::Pattern("%d-%m-%Y".into()))
///     .topics(TopicColumn::separated("topics", '|'))
///     .column("week")
///     .combined("experiment", ["state", "leaning", "device", "week"])
///     .rows(RowPolicy::SetAside);
/// # let json = serde_json::to_string(&schema).unwrap();
/// # assert_eq!(serde_json::from_str::<LogSchema>(&json).unwrap(), schema);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LogSchema {
    #[doc = about!(viewer)]
    pub(crate) viewer: Option<String>,
    #[doc = about!(item)]
    pub(crate) item: Option<String>,
    #[doc = about!(arm)]
    pub(crate) arm: Option<String>,
    #[doc = about!(position)]
    pub(crate) position: Option<String>,
    /// When the item was shown: the column, and how that is written.
    pub(crate) time: Option<(String, TimeFormat)>,
    #[doc = about!(weight)]
    pub(crate) weight: Option<String>,
    #[doc = about!(count)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<String>,
    #[doc = about!(stratum)]
    pub(crate) stratum: Option<String>,
    /// What the item is about.
    pub(crate) topics: Option<TopicColumn>,
    #[doc = about!(slate)]
    pub(crate) slate: Option<String>,
    #[doc = about!(session)]
    pub(crate) session: Option<String>,
    #[doc = about!(engagement)]
    pub(crate) engagement: Option<String>,
    #[doc = about!(propensity)]
    pub(crate) propensity: Option<String>,
    #[doc = about!(satisfaction)]
    pub(crate) satisfaction: Option<String>,
    #[doc = about!(human)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) human: Option<TopicColumn>,
    #[doc = about!(inclusion)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inclusion: Option<String>,
    /// Further columns to cluster, stratify or group by, or to keep rows by.
    pub(crate) columns: Vec<String>,
    /// Further columns made of others.
    pub(crate) combined: Vec<CombinedColumn>,
    /// Texts that mean "no value", beside the empty text: `NA`, `null`.
    pub(crate) nulls: Vec<String>,
    /// Takes names that differ only so for the same: of arms, strata and topics, and ids of every kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) join_names: Vec<JoinNames>,
    /// The character between the fields of a line, for delimited text, by its number in ASCII: 59 for `;`, 124
    /// for `|`. A comma if it is not said, or a tab for `.tsv`.
    pub(crate) delimiter: Option<u8>,
    /// What to do with rows that break a rule.
    pub(crate) rows: RowPolicy,
    /// The encoding of text, by a name that browsers know, such as `windows-1252`. If it is not said, UTF-8, unless the
    /// first bytes of a file show another, which the report tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
    /// What the columns are called of delimited text without a line of names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) header: Vec<String>,
    /// How many lines stand before the line of names. If it is not said, those with fewer fields than the rows that
    /// follow, which the report tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preamble: Option<u32>,
    /// The format of the files, whatever their names end in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<FileFormat>,
    /// How numbers are written in text.
    #[serde(skip_serializing_if = "is_plain")]
    #[cfg_attr(feature = "json-schema", schemars(extend("default" = "plain")))]
    pub(crate) numbers: NumberForm,
    /// What the first place of a list has as its rank: 0 for ranks that count from 0. 1 if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_rank: Option<u32>,
    /// Columns that the paths of files say: a pattern in which `{NAME}` stands for a column, and `*` for anything within
    /// a name. Folders called `NAME=VALUE` need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_columns: Option<String>,
    /// Where the rows of a JSON document are that is no list of them: the way to the list, with dots between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) records: Option<String>,
    /// A list that each object of JSON has, of which every element is a row: the way to it, with dots between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) each: Option<String>,
    /// Rows to read, as in `keep` of the log, which is the place to say it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keep: Vec<Keep>,
    /// Said as files where a schema is data.
    #[serde(skip)]
    pub(crate) tables: Vec<KeyedTable>,
}

macro_rules! declare {
    ($($role:ident),* $(,)?) => {$(
        #[doc = about!($role)]
        #[must_use]
        pub fn $role(mut self, column: impl Into<String>) -> Self {
            self.$role = Some(column.into());
            self
        }
    )*};
}

impl LogSchema {
    /// A schema that declares nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    declare! {
        viewer, item, arm, position, weight, count, stratum, slate, session, engagement, propensity, satisfaction,
        inclusion,
    }

    /// When the item was shown, and how that is written.
    #[must_use]
    pub fn time(mut self, column: impl Into<String>, format: TimeFormat) -> Self {
        self.time = Some((column.into(), format));
        self
    }

    /// The same for times in ISO 8601, such as `2024-11-05T23:59:59+01:00` or `2024-11-05`; without an offset they
    /// are UTC.
    #[must_use]
    pub fn iso_time(self, column: impl Into<String>) -> Self {
        self.time(column, TimeFormat::Iso)
    }

    /// What the item is about. For topics in a second table see
    /// [`ExposureLog::with_item_topics`](crate::ExposureLog::with_item_topics).
    #[must_use]
    pub fn topics(mut self, topics: TopicColumn) -> Self {
        self.topics = Some(topics);
        self
    }

    #[doc = about!(human)]
    ///
    /// With [`inclusion`](Self::inclusion) probabilities such labels correct what was labelled otherwise
    /// ([`Question::correct`](crate::Question::correct)).
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::{ExposureLog, source::SliceSource};
    /// let source = SliceSource::new("three rows")
    ///     .text("model_topic", &["war", "sport", "war"])
    ///     .text("human_topic", &["war", "", "none"])
    ///     .text("chance", &["0.1", "", "0.1"]);
    /// let schema = LogSchema::new()
    ///     .topics(TopicColumn::single("model_topic"))
    ///     .human(TopicColumn::single("human_topic"))
    ///     .inclusion("chance");
    /// assert_eq!(ExposureLog::read(source, &schema)?.labelled(), 2);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn human(mut self, topics: TopicColumn) -> Self {
        self.human = Some(topics);
        self
    }

    /// A further column to cluster or stratify by.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.columns.push(column.into());
        self
    }

    /// A further column made of others; see [`CombinedColumn`].
    #[must_use]
    pub fn combined<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        of: impl IntoIterator<Item = S>,
    ) -> Self {
        self.combined.push(CombinedColumn {
            name: name.into(),
            of: of.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// A text that means "no value", beside the empty text: `NA`, `null`.
    #[must_use]
    pub fn null(mut self, text: impl Into<String>) -> Self {
        self.nulls.push(text.into());
        self
    }

    /// Takes names that differ only so for the same: of arms, strata and topics, and ids of every kind.
    /// May be said for several differences. Relabellings come first, and their new names stay as they
    /// are. Names that may be the same and are not joined are told in reports ([`NameRemark`]).
    ///
    /// [`NameRemark`]: crate::log::NameRemark
    #[must_use]
    pub fn join_names(mut self, differ: JoinNames) -> Self {
        if !self.join_names.contains(&differ) {
            self.join_names.push(differ);
            self.join_names.sort_unstable();
        }
        self
    }

    /// The character between the fields of a line, for delimited text that
    /// [`ExposureLog::open`](crate::ExposureLog::open) opens: `b';'`, `b'|'`. A comma by default,
    /// or a tab for `.tsv`.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// What to do with rows that break a rule; [`RowPolicy::Strict`] by default.
    #[must_use]
    pub fn rows(mut self, policy: RowPolicy) -> Self {
        self.rows = policy;
        self
    }

    /// The encoding of text files, by a name that browsers know: `windows-1252`, `utf-16le`. UTF-8 by default, unless a
    /// file's first bytes show another, which the report tells.
    #[must_use]
    pub fn encoding(mut self, name: impl Into<String>) -> Self {
        self.encoding = Some(name.into());
        self
    }

    /// What the columns are called of delimited files without a line of names.
    #[must_use]
    pub fn header<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.header = names.into_iter().map(Into::into).collect();
        self
    }

    /// How many lines stand before the line of names in delimited files. By default lines with fewer fields than the
    /// rows that follow are passed over, which the report tells.
    #[must_use]
    pub fn preamble(mut self, lines: u32) -> Self {
        self.preamble = Some(lines);
        self
    }

    /// The format of files whatever their names end in.
    #[must_use]
    pub fn format(mut self, format: FileFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// How numbers are written in text.
    #[must_use]
    pub fn numbers(mut self, form: NumberForm) -> Self {
        self.numbers = form;
        self
    }

    /// What the first place of a list has as its rank: 0 for ranks that count from 0. 1 by default.
    #[must_use]
    pub fn first_rank(mut self, rank: u32) -> Self {
        self.first_rank = (rank != 1).then_some(rank);
        self
    }

    /// Columns that the paths of files say: `data/{country}/*-{arm}.csv` has the columns `country` and `arm`, of which
    /// those that are declared are read; `*` stands for anything within a name, and folders before it do not matter.
    /// Folders that are called `NAME=VALUE` need no pattern.
    #[must_use]
    pub fn path_columns(mut self, pattern: impl Into<String>) -> Self {
        self.path_columns = Some(pattern.into());
        self
    }

    /// Reads only rows that a column chooses, which need not be declared otherwise; said again, rows that all of these
    /// choose. Others are left out and counted ([`Origin::left_out`](crate::log::Origin::left_out)) before what they
    /// hold is checked, so that a log may have rows of another kind.
    ///
    /// ```
    /// use tiltmeter::log::LogSchema;
    /// use tiltmeter::{ExposureLog, Keep, source::SliceSource};
    /// let rows = SliceSource::new("rows").text("feed", &["ranked", ""]).text("kind", &["view", "ad"]);
    /// let schema = LogSchema::new().arm("feed").keep(Keep::new("kind", ["view"]));
    /// let log = ExposureLog::read(rows, &schema)?;
    /// assert_eq!((log.rows(), log.origin().left_out), (1, 1));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep.push(keep);
        self
    }

    /// A table whose columns are columns of the log too, by the ids of one that both have; see [`KeyedTable`].
    #[must_use]
    pub fn table(mut self, table: KeyedTable) -> Self {
        self.tables.push(table);
        self
    }

    /// The schema without topics, which are then in a table of their own
    /// ([`ExposureLog::with_item_topics`](crate::ExposureLog::with_item_topics)).
    #[must_use]
    pub fn without_topics(mut self) -> Self {
        self.topics = None;
        self
    }

    /// With these columns of another schema, as far as a file with columns of these names has them:
    /// those that other ones make, and those of its own.
    pub(crate) fn with_columns_of<'c>(
        &self,
        other: &Self,
        wanted: impl Iterator<Item = &'c str>,
        available: &[String],
    ) -> Self {
        let mut schema = self.clone();
        for name in wanted {
            let has = |column: &String| available.contains(column);
            let known = schema.columns.iter().any(|its| its == name)
                || schema.combined.iter().any(|its| its.name == name);
            match other.combined.iter().find(|its| its.name == name) {
                _ if known => {}
                Some(combined) if combined.of.iter().all(has) => {
                    schema.combined.push(combined.clone());
                }
                Some(_) => {}
                None if has(&name.to_owned()) => schema.columns.push(name.to_owned()),
                None => {}
            }
        }
        schema
    }

    /// Declares the column of a role that needs nothing but its name.
    #[cfg(feature = "parquet")]
    pub(crate) fn declare(mut self, role: Role, column: &str) -> Self {
        let slot = match role {
            Role::Viewer => &mut self.viewer,
            Role::Item => &mut self.item,
            Role::Arm => &mut self.arm,
            Role::Position => &mut self.position,
            Role::Weight => &mut self.weight,
            Role::Count => &mut self.count,
            Role::Stratum => &mut self.stratum,
            Role::Slate => &mut self.slate,
            Role::Session => &mut self.session,
            Role::Engagement => &mut self.engagement,
            Role::Propensity => &mut self.propensity,
            Role::Satisfaction => &mut self.satisfaction,
            Role::Inclusion => &mut self.inclusion,
            Role::Time | Role::Topics | Role::Human | Role::Named => return self,
        };
        *slot = Some(column.to_owned());
        self
    }

    /// Whether the further columns have each a name and contents of their own.
    pub(crate) fn check_combined(&self, file: &str) -> Result<(), Error> {
        for (at, combined) in self.combined.iter().enumerate() {
            if combined.of.is_empty() {
                return Err(Error::Parameter {
                    parameter: "the list of columns of LogSchema::combined",
                    value: "empty".to_owned(),
                    expected: "one column or more",
                });
            }
            let name = &combined.name;
            let before = self.combined[..at].iter().map(|before| &before.name);
            if before.chain(&self.columns).any(|other| other == name) {
                return Err(Error::RepeatedColumn { file: file.to_owned(), column: name.clone() });
            }
        }
        Ok(())
    }

    /// Labels by hand and with which chance rows were chosen to have them go together.
    pub(crate) fn check_labels(&self) -> Result<(), Error> {
        match (&self.human, &self.inclusion) {
            (Some(human), _)
                if matches!(
                    human.format,
                    TopicFormat::Flags | TopicFormat::Text | TopicFormat::Domain
                ) =>
            {
                Err(Error::Parameter {
                    parameter: "the format of labels by hand",
                    value: format!("{:?}", human.format),
                    expected: "one column of topics: single, separated, a Python list or a JSON list",
                })
            }
            (Some(_), None) => Err(Error::Unstated {
                what: "inclusion probability of rows labelled by hand",
                call: "LogSchema::inclusion",
            }),
            (None, Some(_)) => {
                Err(Error::Unstated { what: "labels by hand", call: "LogSchema::human" })
            }
            _ => Ok(()),
        }
    }

    /// A count beside weights counts each row so many times with its weight, so that one column as both
    /// would count the square of itself.
    pub(crate) fn check_numbers(&self) -> Result<(), Error> {
        match (&self.weight, &self.count) {
            (Some(weight), Some(count)) if weight == count => Err(Error::Parameter {
                parameter: "the column of the weights",
                value: format!("{weight:?}, which is that of the counts too"),
                expected: "another column, or none: a column says how many impressions alike a row \
                           stands for (LogSchema::count, --count), or how much one matters \
                           (LogSchema::weight, --weight), and as both its square would count",
            }),
            _ => Ok(()),
        }
    }

    /// The columns whose ranges tell which rows need not be read: time and arm. A column that is
    /// not declared has an empty name, which no column has.
    pub(crate) fn range_columns(&self) -> [&str; 2] {
        // What a file says of local times is not yet by the zone.
        let time = self.time.as_ref().filter(|(_, format)| !matches!(format, TimeFormat::Zone(_)));
        let time = time.map_or("", |(column, _)| column);
        [time, self.arm.as_deref().unwrap_or("")]
    }

    /// All columns that a path says, by the pattern or by names of folders.
    pub(crate) fn columns_of_path(
        &self,
        path: &std::path::Path,
    ) -> Result<Vec<(String, String)>, Error> {
        let path = path.display().to_string();
        let mut columns = match &self.path_columns {
            Some(pattern) => {
                super::path::PathPattern::of(pattern)?.values(&path)?.into_iter().collect()
            }
            None => Vec::new(),
        };
        columns.extend(super::path::of_folders(&path));
        columns.sort();
        columns.dedup_by(|a, b| a.0 == b.0);
        Ok(columns)
    }

    /// Whether topics are a column each.
    pub(crate) fn has_flags(&self) -> bool {
        self.topics.as_ref().is_some_and(|topics| topics.format == TopicFormat::Flags)
    }

    /// Those of a file's columns that are of topics each.
    pub(crate) fn flags_among(&self, available: &[String]) -> Vec<String> {
        let Some(topics) = self.topics.as_ref().filter(|_| self.has_flags()) else {
            return Vec::new();
        };
        let is_one = |name: &&String| {
            super::flags::flags_of(&topics.column).any(|part| part(name).is_some())
        };
        available.iter().filter(is_one).cloned().collect()
    }

    /// The tables whose columns are columns of the log too.
    #[must_use]
    pub fn tables(&self) -> &[KeyedTable] {
        &self.tables
    }

    /// As data that can be saved, without what the tables say.
    pub(crate) fn without_tables(mut self) -> Self {
        self.tables.clear();
        self
    }

    /// What is declared of how text is written.
    pub(crate) fn text_form(&self) -> TextForm<'_> {
        TextForm {
            delimiter: self.delimiter,
            encoding: self.encoding.as_deref(),
            header: &self.header,
            preamble: self.preamble,
            format: self.format,
        }
    }

    /// An end of the range of the column of times, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn time_of(&self, bound: &Bound) -> Option<i64> {
        let (_, format) = self.time.as_ref()?;
        match bound {
            Bound::Time(time) => Some(*time),
            Bound::Whole(number) => super::parse::whole_time(*number, format),
            // Texts need not be in the order of the times that they stand for.
            Bound::Text(_) => None,
        }
    }

    /// Bytes of memory that a row takes while it is read and tallied, but for distinct ids: its numbers, and
    /// the place of its sum while rows are grouped.
    pub(crate) fn bytes_per_row(&self) -> usize {
        let column = |role| match role {
            Role::Time
            | Role::Weight
            | Role::Count
            | Role::Engagement
            | Role::Propensity
            | Role::Satisfaction
            | Role::Inclusion => 16,
            _ => 4,
        };
        8 + self.needs().iter().map(|(role, _)| column(*role)).sum::<usize>()
    }

    /// The schema of just the columns for which `keep` is true, by role and column; combined ones
    /// go by [`Role::Named`] and their own name.
    pub(crate) fn restricted(&self, keep: impl Fn(Role, &str) -> bool) -> Self {
        let keep = &keep;
        let plain = |role, column: &Option<String>| column.clone().filter(|name| keep(role, name));
        Self {
            viewer: plain(Role::Viewer, &self.viewer),
            item: plain(Role::Item, &self.item),
            arm: plain(Role::Arm, &self.arm),
            position: plain(Role::Position, &self.position),
            time: self.time.clone().filter(|(name, _)| keep(Role::Time, name)),
            weight: plain(Role::Weight, &self.weight),
            count: plain(Role::Count, &self.count),
            stratum: plain(Role::Stratum, &self.stratum),
            topics: self.topics.clone().filter(|topics| keep(Role::Topics, &topics.column)),
            slate: plain(Role::Slate, &self.slate),
            session: plain(Role::Session, &self.session),
            engagement: plain(Role::Engagement, &self.engagement),
            propensity: plain(Role::Propensity, &self.propensity),
            satisfaction: plain(Role::Satisfaction, &self.satisfaction),
            human: self.human.clone().filter(|human| keep(Role::Human, &human.column)),
            inclusion: plain(Role::Inclusion, &self.inclusion),
            columns: self.columns.iter().filter(|c| keep(Role::Named, c)).cloned().collect(),
            combined: {
                let kept = self.combined.iter().filter(|c| keep(Role::Named, &c.name));
                kept.cloned().collect()
            },
            nulls: self.nulls.clone(),
            join_names: self.join_names.clone(),
            delimiter: self.delimiter,
            rows: self.rows,
            encoding: self.encoding.clone(),
            header: self.header.clone(),
            preamble: self.preamble,
            format: self.format,
            numbers: self.numbers,
            first_rank: self.first_rank,
            path_columns: self.path_columns.clone(),
            records: self.records.clone(),
            each: self.each.clone(),
            keep: self.keep.clone(),
            tables: self.tables.clone(),
        }
    }

    /// Every column of the source that the schema needs, with its role, in the order in which
    /// rows are checked. A column may occur more than once.
    pub(crate) fn needs(&self) -> Vec<(Role, &str)> {
        let plain = [
            (Role::Viewer, &self.viewer),
            (Role::Item, &self.item),
            (Role::Arm, &self.arm),
            (Role::Position, &self.position),
            (Role::Weight, &self.weight),
            (Role::Count, &self.count),
            (Role::Stratum, &self.stratum),
            (Role::Slate, &self.slate),
            (Role::Session, &self.session),
            (Role::Engagement, &self.engagement),
            (Role::Propensity, &self.propensity),
            (Role::Satisfaction, &self.satisfaction),
            (Role::Inclusion, &self.inclusion),
        ];
        let plain = plain.into_iter().filter_map(|(role, column)| Some((role, column.as_deref()?)));
        let time = self.time.iter().map(|(column, _)| (Role::Time, &**column));
        let topics = self.topics.iter().map(|t| (Role::Topics, &*t.column));
        let named = self
            .columns
            .iter()
            .chain(self.combined.iter().flat_map(|combined| &combined.of))
            .map(|column| (Role::Named, &**column));
        let human = self.human.iter().map(|human| (Role::Human, &*human.column));
        plain.chain(time).chain(topics).chain(human).chain(named).collect()
    }
}
