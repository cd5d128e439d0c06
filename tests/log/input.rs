//! What happens to bad input: a typed error that names file, column, row and value, or, when
//! asked for, a count by reason. Never a panic.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop at the first surprise"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use tiltmeter::log::{
    Batch, Column, FaultReason, ItemRepeats, ItemTopics, ItemTopicsSchema, LogSchema, LogSource,
    Role, RowFault, RowPolicy, TimeFormat, TopicColumn, TopicFormat, UnreadableRow,
};
use tiltmeter::source::{CsvSource, NdjsonSource, SliceSource};
use tiltmeter::statistic::AddOneReach;
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Attention, Audit, ClusterBy, Error, ExposureLog, Question, Reach, Unit};

/// A file with these bytes, and the folder that keeps it.
fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn csv(text: &str, schema: &LogSchema) -> Result<ExposureLog, Error> {
    let source = CsvSource::from_reader("test.csv", std::io::Cursor::new(text.to_owned()), b',')?;
    ExposureLog::read(source, schema)
}

fn row_fault(error: Error) -> RowFault {
    match error {
        Error::Row(fault) => *fault,
        other => panic!("not a row fault: {other}"),
    }
}

/// Each rule of METHODS section 0, broken in the second row.
#[test]
fn rows_that_break_a_rule() {
    let cases: [(LogSchema, &str, FaultReason); 17] = [
        (LogSchema::new().arm("x"), "", FaultReason::Null),
        (LogSchema::new().viewer("x"), "", FaultReason::Null),
        (LogSchema::new().column("x").null("NA"), "NA", FaultReason::Null),
        (LogSchema::new().position("x"), "0", FaultReason::PositionOutOfRange),
        (LogSchema::new().position("x"), "-3", FaultReason::PositionOutOfRange),
        (LogSchema::new().position("x"), "4294967296", FaultReason::PositionOutOfRange),
        (LogSchema::new().position("x"), "1.5", FaultReason::NotAnInteger),
        (LogSchema::new().position("x"), "first", FaultReason::NotANumber),
        (LogSchema::new().position("x"), "", FaultReason::Null),
        (LogSchema::new().weight("x"), "-0.5", FaultReason::NegativeWeight),
        (LogSchema::new().weight("x"), "NaN", FaultReason::NotFinite),
        (LogSchema::new().weight("x"), "inf", FaultReason::NotFinite),
        (LogSchema::new().weight("x"), "1e9", FaultReason::WeightTooLarge),
        (LogSchema::new().propensity("x"), "0", FaultReason::PropensityOutOfRange),
        (LogSchema::new().propensity("x"), "1.01", FaultReason::PropensityOutOfRange),
        (LogSchema::new().satisfaction("x"), "-0.1", FaultReason::SatisfactionOutOfRange),
        (
            LogSchema::new().time("x", TimeFormat::Pattern("%d-%m-%Y".into())),
            "2024-07-11",
            FaultReason::UnreadableTime,
        ),
    ];
    for (schema, value, reason) in cases {
        let good = if reason == FaultReason::UnreadableTime { "11-07-2024" } else { "1" };
        let text = format!("y,x\na,{good}\nb,{value}\nc,{value}\nd,{good}\n");
        let fault = row_fault(csv(&text, &schema).unwrap_err());
        let expected = ("test.csv", "x", 2, value, reason);
        let found = (&*fault.file, &*fault.column, fault.row, &*fault.value, fault.reason);
        assert_eq!(found, expected);
        let message = fault.to_string();
        for part in ["test.csv", "row 2", "\"x\"", reason.mend()] {
            assert!(message.contains(part), "{message}");
        }

        let log = csv(&text, &schema.rows(RowPolicy::SetAside)).unwrap();
        assert_eq!(log.rows(), 2);
        let aside = &log.origin().set_aside;
        assert_eq!((log.origin().rows_read, aside.rows), (4, 2));
        let entry = &aside.reasons[0];
        assert_eq!((entry.reason, &*entry.column, entry.rows), (reason, "x", 2));
        assert_eq!((entry.first_row, &*entry.first_value), (2, value));
    }
}

