//! One-sided bounds where a share is 0 or 1 and the delta method has nothing to linearise.

use super::contribution::{Contributions, Question};
use super::delta::{self, Quantile};
use super::influence::Influence;
use super::{Doubt, Interval, naive};
use crate::error::Error;
use crate::estimand::Unit;
use crate::estimate::{ConfidenceInterval, MethodUsed, NoInterval};
use crate::statistic::{
    AtLimits, BaselineShare, Cell, KnownBaseline, Scale, Side, Statistic, TreatmentShare, Working,
};
use crate::tally::Tally;

/// Bounds for the share of one arm, and how a share at a limit was bounded.
struct ShareBounds {
    low: f64,
    high: f64,
    at_limit: Option<MethodUsed>,
}

/// A one-sided interval for a statistic that is infinite or zero.
///
/// Each arm's share is bounded at level `1 - alpha/2`, so that both bounds hold together at
/// `1 - alpha` (Bonferroni), and the statistic is evaluated at the worse ends. A share inside
/// (0, 1) is bounded by the delta method on its log odds; one that is the same in all clusters has
/// no variance and bounds itself, and one of a single cluster has no bound. A share of 0 is bounded by
/// `1 - (alpha/2)^(1/n)`, the Clopper-Pearson bound for no success in n trials (1 minus that for a
/// share of 1):
///
/// - for cluster means and reach, n is the number of clusters, and the bound is exact or
///   conservative for any distribution of shares over clusters, since a cluster without the topic
///   is at most as likely as 1 minus its expected share;
/// - for pooled shares, n is the effective number of impressions, `N^2 / sum m^2` over the design
///   effect of the same topic's share in the other arm (at least 1), after Korn and Graubard 1998
///   (Survey Methodology 24): nothing in the arm itself shows how the topic would clump. Where
///   the other arm has no design effect either, n is the number of clusters.
pub(super) fn one_sided(
    tally: &Tally,
    question: &Question<'_>,
    statistic: &dyn Statistic,
    interval: &Interval,
) -> Result<Doubt, Error> {
    let none = Doubt::none(NoInterval::ShareAtLimit);
    let strata = tally.axes().strata().len();
    if let Some((of, known)) = statistic.known_baseline() {
        return against_known(tally, question, (of, known), interval);
    }
    if statistic.at_limits() != AtLimits::BoundedByShares
        || statistic.cells(strata) != Cell::TWO_ARMS
    {
        return Ok(none);
    }
    let arms = [
        Contributions::of(tally, question, &TreatmentShare)?,
        Contributions::of(tally, question, &BaselineShare)?,
    ];
    let effects =
        [design_effect(&TreatmentShare, &arms[0]), design_effect(&BaselineShare, &arms[1])];
    let bounds = |share: &dyn Statistic, side, at: usize| {
        share_bounds(share, side, &arms[at], effects[1 - at], question.unit, interval)
    };
    let treatment = bounds(&TreatmentShare, Side::Treatment, 0);
    let baseline = bounds(&BaselineShare, Side::Baseline, 1);
    let (treatment, baseline) = match (treatment, baseline) {
        (Ok(treatment), Ok(baseline)) => (treatment, baseline),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Doubt::none(reason)),
    };
    let totals: Vec<f64> = arms.iter().flat_map(Contributions::totals).copied().collect();
    let value_at = |share: f64, other: f64| {
        let (all, against) = (totals[1], totals[3]);
        match statistic.value(&[share * all, all, other * against, against]) {
            Working::Finite(value) => Some(statistic.scale().reported(value)),
            _ => None,
        }
    };
    let (low, high) = match statistic.value(&totals) {
        Working::Above => (value_at(treatment.low, baseline.high), None),
        _ => (None, value_at(treatment.high, baseline.low)),
    };
    if low.is_none() && high.is_none() {
        return Ok(none);
    }
    // If both arms stand at limits, the coarser of the two ways is named.
    let used = [treatment.at_limit, baseline.at_limit].into_iter().flatten();
    Ok(Doubt {
        interval: Ok(ConfidenceInterval { low, high, level: interval.level() }),
        method: used.max_by_key(|used| *used == MethodUsed::LimitByClusters),
        standard_error: None,
        degrees_of_freedom: None,
    })
}

