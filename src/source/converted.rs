//! What readers of typed columns have in common: a column converted, with the rows that could not
//! be. It knows nothing of arrow or polars.

use crate::log::{Batch, Column, FaultReason, UnreadableRow};

/// A column of the log's own types, and the rows that it could not take; they hold nulls.
pub(super) struct Converted {
    pub(super) column: Column,
    /// Row, what stood there, and why it could not be read.
    pub(super) faults: Vec<(usize, String, FaultReason)>,
}

impl Converted {
    /// The same times by a clock whose zone is not said.
    pub(super) fn local(self) -> Self {
        let column = match self.column {
            Column::Timestamp(times) => Column::LocalTime(times),
            other => other,
        };
        Self { column, ..self }
    }
}

impl From<Column> for Converted {
    fn from(column: Column) -> Self {
        Self { column, faults: Vec::new() }
    }
}

/// Times in microseconds, from times in another unit.
pub(super) fn times(
    values: impl Iterator<Item = Option<i64>>,
    microseconds: impl Fn(i64) -> Option<i64>,
) -> Converted {
    let mut faults = Vec::new();
    let scaled = values.enumerate().map(|(row, value)| {
        let value = value?;
        let time = microseconds(value);
        if time.is_none() {
            faults.push((row, value.to_string(), FaultReason::TimeOutOfRange));
        }
        time
    });
    let column = Column::Timestamp(scaled.collect());
    Converted { column, faults }
}

/// A batch of named columns.
pub(super) fn batch<'n>(columns: impl Iterator<Item = (&'n str, Converted)>) -> Batch {
    let mut batch = Batch::default();
    for (name, converted) in columns {
        batch.columns.push(converted.column);
        let faults = converted.faults.into_iter();
        batch.unreadable.extend(faults.map(|(index, value, reason)| UnreadableRow {
            index,
            column: name.to_owned(),
            value,
            reason,
        }));
    }
    // Sorting is stable: of a row's faults the one in the first column asked for stands first.
    batch.unreadable.sort_by_key(|row| row.index);
    batch
}
