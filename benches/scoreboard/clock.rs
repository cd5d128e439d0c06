//! Timing: wall-clock time of contenders that take turns, and CPU time of one thread.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use super::Failure;

/// The fewest and the most turns of a contest.
const TURNS: std::ops::Range<usize> = 3..20;

/// A way to do a job.
pub(crate) type Way<'w> = &'w mut dyn FnMut() -> Result<(), Failure>;

/// The best wall-clock time of each way, in seconds. They take turns, so that a slow spell of the
/// machine does not fall on one of them alone, until `seconds` are over.
pub(crate) fn contest<const N: usize>(
    seconds: f64,
    mut ways: [Way<'_>; N],
) -> Result<[f64; N], Failure> {
    let began = Instant::now();
    let mut best = [f64::INFINITY; N];
    for turn in 0..TURNS.end {
        if turn >= TURNS.start && began.elapsed().as_secs_f64() > seconds {
            break;
        }
        for (best, way) in best.iter_mut().zip(&mut ways) {
            // Twice in a turn: the way before may still be giving back memory in threads of its own
            // while the first of the two runs.
            for _ in 0..2 {
                let began = Instant::now();
                way()?;
                *best = best.min(began.elapsed().as_secs_f64());
            }
        }
    }
    Ok(best)
}

/// The least CPU time of a job on one thread, in seconds, of three runs.
pub(crate) fn on_one_thread(
    job: impl Fn() -> Result<(), Failure> + Send + Sync,
) -> Result<f64, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        let mut best = Duration::MAX;
        for _ in TURNS.take(TURNS.start) {
            let began = ThreadTime::try_now()?;
            job()?;
            best = best.min(began.try_elapsed()?);
        }
        Ok(best.as_secs_f64())
    })
}
