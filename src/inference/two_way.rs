//! The variance of clusters that go two ways at once, such as devices and weeks: impressions that
//! share either are alike.

use rayon::prelude::*;

use super::contribution::Contributions;
use super::delta::{self, Delta, Quantile};
use super::influence::{Influence, Variance};
use super::share_bounds::{BoundsForm, Contrast, ShareBounds};
use super::shares::Shares;
use super::testing::{self, DeltaTest, Errors};
use super::{Inference, Interval, Multiplicity, Query, Test, Uncertainty, finding, joint, own};
use crate::error::Error;
use crate::estimate::{Estimate, IntervalMethod, NoInterval, NoTest, TestResult, Warning};
use crate::question::estimand::Unit;
use crate::statistic::{Statistic, Working};
use crate::tally::TwoWay;

impl TwoWay {
    /// Answers questions, in their order.
    ///
    /// # Errors
    /// Those of [`super::estimates`]; and [`Error::Parameter`] for a method other than share bounds
    /// and the delta one, for tests that are made by neither, and for a unit other than [`Unit::Pooled`].
    pub fn estimates(
        &self,
        asked: &[Query<'_>],
        inference: impl Into<Inference>,
    ) -> Result<Vec<Estimate>, Error> {
        let watch = own::Watch::over(self.first(), asked)?;
        watch.settle(self.answers(&watch.asked(), &inference.into()))
    }

    /// The same of statistics that return nothing but numbers.
    fn answers(&self, asked: &[Query<'_>], inference: &Inference) -> Result<Vec<Estimate>, Error> {
        inference.check(asked)?;
        let method = method_of(inference)?;
        let test = test_of(inference)?;
        for Query { question, statistic } in asked {
            if question.unit != Unit::Pooled {
                return Err(Error::Parameter {
                    parameter: "the unit",
                    value: format!(
                        "{} for {} with two-way clusters",
                        question.unit,
                        statistic.name()
                    ),
                    expected: "Unit::Pooled: other units mean another share by each cluster",
                });
            }
        }
        if let Some(Query { statistic, .. }) =
            asked.iter().find(|its| its.statistic.contrasts().is_some())
        {
            return Err(Error::Parameter {
                parameter: "the statistic",
                value: format!("{} with two-way clusters", statistic.name()),
                expected: "one of a topic alone: contrasts of topics and strata know one way of clustering",
            });
        }
        let interval = inference.interval;
        let bounds = interval.share_bounds();
        let mut estimates = super::estimates(self.first(), asked, interval)?;
        let second = super::estimates(self.second(), asked, interval)?;
        let ways = asked.par_iter().map(|asked| self.ways(asked));
        let ways = ways.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut p = Vec::with_capacity(asked.len());
        for (((estimate, second), ways), asked) in
            estimates.iter_mut().zip(second).zip(ways).zip(asked)
        {
            estimate.second_clusters = Some(second.clusters);
            estimate.estimand.second_cluster = Some(self.second().spec().cluster.clone());
            self.join_warnings(estimate, second.warnings, &ways);
            let (doubt, tested) = ways.answer(asked.statistic, (method, &bounds), test.as_ref());
            carry(estimate, doubt);
            estimate.test = tested;
            p.push(ways.found(estimate, asked.statistic, &bounds));
        }
        if let Some(method) = &inference.multiplicity {
            joint::adjust_by_p(&mut estimates, method)?;
        }
        finding::among_all(&mut estimates, &p, inference)?;
        testing::tell_margins(&mut estimates, asked, inference.test.as_ref());
        Ok(estimates)
    }

    /// What a statistic's value and errors are, by either way and by pairs.
    fn ways<'s>(&self, asked: &Query<'s>) -> Result<Ways, Error> {
        let statistic: &'s dyn Statistic = asked.statistic;
        let mut variances = Vec::with_capacity(3);
        let mut shares = Vec::with_capacity(3);
        let mut first: Option<(Working, Vec<f64>)> = None;
        let mut tuned = None;
        for tally in [self.first(), self.second(), self.pairs()] {
            let contributions = Contributions::of_tuned(tally, &asked.question, statistic, tuned)?;
            tuned.get_or_insert(contributions.summary().labels());
            let totals = contributions.totals();
            let working = super::working(&asked.question, statistic, contributions.summary());
            if let Working::Finite(_) = working {
                let influence = Influence::of(&statistic.gradient(totals), &contributions)
                    .with_baseline(statistic.variance_of_baseline(totals));
                variances.push(influence.variance());
            }
            shares.push(Shares::of(statistic, &contributions));
            first.get_or_insert_with(|| (working, totals.to_vec()));
        }
        let (working, totals) = first.expect("there are three ways");
        let shares = match <[Option<Result<Shares, NoInterval>>; 3]>::try_from(shares) {
            Ok([Some(Ok(one)), Some(Ok(two)), Some(Ok(pairs))]) => {
                Some(Ok(Shares::two_way(&one, &two, &pairs)))
            }
            Ok(ways) => ways.into_iter().flatten().find(Result::is_err),
            Err(_) => None,
        };
        let (known, floored) = match working {
            Working::Finite(_) => together(&variances),
            _ => (Err(NoInterval::ShareAtLimit), false),
        };
        Ok(Ways { working, totals, known, floored, shares })
    }

    /// Warnings of either way, those about clusters with their unit.
    fn join_warnings(&self, estimate: &mut Estimate, second: Vec<Warning>, ways: &Ways) {
        let units = [self.first(), self.second()].map(|tally| tally.spec().cluster.to_string());
        let first = std::mem::take(&mut estimate.warnings);
        for (warnings, unit) in [first, second].into_iter().zip(&units) {
            for warning in warnings {
                let warning = warning.of_clusters_by(unit);
                if !estimate.warnings.contains(&warning) {
                    estimate.warnings.push(warning);
                }
            }
        }
        if ways.floored {
            estimate.warnings.push(Warning::TwoWayFloor);
        }
    }
}

/// What is known of a statistic under two-way clusters.
struct Ways {
    working: Working,
    totals: Vec<f64>,
    known: Result<Variance, NoInterval>,
    /// Whether the sum of the variances was not above 0.
    floored: bool,
    shares: Option<Result<Shares, NoInterval>>,
}

/// How an interval is made under two-way clusters.
#[derive(Clone, Copy, Debug)]
enum Method {
    ShareBounds,
    Delta(Delta),
}

impl Ways {
    fn contrast<'c>(
        &'c self,
        statistic: &'c dyn Statistic,
        form: BoundsForm,
    ) -> Option<Contrast<'c>> {
        match &self.shares {
            Some(Ok(shares)) => Some(Contrast::of(statistic, &self.totals, shares).in_form(form)),
            _ => None,
        }
    }

    /// Whether an arm's share does not vary, so that nothing can be linearised in it.
    fn is_still(&self) -> bool {
        matches!(&self.shares, Some(Ok(shares)) if shares.has_still_arm())
    }

    fn share_bounds(&self, statistic: &dyn Statistic, bounds: &ShareBounds) -> Option<Uncertainty> {
        let contrast = self.contrast(statistic, bounds.form)?;
        let doubt = bounds.of(&contrast, self.known.ok());
        Some(Uncertainty {
            method: doubt.method.map(|_| IntervalMethod::TwoWayShareBounds),
            ..doubt
        })
    }

    fn answer(
        &self,
        statistic: &dyn Statistic,
        (method, bounds): (Method, &ShareBounds),
        test: Option<&Test>,
    ) -> (Uncertainty, Option<TestResult>) {
        let (scale, level, form) = (statistic.scale(), bounds.level, bounds.form);
        let delta = match method {
            Method::ShareBounds => None,
            Method::Delta(delta) => Some(delta),
        };
        let bounds = self.share_bounds(statistic, bounds);
        let doubt = match (self.working, delta, bounds) {
            (Working::Undefined(_), ..) => Uncertainty::none(NoInterval::UndefinedValue),
            (Working::Finite(at), Some(delta), _) if !self.is_still() => {
                two_way_names(delta::delta(at, scale, self.known, &delta), &delta)
            }
            (_, _, Some(bounds)) => bounds,
            (Working::Finite(at), ..) if self.shares.is_none() => {
                let delta = Delta { level, ..delta.unwrap_or_default() };
                two_way_names(delta::delta(at, scale, self.known, &delta), &delta)
            }
            _ => Uncertainty::none(match &self.shares {
                Some(Err(reason)) => *reason,
                _ => NoInterval::ShareAtLimit,
            }),
        };
        (doubt, test.map(|test| self.tested(statistic, (test, form))))
    }

    /// Notes what may be said of an estimate alone, and gives the p-value by which it is one of several.
    fn found(
        &self,
        estimate: &mut Estimate,
        statistic: &dyn Statistic,
        bounds: &ShareBounds,
    ) -> Option<f64> {
        let null = statistic.null()?;
        let contrast = self.contrast(statistic, bounds.form);
        let nulls = contrast.as_ref().map_or([null; 2], |its| its.of_equal_shares(null));
        let held_back = |its: &Contrast<'_>| its.held_back(1.0 - bounds.level);
        estimate.warnings.extend(contrast.as_ref().and_then(held_back));
        let p = || match (&contrast, &self.shares) {
            (Some(contrast), _) => Some(finding::p_beyond(contrast, nulls)),
            (None, Some(_)) => None,
            (None, None) => {
                let test = Test::Delta(DeltaTest::default());
                self.tested(statistic, (&test, bounds.form)).p.ok()
            }
        };
        let interval = self.share_bounds(statistic, bounds).map(|doubt| doubt.interval);
        finding::note(estimate, statistic, (nulls, interval.as_ref()), p)
    }

    fn tested(&self, statistic: &dyn Statistic, (test, form): (&Test, BoundsForm)) -> TestResult {
        let contrast = self.contrast(statistic, form);
        let errors = match (test, self.working) {
            (_, Working::Undefined(_)) => return TestResult::none(NoTest::UndefinedValue),
            (Test::Delta(DeltaTest { quantile }), Working::Finite(_)) => Some(*quantile),
            (Test::Equivalence(test), Working::Finite(_)) => test.quantile,
            _ => None,
        };
        let errors = errors.filter(|_| !self.is_still());
        match (test, contrast, self.working) {
            (Test::Equivalence(test), Some(contrast), _) if errors.is_none() => {
                test.by_share_bounds(&contrast, statistic)
            }
            (Test::Equivalence(test), _, Working::Finite(at)) => {
                let by = Errors::Linearised(errors.unwrap_or_default());
                test.test(at, statistic, self.known, by)
            }
            (_, Some(contrast), _) if errors.is_none() => match statistic.null() {
                Some(null) => testing::by_share_bounds(&contrast, null),
                None => TestResult::none(NoTest::NothingCompared),
            },
            (_, _, Working::Finite(at)) => {
                let test = DeltaTest { quantile: errors.unwrap_or_default() };
                test.test(at, statistic, self.known)
            }
            _ => TestResult::none(NoTest::NoStandardError),
        }
    }
}

