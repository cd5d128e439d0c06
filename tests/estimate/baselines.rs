//! Baselines that are not arms: numpy and scipy by `golden/make_baselines.py`, closed forms, and what is
//! refused. The target of propensities against `../shared/golden/open_bandit.json` (numpy).

use crate::shared;

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::inference::{Bootstrap, Delta, DeltaTest, Permutation, Test};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::off_policy::{Floor, Measure, OffPolicy, Target};
use tiltmeter::replay::{CandidateKey, CandidateSets};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, AnyStatistic, Difference, Over};
use tiltmeter::{
    Attention, Audit, Baseline, Bias, ClusterBy, Denominator, EngagementWeighted, Error, Estimate,
    ExposureLog, Interval, Period, Propensity, Question, Reach, Reference, ReferenceShare,
    Relation, Supply, Unit, Value, Warning,
};

const TOLERANCE: f64 = 1e-9;
const DAY: i64 = 86_400_000_000;

fn golden() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/baselines.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn column<T: serde::de::DeserializeOwned>(of: &Json, name: &str) -> Vec<T> {
    serde_json::from_value(of[name].clone()).unwrap()
}

/// The log of the script, its rows in this order.
fn log(golden: &Json, order: impl Fn(usize) -> usize) -> ExposureLog {
    let of = &golden["log"];
    let rows = column::<i64>(of, "viewer").len();
    let order: Vec<usize> = (0..rows).map(order).collect();
    let whole = |name: &str| -> Vec<i64> {
        let values: Vec<i64> = column(of, name);
        order.iter().map(|&row| values[row]).collect()
    };
    let topics: Vec<String> = column(of, "topic");
    let weights: Vec<f64> = column(of, "weight");
    let days = whole("day");
    let source = SliceSource::new("script")
        .integer("viewer", &whole("viewer"))
        .integer("item", &whole("item"))
        .integer("position", &whole("position"))
        .integer("at", &days.iter().map(|day| day * DAY + 1).collect::<Vec<_>>())
        .text("feed", &vec!["ranked"; rows])
        .float("dwell", &order.iter().map(|&row| weights[row]).collect::<Vec<_>>())
        .text("topic", &order.iter().map(|&row| topics[row].as_str()).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .viewer("viewer")
        .item("item")
        .arm("feed")
        .position("position")
        .time("at", TimeFormat::EpochMicroseconds)
        .weight("dwell")
        .topics(TopicColumn::single("topic"));
    ExposureLog::read(source, &schema).unwrap()
}

fn items(golden: &Json) -> ExposureLog {
    let of = &golden["items"];
    let topics: Vec<String> = column(of, "topic");
    let creators: Vec<i64> = column(of, "creator");
    let source = SliceSource::new("items")
        .integer("item", &(0..topics.len() as i64).collect::<Vec<_>>())
        .integer("creator", &creators)
        .float("times_offered", &column::<f64>(of, "weight"))
        .text("topic", &topics.iter().map(String::as_str).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .item("item")
        .column("creator")
        .weight("times_offered")
        .topics(TopicColumn::single("topic"));
    ExposureLog::read(source, &schema).unwrap()
}

fn attention(name: &str) -> Attention {
    match name {
        "uniform" => Attention::Uniform,
        _ => Attention::Logarithmic,
    }
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().unwrap().estimates()[0].clone()
}

fn close(what: &str, ours: Option<f64>, golden: &Json) {
    let (ours, golden) = (ours.unwrap_or(f64::NAN), golden.as_f64().unwrap());
    assert!((ours - golden).abs() <= TOLERANCE * golden.abs(), "{what}: {ours} against {golden}");
}

fn agree(what: &str, estimate: &Estimate, golden: &Json) {
    let interval = estimate.interval.unwrap();
    close(what, estimate.value.number(), &golden["value"]);
    close(what, estimate.standard_error, &golden["standard_error"]);
    if let Some(degrees) = golden.get("degrees_of_freedom") {
        close(what, estimate.degrees_of_freedom, degrees);
    }
    close(what, interval.low, &golden["low"]);
    close(what, interval.high, &golden["high"]);
}

fn question(baseline: Baseline, attention: &Attention) -> Question {
    Question::between("ranked", baseline).topics(["war"]).attention(attention.clone())
}

fn audit<'l>(log: &'l ExposureLog, question: &Question) -> Audit<'l> {
    Audit::of(log, question).interval(Interval::Delta(Delta::default()))
}

