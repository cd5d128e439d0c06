//! Every source gives the same log, and a saved log is read back exactly.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tiltmeter::log::{
    Column, FaultReason, ItemTopics, ItemTopicsSchema, LogSchema, Role, RowPolicy, TextColumn,
    TimeFormat, TopicColumn, TopicFormat,
};
use tiltmeter::source::{CsvSource, Impression, ImpressionSource, NdjsonSource, SliceSource};
use tiltmeter::{Error, ExposureLog};

const CSV: &str = "\
viewer,item,arm,position,time,weight,stratum,topics,slate,session,engagement,propensity,satisfaction
1,a,x,1,2024-07-11T10:00:00Z,0.5,GA,war|party,s1,t1,1,0.25,0.1
2,\"b, c\",x,2,2024-07-11T10:00:01.5Z,2,GA,,s1,t1,0,1,0
3,a,y,7,2024-07-12T00:00:00Z,0,NY,sport,s2,t2,0,0.125,1
";

fn schema() -> LogSchema {
    LogSchema::new()
        .viewer("viewer")
        .item("item")
        .arm("arm")
        .position("position")
        .time("time", TimeFormat::Iso)
        .weight("weight")
        .stratum("stratum")
        .topics(TopicColumn::separated("topics", '|'))
        .slate("slate")
        .session("session")
        .engagement("engagement")
        .propensity("propensity")
        .satisfaction("satisfaction")
}

fn from_csv() -> ExposureLog {
    ExposureLog::read(CsvSource::from_reader("test", CSV.as_bytes(), b',').unwrap(), &schema())
        .unwrap()
}

/// Equal but for the name of the source.
#[track_caller]
fn same(log: &ExposureLog) {
    let expected = from_csv();
    assert_eq!(log.rows(), expected.rows());
    for role in [Role::Viewer, Role::Item, Role::Arm, Role::Stratum, Role::Slate, Role::Session] {
        assert_eq!(log.ids(role), expected.ids(role), "{role}");
    }
    for role in [Role::Weight, Role::Engagement, Role::Propensity, Role::Satisfaction] {
        assert_eq!(log.numbers(role), expected.numbers(role), "{role}");
    }
    assert_eq!(log.positions(), expected.positions());
    assert_eq!(log.times(), expected.times());
    assert_eq!(log.topics(), expected.topics());
}

#[test]
fn every_role_is_read() {
    let log = from_csv();
    assert_eq!(log.ids(Role::Item).unwrap().id(1), Some("b, c"));
    assert_eq!(log.positions().unwrap(), [1, 2, 7]);
    // Python: datetime(2024, 7, 11, 10, tzinfo=timezone.utc).timestamp() == 1720692000
    assert_eq!(log.times().unwrap()[..2], [1_720_692_000_000_000, 1_720_692_001_500_000]);
    assert_eq!(log.numbers(Role::Propensity).unwrap(), [0.25, 1.0, 0.125]);
    let topics = log.topics().unwrap();
    assert_eq!(
        (topics.of_row(0), topics.of_row(1), topics.of_row(2)),
        (&[0, 1][..], &[][..], &[2][..])
    );
}

#[test]
fn compressed_delimited_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Two gzip members in one file, as `cat a.gz b.gz` makes them.
    let mut bytes = Vec::new();
    for part in [&CSV[..200], &CSV[200..]] {
        let mut encoder = GzEncoder::new(&mut bytes, Compression::fast());
        encoder.write_all(part.as_bytes()).unwrap();
        encoder.finish().unwrap();
    }
    std::fs::write(path("log.csv.gz"), &bytes).unwrap();
    same(&ExposureLog::open(path("log.csv.gz"), &schema()).unwrap());
    // Told by its bytes even where the name does not say so.
    std::fs::write(path("log.csv"), &bytes).unwrap();
    same(&ExposureLog::open(path("log.csv"), &schema()).unwrap());
    let marked = format!("\u{feff}{}", CSV.replace('\n', "\r\n"));
    std::fs::write(path("marked.csv"), marked).unwrap();
    same(&ExposureLog::open(path("marked.csv"), &schema()).unwrap());
    let tabs = CSV.replace("\"b, c\"", "b; c").replace(',', "\t").replace("b; c", "b, c");
    std::fs::write(path("log.tsv"), tabs).unwrap();
    same(&ExposureLog::open(path("log.tsv"), &schema()).unwrap());
    let semicolons = CSV.replace("\"b, c\"", "b# c").replace(',', ";").replace("b# c", "b, c");
    std::fs::write(path("semicolons.csv"), semicolons).unwrap();
    same(&ExposureLog::open(path("semicolons.csv"), &schema().delimiter(b';')).unwrap());
}

