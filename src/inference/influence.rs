//! How much each cluster moves a statistic, and which clusters vary together: what every method
//! that is not a plain bootstrap starts from.

use super::contribution::{Contributions, index};
use crate::estimate::{NoInterval, Relation};
use crate::statistic::Side;

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
    by_cluster: Vec<f64>,
    groups: Groups,
}

impl Influence {
    pub(super) fn of(gradient: &[f64], contributions: &Contributions) -> Self {
        let by_cluster = (0..contributions.present().len())
            .map(|cluster| influence(contributions.columns(), gradient, cluster))
            .collect();
        Self { by_cluster, groups: Groups::of(contributions) }
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The influences of a group's clusters.
    fn of_group(&self, group: usize) -> impl Iterator<Item = f64> {
        let members = self.by_cluster.iter().zip(&self.groups.of);
        members.filter(move |(_, its)| usize::from(**its) == group).map(|(h, _)| *h)
    }

    /// The influences of a group's clusters around their mean.
    fn around_mean(&self, group: usize) -> impl Iterator<Item = f64> {
        let mean = self.of_group(group).sum::<f64>() / self.groups.sizes[group] as f64;
        self.of_group(group).map(move |h| h - mean)
    }

    /// The variance of the statistic: over groups, the sum of `G/(G-1) sum (h_c - mean h)^2`, with
    /// Welch-Satterthwaite degrees `V^2 / sum v^2/(G-1)`.
    pub(super) fn variance(&self) -> Result<Variance, NoInterval> {
        let parts = self.parts()?;
        pooled(&parts.iter().map(|part| (part.variance, part.clusters - 1.0)).collect::<Vec<_>>())
    }

    /// The parts of the variance: one, or one for each arm.
    pub(super) fn parts(&self) -> Result<Vec<Part>, NoInterval> {
        let part = |(group, (&clusters, &side))| {
            if clusters < 2 {
                return Err(NoInterval::SingleCluster);
            }
            let clusters = clusters as f64;
            let squares: f64 = self.around_mean(group).map(|h| h.powi(2)).sum();
            Ok(Part { side, clusters, variance: clusters / (clusters - 1.0) * squares })
        };
        self.groups.sizes.iter().zip(&self.groups.sides).enumerate().map(part).collect()
    }

    /// The acceleration of BCa intervals, `sum h^3 / (6 (sum h^2)^1.5)` around the groups' means: a
    /// sixth of the skewness of the statistic, as the linear part of it has.
    pub(super) fn acceleration(&self) -> f64 {
        let (mut squares, mut cubes) = (0.0, 0.0);
        for group in 0..self.groups.sizes.len() {
            squares += self.around_mean(group).map(|h| h.powi(2)).sum::<f64>();
            cubes += self.around_mean(group).map(|h| h.powi(3)).sum::<f64>();
        }
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
