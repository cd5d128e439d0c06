//! A bundle checked: its files, its inputs, and the report computed again from what is there.

use std::borrow::Cow;
use std::path::{Component, Path};

use serde_json::Value as Json;

use super::compare::{self, Compared, Release};
use super::files::{self, InputsFound};
use super::make::{self, Tallies, Ways};
use super::manifest::{
    MARKDOWN, PAIRS, Part, Platform, REPORT, RowCounts, SECOND, STUDY, SUPPLY, TALLY, TEXT,
    TallyKept, name_from, needs_inputs, seeds,
};
use super::verification::{
    Difference, FieldsCompared, Finding, Obstacle, RecomputedFrom, Verdict, Verification,
};
use super::{Bundle, Inputs};
use crate::audit::Parts;
use crate::error::Error;
use crate::error::evidence::EvidenceFaultKind;
use crate::format::document;
use crate::question::baseline::{Baseline, Supply};
use crate::report::{AuditReport, ReportRecord};
use crate::study_file::StudyFile;
use crate::tally::{Tally, TwoWay};

/// Checks a bundle.
pub(super) fn verify(bundle: &Bundle, inputs: &Inputs) -> Result<Verification, Error> {
    let manifest = bundle.manifest();
    let mut findings = files::check(&bundle.store, manifest, bundle.fingerprint())?;
    if let Some(expected) = bundle.expected.filter(|expected| *expected != bundle.fingerprint()) {
        findings.push(Finding::OtherFingerprint { expected });
    }
    let place = bundle.inputs_at(inputs, &findings)?;
    let folder = place.as_ref().map(Place::path);
    let mut found = match folder {
        Some(folder) => InputsFound::in_folder(folder, manifest)?,
        None => InputsFound::none(manifest),
    };
    let again = Again { bundle, findings: &findings };
    let not_listed = again.study().map(|study| files::inputs_not_listed(&study, manifest));
    // Where the study cannot be read, nothing is computed from inputs.
    if let (Some(folder), Ok(study)) = (folder.filter(|_| found.are_complete()), again.study())
        && let Ok(files) = study.files(folder)
    {
        found.look_for_others(&files, folder, manifest);
    }
    let complete = folder.filter(|_| found.are_complete());
    let recomputed = again.recompute(complete);
    if let Some(folder) = complete {
        // They were read between the two looks at them.
        found = InputsFound::in_folder(folder, manifest)?;
    }
    findings.append(&mut found.findings);
    for finding in not_listed.unwrap_or_default() {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    let (recomputed, obstacle) = match recomputed {
        Ok(recomputed) => (Some(recomputed), None),
        Err(obstacle) => (None, Some(obstacle)),
    };
    Ok(told(bundle, findings, found.absent, recomputed, obstacle))
}

/// Where inputs are, for as long as they are needed.
pub(super) enum Place<'p> {
    In(Cow<'p, Path>),
    #[cfg(feature = "zip")]
    Unpacked(super::folder::Folder),
}

impl Place<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::In(folder) => folder,
            #[cfg(feature = "zip")]
            Self::Unpacked(folder) => folder.path(),
        }
    }
}

