//! The audit of TikTok before the 2024 US election (Ibrahim et al., arXiv 2501.17831), state by state:
//! what adjusting for states changes, and what no adjusting can mend. Puppets that lean right and left
//! ran in three states; neutral ones, to compare both with, in one of them only.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin tiktok_strata                     # ../shared/data/tiktok_politics.csv.gz
//! cargo run -p tiltmeter-studies --bin tiktok_strata -- LOG.csv.gz       # another place
//! cargo run -p tiltmeter-studies --bin tiktok_strata -- LOG.csv.gz --json
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value as Json, json};
use tiltmeter::inference::{CmhErrors, CmhTest, Test};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::statistic::{
    AmplificationRatio, CompositionEffect, Difference, MantelHaenszelRatio, RateEffect,
    StandardisedRatio,
};
use tiltmeter::{
    Audit, AuditReport, ClusterBy, Error, Estimate, ExposureLog, Keep, Question, Value,
};
use tiltmeter_studies::{log_of, told};

/// The one state with neutral puppets.
const GEORGIA: &str = "GEORGIA";

/// The audit of TikTok before the 2024 US election, state by state.
#[derive(Parser)]
struct Options {
    /// The log; `../shared/data/tiktok_politics.csv.gz` by default.
    log: Option<PathBuf>,
    /// Prints the same as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let Options { log, json } = Options::parse();
    let Some(path) = log_of(log, "tiktok_politics.csv.gz") else { return ExitCode::SUCCESS };
    told(Found::of(&path).map(|found| if json { found.json() } else { found.text() }))
}

fn read(path: &Path) -> Result<ExposureLog, Error> {
    let schema = LogSchema::new()
        .arm("arm")
        .stratum("state")
        .viewer("device")
        .item("item")
        .position("position")
        .time("date", TimeFormat::Iso)
        .topics(TopicColumn::single("party"))
        .column("experiment");
    ExposureLog::open(path, &schema)
}

/// By state and arm, the devices.
type Devices = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn devices(log: &ExposureLog) -> Result<Devices, Error> {
    let (states, devices) = (log.column("state")?, log.column("device")?);
    let mut found = Devices::new();
    for row in 0..log.rows() {
        let arm = log.arms().and_then(|arms| arms.id(row));
        if let (Some(state), Some(arm), Some(device)) = (states.id(row), arm, devices.id(row)) {
            let arms = found.entry(state.to_owned()).or_default();
            arms.entry(arm.to_owned()).or_default().insert(device.to_owned());
        }
    }
    Ok(found)
}

/// One comparison.
struct Section {
    title: String,
    report: AuditReport,
    /// The test that takes impressions for independent, of each party.
    independent: AuditReport,
}

impl Section {
    fn of(
        title: impl Into<String>,
        log: &ExposureLog,
        arms: [&str; 2],
        cluster: ClusterBy,
    ) -> Result<Self, Error> {
        let audit = |question: &Question, errors| {
            let test = CmhTest { errors, ..CmhTest::default() };
            Audit::of(log, question).test(Test::CochranMantelHaenszel(test)).run()
        };
        let question = Question::between(arms[0], arms[1])
            .cluster(cluster)
            .topics(["Republican", "Democrat"])
            .statistic(MantelHaenszelRatio);
        let independent = audit(&question, CmhErrors::Independent)?;
        let question = question
            .statistic(AmplificationRatio)
            .statistic(StandardisedRatio::BOTH)
            .statistic(Difference)
            .statistic(CompositionEffect)
            .statistic(RateEffect);
        let report = audit(&question, CmhErrors::Clustered)?;
        Ok(Self { title: title.into(), report, independent })
    }

    fn json(&self) -> Json {
        json!({ "title": self.title, "report": self.report, "independent": self.independent })
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        let first = &self.report.estimates()[0];
        let _ = writeln!(
            text,
            "  clusters: {}, {} against {}",
            first.estimand.cluster, first.clusters.treatment, first.clusters.baseline
        );
        for topic in ["Republican", "Democrat"] {
            let of_topic = self.report.estimates().iter().filter(|e| e.estimand.topic == topic);
            let lines: Vec<_> = of_topic.map(line).collect();
            let _ = writeln!(text, "  {topic}\n{}", lines.join("\n"));
            let tests = [&self.report, &self.independent]
                .map(|report| p(report.estimate(&MantelHaenszelRatio, topic)));
            let _ = writeln!(
                text,
                "    Cochran-Mantel-Haenszel: p {}; were impressions independent, p {}",
                tests[0], tests[1]
            );
        }
        for (warning, _) in self.report.warnings() {
            let _ = writeln!(text, "  warning: {warning}");
        }
        text
    }
}

/// An estimate on one line.
fn line(estimate: &Estimate) -> String {
    let is_difference = ["difference", "composition_effect", "rate_effect"]
        .contains(&estimate.estimand.statistic.as_str());
    let number = |value: f64| match is_difference {
        true => format!("{:+.2}", 100.0 * value),
        false => format!("{value:.3}"),
    };
    let unit = if is_difference { " points" } else { "" };
    let value = match estimate.value {
        Value::Estimated(value) | Value::Zero(value) => number(value) + unit,
        Value::Undefined(reason) => format!("undefined: {reason}"),
        other => other.state().to_owned(),
    };
    let interval = match &estimate.interval {
        Ok(interval) => {
            let end = |end: Option<f64>| end.map_or("unbounded".to_owned(), number);
            format!("  ({} to {})", end(interval.low), end(interval.high))
        }
        Err(_) => String::new(),
    };
    format!("    {:<24}{value}{interval}", estimate.estimand.statistic)
}

