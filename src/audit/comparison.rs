//! Both sides of a comparison, tallied, and what is asked of them: any statistic, in any unit.

use std::collections::HashSet;

use super::compared::{self, PreparedComparison};
use super::{Audit, Subject, answers, arms_of, said};
use crate::error::Error;
use crate::estimate::{Estimate, Warning};
use crate::inference::{Inference, Query, TopicQuestion};
use crate::log::{DataQuality, NameRemark, Role};
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Supply};
use crate::question::correction::Correction;
use crate::question::estimand::{Denominator, Unit};
use crate::replay::BaselineRowKind;
use crate::statistic::{AnyStatistic, Side};
use crate::tally::{StratifyBy, Tally};

/// A treatment and a baseline, ready to be asked about.
pub(crate) struct Comparison<'a> {
    pub(super) compared: PreparedComparison<'a>,
    pub(super) treatment: &'a str,
    baseline: &'a Baseline,
    correction: Option<Correction>,
    pub(super) attention: &'a Attention,
    pub(super) inference: Inference,
    /// Whether groups were asked for, and not only there in the log.
    pub(super) strata_said: bool,
    warnings: Vec<Warning>,
    /// The state of the data; `None` for a tally of which that is not known.
    pub(crate) quality: Option<DataQuality>,
}

impl Audit<'_> {
    /// Tallies both sides.
    pub(crate) fn compare(&self) -> Result<Comparison<'_>, Error> {
        let treatment = self.question.treatment.as_str();
        let baseline = self.question.needs_baseline()?;
        self.check_said()?;
        let quality = match (&self.quality, &self.of) {
            // Of a comparison that was kept it is said already.
            (Some(quality), Subject::Tally(_) | Subject::TwoWay(_)) => Some(quality.clone()),
            (quality, of) => {
                let quality = quality.clone().or_else(|| of.quality(self.origin));
                let outside = || of.outside(&arms_of(treatment, baseline));
                quality.map(|quality| DataQuality { outside: outside(), ..quality })
            }
        };
        let attention = compared::attention_of(&self.of, self.question.attention.as_ref())?;
        let compared = match self.kept {
            Some(kept) => kept.compared(&self.of, baseline)?,
            None => self.compared_anew((treatment, baseline), attention, quality.as_ref())?,
        };
        let mut warnings = compared.warnings.clone();
        if let Baseline::Arm(against) = &compared.baseline {
            warnings.extend(empty_strata(compared.made.tally(), treatment, against));
        }
        let beside: Vec<String> = match baseline {
            Baseline::Reference(reference) => reference.shares.keys().cloned().collect(),
            _ => Vec::new(),
        };
        warnings.extend(odd_names(compared.made.tally(), &beside));
        if compared.rows == BaselineRowKind::Expected {
            warnings.push(Warning::ExpectedBaseline);
        }
        warnings.extend(said::of_topics(compared.made.tally()));
        warnings.extend(quality.iter().flat_map(of_quality));
        let inference = self.inference;
        Ok(Comparison {
            compared,
            treatment,
            baseline,
            correction: self.question.correct,
            attention,
            inference,
            strata_said: (self.question.strata.as_ref())
                .is_some_and(|said| *said != StratifyBy::Nothing),
            warnings,
            quality,
        })
    }
}

impl<'l> Audit<'l> {
    /// Both sides, tallied from what was given.
    fn compared_anew(
        &'l self,
        (treatment, baseline): (&str, &Baseline),
        attention: &Attention,
        quality: Option<&DataQuality>,
    ) -> Result<PreparedComparison<'l>, Error> {
        let sides = (treatment, baseline);
        let second = self.question.second_cluster.as_ref();
        let mut compared = compared::compared(&self.of, sides, attention, second, self.given)?;
        let kept = quality.into_iter().flat_map(|quality| &quality.origin.kept);
        let kept: Vec<_> = kept.cloned().collect();
        compared.warnings.extend(said::not_kept(&kept, baseline, self.given));
        if let (Baseline::Supply(_), Some(supply)) = (baseline, self.given.supply) {
            let of_supply = supply.topics().into_iter().flat_map(|its| its.labels().iter());
            let beside: Vec<String> = of_supply.map(str::to_owned).collect();
            let made = compared.made.tally();
            let known: Vec<Warning> = odd_names(made, &[]).collect();
            let odd = odd_names(made, &beside).filter(|its| !known.contains(its));
            compared.warnings.extend(odd);
            let log = (&self.of, self.given.rows);
            compared.warnings.extend(said::of_supply(log, treatment, supply));
        }
        compared.made.weigh(&self.of.weights());
        Ok(compared)
    }
}

