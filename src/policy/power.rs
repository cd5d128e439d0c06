//! Weights to a power, and from log odds, within the range of numbers.

/// What a weight above 0 is at least: a power must not turn what is unlikely into what cannot be shown.
const LEAST: f64 = 1e-300;

/// Each weight to a power, as a part of the greatest of them; 1 leaves them as they are.
///
/// Only ratios of weights matter, and a part of the greatest cannot overflow.
pub(super) fn raise(weights: &mut [f64], power: f64) {
    let greatest = weights.iter().copied().fold(0.0, f64::max);
    if power == 1.0 || greatest == 0.0 && power > 0.0 {
        return;
    }
    let unit = if greatest > 0.0 { greatest } else { 1.0 };
    for weight in weights {
        let raised = (*weight / unit).powf(power);
        *weight = if *weight > 0.0 { raised.max(LEAST) } else { raised };
    }
}

/// Odds to a power from their logarithms, as a part of the greatest.
pub(super) fn raise_log_odds(weights: &mut [f64], power: f64) {
    let greatest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for weight in weights {
        *weight = (power * (*weight - greatest)).exp().max(LEAST);
    }
}

/// The probability of log odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand; what would overflow or vanish stays a weight.
    #[test]
    fn powers() {
        let mut weights = [4.0, 2.0, 0.0];
        raise(&mut weights, 2.0);
        assert_eq!(weights, [1.0, 0.25, 0.0]);
        let mut weights = [1e200, 1.0, 0.0];
        raise(&mut weights, 5.0);
        assert_eq!(weights, [1.0, LEAST, 0.0]);
        let mut weights = [3.0, 0.0];
        raise(&mut weights, 0.0);
        assert_eq!(weights, [1.0, 1.0]);
        let mut weights = [0.0, 0.0];
        raise(&mut weights, 0.0);
        assert_eq!(weights, [1.0, 1.0]);
        raise(&mut [], 2.0);
    }

    /// `exp(2 * (0 - 1))`, and log odds of any size.
    #[test]
    fn log_odds() {
        let mut weights = [1.0, 0.0, -1e9];
        raise_log_odds(&mut weights, 2.0);
        assert_eq!(weights, [1.0, (-2.0_f64).exp(), LEAST]);
        assert_eq!(probability(0.0), 0.5);
        assert_eq!((probability(1e9), probability(-1e9)), (1.0, 0.0));
    }
}
