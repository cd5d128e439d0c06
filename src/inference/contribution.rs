//! Each cluster's contribution to the totals of a question: the only thing that inference works
//! on. The unit of the estimand (pooled, cluster mean, reach) is applied here.

use ndarray::{Array2, ShapeBuilder};

use super::summary::Summary;
use crate::error::Error;
use crate::estimate::{ArmTotals, ClusterCounts};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Estimand, Reach, Unit};
use crate::statistic::{Cell, Over, Quantity, Side, Statistic, keeps_strata, phrase_in_full};
use crate::tally::{CellSum, Mass, StratifyBy, Tally};

/// What is asked of a tally, but for the statistic.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// The topic.
    pub topic: &'q str,
    /// The arm under test.
    pub treatment: &'q str,
    /// What it is compared with.
    pub baseline: &'q Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions stand below the line.
    pub denominator: Denominator,
    /// The position model, one of the tally's.
    pub attention: &'q Attention,
}

impl Question<'_> {
    /// The question in full, with what the tally and the statistic settle.
    pub(super) fn estimand(&self, tally: &Tally, statistic: &dyn Statistic) -> Estimand {
        let spec = tally.spec();
        Estimand {
            statistic: statistic.name().to_owned(),
            phrase: phrase_in_full(statistic),
            topic: self.topic.to_owned(),
            treatment: self.treatment.to_owned(),
            baseline: self.baseline.clone(),
            unit: self.unit,
            denominator: self.denominator,
            weights: tally.weights().clone(),
            attention: self.attention.clone(),
            multi_label: spec.multi_label,
            cluster: spec.cluster.clone(),
            second_cluster: None,
            strata: match keeps_strata(statistic) {
                true => spec.strata.clone(),
                false => StratifyBy::Nothing,
            },
            kept: Vec::new(),
        }
    }
}

/// What each cluster adds to each total that a statistic needs.
///
/// `values` is clusters x cells: row c holds the contribution of cluster c, in the order of the
/// clusters' keys, and the totals are its column sums. Only clusters that belong to one of the two
/// arms are in it: by their mass there, or for reach by their impressions.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::inference::{Contributions, Question};
/// use tiltmeter::statistic::AmplificationRatio;
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::{Attention, Baseline, Denominator, Unit};
///
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let baseline = Baseline::arm("newest");
/// let question = Question {
///     topic: "war",
///     treatment: "ranked",
///     baseline: &baseline,
///     unit: Unit::Pooled,
///     denominator: Denominator::AllImpressions,
///     attention: &Attention::Uniform,
/// };
/// let contributions = Contributions::of(&tally, &question, &AmplificationRatio)?;
/// assert_eq!(contributions.values().dim(), (8, 4)); // viewers x totals
/// assert_eq!(contributions.totals(), [4.0, 9.0, 2.0, 11.0]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Contributions {
    /// By cell, the contribution of each cluster.
    columns: Vec<Vec<f64>>,
    /// For each cluster, whether it belongs to the treatment and to the baseline.
    present: Vec<[bool; 2]>,
    /// For each cluster, its place in the tally.
    places: Vec<u32>,
    summary: Summary,
}

/// The cells of a tally that belong to one arm of the question: one per stratum and window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ArmCells {
    /// By stratum, the cells of the topic and those of all impressions.
    strata: Vec<(Vec<u32>, Vec<u32>)>,
}

/// Sums of a block's clusters in one arm.
#[derive(Default)]
pub(super) struct ArmBlock {
    pub(super) topic: BlockSums,
    pub(super) all: BlockSums,
}

/// Sums of a block's clusters over some cells.
#[derive(Default)]
pub(super) struct BlockSums {
    pub(super) counts: Vec<u64>,
    /// Empty where every impression weighs 1.
    masses: Vec<Mass>,
}

impl BlockSums {
    fn load(&mut self, tally: &Tally, block: usize, attention: usize, cells: &[u32]) {
        let clusters = tally.block_clusters(block).len();
        self.counts.clear();
        self.counts.resize(clusters, 0);
        self.masses.clear();
        if !tally.block_is_of_counts(block, attention) {
            self.masses.resize(clusters, Mass::ZERO);
        }
        for &cell in cells {
            for (at, sum) in tally.column_of_block(block, cell, attention) {
                self.counts[at] += sum.count;
                if let Some(mass) = self.masses.get_mut(at) {
                    *mass += sum.mass;
                }
            }
        }
    }

