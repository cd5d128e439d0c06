//! Every interval and test against independent implementations (`tests/golden/make_intervals.py`),
//! closed forms, simulations, and what must hold whatever the log.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::inference::{
    Blocks, Bootstrap, BootstrapKind, BootstrapWeights, Compare, Delta, DeltaTest, Equivalence,
    Jackknife, Multiplicity, Permutation, Quantile, ReplicateErrors, RomanoWolf, ShareBounds,
    Simultaneous, Test, WildBootstrap, WildTest, WildWeights,
};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, Cell, Difference, LogRatio, OddsRatio, Quantity, Scale, Side, Statistic,
    TreatmentShare, Working,
};
use tiltmeter::tally::{Tally, TallySpec, TwoWay};
use tiltmeter::{
    Audit, ClusterBy, Error, Estimate, ExposureLog, Interval, IntervalMethod, NoInterval, NoTest,
    Question, Reach, TestMethod, Unit, Warning,
};

use crate::shared::random::numbers as uniform;

static GOLDEN: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("../golden/intervals.json")).unwrap());

/// An impression.
#[derive(Clone, Debug)]
struct Row {
    viewer: String,
    arm: &'static str,
    topic: String,
    weight: f64,
    week: String,
}

fn row(viewer: impl ToString, arm: &'static str, topic: &str) -> Row {
    let (viewer, topic) = (viewer.to_string(), topic.to_owned());
    Row { viewer, arm, topic, weight: 1.0, week: "w".to_owned() }
}

/// The rows of one of the golden data sets.
fn golden_rows(name: &str) -> Vec<Row> {
    let rows = GOLDEN["data"][name].as_array().unwrap().iter().map(|its| Row {
        viewer: text(&its[0]).to_owned(),
        arm: if text(&its[1]) == "a" { "a" } else { "b" },
        topic: text(&its[2]).to_owned(),
        weight: its[3].as_f64().unwrap(),
        week: text(&its[4]).to_owned(),
    });
    rows.collect()
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| panic!("no number: {json}"))
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(number).collect()
}

fn cases(name: &str) -> &'static [Json] {
    GOLDEN[name].as_array().unwrap()
}

fn log(rows: &[Row], weighed: bool) -> ExposureLog {
    let column = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    let weights: Vec<f64> = rows.iter().map(|row| row.weight).collect();
    let source = SliceSource::new("rows")
        .text("viewer", &column(|row| &row.viewer))
        .text("arm", &column(|row| row.arm))
        .text("topic", &column(|row| &row.topic))
        .text("week", &column(|row| &row.week))
        .float("weight", &weights);
    let schema = LogSchema::new().viewer("viewer").arm("arm").column("week");
    let schema = schema.topics(TopicColumn::single("topic"));
    let schema = if weighed { schema.weight("weight") } else { schema };
    ExposureLog::read(source, &schema).unwrap()
}

fn golden_log(name: &str, weighed: bool) -> ExposureLog {
    log(&golden_rows(name), weighed)
}

fn question() -> Question {
    Question::between("a", "b")
}

fn of_war() -> Question {
    question().topics(["war"])
}

/// With the statistic of a golden case.
fn of_case(case: &Json) -> Question {
    let unit = match case["unit"].as_str() {
        Some("cluster_mean") => Unit::ClusterMean,
        _ => Unit::Pooled,
    };
    let question = question().unit(unit);
    match text(&case["statistic"]) {
        "log_ratio" => question.statistic(LogRatio),
        _ => question.statistic(Difference),
    }
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().unwrap().estimates()[0].clone()
}

fn bounds(estimate: &Estimate) -> (f64, f64) {
    let interval = estimate.interval.unwrap_or_else(|e| panic!("{e:?}: {estimate:?}"));
    (interval.low.unwrap(), interval.high.unwrap())
}

/// Both ends, to a part of the standard error or of the value, whichever is larger.
fn close(estimate: &Estimate, low: f64, high: f64, tolerance: f64, what: &Json) {
    let (my_low, my_high) = bounds(estimate);
    let scale = estimate.standard_error.unwrap().max(low.abs()).max(high.abs());
    let off = ((my_low - low) / scale).abs().max(((my_high - high) / scale).abs());
    assert!(off < tolerance, "{my_low} {my_high}, not {low} {high}, off by {off}: {what}");
}

fn equal(mine: f64, expected: f64, tolerance: f64, what: &Json) {
    let off = (mine - expected).abs() / expected.abs().max(1e-300);
    assert!(off < tolerance || mine == expected, "{mine}, not {expected}: {what}");
}

fn bootstrap(kind: BootstrapKind, weights: BootstrapWeights, replicates: u32) -> Bootstrap {
    Bootstrap { level: 0.9, replicates, seed: 17, kind, weights }
}

/// astropy's `jackknife_stats` for each group of clusters, scipy's t: to 1e-11 of the standard error
/// and of the ends.
#[test]
fn jackknife_is_astropys() {
    assert_eq!(cases("jackknife").len(), 40);
    for case in cases("jackknife") {
        let log = golden_log(text(&case["data"]), case["weighed"].as_bool().unwrap());
        let method = Interval::Jackknife(Jackknife::default());
        let estimate = first(Audit::of(&log, &of_case(case).topics(["war"])).interval(method));
        equal(estimate.standard_error.unwrap(), number(&case["standard_error"]), 1e-11, case);
        equal(estimate.degrees_of_freedom.unwrap(), number(&case["degrees"]), 1e-10, case);
        close(&estimate, number(&case["low"]), number(&case["high"]), 1e-11, case);
        assert_eq!(estimate.method, Some(IntervalMethod::Jackknife));
    }
}

