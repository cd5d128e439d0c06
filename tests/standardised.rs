//! Shares standardised to a population, the Mantel-Haenszel difference and the Cochran-Mantel-Haenszel
//! test: numpy and scipy, statsmodels' tables, closed forms, sizes under a known null.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod shared;

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::inference::{CmhErrors, CmhTest, Continuity, Delta, Multiplicity, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::simulate::{Contrast, Preset, SimulationConfig, Truth, TruthSpec};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, BaselineShare, CompositionEffect, Difference, MantelHaenszelDifference,
    MantelHaenszelOddsRatio, MantelHaenszelRatio, OddsRatio, RateEffect, Side, StandardPopulation,
    StandardisedDifference, StandardisedRatio, Statistic, TreatmentShare, TwoArms, Undefined,
    Working,
};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec};
use tiltmeter::{
    Attention, Audit, Baseline, Error, Estimate, ExposureLog, Interval, NoTest, TestUsed, Tested,
    Unit, Value, Warning,
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

fn audit(log: &ExposureLog) -> Audit<'_> {
    let audit = Audit::of(log).treatment("a").baseline(Baseline::arm("b")).topics(["war"]);
    audit.interval(Interval::Delta(Delta::default()))
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().expect("both arms and the topic are there").estimates()[0].clone()
}

fn cmh(log: &ExposureLog, correction: Continuity, errors: CmhErrors) -> Tested {
    let test = Test::CochranMantelHaenszel(CmhTest { correction, errors });
    first(audit(log).statistic(MantelHaenszelRatio).test(test)).test.unwrap()
}

fn near(ours: f64, theirs: &Json, tolerance: f64, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    let error = (ours - theirs).abs();
    assert!(error <= tolerance * theirs.abs().max(1e-3), "{what}: {ours} for {theirs}");
}

