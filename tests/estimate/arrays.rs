//! What stands behind intervals, as arrays: held against the standard errors that reports give.

use tiltmeter::inference::{Bootstrap, Contributions, Delta, Query, TopicQuestion, replicates};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::statistic::{AmplificationRatio, Difference, Statistic};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Audit, ExposureLog, Interval, Question};

fn log() -> ExposureLog {
    let schema =
        LogSchema::new().viewer("viewer_id").arm("feed").topics(TopicColumn::json("topics"));
    ExposureLog::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data/feed.csv"), &schema).unwrap()
}

fn question() -> Question {
    Question::between("ranked", "chronological").topics(["politics"])
}

/// The delta method's standard error is that of the influences, with `G/(G-1)` in each arm: by hand, of an
/// audit whose arms share no viewer.
#[test]
fn influences_are_behind_the_delta_method() {
    let log = log();
    for statistic in [&AmplificationRatio as &'static dyn Statistic, &Difference] {
        let asked = question().statistic(statistic);
        let tally = Tally::of(&log, &TallySpec::default()).unwrap();
        let of = TopicQuestion::of(&asked, "politics").unwrap();
        let contributions = Contributions::of(&tally, &of, statistic).unwrap();
        let influences = contributions.influences(statistic).unwrap();
        let variance: f64 = influences
            .columns()
            .into_iter()
            .map(|arm| {
                let clusters = arm.iter().filter(|its| **its != 0.0).count() as f64;
                clusters / (clusters - 1.0) * arm.iter().map(|its| its * its).sum::<f64>()
            })
            .sum();
        let interval = Interval::Delta(Delta::default());
        let report = Audit::of(&log, &asked).interval(interval).run().unwrap();
        let error = report.estimates()[0].standard_error.unwrap();
        assert!((variance.sqrt() / error - 1.0).abs() < 1e-12, "{} for {error}", variance.sqrt());
    }
}

/// The bootstrap's standard error is the standard deviation of the replicates' logarithms.
#[test]
fn replicates_are_behind_the_bootstrap() {
    let log = log();
    let bootstrap = Bootstrap { replicates: 500, seed: 3, ..Bootstrap::default() };
    let report =
        Audit::of(&log, &question()).interval(Interval::Bootstrap(bootstrap)).run().unwrap();
    let asked = question();
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let of = TopicQuestion::of(&asked, "politics").unwrap();
    let asked = [Query { question: of, statistic: &AmplificationRatio }];
    let drawn = replicates(&tally, &asked, &bootstrap).unwrap();
    let logs: Vec<f64> = drawn.column(0).iter().map(|its| its.unwrap().ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let squares: f64 = logs.iter().map(|its| (its - mean).powi(2)).sum();
    let deviation = (squares / (logs.len() - 1) as f64).sqrt();
    let error = report.estimates()[0].standard_error.unwrap();
    assert!((deviation / error - 1.0).abs() < 1e-9, "{deviation} for {error}");
}
