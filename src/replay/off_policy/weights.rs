//! Importance weights: how much more often the target would have shown what was logged. Weights and
//! what they are worth; no rewards and no topics.

use serde::{Deserialize, Serialize};

use super::sums::{LARGEST, LEAST, effective_size, sum_of};
use crate::error::Error;
use crate::log::{ExposureLog, Role};
use crate::question::propensity::{Clip, Target};

/// What importance weights are worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightDiagnostics {
    /// Impressions of the logging arm.
    pub impressions: u64,
    /// Effective sample size of the weights as they are used, `(sum w)^2 / sum w^2`: how many
    /// impressions of the target itself the log is worth (Kong 1992). From 0, where all weights are 0,
    /// to the number of impressions. No weight has a greater part of all than one over its root.
    pub effective_size: f64,
    /// The same without clipping.
    pub unclipped_effective_size: f64,
    /// The greatest weight as it is used.
    pub greatest: f64,
    /// The mean weight as it is used. Without clipping it is near [`expected_mean`](Self::expected_mean)
    /// if propensities and target are right and the log is large enough for its weights.
    pub mean: f64,
    /// What the mean of weights that are not clipped comes to in the long run, if the logging policy
    /// could show all that the target would: 1, or the sum of a table of probabilities.
    pub expected_mean: f64,
    /// Weights that were clipped.
    pub clipped: u64,
    /// How much of all weight clipping took away, from 0 to 1.
    pub clipped_mass: f64,
    /// Distinct items that the logging arm shows; `None` without a column of items.
    pub items_shown: Option<u64>,
    /// What the target gives to items that the logging arm never shows, from 0 to 1: of their rewards
    /// and topics the log says nothing. `None` where it is not known.
    pub uncovered: Option<f64>,
}

/// The importance weight `w = pi(item) / propensity` of each impression of an arm: target over logged
/// probability.
///
/// Weighted by them, impressions of the logging arm stand for those that the target would have made
/// (Horvitz and Thompson 1952, doi 10.2307/2280784). That is right if the propensities are the ones the
/// policy drew with, and if it could have shown whatever the target would. It fails, and says so by a
/// small [effective size](WeightDiagnostics::effective_size), where the target likes what the logging
/// policy seldom showed.
///
/// ```
/// use tiltmeter::log::LogSchema;
/// use tiltmeter::replay::off_policy::{Clip, ImportanceWeights, Target};
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("feed", &["ranked", "ranked", "ranked", "random"])
///     .text("what", &["a", "a", "b", "b"])
///     .float("chance", &[0.8, 0.8, 0.2, 0.5]);
/// let schema = LogSchema::new().arm("feed").item("what").propensity("chance");
/// let log = ExposureLog::read(source, &schema)?;
///
/// let target = Target::Uniform { items: 2 };
/// let weights = ImportanceWeights::of(&log, "ranked", &target, Clip::None)?;
/// assert_eq!(weights.weights(), [0.625, 0.625, 2.5]);
/// assert_eq!(weights.rows(), [0, 1, 2]);
/// assert!((weights.diagnostics().mean - 1.25).abs() < 1e-12);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ImportanceWeights {
    rows: Vec<usize>,
    weights: Vec<f64>,
    diagnostics: WeightDiagnostics,
}

impl ImportanceWeights {
    /// The weights of an arm's impressions.
    ///
    /// # Errors
    /// [`Error::MissingRole`] without arms or propensities, and without items for a target that needs
    /// them; [`Error::UnknownArm`]; [`Error::Parameter`] for a target or a clip out of its range;
    /// [`Error::ColumnLength`] and [`Error::GivenRow`] for probabilities by row that do not fit;
    /// [`Error::GivenRow`] for a propensity or probability so small that a weight is beyond 1e70, or under
    /// 1e-70 and not 0.
    pub fn of(log: &ExposureLog, arm: &str, target: &Target, clip: Clip) -> Result<Self, Error> {
        log.refuse_counts("off-policy estimation")?;
        let limit = match clip {
            Clip::None => f64::INFINITY,
            Clip::At(limit) if limit >= LEAST && limit.is_finite() => limit,
            Clip::At(limit) => {
                return Err(Error::Parameter {
                    parameter: "the limit of Clip::At",
                    value: limit.to_string(),
                    expected: "a finite number from 1e-70 on",
                });
            }
        };
        let rows = rows_of_arm(log, arm)?;
        let propensities = log.require_numbers(Role::Propensity, "off-policy estimation")?;
        let chosen = target.of_rows(log, &rows)?;
        let unclipped = rows
            .iter()
            .zip(&chosen.probabilities)
            .map(|(&row, probability)| ratio(row, *probability, propensities[row]))
            .collect::<Result<Vec<f64>, Error>>()?;
        let weights: Vec<f64> = unclipped.iter().map(|weight| weight.min(limit)).collect();
        let (all, used) = (sum_of(&unclipped), sum_of(&weights));
        let diagnostics = WeightDiagnostics {
            impressions: rows.len() as u64,
            effective_size: effective_size(&weights),
            unclipped_effective_size: effective_size(&unclipped),
            greatest: weights.iter().copied().fold(0.0, f64::max),
            mean: used / rows.len() as f64,
            expected_mean: chosen.total,
            clipped: unclipped.iter().filter(|weight| **weight > limit).count() as u64,
            clipped_mass: if all > 0.0 { ((all - used) / all).max(0.0) } else { 0.0 },
            items_shown: chosen.items,
            uncovered: chosen.uncovered,
        };
        Ok(Self { rows, weights, diagnostics })
    }

    /// The weight of each impression of the arm, in the order of [`rows`](Self::rows); 0 or more.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The rows of the log that are the arm's, ascending, counted from 0.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// What they are worth.
    #[must_use]
    pub fn diagnostics(&self) -> &WeightDiagnostics {
        &self.diagnostics
    }
}

fn ratio(row: usize, probability: f64, propensity: f64) -> Result<f64, Error> {
    let weight = probability / propensity;
    let (what, value, expected) = match weight {
        0.0 | LEAST..=LARGEST => return Ok(weight),
        ..LEAST => {
            let expected = "0, or so large that over the propensity it is at least 1e-70";
            ("the target's probability", probability, expected)
        }
        _ => {
            let expected = "so large that the target's probability over it is at most 1e70";
            ("the propensity", propensity, expected)
        }
    };
    Err(Error::GivenRow { what, row: row as u64 + 1, value, expected })
}

/// The rows of an arm, ascending; there is at least one.
pub(super) fn rows_of_arm(log: &ExposureLog, arm: &str) -> Result<Vec<usize>, Error> {
    let arms = log.require_ids(Role::Arm, "off-policy estimation")?;
    let Some(code) = arms.dictionary().code(arm) else {
        let mut available: Vec<String> = arms.dictionary().iter().map(str::to_owned).collect();
        available.sort();
        return Err(Error::UnknownArm { arm: arm.to_owned(), available });
    };
    Ok((0..log.rows()).filter(|&row| arms.codes()[row] == code).collect())
}
