//! The Cochran-Mantel-Haenszel test: do arms show the topic alike within every stratum?

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::Query;
use super::contribution::Contributions;
use super::influence::Influence;
use super::tails::above;
use crate::error::Error;
use crate::estimate::{NoTest, TestMethod, TestResult};
use crate::statistic::{MantelHaenszelDifference, NullOf, Stratum};
use crate::tally::Tally;

/// The Cochran-Mantel-Haenszel test that the topic's share is the same in both arms within every stratum
/// (Cochran 1954, doi 10.2307/3001616; Mantel and Haenszel 1959, doi 10.1093/jnci/22.4.719).
///
/// With `a` and `c` the topic's totals in treatment and baseline of a stratum, `n1` and `n0` all totals
/// and `N = n1 + n0`, it adds up over strata by how much the topic is above what equal shares would give:
///
/// `U = sum_k (a n0 - c n1) / N`,
///
/// and compares `U^2` with the variance that `U` has under the null. Strata that one arm has nothing in
/// add nothing. Arms that are spread otherwise over the strata do not make it reject, as they do tests of
/// the crude ratio. It finds amplification that goes one way in most strata; where one stratum amplifies
/// and another one dampens it may find nothing.
///
/// The null is the strata's, so p is the same whatever statistic it stands beside: one of strata, such as
/// [`MantelHaenszelRatio`](crate::statistic::MantelHaenszelRatio), or a crude one, of which it is no test
/// where the arms' composition differs. Beside statistics that compare nothing, and beside
/// [`CompositionEffect`](crate::statistic::CompositionEffect), whose null is another one, there is none.
///
/// **Clustered errors**, the default, are right for impressions of clusters: the variance of `U` is that
/// of the clusters' scores, `sum_k n0/N (a_c - p n1_c) - n1/N (c_c - p n0_c)` with `p` the stratum's share
/// over both arms, and `U^2` over it is compared with F of 1 and so many degrees of freedom as the delta
/// method's t has; a score test as for other correlated data (Donald and Donner 1987, doi
/// 10.1002/sim.4780060408; Zhang and Boos 1997, Biometrics 53, 1185-1198). Clusters that have nothing in a
/// stratum of both arms do not count as clusters. In 8,000 simulated studies with 36 clusters of 20
/// impressions in each arm, spread otherwise over three strata, and a correlation of 0.2 within clusters,
/// it rejected a true null in 5.2% (the delta method's test of the Mantel-Haenszel ratio in 5.6%). With few
/// clusters it is as rough as [`super::DeltaTest`].
///
/// **Independent errors** are the textbook's; see [`CmhErrors::Independent`].
///
/// ```
/// use tiltmeter::inference::{CmhTest, Test};
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::source::SliceSource;
/// use tiltmeter::statistic::MantelHaenszelRatio;
/// use tiltmeter::{Audit, ExposureLog, Question, TestMethod};
/// let source = SliceSource::new("eight viewers in two states")
///     .text("who", &["a", "b", "c", "d", "e", "f", "g", "h"])
///     .text("feed", &["ranked", "ranked", "ranked", "ranked", "newest", "newest", "newest", "newest"])
///     .text("state", &["NY", "NY", "GA", "GA", "NY", "NY", "GA", "GA"])
///     .text("about", &["war", "war", "war", "sport", "war", "sport", "sport", "sport"]);
/// let schema = LogSchema::new()
///     .viewer("who")
///     .arm("feed")
///     .stratum("state")
///     .topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
/// let question = Question::between("ranked", "newest");
/// let question = question.statistic(MantelHaenszelRatio).topics(["war"]);
/// let test = Test::CochranMantelHaenszel(CmhTest::default());
/// let report = Audit::of(&log, &question).test(test).run()?;
/// let test = report.estimates()[0].test.expect("it was asked for");
/// assert_eq!(test.method, Some(TestMethod::CochranMantelHaenszelClustered));
/// assert!(test.p.is_ok_and(|p| p > 0.05)); // eight viewers prove little
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CmhTest {
    /// Whether `U` is brought nearer to 0 because counts are whole numbers; only with
    /// [`CmhErrors::Independent`].
    pub correction: Continuity,
    /// What varies.
    pub errors: CmhErrors,
}

/// A correction for comparing a sum of whole numbers with a continuous distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Continuity {
    /// None.
    #[default]
    None,
    /// `|U|` is made smaller by one half, and not below 0 (Yates). Errs to the side of doubt.
    Half,
}

