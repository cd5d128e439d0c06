//! Sensitivity tables: rows against audits one at a time, against golden values, and verdicts on logs
//! made up so that a choice turns the side.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop at the first surprise"
)]

use crate::shared;
use crate::shared::random::wholes as numbers;

use serde_json::Value as Json;
use tiltmeter::log::{LogSchema, Role, TimeFormat, TopicColumn};
use tiltmeter::replay::{CandidateKey, CandidateSets};
use tiltmeter::report::{SENSITIVITY_VERSION, SensitivityRecord};
use tiltmeter::sensitivity::{
    Choices, Dimension, Direction, Disagreement, Found, Sensitivity, SensitivityRow,
    SensitivityTable, UnsupportedKind, Verdict, Weighting,
};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AddOneReach, AmplificationRatio, AnyStatistic, Difference, LogRatio, TreatmentShare,
};
use tiltmeter::{
    Attention, Audit, Baseline, Bias, ClusterBy, Denominator, Error, Estimate, ExposureLog,
    MultiLabel, Period, Question, Reach, Reference, ReferenceShare, Supply, Unit, Value,
};

const TOPICS: [&str; 5] = ["war", "sport", "", "war|sport", "music"];

/// A log with everything: 240 slates of 5, 40 viewers of either arm.
struct Everything {
    log: ExposureLog,
    /// The same without weights.
    unweighted: ExposureLog,
    supply: ExposureLog,
    pools: CandidateSets,
}

fn everything() -> Everything {
    let mut draw = numbers(7);
    let (mut viewers, mut arms, mut slates, mut items) = (vec![], vec![], vec![], vec![]);
    let (mut ranks, mut times, mut weights, mut satisfied) = (vec![], vec![], vec![], vec![]);
    let mut topics = Vec::new();
    for slate in 0..240_usize {
        let viewer = slate % 80;
        for rank in 1..=5_i64 {
            let item = draw(40);
            viewers.push(format!("v{viewer}"));
            arms.push(if viewer % 2 == 0 { "ranked" } else { "newest" });
            slates.push(format!("s{slate}"));
            items.push(format!("i{item}"));
            ranks.push(rank);
            times.push(format!("2024-01-{:02}", 1 + slate / 24));
            weights.push(draw(8) as f64 / 4.0);
            satisfied.push(draw(10) as f64 / 10.0);
            topics.push(TOPICS[(item + usize::from(viewer % 2 == 0 && draw(3) == 0)) % 5]);
        }
    }
    let read = |schema: LogSchema| {
        let source = SliceSource::new("everything")
            .text("viewer", &viewers)
            .text("arm", &arms)
            .text("slate", &slates)
            .text("item", &items)
            .integer("rank", &ranks)
            .text("time", &times)
            .float("dwell", &weights)
            .float("satisfaction", &satisfied)
            .text("topics", &topics);
        ExposureLog::read(source, &schema).unwrap()
    };
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .slate("slate")
        .item("item")
        .position("rank")
        .time("time", TimeFormat::Iso)
        .satisfaction("satisfaction")
        .topics(TopicColumn::separated("topics", '|'));
    let about: Vec<&str> = (0..40).map(|item| TOPICS[item % 5]).collect();
    let ids: Vec<String> = (0..40).map(|item| format!("i{item}")).collect();
    let born = vec!["2023-12-01"; 40];
    let table =
        || SliceSource::new("table").text("item", &ids).text("topics", &about).text("born", &born);
    let items = LogSchema::new().item("item").topics(TopicColumn::separated("topics", '|'));
    let pools = ExposureLog::read(table(), &items.clone().time("born", TimeFormat::Iso)).unwrap();
    Everything {
        log: read(schema.clone().weight("dwell")),
        unweighted: read(schema),
        supply: ExposureLog::read(table(), &items).unwrap(),
        pools: CandidateSets::new(pools, CandidateKey::Everyone { max_age: None }).unwrap(),
    }
}

