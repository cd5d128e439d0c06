//! The sign and size of the phenomena where their mechanisms are there, and their absence where they are not.

use tiltmeter_studies::phenomenon::Measured;

use super::study::{Group, Mechanism, finding, permutation_test};

fn within(measured: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&measured), "{measured} is not between {low} and {high}");
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
    let found = finding(Mechanism::FewMembers).unwrap();
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
    let found = finding(Mechanism::SameViewers).unwrap();
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
    let found = finding(Mechanism::Nothing).unwrap();
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
