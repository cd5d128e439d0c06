//! The log of a replay as it is read: which slates are complete, in what order. It knows nothing of
//! candidates.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};

use super::answer::REPLAY;
use crate::error::Error;
use crate::log::{
    Chunk, Chunks, ColumnPool, ExposureLog, LogSchema, LogSource, Origin, Role, iso_text,
};

/// A slate of the log, of any arm, of which more may come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slate {
    /// Its place in the order of first appearance.
    pub(super) index: u64,
    /// The earliest time of its rows.
    pub(super) first: i64,
    last: i64,
    /// Whether it has rows in the arm that is replayed.
    pub(super) ours: bool,
}

/// Slates that are remembered after they were answered.
const REMEMBERED: usize = 1 << 20;

/// The last slates that were answered, by a hash of their ids: what belongs to them comes too late.
#[derive(Debug, Default)]
pub(super) struct Recent {
    hasher: FixedState,
    hashes: HashSet<u64, FixedState>,
    order: VecDeque<u64>,
}

impl Recent {
    fn add(&mut self, slate: &str) {
        let hash = self.hasher.hash_one(slate);
        if !self.hashes.insert(hash) {
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
    }

    pub(super) fn has(&self, slate: &str) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&self.hasher.hash_one(slate))
    }
}

/// A complete slate of the arm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ready {
    pub(super) time: i64,
    pub(super) id: Box<str>,
    pub(super) index: u64,
}

/// The rows of an arm that wait to be answered, and the slates of all arms as far as they matter.
pub(super) struct Asking<'s, S> {
    chunks: Chunks<'s, S>,
    spare: ColumnPool,
    arm: String,
    disorder: i64,
    name: String,
    pending: Option<ExposureLog>,
    latest: Option<i64>,
    pub(super) slates: HashMap<Box<str>, Slate, RandomState>,
    slates_met: u64,
    pub(super) answered: Recent,
    arms: BTreeSet<String>,
    pub(super) ended: bool,
    pub(super) origin: Origin,
}

