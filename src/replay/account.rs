//! What became of the requests of a replay, in numbers.

use serde::{Deserialize, Serialize};

use crate::estimate::Warning;

/// What became of the requests of a replay: nothing is left out silently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplayAccount {
    /// Slates of the arm.
    pub requests: u64,
    /// Of them, those of which no candidate is known; they are in neither log.
    pub without_candidates: u64,
    /// Of them, those of whose candidates the policy wanted none (weights 0); they are in neither log.
    pub without_wanted: u64,
    /// Of them, those with fewer wanted candidates than places; the last places stay empty.
    pub short: u64,
    /// Impressions of items that are not among their slate's candidates. No policy that is replayed can
    /// show them, and none learns from them.
    pub shown_outside: u64,
    /// Places of answered requests.
    pub places: u64,
    /// Of them, those at which the policy chose what was logged.
    pub matches: u64,
    /// The sum of the logged engagement over matches; `None` where the log has no engagement.
    pub matched_engagement: Option<f64>,
}

impl ReplayAccount {
    /// The mean engagement over matches: the estimator of Li, Chu, Langford and Wang (2011, arXiv
    /// 1003.5956). `None` without matches, or where the log has no engagement.
    ///
    /// **Right** (unbiased) for slates of one that were logged uniformly at random among the same
    /// candidates, whatever the policy and whatever it learned from its matches alone
    /// ([`Feedback::FromMatches`](super::Feedback::FromMatches)). **Fails** where logging was not uniform,
    /// or was of longer slates, whose other items responses depend on too.
    #[must_use]
    pub fn engagement_per_match(&self) -> Option<f64> {
        let sum = self.matched_engagement.filter(|_| self.matches > 0)?;
        Some(sum / self.matches as f64)
    }

    /// What an audit of the replayed arm should warn of, beside
    /// [`without_wanted`](Self::without_wanted).
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let of = self.requests;
        let (none, short) = (self.without_candidates, self.short);
        [
            (none, Warning::RequestsWithoutCandidates { requests: none, of }),
            (short, Warning::ShortPools { requests: short, of }),
            (self.shown_outside, Warning::ShownOutsidePool { impressions: self.shown_outside }),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, warning)| warning)
        .collect()
    }

    /// Adds that of further requests.
    pub(super) fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.without_candidates += more.without_candidates;
        self.without_wanted += more.without_wanted;
        self.short += more.short;
        self.shown_outside += more.shown_outside;
        self.places += more.places;
        self.matches += more.matches;
        if let Some(more) = more.matched_engagement {
            *self.matched_engagement.get_or_insert(0.0) += more;
        }
    }
}
