//! Answers to the questions of an audit: from the tally alone, or against what is known from elsewhere.

use super::compared::{ExternalBaseline, PreparedComparison};
use crate::error::Error;
use crate::estimate::{
    ArmTotals, ConfidenceInterval, Estimate, Finding, Measured, TestResult, Value, Warning,
};
use crate::inference::{Inference, Query, Test};
use crate::question::estimand::Unit;
use crate::replay::BaselineRowKind;
use crate::statistic::{AgainstKnown, KnownBaseline};

/// Answers in the order of the questions.
pub(super) fn answers(
    compared: &PreparedComparison<'_>,
    asked: &[Query<'_>],
    by: Inference,
) -> Result<Vec<Estimate>, Error> {
    let is_of_viewers =
        compared.elsewhere.is_none() && compared.rows == BaselineRowKind::Impressions;
    for Query { question, .. } in asked.iter().filter(|_| !is_of_viewers) {
        crate::statistic::refuse_within(question.unit, "a comparison with what is no arm")?;
        if matches!(question.unit, Unit::Reach(_)) {
            return Err(Error::Parameter {
                parameter: "the unit",
                value: format!("{}, against {}", question.unit, question.baseline),
                expected: "Unit::Pooled or Unit::ClusterMean: nobody was reached by this baseline",
            });
        }
    }
    let Some(elsewhere) = &compared.elsewhere else {
        return compared.made.estimates(asked, by);
    };
    if let Some(Query { question, statistic }) = asked.iter().find(|asked| looks_further(asked)) {
        return Err(Error::Parameter {
            parameter: "the statistic",
            value: format!("{}, against {}", statistic.name(), question.baseline),
            expected: "one of the topic alone: contrasts of topics and of strata need a baseline that is an \
                       arm of the log",
        });
    }
    let of_counts = asked.iter().find(|asked| asked.statistic.is_of_counts());
    if let (ExternalBaseline::Reference(_), Some(Query { question, statistic })) =
        (elsewhere, of_counts)
    {
        return Err(Error::Parameter {
            parameter: "the statistic",
            value: format!("{}, against {}", statistic.name(), question.baseline),
            expected: "one of shares, such as amplification_ratio: a reference is a share, and has no \
                       impressions to which something could be added",
        });
    }
    let ends = elsewhere
        .factors()
        .into_iter()
        .map(|factor| against(compared, (elsewhere, factor), asked, by))
        .collect::<Result<Vec<_>, _>>()?;
    let mut ends = ends.into_iter();
    let (Some(first), second) = (ends.next(), ends.next()) else { return Ok(Vec::new()) };
    Ok(match second {
        None => first,
        Some(second) => {
            let pairs = first.into_iter().zip(second);
            pairs.map(|(a, b)| between(a, b, by.test.as_ref())).collect()
        }
    })
}

/// Whether a statistic looks at other topics, or at strata by name, of which a baseline from elsewhere says nothing.
fn looks_further(asked: &Query<'_>) -> bool {
    !asked.statistic.other_topics().is_empty() || !asked.statistic.named_strata().is_empty()
}

/// Answers against a known baseline, its shares times a factor.
fn against(
    compared: &PreparedComparison<'_>,
    (elsewhere, factor): (&ExternalBaseline, f64),
    asked: &[Query<'_>],
    by: Inference,
) -> Result<Vec<Estimate>, Error> {
    let strata = compared.made.tally().axes().strata();
    let known: Vec<KnownBaseline> = asked
        .iter()
        .map(|Query { question, .. }| {
            elsewhere.known(question.topic, (strata, question.denominator), factor)
        })
        .collect::<Result<_, _>>()?;
    let statistics: Vec<AgainstKnown<'_>> = asked
        .iter()
        .zip(&known)
        .map(|(asked, known)| AgainstKnown::new(asked.statistic, strata.len(), known.clone()))
        .collect();
    let with_known: Vec<Query<'_>> = asked
        .iter()
        .zip(&statistics)
        .map(|(asked, statistic)| Query { question: asked.question, statistic })
        .collect();
    let mut estimates = compared.made.estimates(&with_known, by)?;
    for (estimate, Query { question, .. }) in estimates.iter_mut().zip(asked) {
        // As it was stated: the bias is in the value.
        let known = elsewhere.known(question.topic, (strata, question.denominator), 1.0)?;
        let [topic, all] = known.totals;
        let share = known.share();
        estimate.baseline = ArmTotals { topic, all, share, ..ArmTotals::default() };
        let standard_error = known.standard_error;
        estimate.warnings.push(Warning::BaselineFromElsewhere { standard_error });
    }
    Ok(estimates)
}

/// One answer of two, for the least and the greatest baseline.
fn between(a: Estimate, b: Estimate, test: Option<&Test>) -> Estimate {
    let (Some(first), Some(second)) = (a.value.number(), b.value.number()) else {
        return if a.value.number().is_none() { a } else { b };
    };
    let (low, high) = (first.min(second), first.max(second));
    let interval = match (a.interval, b.interval) {
        (Ok(a), Ok(b)) => Ok(ConfidenceInterval {
            low: a.low.zip(b.low).map(|(a, b)| a.min(b)),
            high: a.high.zip(b.high).map(|(a, b)| a.max(b)),
            level: a.level,
        }),
        (Err(reason), _) | (_, Err(reason)) => Err(reason),
    };
    let finding = a.finding.zip(b.finding).map(|(a, b)| {
        let alone = a.alone.and(b.alone);
        // As sure as the less certain end is, where both lie on one side.
        let p = a.p.zip(b.p).map(|(a, b)| a.max(b)).filter(|_| alone.is_clear());
        Finding { alone, among_all: a.among_all.and(b.among_all), p, ..a }
    });
    let tested = a.test.zip(b.test).map(|(a, b)| of_both(a, b, test));
    let warnings = {
        let mut warnings = a.warnings.clone();
        warnings.extend(b.warnings.iter().filter(|warning| !a.warnings.contains(warning)).cloned());
        warnings
    };
    Estimate {
        measured: Measured {
            value: if low < high { Value::Between { low, high } } else { a.value },
            interval,
            // The two ends have one error on the working scale of ratios, and not on others.
            standard_error: a.standard_error.zip(b.standard_error).map(|(a, b)| a.max(b)),
            ..a.measured
        },
        naive: None,
        finding,
        test: tested,
        warnings,
        ..a
    }
}

/// A test against the nearest of the baselines between: no more certain than the less certain end, and
/// with nothing to say where the null lies between them.
fn of_both(a: TestResult, b: TestResult, test: Option<&Test>) -> TestResult {
    let around = match (test, a.statistic, b.statistic) {
        (Some(Test::ShareBounds | Test::Delta(_)), Some(a), Some(b)) => a * b <= 0.0,
        _ => false,
    };
    let larger = |a: f64, b: f64| if around { 1.0 } else { a.max(b) };
    let p = match (a.p, b.p) {
        (Ok(a), Ok(b)) => Ok(larger(a, b)),
        (Err(reason), _) | (_, Err(reason)) => Err(reason),
    };
    let p_adjusted = a.p_adjusted.zip(b.p_adjusted).map(|(a, b)| larger(a, b));
    let nearer = match (a.statistic, b.statistic) {
        (Some(first), Some(second)) if second.abs() < first.abs() => b,
        _ => a,
    };
    TestResult { p, p_adjusted, statistic: nearer.statistic.filter(|_| !around), ..nearer }
}
