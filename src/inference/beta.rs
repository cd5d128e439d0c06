//! Quantiles of the beta distribution, also for shapes of a thousandth and of a billion. It knows
//! nothing of shares.

use cdflib::special::{beta_log, try_beta_inc};

/// The least quantile that is told from 0, and the least distance of one from 1 is half the machine's
/// precision. A bound for a share this small says nothing any more, and two of them on a logarithmic scale
/// still make a number.
pub(super) const LEAST: f64 = 1e-200;

/// The greatest quantile that is told from 1.
pub(super) const GREATEST: f64 = 1.0 - f64::EPSILON / 2.0;

/// Which tail of the distribution holds a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    Lower,
    Upper,
}

/// What a beta variable of shapes `a` and `b`, both above 0, is below (or above) with this probability,
/// in (0, 1); from [`LEAST`] to [`GREATEST`].
///
/// By Newton's steps on the logarithm of the tail over that of the variable, which is concave: from the
/// side on which the tail is too small they go up to the quantile and never past it. `statrs` has a
/// quantile too, but its incomplete beta function stops after 140 terms, which some thousands of
/// impressions need more of; and `cdflib`'s own quantiles are of eight digits.
pub(super) fn quantile(tail: Tail, probability: f64, a: f64, b: f64) -> f64 {
    let wanted = probability.ln();
    // Between these the quantile lies; a step that leaves them is one to their middle instead.
    let (mut low, mut high) = (LEAST.ln(), GREATEST.ln());
    let mut at = start(tail, wanted, a, b).clamp(low, high);
    for _ in 0..200 {
        let (off, slope) = distance(tail, at, a, b, wanted);
        if off == 0.0 {
            break;
        }
        if (off > 0.0) == (tail == Tail::Lower) {
            high = at;
        } else {
            low = at;
        }
        let newton = at - off / slope;
        let next = if newton >= low && newton <= high { newton } else { f64::midpoint(low, high) };
        let done = (next - at).abs() <= 4.0 * f64::EPSILON * at.abs().max(1e-3);
        at = next;
        if done {
            break;
        }
    }
    at.exp().clamp(LEAST, GREATEST)
}

/// Where to start, as a logarithm: where the density near 0 says, which for a small first shape is nearly
/// the quantile; else at the mean.
fn start(tail: Tail, wanted: f64, a: f64, b: f64) -> f64 {
    let mean = (a / (a + b)).ln();
    if tail == Tail::Lower && a < 1.0 {
        let near_zero = (wanted + a.ln() + beta_log(a, b)) / a;
        return near_zero.min(mean);
    }
    mean
}

/// How far the logarithm of a tail is above the wanted one, and its derivative by the logarithm of the
/// variable; minus infinity where the tail is too small for a number.
fn distance(tail: Tail, at: f64, a: f64, b: f64, wanted: f64) -> (f64, f64) {
    let (x, rest) = (at.exp(), -at.exp_m1());
    let density = (a * at + (b - 1.0) * rest.ln() - beta_log(a, b)).exp();
    let (below, above) = try_beta_inc(a, b, x, rest).unwrap_or((f64::NAN, f64::NAN));
    match tail {
        Tail::Lower => (below.ln() - wanted, density / below),
        Tail::Upper => (above.ln() - wanted, -density / above),
    }
}
