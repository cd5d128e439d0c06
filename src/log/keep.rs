//! The rows of a log that are asked about.

use super::ExposureLog;
use super::builder::sieve::Written;
use super::schema::LogSchema;
use crate::error::Error;
use crate::question::keep::Keep;

impl ExposureLog {
    /// The log of just the rows that a column chooses: by its ids, or by a comparison with a number or moment. Its [`Origin`](super::Origin) remembers
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
    /// [`Error::UnknownColumn`]; [`Error::Parameter`] for a comparison that cannot be made;
    /// [`Error::NothingKept`] when no row is kept.
    pub fn keep(&self, keep: &Keep) -> Result<Self, Error> {
        self.keep_as(keep, &LogSchema::new())
    }

    /// The same, of values that are written as a schema says.
    pub(crate) fn keep_as(&self, keep: &Keep, schema: &LogSchema) -> Result<Self, Error> {
        keep.check()?;
        let ids = self.column(&keep.column)?;
        let written = Written::of(schema, &keep.column);
        // By code, so that each distinct id is looked at once.
        let admits = |id| {
            written.admits(keep, id).map_err(|_| Error::Parameter {
                parameter: "a column to compare",
                value: format!("{:?} with {id:?} in it, of which it is asked whether {keep}", keep.column),
                expected: "a number in every row that is compared with one, and a date or time where \
                           that is compared; leave out rows that have none, or name another column",
            })
        };
        let of_code = ids.dictionary().iter().map(admits).collect::<Result<Vec<bool>, _>>()?;
        let is_kept = |row: usize| of_code[ids.codes()[row] as usize];
        if !(0..self.rows).any(is_kept) {
            return Err(Error::NothingKept {
                file: self.origin.source.clone(),
                column: keep.column.clone(),
                asked: keep.to_string(),
                available: ids.dictionary().iter().map(str::to_owned).collect(),
            });
        }
        let mut log = self.clone().retained(is_kept)?;
        log.origin.kept.push(keep.clone());
        Ok(log)
    }
}
