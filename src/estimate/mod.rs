//! What an estimate carries: value or state, interval, errors, clusters, warnings. Plain data.

pub(crate) mod json;
pub(crate) mod measured;
mod of_inputs;
mod said;
mod sentence;
mod warning;
pub(crate) mod words;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::measured::Measured;
use self::measured::Uncertainty;
pub use self::said::{Said, Table};
pub(crate) use self::warning::FEW_LABELS;
pub use self::warning::Warning;
pub use crate::error::no_interval::NoInterval;
use crate::inference::Multiplicity;
use crate::question::estimand::Estimand;
pub use crate::statistic::value::{ConfidenceInterval, Value};
use crate::statistic::{Side, Undefined};

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Cluster-robust delta method with quantiles of Student's t.
    DeltaStudentT,
    /// Cluster-robust delta method with quantiles of the normal.
    DeltaNormal,
    /// Poisson cluster bootstrap, quantiles of the replicates.
    BootstrapPercentile,
    /// Poisson cluster bootstrap, quantiles mirrored at the estimate.
    BootstrapBasic,
    /// Poisson cluster bootstrap, quantiles corrected for bias and acceleration.
    BootstrapBca,
    /// Poisson cluster bootstrap, quantiles of studentised distances.
    BootstrapStudentised,
    /// Multinomial cluster bootstrap, quantiles of the replicates.
    MultinomialPercentile,
    /// Multinomial cluster bootstrap, quantiles mirrored at the estimate.
    MultinomialBasic,
    /// Multinomial cluster bootstrap, quantiles corrected for bias and acceleration.
    MultinomialBca,
    /// Multinomial cluster bootstrap, quantiles of studentised distances.
    MultinomialStudentised,
    /// Delete-one jackknife over clusters with quantiles of Student's t.
    Jackknife,
    /// Wild cluster bootstrap, studentised.
    WildBootstrap,
    /// Bands for all estimates of a statistic at once, max-|t| over Poisson bootstrap replicates.
    SimultaneousMaxT,
    /// The same with each replicate studentised by itself.
    SimultaneousStudentised,
    /// Cluster-robust delta method for two-way clusters with quantiles of Student's t.
    TwoWayStudentT,
    /// Cluster-robust delta method for two-way clusters with quantiles of the normal.
    TwoWayNormal,
    /// Bounds for each arm's share, put together
    /// ([`ShareBounds`](crate::inference::ShareBounds)).
    ShareBounds,
    /// The same for two-way clusters.
    TwoWayShareBounds,
    /// Confidence sequence: an interval that holds at every look.
    ConfidenceSequence,
}

impl fmt::Display for IntervalMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeltaStudentT => "cluster-robust delta, Student t",
            Self::DeltaNormal => "cluster-robust delta, normal",
            Self::BootstrapPercentile => "Poisson cluster bootstrap, percentile",
            Self::BootstrapBasic => "Poisson cluster bootstrap, basic",
            Self::BootstrapBca => "Poisson cluster bootstrap, BCa",
            Self::BootstrapStudentised => "Poisson cluster bootstrap, studentised",
            Self::MultinomialPercentile => "multinomial cluster bootstrap, percentile",
            Self::MultinomialBasic => "multinomial cluster bootstrap, basic",
            Self::MultinomialBca => "multinomial cluster bootstrap, BCa",
            Self::MultinomialStudentised => "multinomial cluster bootstrap, studentised",
            Self::Jackknife => "delete-one jackknife over clusters, Student t",
            Self::WildBootstrap => "wild cluster bootstrap",
            Self::SimultaneousMaxT => "simultaneous bands, max-|t| over bootstrap replicates",
            Self::SimultaneousStudentised => {
                "simultaneous bands, max-|t| over studentised bootstrap replicates"
            }
            Self::TwoWayStudentT => "cluster-robust delta, two-way clusters, Student t",
            Self::TwoWayNormal => "cluster-robust delta, two-way clusters, normal",
            Self::ShareBounds => "bounds of each arm's share over clusters, put together",
            Self::TwoWayShareBounds => {
                "bounds of each arm's share over two-way clusters, put together"
            }
            Self::ConfidenceSequence => "confidence sequence, which holds at every look",
        })
    }
}