/// numpy on the same Poisson weights: to 1e-9, and BCa of anything but counts, whose totals are
/// added in single precision, to 1e-6.
#[test]
fn numpy_on_the_same_weights() {
    assert_eq!(cases("on_poisson_weights").len(), 48);
    for case in cases("on_poisson_weights") {
        let weighed = case["weighed"].as_bool().unwrap();
        let log = golden_log(text(&case["data"]), weighed);
        let of = |kind| {
            let seed = case["seed"].as_u64().unwrap();
            let replicates = case["replicates"].as_u64().unwrap() as u32;
            let method = bootstrap(kind, BootstrapWeights::Poisson, replicates);
            let method = Interval::Bootstrap(Bootstrap { seed, ..method });
            first(Audit::of(&log, &of_case(case).topics(["war"])).interval(method))
        };
        let (bca, expected) = (of(BootstrapKind::Bca), &case["bca"]);
        let counts = !weighed && text(&case["unit"]) == "pooled";
        let tolerance = if counts { 1e-9 } else { 1e-6 };
        close(&bca, number(&expected["low"]), number(&expected["high"]), tolerance, case);
        let (studentised, expected) = (of(BootstrapKind::Studentised), &case["studentised"]);
        let error = studentised.standard_error.unwrap();
        equal(error, number(&expected["standard_error"]), 1e-12, case);
        close(&studentised, number(&expected["low"]), number(&expected["high"]), 1e-9, case);
    }
}

/// `scipy.stats.bootstrap` with 100,000 resamples and `arch` with 20,000. A 5% quantile of so many
/// has a Monte Carlo error of `sqrt(0.05 0.95 / B) / 0.103`, 0.0067 standard errors, and the
/// difference of two such 0.0095; five of those are 0.05. BCa adds twice that of the bias, 0.004
/// standard errors, and takes the acceleration from influences where scipy has the jackknife: 0.1.
/// A t quantile of 20,000 has an error of 0.015, the difference of two 0.021, five of those 0.11.
#[test]
fn scipy_and_arch() {
    use BootstrapKind::{Basic, Bca, Percentile, Studentised};
    assert_eq!(cases("by_scipy").len(), 4);
    for case in cases("by_scipy") {
        let log = golden_log(text(&case["data"]), false);
        let methods = [
            (Percentile, "percentile", 100_000, 0.05),
            (Basic, "basic", 100_000, 0.05),
            (Bca, "BCa", 100_000, 0.1),
            (Studentised, "studentised", 20_000, 0.11),
        ];
        for (kind, name, replicates, tolerance) in methods {
            if case[name].is_null() {
                continue;
            }
            let method = bootstrap(kind, BootstrapWeights::Multinomial, replicates);
            let estimate = first(
                Audit::of(&log, &of_case(case).topics(["war"]))
                    .interval(Interval::Bootstrap(method)),
            );
            let (low, high) = bounds(&estimate);
            let error = number(&case["error"]);
            let expected = numbers(&case[name]);
            let off = [(low - expected[0]) / error, (high - expected[1]) / error];
            assert!(off.iter().all(|off| off.abs() < tolerance), "{name} off by {off:?}: {case}");
        }
    }
}

/// How many clusters an arm has, as a statistic: `ln` of the treatment's and thrice the baseline's.
#[derive(Debug)]
struct Sizes;

impl Statistic for Sizes {
    fn name(&self) -> &'static str {
        "sizes"
    }
    fn phrase(&self) -> &'static str {
        "how many clusters there are"
    }
    fn cells(&self, _: usize) -> Vec<Cell> {
        [Side::Treatment, Side::Baseline].map(|side| Cell::over_all(side, Quantity::All)).to_vec()
    }
    fn scale(&self) -> Scale {
        Scale::Linear
    }
    fn value(&self, totals: &[f64]) -> Working {
        Working::Finite(totals[0].ln_1p() + 3.0 * totals[1])
    }
    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        vec![1.0 / (1.0 + totals[0]), 3.0]
    }
}

/// Under multinomial weights every replicate has as many clusters of each arm as the log: a
/// statistic of those numbers does not vary. Under Poisson weights it does.
#[test]
fn multinomial_weights_add_up() {
    for name in ["few_nested", "nested", "crossed", "few_crossed"] {
        let log = golden_log(name, false);
        let of = |weights| {
            let method = bootstrap(BootstrapKind::Percentile, weights, 500);
            let question = of_war().unit(Unit::ClusterMean).statistic(Sizes);
            first(Audit::of(&log, &question).interval(Interval::Bootstrap(method))).interval
        };
        assert_eq!(of(BootstrapWeights::Multinomial), Err(NoInterval::NoVariation), "{name}");
        assert!(of(BootstrapWeights::Poisson).is_ok(), "{name}");
    }
}

