//! Rows that are not asked about: left out before what they hold is checked.

use std::collections::BTreeSet;

use super::{Faults, RowFaults};
use crate::error::row::FaultReason;
use crate::log::batch::Column;
use crate::log::form::NumberForm;
use crate::log::id_text::each_text;
use crate::log::mixed_value::MixedValue;
use crate::log::names::Nulls;
use crate::log::parse;
use crate::log::schema::LogSchema;
use crate::log::time_format::TimeFormat;
use crate::question::keep::{Comparison, Keep};

/// Values of a column that are kept, to say what there is where nothing is asked about.
const SEEN: usize = 24;

/// How values of a column are written that are to be compared.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::log) struct Written<'s> {
    numbers: NumberForm,
    /// Of a column of times: the format.
    times: Option<&'s TimeFormat>,
    /// Whether its texts say the time of an unknown zone as if it were UTC.
    is_local: bool,
}

impl<'s> Written<'s> {
    /// As a schema says.
    pub(in crate::log) fn of(schema: &'s LogSchema, column: &str) -> Self {
        let times = schema.time.as_ref().filter(|(its, _)| its == column).map(|(_, format)| format);
        Self { numbers: schema.numbers, times, is_local: false }
    }

    /// The same in a column whose values are moments already, which its texts say in ISO 8601.
    fn stored_as(self, column: &Column) -> Self {
        match column {
            Column::Timestamp(_) => Self { times: None, ..self },
            Column::LocalTime(_) => Self { is_local: true, ..self },
            // Numbers that the file holds as such are written plainly here.
            Column::Integer(_) | Column::Whole(_) | Column::SharedWhole(_) | Column::Float(_) => {
                Self { numbers: NumberForm::Plain, ..self }
            }
            _ => self,
        }
    }

    /// Whether a value is on the side that is asked for.
    pub(in crate::log) fn admits(
        self,
        keep: &Keep,
        value: &str,
    ) -> Result<bool, crate::question::keep::NotComparable> {
        keep.admits_read(
            value,
            |value| self.numbers.read(value.trim()),
            // Ids of moments are written in ISO 8601, whatever their file had.
            |value| {
                let as_said = self.times.and_then(|format| match self.is_local {
                    true => parse::local_time(parse::time(value, &TimeFormat::Iso)?, format),
                    false => parse::time(value, format),
                });
                as_said.or_else(|| parse::time(value, &TimeFormat::Iso))
            },
        )
    }
}

/// One question to the rows: which, of which column, and how that is written.
pub(super) struct Sieve<'c> {
    pub(super) keep: &'c Keep,
    pub(super) column: &'c Column,
    pub(super) written: Written<'c>,
    /// Whether it is a column of a table beside the log, which may have no row for one of the log's.
    pub(super) is_made: bool,
}

/// Which rows of a batch are asked about.
#[derive(Debug)]
pub(super) struct Sieved {
    pub(super) keep: Vec<bool>,
    /// Some of what the first column held in rows that are not.
    pub(super) seen: BTreeSet<String>,
}

/// Answers for each row. Faults of rows that are left out are forgotten; a row that cannot be read, or a value that
/// cannot be compared, is a fault whatever is asked.
pub(super) fn sieved<'c>(
    (file, nulls): (&str, Nulls<'_>),
    sieves: impl Iterator<Item = Sieve<'c>>,
    (rows, unreadable): (usize, &[usize]),
    of_row: &mut RowFaults,
) -> Sieved {
    let mut sieved = Sieved { keep: vec![true; rows], seen: BTreeSet::new() };
    let mut certain = vec![false; rows];
    unreadable.iter().for_each(|&row| certain[row] = true);
    for (at, Sieve { keep, column, written, is_made }) in sieves.enumerate() {
        let written = written.stored_as(column);
        let is_number = numbers_among(column);
        let mut row = 0;
        // Neighbours mostly have the same.
        let mut last: Option<(String, bool, Result<bool, FaultReason>)> = None;
        each_text(column, |text| {
            let text = text.unwrap_or_default();
            let is_plain = is_number.as_ref().is_some_and(|of_row| of_row[row]);
            let known = last.as_ref().filter(|(its, plain, _)| its == text && *plain == is_plain);
            let known = known.map(|(.., verdict)| *verdict);
            let written =
                if is_plain { Written { numbers: NumberForm::Plain, ..written } } else { written };
            // Of what is in no table nothing can be said, and the fault stays.
            let is_missing =
                || of_row.get(&row).is_some_and(|fault| fault.reason == FaultReason::NotInTable);
            if is_made && text.is_empty() && is_missing() {
                row += 1;
                return;
            }
            let verdict = known.unwrap_or_else(|| {
                let verdict = verdict(keep, text, nulls, written);
                last = Some((text.to_owned(), is_plain, verdict));
                verdict
            });
            match verdict {
                Ok(true) => {}
                Ok(false) if certain[row] => {}
                Ok(false) => {
                    sieved.keep[row] = false;
                    if at == 0 && sieved.seen.len() < SEEN && !sieved.seen.contains(text) {
                        sieved.seen.insert(text.to_owned());
                    }
                }
                Err(reason) if sieved.keep[row] && !certain[row] => {
                    certain[row] = true;
                    let mut faults = Faults { file, of_row: std::mem::take(of_row) };
                    faults.of_row.remove(&row);
                    faults.add(row, &keep.column, reason, text);
                    *of_row = faults.of_row;
                }
                Err(_) => {}
            }
            row += 1;
        });
    }
    of_row.retain(|&row, _| sieved.keep[row]);
    sieved
}

/// Of cells that have each a type of their own, as those of JSON, which are numbers and no text.
fn numbers_among(column: &Column) -> Option<Vec<bool>> {
    let is_number =
        |cell: &MixedValue| matches!(cell, MixedValue::Integer(_) | MixedValue::Float(_));
    match column {
        Column::Mixed(cells) => Some(cells.iter().map(is_number).collect()),
        Column::Cells(cells) => {
            Some((0..cells.len()).map(|row| is_number(&cells.get(row))).collect())
        }
        _ => None,
    }
}

/// Whether a value is asked for; why it cannot be said, where it cannot. Nothing, and what means nothing, is on no side of a
/// number or moment, and the same as a value that means nothing. Names are the same as in ids, with the differences that do not count.
fn verdict(
    keep: &Keep,
    text: &str,
    nulls: Nulls<'_>,
    written: Written<'_>,
) -> Result<bool, FaultReason> {
    let text = if nulls.has(text) { "" } else { text };
    let compares = !matches!(keep.is, Comparison::OneOf | Comparison::NoneOf);
    if compares && text.is_empty() {
        return Ok(false);
    }
    if !compares {
        let text = nulls.joined(text);
        // A value that means nothing is asked for as nothing.
        let is_it = |its: &String| (text.is_empty() && nulls.has(its)) || nulls.joined(its) == text;
        let is_there = keep.values.iter().any(is_it);
        return Ok(is_there == (keep.is == Comparison::OneOf));
    }
    written.admits(keep, text).map_err(|its| match its.with {
        "a number" => FaultReason::NotANumber,
        _ => FaultReason::UnreadableTime,
    })
}
