//! The one table in its four renderings: any width, any name, nothing lost in silence.

use proptest::prelude::*;
use tiltmeter::inference::{DeltaTest, Multiplicity, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::report::{Column, EstimateRecord, ReportRecord, Table, has_look};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, Difference, OddsRatio, Statistic};
use tiltmeter::{AnyStatistic, Audit, AuditReport, ClusterBy, ExposureLog, Question};
use unicode_width::UnicodeWidthStr;

const STATISTICS: [&dyn Statistic; 3] = [&AmplificationRatio, &Difference, &OddsRatio];

/// A report of these topics; the first is in one arm alone.
fn report(topics: &[String], statistics: usize, test: bool) -> AuditReport {
    let (mut who, mut feed, mut about) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..12 * topics.len() {
        let topic = (at * 7 + at / 5) % topics.len();
        who.push(format!("v{}", at % 24));
        feed.push(if at % 2 == 0 || topic == 0 { "ranked" } else { "newest" });
        about.push(&*topics[topic]);
    }
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let source =
        SliceSource::new("rows").text("who", &who).text("feed", &feed).text("about", &about);
    let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let question = Question::between("ranked", "newest");
    let question = STATISTICS[..statistics].iter().fold(question, |question, statistic| {
        question.statistic(statistic.name().parse::<AnyStatistic>().unwrap())
    });
    let mut audit = Audit::of(&log, &question);
    if test {
        audit = audit.test(Test::Delta(DeltaTest::default())).multiplicity(Multiplicity::Holm);
    }
    audit.run().unwrap()
}

/// Names of all kinds; the log takes spaces off their ends, and an empty one for none.
fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        "[a-z]{1,12}( [a-z]{1,12}){0,5}",
        "[a-z]{30,90}",
        "[日本語中文字]{1,40}",
        "[=+@'|*_<>&\"`a-z,-]{1,20}",
        "[a-z]{0,5}[\u{202e}\u{1b}\u{200b}\n\r\t\u{85}\u{2066}\\\\]{1,6}[a-z]{1,5}",
        "[سياةפולטק]{1,20}",
    ];
    proptest::collection::btree_set(name, 2..7).prop_map(|names| names.into_iter().collect())
}

/// The columns that are named below a table for want of room; all others are in its heading, and nothing else is.
fn left_out(table: &Table, text: &str) -> Vec<String> {
    let (above, below) = match text.split_once("\nNo room for: ") {
        Some((above, below)) => (above, below.replace('\n', " ")),
        None => (text, String::new()),
    };
    let named = below.split(". A wider").next().unwrap().split(", ");
    let named: Vec<String> = named.filter(|its| !its.is_empty()).map(str::to_owned).collect();
    let words = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words
    };
    let shown = table.columns.iter().map(|its| &its.heading).filter(|its| !named.contains(its));
    let shown: Vec<&str> = shown.map(String::as_str).collect();
    assert_eq!(words(&shown.join(" ")), words(above.split("\n═").next().unwrap()), "{text}");
    named
}

/// The first column with the lines of each cell put together.
fn first_column(text: &str, width: usize) -> String {
    let cut = |line: &str| {
        let mut taken = 0;
        line.chars()
            .take_while(|c| {
                taken += c.to_string().width();
                taken <= width + 1
            })
            .collect::<String>()
    };
    text.lines().skip_while(|line| !line.starts_with('═')).skip(1).map(cut).collect()
}

/// By hand: a report's table with an estimate, an interval and the rest of two statistics, tested, fits 120 columns
/// and shows its topics in 16 columns or more.
#[test]
fn two_statistics_and_a_test_leave_topics_readable() {
    let topics = ["international politics and war".to_owned(), "sport".to_owned()];
    let report = report(&topics, 2, true);
    let text = report.to_string();
    let table = &report.tables()[0];
    let shown = table.to_text(120);
    assert!(text.contains(&shown));
    assert!(shown.lines().all(|line| line.width() <= 120), "{shown}");
    assert!(shown.contains(" international "), "{shown}");
    assert_eq!(left_out(table, &shown), ["naive interval", "design effect"]);
    assert_eq!(left_out(table, &table.to_text(200)), [""; 0]);
}

/// What a text was before it was written as CSV, by the rule of `docs/report-json.md`.
fn read(cell: &str) -> String {
    let cell = cell.strip_prefix('\'').unwrap_or(cell);
    let (mut out, mut rest) = (String::new(), cell);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (c, used) = match after.chars().next().unwrap() {
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            't' => ('\t', 1),
            '\\' => ('\\', 1),
            'u' => {
                let end = after.find('}').unwrap();
                let number = u32::from_str_radix(&after[2..end], 16).unwrap();
                (char::from_u32(number).unwrap(), end + 1)
            }
            other => panic!("an escape that is none: {other}"),
        };
        out.push(c);
        rest = &after[used..];
    }
    out + rest
}

/// The rows of a CSV, each as its fields by their names.
fn rows_of(csv: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headings = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        headings.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|its| row(its.unwrap())).collect()
}

