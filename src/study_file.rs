//! The study file: an audit as data, inputs and question, so that it can be shared, cited and run again.
//! It wires nothing that [`Audit`] does not.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::report::AuditReport;
use crate::audit::{Audit, is_elsewhere};
use crate::error::Error;
use crate::format::document;
use crate::inference::Inference;
use crate::job::{Progress, TallyJob, log_files_but, refuse_repeats, refuse_unlike};
use crate::log::{
    ExposureLog, ItemTopics, ItemTopicsSchema, Keep, KeyedTable, LogSchema, Origin, RankWithin,
};
use crate::question::baseline::Baseline;
use crate::question::whole::Question;
use crate::replay::{CandidateKey, CandidateSets};
use crate::source::LogSource;
use crate::source::text::is_standard_input;
use crate::tally::{ClusterBy, StratifyBy, Tally, TallySpec, TwoWay};

#[cfg(feature = "json-schema")]
mod json_schema;

/// An audit as data: what was read, and what was asked of it.
///
/// Paths are taken from the folder that the file is in, so that a folder with its logs can be moved.
///
/// ```
/// use tiltmeter::StudyFile;
/// # let folder = tempfile::tempdir().unwrap();
/// # let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
/// # let path = folder.path().join("study.json");
/// write("log.csv", "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n");
/// write("study.json", r#"{
///     "log": {"path": "log.csv",
///             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
///     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}, "topics": ["war"]}
/// }"#);
/// let study = StudyFile::open(&path)?;
/// let report = study.run(folder.path())?;
/// assert_eq!(report.estimates()[0].value.number(), Some(2.0));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StudyFile {
    /// Where the schema of study files is, for editors that check by it. Nothing else looks at it.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema_for_editors: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Anything else that a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The log.
    pub log: LogInput,
    /// Topics by item, where the log has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_topics: Option<ItemTopicsInput>,
    /// The candidates of requests, for baselines that need them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<CandidatesInput>,
    /// The items that were available, for a supply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply: Option<TableInput>,
    /// What is asked.
    pub question: Question,
    /// How doubt is expressed.
    #[serde(default)]
    pub inference: Inference,
}

/// The log of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogInput {
    /// A file, a folder or a pattern with `*`: more than one file is tallied without being held.
    pub path: PathBuf,
    /// More of the same, each a file, a folder or a pattern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<PathBuf>,
    /// Patterns of files in folders that are left out by their names, such as `*_old.csv` ([`log_files_but`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    /// What its columns are.
    pub schema: LogSchema,
    /// Which rows are asked about; all if there is nothing here. It holds for the supply and for the
    /// candidates too where their file has the column; where it has not, the report says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<Keep>,
    /// A date, which begins at midnight in UTC, or a moment as in ISO 8601 ([`ExposureLog::split_at`]). The log
    /// then has a column `period`, for strata, groups and rows to keep, whose values are such as
    /// `before 2026-03-09` and `from 2026-03-09`. It needs a column of times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_at: Option<String>,
    /// Tables whose columns are columns of the log too, such as accounts with their arm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<JoinInput>,
    /// Ranks from the order of rows, where the log has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_by_order: Option<RankWithin>,
    /// A query in SQL whose rows are the log's, and whose columns those of the schema. In it the files are the table `log`;
    /// what names of folders and `path_columns` say are columns of it, and `file` is the path. It needs a build with the
    /// feature `sql`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Tables that the query names beside `log`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<NamedTable>,
}

/// A file by the name that a query has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedTable {
    /// The name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// A table with a row for each id in a column of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct JoinInput {
    /// The file.
    pub path: PathBuf,
    /// The column, which both have.
    pub on: String,
}

/// A table beside the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TableInput {
    /// The file.
    pub path: PathBuf,
    /// What its columns are.
    pub schema: LogSchema,
}