/// The same against a baseline known from elsewhere, whose share is what it is.
fn against_known(
    tally: &Tally,
    question: &Question<'_>,
    (of, known): (&dyn Statistic, &KnownBaseline),
    interval: &Interval,
) -> Result<Doubt, Error> {
    let none = Doubt::none(NoInterval::ShareAtLimit);
    let strata = tally.axes().strata().len();
    let is_bounded =
        of.at_limits() == AtLimits::BoundedByShares && of.cells(strata) == Cell::TWO_ARMS;
    let (true, Some(share)) = (is_bounded, known.share()) else {
        return Ok(none);
    };
    let arm = Contributions::of(tally, question, &TreatmentShare)?;
    let bounds = share_bounds(
        &TreatmentShare,
        Side::Treatment,
        &arm,
        design_effect(&TreatmentShare, &arm),
        question.unit,
        interval,
    );
    let treatment = match bounds {
        Ok(bounds) => bounds,
        Err(reason) => return Ok(Doubt::none(reason)),
    };
    let tail = (1.0 - interval.level()) / 2.0;
    let reach = delta::normal_quantile(tail) * known.standard_error;
    let (least, most) = ((share - reach).max(0.0), (share + reach).min(1.0));
    let all = arm.totals()[1];
    let value_at = |share: f64, other: f64| match of.value(&[share * all, all, other, 1.0]) {
        Working::Finite(value) => Some(of.scale().reported(value)),
        _ => None,
    };
    let own = arm.totals();
    let (low, high) = match of.value(&[own[0], own[1], share, 1.0]) {
        Working::Above => (value_at(treatment.low, most), None),
        _ => (None, value_at(treatment.high, least)),
    };
    if low.is_none() && high.is_none() {
        return Ok(none);
    }
    Ok(Doubt {
        interval: Ok(ConfidenceInterval { low, high, level: interval.level() }),
        method: treatment.at_limit,
        standard_error: None,
        degrees_of_freedom: None,
    })
}

/// How many times the clustering inflates the variance of a share, at least 1; `None` where the
/// share is at a limit or has no variance.
fn design_effect(share: &dyn Statistic, arm: &Contributions) -> Option<f64> {
    let totals = arm.totals();
    let Working::Finite(at) = share.value(totals) else {
        return None;
    };
    let gradient = share.gradient(totals);
    let robust = Influence::of(&gradient, arm).variance().ok()?.variance;
    let naive = naive::naive(at, &gradient, share, arm.summary(), 0.95)?.standard_error.powi(2);
    (naive > 0.0).then(|| (robust / naive).max(1.0))
}

fn share_bounds(
    share: &dyn Statistic,
    side: Side,
    arm: &Contributions,
    effect: Option<f64>,
    unit: Unit,
    interval: &Interval,
) -> Result<ShareBounds, NoInterval> {
    let tail = (1.0 - interval.level()) / 2.0;
    let totals = arm.totals();
    match share.value(totals) {
        Working::Undefined(_) => Err(NoInterval::ShareAtLimit),
        Working::Finite(at) => {
            let known = match Influence::of(&share.gradient(totals), arm).variance() {
                Ok(known) => known,
                Err(NoInterval::NoVariation) => {
                    let point = share.scale().reported(at);
                    return Ok(ShareBounds { low: point, high: point, at_limit: None });
                }
                Err(reason) => return Err(reason),
            };
            let normal =
                matches!(interval, Interval::Delta(delta) if delta.quantile == Quantile::Normal);
            let quantile = if normal {
                delta::normal_quantile(tail)
            } else {
                delta::student_quantile(tail, known.degrees_of_freedom)
            };
            let stretch = quantile * known.variance.sqrt();
            Ok(ShareBounds {
                low: Scale::Logit.reported(at - stretch),
                high: Scale::Logit.reported(at + stretch),
                at_limit: None,
            })
        }
        limit => {
            let clusters = totals[1];
            let [_, _, squares] = arm.summary().squares(side);
            let (trials, used) = match (unit, effect) {
                (Unit::Pooled, Some(effect)) => {
                    let impressions = totals[1] * totals[1] / squares;
                    (impressions / effect, MethodUsed::LimitByEffectiveSize)
                }
                (Unit::Pooled, None) => {
                    let counts = arm.clusters();
                    let clusters = match side {
                        Side::Treatment => counts.treatment,
                        Side::Baseline => counts.baseline,
                    };
                    (clusters as f64, MethodUsed::LimitByClusters)
                }
                _ => (clusters, MethodUsed::LimitByClusters),
            };
            let width = 1.0 - tail.powf(1.0 / trials);
            let (low, high) = match limit {
                Working::Below => (0.0, width),
                _ => (1.0 - width, 1.0),
            };
            Ok(ShareBounds { low, high, at_limit: Some(used) })
        }
    }
}
