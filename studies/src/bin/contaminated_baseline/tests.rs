//! The sign and size of the phenomenon where its mechanism is there, and its absence where it is not.

use tiltmeter::{Audit, Baseline, Question};

use super::study::{Against, TOPIC, audited, feed, joined, study};

fn within(measured: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&measured), "{measured} is not between {low} and {high}");
}

/// The longer a feed is biased, the more it does to what is shown, and the less of it an audit against
/// the newest of followed creators finds.
#[test]
fn a_biased_history_hides_the_bias() {
    let study = study().unwrap();
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
    let clean = audited(&feed(None)).unwrap();
    let log = joined(&clean, &clean).unwrap();
    for arm in ["algorithm", "newest", "uniform"] {
        let report = Audit::of(
            &log,
            &Question::between(arm, Baseline::arm(format!("clean {arm}"))).topics([TOPIC]),
        )
        .run()
        .unwrap();
        assert_eq!(report.estimates()[0].value.number(), Some(1.0));
    }
}
