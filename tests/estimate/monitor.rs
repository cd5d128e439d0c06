//! Monitoring: the boundary against numerical integration, sums that depend on no order, saving,
//! damage, and coverage at all looks by simulation.

use std::path::Path;

use md5::{Digest, Md5};
use tiltmeter::inference::{
    Delta, Interval, Monitor, MonitorSpec, MonitoredQuestion, Null, Quantile, Reading,
    RunningIntersection, Sidedness, TopicQuestion, Trail, estimate,
};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AddOneReach, AmplificationRatio, BaselineShare, Difference, HaldaneAnscombeRatio, LogRatio,
    OddsRatio, Side, Statistic, TreatmentShare, Undefined,
};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec, Weights};
use tiltmeter::{
    Attention, Baseline, ClusterBy, Error, Estimand, ExposureLog, MultiLabel, NoInterval, Question,
    Reach, Relation, SideOfNull, Unit, Value,
};

use crate::shared::random::numbers;

/// Viewer, arm, topic and weight of each row.
type Row = (String, &'static str, &'static str, f64);

fn tally_by(rows: &[Row], spec: &TallySpec) -> Tally {
    let text = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    let weights: Vec<f64> = rows.iter().map(|row| row.3).collect();
    let source = SliceSource::new("rows")
        .text("viewer", &text(|row| &row.0))
        .text("arm", &text(|row| row.1))
        .text("topic", &text(|row| row.2))
        .float("weight", &weights);
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .topics(TopicColumn::single("topic"))
        .weight("weight");
    Tally::of(&ExposureLog::read(source, &schema).unwrap(), spec).unwrap()
}

fn tally(rows: &[Row]) -> Tally {
    tally_by(rows, &TallySpec::default())
}

#[derive(Clone, Copy, PartialEq)]
enum Design {
    /// Viewers in an arm each, by turns.
    Nested,
    /// Every viewer in both.
    Crossed,
}

