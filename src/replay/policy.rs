//! The front door of replays: a log that is in memory, and what comes of it.

use super::answer::Answering;
use super::pools::CandidateSets;
use super::replayed::Replayed;
use super::requests::Requests;
use super::spec::ReplaySpec;
use super::steps::{Step, StepSpec, Stepping};
use crate::error::Error;
use crate::log::ExposureLog;
use crate::policy::Policy;
use crate::tally::{TallySpec, WindowBy};

/// The requests of an arm answered once more, by another policy, from the candidates that they had: what
/// it would have shown, as rows of an arm of its own. Any [`Policy`] will do: one of
/// [`simulate::policy`](crate::policy), or a type of one's own.
///
/// Requests are answered in the order of their time (of one time, of their slates' ids), since learning
/// policies learn as they go; see [`Feedback`](super::Feedback). The row of a place keeps its viewer,
/// slate, session, time, stratum, position, weight and further columns; item, topics and the columns that
/// the candidates have by the same name are the candidate's, the propensity is the policy's where it knows
/// it, and what was observed of the logged item goes. Slates stay whole: place `r` holds the
/// counterfactual slate's item of rank `r`, and where candidates run out the last places stay empty.
///
/// Policies see candidates newest first (of one time, or where times are not known, in the order of their
/// ids) and number items, creators, viewers and strata from 0 as they are met. A slate is a function of
/// the policy, [`seed`](ReplaySpec::seed), the slate's id and its viewer's number. So results are the same,
/// bit for bit, for any order of the rows of log and table, any number of threads, and whether they are
/// read in memory or from sources, in chunks of any size.
///
/// **Right** for what a policy would have *shown*, if its candidates would have been the same: their
/// retrieval, what was shown before, and follows that clicks led to are taken as logged. **Fails** as a
/// statement of what viewers would have done, or of the feed that a policy leads to in the long run.
///
/// [`ReverseChronological`](crate::policy::ReverseChronological) makes the rows of
/// [`Baseline::Chronological`](crate::Baseline::Chronological), but where candidates of one moment compete
/// for places: a policy takes those whose ids come first, the baseline what is expected. Costs a copy of the candidates' features
/// and the policy's weights, and memory for every distinct item, creator and viewer.
///
/// ```
/// use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
/// use tiltmeter::replay::{CandidateKey, CandidateSets, Replay, ReplaySpec};
/// use tiltmeter::policy::ReverseChronological;
/// use tiltmeter::source::SliceSource;
/// use tiltmeter::tally::TallySpec;
/// use tiltmeter::{Audit, ExposureLog, Question};
///
/// let log = SliceSource::new("log")
///     .text("who", &["ada", "bo"])
///     .text("feed", &["ranked", "ranked"])
///     .text("request", &["r1", "r2"])
///     .integer("rank", &[1, 1])
///     .integer("at", &[100, 200])
///     .text("post", &["a", "a"])
///     .text("about", &["war", "war"]);
/// let schema = LogSchema::new()
///     .viewer("who").arm("feed").slate("request").position("rank").item("post")
///     .time("at", TimeFormat::EpochSeconds)
///     .topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(log, &schema)?;
///
/// let table = SliceSource::new("candidates")
///     .text("request", &["r1", "r1", "r2", "r2"])
///     .text("post", &["a", "b", "a", "c"])
///     .integer("published", &[50, 60, 50, 40])
///     .text("about", &["war", "sport", "war", "sport"]);
/// let schema = LogSchema::new()
///     .slate("request").item("post")
///     .time("published", TimeFormat::EpochSeconds)
///     .topics(TopicColumn::single("about"));
/// let pools = CandidateSets::new(ExposureLog::read(table, &schema)?, CandidateKey::Slate)?;
///
/// let spec = ReplaySpec::of("ranked", "newest");
/// let replayed = Replay::new(&spec, &mut ReverseChronological)?.log(&log, &pools)?;
/// assert_eq!((replayed.account.requests, replayed.account.matches), (2, 1));
/// let tally = replayed.tally(&TallySpec::default())?;
/// let question = Question::between("ranked", "newest").topics(["war"]);
/// let report = Audit::of_tally(&tally, &question).run()?;
/// assert_eq!(report.estimates()[0].value.number(), Some(2.0)); // all of one, half of the other
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Replay<'p> {
    pub(super) answering: Answering<'p>,
}

impl<'p> Replay<'p> {
    /// A replay by a policy, which goes on from what it has learned before.
    ///
    /// # Errors
    /// [`Error::SameArm`] for a name that is the arm's; [`Error::Parameter`] for numbers of the spec or
    /// of the policy's selection that are out of their ranges.
    pub fn new(spec: &ReplaySpec, policy: &'p mut dyn Policy) -> Result<Self, Error> {
        Ok(Self { answering: Answering::new(spec, policy)? })
    }

    /// Replays a log with candidates of any kind, all in memory.
    ///
    /// # Errors
    /// [`Error::MissingRole`] without arms, slates, positions, times or items, or without engagement for
    /// a policy that learns; [`Error::UnknownArm`]; [`Error::Candidates`] for a feature that the policy
    /// needs and the table has not; [`Error::Row`] and [`Error::UnknownColumn`] for columns of numbers;
    /// [`Error::PolicyWeight`]; [`Error::EmptyLog`] where no request was answered.
    pub fn log(mut self, log: &ExposureLog, pools: &CandidateSets) -> Result<Replayed, Error> {
        let answers = self.answering.answer(log, pools)?;
        self.answering.finish();
        let requests = Requests::of(log, &self.answering.spec().arm, "a replay")?.len() as u64;
        let replayed = Replayed::of(answers, log, pools, &self.answering)?;
        replayed.ok_or_else(|| Error::EmptyLog {
            file: pools.candidates().origin().source.clone(),
            set_aside: requests,
        })
    }
}

impl Replayed {
    /// The tallies of periods, as [`Replay::run_with`] gives them one after the other.
    ///
    /// # Errors
    /// Those of [`tally`](Self::tally), and [`Error::Parameter`] for windows without length.
    pub fn steps(&self, spec: &StepSpec) -> Result<Vec<Step>, Error> {
        let mut stepping = Stepping::new(spec)?;
        let mut steps = Vec::new();
        let mut keep = |step| {
            steps.push(step);
            Ok(())
        };
        stepping.add(self, &mut keep)?;
        stepping.finish(&mut keep)?;
        Ok(steps)
    }
}

impl StepSpec {
    /// One step of all.
    #[must_use]
    pub fn whole(tally: &TallySpec) -> Self {
        Self { tally: tally.clone(), by: WindowBy::Nothing }
    }
}
