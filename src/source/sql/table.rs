//! Any source as a table of the engine.

use std::collections::HashSet;

use polars::prelude::{
    DataFrame, DataType, Int64Chunked, IntoSeries, ListBuilderTrait, ListStringChunkedBuilder,
    NamedFrom, NewChunkedArray, PlSmallStr, PolarsResult, Series, TimeUnit, TimeZone,
};

use crate::error::Error;
use crate::error::row::{RowFault, excerpt};
use crate::log::{Column, Found, LogSource, MixedValue, TextColumn, each_text};

/// Which source a row is of.
const FILE: &str = "file";

/// Columns by their names, all of one length.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<(String, Vec<Cells>)>,
    rows: usize,
}

/// Cells of one batch of a column.
#[derive(Debug)]
enum Cells {
    /// Without any value.
    Nothing(usize),
    Text(TextColumn),
    Whole(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Moment(Vec<Option<i64>>),
    /// The same by a clock whose zone is not said.
    LocalTime(Vec<Option<i64>>),
    Lists(Vec<Option<Vec<String>>>),
}

impl Table {
    /// Adds all rows of a source with columns of one value each, and tells what was found of it.
    pub(super) fn add(
        &mut self,
        mut source: impl LogSource,
        alike: &[(String, String)],
        nulls: &[String],
    ) -> Result<Vec<Found>, Error> {
        let (file, names) = (source.name().to_owned(), source.column_names().to_vec());
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::RepeatedColumn { file, column: twice.clone() });
        }
        source.select(&(0..names.len()).collect::<Vec<_>>());
        let of_file = (FILE.to_owned(), file.clone());
        let alike =
            alike.iter().chain([&of_file]).filter(|(name, _)| !seen.contains(name.as_str()));
        let mut before = 0;
        while let Some(batch) = source.next_batch()? {
            if let Some(row) = batch.unreadable.into_iter().next() {
                let (column, value, reason) = (row.column, excerpt(&row.value), row.reason);
                let row = (before + row.index) as u64 + 1;
                return Err(Error::Row(Box::new(RowFault { file, column, row, value, reason })));
            }
            let rows = batch.columns.first().map_or(0, Column::len);
            before += rows;
            let columns = names.iter().zip(&batch.columns);
            let cells = columns.map(|(name, column)| (name.as_str(), Cells::of(column, nulls)));
            let alike =
                alike.clone().map(|(name, value)| (name.as_str(), Cells::alike(value, rows)));
            self.push(rows, cells.chain(alike));
        }
        Ok(source.found())
    }

    fn push<'n>(&mut self, rows: usize, cells: impl Iterator<Item = (&'n str, Cells)>) {
        for (name, cells) in cells {
            let at = self.columns.iter().position(|(its, _)| its == name).unwrap_or_else(|| {
                let without =
                    if self.rows > 0 { vec![Cells::Nothing(self.rows)] } else { Vec::new() };
                self.columns.push((name.to_owned(), without));
                self.columns.len() - 1
            });
            self.columns[at].1.push(cells);
        }
        self.rows += rows;
        for (_, its) in &mut self.columns {
            let length: usize = its.iter().map(Cells::len).sum();
            if length < self.rows {
                its.push(Cells::Nothing(self.rows - length));
            }
        }
    }

    pub(super) fn into_frame(self) -> PolarsResult<DataFrame> {
        let columns =
            self.columns.into_iter().map(|(name, cells)| Ok(series(&name, cells)?.into()));
        DataFrame::new(self.rows, columns.collect::<PolarsResult<Vec<_>>>()?)
    }
}

impl Cells {
    fn of(column: &Column, nulls: &[String]) -> Self {
        match column {
            Column::Integer(values) => Self::Whole(values.clone()),
            Column::Whole(values) => Self::Whole(values.iter().copied().map(Some).collect()),
            Column::Float(values) => Self::Float(values.clone()),
            Column::Boolean(values) => Self::Boolean(values.clone()),
            Column::Timestamp(values) => Self::Moment(values.clone()),
            Column::LocalTime(values) => Self::LocalTime(values.clone()),
            Column::TextList(values) => Self::Lists(values.clone()),
            Column::Unsupported { rows, .. } => Self::Nothing(*rows),
            Column::Mixed(values) => Self::of_mixed(values),
            Column::Cells(cells) => {
                Self::of_mixed(&(0..cells.len()).map(|row| cells.get(row)).collect::<Vec<_>>())
            }
            text => {
                let mut gathered = TextColumn::default();
                let is_value =
                    |text: &&str| !text.is_empty() && !nulls.iter().any(|null| null == text);
                each_text(text, |text| gathered.push(text.filter(is_value)));
                Self::Text(gathered)
            }
        }
    }

