//! Delimited text (CSV, TSV), with gzip or without. Everything in it is text until the log's
//! schema says otherwise.

use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{BATCH_BYTES, BATCH_ROWS, gzip};
use crate::error::Error;
use crate::log::{
    Batch, Column, FaultReason, Limit, LogSource, MAX_COLUMNS, MAX_LINE, TextColumn, UnreadableRow,
};

/// Reads delimited text with a header line.
///
/// Quotes are as in RFC 4180; a byte-order mark is skipped; gzip is told by the file's first
/// bytes. A line with more or fewer fields than the header is a row at fault
/// ([`FaultReason::Malformed`]), so that a file cut off in the middle of a line is noticed. Lines have at
/// most [`MAX_LINE`] bytes, and there are at most [`MAX_COLUMNS`] columns ([`Error::TooLarge`]): compressed
/// files are unpacked as they are read, and no more of them is held than that.
///
/// ```
/// use tiltmeter::log::LogSchema;
/// use tiltmeter::{ExposureLog, source::CsvSource};
///
/// let text = "feed;rank\nranked;1\nnewest;2\n";
/// let source = CsvSource::from_reader("inline", text.as_bytes(), b';')?;
/// let log = ExposureLog::read(source, &LogSchema::new().arm("feed").position("rank"))?;
/// assert_eq!(log.positions(), Some(&[1, 2][..]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
pub struct CsvSource {
    name: String,
    reader: Reader<ToldEnd>,
    columns: Vec<String>,
    selected: Vec<usize>,
    rows: u64,
}

impl CsvSource {
    /// A file with commas between fields.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] when there is no header line that can be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_delimited(path, b',')
    }

    /// A file with another character between fields: `b';'`, `b'\t'`.
    ///
    /// # Errors
    /// As [`CsvSource::open`].
    pub fn open_delimited(path: impl AsRef<Path>, delimiter: u8) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::new(path.display().to_string(), gzip::open(path)?, delimiter)
    }

    /// Any reader of bytes, not compressed, under a name that errors will use.
    ///
    /// # Errors
    /// As [`CsvSource::open`].
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
        delimiter: u8,
    ) -> Result<Self, Error> {
        Self::new(name.into(), Box::new(reader), delimiter)
    }

    fn new(name: String, bytes: Box<dyn Read + Send>, delimiter: u8) -> Result<Self, Error> {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(ToldEnd { bytes, read: 0, told: 0, most: MAX_LINE as u64 });
        let header = reader.byte_headers().map_err(|cause| read_error(&name, None, cause))?.clone();
        if header.len() > MAX_COLUMNS {
            let place = " in the header".to_owned();
            return Err(Error::TooLarge { file: name, limit: Limit::Columns, place });
        }
        let columns = header
            .iter()
            .map(|field| {
                String::from_utf8(field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field).into())
            })
            .collect::<Result<Vec<_>, _>>();
        let damaged = |detail: &str| Error::Damaged {
            file: name.clone(),
            format: "CSV",
            place: " in the header".into(),
            detail: detail.into(),
        };
        let columns = columns.map_err(|_| damaged("the names of the columns are not UTF-8"))?;
        if columns.is_empty() {
            return Err(damaged("there is no header line"));
        }
        if ends_inside_quotes(&reader) {
            return Err(damaged(OPEN_QUOTE));
        }
        Ok(Self { name, reader, columns, selected: Vec::new(), rows: 0 })
    }
}

impl std::fmt::Debug for CsvSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvSource")
            .field("name", &self.name)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// Bytes, and after the last of them two line feeds, so that the end of a file can be told from
/// outside the parser: a line takes one of them at most, an open quote both.
struct ToldEnd {
    bytes: Box<dyn Read + Send>,
    read: u64,
    told: usize,
    /// Where the line that is being read must have ended.
    most: u64,
}

/// That a line is longer than it may be.
#[derive(Debug, thiserror::Error)]
#[error("a line is too long")]
struct LineTooLong;

const TOLD: &[u8] = b"\n\n";

const OPEN_QUOTE: &str = "a quote is opened there and never closed";

