//! A log split at a moment.

use super::{Coded, ExposureLog};
use crate::base::time::iso;
use crate::error::Error;

/// The column that says on which side of the moment a row is.
const PERIOD: &str = "period";

impl ExposureLog {
    /// The log with a column `period` that says of each row on which side of a moment it is, for strata and groups
    /// of a change that came at a known time. Its values name the moment: `before 2026-03-09` and
    /// `from 2026-03-09`. A column that has this name already is replaced.
    ///
    /// The moment is a date, which begins at midnight in UTC, or a time as in ISO 8601.
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::statistic::StratumContrast;
    /// use tiltmeter::tally::StratifyBy;
    /// use tiltmeter::{Audit, ExposureLog, Question};
    ///
    /// let schema = LogSchema::new()
    ///     .viewer("viewer_id")
    ///     .arm("feed")
    ///     .topics(TopicColumn::json("topics"))
    ///     .iso_time("ts");
    /// let log = ExposureLog::open("data/feed.csv", &schema)?.split_at("2026-03-09")?;
    /// // How the ranked feed changed, beyond how the chronological one did: a difference in differences.
    /// let question = Question::between("ranked", "chronological")
    ///     .strata(StratifyBy::column("period"))
    ///     .topics(["politics"])
    ///     .statistic(StratumContrast::between("from 2026-03-09", "before 2026-03-09"));
    /// let report = Audit::of(&log, &question).run()?;
    /// assert!(report.get("politics")?.value().is_some_and(|change| change > 0.5 && change < 2.0));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for what is no moment; [`Error::MissingRole`] for a log without times.
    pub fn split_at(&self, moment: &str) -> Result<Self, Error> {
        let at = iso(moment).ok_or_else(|| Error::Parameter {
            parameter: "the moment at which the log is split",
            value: moment.to_owned(),
            expected: "a date such as 2026-03-09, or a time such as 2026-03-09T09:00:00Z",
        })?;
        let times = self.require_times("splitting it at a moment")?;
        let (before, from) = (format!("before {moment}"), format!("from {moment}"));
        let mut periods = Coded::default();
        for &time in times {
            periods.push(if time < at { &before } else { &from })?;
        }
        Ok(self.clone().with_column(PERIOD, periods))
    }
}