fn two_way_names(doubt: Uncertainty, delta: &Delta) -> Uncertainty {
    let used = match delta.quantile {
        Quantile::StudentT => IntervalMethod::TwoWayStudentT,
        Quantile::Normal => IntervalMethod::TwoWayNormal,
    };
    Uncertainty { method: doubt.method.map(|_| used), ..doubt }
}

/// `V_1 + V_2 - V_12`, or the larger of the first two where that is not above 0, and whether it was not.
fn together(ways: &[Result<Variance, NoInterval>]) -> (Result<Variance, NoInterval>, bool) {
    // A way that does not vary at all adds nothing and takes nothing away.
    let part = |way: &Result<Variance, NoInterval>| match way {
        Err(NoInterval::NoVariation) => {
            Ok(Variance { variance: 0.0, degrees_of_freedom: f64::INFINITY })
        }
        known => *known,
    };
    let (first, second, pairs) = match (part(&ways[0]), part(&ways[1]), part(&ways[2])) {
        (Ok(first), Ok(second), Ok(pairs)) => (first, second, pairs),
        (Err(reason), ..) | (_, Err(reason), _) | (.., Err(reason)) => return (Err(reason), false),
    };
    let sum = first.variance + second.variance - pairs.variance;
    let variance = if sum > 0.0 { sum } else { first.variance.max(second.variance) };
    let degrees_of_freedom = first.degrees_of_freedom.min(second.degrees_of_freedom);
    if variance > 0.0 && degrees_of_freedom.is_finite() {
        return (Ok(Variance { variance, degrees_of_freedom }), sum <= 0.0);
    }
    (Err(NoInterval::NoVariation), false)
}

