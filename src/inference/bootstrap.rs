//! The cluster bootstrap: every statistic of an audit on the same resampled clusters.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::arms::{ArmBlock, ArmCells, index};
use super::contribution::check_totals;
use super::delta::normal_quantile;
use super::influence::Influence;
use super::resample::{Columns, Pieces, ReplicateTotals, Resampling, resample};
use super::reweigh::{Drawn, Draws, Scheme, Wanted, reweigh};
use super::summary::{Shared, Summary};
use super::{Case, Query, Uncertainty};
use crate::error::Error;
use crate::estimate::{IntervalMethod, NoInterval, Warning};
use crate::log::ClusterKey;
use crate::question::estimand::Unit;
use crate::statistic::{Cell, Over, Quantity, Scale, Working};
use crate::tally::Tally;

/// Totals held at a time: 512 MiB of them.
const HELD: usize = 1 << 26;

/// The most replicates that may be asked for.
const MOST_REPLICATES: u32 = 1_000_000;

/// The cluster bootstrap.
///
/// In each replicate every cluster counts as often as a random number says: a Poisson number with
/// mean 1 (Chamandy, Muralidharan, Najmi and Naidu 2012; Hanley and MacGibbon 2006) or how often it
/// is drawn with replacement ([`BootstrapWeights`]). All topics, arms, strata and statistics of an
/// audit are evaluated on the same replicates. `kind` says how the interval is made from them.
///
/// A Poisson weight is a pure function of `seed`, replicate and the cluster's key: it needs no
/// order, and is the same on one thread or many and for any split of the log. It is drawn from 16
/// random bits (Philox4x32-10), so it follows a distribution that differs from Poisson's by at most
/// 1/65536 in any probability: its mean is 1, its variance 0.99997, its third central moment
/// 0.99985, and none is above 8. For percentile, basic and BCa intervals sums of counts are exact,
/// and other masses are added with a relative error below a millionth, far inside the bootstrap's
/// own; for studentised ones, and under multinomial weights, all is in double precision.
///
/// Right for any number of clusters from some dozens up, and for statistics whose distribution is
/// skewed. With few clusters in an arm percentile, basic and BCa intervals are too short, and the
/// result carries [`Warning::FewClustersForMethod`]; [`crate::guide::coverage_tables`] says by
/// how much. A thousand replicates of 50 topics take a sixth of a second for 100,000 viewers
/// and a hundredth for 1,024 hash buckets of them (`benches/README.md`); studentised or under
/// multinomial weights they cost a pass over all clusters for each replicate and topic.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::Interval;
/// use tiltmeter::inference::{Bootstrap, BootstrapKind};
/// let bootstrap = Bootstrap { replicates: 2_000, seed: 7, ..Bootstrap::default() };
/// let bca = Bootstrap { kind: BootstrapKind::Bca, ..bootstrap };
/// let report = Audit::of(&log, &question.topics(["sport"])).interval(Interval::Bootstrap(bca)).run()?;
/// let interval = report.estimates()[0].interval.expect("both arms show the topic");
/// assert!(interval.low < report.estimates()[0].value.number());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// How many replicates, from 2 to 1,000,000.
    pub replicates: u32,
    /// The seed of the random numbers: the same seed gives the same bits.
    pub seed: u64,
    /// How the interval is made from the replicates.
    pub kind: BootstrapKind,
    /// How clusters are weighted in a replicate.
    pub weights: BootstrapWeights,
}

impl Default for Bootstrap {
    /// 95% percentile intervals from 1,000 replicates with Poisson weights and seed 0.
    fn default() -> Self {
        Self {
            level: 0.95,
            replicates: 1_000,
            seed: 0,
            kind: BootstrapKind::default(),
            weights: BootstrapWeights::default(),
        }
    }
}