/// A table of candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CandidatesInput {
    /// The file.
    pub path: PathBuf,
    /// What its columns are.
    pub schema: LogSchema,
    /// Whose candidates they are.
    pub by: CandidateKey,
}

/// A table of topics by item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ItemTopicsInput {
    /// The file.
    pub path: PathBuf,
    /// What its columns are.
    pub schema: ItemTopicsSchema,
}

/// What a study reads.
#[derive(Clone, Debug)]
pub struct StudyInputs {
    /// The log, or its sums.
    pub log: StudyLog,
    /// How many of the log's rows were read, set aside and left out; of more than one file, over all.
    /// `None` of sums of which that is not known.
    pub origin: Option<Origin>,
    /// The candidates of requests.
    pub candidates: Option<CandidateSets>,
    /// The items that were available.
    pub supply: Option<ExposureLog>,
}

/// What a study reads, with the log's rows: what [`StudyFile::read_rows`] gives.
#[derive(Clone, Debug)]
pub struct StudyRows {
    /// The rows that are asked about.
    pub log: ExposureLog,
    /// The candidates of requests.
    pub candidates: Option<CandidateSets>,
    /// The items that were available.
    pub supply: Option<ExposureLog>,
}

/// The tables beside a log.
struct Tables {
    candidates: Option<CandidateSets>,
    supply: Option<ExposureLog>,
}

/// A log with the topics that its items have, unless it says its own.
fn tagged(log: ExposureLog, topics: Option<&ItemTopics>) -> Result<ExposureLog, Error> {
    match (topics, log.topics()) {
        (Some(topics), None) => log.with_item_topics(topics),
        _ => Ok(log),
    }
}

/// A log as a study has it.
#[derive(Clone, Debug)]
pub enum StudyLog {
    /// One file, held in memory.
    Whole(Box<ExposureLog>),
    /// More than one file, added up.
    Tallied(Box<Tally>),
    /// More than one file, added up by two units and by their pairs.
    TwoWay(Box<TwoWay>),
}

