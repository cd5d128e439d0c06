//! The difference of exposure shares, in two parts: who or what the arms are made of, and what they do
//! with it.

use super::mantel_haenszel::{Stratum, cells_by_stratum};
use super::{Cell, NullOf, Scale, Statistic, Undefined, Working};

/// Weights and rates of a stratum, `w` and `r` of each arm.
struct Parts {
    w1: f64,
    r1: f64,
    w0: f64,
    r0: f64,
}

/// The strata's parts, in which those that neither arm has anything in are zeros.
fn parts(totals: &[f64]) -> Result<Vec<Parts>, Undefined> {
    let all = |of: fn(&Stratum) -> f64| Stratum::all(totals).map(|s| of(&s)).sum::<f64>();
    let (all1, all0) = (all(|s| s.n1), all(|s| s.n0));
    match (all1 > 0.0, all0 > 0.0) {
        (false, _) => return Err(Undefined::NoTreatmentMass),
        (_, false) => return Err(Undefined::NoBaselineMass),
        _ => {}
    }
    let rate = |topic: f64, all: f64| if all > 0.0 { topic / all } else { 0.0 };
    Stratum::all(totals)
        .map(|s| match (s.n1 > 0.0) == (s.n0 > 0.0) {
            false => Err(Undefined::StratumInOneArm),
            true => Ok(Parts {
                w1: s.n1 / all1,
                r1: rate(s.a, s.n1),
                w0: s.n0 / all0,
                r0: rate(s.c, s.n0),
            }),
        })
        .collect()
}

/// Derivatives by the totals of those by the rates and weights of both arms.
fn gradient(totals: &[f64], by_parts: impl Fn(&Parts) -> [f64; 4]) -> Vec<f64> {
    let Ok(parts) = parts(totals) else { return vec![0.0; totals.len()] };
    let slopes: Vec<[f64; 4]> = parts.iter().map(by_parts).collect();
    let (mut mean1, mut mean0, mut all1, mut all0) = (0.0, 0.0, 0.0, 0.0);
    for ((part, slope), s) in parts.iter().zip(&slopes).zip(Stratum::all(totals)) {
        mean1 += slope[1] * part.w1;
        mean0 += slope[3] * part.w0;
        all1 += s.n1;
        all0 += s.n0;
    }
    let of_stratum = |((part, slope), s): ((&Parts, &[f64; 4]), Stratum)| {
        if s.n1 <= 0.0 {
            return [0.0; 4];
        }
        let [by_r1, by_w1, by_r0, by_w0] = *slope;
        [
            by_r1 / s.n1,
            (by_w1 - mean1) / all1 - by_r1 * part.r1 / s.n1,
            by_r0 / s.n0,
            (by_w0 - mean0) / all0 - by_r0 * part.r0 / s.n0,
        ]
    };
    parts.iter().zip(&slopes).zip(Stratum::all(totals)).flat_map(of_stratum).collect()
}

fn sum(totals: &[f64], term: impl Fn(&Parts) -> f64) -> Working {
    match parts(totals) {
        Ok(parts) => Working::Finite(parts.iter().map(term).sum()),
        Err(reason) => Working::Undefined(reason),
    }
}

/// What of the difference of shares comes from the arms' composition: `sum_k (w1 - w0)(r1 + r0)/2`, `w`
/// being a stratum's part of an arm's mass and `r` the topic's share within it (Kitagawa 1955, doi
/// 10.1080/01621459.1955.10501299). With [`RateEffect`] it adds up to [`Difference`](super::Difference).
///
/// It has no value where a stratum has mass in one arm only: its rate in the other is not known.
///
/// ```
/// use tiltmeter::statistic::{CompositionEffect, RateEffect, Statistic, Working};
/// // Both arms show the topic at the same rates; the treatment has more of the stratum that sees it.
/// let totals = [40.0, 80.0, 10.0, 20.0, 2.0, 20.0, 8.0, 80.0];
/// let Working::Finite(composition) = CompositionEffect.value(&totals) else { panic!() };
/// let Working::Finite(rates) = RateEffect.value(&totals) else { panic!() };
/// assert!((composition - 0.24).abs() < 1e-12 && rates.abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompositionEffect;

impl Statistic for CompositionEffect {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "composition_effect"
    }

    fn phrase(&self) -> &'static str {
        "what of the difference of the topic's exposure share comes from the strata's parts"
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn null_of(&self) -> NullOf {
        NullOf::Composition
    }

    fn value(&self, totals: &[f64]) -> Working {
        sum(totals, |p| (p.w1 - p.w0) * (p.r1 + p.r0) / 2.0)
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        gradient(totals, |p| {
            let (by_rate, by_weight) = ((p.w1 - p.w0) / 2.0, (p.r1 + p.r0) / 2.0);
            [by_rate, by_weight, by_rate, -by_weight]
        })
    }
}

/// What of the difference of shares comes from what arms show within strata, the algorithm's part:
/// `sum_k (r1 - r0)(w1 + w0)/2` (Kitagawa 1955); see [`CompositionEffect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateEffect;

impl Statistic for RateEffect {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "rate_effect"
    }

    fn phrase(&self) -> &'static str {
        "what of the difference of the topic's exposure share comes from its share within strata"
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        sum(totals, |p| (p.r1 - p.r0) * (p.w1 + p.w0) / 2.0)
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        gradient(totals, |p| {
            let (by_rate, by_weight) = ((p.w1 + p.w0) / 2.0, (p.r1 - p.r0) / 2.0);
            [by_rate, by_weight, -by_rate, by_weight]
        })
    }
}
