//! What impressions are weighed by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What impressions weigh, before any position model.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::source::SliceSource;
/// use tiltmeter::tally::{Tally, TallySpec, Weights};
/// use tiltmeter::ExposureLog;
/// let source = SliceSource::new("rows")
///     .text("who", &["anna", "bert"])
///     .text("feed", &["ranked", "newest"])
///     .float("dwell", &[1.5, 4.0]);
/// let schema = LogSchema::new().viewer("who").arm("feed").weight("dwell");
/// let log = ExposureLog::read(source, &schema)?;
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// assert_eq!(*tally.weights(), Weights::Columns(vec!["dwell".into()]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Weights {
    /// Not known, as of a table that another program made, or of the looks of a
    /// [`Monitor`](crate::inference::Monitor).
    #[default]
    Unknown,
    /// One each.
    Equal,
    /// What this column of the log says; several where tallies of several logs were merged.
    Columns(Vec<String>),
}

impl Weights {
    /// Of tallies that are added; not known where that of one is not. What was weighed and what was not are
    /// no parts of one sum.
    pub(crate) fn of_all<'w>(all: impl IntoIterator<Item = &'w Self>) -> Result<Self, Error> {
        let (unknown, known): (Vec<&Self>, Vec<&Self>) =
            all.into_iter().partition(|its| **its == Self::Unknown);
        let mut known = known.into_iter();
        let together = match known.next() {
            Some(first) => known.try_fold(first.clone(), Self::with)?,
            None => Self::Unknown,
        };
        Ok(if unknown.is_empty() { together } else { Self::Unknown })
    }

    fn with(self, more: &Self) -> Result<Self, Error> {
        match (self, more) {
            (Self::Columns(mut columns), Self::Columns(others)) => {
                columns.extend(others.iter().cloned());
                columns.sort_unstable();
                columns.dedup();
                Ok(Self::Columns(columns))
            }
            (mine, others) if mine == *others => Ok(mine),
            (mine, others) => Err(Error::Unmergeable {
                what: "the weight",
                first: mine.to_string(),
                second: others.to_string(),
            }),
        }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("weights that are not known"),
            Self::Equal => f.write_str("1 for every impression"),
            Self::Columns(columns) => {
                let quoted: Vec<String> = columns.iter().map(|its| format!("{its:?}")).collect();
                f.write_str(&quoted.join(" and "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_weighed_is_not_added_to_what_is_not() {
        let dwell = Weights::Columns(vec!["dwell".into()]);
        let watched = Weights::Columns(vec!["watched".into(), "dwell".into()]);
        let (equal, unknown) = (Weights::Equal, Weights::Unknown);
        let both = Weights::of_all([&dwell, &watched, &dwell]).unwrap();
        assert_eq!(both.to_string(), r#""dwell" and "watched""#);
        assert_eq!(Weights::of_all([&equal, &equal]).unwrap(), equal);
        assert_eq!(Weights::of_all([&equal, &unknown]).unwrap(), unknown);
        // What is not known hides nothing of the others.
        for all in [vec![&equal, &dwell], vec![&unknown, &equal, &dwell]] {
            let error = Weights::of_all(all).unwrap_err().to_string();
            assert!(error.contains("the weight is") && error.contains("dwell"), "{error}");
        }
    }
}