/// The rows of each viewer in turn. They differ in how many rows they have and in how much of them is
/// the topic: on average `shares[0]` in a and `shares[1]` in b, whatever their number, so that the ratio
/// is exactly that of the shares.
fn study(viewers: usize, shares: [f64; 2], design: Design, seed: u64) -> Vec<Vec<Row>> {
    let mut next = numbers(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let viewer = |viewer: usize| {
        let (taste, mut rows) = (2.0 * next(), Vec::new());
        for (arm, name) in ["a", "b"].into_iter().enumerate() {
            if design == Design::Nested && viewer % 2 != arm {
                continue;
            }
            for _ in 0..5 + (next() * 10.0) as usize {
                let topic = if next() < taste * shares[arm] { "war" } else { "" };
                rows.push((format!("{seed}-{viewer}"), name, topic, 0.5 + next()));
            }
        }
        rows
    };
    (0..viewers).map(viewer).collect()
}

fn between() -> Question {
    Question::between("a", "b").topics(["war"])
}

fn watching(statistics: &[(&'static dyn Statistic, Unit)], target: u64) -> MonitorSpec {
    let question = |&(statistic, unit): &(&'static dyn Statistic, Unit)| {
        between().statistic(statistic).unit(unit)
    };
    let spec = MonitorSpec::of(&question(&statistics[0]), target).unwrap();
    statistics[1..].iter().fold(spec, |spec, more| spec.and(&question(more)).unwrap())
}

/// Of three impressions: about half of the viewers in either arm, so that both sides carry enough.
const REACH: Unit = Unit::Reach(Reach { impressions: 3, mass: 0.0 });

fn all_kinds() -> MonitorSpec {
    watching(
        &[
            (&AmplificationRatio, Unit::Pooled),
            (&LogRatio, Unit::ClusterMean),
            (&OddsRatio, REACH),
            (&Difference, Unit::ClusterMean),
            (&TreatmentShare, Unit::Pooled),
            (&BaselineShare, Unit::ClusterMean),
            (&AddOneReach, REACH),
        ],
        100,
    )
}

fn only(monitor: &Monitor) -> Reading {
    monitor.readings().remove(0)
}

fn bounds(reading: &Reading) -> Option<(f64, f64)> {
    reading.interval.ok().map(|interval| (interval.low.unwrap(), interval.high.unwrap()))
}

/// How far the bound on one side may lie above the exact boundary, relatively; as it was found for the
/// golden values.
fn slack(level: f64) -> f64 {
    match level {
        0.8 => 0.12,
        0.95 => 0.017,
        _ => 1.5e-4,
    }
}

/// `tests/golden/make_monitor.py` integrates the mixture numerically. On two sides the closed form is
/// exact; on one it bounds the exact boundary from above, by 1.7% at most at 95%. Tuned by the formula,
/// the width at the target is within 0.1% of the best there is on two sides.
#[test]
fn the_boundary_is_that_of_the_integrated_mixture() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../golden/monitor.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let two_sided = case["sides"] == 2;
        let sides: &[Sidedness] =
            if two_sided { &[Sidedness::TwoSided] } else { &[Sidedness::Above, Sidedness::Below] };
        let target = case["target"].as_u64().unwrap();
        let level = case["level"].as_f64().unwrap();
        for &sidedness in sides {
            let spec =
                MonitorSpec { level, sidedness, ..MonitorSpec::of(&between(), target).unwrap() };
            for (clusters, exact) in case["stretch"].as_object().unwrap() {
                let exact = exact.as_f64().unwrap();
                let ours = spec.stretch(clusters.parse().unwrap()).unwrap();
                let most = if two_sided { 1e-9 } else { slack(level) };
                let off = ours / exact - 1.0;
                assert!(off > -1e-9 && off < most, "{ours} for {exact} at {clusters}: {case}");
            }
            let best = case["best_at_target"].as_f64().unwrap();
            let off = spec.stretch(target).unwrap() / best - 1.0;
            assert!(
                off > -1e-9 && off < if two_sided { 1e-3 } else { slack(level) },
                "{off}: {case}"
            );
        }
    }
}

/// The figures in the documentation, by hand.
#[test]
fn what_a_sequence_costs() {
    let spec = MonitorSpec::of(&between(), 1000).unwrap();
    for (clusters, times) in [(1000, 1.549), (100, 1.967), (10_000, 1.654)] {
        let ours = spec.stretch(clusters).unwrap() / 1.959_963_984_540_054;
        assert!((ours - times).abs() < 1e-3, "{ours} at {clusters}");
    }
    assert_eq!(spec.stretch(0).unwrap(), f64::INFINITY);
}

/// The interval from its parts: value and standard error of the delta method, and the closed form.
#[test]
fn the_sequence_is_the_closed_form_around_the_delta_method() {
    for design in [Design::Nested, Design::Crossed] {
        let rows = study(300, [0.4, 0.2], design, 3).concat();
        let tally = tally(&rows);
        for sidedness in [Sidedness::TwoSided, Sidedness::Above, Sidedness::Below] {
            let mut monitor = Monitor::new(MonitorSpec { sidedness, ..all_kinds() }).unwrap();
            monitor.observe(&tally).unwrap();
            for (watched, reading) in monitor.spec().questions.iter().zip(monitor.readings()) {
                check_against_delta(&tally, watched, &reading, sidedness);
            }
        }
    }
}

fn check_against_delta(
    tally: &Tally,
    watched: &MonitoredQuestion,
    reading: &Reading,
    sidedness: Sidedness,
) {
    let (statistic, unit) = (watched.statistic(), watched.question().unit);
    let question = TopicQuestion {
        topic: "war",
        treatment: "a",
        baseline: &Baseline::arm("b"),
        unit,
        denominator: watched.question().denominator,
        attention: watched.question().attention.as_ref().unwrap_or(&Attention::Uniform),
        correction: None,
    };
    let method = Interval::Delta(Delta { level: 0.95, quantile: Quantile::Normal });
    let fixed = estimate(tally, &question, &**statistic, method).unwrap();
    let what = format!("{statistic:?} {unit:?} {sidedness:?}");
    let close = |ours: f64, expected: f64, tolerance: f64| {
        let off = (ours - expected).abs() / expected.abs();
        assert!(off < tolerance, "{what}: {ours}, not {expected}");
    };
    // A monitor does not know of its looks what they were weighed by.
    let estimand = Estimand { weights: Weights::Unknown, ..fixed.estimand.clone() };
    assert_eq!(reading.estimand, estimand, "{what}");
    assert_eq!(reading.clusters, fixed.clusters, "{what}");
    close(reading.value.number().unwrap(), fixed.value.number().unwrap(), 1e-12);
    let error = fixed.standard_error.unwrap();
    close(reading.standard_error.unwrap(), error, 1e-11);
    let counts = fixed.clusters;
    let clusters = match statistic.name() {
        "treatment_share" => counts.treatment,
        "baseline_share" => counts.baseline,
        _ => counts.treatment + counts.baseline - counts.both,
    } as f64;
    let two = sidedness == Sidedness::TwoSided;
    let alpha: f64 = 1.0 - 0.95;
    let a = if two { alpha } else { 2.0 * alpha };
    let rho2 = (-2.0 * a.ln() + (-2.0 * a.ln() + 1.0).ln()) / 100.0;
    let root = (clusters * rho2 + 1.0).sqrt();
    let log = if two { (root / alpha).ln() } else { (1.0 + root / (2.0 * alpha)).ln() };
    let sd = error * clusters.sqrt();
    let radius = sd * (2.0 * (clusters * rho2 + 1.0) / (clusters.powi(2) * rho2) * log).sqrt();
    // From the normal interval of 1.96 errors to the working scale and back.
    let scale = statistic.scale();
    let at = match statistic.value(&totals(&fixed, &**statistic)) {
        tiltmeter::statistic::Working::Finite(at) => at,
        other => panic!("{what}: {other:?}"),
    };
    let interval = reading.interval.unwrap();
    assert_eq!(interval.low.is_some(), sidedness != Sidedness::Below, "{what}");
    assert_eq!(interval.high.is_some(), sidedness != Sidedness::Above, "{what}");
    interval.low.into_iter().for_each(|low| close(low, scale.reported(at - radius), 1e-10));
    interval.high.into_iter().for_each(|high| close(high, scale.reported(at + radius), 1e-10));
}

fn totals(of: &tiltmeter::Estimate, statistic: &dyn Statistic) -> Vec<f64> {
    let arms = [of.treatment.topic, of.treatment.all, of.baseline.topic, of.baseline.all];
    match statistic.name() {
        "baseline_share" => arms[2..].to_vec(),
        _ => arms.to_vec(),
    }
}

/// All viewers at once, one by one, backwards, in uneven parts: value, error and interval are the same
/// bits.
#[test]
fn neither_order_nor_parts_matter() {
    for design in [Design::Nested, Design::Crossed] {
        let viewers = study(300, [0.4, 0.2], design, 8);
        let mut whole = Monitor::new(all_kinds()).unwrap();
        whole.observe(&tally(&viewers.concat())).unwrap();
        let mut next = numbers(5);
        for round in 0..12 {
            let mut shuffled: Vec<_> = viewers.iter().map(|rows| (next(), rows.clone())).collect();
            shuffled.sort_by(|first, second| first.0.total_cmp(&second.0));
            let mut monitor = Monitor::new(all_kinds()).unwrap();
            let mut rest = shuffled.as_slice();
            while !rest.is_empty() {
                let many = if round == 0 { 1 } else { 1 + (next() * 17.0) as usize };
                let (part, left) = rest.split_at(many.min(rest.len()));
                let rows: Vec<Row> = part.iter().flat_map(|(_, rows)| rows.clone()).collect();
                monitor.observe(&tally(&rows)).unwrap();
                rest = left;
            }
            for (ours, expected) in monitor.readings().iter().zip(whole.readings()) {
                assert_eq!(ours.value, expected.value);
                assert_eq!(ours.interval, expected.interval);
                assert!(ours.interval.is_ok(), "{ours}");
                assert_eq!(ours.standard_error, expected.standard_error);
                assert_eq!(ours.clusters, expected.clusters);
            }
        }
    }
}

/// A share that hardly varies over viewers of very different sizes: the variance is 1e-12 of the
/// products it is made of. Against the sum over clusters, whose terms do not cancel.
#[test]
fn small_variances_survive_large_sizes() {
    let mut rows = Vec::new();
    for viewer in 0..60_usize {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        let size = 1000.0 * (1 + viewer * viewer) as f64;
        let tilt = if viewer % 3 == 0 { 1e-3 } else { 0.0 };
        rows.push((format!("v{viewer}"), arm, "war", size + tilt));
        rows.push((format!("v{viewer}"), arm, "", size));
    }
    let tally = tally(&rows);
    let spec = watching(&[(&LogRatio, Unit::Pooled)], 100);
    let mut monitor = Monitor::new(spec).unwrap();
    monitor.observe(&tally).unwrap();
    let column = |arm: &str, war: bool| -> Vec<f64> {
        let of_arm = rows.iter().filter(|row| row.1 == arm).collect::<Vec<_>>();
        of_arm.chunks(2).map(|pair| pair[0].3 + if war { 0.0 } else { pair[1].3 }).collect()
    };
    let mut variance = 0.0;
    for arm in ["a", "b"] {
        let (topic, all) = (column(arm, true), column(arm, false));
        let (x, n): (f64, f64) = (topic.iter().sum(), all.iter().sum());
        // x_c - S n_c with S = x / n, from the excess over a half, which is exact.
        let excess = |topic: f64, all: f64| 2.0 * topic - all;
        let mean = excess(x, n) / n;
        let squares = topic
            .iter()
            .zip(&all)
            .map(|(&topic, &all)| ((excess(topic, all) - mean * all) / (2.0 * x)).powi(2));
        variance += 30.0 / 29.0 * squares.sum::<f64>();
    }
    let ours = only(&monitor).standard_error.unwrap();
    // The masses are rounded to 2^-40, 1e-9 of the tilt.
    assert!((ours / variance.sqrt() - 1.0).abs() < 1e-6, "{ours}, not {}", variance.sqrt());
}

/// Of 400 studies with 600 viewers each, looked at after every fourth, at most 5% are ever wrong; the
/// interval of a single look, made anew each time, is in more than 20%. Tolerance: three binomial
/// standard deviations.
#[test]
fn the_truth_is_inside_at_all_looks() {
    const STUDIES: u32 = 400;
    let most = f64::from(STUDIES) * 0.05 + 3.0 * (f64::from(STUDIES) * 0.05 * 0.95).sqrt();
    for (design, sidedness, shares) in [
        (Design::Nested, Sidedness::TwoSided, [0.4, 0.2]),
        (Design::Crossed, Sidedness::TwoSided, [0.3, 0.3]),
        (Design::Nested, Sidedness::Above, [0.3, 0.3]),
    ] {
        let truth = f64::ln(shares[0] / shares[1]);
        let (mut ever, mut peeking, mut at_the_end) = (0, 0, 0);
        for seed in 0..STUDIES {
            let viewers = study(600, shares, design, u64::from(seed) + 1);
            let spec = watching(&[(&LogRatio, Unit::Pooled)], 200).against(Null::At(truth));
            let spec = MonitorSpec { sidedness, trail: Trail::Dropped, ..spec };
            let mut monitor = Monitor::new(spec).unwrap();
            let (mut peeked, mut last) = (false, false);
            for part in viewers.chunks(4) {
                monitor.observe(&tally(&part.concat())).unwrap();
                let reading = only(&monitor);
                if reading.interval.is_ok() {
                    let off = reading.value.number().unwrap() - truth;
                    let error = reading.standard_error.unwrap();
                    last = match sidedness {
                        Sidedness::TwoSided => off.abs() > 1.959_963_984_540_054 * error,
                        _ => off > 1.644_853_626_951_472 * error,
                    };
                    peeked |= last;
                }
            }
            ever += u32::from(only(&monitor).null.unwrap().excluded.is_some());
            peeking += u32::from(peeked);
            at_the_end += u32::from(last);
        }
        eprintln!("of {STUDIES}: ever out {ever}, peeking {peeking}, one look {at_the_end}");
        assert!(f64::from(ever) <= most, "{ever} of {STUDIES} studies err");
        assert!(ever > 0, "a sequence that never errs is too wide, or not looked at");
        assert!(
            f64::from(peeking) > 0.2 * f64::from(STUDIES),
            "peeking errs in {peeking} of {STUDIES} only"
        );
        assert!(f64::from(at_the_end) <= most, "one look errs in {at_the_end}");
    }
}

/// The amplification turns round after 300 viewers: the null is excluded before, and later the looks
/// have nothing in common. Without a turn they always have.
#[test]
fn drift_shows() {
    let calm = study(1200, [0.4, 0.1], Design::Nested, 1);
    let mut turned = calm[..300].to_vec();
    turned.extend(study(900, [0.1, 0.4], Design::Nested, 2));
    let run = |viewers: &[Vec<Row>]| {
        let spec = watching(&[(&AmplificationRatio, Unit::Pooled)], 300);
        let mut monitor = Monitor::new(spec).unwrap();
        for (day, part) in viewers.chunks(30).enumerate() {
            monitor.observe_as(format!("day {}", day + 1), &tally(&part.concat())).unwrap();
        }
        monitor
    };
    let (calm, turned) = (run(&calm), run(&turned));
    let first = only(&turned).null.unwrap().excluded.unwrap();
    assert!(first.number <= 10, "{first:?}");
    assert_eq!(first.label, format!("day {}", first.number));
    assert_eq!(only(&calm).null.unwrap().now, SideOfNull::Above);
    assert_eq!(only(&turned).null.unwrap().now, SideOfNull::Below);
    let RunningIntersection::Empty { since } = only(&turned).running else {
        panic!("no drift seen")
    };
    assert!(since.number > 10 && since.clusters == 30 * since.number, "{since:?}");
    let RunningIntersection::Bounds { low: Some(low), high: Some(high) } = only(&calm).running
    else {
        panic!("drift where there is none");
    };
    let lows = calm.trail().filter_map(|(_, points)| points[0].low);
    assert_eq!(lows.fold(f64::MIN, f64::max), low);
    assert!(low < 4.0 && high > 4.0);
    assert_eq!(calm.trail().len(), 40);
}

/// Days without an arm or the topic count as zero, and states are told instead of intervals.
#[test]
fn what_was_not_shown_counts_as_zero() {
    let row = |viewer: usize, arm, topic| (format!("v{viewer}"), arm, topic, 1.0);
    let twice = Unit::Reach(Reach { impressions: 2, mass: 0.0 });
    let spec = watching(&[(&AmplificationRatio, Unit::Pooled), (&TreatmentShare, twice)], 100);
    let mut monitor = Monitor::new(spec).unwrap();
    let empty = only(&monitor);
    assert_eq!(empty.value, Value::Undefined(Undefined::NoTreatmentMass));
    assert_eq!(empty.interval, Err(NoInterval::UndefinedValue));
    assert_eq!(empty.running, RunningIntersection::Nothing);
    monitor.observe(&tally(&[row(0, "c", "sport")])).unwrap();
    assert_eq!((only(&monitor).clusters.treatment, monitor.clusters()), (0, 1));
    let plain: Vec<Row> = (1..50).map(|viewer| row(viewer, "a", "sport")).collect();
    monitor.observe(&tally(&plain)).unwrap();
    assert_eq!(only(&monitor).value, Value::Undefined(Undefined::NoBaselineMass));
    let with: Vec<Row> = (50..90).flat_map(|v| [row(v, "b", "war"), row(v, "b", "")]).collect();
    monitor.observe(&tally(&with)).unwrap();
    assert_eq!(only(&monitor).value, Value::Zero(0.0));
    assert_eq!(only(&monitor).interval, Err(NoInterval::ShareAtLimit));
    let more: Vec<Row> =
        (90..125).flat_map(|viewer| [row(viewer, "a", "war"), row(viewer, "a", "war")]).collect();
    monitor.observe(&tally(&more)).unwrap();
    let reading = only(&monitor);
    // 70 of 119 against 40 of 80.
    assert!((reading.value.number().unwrap() - 70.0 / 119.0 / 0.5).abs() < 1e-15);
    assert!(bounds(&reading).is_some_and(|(low, high)| low < 1.0 && high > 1.0));
    assert_eq!(reading.clusters.relation, Relation::Nested);
    assert_eq!(monitor.readings()[1].null, None);
    assert!((monitor.readings()[1].value.number().unwrap() - 35.0 / 84.0).abs() < 1e-15);
}

/// The effective number of viewers in an arm that the rows rest on: the least of those of the topic, of
/// all else and of both, by plain sums.
fn carriers(viewers: &[Vec<Row>], arm: &str) -> f64 {
    let masses = |counts: fn(&Row) -> bool| -> Vec<f64> {
        let of_viewer = |rows: &Vec<Row>| -> f64 {
            rows.iter().filter(|row| row.1 == arm && counts(row)).map(|row| row.3).sum()
        };
        viewers.iter().map(of_viewer).collect()
    };
    let effective = |masses: Vec<f64>| {
        let squares: f64 = masses.iter().map(|mass| mass * mass).sum();
        if squares > 0.0 { masses.iter().sum::<f64>().powi(2) / squares } else { 0.0 }
    };
    let parts = [masses(|row| row.2 == "war"), masses(|row| row.2 != "war"), masses(|_| true)];
    parts.map(effective).into_iter().fold(f64::INFINITY, f64::min)
}

/// No interval before the start in the smaller arm, none before an effective number of 30 viewers carry
/// the topic there, and none where nothing varies.
#[test]
fn too_early_too_thin_and_no_variation_are_states() {
    let mut monitor = Monitor::new(watching(&[(&AmplificationRatio, Unit::Pooled)], 100)).unwrap();
    let viewers = study(200, [0.4, 0.2], Design::Nested, 4);
    let mut states = [0; 3];
    for (nth, rows) in viewers.iter().enumerate() {
        monitor.observe(&tally(rows)).unwrap();
        let early = only(&monitor).clusters.treatment.min(only(&monitor).clusters.baseline) < 20;
        assert_eq!(early, nth < 39);
        let fewest = ["a", "b"].map(|arm| carriers(&viewers[..=nth], arm));
        let fewest = fewest[0].min(fewest[1]);
        let reading = only(&monitor);
        let state = match reading.interval {
            Err(NoInterval::ThinTopic { effective, needed, .. }) => {
                assert_eq!((effective, needed), (fewest as u64, 30), "{fewest}");
                assert!(!early && fewest < 30.0, "{reading}");
                assert_eq!(reading.null.unwrap().now, SideOfNull::NoInterval);
                1
            }
            Ok(_) => {
                assert!(!early && fewest >= 30.0 - 1e-9, "{reading}");
                2
            }
            Err(_) => {
                assert!(early, "{reading}");
                0
            }
        };
        states[state] += 1;
    }
    assert!(states.iter().all(|&many| many > 10), "{states:?}");
    let alike: Vec<Row> = (0..60_usize)
        .flat_map(|viewer| {
            let arm = if viewer % 2 == 0 { "a" } else { "b" };
            let id = format!("v{viewer}");
            let size = 0.1 + viewer as f64 * 0.7;
            [(id.clone(), arm, "war", size), (id, arm, "", size)]
        })
        .collect();
    let mut monitor = Monitor::new(all_kinds()).unwrap();
    monitor.observe(&tally(&alike)).unwrap();
    for reading in monitor.readings() {
        assert!(reading.interval.is_err(), "{reading}");
        assert_eq!(reading.standard_error, None);
    }
    assert_eq!(only(&monitor).interval, Err(NoInterval::NoVariation));
}

/// A tally that does not belong is refused whole.
#[test]
fn tallies_that_do_not_belong_are_refused() {
    let viewers = study(50, [0.4, 0.2], Design::Nested, 6);
    let mut monitor = Monitor::new(all_kinds()).unwrap();
    monitor.observe(&tally(&viewers[..40].concat())).unwrap();
    let before = monitor.readings();
    let again = monitor.observe_as("again", &tally(&viewers[39..].concat())).unwrap_err();
    assert!(matches!(&again, Error::ObservedTwice { label, .. } if label == "again"), "{again}");
    let key = tiltmeter::log::ClusterKey::of("6-39").get();
    assert!(again.to_string().contains(&format!("{key:#018x}")), "{again}");
    let rows = viewers[40..].concat();
    let others = [
        ("cluster", TallySpec { cluster: ClusterBy::column("arm"), ..TallySpec::default() }),
        (
            "cluster or stratum",
            TallySpec { cluster: ClusterBy::column("viewer"), ..TallySpec::default() },
        ),
        (
            "counting of labels",
            TallySpec { multi_label: MultiLabel::Fractional, ..TallySpec::default() },
        ),
        ("stratum", TallySpec { strata: StratifyBy::Column("arm".into()), ..TallySpec::default() }),
    ];
    for (named, spec) in others {
        let error = monitor.observe(&tally_by(&rows, &spec)).unwrap_err();
        assert!(matches!(&error, Error::OtherStream { what, .. } if *what == named), "{error}");
    }
    let other = TallySpec { attentions: vec![Attention::TopK { k: 3 }], ..TallySpec::default() };
    let log = SliceSource::new("ranked")
        .text("viewer", &["x"])
        .text("arm", &["a"])
        .text("topic", &["war"])
        .integer("rank", &[1]);
    let schema = LogSchema::new().viewer("viewer").arm("arm").position("rank");
    let schema = schema.topics(TopicColumn::single("topic"));
    let ranked = Tally::of(&ExposureLog::read(log, &schema).unwrap(), &other).unwrap();
    let error = monitor.observe(&ranked).unwrap_err();
    assert!(matches!(error, Error::UnknownAttention { .. }), "{error}");
    assert_eq!(monitor.readings(), before);
    assert_eq!((monitor.observations(), monitor.clusters()), (1, 40));
    monitor.observe(&tally(&rows)).unwrap();
}

#[test]
fn specs_that_make_no_sense_are_refused() {
    let ratio: (&'static dyn Statistic, Unit) = (&AmplificationRatio, Unit::Pooled);
    let spec = || watching(&[ratio], 100);
    let impressions = TallySpec { cluster: ClusterBy::Impression, ..TallySpec::default() };
    let null = spec().against(Null::At(f64::NAN));
    for (spec, named) in [
        (MonitorSpec { level: 1.0, ..spec() }, "level"),
        (MonitorSpec { level: f64::NAN, ..spec() }, "level"),
        (MonitorSpec { level: 0.5, sidedness: Sidedness::Above, ..spec() }, "level"),
        (MonitorSpec { target: 0, ..spec() }, "target"),
        (MonitorSpec { start: 1, ..spec() }, "start"),
        (MonitorSpec { questions: vec![], ..spec() }, "the number of questions"),
        (MonitorSpec { tally: impressions, ..spec() }, "the cluster of a monitor"),
        (watching(&[(&AddOneReach, Unit::Pooled)], 100), "the unit"),
        (null, "the null"),
    ] {
        let error = Monitor::new(spec).unwrap_err();
        assert!(
            matches!(&error, Error::Parameter { parameter, .. } if *parameter == named),
            "{error}"
        );
    }
    let same = MonitorSpec::of(&Question::between("b", "b").topics(["war"]), 100).unwrap();
    assert!(matches!(Monitor::new(same), Err(Error::SameArm { .. })));
    let mut other = MonitorSpec::of(&between().attention(Attention::Reciprocal), 100).unwrap();
    other.tally.attentions = vec![Attention::Uniform];
    assert!(matches!(Monitor::new(other), Err(Error::UnknownAttention { .. })));
}

/// Saved and read back after every observation, a monitor shows what the unbroken one does: the same
/// readings, trail and file.
#[test]
fn a_break_leaves_no_trace() {
    for (trail, design) in [(Trail::Kept, Design::Nested), (Trail::Dropped, Design::Crossed)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.monitor");
        let mut unbroken = Monitor::new(MonitorSpec { trail, ..all_kinds() }).unwrap();
        let mut broken = unbroken.clone();
        for (nth, part) in study(300, [0.5, 0.1], design, 9).chunks(17).enumerate() {
            let tally = tally(&part.concat());
            broken.save(&path).unwrap();
            broken = Monitor::open(&path).unwrap();
            broken.observe_as(format!("\u{201c}{nth}\u{201d}\n"), &tally).unwrap();
            unbroken.observe_as(format!("\u{201c}{nth}\u{201d}\n"), &tally).unwrap();
            assert_eq!(broken.readings(), unbroken.readings());
            assert!(broken.trail().eq(unbroken.trail()));
        }
        assert!(only(&broken).null.unwrap().excluded.is_some());
        let other = folder.path().join("other.monitor");
        broken.save(&path).unwrap();
        unbroken.save(&other).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&other).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        let again = broken.observe(&tally(&study(1, [0.5, 0.1], design, 9).concat()));
        assert!(matches!(again, Err(Error::ObservedTwice { .. })));
    }
}

/// Every byte changed, every cut, and bytes added.
#[test]
fn damage_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.monitor");
    let mut monitor = Monitor::new(all_kinds()).unwrap();
    monitor.observe(&tally(&study(50, [0.4, 0.2], Design::Nested, 7).concat())).unwrap();
    monitor.save(&path).unwrap();
    let sound = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        match Monitor::open(&path) {
            Err(Error::Damaged { file, .. } | Error::Version { file, .. }) => {
                assert_eq!(file, path.display().to_string());
            }
            other => panic!("{what}: {other:?}"),
        }
    };
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 7);
        refused(&bytes, &format!("byte {at} changed"));
        refused(&sound[..at], &format!("cut at {at}"));
    }
    refused(&[&sound[..], b"\n"].concat(), "a line more");
    let text = String::from_utf8(sound.clone()).unwrap();
    let newer = text.replacen("version 1", "version 2", 1);
    std::fs::write(&path, newer).unwrap();
    let error = Monitor::open(&path).unwrap_err();
    assert!(matches!(&error, Error::Version { found, .. } if found == "2"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Monitor::open(&path), Err(Error::Io { .. })));
}