impl LogInput {
    /// One file, folder or pattern, with a schema; all else may be added.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, schema: LogSchema) -> Self {
        Self {
            path: path.into(),
            more: Vec::new(),
            skip: Vec::new(),
            schema,
            keep: Vec::new(),
            split_at: None,
            join: Vec::new(),
            rank_by_order: None,
            sql: None,
            tables: Vec::new(),
        }
    }

    /// The rows that are asked about, of all files together, held in memory.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    /// use tiltmeter::log::LogSchema;
    /// use tiltmeter::{Keep, LogInput};
    /// write("monday.csv", "feed,land\nranked,DE\nnewest,FR\n");
    /// write("tuesday.csv", "feed,land\nranked,FR\nnewest,DE\n");
    /// let mut input = LogInput::new("*day.csv", LogSchema::new().arm("feed").column("land"));
    /// input.keep.push(Keep::new("land", ["DE"]));
    /// assert_eq!(input.open(folder.path())?.rows(), 2);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`log_files_but`], [`ExposureLog::open`], [`ExposureLog::split_at`] and
    /// [`ExposureLog::keep`]; [`Error::SamePart`] where two files are the same.
    pub fn open(&self, folder: impl AsRef<Path>) -> Result<ExposureLog, Error> {
        let folder = folder.as_ref();
        self.kept(self.held(&self.files(folder)?, folder, Ok)?)
    }

    /// The rows of some files together, each made ready first.
    fn held(
        &self,
        files: &[PathBuf],
        folder: &Path,
        ready: impl Fn(ExposureLog) -> Result<ExposureLog, Error>,
    ) -> Result<ExposureLog, Error> {
        let schema = self.schema_with_tables(folder)?;
        if let Some(query) = &self.sql {
            refuse_repeats(files, |file| self.schema.columns_of_path(file))?;
            return ready(self.queried(query, files, folder, schema)?);
        }
        if let Some(table) = self.tables.first() {
            return Err(Error::Parameter {
                parameter: "a table that a query names",
                value: format!("{:?}, and there is no query", table.name),
                expected: "a query beside it (sql in a study's log, --sql), or a table that is joined",
            });
        }
        if let [file] = files {
            return ready(ExposureLog::open(file, &schema)?);
        }
        refuse_repeats(files, |file| self.schema.columns_of_path(file))?;
        refuse_unlike(files, &schema)?;
        let (mut parts, mut without) = (Vec::new(), Vec::new());
        for file in files {
            let source = crate::source::open_source_as(file, &schema)?;
            match ExposureLog::read_part(source, &schema)? {
                Ok(part) => parts.push(ready(part)?),
                Err(origin) => without.push(origin),
            }
        }
        if let Some(log) = ExposureLog::of_files(&parts, without)? {
            return Ok(log);
        }
        match files.last() {
            // That no file has a row is said of one.
            Some(file) => ExposureLog::open(file, &schema),
            None => {
                let cause = std::io::Error::from(std::io::ErrorKind::NotFound);
                Err(Error::Io { path: folder.join(&self.path), cause })
            }
        }
    }

    /// The rows of the query, before a schema says what they are; `None` where there is none.
    ///
    /// # Errors
    /// Those of reading its tables; [`Error::Query`]; [`Error::NoSql`] in a build without the feature `sql`.
    pub fn query_rows(
        &self,
        folder: impl AsRef<Path>,
    ) -> Result<Option<Box<dyn LogSource>>, Error> {
        let folder = folder.as_ref();
        let rows = |query: &String| self.rows_of(query, &self.files(folder)?, folder);
        self.sql.as_ref().map(rows).transpose()
    }

    #[cfg(feature = "sql")]
    fn rows_of(
        &self,
        query: &str,
        files: &[PathBuf],
        folder: &Path,
    ) -> Result<Box<dyn LogSource>, Error> {
        let mut tables = crate::source::SqlTables::new();
        for null in &self.schema.nulls {
            tables = tables.null(null);
        }
        for file in files {
            let source = crate::source::open_source_as(file, &self.schema)?;
            tables = tables.of_path("log", source, &self.schema.columns_of_path(file)?)?;
        }
        for table in &self.tables {
            let source = crate::source::open_source(folder.join(&table.path), None)?;
            tables = tables.table(&table.name, source)?;
        }
        Ok(Box::new(tables.query(query)?))
    }

    #[cfg(not(feature = "sql"))]
    #[allow(clippy::unused_self, reason = "as with SQL")]
    fn rows_of(&self, query: &str, _: &[PathBuf], _: &Path) -> Result<Box<dyn LogSource>, Error> {
        Err(Error::NoSql { query: query.to_owned() })
    }

    /// The log that a query over the files is.
    fn queried(
        &self,
        query: &str,
        files: &[PathBuf],
        folder: &Path,
        schema: LogSchema,
    ) -> Result<ExposureLog, Error> {
        // What files are like was said to their readers.
        let schema = LogSchema { path_columns: None, ..schema };
        let log = ExposureLog::read(self.rows_of(query, files, folder)?, &schema)?;
        let words: Vec<&str> = query.split_whitespace().collect();
        Ok(log.chosen(Keep::new(format!("rows of the query {}", words.join(" ")), [""; 0])))
    }

    /// Whether rows can be chosen only when all are read: by a column that is made of others, or ranked by their order.
    fn is_late(&self, keep: &Keep) -> bool {
        let is_made = self.schema.combined.iter().any(|its| its.name == keep.column);
        let is_period = self.split_at.is_some() && keep.column == "period";
        is_made || is_period || self.rank_by_order.is_some()
    }

    /// The schema with the rows to keep and the tables that are joined, from this folder.
    ///
    /// # Errors
    /// Those of [`KeyedTable::open`].
    pub fn schema_with_tables(&self, folder: &Path) -> Result<LogSchema, Error> {
        let early = self.keep.iter().filter(|keep| !self.is_late(keep));
        let schema = early.fold(self.schema.clone(), |schema, keep| schema.keep(keep.clone()));
        self.join.iter().try_fold(schema, |schema, join| {
            let table = KeyedTable::open(folder.join(&join.path), &join.on)?;
            let table = table.joined(&schema.join_names)?;
            Ok(schema.table(table))
        })
    }

    /// Whether its rows have to be held together, whatever is asked of them.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let late = self.keep.iter().any(|keep| self.is_late(keep));
        late || self.split_at.is_some() || self.rank_by_order.is_some() || self.sql.is_some()
    }

    /// All files that its paths stand for, from this folder.
    ///
    /// # Errors
    /// Those of [`log_files_but`].
    pub fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for path in std::iter::once(&self.path).chain(&self.more) {
            let at = if is_standard_input(path) { path.clone() } else { folder.join(path) };
            files.extend(log_files_but(at, &self.skip)?);
        }
        Ok(files)
    }

    /// The rows that are asked about.
    fn kept(&self, log: ExposureLog) -> Result<ExposureLog, Error> {
        let log = match &self.split_at {
            Some(moment) => log.split_at(moment)?,
            None => log,
        };
        let log = match self.rank_by_order {
            Some(within) => {
                let aside = log.origin().set_aside.rows;
                if aside > 0 {
                    return Err(Error::NoOrder { file: log.origin().source.clone(), rows: aside });
                }
                log.ranked_by_order(within)?
            }
            None => log,
        };
        let mut late = self.keep.iter().filter(|keep| self.is_late(keep));
        late.try_fold(log, |log, keep| log.keep_as(keep, &self.schema))
    }
}

