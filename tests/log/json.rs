//! JSON as people have it: documents, fields inside objects, lists of rows inside rows. The values are those of the
//! same rows written as CSV.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use proptest::prelude::*;
use tiltmeter::job::{TallyJob, log_files};
use tiltmeter::log::{FaultReason, Keep, LogSchema, Role, RowPolicy, TopicColumn};
use tiltmeter::source::{CsvSource, LogSource, open_source, open_source_as};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Error, ExposureLog};

/// A log from a file of this name and text.
fn read(name: &str, text: &str, schema: &LogSchema) -> Result<ExposureLog, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    ExposureLog::open(&path, schema)
}

fn columns(name: &str, text: &str, schema: &LogSchema) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    open_source_as(&path, schema).unwrap().column_names().to_vec()
}

fn of_csv(text: &str, schema: &LogSchema) -> ExposureLog {
    let text = std::io::Cursor::new(text.to_owned());
    ExposureLog::read(CsvSource::from_reader("rows", text, b',').unwrap(), schema).unwrap()
}

/// By row, who plays a role.
fn ids(log: &ExposureLog, role: Role) -> Vec<&str> {
    let coded = log.ids(role).unwrap();
    (0..log.rows()).filter_map(|row| coded.id(row)).collect()
}

fn tally(log: &ExposureLog) -> Tally {
    Tally::of(log, &TallySpec::default()).unwrap()
}

/// Rows of a feed.
type Row = (String, bool, u32, Vec<u8>);

fn schema(names: [&str; 4]) -> LogSchema {
    let [who, feed, rank, about] = names;
    LogSchema::new().viewer(who).arm(feed).position(rank).topics(TopicColumn::separated(about, '|'))
}

const FLAT: [&str; 4] = ["who", "feed", "rank", "about"];
const TOPICS: [&str; 3] = ["war", "sport", "new \u{201c}s\u{201d}"];

fn csv(rows: &[Row]) -> String {
    let mut text = "who,feed,rank,about\n".to_owned();
    for (who, ranked, rank, about) in rows {
        let about: Vec<&str> = about.iter().map(|at| TOPICS[*at as usize]).collect();
        let who = who.replace('"', "\"\"");
        writeln!(text, "\"{who}\",{},{rank},{}", feed(*ranked), about.join("|")).unwrap();
    }
    text
}

fn feed(ranked: bool) -> &'static str {
    if ranked { "ranked" } else { "newest" }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn list(about: &[u8]) -> String {
    let topics: Vec<String> = about.iter().map(|at| quoted(TOPICS[*at as usize])).collect();
    format!("[{}]", topics.join(","))
}

fn nested((who, ranked, rank, about): &Row) -> String {
    let (who, feed, about) = (quoted(who), feed(*ranked), list(about));
    format!(
        "{{\"by\": {{\"id\": {who}, \"at\": {{\"feed\": \"{feed}\"}}}}, \"x\": [{{\"no\": 1}}, {{\"rank\": {rank}}}], \
         \"about\": {about}}}"
    )
}

const NESTED: [&str; 4] = ["by.id", "by.at.feed", "x.1.rank", "about"];

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        "[a-c\"\\\\{}\\[\\],:]{1,4}",
        any::<bool>(),
        1_u32..9,
        prop::collection::vec(0_u8..3, 0..3),
    );
    let row = row.prop_map(|(who, ranked, rank, mut about)| {
        about.sort_unstable();
        about.dedup();
        (who, ranked, rank, about)
    });
    prop::collection::vec(row, 1..40)
}

