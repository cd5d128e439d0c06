//! Which columns of a log and of a table of candidates hold what policies know, and their numbers.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::error::row::excerpt;
use crate::log::{Coded, ExposureLog, FaultReason, Role, RowFault};
use crate::policy::Feature;

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NumberColumn {
    /// The column declared as the weight, from 0 to [`MAX_WEIGHT`](crate::log::MAX_WEIGHT).
    Weight,
    /// The column declared as the engagement: any finite number.
    Engagement,
    /// The column declared as the satisfaction, from 0 to 1.
    Satisfaction,
    /// A further column ([`LogSchema::column`](crate::log::LogSchema::column)), of text or whole
    /// numbers, which is read as numbers: once for each distinct text.
    Named(String),
}

/// Which column of a table of candidates is what a [`Policy`](crate::policy::Policy) needs to know of
/// candidates. Topics and times of publication are the table's own; the others have to be named, and
/// a policy that needs one which is not is refused.
///
/// ```
/// use tiltmeter::replay::{CandidateColumns, NumberColumn};
/// let columns = CandidateColumns {
///     creator: Some("account".to_owned()),
///     affinity: Some(NumberColumn::Engagement), // the platform's own score
///     ..CandidateColumns::default()
/// };
/// # let json = serde_json::to_string(&columns).unwrap();
/// # assert_eq!(serde_json::from_str::<CandidateColumns>(&json).unwrap(), columns);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CandidateColumns {
    /// Who published a candidate: a further column, or that of a role.
    pub creator: Option<String>,
    /// Its leaning: below 0 left, above 0 right.
    pub leaning: Option<NumberColumn>,
    /// Its quality, not negative.
    pub quality: Option<NumberColumn>,
    /// How much the viewer likes it or is believed to, not negative: a platform's score.
    pub affinity: Option<NumberColumn>,
}

impl CandidateColumns {
    /// Those of [`Simulation::candidates`](crate::simulate::Simulation::candidates).
    #[must_use]
    pub fn of_simulation() -> Self {
        let named = |name: &str| Some(NumberColumn::Named(name.to_owned()));
        Self {
            creator: Some("creator".to_owned()),
            leaning: named("leaning"),
            quality: named("quality"),
            affinity: Some(NumberColumn::Weight),
        }
    }
}

/// Which columns of a log hold what a policy may know of a request, or learns from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestColumns {
    /// The viewer's leaning, as it stands in the first row of a slate; 0 by default.
    pub leaning: Option<NumberColumn>,
    /// Seconds that the viewer spent on the item, not negative; 0 by default.
    pub dwell: Option<NumberColumn>,
}

/// In what range numbers must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Finite,
    NotNegative,
}

/// The numbers of a column, by row.
#[derive(Clone, Debug)]
pub(super) enum Numbers<'t> {
    Plain(&'t [f64]),
    /// By code.
    Coded(&'t [u32], Vec<f32>),
    /// Zero in every row.
    Zero,
}

impl Numbers<'_> {
    pub(super) fn at(&self, row: usize) -> f32 {
        match self {
            Self::Plain(values) => values[row] as f32,
            Self::Coded(codes, values) => values[codes[row] as usize],
            Self::Zero => 0.0,
        }
    }
}

/// Names the row of a fault.
pub(super) struct Place<'a> {
    pub(super) table: &'a ExposureLog,
    /// The row of the source, counted from 1, for a row of the table.
    pub(super) source_row: &'a dyn Fn(usize) -> u64,
}

impl<'a> Place<'a> {
    fn fault(&self, column: &str, row: usize, value: &str, reason: FaultReason) -> Error {
        Error::Row(Box::new(RowFault {
            file: self.table.origin().source.clone(),
            column: column.to_owned(),
            row: (self.source_row)(row),
            value: excerpt(value),
            reason,
        }))
    }