/// What `make_standardised.py` found.
fn golden() -> Json {
    serde_json::from_str(include_str!("golden/standardised.json")).unwrap()
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

/// Values, clustered and naive errors and degrees of freedom, of nested and crossed clusters, some of
/// them in two strata: numpy's with derivatives by complex steps, to 1e-9.
#[test]
fn estimates_are_those_of_numpy() {
    use tiltmeter::inference::{Question, estimate};
    let golden = golden();
    let population = declared(&golden);
    let baseline = Baseline::arm("b");
    for case in golden["cases"].as_array().unwrap() {
        let spec = TallySpec { strata: StratifyBy::Stratum, ..TallySpec::default() };
        let tally = Tally::of(&log(&rows_of(case)), &spec).unwrap();
        let question = Question {
            topic: "war",
            treatment: "a",
            baseline: &baseline,
            unit: Unit::Pooled,
            denominator: tiltmeter::Denominator::AllImpressions,
            attention: &Attention::Uniform,
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

/// The test with either error, corrected and not: numpy and scipy, to 1e-9.
#[test]
fn tests_are_those_of_scipy() {
    for case in golden()["cases"].as_array().unwrap() {
        let (log, expected) = (log(&rows_of(case)), &case["cmh"]);
        let check = |tested: Tested, ending: &str, used| {
            assert_eq!(tested.method, Some(used));
            let statistic = tested.statistic.unwrap();
            near(statistic, &expected[format!("statistic{ending}")], 1e-9, ending);
            near(tested.p.unwrap(), &expected[format!("p{ending}")], 1e-9, ending);
        };
        let independent = |correction| cmh(&log, correction, CmhErrors::Independent);
        check(independent(Continuity::None), "", TestUsed::CochranMantelHaenszel);
        let corrected = independent(Continuity::Half);
        check(corrected, "_corrected", TestUsed::CochranMantelHaenszelCorrected);
        let clustered = cmh(&log, Continuity::None, CmhErrors::Clustered);
        check(clustered, "_clustered", TestUsed::CochranMantelHaenszelClustered);
        near(clustered.degrees_of_freedom.unwrap(), &expected["degrees_clustered"], 1e-9, "F");
    }
}

/// The textbook's test is statsmodels', on its tables.
#[test]
fn tables_of_statsmodels() {
    let Some(golden) = shared::golden("stratified") else { return };
    for case in golden["cases"].as_array().unwrap() {
        let tables: Vec<[[usize; 2]; 2]> = serde_json::from_value(case["tables"].clone()).unwrap();
        let mut rows = Vec::new();
        for (stratum, table) in tables.iter().enumerate() {
            for (arm, counts) in ["a", "b"].into_iter().zip(table) {
                for at in 0..counts[0] + counts[1] {
                    rows.push((rows.len() as i64, arm, format!("s{stratum}"), at < counts[0]));
                }
            }
        }
        let log = log(&rows);
        let tested = cmh(&log, Continuity::None, CmhErrors::Independent);
        near(tested.statistic.unwrap(), &case["cmh_statistic"], 1e-9, "statistic");
        let (p, expected) = (tested.p.unwrap(), case["cmh_p"].as_f64().unwrap());
        // The normal's tail is known to eight digits at 1e-8.
        assert!((p / expected - 1.0).abs() < 1e-8, "{p} for {expected}");
        // With a cluster for each impression both variances are of the same thing.
        let clustered = cmh(&log, Continuity::None, CmhErrors::Clustered).statistic.unwrap();
        let ratio = clustered / tested.statistic.unwrap();
        assert!((0.8..1.25).contains(&ratio), "{ratio}");
    }
}

/// Numbers that look random.
fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) as f64 / u64::MAX as f64
    }
}

/// How many clusters there are in the treatment and the baseline of each of three strata.
const SPREAD: [[usize; 2]; 3] = [[18, 6], [12, 12], [6, 18]];

/// Arms alike within strata and spread differently over them: 36 clusters in each arm, of `each`
/// impressions. An impression of a cluster shows what its first one did with probability `alike`.
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

/// How often of `studies` tests reject at 5%: with clustered errors, with independent ones; and the delta
/// method's tests of the crude ratio and of the Mantel-Haenszel ratio.
fn rejections(studies: u64, each: usize, alike: f64) -> [f64; 4] {
    let mut rejected = [0.0; 4];
    for seed in 0..studies {
        let log = null_study(seed, each, alike);
        let delta = Test::Delta(tiltmeter::inference::DeltaTest::default());
        let tests = [
            cmh(&log, Continuity::None, CmhErrors::Clustered),
            cmh(&log, Continuity::None, CmhErrors::Independent),
            first(audit(&log).statistic(AmplificationRatio).test(delta)).test.unwrap(),
            first(audit(&log).statistic(MantelHaenszelRatio).test(delta)).test.unwrap(),
        ];
        for (sum, tested) in rejected.iter_mut().zip(tests) {
            *sum += f64::from(u8::from(tested.p.unwrap() < 0.05));
        }
    }
    rejected.map(|count| count / studies as f64)
}

/// A true null: the clustered test rejects 5% of studies, four binomial errors to either side; that of
/// independent impressions far more where a cluster's are alike (a correlation of 0.2: a variance of 1 +
/// 19 x 0.2 = 4.8 times as much, so that it rejects where a normal is beyond 0.89: 37%). The crude ratio
/// is another matter: arms are spread otherwise over strata, and it differs from 1.
#[test]
fn sizes_under_the_null() {
    const STUDIES: u64 = 2_000;
    let error = |size: f64| 4.0 * (size * (1.0 - size) / STUDIES as f64).sqrt();
    // The correlation of two impressions is the chance that both do as the cluster's taste.
    let [clustered, independent, crude, delta] = rejections(STUDIES, 20, 0.2_f64.sqrt());
    assert!((clustered - 0.05).abs() < error(0.05), "{clustered}");
    assert!((independent - 0.37).abs() < error(0.37), "{independent}");
    assert!(crude > 0.3, "{crude}");
    println!(
        "correlated: clustered {clustered}, independent {independent}, crude {crude}, delta {delta}"
    );

    // One impression of a cluster: independent ones, and both are right.
    let [clustered, independent, ..] = rejections(STUDIES, 1, 0.0);
    println!("independent: clustered {clustered}, independent {independent}");
    assert!((clustered - 0.05).abs() < error(0.05), "{clustered}");
    assert!((independent - 0.05).abs() < error(0.05), "{independent}");
}

/// Beside what the test is answered, and why not beside the rest.
#[test]
fn what_the_test_is_of() {
    let log = null_study(1, 5, 0.3);
    fn beside(log: &ExposureLog, statistic: impl Statistic + 'static) -> Tested {
        let test = Test::CochranMantelHaenszel(CmhTest::default());
        first(audit(log).statistic(statistic).test(test)).test.unwrap()
    }
    let p = beside(&log, MantelHaenszelRatio).p.unwrap();
    assert_eq!(beside(&log, StandardisedRatio::BOTH).p, Ok(p));
    assert_eq!(beside(&log, RateEffect).p, Ok(p));
    assert_eq!(beside(&log, AmplificationRatio).p, Ok(p));
    assert_eq!(beside(&log, CompositionEffect).p, Err(NoTest::NotOfAmplification));
    assert_eq!(beside(&log, TreatmentShare).p, Err(NoTest::NothingCompared));

    // Weighed impressions, and means of clusters, are not counts; clusters vary all the same.
    let of = |errors, change: fn(Audit<'_>) -> Audit<'_>| {
        let test = Test::CochranMantelHaenszel(CmhTest { errors, ..CmhTest::default() });
        first(change(audit(&log).statistic(MantelHaenszelRatio)).test(test)).test.unwrap().p
    };
    let changes: [fn(Audit<'_>) -> Audit<'_>; 2] =
        [|audit| audit.attention(Attention::Logarithmic), |audit| audit.unit(Unit::ClusterMean)];
    for change in changes {
        let independent = of(CmhErrors::Independent, change);
        assert_eq!(independent, Err(NoTest::NotCountsOfImpressions));
        assert!(of(CmhErrors::Clustered, change).is_ok());
    }
    let half = CmhTest { correction: Continuity::Half, ..CmhTest::default() };
    let refused = audit(&log).test(Test::CochranMantelHaenszel(half)).run().unwrap_err();
    assert!(matches!(refused, Error::Parameter { .. }), "{refused}");
}

/// Strata of one arm add nothing, nor do their clusters; without a common one there is no test.
#[test]
fn strata_of_one_arm() {
    let log_with = |more: bool, keep: &[&str]| {
        let extra = (0..40).map(|at| (1_000 + at, "a", "only here".to_owned(), at % 3 == 0));
        let mut rows: Vec<Row> = Vec::new();
        for cluster in 0..24_i64 {
            let arm = if cluster % 2 == 0 { "a" } else { "b" };
            let stratum = format!("s{arm}{}", (cluster / 2) % 2);
            let common = format!("s{}", (cluster / 2) % 2);
            let stratum = if keep.is_empty() { stratum } else { common };
            rows.extend((0..6).map(|at| (cluster, arm, stratum.clone(), at * cluster % 7 < 2)));
        }
        rows.extend(extra.filter(|_| more));
        log(&rows)
    };
    for errors in [CmhErrors::Clustered, CmhErrors::Independent] {
        let common = |more| cmh(&log_with(more, &["common"]), Continuity::None, errors);
        assert!(common(false).p.is_ok());
        assert_eq!(common(true), common(false));
        // Beside a crude statistic, which has a value without a common stratum.
        let test = Test::CochranMantelHaenszel(CmhTest { errors, ..CmhTest::default() });
        let apart = first(audit(&log_with(true, &[])).statistic(AmplificationRatio).test(test));
        assert_eq!(apart.test.unwrap().p, Err(NoTest::NoStratumInBothArms));
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
                let audit = audit(log).interval(interval);
                first(match of {
                    0 => audit.statistic(MantelHaenszelRatio),
                    _ => audit.statistic(population(log)),
                })
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

/// A stratum that the population has and one arm has not: the value is a state, unless its part is 0.
#[test]
fn strata_that_are_not_known() {
    // Strata x (both arms), y (treatment only), z (neither; of a third arm).
    let totals = [3.0, 10.0, 2.0, 10.0, 1.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let of = |parts: [f64; 3]| {
        let population = StandardPopulation::declared(["x", "y", "z"].into_iter().zip(parts));
        StandardisedDifference { population }.value(&totals)
    };
    let undefined = |of: Working| match of {
        Working::Undefined(reason) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(of([2.0, 0.0, 0.0]), Working::Finite(0.3 - 0.2));
    assert_eq!(undefined(of([1.0, 1.0, 0.0])), Undefined::StratumInOneArm);
    assert_eq!(undefined(of([1.0, 0.0, 1.0])), Undefined::StratumInNeitherArm);
    assert_eq!(of_population(StandardPopulation::Baseline, &totals), Working::Finite(0.3 - 0.2));
    for population in [StandardPopulation::Treatment, StandardPopulation::Both] {
        let reason = undefined(of_population(population, &totals));
        assert_eq!(reason, Undefined::StratumInOneArm);
    }
    // Zero shares are the ends of the ratio's scale.
    let ratio = |a: f64, c: f64| StandardisedRatio::BOTH.value(&[a, 10.0, c, 10.0]);
    assert_eq!(ratio(0.0, 1.0), Working::Below);
    assert_eq!(ratio(1.0, 0.0), Working::Above);
    assert_eq!(undefined(ratio(0.0, 0.0)), Undefined::TopicInNeitherArm);
}

fn of_population(population: StandardPopulation, totals: &[f64]) -> Working {
    StandardisedDifference { population }.value(totals)
}

/// A declared population must be of the log's strata, and of the simulation's; errors name what is not.
#[test]
fn declared_strata_are_checked() {
    let log = null_study(2, 3, 0.0);
    let run = |parts: &[(&str, f64)]| {
        let population = StandardPopulation::declared(parts.iter().copied());
        audit(&log).statistic(StandardisedRatio { population }).run()
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
        let statistic: &'static StandardisedRatio =
            Box::leak(Box::new(StandardisedRatio { population }));
        let contrast =
            Contrast { statistics: vec![statistic], ..Contrast::between("treatment", "baseline") };
        let mut config = config.clone();
        (config.world.viewers, config.days) = (20, 1);
        Truth::of(&config, &TruthSpec { replicates: 2, ..TruthSpec::of(contrast) })
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
    let audit = audit(&log).statistic(of(1.0)).statistic(of(9.0)).test(test);
    let report = audit.multiplicity(Multiplicity::Holm).run().unwrap();
    let [even, other] = [of(1.0), of(9.0)].map(|s| report.estimate(&s, "war").unwrap());
    assert_ne!(even.value, other.value);
    // One topic each: nothing to adjust for.
    assert_eq!(even.test.unwrap().p_adjusted, even.test.unwrap().p.ok());
    assert!(report.estimate(&of(2.0), "war").is_none());
}

fn totals_of(strata: &[(u32, u32, u32, u32)]) -> Vec<f64> {
    let of_stratum = |&(a, b, c, d): &(u32, u32, u32, u32)| [a, a + b, c, c + d].map(f64::from);
    strata.iter().flat_map(of_stratum).collect()
}

fn finite(statistic: &dyn Statistic, totals: &[f64]) -> f64 {
    match statistic.value(totals) {
        Working::Finite(value) => value,
        other => panic!("{statistic:?} is {other:?}"),
    }
}

fn populations(names: usize) -> [StandardPopulation; 4] {
    let declared = (0..names).map(|at| (format!("s{at}"), 1.0 + at as f64));
    [
        StandardPopulation::Treatment,
        StandardPopulation::Baseline,
        StandardPopulation::Both,
        StandardPopulation::declared(declared),
    ]
}

proptest! {
    /// With one stratum all that is adjusted is what it adjusts.
    #[test]
    fn one_stratum_is_crude(cell in (1..50_u32, 1..50_u32, 1..50_u32, 1..50_u32)) {
        let totals = totals_of(&[cell]);
        let same = |adjusted: &dyn Statistic, crude: &dyn Statistic| {
            let (ours, theirs) = (finite(adjusted, &totals), finite(crude, &totals));
            prop_assert!((ours - theirs).abs() < 1e-12, "{adjusted:?}: {ours} for {theirs}");
            for (mine, its) in adjusted.gradient(&totals).iter().zip(crude.gradient(&totals)) {
                prop_assert!((mine - its).abs() < 1e-12, "{adjusted:?}: {mine} for {its}");
            }
            Ok(())
        };
        same(&MantelHaenszelRatio, &AmplificationRatio)?;
        same(&MantelHaenszelOddsRatio, &OddsRatio)?;
        same(&MantelHaenszelDifference, &Difference)?;
        for population in populations(1) {
            same(&StandardisedRatio { population: population.clone() }, &AmplificationRatio)?;
            same(&StandardisedDifference { population }, &Difference)?;
        }
    }

    /// An arm's own spread gives back its crude share: declared, and as the population of that arm.
    #[test]
    fn an_arms_own_spread(
        strata in prop::collection::vec((1..50_u32, 1..50_u32, 1..50_u32, 1..50_u32), 1..6)
    ) {
        let totals = totals_of(&strata);
        let sums = totals.chunks(4).fold([0.0; 4], |sums: [f64; 4], t| {
            [sums[0] + t[0], sums[1] + t[1], sums[2] + t[2], sums[3] + t[3]]
        });
        let (treatment, baseline) = TwoArms::from_totals(&sums).shares().unwrap();
        // The other arm with nothing of the topic leaves the share of the one.
        let share = |population: StandardPopulation, silent: usize| {
            let mut totals = totals.clone();
            totals.chunks_mut(4).for_each(|t| t[silent] = 0.0);
            finite(&StandardisedDifference { population }, &totals)
        };
        let own = |all: usize| {
            let parts = totals.chunks(4).enumerate().map(|(at, t)| (format!("s{at}"), t[all]));
            StandardPopulation::declared(parts)
        };
        for population in [StandardPopulation::Treatment, own(1)] {
            prop_assert!((share(population, 2) - treatment).abs() < 1e-12);
        }
        for population in [StandardPopulation::Baseline, own(3)] {
            prop_assert!((share(population, 0) + baseline).abs() < 1e-12);
        }
        // Treatment's spread leaves the baseline's share at what the rates say, and the parts of Kitagawa
        // are means of both ways: composition and rates add up to what the populations say.
        let [first, second] = [StandardPopulation::Treatment, StandardPopulation::Baseline]
            .map(|population| finite(&StandardisedDifference { population }, &totals));
        prop_assert!(((first + second) / 2.0 - finite(&RateEffect, &totals)).abs() < 1e-12);
    }

    /// Arms alike within strata are alike under every population, and have no excess.
    #[test]
    fn no_amplification_is_none(
        strata in prop::collection::vec((1..20_u32, 1..20_u32, 1..9_u32, 1..9_u32), 1..6)
    ) {
        let of_stratum = |&(topic, other, more, less): &(u32, u32, u32, u32)| {
            (topic * more, other * more, topic * less, other * less)
        };
        let totals = totals_of(&strata.iter().map(of_stratum).collect::<Vec<_>>());
        prop_assert!(finite(&MantelHaenszelDifference, &totals).abs() < 1e-12);
        for population in populations(strata.len()) {
            let ratio = StandardisedRatio { population: population.clone() };
            prop_assert!(finite(&ratio, &totals).abs() < 1e-12);
            let difference = finite(&StandardisedDifference { population }, &totals);
            prop_assert!(difference.abs() < 1e-12);
        }
    }
}

/// Reports name them and read them back, their reasons too.
#[test]
fn reports_hold_them() {
    let log = null_study(4, 4, 0.2);
    let test = Test::CochranMantelHaenszel(CmhTest::default());
    let audit = audit(&log).statistic(StandardisedRatio::BOTH).statistic(BaselineShare).test(test);
    let report = audit.run().unwrap();
    let text = report.to_string();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("standardised_ratio_both"), "{words}");
    let tests = "Tests: cluster-robust Cochran-Mantel-Haenszel test of equal shares within strata.";
    assert!(words.contains(tests), "{words}");
    let record = tiltmeter::report::ReportRecord::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(record.estimates[0].test, Some(TestUsed::CochranMantelHaenszelClustered));
    assert!(record.estimates[0].test_degrees_of_freedom > Some(10.0));
    let Value::Estimated(value) = report.estimates()[0].value else { panic!("{text}") };
    assert_eq!(record.estimates[0].value, Some(value));

    let document = include_str!("../docs/report-json.md");
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
