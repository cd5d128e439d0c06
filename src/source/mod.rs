//! Where logs come from and go to: files, frames and slices. Each reader turns its own types
//! into batches of plain columns; what the columns mean, and what is wrong with a row, is the
//! log's business.
//!
//! | you have | use |
//! | --- | --- |
//! | a file, format told by its ending | [`ExposureLog::open`], [`ItemTopics::open`] |
//! | CSV, TSV, packed by gzip or Zstandard or not | [`CsvSource`] |
//! | one JSON object per line, packed or not | [`NdjsonSource`] |
//! | a JSON document (`.json`): an array of objects, in another object or not | [`open_source_as`], [`LogSchema::records`] |
//! | rows in a list that each JSON object has | [`open_source_as`], [`LogSchema::each`] |
//! | Parquet | [`ParquetSource`] (feature `parquet`) |
//! | the first sheet of a workbook (`.xlsx`) | `WorkbookSource` (feature `xlsx`) |
//! | a polars `DataFrame` | `FrameSource` (feature `polars`), or `LazyFrame` (feature `lazy`) |
//! | columns as slices or ndarray arrays | [`SliceSource`] |
//! | rows that come one after the other, as from a database | [`RowSource`] |
//! | rows as structs | [`ImpressionSource`] |
//! | whatever else SQL makes a log of | `SqlTables` (feature `sql`) |
//! | a log saved before | [`ExposureLog::open_saved`] (feature `parquet`) |
//!
//! The other way, [`write_parquet`] puts the rows of any source into a Parquet file.
//!
//! [`ItemTopics::open`]: crate::log::ItemTopics::open

#[cfg(any(feature = "parquet", feature = "polars"))]
mod converted;
mod csv;
#[cfg(feature = "polars")]
mod frame;
mod impression;
mod json;
mod ndjson;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
// Only pages of Parquet are decoded in one piece.
#[cfg_attr(not(feature = "parquet"), allow(dead_code, reason = "nothing else asks for it"))]
pub(crate) mod room;
mod rows;
#[cfg(feature = "parquet")]
mod saved;
mod slice;
#[cfg(feature = "sql")]
mod sql;
pub(crate) mod text;
#[cfg(feature = "xlsx")]
mod workbook;

use std::path::Path;
use std::sync::Arc;

pub use self::csv::CsvSource;
#[cfg(feature = "polars")]
pub use self::frame::FrameSource;
pub use self::impression::{Impression, ImpressionSource};
pub use self::ndjson::NdjsonSource;
#[cfg(feature = "parquet")]
pub use self::parquet::{ParquetSource, write_parquet};
use self::room::Room;
pub use self::rows::RowSource;
pub use self::slice::{ArrayElement, SliceSource};
#[cfg(feature = "sql")]
pub use self::sql::{SqlSource, SqlTables};
#[cfg(feature = "xlsx")]
pub use self::workbook::WorkbookSource;
use crate::error::{Error, KNOWN_ENDINGS};
pub use crate::log::LogSource;
use crate::log::{
    Batch, ExposureLog, FileFormat, Found, ItemTopics, ItemTopicsSchema, JsonForm, KeyedTable,
    LogSchema, RowGroup, TextForm, Undecoded,
};

/// Rows per batch: enough to amortise a call, few enough to stay in cache and to be given memory
/// that was used before.
#[cfg(any(feature = "parquet", feature = "polars", feature = "xlsx"))]
const BATCH_ROWS: usize = 16_384;

/// Bytes of text after which a batch ends.
const BATCH_BYTES: usize = 1 << 20;

/// Whether a file's ending is that of a log that can be read.
pub(crate) fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let plain = text::without_packing(&name);
    match plain.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv" | "tsv" | "json" | "ndjson" | "jsonl") => true,
        Some("parquet") => cfg!(feature = "parquet") && plain == name,
        Some("xlsx") => cfg!(feature = "xlsx") && plain == name,
        _ => false,
    }
}