impl Comparison<'_> {
    /// The tally and the arm of it that is the baseline; `None` where the baseline is no arm.
    pub(crate) fn arms(&self) -> Option<(&Tally, &Baseline)> {
        let baseline = &self.compared.baseline;
        matches!(baseline, Baseline::Arm(_)).then(|| (self.compared.made.tally(), baseline))
    }

    /// Answers by statistic, then by topic: all topics if none are named.
    pub(crate) fn estimates(
        &self,
        statistics: &[AnyStatistic],
        topics: Option<&[String]>,
        (unit, denominator): (Unit, Denominator),
    ) -> Result<Vec<Estimate>, Error> {
        if matches!(self.baseline, Baseline::Supply(Supply::Sampled { .. })) && unit != Unit::Pooled
        {
            return Err(Error::Parameter {
                parameter: "the unit",
                value: format!("{unit}, against {}", self.baseline),
                expected: "Unit::Pooled: over what was drawn, means and reach are of other things than \
                           over viewers",
            });
        }
        let all = self.compared.made.tally().axes().topics();
        let topics = match topics {
            Some(topics) => topics,
            None if all.is_empty() => return Err(Error::NoTopics),
            None => all,
        };
        // What is named twice is one question, and counts once where several are taken into account.
        let mut seen = HashSet::new();
        let topics: Vec<&String> = topics.iter().filter(|topic| seen.insert(*topic)).collect();
        let mut questions = Vec::with_capacity(topics.len() * statistics.len());
        for statistic in statistics {
            for topic in &topics {
                let question = TopicQuestion {
                    topic,
                    treatment: self.treatment,
                    baseline: &self.compared.baseline,
                    unit,
                    denominator,
                    attention: self.attention,
                    correction: self.correction,
                };
                questions.push(Query { question, statistic: &**statistic });
            }
        }
        let mut estimates = answers::answers(&self.compared, &questions, self.inference)?;
        let said = self.said_of(statistics, (unit, denominator));
        for estimate in &mut estimates {
            estimate.warnings.extend(said.iter().cloned());
            estimate.estimand.baseline = self.baseline.clone();
            estimate.estimand.kept = match &self.quality {
                Some(quality) => quality.origin.kept.clone(),
                None => self.compared.made.tally().kept().to_vec(),
            };
            estimate.warnings.extend(self.warnings.iter().cloned());
            if self.compared.rows == BaselineRowKind::Expected {
                estimate.naive = None;
            }
            if let Some(reason) = self.compared.refused {
                estimate.refuse(reason);
            }
        }
        Ok(estimates)
    }
}

/// Arms, strata and topics, those beside the log too, that may be one written in several ways, or none.
fn odd_names(tally: &Tally, beside: &[String]) -> impl Iterator<Item = Warning> + use<> {
    let axes = tally.axes();
    let of = |role, names: &[String]| NameRemark::of_names(role, names.iter().map(String::as_str));
    let mut remarks = of(Role::Arm, axes.arms());
    // Without strata there is one that has no name.
    if tally.spec().strata != StratifyBy::Nothing {
        remarks.extend(of(Role::Stratum, axes.strata()));
    }
    let mut topics = [axes.topics(), beside].concat();
    topics.sort_unstable();
    topics.dedup();
    remarks.extend(of(Role::Topics, &topics));
    remarks.into_iter().map(|remark| Warning::OddNames { remark })
}

/// Strata in which one of the two arms has impressions and the other has none.
fn empty_strata(tally: &Tally, treatment: &str, baseline: &str) -> Vec<Warning> {
    let axes = tally.axes();
    if tally.spec().strata == StratifyBy::Nothing {
        return Vec::new();
    }
    let totals = tally.totals();
    let sides = [(Side::Treatment, treatment), (Side::Baseline, baseline)];
    let shown = |arm: &str, stratum| {
        let arm = axes.arm(arm);
        let mut slabs =
            axes.slabs().filter(|slab| arm == Some(slab.arm) && slab.stratum == stratum);
        slabs.any(|slab| totals[axes.all_cell(slab) as usize].count > 0)
    };
    let mut warnings = Vec::new();
    for (at, stratum) in axes.strata().iter().enumerate() {
        let shown = sides.map(|(_, arm)| shown(arm, at));
        for (&(side, _), (mine, other)) in
            sides.iter().zip([(shown[0], shown[1]), (shown[1], shown[0])])
        {
            if !mine && other {
                warnings.push(Warning::ArmMissingInStratum { stratum: stratum.clone(), side });
            }
        }
    }
    warnings
}

/// What a reader should know of the data.
pub(crate) fn of_quality(quality: &DataQuality) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(repeats) = quality.repeats.filter(|repeats| repeats.impressions > 0) {
        warnings.push(Warning::RepeatedItems {
            slates: repeats.slates,
            impressions: repeats.impressions,
        });
    }
    warnings.extend(quality.origin.warnings());
    let rows = quality.origin.set_aside.rows;
    if rows > 0 {
        warnings.push(Warning::RowsSetAside { rows });
    }
    if let Some(table) = &quality.origin.item_topics {
        let rows = table.set_aside.rows;
        if rows > 0 {
            warnings.push(Warning::TopicRowsSetAside { rows });
        }
        if table.items_missing > 0 {
            warnings.push(Warning::ItemsWithoutTopics { items: table.items_missing });
        }
    }
    warnings
}
