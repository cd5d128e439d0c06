//! Which rows of a log are asked about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::quoted;

/// Rows with one of these ids in a column of the schema.
///
/// ```
/// use tiltmeter::Keep;
/// let keep = Keep { column: "state".into(), values: vec!["NY".into(), "GEORGIA".into()] };
/// assert_eq!(keep.to_string(), "\"state\" is \"NY\" or \"GEORGIA\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The column, by its name in the log.
    pub column: String,
    /// The ids, one of which a row must have.
    pub values: Vec<String>,
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(|value| quoted(value)).collect();
        write!(f, "{} is {}", quoted(&self.column), values.join(" or "))
    }
}
