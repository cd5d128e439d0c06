//! The weight of a cluster in a bootstrap replicate: a pure function of seed, replicate and
//! cluster key, so that it is the same on any thread, in any order and on any machine.

use crate::base::philox::philox;
use crate::log::ClusterKey;

/// Replicates of a group: their weights are made together.
pub(in crate::inference) const GROUP: usize = 128;

/// Blocks of random bits for a group: each serves eight replicates.
const BLOCKS: usize = GROUP / 8;

/// The purpose of the random numbers, as part of the counter, so that the same seed gives other
/// numbers to every other purpose.
const PURPOSE: u64 = 0x706f_6973;

/// The greatest weight that occurs.
pub(super) const MOST: u8 = 8;

/// `round(65536 P(X <= k))` for X Poisson with mean 1 and k = 0, 1, ..., 7: a 16-bit number counts
/// as one event for each of these that it reaches.
///
/// The distribution that this makes has mean 1 exactly, variance 0.99997 and third central moment
/// 0.99985, where Poisson's are 1; it never exceeds 8, which Poisson does once in 900,000 draws.
const REACHED: [u16; MOST as usize] = [24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535];

/// How many of the greatest numbers are so seldom reached that they are looked at only when the
/// greatest random number of a group reaches one: in one group of 13.
const SELDOM: usize = 3;

/// Weights of one cluster in a group of replicates. Where lines of cache begin vectors do: loads
/// across two lines take twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(in crate::inference) struct Weights(pub(in crate::inference) [u8; GROUP]);

/// The weights of a cluster in the replicates of a group.
#[inline(always)]
pub(in crate::inference) fn weights(
    seed: u64,
    cluster: ClusterKey,
    group: u32,
    weights: &mut Weights,
) {
    let (low, high) = (cluster.get() & 0xFFFF_FFFF, cluster.get() >> 32);
    let key = [seed as u32, (seed >> 32) as u32];
    let mut words = [[0_u32; BLOCKS]; 4];
    let [first, second, third, fourth] = &mut words;
    let blocks = u64::from(group) * BLOCKS as u64..;
    let places = first.iter_mut().zip(second).zip(third).zip(fourth);
    for (block, (((first, second), third), fourth)) in blocks.zip(places) {
        let of_block = philox([low, high, block, PURPOSE], key);
        [*first, *second, *third, *fourth] = of_block.map(u32::to_le);
    }
    // Each half of each word is one replicate's, the low half first: replicate 32 w + 2 i + h of
    // the group has half h of word w of block i.
    let halves: &[u16; GROUP] = bytemuck::cast_ref(&words);
    let (often, seldom) = REACHED.split_at(REACHED.len() - SELDOM);
    let mut most = 0;
    for (weight, &half) in weights.0.iter_mut().zip(halves) {
        let number = u16::from_le(half);
        *weight = events(number, often);
        most = most.max(number);
    }
    if most >= seldom[0] {
        for (weight, &half) in weights.0.iter_mut().zip(halves) {
            *weight += events(u16::from_le(half), seldom);
        }
    }
}

/// How many of some numbers a 16-bit number reaches.
#[inline(always)]
fn events(number: u16, numbers: &[u16]) -> u8 {
    let mut events = 0;
    for &reached in numbers {
        events += u16::from(number >= reached);
    }
    events as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed form: `P(X = k) = exp(-1) / k!`.
    #[test]
    fn events_are_nearly_poisson() {
        let mut counts = [0_u32; 9];
        for number in 0..=u16::MAX {
            counts[usize::from(events(number, &REACHED))] += 1;
        }
        let mut probability = (-1.0_f64).exp();
        for (k, &count) in counts.iter().enumerate() {
            let off = (f64::from(count) / 65536.0 - probability).abs();
            assert!(off <= 1.0 / 65536.0, "{k} is off by {off}");
            probability /= k as f64 + 1.0;
        }
        let moment = |power: i32| -> f64 {
            let terms = counts.iter().enumerate();
            terms.map(|(k, &n)| (k as f64 - 1.0).powi(power) * f64::from(n) / 65536.0).sum()
        };
        assert_eq!(moment(1), 0.0);
        assert!((moment(2) - 0.99997).abs() < 5e-6, "{}", moment(2));
        assert!((moment(3) - 0.99985).abs() < 5e-6, "{}", moment(3));
    }

    /// Weights are the same whatever else is asked for: these are part of what a seed promises.
    #[test]
    fn weights_are_a_promise() {
        let mut group = Weights([0; GROUP]);
        weights(42, ClusterKey::of("ada"), 0, &mut group);
        let first = group;
        weights(42, ClusterKey::of("ada"), 1, &mut group);
        assert_ne!(first, group);
        weights(43, ClusterKey::of("ada"), 0, &mut group);
        assert_ne!(first, group);
        // By the known answers above, for replicate 0 of cluster 0 under seed 0 with the purpose
        // cleared: the low half of the first word is 0xe8d5 = 59605, which reaches two numbers.
        assert_eq!(events(0xe8d5, &REACHED), 2);
    }

    /// Every weight by the letter of its definition: one event for each number that a random one
    /// reaches. Among so many groups each number is reached.
    #[test]
    fn weights_are_events_of_their_random_numbers() {
        let mut reached = [0; REACHED.len() + 1];
        for cluster in 0..2_000_u64 {
            let mut group = Weights([0; GROUP]);
            weights(5, ClusterKey::from_number(cluster << 20), 2, &mut group);
            for (replicate, &weight) in group.0.iter().enumerate() {
                let (word, within) = (replicate / 32, replicate % 32);
                let block = (2 * BLOCKS + within / 2) as u64;
                let counter = [cluster << 20 & 0xFFFF_FFFF, cluster >> 12, block, PURPOSE];
                let half = philox(counter, [5, 0])[word] >> (16 * (within % 2)) & 0xFFFF;
                let expected = REACHED.iter().filter(|its| half >= u32::from(**its)).count();
                assert_eq!(usize::from(weight), expected);
                reached[expected] += 1;
            }
        }
        assert!(reached.iter().all(|count| *count > 0), "{reached:?}");
    }

    /// Over many clusters and replicates, mean and variance are 1, and neighbours do not go
    /// together: each within five standard errors.
    #[test]
    fn weights_are_independent() {
        let clusters = 4096_u64;
        let mut all = Vec::new();
        for cluster in 0..clusters {
            let mut group = Weights([0; GROUP]);
            weights(7, ClusterKey::from_number(cluster), 3, &mut group);
            all.extend(group.0.map(f64::from));
        }
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        assert!((mean - 1.0).abs() < 5.0 / n.sqrt(), "{mean}");
        for lag in [1, 2, 32, GROUP, 2 * GROUP] {
            let products = all.iter().zip(&all[lag..]).map(|(a, b)| (a - 1.0) * (b - 1.0));
            let correlation = products.sum::<f64>() / n;
            assert!(correlation.abs() < 5.0 / n.sqrt(), "lag {lag}: {correlation}");
        }
    }
}