impl Everything {
    /// An audit of one topic that makes the same choices.
    fn audit(&self, choices: &Choices, topic: &str, statistic: AnyStatistic) -> Audit<'_> {
        let log = match choices.weighting {
            Weighting::AsLogged => &self.log,
            Weighting::Unweighted => &self.unweighted,
        };
        let question = Question::between("ranked", choices.baseline.clone())
            .topics([topic])
            .statistic(statistic)
            .cluster(choices.cluster.clone())
            .attention(choices.attention.clone())
            .unit(choices.unit)
            .denominator(choices.denominator)
            .multi_label(choices.multi_label);
        Audit::of(log, &question).candidates(&self.pools).supply(&self.supply)
    }
}

/// Every row, exactly as an audit that makes the same choices; reasons as its errors.
#[test]
fn rows_are_audits() {
    let of = everything();
    let reference = Reference::new("a poll", Bias::within_factor(1.5))
        .share("war", ReferenceShare::Counts { topic: 30, all: 100 });
    let question = Question::between("ranked", "newest")
        .topics(["war", "sport"])
        .statistic(LogRatio)
        .statistic(AddOneReach)
        .cluster(ClusterBy::Viewer);
    let table = Sensitivity::of(&of.log, &question)
        .baseline(Baseline::Supply(Supply::Known))
        .baseline(Baseline::Reference(reference))
        .baseline(Baseline::UniformPool)
        .baseline(Baseline::Chronological)
        .baseline(Baseline::Period(Period::before("2024-01-06").unwrap()))
        .candidates(&of.pools)
        .supply(&of.supply)
        .cluster(ClusterBy::Slate)
        .run()
        .unwrap();
    // 6 baselines, 2 clusters, 7 attentions (top 10 is uniform), weighted or not, 3 units, 2 each.
    assert_eq!(table.rows().len(), 2 * 2 * 6 * 2 * 7 * 2 * 3 * 2 * 2);
    let (mut answers, mut reasons, mut once) = (0, 0, 0);
    for row in table.rows() {
        let statistic = match row.statistic {
            "log_ratio" => LogRatio.into(),
            _ => AddOneReach.into(),
        };
        let report = of.audit(&row.choices, &row.topic, statistic).run();
        match (&row.outcome, report) {
            (Ok(estimate), Ok(report)) => {
                // What is a finding among all depends on how many there are; not what it is alone.
                let alone = |of: &Estimate| {
                    let finding = of.finding.map(|its| its.alone);
                    (finding, Estimate { finding: None, ..of.clone() })
                };
                let audited = &report.estimates()[0];
                assert_eq!(alone(estimate), alone(audited), "{:?}", row.choices);
                answers += 1;
            }
            (Err(reason), _) if reason.kind == UnsupportedKind::NoDifference => once += 1,
            (Err(reason), Err(error)) => {
                assert_eq!(reason.message, error.to_string());
                reasons += 1;
            }
            (row, report) => panic!("{row:?} and {report:?}"),
        }
    }
    assert!(answers > 2000 && reasons > 1000 && once > 1000, "{answers}, {reasons}, {once}");
    let listed: usize = table.unsupported().iter().map(|(_, rows)| rows).sum();
    assert_eq!(listed, reasons + once);
    assert_eq!(answers, table.summaries().iter().map(|s| s.tallied.supported).sum::<usize>());
    // The reference says nothing of sport; the smoothed reach is of reach alone.
    let kinds: Vec<_> = table.unsupported().iter().map(|(reason, _)| reason.kind).collect();
    for kind in [
        UnsupportedKind::NotInReference,
        UnsupportedKind::NoMeaning,
        UnsupportedKind::NoDifference,
        UnsupportedKind::BaselineLacks, // nobody knows where the cascade would have stopped
    ] {
        assert!(kinds.contains(&kind), "{kind:?} is not among {kinds:?}");
    }
}

