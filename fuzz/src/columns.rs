//! Parquet files taken apart into plain columns, mutated, and put together again. What the columns
//! mean is not known here.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt32Type,
};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::chance::Chance;
use crate::{json, odd};

/// A file as columns by name, and what it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<(String, Cells)>,
    pub(crate) metadata: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Cells {
    Text(Vec<Option<String>>),
    Lists(Vec<Vec<Option<String>>>),
    Real(Vec<Option<f64>>),
    Whole(Vec<Option<i64>>),
    Natural(Vec<Option<u64>>),
    Small(Vec<Option<u32>>),
    Moment(Vec<Option<i64>>),
    Decimal(Vec<Option<i128>>),
    Truth(Vec<Option<bool>>),
}

impl Table {
    /// Takes apart a sound file with columns of the kinds that the library writes. The reader may panic of one
    /// that is not: the library asks the headers of its pages first, and whoever mutates cannot.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        std::panic::catch_unwind(|| Self::of_sound(bytes)).ok().flatten()
    }

    fn of_sound(bytes: &[u8]) -> Option<Self> {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes)).ok()?;
        let said = reader.metadata().file_metadata().key_value_metadata().cloned();
        let metadata = said.unwrap_or_default().into_iter();
        let metadata = metadata.filter(|its| its.key != "ARROW:schema");
        let metadata = metadata.map(|its| (its.key, its.value.unwrap_or_default())).collect();
        let batch = reader.with_batch_size(1 << 16).build().ok()?.next()?.ok()?;
        let names =
            batch.schema().fields().iter().map(|its| its.name().clone()).collect::<Vec<_>>();
        let columns = names.into_iter().zip(batch.columns());
        let columns = columns.map(|(name, array)| Some((name, Cells::of(array)?)));
        Some(Self { columns: columns.collect::<Option<_>>()?, metadata })
    }

    /// Puts it together, if columns are of one length and differ in name.
    pub(crate) fn file(&self, chance: &mut Chance) -> Option<Vec<u8>> {
        let arrays = self.columns.iter().map(|(name, cells)| (name, cells.array()));
        let batch = RecordBatch::try_from_iter_with_nullable(
            arrays.map(|(name, array)| (name, array, true)),
        );
        let said = self.metadata.iter();
        let said = said.map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let statistics =
            [EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page];
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(*chance.pick(&[3, 1 << 16])))
            .set_dictionary_enabled(chance.one_in(2))
            .set_statistics_enabled(*chance.pick(&statistics))
            .set_key_value_metadata(Some(said))
            .build();
        let (batch, mut bytes) = (batch.ok()?, Vec::new());
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).ok()?;
        writer.write(&batch).ok()?;
        writer.close().ok()?;
        Some(bytes)
    }

    /// Changes a cell, a column or what the file says of itself.
    pub(crate) fn mutate(&mut self, chance: &mut Chance) {
        let column = chance.below(self.columns.len());
        match chance.below(12) {
            0 => self.rearrange(column, chance),
            1 | 2 if !self.metadata.is_empty() => {
                let its = chance.below(self.metadata.len());
                let value = &mut self.metadata[its].1;
                match json::text(value, chance) {
                    Some(text) => *value = text,
                    // Of another version there is nothing more to find.
                    None if chance.one_in(8) => *value = odd::cell(chance),
                    None => {}
                }
            }
            3 => {
                let (one, other) = (chance.next() as usize, chance.next() as usize);
                self.columns.iter_mut().for_each(|(_, cells)| cells.swap(one, other));
            }
            4 => {
                let (row, times) = (chance.next() as usize, 1 + chance.below(20));
                self.columns.iter_mut().for_each(|(_, cells)| cells.repeat(row, times));
            }
            _ => {
                if let Some((_, cells)) = self.columns.get_mut(column) {
                    cells.change(chance);
                }
            }
        }
    }

    fn rearrange(&mut self, column: usize, chance: &mut Chance) {
        let Some((name, cells)) = self.columns.get_mut(column) else { return };
        match chance.below(4) {
            0 => *name = odd::name(chance),
            1 => *cells = Cells::Text(cells.texts()),
            2 => drop(self.columns.remove(column)),
            _ => {
                let other = (odd::name(chance), cells.clone());
                self.columns.push(other);
            }
        }
    }
}

/// The same for cells of any kind.
macro_rules! each {
    ($cells:expr, $its:ident => $what:expr) => {
        match $cells {
            Cells::Text($its) => $what,
            Cells::Lists($its) => $what,
            Cells::Real($its) => $what,
            Cells::Whole($its) => $what,
            Cells::Natural($its) => $what,
            Cells::Small($its) => $what,
            Cells::Moment($its) => $what,
            Cells::Decimal($its) => $what,
            Cells::Truth($its) => $what,
        }
    };
}

fn swap<T>(cells: &mut [T], one: usize, other: usize) {
    if !cells.is_empty() {
        cells.swap(one % cells.len(), other % cells.len());
    }
}

fn repeat<T: Clone>(cells: &mut Vec<T>, row: usize, times: usize) {
    if !cells.is_empty() {
        let again = cells[row % cells.len()].clone();
        cells.extend(std::iter::repeat_n(again, times));
    }
}

