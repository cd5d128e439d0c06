//! The texts that ids are compared by, whatever the type of their column.

use std::borrow::Cow;

use super::batch::Column;
use super::mixed_value::of_floats;
use super::parse;

/// The canonical text of the id in a row of a column that may hold ids.
pub(super) fn id_text<'c>(column: &'c Column) -> impl Fn(usize) -> Option<Cow<'c, str>> {
    move |row| match column {
        Column::Text(text) => text.get(row).map(Cow::Borrowed),
        Column::Coded(coded) => coded.id(row).map(Cow::Borrowed),
        Column::Shared(shared) => shared.get(row).map(Cow::Borrowed),
        Column::Integer(values) => values[row].map(|value| Cow::Owned(value.to_string())),
        Column::Whole(values) => Some(Cow::Owned(values[row].to_string())),
        Column::SharedWhole(shared) => shared.get(row).map(|v| Cow::Owned(v.to_string())),
        Column::Boolean(values) => {
            values[row].map(|b| Cow::Borrowed(if b { "true" } else { "false" }))
        }
        Column::Timestamp(values) | Column::LocalTime(values) => {
            values[row].map(|at| Cow::Owned(parse::moment_id(at)))
        }
        Column::Float(_)
        | Column::TextList(_)
        | Column::Mixed(_)
        | Column::Cells(_)
        | Column::Unsupported { .. } => None,
    }
}

/// Each value of a column as the text that ids are compared by.
pub(crate) fn each_text(column: &Column, mut take: impl FnMut(Option<&str>)) {
    match column {
        Column::Float(values) => {
            of_floats(values).iter().for_each(|cell| {
                take(cell.id().as_deref().or(Some(&cell.shown())).filter(|text| !text.is_empty()))
            });
        }
        Column::Cells(cells) => (0..cells.len()).for_each(|row| match cells.text(row) {
            Some(text) => take(Some(text)),
            None => {
                let cell = cells.get(row);
                take(cell.id().as_deref().or(Some(&cell.shown())).filter(|text| !text.is_empty()));
            }
        }),
        Column::Mixed(cells) => cells.iter().for_each(|cell| {
            take(cell.id().as_deref().or(Some(&cell.shown())).filter(|text| !text.is_empty()))
        }),
        _ => {
            let text = id_text(column);
            (0..column.len()).for_each(|row| take(text(row).as_deref()));
        }
    }
}
