//! What a viewer is like by now.

use super::Simulation;
use super::response::Response;
use crate::base::draws::Draws;

/// What a viewer is like by now.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) viewer: u32,
    pub(super) interests: Vec<f32>,
    /// Sorted.
    pub(super) follows: Vec<u32>,
    /// The items last shown, the oldest first.
    pub(super) remembered: std::collections::VecDeque<u32>,
    /// By topic, impressions of the day.
    pub(super) shown_today: Vec<f32>,
}

impl State {
    pub(super) const fn viewer(&self) -> u32 {
        self.viewer
    }

    /// Keeps in mind what was shown.
    pub(super) fn notice(
        &mut self,
        simulation: &Simulation,
        item: u32,
        response: Response,
        draws: &mut Draws,
    ) {
        let config = &simulation.config;
        let most = config.remembered as usize;
        if most > 0 {
            if self.remembered.len() == most {
                self.remembered.pop_front();
            }
            self.remembered.push_back(item);
        }
        if config.responses.drift > 0.0 {
            let set = simulation.catalogue.topics()[item as usize];
            let topics = simulation.catalogue.topic_sets().of(set);
            for topic in topics {
                self.shown_today[usize::from(*topic)] += 1.0 / topics.len() as f32;
            }
        }
        if response.clicked && config.responses.follow > 0.0 {
            let creator = simulation.catalogue.creators()[item as usize];
            if draws.happens(config.responses.follow)
                && let Err(place) = self.follows.binary_search(&creator)
            {
                self.follows.insert(place, creator);
            }
        }
    }

    /// Moves interests towards what was shown on the day.
    pub(super) fn drift(&mut self, part: f64) {
        let sum: f32 = self.shown_today.iter().sum();
        if part > 0.0 && sum > 0.0 {
            let topics = self.interests.len() as f32;
            for (interest, shown) in self.interests.iter_mut().zip(&mut self.shown_today) {
                let shown = std::mem::take(shown) / sum * topics;
                *interest += part as f32 * (shown - *interest);
            }
        }
    }
}