    /// Appends the masses of all clusters.
    fn masses_to(&self, values: &mut Vec<f64>) {
        if self.masses.is_empty() {
            values.extend(self.counts.iter().map(|&count| count as f64));
        } else {
            values.extend(self.masses.iter().map(|mass| mass.get()));
        }
    }

    fn mass(&self, at: usize) -> f64 {
        self.masses.get(at).map_or_else(|| self.counts[at] as f64, |mass| mass.get())
    }

    /// The sum over all clusters.
    pub(super) fn total(&self) -> CellSum {
        let count = self.counts.iter().sum();
        let mass = if self.masses.is_empty() {
            Mass::of_count(count)
        } else {
            self.masses.iter().copied().sum()
        };
        CellSum { count, mass }
    }
}

impl ArmBlock {
    /// Loads the sums of a block's clusters over some strata.
    pub(super) fn load(
        &mut self,
        tally: &Tally,
        block: usize,
        attention: usize,
        strata: &[(Vec<u32>, Vec<u32>)],
    ) {
        let [topic, all]: [Vec<u32>; 2] = [
            strata.iter().flat_map(|(topic, _)| topic).copied().collect(),
            strata.iter().flat_map(|(_, all)| all).copied().collect(),
        ];
        self.topic.load(tally, block, attention, &topic);
        self.all.load(tally, block, attention, &all);
    }

    /// Loads the sums of all impressions only.
    pub(super) fn load_all(
        &mut self,
        tally: &Tally,
        block: usize,
        attention: usize,
        strata: &[(Vec<u32>, Vec<u32>)],
    ) {
        let all: Vec<u32> = strata.iter().flat_map(|(_, all)| all).copied().collect();
        self.all.load(tally, block, attention, &all);
    }

    /// Loads the sums of some cells as those of the topic, and leaves those of all impressions.
    pub(super) fn load_topic(
        &mut self,
        tally: &Tally,
        block: usize,
        attention: usize,
        cells: &[u32],
    ) {
        self.topic.load(tally, block, attention, cells);
    }

    /// How many clusters there are.
    fn len(&self) -> usize {
        self.all.counts.len()
    }

    /// By cluster, whether it belongs to the arm: by impressions for reach, else by mass.
    pub(super) fn members(&self, unit: Unit) -> Vec<bool> {
        match unit {
            Unit::Pooled | Unit::ClusterMean if !self.all.masses.is_empty() => {
                self.all.masses.iter().map(|mass| *mass > Mass::ZERO).collect()
            }
            _ => self.all.counts.iter().map(|count| *count > 0).collect(),
        }
    }

    /// Each cluster's contribution, in the unit of the estimand; 0 for one that is not of the arm.
    pub(super) fn contributions(&self, unit: Unit, quantity: Quantity, values: &mut Vec<f64>) {
        let flag = |holds: bool| f64::from(u8::from(holds));
        let (topic, all) = (&self.topic, &self.all);
        match (unit, quantity) {
            (Unit::Pooled, Quantity::Topic) => topic.masses_to(values),
            (Unit::Pooled, Quantity::All) => all.masses_to(values),
            (Unit::ClusterMean, Quantity::All) => {
                values.extend(self.members(unit).into_iter().map(flag));
            }
            (Unit::ClusterMean, Quantity::Topic) => values.extend((0..self.len()).map(|at| {
                let all = all.mass(at);
                if all > 0.0 { topic.mass(at) / all } else { 0.0 }
            })),
            (Unit::Reach(Reach { impressions, mass }), Quantity::Topic) => {
                values.extend((0..self.len()).map(|at| {
                    let count = topic.counts[at];
                    flag(count >= impressions && count > 0 && topic.mass(at) >= mass)
                }));
            }
            (Unit::Reach(_), Quantity::All) => {
                values.extend(all.counts.iter().map(|count| flag(*count > 0)));
            }
        }
    }
}

