//! What a report prints and what its JSON holds, against the documents that describe them.

use serde_json::Value as Json;
use tiltmeter::inference::ShareBounds;
use tiltmeter::log::{ItemTopics, ItemTopicsSchema, LogSchema, RowPolicy, TopicColumn};
use tiltmeter::report::{EstimateRecord, REPORT_VERSION, ReportRecord};
use tiltmeter::source::{CsvSource, SliceSource};
use tiltmeter::statistic::{ALL, AmplificationRatio, Difference, OddsRatio};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{
    Audit, AuditReport, Baseline, Bias, ConfidenceInterval, Error, ExposureLog, Interval, Question,
    Reference, ReferenceShare,
};

fn report() -> AuditReport {
    let text = "who,feed,slate,item,about\n\
        a,ranked,1,i,war\na,ranked,1,i,war\nb,ranked,2,j,sport\nc,ranked,3,k,\n\
        d,newest,4,i,war\nd,newest,4,j,music\ne,newest,5,j,sport\n,newest,6,k,sport\n";
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .slate("slate")
        .item("item")
        .topics(TopicColumn::single("about"))
        .rows(RowPolicy::SetAside);
    let source = CsvSource::from_reader("feed.csv", text.as_bytes(), b',').unwrap();
    let log = ExposureLog::read(source, &schema).unwrap();
    Audit::of(
        &log,
        &Question::between("ranked", "newest").statistic(AmplificationRatio).statistic(OddsRatio),
    )
    .run()
    .unwrap()
}

/// Every field that occurs, and every name of a statistic, is in `docs/report-json.md`.
#[test]
fn the_json_is_documented() {
    let document = include_str!("../../docs/report-json.md");
    let json: Json = serde_json::from_str(&report().to_json().unwrap()).unwrap();
    let documented = |name: &str| assert!(document.contains(&format!("`{name}`")), "{name}");
    for object in
        [&json, &json["estimates"][0], &json["estimates"][0]["estimand"], &json["quality"]]
    {
        object.as_object().unwrap().keys().for_each(|key| documented(key));
    }
    ALL.iter().for_each(|statistic| documented(statistic.name()));
    for estimate in json["estimates"].as_array().unwrap() {
        documented(estimate["state"].as_str().unwrap());
        documented(estimate["interval"].as_str().unwrap());
        for warning in estimate["warnings"].as_array().unwrap() {
            documented(warning["kind"].as_str().unwrap());
        }
    }
    assert_eq!(json["version"], REPORT_VERSION);
}

/// A report of any numbers is read back from its own JSON: shares of references so small that ratios overflow, of
/// nothing and of all, at any level.
#[test]
fn own_json_is_read_whatever_the_numbers() {
    let text = "who,feed,about\na,ranked,war\nb,ranked,sport\nc,ranked,war\nd,newest,war\n";
    let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let source = CsvSource::from_reader("feed.csv", text.as_bytes(), b',').unwrap();
    let log = ExposureLog::read(source, &schema).unwrap();
    let counts = ReferenceShare::Counts { topic: 7, all: 10 };
    for share in [0.0, 2e-100, 1e-50, 0.5, 1.0 - f64::EPSILON, 1.0] {
        for bias in [Bias::NONE, Bias { low: 0.8, high: 1.25 }] {
            for level in [1e-9, 0.95, 1.0 - 1e-12] {
                let mut reference =
                    Reference::new("poll", bias).share("war", ReferenceShare::Known(share));
                if share < 0.3 {
                    reference = reference.share("sport", counts);
                }
                let interval =
                    Interval::ShareBounds(ShareBounds { level, ..ShareBounds::default() });
                let report = Audit::of(
                    &log,
                    &Question::between("ranked", Baseline::Reference(reference))
                        .topics(["war"])
                        .statistic(AmplificationRatio)
                        .statistic(OddsRatio)
                        .statistic(Difference),
                )
                .interval(interval)
                .run()
                .unwrap();
                let json = report.to_json().unwrap();
                let again = AuditReport::from_json(&json).unwrap();
                assert_eq!(again.to_string(), report.to_string());
                assert_eq!(again.to_json().unwrap(), json);
            }
        }
    }
}

