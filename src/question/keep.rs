//! Which rows of a log are asked about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::quoted;
use crate::error::Error;

/// Rows by what a column says: those with one of some ids, without them, or on one side of a number or a moment.
///
/// Without ids they are rows that a program chose ([`ExposureLog::filter`](crate::ExposureLog::filter)), and what it
/// called them stands in the place of the column.
///
/// ```
/// use tiltmeter::{Comparison, Keep};
/// let keep = Keep::new("state", ["NY", "GEORGIA"]);
/// assert_eq!(keep.to_string(), "\"state\" is \"NY\" or \"GEORGIA\"");
/// let adults = Keep::compared("age", Comparison::AtLeast, "18");
/// assert_eq!(adults.to_string(), "\"age\" is at least \"18\"");
/// assert!(adults.admits("9").is_ok_and(|kept| !kept) && adults.admits("40.5").is_ok_and(|kept| kept));
/// let since = Keep::compared("day", Comparison::AtLeast, "2026-03-09");
/// assert!(since.admits("2026-03-09T08:00:00+01:00").is_ok_and(|kept| kept));
/// assert!(since.admits("yesterday").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The column, by its name in the log.
    pub column: String,
    /// What its values must be to those here.
    #[serde(default, skip_serializing_if = "Comparison::is_one_of")]
    #[cfg_attr(feature = "json-schema", schemars(extend("default" = "one_of")))]
    pub is: Comparison,
    /// The ids, one of which a row must have or none; one number or moment to compare with.
    pub values: Vec<String>,
}

/// What a value of a column must be to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// One of the values.
    #[default]
    OneOf,
    /// None of them.
    NoneOf,
    /// Less than the value, or earlier.
    Below,
    /// No more than it, and no later.
    AtMost,
    /// More than it, or later.
    Above,
    /// No less than it, and no earlier.
    AtLeast,
}

impl Comparison {
    fn is_one_of(&self) -> bool {
        *self == Self::OneOf
    }

    /// In words, before a value.
    const fn in_words(self) -> &'static str {
        match self {
            Self::OneOf => "is",
            Self::NoneOf => "is not",
            Self::Below => "is below",
            Self::AtMost => "is at most",
            Self::Above => "is above",
            Self::AtLeast => "is at least",
        }
    }

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::OneOf => order.is_eq(),
            Self::NoneOf => order.is_ne(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// A value that is neither a number nor a moment, and is to be compared with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is to be compared with {with}, and is none")]
#[non_exhaustive]
pub struct NotComparable {
    /// What it is to be compared with.
    pub with: &'static str,
}

/// What a column is compared with.
enum Compared {
    Number(f64),
    Moment(i64),
}

impl Compared {
    /// A number, else a date or a time in ISO 8601.
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Self::Number).or_else(|| crate::base::time::iso(text).map(Self::Moment))
    }

    /// Where a value of the column lies, read as a number or as a moment.
    fn order(
        &self,
        number: impl FnOnce() -> Option<f64>,
        moment: impl FnOnce() -> Option<i64>,
    ) -> Result<std::cmp::Ordering, NotComparable> {
        match self {
            Self::Number(with) => match number() {
                Some(value) if value.is_finite() => Ok(value.total_cmp(with)),
                _ => Err(NotComparable { with: "a number" }),
            },
            Self::Moment(with) => match moment() {
                Some(at) => Ok(at.cmp(with)),
                None => Err(NotComparable { with: "a date or a time" }),
            },
        }
    }
}

impl Keep {
    /// Rows with one of these ids in this column.
    pub fn new<T: Into<String>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { column: column.into(), is: Comparison::OneOf, values }
    }

    /// Rows with none of these ids in this column.
    pub fn none_of<T: Into<String>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self { is: Comparison::NoneOf, ..Self::new(column, values) }
    }

    /// Rows whose value in this column is so to a number, or to a date or time in ISO 8601.
    pub fn compared(column: impl Into<String>, is: Comparison, value: impl Into<String>) -> Self {
        Self { is, ..Self::new(column, [value.into()]) }
    }

    /// Whether rows with this value in the column are kept.
    ///
    /// # Errors
    /// [`NotComparable`] for a value that is neither what the column is compared with.
    pub fn admits(&self, value: &str) -> Result<bool, NotComparable> {
        self.admits_read(
            value,
            |value| value.trim().parse().ok(),
            |value| crate::base::time::iso(value.trim()),
        )
    }

    /// The same of a value that is written as its file writes numbers and moments.
    pub(crate) fn admits_read(
        &self,
        value: &str,
        number: impl FnOnce(&str) -> Option<f64>,
        moment: impl FnOnce(&str) -> Option<i64>,
    ) -> Result<bool, NotComparable> {
        match self.is {
            Comparison::OneOf => Ok(self.values.iter().any(|its| its == value)),
            Comparison::NoneOf => Ok(!self.values.iter().any(|its| its == value)),
            is => {
                let with = self.values.first().and_then(|its| Compared::of(its));
                let with = with.ok_or(NotComparable { with: "a number, a date or a time" })?;
                with.order(|| number(value), || moment(value)).map(|order| is.holds(order))
            }
        }
    }

    /// Whether it can be answered.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a comparison with none or several values, or with what is neither a number
    /// nor a moment.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if matches!(self.is, Comparison::OneOf | Comparison::NoneOf) {
            return Ok(());
        }
        match self.values.as_slice() {
            [value] if Compared::of(value).is_some() => Ok(()),
            _ => Err(Error::Parameter {
                parameter: "the rows to keep",
                value: self.to_string(),
                expected: "a comparison with one number, or one date or time (2026-03-09, \
                           2026-03-09T08:00:00Z)",
            }),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.is_empty() {
            return write!(f, "they are {}", quoted(&self.column));
        }
        let values: Vec<String> = self.values.iter().map(|value| quoted(value)).collect();
        let or = if self.is == Comparison::NoneOf { " nor " } else { " or " };
        write!(f, "{} {} {}", quoted(&self.column), self.is.in_words(), values.join(or))
    }
}