/// How an interval is made from the replicates of a statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BootstrapKind {
    /// From the replicates' own quantiles (linear between order statistics, type 7 of Hyndman and
    /// Fan 1996). The same on every scale.
    #[default]
    Percentile,
    /// The quantiles mirrored at the estimate, on the working scale: `2 estimate - quantile`. Wrong
    /// in the direction of any skewness; here because others report it.
    Basic,
    /// Percentiles corrected for bias and for how the standard error changes with the value (Efron
    /// 1987, doi 10.2307/2289144). The bias is what part of the replicates lies below the estimate,
    /// ties half; the acceleration comes from the clusters' influences. Second-order accurate for
    /// smooth statistics of many clusters; the ends lie far out in the tails, so it wants a thousand
    /// replicates or more. Costs a pass over the clusters more than percentiles.
    Bca,
    /// The replicates' distance from the estimate, each in its own cluster-robust standard errors,
    /// takes the place of Student's t (Efron and Tibshirani 1993, chapter 12): `[estimate - q_high se,
    /// estimate - q_low se]`. Second-order accurate, and the one that is least wrong with few
    /// clusters; with very few it may be long.
    Studentised,
}

/// How clusters are weighted in a replicate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BootstrapWeights {
    /// By independent Poisson numbers with mean 1: the number of clusters varies from replicate to
    /// replicate, which matters where there are few.
    #[default]
    Poisson,
    /// By drawing for each arm as many clusters as it has, with replacement (Efron 1979): within each arm
    /// where clusters are nested in them, all together where they are crossed, and in three kinds where some
    /// are shared (how many of those come is drawn too, as Poisson weights have it). Depends on which clusters the whole log has, so it cannot
    /// be made shard by shard; the same on any number of threads and in any order of the rows.
    Multinomial,
}

impl Bootstrap {
    pub(super) fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)?;
        check_replicates(self.replicates)
    }

    /// Whether replicates come from totals that all questions share.
    pub(super) fn is_of_totals(&self) -> bool {
        self.weights == BootstrapWeights::Poisson && self.kind != BootstrapKind::Studentised
    }

    /// The fewest clusters in an arm that the method can bear without a warning.
    ///
    /// From simulations with equal clusters and a common topic: within 2 points of 95% from there on
    /// (`guide::coverage_tables`). With unequal clusters none is safe.
    pub(super) fn enough(&self) -> u64 {
        match self.kind {
            BootstrapKind::Studentised => 5,
            _ => 25,
        }
    }

    fn used(&self) -> IntervalMethod {
        use BootstrapKind::{Basic, Bca, Percentile, Studentised};
        use BootstrapWeights::{Multinomial, Poisson};
        match (self.weights, self.kind) {
            (Poisson, Percentile) => IntervalMethod::BootstrapPercentile,
            (Poisson, Basic) => IntervalMethod::BootstrapBasic,
            (Poisson, Bca) => IntervalMethod::BootstrapBca,
            (Poisson, Studentised) => IntervalMethod::BootstrapStudentised,
            (Multinomial, Percentile) => IntervalMethod::MultinomialPercentile,
            (Multinomial, Basic) => IntervalMethod::MultinomialBasic,
            (Multinomial, Bca) => IntervalMethod::MultinomialBca,
            (Multinomial, Studentised) => IntervalMethod::MultinomialStudentised,
        }
    }

    /// Replicates made one by one, for what cannot be had from shared totals.
    pub(super) fn replicate(&self, case: &Case<'_>) -> Replicated {
        let draws = Draws {
            scheme: match self.weights {
                BootstrapWeights::Poisson => Scheme::Poisson,
                BootstrapWeights::Multinomial => Scheme::Multinomial,
            },
            replicates: self.replicates as usize,
            seed: self.seed,
        };
        let wanted = match self.kind {
            BootstrapKind::Studentised => Wanted::StandardErrors,
            _ => Wanted::Values,
        };
        let drawn = reweigh(case, draws, wanted);
        let number = |drawn: &Drawn| match self.kind {
            BootstrapKind::Studentised => drawn.distance(case.at),
            _ => as_number(drawn.value),
        };
        Replicated { values: drawn.iter().map(number).collect() }
    }
}

