//! Bandits: formulas, regret, and what position does to them.

use tiltmeter::Attention;
use tiltmeter::policy::{
    Bandit, BanditPolicy, BanditRule, Per, Policy, Random, Selected, Selection, Setting, Shown,
    slate,
};
use tiltmeter::policy::{Candidates, Request};

use super::{items, moments, topics};

fn bandit(rule: BanditRule) -> BanditPolicy {
    BanditPolicy::new(&Bandit { rule, ..Bandit::default() }).unwrap()
}

fn weights(policy: &dyn Policy, pool: &Candidates) -> Vec<f64> {
    let mut weights = vec![0.0; pool.len()];
    policy.weigh(&Request::new(pool), &mut weights);
    weights
}

/// A pseudo-random number from 0 to 1 that owes nothing to the library (splitmix64).
pub(crate) fn chance(seed: u64, at: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at.wrapping_mul(0xD1B5_4A32_D192_ED03);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Counts by hand: with rank r counted as 1/r, three impressions at ranks 1, 2 and 4 are 1.75.
#[test]
fn posterior_means() {
    let config = Bandit {
        prior_clicks: 2.0,
        prior_misses: 5.0,
        examination: Attention::Reciprocal,
        ..Bandit::default()
    };
    let mut policy = BanditPolicy::new(&config).unwrap();
    assert_eq!(policy.mean(3), 2.0 / 7.0);
    let shown = |position, clicked| Shown { position, clicked, ..Shown::of(3) };
    policy.learn(&[shown(1, 1), shown(2, 0), shown(4, 0)]);
    assert_eq!((policy.arm(3).clicks, policy.arm(3).shown, policy.arm(3).examined), (1, 3, 1.75));
    assert!((policy.mean(3) - 3.0 / (7.0 + 1.75)).abs() < 1e-15);
    // More clicks than impressions looked at: no misses, and never fewer than the prior's.
    policy.learn(&[shown(4, 1), shown(4, 1)]);
    assert_eq!(policy.mean(3), 5.0 / 10.0);
    // The same by kind.
    let config = Bandit { per: Per::Creator, ..Bandit::default() };
    let mut policy = BanditPolicy::new(&config).unwrap();
    policy.learn(&[
        Shown { creator: 8, clicked: 1, ..Shown::of(1) },
        Shown { creator: 8, ..Shown::of(2) },
    ]);
    assert_eq!((policy.mean(8), policy.mean(1)), (0.5, 0.5));
    assert_eq!((policy.arm(8).shown, policy.arm(1).shown), (2, 0));
}

/// Draws have the posterior's mean and variance, within five standard errors; arms of one kind share
/// theirs, whatever their places.
#[test]
fn thompson_draws() {
    let mut policy = bandit(BanditRule::Thompson);
    let shown = [Shown { clicked: 1, ..Shown::of(1) }; 3].into_iter().chain([Shown::of(1); 17]);
    policy.learn(&shown.collect::<Vec<_>>());
    let pool = items(2);
    let draws: Vec<f64> = (0..40_000)
        .map(|number| {
            let mut weights = [0.0; 2];
            policy.weigh(&Request { number, ..Request::new(&pool) }, &mut weights);
            weights[1]
        })
        .collect();
    let (a, b) = (4.0_f64, 18.0_f64);
    let expected = a * b / ((a + b).powi(2) * (a + b + 1.0));
    let (mean, variance, of_mean, of_variance) = moments(&draws);
    assert!((mean - a / (a + b)).abs() < 5.0 * of_mean, "{mean}");
    assert!((variance - expected).abs() < 5.0 * of_variance, "{variance} {expected}");

    let config = Bandit { per: Per::TopicSet, ..Bandit::default() };
    let policy = BanditPolicy::new(&config).unwrap();
    let one = weights(&policy, &Candidates { topics: vec![0, 1, 0], ..items(3) });
    let other = weights(&policy, &Candidates { topics: vec![1, 0], ..items(2) });
    assert_eq!(one, [other[1], other[0], other[1]]);
    assert_ne!(one[0], one[1]);
}

/// The formulas by hand, after 10 impressions: `t = 11`.
#[test]
fn upper_bounds() {
    let log: Vec<Shown> = (0..10)
        .map(|at| Shown { clicked: u8::from(at == 0 || at == 1), ..Shown::of(u32::from(at >= 5)) })
        .collect();
    let pool = items(3);
    let mut policy = bandit(BanditRule::Ucb1);
    policy.learn(&log);
    let reach = (2.0 * 11_f64.ln() / 5.0).sqrt();
    let its = weights(&policy, &pool);
    assert!((its[0] - (0.4 + reach)).abs() < 1e-12 && (its[1] - reach).abs() < 1e-12);
    assert!(its[2] > its[0].max(its[1]) && its[2].is_finite());

    let mut policy = bandit(BanditRule::KlUcb);
    policy.learn(&log);
    let its = weights(&policy, &pool);
    let kl = |p: f64, q: f64| p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln();
    assert!((5.0 * kl(0.4, its[0]) - 11_f64.ln()).abs() < 1e-9);
    assert!((its[1] - (1.0 - 11_f64.powf(-0.2))).abs() < 1e-12); // kl(0, q) = -ln(1 - q)
    assert_eq!(its[2], 1.0);

    // Ranks that are looked at half the time: n is N^2 through the impressions, a quarter of them.
    let examination = Attention::Geometric { ratio: 0.5 };
    let config = Bandit { rule: BanditRule::Ucb1, examination, ..Bandit::default() };
    let mut policy = BanditPolicy::new(&config).unwrap();
    policy.learn(&log.iter().map(|shown| Shown { position: 2, ..*shown }).collect::<Vec<_>>());
    let reach = (2.0 * 11_f64.ln() / (2.5 * 2.5 / 5.0)).sqrt();
    assert!((weights(&policy, &pool)[0] - (2.0 / 2.5 + reach)).abs() < 1e-12);
}

const CLICKS: [f64; 5] = [0.15, 0.25, 0.3, 0.35, 0.5];

/// Regret, and pulls of the best arm, after each number of slates of one.
fn play(mut policy: Box<dyn Policy>, seed: u64, until: &[u64]) -> Vec<(f64, f64)> {
    let pool = items(CLICKS.len() as u32);
    let (mut regret, mut best) = (0.0, 0.0);
    let mut at_ends = Vec::new();
    for number in 0..*until.last().unwrap() {
        let request = Request { number: number as u32, seed, ..Request::new(&pool) };
        let item = slate(&*policy, &request, 1).unwrap().places[0];
        let probability = CLICKS[item as usize];
        let clicked = u8::from(chance(seed, number) < probability);
        policy.learn(&[Shown { clicked, ..Shown::of(item) }]);
        regret += CLICKS[4] - probability;
        best += f64::from(u8::from(item == 4));
        if until.contains(&(number + 1)) {
            at_ends.push((regret, best / (number + 1) as f64));
        }
    }
    at_ends
}

/// Regret grows with the logarithm of the slates. Lai and Robbins' bound is a slope in `ln n` of
/// `sum (p* - p) / kl(p, p*)` for rules that are good at every problem. Over 24 runs of 16,000:
/// Thompson and KL-UCB stay within 0.3 and 2.5 times that slope from 2,000 on, UCB1 within 12 times
/// (its own bound is `sum 8 / (p* - p)`, 15 times it here), and random slates lose in proportion to n.
#[test]
fn regret_is_logarithmic() {
    let kl = |p: f64, q: f64| p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln();
    let slope: f64 = CLICKS[..4].iter().map(|p| (0.5 - p) / kl(*p, 0.5)).sum();
    let until = [500, 2_000, 16_000];
    let mean = |make: &dyn Fn() -> Box<dyn Policy>| {
        let runs: Vec<_> = (0..24).map(|seed| play(make(), seed, &until)).collect();
        [0, 1, 2].map(|end| {
            let sum =
                |of: &dyn Fn((f64, f64)) -> f64| runs.iter().map(|run| of(run[end])).sum::<f64>();
            (sum(&|it| it.0) / 24.0, sum(&|it| it.1) / 24.0)
        })
    };
    let random = mean(&|| Box::new(Random));
    let expected = (0.5 * 5.0 - CLICKS.iter().sum::<f64>()) / 5.0;
    assert!((random[2].0 / 16_000.0 - expected).abs() < 0.002, "{random:?}");
    for (rule, most) in
        [(BanditRule::Thompson, 2.5), (BanditRule::KlUcb, 2.5), (BanditRule::Ucb1, 12.0)]
    {
        let found = mean(&|| {
            let topics = topics();
            let setting = Setting { topic_sets: &topics, strata: &[], start: 0, seed: 0 };
            Box::new(Selected::new(Box::new(bandit(rule)), Selection::Top, &setting).unwrap())
        });
        let grown = (found[2].0 - found[1].0) / 8_f64.ln();
        assert!(
            grown > 0.3 * slope && grown < most * slope,
            "{rule:?}: {} {found:?}",
            grown / slope
        );
        assert!(found[0].1 < found[1].1 && found[1].1 < found[2].1, "{rule:?}: {found:?}");
        assert!(found[2].0 < 0.2 * random[2].0, "{rule:?}: {found:?}");
        assert!(found[2].1 > 0.75, "{rule:?}: {found:?}");
    }
}

/// Two items alike, one always at rank 1, the other at rank 5, looked at with 1 / log2(1 + r): who
/// counts every impression believes the first better by that factor; who is told, does not. Within
/// five binomial standard errors.
#[test]
fn position_is_not_quality() {
    const SHOWN: u64 = 20_000;
    let examined = 1.0 / 6_f64.log2();
    let log: Vec<Shown> = (0..SHOWN)
        .flat_map(|at| {
            let click = |p: f64, of| u8::from(chance(at, of) < p);
            [
                Shown { clicked: click(0.2, 1), ..Shown::of(1) },
                Shown { position: 5, clicked: click(0.2 * examined, 2), ..Shown::of(2) },
            ]
        })
        .collect();
    let mean = |examination| {
        let mut policy = BanditPolicy::new(&Bandit { examination, ..Bandit::default() }).unwrap();
        policy.learn(&log);
        (policy.mean(1), policy.mean(2))
    };
    let (first, fifth) = mean(Attention::Uniform);
    assert!((first - 0.2).abs() < 5.0 * (0.16 / SHOWN as f64).sqrt(), "{first}");
    assert!((fifth - 0.2 * examined).abs() < 5.0 * (0.08 / SHOWN as f64).sqrt(), "{fifth}");
    let (same, corrected) = mean(Attention::Logarithmic);
    assert!((same - first).abs() < 1e-12);
    assert!((corrected - 0.2).abs() < 5.0 * (0.08 / SHOWN as f64).sqrt() / examined, "{corrected}");
}
