//! Labels that hands correct: numpy and scipy on the same rows, ppi-python, and simulations with a known truth.

use serde_json::Value as Json;
use tiltmeter::inference::{
    Bootstrap, Delta, Jackknife, LabelPilot, LabelledPart, ShareBounds, TopicQuestion,
};
use tiltmeter::log::{FaultReason, LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AnyStatistic, Difference, LogRatio, TreatmentShare, Undefined};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{
    Audit, ClusterBy, Correction, Error, Estimate, ExposureLog, Interval, MultiLabel, Question,
    Unit, Value, Warning,
};

use crate::shared::random::Random;

/// Viewer, whether it is the treatment, predicted, by hand (-1 where nobody looked), chance in 64ths, weight in
/// sixteenths.
type Row = (i64, u8, u8, i8, u32, u32);

fn schema(weighed: bool) -> LogSchema {
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .topics(TopicColumn::single("model"))
        .human(TopicColumn::single("hand"))
        .inclusion("chance");
    if weighed { schema.weight("dwell") } else { schema }
}

fn source(rows: &[Row]) -> SliceSource {
    let who: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let feed: Vec<&str> = rows.iter().map(|row| if row.1 == 1 { "a" } else { "b" }).collect();
    let model: Vec<&str> = rows.iter().map(|row| if row.2 == 1 { "war" } else { "" }).collect();
    let hand: Vec<&str> =
        rows.iter().map(|row| ["", "none", "war"][(row.3 + 1) as usize]).collect();
    let chance: Vec<f64> = rows.iter().map(|row| f64::from(row.4) / 64.0).collect();
    let dwell: Vec<f64> = rows.iter().map(|row| f64::from(row.5) / 16.0).collect();
    SliceSource::new("rows")
        .integer("who", &who)
        .text("feed", &feed)
        .text("model", &model)
        .text("hand", &hand)
        .float("chance", &chance)
        .float("dwell", &dwell)
}

fn log(rows: &[Row], weighed: bool) -> ExposureLog {
    ExposureLog::read(source(rows), &schema(weighed)).expect("the columns are whole")
}

fn question(correction: Correction) -> Question {
    Question::between("a", "b").topics(["war"]).correct(correction)
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().expect("arms and topics are there").estimates()[0].clone()
}

fn near(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    let off = (ours - theirs).abs();
    assert!(off <= tolerance * theirs.abs().max(1e-3), "{what}: {ours} for {theirs}");
}

fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/labels.json")).unwrap()
}

fn rows_of(case: &Json) -> Vec<Row> {
    serde_json::from_value(case["rows"].clone()).unwrap()
}

