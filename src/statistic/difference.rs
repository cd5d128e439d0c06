//! The difference of exposure shares.

use super::{Scale, Side, Statistic, TwoArms, WithinFit, Working};

/// The topic's share in the treatment minus its share in the baseline, `S_A - S_B`, from -1 to
/// 1. Finite even where an arm never shows the topic.
///
/// ```
/// use tiltmeter::statistic::{Difference, Statistic, Working};
/// let Working::Finite(points) = Difference.value(&[30.0, 100.0, 10.0, 100.0]) else { panic!() };
/// assert!((points - 0.2).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference;

impl Statistic for Difference {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "difference"
    }

    fn phrase(&self) -> &'static str {
        "the difference of the topic's exposure share"
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        match TwoArms::from_totals(totals).shares() {
            Ok((treatment, baseline)) => Working::Finite(treatment - baseline),
            Err(reason) => Working::Undefined(reason),
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let t = TwoArms::from_totals(totals);
        vec![
            1.0 / t.all_treatment,
            -t.topic_treatment / (t.all_treatment * t.all_treatment),
            -1.0 / t.all_baseline,
            t.topic_baseline / (t.all_baseline * t.all_baseline),
        ]
    }

    fn within(&self) -> Option<WithinFit> {
        Some(WithinFit::LeastSquares)
    }

    fn term(&self, _: Side, share: f64, _: &[f64]) -> Option<f64> {
        Some(share)
    }
}
