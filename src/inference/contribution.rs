//! Each cluster's contribution to the totals of a question: the only thing that inference works
//! on. The unit of the estimand (pooled, cluster mean, reach) is applied here.

use ndarray::{Array2, ArrayView1, Axis};

use crate::attention::Attention;
use crate::baseline::Baseline;
use crate::error::Error;
use crate::estimand::{Denominator, Estimand, Reach, Unit};
use crate::estimate::{ArmTotals, ClusterCounts, Relation};
use crate::statistic::{Cell, Over, Quantity, Side, Statistic};
use crate::tally::{CellSum, Mass, Squares, Tally};

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
            phrase: statistic.phrase().to_owned(),
            topic: self.topic.to_owned(),
            treatment: self.treatment.to_owned(),
            baseline: self.baseline.clone(),
            unit: self.unit,
            denominator: self.denominator,
            attention: self.attention.clone(),
            multi_label: spec.multi_label,
            cluster: spec.cluster.clone(),
        }
    }
}

/// What each cluster adds to each total that a statistic needs.
///
/// `values` is clusters x cells: row c holds the contribution of cluster c, in the order of the
/// clusters' keys, and the totals are its column sums. Only clusters with impressions in one of
/// the two arms are in it.
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
    values: Array2<f64>,
    /// For each cluster, whether it has impressions in the treatment and in the baseline.
    present: Vec<[bool; 2]>,
    cells: Vec<Cell>,
    arms: [ArmState; 2],
    /// Whether contributions are masses of impressions, so that the naive error means something.
    of_impressions: bool,
}

/// Totals of one arm over all strata and windows, as the tally holds them.
#[derive(Clone, Copy, Debug, Default)]
struct ArmState {
    topic: CellSum,
    all: CellSum,
    topic_squares: Squares,
    all_squares: Squares,
    without_mass: u64,
    totals: (f64, f64),
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
    pub(super) topic: Vec<CellSum>,
    pub(super) all: Vec<CellSum>,
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
        let arms = ArmCells::of_both(tally, question)?;
        let attention = tally.attention(question.attention)?;
        let cells = statistic.cells(tally.axes().strata().len());
        let mut made = Self {
            values: Array2::zeros((0, cells.len())),
            present: Vec::with_capacity(tally.clusters()),
            arms: [0, 1].map(|side| arms[side].squares(tally, attention)),
            of_impressions: question.unit == Unit::Pooled,
            cells,
        };
        let mut flat = Vec::with_capacity(tally.clusters() * made.cells.len());
        let mut sums = [0, 1].map(|_| ArmBlock::default());
        let mut strata: Vec<ArmBlock> = made.cells.iter().map(|_| ArmBlock::default()).collect();
        for block in 0..tally.block_count() {
            for (sums, arm) in sums.iter_mut().zip(&arms) {
                sums.load(tally, block, attention, &arm.strata);
            }
            for (sums, cell) in strata.iter_mut().zip(&made.cells) {
                if let Over::Stratum(at) = cell.over {
                    let arm = &arms[index(cell.side)];
                    sums.load(tally, block, attention, &arm.strata[at..=at]);
                }
            }
            made.add_block(tally.block_clusters(block).len(), question, &sums, &strata, &mut flat);
        }
        made.values = Array2::from_shape_vec((made.present.len(), made.cells.len()), flat)
            .expect("one value per cluster and cell");
        Ok(made)
    }

    /// Adds the clusters of a block: those with impressions in one of the two arms.
    fn add_block(
        &mut self,
        clusters: usize,
        question: &Question<'_>,
        sums: &[ArmBlock; 2],
        strata: &[ArmBlock],
        flat: &mut Vec<f64>,
    ) {
        for at in 0..clusters {
            let here = [0, 1].map(|side| sums[side].all[at].count > 0);
            if here == [false, false] {
                continue;
            }
            self.present.push(here);
            for side in [0, 1].into_iter().filter(|&side| here[side]) {
                let arm: &ArmBlock = &sums[side];
                self.arms[side].add(arm.topic[at], arm.all[at], question.unit);
            }
            for (cell, stratum) in self.cells.iter().zip(strata) {
                let side = index(cell.side);
                let arm = match cell.over {
                    Over::AllStrata => &sums[side],
                    Over::Stratum(_) => stratum,
                };
                flat.push(if here[side] {
                    in_unit(question.unit, cell.quantity, arm.topic[at], arm.all[at])
                } else {
                    0.0
                });
            }
        }
    }

    /// The contribution of each cluster: clusters x cells.
    #[must_use]
    pub fn values(&self) -> &Array2<f64> {
        &self.values
    }

    /// The totals, in the order of the statistic's cells.
    #[must_use]
    pub fn totals(&self) -> Vec<f64> {
        self.values.axis_iter(Axis(1)).map(compensated_sum).collect()
    }

    /// For each cluster, whether it has impressions in the treatment and in the baseline.
    pub(super) fn present(&self) -> &[[bool; 2]] {
        &self.present
    }

    /// The cells that the totals belong to.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Whether an arm that matters has but one cluster.
    pub(super) fn is_single(&self) -> bool {
        let counts = self.clusters();
        let needed = |side| self.cells.iter().any(|cell| cell.side == side);
        (needed(Side::Treatment) && counts.treatment < 2)
            || (needed(Side::Baseline) && counts.baseline < 2)
    }

    /// Whether contributions are masses of impressions.
    pub(super) fn of_impressions(&self) -> bool {
        self.of_impressions
    }

    /// How many clusters there are, and how the arms share them.
    #[must_use]
    pub fn clusters(&self) -> ClusterCounts {
        let count =
            |is: fn(&[bool; 2]) -> bool| self.present.iter().filter(|p| is(p)).count() as u64;
        let both = count(|p| p[0] && p[1]);
        ClusterCounts {
            treatment: count(|p| p[0]),
            baseline: count(|p| p[1]),
            both,
            relation: if both == 0 { Relation::Nested } else { Relation::Crossed },
        }
    }

    /// What an arm showed, in the unit of the question.
    #[must_use]
    pub fn arm(&self, side: Side) -> ArmTotals {
        let state = &self.arms[index(side)];
        let (topic, all) = if self.of_impressions {
            (state.topic.mass.get(), state.all.mass.get())
        } else {
            state.totals
        };
        ArmTotals {
            impressions: state.all.count,
            topic_impressions: state.topic.count,
            topic,
            all,
            share: (all > 0.0).then(|| topic / all),
        }
    }

    /// Clusters with impressions but no mass in an arm, where that leaves them out.
    pub(super) fn without_mass(&self, side: Side) -> u64 {
        self.arms[index(side)].without_mass
    }

    /// Whether rounding an arm's masses to the fixed-point unit may matter in the ninth digit.
    pub(super) fn is_coarse(&self, side: Side) -> bool {
        let all = self.arms[index(side)].all;
        let worst = all.count as f64 * 0.5_f64.powi(Mass::FRACTION_BITS as i32 + 1);
        all.count > 0 && worst > 1e-9 * all.mass.get()
    }

    /// Sums of squares of an arm: of the topic, of the topic with the whole, and of the whole.
    pub(super) fn squares(&self, side: Side) -> [f64; 3] {
        let state = &self.arms[index(side)];
        let (topic, all) = (state.topic_squares, state.all_squares);
        [topic.own.get(), topic.cross.get(), all.own.get()]
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
        let Baseline::Arm(baseline) = question.baseline;
        if question.treatment == baseline {
            return Err(Error::SameArm { arm: baseline.clone() });
        }
        Ok([Self::of(tally, question, question.treatment)?, Self::of(tally, question, baseline)?])
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

    fn of(tally: &Tally, question: &Question<'_>, arm: &str) -> Result<Self, Error> {
        let axes = tally.axes();
        let at = axes.arm(arm).ok_or_else(|| Error::UnknownArm {
            arm: arm.to_owned(),
            available: axes.arms().to_vec(),
        })?;
        let topic = axes.topic(question.topic).ok_or_else(|| Error::UnknownTopic {
            topic: question.topic.to_owned(),
            available: axes.topics().to_vec(),
        })?;
        let mut strata = vec![(Vec::new(), Vec::new()); axes.strata().len()];
        for slab in axes.slabs().filter(|slab| slab.arm == at) {
            let (topics, alls) = &mut strata[slab.stratum];
            topics.push(axes.topic_cell(slab, topic));
            alls.push(match question.denominator {
                Denominator::AllImpressions => axes.all_cell(slab),
                Denominator::TaggedImpressions => axes.tagged_cell(slab),
            });
        }
        Ok(Self { strata })
    }

    /// The arm's state before any cluster is added.
    fn squares(&self, tally: &Tally, attention: usize) -> ArmState {
        let mut state = ArmState::default();
        for (topic, all) in &self.strata {
            topic.iter().for_each(|&c| state.topic_squares += tally.squares_under(attention, c));
            all.iter().for_each(|&c| state.all_squares += tally.squares_under(attention, c));
        }
        state
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
        let clusters = tally.block_clusters(block).len();
        for sums in [&mut self.topic, &mut self.all] {
            sums.clear();
            sums.resize(clusters, CellSum::default());
        }
        for (topic, all) in strata {
            for (sums, cells) in [(&mut self.topic, topic), (&mut self.all, all)] {
                for &cell in cells {
                    tally
                        .column_of_block(block, cell, attention)
                        .for_each(|(at, sum)| sums[at] += sum);
                }
            }
        }
    }
}

