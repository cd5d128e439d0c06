//! The cluster-robust delta method (linearisation).

use serde::{Deserialize, Serialize};
use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

use super::Doubt;
use super::contribution::Contributions;
use crate::error::Error;
use crate::estimate::{ConfidenceInterval, MethodUsed, NoInterval, Relation};
use crate::statistic::Scale;

/// The cluster-robust delta method.
///
/// A cluster's influence is its contribution times the gradient, `h_c = g . z_c`, centred. With
/// clusters crossed with the arms, `V = G/(G-1) sum h_c^2` with `G - 1` degrees of freedom; with
/// clusters nested in them, the sum of that over the arms with Welch-Satterthwaite degrees
/// `V^2 / sum_a v_a^2/(G_a - 1)`. The interval is made on the working scale of the statistic and
/// carried over to the reported one (METHODS section 4; Deng et al. 2018, arXiv 1803.06336;
/// `survey::svyratio`).
///
/// Right for many clusters of comparable size. With fewer than 10 in an arm, or a few that hold
/// most of the mass, intervals are too short; the result then carries a warning. Costs one pass
/// over the clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// The distribution whose quantile stretches the standard error.
    pub quantile: Quantile,
}

impl Default for Delta {
    /// 95% with Student's t.
    fn default() -> Self {
        Self {
            level: 0.95,
            quantile: Quantile::StudentT,
        }
    }
}

/// The distribution whose quantile stretches the standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantile {
    /// Student's t, with the degrees of freedom that the clusters leave.
    #[default]
    StudentT,
    /// The standard normal; too short an interval with few clusters.
    Normal,
}

impl Delta {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.level > 0.0 && self.level < 1.0 {
            return Ok(());
        }
        Err(Error::Parameter {
            parameter: "level",
            value: self.level.to_string(),
            expected: "above 0 and below 1",
        })
    }
}

/// A variance and the degrees of freedom with which it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variance {
    pub(super) variance: f64,
    pub(super) degrees_of_freedom: f64,
}

pub(super) fn delta(
    at: f64,
    gradient: &[f64],
    scale: Scale,
    contributions: &Contributions,
    method: &Delta,
) -> Doubt {
    let variance = match variance(gradient, contributions) {
        Ok(variance) => variance,
        Err(reason) => return Doubt::none(reason),
    };
    let standard_error = variance.variance.sqrt();
    let upper = 1.0 - (1.0 - method.level) / 2.0;
    let (quantile, used, degrees) = match method.quantile {
        Quantile::StudentT => {
            let degrees = variance.degrees_of_freedom;
            (
                student_quantile(upper, degrees),
                MethodUsed::DeltaStudentT,
                Some(degrees),
            )
        }
        Quantile::Normal => (normal_quantile(upper), MethodUsed::DeltaNormal, None),
    };
    Doubt {
        interval: Ok(ConfidenceInterval {
            low: Some(scale.reported(at - quantile * standard_error)),
            high: Some(scale.reported(at + quantile * standard_error)),
            level: method.level,
        }),
        method: Some(used),
        standard_error: Some(standard_error),
        degrees_of_freedom: degrees,
    }
}

/// The variance of a statistic with this gradient.
pub(super) fn variance(
    gradient: &[f64],
    contributions: &Contributions,
) -> Result<Variance, NoInterval> {
    let influence = influences(gradient, contributions);
    let present = contributions.present();
    let needed = |side: usize| {
        let belongs = |cell: &crate::statistic::Cell| super::contribution::index(cell.side) == side;
        contributions.cells().iter().any(belongs)
    };
    let groups: Vec<Vec<f64>> = match contributions.clusters().relation {
        Relation::Crossed if needed(0) && needed(1) => vec![influence],
        // Nested clusters, or a statistic of one arm: each arm varies by itself.
        _ => [0, 1]
            .into_iter()
            .filter(|&side| needed(side))
            .map(|side| {
                let of_arm = influence.iter().zip(present).filter(|(_, here)| here[side]);
                of_arm.map(|(h, _)| *h).collect()
            })
            .collect(),
    };
    let mut parts = Vec::with_capacity(groups.len());
    for group in &groups {
        if group.len() < 2 {
            return Err(NoInterval::SingleCluster);
        }
        parts.push((group_variance(group), group.len() as f64 - 1.0));
    }
    let variance: f64 = parts.iter().map(|(v, _)| v).sum();
    if variance <= 0.0 {
        return Err(NoInterval::NoVariation);
    }
    let spread: f64 = parts
        .iter()
        .map(|(v, degrees)| (v / variance).powi(2) / degrees)
        .sum();
    Ok(Variance {
        variance,
        degrees_of_freedom: 1.0 / spread,
    })
}

/// Each cluster's contribution times the gradient, with what is only rounding set to zero.
fn influences(gradient: &[f64], contributions: &Contributions) -> Vec<f64> {
    let influence = |contribution: ndarray::ArrayView1<'_, f64>| {
        let terms = contribution.iter().zip(gradient).map(|(z, g)| z * g);
        let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()));
        if sum.abs() <= 8.0 * f64::EPSILON * size {
            0.0
        } else {
            sum
        }
    };
    contributions
        .values()
        .rows()
        .into_iter()
        .map(influence)
        .collect()
}

/// `G/(G-1) sum (h_c - mean h)^2`: the variance of a sum over G independent clusters.
fn group_variance(influence: &[f64]) -> f64 {
    let clusters = influence.len() as f64;
    let mean = influence.iter().sum::<f64>() / clusters;
    let squares: f64 = influence.iter().map(|h| (h - mean).powi(2)).sum();
    clusters / (clusters - 1.0) * squares
}

/// The quantile of the standard normal.
pub(super) fn normal_quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

/// The quantile of Student's t, polished with Newton steps: the library's inverse is good to
/// about six digits only for some degrees of freedom.
pub(super) fn student_quantile(probability: f64, degrees: f64) -> f64 {
    let Ok(student) = StudentsT::new(0.0, 1.0, degrees) else {
        return normal_quantile(probability);
    };
    let mut quantile = student.inverse_cdf(probability);
    for _ in 0..4 {
        let step = (student.cdf(quantile) - probability) / student.pdf(quantile);
        if !step.is_finite() {
            break;
        }
        quantile -= step;
    }
    quantile
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.t.ppf(0.975, df), scipy 1.17.
    #[test]
    fn student_quantiles() {
        for (degrees, expected) in [
            (1.0, 12.706_204_736_174_694),
            (1.0239453826983593, 12.037_9),
            (11.5, 2.189),
            (61.0, 1.999_623_584_9),
            (263.5715079838273, 1.969),
            (1e6, 1.959_966_4),
        ] {
            let quantile = student_quantile(0.975, degrees);
            println!("{degrees} {quantile:.16} {expected}");
        }
    }
}
