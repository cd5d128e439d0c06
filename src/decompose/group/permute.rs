//! The permutation test of the label: what would be said of the group had its members been others.

use rayon::prelude::*;

use super::{LabelTest, PermutationCount};
use crate::error::Error;
use crate::estimate::NoTest;
use crate::inference::{Assignments, TopicQuestion};
use crate::question::estimand::{Reach, Unit};
use crate::tally::{Mass, Tally};

/// Differences that are closer than this, relative to what they are made of, are equal: sums in another
/// order differ in their last bits.
const ROUNDING: f64 = 1e-12;

/// How members are permuted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Draws {
    pub(super) replicates: u32,
    pub(super) seed: u64,
}

impl Draws {
    /// Tests a difference between the members of the group and the others. `difference` gets who is in
    /// the group and gives the difference, with the size of what it is made of; `None` without a value.
    pub(super) fn test(
        self,
        in_group: &[bool],
        difference: impl Fn(&[bool]) -> Option<(f64, f64)> + Sync,
    ) -> LabelTest {
        let group = in_group.iter().filter(|is| **is).count();
        let mut made = LabelTest {
            p: Err(NoTest::NothingToPermute),
            difference: None,
            arrangements: PermutationCount::All(0),
            group: group as u64,
            others: (in_group.len() - group) as u64,
            without_value: 0,
        };
        if made.group == 0 || made.others == 0 {
            return made;
        }
        let Some((observed, size)) = difference(in_group) else {
            made.p = Err(NoTest::UndefinedValue);
            return made;
        };
        made.difference = Some(observed).filter(|its| its.is_finite());
        let least = observed.abs() - ROUNDING * size;
        let present: Vec<[bool; 2]> = in_group.iter().map(|&is| [is, !is]).collect();
        let design = Assignments::new(&present, |_| 0);
        let all = design.assignments(self.replicates);
        let count = |room: &mut (Vec<bool>, Vec<bool>), replicate: u32| {
            let (moved, now) = room;
            match all {
                Some(_) => design.nth(replicate, moved),
                None => design.draw(self.seed, replicate, moved),
            }
            now.iter_mut().zip(in_group).zip(&*moved).for_each(|((now, is), moved)| {
                *now = is ^ moved;
            });
            match difference(now) {
                Some((other, size)) => (u64::from(other.abs() + ROUNDING * size >= least), 0),
                None => (1, 1),
            }
        };
        let of = all.unwrap_or(self.replicates);
        let room = || (vec![false; in_group.len()], vec![false; in_group.len()]);
        let replicates = (0..of).into_par_iter().map_init(room, count);
        let (beyond, without): (u64, u64) =
            replicates.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let (beyond, drawn) = (beyond as f64, f64::from(of));
        made.without_value = without;
        (made.p, made.arrangements) = match all {
            Some(_) => (Ok(beyond / drawn), PermutationCount::All(u64::from(of))),
            None => (Ok((1.0 + beyond) / (1.0 + drawn)), PermutationCount::Drawn(u64::from(of))),
        };
        made
    }
}

/// The difference of the means of some numbers, of those in the group less the others.
pub(super) fn difference_of_means(values: &[f64], in_group: &[bool]) -> Option<(f64, f64)> {
    let (mut sums, mut counts, mut size) = ([0.0; 2], [0.0; 2], 0.0_f64);
    for (&value, &is) in values.iter().zip(in_group) {
        sums[usize::from(is)] += value;
        counts[usize::from(is)] += 1.0;
        size = size.max(value.abs());
    }
    (counts[0] > 0.0 && counts[1] > 0.0).then(|| (sums[1] / counts[1] - sums[0] / counts[0], size))
}

/// The log ratio of the group less that of the others, from what either has in treatment and baseline.
/// Overall totals cancel.
fn difference_of_ratios(group: [f64; 2], others: [f64; 2]) -> Option<(f64, f64)> {
    let log = |[treatment, baseline]: [f64; 2]| match (treatment > 0.0, baseline > 0.0) {
        (false, false) => None,
        (true, false) => Some(f64::INFINITY),
        (false, true) => Some(f64::NEG_INFINITY),
        (true, true) => Some((treatment / baseline).ln()),
    };
    let (group, others) = (log(group)?, log(others)?);
    let difference = group - others;
    let size = if difference.is_finite() { 1.0 + group.abs() + others.abs() } else { 0.0 };
    (!difference.is_nan()).then_some((difference, size))
}

