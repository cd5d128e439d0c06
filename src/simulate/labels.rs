//! Errors in the topics that a log shows, as a classifier or a person makes them.

use serde::{Deserialize, Serialize};

use super::check::probability;
use super::draws::{Draws, Purpose};
use super::world::Catalogue;
use crate::error::Error;

/// Errors in labels: for every item and topic by itself, and the same wherever the item is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelErrors {
    /// The probability that an item of a topic has its label. Default 1.
    pub sensitivity: f64,
    /// The probability that an item of other topics does not have it. Default 1.
    pub specificity: f64,
}

impl Default for LabelErrors {
    fn default() -> Self {
        Self { sensitivity: 1.0, specificity: 1.0 }
    }
}

impl LabelErrors {
    pub(super) fn check(self) -> Result<(), Error> {
        probability("LabelErrors::sensitivity", self.sensitivity)?;
        probability("LabelErrors::specificity", self.specificity)
    }
}

/// What topics a log shows of items.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Labels {
    /// The distinct sets of topics, as texts with `|` between topics.
    pub(super) texts: Vec<String>,
    /// By item, the place of its text; past the end where the item has no label.
    pub(super) of_item: Vec<u32>,
}

impl Labels {
    pub(super) fn of(errors: LabelErrors, catalogue: &Catalogue, seed: u64) -> Self {
        let mut labels = Self { texts: Vec::new(), of_item: Vec::with_capacity(catalogue.len()) };
        let topics = catalogue.topic_sets();
        let mut places = std::collections::BTreeMap::new();
        for (item, &set) in catalogue.topics().iter().enumerate() {
            let mut draws = Draws::new(seed, Purpose::Label, item as u32, 0);
            let mut named = Vec::new();
            for (topic, name) in (0_u16..).zip(topics.topics()) {
                let has = topics.of(set).contains(&topic);
                let right = if has { errors.sensitivity } else { errors.specificity };
                // A topic without a label has it where the label is wrong.
                if draws.happens(right) == has {
                    named.push(name.as_str());
                }
            }
            if named.is_empty() {
                labels.of_item.push(u32::MAX);
                continue;
            }
            let text = named.join("|");
            let next = labels.texts.len() as u32;
            let place = *places.entry(text.clone()).or_insert(next);
            if place == next {
                labels.texts.push(text);
            }
            labels.of_item.push(place);
        }
        labels
    }
}