/// What the question chose is among the rows, once, with the estimate of its audit, though it is no level that
/// tables have by themselves.
#[test]
fn what_the_question_chose_is_a_row() {
    let of = everything();
    let reach = Unit::Reach(Reach { impressions: 2, mass: 0.5 });
    let question = Question::between("ranked", "newest")
        .topics(["war"])
        .unit(reach)
        .attention(Attention::TopK { k: 2 })
        .denominator(Denominator::TaggedImpressions)
        .multi_label(MultiLabel::Fractional)
        .cluster(ClusterBy::Slate);
    let table = Sensitivity::of(&of.log, &question).run().unwrap();
    let its = found(&table, "war", |its| {
        its.unit == reach
            && its.attention == Attention::TopK { k: 2 }
            && its.denominator == Denominator::TaggedImpressions
            && its.multi_label == MultiLabel::Fractional
            && its.cluster == ClusterBy::Slate
            && its.weighting == Weighting::AsLogged
    });
    let report = Audit::of(&of.log, &question).run().unwrap();
    let (its, audit) = (its.outcome.unwrap(), &report.estimates()[0]);
    assert_eq!((its.value, &its.interval), (audit.value, &audit.interval));
    // 1 cluster, 8 attentions (top 2, and the 7 of `rows_are_audits`), 2 weightings, 4 units, 2 and 2.
    assert_eq!(table.rows().len(), 8 * 2 * 4 * 2 * 2);

    // Every impression has one topic: rows all the same, and not said to be left out.
    let log = made(&turned_by_position(), &LogSchema::new().position("rank"));
    let chosen = self::question()
        .attention(Attention::TopK { k: 10 })
        .denominator(Denominator::TaggedImpressions)
        .multi_label(MultiLabel::Fractional);
    let left_out = |question: &Question| {
        let table = Sensitivity::of(&log, question).run().unwrap();
        let with = |chosen: &dyn Fn(&Choices) -> bool| {
            table.rows().iter().any(|row| chosen(&row.choices) && row.outcome.is_ok())
        };
        let there = [
            with(&|its| its.attention == Attention::TopK { k: 10 }),
            with(&|its| its.denominator == Denominator::TaggedImpressions),
            with(&|its| its.multi_label == MultiLabel::Fractional),
        ];
        let of = |dimension| table.left_out().iter().any(|its| its.dimension == dimension);
        let told = [Dimension::Denominator, Dimension::MultiLabel].map(of);
        let top = table.left_out().iter().any(|its| its.level == "top 10");
        (there, [top, told[0], told[1]])
    };
    assert_eq!(left_out(&self::question()), ([false; 3], [true; 3]));
    assert_eq!(left_out(&chosen), ([true; 3], [false; 3]));
}

/// What a reach row stands for is equal to it, whatever the attention, the weights and the rule.
#[test]
fn reach_is_told_once() {
    let of = everything();
    let table = Sensitivity::of(&of.log, &Question::between("ranked", "newest").topics(["war"]))
        .units([Unit::Reach(Reach::default())])
        .denominators([Denominator::AllImpressions])
        .run()
        .unwrap();
    assert_eq!(
        (table.summaries()[0].tallied.rows, table.summaries()[0].tallied.supported),
        (28, 1)
    );
    let told = table.rows().iter().find_map(|row| row.outcome.as_ref().ok()).unwrap();
    for row in table.rows() {
        let audit = of.audit(&row.choices, "war", AmplificationRatio.into());
        let report = audit.run().unwrap();
        let same = &report.estimates()[0];
        assert_eq!((same.value, &same.interval), (told.value, &told.interval));
    }
}

fn found(
    table: &SensitivityTable,
    topic: &str,
    holds: impl Fn(&Choices) -> bool,
) -> SensitivityRow {
    let rows: Vec<_> =
        table.rows().iter().filter(|row| row.topic == topic && holds(&row.choices)).collect();
    assert_eq!(rows.len(), 1, "rows of {topic}");
    rows[0].clone()
}

