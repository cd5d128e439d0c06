//! The report's JSON: flat records in a versioned schema, which can be read back.

use serde::{Deserialize, Serialize};

use super::measure::Measure;
use super::report::{Caution, OffPolicyEstimate, OffPolicyQuestion, OffPolicyReport, Refusal};
use super::weights::WeightDiagnostics;
use crate::error::Error;
use crate::estimate::ClusterCounts;
use crate::estimate::json::{MeasuredRecord, finite};
use crate::format::document;

/// The name of the schema.
pub const OFF_POLICY_SCHEMA: &str = "tiltmeter.off_policy";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const OFF_POLICY_VERSION: u32 = 1;

/// A report as JSON holds it. `docs/off-policy-json.md` describes every field.
///
/// ```
/// # use tiltmeter::log::{LogSchema, TopicColumn};
/// # use tiltmeter::{ExposureLog, Question, source::SliceSource};
/// # let source = SliceSource::new("example")
/// #     .text("who", &["1", "1", "2", "2", "3", "3"])
/// #     .text("feed", &["ranked"; 6])
/// #     .text("what", &["a", "b", "a", "a", "a", "b"])
/// #     .text("about", &["war", "sport", "war", "war", "war", "sport"])
/// #     .integer("click", &[1, 0, 0, 1, 0, 1])
/// #     .float("chance", &[0.8, 0.2, 0.8, 0.8, 0.8, 0.2]);
/// # let schema = LogSchema::new()
/// #     .viewer("who")
/// #     .arm("feed")
/// #     .item("what")
/// #     .topics(TopicColumn::single("about"))
/// #     .engagement("click")
/// #     .propensity("chance");
/// # let log = ExposureLog::read(source, &schema)?;
/// # use tiltmeter::replay::off_policy::{Measure, OffPolicy, OffPolicyRecord, Target};
/// # let question = Question::of_arm("ranked");
/// # let report = OffPolicy::of(&log, &question).target(Target::Uniform { items: 2 }).run()?;
/// let record = OffPolicyRecord::from_json(&report.to_json()?)?;
/// let ips = record.estimates.iter().find(|its| its.measure == Measure::Ips).unwrap();
/// assert_eq!(ips.value, None);
/// assert!(ips.refused.as_ref().unwrap().message.contains("worth 4.000 of the target's"));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OffPolicyRecord {
    /// Always [`OFF_POLICY_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made the report.
    pub tiltmeter: String,
    /// The question and what the weights are worth, in sentences.
    pub sentence: String,
    /// The question.
    pub asked: OffPolicyQuestion,
    /// What the weights are worth.
    pub weights: WeightDiagnostics,
    /// Effective size of weights times exposure mass.
    pub exposure_effective_size: f64,
    /// The estimates.
    pub estimates: Vec<OffPolicyEstimateRecord>,
    /// Warnings about all of them.
    pub warnings: Vec<CautionRecord>,
}

/// One estimate, flat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OffPolicyEstimateRecord {
    /// What is estimated.
    pub measure: Measure,
    /// Of which topic; null for rewards and weights.
    pub topic: Option<String>,
    /// The estimand in a sentence.
    pub sentence: String,
    /// Why the estimate is refused; null where it is not.
    pub refused: Option<RefusalRecord>,
    /// The value and how sure one may be of it; nulls where the answer is refused.
    #[serde(flatten)]
    pub measured: MeasuredRecord,
    /// Standard error if impressions were independent, on the same scale.
    pub naive_standard_error: Option<f64>,
    /// Lower bound of the interval that would give.
    pub naive_low: Option<f64>,
    /// Upper bound of the interval that would give.
    pub naive_high: Option<f64>,
    /// Square of the ratio of the standard errors.
    pub design_effect: Option<f64>,
    /// Clusters; null where the estimate is refused.
    pub clusters: Option<u64>,
    /// For differences, the clusters of both arms.
    pub arms: Option<ClusterCounts>,
    /// Warnings about this estimate.
    pub warnings: Vec<CautionRecord>,
}

/// A reason for refusing, as data and in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusalRecord {
    /// The reason as data.
    #[serde(flatten)]
    pub refusal: Refusal,
    /// The same in words.
    pub message: String,
}

/// A warning as data and in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CautionRecord {
    /// The warning as data.
    #[serde(flatten)]
    pub warning: Caution,
    /// The same in words.
    pub message: String,
}

impl OffPolicyRecord {
    /// Reads a report's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not a report's, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        document::read(json, OFF_POLICY_SCHEMA, OFF_POLICY_VERSION)
    }
}

impl OffPolicyReport {
    /// The report as JSON, in the schema of [`OffPolicyRecord`].
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(self)
    }
}

impl Serialize for OffPolicyReport {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        OffPolicyRecord::from(self).serialize(serializer)
    }
}

impl From<&OffPolicyReport> for OffPolicyRecord {
    fn from(report: &OffPolicyReport) -> Self {
        Self {
            schema: OFF_POLICY_SCHEMA.to_owned(),
            version: OFF_POLICY_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            sentence: report.sentence(),
            asked: report.asked.clone(),
            weights: report.weights,
            exposure_effective_size: report.exposure_effective_size,
            estimates: report.estimates.iter().map(OffPolicyEstimateRecord::from).collect(),
            warnings: report.warnings.iter().map(CautionRecord::from).collect(),
        }
    }
}

impl From<&OffPolicyEstimate> for OffPolicyEstimateRecord {
    fn from(estimate: &OffPolicyEstimate) -> Self {
        let answer = estimate.answer.ok();
        let naive = answer.and_then(|answer| answer.naive);
        Self {
            measure: estimate.measure,
            topic: estimate.topic.clone(),
            sentence: estimate.sentence.clone(),
            refused: estimate.answer.err().map(RefusalRecord::from),
            measured: MeasuredRecord::of(answer.map(|answer| answer.measured)),
            naive_standard_error: naive.map(|n| n.standard_error),
            naive_low: naive.and_then(|n| n.interval.low).and_then(finite),
            naive_high: naive.and_then(|n| n.interval.high).and_then(finite),
            design_effect: naive.and_then(|n| n.design_effect),
            clusters: answer.map(|answer| answer.clusters),
            arms: answer.and_then(|answer| answer.arms),
            warnings: estimate.warnings.iter().map(CautionRecord::from).collect(),
        }
    }
}

impl From<Refusal> for RefusalRecord {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, message: refusal.to_string() }
    }
}

impl From<&Caution> for CautionRecord {
    fn from(warning: &Caution) -> Self {
        Self { warning: warning.clone(), message: warning.to_string() }
    }
}

crate::estimate::measured::is_measured!(OffPolicyEstimateRecord: MeasuredRecord);