/// All that was found, and what follows.
fn told(
    bundle: &Bundle,
    mut findings: Vec<Finding>,
    inputs_absent: Vec<String>,
    recomputed: Option<Recomputed>,
    obstacle: Option<Obstacle>,
) -> Verification {
    let manifest = bundle.manifest();
    let from = recomputed.as_ref().map(|recomputed| recomputed.from);
    let Recomputed { differences, findings: more, fields, other_texts, .. } =
        recomputed.unwrap_or_default();
    findings.extend(more);
    let verdict = match (&obstacle, from) {
        _ if !differences.is_empty() => Verdict::Different,
        _ if !findings.is_empty() => Verdict::Changed,
        (Some(why), _) => Verdict::CannotRecompute { why: why.clone() },
        (None, Some(_)) if manifest.tiltmeter != env!("CARGO_PKG_VERSION") => {
            Verdict::OtherRelease { compared: fields.compared, of: fields.of }
        }
        (None, Some(RecomputedFrom::Inputs)) => Verdict::Same,
        (None, Some(RecomputedFrom::Tally)) => Verdict::SameFromTally,
        (None, None) => Verdict::CannotRecompute { why: Obstacle::NoInputsAndNoTally },
    };
    let relative = differences.iter().filter_map(|difference| difference.relative);
    Verification {
        verdict,
        fingerprint: bundle.fingerprint(),
        written_by: manifest.tiltmeter.clone(),
        checked_by: env!("CARGO_PKG_VERSION").to_owned(),
        written_on: manifest.platform.clone(),
        checked_on: Platform::here(),
        files: manifest.files.len(),
        inputs: manifest.inputs.len() - inputs_absent.len(),
        inputs_absent,
        findings,
        recomputed_from: from,
        obstacle,
        largest_relative_difference: relative.reduce(f64::max),
        differences,
        unchecked: match from {
            Some(RecomputedFrom::Inputs) => Vec::new(),
            Some(RecomputedFrom::Tally) => vec![Part::RowCounts, Part::Tally],
            None => vec![Part::RowCounts, Part::Tally, Part::Estimates],
        },
        fields,
        other_texts,
    }
}

/// What was computed again, beside what the bundle says.
struct Recomputed {
    from: RecomputedFrom,
    differences: Vec<Difference>,
    findings: Vec<Finding>,
    fields: FieldsCompared,
    other_texts: Vec<Difference>,
}

impl Default for Recomputed {
    fn default() -> Self {
        Self {
            from: RecomputedFrom::Tally,
            differences: Vec::new(),
            findings: Vec::new(),
            fields: FieldsCompared::default(),
            other_texts: Vec::new(),
        }
    }
}

/// A bundle whose report is computed again.
struct Again<'b> {
    bundle: &'b Bundle,
    findings: &'b [Finding],
}

