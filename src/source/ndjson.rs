//! Newline-delimited JSON: one object per line, with gzip or without.

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::{BATCH_ROWS, gzip};
use crate::error::Error;
use crate::log::{
    Batch, Column, FaultReason, LogSource, MixedValue, RowFault, TextColumn, UnreadableRow, excerpt,
};

/// Reads one JSON object per line; blank lines are skipped.
///
/// The columns are the keys that occur in the first 65,536 lines. A key that a line lacks is a
/// null there. Arrays of strings are lists (topics). A line that is no object is a row at fault
/// ([`FaultReason::Malformed`]), and so is one that has a number with a fraction or exponent, or
/// an object, where an id is needed ([`FaultReason::NotAnId`]). A byte-order mark is skipped.
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
    /// Lines that were looked at for their keys and are still to be read.
    ahead: VecDeque<Text>,
    rows: u64,
}

/// Lines that are looked at for keys.
const LINES_WITH_KEYS: usize = 65_536;

const WHOLE_LINE: &str = "(whole line)";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, or what it looks like and why it is none.
type Text = Result<String, (String, FaultReason)>;

/// A line's object, or the text and error of a line that has none.
type Line = Result<Map<String, Value>, (String, FaultReason)>;

impl NdjsonSource {
    /// A file, compressed with gzip or not.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Damaged`]; [`Error::EmptyLog`] when there are no lines, and
    /// [`Error::Row`] when none of the first 65,536 is an object, since there are then no columns.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::from_reader(path.display().to_string(), gzip::open(path)?)
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
            ahead: VecDeque::new(),
            rows: 0,
        };
        let mut known = HashSet::new();
        let mut objects = 0_u64;
        while source.ahead.len() < LINES_WITH_KEYS
            && let Some(text) = source.read_line()?
        {
            // Read again when its turn comes: so many objects would fill the memory.
            if let Ok(object) = object_of(text.clone()) {
                objects += 1;
                let new: Vec<String> = object
                    .into_iter()
                    .map(|(key, _)| key)
                    .filter(|key| !known.contains(key))
                    .collect();
                known.extend(new.iter().cloned());
                source.columns.extend(new);
            }
            source.ahead.push_back(text);
        }
        source.require_object(objects)?;
        Ok(source)
    }

    /// Without an object there are no columns, whatever a schema says of rows at fault.
    fn require_object(&self, objects: u64) -> Result<(), Error> {
        if objects > 0 {
            return Ok(());
        }
        let file = self.name.clone();
        Err(match self.ahead.front().cloned().map(object_of) {
            Some(Err((line, reason))) => Error::Row(Box::new(RowFault {
                file,
                column: WHOLE_LINE.to_owned(),
                row: 1,
                value: excerpt(&line),
                reason,
            })),
            _ => Error::EmptyLog { file, set_aside: 0 },
        })
    }

    /// The next line that is not blank.
    fn read_line(&mut self) -> Result<Option<Text>, Error> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = self.lines.read_until(b'\n', &mut bytes);
            let rows = self.rows;
            if read.map_err(|cause| gzip::read_error(&self.name, "NDJSON", rows, cause))? == 0 {
                return Ok(None);
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
        let mut lines = Vec::new();
        while lines.len() < BATCH_ROWS {
            let text = match self.ahead.pop_front() {
                Some(text) => text,
                None => match self.read_line()? {
                    Some(text) => text,
                    None => break,
                },
            };
            lines.push(object_of(text));
        }
        Ok(lines)
    }
}

fn object_of(text: Text) -> Line {
    let text = text?;
    serde_json::from_str(&text).map_err(|_| (text.trim_end().to_owned(), FaultReason::Malformed))
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
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let lines = self.read_lines()?;
        if lines.is_empty() {
            return Ok(None);
        }
        let column = |&index: &usize| {
            let name = &self.columns[index];
            column_of(lines.iter().map(|line| match line.as_ref().ok()?.get(name)? {
                Value::Null => None,
                value => Some(value),
            }))
        };
        let columns = self.selected.iter().map(column).collect();
        let unreadable = lines.into_iter().enumerate().filter_map(|(index, line)| {
            let (value, reason) = line.err()?;
            Some(UnreadableRow { index, column: WHOLE_LINE.to_owned(), value, reason })
        });
        Ok(Some(Batch { unreadable: unreadable.collect(), columns }))
    }
}

/// JSON has no types of columns, so each cell keeps its own; a column of nothing but text is held
/// as text, which means the same in less room.
fn column_of<'v>(values: impl Iterator<Item = Option<&'v Value>> + Clone) -> Column {
    if values.clone().flatten().all(Value::is_string) {
        let texts: TextColumn = values.map(|value| value?.as_str()).collect();
        return Column::Text(texts);
    }
    Column::Mixed(values.map(|value| value.map_or(MixedValue::Null, mixed)).collect())
}

fn mixed(value: &Value) -> MixedValue {
    match value {
        Value::Null => MixedValue::Null,
        Value::String(text) => MixedValue::Text(text.clone()),
        Value::Bool(value) => MixedValue::Boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => MixedValue::Integer(whole),
            (None, Some(value)) if number.is_f64() => MixedValue::Float(value),
            // Whole and past 63 bits: its digits are exact, as a float it would not be.
            _ => MixedValue::Text(number.to_string()),
        },
        Value::Array(items) => {
            let items = items.iter().filter(|item| !item.is_null()).map(topic);
            match items.collect() {
                Some(topics) => MixedValue::TextList(topics),
                None => MixedValue::Other(value.to_string()),
            }
        }
        Value::Object(_) => MixedValue::Other(value.to_string()),
    }
}

/// An item of a list as text; `None` where different items could give the same text.
fn topic(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
