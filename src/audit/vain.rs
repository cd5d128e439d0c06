//! What was said of a question and changes nothing in its answers, and labels that only one arm has.

use super::comparison::Comparison;
use super::said::has_single_topics;
use crate::estimate::{Said, Warning};
use crate::inference::{Blocks, Test};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::statistic::{AnyStatistic, Side, keeps_strata};
use crate::tally::{MultiLabel, StratifyBy, Tally};

impl Comparison<'_> {
    /// What was said and changes nothing in the answers, and what changes more than it seems to.
    pub(super) fn said_of(
        &self,
        statistics: &[AnyStatistic],
        (unit, denominator): (Unit, Denominator),
    ) -> Vec<Warning> {
        let all = denominator == Denominator::AllImpressions;
        let untagged = if all { self.untagged_in_one_arm() } else { None };
        let mut warnings = self.without_effect(statistics, unit);
        warnings.extend(untagged);
        warnings
    }

    fn without_effect(&self, statistics: &[AnyStatistic], unit: Unit) -> Vec<Warning> {
        let tally = self.compared.made.tally();
        let mut said = Vec::new();
        let kept_apart = statistics.iter().any(|its| keeps_strata(&**its))
            || matches!(
                self.inference.test,
                Some(Test::CochranMantelHaenszel(_) | Test::EqualStrata)
            )
            || matches!(self.inference.test, Some(Test::Permutation(its)) if its.blocks == Blocks::Strata);
        let strata = &tally.spec().strata;
        if self.strata_said && *strata != StratifyBy::Nothing && !kept_apart {
            said.push(Said::Strata(strata.to_string()));
        }
        if matches!(unit, Unit::Reach(reach) if reach.mass <= 0.0) {
            said.extend(without_mass(tally, self.attention));
        }
        if tally.spec().multi_label == MultiLabel::Fractional && has_single_topics(tally) {
            said.retain(|its| *its != Said::MultiLabel);
            said.push(Said::SingleTopics);
        }
        said.into_iter().map(|said| Warning::WithoutEffect { said }).collect()
    }
}

/// Below so small a part of impressions without a topic no arm is said to lack labels.
const FEW_UNTAGGED: f64 = 0.05;

impl Comparison<'_> {
    /// Impressions without a topic in one arm, and next to none in the other: labels that are missing look
    /// like this.
    fn untagged_in_one_arm(&self) -> Option<Warning> {
        let (tally, baseline) = self.arms()?;
        let Baseline::Arm(baseline) = baseline else { return None };
        let (axes, totals) = (tally.axes(), tally.totals());
        if axes.topics().is_empty() {
            return None;
        }
        let untagged = |name: &str| {
            let arm = axes.arm(name)?;
            let (mut tagged, mut all) = (0, 0);
            for slab in axes.slabs().filter(|slab| slab.arm == arm) {
                tagged += totals[axes.tagged_cell(slab) as usize].count;
                all += totals[axes.all_cell(slab) as usize].count;
            }
            (all > 0).then(|| 1.0 - tagged as f64 / all as f64)
        };
        let (treatment, baseline) = (untagged(self.treatment)?, untagged(baseline)?);
        let (side, untagged, other) = match treatment > baseline {
            true => (Side::Treatment, treatment, baseline),
            false => (Side::Baseline, baseline, treatment),
        };
        (untagged >= FEW_UNTAGGED && other < untagged / 10.0).then_some(Warning::UntaggedInOneArm {
            side,
            untagged,
            other,
        })
    }
}

/// What is said of masses.
fn without_mass(tally: &Tally, attention: &Attention) -> Option<Said> {
    let at = tally.attention(attention).unwrap_or(0);
    let of_counts = (0..tally.block_count()).all(|block| tally.block_is_of_counts(block, at));
    match (attention, tally.spec().multi_label) {
        _ if of_counts => None,
        (Attention::Uniform, MultiLabel::Full) => Some(Said::Weights),
        (Attention::Uniform, MultiLabel::Fractional) => Some(Said::MultiLabel),
        _ => Some(Said::Attention),
    }
}
