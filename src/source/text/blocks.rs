//! Bytes cut into blocks that end where a row ends.

use std::io::{self, Read};

use super::pool::Pool;
use crate::error::limit::MAX_LINE;

/// A reader of bytes, and those that were read and not given away yet.
pub(in crate::source) struct Blocks {
    bytes: Box<dyn Read + Send>,
    pool: Pool,
    /// What was read after the end of the last block: the beginning of the next.
    rest: Vec<u8>,
    /// Whether there are no more bytes.
    ended: bool,
    /// Why no more can be read, told after what was read.
    failed: Option<io::Error>,
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
        Self { bytes, pool: Pool::default(), rest: Vec::new(), ended: false, failed: None }
    }

    pub(in crate::source) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Bytes of memory held.
    pub(in crate::source) fn bytes(&self) -> usize {
        self.rest.capacity()
    }

    /// What stands at the beginning, at least so many bytes if there are as many.
    pub(in crate::source) fn peek(&mut self, bytes: usize) -> &[u8] {
        let mut rest = std::mem::take(&mut self.rest);
        self.fill(&mut rest, bytes);
        self.rest = rest;
        &self.rest
    }

    /// Whether what [`peek`](Self::peek) showed is all there is.
    pub(in crate::source) fn are_all_read(&self) -> bool {
        self.ended
    }

    /// Why no more can be read, if that is so.
    pub(in crate::source) fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Passes over some of what [`peek`](Self::peek) showed.
    pub(in crate::source) fn skip(&mut self, bytes: usize) {
        self.rest.drain(..bytes);
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
            let some = block.len().min(wanted);
            if let Some(end) = last_end(&block[..some]) {
                let mut rest = self.pool.take();
                rest.extend_from_slice(&block[end..]);
                self.rest = rest;
                block.truncate(end);
                return Taken::Block(block);
            }
            if some < block.len() {
                wanted *= 2;
                continue;
            }
            if let Some(cause) = self.failed.take() {
                // The row that is not whole is lost with the rest of the bytes.
                return Taken::Failed(cause);
            }
            if self.ended {
                return if block.is_empty() { Taken::End } else { Taken::Block(block) };
            }
            if block.len() > MAX_LINE {
                self.ended = true;
                return Taken::Block(block);
            }
            wanted = 2 * block.len().max(wanted);
        }
    }

    /// Reads until there are so many bytes, or no more.
    fn fill(&mut self, block: &mut Vec<u8>, wanted: usize) {
        while block.len() < wanted && !self.ended {
            let more = (wanted - block.len()) as u64;
            block.reserve(wanted - block.len());
            match (&mut self.bytes).take(more).read_to_end(block) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    (self.ended, self.failed) = (true, Some(cause));
                }
            }
        }
    }
}
