//! What an answer must know beside its interval: totals, squares, how many clusters there are. For
//! pooled shares all of it comes from sums over cells and from which clusters belong to an arm, so
//! that a topic more need not be looked at cluster by cluster.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Query;
use super::arms::{ArmBlock, ArmCells, index};
use super::question::TopicQuestion;
use crate::estimate::{ArmLabels, ArmTotals, ClusterCounts};
use crate::question::estimand::Unit;
use crate::statistic::{Cell, Over, Quantity, Side, Statistic, Undefined};
use crate::tally::{CellSum, Mass, Squares, Tally};

/// Totals of two arms, and of their clusters.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    cells: Vec<Cell>,
    totals: Vec<f64>,
    arms: [ArmState; 2],
    clusters: ClusterCounts,
    made_of: MadeOf,
    /// Whether some impression's mass is not a whole number.
    is_weighed: bool,
    /// Whether the baseline is an arm.
    has_baseline: bool,
    /// Of clusters that are compared with themselves, how many cannot be: in the treatment alone, in the baseline
    /// alone, and without the topic.
    not_compared: [u64; 3],
    /// By cell over a stratum, how many impressions the arm has there; 0 for others.
    in_stratum: Vec<u64>,
    /// By arm, what labels by hand said, where they correct others.
    labels: [Option<ArmLabels>; 2],
    /// Why there are no corrected shares, where there were to be some.
    not_corrected: Option<Undefined>,
}

/// What contributions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MadeOf {
    /// Masses of impressions, so that the naive error means something.
    Impressions,
    /// What the unit makes of each cluster.
    Clusters,
    /// Made of such masses, so that totals of the arms are those of the columns.
    Masses,
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

impl Summary {
    /// A summary to which no cluster has been added yet.
    pub(super) fn new(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        attention: usize,
        arms: &[ArmCells; 2],
        cells: Vec<Cell>,
    ) -> Self {
        let is_weighed =
            (0..tally.block_count()).any(|block| !tally.block_is_of_counts(block, attention));
        let state = |arm: &ArmCells| {
            let mut state = ArmState::default();
            for (topic, all) in arm.strata() {
                let squares = |cell: &u32| tally.squares_under(attention, *cell);
                topic.iter().map(squares).for_each(|more| state.topic_squares += more);
                all.iter().map(squares).for_each(|more| state.all_squares += more);
            }
            state
        };
        Self {
            not_compared: [0; 3],
            in_stratum: vec![0; cells.len()],
            labels: [None; 2],
            not_corrected: None,
            cells,
            totals: Vec::new(),
            arms: [state(&arms[0]), state(&arms[1])],
            clusters: counts(std::iter::empty()),
            made_of: match question.unit {
                _ if question.correction.is_some() => MadeOf::Masses,
                Unit::Within => MadeOf::Masses,
                Unit::Pooled => MadeOf::Impressions,
                Unit::ClusterMean | Unit::Reach(_) => MadeOf::Clusters,
            },
            is_weighed,
            has_baseline: arms[1].strata().iter().any(|(_, all)| !all.is_empty()),
        }
    }

    /// What is known of columns that no tally made: totals and clusters, nothing of impressions.
    pub(super) fn of_columns(cells: Vec<Cell>, totals: Vec<f64>, present: &[[bool; 2]]) -> Self {
        Self {
            not_compared: [0; 3],
            in_stratum: vec![0; cells.len()],
            labels: [None; 2],
            not_corrected: None,
            cells,
            totals,
            arms: [ArmState::default(); 2],
            clusters: counts(present.iter().copied()),
            made_of: MadeOf::Clusters,
            is_weighed: true,
            has_baseline: true,
        }
    }

    /// Adds a block's impressions in the stratum of a cell.
    pub(super) fn add_in_stratum(&mut self, cell: usize, sums: &ArmBlock) {
        self.in_stratum[cell] += sums.all.counts.iter().sum::<u64>();
    }

    /// How many impressions an arm has where a cell looks; 0 where nothing is known of them.
    pub(super) fn impressions(&self, cell: usize) -> u64 {
        match self.cells[cell].over {
            Over::AllStrata => self.arms[index(self.cells[cell].side)].all.count,
            Over::Stratum(_) | Over::Named(_) => self.in_stratum[cell],
        }
    }

