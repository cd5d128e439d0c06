//! What a bundle says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::audit::ComparisonMeta;
use crate::base::sha256::{FileState, Sha256};
use crate::error::Error;
use crate::error::evidence::EvidenceFaultKind;
use crate::estimate::Warning;
use crate::format::document;
use crate::log::Origin;
use crate::replay::BaselineRowKind;
use crate::statistic::Undefined;
use crate::study_file::StudyFile;

/// The name of the manifest's schema.
pub const EVIDENCE_SCHEMA: &str = "tiltmeter.evidence";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new
/// fields alone do not raise it.
pub const EVIDENCE_VERSION: u32 = 1;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SUMS: &str = "SHA256SUMS";
pub(super) const STUDY: &str = "study.json";
pub(super) const REPORT: &str = "report.json";
pub(super) const TEXT: &str = "report.txt";
pub(super) const MARKDOWN: &str = "report.md";
pub(super) const TALLY: &str = "tally";
pub(super) const SECOND: &str = "tally-second";
pub(super) const PAIRS: &str = "tally-pairs";
pub(super) const SUPPLY: &str = "tally-supply";
/// The folder of the copies of inputs.
pub(super) const INPUTS: &str = "inputs";

/// What goes into a bundle beside study, report and manifest.
///
/// A tally has no rows, but a key for each cluster: the first 8 bytes of the MD5 of its id. Whoever
/// can guess an id can find its cluster, and see how often it was shown what. Where that must not be,
/// take [`ReportOnly`](Self::ReportOnly), or a study whose clusters are hash buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contents {
    /// The tally.
    #[default]
    WithoutInputs,
    /// The tally, and a copy of every file that the study reads.
    WithInputs,
    /// Nothing: the report can then be checked by those alone who have the inputs.
    ReportOnly,
}

/// Where a bundle was made. Another platform gives the same numbers unless its floating-point
/// functions differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The architecture, as Rust names it.
    pub arch: String,
    /// The operating system, as Rust names it.
    pub os: String,
}

impl Platform {
    pub(super) fn here() -> Self {
        let [arch, os] = [std::env::consts::ARCH, std::env::consts::OS].map(str::to_owned);
        Self { arch, os }
    }
}

/// How many rows of the log were read, and what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows read, those set aside included.
    pub read: u64,
    /// Rows set aside, since they break a rule.
    pub set_aside: u64,
    /// Rows left out, since nothing was asked about them.
    pub left_out: u64,
}

impl RowCounts {
    /// Of rows that were read.
    pub(super) fn of(origin: Option<&Origin>) -> Self {
        origin.map_or(Self { read: 0, set_aside: 0, left_out: 0 }, Self::from)
    }
}

impl From<&Origin> for RowCounts {
    fn from(origin: &Origin) -> Self {
        Self { read: origin.rows_read, set_aside: origin.set_aside.rows, left_out: origin.left_out }
    }
}

/// What the rows of a baseline are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineRows {
    /// What a viewer was or would have been shown.
    Impressions,
    /// What was shown, each impression with the weight that another policy gives it.
    Weighed,
    /// Parts of an expectation.
    Expected,
}

impl From<BaselineRowKind> for BaselineRows {
    fn from(rows: BaselineRowKind) -> Self {
        match rows {
            BaselineRowKind::Impressions => Self::Impressions,
            BaselineRowKind::Weighed => Self::Weighed,
            BaselineRowKind::Expected => Self::Expected,
        }
    }
}

impl From<BaselineRows> for BaselineRowKind {
    fn from(rows: BaselineRows) -> Self {
        match rows {
            BaselineRows::Impressions => Self::Impressions,
            BaselineRows::Weighed => Self::Weighed,
            BaselineRows::Expected => Self::Expected,
        }
    }
}

/// The tally of both sides, from which the report came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TallyKept {
    /// It is in the bundle. What it does not say of itself:
    InBundle {
        /// What the baseline's rows are.
        baseline_rows: BaselineRows,
        /// Why the baseline is worth no answer, where it is none.
        refused: Option<Undefined>,
        /// What became known when the baseline was made.
        warnings: Vec<Warning>,
    },
    /// It is not, by [`Contents::ReportOnly`].
    LeftOut,
}

impl TallyKept {
    pub(super) fn of(aside: &ComparisonMeta) -> Self {
        Self::InBundle {
            baseline_rows: aside.rows.into(),
            refused: aside.refused,
            warnings: aside.warnings.clone(),
        }
    }

    pub(super) fn aside(&self) -> Option<ComparisonMeta> {
        match self {
            Self::LeftOut => None,
            Self::InBundle { baseline_rows, refused, warnings } => Some(ComparisonMeta {
                rows: (*baseline_rows).into(),
                refused: *refused,
                warnings: warnings.clone(),
            }),
        }
    }
}

/// Something that only the inputs can show to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// How many rows were read, set aside and left out, and the rest of the report's `quality`.
    RowCounts,
    /// The tally.
    Tally,
    /// The estimates.
    Estimates,
}

/// A file, by its name with `/` between folders, and what its bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The name: of a file of the bundle from its top, of an input from the study's folder.
    pub name: String,
    /// Size and digest.
    #[serde(flatten)]
    pub state: FileState,
}