/// Whether a file's ending is one that logs have, of whatever format and compression.
pub(crate) fn looks_like_log(path: &Path) -> bool {
    const FORMATS: [&str; 18] = [
        "csv", "tsv", "tab", "psv", "json", "ndjson", "jsonl", "geojson", "parquet", "pq", "xlsx",
        "xls", "ods", "arrow", "feather", "avro", "orc", "ipc",
    ];
    const PACKED: [&str; 10] = ["gz", "zst", "zstd", "xz", "bz2", "lz4", "br", "zip", "7z", "sz"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mut endings = name.rsplit('.');
    let last = endings.next().unwrap_or_default();
    let of_format = if PACKED.contains(&last) { endings.next().unwrap_or_default() } else { last };
    // A name without a dot is all ending.
    FORMATS.contains(&of_format) && endings.next().is_some()
}

/// The row groups of a file that can be read one without the others, with the ranges of some
/// columns by name; `None` if it can only be read from its beginning.
pub(crate) fn row_groups_of(
    path: &Path,
    columns: &[&str],
    room: &Room,
) -> Result<Option<Vec<RowGroup>>, Error> {
    #[cfg(feature = "parquet")]
    if is_parquet(path) {
        return self::parquet::row_groups(path, columns, room).map(Some);
    }
    let _ = (path, columns, room);
    Ok(None)
}

/// A reader of some of the row groups of a file that has them, which decodes in the room that it gets.
pub(crate) fn open_groups(
    path: &Path,
    groups: std::ops::Range<usize>,
    room: &Arc<Room>,
) -> Result<Box<dyn LogSource>, Error> {
    #[cfg(feature = "parquet")]
    if is_parquet(path) {
        return Ok(Box::new(ParquetSource::open_groups(path, groups, room)?));
    }
    let _ = (groups, room);
    by_ending(path, &TextForm::default(), &JsonForm::default())
}

#[cfg(feature = "parquet")]
fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

/// The reader for a file, its format told by its ending as in [`ExposureLog::open`]; a delimiter, where
/// given, is that of the fields of delimited text. For looking at a file before a schema is known.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("log.csv");
/// # std::fs::write(&path, "who,feed\na,ranked\n").unwrap();
/// use tiltmeter::source::{LogSource, open_source};
/// assert_eq!(open_source(&path, None)?.column_names(), ["who", "feed"]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownFormat`], [`Error::Io`], and those of the format's reader.
pub fn open_source(
    path: impl AsRef<Path>,
    delimiter: Option<u8>,
) -> Result<Box<dyn LogSource>, Error> {
    let form = TextForm { delimiter, ..TextForm::default() };
    by_ending(path.as_ref(), &form, &JsonForm::default())
}

/// The same, read as a schema says: in its encoding and form, and with its rows where it says that they are in JSON. The
/// columns are all that there are, whatever the schema names.
///
/// # Errors
/// Those of [`open_source`].
pub fn open_source_as(
    path: impl AsRef<Path>,
    schema: &LogSchema,
) -> Result<Box<dyn LogSource>, Error> {
    by_ending(path.as_ref(), &schema.text_form(), &schema.json_form())
}

/// The reader for a file, by its ending or the format that is declared, with what is said of text and of JSON.
pub(crate) fn by_ending(
    path: &Path,
    form: &TextForm<'_>,
    json: &JsonForm<'_>,
) -> Result<Box<dyn LogSource>, Error> {
    let unknown = || Error::UnknownFormat { path: path.to_owned(), known: KNOWN_ENDINGS };
    let format = form.format.or_else(|| format_of(path)).ok_or_else(unknown)?;
    if let (true, Some(value)) = (text::is_standard_input(path), not_read_once(format)) {
        return Err(Error::Parameter {
            parameter: "the format of standard input",
            value: value.to_owned(),
            expected: "one that is read once: ndjson, csv or tsv. A document and a file with parts are looked at before \
                       they are read; write it to a file",
        });
    }
    // Lines have no place where their rows are.
    let of_json = match format {
        FileFormat::Json => None,
        FileFormat::Ndjson => json.records,
        _ => json.each.or(json.records),
    };
    if let Some(said) = of_json {
        return Err(Error::Parameter {
            parameter: "the way to rows in JSON",
            value: format!("{said:?}, of {}", text::named(path)),
            expected: "that of a file of JSON: leave out --records and --each (LogSchema::records, each), or name \
                       another file",
        });
    }
    if let Some(said) = form.not_of(format) {
        return Err(Error::Parameter {
            parameter: "what is said of how text is written",
            value: format!("{said}, of {}", text::named(path)),
            expected: "what goes with the format: names of columns, lines before them and what stands between fields are \
                       of CSV, and an encoding of CSV and JSON; leave it out",
        });
    }
    match format {
        FileFormat::Csv => Ok(Box::new(CsvSource::open_as(path, form, b',')?)),
        FileFormat::Tsv => Ok(Box::new(CsvSource::open_as(path, form, b'\t')?)),
        FileFormat::Ndjson => Ok(Box::new(NdjsonSource::open_by(path, form, json)?)),
        FileFormat::Json => Ok(Box::new(json::open(path, form, json)?)),
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => Ok(Box::new(ParquetSource::open(path)?)),
        #[cfg(feature = "xlsx")]
        FileFormat::Xlsx => Ok(Box::new(WorkbookSource::open(path)?)),
        #[cfg(not(all(feature = "parquet", feature = "xlsx")))]
        _ => Err(unknown()),
    }
}

/// The name of a format whose files are looked at before they are read, so that they cannot come through a pipe.
fn not_read_once(format: FileFormat) -> Option<&'static str> {
    match format {
        FileFormat::Json => Some("json"),
        FileFormat::Parquet => Some("parquet"),
        FileFormat::Xlsx => Some("xlsx"),
        FileFormat::Csv | FileFormat::Tsv | FileFormat::Ndjson => None,
    }
}