/// The outcome of a test.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::TestMethod;
/// use tiltmeter::inference::{DeltaTest, Multiplicity, Test};
/// let test = Test::Delta(DeltaTest::default());
/// let report = Audit::of(&log, &question).test(test).multiplicity(Multiplicity::Holm).run()?;
/// let test = report.estimates()[0].test.expect("it was asked for");
/// assert_eq!(test.method, Some(TestMethod::DeltaStudentT));
/// assert!(test.p_adjusted >= test.p.ok());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// The p-value, in [0, 1], or the reason why there is none.
    pub p: Result<f64, NoTest>,
    /// The p-value with the other tests of the same statistic taken into account; `None` where that
    /// was not asked for, or there is no p-value.
    pub p_adjusted: Option<f64>,
    /// How it was adjusted.
    pub adjusted_by: Option<Multiplicity>,
    /// How the p-value came about; `None` where there is none.
    pub method: Option<TestMethod>,
    /// The margin of an equivalence test, on the reported scale, from its low end to its high one; `None`
    /// for other tests, and where there is no p-value.
    pub margin: Option<(f64, f64)>,
    /// What was compared with its distribution: a distance in standard errors, the square of one for
    /// Cochran's, Mantel's and Haenszel's test, or for permutations what they compare; `None` where there
    /// is no finite one.
    pub statistic: Option<f64>,
    /// Degrees of freedom of Student's t, or of the denominator of F; `None` for other distributions.
    pub degrees_of_freedom: Option<f64>,
}

impl TestResult {
    pub(crate) fn of(p: f64, method: TestMethod) -> Self {
        Self {
            p: Ok(p),
            p_adjusted: None,
            adjusted_by: None,
            method: Some(method),
            margin: None,
            statistic: None,
            degrees_of_freedom: None,
        }
    }

    pub(crate) fn none(reason: NoTest) -> Self {
        Self {
            p: Err(reason),
            p_adjusted: None,
            adjusted_by: None,
            method: None,
            margin: None,
            statistic: None,
            degrees_of_freedom: None,
        }
    }
}

/// Why a test gives no p-value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoTest {
    /// There is no value.
    UndefinedValue,
    /// The value is infinite or that of no exposure, which has no standard error.
    NoStandardError,
    /// An arm has a single cluster, so nothing shows how clusters vary.
    SingleCluster,
    /// Clusters do not vary at all.
    NoVariation,
    /// The statistic compares nothing, so there is no null to test.
    NothingCompared,
    /// The test is of two arms' shares, and the statistic is not a function of those alone.
    NotOfTwoShares,
    /// The test compares the clusters of two arms, and the baseline is no arm of the log but a number
    /// from elsewhere.
    BaselineFromElsewhere,
    /// Clusters are to change arms, and the statistic needs a total of one arm that it does not
    /// need of the other.
    UnpairedTotals,
    /// Every block has clusters of one arm only, so none could have been assigned otherwise.
    NothingToPermute,
    /// The test takes impressions for independent ones that weigh 1, and totals are not counts of such:
    /// impressions are weighed, or the unit is another than
    /// [`Unit::Pooled`](crate::Unit::Pooled).
    NotCountsOfImpressions,
    /// No stratum has mass in both arms, so that nothing can be compared within one.
    NoStratumInBothArms,
    /// The test is of amplification, and the statistic's null says something else.
    NotOfAmplification,
    /// Fewer than two strata have a finite value whose clusters vary.
    FewStrata,
    /// There are too few clusters for so many strata.
    FewClusters,
}

impl From<NoInterval> for NoTest {
    fn from(reason: NoInterval) -> Self {
        match reason {
            NoInterval::UndefinedValue => Self::UndefinedValue,
            NoInterval::SingleCluster => Self::SingleCluster,
            NoInterval::NoVariation | NoInterval::ReplicatesOnOneSide => Self::NoVariation,
            NoInterval::ShareAtLimit
            | NoInterval::LeavingOneOut
            | NoInterval::BeyondNumbers
            | NoInterval::ReplicatesWithoutValue
            | NoInterval::TooEarly
            | NoInterval::ThinTopic { .. } => Self::NoStandardError,
        }
    }
}

