//! Groups in one report: what an audit of each group's rows says, adjusted over all of them.

use tiltmeter::inference::{DeltaTest, Multiplicity, RomanoWolf, Simultaneous, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::Difference;
use tiltmeter::tally::{Tally, TallySpec, WindowBy};
use tiltmeter::{
    Audit, AuditReport, Baseline, Error, ExposureLog, Group, Interval, Keep, Question, SideOfNull,
};

const DAY: i64 = 86_400;

/// 60 viewers in three arms and two countries, over three weeks; in the north "war" is in one arm more.
fn log() -> ExposureLog {
    let rows = || (0..60_u32).flat_map(|who| (0..21_u32).map(move |at| (who, at)));
    let text = |of: fn(u32, u32) -> String| rows().map(|(who, at)| of(who, at)).collect::<Vec<_>>();
    let arm = |who: u32| ["ranked", "newest", "random"][(who % 3) as usize];
    let country = |who: u32| ["north", "south", "9", "10"][(who / 3 % 4) as usize];
    let topic = move |who: u32, at: u32| {
        let more = arm(who) == "ranked" && country(who) == "north";
        let war = (who * 31 + at * 17) % 10 < if more { 8 } else { 3 };
        if war {
            "war"
        } else if at == 0 && country(who) == "south" {
            "rare"
        } else {
            "sport"
        }
    };
    let times: Vec<i64> = rows()
        .map(|(who, at)| (i64::from(at) * DAY + 19_000 * DAY + i64::from(who)) * 1_000_000)
        .collect();
    let about: Vec<String> = rows().map(|(who, at)| topic(who, at).to_owned()).collect();
    let source = SliceSource::new("rows")
        .text("who", &text(|who, _| who.to_string()))
        .text("feed", &rows().map(|(who, _)| arm(who)).collect::<Vec<_>>())
        .text("country", &rows().map(|(who, _)| country(who)).collect::<Vec<_>>())
        .text("about", &about)
        .integer("at", &times);
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .column("country")
        .time("at", tiltmeter::log::TimeFormat::EpochMicroseconds)
        .topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).unwrap()
}

fn question() -> Question {
    Question::between("ranked", "newest").topics(["war", "sport"])
}

fn tested(log: &ExposureLog, question: &Question) -> AuditReport {
    let audit = Audit::of(log, question).test(Test::Delta(DeltaTest::default()));
    audit.multiplicity(Multiplicity::Holm).run().unwrap()
}

fn in_country(log: &ExposureLog, country: &str) -> ExposureLog {
    let keep = Keep::new("country", [country]);
    log.keep(&keep).unwrap()
}

/// Values, intervals and p-values are those of the group's rows alone, to the last bit; whole numbers come in
/// their order, before words.
#[test]
fn each_group_is_its_own_audit() {
    let log = log();
    let question =
        question().statistic(tiltmeter::statistic::AmplificationRatio).statistic(Difference);
    let report = tested(&log, &question.clone().by("country"));
    let order: Vec<&str> =
        report.estimates().iter().map(|its| &*its.estimand.group[0].value).collect();
    assert_eq!(order, [["9"; 4], ["10"; 4], ["north"; 4], ["south"; 4]].concat());
    for (at, country) in ["9", "10", "north", "south"].into_iter().enumerate() {
        let alone = tested(&in_country(&log, country), &question);
        for (mine, its) in report.estimates()[4 * at..].iter().zip(alone.estimates()) {
            assert_eq!(mine.measured, its.measured);
            assert_eq!((mine.p(), mine.clusters), (its.p(), its.clusters));
            assert_eq!((&mine.treatment, &mine.baseline), (&its.treatment, &its.baseline));
            assert_eq!(mine.estimand.topic, its.estimand.topic);
            assert!(mine.estimand.to_string().contains("in the group where \"country\" is"));
        }
    }
    // What the report says of the log is of all of it.
    assert_eq!(report.quality().unwrap().impressions, 60 * 21);
}

