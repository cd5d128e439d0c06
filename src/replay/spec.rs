//! What is replayed, and how. Plain data.

use serde::{Deserialize, Serialize};

use super::columns::{CandidateColumns, RequestColumns};
use crate::base::time::DAY;
use crate::error::Error;
use crate::policy::TopicSets;
use crate::policy::{Policy, PolicyConfig, Setting};

/// The least memory of a replay of sources: what follows is rounded up to a batch of each source.
const MEMORY: usize = 256 << 20;

/// What a learning policy is told.
///
/// | feedback | what it learns from | what comes of it |
/// | --- | --- | --- |
/// | `FromLogged` | what was logged and what came of that, of all answered requests | a policy trained on the platform's data, which it did not choose |
/// | `FromMatches` | places at which it chose what was logged | what it would have learned online, where logging was uniformly random (Li et al. 2011) |
/// | `None` | nothing | a policy that stays as it is |
///
/// A click is an engagement above 0. Under the last two no response is made up: nobody knows what viewers
/// would have done with items that they were not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Feedback {
    /// What was logged, and its engagement. Logged items that are not among the candidates are left
    /// out (and counted): nothing is known of them.
    FromLogged,
    /// Only where the policy chose what was logged at that place: the replay method of Li, Chu,
    /// Langford and Wang (*Unbiased offline evaluation of contextual-bandit-based news article
    /// recommendation algorithms*, WSDM 2011, arXiv 1003.5956). Right for slates of one that were logged
    /// uniformly at random; with other logging the matches are a selection.
    FromMatches,
    /// Nothing.
    #[default]
    None,
}

/// After what a learning policy learns: within a round it stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Round {
    /// After spans of time of this many microseconds, counted from 1970-01-01T00:00:00Z; above 0.
    Every(i64),
    /// After this many requests of the arm, answered or not; above 0.
    Requests(u32),
}

/// What is replayed, and how.
///
/// ```
/// use tiltmeter::replay::ReplaySpec;
/// use tiltmeter::policy::{PolicyConfig, Ranker};
/// let spec = ReplaySpec::of("ranked", "newest");
/// let policy = spec.build(&PolicyConfig::of(Ranker::ReverseChronological), 0)?;
/// assert_eq!(policy.name(), "reverse-chronological");
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReplaySpec {
    /// The arm whose requests are answered again.
    pub arm: String,
    /// The name of the arm that comes out; another than the arm's.
    pub name: String,
    /// The seed of what the policy draws. Default 1.
    pub seed: u64,
    /// What a learning policy is told. Default nothing.
    pub feedback: Feedback,
    /// After what it learns. Default a day.
    pub round: Round,
    /// Which columns of the candidates are what.
    pub candidates: CandidateColumns,
    /// Which columns of the log are what.
    pub requests: RequestColumns,
    /// The numbers of sets of topics, for policies that were made for some; every set of the candidates
    /// must be among them. `None`: numbered as they are met.
    pub topic_sets: Option<TopicSets>,
    /// Creators by number, for policies that name some by it; others follow as they are met.
    pub creators: Vec<String>,
    /// Strata by number, for policies that name some; others follow as they are met.
    pub strata: Vec<String>,
    /// For logs that are read from sources: how far, in microseconds, a row may be of an earlier time
    /// than one before it, and the rows of a slate from one another. Default 0: sorted, and a slate
    /// has one time.
    pub disorder: i64,
    /// For sources: bytes of rows that are held, of both together, as long as slates that interleave
    /// and single batches of a source do not take more. Default 256 MiB.
    pub memory: usize,
}

impl ReplaySpec {
    /// Answers the requests of an arm again, as an arm of another name.
    pub fn of(arm: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            arm: arm.into(),
            name: name.into(),
            seed: 1,
            feedback: Feedback::None,
            round: Round::Every(DAY),
            candidates: CandidateColumns::default(),
            requests: RequestColumns::default(),
            topic_sets: None,
            creators: Vec::new(),
            strata: Vec::new(),
            disorder: 0,
            memory: MEMORY,
        }
    }

    /// Makes a policy for the topics and strata of this replay; day 0 of its biases begins at `start`,
    /// in microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// Those of [`PolicyConfig::build`].
    pub fn build(&self, config: &PolicyConfig, start: i64) -> Result<Box<dyn Policy>, Error> {
        let none = TopicSets::new(Vec::new(), Vec::new())?;
        config.build(&Setting {
            topic_sets: self.topic_sets.as_ref().unwrap_or(&none),
            strata: &self.strata,
            start,
            seed: self.seed,
        })
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.arm == self.name {
            return Err(Error::SameArm { arm: self.arm.clone() });
        }
        let (parameter, value) = match self.round {
            Round::Every(..=0) | Round::Requests(0) => {
                ("ReplaySpec::round", format!("{:?}", self.round))
            }
            _ if self.disorder < 0 => ("ReplaySpec::disorder", self.disorder.to_string()),
            _ => return Ok(()),
        };
        let expected = if parameter == "ReplaySpec::round" { "above 0" } else { "0 or more" };
        Err(Error::Parameter { parameter, value, expected })
    }
}
