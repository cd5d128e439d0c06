//! Uncertainty: intervals and standard errors, from each cluster's contribution to the totals. It
//! never sees a column of the log.

mod arms;
mod assignment;
mod beta;
mod bootstrap;
mod caution;
mod change;
mod cmh;
mod coins;
mod contribution;
mod delta;
mod design;
mod equal_strata;
mod finding;
mod influence;
mod interval;
mod jackknife;
mod joint;
mod label_plan;
mod labels;
mod lanes;
mod monitor;
mod multiplicity;
mod naive;
mod own;
mod permutation;
mod question;
mod resample;
mod reweigh;
mod share_bounds;
mod shares;
mod simultaneous;
mod summary;
mod sums;
mod tails;
mod testing;
mod topic_sets;
mod two_way;
mod wild;
mod windowed;
mod within;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub(crate) use self::assignment::Design as Assignments;
use self::bootstrap::Replicated;
pub use self::bootstrap::{Bootstrap, BootstrapKind, BootstrapWeights, replicates};
pub use self::caution::Caution;
pub use self::change::{
    Alarm, BREAKS_SCHEMA, BREAKS_VERSION, BlockBootstrap, BlockLength, Break, BreakDate, BreakSpec,
    Breaks, BreaksReport, ChangeMonitor, ChangeReading, ChangeSpec, ChangeState, ChartReading,
    ControlChart, CusumPeak, Episode, InControl, InControlValues, Moved, Penalty, SeriesBreaks,
    Shift, TopicBreaks, Windowed, breaks_of, cusum, pelt,
};
pub use self::cmh::{CmhErrors, CmhTest, Continuity};
pub use self::contribution::Contributions;
use self::contribution::check_totals;
pub use self::delta::{Delta, Quantile};
pub use self::design::{Detectable, PerArm, Pilot, PilotArm, SampleSizePlan, VariancePart};
use self::influence::Influence;
pub use self::interval::Interval;
pub use self::jackknife::Jackknife;
use self::joint::Answer;
pub(crate) use self::joint::{check_for_groups, settle_groups};
pub use self::label_plan::{LabelPilot, LabelPlan, LabelSplit, LabelledArm, LabelledPart};
pub use self::monitor::{
    Look, Monitor, MonitorSpec, MonitoredQuestion, Null, NullState, Observed, Reading,
    RunningIntersection, Sidedness, Trail,
};
pub use self::permutation::{Blocks, Compare, Permutation};
pub use self::question::TopicQuestion;
use self::share_bounds::Contrast;
pub use self::share_bounds::{BoundsForm, ShareBounds};
use self::shares::Shares;
pub use self::simultaneous::Simultaneous;
use self::summary::Summary;
pub(crate) use self::sums::{ClusterSums, OfSums, naive_of_sums};
use self::testing::Errors;
pub use self::testing::{DeltaTest, Equivalence, Test};
pub(crate) use self::topic_sets::TopicSets;
pub use self::wild::{WildBootstrap, WildTest, WildWeights};
pub(crate) use self::windowed::{Share, share_in_window};
use crate::error::Error;
pub(crate) use crate::estimate::measured::Uncertainty;
use crate::estimate::{
    ClusterCounts, ConfidenceInterval, Estimate, Labels, NoInterval, NoTest, Relation, TestResult,
    Value, Warning,
};
use crate::log::ClusterKey;
use crate::question::estimand::Unit;
pub use crate::question::multiplicity::{Multiplicity, ReplicateErrors, RomanoWolf, TwoStage};
use crate::statistic::{Quantity, Scale, Side, Statistic, Undefined, Working};
use crate::tally::{ClusterBy, StratifyBy, Tally};

/// Fewer clusters than this in an arm are flagged.
const FEW_CLUSTERS: u64 = 10;

/// Fewer effective clusters than this that carry the topic are flagged, if they are less than half of
/// an arm's: from about there on down intervals by the delta method are too short
/// (`guide::coverage_tables`).
pub(crate) const FEW_TOPIC_CLUSTERS: f64 = 20.0;

