//! What is estimated: names, words and formulas. No data.

use serde::{Deserialize, Serialize};

use crate::statistic::{
    Cell, Difference, Quantity, Scale, Side, Statistic, TwoArms, Undefined, Working,
};

/// What an off-policy estimate is of. Below, `w` is an impression's importance weight, `y` its reward,
/// `m` its exposure mass, `q` the reward model and `n` the number of impressions of the logging arm.
///
/// | measure | formula | is right if | interval on the scale of |
/// | --- | --- | --- | --- |
/// | `LoggedReward` | `sum y / n` | always: it is the logging policy's own | itself |
/// | `MeanWeight` | `sum w / n` | a check: near 1 | itself |
/// | `Ips` | `sum w y / n` | propensities are right; unbiased, and wild with great weights | itself |
/// | `Snips` | `sum w y / sum w` | the same; a little biased, far less wild, unmoved by a constant added to rewards or a factor on propensities | itself |
/// | `DoublyRobust` | `sum (q(target) + w (y - q(item))) / n` | propensities or the model are right | itself |
/// | `LoggedShare` | `sum m 1[T] / sum m` | always | log odds |
/// | `SnipsShare` | `sum w m 1[T] / sum w m` | propensities are right | log odds |
/// | `IpsShare` | `sum w m 1[T] / sum m` | the same, and mass depends on places, not on what is shown; may be above 1 | itself |
/// | `Amplification` | `LoggedShare / SnipsShare` | propensities are right | logarithm |
/// | `OtherReward`, `OtherShare` | as logged, in the arm that is checked against | always | itself; log odds |
/// | `RewardDifference` | `Snips - OtherReward` | near 0 if that arm followed the target and propensities are right | itself |
/// | `ShareDifference` | `SnipsShare - OtherShare` | the same | itself |
///
/// IPS is Horvitz and Thompson's estimate (1952, doi 10.2307/2280784), SNIPS Hájek's ratio, as in
/// Swaminathan and Joachims 2015 (NeurIPS), DR that of Dudík, Langford and Li (2011, arXiv 1103.4601).
///
/// ```
/// use tiltmeter::replay::off_policy::Measure;
/// assert_eq!(Measure::Snips.name(), "snips");
/// assert!(Measure::Amplification.is_of_target() && !Measure::LoggedShare.is_of_target());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The mean reward of the logging arm.
    LoggedReward,
    /// The mean importance weight.
    MeanWeight,
    /// Mean reward under the target, by inverse propensity scores.
    Ips,
    /// The same, self-normalised.
    Snips,
    /// The same, doubly robust.
    DoublyRobust,
    /// A topic's exposure share in the logging arm.
    LoggedShare,
    /// A topic's exposure share under the target, self-normalised.
    SnipsShare,
    /// The same by inverse propensity scores.
    IpsShare,
    /// How many times its share under the target a topic has in the logging arm.
    Amplification,
    /// The mean reward of the arm that is checked against.
    OtherReward,
    /// SNIPS less the mean reward of the arm that is checked against.
    RewardDifference,
    /// A topic's exposure share in the arm that is checked against.
    OtherShare,
    /// The self-normalised share less that of the arm that is checked against.
    ShareDifference,
}

impl Measure {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoggedReward => "logged_reward",
            Self::MeanWeight => "mean_weight",
            Self::Ips => "ips",
            Self::Snips => "snips",
            Self::DoublyRobust => "doubly_robust",
            Self::LoggedShare => "logged_share",
            Self::SnipsShare => "snips_share",
            Self::IpsShare => "ips_share",
            Self::Amplification => "amplification",
            Self::OtherReward => "other_reward",
            Self::RewardDifference => "reward_difference",
            Self::OtherShare => "other_share",
            Self::ShareDifference => "share_difference",
        }
    }

    /// What it is, to stand in a sentence.
    pub(super) const fn phrase(self) -> &'static str {
        match self {
            Self::LoggedReward => "the mean reward per impression as logged",
            Self::MeanWeight => "the mean importance weight",
            Self::Ips => {
                "the mean reward per impression under the target, by inverse propensity scores"
            }
            Self::Snips => {
                "the mean reward per impression under the target, by self-normalised inverse propensity scores"
            }
            Self::DoublyRobust => "the mean reward per impression under the target, doubly robust",
            Self::LoggedShare => "the exposure share as logged",
            Self::SnipsShare => {
                "the exposure share under the target, by self-normalised inverse propensity scores"
            }
            Self::IpsShare => "the exposure share under the target, by inverse propensity scores",
            Self::Amplification => {
                "the ratio of the exposure share as logged to that under the target (self-normalised)"
            }
            Self::OtherReward => "the mean reward per impression in the arm checked against",
            Self::RewardDifference => {
                "the mean reward under the target (self-normalised) less that in the arm checked against"
            }
            Self::OtherShare => "the exposure share in the arm checked against",
            Self::ShareDifference => {
                "the exposure share under the target (self-normalised) less that in the arm checked against"
            }
        }
    }

    /// Whether it says something of the target, and so may be refused.
    #[must_use]
    pub const fn is_of_target(self) -> bool {
        !matches!(
            self,
            Self::LoggedReward
                | Self::MeanWeight
                | Self::LoggedShare
                | Self::OtherReward
                | Self::OtherShare
        )
    }

    /// The statistic, of sums for [`Cell::TWO_ARMS`] or the first two of them.
    pub(super) fn statistic(self) -> &'static dyn Statistic {
        match self {
            Self::LoggedReward | Self::MeanWeight | Self::Ips | Self::Snips => &Mean,
            Self::DoublyRobust | Self::IpsShare | Self::OtherReward => &Mean,
            Self::LoggedShare | Self::SnipsShare | Self::OtherShare => {
                &crate::statistic::TreatmentShare
            }
            Self::Amplification => &crate::statistic::AmplificationRatio,
            Self::RewardDifference => &MeanDifference,
            Self::ShareDifference => &Difference,
        }
    }
}

/// A sum over another, of any sign and size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean;

impl Mean {
    const CELLS: [Cell; 2] = [
        Cell::over_all(Side::Treatment, Quantity::Topic),
        Cell::over_all(Side::Treatment, Quantity::All),
    ];
}

impl Statistic for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn phrase(&self) -> &'static str {
        "the mean"
    }

    fn cells(&self, _strata: usize) -> Vec<Cell> {
        Self::CELLS.to_vec()
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        let TwoArms { topic_treatment: sum, all_treatment: of, .. } = TwoArms::from_totals(totals);
        if of > 0.0 {
            Working::Finite(sum / of)
        } else {
            Working::Undefined(Undefined::NoTreatmentMass)
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let TwoArms { topic_treatment: sum, all_treatment: of, .. } = TwoArms::from_totals(totals);
        vec![1.0 / of, -sum / of / of]
    }

    fn null(&self) -> Option<f64> {
        None
    }
}

/// The difference of two such means: that of two shares, which may be of any sign and size and have no bounds
/// of their own.
#[derive(Clone, Copy, Debug)]
struct MeanDifference;

impl Statistic for MeanDifference {
    fn name(&self) -> &'static str {
        "mean_difference"
    }

    fn phrase(&self) -> &'static str {
        "the difference of means"
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        Difference.value(totals)
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        Difference.gradient(totals)
    }

    fn null(&self) -> Option<f64> {
        Difference.null()
    }
}
