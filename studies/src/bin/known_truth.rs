//! An audit of a feed whose truth is known: simulates a feed that favours a topic, audits its log, and
//! holds every interval against what is true.
//!
//! ```text
//! cargo run --release -p tiltmeter-studies --bin known_truth              # a table and a sentence
//! cargo run --release -p tiltmeter-studies --bin known_truth -- --json    # the same as JSON
//! ```

use std::fmt::Write;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig, TrueValue, Truth, TruthSpec};
use tiltmeter::statistic::AmplificationRatio;
use tiltmeter::{Audit, ClusterBy, Error, Question};
use tiltmeter_studies::told;

/// So many that it takes a few seconds; an interval of the audit is then some forty standard errors of
/// the truth long.
const VIEWERS: u32 = 2_000;
const REPLICATES: u32 = 100;
const SEED: u64 = 1;

/// What was found.
#[derive(Serialize)]
struct Findings {
    schema: &'static str,
    version: u32,
    preset: &'static str,
    seed: u64,
    viewers: u32,
    injected: Injected,
    topics: Vec<Finding>,
}

/// The bias that was put into the treatment.
#[derive(Serialize)]
struct Injected {
    topic: &'static str,
    factor: f64,
}

/// What was found of a topic: amplification ratios.
#[derive(Serialize)]
struct Finding {
    topic: String,
    truth: Option<f64>,
    /// 0 where the truth is exact.
    truth_standard_error: Option<f64>,
    truth_is_exact: bool,
    estimate: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// Whether the 95% interval has the truth in it; null without one of them.
    covers: Option<bool>,
}

/// An audit of a feed whose truth is known.
#[derive(Parser)]
struct Options {
    /// Prints the same as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    told(findings().map_err(Into::into).and_then(|found| text(&found, &options)))
}

fn text(findings: &Findings, options: &Options) -> Result<String, Box<dyn std::error::Error>> {
    if options.json {
        return Ok(serde_json::to_string_pretty(findings)?);
    }
    let mut text = String::new();
    table(findings, &mut text)?;
    Ok(text)
}

fn findings() -> Result<Findings, Error> {
    let mut config = SimulationConfig { seed: SEED, ..SimulationConfig::preset(Preset::Conflict) };
    config.world.viewers = VIEWERS;
    let factor = config.arms[0].policy.biases[0].factor;

    let log = Simulation::new(&config)?.log()?;
    let question = Question::between("treatment", "baseline")
        .cluster(ClusterBy::Viewer)
        .statistic(AmplificationRatio);
    let report = Audit::of(&log, &question).run()?;

    let spec = TruthSpec { replicates: REPLICATES, ..TruthSpec::of(&question) };
    let truth = Truth::of(&config, &spec)?;
    let topics = report.estimates().iter().map(|estimate| {
        let topic = estimate.estimand.topic.clone();
        let known = truth.value(&topic, "amplification_ratio");
        let interval = estimate.interval.ok();
        let number = known.and_then(TrueValue::number);
        let covers = interval.zip(number).map(|(interval, truth)| {
            interval.low.is_none_or(|low| low <= truth)
                && interval.high.is_none_or(|high| truth <= high)
        });
        Finding {
            topic,
            truth: number,
            truth_standard_error: known.and_then(TrueValue::standard_error),
            truth_is_exact: known.is_some_and(TrueValue::is_exact),
            estimate: estimate.value.number(),
            low: interval.and_then(|interval| interval.low),
            high: interval.and_then(|interval| interval.high),
            covers,
        }
    });
    Ok(Findings {
        schema: "tiltmeter.example.known_truth",
        version: 1,
        preset: "conflict",
        seed: SEED,
        viewers: VIEWERS,
        injected: Injected { topic: "conflict", factor },
        topics: topics.collect(),
    })
}

fn table(findings: &Findings, to: &mut String) -> std::fmt::Result {
    writeln!(to, "{:<10}{:>17}{:>10}{:>19}  covers", "topic", "truth", "estimate", "95% interval")?;
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    for finding in &findings.topics {
        let error = match finding.truth_is_exact {
            true => "exact".to_owned(),
            false => format!("± {}", number(finding.truth_standard_error)),
        };
        writeln!(
            to,
            "{:<10}{:>17}{:>10}{:>19}  {}",
            finding.topic,
            format!("{} {error}", number(finding.truth)),
            number(finding.estimate),
            format!("{} to {}", number(finding.low), number(finding.high)),
            finding.covers.map_or("-", |covers| if covers { "yes" } else { "no" })
        )?;
    }
    let Injected { topic, factor } = &findings.injected;
    let covered = findings.topics.iter().filter(|finding| finding.covers == Some(true)).count();
    writeln!(
        to,
        "\nThe treatment weighs {topic} {factor} times as much as the baseline does; what that makes of \
         amplification is the truth\nabove, and {covered} of {} intervals of an audit of {} viewers \
         have it in them.",
        findings.topics.len(),
        findings.viewers
    )
}
