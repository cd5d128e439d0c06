//! Values and intervals of statistics.

use serde::{Deserialize, Serialize};

use super::Undefined;

/// The value of a statistic, or the state it is in. Never NaN.
///
/// ```
/// use tiltmeter::Value;
/// assert_eq!(Value::Estimated(1.5).number(), Some(1.5));
/// assert_eq!(Value::Infinite.number(), Some(f64::INFINITY));
/// assert_eq!(Value::Zero(0.0).state(), "zero");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A finite number.
    Estimated(f64),
    /// The topic's total above the line is zero: a ratio or share of 0, an amplification of
    /// -100%. The number is that.
    Zero(f64),
    /// Something over nothing: plus infinity.
    Infinite,
    /// The logarithm of nothing: minus infinity.
    NegativeInfinite,
    /// Not defined, with the reason.
    Undefined(Undefined),
    /// Somewhere between these two: what is not known is not only a matter of chance, so that more of
    /// the same data would not make it a number. They are ordered and may be infinite.
    Between {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
}

impl Value {
    /// The value as a number, infinities included; `None` if undefined.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Estimated(value) | Self::Zero(value) => Some(value),
            Self::Infinite => Some(f64::INFINITY),
            Self::NegativeInfinite => Some(f64::NEG_INFINITY),
            Self::Undefined(_) | Self::Between { .. } => None,
        }
    }

    /// The state's name in reports.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Estimated(_) => "estimated",
            Self::Zero(_) => "zero",
            Self::Infinite => "infinite",
            Self::NegativeInfinite => "negative_infinite",
            Self::Undefined(_) => "undefined",
            Self::Between { .. } => "between",
        }
    }
}

/// A confidence interval on the reported scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidenceInterval {
    /// The lower bound; `None` for a one-sided interval that only bounds from above.
    pub low: Option<f64>,
    /// The upper bound; `None` for a one-sided interval that only bounds from below.
    pub high: Option<f64>,
    /// The confidence level, in (0, 1).
    pub level: f64,
}
