//! Adjustment of p-values for many tests at once: one topic in twenty is "amplified" by chance at
//! 5%. It knows p-values only, not how they were made.

use crate::error::Error;
use crate::question::multiplicity::{Multiplicity, TwoStage};

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
