//! The ways in which chance could have given clusters to the arms: counted, gone through one by
//! one, or drawn. It knows which arms a cluster is in, not what the cluster contributes.

use std::collections::BTreeMap;

use crate::base::philox::philox;

/// The purpose of the random numbers, as part of the counter.
const PURPOSE: u64 = 0x7065_726d;

/// The number that stands for a block in the counter, for clusters of both arms: they are blocks by
/// themselves, and all drawn together.
const SWAPPED: u64 = u32::MAX as u64;

/// How clusters got into the arms, as far as chance had a hand in it.
pub(crate) struct Design {
    shuffled: Vec<Shuffled>,
    /// The clusters of both arms, any of which could have had its arms the other way round.
    swapped: Vec<u32>,
}

/// The clusters of a block that are in one arm each: any of them could have been in the other, as
/// long as as many are in either.
struct Shuffled {
    block: u32,
    /// Each with whether it is in the treatment.
    clusters: Vec<(u32, bool)>,
    treated: u64,
}

impl Design {
    /// Of clusters in the order of their keys, from the arms they are in and the blocks they are of.
    pub(crate) fn new(present: &[[bool; 2]], block: impl Fn(usize) -> u32) -> Self {
        let mut swapped = Vec::new();
        let mut blocks: BTreeMap<u32, Vec<(u32, bool)>> = BTreeMap::new();
        for (cluster, &[treatment, baseline]) in present.iter().enumerate() {
            if treatment && baseline {
                swapped.push(cluster as u32);
            } else {
                let members = blocks.entry(block(cluster)).or_default();
                members.push((cluster as u32, treatment));
            }
        }
        let shuffled = blocks.into_iter().map(|(block, clusters)| {
            let treated = clusters.iter().filter(|(_, treated)| *treated).count() as u64;
            Shuffled { block, clusters, treated }
        });
        Self { shuffled: shuffled.collect(), swapped }
    }

    /// How many assignments there are, if no more than `most`.
    pub(crate) fn assignments(&self, most: u32) -> Option<u32> {
        let most = u64::from(most);
        let of_blocks = self.shuffled.iter().map(|block| block.ways(most));
        let of_swaps = self.swapped.iter().map(|_| Some(2));
        let product = |all: u64, ways: Option<u64>| Some(all * ways?).filter(|all| *all <= most);
        of_blocks.chain(of_swaps).try_fold(1, product).map(|all| all as u32)
    }

    /// Says of each cluster whether it leaves its arm in one of the assignments, where there are so
    /// few that they can be [counted](Self::assignments).
    pub(crate) fn nth(&self, nth: u32, moved: &mut [bool]) {
        let mut rest = u64::from(nth);
        for block in &self.shuffled {
            let ways = block.ways(u64::from(u32::MAX)).expect("fewer ways than were counted");
            block.nth(rest % ways, moved);
            rest /= ways;
        }
        for &cluster in &self.swapped {
            moved[cluster as usize] = rest % 2 == 1;
            rest /= 2;
        }
    }

    /// Says of each cluster whether it leaves its arm in a random assignment: a pure function of
    /// seed, replicate, block and the cluster's place in it.
    pub(crate) fn draw(&self, seed: u64, replicate: u32, moved: &mut [bool]) {
        for block in &self.shuffled {
            block.draw(words(seed, replicate, u64::from(block.block)), moved);
        }
        for (&cluster, word) in self.swapped.iter().zip(words(seed, replicate, SWAPPED)) {
            moved[cluster as usize] = word >> 31 == 1;
        }
    }
}

impl Shuffled {
    /// In how many ways the arms can be filled, if in no more than `most`.
    fn ways(&self, most: u64) -> Option<u64> {
        binomial(self.clusters.len() as u64, self.treated, most)
    }

    /// The sets of as many clusters as are treated, in the order in which their greatest members
    /// ascend, then the second greatest, and so on (Knuth, volume 4A, 7.2.1.3: combinatorial
    /// number system).
    fn nth(&self, mut rest: u64, moved: &mut [bool]) {
        let mut needed = self.treated;
        for (at, &(cluster, treated)) in self.clusters.iter().enumerate().rev() {
            let without = binomial(at as u64, needed, rest).unwrap_or(u64::MAX);
            let chosen = rest >= without;
            if chosen {
                rest -= without;
                needed -= 1;
            }
            moved[cluster as usize] = chosen != treated;
        }
    }