/// A document with spaces and ends of lines between its parts, as programs write it for people.
fn spread(value: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(value).unwrap())
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_shape_holds_the_same_rows(rows in rows()) {
        let expected = of_csv(&csv(&rows), &schema(FLAT));
        let objects: Vec<String> = rows.iter().map(nested).collect();
        let array = format!("[{}]", objects.join(","));
        let wrapped = format!("{{\"n\": [1, {{}}], \"data\": {{\"all\": {array}, \"z\": \"]\"}}, \"e\": [{{}}]}}");
        let in_array = format!("[{{\"all\": []}}, {wrapped}]");
        let plain = schema(NESTED);
        let spread_lines: Vec<String> = objects.iter().map(|its| spread(its)).collect();
        for (name, text, schema) in [
            ("a.ndjson", objects.join("\n"), plain.clone()),
            ("a.json", objects.join("\n"), plain.clone()),
            ("b.json", spread_lines.join("\n"), plain.clone()),
            ("c.json", array.clone(), plain.clone()),
            ("d.json", format!("\u{feff}\n{}\n", spread(&array)), plain.clone()),
            ("e.json", wrapped.clone(), plain.clone().records("data.all")),
            ("f.json", spread(&wrapped), plain.clone().records("data.all")),
            ("g.json", in_array, plain.clone().records("1.data.all")),
        ] {
            // A single object that spans no document is a row; this one has lists of objects.
            if rows.len() == 1 && (name == "a.json" || name == "b.json") {
                continue;
            }
            let found = read(name, &text, &schema).unwrap();
            prop_assert_eq!(tally(&found), tally(&expected), "{} {}", name, text);
            prop_assert_eq!(found.positions(), expected.positions());
        }
    }

    /// A list that is taken apart has its rows in order, and what stands around it in each of them.
    #[test]
    fn a_list_taken_apart_is_its_rows(posts in prop::collection::vec((0_u8..3, rows(), 0..3), 1..8)) {
        let mut flat = "topic,who,feed,rank,place\n".to_owned();
        let mut objects = Vec::new();
        for (topic, rows, empty) in &posts {
            let topic = quoted(TOPICS[*topic as usize]);
            match empty {
                0 => objects.push(format!("{{\"topic\": {topic}, \"to\": {{\"seen\": []}}}}")),
                1 => objects.push(format!("{{\"topic\": {topic}, \"to\": null}}")),
                _ => {}
            }
            let seen: Vec<String> = rows.iter().map(|(who, ranked, rank, _)| {
                format!("{{\"who\": {}, \"feed\": \"{}\", \"at\": {{\"rank\": {rank}}}}}", quoted(who), feed(*ranked))
            }).collect();
            objects.push(format!("{{\"to\": {{\"seen\": [{}]}}, \"topic\": {topic}}}", seen.join(",")));
            for (place, (who, ranked, rank, _)) in (1..).zip(rows) {
                let (who, topic) = (who.replace('"', "\"\""), topic.trim_matches('"'));
                writeln!(flat, "{topic},\"{who}\",{},{rank},{place}", feed(*ranked)).unwrap();
            }
        }
        let of = |names: [&str; 5]| {
            let [topic, who, feed, rank, place] = names;
            LogSchema::new().viewer(who).arm(feed).position(place).topics(TopicColumn::single(topic)).engagement(rank)
        };
        let expected = of_csv(&flat, &of(["topic", "who", "feed", "rank", "place"]));
        let apart = of(["topic", "to.seen.who", "to.seen.feed", "to.seen.at.rank", "to.seen.#"]).each("to.seen");
        let array = format!("[{}]", objects.join(",\n"));
        for (name, text, schema) in [
            ("a.jsonl", objects.join("\n"), apart.clone()),
            ("b.json", spread(&array), apart.clone()),
            ("c.json", format!("{{\"posts\": {array}}}"), apart.clone().records("posts")),
        ] {
            let found = read(name, &text, &schema).unwrap();
            prop_assert_eq!(tally(&found), tally(&expected), "{} {}", name, text);
            prop_assert_eq!(found.positions(), expected.positions());
            prop_assert_eq!(found.numbers(Role::Engagement), expected.numbers(Role::Engagement));
        }
    }
}

#[test]
fn columns_are_leaves() {
    let text = r#"{"a": {"b": {"c": 1, "d.e": 2}, "l": ["x"]}, "s": [{"n": 1}, [2]], "t": ["u"], "a.q": 3}"#;
    let nothing = LogSchema::new();
    let names = columns("a.ndjson", text, &nothing);
    assert_eq!(names, ["a", "a.b.c", "a.b.d.e", "a.l", "s.0.n", "s.1", "s", "t", "a.q"]);
    // Elements of plain lists, and those further on, are there when they are asked for.
    let asked = LogSchema::new().column("t.0").column("a.l.0").viewer("t.3");
    let names = columns("a.ndjson", text, &asked);
    assert!(names.contains(&"t.0".to_owned()) && names.contains(&"a.l.0".to_owned()), "{names:?}");
    assert!(!names.contains(&"t.3".to_owned()), "{names:?}");
}

