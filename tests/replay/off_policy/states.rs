//! What has no number says why, in the report, its text and its JSON.

use tiltmeter::replay::off_policy::{
    Caution, Clip, Floor, ImportanceWeights, Measure, OffPolicy, OffPolicyRecord, Refusal,
    RewardModel, Target,
};
use tiltmeter::{Attention, ClusterBy, MultiLabel, NoInterval, Question, Value};

use crate::off_policy::logs::{Shown, campaign, close, log_of, number, of_topic};

fn shown(who: u32, item: u32, reward: f64, propensity: f64) -> Shown {
    Shown { who, arm: "a", item, position: 1 + who % 3, reward, propensity }
}

/// The women's campaign: one impression of 10,000 has most of all weight.
#[test]
fn too_small_a_log_is_refused_and_has_no_number() {
    let log = campaign("women");
    let estimation =
        OffPolicy::of(&log, &Question::of_arm("bts").cluster(ClusterBy::column("hour")))
            .target(Target::Uniform { items: 46 })
            .reward_model(RewardModel::default())
            .check("random");
    let report = estimation.clone().run().unwrap();
    let Some(Refusal::BelowFloor { effective_size, floor, impressions }) = report.refusal() else {
        panic!("{:?}", report.refusal())
    };
    assert!((2.0..2.1).contains(&effective_size));
    assert_eq!((floor, impressions), (100.0, 10_000));
    for estimate in &report.estimates {
        assert_eq!(estimate.answer.is_err(), estimate.measure.is_of_target(), "{estimate:?}");
    }
    let text = report.to_string();
    assert!(text.contains("refused") && text.contains("worth 2.078"), "{text}");

    let record = OffPolicyRecord::from_json(&report.to_json().unwrap()).unwrap();
    let snips = record.estimates.iter().find(|its| its.measure == Measure::Snips).unwrap();
    assert_eq!((snips.value, snips.state, snips.low, snips.clusters), (None, None, None, None));
    assert!(snips.refused.as_ref().unwrap().message.starts_with("10000 logged impressions"));
    assert_eq!(record, OffPolicyRecord::from(&report));

    let report = estimation.floor(Floor::overridden()).run().unwrap();
    assert_eq!(report.refusal(), None);
    for estimate in report.estimates.iter().filter(|its| its.measure.is_of_target()) {
        assert!(estimate.answer.is_ok());
        let warned = |its: &Caution| matches!(its, Caution::BelowFloor { .. });
        assert!(estimate.warnings.iter().any(warned), "{estimate:?}");
    }
    let snips = report.estimate(Measure::Snips).unwrap();
    let carriers = |its: &Caution| matches!(its, Caution::FewCarriers { .. });
    assert!(snips.warnings.iter().any(carriers), "{:?}", snips.warnings);
    assert!(report.to_string().contains("which was overridden"));
}

/// A target that shows nothing of what was logged, which no override mends.
#[test]
fn no_weight_is_a_reason() {
    let log = log_of(&[shown(1, 0, 1.0, 0.5), shown(2, 1, 0.0, 0.5)]);
    let target = Target::Table([("9".to_owned(), 1.0)].into());
    let estimation = OffPolicy::of(&log, &Question::of_arm("a")).target(target);
    let report = estimation.floor(Floor::overridden()).run().unwrap();
    assert_eq!(report.refusal(), Some(Refusal::NoWeight));
    assert_eq!(report.weights.effective_size, 0.0);
    assert_eq!(report.weights.uncovered, Some(1.0));
    assert_eq!(report.warnings[0], Caution::Uncovered { probability: 1.0 });
    assert!(OffPolicyRecord::from_json(&report.to_json().unwrap()).is_ok());
}

