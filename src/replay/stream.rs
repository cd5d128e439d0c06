//! A replay of sources that do not fit into memory: log and candidates are read side by side, slates are
//! answered when they are complete, and tallies are merged as they come.

use super::account::ReplayAccount;
use super::answer::{Answered, Answering};
use super::arriving::Arriving;
use super::asking::{Asking, Ready};
use super::columns::Place;
use super::policy::Replay;
use super::pools::CandidateSets;
use super::replayed::Replayed;
use super::steps::{Step, StepSpec, Stepping};
use crate::error::Error;
use crate::log::{ExposureLog, LogSchema, LogSource, Origin};
use crate::source::SliceSource;
use crate::tally::{Tally, TallySpec};

/// Slates of other arms of which candidates may still come, above which candidates are read on.
const SLATES_AHEAD: usize = 1 << 20;

/// What a replay of sources read, and what became of its requests.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReplayRun {
    /// What became of requests.
    pub account: ReplayAccount,
    /// Rows of the log that were read and set aside.
    pub log: Origin,
    /// Rows of the candidates that were read and set aside.
    pub candidates: Origin,
    /// Slates of the candidates that the log does not have; they are left out.
    pub unclaimed: u64,
}

/// The tally of a replay of sources.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReplayDone {
    /// Of both arms: what was logged and what would have been shown.
    pub tally: Tally,
    /// What was read.
    pub run: ReplayRun,
}

/// What is done with each step of a run.
type OnStep<'f> = dyn FnMut(Step) -> Result<(), Error> + 'f;

