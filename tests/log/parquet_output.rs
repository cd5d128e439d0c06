//! Sources written to Parquet files: what is read back is the log of the source.

#![cfg(feature = "parquet")]

use std::path::Path;
use std::sync::Arc;

use tiltmeter::job::TallyJob;
use tiltmeter::log::{
    Batch, Coded, Column, FaultReason, LogSchema, LogSource, MixedValue, RowPolicy, SharedNumbers,
    SharedText, TextColumn, TimeFormat, TopicColumn, UnreadableRow,
};
use tiltmeter::source::{NdjsonSource, ParquetSource, SliceSource, write_parquet};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Error, ExposureLog};

/// Batches made beforehand; an error after them, if there is to be one.
struct Made {
    names: Vec<String>,
    batches: std::vec::IntoIter<Batch>,
    selected: Vec<usize>,
    fails: Option<Error>,
}

impl Made {
    fn of(names: &[&str], batches: Vec<Vec<Column>>) -> Self {
        let batch = |columns| Batch { columns, unreadable: Vec::new() };
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            batches: batches.into_iter().map(batch).collect::<Vec<_>>().into_iter(),
            selected: Vec::new(),
            fails: None,
        }
    }
}

impl LogSource for Made {
    fn name(&self) -> &str {
        "made"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let Some(batch) = self.batches.next() else {
            return self.fails.take().map_or(Ok(None), Err);
        };
        let columns = self.selected.iter().map(|at| batch.columns[*at].clone()).collect();
        Ok(Some(Batch { columns, ..batch }))
    }
}

/// A file under the name of what it was made of, since a log knows its source.
struct Named(ParquetSource, String);

impl LogSource for Named {
    fn name(&self) -> &str {
        &self.1
    }

    fn column_names(&self) -> &[String] {
        self.0.column_names()
    }

    fn select(&mut self, columns: &[usize]) {
        self.0.select(columns);
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        self.0.next_batch()
    }
}

fn read_back(path: &Path, name: &str, schema: &LogSchema) -> ExposureLog {
    ExposureLog::read(Named(ParquetSource::open(path).unwrap(), name.to_owned()), schema).unwrap()
}

fn coded(ids: &[&str]) -> Column {
    let mut coded = Coded::default();
    ids.iter().for_each(|id| coded.push(id).unwrap());
    Column::Coded(coded)
}

fn text(texts: &[Option<&str>]) -> Column {
    Column::Text(texts.iter().copied().collect())
}

fn shared(keys: &[u32]) -> Column {
    let texts: TextColumn = [Some("ranked"), Some("newest"), Some("")].into_iter().collect();
    Column::Shared(SharedText { texts: Arc::new(texts), keys: keys.to_vec() })
}

const NAMES: [&str; 13] = [
    "viewer",
    "item",
    "arm",
    "position",
    "time",
    "weight",
    "stratum",
    "slate",
    "session",
    "topics",
    "engagement",
    "about",
    "kind",
];

