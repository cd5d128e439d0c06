//! The permutation test against enumerations in exact fractions, scipy, closed forms and simulations.

use rayon::ThreadPoolBuilder;
use tiltmeter::inference::{Blocks, Compare, Delta, Permutation, Test};
use tiltmeter::log::{ClusterKey, LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, Cell, Difference, OddsRatio, Over, Quantity, Scale, Side, Statistic,
    TreatmentShare, Undefined, Working,
};
use tiltmeter::tally::StratifyBy;
use tiltmeter::{
    Audit, Error, Estimate, ExposureLog, Interval, NoTest, Question, Reach, TestMethod, TestResult,
    Unit, Warning,
};

use crate::shared::random::numbers;

/// A cluster: topic and all impressions in a, the same in b, and the stratum of its impressions.
#[derive(Clone, Copy)]
struct Cluster<'s> {
    a: (u64, u64),
    b: (u64, u64),
    stratum: &'s str,
}

fn in_a(topic: u64, all: u64) -> Cluster<'static> {
    Cluster { a: (topic, all), b: (0, 0), stratum: "x" }
}

fn in_b(topic: u64, all: u64) -> Cluster<'static> {
    Cluster { a: (0, 0), b: (topic, all), stratum: "x" }
}

/// Viewer, arm, whether it shows the topic, stratum.
type Row = (usize, &'static str, bool, String);

fn rows(clusters: &[Cluster<'_>]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (viewer, cluster) in clusters.iter().enumerate() {
        for (arm, (topic, all)) in [("a", cluster.a), ("b", cluster.b)] {
            rows.extend((0..all).map(|n| (viewer, arm, n < topic, cluster.stratum.to_owned())));
        }
    }
    rows
}

fn log_of(rows: &[Row]) -> ExposureLog {
    let text = |of: &dyn Fn(&Row) -> String| rows.iter().map(of).collect::<Vec<_>>();
    let source = SliceSource::new("clusters")
        .text("viewer", &text(&|row| format!("v{}", row.0)))
        .text("arm", &text(&|row| row.1.to_owned()))
        .text("topic", &text(&|row| if row.2 { "war" } else { "" }.to_owned()))
        .text("stratum", &text(&|row| row.3.clone()));
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .stratum("stratum")
        .topics(TopicColumn::single("topic"));
    ExposureLog::read(source, &schema).unwrap()
}

fn log(clusters: &[Cluster<'_>]) -> ExposureLog {
    log_of(&rows(clusters))
}

fn question() -> Question {
    Question::between("a", "b").topics(["war"])
}

fn audit<'l>(log: &'l ExposureLog, question: &Question, test: Permutation) -> Audit<'l> {
    Audit::of(log, question).test(Test::Permutation(test))
}

fn estimate(audit: Audit<'_>) -> Estimate {
    audit.run().unwrap().estimates()[0].clone()
}

fn tested(audit: Audit<'_>) -> TestResult {
    estimate(audit).test.unwrap()
}

fn value() -> Permutation {
    Permutation { compare: Compare::Value, ..Permutation::default() }
}

fn blocked() -> Permutation {
    Permutation { blocks: Blocks::Strata, ..Permutation::default() }
}

