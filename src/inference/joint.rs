//! What several questions have to do with each other: replicates that they share, bands that hold
//! for all of them, p-values that know how many there are.

use super::bootstrap::{Bootstrap, BootstrapKind, BootstrapWeights, Replicated, replicate};
use super::finding::{self, family};
use super::resample::Resampling;
use super::simultaneous::{Distances, critical_value, families, step_down};
use super::summary::Shared;
use super::{Case, Inference, Interval, Multiplicity, Query};
use crate::error::Error;
use crate::estimate::{Estimate, IntervalMethod, NoInterval, SideOfNull};
use crate::question::estimand::Unit;
use crate::question::multiplicity::ReplicateErrors;
use crate::statistic::Scale;
use crate::tally::Tally;

/// Replicates of totals, made once for all questions.
pub(super) struct Replicates {
    /// By question; empty where the interval does not need them.
    pub(super) of_interval: Vec<Replicated>,
    /// By question; empty where adjusting p-values does not need them.
    of_tests: Vec<Replicated>,
}

/// What an estimate adds to statements about all of them.
pub(super) struct Joint {
    /// On the working scale.
    at: f64,
    standard_error: f64,
    for_bands: Option<Distances>,
    for_tests: Option<Distances>,
    null: Option<f64>,
}

/// An estimate that is settled but for what depends on the others.
pub(super) struct Answer {
    pub(super) estimate: Estimate,
    pub(super) scale: Scale,
    /// `None` where there is no standard error.
    pub(super) joint: Option<Joint>,
    /// The p-value by which it is a finding among all; `None` where it is none alone.
    pub(super) p: Option<f64>,
}

