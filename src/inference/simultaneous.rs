//! Bands that hold for all topics at once, and step-down p-values from the same replicates.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Replicated, check_replicates, quantile};
use crate::error::Error;
use crate::question::multiplicity::ReplicateErrors;

/// Bands that hold for all estimates of a statistic at once: each is as long as the largest
/// distance of any of them from its estimate, in standard errors, over replicates of the Poisson
/// cluster bootstrap (max-|t|; Romano and Wolf 2005, doi 10.1198/016214504000000539).
///
/// Since all topics are evaluated on the same replicates, what topics have in common is used:
/// bands are shorter than Bonferroni's. A statement about whichever topic looks most striking is
/// then as safe as one about a topic chosen beforehand. Each statistic of an audit is a family of
/// its own.
///
/// Right for some dozens of clusters in each arm or more. Standard errors are the delta method's.
/// With [`ReplicateErrors::Same`] every replicate is divided by the estimate's own, which is what a
/// percentile does and as short with few clusters; with [`ReplicateErrors::Each`] by its own, which
/// costs a pass over the clusters for each replicate and topic. Replicates without a finite value
/// count as beyond all others; where there are too many of them there are no bands
/// ([`NoInterval::ReplicatesWithoutValue`](crate::NoInterval)).
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::Simultaneous;
/// use tiltmeter::statistic::Difference;
/// use tiltmeter::{Interval, IntervalMethod};
/// let bands = Interval::Simultaneous(Simultaneous::default());
/// let report = Audit::of(&log, &question.statistic(Difference)).interval(bands).run()?;
/// assert_eq!(report.estimates()[0].method, Some(IntervalMethod::SimultaneousMaxT));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Simultaneous {
    /// The confidence level of all bands together, in (0, 1).
    pub level: f64,
    /// How many replicates, from 2 to 1,000,000.
    pub replicates: u32,
    /// The seed of the random numbers.
    pub seed: u64,
    /// The standard errors that distances are measured in.
    pub errors: ReplicateErrors,
}

impl Default for Simultaneous {
    /// 95%, 1,999 replicates, seed 0, the estimate's standard errors.
    fn default() -> Self {
        Self { level: 0.95, replicates: 1_999, seed: 0, errors: ReplicateErrors::default() }
    }
}

impl Simultaneous {
    pub(super) fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)?;
        check_replicates(self.replicates)
    }
}

/// Distances of a statistic from its estimate, by replicate, in standard errors.
#[derive(Clone, Debug)]
pub(super) struct Distances {
    /// Absolute; infinite where a replicate has no finite value.
    by_replicate: Vec<f64>,
}

impl Distances {
    /// From replicates of the value, with the estimate and its standard error.
    pub(super) fn of_values(replicated: &Replicated, at: f64, error: f64) -> Self {
        let distance = |value: &f64| finite_or_beyond((value - at).abs() / error);
        Self { by_replicate: replicated.values().iter().map(distance).collect() }
    }

    /// From replicates that are distances already.
    pub(super) fn of_distances(replicated: &Replicated) -> Self {
        let distance = |value: &f64| finite_or_beyond(value.abs());
        Self { by_replicate: replicated.values().iter().map(distance).collect() }
    }
}

/// A replicate without a value is taken as beyond all others, which errs towards doubt.
fn finite_or_beyond(distance: f64) -> f64 {
    if distance.is_nan() { f64::INFINITY } else { distance }
}

/// By replicate, the largest distance of any of these.
fn largest<'d>(distances: impl Iterator<Item = &'d Distances>) -> Vec<f64> {
    let mut largest: Vec<f64> = Vec::new();
    for distances in distances {
        largest.resize(distances.by_replicate.len(), 0.0);
        for (most, its) in largest.iter_mut().zip(&distances.by_replicate) {
            *most = most.max(*its);
        }
    }
    largest
}

/// How many standard errors wide bands are that hold for all of these at once; infinite where too
/// many replicates have no value, `None` for no distances at all.
pub(super) fn critical_value(distances: &[&Distances], level: f64) -> Option<f64> {
    let mut largest = largest(distances.iter().copied());
    largest.sort_unstable_by(f64::total_cmp);
    (!largest.is_empty()).then(|| quantile(&largest, level))
}

/// Step-down p-values, in the order of the statistics: each with its |t| and its distances.
pub(super) fn step_down(statistics: &[(f64, &Distances)]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..statistics.len()).collect();
    order.sort_by(|&a, &b| statistics[b].0.total_cmp(&statistics[a].0));
    // From the smallest |t| up, the largest distances of those that are left.
    let mut p = vec![0.0; statistics.len()];
    let mut most: Vec<f64> = Vec::new();
    for &at in order.iter().rev() {
        let (t, distances) = statistics[at];
        most.resize(distances.by_replicate.len(), 0.0);
        for (most, its) in most.iter_mut().zip(&distances.by_replicate) {
            *most = most.max(*its);
        }
        let beyond = most.iter().filter(|distance| **distance >= t).count() as f64;
        p[at] = (1.0 + beyond) / (1.0 + most.len() as f64);
    }
    let mut before = 0.0_f64;
    for &at in &order {
        before = before.max(p[at]);
        p[at] = before;
    }
    p
}

/// Indices that share a name, in the order of the names' first use.
pub(super) fn families<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Vec<usize>> {
    let mut families: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize, RandomState> = HashMap::default();
    for (at, name) in names.enumerate() {
        let family = *known.entry(name).or_insert_with(|| {
            families.push(Vec::new());
            families.len() - 1
        });
        families[family].push(at);
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(values: &[f64]) -> Distances {
        Distances { by_replicate: values.to_vec() }
    }

    /// Worked by hand: four replicates of three statistics.
    #[test]
    fn steps_down_by_hand() {
        let [a, b, c] = [
            distances(&[0.5, 1.0, 2.5, 0.1]),
            distances(&[1.5, 0.2, 0.3, 0.4]),
            distances(&[0.1, 3.0, 0.2, 0.3]),
        ];
        // |t|: b 2.0, then c 1.2, then a 0.4. All: 1.5, 3.0, 2.5, 0.4 against 2.0: two of four.
        // Without b: 0.5, 3.0, 2.5, 0.3 against 1.2: two. a alone against 0.4: three.
        let p = step_down(&[(0.4, &a), (2.0, &b), (1.2, &c)]);
        assert_eq!(p, [4.0 / 5.0, 3.0 / 5.0, 3.0 / 5.0]);
        assert_eq!(critical_value(&[&a, &b, &c], 1.0), Some(3.0));
        assert_eq!(critical_value(&[], 0.95), None);
    }

    #[test]
    fn families_keep_their_order() {
        let families = families(["ratio", "difference", "ratio"].into_iter());
        assert_eq!(families, [vec![0, 2], vec![1]]);
    }
}
