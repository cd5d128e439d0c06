//! What a monitor shows: a reading now, and the looks before it. Plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::digits::decimals;
use crate::base::printable::printable_name;
use crate::estimate::{ClusterCounts, ConfidenceInterval, Measured, SideOfNull, Value};
use crate::question::estimand::Estimand;

/// What a [`Monitor`](super::Monitor) knows of a question now.
///
/// All but [`null`](Self::null) and [`running`](Self::running), which tell of the looks that were
/// taken, is a function of the clusters observed so far, whatever their order and parts.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Reading {
    /// What is estimated.
    pub estimand: Estimand,
    /// The value over all clusters so far, and the confidence sequence now, or why there is none yet. There is
    /// no standard error where the value is not finite, an arm has a single cluster or is at its limit, or
    /// clusters do not vary.
    pub measured: Measured,
    /// The clusters so far.
    pub clusters: ClusterCounts,
    /// How the sequence stands to the null; `None` where there is no null.
    pub null: Option<NullState>,
    /// What all looks so far leave together.
    pub running: RunningIntersection,
}

crate::estimate::measured::is_measured!(Reading);

/// How a sequence stands to its null.
#[derive(Clone, Debug, PartialEq)]
pub struct NullState {
    /// The null, on the reported scale.
    pub value: f64,
    /// Where the interval lies now.
    pub now: SideOfNull,
    /// The first look at which the null was outside. If it is true, then with probability `level` at
    /// least there is never one (as the method is asymptotic, nearly so).
    pub excluded: Option<Look>,
}

/// The intersection of the intervals of all looks: valid at the same level as each of them, if the
/// true value is the same all the time. Where it drifts, each interval is for the running average,
/// and only the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub enum RunningIntersection {
    /// There was no interval yet.
    Nothing,
    /// Bounds on the reported scale; `None` on a side that is not bounded.
    Bounds {
        /// The highest lower bound.
        low: Option<f64>,
        /// The lowest upper bound.
        high: Option<f64>,
    },
    /// Two of the intervals have nothing in common: the true value has changed, clusters are not
    /// independent, or this is one of the `1 - level` of studies in which the sequence errs.
    Empty {
        /// The first look at which this was so.
        since: Look,
    },
}

/// One of the observations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Its number, from 1.
    pub number: u64,
    /// Its label.
    pub label: String,
    /// Clusters of the question by then.
    pub clusters: u64,
}

/// What a look showed of one question.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// Clusters of the question by then.
    pub clusters: u64,
    /// The value.
    pub value: Value,
    /// The lower bound, if there was one.
    pub low: Option<f64>,
    /// The upper bound, if there was one.
    pub high: Option<f64>,
}

/// What was found by intersecting looks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// Looks that had an interval.
    pub(super) intervals: u64,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) excluded: Option<Look>,
    pub(super) empty: Option<Look>,
}

impl History {
    /// Takes in a look.
    pub(super) fn add(&mut self, seen: &Observed, null: Option<f64>, look: &Look) {
        if seen.low.is_none() && seen.high.is_none() {
            return;
        }
        self.intervals += 1;
        self.low = [self.low, seen.low].into_iter().flatten().reduce(f64::max);
        self.high = [self.high, seen.high].into_iter().flatten().reduce(f64::min);
        let outside =
            matches!(side(seen.low, seen.high, null), SideOfNull::Above | SideOfNull::Below);
        if outside && self.excluded.is_none() {
            self.excluded = Some(look.clone());
        }
        let apart = matches!((self.low, self.high), (Some(low), Some(high)) if low > high);
        if apart && self.empty.is_none() {
            self.empty = Some(look.clone());
        }
    }

    /// That of these looks, in their order.
    pub(super) fn of<'l>(
        looks: impl Iterator<Item = (&'l str, &'l Observed)>,
        null: Option<f64>,
    ) -> Self {
        let mut history = Self::default();
        for (number, (label, seen)) in (1..).zip(looks) {
            let look = Look { number, label: label.to_owned(), clusters: seen.clusters };
            history.add(seen, null, &look);
        }
        history
    }

    /// Whether so many looks may have left it, whatever they showed.
    pub(super) fn can_be(&self, looks: u64) -> bool {
        let is_bounded = self.low.is_some() || self.high.is_some();
        let are_apart = matches!((self.low, self.high), (Some(low), Some(high)) if low > high);
        let mut found = [&self.excluded, &self.empty].into_iter().flatten();
        self.intervals <= looks
            && is_bounded == (self.intervals > 0)
            && are_apart == self.empty.is_some()
            && found.all(|look| is_bounded && (1..=looks).contains(&look.number))
    }

    pub(super) fn running(&self) -> RunningIntersection {
        match &self.empty {
            Some(look) => RunningIntersection::Empty { since: look.clone() },
            None if self.intervals == 0 => RunningIntersection::Nothing,
            None => RunningIntersection::Bounds { low: self.low, high: self.high },
        }
    }
}

/// On which side of the null an interval lies, of bounds as looks keep them: without any there is none.
pub(super) fn side(low: Option<f64>, high: Option<f64>, null: Option<f64>) -> SideOfNull {
    match (low, high, null) {
        (None, None, _) | (_, _, None) => SideOfNull::NoInterval,
        (Some(low), _, Some(null)) if low > null => SideOfNull::Above,
        (_, Some(high), Some(null)) if high < null => SideOfNull::Below,
        _ => SideOfNull::Includes,
    }
}

/// One line: topic, clusters, value, interval, and how the null stands.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClusterCounts { treatment, baseline, both, .. } = self.clusters;
        let topic = printable_name(&self.estimand.topic);
        write!(f, "{topic}: {} clusters, ", treatment + baseline - both)?;
        match self.value {
            Value::Undefined(reason) => write!(f, "{reason}")?,
            Value::Infinite => f.write_str("infinite")?,
            Value::NegativeInfinite => f.write_str("minus infinity")?,
            value => f.write_str(&decimals(value.number().unwrap_or_default(), 3))?,
        }
        match self.interval {
            Err(reason) => write!(f, ", no interval: {reason}")?,
            Ok(ConfidenceInterval { low, high, level }) => {
                let bound = |bound: Option<f64>| {
                    bound.map_or_else(|| "unbounded".to_owned(), |bound| decimals(bound, 3))
                };
                write!(f, " [{}, {}] at {}%", bound(low), bound(high), 100.0 * level)?;
            }
        }
        if let Some(NullState { value, now, excluded }) = &self.null {
            match now {
                SideOfNull::NoInterval => {}
                SideOfNull::Includes => write!(f, "; may be {value}")?,
                SideOfNull::Above => write!(f, "; above {value}")?,
                SideOfNull::Below => write!(f, "; below {value}")?,
            }
            if let Some(Look { number, label, .. }) = excluded {
                let label = printable_name(label);
                write!(f, "; {value} first excluded at observation {number} ({label})")?;
            }
        }
        Ok(())
    }
}
