//! Flat columns straight from their pages: whole numbers, and text that is kept in dictionaries. Keys
//! into a dictionary stay keys, so that what stands in it is looked at once. Whatever this does not
//! know, and whatever it finds wrong, is left to arrow-rs, which reads the same rows again.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::DataType;
use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::super::BATCH_ROWS;
use super::packed::{Fault, Packed};
use super::{Builder, first_leaves, rows_of};
use crate::log::{Column, SharedNumbers, SharedText, TextColumn};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole32,
    Whole64,
    Text,
}

/// A column that can be read from its pages.
#[derive(Clone, Copy, Debug)]
struct Flat {
    leaf: usize,
    kind: Kind,
    /// Whether it may have nulls.
    optional: bool,
}

impl Flat {
    /// The column of a file, if it is flat and of a kind and in encodings that are known here.
    fn of(builder: &Builder, column: usize, leaf: Option<&usize>) -> Option<Self> {
        let leaves = builder.parquet_schema();
        let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8);
        let (kind, stored) = match builder.schema().field(column).data_type() {
            DataType::Int32 => (Kind::Whole32, Type::INT32),
            DataType::Int64 => (Kind::Whole64, Type::INT64),
            DataType::Dictionary(keys, texts) if **keys == DataType::Int32 && is_text(texts) => {
                (Kind::Text, Type::BYTE_ARRAY)
            }
            text if is_text(text) => (Kind::Text, Type::BYTE_ARRAY),
            _ => return None,
        };
        let leaf = *leaf?;
        let about = leaves.column(leaf);
        let is_flat = about.path().parts().len() == 1 && about.max_rep_level() == 0;
        let is_known = |encoding| {
            use Encoding::{PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
            matches!(encoding, PLAIN | PLAIN_DICTIONARY | RLE | RLE_DICTIONARY)
        };
        let groups = builder.metadata().row_groups();
        let known = groups.iter().all(|group| group.column(leaf).encodings().all(is_known));
        let optional = about.max_def_level() == 1;
        (is_flat && known && about.max_def_level() <= 1 && about.physical_type() == stored)
            .then_some(Self { leaf, kind, optional })
    }
}

/// Reads columns from their pages, row group by row group.
pub(super) struct PageReader {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    flat: Vec<Flat>,
    groups: Range<usize>,
    /// The columns of the row group that is being read, and its rows that were not.
    open: Vec<ColumnPages>,
    left: usize,
}

impl PageReader {
    /// A reader of columns of some row groups; `None` if one of the columns cannot be read so.
    pub(super) fn of(
        builder: &Builder,
        file: File,
        columns: &[usize],
        groups: Range<usize>,
    ) -> Option<Self> {
        let first = first_leaves(builder.parquet_schema());
        let flat = columns.iter().map(|column| Flat::of(builder, *column, first.get(column)));
        Some(Self {
            file: Arc::new(file),
            metadata: Arc::clone(builder.metadata()),
            flat: flat.collect::<Option<_>>()?,
            groups,
            open: Vec::new(),
            left: 0,
        })
    }

    /// The next rows, all of one row group, and how many they are.
    pub(super) fn next(&mut self) -> Result<Option<(usize, Vec<Column>)>, Fault> {
        while self.left == 0 {
            let Some(group) = self.groups.next() else {
                return Ok(None);
            };
            let group = self.metadata.row_group(group);
            self.left = usize::try_from(rows_of(group))?;
            let open = |&flat| ColumnPages::open(flat, &self.file, group);
            self.open = self.flat.iter().map(open).collect::<Result<_, _>>()?;
        }
        let rows = self.left.min(BATCH_ROWS);
        let columns = self.open.iter_mut().map(|column| column.read(rows));
        let columns = columns.collect::<Result<_, _>>()?;
        self.left -= rows;
        if self.left == 0 {
            self.open.iter_mut().try_for_each(ColumnPages::end)?;
        }
        Ok(Some((rows, columns)))
    }
}

