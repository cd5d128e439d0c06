//! What a monitor keeps of the clusters it has seen: sums of contributions and of their products, in
//! whole numbers, and the variance that follows from them. It knows nothing of time.

use super::exact::{Pair, Wide};
use crate::estimate::{ClusterCounts, NoInterval};
use crate::inference::contribution::Contributions;
use crate::question::estimand::Unit;
use crate::statistic::{Cell, Quantity, Side};
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
        // Monitors within clusters are refused.
        Unit::Pooled | Unit::Within => Mass::FRACTION_BITS,
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

    /// The cluster-robust variance of a statistic with this gradient. With `h_a` a cluster's influence
    /// through the totals of an arm, `G_a` that arm's clusters and `f_a = G_a/(G_a - 1)`,
    ///
    /// ```text
    /// V = f_A sum h_A^2 + f_B sum h_B^2 + 2 sqrt(f_A f_B) sum h_A h_B
    /// ```
    ///
    /// around the arms' means: the sum for arms of their own where no cluster is in both, that over
    /// crossed clusters where all are, and between them what is between, so that one shared cluster
    /// changes as little as one cluster may.
    ///
    /// Influences of statistics that are functions of the two shares add up to 0 in each arm. Those of
    /// others (with something added to the cells) do not, and the mean of the shared clusters is not
    /// known; it is then taken to be that of all clusters of the arm.
    pub(super) fn variance(
        &self,
        gradient: &[f64],
        cells: &[Cell],
        unit: Unit,
    ) -> Result<f64, NoInterval> {
        let arms = [Side::Treatment, Side::Baseline].map(|side| {
            (0..cells.len()).filter(|&at| cells[at].side == side).collect::<Vec<usize>>()
        });
        let clusters = [self.treatment, self.baseline];
        let mut sum = Terms::default();
        for (members, clusters) in arms.iter().zip(clusters) {
            if members.is_empty() {
                continue;
            }
            if clusters < 2 {
                return Err(NoInterval::SingleCluster);
            }
            sum.add(self.spread(gradient, members, clusters), 1.0 / (clusters - 1) as f64);
        }
        if self.both > 0 && arms.iter().all(|members| !members.is_empty()) {
            let [f, g] = clusters.map(|clusters| clusters as f64 / (clusters - 1) as f64);
            let pairs = clusters[0] as f64 * clusters[1] as f64;
            sum.add(self.shared(gradient, &arms), 2.0 * (f * g).sqrt() / pairs);
        }
        let variance = sum.get() * 0.25_f64.powi(bits(unit) as i32);
        if variance > 0.0 { Ok(variance) } else { Err(NoInterval::NoVariation) }
    }

    /// `G sum h_c^2 - (sum h_c)^2` over the G clusters of an arm, with `h_c = g . z_c`.
    ///
    /// Differences of sums are taken in whole numbers, and the gradient is applied in pairs of
    /// numbers, so that a share that hardly varies over clusters of very different sizes keeps its
    /// variance.
    fn spread(&self, gradient: &[f64], members: &[usize], clusters: u64) -> Terms {
        let mut terms = Terms::default();
        for (nth, &first) in members.iter().enumerate() {
            for &second in &members[nth..] {
                let squares = self.product(first, second).times(clusters);
                let squares = squares.expect("sums that do not fit are refused");
                let centred = squares.minus(Wide::product(self.totals[first], self.totals[second]));
                let twice = if first == second { 1.0 } else { 2.0 };
                terms.take(Pair::product(gradient[first], twice * gradient[second]).times(centred));
            }
        }
        terms
    }

    /// `G_A G_B sum h_A h_B - G_AB (sum h_A) (sum h_B)` over the clusters of both arms.
    fn shared(&self, gradient: &[f64], [treatment, baseline]: &[Vec<usize>; 2]) -> Terms {
        let pairs = Pair::product(self.treatment as f64, self.baseline as f64);
        let both = Pair::product(-1.0, self.both as f64);
        let mut terms = Terms::default();
        for &first in treatment {
            for &second in baseline {
                let products = self.product(first.min(second), first.max(second)).pair();
                let means = Wide::product(self.totals[first], self.totals[second]).pair();
                let centred = products.times(pairs).plus(means.times(both));
                terms.take(Pair::product(gradient[first], gradient[second]).times(centred));
            }
        }
        terms
    }

    /// The smallest effective number of clusters that an arm of the statistic rests on, `(sum x)^2 /
    /// sum x^2`: of those that carry the topic, of those that carry anything else, and of all; with its
    /// arm.
    pub(super) fn fewest_carriers(&self, cells: &[Cell]) -> Option<(Side, f64)> {
        let arms = [Side::Treatment, Side::Baseline].into_iter();
        let known = arms.filter_map(|side| {
            let place = |quantity| {
                cells.iter().position(|cell| cell.side == side && cell.quantity == quantity)
            };
            let (topic, all) = (place(Quantity::Topic)?, place(Quantity::All)?);
            Some((side, self.carriers(topic, all)))
        });
        known.min_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    fn carriers(&self, topic: usize, all: usize) -> f64 {
        let [with, anything] = [topic, all].map(|at| self.totals[at]);
        let [of_topic, of_all] = [topic, all].map(|at| self.product(at, at));
        let cross = self.product(topic.min(all), topic.max(all)).times(2);
        // `sum (n - x)^2`, without rounding.
        let of_rest = of_topic.checked_add(of_all).zip(cross);
        let of_rest = of_rest.map_or(f64::INFINITY, |(squares, cross)| squares.minus(cross).get());
        let effective = |sum: u128, squares: f64| {
            let square = Wide::product(sum, sum).pair().get();
            if squares > 0.0 { square / squares } else { 0.0 }
        };
        let rest = effective(anything.saturating_sub(with), of_rest);
        let [with, anything] = [(with, of_topic), (anything, of_all)]
            .map(|(sum, its)| effective(sum, its.pair().get()));
        with.min(rest).min(anything)
    }

    /// Whether an arm of the statistic shows nothing but the topic, or nothing of it.
    pub(super) fn is_at_limit(&self, cells: &[Cell]) -> bool {
        [Side::Treatment, Side::Baseline].into_iter().any(|side| {
            let total = |quantity| {
                let place =
                    cells.iter().position(|cell| cell.side == side && cell.quantity == quantity);
                place.map(|at| self.totals[at])
            };
            let shown = total(Quantity::Topic).zip(total(Quantity::All));
            shown.is_some_and(|(topic, all)| topic == 0 || topic == all)
        })
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

/// A sum whose terms cancel.
#[derive(Default)]
struct Terms {
    sum: Pair,
    /// Of the terms without their signs.
    size: f64,
}

impl Terms {
    fn take(&mut self, term: Pair) {
        self.size += term.get().abs();
        self.sum = self.sum.plus(term);
    }

    /// Adds so many times another sum.
    fn add(&mut self, other: Self, times: f64) {
        self.size += times * other.size;
        self.sum = self.sum.plus(other.sum.times(Pair::product(times, 1.0)));
    }

    /// The sum; 0 where it is no more than what rounding the gradient leaves.
    fn get(&self) -> f64 {
        let sum = self.sum.get();
        if sum <= (8.0 * f64::EPSILON).powi(2) * self.size { 0.0 } else { sum }
    }
}
