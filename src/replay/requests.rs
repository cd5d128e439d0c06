//! The requests of an arm: its slates, each with its rows in the order of their ranks.

use crate::error::Error;
use crate::log::{ExposureLog, Role};

/// The slates of an arm.
#[derive(Clone, Debug)]
pub(crate) struct Requests<'l> {
    log: &'l ExposureLog,
    /// Rows of the log by slate, in it by rank.
    rows: Vec<u32>,
    /// Where slates end.
    ends: Vec<usize>,
}

impl<'l> Requests<'l> {
    /// The slates of an arm; in the order of their first appearance.
    ///
    /// # Errors
    /// [`Error::MissingRole`] without arms, slates or positions, [`Error::UnknownArm`].
    pub(crate) fn of(log: &'l ExposureLog, arm: &str, needed_by: &str) -> Result<Self, Error> {
        let mut rows = rows_of_arm(log, arm, needed_by)?;
        let slates = log.require_ids(Role::Slate, needed_by)?.codes();
        let positions = log.require_positions(needed_by)?;
        rows.sort_by_key(|&row| (slates[row as usize], positions[row as usize]));
        let mut ends = Vec::new();
        for slate in rows.chunk_by(|a, b| slates[*a as usize] == slates[*b as usize]) {
            ends.push(ends.last().copied().unwrap_or(0) + slate.len());
        }
        Ok(Self { log, rows, ends })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The rows of each, by rank.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let rows = &self.rows[start..end];
            start = end;
            rows
        })
    }

    /// When a request was made: the earliest time of its rows.
    pub(crate) fn time(&self, rows: &[u32]) -> Option<i64> {
        let times = self.log.times()?;
        rows.iter().map(|&row| times[row as usize]).min()
    }
}

/// The rows of an arm, in their order.
pub(crate) fn rows_of_arm(
    log: &ExposureLog,
    arm: &str,
    needed_by: &str,
) -> Result<Vec<u32>, Error> {
    let arms = log.require_ids(Role::Arm, needed_by)?;
    let Some(code) = arms.dictionary().code(arm) else {
        let ids = (0..arms.dictionary().len() as u32).filter_map(|code| arms.dictionary().id(code));
        let available = ids.map(str::to_owned).collect();
        return Err(Error::UnknownArm { arm: arm.to_owned(), available });
    };
    let rows = arms.codes().iter().enumerate().filter(|(_, its)| **its == code);
    Ok(rows.map(|(row, _)| row as u32).collect())
}
