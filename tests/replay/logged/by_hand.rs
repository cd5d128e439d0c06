//! Small logs made by hand: plain loops in Python (`tests/golden/make_replay.py`), own policies, faults.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::log::{FaultReason, LogSchema, Role, TimeFormat, TopicColumn, TopicFormat};
use tiltmeter::policy::{
    Affinity, Bias, Feature, PolicyConfig, Random, Ranker, ReverseChronological, Selection,
};
use tiltmeter::policy::{Policy, Request, TopicSets};
use tiltmeter::replay::{
    CandidateColumns, CandidateKey, CandidateSets, NumberColumn, Replay, ReplaySpec, Replayed,
};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::TreatmentShare;
use tiltmeter::tally::TallySpec;
use tiltmeter::{Attention, Audit, Baseline, EngagementWeighted, Error, ExposureLog, Question};

use super::{Candidate, Row, log_of, log_schema, pools_of, replay, slates, table_of};

fn golden() -> Json {
    serde_json::from_str(include_str!("../../golden/replay.json")).unwrap()
}

fn texts<'j>(rows: &'j [Json], field: &str) -> Vec<&'j str> {
    rows.iter().map(|row| row[field].as_str().unwrap()).collect()
}

fn lists(rows: &[Json]) -> Vec<String> {
    rows.iter().map(|row| row["topics"].to_string()).collect()
}

fn wholes(rows: &[Json], field: &str) -> Vec<i64> {
    rows.iter().map(|row| row[field].as_i64().unwrap()).collect()
}

/// The rows of the golden log and its candidates, in any order.
fn read(log: &[Json], pools: &[Json]) -> (ExposureLog, CandidateSets) {
    let source = SliceSource::new("golden log")
        .text("viewer", &texts(log, "viewer"))
        .text("arm", &texts(log, "arm"))
        .text("slate", &texts(log, "slate"))
        .text("item", &texts(log, "item"))
        .text("topics", &lists(log))
        .integer("position", &wholes(log, "position"))
        .integer("time", &wholes(log, "time"));
    let schema = LogSchema::new()
        .slate("slate")
        .item("item")
        .time("time", TimeFormat::EpochSeconds)
        .topics(TopicColumn::new("topics", TopicFormat::JsonList));
    let log_schema = schema.clone().viewer("viewer").arm("arm").position("position");
    let engagement: Vec<f64> =
        pools.iter().map(|row| row["engagement"].as_f64().unwrap()).collect();
    let table = SliceSource::new("golden candidates")
        .text("slate", &texts(pools, "slate"))
        .text("item", &texts(pools, "item"))
        .text("topics", &lists(pools))
        .integer("time", &wholes(pools, "time"))
        .float("engagement", &engagement);
    let table = ExposureLog::read(table, &schema.engagement("engagement")).unwrap();
    (
        ExposureLog::read(source, &log_schema).unwrap(),
        CandidateSets::new(table, CandidateKey::Slate).unwrap(),
    )
}

fn rows<'j>(golden: &'j Json, field: &str) -> &'j [Json] {
    golden[field].as_array().unwrap()
}

/// Slates, positions, items and what became of requests, as the script has them.
#[test]
fn the_newest_are_those_of_plain_loops() {
    let golden = golden();
    let (log, pools) = read(rows(&golden, "log"), rows(&golden, "candidates"));
    let spec = ReplaySpec::of("ranked", "newest");
    let replayed = replay(&spec, &mut ReverseChronological, (&log, &pools));
    let mut expected: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
    for place in rows(&golden, "newest") {
        let text = |at: usize| place[at].as_str().unwrap().to_owned();
        let at = place[1].as_u64().unwrap() as u32;
        expected.entry(text(0)).or_default().push((at, text(2)));
    }
    assert_eq!(slates(&replayed.log, "newest"), expected);
    let account = serde_json::to_value(replayed.account).unwrap();
    for (field, count) in golden["account"].as_object().unwrap() {
        assert_eq!(&account[field], count, "{field}");
    }
    assert_eq!(replayed.account.matched_engagement, None);
    assert_eq!(replayed.account.engagement_per_match(), None);
    // Viewer, time and place are the logged ones; propensities of the newest are 1.
    let kept = &replayed.logged;
    assert!(replayed.log.rows() < kept.rows());
    assert_eq!(replayed.log.numbers(Role::Propensity).unwrap(), vec![1.0; replayed.log.rows()]);
    let order: Vec<&str> = (0..kept.rows()).map(|row| super::id(kept, Role::Slate, row)).collect();
    let of_loops = rows(&golden, "newest").iter().map(|place| place[0].as_str().unwrap());
    let (mut order, mut of_loops) = (order, of_loops.collect::<Vec<_>>());
    order.dedup();
    of_loops.dedup();
    assert_eq!(order, of_loops);
}

