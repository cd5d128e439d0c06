//! The one table: plain data, with names as the log has them. Each rendering is a file of its own here, escapes
//! names in its own way, and decides what fits. What stands in a table is not known here.

mod csv;
mod html;
mod layout;
mod lines;
mod markdown;
mod record;
mod terminal;

pub(super) use self::markdown::escaped as markdown_escaped;
pub(super) use self::record::{
    Fields, cells, field, fields, messages, names, nested, nothing, record, words_joined, words_of,
};

use crate::base::text::number;
use crate::estimate::words;
use crate::estimate::{ConfidenceInterval, NoInterval};
use crate::statistic::value::Value;

/// The width for which reports are printed, in columns of a terminal.
pub const STANDARD_WIDTH: usize = 120;

/// The floor of columns of names, in columns of a terminal.
pub(super) const NAME_FLOOR: usize = 16;

/// A table as data: what reports print, and the pages and files made of them.
///
/// Names in it are those of the log to the letter; whatever shows a table escapes them.
///
/// ```
/// use tiltmeter::report::{Cell, Column, Table};
///
/// let table = Table {
///     caption: "Topics".to_owned(),
///     columns: vec![Column::name("topic"), Column::number("value")],
///     rows: vec![vec![Cell::Name("a|b\u{1b}".to_owned()), Cell::Count(7)]],
/// };
/// assert_eq!(table.to_markdown(), "| topic      | value |\n|------------|-------|\n| a\\|b\\u{1b} |     7 |");
/// assert_eq!(table.to_csv(), "topic,value\na|b\\u{1b},7\n");
/// assert!(table.to_html().contains("<bdi>a|b\\u{1b}</bdi>"));
/// assert!(table.to_text(80).starts_with(" topic       value "));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Table {
    /// What it shows, in words; names among them are in quotes.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows: as many cells as columns in each.
    pub rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// Its heading; in tables for programs the name of the field.
    pub heading: String,
    /// On which side its cells stand.
    pub align: Align,
    /// How it gives way where the table is too wide.
    pub yields: Yields,
}

/// On which side of a column its cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// How a column gives way where a table is wider than a terminal. First names wrap, then columns that may go first
/// are left out, then all wrap between words, then others are left out. What was left out is named below the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Yields {
    /// It wraps, within words if need be, down to so many columns of the terminal.
    Wrapping {
        /// How many.
        floor: usize,
    },
    /// It is left out before anything but names wraps; the lowest number goes first.
    First(u8),
    /// It is left out where wrapping does not help; the lowest number goes first.
    Later(u8),
    /// It wraps between words at last, and is never left out.
    Never,
}

/// What is in a cell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// There is nothing to say.
    Nothing,
    /// Words of the library's own; names among them are in quotes.
    Words(String),
    /// A name from the data, to the letter.
    Name(String),
    /// A count.
    Count(u64),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number {
        /// All of it.
        value: f64,
        /// As it is shown to people.
        shown: String,
    },
    /// Some of them, one after the other.
    Parts(Vec<Cell>),
}

impl Column {
    /// Of names, which wrap.
    #[must_use]
    pub fn name(heading: impl Into<String>) -> Self {
        let yields = Yields::Wrapping { floor: NAME_FLOOR };
        Self { heading: heading.into(), align: Align::Left, yields }
    }

    /// Of words, which is never left out.
    #[must_use]
    pub fn words(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), align: Align::Left, yields: Yields::Never }
    }

    /// Of numbers, which is never left out.
    #[must_use]
    pub fn number(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), align: Align::Right, yields: Yields::Never }
    }

    /// The same, giving way otherwise.
    #[must_use]
    pub fn yielding(self, yields: Yields) -> Self {
        Self { yields, ..self }
    }
}

impl Cell {
    /// Words.
    #[must_use]
    pub fn words(words: impl Into<String>) -> Self {
        Self::Words(words.into())
    }

