//! What the viewer likes.

use serde::{Deserialize, Serialize};

use super::{Feature, Policy, Request};
use crate::error::Error;
use crate::simulate::check::not_negative;

/// Weights are the viewer's affinity to a power: a ranker that knows what viewers like. Simulated
/// candidates carry true affinities; those of a real log may carry a platform's scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affinity {
    /// The power: 0 is random, the greater, the more is left to the best. Default 1.
    pub sharpness: f64,
}

impl Default for Affinity {
    fn default() -> Self {
        Self { sharpness: 1.0 }
    }
}

impl Affinity {
    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not.
    pub fn check(&self) -> Result<(), Error> {
        not_negative("Affinity::sharpness", self.sharpness)
    }
}

impl Policy for Affinity {
    fn name(&self) -> String {
        "affinity".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        vec![Feature::Affinities]
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        for (weight, &affinity) in weights.iter_mut().zip(&request.candidates.affinities) {
            *weight = f64::from(affinity);
        }
        if self.sharpness != 1.0 {
            weights.iter_mut().for_each(|weight| *weight = weight.powf(self.sharpness));
        }
    }
}
