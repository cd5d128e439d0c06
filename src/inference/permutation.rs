//! The permutation test: what the statistic would have been had chance given the clusters to the
//! arms otherwise.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Query;
use super::arms::index;
use super::assignment::Design;
use super::bootstrap::check_replicates;
use super::contribution::Contributions;
use super::influence::{Members, Score, Spread, small_sample};
use super::question::TopicQuestion;
use crate::error::Error;
use crate::estimate::{NoTest, TestMethod, TestResult, Warning};
use crate::question::baseline::Baseline;
use crate::statistic::{Cell, Side, Statistic, Working};
use crate::tally::{StratifyBy, Tally};

/// The permutation (randomisation) test over clusters, two-sided.
///
/// The statistic is worked out again with the clusters given to the arms otherwise, in ways that
/// were as likely as the one that happened, and p is the part of those ways in which it is as far
/// from no amplification as it was, or further (Fisher 1935). What moves is all that a cluster
/// contributes:
///
/// - a cluster of one arm may move to the other, as long as as many clusters are in either arm, of
///   each block where there are blocks;
/// - a cluster of both arms may have its two arms the other way round, with a chance of one half.
///
/// So clusters nested in the arms give the test of two samples, and crossed clusters that of pairs.
/// In a log that is partly crossed each cluster takes the way of its kind. That is right if coins
/// were thrown for each cluster and some lack an arm for want of data (which of them do, and how
/// many are in either arm, is then held fixed); and it is right if clusters were assigned to one arm
/// and a few came into contact with the other.
///
/// Where there are no more assignments than `replicates`, all are gone through and p is exact
/// ([`TestMethod::PermutationExact`]). Otherwise `replicates` of them are drawn, and p is `(1 + as far
/// or further) / (1 + replicates)`, which errs to the side of doubt (Phipson and Smyth 2010, doi
/// 10.2202/1544-6115.1585). Draws are a pure function of seed, replicate, block and the cluster's
/// place in the order of keys, so all questions about the same clusters share them. Distances that
/// differ by rounding alone are as far. An infinite value is further than any number and as far as
/// any other infinite one, so that p says little of a ratio where many assignments leave an arm
/// without the topic (or an odds ratio where they leave one with nothing else): the difference of the
/// shares is finite there. An undefined value counts as further too; if there are any, the result says
/// how many ([`Warning::PermutationsWithoutValue`]).
///
/// **Right** where clusters were assigned to arms at random, for any number of them and where an arm
/// shows nothing of the topic. p is exact if the arm changed nothing for any cluster (Fisher's sharp
/// null). That is more than equal shares; what holds for equal shares alone, [`Compare`] says.
///
/// **Wrong** where nothing was assigned at random: a viewer who chose the feed may differ in other
/// ways, and the test then finds those. Wrong where what one cluster is shown depends on the arms of
/// others. No p is below one over the number of assignments: three clusters in either arm can be
/// assigned in 20 ways, so that p is at least 0.1 for a statistic that is symmetric in the arms.
///
/// Costs a pass over the clusters for each replicate and question, two if studentised.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::TestMethod;
/// use tiltmeter::inference::{Permutation, Test};
/// let test = Test::Permutation(Permutation::default());
/// let report = Audit::of(&log, &question.topics(["war"])).test(test).run()?;
/// let test = report.estimates()[0].test.expect("it was asked for");
/// // Eight viewers, four in either arm, can be assigned in 70 ways.
/// assert_eq!(test.method, Some(TestMethod::PermutationExact));
/// let as_far = test.p.expect("there is a value") * 70.0;
/// assert!((as_far - as_far.round()).abs() < 1e-12 && as_far >= 1.0);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Permutation {
    /// How many assignments to draw, or to go through all of, from 2 to 1,000,000.
    pub replicates: u32,
    /// The seed of the random numbers: the same seed gives the same bits.
    pub seed: u64,
    /// What is worked out for each assignment.
    pub compare: Compare,
    /// Within what clusters are assigned.
    pub blocks: Blocks,
}

