//! Amplification of reach, smoothed as its inventors do.

use super::{Scale, Side, Statistic, TwoArms, Units, Working};

/// The add-one amplification of Huszar et al. 2022 (PNAS, 10.1073/pnas.2025334119):
/// `(U_A + 1) / (k U_B + 1) - 1` with `k = |A| / |B|`, where `U` counts the clusters that the
/// topic reached and `|A|`, `|B|` the clusters in each arm. For
/// [`Unit::Reach`](crate::Unit::Reach) alone; other units are refused. 0 is no amplification; always finite.
///
/// The interval is made for `log((U_A + 1) / (k U_B + 1))`; it is pulled towards 0 as the value
/// is, which matters where the topic reached few clusters.
///
/// ```
/// use tiltmeter::statistic::{AddOneReach, Statistic, Working};
/// // 40 of 100 viewers reached against 20 of 50: as many as expected.
/// let Working::Finite(log_ratio) = AddOneReach.value(&[40.0, 100.0, 20.0, 50.0]) else { panic!() };
/// assert_eq!(log_ratio, 0.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddOneReach;

impl Statistic for AddOneReach {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "smoothed_reach_percent"
    }

    fn phrase(&self) -> &'static str {
        "the add-one amplification, in percent, of the topic's reach"
    }

    fn units(&self) -> Units {
        Units::Reach
    }

    fn is_of_counts(&self) -> bool {
        true
    }

    fn scale(&self) -> Scale {
        Scale::LogPercent
    }

    fn value(&self, totals: &[f64]) -> Working {
        let t = TwoArms::from_totals(totals);
        if let Err(reason) = t.shares() {
            return Working::Undefined(reason);
        }
        let expected = t.all_treatment / t.all_baseline * t.topic_baseline;
        Working::Finite(((t.topic_treatment + 1.0) / (expected + 1.0)).ln())
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let t = TwoArms::from_totals(totals);
        let k = t.all_treatment / t.all_baseline;
        let smoothed = k * t.topic_baseline + 1.0;
        vec![
            1.0 / (t.topic_treatment + 1.0),
            -t.topic_baseline / t.all_baseline / smoothed,
            -k / smoothed,
            k * t.topic_baseline / t.all_baseline / smoothed,
        ]
    }

    fn term(&self, _: Side, share: f64, totals: &[f64]) -> Option<f64> {
        Some((TwoArms::from_totals(totals).all_treatment * share).ln_1p())
    }
}
