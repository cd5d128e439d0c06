//! The amplification ratio, as a ratio, as its logarithm and as percent: one quantity on three
//! scales.

use super::{Scale, Side, Statistic, TwoArms, Undefined, WithinFit, Working};

fn log_ratio(totals: &[f64]) -> Working {
    match TwoArms::from_totals(totals).shares() {
        Err(reason) => Working::Undefined(reason),
        Ok((0.0, 0.0)) => Working::Undefined(Undefined::TopicInNeitherArm),
        Ok((_, 0.0)) => Working::Above,
        Ok((0.0, _)) => Working::Below,
        Ok((treatment, baseline)) => Working::Finite((treatment / baseline).ln()),
    }
}

fn log_ratio_gradient(totals: &[f64]) -> Vec<f64> {
    let t = TwoArms::from_totals(totals);
    vec![
        1.0 / t.topic_treatment,
        -1.0 / t.all_treatment,
        -1.0 / t.topic_baseline,
        1.0 / t.all_baseline,
    ]
}

macro_rules! on_scale {
    ($(#[$doc:meta])* $type:ident, $name:literal, $phrase:literal, $scale:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $type;

        impl Statistic for $type {
            crate::statistic::origin::of_the_library!();

            fn name(&self) -> &'static str {
                $name
            }

            fn phrase(&self) -> &'static str {
                $phrase
            }

            fn scale(&self) -> Scale {
                Scale::$scale
            }

            fn value(&self, totals: &[f64]) -> Working {
                log_ratio(totals)
            }

            fn gradient(&self, totals: &[f64]) -> Vec<f64> {
                log_ratio_gradient(totals)
            }

            fn within(&self) -> Option<WithinFit> {
                Some(WithinFit::Poisson)
            }

            fn term(&self, _: Side, share: f64, _: &[f64]) -> Option<f64> {
                Some(share.ln())
            }
        }
    };
}

on_scale!(
    /// The amplification ratio: the topic's share in the treatment over its share in the
    /// baseline, `R = S_A / S_B`. Infinite where the baseline never shows the topic, 0 where the
    /// treatment never does, undefined where neither does.
    ///
    /// Intervals are made for `log R` and exponentiated (METHODS section 4; Deng et al. 2018,
    /// arXiv 1803.06336).
    AmplificationRatio,
    "amplification_ratio",
    "the ratio of the topic's exposure share",
    Log
);

on_scale!(
    /// The natural logarithm of the amplification ratio, `log R`. Infinite where one arm never
    /// shows the topic, undefined where neither does.
    LogRatio,
    "log_ratio",
    "the logarithm of the ratio of the topic's exposure share",
    Linear
);

on_scale!(
    /// The amplification in percent, `100 (R - 1)`, as in Huszar et al. 2022
    /// (PNAS, 10.1073/pnas.2025334119). -100 where the treatment never shows the topic.
    PercentAmplification,
    "percent_amplification",
    "the change in percent of the topic's exposure share",
    LogPercent
);
