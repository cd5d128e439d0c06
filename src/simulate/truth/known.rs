//! A value that is known: in closed form, or from simulations with the error that they leave.

use serde::{Deserialize, Serialize};

use crate::estimate::Value;
use crate::estimate::json::StateRecord;
use crate::statistic::{Scale, Undefined, Working};

/// A true value and how well it is known. Never NaN: a value that there is not is a state.
///
/// ```
/// use tiltmeter::Value;
/// use tiltmeter::simulate::{Precision, TrueValue};
/// let known = TrueValue { value: Value::Estimated(1.5), how: Precision::Exact };
/// assert_eq!((known.number(), known.standard_error()), (Some(1.5), Some(0.0)));
/// let text = serde_json::to_string(&known).unwrap();
/// assert_eq!(serde_json::from_str::<TrueValue>(&text).unwrap(), known);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "KnownRecord", try_from = "KnownRecord")]
pub struct TrueValue {
    /// The value, on the scale that it is reported on.
    pub value: Value,
    /// How it is known.
    pub how: Precision,
}

/// How a true value is known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Precision {
    /// In closed form, or by adding up all that can happen: to rounding.
    Exact,
    /// From replicates of the whole simulation.
    MonteCarlo {
        /// The standard error of the value, on the scale that it is reported on; `None` where the
        /// value is not finite.
        standard_error: Option<f64>,
        /// The same on the statistic's working scale: of the logarithm, for ratios.
        working_error: Option<f64>,
        /// How many replicates there were.
        replicates: u32,
    },
}

impl TrueValue {
    /// The value as a number, infinities included; `None` if undefined.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.value.number()
    }

    /// Its standard error on the reported scale: 0 for an exact value; `None` where it has none.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        match self.how {
            Precision::Exact => self.number().map(|_| 0.0),
            Precision::MonteCarlo { standard_error, .. } => standard_error,
        }
    }

    /// Whether it is known to rounding.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.how == Precision::Exact
    }

    /// A working value with the variance that replicates leave; exact without replicates.
    pub(super) fn of(
        working: Working,
        scale: Scale,
        variance: Option<f64>,
        replicates: Option<u32>,
    ) -> Self {
        let value = crate::inference::reported(working, scale);
        let how = match replicates {
            None => Precision::Exact,
            Some(replicates) => {
                let finite = |at: &f64| at.is_finite();
                let working_error = match working {
                    Working::Finite(_) => variance.map(f64::sqrt).filter(finite),
                    _ => None,
                };
                let slope = match working {
                    Working::Finite(at) => scale.slope(at),
                    _ => 0.0,
                };
                let standard_error = working_error.map(|error| error * slope).filter(finite);
                Precision::MonteCarlo { standard_error, working_error, replicates }
            }
        };
        Self { value, how }
    }
}

/// As it stands in JSON, which has no infinities.
#[derive(Serialize, Deserialize)]
struct KnownRecord {
    value: Option<f64>,
    state: StateRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undefined: Option<Undefined>,
    how: HowRecord,
    #[serde(default)]
    standard_error: Option<f64>,
    #[serde(default)]
    working_error: Option<f64>,
    #[serde(default)]
    replicates: Option<u32>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HowRecord {
    Exact,
    MonteCarlo,
}

impl From<TrueValue> for KnownRecord {
    fn from(known: TrueValue) -> Self {
        let (state, undefined) = match known.value {
            Value::Estimated(_) => (StateRecord::Estimated, None),
            Value::Zero(_) => (StateRecord::Zero, None),
            Value::Infinite => (StateRecord::Infinite, None),
            Value::NegativeInfinite => (StateRecord::NegativeInfinite, None),
            Value::Undefined(reason) => (StateRecord::Undefined, Some(reason)),
            // No statistic of totals is one; read back it is refused.
            Value::Between { .. } => (StateRecord::Between, None),
        };
        let value = known.number().filter(|value| value.is_finite());
        let record = Self {
            value,
            state,
            undefined,
            how: HowRecord::Exact,
            standard_error: None,
            working_error: None,
            replicates: None,
        };
        match known.how {
            Precision::Exact => record,
            Precision::MonteCarlo { standard_error, working_error, replicates } => Self {
                how: HowRecord::MonteCarlo,
                standard_error,
                working_error,
                replicates: Some(replicates),
                ..record
            },
        }
    }
}

impl TryFrom<KnownRecord> for TrueValue {
    type Error = String;

    fn try_from(record: KnownRecord) -> Result<Self, String> {
        let value = match (record.state, record.value, record.undefined) {
            (StateRecord::Estimated, Some(value), None) => Value::Estimated(value),
            (StateRecord::Zero, Some(value), None) => Value::Zero(value),
            (StateRecord::Infinite, None, None) => Value::Infinite,
            (StateRecord::NegativeInfinite, None, None) => Value::NegativeInfinite,
            (StateRecord::Undefined, None, Some(reason)) => Value::Undefined(reason),
            _ => return Err("the value, state and undefined of a truth do not agree".to_owned()),
        };
        let how = match (record.how, record.replicates) {
            (HowRecord::Exact, _) => Precision::Exact,
            (HowRecord::MonteCarlo, Some(replicates)) => Precision::MonteCarlo {
                standard_error: record.standard_error,
                working_error: record.working_error,
                replicates,
            },
            (HowRecord::MonteCarlo, None) => {
                return Err("a truth by monte_carlo does not say of how many replicates".to_owned());
            }
        };
        Ok(Self { value, how })
    }
}