/// p is the very fraction that an enumeration in Python with exact fractions finds, and that scipy
/// finds where it knows the design; nested, crossed and mixed clusters, blocks, ties, an arm without
/// the topic, arms without variance.
#[test]
fn enumerations() {
    let golden = include_str!("../golden/permutation.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() > 100 && cases.iter().any(|case| case.get("scipy").is_some()));
    for case in cases {
        let table = golden["tables"][case["table"].as_str().unwrap()].as_array().unwrap();
        let cluster = |row: &'_ serde_json::Value| {
            let n = |at: usize| row[at].as_u64().unwrap();
            (n(0), n(1), n(2), n(3), row[4].as_str().unwrap().to_owned())
        };
        let table: Vec<_> = table.iter().map(cluster).collect();
        let clusters: Vec<Cluster<'_>> = table
            .iter()
            .map(|(ta, na, tb, nb, stratum)| Cluster { a: (*ta, *na), b: (*tb, *nb), stratum })
            .collect();
        let log = log(&clusters);
        let is = |name: &str, text: &str| case[name].as_str() == Some(text);
        let unit = match case["unit"].as_str().unwrap() {
            "pooled" => Unit::Pooled,
            "cluster_mean" => Unit::ClusterMean,
            _ => Unit::Reach(Reach::default()),
        };
        let blocked = case["blocked"].as_bool().unwrap();
        let test = Permutation {
            compare: if is("compare", "value") { Compare::Value } else { Compare::Studentised },
            blocks: if blocked { Blocks::Strata } else { Blocks::Together },
            ..Permutation::default()
        };
        let question = if is("statistic", "difference") {
            question().unit(unit).statistic(Difference)
        } else {
            question().unit(unit).statistic(AmplificationRatio)
        };
        let test = tested(audit(&log, &question, test));
        let p = case["beyond"].as_f64().unwrap() / case["assignments"].as_f64().unwrap();
        assert_eq!(test.p, Ok(p), "{case}");
        assert_eq!(test.method, Some(TestMethod::PermutationExact), "{case}");
        if let Some(scipy) = case.get("scipy").and_then(serde_json::Value::as_f64) {
            assert!((p - scipy).abs() < 1e-12, "{case}");
        }
    }
}

/// The number of sets of k among n.
fn choose(n: u64, k: u64) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product() }
}

/// Viewers with one impression each: Fisher's exact test, ordered by the difference of shares.
/// Closed form: the hypergeometric distribution.
#[test]
fn fishers_exact_test() {
    for (a, of_a, b, of_b) in [(6, 8, 1, 7), (3, 9, 3, 5), (2, 10, 0, 6), (5, 7, 5, 9)] {
        let clusters: Vec<_> = (0..of_a)
            .map(|n| in_a(u64::from(n < a), 1))
            .chain((0..of_b).map(|n| in_b(u64::from(n < b), 1)))
            .collect();
        let log = log(&clusters);
        let topic = a + b;
        // In units of 1 / (of_a of_b), whole numbers.
        let difference = |k: u64| (k * of_b).abs_diff((topic - k) * of_a);
        let fisher: f64 = (0..=topic.min(of_a))
            .filter(|k| topic - k <= of_b && difference(*k) >= difference(a))
            .map(|k| choose(of_a, k) * choose(of_b, topic - k) / choose(of_a + of_b, topic))
            .sum();
        let test = Permutation { replicates: 20_000, ..value() };
        for unit in [Unit::Reach(Reach::default()), Unit::Pooled, Unit::ClusterMean] {
            let p =
                tested(audit(&log, &question().unit(unit).statistic(Difference), test)).p.unwrap();
            assert!((p / fisher - 1.0).abs() < 1e-12, "{a}/{of_a} {b}/{of_b}: {p} {fisher}");
        }
    }
}

/// A topic that the baseline never shows has a p-value: the part of assignments in which an arm has
/// none of the 4 viewers of 14 who saw it. Closed form.
#[test]
fn a_topic_absent_from_the_baseline() {
    let clusters: Vec<_> =
        (0..6).map(|n| in_a(u64::from(n < 4), 5)).chain((0..8).map(|n| in_b(0, 4 + n))).collect();
    let expected = (choose(10, 2) + choose(10, 6)) / choose(14, 6);
    let log = log(&clusters);
    for test in [value(), Permutation::default()] {
        let test = tested(audit(&log, &question(), test));
        assert!((test.p.unwrap() / expected - 1.0).abs() < 1e-12);
        assert_eq!(test.statistic, None);
    }
}

/// A number of impressions, and how many of them show the topic with these chances.
fn seen(next: &mut impl FnMut() -> f64, all: u64, share: f64) -> (u64, u64) {
    ((0..all).filter(|_| next() < share).count() as u64, all)
}