/// The exact bootstrap variance of a difference of means: in each arm `sum (x - mean)^2 / G^2`, which
/// is (G-1)/G of the unbiased one. 20,000 replicates have a relative error of 0.5%; five of those.
#[test]
fn multinomial_variance_is_the_closed_form() {
    let exact = |log: &ExposureLog, cluster: ClusterBy| {
        let factor = |clusters: u64| (clusters as f64 - 1.0) / clusters as f64;
        let delta = Interval::Delta(Delta::default());
        let question =
            of_war().cluster(cluster.clone()).statistic(Difference).unit(Unit::ClusterMean);
        let known = first(Audit::of(log, &question).interval(delta));
        assert_eq!(known.clusters.treatment, known.clusters.baseline, "one factor");
        let kind = BootstrapKind::Percentile;
        let method = bootstrap(kind, BootstrapWeights::Multinomial, 20_000);
        let drawn = Audit::of(log, &question).interval(Interval::Bootstrap(method));
        let error = first(drawn).standard_error.unwrap_or(0.0);
        let ratio = error / known.standard_error.unwrap();
        let expected = factor(known.clusters.treatment).sqrt();
        assert!((ratio / expected - 1.0).abs() < 0.025, "{cluster}: {ratio}, not {expected}");
    };
    exact(&golden_log("few_nested", false), ClusterBy::Viewer);
    exact(&golden_log("few_crossed", false), ClusterBy::Viewer);
    // Impressions have row numbers as keys, hash buckets the numbers of the buckets: both arms are
    // drawn independently all the same. Row n of a and row n of b show the same.
    let both: Vec<Row> = (0..24_usize)
        .flat_map(|n| ["a", "b"].map(|arm| row(n, arm, if n % 3 == 0 { "war" } else { "" })))
        .collect();
    exact(&log(&both, false), ClusterBy::Impression);
    exact(&log(&nested_buckets(), false), ClusterBy::Viewer.hashed(10));
}

/// Ten viewers an arm, each in a bucket of its own, in pairs that show the same share.
fn nested_buckets() -> Vec<Row> {
    (0..20_usize)
        .flat_map(|viewer| {
            let arm = if viewer % 2 == 0 { "a" } else { "b" };
            let shown = move |n: usize| if n * 2 < viewer { "war" } else { "" };
            (0..10).map(move |n| row(format!("bucket {viewer}"), arm, shown(n)))
        })
        .collect()
}

/// The share of clusters that show the topic, in so many of so many impressions.
fn of_counts(topic: &Json, all: &Json) -> Vec<Row> {
    let count = |json: &Json, at: usize| json[at].as_u64().unwrap();
    let viewer = |at: usize| {
        let shown = count(topic, at);
        let arm = if at < 4 { "a" } else { "b" };
        (0..count(all, at)).map(move |n| row(at, arm, if n < shown { "war" } else { "" }))
    };
    (0..8).flat_map(viewer).collect()
}

fn wild_p(log: &ExposureLog, topic: &str, test: WildTest) -> (f64, TestMethod) {
    let audit = Audit::of(log, &question().topics([topic])).test(Test::WildBootstrap(test));
    let test = audit.run().unwrap().estimates()[0].test.unwrap();
    (test.p.unwrap(), test.method.unwrap())
}

/// `wildboottest` on the regression of the topic on the arm, over all signs of eight clusters: the
/// same p-values (of whole 256ths) and the same interval to 1e-10. Under Webb's weights 20,000
/// replicates on either side: `5 sqrt(2 p (1 - p) / B)`.
#[test]
fn wild_bootstrap_is_that_of_the_regression() {
    assert_eq!(cases("wild").len(), 6);
    for case in cases("wild") {
        let log = golden_log(text(&case["data"]), false);
        let topic = text(&case["topic"]);
        let weights = WildWeights::Rademacher;
        let test = WildTest { weights, replicates: 256, ..WildTest::default() };
        let (p, used) = wild_p(&log, topic, test);
        assert_eq!(used, TestMethod::WildBootstrapExhaustive);
        assert!((p - number(&case["p"])).abs() < 1e-12, "{p}: {case}");
        let webb = WildTest { replicates: 20_000, ..WildTest::default() };
        let (p, used) = wild_p(&log, topic, webb);
        assert_eq!(used, TestMethod::WildBootstrap);
        let expected = number(&case["p_webb"]);
        let tolerance = 5.0 * (2.0 * expected * (1.0 - expected) / 20_000.0).sqrt();
        assert!((p - expected).abs() < tolerance, "Webb {p}: {case}");
        let method = WildBootstrap { level: 0.9, replicates: 256, seed: 1, weights };
        let audit = Audit::of(&log, &question().statistic(Difference).topics([topic]));
        let report = audit.interval(Interval::WildBootstrap(method)).run().unwrap();
        let (at, reach) = (number(&case["difference"]), number(&case["reach"]));
        close(&report.estimates()[0], at - reach, at + reach, 1e-10, case);
    }
}