/// Several frames, one of which holds something else, zero bytes behind; also by the name alone of a folder.
#[cfg(feature = "zstd")]
#[test]
fn compressed_by_zstandard() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let frame = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    // Of frames that are skipped: the magic number, a length, so many bytes.
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let (first, last) = CSV.split_at(200);
    let frames = [skipped.clone(), frame(first), skipped, frame(last)].concat();
    let cases =
        [("log.csv.zst", frames.clone()), ("LOG.CSV.ZST", [&frames[..], &[0; 300]].concat())];
    for (name, bytes) in cases {
        std::fs::write(path(name), bytes).unwrap();
        same(&ExposureLog::open(path(name), &schema()).unwrap());
        assert_eq!(tiltmeter::job::log_files(folder.path()).unwrap(), [path(name)]);
        std::fs::remove_file(path(name)).unwrap();
    }
    for (name, bytes) in [
        ("behind.csv.zst", [&frames[..], b"\0\0x"].concat()),
        ("cut.csv.zst", frames[..frames.len() - 9].to_vec()),
    ] {
        std::fs::write(path(name), bytes).unwrap();
        let error = ExposureLog::open(path(name), &schema()).unwrap_err();
        assert!(matches!(error, tiltmeter::Error::Damaged { .. }), "{name}: {error}");
    }
}

/// As `gzip` does: what fills up the last block of a tape is no part of a file.
#[test]
fn zero_bytes_behind_gzip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(CSV.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    for zeros in [1, 1 << 20] {
        std::fs::write(&path, [&bytes[..], &vec![0; zeros]].concat()).unwrap();
        same(&ExposureLog::open(&path, &schema()).unwrap());
    }
    for behind in [&b"\0\0x"[..], b"x", &bytes[..5]] {
        std::fs::write(&path, [&bytes[..], behind].concat()).unwrap();
        let error = ExposureLog::open(&path, &schema()).unwrap_err();
        assert!(matches!(error, tiltmeter::Error::Damaged { .. }), "{behind:?}: {error}");
    }
}

#[test]
fn newline_delimited_json() {
    let lines = r#"{"viewer":1,"item":"a","arm":"x","position":1,"time":"2024-07-11T10:00:00Z","weight":0.5,"stratum":"GA","topics":["war","party"],"slate":"s1","session":"t1","engagement":true,"propensity":0.25,"satisfaction":0.1}

{"viewer":2,"item":"b, c","arm":"x","position":2,"time":"2024-07-11T10:00:01.5Z","weight":2,"stratum":"GA","slate":"s1","session":"t1","engagement":false,"propensity":1,"satisfaction":0}
{"viewer":3,"item":"a","arm":"y","position":7,"time":"2024-07-12T00:00:00Z","weight":0,"stratum":"NY","topics":["sport"],"slate":"s2","session":"t2","engagement":false,"propensity":0.125,"satisfaction":1}
"#;
    let source = NdjsonSource::from_reader("test", lines.as_bytes()).unwrap();
    same(&ExposureLog::read(source, &schema()).unwrap());
}

fn ndjson(lines: &str, schema: &LogSchema) -> Result<ExposureLog, Error> {
    let source = NdjsonSource::from_reader("test", std::io::Cursor::new(lines.to_owned()))?;
    ExposureLog::read(source, schema)
}

/// What a line of JSON means does not depend on the lines beside it.
#[test]
fn json_lines_are_read_each_by_itself() {
    let schema = LogSchema::new().topics(TopicColumn::separated("t", '|'));
    let log = ndjson("{\"t\":\"war|sport\"}\n{\"t\":[\"war\"]}\n{\"t\":5}\n", &schema).unwrap();
    let topics = log.topics().unwrap();
    assert_eq!(topics.labels().iter().collect::<Vec<_>>(), ["war", "sport", "5"]);
    assert_eq!((topics.of_row(0), topics.of_row(1)), (&[0, 1][..], &[0][..]));
    // A batch is 65,536 lines: the list stands in the first or in the second.
    for before in [10, 65_536] {
        let lines = "{\"t\":\"war|sport\"}\n".repeat(before) + "{\"t\":[\"war\"]}\n";
        let log = ndjson(&lines, &schema).unwrap();
        assert_eq!(log.topics().unwrap().labels().len(), 2, "{before}");
    }
    let times = LogSchema::new().time("t", TimeFormat::Iso).rows(RowPolicy::SetAside);
    let log = ndjson("{\"t\":\"2024-07-11\"}\n{\"t\":20240711}\n{\"t\":null}\n", &times);
    assert_eq!(log.unwrap().times().unwrap(), [1_720_656_000_000_000]);
}