pub(super) fn check_replicates(replicates: u32) -> Result<(), Error> {
    if (2..=MOST_REPLICATES).contains(&replicates) {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "replicates",
        value: replicates.to_string(),
        expected: "from 2 to 1,000,000",
    })
}

/// A working value as a number: infinite where something stands over nothing or nothing over
/// something, NaN where there is no value.
fn as_number(value: Working) -> f64 {
    match value {
        Working::Finite(value) => value,
        Working::Above => f64::INFINITY,
        Working::Below => f64::NEG_INFINITY,
        Working::Undefined(_) => f64::NAN,
    }
}

/// A statistic in all replicates, on its working scale or in standard errors from the estimate.
#[derive(Clone, Debug)]
pub(super) struct Replicated {
    /// By replicate; infinite where a replicate has something over nothing or nothing over
    /// something, NaN where it has no value.
    values: Vec<f64>,
}

/// The replicates of everything that is asked, in its order.
pub(super) fn replicate(
    tally: &Tally,
    asked: &[Query<'_>],
    shared: &Shared,
    resampling: Resampling,
) -> Result<Vec<Replicated>, Error> {
    let replicates = resampling.replicates;
    let most = (HELD / replicates).max(1);
    let mut done = Vec::with_capacity(asked.len());
    let mut rest = asked;
    while !rest.is_empty() {
        let mut table = Table::new(tally, shared);
        let mut taken = 0;
        while taken < rest.len() && (taken == 0 || table.sources.len() < most) {
            let (statistic, strata) = (rest[taken].statistic, tally.axes().strata().len());
            check_totals(statistic.cells(strata).len(), (replicates, "replicates"), strata)?;
            table.ask(&rest[taken])?;
            taken += 1;
        }
        let (now, later) = rest.split_at(taken);
        let totals = resample(&table, resampling);
        let values = now
            .par_iter()
            .zip(&table.wanted)
            .map(|(asked, wanted)| values(asked, wanted, &totals, replicates));
        done.par_extend(values);
        rest = later;
    }
    Ok(done)
}

/// What every question's statistic is in every replicate of the clusters: replicates x questions, on the reported
/// scale; infinite where it is, and `None` where it has no value. Of a bootstrap with
/// [`BootstrapWeights::Poisson`] the replicates of two tallies with the same seed are drawn together, by the keys of
/// their clusters.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::Question;
/// use tiltmeter::inference::{Bootstrap, Query, TopicQuestion, replicates};
/// use tiltmeter::statistic::AmplificationRatio;
/// use tiltmeter::tally::{Tally, TallySpec};
/// let question = Question::between("ranked", "newest");
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let asked = ["war", "sport"].map(|topic| TopicQuestion::of(&question, topic));
/// let [war, sport] = asked;
/// let asked = [war?, sport?].map(|question| Query { question, statistic: &AmplificationRatio });
/// let drawn = replicates(&tally, &asked, &Bootstrap { replicates: 99, ..Bootstrap::default() })?;
/// assert_eq!(drawn.dim(), (99, 2));
/// // What is more of one topic is less of the other.
/// let opposed = drawn.rows().into_iter().filter(|row| row[0] > Some(1.0) && row[1] < Some(1.0));
/// assert!(opposed.count() > 50);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// Those of [`estimates`](super::estimates); [`Error::Parameter`] for a kind that is not of totals, as the
/// studentised and those of multinomial weights.
pub fn replicates(
    tally: &Tally,
    asked: &[Query<'_>],
    bootstrap: &Bootstrap,
) -> Result<Array2<Option<f64>>, Error> {
    if !bootstrap.is_of_totals() {
        return Err(Error::Parameter {
            parameter: "the bootstrap",
            value: "studentised, or of multinomial weights".to_owned(),
            expected: "of Poisson weights, and percentile, basic or BCa",
        });
    }
    bootstrap.check()?;
    let watch = super::own::Watch::over(tally, asked)?;
    let watched = watch.asked();
    for Query { question, statistic } in &watched {
        crate::statistic::check_unit(*statistic, question.unit)?;
        crate::statistic::refuse_within(question.unit, "replicates of totals")?;
        question.refuse_correction("replicates of totals")?;
        crate::statistic::check_strata(*statistic, tally.axes().strata())?;
    }
    let resampling = Resampling { replicates: bootstrap.replicates as usize, seed: bootstrap.seed };
    let made = replicate(tally, &watched, &Shared::of(tally, &watched), resampling);
    watch.settle(Ok(Vec::new()))?;
    let made = made?;
    let shape = (resampling.replicates, asked.len());
    Ok(Array2::from_shape_fn(shape, |(replicate, of)| {
        let working = made[of].values[replicate];
        (!working.is_nan()).then(|| asked[of].statistic.scale().reported(working))
    }))
}

/// A statistic in every replicate.
fn values(
    asked: &Query<'_>,
    wanted: &[Vec<usize>],
    totals: &ReplicateTotals,
    replicates: usize,
) -> Replicated {
    let mut cells = vec![0.0; wanted.len()];
    let value = |replicate| {
        for (cell, columns) in cells.iter_mut().zip(wanted) {
            *cell = columns.iter().map(|&column| totals.get(column, replicate)).sum();
        }
        as_number(asked.statistic.value(&cells))
    };
    Replicated { values: (0..replicates).map(value).collect() }
}

impl Replicated {
    /// By replicate.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Ascending, without replicates that have no value.
    fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    /// Interval and standard error for a statistic whose estimate is `at`. BCa and studentised
    /// intervals need the clusters' influences.
    pub(super) fn doubt(
        &self,
        (at, scale): (f64, Scale),
        summary: &Summary,
        influence: &Influence,
        method: &Bootstrap,
    ) -> Uncertainty {
        if summary.is_single() {
            return Uncertainty::none(NoInterval::SingleCluster);
        }
        // By the clusters, whether they vary is seen without rounding; but Poisson weights vary in how
        // many clusters there are, too.
        if method.weights == BootstrapWeights::Multinomial
            && let Err(reason) = influence.variance()
        {
            return Uncertainty::none(reason);
        }
        let sorted = self.sorted();
        let Some(spread) = spread(&sorted) else {
            return Uncertainty::none(NoInterval::NoVariation);
        };
        let tail = (1.0 - method.level) / 2.0;
        let (low, high) = (quantile(&sorted, tail), quantile(&sorted, 1.0 - tail));
        let ends = match method.kind {
            BootstrapKind::Percentile => Ok((low, high, spread, None)),
            BootstrapKind::Basic => Ok((2.0 * at - high, 2.0 * at - low, spread, None)),
            BootstrapKind::Bca => {
                let ends = bca(&sorted, at, influence.acceleration(), tail);
                ends.map(|(low, high)| (low, high, spread, None))
            }
            BootstrapKind::Studentised => influence.variance().map(|known| {
                let error = known.variance.sqrt();
                (at - high * error, at - low * error, error, Some(known.degrees_of_freedom))
            }),
        };
        match ends {
            Err(reason) => Uncertainty::none(reason),
            Ok((low, high, standard_error, degrees_of_freedom)) => Uncertainty {
                interval: Ok(scale.interval(low, high, method.level)),
                method: Some(method.used()),
                standard_error: Some(standard_error),
                degrees_of_freedom,
            },
        }
    }

    /// What to know of replicates without a finite value.
    pub(super) fn warning(&self) -> Option<Warning> {
        let infinite = self.values.iter().filter(|value| value.is_infinite()).count() as u64;
        let undefined = self.values.iter().filter(|value| value.is_nan()).count() as u64;
        (infinite + undefined > 0).then_some(Warning::ReplicatesWithoutValue {
            infinite,
            undefined,
            of: self.values.len() as u64,
        })
    }
}

/// The standard deviation of the finite values; `None` where they do not vary.
fn spread(sorted: &[f64]) -> Option<f64> {
    let finite: Vec<f64> = sorted.iter().copied().filter(|value| value.is_finite()).collect();
    let count = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / count;
    let squares: f64 = finite.iter().map(|value| (value - mean).powi(2)).sum();
    // Replicates that are all the same differ by rounding only: single precision's, for masses.
    let size: f64 = finite.iter().map(|value| value.powi(2)).sum();
    (finite.len() > 1 && squares > 1e-12 * size.max(1e-8 * count))
        .then(|| (squares / (count - 1.0)).sqrt())
}

/// The ends of a bias-corrected and accelerated interval (Efron 1987).
fn bca(sorted: &[f64], at: f64, acceleration: f64, tail: f64) -> Result<(f64, f64), NoInterval> {
    let below = sorted.partition_point(|value| *value < at) as f64;
    let upto = sorted.partition_point(|value| *value <= at) as f64;
    let part = (below + upto) / 2.0 / sorted.len() as f64;
    if part <= 0.0 || part >= 1.0 {
        return Err(NoInterval::ReplicatesOnOneSide);
    }
    let normal = Normal::standard();
    let bias = normal.inverse_cdf(part);
    let end = |z: f64| {
        let shifted = bias + z;
        let shrink = 1.0 - acceleration * shifted;
        // Past the pole of the correction the end lies beyond all replicates.
        let to =
            if shrink > 0.0 { bias + shifted / shrink } else { shifted.signum() * f64::INFINITY };
        if to.is_finite() { quantile(sorted, normal.cdf(to)) } else { to }
    };
    let z = normal_quantile(tail);
    Ok((end(-z), end(z)))
}

/// The quantile of sorted values, linear between order statistics (Hyndman and Fan's type 7).
/// Values may be infinite; a quantile between a finite and an infinite one is infinite.
pub(super) fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let at = probability * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    match at - at.floor() {
        0.0 => below,
        _ if below == above || below.is_infinite() => below,
        _ if above.is_infinite() => above,
        part => below + (above - below) * part,
    }
}

/// Where the numbers of a column come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// The masses of a cell, which add up over clusters, strata and windows.
    Cell { cell: u32, attention: usize },
    /// What clusters contribute in another unit, which is a function of their sums over several
    /// cells: those of the topic and of all impressions, of the whole arm and of some strata.
    Arm { attention: usize, arm: ArmCells, part: std::ops::Range<usize>, cell: Cell, unit: u8 },
}

