//! Parquet files: flat columns from their pages, others through arrow-rs; only the columns asked for are
//! decoded.

mod columns;
mod groups;
mod headers;
mod packed;
mod pages;
mod write;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Type};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::schema::types::SchemaDescriptor;

use self::columns::KnownDictionary;
pub(crate) use self::columns::all_text;
pub(super) use self::groups::row_groups;
use self::headers::Sizes;
use self::pages::PageReader;
pub use self::write::write_parquet;
use super::BATCH_ROWS;
use super::converted::{self, Converted};
use super::room::{Reserved, Room};
use crate::error::Error;
use crate::log::{Batch, Column, Limit, LogSource, MAX_FOOTER};

/// Reads a Parquet file, row group by row group.
///
/// Text (plain or dictionary), whole numbers, floating-point numbers, decimals, booleans, dates,
/// timestamps, UUIDs and lists of text or whole numbers are read; timestamps without a zone count as UTC, unless
/// the schema names a zone. A
/// field of an object is a column by its way, such as `user.id`. Compression may be none, Snappy, gzip, LZ4 or
/// Zstandard. Pages have at most [`MAX_PAGE`](crate::log::MAX_PAGE) bytes and the
/// footer at most [`MAX_FOOTER`] ([`Error::TooLarge`]), which is known before anything is decoded.
pub struct ParquetSource {
    name: String,
    path: PathBuf,
    columns: Vec<String>,
    /// Where each stands: the column of the file, and the way to it within that.
    places: Vec<Place>,
    selected: Vec<usize>,
    state: State,
    /// The row groups that are read.
    groups: Range<usize>,
    /// Rows of the file before the first that is read.
    first_row: u64,
    /// Rows that are to be read, as the footer has it.
    all_rows: u64,
    rows: u64,
    metadata: Vec<(String, String)>,
    /// Where pages are decoded, and what of it is reserved; anywhere if `None`.
    room: Option<Arc<Room>>,
    reserved: Option<Reserved>,
}

type Builder = ParquetRecordBatchReaderBuilder<File>;

enum State {
    Opened(Box<Builder>),
    /// Read from its pages; with arrow-rs' reader of the same columns, should that come to nothing.
    Pages(Box<PageReader>, Box<Builder>),
    Reading {
        reader: Box<ParquetRecordBatchReader>,
        /// For each column selected, its place in a record batch and the way within that, and its dictionary.
        places: Vec<(Within, Option<KnownDictionary>)>,
    },
    Failed(Option<Error>),
}

impl ParquetSource {
    /// Opens a file and reads its footer.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] when the footer is missing or makes no sense; [`Error::TooLarge`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let builder = opened(path)?;
        let groups = builder.metadata().row_groups();
        if !groups.iter().flat_map(RowGroupMetaData::columns).all(has_place) {
            let cause = "a column is said to begin before the file";
            return Err(damaged(&name, " in the footer".into(), &cause));
        }
        // A damaged footer may promise more rows than the file has bytes; no room is made for those.
        let believable = path.metadata().map_or(0, |about| about.len().saturating_mul(BELIEVABLE));
        let all_rows = groups.iter().map(rows_of).sum::<u64>().min(believable);
        let (columns, places) = named(builder.schema());
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
            places,
            selected: Vec::new(),
            groups: 0..builder.metadata().num_row_groups(),
            state: State::Opened(Box::new(builder)),
            first_row: 0,
            all_rows,
            rows: 0,
            metadata,
            room: None,
            reserved: None,
        })
    }

    /// The file's own key-value metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let entry = self.metadata.iter().find(|(its, _)| its == key)?;
        Some(&entry.1)
    }
}

/// The place of a column in a record batch, and the way to it within that.
type Within = (usize, Vec<usize>);

/// Where a column stands in a file.
#[derive(Clone, Debug)]
struct Place {
    /// The column of the file, by its number.
    root: usize,
    /// In an object, the number of the field, and in that of its own; empty for a column that is no object.
    way: Vec<usize>,
}

