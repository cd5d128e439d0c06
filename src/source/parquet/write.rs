//! Any source to a Parquet file, batch after batch: what a column is called and holds, and nothing of
//! what it means.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::guarded;
use crate::error::Error;
use crate::error::row::excerpt;
use crate::log::{Batch, Column, LogSource, MixedValue, RowFault};
use crate::place::replace;

/// Rows of a row group: enough for a dictionary to pay, few enough that one is held in memory and that a
/// file is work for several threads.
const GROUP_ROWS: usize = 1 << 20;

/// Rows that are turned into arrow's types at a time.
const PIECE_ROWS: usize = 1 << 16;

/// Rows that are kept back, at most, until every column has shown what it holds.
const KEPT_ROWS: usize = 1 << 20;

/// Writes all columns of a source to a Parquet file, as its rows come: memory is needed for a batch or
/// two and for a row group as it is compressed, however many rows there are. The answer is the number of
/// rows.
///
/// Read with the same schema, the file gives a log equal to that of the source, but for the
/// source's name. Text becomes text, in dictionaries as far as those pay; whole numbers have 64 bits;
/// times are in microseconds UTC; every column may hold nulls. Compression is Zstandard, a row
/// group has 1,048,576 rows, so that [`TallyJob`](crate::job::TallyJob) can share a file out among
/// threads. The file is written beside its place and renamed when it is complete: what was there
/// before is there until then, and stays if writing fails. The file is encoded by a thread of its own
/// while the source makes the next rows.
///
/// `metadata` are keys and values that stand in the file's footer, for what a file should say of
/// itself.
///
/// ```
/// use tiltmeter::log::LogSchema;
/// use tiltmeter::source::{SliceSource, write_parquet};
/// use tiltmeter::ExposureLog;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("log.parquet");
/// let source = || SliceSource::new("two rows").text("feed", &["ranked", "newest"]);
/// assert_eq!(write_parquet(source(), &path, &[("made by", "hand")])?, 2);
/// let schema = LogSchema::new().arm("feed");
/// let (read, made) = (ExposureLog::open(&path, &schema)?, ExposureLog::read(source(), &schema)?);
/// assert_eq!(read.arms(), made.arms());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] when the file cannot be written or the encoder fails. [`Error::Unwritable`] for a column
/// without a type that Parquet has: an unsupported one, or cells of several types, as NDJSON may
/// have them. [`Error::Row`] for a row that the source could not read, since its fault would be lost.
/// [`Error::RepeatedColumn`]; [`Error::ColumnLength`]; [`Error::EmptyLog`] where there are no rows;
/// and whatever the source itself meets.
pub fn write_parquet(
    mut source: impl LogSource,
    path: impl AsRef<Path>,
    metadata: &[(&str, &str)],
) -> Result<u64, Error> {
    let path = path.as_ref();
    let name = source.name().to_owned();
    let columns = source.column_names().to_vec();
    if let Some((_, column)) =
        columns.iter().enumerate().find(|(at, column)| columns[..*at].contains(column))
    {
        return Err(Error::RepeatedColumn { file: name, column: column.clone() });
    }
    source.select(&(0..columns.len()).collect::<Vec<_>>());
    let types = Types { name, of: vec![None; columns.len()], columns, rows: 0 };
    let mut written = None;
    let placed = replace(path, |file| {
        written = Some(stream(&mut source, types, file, metadata));
        match &written {
            // What stands in `written` is what will be told.
            Some(Err(_)) => Err(std::io::ErrorKind::Other.into()),
            _ => Ok(()),
        }
    });
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    match (written, placed) {
        (Some(Err(Failed::Source(error))), _) => Err(error),
        (Some(Err(Failed::Encoder(cause))), _) => Err(io(std::io::Error::other(cause))),
        (_, Err(cause)) => Err(io(cause)),
        (Some(Ok(rows)), Ok(())) => Ok(rows),
        (None, Ok(())) => Ok(0),
    }
}

/// Why a file was not written.
enum Failed {
    Source(Error),
    Encoder(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Source(error)
    }
}

/// Reads the source here and encodes on another thread.
fn stream(
    source: &mut impl LogSource,
    mut types: Types,
    file: &File,
    metadata: &[(&str, &str)],
) -> Result<u64, Failed> {
    let entry = |(key, value): &(&str, &str)| KeyValue::new((*key).to_owned(), (*value).to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(metadata.iter().map(entry).collect()))
        .build();
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(1);
        let encoder = scope.spawn(move || guarded(|| encode(receive, file, properties)));
        let fed = feed(source, &mut types, &send);
        drop(send);
        let encoded = encoder.join().unwrap_or_else(|_| Err("the encoder gave up".to_owned()));
        // Where the encoder failed first, the source was only told that nobody listens.
        match (fed, encoded) {
            (Err(error), _) => Err(Failed::Source(error)),
            (Ok(_), Err(cause)) => Err(Failed::Encoder(cause)),
            (Ok(rows), Ok(())) => Ok(rows),
        }
    })
}