/// Shares, contrasts and errors as numpy has them from derivatives by complex steps, to 1e-9; how much predictions
/// count as scipy's minimum, to 1e-5.
#[test]
fn numpy_agrees() {
    let mut compared = 0;
    for (name, case) in golden()["cases"].as_object().unwrap() {
        let log = log(&rows_of(case), name == "weighed");
        for (asked, theirs) in case["answers"].as_object().unwrap() {
            let words: Vec<&str> = asked.split(' ').collect();
            let statistic: AnyStatistic = match words[1] {
                "log_ratio" => LogRatio.into(),
                _ => Difference.into(),
            };
            let question = question(words[2].parse().unwrap())
                .unit(words[0].parse().unwrap())
                .statistic(statistic);
            let audit = Audit::of(&log, &question).interval(Interval::Delta(Delta::default()));
            let ours = first(audit);
            let what = format!("{name}, {asked}");
            let number = |of: &Json| of.as_f64().unwrap();
            // Where predictions count is found by another search.
            let (loose, tight) = if words[2] == "ppi" { (1e-4, 1e-6) } else { (1e-9, 1e-9) };
            near(ours.value.number().unwrap(), number(&theirs["value"]), loose, &what);
            near(ours.standard_error.unwrap(), number(&theirs["standard_error"]), tight, &what);
            near(ours.treatment.share.unwrap(), number(&theirs["shares"][0]), loose, &what);
            near(ours.baseline.share.unwrap(), number(&theirs["shares"][1]), loose, &what);
            let labels = ours.labels.unwrap();
            let arms = [labels.treatment.unwrap(), labels.baseline.unwrap()];
            for (arm, count) in arms.iter().zip(theirs["counts"].as_array().unwrap()) {
                match arm.lambda {
                    Some(lambda) => assert!((lambda - number(count)).abs() < 1e-5, "{what}"),
                    None => assert_eq!(words[2], "rogan_gladen"),
                }
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 48);
}

/// The mean of ppi-python (1.0, `ppi_mean_pointestimate` and `ppi_mean_ci`) and its interval: each of its predictions
/// is a chance, which two rows stand for. Its labelled rows are no part of what is predicted, as ours are when they
/// weigh nothing to speak of.
#[test]
fn ppi_python_agrees() {
    let Some(golden) = crate::shared::golden("labels") else { return };
    let numbers = |name: &str| -> Vec<f64> {
        golden["ppi"][name].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
    };
    let tiny = 0.5_f64.powi(20);
    let (mut who, mut model, mut hand) = (Vec::new(), Vec::new(), Vec::new());
    let (mut chance, mut dwell) = (Vec::new(), Vec::new());
    let mut viewer = 0;
    let mut add = |predicted: f64, found: Option<f64>| {
        viewer += 1;
        for (topic, part) in [("war", predicted), ("", 1.0 - predicted)] {
            who.push(viewer);
            model.push(topic);
            hand.push(match found {
                None => "",
                Some(found) => ["none", "war"][found as usize],
            });
            chance.push(if found.is_some() { tiny } else { 1.0 });
            dwell.push(if found.is_some() { part * tiny } else { part });
        }
    };
    for (found, predicted) in numbers("labelled").into_iter().zip(numbers("labelled_prediction")) {
        add(predicted, Some(found));
    }
    numbers("unlabelled_prediction").into_iter().for_each(|predicted| add(predicted, None));
    let source = SliceSource::new("rows")
        .integer("who", &who)
        .text("feed", &vec!["a"; who.len()])
        .text("model", &model)
        .text("hand", &hand)
        .float("chance", &chance)
        .float("dwell", &dwell);
    let log = ExposureLog::read(source, &schema(true)).unwrap();
    for (correction, theirs) in [(Correction::Dsl, "lambda_1"), (Correction::Ppi, "tuned")] {
        let question = Question::of_arm("a").topics(["war"]).statistic(TreatmentShare);
        let question = question.correct(correction);
        let ours = first(Audit::of(&log, &question).interval(Interval::Delta(Delta {
            quantile: tiltmeter::inference::Quantile::Normal,
            ..Delta::default()
        })));
        let theirs = &golden["ppi"][theirs];
        let number = |of: &Json| of.as_f64().unwrap();
        near(ours.value.number().unwrap(), number(&theirs["estimate"]), 1e-5, "estimate");
        // Ours is made on the scale of log odds, and has other factors: compare the width.
        let share = ours.value.number().unwrap();
        let error = ours.standard_error.unwrap() * share * (1.0 - share);
        let width = number(&theirs["ci"][1]) - number(&theirs["ci"][0]);
        near(2.0 * 1.959_963_984_540_054 * error, width, 3e-3, "width");
    }
}

/// Every way to doubt a corrected ratio comes to about one error; the interval of the default is the widest here.
#[test]
fn every_interval_serves() {
    let case = &golden()["cases"]["crossed"];
    let log = log(&rows_of(case), false);
    let question = question(Correction::Ppi).statistic(LogRatio);
    let of = |interval| first(Audit::of(&log, &question).interval(interval));
    let delta = of(Interval::Delta(Delta::default()));
    let error = delta.standard_error.unwrap();
    for interval in [
        Interval::Jackknife(Jackknife::default()),
        Interval::Bootstrap(Bootstrap::default()),
        Interval::WildBootstrap(tiltmeter::inference::WildBootstrap::default()),
    ] {
        let other = of(interval);
        assert_eq!(other.value, delta.value);
        near(other.standard_error.unwrap_or(error), error, 0.1, &format!("{interval:?}"));
        let widths = [&other, &delta].map(|its| {
            let interval = its.interval.unwrap();
            interval.high.unwrap() - interval.low.unwrap()
        });
        near(widths[0], widths[1], 0.15, &format!("{interval:?}"));
    }
    let bounds = of(Interval::ShareBounds(ShareBounds::default()));
    assert_eq!(bounds.value, delta.value);
    assert!(bounds.interval.unwrap().high > delta.interval.unwrap().high);
}

/// Parts of a log, in any order, saved and read back, as logs and as tallies: the same answer to the bit.
#[test]
fn parts_and_saved_forms_have_the_same_answers() {
    let case = &golden()["cases"]["weighed"];
    let log = log(&rows_of(case), true);
    let folder = tempfile::tempdir().unwrap();
    let whole = Tally::of(&log, &TallySpec::default()).unwrap();
    assert_eq!(whole.labelled_impressions(), log.labelled());
    let parts: Vec<Tally> = (0..3)
        .map(|part| {
            let rows = log.filter("a part", |row| row % 3 == part).unwrap();
            Tally::of(&rows, &TallySpec::default()).unwrap()
        })
        .collect();
    let merged = Tally::merge_all(parts.iter().rev()).unwrap();
    assert_eq!(merged, whole);
    let path = folder.path().join("whole.tally");
    whole.save(&path).unwrap();
    assert_eq!(Tally::open_saved(&path).unwrap(), whole);
    let asked = question(Correction::Ppi);
    let expected = first(Audit::of(&log, &asked));
    let of_tally = first(Audit::of_tally(&merged, &asked));
    assert_eq!(of_tally.measured, expected.measured);
    #[cfg(feature = "parquet")]
    {
        let path = folder.path().join("log.parquet");
        log.save(&path).unwrap();
        let again = ExposureLog::open_saved(&path).unwrap();
        assert_eq!(again, log);
        assert_eq!(first(Audit::of(&again, &asked)).measured, expected.measured);
        // Tables have no room for labels by hand, and say so.
        let refused = whole.export(folder.path().join("table.parquet")).unwrap_err();
        assert!(refused.to_string().contains("labelled by hand"), "{refused}");
    }
    // One byte of what was labelled is not another.
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 40;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(Tally::open_saved(&path).is_err());
}

/// Two-way clusters have predictions count as much as by the first way alone.
#[test]
fn two_ways_of_clustering_have_one_share() {
    let case = &golden()["cases"]["crossed"];
    let mut of_week = rows_of(case);
    of_week.iter_mut().enumerate().for_each(|(at, row)| row.0 = at as i64 % 9);
    let weeks: Vec<String> = of_week.iter().map(|row| row.0.to_string()).collect();
    let weeks: Vec<&str> = weeks.iter().map(String::as_str).collect();
    let source = source(&rows_of(case)).text("week", &weeks);
    let log = ExposureLog::read(source, &schema(false).column("week")).unwrap();
    let one = first(Audit::of(&log, &question(Correction::Ppi)));
    let two = question(Correction::Ppi).second_cluster(ClusterBy::column("week"));
    let two = first(Audit::of(&log, &two));
    assert_eq!(one.value, two.value);
    assert_eq!(one.labels, two.labels);
    assert!(two.interval.unwrap().low.is_some());
}

/// What cannot be corrected says why; nothing is a number that is none.
#[test]
fn states_have_reasons() {
    let row = |who, arm, model, hand| (who, arm, model, hand, 32, 16);
    let of = |rows: &[Row], correction| first(Audit::of(&log(rows, false), &question(correction)));
    let all = [Correction::Ppi, Correction::Dsl, Correction::RoganGladen, Correction::HandAlone];
    // Nobody looked at the baseline.
    let one_arm = [row(1, 1, 1, 1), row(2, 1, 0, 0), row(3, 0, 1, -1), row(4, 0, 0, -1)];
    for correction in all {
        let its = of(&one_arm, correction);
        assert_eq!(its.value, Value::Undefined(Undefined::NothingLabelled), "{correction:?}");
        assert_eq!(its.labels.unwrap().baseline.unwrap().rows, 0);
    }
    // Hands found it nowhere in the baseline, where it is predicted once.
    let never = [
        row(1, 1, 1, 1),
        row(2, 1, 0, 0),
        row(3, 0, 0, 0),
        row(4, 0, 1, 0),
        row(5, 0, 1, -1),
        row(6, 1, 0, -1),
    ];
    assert_eq!(
        of(&never, Correction::HandAlone).value,
        Value::Undefined(Undefined::CorrectedOutOfRange)
    );
    assert_eq!(
        of(&never, Correction::RoganGladen).value,
        Value::Undefined(Undefined::LabelsAllAlike)
    );
    // Predicted where it is not.
    let wrong = [row(1, 1, 1, 0), row(2, 1, 0, 1), row(3, 0, 0, 1), row(4, 0, 1, 0)];
    assert_eq!(
        of(&wrong, Correction::RoganGladen).value,
        Value::Undefined(Undefined::PredictionsSayNothing)
    );
    let few = of(&never, Correction::Dsl);
    assert!(few.warnings.iter().any(|its| matches!(its, Warning::FewLabels { .. })));
}

#[test]
fn what_is_not_corrected_is_refused() {
    let rows = [(1, 1, 1, 1, 32, 16), (2, 0, 0, 0, 32, 16), (2, 0, 1, -1, 32, 16)];
    let with = log(&rows, false);
    let asked = || question(Correction::Ppi);
    let refused = |log: &ExposureLog, question: Question| {
        Audit::of(log, &question).run().unwrap_err().to_string()
    };
    for (question, said) in [
        (asked().unit(Unit::Within), "whom a topic reached"),
        (asked().statistic(tiltmeter::statistic::HaldaneAnscombeRatio), "amplification_ratio"),
        (asked().multi_label(MultiLabel::Fractional), "share an impression"),
        (asked().cluster(ClusterBy::Impression), "clusters of impressions"),
        (asked().denominator(tiltmeter::Denominator::TaggedImpressions), "all impressions"),
    ] {
        let message = refused(&with, question);
        assert!(message.contains(said), "{message}");
    }
    let plain = schema(false);
    let unlabelled = [(1, 1, 1, -1, 32, 16), (2, 0, 0, -1, 32, 16)];
    assert!(matches!(
        Audit::of(&log(&unlabelled, false), &asked()).run(),
        Err(Error::NoLabels { .. })
    ));
    // A label without a chance; a chance that is none; one without the other.
    let labelled = |chance: &str| {
        SliceSource::new("rows")
            .text("who", &["1", "2"])
            .text("feed", &["a", "b"])
            .text("model", &["war", ""])
            .text("hand", &["war", ""])
            .text("chance", &[chance, ""])
    };
    let fault = |chance| match ExposureLog::read(labelled(chance), &plain) {
        Err(Error::Row(fault)) => (fault.reason, fault.row, fault.column),
        other => panic!("{other:?}"),
    };
    let column = "chance".to_owned();
    assert_eq!(fault(""), (FaultReason::LabelWithoutInclusion, 1, column.clone()));
    assert_eq!(fault("0"), (FaultReason::InclusionOutOfRange, 1, column.clone()));
    assert_eq!(fault("1.5"), (FaultReason::InclusionOutOfRange, 1, column));
    assert_eq!(ExposureLog::read(labelled("0.5"), &plain).unwrap().labelled(), 1);
    let alone = LogSchema::new().viewer("who").arm("feed").inclusion("chance");
    assert!(matches!(ExposureLog::read(labelled("0.5"), &alone), Err(Error::Unstated { .. })));
}

/// Rows that were looked at and left empty where the topic is not: what is labelled stands for far fewer than there are.
#[test]
fn rows_left_empty_are_noticed() {
    let mut random = Random(5);
    let rows: Vec<Row> = (0..4000)
        .map(|at| {
            let topic = u8::from(random.next() < 0.2);
            let looked = random.next() < 0.5;
            let hand = if looked && topic == 1 { 1 } else { -1 };
            (at / 10, (at % 2) as u8, topic, hand, 32, 16)
        })
        .collect();
    let its = first(Audit::of(&log(&rows, false), &question(Correction::Ppi)));
    let said = its.warnings.iter().filter(|its| matches!(its, Warning::LabelsNotByDesign { .. }));
    assert_eq!(said.count(), 2);
}

/// Kappa, sensitivity and specificity as scikit-learn has them, each row as heavy as what it stands for; alpha, of rows
/// that stand for one each, as the package krippendorff has it.
#[test]
fn agreement_is_that_of_others() {
    for (name, case) in golden()["cases"].as_object().unwrap() {
        let rows = rows_of(case);
        let labels_of = |log: &ExposureLog| {
            let labels = first(Audit::of(log, &question(Correction::Dsl))).labels.unwrap();
            [labels.treatment.unwrap(), labels.baseline.unwrap()]
        };
        // Those that were labelled, as if they were all there is.
        let looked_at: Vec<Row> = rows
            .iter()
            .filter(|row| row.3 >= 0)
            .map(|&(who, arm, model, hand, ..)| (who, arm, model, hand, 64, 16))
            .collect();
        let plain = labels_of(&log(&looked_at, false));
        let theirs = case["agreement"].as_array().unwrap();
        let arms = labels_of(&log(&rows, name == "weighed"));
        for (ours, (plain, theirs)) in arms.iter().zip(plain.iter().zip(theirs)) {
            let number = |of: &str| theirs[of].as_f64().unwrap();
            near(ours.kappa.unwrap(), number("kappa"), 1e-9, name);
            near(ours.sensitivity.unwrap(), number("sensitivity"), 1e-9, name);
            near(ours.specificity.unwrap(), number("specificity"), 1e-9, name);
            near(plain.alpha.unwrap(), number("plain_alpha"), 1e-9, name);
        }
    }
}

/// Where all is labelled, what hands say is all there is, whatever was predicted.
#[test]
fn labels_of_everything_need_no_predictions() {
    let mut random = Random(77);
    let rows: Vec<Row> = (0..2000)
        .map(|at| {
            let topic = i8::from(random.next() < 0.3);
            let model = u8::from(random.next() < if topic == 1 { 0.7 } else { 0.2 });
            (at / 20, u8::from(at % 40 < 20), model, topic, 64, 16)
        })
        .collect();
    let by_hand = ExposureLog::read(
        source(&rows),
        &LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("hand")),
    );
    let truth = first(Audit::of(&by_hand.unwrap(), &Question::between("a", "b").topics(["war"])));
    for correction in [Correction::Ppi, Correction::Dsl, Correction::HandAlone] {
        let ours = first(Audit::of(&log(&rows, false), &question(correction)));
        near(ours.value.number().unwrap(), truth.value.number().unwrap(), 1e-12, "all labelled");
        near(ours.standard_error.unwrap(), truth.standard_error.unwrap(), 1e-9, "all labelled");
    }
}

/// A log of viewers in one arm each, labelled by hand with these chances: by arm, of what is not predicted to have the
/// topic and of what is.
fn simulated(random: &mut Random, viewers: i64, chances: [[f64; 2]; 2]) -> ExposureLog {
    let (mut who, mut feed, mut model) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hand, mut chance) = (Vec::new(), Vec::new());
    for viewer in 0..2 * viewers {
        let arm = (viewer % 2) as usize;
        let liking = 0.5 * random.next();
        for _ in 0..40 {
            let is = random.next() < liking;
            let finds = if is { 0.8 } else { [0.1, 0.03][arm] };
            let predicted = usize::from(random.next() < finds);
            let named = |is: bool| if is { "war" } else { "none" };
            who.push(viewer);
            feed.push(["a", "b"][arm]);
            model.push(named(predicted == 1));
            hand.push(if random.next() < chances[arm][predicted] { named(is) } else { "" });
            chance.push(chances[arm][predicted]);
        }
    }
    let source = SliceSource::new("simulated")
        .integer("who", &who)
        .text("feed", &feed)
        .text("model", &model)
        .text("hand", &hand)
        .float("chance", &chance);
    ExposureLog::read(source, &schema(false)).unwrap()
}

