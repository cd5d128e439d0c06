//! Arrow arrays as columns of the log's own types.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};

use super::super::converted::{self, Converted};
use crate::base::time::DAY;
use crate::log::{Column, FaultReason, SharedText, TextColumn};

/// An arrow array as a column of the log's own types.
pub(super) fn column(array: &ArrayRef, dictionary: &mut Option<KnownDictionary>) -> Converted {
    use Column::{Boolean, Float};
    let column = match array.data_type() {
        DataType::Int8 => whole::<Int8Type>(array, i64::from),
        DataType::Int16 => whole::<Int16Type>(array, i64::from),
        DataType::Int32 => whole::<Int32Type>(array, i64::from),
        DataType::Int64 => whole::<Int64Type>(array, |v| v),
        DataType::UInt8 => whole::<UInt8Type>(array, i64::from),
        DataType::UInt16 => whole::<UInt16Type>(array, i64::from),
        DataType::UInt32 => whole::<UInt32Type>(array, i64::from),
        DataType::UInt64 => unsigned(array),
        DataType::Float32 => Float(map::<Float32Type, _>(array, f64::from)),
        DataType::Float64 => Float(map::<Float64Type, _>(array, |v| v)),
        DataType::Decimal128(_, 0) => decimals(array.as_primitive::<Decimal128Type>().iter()),
        DataType::Decimal256(_, 0) => decimals(array.as_primitive::<Decimal256Type>().iter()),
        DataType::Decimal128(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            Float(map::<Decimal128Type, _>(array, |v| v as f64 / unit))
        }
        DataType::Boolean => Boolean(array.as_boolean().iter().collect()),
        DataType::Timestamp(_, Some(_)) => return times(array),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            return times(array).local();
        }
        DataType::FixedSizeBinary(UUID) => uuids(array),
        DataType::List(items) if items.data_type().is_integer() => {
            whole_lists(array, |row| array.as_list::<i32>().value(row))
        }
        DataType::LargeList(items) if items.data_type().is_integer() => {
            whole_lists(array, |row| array.as_list::<i64>().value(row))
        }
        DataType::List(items) if holds_text(items.data_type()) => {
            return lists(array, |row| array.as_list::<i32>().value(row));
        }
        DataType::LargeList(items) if holds_text(items.data_type()) => {
            return lists(array, |row| array.as_list::<i64>().value(row));
        }
        _ => {
            if let Some(shared) = shared(array, dictionary) {
                return Column::Shared(shared).into();
            }
            if let Some(texts) = texts(array) {
                return texts.into();
            }
            Column::Unsupported { type_name: array.data_type().to_string(), rows: array.len() }
        }
    };
    column.into()
}

/// The bytes of a UUID.
const UUID: i32 = 16;

/// UUIDs as they are written: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn uuids(array: &ArrayRef) -> Column {
    let mut texts = TextColumn::default();
    for bytes in array.as_fixed_size_binary() {
        let text = bytes.map(|bytes| {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        });
        texts.push(text.as_deref());
    }
    Column::Text(texts)
}

/// Decimal numbers without decimals: whole numbers, or their digits where one has more than 64 bits.
fn decimals<N: ToString>(values: impl Iterator<Item = Option<N>>) -> Column {
    let texts: Vec<Option<String>> =
        values.map(|value| value.map(|value| value.to_string())).collect();
    let whole = texts.iter().map(|text| text.as_ref().map(|text| text.parse::<i64>()).transpose());
    match whole.collect::<Result<Vec<_>, _>>() {
        Ok(whole) => Column::Integer(whole),
        Err(_) => Column::Text(texts.iter().map(Option::as_deref).collect()),
    }
}

