//! Memory that the readers of one job share for what they decode: who needs some waits until it is there.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Memory for decoding.
#[derive(Debug)]
pub(crate) struct Room {
    /// Bytes, all together.
    most: usize,
    /// How many readers share it.
    readers: usize,
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Used {
    now: usize,
    ever: usize,
}

/// Part of the memory, given back with this.
#[derive(Debug)]
pub(crate) struct Reserved {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// Which part of a job's memory this is.
    pub(crate) const PART: usize = 4;

    pub(crate) fn new(most: usize, readers: usize) -> Arc<Self> {
        Arc::new(Self { most, readers, used: Mutex::default(), freed: Condvar::new() })
    }

    /// Bytes, all together.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// How many readers share it: what each holds from the beginning is there so many times.
    pub(crate) fn readers(&self) -> usize {
        self.readers
    }

    /// The most that was used at a time.
    pub(crate) fn ever_used(&self) -> usize {
        self.used().ever
    }

    /// So many bytes, once they are there; `None` if they never will be. Whoever waits must hold none,
    /// or two could wait for each other.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reserved> {
        if bytes > self.most {
            return None;
        }
        let full = |used: &mut Used| used.now + bytes > self.most;
        let waited = self.freed.wait_while(self.used(), full);
        let mut used = waited.unwrap_or_else(PoisonError::into_inner);
        used.now += bytes;
        used.ever = used.ever.max(used.now);
        Some(Reserved { room: Arc::clone(self), bytes })
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        // Nothing panics while it is locked.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.room.used().now -= self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_used_than_there_is() {
        let room = Room::new(10, 8);
        assert!(room.reserve(11).is_none());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..200).for_each(|at| drop(room.reserve(at % 11))));
            }
        });
        assert!(room.ever_used() <= 10);
        assert_eq!(room.used().now, 0);
    }
}
