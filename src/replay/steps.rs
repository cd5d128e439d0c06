//! A replay by periods: tallies one after the other, for those who watch.

use super::account::ReplayAccount;
use super::replayed::Replayed;
use crate::error::Error;
use crate::log::{ExposureLog, iso_text};
use crate::tally::{Merger, Tally, TallySpec, WindowBy};

/// What is tallied of a replay, and in what steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpec {
    /// How tallies are made: that of a monitor's spec, where one watches.
    pub tally: TallySpec,
    /// The periods, by the times of requests. With [`WindowBy::Nothing`] there is one step.
    pub by: WindowBy,
}

/// A period of a replay.
///
/// A [`Monitor`](crate::inference::Monitor), or anything else that takes a label and a tally, takes it as
/// it is. A monitor wants each cluster complete in one observation: slates are, since a slate is of the
/// period of its request; a column of the day is, where periods are days; viewers who come back are not.
///
/// ```
/// # use tiltmeter::Error;
/// use tiltmeter::inference::Monitor;
/// use tiltmeter::replay::Step;
/// fn watch(monitor: &mut Monitor, step: &Step) -> Result<(), Error> {
///     monitor.observe_as(&step.label, &step.tally)
/// }
/// # let _ = watch;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// When the period starts, by ISO 8601 in UTC; `all` where there is but one.
    pub label: String,
    /// The same in microseconds since 1970-01-01T00:00:00Z; 0 where there is but one.
    pub start: i64,
    /// Of both arms: what was logged and what would have been shown.
    pub tally: Tally,
    /// What became of the period's requests.
    pub account: ReplayAccount,
}

/// What is done with each step.
pub(super) type Emit<'e> = dyn FnMut(Step) -> Result<(), Error> + 'e;

/// Gathers parts of a replay into steps.
#[derive(Debug)]
pub(super) struct Stepping {
    spec: StepSpec,
    /// The period that is not complete yet.
    start: i64,
    account: ReplayAccount,
    tallies: Merger,
}

impl Stepping {
    pub(super) fn new(spec: &StepSpec) -> Result<Self, Error> {
        // Windows are checked where tallies are made, of which those of a step are not.
        TallySpec { windows: spec.by, ..spec.tally.clone() }.check()?;
        spec.tally.check()?;
        Ok(Self {
            spec: spec.clone(),
            start: 0,
            account: ReplayAccount::default(),
            tallies: Merger::default(),
        })
    }

    /// Adds requests that come after those added before.
    pub(super) fn add(&mut self, part: &Replayed, emit: &mut Emit<'_>) -> Result<(), Error> {
        let by = self.spec.by;
        let (mut logged, mut shown) = (0, 0);
        let alike = part.requests.chunk_by(|a, b| by.start(a.time) == by.start(b.time));
        for requests in alike {
            let (Some(first), Some(last)) = (requests.first(), requests.last()) else { continue };
            if by.start(first.time) != self.start {
                self.finish(emit)?;
                self.start = by.start(first.time);
            }
            requests.iter().for_each(|request| self.account.add(&request.account));
            if last.shown_end > shown {
                self.tally(&part.logged, logged..last.logged_end)?;
                self.tally(&part.log, shown..last.shown_end)?;
            }
            (logged, shown) = (last.logged_end, last.shown_end);
        }
        Ok(())
    }

    /// Adds a request that was not answered, nor any of its kind.
    pub(super) fn add_unanswered(
        &mut self,
        requests: &[super::answer::Answered],
        emit: &mut Emit<'_>,
    ) -> Result<(), Error> {
        for request in requests {
            let start = self.spec.by.start(request.time);
            if start != self.start {
                self.finish(emit)?;
                self.start = start;
            }
            self.account.add(&request.account);
        }
        Ok(())
    }

    fn tally(&mut self, log: &ExposureLog, rows: std::ops::Range<usize>) -> Result<(), Error> {
        let tally = if rows == (0..log.rows()) {
            Tally::of(log, &self.spec.tally)?
        } else {
            let rows: Vec<u32> = rows.map(|row| row as u32).collect();
            Tally::of(&log.again(&rows)?, &self.spec.tally)?
        };
        self.tallies.push(tally);
        while self.tallies.merge_due()? {}
        Ok(())
    }

    /// The period is complete.
    pub(super) fn finish(&mut self, emit: &mut Emit<'_>) -> Result<(), Error> {
        let account = std::mem::take(&mut self.account);
        let Some(tally) = std::mem::take(&mut self.tallies).finish()? else { return Ok(()) };
        let label = match self.spec.by {
            WindowBy::Nothing => "all".to_owned(),
            _ => iso_text(self.start),
        };
        emit(Step { label, start: self.start, tally, account })
    }
}