fn close(ours: f64, golden: &Json) {
    let golden = golden.as_f64().unwrap();
    assert!((ours - golden).abs() <= 1e-9 * golden.abs(), "{ours} against {golden}");
}

/// Witness: numpy, by `shared/golden/make_golden.py`.
#[test]
fn golden_rows_of_applenews() {
    let (Some(golden), Some(path)) =
        (shared::golden("applenews"), shared::path("data/applenews.csv.gz"))
    else {
        return;
    };
    let schema = LogSchema::new()
        .arm("arm")
        .viewer("day")
        .slate("slate")
        .item("item")
        .position("position")
        .topics(TopicColumn::single("publisher"));
    let log = ExposureLog::open(path, &schema).unwrap();
    let table = Sensitivity::of(&log, &Question::between("trending", "top"))
        .interval(tiltmeter::Interval::Delta(tiltmeter::inference::Delta::default()))
        .run()
        .unwrap();
    let mut compared = 0;
    for (name, attention) in [("uniform", Attention::Uniform), ("log2", Attention::Logarithmic)] {
        for golden in golden["comparisons"][name].as_array().unwrap() {
            let topic = golden["topic"].as_str().unwrap();
            let row =
                found(&table, topic, |its| its.attention == attention && its.unit == Unit::Pooled);
            let estimate = row.outcome.unwrap();
            if golden["ratio"] == "inf" {
                assert_eq!(estimate.value, Value::Infinite);
                assert!(matches!(row.found, Some(Found::Amplified | Found::SurelyAmplified)));
                continue;
            }
            close(estimate.value.number().unwrap(), &golden["ratio"]);
            if golden["se_log_ratio"] != "nan" {
                close(estimate.standard_error.unwrap(), &golden["se_log_ratio"]);
                compared += 1;
            }
        }
    }
    // Of 262 rows those that both arms show.
    assert_eq!(compared, 82);
}

/// Witness: numpy, by `shared/golden/make_golden.py`; the two weightings are 11.81 and 11.92 points.
#[test]
fn golden_rows_of_tiktok() {
    let (Some(golden), Some(path)) =
        (shared::golden("tiktok_politics"), shared::path("data/tiktok_politics.csv.gz"))
    else {
        return;
    };
    let schema = LogSchema::new()
        .arm("arm")
        .column("experiment")
        .position("position")
        .topics(TopicColumn::single("party"));
    let log = ExposureLog::open(path, &schema).unwrap();
    let (arms, parties) = (log.arms().unwrap().clone(), log.topics().unwrap().clone());
    let own = log
        .with_topics_by_row(|_, row| {
            let party = parties.of_row(row).first();
            let party = party.and_then(|&code| parties.labels().id(code));
            let is = |arm, its| arms.id(row) == Some(arm) && party == Some(its);
            match is("right", "Republican") || is("left", "Democrat") {
                true => vec!["own party"],
                false => vec!["other"],
            }
        })
        .unwrap();
    let table = Sensitivity::of(
        &own,
        &Question::between("right", "left")
            .cluster(ClusterBy::column("experiment"))
            .topics(["own party"])
            .statistic(Difference),
    )
    .attentions([Attention::Uniform, Attention::Logarithmic])
    .run()
    .unwrap();
    let points = |unit| {
        let row = found(&table, "own party", |its| {
            its.attention == Attention::Uniform && its.unit == unit
        });
        row.outcome.unwrap().value.number().unwrap()
    };
    close(points(Unit::Pooled), &golden["own_party_difference"]["difference"]);
    let rows = golden["comparisons"]["party:right/left:cluster=experiment:uniform"].as_array();
    let party = |name: &str| rows.unwrap().iter().find(|row| row["topic"] == name).unwrap();
    let right = party("Republican")["cluster_mean_treatment"].as_f64().unwrap();
    let left = party("Democrat")["cluster_mean_baseline"].as_f64().unwrap();
    close(points(Unit::ClusterMean), &Json::from(right - left));
    let rounded = |points: f64| format!("{:.2}", 100.0 * points);
    assert_eq!(rounded(points(Unit::Pooled)), "11.81");
    assert_eq!(rounded(points(Unit::ClusterMean)), "11.92");
    // Experiments of one arm watch alike under either attention.
    assert!(matches!(
        table.summaries()[0].verdict,
        Verdict::Robust { side: Direction::Amplified }
            | Verdict::SameSideNotAlwaysSure { side: Direction::Amplified }
    ));
}

