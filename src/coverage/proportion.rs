//! How often something happened, with what chance leaves open.

use serde::{Deserialize, Serialize};

/// The 97.5% quantile of the standard normal distribution.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// How often something happened in so many studies, with Wilson's 95% interval for the probability
/// (Wilson 1927, doi 10.1080/01621459.1927.10502953), which is right near 0 and 1 too.
///
/// ```
/// use tiltmeter::coverage::Proportion;
/// let proportion = Proportion::of(95, 100).unwrap();
/// assert_eq!(proportion.share, 0.95);
/// assert!(proportion.low > 0.88 && proportion.high < 0.98);
/// assert_eq!(Proportion::of(0, 0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// How often it happened.
    pub times: u32,
    /// Of how many.
    pub of: u32,
    /// `times / of`.
    pub share: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Proportion {
    /// So many of so many; `None` of none.
    #[must_use]
    pub fn of(times: u32, of: u32) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let number = f64::from(of);
        let share = f64::from(times) / number;
        let more = QUANTILE * QUANTILE / number;
        let middle = (share + more / 2.0) / (1.0 + more);
        let half = QUANTILE / (1.0 + more)
            * (share * (1.0 - share) / number + more / (4.0 * number)).sqrt();
        let (low, high) = ((middle - half).max(0.0), (middle + half).min(1.0));
        // At the limits the interval ends there, but for rounding.
        let low = if times == 0 { 0.0 } else { low };
        let high = if times >= of { 1.0 } else { high };
        Some(Self { times, of, share, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe 1998, Statistics in Medicine 17, 857, table I, method 3: 81 of 263, 15 of 148, 0 of 20,
    /// 1 of 29.
    #[test]
    fn wilson_as_published() {
        for (times, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let wilson = Proportion::of(times, of).unwrap();
            assert!((wilson.low - low).abs() < 5e-5, "{wilson:?}");
            assert!((wilson.high - high).abs() < 5e-5, "{wilson:?}");
        }
        assert_eq!(Proportion::of(20, 20).unwrap().high, 1.0);
    }
}
