//! Tables for programs: a row for each record, a column for each of its fields, called as in the JSON.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Cell, Column, Table};
use crate::estimate::json::WarningRecord;

/// Fields of a record: the name of each, and its cell.
pub(in crate::report) type Fields<R> = &'static [(&'static str, fn(&R) -> Cell)];

/// Fields by their names.
macro_rules! fields {
    ($record:ty: $($name:ident),+ $(,)?) => {
        &[$((stringify!($name), |its: &$record| $crate::report::table::field(&its.$name))),+]
    };
}
pub(in crate::report) use fields;

/// What JSON holds, in a cell: null is nothing, texts are texts, and what has fields of its own is its JSON.
pub(in crate::report) fn field(value: &impl Serialize) -> Cell {
    match serde_json::to_value(value) {
        Err(_) | Ok(Json::Null) => Cell::Nothing,
        Ok(Json::String(text)) => Cell::Name(text),
        Ok(Json::Number(number)) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(count), _, _) => Cell::Count(count),
            (None, Some(whole), _) => Cell::Whole(whole),
            (None, None, number) => Cell::number(number),
        },
        Ok(other) => Cell::Words(other.to_string()),
    }
}

/// Something in words.
pub(in crate::report) fn words_of(value: &impl std::fmt::Display) -> Cell {
    Cell::Words(value.to_string())
}

/// Warnings in words.
pub(in crate::report) fn messages(warnings: &[WarningRecord]) -> Cell {
    words_joined(warnings.iter().map(|its| &*its.message))
}

/// Several sentences, if there are any.
pub(in crate::report) fn words_joined<'w>(words: impl Iterator<Item = &'w str>) -> Cell {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { Cell::Nothing } else { Cell::Words(words.join("; ")) }
}

/// Fields of a field that has some of its own; nothing in any where it is null.
pub(in crate::report) fn nested(names: &[&str], value: &impl Serialize) -> Vec<Cell> {
    let json = serde_json::to_value(value).unwrap_or_default();
    names.iter().map(|name| field(&json.get(name))).collect()
}

/// A table with these fields, and no rows.
pub(in crate::report) fn record<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Table {
    let columns = names.into_iter().map(Column::words).collect();
    Table { columns, ..Table::default() }
}

/// The names of fields.
pub(in crate::report) fn names<R>(fields: Fields<R>) -> impl Iterator<Item = &'static str> {
    fields.iter().map(|(name, _)| *name)
}

/// A record's cells.
pub(in crate::report) fn cells<R>(fields: Fields<R>, record: &R) -> impl Iterator<Item = Cell> {
    fields.iter().map(move |(_, of)| of(record))
}

/// As many cells without anything.
pub(in crate::report) fn nothing<R>(fields: Fields<R>) -> impl Iterator<Item = Cell> {
    fields.iter().map(|_| Cell::Nothing)
}
