//! Names from strangers do nothing to a terminal, a page or a reader, and no number makes output without
//! an end.

use tiltmeter::decompose::GroupDecomposition;
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::report::has_look;
use tiltmeter::source::{CsvSource, SliceSource};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Audit, AuditReport, ClusterBy, Error, ExposureLog, Question, StudyFile};

/// Of Unicode 16: what turns the direction, joins or parts unseen, ends lines, is no character, and what
/// terminals take for commands.
const HOSTILE: [char; 30] = [
    '\u{202a}',
    '\u{202e}',
    '\u{2066}',
    '\u{2069}',
    '\u{200e}',
    '\u{200f}',
    '\u{61c}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{feff}',
    '\u{2060}',
    '\u{2028}',
    '\u{2029}',
    '\u{fffe}',
    '\u{ffff}',
    '\u{7}',
    '\u{8}',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{9b}',
    '\u{9d}',
    '\u{ad}',
    '\u{fe0f}',
    '\u{3164}',
    '\u{e0001}',
    '\u{1fffe}',
    '\n',
    '\r',
];

/// A name with all of them, and what marks things up.
fn hostile(name: &str) -> String {
    let all: String = HOSTILE.iter().collect();
    format!("{name}{all}|`<b>[l](http://u)'\"&*\u{1b}[31m\u{9b}2J{name}")
}

/// Lines of characters that are seen.
#[track_caller]
fn assert_inert(what: &str, text: &str) {
    let found = text.chars().find(|&c| c != '\n' && !has_look(c));
    assert_eq!(found, None, "{what}");
}

/// A folder with a log of hostile names, and the study of it.
fn study(folder: &std::path::Path) -> StudyFile {
    let [ranked, newest, about, feed, region] =
        ["ranked", "newest", "about", "feed", "region"].map(hostile);
    let file = "a\u{202e}\u{1b}[31m\u{2028}.csv";
    let mut log = csv::Writer::from_path(folder.join(file)).unwrap();
    log.write_record(["who", &feed, &about, &region, "clicked", "rank"]).unwrap();
    for at in 0..40_usize {
        let arm = if at % 2 == 0 { &ranked } else { &newest };
        let topic = hostile(["war", "sport", "سياسة", "👩‍🚀 space"][(at / 2) % 4]);
        let place = hostile(["north", "south"][(at / 4) % 2]);
        let [who, clicked, rank] = [at, at % 3, at % 4 + 1].map(|its| its.to_string());
        log.write_record([&who, arm, &topic, &place, &clicked, &rank]).unwrap();
    }
    log.flush().unwrap();
    let study = serde_json::json!({
        "title": hostile("title"), "note": hostile("note"), "authors": [hostile("author")],
        "log": {"path": file, "schema": {
            "viewer": "who", "arm": feed, "position": "rank", "engagement": "clicked",
            "topics": {"column": about}, "columns": [region]}},
        "question": {"treatment": ranked, "baseline": {"arm": newest},
                     "statistics": ["amplification_ratio", "difference"],
                     "cluster": {"column": region}},
    });
    serde_json::from_value(study).unwrap()
}

/// A study read from a file with this text.
fn opened(text: &str) -> Result<StudyFile, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("\u{202e}study.json");
    std::fs::write(&path, text).unwrap();
    StudyFile::open(path)
}

fn report() -> (AuditReport, StudyFile) {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let inputs = study.read(folder.path()).unwrap();
    (study.audit(&inputs).run().unwrap(), study)
}

#[test]
fn text_and_markdown_are_lines_that_are_seen() {
    let (report, _) = report();
    let text = report.to_string();
    assert_inert("text", &text);
    assert!(text.contains(r"war\u{202a}"), "{text}");
    let markdown = report.to_markdown_document();
    assert_inert("Markdown", &markdown);
    let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    let bars = |row: &str| row.replace(r"\|", "").matches('|').count();
    assert_eq!(rows.len(), 2 + report.estimates().len());
    assert!(rows.iter().all(|row| bars(row) == bars(rows[0])), "{markdown}");
    for marked in ["<b>", "](", "://", "`<"] {
        let plain = markdown.replace(&format!("\\{}", &marked[..1]), "").contains(marked);
        assert!(!plain, "{marked} in {markdown}");
    }
    assert_inert("sentence", &report.sentence());
}

