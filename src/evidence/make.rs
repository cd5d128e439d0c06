//! A study run again: from its inputs, or from the tallies that a bundle holds.

use std::path::Path;

use super::manifest::{PAIRS, SECOND, SUPPLY, TALLY, name_from};
use crate::audit::{Audit, ComparisonMeta, Parts, SavedComparison};
use crate::error::Error;
use crate::log::DataQuality;
use crate::report::AuditReport;
use crate::study_file::{StudyFile, StudyInputs, StudyLog};
use crate::tally::{Tally, TwoWay};

/// Runs a study, and looks at what its comparison is made of.
pub(super) fn from_inputs<T>(
    study: &StudyFile,
    inputs: &StudyInputs,
    folder: &Path,
    look: impl FnOnce(&Parts<'_>) -> Result<T, Error>,
) -> Result<(AuditReport, T), Error> {
    let mut audit = study.audit(inputs);
    if let StudyLog::Whole(log) = &inputs.log {
        audit = audit.quality(&named_from(folder, DataQuality::of(log), study)?);
    }
    audit.run_with(|comparison| look(&comparison.parts()))
}

/// A report names files by their place in the study's folder, wherever that is.
fn named_from(
    folder: &Path,
    mut quality: DataQuality,
    study: &StudyFile,
) -> Result<DataQuality, Error> {
    let table = quality.origin.item_topics.as_mut().map(|table| &mut table.source);
    for source in [Some(&mut quality.origin.source), table].into_iter().flatten() {
        for file in study.files(folder)? {
            if *source == file.display().to_string() {
                *source = name_from(folder, &file)?;
                break;
            }
        }
    }
    Ok(quality)
}

/// The names of tallies in a bundle, beside the tallies.
pub(super) fn named<'p>(parts: &Parts<'p>) -> Vec<(&'static str, &'p Tally)> {
    let mut named: Vec<_> = [TALLY, SECOND, PAIRS].into_iter().zip(parts.ways.clone()).collect();
    named.extend(parts.supply.map(|supply| (SUPPLY, supply)));
    named
}

/// The tallies of a bundle.
pub(super) struct Tallies {
    pub(super) ways: Ways,
    pub(super) supply: Option<Tally>,
}

pub(super) enum Ways {
    One(Box<Tally>),
    Two(Box<TwoWay>),
}

impl Tallies {
    /// Each tally with its name.
    pub(super) fn named(&self) -> Vec<(&'static str, &Tally)> {
        let ways = match &self.ways {
            Ways::One(tally) => vec![&**tally],
            Ways::Two(ways) => vec![ways.first(), ways.second(), ways.pairs()],
        };
        let mut named: Vec<_> = [TALLY, SECOND, PAIRS].into_iter().zip(ways).collect();
        named.extend(self.supply.as_ref().map(|supply| (SUPPLY, supply)));
        named
    }

    /// The report that follows from them, with what is known of the log's data from elsewhere.
    pub(super) fn report(
        &self,
        study: &StudyFile,
        aside: &ComparisonMeta,
        quality: Option<&DataQuality>,
    ) -> Result<AuditReport, Error> {
        let question = study.question_of_tally();
        let audit = match &self.ways {
            Ways::One(tally) => Audit::of_tally(tally, &question),
            Ways::Two(ways) => Audit::of_two_way(ways, &question),
        };
        let kept = SavedComparison { aside, supply: self.supply.as_ref() };
        let mut audit = audit.inference(study.inference).kept(kept);
        if let Some(quality) = quality {
            audit = audit.quality(quality);
        }
        audit.run()
    }
}