/// The columns of a file; those of objects by their way, such as `user.id`.
fn named(schema: &Schema) -> (Vec<String>, Vec<Place>) {
    fn add(field: &Field, (name, place): (String, Place), into: &mut (Vec<String>, Vec<Place>)) {
        let DataType::Struct(fields) = field.data_type() else {
            into.0.push(name);
            into.1.push(place);
            return;
        };
        for (at, field) in fields.iter().enumerate() {
            let mut place = place.clone();
            place.way.push(at);
            add(field, (format!("{name}.{}", field.name()), place), into);
        }
    }
    let mut all = (Vec::new(), Vec::new());
    for (root, field) in schema.fields().iter().enumerate() {
        add(field, (field.name().clone(), Place { root, way: Vec::new() }), &mut all);
    }
    all
}

/// How many times its size a footer takes once it is read: measured for footers of 2 and 17 MiB.
const FOOTER_HELD: u64 = 5;

/// The most rows per byte for which room is made before they are read; columns that repeat one
/// value come to more, and grow as they are read.
const BELIEVABLE: u64 = 16;

/// Bytes of a column in a batch that arrow-rs makes, on average.
const BATCH_OF_ARROW: u64 = 4 << 20;

/// Whether a column's bytes are said to be where a file can have them; arrow-rs takes that for granted.
fn has_place(column: &ColumnChunkMetaData) -> bool {
    let starts = [Some(column.data_page_offset()), column.dictionary_page_offset()];
    starts.into_iter().flatten().all(|start| start >= 0) && column.compressed_size() >= 0
}

fn rows_of(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

/// How long the footer of a file says that it is; no longer than the file.
fn footer_of(mut file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    // Its length and what ends the file.
    let Some(at) = length.checked_sub(8) else { return Ok(0) };
    let mut footer = [0; 4];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut footer)?;
    file.rewind()?;
    Ok(u64::from(u32::from_le_bytes(footer)).min(length))
}

/// Refuses a footer that is too large for each of a room's readers to hold, before it is read.
fn footer_fits(path: &Path, room: &Room) -> Result<(), Error> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let held = File::open(path).and_then(|file| footer_of(&file)).map_err(io)? * FOOTER_HELD;
    let footers = usize::try_from(held).unwrap_or(usize::MAX).saturating_mul(room.readers());
    if footers <= room.most() {
        return Ok(());
    }
    let mend = "write the file with the columns that are needed, or larger row groups";
    Err(no_room(path, "holding its footer", footers, room, mend))
}

fn no_room(
    path: &Path,
    what: &'static str,
    bytes: usize,
    room: &Room,
    mend: &'static str,
) -> Error {
    Error::MemoryLimit {
        file: Some(path.display().to_string()),
        what,
        needed: bytes.saturating_mul(Room::PART),
        limit: room.most().saturating_mul(Room::PART),
        mend,
    }
}

/// Opens a file and reads its footer.
fn opened(path: &Path) -> Result<Builder, Error> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    if footer_of(&file).map_err(io)? > MAX_FOOTER as u64 {
        let file = path.display().to_string();
        return Err(Error::TooLarge { file, limit: Limit::Footer, place: String::new() });
    }
    let builder = guarded(|| -> parquet::errors::Result<_> {
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        let metadata = match with_microseconds(&metadata) {
            Some(schema) => read_as(&metadata, schema)?,
            None => metadata,
        };
        let metadata = match with_dictionaries(&metadata) {
            // Whatever the decoder has against keeping dictionaries, it can read without them.
            Some(schema) => read_as(&metadata, schema).unwrap_or(metadata),
            None => metadata,
        };
        Ok(Builder::new_with_metadata(file, metadata))
    });
    let name = path.display().to_string();
    builder.map_err(|cause| damaged(&name, " in the footer".into(), &cause))
}