/// A plan from one pilot says how much corrected ratios vary in studies that follow it, to a tenth or so; labels shared
/// otherwise show less.
#[test]
fn plans_are_what_studies_show() {
    let mut random = Random(3);
    let asked = question(Correction::Dsl).statistic(LogRatio);
    let pilot = simulated(&mut random, 150, [[0.2, 0.4]; 2]);
    let tally = Tally::of(&pilot, &TallySpec::default()).unwrap();
    let pilot = LabelPilot::of(&tally, &TopicQuestion::of(&asked, "war").unwrap()).unwrap();
    let plan = pilot.plan(600, 0.95, 0.8).unwrap();
    let chances =
        [(plan.treatment, pilot.treatment), (plan.baseline, pilot.baseline)].map(|(split, arm)| {
            let of = |labels: u64, part: LabelledPart| labels as f64 / part.impressions as f64;
            [of(split.not_predicted, arm.not_predicted), of(split.predicted, arm.predicted)]
        });
    let mut varies = |chances: [[f64; 2]; 2]| {
        let values: Vec<f64> = (0..400)
            .map(|_| {
                let log = simulated(&mut random, 150, chances);
                let audit = Audit::of(&log, &asked).interval(Interval::Delta(Delta::default()));
                first(audit).value.number().unwrap()
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 400.0;
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 399.0).sqrt()
    };
    let found = varies(chances);
    // The error of a standard deviation of 400 is 3.5%, and the pilot's own is more.
    near(plan.standard_error, found, 0.15, "planned");
    let (above, below) = (plan.above.ln(), plan.below.ln());
    near(above, 2.801_585_218 * plan.standard_error, 1e-8, "power");
    assert!((above + below).abs() < 1e-12);
    // As many labels, most of them where the topic is predicted.
    let rows = [pilot.treatment, pilot.baseline]
        .map(|arm| [arm.not_predicted.impressions as f64, arm.predicted.impressions as f64]);
    let otherwise = varies(rows.map(|[rest, predicted]| [40.0 / rest, 260.0 / predicted]));
    assert!(otherwise > 1.2 * found, "{otherwise} and {found}");
    let needed = pilot.labels_needed(plan.above, 0.95, 0.8).unwrap().unwrap();
    assert!((595..=605).contains(&needed), "{needed}");
    assert_eq!(pilot.labels_needed(1.01, 0.95, 0.8).unwrap(), None);
}

/// Hands that find every prediction right in a few rows do not make the rest sure: the interval is longer than that of
/// predictions taken for truth, the more so the fewer rows they looked at.
#[test]
fn a_few_right_predictions_prove_little() {
    let mut random = Random(9);
    let plain: Vec<Row> = (0..4000)
        .map(|at| {
            let topic = u8::from(random.next() < 0.3);
            (at / 20, u8::from(at % 40 < 20), topic, -1, 64, 16)
        })
        .collect();
    let error = |each: i64| {
        let mut rows = plain.clone();
        let mut left = [[each; 2]; 2];
        for row in &mut rows {
            let left = &mut left[usize::from(row.1)][usize::from(row.2)];
            if *left > 0 {
                (*left, row.3, row.4) = (*left - 1, row.2 as i8, 1);
            }
        }
        first(Audit::of(&log(&rows, false), &question(Correction::Dsl))).standard_error.unwrap()
    };
    let as_predicted =
        first(Audit::of(&log(&plain, false), &Question::between("a", "b").topics(["war"])));
    let as_predicted = as_predicted.standard_error.unwrap();
    let (few, some) = (error(5), error(60));
    assert!(few > 1.5 * some && some > 1.1 * as_predicted, "{few} {some} {as_predicted}");
}
