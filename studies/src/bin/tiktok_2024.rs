//! The audit of TikTok before the 2024 US election (Ibrahim et al., arXiv 2501.17831), from the
//! raw files as its authors publish them: sock puppets in three states were taught to lean left
//! or right, and what the For You feed then showed them was recorded.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin tiktok_2024 -- FOLDER    # with recommendations.csv and topics.csv
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tiltmeter::log::{
    ItemTopics, ItemTopicsSchema, LogSchema, TimeFormat, TopicColumn, TopicFormat,
};
use tiltmeter::statistic::Difference;
use tiltmeter::{Audit, ClusterBy, Error, Estimate, ExposureLog, Question, Unit, Value};

/// The audit of TikTok before the 2024 US election.
#[derive(Parser)]
struct Options {
    /// With recommendations.csv and topics.csv, as the authors publish them.
    folder: PathBuf,
}

fn main() -> ExitCode {
    if let Err(error) = run(&Options::parse().folder) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(folder: &Path) -> Result<(), Error> {
    let log = read(folder)?;
    let experiments = log.column("experiment")?.dictionary().len();
    println!("{} recommendations, {experiments} experiments\n", log.rows());
    published(&log)?;
    clusters(&log)?;
    topics(folder, log)
}

/// The recommendations, each tagged with the party that its video favours.
fn read(folder: &Path) -> Result<ExposureLog, Error> {
    let party = TopicColumn::single("q3_majority").relabel([
        ("Pro Democrat", "Democrat"),
        ("Anti Republican", "Democrat"),
        ("Pro Republican", "Republican"),
        ("Anti Democrat", "Republican"),
        ("Neutral", "Neutral"),
    ]);
    let schema = LogSchema::new()
        .arm("leaning")
        .viewer("device")
        .item("video_id")
        .position("watch_index")
        .time("watch_ts_datetime", TimeFormat::Pattern("%d-%m-%Y".into()))
        .topics(party)
        .column("state")
        .combined("experiment", ["state", "leaning", "device", "week"]);
    ExposureLog::open(folder.join("recommendations.csv"), &schema)
}

/// What the paper reports: right-leaning puppets see more of their own party than left-leaning
/// ones do of theirs, and less of the other.
fn published(log: &ExposureLog) -> Result<(), Error> {
    println!(
        "Published: own party 11.8 points more on the right, the other party 7.5 points less."
    );
    for unit in [Unit::Pooled, Unit::ClusterMean] {
        for topic in ["own party", "other party"] {
            let estimate = congruent(log, ClusterBy::column("experiment"), unit, topic)?;
            println!("  {topic}, {unit}: {}", points(&estimate));
        }
    }
    println!();
    Ok(())
}

/// Right minus left, for the party of the puppet or the one against it.
fn congruent(
    log: &ExposureLog,
    cluster: ClusterBy,
    unit: Unit,
    topic: &str,
) -> Result<Estimate, Error> {
    let leaning_log = log.clone().with_topics_by_row(|log, row| {
        let arm = log.arms().and_then(|arms| arms.id(row));
        let party = log.topics().and_then(|topics| {
            let code = topics.of_row(row).first()?;
            topics.labels().id(*code)
        });
        match (arm, party) {
            (Some("right"), Some("Republican")) | (Some("left"), Some("Democrat")) => {
                vec!["own party"]
            }
            (Some("right"), Some("Democrat")) | (Some("left"), Some("Republican")) => {
                vec!["other party"]
            }
            _ => vec![],
        }
    })?;
    let report = Audit::of(
        &leaning_log,
        &Question::between("right", "left")
            .cluster(cluster)
            .unit(unit)
            .topics([topic])
            .statistic(Difference),
    )
    .run()?;
    Ok(report.estimates()[0].clone())
}

fn points(estimate: &Estimate) -> String {
    match (estimate.value, &estimate.interval) {
        (Value::Estimated(value), Ok(interval)) => format!(
            "{:+.2} points ({:+.2} to {:+.2})",
            100.0 * value,
            100.0 * interval.low.unwrap_or(f64::NEG_INFINITY),
            100.0 * interval.high.unwrap_or(f64::INFINITY)
        ),
        _ => estimate.sentence(),
    }
}

/// The same difference with the cluster a reader might think of, the one that was assigned, and
/// the one that is wrong.
fn clusters(log: &ExposureLog) -> Result<(), Error> {
    println!("Own party, right minus left: how sure one may be depends on what was independent.");
    for (cluster, comment) in [
        (ClusterBy::column("experiment"), "one run of one phone in one week"),
        (ClusterBy::column("device"), "the phone, which was assigned its leaning"),
        (ClusterBy::Impression, "wrong: a phone's videos are not independent"),
    ] {
        let estimate = congruent(log, cluster.clone(), Unit::Pooled, "own party")?;
        println!(
            "  {:10} {:5} right, {:5} left: {}, design effect {:.1}   ({comment})",
            cluster.to_string(),
            estimate.clusters.treatment,
            estimate.clusters.baseline,
            points(&estimate),
            estimate.naive.and_then(|naive| naive.design_effect).unwrap_or(1.0),
        );
    }
    println!();
    Ok(())
}

/// War, conflict and parties: the topics of each video, of which it may have several.
fn topics(folder: &Path, log: ExposureLog) -> Result<(), Error> {
    let column = TopicColumn::new("answer.topic_new", TopicFormat::PythonList);
    let table = ItemTopicsSchema::new("scenario.id", column);
    let log = log.with_item_topics(&ItemTopics::open(folder.join("topics.csv"), &table)?)?;
    let report = Audit::of(&log, &Question::between("right", "left").cluster(ClusterBy::column("device")).topics([
            "Ukraine war",
            "Israel, Gaza or Palestine, including anything about Netanyahu or Hamas",
            "Anything outside the US or involve US foreign relations except for Israel, Gaza, Ukraine, or immigration",
            "Immigration",
            "Abortion and reproductive health",
            "Assassination attempt on Donald Trump",
            "Biden dropping out of the presidential race",
            "Democratic National Convention (DNC)",
            "Republican National Convention (RNC)",
        ]))
        .run()?;
    println!("{report}");
    for estimate in &report.estimates()[..2] {
        println!("{}", estimate.sentence());
    }
    Ok(())
}
