//! Reports beside an audit, and what is saved to files, each as text and as JSON.

use std::path::Path;

use serde::Serialize;
use tiltmeter::coverage::{CoverageStudy, PowerCurve};
use tiltmeter::decompose::{
    EngagementCounts, GroupDecomposition, Member, MultiMembership, Waterfall,
};
use tiltmeter::evidence::{Bundle, Contents, Inputs, Sha256};
use tiltmeter::inference::{
    BreakSpec, ChangeMonitor, ChangeSpec, InControl, Monitor, MonitorSpec, PerArm, Pilot,
    SampleSizePlan, TopicQuestion, breaks_of,
};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::off_policy::{Floor, OffPolicy, RewardModel, Target};
use tiltmeter::sensitivity::{Sensitivity, Weighting};
use tiltmeter::simulate::{CandidatesConfig, SimulationConfig, TopicConfig, Truth, TruthSpec};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, Difference, LogRatio, OddsRatio};
use tiltmeter::tally::{Tally, TallySpec, WindowBy};
use tiltmeter::{
    Attention, Baseline, ClusterBy, Denominator, ExposureLog, Question, StudyFile, StudyInputs,
    StudyLog, Supply, Unit,
};

use super::{parts, said};

const FOLDER: &str = "tests/report/snapshots/studies";

/// The log that has everything, with its candidates and its supply.
fn everything() -> StudyInputs {
    let folder = Path::new(FOLDER);
    StudyFile::open(folder.join("everything.json")).unwrap().read(folder).unwrap()
}