impl Again<'_> {
    /// From the inputs in this folder, else from the tally.
    fn recompute(&self, folder: Option<&Path>) -> Result<Recomputed, Obstacle> {
        if self.is_faulty(STUDY) {
            return Err(Obstacle::FilesChanged);
        }
        let tally_is_faulty =
            [TALLY, SECOND, PAIRS, SUPPLY].iter().any(|name| self.is_faulty(name));
        if folder.is_none() {
            match &self.bundle.manifest().tally {
                TallyKept::LeftOut => return Err(Obstacle::NoInputsAndNoTally),
                TallyKept::InBundle { .. } if tally_is_faulty => {
                    return Err(Obstacle::FilesChanged);
                }
                TallyKept::InBundle { .. } => {}
            }
        }
        let failed = |error: Error| Obstacle::Failed { message: error.to_string() };
        let study = self.study().map_err(failed)?;
        let tallies = match tally_is_faulty {
            true => None,
            false => self.tallies(&study).map_err(failed)?,
        };
        self.compared(&study, tallies.as_ref(), folder).map_err(failed)
    }

    fn is_faulty(&self, name: &str) -> bool {
        self.findings.iter().any(|finding| finding.file() == Some(name))
    }

    fn document(&self, name: &str) -> Result<String, Error> {
        let store = &self.bundle.store;
        let size = store.names()?.get(name).copied().flatten().unwrap_or_default();
        let text = store.document(name, size)?;
        String::from_utf8(text).map_err(|cause| Error::Damaged {
            file: store.place(name).display().to_string(),
            format: "JSON",
            place: format!(" at byte {}", cause.utf8_error().valid_up_to()),
            detail: "not UTF-8".to_owned(),
        })
    }

    /// The study, which must not lead out of the folder of its inputs: whoever made the bundle may have
    /// wanted other files read.
    fn study(&self) -> Result<StudyFile, Error> {
        let place = self.bundle.store.place(STUDY);
        let study = StudyFile::from_json(&place.display().to_string(), &self.document(STUDY)?)?;
        let leads_out = |path: &&Path| {
            !path.components().all(|its| matches!(its, Component::Normal(_) | Component::CurDir))
        };
        let outside = study.paths().find(leads_out).map(|path| path.display().to_string());
        match outside {
            None => Ok(study),
            Some(name) => Err(EvidenceFaultKind::LeadsOut { name }.of(&place)),
        }
    }

    /// The tallies of the bundle, where it has them.
    fn tallies(&self, study: &StudyFile) -> Result<Option<Tallies>, Error> {
        if self.bundle.manifest().tally == TallyKept::LeftOut {
            return Ok(None);
        }
        let first = self.tally(TALLY)?;
        let ways = match study.question.second_cluster {
            None => Ways::One(Box::new(first)),
            Some(_) => {
                let (second, pairs) = (self.tally(SECOND)?, self.tally(PAIRS)?);
                Ways::Two(Box::new(TwoWay::from_tallies(first, second, pairs)?))
            }
        };
        let supply = match study.question.baseline {
            Some(Baseline::Supply(Supply::Known)) => Some(self.tally(SUPPLY)?),
            _ => None,
        };
        Ok(Some(Tallies { ways, supply }))
    }

    fn tally(&self, name: &str) -> Result<Tally, Error> {
        let store = &self.bundle.store;
        let size = store.names()?.get(name).copied().flatten().unwrap_or_default();
        let place = store.place(name).display().to_string();
        store.read(name, |from| Ok(Tally::read_from::<()>(&place, size, from)?.0))
    }

    /// Computes the report again and compares it with that of the bundle.
    fn compared(
        &self,
        study: &StudyFile,
        tallies: Option<&Tallies>,
        folder: Option<&Path>,
    ) -> Result<Recomputed, Error> {
        let manifest = self.bundle.manifest();
        let json = self.document(REPORT)?;
        let recorded = ReportRecord::from_json(&json)?;
        let mut differences = Vec::new();
        if let Some(quality) = &recorded.quality {
            let rows = RowCounts::from(&quality.origin);
            differences.extend(of_manifest("rows", &manifest.rows, &rows)?);
        }
        differences.extend(of_manifest("seeds", &manifest.seeds, &seeds(study)?)?);
        let needs_inputs = needs_inputs(manifest.contents);
        differences.extend(of_manifest("needs_inputs", &manifest.needs_inputs, &needs_inputs)?);
        let (from, report) = match (folder, tallies, manifest.tally.aside()) {
            (Some(folder), ..) => {
                let (report, more) = self.of_inputs(study, folder, tallies)?;
                differences.extend(more);
                (RecomputedFrom::Inputs, report)
            }
            (None, Some(tallies), Some(aside)) => {
                differences.extend(of_spec(study, tallies)?);
                let report = tallies.report(study, &aside, recorded.quality.as_ref())?;
                (RecomputedFrom::Tally, report)
            }
            (None, ..) => return Err(no_tally()),
        };
        let mut recomputed = Recomputed { from, differences, ..Recomputed::default() };
        self.compare_report(&json, &report, &mut recomputed)?;
        Ok(recomputed)
    }

    fn of_inputs(
        &self,
        study: &StudyFile,
        folder: &Path,
        tallies: Option<&Tallies>,
    ) -> Result<(AuditReport, Vec<Difference>), Error> {
        let manifest = self.bundle.manifest();
        // The study reads what it read, and nothing else.
        let mut names = Vec::new();
        for file in study.files(folder)? {
            names.push(name_from(folder, &file)?);
        }
        names.sort_unstable();
        names.dedup();
        let listed: Vec<&String> = manifest.inputs.iter().map(|input| &input.name).collect();
        let mut differences = Vec::new();
        differences.extend(of_manifest("inputs", &listed, &names.iter().collect())?);
        let inputs = study.read(folder)?;
        differences.extend(of_manifest(
            "rows",
            &manifest.rows,
            &RowCounts::of(inputs.origin.as_ref()),
        )?);
        let (report, more) = make::from_inputs(study, &inputs, folder, |parts| {
            let mut more = Vec::new();
            if manifest.tally != TallyKept::LeftOut {
                more.extend(of_manifest("tally", &manifest.tally, &TallyKept::of(&parts.aside))?);
            }
            more.extend(tallies.into_iter().flat_map(|tallies| of_tallies(tallies, parts)));
            Ok(more)
        })?;
        differences.extend(more);
        Ok((report, differences))
    }

    fn compare_report(
        &self,
        json: &str,
        report: &AuditReport,
        into: &mut Recomputed,
    ) -> Result<(), Error> {
        let written_by = &self.bundle.manifest().tiltmeter;
        let release = match written_by == env!("CARGO_PKG_VERSION") {
            true => Release::Same,
            false => Release::Other,
        };
        let of_json = |cause: serde_json::Error| Error::Report { detail: cause.to_string() };
        let record = ReportRecord { tiltmeter: written_by.clone(), ..ReportRecord::from(report) };
        let again = document::write(&record)? + "\n";
        let [old, new] = [json, &again].map(serde_json::from_str::<Json>);
        let (old, new) = (old.map_err(of_json)?, new.map_err(of_json)?);
        let Compared { differences, fields } = compare::reports(&old, &new, release);
        let mut texts = Vec::new();
        for (name, text) in [(TEXT, report.to_string()), (MARKDOWN, report.to_markdown())] {
            match self.document(name) {
                Ok(recorded) => texts.extend(compare::texts(name, &recorded, &text)),
                // Found already, by its digest.
                Err(_) if self.is_faulty(name) => {}
                Err(error) => {
                    let (file, detail) = (name.to_owned(), error.to_string());
                    into.findings.push(Finding::Unreadable { file, detail });
                }
            }
        }
        match release {
            // It may have said the same in other words; a person has to see.
            Release::Other => into.other_texts = texts,
            Release::Same => {
                if differences.is_empty() && json != again {
                    into.findings.push(Finding::Rewritten { file: REPORT.to_owned() });
                }
                into.differences.extend(texts);
            }
        }
        into.fields = fields;
        into.differences.extend(differences);
        Ok(())
    }
}