/// 200 studies of 4 and 4 clusters without a difference: the p-value of each is that of
/// `wildboottest`, so whatever its size is, ours is the same.
#[test]
fn wild_test_rejects_as_the_regression_does() {
    let (mut rejected, mut theirs) = (0, 0);
    assert_eq!(cases("wild_size").len(), 200);
    for case in cases("wild_size") {
        let log = log(&of_counts(&case["topic"], &case["all"]), false);
        let weights = WildWeights::Rademacher;
        let test = WildTest { weights, replicates: 256, ..WildTest::default() };
        let (p, _) = wild_p(&log, "war", test);
        let expected = number(&case["p"]);
        assert!((p - expected).abs() < 1e-12, "{p}: {case}");
        rejected += u32::from(p <= 0.05);
        theirs += u32::from(expected <= 0.05);
    }
    assert_eq!(rejected, theirs);
}

/// statsmodels' `cov_cluster_2groups` of a weighted regression, its parts with the factors G/(G-1),
/// and either way first: to 1e-11. In two cases the sum is below zero and the larger way stands.
#[test]
fn two_way_is_statsmodels() {
    let floored = cases("two_way").iter().filter(|case| case["floored"].as_bool().unwrap());
    assert_eq!((cases("two_way").len(), floored.count()), (8, 2));
    for case in cases("two_way") {
        let log = golden_log(text(&case["data"]), case["weighed"].as_bool().unwrap());
        let week = ClusterBy::column("week");
        for (one, other) in [(ClusterBy::Viewer, week.clone()), (week, ClusterBy::Viewer)] {
            let question = of_war().cluster(one).second_cluster(other).statistic(Difference);
            let audit = Audit::of(&log, &question).interval(Interval::Delta(Delta::default()));
            let estimate = first(audit);
            equal(estimate.standard_error.unwrap(), number(&case["standard_error"]), 1e-11, case);
            equal(estimate.degrees_of_freedom.unwrap(), number(&case["degrees"]), 1e-11, case);
            let (at, reach) = (number(&case["difference"]), number(&case["reach"]));
            close(&estimate, at - reach, at + reach, 1e-11, case);
            assert_eq!(estimate.method, Some(IntervalMethod::TwoWayStudentT));
        }
    }
}

/// Methods and units that know one way of clustering are refused.
#[test]
fn two_way_refuses_what_it_cannot_do() {
    let whole = golden_log("crossed", false);
    let two = || question().second_cluster(ClusterBy::column("week"));
    let ways = || Audit::of(&whole, &two());
    let of = |question: Question| Audit::of(&whole, &question);
    let refused = |audit: Audit<'_>, parameter: &str| match audit.run() {
        Err(Error::Parameter { parameter: its, .. }) => assert_eq!(its, parameter),
        other => panic!("{parameter}: {other:?}"),
    };
    refused(of(two().unit(Unit::ClusterMean)), "the unit");
    refused(of(two().unit(Unit::Reach(Reach::default()))), "the unit");
    for interval in intervals() {
        if !matches!(interval, Interval::Delta(_) | Interval::ShareBounds(_)) {
            refused(ways().interval(interval), "the interval");
        }
    }
    for test in tests() {
        if !matches!(test, Test::ShareBounds | Test::Delta(_) | Test::Equivalence(_)) {
            refused(ways().test(test), "the test");
        }
    }
    let step_down = Multiplicity::RomanoWolf(RomanoWolf::default());
    let tested = ways().test(Test::Delta(DeltaTest::default()));
    refused(tested.multiplicity(step_down), "the method that adjusts p-values");
}

/// Tallies of other logs, other specs or other pairs are not put together.
#[test]
fn two_way_tallies_must_be_of_one_log() {
    let by = |name: &str, cluster: ClusterBy, weighed| {
        let spec = TallySpec { cluster, ..TallySpec::default() };
        Tally::of(&golden_log(name, weighed), &spec).unwrap()
    };
    let (viewer, week) = (ClusterBy::Viewer, ClusterBy::column("week"));
    let pair = viewer.clone().paired(week.clone());
    let of = |name, cluster: &ClusterBy| by(name, cluster.clone(), false);
    let [first, second, pairs] = [&viewer, &week, &pair].map(|cluster| of("crossed", cluster));
    let joined = TwoWay::from_tallies(first.clone(), second.clone(), pairs.clone()).unwrap();
    let spec = TallySpec::default();
    assert_eq!(joined, TwoWay::of(&golden_log("crossed", false), &spec, week.clone()).unwrap());
    let swapped = week.clone().paired(viewer);
    let wrong = [
        (second.clone(), of("crossed", &swapped)),
        (second.clone(), of("nested", &pair)),
        (of("nested", &week), pairs.clone()),
        (by("crossed", week, true), pairs.clone()),
        (pairs.clone(), second),
    ];
    for (second, pairs) in wrong {
        let result = TwoWay::from_tallies(first.clone(), second, pairs);
        assert!(matches!(result, Err(Error::TwoWay { .. })), "{result:?}");
    }
}