    /// Goes through the clusters and treats each with the chance of as many as are still needed
    /// among those that are left (Knuth, volume 2, 3.4.2, algorithm S). A chance is off by less than
    /// one in 2^32.
    fn draw(&self, words: impl Iterator<Item = u32>, moved: &mut [bool]) {
        let (mut needed, mut left) = (self.treated, self.clusters.len() as u64);
        for (&(cluster, treated), word) in self.clusters.iter().zip(words) {
            let chosen = (u64::from(word) * left) >> 32 < needed;
            needed -= u64::from(chosen);
            left -= 1;
            moved[cluster as usize] = chosen != treated;
        }
    }
}

fn words(seed: u64, replicate: u32, block: u64) -> impl Iterator<Item = u32> {
    let key = [seed as u32, (seed >> 32) as u32];
    (0_u64..).flat_map(move |at| philox([at, block, u64::from(replicate), PURPOSE], key))
}

/// How many sets of `chosen` there are among `all`, if no more than `most`.
fn binomial(all: u64, chosen: u64, most: u64) -> Option<u64> {
    if chosen > all {
        return Some(0);
    }
    // The sets of 0, 1, 2, ... grow in number up to half of all, so the first excess ends it.
    (0..chosen.min(all - chosen)).try_fold(1_u64, |sets, at| {
        let more = u128::from(sets) * u128::from(all - at) / u128::from(at + 1);
        u64::try_from(more).ok().filter(|more| *more <= most)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TREATED: [bool; 2] = [true, false];
    const BASELINE: [bool; 2] = [false, true];
    const BOTH: [bool; 2] = [true, true];

    /// Closed forms: C(5,2) and C(4,1) in two blocks, and two clusters of both arms.
    #[test]
    fn every_assignment_comes_once() {
        let present = [
            TREATED, BASELINE, BOTH, TREATED, BASELINE, BASELINE, TREATED, BASELINE, BASELINE,
            BOTH, BASELINE,
        ];
        let block = |cluster: usize| u32::from(cluster >= 6);
        let design = Design::new(&present, block);
        assert_eq!(design.assignments(10 * 4 * 4 - 1), None);
        assert_eq!(design.assignments(10 * 4 * 4), Some(160));
        let mut seen = std::collections::BTreeSet::new();
        for nth in 0..160 {
            let mut moved = [false; 11];
            design.nth(nth, &mut moved);
            for within in [0..6, 6..11] {
                let treated = |cluster: &usize| {
                    present[*cluster] != BOTH && (present[*cluster] == TREATED) != moved[*cluster]
                };
                let expected = if within.start == 0 { 2 } else { 1 };
                assert_eq!(within.filter(treated).count(), expected);
            }
            seen.insert(moved);
        }
        assert_eq!(seen.len(), 160);
        assert!(seen.contains(&[false; 11]));
    }

    /// Each of C(5,2) x 2 assignments is drawn in a twentieth of 40,000 replicates: 2,000 with a
    /// standard deviation of 43.6; five of those.
    #[test]
    fn all_assignments_are_as_likely() {
        let design = Design::new(&[TREATED, BOTH, BASELINE, BASELINE, TREATED, BASELINE], |_| 0);
        let mut drawn = BTreeMap::new();
        for replicate in 0..40_000 {
            let mut moved = [false; 6];
            design.draw(7, replicate, &mut moved);
            *drawn.entry(moved).or_insert(0_u32) += 1;
        }
        assert_eq!(drawn.len(), 20);
        assert!(drawn.values().all(|count| count.abs_diff(2_000) < 218), "{drawn:?}");
    }

    /// A block's draws depend on nothing outside it: these are part of what a seed promises.
    #[test]
    fn blocks_are_drawn_apart() {
        let alone = Design::new(&[TREATED, BASELINE, TREATED, BASELINE], |_| 3);
        let beside = [BASELINE, TREATED, TREATED, BASELINE, BOTH, TREATED, BASELINE];
        let beside = Design::new(&beside, |cluster| if cluster < 2 { 0 } else { 3 });
        for replicate in 0..50 {
            let (mut few, mut more) = ([false; 4], [false; 7]);
            alone.draw(1, replicate, &mut few);
            beside.draw(1, replicate, &mut more);
            assert_eq!(few, [more[2], more[3], more[5], more[6]]);
        }
    }

    #[test]
    fn binomials() {
        assert_eq!(binomial(20, 10, 184_756), Some(184_756));
        assert_eq!(binomial(20, 10, 184_755), None);
        assert_eq!(binomial(3, 4, 9), Some(0));
        assert_eq!(binomial(0, 0, 9), Some(1));
        assert_eq!(binomial(1 << 40, 1 << 39, u64::MAX), None);
    }
}
