//! Rows that are not asked about: left out before what they hold is checked.

use std::collections::BTreeSet;

use super::{Faults, RowFaults};
use crate::error::row::FaultReason;
use crate::log::batch::Column;
use crate::log::id_text::each_text;
use crate::log::names::Nulls;
use crate::question::keep::{Comparison, Keep};

/// Values of a column that are kept, to say what there is where nothing is asked about.
const SEEN: usize = 24;

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
    columns: impl Iterator<Item = (&'c Keep, &'c Column)>,
    (rows, unreadable): (usize, &[usize]),
    of_row: &mut RowFaults,
) -> Sieved {
    let mut sieved = Sieved { keep: vec![true; rows], seen: BTreeSet::new() };
    let mut certain = vec![false; rows];
    unreadable.iter().for_each(|&row| certain[row] = true);
    for (at, (keep, column)) in columns.enumerate() {
        let mut row = 0;
        // Neighbours mostly have the same.
        let mut last: Option<(String, Result<bool, FaultReason>)> = None;
        each_text(column, |text| {
            let text = text.unwrap_or_default();
            let known = last.as_ref().filter(|(its, _)| its == text).map(|(_, verdict)| *verdict);
            let verdict = known.unwrap_or_else(|| {
                let verdict = verdict(keep, text, nulls);
                last = Some((text.to_owned(), verdict));
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

/// Whether a value is asked for; why it cannot be said, where it cannot. Nothing, and what means nothing, is none of any
/// values, and on no side of a number or moment. Names are the same as in ids, with the differences that do not count.
fn verdict(keep: &Keep, text: &str, nulls: Nulls<'_>) -> Result<bool, FaultReason> {
    let text = if nulls.has(text) { "" } else { text };
    let compares = !matches!(keep.is, Comparison::OneOf | Comparison::NoneOf);
    if compares && text.is_empty() {
        return Ok(false);
    }
    if !compares {
        let text = nulls.joined(text);
        let is_there = keep.values.iter().any(|its| nulls.joined(its) == text);
        return Ok(is_there == (keep.is == Comparison::OneOf));
    }
    keep.admits(text).map_err(|its| match its.with {
        "a number" => FaultReason::NotANumber,
        _ => FaultReason::UnreadableTime,
    })
}
