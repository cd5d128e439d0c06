//! Findings that are not there, as thin and lopsided studies announced them: each kind with a small log and
//! what can be known of it.

use std::collections::BTreeMap;

use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BoundsForm, Caution, Delta, Equivalence, Permutation, Pilot,
    ShareBounds, Simultaneous, Test, TopicQuestion, WildTest,
};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, Difference, HaldaneAnscombeRatio, LogRatio, MantelHaenszelDifference,
    OddsRatio, PercentAmplification, Side, Statistic,
};
use tiltmeter::tally::{Tally, TallySpec, Weights};
use tiltmeter::{
    Attention, Audit, Baseline, Bias, Denominator, Error, Estimate, ExposureLog, Interval,
    IntervalMethod, Keep, MultiLabel, NoInterval, NoTest, Question, Reach, Reference,
    ReferenceShare, Said, SideOfNull, Unit, Warning,
};

use crate::shared::random::Random;

/// Viewer, arm, topic, stratum.
type Row = (String, &'static str, String, &'static str);

fn log(rows: &[Row]) -> ExposureLog {
    let column = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
    let source = SliceSource::new("rows")
        .text("who", &column(|row| &row.0))
        .text("feed", &column(|row| row.1))
        .text("about", &column(|row| &row.2))
        .text("where", &column(|row| row.3));
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .topics(TopicColumn::single("about"))
        .stratum("where");
    ExposureLog::read(source, &schema).unwrap()
}

/// So many impressions of a viewer in an arm, the first of them of the topic.
fn shown(rows: &mut Vec<Row>, viewer: &str, arm: &'static str, topic: &str, (of, all): (u32, u32)) {
    let stratum = if viewer.ends_with(['0', '2', '4', '6', '8']) { "north" } else { "south" };
    for nth in 0..all {
        let topic = if nth < of { topic } else { "other" };
        rows.push((viewer.to_owned(), arm, topic.to_owned(), stratum));
    }
}

fn question() -> Question {
    Question::between("a", "b")
}

fn of_war() -> Question {
    question().topics(["war"])
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().unwrap().estimates()[0].clone()
}

fn is_found(estimate: &Estimate) -> bool {
    estimate.finding.is_some_and(|its| its.alone.is_clear() || its.among_all.is_clear())
}

/// 18 of 20 against 3 of 20 impressions of one viewer, of 30 that are in both arms: one viewer's taste, which
/// says nothing of the others.
#[test]
fn one_viewer_is_no_finding() {
    let mut rows = Vec::new();
    for viewer in 0..30 {
        for (arm, of) in [("a", 18), ("b", 3)] {
            let of = if viewer == 0 { of } else { 0 };
            shown(&mut rows, &format!("v{viewer}"), arm, "war", (of, 20));
        }
    }
    let log = log(&rows);
    for interval in [Interval::default(), Interval::Delta(Default::default())] {
        let asked = |question: Question| {
            first(Audit::of(&log, &question).interval(interval).test(Test::ShareBounds))
        };
        for estimate in [
            asked(of_war().statistic(AmplificationRatio)),
            asked(of_war().statistic(OddsRatio)),
            asked(of_war().statistic(Difference)),
        ] {
            assert!(!is_found(&estimate), "{interval:?}: {estimate:?}");
            assert!(estimate.test.unwrap().p.unwrap() > 0.05, "{interval:?}");
        }
    }
}

/// A test that is asked for beside bounds of the plain form is of that form.
#[test]
fn tests_are_of_the_intervals_form() {
    let mut rows = Vec::new();
    for viewer in 0..12 {
        shown(&mut rows, &format!("a{viewer}"), "a", "war", (3 + viewer % 5, 12));
        shown(&mut rows, &format!("b{viewer}"), "b", "war", (viewer % 4, 12));
    }
    let log = log(&rows);
    for form in [BoundsForm::Plain, BoundsForm::Refined] {
        let at = |level| {
            let interval = Interval::ShareBounds(ShareBounds { level, form });
            first(Audit::of(&log, &of_war()).interval(interval).test(Test::ShareBounds))
        };
        let p = at(0.95).test.unwrap().p.unwrap();
        // At the level of the p-value the interval just ends at 1.
        let low = at(1.0 - p).interval.unwrap().low.unwrap();
        assert!((low - 1.0).abs() < 1e-6, "{form:?}: {low} at p {p}");
    }
}

/// Every viewer of both arms is reached: with 1/2 added to each cell the ratio of 5 against 80 is below 1,
/// and means nothing.
#[test]
fn what_is_added_is_no_finding() {
    let mut rows = Vec::new();
    for viewer in 0..85 {
        let arm = if viewer < 5 { "a" } else { "b" };
        shown(&mut rows, &format!("v{viewer}"), arm, "war", (2, 4));
    }
    let log = log(&rows);
    let reached = of_war().unit(Unit::Reach(Reach::default())).statistic(HaldaneAnscombeRatio);
    let estimate = first(Audit::of(&log, &reached));
    assert!(estimate.value.number().unwrap() < 1.0);
    assert!(!is_found(&estimate), "{estimate:?}");
}

