//! A waterfall in words, as a table, and as JSON.

use std::fmt;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde::{Deserialize, Serialize};

use super::record::{EstimateRecord, WarningRecord, read};
use super::sensitivity::first_of_each;
use super::{RULED, number, percent, printable, wrap};
use crate::decompose::{
    EngagementCounts, Stage, StageShare, Step, TopicWaterfall, WaterfallReport,
};
use crate::error::Error;
use crate::estimate::{ConfidenceInterval, Value};
use crate::log::DataQuality;
use crate::question::attention::Attention;
use crate::tally::ClusterBy;

/// The name of the schema.
pub const WATERFALL_SCHEMA: &str = "tiltmeter.waterfall";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const WATERFALL_VERSION: u32 = 1;

impl WaterfallReport {
    /// What was measured, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let names: Vec<&str> = self.stages().iter().map(|stage| stage.name()).collect();
        let mut sentence = format!(
            "What the stages of arm {:?} do to a topic's share: {}; attention {}; clusters: {}.",
            self.arm(),
            names.join(" to "),
            self.attention(),
            self.cluster()
        );
        if self.stages().contains(&Stage::Engaged) {
            sentence.push_str(match self.engagement() {
                EngagementCounts::TimesMass => " Engagement counts times the impression's mass.",
                EngagementCounts::Alone => " Engagement counts alone.",
            });
        }
        sentence
    }
}

impl fmt::Display for WaterfallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        for waterfall in self.waterfalls() {
            writeln!(f, "\n{}", wrap(&printable(&waterfall.sentence())))?;
            writeln!(f, "{}", table(waterfall))?;
        }
        writeln!(f)?;
        for missing in self.missing() {
            let line = format!("No stage {:?}: it needs {}.", missing.stage.name(), missing.needs);
            writeln!(f, "{}", wrap(&line))?;
        }
        let steps = self.waterfalls().iter().flat_map(|its| its.steps.iter().chain([&its.total]));
        for (warning, steps) in first_of_each(steps.map(|step| &step.estimate)) {
            let line = format!("Warning, {steps} steps, the first: {warning}.");
            writeln!(f, "{}", wrap(&printable(&line)))?;
        }
        for warning in self.warnings() {
            writeln!(f, "{}", wrap(&printable(&format!("Warning: {warning}."))))?;
        }
        Ok(())
    }
}

fn table(waterfall: &TopicWaterfall) -> Table {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(120);
    let steps = || waterfall.steps.iter().chain([&waterfall.total]);
    let level = steps().find_map(|step| step.estimate.interval.ok());
    let level = level
        .map_or_else(|| "interval".to_owned(), |its| format!("{}% interval", percent(its.level)));
    table.set_header([
        "step",
        "share before",
        "share after",
        "ratio",
        &level,
        "log ratio",
        "error",
    ]);
    let share = |share: Option<f64>| {
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", 100.0 * share))
    };
    for (place, step) in steps().enumerate() {
        let estimate = &step.estimate;
        let name = match place == waterfall.steps.len() {
            true => format!("total: {} to {}", step.from, step.to),
            false => format!("{} to {}", step.from, step.to),
        };
        let interval = match &estimate.interval {
            Ok(interval) => super::table::interval(&of_ratio(interval)),
            Err(reason) => format!("none: {reason}"),
        };
        table.add_row(
            [
                name,
                share(estimate.baseline.share),
                share(estimate.treatment.share),
                ratio(estimate.value),
                interval,
                super::value(estimate.value),
                estimate.standard_error.map_or_else(|| "-".to_owned(), number),
            ]
            .map(Cell::new),
        );
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A log ratio as a ratio.
fn ratio(log: Value) -> String {
    match log {
        Value::NegativeInfinite => "0 (zero)".to_owned(),
        other => other.number().map_or_else(|| super::value(other), |log| number(log.exp())),
    }
}

/// An interval of log ratios as one of ratios.
fn of_ratio(interval: &ConfidenceInterval) -> ConfidenceInterval {
    let end = |end: Option<f64>| end.map(f64::exp).filter(|end| end.is_finite());
    ConfidenceInterval { low: end(interval.low), high: end(interval.high), level: interval.level }
}

impl TopicWaterfall {
    /// What the stages do to the topic, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = format!("Topic {:?}: ", self.topic);
        let parts = self.steps.iter().map(|step| {
            let doubt = match step.estimate.interval {
                Ok(_) if step.excludes_no_change() => "",
                Ok(_) => " (its interval does not exclude 1)",
                Err(_) => " (no interval)",
            };
            format!("{} to {} times {}{doubt}", step.from, step.to, ratio(step.estimate.value))
        });
        sentence.push_str(&parts.collect::<Vec<_>>().join(", "));
        sentence.push_str(&format!("; in all times {}.", ratio(self.total.estimate.value)));
        sentence
    }
}

impl Step {
    /// Whether its interval excludes that nothing changed.
    pub(crate) fn excludes_no_change(&self) -> bool {
        self.estimate.interval.is_ok_and(|interval| {
            interval.low.is_some_and(|low| low > 0.0)
                || interval.high.is_some_and(|high| high < 0.0)
        })
    }
}

/// A waterfall report as JSON holds it. `docs/waterfall-json.md` describes every field.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::decompose::{Stage, Waterfall};
/// use tiltmeter::report::WaterfallRecord;
/// use tiltmeter::Supply;
/// // What the example shows, as if it were all that there was.
/// let report = Waterfall::of(&log).arm("ranked").supply(&log, Supply::Known).run()?;
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
    /// The position model of what was exposed.
    pub attention: Attention,
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
        crate::base::printable::json_of(&WaterfallRecord::from(self))
            .map_err(|cause| Error::Report { detail: cause.to_string() })
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
            attention: report.attention().clone(),
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
