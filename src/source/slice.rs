//! Columns that are already in memory as slices.

use ndarray::ArrayView1;

use crate::error::Error;
use crate::log::{Batch, Column, LogSource, TextColumn};

/// Columns given as slices, one call each.
///
/// ```
/// use tiltmeter::log::LogSchema;
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("feed", &["ranked", "newest"])
///     .integer("rank", &[1, 2])
///     .float("dwell", &[3.5, 0.0]);
/// let schema = LogSchema::new().arm("feed").position("rank").weight("dwell");
/// assert_eq!(ExposureLog::read(source, &schema)?.rows(), 2);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SliceSource {
    name: String,
    names: Vec<String>,
    columns: Vec<Option<Column>>,
    selected: Option<Vec<usize>>,
}

impl SliceSource {
    /// No columns yet; `name` is what errors will call it.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds any column.
    #[must_use]
    pub fn column(mut self, name: impl Into<String>, column: Column) -> Self {
        self.names.push(name.into());
        self.columns.push(Some(column));
        self
    }

    /// Adds a column of text; an empty text is a null.
    #[must_use]
    pub fn text<T: AsRef<str>>(self, name: impl Into<String>, values: &[T]) -> Self {
        let column: TextColumn = values.iter().map(|value| Some(value.as_ref())).collect();
        self.column(name, Column::Text(column))
    }

    /// Adds a column of whole numbers.
    #[must_use]
    pub fn integer(self, name: impl Into<String>, values: &[i64]) -> Self {
        self.column(name, Column::Whole(values.to_vec()))
    }

    /// Adds a column of floating-point numbers.
    #[must_use]
    pub fn float(self, name: impl Into<String>, values: &[f64]) -> Self {
        let values = values.iter().copied().map(Some).collect();
        self.column(name, Column::Float(values))
    }

    /// Adds a column from an array of ndarray, of whole or of floating-point numbers; with any stride, as a column
    /// of a matrix has. `tiltmeter::ndarray` is its version.
    ///
    /// ```
    /// use tiltmeter::log::LogSchema;
    /// use tiltmeter::ndarray::{array, s};
    /// use tiltmeter::{ExposureLog, source::SliceSource};
    ///
    /// // Viewer, rank, dwell.
    /// let rows = array![[1.0, 1.0, 3.5], [1.0, 2.0, 0.0], [2.0, 1.0, 7.25]];
    /// let source = SliceSource::new("rows")
    ///     .array("viewer", &rows.column(0).mapv(|id| id as i64))
    ///     .array("rank", &rows.column(1).mapv(|rank| rank as i64))
    ///     .array("dwell", rows.slice(s![.., 2]));
    /// let schema = LogSchema::new().viewer("viewer").position("rank").weight("dwell");
    /// assert_eq!(ExposureLog::read(source, &schema)?.rows(), 3);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn array<'a, T: ArrayElement>(
        self,
        name: impl Into<String>,
        values: impl Into<ArrayView1<'a, T>>,
    ) -> Self {
        self.column(name, T::column(values.into()))
    }

    /// Adds a column of lists of text, such as the topics of each impression.
    #[must_use]
    pub fn lists<T: AsRef<str>>(self, name: impl Into<String>, values: &[&[T]]) -> Self {
        let list = |list: &&[T]| Some(list.iter().map(|v| v.as_ref().to_owned()).collect());
        let values = values.iter().map(list).collect();
        self.column(name, Column::TextList(values))
    }
}

/// What arrays that become columns hold.
pub trait ArrayElement: Copy + 'static + sealed::Sealed {
    /// The column of an array's values.
    #[doc(hidden)]
    fn column(values: ArrayView1<'_, Self>) -> Column;
}

mod sealed {
    /// Only the types below are elements of columns.
    pub trait Sealed {}
}

macro_rules! elements {
    ($($column:ident of $($number:ty),+;)*) => {$($(
        impl sealed::Sealed for $number {}

        impl ArrayElement for $number {
            fn column(values: ArrayView1<'_, Self>) -> Column {
                Column::$column(values.iter().map(|&value| Some(value.into())).collect())
            }
        }
    )+)*};
}

elements! {
    Integer of i64, i32, i16, u32, u16, u8;
    Float of f64, f32;
}

impl LogSource for SliceSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = Some(columns.to_vec());
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let Some(selected) = self.selected.take() else {
            return Ok(None);
        };
        // A column is given away the last time it is asked for; one that does not exist is left
        // out, and the log refuses the batch.
        let column = |(at, &index): (usize, &usize)| match selected[at + 1..].contains(&index) {
            true => self.columns.get(index).cloned().flatten(),
            false => self.columns.get_mut(index).and_then(Option::take),
        };
        let columns = selected.iter().enumerate().filter_map(column).collect();
        Ok(Some(Batch { columns, unreadable: Vec::new() }))
    }
}