impl fmt::Display for NoTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UndefinedValue => "no value",
            Self::NoStandardError => "no standard error",
            Self::SingleCluster => "a single cluster in an arm",
            Self::NoVariation => "clusters do not vary",
            Self::NothingCompared => "the statistic compares nothing",
            Self::NotOfTwoShares => "not a function of two shares",
            Self::BaselineFromElsewhere => "the baseline is no arm of the log",
            Self::UnpairedTotals => "not the same totals of both arms",
            Self::NothingToPermute => "no block has clusters of both arms",
            Self::NotCountsOfImpressions => "not counts of impressions",
            Self::NoStratumInBothArms => "no stratum in both arms",
            Self::NotOfAmplification => "not of amplification",
            Self::FewStrata => "fewer than two strata have a value that clusters vary",
            Self::FewClusters => "too few clusters for so many strata",
        })
    }
}

/// How a p-value came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TestMethod {
    /// Distance from the null in cluster-robust standard errors, Student's t.
    DeltaStudentT,
    /// Distance from the null in cluster-robust standard errors, normal.
    DeltaNormal,
    /// Wild cluster bootstrap with the null imposed.
    WildBootstrap,
    /// The same over all combinations of signs.
    WildBootstrapExhaustive,
    /// Permutation of clusters over arms: all assignments.
    PermutationExact,
    /// Permutation of clusters over arms: assignments drawn at random.
    Permutation,
    /// Cochran-Mantel-Haenszel test of independent impressions, chi-square.
    CochranMantelHaenszel,
    /// The same with a correction for continuity.
    CochranMantelHaenszelCorrected,
    /// Cochran-Mantel-Haenszel test with the variance of clusters, F.
    CochranMantelHaenszelClustered,
    /// Whether the value is the same in all strata, by the jackknife, F.
    EqualStrata,
    /// The level at which share bounds would just leave the null out.
    ShareBounds,
    /// Distance from the null in jackknife standard errors, Student's t.
    JackknifeStudentT,
    /// Two one-sided tests by share bounds.
    EquivalenceShareBounds,
    /// Two one-sided tests with jackknife standard errors, Student's t.
    EquivalenceJackknife,
    /// Two one-sided tests with Student's t.
    EquivalenceStudentT,
    /// Two one-sided tests with the normal.
    EquivalenceNormal,
}

impl fmt::Display for TestMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeltaStudentT => "cluster-robust t test of no amplification",
            Self::DeltaNormal => "cluster-robust z test of no amplification",
            Self::WildBootstrap => "wild cluster bootstrap test of equal shares",
            Self::WildBootstrapExhaustive => {
                "wild cluster bootstrap test of equal shares, over all signs"
            }
            Self::PermutationExact => "permutation test over clusters, over all assignments",
            Self::Permutation => "permutation test over clusters",
            Self::CochranMantelHaenszel => {
                "Cochran-Mantel-Haenszel test of equal shares within strata, impressions taken for \
                 independent"
            }
            Self::CochranMantelHaenszelCorrected => {
                "Cochran-Mantel-Haenszel test of equal shares within strata, impressions taken for \
                 independent, corrected for continuity"
            }
            Self::CochranMantelHaenszelClustered => {
                "cluster-robust Cochran-Mantel-Haenszel test of equal shares within strata"
            }
            Self::EqualStrata => "cluster-robust F test that the value is the same in all strata",
            Self::ShareBounds => "test of no amplification by share bounds",
            Self::JackknifeStudentT => "jackknife t test of no amplification",
            Self::EquivalenceShareBounds => "equivalence test by share bounds",
            Self::EquivalenceJackknife => "equivalence test, two one-sided jackknife t tests",
            Self::EquivalenceStudentT => "equivalence test, two one-sided t tests",
            Self::EquivalenceNormal => "equivalence test, two one-sided z tests",
        })
    }
}

/// How the clusters of the two arms relate; found from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// No cluster has impressions in both arms.
    Nested,
    /// Some clusters have impressions in both arms, others in one.
    PartlyCrossed,
    /// Every cluster has impressions in both arms.
    Crossed,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nested => "nested in the arms",
            Self::PartlyCrossed => "partly crossed with the arms",
            Self::Crossed => "crossed with the arms",
        })
    }
}

