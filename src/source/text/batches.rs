//! Blocks of text as batches, one after the other, for whoever takes no blocks.

use super::super::BATCH_BYTES;
use crate::error::Error;
use crate::log::{Batch, Column, Decoded, Stop, Undecoded};

/// Rows given as batches, and why there are no more.
#[derive(Default)]
pub(in crate::source) struct Batches {
    rows: u64,
    stop: Option<Stop>,
}

impl Batches {
    /// The rows of the next block that has some, from a source of blocks of about so many bytes.
    pub(in crate::source) fn next(
        &mut self,
        mut next_block: impl FnMut(usize) -> Result<Option<Undecoded>, Error>,
    ) -> Result<Option<Batch>, Error> {
        loop {
            if let Some(stop) = self.stop.take() {
                return Err(stop(self.rows));
            }
            let Some(block) = next_block(BATCH_BYTES)? else { return Ok(None) };
            let Decoded { batch, stop } = block.decode();
            self.stop = stop;
            let Some(batch) = batch else { continue };
            let rows = batch.columns.first().map_or(0, Column::len);
            self.rows += rows as u64;
            if rows > 0 {
                return Ok(Some(batch));
            }
        }
    }
}