fn reference(bias: Bias) -> Baseline {
    let share = ReferenceShare::Counts { topic: 200, all: 1000 };
    Baseline::Reference(Reference::new("elsewhere", bias).share("war", share))
}

/// Every number of the script, to 1e-9.
#[test]
fn numpy_agrees() {
    let golden = golden();
    let (log, items) = (log(&golden, |row| row), items(&golden));
    for name in ["uniform", "log2"] {
        let (cases, attention) = (&golden["cases"][name], attention(name));
        let supply = |supply| question(Baseline::Supply(supply), &attention);
        let answer = |question: Question| first(audit(&log, &question).supply(&items));
        agree("known", &answer(supply(Supply::Known)), &cases["known"]);
        let tagged = supply(Supply::Known).denominator(Denominator::TaggedImpressions);
        agree("tagged", &answer(tagged), &cases["known_tagged"]);
        let mean = supply(Supply::Known).unit(Unit::ClusterMean);
        agree("cluster mean", &answer(mean), &cases["known_cluster_mean"]);
        let by_item = answer(supply(Supply::Sampled { cluster: ClusterBy::Item }));
        agree("sampled items", &by_item, &cases["sampled_item"]);
        assert_eq!((by_item.clusters.baseline, by_item.clusters.relation), (60, Relation::Nested));
        let by_creator = supply(Supply::Sampled { cluster: ClusterBy::column("creator") });
        agree("sampled creators", &answer(by_creator), &cases["sampled_creator"]);

        let against = |bias| question(reference(bias), &attention);
        let answer = |question: Question| first(audit(&log, &question));
        agree("reference", &answer(against(Bias::NONE)), &cases["reference"]);
        let biased = answer(against(Bias { low: 0.8, high: 1.5 }));
        let (interval, golden) = (biased.interval.unwrap(), &cases["reference_biased"]);
        assert_eq!(biased.baseline.share, Some(0.2));
        let from_elsewhere = |w: &&Warning| matches!(w, Warning::BaselineFromElsewhere { .. });
        assert_eq!(biased.warnings.iter().filter(from_elsewhere).count(), 1);
        let Value::Between { low, high } = biased.value else { panic!("{:?}", biased.value) };
        close("least", Some(low), &golden["value_low"]);
        close("greatest", Some(high), &golden["value_high"]);
        close("lower end", interval.low, &golden["low"]);
        close("upper end", interval.high, &golden["high"]);
        let difference = answer(against(Bias::NONE).statistic(Difference));
        agree("difference", &difference, &cases["reference_difference"]);

        let gap = Period { cut: 5 * DAY, since: None, resume: Some(6 * DAY), until: None };
        let period = answer(question(Baseline::Period(gap), &attention));
        agree("period", &period, &cases["period"]);
        assert_eq!(period.clusters.relation, Relation::Crossed);
    }
}

/// What is said about a baseline from elsewhere, and that nothing was permuted or resampled of it.
#[test]
fn what_is_known_from_elsewhere_does_not_vary() {
    let golden = golden();
    let (log, items) = (log(&golden, |row| row), items(&golden));
    let known = question(Baseline::Supply(Supply::Known), &Attention::Uniform);
    let known = || audit(&log, &known).supply(&items);
    let estimate = first(known());
    assert_eq!(estimate.clusters.baseline, 0);
    assert!(estimate.baseline.share.unwrap() > 0.1);
    let warned = Warning::BaselineFromElsewhere { standard_error: 0.0 };
    assert!(estimate.warnings.contains(&warned));
    assert!(!estimate.warnings.iter().any(|w| matches!(w, Warning::FewClusters { .. })));
    // Every impression independent: the error of the treatment's share alone.
    let treatment = estimate.treatment;
    assert!(treatment.share.unwrap() > 0.0 && estimate.naive.unwrap().standard_error > 0.0);
    // Other methods resample the treatment's clusters alone: near the delta method's error.
    let bootstrap = first(known().interval(Interval::Bootstrap(Bootstrap::default())));
    let ratio = bootstrap.standard_error.unwrap() / estimate.standard_error.unwrap();
    assert!((0.8..1.25).contains(&ratio), "{ratio}");
    let permuted = first(known().test(Test::Permutation(Permutation::default())));
    assert!(permuted.test.unwrap().p.is_err());
}