/// scipy's Welch and paired t tests and statsmodels' two one-sided ones, on the shares of clusters:
/// to 1e-10.
#[test]
fn t_tests_are_scipys() {
    assert_eq!(cases("tests").len(), 4);
    for case in cases("tests") {
        let log = golden_log(text(&case["data"]), false);
        let of = |test| {
            let audit =
                Audit::of(&log, &of_war().unit(Unit::ClusterMean).statistic(Difference)).test(test);
            first(audit).test.unwrap()
        };
        let test = of(Test::Delta(DeltaTest::default()));
        equal(test.statistic.unwrap(), number(&case["t"]), 1e-10, case);
        equal(test.degrees_of_freedom.unwrap(), number(&case["degrees"]), 1e-10, case);
        equal(test.p.unwrap(), number(&case["p"]), 1e-10, case);
        for margin in case["margins"].as_array().unwrap() {
            let (low, high) = (number(&margin["low"]), number(&margin["high"]));
            let test = of(Test::Equivalence(Equivalence {
                low,
                high,
                quantile: Some(Quantile::StudentT),
            }));
            equal(test.p.unwrap(), number(&margin["p"]), 1e-10, margin);
            assert_eq!(test.method, Some(TestMethod::EquivalenceStudentT));
        }
    }
}

/// Bands and step-down p-values, in numpy on the same Poisson weights: critical values to 1e-9,
/// p-values to the last replicate.
#[test]
fn simultaneous_bands_and_step_down() {
    assert_eq!(cases("simultaneous").len(), 6);
    for case in cases("simultaneous") {
        let log = golden_log(text(&case["data"]), false);
        let topics: Vec<&str> = case["topics"].as_array().unwrap().iter().map(text).collect();
        let (seed, replicates) = (case["seed"].as_u64().unwrap(), number(&case["replicates"]));
        let replicates = replicates as u32;
        for (name, errors) in [("same", ReplicateErrors::Same), ("each", ReplicateErrors::Each)] {
            let bands = Simultaneous { level: 0.95, replicates, seed, errors };
            let question = of_case(case).topics(topics.clone());
            let report = Audit::of(&log, &question)
                .interval(Interval::Simultaneous(bands))
                .test(Test::Delta(DeltaTest { quantile: Quantile::Normal }))
                .multiplicity(Multiplicity::RomanoWolf(RomanoWolf { replicates, seed, errors }))
                .run()
                .unwrap();
            let (at, errors) = (numbers(&case["at"]), numbers(&case["standard_error"]));
            let (critical, p) = (number(&case[name]["critical"]), numbers(&case[name]["p"]));
            for (topic, estimate) in report.estimates().iter().enumerate() {
                let reach = critical * errors[topic];
                close(estimate, at[topic] - reach, at[topic] + reach, 1e-9, case);
                let adjusted = estimate.test.unwrap().p_adjusted.unwrap();
                assert!((adjusted - p[topic]).abs() < 1e-12, "{name} {adjusted}: {case}");
            }
        }
    }
}

/// More topics make no band shorter, and three have longer ones than each by itself under the normal.
#[test]
fn bands_of_more_topics_are_no_shorter() {
    let log = golden_log("nested", true);
    for errors in [ReplicateErrors::Same, ReplicateErrors::Each] {
        let method = Interval::Simultaneous(Simultaneous { errors, ..Simultaneous::default() });
        let of = |topics: &[&str]| {
            let audit = Audit::of(&log, &question().statistic(LogRatio).topics(topics.to_vec()));
            let report = audit.interval(method).run().unwrap();
            let (low, high) = bounds(report.estimates().last().unwrap());
            high - low
        };
        let widths = [&["war"][..], &["sport", "war"], &["sport", "trade", "war"]].map(of);
        assert!(widths[0] < widths[2] && widths.is_sorted(), "{widths:?}");
        let normal = Delta { quantile: Quantile::Normal, ..Delta::default() };
        let alone =
            first(Audit::of(&log, &of_war().statistic(LogRatio)).interval(Interval::Delta(normal)));
        let (low, high) = bounds(&alone);
        assert!(high - low < widths[2], "{low} to {high} against {widths:?}");
    }
}

/// 40 viewers an arm with tastes of their own, the arms alike.
fn null_study(seed: u64) -> Vec<Row> {
    const TOPICS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
    let mut next = uniform(seed << 20);
    let mut rows = Vec::new();
    for viewer in 0..80_usize {
        let tastes: Vec<f64> = (0..TOPICS.len()).map(|_| -next().max(1e-9).ln()).collect();
        let all: f64 = tastes.iter().sum();
        for _ in 0..6 + (next() * 8.0) as usize {
            let mut left = next() * all;
            let found = tastes.iter().position(|taste| {
                left -= taste;
                left < 0.0
            });
            let arm = if viewer % 2 == 0 { "a" } else { "b" };
            rows.push(row(viewer, arm, TOPICS[found.unwrap_or(0)]));
        }
    }
    rows
}

/// 300 studies of six topics under the global null: the step-down p-values call any topic in 5% of
/// them, and so do the bands: fewer than 28, which is 3.4 standard errors of a binomial above 15; and
/// more than 3, as many below.
#[test]
fn family_wise_errors_are_held() {
    let (mut called, mut outside) = (0, 0);
    for seed in 0..300 {
        let log = log(&null_study(seed), false);
        let errors = ReplicateErrors::Each;
        let bands = Simultaneous { level: 0.95, replicates: 299, seed, errors };
        let step_down = RomanoWolf { replicates: 299, seed, errors };
        let report = Audit::of(&log, &question().statistic(Difference))
            .interval(Interval::Simultaneous(bands))
            .test(Test::Delta(DeltaTest::default()))
            .multiplicity(Multiplicity::RomanoWolf(step_down))
            .run()
            .unwrap();
        let any = |of: &dyn Fn(&Estimate) -> bool| u32::from(report.estimates().iter().any(of));
        called += any(&|estimate| estimate.test.unwrap().p_adjusted.unwrap() <= 0.05);
        outside += any(&|estimate| {
            let (low, high) = bounds(estimate);
            low > 0.0 || high < 0.0
        });
    }
    assert!((4..28).contains(&called), "{called} of 300 called");
    assert!((4..28).contains(&outside), "{outside} of 300 outside a band");
}

