//! The logs that estimates are made from.

use std::path::Path;

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::off_policy::{Measure, OffPolicyReport};
use tiltmeter::source::SliceSource;
use tiltmeter::{ExposureLog, Value};

/// The campaigns of the Open Bandit Dataset and how many items each has.
pub(crate) const CAMPAIGNS: [(&str, u32); 3] = [("all", 80), ("men", 34), ("women", 46)];

/// The shipped sample of a campaign.
pub(crate) fn campaign(name: &str) -> ExposureLog {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/open_bandit_small.csv.gz");
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
    let log = ExposureLog::open(path, &schema).unwrap();
    let campaigns = log.column("campaign").unwrap().clone();
    log.filter("some rows", |row| campaigns.id(row) == Some(name)).unwrap()
}

/// One impression of a log made up for a test.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) who: u32,
    pub(crate) arm: &'static str,
    pub(crate) item: u32,
    pub(crate) position: u32,
    pub(crate) reward: f64,
    pub(crate) propensity: f64,
}

impl Shown {
    /// Items below 2 are about war, those from 2 to 3 about war and sport, the others about nothing.
    pub(crate) fn topics(&self) -> &'static str {
        match self.item {
            0 | 1 => "war",
            2 | 3 => "war|sport",
            _ => "",
        }
    }
}

/// A log of such impressions.
pub(crate) fn log_of(shown: &[Shown]) -> ExposureLog {
    let text = |of: fn(&Shown) -> String| shown.iter().map(of).collect::<Vec<_>>();
    let source = SliceSource::new("made up")
        .text("who", &text(|one| one.who.to_string()))
        .text("arm", &text(|one| one.arm.to_owned()))
        .text("item", &text(|one| one.item.to_string()))
        .integer("rank", &shown.iter().map(|one| one.position.into()).collect::<Vec<_>>())
        .text("about", &text(|one| one.topics().to_owned()))
        .float("reward", &shown.iter().map(|one| one.reward).collect::<Vec<_>>())
        .float("chance", &shown.iter().map(|one| one.propensity).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .viewer("who")
        .arm("arm")
        .item("item")
        .position("rank")
        .topics(TopicColumn::separated("about", '|'))
        .engagement("reward")
        .propensity("chance");
    ExposureLog::read(source, &schema).unwrap()
}

/// A finite number of a report.
pub(crate) fn number(report: &OffPolicyReport, measure: Measure) -> f64 {
    report.estimate(measure).and_then(|its| its.number()).unwrap()
}

/// The same of a topic.
pub(crate) fn of_topic(report: &OffPolicyReport, measure: Measure, topic: &str) -> f64 {
    match report.of_topic(measure, topic).unwrap().answer.unwrap().value {
        Value::Estimated(number) | Value::Zero(number) => number,
        other => panic!("{measure:?} of {topic} is {other:?}"),
    }
}

/// Whether two numbers are alike, relative to the second.
#[track_caller]
pub(crate) fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(error <= tolerance * expected.abs(), "{what}: {found}, not {expected}");
}
