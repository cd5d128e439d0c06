//! The cells of a tally that are an arm's, and sums over them.

use super::question::TopicQuestion;
use crate::error::Error;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Reach, Unit};
use crate::statistic::{Quantity, Side, Statistic};
use crate::tally::{CellSum, Mass, Tally};

/// The cells of a tally that belong to one arm of the question: one per stratum and window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ArmCells {
    /// By stratum, the cells of the topic and those of all impressions.
    pub(super) strata: Vec<(Vec<u32>, Vec<u32>)>,
    /// By other topic that a statistic looks at, and stratum, its cells.
    others: Vec<Vec<Vec<u32>>>,
}

/// Sums of a block's clusters in one arm.
#[derive(Default)]
pub(super) struct ArmBlock {
    pub(super) topic: BlockSums,
    pub(super) all: BlockSums,
    others: Vec<BlockSums>,
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

    pub(super) fn mass(&self, at: usize) -> f64 {
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
        (arm, strata): (&ArmCells, std::ops::Range<usize>),
    ) {
        let cells = |quantity| arm.cells(strata.clone(), quantity).collect::<Vec<u32>>();
        self.topic.load(tally, block, attention, &cells(Quantity::Topic));
        self.all.load(tally, block, attention, &cells(Quantity::All));
        self.others.resize_with(arm.others.len(), BlockSums::default);
        for (at, sums) in self.others.iter_mut().enumerate() {
            sums.load(tally, block, attention, &cells(Quantity::OtherTopic(at)));
        }
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
            Unit::Pooled | Unit::ClusterMean | Unit::Within if !self.all.masses.is_empty() => {
                self.all.masses.iter().map(|mass| *mass > Mass::ZERO).collect()
            }
            _ => self.all.counts.iter().map(|count| *count > 0).collect(),
        }
    }

    /// Each cluster's contribution, in the unit of the estimand; 0 for one that is not of the arm.
    pub(super) fn contributions(&self, unit: Unit, quantity: Quantity, values: &mut Vec<f64>) {
        let flag = |holds: bool| f64::from(u8::from(holds));
        let all = &self.all;
        let topic = match quantity {
            Quantity::OtherTopic(at) => &self.others[at],
            Quantity::Topic | Quantity::All => &self.topic,
        };
        match (unit, quantity) {
            (Unit::Pooled | Unit::Within, Quantity::All) => all.masses_to(values),
            (Unit::Pooled | Unit::Within, _) => topic.masses_to(values),
            (Unit::ClusterMean, Quantity::All) => {
                values.extend(self.members(unit).into_iter().map(flag));
            }
            (Unit::ClusterMean, _) => values.extend((0..self.len()).map(|at| {
                let all = all.mass(at);
                if all > 0.0 { topic.mass(at) / all } else { 0.0 }
            })),
            (Unit::Reach(_), Quantity::All) => {
                values.extend(all.counts.iter().map(|count| flag(*count > 0)));
            }
            (Unit::Reach(Reach { impressions, mass }), _) => {
                values.extend((0..self.len()).map(|at| {
                    let count = topic.counts[at];
                    flag(count >= impressions && count > 0 && topic.mass(at) >= mass)
                }));
            }
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
    /// The cells of treatment and baseline, of the topic asked about and of the others that a statistic looks at.
    pub(super) fn of_both(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
    ) -> Result<[Self; 2], Error> {
        let others = statistic.other_topics();
        if let Some(missing) = others.iter().find(|other| tally.axes().topic(other).is_none()) {
            return Err(unknown_topic(tally, missing));
        }
        let arms = Self::of_both_but_others(tally, question)?;
        Ok(arms.map(|arm| arm.with_others(tally, others)))
    }

    /// With the cells of other topics, each in the places where the topic's would be.
    pub(super) fn with_others(self, tally: &Tally, others: &[String]) -> Self {
        let axes = tally.axes();
        let of = |other: &String| {
            let at = axes.topic(other);
            let of_stratum = |(_, alls): &(Vec<u32>, Vec<u32>)| {
                let cells = alls.iter().filter_map(|&all| Some((axes.cell(all).0, at?)));
                cells.map(|(slab, at)| axes.topic_cell(slab, at)).collect()
            };
            self.strata.iter().map(of_stratum).collect()
        };
        let others = others.iter().map(of).collect();
        Self { others, ..self }
    }

    fn of_both_but_others(tally: &Tally, question: &TopicQuestion<'_>) -> Result<[Self; 2], Error> {
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
    pub(super) fn none(tally: &Tally) -> Self {
        let strata = vec![(Vec::new(), Vec::new()); tally.axes().strata().len()];
        Self { strata, others: Vec::new() }
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
        let cells = move |stratum: usize| match quantity {
            Quantity::Topic => &self.strata[stratum].0,
            Quantity::All => &self.strata[stratum].1,
            Quantity::OtherTopic(at) => &self.others[at][stratum],
        };
        strata.flat_map(cells).copied()
    }

    /// The cells of treatment and baseline, those of a topic only if there is one of that name.
    pub(super) fn of_both_without_topic(
        tally: &Tally,
        question: &TopicQuestion<'_>,
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

    fn of(tally: &Tally, question: &TopicQuestion<'_>, arm: &str) -> Result<Self, Error> {
        let axes = tally.axes();
        require_arm(tally, arm)?;
        if axes.topic(question.topic).is_none() {
            return Err(unknown_topic(tally, question.topic));
        }
        Ok(Self::where_any(tally, question, arm))
    }

    /// Those of one window.
    pub(super) fn within(mut self, tally: &Tally, window: usize) -> Self {
        let pairs = self.strata.iter_mut().flat_map(|(topic, all)| [topic, all]);
        for cells in pairs.chain(self.others.iter_mut().flatten()) {
            cells.retain(|cell| tally.axes().cell(*cell).0.window == window);
        }
        self
    }

    /// The cells that there are: none of an arm or a topic that the tally lacks.
    pub(super) fn where_any(tally: &Tally, question: &TopicQuestion<'_>, arm: &str) -> Self {
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
        Self { strata, others: Vec::new() }
    }
}

fn unknown_topic(tally: &Tally, topic: &str) -> Error {
    Error::UnknownTopic { topic: topic.to_owned(), available: tally.axes().topics().to_vec() }
}

fn require_arm(tally: &Tally, arm: &str) -> Result<(), Error> {
    let axes = tally.axes();
    if axes.arm(arm).is_some() {
        return Ok(());
    }
    Err(Error::UnknownArm { arm: arm.to_owned(), available: axes.arms().to_vec() })
}