/// Ids that differ in the file never become one.
#[test]
fn json_ids_are_exact_or_refused() {
    let schema = LogSchema::new().viewer("v");
    for (id, shown) in [
        ("184467440737095516151", "1.844674407370955e20"),
        ("9007199254740993.0", "9007199254740992.0"),
        ("1.5", "1.5"),
        ("{\"a\":1}", "{\"a\":1}"),
        ("[1]", "[\"1\"]"),
    ] {
        let lines = format!("{{\"v\":\"a\"}}\n{{\"v\":{id}}}\n");
        match ndjson(&lines, &schema) {
            Err(Error::Row(fault)) => assert_eq!(
                (fault.row, &*fault.column, fault.reason, &*fault.value),
                (2, "v", FaultReason::NotAnId, shown),
            ),
            other => panic!("{id}: {other:?}"),
        }
        let log = ndjson(&lines, &schema.clone().rows(RowPolicy::SetAside)).unwrap();
        assert_eq!((log.rows(), log.origin().set_aside.rows), (1, 1), "{id}");
    }
    let lines = "{\"v\":18446744073709551615}\n{\"v\":1}\n{\"v\":\"1\"}\n{\"v\":true}\n{\"v\":1.0}\n\
                 {\"v\":1e3}\n";
    let log = ndjson(lines, &schema).unwrap();
    let ids = log.ids(Role::Viewer).unwrap().dictionary();
    assert_eq!(ids.iter().collect::<Vec<_>>(), ["18446744073709551615", "1", "true", "1000"]);
    let position = ndjson("{\"p\":1}\n{\"p\":true}\n", &LogSchema::new().position("p"));
    assert!(matches!(position, Err(Error::Row(_))), "{position:?}");
}

