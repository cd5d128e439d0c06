//! Adjustment of p-values for many tests at once: one topic in twenty is "amplified" by chance at
//! 5%. It knows p-values only, not how they were made.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::simultaneous::RomanoWolf;
use crate::error::Error;

/// How p-values of several tests are adjusted.
///
/// Of m p-values, sorted as `p_(1) <= ... <= p_(m)`:
///
/// | method | adjusted p | controls | right when |
/// | --- | --- | --- | --- |
/// | Bonferroni | `m p` | FWER | always; it is never better than Holm |
/// | Holm (1979) | largest over `j <= i` of `(m - j + 1) p_(j)` | FWER | always |
/// | Benjamini and Hochberg (1995) | least over `j >= i` of `m/j p_(j)` | FDR | tests independent or positively dependent |
/// | Benjamini and Yekutieli (2001) | that times `1 + 1/2 + ... + 1/m` | FDR | always |
/// | two-stage: Benjamini, Krieger and Yekutieli (2006) | see [`TwoStage`] | FDR | tests independent |
/// | Romano and Wolf (2005) | see [`RomanoWolf`] | FWER | some dozens of clusters |
///
/// FWER is the probability of any false rejection, FDR the expected share of false ones among the
/// rejections; all adjusted values are at most 1. A false rejection here is a topic called
/// amplified that is not.
///
/// Shares of one feed add up, so topics of one audit depend on each other *negatively*: BH and the
/// two-stage method are then not proved to hold (they rarely fail), Holm and BY are. Adjusting is
/// wrong for p-values that were chosen by their size: adjust all that were looked at. Costs a sort.
///
/// Equal p-values get equal answers, the order of the tests does not matter, and no tests give no
/// answers.
///
/// ```
/// use tiltmeter::inference::Multiplicity;
/// let p = [0.01, 0.75, 0.02, 0.5];
/// assert_eq!(Multiplicity::Holm.adjusted(&p)?, [0.04, 1.0, 0.06, 1.0]);
/// assert_eq!(Multiplicity::BenjaminiHochberg.adjusted(&p)?[..3], [0.04, 0.75, 0.04]);
/// assert_eq!(Multiplicity::Holm.rejected(&p, 0.05)?, [true, false, false, false]);
/// assert!(Multiplicity::Holm.adjusted(&[0.5, 1.5]).is_err());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Multiplicity {
    /// Every p-value times the number of tests.
    Bonferroni,
    /// Bonferroni, step by step from the smallest p-value (Holm 1979).
    Holm,
    /// The false discovery rate of independent or positively dependent tests (Benjamini and
    /// Hochberg 1995).
    BenjaminiHochberg,
    /// The false discovery rate under any dependence (Benjamini and Yekutieli 2001).
    BenjaminiYekutieli,
    /// Benjamini and Hochberg twice, the second time for as many tests as the first did not reject.
    TwoStage(TwoStage),
    /// Step-down with the dependence among topics taken from bootstrap replicates; controls the
    /// FWER. For [`super::Inference::multiplicity`] only, since it needs the clusters.
    RomanoWolf(RomanoWolf),
}

/// The two-stage procedure of Benjamini, Krieger and Yekutieli (2006, Biometrika 93, definition 6).
///
/// At level q, Benjamini and Hochberg's procedure at `q/(1+q)` rejects r tests of m. The second stage
/// is the same procedure at `q/(1+q) m/m0` with `m0 = m - r`, the estimated number of true nulls.
/// After r = 0 nothing is rejected; after r = m everything is, and there is no second stage (its
/// `m/m0` would divide by zero).
///
/// The number of true nulls depends on the level, so **adjusted p-values do too**: with `m0` counted
/// at [`level`](Self::level) (m after r = 0 and r = m), `adjusted = min(1, (1+q) m0/m BH)`, where BH
/// is Benjamini and Hochberg's adjusted value. A test is rejected by the procedure at that level
/// exactly where `adjusted <= level`; at another level comparing them means nothing. Where the bound
/// is met to the last bit, rounding yields to the decision. Values may be below p itself: many
/// rejections say that few nulls are true.
///
/// Right for independent tests, and more powerful than Benjamini and Hochberg where many nulls are
/// false; with few false nulls slightly less so, since its first stage is at `q/(1+q)`.
///
/// ```
/// use tiltmeter::inference::{Multiplicity, TwoStage};
/// let two_stage = Multiplicity::TwoStage(TwoStage { level: 0.05 });
/// let p = [0.001, 0.002, 0.003, 0.048];
/// // Three are rejected at 0.05/1.05, so m0 = 1 and the fourth is tried at 4 times that.
/// assert_eq!(two_stage.rejected(&p, 0.05)?, [true; 4]);
/// let adjusted = two_stage.adjusted(&p)?;
/// assert!((adjusted[3] - 1.05 / 4.0 * 0.048).abs() < 1e-15);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoStage {
    /// The false discovery rate, in (0, 1), at which [`Multiplicity::adjusted`] counts true nulls.
    pub level: f64,
}

