//! How a test is asked for: one enum of plain structs; and the tests that the delta method makes.

use serde::{Deserialize, Serialize};

use super::Query;
use super::cmh::CmhTest;
use super::delta::Quantile;
use super::influence::Variance;
use super::permutation::Permutation;
use super::share_bounds::Contrast;
use super::tails::above;
use super::wild::WildTest;
use crate::error::Error;
use crate::estimate::{Estimate, NoInterval, NoTest, TestMethod, TestResult, Warning};
use crate::format::word::said_by_words;
use crate::statistic::Statistic;

/// How a hypothesis is tested. All but [`Test::Equivalence`] and [`Test::EqualStrata`] test that there is no amplification: a
/// ratio of 1, a difference of 0 ([`crate::statistic::Statistic::null`]).
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::Test;
/// let report = Audit::of(&log, &question.topics(["war"])).test(Test::ShareBounds).run()?;
/// let test = report.estimates()[0].test.expect("it was asked for");
/// assert!(test.p.is_ok_and(|p| p > 0.05)); // eight viewers prove little
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// The level at which the interval of share bounds ([`ShareBounds`](super::ShareBounds)) would just leave
    /// the null out: below 5% exactly where the 95% interval does. For statistics that keep strata apart, the distance from
    /// the null in jackknife standard errors. Right wherever the interval is.
    ShareBounds,
    /// The estimate's distance from the null, in standard errors of the delta method.
    Delta(DeltaTest),
    /// The wild cluster bootstrap with the null imposed, for few clusters.
    WildBootstrap(WildTest),
    /// The statistic had chance given the clusters to the arms otherwise: exact for any number of
    /// clusters that were assigned at random.
    Permutation(Permutation),
    /// Whether arms are alike within every stratum, whatever their composition.
    CochranMantelHaenszel(CmhTest),
    /// Whether the value is the same in all strata, whatever it is: a ratio of 2 in every country is no finding
    /// of it. See [`crate::guide::choosing_an_interval`].
    ///
    /// Hotelling's statistic of all differences between strata, with the jackknife's variances and the
    /// covariances of the clusters that strata share (as weeks share viewers), compared with F whose degrees of
    /// freedom know how well each variance is known (the approximate Hotelling test of Tipton and Pustejovsky
    /// 2015, doi 10.3102/1076998615606099, cited from memory; of two strata it is Welch's t squared). Strata
    /// without a finite value, or whose clusters do not vary, are left out and counted
    /// ([`Warning::StrataLeftOut`]). Of statistics that contrast two shares; the tally must keep strata apart.
    EqualStrata,
    /// Two one-sided tests: is the amplification within a margin?
    Equivalence(Equivalence),
}

said_by_words!(Test);

impl Test {
    /// Its kind, for messages.
    pub(super) const fn in_words(&self) -> &'static str {
        match self {
            Self::ShareBounds => "a test by share bounds",
            Self::Delta(_) => "a test by the delta method",
            Self::WildBootstrap(_) => "the wild bootstrap's test",
            Self::Permutation(_) => "a permutation test",
            Self::CochranMantelHaenszel(_) => "the test of Cochran, Mantel and Haenszel",
            Self::EqualStrata => "a test that strata are equal",
            Self::Equivalence(_) => "an equivalence test",
        }
    }

    pub(super) fn check<'s>(
        &self,
        mut statistics: impl Iterator<Item = &'s dyn Statistic>,
    ) -> Result<(), Error> {
        match self {
            Self::ShareBounds | Self::Delta(_) | Self::EqualStrata => Ok(()),
            Self::WildBootstrap(test) => test.check(),
            Self::Permutation(test) => test.check(),
            Self::CochranMantelHaenszel(test) => test.check(),
            Self::Equivalence(test) => statistics.try_for_each(|statistic| test.check(statistic)),
        }
    }
}

/// The distance of an estimate from the null in cluster-robust standard errors, two-sided.
///
/// Right where the delta method's interval is, and says the same: p is below 5% where the 95%
/// interval of [`Delta`](super::Delta) leaves the null out. With few clusters it rejects too often; take
/// [`Test::ShareBounds`], [`Test::Permutation`] or [`Test::WildBootstrap`] then. Where an arm's share
/// does not vary, as at 0 and 1, a contrast of two shares is tested by share bounds. Costs one pass over
/// the clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DeltaTest {
    /// The distribution of that distance.
    pub quantile: Quantile,
}

