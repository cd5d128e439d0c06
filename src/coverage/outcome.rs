//! What comes of one audit of one study.

use crate::estimate::{Estimate, Value, Warning};
use crate::statistic::{Scale, Statistic};

/// What an estimate says, as far as studies count it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// The value on the working scale and as reported, where it is finite on both.
    pub(super) value: Option<(f64, f64)>,
    /// The ends of the interval, as reported.
    pub(super) interval: Option<(Option<f64>, Option<f64>)>,
    /// The p-value, adjusted where that was asked for.
    pub(super) p: Option<f64>,
    /// The kinds of its warnings, each once.
    pub(super) warnings: Vec<String>,
}

impl Outcome {
    pub(super) fn of(estimate: &Estimate, scale: Scale) -> Self {
        let value = match estimate.value {
            Value::Estimated(value) => Some((scale.working(value), value)),
            _ => None,
        };
        let test = estimate.test.as_ref();
        let p = test.and_then(|test| test.p_adjusted.or(test.p.ok()));
        let mut warnings: Vec<String> = estimate.warnings.iter().filter_map(kind).collect();
        warnings.sort();
        warnings.dedup();
        Self {
            value: value.filter(|(working, _)| working.is_finite()),
            interval: estimate.interval.ok().map(|interval| (interval.low, interval.high)),
            p,
            warnings,
        }
    }

    /// Whether the interval has this value in it; an end that is missing bounds nothing. `None` for an
    /// interval without ends, which has every value in it and says nothing.
    pub(super) fn covers(&self, value: f64) -> Option<bool> {
        let (low, high) = self.interval.filter(|_| !self.is_unbounded())?;
        Some(low.is_none_or(|low| low <= value) && high.is_none_or(|high| value <= high))
    }

    /// Whether there is an interval without ends.
    pub(super) fn is_unbounded(&self) -> bool {
        self.interval == Some((None, None))
    }

    /// Whether the interval leaves out the value that stands for no amplification.
    pub(super) fn excludes_null(&self, statistic: &dyn Statistic) -> bool {
        let null = statistic.null().map(|null| statistic.scale().reported(null));
        null.and_then(|null| self.covers(null)) == Some(false)
    }

    /// The length of an interval with two ends, on the working scale and as reported.
    pub(super) fn length(&self, scale: Scale) -> Option<(f64, f64)> {
        let (low, high) = self.interval?;
        let (low, high) = (low?, high?);
        let working = scale.working(high) - scale.working(low);
        working.is_finite().then_some((working, high - low))
    }
}

/// A warning's kind, as reports have it.
fn kind(warning: &Warning) -> Option<String> {
    let data = serde_json::to_value(warning).ok()?;
    data.get("kind")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    fn with(low: Option<f64>, high: Option<f64>) -> Outcome {
        Outcome { interval: Some((low, high)), ..Outcome::default() }
    }

    /// What has no end covers nothing and leaves nothing out; what has one bounds on that side.
    #[test]
    fn intervals_without_ends_do_not_cover() {
        assert_eq!(with(None, None).covers(1.0), None);
        assert_eq!(Outcome::default().covers(1.0), None);
        assert!(with(None, None).is_unbounded() && !Outcome::default().is_unbounded());
        assert_eq!(with(Some(0.5), None).covers(1.0), Some(true));
        assert_eq!(with(None, Some(0.5)).covers(1.0), Some(false));
        assert_eq!(with(Some(0.5), Some(2.0)).covers(1.0), Some(true));
    }
}