#[test]
fn a_key_with_a_dot_wins() {
    let text = "{\"a.b\": \"own\", \"a\": {\"b\": \"inside\"}}\n{\"a\": {\"b\": \"alone\"}}\n\
                {\"a\": {\"b\": \"inside\"}, \"a.b\": \"own\"}";
    let log = read("a.ndjson", text, &LogSchema::new().arm("a.b")).unwrap();
    assert_eq!(ids(&log, Role::Arm), ["own", "alone", "own"]);
}

#[test]
fn elements_of_plain_lists_are_columns_by_their_path() {
    let text = "{\"who\": \"a\", \"seen\": [\"x\", \"y\"]}\n{\"who\": \"b\", \"seen\": null}\n{\"who\": \"c\", \"seen\": [\"y\"]}";
    let schema = LogSchema::new().each("seen").viewer("who").item("seen").position("seen.#");
    let log = read("a.ndjson", text, &schema).unwrap();
    assert_eq!(log.positions(), Some(&[1, 2, 1][..]));
    assert_eq!(ids(&log, Role::Viewer), ["a", "a", "c"]);
    assert_eq!(ids(&log, Role::Item), ["x", "y", "y"]);
    let first = read(
        "a.ndjson",
        "{\"tags\": [\"x\"]}\n{\"tags\": [\"y\", \"z\"]}",
        &LogSchema::new().arm("tags.0"),
    );
    assert_eq!(ids(&first.unwrap(), Role::Arm), ["x", "y"]);
}

/// Rows at fault are counted as rows are made.
#[test]
fn rows_at_fault_are_elements() {
    let schema = LogSchema::new().arm("by.feed");
    let text = "[\n {\"by\": {\"feed\": \"a\"}},\n {\"by\":\n {\"feed\": [1.5]}},\n 7, {\"by\": {\"feed\": \"a\", \"feed\": \"a\"}}, \
                {\"by\": 3}]";
    let Err(Error::Row(fault)) = read("a.json", text, &schema) else { panic!() };
    assert_eq!((fault.row, &*fault.column, fault.reason), (2, "by.feed", FaultReason::NotAnId));
    let log = read("a.json", text, &schema.rows(RowPolicy::SetAside)).unwrap();
    let aside = &log.origin().set_aside;
    let told: Vec<_> = aside.reasons.iter().map(|its| (its.reason, its.first_row)).collect();
    assert_eq!(aside.rows, 4);
    for reason in
        [(FaultReason::Malformed, 3), (FaultReason::RepeatedKey, 4), (FaultReason::Null, 5)]
    {
        assert!(told.contains(&reason), "{told:?}");
    }
    let apart = LogSchema::new().each("l").arm("l.f");
    let Err(Error::Row(fault)) =
        read("a.ndjson", "{\"l\": [{\"f\": 1}, {\"f\": 2}]}\n{\"l\": {}}", &apart)
    else {
        panic!()
    };
    assert_eq!((fault.row, &*fault.column, fault.reason), (3, "l", FaultReason::NotAList));
}

/// What a file that cannot be read is told to be.
fn refused(text: &str, schema: &LogSchema) -> Error {
    let error = read("rows.json", text, schema).unwrap_err();
    assert!(error.to_string().contains("rows.json"), "{error}");
    error
}