/// Masses of topics under each baseline that is made of candidates, and of the treatment beside it: the
/// library's own against the script's, under uniform attention and that of DCG.
#[test]
fn baselines_have_the_masses_of_plain_loops() {
    let golden = golden();
    let (log, pools) = read(rows(&golden, "log"), rows(&golden, "candidates"));
    for case in rows(&golden, "totals") {
        let attention = match case["attention"].as_str().unwrap() {
            "uniform" => Attention::Uniform,
            _ => Attention::Logarithmic,
        };
        let baseline = match case["baseline"].as_str().unwrap() {
            "chronological" => Baseline::Chronological,
            "uniform_pool" => Baseline::UniformPool,
            "engagement" => Baseline::EngagementWeighted(EngagementWeighted { plus: 0.0 }),
            _ => Baseline::EngagementWeighted(EngagementWeighted { plus: 0.5 }),
        };
        let report = Audit::of(
            &log,
            &Question::between("ranked", baseline.clone())
                .attention(attention.clone())
                .topics(["war", "sport", "music"]),
        )
        .candidates(&pools)
        .run()
        .unwrap();
        assert_eq!(report.estimates().len(), 3);
        for (estimate, topic) in report.estimates().iter().zip(["war", "sport", "music"]) {
            for (totals, of) in [(estimate.treatment, "treatment"), (estimate.baseline, "expected")]
            {
                for (found, field) in [(totals.topic, topic), (totals.all, "all")] {
                    let expected = case[of][field].as_f64().unwrap();
                    let message = format!("{baseline}, {attention}, {of} {field}");
                    // Masses are rounded to 2^-40, one by one; of some 500 rows that adds up to less.
                    assert!((found - expected).abs() < 1e-9, "{message}: {found} {expected}");
                }
            }
        }
    }
}

/// The replay of the newest is the library's chronological baseline, to the last bit of every number, where
/// no candidates are of one moment (the replay must put them in some order, the baseline in all).
#[test]
fn reverse_chronological_is_the_chronological_baseline() {
    let golden = golden();
    let apart = |row: &Json| {
        let (mut row, item) = (row.clone(), row["item"].as_str().unwrap());
        let number: i64 = item[1..].parse().unwrap();
        row["time"] = (row["time"].as_i64().unwrap() * 100 + number).into();
        row
    };
    let candidates: Vec<Json> = rows(&golden, "candidates").iter().map(apart).collect();
    let (log, pools) = read(rows(&golden, "log"), &candidates);
    for attention in [Attention::Uniform, Attention::Logarithmic] {
        let question =
            |baseline: Baseline| Question::between("ranked", baseline).attention(attention.clone());
        let numbers = |audit: Audit<'_>| {
            let report = audit.run().unwrap();
            let numbers = report.estimates().iter().map(|estimate| {
                let interval = format!("{:?} {:?}", estimate.interval, estimate.naive);
                (estimate.value, estimate.treatment, estimate.baseline, interval)
            });
            numbers.collect::<Vec<_>>()
        };
        let chronological = question(Baseline::Chronological);
        let baseline = numbers(Audit::of(&log, &chronological).candidates(&pools));
        let spec = ReplaySpec::of("ranked", "newest");
        let replayed = replay(&spec, &mut ReverseChronological, (&log, &pools));
        let tally = TallySpec { attentions: vec![attention.clone()], ..TallySpec::default() };
        let tally = replayed.tally(&tally).unwrap();
        let arms = question(Baseline::arm("newest"));
        assert_eq!(numbers(Audit::of_tally(&tally, &arms)), baseline);
        assert_eq!(baseline.len(), 3);
    }
}

/// Shows the candidate with the greatest score that is about sport, whatever else there is.
#[derive(Debug, Default)]
struct SportFirst {
    asked: std::sync::Mutex<Vec<(i64, u32, u32)>>,
}

impl Policy for SportFirst {
    fn name(&self) -> String {
        "sport first".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        vec![Feature::Topics, Feature::Affinities]
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        let asked = (request.time, request.viewer, request.number);
        self.asked.lock().unwrap().push(asked);
        let candidates = request.candidates;
        for (place, weight) in weights.iter_mut().enumerate() {
            let sport = if candidates.topics[place] == 0 { 100.0 } else { 0.0 };
            *weight = sport + f64::from(candidates.affinities[place]);
        }
    }

