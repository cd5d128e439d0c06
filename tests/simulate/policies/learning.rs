//! The logistic model and the factorisation on clicks of known probability.

use std::f64::consts::TAU;

use tiltmeter::policy::{Candidates, Request};
use tiltmeter::policy::{
    Factors, FactorsPolicy, Logistic, LogisticPolicy, Policy, Popularity, PopularityPolicy, Shown,
    Term,
};

use super::bandits::chance;

/// A standard normal number.
fn normal(seed: u64, at: u64) -> f64 {
    let radius = (-2.0 * (1.0 - chance(seed, 2 * at)).ln()).sqrt();
    radius * (TAU * chance(seed, 2 * at + 1)).cos()
}

fn below(bound: u32, seed: u64, at: u64) -> u32 {
    (chance(seed, at) * f64::from(bound)) as u32
}

fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

const VIEWERS: u32 = 300;
const ITEMS: u32 = 200;
const DAY: f64 = 86_400_000_000.0;

/// An impression by its number, and the log odds of a click on it in a world of additive terms: topics,
/// creators, items, viewers' tastes, age, leanings, and a rank.
fn additive(at: u64) -> (Shown, f64) {
    let viewer = below(VIEWERS, 1, at);
    let item = below(ITEMS, 2, at);
    let (shown, log_odds) = described(viewer, item, chance(3, at) * 3.0);
    let position = 1 + below(10, 4, at);
    (Shown { position, ..shown }, log_odds - 0.2 * f64::from(position - 1))
}

/// An item shown to a viewer at rank 1 at an age in days.
fn described(viewer: u32, item: u32, days: f64) -> (Shown, f64) {
    let (topics, creator) = (item % 5, item % 40);
    let of = |seed, number: u32| normal(seed, number.into());
    let leanings = (of(10, viewer), 0.7 * of(11, item));
    let taste = of(12, viewer * 5 + topics) + 0.5 * of(13, topics);
    let liked = 0.4 * of(14, creator) + 0.5 * of(15, item);
    let shown = Shown {
        viewer,
        viewer_leaning: leanings.0 as f32,
        topics,
        creator,
        leaning: leanings.1 as f32,
        age: (days * DAY) as i64,
        ..Shown::of(item)
    };
    let far = (leanings.0 - leanings.1).powi(2).ln_1p();
    (shown, -1.5 + taste + liked - 0.3 * days - 0.5 * far)
}

/// A world of nothing but hidden factors, three of them.
fn hidden(at: u64) -> (Shown, f64) {
    let (viewer, item) = (below(VIEWERS, 21, at), below(ITEMS, 22, at));
    (Shown { viewer, ..Shown::of(item) }, hidden_log_odds(viewer, item))
}

fn hidden_log_odds(viewer: u32, item: u32) -> f64 {
    let of = |seed, number: u32| normal(seed, number.into());
    let product: f64 = (0..3).map(|d| of(25, viewer * 3 + d) * of(26, item * 3 + d)).sum();
    -1.5 + 0.5 * of(23, viewer) + 0.5 * of(24, item) + product
}

/// The impressions of these numbers, clicked by chance.
fn clicked(world: fn(u64) -> (Shown, f64), numbers: std::ops::Range<u64>) -> Vec<Shown> {
    numbers
        .map(|at| {
            let (shown, log_odds) = world(at);
            Shown { clicked: u8::from(chance(99, at) < sigmoid(log_odds)), ..shown }
        })
        .collect()
}

/// What a prediction loses on impressions never seen, in nats beyond the truth's own loss: the mean
/// divergence of the two, which no chance of clicks is in.
fn excess(world: fn(u64) -> (Shown, f64), predict: &dyn Fn(&Shown) -> f64) -> f64 {
    const FROM: u64 = 10_000_000;
    let losses = (FROM..FROM + 20_000).map(|at| {
        let (shown, log_odds) = world(at);
        let (p, q) = (sigmoid(log_odds), predict(&shown));
        p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln()
    });
    losses.sum::<f64>() / 20_000.0
}