fn texts_of<T: std::fmt::Debug>(cells: &[T]) -> Vec<Option<String>> {
    cells.iter().map(|cell| Some(format!("{cell:?}"))).collect()
}

fn texts_of_array(array: &StringArray) -> Vec<Option<String>> {
    array.iter().map(|text| text.map(str::to_owned)).collect()
}

impl Cells {
    fn of(array: &ArrayRef) -> Option<Self> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Some(Self::Text(texts_of_array(texts)));
        }
        if let Some(coded) = array.as_dictionary_opt::<Int32Type>() {
            let coded = coded.downcast_dict::<StringArray>()?;
            let texts = coded.into_iter().map(|text| text.map(str::to_owned));
            return Some(Self::Text(texts.collect()));
        }
        if let Some(lists) = array.as_list_opt::<i32>() {
            let texts = |list: ArrayRef| Some(texts_of_array(list.as_string_opt::<i32>()?));
            let lists = lists.iter().map(|list| list.map_or(Some(Vec::new()), texts));
            return Some(Self::Lists(lists.collect::<Option<_>>()?));
        }
        if let Some(truths) = array.as_boolean_opt() {
            return Some(Self::Truth(truths.iter().collect()));
        }
        let real =
            |array: &ArrayRef| Some(array.as_primitive_opt::<Float64Type>()?.iter().collect());
        let whole =
            |array: &ArrayRef| Some(array.as_primitive_opt::<Int64Type>()?.iter().collect());
        let small =
            |array: &ArrayRef| Some(array.as_primitive_opt::<UInt32Type>()?.iter().collect());
        let moment = |array: &ArrayRef| {
            Some(array.as_primitive_opt::<TimestampMicrosecondType>()?.iter().collect())
        };
        let decimal =
            |array: &ArrayRef| Some(array.as_primitive_opt::<Decimal128Type>()?.iter().collect());
        real(array)
            .map(Self::Real)
            .or_else(|| whole(array).map(Self::Whole))
            .or_else(|| small(array).map(Self::Small))
            .or_else(|| moment(array).map(Self::Moment))
            .or_else(|| decimal(array).map(Self::Decimal))
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Text(cells) => Arc::new(StringArray::from(cells.clone())),
            Self::Lists(lists) => {
                let mut builder = ListBuilder::new(StringBuilder::new());
                for list in lists {
                    list.iter().for_each(|text| builder.values().append_option(text.as_ref()));
                    builder.append(true);
                }
                Arc::new(builder.finish())
            }
            Self::Real(cells) => Arc::new(Float64Array::from(cells.clone())),
            Self::Whole(cells) => Arc::new(Int64Array::from(cells.clone())),
            Self::Natural(cells) => Arc::new(UInt64Array::from(cells.clone())),
            Self::Small(cells) => Arc::new(UInt32Array::from(cells.clone())),
            Self::Moment(cells) => {
                Arc::new(TimestampMicrosecondArray::from(cells.clone()).with_timezone("UTC"))
            }
            Self::Decimal(cells) => {
                let array = Decimal128Array::from(cells.clone());
                array
                    .clone()
                    .with_precision_and_scale(38, 0)
                    .map_or(Arc::new(array), |its| Arc::new(its))
            }
            Self::Truth(cells) => Arc::new(BooleanArray::from(cells.clone())),
        }
    }

    fn texts(&self) -> Vec<Option<String>> {
        each!(self, cells => texts_of(cells))
    }

    fn swap(&mut self, one: usize, other: usize) {
        each!(self, cells => swap(cells, one, other));
    }

    fn repeat(&mut self, row: usize, times: usize) {
        each!(self, cells => repeat(cells, row, times));
    }

    /// Puts something odd into a cell, or other kinds of numbers into a column of numbers.
    fn change(&mut self, chance: &mut Chance) {
        let number = odd::number(chance);
        let real = number.parse().unwrap_or(f64::NAN);
        let whole = number.parse().unwrap_or(real as i64);
        let row = each!(self, cells => chance.below(cells.len()));
        if each!(self, cells => cells.is_empty()) {
            return;
        }
        let null = chance.one_in(10);
        match self {
            Self::Text(cells) => cells[row] = (!null).then(|| odd::cell(chance)),
            Self::Lists(lists) if null => lists[row].clear(),
            Self::Lists(lists) => lists[row].push((!chance.one_in(8)).then(|| odd::name(chance))),
            Self::Real(cells) => cells[row] = (!null).then_some(real),
            Self::Whole(cells) if chance.one_in(12) => {
                *self =
                    Self::Natural(cells.iter().map(|its| its.map(i64::cast_unsigned)).collect());
            }
            Self::Whole(cells) if chance.one_in(12) => {
                *self = Self::Truth(cells.iter().map(|its| its.map(|its| its > 0)).collect());
            }
            Self::Whole(cells) | Self::Moment(cells) => cells[row] = (!null).then_some(whole),
            Self::Natural(cells) => cells[row] = (!null).then_some(whole.cast_unsigned()),
            Self::Small(cells) => cells[row] = (!null).then_some(whole as u32),
            Self::Decimal(cells) => {
                cells[row] = (!null).then(|| number.parse().unwrap_or(i128::from(whole)));
            }
            Self::Truth(cells) => cells[row] = None,
        }
    }
}
