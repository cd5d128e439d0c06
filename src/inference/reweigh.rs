//! A statistic on weighted clusters, one replicate at a time, with its standard error where that is
//! wanted. Exact in double precision and for any weights; `resample` is the fast way for totals
//! under Poisson weights alone.

use rayon::prelude::*;

use super::Case;
use super::influence::{Groups, influence, pooled};
use super::resample::{GROUP, Weights, poisson_weights};
use crate::log::ClusterKey;
use crate::philox::philox;
use crate::statistic::Working;

/// How clusters are weighted in a replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// By independent Poisson numbers with mean 1.
    Poisson,
    /// By how often each is drawn when as many are drawn as there are, with replacement.
    Multinomial,
}

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    pub(super) scheme: Scheme,
    pub(super) replicates: usize,
    pub(super) seed: u64,
}

/// A statistic in one replicate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drawn {
    /// On the working scale.
    pub(super) value: Working,
    /// Its standard error there; `None` where it has none, or none was asked for.
    pub(super) standard_error: Option<f64>,
}

/// The purpose of the random numbers that draw clusters, as part of the counter.
const PURPOSE: u64 = 0x6d75_6c74;

/// The clusters that are drawn from, with the groups in which that is done.
struct Urn {
    draws: Draws,
    keys: Vec<ClusterKey>,
    /// By group, its clusters, and a number to tell it from others.
    members: Vec<(u64, Vec<u32>)>,
}

impl Urn {
    fn new(draws: Draws, case: &Case<'_>) -> Self {
        let keys = case.member_keys();
        let groups = case.influence.groups();
        let mut members = vec![(0, Vec::new()); groups.sizes().len()];
        for (cluster, &group) in groups.by_cluster().iter().enumerate() {
            if group != Groups::NONE {
                members[usize::from(group)].1.push(cluster as u32);
            }
        }
        for (number, members) in &mut members {
            // Its own clusters, not which of the two arms they are in, so that swapping the arms
            // swaps the ends of an interval and nothing else.
            // Both halves of the key: those of buckets and of single impressions are small numbers.
            let of_key = |key: u64| (key ^ (key >> 32)) & 0xFFFF_FFFF;
            *number = members.first().map_or(0, |&first| of_key(keys[first as usize].get()));
        }
        Self { draws, keys, members }
    }

    /// The weights of all clusters in some replicates that come together: replicates x clusters.
    fn weights(&self, turn: usize) -> Vec<u8> {
        let clusters = self.keys.len();
        let mut weights = vec![0; GROUP * clusters];
        match self.draws.scheme {
            Scheme::Poisson => {
                let mut of_cluster = Weights([0; GROUP]);
                for (at, &key) in self.keys.iter().enumerate() {
                    poisson_weights(self.draws.seed, key, turn as u32, &mut of_cluster);
                    for (replicate, weight) in of_cluster.0.into_iter().enumerate() {
                        weights[replicate * clusters + at] = weight;
                    }
                }
            }
            Scheme::Multinomial => {
                for (place, weights) in weights.chunks_exact_mut(clusters.max(1)).enumerate() {
                    let replicate = turn * GROUP + place;
                    for (group, members) in &self.members {
                        self.draw(replicate, *group, members, weights);
                    }
                }
            }
        }
        weights
    }

    /// Draws as many clusters of a group as it has. A 32-bit number chooses each, so that chances
    /// differ by at most one in 2^32 over the number of clusters.
    fn draw(&self, replicate: usize, group: u64, members: &[u32], weights: &mut [u8]) {
        let key = [self.draws.seed as u32, (self.draws.seed >> 32) as u32];
        let mut left = members.len();
        let mut block = 0;
        while left > 0 {
            let counter = [block, group, replicate as u64, PURPOSE];
            let words = philox(counter, key);
            for word in words.into_iter().take(left) {
                let at = (u64::from(word) * members.len() as u64) >> 32;
                let weight = &mut weights[members[at as usize] as usize];
                *weight = weight.saturating_add(1);
            }
            left = left.saturating_sub(words.len());
            block += 1;
        }
    }
}