impl Replay<'_> {
    /// Replays a log with the candidates of its slates, both from sources that need not fit into memory,
    /// into one tally. It is that of [`Replay::log`] and [`Replayed::tally`], bit for bit, whatever the
    /// memory.
    ///
    /// Both sources are read once. Rows of the log come in the order of their time to within
    /// [`ReplaySpec::disorder`](super::ReplaySpec::disorder), and the times of a slate's rows are as near
    /// to each other; a slate is answered when none of its rows can come any more. The candidates of a slate
    /// come together, and slates in the order in which the log first has them. Slates of the log may be
    /// without candidates, and candidates may be of other arms or of slates that the log has not: they are
    /// counted. What breaks these rules is refused as long as it concerns one of the last 1,048,576 slates
    /// answered; candidates of slates before them are counted as of slates that the log has not.
    ///
    /// # Memory
    ///
    /// Rows of both are held in [`ReplaySpec::memory`](super::ReplaySpec::memory) bytes, or in as much as
    /// one batch of each source and the candidates of slates that interleave take; beside them the tally,
    /// what the policy keeps, and the ids of every item, creator and viewer met.
    ///
    /// ```
    /// use tiltmeter::replay::{Replay, ReplaySpec};
    /// use tiltmeter::policy::ReverseChronological;
    /// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
    /// use tiltmeter::tally::TallySpec;
    ///
    /// let mut config = SimulationConfig::preset(Preset::Conflict);
    /// (config.world.viewers, config.days) = (40, 2);
    /// let simulation = Simulation::new(&config)?;
    /// let mut spec = ReplaySpec::of("treatment", "newest");
    /// spec.disorder = 3 * 3_600_000_000; // a simulation's rows are in order by rounds of three hours
    /// spec.memory = 1 << 20;
    /// let (schema, table) = (simulation.schema()?, simulation.candidates_schema());
    /// let done = Replay::new(&spec, &mut ReverseChronological)?.run(
    ///     (simulation.source()?, &schema),
    ///     (simulation.candidates()?, &table),
    ///     &TallySpec::default(),
    /// )?;
    /// assert_eq!(done.run.account.without_candidates, 0);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Replay::log`]; [`Error::OutOfOrder`] for the first row of the log that comes too late;
    /// [`Error::CandidatesOutOfOrder`]; those of reading sources.
    pub fn run(
        self,
        log: (impl LogSource, &LogSchema),
        candidates: (impl LogSource, &LogSchema),
        spec: &TallySpec,
    ) -> Result<ReplayDone, Error> {
        let mut tally = None;
        let mut keep = |step: Step| {
            tally = Some(step.tally);
            Ok(())
        };
        let source = candidates.0.name().to_owned();
        let supply = Supply::Read(Box::new(Arriving::new(candidates)));
        let run = self.through(log, supply, &StepSpec::whole(spec), &mut keep)?;
        done(tally, run, source)
    }

    /// The same with candidates that are in memory: the inventories of viewers, a catalogue.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn run_among(
        self,
        log: (impl LogSource, &LogSchema),
        pools: &CandidateSets,
        spec: &TallySpec,
    ) -> Result<ReplayDone, Error> {
        let mut tally = None;
        let mut keep = |step: Step| {
            tally = Some(step.tally);
            Ok(())
        };
        let supply = Supply::<SliceSource>::Held(pools);
        let run = self.through(log, supply, &StepSpec::whole(spec), &mut keep)?;
        done(tally, run, pools.candidates().origin().source.clone())
    }

    /// Replays sources period by period: a step is handed over when all of its requests were answered.
    /// Periods in which no request was answered have no step; what became of their requests is in the
    /// account that comes back.
    ///
    /// ```
    /// use tiltmeter::inference::{Monitor, MonitorSpec};
    /// use tiltmeter::replay::{Replay, ReplaySpec, StepSpec};
    /// use tiltmeter::policy::ReverseChronological;
    /// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
    /// use tiltmeter::tally::WindowBy;
    /// use tiltmeter::{ClusterBy, Question};
    ///
    /// let question = Question::between("treatment", "newest")
    ///     .topics(["conflict"])
    ///     .cluster(ClusterBy::Slate); // complete in the step of its request
    /// let mut monitor = Monitor::new(MonitorSpec::of(&question, 100)?)?;
    ///
    /// let mut config = SimulationConfig::preset(Preset::Conflict);
    /// (config.world.viewers, config.days) = (40, 3);
    /// let simulation = Simulation::new(&config)?;
    /// let mut spec = ReplaySpec::of("treatment", "newest");
    /// spec.disorder = 3 * 3_600_000_000;
    /// let steps = StepSpec { tally: monitor.spec().tally.clone(), by: WindowBy::days(1) };
    /// let (schema, table) = (simulation.schema()?, simulation.candidates_schema());
    /// Replay::new(&spec, &mut ReverseChronological)?.run_with(
    ///     (simulation.source()?, &schema),
    ///     (simulation.candidates()?, &table),
    ///     &steps,
    ///     |step| monitor.observe_as(&step.label, &step.tally),
    /// )?;
    /// assert_eq!(monitor.observations(), 3);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`run`](Self::run), but for [`Error::EmptyLog`] of candidates; those of the function.
    pub fn run_with(
        self,
        log: (impl LogSource, &LogSchema),
        candidates: (impl LogSource, &LogSchema),
        steps: &StepSpec,
        mut on_step: impl FnMut(&Step) -> Result<(), Error>,
    ) -> Result<ReplayRun, Error> {
        let supply = Supply::Read(Box::new(Arriving::new(candidates)));
        self.through(log, supply, steps, &mut |step| on_step(&step))
    }

    fn through<L: LogSource, C: LogSource>(
        mut self,
        log: (L, &LogSchema),
        supply: Supply<'_, '_, C>,
        steps: &StepSpec,
        emit: &mut OnStep<'_>,
    ) -> Result<ReplayRun, Error> {
        let spec = self.answering.spec();
        let part = spec.memory / 4;
        let log = Asking::new(log, &spec.arm, spec.disorder);
        let mut course =
            Course { log, supply, part, stepping: Stepping::new(steps)?, account: None };
        if let Supply::Held(pools) = &course.supply {
            let table = pools.candidates();
            self.answering.check_table(&Place { table, source_row: &|row| row as u64 + 1 })?;
        }
        while !course.log.ended {
            let answering = &self.answering;
            course.log.read(part, |table, source_row| {
                answering.check_log(&Place { table, source_row })
            })?;
            course.answer_ready(&mut self.answering, emit)?;
        }
        course.read_rest(&self.answering)?;
        self.answering.finish();
        course.stepping.finish(emit)?;
        Ok(course.into_run())
    }
}