    fn selection(&self) -> Selection {
        Selection::Top
    }
}

const ROWS: [Row; 5] = [
    ("ada", "r1", "a", 1, 100, "war", 0.0),
    ("ada", "r1", "b", 3, 100, "war", 1.0),
    ("bo", "r2", "c", 1, 90, "sport", 1.0),
    ("bo", "r3", "d", 1, 300, "war", 0.0),
    ("ada", "r4", "e", 2, 400, "war", 0.0),
];

const TABLE: [Candidate; 9] = [
    ("r1", "a", 10, "war", "0.5"),
    ("r1", "c", 20, "sport", "0.25"),
    ("r1", "f", 30, "sport", "1e-1"),
    ("r2", "a", 10, "war", "3"),
    ("r2", "c", 20, "sport", "1"),
    ("r3", "a", 10, "war", "0"),
    ("r3", "d", 10, "war", "0"),
    ("r9", "a", 10, "war", "1"),
    ("r9", "c", 20, "sport", "1"),
];

fn scored() -> ReplaySpec {
    let mut spec = ReplaySpec::of("ranked", "sporty");
    spec.candidates.affinity = Some(NumberColumn::Named("score".to_owned()));
    let topics = vec!["sport".to_owned(), "war".to_owned()];
    spec.topic_sets = Some(TopicSets::new(topics, vec![vec![0], vec![1]]).unwrap());
    spec
}

/// A policy of the caller's own sees what it asks for, and gives the slates that it should.
#[test]
fn a_policy_of_ones_own() {
    let log = ExposureLog::read(log_of(&ROWS), &log_schema()).unwrap();
    let mut policy = SportFirst::default();
    let replayed = replay(&scored(), &mut policy, (&log, &pools_of(&TABLE)));
    let slates = slates(&replayed.log, "sporty");
    let place = |at: u32, item: &str| (at, item.to_owned());
    assert_eq!(slates["r1"], [place(1, "c"), place(3, "f")]);
    assert_eq!(slates["r2"], [place(1, "c")]);
    // Nothing of r3 is wanted, and r4 has no candidates.
    assert_eq!(slates.len(), 2);
    let account = replayed.account;
    assert_eq!((account.requests, account.without_wanted, account.without_candidates), (4, 1, 1));
    assert_eq!((account.places, account.matches, account.shown_outside), (3, 1, 1));
    assert_eq!(account.engagement_per_match(), Some(1.0));
    // Viewers are numbered in the order of time: bo came first.
    let mut asked = policy.asked.lock().unwrap().clone();
    asked.sort_unstable();
    let of_viewer: Vec<_> = asked.iter().map(|asked| (asked.0 / 1_000_000, asked.1)).collect();
    assert_eq!(of_viewer, [(90, 0), (100, 1), (300, 0)]);
    // In the order of requests: r2, then r1 with its two ranks.
    let items = (0..3).map(|row| super::id(&replayed.log, Role::Item, row)).collect::<Vec<_>>();
    assert_eq!(items, ["c", "c", "f"]);
    assert_eq!(replayed.log.positions().unwrap(), [1, 1, 3]);
    assert!(replayed.log.numbers(Role::Engagement).is_none());
}

/// A box will do as well, and biases find topics, creators and strata by their names.
#[test]
fn policies_of_configurations() {
    let log = ExposureLog::read(log_of(&ROWS), &log_schema()).unwrap();
    let config = |bias| PolicyConfig {
        selection: Some(Selection::Top),
        biases: vec![bias],
        ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
    };
    let mut spec = scored();
    let mut policy = spec.build(&config(Bias::topic("war", 0.0)), 0).unwrap();
    let replayed = replay(&spec, &mut *policy, (&log, &pools_of(&TABLE)));
    assert_eq!(slates(&replayed.log, "sporty")["r2"], [(1, "c".to_owned())]);
    assert_eq!(replayed.account.without_wanted, 1);

    spec.candidates.creator = Some("post".to_owned());
    spec.creators = vec!["x".to_owned(), "a".to_owned()];
    let mut policy = spec.build(&config(Bias::shadow_ban([1])), 0).unwrap();
    let replayed = replay(&spec, &mut *policy, (&log, &pools_of(&TABLE)));
    assert!(slates(&replayed.log, "sporty").values().flatten().all(|(_, item)| item != "a"));
    assert!(spec.build(&config(Bias::topic("music", 2.0)), 0).is_err());
}

