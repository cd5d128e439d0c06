//! Stage waterfalls: closed forms, a plain script (`golden/make_waterfall.py`), additivity on any log, and
//! a simulated feed whose bias is known.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::decompose::{EngagementCounts, Stage, Step, Waterfall, WaterfallReport};
use tiltmeter::inference::{Bootstrap, Delta, Interval, Jackknife, WildBootstrap};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::policy::Request;
use tiltmeter::policy::{Feature, Policy, PolicyConfig};
use tiltmeter::replay::{CandidateKey, CandidateSets};
use tiltmeter::report::{WATERFALL_VERSION, WaterfallRecord};
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
use tiltmeter::source::SliceSource;
use tiltmeter::{
    Attention, ClusterBy, Error, ExposureLog, IntervalMethod, Question, Relation, Supply, Value,
    Warning,
};

/// A request: who, the topics of the candidates, and which were shown with weight and engagement.
#[derive(Clone, Debug)]
struct Asked {
    viewer: String,
    pool: Vec<&'static str>,
    shown: Vec<(usize, f64, f64)>,
}

/// The log and its candidates.
fn feed(requests: &[Asked]) -> (ExposureLog, CandidateSets) {
    let (mut viewers, mut slates, mut items, mut ranks) = (vec![], vec![], vec![], vec![]);
    let (mut topics, mut weights, mut engaged) = (vec![], vec![], vec![]);
    let (mut pools, mut candidates, mut about) = (vec![], vec![], vec![]);
    for (at, request) in requests.iter().enumerate() {
        for (place, topic) in request.pool.iter().enumerate() {
            pools.push(format!("r{at}"));
            candidates.push(format!("r{at} i{place}"));
            about.push(*topic);
        }
        for (rank, (place, weight, engagement)) in (1_i64..).zip(&request.shown) {
            viewers.push(request.viewer.clone());
            slates.push(format!("r{at}"));
            items.push(format!("r{at} i{place}"));
            ranks.push(rank);
            topics.push(request.pool[*place]);
            weights.push(*weight);
            engaged.push(*engagement);
        }
    }
    let arms = vec!["feed"; viewers.len()];
    let log = SliceSource::new("feed")
        .text("viewer", &viewers)
        .text("slate", &slates)
        .text("item", &items)
        .text("arm", &arms)
        .integer("rank", &ranks)
        .text("topic", &topics)
        .float("dwell", &weights)
        .float("likes", &engaged);
    let schema = LogSchema::new()
        .viewer("viewer")
        .slate("slate")
        .item("item")
        .arm("arm")
        .position("rank")
        .topics(TopicColumn::single("topic"))
        .weight("dwell")
        .engagement("likes");
    let table = SliceSource::new("candidates")
        .text("slate", &pools)
        .text("item", &candidates)
        .text("topic", &about);
    let of_pools =
        LogSchema::new().slate("slate").item("item").topics(TopicColumn::single("topic"));
    let pools =
        CandidateSets::new(ExposureLog::read(table, &of_pools).unwrap(), CandidateKey::Slate)
            .unwrap();
    (ExposureLog::read(log, &schema).unwrap(), pools)
}

fn supply(items: &[(&str, String)]) -> ExposureLog {
    let ids: Vec<String> = (0..items.len()).map(|at| format!("s{at}")).collect();
    let topics: Vec<&str> = items.iter().map(|(topic, _)| *topic).collect();
    let creators: Vec<&str> = items.iter().map(|(_, creator)| &**creator).collect();
    let table = SliceSource::new("items")
        .text("item", &ids)
        .text("topic", &topics)
        .text("creator", &creators);
    let schema =
        LogSchema::new().item("item").topics(TopicColumn::single("topic")).column("creator");
    ExposureLog::read(table, &schema).unwrap()
}

fn log_of(step: &Step) -> f64 {
    step.estimate.value.number().unwrap()
}

