//! Phenomena that the literature knows, made with simulated feeds: their sign and size, where the
//! mechanism is there, and their absence, where it is not. The studies are those of `examples/`.

#[path = "../../examples/contaminated_baseline/study.rs"]
mod contaminated_baseline;
#[path = "../../examples/group_or_individual/study.rs"]
#[allow(dead_code, reason = "the example puts its parts together itself")]
mod group_or_individual;
#[path = "../../examples/phenomenon/mod.rs"]
mod phenomenon;
#[path = "../../examples/popularity_feedback/study.rs"]
mod popularity_feedback;

use tiltmeter::Question;
use tiltmeter::simulate::{Simulation, SimulationConfig};

use self::contaminated_baseline::Against;
use self::group_or_individual::{Group, Mechanism, permutation_test};
use self::phenomenon::Measured;
use self::popularity_feedback::{Ranking, gini, urn_gini, urn_top_share};

fn within(measured: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&measured), "{measured} is not between {low} and {high}");
}

/// The longer a feed is biased, the more it does to what is shown, and the less of it an audit against
/// the newest of followed creators finds.
#[test]
fn a_biased_history_hides_the_bias() {
    let study = contaminated_baseline::study().unwrap();
    let ratio = |at: usize, against| study.findings[at].against(against);
    let last = study.findings.len() - 1;
    for finding in &study.findings {
        assert_eq!(finding.ratios.len(), Against::ALL.len(), "each has a value and an interval");
    }
    for at in 1..=last {
        let falls = |against| ratio(at, against).value < ratio(at - 1, against).value;
        assert!(falls(Against::Newest));
        assert!(!falls(Against::CleanNewest) && !falls(Against::Uniform));
        assert!(!falls(Against::CleanAlgorithm));
        let share = |at: usize| study.findings[at].inventory_share;
        assert!(share(at) > share(at - 1));
    }
    // Without a history all baselines are near each other.
    let (apparent, whole) = (ratio(0, Against::Newest), ratio(0, Against::CleanAlgorithm));
    within(apparent.value / whole.value, 0.85, 1.0);
    // Four weeks hide more than half of what is above 1: the intervals are far apart.
    let (apparent, whole) = (ratio(last, Against::Newest), ratio(last, Against::CleanAlgorithm));
    assert!(apparent.high < whole.low, "{apparent} {whole}");
    within((apparent.value - 1.0) / (whole.value - 1.0), 0.2, 0.5);
    // Uniform draws and the clean inventory show the whole, to within their intervals.
    for against in [Against::Uniform, Against::CleanNewest] {
        let found = ratio(last, against);
        within(whole.value, found.low, found.high);
    }
    // All topics have the same supply and interest.
    within(study.clean_inventory_share, 0.22, 0.29);
    within(study.findings[last].inventory_share, 0.36, 0.48);
}

/// With no bias at all the worlds are one, and nothing is found.
#[test]
fn without_a_bias_the_two_worlds_are_one() {
    let clean = contaminated_baseline::audited(&contaminated_baseline::feed(None)).unwrap();
    let log = contaminated_baseline::joined(&clean, &clean).unwrap();
    for arm in ["algorithm", "newest", "uniform"] {
        let report = tiltmeter::Audit::of(
            &log,
            &Question::between(arm, tiltmeter::Baseline::arm(format!("clean {arm}")))
                .topics([contaminated_baseline::TOPIC]),
        )
        .run()
        .unwrap();
        assert_eq!(report.estimates()[0].value.number(), Some(1.0));
    }
}

fn contains(interval: Measured, value: f64) -> bool {
    interval.low <= value && value <= interval.high
}

/// Members amplified by more than this factor; without a mechanism their ratios vary by 0.1.
fn amplified(group: &Group, factor: f64) -> usize {
    group.members.iter().filter(|ratio| **ratio > factor).count()
}

