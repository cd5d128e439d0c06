//! Feedback against closed forms.

use tiltmeter::log::Role;
use tiltmeter::simulate::Simulation;

use super::study::{DAYS, Ranking, WORLDS, feed, gini, study, urn_gini, urn_top_share};

fn within(measured: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&measured), "{measured} is not between {low} and {high}");
}

/// Feedback against closed forms, over ten worlds.
///
/// At random and by affinity the counts are nearly Poisson with mean `m`, whose Gini coefficient is about
/// `1 / sqrt(pi m)`. By clicks the shares are near the limit of Pólya's urn, and their Gini coefficients
/// vary between worlds by about `sqrt(1 / (12 n))`: tolerances are four standard errors of a mean over
/// worlds.
#[test]
fn feedback_makes_a_feed_unequal() {
    let study = study().unwrap();
    let found = |ranking| study.findings.iter().find(|f| f.ranking == ranking).unwrap();
    let last = |ranking: Ranking| found(ranking).gini.last().unwrap().value;
    let items = study.items as f64;
    let per_item = f64::from(DAYS) * 500.0 / items;
    let poisson = 1.0 / (std::f64::consts::PI * per_item).sqrt();
    for ranking in [Ranking::Random, Ranking::Affinity] {
        within(last(ranking) / poisson, 0.9, 1.1);
    }
    let worlds = WORLDS as f64;
    let error = 4.0 * (1.0 / (12.0 * items) / worlds).sqrt();
    within(last(Ranking::Clicks) - urn_gini(study.items), -error, error);
    within(found(Ranking::Clicks).top_share.value / urn_top_share(study.items), 0.8, 1.25);
    // Below 1 inequality fades, above 1 it grows to one winner.
    let by_day = |ranking: Ranking| found(ranking).gini.iter().map(|g| g.value).collect::<Vec<_>>();
    assert!(by_day(Ranking::RootOfClicks).windows(2).all(|days| days[1] < days[0]));
    within(last(Ranking::RootOfClicks), 0.10, 0.25);
    assert!(by_day(Ranking::MoreThanClicks).windows(2).all(|days| days[1] > days[0]));
    within(last(Ranking::MoreThanClicks), 0.9, 1.0);
    within(found(Ranking::MoreThanClicks).top_share.value, 0.5, 1.0);
    // Every world of an exponent of 1 or more is more unequal than all below.
    for pair in Ranking::ALL[..4].windows(2) {
        let end = |ranking: Ranking| *found(ranking).gini.last().unwrap();
        assert!(end(pair[0]).low > end(pair[1]).high);
    }
    // Who wins is chance.
    assert!(found(Ranking::Clicks).winners >= 7 && found(Ranking::MoreThanClicks).winners >= 7);
}

/// What the closed forms rest on: every item is there from the first slate to the last, and all are
/// clicked.
#[test]
fn the_items_of_feedback_are_alike() {
    let config = feed(1);
    let simulation = Simulation::new(&config).unwrap();
    let catalogue = simulation.catalogue();
    let log = simulation.log().unwrap();
    let times = log.times().unwrap();
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    assert!(catalogue.births().iter().all(|birth| *birth < first));
    assert!(catalogue.deaths().iter().all(|death| *death > last));
    assert!(catalogue.qualities().iter().all(|quality| *quality == catalogue.qualities()[0]));
    let clicks = log.numbers(Role::Engagement).unwrap();
    assert!(clicks.iter().all(|click| *click == 1.0));
}

/// The Gini coefficient by its definition, and the urn's expectations by drawing from the flat Dirichlet
/// distribution over three items: two uniform numbers cut a stick, here those of a lattice.
#[test]
fn gini_and_the_urn_are_right() {
    let slow = |values: &[f64]| {
        let pairs = values.iter().flat_map(|a| values.iter().map(move |b| (a - b).abs()));
        let number = values.len() as f64;
        pairs.sum::<f64>() / (2.0 * number * values.iter().sum::<f64>())
    };
    let values = [3.0, 0.0, 1.0, 7.0, 1.0];
    assert!((gini(&values) - slow(&values)).abs() < 1e-12);
    assert!(gini(&[2.0; 4]).abs() < 1e-12);
    assert!((gini(&[0.0, 0.0, 0.0, 5.0]) - 0.75).abs() < 1e-12);
    let side = 400;
    let cut = |at: i32| (f64::from(at) + 0.5) / f64::from(side);
    let (mut mean_gini, mut mean_top) = (0.0, 0.0);
    for (a, b) in (0..side).flat_map(|a| (0..side).map(move |b| (cut(a), cut(b)))) {
        let parts = [a.min(b), (a - b).abs(), 1.0 - a.max(b)];
        mean_gini += gini(&parts) / f64::from(side * side);
        mean_top += parts.iter().copied().fold(0.0, f64::max) / f64::from(side * side);
    }
    assert!((mean_gini - urn_gini(3)).abs() < 1e-4, "{mean_gini}");
    assert!((mean_top - urn_top_share(3)).abs() < 1e-4, "{mean_top}");
}