/// How many clusters there are, and how they relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCounts {
    /// Clusters with impressions in the treatment.
    pub treatment: u64,
    /// Clusters with impressions in the baseline.
    pub baseline: u64,
    /// Clusters with impressions in both.
    pub both: u64,
    /// How the arms share them.
    pub relation: Relation,
}

impl ClusterCounts {
    /// From how many clusters there are in either arm, and in both.
    pub(crate) fn new(treatment: u64, baseline: u64, both: u64) -> Self {
        let relation = match both {
            0 => Relation::Nested,
            both if both == treatment && both == baseline => Relation::Crossed,
            _ => Relation::PartlyCrossed,
        };
        Self { treatment, baseline, both, relation }
    }
}

/// What labels by hand said of an arm, where they correct others. Parts and agreement are of what the labelled rows
/// stand for by their inclusion probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmLabels {
    /// Impressions that were labelled by hand.
    pub rows: u64,
    /// Of these, with the topic.
    pub with_topic: u64,
    /// What part of the arm's mass they stand for by their inclusion probabilities: near 1 where these are right.
    pub stands_for: f64,
    /// The topic's share as it was predicted; `None` where the arm has no mass.
    pub predicted: Option<f64>,
    /// What part of what has the topic by hand is predicted to; `None` where nothing has.
    pub sensitivity: Option<f64>,
    /// What part of what does not have it by hand is predicted not to; `None` where all has it.
    pub specificity: Option<f64>,
    /// Cohen's kappa of hands and predictions (Cohen 1960, doi 10.1177/001316446002000104); `None` where both say the
    /// same of everything.
    pub kappa: Option<f64>,
    /// Krippendorff's alpha of both, for two values without an order (Hayes and Krippendorff 2007, doi
    /// 10.1080/19312450709336664); `None` where both say the same of everything.
    pub alpha: Option<f64>,
    /// How much predictions count, from 0 to 1; `None` where the correction is by how often they are right, or there is
    /// no corrected share.
    pub lambda: Option<f64>,
}

/// What labels by hand said of both arms, where they correct others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// Of the treatment.
    pub treatment: Option<ArmLabels>,
    /// Of the baseline, where that is an arm and the statistic looks at it.
    pub baseline: Option<ArmLabels>,
}

impl Labels {
    /// By arm; `None` where nothing was corrected.
    pub(crate) fn of([treatment, baseline]: [Option<ArmLabels>; 2]) -> Option<Self> {
        (treatment.is_some() || baseline.is_some()).then_some(Self { treatment, baseline })
    }
}

/// On which side of the value that stands for no amplification an interval lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideOfNull {
    /// All of it above: more than in the baseline.
    Above,
    /// All of it below: less.
    Below,
    /// It includes no amplification.
    Includes,
    /// There is no interval.
    NoInterval,
}

impl SideOfNull {
    /// Of an interval and a null, both on the reported scale.
    pub(crate) fn of(interval: &Result<ConfidenceInterval, NoInterval>, null: f64) -> Self {
        match interval {
            Err(_) => Self::NoInterval,
            Ok(interval) if interval.low.is_some_and(|low| low > null) => Self::Above,
            Ok(interval) if interval.high.is_some_and(|high| high < null) => Self::Below,
            Ok(_) => Self::Includes,
        }
    }

    /// Whether it is one of the two sides.
    #[must_use]
    pub const fn is_clear(self) -> bool {
        matches!(self, Self::Above | Self::Below)
    }

    /// What both say: no side unless they agree.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::NoInterval, _) | (_, Self::NoInterval) => Self::NoInterval,
            _ => Self::Includes,
        }
    }
}

