//! What may go wrong, each with what to do about it. One enum for the crate; its messages name
//! the file, column, row and value. Warnings about a result live with the [`crate::Estimate`].

pub(crate) mod evidence;
pub(crate) mod limit;
pub(crate) mod no_interval;
pub(crate) mod range;
pub(crate) mod role;
pub(crate) mod row;
pub(crate) mod table;

use std::path::PathBuf;

use self::evidence::EvidenceFault;
use self::limit::Limit;
use self::no_interval::NoInterval;
use self::role::Role;
use self::row::RowFault;
use self::table::TableFault;
use crate::base::cell::{Cell, Side};
use crate::base::cluster_key::ClusterKey;
use crate::base::digits::exact;
use crate::base::printable::{of_path, printable, quoted};

/// The endings of logs that can be read, in words.
pub(crate) const KNOWN_ENDINGS: &str = if cfg!(feature = "parquet") {
    if cfg!(feature = "xlsx") {
        ".csv, .tsv, .json, .ndjson, .jsonl (each with .gz or .zst too), .parquet and .xlsx"
    } else {
        ".csv, .tsv, .json, .ndjson, .jsonl (each with .gz or .zst too) and .parquet; .xlsx needs the feature `xlsx`"
    }
} else if cfg!(feature = "zstd") {
    ".csv, .tsv, .json, .ndjson, .jsonl (each with .gz or .zst too); .parquet needs the feature `parquet`"
} else {
    ".csv, .tsv, .json, .ndjson, .jsonl (each with .gz too); .parquet needs the feature `parquet`"
};

/// How to make a file readable that is not.
fn as_readable(path: &std::path::Path) -> &'static str {
    let name = path.to_string_lossy().to_ascii_lowercase();
    if name == "-" {
        return "standard input has no name: say what it is (LogSchema::format, --format csv)";
    }
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("xz") => "unpack it with `xz -dk`",
        Some("bz2") => "unpack it with `bunzip2 -k`",
        Some("zip" | "7z" | "rar" | "tar") => "take the files in it out first",
        Some("xls" | "ods") => "save its sheet as .xlsx or CSV",
        Some("mbox" | "html" | "htm" | "pdf") => "make a table of it first",
        Some("arrow" | "feather" | "ipc" | "avro" | "orc") => "write it as Parquet",
        _ => {
            "say what it is (LogSchema::format, --format csv), or give it the ending of its format"
        }
    }
}

