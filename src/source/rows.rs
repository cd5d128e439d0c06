//! Rows that come one after the other: from a cursor of a database, an iterator, a generator.

use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;
use crate::log::{Batch, Column, LogSource, TextColumn};

/// So many rows are put into columns at a time.
const ROWS: usize = 8192;

/// Rows from an iterator, and what each column takes from a row. Rows are read as they are needed, so that a log
/// may be tallied without being held ([`job::tally_source`](crate::job::tally_source)).
///
/// A function that answers `None` has no value in that row.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::source::RowSource;
/// use tiltmeter::ExposureLog;
///
/// struct Shown {
///     viewer: String,
///     feed: &'static str,
///     rank: i64,
///     topics: Vec<String>,
/// }
/// let shown = (0..100).map(|at| Shown {
///     viewer: format!("v{}", at / 10),
///     feed: if at % 20 < 10 { "ranked" } else { "newest" },
///     rank: 1 + at % 10,
///     topics: if at % 3 == 0 { vec!["war".to_owned()] } else { vec![] },
/// });
/// let source = RowSource::new("shown", shown)
///     .text("viewer", |row| Some(&row.viewer))
///     .text("feed", |row| Some(row.feed))
///     .integer("rank", |row| Some(row.rank))
///     .lists("topics", |row| Some(row.topics.clone()));
/// let schema =
///     LogSchema::new().viewer("viewer").arm("feed").position("rank").topics(TopicColumn::single("topics"));
/// let log = ExposureLog::read(source, &schema)?;
/// assert_eq!(log.rows(), 100);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[must_use]
pub struct RowSource<'s, T> {
    name: String,
    rows: Box<dyn Iterator<Item = Result<T, Error>> + 's>,
    names: Vec<String>,
    columns: Vec<Box<Take<'s, T>>>,
    selected: Vec<usize>,
}

type Take<'s, T> = dyn Fn(&[T]) -> Column + 's;

impl<'s, T: 's> RowSource<'s, T> {
    /// Rows without columns yet; `name` is what errors will call them.
    pub fn new(name: impl Into<String>, rows: impl IntoIterator<Item = T, IntoIter: 's>) -> Self {
        Self::of(name.into(), Box::new(rows.into_iter().map(Ok)))
    }

    /// The same of rows that may fail to come, as from a database: the first error ends the reading, with the
    /// number of its row ([`Error::Rows`]).
    ///
    /// ```
    /// use tiltmeter::log::LogSchema;
    /// use tiltmeter::source::RowSource;
    /// use tiltmeter::{Error, ExposureLog};
    /// let rows = ["ranked", "newest", "lost"].map(|row| match row {
    ///     "lost" => Err(std::io::Error::other("the connection was closed")),
    ///     arm => Ok(arm),
    /// });
    /// let source = RowSource::fallible("the table shown", rows).text("feed", |row| Some(row));
    /// let error = ExposureLog::read(source, &LogSchema::new().arm("feed")).unwrap_err();
    /// assert_eq!(error.to_string(), "the table shown, row 3: the connection was closed");
    /// ```
    pub fn fallible<E: StdError + Send + Sync + 'static>(
        name: impl Into<String>,
        rows: impl IntoIterator<Item = Result<T, E>, IntoIter: 's>,
    ) -> Self {
        let name = name.into();
        let source = name.clone();
        let rows = (1_u64..).zip(rows).map(move |(row, read)| {
            read.map_err(|cause| Error::Rows { name: source.clone(), row, cause: Box::new(cause) })
        });
        Self::of(name, Box::new(rows))
    }

    fn of(name: String, rows: Box<dyn Iterator<Item = Result<T, Error>> + 's>) -> Self {
        Self { name, rows, names: Vec::new(), columns: Vec::new(), selected: Vec::new() }
    }

    fn column(mut self, name: impl Into<String>, take: impl Fn(&[T]) -> Column + 's) -> Self {
        self.names.push(name.into());
        self.columns.push(Box::new(take));
        self
    }

    /// Adds a column of text; an empty text is a null.
    pub fn text(
        self,
        name: impl Into<String>,
        of: impl for<'r> Fn(&'r T) -> Option<&'r str> + 's,
    ) -> Self {
        self.column(name, move |rows| Column::Text(rows.iter().map(&of).collect::<TextColumn>()))
    }

    /// Adds a column of whole numbers.
    pub fn integer(self, name: impl Into<String>, of: impl Fn(&T) -> Option<i64> + 's) -> Self {
        self.column(name, move |rows| Column::Integer(rows.iter().map(&of).collect()))
    }

    /// Adds a column of floating-point numbers.
    pub fn float(self, name: impl Into<String>, of: impl Fn(&T) -> Option<f64> + 's) -> Self {
        self.column(name, move |rows| Column::Float(rows.iter().map(&of).collect()))
    }

    /// Adds a column of moments, in microseconds since 1970-01-01T00:00:00Z.
    pub fn time(self, name: impl Into<String>, of: impl Fn(&T) -> Option<i64> + 's) -> Self {
        self.column(name, move |rows| Column::Timestamp(rows.iter().map(&of).collect()))
    }

    /// Adds a column of lists of text, such as the topics of each impression.
    pub fn lists(
        self,
        name: impl Into<String>,
        of: impl Fn(&T) -> Option<Vec<String>> + 's,
    ) -> Self {
        self.column(name, move |rows| Column::TextList(rows.iter().map(&of).collect()))
    }
}

impl<T> fmt::Debug for RowSource<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowSource")
            .field("name", &self.name)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl<T> LogSource for RowSource<'_, T> {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let rows: Vec<T> = self.rows.by_ref().take(ROWS).collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Ok(None);
        }
        let taken = self.selected.iter().filter_map(|&at| self.columns.get(at));
        let columns = taken.map(|take| take(&rows)).collect();
        Ok(Some(Batch { columns, unreadable: Vec::new() }))
    }
}
