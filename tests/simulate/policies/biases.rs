//! Biases: a factor on the odds, for the right items, viewers and days, on any policy.

use tiltmeter::policy::{
    Affinity, Audience, Bandit, Bias, Policy, PolicyConfig, Ranker, ReverseChronological,
    Selection, Shown, Side, slate,
};
use tiltmeter::policy::{Candidates, Request};

use super::{assert_binomial, build, items};

const DAY: f64 = 86_400_000_000.0;

/// One item that differs from the other two in all that a bias can be about.
fn pool() -> Candidates {
    Candidates {
        topics: vec![0, 1, 2],
        creators: vec![4, 5, 5],
        leanings: vec![-0.5, 0.5, 0.0],
        qualities: vec![0.2, 1.0, 0.5],
        affinities: vec![1.0, 2.0, 3.0],
        ..items(3)
    }
}

fn biased(bias: Bias) -> Box<dyn Policy> {
    let affinity = Ranker::Affinity(Affinity::default());
    build(&PolicyConfig { biases: vec![bias], ..PolicyConfig::of(affinity) })
}

/// The weight of the first item over what its affinity is, from the odds that its propensity tells;
/// other items of the pool keep theirs.
fn factor(policy: &dyn Policy, request: &Request<'_>) -> f64 {
    let mut weights = [0.0; 3];
    policy.weigh(request, &mut weights);
    assert_eq!(weights[1..], [2.0, 3.0]);
    let slates = (0..100).map(|number| slate(policy, &Request { number, ..*request }, 1).unwrap());
    let told =
        slates.filter(|slate| slate.places == [0]).map(|slate| slate.propensities.unwrap()[0]);
    for propensity in told {
        let odds = propensity / (1.0 - propensity);
        assert!((odds - weights[0] / 5.0).abs() < 1e-12);
    }
    weights[0]
}

/// Each target's factor is one on the odds at rank 1, as told and as drawn.
#[test]
fn factors_are_on_odds() {
    let pool = pool();
    for bias in [
        Bias::topic("a", 2.5),
        Bias::leaning(Side::Left, 2.5),
        Bias::creators([4, 9], 2.5),
        Bias::downrank(0.5, 2.5),
    ] {
        let policy = biased(bias);
        assert_eq!(factor(&*policy, &Request::new(&pool)), 2.5);
        let first = (0..20_000).filter(|number| {
            let request = Request { number: *number, ..Request::new(&pool) };
            slate(&*policy, &request, 1).unwrap().places == [0]
        });
        assert_binomial(first.count() as u64, 20_000, 2.5 / 7.5, 4.5);
    }
    let right = biased(Bias::leaning(Side::Right, 4.0));
    let mut weights = [0.0; 3];
    right.weigh(&Request::new(&pool), &mut weights);
    assert_eq!(weights, [1.0, 8.0, 3.0]);
}

/// A topic's factor works on items that have it with others; factors multiply.
#[test]
fn sets_and_several() {
    let pool = Candidates { topics: vec![0, 3, 4], ..items(3) };
    let biases = vec![Bias::topic("a", 3.0), Bias::topic("b", 0.5)];
    let policy = build(&PolicyConfig { biases, ..PolicyConfig::default() });
    let mut weights = [0.0; 3];
    policy.weigh(&Request::new(&pool), &mut weights);
    assert_eq!(weights, [3.0, 1.5, 0.5]);
    // A set that the policy was not made with has no topic.
    let unknown = Candidates { topics: vec![99, 0, 1], ..items(3) };
    let mut weights = [0.0; 3];
    policy.weigh(&Request::new(&unknown), &mut weights);
    assert_eq!(weights, [1.0, 3.0, 0.5]);
}

#[test]
fn audiences() {
    let pool = pool();
    let of = |audience, stratum, leaning| {
        let policy = biased(Bias::topic("a", 3.0).only_for(audience));
        factor(&*policy, &Request { stratum, leaning, ..Request::new(&pool) })
    };
    let south = || Audience::Stratum("south".to_owned());
    assert_eq!((of(south(), 0, 0.0), of(south(), 1, 0.0)), (1.0, 3.0));
    let right = || Audience::Leaning(Side::Right);
    assert_eq!((of(right(), 0, -0.1), of(right(), 0, 0.0), of(right(), 0, 0.1)), (1.0, 1.0, 3.0));
}

