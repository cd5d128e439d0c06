//! Sums over clusters, eight side by side: an addition need not wait for the one before it, and a processor's
//! vectors do several at a time.

use std::ops::{Add, Div, Mul, Sub};

use pulp::{Arch, NullaryFnOnce};

/// How many sums are kept side by side.
const LANES: usize = 8;

/// A number for each of eight clusters that stand one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row([f64; LANES]);

/// Which eight clusters a row is of, by the first of them; fewer at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: usize,
}

impl Place {
    /// Their numbers in a column; 0 past its end.
    #[inline(always)]
    pub(super) fn of(self, column: &[f64]) -> Row {
        let here = &column[self.start..];
        if let Some(row) = here.first_chunk() {
            return Row(*row);
        }
        let mut row = [0.0; LANES];
        row.iter_mut().zip(here).for_each(|(number, its)| *number = *its);
        Row(row)
    }

    /// 1 for the clusters that are of a side, else 0.
    #[inline(always)]
    pub(super) fn is(self, of: &[[bool; 2]], side: usize) -> Row {
        let mut row = [0.0; LANES];
        let here = &of[self.start..];
        row.iter_mut().zip(here).for_each(|(number, is)| *number = f64::from(u8::from(is[side])));
        Row(row)
    }
}

impl Row {
    pub(super) const ZERO: Self = Self([0.0; LANES]);
    pub(super) const ONE: Self = Self([1.0; LANES]);

    #[inline(always)]
    fn with(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|lane| of(self.0[lane], other.0[lane])))
    }

    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        Self(self.0.map(f64::abs))
    }

    /// Itself where another number is more than some, else 0.
    #[inline(always)]
    pub(super) fn where_more(self, what: Self, than: Self) -> Self {
        let is = |lane: usize| what.0[lane] > than.0[lane];
        Self(std::array::from_fn(|lane| if is(lane) { self.0[lane] } else { 0.0 }))
    }

    /// 0 where the size of a number is at most another's, else itself, whatever is no number included.
    #[inline(always)]
    pub(super) fn unless_within(self, what: Self, most: Self) -> Self {
        let is = |lane: usize| what.0[lane].abs() <= most.0[lane];
        Self(std::array::from_fn(|lane| if is(lane) { 0.0 } else { self.0[lane] }))
    }
}

impl Add for Row {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }
}

impl Sub for Row {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, |one, other| one - other)
    }
}

impl Mul for Row {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.with(other, |one, other| one * other)
    }
}

impl Div for Row {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.with(other, |one, other| one / other)
    }
}

impl From<f64> for Row {
    #[inline(always)]
    fn from(number: f64) -> Self {
        Self([number; LANES])
    }
}

/// The sums over clusters of `N` terms.
///
/// Lane `i` has clusters `i`, `i + 8`, ... in their order, and lanes are added two by two: one order for all
/// processors, so that results have the same bits on each.
pub(super) fn sums<const N: usize>(clusters: usize, terms: impl Fn(Place) -> [Row; N]) -> [f64; N] {
    Arch::new().dispatch(Pass { clusters, terms })
}

struct Pass<F> {
    clusters: usize,
    terms: F,
}

impl<const N: usize, F: Fn(Place) -> [Row; N]> NullaryFnOnce for Pass<F> {
    type Output = [f64; N];

    #[inline(always)]
    fn call(self) -> [f64; N] {
        let mut sums = [Row::ZERO; N];
        let lanes = Row(std::array::from_fn(|lane| lane as f64));
        for start in (0..self.clusters).step_by(LANES) {
            let left = Row::from((self.clusters - start) as f64);
            let terms = (self.terms)(Place { start });
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum = *sum + term.where_more(left, lanes);
            }
        }
        sums.map(|Row([a, b, c, d, e, f, g, h])| ((a + b) + (c + d)) + ((e + f) + (g + h)))
    }
}

/// A sum whose error does not grow with its length (Neumaier 1974), in as many lanes.
pub(super) fn compensated_sum(values: &[f64]) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let (mut sums, mut lost) = ([0.0; LANES], [0.0; LANES]);
    for chunk in whole {
        for ((sum, lost), value) in sums.iter_mut().zip(&mut lost).zip(chunk) {
            *lost += compensated(sum, *value);
        }
    }
    let (mut sum, mut all_lost) = (0.0, lost.iter().sum::<f64>());
    for &value in sums.iter().chain(rest) {
        all_lost += compensated(&mut sum, value);
    }
    sum + all_lost
}

/// Adds a value, and returns what is lost of the smaller one.
#[inline(always)]
fn compensated(sum: &mut f64, value: f64) -> f64 {
    let before = *sum;
    let next = before + value;
    *sum = next;
    if before.abs() >= value.abs() { (before - next) + value } else { (value - next) + before }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For every length around whole rounds, each term is that of its cluster and counted once; the numbers are
    /// whole, so that sums in any order are the same.
    #[test]
    fn every_cluster_counts_once() {
        for clusters in 0..40_u32 {
            let one: Vec<f64> = (0..clusters).map(f64::from).collect();
            let two: Vec<f64> = one.iter().map(|at| 3.0 * at + 1.0).collect();
            let wanted = [
                one.iter().sum::<f64>(),
                one.iter().zip(&two).map(|(a, b)| a * b).sum(),
                f64::from(clusters),
            ];
            let terms = |at: Place| [at.of(&one), at.of(&one) * at.of(&two), Row::ONE];
            assert_eq!(sums(one.len(), terms), wanted);
        }
    }

    /// `math.fsum` of Python says 2.0 and 1000.0: the first is what Neumaier's paper is about.
    #[test]
    fn what_is_lost_comes_back() {
        assert!((compensated_sum(&[1.0, 1e100, 1.0, -1e100]) - 2.0).abs() < f64::EPSILON);
        let mut values = vec![0.1; 10_000];
        values.extend([1e17, -1e17]);
        assert!((compensated_sum(&values) - 1000.0).abs() < 1e-12);
    }
}