/// The pages of one column in one row group.
struct ColumnPages {
    flat: Flat,
    pages: SerializedPageReader<File>,
    dictionary: Option<Dictionary>,
    page: Option<OpenPage>,
    levels: Vec<u32>,
}

enum Dictionary {
    Numbers(Arc<Vec<i64>>),
    Texts(Arc<TextColumn>),
}

/// A page that is being read.
struct OpenPage {
    page: Page,
    /// Rows not read yet.
    left: usize,
    /// By row, 1 for a value and 0 for a null.
    levels: Option<Packed>,
    values: Values,
}

enum Values {
    /// Keys into the dictionary.
    Keys(Packed),
    /// Values as they are, from a byte on.
    Plain(usize),
}

/// Rows of a batch.
enum Rows {
    /// Keys into the dictionary; one past its end is a null.
    Keys(Vec<u32>),
    /// Numbers without nulls.
    Whole(Vec<i64>),
    Numbers(Vec<Option<i64>>),
}

impl ColumnPages {
    fn open(flat: Flat, file: &Arc<File>, group: &RowGroupMetaData) -> Result<Self, Fault> {
        let rows = usize::try_from(rows_of(group))?;
        let pages =
            SerializedPageReader::new(Arc::clone(file), group.column(flat.leaf), rows, None)?;
        Ok(Self { flat, pages, dictionary: None, page: None, levels: Vec::new() })
    }

    /// Refuses what comes after the last row.
    fn end(&mut self) -> Result<(), Fault> {
        match self.page.as_ref().map_or(0, |page| page.left) {
            0 if self.pages.next().is_none() => Ok(()),
            _ => Err("more rows than the row group has".into()),
        }
    }

    /// The next rows.
    fn read(&mut self, rows: usize) -> Result<Column, Fault> {
        let mut into = Rows::Keys(Vec::with_capacity(rows));
        let mut left = rows;
        while left > 0 {
            let Some(page) = self.page.as_mut().filter(|page| page.left > 0) else {
                self.turn()?;
                continue;
            };
            let taken = left.min(page.left);
            page.read_levels(taken, &mut self.levels)?;
            match (&mut page.values, &self.dictionary) {
                (Values::Keys(packed), Some(dictionary)) => {
                    let bytes = page.page.buffer();
                    into.add_keys(bytes, packed, taken, &self.levels, dictionary)?;
                }
                (Values::Plain(start), dictionary) => {
                    let of_page = page.page.buffer().get(*start..).ok_or(CUT_OFF)?;
                    let bytes = self.flat.kind.bytes(present(taken, &self.levels), of_page)?;
                    *start += bytes.len();
                    into.add_plain(self.flat.kind, bytes, &self.levels, dictionary.as_ref())?;
                }
                (Values::Keys(_), None) => return Err("keys without a dictionary".into()),
            }
            page.left -= taken;
            left -= taken;
        }
        match (into, &self.dictionary) {
            (Rows::Keys(keys), Some(dictionary)) => Ok(dictionary.column(keys)),
            (Rows::Keys(_), None) => Err("keys without a dictionary".into()),
            (Rows::Whole(numbers), _) => Ok(Column::Whole(numbers)),
            (Rows::Numbers(numbers), _) => Ok(Column::Integer(numbers)),
        }
    }

    /// Opens the next page.
    fn turn(&mut self) -> Result<(), Fault> {
        // Its memory is for the next.
        self.page = None;
        let page = self.pages.next().ok_or("fewer rows than the row group has")??;
        if let Page::DictionaryPage { buf, num_values, encoding, .. } = &page {
            let is_known = matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY);
            if self.dictionary.is_some() || !is_known {
                return Err("a dictionary of an unknown kind".into());
            }
            self.dictionary = Some(Dictionary::of(self.flat.kind, buf, *num_values as usize)?);
            return Ok(());
        }
        self.page = Some(OpenPage::of(page, self.flat.optional)?);
        Ok(())
    }
}

const CUT_OFF: &str = "a page cut off";