/// The file read as another schema.
fn read_as(
    metadata: &ArrowReaderMetadata,
    schema: SchemaRef,
) -> parquet::errors::Result<ArrowReaderMetadata> {
    let options = ArrowReaderOptions::new().with_schema(schema);
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)
}

/// By column, its first leaf.
fn first_leaves(schema: &SchemaDescriptor) -> HashMap<usize, usize> {
    let leaves = (0..schema.num_columns()).rev();
    leaves.map(|leaf| (schema.get_column_root_idx(leaf), leaf)).collect()
}

/// The schema with times of 96 bits in microseconds. They have any year; in nanoseconds, as the decoder
/// would have them, those before 1677 and after 2262 become others in between.
fn with_microseconds(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let leaves = metadata.parquet_schema();
    let first = first_leaves(leaves);
    let of_96_bits = |root: usize| {
        first.get(&root).is_some_and(|&leaf| leaves.column(leaf).physical_type() == Type::INT96)
    };
    let schema = metadata.schema();
    let field = |(at, field): (usize, &arrow_schema::FieldRef)| {
        let field = field.as_ref().clone();
        match field.data_type() {
            DataType::Timestamp(_, zone) if of_96_bits(at) => {
                let zone = zone.clone();
                field.with_data_type(DataType::Timestamp(TimeUnit::Microsecond, zone))
            }
            _ => field,
        }
    };
    let fields: Vec<_> = schema.fields().iter().enumerate().map(field).collect();
    let changed = fields.iter().zip(schema.fields()).any(|(new, old)| new != old.as_ref());
    changed.then(|| Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

/// The schema with text as dictionaries where the file holds it so, which saves making a text of
/// every row.
fn with_dictionaries(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let groups = metadata.metadata().row_groups();
    let leaves = metadata.parquet_schema();
    let first = first_leaves(leaves);
    let coded = |root: usize| {
        first.get(&root).is_some_and(|&leaf| {
            groups.iter().all(|group| group.column(leaf).dictionary_page_offset().is_some())
        })
    };
    let schema = metadata.schema();
    let field = |(at, field): (usize, &arrow_schema::FieldRef)| {
        let field = field.as_ref().clone();
        let text = matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8);
        if text && coded(at) {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            return field.with_data_type(coded);
        }
        field
    };
    let fields: Vec<_> = schema.fields().iter().enumerate().map(field).collect();
    let changed = fields.iter().zip(schema.fields()).any(|(new, old)| new != old.as_ref());
    changed.then(|| Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

impl ParquetSource {
    /// A reader of some consecutive row groups only, which decodes in some room.
    pub(super) fn open_groups(
        path: &Path,
        groups: Range<usize>,
        room: &Arc<Room>,
    ) -> Result<Self, Error> {
        footer_fits(path, room)?;
        let mut source = Self::open(path)?;
        source.room = Some(Arc::clone(room));
        if let State::Opened(builder) = source.state {
            let of_file = builder.metadata().row_groups();
            // Which there are was read before.
            if groups.end > of_file.len() {
                return Err(Error::ChangedWhileRead { path: path.to_owned() });
            }
            source.first_row = of_file[..groups.start].iter().map(rows_of).sum();
            let to_read = of_file[groups.clone()].iter().map(rows_of).sum();
            source.all_rows = source.all_rows.min(to_read);
            source.groups = groups.clone();
            source.state = State::Opened(Box::new(builder.with_row_groups(groups.collect())));
        }
        Ok(source)
    }

    /// The columns of the file that these stand in.
    fn roots(&self, columns: &[usize]) -> Vec<usize> {
        columns.iter().map(|&column| self.places[column].root).collect()
    }

    /// The first selected column with a compression that is not compiled in.
    fn check_codecs(&self, builder: &Builder) -> Result<(), Error> {
        for (column, leaf) in self.leaves(builder) {
            for group in builder.metadata().row_groups() {
                let codec = group.column(leaf).compression();
                let known = matches!(
                    codec,
                    Compression::UNCOMPRESSED
                        | Compression::SNAPPY
                        | Compression::GZIP(_)
                        | Compression::ZSTD(_)
                        | Compression::LZ4
                        | Compression::LZ4_RAW
                );
                if !known {
                    let codec = format!("{codec:?}");
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

    /// The leaves of the selected columns, in the order of the file.
    fn leaves(&self, builder: &Builder) -> Vec<(usize, usize)> {
        let schema = builder.parquet_schema();
        let selected = self.selected.iter().rev();
        let selected: HashMap<usize, usize> =
            selected.map(|&column| (self.places[column].root, column)).collect();
        let column = |leaf| Some((*selected.get(&schema.get_column_root_idx(leaf))?, leaf));
        (0..schema.num_columns()).filter_map(column).collect()
    }

    /// Refuses pages that are larger than any may be, or than there is room for, and reserves the room.
    /// Says how many rows fit into a batch.
    fn make_room(&mut self, builder: &Builder) -> Result<usize, Error> {
        let Ok(file) = File::open(&self.path) else {
            // Whoever reads it says why.
            return Ok(BATCH_ROWS);
        };
        let (mut decoding, mut value) = (0_u64, 0);
        for (column, leaf) in self.leaves(builder) {
            let mut sizes = Sizes::default();
            for group in self.groups.clone() {
                let chunk = builder.metadata().row_group(group).column(leaf);
                let of_group = headers::sizes(&file, chunk, Limit::Page.most() as u64);
                if of_group.page > Limit::Page.most() as u64 {
                    let place =
                        format!(" in column {:?}, row group {}", self.columns[column], group + 1);
                    let (file, limit) = (self.name.clone(), Limit::Page);
                    return Err(Error::TooLarge { file, limit, place });
                }
                sizes = sizes.or_larger(of_group);
            }
            decoding = decoding.saturating_add(sizes.decoding);
            value = value.max(sizes.value);
        }
        if let Some(room) = &self.room {
            let footer = FOOTER_HELD.saturating_mul(footer_of(&file).unwrap_or(0));
            let bytes = usize::try_from(decoding.saturating_add(footer)).unwrap_or(usize::MAX);
            let mend = "write the file with smaller pages and dictionaries (1 MiB is usual)";
            let refused = || no_room(&self.path, "decoding its pages", bytes, room, mend);
            self.reserved = Some(room.reserve(bytes).ok_or_else(refused)?);
        }
        let fit = BATCH_OF_ARROW / value.max(1);
        Ok(usize::try_from(fit).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS))
    }

    /// A failure in the rows after those read. The decoder does not say which column it failed
    /// in, so each is tried by itself.
    fn failed(&self, cause: &str) -> Error {
        let fails = |&&column: &&usize| {
            let tried = guarded(|| -> parquet::errors::Result<()> {
                let builder = Builder::try_new(File::open(&self.path)?)?;
                let root = self.places[column].root;
                let mask = ProjectionMask::roots(builder.parquet_schema(), [root]);
                let rows = usize::try_from(self.first_row + self.rows).unwrap_or(usize::MAX);
                let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
                for batch in reader.with_offset(rows).with_limit(BATCH_ROWS).build()? {
                    batch?;
                }
                Ok(())
            });
            tried.is_err()
        };
        let mut place = format!(" after row {}", self.first_row + self.rows);
        if let Some(&column) = self.selected.iter().find(fails) {
            place += &format!(" in column {:?}", self.columns[column]);
        }
        damaged(&self.name, place, &cause)
    }
}

/// Rows of a batch and their columns; `None` after the last.
type Columns = Option<(usize, Vec<Converted>)>;

impl ParquetSource {
    /// The next rows from their pages; `None` where they are not read so.
    fn next_of_pages(&mut self) -> Option<Columns> {
        let State::Pages(reader, _) = &mut self.state else {
            return None;
        };
        if let Ok(columns) = guarded(|| reader.next()) {
            let converted = |columns: Vec<Column>| columns.into_iter().map(Into::into).collect();
            return Some(columns.map(|(rows, columns)| (rows, converted(columns))));
        }
        // What is wrong with the rows, if anything, is for arrow-rs to say.
        if let State::Pages(_, builder) = std::mem::replace(&mut self.state, State::Failed(None)) {
            let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
            self.state = self.reading(builder.with_offset(rows));
        }
        None
    }

    fn next_of_arrow(&mut self) -> Result<Columns, Error> {
        let (reader, places) = match &mut self.state {
            State::Reading { reader, places } => (reader, places),
            State::Failed(error) => return error.take().map_or(Ok(None), Err),
            State::Opened(_) | State::Pages(..) => return Ok(None),
        };
        let columns = guarded(|| -> parquet::errors::Result<_> {
            let Some(batch) = reader.next().transpose()? else {
                return Ok(None);
            };
            let columns = places
                .iter_mut()
                .map(|((at, way), dictionary)| {
                    let array = columns::within(batch.column(*at), way)?;
                    Ok(columns::column(&array, dictionary))
                })
                .collect::<parquet::errors::Result<_>>()?;
            Ok(Some((batch.num_rows(), columns)))
        });
        columns.map_err(|cause| self.failed(&cause))
    }

    /// The state of reading by arrow-rs.
    fn reading(&self, builder: Builder) -> State {
        // Record batches hold the selected columns in the order of the file.
        let mut in_file_order = self.roots(&self.selected);
        in_file_order.sort_unstable();
        in_file_order.dedup();
        let place = |&column: &usize| {
            let Place { root, way } = &self.places[column];
            Some(((in_file_order.binary_search(root).ok()?, way.clone()), None))
        };
        let places = self.selected.iter().filter_map(place).collect();
        match guarded(|| builder.build()) {
            Ok(reader) => State::Reading { reader: Box::new(reader), places },
            Err(cause) => State::Failed(Some(damaged(&self.name, String::new(), &cause))),
        }
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
pub(crate) fn guarded<T, E: std::fmt::Display>(
    step: impl FnOnce() -> Result<T, E>,
) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done.map_err(|cause| cause.to_string()),
        Err(_) => Err("the decoder gave up".to_owned()),
    }
}

pub(crate) fn damaged(file: &str, place: String, cause: &dyn std::fmt::Display) -> Error {
    Error::Damaged { file: file.to_owned(), format: "Parquet", place, detail: cause.to_string() }
}

impl LogSource for ParquetSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn rows_before(&self) -> u64 {
        self.first_row
    }

    fn rows_left(&self) -> Option<u64> {
        self.all_rows.checked_sub(self.rows)
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
        let roots = self.roots(columns);
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
        let rows = match self.make_room(&builder) {
            Ok(rows) => rows,
            Err(error) => {
                self.state = State::Failed(Some(error));
                return;
            }
        };
        let pages = File::open(&self.path)
            .ok()
            .filter(|_| columns.iter().all(|&column| self.places[column].way.is_empty()))
            .and_then(|file| PageReader::of(&builder, file, &roots, self.groups.clone()));
        let builder = builder.with_projection(mask).with_batch_size(rows);
        self.state = match pages {
            Some(pages) => State::Pages(Box::new(pages), Box::new(builder)),
            None => self.reading(builder),
        };
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let columns = match self.next_of_pages() {
            Some(columns) => columns,
            None => self.next_of_arrow()?,
        };
        let Some((rows, columns)) = columns else {
            return Ok(None);
        };
        self.rows += rows as u64;
        let names = self.selected.iter().map(|&column| &*self.columns[column]);
        Ok(Some(converted::batch(names.zip(columns))))
    }
}
