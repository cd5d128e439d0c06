//! Memory that is used again.

use super::ExposureLog;
use super::dictionary::Coded;
use super::topics::Topics;

/// Memory of columns that are not needed any more, for the columns of the next log: memory that is
/// new to a process has to be cleared by the system first.
#[derive(Debug, Default)]
pub(crate) struct ColumnPool(Vec<Vec<u32>>);

impl ColumnPool {
    /// Takes the columns of a log, instead of those that are here.
    pub(crate) fn take_from(&mut self, log: ExposureLog) {
        self.0.clear();
        let ids = log.ids.into_values().chain(log.named.into_iter().map(|(_, ids)| ids));
        self.0.extend(ids.map(Coded::into_codes));
        self.0.extend(log.topics.map(Topics::into_sets));
        self.0.extend(log.human.map(Topics::into_sets));
        self.0.extend(log.positions);
    }

    /// An empty column with room for so many rows.
    pub(super) fn column(&mut self, rows: usize) -> Vec<u32> {
        let mut column = self.0.pop().unwrap_or_default();
        column.clear();
        column.reserve(rows);
        column
    }
}
