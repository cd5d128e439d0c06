//! Logs that are queries: what flags and schemas do not say, SQL does.

mod table;

use polars::prelude::{IntoLazy, LazyFrame};
use polars_sql::SQLContext;

use self::table::Table;
use super::FrameSource;
use crate::error::Error;
use crate::log::{Batch, Found, LogSource};

/// Tables that a query may name.
///
/// Each is held in memory. Its columns have the names that its source has; one called `file` says the file or source
/// that a row is of, unless the table has such a column. Text columns that hold nothing but whole numbers, or nothing
/// but numbers with a point, are numbers, as SQL compares them; what begins with a zero stays text, as ids do.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::source::{SliceSource, SqlTables};
/// use tiltmeter::ExposureLog;
/// // A whole feed in a cell, and topics by item in a table of their own.
/// let feeds = SliceSource::new("feeds").text("who", &["ann", "bo"]).text("shown", &["n1-1 n2-0", "n2-0 n3-0"]);
/// let news = SliceSource::new("news").text("item", &["n1", "n2", "n3"]).text("about", &["war", "sport", "war"]);
/// let tables = SqlTables::new().table("log", feeds)?.table("news", news)?;
/// let rows = tables.query(
///     "SELECT who, about FROM
///          (SELECT who, split_part(UNNEST(string_to_array(shown, ' ')), '-', 1) AS item FROM log)
///      JOIN news USING (item)",
/// )?;
/// let log = ExposureLog::read(rows, &LogSchema::new().viewer("who").topics(TopicColumn::single("about")))?;
/// assert_eq!(log.rows(), 4);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct SqlTables {
    tables: Vec<(String, Table)>,
    nulls: Vec<String>,
    sources: Vec<String>,
    found: Vec<Found>,
}

impl SqlTables {
    /// No table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the rows of a source to the table of this name. Columns go by their names: a source without one that others
    /// have has no value there.
    ///
    /// # Errors
    /// Those of the source; [`Error::Row`] for a row that cannot be read; [`Error::RepeatedColumn`].
    pub fn table(self, name: impl Into<String>, source: impl LogSource) -> Result<Self, Error> {
        self.of_path(name, source, &[])
    }

    /// A text that means no value, beside the empty one, in tables that are added from here on.
    #[must_use]
    pub fn null(mut self, text: impl Into<String>) -> Self {
        self.nulls.push(text.into());
        self
    }

    /// The same as [`table`](Self::table), with columns of one value each, as paths say them.
    pub(crate) fn of_path(
        mut self,
        name: impl Into<String>,
        source: impl LogSource,
        columns: &[(String, String)],
    ) -> Result<Self, Error> {
        let (name, of) = (name.into(), source.name().to_owned());
        let at = self.tables.iter().position(|(its, _)| *its == name).unwrap_or_else(|| {
            self.tables.push((name, Table::default()));
            self.tables.len() - 1
        });
        let found = self.tables[at].1.add(source, columns, &self.nulls)?;
        if !self.sources.contains(&of) {
            self.sources.push(of.clone());
        }
        self.found.extend(found.into_iter().map(|its| Found::Table(of.clone(), Box::new(its))));
        Ok(self)
    }

    /// The rows of a query over the tables.
    ///
    /// # Errors
    /// [`Error::Query`] for one that the engine does not understand or cannot answer.
    pub fn query(self, query: &str) -> Result<SqlSource, Error> {
        let names: Vec<String> = self.tables.iter().map(|(name, _)| name.clone()).collect();
        let failed = |detail: String| Error::Query { detail, tables: names.clone() };
        let mut context = SQLContext::new();
        for (name, table) in self.tables {
            let frame = table.into_frame().map_err(|cause| failed(cause.to_string()))?;
            context.register(&name, frame.lazy());
        }
        let lazy: LazyFrame = context.execute(query).map_err(|cause| failed(cause.to_string()))?;
        let frame = lazy.collect().map_err(|cause| failed(cause.to_string()))?;
        let name = format!("a query of {}", self.sources.join(" and "));
        Ok(SqlSource { name, frame: FrameSource::new(&frame), found: self.found })
    }
}

/// Reads the rows of a query.
#[derive(Debug)]
pub struct SqlSource {
    name: String,
    frame: FrameSource,
    found: Vec<Found>,
}

impl LogSource for SqlSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        self.frame.column_names()
    }

    fn found(&self) -> Vec<Found> {
        self.found.clone()
    }

    fn select(&mut self, columns: &[usize]) {
        self.frame.select(columns);
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        self.frame.next_batch()
    }
}