/// How many of some rows have a value.
fn present(rows: usize, levels: &[u32]) -> usize {
    if levels.is_empty() { rows } else { levels.iter().filter(|level| **level == 1).count() }
}

impl OpenPage {
    fn of(page: Page, optional: bool) -> Result<Self, Fault> {
        // Levels stand before the values: with their length in the older form of pages, which is in
        // the header in the newer one.
        let (rows, encoding, levels) = match &page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let levels = if optional {
                    if *def_level_encoding != Encoding::RLE {
                        return Err("levels of an unknown kind".into());
                    }
                    let length = buf.first_chunk().copied().ok_or(CUT_OFF)?;
                    4..4 + u32::from_le_bytes(length) as usize
                } else {
                    0..0
                };
                (*num_values, *encoding, levels)
            }
            Page::DataPageV2 {
                num_values,
                encoding,
                def_levels_byte_len: levels,
                rep_levels_byte_len: 0,
                ..
            } => (*num_values, *encoding, 0..*levels as usize),
            _ => return Err("a page of an unknown kind".into()),
        };
        let bytes = page.buffer();
        let values = match encoding {
            Encoding::PLAIN => Values::Plain(levels.end),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                // A page of nulls alone may end here.
                let width = bytes.get(levels.end).copied().unwrap_or(0);
                Values::Keys(Packed::new(width.into(), levels.end + 1)?)
            }
            _ => return Err("values in an unknown encoding".into()),
        };
        let levels = if optional { Some(Packed::new(1, levels.start)?) } else { None };
        Ok(Self { left: rows as usize, levels, values, page })
    }

    /// By row, 1 for a value and 0 for a null; nothing where there are no nulls.
    fn read_levels(&mut self, rows: usize, into: &mut Vec<u32>) -> Result<(), Fault> {
        into.clear();
        if let Some(levels) = &mut self.levels {
            levels.read(self.page.buffer(), rows, into)?;
            if into.iter().all(|level| *level == 1) {
                into.clear();
            }
        }
        Ok(())
    }
}

impl Kind {
    /// The bytes of so many plain values, from those that begin with them.
    fn bytes(self, values: usize, bytes: &[u8]) -> Result<&[u8], Fault> {
        let size = match self {
            Self::Whole32 => 4,
            Self::Whole64 => 8,
            // Text without a dictionary is seldom the same twice; arrow-rs reads it as well.
            Self::Text => return Err("text without a dictionary".into()),
        };
        let length = values.checked_mul(size).ok_or(CUT_OFF)?;
        Ok(bytes.get(..length).ok_or(CUT_OFF)?)
    }

    /// Plain whole numbers.
    fn numbers(self, bytes: &[u8]) -> impl Iterator<Item = i64> {
        let narrow = if self == Self::Whole32 { bytes } else { &[] };
        let wide = if self == Self::Whole64 { bytes } else { &[] };
        let narrow = narrow.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes).into());
        narrow.chain(wide.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)))
    }
}

