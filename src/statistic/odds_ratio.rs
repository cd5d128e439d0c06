//! The odds ratio of exposure.

use super::{Scale, Side, Statistic, TwoArms, Undefined, Working};

/// The odds of the topic against all else in the treatment, over those in the baseline:
/// `(S_A / (1 - S_A)) / (S_B / (1 - S_B))`. Close to the amplification ratio for rare topics,
/// further from 1 for common ones. Intervals are made for its logarithm.
///
/// ```
/// use tiltmeter::statistic::{OddsRatio, Statistic, Working};
/// // Odds of 3:7 against 1:9.
/// let Working::Finite(log_odds) = OddsRatio.value(&[30.0, 100.0, 10.0, 100.0]) else { panic!() };
/// assert!((log_odds.exp() - 27.0 / 7.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddsRatio;

impl Statistic for OddsRatio {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "odds_ratio"
    }

    fn phrase(&self) -> &'static str {
        "the ratio of the topic's exposure odds"
    }

    fn scale(&self) -> Scale {
        Scale::Log
    }

    fn value(&self, totals: &[f64]) -> Working {
        let t = TwoArms::from_totals(totals);
        if let Err(reason) = t.shares() {
            return Working::Undefined(reason);
        }
        let above = t.topic_treatment * (t.all_baseline - t.topic_baseline);
        let below = t.topic_baseline * (t.all_treatment - t.topic_treatment);
        match (above > 0.0, below > 0.0) {
            (true, true) => Working::Finite((above / below).ln()),
            (true, false) => Working::Above,
            (false, true) => Working::Below,
            (false, false) if t.topic_treatment + t.topic_baseline > 0.0 => {
                Working::Undefined(Undefined::NothingButTopic)
            }
            (false, false) => Working::Undefined(Undefined::TopicInNeitherArm),
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let t = TwoArms::from_totals(totals);
        let rest_treatment = t.all_treatment - t.topic_treatment;
        let rest_baseline = t.all_baseline - t.topic_baseline;
        vec![
            1.0 / t.topic_treatment + 1.0 / rest_treatment,
            -1.0 / rest_treatment,
            -1.0 / t.topic_baseline - 1.0 / rest_baseline,
            1.0 / rest_baseline,
        ]
    }

    fn term(&self, _: Side, share: f64, _: &[f64]) -> Option<f64> {
        Some((share / (1.0 - share)).ln())
    }
}