/// Lists of whole numbers as lists of their digits.
fn whole_lists(array: &ArrayRef, list: impl Fn(usize) -> ArrayRef) -> Column {
    let digits = |items: ArrayRef| -> Vec<String> {
        match column(&items, &mut None).column {
            Column::Whole(values) => values.iter().map(i64::to_string).collect(),
            Column::Integer(values) => values.iter().flatten().map(i64::to_string).collect(),
            Column::Text(texts) => {
                (0..texts.len()).filter_map(|at| texts.get(at)).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    };
    let read = |row| array.is_valid(row).then(|| digits(list(row)));
    Column::TextList((0..array.len()).map(read).collect())
}

/// The field of an object that a way leads to; null where an object on the way is.
pub(super) fn within(array: &ArrayRef, way: &[usize]) -> parquet::errors::Result<ArrayRef> {
    let mut array = Arc::clone(array);
    for &at in way {
        let object = array.as_struct();
        let field = Arc::clone(object.column(at));
        let nulls = NullBuffer::union(object.nulls(), field.nulls());
        let data = field.to_data().into_builder().nulls(nulls).build()?;
        array = arrow_array::make_array(data);
    }
    Ok(array)
}

/// Whole numbers; without room for nulls where there are none.
fn whole<T: ArrowPrimitiveType>(array: &ArrayRef, value: impl Fn(T::Native) -> i64) -> Column {
    if array.null_count() > 0 {
        return Column::Integer(map::<T, _>(array, value));
    }
    Column::Whole(array.as_primitive::<T>().values().iter().map(|v| value(*v)).collect())
}

/// The dictionary of the array before, as it came and as texts.
pub(super) struct KnownDictionary {
    array: ArrayRef,
    texts: Arc<TextColumn>,
}

/// A dictionary array with 32-bit keys and sound texts; `None` for any other.
fn shared(array: &ArrayRef, known: &mut Option<KnownDictionary>) -> Option<SharedText> {
    let array = array.as_any().downcast_ref::<DictionaryArray<Int32Type>>()?;
    let values = array.values();
    // Batches of one row group come with the same dictionary, not only an equal one.
    let same = |known: &&KnownDictionary| known.array.to_data().ptr_eq(&values.to_data());
    let texts = match known.as_ref().filter(same) {
        Some(known) => Arc::clone(&known.texts),
        None => {
            let read = texts(values)?;
            if !read.faulty.is_empty() {
                return None;
            }
            let texts = Arc::new(read.texts);
            *known = Some(KnownDictionary { array: Arc::clone(values), texts: Arc::clone(&texts) });
            texts
        }
    };
    // A negative key becomes one past the end, which is a null.
    let keys = array.keys();
    let keys = if keys.null_count() == 0 {
        keys.values().iter().map(|key| *key as u32).collect()
    } else {
        keys.iter().map(|key| key.map_or(SharedText::NULL, |key| key as u32)).collect()
    };
    Some(SharedText { texts, keys })
}

fn map<T: ArrowPrimitiveType, V>(
    array: &ArrayRef,
    value: impl Fn(T::Native) -> V,
) -> Vec<Option<V>> {
    array.as_primitive::<T>().iter().map(|v| v.map(&value)).collect()
}

/// Dates and timestamps, in microseconds.
fn times(array: &ArrayRef) -> Converted {
    fn scaled<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, unit: i64) -> Converted {
        converted::times(array.as_primitive::<T>().iter(), |time| time.checked_mul(unit))
    }
    match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().iter().map(|day| day.map(i64::from));
            converted::times(days, |day| day.checked_mul(DAY))
        }
        DataType::Date64 => scaled::<Date64Type>(array, 1_000),
        DataType::Timestamp(TimeUnit::Second, _) => scaled::<TimestampSecondType>(array, 1_000_000),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled::<TimestampMillisecondType>(array, 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            scaled::<TimestampMicrosecondType>(array, 1)
        }
        _ => Column::Timestamp(map::<TimestampNanosecondType, _>(array, |v| v.div_euclid(1_000)))
            .into(),
    }
}

/// Unsigned 64-bit numbers; as text where they do not fit a signed one (ids often do not).
fn unsigned(array: &ArrayRef) -> Column {
    let values = array.as_primitive::<UInt64Type>();
    if values.iter().flatten().all(|v| i64::try_from(v).is_ok()) {
        return whole::<UInt64Type>(array, |v| v as i64);
    }
    let mut texts = TextColumn::default();
    for value in values {
        texts.push(value.map(|v| v.to_string()).as_deref());
    }
    Column::Text(texts)
}

