//! Who watches: viewers as columns.

use rand_distr::{Distribution, Gamma, Poisson, StandardNormal};
use rayon::prelude::*;

use super::catalogue::{Catalogue, spread};
use super::config::{Interests, WorldConfig};
use crate::base::draws::{Draws, Purpose};

/// The least interest in a topic, as a multiple of the average: none is nothing for good.
pub(in crate::simulate) const LEAST_INTEREST: f64 = 1e-6;

/// Viewers as columns; a viewer is the number of the row.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewers {
    topics: usize,
    strata: Vec<u16>,
    leanings: Vec<f32>,
    activities: Vec<f32>,
    interests: Vec<f32>,
    follows: Vec<Vec<u32>>,
}

/// A viewer before he has his place.
pub(in crate::simulate) struct Profile {
    pub(in crate::simulate) stratum: u16,
    pub(in crate::simulate) leaning: f32,
    /// Slates a day.
    pub(in crate::simulate) activity: f32,
    /// By topic, as multiples of an equal share.
    pub(in crate::simulate) interests: Vec<f32>,
    pub(in crate::simulate) follows: Vec<u32>,
}

impl Viewers {
    /// Viewers of a world under a simulation's seed.
    pub(in crate::simulate) fn of(config: &WorldConfig, catalogue: &Catalogue, seed: u64) -> Self {
        let profile = |viewer| Profile::draw(config, catalogue, seed, viewer);
        let profiles: Vec<Profile> = (0..config.viewers).into_par_iter().map(profile).collect();
        Self::from_profiles(config.topics.len(), profiles)
    }

    pub(in crate::simulate) fn from_profiles(topics: usize, profiles: Vec<Profile>) -> Self {
        let mut viewers = Self {
            topics,
            strata: Vec::with_capacity(profiles.len()),
            leanings: Vec::with_capacity(profiles.len()),
            activities: Vec::with_capacity(profiles.len()),
            interests: Vec::with_capacity(profiles.len() * topics),
            follows: Vec::with_capacity(profiles.len()),
        };
        for profile in profiles {
            viewers.strata.push(profile.stratum);
            viewers.leanings.push(profile.leaning);
            viewers.activities.push(profile.activity);
            viewers.interests.extend(profile.interests);
            viewers.follows.push(profile.follows);
        }
        viewers
    }

    /// How many viewers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strata.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strata.is_empty()
    }

    /// By viewer, the stratum, as a place in [`WorldConfig::strata`].
    #[must_use]
    pub fn strata(&self) -> &[u16] {
        &self.strata
    }

    /// By viewer, the leaning: below 0 left, above 0 right.
    #[must_use]
    pub fn leanings(&self) -> &[f32] {
        &self.leanings
    }

    /// By viewer, slates a day, as an expectation.
    #[must_use]
    pub fn activities(&self) -> &[f32] {
        &self.activities
    }

    /// A viewer's interest in each topic, as multiples of an equal share: their mean is 1.
    #[must_use]
    pub fn interests(&self, viewer: usize) -> &[f32] {
        &self.interests[viewer * self.topics..][..self.topics]
    }

    /// The creators whom a viewer follows at the start, sorted.
    #[must_use]
    pub fn follows(&self, viewer: usize) -> &[u32] {
        &self.follows[viewer]
    }
}

impl Profile {
    fn draw(config: &WorldConfig, catalogue: &Catalogue, seed: u64, viewer: u32) -> Self {
        let mut draws = Draws::new(seed, Purpose::Viewer, viewer, 0);
        let shares: Vec<f64> = config.strata.iter().map(|stratum| stratum.share).collect();
        let place = draws.weighted(&shares);
        let stratum = &config.strata[place];
        let leaning = spread(stratum.leaning, stratum.leaning_spread).sample(&mut draws);
        let shape = config.activity.shape;
        let rate = gamma(shape, &mut draws) / shape;
        let means: Vec<f64> = config
            .topics
            .iter()
            .map(|topic| {
                let multiple = stratum.interests.get(&topic.name).copied().unwrap_or(1.0);
                topic.interest * multiple
            })
            .collect();
        let interests = config.interests.draw(&means, &mut draws);
        let number = Poisson::new(config.follows.mean).map_or(0.0, |n| n.sample(&mut draws));
        let mut follows: Vec<u32> = (0..number as u32)
            .map(|_| catalogue.draw_creator(draws.weighted(&interests), &mut draws))
            .collect();
        follows.sort_unstable();
        follows.dedup();
        Self {
            stratum: place as u16,
            leaning: leaning as f32,
            activity: (config.activity.slates_per_day * stratum.activity * rate) as f32,
            interests: interests.into_iter().map(|interest| interest as f32).collect(),
            follows,
        }
    }
}

impl Interests {
    /// A viewer's interests around these means, as multiples of an equal share.
    fn draw(self, means: &[f64], draws: &mut Draws) -> Vec<f64> {
        let sum: f64 = means.iter().sum();
        let raw: Vec<f64> = match self {
            Self::Dirichlet { concentration } => {
                means.iter().map(|mean| gamma(concentration * mean / sum, draws)).collect()
            }
            Self::LogisticNormal { spread } => {
                let normal = |draws: &mut Draws| -> f64 { StandardNormal.sample(draws) };
                means.iter().map(|mean| mean * (spread * normal(draws)).exp()).collect()
            }
        };
        let sum: f64 = raw.iter().sum();
        let equal = 1.0 / means.len() as f64;
        // All are 0 only where every gamma variable was too small to be written.
        let share = |value: f64| if sum > 0.0 { value / sum } else { equal };
        raw.into_iter().map(|value| (share(value) / equal).max(LEAST_INTEREST)).collect()
    }
}

/// A gamma variable of scale 1.
fn gamma(shape: f64, draws: &mut Draws) -> f64 {
    Gamma::new(shape, 1.0).map_or(0.0, |gamma| gamma.sample(draws))
}