/// Drawn at random, p is that of all assignments but for chance: five standard errors of a binomial.
/// C(16,8) = 12,870 of two samples, 2^14 of pairs, and 2^6 C(9,4) = 8,064 mixed.
#[test]
fn random_assignments_are_a_sample_of_all() {
    let mut next = numbers(5);
    let mut one = |share| {
        let all = 3 + (next() * 9.0) as u64;
        seen(&mut next, all, share)
    };
    let mut nested = Vec::new();
    for _ in 0..8 {
        nested.extend([
            Cluster { a: one(0.45), b: (0, 0), stratum: "x" },
            Cluster { a: (0, 0), b: one(0.3), stratum: "x" },
        ]);
    }
    let crossed: Vec<_> =
        (0..14).map(|_| Cluster { a: one(0.45), b: one(0.35), stratum: "x" }).collect();
    let mixed: Vec<_> = crossed[..6].iter().chain(&nested[..9]).copied().collect();
    for clusters in [nested, crossed, mixed] {
        let log = log(&clusters);
        for compare in [Compare::Value, Compare::Studentised] {
            let all = Permutation { compare, replicates: 20_000, ..Permutation::default() };
            let some = Permutation { replicates: 8_000, seed: 11, ..all };
            let (all, some) =
                (tested(audit(&log, &question(), all)), tested(audit(&log, &question(), some)));
            assert_eq!(all.method, Some(TestMethod::PermutationExact));
            assert_eq!(some.method, Some(TestMethod::Permutation));
            assert_eq!(all.statistic, some.statistic);
            let (p, drawn) = (all.p.unwrap(), some.p.unwrap());
            assert!(p > 0.01 && p < 0.99, "{p} shows nothing");
            assert!((p - drawn).abs() < 5.0 * (p * (1.0 - p) / 8_000.0).sqrt(), "{p} {drawn}");
        }
    }
}

/// The same bits for any order of the rows and any number of threads, and other ones for another
/// seed; in the largest table that is drawn from at random.
#[test]
fn order_and_threads_change_nothing() {
    let mut next = numbers(6);
    let mut clusters = Vec::new();
    for viewer in 0..60 {
        let all = 2 + (next() * 20.0) as u64;
        let one = seen(&mut next, all, 0.3);
        let other = seen(&mut next, 4, 0.25);
        let stratum = if viewer % 3 == 0 { "x" } else { "y" };
        clusters.push(match viewer % 4 {
            0 => Cluster { a: one, b: other, stratum },
            1 => Cluster { a: one, b: (0, 0), stratum },
            _ => Cluster { a: (0, 0), b: one, stratum },
        });
    }
    let mut rows = rows(&clusters);
    let of = |rows: &[Row], threads: usize, seed: u64| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let log = log_of(rows);
        let test = Permutation { replicates: 3_000, seed, ..blocked() };
        pool.install(|| tested(audit(&log, &question(), test)))
    };
    let first = of(&rows, 1, 1);
    assert_eq!(first.method, Some(TestMethod::Permutation));
    assert_eq!(of(&rows, 4, 1), first);
    rows.reverse();
    let third = rows.len() / 3;
    rows.rotate_left(third);
    assert_eq!(of(&rows, 3, 1), first);
    assert_ne!(of(&rows, 3, 2).p, first.p);
}

/// How often the test rejects at 5%, in this many studies.
fn rejections(
    studies: u64,
    test: Permutation,
    study: impl Fn(u64) -> Vec<Cluster<'static>>,
) -> u64 {
    let rejected = |seed: u64| {
        let log = log(&study(seed));
        let test = Permutation { replicates: 199, seed, ..test };
        tested(audit(&log, &question().statistic(Difference), test)).p.unwrap() <= 0.05
    };
    (0..studies).map(|seed| u64::from(rejected(seed))).sum()
}