/// The columns that the questions need, each once.
struct Table<'t> {
    tally: &'t Tally,
    shared: &'t Shared,
    sources: Vec<Source>,
    units: Vec<Unit>,
    number: HashMap<Source, usize, RandomState>,
    totals: Vec<f64>,
    /// By question and cell of its statistic, the columns that add up to its total.
    wanted: Vec<Vec<Vec<usize>>>,
}

impl<'t> Table<'t> {
    fn new(tally: &'t Tally, shared: &'t Shared) -> Self {
        Self {
            tally,
            shared,
            sources: Vec::new(),
            units: Vec::new(),
            number: HashMap::default(),
            totals: Vec::new(),
            wanted: Vec::new(),
        }
    }

    fn ask(&mut self, asked: &Query<'_>) -> Result<(), Error> {
        let question = &asked.question;
        let arms = ArmCells::of_both(self.tally, question, asked.statistic)?;
        let attention = self.tally.attention(question.attention)?;
        let strata = self.tally.axes().strata();
        let cells = crate::statistic::cells_among(asked.statistic, strata)?;
        let mut wanted = Vec::with_capacity(cells.len());
        for cell in cells {
            let arm = &arms[index(cell.side)];
            let part = match cell.over {
                Over::Stratum(at) => at..at + 1,
                Over::AllStrata | Over::Named(_) => 0..arm.strata().len(),
            };
            wanted.push(if question.unit == Unit::Pooled {
                let cells = arm.cells(part, cell.quantity);
                cells.map(|cell| self.column(Source::Cell { cell, attention })).collect()
            } else {
                let unit = self.unit(question.unit);
                let arm = arm.clone();
                vec![self.column(Source::Arm { attention, arm, part, cell, unit })]
            });
        }
        self.wanted.push(wanted);
        Ok(())
    }