fn asked(viewer: &str, pool: &[&'static str], shown: &[(usize, f64, f64)]) -> Asked {
    Asked { viewer: viewer.to_owned(), pool: pool.to_vec(), shown: shown.to_vec() }
}

/// By hand: 1 of 4 items; of the candidates 1/2 and 1/4 for two places each, so 3/8; ranked 2 of 4;
/// exposed (top 1, dwell) 3 of 4 seconds; engaged 6 of 7 of dwell times likes, or 2 of 3 likes.
#[test]
fn closed_form() {
    let requests = [
        asked("a", &["war", "sport"], &[(0, 3.0, 2.0), (1, 5.0, 7.0)]),
        asked("b", &["war", "sport", "sport", "sport"], &[(1, 1.0, 1.0), (0, 9.0, 4.0)]),
    ];
    let (log, pools) = feed(&requests);
    let items: Vec<_> = ["war", "sport", "sport", "music"].map(|t| (t, t.to_owned())).to_vec();
    let items = supply(&items);
    let question = Question::of_arm("feed").attention(Attention::TopK { k: 1 }).topics(["war"]);
    let waterfall = || {
        Waterfall::of(&log, &question)
            .supply(&items, Supply::Known)
            .candidates(&pools)
            .engagement(EngagementCounts::TimesMass)
    };
    let report = waterfall().run().unwrap();
    assert_eq!(report.stages(), Stage::ALL);
    assert!(report.missing().is_empty());
    let war = &report.waterfalls()[0];
    let shares: Vec<f64> = war.stages.iter().map(|stage| stage.share.unwrap()).collect();
    for (share, expected) in
        shares.iter().zip([1.0 / 4.0, 3.0 / 8.0, 1.0 / 2.0, 3.0 / 4.0, 6.0 / 7.0])
    {
        assert!((share - expected).abs() < 1e-11, "{shares:?}");
    }
    for (step, factor) in war.steps.iter().zip([3.0 / 2.0, 4.0 / 3.0, 3.0 / 2.0, 8.0 / 7.0]) {
        assert!((log_of(step).exp() - factor).abs() < 1e-11, "{step:?}");
        assert!(step.estimate.naive.is_none());
    }
    assert!((log_of(&war.total).exp() - 24.0 / 7.0).abs() < 1e-10);
    // The same two viewers in both stages.
    let clusters = war.steps[1].estimate.clusters;
    assert_eq!((clusters.both, clusters.relation), (2, Relation::Crossed));

    // Likes alone: at every rank, 6 of 14.
    let alone = waterfall().engagement(EngagementCounts::Alone).run().unwrap();
    let share = alone.waterfalls()[0].stages[4].share.unwrap();
    assert!((share - 6.0 / 14.0).abs() < 1e-12);
}

fn golden_feed(golden: &Json) -> (ExposureLog, CandidateSets, ExposureLog) {
    let topic = |code: &Json| match code.as_u64().unwrap() {
        0 => "war",
        1 => "sport",
        _ => "music",
    };
    let numbers = |list: &Json| -> Vec<f64> {
        list.as_array().unwrap().iter().map(|its| its.as_f64().unwrap()).collect()
    };
    let requests: Vec<Asked> = golden["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let places = numbers(&request["shown"]).into_iter().map(|place| place as usize);
            let (dwell, likes) = (numbers(&request["dwell"]), numbers(&request["likes"]));
            Asked {
                viewer: request["viewer"].as_str().unwrap().to_owned(),
                pool: request["pool"].as_array().unwrap().iter().map(topic).collect(),
                shown: places.zip(dwell).zip(likes).map(|((p, d), l)| (p, d, l)).collect(),
            }
        })
        .collect();
    let items = golden["items"].as_array().unwrap().iter();
    let items: Vec<_> = items
        .map(|item| (topic(&item["topic"]), item["creator"].as_str().unwrap().to_owned()))
        .collect();
    let (log, pools) = feed(&requests);
    (log, pools, supply(&items))
}

fn close(what: &str, ours: f64, golden: &Json, tolerance: f64) {
    let golden = golden.as_f64().unwrap();
    let scale = golden.abs().max(1e-3);
    assert!((ours - golden).abs() <= tolerance * scale, "{what}: {ours} against {golden}");
}