/// Where the arm changes nothing, 5% of studies are rejected whatever is compared and however the
/// clusters lie, though they differ in size and in what they like: of 600 30, with a standard
/// deviation of 5.3; four of those. With discrete data the test may reject a little less. Where the
/// topic is amplified by half, it rejects in most studies.
#[test]
fn size_and_power() {
    let study = |seed: u64, kind: u64, effect: f64| {
        let mut next = numbers(90_000 + 17 * seed);
        let mut clusters = Vec::new();
        for viewer in 0..40 {
            let like = 0.1 + 0.5 * next();
            let mut sizes = [1.0 + 40.0 * next().powi(3), 1.0 + 20.0 * next()];
            // What a cluster sees could have been in either arm.
            if next() < 0.5 {
                sizes.swap(0, 1);
            }
            let a = seen(&mut next, sizes[0] as u64, like * effect);
            let b = seen(&mut next, sizes[1] as u64, like);
            let (a, b) = match (kind, viewer % 3) {
                (0, 0) | (2, 1) => (a, (0, 0)),
                (0, _) | (2, 2) => ((0, 0), b),
                _ => (a, b),
            };
            clusters.push(Cluster { a, b, stratum: "x" });
        }
        clusters
    };
    for kind in 0..3 {
        for compare in [Compare::Value, Compare::Studentised] {
            let test = Permutation { compare, ..Permutation::default() };
            let size = rejections(600, test, |seed| study(seed, kind, 1.0));
            assert!((9..=51).contains(&size), "{compare:?} rejects {size} of 600, kind {kind}");
            let power = rejections(100, test, |seed| study(seed, kind, 1.6));
            assert!(power > 25, "{compare:?} finds {power} of 100, kind {kind}");
        }
    }
}

/// Arms with the same share, of which the smaller one varies far more: Fisher's null does not hold,
/// equal shares do. Studentised the test rejects 5%; without, several times as many (Chung and Romano
/// 2013). Of 500 studies 25 with a standard deviation of 4.9; five of those, and 1% for 12 clusters
/// being few.
#[test]
fn studentised_tests_equal_shares() {
    let study = |seed: u64| {
        let mut next = numbers(70_000 + 31 * seed);
        let spread = |next: &mut dyn FnMut() -> f64| if next() < 0.5 { 0.05 } else { 0.75 };
        let mut clusters = Vec::new();
        for viewer in 0..60 {
            let all = 8 + (next() * 10.0) as u64;
            if viewer < 12 {
                let share = spread(&mut next);
                clusters.push(Cluster { a: seen(&mut next, all, share), b: (0, 0), stratum: "x" });
            } else {
                clusters.push(Cluster { a: (0, 0), b: seen(&mut next, all, 0.4), stratum: "x" });
            }
        }
        clusters
    };
    let studentised = rejections(500, Permutation::default(), study);
    assert!((5..=54).contains(&studentised), "{studentised} of 500");
    let plain = rejections(500, value(), study);
    assert!(plain > 80, "{plain} of 500");
}

/// Simpson: within each country both arms show the same, but readers of x are mostly in a. Without
/// blocks that looks like amplification; within them it is what chance would do.
#[test]
fn blocks_matter() {
    let mut clusters = Vec::new();
    for n in 0..5 {
        let x = |a, b| Cluster { a, b, stratum: "x" };
        let y = |a, b| Cluster { a, b, stratum: "y" };
        let vary = n % 2;
        clusters.extend([x((7 + vary, 10), (0, 0)), x((7 + vary, 10), (0, 0))]);
        clusters.extend([y((0, 0), (1 + vary, 10)), y((0, 0), (1 + vary, 10))]);
        if n < 2 {
            clusters.extend([x((0, 0), (7 + vary, 10)), y((1 + vary, 10), (0, 0))]);
        }
    }
    let log = log(&clusters);
    let together = tested(audit(&log, &question(), Permutation::default())).p.unwrap();
    let within = tested(audit(&log, &question(), blocked())).p.unwrap();
    assert!(together < 0.01, "{together}");
    assert!(within > 0.3, "{within}");
    // A cluster in a block with nobody of the other arm changes what is seen, not what may change.
    clusters.push(Cluster { a: (0, 0), b: (3, 9), stratum: "only b" });
    let log = self::log(&clusters);
    assert!(tested(audit(&log, &question(), blocked())).p.unwrap() > 0.3);
}