/// One impression of thirty for each of 60 viewers against none for each of four: over strata nothing says
/// what the four would show.
#[test]
fn strata_do_not_make_an_arm_known() {
    let mut rows = Vec::new();
    for viewer in 0..64 {
        let (arm, of) = if viewer < 60 { ("a", 1 + viewer % 2) } else { ("b", 0) };
        shown(&mut rows, &format!("v{viewer}"), arm, "war", (of, 30));
    }
    let log = log(&rows);
    let question = of_war().statistic(MantelHaenszelDifference);
    let estimate = first(Audit::of(&log, &question).test(Test::ShareBounds));
    assert_eq!(estimate.interval, Err(NoInterval::ShareAtLimit));
    assert!(estimate.test.unwrap().p.is_err() && !is_found(&estimate));
}

/// None of three that were asked: Clopper and Pearson's bound is 1 - 0.025^(1/3) = 0.7076, so that 6% shown
/// is no more than that.
#[test]
fn a_reference_that_counted_none_is_not_zero() {
    let mut rows = Vec::new();
    for viewer in 0..20 {
        shown(&mut rows, &format!("v{viewer}"), "a", "war", (u32::from(viewer % 3 == 0), 5));
    }
    let log = log(&rows);
    let of = |topic, all| {
        let shares = BTreeMap::from([("war".to_owned(), ReferenceShare::Counts { topic, all })]);
        let bias = Bias { low: 1.0, high: 1.0 };
        let baseline = Baseline::Reference(Reference { name: "a poll".to_owned(), shares, bias });
        let question = of_war().against(baseline).statistic(Difference);
        first(Audit::of(&log, &question).test(Test::ShareBounds))
    };
    let estimate = of(0, 3);
    let (value, interval) = (estimate.value.number().unwrap(), estimate.interval.unwrap());
    let most = 1.0 - 0.025_f64.powf(1.0 / 3.0);
    assert!(interval.low.unwrap() < value - most + 1e-9, "{interval:?}");
    assert!(estimate.test.unwrap().p.unwrap() > 0.05 && !is_found(&estimate));
    // Of many it is nearly zero.
    assert!(of(0, 100_000).interval.unwrap().low.unwrap() > 0.0);
}

/// Topics by arm that differ by chance alone: what is counted among all is what the bands say.
#[test]
fn bands_are_what_is_counted_by() {
    let mut rows = Vec::new();
    let mut state = 7_u64;
    for viewer in 0..50 {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        for _ in 0..30 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let taste = (state >> 33) % 20;
            let topic = if state >> 62 == 0 { u64::from(viewer as u32) % 20 } else { taste };
            shown(&mut rows, &format!("v{viewer}"), arm, &format!("t{topic}"), (1, 1));
        }
    }
    let log = log(&rows);
    let bands = Interval::Simultaneous(Simultaneous { replicates: 500, ..Default::default() });
    let report = Audit::of(&log, &question()).interval(bands).run().unwrap();
    assert_eq!(report.estimates().len(), 20);
    // One at a time some of them would be findings.
    let alone =
        Audit::of(&log, &question()).interval(Interval::Delta(Default::default())).run().unwrap();
    assert!(alone.estimates().iter().any(|its| its.finding.unwrap().alone.is_clear()));
    for estimate in report.estimates() {
        let interval = estimate.interval.unwrap();
        let says = match estimate.finding.unwrap().among_all {
            SideOfNull::Above => interval.low.is_some_and(|low| low > 1.0),
            SideOfNull::Below => interval.high.is_some_and(|high| high < 1.0),
            _ => true,
        };
        assert!(says, "{estimate:?}");
    }
}

/// Beside bands an arm at its limit has bounds at the level of all topics, on one side as on two: none of five
/// viewers against 45 of 80 is as far from 1 by the ratio as by the difference from 0.
#[test]
fn bounds_beside_bands_are_for_all_topics() {
    let mut rows = Vec::new();
    for viewer in 0..85 {
        let arm = if viewer < 5 { "a" } else { "b" };
        let of = u32::from(viewer >= 40);
        shown(&mut rows, &format!("v{viewer}"), arm, "war", (of, 4));
        shown(&mut rows, &format!("v{viewer}"), arm, "sport", (1, 3));
    }
    let log = log(&rows);
    let bands = Interval::Simultaneous(Simultaneous { replicates: 200, ..Default::default() });
    let of = |interval, level: f64| {
        let asked =
            Audit::of(&log, &question().unit(Unit::Reach(Reach::default()))).interval(interval);
        let report = asked.run().unwrap();
        let war = report.estimates().iter().find(|its| its.estimand.topic == "war").unwrap();
        let interval = war.interval.unwrap();
        assert!((interval.level - level).abs() < 1e-15);
        (report.estimates().len(), interval.high.unwrap())
    };
    let (topics, beside) = of(bands, 0.95);
    // Bonferroni: of three topics each at 1 - 0.05/3.
    let level = 1.0 - 0.05 / topics as f64;
    let alone = Interval::ShareBounds(ShareBounds { level, ..ShareBounds::default() });
    assert_eq!((topics, beside), of(alone, level));
}

/// Two ways of clustering are asked for in a form, too.
#[test]
fn two_ways_have_the_form_that_was_asked_for() {
    let mut rows = Vec::new();
    for viewer in 0..12_u32 {
        for (arm, more) in [("a", 3), ("b", 1)] {
            for _ in 0..2 {
                shown(&mut rows, &format!("v{viewer}"), arm, "war", (more + viewer % 3, 9));
            }
        }
    }
    let log = log(&rows);
    let of = |form| {
        let interval = Interval::ShareBounds(ShareBounds { form, ..ShareBounds::default() });
        let question = of_war().second_cluster(tiltmeter::ClusterBy::column("where"));
        first(Audit::of(&log, &question).interval(interval).test(Test::ShareBounds))
    };
    let (plain, refined) = (of(BoundsForm::Plain), of(BoundsForm::Refined));
    assert_ne!(plain.interval, refined.interval);
    assert_ne!(plain.test.unwrap().p, refined.test.unwrap().p);
}