/// A cluster's contribution from its sums of the topic and of all, in the unit of the estimand.
pub(super) fn in_unit(unit: Unit, quantity: Quantity, topic: CellSum, all: CellSum) -> f64 {
    let flag = |holds: bool| f64::from(u8::from(holds));
    match (unit, quantity) {
        (Unit::Pooled, Quantity::Topic) => topic.mass.get(),
        (Unit::Pooled, Quantity::All) => all.mass.get(),
        (Unit::ClusterMean, _) if all.mass == Mass::ZERO => 0.0,
        (Unit::ClusterMean, Quantity::Topic) => topic.mass.get() / all.mass.get(),
        (Unit::ClusterMean, Quantity::All) => 1.0,
        (Unit::Reach(Reach { impressions, mass }), Quantity::Topic) => {
            flag(topic.count >= impressions && topic.count > 0 && topic.mass.get() >= mass)
        }
        (Unit::Reach(_), Quantity::All) => flag(all.count > 0),
    }
}

impl ArmState {
    fn add(&mut self, topic: CellSum, all: CellSum, unit: Unit) {
        self.topic += topic;
        self.all += all;
        if unit == Unit::ClusterMean && all.mass == Mass::ZERO {
            self.without_mass += 1;
        }
        self.totals.0 += in_unit(unit, Quantity::Topic, topic, all);
        self.totals.1 += in_unit(unit, Quantity::All, topic, all);
    }
}

/// A sum whose error does not grow with its length (Neumaier 1974).
pub(super) fn compensated_sum(values: ArrayView1<'_, f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for &value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}