/// By hand: viewers 1 to 4 are shown items 0 to 3; the target shows 0 and 3 alike.
#[test]
fn zero_shares_are_states() {
    let rows: Vec<Shown> =
        (0..4).map(|item| shown(item + 1, item, f64::from(item), 0.25)).collect();
    let log = log_of(&rows);
    let only = |items: &[&str]| {
        let each = 1.0 / items.len() as f64;
        Target::Table(items.iter().map(|item| ((*item).to_owned(), each)).collect())
    };
    let estimation = OffPolicy::of(&log, &Question::of_arm("a")).floor(Floor::At(0.0));
    let answer = |target: Target, measure| {
        let report = estimation.clone().target(target).run().unwrap();
        report.of_topic(measure, "sport").unwrap().answer.unwrap()
    };
    // Items 2 and 3 are about sport; all four about war.
    let share = answer(only(&["0", "1"]), Measure::SnipsShare);
    // None of two viewers, by Clopper and Pearson: 1 - 0.025^(1/2).
    let interval = share.interval.unwrap();
    assert_eq!((share.value, interval.low), (Value::Zero(0.0), None));
    assert!((interval.high.unwrap() - (1.0 - 0.025_f64.sqrt())).abs() < 1e-9);
    let ratio = answer(only(&["0", "1"]), Measure::Amplification);
    assert_eq!((ratio.value, ratio.interval.unwrap().high), (Value::Infinite, None));
    let share = answer(only(&["2"]), Measure::SnipsShare);
    assert_eq!(
        (share.value, share.interval),
        (Value::Estimated(1.0), Err(NoInterval::SingleCluster))
    );
    let halves = estimation.clone().target(only(&["0", "3"])).run().unwrap();
    assert_eq!(number(&halves, Measure::Snips), 1.5);
    assert_eq!(number(&halves, Measure::Ips), 1.5);
    assert_eq!(of_topic(&halves, Measure::SnipsShare, "sport"), 0.5);
    assert_eq!(of_topic(&halves, Measure::Amplification, "sport"), 1.0);
    let few = |its: &Caution| matches!(its, Caution::FewClusters { clusters: 4 });
    assert!(halves.estimate(Measure::Snips).unwrap().warnings.iter().any(few));
}

/// One cluster: values, no intervals, and no model that could be fitted on others.
#[test]
fn a_single_cluster() {
    let log = log_of(&[shown(1, 0, 1.0, 0.5), shown(1, 1, -3.0, 0.5)]);
    let estimation = OffPolicy::of(&log, &Question::of_arm("a"))
        .target(Target::UniformOverItems)
        .reward_model(RewardModel::default())
        .floor(Floor::At(0.0));
    let report = estimation.run().unwrap();
    assert_eq!(number(&report, Measure::Snips), -1.0);
    let snips = report.estimate(Measure::Snips).unwrap().answer.unwrap();
    assert_eq!(snips.interval, Err(NoInterval::SingleCluster));
    let robust = report.estimate(Measure::DoublyRobust).unwrap().answer;
    assert_eq!(robust.unwrap_err(), Refusal::SingleCluster);
    assert_eq!(report.warnings, [Caution::UnshownItemsNotCounted { items: 2 }]);
}

/// By hand: weights 0.5/0.8, 0.5/0.8, 0.5/0.2 and their clipping at 1.
#[test]
fn clipping_is_told() {
    let rows = [shown(1, 0, 1.0, 0.8), shown(2, 0, 1.0, 0.8), shown(3, 1, 1.0, 0.2)];
    let log = log_of(&rows);
    let target = Target::Uniform { items: 2 };
    let weights = ImportanceWeights::of(&log, "a", &target, Clip::At(1.0)).unwrap();
    assert_eq!(weights.weights(), [0.625, 0.625, 1.0]);
    let known = weights.diagnostics();
    assert_eq!((known.clipped, known.greatest), (1, 1.0));
    close(known.clipped_mass, 1.5 / 3.75, 1e-15, "mass");
    close(known.effective_size, 2.25_f64.powi(2) / 1.78125, 1e-15, "size");
    close(known.unclipped_effective_size, 3.75_f64.powi(2) / 7.03125, 1e-15, "size before");
    let estimation =
        OffPolicy::of(&log, &Question::of_arm("a")).target(target).floor(Floor::At(0.0));
    let report = estimation.clip(Clip::At(1.0)).run().unwrap();
    let Caution::Clipped { impressions: 1, mass } = report.warnings[0] else {
        panic!("{:?}", report.warnings)
    };
    close(mass, 0.4, 1e-15, "mass");
}

/// By hand: ranks 2 and 3 have attention 1/2 and 1/3, item 2 is of two topics.
#[test]
fn attention_and_several_topics() {
    let rows = [shown(1, 0, 0.0, 0.5), shown(2, 2, 0.0, 0.25), shown(4, 4, 0.0, 0.25)];
    let log = log_of(&rows);
    let question = Question::of_arm("a").attention(Attention::Reciprocal);
    let run = |question: &Question| {
        OffPolicy::of(&log, question)
            .target(Target::Uniform { items: 4 })
            .floor(Floor::At(0.0))
            .run()
            .unwrap()
    };
    let report = run(&question);
    // Weights 1/2, 1, 1 at ranks 2, 3, 2.
    let all = 0.25 + 1.0 / 3.0 + 0.5;
    let war = of_topic(&report, Measure::SnipsShare, "war");
    close(war, (0.25 + 1.0 / 3.0) / all, 1e-15, "war");
    let masses = 0.5 + 1.0 / 3.0 + 0.5;
    close(of_topic(&report, Measure::IpsShare, "war"), (0.25 + 1.0 / 3.0) / masses, 1e-15, "ips");
    let report = run(&question.multi_label(MultiLabel::Fractional));
    let war = of_topic(&report, Measure::SnipsShare, "war");
    close(war, (0.25 + 1.0 / 6.0) / all, 1e-15, "half");
}

