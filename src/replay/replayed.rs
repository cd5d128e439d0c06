//! What a replay made, in memory.

use super::account::ReplayAccount;
use super::answer::{Answered, Answering, Answers};
use super::pools::CandidateSets;
use crate::error::Error;
use crate::log::ExposureLog;
use crate::tally::{Tally, TallySpec};

/// What a replay made, in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// The arm's rows of answered requests, in the order of requests and ranks.
    pub logged: ExposureLog,
    /// What the policy would have shown in their places.
    pub log: ExposureLog,
    /// What became of requests.
    pub account: ReplayAccount,
    pub(super) requests: Vec<Answered>,
}

impl Replayed {
    /// The rows of answers; `None` where no request was answered.
    pub(super) fn of(
        answers: Answers,
        log: &ExposureLog,
        pools: &CandidateSets,
        answering: &Answering<'_>,
    ) -> Result<Option<Self>, Error> {
        let mut account = ReplayAccount::default();
        answers.requests.iter().for_each(|answered| account.add(&answered.account));
        if answers.shown.is_empty() {
            return Ok(None);
        }
        let spec = answering.spec();
        let shown = log.again(&answers.places)?.showing(pools.candidates(), &answers.shown)?;
        let shown = shown.in_arm(&spec.name);
        Ok(Some(Self {
            logged: log.again(&answers.logged)?.in_arm(&spec.arm),
            log: if answering.knows_propensities() {
                shown.with_propensities(answers.propensities)
            } else {
                shown
            },
            account,
            requests: answers.requests,
        }))
    }

    /// The tally of both arms: what was logged and what would have been shown, for
    /// [`Audit::of_tally`](crate::Audit::of_tally) with [`Baseline::arm`](crate::Baseline::arm) of the
    /// replay's name.
    ///
    /// # Errors
    /// Those of [`Tally::of`]; and of merging tallies where clusters have no id.
    pub fn tally(&self, spec: &TallySpec) -> Result<Tally, Error> {
        Tally::merge_owned(vec![Tally::of(&self.logged, spec)?, Tally::of(&self.log, spec)?])
    }
}