#[test]
fn json_without_objects() {
    let schema = LogSchema::new().arm("a");
    let log = ndjson("\u{feff}{\"a\":\"x\"}\n", &schema).unwrap();
    assert_eq!(log.arms().unwrap().id(0), Some("x"));
    let error = ndjson("\n\n", &schema).unwrap_err();
    assert!(matches!(error, Error::EmptyLog { .. }), "{error}");
    for schema in [schema.clone(), schema.rows(RowPolicy::SetAside)] {
        match ndjson("\n{\"a\":\n[1]\n", &schema).unwrap_err() {
            Error::Row(fault) => assert_eq!((fault.row, &*fault.value), (1, "{\"a\":")),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn slices_and_rows() {
    let source = SliceSource::new("test")
        .integer("viewer", &[1, 2, 3])
        .text("item", &["a", "b, c", "a"])
        .text("arm", &["x", "x", "y"])
        .float("position", &[1.0, 2.0, 7.0])
        .column(
            "time",
            Column::Timestamp(from_csv().times().unwrap().iter().copied().map(Some).collect()),
        )
        .float("weight", &[0.5, 2.0, 0.0])
        .text("stratum", &["GA", "GA", "NY"])
        .lists("topics", &[&["war", "party"], &[], &["sport"]])
        .text("slate", &["s1", "s1", "s2"])
        .text("session", &["t1", "t1", "t2"])
        .column("engagement", Column::Boolean(vec![Some(true), Some(false), Some(false)]))
        .float("propensity", &[0.25, 1.0, 0.125])
        .float("satisfaction", &[0.1, 0.0, 1.0]);
    same(&ExposureLog::read(source, &schema()).unwrap());

    let row =
        |viewer, item, arm, position, time, weight, stratum, topics, slate, session| Impression {
            viewer: Some(viewer),
            item: Some(item),
            arm: Some(arm),
            position: Some(position),
            time: Some(time),
            weight: Some(weight),
            stratum: Some(stratum),
            topics,
            slate: Some(slate),
            session: Some(session),
            ..Default::default()
        };
    let mut rows = [
        row("1", "a", "x", 1, 1_720_692_000_000_000, 0.5, "GA", &["war", "party"], "s1", "t1"),
        row("2", "b, c", "x", 2, 1_720_692_001_500_000, 2.0, "GA", &[], "s1", "t1"),
        row("3", "a", "y", 7, 1_720_742_400_000_000, 0.0, "NY", &["sport"], "s2", "t2"),
    ];
    for (row, (clicked, propensity, satisfaction)) in
        rows.iter_mut().zip([(1.0, 0.25, 0.1), (0.0, 1.0, 0.0), (0.0, 0.125, 1.0)])
    {
        row.engagement = Some(clicked);
        row.propensity = Some(propensity);
        row.satisfaction = Some(satisfaction);
    }
    let schema = ImpressionSource::schema(&rows);
    same(&ExposureLog::read(ImpressionSource::new(&rows), &schema).unwrap());
}

#[cfg(feature = "polars")]
#[test]
fn data_frames() {
    use polars::prelude::{
        Column as Series, DataFrame, DataType, NamedFrom, Series as Values, TimeUnit,
    };
    let times: Vec<i64> = from_csv().times().unwrap().iter().map(|time| time / 1_000).collect();
    let times = Values::new("time".into(), times)
        .cast(&DataType::Datetime(TimeUnit::Milliseconds, None))
        .unwrap();
    let list = |topics: &[&str]| Values::new("".into(), topics);
    let topics =
        Values::new("topics".into(), [list(&["war", "party"]), list(&[]), list(&["sport"])]);
    let text = |name: &str, values: [&str; 3]| Series::from(Values::new(name.into(), values));
    let number = |name: &str, values: [f64; 3]| Series::from(Values::new(name.into(), values));
    let categories = DataType::from_categories(polars::prelude::Categories::global());
    let arms = Values::new("arm".into(), ["x", "x", "y"]).cast(&categories).unwrap();
    let frame = DataFrame::new(
        3,
        vec![
            Series::from(Values::new("viewer".into(), [1_i32, 2, 3])),
            text("item", ["a", "b, c", "a"]),
            Series::from(arms),
            Series::from(Values::new("position".into(), [1_u32, 2, 7])),
            Series::from(times),
            number("weight", [0.5, 2.0, 0.0]),
            text("stratum", ["GA", "GA", "NY"]),
            Series::from(topics),
            text("slate", ["s1", "s1", "s2"]),
            text("session", ["t1", "t1", "t2"]),
            Series::from(Values::new("engagement".into(), [true, false, false])),
            number("propensity", [0.25, 1.0, 0.125]),
            number("satisfaction", [0.1, 0.0, 1.0]),
        ],
    )
    .unwrap();
    same(&ExposureLog::read(tiltmeter::source::FrameSource::new(&frame), &schema()).unwrap());
    #[cfg(feature = "lazy")]
    {
        use polars::prelude::IntoLazy;
        let source = tiltmeter::source::FrameSource::lazy(frame.clone().lazy()).unwrap();
        same(&ExposureLog::read(source, &schema()).unwrap());
    }

    let days = Values::new("time".into(), [19_915_i32]).cast(&DataType::Date).unwrap();
    let frame = DataFrame::new(1, vec![Series::from(days)]).unwrap();
    let source = tiltmeter::source::FrameSource::new(&frame);
    let log = ExposureLog::read(source, &LogSchema::new().time("time", TimeFormat::Iso)).unwrap();
    // Python: date(1970, 1, 1) + timedelta(days=19915) == date(2024, 7, 11)
    assert_eq!(log.times().unwrap(), [1_720_656_000_000_000]);
}

#[cfg(feature = "polars")]
#[test]
fn reports_as_data_frames() {
    use tiltmeter::{Audit, Question};
    let report = Audit::of(&from_csv(), &Question::between("x", "y")).run().unwrap();
    let frame = report.to_frame().unwrap();
    assert_eq!(frame.height(), 3);
    let states = frame.column("state").unwrap().as_materialized_series().clone();
    assert_eq!(states.str().unwrap().iter().flatten().count(), 3);
}

/// Real text columns in the physical forms that other writers choose.
#[cfg(feature = "parquet")]
#[test]
fn parquet_of_other_writers() {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BinaryArray, Date32Array, Float32Array, Int16Array, LargeStringArray,
        RecordBatch, StringViewArray, TimestampNanosecondArray, UInt64Array,
    };
    let columns: [(&str, ArrayRef); 8] = [
        ("huge", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
        ("large", Arc::new(LargeStringArray::from(vec!["x", "y"]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("war"), None]))),
        ("bytes", Arc::new(BinaryArray::from(vec![b"s".as_slice(), b"t"]))),
        ("small", Arc::new(Int16Array::from(vec![1, 2]))),
        ("single", Arc::new(Float32Array::from(vec![0.5, 0.25]))),
        ("day", Arc::new(Date32Array::from(vec![19_915, 0]))),
        ("nano", Arc::new(TimestampNanosecondArray::from(vec![1_999, -1]))),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let schema = |time: &str| {
        LogSchema::new()
            .viewer("huge")
            .arm("large")
            .topics(TopicColumn::single("view"))
            .slate("bytes")
            .position("small")
            .weight("single")
            .time(time, TimeFormat::Iso)
    };
    let log = ExposureLog::open(&path, &schema("day")).unwrap();
    assert_eq!(log.ids(Role::Viewer).unwrap().id(0), Some("18446744073709551615"));
    assert_eq!(log.arms().unwrap().id(1), Some("y"));
    assert_eq!(log.topics().unwrap().untagged(), 1);
    assert_eq!(log.ids(Role::Slate).unwrap().id(1), Some("t"));
    assert_eq!(log.positions().unwrap(), [1, 2]);
    assert_eq!(log.numbers(Role::Weight).unwrap(), [0.5, 0.25]);
    assert_eq!(log.times().unwrap(), [1_720_656_000_000_000, 0]);
    let log = ExposureLog::open(&path, &schema("nano")).unwrap();
    assert_eq!(log.times().unwrap(), [1, -1]);
}

/// A Parquet file with these columns.
#[cfg(feature = "parquet")]
fn parquet(columns: Vec<(&str, arrow_array::ArrayRef)>) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let batch = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (folder, path)
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_lists_of_all_kinds() {
    use std::sync::Arc;

    use arrow_array::builder::{Int64Builder, ListBuilder, NullBuilder, StringDictionaryBuilder};
    use arrow_array::types::Int32Type;
    let schema = LogSchema::new().topics(TopicColumn::single("t"));
    // Lists of a dictionary without values, as arrow writes topics that no item has.
    let mut coded = ListBuilder::new(StringDictionaryBuilder::<Int32Type>::new());
    let mut untyped = ListBuilder::new(NullBuilder::new());
    let mut numbers = ListBuilder::new(Int64Builder::new());
    for row in 0..3 {
        coded.append(row > 0);
        untyped.append(row > 0);
        numbers.values().append_value(row);
        numbers.append(true);
    }
    for column in [Arc::new(coded.finish()) as arrow_array::ArrayRef, Arc::new(untyped.finish())] {
        let (_folder, path) = parquet(vec![("t", column)]);
        let log = ExposureLog::open(&path, &schema).unwrap();
        assert_eq!(log.topics().unwrap().untagged(), 3);
    }
    let (_folder, path) = parquet(vec![("t", Arc::new(numbers.finish()))]);
    let log = ExposureLog::open(&path, &schema).unwrap();
    assert_eq!(log.topics().unwrap().labels().iter().collect::<Vec<_>>(), ["0", "1", "2"]);
}

/// What arrow's own writer writes of UUIDs, decimals without decimals, objects and LZ4.
#[cfg(feature = "parquet")]
#[test]
fn parquet_of_ids_objects_and_lz4() {
    use std::sync::Arc;

    use arrow_array::builder::FixedSizeBinaryBuilder;
    use arrow_array::{Array, ArrayRef, Decimal128Array, RecordBatch, StringArray, StructArray};
    use arrow_schema::{DataType, Field, Fields};
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;
    let mut uuids = FixedSizeBinaryBuilder::new(16);
    for first in [0x12, 0xfe, 0x12] {
        let mut bytes = [0xab; 16];
        bytes[0] = first;
        uuids.append_value(bytes).unwrap();
    }
    let whole = |values: Vec<i128>| {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, 0).unwrap())
    };
    let fields = Fields::from(vec![Field::new("id", DataType::Utf8, true)]);
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("ann"), Some("bo"), None]));
    let no_second = arrow_buffer::NullBuffer::from(vec![true, false, true]);
    let user = StructArray::new(fields, vec![inner], Some(no_second));
    let outer = Fields::from(vec![Field::new("who", user.data_type().clone(), true)]);
    let nested: ArrayRef = Arc::new(user);
    let columns: [(&str, ArrayRef); 4] = [
        ("uuid", Arc::new(uuids.finish())),
        ("small", whole(vec![7, -1, 7])),
        ("large", whole(vec![7, 1 << 100, 7])),
        ("session", Arc::new(StructArray::new(outer, vec![nested], None))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    for compression in [Compression::LZ4, Compression::LZ4_RAW, Compression::UNCOMPRESSED] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.parquet");
        let file = std::fs::File::create(&path).unwrap();
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut writer =
            parquet::arrow::ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let schema = ["uuid", "small", "large"];
        let schema = schema.into_iter().fold(LogSchema::new(), LogSchema::column);
        let log = ExposureLog::open(&path, &schema).unwrap();
        let ids = |name: &str| {
            log.column(name).unwrap().dictionary().iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let tail = "ababab-abab-abab-abab-abababababab";
        assert_eq!(ids("uuid"), [format!("12{tail}"), format!("fe{tail}")]);
        assert_eq!(ids("small"), ["7", "-1"]);
        assert_eq!(ids("large"), ["7".to_owned(), (1_i128 << 100).to_string()]);
        // A field of an object that is not there is nothing, and one that is nothing too.
        let viewers = LogSchema::new().viewer("session.who.id").rows(RowPolicy::SetAside);
        let log = ExposureLog::open(&path, &viewers).unwrap();
        assert_eq!((log.rows(), log.origin().set_aside.rows), (1, 2));
    }
}

/// The first sheet as a spreadsheet program wrote it, with its kinds of cells.
#[cfg(feature = "xlsx")]
#[test]
fn a_workbook_is_its_first_sheet() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/plain.xlsx");
    let schema = LogSchema::new().viewer("viewer").arm("arm").position("position").weight("dwell");
    let schema = schema.topics(TopicColumn::single("topic")).time("day", TimeFormat::Iso);
    let sheet = ExposureLog::open(path, &schema).unwrap();
    let plain = ExposureLog::open(path.replace(".xlsx", ".csv"), &schema).unwrap();
    assert_eq!((sheet.rows(), sheet.times()), (plain.rows(), plain.times()));
    assert_eq!((sheet.positions(), sheet.arms()), (plain.positions(), plain.arms()));
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("no.xlsx");
    std::fs::write(&broken, "no workbook").unwrap();
    assert!(matches!(ExposureLog::open(broken, &schema), Err(Error::Damaged { .. })));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_values_that_cannot_be_read_are_faults_of_their_rows() {
    use std::sync::Arc;

    use arrow_array::{BinaryArray, TimestampSecondArray};
    let (_folder, path) = parquet(vec![
        ("v", Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"caf\xe9", b"c"]))),
        ("t", Arc::new(TimestampSecondArray::from(vec![1, 2, i64::MAX]))),
    ]);
    let schema = LogSchema::new().viewer("v").time("t", TimeFormat::Iso);
    match ExposureLog::open(&path, &schema).unwrap_err() {
        Error::Row(fault) => {
            assert_eq!((fault.row, &*fault.column, fault.reason), (2, "v", FaultReason::NotUtf8));
        }
        other => panic!("{other}"),
    }
    let log = ExposureLog::open(&path, &schema.rows(RowPolicy::SetAside)).unwrap();
    assert_eq!(log.times().unwrap(), [1_000_000]);
    let late = &log.origin().set_aside.reasons[1];
    assert_eq!((late.reason, late.first_row), (FaultReason::TimeOutOfRange, 3));
}