/// Holm's adjustment over all p-values of a statistic, and what is a finding among all by it.
#[test]
fn one_adjustment_over_all() {
    let log = log();
    let question = question().by("country").windows(WindowBy::weeks());
    let report = tested(&log, &question);
    let p: Vec<f64> = report.estimates().iter().map(|its| its.p().unwrap()).collect();
    let adjusted = Multiplicity::Holm.adjusted(&p).unwrap();
    let said: Vec<f64> =
        report.estimates().iter().map(|its| its.test.unwrap().p_adjusted.unwrap()).collect();
    assert_eq!(said, adjusted);
    // Three weeks and a day of the fourth, or so: 19,000 days after 1970-01-01 was a Saturday.
    assert_eq!(report.estimates().len(), 4 * 4 * 2);
    assert_eq!(report.estimates()[0].finding.unwrap().of, 32);
    // By the p-values of share bounds where no test was asked for: the same findings as from their own
    // p-values, whatever the order of groups.
    let untested = Audit::of(&log, &question).run().unwrap();
    let same = Audit::of(&log, &question).test(Test::ShareBounds).multiplicity(Multiplicity::Holm);
    for (mine, its) in untested.estimates().iter().zip(same.run().unwrap().estimates()) {
        assert_eq!(mine.finding.unwrap().among_all, its.finding.unwrap().among_all);
    }
    let found = |its: &&tiltmeter::Estimate| its.finding.unwrap().among_all.is_clear();
    let alone = |its: &&tiltmeter::Estimate| its.finding.unwrap().alone.is_clear();
    let count =
        |of: &dyn Fn(&&tiltmeter::Estimate) -> bool| untested.estimates().iter().filter(of).count();
    assert!(count(&found) < count(&alone), "{} of {}", count(&found), count(&alone));
    let north = Audit::of(&log, &self::question().by("country")).run().unwrap();
    let war = north.get_in("war", &[("country", "north")]).unwrap();
    assert_eq!(war.finding.unwrap().among_all, SideOfNull::Above);
}

/// Every arm against every other, the treatment first and the baseline last.
#[test]
fn pairs_of_arms() {
    let log = log();
    let report = Audit::of(&log, &question().all_pairs()).run().unwrap();
    let arms: Vec<(&str, String)> = report
        .estimates()
        .iter()
        .filter(|its| its.estimand.topic == "war")
        .map(|its| (&*its.estimand.treatment, its.estimand.baseline.to_string()))
        .collect();
    let expected = [("ranked", "random"), ("ranked", "newest"), ("random", "newest")];
    let expected: Vec<(&str, String)> =
        expected.iter().map(|(one, other)| (*one, Baseline::arm(*other).to_string())).collect();
    assert_eq!(arms, expected);
    let alone =
        Audit::of(&log, &Question::between("random", "newest").topics(["war"])).run().unwrap();
    assert_eq!(report.estimates()[4].measured, alone.estimates()[0].measured);
    assert!(matches!(report.get("war"), Err(Error::SeveralEstimates { .. })));
    let pair = report.get_in("war", &[("treatment", "random"), ("baseline", "newest")]).unwrap();
    assert_eq!(pair, &report.estimates()[4]);
    assert_eq!(report.estimate(&tiltmeter::statistic::AmplificationRatio, "war"), None);
    let text = report.to_string();
    assert!(text.contains("each arm against each other") && text.contains(" A "), "{text}");
    // What is no arm has no pairs.
    let supply = Question::between("ranked", Baseline::Chronological).all_pairs();
    assert!(matches!(Audit::of(&log, &supply).run(), Err(Error::Parameter { .. })));
    let unknown = Question::between("ranked", "oldest").all_pairs();
    assert!(matches!(Audit::of(&log, &unknown).run(), Err(Error::UnknownArm { .. })));
}

/// A topic or an arm that a group does not have is a share of 0 or none, with its reason, and no error.
#[test]
fn a_group_may_lack_a_topic() {
    let log = log();
    let report =
        Audit::of(&log, &Question::between("ranked", "newest").by("country")).run().unwrap();
    let rare = report.get_in("rare", &[("country", "north")]).unwrap();
    assert_eq!(rare.treatment.topic_impressions, 0);
    assert!(rare.value().is_none() && rare.interval.is_err());
    let one_arm = Keep::new("country", ["north"]);
    let by_feed = Audit::of(&log.keep(&one_arm).unwrap(), &question().by("feed")).run().unwrap();
    assert!(by_feed.estimates().iter().all(|its| its.value().is_none()));
    // Rows that are kept are said, with the groups in them.
    let text = by_feed.estimates()[0].estimand.to_string();
    assert!(
        text.contains("of rows where \"country\" is \"north\"") && text.contains("\"feed\" is"),
        "{text}"
    );
}

