//! Fits within viewers: pyfixest's, closed forms, and simulations with a known truth.

use std::collections::HashMap;

use serde_json::Value as Json;
use tiltmeter::inference::{Bootstrap, Delta, Jackknife, Permutation, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, AnyStatistic, Difference, LogRatio, OddsRatio, Undefined,
};
use tiltmeter::{Audit, Error, Estimate, ExposureLog, Interval, Question, Unit, Value, Warning};

use crate::shared::random::Random;

/// Viewer, whether it is the treatment, whether it is the topic, weight in sixteenths.
type Row = (i64, u8, u8, u32);

fn log(rows: &[Row], weighed: bool) -> ExposureLog {
    let who: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let feed: Vec<&str> = rows.iter().map(|row| if row.1 == 1 { "a" } else { "b" }).collect();
    let about: Vec<&str> = rows.iter().map(|row| if row.2 == 1 { "war" } else { "rest" }).collect();
    let dwell: Vec<f64> = rows.iter().map(|row| f64::from(row.3) / 16.0).collect();
    let source = SliceSource::new("rows")
        .integer("who", &who)
        .text("feed", &feed)
        .text("about", &about)
        .float("dwell", &dwell);
    let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let schema = if weighed { schema.weight("dwell") } else { schema };
    ExposureLog::read(source, &schema).expect("the columns are whole")
}

fn question(statistic: impl Into<AnyStatistic>) -> Question {
    Question::between("a", "b").topics(["war"]).unit(Unit::Within).statistic(statistic)
}

fn delta() -> Interval {
    Interval::Delta(Delta::default())
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().expect("arms and topics are there").estimates()[0].clone()
}

fn near(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    assert!((ours - theirs).abs() <= tolerance * theirs.abs(), "{what}: {ours} for {theirs}");
}

fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/within.json")).unwrap()
}

fn rows_of(case: &Json) -> Vec<Row> {
    serde_json::from_value(case["rows"].clone()).unwrap()
}

/// `feols` and `fepois` with viewers absorbed, to 1e-10 and their errors to 1e-8; with its defaults pyfixest has
/// (N - 1)/(N - K) too.
#[test]
fn pyfixest_agrees() {
    for (name, case) in golden()["cases"].as_object().unwrap() {
        let rows = rows_of(case);
        let log = log(&rows, name == "weighed");
        // Theirs counts viewers in one arm only too, but not those of one row, nor, in Poisson regression, those who
        // were shown nothing of the topic.
        let counted = |least: u8| {
            let mut shown: HashMap<i64, (u32, u8)> = HashMap::new();
            for row in &rows {
                let its = shown.entry(row.0).or_default();
                (its.0, its.1) = (its.0 + 1, its.1.max(row.2));
            }
            shown.values().filter(|(rows, topic)| *rows > 1 && *topic >= least).count()
        };
        for (at, fit, statistic) in [
            (0, "least_squares", AnyStatistic::from(Difference)),
            (1, "poisson", AnyStatistic::from(LogRatio)),
        ] {
            let what = format!("{name}, {fit}");
            let theirs = &case["answers"][fit];
            let ours = first(Audit::of(&log, &question(statistic)).interval(delta()));
            near(ours.value().unwrap(), theirs["value"].as_f64().unwrap(), 1e-10, &what);
            let says = case["answers"]["clusters"][at].as_u64().unwrap();
            assert_eq!(ours.clusters.both, says, "{what}");
            let factor = |clusters: f64| clusters / (clusters - 1.0);
            let own = (factor(says as f64) / factor(counted(at as u8) as f64)).sqrt();
            let error = ours.standard_error.unwrap();
            near(error, own * theirs["standard_error"].as_f64().unwrap(), 1e-8, &what);
            // With its own factors it is longer by less than what N rows and 2 coefficients can do.
            let default = theirs["default_error"].as_f64().unwrap();
            let rows = rows.len() as f64;
            assert!(error < own * default && own * default < error * (1.0 + 4.0 / rows), "{what}");
        }
        // One fit on three scales.
        let ratio = first(Audit::of(&log, &question(AmplificationRatio)).interval(delta()));
        let log_ratio = case["answers"]["poisson"]["value"].as_f64().unwrap();
        near(ratio.value().unwrap(), log_ratio.exp(), 1e-10, name);
    }
}