impl Replicates {
    pub(super) fn of(
        tally: &Tally,
        asked: &[Query<'_>],
        inference: &Inference,
    ) -> Result<Self, Error> {
        let for_interval = match inference.interval {
            Interval::Bootstrap(method) if method.is_of_totals() => {
                Some((method.replicates, method.seed))
            }
            Interval::Simultaneous(method) if method.errors == ReplicateErrors::Same => {
                Some((method.replicates, method.seed))
            }
            _ => None,
        };
        let for_tests = match inference.multiplicity {
            Some(Multiplicity::RomanoWolf(method)) if method.errors == ReplicateErrors::Same => {
                Some((method.replicates, method.seed))
            }
            _ => None,
        };
        // Weights that are fitted to all clusters are no sums of a tally.
        let is_fitted = asked.iter().any(|Query { question, .. }| {
            question.unit == Unit::Within || question.correction.is_some()
        });
        if is_fitted || for_interval.is_none() && for_tests.is_none() {
            return Ok(Self { of_interval: Vec::new(), of_tests: Vec::new() });
        }
        let shared = Shared::of(tally, asked);
        let make = |wanted: Option<(u32, u64)>| match wanted {
            Some((replicates, seed)) => {
                let resampling = Resampling { replicates: replicates as usize, seed };
                replicate(tally, asked, &shared, resampling)
            }
            None => Ok(Vec::new()),
        };
        let (of_interval, of_tests) = (make(for_interval)?, make(for_tests)?);
        Ok(Self { of_interval, of_tests })
    }

    /// What a question adds to statements about all.
    pub(super) fn joint(&self, case: &Case<'_>, at: usize, inference: &Inference) -> Option<Joint> {
        // Where an arm's share does not vary, its standard error is not one.
        if case.still_contrast().is_some() {
            return None;
        }
        let standard_error = case.influence.variance().ok()?.variance.sqrt();
        let for_bands = match inference.interval {
            Interval::Simultaneous(method) => {
                Some(match (method.errors, self.of_interval.get(at)) {
                    (ReplicateErrors::Same, Some(replicated)) => {
                        Distances::of_values(replicated, case.at, standard_error)
                    }
                    _ => studentised(case, method.replicates, method.seed),
                })
            }
            _ => None,
        };
        let for_tests = match inference.multiplicity {
            Some(Multiplicity::RomanoWolf(method)) => {
                Some(match (method.errors, self.of_tests.get(at)) {
                    (ReplicateErrors::Same, Some(replicated)) => {
                        Distances::of_values(replicated, case.at, standard_error)
                    }
                    _ => studentised(case, method.replicates, method.seed),
                })
            }
            _ => None,
        };
        let null = case.statistic.null();
        Some(Joint { at: case.at, standard_error, for_bands, for_tests, null })
    }
}

/// Distances in each replicate's own standard errors.
fn studentised(case: &Case<'_>, replicates: u32, seed: u64) -> Distances {
    let bootstrap = Bootstrap {
        replicates,
        seed,
        kind: BootstrapKind::Studentised,
        weights: BootstrapWeights::Poisson,
        ..Bootstrap::default()
    };
    Distances::of_distances(&bootstrap.replicate(case))
}

/// Estimates with what depends on all of them.
pub(super) fn settle(
    mut answers: Vec<Answer>,
    inference: &Inference,
) -> Result<Vec<Estimate>, Error> {
    let names: Vec<String> = answers.iter().map(|answer| family(&answer.estimate)).collect();
    for family in families(names.iter().map(String::as_str)) {
        if let Interval::Simultaneous(method) = inference.interval {
            let used = match method.errors {
                ReplicateErrors::Same => IntervalMethod::SimultaneousMaxT,
                ReplicateErrors::Each => IntervalMethod::SimultaneousStudentised,
            };
            band(&mut answers, &family, method.level, used);
        }
        if let Some(method @ Multiplicity::RomanoWolf(_)) = inference.multiplicity {
            adjust_by_replicates(&mut answers, &family, method);
        }
    }
    let p: Vec<Option<f64>> = answers.iter().map(|answer| answer.p).collect();
    let mut estimates: Vec<_> = answers.into_iter().map(|answer| answer.estimate).collect();
    match &inference.multiplicity {
        None | Some(Multiplicity::RomanoWolf(_)) => {}
        Some(method) => adjust_by_p(&mut estimates, method)?,
    }
    finding::among_all(&mut estimates, &p, inference)?;
    Ok(estimates)
}

/// Adjusts over estimates of several groups, each of which was made by itself and unadjusted.
///
/// # Errors
/// [`Error::Parameter`] for methods that join the replicates of one group's estimates.
pub(crate) fn settle_groups(
    estimates: &mut [Estimate],
    inference: &Inference,
) -> Result<(), Error> {
    for estimate in &mut *estimates {
        if let Some(finding) = &mut estimate.finding {
            finding.among_all = finding.alone;
        }
    }
    if let Some(method) = &inference.multiplicity {
        adjust_by_p(estimates, method)?;
    }
    let p: Vec<Option<f64>> = estimates.iter().map(|its| its.finding?.p).collect();
    finding::among_all(estimates, &p, inference)
}

/// Refuses what joins the replicates of all estimates, which several groups do not share.
pub(crate) fn check_for_groups(inference: &Inference) -> Result<(), Error> {
    let refuse = |parameter, value: &str, expected| {
        Err(Error::Parameter { parameter, value: value.to_owned(), expected })
    };
    if matches!(inference.multiplicity, Some(Multiplicity::RomanoWolf(_))) {
        let expected = "one that adjusts p-values: Holm, Benjamini-Hochberg or Benjamini-Yekutieli";
        return refuse("the adjustment of groups", "Romano-Wolf", expected);
    }
    if matches!(inference.interval, Interval::Simultaneous(_)) {
        let expected = "intervals of each estimate by itself, such as ShareBounds; bands hold for the \
                        topics of one comparison";
        return refuse("the interval of groups", "simultaneous bands", expected);
    }
    Ok(())
}

/// Adjusts the p-values of a family by its replicates; those that are missing count as no tests.
fn adjust_by_replicates(answers: &mut [Answer], family: &[usize], method: Multiplicity) {
    let statistic = |&at: &usize| {
        let Answer { estimate, joint: Some(joint), .. } = &answers[at] else {
            return None;
        };
        estimate.test?.p.ok()?;
        let t = (joint.at - joint.null?).abs() / joint.standard_error;
        Some((at, (t, joint.for_tests.as_ref()?)))
    };
    let (members, statistics): (Vec<_>, Vec<_>) = family.iter().filter_map(statistic).unzip();
    let adjusted = step_down(&statistics);
    // Those without a standard error, such as a share of 0, by Bonferroni's rule.
    for &at in family.iter().filter(|at| !members.contains(at)) {
        if let Some(test) = &mut answers[at].estimate.test
            && let Ok(p) = test.p
        {
            (test.p_adjusted, test.adjusted_by) =
                (Some((p * family.len() as f64).min(1.0)), Some(method));
        }
    }
    for (at, adjusted) in members.into_iter().zip(adjusted) {
        if let Some(test) = &mut answers[at].estimate.test {
            (test.p_adjusted, test.adjusted_by) = (Some(adjusted), Some(method));
        }
    }
}

/// Adjusts the p-values of each statistic; those that are missing count as no tests.
pub(super) fn adjust_by_p(estimates: &mut [Estimate], method: &Multiplicity) -> Result<(), Error> {
    let names: Vec<String> = estimates.iter().map(family).collect();
    for family in families(names.iter().map(String::as_str)) {
        let p = |&at: &usize| Some((at, estimates[at].test?.p.ok()?));
        let (members, p): (Vec<_>, Vec<_>) = family.iter().filter_map(p).unzip();
        for (at, adjusted) in members.into_iter().zip(method.adjusted(&p)?) {
            if let Some(test) = &mut estimates[at].test {
                (test.p_adjusted, test.adjusted_by) = (Some(adjusted), Some(*method));
            }
        }
    }
    Ok(())
}

/// Stretches the intervals of a family so that they hold for all of it at once.
fn band(answers: &mut [Answer], family: &[usize], level: f64, used: IntervalMethod) {
    let distances: Vec<&Distances> =
        family.iter().filter_map(|&at| answers[at].joint.as_ref()?.for_bands.as_ref()).collect();
    // Estimates without a standard error keep their share bounds, each at a level of its own, and leave the
    // others what they do not use.
    let alone = (family.len() - distances.len()) as f64 / family.len() as f64;
    let level_of_rest = 1.0 - (1.0 - level) * (1.0 - alone);
    let stretch = critical_value(&distances, level_of_rest).unwrap_or(f64::INFINITY);
    for &at in family {
        let Answer { estimate, scale, joint, .. } = &mut answers[at];
        let Some(joint) = joint else {
            continue;
        };
        let reach = stretch * joint.standard_error;
        let null = joint.null.map(|null| scale.reported(null));
        (estimate.measured.interval, estimate.measured.method) = if reach.is_finite() {
            (Ok(scale.interval(joint.at - reach, joint.at + reach, level)), Some(used))
        } else {
            (Err(NoInterval::ReplicatesWithoutValue), None)
        };
        // Among all it is what its band says; alone no more than that, since no other interval is shown.
        if let (Some(finding), Some(null)) = (&mut estimate.finding, null) {
            finding.among_all =
                finding.alone.and(SideOfNull::of(&estimate.measured.interval, null));
            finding.alone = finding.among_all;
        }
    }
}
