//! One question for all that answers: what an answer does not look at is refused, and what contradicts a tally.

use tiltmeter::coverage::CoverageStudy;
use tiltmeter::decompose::{GroupDecomposition, Member, Waterfall};
use tiltmeter::inference::{Monitor, MonitorSpec, Null, TopicQuestion};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::replay::off_policy::{OffPolicy, Target};
use tiltmeter::sensitivity::Sensitivity;
use tiltmeter::simulate::{SimulationConfig, Truth, TruthSpec};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, AnyStatistic, Difference, OddsRatio};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec, TwoWay};
use tiltmeter::{
    Attention, Audit, Baseline, ClusterBy, Denominator, Error, ExposureLog, MultiLabel, Question,
    Reach, Supply, Topics, Unit,
};

fn example() -> Result<ExposureLog, Error> {
    let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    Ok(log)
}

/// An arm, or an arm with a baseline, and one part more: by the part's name, with what it says.
fn with_each_part(of: &Question) -> Vec<(&'static str, &'static str, Question)> {
    let of = || of.clone();
    vec![
        ("baseline", "arm \"newest\"", of().against("newest")),
        ("topics", "[\"war\"]", of().topics(["war"])),
        ("statistics", "odds_ratio", of().statistic(OddsRatio)),
        ("unit", "averaged over clusters", of().unit(Unit::ClusterMean)),
        ("denominator", "tagged impressions", of().denominator(Denominator::TaggedImpressions)),
        ("strata", "stratum", of().strata(StratifyBy::Stratum)),
        ("second cluster", "week", of().second_cluster(ClusterBy::column("week"))),
    ]
}

