//! Shares standardised to a population, the Mantel-Haenszel difference and the Cochran-Mantel-Haenszel
//! test: numpy and scipy, statsmodels' tables, closed forms, sizes under a known null.

use crate::shared;
use crate::shared::random::numbers as uniform;

mod cmh;
mod properties;

use serde_json::Value as Json;
use tiltmeter::inference::{CmhErrors, CmhTest, Continuity, Delta, Multiplicity, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::simulate::{Preset, SimulationConfig, Truth, TruthSpec};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    BaselineShare, MantelHaenszelDifference, MantelHaenszelRatio, Side, StandardPopulation,
    StandardisedDifference, StandardisedRatio, Statistic,
};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec};
use tiltmeter::{
    Attention, Audit, Baseline, Error, Estimate, ExposureLog, Interval, Question, TestMethod,
    TestResult, Unit, Value, Warning,
};

/// Impressions of (cluster, arm, stratum, whether of the topic).
type Row = (i64, &'static str, String, bool);

fn log(rows: &[Row]) -> ExposureLog {
    let about = |of_topic: bool| if of_topic { "war" } else { "sport" };
    let source = SliceSource::new("strata")
        .integer("who", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .text("feed", &rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .text("group", &rows.iter().map(|row| row.2.as_str()).collect::<Vec<_>>())
        .text("about", &rows.iter().map(|row| about(row.3)).collect::<Vec<_>>())
        .integer("rank", &rows.iter().map(|row| 1 + row.0 % 3).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("group")
        .position("rank")
        .topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).expect("the columns are whole")
}

fn question() -> Question {
    Question::between("a", "b").topics(["war"])
}

fn audit<'l>(log: &'l ExposureLog, question: &Question) -> Audit<'l> {
    Audit::of(log, question).interval(Interval::Delta(Delta::default()))
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().expect("both arms and the topic are there").estimates()[0].clone()
}

fn cmh(log: &ExposureLog, correction: Continuity, errors: CmhErrors) -> TestResult {
    let test = Test::CochranMantelHaenszel(CmhTest { correction, errors });
    first(audit(log, &question().statistic(MantelHaenszelRatio)).test(test)).test.unwrap()
}

fn near(ours: f64, theirs: &Json, tolerance: f64, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    let error = (ours - theirs).abs();
    assert!(error <= tolerance * theirs.abs().max(1e-3), "{what}: {ours} for {theirs}");
}

/// What `make_standardised.py` found.
fn golden() -> Json {
    serde_json::from_str(include_str!("../../golden/standardised.json")).unwrap()
}

fn rows_of(case: &Json) -> Vec<Row> {
    let sums: Vec<(i64, String, String, usize, usize)> =
        serde_json::from_value(case["rows"].clone()).unwrap();
    let of_cluster =
        |(cluster, arm, stratum, topic, other): (i64, String, String, usize, usize)| {
            let arm = if arm == "a" { "a" } else { "b" };
            (0..topic + other).map(move |at| (cluster, arm, stratum.clone(), at < topic))
        };
    sums.into_iter().flat_map(of_cluster).collect()
}

fn declared(golden: &Json) -> StandardPopulation {
    let parts = golden["declared"].as_object().unwrap();
    StandardPopulation::declared(parts.iter().map(|(name, part)| (name, part.as_f64().unwrap())))
}

fn by_name(name: &str, declared: &StandardPopulation) -> Box<dyn Statistic> {
    let population = || match name.rsplit('_').next() {
        Some("treatment") => StandardPopulation::Treatment,
        Some("baseline") => StandardPopulation::Baseline,
        Some("both") => StandardPopulation::Both,
        _ => declared.clone(),
    };
    match name {
        "mantel_haenszel_difference" => Box::new(MantelHaenszelDifference),
        ratio if ratio.starts_with("standardised_ratio") => {
            Box::new(StandardisedRatio { population: population() })
        }
        _ => Box::new(StandardisedDifference { population: population() }),
    }
}

/// How many clusters there are in the treatment and the baseline of each of three strata.
const SPREAD: [[usize; 2]; 3] = [[18, 6], [12, 12], [6, 18]];

/// Arms alike within strata and spread differently over them: 36 clusters in each arm, of `each`
/// impressions. An impression of a cluster does as the cluster's taste with probability `alike`.
fn null_study(seed: u64, each: usize, alike: f64) -> ExposureLog {
    let mut next = uniform(seed << 24);
    let mut rows = Vec::new();
    let mut cluster = 0;
    for (stratum, (share, counts)) in [0.15, 0.3, 0.5].into_iter().zip(SPREAD).enumerate() {
        for (arm, count) in ["a", "b"].into_iter().zip(counts) {
            for _ in 0..count {
                cluster += 1;
                let taste = next() < share;
                for _ in 0..each {
                    let of_topic = if next() < alike { taste } else { next() < share };
                    rows.push((cluster, arm, format!("s{stratum}"), of_topic));
                }
            }
        }
    }
    log(&rows)
}

/// Values, clustered and naive errors and degrees of freedom, of nested and crossed clusters, some of
/// them in two strata: numpy's with derivatives by complex steps, to 1e-9.
#[test]
fn estimates_are_those_of_numpy() {
    use tiltmeter::inference::{TopicQuestion, estimate};
    let golden = golden();
    let population = declared(&golden);
    let baseline = Baseline::arm("b");
    for case in golden["cases"].as_array().unwrap() {
        let spec = TallySpec { strata: StratifyBy::Stratum, ..TallySpec::default() };
        let tally = Tally::of(&log(&rows_of(case)), &spec).unwrap();
        let question = TopicQuestion {
            topic: "war",
            treatment: "a",
            baseline: &baseline,
            unit: Unit::Pooled,
            denominator: tiltmeter::Denominator::AllImpressions,
            attention: &Attention::Uniform,
            correction: None,
        };
        let statistics = case["statistics"].as_object().unwrap();
        assert!(!statistics.is_empty());
        for (name, expected) in statistics {
            let statistic = by_name(name, &population);
            assert_eq!(statistic.name(), name);
            let delta = Interval::Delta(Delta::default());
            let its = estimate(&tally, &question, &*statistic, delta).unwrap();
            let what = format!("{name}, {}", case["name"]);
            let working = expected["working"].as_f64().unwrap();
            let reported = Json::from(statistic.scale().reported(working));
            near(its.value.number().unwrap(), &reported, 1e-9, &what);
            near(its.standard_error.unwrap(), &expected["standard_error"], 1e-9, &what);
            near(its.degrees_of_freedom.unwrap(), &expected["degrees"], 1e-9, &what);
            near(its.naive.unwrap().standard_error, &expected["naive"], 1e-9, &what);
            if name == "mantel_haenszel_difference" {
                // Sato's error is near that of large strata.
                near(its.naive.unwrap().standard_error, &case["greenland_robins"], 0.03, &what);
            }
        }
    }
}

/// Clusters of strata that one arm has nothing in change neither errors nor degrees of freedom, and the
/// warning of few clusters is of those that count.
#[test]
fn clusters_elsewhere_do_not_count() {
    use tiltmeter::inference::Jackknife;
    let rows = |elsewhere: i64| {
        let common = (0..10_i64).flat_map(|cluster| {
            let arm = if cluster % 2 == 0 { "a" } else { "b" };
            let stratum = format!("s{}", cluster / 2 % 2);
            (0..9).map(move |at| (cluster, arm, stratum.clone(), (at * at + cluster) % 5 < 2))
        });
        let others = (0..elsewhere).flat_map(|cluster| {
            (0..4).map(move |at| (100 + cluster, "a", "only here".to_owned(), at % 3 == 0))
        });
        log(&common.chain(others).collect::<Vec<_>>())
    };
    let population = |log: &ExposureLog| {
        let strata = [("s0", 1.0), ("s1", 3.0), ("only here", 0.0)];
        let there = if log.rows() > 90 { &strata[..] } else { &strata[..2] };
        StandardisedRatio { population: StandardPopulation::declared(there.iter().copied()) }
    };
    let (alone, among) = (rows(0), rows(30));
    let delta = Interval::Delta(Delta::default());
    for interval in [delta, Interval::Jackknife(Jackknife::default()), Interval::default()] {
        for of in [0, 1] {
            let [alone, among] = [&alone, &among].map(|log| {
                let question = match of {
                    0 => question().statistic(MantelHaenszelRatio),
                    _ => question().statistic(population(log)),
                };
                first(audit(log, &question).interval(interval))
            });
            assert!(alone.interval.is_ok());
            let (mine, its) = (among.interval.unwrap(), alone.interval.unwrap());
            assert!((mine.low.unwrap() / its.low.unwrap() - 1.0).abs() < 1e-12);
            assert!((mine.high.unwrap() / its.high.unwrap() - 1.0).abs() < 1e-12);
            assert_eq!(among.degrees_of_freedom, alone.degrees_of_freedom);
            let five = Warning::FewClusters { side: Side::Treatment, clusters: 5 };
            assert!(among.warnings.contains(&five), "{:?}", among.warnings);
            assert_eq!((among.clusters.treatment, alone.clusters.treatment), (35, 5));
        }
    }
}

/// A declared population must be of the log's strata, and of the simulation's; errors name what is not.
#[test]
fn declared_strata_are_checked() {
    let log = null_study(2, 3, 0.0);
    let run = |parts: &[(&str, f64)]| {
        let population = StandardPopulation::declared(parts.iter().copied());
        audit(&log, &question().statistic(StandardisedRatio { population })).run()
    };
    let report = run(&[("s2", 20.0), ("s0", 50.0), ("s1", 30.0)]).unwrap();
    let estimand = &report.estimates()[0].estimand;
    assert!(
        estimand.phrase.ends_with("declared strata (\"s0\" 0.5, \"s1\" 0.3, \"s2\" 0.2)"),
        "{}",
        estimand.phrase
    );
    let error = run(&[("s0", 1.0), ("s1", 1.0), ("south", 1.0)]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("lacks the strata \"s2\" ") && text.contains("\"south\""), "{text}");
    assert!(matches!(
        error,
        Error::StandardStrata { statistic: "standardised_ratio_declared", .. }
    ));
    for parts in [[1.0, -1.0, 1.0], [0.0; 3], [1.0, f64::NAN, 1.0], [f64::MAX; 3]] {
        let named: Vec<_> = ["s0", "s1", "s2"].into_iter().zip(parts).collect();
        assert!(matches!(run(&named), Err(Error::Parameter { .. })), "{parts:?}");
    }

    let config = SimulationConfig::preset(Preset::Election);
    let strata = config.world.strata.iter().map(|stratum| (stratum.name.clone(), 1.0));
    let truth = |population| {
        let question =
            Question::between("treatment", "baseline").statistic(StandardisedRatio { population });
        let mut config = config.clone();
        (config.world.viewers, config.days) = (20, 1);
        Truth::of(&config, &TruthSpec { replicates: 2, ..TruthSpec::of(&question) })
    };
    let error = truth(StandardPopulation::declared([("nowhere", 1.0)])).unwrap_err();
    assert!(matches!(error, Error::StandardStrata { .. }), "{error}");
    assert!(truth(StandardPopulation::declared(strata)).is_ok());
}

/// Two declared populations in one audit are two statistics: found apart, and families apart.
#[test]
fn populations_are_told_apart() {
    let log = null_study(3, 3, 0.2);
    let of = |east: f64| StandardisedRatio {
        population: StandardPopulation::declared([("s0", east), ("s1", 1.0), ("s2", 1.0)]),
    };
    let test = Test::CochranMantelHaenszel(CmhTest::default());
    let audit = audit(&log, &question().statistic(of(1.0)).statistic(of(9.0))).test(test);
    let report = audit.multiplicity(Multiplicity::Holm).run().unwrap();
    let [even, other] = [of(1.0), of(9.0)].map(|s| report.estimate(&s, "war").unwrap());
    assert_ne!(even.value, other.value);
    // One topic each: nothing to adjust for.
    assert_eq!(even.test.unwrap().p_adjusted, even.test.unwrap().p.ok());
    assert!(report.estimate(&of(2.0), "war").is_none());
}

/// Reports name them and read them back, their reasons too.
#[test]
fn reports_hold_them() {
    let log = null_study(4, 4, 0.2);
    let test = Test::CochranMantelHaenszel(CmhTest::default());
    let audit =
        audit(&log, &question().statistic(StandardisedRatio::BOTH).statistic(BaselineShare))
            .test(test);
    let report = audit.run().unwrap();
    let text = report.to_string();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("standardised_ratio_both"), "{words}");
    let tests = "Tests: cluster-robust Cochran-Mantel-Haenszel test of equal shares within strata.";
    assert!(words.contains(tests), "{words}");
    let record = tiltmeter::report::ReportRecord::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(record.estimates[0].test, Some(TestMethod::CochranMantelHaenszelClustered));
    assert!(record.estimates[0].test_degrees_of_freedom > Some(10.0));
    let Value::Estimated(value) = report.estimates()[0].value else { panic!("{text}") };
    assert_eq!(record.estimates[0].value, Some(value));

    let document = include_str!("../../../docs/report-json.md");
    let names = [
        "standardised_ratio_declared",
        "standardised_difference_declared",
        "stratum_in_neither_arm",
        "cochran_mantel_haenszel",
        "cochran_mantel_haenszel_corrected",
        "cochran_mantel_haenszel_clustered",
        "not_counts_of_impressions",
        "not_of_amplification",
    ];
    for name in names {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
}