    /// Adds the clusters of a block to an arm, and says which of them belong to it.
    pub(super) fn add(&mut self, side: usize, sums: &ArmBlock, unit: Unit) -> Vec<bool> {
        let state = &mut self.arms[side];
        state.topic += sums.topic.total();
        state.all += sums.all.total();
        let members = sums.members(unit);
        state.without_mass += without_mass(sums, &members);
        if unit != Unit::Pooled {
            let mut values = Vec::with_capacity(members.len());
            sums.contributions(unit, Quantity::Topic, &mut values);
            state.totals.0 += values.iter().sum::<f64>();
            values.clear();
            sums.contributions(unit, Quantity::All, &mut values);
            state.totals.1 += values.iter().sum::<f64>();
        }
        members
    }

    /// Ends adding, with the sums of the contributions; masses are summed more exactly.
    pub(super) fn finish(&mut self, totals: Vec<f64>, present: &[[bool; 2]]) {
        let exact = |(cell, total): (&Cell, f64)| match (self.made_of, cell.over) {
            (MadeOf::Impressions, Over::AllStrata) => self.mass(*cell).unwrap_or(total),
            _ => total,
        };
        self.totals = self.cells.iter().zip(totals).map(exact).collect();
        self.clusters = counts(present.iter().copied());
        if self.made_of != MadeOf::Masses {
            return;
        }
        for (cell, total) in self.cells.iter().zip(&self.totals) {
            let of_arm = &mut self.arms[index(cell.side)].totals;
            match cell.quantity {
                Quantity::Topic => of_arm.0 = *total,
                Quantity::All => of_arm.1 = *total,
                Quantity::OtherTopic(_) => {}
            }
        }
    }

    /// Notes how many clusters cannot be compared with themselves, of all that there are.
    pub(super) fn note_compared(&mut self, present: &[[bool; 2]], compared: usize) {
        let ClusterCounts { treatment, baseline, both, .. } = counts(present.iter().copied());
        self.not_compared = [treatment - both, baseline - both, both - compared as u64];
    }

    /// Notes what labels by hand said, and why there are no corrected shares if there are none.
    pub(super) fn note_labels(
        &mut self,
        labels: [Option<ArmLabels>; 2],
        not_corrected: Option<Undefined>,
    ) {
        (self.labels, self.not_corrected) = (labels, not_corrected);
        if not_corrected.is_some() {
            // What is not corrected is not to be taken for what is.
            self.arms.iter_mut().for_each(|arm| arm.totals = (0.0, 0.0));
        }
    }

    /// Whether the totals are of something that was made of masses.
    pub(super) fn is_reshaped(&self) -> bool {
        self.made_of == MadeOf::Masses
    }

    /// By arm, what labels by hand said.
    pub(super) fn labels(&self) -> [Option<ArmLabels>; 2] {
        self.labels
    }

    /// Why there are no corrected shares, where there were to be some.
    pub(super) fn not_corrected(&self) -> Option<Undefined> {
        self.not_corrected
    }

    /// How many clusters cannot be compared with themselves: in the treatment alone, in the baseline alone, and
    /// without the topic.
    pub(super) fn not_compared(&self) -> [u64; 3] {
        self.not_compared
    }

    /// The mass of a quantity over all strata; not known of other topics.
    fn mass(&self, cell: Cell) -> Option<f64> {
        let state = &self.arms[index(cell.side)];
        match cell.quantity {
            Quantity::Topic => Some(state.topic.mass.get()),
            Quantity::All => Some(state.all.mass.get()),
            Quantity::OtherTopic(_) => None,
        }
    }

    /// Whether some impression's mass is not a whole number.
    pub(super) const fn has_baseline(&self) -> bool {
        self.has_baseline
    }

    pub(super) const fn is_weighed(&self) -> bool {
        self.is_weighed
    }

    /// The totals, in the order of the statistic's cells.
    pub(super) fn totals(&self) -> &[f64] {
        &self.totals
    }

    /// The cells that the totals belong to.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// How many clusters there are, and how the arms share them.
    pub(super) fn clusters(&self) -> ClusterCounts {
        self.clusters
    }

    /// Whether an arm that matters has but one cluster.
    pub(super) fn is_single(&self) -> bool {
        let needed = |side| self.cells.iter().any(|cell| cell.side == side);
        (needed(Side::Treatment) && self.clusters.treatment < 2)
            || (needed(Side::Baseline) && self.clusters.baseline < 2)
    }

