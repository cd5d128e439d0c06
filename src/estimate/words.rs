//! Values and intervals in words or digits.

use super::Estimate;
use crate::base::text::number;
use crate::statistic::Side;
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

/// How many clusters an arm has; of estimates that have different ones the least and the most.
pub(crate) fn clusters(
    estimates: &[Estimate],
    side: Side,
    written: impl Fn(u64) -> String,
) -> String {
    let of = |estimate: &Estimate| match side {
        Side::Treatment => estimate.clusters.treatment,
        Side::Baseline => estimate.clusters.baseline,
    };
    let least = estimates.iter().map(of).min().unwrap_or(0);
    let most = estimates.iter().map(of).max().unwrap_or(0);
    if least == most { written(least) } else { format!("{} to {}", written(least), written(most)) }
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
