//! What holds whatever the weights: scale, order, and diversity by brute force.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use tiltmeter::policy::{Affinity, PolicyConfig, Ranker, Selection, slate};
use tiltmeter::policy::{Candidates, Request};

use super::{Given, build, items, topics};

const SELECTIONS: [Selection; 4] = [
    Selection::PlackettLuce,
    Selection::Top,
    Selection::EpsilonGreedy { epsilon: 0.2 },
    Selection::Diversified { relevance: 0.6 },
];

/// Maximal marginal relevance as its definition has it, from sets of topics.
fn brute_force(pool: &Candidates, relevance: f64, length: usize) -> Vec<u32> {
    let sets = topics();
    let set = |item: usize| sets.of(pool.topics[item]).iter().copied().collect::<BTreeSet<u16>>();
    let similarity = |a: usize, b: usize| {
        let (one, other) = (set(a), set(b));
        let jaccard = one.intersection(&other).count() as f64 / one.union(&other).count() as f64;
        0.5 * jaccard + if pool.creators[a] == pool.creators[b] { 0.5 } else { 0.0 }
    };
    let greatest = pool.affinities.iter().copied().fold(0.0, f32::max);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < length.min(pool.len()) {
        let left = (0..pool.len()).filter(|item| !chosen.contains(item));
        let value = |item: usize| {
            let nearest = chosen.iter().map(|other| similarity(item, *other)).fold(0.0, f64::max);
            let weight = f64::from(pool.affinities[item]) / f64::from(greatest);
            relevance * weight - (1.0 - relevance) * nearest
        };
        let best = left.reduce(|best, item| {
            let heavier = pool.affinities[item] > pool.affinities[best];
            let (one, other) = (value(item), value(best));
            if one > other || one == other && heavier { item } else { best }
        });
        chosen.push(best.unwrap());
    }
    chosen.into_iter().map(|item| item as u32).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Weights times a power of two are the same weights: slates and propensities to the last bit.
    #[test]
    fn scale_does_not_matter(
        weights in vec(prop_oneof![Just(0.0), 1e-3..1e3_f64], 1..30),
        power in -40..40_i32,
        number: u32,
    ) {
        let pool = items(weights.len() as u32);
        let scaled: Vec<f64> = weights.iter().map(|weight| weight * 2_f64.powi(power)).collect();
        for selection in SELECTIONS {
            let request = Request { number, ..Request::new(&pool) };
            let of = |weights: &[f64]| {
                slate(&Given { weights: weights.to_vec(), selection }, &request, 8).unwrap()
            };
            prop_assert_eq!(of(&weights), of(&scaled));
        }
    }

    /// Candidates in another order give the same items, where no two weights are equal and no chance
    /// is in it.
    #[test]
    fn order_does_not_matter(
        weights in vec(1e-3..1e3_f64, 2..30).prop_shuffle(),
        order in any::<u64>(),
    ) {
        let number = weights.len() as u32;
        let mut sorted = weights.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        prop_assume!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
        let mut other = items(number);
        other.items.sort_unstable_by_key(|item| (u64::from(*item) + 1).wrapping_mul(order | 1) >> 7);
        for selection in [Selection::Top, Selection::Diversified { relevance: 0.4 }] {
            let policy = Given { weights: weights.clone(), selection };
            let shown = |pool: &Candidates| -> Vec<u32> {
                let places = slate(&policy, &Request::new(pool), 6).unwrap().places;
                places.iter().map(|place| pool.items[*place as usize]).collect()
            };
            prop_assert_eq!(shown(&items(number)), shown(&other));
        }
    }

    /// No item twice, none of weight 0, as many as there are, and propensities in (0, 1].
    #[test]
    fn slates_are_slates(
        weights in vec(prop_oneof![Just(0.0), 1e-9..1e9_f64], 0..40),
        length in 1..20_usize,
        number: u32,
    ) {
        let pool = items(weights.len() as u32);
        for selection in SELECTIONS {
            let policy = Given { weights: weights.clone(), selection };
            let request = Request { number, ..Request::new(&pool) };
            let slate = slate(&policy, &request, length).unwrap();
            let with_weight = weights.iter().filter(|weight| **weight > 0.0).count();
            prop_assert_eq!(slate.places.len(), length.min(with_weight));
            prop_assert_eq!(slate.places.iter().collect::<BTreeSet<_>>().len(), slate.places.len());
            prop_assert!(slate.places.iter().all(|place| weights[*place as usize] > 0.0));
            let propensities = slate.propensities.unwrap();
            prop_assert_eq!(propensities.len(), slate.places.len());
            prop_assert!(propensities.iter().all(|p| *p > 0.0 && *p <= 1.0), "{:?}", propensities);
        }
    }

    /// Diversified slates are what the definition gives. Affinities and relevance are such that no two
    /// values are equal but for rounding.
    #[test]
    fn diversity_by_brute_force(
        rows in vec((0..5_u32, 0..3_u32, 0.01..1.0_f32), 1..8),
        relevance in 0.05..0.95_f64,
        length in 1..8_usize,
    ) {
        let number = rows.len() as u32;
        let pool = Candidates {
            topics: rows.iter().map(|row| row.0).collect(),
            creators: rows.iter().map(|row| row.1).collect(),
            affinities: rows.iter().map(|row| row.2).collect(),
            ..items(number)
        };
        let config = PolicyConfig {
            selection: Some(Selection::Diversified { relevance }),
            ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
        };
        let places = slate(&*build(&config), &Request::new(&pool), length).unwrap().places;
        prop_assert_eq!(places, brute_force(&pool, relevance, length));
    }
}