/// Made by hand with a sound digest: a history that its looks did not leave is none that can be counted on from.
#[test]
fn a_history_that_was_made_up_is_refused() {
    let made_up =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/attack/monitor-overflow.monitor");
    let error = Monitor::open(made_up).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.monitor");
    for trail in [Trail::Kept, Trail::Dropped] {
        let mut monitor = Monitor::new(MonitorSpec { trail, ..all_kinds() }).unwrap();
        monitor.observe(&tally(&study(50, [0.4, 0.2], Design::Nested, 7).concat())).unwrap();
        monitor.save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let (text, _) = text.trim_end().rsplit_once('\n').unwrap();
        let forged = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            let text = text.replace(from, to) + "\n";
            let digest: String =
                Md5::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
            std::fs::write(&path, format!("{text}{digest}\n")).unwrap();
            Monitor::open(&path).map(|_| ())
        };
        // By the way in which the others are forged, what was not changed opens.
        forged("\"observations\":1", "\"observations\":1").unwrap();
        for (from, to) in [
            ("\"observations\":1", "\"observations\":18446744073709551615"),
            ("\"intervals\":0", "\"intervals\":18446744073709551615"),
            ("\"intervals\":0", "\"intervals\":1"),
        ] {
            let refused = forged(from, to);
            assert!(matches!(refused, Err(Error::Damaged { .. })), "{to}: {refused:?}");
        }
    }
}

