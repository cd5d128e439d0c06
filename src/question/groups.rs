//! The groups that an audit answers one by one, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::window::WindowBy;
use crate::base::printable::quoted;

/// The groups that an audit answers one by one: by columns, by windows of time, by pairs of arms, and by all
/// of these together.
///
/// Each answer is that of an audit of the group's rows alone; what is adjusted for how many there are is
/// adjusted over all groups, pairs and topics of a statistic. Against a reference with a bias the larger of the
/// p-values of its two ends is adjusted, which is never bolder than adjusting at each end.
///
/// ```
/// use tiltmeter::Question;
/// use tiltmeter::tally::WindowBy;
/// let question = Question::between("ranked", "newest").by("country").windows(WindowBy::weeks());
/// assert_eq!(question.groups.to_string(), "\"country\", windows of time");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct GroupBy {
    /// Columns: a group for each combination of their values that the log has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Windows of time: a group for each that the log has rows in.
    pub windows: WindowBy,
    /// Which arms are compared.
    pub pairs: Pairs,
}

/// Which arms are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Pairs {
    /// The treatment and the baseline of the question.
    #[default]
    Asked,
    /// Every arm of the log with every other, each two once. The treatment comes before all others and the
    /// baseline, an arm, after them; others go by name.
    All,
}

/// The group that an estimate is of, in one respect.
///
/// ```
/// use tiltmeter::Group;
/// let group = Group { column: "country".into(), value: "DE".into() };
/// assert_eq!(group.to_string(), "\"country\" is \"DE\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The column by its name in the log; `window` for windows of time.
    pub column: String,
    /// The value that the group's rows have; of a window its first moment, in UTC: a date, or a date with a
    /// time where windows do not start at midnight.
    pub value: String,
}

impl GroupBy {
    /// Whether there is one answer for all rows and the arms that were named.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns.iter().map(|column| quoted(column));
        let windows = (self.windows != WindowBy::Nothing).then(|| "windows of time".to_owned());
        let pairs = (self.pairs == Pairs::All).then(|| "pairs of arms".to_owned());
        f.write_str(&columns.chain(windows).chain(pairs).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", quoted(&self.column), quoted(&self.value))
    }
}