/// Witness: numpy and scipy. Masses are rounded to 2^-40, the script's are not; hence 1e-8.
#[test]
fn golden_errors_of_every_step() {
    let text = include_str!("../golden/waterfall.json");
    let golden: Json = serde_json::from_str(text).unwrap();
    let (log, pools, items) = golden_feed(&golden);
    let mut compared = 0;
    let sampled = Supply::Sampled { cluster: ClusterBy::column("creator") };
    for (name, kind) in [("known", Supply::Known), ("sampled", sampled)] {
        let question = Question::of_arm("feed").attention(Attention::Logarithmic);
        let report = Waterfall::of(&log, &question)
            .supply(&items, kind)
            .candidates(&pools)
            .engagement(EngagementCounts::TimesMass)
            .interval(Interval::Delta(Delta::default()))
            .run()
            .unwrap();
        let from_candidates = Waterfall::of(&log, &question)
            .candidates(&pools)
            .engagement(EngagementCounts::TimesMass)
            .interval(Interval::Delta(Delta::default()))
            .run()
            .unwrap();
        for topic in ["war", "sport", "music"] {
            let found = &golden["found"][topic];
            let of_feed = |report: &WaterfallReport| report.waterfall(topic).unwrap().clone();
            let (waterfall, shorter) = (of_feed(&report), of_feed(&from_candidates));
            for step in waterfall.steps.iter().chain([&waterfall.total, &shorter.total]) {
                let named = format!("{} to {}", step.from, step.to);
                let row = match step.from {
                    Stage::Supply => &found[&named][name],
                    _ => &found["steps"][&named],
                };
                let what = format!("{name}, {topic}, {named}");
                let estimate = &step.estimate;
                let interval = estimate.interval.unwrap();
                close(&what, log_of(step), &row["log_ratio"], 1e-8);
                close(&what, estimate.standard_error.unwrap(), &row["standard_error"], 1e-8);
                close(&what, estimate.degrees_of_freedom.unwrap(), &row["degrees"], 1e-8);
                close(&what, interval.low.unwrap(), &row["low"], 1e-8);
                close(&what, interval.high.unwrap(), &row["high"], 1e-8);
                compared += 5;
            }
        }
    }
    assert_eq!(compared, 2 * 3 * 6 * 5);
}

/// Every method of intervals has one for every step of the golden feed.
#[test]
fn all_methods_of_intervals() {
    let golden: Json = serde_json::from_str(include_str!("../golden/waterfall.json")).unwrap();
    let (log, pools, _) = golden_feed(&golden);
    for (interval, method) in [
        (Interval::Bootstrap(Bootstrap::default()), None),
        (Interval::Jackknife(Jackknife::default()), Some(IntervalMethod::Jackknife)),
        (Interval::WildBootstrap(WildBootstrap::default()), Some(IntervalMethod::WildBootstrap)),
    ] {
        let question = Question::of_arm("feed").attention(Attention::Reciprocal);
        let report = Waterfall::of(&log, &question).candidates(&pools).interval(interval);
        let report = report.run().unwrap();
        for step in report.waterfalls().iter().flat_map(|its| &its.steps) {
            let its = step.estimate.interval.unwrap();
            assert!(its.low.unwrap() < log_of(step) && log_of(step) < its.high.unwrap());
            assert!(method.is_none() || step.estimate.method == method);
        }
    }
}

