//! How much each cluster moves a statistic, and which clusters vary together: what every method
//! that is not a plain bootstrap starts from.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::contribution::{Contributions, index};
use crate::estimate::{NoInterval, Relation};
use crate::statistic::{Over, Side};

/// A variance and the degrees of freedom with which it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Variance {
    pub(super) variance: f64,
    pub(super) degrees_of_freedom: f64,
}

/// Which clusters vary together, independently of those of another group: all of them where the
/// arms share clusters, those of an arm where they do not.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    /// By cluster, its group; [`Groups::NONE`] for one that the statistic does not depend on.
    of: Vec<u8>,
    sizes: Vec<usize>,
    sides: Vec<Option<Side>>,
}

/// What clusters that vary together add to a variance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The arm whose clusters they are; `None` for crossed clusters, which are of both.
    pub(super) side: Option<Side>,
    pub(super) clusters: f64,
    pub(super) variance: f64,
}

impl Groups {
    pub(super) const NONE: u8 = u8::MAX;

    pub(super) fn of(contributions: &Contributions) -> Self {
        let cells = contributions.summary().cells();
        let needs = |side: Side| cells.iter().any(|cell| cell.side == side);
        let both = [Side::Treatment, Side::Baseline];
        let present = contributions.present();
        let crossed = contributions.clusters().relation == Relation::Crossed;
        if crossed && both.into_iter().all(needs) {
            let (of, sizes) = (vec![0; present.len()], vec![present.len()]);
            return Self { of, sizes, sides: vec![None] };
        }
        // Nested clusters, or a statistic of one arm: each arm varies by itself.
        let sides: Vec<Side> = both.into_iter().filter(|&side| needs(side)).collect();
        let group = |present: &[bool; 2]| {
            let group = sides.iter().position(|&side| present[index(side)]);
            group.map_or(Self::NONE, |group| group as u8)
        };
        let of: Vec<u8> = present.iter().map(group).collect();
        let size = |group| of.iter().filter(|its| usize::from(**its) == group).count();
        let sizes = (0..sides.len()).map(size).collect();
        Self { of, sizes, sides: sides.into_iter().map(Some).collect() }
    }

    /// Without the clusters that have nothing where the statistic looks: those of strata that it passes
    /// over, as Mantel's and Haenszel's do where one arm has nothing. They do not vary what it says, and
    /// counted as clusters would make it look better known than it is.
    fn where_it_looks(mut self, gradient: &[f64], contributions: &Contributions) -> Self {
        let cells = contributions.summary().cells();
        let depends = cells.iter().zip(gradient).filter(|(_, by)| **by != 0.0);
        let strata: HashSet<Over, RandomState> = depends.map(|(cell, _)| cell.over).collect();
        let is_seen = |over: Over| over == Over::AllStrata || strata.contains(&over);
        let seen: Vec<bool> = cells.iter().map(|cell| is_seen(cell.over)).collect();
        if seen.iter().all(|seen| *seen) || !seen.contains(&true) {
            return self;
        }
        let columns = contributions.columns().iter().zip(&seen).filter(|(_, seen)| **seen);
        let columns: Vec<_> = columns.map(|(column, _)| column).collect();
        for (cluster, group) in self.of.iter_mut().enumerate() {
            if *group != Self::NONE && columns.iter().all(|column| column[cluster] == 0.0) {
                self.sizes[usize::from(*group)] -= 1;
                *group = Self::NONE;
            }
        }
        self
    }

    /// How many clusters of an arm vary by themselves, apart from those of the other.
    pub(super) fn of_side(&self, side: Side) -> Option<u64> {
        let group = self.sides.iter().position(|its| *its == Some(side))?;
        Some(self.sizes[group] as u64)
    }

    /// How many clusters each group has.
    pub(super) fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// By cluster, its group.
    pub(super) fn by_cluster(&self) -> &[u8] {
        &self.of
    }

    /// Whether a group has but one cluster, so that nothing shows how it varies.
    pub(super) fn has_single(&self) -> bool {
        self.sizes.iter().any(|size| *size < 2)
    }
}

/// The influence of each cluster on a statistic: its contribution times the gradient.
#[derive(Clone, Debug)]
pub(super) struct Influence {
    groups: Groups,
    /// By group.
    moments: Vec<Moments>,
    /// What the error of a baseline that is no arm adds.
    of_baseline: f64,
}

/// Sums of powers of the influences of a group's clusters around their mean.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    squares: f64,
    cubes: f64,
}