    /// Values of JSON, each of a type of its own: of one type where all are.
    fn of_mixed(values: &[MixedValue]) -> Self {
        let all = |is: fn(&MixedValue) -> bool| {
            values.iter().all(|value| is(value) || matches!(value, MixedValue::Null))
        };
        if all(|its| matches!(its, MixedValue::Null)) {
            return Self::Nothing(values.len());
        }
        if all(|its| matches!(its, MixedValue::Integer(_))) {
            let whole = |its: &MixedValue| match its {
                MixedValue::Integer(value) => Some(*value),
                _ => None,
            };
            return Self::Whole(values.iter().map(whole).collect());
        }
        if all(|its| matches!(its, MixedValue::Integer(_) | MixedValue::Float(_))) {
            let number = |its: &MixedValue| match its {
                MixedValue::Integer(value) => Some(*value as f64),
                MixedValue::Float(value) => Some(*value),
                _ => None,
            };
            return Self::Float(values.iter().map(number).collect());
        }
        if all(|its| matches!(its, MixedValue::Boolean(_))) {
            let truth = |its: &MixedValue| match its {
                MixedValue::Boolean(value) => Some(*value),
                _ => None,
            };
            return Self::Boolean(values.iter().map(truth).collect());
        }
        if all(|its| matches!(its, MixedValue::TextList(_))) {
            let list = |its: &MixedValue| match its {
                MixedValue::TextList(list) => Some(list.clone()),
                _ => None,
            };
            return Self::Lists(values.iter().map(list).collect());
        }
        let mut texts = TextColumn::default();
        for value in values {
            match value {
                MixedValue::Null => texts.push(None),
                value => texts.push(Some(&value.shown())),
            }
        }
        Self::Text(texts)
    }

    fn alike(text: &str, rows: usize) -> Self {
        let mut texts = TextColumn::default();
        (0..rows).for_each(|_| texts.push(Some(text).filter(|text| !text.is_empty())));
        Self::Text(texts)
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing(rows) => *rows,
            Self::Text(texts) => texts.len(),
            Self::Whole(values) | Self::Moment(values) | Self::LocalTime(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::Lists(values) => values.len(),
        }
    }

    /// Text whose values are all numbers, as numbers.
    fn read(self, as_numbers: Option<Numbers>) -> Self {
        let Self::Text(texts) = self else { return self };
        let each = || (0..texts.len()).map(|row| texts.get(row));
        match as_numbers {
            Some(Numbers::Whole) => Self::Whole(each().map(|its| its?.parse().ok()).collect()),
            Some(Numbers::Float) => Self::Float(each().map(|its| its?.parse().ok()).collect()),
            None => Self::Text(texts),
        }
    }

    fn series(self, name: &str) -> Series {
        let name = name.into();
        match self {
            Self::Nothing(rows) => Series::full_null(name, rows, &DataType::Null),
            Self::Text(texts) => {
                let values: Vec<Option<&str>> =
                    (0..texts.len()).map(|row| texts.get(row)).collect();
                Series::new(name, values)
            }
            Self::Whole(values) => Series::new(name, values),
            Self::Float(values) => Series::new(name, values),
            Self::Boolean(values) => Series::new(name, values),
            Self::Moment(values) => times(name, &values, Some(TimeZone::UTC)),
            Self::LocalTime(values) => times(name, &values, None),
            Self::Lists(values) => {
                let mut lists = ListStringChunkedBuilder::new(name, values.len(), values.len());
                for list in &values {
                    match list {
                        Some(list) => lists.append_values_iter(list.iter().map(String::as_str)),
                        None => lists.append_null(),
                    }
                }
                lists.finish().into_series()
            }
        }
    }
}

fn times(name: PlSmallStr, values: &[Option<i64>], zone: Option<TimeZone>) -> Series {
    let values = Int64Chunked::from_slice_options(name, values);
    values.into_datetime(TimeUnit::Microseconds, zone).into_series()
}

/// What text may be that is all numbers.
#[derive(Clone, Copy)]
enum Numbers {
    Whole,
    Float,
}

/// Whether all text of a column is numbers. Ids that begin with a zero or a plus would not be the same.
fn numbers(cells: &[Cells]) -> Option<Numbers> {
    let (mut any, mut all_whole) = (false, true);
    for cells in cells {
        let Cells::Text(texts) = cells else { continue };
        for text in (0..texts.len()).filter_map(|row| texts.get(row)) {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let (whole, part) =
                digits.split_once('.').map_or((digits, None), |(a, b)| (a, Some(b)));
            let are_digits =
                |its: &str| !its.is_empty() && its.bytes().all(|byte| byte.is_ascii_digit());
            let is_plain = are_digits(whole)
                && (whole.len() == 1 || !whole.starts_with('0'))
                && whole.len() <= 18;
            if !is_plain || part.is_some_and(|part| !are_digits(part)) || text == "-0" {
                return None;
            }
            any = true;
            all_whole &= part.is_none();
        }
    }
    any.then_some(if all_whole { Numbers::Whole } else { Numbers::Float })
}

/// The cells of a column together. Batches of several types, as of two files, are text.
fn series(name: &str, cells: Vec<Cells>) -> PolarsResult<Series> {
    let as_numbers = numbers(&cells);
    let parts: Vec<Series> =
        cells.into_iter().map(|cells| cells.read(as_numbers).series(name)).collect();
    let mut types: Vec<&DataType> =
        parts.iter().map(|part| part.dtype()).filter(|its| **its != DataType::Null).collect();
    types.dedup();
    let are_numbers = types.iter().all(|its| matches!(its, DataType::Int64 | DataType::Float64));
    let of_all = match types[..] {
        [one] => one.clone(),
        [_, ..] if are_numbers => DataType::Float64,
        _ => DataType::String,
    };
    let mut all = Series::new_empty(name.into(), &of_all);
    for part in &parts {
        all.append(&part.cast(&of_all)?)?;
    }
    Ok(all)
}