#[test]
fn the_first_row_at_fault_is_named_whatever_the_column() {
    let schema = LogSchema::new().arm("a").position("p").weight("w");
    let fault = row_fault(csv("a,p,w\nx,1,1\nx,1,-1\n,0,1\n", &schema).unwrap_err());
    assert_eq!((fault.row, &*fault.column), (2, "w"));
    // Of several faults in one row, the first in the order of roles; the row counts once.
    let log = csv("a,p,w\n,0,-1\nx,1,1\n", &schema.rows(RowPolicy::SetAside)).unwrap();
    let aside = &log.origin().set_aside;
    assert_eq!((aside.rows, aside.reasons.len()), (1, 1));
    assert_eq!(aside.reasons[0].column, "a");
    // Ids of rows set aside leave no trace.
    let text = "a,p,w\ngone,0,1\nx,1,1\n";
    let log =
        csv(text, &LogSchema::new().arm("a").position("p").rows(RowPolicy::SetAside)).unwrap();
    assert_eq!(log.arms().unwrap().dictionary().iter().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn ragged_and_undecodable_lines() {
    let schema = LogSchema::new().arm("a").viewer("v");
    let fault = row_fault(csv("a,v\nx,1\nx\n", &schema).unwrap_err());
    assert_eq!((fault.row, fault.reason), (2, FaultReason::Malformed));
    assert_eq!(fault.value, "1 fields where the header has 2");

    let (_folder, path) = file("latin1.csv", b"a,v\nx,1\nx,caf\xe9\n");
    let fault = row_fault(ExposureLog::open(&path, &schema).unwrap_err());
    assert_eq!((fault.row, &*fault.column, fault.reason), (2, "v", FaultReason::NotUtf8));
    let schema = schema.rows(RowPolicy::SetAside);
    let log = ExposureLog::open(&path, &schema).unwrap();
    assert_eq!((log.rows(), log.origin().set_aside.rows), (1, 1));
}

/// RFC 4180 has no field that goes on past the end of the file.
#[test]
fn a_quote_that_is_never_closed() {
    let schema = LogSchema::new().arm("a").topics(TopicColumn::single("t"));
    let damaged = |text: &str, place: &str| {
        for schema in [schema.clone(), schema.clone().rows(RowPolicy::SetAside)] {
            let error = csv(text, &schema).unwrap_err();
            let Error::Damaged { place: found, .. } = &error else { panic!("{text:?}: {error}") };
            assert_eq!(found, place, "{text:?}");
            assert!(error.to_string().contains("quote"), "{error}");
        }
    };
    damaged("a,t\nx,war\ny,\"spo\nx,war\ny,war\n", " in row 2");
    damaged("a,t\nx,war\ny,\"spo", " in row 2");
    damaged("a,t\nx,war\ny,\"spo\"\"", " in row 2");
    damaged("a,t\nx,\"", " in row 1");
    damaged("a,\"t\nx,war\n", " in the header");
    for (text, last) in [
        ("a,t\nx,\"war\"", "war"),
        ("a,t\nx,war", "war"),
        // White space around a topic is no part of it.
        ("a,t\nx,\"war\n\n\"", "war"),
        ("a,t\nx,\"war\n\n\"\r\n\r\n\n", "war"),
        ("a,t\nx,\"a\n\nb\"", "a\n\nb"),
        ("a,t\nx,5\" screens", "5\" screens"),
    ] {
        let log = csv(text, &schema).unwrap();
        assert_eq!((log.rows(), log.topics().unwrap().labels().id(0)), (1, Some(last)));
    }
}

#[test]
fn columns_that_are_not_there_or_not_right() {
    let error = csv("a,b\nx,1\n", &LogSchema::new().arm("arm")).unwrap_err();
    let Error::MissingColumn { column, role, available, .. } = error else { panic!("{error}") };
    assert_eq!((&*column, role), ("arm", Role::Arm));
    assert_eq!(available, ["a", "b"]);

    let error = csv("a,a\nx,y\n", &LogSchema::new().arm("a")).unwrap_err();
    assert!(matches!(error, Error::RepeatedColumn { .. }), "{error}");

    let floats = |values: &[f64]| {
        let source = SliceSource::new("slices").float("id", values);
        ExposureLog::read(source, &LogSchema::new().viewer("id"))
    };
    let whole = floats(&[1.0, 2.0]).unwrap();
    assert_eq!(whole.ids(Role::Viewer).unwrap().id(0), Some("1"));
    for value in [2.5, 9_007_199_254_740_992.0, f64::INFINITY] {
        let fault = row_fault(floats(&[1.0, value]).unwrap_err());
        assert_eq!((fault.row, fault.reason), (2, FaultReason::NotAnId), "{value}");
    }

    let numbers = SliceSource::new("slices").integer("t", &[1_720_656_000]);
    let schema = LogSchema::new().time("t", TimeFormat::Iso);
    let error = ExposureLog::read(numbers, &schema).unwrap_err();
    assert!(matches!(error, Error::ColumnType { role: Role::Time, .. }), "{error}");

    let uneven = SliceSource::new("slices").integer("a", &[1]).integer("b", &[1, 2]);
    let error = ExposureLog::read(uneven, &LogSchema::new().arm("a").viewer("b")).unwrap_err();
    assert!(matches!(error, Error::ColumnLength { .. }), "{error}");
}

/// A source as a third party might write it: it hands over whatever batch it was given.
struct Careless(Vec<String>, Option<Batch>);

impl LogSource for Careless {
    fn name(&self) -> &str {
        "careless"
    }

    fn column_names(&self) -> &[String] {
        &self.0
    }

    fn select(&mut self, _: &[usize]) {}

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        Ok(self.1.take())
    }
}

#[test]
fn batches_that_are_not_of_one_shape() {
    let column = |rows: i64| Column::Integer((0..rows).map(Some).collect());
    let past = UnreadableRow {
        index: 2,
        column: "a".into(),
        value: String::new(),
        reason: FaultReason::Malformed,
    };
    for (columns, unreadable, named, found) in [
        (vec![column(2)], vec![], "b", 0),
        (vec![column(2), column(3)], vec![], "b", 3),
        (vec![column(2), column(2)], vec![past], "a", 3),
    ] {
        let batch = Batch { columns, unreadable };
        let source = Careless(vec!["a".into(), "b".into()], Some(batch));
        let schema = LogSchema::new().viewer("a").arm("b").rows(RowPolicy::SetAside);
        match ExposureLog::read(source, &schema).unwrap_err() {
            Error::ColumnLength { column, found: its, expected: 2, .. } => {
                assert_eq!((&*column, its), (named, found));
            }
            other => panic!("{other}"),
        }
    }
    let mut twice = SliceSource::new("slices").integer("a", &[1]).integer("b", &[2]);
    twice.select(&[0, 1, 0]);
    let batch = twice.next_batch().unwrap().unwrap();
    let one = |value| Column::Whole(vec![value]);
    assert_eq!(batch.columns, [one(1), one(2), one(1)]);
    twice.select(&[7]);
    assert_eq!(twice.next_batch().unwrap().unwrap().columns, []);
}

#[test]
fn combined_columns_that_cannot_be() {
    let source = || SliceSource::new("slices").text("t", &["x"]).text("u", &["y"]);
    let twice = [
        LogSchema::new().column("t").combined("t", ["t", "u"]),
        LogSchema::new().combined("c", ["t"]).combined("c", ["u"]),
    ];
    for schema in twice {
        let error = ExposureLog::read(source(), &schema).unwrap_err();
        assert!(matches!(error, Error::RepeatedColumn { .. }), "{error}");
    }
    let none = LogSchema::new().arm("t").combined("c", [""; 0]);
    let error = ExposureLog::read(source(), &none).unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }), "{error}");
}

