//! Delimited text (CSV, TSV), compressed or not. Everything in it is text until the log's
//! schema says otherwise.

mod exact;
mod marks;
mod quick;
mod quotes;
mod rows;
mod shape;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use self::exact::{Next, Records};
use self::rows::{Asked, Halt, Rows};
use self::shape::Shape;
use super::text::{Batches, Blocks, Pool, Taken, decoded, named, unpack};
use crate::error::Error;
use crate::log::{
    Batch, Column, Decoded, Found, Limit, LogSource, MAX_COLUMNS, MAX_LINE, Stop, TextColumn,
    TextForm, Undecoded,
};

/// Reads delimited text with a header line.
///
/// Quotes are as in RFC 4180; a byte-order mark is skipped; gzip and Zstandard are told by the file's first
/// bytes. A line with more or fewer fields than the header is a row at fault
/// ([`FaultReason::Malformed`](crate::log::FaultReason::Malformed)), so that a file cut off in the middle of a
/// line is noticed. Lines have at most [`MAX_LINE`] bytes, and there are at most [`MAX_COLUMNS`] columns
/// ([`Error::TooLarge`]): compressed files are unpacked as they are read, and no more of them is held than that.
///
/// Of a file, an encoding other than UTF-8 and lines before the header are found where they are not declared;
/// [`ExposureLog::open`](crate::ExposureLog::open) finds the delimiter too. [`found`](LogSource::found) says what was.
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
    blocks: Blocks,
    delimiter: u8,
    columns: Vec<String>,
    selected: Vec<usize>,
    asked: Arc<Asked>,
    batches: Batches,
    found: Vec<Found>,
}

/// Bytes in which the shape of a file is looked for.
const LOOKED_AT: usize = 1 << 16;

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
        let form = TextForm { delimiter: Some(delimiter), ..TextForm::default() };
        Self::open_as(path.as_ref(), &form, delimiter)
    }

    /// A file that is written as a schema says, or as its first lines show; `usual` is what its name says of its
    /// delimiter.
    pub(super) fn open_as(path: &Path, form: &TextForm<'_>, usual: u8) -> Result<Self, Error> {
        Self::new(named(path), unpack::open(path)?, form, usual)
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
        let form = TextForm {
            delimiter: Some(delimiter),
            encoding: Some("utf-8"),
            preamble: Some(0),
            ..TextForm::default()
        };
        Self::new(name.into(), Box::new(reader), &form, delimiter)
    }

    fn new(
        name: String,
        bytes: Box<dyn Read + Send>,
        form: &TextForm<'_>,
        usual: u8,
    ) -> Result<Self, Error> {
        let (bytes, encoding) = decoded(bytes, form.encoding)?;
        let mut blocks = Blocks::new(bytes);
        if blocks.peek(BYTE_ORDER_MARK.len()).starts_with(BYTE_ORDER_MARK) {
            blocks.skip(BYTE_ORDER_MARK.len());
        }
        let first = blocks.peek(LOOKED_AT).len();
        let all = blocks.are_all_read();
        let Shape { delimiter, skip, has_index, found: of_lines } =
            Shape::of(&blocks.peek(0)[..first], all, form, usual);
        blocks.skip(skip);
        let mut found: Vec<Found> = encoding.map(Found::Encoding).into_iter().collect();
        found.extend(of_lines);
        let mut header = match form.header {
            [] => header(&mut blocks, delimiter, &name)?,
            names => names.iter().map(|name| name.as_bytes().to_vec()).collect(),
        };
        if has_index {
            header.insert(0, Vec::new());
        }
        if header.len() > MAX_COLUMNS {
            return Err(too_large(&name, Limit::Columns, IN_HEADER));
        }
        let columns = header
            .into_iter()
            .map(|field| match field.strip_prefix(BYTE_ORDER_MARK) {
                Some(field) => String::from_utf8(field.to_owned()),
                None => String::from_utf8(field),
            })
            .collect::<Result<Vec<_>, _>>();
        let columns =
            columns.map_err(|_| damaged_header(&name, "the names of the columns are not UTF-8"))?;
        if columns.is_empty() {
            return Err(damaged_header(&name, "there is no header line"));
        }
        let (selected, asked) = (Vec::new(), Arc::default());
        Ok(Self {
            name,
            blocks,
            delimiter,
            columns,
            selected,
            asked,
            batches: Batches::default(),
            found,
        })
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

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const OPEN_QUOTE: &str = "a quote is opened there and never closed";
const IN_HEADER: &str = " in the header";

fn damaged(file: &str, place: &str, detail: &str) -> Error {
    let (file, place, detail) = (file.to_owned(), place.to_owned(), detail.to_owned());
    Error::Damaged { file, format: "CSV", place, detail }
}

fn damaged_header(file: &str, detail: &str) -> Error {
    damaged(file, IN_HEADER, detail)
}

fn too_large(file: &str, limit: Limit, place: &str) -> Error {
    Error::TooLarge { file: file.to_owned(), limit, place: place.to_owned() }
}

/// Takes the fields of the first line; none where there is no line.
fn header(blocks: &mut Blocks, delimiter: u8, name: &str) -> Result<Vec<Vec<u8>>, Error> {
    let mut wanted = LOOKED_AT;
    loop {
        let length = blocks.peek(wanted).len();
        let (ended, failed) = (blocks.are_all_read(), blocks.have_failed());
        let mut records = Records::of(blocks.peek(0), delimiter);
        match records.next(ended && !failed) {
            Next::Row(record, row) if row.len() <= MAX_LINE => {
                let fields = record.fields().map(<[u8]>::to_owned).collect();
                blocks.skip(row.end);
                return Ok(fields);
            }
            Next::End if ended && !failed => return Ok(Vec::new()),
            Next::Open(_) if ended && !failed && length <= MAX_LINE => {
                return Err(damaged_header(name, OPEN_QUOTE));
            }
            Next::Open(_) | Next::End if !ended && length <= MAX_LINE => {
                wanted = 2 * length;
            }
            Next::Open(_) | Next::End if failed => {
                let cause =
                    blocks.failure().unwrap_or_else(|| std::io::Error::other("no more bytes"));
                return Err(unpack::read_error(name, "CSV", 0, cause));
            }
            _ => return Err(too_large(name, Limit::Line, IN_HEADER)),
        }
    }
}

/// Whether a byte that parts fields has no other meaning.
fn is_plain(delimiter: u8) -> bool {
    !matches!(delimiter, b'"' | b'\n' | b'\r')
}

/// Where the last row ends that ends among some bytes, which begin with a row.
fn last_row_end(bytes: &[u8], delimiter: u8) -> Option<usize> {
    if !is_plain(delimiter) {
        return exact::last_row_end(bytes, delimiter);
    }
    if memchr::memchr(b'"', bytes).is_some() {
        return quotes::last_line_end(bytes, delimiter)
            .unwrap_or_else(|| exact::last_row_end(bytes, delimiter));
    }
    // A carriage return that is the last byte may be half of an end.
    let but_last = &bytes[..bytes.len().saturating_sub(1)];
    let end = memchr::memrchr(b'\n', bytes).max(memchr::memrchr(b'\r', but_last));
    end.map(|end| end + 1)
}

/// The rows of a block, as cells of the columns that are asked for, each of them once.
fn decode(block: Vec<u8>, delimiter: u8, asked: &Asked, pool: &Pool) -> (Batch, Option<Halt>) {
    let (mut text, mut rows, halt) = match String::from_utf8(block) {
        Ok(text) => match quickly(&text, delimiter, asked) {
            Ok((rows, halt)) => (text, rows, halt),
            Err(quick::Odd) => {
                let mut rows = Rows::new(asked, 0);
                let halt = exact::decode(text.as_bytes(), delimiter, &mut rows).err();
                pool.put(text.into_bytes());
                (String::new(), rows, halt)
            }
        },
        Err(not_utf8) => {
            let mut rows = Rows::new(asked, 0);
            let halt = exact::decode(not_utf8.as_bytes(), delimiter, &mut rows).err();
            pool.put(not_utf8.into_bytes());
            (String::new(), rows, halt)
        }
    };
    text.push_str(&rows.text);
    let text = pool.lend(text);
    let columns = rows.take_cells();
    let columns = columns.into_iter().map(|cells| Column::Cells(cells.of(&text))).collect();
    (Batch { columns, unreadable: rows.unreadable }, halt)
}

fn quickly<'a>(
    text: &str,
    delimiter: u8,
    asked: &'a Asked,
) -> Result<(Rows<'a>, Option<Halt>), quick::Odd> {
    if !is_plain(delimiter) {
        return Err(quick::Odd);
    }
    let mut rows = Rows::new(asked, text.len());
    // As many as if all were as long as the first.
    let first = memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
    rows.reserve(text.len() / (first + 1) + 1);
    let decoded = match memchr::memchr(b'"', text.as_bytes()) {
        None => quick::decode_plain(text, delimiter, &mut rows),
        Some(_) => quick::decode_quoted(text, delimiter, &mut rows)?,
    };
    Ok((rows, decoded.err()))
}

