//! Newline-delimited JSON: one object per line, compressed or not.

pub(super) mod line;
mod plain;
mod plan;
mod routes;
mod rows;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use self::line::{Wanted, cells_of};
use self::plain::Plain;
use self::plan::Plan;
use self::routes::Known;
use super::text::{Batches, Blocks, Taken, decoded, named, unpack};
use crate::error::Error;
use crate::error::row::excerpt;
use crate::log::{
    Batch, Column, Decoded, FaultReason, Found, JsonForm, Limit, LogSource, MAX_COLUMNS, MAX_LINE,
    RowFault, Stop, TextColumn, TextForm, Undecoded,
};

/// Reads one JSON object per line; blank lines are skipped.
///
/// The columns are the keys that occur in the first 65,536 lines, or in the first 4 MiB where those are
/// fewer. A key that a line lacks is a null there. Fields inside objects are columns too, by their path:
/// `seen_by.id` is the field `id` of the object `seen_by`, and `links.0.url` that of the first element of the list
/// `links`. Where a key has a dot in its own name, and another way
/// leads to the same path, the key wins. 1,024 such paths are listed, with those in the first 8 elements of lists;
/// any that the [`LogSchema`](crate::log::LogSchema) of a file names are found beside them, and elements of lists of
/// plain values (`tags.0`) only if it names them. Arrays of strings are lists (topics). A line that is
/// no object is a row at fault ([`FaultReason::Malformed`]), and so is one that has a number with a
/// fraction or exponent, or an object, where an id is needed ([`FaultReason::NotAnId`]), or that has a key
/// twice which plays a role ([`FaultReason::RepeatedKey`]); of other keys nothing is read, however often
/// they come. A byte-order mark is skipped. Lines have at most [`MAX_LINE`] bytes, and all of them together
/// [`MAX_COLUMNS`] keys ([`Error::TooLarge`]).
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::{ExposureLog, source::NdjsonSource};
///
/// let lines = r#"{"feed": "ranked", "about": ["war", "politics"]}
/// {"feed": "newest"}"#;
/// let source = NdjsonSource::from_reader("inline", lines.as_bytes())?;
/// let schema = LogSchema::new().arm("feed").topics(TopicColumn::single("about"));
/// assert_eq!(ExposureLog::read(source, &schema)?.topics().unwrap().untagged(), 1);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
pub struct NdjsonSource {
    name: String,
    /// What the file is called in messages.
    format: &'static str,
    blocks: Blocks,
    known: Known,
    selected: Vec<usize>,
    /// The keys of the columns that are read, each with its place among the cells of a line.
    wanted: Arc<Wanted>,
    /// Where they are, if not all of them are keys of lines.
    plan: Option<Arc<Plan>>,
    batches: Batches,
    found: Vec<Found>,
}

/// Lines that are looked at for keys, and their bytes, of which each line takes some beside its own.
const LINES_WITH_KEYS: usize = 65_536;
const BYTES_WITH_KEYS: usize = 4 << 20;
const BYTES_OF_LINE: usize = 32;

const WHOLE_LINE: &str = "(whole line)";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl NdjsonSource {
    /// A file, compressed with gzip or Zstandard or not.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Damaged`]; [`Error::EmptyLog`] when there are no lines, and
    /// [`Error::Row`] when none of the first 65,536 is an object, since there are then no columns.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_by(path.as_ref(), &TextForm::default(), &JsonForm::default())
    }

    /// The same, written as a schema says, and where a list may be taken apart.
    pub(super) fn open_by(
        path: &Path,
        form: &TextForm<'_>,
        json: &JsonForm<'_>,
    ) -> Result<Self, Error> {
        let (bytes, encoding) = decoded(unpack::open(path)?, form.encoding)?;
        let source = Self::open_as(named(path), bytes, "NDJSON", json)?;
        Ok(source.having(encoding.map(Found::Encoding).into_iter().collect()))
    }

    /// With what was found of how the file is written.
    pub(super) fn having(mut self, found: Vec<Found>) -> Self {
        self.found = found;
        self
    }

    /// Any reader of bytes, not compressed, under a name that errors will use.
    ///
    /// # Errors
    /// As [`NdjsonSource::open`].
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, Error> {
        Self::open_as(name.into(), Box::new(reader), "NDJSON", &JsonForm::default())
    }

    /// The lines of a file that is called so and is in such a format.
    pub(super) fn open_as(
        name: String,
        bytes: Box<dyn Read + Send>,
        format: &'static str,
        form: &JsonForm<'_>,
    ) -> Result<Self, Error> {
        let mut blocks = Blocks::new(bytes);
        skip_byte_order_mark(&mut blocks);
        let known = keys_of(&mut blocks, (&name, format), form)?;
        let (selected, wanted, plan) = (Vec::new(), Arc::default(), None);
        Ok(Self {
            name,
            format,
            blocks,
            known,
            selected,
            wanted,
            plan,
            batches: Batches::default(),
            found: Vec::new(),
        })
    }
}