#[test]
fn documents_that_are_not_whole() {
    let schema = LogSchema::new().arm("f");
    for text in [
        "[{\"f\": 1}, {\"f\": 2}",
        "[{\"f\": 1}, {\"f\": ",
        "[{\"f\": 1},",
        "[{\"f\": 1},]",
        "[{\"f\": 1} {\"f\": 1}]",
        "[{\"f\": 1}] {}",
        "[{\"f\": 1}]\n[{\"f\": 1}]",
        "[",
        "{\"f\": 1",
        "{\"f\": [{\"a\": 1}",
    ] {
        let error = refused(text, &schema);
        assert!(matches!(error, Error::Damaged { format: "JSON", .. }), "{text}: {error:?}");
    }
    let records = schema.clone().records("r");
    for text in [
        "{\"r\": [{\"f\": 1}",
        "{\"r\": [{\"f\": 1}]",
        "{\"a\": [1, 2",
        "{\"r\": [{\"f\": 1}], \"b\": 1}]",
    ] {
        assert!(matches!(refused(text, &records), Error::Damaged { .. }), "{text}");
    }
    assert!(matches!(refused("[]", &schema), Error::EmptyLog { .. }));
    assert!(matches!(refused("", &schema), Error::EmptyLog { .. }));
    assert!(matches!(refused("{\"r\": []}", &records), Error::EmptyLog { .. }));
}

#[test]
fn documents_without_rows_where_they_are_looked_for() {
    let schema = LogSchema::new().arm("f");
    let available = |text: &str, schema: &LogSchema| match refused(text, schema) {
        Error::NoRecords { available, found, mend, .. } => (available, found, mend),
        error => panic!("{text}: {error}"),
    };
    let wrapped = "{\"n\": 1, \"rows\": [{\"f\": 1}], \"in\": {\"side\": [{\"f\": 1}]}, \"e\": []}";
    let (arrays, _, mend) = available(wrapped, &schema);
    assert_eq!(arrays, ["rows", "in.side"]);
    assert!(mend.contains("--records"), "{mend}");
    assert_eq!(available(wrapped, &schema.clone().records("row")).0, ["rows", "in.side"]);
    let (_, found, _) = available(wrapped, &schema.clone().records("in"));
    assert!(found.contains("an object"), "{found}");
    let (arrays, _, mend) = available("{\"f\": {\"0\": 1, \"1\": 2}, \"g\": {\"0\": 1}}", &schema);
    assert!(arrays.is_empty() && mend.contains("orient"), "{mend}");
    let (lists, found, mend) = available("[{\"f\": [1], \"g\": [{\"h\": 1}]}]", &schema.each("h"));
    assert_eq!(lists, ["g"]);
    assert!(found.contains("\"h\"") && mend.contains("--each"), "{found} {mend}");
    let nothing = refused("[{\"g\": 1}]", &LogSchema::new().arm("f.g"));
    assert!(matches!(nothing, Error::MissingColumn { .. }), "{nothing}");
}

/// One object is a row, unless it has what may be rows.
#[test]
fn a_single_object_may_be_a_row() {
    let one =
        read("a.json", "{\n \"f\": \"x\",\n \"n\": {\"a\": 1}\n}\n", &LogSchema::new().arm("f"));
    assert_eq!(one.unwrap().rows(), 1);
    let apart = LogSchema::new().each("s").arm("s.f");
    let of_list = read("a.json", "{\"s\": [{\"f\": 1}, {\"f\": 2}]}", &apart);
    assert_eq!(of_list.unwrap().rows(), 2);
}

/// Documents are unpacked, read by jobs, and found in folders.
#[test]
fn a_job_reads_documents() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Row> = (0..5_000_u32)
        .map(|at| (format!("v{}", at % 37), at % 2 == 0, 1 + at % 7, vec![(at % 3) as u8]))
        .collect();
    let objects: Vec<String> = rows.iter().map(nested).collect();
    let document = format!("{{\"rows\": [{}]}}", objects.join(",\n  "));
    let path = folder.path().join("log.json.gz");
    let file = fs::File::create(&path).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(document.as_bytes()).unwrap();
    packed.finish().unwrap();
    let schema = schema(NESTED).records("rows").keep(Keep::new("by.at.feed", ["ranked", "newest"]));
    let of = |path: &Path| {
        let files = log_files(path).unwrap();
        TallyJob::new(files, schema.clone(), TallySpec::default()).run().unwrap().tally
    };
    let expected = tally(&of_csv(&csv(&rows), &self::schema(FLAT)));
    assert_eq!(of(&path), expected);
    assert_eq!(of(folder.path()), expected);
    assert_eq!(
        open_source(&path, None).err().map(|its| matches!(its, Error::NoRecords { .. })),
        Some(true)
    );
}
