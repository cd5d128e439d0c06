//! What may be said of estimates: on which side of no amplification each lies by itself, and which still do
//! when all that were asked about are taken together.

use super::contribution::Contributions;
use super::share_bounds::{BoundsForm, Contrast, ShareBounds};
use super::shares::Shares;
use super::tails::above;
use super::{Case, Inference, Interval, Multiplicity, Test, simultaneous};
use crate::error::Error;
use crate::estimate::{
    ConfidenceInterval, Estimate, Finding, IntervalMethod, NoInterval, SideOfNull, Warning,
};
use crate::statistic::{Statistic, Working};

/// Notes on which side an estimate lies by itself, and gives the p-value by which it is a finding among all:
/// only for one that is a finding alone, since no other can be.
pub(super) fn alone(
    estimate: &mut Estimate,
    statistic: &dyn Statistic,
    (working, contributions): (Working, &Contributions),
    (form, known): (BoundsForm, Option<&Case<'_>>),
) -> Option<f64> {
    if matches!(working, Working::Undefined(_)) {
        let null = statistic.null()?;
        return note(estimate, statistic, ([null; 2], None), || None);
    }
    let made = if known.is_none() { Shares::of(statistic, contributions) } else { None };
    let shares = known.map_or(made.as_ref(), |case| case.shares.as_ref());
    let shares = shares.and_then(|shares| shares.as_ref().ok());
    let contrast =
        shares.map(|shares| Contrast::of(statistic, contributions.totals(), shares).in_form(form));
    let level = estimate.interval.as_ref().map_or(0.95, |interval| interval.level);
    estimate.warnings.extend(contrast.as_ref().and_then(|its| its.held_back(1.0 - level)));
    let bounds = contrast.as_ref().filter(|_| is_thin(estimate)).map(|contrast| {
        ShareBounds { level, ..ShareBounds::default() }.of(contrast, None).interval
    });
    let by_error = estimate.standard_error.zip(estimate.degrees_of_freedom);
    let null = statistic.null()?;
    let nulls = contrast.as_ref().map_or([null; 2], |its| its.of_equal_shares(null));
    let p = || match (&contrast, working) {
        (Some(contrast), _) => Some(p_beyond(contrast, nulls)),
        (None, Working::Finite(at)) => {
            let (error, degrees) = by_error?;
            Some((2.0 * above((at - null).abs() / error, Some(degrees))).min(1.0))
        }
        _ => None,
    };
    note(estimate, statistic, (nulls, bounds.as_ref()), p)
}

/// The p-value of a contrast that lies beyond all that it may be where shares are equal.
pub(super) fn p_beyond(contrast: &Contrast<'_>, [low, high]: [f64; 2]) -> f64 {
    let from_low = contrast.distance(low);
    let from_high = if high > low { contrast.distance(high) } else { from_low };
    let is_between = from_low.signum() != from_high.signum();
    let errors = if is_between { 0.0 } else { from_low.abs().min(from_high.abs()) };
    (2.0 * above(errors, None)).min(1.0)
}

/// Notes on which side of these values an estimate lies by itself; where its interval may be too short only
/// if share bounds agree.
pub(super) fn note(
    estimate: &mut Estimate,
    statistic: &dyn Statistic,
    (nulls, bounds): ([f64; 2], Option<&Result<ConfidenceInterval, NoInterval>>),
    p: impl FnOnce() -> Option<f64>,
) -> Option<f64> {
    let [low, high] = nulls.map(|null| statistic.scale().reported(null));
    let side = |interval| SideOfNull::of(interval, low).and(SideOfNull::of(interval, high));
    let own = side(&estimate.interval);
    let alone = match bounds.filter(|_| is_thin(estimate)) {
        Some(bounds) if own.is_clear() => own.and(side(bounds)),
        _ => own,
    };
    let null = statistic.null().map(|null| statistic.scale().reported(null));
    if null.is_some_and(|null| SideOfNull::of(&estimate.interval, null).is_clear())
        && !own.is_clear()
    {
        estimate.warnings.push(Warning::NullMoved { low: low.min(high), high: low.max(high) });
    }
    let p = if alone.is_clear() { p() } else { None };
    estimate.finding = Some(Finding { alone, among_all: alone, adjusted_by: None, of: 1, p });
    p
}

/// Whether an estimate's interval may be too short: another than share bounds, where few clusters carry it.
fn is_thin(estimate: &Estimate) -> bool {
    let few = |warning: &Warning| {
        matches!(
            warning.said(),
            Warning::FewClusters { .. }
                | Warning::FewTopicClusters { .. }
                | Warning::UnequalClusters { .. }
                | Warning::FewClustersForMethod { .. }
                | Warning::ZeroShare { .. }
                | Warning::FullShare { .. }
                | Warning::FewInBothArms { .. }
                | Warning::CertainBaseline
        )
    };
    let holds = matches!(
        estimate.method,
        None | Some(IntervalMethod::ShareBounds | IntervalMethod::TwoWayShareBounds)
    );
    !holds && estimate.warnings.iter().any(few)
}

/// Notes which estimates of a statistic are findings with all of them taken into account, given their
/// p-values: by the adjustment that was asked for, else by Holm's, which holds the chance of any wrong side
/// whatever topics have to do with each other; bands for all topics need none.
pub(super) fn among_all(
    estimates: &mut [Estimate],
    p: &[Option<f64>],
    inference: &Inference,
) -> Result<(), Error> {
    let wrong = 1.0 - inference.interval.level();
    let is_band = matches!(inference.interval, Interval::Simultaneous(_));
    let tests = !matches!(inference.test, None | Some(Test::Equivalence(_) | Test::EqualStrata));
    let asked_for = inference.multiplicity.filter(|_| tests);
    let names: Vec<String> = estimates.iter().map(family).collect();
    for family in simultaneous::families(names.iter().map(String::as_str)) {
        let own = |at: usize| match estimates[at].test {
            Some(test) if tests => test.p.ok(),
            _ => p[at],
        };
        let adjusted: Vec<Option<f64>> = match asked_for {
            Some(_) => family.iter().map(|&at| estimates[at].test?.p_adjusted).collect(),
            None => {
                // Those that are no finding alone cannot be one of several, whatever their p-values are.
                let all: Vec<f64> = family.iter().map(|&at| own(at).unwrap_or(1.0)).collect();
                Multiplicity::Holm.adjusted(&all)?.into_iter().map(Some).collect()
            }
        };
        for (&at, adjusted) in family.iter().zip(adjusted) {
            let Some(finding) = &mut estimates[at].finding else { continue };
            finding.of = family.len();
            if is_band && asked_for.is_none() {
                continue;
            }
            finding.adjusted_by = Some(asked_for.unwrap_or(Multiplicity::Holm));
            if finding.alone.is_clear() && adjusted.is_none_or(|p| p > wrong) {
                finding.among_all = SideOfNull::Includes;
            }
        }
    }
    Ok(())
}

/// What estimates of one statistic have in common: its name, and its parameters in the phrase.
pub(super) fn family(estimate: &Estimate) -> String {
    format!("{}: {}", estimate.estimand.statistic, estimate.estimand.phrase)
}
