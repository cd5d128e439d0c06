//! What may be said of estimates: on which side of no amplification each lies by itself, and which still do
//! when all that were asked about are taken together.

use super::contribution::Contributions;
use super::share_bounds::{BoundsForm, Contrast, ShareBounds};
use super::shares::Shares;
use super::testing::{self, above};
use super::{Inference, Interval, Multiplicity, Test, joint, simultaneous};
use crate::error::Error;
use crate::estimate::{
    ConfidenceInterval, Estimate, Finding, MethodUsed, NoInterval, SideOfNull, Warning,
};
use crate::statistic::{LogRatio, Statistic, Working};

/// Notes on which side an estimate lies by itself, and gives the p-value by which it is a finding among all:
/// only for one that is a finding alone, since no other can be.
pub(super) fn alone(
    estimate: &mut Estimate,
    statistic: &dyn Statistic,
    (working, contributions): (Working, &Contributions),
    form: BoundsForm,
) -> Option<f64> {
    if statistic.null().is_none() || matches!(working, Working::Undefined(_)) {
        return note(estimate, statistic, None, || None);
    }
    let shares = match Shares::of(statistic, contributions) {
        Some(Ok(shares)) => Some(shares),
        _ => None,
    };
    let contrast = shares
        .as_ref()
        .map(|shares| Contrast::of(statistic, contributions.totals(), shares).in_form(form));
    let level = estimate.interval.as_ref().map_or(0.95, |interval| interval.level);
    let bounds = contrast.as_ref().filter(|_| is_thin(estimate)).map(|contrast| {
        ShareBounds { level, ..ShareBounds::default() }.of(contrast, None).interval
    });
    let by_error = estimate.standard_error.zip(estimate.degrees_of_freedom);
    let p = || match (&contrast, working, statistic.null()) {
        (Some(contrast), _, Some(null)) => testing::by_share_bounds(contrast, null).p.ok(),
        (None, Working::Finite(at), Some(null)) => {
            let (error, degrees) = by_error?;
            Some((2.0 * above((at - null).abs() / error, Some(degrees))).min(1.0))
        }
        _ => None,
    };
    let found = note(estimate, statistic, bounds.as_ref(), p);
    let null = statistic.null()?;
    match (&shares, &contrast) {
        (Some(shares), Some(contrast)) if found.is_some() && !contrast.is_centred(null) => {
            let plain = Contrast::of(&LogRatio, contributions.totals(), shares).in_form(form);
            of_plain_ratio(estimate, &plain, level)
        }
        _ => found,
    }
}

/// Where equal shares do not have the null, for something was added to the cells, it is a finding only if
/// the ratio without it is one too.
fn of_plain_ratio(estimate: &mut Estimate, plain: &Contrast<'_>, level: f64) -> Option<f64> {
    let (low, high) = plain.ends(1.0 - level);
    let interval = Ok(LogRatio.scale().interval(low, high, level));
    let finding = estimate.finding.as_mut()?;
    finding.alone = finding.alone.and(SideOfNull::of(&interval, 0.0));
    finding.among_all = finding.alone;
    if finding.alone.is_clear() { testing::by_share_bounds(plain, 0.0).p.ok() } else { None }
}

/// Notes on which side an estimate lies by itself; where its interval may be too short only if share bounds
/// agree.
pub(super) fn note(
    estimate: &mut Estimate,
    statistic: &dyn Statistic,
    bounds: Option<&Result<ConfidenceInterval, NoInterval>>,
    p: impl FnOnce() -> Option<f64>,
) -> Option<f64> {
    let null = statistic.scale().reported(statistic.null()?);
    let own = SideOfNull::of(&estimate.interval, null);
    let alone = match bounds.filter(|_| is_thin(estimate)) {
        Some(bounds) if own.is_clear() => own.and(SideOfNull::of(bounds, null)),
        _ => own,
    };
    estimate.finding = Some(Finding { alone, among_all: alone, adjusted_by: None, of: 1 });
    if alone.is_clear() { p() } else { None }
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
        )
    };
    let holds = matches!(
        estimate.method,
        None | Some(MethodUsed::ShareBounds | MethodUsed::TwoWayShareBounds)
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
    let tests = !matches!(inference.test, None | Some(Test::Equivalence(_)));
    let asked_for = inference.multiplicity.filter(|_| tests);
    let names: Vec<String> = estimates.iter().map(joint::family).collect();
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