impl StudyFile {
    /// A study of a log and a question, and of nothing else.
    #[must_use]
    pub fn new(log: LogInput, question: Question) -> Self {
        Self {
            schema_for_editors: None,
            title: None,
            authors: Vec::new(),
            note: None,
            log,
            item_topics: None,
            candidates: None,
            supply: None,
            question,
            inference: Inference::default(),
        }
    }

    /// Reads a study from JSON.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Damaged`] where the file is no study, with the place.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
        Self::from_json(&path.display().to_string(), &text)
    }

    /// Reads a study from the text of a file of this name.
    pub(crate) fn from_json(file: &str, text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|cause| Error::Damaged {
            file: file.to_owned(),
            format: "study",
            place: format!(" in line {}, column {}", cause.line(), cause.column()),
            detail: cause.to_string(),
        })
    }

    /// The study as JSON.
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(self)
    }

    /// The files that it reads, from this folder; the log's are all that its path stands for.
    ///
    /// # Errors
    /// Those of [`log_files_but`].
    pub fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut files = self.log.files(folder)?;
        files.extend(self.tables().map(|path| folder.join(path)));
        Ok(files)
    }

    /// All paths and patterns that it names.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let logs = std::iter::once(&self.log.path).chain(&self.log.more);
        logs.map(PathBuf::as_path).chain(self.tables())
    }

    fn tables(&self) -> impl Iterator<Item = &Path> {
        let joined = self.log.join.iter().map(|table| table.path.as_path());
        let named = self.log.tables.iter().map(|table| table.path.as_path());
        let tables = [
            self.item_topics.as_ref().map(|table| &table.path),
            self.candidates.as_ref().map(|table| &table.path),
            self.supply.as_ref().map(|table| &table.path),
        ];
        tables.into_iter().flatten().map(PathBuf::as_path).chain(joined).chain(named)
    }

    /// How the log is tallied.
    #[must_use]
    pub fn tally_spec(&self) -> TallySpec {
        let question = &self.question;
        TallySpec {
            cluster: question.cluster.clone().unwrap_or_default(),
            attentions: vec![question.attention.clone().unwrap_or_default()],
            multi_label: question.multi_label.unwrap_or_default(),
            strata: match (&question.strata, &self.log.schema.stratum) {
                // By the column's name, so that the estimand says which one it was.
                (None | Some(StratifyBy::Stratum), Some(column)) => {
                    StratifyBy::Column(column.clone())
                }
                (Some(strata), _) => strata.clone(),
                (None, None) => StratifyBy::Nothing,
            },
            ..TallySpec::default()
        }
    }

    /// Reads all that the study needs, from this folder.
    ///
    /// # Errors
    /// Those of reading a log.
    pub fn read(&self, folder: &Path) -> Result<StudyInputs, Error> {
        self.read_with(folder, |_| ControlFlow::Continue(()))
    }

    /// The same, telling how far it is where there is more than one file, and stopping there with
    /// [`Error::Stopped`] if the answer is [`ControlFlow::Break`].
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn read_with(
        &self,
        folder: &Path,
        mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
    ) -> Result<StudyInputs, Error> {
        let topics = self.topics_of_items(folder)?;
        let Tables { candidates, supply } = self.read_tables(folder, topics.as_ref())?;
        let files = self.log.files(folder)?;
        // Groups are of rows, so that these are held.
        let made = self.question.baseline.as_ref().is_some_and(Baseline::is_made_of_rows);
        let is_held = self.log.is_held() || !self.question.groups.is_nothing() || made;
        let (log, origin) = if files.len() == 1 || is_held {
            let log = self.held(&files, folder, topics.as_ref())?;
            let origin = log.origin().clone();
            (StudyLog::Whole(Box::new(log)), origin)
        } else {
            let schema = self.log.schema_with_tables(folder)?;
            self.tallied(&files, &schema, topics.as_ref(), &mut progress)?
        };
        Ok(StudyInputs { log, origin: Some(origin), candidates, supply })
    }

    /// Reads the same from this folder, and holds the log's rows however many files they are in: for what sums do not
    /// tell, as the stages of a waterfall or the members of groups.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn read_rows(&self, folder: &Path) -> Result<StudyRows, Error> {
        let topics = self.topics_of_items(folder)?;
        let Tables { candidates, supply } = self.read_tables(folder, topics.as_ref())?;
        let log = self.held(&self.log.files(folder)?, folder, topics.as_ref())?;
        Ok(StudyRows { log, candidates, supply })
    }

    fn topics_of_items(&self, folder: &Path) -> Result<Option<ItemTopics>, Error> {
        let input = self.item_topics.as_ref();
        input.map(|its| ItemTopics::open(folder.join(&its.path), &its.schema)).transpose()
    }

    /// The tables beside the log.
    fn read_tables(&self, folder: &Path, topics: Option<&ItemTopics>) -> Result<Tables, Error> {
        let read = |path: &Path, schema: &LogSchema| {
            tagged(self.table(&folder.join(path), schema)?, topics)
        };
        let candidates = self
            .candidates
            .as_ref()
            .map(|input| CandidateSets::new(read(&input.path, &input.schema)?, input.by));
        let supply = self.supply.as_ref().map(|input| read(&input.path, &input.schema));
        Ok(Tables { candidates: candidates.transpose()?, supply: supply.transpose()? })
    }

    /// The rows that are asked about, with their topics.
    fn held(
        &self,
        files: &[PathBuf],
        folder: &Path,
        topics: Option<&ItemTopics>,
    ) -> Result<ExposureLog, Error> {
        self.kept(self.log.held(files, folder, |log| tagged(log, topics))?)
    }

    /// The sums of more than one file: by one unit, or by two and their pairs.
    fn tallied(
        &self,
        files: &[PathBuf],
        schema: &LogSchema,
        topics: Option<&ItemTopics>,
        progress: &mut (dyn FnMut(&Progress) -> ControlFlow<()> + Send),
    ) -> Result<(StudyLog, Origin), Error> {
        let mut sums_by = |cluster: ClusterBy| {
            let spec = TallySpec { cluster, ..self.tally_spec() };
            let mut job = TallyJob::new(files.to_vec(), schema.clone(), spec);
            if let Some(topics) = topics {
                job = job.item_topics(topics);
            }
            job.on_progress(&mut *progress).run()
        };
        let first = self.question.cluster.clone().unwrap_or_default();
        let done = sums_by(first.clone())?;
        let log = match &self.question.second_cluster {
            None => StudyLog::Tallied(Box::new(done.tally)),
            Some(second) => {
                let pairs = sums_by(first.paired(second.clone()))?.tally;
                let second = sums_by(second.clone())?.tally;
                StudyLog::TwoWay(Box::new(TwoWay::from_tallies(done.tally, second, pairs)?))
            }
        };
        Ok((log, done.origin))
    }

    /// The rows that are asked about.
    fn kept(&self, log: ExposureLog) -> Result<ExposureLog, Error> {
        // A feed without a column of arms is one arm, where nothing asks for another.
        let is_whole = self.question.baseline.as_ref().is_none_or(is_elsewhere);
        self.log.kept(match log.arms() {
            None if is_whole => log.in_arm(&self.question.treatment),
            _ => log,
        })
    }

    /// A table beside the log: of it too the rows that are asked about, as far as it has the columns.
    fn table(&self, path: &Path, schema: &LogSchema) -> Result<ExposureLog, Error> {
        let keep = &self.log.keep;
        let groups = &self.question.groups.columns;
        if keep.is_empty() && groups.is_empty() {
            return ExposureLog::open(path, schema);
        }
        let source = crate::source::open_source_as(path, schema)?;
        let columns = keep.iter().map(|keep| &keep.column).chain(groups).map(String::as_str);
        let schema = schema.with_columns_of(&self.log.schema, columns, source.column_names());
        let log = ExposureLog::open(path, &schema)?;
        let has = |keep: &&Keep| log.column(&keep.column).is_ok();
        let held: Vec<&Keep> = keep.iter().filter(has).collect();
        // A table that names no column of times has those of the log's column as the log has them.
        let written = match schema.time {
            None => LogSchema { time: self.log.schema.time.clone(), ..schema.clone() },
            Some(_) => schema.clone(),
        };
        held.into_iter().try_fold(log, |log, keep| log.keep_as(keep, &written))
    }

    /// The audit, ready to be run.
    pub fn audit<'l>(&self, inputs: &'l StudyInputs) -> Audit<'l> {
        let question = self.question_of_tally();
        let mut audit = match &inputs.log {
            StudyLog::Whole(log) => Audit::of(log, &question),
            StudyLog::Tallied(tally) => Audit::of_tally(tally, &question),
            StudyLog::TwoWay(tallies) => Audit::of_two_way(tallies, &question),
        }
        .inference(self.inference);
        if let Some(origin) = &inputs.origin {
            audit = audit.origin(origin);
        }
        if let Some(candidates) = &inputs.candidates {
            audit = audit.candidates(candidates);
        }
        match &inputs.supply {
            Some(supply) => audit.supply(supply),
            None => audit,
        }
    }

    /// The question, with the strata by the name of their column, as its tally has them.
    pub(crate) fn question_of_tally(&self) -> Question {
        let strata = self.tally_spec().strata;
        let is_said = self.question.strata.is_some() || strata != StratifyBy::Nothing;
        Question { strata: is_said.then_some(strata), ..self.question.clone() }
    }

    /// Reads the inputs from this folder and runs the audit.
    ///
    /// # Errors
    /// Those of [`read`](Self::read) and of [`Audit::run`].
    pub fn run(&self, folder: impl AsRef<Path>) -> Result<AuditReport, Error> {
        self.audit(&self.read(folder.as_ref())?).run()
    }
}
