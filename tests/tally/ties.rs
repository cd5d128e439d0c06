//! The newest candidates where several are of one moment: what is expected over all their orders.

use std::path::Path;

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::{CandidateKey, CandidateSets};
use tiltmeter::source::SliceSource;
use tiltmeter::{
    Attention, Audit, AuditReport, Baseline, ExposureLog, Question, Reach, Reference, Unit, Warning,
};

fn case(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn ties(report: &AuditReport) -> Option<(u64, u64)> {
    report.warnings().iter().find_map(|(warning, _)| match warning {
        Warning::TiedCandidates { requests, of } => Some((*requests, *of)),
        _ => None,
    })
}

/// The case: two places a request, the newest candidate about something else, and five or so older
/// ones of one moment. By hand over all orders 20 of 60 places are of war: 33%, where the order of ids
/// gave 0%.
#[test]
fn the_case() {
    let schema = || {
        LogSchema::new()
            .slate("req")
            .item("post")
            .time("posted", TimeFormat::EpochSeconds)
            .topics(TopicColumn::single("about"))
    };
    let shown = schema().arm("feed").position("rank").viewer("who");
    let log = ExposureLog::open(case("chrono_shown.csv"), &shown).unwrap();
    let table = ExposureLog::open(case("chrono_cand.csv"), &schema()).unwrap();
    let pools = CandidateSets::new(table, CandidateKey::Slate).unwrap();
    let question = || Question::between("ranked", Baseline::Chronological).topics(["war"]);
    let audit = |question: &Question| Audit::of(&log, question).candidates(&pools);
    let report = audit(&question()).run().unwrap();
    let war = &report.estimates()[0];
    assert!((war.baseline.share.unwrap() - 1.0 / 3.0).abs() < 1e-9);
    assert!((war.value.number().unwrap() - (33.0 / 60.0) / (1.0 / 3.0)).abs() < 1e-9);
    assert_eq!(ties(&report), Some((30, 30)));
    assert!(report.to_string().contains("in 30 of 30 requests"), "{report}");
    // Nobody was reached by an expectation.
    assert!(audit(&question().unit(Unit::Reach(Reach::default()))).run().is_err());
}

/// Two requests of three places with weights 1, 1/2, 1/3 by rank. Of the candidates of the first, two of
/// one moment stand in places 1 and 2 (3/4 each), the third alone; of the second, three of one moment
/// compete for places 2 and 3 ((1/2 + 1/3) / 3 each). So war (w) has 3/4 + 1/3 and 5/18, of 11/3.
#[test]
fn places_that_count_differently() {
    let log = SliceSource::new("log")
        .text("who", &["a", "a", "a", "b", "b", "b"])
        .text("feed", &["ranked"; 6])
        .text("slate", &["1", "1", "1", "2", "2", "2"])
        .integer("rank", &[1, 2, 3, 1, 2, 3])
        .text("item", &["x", "y", "z", "x", "y", "z"])
        .text("about", &["w", "s", "s", "w", "s", "s"]);
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .slate("slate")
        .position("rank")
        .item("item")
        .topics(TopicColumn::single("about"));
    let log = ExposureLog::read(log, &schema).unwrap();
    let table = |times: &[i64]| {
        let source = SliceSource::new("candidates")
            .text("slate", &["1", "1", "1", "1", "2", "2", "2", "2"])
            .text("item", &["x", "y", "z", "o", "x", "y", "z", "o"])
            .integer("at", times)
            .text("about", &["w", "s", "w", "s", "s", "w", "s", "s"]);
        let schema = LogSchema::new()
            .slate("slate")
            .item("item")
            .time("at", TimeFormat::EpochSeconds)
            .topics(TopicColumn::single("about"));
        CandidateSets::new(ExposureLog::read(source, &schema).unwrap(), CandidateKey::Slate)
            .unwrap()
    };
    let run = |pools: &CandidateSets, attention| {
        let question = Question::between("ranked", Baseline::Chronological).topics(["w"]);
        Audit::of(&log, &question.attention(attention)).candidates(pools).run().unwrap()
    };
    let tied = table(&[9, 9, 8, 7, 9, 5, 5, 5]);
    let share = |report: &AuditReport| report.estimates()[0].baseline.share.unwrap();
    let report = run(&tied, Attention::Reciprocal);
    let expected = (0.75 + 1.0 / 3.0 + 5.0 / 18.0) / (11.0 / 3.0);
    assert!((share(&report) - expected).abs() < 1e-9, "{}", share(&report));
    assert_eq!(ties(&report), Some((2, 2)));
    // Where all places count alike, only the second request is cut inside a tie: 2 + 2/3 of 6.
    let report = run(&tied, Attention::Uniform);
    assert!((share(&report) - (2.0 + 2.0 / 3.0) / 6.0).abs() < 1e-9, "{}", share(&report));
    assert_eq!(ties(&report), Some((1, 2)));
    // Ties behind the last place and before it do not matter, and rows are impressions.
    let report = run(&table(&[9, 9, 9, 7, 9, 8, 7, 7]), Attention::Uniform);
    assert_eq!(ties(&report), Some((1, 2)), "places 3 and 4 of the second are of one moment");
    let report = run(&table(&[9, 9, 9, 7, 9, 8, 7, 6]), Attention::Uniform);
    assert_eq!(ties(&report), None);
    assert!((share(&report) - 3.0 / 6.0).abs() < 1e-12);
    assert!(report.estimates()[0].naive.is_some());
}

/// A topic with two shares in the file of a study: one would be lost.
#[test]
fn a_reference_says_each_share_once() {
    let text = |shares: &str| {
        format!(
            r#"{{"name": "poll", "shares": {{{shares}}}, "bias": {{"low": 1.0, "high": 1.0}}}}"#
        )
    };
    let once: Reference = serde_json::from_str(&text(r#""war": {"known": 0.2}"#)).unwrap();
    assert_eq!(once.shares.len(), 1);
    let twice = text(r#""war": {"known": 0.2}, "sport": {"known": 0.1}, "war": {"known": 0.3}"#);
    let error = serde_json::from_str::<Reference>(&twice).unwrap_err().to_string();
    assert!(error.contains("the topic \"war\" has two shares"), "{error}");
}
