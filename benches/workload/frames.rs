//! The jobs in polars, and the file that whole jobs start from.
//!
//! With the features that it has here polars has no reader of Parquet files and no query engine.
//! So files are read by arrow-rs into columns of codes, and grouped by the eager `group_by`, which
//! is what polars' in-memory engine runs. Its streaming engine is several times as quick, and is
//! to be had from Python (`benches/peers/`).

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use polars::prelude::{Column, DataFrame, NamedFrom, PolarsResult, Series};
use rayon::prelude::*;

use super::{ARMS, Columns, topic_name, viewer_id};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ROWS_AT_A_TIME: usize = 1 << 20;

fn column<T>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, [u32]>,
{
    Column::from(Series::new(name.into(), values))
}

/// Three columns of codes.
pub(crate) fn frame(columns: &Columns) -> PolarsResult<DataFrame> {
    DataFrame::new(
        columns.shape.rows,
        vec![
            column("viewer", &columns.viewer),
            column("arm", &columns.arm),
            column("topic", &columns.topic),
        ],
    )
}

/// How often each combination of values occurs.
pub(crate) fn group_by(frame: &DataFrame, names: &[&str]) -> PolarsResult<DataFrame> {
    frame.group_by(names.iter().copied())?.select(["topic"]).count()
}

/// The same by polars' query engine.
#[cfg(feature = "lazy")]
pub(crate) fn group_by_lazily(frame: &DataFrame, names: &[&str]) -> PolarsResult<DataFrame> {
    use polars::prelude::{IntoLazy, col, len};
    let names: Vec<_> = names.iter().map(|&name| col(name)).collect();
    frame.clone().lazy().group_by(names).agg([len()]).collect()
}

/// The same by one number that stands for the combination, which is made first.
pub(crate) fn group_by_packed(columns: &Columns, viewers: bool) -> PolarsResult<DataFrame> {
    let cells = columns.cells() as u32;
    let rows = 0..columns.shape.rows;
    let key: Vec<u32> = match viewers {
        true => rows.map(|row| columns.viewer[row] * cells + columns.cell(row) as u32).collect(),
        false => rows.map(|row| columns.cell(row) as u32).collect(),
    };
    let frame = DataFrame::new(columns.shape.rows, vec![column("topic", key)])?;
    group_by(&frame, &["topic"])
}

/// Writes the columns as a Parquet file: whole numbers and plain text, Zstandard.
pub(crate) fn write(columns: &Columns, path: &Path) -> Result<(), Failure> {
    let names: Vec<String> = (0..columns.shape.topics).map(topic_name).collect();
    let fields = [("viewer", DataType::Int64), ("arm", DataType::Utf8), ("topic", DataType::Utf8)];
    let fields = fields.map(|(name, kind)| Field::new(name, kind, false));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, schema.clone(), Some(properties))?;
    for start in (0..columns.shape.rows).step_by(ROWS_AT_A_TIME) {
        let rows = start..(start + ROWS_AT_A_TIME).min(columns.shape.rows);
        let viewer = columns.viewer[rows.clone()].iter().map(|&viewer| viewer_id(viewer));
        let arm = columns.arm[rows.clone()].iter().map(|&arm| ARMS[arm as usize]);
        let topic = columns.topic[rows].iter().map(|&topic| &*names[topic as usize]);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(viewer)),
            Arc::new(StringArray::from_iter_values(arm)),
            Arc::new(StringArray::from_iter_values(topic)),
        ];
        writer.write(&RecordBatch::try_new(schema.clone(), arrays)?)?;
    }
    writer.close()?;
    Ok(())
}

/// Reads such a file into a frame, on all cores; names become codes in the order of appearance.
pub(crate) fn read(path: &Path) -> Result<DataFrame, Failure> {
    let groups = open(path)?.metadata().num_row_groups();
    let parts: Result<Vec<Part>, Failure> =
        (0..groups).into_par_iter().map(|group| Part::read(path, group)).collect();
    let (mut viewer, mut arm, mut topic) = (Vec::new(), Codes::default(), Codes::default());
    for part in parts? {
        viewer.extend(part.viewer);
        arm.append(&part.arm);
        topic.append(&part.topic);
    }
    let viewer = Column::from(Series::new("viewer".into(), viewer));
    let columns = vec![viewer, column("arm", arm.codes), column("topic", topic.codes)];
    Ok(DataFrame::new_infer_height(columns)?)
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, Failure> {
    let names = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let schema = Schema::new(vec![
        Field::new("viewer", DataType::Int64, false),
        Field::new("arm", names.clone(), false),
        Field::new("topic", names, false),
    ]);
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    Ok(ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(path)?, options)?)
}

/// A row group.
#[derive(Default)]
struct Part {
    viewer: Vec<i64>,
    arm: Codes,
    topic: Codes,
}

impl Part {
    fn read(path: &Path, group: usize) -> Result<Self, Failure> {
        let reader = open(path)?.with_row_groups(vec![group]).with_batch_size(1 << 16).build()?;
        let mut part = Self::default();
        for batch in reader {
            let batch = batch?;
            part.viewer.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
            part.arm.extend(batch.column(1));
            part.topic.extend(batch.column(2));
        }
        Ok(part)
    }
}

#[derive(Default)]
struct Codes {
    names: Vec<String>,
    codes: Vec<u32>,
}

impl Codes {
    fn code(&mut self, name: &str) -> u32 {
        let known = self.names.iter().position(|its| its == name);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }) as u32
    }

    /// Adds the rows of a dictionary array. A name is looked up once for each batch.
    fn extend(&mut self, array: &ArrayRef) {
        let array = array.as_dictionary::<Int32Type>();
        let names = array.values().as_string::<i32>().iter().flatten();
        let codes: Vec<u32> = names.map(|name| self.code(name)).collect();
        self.codes.extend(array.keys().values().iter().map(|&key| codes[key as usize]));
    }

    fn append(&mut self, more: &Self) {
        let codes: Vec<u32> = more.names.iter().map(|name| self.code(name)).collect();
        self.codes.extend(more.codes.iter().map(|&code| codes[code as usize]));
    }
}
