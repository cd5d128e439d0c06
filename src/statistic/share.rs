//! The exposure share of one arm.

use super::{Cell, Quantity, Scale, Side, Statistic, Undefined, Working};

fn logit(topic: f64, all: f64, empty: Undefined) -> Working {
    if all <= 0.0 {
        Working::Undefined(empty)
    } else if topic <= 0.0 {
        Working::Below
    } else if topic >= all {
        Working::Above
    } else {
        Working::Finite((topic / (all - topic)).ln())
    }
}

macro_rules! share_of {
    ($(#[$doc:meta])* $type:ident, $name:literal, $phrase:literal, $side:ident, $empty:ident) => {
        $(#[$doc])*
        ///
        /// From 0 to 1. Intervals are made for its log odds, so that they stay in that range
        /// (the logit method of `survey::svyciprop`).
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

            fn cells(&self, _strata: usize) -> Vec<Cell> {
                vec![
                    Cell::over_all(Side::$side, Quantity::Topic),
                    Cell::over_all(Side::$side, Quantity::All),
                ]
            }

            fn scale(&self) -> Scale {
                Scale::Logit
            }

            fn null(&self) -> Option<f64> {
                None
            }

            fn value(&self, totals: &[f64]) -> Working {
                logit(totals[0], totals[1], Undefined::$empty)
            }

            fn gradient(&self, totals: &[f64]) -> Vec<f64> {
                let rest = totals[1] - totals[0];
                vec![1.0 / totals[0] + 1.0 / rest, -1.0 / rest]
            }

            fn term(&self, _: Side, share: f64, _: &[f64]) -> Option<f64> {
                Some((share / (1.0 - share)).ln())
            }
        }
    };
}

share_of!(
    /// The topic's share of the exposure mass in the treatment, `S_A`; with
    /// [`Unit::Reach`](crate::Unit::Reach), the share of its clusters that the topic reached.
    TreatmentShare,
    "treatment_share",
    "the topic's exposure share",
    Treatment,
    NoTreatmentMass
);

share_of!(
    /// The topic's share of the exposure mass in the baseline, `S_B`; with
    /// [`Unit::Reach`](crate::Unit::Reach), the share of its clusters that the topic reached.
    BaselineShare,
    "baseline_share",
    "the topic's exposure share in the baseline of the comparison",
    Baseline,
    NoBaselineMass
);