/// Viewers of very different sizes (lognormal, sigma 1.5) who are shown a topic of 1% very unequally
/// (lognormal, sigma 2), in two arms alike, as rows whose weights are the counts.
fn heavy(viewers: usize, seed: u64) -> Vec<Vec<Row>> {
    let mut next = numbers(seed.wrapping_mul(0xA076_1D64_78BD_642F));
    // Box and Muller's.
    let normal = |next: &mut dyn FnMut() -> f64| {
        let radius = (-2.0 * (1.0 - next()).max(1e-300).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * next()).cos()
    };
    let viewer = |viewer: usize| {
        let size = (30_f64.ln() + 1.5 * normal(&mut next)).exp().ceil();
        let share = (0.01 * (2.0 * normal(&mut next) - 2.0).exp()).min(1.0);
        // Poisson, by the product of uniform numbers in steps of at most 20.
        let (mut left, mut shown) = (size * share, 0.0);
        while left > 0.0 {
            let part = left.min(20.0);
            let (mut product, least) = (next(), (-part).exp());
            while product > least {
                product *= next();
                shown += 1.0;
            }
            left -= part;
        }
        let (id, arm) = (format!("{seed}-{viewer}"), ["a", "b"][viewer % 2]);
        let shown = f64::min(shown, size);
        let rows = [(id.clone(), arm, "war", shown), (id, arm, "", size - shown)];
        rows.into_iter().filter(|row| row.3 > 0.0).collect::<Vec<_>>()
    };
    (0..viewers).map(viewer).collect()
}