/// How doubt is expressed: an interval, if wanted a test, and if wanted its p-values adjusted.
///
/// ```
/// use tiltmeter::inference::{Inference, Test};
/// let inference = Inference { test: Some(Test::ShareBounds), ..Inference::default() };
/// assert_eq!(Inference::from(inference.interval).test, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Inference {
    /// How intervals are made.
    pub interval: Interval,
    /// What is tested, if anything.
    pub test: Option<Test>,
    /// How p-values are adjusted for how many there are of a statistic, if they are.
    pub multiplicity: Option<Multiplicity>,
}

impl From<Interval> for Inference {
    fn from(interval: Interval) -> Self {
        Self { interval, ..Self::default() }
    }
}

impl Inference {
    fn check(&self, asked: &[Query<'_>]) -> Result<(), Error> {
        self.interval.check()?;
        if let Some(method) = &self.multiplicity {
            method.check()?;
            self.must_test(method)?;
        }
        if let Some(
            test @ (Test::Permutation(_) | Test::CochranMantelHaenszel(_) | Test::EqualStrata),
        ) = &self.test
        {
            for Query { question, .. } in asked {
                crate::statistic::refuse_within(question.unit, test.in_words())?;
                question.refuse_correction(test.in_words())?;
            }
        }
        let statistics = asked.iter().map(|asked| asked.statistic);
        self.test.iter().try_for_each(|test| test.check(statistics.clone()))
    }

    /// P-values are adjusted only where there are some; step-down by |t| only for tests of |t|.
    fn must_test(&self, method: &Multiplicity) -> Result<(), Error> {
        let refuse =
            |value, expected| Err(Error::Parameter { parameter: "the test", value, expected });
        match (self.test, method) {
            (None, _) => refuse(
                format!("none, with {method}"),
                "one whose p-values are to be adjusted (Audit::test)",
            ),
            (Some(Test::ShareBounds | Test::Delta(_)), _) => Ok(()),
            (Some(test), Multiplicity::RomanoWolf(_)) => refuse(
                format!("{}, with {method}", test.in_words()),
                "Test::Delta or Test::ShareBounds, beside which |t| is compared with the replicates",
            ),
            _ => Ok(()),
        }
    }

    /// A baseline's own error is a variance, or a share with bounds; replicates know nothing of it.
    fn check_baseline(&self, statistic: &dyn Statistic) -> Result<(), Error> {
        let own = statistic.known_baseline().is_some_and(|(_, known)| known.standard_error > 0.0);
        let adds = matches!(
            self.interval,
            Interval::ShareBounds(_) | Interval::Delta(_) | Interval::Jackknife(_)
        );
        let romano = matches!(self.multiplicity, Some(Multiplicity::RomanoWolf(_)));
        if !own || (adds && !romano) {
            return Ok(());
        }
        Err(Error::Parameter {
            parameter: "the interval",
            value: "one from resampling, beside a reference with an error of its own".to_owned(),
            expected: "Interval::ShareBounds (the default), Interval::Delta or Interval::Jackknife, \
                       which know of both errors",
        })
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
pub struct Query<'q> {
    /// What is asked.
    pub question: TopicQuestion<'q>,
    /// Of what.
    pub statistic: &'q dyn Statistic,
}

/// A statistic with a finite value, and the clusters that it came from.
struct Case<'c> {
    statistic: &'c dyn Statistic,
    /// The value on the working scale.
    at: f64,
    /// Of the tally's clusters.
    keys: &'c [ClusterKey],
    contributions: &'c Contributions,
    influence: Influence,
    /// The shares that the statistic contrasts, if it does.
    shares: Option<Result<Shares, NoInterval>>,
}

impl<'c> Case<'c> {
    fn new(
        statistic: &'c dyn Statistic,
        at: f64,
        keys: &'c [ClusterKey],
        contributions: &'c Contributions,
    ) -> Self {
        let totals = contributions.totals();
        let influence = Influence::of(&statistic.gradient(totals), contributions)
            .with_baseline(statistic.variance_of_baseline(totals));
        let shares = Shares::of(statistic, contributions);
        Self { statistic, at, keys, contributions, influence, shares }
    }

