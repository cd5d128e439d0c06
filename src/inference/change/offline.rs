//! Breaks in the mean of a series that is all there: the peak of the cumulative sum, and PELT.

use super::control::refuse;
use crate::error::Error;

/// Where the cumulative sum of deviations from the mean is furthest from zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CusumPeak {
    /// The place, from 0, of the first value after the supposed break: so many come before it.
    pub at: usize,
    /// The absolute cumulative sum there, in the unit of the values.
    pub height: f64,
}

/// Where a series most looks as if its mean had changed once: the greatest absolute cumulative sum of
/// deviations from the mean, `max |sum of (x_i - mean) up to t|` (Page 1954). It says where, not whether;
/// for several breaks take [`pelt`].
///
/// ```
/// use tiltmeter::inference::cusum;
/// let peak = cusum(&[1.0, 1.0, 1.0, 4.0, 4.0])?;
/// assert_eq!(peak.at, 3);
/// assert!((peak.height - 3.6).abs() < 1e-12); // three times 2.2 - 1
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for fewer than two values, or one that is not finite.
pub fn cusum(series: &[f64]) -> Result<CusumPeak, Error> {
    check(series, 2)?;
    let mean = series.iter().sum::<f64>() / series.len() as f64;
    let (mut sum, mut peak) = (0.0_f64, CusumPeak { at: 0, height: f64::NEG_INFINITY });
    for (at, value) in (1..).zip(series) {
        sum += value - mean;
        if sum.abs() > peak.height {
            peak = CusumPeak { at, height: sum.abs() };
        }
    }
    Ok(peak)
}

/// The breaks in the mean of a series: the division into segments for which the sum of squares around the
/// segments' means, plus a penalty for each break, is least. It is found exactly, by the pruned dynamic
/// programme PELT (Killick, Fearnhead and Eckley 2012, doi 10.1080/01621459.2012.737745) with the cost of
/// squares; a break is the place, from 0, of the first value of a new segment.
///
/// The penalty is in squares of the values' unit; a break must save more than it. A usual one is
/// `2 sd^2 ln n` for independent values with that standard deviation; correlated values want a higher
/// one, or breaks are found that are none. No segment is shorter than `min_size`; a series with no room
/// for two has no breaks. Costs are linear in the length where breaks are many, and at worst quadratic.
///
/// ```
/// use tiltmeter::inference::pelt;
/// let series = [0.1, -0.1, 0.0, 0.2, 5.1, 4.9, 5.0, 5.2, 1.0, 1.1, 0.9];
/// assert_eq!(pelt(&series, 2.0, 2)?, [4, 8]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for a penalty that is negative or not finite, a `min_size` of 0, no values, or one
/// that is not finite.
pub fn pelt(series: &[f64], penalty: f64, min_size: usize) -> Result<Vec<usize>, Error> {
    check(series, 1)?;
    if !(penalty >= 0.0 && penalty.is_finite()) {
        return refuse("the penalty", penalty, "0 or more and finite");
    }
    if min_size == 0 {
        return refuse("min_size", 0, "1 or more");
    }
    let (costs, length) = (Costs::of(series), series.len());
    // By end: the least cost up to there, and where the last segment begins.
    let mut best: Vec<(f64, usize)> = vec![(f64::INFINITY, 0); length + 1];
    best[0].0 = -penalty;
    // Where the last segment may begin, each with the first end at which it is no longer considered.
    let mut begins: Vec<(usize, usize)> = vec![(0, usize::MAX)];
    for end in min_size..=length {
        begins.retain(|&(_, until)| end < until);
        for &(begin, _) in begins.iter().filter(|(begin, _)| end - begin >= min_size) {
            let cost = best[begin].0 + costs.of_segment(begin, end) + penalty;
            if cost < best[end].0 {
                best[end] = (cost, begin);
            }
        }
        // A begin that costs more than a break here would is never the better one again, but a break
        // here needs a whole segment after it.
        for (begin, until) in begins.iter_mut().filter(|(begin, _)| end - begin >= min_size) {
            if best[*begin].0 + costs.of_segment(*begin, end) > best[end].0 {
                *until = (*until).min(end + min_size);
            }
        }
        if best[end].0.is_finite() {
            begins.push((end, usize::MAX));
        }
    }
    let (mut breaks, mut end) = (Vec::new(), length);
    while end > 0 && best[end].1 > 0 {
        end = best[end].1;
        breaks.push(end);
    }
    breaks.reverse();
    Ok(breaks)
}