fn log_of(inputs: &StudyInputs) -> &ExposureLog {
    let StudyLog::Whole(log) = &inputs.log else { panic!("it is one file") };
    log
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn waterfall() {
    let inputs = everything();
    let of = || {
        let question = Question::of_arm("ranked")
            .attention(Attention::TopK { k: 2 })
            .topics(["war", "music", "politics"]);
        Waterfall::of(log_of(&inputs), &question)
    };
    let supply = inputs.supply.as_ref().unwrap();
    let report = of()
        .supply(supply, Supply::Known)
        .candidates(inputs.candidates.as_ref().unwrap())
        .engagement(EngagementCounts::TimesMass)
        .run()
        .unwrap();
    let creators = Supply::Sampled { cluster: ClusterBy::column("creator") };
    let without = of().supply(supply, creators).run().unwrap();
    let sentences = report.waterfalls().iter().map(|its| its.sentence() + "\n");
    let text = parts(&[
        ("all stages", report.to_string()),
        ("sentences", sentences.collect()),
        ("without candidates", without.to_string()),
    ]);
    said("waterfall", &text);
    said("waterfall-json", &report.to_json().unwrap());
}

#[test]
fn groups() {
    let inputs = everything();
    let question = Question::between("ranked", "newest");
    let of = |several, question: &Question| {
        GroupDecomposition::of_log(log_of(&inputs), Member::Item, question)
            .several(several)
            .permutations(99, 7)
    };
    let groups = |question: &Question| {
        of(MultiMembership::Majority, question)
            .group("low", ["i0", "i1", "i2"])
            .group("high", ["i5", "i8", "i9"])
    };
    let report = groups(&question).run().unwrap();
    let reach = question.clone().unit(Unit::Reach(tiltmeter::Reach::default()));
    let reach = groups(&reach).run().unwrap();
    let by_topic = of(MultiMembership::LeaveOut, &question.topics(["war", "sport"])).run().unwrap();
    let text = parts(&[
        ("groups", report.to_string()),
        ("reach", reach.to_string()),
        ("by topic", by_topic.to_string()),
    ]);
    said("groups", &text);
    said("groups-json", &report.to_json().unwrap());
}

#[test]
fn sensitivity() {
    let inputs = everything();
    let question = Question::between("ranked", "newest").topics(["war", "music"]);
    let of = |question: &Question| {
        Sensitivity::of(log_of(&inputs), question)
            .baseline(Baseline::Supply(Supply::Known))
            .baseline(Baseline::Chronological)
            .candidates(inputs.candidates.as_ref().unwrap())
            .supply(inputs.supply.as_ref().unwrap())
            .attentions([Attention::Uniform, Attention::Logarithmic, Attention::Cascade])
            .units([Unit::Pooled])
            .weightings([Weighting::AsLogged])
            .denominators([Denominator::AllImpressions])
    };
    let table = of(&question).run().unwrap();
    // An arm that is not there is a mistake, and not one choice less.
    let error = of(&question).baseline("nobody's").run().unwrap_err();
    let several = question.statistic(AmplificationRatio).statistic(Difference);
    let several = of(&several).attentions([Attention::Uniform]);
    let sentences = table.summaries().iter().map(|its| its.sentence() + "\n");
    let text = parts(&[
        ("table", table.to_string()),
        ("sentences", sentences.collect()),
        ("several statistics", several.run().unwrap().to_string()),
        ("no such arm", error.to_string()),
    ]);
    said("sensitivity", &text);
    said("sensitivity-json", &table.to_json().unwrap());
}

#[test]
fn off_policy() {
    let inputs = everything();
    let question = Question::of_arm("ranked");
    let of = |question: &Question| {
        OffPolicy::of(log_of(&inputs), question).target(Target::Uniform { items: 12 })
    };
    let refused = of(&question).floor(Floor::At(1e6)).run().unwrap();
    let report = of(&question.attention(Attention::Logarithmic).topics(["war", "music"]))
        .floor(Floor::overridden())
        .reward_model(RewardModel::default())
        .check("newest")
        .run()
        .unwrap();
    let text = parts(&[
        ("report", report.to_string()),
        ("sentence", report.sentence()),
        ("refused", refused.to_string()),
    ]);
    said("off-policy", &text);
    said("off-policy-json", &report.to_json().unwrap());
}

/// A feed of three topics and slates of one, whose truth is exact.
fn feed() -> SimulationConfig {
    let mut config = SimulationConfig {
        days: 1,
        slate: 1,
        candidates: CandidatesConfig::Everything,
        ..SimulationConfig::default()
    };
    config.world.viewers = 40;
    config.world.items_per_day = 10.0;
    config.world.topics = ["news", "sport", "music"].map(TopicConfig::new).to_vec();
    config
}

fn between() -> Question {
    Question::between("treatment", "baseline")
}

#[test]
fn truth() {
    let three = between().statistic(AmplificationRatio).statistic(LogRatio).statistic(OddsRatio);
    let exact = Truth::of(&feed(), &TruthSpec::of(&three)).unwrap();
    let simulated = between().unit(Unit::ClusterMean);
    let spec = TruthSpec { replicates: 4, ..TruthSpec::of(&simulated) };
    let simulated = Truth::of(&feed(), &spec).unwrap();
    said("truth-json", &exact.to_json().unwrap());
    said("truth-simulated-json", &simulated.to_json().unwrap());
}

#[test]
fn studies_of_coverage_and_power() {
    let study = CoverageStudy { studies: 20, ..CoverageStudy::of(feed(), &between()) };
    let result = study.run().unwrap();
    let curve = PowerCurve { viewers: vec![40, 80], ..PowerCurve::of(study, "news", [1.0, 2.0]) };
    let curve = curve.run().unwrap();
    let text = parts(&[
        ("coverage", result.to_string()),
        ("coverage as JSON", pretty(&result.records)),
        ("power", curve.to_string()),
        ("power as JSON", pretty(&curve)),
    ]);
    said("coverage-and-power", &text);
}

#[test]
fn pilot() {
    let inputs = everything();
    let tally = Tally::of(log_of(&inputs), &TallySpec::default()).unwrap();
    let question = Question::between("ranked", "newest");
    let question = TopicQuestion::of(&question, "war").unwrap();
    let pilot = Pilot::of(&tally, &question, &AmplificationRatio).unwrap();
    let detectable = pilot.minimum_detectable(&SampleSizePlan::of(PerArm::equal(200))).unwrap();
    let cautions = pilot.cautions.iter().map(|its| format!("{its}\n"));
    let text = parts(&[
        ("pilot", pretty(&pilot)),
        ("cautions", cautions.collect()),
        ("detectable", pretty(&detectable)),
    ]);
    said("pilot", &text);
}

/// 40 days of 12 viewers each, in 30% of whose impressions the topic is, and from the 25th day on 60% in one arm.
fn days(from: i64, to: i64) -> ExposureLog {
    let (mut who, mut feed, mut at, mut about) = (vec![], vec![], vec![], vec![]);
    for day in from..to {
        for viewer in 0..12 {
            let ranked = viewer % 2 == 0;
            let of_ten =
                3 + (viewer * 7 + day * 5) % 3 - 1 + if ranked && day >= 25 { 3 } else { 0 };
            for nth in 0..10 {
                who.push(format!("{day}-{viewer}"));
                feed.push(if ranked { "ranked" } else { "newest" });
                at.push(day * 86_400);
                about.push(if nth < of_ten { "war" } else { "" });
            }
        }
    }
    let source = SliceSource::new("days").text("who", &who).text("feed", &feed);
    let source = source.integer("at", &at).text("about", &about);
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .time("at", TimeFormat::EpochSeconds)
        .topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).unwrap()
}

fn daily(from: i64, to: i64) -> Tally {
    let spec = TallySpec { windows: WindowBy::days(1), ..TallySpec::default() };
    Tally::of(&days(from, to), &spec).unwrap()
}

