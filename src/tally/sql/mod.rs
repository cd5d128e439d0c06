//! The query that makes a tally's table in an SQL engine. Text only: it runs nothing, and what
//! the table must hold is [`table`](super::table)'s.

mod dialect;

use std::fmt::Write as _;

pub use self::dialect::Dialect;
use super::table::{
    ARM, CLUSTER, COUNT, CROSS, KIND, KIND_ALL, KIND_TAGGED, KIND_TOPIC, MASS, OWN, STRATUM, TOPIC,
    WINDOW,
};
use super::{ClusterBy, MultiLabel, StratifyBy, TallySpec, WindowBy};
use crate::error::Error;
use crate::log::{LogSchema, MAX_WEIGHT, Role, RowPolicy, TimeFormat, TopicFormat, Unlisted};
use crate::question::attention::Attention;

/// The deepest rank of a query that does not say.
const RANKS: u32 = 1_000;
/// The deepest rank that a query may have; engines limit its length.
const MOST_RANKS: u32 = 10_000;

/// A log in an SQL engine: its table, and which column plays which role.
///
/// The [`LogSchema`] says of a table what it says of a file. Names of tables and columns are
/// quoted, so they must be spelt as the engine keeps them (in Snowflake in capitals, unless they
/// were made with quotes). Text is taken as it is, whole numbers in decimal and booleans as `true`
/// and `false`, which gives the ids, keys and buckets that [`ExposureLog`](crate::ExposureLog)
/// gives; other types are to be cast to text in a view.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::{Dialect, SqlLog, TallySpec};
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let log = SqlLog::table(["feeds", "impressions"], &schema);
/// let query = TallySpec::default().sql(Dialect::BigQuery, &log)?;
/// assert!(query.contains("TO_HEX(MD5("));
/// assert!(query.contains("FROM `feeds`.`impressions` AS source"));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqlLog<'s> {
    from: From,
    schema: &'s LogSchema,
    deepest: u32,
}

#[derive(Clone, Debug)]
enum From {
    Table(Vec<String>),
    Query(String),
}

impl<'s> SqlLog<'s> {
    /// A table or view, by its name and before it those of its schema and catalogue, if needed.
    pub fn table<N: Into<String>>(
        name: impl IntoIterator<Item = N>,
        schema: &'s LogSchema,
    ) -> Self {
        let name = name.into_iter().map(Into::into).collect();
        Self { from: From::Table(name), schema, deepest: RANKS }
    }

    /// What a query gives, such as `SELECT * FROM read_parquet('log.parquet')`. It becomes part of
    /// the text as it is: it must come from someone who may run it.
    pub fn query(query: impl Into<String>, schema: &'s LogSchema) -> Self {
        Self { from: From::Query(query.into()), schema, deepest: RANKS }
    }

    /// The deepest position in the log, up to 10,000; 1,000 by default. Attention by rank goes
    /// into the query as a table of numbers, since logarithms and powers differ between engines in
    /// their last digits. A log with a deeper position gives a table that an import refuses.
    #[must_use]
    pub fn deepest_rank(mut self, rank: u32) -> Self {
        self.deepest = rank;
        self
    }
}