/// Three batches of every type of column, with nulls where it can have them; what a column is called
/// changes from batch to batch where both hold the same.
fn every_type() -> Made {
    let list = |topics: &[&str]| Some(topics.iter().map(|t| (*t).to_owned()).collect());
    let numbers =
        |keys: &[u32]| SharedNumbers { numbers: Arc::new(vec![7, 1, 2]), keys: keys.to_vec() };
    let float = MixedValue::Float;
    let cell = |text: &str| MixedValue::Text(text.to_owned());
    let lists =
        |topics: &[&str]| MixedValue::TextList(topics.iter().map(|t| (*t).to_owned()).collect());
    Made::of(
        &NAMES,
        vec![
            vec![
                coded(&["ada", "bo|\\", "ada"]),
                Column::Whole(vec![1, -2, i64::MAX]),
                shared(&[0, 1, SharedText::NULL]),
                Column::SharedWhole(numbers(&[0, 1, 2])),
                Column::Timestamp(vec![Some(0), Some(-1), None]),
                Column::Float(vec![Some(0.1), Some(5e-324), Some(8.0)]),
                Column::Boolean(vec![Some(true), Some(false), Some(true)]),
                text(&[Some("s,1"), Some("sé"), Some("s")]),
                Column::Integer(vec![Some(i64::MIN), Some(0), None]),
                Column::TextList(vec![list(&["war", "party"]), None, list(&[])]),
                Column::Mixed(vec![float(1.5), float(-0.0), MixedValue::Null]),
                Column::Mixed(vec![MixedValue::Null, MixedValue::Null, MixedValue::Null]),
                Column::Mixed(vec![MixedValue::Null, MixedValue::Null, MixedValue::Null]),
            ],
            NAMES.iter().map(|_| Column::Whole(Vec::new())).collect(),
            vec![
                text(&[Some("cy"), None]),
                Column::Integer(vec![Some(3), Some(4)]),
                text(&[Some("newest"), Some("")]),
                Column::Whole(vec![9, 4_294_967_295]),
                Column::Timestamp(vec![Some(1_720_656_000_000_001), Some(5)]),
                Column::Float(vec![Some(0.0), Some(1.0)]),
                Column::Boolean(vec![Some(true), None]),
                shared(&[0, 1]),
                Column::Whole(vec![5, 6]),
                Column::TextList(vec![list(&["party"]), list(&["sport", ""])]),
                Column::Mixed(vec![float(1e300), float(0.5)]),
                Column::Mixed(vec![lists(&["war"]), lists(&[])]),
                Column::Mixed(vec![cell("x"), cell("")]),
            ],
        ],
    )
}

fn schema() -> LogSchema {
    LogSchema::new()
        .viewer("viewer")
        .item("item")
        .arm("arm")
        .position("position")
        .time("time", TimeFormat::Iso)
        .weight("weight")
        .stratum("stratum")
        .slate("slate")
        .session("session")
        .topics(TopicColumn::single("topics"))
        .engagement("engagement")
        .rows(RowPolicy::SetAside)
}

/// Every type of column, nulls and rows set aside among it: the log of the file is that of the source.
#[test]
fn every_type_of_column_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    assert_eq!(write_parquet(every_type(), &path, &[]).unwrap(), 5);
    let mixed = LogSchema::new().topics(TopicColumn::single("about")).item("item");
    let named = LogSchema::new().viewer("viewer").column("kind").rows(RowPolicy::SetAside);
    let few = LogSchema::new().item("item").weight("weight").position("position");
    for schema in [schema(), mixed, named, few] {
        let expected = ExposureLog::read(every_type(), &schema).unwrap();
        assert_eq!(read_back(&path, "made", &schema), expected);
        let rows = expected.rows() as u64 + expected.origin().set_aside.rows;
        assert_eq!(rows, 5);
    }
    // Written again from the file, it is the same again.
    let again = folder.path().join("again.parquet");
    write_parquet(ParquetSource::open(&path).unwrap(), &again, &[]).unwrap();
    let expected = ExposureLog::read(every_type(), &schema()).unwrap();
    assert_eq!(read_back(&again, "made", &schema()), expected);
}