impl<'s, S: LogSource> Asking<'s, S> {
    pub(super) fn new((source, schema): (S, &'s LogSchema), arm: &str, disorder: i64) -> Self {
        Self {
            name: source.name().to_owned(),
            chunks: Chunks::new(source, schema),
            spare: ColumnPool::default(),
            arm: arm.to_owned(),
            disorder,
            pending: None,
            latest: None,
            slates: HashMap::default(),
            slates_met: 0,
            answered: Recent::default(),
            arms: BTreeSet::new(),
            ended: false,
            origin: Origin::default(),
        }
    }

    /// Reads on; what is read is looked at first.
    pub(super) fn read(
        &mut self,
        bytes: usize,
        check: impl FnOnce(&ExposureLog, &dyn Fn(usize) -> u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(chunk) = self.chunks.next(bytes, &mut self.spare)? else {
            self.ended = true;
            return self.require_arm();
        };
        let rows = chunk.source_rows();
        let source_row = |row: usize| rows.at(row);
        if let Some(log) = &chunk.log {
            check(log, &source_row)?;
            self.meet(log, &source_row)?;
        }
        let Chunk { log, origin, .. } = chunk;
        self.origin.add(origin);
        let Some(log) = log else { return Ok(()) };
        let arms = log.require_ids(Role::Arm, REPLAY)?;
        let ours = arms.dictionary().code(&self.arm);
        let rows = arms.codes().iter().zip(0..).filter(|(arm, _)| Some(**arm) == ours);
        let rows: Vec<u32> = rows.map(|(_, row)| row).collect();
        if !rows.is_empty() {
            let more = log.again(&rows)?;
            let parts = self.pending.iter().chain([&more]).collect::<Vec<_>>();
            self.pending = ExposureLog::joined(&parts)?;
        }
        self.spare.take_from(log);
        Ok(())
    }

    fn require_arm(&self) -> Result<(), Error> {
        if self.arms.is_empty() {
            let (file, set_aside) = (self.name.clone(), self.origin.set_aside.rows);
            return Err(Error::EmptyLog { file, set_aside });
        }
        if self.arms.contains(&self.arm) {
            return Ok(());
        }
        let available = self.arms.iter().cloned().collect();
        Err(Error::UnknownArm { arm: self.arm.clone(), available })
    }

    /// Puts down the slates of rows, if their times are in order.
    fn meet(&mut self, log: &ExposureLog, source_row: &dyn Fn(usize) -> u64) -> Result<(), Error> {
        let times = log.require_times(REPLAY)?;
        let ids = log.require_ids(Role::Slate, REPLAY)?;
        log.require_positions(REPLAY)?;
        log.require_ids(Role::Item, REPLAY)?;
        let arms = log.require_ids(Role::Arm, REPLAY)?;
        self.arms.extend(arms.dictionary().iter().map(str::to_owned));
        let ours = arms.dictionary().code(&self.arm);
        let mut slates: Vec<Option<Slate>> =
            ids.dictionary().iter().map(|id| self.slates.get(id).copied()).collect();
        for (row, &time) in times.iter().enumerate() {
            let latest = self.latest.map_or(time, |latest| latest.max(time));
            self.latest = Some(latest);
            if latest.saturating_sub(time) > self.disorder {
                let detail = format!("after one of {}", iso_text(latest));
                return Err(self.out_of_order(source_row(row), time, detail));
            }
            let of_row = &mut slates[ids.codes()[row] as usize];
            let id = ids.id(row).unwrap_or_default();
            if of_row.is_none() && self.answered.has(id) {
                let detail = format!("when its slate {id:?} had been complete");
                return Err(self.out_of_order(source_row(row), time, detail));
            }
            let slate = of_row.get_or_insert_with(|| {
                self.slates_met += 1;
                let index = self.slates_met;
                Slate { index, first: time, last: time, ours: false }
            });
            slate.first = slate.first.min(time);
            slate.last = slate.last.max(time);
            slate.ours |= Some(arms.codes()[row]) == ours;
            if slate.last.saturating_sub(slate.first) > self.disorder {
                let other = if time == slate.first { slate.last } else { slate.first };
                let detail = format!("where its slate {id:?} has a row of {}", iso_text(other));
                return Err(self.out_of_order(source_row(row), time, detail));
            }
        }
        let met = ids.dictionary().iter().zip(slates);
        self.slates.extend(met.filter_map(|(id, slate)| Some((id.into(), slate?))));
        Ok(())
    }

    fn out_of_order(&self, row: u64, time: i64, detail: String) -> Error {
        let (file, disorder) = (self.name.clone(), self.disorder);
        Error::OutOfOrder { file, row, time: iso_text(time), detail, disorder }
    }

    /// Whether no more rows of a slate can come: all that come are of a time of `latest - disorder` or
    /// after it, and the slate's of `first + disorder` or before it.
    pub(super) fn is_closed(&self, slate: &Slate) -> bool {
        let closes = slate.first.saturating_add(self.disorder.saturating_mul(2));
        self.ended || self.latest.is_some_and(|latest| closes < latest)
    }

    /// The complete slates of the arm, in the order in which they are answered.
    pub(super) fn ready(&self) -> Vec<Ready> {
        let is_ready = |slate: &Slate| slate.ours && self.is_closed(slate);
        let ready = self.slates.iter().filter(|(_, slate)| is_ready(slate));
        let mut ready: Vec<Ready> = ready
            .map(|(id, slate)| Ready { time: slate.first, id: id.clone(), index: slate.index })
            .collect();
        ready.sort_unstable();
        ready
    }

    /// Takes the rows of complete slates, which are then forgotten.
    pub(super) fn take(&mut self, ready: &[Ready]) -> Result<Option<ExposureLog>, Error> {
        for slate in ready {
            self.slates.remove(&slate.id);
            self.answered.add(&slate.id);
        }
        let Some(pending) = self.pending.take() else { return Ok(None) };
        let wanted: HashSet<&str, RandomState> = ready.iter().map(|slate| &*slate.id).collect();
        let ids = pending.require_ids(Role::Slate, REPLAY)?;
        let taken: Vec<bool> = ids.dictionary().iter().map(|id| wanted.contains(id)).collect();
        let (now, later): (Vec<u32>, Vec<u32>) =
            (0..pending.rows() as u32).partition(|row| taken[ids.codes()[*row as usize] as usize]);
        if !later.is_empty() {
            self.pending = Some(pending.again(&later)?);
        }
        Ok(if now.is_empty() { None } else { Some(pending.again(&now)?) })
    }
}
