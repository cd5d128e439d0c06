//! The Poisson cluster bootstrap against numpy on the same weights, closed forms and simulations.

use tiltmeter::inference::{Bootstrap, BootstrapKind};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, Difference, LogRatio};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{
    Audit, AuditReport, ClusterBy, Error, ExposureLog, Interval, IntervalMethod, NoInterval,
    Question, Reach, Unit, Warning,
};

use crate::shared::random::numbers;

/// Viewer, arm, topic and weight of each row.
type Row = (String, &'static str, &'static str, f64);

fn log(rows: &[Row], weighed: bool) -> ExposureLog {
    let text = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    let weights: Vec<f64> = rows.iter().map(|row| row.3).collect();
    let source = SliceSource::new("rows")
        .text("viewer", &text(|row| &row.0))
        .text("arm", &text(|row| row.1))
        .text("topic", &text(|row| row.2))
        .float("weight", &weights);
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    let schema = if weighed { schema.weight("weight") } else { schema };
    ExposureLog::read(source, &schema).unwrap()
}

fn question() -> Question {
    Question::between("a", "b")
}

fn asked<'l>(log: &'l ExposureLog, question: &Question, method: Bootstrap) -> Audit<'l> {
    Audit::of(log, question).interval(Interval::Bootstrap(method))
}

fn audit(log: &ExposureLog, method: Bootstrap) -> Audit<'_> {
    asked(log, &question(), method)
}

fn bounds(report: &AuditReport) -> (f64, f64) {
    let interval = report.estimates()[0].interval.unwrap();
    (interval.low.unwrap(), interval.high.unwrap())
}

/// The rows of `tests/golden/make_bootstrap.py`.
fn golden_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for viewer in 0..24_usize {
        for n in 0..3 + viewer * 7 % 11 {
            let in_a = viewer % 3 == 0 || (viewer % 3 == 1 && n % 2 == 0);
            let war = (viewer * 5 + n * n) % 7 < if in_a { 3 } else { 2 };
            let weight = 0.25 + ((viewer * 3 + n) % 5) as f64 * 1.7;
            let arm = if in_a { "a" } else { "b" };
            rows.push((format!("v{viewer}"), arm, if war { "war" } else { "" }, weight));
        }
    }
    rows
}

/// Counts give numpy's quantiles to 12 digits; masses and shares, which are added in single
/// precision, to a few parts in ten million.
#[test]
fn numpy_on_the_same_weights() {
    let golden = include_str!("../golden/bootstrap.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let weighed = case["weighed"].as_bool().unwrap();
        let (unit, tolerance) = match case["unit"].as_str().unwrap() {
            "pooled" if weighed => (Unit::Pooled, 1e-6),
            "pooled" => (Unit::Pooled, 1e-12),
            "cluster_mean" => (Unit::ClusterMean, 1e-6),
            // Once reaches all of one arm, whose share would not vary.
            _ => (Unit::Reach(Reach { impressions: 2, mass: 0.0 }), 1e-12),
        };
        let method = Bootstrap {
            level: 0.9,
            replicates: case["replicates"].as_u64().unwrap() as u32,
            seed: case["seed"].as_u64().unwrap(),
            ..Bootstrap::default()
        };
        let log = log(&golden_rows(), weighed);
        let report = asked(&log, &question().unit(unit), method).run().unwrap();
        let close = |mine: f64, name: &str| {
            let expected = case[name].as_f64().unwrap();
            let off = (mine / expected - 1.0).abs();
            assert!(off < tolerance, "{name} is {mine}, not {expected}: {case}");
        };
        let (low, high) = bounds(&report);
        close(low, "low");
        close(high, "high");
        close(report.estimates()[0].standard_error.unwrap(), "standard_error");
        assert_eq!(report.estimates()[0].method, Some(IntervalMethod::BootstrapPercentile));
    }
}

/// Viewers of an arm each, who differ in how much they see of the topic: 30% on average in a, 15%
/// in b.
fn study(viewers: usize, seed: u64) -> Vec<Row> {
    let mut next = numbers(seed);
    let mut rows = Vec::new();
    for viewer in 0..viewers {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        let share = next() * if arm == "a" { 0.6 } else { 0.3 };
        for _ in 0..5 + (next() * 20.0) as usize {
            let topic = if next() < share { "war" } else { "" };
            rows.push((format!("{seed}-{viewer}"), arm, topic, 0.5 + next()));
        }
    }
    rows
}

/// With many clusters the bootstrap's standard error is the delta method's, but for Monte Carlo:
/// of the order of 1/sqrt(2 B), here 1.6%; five of those, and 2% for the rest.
#[test]
fn many_clusters_agree_with_the_delta_method() {
    for weighed in [false, true] {
        let log = log(&study(2_000, 3), weighed);
        for unit in [Unit::Pooled, Unit::ClusterMean] {
            let of = |interval| {
                let question = question().unit(unit);
                let report = Audit::of(&log, &question).interval(interval).run().unwrap();
                (report.estimates()[0].standard_error.unwrap(), bounds(&report))
            };
            let method = Bootstrap { replicates: 2_000, seed: 5, ..Bootstrap::default() };
            let (delta, (low, high)) = of(Interval::default());
            let (bootstrap, (its_low, its_high)) = of(Interval::Bootstrap(method));
            assert!((bootstrap / delta - 1.0).abs() < 0.1, "{bootstrap} {delta}");
            let width = (high / low).ln();
            assert!((its_low / low).ln().abs() < 0.1 * width, "{its_low} {low}");
            assert!((its_high / high).ln().abs() < 0.1 * width, "{its_high} {high}");
        }
    }
}

