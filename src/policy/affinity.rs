//! What the viewer likes.

use serde::{Deserialize, Serialize};

use super::power::raise;
use super::{Feature, Policy, Request};
use crate::error::Error;
use crate::error::range::not_negative;

/// Weights are the viewer's affinity to a power: a ranker that knows what viewers like. Simulated
/// candidates carry true affinities; those of a real log may carry a platform's scores.
///
/// Under [`Selection::PlackettLuce`](super::Selection::PlackettLuce) a candidate's odds of being chosen
/// next are in proportion to `affinity^sharpness`: a softmax of its logarithm at the temperature
/// `1 / sharpness`. An affinity of 0 is never shown, unless the sharpness is 0. It knows the truth, which
/// no platform does: an upper end of what learning ones ([`Logistic`](super::Logistic),
/// [`Factors`](super::Factors)) come to. Costs nothing but a power for each candidate.
///
/// ```
/// use tiltmeter::policy::{Affinity, slate};
/// use tiltmeter::policy::{Candidates, Request};
/// let pool = Candidates { items: vec![1, 2], affinities: vec![2.0, 1.0], ..Candidates::default() };
/// let slate = slate(&Affinity { sharpness: 2.0 }, &Request::new(&pool), 2)?;
/// let first = if slate.places[0] == 0 { 0.8 } else { 0.2 }; // 4 to 1
/// assert_eq!(slate.propensities, Some(vec![first, 1.0]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
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
        raise(weights, self.sharpness);
    }
}
