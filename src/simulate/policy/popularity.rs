//! What was clicked before.

use serde::{Deserialize, Serialize};

use super::{Feature, Learning, Policy, Request, Shown};
use crate::error::Error;
use crate::simulate::check::{not_negative, positive};

/// Weights are `(clicks + prior)^exponent`, counted from the responses of the policy's own viewers.
///
/// With exponent 1, slates of one and a click for each, this is Pólya's urn: shares go to a limit that
/// depends on chance (Dirichlet with parameters `prior`), and feedback alone makes a feed unequal.
/// Below 1 shares become equal, above 1 one item takes all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Popularity {
    /// The power of the counts. Default 1.
    pub exponent: f64,
    /// What every item is taken to have before its first click; above 0. Default 1.
    pub prior: f64,
    #[serde(skip)]
    clicks: Vec<u32>,
}

impl Default for Popularity {
    fn default() -> Self {
        Self { exponent: 1.0, prior: 1.0, clicks: Vec::new() }
    }
}

impl Popularity {
    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not.
    pub fn check(&self) -> Result<(), Error> {
        not_negative("Popularity::exponent", self.exponent)?;
        positive("Popularity::prior", self.prior)
    }

    /// The clicks on an item that it learned of.
    #[must_use]
    pub fn clicks(&self, item: u32) -> u32 {
        self.clicks.get(item as usize).copied().unwrap_or(0)
    }
}

impl Policy for Popularity {
    fn name(&self) -> String {
        "popularity".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        Vec::new()
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        for (weight, &item) in weights.iter_mut().zip(&request.candidates.items) {
            *weight = f64::from(self.clicks(item)) + self.prior;
        }
        if self.exponent != 1.0 {
            weights.iter_mut().for_each(|weight| *weight = weight.powf(self.exponent));
        }
    }

    fn learning(&self) -> Learning {
        Learning::EveryRound
    }

    fn learn(&mut self, shown: &[Shown]) {
        for impression in shown.iter().filter(|shown| shown.clicked > 0) {
            let item = impression.item as usize;
            if self.clicks.len() <= item {
                self.clicks.resize(item + 1, 0);
            }
            self.clicks[item] += 1;
        }
    }
}