/// The p-value of an estimate's test, or why there is none.
fn p(estimate: Option<&Estimate>) -> String {
    match estimate.and_then(|estimate| estimate.test).map(|test| test.p) {
        Some(Ok(p)) if p < 1e-4 => "below 0.0001".to_owned(),
        Some(Ok(p)) => format!("{p:.4}"),
        Some(Err(reason)) => reason.to_string(),
        None => "-".to_owned(),
    }
}

/// All of it.
struct Found {
    devices: Devices,
    adjusted: Vec<Section>,
    neutral: Vec<Section>,
    georgia: Vec<Section>,
}

impl Found {
    fn of(path: &Path) -> Result<Self, Error> {
        let log = read(path)?;
        let device = || ClusterBy::column("device");
        let adjusted = vec![
            Section::of("Right against left, by device", &log, ["right", "left"], device())?,
            Section::of(
                "The same, by experiment: one device in one week",
                &log,
                ["right", "left"],
                ClusterBy::column("experiment"),
            )?,
        ];
        let against_neutral = |log: &ExposureLog, place: &str| {
            let sections = ["right", "left"].map(|arm| {
                let title = format!("{arm} against neutral, {place}");
                Section::of(title, log, [arm, "neutral"], device())
            });
            sections.into_iter().collect::<Result<Vec<_>, _>>()
        };
        let neutral = against_neutral(&log, "all states")?;
        let devices = devices(&log)?;
        let georgia = log.keep(&Keep::new("state", [GEORGIA]))?;
        let georgia = against_neutral(&georgia, "Georgia only")?;
        Ok(Self { devices, adjusted, neutral, georgia })
    }

    fn json(&self) -> String {
        let counts = |arms: &BTreeMap<String, BTreeSet<String>>| -> BTreeMap<String, usize> {
            arms.iter().map(|(arm, devices)| (arm.clone(), devices.len())).collect()
        };
        let devices: BTreeMap<_, _> =
            self.devices.iter().map(|(state, arms)| (state, counts(arms))).collect();
        let sections = [&self.adjusted, &self.neutral, &self.georgia];
        let sections: Vec<Json> = sections.into_iter().flatten().map(Section::json).collect();
        format!("{:#}", json!({ "devices": devices, "sections": sections }))
    }

    fn text(&self) -> String {
        let mut text = "Devices by state and arm:\n".to_owned();
        for (state, arms) in &self.devices {
            let arms = arms.iter().map(|(arm, devices)| format!("{} {arm}", devices.len()));
            let _ = writeln!(text, "  {state:<8} {}", arms.collect::<Vec<_>>().join(", "));
        }
        text += ABOUT_CLUSTERS;
        let print = |text: &mut String, sections: &[Section]| {
            sections.iter().for_each(|section| *text += &format!("\n{}", section.text()));
        };
        print(&mut text, &self.adjusted);
        text += ABOUT_STATES;
        print(&mut text, &self.neutral);
        text += ABOUT_NEUTRAL;
        let crude = self.neutral[0].report.estimate(&AmplificationRatio, "Republican");
        let georgia = self.georgia[0].report.estimate(&AmplificationRatio, "Republican");
        if let (Some(crude), Some(georgia)) = (crude, georgia)
            && let (Some(crude), Some(georgia)) = (crude.value.number(), georgia.value.number())
        {
            let _ = writeln!(
                text,
                "Republican, right against neutral: {crude:.3} of all states, {georgia:.3} of Georgia's."
            );
        }
        print(&mut text, &self.georgia);
        text += ABOUT_GEORGIA;
        text
    }
}

const ABOUT_CLUSTERS: &str = "
A device is a cluster here: it was given its leaning once and kept it, so devices are what chance
could have dealt otherwise. Its experiments, one for each week, are of one device, and alike for that.
";

const ABOUT_STATES: &str = "
Both leanings ran in all three states on as many devices, so states could not do much: the adjusted
ratios are near the crude ones, and next to nothing of the difference is composition.
";

const ABOUT_NEUTRAL: &str = "
Neutral devices ran in Georgia alone. The crude ratio holds devices of Texas and New York, too,
against Georgia's neutral ones, so a difference between the states would show in it as amplification.
No ratio can be standardised to all states, since nobody knows what a neutral device would have seen
in two of them: it is undefined, and so are Kitagawa's parts. The Mantel-Haenszel ratio and the test
have values, but use Georgia's devices alone. They are the comparison below.
";

const ABOUT_GEORGIA: &str = "
What can be said of neutral devices is of Georgia only, and of two neutral devices, of which one may
be odd: hence the wide intervals. With so few devices no test is to be trusted that is not exact, and
an exact one cannot say much: five devices can be dealt out in ten ways, so no p is below 0.1.
";