impl Dictionary {
    fn of(kind: Kind, bytes: &[u8], values: usize) -> Result<Self, Fault> {
        if kind != Kind::Text {
            let bytes = kind.bytes(values, bytes)?;
            return Ok(Self::Numbers(Arc::new(kind.numbers(bytes).collect())));
        }
        let mut texts = TextColumn::default();
        let mut rest = bytes;
        for _ in 0..values {
            let (length, from) = rest.split_first_chunk().ok_or(CUT_OFF)?;
            let length = u32::from_le_bytes(*length) as usize;
            let (text, from) = from.split_at_checked(length).ok_or(CUT_OFF)?;
            texts.push(Some(std::str::from_utf8(text)?));
            rest = from;
        }
        Ok(Self::Texts(Arc::new(texts)))
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    fn column(&self, keys: Vec<u32>) -> Column {
        match self {
            Self::Numbers(numbers) => {
                Column::SharedWhole(SharedNumbers { numbers: Arc::clone(numbers), keys })
            }
            Self::Texts(texts) => Column::Shared(SharedText { texts: Arc::clone(texts), keys }),
        }
    }

    /// The number of a key; `None` for a null.
    fn number(&self, key: u32) -> Option<i64> {
        match self {
            Self::Numbers(numbers) => numbers.get(key as usize).copied(),
            Self::Texts(_) => None,
        }
    }
}

impl Rows {
    /// Adds rows from their keys.
    fn add_keys(
        &mut self,
        bytes: &[u8],
        packed: &mut Packed,
        rows: usize,
        levels: &[u32],
        dictionary: &Dictionary,
    ) -> Result<(), Fault> {
        let mut of_rows = Vec::new();
        let mine = matches!(self, Self::Keys(_));
        let keys = match self {
            Self::Keys(keys) => keys,
            _ => &mut of_rows,
        };
        let first = keys.len();
        packed.read(bytes, present(rows, levels), keys)?;
        let most = keys[first..].iter().copied().max();
        if most.is_some_and(|most| most as usize >= dictionary.len()) {
            return Err("a key that the dictionary does not have".into());
        }
        spread(keys, first, levels, SharedNumbers::NULL);
        if !mine {
            let numbers = of_rows.into_iter().map(|key| dictionary.number(key));
            self.numbers(Some(dictionary)).extend(numbers);
        }
        Ok(())
    }

    /// Adds rows from their plain values.
    fn add_plain(
        &mut self,
        kind: Kind,
        bytes: &[u8],
        levels: &[u32],
        dictionary: Option<&Dictionary>,
    ) -> Result<(), Fault> {
        if matches!(self, Self::Keys(keys) if keys.is_empty()) {
            *self = Self::Whole(Vec::with_capacity(BATCH_ROWS));
        }
        match self {
            Self::Whole(numbers) if levels.is_empty() => numbers.extend(kind.numbers(bytes)),
            _ => {
                let numbers = self.numbers(dictionary);
                let first = numbers.len();
                numbers.extend(kind.numbers(bytes).map(Some));
                spread(numbers, first, levels, None);
            }
        }
        Ok(())
    }