fn fails(spec: &ReplaySpec, policy: &mut dyn Policy, rows: &[Row], table: &[Candidate]) -> Error {
    let log = ExposureLog::read(log_of(rows), &log_schema()).unwrap();
    let replay = Replay::new(spec, policy);
    replay.and_then(|replay| replay.log(&log, &pools_of(table))).unwrap_err()
}

/// Every fault is a typed error that names what to mend.
#[test]
fn faults_are_named() {
    let plain = ReplaySpec::of("ranked", "other");
    let mut policy = SportFirst::default();
    let error = fails(&plain, &mut policy, &ROWS, &TABLE);
    assert!(matches!(error, Error::Candidates { .. }), "{error}");
    for word in ["table", "affinities", "sport first", "CandidateColumns"] {
        assert!(error.to_string().contains(word), "{error}");
    }

    let mut bad = TABLE;
    for (text, reason) in [
        ("much", FaultReason::NotANumber),
        ("-0.5", FaultReason::NegativeNumber),
        ("inf", FaultReason::NotFinite),
        ("NaN", FaultReason::NotFinite),
        ("1e39", FaultReason::NotFinite),
    ] {
        bad[4].4 = text;
        let Error::Row(fault) = fails(&scored(), &mut policy, &ROWS, &bad) else { panic!() };
        assert_eq!((fault.file.as_str(), fault.column.as_str()), ("table", "score"));
        assert_eq!((fault.row, fault.value.as_str(), fault.reason), (5, text, reason));
    }

    let mut spec = scored();
    spec.topic_sets = Some(TopicSets::new(vec!["war".to_owned()], vec![vec![0]]).unwrap());
    let error = fails(&spec, &mut policy, &ROWS, &TABLE);
    assert!(error.to_string().contains("sport"), "{error}");

    let mut spec = scored();
    spec.candidates.affinity = Some(NumberColumn::Weight);
    let error = fails(&spec, &mut policy, &ROWS, &TABLE);
    assert!(matches!(error, Error::MissingRole { role: Role::Weight, .. }), "{error}");
    let affinity = spec.candidates.affinity.take();
    spec.candidates = CandidateColumns { quality: affinity, ..CandidateColumns::default() };
    let error = fails(&spec, &mut Random, &ROWS, &TABLE);
    assert!(matches!(error, Error::MissingRole { role: Role::Weight, .. }), "{error}");

    let same = ReplaySpec::of("ranked", "ranked");
    assert!(matches!(fails(&same, &mut Random, &ROWS, &TABLE), Error::SameArm { .. }));
    let other = ReplaySpec::of("nobody", "other");
    assert!(matches!(fails(&other, &mut Random, &ROWS, &TABLE), Error::UnknownArm { .. }));
    let none = [("r9", "a", 10, "war", "1")];
    assert!(matches!(fails(&plain, &mut Random, &ROWS, &none), Error::EmptyLog { .. }));
    let mut spec = ReplaySpec::of("ranked", "other");
    spec.disorder = -1;
    assert!(matches!(fails(&spec, &mut Random, &ROWS, &TABLE), Error::Parameter { .. }));

    // Without topics in the table there would be an arm without any.
    let log = ExposureLog::read(log_of(&ROWS), &log_schema()).unwrap();
    let schema = LogSchema::new().slate("request").item("post");
    let table = ExposureLog::read(table_of(&TABLE), &schema).unwrap();
    let pools = CandidateSets::new(table, CandidateKey::Slate).unwrap();
    let error = Replay::new(&plain, &mut Random).unwrap().log(&log, &pools).unwrap_err();
    assert!(error.to_string().contains("topics"), "{error}");
}

