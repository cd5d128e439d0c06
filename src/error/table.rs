//! What can be wrong with one row of a tally's table.

use std::fmt;

use crate::base::printable::{printable, quoted};

/// The rule that a row of a tally's table breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFaultReason {
    /// Nothing where a value is needed.
    Null,
    /// A number with a fraction, or text that is no whole number.
    NotWhole,
    /// A cluster that is not 16 hexadecimal digits in lower case.
    NotAKey,
    /// A cluster that is not the first key of one of the spec's buckets.
    NotABucket,
    /// A kind other than `topic`, `all` and `tagged`.
    UnknownKind,
    /// A name that the file's metadata do not list.
    UnknownName,
    /// A stratum, window or topic in a row that has none.
    Unexpected,
    /// A window that does not start where the spec's windows do.
    NotAWindow,
    /// The cell of a cluster, or a total, a second time.
    Repeated,
    /// A count of 0 or less.
    NotPositive,
    /// A mass or sum of squares below 0.
    Negative,
    /// A mass or sum of squares that this many impressions cannot have, or a count that does not
    /// fit.
    TooLarge,
    /// More impressions, or more mass, of a topic than of tagged impressions, or of those than
    /// of all.
    MoreThanWhole,
    /// A cell whose total is in no row.
    NoTotal,
    /// A total that is not the sum of the rows of the clusters.
    TotalDiffers,
}

impl TableFaultReason {
    /// What the row should hold, and what to do.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Null => {
                "empty, which it is where a row of the log breaks a rule (no arm or time, a weight \
                 out of range, a position past the deepest rank) or a sum overflowed; look for it \
                 in the log"
            }
            Self::NotWhole => "not a whole number; cast sums to DECIMAL(38, 0) or text",
            Self::NotAKey => {
                "not a cluster key, which is the first 16 digits of md5(id) in lower case (a row \
                 of the log without an id has none)"
            }
            Self::NotABucket => {
                "not the first key of a bucket; make the table with the spec it is imported with"
            }
            Self::UnknownKind => "not a kind of cell; they are topic, all and tagged",
            Self::UnknownName => "not among the names in the file's metadata; export it again",
            Self::Unexpected => {
                "must be empty (a window 0) where the spec keeps none apart or the row is of no \
                 topic; make the table with the spec it is imported with"
            }
            Self::NotAWindow => {
                "not the first microsecond of one of the spec's windows; make the table with the \
                 spec it is imported with"
            }
            Self::Repeated => "in an earlier row too; group by all key columns, once",
            Self::NotPositive => "counts are 1 or more; leave empty cells out",
            Self::Negative => "masses and squares are 0 or more; export it again",
            Self::TooLarge => {
                "more than so many impressions can have; masses are whole numbers in units of \
                 2^-40, of weights up to 8,388,608"
            }
            Self::MoreThanWhole => {
                "more than the tagged impressions of the cluster, or than all; export it again"
            }
            Self::NoTotal => {
                "a cell without a row for its total (no cluster); group by grouping sets with and \
                 without the cluster"
            }
            Self::TotalDiffers => {
                "not what the rows of the clusters add up to; rows were lost, added or changed: \
                 export it again"
            }
        }
    }
}

/// One row of a tally's table that breaks a rule: where it is, what it holds and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFault {
    /// The file.
    pub file: String,
    /// The column.
    pub column: String,
    /// The row, counted from 1.
    pub row: u64,
    /// What the row holds there, as text; cut after 200 characters.
    pub value: String,
    /// The rule it breaks.
    pub reason: TableFaultReason,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, column, row, value, reason } = self;
        let (file, column, value) = (printable(file), quoted(column), quoted(value));
        write!(f, "{file}: row {row}, column {column}: {value}: {}", reason.mend())
    }
}

impl std::error::Error for TableFault {}
