//! Newline-delimited JSON: one object per line, with gzip or without.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::{BATCH_ROWS, gzip};
use crate::error::Error;
use crate::log::{Batch, Column, FaultReason, LogSource, TextColumn, UnreadableRow};

/// Reads one JSON object per line; blank lines are skipped.
///
/// The columns are the keys that occur in the first 65,536 lines. A key that a line lacks is a
/// null there. Arrays of strings are lists (topics); nested objects are text. A line that is no
/// object is a row at fault ([`FaultReason::Malformed`]).
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
    first: Option<Vec<Line>>,
    rows: u64,
}

/// A line's object, or the text and error of a line that has none.
type Line = Result<Map<String, Value>, (String, FaultReason)>;

impl NdjsonSource {
    /// A file, compressed with gzip or not.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Damaged`].
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
            first: None,
            rows: 0,
        };
        let first = source.read_lines()?;
        for key in first.iter().flatten().flat_map(Map::keys) {
            if !source.columns.contains(key) {
                source.columns.push(key.clone());
            }
        }
        source.first = Some(first);
        Ok(source)
    }

    fn read_lines(&mut self) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        let mut bytes = Vec::new();
        while lines.len() < BATCH_ROWS {
            bytes.clear();
            let read = self.lines.read_until(b'\n', &mut bytes);
            let rows = self.rows;
            if read.map_err(|cause| gzip::read_error(&self.name, "NDJSON", rows, cause))? == 0 {
                break;
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.rows += 1;
            lines.push(match std::str::from_utf8(&bytes) {
                Ok(text) => serde_json::from_str(text)
                    .map_err(|_| (text.trim_end().to_owned(), FaultReason::Malformed)),
                Err(_) => {
                    let shown = String::from_utf8_lossy(&bytes).into_owned();
                    Err((shown, FaultReason::NotUtf8))
                }
            });
        }
        Ok(lines)
    }
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
        let lines = match self.first.take() {
            Some(first) => first,
            None => self.read_lines()?,
        };
        if lines.is_empty() {
            return Ok(None);
        }
        let column = |&index: &usize| {
            let name = &self.columns[index];
            let value = |line: &Line| match line.as_ref().ok()?.get(name)? {
                Value::Null => None,
                value => Some(value.clone()),
            };
            column_of(lines.iter().map(value).collect())
        };
        let columns = self.selected.iter().map(column).collect();
        let unreadable = lines.into_iter().enumerate().filter_map(|(index, line)| {
            let (value, reason) = line.err()?;
            Some(UnreadableRow { index, column: "(whole line)".to_owned(), value, reason })
        });
        Ok(Some(Batch { unreadable: unreadable.collect(), columns }))
    }
}

/// The narrowest type that holds all values of a column.
fn column_of(values: Vec<Option<Value>>) -> Column {
    let all = |is: fn(&Value) -> bool| values.iter().flatten().all(is);
    if all(Value::is_i64) {
        Column::Integer(values.iter().map(|v| v.as_ref()?.as_i64()).collect())
    } else if all(|v| v.is_number() && !v.is_u64()) {
        Column::Float(values.iter().map(|v| v.as_ref()?.as_f64()).collect())
    } else if all(Value::is_boolean) {
        Column::Boolean(values.iter().map(|v| v.as_ref()?.as_bool()).collect())
    } else if values.iter().flatten().any(Value::is_array) {
        Column::TextList(values.into_iter().map(|v| Some(list(v?))).collect())
    } else {
        let mut texts = TextColumn::default();
        for value in values {
            match value {
                Some(value) => texts.push(Some(&text(value))),
                None => texts.push(None),
            }
        }
        Column::Text(texts)
    }
}

fn list(value: Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.into_iter().filter(|item| !item.is_null()).map(text).collect(),
        value => vec![text(value)],
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}
