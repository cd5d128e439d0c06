//! The variance of clusters that go two ways at once, such as devices and weeks: impressions that
//! share either are alike.

use rayon::prelude::*;

use super::contribution::Contributions;
use super::delta::{self, Delta, Quantile};
use super::influence::{Influence, Variance};
use super::{Asked, Automatic, Inference, Interval, Multiplicity, Test, joint, own};
use crate::error::Error;
use crate::estimand::Unit;
use crate::estimate::{Estimate, MethodUsed, NoInterval, NoTest, Tested};
use crate::statistic::Working;
use crate::tally::TwoWay;

impl TwoWay {
    /// Answers questions, in their order.
    ///
    /// # Errors
    /// Those of [`super::estimates`]; and [`Error::Parameter`] for a method other than the delta one,
    /// for tests that are not made by it, and for a unit other than [`Unit::Pooled`].
    pub fn estimates(
        &self,
        asked: &[Asked<'_>],
        inference: impl Into<Inference>,
    ) -> Result<Vec<Estimate>, Error> {
        let watch = own::Watch::over(self.first(), asked)?;
        watch.settle(self.answers(&watch.asked(), &inference.into()))
    }

    /// The same of statistics that return nothing but numbers.
    fn answers(&self, asked: &[Asked<'_>], inference: &Inference) -> Result<Vec<Estimate>, Error> {
        inference.check(asked)?;
        let method = delta_of(inference)?;
        let test = test_of(inference)?;
        for Asked { question, statistic } in asked {
            if question.unit != Unit::Pooled {
                return Err(Error::Parameter {
                    parameter: "the unit",
                    value: format!(
                        "{:?} for {} with two-way clusters",
                        question.unit,
                        statistic.name()
                    ),
                    expected: "Unit::Pooled: other units mean another share by each cluster",
                });
            }
        }
        let interval = Interval::Delta(method);
        let mut estimates = super::estimates(self.first(), asked, interval)?;
        let second = super::estimates(self.second(), asked, interval)?;
        let ways = asked.par_iter().map(|asked| self.variance(asked));
        let ways = ways.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>, _>>()?;
        for (((estimate, second), way), asked) in
            estimates.iter_mut().zip(second).zip(ways).zip(asked)
        {
            estimate.second_clusters = Some(second.clusters);
            estimate.estimand.second_cluster = Some(self.second().spec().cluster.clone());
            let more = second.warnings.into_iter().filter(|w| !estimate.warnings.contains(w));
            estimate.warnings.extend(more.collect::<Vec<_>>());
            if let Some((at, known)) = way {
                carry(estimate, asked, at, known, &method);
                estimate.test = test.as_ref().map(|test| match test {
                    Test::Equivalence(test) => test.test(at, asked.statistic, known),
                    Test::Delta(test) => test.test(at, asked.statistic, known),
                    _ => unreachable!("refused before"),
                });
            } else if test.is_some() {
                estimate.test = Some(Tested::none(NoTest::NoStandardError));
            }
        }
        if let Some(method) = &inference.multiplicity {
            joint::adjust_by_p(&mut estimates, method)?;
        }
        Ok(estimates)
    }

    /// The working value of a statistic with its variance; `None` where it is not finite.
    fn variance(&self, asked: &Asked<'_>) -> Result<Option<Known>, Error> {
        let mut ways = Vec::with_capacity(3);
        let mut at = None;
        for tally in [self.first(), self.second(), self.pairs()] {
            let contributions = Contributions::of(tally, &asked.question, asked.statistic)?;
            let totals = contributions.totals();
            let Working::Finite(value) = asked.statistic.value(totals) else {
                return Ok(None);
            };
            at = at.or(Some(value));
            let gradient = asked.statistic.gradient(totals);
            ways.push(Influence::of(&gradient, &contributions).variance());
        }
        Ok(at.map(|at| (at, together(&ways))))
    }
}

/// A working value, with its variance or the reason why there is none.
type Known = (f64, Result<Variance, NoInterval>);

/// `V_1 + V_2 - V_12`, or the larger of the first two where that is not above 0.
fn together(ways: &[Result<Variance, NoInterval>]) -> Result<Variance, NoInterval> {
    // A way that does not vary at all adds nothing and takes nothing away.
    let part = |way: &Result<Variance, NoInterval>| match way {
        Err(NoInterval::NoVariation) => {
            Ok(Variance { variance: 0.0, degrees_of_freedom: f64::INFINITY })
        }
        known => *known,
    };
    let [first, second, pairs] = [part(&ways[0])?, part(&ways[1])?, part(&ways[2])?];
    let sum = first.variance + second.variance - pairs.variance;
    let variance = if sum > 0.0 { sum } else { first.variance.max(second.variance) };
    let degrees_of_freedom = first.degrees_of_freedom.min(second.degrees_of_freedom);
    if variance > 0.0 && degrees_of_freedom.is_finite() {
        return Ok(Variance { variance, degrees_of_freedom });
    }
    Err(NoInterval::NoVariation)
}

/// Puts another variance under an estimate.
fn carry(
    estimate: &mut Estimate,
    asked: &Asked<'_>,
    at: f64,
    known: Result<Variance, NoInterval>,
    method: &Delta,
) {
    let doubt = delta::delta(at, asked.statistic.scale(), known, method);
    estimate.interval = doubt.interval;
    estimate.method = doubt.method.map(|_| match method.quantile {
        Quantile::StudentT => MethodUsed::TwoWayStudentT,
        Quantile::Normal => MethodUsed::TwoWayNormal,
    });
    estimate.standard_error = doubt.standard_error;
    estimate.degrees_of_freedom = doubt.degrees_of_freedom;
    estimate.naive = estimate.naive.map(|naive| naive.beside(doubt.standard_error));
}

fn test_of(inference: &Inference) -> Result<Option<Test>, Error> {
    if let Some(Multiplicity::RomanoWolf(_)) = inference.multiplicity {
        return Err(Error::Parameter {
            parameter: "the method that adjusts p-values",
            value: format!("{:?} with two-way clusters", inference.multiplicity),
            expected: "one that needs p-values alone: replicates know one way of clustering",
        });
    }
    match inference.test {
        None | Some(Test::Delta(_) | Test::Equivalence(_)) => Ok(inference.test),
        Some(other) => Err(Error::Parameter {
            parameter: "the test",
            value: format!("{other:?} with two-way clusters"),
            expected: "Test::Delta or Test::Equivalence: others know one way of clustering",
        }),
    }
}

fn delta_of(inference: &Inference) -> Result<Delta, Error> {
    match inference.interval {
        Interval::Delta(method) => Ok(method),
        Interval::Automatic(Automatic { level, .. }) => Ok(Delta { level, ..Delta::default() }),
        other => Err(Error::Parameter {
            parameter: "the interval",
            value: format!("{other:?} with two-way clusters"),
            expected: "Interval::Delta or the default: other methods know one way of clustering",
        }),
    }
}