/// What is named twice is one question.
#[test]
fn a_topic_named_twice_counts_once() {
    let mut rows = Vec::new();
    for viewer in 0..24 {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        shown(&mut rows, &format!("v{viewer}"), arm, "war", (1 + viewer % 3, 6));
    }
    let log = log(&rows);
    let report = Audit::of(
        &log,
        &question().topics(["war", "war"]).statistic(Difference).statistic(Difference),
    )
    .run()
    .unwrap();
    assert_eq!(report.estimates().len(), 1);
    assert_eq!(report.estimates()[0].finding.unwrap().of, 1);
}

/// Where an arm does not vary share bounds stand in, and nobody is told to take them.
#[test]
fn what_stands_in_has_clusters_enough() {
    let mut rows = Vec::new();
    for viewer in 0..16 {
        let (arm, of) = if viewer < 8 { ("a", 2) } else { ("b", 2 * (viewer % 2)) };
        shown(&mut rows, &format!("v{viewer}"), arm, "war", (of, 2));
    }
    let log = log(&rows);
    let bca = Interval::Bootstrap(Bootstrap { kind: BootstrapKind::Bca, ..Bootstrap::default() });
    let is_few = |its: &Warning| matches!(its, Warning::FewClustersForMethod { .. });
    let reached =
        first(Audit::of(&log, &of_war().unit(Unit::Reach(Reach::default()))).interval(bca));
    assert_eq!(reached.method, Some(IntervalMethod::ShareBounds));
    assert!(!reached.warnings.iter().any(is_few));
    // With one who was shown something else the arm varies, and eight are few for that bootstrap.
    shown(&mut rows, "v8", "a", "war", (0, 2));
    let log = self::log(&rows);
    let shares = first(Audit::of(&log, &of_war()).interval(bca));
    assert!(shares.warnings.iter().any(is_few), "{shares:?}");
}

/// What was tested against is in the answer.
#[test]
fn margins_are_told() {
    use tiltmeter::inference::Equivalence;
    let mut rows = Vec::new();
    for viewer in 0..24 {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        shown(&mut rows, &format!("v{viewer}"), arm, "war", (1 + viewer % 3, 6));
    }
    let log = log(&rows);
    let of = |low, high| {
        let test = Test::Equivalence(Equivalence { low, high, ..Equivalence::default() });
        Audit::of(&log, &of_war()).test(test).run()
    };
    for (low, high) in [(2.0, 1.0), (-0.5, 2.0), (1.0, f64::NAN)] {
        let refused = of(low, high).unwrap_err();
        assert!(matches!(refused, Error::Parameter { .. }), "{refused}");
    }
    // A margin that nobody said is a ratio's; one that was said and leaves out 1 is a claim of a size.
    for statistic in [&LogRatio as &dyn Statistic, &Difference, &PercentAmplification] {
        let question = match statistic.name() {
            "log_ratio" => of_war().statistic(LogRatio),
            "difference" => of_war().statistic(Difference),
            _ => of_war().statistic(PercentAmplification),
        };
        let test = Test::Equivalence(Equivalence::default());
        let refused = Audit::of(&log, &question).test(test).run();
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("own scale") && refused.contains(statistic.name()), "{refused}");
    }
    let of_size = of(1.1, 1.5).unwrap();
    let beside = Warning::MarginBesideNull { low: 1.1, high: 1.5, null: 1.0 };
    assert!(of_size.estimates()[0].warnings.contains(&beside));
    let report = of(0.8, 1.25).unwrap();
    assert!(!report.to_string().contains("leaves out"), "{report}");
    assert_eq!(report.estimates()[0].test.unwrap().margin, Some((0.8, 1.25)));
    assert!(report.sentence().contains("whether within 0.8000 to 1.250"), "{}", report.sentence());
    let json = report.to_json().unwrap();
    assert!(json.contains("\"margin_low\": 0.8") && json.contains("\"margin_high\": 1.25"));
    assert_eq!(tiltmeter::AuditReport::from_json(&json).unwrap().to_string(), report.to_string());
}

/// One column as count and weight would count its square; one unit is one way of clustering; a filter that
/// keeps nothing says which it was.
#[test]
fn what_is_said_twice_or_of_nothing_is_refused() {
    let source = || {
        let who: Vec<String> = (0..8).map(|viewer| format!("v{viewer}")).collect();
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        SliceSource::new("rows")
            .text("who", &who)
            .text("feed", &["a", "b", "a", "b", "a", "b", "a", "b"])
            .text("about", &["war", "war", "x", "x", "war", "x", "x", "war"])
            .float("n", &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0])
    };
    let schema = || LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let both = ExposureLog::read(source(), &schema().weight("n").count("n")).unwrap_err();
    assert!(both.to_string().contains("its square would count"), "{both}");

    let weighed = ExposureLog::read(source(), &schema().weight("n")).unwrap();
    let told = Audit::of(&weighed, &of_war()).run().unwrap();
    let kind = |warning: &&Warning| matches!(warning, Warning::WeightLikeCount { .. });
    assert_eq!(told.estimates()[0].warnings.iter().filter(kind).count(), 1);
    let counted = ExposureLog::read(source(), &schema().count("n")).unwrap();
    let told = Audit::of(&counted, &of_war()).run().unwrap();
    assert_eq!(told.estimates()[0].warnings.iter().filter(kind).count(), 0);

    let twice = Audit::of(&counted, &question().second_cluster(tiltmeter::ClusterBy::Viewer))
        .run()
        .unwrap_err();
    assert!(twice.to_string().contains("one way of clustering"), "{twice}");

    let keep = Keep::new("feed", ["c"]);
    let log = ExposureLog::read(source(), &schema().column("feed")).unwrap();
    match log.keep(&keep) {
        Err(Error::NothingKept { column, asked, available, .. }) => {
            assert_eq!((&*column, &*asked), ("feed", "\"feed\" is \"c\""));
            assert_eq!(available, ["a", "b"]);
        }
        other => panic!("{other:?}"),
    }
}