/// Of 300 studies of a rare topic that few viewers carry, at most 5% are ever wrong, give or take three
/// binomial standard deviations; without the rule about carriers (the same value and error, stretched
/// alike) more than that are. Independent simulations of 1,000 studies (numpy) found 13.5% without it up to
/// 5,000 viewers, and 0.8% with it.
#[test]
fn thin_topics_are_not_read_too_early() {
    const STUDIES: u32 = 300;
    let (mut ever, mut without, mut read) = (0, 0, 0);
    for seed in 1..=STUDIES {
        let viewers = heavy(5_000, u64::from(seed));
        let mut spec = watching(&[(&LogRatio, Unit::Pooled)], 500);
        spec.trail = Trail::Dropped;
        let mut monitor = Monitor::new(spec).unwrap();
        let (mut was_read, mut was_wrong) = (false, false);
        for part in viewers.chunks(50) {
            monitor.observe(&tally(&part.concat())).unwrap();
            let reading = only(&monitor);
            was_read |= reading.interval.is_ok();
            let clusters = reading.clusters.treatment + reading.clusters.baseline;
            if let (Some(error), Some(value)) = (reading.standard_error, reading.value.number()) {
                let reach = error * monitor.spec().stretch(clusters).unwrap();
                was_wrong |= value.abs() > reach;
            }
        }
        ever += u32::from(only(&monitor).null.unwrap().excluded.is_some());
        without += u32::from(was_wrong);
        read += u32::from(was_read);
    }
    eprintln!("of {STUDIES}: ever wrong {ever}, without the rule {without}; {read} had a reading");
    let most = f64::from(STUDIES) * 0.05 + 3.0 * (f64::from(STUDIES) * 0.05 * 0.95).sqrt();
    assert!(f64::from(ever) <= most, "{ever} of {STUDIES} studies err");
    assert!(without > 2 * ever && f64::from(without) > 0.05 * f64::from(STUDIES), "{without}");
    assert!(read > STUDIES / 5, "{read} of {STUDIES} studies had a reading");
}