#[test]
fn nothing_to_read() {
    let schema = LogSchema::new().arm("a");
    let error = csv("a\n", &schema).unwrap_err();
    assert!(matches!(error, Error::EmptyLog { set_aside: 0, .. }), "{error}");
    let error = csv("a,b\n,1\n,2\n", &schema.clone().rows(RowPolicy::SetAside)).unwrap_err();
    assert!(matches!(error, Error::EmptyLog { set_aside: 2, .. }), "{error}");
    for nothing in ["", "\n\n"] {
        let error = csv(nothing, &schema).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("there is no header line"), "{error}");
    }
    let error = csv("a\nx\n", &LogSchema::new()).unwrap_err();
    assert!(matches!(error, Error::Unstated { what: "columns", .. }), "{error}");
    let error = ExposureLog::open("no/such/file.csv", &schema).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.to_string().contains("no/such/file.csv"));
    let error = ExposureLog::open("log.ods", &schema).unwrap_err();
    assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn many_rows() -> String {
    let rows = (0..5_000).map(|i| format!("arm{},{}\n", i % 2, i * 7919 % 65_537));
    "a,v\n".to_owned() + &rows.collect::<String>()
}

#[test]
fn files_cut_off_or_corrupted() {
    let schema = LogSchema::new().arm("a").viewer("v");
    let whole = gzip(&many_rows());
    let (_folder, path) = file("log.csv.gz", &whole);
    assert_eq!(ExposureLog::open(&path, &schema).unwrap().rows(), 5_000);

    let (_folder, path) = file("cut.csv.gz", &whole[..whole.len() / 2]);
    let error = ExposureLog::open(&path, &schema).unwrap_err();
    let Error::Damaged { file, place, .. } = &error else { panic!("{error}") };
    assert!(file.ends_with("cut.csv.gz") && place.starts_with(" after row "), "{error}");

    // Every byte flipped in turn would be slow; every 97th is not. Whatever comes out is an
    // error, or the same log where the byte does not matter (the header's time and system).
    for at in (0..whole.len()).step_by(97) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xff;
        let (_folder, path) = self::file("flipped.csv.gz", &flipped);
        if let Ok(log) = ExposureLog::open(&path, &schema) {
            assert!(at < 10, "byte {at} changed and nobody noticed: {} rows", log.rows());
        }
    }

    // What is wrong before that is told before it.
    let faulty = gzip(&many_rows().replacen("arm1,", ",", 1));
    let (_folder, path) = self::file("cut.csv.gz", &faulty[..faulty.len() / 2]);
    let fault = row_fault(ExposureLog::open(&path, &schema).unwrap_err());
    assert_eq!((fault.row, fault.reason), (2, FaultReason::Null));

    let text = many_rows();
    let (_folder, path) = self::file("cut.csv", &text.as_bytes()[..text.len() - 8]);
    let fault = row_fault(ExposureLog::open(&path, &schema).unwrap_err());
    assert_eq!((fault.row, fault.reason), (5_000, FaultReason::Malformed));

    let (_folder, path) = self::file("cut.ndjson", b"{\"a\": 1}\n{\"a\": 2}\n{\"a\"");
    let fault = row_fault(ExposureLog::open(&path, &LogSchema::new().arm("a")).unwrap_err());
    assert_eq!((fault.row, fault.reason), (3, FaultReason::Malformed));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_cut_off_or_corrupted() {
    let schema = LogSchema::new().arm("arm").viewer("viewer");
    let source_schema = LogSchema::new().arm("a").viewer("v");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    csv(&many_rows(), &source_schema).unwrap().save(&path).unwrap();
    assert_eq!(ExposureLog::open(&path, &schema).unwrap().rows(), 5_000);
    let whole = std::fs::read(&path).unwrap();

    for cut in [0, 3, whole.len() / 2, whole.len() - 1] {
        let (_folder, path) = file("cut.parquet", &whole[..cut]);
        let error = ExposureLog::open(&path, &schema).unwrap_err();
        assert!(matches!(error, Error::Damaged { format: "Parquet", .. }), "{cut}: {error}");
    }
    // A changed byte in a saved log is noticed, wherever it matters. Other Parquet files carry no
    // checksum, so there it may not be; but nothing panics.
    let saved = ExposureLog::open_saved(&path).unwrap();
    for at in (0..whole.len()).step_by(53) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xff;
        let (_folder, path) = file("flipped.parquet", &flipped);
        let _ = ExposureLog::open(&path, &schema);
        if let Ok(log) = ExposureLog::open_saved(&path) {
            assert_eq!(log, saved, "byte {at}");
        }
    }
    let error = ExposureLog::open_saved(unsaved(&folder)).unwrap_err();
    assert!(matches!(error, Error::Version { .. }), "{error}");
}

