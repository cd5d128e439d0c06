//! A source read in logs of bounded size, one after the other.

use super::builder::LogBuilder;
use super::feed::Feed;
use super::spare::ColumnPool;
use super::{ExposureLog, Found, LogSchema, LogSource, Origin};
use crate::error::Error;

/// Reads a source in logs of bounded size.
pub(crate) struct Chunks<'s, S> {
    feed: Feed<'s, S>,
    schema: &'s LogSchema,
    /// Rows of the file before the next chunk.
    before: u64,
    started: bool,
    /// What was found of how the file is written.
    found: Vec<Found>,
}

/// Some rows of a source.
pub(crate) struct Chunk {
    /// `None` where all rows were set aside.
    pub(crate) log: Option<ExposureLog>,
    pub(crate) origin: Origin,
    /// Rows of the source before these.
    before: u64,
    /// Of the rows read, which are in the log; all of them if `None`.
    kept: Option<Vec<bool>>,
}

impl Chunk {
    /// Where the rows of the log stand in the source.
    pub(crate) fn source_rows(&self) -> SourceRows {
        let kept = |kept: &Vec<bool>| {
            let kept = kept.iter().zip(self.before + 1..).filter(|(kept, _)| **kept);
            kept.map(|(_, row)| row).collect()
        };
        SourceRows { before: self.before, of_row: self.kept.as_ref().map(kept) }
    }
}

/// The row of a source that each row of a log was.
pub(crate) struct SourceRows {
    before: u64,
    of_row: Option<Vec<u64>>,
}

impl SourceRows {
    /// The row of the source, counted from 1.
    pub(crate) fn at(&self, row: usize) -> u64 {
        match &self.of_row {
            None => self.before + row as u64 + 1,
            Some(of_row) => of_row.get(row).copied().unwrap_or(self.before),
        }
    }
}

impl<'s, S: LogSource> Chunks<'s, S> {
    pub(crate) fn new(source: S, schema: &'s LogSchema) -> Self {
        let before = source.rows_before();
        Self { feed: Feed::new(source, schema), schema, before, started: false, found: Vec::new() }
    }

    /// Says on how many threads the blocks of a source that has such are decoded. Without a word it is those
    /// of the current `rayon` pool.
    pub(crate) fn decode_on(&mut self, threads: usize) {
        self.feed.decode_on(threads);
    }

    /// The next rows, of about this many bytes in memory but at least one batch; `None` after
    /// the last. Their columns are kept in spare memory as far as there is some.
    pub(crate) fn next(
        &mut self,
        bytes: usize,
        spare: &mut ColumnPool,
    ) -> Result<Option<Chunk>, Error> {
        let source = self.feed.source();
        let name = source.name().to_owned();
        let (builder, wanted) = LogBuilder::new(&name, self.schema, source.column_names())?;
        let mut builder = builder.starting_after(self.before).within(bytes);
        if !self.started {
            source.select(&wanted);
            self.found = builder.found(source.found());
            self.started = true;
        }
        let per_row = self.schema.bytes_per_row();
        let left = source.rows_left().and_then(|rows| usize::try_from(rows).ok());
        self.feed.begin(bytes)?;
        // Memory is taken for rows that are there: after the last it would be lost.
        if left != Some(0) {
            builder.reserve_in(spare, left.unwrap_or(0).min(bytes / per_row));
        }
        while self.feed.next_into(&mut builder)? {
            if builder.bytes(per_row) + self.feed.bytes() >= bytes {
                break;
            }
        }
        if builder.rows() == 0 {
            return Ok(None);
        }
        let before = self.before;
        self.before += builder.rows() as u64;
        let mut built = builder.finish()?;
        let kept = built.keep.take();
        if built.rows == 0 {
            let origin = Origin {
                source: name,
                rows_read: built.rows_read,
                set_aside: built.set_aside,
                left_out: built.left_out,
                kept: self.schema.keep.clone(),
                found: self.found.clone(),
                ..Origin::default()
            };
            return Ok(Some(Chunk { log: None, origin, before, kept }));
        }
        let mut log = ExposureLog::from_built(name, built, self.schema)?;
        log.origin.found.clone_from(&self.found);
        let origin = log.origin().clone();
        Ok(Some(Chunk { log: Some(log), origin, before, kept }))
    }
}
