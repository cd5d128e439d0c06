//! In which order topics are shown: by the size of what was found of them.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::estimate::{Estimate, Value};
use crate::findings::Findings;
use crate::report::plot;
use crate::statistic::{Scale, Statistic};

/// The least and greatest value, on the working scale.
pub(super) fn ends_of(value: Value, scale: Scale) -> Option<(f64, f64)> {
    let (low, high) = match value {
        Value::Between { low, high } => (low, high),
        other => other.number().map(|value| (value, value))?,
    };
    Some((scale.working(low), scale.working(high)))
}

/// The middle of a value, on the working scale.
fn middle(estimate: &Estimate, scale: Scale) -> Option<f64> {
    ends_of(estimate.value, scale).map(plot::middle)
}

/// The greater first, and what has no value last.
fn descending(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// The lesser first, and what has no value last.
pub(super) fn ascending(a: &Estimate, b: &Estimate, scale: Scale) -> Ordering {
    match (middle(a, scale), middle(b, scale)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => descending(a, b),
    }
}

/// Whether it is a finding with all topics taken into account.
pub(super) fn is_decided(estimate: &Estimate) -> bool {
    estimate.finding.is_some_and(|finding| finding.among_all.is_clear())
}

impl Findings {
    pub(super) fn estimates_of(&self, statistic: &dyn Statistic) -> Vec<&Estimate> {
        // Of one that was asked twice, the first.
        let mut met: HashSet<&str> = HashSet::new();
        let mut estimates: Vec<&Estimate> = Vec::new();
        for its in self.report().estimates() {
            if its.estimand.statistic == statistic.name() && met.insert(&its.estimand.topic) {
                estimates.push(its);
            }
        }
        estimates
    }

    /// The estimates of a statistic by their values, the greatest first; equal ones in the order of the audit.
    pub(super) fn by_size(&self, statistic: &dyn Statistic) -> Vec<&Estimate> {
        let scale = statistic.scale();
        let mut estimates = self.estimates_of(statistic);
        estimates.sort_by(|a, b| descending(middle(a, scale), middle(b, scale)));
        estimates
    }

    /// The same by what they tell: those that are findings with all topics taken into account first, of these the
    /// farthest from no difference; then the others, by how many errors they are away from it.
    pub(super) fn most_telling(&self, statistic: &dyn Statistic) -> Vec<&Estimate> {
        let (scale, null) = (statistic.scale(), statistic.null());
        let distance = |its: &Estimate| {
            let middle = middle(its, scale)?;
            let away = null.map_or(middle, |null| (middle - null).abs());
            match (is_decided(its), null, its.standard_error) {
                (true, ..) | (_, None, _) => Some(away),
                (false, _, Some(error)) if error > 0.0 => Some(away / error),
                _ => None,
            }
        };
        let mut estimates = self.estimates_of(statistic);
        estimates.sort_by(|a, b| {
            let decided = is_decided(b).cmp(&is_decided(a));
            decided.then_with(|| descending(distance(a), distance(b)))
        });
        estimates
    }

    /// Topics of which a figure has a part each: so many of the most telling, by the size of the first statistic's
    /// value.
    pub(super) fn drawn_topics(&self, most: usize) -> Vec<&str> {
        let Some(statistic) = self.statistics().first().copied() else { return Vec::new() };
        let telling = self.most_telling(statistic);
        let drawn: HashSet<&str> =
            telling.iter().take(most).map(|its| &*its.estimand.topic).collect();
        let by_size = self.by_size(statistic);
        let topics = by_size.into_iter().map(|its| &*its.estimand.topic);
        topics.filter(|topic| drawn.contains(topic)).collect()
    }
}
