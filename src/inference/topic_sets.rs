//! What each cluster contributes to sets of topics, by the same rules as to single ones: a set is shown
//! where one of its topics is. It knows nothing of what a set stands for.

use super::arms::{ArmBlock, ArmCells};
use super::question::TopicQuestion;
use super::sums::ClusterSums;
use crate::error::Error;
use crate::log::ClusterKey;
use crate::statistic::Quantity;
use crate::tally::Tally;

/// The contributions of the clusters of two arms to sets of topics: masses, shares or whether they were
/// reached. The sum over several topics is that of a set only where no impression has two of them.
#[derive(Clone, Debug)]
pub(crate) struct TopicSets {
    keys: Vec<ClusterKey>,
    present: Vec<[bool; 2]>,
    /// Of all impressions, in treatment and baseline.
    all: [Vec<f64>; 2],
    /// By set, the same of its topics.
    sets: Vec<[Vec<f64>; 2]>,
}

impl TopicSets {
    /// The contributions to sets of topics, given by their places among the axes' topics. The question's
    /// own topic does not count.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::SameArm`] and [`Error::UnknownAttention`].
    pub(crate) fn of(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        sets: &[Vec<usize>],
    ) -> Result<Self, Error> {
        let attention = tally.attention(question.attention)?;
        let arms = ArmCells::of_both_without_topic(tally, question)?;
        let cells = [0, 1].map(|side: usize| {
            let cells = |set: &Vec<usize>| arms[side].of_topics(tally, set);
            sets.iter().map(cells).collect::<Vec<Vec<u32>>>()
        });
        let mut made = Self {
            keys: Vec::new(),
            present: Vec::new(),
            all: Default::default(),
            sets: vec![Default::default(); sets.len()],
        };
        let mut sums = [0, 1].map(|_| ArmBlock::default());
        for block in 0..tally.block_count() {
            for (sums, arm) in sums.iter_mut().zip(&arms) {
                sums.load_all(tally, block, attention, arm.strata());
            }
            let here = [0, 1].map(|side: usize| sums[side].members(question.unit));
            let keep: Vec<bool> = here[0].iter().zip(&here[1]).map(|(a, b)| a | b).collect();
            let places = tally.block_clusters(block);
            let kept = places.zip(here[0].iter().zip(&here[1])).filter(|(_, (a, b))| **a || **b);
            for (place, (&a, &b)) in kept {
                made.keys.push(tally.keys()[place]);
                made.present.push([a, b]);
            }
            for side in 0..2 {
                let column = &mut made.all[side];
                append(&sums[side], question, Quantity::All, &keep, column);
                for (set, cells) in made.sets.iter_mut().zip(&cells[side]) {
                    sums[side].load_topic(tally, block, attention, cells);
                    append(&sums[side], question, Quantity::Topic, &keep, &mut set[side]);
                }
            }
        }
        Ok(made)
    }

    /// The totals alone of all impressions and of each set, in treatment and baseline; for many sets.
    ///
    /// # Errors
    /// Those of [`of`](Self::of).
    pub(crate) fn totals(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        sets: &[Vec<usize>],
    ) -> Result<([f64; 2], Vec<[f64; 2]>), Error> {
        /// Sets whose contributions are held at once.
        const AT_ONCE: usize = 16;
        let all = Self::of(tally, question, &[])?.all();
        let mut totals = Vec::with_capacity(sets.len());
        for some in sets.chunks(AT_ONCE) {
            let made = Self::of(tally, question, some)?;
            totals.extend((0..some.len()).map(|set| made.total(set)));
        }
        Ok((all, totals))
    }

    /// The totals of all impressions, in treatment and baseline.
    pub(crate) fn all(&self) -> [f64; 2] {
        [0, 1].map(|side: usize| super::lanes::compensated_sum(&self.all[side]))
    }

    /// The totals of a set, in treatment and baseline.
    pub(crate) fn total(&self, set: usize) -> [f64; 2] {
        [0, 1].map(|side: usize| super::lanes::compensated_sum(&self.sets[set][side]))
    }

    /// Sums by cluster: of all impressions in treatment and baseline, then of each of these sets.
    pub(crate) fn sums(&self, sets: &[usize]) -> ClusterSums {
        let chosen = || sets.iter().map(|&set| &self.sets[set]);
        let mut sums = ClusterSums::new(2 + 2 * sets.len());
        let mut row = Vec::with_capacity(2 + 2 * sets.len());
        for (cluster, (&key, &present)) in self.keys.iter().zip(&self.present).enumerate() {
            row.clear();
            let columns = [&self.all].into_iter().chain(chosen());
            row.extend(columns.flat_map(|both| [both[0][cluster], both[1][cluster]]));
            sums.push(key, present, &row);
        }
        sums
    }
}

/// Appends the contributions of the clusters of a block that are kept.
fn append(
    sums: &ArmBlock,
    question: &TopicQuestion<'_>,
    quantity: Quantity,
    keep: &[bool],
    column: &mut Vec<f64>,
) {
    let mut values = Vec::with_capacity(keep.len());
    sums.contributions(question.unit, quantity, &mut values);
    let kept = values.into_iter().zip(keep).filter(|(_, keep)| **keep);
    column.extend(kept.map(|(value, _)| value));
}
