//! Which rows of a log are asked about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::quoted;

/// Rows with one of these ids in a column of the schema.
///
/// Without ids they are rows that a program chose ([`ExposureLog::filter`](crate::ExposureLog::filter)), and what it
/// called them stands in the place of the column.
///
/// ```
/// use tiltmeter::Keep;
/// let keep = Keep::new("state", ["NY", "GEORGIA"]);
/// assert_eq!(keep.to_string(), "\"state\" is \"NY\" or \"GEORGIA\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The column, by its name in the log.
    pub column: String,
    /// The ids, one of which a row must have.
    pub values: Vec<String>,
}

impl Keep {
    /// Rows with one of these ids in this column.
    pub fn new<T: Into<String>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        Self { column: column.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.is_empty() {
            return write!(f, "they are {}", quoted(&self.column));
        }
        let values: Vec<String> = self.values.iter().map(|value| quoted(value)).collect();
        write!(f, "{} is {}", quoted(&self.column), values.join(" or "))
    }
}