/// A Parquet file that is no saved log.
#[cfg(feature = "parquet")]
fn unsaved(folder: &TempDir) -> PathBuf {
    use std::sync::Arc;
    let path = folder.path().join("other.parquet");
    let column: arrow_array::ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1, 2]));
    let batch = arrow_array::RecordBatch::try_from_iter([("a", column)]).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn topics_that_cannot_be_read() {
    let read = |format, text: &str| {
        let topics = SliceSource::new("slices").text("t", &["['a']", text]);
        ExposureLog::read(topics, &LogSchema::new().topics(TopicColumn::new("t", format)))
    };
    let fault = row_fault(read(TopicFormat::PythonList, "['a'").unwrap_err());
    assert_eq!((fault.row, fault.reason), (2, FaultReason::UnreadableTopics));
    let fault = row_fault(read(TopicFormat::JsonList, "[\"a\"]").unwrap_err());
    assert_eq!((fault.row, fault.reason), (1, FaultReason::UnreadableTopics));

    let relabelled = TopicColumn::single("t").relabel([("['a']", "a")]);
    let topics = SliceSource::new("slices").text("t", &["['a']", "b"]);
    let error = ExposureLog::read(topics, &LogSchema::new().topics(relabelled)).unwrap_err();
    let fault = row_fault(error);
    assert_eq!((fault.row, &*fault.value, fault.reason), (2, "b", FaultReason::UnlistedTopic));
}

