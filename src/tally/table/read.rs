//! A Parquet file in the long form to plain rows: types, nulls and spellings are checked here,
//! what the rows say together in [`build`](super::build).

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::build::{CellName, Kind, LongRows, Names, Sums};
use super::key::{from_text, key_bits};
use super::{
    ARM, AXES_KEY, BUCKET_FUNCTION, BUCKETS_KEY, CLUSTER, COUNT, CROSS, IMPRESSIONS_KEY, KEPT_KEY,
    KIND, KIND_ALL, KIND_TAGGED, KIND_TOPIC, MASS, OWN, SCALE_KEY, SPEC_KEY, STRATUM, TOPIC,
    TableFault, TableFaultReason, VERSION, VERSION_KEY, WEIGHT_SCALE, WEIGHTS_KEY, WINDOW,
};
use crate::error::Error;
use crate::log::TextColumn;
use crate::question::keep::Keep;
use crate::source::parquet::{all_text, damaged, guarded};
use crate::tally::{Axes, Mass, Squares, StratifyBy, Tally, TallySpec, Weights};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 65_536;

impl Tally {
    /// Reads a tally that [`export`](Tally::export) wrote, or an engine that wrote the same
    /// [metadata](TallySpec::table_metadata).
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`]; [`Error::Version`]; [`Error::TableSpec`] for a file
    /// without metadata; [`Error::TableColumn`] for a column that is missing or of another type;
    /// [`Error::Table`] for a row that breaks a rule, above all one whose total is not the sum of
    /// its clusters; [`Error::TooManyCells`].
    pub fn import(path: impl AsRef<Path>) -> Result<Self, Error> {
        read(path.as_ref(), None)
    }

    /// Reads a table that another engine made for a spec with the query of [`TallySpec::sql`].
    /// Rows may stand in any order, and numbers in any type that holds them exactly: integers,
    /// decimals, or text.
    ///
    /// ```no_run
    /// use tiltmeter::tally::{Tally, TallySpec};
    /// let tally = Tally::import_as("tally.parquet", &TallySpec::default())?;
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Tally::import`]; [`Error::TableSpec`] too where the file says that it was made
    /// for another spec; [`Error::Parameter`] for a spec without or with impossible attention
    /// models.
    pub fn import_as(path: impl AsRef<Path>, spec: &TallySpec) -> Result<Self, Error> {
        read(path.as_ref(), Some(spec))
    }
}

fn read(path: &Path, expected: Option<&TallySpec>) -> Result<Tally, Error> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))
        .map_err(|cause| damaged(&name, " in the footer".into(), &cause))?;
    let about = TopicDefinition::of(&name, &builder, expected)?;
    about.spec.check()?;
    let columns = Columns::of(&name, &builder, about.spec.attentions.len())?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.in_file_order.clone());
    let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
    let mut reader =
        guarded(|| builder.build()).map_err(|cause| damaged(&name, String::new(), &cause))?;
    let mut rows = LongRows::new(&name, about.spec.attentions.len());
    loop {
        let place = || format!(" after row {}", rows.len());
        let batch = guarded(|| reader.next().transpose())
            .map_err(|cause| damaged(&name, place(), &cause))?;
        let Some(batch): Option<RecordBatch> = batch else {
            break;
        };
        Decoded::of(&name, &columns, &batch, &rows)?.push(&about.spec, &mut rows)?;
    }
    let mut tally = rows.tally(about.spec, about.axes.as_ref())?;
    tally.weigh(&about.weights);
    tally.of_rows(&about.kept);
    match about.impressions {
        Some(said) if said != tally.impressions => {
            let detail = format!("{said} impressions, where the rows have {}", tally.impressions);
            Err(damaged(&name, " in the metadata".into(), &detail))
        }
        _ => Ok(tally),
    }
}

/// What a table says of itself.
struct TopicDefinition {
    spec: TallySpec,
    axes: Option<Axes>,
    impressions: Option<u64>,
    /// Not known of a table that an engine made.
    weights: Weights,
    /// Which rows of a log it is of, if it says so.
    kept: Vec<Keep>,
}

impl TopicDefinition {
    fn of(
        file: &str,
        builder: &ParquetRecordBatchReaderBuilder<File>,
        expected: Option<&TallySpec>,
    ) -> Result<Self, Error> {
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let get = |key: &str| {
            let entry = entries.into_iter().flatten().find(|entry| entry.key == key)?;
            entry.value.as_deref()
        };
        fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
            serde_json::from_str(text)
                .map_err(|cause| damaged(file, " in the metadata".into(), &cause))
        }
        let differs = |found: &str, expected: Option<&TallySpec>| Error::TableSpec {
            file: file.to_owned(),
            found: found.to_owned(),
            expected: expected.map_or_else(|| "a spec".to_owned(), |spec| format!("{spec:?}")),
        };
        for (key, what, expected) in [
            (VERSION_KEY, "tally table", VERSION),
            (BUCKETS_KEY, "tally table, bucket function", BUCKET_FUNCTION),
            (SCALE_KEY, "tally table, weight scale", WEIGHT_SCALE),
        ] {
            if let Some(found) = get(key).filter(|found| *found != expected) {
                let found = found.to_owned();
                return Err(Error::Version { file: file.to_owned(), what, found, expected });
            }
        }
        let said = get(SPEC_KEY).map(|spec| parse::<TallySpec>(file, spec)).transpose()?;
        let spec = match (said, expected) {
            (None, None) => return Err(differs("nothing", None)),
            (Some(said), Some(expected)) if said != *expected => {
                return Err(differs(&format!("{said:?}"), Some(expected)));
            }
            (Some(said), _) => said,
            (None, Some(expected)) => expected.clone(),
        };
        let axes = get(AXES_KEY).map(|axes| parse::<Axes>(file, axes)).transpose()?;
        if axes.as_ref().is_some_and(|axes| !axes.are_in_order()) {
            let detail = "an axis is empty or not in ascending order";
            return Err(damaged(file, " in the metadata".into(), &detail));
        }
        let impressions = get(IMPRESSIONS_KEY).map(|said| parse(file, said)).transpose()?;
        let weights = get(WEIGHTS_KEY).map(|said| parse(file, said)).transpose()?;
        let kept = get(KEPT_KEY).map(|said| parse(file, said)).transpose()?.unwrap_or_default();
        Ok(Self { spec, axes, impressions, weights: weights.unwrap_or_default(), kept })
    }
}

/// The columns of a table and where they stand.
struct Columns {
    names: Vec<String>,
    /// By column of the file that is decoded, ascending.
    in_file_order: Vec<usize>,
    /// By name, its place among those decoded.
    places: Vec<usize>,
}

impl Columns {
    fn of(
        file: &str,
        builder: &ParquetRecordBatchReaderBuilder<File>,
        models: usize,
    ) -> Result<Self, Error> {
        let mut names: Vec<String> =
            [CLUSTER, ARM, STRATUM, WINDOW, KIND, TOPIC, COUNT].map(str::to_owned).into();
        for sums in [MASS, OWN, CROSS] {
            names.extend((0..models).map(|model| format!("{sums}{model}")));
        }
        let fields = builder.schema().fields();
        let find = |name: &String| {
            let mut at = (0..fields.len()).filter(|&at| fields[at].name() == name);
            match (at.next(), at.next()) {
                (Some(at), None) => Ok(at),
                (Some(_), Some(_)) => {
                    Err(Error::RepeatedColumn { file: file.to_owned(), column: name.clone() })
                }
                (None, _) => Err(Error::TableColumn {
                    file: file.to_owned(),
                    column: name.clone(),
                    found: "nothing, for it is absent".to_owned(),
                    expected: "what its name says",
                    mend: "make the table with the query of TallySpec::sql, for this spec",
                }),
            }
        };
        let in_file = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let mut in_file_order = in_file.clone();
        in_file_order.sort_unstable();
        let place = |at: &usize| in_file_order.partition_point(|before| before < at);
        let places = in_file.iter().map(place).collect();
        Ok(Self { names, in_file_order, places })
    }
}

/// A value of a column of whole numbers.
enum Whole {
    Null,
    Is(i128),
    /// No whole number, or none that fits.
    Not(String),
}

/// A batch of rows in plain types.
struct Decoded<'c> {
    file: &'c str,
    columns: &'c Columns,
    /// Rows before it.
    before: usize,
    cluster: TextColumn,
    arm: TextColumn,
    stratum: TextColumn,
    window: Vec<Whole>,
    kind: TextColumn,
    topic: TextColumn,
    count: Vec<Whole>,
    /// Masses, then squares, then products.
    sums: Vec<Vec<Whole>>,
}

impl<'c> Decoded<'c> {
    fn of(
        file: &'c str,
        columns: &'c Columns,
        batch: &RecordBatch,
        before: &LongRows,
    ) -> Result<Self, Error> {
        let array = |at: usize| batch.column(columns.places[at]);
        let refuse = |at: usize, expected, mend| Error::TableColumn {
            file: file.to_owned(),
            column: columns.names[at].clone(),
            found: array(at).data_type().to_string(),
            expected,
            mend,
        };
        let text = |at: usize| match guarded(|| all_text(array(at))) {
            Ok(Some(texts)) => Ok(texts),
            Ok(None) => Err(refuse(at, "text", "cast it to text")),
            Err(cause) => Err(damaged(file, format!(" after row {}", before.len()), &cause)),
        };
        let whole = |at: usize| {
            let mend = "cast it to DECIMAL(38, 0), BIGINT or text, which hold sums exactly";
            wholes(array(at)).ok_or_else(|| refuse(at, "whole numbers", mend))
        };
        Ok(Self {
            file,
            columns,
            before: before.len(),
            cluster: text(0)?,
            arm: text(1)?,
            stratum: text(2)?,
            window: whole(3)?,
            kind: text(4)?,
            topic: text(5)?,
            count: whole(6)?,
            sums: (7..columns.names.len()).map(whole).collect::<Result<_, _>>()?,
        })
    }

    fn push(&self, spec: &TallySpec, rows: &mut LongRows) -> Result<(), Error> {
        let bits = key_bits(&spec.cluster);
        let models = spec.attentions.len();
        for row in 0..self.window.len() {
            let fault = |at: usize, value: &str, reason| self.fault(row, at, value, reason);
            let key = match self.cluster.get(row) {
                Some(text) => Some(from_text(text, bits).map_err(|reason| fault(0, text, reason))?),
                None => None,
            };
            let cell = self.cell(row, spec, rows.names())?;
            let count = match self.whole(row, 6, &self.count)? {
                count @ ..=0 => {
                    return Err(fault(6, &count.to_string(), TableFaultReason::NotPositive));
                }
                count => u64::try_from(count)
                    .map_err(|_| fault(6, &count.to_string(), TableFaultReason::TooLarge))?,
            };
            let sum = |which: usize, model: usize, largest: u128| {
                let at = which * models + model;
                self.sum(row, 7 + at, &self.sums[at], largest.checked_mul(count.into()))
            };
            let mut sums = Sums { count, masses: Vec::with_capacity(models), squares: Vec::new() };
            for model in 0..models {
                sums.masses.push(sum(0, model, LARGEST_MASS)?);
                if key.is_none() {
                    let (own, cross) = (1, 2);
                    sums.squares.push(Squares {
                        own: sum(own, model, LARGEST_SQUARE)?,
                        cross: sum(cross, model, LARGEST_SQUARE)?,
                    });
                }
            }
            rows.push(key, cell, sums);
        }
        Ok(())
    }

    /// The arm, stratum, window, kind and topic of a row.
    fn cell(&self, row: usize, spec: &TallySpec, names: &mut Names) -> Result<CellName, Error> {
        let fault = |at: usize, value: &str, reason| self.fault(row, at, value, reason);
        let null = |at: usize| fault(at, "", TableFaultReason::Null);
        let arm = self.arm.get(row).ok_or_else(|| null(1))?;
        let stratum = self.stratum.get(row).unwrap_or_default();
        match spec.strata {
            StratifyBy::Nothing if stratum.is_empty() => {}
            StratifyBy::Nothing => return Err(fault(2, stratum, TableFaultReason::Unexpected)),
            _ if stratum.is_empty() => return Err(null(2)),
            _ => {}
        }
        let window = self.whole(row, 3, &self.window)?;
        let shown = window.to_string();
        let window =
            i64::try_from(window).map_err(|_| fault(3, &shown, TableFaultReason::NotAWindow))?;
        if spec.windows.start(window) != window {
            return Err(fault(3, &shown, TableFaultReason::NotAWindow));
        }
        let topic = self.topic.get(row);
        let kind = self.kind.get(row).ok_or_else(|| null(4))?;
        let kind = match (kind, topic) {
            (KIND_TOPIC, None | Some("")) => return Err(null(5)),
            (KIND_TOPIC, Some(topic)) => Kind::Topic(topic),
            (KIND_ALL, None | Some("")) => Kind::All,
            (KIND_TAGGED, None | Some("")) => Kind::Tagged,
            (KIND_ALL | KIND_TAGGED, Some(topic)) => {
                return Err(fault(5, topic, TableFaultReason::Unexpected));
            }
            (kind, _) => return Err(fault(4, kind, TableFaultReason::UnknownKind)),
        };
        names.cell(arm, stratum, window, kind)
    }

    fn whole(&self, row: usize, at: usize, column: &[Whole]) -> Result<i128, Error> {
        match &column[row] {
            Whole::Is(value) => Ok(*value),
            Whole::Null => Err(self.fault(row, at, "", TableFaultReason::Null)),
            Whole::Not(value) => Err(self.fault(row, at, value, TableFaultReason::NotWhole)),
        }
    }

    fn sum(
        &self,
        row: usize,
        at: usize,
        column: &[Whole],
        largest: Option<u128>,
    ) -> Result<Mass, Error> {
        let value = self.whole(row, at, column)?;
        let fault = |reason| self.fault(row, at, &value.to_string(), reason);
        let units = u128::try_from(value).map_err(|_| fault(TableFaultReason::Negative))?;
        match largest {
            Some(largest) if units > largest => Err(fault(TableFaultReason::TooLarge)),
            _ => Ok(Mass::from_units(units)),
        }
    }

    fn fault(&self, row: usize, at: usize, value: &str, reason: TableFaultReason) -> Error {
        Error::Table(Box::new(TableFault {
            file: self.file.to_owned(),
            column: self.columns.names[at].clone(),
            row: (self.before + row) as u64 + 1,
            value: value.chars().take(200).collect(),
            reason,
        }))
    }
}

/// The mass of an impression of the largest weight, in units.
const LARGEST_MASS: u128 = 1 << 63;
/// Its square.
const LARGEST_SQUARE: u128 = 1 << 86;

/// Whole numbers of any type that holds them exactly; `None` for other types.
fn wholes(array: &ArrayRef) -> Option<Vec<Whole>> {
    fn each<T: ArrowPrimitiveType>(
        array: &ArrayRef,
        value: impl Fn(T::Native) -> Whole,
    ) -> Vec<Whole> {
        array.as_primitive::<T>().iter().map(|v| v.map_or(Whole::Null, &value)).collect()
    }
    fn exact<T: ArrowPrimitiveType>(array: &ArrayRef) -> Vec<Whole>
    where
        i128: From<T::Native>,
    {
        each::<T>(array, |value| Whole::Is(value.into()))
    }
    Some(match array.data_type() {
        DataType::Int8 => exact::<Int8Type>(array),
        DataType::Int16 => exact::<Int16Type>(array),
        DataType::Int32 => exact::<Int32Type>(array),
        DataType::Int64 => exact::<Int64Type>(array),
        DataType::UInt8 => exact::<UInt8Type>(array),
        DataType::UInt16 => exact::<UInt16Type>(array),
        DataType::UInt32 => exact::<UInt32Type>(array),
        DataType::UInt64 => exact::<UInt64Type>(array),
        DataType::Decimal32(_, s) => each::<Decimal32Type>(array, |v| decimal(&v.to_string(), *s)),
        DataType::Decimal64(_, s) => each::<Decimal64Type>(array, |v| decimal(&v.to_string(), *s)),
        DataType::Decimal128(_, 0) => exact::<Decimal128Type>(array),
        DataType::Decimal128(_, s) => {
            each::<Decimal128Type>(array, |v| decimal(&v.to_string(), *s))
        }
        DataType::Decimal256(_, s) => {
            each::<Decimal256Type>(array, |v| decimal(&v.to_string(), *s))
        }
        DataType::Null => (0..array.len()).map(|_| Whole::Null).collect(),
        _ => {
            let texts = guarded(|| all_text(array)).ok().flatten()?;
            (0..array.len()).map(|row| texts.get(row).map_or(Whole::Null, of_text)).collect()
        }
    })
}

fn of_text(text: &str) -> Whole {
    text.trim().parse().map_or_else(|_| Whole::Not(text.to_owned()), Whole::Is)
}

/// A decimal number with so many digits after the point, from its digits.
fn decimal(digits: &str, scale: i8) -> Whole {
    let fraction = usize::try_from(scale).unwrap_or(0);
    let zeros = usize::from(scale.unsigned_abs()) - fraction;
    let whole = digits.len().saturating_sub(fraction);
    let (whole, fraction) = digits.split_at(whole);
    if fraction.bytes().any(|digit| digit != b'0') {
        return Whole::Not(format!("{whole}.{fraction}"));
    }
    match whole {
        "" | "-" => Whole::Is(0),
        "0" => Whole::Is(0),
        whole => of_text(&format!("{whole}{}", "0".repeat(zeros))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_whole_or_not() {
        let read = |digits, scale| match decimal(digits, scale) {
            Whole::Is(value) => Some(value),
            _ => None,
        };
        assert_eq!(read("12000", 3), Some(12));
        assert_eq!(read("12001", 3), None);
        assert_eq!(read("5", 3), None);
        assert_eq!(read("0", 3), Some(0));
        assert_eq!(read("-12000", 3), Some(-12));
        assert_eq!(read("12", -2), Some(1200));
        assert_eq!(read("0", -2), Some(0));
        assert_eq!(read(&"9".repeat(40), 0), None);
    }
}