impl Influence {
    pub(super) fn of(gradient: &[f64], contributions: &Contributions) -> Self {
        let by_cluster = influences(contributions.columns(), gradient);
        let groups = Groups::of(contributions).where_it_looks(gradient, contributions);
        let mut sums = vec![0.0; groups.sizes.len()];
        let members = || {
            let all = by_cluster.iter().zip(&groups.of);
            all.filter(|(_, group)| **group != Groups::NONE).map(|(h, g)| (*h, usize::from(*g)))
        };
        members().for_each(|(h, group)| sums[group] += h);
        let means: Vec<f64> =
            sums.iter().zip(&groups.sizes).map(|(sum, &size)| sum / size as f64).collect();
        let mut moments = vec![Moments::default(); groups.sizes.len()];
        for (h, group) in members() {
            let off = h - means[group];
            moments[group].squares += off * off;
            moments[group].cubes += off * off * off;
        }
        Self { groups, moments, of_baseline: 0.0 }
    }

    /// With what the error of a baseline that is no arm adds to the variance.
    pub(super) fn with_baseline(self, of_baseline: f64) -> Self {
        Self { of_baseline, ..self }
    }

    /// Whether a baseline that is no arm has an error of its own.
    pub(super) fn has_baseline(&self) -> bool {
        self.of_baseline > 0.0
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The variance of the statistic: over groups, the sum of `G/(G-1) sum (h_c - mean h)^2`, with
    /// Welch-Satterthwaite degrees `V^2 / sum v^2/(G-1)`.
    pub(super) fn variance(&self) -> Result<Variance, NoInterval> {
        let parts = self.parts()?;
        let of_clusters = parts.iter().map(|part| (part.variance, part.clusters - 1.0));
        // Whoever stated that error is taken to know it.
        let stated = self.has_baseline().then_some((self.of_baseline, f64::INFINITY));
        pooled(&of_clusters.chain(stated).collect::<Vec<_>>())
    }

    /// The parts of the variance: one, or one for each arm.
    pub(super) fn parts(&self) -> Result<Vec<Part>, NoInterval> {
        let part = |((&clusters, &side), moments): ((&usize, &Option<Side>), &Moments)| {
            if clusters < 2 {
                return Err(NoInterval::SingleCluster);
            }
            let clusters = clusters as f64;
            let variance = clusters / (clusters - 1.0) * moments.squares;
            Ok(Part { side, clusters, variance })
        };
        self.groups.sizes.iter().zip(&self.groups.sides).zip(&self.moments).map(part).collect()
    }

    /// The acceleration of BCa intervals, `sum h^3 / (6 (sum h^2)^1.5)` around the groups' means: a
    /// sixth of the skewness of the statistic, as the linear part of it has.
    pub(super) fn acceleration(&self) -> f64 {
        let squares: f64 = self.moments.iter().map(|moments| moments.squares).sum();
        let cubes: f64 = self.moments.iter().map(|moments| moments.cubes).sum();
        if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
    }
}

/// The variance of a sum of independent parts, each with its degrees of freedom.
pub(super) fn pooled(parts: &[(f64, f64)]) -> Result<Variance, NoInterval> {
    let variance: f64 = parts.iter().map(|(v, _)| v).sum();
    if variance <= 0.0 {
        return Err(NoInterval::NoVariation);
    }
    let spread: f64 = parts.iter().map(|(v, degrees)| (v / variance).powi(2) / degrees).sum();
    Ok(Variance { variance, degrees_of_freedom: 1.0 / spread })
}

/// Each cluster's contribution times the gradient, with what is only rounding set to zero. By
/// columns, so that a processor's vectors take several clusters at a time.
fn influences(columns: &[Vec<f64>], gradient: &[f64]) -> Vec<f64> {
    let clusters = columns.first().map_or(0, Vec::len);
    let (mut sums, mut sizes) = (vec![0.0_f64; clusters], vec![0.0_f64; clusters]);
    for (column, slope) in columns.iter().zip(gradient) {
        for ((sum, size), value) in sums.iter_mut().zip(&mut sizes).zip(column) {
            let term = value * slope;
            *sum += term;
            *size += term.abs();
        }
    }
    for (sum, size) in sums.iter_mut().zip(&sizes) {
        if sum.abs() <= 8.0 * f64::EPSILON * size {
            *sum = 0.0;
        }
    }
    sums
}

/// A cluster's contribution times the gradient, with what is only rounding set to zero.
pub(super) fn influence(columns: &[Vec<f64>], gradient: &[f64], cluster: usize) -> f64 {
    let (mut sum, mut size) = (0.0_f64, 0.0_f64);
    for (column, slope) in columns.iter().zip(gradient) {
        let term = column[cluster] * slope;
        sum += term;
        size += term.abs();
    }
    if sum.abs() <= 8.0 * f64::EPSILON * size { 0.0 } else { sum }
}
