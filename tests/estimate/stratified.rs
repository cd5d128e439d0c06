//! Statistics that keep strata apart: statsmodels' stratified tables, Kitagawa's formula, and clustered
//! errors against the jackknife.

use crate::shared;

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::inference::{Bootstrap, Delta, Jackknife};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    CompositionEffect, Difference, MantelHaenszelOddsRatio, MantelHaenszelRatio, RateEffect,
    Statistic, Working,
};
use tiltmeter::tally::StratifyBy;
use tiltmeter::{Audit, ClusterBy, Error, Estimate, ExposureLog, Interval, Question, Value};

/// Impressions of (cluster, arm, stratum, topic or not).
fn log(rows: &[(i64, &str, String, &str)]) -> ExposureLog {
    let source = SliceSource::new("strata")
        .integer("who", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .text("feed", &rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .text("group", &rows.iter().map(|row| row.2.as_str()).collect::<Vec<_>>())
        .text("about", &rows.iter().map(|row| row.3).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("group")
        .topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).expect("the columns are whole")
}

fn estimate(
    log: &ExposureLog,
    statistic: impl Statistic + 'static,
    interval: Interval,
) -> Estimate {
    let audit = Audit::of(log, &Question::between("a", "b").topics(["war"]).statistic(statistic))
        .interval(interval);
    audit.run().expect("both arms and the topic are there").estimates()[0].clone()
}

fn table(case: &Json) -> Vec<[[usize; 2]; 2]> {
    serde_json::from_value(case["tables"].clone()).expect("golden tables are counts")
}

/// Every impression a cluster of its own: values and naive errors are statsmodels', to 1e-9.
#[test]
fn tables_of_statsmodels() {
    let Some(golden) = shared::golden("stratified") else { return };
    for case in golden["cases"].as_array().unwrap() {
        let mut rows = Vec::new();
        for (stratum, table) in table(case).iter().enumerate() {
            for (arm, counts) in ["a", "b"].into_iter().zip(table) {
                for (topic, count) in ["war", "sport"].into_iter().zip(counts) {
                    for _ in 0..*count {
                        rows.push((rows.len() as i64, arm, format!("s{stratum}"), topic));
                    }
                }
            }
        }
        let log = log(&rows);
        let check = |estimate: &Estimate, value: &str, error: &str| {
            let (value, error) = (case[value].as_f64().unwrap(), case[error].as_f64().unwrap());
            let its = estimate.value.number().unwrap();
            assert!((its / value - 1.0).abs() < 1e-9, "{its} for {value}");
            let naive = estimate.naive.unwrap().standard_error;
            assert!((naive / error - 1.0).abs() < 1e-9, "{naive} for {error}");
            // With a cluster for each impression the robust error is near the model's, and above it
            // where ratios differ between strata, which the model takes for alike.
            let effect = estimate.naive.unwrap().design_effect.unwrap();
            assert!((0.9..1.5).contains(&effect), "{effect}");
        };
        let delta = Interval::Delta(Delta::default());
        let ratio = estimate(&log, MantelHaenszelRatio, delta);
        check(&ratio, "mh_risk_ratio", "mh_log_rr_se");
        let odds = estimate(&log, MantelHaenszelOddsRatio, delta);
        check(&odds, "mh_odds_ratio", "mh_log_or_se");
    }
}

/// Kitagawa's parts are those of the formula.
#[test]
fn parts_of_kitagawa() {
    let Some(golden) = shared::golden("decomposition") else { return };
    let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(golden[key].clone()).unwrap() };
    let [w1, r1, w0, r0] = ["w1", "r1", "w0", "r0"].map(numbers);
    let totals: Vec<f64> = (0..w1.len())
        .flat_map(|k| [1e4 * w1[k] * r1[k], 1e4 * w1[k], 500.0 * w0[k] * r0[k], 500.0 * w0[k]])
        .collect();
    let parts: [(&dyn Statistic, &str); 2] =
        [(&CompositionEffect, "composition"), (&RateEffect, "rate")];
    for (statistic, key) in parts {
        let Working::Finite(value) = statistic.value(&totals) else { panic!("{key}") };
        assert!((value - golden[key].as_f64().unwrap()).abs() < 1e-12, "{key}: {value}");
    }
}

/// Clusters of unequal leaning in three strata: the delta method's error is the jackknife's to 5%, and
/// well above the naive one.
#[test]
fn clustered_errors_are_the_jackknifes() {
    let mut rows = Vec::new();
    for cluster in 0..240_i64 {
        let arm = if cluster % 2 == 0 { "a" } else { "b" };
        // Arms have other parts of the strata, so that there is a composition to speak of.
        let stratum = format!("s{}", (cluster / 2 % if cluster % 2 == 0 { 5 } else { 3 }).min(2));
        // A cluster's share of the topic: between 0 and a half, spread without pattern.
        let share = (cluster * 7919 % 101) % 50;
        for impression in 0..20 + cluster % 13 {
            let war = impression * 37 % 100 < share;
            rows.push((cluster, arm, stratum.clone(), if war { "war" } else { "sport" }));
        }
    }
    let log = log(&rows);
    let check = |by: &dyn Fn(Interval) -> Estimate| {
        let delta = by(Interval::Delta(Delta::default()));
        let jackknife = by(Interval::Jackknife(Jackknife::default()));
        let (delta_error, error) =
            (delta.standard_error.unwrap(), jackknife.standard_error.unwrap());
        assert!((delta_error / error - 1.0).abs() < 0.05, "{delta_error} for {error}");
        delta.naive.and_then(|naive| naive.design_effect)
    };
    let ratio = check(&|by| estimate(&log, MantelHaenszelRatio, by));
    let odds = check(&|by| estimate(&log, MantelHaenszelOddsRatio, by));
    assert!(ratio > Some(2.0) && odds > Some(2.0), "{ratio:?} {odds:?}");
    // Kitagawa's parts have no formula for independent impressions.
    assert_eq!(check(&|by| estimate(&log, CompositionEffect, by)), None);
    assert_eq!(check(&|by| estimate(&log, RateEffect, by)), None);
}

/// A stratum that one arm has nothing in: its rate there is not known, and the parts say so.
#[test]
fn a_stratum_of_one_arm_is_a_state() {
    let rows = [
        (1, "a", "s0", "war"),
        (2, "a", "s1", "war"),
        (3, "b", "s0", "war"),
        (4, "b", "s0", "sport"),
        (5, "a", "s0", "sport"),
    ];
    let rows: Vec<_> = rows.map(|(who, arm, s, topic)| (who, arm, s.to_owned(), topic)).to_vec();
    let log = log(&rows);
    let effect = estimate(&log, RateEffect, Interval::default());
    assert!(matches!(effect.value, Value::Undefined(_)), "{effect:?}");
    let ratio = estimate(&log, MantelHaenszelRatio, Interval::default());
    assert_eq!(ratio.value.number(), Some(1.0));
}

proptest! {
    /// Both parts add up to the difference, whatever the totals.
    #[test]
    fn parts_add_up(strata in prop::collection::vec((1..50_u32, 1..50_u32, 1..50_u32, 1..50_u32), 1..6)) {
        let totals: Vec<f64> = strata
            .iter()
            .flat_map(|&(a, b, c, d)| [a, a + b, c, c + d].map(f64::from))
            .collect();
        let sums = totals.chunks(4).fold([0.0; 4], |sums, t| {
            [sums[0] + t[0], sums[1] + t[1], sums[2] + t[2], sums[3] + t[3]]
        });
        let value = |working| match working { Working::Finite(value) => value, _ => f64::NAN };
        let parts = value(CompositionEffect.value(&totals)) + value(RateEffect.value(&totals));
        prop_assert!((parts - value(Difference.value(&sums))).abs() < 1e-12);
    }
}

/// A stratum for each viewer: totals of strata by clusters that would fill the memory of any machine.
#[test]
fn strata_by_clusters_are_refused_before_they_are_there() {
    let viewers: Vec<String> = (0..6_000).map(|viewer| viewer.to_string()).collect();
    let arms: Vec<&str> = (0..6_000).map(|viewer| ["a", "b"][viewer % 2]).collect();
    let topics: Vec<&str> = (0..6_000).map(|viewer| ["war", "sport"][viewer / 2 % 2]).collect();
    let source =
        SliceSource::new("rows").text("who", &viewers).text("feed", &arms).text("about", &topics);
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("who")
        .topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let question = || {
        let question = Question::between("a", "b").topics(["war"]);
        question.strata(StratifyBy::Stratum).statistic(MantelHaenszelRatio)
    };
    let error = Audit::of(&log, &question()).run().unwrap_err();
    let Error::TooManyTotals { totals, of, each, strata } = error else { panic!("{error}") };
    assert_eq!((totals, of, each, strata), (24_000, 6_000, "clusters", 6_000));
    // What the message advises.
    let by_buckets = question().cluster(ClusterBy::Viewer.hashed(8));
    let by_buckets = Audit::of(&log, &by_buckets).run().unwrap();
    assert_eq!(by_buckets.estimates()[0].clusters.treatment, 256);
    // So many of each of them in so many replicates are refused as well.
    let many = Bootstrap { replicates: 9_999, ..Bootstrap::default() };
    let by_four = question().cluster(ClusterBy::Viewer.hashed(2));
    let error = Audit::of(&log, &by_four).interval(Interval::Bootstrap(many));
    let error = error.run().unwrap_err();
    let Error::TooManyTotals { of: 9_999, each: "replicates", .. } = error else {
        panic!("{error}")
    };
}