impl Contributions {
    /// The contributions to a statistic's totals.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`] and
    /// [`Error::SameArm`].
    pub fn of(
        tally: &Tally,
        question: &Question<'_>,
        statistic: &dyn Statistic,
    ) -> Result<Self, Error> {
        Self::of_cells(tally, question, statistic, &ArmCells::of_both(tally, question)?)
    }

    /// The same for a part of a stream, which may lack an arm or the topic: what was not shown
    /// counts as zero.
    pub(super) fn of_part(
        tally: &Tally,
        question: &Question<'_>,
        statistic: &dyn Statistic,
    ) -> Result<Self, Error> {
        let treatment = ArmCells::where_any(tally, question, question.treatment);
        let baseline = match question.baseline {
            Baseline::Arm(baseline) => ArmCells::where_any(tally, question, baseline),
            _ => ArmCells::none(tally),
        };
        let arms = [treatment, baseline];
        Self::of_cells(tally, question, statistic, &arms)
    }

    /// The same within one window of the tally, by its place among the axes'.
    pub(super) fn of_window(
        tally: &Tally,
        question: &Question<'_>,
        statistic: &dyn Statistic,
        window: usize,
    ) -> Result<Self, Error> {
        let arms = ArmCells::of_both(tally, question)?;
        Self::of_cells(tally, question, statistic, &arms.map(|arm| arm.within(tally, window)))
    }

    fn of_cells(
        tally: &Tally,
        question: &Question<'_>,
        statistic: &dyn Statistic,
        arms: &[ArmCells; 2],
    ) -> Result<Self, Error> {
        let attention = tally.attention(question.attention)?;
        let strata = tally.axes().strata().len();
        crate::statistic::check_cells(statistic, strata)?;
        let cells = statistic.cells(strata);
        let mut summary = Summary::new(tally, question.unit, attention, arms, cells);
        let mut made = Growing {
            columns: vec![Vec::with_capacity(tally.clusters()); summary.cells().len()],
            present: Vec::with_capacity(tally.clusters()),
            places: Vec::with_capacity(tally.clusters()),
        };
        let mut sums = [0, 1].map(|_| ArmBlock::default());
        let cells = summary.cells().to_vec();
        let mut strata: Vec<ArmBlock> = cells.iter().map(|_| ArmBlock::default()).collect();
        for block in 0..tally.block_count() {
            for (sums, arm) in sums.iter_mut().zip(arms) {
                sums.load(tally, block, attention, &arm.strata);
            }
            for (sums, cell) in strata.iter_mut().zip(&cells) {
                if let Over::Stratum(at) = cell.over {
                    let arm = &arms[index(cell.side)];
                    sums.load(tally, block, attention, &arm.strata[at..=at]);
                }
            }
            let here = [0, 1].map(|side| summary.add(side, &sums[side], question.unit));
            made.add_places(tally.block_clusters(block), &here);
            made.add_block(question.unit, &cells, here, &sums, &strata);
        }
        let totals = totals(&made.columns);
        summary.finish(question.unit, totals, &made.present);
        let Growing { columns, present, places } = made;
        Ok(Self { columns, present, places, summary })
    }

    /// Contributions that come from elsewhere: by cell, that of each cluster; for each cluster, whether
    /// it belongs to treatment and baseline, and its place among the keys.
    pub(super) fn of_columns(
        columns: Vec<Vec<f64>>,
        present: Vec<[bool; 2]>,
        places: Vec<u32>,
        cells: Vec<Cell>,
    ) -> Self {
        let summary = Summary::of_columns(cells, totals(&columns), &present);
        Self { columns, present, places, summary }
    }

    /// The contribution of each cluster: clusters x cells.
    #[must_use]
    pub fn values(&self) -> Array2<f64> {
        let shape = (self.present.len(), self.columns.len());
        Array2::from_shape_vec(shape.f(), self.columns.concat())
            .expect("one value per cluster and cell")
    }

    /// By cell, the contribution of each cluster.
    pub(super) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The statistic's cells, each with the contribution of each cluster.
    pub(super) fn cells_with_columns(&self) -> impl Iterator<Item = (&Cell, &Vec<f64>)> {
        self.summary.cells().iter().zip(&self.columns)
    }

