//! The parts that files are read in, and which of them need not be read at all.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Filter;
use crate::error::Error;
use crate::log::{Bound, LogSchema, LogSource, RowGroup};
use crate::source;
use crate::source::room::Room;

/// A file, or some of its row groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The file, by its place among those of the job.
    pub(super) file: usize,
    /// Its row groups; all of the file if `None`.
    groups: Option<Range<usize>>,
    /// How many rows it has, if known.
    pub(super) rows: Option<u64>,
}

/// The parts of a job, and the rows of row groups that need not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    pub(super) rows_unread: u64,
}

impl Parts {
    /// Divides files into parts of about `most` rows, or fewer where there would be less than one
    /// for each thread.
    pub(super) fn of(
        files: &[PathBuf],
        schema: &LogSchema,
        filter: &Filter,
        most: u64,
        room: &Room,
    ) -> Result<Self, Error> {
        let mut groups = Vec::with_capacity(files.len());
        for path in files {
            groups.push(source::row_groups_of(path, &schema.range_columns(), room)?);
        }
        let wanted = groups.iter().flatten().flatten().filter(|g| filter.may_hold(schema, g));
        let rows: u64 = wanted.map(|group| group.rows).sum();
        let rows = most.min(rows.div_ceil(room.readers() as u64));
        let mut all = Self::default();
        for (file, groups) in groups.iter().enumerate() {
            match groups {
                None => all.parts.push(Part { file, groups: None, rows: None }),
                Some(groups) => all.divide(file, groups, schema, filter, rows),
            }
        }
        Ok(all)
    }

    fn divide(
        &mut self,
        file: usize,
        groups: &[RowGroup],
        schema: &LogSchema,
        filter: &Filter,
        rows: u64,
    ) {
        let mut open: Option<Part> = None;
        for (at, group) in groups.iter().enumerate() {
            if !filter.may_hold(schema, group) {
                self.rows_unread += group.rows;
                self.parts.extend(open.take());
                continue;
            }
            let part = open.get_or_insert(Part { file, groups: Some(at..at), rows: Some(0) });
            part.groups = part.groups.take().map(|groups| groups.start..at + 1);
            part.rows = part.rows.map(|rows| rows + group.rows);
            if part.rows >= Some(rows) {
                self.parts.extend(open.take());
            }
        }
        self.parts.extend(open.take());
    }

    /// Rows of all parts, read or not; `None` if not known.
    pub(super) fn rows(&self) -> Option<u64> {
        let rows = self.parts.iter().map(|part| part.rows);
        rows.sum::<Option<u64>>().map(|rows| rows + self.rows_unread)
    }
}

impl Part {
    /// Whether it is a part of a file that has parts.
    pub(super) fn is_divided(&self) -> bool {
        self.groups.is_some()
    }

    /// A reader of the part.
    pub(super) fn open(
        &self,
        files: &[PathBuf],
        schema: &LogSchema,
        room: &Arc<Room>,
    ) -> Result<Box<dyn LogSource>, Error> {
        let path: &Path = &files[self.file];
        match &self.groups {
            Some(groups) => source::open_groups(path, groups.clone(), room),
            None => source::by_ending(path, &schema.text_form(), &schema.json_form()),
        }
    }
}

impl Filter {
    /// Whether some row of a row group may be asked for.
    fn may_hold(&self, schema: &LogSchema, group: &RowGroup) -> bool {
        let [time, arm] = &group.ranges[..] else {
            return true;
        };
        let in_time = match (&self.times, time) {
            (Some(asked), Some((least, most))) => {
                match (schema.time_of(least), schema.time_of(most)) {
                    (Some(least), Some(most)) => least < asked.end && most >= asked.start,
                    _ => true,
                }
            }
            _ => true,
        };
        let has_arm = match (&self.arms, arm) {
            (Some(asked), Some((Bound::Text(least), Bound::Text(most)))) => {
                // Long texts are cut short in statistics: a cut end may be any that begins so.
                asked.iter().any(|arm| arm >= least && (arm <= most || arm.starts_with(&**most)))
            }
            _ => true,
        };
        in_time && has_arm
    }
}
