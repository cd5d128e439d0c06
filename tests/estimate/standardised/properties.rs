//! What holds whatever the totals: one stratum, an arm's own spread, arms that are alike, and what is not
//! known.

use proptest::prelude::*;
use tiltmeter::statistic::{
    AmplificationRatio, Difference, MantelHaenszelDifference, MantelHaenszelOddsRatio,
    MantelHaenszelRatio, OddsRatio, RateEffect, StandardPopulation, StandardisedDifference,
    StandardisedRatio, Statistic, TwoArms, Undefined, Working,
};

/// A stratum that the population has and one arm has not: the value is a state, unless its part is 0.
#[test]
fn strata_that_are_not_known() {
    // Strata x (both arms), y (treatment only), z (neither; of a third arm).
    let totals = [3.0, 10.0, 2.0, 10.0, 1.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let of = |parts: [f64; 3]| {
        let population = StandardPopulation::declared(["x", "y", "z"].into_iter().zip(parts));
        StandardisedDifference { population }.value(&totals)
    };
    let undefined = |of: Working| match of {
        Working::Undefined(reason) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(of([2.0, 0.0, 0.0]), Working::Finite(0.3 - 0.2));
    assert_eq!(undefined(of([1.0, 1.0, 0.0])), Undefined::StratumInOneArm);
    assert_eq!(undefined(of([1.0, 0.0, 1.0])), Undefined::StratumInNeitherArm);
    assert_eq!(of_population(StandardPopulation::Baseline, &totals), Working::Finite(0.3 - 0.2));
    for population in [StandardPopulation::Treatment, StandardPopulation::Both] {
        let reason = undefined(of_population(population, &totals));
        assert_eq!(reason, Undefined::StratumInOneArm);
    }
    // Zero shares are the ends of the ratio's scale.
    let ratio = |a: f64, c: f64| StandardisedRatio::BOTH.value(&[a, 10.0, c, 10.0]);
    assert_eq!(ratio(0.0, 1.0), Working::Below);
    assert_eq!(ratio(1.0, 0.0), Working::Above);
    assert_eq!(undefined(ratio(0.0, 0.0)), Undefined::TopicInNeitherArm);
}

fn of_population(population: StandardPopulation, totals: &[f64]) -> Working {
    StandardisedDifference { population }.value(totals)
}

fn totals_of(strata: &[(u32, u32, u32, u32)]) -> Vec<f64> {
    let of_stratum = |&(a, b, c, d): &(u32, u32, u32, u32)| [a, a + b, c, c + d].map(f64::from);
    strata.iter().flat_map(of_stratum).collect()
}

fn finite(statistic: &dyn Statistic, totals: &[f64]) -> f64 {
    match statistic.value(totals) {
        Working::Finite(value) => value,
        other => panic!("{statistic:?} is {other:?}"),
    }
}

fn populations(names: usize) -> [StandardPopulation; 4] {
    let declared = (0..names).map(|at| (format!("s{at}"), 1.0 + at as f64));
    [
        StandardPopulation::Treatment,
        StandardPopulation::Baseline,
        StandardPopulation::Both,
        StandardPopulation::declared(declared),
    ]
}

proptest! {
    /// With one stratum all that is adjusted is what it adjusts.
    #[test]
    fn one_stratum_is_crude(cell in (1..50_u32, 1..50_u32, 1..50_u32, 1..50_u32)) {
        let totals = totals_of(&[cell]);
        let same = |adjusted: &dyn Statistic, crude: &dyn Statistic| {
            let (ours, theirs) = (finite(adjusted, &totals), finite(crude, &totals));
            prop_assert!((ours - theirs).abs() < 1e-12, "{adjusted:?}: {ours} for {theirs}");
            for (mine, its) in adjusted.gradient(&totals).iter().zip(crude.gradient(&totals)) {
                prop_assert!((mine - its).abs() < 1e-12, "{adjusted:?}: {mine} for {its}");
            }
            Ok(())
        };
        same(&MantelHaenszelRatio, &AmplificationRatio)?;
        same(&MantelHaenszelOddsRatio, &OddsRatio)?;
        same(&MantelHaenszelDifference, &Difference)?;
        for population in populations(1) {
            same(&StandardisedRatio { population: population.clone() }, &AmplificationRatio)?;
            same(&StandardisedDifference { population }, &Difference)?;
        }
    }

    /// An arm's own spread gives back its crude share: declared, and as the population of that arm.
    #[test]
    fn an_arms_own_spread(
        strata in prop::collection::vec((1..50_u32, 1..50_u32, 1..50_u32, 1..50_u32), 1..6)
    ) {
        let totals = totals_of(&strata);
        let sums = totals.chunks(4).fold([0.0; 4], |sums: [f64; 4], t| {
            [sums[0] + t[0], sums[1] + t[1], sums[2] + t[2], sums[3] + t[3]]
        });
        let (treatment, baseline) = TwoArms::from_totals(&sums).shares().unwrap();
        // The other arm with nothing of the topic leaves the share of the one.
        let share = |population: StandardPopulation, silent: usize| {
            let mut totals = totals.clone();
            totals.chunks_mut(4).for_each(|t| t[silent] = 0.0);
            finite(&StandardisedDifference { population }, &totals)
        };
        let own = |all: usize| {
            let parts = totals.chunks(4).enumerate().map(|(at, t)| (format!("s{at}"), t[all]));
            StandardPopulation::declared(parts)
        };
        for population in [StandardPopulation::Treatment, own(1)] {
            prop_assert!((share(population, 2) - treatment).abs() < 1e-12);
        }
        for population in [StandardPopulation::Baseline, own(3)] {
            prop_assert!((share(population, 0) + baseline).abs() < 1e-12);
        }
        // Treatment's spread leaves the baseline's share at what the rates say, and the parts of Kitagawa
        // are means of both ways: composition and rates add up to what the populations say.
        let [first, second] = [StandardPopulation::Treatment, StandardPopulation::Baseline]
            .map(|population| finite(&StandardisedDifference { population }, &totals));
        prop_assert!(((first + second) / 2.0 - finite(&RateEffect, &totals)).abs() < 1e-12);
    }

    /// Arms alike within strata are alike under every population, and have no excess.
    #[test]
    fn no_amplification_is_none(
        strata in prop::collection::vec((1..20_u32, 1..20_u32, 1..9_u32, 1..9_u32), 1..6)
    ) {
        let of_stratum = |&(topic, other, more, less): &(u32, u32, u32, u32)| {
            (topic * more, other * more, topic * less, other * less)
        };
        let totals = totals_of(&strata.iter().map(of_stratum).collect::<Vec<_>>());
        prop_assert!(finite(&MantelHaenszelDifference, &totals).abs() < 1e-12);
        for population in populations(strata.len()) {
            let ratio = StandardisedRatio { population: population.clone() };
            prop_assert!(finite(&ratio, &totals).abs() < 1e-12);
            let difference = finite(&StandardisedDifference { population }, &totals);
            prop_assert!(difference.abs() < 1e-12);
        }
    }
}
