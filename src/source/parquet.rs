//! Parquet files, through arrow-rs; only the columns asked for are decoded.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::BATCH_ROWS;
use crate::error::Error;
use crate::log::{Batch, Column, LogSource, TextColumn};

/// Reads a Parquet file, row group by row group.
///
/// Text (plain or dictionary), whole numbers, floating-point numbers, decimals, booleans, dates,
/// timestamps and lists of text are read; timestamps without a zone count as UTC. Compression
/// may be none, Snappy, gzip or Zstandard.
pub struct ParquetSource {
    name: String,
    columns: Vec<String>,
    state: State,
    rows: u64,
    metadata: Vec<(String, String)>,
}

enum State {
    Opened(Box<ParquetRecordBatchReaderBuilder<File>>),
    Reading {
        reader: Box<ParquetRecordBatchReader>,
        /// For each column selected, its place in a record batch.
        places: Vec<usize>,
    },
    Failed(Option<Error>),
}

impl ParquetSource {
    /// Opens a file and reads its footer.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] when the footer is missing or makes no sense.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))
            .map_err(|cause| damaged(&name, " in the footer".into(), &cause))?;
        let columns = builder.schema().fields().iter();
        let columns = columns.map(|field| field.name().clone()).collect();
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let metadata = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.clone()?)))
            .collect();
        Ok(Self { name, columns, state: State::Opened(Box::new(builder)), rows: 0, metadata })
    }

    /// The file's own key-value metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        let entry = self.metadata.iter().find(|(its, _)| its == key)?;
        Some(&entry.1)
    }
}

impl std::fmt::Debug for ParquetSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetSource")
            .field("name", &self.name)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// Runs a step of the decoder. On some damaged files it panics where it should return an error
/// (18 of 12,783 single-byte changes to a small file, parquet 60.1), so that is caught.
pub(crate) fn guarded<T, E: std::fmt::Display>(
    step: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done.map_err(|cause| cause.to_string()),
        Err(_) => Err("the decoder gave up".to_owned()),
    }
}

pub(crate) fn damaged(file: &str, place: String, cause: &dyn std::fmt::Display) -> Error {
    Error::Damaged { file: file.to_owned(), format: "Parquet", place, detail: cause.to_string() }
}

impl LogSource for ParquetSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) {
        let State::Opened(builder) = std::mem::replace(&mut self.state, State::Failed(None)) else {
            return;
        };
        // Record batches hold the selected columns in the order of the file.
        let mut in_file_order = columns.to_vec();
        in_file_order.sort_unstable();
        let place = |column: &usize| in_file_order.iter().position(|c| c == column);
        let places = columns.iter().filter_map(place).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), in_file_order.iter().copied());
        let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        let reader = guarded(|| builder.build());
        self.state = match reader {
            Ok(reader) => State::Reading { reader: Box::new(reader), places },
            Err(cause) => State::Failed(Some(damaged(&self.name, String::new(), &cause))),
        };
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let (reader, places) = match &mut self.state {
            State::Reading { reader, places } => (reader, places),
            State::Failed(error) => return error.take().map_or(Ok(None), Err),
            State::Opened(_) => return Ok(None),
        };
        let place = || format!(" after row {}", self.rows);
        let batch = guarded(|| reader.next().transpose())
            .map_err(|cause| damaged(&self.name, place(), &cause))?;
        let Some(batch): Option<RecordBatch> = batch else {
            return Ok(None);
        };
        let columns = places
            .iter()
            .map(|&at| column(batch.column(at)))
            .collect::<Result<_, String>>()
            .map_err(|cause| damaged(&self.name, place(), &cause))?;
        self.rows += batch.num_rows() as u64;
        Ok(Some(Batch { columns, unreadable: Vec::new() }))
    }
}

