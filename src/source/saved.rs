//! A log saved to Parquet and read back exactly: columns, dictionaries, origin.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use md5::{Digest, Md5};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use super::ParquetSource;
use crate::error::Error;
use crate::log::{
    Coded, ExposureLog, LABELLED_NONE, LogSchema, LogSource, Origin, Role, TimeFormat, TopicColumn,
    TopicFormat, Topics,
};
use crate::place::replace;

const FORMAT: &str = "saved log";
const VERSION: &str = "1";
const VERSION_KEY: &str = "tiltmeter.log.version";
const CONTENTS_KEY: &str = "tiltmeter.log.contents";
/// Named columns are prefixed in the file, so that none can have the name of a role.
const NAMED: &str = "named:";

/// What a saved log says of itself, beside its columns.
#[derive(Serialize, Deserialize)]
struct Contents {
    schema: LogSchema,
    origin: Origin,
    aliases: Vec<(String, Role)>,
    named: Vec<String>,
    /// MD5 of the columns and of what else is here, so that a changed byte is noticed.
    #[serde(default)]
    digest: String,
}

impl ExposureLog {
    /// Saves the log to a Parquet file (Zstandard), from which
    /// [`open_saved`](ExposureLog::open_saved) reads back an equal log. Any Parquet reader can
    /// read the columns: ids and topics as text, `position` as a whole number, `time` in
    /// microseconds UTC.
    ///
    /// ```
    /// use tiltmeter::log::LogSchema;
    /// use tiltmeter::{ExposureLog, source::SliceSource};
    ///
    /// let source = SliceSource::new("example").text("feed", &["ranked", "newest"]);
    /// let log = ExposureLog::read(source, &LogSchema::new().arm("feed"))?;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("log.parquet");
    /// log.save(&path)?;
    /// assert_eq!(ExposureLog::open_saved(&path)?, log);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written or the encoder fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        let failed = |cause: &dyn std::fmt::Display| io(std::io::Error::other(cause.to_string()));
        let batch = RecordBatch::try_from_iter(columns(self)).map_err(|cause| failed(&cause))?;
        let mut contents = contents(self);
        contents.digest = digest(self, &contents);
        let contents = serde_json::to_string(&contents).map_err(|cause| failed(&cause))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![
                KeyValue::new(VERSION_KEY.to_owned(), VERSION.to_owned()),
                KeyValue::new(CONTENTS_KEY.to_owned(), contents),
            ]))
            .build();
        let write = |file: &File| {
            let file = BufWriter::new(file.try_clone()?);
            let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))
                .map_err(std::io::Error::other)?;
            writer.write(&batch).map_err(std::io::Error::other)?;
            writer.into_inner().map_err(std::io::Error::other)?.flush()
        };
        replace(path, write).map_err(io)
    }

    /// Reads a log saved with [`save`](ExposureLog::save).
    ///
    /// # Errors
    /// [`Error::Version`] when the file is not a saved log of this version; those of
    /// [`ExposureLog::read`] when its contents were changed or damaged.
    pub fn open_saved(path: impl AsRef<Path>) -> Result<Self, Error> {
        let source = ParquetSource::open(path)?;
        let file = source.name().to_owned();
        let found = source.metadata(VERSION_KEY).unwrap_or_default().to_owned();
        if found != VERSION {
            return Err(Error::Version { file, what: FORMAT, found, expected: VERSION });
        }
        let damaged = |place: &str, detail: &str| Error::Damaged {
            file: file.clone(),
            format: FORMAT,
            place: place.to_owned(),
            detail: detail.to_owned(),
        };
        let contents = source.metadata(CONTENTS_KEY).unwrap_or_default();
        let mut contents: Contents = serde_json::from_str(contents)
            .map_err(|cause| damaged(" in the metadata", &cause.to_string()))?;
        let log = Self::read(source, &contents.schema)?;
        let saved = std::mem::take(&mut contents.digest);
        if digest(&log, &contents) != saved {
            return Err(damaged("", "its contents are not those that were saved"));
        }
        Ok(log.restore(contents.origin, contents.aliases, contents.named))
    }
}

const ID_ROLES: [(Role, &str); 6] = [
    (Role::Viewer, "viewer"),
    (Role::Item, "item"),
    (Role::Arm, "arm"),
    (Role::Stratum, "stratum"),
    (Role::Slate, "slate"),
    (Role::Session, "session"),
];

const NUMBER_ROLES: [(Role, &str); 6] = [
    (Role::Weight, "weight"),
    (Role::Count, "count"),
    (Role::Engagement, "engagement"),
    (Role::Propensity, "propensity"),
    (Role::Satisfaction, "satisfaction"),
    (Role::Inclusion, "inclusion"),
];