/// What varies from study to study ([`CmhTest`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CmhErrors {
    /// Clusters vary, of which the impressions of one are alike.
    #[default]
    Clustered,
    /// Every impression is independent and weighs 1: the textbook's hypergeometric variance
    /// `sum_k n1 n0 m (N - m) / (N^2 (N - 1))`, `m = a + c`, and the chi-square distribution with one
    /// degree of freedom. Impressions of one viewer are hardly ever independent, and it then rejects far
    /// too often: in simulations ([`CmhTest`]) in 38% of studies without any amplification.
    /// It is here to be shown beside the clustered one, and for logs with one impression for each
    /// viewer. Where masses are weighed, or the unit is not
    /// [`Unit::Pooled`](crate::Unit::Pooled), there is none ([`NoTest::NotCountsOfImpressions`]).
    Independent,
}

impl CmhTest {
    pub(super) fn check(&self) -> Result<(), Error> {
        match (self.errors, self.correction) {
            (CmhErrors::Clustered, Continuity::Half) => Err(Error::Parameter {
                parameter: "the correction of CmhTest",
                value: "Continuity::Half with clustered errors".to_owned(),
                expected: "Continuity::None: clusters do not vary by steps of one impression",
            }),
            _ => Ok(()),
        }
    }

    /// Tests that shares are the same within every stratum.
    pub(super) fn test(
        &self,
        tally: &Tally,
        Query { question, statistic }: &Query<'_>,
    ) -> Result<TestResult, Error> {
        if statistic.null_of() != NullOf::Shares {
            return Ok(TestResult::none(NoTest::NotOfAmplification));
        }
        let by_stratum = Contributions::of(tally, question, &MantelHaenszelDifference)?;
        if Stratum::compared(by_stratum.totals()).next().is_none() {
            return Ok(TestResult::none(NoTest::NoStratumInBothArms));
        }
        Ok(match self.errors {
            CmhErrors::Clustered => clustered(&by_stratum),
            CmhErrors::Independent => self.independent(&by_stratum),
        })
    }

    fn independent(&self, by_stratum: &Contributions) -> TestResult {
        let summary = by_stratum.summary();
        if !summary.of_impressions() || summary.is_weighed() {
            return TestResult::none(NoTest::NotCountsOfImpressions);
        }
        let mut variance = 0.0;
        // A stratum of one impression is of one arm, so N - 1 is not 0.
        for stratum in Stratum::compared(by_stratum.totals()) {
            let (n, topic) = (stratum.n(), stratum.a + stratum.c);
            let parts = stratum.n1 / n * (stratum.n0 / n);
            variance += parts * topic * (n - topic) / (n - 1.0);
        }
        if variance <= 0.0 {
            return TestResult::none(NoTest::NoVariation);
        }
        let (excess, used) = match self.correction {
            Continuity::None => (excess(by_stratum).abs(), TestMethod::CochranMantelHaenszel),
            Continuity::Half => (
                (excess(by_stratum).abs() - 0.5).max(0.0),
                TestMethod::CochranMantelHaenszelCorrected,
            ),
        };
        let distance = excess / variance.sqrt();
        let p = (2.0 * Normal::standard().sf(distance)).min(1.0);
        TestResult { statistic: Some(distance * distance), ..TestResult::of(p, used) }
    }
}

/// By how much the topic is above what equal shares would give, over strata.
fn excess(by_stratum: &Contributions) -> f64 {
    Stratum::compared(by_stratum.totals()).map(Stratum::excess).sum()
}

fn clustered(by_stratum: &Contributions) -> TestResult {
    let gradient: Vec<f64> =
        Stratum::all(by_stratum.totals()).flat_map(Stratum::excess_gradient).collect();
    match Influence::of(&gradient, by_stratum).variance() {
        Err(reason) => TestResult::none(reason.into()),
        Ok(known) => {
            let distance = excess(by_stratum).abs() / known.variance.sqrt();
            let degrees = known.degrees_of_freedom;
            // The square of Student's t is F of 1 and as many degrees.
            let p = (2.0 * above(distance, Some(degrees))).min(1.0);
            TestResult {
                statistic: Some(distance * distance),
                degrees_of_freedom: Some(degrees),
                ..TestResult::of(p, TestMethod::CochranMantelHaenszelClustered)
            }
        }
    }
}