impl Default for TwoStage {
    /// 5%.
    fn default() -> Self {
        Self { level: 0.05 }
    }
}

impl Multiplicity {
    /// The adjusted p-values, in the order of `p`. Rejecting those at or below a level controls the
    /// method's error rate at that level; for [`TwoStage`] at its own level only.
    ///
    /// # Errors
    /// [`Error::PValue`] for the first value of `p` that is NaN or outside [0, 1];
    /// [`Error::Parameter`] for a level of [`TwoStage`] outside (0, 1), and for
    /// [`Multiplicity::RomanoWolf`], which cannot be had from p-values alone.
    pub fn adjusted(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        check(p)?;
        let tests = p.len() as f64;
        Ok(match self {
            Self::Bonferroni => p.iter().map(|p| (p * tests).min(1.0)).collect(),
            Self::Holm => step_down(p),
            Self::BenjaminiHochberg => step_up(p, 1.0),
            Self::BenjaminiYekutieli => {
                step_up(p, (1..=p.len()).map(|rank| 1.0 / rank as f64).sum())
            }
            Self::TwoStage(TwoStage { level }) => {
                super::check_level(*level)?;
                two_stage(p, *level)
            }
            Self::RomanoWolf(_) => {
                return Err(Error::Parameter {
                    parameter: "the method that adjusts p-values",
                    value: self.to_string(),
                    expected: "one that needs p-values alone; ask for this one with Audit::multiplicity",
                });
            }
        })
    }

    /// Whether its parameters lie in their ranges.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::TwoStage(TwoStage { level }) => super::check_level(*level),
            Self::RomanoWolf(method) => super::bootstrap::check_replicates(method.replicates),
            _ => Ok(()),
        }
    }

    /// Which tests are rejected at this error rate (FWER or FDR by the method, not a confidence
    /// level), in the order of `p`: those whose adjusted p is at or below it. For [`TwoStage`] both
    /// stages are done at this level, whatever its own.
    ///
    /// # Errors
    /// As [`adjusted`](Self::adjusted), and [`Error::Parameter`] for a level outside (0, 1).
    pub fn rejected(&self, p: &[f64], level: f64) -> Result<Vec<bool>, Error> {
        super::check_level(level)?;
        let at_level = match self {
            Self::TwoStage(TwoStage { level: own }) => {
                super::check_level(*own)?;
                Self::TwoStage(TwoStage { level })
            }
            other => *other,
        };
        Ok(at_level.adjusted(p)?.into_iter().map(|adjusted| adjusted <= level).collect())
    }
}

impl fmt::Display for Multiplicity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bonferroni => f.write_str("Bonferroni"),
            Self::Holm => f.write_str("Holm"),
            Self::BenjaminiHochberg => f.write_str("Benjamini-Hochberg"),
            Self::BenjaminiYekutieli => f.write_str("Benjamini-Yekutieli"),
            Self::TwoStage(TwoStage { level }) => {
                write!(f, "two-stage Benjamini-Krieger-Yekutieli at {level}")
            }
            Self::RomanoWolf(RomanoWolf { replicates, .. }) => {
                write!(f, "Romano-Wolf step-down over {replicates} replicates")
            }
        }
    }
}

fn check(p: &[f64]) -> Result<(), Error> {
    match p.iter().position(|p| !(0.0..=1.0).contains(p)) {
        Some(position) => Err(Error::PValue { position, value: p[position] }),
        None => Ok(()),
    }
}

/// Positions from the smallest p-value to the largest.
fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

/// Holm's adjusted values.
fn step_down(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (before, at) in ascending(p).into_iter().enumerate() {
        largest = largest.max(p[at] * (p.len() - before) as f64).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted values, times a penalty for dependence.
fn step_up(p: &[f64], penalty: f64) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 1.0_f64;
    for (before, at) in ascending(p).into_iter().enumerate().rev() {
        // The quotient first: for the largest p it is exactly 1, so that no value is below p.
        let factor = p.len() as f64 / (before + 1) as f64;
        least = least.min(p[at] * (factor * penalty));
        adjusted[at] = least;
    }
    adjusted
}

/// Adjusted values at a level: at or below it where the procedure rejects.
fn two_stage(p: &[f64], level: f64) -> Vec<f64> {
    let tests = p.len() as f64;
    let stage = level / (1.0 + level);
    let adjusted = step_up(p, 1.0);
    let not_rejected = adjusted.iter().filter(|adjusted| **adjusted > stage).count();
    // None left means that all were rejected, and that there is no second stage.
    let true_nulls = if not_rejected == 0 { tests } else { not_rejected as f64 };
    let second = stage * (tests / true_nulls);
    let scale = (1.0 + level) * (true_nulls / tests);
    let value = |adjusted: f64| {
        let value = (adjusted * scale).min(1.0);
        if adjusted <= second { value.min(level) } else { value.max(level.next_up()) }
    };
    adjusted.into_iter().map(value).collect()
}