/// What differs in nothing but a number is one line, from the least to the greatest.
#[test]
fn warnings_of_many_topics_are_few_lines() {
    let mut rows = Vec::new();
    for topic in 0..40_u32 {
        for (arm, viewers) in [("a", 2 + topic % 3), ("b", 5)] {
            for viewer in 0..viewers {
                let name = format!("{arm}{viewer}");
                shown(&mut rows, &name, arm, &format!("t{topic}"), (1 + (topic + viewer) % 4, 6));
            }
        }
    }
    let log = log(&rows);
    let report = Audit::of(&log, &question()).run().unwrap();
    let text = report.to_string();
    let lines = text.split("Warning").filter(|its| its.contains("comes from few clusters"));
    assert_eq!(lines.count(), 1, "{text}");
    // Two clusters with 4 impressions and 1 are as 25 / 17, with 3 and 4 as 49 / 25.
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(line.contains("as if from 1.5 to 2.0 of equal size"), "{text}");
    let all = report.warnings();
    let few = all.iter().filter(|(its, _)| matches!(its, Warning::FewTopicClusters { .. }));
    assert!(few.count() > 1);
}

/// Topics that are combinations of topics are pointed out though most impressions have one.
#[test]
fn combinations_of_topics_are_pointed_out() {
    let mut rows = Vec::new();
    for viewer in 0..20 {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        for topic in ["war", "sport", "Trinidad, Tobago"] {
            shown(&mut rows, &format!("v{viewer}"), arm, topic, (2, 2));
        }
    }
    let combined = |rows: &[Row]| {
        let log = log(rows);
        let estimate = first(Audit::of(&log, &of_war()));
        estimate.warnings.iter().find_map(|its| match its {
            Warning::TopicsInOne { separator, .. } => Some(*separator),
            _ => None,
        })
    };
    assert_eq!(combined(&rows), None, "a comma in a name");
    shown(&mut rows, "v0", "a", "war, sport", (1, 1));
    shown(&mut rows, "v1", "b", "sport,war", (1, 1));
    assert_eq!(combined(&rows), Some(','));
}

/// A reference is a share, and has no counts to which 1/2 could be added.
#[test]
fn nothing_is_added_to_a_reference() {
    let mut rows = Vec::new();
    for viewer in 0..40 {
        shown(&mut rows, &format!("v{viewer}"), "a", "war", (viewer % 2, 1));
    }
    let log = log(&rows);
    let share = ReferenceShare::Counts { topic: 100, all: 400 };
    let reference = Reference::new("elsewhere", Bias::NONE).share("war", share);
    let question = of_war().against(Baseline::Reference(reference)).statistic(HaldaneAnscombeRatio);
    let refused = Audit::of(&log, &question).run().unwrap_err();
    assert!(refused.to_string().contains("half_added_ratio, against"), "{refused}");
}

/// A reference's own error is there whatever impressions are, and no effect of a design.
#[test]
fn a_reference_with_an_error_is_no_design() {
    let mut rows = Vec::new();
    for viewer in 0..200 {
        shown(&mut rows, &format!("v{viewer}"), "a", "war", (viewer % 2, 1));
    }
    let log = log(&rows);
    let of = |standard_error| {
        let share = ReferenceShare::Estimated { share: 0.4, standard_error };
        let reference = Reference::new("elsewhere", Bias::NONE).share("war", share);
        let baseline = Baseline::Reference(reference);
        let estimate = first(Audit::of(&log, &Question::between("a", baseline).topics(["war"])));
        estimate.naive.unwrap().design_effect.unwrap()
    };
    // Each viewer has one impression, so that viewers are as impressions but for g / (g - 1) and what the
    // logarithm bends; without the reference's (0.1 / 0.4)^2 on both sides it would be 13.5.
    let (alone, with) = (of(0.0), of(0.1));
    assert!((alone - 1.0).abs() < 0.03, "{alone}");
    assert!((with - 1.0).abs() < 0.01, "{with}");
}

