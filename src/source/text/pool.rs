//! Memory of blocks that is used again: memory that is new to a process has to be cleared by the system
//! first, which takes longer than reading into it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::log::BlockText;

/// Blocks whose memory is kept.
const KEPT: usize = 32;

/// Memory of blocks that nobody needs any more.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

impl Pool {
    /// Memory of a block before, if there is one, with whatever it held: it is written over.
    pub(super) fn take(&self) -> Vec<u8> {
        self.blocks().pop().unwrap_or_default()
    }

    /// Memory for another block.
    pub(in crate::source) fn put(&self, block: Vec<u8>) {
        let mut blocks = self.blocks();
        if blocks.len() < KEPT {
            blocks.push(block);
        }
    }

    /// A text whose memory comes back here.
    pub(in crate::source) fn lend(&self, text: String) -> Arc<BlockText> {
        let pool = self.clone();
        Arc::new(BlockText::new(text, Box::new(move |block| pool.put(block))))
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
