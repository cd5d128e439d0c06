//! Parquet files, through arrow-rs; only the columns asked for are decoded.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;

use super::BATCH_ROWS;
use super::converted::{self, Converted};
use crate::error::Error;
use crate::log::{Batch, Column, FaultReason, LogSource, TextColumn};

/// Reads a Parquet file, row group by row group.
///
/// Text (plain or dictionary), whole numbers, floating-point numbers, decimals, booleans, dates,
/// timestamps and lists of text are read; timestamps without a zone count as UTC. Compression
/// may be none, Snappy, gzip or Zstandard.
pub struct ParquetSource {
    name: String,
    path: PathBuf,
    columns: Vec<String>,
    selected: Vec<usize>,
    state: State,
    rows: u64,
    metadata: Vec<(String, String)>,
}

type Builder = ParquetRecordBatchReaderBuilder<File>;

enum State {
    Opened(Box<Builder>),
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
        let builder = guarded(|| Builder::try_new(file))
            .map_err(|cause| damaged(&name, " in the footer".into(), &cause))?;
        let columns = builder.schema().fields().iter();
        let columns = columns.map(|field| field.name().clone()).collect();
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let metadata = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.clone()?)))
            .collect();
        Ok(Self {
            name,
            path: path.to_owned(),
            columns,
            selected: Vec::new(),
            state: State::Opened(Box::new(builder)),
            rows: 0,
            metadata,
        })
    }

    /// The file's own key-value metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        let entry = self.metadata.iter().find(|(its, _)| its == key)?;
        Some(&entry.1)
    }
}