/// Puts another interval under an estimate.
fn carry(estimate: &mut Estimate, doubt: Uncertainty) {
    estimate.measured = doubt.of(estimate.value);
    estimate.naive = estimate.naive.map(|naive| naive.beside(doubt.standard_error));
}

fn test_of(inference: &Inference) -> Result<Option<Test>, Error> {
    if let Some(Multiplicity::RomanoWolf(_)) = inference.multiplicity {
        return Err(Error::Parameter {
            parameter: "the method that adjusts p-values",
            value: "Romano and Wolf's, with two-way clusters".to_owned(),
            expected: "one that needs p-values alone: replicates know one way of clustering",
        });
    }
    match inference.test {
        None | Some(Test::ShareBounds | Test::Delta(_) | Test::Equivalence(_)) => {
            Ok(inference.test)
        }
        Some(other) => Err(Error::Parameter {
            parameter: "the test",
            value: format!("{} with two-way clusters", other.in_words()),
            expected: "Test::ShareBounds, Test::Delta or Test::Equivalence: others know one way of \
                       clustering",
        }),
    }
}

fn method_of(inference: &Inference) -> Result<Method, Error> {
    match inference.interval {
        Interval::ShareBounds(_) => Ok(Method::ShareBounds),
        Interval::Delta(method) => Ok(Method::Delta(method)),
        other => Err(Error::Parameter {
            parameter: "the interval",
            value: format!("{} with two-way clusters", other.in_words()),
            expected: "Interval::ShareBounds (the default) or Interval::Delta: other methods know \
                       one way of clustering",
        }),
    }
}
