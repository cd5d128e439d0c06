//! How the memory of a job is divided: a quarter for rows in flight, up to a quarter for what is decoded,
//! and the rest for tallies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;
use crate::source::room::Room;
use crate::tally::Tally;

/// The least memory of a thread: with less there are fewer threads.
const LEAST_OF_THREAD: usize = 32 << 20;

/// The memory of a job.
#[derive(Debug)]
pub(super) struct Shares {
    pub(super) memory: usize,
    pub(super) threads: usize,
    /// Bytes of the rows that a thread reads at a time; no tally of them is larger either.
    pub(super) chunk: usize,
    /// For the pages that are being decoded, on all threads.
    pub(super) room: Arc<Room>,
    /// The largest tally that a thread made of a chunk.
    largest: AtomicUsize,
}

impl Shares {
    /// Which part of the memory is for rows in flight. With an eighth, chunks are half as large, and what each
    /// of them costs for its viewers, whatever its rows, is paid twice.
    const IN_FLIGHT: usize = 4;

    pub(super) fn of(memory: usize, threads: usize) -> Self {
        let threads = threads.min(memory / LEAST_OF_THREAD).max(1);
        let (chunk, room) =
            (memory / Self::IN_FLIGHT / threads, Room::new(memory / Room::PART, threads));
        Self { memory, threads, chunk, room, largest: AtomicUsize::new(0) }
    }

    /// Notes that a thread made a tally.
    pub(super) fn made(&self, tally: &Tally) {
        self.largest.fetch_max(tally.bytes(), Ordering::Relaxed);
    }

    /// Bytes for tallies that were handed over and what merging them takes: the rest, but for those
    /// that threads are making, and one that waits.
    fn for_tallies(&self) -> usize {
        let making = (self.threads + 1) * self.largest.load(Ordering::Relaxed);
        self.memory
            - (self.memory / Self::IN_FLIGHT + self.room.ever_used())
                .saturating_add(making)
                .min(self.memory)
    }

    /// Whether there is room for another tally of a chunk, and to merge it, beside so many bytes of
    /// tallies. Merged before that, large tallies would be merged again and again.
    pub(super) fn are_few(&self, bytes: usize) -> bool {
        let next = 3 * self.largest.load(Ordering::Relaxed);
        bytes.saturating_add(next) <= self.for_tallies()
    }

    /// Whether so many bytes of tallies fit.
    pub(super) fn check(&self, bytes: usize) -> Result<(), Error> {
        match bytes.checked_sub(self.for_tallies()) {
            None | Some(0) => Ok(()),
            Some(more) => {
                Err(Error::tally_too_large(self.memory.saturating_add(more), self.memory))
            }
        }
    }
}
