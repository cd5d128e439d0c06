//! A comparison as it may be kept and gone on from: its tallies, and what they do not say of themselves.

use super::compared::{ExternalBaseline, PreparedComparison};
use super::report::AuditReport;
use super::{Audit, Comparison, ComparisonTally, Subject};
use crate::error::Error;
use crate::estimate::Warning;
use crate::question::baseline::{Baseline, Supply};
use crate::replay::BaselineRowKind;
use crate::statistic::Undefined;
use crate::tally::Tally;

/// What the tallies of a comparison do not say of themselves.
#[derive(Clone, Debug)]
pub(crate) struct ComparisonMeta {
    pub(crate) rows: BaselineRowKind,
    pub(crate) refused: Option<Undefined>,
    pub(crate) warnings: Vec<Warning>,
}

/// The parts of a comparison.
pub(crate) struct Parts<'c> {
    /// One tally, or those of two ways: the first, the second, the pairs.
    pub(crate) ways: Vec<&'c Tally>,
    /// That of a supply which is known.
    pub(crate) supply: Option<&'c Tally>,
    pub(crate) aside: ComparisonMeta,
}

/// What was kept beside the tallies that an audit is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SavedComparison<'l> {
    pub(crate) aside: &'l ComparisonMeta,
    pub(crate) supply: Option<&'l Tally>,
}

impl Comparison<'_> {
    pub(crate) fn parts(&self) -> Parts<'_> {
        let compared = &self.compared;
        let ways = match &compared.made {
            ComparisonTally::One(tally) => vec![&***tally],
            ComparisonTally::Two(ways) => vec![ways.first(), ways.second(), ways.pairs()],
        };
        let supply = match &compared.elsewhere {
            Some(ExternalBaseline::Supply(tally)) => Some(&**tally),
            Some(ExternalBaseline::Reference(_)) | None => None,
        };
        let PreparedComparison { rows, refused, .. } = *compared;
        let aside = ComparisonMeta { rows, refused, warnings: compared.warnings.clone() };
        Parts { ways, supply, aside }
    }
}

impl<'l> Audit<'l> {
    /// Goes on from the tallies of a comparison that was kept, whatever its baseline was made of.
    pub(crate) fn kept(mut self, kept: SavedComparison<'l>) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Runs the audit, and looks at the comparison that its answers are from.
    pub(crate) fn run_with<T>(
        self,
        look: impl FnOnce(&Comparison<'_>) -> Result<T, Error>,
    ) -> Result<(AuditReport, T), Error> {
        self.question.refuse("a bundle of evidence", &[])?;
        let comparison = self.compare()?;
        let (question, topics) = (&self.question, self.question.topics.named());
        let way = (question.unit, question.denominator);
        let estimates = comparison.estimates(&question.distinct_statistics(), topics, way)?;
        let seen = look(&comparison)?;
        Ok((AuditReport::new(estimates, comparison.quality), seen))
    }
}

impl SavedComparison<'_> {
    /// The comparison as it was.
    pub(super) fn compared<'l>(
        self,
        of: &'l Subject<'l>,
        baseline: &Baseline,
    ) -> Result<PreparedComparison<'l>, Error> {
        let (baseline, elsewhere) = match baseline {
            Baseline::Arm(_) | Baseline::Nothing => (baseline.clone(), None),
            Baseline::Reference(reference) => {
                reference.check()?;
                (baseline.clone(), Some(ExternalBaseline::Reference(reference.clone())))
            }
            Baseline::Supply(Supply::Known) => {
                let supply = self.supply.ok_or_else(|| Error::BaselineLacks {
                    baseline: baseline.to_string(),
                    needs: "the tally of what was available",
                    mend: "keep it beside the tally of the log",
                })?;
                (baseline.clone(), Some(ExternalBaseline::Supply(Box::new(supply.clone()))))
            }
            // Its rows are in the tally, as an arm of the baseline's name.
            derived => (Baseline::Arm(derived.to_string()), None),
        };
        let ComparisonMeta { rows, refused, warnings } = self.aside.clone();
        Ok(PreparedComparison {
            made: of.made(None)?,
            baseline,
            elsewhere,
            rows,
            refused,
            warnings,
        })
    }
}
