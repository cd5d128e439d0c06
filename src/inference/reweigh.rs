//! A statistic on weighted clusters, one replicate at a time, with its standard error where that is
//! wanted. Exact in double precision and for any weights; `resample` is the fast way for totals
//! under Poisson weights alone.

use rayon::prelude::*;

use super::Case;
use super::influence::{Members, Spread, score, small_sample};
use super::resample::{GROUP, Weights, poisson_weights};
use crate::base::philox::philox;
use crate::log::ClusterKey;
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

/// The same of those that say how many of the shared clusters come.
const SHARED: u64 = 0x7368_6172;

/// The clusters that are drawn from: those of the treatment alone, of the baseline alone, and of both.
struct Urn {
    draws: Draws,
    keys: Vec<ClusterKey>,
    /// By kind, its clusters, and a number to tell it from others.
    kinds: [(u64, Vec<u32>); 3],
    /// How many clusters each arm draws.
    sizes: [usize; 2],
    /// By how many of the shared kind are drawn, the chance of that or fewer; empty where none or all are
    /// shared.
    shared: Vec<f64>,
}

impl Urn {
    fn new(draws: Draws, case: &Case<'_>) -> Self {
        let keys = case.member_keys();
        let mut kinds = [const { (0, Vec::new()) }; 3];
        for (cluster, here) in case.influence.members().by_cluster().iter().enumerate() {
            let kind = match here {
                [true, false] => 0,
                [false, true] => 1,
                [true, true] => 2,
                [false, false] => continue,
            };
            kinds[kind].1.push(cluster as u32);
        }
        for (number, members) in &mut kinds {
            // Its own clusters, not which of the two arms they are in, so that swapping the arms
            // swaps the ends of an interval and nothing else.
            // Both halves of the key: those of buckets and of single impressions are small numbers.
            let of_key = |key: u64| (key ^ (key >> 32)) & 0xFFFF_FFFF;
            *number = members.first().map_or(0, |&first| of_key(keys[first as usize].get()));
        }
        let [a, b, both] = [0, 1, 2].map(|kind: usize| kinds[kind].1.len());
        let shared = if both > 0 && a + b > 0 { shared_draws(a, b, both) } else { Vec::new() };
        Self { draws, keys, kinds, sizes: [a + both, b + both], shared }
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
                    self.draw_arms(replicate, weights);
                }
            }
        }
        weights
    }

    /// Draws for each arm as many clusters as it has, as independent Poisson weights do once either arm has
    /// its number: first how many of the shared ones come, then clusters of each kind with replacement.
    fn draw_arms(&self, replicate: usize, weights: &mut [u8]) {
        let [(_, _), (_, _), (group, members)] = &self.kinds;
        let many = if self.shared.is_empty() {
            members.len()
        } else {
            let key = [self.draws.seed as u32, (self.draws.seed >> 32) as u32];
            let [word, ..] = philox([0, *group, replicate as u64, SHARED], key);
            let chance = f64::from(word) / 2_f64.powi(32);
            self.shared.partition_point(|upto| *upto <= chance).min(self.shared.len() - 1)
        };
        for (kind, (group, members)) in self.kinds.iter().enumerate() {
            let many = match kind {
                2 => many,
                arm => self.sizes[arm] - many,
            };
            if !members.is_empty() {
                self.draw(replicate, (*group, members), many, weights);
            }
        }
    }

    /// Draws so many clusters of a kind. A 32-bit number chooses each, so that chances
    /// differ by at most one in 2^32 over the number of clusters.
    fn draw(
        &self,
        replicate: usize,
        (group, members): (u64, &[u32]),
        mut left: usize,
        weights: &mut [u8],
    ) {
        let key = [self.draws.seed as u32, (self.draws.seed >> 32) as u32];
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

/// By how many of `both` shared clusters are drawn, the chance of that or fewer, where `a` clusters are of
/// one arm alone and `b` of the other: proportional to the Poisson probabilities of that many, and of what is
/// then left for the two others. From 0, or where an arm has nothing else, from its number.
fn shared_draws(a: usize, b: usize, both: usize) -> Vec<f64> {
    let log_poisson = |many: usize, mean: usize| match (many, mean) {
        (0, 0) => 0.0,
        (_, 0) => f64::NEG_INFINITY,
        (many, mean) => {
            let many = many as f64;
            many * (mean as f64).ln() - statrs::function::gamma::ln_gamma(many + 1.0)
        }
    };
    let most = both + a.min(b);
    let logs: Vec<f64> = (0..=most)
        .map(|many| {
            log_poisson(many, both)
                + log_poisson(a + both - many, a)
                + log_poisson(b + both - many, b)
        })
        .collect();
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    let mut upto: Vec<f64> = logs
        .iter()
        .map(|log| {
            sum += (log - greatest).exp();
            sum
        })
        .collect();
    upto.iter_mut().for_each(|upto| *upto /= sum);
    upto
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
            standard_error(case, &gradient, weights)
        }
        _ => None,
    };
    Drawn { value, standard_error }
}

/// The standard error that the influences have when clusters count as often as they are weighted.
fn standard_error(case: &Case<'_>, gradient: &[f64], weights: &[u8]) -> Option<f64> {
    let members: &Members = case.influence.members();
    let (columns, cells) = (case.contributions.columns(), case.contributions.summary().cells());
    let here = members.by_cluster();
    let mut sizes = [0.0; 2];
    for (here, &weight) in here.iter().zip(weights) {
        for side in [0, 1] {
            sizes[side] += f64::from(u8::from(here[side])) * f64::from(weight);
        }
    }
    let needed = members.factors(|_| 1.0);
    if needed.iter().zip(sizes).any(|(needed, size)| *needed > 0.0 && size <= 1.0) {
        return None;
    }
    let drawn: Vec<_> = (0..weights.len())
        .filter(|&at| weights[at] > 0)
        .map(|at| (score(cells, columns, gradient, at), here[at], f64::from(weights[at])))
        .collect();
    let factors = [0, 1].map(|side: usize| needed[side] * small_sample(sizes[side].max(2.0)));
    let spread = Spread::of(drawn.iter().copied(), factors);
    (spread.together > 0.0).then(|| spread.together.sqrt())
}