/// Asks with each part, and compares which parts are refused, by whom and in which words.
fn refuses(
    who: &'static str,
    of: &Question,
    refused: &[&str],
    ask: impl Fn(&Question) -> Result<(), Error>,
) {
    for (part, said, question) in with_each_part(of) {
        let answer = ask(&question);
        match answer {
            Err(Error::NotLookedAt { by, part: found, said: words }) => {
                assert_eq!((by, found, words.as_str()), (who, part, said));
                assert!(refused.contains(&part), "{who} refuses {part}");
            }
            other => assert!(!refused.contains(&part), "{who} takes {part}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_looked_at_is_refused() {
    let log = example().unwrap();
    let (arm, both) = (Question::of_arm("ranked"), Question::between("ranked", "newest"));
    refuses("a sensitivity table", &both, &["second cluster"], |question| {
        Sensitivity::of(&log, question).run().map(|_| ())
    });
    let waterfall = ["baseline", "statistics", "unit", "strata", "second cluster"];
    refuses("a waterfall", &arm, &waterfall, |question| {
        Waterfall::of(&log, question).supply(&log, Supply::Known).run().map(|_| ())
    });
    let groups = ["statistics", "strata", "second cluster"];
    let by = || Member::column("viewer");
    refuses("a decomposition by groups", &both, &groups, |question| {
        GroupDecomposition::of_log(&log, by(), question).run().map(|_| ())
    });
    let off_policy = ["baseline", "statistics", "unit", "denominator", "strata", "second cluster"];
    refuses("an off-policy estimate", &arm, &off_policy, |question| {
        let target = Target::Uniform { items: 2 };
        OffPolicy::of(&log, question).target(target).run().map(|_| ())
    });
    let topics = both.clone().topics(["war"]);
    refuses("a monitor", &topics, &["strata", "second cluster"], |question| {
        MonitorSpec::of(question, 100).map(|_| ())
    });
    refuses("a monitor", &topics, &["strata", "second cluster"], |question| {
        MonitorSpec::of(&topics, 100)?.and(question).map(|_| ())
    });
    let arms = Question::between("treatment", "baseline");
    let config = || {
        let mut config = SimulationConfig { days: 1, ..SimulationConfig::default() };
        config.world.viewers = 10;
        config
    };
    refuses("a simulation", &arms, &["strata", "second cluster"], |question| {
        let spec = TruthSpec { replicates: 2, ..TruthSpec::of(question) };
        Truth::of(&config(), &spec).map(|_| ())
    });
    refuses("a simulation", &arms, &["strata", "second cluster"], |question| {
        let mut study = CoverageStudy { studies: 1, ..CoverageStudy::of(config(), question) };
        study.truth.replicates = 2;
        study.run().map(|_| ())
    });
    let error = Sensitivity::of(&log, &both.second_cluster(ClusterBy::column("week"))).run();
    assert_eq!(
        error.unwrap_err().to_string(),
        "a sensitivity table does not look at the second cluster of a question, and this one says week; \
         ask one that leaves it unsaid"
    );
}

/// Of groups that are given topics say nothing; of a waterfall's stages the supply may be the baseline.
#[test]
fn what_depends_on_what_else_is_said() {
    let log = example().unwrap();
    let question = Question::between("ranked", "newest").topics(["war"]);
    let by = Member::column("viewer");
    let given = GroupDecomposition::of_log(&log, by, &question).group("a", ["1"]).group("b", ["2"]);
    let Err(Error::NotLookedAt { by, part, .. }) = given.run() else { panic!("it has groups") };
    assert_eq!((by, part), ("a decomposition by given groups", "topics"));
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let given = GroupDecomposition::of(&tally, &question).group("a", ["war"]).group("b", ["sport"]);
    assert!(matches!(given.run(), Err(Error::NotLookedAt { part: "topics", .. })));

    let against = |supply| Question::between("ranked", Baseline::Supply(supply));
    let run = |question: &Question| {
        Waterfall::of(&log, question).supply(&log, Supply::Known).run().map(|its| its.to_json())
    };
    let alone = run(&Question::of_arm("ranked")).unwrap().unwrap();
    assert_eq!(run(&against(Supply::Known)).unwrap().unwrap(), alone);
    let sampled = run(&against(Supply::Sampled { cluster: ClusterBy::Item }));
    assert!(matches!(sampled, Err(Error::NotLookedAt { part: "baseline", .. })), "{sampled:?}");
    let without = Waterfall::of(&log, &against(Supply::Known)).run();
    assert!(matches!(without, Err(Error::NotLookedAt { part: "baseline", .. })), "{without:?}");
}

/// A question about one arm is none for what compares two.
#[test]
fn a_baseline_is_needed() {
    let log = example().unwrap();
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let two_way = TwoWay::of(&log, &TallySpec::default(), ClusterBy::column("topics"));
    assert!(two_way.is_err(), "the example has viewers alone");
    let question = Question::of_arm("ranked").topics(["war"]);
    let needs = |error: Error| {
        assert!(
            matches!(error, Error::Unstated { what: "baseline", call } if call.contains("Question")),
            "{error}"
        );
    };
    needs(Audit::of(&log, &question).run().unwrap_err());
    needs(Audit::of_tally(&tally, &question).run().unwrap_err());
    needs(Sensitivity::of(&log, &question).run().unwrap_err());
    needs(GroupDecomposition::of(&tally, &Question::of_arm("ranked")).run().unwrap_err());
    needs(MonitorSpec::of(&question, 100).unwrap_err());
    needs(TopicQuestion::of(&question, "war").unwrap_err());
    needs(Truth::of(&SimulationConfig::default(), &TruthSpec::of(&question)).unwrap_err());
    let unsaid = MonitorSpec::of(&Question::between("ranked", "newest"), 100).unwrap_err();
    assert!(matches!(unsaid, Error::Unstated { what: "topics", .. }), "{unsaid}");
}

/// Twelve viewers with two countries, in an arm each.
fn in_strata() -> ExposureLog {
    let numbers: Vec<String> = (0..48).map(|row| (row / 4).to_string()).collect();
    let text = |of: fn(usize) -> &'static str| (0..48).map(of).collect::<Vec<_>>();
    let source = SliceSource::new("rows")
        .text("who", &numbers)
        .text("week", &text(|row| if row % 2 == 0 { "1" } else { "2" }))
        .text("feed", &text(|row| if row / 4 % 2 == 0 { "ranked" } else { "newest" }))
        .text("country", &text(|row| if row / 8 % 2 == 0 { "north" } else { "south" }))
        .integer("rank", &(0..48).map(|row| 1 + row % 4).collect::<Vec<_>>())
        .text("about", &text(|row| if row % 3 == 0 { "war" } else { "sport" }));
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("country")
        .position("rank")
        .column("week")
        .topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).unwrap()
}

/// What is said otherwise than the tally has it, and what the tally has.
fn contradictions() -> [(&'static str, Question); 4] {
    let of = || Question::between("ranked", "newest");
    [
        ("cluster", of().cluster(ClusterBy::column("week"))),
        ("counting of labels", of().multi_label(MultiLabel::Full)),
        ("stratum", of().strata(StratifyBy::Column("week".into()))),
        ("attention", of().attention(Attention::Uniform)),
    ]
}

fn spec() -> TallySpec {
    TallySpec {
        multi_label: MultiLabel::Fractional,
        strata: StratifyBy::Stratum,
        attentions: vec![Attention::Reciprocal, Attention::Logarithmic],
        ..TallySpec::default()
    }
}

/// As the tally has it.
fn the_same() -> Question {
    Question::between("ranked", "newest")
        .cluster(ClusterBy::Viewer)
        .multi_label(MultiLabel::Fractional)
        .attention(Attention::Reciprocal)
}

#[test]
fn a_question_does_not_contradict_its_tally() {
    let log = in_strata();
    let tally = Tally::of(&log, &spec()).unwrap();
    let plain = Question::between("ranked", "newest");
    let groups = |question: &Question| {
        let groups = GroupDecomposition::of(&tally, question).permutations(9, 0);
        groups.group("a", ["war"]).group("b", ["sport"]).run().map(|report| report.to_json())
    };
    for (part, question) in contradictions() {
        let error = Audit::of_tally(&tally, &question).run().unwrap_err();
        match (&error, part) {
            (Error::UnknownAttention { .. }, "attention") => {}
            (Error::OtherTally { what, said, tally }, part) => {
                assert_eq!(*what, part);
                assert_ne!(said, tally);
            }
            _ => panic!("{part}: {error}"),
        }
        let error = groups(&question).unwrap_err();
        match (&error, part) {
            (Error::UnknownAttention { .. }, "attention")
            | (Error::NotLookedAt { part: "strata", .. }, "stratum") => {}
            (Error::OtherTally { what, .. }, part) => assert_eq!(*what, part),
            _ => panic!("{part}: {error}"),
        }
    }
    // Left to the tally, or said as it is.
    let left = Audit::of_tally(&tally, &plain).run().unwrap();
    let estimand = &left.estimates()[0].estimand;
    assert_eq!(
        (&estimand.attention, estimand.multi_label),
        (&Attention::Reciprocal, MultiLabel::Fractional)
    );
    let said = Audit::of_tally(&tally, &the_same()).run().unwrap();
    assert_eq!(said.to_json().unwrap(), left.to_json().unwrap());
    let said = the_same().strata(StratifyBy::Stratum);
    assert!(Audit::of_tally(&tally, &said).run().is_ok());
    assert_eq!(groups(&the_same()).unwrap().unwrap(), groups(&plain).unwrap().unwrap());
    // No strata: not what an audit of this tally has, but what a decomposition does, which adds them up.
    let none = plain.clone().strata(StratifyBy::Nothing);
    let error = Audit::of_tally(&tally, &none).run().unwrap_err();
    assert!(matches!(error, Error::OtherTally { what: "stratum", .. }), "{error}");
    assert_eq!(groups(&none).unwrap().unwrap(), groups(&plain).unwrap().unwrap());
    let other = plain.attention(Attention::Logarithmic);
    let other = Audit::of_tally(&tally, &other).run().unwrap();
    assert_eq!(other.estimates()[0].estimand.attention, Attention::Logarithmic);
}

#[test]
fn a_second_cluster_is_that_of_the_tallies() {
    let log = in_strata();
    let ways = TwoWay::of(&log, &TallySpec::default(), ClusterBy::column("week")).unwrap();
    let of = || Question::between("ranked", "newest");
    let run = |question: Question| Audit::of_two_way(&ways, &question).run();
    let left = run(of()).unwrap();
    let said = run(of().second_cluster(ClusterBy::column("week"))).unwrap();
    assert_eq!(said.to_json().unwrap(), left.to_json().unwrap());
    let other = run(of().second_cluster(ClusterBy::column("country")));
    assert!(matches!(other, Err(Error::OtherTally { what: "second cluster", .. })), "{other:?}");
    let other = run(of().cluster(ClusterBy::column("week")));
    assert!(matches!(other, Err(Error::OtherTally { what: "cluster", .. })), "{other:?}");
}

/// Questions of one monitor are of one tally; another attention is one more of it.
#[test]
fn questions_of_a_monitor_share_its_tally() {
    let first = the_same().topics(["war"]);
    let spec = || MonitorSpec::of(&first, 100).unwrap();
    let of = || Question::between("ranked", "newest").topics(["sport"]);
    for (part, question) in contradictions() {
        let question = question.topics(["sport"]);
        match (spec().and(&question), part) {
            (Err(Error::OtherTally { what, .. }), "cluster" | "counting of labels") => {
                assert_eq!(what, part);
            }
            (Err(Error::NotLookedAt { part: "strata", .. }), "stratum") => {}
            (Ok(spec), "attention") => {
                assert_eq!(spec.tally.attentions, [Attention::Reciprocal, Attention::Uniform]);
            }
            (other, part) => panic!("{part}: {other:?}"),
        }
    }
    let both = spec().against(Null::At(1.5)).and(&of().statistic(Difference)).unwrap();
    let named: Vec<_> = both
        .questions
        .iter()
        .map(|its| (its.topic(), its.statistic().name(), its.held_against()))
        .collect();
    let expected = [
        ("war", "amplification_ratio", Null::At(1.5)),
        ("sport", "difference", Null::NoAmplification),
    ];
    assert_eq!(named, expected);
    assert_eq!(both.tally.cluster, ClusterBy::Viewer);
    assert_eq!(both.tally.multi_label, MultiLabel::Fractional);
    let tally = Tally::of(&in_strata(), &both.tally).unwrap();
    let mut monitor = Monitor::new(both).unwrap();
    monitor.observe(&tally).unwrap();
    // As an audit has them by either attention.
    for (reading, question) in monitor.readings().iter().zip([first, of().statistic(Difference)]) {
        let report =
            Audit::of_tally(&tally, &question.attention(reading.estimand.attention.clone()));
        assert_eq!(reading.value, report.run().unwrap().estimates()[0].value);
    }
}

/// What is asked twice is one question; what is not said is the default.
#[test]
fn what_a_question_says() {
    let question = Question::of_arm("ranked");
    assert_eq!((&question.topics, question.topics.named()), (&Topics::All, None));
    assert_eq!((question.unit, question.denominator), (Unit::Pooled, Denominator::AllImpressions));
    assert!(question.baseline.is_none() && question.attention.is_none());
    let question = question.against("newest").against(Baseline::UniformPool).topics(["b", "a"]);
    assert_eq!(question.baseline, Some(Baseline::UniformPool));
    assert_eq!(question.topics.named().unwrap(), ["b", "a"]);
    let named: AnyStatistic = "odds_ratio".parse().unwrap();
    let question = question.against("newest").statistic(OddsRatio).statistic(named);
    let question = question.statistic(AmplificationRatio).topics(["war"]);
    let report = Audit::of(&example().unwrap(), &question).run().unwrap();
    let names: Vec<_> = report.estimates().iter().map(|its| &*its.estimand.statistic).collect();
    assert_eq!(names, ["odds_ratio", "amplification_ratio"]);
    let reach = Unit::Reach(Reach::default());
    assert_ne!(question, question.clone().unit(reach));
}