/// Whether a line has nothing in it.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// The lines of some bytes, with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// A mark may stand at the beginning of the first line that is not blank.
fn skip_byte_order_mark(blocks: &mut Blocks) {
    let bytes = blocks.peek(1 << 16);
    let blank: usize = lines(bytes).take_while(|line| is_blank(line)).map(<[u8]>::len).sum();
    if bytes[blank..].starts_with(BYTE_ORDER_MARK) {
        blocks.skip(blank + BYTE_ORDER_MARK.len());
    }
}

/// The keys of the first lines.
fn keys_of(
    blocks: &mut Blocks,
    (name, format): (&str, &'static str),
    form: &JsonForm<'_>,
) -> Result<Known, Error> {
    let mut looked_at = Keys::of(form);
    let (mut at, mut wanted) = (0, 1 << 16);
    while looked_at.lines < LINES_WITH_KEYS && looked_at.bytes < BYTES_WITH_KEYS {
        let read = blocks.peek(wanted).len();
        let all = blocks.are_all_read();
        let line = lines(&blocks.peek(0)[at..]).next().unwrap_or_default();
        let (length, ends) = (line.len(), line.ends_with(b"\n"));
        if !ends && length <= MAX_LINE {
            if !all {
                wanted = read + read.clamp(1 << 16, 1 << 20);
                continue;
            }
            if let Some(cause) = blocks.failure() {
                return Err(unpack::read_error(name, format, looked_at.lines as u64, cause));
            }
        }
        if length == 0 {
            break;
        }
        looked_at.line(&blocks.peek(0)[at..at + length], name)?;
        at += length;
    }
    looked_at.require_object(name)?;
    looked_at.require_list(name)?;
    Ok(looked_at.known)
}

/// Keys as they are met.
#[derive(Default)]
struct Keys {
    known: Known,
    plain: Plain,
    /// Whether lists may have columns in them, which lines that are as the one before do not show.
    has_lists: bool,
    lines: usize,
    bytes: usize,
    objects: u64,
    /// The first line, if it is no object.
    first: Option<Vec<u8>>,
}

impl Keys {
    fn of(form: &JsonForm<'_>) -> Self {
        let asked: Vec<String> = form.asked.iter().map(|&path| path.to_owned()).collect();
        let has_lists = form.each.is_some() || !asked.is_empty();
        let known = Known::of(form.each, asked);
        Self { known, has_lists, ..Self::default() }
    }

    fn line(&mut self, line: &[u8], name: &str) -> Result<(), Error> {
        if line.len() > MAX_LINE {
            let place = format!(" in row {}", self.lines + 1);
            return Err(Error::TooLarge { file: name.to_owned(), limit: Limit::Line, place });
        }
        if is_blank(line) {
            return Ok(());
        }
        self.lines += 1;
        self.bytes += BYTES_OF_LINE + line.len();
        // Most lines have the keys of the line before them.
        if self.objects > 0 && !self.has_lists && self.plain.is_as_before(line) {
            self.objects += 1;
            return Ok(());
        }
        match std::str::from_utf8(line).ok().and_then(|line| self.known.line(line)) {
            Some(()) => {
                self.objects += 1;
                // From here on its keys are known.
                self.plain.learn(line);
            }
            None if self.lines == 1 => self.first = Some(line.to_owned()),
            None => {}
        }
        if self.known.columns.len() > MAX_COLUMNS {
            let place = format!(" up to row {}", self.lines);
            return Err(Error::TooLarge { file: name.to_owned(), limit: Limit::Columns, place });
        }
        Ok(())
    }

    /// Without an object there are no columns, whatever a schema says of rows at fault.
    fn require_object(&self, name: &str) -> Result<(), Error> {
        if self.objects > 0 {
            return Ok(());
        }
        let file = name.to_owned();
        let Some(first) = &self.first else {
            return Err(Error::EmptyLog { file, set_aside: 0 });
        };
        let (column, value, reason) = match std::str::from_utf8(first) {
            Ok(line) => match cells_of(line, &HashMap::default()) {
                Err(fault) => fault,
                Ok(_) => return Err(Error::EmptyLog { file, set_aside: 0 }),
            },
            Err(_) => not_utf8(first),
        };
        let value = excerpt(&value);
        Err(Error::Row(Box::new(RowFault { file, column, row: 1, value, reason })))
    }
}

impl Keys {
    /// A list that no object has cannot be taken apart.
    fn require_list(&self, name: &str) -> Result<(), Error> {
        match &self.known.each {
            Some(each) if self.known.list.is_none() => Err(Error::NoRecords {
                file: name.to_owned(),
                found: format!("no object has a list at {each:?}"),
                available: self.known.lists.clone(),
                mend: "say which list has the rows (LogSchema::each, --each PATH)",
            }),
            _ => Ok(()),
        }
    }
}

/// The column at fault, what stands there and why it cannot be read.
pub(super) type LineFault = (String, String, FaultReason);

fn not_utf8(line: &[u8]) -> LineFault {
    let shown = String::from_utf8_lossy(line).into_owned();
    (WHOLE_LINE.to_owned(), shown, FaultReason::NotUtf8)
}

/// What is said of a file whose rows end before it does.
fn too_long(name: String) -> Stop {
    Box::new(move |rows| {
        let place = format!(" in row {}", rows + 1);
        Error::TooLarge { file: name, limit: Limit::Line, place }
    })
}

impl std::fmt::Debug for NdjsonSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NdjsonSource")
            .field("name", &self.name)
            .field("columns", &self.known.columns)
            .finish_non_exhaustive()
    }
}