    fn numbers(&self, column: &NumberColumn, range: Range) -> Result<Numbers<'a>, Error> {
        let role = match column {
            NumberColumn::Weight => Role::Weight,
            NumberColumn::Engagement => Role::Engagement,
            NumberColumn::Satisfaction => Role::Satisfaction,
            NumberColumn::Named(name) => return self.parsed(name, range),
        };
        let values = self.table.require_numbers(role, "a replay (it is a column of a policy's)")?;
        let bad = |value: &f64| reason_against(*value, range).is_some();
        match values.iter().position(bad) {
            None => Ok(Numbers::Plain(values)),
            Some(row) => {
                let reason = reason_against(values[row], range).unwrap_or(FaultReason::NotFinite);
                Err(self.fault(&role.to_string(), row, &values[row].to_string(), reason))
            }
        }
    }

    fn parsed(&self, name: &str, range: Range) -> Result<Numbers<'a>, Error> {
        let column = self.table.column(name)?;
        let read = |id: &str| match id.trim().parse::<f64>() {
            Err(_) => Err(FaultReason::NotANumber),
            Ok(value) => reason_against(value, range).map_or(Ok(value as f32), Err),
        };
        let values: Vec<Result<f32, FaultReason>> = column.dictionary().iter().map(read).collect();
        let bad = |code: &u32| values[*code as usize].is_err();
        match column.codes().iter().position(bad) {
            None => {
                let values = values.into_iter().map(Result::unwrap_or_default).collect();
                Ok(Numbers::Coded(column.codes(), values))
            }
            Some(row) => {
                let reason = values[column.codes()[row] as usize].err();
                let value = column.id(row).unwrap_or_default();
                Err(self.fault(name, row, value, reason.unwrap_or(FaultReason::NotANumber)))
            }
        }
    }
}

/// Why a value may not stand in a range: policies know numbers of 32 bits.
fn reason_against(value: f64, range: Range) -> Option<FaultReason> {
    if !(value as f32).is_finite() {
        Some(FaultReason::NotFinite)
    } else if range == Range::NotNegative && value < 0.0 {
        Some(FaultReason::NegativeNumber)
    } else {
        None
    }
}

/// What a table tells of its candidates, by row.
#[derive(Debug)]
pub(super) struct Features<'t> {
    pub(super) births: Option<&'t [i64]>,
    pub(super) creators: Option<&'t Coded>,
    pub(super) leanings: Option<Numbers<'t>>,
    pub(super) qualities: Option<Numbers<'t>>,
    pub(super) affinities: Option<Numbers<'t>>,
}

impl<'t> Features<'t> {
    /// Reads all columns that are named.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] and [`Error::MissingRole`] for a column that is not there;
    /// [`Error::Row`] for the first row whose number is none.
    pub(super) fn of(place: &Place<'t>, columns: &CandidateColumns) -> Result<Self, Error> {
        let read = |column: &Option<NumberColumn>, range| {
            column.as_ref().map(|column| place.numbers(column, range)).transpose()
        };
        let creator = columns.creator.as_deref();
        Ok(Self {
            births: place.table.times(),
            creators: creator.map(|creator| place.table.column(creator)).transpose()?,
            leanings: read(&columns.leaning, Range::Finite)?,
            qualities: read(&columns.quality, Range::NotNegative)?,
            affinities: read(&columns.affinity, Range::NotNegative)?,
        })
    }

    /// Whether a policy can know all that it needs of these candidates.
    ///
    /// # Errors
    /// [`Error::Candidates`] for what is missing.
    pub(super) fn require(
        &self,
        table: &ExposureLog,
        needs: &[Feature],
        policy: &str,
    ) -> Result<(), Error> {
        let has = |feature: &Feature| match feature {
            Feature::Topics => table.topics().is_some(),
            Feature::Births => self.births.is_some(),
            Feature::Creators => self.creators.is_some(),
            Feature::Leanings => self.leanings.is_some(),
            Feature::Qualities => self.qualities.is_some(),
            Feature::Affinities => self.affinities.is_some(),
        };
        let Some(missing) = needs.iter().find(|feature| !has(feature)) else { return Ok(()) };
        let whence = match missing {
            Feature::Topics => "the topics of its LogSchema",
            Feature::Births => "the time of its LogSchema",
            _ => "a column that CandidateColumns names",
        };
        Err(Error::Candidates {
            detail: format!(
                "{}: no {} ({whence}), which the policy {policy} needs",
                table.origin().source,
                missing.name()
            ),
        })
    }
}

/// What a log tells of its requests, by row.
#[derive(Debug)]
pub(super) struct RequestNumbers<'l> {
    pub(super) leanings: Numbers<'l>,
    pub(super) dwells: Numbers<'l>,
}

impl<'l> RequestNumbers<'l> {
    /// Reads the columns that are named; errors as [`Features::of`].
    pub(super) fn of(place: &Place<'l>, columns: &RequestColumns) -> Result<Self, Error> {
        let read = |column: &Option<NumberColumn>, range| match column {
            Some(column) => place.numbers(column, range),
            None => Ok(Numbers::Zero),
        };
        Ok(Self {
            leanings: read(&columns.leaning, Range::Finite)?,
            dwells: read(&columns.dwell, Range::NotNegative)?,
        })
    }
}