/// Text columns are checked by the decoder, whose message names no column.
#[cfg(feature = "parquet")]
#[test]
fn parquet_text_that_is_not_utf8_names_its_column() {
    use std::sync::Arc;
    let text = |values: Vec<&str>| Arc::new(arrow_array::StringArray::from(values));
    let (_folder, path) = parquet(vec![("a", text(vec!["x"])), ("b", text(vec!["caf\u{e9}"]))]);
    let mut bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() - 1 {
        if bytes[at..at + 2] == *"\u{e9}".as_bytes() {
            bytes[at] = 0xe9;
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let error = ExposureLog::open(&path, &LogSchema::new().arm("a").viewer("b")).unwrap_err();
    let Error::Damaged { place, .. } = &error else { panic!("{error}") };
    assert_eq!(place, " after row 0 in column \"b\"", "{error}");
}

/// A column that is decoded only on request does no harm; one that is asked for is named.
#[cfg(feature = "parquet")]
#[test]
fn parquet_compressed_in_another_way() {
    use std::sync::Arc;
    let text = |values: Vec<&str>| Arc::new(arrow_array::StringArray::from(values));
    let (_folder, path) = parquet(vec![("a", text(vec!["x"])), ("b", text(vec!["y"]))]);
    let mut bytes = std::fs::read(&path).unwrap();
    // In the footer a codec is field 4, an i32 in zigzag (byte 0x15 after field 3); 0 is none and
    // 0x08 is Brotli's 4. The second column's stands last.
    let at = bytes.windows(5).rposition(|w| w == [b'b', 0x15, 0x00, 0x16, 0x02]).unwrap();
    bytes[at + 2] = 0x08;
    std::fs::write(&path, bytes).unwrap();
    let open = |column: &str| ExposureLog::open(&path, &LogSchema::new().arm(column));
    assert_eq!(open("a").unwrap().rows(), 1);
    let error = open("b").unwrap_err();
    let Error::Codec { column, codec, .. } = &error else { panic!("{error}") };
    assert_eq!((&**column, &**codec), ("b", "BROTLI"));
}

#[cfg(feature = "polars")]
#[test]
fn frames_with_times_out_of_range_and_untyped_lists() {
    use polars::prelude::{Column as Named, DataFrame, DataType, NamedFrom, Series, TimeUnit};
    let read = |column: Series, schema: &LogSchema| {
        let frame = DataFrame::new(column.len(), vec![Named::from(column)]).unwrap();
        ExposureLog::read(tiltmeter::source::FrameSource::new(&frame), schema)
    };
    let milliseconds = DataType::Datetime(TimeUnit::Milliseconds, None);
    let times = Series::new("t".into(), [0, i64::MAX]).cast(&milliseconds).unwrap();
    match read(times, &LogSchema::new().time("t", TimeFormat::Iso)).unwrap_err() {
        Error::Row(fault) => assert_eq!(
            (fault.row, &*fault.column, fault.reason),
            (2, "t", FaultReason::TimeOutOfRange)
        ),
        other => panic!("{other}"),
    }
    let empty = || Series::new_empty("".into(), &DataType::Null);
    let lists = Series::new("t".into(), [empty(), empty()]);
    let log = read(lists, &LogSchema::new().topics(TopicColumn::single("t"))).unwrap();
    assert_eq!(log.topics().unwrap().untagged(), 2);
}

/// Times without a zone are by the zone that the schema names, as the same times written as text are; others are what
/// they are.
#[cfg(feature = "polars")]
#[test]
fn frames_with_times_of_a_clock() {
    use polars::prelude::{
        Column as Named, DataFrame, Int64Chunked, IntoSeries, NewChunkedArray, TimeUnit, TimeZone,
    };
    let berlin = LogSchema::new().time("t", TimeFormat::Zone("Europe/Berlin".into()));
    // 2026-03-08T00:30 and, in summer, 2026-07-08T00:30.
    let stored = [1_772_929_800_000_000_i64, 1_783_470_600_000_000];
    let read = |zone: Option<TimeZone>, schema: &LogSchema| {
        let column = Int64Chunked::from_slice("t".into(), &stored);
        let column = column.into_datetime(TimeUnit::Microseconds, zone).into_series();
        let frame = DataFrame::new(2, vec![Named::from(column)]).unwrap();
        let log = ExposureLog::read(tiltmeter::source::FrameSource::new(&frame), schema).unwrap();
        log.times().unwrap().to_vec()
    };
    let text = SliceSource::new("t").text("t", &["2026-03-08T00:30:00", "2026-07-08T00:30:00"]);
    let text = ExposureLog::read(text, &berlin).unwrap().times().unwrap().to_vec();
    assert_eq!(text, [stored[0] - 3_600_000_000, stored[1] - 7_200_000_000]);
    assert_eq!(read(None, &berlin), text);
    assert_eq!(read(None, &LogSchema::new().time("t", TimeFormat::Iso)), stored);
    assert_eq!(read(Some(TimeZone::UTC), &berlin), stored);
    // And are such still where they were written to Parquet.
    #[cfg(feature = "parquet")]
    for (zone, expected) in [(None, &text[..]), (Some(TimeZone::UTC), &stored[..])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let column = Int64Chunked::from_slice("t".into(), &stored);
        let column = column.into_datetime(TimeUnit::Microseconds, zone).into_series();
        let frame = DataFrame::new(2, vec![Named::from(column)]).unwrap();
        tiltmeter::source::write_parquet(tiltmeter::source::FrameSource::new(&frame), &path, &[])
            .unwrap();
        assert_eq!(ExposureLog::open(&path, &berlin).unwrap().times().unwrap(), expected);
    }
}

#[cfg(feature = "parquet")]
mod saved {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tiltmeter::log::RowPolicy;

    /// Logs that were read are saved and opened again, whatever they are made of: here ids that are numbers, rows
    /// without topics and days as text.
    #[test]
    fn what_was_saved_opens() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases/attack/savedlog-refused.parquet");
        let folder = tempfile::tempdir().unwrap();
        let saved = folder.path().join("saved.parquet");
        let topics = TopicColumn::new("about", TopicFormat::Single);
        let whole = LogSchema::new()
            .viewer("who")
            .arm("feed")
            .item("item")
            .position("rank")
            .weight("w")
            .stratum("country")
            .propensity("propensity")
            .slate("slate")
            .topics(topics)
            .time("at", TimeFormat::Iso)
            .column("day");
        let mut saved_logs = 0;
        for column in ["who", "feed", "rank", "item", "w", "country", "slate", "about", "at", "day"]
        {
            for schema in [whole.clone(), whole.clone().rows(RowPolicy::SetAside)] {
                // Not every column has ids.
                let Ok(log) = ExposureLog::open(&path, &schema.column(column)) else { continue };
                log.save(&saved).unwrap();
                assert_eq!(ExposureLog::open_saved(&saved).unwrap(), log, "{column}");
                saved_logs += 1;
            }
        }
        assert!(saved_logs > 12, "{saved_logs}");
    }

    use super::*;

    /// Found by mutation: a column that is said to begin before the file is damage.
    #[test]
    fn a_column_before_the_file_is_damage() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases/attack/column-before-the-file.parquet");
        let error = ExposureLog::open_saved(path).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_saved_log_is_read_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.parquet");
        let log = ExposureLog::read(
            CsvSource::from_reader(
                "a name",
                std::io::Cursor::new(CSV.replace(",1,2024", ",0,2024")),
                b',',
            )
            .unwrap(),
            &schema()
                .column("stratum")
                .combined("both", ["stratum", "slate"])
                .rows(RowPolicy::SetAside),
        )
        .unwrap();
        assert_eq!((log.rows(), log.origin().set_aside.rows), (2, 1));
        log.save(&path).unwrap();
        let read = ExposureLog::open_saved(&path).unwrap();
        assert_eq!(read, log);
        // By the names of the source's columns too, and once more.
        assert_eq!(read.column("both").unwrap().id(1), Some("NY|s2"));
        assert_eq!(read.column("viewer").unwrap(), log.column("viewer").unwrap());
        read.save(&path).unwrap();
        assert_eq!(ExposureLog::open_saved(&path).unwrap(), log);
    }

    /// An empty text is no topic, and what can be saved can be opened.
    #[test]
    fn empty_topics_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.parquet");
        let source = || SliceSource::new("test").text("t", &["a", "b"]);
        let relabelled = TopicColumn::single("t").relabel([("a", ""), ("b", "war")]);
        let relabelled = ExposureLog::read(source(), &LogSchema::new().topics(relabelled)).unwrap();
        let log = ExposureLog::read(source(), &LogSchema::new().arm("t")).unwrap();
        let retagged =
            log.with_topics_by_row(|_, row| [vec![""], vec!["", "war"]][row].clone()).unwrap();
        for log in [relabelled, retagged] {
            let topics = log.topics().unwrap();
            assert_eq!((topics.untagged(), topics.labels().len()), (1, 1));
            log.save(&path).unwrap();
            assert_eq!(ExposureLog::open_saved(&path).unwrap(), log);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Any ids, any topics, any numbers.
        #[test]
        fn any_log_is_read_back_exactly(
            rows in vec((".{1,6}", vec(".{1,4}", 0..4), 1..=u32::MAX, any::<i64>(), 0.0..1e6_f64), 1..60),
        ) {
            let rows: Vec<_> = rows.iter().filter(|(viewer, topics, ..)| {
                !viewer.is_empty() && topics.iter().all(|topic| !topic.is_empty())
            }).collect();
            prop_assume!(!rows.is_empty());
            let topics: Vec<Vec<&str>> = rows.iter().map(|row| row.1.iter().map(String::as_str).collect()).collect();
            let rows: Vec<Impression<'_>> = rows.iter().zip(&topics).map(|(row, topics)| Impression {
                viewer: Some(&row.0),
                topics,
                position: Some(row.2),
                time: Some(row.3),
                weight: Some(row.4),
                ..Default::default()
            }).collect();
            let log = ExposureLog::read(ImpressionSource::new(&rows), &ImpressionSource::schema(&rows)).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log.parquet");
            log.save(&path).unwrap();
            prop_assert_eq!(ExposureLog::open_saved(&path).unwrap(), log);
        }
    }
}