#[test]
fn states_in_json() {
    let record = ReportRecord::from_json(&report().to_json().unwrap()).unwrap();
    let find = |topic: &str| record.estimates.iter().find(|e| e.topic == topic).unwrap();
    let json = serde_json::to_value(find("music")).unwrap();
    assert_eq!((&json["state"], &json["value"]), (&Json::from("zero"), &Json::from(0.0)));
    assert_eq!((&json["interval"], &json["low"]), (&Json::from("upper_bound"), &Json::Null));
    let json = serde_json::to_value(find("war")).unwrap();
    // 2 of 4 against 1 of 3.
    assert_eq!((&json["state"], &json["value"]), (&Json::from("estimated"), &Json::from(1.5)));

    let other = report().to_json().unwrap().replace("\"version\": 1", "\"version\": 2");
    let error = ReportRecord::from_json(&other).unwrap_err();
    assert!(matches!(error, Error::Report { .. }), "{error}");
    assert!(ReportRecord::from_json("{").is_err());
    // A later version may have none of this one's fields; it is named all the same.
    let later = r#"{"schema": "tiltmeter.report", "version": 9, "findings": []}"#;
    let error = ReportRecord::from_json(later).unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
}

/// What the JSON holds is the report: it prints the same and makes the same JSON again.
#[test]
fn read_back_from_json() {
    use tiltmeter::{Bias, Reference, ReferenceShare};
    let text = "who,week,feed,about\na,1,x,war\na,2,x,sport\nb,1,x,war\nb,2,x,war\n\
                c,1,y,sport\nc,2,y,war\nd,1,y,sport\nd,2,y,music\n";
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .column("week")
        .topics(TopicColumn::single("about"));
    let source = CsvSource::from_reader("feed.csv", text.as_bytes(), b',').unwrap();
    let log = ExposureLog::read(source, &schema).unwrap();
    let question = Question::between("x", "y");
    let against = Audit::of(&log, &question);
    let poll = Reference::new("poll", Bias::within_factor(2.0))
        .share("war", ReferenceShare::Known(0.5))
        .share("music", ReferenceShare::Known(0.0))
        .share("sport", ReferenceShare::Counts { topic: 3, all: 10 });
    let test = tiltmeter::inference::Test::Delta(tiltmeter::inference::DeltaTest::default());
    let two_way = question.clone().second_cluster(tiltmeter::ClusterBy::column("week"));
    let two_way = Audit::of(&log, &two_way);
    let sentence = two_way.clone().run().unwrap().sentence();
    let second = "Second way: week, 2 in \"x\" and 2 in the baseline, crossed with the arms.";
    assert!(sentence.contains(second), "{sentence}");
    for report in [
        report(),
        against.clone().test(test).run().unwrap(),
        two_way.run().unwrap(),
        Audit::of(&log, &question.against(Baseline::Reference(poll))).run().unwrap(),
    ] {
        let json = report.to_json().unwrap();
        let again = AuditReport::from_json(&json).unwrap();
        assert_eq!(again.to_json().unwrap(), json);
        assert_eq!(again.to_string(), report.to_string());
        assert_eq!(again.to_markdown_document(), report.to_markdown_document());
    }
    let json =
        report().to_json().unwrap().replace("\"state\": \"zero\"", "\"state\": \"infinite\"");
    let error = AuditReport::from_json(&json).unwrap_err();
    assert!(error.to_string().contains("value does not fit"), "{error}");
}

/// An upper bound past the largest double is null, and then there is none.
#[test]
fn a_bound_that_overflows_is_no_bound() {
    let report = report();
    let mut estimate = report.estimate(&AmplificationRatio, "war").unwrap().clone();
    let interval = ConfidenceInterval { low: Some(0.5), high: Some(f64::INFINITY), level: 0.95 };
    estimate.measured.interval = Ok(interval);
    let json = serde_json::to_value(EstimateRecord::from(&estimate)).unwrap();
    assert_eq!((&json["interval"], &json["high"]), (&Json::from("lower_bound"), &Json::Null));
}

