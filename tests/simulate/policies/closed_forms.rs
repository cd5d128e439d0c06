//! Random, popularity, Plackett-Luce, epsilon-greedy and diversified slates against their formulas.

use statrs::distribution::{ChiSquared, ContinuousCDF};
use tiltmeter::policy::{
    Affinity, Policy, PolicyConfig, Popularity, PopularityPolicy, Random, Ranker,
    ReverseChronological, Selection, Shown, slate,
};
use tiltmeter::policy::{Candidates, Request};

use super::{Given, assert_binomial, build, items, moments, slates};

/// Every item is as likely at rank 1, and in the slate with probability length / pool; topics have the
/// pool's shares. Chi-square at the level of 1 in 10,000.
#[test]
fn random_favours_nothing() {
    const REQUESTS: u32 = 30_000;
    let pool = items(12);
    let (mut first, mut shown) = ([0_u64; 12], [0_u64; 12]);
    for places in slates(&Random, &pool, 4, REQUESTS) {
        assert_eq!(places.len(), 4);
        first[places[0] as usize] += 1;
        places.iter().for_each(|place| shown[*place as usize] += 1);
    }
    for item in 0..12 {
        assert_binomial(first[item], REQUESTS.into(), 1.0 / 12.0, 4.5);
        assert_binomial(shown[item], REQUESTS.into(), 4.0 / 12.0, 4.5);
    }
    let chi_square = |observed: &[u64], shares: &[f64]| {
        let terms = observed.iter().zip(shares).map(|(observed, share)| {
            let expected = f64::from(REQUESTS) * share;
            (*observed as f64 - expected).powi(2) / expected
        });
        let level = ChiSquared::new(shares.len() as f64 - 1.0).unwrap().inverse_cdf(1.0 - 1e-4);
        assert!(terms.sum::<f64>() < level, "{observed:?}");
    };
    chi_square(&first, &[1.0 / 12.0; 12]);
    // Topics of 6, 4 and 2 of the 12 items.
    let topics =
        [first[..6].iter().sum::<u64>(), first[6..10].iter().sum(), first[10..].iter().sum()];
    chi_square(&topics, &[0.5, 4.0 / 12.0, 2.0 / 12.0]);
}

/// Rank 1 under affinities to a power: `a^s / sum a^s`, as told and as drawn.
#[test]
fn affinities_are_odds() {
    let affinities = vec![0.5, 1.0, 2.0, 4.5];
    let pool = Candidates { affinities: affinities.clone(), ..items(4) };
    for sharpness in [0.0, 0.5, 1.0, 2.0] {
        let powers: Vec<f64> = affinities.iter().map(|a| f64::from(*a).powf(sharpness)).collect();
        let sum: f64 = powers.iter().sum();
        let policy = Affinity { sharpness };
        let mut first = [0_u64; 4];
        for number in 0..20_000 {
            let slate = slate(&policy, &Request { number, ..Request::new(&pool) }, 2).unwrap();
            let place = slate.places[0] as usize;
            first[place] += 1;
            let told = slate.propensities.unwrap();
            assert!((told[0] - powers[place] / sum).abs() < 1e-12);
            let second = powers[slate.places[1] as usize] / (sum - powers[place]);
            assert!((told[1] - second).abs() < 1e-12);
        }
        for (place, power) in powers.iter().enumerate() {
            assert_binomial(first[place], 20_000, power / sum, 4.5);
        }
    }
}

/// Powers that would overflow are no faults, and what is liked a little can still be shown.
#[test]
fn great_powers_are_weights() {
    let pool = Candidates { affinities: vec![1e-6, 1e6, 0.0], ..items(3) };
    let sharp = Affinity { sharpness: 400.0 };
    assert_eq!(slate(&sharp, &Request::new(&pool), 3).unwrap().places, [1, 0]);
    let config = Popularity { exponent: 300.0, ..Popularity::default() };
    let mut popularity = PopularityPolicy::new(&config).unwrap();
    popularity.learn(&[Shown { clicked: 1, ..Shown::of(2) }; 1_000]);
    assert_eq!(slate(&popularity, &Request::new(&pool), 1).unwrap().places, [2]);
}

/// The click counts of an urn after so many slates of one with a click for each.
fn urn(policy: Popularity, pool: &Candidates, draws: u32, seed: u64) -> Vec<f64> {
    let mut policy = PopularityPolicy::new(&policy).unwrap();
    for number in 0..draws {
        let request = Request { number, seed, ..Request::new(pool) };
        let place = slate(&policy, &request, 1).unwrap().places[0];
        policy.learn(&[Shown { clicked: 1, ..Shown::of(pool.items[place as usize]) }]);
    }
    pool.items.iter().map(|item| f64::from(policy.clicks(*item))).collect()
}

/// With exponent 1 the count of one of k items is beta-binomial with parameters `prior` and
/// `(k - 1) * prior`: mean and variance within four of their standard errors over 2,000 urns.
#[test]
fn popularity_is_polyas_urn() {
    const DRAWS: u32 = 150;
    let pool = items(3);
    for prior in [1.0, 2.5] {
        let counts: Vec<f64> = (0..2_000)
            .map(|seed| {
                let policy = Popularity { prior, ..Popularity::default() };
                urn(policy, &pool, DRAWS, seed)[1]
            })
            .collect();
        let (n, a, b) = (f64::from(DRAWS), prior, 2.0 * prior);
        let expected = n * a * b * (a + b + n) / ((a + b).powi(2) * (a + b + 1.0));
        let (mean, variance, of_mean, of_variance) = moments(&counts);
        assert!((mean - n / 3.0).abs() < 4.0 * of_mean, "{mean}");
        assert!((variance - expected).abs() < 4.0 * of_variance, "{variance} {expected}");
    }
}

