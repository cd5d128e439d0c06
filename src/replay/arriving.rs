//! The candidates of a replay as they are read: those of a slate come together, and slates come in the
//! order in which the log first has them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use foldhash::fast::RandomState;

use super::asking::{Asking, Ready};
use super::pools::{CandidateKey, CandidateSets};
use crate::error::Error;
use crate::log::{Chunk, Chunks, ColumnPool, ExposureLog, LogSchema, LogSource, Origin, Role};

/// The candidates of a slate.
#[derive(Debug)]
struct Pool {
    slate: Box<str>,
    /// By table, its rows there.
    parts: Vec<(u64, Range<u32>)>,
    /// The row of the source that was its first.
    row: u64,
    /// Whether the log was seen to have it.
    known: bool,
}

/// Rows that were read together, as long as some of their slates wait.
#[derive(Debug)]
struct Table {
    rows: ExposureLog,
    waiting: usize,
    bytes: usize,
}

/// Candidates that wait for their requests.
pub(super) struct Arriving<'s, S> {
    chunks: Chunks<'s, S>,
    spare: ColumnPool,
    bytes_per_row: usize,
    name: String,
    tables: HashMap<u64, Table, RandomState>,
    tables_read: u64,
    /// By the order of their arrival.
    pools: BTreeMap<u64, Pool>,
    arrival_of: HashMap<Box<str>, u64, RandomState>,
    arrived: u64,
    /// The greatest index in the log of a slate that came, and when it came.
    passed: u64,
    known_until: u64,
    pub(super) ended: bool,
    pub(super) origin: Origin,
    /// Slates that the log has not.
    pub(super) unclaimed: u64,
}