/// Why a topic has no interval stands in the text, for each reason once; a count of findings that could not
/// be any says so.
#[test]
fn topics_without_intervals_say_why() {
    let mut rows = Vec::new();
    shown(&mut rows, "a1", "a", "war", (3, 10));
    shown(&mut rows, "b1", "b", "war", (2, 10));
    shown(&mut rows, "c1", "c", "never", (1, 1));
    let alone = log(&rows);
    let report = Audit::of(&alone, &question().topics(["war", "other", "never"])).run().unwrap();
    for text in [report.to_string(), report.to_markdown_document()] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\\', "");
        assert!(
            text.contains("Of 3 topics none has an interval, and none is said to be"),
            "{text}"
        );
        let reason = r#"No interval for "war", "other": a single cluster in an arm."#;
        assert!(text.contains(reason), "{text}");
        let undefined = r#"No interval for "never": the topic has no exposure mass in either arm."#;
        assert!(text.contains(undefined), "{text}");
    }
    // With a second viewer in each arm there are intervals, and nothing of this kind is said.
    shown(&mut rows, "a2", "a", "war", (4, 10));
    shown(&mut rows, "b2", "b", "war", (1, 10));
    let both = log(&rows);
    let text = Audit::of(&both, &question().topics(["war", "other"])).run().unwrap().to_string();
    assert!(!text.contains("No interval") && !text.contains("none has an interval"), "{text}");
}

/// A rule for several topics is said to change nothing where no impression has several.
#[test]
fn a_rule_for_several_topics_wants_several() {
    let source = |topics: &[&str]| {
        SliceSource::new("rows")
            .text("who", &["v1", "v2", "v3", "v4"])
            .text("feed", &["a", "a", "b", "b"])
            .text("about", topics)
    };
    let schema =
        LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::separated("about", '|'));
    for (topics, is_said) in
        [(["war", "sport", "war", ""], true), (["war|sport", "sport", "war", ""], false)]
    {
        let log = ExposureLog::read(source(&topics), &schema).unwrap();
        let fractional = of_war().multi_label(MultiLabel::Fractional);
        let warnings = first(Audit::of(&log, &fractional)).warnings;
        let said = Warning::WithoutEffect { said: Said::SingleTopics };
        assert_eq!(warnings.contains(&said), is_said, "{warnings:?}");
        let full = first(Audit::of(&log, &of_war()));
        assert!(!full.warnings.contains(&said));
    }
}

/// A test that moves clusters between arms has nothing to move where the baseline is a number.
#[test]
fn tests_between_arms_say_that_there_is_one_arm() {
    let mut rows = Vec::new();
    for viewer in 0..6 {
        shown(&mut rows, &format!("a{viewer}"), "a", "war", (3, 10));
    }
    let log = log(&rows);
    let share = ReferenceShare::Counts { topic: 100, all: 400 };
    let reference =
        Baseline::Reference(Reference::new("elsewhere", Bias::NONE).share("war", share));
    for test in
        [Test::WildBootstrap(WildTest::default()), Test::Permutation(Permutation::default())]
    {
        let question = of_war().against(reference.clone());
        let tested = first(Audit::of(&log, &question).test(test)).test.unwrap();
        assert_eq!(tested.p, Err(NoTest::BaselineFromElsewhere), "{test:?}");
        assert!(tested.p.unwrap_err().to_string().contains("no arm of the log"));
    }
}

/// A reference of 1 that was measured with an error may be anything below 1: the higher the level the longer the
/// interval, no p-value contradicts it, and nothing is found. One of exactly 0 makes a ratio infinite and says
/// nothing of how sure that is.
#[test]
fn references_at_limits_have_the_error_that_was_stated() {
    let mut rows = Vec::new();
    for viewer in 0..12 {
        shown(&mut rows, &format!("a{viewer:02}"), "a", "war", (2 + viewer % 5, 10));
    }
    let log = log(&rows);
    let against = |share: ReferenceShare| {
        let reference = Reference::new("poll", Bias::NONE).share("war", share);
        of_war().against(Baseline::Reference(reference))
    };
    let audit = |question: Question| Audit::of(&log, &question);
    for standard_error in [0.05, 0.3, 0.6, 1.0] {
        let one = || against(ReferenceShare::Estimated { share: 1.0, standard_error });
        let ratio = || audit(one().statistic(AmplificationRatio));
        let difference = || audit(one().statistic(Difference));
        for at in 0..3 {
            let asked = || match at {
                0 => ratio(),
                1 => difference(),
                _ => audit(one().statistic(OddsRatio)),
            };
            let mut before: Option<f64> = None;
            for level in [0.8, 0.95, 0.99, 0.999, 0.9999, 1.0 - 1e-9] {
                let interval =
                    Interval::ShareBounds(ShareBounds { level, ..ShareBounds::default() });
                let estimate = first(asked().interval(interval).test(Test::ShareBounds));
                let bounds = estimate.interval.unwrap();
                let high = bounds.high.unwrap_or(f64::INFINITY);
                assert!(before.is_none_or(|before| high >= before), "{estimate:?}");
                before = Some(high);
                let p = estimate.test.unwrap().p.unwrap();
                let null = if estimate.estimand.statistic == "difference" { 0.0 } else { 1.0 };
                let leaves_out = high < null || bounds.low.is_some_and(|low| low > null);
                assert_eq!(leaves_out, p < 1.0 - level, "{level} {standard_error}: {estimate:?}");
            }
        }
        if standard_error > 0.5 {
            assert!(!is_found(&first(ratio())) && !is_found(&first(difference())));
            let margin = Test::Equivalence(Equivalence::default());
            assert!(first(ratio().test(margin)).test.unwrap().p.unwrap() > 0.05);
        }
    }
    let zero = || against(ReferenceShare::Known(0.0));
    let bounded = |question| first(audit(question).test(Test::ShareBounds));
    let ratio = bounded(zero().statistic(AmplificationRatio));
    let bounds = ratio.interval.unwrap();
    assert_eq!((bounds.low, bounds.high), (Some(1.0), None));
    assert!(!is_found(&ratio) && ratio.test.unwrap().p.unwrap() >= 1.0);
    let difference = bounded(zero().statistic(Difference));
    assert!(!is_found(&difference) && difference.test.unwrap().p.unwrap() >= 1.0);
    assert!(difference.interval.unwrap().low.is_some_and(|low| low.abs() < 1e-12));
    for estimate in [ratio, difference] {
        assert!(estimate.warnings.contains(&Warning::CertainBaseline), "{estimate:?}");
    }
    // With an error, however small, or of a sample it is an ordinary baseline.
    let estimated = against(ReferenceShare::Estimated { share: 0.0, standard_error: 0.01 });
    assert!(is_found(&first(audit(estimated.statistic(Difference)))));
}

