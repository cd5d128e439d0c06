//! Newline-delimited JSON: one object per line, with gzip or without.

mod line;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use foldhash::fast::RandomState;

use self::line::{cells_of, new_keys};
use super::text::unpack;
use super::{BATCH_BYTES, BATCH_ROWS};
use crate::error::Error;
use crate::error::row::excerpt;
use crate::log::{
    Batch, Column, FaultReason, Limit, LogSource, MAX_COLUMNS, MAX_LINE, MixedValue, RowFault,
    TextColumn, UnreadableRow,
};

/// Reads one JSON object per line; blank lines are skipped.
///
/// The columns are the keys that occur in the first 65,536 lines, or in the first 4 MiB where those are
/// fewer. A key that a line lacks is a null there. Arrays of strings are lists (topics). A line that is
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
    lines: Box<dyn BufRead + Send>,
    columns: Vec<String>,
    selected: Vec<usize>,
    /// The keys of the columns that are read, each with its place among the cells of a line.
    wanted: HashMap<String, usize, RandomState>,
    /// Lines that were looked at for their keys and are still to be read, and their bytes.
    ahead: VecDeque<Text>,
    ahead_bytes: usize,
    rows: u64,
}

/// Lines that are looked at for keys, and their bytes.
const LINES_WITH_KEYS: usize = 65_536;
const BYTES_WITH_KEYS: usize = 4 << 20;

const WHOLE_LINE: &str = "(whole line)";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, or what it looks like and why it is none.
type Text = Result<String, (String, FaultReason)>;

/// The cells of a line by the places of their keys, or the column at fault, what stands there and why it
/// cannot be read.
type Line = Result<Vec<MixedValue>, (String, String, FaultReason)>;

impl NdjsonSource {
    /// A file, compressed with gzip or not.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Damaged`]; [`Error::EmptyLog`] when there are no lines, and
    /// [`Error::Row`] when none of the first 65,536 is an object, since there are then no columns.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::from_reader(path.display().to_string(), unpack::open(path)?)
    }

    /// Any reader of bytes, not compressed, under a name that errors will use.
    ///
    /// # Errors
    /// As [`NdjsonSource::open`].
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, Error> {
        let mut source = Self {
            name: name.into(),
            lines: Box::new(BufReader::new(reader)),
            columns: Vec::new(),
            selected: Vec::new(),
            wanted: HashMap::default(),
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            rows: 0,
        };
        source.look_for_keys()?;
        Ok(source)
    }

    fn look_for_keys(&mut self) -> Result<(), Error> {
        let mut known = HashSet::new();
        let mut objects = 0_u64;
        while self.ahead.len() < LINES_WITH_KEYS
            && self.ahead_bytes < BYTES_WITH_KEYS
            && let Some(text) = self.read_line()?
        {
            // Read again when its turn comes: so many objects would fill the memory.
            if let Ok(line) = &text
                && let Ok(new) = new_keys(line, &known)
            {
                objects += 1;
                for key in new {
                    if known.insert(key.clone()) {
                        self.columns.push(key);
                    }
                }
            }
            if self.columns.len() > MAX_COLUMNS {
                let (file, place) = (self.name.clone(), format!(" up to row {}", self.rows));
                return Err(Error::TooLarge { file, limit: Limit::Columns, place });
            }
            self.ahead_bytes += text_bytes(&text);
            self.ahead.push_back(text);
        }
        self.require_object(objects)
    }

    /// Without an object there are no columns, whatever a schema says of rows at fault.
    fn require_object(&self, objects: u64) -> Result<(), Error> {
        if objects > 0 {
            return Ok(());
        }
        let file = self.name.clone();
        let none = HashMap::default();
        Err(match self.ahead.front().cloned().map(|text| cells_of(text, &none)) {
            Some(Err((column, value, reason))) => {
                let value = excerpt(&value);
                Error::Row(Box::new(RowFault { file, column, row: 1, value, reason }))
            }
            _ => Error::EmptyLog { file, set_aside: 0 },
        })
    }

    /// The next line that is not blank.
    fn read_line(&mut self) -> Result<Option<Text>, Error> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let mut limited = (&mut self.lines).take(MAX_LINE as u64 + 1);
            let read = limited.read_until(b'\n', &mut bytes);
            let rows = self.rows;
            if read.map_err(|cause| unpack::read_error(&self.name, "NDJSON", rows, cause))? == 0 {
                return Ok(None);
            }
            if bytes.len() > MAX_LINE {
                let (file, place) = (self.name.clone(), format!(" in row {}", rows + 1));
                return Err(Error::TooLarge { file, limit: Limit::Line, place });
            }
            if self.rows == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.rows += 1;
            return Ok(Some(String::from_utf8(bytes).map_err(|cause| {
                let shown = String::from_utf8_lossy(cause.as_bytes()).into_owned();
                (shown, FaultReason::NotUtf8)
            })));
        }
    }

    fn read_lines(&mut self) -> Result<Vec<Line>, Error> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let text = match self.ahead.pop_front() {
                Some(text) => {
                    self.ahead_bytes -= text_bytes(&text);
                    text
                }
                None => match self.read_line()? {
                    Some(text) => text,
                    None => break,
                },
            };
            bytes += text_bytes(&text);
            lines.push(cells_of(text, &self.wanted));
        }
        Ok(lines)
    }
}

/// Bytes that a line takes in memory.
fn text_bytes(text: &Text) -> usize {
    let (Ok(text) | Err((text, _))) = text;
    size_of::<Text>() + text.len()
}

impl std::fmt::Debug for NdjsonSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NdjsonSource")
            .field("name", &self.name)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl LogSource for NdjsonSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
        self.wanted.clear();
        for &column in columns {
            let place = self.wanted.len();
            self.wanted.entry(self.columns[column].clone()).or_insert(place);
        }
    }

    fn bytes(&self) -> usize {
        self.ahead_bytes
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let lines = self.read_lines()?;
        if lines.is_empty() {
            return Ok(None);
        }
        let column = |&index: &usize| {
            let place = self.wanted[&self.columns[index]];
            column_of(lines.iter().map(|line| line.as_ref().ok()?.get(place)))
        };
        let columns = self.selected.iter().map(column).collect();
        let unreadable = lines.into_iter().enumerate().filter_map(|(index, line)| {
            let (column, value, reason) = line.err()?;
            Some(UnreadableRow { index, column, value, reason })
        });
        Ok(Some(Batch { unreadable: unreadable.collect(), columns }))
    }
}

/// JSON has no types of columns, so each cell keeps its own; a column of nothing but text is held
/// as text, which means the same in less room.
fn column_of<'v>(values: impl Iterator<Item = Option<&'v MixedValue>> + Clone) -> Column {
    let mut all = values.clone().flatten();
    if all.all(|value| matches!(value, MixedValue::Text(_) | MixedValue::Null)) {
        let text = |value: Option<&'v MixedValue>| match value {
            Some(MixedValue::Text(text)) => Some(&**text),
            _ => None,
        };
        return Column::Text(values.map(text).collect::<TextColumn>());
    }
    Column::Mixed(values.map(|value| value.cloned().unwrap_or_default()).collect())
}