    /// A name.
    #[must_use]
    pub fn name(name: impl Into<String>) -> Self {
        Self::Name(name.into())
    }

    /// A number in four digits, if there is one.
    #[must_use]
    pub fn number(value: impl Into<Option<f64>>) -> Self {
        match value.into() {
            None => Self::Nothing,
            Some(value) => Self::shown(value, number(value)),
        }
    }

    /// A number as it is to be shown; one that is not finite is words.
    pub(super) fn shown(value: f64, shown: String) -> Self {
        match value.is_finite() {
            true => Self::Number { value, shown },
            false => Self::Words(shown),
        }
    }

    /// The name of a statistic: those of the library's own are words.
    pub(super) fn statistic(name: &str) -> Self {
        match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            true => Self::words(name),
            false => Self::name(name),
        }
    }

    /// A value, or the state it is in.
    pub(super) fn value(value: Value) -> Self {
        match value {
            Value::Estimated(at) | Value::Zero(at) => Self::shown(at, words::value(value)),
            Value::Between { low, high } => Self::Parts(vec![
                Self::words("from "),
                Self::number(low),
                Self::words(" to "),
                Self::number(high),
            ]),
            _ => Self::Words(words::value(value)),
        }
    }

    /// An interval.
    pub(super) fn interval(interval: &ConfidenceInterval) -> Self {
        let words = Self::words;
        match (interval.low, interval.high) {
            (Some(low), Some(high)) => {
                Self::Parts(vec![Self::number(low), words(" to "), Self::number(high)])
            }
            (Some(low), None) => Self::Parts(vec![Self::number(low), words(" or more")]),
            (None, Some(high)) => Self::Parts(vec![Self::number(high), words(" or less")]),
            (None, None) => words("unbounded"),
        }
    }

    /// An interval, or in words why there is none.
    pub(super) fn interval_or_why(interval: &Result<ConfidenceInterval, NoInterval>) -> Self {
        match interval {
            Ok(interval) => Self::interval(interval),
            Err(reason) => Self::Words(format!("none: {reason}")),
        }
    }

    /// A share in percent, with two decimals.
    pub(super) fn percent(share: Option<f64>) -> Self {
        let percent = |share: f64| format!("{}%", crate::base::digits::decimals(100.0 * share, 2));
        share.map_or(Self::Nothing, |share| Self::shown(share, percent(share)))
    }

    /// Two counts.
    pub(super) fn counts(first: u64, second: u64) -> Self {
        Self::Parts(vec![Self::Count(first), Self::words(" / "), Self::Count(second)])
    }

    /// As people see it, with names through a rendering's own escape, and words through another.
    fn text(&self, name: fn(&str) -> String, words: fn(&str) -> String) -> String {
        match self {
            Self::Nothing => "-".to_owned(),
            Self::Words(its) => words(its),
            Self::Name(its) => name(its),
            Self::Count(count) => count.to_string(),
            Self::Whole(whole) => whole.to_string(),
            Self::Number { shown, .. } => shown.clone(),
            Self::Parts(parts) => parts.iter().map(|its| its.text(name, words)).collect(),
        }
    }
}

/// Tables one below the other in Markdown, each under its caption where there are several.
pub(super) fn in_markdown(tables: &[Table]) -> String {
    match tables {
        [one] => one.to_markdown(),
        several => {
            let each = several
                .iter()
                .map(|its| format!("{}\n\n{}", markdown_escaped(&its.caption), its.to_markdown()));
            each.collect::<Vec<_>>().join("\n\n")
        }
    }
}

/// The heading of intervals, by the first of them.
pub(super) fn of_level<'i>(
    mut intervals: impl Iterator<Item = Option<&'i ConfidenceInterval>>,
) -> String {
    match intervals.find_map(|its| its) {
        Some(its) => format!("{}% interval", crate::base::text::percent(its.level)),
        None => "interval".to_owned(),
    }
}