    fn unit(&mut self, unit: Unit) -> u8 {
        let known = self.units.iter().position(|its| *its == unit);
        known.unwrap_or_else(|| {
            self.units.push(unit);
            self.units.len() - 1
        }) as u8
    }

    fn column(&mut self, source: Source) -> usize {
        if let Some(&number) = self.number.get(&source) {
            return number;
        }
        let number = self.sources.len();
        self.totals.push(self.total(&source));
        self.sources.push(source.clone());
        self.number.insert(source, number);
        number
    }

    fn total(&self, source: &Source) -> f64 {
        if let Source::Cell { cell, attention } = source
            && let Some(total) = self.shared.total(*attention, *cell)
        {
            return total.mass.get();
        }
        let of_block = |block| {
            let mut total = 0.0;
            self.each(source, block, |_, number| total += number);
            total
        };
        (0..self.tally.block_count()).map(of_block).sum()
    }

    /// Calls `add` with each cluster's number, by its place in the block.
    fn each(&self, source: &Source, block: usize, mut add: impl FnMut(usize, f64)) {
        match source {
            Source::Cell { cell, attention } => {
                let column = self.tally.column_of_block(block, *cell, *attention);
                column.for_each(|(at, sum)| add(at, sum.mass.get()));
            }
            Source::Arm { attention, arm, part, cell, unit } => {
                let mut sums = ArmBlock::default();
                sums.load(self.tally, block, *attention, (arm, part.clone()));
                let unit = self.units[usize::from(*unit)];
                let mut values = Vec::new();
                sums.contributions(unit, cell.quantity, &mut values);
                let values = values.into_iter().enumerate();
                values.filter(|(_, value)| *value != 0.0).for_each(|(at, value)| add(at, value));
            }
        }
    }