/// The format that a file's name says.
fn format_of(path: &Path) -> Option<FileFormat> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match text::without_packing(&name).rsplit_once('.')?.1 {
        "csv" => Some(FileFormat::Csv),
        "tsv" => Some(FileFormat::Tsv),
        "ndjson" | "jsonl" => Some(FileFormat::Ndjson),
        "json" => Some(FileFormat::Json),
        "parquet" => Some(FileFormat::Parquet),
        "xlsx" => Some(FileFormat::Xlsx),
        _ => None,
    }
}

impl<S: LogSource + ?Sized> LogSource for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn column_names(&self) -> &[String] {
        (**self).column_names()
    }

    fn found(&self) -> Vec<Found> {
        (**self).found()
    }

    fn select(&mut self, columns: &[usize]) {
        (**self).select(columns);
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        (**self).next_batch()
    }

    fn has_blocks(&self) -> bool {
        (**self).has_blocks()
    }

    fn next_block(&mut self, bytes: usize) -> Result<Option<Undecoded>, Error> {
        (**self).next_block(bytes)
    }

    fn rows_before(&self) -> u64 {
        (**self).rows_before()
    }

    fn rows_left(&self) -> Option<u64> {
        (**self).rows_left()
    }

    fn bytes(&self) -> usize {
        (**self).bytes()
    }
}

impl ExposureLog {
    /// Reads a log file, its format told by its ending: `.csv`, `.tsv`, `.json`, `.ndjson` or `.jsonl`
    /// (each also with `.gz` or `.zst`), `.parquet`. A `.json` file is an array of objects, an object with one at
    /// [`LogSchema::records`], or objects one after the other. Text is decoded on all threads of the current `rayon`
    /// pool.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::Io`], [`Error::NoRecords`], and those of [`ExposureLog::read`].
    pub fn open(path: impl AsRef<Path>, schema: &LogSchema) -> Result<Self, Error> {
        Self::read(by_ending(path.as_ref(), &schema.text_form(), &schema.json_form())?, schema)
    }
}

impl KeyedTable {
    /// Reads a table from a file, its format told by its ending as in [`ExposureLog::open`].
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::Io`], and those of [`KeyedTable::read`].
    pub fn open(path: impl AsRef<Path>, on: &str) -> Result<Self, Error> {
        Self::read(by_ending(path.as_ref(), &TextForm::default(), &JsonForm::default())?, on)
    }
}

impl ItemTopics {
    /// Reads a topics table from a file, its format told by its ending as in
    /// [`ExposureLog::open`].
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::Io`], and those of [`ItemTopics::read`].
    pub fn open(path: impl AsRef<Path>, schema: &ItemTopicsSchema) -> Result<Self, Error> {
        Self::read(by_ending(path.as_ref(), &TextForm::default(), &JsonForm::default())?, schema)
    }
}