/// Every way to ask for an interval.
fn intervals() -> Vec<Interval> {
    use BootstrapKind::{Basic, Bca, Percentile, Studentised};
    use BootstrapWeights::{Multinomial, Poisson};
    let mut all = vec![
        Interval::ShareBounds(ShareBounds::default()),
        Interval::Delta(Delta::default()),
        Interval::Delta(Delta { quantile: Quantile::Normal, ..Delta::default() }),
        Interval::Jackknife(Jackknife::default()),
    ];
    for weights in [Poisson, Multinomial] {
        let kinds = [Percentile, Basic, Bca, Studentised];
        all.extend(kinds.map(|kind| Interval::Bootstrap(bootstrap(kind, weights, 150))));
    }
    all.extend([WildWeights::Webb, WildWeights::Rademacher].map(|weights| {
        let seed = 3;
        Interval::WildBootstrap(WildBootstrap { level: 0.8, replicates: 150, seed, weights })
    }));
    all.extend([ReplicateErrors::Same, ReplicateErrors::Each].map(|errors| {
        let seed = 4;
        Interval::Simultaneous(Simultaneous { level: 0.8, replicates: 150, seed, errors })
    }));
    all
}

/// Every way to ask for a test.
fn tests() -> Vec<Test> {
    let mut all = vec![
        Test::Delta(DeltaTest::default()),
        Test::Delta(DeltaTest { quantile: Quantile::Normal }),
        Test::Equivalence(Equivalence::default()),
        Test::Equivalence(Equivalence {
            quantile: Some(Quantile::Normal),
            ..Equivalence::default()
        }),
    ];
    all.extend(
        [WildWeights::Webb, WildWeights::Rademacher]
            .map(|weights| Test::WildBootstrap(WildTest { replicates: 150, seed: 5, weights })),
    );
    all.extend([Compare::Studentised, Compare::Value].map(|compare| {
        let blocks = Blocks::Together;
        Test::Permutation(Permutation { replicates: 150, seed: 6, compare, blocks })
    }));
    all
}

/// Each interval with one of the tests, so that all of both are asked for, with adjusted p-values
/// where the test is of |t|.
fn asked<'l>(audit: impl Fn(&Question) -> Audit<'l>, unit: Unit) -> Vec<Vec<Estimate>> {
    let question = question().unit(unit).statistic(LogRatio).statistic(Difference);
    let (intervals, tests) = (intervals(), tests());
    let pairs = (0..intervals.len()).map(|at| (intervals[at], tests[at % tests.len()]));
    pairs
        .map(|(interval, test)| {
            let test = match test {
                // A margin inside the range of both statistics.
                Test::Equivalence(its) => {
                    Test::Equivalence(Equivalence { low: -0.3, high: 0.4, ..its })
                }
                other => other,
            };
            let audit = audit(&question).interval(interval).test(test);
            let audit = match test {
                Test::Delta(_) => {
                    let method = RomanoWolf { replicates: 150, ..RomanoWolf::default() };
                    audit.multiplicity(Multiplicity::RomanoWolf(method))
                }
                _ => audit,
            };
            audit.run().unwrap().estimates().to_vec()
        })
        .collect()
}

/// The same bits for rows in another order, on one thread or four, and from tallies of two halves.
#[test]
fn nothing_changes_the_bits() {
    for name in ["few_nested", "nested", "mixed", "crossed"] {
        let rows = golden_rows(name);
        let whole = log(&rows, true);
        let mut turned = rows.clone();
        turned.reverse();
        turned.rotate_left(7);
        let turned = log(&turned, true);
        let (front, back) = rows.split_at(rows.len() / 3);
        let spec = TallySpec::default();
        let halves = [front, back].map(|rows| Tally::of(&log(rows, true), &spec).unwrap());
        let merged = halves[1].merge(&halves[0]).unwrap();
        for unit in [Unit::Pooled, Unit::ClusterMean] {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| asked(|question| Audit::of(&whole, question), unit))
            };
            let one = on(1);
            for (what, other) in [
                ("four threads", on(4)),
                ("other order", asked(|question| Audit::of(&turned, question), unit)),
                ("merged", asked(|question| Audit::of_tally(&merged, question), unit)),
            ] {
                for (at, (one, other)) in one.iter().zip(&other).enumerate() {
                    assert_eq!(one, other, "{name}, {what}, {:?}", intervals()[at]);
                }
            }
        }
    }
}