impl<'s, S: LogSource> Arriving<'s, S> {
    pub(super) fn new((source, schema): (S, &'s LogSchema)) -> Self {
        Self {
            name: source.name().to_owned(),
            chunks: Chunks::new(source, schema),
            spare: ColumnPool::default(),
            bytes_per_row: schema.bytes_per_row(),
            tables: HashMap::default(),
            tables_read: 0,
            pools: BTreeMap::new(),
            arrival_of: HashMap::default(),
            arrived: 0,
            passed: 0,
            known_until: 0,
            ended: false,
            origin: Origin::default(),
            unclaimed: 0,
        }
    }

    /// Bytes of the rows that wait.
    pub(super) fn bytes(&self) -> usize {
        self.tables.values().map(|table| table.bytes).sum()
    }

    /// Reads on; what is read is looked at first.
    pub(super) fn read(
        &mut self,
        bytes: usize,
        check: impl FnOnce(&ExposureLog, &dyn Fn(usize) -> u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(chunk) = self.chunks.next(bytes, &mut self.spare)? else {
            self.ended = true;
            return Ok(());
        };
        let rows = chunk.source_rows();
        let source_row = |row: usize| rows.at(row);
        let mut waiting = 0;
        if let Some(log) = &chunk.log {
            check(log, &source_row)?;
            waiting = self.meet(log, &source_row)?;
        }
        let Chunk { log, origin, .. } = chunk;
        self.origin.add(origin);
        if let Some(rows) = log {
            let bytes = rows.rows() * self.bytes_per_row;
            self.tables.insert(self.tables_read, Table { rows, waiting, bytes });
            self.tables_read += 1;
        }
        Ok(())
    }

    /// Puts down the slates of a table; how many it has.
    fn meet(
        &mut self,
        log: &ExposureLog,
        source_row: &dyn Fn(usize) -> u64,
    ) -> Result<usize, Error> {
        let ids = log.require_ids(Role::Slate, "a table of candidates by request")?;
        let (mut start, mut met) = (0_u32, 0);
        for run in ids.codes().chunk_by(|a, b| a == b) {
            let rows = start..start + run.len() as u32;
            let slate = ids.id(start as usize).unwrap_or_default();
            let row = source_row(start as usize);
            start = rows.end;
            met += 1;
            let part = (self.tables_read, rows);
            if let Some(arrival) = self.arrival_of.get(slate) {
                if *arrival != self.arrived {
                    let detail = "come in two places";
                    return Err(self.out_of_order(row, slate, detail));
                }
                if let Some(pool) = self.pools.get_mut(arrival) {
                    pool.parts.push(part);
                }
                continue;
            }
            self.arrived += 1;
            self.arrival_of.insert(slate.into(), self.arrived);
            let pool = Pool { slate: slate.into(), parts: vec![part], row, known: false };
            self.pools.insert(self.arrived, pool);
        }
        Ok(met)
    }

    fn out_of_order(&self, row: u64, slate: &str, detail: &'static str) -> Error {
        let (file, slate) = (self.name.clone(), slate.to_owned());
        Error::CandidatesOutOfOrder { file, row, slate, detail }
    }

    /// Whether more candidates of a slate may come.
    fn is_open(&self, arrival: u64) -> bool {
        !self.ended && arrival == self.arrived
    }

    /// Looks up what has come, and drops what nobody will ask for: slates of other arms, and slates
    /// that the log has not, which is known once it has one that came after them.
    pub(super) fn look_up<L: LogSource>(&mut self, log: &mut Asking<'_, L>) -> Result<(), Error> {
        let (mut passed, mut known_until) = (self.passed, self.known_until);
        let mut late = None;
        for (&arrival, pool) in &mut self.pools {
            if pool.known {
                continue;
            }
            let slate = log.slates.get(&pool.slate);
            let too_late = match slate {
                Some(slate) => slate.index < passed,
                None => log.answered.has(&pool.slate),
            };
            if too_late {
                late = Some(arrival);
                break;
            }
            if let Some(slate) = slate {
                (pool.known, passed, known_until) = (true, slate.index, arrival);
            }
        }
        if let Some(pool) = late.and_then(|arrival| self.pools.get(&arrival)) {
            let detail = "come in two places, or after those of a slate that the log has later";
            return Err(self.out_of_order(pool.row, &pool.slate, detail));
        }
        (self.passed, self.known_until) = (passed, known_until.max(self.known_until));
        let mut dropped = Vec::new();
        let mut unclaimed = 0;
        for (&arrival, pool) in self.pools.iter().filter(|(arrival, _)| !self.is_open(**arrival)) {
            if !pool.known {
                if log.ended || arrival < self.known_until {
                    unclaimed += 1;
                    dropped.push(arrival);
                }
                continue;
            }
            let slate = log.slates.get(&pool.slate);
            if slate.is_none_or(|slate| !slate.ours && log.is_closed(slate)) {
                dropped.push(arrival);
            }
        }
        self.unclaimed += unclaimed;
        dropped.into_iter().for_each(|arrival| self.forget(arrival));
        // Slates of other arms are kept as long as their candidates may come.
        let forgotten: Vec<Box<str>> = log
            .slates
            .iter()
            .filter(|(id, slate)| {
                let waits = self.arrival_of.contains_key(*id);
                let passed = self.ended || slate.index <= self.passed;
                !slate.ours && passed && !waits && log.is_closed(slate)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in &forgotten {
            log.slates.remove(id);
        }
        Ok(())
    }

    fn forget(&mut self, arrival: u64) {
        let Some(pool) = self.pools.remove(&arrival) else { return };
        self.arrival_of.remove(&pool.slate);
        for (table, _) in pool.parts {
            if let Some(its) = self.tables.get_mut(&table) {
                its.waiting -= 1;
                if its.waiting == 0 {
                    self.tables.remove(&table);
                }
            }
        }
    }

    /// Whether the candidates of a slate are all there, or it has none.
    pub(super) fn is_settled(&self, slate: &Ready) -> bool {
        match self.arrival_of.get(&slate.id) {
            Some(arrival) => !self.is_open(*arrival),
            None => self.ended || slate.index < self.passed,
        }
    }

    /// Takes the candidates of slates; `None` where none of them has any.
    pub(super) fn take(&mut self, slates: &[Ready]) -> Result<Option<CandidateSets>, Error> {
        let arrivals: Vec<u64> =
            slates.iter().filter_map(|slate| self.arrival_of.get(&slate.id)).copied().collect();
        let mut rows: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for pool in arrivals.iter().filter_map(|arrival| self.pools.get(arrival)) {
            for (table, range) in &pool.parts {
                rows.entry(*table).or_default().extend(range.clone());
            }
        }
        let parts =
            rows.iter().filter_map(|(table, rows)| Some(self.tables.get(table)?.rows.again(rows)));
        let parts: Vec<ExposureLog> = parts.collect::<Result<_, Error>>()?;
        let joined = ExposureLog::joined(&parts.iter().collect::<Vec<_>>())?;
        arrivals.into_iter().for_each(|arrival| self.forget(arrival));
        joined.map(|table| CandidateSets::new(table, CandidateKey::Slate)).transpose()
    }
}
