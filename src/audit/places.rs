//! Where the estimates of each topic stand, so that many look-ups cost no more than going through all once.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use crate::estimate::Estimate;

/// The places of estimates by topic; found when first asked for, and no part of what a report says.
#[derive(Debug, Default)]
pub(super) struct Places(OnceLock<HashMap<String, Vec<usize>, RandomState>>);

impl Places {
    /// The places of a topic's estimates among all, ascending.
    pub(super) fn of(&self, topic: &str, estimates: &[Estimate]) -> &[usize] {
        let places = self.0.get_or_init(|| {
            let mut places: HashMap<String, Vec<usize>, RandomState> = HashMap::default();
            for (at, estimate) in estimates.iter().enumerate() {
                match places.get_mut(&estimate.estimand.topic) {
                    Some(its) => its.push(at),
                    None => drop(places.insert(estimate.estimand.topic.clone(), vec![at])),
                }
            }
            places
        });
        places.get(topic).map_or(&[], Vec::as_slice)
    }
}

impl Clone for Places {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