/// Two-way clusters from tallies of halves are those of the whole.
#[test]
fn two_way_tallies_merge() {
    let rows = golden_rows("crossed");
    let (front, back) = rows.split_at(rows.len() / 3);
    let (viewer, week) = (ClusterBy::Viewer, ClusterBy::column("week"));
    let pair = viewer.clone().paired(week.clone());
    let merged = |cluster: &ClusterBy| {
        let spec = TallySpec { cluster: cluster.clone(), ..TallySpec::default() };
        let halves = [back, front].map(|rows| Tally::of(&log(rows, true), &spec).unwrap());
        halves[0].merge(&halves[1]).unwrap()
    };
    let ways = TwoWay::from_tallies(merged(&viewer), merged(&week), merged(&pair)).unwrap();
    let whole = log(&rows, true);
    let of_log = Audit::of(&whole, &question().second_cluster(week));
    assert_eq!(
        Audit::of_two_way(&ways, &question()).run().unwrap().estimates(),
        of_log.run().unwrap().estimates()
    );
}

fn is_number(number: f64) -> bool {
    number.is_finite()
}

/// No NaN anywhere, ends in their order, probabilities between 0 and 1; what is missing says why.
fn sound(estimate: &Estimate) {
    assert!(estimate.value.number().is_none_or(|value| !value.is_nan()), "{estimate:?}");
    if let Ok(interval) = estimate.interval {
        let ends: Vec<f64> = [interval.low, interval.high].into_iter().flatten().collect();
        assert!(!ends.iter().any(|end| !is_number(*end)) && ends.is_sorted(), "{estimate:?}");
        assert!(estimate.method.is_some(), "{estimate:?}");
    }
    assert!(estimate.standard_error.is_none_or(|e| is_number(e) && e >= 0.0), "{estimate:?}");
    assert!(estimate.degrees_of_freedom.is_none_or(|d| is_number(d) && d > 0.0), "{estimate:?}");
    if let Some(test) = estimate.test {
        let probability = |p: f64| (0.0..=1.0).contains(&p);
        assert!(test.p.is_err() || test.p.is_ok_and(probability), "{estimate:?}");
        assert!(test.p_adjusted.is_none_or(probability), "{estimate:?}");
        assert!(test.statistic.is_none_or(|t| !t.is_nan()), "{estimate:?}");
        assert_eq!(test.p.is_ok(), test.method.is_some(), "{estimate:?}");
    }
}

/// All methods on a log, with every statistic and unit.
fn all_sound(log: &ExposureLog, two_ways: &[Row]) {
    let (intervals, tests) = (intervals(), tests());
    for unit in [Unit::Pooled, Unit::ClusterMean, Unit::Reach(Reach::default())] {
        for (at, interval) in intervals.iter().enumerate() {
            let of_ratios = Audit::of(
                log,
                &question().unit(unit).statistic(AmplificationRatio).statistic(OddsRatio),
            )
            .interval(*interval)
            .test(tests[at % tests.len()]);
            of_ratios.run().unwrap().estimates().iter().for_each(sound);
            let of_shares = Audit::of(
                log,
                &question().unit(unit).statistic(Difference).statistic(TreatmentShare),
            )
            .interval(*interval)
            .test(Test::WildBootstrap(WildTest { replicates: 64, ..WildTest::default() }));
            of_shares.run().unwrap().estimates().iter().for_each(sound);
        }
    }
    if !two_ways.is_empty() {
        let question = question().second_cluster(ClusterBy::column("week"));
        let question = question.statistic(Difference).statistic(LogRatio);
        let audit = Audit::of(log, &question).test(Test::Delta(DeltaTest::default()));
        audit.run().unwrap().estimates().iter().for_each(sound);
    }
}