/// What a bundle says of itself: `manifest.json`. `docs/evidence.md` describes every field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`EVIDENCE_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made the bundle.
    pub tiltmeter: String,
    /// Where it was made.
    pub platform: Platform,
    /// What whoever made it has to say.
    pub note: Option<String>,
    /// What it was to hold.
    pub contents: Contents,
    /// How many rows of the log were read.
    pub rows: RowCounts,
    /// The seeds of intervals, tests and baselines, by their place in `study.json`. Random numbers are
    /// a function of seed, replicate and cluster, so these are all that is needed to draw them again.
    pub seeds: BTreeMap<String, u64>,
    /// The tally.
    pub tally: TallyKept,
    /// What only the inputs can show to be right.
    pub needs_inputs: Vec<Part>,
    /// The files of the bundle, by name, but for `manifest.json` and `SHA256SUMS`.
    pub files: Vec<FileRecord>,
    /// The files that the study read, by name.
    pub inputs: Vec<FileRecord>,
}

#[derive(Deserialize)]
struct Stamp {
    schema: String,
    version: u32,
}

impl Manifest {
    /// Reads a manifest's JSON; no name in it leads out of the bundle.
    pub(super) fn from_json(path: &Path, json: &[u8]) -> Result<Self, Error> {
        let failed = |cause: serde_json::Error| {
            EvidenceFaultKind::Manifest { detail: cause.to_string() }.of(path)
        };
        // The stamp first: a manifest of another version may not have this one's fields at all.
        let Stamp { schema, version } = serde_json::from_slice(json).map_err(failed)?;
        if (schema.as_str(), version) != (EVIDENCE_SCHEMA, EVIDENCE_VERSION) {
            return Err(Error::Version {
                file: path.display().to_string(),
                what: "manifest",
                found: format!("{schema} {version}"),
                expected: "tiltmeter.evidence 1",
            });
        }
        let manifest: Self = serde_json::from_slice(json).map_err(failed)?;
        for files in [&manifest.files, &manifest.inputs] {
            let mut names = BTreeSet::new();
            for FileRecord { name, .. } in files {
                check_name(path, name)?;
                if !names.insert(name) {
                    return Err(EvidenceFaultKind::Repeated { name: name.clone() }.of(path));
                }
            }
        }
        Ok(manifest)
    }

    pub(super) fn to_json(&self) -> Result<String, Error> {
        let json = document::write(self)?;
        Ok(json + "\n")
    }

    /// The text of `SHA256SUMS`, as `sha256sum` reads it.
    pub(super) fn sums(&self, fingerprint: Sha256) -> String {
        let mut lines: Vec<(&str, Sha256)> =
            self.files.iter().map(|file| (&*file.name, file.state.sha256)).collect();
        lines.push((MANIFEST, fingerprint));
        lines.sort_unstable();
        let mut text = String::new();
        for (name, sum) in lines {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{sum}  {name}");
        }
        text
    }

    /// Whether the inputs are in the bundle.
    pub(super) fn has_inputs(&self) -> bool {
        self.contents == Contents::WithInputs
    }
}

/// The parts of a report that cannot be checked from a bundle with these contents alone.
pub(super) fn needs_inputs(contents: Contents) -> Vec<Part> {
    match contents {
        Contents::WithoutInputs | Contents::WithInputs => vec![Part::RowCounts, Part::Tally],
        Contents::ReportOnly => vec![Part::RowCounts, Part::Estimates],
    }
}

/// The seeds that stand in a study.
pub(super) fn seeds(study: &StudyFile) -> Result<BTreeMap<String, u64>, Error> {
    let json =
        serde_json::to_value(study).map_err(|cause| Error::Report { detail: cause.to_string() })?;
    let mut found = BTreeMap::new();
    find_seeds(&json, "", &mut found);
    Ok(found)
}

fn find_seeds(json: &serde_json::Value, at: &str, found: &mut BTreeMap<String, u64>) {
    let Some(fields) = json.as_object() else { return };
    for (name, value) in fields {
        let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        match value.as_u64() {
            Some(seed) if name == "seed" => {
                found.insert(at, seed);
            }
            _ => find_seeds(value, &at, found),
        }
    }
}

/// Refuses a name that leads out of the folder it is in, or that systems understand differently.
pub(super) fn check_name(bundle: &Path, name: &str) -> Result<(), Error> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let portable = !name.contains(['\\', '\0', '\n', '\r']);
    let within = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if portable && within && name.split('/').all(plain) {
        return Ok(());
    }
    Err(EvidenceFaultKind::LeadsOut { name: name.to_owned() }.of(bundle))
}

/// The name of a file from a folder above it.
pub(super) fn name_from(folder: &Path, file: &Path) -> Result<String, Error> {
    let outside = || EvidenceFaultKind::InputOutside.of(file);
    let below = file.strip_prefix(folder).map_err(|_| outside())?;
    let mut parts = Vec::new();
    for part in below.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str().ok_or_else(outside)?),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    let name = parts.join("/");
    check_name(file, &name).map_err(|_| outside())?;
    Ok(name)
}