/// In every form, with the columns of the groups.
#[test]
fn forms_have_the_groups() {
    let report = tested(&log(), &question().by("country").windows(WindowBy::days(7)));
    let csv = report.to_csv();
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("country,window,topic,statistic,value,"));
    assert!(lines.next().unwrap().starts_with("9,2022-01-06,war,amplification_ratio,"), "{csv}");
    let again = AuditReport::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(again.to_string(), report.to_string());
    assert_eq!(again.to_csv(), csv);
    let text = report.to_string();
    assert!(text.starts_with("For each of 2 topics in each of"), "{text}");
    assert!(text.contains("adjusted for the number of topics and groups by Holm"), "{text}");
    let group = &report.estimates()[0].estimand.group;
    assert_eq!(group[1], Group { column: "window".into(), value: "2022-01-06".into() });
    // Of a question as data.
    let question = question().by("country").windows(WindowBy::weeks()).all_pairs();
    let json = serde_json::to_string(&question).unwrap();
    assert_eq!(serde_json::from_str::<Question>(&json).unwrap().groups, question.groups);
    let said = r#"{"treatment": "a", "baseline": {"arm": "b"}, "groups": {"windows": "week"}}"#;
    let said: Question = serde_json::from_str(said).unwrap();
    assert_eq!(said.groups.windows, WindowBy::weeks());
}

/// What joins the estimates of one comparison does not join those of several, and sums have no rows.
#[test]
fn what_groups_cannot_have() {
    let log = log();
    let question = question().by("country");
    let bands =
        Audit::of(&log, &question).interval(Interval::Simultaneous(Simultaneous::default()));
    assert!(matches!(
        bands.run(),
        Err(Error::Parameter { parameter: "the interval of groups", .. })
    ));
    let step_down = Audit::of(&log, &question)
        .test(Test::ShareBounds)
        .multiplicity(Multiplicity::RomanoWolf(RomanoWolf::default()));
    assert!(matches!(step_down.run(), Err(Error::Parameter { .. })));
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let of_sums = Audit::of_tally(&tally, &question).run();
    assert!(matches!(of_sums, Err(Error::NotLookedAt { part: "groups", .. })), "{of_sums:?}");
    let missing = Audit::of(&log, &self::question().by("age")).run();
    assert!(matches!(missing, Err(Error::UnknownColumn { .. })));
    let report = Audit::of(&log, &question).run().unwrap();
    let nowhere = report.get_in("war", &[("country", "east")]);
    assert!(matches!(nowhere, Err(Error::NoSuchEstimate { .. })));
}

/// What there was to show is that of the group where the table has the group's column, as with a filter; where it
/// has not, the report says so.
#[test]
fn tables_beside_the_log_are_of_the_group() {
    let log = log();
    let supply = |countries: bool| {
        let source = SliceSource::new("items")
            .text("about", &["war", "sport", "sport", "war", "sport", "war", "war", "sport"])
            .text("country", &["north", "north", "north", "south", "south", "9", "9", "10"]);
        let mut schema = LogSchema::new().topics(TopicColumn::single("about"));
        if countries {
            schema = schema.column("country");
        }
        ExposureLog::read(source, &schema).unwrap()
    };
    let question =
        Question::between("ranked", Baseline::Supply(tiltmeter::Supply::Known)).topics(["war"]);
    let all = supply(true);
    let report = Audit::of(&log, &question.clone().by("country")).supply(&all).run().unwrap();
    for country in ["9", "10", "north", "south"] {
        let keep = Keep::new("country", [country]);
        let (log, supply) = (log.keep(&keep).unwrap(), all.keep(&keep).unwrap());
        let alone = Audit::of(&log, &question).supply(&supply).run().unwrap();
        let mine = report.get_in("war", &[("country", country)]).unwrap();
        assert_eq!(mine.measured, alone.estimates()[0].measured, "{country}");
        assert_eq!(mine.baseline, alone.estimates()[0].baseline, "{country}");
    }
    let shares: Vec<Option<f64>> =
        report.estimates().iter().map(|its| its.baseline.share).collect();
    assert_eq!(shares, [Some(1.0), Some(0.0), Some(1.0 / 3.0), Some(0.5)]);
    let plain = supply(false);
    let report = Audit::of(&log, &question.by("country")).supply(&plain).run().unwrap();
    assert!(report.estimates().iter().all(|its| its.baseline.share == Some(0.5)));
    assert!(report.to_string().contains("is not in the supply"), "{report}");
}