/// A cell of CSV holds what a field of the JSON does.
#[track_caller]
fn assert_same(name: &str, cell: &str, json: &serde_json::Value) {
    match json {
        serde_json::Value::Null => assert_eq!(cell, "", "{name}"),
        serde_json::Value::Number(number) => {
            assert_eq!(cell.parse::<f64>().ok(), number.as_f64(), "{name}");
        }
        serde_json::Value::String(text) => assert_eq!(&read(cell), text, "{name}"),
        other => assert_eq!(read(cell), other.to_string(), "{name}"),
    }
}

fn assert_csv_is_json(report: &AuditReport) {
    let rows = rows_of(&report.to_csv());
    let record = ReportRecord::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(rows.len(), record.estimates.len());
    for (row, its) in rows.iter().zip(&record.estimates) {
        let json = serde_json::to_value(its).unwrap();
        let own = ["estimand", "warnings", "clusters", "second_clusters"];
        for (name, value) in json.as_object().unwrap() {
            if !own.contains(&&**name) {
                assert_same(name, &row[name], value);
            }
        }
        let EstimateRecord { estimand, warnings, clusters, .. } = its;
        assert_eq!(read(&row["treatment"]), estimand.treatment);
        assert_eq!(read(&row["baseline"]), estimand.baseline.to_string());
        assert_eq!(read(&row["estimand"]), estimand.to_string());
        assert_eq!(row["clusters_both"], clusters.both.to_string());
        let messages: Vec<&str> = warnings.iter().map(|its| &*its.message).collect();
        assert_eq!(read(&row["warnings"]), messages.join("; "));
        for cell in row.values() {
            assert!(!["NaN", "inf", "-inf"].contains(&&**cell), "{row:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn tables_fit_and_lose_nothing_in_silence(
        topics in names(), statistics in 1..4_usize, test in any::<bool>(), width in 40..201_usize,
    ) {
        let report = report(&topics, statistics, test);
        let table = &report.tables()[0];
        let text = table.to_text(width);
        let widest = |text: &str| text.lines().map(UnicodeWidthStr::width).max().unwrap();
        // What is least possible is what one column would be given.
        prop_assert!(widest(&text) <= width.max(widest(&table.to_text(1))), "{}\n{}", width, text);
        prop_assert!(text.chars().all(|c| c == '\n' || has_look(c)));
        left_out(table, &text);
        // Topics have 16 columns, or as many as they take where they are parted to have no more.
        let alone = Table {
            columns: vec![Column::name("topic")],
            rows: table.rows.iter().map(|row| vec![row[0].clone()]).collect(),
            ..Table::default()
        };
        let floor = alone.to_text(18).lines().skip(2).map(|line| line.trim().width()).max().unwrap();
        prop_assert!(floor <= 16, "{}", alone.to_text(18));
        let shown = |topic: &str| tiltmeter::report::printable_name(topic);
        let letters = |text: &str| text.replace([' ', '\n'], "");
        let reads = |width: usize| {
            let column = letters(&first_column(&text, width));
            let mut topics = report.estimates().iter().map(|its| &its.estimand.topic);
            topics.all(|topic| column.contains(&letters(&shown(topic))))
        };
        prop_assert!((floor..=40).any(reads), "{}\n{}", width, text);
    }

    #[test]
    fn other_forms_hold_every_cell(topics in names(), statistics in 1..4_usize, test in any::<bool>()) {
        let report = report(&topics, statistics, test);
        let table = &report.tables()[0];
        let bars = |row: &str| row.replace(r"\|", "").matches('|').count();
        let markdown = report.to_markdown();
        prop_assert_eq!(markdown.lines().count(), 2 + table.rows.len());
        for line in markdown.lines() {
            prop_assert_eq!(bars(line), table.columns.len() + 1, "{}", line);
        }
        let html = table.to_html();
        let document = roxmltree::Document::parse(&html).unwrap();
        let names: Vec<&str> = document.descendants().filter(|its| its.has_tag_name("th"))
            .filter(|its| its.attribute("scope") == Some("row"))
            .filter_map(|its| its.first_element_child()?.text()).collect();
        let topics: Vec<String> = report.estimates().iter()
            .map(|its| tiltmeter::report::printable_name(&its.estimand.topic)).collect();
        prop_assert_eq!(names, topics);
        prop_assert!(markdown.chars().chain(html.chars()).all(|c| c == '\n' || has_look(c)));
        assert_csv_is_json(&report);
    }
}

/// What was asked in two ways of clusters, and an interval that is none, have their columns.
#[test]
fn csv_has_the_rest_of_the_json() {
    let topics = ["=1+1", "@war", "-x", "'y", "plain"].map(str::to_owned);
    let report = report(&topics, 3, true);
    assert_csv_is_json(&report);
    let csv = report.to_csv();
    for cell in ["\n'=1+1,", "\n'@war,", "\n'-x,", "\n''y,", "\nplain,"] {
        assert!(csv.contains(cell), "{cell:?} is not in\n{csv}");
    }
    let log = {
        let source = SliceSource::new("rows")
            .text("feed", &["a", "a", "b"])
            .text("about", &["war", "sport", "war"]);
        let schema = LogSchema::new().arm("feed").topics(TopicColumn::single("about"));
        ExposureLog::read(source, &schema).unwrap()
    };
    let question = Question::between("a", "b").cluster(ClusterBy::Impression);
    assert_csv_is_json(&Audit::of(&log, &question).run().unwrap());
}