/// Inventories of viewers and catalogues are candidates too, once published and up to their age.
#[test]
fn inventories_and_catalogues() {
    let log = ExposureLog::read(log_of(&ROWS), &log_schema()).unwrap();
    let table = SliceSource::new("inventory")
        .text("who", &["ada", "ada", "bo", "ada"])
        .text("post", &["x", "y", "z", "late"])
        .integer("born", &[50, 60, 70, 399])
        .text("about", &["sport", "war", "war", "sport"]);
    let schema = LogSchema::new()
        .viewer("who")
        .item("post")
        .time("born", TimeFormat::EpochSeconds)
        .topics(TopicColumn::single("about"));
    let table = ExposureLog::read(table, &schema).unwrap();
    let spec = ReplaySpec::of("ranked", "newest");
    let of = |by| {
        let pools = CandidateSets::new(table.clone(), by).unwrap();
        let replayed = replay(&spec, &mut ReverseChronological, (&log, &pools));
        let slates = slates(&replayed.log, "newest").into_iter();
        let items = |slate: Vec<(u32, String)>| slate.into_iter().map(|(_, item)| item).collect();
        slates.map(|(slate, places)| (slate, items(places))).collect::<Vec<(String, Vec<_>)>>()
    };
    let slate = |slate: &str, items: &[&str]| {
        (slate.to_owned(), items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>())
    };
    let viewers = of(CandidateKey::Viewer { max_age: None });
    let expected = [
        slate("r1", &["y", "x"]),
        slate("r2", &["z"]),
        slate("r3", &["z"]),
        slate("r4", &["late"]),
    ];
    assert_eq!(viewers, expected);
    let everyone = of(CandidateKey::Everyone { max_age: Some(45_000_000) });
    let expected = [slate("r1", &["z", "y"]), slate("r2", &["z"]), slate("r4", &["late"])];
    assert_eq!(everyone, expected);
}

fn shuffled(rows: &[Json]) -> impl Strategy<Value = Vec<Json>> + use<> {
    Just(rows.to_vec()).prop_shuffle()
}

fn both_orders() -> impl Strategy<Value = (Vec<Json>, Vec<Json>)> {
    let golden = golden();
    (shuffled(rows(&golden, "log")), shuffled(rows(&golden, "candidates")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Rows of log and table in any order: the same slates, propensities, account and tally.
    #[test]
    fn the_order_of_rows_does_not_matter((log, table) in both_orders(), seed in 0_u64..1_000) {
        let golden = golden();
        let made = |log: &[Json], table: &[Json]| -> Replayed {
            let (log, pools) = read(log, table);
            let mut spec = ReplaySpec::of("ranked", "random");
            spec.seed = seed;
            replay(&spec, &mut Random, (&log, &pools))
        };
        let first = made(rows(&golden, "log"), rows(&golden, "candidates"));
        let other = made(&log, &table);
        prop_assert_eq!(slates(&first.log, "random"), slates(&other.log, "random"));
        prop_assert_eq!(
            first.log.numbers(Role::Propensity), other.log.numbers(Role::Propensity)
        );
        prop_assert_eq!(first.account, other.account);
        let spec = TallySpec { attentions: vec![Attention::Logarithmic], ..TallySpec::default() };
        prop_assert_eq!(first.tally(&spec).unwrap(), other.tally(&spec).unwrap());
    }
}

/// The mean over seeds of a random replay is the uniform baseline's expectation: binomial tolerance, as
/// if places were independent, which for draws without replacement errs to the wide side.
#[test]
fn random_replays_average_to_the_uniform_baseline() {
    let golden = golden();
    let (log, pools) = read(rows(&golden, "log"), rows(&golden, "candidates"));
    // Of requests with candidates enough for every place.
    let sizes: BTreeMap<&str, usize> =
        rows(&golden, "candidates").iter().fold(BTreeMap::new(), |mut sizes, row| {
            *sizes.entry(row["slate"].as_str().unwrap()).or_default() += 1;
            sizes
        });
    let long = log.ids(Role::Slate).unwrap().clone();
    let log = log
        .filter("some rows", |row| sizes.get(long.id(row).unwrap()).is_some_and(|n| *n > 6))
        .unwrap();
    let uniform =
        Audit::of(&log, &Question::between("ranked", Baseline::UniformPool).topics(["war"]))
            .candidates(&pools)
            .run()
            .unwrap();
    let expected = uniform.estimates()[0].baseline.share.unwrap();
    let (mut war, mut all) = (0.0, 0.0);
    for seed in 0..400 {
        let mut spec = ReplaySpec::of("ranked", "random");
        spec.seed = seed;
        let tally =
            replay(&spec, &mut Random, (&log, &pools)).tally(&TallySpec::default()).unwrap();
        let report = Audit::of_tally(
            &tally,
            &Question::between("random", "ranked").statistic(TreatmentShare).topics(["war"]),
        )
        .run()
        .unwrap();
        war += report.estimates()[0].treatment.topic;
        all += report.estimates()[0].treatment.all;
    }
    let error = (expected * (1.0 - expected) / all).sqrt();
    assert!(all > 10_000.0 && (war / all - expected).abs() < 4.0 * error, "{war} {all} {expected}");
}
