//! Many simulations of one configuration: their seeds, and their results in order. What is done with
//! each is others' concern.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::base::philox::Stream;
use crate::base::progress::{Progress, Told};
use crate::error::Error;

/// What replicates are for; those of other purposes have other seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Replicates {
    /// The truth of a configuration.
    Truth = 0x7472_7500,
    /// Studies whose intervals are held against it.
    Study,
}

impl Replicates {
    /// The seed of a replicate: the first two words of Philox under the configuration's seed, with the
    /// purpose and the replicate as its counter. Should they be that seed itself, the next two.
    pub(crate) fn seed(self, seed: u64, replicate: u32) -> u64 {
        let stream = Stream { seed, place: [replicate, 0, self as u32] };
        let of = |at: u32| {
            let [low, high, ..] = stream.words(at);
            u64::from(low) | u64::from(high) << 32
        };
        (0..).map(of).find(|drawn| *drawn != seed).unwrap_or(!seed)
    }
}

/// What the work gives for each number, in the order of the numbers; the first error in that order.
///
/// A few numbers are given out at a time: a thread that waits for a part of a simulation may begin
/// another, and each holds its log in memory.
pub(crate) fn in_order<T: Send>(
    numbers: Range<u32>,
    work: impl Fn(u32) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let at_once = 2 * rayon::current_num_threads();
    let numbers: Vec<u32> = numbers.collect();
    let mut results = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(at_once) {
        let part: Vec<Result<T, Error>> = numbers.par_iter().map(|number| work(*number)).collect();
        for result in part {
            results.push(result?);
        }
    }
    Ok(results)
}

/// Tells how far the work is, from any thread and not always in order, and asks whether it is to go on.
pub(crate) struct Telling<'p> {
    tell: Mutex<&'p mut Told<'p>>,
    done: AtomicU64,
    total: u64,
}

impl<'p> Telling<'p> {
    pub(crate) fn new(total: u64, tell: &'p mut Told<'p>) -> Self {
        Self { tell: Mutex::new(tell), done: AtomicU64::new(0), total }
    }

    /// So many more are done.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the work is not to go on.
    pub(crate) fn add(&self, more: u64) -> Result<(), Error> {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let (parts, of_parts) = (done.min(self.total) as usize, self.total as usize);
        let progress = Progress { parts, of_parts, ..Progress::default() };
        let mut tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        match tell(&progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped { parts, of_parts, saved: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds differ among replicates and purposes, and from the configuration's own.
    #[test]
    fn seeds_are_apart() {
        let mut seeds: Vec<u64> = vec![7];
        for purpose in [Replicates::Truth, Replicates::Study] {
            seeds.extend((0..5_000).map(|replicate| purpose.seed(7, replicate)));
        }
        let number = seeds.len();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), number);
        assert_eq!(Replicates::Truth.seed(7, 3), Replicates::Truth.seed(7, 3));
        assert_ne!(Replicates::Truth.seed(7, 3), Replicates::Truth.seed(8, 3));
    }

    #[test]
    fn results_are_in_order_and_the_first_error_is_told() {
        let squares = in_order(0..100, |number| Ok(number * number)).unwrap();
        assert!(squares.iter().enumerate().all(|(at, square)| *square as usize == at * at));
        let fails = |number: u32| match number {
            40.. => Err(crate::error::range::out("number", number, "less")),
            _ => Ok(number),
        };
        let error = in_order(0..100, fails).unwrap_err();
        assert!(error.to_string().contains("40"), "{error}");
    }
}