/// An arrow array as a column of the log's own types.
fn column(array: &ArrayRef) -> Result<Column, String> {
    use Column::{Boolean, Float, Integer, Text, Timestamp};
    Ok(match array.data_type() {
        DataType::Int8 => Integer(map::<Int8Type, _>(array, i64::from)),
        DataType::Int16 => Integer(map::<Int16Type, _>(array, i64::from)),
        DataType::Int32 => Integer(map::<Int32Type, _>(array, i64::from)),
        DataType::Int64 => Integer(map::<Int64Type, _>(array, |v| v)),
        DataType::UInt8 => Integer(map::<UInt8Type, _>(array, i64::from)),
        DataType::UInt16 => Integer(map::<UInt16Type, _>(array, i64::from)),
        DataType::UInt32 => Integer(map::<UInt32Type, _>(array, i64::from)),
        DataType::UInt64 => unsigned(array),
        DataType::Float32 => Float(map::<Float32Type, _>(array, f64::from)),
        DataType::Float64 => Float(map::<Float64Type, _>(array, |v| v)),
        DataType::Decimal128(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            Float(map::<Decimal128Type, _>(array, |v| v as f64 / unit))
        }
        DataType::Boolean => Boolean(array.as_boolean().iter().collect()),
        DataType::Date32 => {
            const DAY: i64 = 86_400_000_000;
            Timestamp(map::<Date32Type, _>(array, |v| i64::from(v) * DAY))
        }
        DataType::Date64 => scaled::<Date64Type>(array, 1_000)?,
        DataType::Timestamp(TimeUnit::Second, _) => {
            scaled::<TimestampSecondType>(array, 1_000_000)?
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled::<TimestampMillisecondType>(array, 1_000)?
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            scaled::<TimestampMicrosecondType>(array, 1)?
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Timestamp(map::<TimestampNanosecondType, _>(array, |v| v.div_euclid(1_000)))
        }
        DataType::List(_) => Column::TextList(lists(array.len(), |row| {
            array.is_valid(row).then(|| array.as_list::<i32>().value(row))
        })?),
        DataType::LargeList(_) => Column::TextList(lists(array.len(), |row| {
            array.is_valid(row).then(|| array.as_list::<i64>().value(row))
        })?),
        DataType::Null => Text((0..array.len()).map(|_| None).collect()),
        _ => match texts(array)? {
            Some(texts) => Text(texts),
            None => {
                Column::Unsupported { type_name: array.data_type().to_string(), rows: array.len() }
            }
        },
    })
}

fn map<T: ArrowPrimitiveType, V>(
    array: &ArrayRef,
    value: impl Fn(T::Native) -> V,
) -> Vec<Option<V>> {
    array.as_primitive::<T>().iter().map(|v| v.map(&value)).collect()
}

/// Timestamps in a coarser unit, in microseconds.
fn scaled<T>(array: &ArrayRef, microseconds: i64) -> Result<Column, String>
where
    T: ArrowPrimitiveType<Native = i64>,
{
    let scale = |v: Option<i64>| match v {
        Some(v) => v
            .checked_mul(microseconds)
            .map(Some)
            .ok_or_else(|| format!("the time {v} is out of range")),
        None => Ok(None),
    };
    let times = array.as_primitive::<T>().iter().map(scale);
    Ok(Column::Timestamp(times.collect::<Result<_, _>>()?))
}

/// Unsigned 64-bit numbers; as text where they do not fit a signed one (ids often do not).
fn unsigned(array: &ArrayRef) -> Column {
    let values = array.as_primitive::<UInt64Type>();
    if values.iter().flatten().all(|v| i64::try_from(v).is_ok()) {
        return Column::Integer(map::<UInt64Type, _>(array, |v| v as i64));
    }
    let mut texts = TextColumn::default();
    for value in values {
        texts.push(value.map(|v| v.to_string()).as_deref());
    }
    Column::Text(texts)
}

/// Text of any physical form; `None` for arrays that hold no text.
pub(crate) fn texts(array: &dyn Array) -> Result<Option<TextColumn>, String> {
    let utf8 = |bytes: Option<&[u8]>| match bytes.map(std::str::from_utf8) {
        Some(Err(cause)) => Err(cause.to_string()),
        Some(Ok(text)) => Ok(Some(text.to_owned())),
        None => Ok(None),
    };
    let mut texts = TextColumn::default();
    match array.data_type() {
        DataType::Utf8 => return Ok(Some(array.as_string::<i32>().iter().collect())),
        DataType::LargeUtf8 => return Ok(Some(array.as_string::<i64>().iter().collect())),
        DataType::Utf8View => return Ok(Some(array.as_string_view().iter().collect())),
        DataType::Binary => {
            for bytes in array.as_binary::<i32>() {
                texts.push(utf8(bytes)?.as_deref());
            }
        }
        DataType::BinaryView => {
            for bytes in array.as_binary_view() {
                texts.push(utf8(bytes)?.as_deref());
            }
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let Some(values) = self::texts(dictionary.values())? else {
                return Ok(None);
            };
            for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
                let valid = dictionary.is_valid(row);
                texts.push(if valid { values.get(key) } else { None });
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(texts))
}

fn lists(
    rows: usize,
    list: impl Fn(usize) -> Option<ArrayRef>,
) -> Result<Vec<Option<Vec<String>>>, String> {
    let read = |row| {
        let Some(items) = list(row) else {
            return Ok(None);
        };
        let Some(items) = texts(&items)? else {
            return Err(format!("a list of {} where text is needed", items.data_type()));
        };
        let items = (0..items.len()).filter_map(|at| items.get(at));
        Ok(Some(items.map(str::to_owned).collect()))
    };
    (0..rows).map(read).collect()
}
