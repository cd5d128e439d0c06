//! What a monitor keeps of the clusters it has seen: sums of contributions and of their products, in
//! whole numbers, and the variance that follows from them. It knows nothing of time.

use super::exact::{Pair, Wide};
use crate::estimand::Unit;
use crate::estimate::{ClusterCounts, NoInterval};
use crate::inference::contribution::{Contributions, index};
use crate::statistic::{Cell, Side};
use crate::tally::Mass;

/// Binary digits of shares after the point.
const SHARE_BITS: u32 = 60;

/// Sums over clusters, in units of `2^-bits`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sums {
    pub(super) treatment: u64,
    pub(super) baseline: u64,
    pub(super) both: u64,
    /// By cell.
    pub(super) totals: Vec<u128>,
    /// Of each cell with itself and those after it, row by row.
    pub(super) products: Vec<Wide>,
}

/// Sums that do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Binary digits after the point of the contributions in a unit.
pub(super) const fn bits(unit: Unit) -> u32 {
    match unit {
        Unit::Pooled => Mass::FRACTION_BITS,
        Unit::ClusterMean => SHARE_BITS,
        Unit::Reach(_) => 0,
    }
}

impl Sums {
    pub(super) fn new(cells: usize) -> Self {
        Self {
            treatment: 0,
            baseline: 0,
            both: 0,
            totals: vec![0; cells],
            products: vec![Wide::default(); cells * (cells + 1) / 2],
        }
    }

    /// Clusters in either arm.
    pub(super) fn either(&self) -> u64 {
        self.treatment + self.baseline - self.both
    }

    pub(super) fn counts(&self) -> ClusterCounts {
        ClusterCounts::new(self.treatment, self.baseline, self.both)
    }

    /// Adds clusters.
    pub(super) fn add(&mut self, more: &Contributions, unit: Unit) -> Result<(), TooLarge> {
        let scale = (1_u64 << bits(unit)) as f64;
        let columns = more.columns();
        let mut row = vec![0; self.totals.len()];
        for cluster in 0..more.present().len() {
            for (units, column) in row.iter_mut().zip(columns) {
                // Contributions are never negative.
                *units = (column[cluster] * scale).round() as u128;
            }
            self.add_one(&row).ok_or(TooLarge)?;
        }
        let ClusterCounts { treatment, baseline, both, .. } = more.clusters();
        self.treatment += treatment;
        self.baseline += baseline;
        self.both += both;
        if self.fit() { Ok(()) } else { Err(TooLarge) }
    }

    fn add_one(&mut self, row: &[u128]) -> Option<()> {
        let mut products = self.products.iter_mut();
        for (at, &units) in row.iter().enumerate() {
            self.totals[at] = self.totals[at].checked_add(units)?;
            for (&other, product) in row[at..].iter().zip(products.by_ref()) {
                *product = product.checked_add(Wide::product(units, other))?;
            }
        }
        Some(())
    }

    /// Whether what is made of the sums fits as well.
    pub(super) fn fit(&self) -> bool {
        self.products.iter().all(|product| product.times(self.either()).is_some())
    }

    /// The totals as numbers.
    pub(super) fn totals(&self, unit: Unit) -> Vec<f64> {
        let scale = 0.5_f64.powi(bits(unit) as i32);
        self.totals.iter().map(|&units| units as f64 * scale).collect()
    }

    /// The clusters on which a statistic of these cells rests.
    pub(super) fn clusters(&self, cells: &[Cell]) -> u64 {
        match [Side::Treatment, Side::Baseline].map(|side| needs(cells, side)) {
            [true, true] => self.either(),
            [true, false] => self.treatment,
            _ => self.baseline,
        }
    }

    /// Clusters in the arm with fewer, of those that matter.
    pub(super) fn fewest(&self, cells: &[Cell]) -> u64 {
        let arms = [(Side::Treatment, self.treatment), (Side::Baseline, self.baseline)];
        let needed = arms.into_iter().filter(|(side, _)| needs(cells, *side));
        needed.map(|(_, clusters)| clusters).min().unwrap_or(0)
    }

    /// The cluster-robust variance of a statistic with this gradient, as in
    /// [`Delta`](crate::inference::Delta): one group of crossed clusters, else a group for each arm.
    pub(super) fn variance(
        &self,
        gradient: &[f64],
        cells: &[Cell],
        unit: Unit,
    ) -> Result<f64, NoInterval> {
        let sides =
            [Side::Treatment, Side::Baseline].into_iter().filter(|&side| needs(cells, side));
        let sides: Vec<Side> = sides.collect();
        let groups: Vec<(u64, Vec<usize>)> = if self.both > 0 && sides.len() == 2 {
            vec![(self.either(), (0..cells.len()).collect())]
        } else {
            let arm = |side| {
                let clusters = [self.treatment, self.baseline][index(side)];
                (clusters, (0..cells.len()).filter(|&at| cells[at].side == side).collect())
            };
            sides.into_iter().map(arm).collect()
        };
        let mut variance = 0.0;
        for (clusters, members) in groups {
            if clusters < 2 {
                return Err(NoInterval::SingleCluster);
            }
            variance += self.spread(gradient, &members, clusters, unit) / (clusters - 1) as f64;
        }
        if variance > 0.0 { Ok(variance) } else { Err(NoInterval::NoVariation) }
    }

    /// `G sum h_c^2 - (sum h_c)^2` over the G clusters of a group, with `h_c = g . z_c`.
    ///
    /// Differences of sums are taken in whole numbers, and the gradient is applied in pairs of
    /// numbers, so that a share that hardly varies over clusters of very different sizes keeps its
    /// variance. What is left of rounding the gradient itself counts as zero.
    fn spread(&self, gradient: &[f64], members: &[usize], clusters: u64, unit: Unit) -> f64 {
        let scale = 0.25_f64.powi(bits(unit) as i32);
        let (mut sum, mut size) = (Pair::default(), 0.0_f64);
        for (nth, &first) in members.iter().enumerate() {
            for &second in &members[nth..] {
                let squares = self.product(first, second).times(clusters);
                let squares = squares.expect("sums that do not fit are refused");
                let centred = squares.minus(Wide::product(self.totals[first], self.totals[second]));
                let twice = if first == second { 1.0 } else { 2.0 };
                let slopes = Pair::product(gradient[first], twice * gradient[second]);
                let term = slopes.times(centred);
                size += term.get().abs();
                sum = sum.plus(term);
            }
        }
        let spread = sum.get();
        if spread <= (8.0 * f64::EPSILON).powi(2) * size { 0.0 } else { spread * scale }
    }

    /// The sum of the products of two cells, the first not after the second.
    fn product(&self, first: usize, second: usize) -> Wide {
        let cells = self.totals.len();
        self.products[first * cells - first * first.saturating_sub(1) / 2 + second - first]
    }

    /// Whether clusters could have these sums.
    pub(super) fn are_sound(&self, cells: &[Cell]) -> bool {
        let many = self.totals.len();
        let sound = many == cells.len()
            && self.products.len() == many * (many + 1) / 2
            && self.both <= self.treatment.min(self.baseline)
            && self.treatment.checked_add(self.baseline).is_some()
            && self.fit();
        sound
            && (0..many).all(|at| {
                let square = Wide::product(self.totals[at], self.totals[at]);
                self.product(at, at).times(self.either()) >= Some(square)
            })
    }
}

fn needs(cells: &[Cell], side: Side) -> bool {
    cells.iter().any(|cell| cell.side == side)
}
