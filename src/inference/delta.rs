//! The cluster-robust delta method (linearisation).

use serde::{Deserialize, Serialize};
use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

use super::Uncertainty;
use super::influence::Variance;
use crate::error::Error;
use crate::estimate::{IntervalMethod, NoInterval};
use crate::format::word::said_by_words;
use crate::statistic::Scale;

/// The cluster-robust delta method.
///
/// A cluster's influence is its contribution times the gradient, centred, by arm: `h_cA` and `h_cB`. Then
/// `V = sum_c (sqrt(f_A) h_cA + sqrt(f_B) h_cB)^2` with `f = G/(G-1)` of the arm's clusters. Where all
/// clusters are crossed with the arms that is `G/(G-1) sum h_c^2`, with `G - 1` degrees of freedom; where
/// they are nested in them, the sum of that over the arms, with Welch-Satterthwaite degrees `V^2 / sum_a
/// v_a^2/(G_a - 1)`; where some are shared, what lies between, with degrees by the same rule, so that one
/// shared cluster changes next to nothing. The interval is made on the working scale of the statistic
/// and carried over to the reported one (METHODS section 4; Deng et al. 2018, arXiv 1803.06336;
/// `survey::svyratio`).
///
/// Right for many clusters of comparable size. With fewer than 10 in an arm, or a few that hold
/// most of the mass, intervals are too short; the result then carries a warning. Where an arm's share
/// is 0 or 1 everywhere there is nothing to linearise, and a contrast of two shares has
/// [`ShareBounds`](super::ShareBounds) instead. Costs one pass over the clusters.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::Interval;
/// use tiltmeter::inference::{Delta, Quantile};
/// let normal = Delta { level: 0.9, quantile: Quantile::Normal };
/// let report = Audit::of(&log, &question).interval(Interval::Delta(normal)).run()?;
/// assert_eq!(report.estimates()[0].interval.map(|i| i.level), Ok(0.9));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Delta {
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// The distribution whose quantile stretches the standard error.
    pub quantile: Quantile,
}

impl Default for Delta {
    /// 95% with Student's t.
    fn default() -> Self {
        Self { level: 0.95, quantile: Quantile::StudentT }
    }
}

/// The distribution whose quantile stretches the standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Quantile {
    /// Student's t, with the degrees of freedom that the clusters leave.
    #[default]
    StudentT,
    /// The standard normal; too short an interval with few clusters.
    Normal,
}

said_by_words!(Quantile);

impl Delta {
    pub(super) fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)
    }
}

/// The interval around a working value whose variance is known so well.
pub(super) fn delta(
    at: f64,
    scale: Scale,
    known: Result<Variance, NoInterval>,
    method: &Delta,
) -> Uncertainty {
    let known = match known {
        Ok(known) => known,
        Err(reason) => return Uncertainty::none(reason),
    };
    let standard_error = known.variance.sqrt();
    let tail = (1.0 - method.level) / 2.0;
    let (quantile, used, degrees) = match method.quantile {
        Quantile::StudentT => {
            let degrees = known.degrees_of_freedom;
            (student_quantile(tail, degrees), IntervalMethod::DeltaStudentT, Some(degrees))
        }
        Quantile::Normal => (normal_quantile(tail), IntervalMethod::DeltaNormal, None),
    };
    let reach = quantile * standard_error;
    Uncertainty {
        interval: Ok(scale.interval(at - reach, at + reach, method.level)),
        method: Some(used),
        standard_error: Some(standard_error),
        degrees_of_freedom: degrees,
    }
}

/// What the standard normal exceeds with this probability, below one half.
pub(super) fn normal_quantile(tail: f64) -> f64 {
    -Normal::standard().inverse_cdf(tail)
}