/// Two boosted members carry the group; a test over members sees nothing.
#[test]
fn few_members_carry_a_group() {
    let found = group_or_individual::finding(Mechanism::FewMembers).unwrap();
    let [left, right] = &found.groups;
    assert!(contains(left.ratio, 1.0), "{}", left.ratio);
    within(right.ratio.value, 1.15, 1.45);
    assert!(
        right.ratio.low > left.ratio.high,
        "the parties differ: {} {}",
        left.ratio,
        right.ratio
    );
    assert_eq!((amplified(left, 1.5), amplified(right, 1.5)), (0, 2));
    within(right.median_member(), 0.9, 1.1);
    assert!(found.p > 0.05, "{}", found.p);
}

/// Members shown more to the same viewers are amplified, each of them; the group is not.
#[test]
fn the_same_viewers_amplify_members_and_not_the_group() {
    let found = group_or_individual::finding(Mechanism::SameViewers).unwrap();
    let [left, right] = &found.groups;
    assert!(contains(left.ratio, 1.0), "{}", left.ratio);
    assert!(contains(right.ratio, 1.0), "{}", right.ratio);
    assert_eq!((amplified(left, 1.1), amplified(right, 1.5)), (12, 0));
    within(left.median_member(), 1.2, 1.5);
    within(right.median_member(), 0.9, 1.1);
    assert!(found.p < 0.001, "{}", found.p);
}

/// Nothing injected, nothing found: neither by groups nor over members.
#[test]
fn groups_without_a_mechanism_are_alike() {
    let found = group_or_individual::finding(Mechanism::Nothing).unwrap();
    for group in &found.groups {
        assert!(contains(group.ratio, 1.0), "{}", group.ratio);
        within(group.median_member(), 0.9, 1.1);
        assert_eq!(amplified(group, 1.5), 0);
    }
    assert!(found.p > 0.05, "{}", found.p);
}

/// The permutation test against all assignments: of the 20 ways to take three of six, two are as far
/// apart as 1, 2, 3 and 4, 5, 6 on the logarithmic scale. Four binomial standard errors.
#[test]
fn the_permutation_test_is_that_over_all_assignments() {
    let p = permutation_test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 19_999, 5);
    assert!((p - 0.1).abs() < 4.0 * (0.09_f64 / 20_000.0).sqrt(), "{p}");
    assert!((permutation_test(&[2.0, 2.0], &[2.0, 2.0], 99, 1) - 1.0).abs() < 1e-12);
}

/// Feedback against closed forms, over ten worlds.
///
/// At random and by affinity the counts are nearly Poisson with mean `m`, whose Gini coefficient is about
/// `1 / sqrt(pi m)`. By clicks the shares are near the limit of Pólya's urn, and their Gini coefficients
/// vary between worlds by about `sqrt(1 / (12 n))`: tolerances are four standard errors of a mean over
/// worlds.
#[test]
fn feedback_makes_a_feed_unequal() {
    let study = popularity_feedback::study().unwrap();
    let found = |ranking| study.findings.iter().find(|f| f.ranking == ranking).unwrap();
    let last = |ranking: Ranking| found(ranking).gini.last().unwrap().value;
    let items = study.items as f64;
    let per_item = f64::from(popularity_feedback::DAYS) * 500.0 / items;
    let poisson = 1.0 / (std::f64::consts::PI * per_item).sqrt();
    for ranking in [Ranking::Random, Ranking::Affinity] {
        within(last(ranking) / poisson, 0.9, 1.1);
    }
    let worlds = popularity_feedback::WORLDS as f64;
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
    let config: SimulationConfig = popularity_feedback::feed(1);
    let simulation = Simulation::new(&config).unwrap();
    let catalogue = simulation.catalogue();
    let log = simulation.log().unwrap();
    let times = log.times().unwrap();
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    assert!(catalogue.births().iter().all(|birth| *birth < first));
    assert!(catalogue.deaths().iter().all(|death| *death > last));
    assert!(catalogue.qualities().iter().all(|quality| *quality == catalogue.qualities()[0]));
    let clicks = log.numbers(tiltmeter::log::Role::Engagement).unwrap();
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
