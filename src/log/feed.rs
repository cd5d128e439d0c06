//! The rows of a source on their way into a log: batch after batch, or in blocks that several threads
//! decode while the log takes them in their order.

use super::LogSource;
use super::blocks::{Decoded, Stop};
use super::builder::LogBuilder;
use super::schema::LogSchema;
use super::workers::{Gathered, Workers};
use crate::error::Error;

/// Bytes of a block: enough that handing it over costs nothing beside decoding it, few enough that it is
/// in cache while it is decoded.
const BLOCK_BYTES: std::ops::RangeInclusive<usize> = 1 << 16..=1 << 19;

/// Blocks that are to fit into the memory of a log for each thread, so that those in flight are a part of it.
const BLOCKS_IN_LOG: usize = 16;

/// The most threads: reading bytes and taking what threads gathered is one thread's work, which a dozen keep
/// busy.
const MOST_THREADS: usize = 16;

/// The rows of a source, and whoever decodes them.
pub(super) struct Feed<'s, S> {
    source: S,
    schema: &'s LogSchema,
    workers: Workers,
    /// How many threads are to decode.
    threads: usize,
    /// Bytes of a block.
    block: usize,
    /// Whether there are threads that decode; otherwise it is done here.
    threaded: bool,
    /// Whether the last block was taken from the source.
    ended: bool,
}

impl<'s, S: LogSource> Feed<'s, S> {
    pub(super) fn new(source: S, schema: &'s LogSchema) -> Self {
        Self {
            source,
            schema,
            workers: Workers::default(),
            // Threads of their own, as many: those of the pool may wait for what is read here.
            threads: rayon::current_num_threads(),
            block: *BLOCK_BYTES.end(),
            threaded: false,
            ended: false,
        }
    }

    pub(super) fn source(&mut self) -> &mut S {
        &mut self.source
    }

    /// Says how many threads are to decode.
    pub(super) fn decode_on(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// Begins a log that may take so many bytes.
    pub(super) fn begin(&mut self, bytes: usize) -> Result<(), Error> {
        if !self.source.has_blocks() {
            return Ok(());
        }
        let threads = self.threads.min(MOST_THREADS);
        let fits = bytes / threads / BLOCKS_IN_LOG;
        self.block = fits.clamp(*BLOCK_BYTES.start(), *BLOCK_BYTES.end());
        self.threaded |= threads > 1;
        if self.threaded {
            let names = self.source.column_names();
            let each = bytes / 4 / threads;
            let started =
                self.workers.at_least(threads, self.source.name(), self.schema, names, each);
            started.map_err(|cause| Error::Io { path: "a thread".into(), cause })?;
            self.workers.begin(bytes / 4);
        }
        Ok(())
    }

    /// Adds the next rows to a log; `false` after the last.
    pub(super) fn next_into(&mut self, builder: &mut LogBuilder<'_>) -> Result<bool, Error> {
        if !self.source.has_blocks() {
            return match self.source.next_batch()? {
                Some(batch) => builder.push(batch).map(|()| true),
                None => Ok(false),
            };
        }
        if self.threaded {
            return self.next_gathered(builder);
        }
        let Some(block) = self.source.next_block(self.block)? else { return Ok(false) };
        let Decoded { batch, stop } = block.decode();
        batch.map_or(Ok(()), |batch| builder.push(batch))?;
        or_stop(stop, builder)
    }

    fn next_gathered(&mut self, builder: &mut LogBuilder<'_>) -> Result<bool, Error> {
        while !self.ended && self.workers.want_more() {
            match self.source.next_block(self.block)? {
                Some(block) => self.workers.give(block),
                None => self.ended = true,
            }
        }
        let Some(Gathered { worker, piece, stop }) = self.workers.take() else { return Ok(false) };
        if let Some(piece) = piece? {
            builder.absorb(piece, &mut self.workers.known[worker])?;
        }
        or_stop(stop, builder)
    }

    /// Bytes of memory beside the log.
    pub(super) fn bytes(&self) -> usize {
        // The text of a block, its cells, and what is gathered of them.
        self.source.bytes() + self.workers.bytes() + 2 * self.block * self.workers.blocks()
    }
}

fn or_stop(stop: Option<Stop>, builder: &LogBuilder<'_>) -> Result<bool, Error> {
    match stop {
        None => Ok(true),
        Some(stop) => Err(stop(builder.rows_before())),
    }
}

#[cfg(test)]
impl super::ExposureLog {
    /// The log of a source that is read in blocks of so many bytes, decoded by so many threads.
    pub(crate) fn read_in_blocks(
        mut source: impl LogSource,
        schema: &LogSchema,
        threads: usize,
        bytes: usize,
    ) -> Result<Self, Error> {
        let name = source.name().to_owned();
        let (mut builder, wanted) = LogBuilder::new(&name, schema, source.column_names())?;
        source.select(&wanted);
        let mut feed = Feed::new(source, schema);
        feed.decode_on(threads);
        feed.begin(usize::MAX)?;
        feed.block = bytes;
        while feed.next_into(&mut builder)? {}
        Self::from_built(name.clone(), builder.finish()?.or_empty(&name)?, schema)
    }
}