impl Default for Permutation {
    /// 9,999 replicates, seed 0, studentised, all clusters together.
    fn default() -> Self {
        Self { replicates: 9_999, seed: 0, compare: Compare::default(), blocks: Blocks::default() }
    }
}

/// What a permutation test works out for each assignment.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::{Compare, Permutation, Test};
/// let test = Permutation { compare: Compare::Value, ..Permutation::default() };
/// let report = Audit::of(&log, &question.topics(["war"])).test(Test::Permutation(test)).run()?;
/// let (value, test) = (report.estimates()[0].value.number(), report.estimates()[0].test);
/// // The logarithm of the ratio is how far it is from a ratio of 1.
/// let distance = test.and_then(|test| test.statistic).expect("the ratio is finite");
/// assert!((distance - value.expect("the ratio is finite").ln()).abs() < 1e-12);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The statistic's distance from no amplification in the standard errors that the delta method
    /// gives for the arms as they are assigned. Exact under the sharp null; with many clusters it is
    /// also right if the arms have the same share and differ otherwise: in how clusters vary, or in
    /// how much they see (Janssen 1997, doi 10.1016/s0167-7152(97)00043-6; Chung and Romano 2013, doi
    /// 10.1214/13-aos1090). Within blocks the standard error is still that of clusters without
    /// blocks, for which only the sharp null is known to be safe. Wants two clusters in each arm.
    #[default]
    Studentised,
    /// The distance alone, on the statistic's working scale (of logarithms, for ratios). Right under
    /// the sharp null only: if the smaller arm is the more variable one it rejects equal shares too
    /// often, however many clusters there are. Takes an arm of a single cluster.
    Value,
}

/// Within what clusters are assigned to arms by a permutation test.
///
/// Say what was done: if viewers of each country were assigned apart, with the country as the log's
/// stratum, they must be permuted within [`Blocks::Strata`], or a country with a larger part in the
/// treatment looks like amplification of what it reads. A block with clusters of one arm only never
/// changes.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::{Blocks, Permutation, Test};
/// let blocked = Permutation { blocks: Blocks::Strata, ..Permutation::default() };
/// let error = Audit::of(&log, &question).test(Test::Permutation(blocked)).run().unwrap_err();
/// assert!(error.to_string().contains("Blocks::Together")); // the log has no strata
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// Nothing: any cluster could have been in either arm.
    #[default]
    Together,
    /// The tally's strata. A cluster of one arm must have its impressions, in the two arms that are
    /// compared, in one stratum. A cluster of both arms is a block by itself.
    Strata,
}

impl Permutation {
    pub(super) fn check(&self) -> Result<(), Error> {
        check_replicates(self.replicates)
    }

    /// Tests that there is no amplification.
    ///
    /// # Errors
    /// [`Error::Parameter`] and [`Error::ClusterInTwoBlocks`] where there are no such blocks.
    pub(super) fn test(
        &self,
        tally: &Tally,
        Query { question, statistic }: &Query<'_>,
        contributions: &Contributions,
        warnings: &mut Vec<Warning>,
    ) -> Result<TestResult, Error> {
        let cells = statistic.cells(tally.axes().strata().len());
        let (Some(null), Some(partners)) = (statistic.null(), partners(&cells)) else {
            return Ok(TestResult::none(match statistic.known_baseline() {
                Some(_) => NoTest::BaselineFromElsewhere,
                None => NoTest::UnpairedTotals,
            }));
        };
        if self.compare == Compare::Studentised && Members::of(contributions).has_single() {
            return Ok(TestResult::none(NoTest::SingleCluster));
        }
        let design = match self.blocks {
            Blocks::Together => Design::new(contributions.present(), |_| 0),
            Blocks::Strata => {
                let blocks = strata(tally, question, contributions)?;
                Design::new(contributions.present(), |cluster| blocks[cluster])
            }
        };
        let table = Table::new(*statistic, null, partners, self.compare, contributions);
        Ok(self.compare(&table, &design, warnings))
    }