    /// Whether all numbers of a column are whole.
    fn is_whole(&self, source: &Source) -> bool {
        match source {
            Source::Cell { .. } => false,
            Source::Arm { cell, unit, .. } => {
                cell.quantity == Quantity::All
                    || matches!(self.units[usize::from(*unit)], Unit::Reach(_))
            }
        }
    }
}

impl Columns for Table<'_> {
    fn keys(&self) -> &[ClusterKey] {
        self.tally.keys()
    }

    fn totals(&self) -> &[f64] {
        &self.totals
    }

    fn blocks(&self) -> usize {
        self.tally.block_count()
    }

    fn clusters(&self, block: usize) -> std::ops::Range<usize> {
        self.tally.block_clusters(block)
    }

    fn read(&self, block: usize, pieces: &mut Pieces) {
        for source in &self.sources {
            if let Source::Cell { cell, attention } = source
                && self.tally.block_is_of_counts(block, *attention)
            {
                let counts = self.tally.counts_of_block(block, *cell);
                counts.for_each(|(at, count)| pieces.whole(at, count));
            } else if self.is_whole(source) {
                self.each(source, block, |at, number| pieces.whole(at, number as u64));
            } else {
                self.each(source, block, |at, number| pieces.number(at, number));
            }
            pieces.end_column();
        }
    }
}