/// Encodes record batches as they come; they have one schema.
fn encode(
    batches: Receiver<RecordBatch>,
    file: &File,
    properties: WriterProperties,
) -> parquet::errors::Result<()> {
    let Ok(first) = batches.recv() else { return Ok(()) };
    let mut writer = ArrowWriter::try_new(file, first.schema(), Some(properties))?;
    writer.write(&first)?;
    for batch in batches {
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}

/// Hands over all rows of a source; ends early, with success, where nobody listens any more.
fn feed(
    source: &mut impl LogSource,
    types: &mut Types,
    send: &SyncSender<RecordBatch>,
) -> Result<u64, Error> {
    let mut kept: Vec<Batch> = Vec::new();
    let mut kept_rows = 0;
    let mut schema = None;
    while let Some(batch) = source.next_batch()? {
        kept_rows += types.add(&batch)?;
        kept.push(batch);
        if schema.is_none() && (types.known() || kept_rows >= KEPT_ROWS) {
            schema = Some(types.settled());
        }
        if let Some(schema) = &schema {
            kept_rows = 0;
            if !hand_over(kept.drain(..), schema, send, types)? {
                return Ok(types.rows);
            }
        }
    }
    if types.rows == 0 {
        return Err(Error::EmptyLog { file: types.name.clone(), set_aside: 0 });
    }
    let schema = schema.unwrap_or_else(|| types.settled());
    hand_over(kept.into_iter(), &schema, send, types)?;
    Ok(types.rows)
}

/// Whether somebody listens.
fn hand_over(
    batches: impl Iterator<Item = Batch>,
    schema: &SchemaRef,
    send: &SyncSender<RecordBatch>,
    types: &Types,
) -> Result<bool, Error> {
    for batch in batches {
        let rows = batch.columns.first().map_or(0, Column::len);
        for start in (0..rows).step_by(PIECE_ROWS) {
            let piece = start..(start + PIECE_ROWS).min(rows);
            let columns = batch.columns.iter().zip(&types.of);
            let made = guarded(|| {
                let arrays = columns
                    .map(|(column, kind)| array(column, kind.unwrap_or(Kind::Text), piece.clone()));
                RecordBatch::try_new(Arc::clone(schema), arrays.collect())
            });
            let made = made.map_err(|detail| types.unwritable(0, detail))?;
            if send.send(made).is_err() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Float,
    Boolean,
    Time,
    /// By a clock whose zone is not said, and stays unsaid.
    LocalTime,
    TextList,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "whole numbers",
            Self::Float => "floating-point numbers",
            Self::Boolean => "booleans",
            Self::Time => "timestamps",
            Self::LocalTime => "timestamps without a zone",
            Self::TextList => "lists of text",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Whole => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::LocalTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TextList => DataType::new_list(DataType::Utf8, true),
        }
    }

    /// The kind of a cell; `None` for a null, an error in words for what has none.
    const fn of_cell(cell: &MixedValue) -> Result<Option<Self>, &'static str> {
        Ok(Some(match cell {
            MixedValue::Null => return Ok(None),
            MixedValue::Text(_) => Self::Text,
            MixedValue::Integer(_) => Self::Whole,
            MixedValue::Float(_) => Self::Float,
            MixedValue::Boolean(_) => Self::Boolean,
            MixedValue::TextList(_) => Self::TextList,
            MixedValue::Other(_) => return Err("a value that no role can use"),
        }))
    }
}

/// What the columns of a source hold, as far as it is known.
struct Types {
    name: String,
    columns: Vec<String>,
    of: Vec<Option<Kind>>,
    rows: u64,
}

impl Types {
    fn known(&self) -> bool {
        self.of.iter().all(Option::is_some)
    }

    /// Takes note of what a batch holds. The answer is the number of its rows.
    fn add(&mut self, batch: &Batch) -> Result<usize, Error> {
        if let Some(row) = batch.unreadable.first() {
            return Err(Error::Row(Box::new(RowFault {
                file: self.name.clone(),
                column: row.column.clone(),
                row: self.rows + row.index as u64 + 1,
                value: excerpt(&row.value),
                reason: row.reason,
            })));
        }
        let rows = batch.columns.first().map_or(0, Column::len);
        for at in 0..self.columns.len() {
            let found = batch.columns.get(at).map_or(0, Column::len);
            if found != rows || batch.columns.get(at).is_none() {
                let (file, column) = (self.name.clone(), self.columns[at].clone());
                return Err(Error::ColumnLength { file, column, found, expected: rows });
            }
            self.add_column(at, &batch.columns[at])?;
        }
        self.rows += rows as u64;
        Ok(rows)
    }