/// Whether items of this type can be read as text. Lists that are all empty have no type.
fn holds_text(items: &DataType) -> bool {
    match items {
        DataType::Dictionary(_, values) => holds_text(values),
        DataType::Null => true,
        other => other.is_string() || other.is_binary(),
    }
}

/// Text, with nulls in the rows whose bytes are not UTF-8, and what stands there.
#[derive(Default)]
struct Texts {
    texts: TextColumn,
    faulty: Vec<(usize, String)>,
}

impl Texts {
    fn of_bytes<'b>(bytes: impl Iterator<Item = Option<&'b [u8]>>) -> Self {
        let mut read = Self::default();
        for (row, bytes) in bytes.enumerate() {
            match bytes.map(std::str::from_utf8).transpose() {
                Ok(text) => read.texts.push(text),
                Err(_) => {
                    let shown = String::from_utf8_lossy(bytes.unwrap_or_default());
                    read.faulty.push((row, shown.into_owned()));
                    read.texts.push(None);
                }
            }
        }
        read
    }

    /// The text of each row's key into these values.
    fn by_key(&self, keys: impl Iterator<Item = Option<usize>>) -> Self {
        let mut read = Self::default();
        for (row, key) in keys.enumerate() {
            read.texts.push(key.and_then(|key| self.texts.get(key)));
            // They are in order.
            let at = self.faulty.binary_search_by_key(&key, |(value, _)| Some(*value));
            read.faulty.extend(at.map(|at| (row, self.faulty[at].1.clone())));
        }
        read
    }
}

impl From<Texts> for Converted {
    fn from(Texts { texts, faulty }: Texts) -> Self {
        let fault = |(row, shown)| (row, shown, FaultReason::NotUtf8);
        Self { column: Column::Text(texts), faults: faulty.into_iter().map(fault).collect() }
    }
}

/// Text of any physical form, if all of it is text; `None` for arrays that hold none.
pub(crate) fn all_text(array: &dyn Array) -> Result<Option<TextColumn>, String> {
    let Some(Texts { texts, faulty }) = texts(array) else {
        return Ok(None);
    };
    match faulty.first() {
        Some((_, shown)) => Err(format!("{shown:?} is not UTF-8")),
        None => Ok(Some(texts)),
    }
}

/// Text of any physical form; `None` for arrays that hold no text.
fn texts(array: &dyn Array) -> Option<Texts> {
    let texts = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        DataType::Utf8View => array.as_string_view().iter().collect(),
        DataType::Null => (0..array.len()).map(|_| None).collect(),
        DataType::Binary => return Some(Texts::of_bytes(array.as_binary::<i32>().iter())),
        DataType::LargeBinary => return Some(Texts::of_bytes(array.as_binary::<i64>().iter())),
        DataType::BinaryView => return Some(Texts::of_bytes(array.as_binary_view().iter())),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values())?;
            // Arrow finds no keys where there are no values; every row is then a null.
            let keys = match dictionary.values().is_empty() {
                true => vec![0; array.len()],
                false => dictionary.normalized_keys(),
            };
            let keys = keys.into_iter().enumerate();
            return Some(values.by_key(keys.map(|(row, key)| array.is_valid(row).then_some(key))));
        }
        _ => return None,
    };
    Some(Texts { texts, faulty: Vec::new() })
}

fn lists(array: &dyn Array, list: impl Fn(usize) -> ArrayRef) -> Converted {
    let mut faults = Vec::new();
    let read = |row| {
        let items = array.is_valid(row).then(|| texts(&list(row))).flatten()?;
        if let Some((_, shown)) = items.faulty.into_iter().next() {
            faults.push((row, shown, FaultReason::NotUtf8));
            return None;
        }
        let items = (0..items.texts.len()).filter_map(|at| items.texts.get(at));
        Some(items.map(str::to_owned).collect())
    };
    let column = Column::TextList((0..array.len()).map(read).collect());
    Converted { column, faults }
}