/// Clusters in both arms that show the topic in one of them alone, chosen by coin: with four of them all go the
/// same way in one study of eight.
#[test]
fn all_or_nothing_in_few_crossed_clusters_is_no_finding() {
    let estimates = |clusters: u32| {
        let mut rows = Vec::new();
        for viewer in 0..clusters {
            shown(&mut rows, &format!("v{viewer}"), "a", "war", (10, 10));
            shown(&mut rows, &format!("v{viewer}"), "b", "war", (0, 10));
        }
        let log = log(&rows);
        [
            first(Audit::of(&log, &of_war().statistic(Difference))),
            first(Audit::of(&log, &of_war().statistic(AmplificationRatio))),
            first(Audit::of(&log, &of_war().statistic(OddsRatio))),
        ]
    };
    for clusters in [4, 5] {
        let found = estimates(clusters);
        assert!(found.iter().all(|estimate| !is_found(estimate)), "{clusters}: {found:?}");
        // By hand: bounds of Clopper and Pearson, and both at their worst at once.
        let low = 0.025_f64.powf(1.0 / f64::from(clusters));
        let bounds = found[0].interval.unwrap();
        assert!((bounds.low.unwrap() - (2.0 * low - 1.0)).abs() < 1e-9, "{bounds:?}");
        let bounds = found[1].interval.unwrap();
        assert!((bounds.low.unwrap() - low / (1.0 - low)).abs() < 1e-9, "{bounds:?}");
    }
    // 2 of 64 studies.
    assert!(estimates(6).iter().all(is_found));
}

/// Nor is it with a stray impression, which makes the shares vary: p is never below the chance that coins fall
/// alike, as a permutation test has it, and the interval says the same.
#[test]
fn few_crossed_clusters_are_coins() {
    for clusters in [3, 4, 5, 6, 7] {
        let mut rows = Vec::new();
        for viewer in 0..clusters {
            let of = if viewer == 0 { 19 } else { 20 };
            shown(&mut rows, &format!("v{viewer}"), "a", "war", (of, 20));
            shown(&mut rows, &format!("v{viewer}"), "b", "war", (0, 20));
        }
        let log = log(&rows);
        let exact = Test::Permutation(Permutation::default());
        let exact = Audit::of(&log, &of_war().statistic(Difference)).test(exact);
        let least = first(exact).test.unwrap().p.unwrap();
        assert!((least - 2.0 / 2.0_f64.powi(clusters)).abs() < 1e-12);
        for at in 0..3 {
            let question = match at {
                0 => of_war().statistic(Difference),
                1 => of_war().statistic(AmplificationRatio),
                _ => of_war().statistic(OddsRatio),
            };
            let estimate = first(Audit::of(&log, &question).test(Test::ShareBounds));
            let p = estimate.test.unwrap().p.unwrap();
            assert!((p - least).abs() < 1e-9, "{clusters}: {p}");
            assert_eq!(is_found(&estimate), least <= 0.05, "{clusters}: {estimate:?}");
        }
    }
}

/// Nor do stray impressions beside three such viewers make a finding of them, whether they are in one arm or in
/// both, few or many; and the reader is told.
#[test]
fn strays_beside_few_crossed_clusters_are_no_finding() {
    for (strays, which) in
        [0, 1, 3, 10, 20].into_iter().flat_map(|many| (0..6).map(move |at| (many, at)))
    {
        for in_both in [true, false] {
            let mut rows = Vec::new();
            for viewer in 0..3 {
                shown(&mut rows, &format!("v{viewer}"), "a", "war", (190 + viewer, 200));
                shown(&mut rows, &format!("v{viewer}"), "b", "war", (5, 200));
            }
            for stray in 0..strays {
                for arm in ["a", "b"] {
                    let of = match which {
                        0 => (stray / 2) % 2,
                        // They may all agree with the others, or all not.
                        1 => u32::from(arm == "a"),
                        2 => u32::from(arm == "b"),
                        3 => u32::from(arm == "a") * (stray % 2),
                        at => u32::from(stray % at == 0),
                    };
                    let name = if in_both { "s" } else { arm };
                    shown(&mut rows, &format!("{name}{stray}"), arm, "war", (of, 1));
                }
            }
            let log = log(&rows);
            for interval in [Interval::default(), Interval::Delta(Delta::default())] {
                let asked = Audit::of(&log, &of_war().statistic(Difference)).interval(interval);
                let estimate = first(asked.test(Test::ShareBounds));
                assert!(!is_found(&estimate), "{strays} {in_both}: {estimate:?}");
                let told = |its: &Warning| matches!(its, Warning::FewInBothArms { p } if *p > 0.1);
                assert!(estimate.warnings.iter().any(told), "{strays} {in_both}: {estimate:?}");
                assert!(estimate.test.unwrap().p.unwrap() > 0.1);
            }
        }
    }
}