/// A test of equivalence by two one-sided tests (Schuirmann 1987, doi 10.1007/bf01068419): whether
/// the statistic lies within a margin that was declared beforehand, for a claim of "no
/// amplification" that is more than a large p-value.
///
/// p is the larger of those of two one-sided tests, that the value lies below `low` and that it
/// lies above `high`. It is below 5% where the 90% interval lies within the margin: that of
/// [`ShareBounds`](super::ShareBounds), or where a quantile is said that of [`Delta`](super::Delta). The
/// margin is on the reported scale: 0.9 to 1.1 for a ratio, -0.01 to 0.01 for a difference of shares.
/// Right where that interval is. A margin beside no amplification (1.1 to 1.5) is a claim of another kind,
/// that it has such a size, and is warned of. Without a margin said it is a ratio's, and refused for statistics
/// of which no amplification is not 1.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::{Equivalence, Test};
/// let margin = Equivalence { low: 0.8, high: 1.25, ..Equivalence::default() };
/// let report = Audit::of(&log, &question.topics(["war"])).test(Test::Equivalence(margin)).run()?;
/// let test = report.estimates()[0].test.expect("it was asked for");
/// assert!(test.p.is_ok_and(|p| p > 0.5)); // 2.4 is no evidence for equivalence
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Equivalence {
    /// The least value that counts as the same, on the reported scale.
    pub low: f64,
    /// The greatest value that counts as the same, on the reported scale.
    pub high: f64,
    /// For the delta method, the distribution of the distance from either; nothing for share bounds.
    pub quantile: Option<Quantile>,
}

impl Default for Equivalence {
    /// A ratio from 0.8 to 1.25, as for the bioequivalence of drugs, by share bounds.
    fn default() -> Self {
        Self { low: 0.8, high: 1.25, quantile: None }
    }
}

impl DeltaTest {
    pub(super) fn test(
        &self,
        at: f64,
        statistic: &dyn Statistic,
        known: Result<Variance, NoInterval>,
    ) -> TestResult {
        let Some(null) = statistic.null() else {
            return TestResult::none(NoTest::NothingCompared);
        };
        match distance(at - null, known, self.quantile) {
            Err(reason) => TestResult::none(reason),
            Ok(Distance { errors, degrees }) => TestResult {
                statistic: Some(errors),
                degrees_of_freedom: degrees,
                ..TestResult::of((2.0 * above(errors.abs(), degrees)).min(1.0), used(self.quantile))
            },
        }
    }
}

/// Warns of margins that leave no amplification out: what lies within them is amplified.
pub(super) fn tell_margins(estimates: &mut [Estimate], asked: &[Query<'_>], test: Option<&Test>) {
    let Some(Test::Equivalence(margin)) = test else { return };
    for (estimate, asked) in estimates.iter_mut().zip(asked) {
        if let Some(null) = margin.null_beside(asked.statistic) {
            let Equivalence { low, high, .. } = *margin;
            estimate.warnings.push(Warning::MarginBesideNull { low, high, null });
        }
    }
}

/// Where standard errors come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errors {
    /// From the delta method, with a quantile of this distribution.
    Linearised(Quantile),
    /// From leaving clusters out.
    Jackknife,
}

/// The test of no amplification by share bounds.
pub(super) fn by_share_bounds(contrast: &Contrast<'_>, null: f64) -> TestResult {
    let errors = contrast.distance(null);
    let p = (2.0 * above(errors.abs(), None)).min(1.0);
    TestResult { statistic: Some(errors), ..TestResult::of(p, TestMethod::ShareBounds) }
}

/// The same by the jackknife, for statistics that are no contrast of shares.
pub(super) fn by_jackknife(
    at: f64,
    statistic: &dyn Statistic,
    known: Result<Variance, NoInterval>,
) -> TestResult {
    let tested = DeltaTest { quantile: Quantile::StudentT }.test(at, statistic, known);
    TestResult { method: tested.method.map(|_| TestMethod::JackknifeStudentT), ..tested }
}