fn contents(log: &ExposureLog) -> Contents {
    let ids = |role| log.ids(role).is_some();
    let numbers = |role| log.numbers(role).is_some();
    let mut schema = LogSchema::new();
    for (role, name) in ID_ROLES.into_iter().filter(|(role, _)| ids(*role)) {
        schema = schema.declare(role, name);
    }
    for (role, name) in NUMBER_ROLES.into_iter().filter(|(role, _)| numbers(*role)) {
        schema = schema.declare(role, name);
    }
    if log.positions().is_some() {
        schema = schema.position("position");
    }
    if log.times().is_some() {
        schema = schema.time("time", TimeFormat::EpochMicroseconds);
    }
    if log.topics().is_some() {
        schema = schema.topics(TopicColumn::new("topics", TopicFormat::Single));
    }
    if log.human().is_some() {
        schema = schema.human(TopicColumn::new("human", TopicFormat::Single));
    }
    let named: Vec<String> = log.named().map(|(name, _)| name.to_owned()).collect();
    for name in &named {
        schema = schema.column(format!("{NAMED}{name}"));
    }
    Contents {
        schema,
        origin: log.origin().clone(),
        aliases: log.aliases().to_vec(),
        named,
        digest: String::new(),
    }
}

/// MD5 of the contents as JSON, and of the columns: their ids, codes and numbers.
fn digest(log: &ExposureLog, contents: &Contents) -> String {
    let mut md5 = Md5::new();
    md5.update(serde_json::to_string(contents).unwrap_or_default());
    let text = |md5: &mut Md5, text: &str| {
        md5.update((text.len() as u64).to_le_bytes());
        md5.update(text);
    };
    let ids = |md5: &mut Md5, ids: &Coded| {
        ids.dictionary().iter().for_each(|id| text(md5, id));
        ids.codes().iter().for_each(|code| md5.update(code.to_le_bytes()));
    };
    md5.update((log.rows() as u64).to_le_bytes());
    for column in ID_ROLES.iter().filter_map(|(role, _)| log.ids(*role)) {
        ids(&mut md5, column);
    }
    for (_, column) in log.named() {
        ids(&mut md5, column);
    }
    for (role, _) in NUMBER_ROLES {
        if let Some(values) = log.numbers(role) {
            values.iter().for_each(|value| md5.update(value.to_le_bytes()));
        }
    }
    if let Some(positions) = log.positions() {
        positions.iter().for_each(|position| md5.update(position.to_le_bytes()));
    }
    if let Some(times) = log.times() {
        times.iter().for_each(|time| md5.update(time.to_le_bytes()));
    }
    for topics in log.topics().into_iter().chain(log.human()) {
        topics.labels().iter().for_each(|label| md5.update(label));
        for set in (0..).take(topics.set_count()) {
            topics.set(set).iter().for_each(|label| md5.update(label.to_le_bytes()));
            md5.update([0xff]);
        }
        topics.set_of_row().iter().for_each(|set| md5.update(set.to_le_bytes()));
    }
    let digest: [u8; 16] = md5.finalize().into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn columns(log: &ExposureLog) -> Vec<(String, ArrayRef)> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (role, name) in ID_ROLES {
        columns.extend(log.ids(role).map(|ids| (name.to_owned(), id_array(ids))));
    }
    for (role, name) in NUMBER_ROLES {
        // A chance of 0 is none.
        let is_said = |value: &f64| role != Role::Inclusion || *value > 0.0;
        let array = |values: &[f64]| {
            let values = values.iter().map(|value| Some(*value).filter(is_said));
            Arc::new(values.collect::<Float64Array>()) as ArrayRef
        };
        columns.extend(log.numbers(role).map(|values| (name.to_owned(), array(values))));
    }
    if let Some(positions) = log.positions() {
        let array = UInt32Array::from(positions.to_vec());
        columns.push(("position".to_owned(), Arc::new(array)));
    }
    if let Some(times) = log.times() {
        let array = TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC");
        columns.push(("time".to_owned(), Arc::new(array)));
    }
    if let Some(topics) = log.topics() {
        columns.push(("topics".to_owned(), topic_array(topics, |_| true)));
    }
    if let Some(human) = log.human() {
        let is_labelled = |row| !human.of_row(row).is_empty();
        columns.push(("human".to_owned(), topic_array(human, is_labelled)));
    }
    for (name, ids) in log.named() {
        columns.push((format!("{NAMED}{name}"), id_array(ids)));
    }
    columns
}

/// Ids as text: in a dictionary where its keys are wide enough for them, else plain.
fn id_array(ids: &Coded) -> ArrayRef {
    let text = |row| ids.id(row).expect("every row has an id");
    let rows = 0..ids.codes().len();
    if i32::try_from(ids.dictionary().len()).is_err() {
        let mut plain = StringBuilder::new();
        rows.for_each(|row| plain.append_value(text(row)));
        return Arc::new(plain.finish());
    }
    let mut coded = StringDictionaryBuilder::<Int32Type>::new();
    rows.for_each(|row| coded.append_value(text(row)));
    Arc::new(coded.finish())
}

/// Topics as lists, null in rows that are not known; a label of having none is an empty list.
fn topic_array(topics: &Topics, is_known: impl Fn(usize) -> bool) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..topics.set_of_row().len() {
        for &code in topics.of_row(row) {
            let label = topics.labels().id(code).expect("codes have ids");
            if label != LABELLED_NONE {
                lists.values().append_value(label);
            }
        }
        lists.append(is_known(row));
    }
    Arc::new(lists.finish())
}