fn done(tally: Option<Tally>, run: ReplayRun, source: String) -> Result<ReplayDone, Error> {
    match tally {
        Some(tally) => Ok(ReplayDone { tally, run }),
        None => Err(Error::EmptyLog { file: source, set_aside: run.account.requests }),
    }
}

/// Where candidates come from.
enum Supply<'a, 's, C> {
    Held(&'a CandidateSets),
    Read(Box<Arriving<'s, C>>),
}

/// A replay under way.
struct Course<'a, 's, L, C> {
    log: Asking<'s, L>,
    supply: Supply<'a, 's, C>,
    /// Bytes that are read of a source at a time.
    part: usize,
    stepping: Stepping,
    account: Option<ReplayAccount>,
}

impl<L: LogSource, C: LogSource> Course<'_, '_, L, C> {
    /// Answers the slates that are complete.
    fn answer_ready(
        &mut self,
        answering: &mut Answering<'_>,
        emit: &mut OnStep<'_>,
    ) -> Result<(), Error> {
        loop {
            let ready = self.log.ready();
            let settled = self.settled(answering, &ready)?;
            if settled == 0 {
                return Ok(());
            }
            let now = &ready[..settled];
            let Some(rows) = self.log.take(now)? else { return Ok(()) };
            let taken;
            let pools = match &mut self.supply {
                Supply::Held(pools) => Some(*pools),
                Supply::Read(candidates) => {
                    taken = candidates.take(now)?;
                    taken.as_ref()
                }
            };
            self.answer(answering, (&rows, pools, now), emit)?;
        }
    }

    /// How many of the first complete slates have all their candidates: all of them, or those that
    /// are there when memory is used up.
    fn settled(&mut self, answering: &Answering<'_>, ready: &[Ready]) -> Result<usize, Error> {
        let Supply::Read(candidates) = &mut self.supply else { return Ok(ready.len()) };
        loop {
            candidates.look_up(&mut self.log)?;
            let settled = ready.iter().take_while(|slate| candidates.is_settled(slate)).count();
            let full = settled > 0 && candidates.bytes() >= 2 * self.part;
            let ahead = self.log.slates.len() - ready.len() > SLATES_AHEAD && !candidates.ended;
            if full || settled == ready.len() && !ahead {
                return Ok(settled);
            }
            candidates.read(self.part, |table, source_row| {
                answering.check_table(&Place { table, source_row })
            })?;
        }
    }

    fn answer(
        &mut self,
        answering: &mut Answering<'_>,
        (rows, pools, slates): (&ExposureLog, Option<&CandidateSets>, &[Ready]),
        emit: &mut OnStep<'_>,
    ) -> Result<(), Error> {
        let Some(pools) = pools else {
            let unanswered: Vec<Answered> =
                slates.iter().map(|slate| answering.leave(slate.time)).collect();
            self.count(&unanswered);
            return self.stepping.add_unanswered(&unanswered, emit);
        };
        let answers = answering.answer(rows, pools)?;
        self.count(&answers.requests);
        if answers.shown.is_empty() {
            return self.stepping.add_unanswered(&answers.requests, emit);
        }
        match Replayed::of(answers, rows, pools, answering)? {
            Some(replayed) => self.stepping.add(&replayed, emit),
            None => Ok(()),
        }
    }

    fn count(&mut self, requests: &[Answered]) {
        let account = self.account.get_or_insert_default();
        requests.iter().for_each(|request| account.add(&request.account));
    }

    /// Reads the candidates that nobody asked for, so that a fault in them is found.
    fn read_rest(&mut self, answering: &Answering<'_>) -> Result<(), Error> {
        let Supply::Read(candidates) = &mut self.supply else { return Ok(()) };
        while !candidates.ended {
            candidates.read(self.part, |table, source_row| {
                answering.check_table(&Place { table, source_row })
            })?;
            candidates.look_up(&mut self.log)?;
        }
        Ok(())
    }

    fn into_run(self) -> ReplayRun {
        let (candidates, unclaimed) = match self.supply {
            Supply::Held(pools) => (pools.candidates().origin().clone(), 0),
            Supply::Read(candidates) => (candidates.origin, candidates.unclaimed),
        };
        let account = self.account.unwrap_or_default();
        ReplayRun { account, log: self.log.origin, candidates, unclaimed }
    }
}