    /// Whether an arm that matters shows nothing of the topic or nothing else; not known of sums that were
    /// made elsewhere.
    pub(super) fn is_at_limit(&self) -> bool {
        // Corrected shares are above 0 and below 1.
        if self.labels.iter().any(Option::is_some) {
            return false;
        }
        [Side::Treatment, Side::Baseline].into_iter().any(|side| {
            let arm = &self.arms[index(side)];
            let (topic, all) = (arm.topic.mass, arm.all.mass);
            let needed = self.cells.iter().any(|cell| cell.side == side);
            needed && all != Mass::ZERO && (topic == Mass::ZERO || topic == all)
        })
    }

    /// Whether contributions are masses of impressions.
    pub(super) fn of_impressions(&self) -> bool {
        self.made_of == MadeOf::Impressions
    }

    /// What an arm showed, in the unit of the question.
    pub(super) fn arm(&self, side: Side) -> ArmTotals {
        let state = &self.arms[index(side)];
        let (topic, all) = if self.of_impressions() {
            (state.topic.mass.get(), state.all.mass.get())
        } else {
            state.totals
        };
        ArmTotals {
            impressions: state.all.count,
            topic_impressions: state.topic.count,
            topic,
            all,
            // Weighted sums round: a share of one is no more than that.
            share: (all > 0.0).then(|| (topic / all).min(1.0)),
        }
    }

    /// Clusters with impressions but no mass in an arm, where that leaves them out.
    pub(super) fn without_mass(&self, side: Side) -> u64 {
        self.arms[index(side)].without_mass
    }

    /// The relative error that rounding masses to the fixed-point unit may have left in an arm's
    /// share, if that shows in the ninth digit.
    pub(super) fn resolution(&self, side: Side) -> Option<f64> {
        let state = &self.arms[index(side)];
        let error = |sum: CellSum| {
            let worst = sum.count as f64 * 0.5_f64.powi(Mass::FRACTION_BITS as i32 + 1);
            if sum.count == 0 || !self.is_weighed { 0.0 } else { worst / sum.mass.get() }
        };
        let worst = error(state.topic) + error(state.all);
        (worst > 1e-9).then_some(worst.min(1.0))
    }

    /// Sums of squares of an arm: of the topic, of the topic with the whole, and of the whole.
    pub(super) fn squares(&self, side: Side) -> [f64; 3] {
        let state = &self.arms[index(side)];
        let (topic, all) = (state.topic_squares, state.all_squares);
        [topic.own.get(), topic.cross.get(), all.own.get()]
    }
}

fn counts(present: impl Iterator<Item = [bool; 2]>) -> ClusterCounts {
    let (mut treatment, mut baseline, mut both) = (0, 0, 0);
    for [first, second] in present {
        treatment += u64::from(first);
        baseline += u64::from(second);
        both += u64::from(first & second);
    }
    ClusterCounts::new(treatment, baseline, both)
}

fn without_mass(sums: &ArmBlock, members: &[bool]) -> u64 {
    let left_out = sums.all.counts.iter().zip(members).filter(|(count, is)| **count > 0 && !**is);
    left_out.count() as u64
}

/// What several questions about pooled shares have in common: made once for all of them.
pub(super) struct Shared {
    /// By attention model, the total of each cell.
    totals: HashMap<usize, Vec<CellSum>, RandomState>,
}

impl Shared {
    /// For the questions that are about pooled shares over all strata. What is wrong with a
    /// question is found when it is answered.
    pub(super) fn of(tally: &Tally, asked: &[Query<'_>]) -> Self {
        let mut shared = Self { totals: HashMap::default() };
        for Query { question, statistic } in asked {
            let Ok(attention) = tally.attention(question.attention) else {
                continue;
            };
            if !is_pooled(tally, question, *statistic) {
                continue;
            }
            shared.totals.entry(attention).or_insert_with(|| tally.totals_under(attention));
        }
        shared
    }

    /// The total of a cell under an attention model, if it is known.
    pub(super) fn total(&self, attention: usize, cell: u32) -> Option<CellSum> {
        self.totals.get(&attention)?.get(cell as usize).copied()
    }
}

fn is_pooled(tally: &Tally, question: &TopicQuestion<'_>, statistic: &dyn Statistic) -> bool {
    let cells = statistic.cells(tally.axes().strata().len());
    question.unit == Unit::Pooled && cells.iter().all(|cell| cell.over == Over::AllStrata)
}
