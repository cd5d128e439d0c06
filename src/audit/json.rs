//! The JSON of an audit's report: in a versioned schema, which can be read back.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::report::AuditReport;
use crate::error::Error;
use crate::estimate::json::EstimateRecord;
use crate::format::document::{self, read};
use crate::log::DataQuality;

/// The name of the schema.
pub const REPORT_SCHEMA: &str = "tiltmeter.report";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const REPORT_VERSION: u32 = 1;

/// A report as JSON holds it. `docs/report-json.md` describes every field.
///
/// ```
/// # use tiltmeter::log::{LogSchema, TopicColumn};
/// # use tiltmeter::{Audit, ExposureLog, Question, source::SliceSource};
/// # let source = SliceSource::new("example")
/// #     .text("who", &["ada", "bo", "cy", "di"])
/// #     .text("feed", &["ranked", "ranked", "newest", "newest"])
/// #     .text("about", &["war", "sport", "war", "sport"]);
/// # let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// # let log = ExposureLog::read(source, &schema)?;
/// # let report = Audit::of(&log, &Question::between("ranked", "newest")).run()?;
/// use tiltmeter::report::ReportRecord;
/// let record = ReportRecord::from_json(&report.to_json()?)?;
/// assert_eq!(record.estimates[0].topic, "sport");
/// assert_eq!(record.estimates[0].value, Some(1.0));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportRecord {
    /// Always [`REPORT_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made the report.
    pub tiltmeter: String,
    /// What was estimated, in a sentence.
    pub sentence: String,
    /// The estimates.
    pub estimates: Vec<EstimateRecord>,
    /// The state of the log's data; null for a report from a tally whose
    /// [`origin`](crate::Audit::origin) was not said.
    pub quality: Option<DataQuality>,
}

impl ReportRecord {
    /// Reads a report's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not a report's, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        read(json, REPORT_SCHEMA, REPORT_VERSION)
    }
}

impl AuditReport {
    /// The report as JSON, in the schema of [`ReportRecord`].
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(self)
    }

    /// Reads a report back from its JSON, to be shown in another form.
    ///
    /// What the JSON does not hold is lost: a bound that is infinite is none, and a naive interval
    /// beside no interval is taken to be one of 95%.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # use tiltmeter::{Audit, Question};
    /// # let question = Question::between("ranked", "newest");
    /// use tiltmeter::AuditReport;
    /// let report = Audit::of(&log, &question).run()?;
    /// let again = AuditReport::from_json(&report.to_json()?)?;
    /// assert_eq!(again.to_string(), report.to_string());
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`ReportRecord::from_json`], and [`Error::Report`] for a record whose state and value
    /// do not fit each other.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let ReportRecord { estimates, quality, .. } = ReportRecord::from_json(json)?;
        let family = |its: &EstimateRecord| (its.statistic.clone(), its.estimand.phrase.clone());
        let families: Vec<_> = estimates.iter().map(family).collect();
        let mut sizes: HashMap<&(String, String), usize> = HashMap::new();
        families.iter().for_each(|family| *sizes.entry(family).or_default() += 1);
        let estimates = estimates.into_iter().zip(&families);
        let estimates = estimates.map(|(record, family)| record.estimate(sizes[family]));
        Ok(Self::new(estimates.collect::<Result<_, _>>()?, quality))
    }
}

impl From<&AuditReport> for ReportRecord {
    fn from(report: &AuditReport) -> Self {
        Self {
            schema: REPORT_SCHEMA.to_owned(),
            version: REPORT_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            sentence: report.sentence(),
            estimates: report.estimates.iter().map(EstimateRecord::from).collect(),
            quality: report.quality.clone(),
        }
    }
}

impl serde::Serialize for AuditReport {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReportRecord::from(self).serialize(serializer)
    }
}