/// Intervals of every kind are near the delta method's with 60 viewers, and hold the value.
#[test]
fn all_intervals_serve_it() {
    let golden = golden();
    let log = log(&rows_of(&golden["cases"]["plain"]), false);
    for statistic in [AnyStatistic::from(Difference), AnyStatistic::from(AmplificationRatio)] {
        let of = |interval: Interval| {
            let estimate = first(Audit::of(&log, &question(statistic.clone())).interval(interval));
            let ends = estimate.interval.expect("60 viewers");
            (ends.low.unwrap(), estimate.value().unwrap(), ends.high.unwrap())
        };
        let (low, value, high) = of(delta());
        for interval in [
            Interval::default(),
            Interval::Jackknife(Jackknife::default()),
            Interval::Bootstrap(Bootstrap::default()),
        ] {
            let (its_low, its_value, its_high) = of(interval);
            assert!(its_low < value && value < its_high && its_value == value, "{interval:?}");
            let longer = (its_high - its_low) / (high - low);
            assert!(
                (0.8..1.3).contains(&longer),
                "{interval:?}: {longer} times as long, {low} {high}"
            );
        }
    }
}

/// Who is in one arm only says nothing, and is counted; where nobody is in both there is no value, and the reason.
#[test]
fn clusters_in_one_arm_add_nothing() {
    let golden = golden();
    let rows = rows_of(&golden["cases"]["some_in_one_arm"]);
    let of =
        |rows: &[Row]| first(Audit::of(&log(rows, false), &question(Difference)).interval(delta()));
    let all = of(&rows);
    let alone = |row: &Row| !rows.iter().any(|other| other.0 == row.0 && other.1 != row.1);
    let both: Vec<Row> = rows.iter().filter(|row| !alone(row)).copied().collect();
    let some = of(&both);
    assert_eq!((all.value, all.interval), (some.value, some.interval));
    let warned = all.warnings.iter().find_map(|its| match its {
        Warning::ClustersNotCompared { treatment, baseline, without_topic } => {
            Some((*treatment, *baseline, *without_topic))
        }
        _ => None,
    });
    assert_eq!(warned, Some((8, 7, 0)));
    assert!(all.sentence().contains("exposure share"), "{}", all.sentence());
    assert_eq!(
        all.estimand.conditions(),
        "within clusters, each compared with itself, attention uniform"
    );
    let apart: Vec<Row> = rows.iter().filter(|row| alone(row)).copied().collect();
    assert_eq!(of(&apart).value, Value::Undefined(Undefined::NoClusterInBothArms));
}

