//! The error one would report if every impression were independent: the field's commonest, shown
//! beside the robust one so that the difference is seen.

use super::delta::normal_quantile;
use super::summary::Summary;
use crate::estimate::{ConfidenceInterval, Naive};
use crate::statistic::{Over, Quantity, Scale, Side, Statistic};

/// `V = sum over arms of sum_i (g . z_i)^2` with `z_i` the contribution of impression i, no
/// small-sample factor; for the logarithm of the amplification ratio that is
/// `sum_i m_i^2 (1[T] - S)^2 / X^2` (METHODS section 4), `(1 - S)/X` for unit masses.
///
/// The error that was stated for a baseline measured elsewhere is added: it is there however impressions
/// hang together, and is no effect of the design.
///
/// A statistic that keeps strata apart says its own, which holds for impressions that weigh 1.
///
/// `None` where contributions are not sums over impressions (cluster means, reach), strata are kept
/// apart and there is no formula, or several topics are looked at.
pub(super) fn naive(
    at: f64,
    gradient: &[f64],
    statistic: &dyn Statistic,
    summary: &Summary,
    level: f64,
) -> Option<Naive> {
    if !summary.of_impressions() || !statistic.other_topics().is_empty() {
        return None;
    }
    let variance = match apart(summary) {
        true if summary.is_weighed() => return None,
        true => statistic.variance_of_independent(summary.totals())?,
        false => linearised(gradient, summary),
    };
    let variance = variance + statistic.variance_of_baseline(summary.totals());
    Some(of_variance(at, statistic.scale(), variance, level))
}

/// The error that a variance on the working scale makes.
pub(super) fn of_variance(at: f64, scale: Scale, variance: f64, level: f64) -> Naive {
    let standard_error = variance.max(0.0).sqrt();
    let reach = normal_quantile((1.0 - level) / 2.0) * standard_error;
    Naive {
        standard_error,
        interval: ConfidenceInterval {
            low: Some(scale.reported(at - reach)),
            high: Some(scale.reported(at + reach)),
            level,
        },
        design_effect: None,
    }
}

/// Whether some total is of one stratum.
fn apart(summary: &Summary) -> bool {
    summary.cells().iter().any(|cell| cell.over != Over::AllStrata)
}

/// The gradient applied to each impression's contribution.
fn linearised(gradient: &[f64], summary: &Summary) -> f64 {
    let mut variance = 0.0;
    for side in [Side::Treatment, Side::Baseline] {
        let mut by_quantity = [0.0; 2];
        for (cell, slope) in summary.cells().iter().zip(gradient) {
            if cell.side == side {
                by_quantity[usize::from(cell.quantity == Quantity::All)] += slope;
            }
        }
        let [by_topic, by_all] = by_quantity;
        let [topic, cross, all] = summary.squares(side);
        variance +=
            by_topic * by_topic * topic + 2.0 * by_topic * by_all * cross + by_all * by_all * all;
    }
    variance
}