    /// The totals, in the order of the statistic's cells.
    #[must_use]
    pub fn totals(&self) -> &[f64] {
        self.summary.totals()
    }

    /// For each cluster, whether it belongs to the treatment and to the baseline.
    pub(super) fn present(&self) -> &[[bool; 2]] {
        &self.present
    }

    /// The effective number of clusters that carry the topic, or all, in an arm, `(sum x)^2 / sum x^2`; `None`
    /// where none does.
    pub(super) fn effective(&self, side: Side, quantity: Quantity) -> Option<f64> {
        let of_topic = |cell: &Cell| cell.side == side && cell.quantity == quantity;
        let columns = self.cells_with_columns().filter(|(cell, _)| of_topic(cell));
        let mut topic = vec![0.0; self.present.len()];
        for (_, column) in columns {
            topic.iter_mut().zip(column).for_each(|(sum, value)| *sum += value);
        }
        let sum: f64 = topic.iter().sum();
        let squares: f64 = topic.iter().map(|value| value * value).sum();
        (squares > 0.0).then(|| sum * sum / squares)
    }

    /// For each cluster, its place in the tally.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// What is known without looking at clusters one by one.
    pub(super) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// How many clusters there are, and how the arms share them.
    #[must_use]
    pub fn clusters(&self) -> ClusterCounts {
        self.summary.clusters()
    }

    /// What an arm showed, in the unit of the question.
    #[must_use]
    pub fn arm(&self, side: Side) -> ArmTotals {
        self.summary.arm(side)
    }
}

/// Contributions while they are being put together.
struct Growing {
    columns: Vec<Vec<f64>>,
    present: Vec<[bool; 2]>,
    places: Vec<u32>,
}

impl Growing {
    /// Notes which clusters of a block belong to one of the two arms.
    fn add_places(&mut self, block: std::ops::Range<usize>, here: &[Vec<bool>; 2]) {
        let kept = block.zip(&here[0]).zip(&here[1]).filter(|((_, a), b)| **a || **b);
        self.places.extend(kept.map(|((place, _), _)| place as u32));
    }

    /// Adds the clusters of a block: those that belong to one of the two arms.
    fn add_block(
        &mut self,
        unit: Unit,
        cells: &[Cell],
        here: [Vec<bool>; 2],
        sums: &[ArmBlock; 2],
        strata: &[ArmBlock],
    ) {
        let keep: Vec<bool> = here[0].iter().zip(&here[1]).map(|(a, b)| a | b).collect();
        let present = here[0].iter().zip(&here[1]).map(|(&a, &b)| [a, b]);
        let whole = keep.iter().all(|keep| *keep);
        let mut values = Vec::with_capacity(keep.len());
        for ((cell, stratum), column) in cells.iter().zip(strata).zip(&mut self.columns) {
            let arm = match cell.over {
                Over::AllStrata => &sums[index(cell.side)],
                Over::Stratum(_) => stratum,
            };
            if whole {
                arm.contributions(unit, cell.quantity, column);
                continue;
            }
            values.clear();
            arm.contributions(unit, cell.quantity, &mut values);
            let kept = values.iter().zip(&keep).filter(|(_, keep)| **keep);
            column.extend(kept.map(|(value, _)| *value));
        }
        if whole {
            self.present.extend(present);
        } else {
            let kept = present.zip(&keep).filter(|(_, keep)| **keep);
            self.present.extend(kept.map(|(present, _)| present));
        }
    }
}

pub(super) fn index(side: Side) -> usize {
    match side {
        Side::Treatment => 0,
        Side::Baseline => 1,
    }
}

impl ArmCells {
    /// The cells of treatment and baseline.
    pub(super) fn of_both(tally: &Tally, question: &Question<'_>) -> Result<[Self; 2], Error> {
        let treatment = Self::of(tally, question, question.treatment)?;
        match question.baseline {
            Baseline::Arm(baseline) if question.treatment == baseline => {
                Err(Error::SameArm { arm: baseline.clone() })
            }
            Baseline::Arm(baseline) => Ok([treatment, Self::of(tally, question, baseline)?]),
            // Known from elsewhere; the statistic asks for nothing of it.
            _ => Ok([treatment, Self::none(tally)]),
        }
    }

