//! What a file says of some of its rows before they are read.

/// Rows that a file holds together, and can be read without the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowGroup {
    pub(crate) rows: u64,
    /// The least and greatest value of the columns asked for, where the file says.
    pub(crate) ranges: Vec<Option<(Bound, Bound)>>,
}

/// An end of the range of a column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only Parquet files say"))]
pub(crate) enum Bound {
    /// A whole number as it stands in the file.
    Whole(i64),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time(i64),
    /// Text, perhaps cut short.
    Text(String),
}