impl Equivalence {
    fn ends(&self, statistic: &dyn Statistic) -> [f64; 2] {
        [self.low, self.high].map(|end| statistic.scale().working(end))
    }

    /// By share bounds.
    pub(super) fn by_share_bounds(
        &self,
        contrast: &Contrast<'_>,
        statistic: &dyn Statistic,
    ) -> TestResult {
        let [low, high] = self.ends(statistic).map(|end| contrast.distance(end));
        let p = [above(low, None), above(-high, None)];
        let less = if p[0] >= p[1] { low } else { high };
        self.within(TestResult {
            statistic: Some(less),
            ..TestResult::of(p[0].max(p[1]), TestMethod::EquivalenceShareBounds)
        })
    }

    fn check(&self, statistic: &dyn Statistic) -> Result<(), Error> {
        let scale = statistic.scale();
        let refuse = |expected| {
            let value = format!("{} to {} for {}", self.low, self.high, statistic.name());
            Err(Error::Parameter { parameter: "the margin of Equivalence", value, expected })
        };
        let unsaid = Self { quantile: self.quantile, ..Self::default() };
        if *self == unsaid && self.null_beside(statistic).is_some() {
            return refuse(
                "said on the statistic's own scale: without a margin it is that of a ratio, 0.8 to \
                 1.25, which has nothing to do with this one",
            );
        }
        let inside = |end: f64| {
            let (low, high) = scale.limits();
            end.is_finite() && end > low && end < high
        };
        if self.low < self.high && inside(self.low) && inside(self.high) {
            return Ok(());
        }
        refuse(
            "a low end below the high one, both inside the range of the statistic (above 0 for a ratio, \
             above -100 for percent, from 0 to 1 for a share)",
        )
    }

    /// What stands for no amplification on the reported scale, if it is not in the margin.
    fn null_beside(&self, statistic: &dyn Statistic) -> Option<f64> {
        let null = statistic.scale().reported(statistic.null()?);
        (!(self.low..=self.high).contains(&null)).then_some(null)
    }

    /// What it was for, beside what it found.
    fn within(&self, tested: TestResult) -> TestResult {
        TestResult { margin: Some((self.low, self.high)), ..tested }
    }

    pub(super) fn test(
        &self,
        at: f64,
        statistic: &dyn Statistic,
        known: Result<Variance, NoInterval>,
        by: Errors,
    ) -> TestResult {
        let ends = self.ends(statistic);
        let quantile = match by {
            Errors::Linearised(quantile) => quantile,
            Errors::Jackknife => Quantile::StudentT,
        };
        let from = ends.map(|end| distance(at - end, known, quantile));
        let (low, high) = match from {
            [Ok(low), Ok(high)] => (low, high),
            [Err(reason), _] | [_, Err(reason)] => return TestResult::none(reason),
        };
        let p = [above(low.errors, low.degrees), above(-high.errors, high.degrees)];
        // The statistic is that of the test that finds less.
        let less = if p[0] >= p[1] { low.errors } else { high.errors };
        let used = match by {
            Errors::Jackknife => TestMethod::EquivalenceJackknife,
            Errors::Linearised(Quantile::StudentT) => TestMethod::EquivalenceStudentT,
            Errors::Linearised(Quantile::Normal) => TestMethod::EquivalenceNormal,
        };
        self.within(TestResult {
            statistic: Some(less),
            degrees_of_freedom: low.degrees,
            ..TestResult::of(p[0].max(p[1]), used)
        })
    }
}

/// How far an estimate is from a value, in its standard errors.
#[derive(Clone, Copy)]
struct Distance {
    errors: f64,
    /// Those of Student's t; `None` for the normal.
    degrees: Option<f64>,
}

fn distance(
    off: f64,
    known: Result<Variance, NoInterval>,
    quantile: Quantile,
) -> Result<Distance, NoTest> {
    let known = known.map_err(NoTest::from)?;
    let degrees = match quantile {
        Quantile::StudentT => Some(known.degrees_of_freedom),
        Quantile::Normal => None,
    };
    Ok(Distance { errors: off / known.variance.sqrt(), degrees })
}

fn used(quantile: Quantile) -> TestMethod {
    match quantile {
        Quantile::StudentT => TestMethod::DeltaStudentT,
        Quantile::Normal => TestMethod::DeltaNormal,
    }
}