/// Slates of three, each a row of topics and weights: `often` of them of the first kind, `seldom` of the
/// second, each of another viewer.
struct Kinds {
    arm: &'static str,
    kinds: Vec<(usize, [(&'static str, f64); 3])>,
}

fn made(arms: &[Kinds], schema: &LogSchema) -> ExposureLog {
    let (mut viewers, mut named, mut ranks) = (vec![], vec![], vec![]);
    let (mut topics, mut weights) = (vec![], vec![]);
    for Kinds { arm, kinds } in arms {
        for (kind, (slates, slate)) in kinds.iter().enumerate() {
            for at in 0..*slates {
                for (rank, (topic, weight)) in (1..).zip(slate) {
                    viewers.push(format!("{arm} {kind} {at}"));
                    named.push(*arm);
                    ranks.push(rank);
                    topics.push(*topic);
                    weights.push(*weight);
                }
            }
        }
    }
    let source = SliceSource::new("made")
        .text("viewer", &viewers)
        .text("arm", &named)
        .integer("rank", &ranks)
        .text("topic", &topics)
        .float("weight", &weights);
    let schema = schema.clone().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    ExposureLog::read(source, &schema).unwrap()
}

const WAR: (&str, f64) = ("war", 1.0);
const SPORT: (&str, f64) = ("sport", 1.0);

/// The topic is shown more, and further down: of 120 impressions of either arm 70 against 50, of 40 at
/// the top 10 against 30.
fn turned_by_position() -> Vec<Kinds> {
    vec![
        Kinds { arm: "a", kinds: vec![(30, [SPORT, WAR, WAR]), (10, [WAR, SPORT, SPORT])] },
        Kinds { arm: "b", kinds: vec![(30, [WAR, SPORT, SPORT]), (10, [SPORT, WAR, WAR])] },
    ]
}

fn question() -> Question {
    Question::between("a", "b").topics(["war"])
}

fn asked<'l>(log: &'l ExposureLog, question: &Question) -> Sensitivity<'l> {
    Sensitivity::of(log, question).units([Unit::Pooled])
}

fn ask(log: &ExposureLog) -> Sensitivity<'_> {
    asked(log, &question())
}

#[test]
fn position_turns_the_side() {
    let log = made(&turned_by_position(), &LogSchema::new().position("rank"));
    let table = ask(&log).attentions([Attention::Uniform, Attention::TopK { k: 1 }]).run().unwrap();
    let summary = &table.summaries()[0];
    assert!((summary.greatest.unwrap() - 70.0 / 50.0).abs() < 1e-12);
    assert!((summary.least.unwrap() - 10.0 / 30.0).abs() < 1e-12);
    assert!(summary.changes_side());
    let how = Disagreement::OppositeFindings;
    assert_eq!(summary.verdict, Verdict::Depends { on: Some(Dimension::Attention), how });
    let effect = &summary.effects[0];
    assert_eq!((effect.pairs, effect.opposite), (1, 1));
    assert!((effect.largest - (70.0 / 50.0 * 3.0_f64).ln()).abs() < 1e-12);
    assert_eq!(effect.between, ["top 1", "uniform"]);
    let sentence = summary.sentence();
    assert!(sentence.contains("opposite findings from one log"), "{sentence}");
    assert!(sentence.contains("attention: in 1 of 1 pairs"), "{sentence}");
    assert!(
        table.to_string().starts_with("Does the answer depend on how the attention is chosen?")
    );
}

