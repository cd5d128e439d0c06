//! The sensitivity table's JSON: flat records in a versioned schema, which can be read back.

use serde::{Deserialize, Serialize};

use super::{
    Choices, Dimension, Effect, Found, LeftOut, SensitivityRow, SensitivitySummary,
    SensitivityTable, Tallied, Unsupported, Verdict,
};
use crate::error::Error;
use crate::estimate::json::{EstimateRecord, finite};
use crate::format::document::{self, read};
use crate::log::DataQuality;
use crate::statistic::Scale;

/// The name of the schema.
pub const SENSITIVITY_SCHEMA: &str = "tiltmeter.sensitivity";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const SENSITIVITY_VERSION: u32 = 1;

/// A sensitivity table as JSON holds it. `docs/sensitivity-json.md` describes every field.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Question, sensitivity::Sensitivity};
/// # let question = Question::between("ranked", "newest").topics(["war"]);
/// # let table = Sensitivity::of(&log, &question).run()?;
/// use tiltmeter::report::SensitivityRecord;
/// let record = SensitivityRecord::from_json(&table.to_json()?)?;
/// assert_eq!(record.rows.len(), table.rows().len());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivityRecord {
    /// Always [`SENSITIVITY_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made the table.
    pub tiltmeter: String,
    /// The question that the table answers.
    pub question: String,
    /// What to keep in mind beside it.
    pub caution: String,
    /// The arm under test.
    pub treatment: String,
    /// The dimensions with more than one level.
    pub varied: Vec<Dimension>,
    /// What the rows say together, for each statistic and topic.
    pub summaries: Vec<SensitivitySummaryRecord>,
    /// The rows.
    pub rows: Vec<SensitivityRowRecord>,
    /// Levels that would have been taken by themselves, if the log supported them.
    pub left_out: Vec<LeftOut>,
    /// The state of the log's data.
    pub quality: DataQuality,
}

/// A row as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivityRowRecord {
    /// The topic.
    pub topic: String,
    /// The statistic's name.
    pub statistic: String,
    /// What was chosen.
    pub choices: Choices,
    /// On which side of no amplification the estimate lies.
    pub found: Option<Found>,
    /// The estimate; null where there is none.
    pub estimate: Option<EstimateRecord>,
    /// Why there is none.
    pub unsupported: Option<Unsupported>,
}

/// A summary as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivitySummaryRecord {
    /// The topic.
    pub topic: String,
    /// The statistic's name.
    pub statistic: String,
    /// From the scale of effects to that of values.
    pub scale: Scale,
    /// The value of no amplification; null if the statistic compares nothing.
    pub null: Option<f64>,
    /// How many rows say what.
    pub tallied: Tallied,
    /// The least value; null unless finite.
    pub least: Option<f64>,
    /// The greatest value; null unless finite.
    pub greatest: Option<f64>,
    /// What each dimension does to the value, the largest first.
    pub effects: Vec<EffectRecord>,
    /// Whether the answer depends on what is chosen.
    pub verdict: Verdict,
    /// The same in words.
    pub sentence: String,
}

/// An effect as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// The dimension.
    pub dimension: Dimension,
    /// The largest difference on the working scale; null means infinity.
    pub largest: Option<f64>,
    /// The levels between which it is: of the lower value, and of the higher.
    pub between: [String; 2],
    /// Pairs of rows that differ in this dimension only.
    pub pairs: usize,
    /// Those whose values lie on different sides of no amplification.
    pub opposite: usize,
}

impl SensitivityRecord {
    /// Reads a table's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not a sensitivity table's, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        read(json, SENSITIVITY_SCHEMA, SENSITIVITY_VERSION)
    }
}

impl SensitivityTable {
    /// The table as JSON, in the schema of [`SensitivityRecord`].
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(&SensitivityRecord::from(self))
    }
}

impl From<&SensitivityTable> for SensitivityRecord {
    fn from(table: &SensitivityTable) -> Self {
        Self {
            schema: SENSITIVITY_SCHEMA.to_owned(),
            version: SENSITIVITY_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            question: table.question(),
            caution: table.caution().to_owned(),
            treatment: table.treatment().to_owned(),
            varied: table.varied().to_vec(),
            summaries: table.summaries().iter().map(Into::into).collect(),
            rows: table.rows().iter().map(Into::into).collect(),
            left_out: table.left_out().to_vec(),
            quality: table.quality().clone(),
        }
    }
}

impl From<&SensitivityRow> for SensitivityRowRecord {
    fn from(row: &SensitivityRow) -> Self {
        Self {
            topic: row.topic.clone(),
            statistic: row.statistic.to_owned(),
            choices: row.choices.clone(),
            found: row.found,
            estimate: row.outcome.as_ref().ok().map(EstimateRecord::from),
            unsupported: row.outcome.as_ref().err().cloned(),
        }
    }
}

impl From<&SensitivitySummary> for SensitivitySummaryRecord {
    fn from(summary: &SensitivitySummary) -> Self {
        Self {
            topic: summary.topic.clone(),
            statistic: summary.statistic.to_owned(),
            scale: summary.scale,
            null: summary.null,
            tallied: summary.tallied,
            least: summary.least.and_then(finite),
            greatest: summary.greatest.and_then(finite),
            effects: summary.effects.iter().map(Into::into).collect(),
            verdict: summary.verdict,
            sentence: summary.sentence(),
        }
    }
}

impl From<&Effect> for EffectRecord {
    fn from(effect: &Effect) -> Self {
        Self {
            dimension: effect.dimension,
            largest: finite(effect.largest),
            between: effect.between.clone(),
            pairs: effect.pairs,
            opposite: effect.opposite,
        }
    }
}