/// Any failure of the library. The message says what happened, where, and how to mend it.
///
/// ```
/// use tiltmeter::log::LogSchema;
/// use tiltmeter::{Error, ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("my rows").text("feed", &["a", "b"]);
/// let error = ExposureLog::read(source, &LogSchema::new().arm("arm")).unwrap_err();
/// assert!(matches!(error, Error::MissingColumn { .. }));
/// assert_eq!(
///     error.to_string(),
///     "my rows: no column \"arm\" (declared as the arm); it has \"feed\"; \
///      name the right column in the LogSchema"
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Tallies that are to show two ways of clustering are not of the same log.
    #[error(
        "two-way clusters: {detail}; tally the same log by one unit, by another and by \
         ClusterBy::paired of both, all else alike",
        detail = printable(detail)
    )]
    TwoWay {
        /// What differs.
        detail: String,
    },
    /// A file could not be opened, read or written.
    #[error(
        "{}: {cause}; check that the path exists and may be read and written",
        of_path(path),
        cause = printable(&cause.to_string())
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// A file's ending names no format that can be read with the features compiled in.
    #[error(
        "{}: cannot tell the format from the name; known are {known}; {}",
        of_path(path),
        as_readable(path)
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The endings that are known.
        known: &'static str,
    },
    /// A file ends too early or its bytes are not what its format says.
    #[error(
        "{file}: damaged or not in the {format} format{place}: {detail}; fetch or export it again",
        file = printable(file),
        place = printable(place),
        detail = printable(detail)
    )]
    Damaged {
        /// The file or source.
        file: String,
        /// The format it was read as.
        format: &'static str,
        /// Where reading stopped, as ` after row N` or ` in row N`, or nothing where that is
        /// unknown.
        place: String,
        /// What the decoder said.
        detail: String,
    },
    /// A row did not come from where rows come from one after the other.
    #[error("{name}, row {row}: {cause}", name = printable(name), cause = printable(&cause.to_string()))]
    Rows {
        /// What the source is called.
        name: String,
        /// The row, counted from 1.
        row: u64,
        /// What whoever gives the rows said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something in a file is larger than what is read of its kind.
    #[error("{file}: {limit}{place}; {}", limit.mend(), file = printable(file), place = printable(place))]
    TooLarge {
        /// The file or source.
        file: String,
        /// What is limited, and how much there may be.
        limit: Limit,
        /// Where it stands, as ` in row N` or ` in column "name"`.
        place: String,
    },
    /// A column is compressed in a way that is not compiled in.
    #[error(
        "{file}: column {column} is compressed with {codec}, which this build cannot read; \
         write it again with Snappy, gzip, Zstandard or no compression",
        file = printable(file),
        column = quoted(column),
        codec = printable(codec)
    )]
    Codec {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The compression, as the file names it.
        codec: String,
    },
    /// The source has no column of the declared name.
    #[error(
        "{file}: no column {column} (declared as {role}); it has {}; \
         name the right column in the LogSchema",
        each(available),
        file = printable(file),
        column = quoted(column)
    )]
    MissingColumn {
        /// The file or source.
        file: String,
        /// The column asked for.
        column: String,
        /// The role the column was to play.
        role: Role,
        /// The columns that are there.
        available: Vec<String>,
    },
    /// Two columns of the source, or a column and a combined one, share a declared name.
    #[error(
        "{file}: more than one column is called {column}; rename one of them",
        file = printable(file),
        column = quoted(column)
    )]
    RepeatedColumn {
        /// The file or source.
        file: String,
        /// The name that occurs twice.
        column: String,
    },
    /// A column holds another type than its role needs.
    #[error(
        "{file}: column {column} (declared as {role}) holds {found}, not {expected}; {mend}",
        file = printable(file),
        column = quoted(column),
        found = printable(found)
    )]
    ColumnType {
        /// The file or source.
        file: String,
        /// The column.
        column: String,
        /// The role it was to play.
        role: Role,
        /// What the role needs.
        expected: &'static str,
        /// What the column holds.
        found: String,
        /// What to do.
        mend: &'static str,
    },
    /// A column cannot be written to a file, whose columns have each one type.
    #[error(
        "{file}: column {column} cannot be written: {detail}; give all its rows one type, such as text",
        file = printable(file),
        column = quoted(column),
        detail = printable(detail)
    )]
    Unwritable {
        /// The source of the rows.
        file: String,
        /// The column.
        column: String,
        /// What it holds.
        detail: String,
    },
    /// A row breaks a rule of its column (the first such row under [`crate::log::RowPolicy::Strict`]).
    #[error(transparent)]
    Row(Box<RowFault>),
    /// Columns of one source differ in length.
    #[error(
        "{file}: column {column} has {found} rows where the others have {expected}; pass columns of one length",
        file = printable(file),
        column = quoted(column)
    )]
    ColumnLength {
        /// The source.
        file: String,
        /// The column that differs.
        column: String,
        /// Its length in rows.
        found: usize,
        /// The length of the columns before it, in rows.
        expected: usize,
    },
    /// No row is left to measure.
    #[error(
        "{file}: no impressions ({set_aside} rows set aside); check the file and the schema",
        file = printable(file)
    )]
    EmptyLog {
        /// The file or source.
        file: String,
        /// Rows that were read and set aside.
        set_aside: u64,
    },
    /// Rows are not where they are looked for in JSON.
    #[error("{file}: {found}; lists of objects there: {}; {mend}", each(available), file = printable(file), found = printable(found))]
    NoRecords {
        /// The file.
        file: String,
        /// What is there instead.
        found: String,
        /// The paths of lists of objects that are there, the first of them.
        available: Vec<String>,
        /// What to do.
        mend: &'static str,
    },
    /// A table beside the log has two rows for one id, and they differ.
    #[error(
        "{file}: two rows have {key} in column {column}, and they are not alike; leave one row for each",
        file = printable(file),
        key = quoted(key),
        column = quoted(column)
    )]
    RepeatedKey {
        /// The file or source.
        file: String,
        /// The column by which rows are told apart.
        column: String,
        /// What stands there twice.
        key: String,
    },
    /// No row of several files is such that it would be kept.
    #[error(
        "{file}: no row is kept of {rows}, since there is none where {asked}; ask for others, or read other files",
        file = printable(file)
    )]
    AllLeftOut {
        /// The file, or how many.
        file: String,
        /// How many rows there are, those set aside included.
        rows: u64,
        /// What was asked of them, in words.
        asked: String,
    },
    /// No row is such that it would be kept.
    #[error(
        "{file}: no row is kept, since there is none where {asked}; the column has {}",
        each(available),
        file = printable(file)
    )]
    NothingKept {
        /// The file or source.
        file: String,
        /// The column.
        column: String,
        /// What was asked of its values, in words.
        asked: String,
        /// What the column has.
        available: Vec<String>,
    },
    /// A file written by another version of the library.
    #[error(
        "{file}: {what} version {found}, where this release reads {expected:?}; write it again with this release",
        file = printable(file),
        found = quoted(found)
    )]
    Version {
        /// The file.
        file: String,
        /// What kind of thing was saved in it.
        what: &'static str,
        /// The version found; empty when there is none.
        found: String,
        /// The version that can be read.
        expected: &'static str,
    },
    /// The log lacks a column that the question needs.
    #[error(
        "the log has no column for {role}, which {needed_by} needs; declare it in the LogSchema",
        needed_by = printable(needed_by)
    )]
    MissingRole {
        /// The role that no column plays.
        role: Role,
        /// What needs it.
        needed_by: String,
    },
    /// The log has no column of this name to cluster or stratify by.
    #[error(
        "the log has no column {column}; it has {}; declare it with LogSchema::column",
        each(available),
        column = quoted(column)
    )]
    UnknownColumn {
        /// The column asked for.
        column: String,
        /// The columns that may be used.
        available: Vec<String>,
    },
    /// An arm was asked for that has no impressions.
    #[error("no impressions in arm {arm}; the arms are {}", each(available), arm = quoted(arm))]
    UnknownArm {
        /// The arm asked for.
        arm: String,
        /// The arms of the log.
        available: Vec<String>,
    },
    /// Treatment and baseline are the same arm.
    #[error(
        "arm {arm} is both treatment and baseline; compare two different arms",
        arm = quoted(arm)
    )]
    SameArm {
        /// The arm.
        arm: String,
    },
    /// A topic was asked for that no impression carries.
    #[error(
        "no impression is tagged {topic}; the topics are {}",
        each(available),
        topic = quoted(topic)
    )]
    UnknownTopic {
        /// The topic asked for.
        topic: String,
        /// The topics of the log.
        available: Vec<String>,
    },
    /// One of the groups that were asked about cannot be answered.
    #[error("in the group where {group}: {cause}")]
    InGroup {
        /// The group.
        group: String,
        /// Why not.
        #[source]
        cause: Box<Self>,
    },
    /// A report has no estimate of a topic in such a group.
    #[error(
        "the report has no estimate of topic {topic} in a group with {group}; AuditReport::estimates has all \
         that there are",
        topic = quoted(topic),
        group = printable(&group.join(", "))
    )]
    NoSuchEstimate {
        /// The topic.
        topic: String,
        /// The columns with the values asked for.
        group: Vec<String>,
    },
    /// A report has more than one estimate of what was asked for.
    #[error(
        "the report has several estimates of topic {topic}, among them {first} and {second}; say which with \
         AuditReport::get_in, or look through AuditReport::estimates",
        topic = quoted(topic)
    )]
    SeveralEstimates {
        /// The topic.
        topic: String,
        /// One of them.
        first: String,
        /// Another.
        second: String,
    },
    /// A member was given to two groups, or twice to one.
    #[error(
        "the member {member} is in the groups {first} and {second}; give each member to one group, \
         once",
        member = quoted(member),
        first = quoted(first),
        second = quoted(second)
    )]
    MemberOfTwoGroups {
        /// The member.
        member: String,
        /// The first of its groups.
        first: String,
        /// The second.
        second: String,
    },
    /// Two groups have one name.
    #[error(
        "there are two groups called {group}; give all members of a group at once",
        group = quoted(group)
    )]
    RepeatedGroup {
        /// The name.
        group: String,
    },
    /// None of a group's members was ever shown.
    #[error(
        "the group {group} has {members} members, and the tally has none of them; its members are {}",
        each(available),
        group = quoted(group)
    )]
    UnknownGroup {
        /// The group.
        group: String,
        /// How many members it was given.
        members: usize,
        /// The members of the tally, its topics.
        available: Vec<String>,
    },
    /// A tally does not hold masses under this attention model.
    #[error(
        "the tally has no masses under attention {attention}; it has {}; add it to the TallySpec",
        each(available),
        attention = quoted(attention)
    )]
    UnknownAttention {
        /// The attention model asked for.
        attention: String,
        /// Those of the tally.
        available: Vec<String>,
    },
    /// The audit of a tally asks for something else than the tally was made with.
    #[error(
        "the {what} of this tally is {tally}, and the audit asks for {said}; leave it unsaid, or make \
         the tally anew from the log",
        said = printable(said),
        tally = printable(tally)
    )]
    OtherTally {
        /// What differs.
        what: &'static str,
        /// What was asked for.
        said: String,
        /// What the tally has.
        tally: String,
    },
    /// A question was asked without saying something that cannot be guessed.
    #[error("the question does not say its {what}; say so with {call}")]
    Unstated {
        /// What is missing.
        what: &'static str,
        /// The method that says it.
        call: &'static str,
    },
    /// No impression has a topic.
    #[error(
        "no impression has a topic: say which column has them (LogSchema::topics or with_item_topics), or look at what \
         that column holds"
    )]
    NoTopics,
    /// Labels are to be corrected by hand, and none is.
    #[error(
        "no row is labelled by hand, which {correction} needs: say which column has these labels, and which the chance \
         with which a row was chosen to have one (LogSchema::human and LogSchema::inclusion)"
    )]
    NoLabels {
        /// How they were to be corrected.
        correction: String,
    },
    /// A question says what an answer of this kind does not look at.
    #[error(
        "{by} does not look at the {part} of a question, and this one says {said}; ask one that leaves it \
         unsaid"
    )]
    NotLookedAt {
        /// What was to answer.
        by: &'static str,
        /// The part of the question.
        part: &'static str,
        /// What it says.
        said: String,
    },
    /// An item is twice among the candidates of a request, and would have two chances.
    #[error(
        "{table}: item {item} is twice among the candidates of {pool}; keep one row for each \
         candidate of a request",
        table = printable(table),
        item = quoted(item),
        pool = quoted(pool)
    )]
    RepeatedCandidate {
        /// The table of candidates.
        table: String,
        /// The item.
        item: String,
        /// The slate or viewer whose candidates they are.
        pool: String,
    },
    /// A baseline needs something that was not given to the audit.
    #[error("the baseline {baseline} needs {needs}; {mend}", baseline = printable(baseline))]
    BaselineLacks {
        /// The baseline.
        baseline: String,
        /// What it needs.
        needs: &'static str,
        /// What to do.
        mend: &'static str,
    },
    /// The external reference says nothing of a topic.
    #[error(
        "the reference {reference} has no share of {topic}; it has {}; give it one, or leave the \
         topic out",
        each(available),
        reference = quoted(reference),
        topic = quoted(topic)
    )]
    NotInReference {
        /// The reference's name.
        reference: String,
        /// The topic.
        topic: String,
        /// The topics that it has.
        available: Vec<String>,
    },
    /// The candidates of a request are not what a policy can choose from.
    #[error(
        "candidates: {detail}; give every column that the policy needs, each with a value for every \
         item",
        detail = printable(detail)
    )]
    Candidates {
        /// What is missing or does not fit.
        detail: String,
    },
    /// Rows of a log that is replayed come in another order than that of their time.
    #[error(
        "{file}: row {row} is of {time}, {detail}; sort the log by time, or allow more with \
         ReplaySpec::disorder ({disorder} microseconds now)",
        file = printable(file),
        time = printable(time),
        detail = printable(detail)
    )]
    OutOfOrder {
        /// The log.
        file: String,
        /// The row, counted from 1 without the header.
        row: u64,
        /// Its time, by ISO 8601.
        time: String,
        /// What it is too far from.
        detail: String,
        /// How far it may be, in microseconds.
        disorder: i64,
    },
    /// Candidates of a replay come in another order than the slates of its log.
    #[error(
        "{file}: row {row}: the candidates of slate {slate} {detail}; write all candidates of a slate \
         together, and slates in the order in which the log first has them",
        file = printable(file),
        slate = quoted(slate)
    )]
    CandidatesOutOfOrder {
        /// The table of candidates.
        file: String,
        /// The first row of these candidates, counted from 1 without the header.
        row: u64,
        /// The slate.
        slate: String,
        /// How they are out of order.
        detail: &'static str,
    },
    /// A policy gave a weight that is no weight.
    #[error(
        "the policy {policy} gave a candidate the weight {weight}; weights must be finite and not \
         negative",
        policy = printable(policy),
        weight = printable(weight)
    )]
    PolicyWeight {
        /// The policy's name.
        policy: String,
        /// The weight.
        weight: String,
    },
    /// A parameter lies outside its range.
    #[error("{parameter} is {value}; it must be {expected}", value = printable(value))]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// The value given.
        value: String,
        /// The range it must lie in.
        expected: &'static str,
    },
    /// There is no stratum of this name.
    #[error(
        "no stratum {stratum}; the strata are {}",
        each(available),
        stratum = quoted(stratum)
    )]
    UnknownStratum {
        /// The stratum asked for.
        stratum: String,
        /// The strata there are.
        available: Vec<String>,
    },
    /// A declared population has other strata than the tally or simulation.
    #[error(
        "{statistic}: the declared population lacks the strata {} and declares the unknown ones {}; \
         declare a part for every stratum, 0 for one that is not to count, and for no other \
         (Question::strata says what the strata are)",
        each(missing),
        each(unknown)
    )]
    StandardStrata {
        /// The statistic's name.
        statistic: &'static str,
        /// Strata without a declared part, sorted.
        missing: Vec<String>,
        /// Declared strata that there are none of, sorted.
        unknown: Vec<String>,
    },
    /// Something takes each row for one impression, and the log's rows stand for several.
    #[error(
        "{what} takes each row for one impression, and the rows of this log stand for several (they \
         have a column of counts); write each row as often as it counts, and declare no count",
        what = printable(what)
    )]
    RowsOfSeveral {
        /// What was asked for.
        what: String,
    },
    /// Something that compares within strata was asked for where none are kept apart.
    #[error(
        "{what} compares within strata, and here none are kept apart: what came out would be the \
         crude value under another name; say which column holds them with LogSchema::stratum or \
         Question::strata (TallySpec::strata for a tally, which has to be made again), or ask for a \
         statistic of all together",
        what = printable(what)
    )]
    NoStrata {
        /// The statistic or test.
        what: String,
    },
    /// A statistic from outside the library does what no statistic may.
    #[error("the statistic {statistic} {fault}", statistic = quoted(statistic))]
    Statistic {
        /// Its name.
        statistic: String,
        /// What is wrong with it.
        fault: StatisticFault,
    },
    /// A number that was given for a row of the log lies outside its range.
    #[error(
        "{what} in row {row} of the log (counted from 1) is {value}; it must be {expected}",
        value = exact(*value)
    )]
    GivenRow {
        /// What the number is.
        what: &'static str,
        /// The row of the log, from 1; rows that were set aside or left out do not count.
        row: u64,
        /// The value.
        value: f64,
        /// The range it must lie in.
        expected: &'static str,
    },
    /// A p-value is none.
    #[error(
        "p-value {position} (counted from 0) is {value}; it must be between 0 and 1",
        value = exact(*value)
    )]
    PValue {
        /// Its place among those given, from 0.
        position: usize,
        /// The value given.
        value: f64,
    },
    /// A pilot does not show how clusters vary, so no study can be planned from it.
    #[error(
        "no study can be planned from this pilot: {reason}; take a log with more clusters, or a \
         topic that both arms show"
    )]
    Pilot {
        /// What is missing.
        reason: NoInterval,
    },
    /// A cluster that is to be permuted within its block has impressions in two.
    #[error(
        "the cluster with key {:#018x} (ClusterKey::of its id) has impressions in the strata \
         {first} and {second}, so it is of no one block; take Blocks::Together, or strata that \
         keep each cluster in one",
        cluster.get(),
        first = quoted(first),
        second = quoted(second)
    )]
    ClusterInTwoBlocks {
        /// The cluster.
        cluster: ClusterKey,
        /// The first of its strata.
        first: String,
        /// The last of them.
        second: String,
    },
    /// Two tallies answer different questions and cannot be added.
    #[error(
        "these tallies cannot be merged: {what} is {first} in one and {second} in the other; make both with the same TallySpec",
        first = printable(first),
        second = printable(second)
    )]
    Unmergeable {
        /// What differs.
        what: &'static str,
        /// Its value in the tally merged into.
        first: String,
        /// Its value in the other.
        second: String,
    },
    /// A cluster came to a [`Monitor`](crate::inference::Monitor) a second time.
    #[error(
        "observation {label}: the cluster with the key {cluster:#018x} (the first 8 bytes of the \
         MD5 of its id) was observed before, and may be observed once; nothing of this observation \
         was added. Observe a cluster when it is complete, or cluster by the day",
        label = quoted(label)
    )]
    ObservedTwice {
        /// The key of the first such cluster.
        cluster: u64,
        /// The label of the observation that was refused.
        label: String,
    },
    /// A saved [`Monitor`](crate::inference::Monitor) holds clusters or looks that the one to be put in
    /// its place has not seen.
    #[error(
        "{}: this file holds observations that would be lost, since the monitor to be saved has not \
         seen them, as when another process observed meanwhile; nothing was written. Open the file \
         again and observe again, or change it with Monitor::update, where each waits for its turn",
        of_path(path)
    )]
    WouldLose {
        /// The file.
        path: PathBuf,
    },
    /// A file is being worked on by somebody else.
    #[error(
        "{}: another job is working on this {what} now; wait until it has ended, or name another file",
        of_path(path)
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// What the file is.
        what: &'static str,
    },
    /// A tally was made in another way than those that a [`Monitor`](crate::inference::Monitor)
    /// watches.
    #[error(
        "observation {label}: the {what} of this tally is {found}, where the monitor watches \
         {expected}; make it with the TallySpec of the monitor",
        label = quoted(label),
        found = printable(found),
        expected = printable(expected)
    )]
    OtherStream {
        /// The label of the observation that was refused.
        label: String,
        /// What differs.
        what: &'static str,
        /// How it is in the tally.
        found: String,
        /// How it is in the monitor.
        expected: String,
    },
    /// A row of a tally's table breaks a rule.
    #[error(transparent)]
    Table(Box<TableFault>),
    /// A column of a tally's table is missing or holds another type.
    #[error(
        "{file}: column {column} of the tally's table holds {found}, not {expected}; {mend}",
        file = printable(file),
        column = quoted(column),
        found = printable(found)
    )]
    TableColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What the column must hold.
        expected: &'static str,
        /// What it holds.
        found: String,
        /// What to do.
        mend: &'static str,
    },
    /// A tally's table says nothing of its spec, or was made for another one.
    #[error(
        "{file}: the metadata say {found}, where {expected} is needed; give Tally::import_as the TallySpec that the table was made for",
        file = printable(file),
        found = printable(found),
        expected = printable(expected)
    )]
    TableSpec {
        /// The file.
        file: String,
        /// The spec in the metadata.
        found: String,
        /// The spec asked for.
        expected: String,
    },
    /// A bundle of evidence cannot be written or read.
    #[error(transparent)]
    Evidence(Box<EvidenceFault>),
    /// A query cannot do exactly what the library does.
    #[error("no query in the dialect of {dialect} for {what}: {mend}", what = printable(what))]
    NotInSql {
        /// The dialect, as it is called.
        dialect: &'static str,
        /// What was asked for.
        what: String,
        /// What to do.
        mend: &'static str,
    },
    /// The clusters of a tally are known in its own log only, so nothing can be added to them: neither another
    /// tally, nor what a [`TallyJob`](crate::job::TallyJob) makes of the next part of a log.
    #[error(
        "these tallies, or the parts of this log, cannot be added: their clusters are {cluster}, numbered anew in \
         each; cluster by something that has an id, or tally one log at once (a TallyJob with more memory takes \
         larger parts)",
        cluster = printable(cluster)
    )]
    UnmergeableClusters {
        /// What the clusters are.
        cluster: String,
    },
    /// Two tallies together are larger than a tally can be.
    #[error(
        "these tallies cannot be merged: {what}, {first} in one and {second} in the other, is \
         together above {largest}; merge fewer of them",
        first = printable(first),
        second = printable(second),
        largest = printable(largest)
    )]
    SumTooLarge {
        /// Which sum.
        what: &'static str,
        /// The sum in the tallies merged so far.
        first: String,
        /// The sum in the next.
        second: String,
        /// The largest that fits.
        largest: String,
    },
    /// A path or pattern stands for no log file.
    #[error("{}: no log files there; check the path or pattern", of_path(path))]
    NoFiles {
        /// The path or pattern.
        path: PathBuf,
    },
    /// A job was given the same file twice.
    #[error("{}: the file is there twice, and would be counted twice; name it once", of_path(path))]
    RepeatedFile {
        /// The file.
        path: PathBuf,
    },
    /// The same part of a log was given twice, by other names.
    #[error(
        "{} and {} are the same ({how}), and would be counted twice; leave one of them out",
        of_path(first),
        of_path(second)
    )]
    SamePart {
        /// The first of them.
        first: PathBuf,
        /// The second.
        second: PathBuf,
        /// In what they are the same.
        how: &'static str,
    },
    /// A file in a folder of logs looks like a log and is of no format that can be read.
    #[error(
        "{}: this file in a folder of logs looks like one of them and cannot be read; write it in a \
         format that can be ({}), or leave it out by its name (--skip, skip in a study's log, or log_files_but)",
        of_path(path),
        KNOWN_ENDINGS
    )]
    UnreadInFolder {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint was saved by another job.
    #[error(
        "{}: this checkpoint is of another job: {difference}; \
         name another file for the checkpoint, or delete this one to begin anew",
        of_path(path),
        difference = printable(difference)
    )]
    OtherJob {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A file changed while a job read it, so that nobody knows what its tally is of.
    #[error(
        "{}: this file was changed while it was read, and the tally may be of neither state of it; run \
         the job again when nothing writes to the file, without the checkpoint of this run",
        of_path(path)
    )]
    ChangedWhileRead {
        /// The file.
        path: PathBuf,
    },
    /// A job was stopped by its progress callback.
    #[error(
        "stopped with {parts} of {of_parts} parts done{}",
        saved.as_ref().map_or(String::new(), |path| format!(
            "; run the same job again to go on from {}",
            of_path(path)
        ))
    )]
    Stopped {
        /// Parts that were done.
        parts: usize,
        /// All parts.
        of_parts: usize,
        /// The checkpoint that holds them, if there is one.
        saved: Option<PathBuf>,
    },
    /// A tally outgrew the memory that a job may use, or part of a file is too large to be read in it.
    #[error(
        "{of}{what} needs about {needed} bytes of memory, and the job may use {limit}; allow more with \
         TallyJob::memory, or {mend}",
        of = file.as_ref().map_or_else(String::new, |file| printable(file) + ": ")
    )]
    MemoryLimit {
        /// The file that does not fit; `None` for the tally.
        file: Option<String>,
        /// What does not fit.
        what: &'static str,
        /// The memory in which the job could go on from here, in bytes.
        needed: usize,
        /// What it may use, in bytes.
        limit: usize,
        /// What else to do.
        mend: &'static str,
    },
    /// More distinct ids in one column than codes.
    #[error(
        "a column has more than 4,294,967,294 distinct ids; split the log and merge the tallies"
    )]
    TooManyIds,
    /// More cells (arms x strata x windows x topics) than a tally may have, or than there is memory
    /// for: each takes some bytes whether it is empty or not.
    #[error(
        "{arms} arms x {strata} strata x {windows} windows x {topics} topics are more cells than \
         a tally may have (16,777,216) or there is memory for; group the topics or strata, or make \
         the windows longer"
    )]
    TooManyCells {
        /// Arms of the log.
        arms: usize,
        /// Strata of the log.
        strata: usize,
        /// Windows of time.
        windows: usize,
        /// Topics of the log.
        topics: usize,
    },
    /// A statistic that keeps strata apart needs more totals than are held together: of each cluster, or in each
    /// replicate of a bootstrap.
    #[error(
        "with {strata} strata kept apart, each of {of} {each} has {totals} totals, more than can be held together \
         (134,217,728, of 8 bytes); group the strata, put clusters into hash buckets (ClusterBy::hashed), or take \
         an interval with fewer replicates"
    )]
    TooManyTotals {
        /// Totals that the statistic needs of each.
        totals: usize,
        /// How many there are of what has them.
        of: usize,
        /// What has them: `clusters` or `replicates`.
        each: &'static str,
        /// Strata of the tally.
        strata: usize,
    },
    /// Two ids have the same 64-bit cluster key.
    #[error(
        "the ids {first} and {second} have the same cluster key; rename one of them",
        first = quoted(first),
        second = quoted(second)
    )]
    KeyCollision {
        /// One id.
        first: String,
        /// The other.
        second: String,
    },
    /// A data frame or query could not be evaluated.
    #[error(
        "data frame: {detail}; check the query or the columns' types",
        detail = printable(detail)
    )]
    Frame {
        /// What the frame library said.
        detail: String,
    },
    /// Rows that were set aside leave no place among those that are ranked by their order.
    #[error(
        "{file}: {rows} rows were set aside, and ranks by the order of rows would move up what comes after them; mend those \
         rows, or name a column of ranks",
        file = printable(file)
    )]
    NoOrder {
        /// The file or source.
        file: String,
        /// How many were set aside.
        rows: u64,
    },
    /// A query in SQL was not understood, or could not be answered.
    #[error(
        "the query: {detail}; its tables are {}",
        each(tables),
        detail = printable(detail)
    )]
    Query {
        /// What the engine said.
        detail: String,
        /// The tables that it may name.
        tables: Vec<String>,
    },
    /// A log is a query in SQL, and this build has no engine for it.
    #[error(
        "the log is the query {query}, and this build has no SQL; build with the feature sql, or write the query's rows to a file"
        , query = quoted(query)
    )]
    NoSql {
        /// The query.
        query: String,
    },
    /// Letters of a picture are in none of the fonts with which it was to become pixels.
    #[error(
        "no font has the letters {letters}: name one that has them (Png::fonts), or take the SVG",
        letters = letters(characters)
    )]
    NoGlyphs {
        /// The letters: of each text the first that is lacking.
        characters: Vec<char>,
    },
    /// A report could not be read back, or not be turned into the form asked for.
    #[error("report: {detail}", detail = printable(detail))]
    Report {
        /// What the serialiser or frame library said.
        detail: String,
    },
}

