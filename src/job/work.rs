//! Running a job: threads read and tally parts, the thread that was asked merges what they make.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant};

use super::checkpoint::{Identity, State};
use super::parts::Parts;
use super::shares::Shares;
use super::{Filter, JobDone, MIN_MEMORY, StepTimes, TallyJob, need};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::base::lock::Lock;
use crate::base::progress::{Progress, Told};
use crate::base::time::iso_text;
use crate::error::Error;
use crate::log::{Chunk, Chunks, ColumnPool, ExposureLog, ItemTopics, LogSchema, Origin};
use crate::question::keep::{Comparison, Keep};
use crate::tally::{Merger, Tally, TallySpec, WAITING};

pub(super) fn run(job: TallyJob<'_>) -> Result<JobDone, Error> {
    if job.memory < MIN_MEMORY {
        return Err(Error::Parameter {
            parameter: "memory",
            value: format!("{} bytes", job.memory),
            expected: "at least 67,108,864 bytes (64 MiB)",
        });
    }
    let shares = Shares::of(job.memory, rayon::current_num_threads());
    let threads = shares.threads;
    let schema = need::needed(&job.schema, &job.spec, &job.filter, job.item_topics);
    let identity = Identity::of(&job, &schema)?;
    // Held to the end, since a checkpoint is read, added to and written again.
    let _lock = match &job.checkpoint {
        Some((path, _)) => Some(lock(path)?),
        None => None,
    };
    let resumed = match &job.checkpoint {
        Some((path, _)) => State::open(path, &identity)?,
        None => None,
    };
    let (tally, state) = match resumed {
        Some((tally, state)) => (Some(tally), state),
        None => {
            // A part with its ids is one chunk: a few rows more would be a chunk of their own.
            let rows = (shares.chunk / 4 * 3 / schema.bytes_per_row()) as u64;
            let parts = Parts::of(&job.files, &schema, &job.filter, rows, &shares.room)?;
            (None, State { identity, parts, done: BTreeMap::new() })
        }
    };
    let work = Work {
        files: &job.files,
        schema: &schema,
        spec: &job.spec,
        filter: &job.filter,
        item_topics: job.item_topics,
        shares: &shares,
        todo: (0..state.parts.parts.len()).filter(|p| !state.done.contains_key(p)).collect(),
        parts: &state.parts.clone(),
        next: AtomicUsize::new(0),
        taking: AtomicUsize::new(0),
        given_up: AtomicUsize::new(usize::MAX),
    };
    let mut gathering = Gathering::new(state, tally, &shares, job.checkpoint, job.progress);
    let done = std::thread::scope(|scope| {
        // Few may wait, so that threads which are faster than the merging do not fill the memory.
        let (send, receive) = mpsc::sync_channel(1);
        let takers = threads.min(work.todo.len());
        work.taking.store(takers, Ordering::Relaxed);
        for _ in 0..takers {
            let (send, work) = (send.clone(), &work);
            scope.spawn(move || {
                work.each_part(&send);
                work.taking.fetch_sub(1, Ordering::Relaxed);
            });
        }
        drop(send);
        let gathered = gathering.gather(&receive, &work.given_up);
        work.given_up.store(0, Ordering::Relaxed);
        // Threads that wait to hand something over must not wait for ever.
        drop(receive);
        gathered
    });
    done?;
    gathering.finish(&job.files, job.filter.kept(&schema))
}

pub(super) fn lock(checkpoint: &Path) -> Result<Lock, Error> {
    let path = checkpoint.to_owned();
    match Lock::now(checkpoint) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(Error::InUse { path, what: "checkpoint" }),
        Err(cause) => Err(Error::Io { path, cause }),
    }
}

/// What the threads share.
struct Work<'w> {
    files: &'w [PathBuf],
    schema: &'w LogSchema,
    spec: &'w TallySpec,
    filter: &'w Filter,
    item_topics: Option<&'w ItemTopics>,
    shares: &'w Shares,
    parts: &'w Parts,
    todo: Vec<usize>,
    next: AtomicUsize,
    /// How many threads take parts.
    taking: AtomicUsize,
    /// Parts from this one on are not wanted any more.
    given_up: AtomicUsize,
}