/// What has no fit, or is no function of sums over clusters, is refused in words that say what has one.
#[test]
fn what_has_no_fit_is_refused() {
    let golden = golden();
    let log = log(&rows_of(&golden["cases"]["few"]), false);
    let refused = |audit: Audit<'_>| match audit.run() {
        Err(error @ Error::Parameter { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let odds = refused(Audit::of(&log, &question(OddsRatio)));
    assert!(odds.contains("amplification_ratio"), "{odds}");
    let test = Test::Permutation(Permutation::default());
    let permuted = refused(Audit::of(&log, &question(Difference)).test(test));
    assert!(permuted.contains("a permutation test"), "{permuted}");
}

/// A study of viewers who differ in what they like, and of whom those who like the topic use the treatment more: its
/// ratio is `lift` for each of them.
fn study(seed: u64, viewers: i64, lift: f64) -> Vec<Row> {
    let mut random = Random(seed);
    let mut rows = Vec::new();
    for viewer in 0..viewers {
        let liking = 0.02 + 0.2 * random.next().powi(2);
        for arm in [0, 1] {
            let often = if (arm == 1) == (liking > 0.08) { 30.0 } else { 8.0 };
            for _ in 0..(1.0 + 2.0 * often * random.next()) as usize {
                let shown = random.next() < liking * if arm == 1 { lift } else { 1.0 };
                rows.push((viewer, arm, u8::from(shown), 16));
            }
        }
    }
    rows
}

/// 400 studies of 40 and of 200 viewers with a known ratio of 1.4: intervals by the delta method hold it in 95% of
/// them but for chance (three binomial standard errors) and, with few viewers, two points; the default ones in no fewer;
/// the pooled ratio is another.
#[test]
fn known_ratios_are_covered() {
    let default = Interval::default();
    for (viewers, least) in [(40, 0.95 - 0.02 - 0.033), (200, 0.95 - 0.033)] {
        let (mut by_delta, mut by_default, mut pooled_covers, mut logs) = (0, 0, 0, 0.0);
        let studies = 400;
        for seed in 0..studies {
            let log = log(&study(seed * 1_000 + viewers as u64, viewers, 1.4), false);
            let of =
                |interval| first(Audit::of(&log, &question(AmplificationRatio)).interval(interval));
            let (within, bounded) = (of(delta()), of(default));
            let pooled = question(AmplificationRatio).unit(Unit::Pooled);
            let pooled = first(Audit::of(&log, &pooled).interval(delta()));
            let holds = |its: &Estimate| {
                let ends = its.interval.as_ref().unwrap();
                u64::from(ends.low.unwrap() < 1.4 && 1.4 < ends.high.unwrap())
            };
            by_delta += holds(&within);
            by_default += holds(&bounded);
            pooled_covers += holds(&pooled);
            logs += within.value().unwrap().ln();
        }
        let part = |covered: u64| covered as f64 / studies as f64;
        let (by_delta, by_default) = (part(by_delta), part(by_default));
        assert!(by_delta >= least && by_delta <= 0.95 + 0.033, "{viewers} viewers: {by_delta}");
        assert!(by_default >= least, "{viewers} viewers: {by_default}");
        let mean = (logs / studies as f64).exp();
        assert!((mean - 1.4).abs() < 0.03, "{viewers} viewers: {mean}");
        if viewers == 200 {
            assert!(pooled_covers * 10 < studies, "{pooled_covers} of {studies}");
        }
        println!("{viewers} viewers: delta {by_delta}, default {by_default}");
    }
}

/// The root of the score by halving, from the definition.
fn root(rows: &[Row]) -> Option<f64> {
    let mut by_viewer: HashMap<i64, [f64; 4]> = HashMap::new();
    for (viewer, treatment, topic, _) in rows {
        let its = by_viewer.entry(*viewer).or_default();
        let side = if *treatment == 1 { 0 } else { 2 };
        its[side] += f64::from(*topic);
        its[side + 1] += 1.0;
    }
    let both: Vec<[f64; 4]> =
        by_viewer.into_values().filter(|its| its[1] > 0.0 && its[3] > 0.0).collect();
    let of = |at: usize| both.iter().map(|its| its[at]).sum::<f64>();
    if of(0) <= 0.0 || of(2) <= 0.0 {
        return None;
    }
    let score = |log: f64| {
        let part = |[x_a, n_a, x_b, n_b]: &[f64; 4]| {
            let expected = log.exp() * n_a / (log.exp() * n_a + n_b);
            x_a - (x_a + x_b) * expected
        };
        both.iter().map(part).sum::<f64>()
    };
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if score(middle) > 0.0 { low = middle } else { high = middle }
    }
    Some(f64::midpoint(low, high).exp())
}

/// Thousands of small studies, many of whose scores are exactly 0 on the way: the value is the root of the score, and
/// the shares are shares.
#[test]
fn small_studies_have_their_root() {
    let mut random = Random(7);
    let mut found = 0;
    for study in 0..3_000 {
        let viewers = 2 + (random.next() * 6.0) as i64;
        let most = [1.0, 3.0, 12.0][study % 3];
        let mut rows = Vec::new();
        for viewer in 0..viewers {
            for arm in [0, 1] {
                for _ in 0..=(random.next() * most) as usize {
                    rows.push((viewer, arm, u8::from(random.next() < 0.4), 16));
                }
            }
        }
        let audit =
            Audit::of(&log(&rows, false), &question(AmplificationRatio)).interval(delta()).run();
        let (Ok(report), Some(root)) = (audit, root(&rows)) else { continue };
        let estimate = &report.estimates()[0];
        let what = format!("study {study}");
        near(estimate.value().unwrap(), root, 1e-11, &what);
        let shares = [estimate.treatment.share.unwrap(), estimate.baseline.share.unwrap()];
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{what}: {shares:?}");
        near(shares[0] / shares[1], root, 1e-11, &what);
        found += 1;
    }
    assert!(found > 2_000, "{found}");
}
