//! The slate sampler and its probabilities against closed forms, enumeration and simulation.

use proptest::prelude::*;
use tiltmeter::Error;
use tiltmeter::policy::plackett_luce::{PlackettLuce, conditional_propensities, marginals};

/// The probability of a slate, by the definition of the model.
fn probability(weights: &[f64], slate: &[usize]) -> f64 {
    let mut left: Vec<f64> = weights.to_vec();
    let mut product = 1.0;
    for &place in slate {
        product *= left[place] / left.iter().sum::<f64>();
        left[place] = 0.0;
    }
    product
}

/// Every slate of a length.
fn slates(candidates: usize, length: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..length {
        let longer = |slate: &Vec<usize>| {
            let slate = slate.clone();
            let rest = (0..candidates).filter(|place| !slate.contains(place)).collect::<Vec<_>>();
            rest.into_iter().map(move |place| [&slate[..], &[place]].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Marginals by going through every slate.
fn enumerated(weights: &[f64], length: usize) -> Vec<Vec<f64>> {
    let mut all = vec![vec![0.0; length]; weights.len()];
    for slate in slates(weights.len(), length) {
        let probability = probability(weights, &slate);
        slate.iter().enumerate().for_each(|(rank, &place)| all[place][rank] += probability);
    }
    all
}

fn drawn(weights: &[f64], length: usize, seed: u64, draws: u64) -> Vec<Vec<u32>> {
    let mut feed = PlackettLuce::new();
    (0..draws)
        .map(|request| feed.draw(weights, length, seed, request).expect("weights are right"))
        .collect()
}

/// Pearson's statistic is below the 99.99% point of chi-square, by Wilson and Hilferty.
fn assert_fits(observed: &[f64], expected: &[f64]) {
    let terms = observed.iter().zip(expected).map(|(o, e)| (o - e).powi(2) / e);
    let (statistic, degrees) = (terms.sum::<f64>(), expected.len() as f64 - 1.0);
    let ninth = 2.0 / (9.0 * degrees);
    let limit = degrees * (1.0 - ninth + 3.719 * ninth.sqrt()).powi(3);
    assert!(statistic < limit, "{statistic} with {degrees} degrees of freedom");
}

/// `w_i / sum w` at the first rank, for a slate of one and for the first of twenty.
#[test]
fn the_first_rank_goes_by_weights() {
    let weights: Vec<f64> = (1..=100).map(f64::from).collect();
    let draws = 200_000;
    for (length, seed) in [(1, 1), (20, 2)] {
        let mut observed = vec![0.0; 100];
        drawn(&weights, length, seed, draws)
            .iter()
            .for_each(|slate| observed[slate[0] as usize] += 1.0);
        let expected: Vec<f64> = weights.iter().map(|w| w / 5050.0 * draws as f64).collect();
        assert_fits(&observed, &expected);
    }
}

/// All 24 orders of four candidates, and all 60 slates of three of five.
#[test]
fn whole_slates_have_their_probabilities() {
    for (weights, length) in [(&[1.0, 2.0, 3.0, 0.5][..], 4), (&[0.3, 4.0, 1.0, 1.0, 2.5][..], 3)] {
        let draws = 300_000;
        let all = slates(weights.len(), length);
        let mut observed = vec![0.0; all.len()];
        for slate in drawn(weights, length, 3, draws) {
            let slate: Vec<usize> = slate.iter().map(|place| *place as usize).collect();
            observed[all.iter().position(|one| *one == slate).unwrap()] += 1.0;
        }
        let expected: Vec<f64> =
            all.iter().map(|slate| probability(weights, slate) * draws as f64).collect();
        assert_fits(&observed, &expected);
    }
}

/// Enumeration of up to 5,040 orders, to 1e-12: equal weights, weights over twelve orders of
/// magnitude, weights of 0.
#[test]
fn marginals_are_those_of_all_orders() {
    let cases: [(&[f64], usize); 7] = [
        (&[2.0], 1),
        (&[1.0, 1.0, 1.0], 3),
        (&[3.0, 1.0, 0.2, 7.0, 1.5], 5),
        (&[3.0, 1.0, 0.2, 7.0, 1.5, 1.5, 0.01], 7),
        (&[1e-6, 1.0, 1e6, 3.0, 1e-6], 4),
        (&[1e6, 1e-6, 1e6, 1.0, 2e-6, 1e3], 3),
        (&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], 2),
    ];
    for (weights, length) in cases {
        let found = marginals(weights, length).unwrap();
        for (place, row) in enumerated(weights, length).iter().enumerate() {
            for (rank, expected) in row.iter().enumerate() {
                let off = (found[[place, rank]] - expected).abs();
                assert!(off < 1e-12, "{weights:?}: {place} at {rank} is off by {off}");
            }
        }
    }
    let with_none = marginals(&[0.0, 3.0, 0.0, 1.0], 3).unwrap();
    let expected = [[0.0; 3], [0.75, 0.25, 0.0], [0.0; 3], [0.25, 0.75, 0.0]];
    for ((place, rank), found) in with_none.indexed_iter() {
        assert!((found - expected[place][rank]).abs() < 1e-12);
    }
}

/// Closed form: with equal weights each of `n` candidates is at each rank with probability `1/n`,
/// for 200 candidates as well; and the greatest and least weights that there are do no harm.
#[test]
fn equal_weights_are_uniform() {
    for (candidates, length, weight) in [(5, 5, 0.1), (200, 20, 7e300), (64, 64, 5e-324)] {
        let found = marginals(&vec![weight; candidates], length).unwrap();
        for probability in found {
            assert!((probability * candidates as f64 - 1.0).abs() < 1e-10, "{probability}");
        }
    }
}

/// A large case: every rank sums to 1, the first is `w_i / sum w`, no candidate is shown more than
/// once, and simulation agrees within five standard errors at every rank.
#[test]
fn marginals_agree_with_simulation() {
    let weights: Vec<f64> = (0..60).map(|place| 1.15_f64.powi(place * 37 % 60)).collect();
    let length = 10;
    let found = marginals(&weights, length).unwrap();
    let sum: f64 = weights.iter().sum();
    for rank in 0..length {
        assert!((found.column(rank).sum() - 1.0).abs() < 1e-11);
    }
    for (place, weight) in weights.iter().enumerate() {
        assert!((found[[place, 0]] - weight / sum).abs() < 1e-12);
        assert!(found.row(place).sum() < 1.0);
    }
    let draws = 200_000;
    let mut observed = found.mapv(|_| 0.0);
    for slate in drawn(&weights, length, 4, draws) {
        let ranks = slate.iter().enumerate();
        ranks.for_each(|(rank, place)| observed[[*place as usize, rank]] += 1.0);
    }
    for (&expected, &observed) in found.iter().zip(&observed) {
        let n = draws as f64;
        let error = (expected * (1.0 - expected) * n).sqrt();
        // The fifth of 600 standard errors, and one more count where few are expected.
        assert!((observed - expected * n).abs() < 5.0 * error + 1.0, "{observed} {expected}");
    }
}

/// At each rank `f / propensity` has as its mean the sum of `f` over what is left, given the ranks
/// above: so the mean of the sum over shown ranks plus that of the sum left is known exactly.
#[test]
fn inverse_propensities_are_unbiased() {
    let weights: Vec<f64> = (1..=30).map(|place| f64::from(place % 7 + 1)).collect();
    let value = |place: u32| f64::from(place % 5) + 0.5;
    let total: f64 = (0..30).map(value).sum();
    let (draws, length) = (100_000, 6);
    let mut differences = vec![(0.0, 0.0); length];
    for slate in drawn(&weights, length, 5, draws) {
        let propensities = conditional_propensities(&weights, &slate).unwrap();
        let mut left = total;
        for (rank, (&place, propensity)) in slate.iter().zip(propensities).enumerate() {
            let difference = value(place) / propensity - left;
            differences[rank].0 += difference;
            differences[rank].1 += difference * difference;
            left -= value(place);
        }
    }
    for (sum, squares) in differences {
        assert!(f64::abs(sum) < 4.5 * f64::sqrt(squares), "{sum} with error {}", squares.sqrt());
    }
}

/// Where one outweighs all others by 10^15, subtracting from the total would leave no digit. Exact
/// values by hand.
#[test]
fn propensities_keep_their_digits() {
    let weights = [1e15, 0.1, 0.2, 0.3];
    let found = conditional_propensities(&weights, &[0, 2, 3, 1]).unwrap();
    let expected = [1e15 / (1e15 + 0.6), 0.2 / 0.6, 0.3 / 0.4, 1.0];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.0_f64).abs() < 1e-15, "{found} {expected}");
    }
    // Sums beyond double precision.
    let found = conditional_propensities(&[1.5e308, 1.5e308, 1e-300, 1.0], &[1, 0, 3, 2]).unwrap();
    assert_eq!(found, [0.5, 1.0, 1.0, 1.0]);
    let found = conditional_propensities(&[f64::MAX, 5e-324], &[1]).unwrap();
    assert!(found[0] > 0.0);
}

