//! How p-values of several tests are adjusted, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

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
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
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
    /// FWER. It needs the clusters, and cannot be had from p-values alone.
    RomanoWolf(RomanoWolf),
}

said_by_words!(Multiplicity);

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
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TwoStage {
    /// The false discovery rate, in (0, 1), at which true nulls are counted ([`Multiplicity::adjusted`]).
    pub level: f64,
}

impl Default for TwoStage {
    /// 5%.
    fn default() -> Self {
        Self { level: 0.05 }
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

/// Romano and Wolf's step-down p-values: the family-wise error is controlled, with the dependence
/// among topics taken from the replicates of the Poisson cluster bootstrap (Romano and Wolf 2005;
/// 2016, doi 10.1016/j.spl.2016.02.012).
///
/// The largest |t| is compared with the largest distances of all topics, the next with those of the
/// topics that are left, and so on; no p-value may be below the one before. More powerful than Holm
/// where topics go together. With fewer than some dozens of clusters take
/// [`ReplicateErrors::Each`].
///
/// ```
/// use tiltmeter::inference::{Multiplicity, RomanoWolf};
/// let step_down = Multiplicity::RomanoWolf(RomanoWolf { replicates: 4_999, ..Default::default() });
/// // It needs the replicates, so it cannot be had from p-values alone.
/// assert!(step_down.adjusted(&[0.01, 0.2]).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RomanoWolf {
    /// How many replicates, from 2 to 1,000,000.
    pub replicates: u32,
    /// The seed of the random numbers.
    pub seed: u64,
    /// The standard errors that distances are measured in.
    pub errors: ReplicateErrors,
}

impl Default for RomanoWolf {
    /// 1,999 replicates, seed 0, the estimate's standard errors.
    fn default() -> Self {
        Self { replicates: 1_999, seed: 0, errors: ReplicateErrors::default() }
    }
}

/// The standard errors that replicates' distances from the estimate are measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplicateErrors {
    /// The estimate's, for all replicates.
    #[default]
    Same,
    /// Each replicate's own.
    Each,
}