/// Topics come from files that others wrote.
#[test]
fn topics_cannot_break_the_table() {
    let source = SliceSource::new("log\u{1b}[2J")
        .text("who", &["1", "2", "3", "4"])
        .text("feed", &["a", "a", "b", "b"])
        .text("item", &["i", "j", "i", "j"]);
    let log = ExposureLog::read(source, &LogSchema::new().viewer("who").arm("feed").item("item"));
    let table = SliceSource::new("topics")
        .text("id", &["i", "j", ""])
        .text("about", &["war | \u{1b}[31m\nred", "sport", "lost"]);
    let schema =
        ItemTopicsSchema::new("id", TopicColumn::single("about")).rows(RowPolicy::SetAside);
    let topics = ItemTopics::read(table, &schema).unwrap();
    let log = log.unwrap().with_item_topics(&topics).unwrap();
    let report = Audit::of(&log, &Question::between("a", "b")).run().unwrap();
    let markdown = report.to_markdown();
    assert!(markdown.contains(r"| war \| \u{1b}[31m\nred "), "{markdown}");
    let bars = |line: &str| line.replace(r"\|", "").matches('|').count();
    let counts: Vec<_> = markdown.lines().map(bars).collect();
    assert!(counts.len() == 4 && counts.iter().all(|count| *count == counts[0]), "{markdown}");

    let text = report.to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    for part in [
        "Topics: topics, 2 items, 1 rows set aside, 0 items of the log missing.",
        "set aside: 1 for no value in column \"id\", first row 3 (\"\")",
        "Warning: 1 row of the topics table set aside.",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn what_a_person_reads() {
    let report = report();
    // Lines are wrapped; what matters is the words.
    let text = report.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "For each of 3 topics: the ratio of the topic's exposure share; the ratio of the topic's",
        "Clusters: viewer, 3 in \"ranked\" and 2 in the baseline, nested in the",
        "Log: feed.csv, 8 rows read, 1 set aside, 0 left out, 7 impressions, 1 untagged.",
        "set aside: 1 for no value in column \"who\", first row 8 (\"\")",
        "Warning: only 2 clusters in the baseline",
        "Warning (music): the topic's share in the treatment is zero.",
        "Warning: 1 slate shows an item more than once (1 such impression).",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let war = report.estimate(&AmplificationRatio, "war").unwrap();
    let sentence = war.sentence();
    assert!(
        sentence.starts_with(
            "Topic \"war\": exposure share 50.00% in arm \"ranked\", 33.33% in the baseline"
        ),
        "{sentence}"
    );
    assert!(
        sentence.contains("the ratio of the topic's exposure share is 1.500, 95% interval"),
        "{sentence}"
    );
    let estimand = war.estimand.to_string();
    assert_eq!(
        estimand,
        "the ratio of the topic's exposure share for topic \"war\", arm \"ranked\" against arm \
         \"newest\", pooled over clusters, attention uniform; clusters: viewer"
    );
    let rows = report.to_markdown().lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(rows, 2 + 6);
}

/// A report from a tally is the report from its log, but for the state of the log's data.
#[test]
fn from_a_tally() {
    let source = CsvSource::from_reader(
        "feed.csv",
        "who,feed,about\na,x,t\nb,x,u\nc,y,t\nd,y,u\n".as_bytes(),
        b',',
    );
    let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source.unwrap(), &schema).unwrap();
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let question = Question::between("x", "y");
    let from_log = Audit::of(&log, &question).run().unwrap();
    let from_tally = Audit::of_tally(&tally, &question).run().unwrap();
    assert_eq!(from_log.estimates(), from_tally.estimates());
    assert!(from_tally.quality().is_none());
}

/// A test that was asked for is in the table, the sentence and the record, with its reason where it
/// has no p-value; one that was not is in none of them.
#[test]
fn tests_are_reported() {
    use tiltmeter::inference::{DeltaTest, Multiplicity, Test};
    let rows: Vec<(&str, &str, &str)> = ["a", "b", "c", "d", "e", "f"]
        .into_iter()
        .enumerate()
        .flat_map(|(at, who)| {
            let feed = if at < 3 { "ranked" } else { "newest" };
            let about = ["war", "sport", if at % 2 == 0 { "war" } else { "music" }];
            about.map(|about| (who, feed, about))
        })
        .chain([("g", "ranked", "only here")])
        .collect();
    let text = |of: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
        rows.iter().map(of).collect::<Vec<_>>()
    };
    let source = SliceSource::new("rows")
        .text("who", &text(|row| row.0))
        .text("feed", &text(|row| row.1))
        .text("about", &text(|row| row.2));
    let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let audit = || Audit::of(&log, &Question::between("ranked", "newest"));
    let test = Test::Delta(DeltaTest::default());
    let report = audit().test(test).multiplicity(Multiplicity::Holm).run().unwrap();
    let record = ReportRecord::from_json(&report.to_json().unwrap()).unwrap();
    let of = |topic: &str| record.estimates.iter().find(|e| e.topic == topic).unwrap();
    let war = of("war");
    assert!(war.p_value.is_some_and(|p| p > 0.0 && p < 1.0));
    assert!(war.p_adjusted >= war.p_value && war.adjusted_by == Some(Multiplicity::Holm));
    // One impression of ten against none of nine, by share bounds.
    assert_eq!((of("only here").p_value, of("only here").no_test), (Some(1.0), None));
    let text = report.to_string();
    assert!(text.contains(" p ") && text.contains("adjusted p"), "{text}");
    assert!(report.sentence().contains("adjusted for the number of topics by Holm"));
    let without = audit().run().unwrap();
    assert!(!without.to_string().contains("adjusted p"));
    assert!(!without.sentence().contains("Tests:"));
}