    /// Itself as numbers, of which some may be nulls.
    fn numbers(&mut self, dictionary: Option<&Dictionary>) -> &mut Vec<Option<i64>> {
        let number = |key: &u32| dictionary.and_then(|dictionary| dictionary.number(*key));
        match self {
            Self::Keys(keys) => *self = Self::Numbers(keys.iter().map(number).collect()),
            Self::Whole(numbers) => {
                *self = Self::Numbers(numbers.iter().copied().map(Some).collect());
            }
            Self::Numbers(_) => {}
        }
        match self {
            Self::Numbers(numbers) => numbers,
            _ => unreachable!("made so above"),
        }
    }
}

/// Moves the values from `first` on apart, so that a blank stands in each row whose level is 0.
fn spread<T: Copy>(values: &mut Vec<T>, first: usize, levels: &[u32], blank: T) {
    if levels.is_empty() {
        return;
    }
    let mut from = values.len();
    values.resize(first + levels.len(), blank);
    for (row, level) in levels.iter().enumerate().rev() {
        values[first + row] = if *level == 1 {
            from -= 1;
            values[from]
        } else {
            blank
        };
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    };
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

    use super::super::{ParquetSource, State};
    use super::*;
    use crate::log::LogSource;

    const ROWS: usize = 40_000;

    /// Whole numbers of both lengths and texts, plain and from dictionaries, with nulls and without.
    fn batch() -> RecordBatch {
        let number = |row: usize| ((row * 2_654_435_761) >> 7) % 9_000;
        let some = |row: usize| (!number(row).is_multiple_of(11)).then(|| number(row));
        let rows = || 0..ROWS;
        let text = |row: usize| format!("topic {}", number(row) % 37);
        let all: Int64Array = rows().map(|row| number(row) as i64 - 70).collect::<Vec<_>>().into();
        let wide: Int64Array = rows().map(|row| some(row).map(|n| -(n as i64) << 33)).collect();
        let narrow: Int32Array = rows().map(|row| some(row).map(|n| n as i32 - 9)).collect();
        let late: Int64Array = rows().map(|row| (row > 30_000).then_some(7)).collect();
        let texts: StringArray = rows().map(|row| some(row).map(|_| text(row))).collect();
        let coded: Vec<String> = rows().map(text).collect();
        let coded: DictionaryArray<Int32Type> = coded.iter().map(|text| &**text).collect();
        let columns: [(&str, ArrayRef); 6] = [
            ("all", Arc::new(all)),
            ("wide", Arc::new(wide)),
            ("narrow", Arc::new(narrow)),
            ("late", Arc::new(late)),
            ("texts", Arc::new(texts)),
            ("coded", Arc::new(coded)),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn value(column: &Column, row: usize) -> Option<String> {
        match column {
            Column::Whole(values) => Some(values[row].to_string()),
            Column::Integer(values) => values[row].map(|value| value.to_string()),
            Column::SharedWhole(shared) => shared.get(row).map(|value| value.to_string()),
            Column::Shared(shared) => shared.get(row).map(str::to_owned),
            Column::Text(texts) => texts.get(row).map(str::to_owned),
            other => panic!("{other:?}"),
        }
    }

    /// All rows, column by column, and whether pages were read to the end.
    fn read(path: &std::path::Path, by_arrow: bool) -> (Vec<Vec<Option<String>>>, bool) {
        let mut source = ParquetSource::open(path).unwrap();
        let columns: Vec<usize> = (0..source.column_names().len()).collect();
        source.select(&columns);
        if by_arrow {
            let builder = match std::mem::replace(&mut source.state, State::Failed(None)) {
                State::Pages(_, builder) | State::Opened(builder) => builder,
                _ => panic!("no column was to be read by arrow-rs alone"),
            };
            source.state = source.reading(*builder);
        }
        let mut all = vec![Vec::new(); columns.len()];
        while let Some(batch) = source.next_batch().unwrap() {
            for (all, column) in all.iter_mut().zip(&batch.columns) {
                all.extend((0..column.len()).map(|row| value(column, row)));
            }
        }
        (all, matches!(source.state, State::Pages(..)))
    }

    fn written(properties: WriterPropertiesBuilder) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.parquet");
        let batch = batch();
        let (file, properties) = (File::create(&path).unwrap(), properties.build());
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        (folder, path)
    }

    /// arrow-rs on the same files: in both forms of pages, in row groups that end within batches,
    /// without dictionaries for numbers, and with dictionaries that are full after some pages.
    #[test]
    fn pages_hold_what_arrow_reads() {
        let plain = || WriterProperties::builder().set_data_page_row_count_limit(3_000);
        let numbers = ["all", "wide", "narrow", "late"];
        let without = |properties: WriterPropertiesBuilder| {
            numbers.iter().fold(properties, |properties, &name| {
                properties.set_column_dictionary_enabled(name.into(), false)
            })
        };
        let files = [
            plain(),
            plain().set_writer_version(WriterVersion::PARQUET_2_0),
            plain().set_max_row_group_row_count(Some(17_001)),
            without(plain()),
            plain().set_dictionary_page_size_limit(20_000).set_write_batch_size(512),
        ];
        for (at, properties) in files.into_iter().enumerate() {
            let (_folder, path) = written(properties);
            let (by_pages, to_the_end) = read(&path, false);
            assert!(to_the_end, "file {at} was left to arrow-rs");
            assert_eq!(by_pages[0].len(), ROWS);
            assert!(by_pages == read(&path, true).0, "file {at}");
        }
    }

    /// Text whose dictionary is full goes on as plain text, which arrow-rs reads from there on.
    #[test]
    fn what_pages_cannot_give_arrow_reads_on() {
        let full = WriterProperties::builder().set_dictionary_page_size_limit(100);
        let full = full.set_write_batch_size(256).set_data_page_row_count_limit(3_000);
        let (_folder, path) = written(full);
        let (read_on, to_the_end) = read(&path, false);
        assert!(!to_the_end);
        assert!(read_on == read(&path, true).0);
    }
}
