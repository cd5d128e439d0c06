//! Bytes cut into blocks that end where a row ends.

use std::io::{self, Read};

use super::pool::Pool;
use crate::error::limit::MAX_LINE;

/// A reader of bytes, and those that were read and not given away yet.
pub(in crate::source) struct Blocks {
    bytes: Box<dyn Read + Send>,
    pool: Pool,
    /// What was read after the end of the last block: the beginning of the next.
    rest: Buffer,
    /// Whether there are no more bytes.
    ended: bool,
    /// Why no more can be read, told after what was read.
    failed: Option<io::Error>,
}

/// Memory of which the first bytes were read into; the others hold what they held before, since clearing
/// them would take as long as reading.
#[derive(Default)]
struct Buffer {
    memory: Vec<u8>,
    read: usize,
}

impl Buffer {
    fn all(&self) -> &[u8] {
        &self.memory[..self.read]
    }

    /// Sees to it that there is memory for so many bytes.
    fn reserve(&mut self, bytes: usize) {
        if self.memory.len() < bytes {
            self.memory.resize(bytes, 0);
        }
    }

    fn into_bytes(mut self, bytes: usize) -> Vec<u8> {
        self.memory.truncate(bytes);
        self.memory
    }
}

/// What was taken.
pub(in crate::source) enum Taken {
    /// Whole rows; after the last bytes also a row that does not end, or that is longer than a row may be.
    Block(Vec<u8>),
    /// The bytes cannot be read on. What stands before, but for a row that is not whole, was taken.
    Failed(io::Error),
    End,
}

impl Blocks {
    pub(in crate::source) fn new(bytes: Box<dyn Read + Send>) -> Self {
        let (pool, rest) = (Pool::default(), Buffer::default());
        Self { bytes, pool, rest, ended: false, failed: None }
    }

    pub(in crate::source) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Bytes of memory held.
    pub(in crate::source) fn bytes(&self) -> usize {
        self.rest.memory.capacity()
    }

    /// What stands at the beginning, at least so many bytes if there are as many.
    pub(in crate::source) fn peek(&mut self, bytes: usize) -> &[u8] {
        let mut rest = std::mem::take(&mut self.rest);
        self.fill(&mut rest, bytes);
        self.rest = rest;
        self.rest.all()
    }

    /// Whether what [`peek`](Self::peek) showed is all there is.
    pub(in crate::source) fn are_all_read(&self) -> bool {
        self.ended
    }

    /// Whether no more can be read, though the bytes are not over.
    pub(in crate::source) fn have_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Why no more can be read, if that is so.
    pub(in crate::source) fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Passes over some of what [`peek`](Self::peek) showed.
    pub(in crate::source) fn skip(&mut self, bytes: usize) {
        self.rest = self.after(self.rest.all(), bytes);
    }

    /// What stands after so many bytes, in memory of its own.
    fn after(&self, all: &[u8], bytes: usize) -> Buffer {
        let rest = &all[bytes..];
        let mut after = Buffer { memory: self.pool.take(), read: rest.len() };
        after.reserve(rest.len());
        after.memory[..rest.len()].copy_from_slice(rest);
        after
    }

    /// The next rows, of about so many bytes. `last_end` finds where the last row ends, if one does.
    pub(in crate::source) fn take(
        &mut self,
        bytes: usize,
        last_end: impl Fn(&[u8]) -> Option<usize>,
    ) -> Taken {
        let mut block = std::mem::take(&mut self.rest);
        let mut wanted = bytes.max(1);
        loop {
            self.fill(&mut block, wanted);
            // More may have been read, to look at what there is.
            let some = block.read.min(wanted);
            if let Some(end) = last_end(&block.all()[..some]) {
                self.rest = self.after(block.all(), end);
                return Taken::Block(block.into_bytes(end));
            }
            if some < block.read {
                wanted *= 2;
                continue;
            }
            if let Some(cause) = self.failed.take() {
                // The row that is not whole is lost with the rest of the bytes.
                return Taken::Failed(cause);
            }
            if self.ended && some == 0 {
                return Taken::End;
            }
            if self.ended || some > MAX_LINE {
                self.ended = true;
                return Taken::Block(block.into_bytes(some));
            }
            wanted = 2 * some.max(wanted);
        }
    }

    /// Reads until there are so many bytes, or no more.
    fn fill(&mut self, block: &mut Buffer, wanted: usize) {
        block.reserve(wanted);
        while block.read < wanted && !self.ended {
            match self.bytes.read(&mut block.memory[block.read..wanted]) {
                Ok(0) => self.ended = true,
                Ok(count) => block.read += count,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => (self.ended, self.failed) = (true, Some(cause)),
            }
        }
    }
}