/// What a thread hands over.
enum Made {
    /// Of some rows of a part.
    Chunk {
        part: usize,
        tally: Option<Box<Tally>>,
        origin: Box<Origin>,
        times: StepTimes,
    },
    /// A tally of more of the rows of the chunk that comes next.
    Slice(usize, Box<Tally>),
    /// The part is done.
    Done(usize),
    Failed(usize, Box<Error>),
}

impl Work<'_> {
    /// Takes parts until there are none left.
    fn each_part(&self, send: &SyncSender<Made>) {
        let mut spare = ColumnPool::default();
        loop {
            let next = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed));
            let Some(&part) = next.filter(|part| !self.is_given_up(**part)) else {
                return;
            };
            let made = match self.part(part, &mut spare, send) {
                Ok(ControlFlow::Continue(())) => Made::Done(part),
                Ok(ControlFlow::Break(())) => return,
                Err(error) => Made::Failed(part, Box::new(error)),
            };
            // Nobody listens any more once the job has failed or was stopped.
            if send.send(made).is_err() {
                return;
            }
        }
    }

    /// How many threads work on a part. Parts are what runs side by side; of a file that has no parts, the
    /// rows are decoded on threads that would have nothing to do otherwise.
    fn threads_of(&self, part: usize) -> usize {
        if self.parts.parts[part].is_divided() {
            return 1;
        }
        (self.shares.threads / self.taking.load(Ordering::Relaxed).max(1)).max(1)
    }

    /// A pool of as many threads as work on a part, if the one that is there has not as many.
    fn pool(&self, part: usize, pool: Option<ThreadPool>) -> Result<ThreadPool, Error> {
        let threads = self.threads_of(part);
        match pool.filter(|pool| pool.current_num_threads() == threads) {
            Some(pool) => Ok(pool),
            None => ThreadPoolBuilder::new().num_threads(threads).build().map_err(|cause| {
                let cause = std::io::Error::other(cause);
                Error::Io { path: PathBuf::from("a thread"), cause }
            }),
        }
    }

    fn part(
        &self,
        part: usize,
        spare: &mut ColumnPool,
        send: &SyncSender<Made>,
    ) -> Result<ControlFlow<()>, Error> {
        let room = &self.shares.room;
        let source = self.parts.parts[part].open(self.files, self.schema, room)?;
        let mut chunks = Chunks::new(source, self.schema);
        let mut pool = None;
        loop {
            let started = Instant::now();
            let fitting = self.pool(part, pool.take())?;
            let threads = &*pool.insert(fitting);
            chunks.decode_on(threads.current_num_threads());
            // The rows of threads that work on no part of their own are those of this one.
            let bytes = self.shares.chunk * threads.current_num_threads();
            let Some(Chunk { log, origin, .. }) = chunks.next(bytes, spare)? else {
                return Ok(ControlFlow::Continue(()));
            };
            let read = started.elapsed();
            let (mut tally, mut origin) = (None, origin);
            if let Some(log) = log {
                let asked = self.asked_for(log)?;
                origin = asked.1;
                if let Some(log) = asked.0 {
                    let give = |slice| send.send(Made::Slice(part, slice)).is_ok();
                    tally = threads.install(|| self.tally(&log, bytes, give))?;
                    spare.take_from(log);
                }
            }
            let tallied = started.elapsed() - read;
            let times = StepTimes { read, tally: tallied, merge: Duration::ZERO };
            let (tally, origin) = (tally.map(Box::new), Box::new(origin));
            let made = Made::Chunk { part, tally, origin, times };
            if send.send(made).is_err() || self.is_given_up(part) {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn is_given_up(&self, part: usize) -> bool {
        part >= self.given_up.load(Ordering::Relaxed)
    }

    /// The rows of a log that are asked for, if there are any, and what is to be said of all.
    fn asked_for(&self, log: ExposureLog) -> Result<(Option<ExposureLog>, Origin), Error> {
        let mut origin = log.origin().clone();
        let Some(mut log) = self.filter.apply(log)? else {
            origin.left_out = origin.rows_read - origin.set_aside.rows;
            return Ok((None, origin));
        };
        if let Some(topics) = self.item_topics {
            log = log.with_item_topics(topics)?;
        }
        let origin = log.origin().clone();
        Ok((Some(log), origin))
    }

    /// The tally of a log; where that would take more than a chunk may, slices of fewer rows are given
    /// away before it, until nobody takes them. Fewer rows have fewer arms and topics, and so fewer cells.
    fn tally(
        &self,
        log: &ExposureLog,
        bytes: usize,
        mut give: impl FnMut(Box<Tally>) -> bool,
    ) -> Result<Option<Tally>, Error> {
        let (mut first, mut rows) = (0, log.rows());
        loop {
            let end = log.rows().min(first + rows);
            let made = if (first, end) == (0, log.rows()) {
                Tally::of_within(log, self.spec, bytes)
            } else {
                let rows: Vec<u32> = (first as u32..end as u32).collect();
                Tally::of_within(&log.again(&rows)?, self.spec, bytes)
            };
            match made {
                Err(Error::MemoryLimit { needed, .. }) if rows > 1 => {
                    // There are at most as many cells as rows squared.
                    let halves = (needed / bytes.max(1)).ilog2() / 2 + 1;
                    rows = (rows >> halves).max(1);
                    continue;
                }
                Err(Error::MemoryLimit { needed, limit, .. }) => {
                    let more = (needed - limit).saturating_mul(8 * self.shares.threads);
                    let memory = self.shares.memory;
                    return Err(Error::tally_too_large(memory.saturating_add(more), memory));
                }
                made => {
                    let tally = made?;
                    self.shares.made(&tally);
                    if end == log.rows() {
                        return Ok(Some(tally));
                    }
                    if !give(Box::new(tally)) {
                        return Ok(None);
                    }
                }
            }
            first = end;
        }
    }
}

impl Filter {
    /// What it asks of rows, in the words of a log's choices.
    fn kept(&self, schema: &LogSchema) -> Vec<Keep> {
        let mut kept = Vec::new();
        if let (Some(times), Some((column, _))) = (&self.times, &schema.time) {
            kept.push(Keep::compared(column, Comparison::AtLeast, iso_text(times.start)));
            kept.push(Keep::compared(column, Comparison::Below, iso_text(times.end)));
        }
        if let (Some(arms), Some(column)) = (&self.arms, &schema.arm) {
            kept.push(Keep::new(column, arms));
        }
        kept
    }

    /// The rows that are asked for; `None` if there are none.
    fn apply(&self, log: ExposureLog) -> Result<Option<ExposureLog>, Error> {
        if self.times.is_none() && self.arms.is_none() {
            return Ok(Some(log));
        }
        let mut keep = vec![true; log.rows()];
        if let Some(asked) = &self.times {
            let times = log.require_times("keeping some times")?;
            keep.iter_mut().zip(times).for_each(|(keep, time)| *keep &= asked.contains(time));
        }
        if let Some(asked) = &self.arms {
            let arms = log.require_ids(crate::log::Role::Arm, "keeping some arms")?;
            // They are in order.
            let is_asked = |arm: &str| asked.binary_search_by(|its| (**its).cmp(arm)).is_ok();
            let of_code: Vec<bool> = arms.dictionary().iter().map(is_asked).collect();
            let codes = keep.iter_mut().zip(arms.codes());
            codes.for_each(|(keep, &code)| *keep &= of_code[code as usize]);
        }
        match keep.iter().filter(|keep| **keep).count() {
            0 => Ok(None),
            all if all == log.rows() => Ok(Some(log)),
            _ => log.retained(|row| keep[row]).map(Some),
        }
    }
}

/// Puts together what the threads make.
struct Gathering<'j> {
    state: State,
    shares: &'j Shares,
    checkpoint: Option<(PathBuf, Duration)>,
    call: Option<Box<Told<'j>>>,
    /// Tallies of parts that are done, each with how often it was merged.
    tallies: Merger,
    /// What was made of parts that are not done yet.
    open: HashMap<usize, (Vec<Tally>, Origin)>,
    progress: Progress,
    times: StepTimes,
    saved: Instant,
}

impl<'j> Gathering<'j> {
    fn new(
        state: State,
        tally: Option<Tally>,
        shares: &'j Shares,
        checkpoint: Option<(PathBuf, Duration)>,
        call: Option<Box<Told<'j>>>,
    ) -> Self {
        let read: u64 = state.done.values().map(|origin| origin.rows_read).sum();
        let progress = Progress {
            rows: read + state.parts.rows_unread,
            of_rows: state.parts.rows(),
            parts: state.done.len(),
            of_parts: state.parts.parts.len(),
            resumed_parts: state.done.len(),
        };
        Self {
            state,
            shares,
            checkpoint,
            call,
            tallies: tally.into_iter().fold(Merger::default(), Merger::with),
            open: HashMap::new(),
            progress,
            times: StepTimes::default(),
            saved: Instant::now(),
        }
    }

    /// Takes what the threads make until they are done. Of several failures the one that comes
    /// first in the files is returned.
    fn gather(&mut self, receive: &Receiver<Made>, given_up: &AtomicUsize) -> Result<(), Error> {
        let mut failed: Option<(usize, Error)> = None;
        for made in receive {
            match made {
                Made::Failed(part, error) => {
                    // Parts are taken in order, so all before this one are being read already;
                    // they are read on, since one of them may fail as well.
                    given_up.fetch_min(part, Ordering::Relaxed);
                    if failed.as_ref().is_none_or(|(first, _)| part < *first) {
                        failed = Some((part, *error));
                    }
                }
                _ if failed.is_some() => {}
                Made::Slice(part, tally) => self.keep(part, Some(*tally))?,
                Made::Chunk { part, tally, origin, times } => {
                    self.progress.rows += origin.rows_read;
                    self.times.read += times.read;
                    self.times.tally += times.tally;
                    self.open.entry(part).or_default().1.add(*origin);
                    self.keep(part, tally.map(|tally| *tally))?;
                    if self.tell().is_break() {
                        return self.stop();
                    }
                }
                Made::Done(part) => {
                    self.part_done(part)?;
                    if self.tell().is_break() {
                        return self.stop();
                    }
                    self.save_now_and_then()?;
                }
            }
        }
        match failed {
            None => Ok(()),
            // What cannot be read because it is being written is told as that.
            Some((_, error)) => self.state.identity.check_files().and(Err(error)),
        }
    }

    /// Keeps a tally of a part that is not done.
    fn keep(&mut self, part: usize, tally: Option<Tally>) -> Result<(), Error> {
        let (tallies, _) = self.open.entry(part).or_default();
        tallies.extend(tally);
        if tallies.len() >= WAITING {
            self.merge_open(part)?;
        }
        self.make_room()
    }

    /// Merges what was made of a part that is not done.
    fn merge_open(&mut self, part: usize) -> Result<(), Error> {
        let Some((tallies, _)) = self.open.get(&part).filter(|(tallies, _)| tallies.len() > 1)
        else {
            return Ok(());
        };
        self.check_merging(&tallies.iter().collect::<Vec<_>>())?;
        let started = Instant::now();
        if let Some((tallies, _)) = self.open.get_mut(&part) {
            let merged = Tally::merge_owned(std::mem::take(tallies))?;
            tallies.push(merged);
        }
        self.times.merge += started.elapsed();
        Ok(())
    }

    fn part_done(&mut self, part: usize) -> Result<(), Error> {
        let (tallies, origin) = self.open.remove(&part).unwrap_or_default();
        self.state.done.insert(part, origin);
        self.progress.parts += 1;
        tallies.into_iter().for_each(|tally| self.tallies.push(tally));
        let started = Instant::now();
        loop {
            let due = self.tallies.due();
            if due.is_empty() {
                break;
            }
            self.check_merging(&due)?;
            self.tallies.merge_due()?;
        }
        self.times.merge += started.elapsed();
        self.make_room()
    }

    /// Merges tallies before they outgrow their share, which is of use where they have clusters or names in
    /// common, and while there is memory for it.
    fn make_room(&mut self) -> Result<(), Error> {
        let all: Vec<&Tally> = self.all().collect();
        if self.shares.are_few(self.held() + Tally::merging_takes(&all)) {
            return Ok(());
        }
        let open: Vec<usize> = self.open.keys().copied().collect();
        open.into_iter().try_for_each(|part| self.merge_open(part))?;
        let started = Instant::now();
        self.merge()?;
        self.times.merge += started.elapsed();
        self.shares.check(self.held())
    }

    /// Whether there is memory to merge some of the tallies.
    fn check_merging(&self, tallies: &[&Tally]) -> Result<(), Error> {
        self.shares.check(self.held() + Tally::merging_takes(tallies))
    }

    fn all(&self) -> impl Iterator<Item = &Tally> {
        let open = self.open.values().flat_map(|(tallies, _)| tallies);
        open.chain(self.tallies.all())
    }

    /// Bytes of all tallies.
    fn held(&self) -> usize {
        self.all().map(Tally::bytes).sum()
    }

    /// Merges all that is done.
    fn merge(&mut self) -> Result<(), Error> {
        let all: Vec<&Tally> = self.tallies.all().collect();
        if all.len() > 1 {
            self.check_merging(&all)?;
        }
        self.tallies.merge()
    }

    fn tell(&mut self) -> ControlFlow<()> {
        let progress = self.progress;
        self.call.as_mut().map_or(ControlFlow::Continue(()), |call| call(&progress))
    }

    fn save_now_and_then(&mut self) -> Result<(), Error> {
        match &self.checkpoint {
            Some((_, every)) if self.saved.elapsed() >= *every => self.save(),
            _ => Ok(()),
        }
    }

    /// Saves the tally of the parts that are done, if there is a place for it.
    fn save(&mut self) -> Result<(), Error> {
        let Some((path, _)) = self.checkpoint.clone() else {
            return Ok(());
        };
        let started = Instant::now();
        self.state.identity.check_files()?;
        self.merge()?;
        if let Some(tally) = self.tallies.all().next() {
            self.state.save(tally, &path)?;
        }
        self.times.merge += started.elapsed();
        self.saved = Instant::now();
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        self.save()?;
        Err(Error::Stopped {
            parts: self.progress.parts,
            of_parts: self.progress.of_parts,
            saved: self.checkpoint.as_ref().map(|(path, _)| path.clone()),
        })
    }

    /// What all parts together are, of rows that the job's filter kept.
    fn finish(mut self, files: &[PathBuf], kept: Vec<Keep>) -> Result<JobDone, Error> {
        let started = Instant::now();
        self.state.identity.check_files()?;
        self.merge()?;
        let tally = std::mem::take(&mut self.tallies).finish()?;
        let mut origin = Origin::default();
        for part in std::mem::take(&mut self.state.done).into_values() {
            origin.add(part);
        }
        origin.settle();
        origin.source = match files {
            [file] => file.display().to_string(),
            files => format!("{} files", files.len()),
        };
        origin.rows_read += self.state.parts.rows_unread;
        origin.left_out += self.state.parts.rows_unread;
        origin.kept.extend(kept);
        let Some(mut tally) = tally else {
            return Err(nothing_of(origin));
        };
        tally.of_rows(&origin.kept);
        self.times.merge += started.elapsed();
        let checkpoint = self.checkpoint.map(|(path, _)| path);
        Ok(JobDone { tally, origin, times: self.times, progress: self.progress, checkpoint })
    }
}

/// Why there is no tally of rows that were read.
fn nothing_of(origin: Origin) -> Error {
    let Origin { source: file, kept, rows_read: rows, set_aside, left_out, .. } = origin;
    if left_out == 0 || kept.is_empty() {
        return Error::EmptyLog { file, set_aside: set_aside.rows };
    }
    let asked: Vec<String> = kept.iter().map(Keep::to_string).collect();
    Error::AllLeftOut { file, rows, asked: asked.join(", and ") }
}