/// With one arm in each block nothing could have been otherwise.
#[test]
fn nothing_to_permute() {
    let mut clusters = vec![in_a(3, 5), in_a(2, 5), in_b(1, 4), in_b(2, 6)];
    clusters[2].stratum = "y";
    clusters[3].stratum = "y";
    let log = log(&clusters);
    assert_eq!(tested(audit(&log, &question(), blocked())).p, Err(NoTest::NothingToPermute));
    assert!(tested(audit(&log, &question(), Permutation::default())).p.is_ok());
}

/// Blocks that are not there, or that a cluster is not in one of, are errors that say what to do.
#[test]
fn blocks_that_are_none() {
    let both = Cluster { a: (1, 3), b: (1, 4), stratum: "x" };
    let mut rows = rows(&[in_a(3, 5), in_a(2, 5), in_b(1, 4), in_b(2, 6), both]);
    let whole = log_of(&rows);
    let error =
        audit(&whole, &question().strata(StratifyBy::Nothing), blocked()).run().unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }), "{error}");
    assert!(error.to_string().contains("TallySpec::strata"), "{error}");
    // A cluster of both arms is a block by itself, wherever its impressions are.
    rows.last_mut().unwrap().3 = "y".to_owned();
    assert!(tested(audit(&log_of(&rows), &question(), blocked())).p.is_ok());
    rows[1].3 = "y".to_owned();
    let error = audit(&log_of(&rows), &question(), blocked()).run().unwrap_err();
    let Error::ClusterInTwoBlocks { cluster, first, second } = &error else { panic!("{error}") };
    assert_eq!(*cluster, ClusterKey::of("v0"));
    assert_eq!((first.as_str(), second.as_str()), ("x", "y"));
    assert!(error.to_string().contains("Blocks::Together"), "{error}");
}

/// One cluster in an arm has no standard error, but it could have been any of the six: the value of
/// 3/4 is the greatest of them and none is as far below. Closed form: 1/6.
#[test]
fn an_arm_of_one_cluster() {
    let mut clusters: Vec<_> = (0..5).map(|n| in_b(n % 3, 4)).collect();
    clusters.push(in_a(3, 4));
    let log = log(&clusters);
    assert_eq!(
        tested(audit(&log, &question(), Permutation::default())).p,
        Err(NoTest::SingleCluster)
    );
    assert_eq!(tested(audit(&log, &question().statistic(Difference), value())).p, Ok(1.0 / 6.0));
}

/// What cannot be tested says why.
#[test]
fn reasons() {
    let with_topic = rows(&[in_a(3, 5), in_a(2, 5), in_b(1, 4), in_b(2, 6)]);
    let known = log_of(&with_topic);
    assert_eq!(
        tested(audit(&known, &question().statistic(TreatmentShare), value())).p,
        Err(NoTest::NothingCompared)
    );
    assert_eq!(
        tested(audit(&known, &question().statistic(Lopsided), value())).p,
        Err(NoTest::UnpairedTotals)
    );
    // The topic exists, in an arm that is not compared.
    let elsewhere = (99, "c", true, "x".to_owned());
    let mut nowhere = rows(&[in_a(0, 5), in_a(0, 5), in_b(0, 4), in_b(0, 6)]);
    nowhere.push(elsewhere);
    let nowhere = log_of(&nowhere);
    assert_eq!(tested(audit(&nowhere, &question(), value())).p, Err(NoTest::UndefinedValue));
    // A difference of 0 is as near to the null as can be, and all assignments are as far.
    assert_eq!(tested(audit(&nowhere, &question().statistic(Difference), value())).p, Ok(1.0));
    assert_eq!(
        tested(audit(&nowhere, &question().statistic(Difference), Permutation::default())).p,
        Ok(1.0)
    );
    let few = Permutation { replicates: 1, ..value() };
    assert!(matches!(
        audit(&known, &question(), few).run(),
        Err(Error::Parameter { parameter: "replicates", .. })
    ));
}

/// The share of the treatment against all of the baseline: totals without counterparts.
#[derive(Debug)]
struct Lopsided;