/// What is said of a file whose rows end before it does.
fn stop(name: String, halt: Halt) -> Stop {
    Box::new(move |rows| {
        let place = format!(" in row {}", rows + 1);
        match halt {
            Halt::LineTooLong => too_large(&name, Limit::Line, &place),
            Halt::OpenQuote => damaged(&name, &place, OPEN_QUOTE),
        }
    })
}

impl LogSource for CsvSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn found(&self) -> Vec<Found> {
        self.found.clone()
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
        self.asked = Arc::new(Asked::new(&self.columns, columns));
    }

    fn has_blocks(&self) -> bool {
        true
    }

    fn next_block(&mut self, bytes: usize) -> Result<Option<Undecoded>, Error> {
        let (name, delimiter) = (self.name.clone(), self.delimiter);
        Ok(match self.blocks.take(bytes, |bytes| last_row_end(bytes, delimiter)) {
            Taken::End => None,
            Taken::Failed(cause) => {
                let told = move |rows| unpack::read_error(&name, "CSV", rows, cause);
                Some(Undecoded::stopped(Box::new(told)))
            }
            Taken::Block(block) => {
                let (asked, pool) = (Arc::clone(&self.asked), self.blocks.pool().clone());
                Some(Undecoded::new(move || {
                    let (batch, halt) = decode(block, delimiter, &asked, &pool);
                    Decoded { batch: Some(batch), stop: halt.map(|halt| stop(name, halt)) }
                }))
            }
        })
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut batches = std::mem::take(&mut self.batches);
        let next = batches.next(|bytes| self.next_block(bytes));
        self.batches = batches;
        Ok(next?.map(|batch| self.as_text(batch)))
    }

    fn bytes(&self) -> usize {
        self.blocks.bytes()
    }
}

impl CsvSource {
    /// The columns as they were selected, as text.
    fn as_text(&self, batch: Batch) -> Batch {
        let column = |&column: &usize| {
            let place = self.asked.place(column).and_then(|place| batch.columns.get(place));
            match place {
                Some(Column::Cells(cells)) => cells.to_column(),
                _ => Column::Text(TextColumn::default()),
            }
        };
        Batch { columns: self.selected.iter().map(column).collect(), unreadable: batch.unreadable }
    }
}