/// An arm that shows nothing of a topic, or nothing else, is not known for sure by any statistic; what
/// one has with one more viewer is a topic that is too thin.
#[test]
fn arms_at_their_limits_have_no_sequence() {
    let once = Unit::Reach(Reach { impressions: 1, mass: 0.0 });
    let spec = || {
        let mut spec = watching(
            &[
                (&Difference, Unit::Pooled),
                (&Difference, Unit::ClusterMean),
                (&Difference, once),
                (&AddOneReach, once),
                (&HaldaneAnscombeRatio, Unit::Pooled),
            ],
            100,
        );
        spec.start = 2;
        spec
    };
    let common = |viewer: usize| {
        let id = format!("a{viewer}");
        let more = if viewer.is_multiple_of(2) { "war" } else { "" };
        vec![(id.clone(), "a", "", 1.0), (id, "a", more, 1.0)]
    };
    for limit in ["", "war"] {
        let mut rows: Vec<Row> = (0..200).flat_map(common).collect();
        rows.extend((0..200).map(|viewer| (format!("b{viewer}"), "b", limit, 1.0)));
        let mut monitor = Monitor::new(spec()).unwrap();
        monitor.observe(&tally(&rows)).unwrap();
        for reading in monitor.readings() {
            assert_eq!(reading.interval, Err(NoInterval::ShareAtLimit), "{reading}");
            assert_eq!(reading.standard_error, None);
            assert_eq!(reading.running, RunningIntersection::Nothing);
        }
        let other = if limit.is_empty() { "war" } else { "" };
        monitor.observe(&tally(&[("one".to_owned(), "b", other, 1.0)])).unwrap();
        for reading in monitor.readings() {
            let Err(NoInterval::ThinTopic { side, effective: 1, needed: 30 }) = reading.interval
            else {
                panic!("{reading}");
            };
            assert_eq!(side, Side::Baseline);
        }
    }
}