    /// Compares what happened with what might have.
    fn compare(
        &self,
        table: &Table<'_>,
        design: &Design,
        warnings: &mut Vec<Warning>,
    ) -> TestResult {
        let clusters = table.present.len();
        let Some(observed) = table.distance(&vec![false; clusters]) else {
            return TestResult::none(NoTest::UndefinedValue);
        };
        let all = design.assignments(self.replicates);
        if all == Some(1) {
            return TestResult::none(NoTest::NothingToPermute);
        }
        let of = all.unwrap_or(self.replicates);
        let count = |moved: &mut Vec<bool>, replicate: u32| {
            match all {
                Some(_) => design.nth(replicate, moved),
                None => design.draw(self.seed, replicate, moved),
            }
            match table.distance(moved) {
                Some(distance) => (u64::from(distance.most() >= observed.least()), 0),
                None => (1, 1),
            }
        };
        let replicates = (0..of).into_par_iter().map_init(|| vec![false; clusters], count);
        let (beyond, undefined) = replicates.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        if undefined > 0 {
            warnings.push(Warning::PermutationsWithoutValue { undefined, of: u64::from(of) });
        }
        let (beyond, of) = (beyond as f64, f64::from(of));
        let tested = match all {
            Some(_) => TestResult::of(beyond / of, TestMethod::PermutationExact),
            None => TestResult::of((1.0 + beyond) / (1.0 + of), TestMethod::Permutation),
        };
        let finite = observed.distance.is_finite();
        TestResult { statistic: finite.then_some(observed.distance), ..tested }
    }
}

/// By cell, the place of the same total of the other arm; `None` where one has none. A total that is there more than
/// once, as that of all is in a contrast of topics, goes with the one that comes as late.
fn partners(cells: &[Cell]) -> Option<Vec<usize>> {
    let partner = |(at, cell): (usize, &Cell)| {
        let side = match cell.side {
            Side::Treatment => Side::Baseline,
            Side::Baseline => Side::Treatment,
        };
        let before = cells[..at].iter().filter(|its| *its == cell).count();
        let of_other = |(_, other): &(usize, &Cell)| **other == Cell { side, ..*cell };
        cells.iter().enumerate().filter(of_other).nth(before).map(|(at, _)| at)
    };
    cells.iter().enumerate().map(partner).collect()
}

/// By cluster of the question, the stratum in which it has its impressions.
fn strata(
    tally: &Tally,
    question: &TopicQuestion<'_>,
    contributions: &Contributions,
) -> Result<Vec<u32>, Error> {
    if tally.spec().strata == StratifyBy::Nothing {
        return Err(Error::Parameter {
            parameter: "the blocks of Permutation",
            value: "Blocks::Strata, of a tally that keeps no strata apart".to_owned(),
            expected: "Blocks::Together, unless the tally has strata (Question::strata, or \
                       TallySpec::strata)",
        });
    }
    let axes = tally.axes();
    let baseline = match question.baseline {
        Baseline::Arm(baseline) => axes.arm(baseline),
        _ => None,
    };
    let arms: Vec<usize> = [axes.arm(question.treatment), baseline].into_iter().flatten().collect();
    // The first and the last stratum of each cluster of the tally, as numbers from 1.
    let mut ends = vec![[0_u32; 2]; tally.clusters()];
    for slab in axes.slabs().filter(|slab| arms.contains(&slab.arm)) {
        let stratum = slab.stratum as u32 + 1;
        for (cluster, _) in tally.column(axes.all_cell(slab)) {
            let [first, last] = &mut ends[cluster];
            *first = if *first == 0 { stratum } else { stratum.min(*first) };
            *last = stratum.max(*last);
        }
    }
    let block = |(&place, present): (&u32, &[bool; 2])| {
        let [first, last] = ends[place as usize];
        if first == last || *present == [true, true] {
            return Ok(first);
        }
        let name = |number: u32| axes.strata()[number as usize - 1].clone();
        Err(Error::ClusterInTwoBlocks {
            cluster: tally.keys()[place as usize],
            first: name(first),
            second: name(last),
        })
    };
    contributions.places().iter().zip(contributions.present()).map(block).collect()
}

/// How far a value is from the null.
struct Distance {
    distance: f64,
    /// How much of that may be rounding.
    rounding: f64,
}

impl Distance {
    fn least(&self) -> f64 {
        self.distance.abs() * (1.0 - 1e-10) - self.rounding
    }