/// What is evaluated in each replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The value alone.
    Values,
    /// The value and its standard error.
    StandardErrors,
}

impl Drawn {
    /// How many standard errors the replicate lies above the estimate; infinite where the value is,
    /// NaN where there is none or no standard error.
    pub(super) fn distance(&self, at: f64) -> f64 {
        match (self.value, self.standard_error) {
            (Working::Finite(value), Some(error)) => (value - at) / error,
            (Working::Above, _) => f64::INFINITY,
            (Working::Below, _) => f64::NEG_INFINITY,
            (Working::Finite(_) | Working::Undefined(_), _) => f64::NAN,
        }
    }
}

/// A statistic in every replicate, in their order.
pub(super) fn reweigh(case: &Case<'_>, draws: Draws, wanted: Wanted) -> Vec<Drawn> {
    let urn = Urn::new(draws, case);
    let clusters = urn.keys.len();
    let turn = |turn: usize| {
        let weights = urn.weights(turn);
        let here = (draws.replicates - turn * GROUP).min(GROUP);
        let rows = weights.chunks_exact(clusters.max(1)).take(here);
        rows.map(|weights| draw(case, weights, wanted)).collect::<Vec<_>>()
    };
    let turns = draws.replicates.div_ceil(GROUP);
    (0..turns).into_par_iter().flat_map_iter(turn).collect()
}

/// A statistic on clusters that count as often as their weights say.
fn draw(case: &Case<'_>, weights: &[u8], wanted: Wanted) -> Drawn {
    let columns = case.contributions.columns();
    let total = |column: &Vec<f64>| -> f64 {
        column.iter().zip(weights).map(|(value, &weight)| value * f64::from(weight)).sum()
    };
    let totals: Vec<f64> = columns.iter().map(total).collect();
    let value = case.statistic.value(&totals);
    let standard_error = match (value, wanted) {
        (Working::Finite(_), Wanted::StandardErrors) => {
            let gradient = case.statistic.gradient(&totals);
            standard_error(columns, &gradient, case.influence.groups(), weights)
        }
        _ => None,
    };
    Drawn { value, standard_error }
}

/// The standard error that the influences have when clusters count as often as they are weighted.
fn standard_error(
    columns: &[Vec<f64>],
    gradient: &[f64],
    groups: &Groups,
    weights: &[u8],
) -> Option<f64> {
    let mut sums = vec![Moments::default(); groups.sizes().len()];
    for (cluster, (&group, &weight)) in groups.by_cluster().iter().zip(weights).enumerate() {
        if group != Groups::NONE && weight > 0 {
            let influence = influence(columns, gradient, cluster);
            sums[usize::from(group)].add(influence, f64::from(weight));
        }
    }
    let parts: Option<Vec<_>> = sums.iter().map(Moments::variance).collect();
    pooled(&parts?).ok().map(|known| known.variance.sqrt())
}

/// Weighted moments of influences, around a mean that moves along (West 1979), so that nothing
/// cancels.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    weight: f64,
    mean: f64,
    squares: f64,
    size: f64,
}

impl Moments {
    fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        let off = value - self.mean;
        self.mean += off * weight / self.weight;
        self.squares += weight * off * (value - self.mean);
        self.size += weight * value * value;
    }

    /// The variance of a sum over so many clusters, with its degrees of freedom.
    fn variance(&self) -> Option<(f64, f64)> {
        // Equal influences differ by rounding only.
        let squares = if self.squares > 1e-28 * self.size { self.squares } else { 0.0 };
        let clusters = self.weight;
        (clusters > 1.0).then(|| (clusters / (clusters - 1.0) * squares, clusters - 1.0))
    }
}
