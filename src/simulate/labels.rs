//! Errors in the topics that a log shows, as a classifier or a person makes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::world::{Catalogue, WorldConfig};
use crate::base::draws::{Draws, Purpose};
use crate::error::Error;
use crate::error::range::probability;

/// Errors in labels: for every item and topic by itself, and the same wherever the item is shown.
///
/// Of a topic that a part `p` of the impressions are about, the log is expected to show a part
/// `sensitivity * p + (1 - specificity) * (1 - p)` (Rogan and Gladen 1978,
/// doi 10.1093/oxfordjournals.aje.a112510). An item may so lose its only topic and be untagged, or
/// have several. The column `true_topics` has what is true.
///
/// ```
/// use tiltmeter::simulate::{LabelErrors, TopicErrors};
/// let text = r#"{"specificity": 0.99, "topics": {"conflict": {"sensitivity": 0.8}}}"#;
/// let errors: LabelErrors = serde_json::from_str(text).unwrap();
/// assert_eq!(errors.of("conflict"), TopicErrors { sensitivity: 0.8, specificity: 1.0 });
/// assert_eq!(errors.of("sport"), TopicErrors { sensitivity: 1.0, specificity: 0.99 });
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelErrors {
    /// The probability that an item of a topic has its label. Default 1.
    pub sensitivity: f64,
    /// The probability that an item of other topics does not have it. Default 1.
    pub specificity: f64,
    /// Topics, by name, with both numbers of their own. Default none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: BTreeMap<String, TopicErrors>,
}

/// Errors in the label of one topic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicErrors {
    /// The probability that an item of the topic has its label. Default 1.
    pub sensitivity: f64,
    /// The probability that an item of other topics does not have it. Default 1.
    pub specificity: f64,
}

impl Default for LabelErrors {
    fn default() -> Self {
        Self { sensitivity: 1.0, specificity: 1.0, topics: BTreeMap::new() }
    }
}

impl Default for TopicErrors {
    fn default() -> Self {
        Self { sensitivity: 1.0, specificity: 1.0 }
    }
}

impl LabelErrors {
    /// Those of a topic.
    #[must_use]
    pub fn of(&self, topic: &str) -> TopicErrors {
        let Self { sensitivity, specificity, .. } = *self;
        self.topics.get(topic).copied().unwrap_or(TopicErrors { sensitivity, specificity })
    }

    /// Whether labels are right for certain.
    pub(super) fn are_none(&self) -> bool {
        let right = |errors: TopicErrors| errors == TopicErrors::default();
        let Self { sensitivity, specificity, .. } = *self;
        right(TopicErrors { sensitivity, specificity })
            && self.topics.values().all(|its| right(*its))
    }

    pub(super) fn check(&self, world: &WorldConfig) -> Result<(), Error> {
        probability("LabelErrors::sensitivity", self.sensitivity)?;
        probability("LabelErrors::specificity", self.specificity)?;
        self.topics.iter().try_for_each(|(topic, errors)| {
            world.topic(topic)?;
            probability("TopicErrors::sensitivity", errors.sensitivity)?;
            probability("TopicErrors::specificity", errors.specificity)
        })
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
    pub(super) fn of(errors: &LabelErrors, catalogue: &Catalogue, seed: u64) -> Self {
        let mut labels = Self { texts: Vec::new(), of_item: Vec::with_capacity(catalogue.len()) };
        let topics = catalogue.topic_sets();
        let errors: Vec<TopicErrors> = topics.topics().iter().map(|name| errors.of(name)).collect();
        let mut places = std::collections::BTreeMap::new();
        for (item, &set) in catalogue.topics().iter().enumerate() {
            let mut draws = Draws::new(seed, Purpose::Label, item as u32, 0);
            let mut named = Vec::new();
            for ((topic, name), errors) in (0_u16..).zip(topics.topics()).zip(&errors) {
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