/// Groups with hostile names, and breaks: seen in all four renderings, in which every row has as many cells.
#[test]
fn groups_and_breaks_are_lines_that_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let inputs = study.read(folder.path()).unwrap();
    let tiltmeter::StudyLog::Whole(log) = &inputs.log else { panic!("one file is whole") };
    let [war, sport, space] = ["war", "sport", "👩‍🚀 space"].map(hostile);
    let tally = Tally::of(log, &TallySpec::default()).unwrap();
    let question = Question::between(hostile("ranked"), hostile("newest"));
    let groups = GroupDecomposition::of(&tally, &question)
        .group(hostile("one"), [war.clone(), hostile("nowhere")])
        .group(hostile("two"), [sport, space])
        .run()
        .unwrap();
    let text = groups.to_string();
    assert_inert("groups", &text);
    assert!(text.contains(r"one\u{202a}"), "{text}");
    assert_renderings(&groups.tables(), &groups.to_csv());

    let breaks = tiltmeter::inference::Breaks {
        ratio: series(),
        treatment: series(),
        baseline: series(),
        empty: 0,
        episodes: Vec::new(),
    };
    let text = breaks.to_string();
    assert_inert("breaks", &text);
    let line = "  1970-01-02T00:00:00Z (1970-01-01T00:00:00Z to 1970-01-03T00:00:00Z): from 1.649 to 4.482\n";
    assert!(text.contains(line), "{text}");
    assert_renderings(&breaks.tables(), &breaks.to_csv());
    let csv = breaks.to_csv();
    let row = "ratio,86400000000,0,172800000000,0.5,1.5,1970-01-02T00:00:00Z,";
    assert!(csv.contains(row), "{csv}");
}

/// A series with a break on the second day.
fn series() -> tiltmeter::inference::SeriesBreaks {
    let day = 86_400_000_000;
    let its =
        tiltmeter::inference::Break { start: day, low: 0, high: 2 * day, before: 0.5, after: 1.5 };
    tiltmeter::inference::SeriesBreaks {
        windows: Vec::new(),
        without_value: 0,
        penalty: None,
        breaks: vec![its],
    }
}

/// All that can be shown of a report, and its CSV.
fn assert_renderings(tables: &[tiltmeter::report::Table], csv: &str) {
    assert!(!tables.is_empty());
    for table in tables {
        assert_inert("text", &table.to_text(60));
        let (markdown, html) = (table.to_markdown(), table.to_html());
        assert_inert("Markdown", &markdown);
        assert_inert("HTML", &html);
        roxmltree::Document::parse(&html).unwrap();
        let bars = |row: &str| row.replace(r"\|", "").matches('|').count();
        assert!(markdown.lines().all(|row| bars(row) == table.columns.len() + 1), "{markdown}");
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    }
    assert_inert("CSV", csv);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let fields = reader.headers().unwrap().len();
    assert!(reader.records().all(|row| row.unwrap().len() == fields), "{csv}");
}

/// Names are the same bit by bit, and whoever prints the JSON prints nothing unseen.
#[test]
fn json_is_ascii_where_it_has_to_be_and_reads_back() {
    let (report, study) = report();
    let json = report.to_json().unwrap();
    assert_inert("JSON", &json);
    let again = AuditReport::from_json(&json).unwrap();
    let topics = |of: &AuditReport| -> Vec<String> {
        of.estimates().iter().map(|its| its.estimand.topic.clone()).collect()
    };
    assert_eq!(topics(&again), topics(&report));
    assert!(topics(&report).contains(&hostile("👩‍🚀 space")));
    assert_eq!(again.to_json().unwrap(), json);
    let text = study.to_json().unwrap();
    assert_inert("study", &text);
    assert_eq!(opened(&text).unwrap(), study);
}

#[cfg(feature = "plot")]
#[test]
fn pages_and_figures_are_well_formed_and_keep_names_apart() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let inputs = study.read(folder.path()).unwrap();
    let findings = tiltmeter::findings::Findings::of(&inputs, &study).unwrap();
    assert_inert("findings", &findings.to_json().unwrap());
    let page = findings.to_html().unwrap();
    assert_inert("page", &page);
    // A cell and a quoted name, each by itself.
    let shown = r"سياسة\u{202a}\u{202e}";
    assert!(page.contains(&format!("<th scope=\"row\"><bdi>{shown}")), "{page}");
    assert!(page.contains(&format!("&quot;<bdi>{shown}")), "{page}");
    assert_eq!(page.matches("<bdi>").count(), page.matches("</bdi>").count());
    let figures = findings.figures().unwrap();
    for kind in
        ["forest-difference", "naive", "positions", "specification-1", "waterfall-4", "power"]
    {
        assert!(figures.iter().any(|its| its.name == kind), "{kind}");
    }
    for figure in figures {
        assert_inert(&figure.name, &figure.svg);
        let document = roxmltree::Document::parse(&figure.svg).unwrap();
        let title = document.root_element().children().find(|its| its.has_tag_name("title"));
        assert!(title.is_some_and(|its| its.text().is_some()), "{}", figure.name);
        // A name of more lines than a label has is there in full, whatever is in it.
        if figure.name.starts_with("forest") {
            let full = |its: roxmltree::Node<'_, '_>| {
                its.text().is_some_and(|text| text.ends_with("2Jwar"))
            };
            let cut = document.descendants().filter(|its| its.has_tag_name("title"));
            assert!(cut.into_iter().any(full), "{}", figure.svg);
        }
    }
}