#[test]
fn topics_tables() {
    let table = || {
        SliceSource::new("topics")
            .text("id", &["1", "2", "", "1"])
            .text("t", &["war", "party", "war", "sport"])
    };
    let schema = ItemTopicsSchema::new("id", TopicColumn::single("t"));
    let fault = row_fault(ItemTopics::read(table(), &schema).unwrap_err());
    assert_eq!((fault.row, fault.reason), (3, FaultReason::Null));
    let aside = schema.clone().rows(RowPolicy::SetAside);
    let topics = ItemTopics::read(table(), &aside).unwrap();
    assert_eq!((topics.len(), topics.set_aside().rows), (2, 2));
    // The conflicting row is the fourth of the file, though the third was set aside before it.
    let conflict = topics.set_aside().reasons.last().unwrap();
    assert_eq!((conflict.reason, conflict.first_row), (FaultReason::ConflictingTopics, 4));
    let missing = SliceSource::new("topics").text("id", &["1", "NA"]).text("t", &["NA", "war"]);
    let topics = ItemTopics::read(missing, &aside.clone().null("NA")).unwrap();
    assert_eq!((topics.topics("1").unwrap().len(), topics.set_aside().rows), (0, 1));
    let union = aside.repeats(ItemRepeats::Union);
    let topics = ItemTopics::read(table(), &union).unwrap();
    assert_eq!(topics.topics("1").unwrap(), ["war", "sport"]);

    let log = SliceSource::new("log").text("item", &["1", "3", "1", "2"]);
    let log = ExposureLog::read(log, &LogSchema::new().item("item")).unwrap();
    let joined = log.with_item_topics(&topics).unwrap();
    assert_eq!(joined.topics().unwrap().untagged(), 1);
    assert_eq!(joined.origin().item_topics.as_ref().unwrap().items_missing, 1);
    let without =
        ExposureLog::read(SliceSource::new("log").text("a", &["x"]), &LogSchema::new().arm("a"));
    let error = without.unwrap().with_item_topics(&topics).unwrap_err();
    assert!(matches!(error, Error::MissingRole { role: Role::Item, .. }), "{error}");
}

fn small() -> ExposureLog {
    let source = SliceSource::new("small")
        .text("v", &["1", "2", "3", "4"])
        .text("a", &["x", "x", "y", "y"])
        .text("t", &["war", "sport", "war", "sport"]);
    let schema = LogSchema::new().viewer("v").arm("a").topics(TopicColumn::single("t"));
    ExposureLog::read(source, &schema).unwrap()
}