/// Rewards go by weights, topics by weights times exposure mass: only ten impressions are at rank 1.
#[test]
fn topics_have_a_floor_of_their_own() {
    let rows: Vec<Shown> = (0..150)
        .map(|at| Shown { position: if at < 10 { 1 } else { 2 }, ..shown(at, at % 2, 0.0, 0.5) })
        .collect();
    let log = log_of(&rows);
    let target = Target::Uniform { items: 2 };
    let question = Question::of_arm("a").attention(Attention::TopK { k: 1 });
    let report = OffPolicy::of(&log, &question).target(target).run().unwrap();
    assert_eq!((report.weights.effective_size, report.exposure_effective_size), (150.0, 10.0));
    assert_eq!(number(&report, Measure::Snips), 0.0);
    let share = report.of_topic(Measure::SnipsShare, "war").unwrap().answer;
    let (effective_size, floor, impressions) = (10.0, 100.0, 150);
    let below = Refusal::BelowFloor { effective_size, floor, impressions };
    assert_eq!(share.unwrap_err(), below);
}

/// Propensities that are twice what they were, and targets that are not whole, are noticed.
#[test]
fn wrong_propensities_are_noticed() {
    let rows: Vec<Shown> = (0..200)
        .map(|at| shown(at / 4, at * 7 % 5, 0.0, if at % 3 == 0 { 0.5 } else { 0.3 }))
        .collect();
    let log = log_of(&rows);
    let estimation = OffPolicy::of(&log, &Question::of_arm("a")).target(Target::UniformOverItems);
    let report = estimation.clone().run().unwrap();
    let off = |its: &&Caution| matches!(its, Caution::MeanWeightOff { .. });
    let Some(Caution::MeanWeightOff { mean, expected }) = report.warnings.iter().find(off) else {
        panic!("{:?}", report.warnings)
    };
    // 67 of 200 at 0.2/0.5, the others at 0.2/0.3.
    close(*mean, (67.0 * 0.4 + 133.0 * 2.0 / 3.0) / 200.0, 1e-12, "mean");
    assert_eq!(*expected, 1.0);
    let half = Target::Table([("0".to_owned(), 0.25), ("1".to_owned(), 0.25)].into());
    let report = estimation.target(half).floor(Floor::At(0.0)).run().unwrap();
    assert!(report.warnings.contains(&Caution::TargetBelowOne { sum: 0.5 }));
}

/// Questions can be kept in files.
#[test]
fn parts_of_a_question_can_be_saved() {
    let saved = |target: &Target| -> Target {
        serde_json::from_str(&serde_json::to_string(target).unwrap()).unwrap()
    };
    for target in [
        Target::Uniform { items: 80 },
        Target::UniformOverItems,
        Target::Table([("x".to_owned(), 0.1)].into()),
        Target::ByRow(vec![0.1, 0.7]),
    ] {
        assert_eq!(saved(&target), target);
    }
    let model = RewardModel::default();
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<RewardModel>(&text).unwrap(), model);
    let told = serde_json::to_value((Clip::None, Clip::At(5.0), Floor::default())).unwrap();
    assert_eq!(told.to_string(), r#"["none",{"at":5.0},{"at":100.0}]"#);
}

/// Every field, measure and kind of warning is in the document.
#[test]
fn the_form_is_documented() {
    let document = include_str!("../../../docs/off-policy-json.md");
    let report = OffPolicy::of(
        &campaign("men"),
        &Question::of_arm("bts").cluster(ClusterBy::column("hour")),
    )
    .target(Target::Uniform { items: 34 })
    .clip(Clip::At(5.0))
    .reward_model(RewardModel::default())
    .check("random")
    .run()
    .unwrap();
    let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    let mut names: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
    for part in [&json["asked"], &json["weights"], &json["estimates"][0]] {
        names.extend(part.as_object().unwrap().keys().cloned());
    }
    names.extend(report.estimates.iter().map(|its| its.measure.name().to_owned()));
    let tags = [
        "below_floor",
        "no_weight",
        "single_cluster",
        "unshown_items_not_counted",
        "uncovered",
        "target_below_one",
        "clipped",
        "mean_weight_off",
        "few_clusters",
        "few_carriers",
        "rows_set_aside",
        "impressions_as_clusters",
        "inference",
    ];
    names.extend(tags.map(str::to_owned));
    for name in names {
        assert!(document.contains(&format!("`{name}`")), "{name} is not in the document");
    }
}
