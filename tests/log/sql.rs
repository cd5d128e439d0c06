//! Logs that are queries.

use std::path::{Path, PathBuf};

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::source::{SliceSource, SqlTables};
use tiltmeter::{Audit, Error, ExposureLog, LogInput, NamedTable, Question, StudyFile, StudyLog};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// A log that is a query over one of the cases, with other cases as tables.
fn queried(name: &str, tables: &[(&str, &str)], query: &str, schema: LogSchema) -> StudyFile {
    let named = |(name, file): &(&str, &str)| NamedTable { name: (*name).into(), path: case(file) };
    let log = LogInput {
        sql: Some(query.to_owned()),
        tables: tables.iter().map(named).collect(),
        ..LogInput::new(case(name), schema)
    };
    StudyFile::new(log, Question::between("ranked", "newest").topics(["war"]))
}

fn ratio(study: &StudyFile) -> f64 {
    let report = study.run("").unwrap();
    report.estimates()[0].value.number().unwrap()
}

/// The cases' README: 58 of 120 against 34 of 120.
#[test]
fn joins_and_conditions() {
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    let query = "SELECT * FROM log JOIN accounts USING (viewer)";
    let study = queried("log_no_arm.csv", &[("accounts", "accounts.csv")], query, schema.clone());
    assert!((ratio(&study) - 58.0 / 34.0).abs() < 1e-12);
    let report = study.run("").unwrap();
    let said = report.estimates()[0].estimand.to_string();
    assert!(said.contains("rows of the query SELECT * FROM log JOIN accounts"), "{said}");
    // The same study as a file.
    let again: StudyFile = serde_json::from_str(&study.to_json().unwrap()).unwrap();
    assert_eq!(again.log, study.log);

    let query = "SELECT item, topic, viewer, arm FROM log JOIN items USING (item)";
    let study = queried("log_items.csv", &[("items", "items.csv")], query, schema.clone());
    assert!((ratio(&study) - 58.0 / 34.0).abs() < 1e-12);

    // Of the first five ranks, counted with the filter that the library has.
    let query = "SELECT * FROM log WHERE position <= 5";
    let study = queried("plain.csv", &[], query, schema.clone());
    let plain = ExposureLog::open(case("plain.csv"), &schema.position("position")).unwrap();
    let ranks = plain.positions().unwrap();
    let first = plain.filter("the first five", |row| ranks[row] <= 5).unwrap();
    let question = Question::between("ranked", "newest").topics(["war"]);
    let report = Audit::of(&first, &question).run().unwrap();
    assert_eq!(report.estimates()[0].value.number(), Some(ratio(&study)));
}

/// An arm a column: 40 of 100 against 10 of 100.
#[test]
fn arms_in_columns_are_turned() {
    let query = "SELECT topic, 'ranked' AS arm, \"left\" AS n FROM log
                 UNION ALL SELECT topic, 'newest' AS arm, \"right\" AS n FROM log";
    let schema =
        LogSchema::new().arm("arm").topics(TopicColumn::single("topic")).count("n").column("topic");
    let mut study = queried("wide_arms.csv", &[], query, schema);
    study.question = study.question.cluster(tiltmeter::ClusterBy::column("topic"));
    assert!((ratio(&study) - 4.0).abs() < 1e-12);
}

/// A feed in a cell without any names of columns, and topics by item in a second file: counted here line by line.
#[test]
fn a_feed_in_a_cell_is_taken_apart() {
    let text = |name: &str| std::fs::read_to_string(case(name)).unwrap();
    let about: std::collections::HashMap<String, String> = text("news.tsv")
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>())
        .map(|fields| (fields[0].clone(), fields[1].clone()))
        .collect();
    let (mut war, mut all) = (0, 0);
    for line in text("behaviors.tsv").lines() {
        for shown in line.split('\t').next_back().unwrap().split(' ') {
            all += 1;
            war += usize::from(about[shown.split('-').next().unwrap()] == "war");
        }
    }
    let names = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let schema = LogSchema::new().header(names("id viewer time history shown"));
    let feeds = tiltmeter::source::open_source_as(case("behaviors.tsv"), &schema).unwrap();
    let schema = LogSchema::new().header(names("item topic sub title abstract url a b"));
    let news = tiltmeter::source::open_source_as(case("news.tsv"), &schema).unwrap();
    let tables = SqlTables::new().table("log", feeds).unwrap().table("news", news).unwrap();
    let query = "SELECT viewer, topic FROM
                   (SELECT viewer, split_part(UNNEST(string_to_array(shown, ' ')), '-', 1) AS item FROM log)
                 JOIN news USING (item)";
    let schema = LogSchema::new().viewer("viewer").topics(TopicColumn::single("topic"));
    let log = ExposureLog::read(tables.query(query).unwrap(), &schema).unwrap();
    let topics = log.topics().unwrap();
    let code = topics.labels().code("war").unwrap();
    let found = (0..log.rows()).filter(|&row| topics.of_row(row) == [code]).count();
    assert_eq!((found, log.rows()), (war, all));
}