fn check(series: &[f64], least: usize) -> Result<(), Error> {
    if series.len() < least {
        return Err(Error::Parameter {
            parameter: "the number of values",
            value: series.len().to_string(),
            expected: if least == 1 { "1 or more" } else { "2 or more" },
        });
    }
    match series.iter().find(|value| !value.is_finite()) {
        Some(value) => refuse("a value of the series", value, "finite"),
        None => Ok(()),
    }
}

/// Sums of squares around the means of segments.
pub(super) struct Costs {
    /// Up to each place, the sums of values less the overall mean, and of their squares.
    sums: Vec<(f64, f64)>,
}

impl Costs {
    pub(super) fn of(series: &[f64]) -> Self {
        // Around the mean, so that squares stay small and their differences exact.
        let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
        let mut sums = Vec::with_capacity(series.len() + 1);
        let mut last = (0.0, 0.0);
        sums.push(last);
        for value in series {
            let off = value - mean;
            last = (last.0 + off, last.1 + off * off);
            sums.push(last);
        }
        Self { sums }
    }

    /// Of the values from one place to before another, which is later.
    pub(super) fn of_segment(&self, begin: usize, end: usize) -> f64 {
        let ((sum, squares), (before, squares_before)) = (self.sums[end], self.sums[begin]);
        let (sum, many) = (sum - before, (end - begin) as f64);
        (squares - squares_before - sum * sum / many).max(0.0)
    }

    /// The mean of these values, less the overall one.
    pub(super) fn mean(&self, begin: usize, end: usize) -> f64 {
        (self.sums[end].0 - self.sums[begin].0) / (end - begin) as f64
    }

    /// The one break in all values that leaves the least squares, with at least so many values on either
    /// side; `None` without room.
    pub(super) fn one_break(&self, min_size: usize) -> Option<usize> {
        let length = self.sums.len() - 1;
        let mut best: Option<(f64, usize)> = None;
        for at in min_size..=length.checked_sub(min_size)? {
            let cost = self.of_segment(0, at) + self.of_segment(at, length);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, at));
            }
        }
        best.map(|(_, at)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::philox::Stream;

    /// Against the plain quadratic programme, on short random walks with ties, for all minimal sizes:
    /// pruning loses nothing.
    #[test]
    fn pruning_loses_nothing() {
        for seed in 0..300 {
            let words = Stream { seed, place: [0; 3] };
            let series: Vec<f64> = (0..40)
                .map(|at| f64::from(words.words(at)[0] % 7) + f64::from(at / 9 % 3) * 3.0)
                .collect();
            let costs = Costs::of(&series);
            let cost_of = |breaks: &[usize], penalty: f64| {
                let ends = breaks.iter().copied().chain([series.len()]);
                let mut begin = 0;
                let segments =
                    ends.map(|end| costs.of_segment(std::mem::replace(&mut begin, end), end));
                segments.sum::<f64>() + penalty * breaks.len() as f64
            };
            for min_size in [1, 2, 5, 9] {
                let penalty = 5.0 + f64::from(words.words(99)[1] % 20);
                let mut best = vec![f64::INFINITY; series.len() + 1];
                best[0] = -penalty;
                for end in min_size..=series.len() {
                    for begin in 0..=end - min_size {
                        let cost = best[begin] + costs.of_segment(begin, end) + penalty;
                        best[end] = best[end].min(cost);
                    }
                }
                let found = pelt(&series, penalty, min_size).unwrap();
                assert!((cost_of(&found, penalty) - best[series.len()]).abs() < 1e-9);
                let ends = [vec![0], found, vec![series.len()]].concat();
                assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= min_size));
            }
        }
    }
}