impl Read for ToldEnd {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.most.saturating_sub(self.read)).unwrap_or(usize::MAX);
        if room == 0 && self.told == 0 {
            return Err(std::io::Error::other(LineTooLong));
        }
        let room = into.len().min(room);
        let count = if self.told == 0 { self.bytes.read(&mut into[..room])? } else { 0 };
        self.read += count as u64;
        if count > 0 || into.is_empty() {
            return Ok(count);
        }
        let rest = &TOLD[self.told..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.told += count;
        Ok(count)
    }
}

/// Whether the line just read, if there was one, took all there is and was still inside a quote.
fn ends_inside_quotes(reader: &Reader<ToldEnd>) -> bool {
    let source = reader.get_ref();
    source.told == TOLD.len() && reader.position().byte() == source.read + TOLD.len() as u64
}

/// What a failure means after so many rows; in the header if `None`.
fn read_error(name: &str, rows_before: Option<u64>, cause: csv::Error) -> Error {
    let text = cause.to_string();
    let before = rows_before.unwrap_or(0);
    match cause.into_kind() {
        csv::ErrorKind::Io(cause) if cause.get_ref().is_some_and(|its| its.is::<LineTooLong>()) => {
            let place = match rows_before {
                Some(before) => format!(" in row {}", before + 1),
                None => " in the header".to_owned(),
            };
            Error::TooLarge { file: name.to_owned(), limit: Limit::Line, place }
        }
        csv::ErrorKind::Io(cause) => gzip::read_error(name, "CSV", before, cause),
        _ => Error::Damaged {
            file: name.to_owned(),
            format: "CSV",
            place: format!(" after row {before}"),
            detail: text,
        },
    }
}

impl LogSource for CsvSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut texts = vec![TextColumn::default(); self.selected.len()];
        let mut unreadable = Vec::new();
        let mut record = ByteRecord::new();
        let (mut index, mut bytes) = (0, 0);
        while index < BATCH_ROWS && bytes < BATCH_BYTES {
            let start = self.reader.position().byte();
            self.reader.get_mut().most = start + MAX_LINE as u64;
            let read = self.reader.read_byte_record(&mut record);
            if !read.map_err(|cause| read_error(&self.name, Some(self.rows), cause))? {
                break;
            }
            bytes += record.as_slice().len();
            if ends_inside_quotes(&self.reader) {
                return Err(Error::Damaged {
                    file: self.name.clone(),
                    format: "CSV",
                    place: format!(" in row {}", self.rows + 1),
                    detail: OPEN_QUOTE.to_owned(),
                });
            }
            if let Err(row) = push_record(&record, &self.columns, &self.selected, &mut texts) {
                unreadable.push(UnreadableRow { index, ..row });
            }
            index += 1;
            self.rows += 1;
        }
        Ok((index > 0)
            .then(|| Batch { columns: texts.into_iter().map(Column::Text).collect(), unreadable }))
    }
}

/// Adds a line's fields to the columns; nulls, and what is wrong with it, if it cannot be read.
fn push_record(
    record: &ByteRecord,
    names: &[String],
    selected: &[usize],
    texts: &mut [TextColumn],
) -> Result<(), UnreadableRow> {
    let at_fault = |column: &str, value: String, reason| UnreadableRow {
        index: 0,
        column: column.to_owned(),
        value,
        reason,
    };
    let mut problem = None;
    if record.len() != names.len() {
        let found = format!("{} fields where the header has {}", record.len(), names.len());
        problem = Some(at_fault("(whole line)", found, FaultReason::Malformed));
    }
    for (&column, texts) in selected.iter().zip(texts) {
        let field = record.get(column).unwrap_or_default();
        match std::str::from_utf8(field) {
            Ok(text) if problem.is_none() => texts.push(Some(text)),
            Ok(_) => texts.push(None),
            Err(_) => {
                texts.push(None);
                let shown = String::from_utf8_lossy(field).into_owned();
                problem.get_or_insert(at_fault(&names[column], shown, FaultReason::NotUtf8));
            }
        }
    }
    problem.map_or(Ok(()), Err)
}