/// Files together are the log of all their rows; and a file twice is refused.
#[test]
fn groups_of_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rows = |at: u32| {
        let row = |who: u32| {
            let (feed, about) = (
                ["ranked", "newest"][(who % 2) as usize],
                ["war", "sport"][(who * at % 3 % 2) as usize],
            );
            format!("v{who},{feed},{},{about}\n", ["n", "s"][(who / 2 % 2) as usize])
        };
        (0..24).map(row).collect::<String>()
    };
    let header = "who,feed,country,about\n";
    write("monday.csv", &format!("{header}{}", rows(1)));
    write("tuesday.csv", &format!("{header}{}", rows(2)));
    write("both.csv", &format!("{header}{}{}", rows(1), rows(2)));
    let report = |log: &str| {
        let json = format!(
            r#"{{"log": {{{log}, "schema": {{"viewer": "who", "arm": "feed", "columns": ["country"], "topics": {{"column": "about"}}}}}},
                "question": {{"treatment": "ranked", "baseline": {{"arm": "newest"}}, "groups": {{"columns": ["country"]}}}}}}"#
        );
        let study: tiltmeter::StudyFile = serde_json::from_str(&json).unwrap();
        study.run(folder.path())
    };
    let (one, several) = (
        report(r#""path": "both.csv""#),
        report(r#""path": "monday.csv", "more": ["tuesday.csv"]"#),
    );
    let (one, several) = (one.unwrap(), several.unwrap());
    assert_eq!(one.estimates(), several.estimates());
    assert_eq!(several.quality().unwrap().origin.rows_read, 48);
    let twice = report(r#""path": "monday.csv", "more": ["monday.csv"]"#);
    assert!(matches!(twice, Err(Error::RepeatedFile { .. })), "{twice:?}");
}

/// Columns of CSV are told apart, hours are not called as days are, and a group that fails is named.
#[test]
fn groups_are_called_by_what_they_are() {
    let log = log();
    let hours = question().windows("every:seconds=43200".parse().unwrap());
    let report = Audit::of(&log, &hours).run().unwrap();
    assert_eq!(report.estimates()[0].estimand.group[0].value, "2022-01-08T00:00:00Z");
    let twice = Audit::of(&log, &question().by("country").by("country")).run();
    assert!(matches!(twice, Err(Error::Parameter { parameter: "the groups", .. })), "{twice:?}");
    // Impressions of the third arm are in no number.
    assert_eq!(report.quality().unwrap().outside, 20 * 21);
    assert!(report.to_string().contains("420 of arms that are not compared"), "{report}");
    let all = Audit::of(&log, &question().all_pairs()).run().unwrap();
    assert_eq!(all.quality().unwrap().outside, 0);
}

/// Candidates that everyone shares are those of the group too, as with a filter.
#[test]
fn candidates_are_of_the_group() {
    use tiltmeter::replay::{CandidateKey, CandidateSets};
    let (country, about) = (["north", "south"], ["war", "sport", "war"]);
    let item = |at: usize| format!("{}{}", country[at % 2], at % 6);
    let who: Vec<String> = (0..48).map(|at| format!("v{}", at / 2 % 12)).collect();
    let slates: Vec<String> = (0..48).map(|at| format!("s{at}")).collect();
    let items: Vec<String> = (0..48).map(|at| item(at / 2 % 2 + at / 4 * 2)).collect();
    let log = SliceSource::new("rows")
        .text("who", &who)
        .text("feed", &["ranked"; 48])
        .text("slate", &slates)
        .text("item", &items)
        .text("country", &(0..48).map(|at| country[at / 2 % 2]).collect::<Vec<_>>())
        .integer("rank", &[1; 48])
        .integer("at", &(0..48).map(|at| 1_700_000_000 + at).collect::<Vec<_>>())
        .text("about", &(0..48).map(|at| about[at % 3]).collect::<Vec<_>>());
    let seconds = || tiltmeter::log::TimeFormat::EpochSeconds;
    let schema =
        LogSchema::new().viewer("who").arm("feed").slate("slate").item("item").column("country");
    let schema = schema.position("rank").time("at", seconds()).topics(TopicColumn::single("about"));
    let log = ExposureLog::read(log, &schema).unwrap();
    let table = SliceSource::new("candidates")
        .text("item", &(0..6).map(item).collect::<Vec<_>>())
        .text("country", &(0..6).map(|at| country[at % 2]).collect::<Vec<_>>())
        .integer("at", &[1_600_000_000; 6])
        .text("about", &["war", "war", "war", "sport", "sport", "sport"]);
    let schema = LogSchema::new().item("item").column("country").time("at", seconds());
    let table = ExposureLog::read(table, &schema.topics(TopicColumn::single("about"))).unwrap();
    let sets = |of: &ExposureLog| {
        CandidateSets::new(of.clone(), CandidateKey::Everyone { max_age: None }).unwrap()
    };
    let question = Question::between("ranked", Baseline::UniformPool).topics(["war"]);
    let all = sets(&table);
    let report = Audit::of(&log, &question.clone().by("country")).candidates(&all).run().unwrap();
    for name in country {
        let keep = Keep::new("country", [name]);
        let (log, pools) = (log.keep(&keep).unwrap(), sets(&table.keep(&keep).unwrap()));
        let alone = Audit::of(&log, &question).candidates(&pools).run().unwrap();
        let mine = report.get_in("war", &[("country", name)]).unwrap();
        assert_eq!(mine.measured, alone.estimates()[0].measured, "{name}");
        assert_eq!(mine.baseline, alone.estimates()[0].baseline, "{name}");
    }
    // Two of the three items of the north are of war, one of the three of the south.
    let shares: Vec<f64> =
        report.estimates().iter().map(|its| its.baseline.share.unwrap()).collect();
    assert!(
        (shares[0] - 2.0 / 3.0).abs() < 1e-11 && (shares[1] - 1.0 / 3.0).abs() < 1e-11,
        "{shares:?}"
    );
}

/// By a column of one value there is one group, and it says what the audit without groups says: of every kind of
/// baseline, with a test and without, what is a finding among all too.
#[test]
fn one_group_of_all_is_the_audit() {
    use tiltmeter::{Bias, Reference, Supply};
    let log = log();
    let north = in_country(&log, "north");
    let items = SliceSource::new("items").text("about", &["war", "sport", "sport", "sport"]);
    let items =
        ExposureLog::read(items, &LogSchema::new().topics(TopicColumn::single("about"))).unwrap();
    let reference = |low, high| {
        let bias = Bias { low, high };
        let known = tiltmeter::ReferenceShare::Known;
        let reference = Reference::new("r", bias).share("war", known(0.4));
        Baseline::Reference(reference.share("sport", known(0.55)))
    };
    let baselines = [
        Baseline::arm("newest"),
        Baseline::Supply(Supply::Known),
        reference(1.0, 1.0),
        // Of which one end alone would be a finding, or both, or each on another side.
        reference(0.5, 1.2),
        reference(0.9, 1.1),
        reference(0.2, 3.0),
    ];
    let mut clear = 0;
    for baseline in baselines {
        let is_biased = matches!(&baseline, Baseline::Reference(its) if its.bias != Bias::NONE);
        let question = Question::between("ranked", baseline).topics(["war", "sport"]);
        let run = |question: &Question, test: bool| {
            let audit = Audit::of(&north, question).supply(&items);
            let audit = if test {
                audit.test(Test::ShareBounds).multiplicity(Multiplicity::Holm)
            } else {
                audit
            };
            audit.run().unwrap()
        };
        for test in [false, true] {
            let (plain, grouped) =
                (run(&question, test), run(&question.clone().by("country"), test));
            for (one, other) in plain.estimates().iter().zip(grouped.estimates()) {
                let (mine, its) = (other.finding.unwrap(), one.finding.unwrap());
                assert_eq!(
                    (other.measured, mine.alone, mine.of),
                    (one.measured, its.alone, its.of)
                );
                let p =
                    |of: &tiltmeter::Estimate| (of.p(), of.test.and_then(|test| test.p_adjusted));
                if is_biased {
                    // The larger p of both ends is adjusted, and not the p of each: never bolder.
                    assert!(mine.among_all == its.among_all || !mine.among_all.is_clear());
                    assert!(p(other).0 == p(one).0 && p(other).1 >= p(one).1);
                } else {
                    assert_eq!((mine, p(other)), (its, p(one)), "{}", one.estimand);
                }
                clear += usize::from(one.finding.unwrap().among_all.is_clear());
            }
        }
    }
    assert!(clear > 4, "{clear}");
}
