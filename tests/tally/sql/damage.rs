//! A table that is damaged or lies is refused, with the row, the value and what to do.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Decimal128Array, Decimal256Array, Float64Array, Int64Array, RecordBatch,
    StringArray, UInt64Array,
};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use tiltmeter::tally::{StratifyBy, TableFaultReason, Tally, TallySpec, WindowBy};
use tiltmeter::{ClusterBy, Error};

use crate::sql::logs::{csv, log, rows, schema};

/// A row of a table for one attention model.
#[derive(Clone, Debug)]
struct Row {
    cluster: Option<String>,
    arm: Option<String>,
    stratum: Option<String>,
    window: i64,
    kind: Option<String>,
    topic: Option<String>,
    count: i64,
    mass: Option<i128>,
    own: Option<i128>,
    cross: Option<i128>,
}

fn read(path: &Path) -> Vec<Row> {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let rows = |batch: RecordBatch| {
        let text = |name: &str| {
            let texts = batch.column_by_name(name).unwrap().as_string::<i32>().clone();
            move |row| texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        let whole = |name: &str| {
            let values = batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
            move |row| values.value(row)
        };
        let sum = |name: &str| {
            let column = batch.column_by_name(name).unwrap();
            let values = column.as_primitive::<Decimal128Type>().clone();
            move |row| values.is_valid(row).then(|| values.value(row))
        };
        let (cluster, arm, stratum) = (text("cluster"), text("arm"), text("stratum"));
        let (kind, topic) = (text("kind"), text("topic"));
        let (window, count) = (whole("window"), whole("count"));
        let (mass, own, cross) = (sum("mass_0"), sum("own_0"), sum("cross_0"));
        let row = |row| Row {
            cluster: cluster(row),
            arm: arm(row),
            stratum: stratum(row),
            window: window(row),
            kind: kind(row),
            topic: topic(row),
            count: count(row),
            mass: mass(row),
            own: own(row),
            cross: cross(row),
        };
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    };
    reader.flat_map(|batch| rows(batch.unwrap())).collect()
}

fn columns(rows: &[Row]) -> Vec<(&'static str, ArrayRef)> {
    let text = |of: fn(&Row) -> Option<&str>| {
        Arc::new(rows.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    let whole = |of: fn(&Row) -> i64| {
        Arc::new(rows.iter().map(of).collect::<Int64Array>().with_data_type(DataType::Int64))
            as ArrayRef
    };
    let sum = |of: fn(&Row) -> Option<i128>| {
        let sums = rows.iter().map(of).collect::<Decimal128Array>();
        Arc::new(sums.with_precision_and_scale(38, 0).unwrap()) as ArrayRef
    };
    vec![
        ("cluster", text(|row| row.cluster.as_deref())),
        ("arm", text(|row| row.arm.as_deref())),
        ("stratum", text(|row| row.stratum.as_deref())),
        ("window", whole(|row| row.window)),
        ("kind", text(|row| row.kind.as_deref())),
        ("topic", text(|row| row.topic.as_deref())),
        ("count", whole(|row| row.count)),
        ("mass_0", sum(|row| row.mass)),
        ("own_0", sum(|row| row.own)),
        ("cross_0", sum(|row| row.cross)),
    ]
}

fn write(path: &Path, columns: Vec<(&'static str, ArrayRef)>, metadata: &[(&str, String)]) {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable).unwrap();
    let entries =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let properties =
        WriterProperties::builder().set_key_value_metadata(Some(entries.collect())).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A sound table to be spoilt.
struct Sound {
    folder: tempfile::TempDir,
    spec: TallySpec,
    tally: Tally,
    rows: Vec<Row>,
}

impl Sound {
    fn new(spec: TallySpec) -> Self {
        let tally = Tally::of(&log(&csv(&rows(400, 30)), &schema()), &spec).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.parquet");
        tally.export(&path).unwrap();
        Self { rows: read(&path), folder, spec, tally }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("spoilt.parquet")
    }

    fn import(&self, rows: &[Row]) -> Result<Tally, Error> {
        write(&self.path(), columns(rows), &[]);
        Tally::import_as(self.path(), &self.spec)
    }

    /// The first row of a cluster, or of totals, that is of a kind.
    fn find(&self, has_cluster: bool, kind: &str) -> usize {
        let is =
            |row: &Row| row.cluster.is_some() == has_cluster && row.kind.as_deref() == Some(kind);
        self.rows.iter().position(is).unwrap()
    }

    /// Spoils a row, and expects to be told of that row (or another, where several do not agree)
    /// and column.
    #[track_caller]
    fn refuses(
        &self,
        at: usize,
        spoil: impl FnOnce(&mut Row),
        column: &str,
        reason: TableFaultReason,
    ) {
        let mut rows = self.rows.clone();
        spoil(&mut rows[at]);
        match self.import(&rows) {
            Err(Error::Table(fault)) => {
                assert_eq!((fault.reason, &*fault.column), (reason, column), "{fault}");
                let of_several_rows = [
                    TableFaultReason::TotalDiffers,
                    TableFaultReason::MoreThanWhole,
                    TableFaultReason::Repeated,
                ];
                if !of_several_rows.contains(&reason) {
                    assert_eq!(fault.row, at as u64 + 1, "{fault}");
                }
                assert!(fault.to_string().contains(reason.mend()));
            }
            other => panic!("{:?}", other.map(|tally| tally.impressions())),
        }
    }
}

fn hashed() -> Sound {
    Sound::new(TallySpec {
        cluster: ClusterBy::Viewer.hashed(3),
        strata: StratifyBy::Stratum,
        windows: WindowBy::weeks(),
        ..TallySpec::default()
    })
}

#[test]
fn rows_in_any_order_and_without_metadata_are_taken() {
    let sound = hashed();
    let mut rows = sound.rows.clone();
    rows.reverse();
    assert_eq!(sound.import(&rows).unwrap(), sound.tally);
    for row in &mut rows {
        // As an engine that takes empty text for null.
        row.topic = row.topic.take().filter(|topic| !topic.is_empty());
    }
    assert_eq!(sound.import(&rows).unwrap(), sound.tally);
}

#[test]
fn rows_that_break_a_rule() {
    use TableFaultReason as Is;
    let sound = hashed();
    let topic = sound.find(true, "topic");
    let all = sound.find(true, "all");
    let total = sound.find(false, "tagged");
    let text = |text: &str| Some(text.to_owned());
    sound.refuses(all, |row| row.cluster = text("ffffffffffffffff"), "cluster", Is::NotABucket);
    sound.refuses(all, |row| row.cluster = text("E000000000000000"), "cluster", Is::NotAKey);
    sound.refuses(all, |row| row.cluster = text(""), "cluster", Is::NotAKey);
    sound.refuses(all, |row| row.arm = None, "arm", Is::Null);
    sound.refuses(all, |row| row.stratum = None, "stratum", Is::Null);
    sound.refuses(all, |row| row.stratum = text(""), "stratum", Is::Null);
    sound.refuses(all, |row| row.window += 1, "window", Is::NotAWindow);
    sound.refuses(all, |row| row.kind = text("ALL"), "kind", Is::UnknownKind);
    sound.refuses(all, |row| row.kind = None, "kind", Is::Null);
    sound.refuses(all, |row| row.topic = text("war"), "topic", Is::Unexpected);
    sound.refuses(topic, |row| row.topic = None, "topic", Is::Null);
    sound.refuses(topic, |row| row.count = 0, "count", Is::NotPositive);
    sound.refuses(topic, |row| row.count = -1, "count", Is::NotPositive);
    sound.refuses(topic, |row| row.mass = None, "mass_0", Is::Null);
    sound.refuses(topic, |row| row.mass = Some(-1), "mass_0", Is::Negative);
    sound.refuses(
        topic,
        |row| row.mass = Some((i128::from(row.count) << 63) + 1),
        "mass_0",
        Is::TooLarge,
    );
    sound.refuses(total, |row| row.own = None, "own_0", Is::Null);
    sound.refuses(total, |row| row.cross = Some(-5), "cross_0", Is::Negative);
    sound.refuses(total, |row| row.own = Some(10_i128.pow(37)), "own_0", Is::TooLarge);
}

#[test]
fn rows_that_do_not_agree() {
    use TableFaultReason as Is;
    let sound = hashed();
    let topic = sound.find(true, "topic");
    let all = sound.find(true, "all");
    let total = sound.find(false, "all");
    // Totals first, so that each fault shows as a sum that is not.
    sound.refuses(total, |row| row.count += 1, "count", Is::TotalDiffers);
    sound.refuses(
        total,
        |row| row.mass = row.mass.map(|mass| mass - 1),
        "mass_0",
        Is::TotalDiffers,
    );
    sound.refuses(all, |row| row.mass = row.mass.map(|mass| mass + 1), "mass_0", Is::TotalDiffers);
    sound.refuses(topic, |row| row.count += 1_000, "count", Is::MoreThanWhole);
    sound.refuses(
        topic,
        |row| row.mass = Some((i128::from(row.count) << 63) - 1),
        "mass_0",
        Is::MoreThanWhole,
    );
    // A topic whose tagged impressions are lost.
    sound.refuses(all, |row| row.kind = Some("tagged".to_owned()), "cluster", Is::Repeated);
    let lost = |at: usize| {
        let mut rows = sound.rows.clone();
        rows.remove(at);
        match sound.import(&rows) {
            Err(Error::Table(fault)) => fault.reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(lost(topic), Is::TotalDiffers);
    assert_eq!(lost(all), Is::MoreThanWhole);
    assert_eq!(lost(total), Is::NoTotal);
    // Two engines' shards put together without adding them up.
    let mut rows = sound.rows.clone();
    rows.push(rows[topic].clone());
    match sound.import(&rows) {
        Err(Error::Table(fault)) => {
            assert_eq!((fault.reason, fault.row), (Is::Repeated, rows.len() as u64));
            assert_eq!(Some(fault.value), rows[topic].cluster);
        }
        other => panic!("{other:?}"),
    }
    match sound.import(&[]) {
        Err(Error::EmptyLog { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_spec_keeps_together_stays_so() {
    use TableFaultReason as Is;
    let sound = Sound::new(TallySpec::default());
    let all = sound.find(true, "all");
    sound.refuses(all, |row| row.stratum = Some("GA".to_owned()), "stratum", Is::Unexpected);
    sound.refuses(all, |row| row.window = 604_800_000_000, "window", Is::NotAWindow);
    let mut rows = sound.rows.clone();
    // Every key is a key where clusters are not buckets.
    rows[all].cluster = Some("zzzzzzzzzzzzzzzz".to_owned());
    assert!(matches!(sound.import(&rows), Err(Error::Table(_))));
}

/// Numbers come in whatever type an engine writes them.
#[test]
fn exact_types_are_taken() {
    let sound = Sound::new(TallySpec::default());
    let path = sound.path();
    let totals = |row: &Row| row.own.unwrap_or(0);
    type Make = fn(Vec<Option<i128>>) -> ArrayRef;
    let exact: [Make; 4] = [
        |sums| {
            let texts = sums.iter().map(|sum| sum.map(|sum| sum.to_string()));
            Arc::new(texts.collect::<StringArray>())
        },
        |sums| {
            let scaled = sums.iter().map(|sum| sum.map(|sum| sum * 1_000));
            let array = scaled.collect::<Decimal128Array>();
            Arc::new(array.with_precision_and_scale(38, 3).unwrap())
        },
        |sums| {
            let array = Decimal256Array::from_iter(sums.iter().map(|sum| sum.map(|s| s.into())));
            Arc::new(array.with_precision_and_scale(76, 0).unwrap())
        },
        |sums| {
            let small = sums.iter().map(|sum| sum.and_then(|sum| u64::try_from(sum).ok()));
            Arc::new(small.collect::<UInt64Array>())
        },
    ];
    assert!(sound.rows.iter().all(|row| totals(row) < 1 << 100));
    for make in &exact[..3] {
        let mut columns = columns(&sound.rows);
        columns[7].1 = make(sound.rows.iter().map(|row| row.mass).collect());
        columns[8].1 = make(sound.rows.iter().map(|row| row.own).collect());
        write(&path, columns, &[]);
        assert_eq!(Tally::import_as(&path, &sound.spec).unwrap(), sound.tally);
    }
    let counts = || sound.rows.iter().map(|row| Some(i128::from(row.count)));
    for make in exact {
        let mut columns = columns(&sound.rows);
        columns[6].1 = make(counts().collect());
        write(&path, columns, &[]);
        assert_eq!(Tally::import_as(&path, &sound.spec).unwrap(), sound.tally);
    }
}

#[test]
fn other_columns_are_refused() {
    let sound = Sound::new(TallySpec::default());
    let path = sound.path();
    let mut columns = columns(&sound.rows);
    let floats = sound.rows.iter().map(|row| row.mass.map(|mass| mass as f64));
    columns[7].1 = Arc::new(floats.collect::<Float64Array>());
    write(&path, columns, &[]);
    let error = Tally::import_as(&path, &sound.spec).unwrap_err();
    assert!(matches!(&error, Error::TableColumn { column, .. } if column == "mass_0"));
    assert!(error.to_string().contains("DECIMAL(38, 0)"), "{error}");
    let mut columns = self::columns(&sound.rows);
    columns[4].1 = columns[6].1.clone();
    write(&path, columns, &[]);
    let error = Tally::import_as(&path, &sound.spec).unwrap_err();
    assert!(matches!(&error, Error::TableColumn { column, .. } if column == "kind"), "{error}");
    let mut columns = self::columns(&sound.rows);
    columns.remove(9);
    write(&path, columns, &[]);
    let error = Tally::import_as(&path, &sound.spec).unwrap_err();
    assert!(matches!(&error, Error::TableColumn { column, .. } if column == "cross_0"), "{error}");
    let mut fractions = sound.rows.clone();
    fractions.truncate(1);
    let mut columns = self::columns(&fractions);
    columns[7].1 = Arc::new(StringArray::from(vec!["1.5"]));
    write(&path, columns, &[]);
    match Tally::import_as(&path, &sound.spec) {
        Err(Error::Table(fault)) => assert_eq!(fault.reason, TableFaultReason::NotWhole),
        other => panic!("{other:?}"),
    }
}

#[test]
fn metadata_that_are_missing_or_say_otherwise() {
    let sound = Sound::new(TallySpec::default());
    let path = sound.path();
    let import = |metadata: &[(&str, String)]| {
        write(&path, columns(&sound.rows), metadata);
        Tally::import(&path)
    };
    let error = import(&[]).unwrap_err();
    assert!(matches!(error, Error::TableSpec { .. }), "{error}");
    assert!(error.to_string().contains("Tally::import_as"), "{error}");
    let said = sound.spec.table_metadata();
    assert_eq!(import(&said).unwrap(), sound.tally);
    for (at, value) in [(0, "2"), (2, "murmur3"), (3, "1000000")] {
        let mut said = said.clone();
        said[at].1 = value.to_owned();
        assert!(matches!(import(&said), Err(Error::Version { .. })), "{value}");
    }
    let mut broken = said.clone();
    broken[1].1 = "{}".to_owned();
    assert!(matches!(import(&broken), Err(Error::Damaged { .. })));
    let with = |key: &'static str, value: String| {
        let mut said = said.clone();
        said.push((key, value));
        import(&said)
    };
    let impressions = sound.tally.impressions();
    const IMPRESSIONS: &str = "tiltmeter.tally.table.impressions";
    assert!(with(IMPRESSIONS, impressions.to_string()).is_ok());
    assert!(matches!(with(IMPRESSIONS, (impressions + 1).to_string()), Err(Error::Damaged { .. })));
    const AXES: &str = "tiltmeter.tally.table.axes";
    let axes = serde_json::to_string(sound.tally.axes()).unwrap();
    assert!(with(AXES, axes.clone()).is_ok());
    let disordered = axes.replace("\"war\"", "\"zar\"").replace("\"a\\\\b\"", "\"war\"");
    assert!(matches!(with(AXES, disordered), Err(Error::Damaged { .. })));
    let more = axes.replace("\"war\"", "\"war\",\"was\"");
    assert!(matches!(with(AXES, more), Err(Error::Damaged { .. })));
    match with(AXES, axes.replace("\"war\"", "\"was\"")) {
        Err(Error::Table(fault)) => assert_eq!(fault.reason, TableFaultReason::UnknownName),
        other => panic!("{other:?}"),
    }
}

/// No change of a byte makes a panic, nor a tally that is another one without being noticed, but
/// in sums of squares, which nothing else tells.
#[test]
fn damaged_files() {
    let sound =
        Sound::new(TallySpec { cluster: ClusterBy::Viewer.hashed(1), ..TallySpec::default() });
    sound.tally.export(sound.path()).unwrap();
    let bytes = std::fs::read(sound.path()).unwrap();
    let step = (bytes.len() / 400).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        std::fs::write(sound.path(), &changed).unwrap();
        if let Ok(tally) = Tally::import(sound.path()) {
            assert_eq!(tally.totals(), sound.tally.totals(), "byte {at}");
        }
    }
    for length in (0..bytes.len()).step_by(step) {
        std::fs::write(sound.path(), &bytes[..length]).unwrap();
        assert!(Tally::import(sound.path()).is_err(), "{length} bytes");
    }
}
