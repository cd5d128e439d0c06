//! The probability of each item of a slate, given those above it.

use pulp::{Arch, NullaryFnOnce};

/// Candidates that are the bits of a word. Their weights are added up side by side, in an order that
/// is the same on any machine.
const WORD: usize = u64::BITS as usize;

/// Words for which no memory is asked for.
const FEW: usize = 16;

/// Sums that overflow are made again in this unit; there are fewer candidates than that.
const UNIT: f64 = 1.0 / (1_u64 << 40) as f64;

/// Appends, by rank, the weight of the item over the sum of the weights not shown above it.
///
/// The sum is made from below: first what was never shown, then item by item up the slate. So
/// nothing is ever taken away from a sum, and no digits are lost where one item outweighs the rest.
pub(super) fn propensities(arch: Arch, weights: &[f64], slate: &[u32], out: &mut Vec<f64>) {
    arch.dispatch(Vectorised { weights, slate, out });
}

struct Vectorised<'w> {
    weights: &'w [f64],
    slate: &'w [u32],
    out: &'w mut Vec<f64>,
}

impl NullaryFnOnce for Vectorised<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { weights, slate, out } = self;
        let words = weights.len().div_ceil(WORD);
        let mut few = [0; FEW];
        let mut many = Vec::new();
        let shown = few.get_mut(..words).unwrap_or_else(|| {
            many.resize(words, 0);
            &mut many
        });
        for &place in slate {
            shown[place as usize / WORD] |= 1 << (place as usize % WORD);
        }
        let mut left = never_shown(weights, shown);
        let start = out.len();
        out.resize(start + slate.len(), 0.0);
        let out = &mut out[start..];
        for (left_here, &place) in out.iter_mut().zip(slate).rev() {
            left += weights[place as usize];
            *left_here = left;
        }
        if left.is_finite() {
            for (propensity, &place) in out.iter_mut().zip(slate) {
                *propensity = (weights[place as usize] / *propensity).max(f64::MIN_POSITIVE);
            }
        } else {
            overflowing(weights, slate, shown, out);
        }
    }
}

/// The same for weights whose sum is beyond double precision: where it is, all is divided by a power
/// of two first, which may cost weights far below the greatest their digits, but not the sum.
#[cold]
fn overflowing(weights: &[f64], slate: &[u32], shown: &[u64], out: &mut [f64]) {
    let in_units: Vec<f64> = weights.iter().map(|weight| weight * UNIT).collect();
    let (mut left, mut left_in_units) =
        (never_shown(weights, shown), never_shown(&in_units, shown));
    for (propensity, &place) in out.iter_mut().zip(slate).rev() {
        let place = place as usize;
        left += weights[place];
        left_in_units += in_units[place];
        let ratio =
            if left.is_finite() { weights[place] / left } else { in_units[place] / left_in_units };
        *propensity = ratio.max(f64::MIN_POSITIVE);
    }
}

/// The sum of the weights of those who are not shown.
#[inline(always)]
fn never_shown(weights: &[f64], shown: &[u64]) -> f64 {
    let (whole, rest) = weights.as_chunks::<WORD>();
    let mut last = [0.0; WORD];
    last[..rest.len()].copy_from_slice(rest);
    let mut sums = [0.0; WORD];
    for (weights, shown) in whole.iter().chain(std::iter::once(&last)).zip(shown) {
        for (lane, (sum, weight)) in sums.iter_mut().zip(weights).enumerate() {
            *sum += if shown >> lane & 1 == 0 { *weight } else { 0.0 };
        }
    }
    for half in [32, 16, 8, 4, 2, 1] {
        let (sums, others) = sums.split_at_mut(half);
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += *other);
    }
    sums[0]
}