/// What Student's t exceeds with this probability, below one half; for 1 degree of freedom or more.
///
/// By Newton's steps on the logarithm of the survival function over that of t, which is concave and falls, so
/// that they end on the far side of the quantile and come back to it from there; the library's own inverse does
/// not end for some degrees of freedom.
pub(super) fn student_quantile(tail: f64, degrees: f64) -> f64 {
    /// Past this the expansion around the normal is exact in double precision.
    const NEARLY_NORMAL: f64 = 1e6;
    let normal = normal_quantile(tail);
    let student = match StudentsT::new(0.0, 1.0, degrees) {
        Ok(student) if degrees < NEARLY_NORMAL => student,
        _ => return normal + expansion(normal, degrees),
    };
    // Student's tails are heavier than the normal's.
    let (mut low, mut high) = (normal, f64::INFINITY);
    let mut at = normal + expansion(normal, degrees);
    for _ in 0..200 {
        let above = student.sf(at);
        if above > tail {
            low = low.max(at)
        } else {
            high = high.min(at)
        }
        let newton = at * ((above / tail).ln() * above / (at * student.pdf(at))).exp();
        let next = match newton {
            newton if newton >= low && newton <= high => newton,
            _ if high.is_finite() => f64::midpoint(low, high),
            _ => 2.0 * low.max(0.5),
        };
        let is_there =
            (next - at).abs() <= 4.0 * f64::EPSILON * at || high - low <= f64::EPSILON * low;
        at = next;
        if is_there || above == tail {
            break;
        }
    }
    at
}

/// The first two terms of Student's quantile beyond the normal's, in powers of 1/degrees
/// (Abramowitz and Stegun 26.7.5); 0 for infinite degrees.
fn expansion(z: f64, degrees: f64) -> f64 {
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    (first + second / degrees) / degrees
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.t.ppf(p, df)` and, for the last row, `norm.ppf(p)`; scipy 1.17.1.
    /// Welch-Satterthwaite degrees are never below 1.
    #[test]
    fn quantiles() {
        let probabilities = [0.6, 0.975, 0.995, 0.99999];
        #[rustfmt::skip]
        let table = [
            (1.0, [0.32491969623290634, 12.706204736174694, 63.656741162871526, 31830.988608051957]),
            (1.0239453826983593, [0.3232238423856039, 12.025099883931388, 58.03564528645814, 25095.305075495027]),
            (2.0, [0.2886751345948128, 4.302652729749462, 9.924843200918287, 223.60344363454604]),
            (3.7, [0.27216446429206953, 2.8675207071911895, 4.8692522532278275, 27.675897978848855]),
            (11.5, [0.2592828129211367, 2.1893658938043634, 3.0788778668020576, 6.921230772481748]),
            (61.0, [0.25445488470559624, 1.999623584994939, 2.6588571266539263, 4.624815387561336]),
            (263.5715079838273, [0.2536029821824483, 1.9690052378599865, 2.5946107056916503, 4.343778014037692]),
            (1e4, [0.253353843445727, 1.960201239890626, 2.5763210466685282, 4.266937665767679]),
            (1e6, [0.25334717053784184, 1.959966356814107, 2.5758342201053344, 4.264911254070676]),
            (1e9, [0.25334710320320153, 1.959963986912325, 2.5758293084654484, 4.264890814383901]),
        ];
        for (degrees, quantiles) in table {
            for (probability, expected) in probabilities.into_iter().zip(quantiles) {
                let quantile = student_quantile(1.0 - probability, degrees);
                let error = (quantile / expected - 1.0).abs();
                assert!(error < 1e-10, "t({probability}, {degrees}) = {quantile}, not {expected}");
            }
        }
        let normal = [0.2533471031357997, 1.959963984540054, 2.5758293035489004, 4.264890793923841];
        for (probability, expected) in probabilities.into_iter().zip(normal) {
            let error = (normal_quantile(1.0 - probability) / expected - 1.0).abs();
            assert!(error < 1e-12, "normal({probability}) is off by {error}");
        }
    }
}