/// Impressions of the topic are more and shorter: weights of a quarter in one arm turn 60 of 120
/// against 40 of 120 into 15 of 75 against 40 of 120.
#[test]
fn weights_turn_the_side() {
    let short = ("war", 0.25);
    let arms = [
        Kinds { arm: "a", kinds: vec![(20, [short, short, SPORT]), (20, [short, SPORT, SPORT])] },
        Kinds {
            arm: "b",
            kinds: vec![(10, [WAR, WAR, SPORT]), (20, [WAR, SPORT, SPORT]), (10, [SPORT; 3])],
        },
    ];
    let log = made(&arms, &LogSchema::new().weight("weight"));
    let table = ask(&log).run().unwrap();
    assert_eq!(table.varied(), [Dimension::Weighting]);
    let summary = &table.summaries()[0];
    assert!((summary.greatest.unwrap() - 60.0 / 40.0).abs() < 1e-12);
    assert!((summary.least.unwrap() - (15.0 / 75.0) / (40.0 / 120.0)).abs() < 1e-12);
    let how = Disagreement::OppositeFindings;
    assert_eq!(summary.verdict, Verdict::Depends { on: Some(Dimension::Weighting), how });
    // Without positions no attention but the uniform, which is said.
    let left: Vec<_> =
        table.left_out().iter().map(|left| (left.dimension, left.reason.kind)).collect();
    let missing = |role| (Dimension::Attention, UnsupportedKind::MissingRole(role));
    assert!(left.contains(&missing(Role::Position)) && left.contains(&missing(Role::Slate)));
}

#[test]
fn verdicts_of_one_side() {
    let strong = [
        Kinds { arm: "a", kinds: vec![(30, [WAR, WAR, SPORT]), (10, [WAR, SPORT, SPORT])] },
        Kinds { arm: "b", kinds: vec![(30, [SPORT, SPORT, WAR]), (10, [WAR, SPORT, SPORT])] },
    ];
    let log = made(&strong, &LogSchema::new().position("rank"));
    let models = [Attention::Uniform, Attention::TopK { k: 1 }];
    let of = |table: SensitivityTable| table.summaries()[0].clone();
    // 70 against 40 of 120; at the top 40 of 40 against 10 of 40: a share of 1, an interval by its rule.
    let summary = of(ask(&log).attentions(models.clone()).run().unwrap());
    assert_eq!(summary.verdict, Verdict::Robust { side: Direction::Amplified });
    assert!(summary.sentence().contains("no. In all 2 rows"), "{}", summary.sentence());
    // The other way round all is below.
    let turned = Question::between("b", "a").topics(["war"]);
    let summary = of(asked(&log, &turned).attentions(models).run().unwrap());
    assert_eq!(summary.verdict, Verdict::Robust { side: Direction::Reduced });

    // At the third rank 21 of 40 against 20 of 40: the same side, and nobody knows.
    let weak = [
        Kinds { arm: "a", kinds: vec![(21, [WAR, WAR, WAR]), (19, [WAR, WAR, SPORT])] },
        Kinds { arm: "b", kinds: vec![(20, [SPORT, WAR, WAR]), (20, [WAR, SPORT, SPORT])] },
    ];
    let log = made(&weak, &LogSchema::new().position("rank"));
    let third = Attention::Table { values: vec![0.0, 0.0, 1.0], beyond: tiltmeter::Beyond::Zero };
    let both = [Attention::Uniform, third.clone()];
    let summary = of(ask(&log).attentions(both).run().unwrap());
    let side = Direction::Amplified;
    assert_eq!(summary.verdict, Verdict::SameSideNotAlwaysSure { side });
    let unsure = [
        third.clone(),
        Attention::Table { values: vec![0.0, 0.0, 0.5], beyond: tiltmeter::Beyond::Zero },
    ];
    let summary = of(ask(&log).attentions(unsure).run().unwrap());
    assert_eq!(summary.verdict, Verdict::NeverSure { side: Some(side) });
    let summary = of(ask(&log).attentions([third.clone()]).run().unwrap());
    assert_eq!(summary.verdict, Verdict::SingleRow);
    let share = asked(&log, &question().statistic(TreatmentShare)).run().unwrap();
    assert_eq!(share.summaries()[0].verdict, Verdict::NothingCompared);
    // Nothing at all at a fourth rank.
    let fourth = Attention::Table { values: vec![0.0; 3], beyond: tiltmeter::Beyond::Zero };
    let summary = of(ask(&log).attentions([fourth]).run().unwrap());
    assert_eq!(summary.verdict, Verdict::NoValue);
}