/// Nothing before its day; where it rises, the square root of the factor at the half of the rise.
#[test]
fn days() {
    let pool = pool();
    let at = |bias: Bias, day: f64| {
        factor(&*biased(bias), &Request { time: (day * DAY) as i64, ..Request::new(&pool) })
    };
    let starting = Bias::topic("a", 4.0).starting(2.5);
    assert_eq!(at(starting.clone(), 2.4999), 1.0);
    assert_eq!(at(starting.clone(), 2.5), 4.0);
    let rising = starting.rising(2.0);
    assert_eq!(at(rising.clone(), 2.5), 1.0);
    assert!((at(rising.clone(), 3.0) - 4_f64.powf(0.25)).abs() < 1e-12);
    assert!((at(rising.clone(), 3.5) - 2.0).abs() < 1e-12);
    assert_eq!(at(rising.clone(), 4.5), 4.0);
    assert_eq!(at(rising, 400.0), 4.0);
    // Without a day it rises from the start.
    assert!((at(Bias::topic("a", 4.0).rising(2.0), 1.0) - 2.0).abs() < 1e-12);
    assert_eq!(at(Bias::topic("a", 4.0), -7.0), 4.0);
}

/// A shadow ban shows none, whatever the policy and however slates are made, and slates are as long as
/// there is anything else.
#[test]
fn shadow_bans_show_none() {
    let pool = Candidates { births: vec![9, 8, 7], ..pool() };
    let selections = [
        None,
        Some(Selection::PlackettLuce),
        Some(Selection::Top),
        Some(Selection::EpsilonGreedy { epsilon: 1.0 }),
        Some(Selection::Diversified { relevance: 0.2 }),
    ];
    let rankers = [
        Ranker::Random,
        Ranker::ReverseChronological,
        Ranker::Affinity(Affinity::default()),
        Ranker::Bandit(Bandit::default()),
    ];
    for ranker in rankers {
        for selection in selections {
            let biases = vec![Bias::shadow_ban([4])];
            let policy = build(&PolicyConfig { ranker: ranker.clone(), selection, biases });
            for number in 0..200 {
                let request = Request { number, ..Request::new(&pool) };
                let mut places = slate(&*policy, &request, 3).unwrap().places;
                places.sort_unstable();
                assert_eq!(places, [1, 2], "{policy:?}");
            }
        }
    }
}

/// On the order of births: three times as wanted is three times as young.
#[test]
fn chronology_with_a_bias() {
    let order = |factor, time| {
        let births = vec![0, 60, 80];
        let pool = Candidates { topics: vec![0, 1, 2], births, ..items(3) };
        let config = PolicyConfig {
            biases: vec![Bias::topic("b", factor)],
            ..PolicyConfig::of(Ranker::ReverseChronological)
        };
        slate(&*build(&config), &Request { time, ..Request::new(&pool) }, 3).unwrap().places
    };
    // Ages of 100, 40 and 20.
    assert_eq!(order(1.9, 100), [2, 1, 0]);
    assert_eq!(order(2.1, 100), [1, 2, 0]);
    assert_eq!(order(0.3, 100), [2, 0, 1]);
    assert_eq!(ReverseChronological.name(), "reverse-chronological");
}

/// A bias and another selection keep what they are put on: learning, and not knowing propensities.
#[test]
fn wrapped_policies_stay_what_they_are() {
    let pool = pool();
    let config = PolicyConfig {
        ranker: Ranker::Bandit(Bandit::default()),
        selection: Some(Selection::PlackettLuce),
        biases: vec![Bias::topic("a", 2.0)],
    };
    let mut policy = build(&config);
    let request = Request::new(&pool);
    assert_eq!(slate(&*policy, &request, 2).unwrap().propensities, None);
    let mean = |policy: &dyn Policy| {
        let draws = (0..2_000).map(|number| {
            let mut weights = [0.0; 3];
            policy.weigh(&Request { number, ..request }, &mut weights);
            weights[0]
        });
        draws.sum::<f64>() / 2_000.0
    };
    // Twice the mean of a uniform variable, then of Beta(1, 99): within five standard errors.
    assert!((mean(&*policy) - 1.0).abs() < 5.0 * 2.0 * 0.2887 / 2_000_f64.sqrt());
    policy.learn(&[Shown::of(0); 98]);
    assert!((mean(&*policy) - 0.02).abs() < 5.0 * 2.0 * 0.0099 / 2_000_f64.sqrt());
}
