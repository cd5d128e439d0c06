//! The JSON of findings: one record in a versioned schema, which can be read back.

use serde::{Deserialize, Serialize};

use super::{Findings, OverTime, Part, PositionProfile, PowerLeft};
use crate::audit::json::ReportRecord;
use crate::decompose::json::WaterfallRecord;
use crate::error::Error;
use crate::format::document::{self, read};
use crate::log::DataQuality;
use crate::sensitivity::json::SensitivityRecord;
use crate::study_file::StudyFile;

/// The name of the schema.
pub const FINDINGS_SCHEMA: &str = "tiltmeter.findings";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const FINDINGS_VERSION: u32 = 1;

/// Findings as JSON holds them. `docs/findings-json.md` describes every field.
///
/// No date and nothing of the machine is in it: the same study of the same files gives the same bytes.
///
/// ```
/// # use tiltmeter::{StudyFile, findings::Findings};
/// # let folder = tempfile::tempdir().unwrap();
/// # let log = "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n";
/// # std::fs::write(folder.path().join("log.csv"), log).unwrap();
/// # let study: StudyFile = serde_json::from_str(r#"{
/// #     "log": {"path": "log.csv",
/// #             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
/// #     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}}
/// # }"#).unwrap();
/// # let findings = Findings::of(&study.read(folder.path())?, &study)?;
/// use tiltmeter::findings::FindingsRecord;
/// let record = FindingsRecord::from_json(&findings.to_json()?)?;
/// assert_eq!((&*record.schema, record.report.estimates.len()), ("tiltmeter.findings", 2));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingsRecord {
    /// Always [`FINDINGS_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made it.
    pub tiltmeter: String,
    /// The study that was asked.
    pub study: StudyFile,
    /// The audit.
    pub report: ReportRecord,
    /// Shares over time, by arm.
    pub over_time: Part<OverTime>,
    /// What was shown at each rank, by arm.
    pub positions: Part<PositionProfile>,
    /// The question asked in other ways.
    pub sensitivity: Part<SensitivityRecord>,
    /// What the stages of the treatment do.
    pub waterfall: Part<WaterfallRecord>,
    /// What the audit could have seen.
    pub power: Part<PowerLeft>,
    /// The state of the data.
    pub quality: Part<DataQuality>,
}

impl FindingsRecord {
    /// Reads the JSON of findings.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not theirs, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        read(json, FINDINGS_SCHEMA, FINDINGS_VERSION)
    }
}

impl From<&Findings> for FindingsRecord {
    fn from(findings: &Findings) -> Self {
        Self {
            schema: FINDINGS_SCHEMA.to_owned(),
            version: FINDINGS_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            study: findings.study.clone(),
            report: ReportRecord::from(&findings.report),
            over_time: findings.over_time.clone(),
            positions: findings.positions.clone(),
            sensitivity: findings.sensitivity.map(SensitivityRecord::from),
            waterfall: findings.waterfall.map(WaterfallRecord::from),
            power: findings.power.clone(),
            quality: findings.quality.clone(),
        }
    }
}

impl Findings {
    /// The findings as JSON, in the schema of [`FindingsRecord`].
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(&FindingsRecord::from(self))
    }
}
