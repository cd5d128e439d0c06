//! What was clicked before.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::power::raise;
use super::{Feature, Learning, Policy, Request, Shown};
use crate::error::Error;
use crate::error::range::{not_negative, positive};

/// Weights are `(clicks + prior)^exponent`, counted from the responses of the policy's own viewers.
///
/// With exponent 1, slates of one and a click for each, this is Pólya's urn: shares go to a limit that
/// depends on chance (Dirichlet with parameters `prior`; Eggenberger and Pólya 1923, doi
/// 10.1002/zamm.19230030407), and feedback alone makes a feed unequal. Below 1 shares become equal,
/// above 1 one item takes all. It counts clicks and not impressions, so what is shown more is liked more:
/// [`Bandit`](super::Bandit) divides. Clicks count for good: where items lose their appeal with age, what
/// was popular stays on top, and viewers may click less than on random slates. Costs a look-up for each candidate, and a few bytes for each item
/// that was ever clicked.
///
/// ```
/// use tiltmeter::policy::{Policy, Popularity, PopularityPolicy, Shown, slate};
/// use tiltmeter::policy::{Candidates, Request};
/// let mut popularity = PopularityPolicy::new(&Popularity::default())?;
/// popularity.learn(&[Shown { clicked: 1, ..Shown::of(7) }; 2]);
/// let pool = Candidates { items: vec![7, 8], ..Candidates::default() };
/// let slate = slate(&popularity, &Request::new(&pool), 2)?;
/// let first = if slate.places[0] == 0 { 0.75 } else { 0.25 }; // 2 + 1 to 0 + 1
/// assert_eq!(slate.propensities, Some(vec![first, 1.0]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Popularity {
    /// The power of the counts. Default 1.
    pub exponent: f64,
    /// What every item is taken to have before its first click; above 0. Default 1.
    pub prior: f64,
}

impl Default for Popularity {
    fn default() -> Self {
        Self { exponent: 1.0, prior: 1.0 }
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
}

/// A [`Popularity`] ranker at work.
#[derive(Clone, Debug)]
pub struct PopularityPolicy {
    config: Popularity,
    clicks: HashMap<u32, u32, FixedState>,
}

impl PopularityPolicy {
    /// One that knows of no click yet.
    ///
    /// # Errors
    /// Those of [`Popularity::check`].
    pub fn new(config: &Popularity) -> Result<Self, Error> {
        config.check()?;
        Ok(Self { config: *config, clicks: HashMap::default() })
    }

    /// The clicks on an item that it learned of.
    #[must_use]
    pub fn clicks(&self, item: u32) -> u32 {
        self.clicks.get(&item).copied().unwrap_or(0)
    }
}

impl Policy for PopularityPolicy {
    fn name(&self) -> String {
        "popularity".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        Vec::new()
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        for (weight, &item) in weights.iter_mut().zip(&request.candidates.items) {
            *weight = f64::from(self.clicks(item)) + self.config.prior;
        }
        raise(weights, self.config.exponent);
    }

    fn learning(&self) -> Learning {
        Learning::EveryRound
    }

    fn learn(&mut self, shown: &[Shown]) {
        for impression in shown.iter().filter(|shown| shown.clicked > 0) {
            *self.clicks.entry(impression.item).or_default() += 1;
        }
    }
}
