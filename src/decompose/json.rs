//! The JSON of a waterfall report.

use serde::{Deserialize, Serialize};

use super::{EngagementCounts, Stage, StageShare, Step, TopicWaterfall, WaterfallReport};
use crate::error::Error;
use crate::estimate::json::{EstimateRecord, WarningRecord};
use crate::format::document::{self, read};
use crate::log::DataQuality;
use crate::question::attention::Attention;
use crate::question::estimand::Denominator;
use crate::tally::{ClusterBy, MultiLabel, Weights};

/// The name of the schema.
pub const WATERFALL_SCHEMA: &str = "tiltmeter.waterfall";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const WATERFALL_VERSION: u32 = 1;

/// A waterfall report as JSON holds it. `docs/waterfall-json.md` describes every field.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::decompose::{Stage, Waterfall};
/// use tiltmeter::report::WaterfallRecord;
/// use tiltmeter::{Question, Supply};
/// // What the example shows, as if it were all that there was.
/// let question = Question::of_arm("ranked");
/// let report = Waterfall::of(&log, &question).supply(&log, Supply::Known).run()?;
/// let record = WaterfallRecord::from_json(&report.to_json()?)?;
/// assert_eq!(record.stages, [Stage::Supply, Stage::Ranked]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaterfallRecord {
    /// Always [`WATERFALL_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made the report.
    pub tiltmeter: String,
    /// What was measured, in a sentence.
    pub sentence: String,
    /// The arm.
    pub arm: String,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// What impressions weigh, from what was exposed on.
    #[serde(default)]
    pub weights: Weights,
    /// The position model of what was exposed.
    pub attention: Attention,
    /// Which impressions form the denominator.
    #[serde(default)]
    pub denominator: Denominator,
    /// How several topics share an impression.
    #[serde(default)]
    pub multi_label: MultiLabel,
    /// What an impression's engagement counted.
    pub engagement: EngagementCounts,
    /// The stages there are, in order.
    pub stages: Vec<Stage>,
    /// The topics.
    pub waterfalls: Vec<TopicWaterfallRecord>,
    /// The stages that are not there.
    pub missing: Vec<MissingStageRecord>,
    /// What became of requests and rows.
    pub warnings: Vec<WarningRecord>,
    /// The state of the log's data.
    pub quality: DataQuality,
}

/// A topic's way as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicWaterfallRecord {
    /// The topic.
    pub topic: String,
    /// In words.
    pub sentence: String,
    /// Its share at each stage, in order.
    pub stages: Vec<StageShare>,
    /// From each stage to the next.
    pub steps: Vec<StepRecord>,
    /// From the first stage to the last.
    pub total: StepRecord,
}

/// A step as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The stage before.
    pub from: Stage,
    /// The stage after.
    pub to: Stage,
    /// The logarithm of the ratio of the two shares.
    pub estimate: EstimateRecord,
}

/// A missing stage as JSON holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingStageRecord {
    /// The stage.
    pub stage: Stage,
    /// What it needs.
    pub needs: String,
}

impl WaterfallRecord {
    /// Reads a report's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not a waterfall's, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        read(json, WATERFALL_SCHEMA, WATERFALL_VERSION)
    }
}

impl WaterfallReport {
    /// The report as JSON, in the schema of [`WaterfallRecord`].
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(&WaterfallRecord::from(self))
    }
}

impl From<&WaterfallReport> for WaterfallRecord {
    fn from(report: &WaterfallReport) -> Self {
        let missing = report.missing().iter();
        Self {
            schema: WATERFALL_SCHEMA.to_owned(),
            version: WATERFALL_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            sentence: report.sentence(),
            arm: report.arm().to_owned(),
            cluster: report.cluster().clone(),
            weights: report.weights().clone(),
            attention: report.attention().clone(),
            denominator: report.denominator(),
            multi_label: report.multi_label(),
            engagement: report.engagement(),
            stages: report.stages().to_vec(),
            waterfalls: report.waterfalls().iter().map(Into::into).collect(),
            missing: missing
                .map(|its| MissingStageRecord { stage: its.stage, needs: its.needs.to_owned() })
                .collect(),
            warnings: report.warnings().iter().map(Into::into).collect(),
            quality: report.quality().clone(),
        }
    }
}

impl From<&TopicWaterfall> for TopicWaterfallRecord {
    fn from(waterfall: &TopicWaterfall) -> Self {
        Self {
            topic: waterfall.topic.clone(),
            sentence: waterfall.sentence(),
            stages: waterfall.stages.clone(),
            steps: waterfall.steps.iter().map(Into::into).collect(),
            total: StepRecord::from(&waterfall.total),
        }
    }
}

impl From<&Step> for StepRecord {
    fn from(step: &Step) -> Self {
        Self { from: step.from, to: step.to, estimate: EstimateRecord::from(&step.estimate) }
    }
}