#[test]
fn questions_the_log_cannot_answer() {
    let log = small();
    let question = || Question::between("x", "y");
    let error = Audit::of(&log, &Question::of_arm("x")).run().unwrap_err();
    assert!(matches!(error, Error::Unstated { what: "baseline", .. }), "{error}");
    let error = Audit::of(&log, &Question::between("z", "y")).run().unwrap_err();
    assert_eq!(error.to_string(), "no impressions in arm \"z\"; the arms are \"x\", \"y\"");
    let error = Audit::of(&log, &question().topics(["weather"])).run().unwrap_err();
    let expected = "no impression is tagged \"weather\"; the topics are \"sport\", \"war\"";
    assert_eq!(error.to_string(), expected);
    let error = Audit::of(&log, &question().against("x")).run().unwrap_err();
    assert!(matches!(error, Error::SameArm { .. }), "{error}");
    let error = Audit::of(&log, &question().attention(Attention::Logarithmic)).run().unwrap_err();
    assert!(matches!(error, Error::MissingRole { role: Role::Position, .. }), "{error}");
    let error = Audit::of(&log, &question().cluster(ClusterBy::Session)).run().unwrap_err();
    assert!(matches!(error, Error::MissingRole { role: Role::Session, .. }), "{error}");
    let error = Audit::of(&log, &question().cluster(ClusterBy::column("phone"))).run().unwrap_err();
    let Error::UnknownColumn { available, .. } = &error else { panic!("{error}") };
    assert_eq!(*available, ["a", "v"]);
    let error = Audit::of(&log, &question().attention(Attention::Rbp { persistence: 2.0 }))
        .run()
        .unwrap_err();
    assert!(matches!(error, Error::Parameter { parameter: "persistence", .. }), "{error}");
    for level in [0.0, 1.0, f64::NAN] {
        let delta = tiltmeter::inference::Delta { level, ..Default::default() };
        let error = Audit::of(&log, &question())
            .interval(tiltmeter::Interval::Delta(delta))
            .run()
            .unwrap_err();
        assert!(matches!(error, Error::Parameter { parameter: "level", .. }), "{error}");
    }
    for mass in [f64::NAN, f64::INFINITY, -1.0] {
        let reach = Unit::Reach(Reach { impressions: 1, mass });
        let error = Audit::of(&log, &question().unit(reach)).run().unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    for unit in [Unit::Pooled, Unit::ClusterMean] {
        let error =
            Audit::of(&log, &question().unit(unit).statistic(AddOneReach)).run().unwrap_err();
        assert!(error.to_string().contains("smoothed_reach_percent"), "{error}");
    }
    let reach = Unit::Reach(Reach::default());
    assert!(Audit::of(&log, &question().unit(reach).statistic(AddOneReach)).run().is_ok());
    assert_eq!(ClusterBy::Viewer.hashed(64).to_string(), "2^64 hash buckets of viewer");
    let error =
        Audit::of(&log, &question().cluster(ClusterBy::Viewer.hashed(25))).run().unwrap_err();
    assert!(matches!(error, Error::Parameter { parameter: "bits", .. }), "{error}");
}

#[test]
fn sources_take_any_bytes_without_panic() {
    let schema = LogSchema::new().arm("a").position("p").topics(TopicColumn::single("t"));
    let mut state = 1_u64;
    for length in [0, 1, 2, 7, 64, 1_000] {
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    // Knuth's MMIX generator; any bytes will do, and many of CSV's and JSON's.
                    state =
                        state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    b"a,p,t\n\"'{}[]:1\r\x1f\x8b\xff0"[(state >> 40) as usize % 19]
                })
                .collect();
            let with_header = [b"a,p,t\n".as_slice(), &bytes].concat();
            for bytes in [bytes, with_header] {
                let reader = std::io::Cursor::new(bytes.clone());
                if let Ok(source) = CsvSource::from_reader("bytes", reader, b',') {
                    let _ = ExposureLog::read(source, &schema);
                }
                let reader = std::io::Cursor::new(bytes);
                if let Ok(source) = NdjsonSource::from_reader("bytes", reader) {
                    let _ = ExposureLog::read(source, &schema);
                }
            }
        }
    }
}

#[test]
fn a_folder_is_no_file() {
    let schema = LogSchema::new().arm("a");
    assert!(ExposureLog::open(Path::new("."), &schema).is_err());
}

/// Strata and topics that come with every row make more cells than can be kept: an error, not the
/// end of the process.
#[test]
fn more_cells_than_memory() {
    let names: Vec<String> = (0..10_000).map(|row| format!("n{row}")).collect();
    let source = SliceSource::new("slices").text("n", &names).text("arm", &names);
    let schema = LogSchema::new()
        .viewer("n")
        .stratum("n")
        .arm("arm")
        .topics(tiltmeter::log::TopicColumn::single("n"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let error =
        tiltmeter::Audit::of(&log, &Question::between("n1", tiltmeter::Baseline::arm("n2")))
            .run()
            .unwrap_err();
    assert!(matches!(error, Error::TooManyCells { arms: 10_000, .. }), "{error}");
}

/// Impressions and buckets have no ids to hash: all would fall into one bucket.
#[test]
fn units_that_cannot_be_hashed() {
    let source = SliceSource::new("slices").text("v", &["a", "b"]).text("arm", &["x", "y"]);
    let log = ExposureLog::read(source, &LogSchema::new().viewer("v").arm("arm")).unwrap();
    let units = [ClusterBy::Impression, ClusterBy::Viewer.hashed(4)];
    for unit in units {
        let spec = TallySpec { cluster: unit.hashed(2), ..TallySpec::default() };
        let error = Tally::of(&log, &spec).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
}