/// What is said where neither inputs nor tally are there, which was looked at before.
fn no_tally() -> Error {
    Error::Unstated { what: "tally", call: "Bundle::write with Contents::WithoutInputs" }
}

/// A field of the manifest in which the recomputed value differs.
fn of_manifest<T: serde::Serialize>(
    name: &str,
    recorded: &T,
    recomputed: &T,
) -> Result<Option<Difference>, Error> {
    let json = |value: &T| {
        serde_json::to_value(value).map_err(|cause| Error::Report { detail: cause.to_string() })
    };
    Ok(compare::field(&format!("manifest: {name}"), json(recorded)?, json(recomputed)?))
}

/// The tallies that differ from those made again.
fn of_tallies(tallies: &Tallies, parts: &Parts<'_>) -> Vec<Difference> {
    let (old, new) = (tallies.named(), make::named(parts));
    let of = |tally: &Tally, what: &str| {
        let (impressions, clusters) = (tally.impressions(), tally.clusters());
        Json::from(format!("{what} sums of {impressions} impressions of {clusters} clusters"))
    };
    let mut differences = Vec::new();
    for (name, tally) in &old {
        match new.iter().find(|(other, _)| other == name) {
            Some((_, again)) if again == tally => {}
            Some((_, again)) => {
                differences.extend(compare::field(name, of(tally, "recorded"), of(again, "other")));
            }
            None => differences.extend(compare::field(name, of(tally, "recorded"), Json::Null)),
        }
    }
    differences
}

/// Whether the tally was made as the study says.
fn of_spec(study: &StudyFile, tallies: &Tallies) -> Result<Option<Difference>, Error> {
    let tally = match &tallies.ways {
        Ways::One(tally) => tally,
        Ways::Two(ways) => ways.first(),
    };
    let json = |spec| {
        serde_json::to_value(spec).map_err(|cause| Error::Report { detail: cause.to_string() })
    };
    Ok(compare::field("the tally's spec", json(tally.spec())?, json(&study.tally_spec())?))
}
