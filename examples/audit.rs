//! Audits two logs shipped in `data/`: 20,000 fashion recommendations of the Open Bandit Dataset, a
//! learning policy against a random one; and a simulated feed of which the truth is known, to see that
//! an audit finds it.
//!
//! ```text
//! cargo run --example audit              # the shipped logs
//! cargo run --example audit -- --json    # the report on the first as JSON
//! ```

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::{Audit, AuditReport, ClusterBy, Error, ExposureLog, Keep, Question};

fn main() -> ExitCode {
    let json = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => {
            eprintln!("usage: audit [--json]");
            return ExitCode::from(2);
        }
    };
    let text = if json {
        recommendations().and_then(|report| report.to_json())
    } else {
        recommendations().and_then(|report| Ok(format!("{report}\n{}", simulated()?)))
    };
    match text {
        Ok(text) => {
            // Whoever reads may have seen enough.
            let _ = writeln!(io::stdout(), "{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A file in `data/`: of the folder that one is in, so that reports say so, or of the source.
fn shipped(file: &str) -> PathBuf {
    let path = Path::new("data").join(file);
    match path.exists() {
        true => path,
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join(path),
    }
}

fn recommendations() -> Result<AuditReport, Error> {
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("topic"))
        .engagement("click")
        .propensity("propensity")
        .column("hour")
        .column("campaign");
    let log = ExposureLog::open(shipped("open_bandit_small.csv.gz"), &schema)?;

    // The publisher hashed topics and items anew for each campaign, so only one may be taken.
    let log = log.keep(&Keep::new("campaign", ["all"]))?;

    // There is no viewer id. Both policies ran side by side every hour: hours are the clusters.
    Audit::of(&log, &Question::between("bts", "random").cluster(ClusterBy::column("hour"))).run()
}

/// The audit of a simulated log, a line for each topic, with what is true beside.
#[cfg(feature = "parquet")]
fn simulated() -> Result<String, Error> {
    use tiltmeter::simulate::{TrueValue, Truth};

    let schema =
        LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::separated("topics", '|'));
    let log = ExposureLog::open(shipped("simulated/conflict.parquet"), &schema)?;
    let report =
        Audit::of(&log, &Question::between("treatment", "baseline").cluster(ClusterBy::Viewer))
            .run()?;

    let path = shipped("simulated/conflict.truth.json");
    let text = std::fs::read_to_string(&path).map_err(|cause| Error::Io { path, cause })?;
    let truth = Truth::from_json(&text)?;
    let mut told =
        "A simulated feed that weighs conflict 1.5 times as much in one arm:\n".to_owned();
    told += " topic       truth   estimate     95% interval\n";
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    for estimate in report.estimates() {
        let topic = &estimate.estimand.topic;
        let known = truth.value(topic, "amplification_ratio").and_then(TrueValue::number);
        let interval = estimate.interval.ok();
        let [low, high] = [interval.and_then(|i| i.low), interval.and_then(|i| i.high)];
        let interval = format!("{} to {}", number(low), number(high));
        let (known, value) = (number(known), number(estimate.value.number()));
        told += &format!(" {topic:<10}{known:>7}{value:>11}{interval:>17}\n");
    }
    Ok(told)
}

/// The simulated log is a Parquet file.
#[cfg(not(feature = "parquet"))]
fn simulated() -> Result<String, Error> {
    Ok("The simulated log is not read: this build is without Parquet.\n".to_owned())
}