    fn most(&self) -> f64 {
        self.distance.abs() + self.rounding
    }
}

/// What each cluster contributes, and what is made of it.
struct Table<'c> {
    statistic: &'c dyn Statistic,
    null: f64,
    compare: Compare,
    /// By cell, the place of the same total of the other arm.
    partners: Vec<usize>,
    /// Clusters x cells.
    rows: Vec<f64>,
    /// By cell, which arm it is of.
    sides: Vec<usize>,
    /// By cluster, whether it is in treatment and baseline.
    present: Vec<[bool; 2]>,
    /// How many clusters are in either arm, however they are assigned.
    factors: [f64; 2],
}

impl<'c> Table<'c> {
    fn new(
        statistic: &'c dyn Statistic,
        null: f64,
        partners: Vec<usize>,
        compare: Compare,
        contributions: &Contributions,
    ) -> Self {
        let columns = contributions.columns();
        let present = contributions.present();
        let row = |cluster: usize| columns.iter().map(move |column| column[cluster]);
        Self {
            statistic,
            null,
            compare,
            partners,
            rows: (0..present.len()).flat_map(row).collect(),
            sides: contributions.summary().cells().iter().map(|cell| index(cell.side)).collect(),
            present: present.to_vec(),
            factors: Members::of(contributions).factors(small_sample),
        }
    }

    /// The clusters' contributions, each with whether they count for the other arm.
    fn rows<'a>(&'a self, moved: &'a [bool]) -> impl Iterator<Item = (&'a [f64], bool)> + Clone {
        self.rows.chunks_exact(self.partners.len()).zip(moved.iter().copied())
    }

    /// The distance from the null when some clusters leave their arms; `None` without a value.
    fn distance(&self, moved: &[bool]) -> Option<Distance> {
        let limit = |distance| Some(Distance { distance, rounding: 0.0 });
        let totals = self.totals(moved);
        let value = match self.statistic.value(&totals) {
            Working::Finite(value) => value,
            Working::Above => return limit(f64::INFINITY),
            Working::Below => return limit(f64::NEG_INFINITY),
            Working::Undefined(_) => return None,
        };
        let gradient = self.statistic.gradient(&totals);
        // How far totals that are off by a part in 10^12 move the value.
        let terms = gradient.iter().zip(&totals).map(|(slope, total)| (slope * total).abs());
        let (distance, rounding) = (value - self.null, 1e-12 * terms.sum::<f64>());
        if self.compare == Compare::Value {
            return Some(Distance { distance, rounding });
        }
        match self.standard_error(&gradient, moved) {
            Some(error) => {
                Some(Distance { distance: distance / error, rounding: rounding / error })
            }
            // Nothing varies: at the null that is no distance, elsewhere it is beyond all others.
            None if distance.abs() <= rounding => limit(0.0),
            None => limit(distance.signum() * f64::INFINITY),
        }
    }

    fn totals(&self, moved: &[bool]) -> Vec<f64> {
        let stay: Vec<usize> = (0..self.partners.len()).collect();
        let places = [&stay, &self.partners];
        let mut totals = vec![0.0; self.partners.len()];
        for (row, moved) in self.rows(moved) {
            for (total, &place) in totals.iter_mut().zip(places[usize::from(moved)]) {
                *total += row[place];
            }
        }
        totals
    }

    /// The delta method's standard error, as `Influence::variance` has it for the log itself.
    fn standard_error(&self, gradient: &[f64], moved: &[bool]) -> Option<f64> {
        let stay: Vec<usize> = (0..self.partners.len()).collect();
        let places = [&stay, &self.partners];
        let scores = self.rows(moved).zip(&self.present).map(|((row, moved), here)| {
            let mut score = Score::default();
            for (value, &place) in row.iter().zip(places[usize::from(moved)]) {
                score.add(self.sides[place], value * gradient[place]);
            }
            score.without_rounding();
            let here = if moved { [here[1], here[0]] } else { *here };
            (score, here, 1.0)
        });
        let spread = Spread::of(scores, self.factors);
        (spread.together > 0.0).then(|| spread.together.sqrt())
    }
}
