//! Doubt: intervals and standard errors, from each cluster's contribution to the totals. It
//! never sees a column of the log.

mod at_limits;
mod contribution;
mod delta;
mod naive;

use serde::{Deserialize, Serialize};

pub use self::contribution::{Contributions, Question};
pub use self::delta::{Delta, Quantile};
use crate::error::Error;
use crate::estimate::{
    ClusterCounts, ConfidenceInterval, Estimate, MethodUsed, NoInterval, Relation, Value, Warning,
};
use crate::statistic::{Scale, Side, Statistic, Working};
use crate::tally::{ClusterBy, Tally};

/// Fewer clusters than this in an arm are flagged.
const FEW_CLUSTERS: u64 = 10;

/// How intervals are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interval {
    /// The cluster-robust delta method.
    Delta(Delta),
}

impl Default for Interval {
    fn default() -> Self {
        Self::Delta(Delta::default())
    }
}

/// A standard error, an interval, and how they came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Doubt {
    pub(crate) interval: Result<ConfidenceInterval, NoInterval>,
    pub(crate) method: Option<MethodUsed>,
    pub(crate) standard_error: Option<f64>,
    pub(crate) degrees_of_freedom: Option<f64>,
}

impl Doubt {
    fn none(reason: NoInterval) -> Self {
        Self { interval: Err(reason), method: None, standard_error: None, degrees_of_freedom: None }
    }
}

/// Answers one question from a tally.
///
/// # Errors
/// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::SameArm`] when the tally cannot answer
/// the question; [`Error::Parameter`] for a confidence level outside (0, 1).
pub fn estimate(
    tally: &Tally,
    question: &Question<'_>,
    statistic: &dyn Statistic,
    interval: &Interval,
) -> Result<Estimate, Error> {
    let Interval::Delta(method) = interval;
    method.check()?;
    let contributions = Contributions::of(tally, question, statistic)?;
    let totals = contributions.totals();
    let value = reported(statistic.value(&totals), statistic.scale());
    let gradient = || statistic.gradient(&totals);
    let doubt = match statistic.value(&totals) {
        Working::Undefined(_) => Doubt::none(NoInterval::UndefinedValue),
        Working::Finite(at) => {
            delta::delta(at, &gradient(), statistic.scale(), &contributions, method)
        }
        Working::Above | Working::Below => {
            at_limits::one_sided(tally, question, statistic, method)?
        }
    };
    let naive = match statistic.value(&totals) {
        Working::Finite(at) => {
            naive::naive(at, &gradient(), statistic, &contributions, method.level).map(
                |mut naive| {
                    let ratio = doubt.standard_error.map(|robust| robust / naive.standard_error);
                    naive.design_effect = ratio.map(|r| r * r).filter(|effect| effect.is_finite());
                    naive
                },
            )
        }
        _ => None,
    };
    Ok(Estimate {
        estimand: question.estimand(tally, statistic),
        value,
        interval: doubt.interval,
        method: doubt.method,
        standard_error: doubt.standard_error,
        degrees_of_freedom: doubt.degrees_of_freedom,
        naive,
        clusters: contributions.clusters(),
        treatment: contributions.arm(Side::Treatment),
        baseline: contributions.arm(Side::Baseline),
        warnings: warnings(tally, &contributions),
    })
}

/// A working value as it is reported.
fn reported(working: Working, scale: Scale) -> Value {
    let limit = |limit: f64| match limit {
        f64::INFINITY => Value::Infinite,
        f64::NEG_INFINITY => Value::NegativeInfinite,
        finite => Value::Estimated(finite),
    };
    match working {
        Working::Finite(value) => Value::Estimated(scale.reported(value)),
        Working::Above => limit(scale.limits().1),
        Working::Below => match limit(scale.limits().0) {
            Value::Estimated(finite) => Value::Zero(finite),
            other => other,
        },
        Working::Undefined(reason) => Value::Undefined(reason),
    }
}

fn warnings(tally: &Tally, contributions: &Contributions) -> Vec<Warning> {
    let ClusterCounts { treatment, baseline, both, relation } = contributions.clusters();
    let mut warnings = Vec::new();
    if matches!(tally.spec().cluster, ClusterBy::Impression) {
        warnings.push(Warning::ImpressionsAsClusters);
    }
    for (side, clusters) in [(Side::Treatment, treatment), (Side::Baseline, baseline)] {
        if clusters < FEW_CLUSTERS {
            warnings.push(Warning::FewClusters { side, clusters });
        }
    }
    let either = treatment + baseline - both;
    if relation == Relation::Crossed && both < either {
        warnings.push(Warning::PartlyCrossed { both, either });
    }
    for side in [Side::Treatment, Side::Baseline] {
        let arm = contributions.arm(side);
        if arm.share == Some(0.0) {
            warnings.push(Warning::ZeroShare { side });
        }
        if arm.share == Some(1.0) {
            warnings.push(Warning::FullShare { side });
        }
        let clusters = contributions.without_mass(side);
        if clusters > 0 {
            warnings.push(Warning::ClustersWithoutMass { side, clusters });
        }
        if contributions.is_coarse(side) {
            warnings.push(Warning::MassResolution { side });
        }
    }
    warnings
}
