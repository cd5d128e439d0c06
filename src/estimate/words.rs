//! Values and intervals in words or digits.

use crate::base::text::number;
use crate::statistic::value::{ConfidenceInterval, Value};

/// A value in words or digits.
pub(crate) fn value(value: Value) -> String {
    match value {
        Value::Estimated(at) => number(at),
        Value::Zero(at) => format!("{} (zero)", number(at)),
        Value::Infinite => "infinite".to_owned(),
        Value::NegativeInfinite => "-infinite".to_owned(),
        Value::Undefined(_) => "undefined".to_owned(),
        Value::Between { low, high } => format!("from {} to {}", number(low), number(high)),
    }
}

/// An interval in words or digits.
pub(crate) fn interval(interval: &ConfidenceInterval) -> String {
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        (Some(low), None) => format!("{} or more", number(low)),
        (None, Some(high)) => format!("{} or less", number(high)),
        (None, None) => "unbounded".to_owned(),
    }
}
