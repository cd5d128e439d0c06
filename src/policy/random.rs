//! Every candidate alike.

use super::{Feature, Policy, Request};

/// Every candidate is as likely at every rank: the baseline that favours nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random;

impl Policy for Random {
    fn name(&self) -> String {
        "random".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        Vec::new()
    }

    fn weigh(&self, _: &Request<'_>, weights: &mut [f64]) {
        weights.fill(1.0);
    }
}