/// Weights that the race cannot hold beside the greatest still come, after it and in their order.
#[test]
fn weights_far_below_the_greatest_come_last() {
    let weights = [1e-200, 1e200, 0.0, 1e-200, 5e-324];
    let mut first = 0;
    for slate in drawn(&weights, 9, 6, 1_000) {
        assert_eq!((slate.len(), slate[0], slate[3]), (4, 1, 4));
        first += u32::from(slate[1] == 0);
    }
    // A fair coin thrown a thousand times: five standard errors.
    assert!(first.abs_diff(500) < 79, "{first}");
}

/// Slates are part of what a seed promises; they change only with a version. The promised ones are
/// those of `tests/golden/make_slates.py`, which knows nothing of vectors and single precision.
#[test]
fn slates_are_a_promise() {
    let weights: Vec<f64> = (0..200).map(|place| 1.0 / f64::from(place + 1)).collect();
    assert_eq!(drawn(&weights, 8, 42, 3), PROMISED);
}

const PROMISED: [[u32; 8]; 3] = [
    [149, 1, 55, 154, 14, 41, 9, 3],
    [6, 13, 3, 126, 29, 9, 18, 52],
    [19, 2, 0, 73, 4, 97, 10, 88],
];

#[test]
fn wrong_input_is_refused() {
    let mut feed = PlackettLuce::new();
    for weight in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-300] {
        let weights = [1.0, weight];
        assert!(matches!(feed.draw(&weights, 1, 0, 0), Err(Error::Parameter { .. })));
        assert!(matches!(marginals(&weights, 1), Err(Error::Parameter { .. })));
        let error = conditional_propensities(&weights, &[0]).unwrap_err();
        assert!(error.to_string().contains("finite and not negative"), "{error}");
    }
    for slate in [&[2][..], &[1][..], &[0, 0][..], &[u32::MAX][..]] {
        let error = conditional_propensities(&[1.0, 0.0], slate).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{slate:?}");
    }
    assert!(matches!(marginals(&[1.0], 2), Err(Error::Parameter { .. })));
    assert!(feed.draw(&[], 5, 0, 0).unwrap().is_empty());
    assert!(feed.draw(&[0.0; 40], 5, 0, 0).unwrap().is_empty());
    assert!(feed.draw(&[1.0; 40], 0, 0, 0).unwrap().is_empty());
    assert_eq!(feed.draw(&[-0.0, 1.0], usize::MAX, 0, 0).unwrap(), [1]);
    assert_eq!(marginals(&[], 0).unwrap().len(), 0);
    assert_eq!(marginals(&[0.0, 0.0], 2).unwrap().sum(), 0.0);
}

fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 4 => (-6.0..6.0).prop_map(|power| 10_f64.powf(power))]
}

proptest! {
    /// A slate has no place twice, none without a weight, and is as long as it can be; it is the
    /// beginning of any longer one; and it stays the same when weights are a power of two times
    /// theirs.
    #[test]
    fn slates_are_slates(
        weights in prop::collection::vec(weight(), 0..300),
        length in 0_usize..60,
        seed: u64,
        power in -900..900,
    ) {
        let mut feed = PlackettLuce::new();
        let slate = feed.draw(&weights, length, seed, 9).unwrap();
        let having = weights.iter().filter(|weight| **weight > 0.0).count();
        prop_assert_eq!(slate.len(), length.min(having));
        let mut places = slate.clone();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), slate.len());
        prop_assert!(slate.iter().all(|place| weights[*place as usize] > 0.0));
        let longer = feed.draw(&weights, 2 * length, seed, 9).unwrap();
        prop_assert_eq!(&longer[..slate.len()], &slate[..]);
        let scaled: Vec<f64> = weights.iter().map(|weight| weight * 2_f64.powi(power)).collect();
        prop_assert_eq!(feed.draw(&scaled, length, seed, 9).unwrap(), slate.clone());
        // The product over a slate is its probability by the definition.
        let propensities = conditional_propensities(&weights, &slate).unwrap();
        prop_assert!(propensities.iter().all(|p| *p > 0.0 && *p <= 1.0));
        let mut above: Vec<f64> = weights.clone();
        for (place, propensity) in slate.iter().zip(propensities) {
            let expected = weights[*place as usize] / above.iter().sum::<f64>();
            prop_assert!((propensity / expected - 1.0).abs() < 1e-12);
            above[*place as usize] = 0.0;
        }
    }

    /// Ranks sum to 1 and candidates to at most 1, and scale does not matter.
    #[test]
    fn marginals_sum(weights in prop::collection::vec(weight(), 1..24), part in 0.0..1.0_f64) {
        let length = (part * weights.len() as f64).ceil() as usize;
        let found = marginals(&weights, length).unwrap();
        let having = weights.iter().filter(|weight| **weight > 0.0).count();
        for (rank, column) in found.columns().into_iter().enumerate() {
            let expected = if rank < having { 1.0 } else { 0.0 };
            prop_assert!((column.sum() - expected).abs() < 1e-10, "{}", column.sum());
        }
        prop_assert!(found.rows().into_iter().all(|row| row.sum() < 1.0 + 1e-10));
        let scaled: Vec<f64> = weights.iter().map(|weight| weight * 3e-7).collect();
        for (one, other) in found.iter().zip(&marginals(&scaled, length).unwrap()) {
            prop_assert!((one - other).abs() < 1e-10);
        }
    }
}
