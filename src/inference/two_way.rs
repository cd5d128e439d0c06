//! Clusters that go two ways at once, such as devices and weeks: impressions that share either are
//! alike.

use rayon::prelude::*;

use super::contribution::Contributions;
use super::delta::{self, Delta, Quantile};
use super::influence::{Influence, Variance};
use super::{Asked, Automatic, Inference, Interval, Multiplicity, Test, joint};
use crate::error::Error;
use crate::estimand::Unit;
use crate::estimate::{Estimate, MethodUsed, NoInterval, NoTest, Tested};
use crate::statistic::Working;
use crate::tally::{ClusterBy, Tally};

/// Three tallies of one log: by either cluster, and by the pairs of both.
///
/// The variance of a statistic is `V_1 + V_2 - V_12`, each from the clusters of one tally (Cameron,
/// Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136), or the larger of `V_1` and `V_2` where that
/// is not above 0. Student's t has the degrees of freedom of the way that has fewer.
///
/// Right where impressions are alike for two reasons, such as the same device and the same week,
/// and there are many clusters both ways: with few of either, intervals are too short and the
/// result carries a warning. For pooled shares and the delta method, which add up whichever way
/// clusters go; other units and methods are refused. Costs three passes of the delta method.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::inference::TwoWay;
/// use tiltmeter::tally::TallySpec;
/// use tiltmeter::{Audit, Baseline, ClusterBy, ExposureLog, MethodUsed, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("phone", &["1", "1", "2", "2", "3", "3", "4", "4"])
///     .text("week", &["a", "b", "a", "b", "a", "b", "a", "b"])
///     .text("feed", &["ranked", "ranked", "ranked", "ranked", "new", "new", "new", "new"])
///     .text("about", &["war", "war", "sport", "war", "war", "sport", "sport", "war"]);
/// let schema = LogSchema::new()
///     .viewer("phone")
///     .column("week")
///     .arm("feed")
///     .topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
/// let spec = TallySpec::default();
/// let ways = TwoWay::of(&log, &spec, ClusterBy::column("week"))?;
/// let audit = Audit::of_two_way(&ways).treatment("ranked").baseline(Baseline::arm("new"));
/// let report = audit.topics(["war"]).run()?;
/// assert_eq!(report.estimates()[0].method, Some(MethodUsed::TwoWayStudentT));
/// assert_eq!(report.estimates()[0].second_clusters.map(|weeks| weeks.both), Some(2));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TwoWay {
    first: Tally,
    second: Tally,
    pairs: Tally,
}

impl TwoWay {
    /// Tallies a log by the cluster of the spec, by a second one, and by their pairs.
    ///
    /// # Errors
    /// Those of [`Tally::of`].
    pub fn of(
        log: &crate::ExposureLog,
        spec: &crate::tally::TallySpec,
        second: ClusterBy,
    ) -> Result<Self, Error> {
        let by = |cluster| {
            let spec = crate::tally::TallySpec { cluster, ..spec.clone() };
            Tally::of(log, &spec)
        };
        let pairs = spec.cluster.clone().paired(second.clone());
        Ok(Self { first: by(spec.cluster.clone())?, second: by(second)?, pairs: by(pairs)? })
    }

    /// Puts together tallies that were made apart, such as by jobs: by one unit, by another, and by
    /// the pairs of both ([`ClusterBy::paired`]).
    ///
    /// # Errors
    /// [`Error::TwoWay`] where they are not of the same log and spec but for the cluster.
    pub fn from_tallies(first: Tally, second: Tally, pairs: Tally) -> Result<Self, Error> {
        let differ = |detail: String| Err(Error::TwoWay { detail });
        let expected = first.spec().cluster.clone().paired(second.spec().cluster.clone());
        if pairs.spec().cluster != expected {
            let found = &pairs.spec().cluster;
            return differ(format!("the third tally is by {found}, not by {expected}"));
        }
        for (name, tally) in [("second", &second), ("third", &pairs)] {
            let cluster = first.spec().cluster.clone();
            let spec = crate::tally::TallySpec { cluster, ..tally.spec().clone() };
            if spec != *first.spec() {
                return differ(format!(
                    "the {name} tally has another spec than the first: {spec:?} against {:?}",
                    first.spec()
                ));
            }
            if tally.axes() != first.axes() || tally.totals() != first.totals() {
                return differ(format!("the {name} tally has other totals than the first"));
            }
        }
        Ok(Self { first, second, pairs })
    }

    /// The tally by the first cluster.
    #[must_use]
    pub fn first(&self) -> &Tally {
        &self.first
    }

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
        let inference = inference.into();
        inference.check(asked)?;
        let method = delta_of(&inference)?;
        let test = test_of(&inference)?;
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
        let mut estimates = super::estimates(&self.first, asked, interval)?;
        let second = super::estimates(&self.second, asked, interval)?;
        let ways = asked.par_iter().map(|asked| self.variance(asked));
        let ways = ways.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>, _>>()?;
        for (((estimate, second), way), asked) in
            estimates.iter_mut().zip(second).zip(ways).zip(asked)
        {
            estimate.second_clusters = Some(second.clusters);
            estimate.estimand.second_cluster = Some(self.second.spec().cluster.clone());
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
    fn variance(
        &self,
        asked: &Asked<'_>,
    ) -> Result<Option<(f64, Result<Variance, NoInterval>)>, Error> {
        let mut ways = Vec::with_capacity(3);
        let mut at = None;
        for tally in [&self.first, &self.second, &self.pairs] {
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
    if let Some(naive) = &mut estimate.naive {
        let ratio = doubt.standard_error.map(|robust| robust / naive.standard_error);
        naive.design_effect = ratio.map(|r| r * r).filter(|effect| effect.is_finite());
    }
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
