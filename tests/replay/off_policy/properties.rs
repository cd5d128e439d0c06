//! What must hold for any log.

use proptest::collection::vec;
use proptest::prelude::*;
use tiltmeter::inference::{Bootstrap, Delta, Jackknife};
use tiltmeter::replay::off_policy::Clip;
use tiltmeter::replay::off_policy::{
    Floor, ImportanceWeights, ItemMeans, MeansOf, Measure, OffPolicy, OffPolicyReport, RewardModel,
    Target,
};
use tiltmeter::{Attention, ClusterBy, Interval, MultiLabel, Question};

use crate::off_policy::logs::{Shown, log_of};

fn impression() -> impl Strategy<Value = Shown> {
    let arm = prop_oneof![3 => Just("a"), 1 => Just("b")];
    (0..7_u32, arm, 0..6_u32, 1..4_u32, -3.0..3.0_f64, 0.05..1.0_f64).prop_map(
        |(who, arm, item, position, reward, propensity)| Shown {
            who,
            arm,
            item,
            position,
            reward,
            propensity,
        },
    )
}

/// Some impressions, of which the first are of either arm, in two clusters.
fn impressions() -> impl Strategy<Value = Vec<Shown>> {
    vec(impression(), 4..60).prop_map(|mut shown| {
        for (at, (arm, who)) in [("a", 0), ("a", 1), ("b", 0), ("b", 1)].into_iter().enumerate() {
            (shown[at].arm, shown[at].who) = (arm, who);
        }
        shown
    })
}

fn report(shown: &[Shown], interval: Interval, cluster: ClusterBy) -> OffPolicyReport {
    let log = log_of(shown);
    let model = ItemMeans { of: MeansOf::ItemAndPosition, folds: 3, prior: 2.0 };
    OffPolicy::of(
        &log,
        &Question::of_arm("a")
            .cluster(cluster)
            .attention(Attention::Logarithmic)
            .multi_label(MultiLabel::Fractional),
    )
    .target(Target::Table([("0".to_owned(), 0.5), ("3".to_owned(), 0.25)].into()))
    .interval(interval)
    .reward_model(RewardModel::ItemMeans(model))
    .check("b")
    .floor(Floor::At(0.0))
    .run()
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The target is the logging policy: nothing is weighed, and nothing is amplified.
    #[test]
    fn a_policy_is_worth_all_of_its_own_log(shown in impressions()) {
        let log = log_of(&shown);
        let target = Target::ByRow(shown.iter().map(|one| one.propensity).collect());
        let weights = ImportanceWeights::of(&log, "a", &target, Clip::None).unwrap();
        prop_assert!(weights.weights().iter().all(|weight| *weight == 1.0));
        let report = OffPolicy::of(&log, &Question::of_arm("a")).target(target).floor(Floor::At(0.0)).run().unwrap();
        let of_arm: Vec<f64> =
            shown.iter().filter(|one| one.arm == "a").map(|one| one.reward).collect();
        let n = of_arm.len() as f64;
        prop_assert_eq!(report.weights.effective_size, n);
        let mean = of_arm.iter().sum::<f64>() / n;
        for measure in [Measure::Snips, Measure::Ips, Measure::LoggedReward] {
            let found = report.estimate(measure).unwrap().number().unwrap();
            prop_assert!((found - mean).abs() < 1e-12, "{measure:?} {found} {mean}");
        }
        for topic in report.topics() {
            let ratio = report.of_topic(Measure::Amplification, topic).unwrap();
            // The topic may be shown in the other arm alone.
            if let Some(ratio) = ratio.number() {
                prop_assert_eq!(ratio, 1.0);
            }
        }
    }

    /// Nothing depends on the order of the rows, to the last bit: values, intervals by the delta method,
    /// the jackknife and the bootstrap, cross-fitted models, diagnostics; with clusters or without.
    #[test]
    fn the_order_of_rows_says_nothing(
        (shown, turned) in impressions().prop_flat_map(|shown| {
            (Just(shown.clone()), Just(shown).prop_shuffle())
        }),
        way in 0..3_usize,
    ) {
        let bootstrap = Bootstrap { replicates: 99, ..Bootstrap::default() };
        let interval = [
            Interval::Delta(Delta::default()),
            Interval::Jackknife(Jackknife::default()),
            Interval::Bootstrap(bootstrap),
        ][way];
        for cluster in [ClusterBy::Viewer, ClusterBy::Impression] {
            let first = report(&shown, interval, cluster.clone()).to_json().unwrap();
            let second = report(&turned, interval, cluster).to_json().unwrap();
            prop_assert_eq!(first, second);
        }
    }

    /// Self-normalised estimates do not know by how much all propensities are off; others do.
    #[test]
    fn a_factor_on_propensities_is_lost(shown in impressions(), factor in 0.2..1.0_f64) {
        let scaled: Vec<Shown> = shown
            .iter()
            .map(|one| Shown { propensity: one.propensity * factor, ..one.clone() })
            .collect();
        let interval = Interval::Delta(Delta::default());
        let [first, second] =
            [&shown, &scaled].map(|rows| report(rows, interval, ClusterBy::Viewer));
        for (a, b) in first.estimates.iter().zip(&second.estimates) {
            let by = match a.measure {
                Measure::Ips | Measure::IpsShare | Measure::MeanWeight => 1.0 / factor,
                Measure::DoublyRobust => continue,
                _ => 1.0,
            };
            prop_assert_eq!(a.answer.is_ok(), b.answer.is_ok());
            if let (Some(a), Some(b)) = (a.number(), b.number()) {
                prop_assert!((a * by - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} {b} {by}");
            }
        }
    }

    /// What the JSON says is what the report says, and no number in it is NaN.
    #[test]
    fn reports_can_be_read_back(shown in impressions()) {
        use tiltmeter::replay::off_policy::OffPolicyRecord;
        let report = report(&shown, Interval::default(), ClusterBy::Viewer);
        let record = OffPolicyRecord::from_json(&report.to_json().unwrap()).unwrap();
        prop_assert_eq!(&record, &OffPolicyRecord::from(&report));
        for estimate in record.estimates {
            prop_assert!(
                estimate.value.is_some() || estimate.state.is_some() || estimate.refused.is_some()
            );
        }
    }
}