    /// The cells of an arm that there is none of.
    fn none(tally: &Tally) -> Self {
        Self { strata: vec![(Vec::new(), Vec::new()); tally.axes().strata().len()] }
    }

    /// By stratum, the cells of the topic and those of all impressions.
    pub(super) fn strata(&self) -> &[(Vec<u32>, Vec<u32>)] {
        &self.strata
    }

    /// The cells of a quantity in some strata.
    pub(super) fn cells(
        &self,
        strata: std::ops::Range<usize>,
        quantity: Quantity,
    ) -> impl Iterator<Item = u32> {
        let cells = move |(topic, all): &'_ (Vec<u32>, Vec<u32>)| match quantity {
            Quantity::Topic => topic.clone(),
            Quantity::All => all.clone(),
        };
        self.strata[strata].iter().flat_map(cells).collect::<Vec<_>>().into_iter()
    }

    /// The cells of treatment and baseline, those of a topic only if there is one of that name.
    pub(super) fn of_both_without_topic(
        tally: &Tally,
        question: &Question<'_>,
    ) -> Result<[Self; 2], Error> {
        let baseline = question.baseline.of_tally()?;
        if question.treatment == baseline {
            return Err(Error::SameArm { arm: baseline.to_owned() });
        }
        for arm in [question.treatment, baseline] {
            require_arm(tally, arm)?;
        }
        Ok([question.treatment, baseline].map(|arm| Self::where_any(tally, question, arm)))
    }

    /// The cells of some topics in this arm, by their places among the axes'.
    pub(super) fn of_topics(&self, tally: &Tally, topics: &[usize]) -> Vec<u32> {
        let axes = tally.axes();
        let slabs = self.strata.iter().flat_map(|(_, alls)| alls).map(|&all| axes.cell(all).0);
        let of_slab = |slab| topics.iter().map(move |&topic| axes.topic_cell(slab, topic));
        slabs.flat_map(of_slab).collect()
    }

    fn of(tally: &Tally, question: &Question<'_>, arm: &str) -> Result<Self, Error> {
        let axes = tally.axes();
        require_arm(tally, arm)?;
        if axes.topic(question.topic).is_none() {
            return Err(Error::UnknownTopic {
                topic: question.topic.to_owned(),
                available: axes.topics().to_vec(),
            });
        }
        Ok(Self::where_any(tally, question, arm))
    }

    /// Those of one window.
    fn within(mut self, tally: &Tally, window: usize) -> Self {
        for (topic, all) in &mut self.strata {
            topic.retain(|cell| tally.axes().cell(*cell).0.window == window);
            all.retain(|cell| tally.axes().cell(*cell).0.window == window);
        }
        self
    }

    /// The cells that there are: none of an arm or a topic that the tally lacks.
    fn where_any(tally: &Tally, question: &Question<'_>, arm: &str) -> Self {
        let axes = tally.axes();
        let (arm, topic) = (axes.arm(arm), axes.topic(question.topic));
        let mut strata = vec![(Vec::new(), Vec::new()); axes.strata().len()];
        for slab in axes.slabs().filter(|slab| Some(slab.arm) == arm) {
            let (topics, alls) = &mut strata[slab.stratum];
            topics.extend(topic.map(|topic| axes.topic_cell(slab, topic)));
            alls.push(match question.denominator {
                Denominator::AllImpressions => axes.all_cell(slab),
                Denominator::TaggedImpressions => axes.tagged_cell(slab),
            });
        }
        Self { strata }
    }
}

fn require_arm(tally: &Tally, arm: &str) -> Result<(), Error> {
    let axes = tally.axes();
    if axes.arm(arm).is_some() {
        return Ok(());
    }
    Err(Error::UnknownArm { arm: arm.to_owned(), available: axes.arms().to_vec() })
}

/// The total of each column.
pub(super) fn totals(columns: &[Vec<f64>]) -> Vec<f64> {
    columns.iter().map(|column| compensated_sum(column)).collect()
}

/// A sum whose error does not grow with its length (Neumaier 1974).
pub(super) fn compensated_sum(values: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for &value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}
