//! The amplification ratio with half an impression added to each cell.

use super::{Scale, Side, Statistic, TwoArms, Working};

/// The amplification ratio with 1/2 added to each of the four cells (the topic and the rest, in either
/// arm), as meta-analysis does where a cell is empty (Haldane 1956; Anscombe 1956): `(X_A + 1/2) /
/// (N_A + 1) / ((X_B + 1/2) / (N_B + 1))`. Finite wherever both arms have mass, also for a topic that an
/// arm never shows.
///
/// Above 0; 1 is no amplification. The half is half a unit of mass when pooled, and half a cluster for
/// cluster means and reach. It pulls the ratio towards 1, strongly where there is little mass: for a topic
/// that an arm never shows, the one-sided bound of [`AmplificationRatio`](super::AmplificationRatio) is
/// the plain answer, and this one is for comparison with work that added the half. It has a name of its
/// own, so that a result says what was done. Costs nothing more.
///
/// ```
/// use tiltmeter::statistic::{HaldaneAnscombeRatio, Scale, Statistic, Working};
/// // 7 of 20 against none of 30: (7.5 / 21) / (0.5 / 31).
/// let Working::Finite(log) = HaldaneAnscombeRatio.value(&[7.0, 20.0, 0.0, 30.0]) else { panic!() };
/// assert!((Scale::Log.reported(log) - 7.5 / 21.0 * 62.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaldaneAnscombeRatio;

impl Statistic for HaldaneAnscombeRatio {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "half_added_ratio"
    }

    fn phrase(&self) -> &'static str {
        "the ratio of the topic's exposure share with 1/2 added to each cell"
    }

    fn is_of_counts(&self) -> bool {
        true
    }

    fn scale(&self) -> Scale {
        Scale::Log
    }

    fn value(&self, totals: &[f64]) -> Working {
        let t = TwoArms::from_totals(totals);
        if let Err(reason) = t.shares() {
            return Working::Undefined(reason);
        }
        let treatment = (t.topic_treatment + 0.5) / (t.all_treatment + 1.0);
        let baseline = (t.topic_baseline + 0.5) / (t.all_baseline + 1.0);
        Working::Finite((treatment / baseline).ln())
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let t = TwoArms::from_totals(totals);
        vec![
            1.0 / (t.topic_treatment + 0.5),
            -1.0 / (t.all_treatment + 1.0),
            -1.0 / (t.topic_baseline + 0.5),
            1.0 / (t.all_baseline + 1.0),
        ]
    }

    fn term(&self, side: Side, share: f64, totals: &[f64]) -> Option<f64> {
        let t = TwoArms::from_totals(totals);
        let all = match side {
            Side::Treatment => t.all_treatment,
            Side::Baseline => t.all_baseline,
        };
        Some(((share * all + 0.5) / (all + 1.0)).ln())
    }
}
