//! The Cochran-Mantel-Haenszel test: numpy and scipy, statsmodels' tables, sizes under a known null.

use tiltmeter::inference::{CmhErrors, CmhTest, Continuity, DeltaTest, Test};
use tiltmeter::statistic::{
    AmplificationRatio, CompositionEffect, MantelHaenszelRatio, RateEffect, StandardisedRatio,
    Statistic, TreatmentShare,
};
use tiltmeter::{Attention, Error, ExposureLog, NoTest, Question, TestMethod, TestResult, Unit};

use crate::standardised::{
    Row, audit, cmh, first, golden, log, near, null_study, question, rows_of, shared,
};

/// The test with either error, corrected and not: numpy and scipy, to 1e-9.
#[test]
fn tests_are_those_of_scipy() {
    for case in golden()["cases"].as_array().unwrap() {
        let (log, expected) = (log(&rows_of(case)), &case["cmh"]);
        let check = |tested: TestResult, ending: &str, used| {
            assert_eq!(tested.method, Some(used));
            let statistic = tested.statistic.unwrap();
            near(statistic, &expected[format!("statistic{ending}")], 1e-9, ending);
            near(tested.p.unwrap(), &expected[format!("p{ending}")], 1e-9, ending);
        };
        let independent = |correction| cmh(&log, correction, CmhErrors::Independent);
        check(independent(Continuity::None), "", TestMethod::CochranMantelHaenszel);
        let corrected = independent(Continuity::Half);
        check(corrected, "_corrected", TestMethod::CochranMantelHaenszelCorrected);
        let clustered = cmh(&log, Continuity::None, CmhErrors::Clustered);
        check(clustered, "_clustered", TestMethod::CochranMantelHaenszelClustered);
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

/// How often of `studies` tests reject at 5%: with clustered errors, with independent ones; and the delta
/// method's tests of the crude ratio and of the Mantel-Haenszel ratio.
fn rejections(studies: u64, each: usize, alike: f64) -> [f64; 4] {
    let mut rejected = [0.0; 4];
    for seed in 0..studies {
        let log = null_study(seed, each, alike);
        let delta = Test::Delta(DeltaTest::default());
        let tests = [
            cmh(&log, Continuity::None, CmhErrors::Clustered),
            cmh(&log, Continuity::None, CmhErrors::Independent),
            first(audit(&log, &question().statistic(AmplificationRatio)).test(delta)).test.unwrap(),
            first(audit(&log, &question().statistic(MantelHaenszelRatio)).test(delta))
                .test
                .unwrap(),
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
    fn beside(log: &ExposureLog, statistic: impl Statistic + 'static) -> TestResult {
        let test = Test::CochranMantelHaenszel(CmhTest::default());
        first(audit(log, &question().statistic(statistic)).test(test)).test.unwrap()
    }
    let p = beside(&log, MantelHaenszelRatio).p.unwrap();
    assert_eq!(beside(&log, StandardisedRatio::BOTH).p, Ok(p));
    assert_eq!(beside(&log, RateEffect).p, Ok(p));
    assert_eq!(beside(&log, AmplificationRatio).p, Ok(p));
    assert_eq!(beside(&log, CompositionEffect).p, Err(NoTest::NotOfAmplification));
    assert_eq!(beside(&log, TreatmentShare).p, Err(NoTest::NothingCompared));

    // Weighed impressions, and means of clusters, are not counts; clusters vary all the same.
    let of = |errors, question: &Question| {
        let test = Test::CochranMantelHaenszel(CmhTest { errors, ..CmhTest::default() });
        first(audit(&log, question).test(test)).test.unwrap().p
    };
    let common = || question().statistic(MantelHaenszelRatio);
    for changed in [common().attention(Attention::Logarithmic), common().unit(Unit::ClusterMean)] {
        let independent = of(CmhErrors::Independent, &changed);
        assert_eq!(independent, Err(NoTest::NotCountsOfImpressions));
        assert!(of(CmhErrors::Clustered, &changed).is_ok());
    }
    let half = CmhTest { correction: Continuity::Half, ..CmhTest::default() };
    let refused =
        audit(&log, &question()).test(Test::CochranMantelHaenszel(half)).run().unwrap_err();
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
        let apart = first(
            audit(&log_with(true, &[]), &question().statistic(AmplificationRatio)).test(test),
        );
        assert_eq!(apart.test.unwrap().p, Err(NoTest::NoStratumInBothArms));
    }
}