/// The expected next share of shares x is `x^a / sum x^a`. Its fixed points draw shares to equality
/// for a < 1, to one item for a > 1; and so do urns.
#[test]
fn exponents_decide_the_limit() {
    let pool = items(3);
    let next = |shares: &[f64], exponent| {
        let mut policy = PopularityPolicy::new(&Popularity { exponent, prior: 1e-9 }).unwrap();
        for (item, share) in (0..).zip(shares) {
            let clicks = (share * 1e5).round() as usize;
            policy.learn(&vec![Shown { clicked: 1, ..Shown::of(item) }; clicks]);
        }
        let mut weights = [0.0; 3];
        policy.weigh(&Request::new(&pool), &mut weights);
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    };
    let shares = [0.2, 0.3, 0.5];
    for exponent in [0.5, 1.0, 2.0] {
        let powers = shares.map(|share: f64| share.powf(exponent));
        for (share, power) in next(&shares, exponent).iter().zip(powers) {
            assert!((share - power / powers.iter().sum::<f64>()).abs() < 1e-9);
        }
    }
    let limit = |exponent| (0..40).fold(shares, |shares, _| next(&shares, exponent));
    assert!(limit(0.5).iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-4));
    assert!(limit(2.0)[2] > 0.9999);

    for seed in 0..10 {
        let shares = |exponent| {
            let policy = Popularity { exponent, ..Popularity::default() };
            let counts = urn(policy, &pool, 10_000, seed);
            let greatest = counts.iter().copied().fold(0.0, f64::max);
            greatest / 10_000.0
        };
        // Around 1/3 the share has a standard deviation below 0.01 by then.
        assert!(shares(0.3) < 0.38, "{}", shares(0.3));
        assert!(shares(3.0) > 0.99, "{}", shares(3.0));
    }
}

/// The newest first whatever the time of the request, and under other selections odds by age.
#[test]
fn reverse_chronological() {
    const DAY: i64 = 86_400_000_000;
    let births = vec![5 * DAY, 8 * DAY, 2 * DAY, 7 * DAY];
    let pool = Candidates { births, ..items(4) };
    for time in [0, 9 * DAY, 1_000 * DAY] {
        let request = Request { time, ..Request::new(&pool) };
        assert_eq!(slate(&ReverseChronological, &request, 4).unwrap().places, [1, 3, 0, 2]);
    }
    let drawn = PolicyConfig {
        selection: Some(Selection::PlackettLuce),
        ..PolicyConfig::of(Ranker::ReverseChronological)
    };
    // Ages of 5, 2, 8 and 3 days at the request.
    let request = Request { time: 10 * DAY, ..Request::new(&pool) };
    let slate = slate(&*build(&drawn), &request, 1).unwrap();
    let odds = [1.0 / 5.0, 1.0 / 2.0, 1.0 / 8.0, 1.0 / 3.0];
    let told = slate.propensities.unwrap()[0];
    let expected = odds[slate.places[0] as usize] / odds.iter().sum::<f64>();
    assert!((told - expected).abs() < 1e-9, "{told} {expected}");
}

/// Every ordered pair comes as often as the product of its propensities says, which over all pairs
/// is 1. Weights of 0 never come.
#[test]
fn epsilon_greedy_propensities() {
    const REQUESTS: u64 = 40_000;
    let policy = Given {
        weights: vec![0.3, 5.0, 0.0, 1.0, 0.7],
        selection: Selection::EpsilonGreedy { epsilon: 0.3 },
    };
    let pool = items(5);
    let mut pairs = std::collections::BTreeMap::new();
    for number in 0..REQUESTS as u32 {
        let slate = slate(&policy, &Request { number, ..Request::new(&pool) }, 2).unwrap();
        let told: f64 = slate.propensities.unwrap().iter().product();
        let entry = pairs.entry(slate.places).or_insert((0, told));
        assert!((entry.1 - told).abs() < 1e-15);
        entry.0 += 1;
    }
    assert_eq!(pairs.len(), 12);
    assert!((pairs.values().map(|(_, told)| told).sum::<f64>() - 1.0).abs() < 1e-12);
    // The greatest, then the next greatest: (0.7 + 0.3 / 4) * (0.7 + 0.3 / 3).
    assert!((pairs[&vec![1, 3]].1 - 0.775 * 0.8).abs() < 1e-12);
    for (count, told) in pairs.values() {
        assert_binomial(*count, REQUESTS, *told, 4.5);
    }
}

/// Relevance 1 is the order of weights. Relevance 0 shows every topic and creator before any again.
#[test]
fn diversity_at_its_ends() {
    let pool = Candidates {
        topics: vec![0, 0, 0, 1, 1, 2],
        creators: vec![7, 7, 8, 9, 9, 10],
        affinities: vec![6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
        ..items(6)
    };
    let places = |relevance, length| {
        let config = PolicyConfig {
            selection: Some(Selection::Diversified { relevance }),
            ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
        };
        slate(&*build(&config), &Request::new(&pool), length).unwrap()
    };
    assert_eq!(places(1.0, 6).places, [0, 1, 2, 3, 4, 5]);
    assert_eq!(places(1.0, 6).propensities, Some(vec![1.0; 6]));
    // Three topics, then the creator not yet seen, then by weight.
    assert_eq!(places(0.0, 6).places, [0, 3, 5, 2, 1, 4]);
}