impl LogSource for NdjsonSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.known.columns
    }

    fn found(&self) -> Vec<Found> {
        self.found.clone()
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
        let (mut wanted, mut once) = (Wanted::default(), Vec::new());
        for &column in columns {
            let place = wanted.len();
            if let Entry::Vacant(vacant) = wanted.entry(self.known.columns[column].clone()) {
                vacant.insert(place);
                once.push(column);
            }
        }
        self.plan = Plan::of(&self.known, &once).map(Arc::new);
        self.wanted = Arc::new(wanted);
    }

    fn has_blocks(&self) -> bool {
        true
    }

    fn next_block(&mut self, bytes: usize) -> Result<Option<Undecoded>, Error> {
        let (name, format) = (self.name.clone(), self.format);
        let last_end = |bytes: &[u8]| memchr::memrchr(b'\n', bytes).map(|end| end + 1);
        Ok(match self.blocks.take(bytes, last_end) {
            Taken::End => None,
            Taken::Failed(cause) => {
                let told = move |rows| unpack::read_error(&name, format, rows, cause);
                Some(Undecoded::stopped(Box::new(told)))
            }
            Taken::Block(block) => {
                let (wanted, plan) = (Arc::clone(&self.wanted), self.plan.clone());
                let pool = self.blocks.pool().clone();
                Some(Undecoded::new(move || {
                    let (batch, whole) = rows::decode(block, &wanted, plan.as_deref(), &pool);
                    let stop = (!whole).then(|| too_long(name));
                    Decoded { batch: Some(batch), stop }
                }))
            }
        })
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut batches = std::mem::take(&mut self.batches);
        let next = batches.next(|bytes| self.next_block(bytes));
        self.batches = batches;
        Ok(next?.map(|batch| self.as_selected(&batch)))
    }

    fn bytes(&self) -> usize {
        self.blocks.bytes()
    }
}

impl NdjsonSource {
    /// The columns as they were selected. JSON has no types of columns, so each cell keeps its own.
    fn as_selected(&self, batch: &Batch) -> Batch {
        let column = |&column: &usize| {
            let place = self.wanted.get(&self.known.columns[column]);
            match place.and_then(|place| batch.columns.get(*place)) {
                Some(Column::Cells(cells)) => cells.to_column(),
                _ => Column::Text(TextColumn::default()),
            }
        };
        let columns = self.selected.iter().map(column).collect();
        Batch { columns, unreadable: batch.unreadable.clone() }
    }
}