/// 95% intervals cover the true ratio of 2 in 95% of studies with 60 viewers: 300 studies, so
/// between 90.4% and 98.6%, which is 3.7 standard errors of a binomial on either side; less the
/// bootstrap's own shortness, which is about 1% at 30 clusters an arm.
#[test]
fn coverage() {
    let mut covered = 0;
    for seed in 0..300 {
        let log = log(&study(60, 1_000 + seed), false);
        let method = Bootstrap { replicates: 400, seed, ..Bootstrap::default() };
        let (low, high) = bounds(&audit(&log, method).run().unwrap());
        covered += u32::from(low <= 2.0 && 2.0 <= high);
    }
    assert!((271..=296).contains(&covered), "{covered} of 300");
}

/// The same bits on one thread or many, from one tally or one merged of pieces, and whatever else
/// is asked at the same time.
#[test]
fn nothing_changes_the_replicates() {
    let rows = study(3_000, 9);
    let method = Bootstrap { replicates: 300, seed: 1, ..Bootstrap::default() };
    for weighed in [false, true] {
        let whole = log(&rows, weighed);
        for unit in [Unit::Pooled, Unit::ClusterMean, Unit::Reach(Reach::default())] {
            let question = question().unit(unit);
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| asked(&whole, &question, method).run().unwrap())
            };
            let one = on(1);
            assert_eq!(one.estimates(), on(4).estimates());
            let halves = [&rows[..20_000], &rows[20_000..]]
                .map(|rows| Tally::of(&log(rows, weighed), &TallySpec::default()).unwrap());
            let merged = halves[1].merge(&halves[0]).unwrap();
            let merged = Audit::of_tally(&merged, &question).interval(Interval::Bootstrap(method));
            assert_eq!(one.estimates(), merged.run().unwrap().estimates());
            let more = question.statistic(Difference).statistic(AmplificationRatio);
            let more = asked(&whole, &more, method).run().unwrap();
            assert_eq!(one.estimates()[0], more.estimates()[1]);
        }
    }
}

/// The basic interval mirrors the percentile one at the estimate, on the logarithmic scale.
#[test]
fn basic_mirrors_percentile() {
    let log = log(&study(200, 4), false);
    let of = |kind| {
        let method = Bootstrap { kind, ..Bootstrap::default() };
        let report = asked(&log, &question().statistic(LogRatio), method).run().unwrap();
        (report.estimates()[0].value.number().unwrap(), bounds(&report))
    };
    let (at, (low, high)) = of(BootstrapKind::Percentile);
    let (_, (basic_low, basic_high)) = of(BootstrapKind::Basic);
    assert!((basic_low - (2.0 * at - high)).abs() < 1e-14);
    assert!((basic_high - (2.0 * at - low)).abs() < 1e-14);
}

/// A topic that two of four clusters of the baseline show: in some replicates neither is drawn,
/// the ratio is infinite, and nothing bounds it from above.
#[test]
fn replicates_without_value() {
    let viewer = |name: &str, arm, topic| (name.to_owned(), arm, topic, 1.0);
    let rows = vec![
        viewer("1", "a", "war"),
        viewer("2", "a", "war"),
        viewer("2", "a", ""),
        viewer("3", "a", "war"),
        viewer("3", "a", ""),
        viewer("4", "b", "war"),
        viewer("5", "b", ""),
        viewer("6", "b", "war"),
        viewer("7", "b", ""),
    ];
    let report = audit(&log(&rows, false), Bootstrap::default()).run().unwrap();
    let estimate = &report.estimates()[0];
    let interval = estimate.interval.unwrap();
    assert!(interval.low.is_some() && interval.high.is_none(), "{interval:?}");
    // Neither of two clusters is drawn with probability exp(-2), 13.5%; and four standard errors.
    // An arm of which nothing is drawn has no share: exp(-3) and exp(-4).
    let found = estimate.warnings.iter().find_map(|warning| match warning {
        Warning::ReplicatesWithoutValue { infinite, undefined, of } => {
            Some((*infinite, *undefined, *of))
        }
        _ => None,
    });
    let (infinite, undefined, of) = found.unwrap();
    assert_eq!(of, 1_000);
    assert!((70..=180).contains(&infinite), "{infinite}");
    assert!((30..=110).contains(&undefined), "{undefined}");
    assert!(report.to_string().contains("bootstrap replicates"), "{report}");
}

#[test]
fn what_is_refused_or_has_no_interval() {
    let whole = log(&study(40, 2), false);
    for replicates in [0, 1, 1_000_001] {
        let method = Bootstrap { replicates, ..Bootstrap::default() };
        let error = audit(&whole, method).run().unwrap_err();
        assert!(matches!(error, Error::Parameter { parameter: "replicates", .. }), "{error}");
    }
    let method = Bootstrap { level: 1.0, ..Bootstrap::default() };
    assert!(matches!(audit(&whole, method).run(), Err(Error::Parameter { .. })));
    let single: Vec<Row> = study(2, 1);
    let report = audit(&log(&single, false), Bootstrap::default()).run().unwrap();
    assert_eq!(report.estimates()[0].interval, Err(NoInterval::SingleCluster));
    // Hash buckets are clusters like others.
    let buckets = question().cluster(ClusterBy::Viewer.hashed(4));
    let buckets = asked(&whole, &buckets, Bootstrap::default());
    assert!(buckets.run().unwrap().estimates()[0].interval.is_ok());
}