/// With some clusters in both arms the variance is `sum (sqrt(f_A) h_A + sqrt(f_B) h_B)^2`, added up over
/// viewers from the rows; with none or all shared it is that of two groups or of one.
#[test]
fn partly_crossed_clusters_have_the_general_variance() {
    for shared in [0_usize, 1, 25, 80] {
        let crossed = study(80, [0.4, 0.2], Design::Crossed, 11);
        // Viewers after the shared ones keep the rows of one arm.
        let keep = |(viewer, rows): (usize, Vec<Row>)| -> Vec<Row> {
            let arm = ["a", "b"][usize::from(viewer % 4 == 0)];
            rows.into_iter().filter(|row| viewer < shared || row.1 == arm).collect()
        };
        let viewers: Vec<Vec<Row>> = crossed.into_iter().enumerate().map(keep).collect();
        let mass = |rows: &[Row], arm: &str, war: bool| -> f64 {
            let counts = |row: &&Row| row.1 == arm && (!war || row.2 == "war");
            rows.iter().filter(counts).map(|row| row.3).sum()
        };
        let total = |arm, war| viewers.iter().map(|rows| mass(rows, arm, war)).sum::<f64>();
        let mut by_viewer = vec![0.0; viewers.len()];
        for (arm, sign) in [("a", 1.0), ("b", -1.0)] {
            let (topic, all) = (total(arm, true), total(arm, false));
            let many = viewers.iter().filter(|rows| mass(rows, arm, false) > 0.0).count() as f64;
            for (sum, rows) in by_viewer.iter_mut().zip(&viewers) {
                let off = mass(rows, arm, true) - topic / all * mass(rows, arm, false);
                *sum += sign * (many / (many - 1.0)).sqrt() * off / topic;
            }
        }
        let expected = by_viewer.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
        let mut monitor = Monitor::new(watching(&[(&LogRatio, Unit::Pooled)], 100)).unwrap();
        monitor.observe(&tally(&viewers.concat())).unwrap();
        let ours = only(&monitor).standard_error.unwrap();
        // Weights are rounded to 2^-40.
        assert!((ours / expected - 1.0).abs() < 1e-9, "{shared}: {ours}, not {expected}");
        assert_eq!(only(&monitor).clusters.both, shared as u64);
    }
}