/// What text is a number, what stays text, and what a path says.
#[test]
fn cells_have_types() {
    let rows = || {
        SliceSource::new("rows")
            .text("id", &["007", "12"])
            .text("age", &["17", "40"])
            .text("score", &["0.5", "NA"])
    };
    let kept = |condition: &str| {
        let tables = SqlTables::new().null("NA").table("log", rows()).unwrap();
        let query = tables.query(&format!("SELECT * FROM log WHERE {condition}")).unwrap();
        let log = ExposureLog::read(query, &LogSchema::new().viewer("id")).unwrap();
        (0..log.rows())
            .map(|row| log.ids(tiltmeter::log::Role::Viewer).unwrap().id(row).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kept("age > 9"), ["007", "12"]);
    assert_eq!(kept("age > 17"), ["12"]);
    assert_eq!(kept("id = '007'"), ["007"]);
    assert_eq!(kept("score IS NULL"), ["12"]);
    assert_eq!(kept("score < 1.5"), ["007"]);
    assert_eq!(kept("file = 'rows' AND age < 20"), ["007"]);

    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("feed=ranked/a.csv", "who,about\nann,war\nbo,sport\n"),
        ("feed=newest/b.csv", "about,who\nsport,cy\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let schema = LogSchema::new().viewer("who").arm("arm").topics(TopicColumn::single("about"));
    let log = LogInput {
        sql: Some("SELECT who, about, upper(feed) AS arm FROM log".into()),
        ..LogInput::new("*/*.csv", schema)
    };
    let study = StudyFile::new(log, Question::between("RANKED", "NEWEST"));
    let StudyLog::Whole(log) = study.read(folder.path()).unwrap().log else { panic!("held") };
    let arms: Vec<_> = log.arms().unwrap().dictionary().iter().collect();
    assert_eq!((log.rows(), arms.len()), (3, 2), "{arms:?}");
    assert!(arms.contains(&"RANKED"));
}

#[test]
fn what_is_wrong_with_a_query_is_said() {
    let ask = |query: &str| {
        let rows = SliceSource::new("rows").text("who", &["a"]);
        SqlTables::new().table("log", rows).unwrap().query(query).err().unwrap()
    };
    for query in ["SELEC who FROM log", "SELECT nobody FROM log", "SELECT * FROM accounts"] {
        match ask(query) {
            Error::Query { tables, detail } => {
                assert_eq!(tables, ["log"]);
                assert!(!detail.is_empty());
            }
            other => panic!("{other}"),
        }
    }
}

/// The same file twice would be counted twice, and a table for a query is none without one.
#[test]
fn what_is_read_is_read_once() {
    let schema = LogSchema::new().arm("arm").topics(TopicColumn::single("topic"));
    let mut study = queried("plain.csv", &[], "SELECT * FROM log", schema.clone());
    study.log.more.push(case("plain.csv"));
    assert!(matches!(study.read("".as_ref()), Err(Error::RepeatedFile { .. })));
    let mut study = queried("plain.csv", &[("accounts", "accounts.csv")], "", schema);
    study.log.sql = None;
    assert!(matches!(study.read("".as_ref()), Err(Error::Parameter { .. })));
}

/// Times of a clock stay such in a query's rows: by the zone that the schema of the log names.
#[test]
fn times_of_a_clock_stay_so() {
    use polars::prelude::{
        Column as Named, DataFrame, Int64Chunked, IntoSeries, NewChunkedArray, TimeUnit,
    };
    // 2026-03-08T00:30, which in Berlin is an hour earlier in UTC.
    let stored = [1_772_929_800_000_000_i64];
    let column = Int64Chunked::from_slice("t".into(), &stored);
    let column = column.into_datetime(TimeUnit::Microseconds, None).into_series();
    let frame = DataFrame::new(1, vec![Named::from(column)]).unwrap();
    let source = tiltmeter::source::FrameSource::new(&frame);
    let rows = SqlTables::new().table("log", source).unwrap().query("SELECT * FROM log").unwrap();
    let berlin = TimeFormat::Zone("Europe/Berlin".into());
    let log = ExposureLog::read(rows, &LogSchema::new().time("t", berlin)).unwrap();
    assert_eq!(log.times().unwrap(), [stored[0] - 3_600_000_000]);
}
