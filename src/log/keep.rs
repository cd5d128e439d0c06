//! The rows of a log that are asked about.

use std::collections::HashSet;

use super::ExposureLog;
use crate::error::Error;
use crate::question::keep::Keep;

impl ExposureLog {
    /// The log of just the rows that have one of these ids in a column. Its [`Origin`](super::Origin) remembers
    /// which, so that estimands and reports of this log name them.
    ///
    /// ```
    /// # use tiltmeter::log::LogSchema;
    /// # use tiltmeter::{ExposureLog, source::SliceSource};
    /// # let source = SliceSource::new("example")
    /// #     .text("feed", &["ranked", "newest"])
    /// #     .text("state", &["NY", "GEORGIA"]);
    /// # let log = ExposureLog::read(source, &LogSchema::new().arm("feed").column("state"))?;
    /// use tiltmeter::Keep;
    /// let georgia = log.keep(&Keep::new("state", ["GEORGIA"]))?;
    /// assert_eq!(georgia.rows(), 1);
    /// assert_eq!(georgia.origin().kept[0].to_string(), "\"state\" is \"GEORGIA\"");
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::NothingKept`] when no row is kept.
    pub fn keep(&self, keep: &Keep) -> Result<Self, Error> {
        let ids = self.column(&keep.column)?;
        let wanted: HashSet<&str> = keep.values.iter().map(String::as_str).collect();
        // By code, so that each distinct id is looked at once.
        let of_code: Vec<bool> = ids.dictionary().iter().map(|id| wanted.contains(id)).collect();
        let is_kept = |row: usize| of_code[ids.codes()[row] as usize];
        if !(0..self.rows).any(is_kept) {
            return Err(Error::NothingKept {
                file: self.origin.source.clone(),
                column: keep.column.clone(),
                values: keep.values.clone(),
                available: ids.dictionary().iter().map(str::to_owned).collect(),
            });
        }
        let mut log = self.clone().retained(is_kept)?;
        log.origin.kept.push(keep.clone());
        Ok(log)
    }
}