fn requests() -> impl Strategy<Value = Vec<Asked>> {
    let topic = prop_oneof![Just("war"), Just("sport"), Just("music")];
    let shown = prop::collection::vec((0_usize..5, 0.0..9.0_f64, 0_u8..4), 1..4);
    let one =
        (0_u8..5, prop::collection::vec(topic, 5), shown).prop_map(|(viewer, pool, shown)| {
            let shown = shown.into_iter().map(|(at, dwell, likes)| (at, dwell, f64::from(likes)));
            Asked { viewer: format!("v{viewer}"), pool, shown: shown.collect() }
        });
    prop::collection::vec(one, 2..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The total is the sum of the steps, to 1e-12, wherever all are finite; and steps are states, never
    /// NaN, where they are not.
    #[test]
    fn steps_add_up(requests in requests()) {
        let (log, pools) = feed(&requests);
        let report =
            Waterfall::of(&log, &Question::of_arm("feed").attention(Attention::Logarithmic)).candidates(&pools);
        for waterfall in report.run().unwrap().waterfalls() {
            let logs: Option<Vec<f64>> = waterfall
                .steps
                .iter()
                .map(|step| match step.estimate.value {
                    Value::Estimated(log) => Some(log),
                    other => { assert!(other.number().is_none_or(f64::is_infinite)); None }
                })
                .collect();
            if let Some(logs) = logs {
                let sum: f64 = logs.iter().sum();
                prop_assert!((sum - log_of(&waterfall.total)).abs() < 1e-12);
            }
            for (step, pair) in waterfall.steps.iter().zip(waterfall.stages.windows(2)) {
                prop_assert_eq!((step.from, step.to), (pair[0].stage, pair[1].stage));
                prop_assert_eq!(step.estimate.treatment.share, pair[1].share);
                prop_assert_eq!(step.estimate.baseline.share, pair[0].share);
            }
        }
    }
}

/// Weighs all candidates alike, but for a topic; and writes down whose candidates they were.
#[derive(Debug)]
struct Recorded {
    factor: f64,
    /// By set of topics, whether it has the topic.
    favoured: Vec<bool>,
    seen: Arc<Mutex<BTreeMap<u64, Vec<u32>>>>,
}

impl Policy for Recorded {
    fn name(&self) -> String {
        "recorded".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        vec![Feature::Topics]
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        for (weight, &set) in weights.iter_mut().zip(&request.candidates.topics) {
            *weight = if self.favoured[set as usize] { self.factor } else { 1.0 };
        }
        let slate = (u64::from(request.viewer) << 32) + u64::from(request.number);
        self.seen.lock().unwrap().insert(slate, request.candidates.items.clone());
    }
}

/// The ranking step of a simulated feed that shows one item of its candidates, a topic's with `factor`
/// times the weight of others; and what is true of it, given the candidates.
fn ranking(factor: f64, interval: Interval) -> (Step, f64) {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 600;
    config.days = 3;
    config.slate = 1;
    let simulation = Simulation::new(&config).unwrap();
    let sets = simulation.catalogue().topic_sets();
    let topic = sets.topic("conflict").unwrap();
    let favoured: Vec<bool> =
        (0..sets.len()).map(|set| sets.of(set as u32).contains(&topic)).collect();
    let names: Vec<String> = (0..sets.len())
        .map(|set| sets.topics()[usize::from(sets.of(set as u32)[0])].clone())
        .collect();
    let of_item = simulation.catalogue().topics().to_vec();
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let (flags, shared) = (favoured.clone(), Arc::clone(&seen));
    config.arms[0].policy = PolicyConfig::own("recorded", move |_| Recorded {
        factor,
        favoured: flags.clone(),
        seen: Arc::clone(&shared),
    });
    let log = Simulation::new(&config).unwrap().log().unwrap();
    let seen = seen.lock().unwrap();

    let rows =
        || seen.iter().flat_map(|(slate, items)| items.iter().map(move |item| (slate, item)));
    let slates: Vec<String> = rows().map(|(slate, _)| slate.to_string()).collect();
    let items: Vec<String> = rows().map(|(_, item)| item.to_string()).collect();
    let topics: Vec<&str> =
        rows().map(|(_, item)| &*names[of_item[*item as usize] as usize]).collect();
    let table = SliceSource::new("candidates")
        .text("slate", &slates)
        .text("item", &items)
        .text("topic", &topics);
    let schema = LogSchema::new().slate("slate").item("item").topics(TopicColumn::single("topic"));
    let pools = CandidateSets::new(ExposureLog::read(table, &schema).unwrap(), CandidateKey::Slate)
        .unwrap();
    let question = Question::of_arm("treatment").topics(["conflict"]);
    let report = Waterfall::of(&log, &question).candidates(&pools);
    let report = report.interval(interval).run().unwrap();
    assert!(report.warnings().iter().all(|warning| !matches!(
        warning,
        Warning::RequestsWithoutCandidates { .. } | Warning::ShownOutsidePool { .. }
    )));

    // One place: a candidate's chance is its part of the weights.
    let (mut weighted, mut uniform) = (0.0, 0.0);
    for items in seen.values() {
        let of = items.iter().filter(|item| favoured[of_item[**item as usize] as usize]).count();
        let (of, others) = (of as f64, (items.len() - of) as f64);
        weighted += factor * of / (factor * of + others);
        uniform += of / (of + others);
    }
    (report.waterfalls()[0].steps[0].clone(), (weighted / uniform).ln())
}

/// The step of ranking is the bias that was put in: within its interval, and with an error as short as
/// so many requests allow.
#[test]
fn the_step_of_ranking_finds_a_known_bias() {
    let by_delta = Interval::Delta(Delta::default());
    let asked = [1.0, 1.5, 3.0].map(|factor| [(factor, by_delta), (factor, Interval::default())]);
    for (factor, method) in asked.into_iter().flatten() {
        let (step, truth) = ranking(factor, method);
        assert_eq!((step.from, step.to), (Stage::Candidates, Stage::Ranked));
        let interval = step.estimate.interval.unwrap();
        let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
        assert!(low <= truth && truth <= high, "{factor}: {truth} not in {low} to {high}");
        assert!(method != by_delta || high - low < 0.4, "{factor}: {low} to {high}");
        // A bias is told from none.
        assert_eq!(low > 0.0, factor > 1.0, "{factor}: {low} to {high}");
    }
}

/// Eight viewers without positions, weights or engagement.
fn example() -> Result<ExposureLog, Error> {
    let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    Ok(log)
}

#[test]
fn missing_stages_are_named() {
    let log = example().unwrap();
    let error = Waterfall::of(&log, &Question::of_arm("ranked")).run().unwrap_err();
    assert!(
        matches!(error, Error::Unstated { what: "second stage (see Waterfall)", .. }),
        "{error}"
    );
    let items = supply(&[("war", "x".to_owned()), ("sport", "y".to_owned())]);
    let report = Waterfall::of(&log, &Question::of_arm("ranked"))
        .supply(&items, Supply::Known)
        .run()
        .unwrap();
    let missing: Vec<Stage> = report.missing().iter().map(|missing| missing.stage).collect();
    assert_eq!(missing, [Stage::Candidates, Stage::Exposed, Stage::Engaged]);
    let text = report.to_string();
    assert!(
        text.contains("it needs the candidates of each request: Waterfall::candidates"),
        "{text}"
    );
    // Music is not in the supply: something over nothing.
    let music = report.waterfall("music").unwrap();
    assert_eq!(music.total.estimate.value, Value::Infinite);
    assert!(text.contains("infinite"), "{text}");
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let negative =
        [asked("a", &["war"], &[(0, 1.0, -1.0)]), asked("b", &["sport"], &[(0, 1.0, 1.0)])];
    let (log, _) = feed(&negative);
    let error = Waterfall::of(&log, &Question::of_arm("feed")).run().unwrap_err();
    assert!(error.to_string().contains("the engagement of an impression is -1"), "{error}");
    let error = Waterfall::of(&log, &Question::of_arm("food")).run().unwrap_err();
    assert!(matches!(error, Error::UnknownArm { .. }), "{error}");
    let error = Waterfall::of(&log, &Question::of_arm("feed").cluster(ClusterBy::Impression))
        .run()
        .unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }), "{error}");
}