    /// What the statistic contrasts, if it does.
    fn contrast(&self) -> Option<Contrast<'_>> {
        let shares = self.shares.as_ref()?.as_ref().ok()?;
        Some(Contrast::of(self.statistic, self.contributions.totals(), shares))
    }

    /// The contrast, where an arm's share does not vary over clusters: every method but share bounds would
    /// take it for known.
    fn still_contrast(&self) -> Option<Contrast<'_>> {
        let shares = self.shares.as_ref()?.as_ref().ok()?;
        shares.has_still_arm().then(|| self.contrast())?
    }

    /// The keys of the clusters that belong to one of the two arms.
    fn member_keys(&self) -> Vec<ClusterKey> {
        let places = self.contributions.places().iter();
        places.map(|&place| self.keys[place as usize]).collect()
    }
}

/// Answers one question from a tally.
///
/// # Errors
/// Those of [`estimates`].
pub fn estimate(
    tally: &Tally,
    question: &TopicQuestion<'_>,
    statistic: &dyn Statistic,
    inference: impl Into<Inference>,
) -> Result<Estimate, Error> {
    let asked = [Query { question: *question, statistic }];
    Ok(estimates(tally, &asked, inference)?.remove(0))
}

/// Answers questions from a tally, in their order; all of them from the same resampling where the
/// interval needs one.
///
/// # Errors
/// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`] and
/// [`Error::SameArm`] when the tally cannot answer a question; [`Error::Parameter`] for a
/// confidence level outside (0, 1) and the like; [`Error::NoStrata`] for a statistic or test that compares
/// within strata where the tally has none; [`Error::StandardStrata`] for a declared population of
/// other strata than the tally's; [`Error::ClusterInTwoBlocks`]; [`Error::Statistic`] for a statistic
/// from outside the library that returns what is no number, or has a name that is taken.
pub fn estimates(
    tally: &Tally,
    asked: &[Query<'_>],
    inference: impl Into<Inference>,
) -> Result<Vec<Estimate>, Error> {
    let watch = own::Watch::over(tally, asked)?;
    watch.settle(answers(tally, &watch.asked(), &inference.into()))
}

/// The same of statistics that return nothing but numbers.
fn answers(
    tally: &Tally,
    asked: &[Query<'_>],
    inference: &Inference,
) -> Result<Vec<Estimate>, Error> {
    inference.check(asked)?;
    for Query { question, statistic } in asked {
        crate::statistic::check_unit(*statistic, question.unit)?;
        inference.check_baseline(*statistic)?;
        let strata = tally.axes().strata();
        crate::statistic::check_strata(*statistic, strata)?;
        // Replicates are made before the contributions.
        let totals = statistic.cells(strata.len()).len();
        check_totals(totals, (tally.clusters(), "clusters"), strata.len())?;
    }
    let of_strata = match &inference.test {
        Some(Test::CochranMantelHaenszel(_)) => Some("the Cochran-Mantel-Haenszel test"),
        Some(Test::EqualStrata) => Some("the test that strata are equal"),
        _ => None,
    };
    if let (Some(what), StratifyBy::Nothing) = (of_strata, &tally.spec().strata) {
        return Err(Error::NoStrata { what: what.to_owned() });
    }
    let replicates = joint::Replicates::of(tally, asked, inference)?;
    let answers = asked
        .par_iter()
        .enumerate()
        .map(|(at, _)| answer(tally, asked, &replicates, at, inference));
    // Collected first, so that the error of the first question is the one that is reported.
    let answers: Result<Vec<_>, _> = answers.collect::<Vec<_>>().into_iter().collect();
    let mut estimates = joint::settle(answers?, inference)?;
    testing::tell_margins(&mut estimates, asked, inference.test.as_ref());
    Ok(estimates)
}

/// Answers a question as far as it can be without the others.
fn answer(
    tally: &Tally,
    asked: &[Query<'_>],
    replicates: &joint::Replicates,
    at: usize,
    inference: &Inference,
) -> Result<Answer, Error> {
    let Query { ref question, statistic } = asked[at];
    let contributions = Contributions::of(tally, question, statistic)?;
    let summary = contributions.summary();
    let working = working(question, statistic, summary);
    let mut warnings = warnings(tally, summary);
    if question.correction.is_none() {
        warnings.extend(few_that_carry(&contributions));
    }
    let interval = inference.interval;
    let form = interval.share_bounds().form;
    let case = match working {
        Working::Finite(value) => Some(Case::new(statistic, value, tally.keys(), &contributions)),
        _ => None,
    };
    case.iter().for_each(|case| few_that_count(&case.influence, summary, &mut warnings));
    let same = |its: &&Query<'_>| its.statistic.name() == statistic.name();
    let family = asked.iter().filter(same).count();
    let doubt = match (&case, working) {
        (Some(case), _) => {
            let replicated = replicates.of_interval.get(at);
            doubt(&interval, case, (replicated, family), &mut warnings)
        }
        (None, Working::Undefined(_)) => Uncertainty::none(NoInterval::UndefinedValue),
        (None, _) => {
            standing_in(&interval, family, |bounds| one_sided(statistic, &contributions, bounds))
        }
    };
    let naive = case.as_ref().and_then(|case| {
        let gradient = statistic.gradient(summary.totals());
        naive::naive(case.at, &gradient, statistic, summary, interval.level())
    });
    let naive = naive.map(|naive| naive.beside(doubt.standard_error));
    let test = inference.test.as_ref().map(|test| {
        tested(
            (test, form),
            tally,
            &asked[at],
            working,
            (&contributions, case.as_ref()),
            &mut warnings,
        )
    });
    let joint = case.as_ref().and_then(|case| replicates.joint(case, at, inference));
    let mut estimate = Estimate {
        estimand: question.estimand(tally, statistic),
        measured: doubt.of(reported(working, statistic.scale())),
        naive,
        clusters: summary.clusters(),
        treatment: summary.arm(Side::Treatment),
        baseline: summary.arm(Side::Baseline),
        second_clusters: None,
        labels: Labels::of(summary.labels()),
        finding: None,
        test: test.transpose()?,
        warnings,
    };
    let p =
        finding::alone(&mut estimate, statistic, (working, &contributions), (form, case.as_ref()));
    Ok(Answer { estimate, scale: statistic.scale(), joint, p })
}

/// The value on the working scale, or why there is none.
fn working(
    question: &TopicQuestion<'_>,
    statistic: &dyn Statistic,
    summary: &summary::Summary,
) -> Working {
    let is_itself = statistic.other_topics().iter().any(|its| its == question.topic);
    if is_itself && statistic.contrasts().is_some() {
        return Working::Undefined(Undefined::SameTopic);
    }
    if let Some(reason) = summary.not_corrected() {
        return Working::Undefined(reason);
    }
    if question.unit == Unit::Within && summary.clusters().both == 0 {
        return Working::Undefined(Undefined::NoClusterInBothArms);
    }
    statistic.value(summary.totals())
}

/// The interval of a value that is infinite or that of no exposure.
fn one_sided(
    statistic: &dyn Statistic,
    contributions: &Contributions,
    bounds: &ShareBounds,
) -> Uncertainty {
    match Shares::of(statistic, contributions) {
        None => Uncertainty::none(NoInterval::ShareAtLimit),
        Some(Err(reason)) => Uncertainty::none(reason),
        Some(Ok(shares)) => {
            let contrast = Contrast::of(statistic, contributions.totals(), &shares);
            bounds.of(&contrast.in_form(bounds.form), None)
        }
    }
}

/// The interval of a finite value.
fn doubt(
    interval: &Interval,
    case: &Case<'_>,
    (replicated, family): (Option<&Replicated>, usize),
    warnings: &mut Vec<Warning>,
) -> Uncertainty {
    let summary = case.contributions.summary();
    let ClusterCounts { treatment, baseline, .. } = summary.clusters();
    let fewest = if summary.has_baseline() { treatment.min(baseline) } else { treatment };
    if let Some(contrast) = case.still_contrast()
        && !matches!(interval, Interval::ShareBounds(_))
    {
        return standing_in(interval, family, |bounds| bounds.of(&contrast, None));
    }
    let (clusters, enough) = (fewest, interval.enough());
    if clusters < enough {
        warnings.push(Warning::FewClustersForMethod { clusters, enough });
    }
    // Over strata nothing bounds what an arm at its limit does not show.
    if case.shares.is_none() && summary.is_at_limit() {
        return Uncertainty::none(NoInterval::ShareAtLimit);
    }
    let (at, scale) = (case.at, case.statistic.scale());
    match interval {
        Interval::Bootstrap(method) => {
            let own;
            let replicated = match replicated {
                Some(of_all) => of_all,
                None => {
                    own = method.replicate(case);
                    &own
                }
            };
            warnings.extend(replicated.warning());
            replicated.doubt((at, scale), summary, &case.influence, method)
        }
        Interval::Jackknife(method) => method.doubt(case),
        Interval::ShareBounds(method) => method.doubt(case),
        Interval::WildBootstrap(method) => method.doubt(case),
        Interval::Delta(method) => delta::delta(at, scale, case.influence.variance(), method),
        // Bands are stretched when all questions are answered.
        Interval::Simultaneous(_) => {
            delta::delta(at, scale, case.influence.variance(), &Delta::default())
        }
    }
}

/// Share bounds in the place of another interval; beside bands for all topics at a level that holds for all
/// (Bonferroni).
fn standing_in(
    interval: &Interval,
    family: usize,
    doubt: impl FnOnce(&ShareBounds) -> Uncertainty,
) -> Uncertainty {
    let bounds = interval.share_bounds();
    let level = bounds.level;
    let each = match interval {
        Interval::Simultaneous(_) => 1.0 - (1.0 - level) / family.max(1) as f64,
        _ => level,
    };
    let doubt = doubt(&ShareBounds { level: each, ..bounds });
    Uncertainty {
        interval: doubt.interval.map(|interval| ConfidenceInterval { level, ..interval }),
        ..doubt
    }
}

/// A test of one question.
fn tested(
    (test, form): (&Test, BoundsForm),
    tally: &Tally,
    asked: &Query<'_>,
    working: Working,
    (contributions, case): (&Contributions, Option<&Case<'_>>),
    warnings: &mut Vec<Warning>,
) -> Result<TestResult, Error> {
    let statistic = asked.statistic;
    if statistic.null().is_none() && !matches!(test, Test::Equivalence(_)) {
        return Ok(TestResult::none(NoTest::NothingCompared));
    }
    Ok(match (test, working) {
        (_, Working::Undefined(_)) => TestResult::none(NoTest::UndefinedValue),
        (Test::WildBootstrap(test), _) => test.test(tally, statistic, contributions),
        (Test::Permutation(test), _) => test.test(tally, asked, contributions, warnings)?,
        (Test::CochranMantelHaenszel(_), _) if statistic.contrasts().is_some() => {
            TestResult::none(NoTest::NotOfTwoShares)
        }
        (Test::CochranMantelHaenszel(test), _) => test.test(tally, asked)?,
        (Test::EqualStrata, _) => equal_strata::test(tally, asked, warnings)?,
        _ => tested_by_interval((test, form), statistic, contributions, case),
    })
}

/// A test that says what an interval says: by share bounds, or where the delta method is asked for and has
/// something to linearise, by that; by the jackknife where the statistic is no contrast of shares.
fn tested_by_interval(
    (test, form): (&Test, BoundsForm),
    statistic: &dyn Statistic,
    contributions: &Contributions,
    case: Option<&Case<'_>>,
) -> TestResult {
    let linear = match test {
        Test::Delta(test) => Some(test.quantile),
        Test::Equivalence(test) => test.quantile,
        _ => None,
    };
    let of_infinite = case.is_none().then(|| Shares::of(statistic, contributions));
    let shares = match (case, &of_infinite) {
        (Some(case), _) => case.shares.as_ref(),
        (None, shares) => shares.as_ref().and_then(Option::as_ref),
    };
    let linear = linear.filter(|_| {
        case.is_some_and(|_| !matches!(shares, Some(Ok(shares)) if shares.has_still_arm()))
    });
    match (shares, linear, case) {
        (Some(Ok(shares)), None, _) => {
            let contrast = Contrast::of(statistic, contributions.totals(), shares).in_form(form);
            match (test, statistic.null()) {
                (Test::Equivalence(test), _) => test.by_share_bounds(&contrast, statistic),
                (_, Some(null)) => testing::by_share_bounds(&contrast, null),
                (_, None) => TestResult::none(NoTest::NothingCompared),
            }
        }
        (Some(Err(reason)), None, _) => TestResult::none((*reason).into()),
        (_, _, None) => TestResult::none(NoTest::NoStandardError),
        (None, _, Some(case)) if case.contributions.summary().is_at_limit() => {
            TestResult::none(NoInterval::ShareAtLimit.into())
        }
        (_, linear, Some(case)) => {
            let known = match linear {
                Some(_) => case.influence.variance(),
                None => jackknife::variance(case),
            };
            match (test, linear) {
                (Test::Equivalence(test), linear) => {
                    let by = linear.map_or(Errors::Jackknife, Errors::Linearised);
                    test.test(case.at, statistic, known, by)
                }
                (_, Some(quantile)) => DeltaTest { quantile }.test(case.at, statistic, known),
                (_, None) => testing::by_jackknife(case.at, statistic, known),
            }
        }
    }
}

/// A working value as it is reported.
pub(crate) fn reported(working: Working, scale: Scale) -> Value {
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

/// Warns of arms in which few clusters are where the statistic looks, whatever others there are.
fn few_that_count(influence: &Influence, summary: &Summary, warnings: &mut Vec<Warning>) {
    let ClusterCounts { treatment, baseline, .. } = summary.clusters();
    for (side, all) in [(Side::Treatment, treatment), (Side::Baseline, baseline)] {
        let counted = influence.members().of_side(side).filter(|counted| *counted < all);
        if let Some(clusters) = counted.filter(|counted| *counted < FEW_CLUSTERS) {
            let said =
                |its: &Warning| matches!(its, Warning::FewClusters { side: of, .. } if *of == side);
            warnings.retain(|warning| !said(warning));
            warnings.push(Warning::FewClusters { side, clusters });
        }
    }
}

/// Arms in which few of the clusters carry the topic, or the mass.
fn few_that_carry(contributions: &Contributions) -> Vec<Warning> {
    let counts = contributions.clusters();
    let arms = [(Side::Treatment, counts.treatment), (Side::Baseline, counts.baseline)];
    let mut warnings = Vec::new();
    for (side, clusters) in arms {
        let few =
            |most: f64, effective: &f64| *effective < most && *effective < clusters as f64 / 2.0;
        let of_topic = contributions.effective(side, Quantity::Topic);
        if let Some(effective) = of_topic.filter(|its| few(FEW_TOPIC_CLUSTERS, its)) {
            warnings.push(Warning::FewTopicClusters { side, effective });
        }
        let of_all = contributions.effective(side, Quantity::All);
        if let Some(effective) = of_all.filter(|its| few(FEW_CLUSTERS as f64, its)) {
            warnings.push(Warning::UnequalClusters { side, effective, clusters });
        }
    }
    warnings
}

fn warnings(tally: &Tally, summary: &Summary) -> Vec<Warning> {
    let ClusterCounts { treatment, baseline, both, relation } = summary.clusters();
    let mut warnings = Vec::new();
    if matches!(tally.spec().cluster, ClusterBy::Impression) {
        warnings.push(Warning::ImpressionsAsClusters);
    }
    for (side, clusters) in [(Side::Treatment, treatment), (Side::Baseline, baseline)] {
        if clusters < FEW_CLUSTERS && (side == Side::Treatment || summary.has_baseline()) {
            warnings.push(Warning::FewClusters { side, clusters });
        }
    }
    if let [alone, other, without_topic] = summary.not_compared()
        && alone + other + without_topic > 0
    {
        let (treatment, baseline) = (alone, other);
        warnings.push(Warning::ClustersNotCompared { treatment, baseline, without_topic });
    }
    warnings.extend(labels::warnings(summary.labels()));
    if relation == Relation::PartlyCrossed {
        let either = treatment + baseline - both;
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