/// By simulation: each viewer and each stray leans by a coin, so that no arm shows the topic more.
#[test]
fn coins_are_found_no_more_often_than_stated() {
    const STUDIES: u32 = 400;
    for (viewers, strays, in_both) in [(3, 120, true), (3, 60, false), (4, 20, true), (7, 0, true)]
    {
        let mut random = Random(u64::from(viewers + strays));
        let mut coin = move || random.word() >> 63 == 1;
        let mut found = 0;
        for _ in 0..STUDIES {
            let mut rows = Vec::new();
            for viewer in 0..viewers {
                let of = if coin() { [170, 30] } else { [30, 170] };
                for (arm, of) in ["a", "b"].into_iter().zip(of) {
                    shown(&mut rows, &format!("v{viewer}"), arm, "war", (of + viewer, 200));
                }
            }
            for stray in 0..strays {
                for arm in ["a", "b"] {
                    let name = if in_both { "s" } else { arm };
                    let of = u32::from(coin());
                    shown(&mut rows, &format!("{name}{stray}"), arm, "war", (of, 1));
                }
            }
            found += u32::from(is_found(&first(Audit::of(&log(&rows), &of_war()))));
        }
        // 5% and three standard errors of it.
        let part = f64::from(found) / f64::from(STUDIES);
        assert!(part <= 0.083, "{viewers} viewers, {strays} strays: {part}");
    }
}