/// The first few letters, each in quotes.
fn letters(characters: &[char]) -> String {
    const FEW: usize = 10;
    let quoted: Vec<String> =
        characters.iter().take(FEW).map(|&c| quoted(c.encode_utf8(&mut [0; 4]))).collect();
    let more = match characters.len().saturating_sub(FEW) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    quoted.join(", ") + &more
}

impl Error {
    /// That a tally needs more memory than it may use, both in bytes.
    pub(crate) fn tally_too_large(needed: usize, limit: usize) -> Self {
        let mend = "tally by hash buckets (ClusterBy::hashed) of fewer arms, strata, windows and topics, \
                    whose size is fixed";
        Self::MemoryLimit { file: None, what: "the tally so far", needed, limit, mend }
    }
}

/// What is wrong with a [`Statistic`](crate::statistic::Statistic) from outside the library. Totals are
/// those it was given, in the order of its cells: of the log, or of a replicate of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticFault {
    /// It has no name.
    #[error("has no name; give it one in snake case")]
    NoName,
    /// A statistic of the library has its name.
    #[error("has the name of a statistic of the library; give it a name of its own")]
    TakenName,
    /// Two statistics asked about one topic have its name, and no details to tell them apart.
    #[error(
        "is asked for twice{}, or two have that name; ask for each once, and give each a name of its own",
        topic.as_ref().map_or(String::new(), |topic| format!(" about the topic {topic:?}"))
    )]
    SharedName {
        /// The topic; `None` for all of a simulation.
        topic: Option<String>,
    },
    /// It needs totals that there are none of.
    #[error(
        "needs totals that make no sense: {detail}; mend its cells",
        detail = printable(detail)
    )]
    Cells {
        /// Which.
        detail: String,
    },
    /// Its null is no number.
    #[error(
        "has the null {value}; return None for one that compares nothing, else a finite number",
        value = exact(*value)
    )]
    Null {
        /// What it returned.
        value: f64,
    },
    /// Its value is no number, on the working scale or as reported.
    #[error(
        "returned the value {value} at the totals {}, which is no finite number as it is reported; return \
         Working::Above, Below or Undefined where it has no value",
        listed(totals),
        value = exact(*value)
    )]
    Value {
        /// What it returned, on the working scale.
        value: f64,
        /// At these totals.
        totals: Vec<f64>,
    },
    /// Its gradient has too few derivatives or too many.
    #[error(
        "returned {found} derivatives at the {expected} totals {}; return one for each of its cells, or leave \
         gradient out",
        listed(totals)
    )]
    GradientLength {
        /// How many it returned.
        found: usize,
        /// How many totals there are.
        expected: usize,
        /// They.
        totals: Vec<f64>,
    },
    /// A derivative is no number, or could not be had from differences.
    #[error(
        "has the derivative {value} by {by:?} at the totals {}; return a finite one wherever the value is \
         finite, or Working::Above, Below or Undefined as the value",
        listed(totals),
        value = exact(*value)
    )]
    Derivative {
        /// By which total.
        by: Cell,
        /// What it returned.
        value: f64,
        /// At these totals.
        totals: Vec<f64>,
    },
    /// The term of an arm's share is no number.
    #[error(
        "returned NaN as the term of the share {share} of the {side:?} at the totals {}; return a number, or \
         infinity where the value is not finite",
        listed(totals),
        share = exact(*share)
    )]
    Term {
        /// Whose share.
        side: Side,
        /// The share.
        share: f64,
        /// At these totals.
        totals: Vec<f64>,
    },
    /// The terms of the arms' shares are not those of its value.
    #[error(
        "is {value} at the totals {}, and the terms of its shares make {terms}; let value be the treatment's \
         term less the baseline's, or leave term out",
        listed(totals),
        terms = exact(*terms),
        value = exact(*value)
    )]
    Terms {
        /// What the terms make.
        terms: f64,
        /// What it returned as its value.
        value: f64,
        /// At these totals.
        totals: Vec<f64>,
    },
    /// A variance is negative or no number.
    #[error(
        "returned {value} as its {which} at the totals {}; return a finite number, 0 or more",
        listed(totals),
        value = exact(*value)
    )]
    Variance {
        /// The method that returned it.
        which: &'static str,
        /// What it returned.
        value: f64,
        /// At these totals.
        totals: Vec<f64>,
    },
    /// Its values or derivatives are numbers, but what is made of them is none.
    #[error(
        "leads to {what} of {value}: its values or derivatives are too large to be squared and added; let it \
         work in a larger unit",
        value = exact(*value)
    )]
    Overflow {
        /// What was made.
        what: &'static str,
        /// What it is.
        value: f64,
    },
}

/// Totals in brackets, long lists cut with their length told.
fn listed(totals: &[f64]) -> String {
    const SHOWN: usize = 12;
    match totals.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{:?} and {more} more", &totals[..SHOWN]),
        _ => format!("{totals:?}"),
    }
}

/// Names in quotes with commas between them, long lists cut with their length told.
fn each(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| quoted(name)).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
