//! The row groups of a file, and what their statistics say of the rows: which need not be read.

use std::path::Path;

use arrow_array::ArrayRef;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use super::super::room::Room;
use super::{Builder, columns, footer_fits, guarded, opened};
use crate::error::Error;
use crate::log::{Bound, Column, RowGroup};

/// The row groups of a file, with the ranges of some columns by name.
pub(in crate::source) fn row_groups(
    path: &Path,
    names: &[&str],
    room: &Room,
) -> Result<Vec<RowGroup>, Error> {
    footer_fits(path, room)?;
    let builder = opened(path)?;
    let ranges: Vec<Vec<Option<(Bound, Bound)>>> =
        names.iter().map(|name| ranges(&builder, name)).collect();
    let groups = builder.metadata().row_groups().iter().enumerate();
    Ok(groups
        .map(|(at, group)| RowGroup {
            rows: group.num_rows().unsigned_abs(),
            ranges: ranges.iter().map(|of| of.get(at).cloned().flatten()).collect(),
        })
        .collect())
}

/// By row group, the range of a column's values. Statistics that are absent or that the decoder
/// cannot read bound nothing.
fn ranges(builder: &Builder, name: &str) -> Vec<Option<(Bound, Bound)>> {
    let groups = builder.metadata().row_groups();
    let read = guarded(|| -> parquet::errors::Result<_> {
        let converter =
            StatisticsConverter::try_new(name, builder.schema(), builder.parquet_schema())?;
        let least = converter.row_group_mins(groups.iter())?;
        let most = converter.row_group_maxes(groups.iter())?;
        Ok((bounds(&least), bounds(&most)))
    });
    match read {
        Ok((least, most)) => least.into_iter().zip(most).map(|(a, b)| Some((a?, b?))).collect(),
        Err(_) => vec![None; groups.len()],
    }
}

fn bounds(array: &ArrayRef) -> Vec<Option<Bound>> {
    let column = columns::column(array, &mut None).column;
    let bound = |row: usize| match &column {
        Column::Whole(values) => Some(Bound::Whole(values[row])),
        Column::Integer(values) => values[row].map(Bound::Whole),
        Column::Timestamp(values) | Column::LocalTime(values) => values[row].map(Bound::Time),
        Column::Text(values) => values.get(row).map(|text| Bound::Text(text.to_owned())),
        Column::Shared(values) => values.get(row).map(|text| Bound::Text(text.to_owned())),
        _ => None,
    };
    (0..column.len()).map(bound).collect()
}