    fn add_column(&mut self, at: usize, column: &Column) -> Result<(), Error> {
        let kind = match column {
            Column::Text(_) | Column::Coded(_) | Column::Shared(_) => Kind::Text,
            Column::Integer(_) | Column::Whole(_) | Column::SharedWhole(_) => Kind::Whole,
            Column::Float(_) => Kind::Float,
            Column::Boolean(_) => Kind::Boolean,
            Column::Timestamp(_) => Kind::Time,
            Column::LocalTime(_) => Kind::LocalTime,
            Column::TextList(_) => Kind::TextList,
            Column::Mixed(cells) => {
                for (row, cell) in cells.iter().enumerate() {
                    match Kind::of_cell(cell) {
                        Ok(None) => {}
                        Ok(Some(kind)) => self.hold(at, kind, row)?,
                        Err(detail) => return Err(self.unwritable_at(at, row, detail)),
                    }
                }
                return Ok(());
            }
            Column::Cells(cells) => return self.add_column(at, &cells.to_column()),
            Column::Unsupported { type_name, .. } => {
                return Err(self.unwritable_at(at, 0, type_name));
            }
        };
        if column.is_empty() { Ok(()) } else { self.hold(at, kind, 0) }
    }

    fn hold(&mut self, at: usize, kind: Kind, row: usize) -> Result<(), Error> {
        match *self.of[at].get_or_insert(kind) {
            known if known == kind => Ok(()),
            known => {
                let detail = format!("{}, after {}", kind.name(), known.name());
                Err(self.unwritable_at(at, row, &detail))
            }
        }
    }

    /// The schema of the file; a column that was null in all rows so far is taken for text.
    fn settled(&mut self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .zip(&mut self.of)
            .map(|(name, kind)| Field::new(name, kind.get_or_insert(Kind::Text).data_type(), true))
            .collect();
        Arc::new(Schema::new(fields))
    }

    fn unwritable_at(&self, at: usize, row: usize, detail: &str) -> Error {
        let row = self.rows + row as u64 + 1;
        self.unwritable(at, format!("row {row} holds {detail}"))
    }

    fn unwritable(&self, at: usize, detail: String) -> Error {
        let column = self.columns.get(at).cloned().unwrap_or_default();
        Error::Unwritable { file: self.name.clone(), column, detail }
    }
}

/// Some rows of a column that holds this kind.
fn array(column: &Column, kind: Kind, rows: Range<usize>) -> ArrayRef {
    if let Column::Cells(cells) = column {
        return array(&cells.to_column(), kind, rows);
    }
    match kind {
        Kind::Text => {
            let text = |row| text_of(column, row);
            Arc::new(rows.map(text).collect::<StringArray>())
        }
        Kind::Whole => whole(column, rows),
        Kind::Float => Arc::new(Float64Array::from_iter(rows.map(|row| match column {
            Column::Float(values) => values[row],
            Column::Mixed(cells) => match cells[row] {
                MixedValue::Float(value) => Some(value),
                _ => None,
            },
            _ => None,
        }))),
        Kind::Boolean => Arc::new(BooleanArray::from_iter(rows.map(|row| match column {
            Column::Boolean(values) => values[row],
            Column::Mixed(cells) => match cells[row] {
                MixedValue::Boolean(value) => Some(value),
                _ => None,
            },
            _ => None,
        }))),
        Kind::Time | Kind::LocalTime => {
            let times = rows.map(|row| match column {
                Column::Timestamp(values) | Column::LocalTime(values) => values[row],
                _ => None,
            });
            let times = TimestampMicrosecondArray::from_iter(times);
            Arc::new(if kind == Kind::Time { times.with_timezone("UTC") } else { times })
        }
        Kind::TextList => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for row in rows {
                let list = match column {
                    Column::TextList(values) => values[row].as_ref(),
                    Column::Mixed(cells) => match &cells[row] {
                        MixedValue::TextList(list) => Some(list),
                        _ => None,
                    },
                    _ => None,
                };
                list.into_iter().flatten().for_each(|text| lists.values().append_value(text));
                lists.append(list.is_some());
            }
            Arc::new(lists.finish())
        }
    }
}

fn text_of(column: &Column, row: usize) -> Option<&str> {
    match column {
        Column::Text(text) => text.get(row),
        Column::Coded(coded) => coded.id(row),
        Column::Shared(shared) => shared.get(row),
        Column::Mixed(cells) => match &cells[row] {
            MixedValue::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn whole(column: &Column, rows: Range<usize>) -> ArrayRef {
    let values = rows.clone().map(|row| match column {
        Column::Integer(values) => values[row],
        Column::SharedWhole(shared) => shared.get(row),
        Column::Mixed(cells) => match cells[row] {
            MixedValue::Integer(value) => Some(value),
            _ => None,
        },
        _ => None,
    });
    match column {
        Column::Whole(all) => Arc::new(Int64Array::from(all[rows].to_vec())),
        _ => Arc::new(Int64Array::from_iter(values)),
    }
}