fn tiny_row() -> impl Strategy<Value = Row> {
    let weights = prop::sample::select(vec![0.0, 0.25, 1.0, 1.0, 1e-9, 1e5]);
    let topics = prop::sample::select(vec!["", "war", "sport"]);
    (0..5_u8, 0..2_usize, topics, weights, 0..3_u8).prop_map(
        |(viewer, arm, topic, weight, week)| {
            let week = week.to_string();
            Row { weight, week, ..row(viewer, ["a", "b"][arm], topic) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Logs so small that most methods have nothing to go by, both arms present.
    #[test]
    fn tiny_logs(mut rows in prop::collection::vec(tiny_row(), 0..16), weighed: bool) {
        rows.extend(["a", "b"].map(|arm| row(9, arm, "war")));
        all_sound(&log(&rows, weighed), &rows);
    }
}

/// A viewer for each arm, impressions of the topic, all impressions.
fn of_viewers(viewers: &[(&'static str, usize, usize)]) -> Vec<Row> {
    let viewer = |(at, &(arm, shown, all)): (usize, &(&'static str, usize, usize))| {
        (0..all).map(move |n| row(at, arm, if n < shown { "war" } else { "" }))
    };
    viewers.iter().enumerate().flat_map(viewer).collect()
}

/// One cluster in an arm: every method says why it has no interval. Clusters that are all alike, nothing or
/// only the topic in an arm: every method has the interval by share bounds, of one side where a share is 0.
#[test]
fn degenerate_logs() {
    let of = |viewers: &[(&'static str, usize, usize)]| {
        let rows = of_viewers(viewers);
        all_sound(&log(&rows, false), &rows);
        log(&rows, false)
    };
    let single = of(&[("a", 2, 5), ("b", 1, 4), ("b", 2, 4)]);
    let alike = of(&[("a", 2, 4), ("a", 2, 4), ("b", 1, 4), ("b", 1, 4)]);
    let none = of(&[("a", 0, 4), ("a", 0, 3), ("b", 1, 4), ("b", 2, 4)]);
    let only = of(&[("a", 4, 4), ("a", 3, 3), ("b", 4, 4), ("b", 2, 2)]);
    let mut wrong = Vec::new();
    for interval in intervals() {
        let of = |log: &ExposureLog| first(Audit::of(log, &of_war()).interval(interval)).interval;
        if of(&single) != Err(NoInterval::SingleCluster) {
            wrong.push(format!("{interval:?}: {:?}, of a single cluster", of(&single)));
        }
        for log in [&alike, &only] {
            let level = of(log).map_or(0.0, |its| its.level);
            let bounds = Interval::ShareBounds(ShareBounds { level, ..ShareBounds::default() });
            if of(log).is_err()
                || of(log) != first(Audit::of(log, &of_war()).interval(bounds)).interval
            {
                wrong.push(format!("{interval:?}: {:?}, not by share bounds", of(log)));
            }
        }
        let one_sided = of(&none).map(|interval| (interval.low.is_some(), interval.high.is_some()));
        if one_sided != Ok((false, true)) {
            wrong.push(format!("{interval:?}: {:?}, not from above", of(&none)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let p = |log, test| first(Audit::of(log, &of_war()).test(test)).test.unwrap().p;
    for test in tests() {
        let takes_one =
            matches!(test, Test::Permutation(Permutation { compare: Compare::Value, .. }));
        let expected = if takes_one { Ok(1.0) } else { Err(NoTest::SingleCluster) };
        assert_eq!(p(&single, test).map(|_| 1.0), expected, "{test:?}");
    }
    let wild = Test::WildBootstrap(WildTest::default());
    assert!(p(&none, wild).is_ok());
    assert_eq!(p(&only, wild), Err(NoTest::NoVariation));
}

/// Shares of 3/7 and 1/7, which are rounded, the same in all clusters of an arm: no variation, so that both
/// arms are worth their clusters and no method takes rounding for an error.
#[test]
fn rounding_is_no_variation() {
    for baseline in [1, 3] {
        let viewers = [("a", 3, 7), ("a", 6, 14), ("b", baseline, 7), ("b", 3 * baseline, 21)];
        let log = log(&of_viewers(&viewers), false);
        for unit in [Unit::Pooled, Unit::ClusterMean] {
            for interval in intervals() {
                let found = first(Audit::of(&log, &of_war().unit(unit)).interval(interval));
                let level = found.interval.as_ref().unwrap().level;
                let bounds = ShareBounds { level, ..ShareBounds::default() };
                let expected = first(
                    Audit::of(&log, &of_war().unit(unit)).interval(Interval::ShareBounds(bounds)),
                );
                // Bands of three topics are of a third of the error each.
                let is_band = matches!(interval, Interval::Simultaneous(_));
                assert!(is_band || found.interval == expected.interval, "{unit:?} {interval:?}");
                assert_eq!(
                    found.method,
                    Some(IntervalMethod::ShareBounds),
                    "{unit:?} {interval:?}"
                );
                assert_eq!(found.standard_error, None, "{unit:?} {interval:?}");
            }
        }
    }
}

/// Few clusters that carry the topic, and few that hold the mass, are said; by hand.
#[test]
fn thin_arms_are_told() {
    // One viewer of ten with 9 of the topic's 18, nine with one each: 18^2/(81 + 9) = 3.6.
    let rows: Vec<_> = ["a", "b"]
        .into_iter()
        .flat_map(|arm| (0..10).map(move |at| (arm, if at == 0 { 9 } else { 1 }, 20)))
        .collect();
    let estimate = first(Audit::of(&log(&of_viewers(&rows), false), &of_war()));
    let effective = |warning: &Warning| match warning {
        Warning::FewTopicClusters { side: Side::Treatment, effective } => Some(*effective),
        _ => None,
    };
    let effective = estimate.warnings.iter().find_map(effective).unwrap();
    assert!((effective - 3.6).abs() < 1e-12, "{effective}");
    assert_eq!(estimate.method, Some(IntervalMethod::ShareBounds));
    // One viewer of twelve with 220 of 330 impressions: 330^2/(220^2 + 11 * 100) = 2.2.
    let rows: Vec<_> = ["a", "b"]
        .into_iter()
        .flat_map(|arm| (0..12).map(move |at| (arm, 4 + at % 3, if at == 0 { 220 } else { 10 })))
        .collect();
    let estimate = first(Audit::of(&log(&of_viewers(&rows), false), &of_war()));
    let unequal = |warning: &Warning| match warning {
        Warning::UnequalClusters { side: Side::Baseline, effective, clusters: 12 } => {
            Some(*effective)
        }
        _ => None,
    };
    let effective = estimate.warnings.iter().find_map(unequal).unwrap();
    assert!((effective - 2.2).abs() < 1e-12, "{effective}");
    let even: Vec<_> = ["a", "b"]
        .into_iter()
        .flat_map(|arm| (0..12).map(move |at| (arm, 2 + at % 3, 20)))
        .collect();
    assert_eq!(first(Audit::of(&log(&of_viewers(&even), false), &of_war())).warnings, []);
}
