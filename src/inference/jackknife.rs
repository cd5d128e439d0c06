//! The delete-one jackknife over clusters.

use serde::{Deserialize, Serialize};

use super::delta::student_quantile;
use super::influence::{Groups, Variance, pooled};
use super::{Case, Doubt};
use crate::error::Error;
use crate::estimate::{MethodUsed, NoInterval};
use crate::statistic::Working;

/// The delete-one jackknife over clusters, with quantiles of Student's t.
///
/// The statistic is evaluated without each cluster in turn. With clusters crossed with the arms,
/// `V = (G-1)/G sum (theta_(-c) - mean)^2` with `G - 1` degrees of freedom; with clusters nested in
/// them, the sum of that over the arms, with Welch-Satterthwaite degrees (Tukey 1958; Efron and
/// Tibshirani 1993, chapter 11). The interval is made on the working scale of the statistic.
///
/// Right where the delta method is, where it gives the same interval, and where that is too short:
/// with unequal clusters and with topics that few of them show, since it sees how the statistic
/// bends and how much hangs on each cluster. In simulations it covered 92% to 98% where the delta
/// method covered 81% to 92% ([`crate::guide::choosing_an_interval`]). It has no interval where
/// leaving a cluster out leaves no topic in an arm ([`NoInterval::LeavingOneOut`]). Costs one
/// evaluation of the statistic for each cluster.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Baseline};
/// # let audit = Audit::of(&log).treatment("ranked").baseline(Baseline::arm("newest"));
/// use tiltmeter::inference::Jackknife;
/// use tiltmeter::{Interval, MethodUsed};
/// let jackknife = Interval::Jackknife(Jackknife { level: 0.9 });
/// let report = audit.interval(jackknife).topics(["sport"]).run()?;
/// assert_eq!(report.estimates()[0].method, Some(MethodUsed::Jackknife));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jackknife {
    /// The confidence level, in (0, 1).
    pub level: f64,
}

impl Default for Jackknife {
    /// 95%.
    fn default() -> Self {
        Self { level: 0.95 }
    }
}

impl Jackknife {
    pub(super) fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)
    }

    pub(super) fn doubt(&self, case: &Case<'_>) -> Doubt {
        let variance = match variance(case) {
            Ok(variance) => variance,
            Err(reason) => return Doubt::none(reason),
        };
        let standard_error = variance.variance.sqrt();
        let degrees = variance.degrees_of_freedom;
        let reach = student_quantile((1.0 - self.level) / 2.0, degrees) * standard_error;
        let scale = case.statistic.scale();
        Doubt {
            interval: Ok(scale.interval(case.at - reach, case.at + reach, self.level)),
            method: Some(MethodUsed::Jackknife),
            standard_error: Some(standard_error),
            degrees_of_freedom: Some(degrees),
        }
    }
}

fn variance(case: &Case<'_>) -> Result<Variance, NoInterval> {
    let groups = case.influence.groups();
    if groups.has_single() {
        return Err(NoInterval::SingleCluster);
    }
    let columns = case.contributions.columns();
    let mut left_out = vec![Vec::new(); groups.sizes().len()];
    let mut rest = case.contributions.totals().to_vec();
    for (cluster, &group) in groups.by_cluster().iter().enumerate() {
        if group == Groups::NONE {
            continue;
        }
        for ((rest, total), column) in rest.iter_mut().zip(case.contributions.totals()).zip(columns)
        {
            *rest = without(*total, column[cluster]);
        }
        match case.statistic.value(&rest) {
            Working::Finite(value) => left_out[usize::from(group)].push(value),
            _ => return Err(NoInterval::LeavingOneOut),
        }
    }
    let part = |values: &Vec<f64>| {
        let clusters = values.len() as f64;
        let mean = values.iter().sum::<f64>() / clusters;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Equal values differ by rounding only.
        let size: f64 = values.iter().map(|value| value.powi(2)).sum();
        let squares = if squares > 1e-28 * size { squares } else { 0.0 };
        ((clusters - 1.0) / clusters * squares, clusters - 1.0)
    };
    pooled(&left_out.iter().map(part).collect::<Vec<_>>())
}

/// A total less one cluster's part of it, with what is only rounding set to zero.
fn without(total: f64, part: f64) -> f64 {
    let rest = total - part;
    if rest.abs() <= 8.0 * f64::EPSILON * total.abs() { 0.0 } else { rest }
}