/// Asked for by name, what a log does not support has rows with reasons.
#[test]
fn unsupported_rows_have_reasons() {
    let log = made(&turned_by_position(), &LogSchema::new());
    let table = ask(&log)
        .attentions([Attention::Uniform, Attention::Logarithmic, Attention::Cascade])
        .baseline(Baseline::UniformPool)
        .baseline(Baseline::Supply(Supply::Known))
        .run()
        .unwrap();
    let tallied = table.summaries()[0].tallied;
    assert_eq!((tallied.rows, tallied.supported), (9, 1));
    let reasons: Vec<_> =
        table.unsupported().into_iter().map(|(reason, rows)| (reason.kind, rows)).collect();
    // The logarithm and the cascade with three baselines, the uniform with two of them.
    assert_eq!(
        reasons,
        [
            (UnsupportedKind::MissingRole(Role::Position), 3),
            (UnsupportedKind::MissingRole(Role::Slate), 3),
            (UnsupportedKind::BaselineLacks, 1),
            (UnsupportedKind::BaselineLacks, 1),
        ]
    );
    let text = table.to_string();
    assert!(
        text.contains("Not supported, 3 rows: the log has no column for the position"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let log = made(&turned_by_position(), &LogSchema::new().position("rank"));
    let run = |asked: Sensitivity<'_>| asked.run().unwrap_err();
    let unstated = |error| matches!(error, Error::Unstated { what: "baseline", .. });
    assert!(unstated(run(Sensitivity::of(&log, &Question::of_arm("a")))));
    // Baselines beside the question's are no baseline of its own.
    assert!(unstated(run(Sensitivity::of(&log, &Question::of_arm("a")).baseline("b"))));
    let unknown = run(ask(&log).baseline(Baseline::arm("c")));
    assert!(matches!(unknown, Error::UnknownArm { .. }), "{unknown}");
    let unknown = run(asked(&log, &question().topics(["peace"])));
    assert!(matches!(unknown, Error::UnknownTopic { .. }), "{unknown}");
    let range = run(ask(&log).attentions([Attention::TopK { k: 0 }]));
    assert!(matches!(range, Error::Parameter { parameter: "k", .. }), "{range}");
    let none = Unit::Reach(Reach { impressions: 0, mass: 0.0 });
    let range = Audit::of(&log, &Question::between("a", "b").unit(none)).run().unwrap_err();
    assert!(range.to_string().contains("1 or more"), "{range}");
    let none = run(ask(&log).multi_labels(Vec::<MultiLabel>::new()));
    assert!(none.to_string().contains("0 for the multi-label rule"), "{none}");
    // Nothing is supported: what the first lacks.
    let nothing = made(&turned_by_position(), &LogSchema::new());
    let error = run(ask(&nothing).attentions([Attention::Reciprocal]));
    assert!(matches!(error, Error::MissingRole { role: Role::Position, .. }), "{error}");
}

/// Every field and every name that occurs is in the document; the JSON reads back.
#[test]
fn the_json_is_documented() {
    let document = include_str!("../../docs/sensitivity-json.md");
    let documented = |name: &str| assert!(document.contains(&format!("`{name}`")), "{name}");
    let of = everything();
    let table = Sensitivity::of(
        &of.log,
        &Question::between("ranked", "newest").topics(["war"]).statistic(AmplificationRatio),
    )
    .baseline(Baseline::UniformPool)
    .run()
    .unwrap();
    let text = table.to_json().unwrap();
    let record = SensitivityRecord::from_json(&text).unwrap();
    assert_eq!(record, SensitivityRecord::from(&table));
    let json: Json = serde_json::from_str(&text).unwrap();
    let row = &json["rows"][0];
    let summary = &json["summaries"][0];
    for object in [
        &json,
        row,
        &row["choices"],
        summary,
        &summary["tallied"],
        &summary["effects"][0],
        &json["left_out"][0],
        &json["left_out"][0]["reason"],
    ] {
        object.as_object().unwrap().keys().for_each(|key| documented(key));
    }
    for name in Dimension::ALL.map(|its| serde_json::to_value(its).unwrap()) {
        documented(name.as_str().unwrap());
    }
    for name in [
        "surely_amplified",
        "neither",
        "surely_reduced",
        "undefined",
        "robust",
        "never_sure",
        "same_side_not_always_sure",
        "depends",
        "single_row",
        "no_value",
        "nothing_compared",
        "opposite_findings",
        "opposite_values",
        "missing_role",
        "missing_column",
        "baseline_lacks",
        "not_in_reference",
        "no_rows",
        "no_meaning",
        "no_difference",
        "as_logged",
        "unweighted",
    ] {
        documented(name);
    }
    assert_eq!(json["version"], SENSITIVITY_VERSION);
    let other = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(SensitivityRecord::from_json(&other).unwrap_err().to_string().contains("version 2"));
}

/// A picture has a title and a description, and copes with infinite, undefined and one-sided rows.
#[cfg(feature = "plot")]
#[test]
fn the_plot_is_described() {
    let of = everything();
    let table = Sensitivity::of(
        &of.log,
        &Question::between("ranked", "newest")
            .topics(["war", "music"])
            .statistic(AmplificationRatio)
            .statistic(Difference),
    )
    .run()
    .unwrap();
    for summary in table.summaries() {
        let statistic: &dyn tiltmeter::statistic::Statistic =
            if summary.statistic == "difference" { &Difference } else { &AmplificationRatio };
        let svg = table.to_svg(statistic, &summary.topic).unwrap();
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"Specification curve"), "{svg}");
        assert!(svg.contains("<desc>Topic &quot;") && !svg.contains("NaN"));
    }
    assert!(table.to_svg(&LogRatio, "war").is_err());

    // At the top never, further down seldom, at the fourth rank not at all.
    let arms = [
        Kinds { arm: "a", kinds: vec![(20, [SPORT, WAR, WAR]), (20, [SPORT, SPORT, WAR])] },
        Kinds { arm: "b", kinds: vec![(30, [SPORT, SPORT, WAR]), (10, [SPORT, SPORT, SPORT])] },
    ];
    let log = made(&arms, &LogSchema::new().position("rank"));
    let beyond = tiltmeter::Beyond::Zero;
    let at = |values: &[f64]| Attention::Table { values: values.to_vec(), beyond };
    let table = ask(&log)
        .attentions([
            Attention::Uniform,
            Attention::TopK { k: 1 },
            at(&[1.0, 1.0]),
            at(&[0.0, 0.0, 1.0]),
            at(&[0.0; 4]),
        ])
        .run()
        .unwrap();
    let values: Vec<_> =
        table.rows().iter().map(|row| row.outcome.as_ref().unwrap().value.state()).collect();
    assert_eq!(values, ["estimated", "undefined", "infinite", "estimated", "undefined"]);
    let svg = table.to_svg(&AmplificationRatio, "war").unwrap();
    assert!(svg.contains("<polygon") && svg.contains("no value") && !svg.contains("NaN"), "{svg}");
}