/// What the union of some members was shown, however they are put together.
pub(super) enum Unions {
    /// By member, its totals, which add up.
    Sums(Vec<[f64; 2]>),
    /// By arm, what each cluster was shown of whom.
    Reached([Vec<Vec<Shown>>; 2], Reach),
}

/// What a cluster was shown of a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    member: u32,
    count: u64,
    mass: Mass,
}

impl Unions {
    /// Of members by their topics, with their totals.
    pub(super) fn of(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        topics: &[usize],
        totals: Vec<[f64; 2]>,
    ) -> Result<Self, Error> {
        let Unit::Reach(reach) = question.unit else { return Ok(Self::Sums(totals)) };
        let attention = tally.attention(question.attention)?;
        let axes = tally.axes();
        let baseline = question.baseline.of_tally()?;
        let arms = [question.treatment, baseline].map(|arm| {
            let arm = axes.arm(arm);
            let mut shown: Vec<Vec<Shown>> = vec![Vec::new(); tally.clusters()];
            for (member, &topic) in (0_u32..).zip(topics) {
                for slab in axes.slabs().filter(|slab| Some(slab.arm) == arm) {
                    let cell = axes.topic_cell(slab, topic);
                    for block in 0..tally.block_count() {
                        let first = tally.block_clusters(block).start;
                        for (at, sum) in tally.column_of_block(block, cell, attention) {
                            let (count, mass) = (sum.count, sum.mass);
                            shown[first + at].push(Shown { member, count, mass });
                        }
                    }
                }
            }
            shown.retain(|members| !members.is_empty());
            shown
        });
        Ok(Self::Reached(arms, reach))
    }

    /// The difference between the union of the group and that of the others.
    pub(super) fn difference(&self, in_group: &[bool]) -> Option<(f64, f64)> {
        let [others, group] = match self {
            Self::Sums(totals) => {
                let mut sums = [[0.0; 2]; 2];
                for (total, &is) in totals.iter().zip(in_group) {
                    sums[usize::from(is)][0] += total[0];
                    sums[usize::from(is)][1] += total[1];
                }
                sums
            }
            Self::Reached(arms, reach) => {
                let [treatment, baseline] = [0, 1].map(|arm: usize| {
                    let mut reached = [0_u64; 2];
                    for cluster in &arms[arm] {
                        for (side, is) in reached_by(cluster, in_group, *reach).iter().enumerate() {
                            reached[side] += u64::from(*is);
                        }
                    }
                    reached.map(|clusters| clusters as f64)
                });
                [[treatment[0], baseline[0]], [treatment[1], baseline[1]]]
            }
        };
        difference_of_ratios(group, others)
    }
}

/// Whether a cluster is reached by the others, and by the group.
fn reached_by(cluster: &[Shown], in_group: &[bool], reach: Reach) -> [bool; 2] {
    let mut sums = [(0_u64, Mass::ZERO); 2];
    for shown in cluster {
        let sum = &mut sums[usize::from(in_group[shown.member as usize])];
        sum.0 += shown.count;
        sum.1 += shown.mass;
    }
    sums.map(|(count, mass)| count >= reach.impressions && count > 0 && mass.get() >= reach.mass)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences of means of {1, 2, 3, 4} with two in the group: |2| in 2 of 6 ways.
    #[test]
    fn few_arrangements_are_gone_through() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let draws = Draws { replicates: 6, seed: 1 };
        let test = draws.test(&[true, true, false, false], |now| difference_of_means(&values, now));
        assert_eq!((test.p, test.arrangements), (Ok(2.0 / 6.0), PermutationCount::All(6)));
        assert_eq!((test.difference, test.group, test.others), (Some(-2.0), 2, 2));
        let draws = Draws { replicates: 5, seed: 1 };
        let test = draws.test(&[true, true, false, false], |now| difference_of_means(&values, now));
        assert_eq!(test.arrangements, PermutationCount::Drawn(5));
        let none = draws.test(&[true; 4], |now| difference_of_means(&values, now));
        assert_eq!(none.p, Err(NoTest::NothingToPermute));
    }
}
