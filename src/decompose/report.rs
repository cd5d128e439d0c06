//! What came of a waterfall: plain data.

use serde::{Deserialize, Serialize};

use super::stage::{EngagementCounts, Stage};
use crate::estimate::{Estimate, Warning};
use crate::log::DataQuality;
use crate::question::attention::Attention;
use crate::question::estimand::Denominator;
use crate::tally::{ClusterBy, MultiLabel, Weights};

/// What the stages of an arm do to its topics.
///
/// `Display` prints a table for each topic, [`to_json`](Self::to_json) the versioned JSON
/// (`docs/waterfall-json.md`); [`to_svg`](Self::to_svg), with the feature `plot`, draws one.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct WaterfallReport {
    pub(super) arm: String,
    pub(super) cluster: ClusterBy,
    pub(super) weights: Weights,
    pub(super) attention: Attention,
    pub(super) denominator: Denominator,
    pub(super) multi_label: MultiLabel,
    pub(super) engagement: EngagementCounts,
    pub(super) stages: Vec<Stage>,
    pub(super) waterfalls: Vec<TopicWaterfall>,
    pub(super) missing: Vec<MissingStage>,
    pub(super) warnings: Vec<Warning>,
    pub(super) quality: DataQuality,
}

/// A topic's way through the stages.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicWaterfall {
    /// The topic.
    pub topic: String,
    /// Its share at each stage, in order.
    pub stages: Vec<StageShare>,
    /// From each stage to the next.
    pub steps: Vec<Step>,
    /// From the first stage to the last.
    pub total: Step,
}

/// A topic's share at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageShare {
    /// The stage.
    pub stage: Stage,
    /// The topic's mass: items or their weights, impressions, exposure, engagement.
    pub topic: f64,
    /// All mass, in the same unit.
    pub all: f64,
    /// The topic's share; `None` where there is no mass at all.
    pub share: Option<f64>,
}

/// From one stage to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The stage before.
    pub from: Stage,
    /// The stage after.
    pub to: Stage,
    /// The natural logarithm of the ratio of the two shares, with its clustered interval. Its estimand
    /// names the stages as arms.
    pub estimate: Estimate,
}

/// A stage that is not in a waterfall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MissingStage {
    /// The stage.
    pub stage: Stage,
    /// What it needs.
    pub needs: &'static str,
}

impl WaterfallReport {
    /// So that tests can put other numbers into it.
    #[cfg(all(test, feature = "plot"))]
    pub(crate) fn waterfalls_mut(&mut self) -> &mut [TopicWaterfall] {
        &mut self.waterfalls
    }

    /// The arm.
    #[must_use]
    pub fn arm(&self) -> &str {
        &self.arm
    }

    /// The unit that was assigned or sampled independently.
    #[must_use]
    pub fn cluster(&self) -> &ClusterBy {
        &self.cluster
    }

    /// The position model of what was exposed.
    #[must_use]
    pub fn attention(&self) -> &Attention {
        &self.attention
    }

    /// What impressions weigh, from what was exposed on.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Which impressions form the denominator.
    #[must_use]
    pub fn denominator(&self) -> Denominator {
        self.denominator
    }

    /// How several topics share an impression.
    #[must_use]
    pub fn multi_label(&self) -> MultiLabel {
        self.multi_label
    }

    /// What an impression's engagement counted.
    #[must_use]
    pub fn engagement(&self) -> EngagementCounts {
        self.engagement
    }

    /// The stages there are, in order.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The topics' ways, in the order of topics.
    pub fn waterfalls(&self) -> &[TopicWaterfall] {
        &self.waterfalls
    }

    /// The way of a topic.
    #[must_use]
    pub fn waterfall(&self, topic: &str) -> Option<&TopicWaterfall> {
        self.waterfalls.iter().find(|its| its.topic == topic)
    }

    /// The stages that are not there, each with what it needs.
    #[must_use]
    pub fn missing(&self) -> &[MissingStage] {
        &self.missing
    }

    /// What became of requests and rows.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The state of the log's data.
    #[must_use]
    pub fn quality(&self) -> &DataQuality {
        &self.quality
    }
}