#[test]
fn breaks() {
    let question = Question::between("ranked", "newest");
    let question = TopicQuestion::of(&question, "war").unwrap();
    let found = breaks_of(&daily(0, 40), &question, &BreakSpec::default()).unwrap();
    let text = parts(&[("text", found.to_string()), ("JSON", pretty(&found))]);
    said("breaks", &text);
}

#[test]
fn change_monitor() {
    let spec =
        ChangeSpec { in_control: InControl::WarmUp { periods: 10 }, ..ChangeSpec::default() };
    let mut monitor = ChangeMonitor::new("war", "ranked", "newest", spec).unwrap();
    for day in 0..40 {
        let tally = Tally::of(&days(day, day + 1), &TallySpec::default()).unwrap();
        monitor.observe_as(format!("day {day}"), &tally).unwrap();
    }
    let reading = monitor.reading();
    let episodes = reading.episodes.iter().map(|its| format!("{its}\n"));
    let text = parts(&[("reading", pretty(&reading)), ("episodes", episodes.collect())]);
    said("change-monitor", &text);
}

#[test]
fn monitor() {
    let question = Question::between("ranked", "newest").topics(["war"]);
    let second = question.clone().statistic(LogRatio).unit(Unit::ClusterMean);
    let mut spec = MonitorSpec::of(&question, 400).unwrap().and(&second).unwrap();
    spec.start = 10;
    let mut monitor = Monitor::new(spec).unwrap();
    let mut looks = String::new();
    for (label, from, to) in [("first", 0, 1), ("second", 1, 20), ("third", 20, 40)] {
        let tally = Tally::of(&days(from, to), &monitor.spec().tally).unwrap();
        monitor.observe_as(label, &tally).unwrap();
        let readings = monitor.readings();
        looks += &readings.iter().map(|its| format!("{label}: {its}\n")).collect::<String>();
    }
    let estimands: String =
        monitor.readings().iter().map(|its| format!("{}\n", its.estimand)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.monitor");
    monitor.save(&path).unwrap();
    let saved = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = saved.lines().collect();
    let mut state: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    let keys = state["keys"].take().to_string();
    let text = parts(&[
        ("looks", looks),
        ("estimands", estimands),
        ("saved", lines[..2].join("\n")),
        ("state without keys", pretty(&state)),
        ("keys, by their digest", Sha256::of(keys.as_bytes()).to_string()),
        ("state as it is written, by its digest", Sha256::of(lines[2].as_bytes()).to_string()),
    ]);
    said("monitor", &text);
}

/// What is saved of a tally: its header in words, the rest by its digest.
#[test]
fn saved_tally() {
    let inputs = everything();
    let spec = TallySpec {
        attentions: vec![Attention::Uniform, Attention::Rbp { persistence: 0.8 }],
        windows: WindowBy::days(7),
        strata: tiltmeter::tally::StratifyBy::Stratum,
        ..TallySpec::default()
    };
    let tally = Tally::of(log_of(&inputs), &spec).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.tally");
    tally.save(&path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let lines: Vec<&[u8]> = bytes.splitn(4, |byte| *byte == b'\n').collect();
    let text = |at: usize| String::from_utf8(lines[at].to_vec()).unwrap();
    let after = &lines[3][..lines[3].len() - 16];
    let whole = parts(&[
        ("first lines", [text(0), text(1)].join("\n")),
        ("header", text(2)),
        ("bytes after it", format!("{}, SHA-256 {}", after.len(), Sha256::of(after))),
    ]);
    said("saved-tally", &whole);
}

/// A bundle: its manifest, its sums, and what checking it says.
#[test]
fn evidence() {
    let study = StudyFile::open(Path::new(FOLDER).join("arms.json")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let to = to.path().join("bundle");
    let bundle = Bundle::write(&study, Path::new(FOLDER), &to, Contents::WithInputs).unwrap();
    let verification = bundle.verify(&Inputs::AsStudied).unwrap();
    let read = |name: &str| std::fs::read_to_string(to.join(name)).unwrap();
    // The platform is in the manifest, and so in its digest.
    let platform = [std::env::consts::ARCH, std::env::consts::OS];
    let anywhere = |text: String| {
        let text = text.replace(&bundle.fingerprint().to_string(), "FINGERPRINT");
        platform.iter().fold(text, |text, its| text.replace(&format!("\"{its}\""), "\"HERE\""))
    };
    let text = parts(&[
        ("manifest", anywhere(read("manifest.json"))),
        ("sums", anywhere(read("SHA256SUMS"))),
        ("verification", anywhere(verification.to_string())),
        ("as JSON", anywhere(pretty(&verification))),
    ]);
    said("evidence", &text);
}
