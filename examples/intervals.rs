//! One question, every interval and test: how sure one may be of the same number, by whom one asks.
//! On the log shipped in `data/`, as in the example `audit`.
//!
//! ```text
//! cargo run --example intervals              # topic c3
//! cargo run --example intervals -- c6        # another
//! ```

use std::path::Path;

use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BootstrapWeights, Delta, DeltaTest, Equivalence, Jackknife,
    Multiplicity, Permutation, Quantile, ReplicateErrors, Simultaneous, Test, WildBootstrap,
    WildTest,
};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::{Audit, ClusterBy, Error, Estimate, ExposureLog, Interval, Keep, Question};

fn main() -> Result<(), Error> {
    let topic = std::env::args().nth(1).unwrap_or_else(|| "c3".to_owned());
    print(&topic, &found(&topic)?);
    Ok(())
}

/// The estimate of the topic by each way to express doubt.
struct Found {
    naive: Option<tiltmeter::ConfidenceInterval>,
    intervals: Vec<Estimate>,
    tests: Vec<Estimate>,
}

fn found(topic: &str) -> Result<Found, Error> {
    let log = log()?;
    let question = Question::between("bts", "random").cluster(ClusterBy::column("hour"));
    let audit = || Audit::of(&log, &question);
    let of_topic = |audit: Audit<'_>| -> Result<Estimate, Error> {
        let report = audit.run()?;
        let found = report.estimates().iter().find(|e| e.estimand.topic == topic);
        found.cloned().ok_or_else(|| Error::UnknownTopic {
            topic: topic.to_owned(),
            available: report.estimates().iter().map(|e| e.estimand.topic.clone()).collect(),
        })
    };
    let mut intervals = Vec::new();
    for interval in intervals_to_show() {
        intervals.push(of_topic(audit().interval(interval))?);
    }
    // To speak of other items than these, which were on offer, is to cluster by them as well.
    let by_items_too = question.clone().second_cluster(ClusterBy::Item);
    intervals.push(of_topic(Audit::of(&log, &by_items_too))?);
    let mut tests = Vec::new();
    for test in tests_to_show() {
        tests.push(of_topic(audit().test(test).multiplicity(Multiplicity::Holm))?);
    }
    let naive = intervals[0].naive.map(|naive| naive.interval);
    Ok(Found { naive, intervals, tests })
}

fn intervals_to_show() -> Vec<Interval> {
    use BootstrapKind::{Bca, Percentile, Studentised};
    let bootstrap = |kind| Interval::Bootstrap(Bootstrap { kind, ..Bootstrap::default() });
    let multinomial = Bootstrap { weights: BootstrapWeights::Multinomial, ..Bootstrap::default() };
    let each = Simultaneous { errors: ReplicateErrors::Each, ..Simultaneous::default() };
    vec![
        Interval::default(),
        Interval::Delta(Delta { quantile: Quantile::Normal, ..Delta::default() }),
        Interval::Jackknife(Jackknife::default()),
        bootstrap(Percentile),
        bootstrap(Bca),
        bootstrap(Studentised),
        Interval::Bootstrap(multinomial),
        Interval::WildBootstrap(WildBootstrap::default()),
        Interval::Simultaneous(Simultaneous::default()),
        Interval::Simultaneous(each),
    ]
}

fn tests_to_show() -> Vec<Test> {
    vec![
        Test::Delta(DeltaTest::default()),
        Test::WildBootstrap(WildTest::default()),
        Test::Permutation(Permutation::default()),
        Test::Equivalence(Equivalence { low: 0.9, high: 1.0 / 0.9, ..Equivalence::default() }),
    ]
}

fn print(topic: &str, found: &Found) {
    println!("Topic {topic:?}, {}", found.intervals[0].estimand);
    println!("\nIntervals (95%):");
    if let Some(naive) = found.naive {
        println!("  {:<64} {}", "naive: impressions independent (wrong)", ends(&naive));
    }
    for estimate in &found.intervals {
        let method = estimate.method.map_or_else(String::new, |method| method.to_string());
        match &estimate.interval {
            Ok(interval) => println!("  {method:<64} {}", ends(interval)),
            Err(reason) => println!("  {method:<64} none: {reason}"),
        }
    }
    println!("\nTests: p, and adjusted for all topics by Holm's method:");
    for estimate in &found.tests {
        let Some(test) = estimate.test else {
            continue;
        };
        let method = test.method.map_or_else(String::new, |method| method.to_string());
        match (test.p, test.p_adjusted) {
            (Ok(p), Some(adjusted)) => println!("  {method:<64} {p:.4} {adjusted:.4}"),
            (Ok(p), None) => println!("  {method:<64} {p:.4}"),
            (Err(reason), _) => println!("  {method:<64} none: {reason}"),
        }
    }
}

fn ends(interval: &tiltmeter::ConfidenceInterval) -> String {
    let end = |end: Option<f64>| end.map_or("unbounded".to_owned(), |end| format!("{end:.4}"));
    format!("{} to {}", end(interval.low), end(interval.high))
}

fn log() -> Result<ExposureLog, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/open_bandit_small.csv.gz");
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("topic"))
        .column("hour")
        .column("campaign");
    let log = ExposureLog::open(path, &schema)?;
    log.keep(&Keep::new("campaign", ["all"]))
}