/// The share of the clicks that the best five of 30 candidates would get that a policy's five
/// greatest weights get, and a random five, over 400 requests.
fn captured(policy: &dyn Policy, describe: &dyn Fn(u32, u32) -> (Shown, f64)) -> (f64, f64) {
    let (mut best, mut its, mut random) = (0.0, 0.0, 0.0);
    for number in 0..400 {
        let viewer = below(VIEWERS, 31, number);
        let shown: Vec<(Shown, f64)> =
            (0..30).map(|at| describe(viewer, below(ITEMS, 32, number * 30 + at))).collect();
        let pool = Candidates {
            items: shown.iter().map(|(shown, _)| shown.item).collect(),
            topics: shown.iter().map(|(shown, _)| shown.topics).collect(),
            creators: shown.iter().map(|(shown, _)| shown.creator).collect(),
            births: shown.iter().map(|(shown, _)| -shown.age).collect(),
            leanings: shown.iter().map(|(shown, _)| shown.leaning).collect(),
            ..Candidates::default()
        };
        let leaning = shown[0].0.viewer_leaning;
        let mut weights = vec![0.0; 30];
        policy.weigh(&Request { viewer, leaning, ..Request::new(&pool) }, &mut weights);
        let five = |values: &[f64]| -> f64 {
            let mut order: Vec<usize> = (0..30).collect();
            order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
            order[..5].iter().map(|place| sigmoid(shown[*place].1)).sum()
        };
        best += five(&shown.iter().map(|(_, log_odds)| *log_odds).collect::<Vec<_>>());
        its += five(&weights);
        random += shown.iter().map(|(_, log_odds)| sigmoid(*log_odds)).sum::<f64>() / 6.0;
    }
    (its / best, random / best)
}

/// After 400,000 impressions the logistic model's log loss is within 0.01 nats of the truth's (what
/// knows the mean alone loses more than five times as much), it has learned the terms' slopes, and it ranks
/// better than popularity, which ranks better than chance.
#[test]
fn logistic_finds_a_logistic_truth() {
    let log = clicked(additive, 0..400_000);
    let mut policy = LogisticPolicy::new(&Logistic::default()).unwrap();
    let mut last = f64::INFINITY;
    for part in log.chunks(100_000) {
        policy.learn(part);
        let now = excess(additive, &|shown| policy.click_probability(shown));
        assert!(now < last, "{now} after {last}");
        last = now;
    }
    let mean = log.iter().map(|shown| f64::from(shown.clicked)).sum::<f64>() / log.len() as f64;
    let of_mean = excess(additive, &|_| mean);
    assert!(last < 0.01 && of_mean > 5.0 * last, "{last} {of_mean}");

    let shown = Shown { position: 1, ..log[0] };
    let log_odds = |shown: Shown| {
        let p = policy.click_probability(&shown);
        (p / (1.0 - p)).ln()
    };
    let of_rank = log_odds(Shown { position: 10, ..shown }) - log_odds(shown);
    assert!((of_rank + 1.8).abs() < 0.2, "{of_rank}");
    let young = Shown { age: 0, ..shown };
    let of_day = log_odds(Shown { age: DAY as i64, ..shown }) - log_odds(young);
    assert!((of_day + 0.3).abs() < 0.1, "{of_day}");

    let mut popularity = PopularityPolicy::new(&Popularity::default()).unwrap();
    popularity.learn(&log);
    let describe = |viewer, item| described(viewer, item, 1.0);
    let (its, random) = captured(&policy, &describe);
    let (of_popularity, _) = captured(&popularity, &describe);
    assert!(its > 0.97, "{its}");
    assert!(its > of_popularity + 0.1 && of_popularity > random + 0.1, "{of_popularity} {random}");
}

/// Without a term for ranks, items that always stood low are taken to be worse; with it they are not.
#[test]
fn ranks_are_not_quality() {
    // Two items alike, the second always at rank 5, where log odds are 1.5 lower.
    let log: Vec<Shown> = (0..60_000)
        .map(|at| {
            let low = at % 3 == 0;
            let (item, position) =
                if low { (2, 5) } else { (1 + 2 * (at as u32 % 2), 1 + 4 * (at as u32 % 2)) };
            let log_odds = if position == 5 { -2.5 } else { -1.0 };
            let clicked = u8::from(chance(7, at) < sigmoid(log_odds));
            Shown { position, clicked, ..Shown::of(item) }
        })
        .collect();
    let ratio = |terms| {
        let mut policy = LogisticPolicy::new(&Logistic { terms, ..Logistic::default() }).unwrap();
        policy.learn(&log);
        let odds = |item| {
            let p = policy.click_probability(&Shown::of(item));
            p / (1.0 - p)
        };
        (odds(2) / odds(1)).ln()
    };
    let naive = ratio(vec![Term::Item]);
    assert!((naive + 1.5).abs() < 0.2, "{naive}");
    // Item and rank are the same here but for item 3, which is at rank 5 as well: what is left is shared.
    let told = ratio(vec![Term::Item, Term::Rank]);
    assert!(told > naive + 0.5, "{told} {naive}");
}