#[test]
fn item_topics_from_a_second_table() {
    let table = "id,labels\na,\"['war', 'party']\"\n\"b, c\",[]\n";
    let source = CsvSource::from_reader("topics", table.as_bytes(), b',').unwrap();
    let schema = ItemTopicsSchema::new("id", TopicColumn::new("labels", TopicFormat::PythonList));
    let topics = ItemTopics::read(source, &schema).unwrap();
    let log = from_csv().with_item_topics(&topics).unwrap();
    let of = |row| log.topics().unwrap().of_row(row).len();
    assert_eq!((of(0), of(1), of(2)), (2, 0, 2));
    assert_eq!(log.origin().item_topics.as_ref().unwrap().items_missing, 0);
}

#[test]
fn combined_columns_never_confuse_two_rows() {
    let source =
        SliceSource::new("test").text("a", &["x|y", "x", r"x\"]).text("b", &["z", "y|z", "z"]);
    let log = ExposureLog::read(source, &LogSchema::new().combined("ab", ["a", "b"])).unwrap();
    let both = log.column("ab").unwrap();
    assert_eq!(both.dictionary().iter().collect::<Vec<_>>(), [r"x\|y|z", r"x|y\|z", r"x\\|z"]);
}

#[test]
fn batches_do_not_show() {
    // More rows than two batches of 65,536.
    let rows = 140_000;
    let mut text = String::from("viewer,arm\n");
    for row in 0..rows {
        text += &format!("{},{}\n", row % 1_001, ["x", "y"][row % 2]);
    }
    let path = tempfile::tempdir().unwrap();
    let file = path.path().join("long.csv");
    std::fs::write(&file, &text).unwrap();
    let schema = LogSchema::new().viewer("viewer").arm("arm");
    let log = ExposureLog::open(&file, &schema).unwrap();
    assert_eq!(log.rows(), rows);
    let viewers = log.ids(Role::Viewer).unwrap();
    assert!((0..rows).all(|row| viewers.id(row).unwrap() == (row % 1_001).to_string()));
    // A fault past the first batch is named by its row in the file.
    let broken = text.replacen("999,x\n", ",x\n", 1_000);
    let first = broken.lines().skip(1).position(|line| line.starts_with(',')).unwrap() + 1;
    std::fs::write(&file, broken).unwrap();
    match ExposureLog::open(&file, &schema).unwrap_err() {
        tiltmeter::Error::Row(fault) => assert_eq!(fault.row, first as u64),
        other => panic!("{other}"),
    }
    let mut texts = TextColumn::default();
    texts.push(Some("a"));
    texts.push(None);
    assert_eq!((texts.get(0), texts.get(1), texts.get(2)), (Some("a"), None, None));
}