/// A test against a reference that may be biased: no evidence where the null lies between, else the
/// weaker of the two ends.
#[test]
fn bias_takes_evidence_away() {
    let golden = golden();
    let log = log(&golden, |row| row);
    let p = |bias| {
        let audit = audit(&log, &question(reference(bias), &Attention::Uniform));
        first(audit.test(Test::Delta(DeltaTest::default()))).test.unwrap().p.unwrap()
    };
    // The share is 0.47, so against 0.2 it is 2.35 times, and with a factor of 2.5 it may be 0.94.
    let (none, some) = (p(Bias::NONE), p(Bias::within_factor(2.0)));
    assert!(none < some && some < 0.2, "{none} {some}");
    assert_eq!(p(Bias::within_factor(2.5)), 1.0);
}

/// The intervals of a biased reference cover any true baseline within the bias at least as often as
/// stated: 1,000 samples of the baseline and the treatment each, for a truth at either end.
#[test]
fn bounds_cover() {
    const STUDIES: u64 = 1000;
    let mut covered = [0_u64; 2];
    let uniform = |study: u64, place: u64| {
        // A 64-bit mix (splitmix64), which is all that a simulation of coins needs.
        let mut z = (study << 32 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(77);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (share, elsewhere, bias) = (0.3, 0.2, Bias { low: 0.8, high: 1.5 });
    for study in 0..STUDIES {
        let viewers: Vec<i64> = (0..1200).map(|row| row / 30).collect();
        let war = |row: u64| uniform(study, row) < share;
        let topics: Vec<&str> = (0..1200).map(|r| if war(r) { "war" } else { "sport" }).collect();
        let source = SliceSource::new("coins")
            .integer("viewer", &viewers)
            .text("arm", &vec!["ranked"; 1200])
            .text("topic", &topics);
        let schema =
            LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
        let log = ExposureLog::read(source, &schema).unwrap();
        let topic = (0..400).filter(|row| uniform(study, 10_000 + row) < elsewhere).count() as u64;
        let counts = ReferenceShare::Counts { topic, all: 400 };
        let baseline = Reference::new("coins", bias).share("war", counts);
        let question = question(Baseline::Reference(baseline), &Attention::Uniform);
        let audit = audit(&log, &question);
        let interval = first(audit).interval.unwrap();
        for (covered, factor) in covered.iter_mut().zip([bias.low, bias.high]) {
            let truth = share / (elsewhere * factor);
            let inside = interval.low.unwrap() <= truth && truth <= interval.high.unwrap();
            *covered += u64::from(inside);
        }
    }
    // At an end of the bias one side alone may err: 97.5%, sd of the simulation 0.5 points.
    for covered in covered {
        let rate = covered as f64 / STUDIES as f64;
        assert!((0.955..0.995).contains(&rate), "{rate}");
    }
}

/// Where a share is zero or the baseline has nothing of the topic, states and one-sided bounds.
#[test]
fn nothing_of_a_topic() {
    let golden = golden();
    let (log, items) = (log(&golden, |row| row), items(&golden));
    let known = Baseline::Supply(Supply::Known);
    let nothing = log
        .clone()
        .with_topics_by_row(|_, row| vec![if row == 0 { "rare" } else { "sport" }])
        .unwrap();
    let rare = question(known.clone(), &Attention::Uniform).topics(["rare"]);
    let estimate = first(audit(&nothing, &rare).supply(&items));
    assert_eq!(estimate.value, Value::Infinite);

    let retagged = items
        .clone()
        .with_topics_by_row(|_, row| vec![if row < 30 { "war" } else { "rare" }])
        .unwrap();
    let sport = Question::between("ranked", known).topics(["sport"]);
    assert_eq!(first(audit(&log, &sport).supply(&retagged)).value, Value::Infinite);

    // Shown in another arm only: a share of zero, with an upper bound for the ratio.
    let arms: Vec<&str> = (0..40).map(|row| if row < 39 { "ranked" } else { "other" }).collect();
    let topics: Vec<&str> = (0..40).map(|row| if row < 39 { "sport" } else { "late" }).collect();
    let source = SliceSource::new("late")
        .integer("viewer", &(0..40).map(|row| row / 3).collect::<Vec<i64>>())
        .text("arm", &arms)
        .text("topic", &topics);
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let share = ReferenceShare::Known(0.25);
    let baseline = Baseline::Reference(Reference::new("r", Bias::NONE).share("late", share));
    let estimate = first(audit(&log, &question(baseline, &Attention::Uniform).topics(["late"])));
    assert_eq!(estimate.value, Value::Zero(0.0));
    // Of 13 viewers, since nothing tells how alike a viewer's impressions are: 1 - 0.025^(1/13).
    let expected = (1.0 - 0.025_f64.powf(1.0 / 13.0)) / 0.25;
    let high = estimate.interval.unwrap().high.unwrap();
    assert!((high / expected - 1.0).abs() < 1e-12, "{high} against {expected}");
}

/// Shares to which a ratio would be no number are refused, and errors that no share has.
#[test]
fn references_out_of_range() {
    let is_taken = |share, low| {
        let reference = Reference::new("elsewhere", Bias { low, high: 1.0 });
        reference.share("war", share).check().is_ok()
    };
    let known = ReferenceShare::Known;
    assert!(is_taken(known(1e-99), 1.0) && is_taken(known(0.0), 1e-300));
    assert!(!is_taken(known(5e-324), 1.0) && !is_taken(known(0.5), 1e-300));
    let estimated = |standard_error| ReferenceShare::Estimated { share: 0.5, standard_error };
    assert!(is_taken(estimated(1.0), 1.0) && !is_taken(estimated(1e308), 1.0));
}

/// Slates of two requests with their candidates, by hand.
fn requests() -> (ExposureLog, ExposureLog) {
    let shown = SliceSource::new("shown")
        .integer("viewer", &[1, 1, 1, 2, 2, 3])
        .text("slate", &["r1", "r1", "r1", "r2", "r2", "r3"])
        .text("arm", &["ranked"; 6])
        .integer("position", &[1, 2, 3, 1, 2, 1])
        .text("item", &["a", "b", "c", "a", "x", "a"])
        .text("topic", &["war", "war", "sport", "war", "sport", "war"]);
    let schema = LogSchema::new()
        .viewer("viewer")
        .slate("slate")
        .arm("arm")
        .position("position")
        .item("item")
        .topics(TopicColumn::single("topic"));
    let log = ExposureLog::read(shown, &schema).unwrap();
    let candidates = SliceSource::new("candidates")
        .text("slate", &["r1", "r1", "r1", "r1", "r1", "r2", "r2", "r2"])
        .text("item", &["a", "b", "c", "d", "e", "a", "d", "e"])
        .integer("published", &[5, 6, 7, 9, 9, 5, 9, 9])
        .integer("likes", &[8, 1, 1, 0, 0, 6, 2, 0])
        .text("topic", &["war", "war", "sport", "sport", "music", "war", "sport", "music"]);
    let schema = LogSchema::new()
        .slate("slate")
        .item("item")
        .time("published", TimeFormat::EpochSeconds)
        .engagement("likes")
        .topics(TopicColumn::single("topic"));
    (log, ExposureLog::read(candidates, &schema).unwrap())
}

fn share(
    log: &ExposureLog,
    pools: &CandidateSets,
    baseline: Baseline,
    attention: Attention,
) -> Estimate {
    first(Audit::of(log, &question(baseline, &attention)).candidates(pools))
}

/// By hand: of r1 the newest three are d and e (of one moment, in either order) and c, of r2 d and e. r3 has
/// no candidates and is left out of both arms; x was shown though it was no candidate.
#[test]
fn candidates_by_hand() {
    let (log, table) = requests();
    let pools = CandidateSets::new(table, CandidateKey::Slate).unwrap();
    let newest = share(&log, &pools, Baseline::Chronological, Attention::Uniform);
    assert_eq!(newest.baseline.share, Some(0.0));
    assert_eq!((newest.treatment.share, newest.treatment.impressions), (Some(3.0 / 5.0), 5));
    assert_eq!(newest.value, Value::Infinite);
    for warning in [
        Warning::RequestsWithoutCandidates { requests: 1, of: 3 },
        Warning::ShownOutsidePool { impressions: 1 },
    ] {
        assert!(newest.warnings.contains(&warning), "{:?}", newest.warnings);
    }
    let sport = question(Baseline::Chronological, &Attention::Reciprocal).topics(["sport"]);
    let sport = Audit::of(&log, &sport).candidates(&pools);
    // Half of the first two places of r1 and c third, half of both places of r2: 3/4 + 1/3 + 3/4 of
    // 11/6 + 3/2.
    let expected = (11.0 / 6.0) / (10.0 / 3.0);
    assert!((first(sport).baseline.share.unwrap() - expected).abs() < 1e-12);

    // Two of five and one of three, in three places and in two.
    let uniform = share(&log, &pools, Baseline::UniformPool, Attention::Uniform);
    let expected = (3.0 * 2.0 / 5.0 + 2.0 / 3.0) / 5.0;
    assert!((uniform.baseline.share.unwrap() - expected).abs() < 1e-11);
    assert!(uniform.naive.is_none() && uniform.warnings.contains(&Warning::ExpectedBaseline));
    let reciprocal = share(&log, &pools, Baseline::UniformPool, Attention::Reciprocal);
    let (r1, r2) = (11.0 / 6.0, 1.5);
    let expected = (r1 * 2.0 / 5.0 + r2 / 3.0) / (r1 + r2);
    assert!((reciprocal.baseline.share.unwrap() - expected).abs() < 1e-11);

    // Nine of ten likes, and six of eight; with one added to each, 11 of 15 and 7 of 11.
    let by = |plus| Baseline::EngagementWeighted(EngagementWeighted { plus });
    for (plus, expected) in [(0.0, [9.0 / 10.0, 6.0 / 8.0]), (1.0, [11.0 / 15.0, 7.0 / 11.0])] {
        let estimate = share(&log, &pools, by(plus), Attention::Uniform);
        let expected = (3.0 * expected[0] + 2.0 * expected[1]) / 5.0;
        assert!((estimate.baseline.share.unwrap() - expected).abs() < 1e-11, "{plus}");
    }
}

/// Inventories: what was published by the time of the request, up to an age.
#[test]
fn inventories_go_by_time() {
    let (log, table) = requests();
    let timed = SliceSource::new("shown")
        .integer("viewer", &[1, 1, 2])
        .text("slate", &["r1", "r1", "r2"])
        .text("arm", &["ranked"; 3])
        .integer("position", &[1, 2, 1])
        .integer("at", &[8, 8, 20])
        .text("item", &["a", "b", "d"])
        .text("topic", &["war", "war", "sport"]);
    let schema = LogSchema::new()
        .viewer("viewer")
        .slate("slate")
        .arm("arm")
        .position("position")
        .time("at", TimeFormat::EpochSeconds)
        .item("item")
        .topics(TopicColumn::single("topic"));
    let timed = ExposureLog::read(timed, &schema).unwrap();
    // One catalogue: each item once.
    let mut seen = std::collections::BTreeSet::new();
    let items: Vec<String> = (0..table.rows())
        .map(|row| table.ids(tiltmeter::log::Role::Item).unwrap().id(row).unwrap().to_owned())
        .collect();
    let catalogue = table.filter("some rows", |row| seen.insert(items[row].clone())).unwrap();
    let everyone = |max_age| {
        CandidateSets::new(catalogue.clone(), CandidateKey::Everyone { max_age }).unwrap()
    };
    let question = Question::between("ranked", Baseline::Chronological).topics(["sport"]);
    let sport = |pools: &CandidateSets| {
        first(Audit::of(&timed, &question).candidates(pools)).baseline.share
    };
    // At 8 the newest two are c (7) and b (6); at 20 the newest is d or e (9).
    assert_eq!(sport(&everyone(None)), Some(1.5 / 3.0));
    // At most two seconds old: at 20 there is nothing, and the request is left out.
    assert_eq!(sport(&everyone(Some(2_000_000))), Some(1.0 / 2.0));
    let error = Audit::of(&log, &question).candidates(&everyone(None)).run().unwrap_err();
    assert!(matches!(error, Error::MissingRole { .. }), "{error}");
}

/// Each baseline refuses input that does not carry what it needs.
#[test]
fn what_is_missing_is_said() {
    let golden = golden();
    let log = log(&golden, |row| row);
    let of_war = |baseline| question(baseline, &Attention::Uniform);
    let run = |baseline| audit(&log, &of_war(baseline)).run().unwrap_err();
    for (baseline, needs) in [
        (Baseline::Supply(Supply::Known), "a table of the items"),
        (Baseline::Supply(Supply::Sampled { cluster: ClusterBy::Item }), "a table of the items"),
        (Baseline::Chronological, "candidates of each request"),
        (Baseline::UniformPool, "candidates of each request"),
        (Baseline::EngagementWeighted(EngagementWeighted::default()), "candidates of each request"),
    ] {
        let error = run(baseline).to_string();
        assert!(error.contains(needs), "{error}");
    }
    let period = Period::before("2024-01-01").unwrap();
    assert!(run(Baseline::Period(period)).to_string().contains("after"));
    let nobody = Baseline::Reference(Reference::new("r", Bias::NONE));
    assert!(matches!(run(nobody), Error::NotInReference { .. }));
    let wrong = Bias { low: 2.0, high: 1.0 };
    assert!(run(reference(wrong)).to_string().contains("bias"));

    // Candidates without publication times, without engagement, without topics; slates without any.
    let (shown, table) = requests();
    let pools = CandidateSets::new(table.clone(), CandidateKey::Slate).unwrap();
    let error = audit(&log, &of_war(Baseline::UniformPool)).candidates(&pools).run();
    assert!(matches!(error, Err(Error::MissingRole { .. })));
    let bare = SliceSource::new("bare").text("slate", &["r1"]).text("item", &["a"]);
    let bare = ExposureLog::read(bare, &LogSchema::new().slate("slate").item("item")).unwrap();
    let tagged = bare.clone().with_topics_by_row(|_, _| vec!["war"]).unwrap();
    let of = |table: &ExposureLog, baseline: Baseline| {
        let pools = CandidateSets::new(table.clone(), CandidateKey::Slate).unwrap();
        let question = Question::between("ranked", baseline).topics(["war"]);
        Audit::of(&shown, &question).candidates(&pools).run().unwrap_err()
    };
    assert!(of(&bare, Baseline::UniformPool).to_string().contains("topics of candidates"));
    assert!(of(&tagged, Baseline::Chronological).to_string().contains("the time"));
    let by = Baseline::EngagementWeighted(EngagementWeighted { plus: 0.0 });
    assert!(of(&tagged, by).to_string().contains("the engagement"));
    assert!(CandidateSets::new(tagged, CandidateKey::Everyone { max_age: None }).is_err());
    let twice = SliceSource::new("twice").text("slate", &["r", "r"]).text("item", &["a", "a"]);
    let twice = ExposureLog::read(twice, &LogSchema::new().slate("slate").item("item")).unwrap();
    let error = CandidateSets::new(twice, CandidateKey::Slate).unwrap_err();
    assert!(matches!(error, Error::RepeatedCandidate { .. }), "{error}");

    // A mean over drawn items is of another thing than a mean over viewers.
    let supply = items(&golden);
    let sampled = Baseline::Supply(Supply::Sampled { cluster: ClusterBy::Item });
    let mean = of_war(sampled).unit(Unit::ClusterMean);
    let mean = audit(&log, &mean).supply(&supply);
    assert!(mean.run().unwrap_err().to_string().contains("over what was drawn"));

    // Nobody was reached by an expectation, and single impressions have no counterpart.
    let unit = Unit::Reach(Reach::default());
    let question = || Question::between("ranked", Baseline::UniformPool).topics(["war"]);
    let run = |question: Question| Audit::of(&shown, &question).candidates(&pools).run();
    assert!(run(question().unit(unit)).unwrap_err().to_string().contains("nobody was reached"));
    let impressions = run(question().cluster(ClusterBy::Impression));
    assert!(impressions.unwrap_err().to_string().contains("single impressions"));
    let cascade = run(question().attention(Attention::Cascade));
    assert!(cascade.unwrap_err().to_string().contains("nobody knows where viewers"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The order of a log's rows changes nothing, whatever the baseline.
    #[test]
    fn order_changes_nothing(step in (1_usize..400).prop_map(|step| 2 * step + 1)) {
        let golden = golden();
        let items = items(&golden);
        let rows = 900;
        prop_assume!(step % 3 != 0 && step % 5 != 0);
        let (plain, mixed) = (log(&golden, |row| row), log(&golden, |row| row * step % rows));
        let ask = |log: &ExposureLog, baseline| {
            let question = question(baseline, &Attention::Logarithmic)
                .statistic(AmplificationRatio)
                .statistic(Difference);
            audit(log, &question).supply(&items).run().unwrap().to_json()
        };
        for baseline in [
            Baseline::Supply(Supply::Known),
            Baseline::Supply(Supply::Sampled { cluster: ClusterBy::Item }),
            reference(Bias::within_factor(1.3)),
            Baseline::Period(Period { cut: 4 * DAY, since: None, resume: None, until: None }),
        ] {
            prop_assert_eq!(
                ask(&plain, baseline.clone()).unwrap(),
                ask(&mixed, baseline).unwrap()
            );
        }
    }
}

/// The statistic is not a matter of the baseline: all that are listed have a value or a reason.
#[test]
fn every_statistic_is_answered() {
    let golden = golden();
    let (log, items) = (log(&golden, |row| row), items(&golden));
    for statistic in tiltmeter::statistic::ALL {
        if statistic.name() == "smoothed_reach_percent" {
            continue; // Of viewers alone.
        }
        let baseline = Baseline::Supply(Supply::Known);
        let named: AnyStatistic = statistic.name().parse().unwrap();
        let question = question(baseline, &Attention::Uniform).statistic(named);
        let answered = audit(&log, &question).supply(&items).run();
        let of_strata = statistic.cells(2).iter().any(|its| matches!(its.over, Over::Stratum(_)));
        let report = match answered {
            Ok(report) => report,
            // The log has none, and an adjusted name is not given to a crude value.
            Err(error) => {
                assert!(of_strata && matches!(error, Error::NoStrata { .. }), "{error}");
                continue;
            }
        };
        assert!(!of_strata, "{}", statistic.name());
        let estimate = &report.estimates()[0];
        assert!(estimate.value.number().is_none_or(|value| !value.is_nan()));
    }
}

/// The shares of the uniform target are numpy's, and the amplification and its error those of
/// `OffPolicy`, which adds up in another way; where the log is worth too little there is no answer.
#[test]
fn propensities_of_open_bandit() {
    let Some(golden) = shared::golden("open_bandit") else { return };
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .topics(TopicColumn::single("topic"))
        .propensity("propensity")
        .column("hour")
        .column("campaign");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/open_bandit_small.csv.gz");
    let whole = ExposureLog::open(path, &schema).unwrap();
    let campaigns = whole.column("campaign").unwrap().clone();
    for (campaign, items) in [("all", 80), ("men", 34), ("women", 46)] {
        let golden = &golden["campaigns"][campaign];
        let log = whole.filter("some rows", |row| campaigns.id(row) == Some(campaign)).unwrap();
        let target = Target::Uniform { items };
        let run = |floor| {
            let by = Propensity { floor, ..Propensity::of(target.clone()) };
            let audit = Audit::of(
                &log,
                &Question::between("bts", Baseline::Propensity(by))
                    .cluster(ClusterBy::column("hour")),
            )
            .interval(Interval::Delta(Delta::default()));
            audit.run().unwrap()
        };
        let sure = run(Floor::default());
        let shares = golden["topic_share_snips"].as_object().unwrap();
        let off_policy =
            OffPolicy::of(&log, &Question::of_arm("bts").cluster(ClusterBy::column("hour")))
                .target(target.clone())
                .floor(Floor::overridden())
                .interval(Interval::Delta(Delta::default()))
                .run()
                .unwrap();
        let overridden = run(Floor::overridden());
        for estimate in overridden.estimates() {
            let topic = &estimate.estimand.topic;
            close(topic, estimate.baseline.share, &shares[topic]);
            let theirs = off_policy.of_topic(Measure::Amplification, topic).unwrap();
            let answer = theirs.answer.as_ref().unwrap();
            let (ours, theirs) = (estimate.value.number().unwrap(), theirs.number().unwrap());
            assert!((ours / theirs - 1.0).abs() < 1e-8, "{topic}: {ours} against {theirs}");
            let (ours, theirs) = (estimate.standard_error.unwrap(), answer.standard_error.unwrap());
            assert!((ours / theirs - 1.0).abs() < 1e-7, "{topic}: {ours} against {theirs}");
        }
        let refused = campaign == "women";
        for estimate in sure.estimates() {
            assert_eq!(matches!(estimate.value, Value::Undefined(_)), refused, "{campaign}");
            let worth = estimate.warnings.iter().find_map(|warning| match warning {
                Warning::EffectiveSize { effective_size, .. } => Some(*effective_size),
                _ => None,
            });
            close(campaign, worth, &golden["ess"]);
        }
        if refused {
            let sentence = sure.estimates()[0].sentence();
            assert!(sentence.contains("below its floor"), "{sentence}");
        }
    }
}