impl TallySpec {
    /// The query that makes, of a log in an SQL engine, the table that
    /// [`Tally::export`](super::Tally::export) writes. Written to a Parquet file, it is read by
    /// [`Tally::import_as`](super::Tally::import_as), and the tally is the same, bit for bit, as
    /// that of the log read here.
    ///
    /// Nothing is left to an engine's own rounding: masses become whole numbers by the same steps
    /// everywhere, and sums are of whole numbers. A row that breaks a rule of the log (no id, a
    /// weight out of range) makes its sum null, which an import refuses. Columns that the spec does
    /// not need are not looked at, and two ids with one key (one chance in 37 million for a million
    /// ids) are not noticed.
    ///
    /// | engine | to a Parquet file |
    /// | --- | --- |
    /// | DuckDB | `COPY (query) TO 'tally.parquet' (FORMAT parquet)` |
    /// | Spark | `spark.sql(query).coalesce(1).write.parquet(...)` |
    /// | BigQuery | `EXPORT DATA OPTIONS (uri = '...*.parquet', format = 'PARQUET') AS query` |
    /// | Snowflake | `COPY INTO @stage/tally.parquet FROM (query) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE SINGLE = TRUE` |
    /// | Trino | `CREATE TABLE hive.here.tally WITH (format = 'PARQUET') AS query` |
    /// | Postgres | through DuckDB's `postgres` extension, `pg_parquet`, or any client |
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::tally::{Dialect, SqlLog, TallySpec};
    /// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    /// let log = SqlLog::query("SELECT * FROM read_csv('log.csv')", &schema);
    /// let query = TallySpec::default().sql(Dialect::DuckDb, &log)?;
    /// assert!(query.contains("GROUP BY GROUPING SETS"));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MissingRole`] or [`Error::UnknownColumn`] where the schema lacks what the spec
    /// needs; [`Error::Parameter`]; [`Error::NotInSql`] for what a query cannot do exactly:
    /// clusters of single impressions, cascade attention, times in a pattern, topics as Python or
    /// JSON lists, rows set aside, and relabelling that refuses.
    pub fn sql(&self, dialect: Dialect, log: &SqlLog<'_>) -> Result<String, Error> {
        self.check()?;
        if !(1..=MOST_RANKS).contains(&log.deepest) {
            return Err(Error::Parameter {
                parameter: "the deepest rank",
                value: log.deepest.to_string(),
                expected: "from 1 to 10,000",
            });
        }
        log.schema.check_combined("the log in SQL")?;
        log.schema.check_numbers()?;
        let query = Query { dialect, spec: self, log };
        query.check_rows()?;
        query.write()
    }
}

/// A query in the making. Its steps are named tables, each made of the one before:
///
/// - `tilt_ranks`: attention by rank;
/// - `tilt_log`: for each impression its cluster, arm, stratum, time, topics, and mass as a
///   floating-point number under each attention model, by the same operations as here;
/// - `tilt_scaled`: that mass in units, as a whole and as each topic's;
/// - `tilt_split`: that in two parts of 32 bits, since engines convert numbers of more than 15
///   digits in ways of their own;
/// - `tilt_mass`: the whole number, halves rounded up;
/// - `tilt_cells`: one row for each cell that an impression counts in.
struct Query<'q> {
    dialect: Dialect,
    spec: &'q TallySpec,
    log: &'q SqlLog<'q>,
}

/// Columns that every step passes on.
const PLACES: &str = "cluster_key, arm_name, stratum_name";

/// How the topics of an impression are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    None,
    /// In a column; null for none.
    One,
    /// In an array.
    Many,
}

