//! How long things in files may be, so that no file takes more memory than what was asked for. What is
//! longer is refused when its length is known, before it is held.

use std::fmt;

/// The longest line of delimited text or NDJSON, in bytes: 1 MiB, its end included, quoted line ends as well.
/// A header is a line, and so is an element of a JSON document's array of rows.
pub const MAX_LINE: usize = 1 << 20;

/// The longest text of a value that plays a role (an id, an arm, a topic), in bytes: 64 KiB. Columns
/// that no role reads may hold longer ones, as far as their lines are no longer than [`MAX_LINE`].
pub const MAX_VALUE: usize = 1 << 16;

/// The most columns of delimited text, and keys of NDJSON: 65,536.
pub const MAX_COLUMNS: usize = 1 << 16;

/// The largest page of a Parquet file once it is decompressed, in bytes: 128 MiB. A page is decoded
/// as a whole. A [`TallyJob`](crate::job::TallyJob) reads only pages that fit into its memory.
pub const MAX_PAGE: usize = 128 << 20;

/// The largest footer of a Parquet file, in bytes: 64 MiB. It is held as a whole while the file is read, as about
/// five times its size. A [`TallyJob`](crate::job::TallyJob) reads only files whose footers fit into its memory.
pub const MAX_FOOTER: usize = 64 << 20;

/// The largest weight an impression may have: 2^23. Weights are summed in fixed point, which
/// leaves no room for absurd ones; 2^23 milliseconds are 2.3 hours of dwell.
pub const MAX_WEIGHT: f64 = 8_388_608.0;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`MAX_LINE`].
    Line,
    /// [`MAX_COLUMNS`].
    Columns,
    /// [`MAX_PAGE`].
    Page,
    /// [`MAX_FOOTER`].
    Footer,
}

impl Limit {
    /// The most that there may be, in bytes or columns.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Self::Line => MAX_LINE,
            Self::Columns => MAX_COLUMNS,
            Self::Page => MAX_PAGE,
            Self::Footer => MAX_FOOTER,
        }
    }

    /// What to do.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Line => {
                "check the ends of lines and the quotes, or write the file without its long column"
            }
            Self::Columns => "write the file with the columns that are needed",
            Self::Page => "write the file with smaller pages (1 MiB is usual)",
            Self::Footer => "write the file with the columns that are needed, or larger row groups",
        }
    }
}

impl fmt::Display for Limit {
    /// How much there is of what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "a line of more than 1,048,576 bytes (MAX_LINE)",
            Self::Columns => "more than 65,536 columns (MAX_COLUMNS)",
            Self::Page => {
                "a page of more than 134,217,728 bytes (MAX_PAGE), or which says that it is"
            }
            Self::Footer => "a footer of more than 67,108,864 bytes (MAX_FOOTER)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_agree() {
        for limit in [Limit::Line, Limit::Columns, Limit::Page, Limit::Footer] {
            let words = limit.to_string().replace(',', "");
            assert!(words.contains(&limit.most().to_string()), "{words}");
        }
    }
}