impl ParquetSource {
    /// The first selected column with a compression that is not compiled in.
    fn check_codecs(&self, builder: &Builder) -> Result<(), Error> {
        let schema = builder.parquet_schema();
        for group in builder.metadata().row_groups() {
            for (leaf, chunk) in group.columns().iter().enumerate() {
                let column = schema.get_column_root_idx(leaf);
                let known = matches!(
                    chunk.compression(),
                    Compression::UNCOMPRESSED
                        | Compression::SNAPPY
                        | Compression::GZIP(_)
                        | Compression::ZSTD(_)
                );
                if self.selected.contains(&column) && !known {
                    let codec = format!("{:?}", chunk.compression());
                    return Err(Error::Codec {
                        file: self.name.clone(),
                        column: self.columns[column].clone(),
                        codec: codec.split('(').next().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// A failure in the rows after those read. The decoder does not say which column it failed
    /// in, so each is tried by itself.
    fn failed(&self, cause: &str) -> Error {
        let fails = |&&column: &&usize| {
            let tried = guarded(|| -> parquet::errors::Result<()> {
                let builder = Builder::try_new(File::open(&self.path)?)?;
                let mask = ProjectionMask::roots(builder.parquet_schema(), [column]);
                let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
                let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
                for batch in reader.with_offset(rows).with_limit(BATCH_ROWS).build()? {
                    batch?;
                }
                Ok(())
            });
            tried.is_err()
        };
        let mut place = format!(" after row {}", self.rows);
        if let Some(&column) = self.selected.iter().find(fails) {
            place += &format!(" in column {:?}", self.columns[column]);
        }
        damaged(&self.name, place, &cause)
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
fn guarded<T, E: std::fmt::Display>(step: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done.map_err(|cause| cause.to_string()),
        Err(_) => Err("the decoder gave up".to_owned()),
    }
}

fn damaged(file: &str, place: String, cause: &dyn std::fmt::Display) -> Error {
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
        self.selected = columns.to_vec();
        if let Err(error) = self.check_codecs(&builder) {
            self.state = State::Failed(Some(error));
            return;
        }
        // Record batches hold the selected columns in the order of the file.
        let mut in_file_order = columns.to_vec();
        in_file_order.sort_unstable();
        in_file_order.dedup();
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
        let columns = guarded(|| -> parquet::errors::Result<_> {
            let Some(batch) = reader.next().transpose()? else {
                return Ok(None);
            };
            let columns: Vec<_> = places.iter().map(|&at| column(batch.column(at))).collect();
            Ok(Some((batch.num_rows(), columns)))
        });
        let Some((rows, columns)) = columns.map_err(|cause| self.failed(&cause))? else {
            return Ok(None);
        };
        self.rows += rows as u64;
        let names = self.selected.iter().map(|&column| &*self.columns[column]);
        Ok(Some(converted::batch(names.zip(columns))))
    }
}

/// An arrow array as a column of the log's own types.
fn column(array: &ArrayRef) -> Converted {
    use Column::{Boolean, Float, Integer};
    let column = match array.data_type() {
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
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => return times(array),
        DataType::List(items) if holds_text(items.data_type()) => {
            return lists(array, |row| array.as_list::<i32>().value(row));
        }
        DataType::LargeList(items) if holds_text(items.data_type()) => {
            return lists(array, |row| array.as_list::<i64>().value(row));
        }
        _ => match texts(array) {
            Some(texts) => return texts.into(),
            None => {
                Column::Unsupported { type_name: array.data_type().to_string(), rows: array.len() }
            }
        },
    };
    column.into()
}

fn map<T: ArrowPrimitiveType, V>(
    array: &ArrayRef,
    value: impl Fn(T::Native) -> V,
) -> Vec<Option<V>> {
    array.as_primitive::<T>().iter().map(|v| v.map(&value)).collect()
}

/// Dates and timestamps, in microseconds.
fn times(array: &ArrayRef) -> Converted {
    fn scaled<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, unit: i64) -> Converted {
        converted::times(array.as_primitive::<T>().iter(), |time| time.checked_mul(unit))
    }
    match array.data_type() {
        DataType::Date32 => {
            const DAY: i64 = 86_400_000_000;
            Column::Timestamp(map::<Date32Type, _>(array, |v| i64::from(v) * DAY)).into()
        }
        DataType::Date64 => scaled::<Date64Type>(array, 1_000),
        DataType::Timestamp(TimeUnit::Second, _) => scaled::<TimestampSecondType>(array, 1_000_000),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled::<TimestampMillisecondType>(array, 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            scaled::<TimestampMicrosecondType>(array, 1)
        }
        _ => Column::Timestamp(map::<TimestampNanosecondType, _>(array, |v| v.div_euclid(1_000)))
            .into(),
    }
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

/// Whether items of this type can be read as text. Lists that are all empty have no type.
fn holds_text(items: &DataType) -> bool {
    match items {
        DataType::Dictionary(_, values) => holds_text(values),
        DataType::Null => true,
        other => other.is_string() || other.is_binary(),
    }
}

/// Text, with nulls in the rows whose bytes are not UTF-8, and what stands there.
#[derive(Default)]
struct Texts {
    texts: TextColumn,
    faulty: Vec<(usize, String)>,
}

impl Texts {
    fn of_bytes<'b>(bytes: impl Iterator<Item = Option<&'b [u8]>>) -> Self {
        let mut read = Self::default();
        for (row, bytes) in bytes.enumerate() {
            match bytes.map(std::str::from_utf8).transpose() {
                Ok(text) => read.texts.push(text),
                Err(_) => {
                    let shown = String::from_utf8_lossy(bytes.unwrap_or_default());
                    read.faulty.push((row, shown.into_owned()));
                    read.texts.push(None);
                }
            }
        }
        read
    }

    /// The text of each row's key into these values.
    fn by_key(&self, keys: impl Iterator<Item = Option<usize>>) -> Self {
        let mut read = Self::default();
        for (row, key) in keys.enumerate() {
            read.texts.push(key.and_then(|key| self.texts.get(key)));
            let faulty = self.faulty.iter().find(|(value, _)| Some(*value) == key);
            read.faulty.extend(faulty.map(|(_, shown)| (row, shown.clone())));
        }
        read
    }
}

impl From<Texts> for Converted {
    fn from(Texts { texts, faulty }: Texts) -> Self {
        let fault = |(row, shown)| (row, shown, FaultReason::NotUtf8);
        Self { column: Column::Text(texts), faults: faulty.into_iter().map(fault).collect() }
    }
}

/// Text of any physical form; `None` for arrays that hold no text.
fn texts(array: &dyn Array) -> Option<Texts> {
    let texts = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        DataType::Utf8View => array.as_string_view().iter().collect(),
        DataType::Null => (0..array.len()).map(|_| None).collect(),
        DataType::Binary => return Some(Texts::of_bytes(array.as_binary::<i32>().iter())),
        DataType::LargeBinary => return Some(Texts::of_bytes(array.as_binary::<i64>().iter())),
        DataType::BinaryView => return Some(Texts::of_bytes(array.as_binary_view().iter())),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values())?;
            // Arrow finds no keys where there are no values; every row is then a null.
            let keys = match dictionary.values().is_empty() {
                true => vec![0; array.len()],
                false => dictionary.normalized_keys(),
            };
            let keys = keys.into_iter().enumerate();
            return Some(values.by_key(keys.map(|(row, key)| array.is_valid(row).then_some(key))));
        }
        _ => return None,
    };
    Some(Texts { texts, faulty: Vec::new() })
}

fn lists(array: &dyn Array, list: impl Fn(usize) -> ArrayRef) -> Converted {
    let mut faults = Vec::new();
    let read = |row| {
        let items = array.is_valid(row).then(|| texts(&list(row))).flatten()?;
        if let Some((_, shown)) = items.faulty.into_iter().next() {
            faults.push((row, shown, FaultReason::NotUtf8));
            return None;
        }
        let items = (0..items.texts.len()).filter_map(|at| items.texts.get(at));
        Some(items.map(str::to_owned).collect())
    };
    let column = Column::TextList((0..array.len()).map(read).collect());
    Converted { column, faults }
}
