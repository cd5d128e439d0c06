//! How well the date of a break is known: the moving-block bootstrap.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::control::refuse;
use super::offline::Costs;
use crate::base::philox::Stream;
use crate::error::Error;

/// The purpose of the random numbers, as part of the counter.
const PURPOSE: u32 = 0x6461_7465;

/// How many values stay together when a series is resampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockLength {
    /// The cube root of the number of values, rounded up, the order that is best for a variance (Kunsch
    /// 1989).
    #[default]
    CubeRoot,
    /// So many values, 1 or more; 1 is for independent values.
    Values(u32),
}

/// The moving-block bootstrap (Kunsch 1989, doi 10.1214/aos/1176347265) of the date of a break in the
/// mean.
///
/// From the segments before and after the break their means are taken, and blocks of what is left,
/// overlapping ones, are drawn and laid one after the other on the two means; the break is then found
/// anew by least squares. With `d` the distances of those from the break, the interval is from the break
/// less the upper to the break less the lower quantile of `d` (the basic interval).
///
/// **Right** for a break that is there and of a size to be seen, with values that vary alike on both
/// sides and are correlated over fewer values than a block has. In 1,000 simulations each of a break of one
/// and a half standard deviations with 60 values on either side (`tests/estimate/change.rs`), intervals of 95% held
/// the true date in 95.7% for independent values, 96.5% with blocks of one value, and in 93.6% for values
/// with a correlation of 0.3 from one to the next.
/// **Fails** for breaks hardly seen: it takes for granted that there is one and that the neighbouring
/// ones are where they were found. Dates are whole, so intervals hold more often than they say.
///
/// ```
/// use tiltmeter::inference::{BlockBootstrap, pelt};
/// let wave = |at: i32| f64::from(at * 7 % 11) / 10.0;
/// let series: Vec<f64> = (0..60).map(|at| wave(at) + if at < 35 { 0.0 } else { 1.5 }).collect();
/// let breaks = pelt(&series, 3.0, 5)?;
/// let dates = BlockBootstrap::default().dates(&series, &breaks)?;
/// assert_eq!((breaks.len(), dates[0].at), (1, 35));
/// assert!(dates[0].low <= 35 && dates[0].high >= 35);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockBootstrap {
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// How many series are drawn, from 2 to 1,000,000.
    pub replicates: u32,
    /// How many values stay together.
    pub block: BlockLength,
    /// The seed of the random numbers: the same seed gives the same bits.
    pub seed: u64,
}

impl Default for BlockBootstrap {
    /// 95%, 999 replicates, blocks of the cube root, seed 0.
    fn default() -> Self {
        Self { level: 0.95, replicates: 999, block: BlockLength::default(), seed: 0 }
    }
}

/// The date of a break, as places in a series from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakDate {
    /// The first value after the break.
    pub at: usize,
    /// The earliest that this may be.
    pub low: usize,
    /// The latest.
    pub high: usize,
    /// The mean of the values between the break before and this one.
    pub before: f64,
    /// The mean of those from this break to the next.
    pub after: f64,
}

impl BlockBootstrap {
    /// The intervals for the dates of breaks, as [`pelt`](super::pelt) gives them: each within the
    /// segments beside it.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers out of their range, values that are not finite, or breaks that do
    /// not ascend within the series.
    pub fn dates(&self, series: &[f64], breaks: &[usize]) -> Result<Vec<BreakDate>, Error> {
        self.check()?;
        if let Some(value) = series.iter().find(|value| !value.is_finite()) {
            return refuse("a value of the series", value, "finite");
        }
        // A series of windows that have no value is empty, and without breaks.
        if breaks.is_empty() {
            return Ok(Vec::new());
        }
        let ends = [&[0], breaks, &[series.len()]].concat();
        if ends.windows(2).any(|pair| pair[0] >= pair[1]) {
            let value = format!("{breaks:?}");
            return refuse("the breaks", value, "ascending, and within the series");
        }
        let of = (0_u32..).zip(ends.windows(3));
        Ok(of.map(|(nth, ends)| self.date(series, nth, [ends[0], ends[1], ends[2]])).collect())
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        crate::inference::check_level(self.level)?;
        crate::inference::bootstrap::check_replicates(self.replicates)?;
        match self.block {
            BlockLength::Values(0) => refuse("the block", 0, "1 value or more"),
            _ => Ok(()),
        }
    }

    fn date(&self, series: &[f64], nth: u32, [begin, at, end]: [usize; 3]) -> BreakDate {
        let values = &series[begin..end];
        let (length, here) = (values.len(), at - begin);
        let costs = Costs::of(values);
        let overall = values.iter().sum::<f64>() / length as f64;
        let means = [costs.mean(0, here), costs.mean(here, length)];
        let fitted = |place: usize| means[usize::from(place >= here)];
        let residual = |(place, value): (usize, &f64)| value - overall - fitted(place);
        let residuals: Vec<f64> = values.iter().enumerate().map(residual).collect();
        let block = match self.block {
            BlockLength::CubeRoot => (length as f64).cbrt().ceil() as usize,
            BlockLength::Values(values) => values as usize,
        }
        .min(length);
        let centre = mean_of_blocks(&residuals, block);
        let draw = |replicate: u32| {
            let words = Stream { seed: self.seed, place: [PURPOSE, nth, replicate] };
            let mut drawn = Vec::with_capacity(length + block);
            for next in 0.. {
                if drawn.len() >= length {
                    break;
                }
                let word = u64::from(words.words(next)[0]);
                let first = ((word * (length - block + 1) as u64) >> 32) as usize;
                drawn.extend_from_slice(&residuals[first..first + block]);
            }
            drawn.truncate(length);
            let laid = drawn.iter().enumerate().map(|(place, off)| off - centre + fitted(place));
            let again = Costs::of(&laid.collect::<Vec<_>>()).one_break(1);
            again.map_or(0, |again| again as i64 - here as i64)
        };
        let mut distances: Vec<i64> = (0..self.replicates).into_par_iter().map(draw).collect();
        distances.sort_unstable();
        // Outwards to the next that was drawn.
        let tail = (1.0 - self.level) / 2.0 * f64::from(self.replicates + 1);
        let low = (tail.floor() as usize).saturating_sub(1);
        let (low, high) = (distances[low], distances[distances.len() - 1 - low]);
        let date = |distance: i64| (here as i64 - distance).clamp(1, length as i64 - 1) as usize;
        BreakDate {
            at,
            low: begin + date(high),
            high: begin + date(low),
            before: overall + means[0],
            after: overall + means[1],
        }
    }
}

/// What a drawn value is on average: values near the ends are in fewer blocks.
fn mean_of_blocks(values: &[f64], block: usize) -> f64 {
    let blocks = values.windows(block).map(|block| block.iter().sum::<f64>());
    blocks.sum::<f64>() / ((values.len() - block + 1) * block) as f64
}