impl Statistic for Lopsided {
    fn name(&self) -> &'static str {
        "lopsided"
    }

    fn phrase(&self) -> &'static str {
        "the topic in one arm over all of the other"
    }

    fn cells(&self, _: usize) -> Vec<Cell> {
        vec![
            Cell::over_all(Side::Treatment, Quantity::Topic),
            Cell::over_all(Side::Baseline, Quantity::All),
        ]
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        Working::Finite(totals[0] / totals[1])
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        vec![1.0 / totals[1], -totals[0] / totals[1].powi(2)]
    }
}

/// The difference of shares within the first stratum, undefined where an arm has none of it.
#[derive(Debug)]
struct InFirstStratum;

impl Statistic for InFirstStratum {
    fn name(&self) -> &'static str {
        "in_first_stratum"
    }

    fn phrase(&self) -> &'static str {
        "the difference of shares in the first stratum"
    }

    fn cells(&self, _: usize) -> Vec<Cell> {
        Cell::TWO_ARMS.map(|cell| Cell { over: Over::Stratum(0), ..cell }).to_vec()
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        if totals[1] > 0.0 && totals[3] > 0.0 {
            Difference.value(totals)
        } else {
            Working::Undefined(Undefined::NoBaselineMass)
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        Difference.gradient(totals)
    }
}

/// Totals of a stratum move with their clusters. Of the C(6,3) = 20 assignments 2 leave an arm
/// without the first stratum's three clusters: undefined, counted as beyond, and said. The others
/// are one of these three against the other two: 3 choices, in 3 x 2 ways each. With shares of 0.9 in a
/// and of 0.1 and 0.2 in b, only the choice that happened is as far: p = (6 + 2) / 20.
#[test]
fn totals_of_a_stratum() {
    let mut clusters =
        vec![in_a(9, 10), in_b(1, 10), in_b(2, 10), in_a(1, 9), in_a(2, 9), in_b(3, 9)];
    clusters[3..].iter_mut().for_each(|cluster| cluster.stratum = "y");
    let log = log(&clusters);
    let estimate = estimate(audit(&log, &question().statistic(InFirstStratum), value()));
    assert_eq!(estimate.test.unwrap().p, Ok(8.0 / 20.0));
    let warning = Warning::PermutationsWithoutValue { undefined: 2, of: 20 };
    assert!(estimate.warnings.contains(&warning), "{:?}", estimate.warnings);
    // Within blocks 3 x 3 assignments, of which 3 have the first stratum as it is; none is undefined.
    let blocked = Permutation { blocks: Blocks::Strata, ..value() };
    let estimate = self::estimate(audit(&log, &question().statistic(InFirstStratum), blocked));
    assert_eq!(estimate.test.unwrap().p, Ok(3.0 / 9.0));
    assert!(
        !estimate.warnings.iter().any(|w| matches!(w, Warning::PermutationsWithoutValue { .. }))
    );
}

/// The studentised distance of the log itself is the delta method's, and swapping treatment and
/// baseline changes its sign alone: in a design that is symmetric in the arms, p is the same.
#[test]
fn the_delta_methods_distance() {
    let nested = [in_a(3, 5), in_a(2, 7), in_a(4, 6), in_b(1, 4), in_b(2, 9), in_b(1, 8)];
    let mut crossed = nested;
    for (at, cluster) in crossed.iter_mut().enumerate().take(4) {
        (cluster.a, cluster.b) = ((1 + at as u64, 6), (1, 5 + at as u64));
    }
    for clusters in [nested, crossed] {
        let log = log(&clusters);
        let run = |treatment: &str, baseline: &str| {
            let question =
                Question::between(treatment, baseline).topics(["war"]).statistic(OddsRatio);
            let audit = audit(&log, &question, Permutation::default());
            estimate(audit.interval(Interval::Delta(Delta::default())))
        };
        let (there, back) = (run("a", "b"), run("b", "a"));
        let distance = there.value.number().unwrap().ln() / there.standard_error.unwrap();
        let tested = there.test.unwrap();
        assert!((tested.statistic.unwrap() / distance - 1.0).abs() < 1e-12);
        assert!((back.test.unwrap().statistic.unwrap() / distance + 1.0).abs() < 1e-12);
        assert_eq!(tested.p, back.test.unwrap().p);
    }
}