/// JSON's columns have no types; where all cells of one are alike, they have.
#[test]
fn json_becomes_parquet() {
    let lines = "{\"who\":1,\"feed\":\"a\",\"about\":[\"war\"]}\n{\"who\":2,\"feed\":\"b\",\"about\":null}\n";
    let source = || NdjsonSource::from_reader("made", lines.as_bytes()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    write_parquet(source(), &path, &[]).unwrap();
    let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
    assert_eq!(read_back(&path, "made", &schema), ExposureLog::read(source(), &schema).unwrap());
}

/// More rows than a row group has, in batches of any length: the same log, and the same tally of a job
/// that reads the groups side by side.
#[test]
fn long_logs_have_several_row_groups() {
    let batch = |start: i64, rows: i64| {
        let rows = start..start + rows;
        let arms = rows.clone().map(|row| u32::from(row % 3 == 0)).collect::<Vec<_>>();
        vec![Column::Whole(rows.map(|row| row % 1_000).collect()), shared(&arms)]
    };
    let source =
        || Made::of(&["who", "feed"], vec![batch(0, 700_000), batch(7, 100), batch(3, 500_000)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    assert_eq!(write_parquet(source(), &path, &[("made", "here")]).unwrap(), 1_200_100);
    let schema = LogSchema::new().viewer("who").arm("feed");
    let log = read_back(&path, "made", &schema);
    assert_eq!(log, ExposureLog::read(source(), &schema).unwrap());
    let file = std::fs::File::open(&path).unwrap();
    let reader = parquet::file::serialized_reader::SerializedFileReader::new(file).unwrap();
    let metadata = parquet::file::reader::FileReader::metadata(&reader).clone();
    let groups: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [1_048_576, 151_524]);
    let entries = metadata.file_metadata().key_value_metadata().unwrap();
    let made = entries.iter().find(|entry| entry.key == "made").unwrap();
    assert_eq!(made.value.as_deref(), Some("here"));
    let done = TallyJob::new([path], schema, TallySpec::default()).run().unwrap();
    assert_eq!(done.progress.of_parts, 2);
    assert_eq!(done.tally, Tally::of(&log, &TallySpec::default()).unwrap());
}

/// What no file can hold is refused by column and row, and what stood at the place before stands there
/// still.
#[test]
fn what_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    write_parquet(SliceSource::new("old").text("a", &["x"]), &path, &[]).unwrap();
    let before = std::fs::read(&path).unwrap();
    let fails = |source: Made| {
        let error = write_parquet(source, &path, &[]).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        error
    };
    let one = |column| Made::of(&["a"], vec![vec![column]]);
    let cells = |cells: &[MixedValue]| one(Column::Mixed(cells.to_vec()));
    let error = fails(cells(&[MixedValue::Integer(1), MixedValue::Text("x".to_owned())]));
    assert_eq!(
        error.to_string(),
        "made: column \"a\" cannot be written: row 2 holds text, after whole numbers; \
         give all its rows one type, such as text"
    );
    for source in [
        cells(&[MixedValue::Other("{}".to_owned())]),
        one(Column::Unsupported { type_name: "struct".to_owned(), rows: 1 }),
        Made::of(&["a"], vec![vec![Column::Whole(vec![1])], vec![text(&[Some("1")])]]),
    ] {
        assert!(matches!(fails(source), Error::Unwritable { column, .. } if column == "a"));
    }
    let twice = Made::of(&["a", "a"], vec![vec![Column::Whole(vec![1]), Column::Whole(vec![1])]]);
    assert!(matches!(fails(twice), Error::RepeatedColumn { .. }));
    let uneven = Made::of(&["a", "b"], vec![vec![Column::Whole(vec![1]), Column::Whole(vec![])]]);
    assert!(matches!(fails(uneven), Error::ColumnLength { found: 0, expected: 1, .. }));
    assert!(matches!(fails(Made::of(&["a"], vec![])), Error::EmptyLog { .. }));
    let stops = Made {
        fails: Some(Error::TooManyIds),
        ..Made::of(&["a"], vec![vec![Column::Whole(vec![1; 100_000])]])
    };
    assert!(matches!(fails(stops), Error::TooManyIds));
    let mut unreadable = Made::of(&["a"], vec![]);
    unreadable.batches = vec![Batch {
        columns: vec![text(&[Some("x"), None])],
        unreadable: vec![UnreadableRow {
            index: 1,
            column: "a".to_owned(),
            value: "\u{fffd}".to_owned(),
            reason: FaultReason::NotUtf8,
        }],
    }]
    .into_iter();
    let Error::Row(fault) = fails(unreadable) else { panic!("no fault of a row") };
    assert_eq!((fault.row, fault.reason), (2, FaultReason::NotUtf8));
    let nowhere = folder.path().join("no").join("log.parquet");
    let source = SliceSource::new("new").text("a", &["x"]);
    assert!(matches!(write_parquet(source, &nowhere, &[]), Err(Error::Io { .. })));
}