impl Query<'_> {
    fn write(&self) -> Result<String, Error> {
        let mut text = String::new();
        self.head(&mut text);
        text.push_str("WITH ");
        if self.has_ranks() {
            self.ranks(&mut text);
        }
        self.impressions(&mut text)?;
        self.scaled(&mut text);
        self.split(&mut text);
        self.mass(&mut text);
        self.cells(&mut text);
        self.sums(&mut text);
        Ok(text)
    }

    fn head(&self, text: &mut String) {
        let dialect = self.dialect;
        let _ = writeln!(text, "-- A tally as a table, by tiltmeter, for {dialect}.");
        let is_timed = self.spec.windows != WindowBy::Nothing;
        if let Some(statement) = dialect.in_utc().filter(|_| is_timed) {
            let _ = writeln!(text, "-- The session must be in UTC: {statement};");
        }
    }

    fn refuse<T>(&self, what: impl Into<String>, mend: &'static str) -> Result<T, Error> {
        Err(Error::NotInSql { dialect: self.dialect.called(), what: what.into(), mend })
    }

    /// Whether rows are taken as they are.
    fn check_rows(&self) -> Result<(), Error> {
        if self.log.schema.count.is_some() {
            return self.refuse(
                "rows that stand for several impressions",
                "repeat each row as often as it counts in a view or query (join a series of numbers up \
                 to the count), and declare no count",
            );
        }
        if !self.log.schema.join_names.is_empty() {
            let mend = "write them alike in a view";
            return self.refuse("names that are joined (LogSchema::join_names)", mend);
        }
        let schema = self.log.schema;
        for (is_said, what, mend) in [
            (!schema.tables.is_empty(), "columns of a table beside the log", "join them in a view"),
            (schema.path_columns.is_some(), "columns from paths", "make them in a view"),
            (schema.records.is_some(), "rows inside a document", "make a table of them"),
            (schema.each.is_some(), "lists taken apart", "take them apart in a view (UNNEST)"),
            (
                schema.first_rank.is_some(),
                "ranks that do not count from 1",
                "add to them in a view",
            ),
        ] {
            if is_said {
                return self.refuse(what, mend);
            }
        }
        match self.log.schema.rows {
            RowPolicy::Strict => Ok(()),
            RowPolicy::SetAside => self.refuse(
                "rows that are set aside",
                "leave them out in a view or query, and say RowPolicy::Strict",
            ),
        }
    }

    fn models(&self) -> impl Iterator<Item = (usize, &Attention)> {
        self.spec.attentions.iter().enumerate()
    }

    fn has_ranks(&self) -> bool {
        self.spec.attentions.iter().any(|model| *model != Attention::Uniform)
    }

    fn labels(&self) -> Labels {
        match self.log.schema.topics.as_ref().map(|topics| topics.format) {
            None => Labels::None,
            Some(TopicFormat::Single) => Labels::One,
            Some(_) => Labels::Many,
        }
    }

    /// Whether a topic may get less than the whole mass.
    fn has_shares(&self) -> bool {
        self.labels() == Labels::Many && self.spec.multi_label == MultiLabel::Fractional
    }

    /// The column of topics, with a comma, where there is one.
    fn label_column(&self) -> &'static str {
        match self.labels() {
            Labels::None => "",
            Labels::One => ", topic_name",
            Labels::Many => ", labels",
        }
    }

    /// The names of the masses of an impression: whole ones and, where they differ, shares.
    fn mass_names(&self) -> Vec<String> {
        let kinds: &[&str] = if self.has_shares() { &["whole", "share"] } else { &["whole"] };
        let names = |kind| self.models().map(move |(model, _)| format!("{kind}_{model}"));
        kinds.iter().flat_map(names).collect()
    }

    fn ranks(&self, text: &mut String) {
        let ranked: Vec<(usize, &Attention)> =
            self.models().filter(|(_, model)| **model != Attention::Uniform).collect();
        let mut columns = vec!["at_rank".to_owned()];
        columns.extend(ranked.iter().map(|(model, _)| format!("attention_{model}")));
        let row = |rank| {
            let values = ranked.iter().map(|(_, model)| {
                // A cascade, which has no value, was refused before.
                format!(", '{:.16e}'", model.at(rank).unwrap_or(f64::NAN))
            });
            format!("({rank}{})", values.collect::<String>())
        };
        let (double, integer) = (self.dialect.double_type(), self.dialect.integer_type());
        let mut select = format!("CAST(at_rank AS {integer}) AS at_rank");
        for column in &columns[1..] {
            let _ = write!(select, ", CAST({column} AS {double}) AS {column}");
        }
        let values = self.dialect.values(&columns, (1..=self.log.deepest).map(row));
        let _ = writeln!(text, "tilt_ranks AS (\n  SELECT {select}\n  FROM {values}\n),");
    }

    fn impressions(&self, text: &mut String) -> Result<(), Error> {
        let mut columns = vec![
            format!("{} AS cluster_key", self.cluster()?),
            format!("{} AS arm_name", self.role(Role::Arm, "a tally by arm")?),
            format!("{} AS stratum_name", self.stratum()?),
        ];
        if let Some(time) = self.time()? {
            columns.push(format!("{time} AS time_at"));
        }
        columns.extend(self.topics()?);
        for (model, attention) in self.models() {
            columns.push(format!("{} AS exact_{model}", self.exact(model, attention)?));
        }
        let from = match &self.log.from {
            From::Table(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.dialect.name(part)).collect();
                parts.join(".")
            }
            From::Query(query) => format!("(\n    {query}\n  )"),
        };
        let columns = columns.join(",\n    ");
        let _ = write!(text, "tilt_log AS (\n  SELECT\n    {columns}\n  FROM {from} AS source\n");
        if let Some(model) = self.spec.attentions.iter().find(|its| **its != Attention::Uniform) {
            let position = self.column_of(Role::Position, &format!("attention {model}"))?;
            let double = self.dialect.double_type();
            let _ = writeln!(
                text,
                "  LEFT JOIN tilt_ranks\n    ON CAST(tilt_ranks.at_rank AS {double}) = CAST({position} AS {double})"
            );
        }
        text.push_str("),\n");
        Ok(())
    }

    /// The key of the cluster; empty for an id that is missing.
    fn cluster(&self) -> Result<String, Error> {
        let (of, bits) = match &self.spec.cluster {
            ClusterBy::Hashed { of, bits } => (&**of, Some(*bits)),
            of => (of, None),
        };
        let needed_by = "clustering by it";
        let id = match of {
            ClusterBy::Viewer => self.role(Role::Viewer, needed_by)?,
            ClusterBy::Session => self.role(Role::Session, needed_by)?,
            ClusterBy::Slate => self.role(Role::Slate, needed_by)?,
            ClusterBy::Item => self.role(Role::Item, needed_by)?,
            ClusterBy::Column(name) => self.named(name)?,
            ClusterBy::Impression => {
                let mend = "rows of a table have no number; cluster by a column";
                return self.refuse("clusters of single impressions", mend);
            }
            ClusterBy::Pair(_) => {
                let mend = "declare the pair with LogSchema::combined, which gives the same keys, \
                            and make it a column of the table";
                return self.refuse("pairs of units", mend);
            }
            ClusterBy::Hashed { .. } => {
                return self.refuse("buckets of buckets", "hash the unit itself");
            }
        };
        let md5 = self.dialect.md5(&id);
        let key = match bits {
            None => format!("SUBSTR({md5}, 1, 16)"),
            Some(bits) => bucket(&md5, bits),
        };
        Ok(format!("COALESCE({key}, '')"))
    }

    fn stratum(&self) -> Result<String, Error> {
        match &self.spec.strata {
            StratifyBy::Nothing => Ok("''".to_owned()),
            StratifyBy::Stratum => self.role(Role::Stratum, "stratifying"),
            StratifyBy::Column(name) => self.named(name),
        }
    }

    /// A column of the source.
    fn column(&self, name: &str) -> String {
        format!("source.{}", self.dialect.name(name))
    }

    fn column_of(&self, role: Role, needed_by: &str) -> Result<String, Error> {
        let needs = self.log.schema.needs();
        match needs.iter().find(|(its, _)| *its == role) {
            Some((_, name)) => Ok(self.column(name)),
            None => Err(Error::MissingRole { role, needed_by: needed_by.to_owned() }),
        }
    }

    /// The text of a column, null where it is empty or stands for no value.
    fn text(&self, column: &str) -> String {
        self.without_nulls(&format!("NULLIF(CAST({column} AS {}), '')", self.dialect.text_type()))
    }

    /// A text, null where it stands for no value.
    fn without_nulls(&self, text: &str) -> String {
        let nulls = self.log.schema.nulls.iter();
        nulls.fold(text.to_owned(), |text, null| {
            format!("NULLIF({text}, {})", self.dialect.text(null))
        })
    }

    /// The ids of a role.
    fn role(&self, role: Role, needed_by: &str) -> Result<String, Error> {
        Ok(self.text(&self.column_of(role, needed_by)?))
    }

    /// The ids of a column by name, as [`ExposureLog::column`](crate::ExposureLog::column) has it.
    fn named(&self, name: &str) -> Result<String, Error> {
        let schema = self.log.schema;
        if let Some(combined) = schema.combined.iter().find(|combined| combined.name == name) {
            let (backslash, bar) = (self.dialect.text("\\"), self.dialect.text("|"));
            let (two, escaped) = (self.dialect.text(r"\\"), self.dialect.text(r"\|"));
            let part = |column: &String| {
                let text = self.text(&self.column(column));
                format!("REPLACE(REPLACE({text}, {backslash}, {two}), {bar}, {escaped})")
            };
            let parts: Vec<String> = combined.of.iter().map(part).collect();
            return Ok(parts.join(&format!(" || {bar} || ")));
        }
        const IDS: [Role; 6] =
            [Role::Viewer, Role::Item, Role::Arm, Role::Stratum, Role::Slate, Role::Session];
        let roles = schema.needs().into_iter().filter(|(role, _)| IDS.contains(role));
        let available = roles.map(|(_, column)| column.to_owned());
        let mut available: Vec<String> = schema.columns.iter().cloned().chain(available).collect();
        if available.iter().any(|its| its == name) {
            return Ok(self.text(&self.column(name)));
        }
        available.extend(schema.combined.iter().map(|combined| combined.name.clone()));
        available.sort();
        available.dedup();
        Err(Error::UnknownColumn { column: name.to_owned(), available })
    }

    /// The time in microseconds, where windows need it.
    fn time(&self) -> Result<Option<String>, Error> {
        if self.spec.windows == WindowBy::Nothing {
            return Ok(None);
        }
        let column = self.column_of(Role::Time, "windows of time")?;
        let format = self.log.schema.time.as_ref().map(|(_, format)| format);
        let unit = match format {
            None | Some(TimeFormat::Iso) => return Ok(Some(self.dialect.microseconds(&column))),
            Some(
                TimeFormat::Pattern(_)
                | TimeFormat::EpochNanoseconds
                | TimeFormat::Rfc2822
                | TimeFormat::Javascript
                | TimeFormat::Zone(_),
            ) => {
                let mend = "turn it into a timestamp in a view, and say TimeFormat::Iso";
                return self.refuse(
                    "times written in a pattern, in nanoseconds, for mail or by a zone's clock",
                    mend,
                );
            }
            Some(TimeFormat::EpochSeconds) => 1_000_000,
            Some(TimeFormat::EpochMilliseconds) => 1_000,
            Some(TimeFormat::EpochMicroseconds) => 1,
        };
        let (double, integer) = (self.dialect.double_type(), self.dialect.integer_type());
        let at = format!("(CAST({column} AS {double}) * {unit})");
        // Past 2^53 (the year 2255) floating-point numbers have gaps.
        Ok(Some(format!(
            "CASE WHEN ABS({at}) < 9007199254740992 THEN CAST(FLOOR({at}) AS {integer}) + \
             CASE WHEN {at} - FLOOR({at}) > 0.5 OR ({at} - FLOOR({at}) = 0.5 AND {at} > 0) \
             THEN 1 ELSE 0 END END"
        )))
    }

    /// The column of topics, where there is one.
    fn topics(&self) -> Result<Option<String>, Error> {
        let Some(topics) = &self.log.schema.topics else {
            return Ok(None);
        };
        if !topics.relabel.is_empty() && topics.unlisted == Unlisted::Refuse {
            let mend = "say Unlisted::Keep or Unlisted::Untag, or relabel in a view";
            return self.refuse("a relabelling that refuses other topics", mend);
        }
        let text = self.text(&self.column(&topics.column));
        let renamed = |topic: &str| {
            if topics.relabel.is_empty() {
                return format!("NULLIF({topic}, '')");
            }
            let name = |name: &str| self.dialect.text(name);
            let mut cases = format!("CASE {topic} WHEN '' THEN NULL");
            for (old, new) in &topics.relabel {
                let new = if new.is_empty() { "NULL".to_owned() } else { name(new) };
                let _ = write!(cases, " WHEN {} THEN {new}", name(old));
            }
            let other = if topics.unlisted == Unlisted::Keep { topic } else { "NULL" };
            format!("{cases} ELSE {other} END")
        };
        match topics.format {
            TopicFormat::Single => Ok(Some(format!(
                "{} AS topic_name",
                renamed(&self.without_nulls(&self.dialect.trim(&text)))
            ))),
            TopicFormat::Separated(separator) => {
                let topic = |part: &str| renamed(&self.without_nulls(&self.dialect.trim(part)));
                let labels = self.dialect.labels(&text, separator, topic);
                Ok(Some(format!("{labels} AS labels")))
            }
            TopicFormat::PythonList | TopicFormat::JsonList => {
                let mend = "make it text with a character between topics, in a view";
                self.refuse("topics written as Python or JSON lists", mend)
            }
            TopicFormat::Flags | TopicFormat::Text | TopicFormat::Domain => {
                let mend = "make a column of topics in a view";
                self.refuse("topics out of several columns, of texts or of addresses", mend)
            }
        }
    }

    /// The mass of an impression before it is rounded; null where a rule is broken.
    fn exact(&self, model: usize, attention: &Attention) -> Result<String, Error> {
        if *attention == Attention::Cascade {
            let mend =
                "it depends on the rows above; compute it in a view and declare it as weight";
            return self.refuse("cascade attention", mend);
        }
        let double = self.dialect.double_type();
        let weight = match &self.log.schema.weight {
            None => None,
            Some(name) => {
                let weight = format!("CAST({} AS {double})", self.column(name));
                Some(format!(
                    "CASE WHEN {weight} >= 0 AND {weight} <= {MAX_WEIGHT} THEN {weight} END"
                ))
            }
        };
        let attention =
            (*attention != Attention::Uniform).then(|| format!("tilt_ranks.attention_{model}"));
        Ok(match (weight, attention) {
            (None, None) => format!("CAST(1 AS {double})"),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(weight), Some(attention)) => format!("({weight}) * {attention}"),
        })
    }

    fn scaled(&self, text: &mut String) {
        const ONE: u64 = 1 << 40;
        let window = match self.spec.windows {
            WindowBy::Nothing => format!("CAST(0 AS {})", self.dialect.integer_type()),
            WindowBy::Every { seconds, origin } => {
                let length = i64::from(seconds) * 1_000_000;
                let origin = origin.saturating_mul(1_000_000) % length;
                // The remainder of a time before the origin is below 0.
                format!("time_at - MOD(MOD(time_at - ({origin}), {length}) + {length}, {length})")
            }
        };
        let labels = self.label_column();
        let mut select = format!("{PLACES}{labels},\n    {window} AS window_start");
        for (model, _) in self.models() {
            let _ = write!(select, ",\n    exact_{model} * {ONE} AS whole_{model}");
        }
        if self.has_shares() {
            let topics = self.dialect.length("labels");
            for (model, _) in self.models() {
                let _ = write!(
                    select,
                    ",\n    CASE WHEN {topics} > 1 THEN exact_{model} / {topics} \
                     ELSE exact_{model} END * {ONE} AS share_{model}"
                );
            }
        }
        let _ = writeln!(text, "tilt_scaled AS (\n  SELECT\n    {select}\n  FROM tilt_log\n),");
    }

    fn split(&self, text: &mut String) {
        const HALF: u64 = 1 << 32;
        let (double, integer) = (self.dialect.double_type(), self.dialect.integer_type());
        let mut select = format!("{PLACES}{}, window_start", self.label_column());
        for name in self.mass_names() {
            let high = format!("FLOOR({name} / {HALF})");
            let _ = write!(
                select,
                ",\n    CAST({high} AS {integer}) AS {name}_high,\
                 \n    {name} - CAST({high} AS {double}) * {HALF} AS {name}_low"
            );
        }
        let _ = writeln!(text, "tilt_split AS (\n  SELECT\n    {select}\n  FROM tilt_scaled\n),");
    }

    fn mass(&self, text: &mut String) {
        const HALF: u64 = 1 << 32;
        let (mass, integer) = (self.dialect.mass_type(), self.dialect.integer_type());
        let mut select = format!("{PLACES}{}, window_start", self.label_column());
        for name in self.mass_names() {
            let low = format!("{name}_low");
            let _ = write!(
                select,
                ",\n    CAST(CAST({name}_high AS {mass}) * {HALF} + CAST(FLOOR({low}) AS {integer}) + \
                 CASE WHEN {low} - FLOOR({low}) >= 0.5 THEN 1 ELSE 0 END AS {mass}) AS {name}"
            );
        }
        let _ = writeln!(text, "tilt_mass AS (\n  SELECT\n    {select}\n  FROM tilt_split\n),");
    }

    fn cells(&self, text: &mut String) {
        let cells = |kind: &str, topic: &str, give: &str, from: &str| {
            let mut select =
                format!("{PLACES}, window_start, '{kind}' AS cell_kind, {topic} AS cell_topic");
            for (model, _) in self.models() {
                let _ = write!(select, ", whole_{model}, {give}_{model} AS give_{model}");
            }
            format!("  SELECT {select}\n  FROM {from}\n")
        };
        let mut parts = vec![cells(KIND_ALL, "''", "whole", "tilt_mass")];
        match self.labels() {
            Labels::None => {}
            Labels::One => {
                let tagged = "tilt_mass\n  WHERE topic_name IS NOT NULL";
                parts.push(cells(KIND_TAGGED, "''", "whole", tagged));
                parts.push(cells(KIND_TOPIC, "topic_name", "whole", tagged));
            }
            Labels::Many => {
                let tagged = format!("tilt_mass\n  WHERE {} > 0", self.dialect.length("labels"));
                parts.push(cells(KIND_TAGGED, "''", "whole", &tagged));
                let (each, topic) = self.dialect.each("tilt_mass", "labels");
                let give = if self.has_shares() { "share" } else { "whole" };
                parts.push(cells(KIND_TOPIC, topic, give, &each));
            }
        }
        let _ = writeln!(text, "tilt_cells AS (\n{})", parts.join("  UNION ALL\n"));
    }

    fn sums(&self, text: &mut String) {
        let name = |name: &str| self.dialect.name(name);
        let mut select = vec![
            format!("cluster_key AS {}", name(CLUSTER)),
            format!("arm_name AS {}", name(ARM)),
            format!("stratum_name AS {}", name(STRATUM)),
            format!("window_start AS {}", name(WINDOW)),
            format!("cell_kind AS {}", name(KIND)),
            format!("cell_topic AS {}", name(TOPIC)),
            format!("COUNT(*) AS {}", name(COUNT)),
        ];
        for (model, _) in self.models() {
            let give = format!("give_{model}");
            // A sum passes over nulls; here one must not be passed over.
            let sum = self.dialect.sum(&give);
            select.push(format!(
                "CASE WHEN COUNT({give}) = COUNT(*) THEN {sum} END AS {}",
                name(&format!("{MASS}{model}"))
            ));
        }
        for (sums, other) in [(OWN, "give"), (CROSS, "whole")] {
            for (model, _) in self.models() {
                let product =
                    self.dialect.product(&format!("give_{model}"), &format!("{other}_{model}"));
                let sum = self.dialect.sum(&product);
                let column = name(&format!("{sums}{model}"));
                select.push(format!("CASE WHEN cluster_key IS NULL THEN {sum} END AS {column}"));
            }
        }
        let cell = "arm_name, stratum_name, window_start, cell_kind, cell_topic";
        let _ = writeln!(
            text,
            "SELECT\n  {}\nFROM tilt_cells\nGROUP BY GROUPING SETS (\n  (cluster_key, {cell}),\n  ({cell})\n)",
            select.join(",\n  ")
        );
    }
}

/// The first key of the bucket that an MD5 falls into: its leading bits, and zeros.
fn bucket(md5: &str, bits: u32) -> String {
    const DIGITS: &str = "0123456789abcdef";
    let (whole, rest) = (bits as usize / 4, bits % 4);
    let mut parts = Vec::new();
    if whole > 0 {
        parts.push(format!("SUBSTR({md5}, 1, {whole})"));
    }
    if rest > 0 {
        // By digit, the digit with the bits past the bucket's cleared.
        let cleared = |digit: u32| char::from_digit(digit >> (4 - rest) << (4 - rest), 16);
        let cleared: String = (0..16).filter_map(cleared).collect();
        parts.push(format!("TRANSLATE(SUBSTR({md5}, {}, 1), '{DIGITS}', '{cleared}')", whole + 1));
    }
    if parts.is_empty() {
        // One bucket; but an id that is missing is still missing.
        parts.push(format!("SUBSTR({md5}, 1, 0)"));
    }
    let zeros = 16 - whole - usize::from(rest > 0);
    format!("{} || '{}'", parts.join(" || "), "0".repeat(zeros))
}
