//! Ranks where a log has none, from the order of its rows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ExposureLog, Role};
use crate::error::Error;
use crate::format::word::said_by_words;

/// Within what rows are ranked by their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RankWithin {
    /// Each list that was served.
    Slate,
    /// Each session.
    Session,
    /// Each viewer: a feed without an end.
    Viewer,
}

said_by_words!(RankWithin);

impl fmt::Display for RankWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slate => "slate",
            Self::Session => "session",
            Self::Viewer => "viewer",
        })
    }
}

impl ExposureLog {
    /// Ranks impressions by the order of the log's rows within a list, session or viewer (and arm): the first has
    /// rank 1. Ranks that the log had are replaced. Right where rows stand in the order in which they were shown.
    ///
    /// ```
    /// use tiltmeter::log::{LogSchema, RankWithin};
    /// use tiltmeter::{ExposureLog, source::SliceSource};
    /// let rows = SliceSource::new("rows").text("list", &["a", "a", "b", "a"]);
    /// let log = ExposureLog::read(rows, &LogSchema::new().slate("list"))?;
    /// assert_eq!(log.ranked_by_order(RankWithin::Slate)?.positions(), Some(&[1, 2, 1, 3][..]));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// Only rows that the log holds are counted: one that was set aside, or left out before, moves up those after it.
    ///
    /// # Errors
    /// [`Error::MissingRole`] for a log without the column of these; [`Error::Parameter`] for one whose rows stand for
    /// several impressions, which have no order among them.
    pub fn ranked_by_order(mut self, within: RankWithin) -> Result<Self, Error> {
        let role = match within {
            RankWithin::Slate => Role::Slate,
            RankWithin::Session => Role::Session,
            RankWithin::Viewer => Role::Viewer,
        };
        let lists = self.require_ids(role, "ranks by the order of rows")?;
        if let Some(count) =
            self.counts().and_then(|counts| counts.iter().find(|count| **count > 1.0))
        {
            return Err(Error::Parameter {
                parameter: "a row that is ranked by its order",
                value: format!("one that stands for {count} impressions"),
                expected: "a row for each impression, or a column of ranks",
            });
        }
        let arms = self.arms();
        let mut shown: std::collections::HashMap<(u32, u32), u32> =
            std::collections::HashMap::new();
        let rank = |row: usize| {
            let arm = arms.map_or(0, |arms| arms.codes()[row]);
            let last = shown.entry((lists.codes()[row], arm)).or_default();
            *last = last.saturating_add(1);
            *last
        };
        self.positions = Some((0..self.rows).map(rank).collect());
        Ok(self)
    }
}