#[test]
fn requests_without_candidates_are_counted() {
    let requests = [
        asked("a", &["war", "sport"], &[(0, 1.0, 1.0)]),
        asked("b", &["war", "sport"], &[(1, 1.0, 1.0)]),
    ];
    let (log, _) = feed(&requests);
    let (_, pools) = feed(&requests[..1]);
    let report = Waterfall::of(&log, &Question::of_arm("feed")).candidates(&pools).run().unwrap();
    let warning = Warning::RequestsWithoutCandidates { requests: 1, of: 2 };
    assert!(report.warnings().contains(&warning));
    // The request is in no stage.
    assert!(report.waterfall("war").unwrap().stages.iter().all(|stage| stage.all == 1.0));
}

#[test]
fn the_json_is_documented() {
    let document = include_str!("../../docs/waterfall-json.md");
    let documented = |name: &str| assert!(document.contains(&format!("`{name}`")), "{name}");
    let golden: Json = serde_json::from_str(include_str!("../golden/waterfall.json")).unwrap();
    let (log, pools, _) = golden_feed(&golden);
    let report = Waterfall::of(&log, &Question::of_arm("feed")).candidates(&pools).run().unwrap();
    let text = report.to_json().unwrap();
    assert_eq!(WaterfallRecord::from_json(&text).unwrap(), WaterfallRecord::from(&report));
    let json: Json = serde_json::from_str(&text).unwrap();
    let topic = &json["waterfalls"][0];
    for object in [&json, topic, &topic["stages"][0], &topic["total"], &json["missing"][0]] {
        object.as_object().unwrap().keys().for_each(|key| documented(key));
    }
    Stage::ALL.iter().for_each(|stage| documented(stage.name()));
    ["times_mass", "alone"].iter().for_each(|name| documented(name));
    assert_eq!(json["version"], WATERFALL_VERSION);
}

/// A picture of every topic, with states at the edges and nothing that is no number.
#[cfg(feature = "plot")]
#[test]
fn the_plot_is_described() {
    let log = example().unwrap();
    let items =
        supply(&[("war", "x".to_owned()), ("sport", "y".to_owned()), ("<chess>", "y".to_owned())]);
    let report = Waterfall::of(&log, &Question::of_arm("ranked"))
        .supply(&items, Supply::Known)
        .run()
        .unwrap();
    for waterfall in report.waterfalls() {
        let svg = report.to_svg(&waterfall.topic).unwrap();
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"Waterfall of topic"), "{svg}");
        assert!(svg.contains("<desc>") && !svg.contains("NaN") && !svg.contains("<chess>"));
    }
    let error = report.to_svg("peace").unwrap_err();
    assert!(error.to_string().contains("a topic of the report"), "{error}");
}