/// Names beside the log are compared with its own; factors that make more than all of a share are refused.
#[test]
fn references_are_of_the_logs_names() {
    let mut rows = Vec::new();
    for viewer in 0..6 {
        shown(&mut rows, &format!("a{viewer}"), "a", "war", (3, 10));
    }
    let log = log(&rows);
    let reference = |bias, topic| {
        Reference::new("poll", bias)
            .share("war", ReferenceShare::Known(0.6))
            .share(topic, ReferenceShare::Known(0.1))
    };
    let compared = |reference| Audit::of(&log, &of_war().against(Baseline::Reference(reference)));
    let is_odd = |warning: &Warning| matches!(warning, Warning::OddNames { .. });
    let alike = first(compared(reference(Bias::NONE, "War")));
    assert!(
        alike.warnings.iter().any(|its| is_odd(its) && its.to_string().contains(r#""War", "war""#))
    );
    assert!(!first(compared(reference(Bias::NONE, "other"))).warnings.iter().any(is_odd));
    let error = compared(reference(Bias { low: 2.0, high: 3.0 }, "other")).run().unwrap_err();
    assert!(error.to_string().contains("makes 1.2000 of \"war\"'s share of 0.6000"), "{error}");
    // As far as the lower factor goes there is room.
    assert!(compared(reference(Bias { low: 1.0, high: 3.0 }, "other")).run().is_ok());
}

/// Labels that are missing in one arm make every topic of the other look shown more.
#[test]
fn labels_missing_in_one_arm_are_told() {
    let log = |untagged: u32| {
        let mut rows = Vec::new();
        for viewer in 0..12 {
            shown(&mut rows, &format!("a{viewer}"), "a", "war", (4, 10));
            shown(&mut rows, &format!("b{viewer}"), "b", "war", (4, 10));
            for row in rows.iter_mut().rev().take(untagged as usize) {
                row.2.clear();
            }
        }
        self::log(&rows)
    };
    let told = |estimate: &Estimate| {
        estimate.warnings.iter().find_map(|warning| match warning {
            Warning::UntaggedInOneArm { side, untagged, other } => Some((*side, *untagged, *other)),
            _ => None,
        })
    };
    let lopsided = log(3);
    let estimate = first(Audit::of(&lopsided, &of_war()));
    assert_eq!(told(&estimate).map(|its| (its.0, its.2)), Some((Side::Baseline, 0.0)));
    assert!((told(&estimate).unwrap().1 - 0.3).abs() < 1e-12);
    let tagged = of_war().denominator(Denominator::TaggedImpressions);
    let tagged = Audit::of(&lopsided, &tagged);
    assert_eq!(told(&first(tagged)), None);
    assert_eq!(told(&first(Audit::of(&log(0), &of_war()))), None);
}

/// What impressions weigh is in the estimand, and what is weighed is not added to what is not.
#[test]
fn weights_are_in_the_estimand() {
    let source = || {
        SliceSource::new("rows")
            .text("who", &["v1", "v2", "v3", "v4"])
            .text("feed", &["a", "a", "b", "b"])
            .text("about", &["war", "sport", "war", "sport"])
            .float("dwell", &[1.5, 2.0, 1.0, 1.0])
    };
    let schema = || LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let plain = ExposureLog::read(source(), &schema()).unwrap();
    let weighed = ExposureLog::read(source(), &schema().weight("dwell")).unwrap();
    let estimand = first(Audit::of(&weighed, &of_war())).estimand;
    assert_eq!(estimand.weights, Weights::Columns(vec!["dwell".to_owned()]));
    assert!(estimand.to_string().contains("weighed by \"dwell\""), "{estimand}");
    let estimand = first(Audit::of(&plain, &of_war())).estimand;
    assert_eq!(estimand.weights, Weights::Equal);
    assert!(!estimand.to_string().contains("weighed"), "{estimand}");

    let tally = |log: &ExposureLog| Tally::of(log, &TallySpec::default()).unwrap();
    let (plain, weighed) = (tally(&plain), tally(&weighed));
    let error = Tally::merge_all([&plain, &weighed]).unwrap_err().to_string();
    assert!(error.contains("the weight is") && error.contains("dwell"), "{error}");
    assert!(plain.clone().merge(&weighed).is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weighed.tally");
    weighed.save(&path).unwrap();
    let opened = Tally::open_saved(&path).unwrap();
    assert_eq!(opened.weights(), weighed.weights());
    let both = Tally::merge_all([&opened, &weighed]).unwrap();
    assert_eq!(*both.weights(), Weights::Columns(vec!["dwell".to_owned()]));
}

/// A log in which one viewer shows the topic says nothing of what a study could detect.
#[test]
fn a_pilot_of_one_viewer_is_told() {
    let mut rows = Vec::new();
    for viewer in 0..20 {
        let of = if viewer == 0 { 9 } else { 0 };
        shown(&mut rows, &format!("a{viewer}"), "a", "war", (of, 10));
        shown(&mut rows, &format!("b{viewer}"), "b", "war", (3, 10));
    }
    let log = log(&rows);
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let baseline = Baseline::arm("b");
    let question = TopicQuestion {
        topic: "war",
        treatment: "a",
        baseline: &baseline,
        unit: Unit::Pooled,
        denominator: Denominator::AllImpressions,
        attention: &Attention::Uniform,
        correction: None,
    };
    let pilot = Pilot::of(&tally, &question, &AmplificationRatio).unwrap();
    let few = Caution::FewTopicClusters { side: Side::Treatment, effective: 1.0 };
    assert!(pilot.cautions.contains(&few), "{:?}", pilot.cautions);
    assert!(few.to_string().contains("as if from 1.0 of equal size"));
}

/// Nor are few weeks more than that, however many viewers there are: each week may lean by the toss of a coin.
#[test]
fn few_weeks_are_few_beside_many_viewers() {
    const WEEKS: [&str; 8] = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"];
    for (weeks, is_finding) in [(3, false), (5, false), (8, true)] {
        let mut rows: Vec<Row> = Vec::new();
        for viewer in 0..24_u32 {
            let (arm, of) = if viewer % 2 == 0 { ("a", 16) } else { ("b", 4) };
            for week in &WEEKS[..weeks] {
                let topic = |nth| if nth < of + viewer % 3 { "war" } else { "other" };
                let shown =
                    (0..20).map(|nth| (format!("v{viewer}"), arm, topic(nth).to_owned(), *week));
                rows.extend(shown);
            }
        }
        let log = log(&rows);
        let question = of_war().second_cluster(tiltmeter::ClusterBy::column("where"));
        let estimate = first(Audit::of(&log, &question).test(Test::ShareBounds));
        assert_eq!(is_found(&estimate), is_finding, "{weeks}: {estimate:?}");
        let least = 2.0 / 2.0_f64.powi(weeks as i32);
        assert!(estimate.test.unwrap().p.unwrap() >= least * (1.0 - 1e-9), "{weeks}: {estimate:?}");
        // Viewers alone are many.
        assert!(is_found(&first(Audit::of(&log, &of_war()))), "{weeks}");
    }
}

/// p of an equivalence test is below 5% just where the 90% interval lies within the margin, with few crossed
/// clusters too, whether the margin holds no amplification or lies beside it.
#[test]
fn equivalence_is_the_interval_with_few_crossed_clusters() {
    for clusters in [3, 4, 5, 8] {
        let mut rows = Vec::new();
        for viewer in 0..clusters {
            shown(&mut rows, &format!("v{viewer}"), "a", "war", (50 + viewer % 2, 100));
            shown(&mut rows, &format!("v{viewer}"), "b", "war", (48 + viewer % 3, 100));
        }
        let log = log(&rows);
        let interval = Interval::ShareBounds(ShareBounds { level: 0.9, ..ShareBounds::default() });
        for (low, high) in [(0.5, 2.0), (0.8, 1.25), (0.98, 1.05), (1.01, 1.5), (0.5, 0.99)] {
            let margin = Test::Equivalence(Equivalence { low, high, quantile: None });
            let estimate = first(Audit::of(&log, &of_war()).interval(interval).test(margin));
            let bounds = estimate.interval.unwrap();
            let within = bounds.low.unwrap() > low && bounds.high.unwrap() < high;
            let p = estimate.test.unwrap().p.unwrap();
            assert_eq!(within, p < 0.05, "{clusters} {low}: {estimate:?}");
        }
    }
}

/// A share of none against a reference that may be none as well has no bound at all.
#[test]
fn nothing_against_what_may_be_nothing_is_unbounded() {
    let mut rows = Vec::new();
    for viewer in 0..8 {
        shown(&mut rows, &format!("a{viewer}"), "a", "war", (0, 10));
        shown(&mut rows, &format!("b{viewer}"), "b", "war", (1, 10));
    }
    let log = log(&rows);
    let share = ReferenceShare::Estimated { share: 0.001, standard_error: 0.3 };
    let reference = Reference::new("poll", Bias::NONE).share("war", share);
    let question = || of_war().against(Baseline::Reference(reference.clone()));
    for question in [
        question().statistic(AmplificationRatio),
        question().statistic(OddsRatio),
        question().statistic(Difference),
    ] {
        let estimate = first(Audit::of(&log, &question).test(Test::ShareBounds));
        assert!(!is_found(&estimate), "{estimate:?}");
        assert!(estimate.test.unwrap().p.unwrap() > 0.05, "{estimate:?}");
    }
}
