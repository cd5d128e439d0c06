//! Doubt: intervals and standard errors, from each cluster's contribution to the totals. It
//! never sees a column of the log.

mod at_limits;
mod bootstrap;
mod contribution;
mod delta;
mod monitor;
mod naive;
mod resample;
mod summary;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::bootstrap::Replicated;
pub use self::bootstrap::{Bootstrap, BootstrapKind};
pub use self::contribution::{Contributions, Question};
pub use self::delta::{Delta, Quantile};
pub use self::monitor::{
    Lies, Look, Monitor, MonitorSpec, Null, NullState, Observed, Reading, Running, Sidedness,
    Trail, Watched,
};
use self::summary::{Shared, Summary};
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
    /// The Poisson cluster bootstrap.
    Bootstrap(Bootstrap),
}

impl Interval {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::Delta(delta) => delta.check(),
            Self::Bootstrap(bootstrap) => bootstrap.check(),
        }
    }

    const fn level(&self) -> f64 {
        match self {
            Self::Delta(delta) => delta.level,
            Self::Bootstrap(bootstrap) => bootstrap.level,
        }
    }
}

fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "level",
        value: level.to_string(),
        expected: "above 0 and below 1",
    })
}

/// A question and the statistic that answers it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'q> {
    /// What is asked.
    pub question: Question<'q>,
    /// Of what.
    pub statistic: &'q dyn Statistic,
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
/// Those of [`estimates`].
pub fn estimate(
    tally: &Tally,
    question: &Question<'_>,
    statistic: &dyn Statistic,
    interval: &Interval,
) -> Result<Estimate, Error> {
    let asked = [Asked { question: *question, statistic }];
    Ok(estimates(tally, &asked, interval)?.remove(0))
}

/// Answers questions from a tally, in their order; all of them from the same resampling where the
/// interval needs one.
///
/// # Errors
/// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`] and
/// [`Error::SameArm`] when the tally cannot answer a question; [`Error::Parameter`] for a
/// confidence level outside (0, 1) and the like.
pub fn estimates(
    tally: &Tally,
    asked: &[Asked<'_>],
    interval: &Interval,
) -> Result<Vec<Estimate>, Error> {
    interval.check()?;
    for Asked { question, statistic } in asked {
        crate::statistic::check_unit(*statistic, question.unit)?;
    }
    let (shared, replicated) = match interval {
        Interval::Delta(_) => (None, vec![None; asked.len()]),
        Interval::Bootstrap(method) => {
            let shared = Shared::of(tally, asked);
            let replicated = bootstrap::replicate(tally, asked, &shared, method)?;
            (Some(shared), replicated.into_iter().map(Some).collect())
        }
    };
    let estimates = asked
        .par_iter()
        .zip(replicated)
        .map(|(asked, replicated)| answer(tally, asked, shared.as_ref(), interval, replicated));
    // Collected first, so that the error of the first question is the one that is reported.
    estimates.collect::<Vec<_>>().into_iter().collect()
}

fn answer(
    tally: &Tally,
    &Asked { ref question, statistic }: &Asked<'_>,
    shared: Option<&Shared>,
    interval: &Interval,
    replicated: Option<Replicated>,
) -> Result<Estimate, Error> {
    // Only the delta method looks at clusters one by one.
    let quick = match shared {
        Some(shared) => shared.summary(tally, question, statistic)?,
        None => None,
    };
    let contributions = match &quick {
        Some(_) => None,
        None => Some(Contributions::of(tally, question, statistic)?),
    };
    let summary = match (&quick, &contributions) {
        (Some(summary), _) => summary,
        (None, Some(contributions)) => contributions.summary(),
        (None, None) => unreachable!("made where there is no summary"),
    };
    let totals = summary.totals();
    let working = statistic.value(totals);
    let mut warnings = warnings(tally, summary);
    let (doubt, naive) = match working {
        Working::Undefined(_) => (Doubt::none(NoInterval::UndefinedValue), None),
        Working::Above | Working::Below => {
            (at_limits::one_sided(tally, question, statistic, interval)?, None)
        }
        Working::Finite(at) => {
            let gradient = statistic.gradient(totals);
            let doubt = match (interval, &replicated, &contributions) {
                (Interval::Bootstrap(method), Some(replicated), _) => {
                    warnings.extend(replicated.warning());
                    replicated.doubt(at, statistic.scale(), summary, method)
                }
                (Interval::Delta(method), _, Some(contributions)) => {
                    delta::delta(at, &gradient, statistic.scale(), contributions, method)
                }
                _ => unreachable!("a bootstrap is replicated, and delta has contributions"),
            };
            let naive = naive::naive(at, &gradient, statistic, summary, interval.level());
            let naive = naive.map(|mut naive| {
                let ratio = doubt.standard_error.map(|robust| robust / naive.standard_error);
                naive.design_effect = ratio.map(|r| r * r).filter(|effect| effect.is_finite());
                naive
            });
            (doubt, naive)
        }
    };
    Ok(Estimate {
        estimand: question.estimand(tally, statistic),
        value: reported(working, statistic.scale()),
        interval: doubt.interval,
        method: doubt.method,
        standard_error: doubt.standard_error,
        degrees_of_freedom: doubt.degrees_of_freedom,
        naive,
        clusters: summary.clusters(),
        treatment: summary.arm(Side::Treatment),
        baseline: summary.arm(Side::Baseline),
        warnings,
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

fn warnings(tally: &Tally, summary: &Summary) -> Vec<Warning> {
    let ClusterCounts { treatment, baseline, both, relation } = summary.clusters();
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
        let arm = summary.arm(side);
        if arm.share == Some(0.0) {
            warnings.push(Warning::ZeroShare { side });
        }
        if arm.share == Some(1.0) {
            warnings.push(Warning::FullShare { side });
        }
        let clusters = summary.without_mass(side);
        if clusters > 0 {
            warnings.push(Warning::ClustersWithoutMass { side, clusters });
        }
        if let Some(relative_error) = summary.resolution(side) {
            warnings.push(Warning::MassResolution { side, relative_error });
        }
    }
    warnings
}