/// A dwell time of zero and a high level: the interval of the last step runs beyond all numbers.
#[cfg(feature = "plot")]
#[test]
fn a_page_of_nothing_watched_ends() {
    let folder = tempfile::tempdir().unwrap();
    let log = "who,feed,about,ms\nv0,ranked,sport,0\nv1,newest,sport,0\nv2,ranked,sport,0\nv3,newest,war,0\n";
    std::fs::write(folder.path().join("log.csv"), log).unwrap();
    let study = serde_json::json!({
        "log": {"path": "log.csv", "schema": {"viewer": "who", "arm": "feed", "engagement": "ms",
                "topics": {"column": "about"}}},
        "question": {"treatment": "ranked", "baseline": {"arm": "newest"}},
        "inference": {"interval": {"share_bounds": {"level": 0.999}}},
    });
    let study: StudyFile = serde_json::from_value(study).unwrap();
    let inputs = study.read(folder.path()).unwrap();
    let (done, made) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let findings = tiltmeter::findings::Findings::of(&inputs, &study).unwrap();
        // Whoever waits may have gone.
        let _ = done.send(findings.to_html().unwrap());
    });
    let page = made.recv_timeout(std::time::Duration::from_secs(120)).expect("it ends");
    assert!(page.contains("figure-waterfall-1") && !page.contains("NaN"));
}

/// What messages quote, in each of the ways in which they do.
#[test]
fn errors_say_names_that_are_seen() {
    let rows = || {
        SliceSource::new(hostile("file"))
            .text(hostile("feed"), &[&*hostile("a"), &*hostile("b")])
            .text("about", &[&*hostile("war"), &*hostile("sport")])
            .text("weight", &[&*hostile("one"), "2"])
    };
    let schema = || LogSchema::new().arm(hostile("feed")).topics(TopicColumn::single("about"));
    let log = ExposureLog::read(rows(), &schema()).unwrap();
    let question = || Question::of_arm(hostile("a")).cluster(ClusterBy::Impression);
    let against = || question().against(hostile("b"));
    let refused = |question: Question| Audit::of(&log, &question).run().unwrap_err();
    let errors: [Error; 8] = [
        ExposureLog::read(rows(), &schema().weight("weight")).unwrap_err(),
        ExposureLog::read(rows(), &schema().item(hostile("item"))).unwrap_err(),
        refused(question().against(hostile("c"))),
        refused(against().topics([hostile("music")])),
        refused(against().cluster(ClusterBy::column(hostile("col")))),
        ExposureLog::open(hostile("/no/such/"), &schema()).unwrap_err(),
        opened("{\"\u{202e}\u{2028}\": 1}").unwrap_err(),
        CsvSource::from_reader(hostile("file"), &b""[..], b',')
            .and_then(|source| ExposureLog::read(source, &schema()))
            .unwrap_err(),
    ];
    for error in errors {
        let said = error.to_string();
        assert_inert("error", &said);
        assert!(!said.contains('\n'), "{said}");
        assert!(said.contains(r"\u{202e}"), "{said}");
    }
    assert_inert("unit", &ClusterBy::column(hostile("col")).to_string());
}

/// Two names that look alike but for what is not seen, or is written as what is, are told apart.
#[test]
fn names_that_look_alike_are_told_apart() {
    let topics =
        ["war", "wa\u{200d}r", r"wa\u{200d}r", "war\u{fe0f}", "wa\u{a0}r", "wa\nr", r"wa\nr"];
    let source = SliceSource::new("rows")
        .text("feed", &["a"; 7].iter().copied().chain(["b"; 7]).collect::<Vec<_>>())
        .text("about", &topics.iter().copied().cycle().take(14).collect::<Vec<_>>());
    let schema = LogSchema::new().arm("feed").topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let question = Question::between("a", "b").cluster(ClusterBy::Impression);
    let report = Audit::of(&log, &question).run().unwrap();
    for text in [report.to_string(), report.to_markdown()] {
        let mut cells: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim_start_matches(['|', ' ']).split([' ', '|']).next())
            .filter(|cell| cell.starts_with("wa"))
            .collect();
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), topics.len(), "{text}");
    }
}