/// After 600,000 impressions the factorisation's log loss is within 0.01 nats of the truth's; what knows
/// viewers and items but not what goes with what loses more than twenty times as much. It ranks better
/// than popularity, which ranks better than chance.
#[test]
fn factors_find_hidden_factors() {
    let log = clicked(hidden, 0..600_000);
    let config = Factors { dimensions: 4, ..Factors::default() };
    let mut policy = FactorsPolicy::new(&config, 3).unwrap();
    policy.learn(&log);
    let its = excess(hidden, &|shown| policy.click_probability(shown));
    let mut additive = FactorsPolicy::new(&Factors { spread: 0.0, ..config.clone() }, 3).unwrap();
    additive.learn(&log);
    // Factors that start at 0 stay there: biases alone.
    let of_biases = excess(hidden, &|shown| additive.click_probability(shown));
    assert!(its < 0.01 && of_biases > 20.0 * its, "{its} {of_biases}");

    let mut popularity = PopularityPolicy::new(&Popularity::default()).unwrap();
    popularity.learn(&log);
    let describe =
        |viewer, item| (Shown { viewer, ..Shown::of(item) }, hidden_log_odds(viewer, item));
    let (its, random) = captured(&policy, &describe);
    let (of_popularity, _) = captured(&popularity, &describe);
    assert!(its > 0.95, "{its}");
    assert!(its > of_popularity + 0.1 && of_popularity > random + 0.05, "{of_popularity} {random}");
}

/// The same log in one piece or in many, and the same again: to the last bit. Other seeds, other factors.
#[test]
fn learning_is_a_pure_function() {
    let log = clicked(additive, 0..5_000);
    let (shown, _) = additive(77_777);
    let factors = |seed, part| {
        let mut policy = FactorsPolicy::new(&Factors::default(), seed).unwrap();
        log.chunks(part).for_each(|part| policy.learn(part));
        policy.click_probability(&shown).to_bits()
    };
    let logistic = |part| {
        let mut policy = LogisticPolicy::new(&Logistic::default()).unwrap();
        log.chunks(part).for_each(|part| policy.learn(part));
        policy.click_probability(&shown).to_bits()
    };
    assert_eq!(factors(1, 5_000), factors(1, 7));
    assert_ne!(factors(1, 5_000), factors(2, 5_000));
    assert_eq!(logistic(5_000), logistic(7));
}

/// The first steps by hand. Logistic: `p = 1/2`, so the gradient is 1/2, the sum of squares 1.25, and
/// each of four weights moves by `0.4 * 0.5 / sqrt(1.25)`; so do three biases of factors by `0.2 * 0.5 / sqrt(1.25)`.
#[test]
fn first_steps() {
    let terms = vec![Term::Topics, Term::Creator, Term::Item];
    let model = Logistic { terms, l2: 0.0, ..Logistic::default() };
    let mut policy = LogisticPolicy::new(&model).unwrap();
    let shown = Shown { clicked: 1, ..Shown::of(1) };
    policy.learn(&[shown]);
    let expected = sigmoid(4.0 * 0.2 / 1.25_f64.sqrt());
    assert!((policy.click_probability(&shown) - expected).abs() < 1e-7);

    let model = Factors { spread: 0.0, l2: 0.0, ..Factors::default() };
    let mut policy = FactorsPolicy::new(&model, 0).unwrap();
    policy.learn(&[shown]);
    assert!((policy.click_probability(&shown) - sigmoid(3.0 * 0.1 / 1.25_f64.sqrt())).abs() < 1e-7);
    let other = Shown { viewer: 5, ..shown };
    assert!((policy.click_probability(&other) - sigmoid(2.0 * 0.1 / 1.25_f64.sqrt())).abs() < 1e-7);
}