/// What may be said of an estimate: alone, and as one of several that were asked about.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::SideOfNull;
/// let report = Audit::of(&log, &question).run()?;
/// let finding = report.estimates()[0].finding.expect("a ratio compares");
/// assert_eq!(finding.alone, SideOfNull::Includes); // eight viewers prove little
/// assert_eq!(finding.of, report.estimates().len());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The side on which the estimate's interval lies. Where few clusters, few that show the topic, or a few
    /// that hold most of an arm would make another interval too short, only if
    /// [`ShareBounds`](crate::inference::ShareBounds) of the same level lie there too; a statistic that keeps
    /// strata apart has none, and goes by its interval alone.
    pub alone: SideOfNull,
    /// The same with all topics and groups of the statistic taken into account: the chance that any of these is on a
    /// wrong side is at most 1 less the level (the adjustment asked for, if one was; else Holm's; bands for all
    /// topics need none).
    pub among_all: SideOfNull,
    /// The adjustment; `None` where the interval is a band for all topics at once.
    pub adjusted_by: Option<Multiplicity>,
    /// How many estimates of the statistic there are.
    pub of: usize,
    /// The p-value by which it is held among all where no test was asked for; only of one that is a finding
    /// alone.
    pub(crate) p: Option<f64>,
}

/// What one arm showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmTotals {
    /// Impressions in the denominator.
    pub impressions: u64,
    /// Impressions of the topic.
    pub topic_impressions: u64,
    /// The topic's total in the unit of the estimand: mass if pooled, sum of shares for cluster
    /// means, clusters reached for reach.
    pub topic: f64,
    /// The overall total in the same unit: mass, or number of clusters.
    pub all: f64,
    /// The topic's share, `topic / all`; `None` where `all` is 0.
    pub share: Option<f64>,
}

/// The error one would report if every impression were independent of all others. What is stated for a
/// baseline measured elsewhere is in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Naive {
    /// Standard error on the working scale of the statistic (of the logarithm, for ratios).
    pub standard_error: f64,
    /// The interval it would give, with the normal quantile, on the reported scale.
    pub interval: ConfidenceInterval,
    /// The square of the robust standard error over the naive one: how many times fewer
    /// independent impressions the log is worth; `None` without a robust standard error.
    pub design_effect: Option<f64>,
}

impl Naive {
    /// With the design effect that a robust standard error shows.
    pub(crate) fn beside(self, robust: Option<f64>) -> Self {
        let ratio = robust.map(|robust| robust / self.standard_error);
        let design_effect = ratio.map(|r| r * r).filter(|effect| effect.is_finite());
        Self { design_effect, ..self }
    }
}

impl Estimate {
    /// No answer, and why.
    pub(crate) fn refuse(&mut self, reason: Undefined) {
        self.measured = Uncertainty::none(NoInterval::UndefinedValue).of(Value::Undefined(reason));
        self.naive = None;
        self.finding = self.finding.map(|finding| Finding {
            alone: SideOfNull::NoInterval,
            among_all: SideOfNull::NoInterval,
            p: None,
            ..finding
        });
        self.test = self.test.map(|_| TestResult::none(NoTest::UndefinedValue));
        self.baseline.share = None;
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Treatment => "treatment",
            Self::Baseline => "baseline",
        })
    }
}

/// An estimate, with all that is needed to judge it.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// let report = Audit::of(&log, &question.topics(["war"])).run()?;
/// let estimate = &report.estimates()[0];
/// assert_eq!(estimate.value.number(), Some((4.0 / 9.0) / (2.0 / 11.0)));
/// let interval = estimate.interval.expect("both arms show the topic");
/// assert!(interval.low < Some(1.0) && interval.high > Some(1.0)); // eight viewers prove little
/// assert_eq!(estimate.warnings.len(), 2); // few clusters, in either arm
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Estimate {
    /// What was estimated.
    pub estimand: Estimand,
    /// The value and how sure one may be of it.
    pub measured: Measured,
    /// The error if impressions were independent; `None` where the unit is not impressions, or
    /// the statistic has no finite value.
    pub naive: Option<Naive>,
    /// The clusters.
    pub clusters: ClusterCounts,
    /// What the treatment showed.
    pub treatment: ArmTotals,
    /// What the baseline showed.
    pub baseline: ArmTotals,
    /// The clusters of the second way, where clusters go two ways.
    pub second_clusters: Option<ClusterCounts>,
    /// What labels by hand said, where they correct others.
    pub labels: Option<Labels>,
    /// On which side of no amplification the value lies, as far as that is sure; `None` for a statistic
    /// that compares nothing.
    pub finding: Option<Finding>,
    /// The test, if one was asked for.
    pub test: Option<TestResult>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

measured::is_measured!(Estimate);
