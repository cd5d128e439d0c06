//! Statistics: functions from totals to a number, each with its exact gradient. A statistic
//! divides and never samples; intervals are made from it elsewhere.
//!
//! To add one, write a file with a type that implements [`Statistic`] and list it below; one with
//! parameters under those, with the values that tests and reports should know. It then has clustered
//! intervals, the naive one beside them, and a place in reports.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::base::cell::{Cell, Over, Quantity, Side};
use crate::error::Error;

mod any;
mod checked;
mod contrast;
mod derivative;
mod known;
mod origin;
mod unit;
pub(crate) mod value;

pub use self::any::AnyStatistic;
pub(crate) use self::checked::{Checked, check_cells};
pub use self::contrast::{ShareStatistic, StratumContrast, TopicContrast};
pub(crate) use self::known::AgainstKnown;
pub use self::known::KnownBaseline;
use self::origin::{Asking, Origin};
pub use self::unit::{Reach, Unit, WithinFit};
use self::value::ConfidenceInterval;

macro_rules! statistics {
    (
        { $($file:ident: $($name:ident),+;)* }
        with parameters { $($family:ident: $($of_family:ident),+ as $($value:expr),+;)* }
    ) => {
        $(mod $file; pub use self::$file::{$($name),+};)*
        $(mod $family; pub use self::$family::{$($of_family),+};)*

        /// Every statistic of the library; of those with parameters, each value that needs to know
        /// nothing of the log.
        pub static ALL: &[&dyn Statistic] = &[$($(&$name,)+)* $($(&$value,)+)*];
    };
}

statistics! {
    {
        ratio: AmplificationRatio, LogRatio, PercentAmplification;
        half_added: HaldaneAnscombeRatio;
        difference: Difference;
        odds_ratio: OddsRatio;
        share: TreatmentShare, BaselineShare;
        smoothed_reach: AddOneReach;
        mantel_haenszel: MantelHaenszelRatio, MantelHaenszelOddsRatio, MantelHaenszelDifference;
        kitagawa: CompositionEffect, RateEffect;
    }
    with parameters {
        standardised: StandardPopulation, StandardisedDifference, StandardisedRatio as
            StandardisedRatio::TREATMENT, StandardisedRatio::BASELINE, StandardisedRatio::BOTH,
            StandardisedDifference::TREATMENT, StandardisedDifference::BASELINE,
            StandardisedDifference::BOTH;
    }
}

pub(crate) use self::mantel_haenszel::Stratum;

/// The scale of a statistic of the library, by its name.
pub(crate) fn scale_of(name: &str) -> Option<Scale> {
    let listed = ALL.iter().find(|statistic| statistic.name() == name);
    let declared = || standardised::DECLARED.iter().find(|statistic| statistic.name() == name);
    listed.or_else(declared).map(|statistic| statistic.scale())
}

/// Whether a statistic of this name is a contrast of two values.
pub(crate) fn is_contrast(name: &str) -> bool {
    contrast::NAMES.contains(&name)
}

/// What a statistic is, with its parameters, to stand in a sentence.
pub(crate) fn phrase_in_full(statistic: &dyn Statistic) -> String {
    let details = statistic.details().map_or_else(String::new, |details| format!(" ({details})"));
    format!("{}{details}", statistic.phrase())
}

/// The totals of [`Cell::TWO_ARMS`], in that order. What they are depends on the unit: masses
/// when pooled, sums of shares and numbers of clusters for cluster means, numbers of clusters
/// for reach.
///
/// ```
/// use tiltmeter::statistic::TwoArms;
/// let totals = TwoArms::from_totals(&[30.0, 100.0, 10.0, 200.0]);
/// assert_eq!(totals.shares(), Ok((0.3, 0.05)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoArms {
    /// Topic total in the treatment.
    pub topic_treatment: f64,
    /// Overall total in the treatment.
    pub all_treatment: f64,
    /// Topic total in the baseline.
    pub topic_baseline: f64,
    /// Overall total in the baseline.
    pub all_baseline: f64,
}

impl TwoArms {
    /// From totals in the order of [`Cell::TWO_ARMS`]; missing ones are 0.
    #[must_use]
    pub fn from_totals(totals: &[f64]) -> Self {
        let total = |at: usize| totals.get(at).copied().unwrap_or(0.0);
        Self {
            topic_treatment: total(0),
            all_treatment: total(1),
            topic_baseline: total(2),
            all_baseline: total(3),
        }
    }

    /// The topic's share in the treatment; `None` where the arm has no total.
    #[must_use]
    pub fn share_treatment(&self) -> Option<f64> {
        (self.all_treatment > 0.0).then(|| self.topic_treatment / self.all_treatment)
    }

    /// The topic's share in the baseline; `None` where the arm has no total.
    #[must_use]
    pub fn share_baseline(&self) -> Option<f64> {
        (self.all_baseline > 0.0).then(|| self.topic_baseline / self.all_baseline)
    }

    /// Both shares, or the reason why there are none.
    ///
    /// # Errors
    /// The reason.
    pub fn shares(&self) -> Result<(f64, f64), Undefined> {
        let treatment = self.share_treatment().ok_or(Undefined::NoTreatmentMass)?;
        let baseline = self.share_baseline().ok_or(Undefined::NoBaselineMass)?;
        Ok((treatment, baseline))
    }
}

/// Why a statistic has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Undefined {
    /// The topic has no mass in either arm: it was shown in neither, or only where the attention
    /// model or the weights count nothing.
    TopicInNeitherArm,
    /// The topic was all there was in both arms.
    NothingButTopic,
    /// The treatment has no mass at all under this attention model and these weights.
    NoTreatmentMass,
    /// The baseline has no mass at all under this attention model and these weights.
    NoBaselineMass,
    /// No cluster has mass in both arms, so that none can be compared with itself; for a ratio, none that was shown
    /// the topic.
    NoClusterInBothArms,
    /// Nothing of an arm was labelled by hand, or nothing of what is predicted to have the topic there, or of the rest, so
    /// that nothing corrects its labels.
    NothingLabelled,
    /// By hand either everything of an arm or nothing has the topic, so that it is not known how often labels go wrong.
    LabelsAllAlike,
    /// The topic is predicted no more often where it is than where it is not, so that predictions say nothing of it.
    PredictionsSayNothing,
    /// A corrected share is not above 0 and below 1: too few rows were labelled by hand.
    CorrectedOutOfRange,
    /// A stratum has mass in one arm only, and the statistic needs its share in both.
    StratumInOneArm,
    /// No stratum has mass in both arms, so that nothing can be compared within one.
    NoStratumInBothArms,
    /// A stratum that has a part in the declared population has mass in neither arm.
    StratumInNeitherArm,
    /// The impressions that the baseline is made of are worth too few of those that it stands for.
    EffectiveSizeBelowFloor,
    /// No member of a group has mass in both arms, so that no member's ratio is finite.
    NoMemberInBothArms,
    /// Of two values that are contrasted both are infinite, or both 0 times.
    BothInfinite,
    /// The topic is the one that it would be contrasted with.
    SameTopic,
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TopicInNeitherArm => "the topic has no exposure mass in either arm",
            Self::NothingButTopic => "the topic was all there was in both arms",
            Self::NoTreatmentMass => "the treatment has no exposure mass",
            Self::NoBaselineMass => "the baseline has no exposure mass",
            Self::NoClusterInBothArms => {
                "no cluster with exposure mass in both arms shows anything of the topic"
            }
            Self::NothingLabelled => {
                "of an arm, of what is predicted to have the topic there or of the rest nothing was labelled by hand"
            }
            Self::LabelsAllAlike => {
                "by hand all that was labelled of an arm has the topic, or nothing has, which does not say how often \
                 labels go wrong"
            }
            Self::PredictionsSayNothing => {
                "the topic is predicted no more often where hands find it than where they do not"
            }
            Self::CorrectedOutOfRange => {
                "a corrected share is not above 0 and below 1, so that more rows have to be labelled by hand"
            }
            Self::StratumInOneArm => "a stratum has exposure mass in one arm only",
            Self::NoStratumInBothArms => "no stratum has exposure mass in both arms",
            Self::StratumInNeitherArm => {
                "a stratum of the declared population has exposure mass in neither arm"
            }
            Self::EffectiveSizeBelowFloor => {
                "the effective sample size of the baseline is below its floor"
            }
            Self::NoMemberInBothArms => "no member of the group has exposure mass in both arms",
            Self::SameTopic => "a topic is not contrasted with itself",
            Self::BothInfinite => {
                "both of the values that are contrasted are infinite, or both are 0"
            }
        })
    }
}

/// A value on the scale on which a statistic is nearly normal (logarithms for ratios).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Working {
    /// A finite number.
    Finite(f64),
    /// Above all numbers: the logarithm of something over nothing.
    Above,
    /// Below all numbers: the logarithm of nothing.
    Below,
    /// Not defined.
    Undefined(Undefined),
}

/// From the scale on which a statistic is nearly normal to the one on which it is reported.
///
/// ```
/// use tiltmeter::statistic::Scale;
/// assert_eq!(Scale::Log.reported(0.0), 1.0);
/// assert_eq!(Scale::LogPercent.reported(f64::NEG_INFINITY), -100.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Reported as it is.
    Linear,
    /// Logarithms, reported as their exponentials.
    Log,
    /// Logarithms, reported as percent of change: 100 (exp - 1).
    LogPercent,
    /// Log odds, reported as probabilities.
    Logit,
}

impl Scale {
    /// A working value as it is reported. Infinities become the limits of the scale.
    #[must_use]
    pub fn reported(self, working: f64) -> f64 {
        match self {
            Self::Linear => working,
            Self::Log => working.exp(),
            Self::LogPercent => 100.0 * working.exp_m1(),
            Self::Logit => 1.0 / (1.0 + (-working).exp()),
        }
    }

    /// The working value of a reported one, strictly inside the [limits](Scale::limits).
    pub(crate) fn working(self, reported: f64) -> f64 {
        match self {
            Self::Linear => reported,
            Self::Log => reported.ln(),
            Self::LogPercent => (reported / 100.0).ln_1p(),
            Self::Logit => (reported / (1.0 - reported)).ln(),
        }
    }

    /// How fast the reported value changes with the working one, there.
    pub(crate) fn slope(self, working: f64) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::Log => working.exp(),
            Self::LogPercent => 100.0 * working.exp(),
            Self::Logit => {
                let share = self.reported(working);
                share * (1.0 - share)
            }
        }
    }

    /// An interval between two working values, as it is reported. An end at infinity bounds
    /// nothing, nor does its limit on the reported scale.
    pub(crate) fn interval(self, low: f64, high: f64, level: f64) -> ConfidenceInterval {
        let end = |value: f64| {
            let reported = self.reported(value);
            (value.is_finite() && reported.is_finite()).then_some(reported)
        };
        ConfidenceInterval { low: end(low), high: end(high), level }
    }

    /// The least and greatest reported values.
    #[must_use]
    pub const fn limits(self) -> (f64, f64) {
        match self {
            Self::Linear => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Log => (0.0, f64::INFINITY),
            Self::LogPercent => (-100.0, f64::INFINITY),
            Self::Logit => (0.0, 1.0),
        }
    }
}

/// The units of an estimand that a statistic has a meaning for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Units {
    /// All of them.
    All,
    /// [`Unit::Reach`] alone: totals must be numbers of clusters.
    Reach,
}

/// Whether a statistic may be asked for in a unit.
pub(crate) fn check_unit(statistic: &dyn Statistic, unit: Unit) -> Result<(), Error> {
    match (statistic.units(), unit) {
        (Units::Reach, Unit::Pooled | Unit::ClusterMean | Unit::Within) => Err(Error::Parameter {
            parameter: "the unit",
            value: format!("{unit} for {}", statistic.name()),
            expected: "Unit::Reach, since it counts the clusters that a topic reached",
        }),
        (_, Unit::Within) if !is_of_two_shares(statistic) => Err(Error::Parameter {
            parameter: "the statistic",
            value: format!("{} {unit}", statistic.name()),
            expected: "a difference (least squares) or a ratio (Poisson regression): difference, amplification_ratio, \
                       log_ratio or percent_amplification",
        }),
        (_, Unit::Reach(Reach { impressions: 0, .. })) => Err(Error::Parameter {
            parameter: "the impressions of Reach",
            value: "0".to_owned(),
            expected: "1 or more, since every cluster has at least none",
        }),
        (_, Unit::Reach(Reach { mass, .. })) if !(0.0..f64::INFINITY).contains(&mass) => {
            Err(Error::Parameter {
                parameter: "the mass of Reach",
                value: mass.to_string(),
                expected: "a finite number, 0 or more",
            })
        }
        _ => Ok(()),
    }
}

/// Whether a statistic has a fit within clusters, which makes the totals of two arms.
fn is_of_two_shares(statistic: &dyn Statistic) -> bool {
    statistic.within().is_some() && statistic.cells(1) == Cell::TWO_ARMS
}

/// Refuses fits within clusters where what is asked is no function of sums over these.
pub(crate) fn refuse_within(unit: Unit, what: &str) -> Result<(), Error> {
    if unit != Unit::Within {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "the unit",
        value: format!("{unit}, in {what}"),
        expected: "pooled, cluster_mean or reach: a fit's weights are of all clusters together",
    })
}

/// The totals that a statistic needs, with strata by their places among these.
///
/// # Errors
/// [`Error::UnknownStratum`].
pub(crate) fn cells_among(
    statistic: &dyn Statistic,
    strata: &[String],
) -> Result<Vec<Cell>, Error> {
    let named = statistic.named_strata();
    let place = |name: &String| {
        let at = strata.iter().position(|stratum| stratum == name);
        at.ok_or_else(|| Error::UnknownStratum {
            stratum: name.clone(),
            available: strata.to_vec(),
        })
    };
    let places = named.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    let among = |cell: Cell| match cell.over {
        Over::Named(at) => Cell { over: Over::Stratum(places[at]), ..cell },
        Over::AllStrata | Over::Stratum(_) => cell,
    };
    Ok(statistic.cells(strata.len()).into_iter().map(among).collect())
}

/// Whether a statistic keeps strata apart, or looks at all of them together.
pub(crate) fn keeps_strata(statistic: &dyn Statistic) -> bool {
    let of = statistic.known_baseline().map_or(statistic, |(of, _)| of);
    of.cells(2).iter().any(|cell| cell.over != Over::AllStrata)
}

/// Whether there are strata for a statistic that keeps them apart, and such as it has a meaning for.
pub(crate) fn check_strata(statistic: &dyn Statistic, strata: &[String]) -> Result<(), Error> {
    // One without a name is all that there is where none are kept apart.
    if keeps_strata(statistic) && strata.iter().all(String::is_empty) {
        return Err(Error::NoStrata { what: statistic.name().to_owned() });
    }
    statistic.check_strata(strata)
}

/// What is the same in both arms where a statistic has its null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NullOf {
    /// The topic's share: there is no amplification.
    Shares,
    /// The strata's parts, whatever the arms show within them.
    Composition,
}

/// A function from totals to a number.
///
/// Implementations are values without state, [`AmplificationRatio`] or [`OddsRatio`], or have parameters
/// that stay as they are, such as [`StandardisedRatio`].
///
/// ```
/// use tiltmeter::statistic::{AmplificationRatio, Statistic, Working};
/// // 30 of 100 in the treatment, 10 of 100 in the baseline.
/// let totals = [30.0, 100.0, 10.0, 100.0];
/// let Working::Finite(log_ratio) = AmplificationRatio.value(&totals) else { panic!() };
/// assert!((AmplificationRatio.scale().reported(log_ratio) - 3.0).abs() < 1e-12);
/// ```
///
/// One of your own needs a name, a phrase, a scale and a value. Whatever it returns is looked at
/// wherever it is evaluated, in every replicate too: a value or derivative that is no number, derivatives
/// that are too few or too many, totals that no log has, and a name that is taken are
/// [`Error::Statistic`].
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// use tiltmeter::statistic::{Scale, Statistic, TwoArms, Working};
///
/// /// Cohen's h: the difference of the arcsines of the roots of two shares.
/// #[derive(Debug)]
/// struct CohensH;
///
/// impl Statistic for CohensH {
///     fn name(&self) -> &'static str {
///         "cohens_h"
///     }
///     fn phrase(&self) -> &'static str {
///         "Cohen's h of the topic's exposure share"
///     }
///     fn scale(&self) -> Scale {
///         Scale::Linear
///     }
///     fn value(&self, totals: &[f64]) -> Working {
///         match TwoArms::from_totals(totals).shares() {
///             Ok((a, b)) => Working::Finite(2.0 * (a.sqrt().asin() - b.sqrt().asin())),
///             Err(reason) => Working::Undefined(reason),
///         }
///     }
/// }
///
/// let question = Question::between("ranked", "newest").topics(["war"]).statistic(CohensH);
/// let report = Audit::of(&log, &question).run()?;
/// let h = report.estimates()[0].value.number().expect("both arms show the topic");
/// let expected: f64 = 2.0 * ((4.0_f64 / 9.0).sqrt().asin() - (2.0_f64 / 11.0).sqrt().asin());
/// assert!((h - expected).abs() < 1e-12);
/// assert!(report.estimates()[0].standard_error.is_some());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
pub trait Statistic: fmt::Debug + Send + Sync {
    /// The name in reports, in snake case; unique in the library.
    fn name(&self) -> &'static str;

    /// What it is, to stand in a sentence: "the ratio of the topic's exposure share in ... ".
    fn phrase(&self) -> &'static str;

    /// Its parameters in words, where the name does not say them all: they stand behind the phrase in
    /// reports.
    fn details(&self) -> Option<String> {
        None
    }

    /// Whether it has a meaning for these strata, which are in the order of the cells by stratum: sorted
    /// by name, and one without name where none are kept apart. Asked before a tally or a simulation
    /// answers.
    ///
    /// # Errors
    /// [`Error::StandardStrata`] for a declared population of other strata; [`Error::Parameter`].
    fn check_strata(&self, strata: &[String]) -> Result<(), Error> {
        let _ = strata;
        Ok(())
    }

    /// The topics that it looks at beside the one asked about: their totals are cells of
    /// [`Quantity::OtherTopic`], numbered in this order. A log without one of them is
    /// [`Error::UnknownTopic`].
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # use tiltmeter::{Audit, Question};
    /// use tiltmeter::statistic::{Cell, Quantity, Scale, Side, Statistic, Undefined, Working};
    ///
    /// /// Of all exposure to either topic, the part that the one asked about has.
    /// #[derive(Debug)]
    /// struct PartOfTwo([String; 1]);
    ///
    /// impl Statistic for PartOfTwo {
    ///     fn name(&self) -> &'static str {
    ///         "part_of_two"
    ///     }
    ///     fn phrase(&self) -> &'static str {
    ///         "the topic's part of the exposure to it and another"
    ///     }
    ///     fn scale(&self) -> Scale {
    ///         Scale::Linear
    ///     }
    ///     fn null(&self) -> Option<f64> {
    ///         None
    ///     }
    ///     fn other_topics(&self) -> &[String] {
    ///         &self.0
    ///     }
    ///     fn cells(&self, _strata: usize) -> Vec<Cell> {
    ///         let of = |quantity| Cell::over_all(Side::Treatment, quantity);
    ///         vec![of(Quantity::Topic), of(Quantity::OtherTopic(0))]
    ///     }
    ///     fn value(&self, totals: &[f64]) -> Working {
    ///         match totals[0] + totals[1] {
    ///             0.0 => Working::Undefined(Undefined::NoTreatmentMass),
    ///             both => Working::Finite(totals[0] / both),
    ///         }
    ///     }
    /// }
    ///
    /// let question = Question::between("ranked", "newest")
    ///     .topics(["war"])
    ///     .statistic(PartOfTwo(["sport".to_owned()]));
    /// let report = Audit::of(&log, &question).run()?;
    /// assert!(report.get("war")?.value().is_some_and(|part| part > 0.0 && part < 1.0));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    fn other_topics(&self) -> &[String] {
        &[]
    }

    /// The strata that it looks at by name: their totals are cells over [`Over::Named`], numbered in this
    /// order. A log without one of them is [`Error::UnknownStratum`].
    fn named_strata(&self) -> &[String] {
        &[]
    }

    /// For one that contrasts two values of another statistic, which is a contrast of two shares: that one. The
    /// first half of the [`cells`](Self::cells) is the first value's, the second the other's, each in the order
    /// of [`Cell::TWO_ARMS`]; and `value` is the first less the second.
    fn contrasts(&self) -> Option<&dyn Statistic> {
        None
    }

    /// The totals it needs, given the number of strata.
    fn cells(&self, strata: usize) -> Vec<Cell> {
        let _ = strata;
        Cell::TWO_ARMS.to_vec()
    }

    /// The scale on which [`value`](Statistic::value) works.
    fn scale(&self) -> Scale;

    /// The value on the working scale, from the totals in the order of
    /// [`cells`](Statistic::cells). A finite value is a number, also on the reported scale; for what is
    /// none there are [`Working::Above`], [`Working::Below`] and [`Working::Undefined`].
    fn value(&self, totals: &[f64]) -> Working;

    /// The derivative of [`value`](Statistic::value) by each total, where the value is finite.
    ///
    /// For one that is not stated it is taken from differences: central ones over steps from 1/16 of a
    /// total down, extrapolated, to one side where the other has no value. Against the gradients of
    /// [`ALL`] these are within a part in 10^9 of the largest term. They cost some 70 values a call, and
    /// a statistic with jumps or corners near its totals has none that mean anything.
    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        derivative::gradient(self, totals)
    }

    /// The units it has a meaning for; a question in another is refused.
    fn units(&self) -> Units {
        Units::All
    }

    /// How it compares clusters with themselves, where [`Unit::Within`] has a meaning for it: it is then asked for its
    /// value and gradient as one of two weighted shares. For one of [`Cell::TWO_ARMS`] alone.
    fn within(&self) -> Option<WithinFit> {
        None
    }

    /// Whether the value hangs on how many impressions the totals are of, and not on shares alone: where
    /// something is added to counts. A baseline that is a stated share then has nothing to add to.
    fn is_of_counts(&self) -> bool {
        false
    }

    /// The working value that stands for no amplification, against which tests are made; `None`
    /// for a statistic that compares nothing, such as the share of one arm.
    fn null(&self) -> Option<f64> {
        Some(0.0)
    }

    /// What is the same in both arms at [`null`](Statistic::null).
    fn null_of(&self) -> NullOf {
        NullOf::Shares
    }

    /// The variance of the value on the working scale if every impression, weighing 1, were
    /// independent, for statistics that keep strata apart and have a formula of their own; `None`
    /// where [`gradient`](Statistic::gradient) says it.
    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        let _ = totals;
        None
    }

    /// The statistic behind, and the baseline, where that is known from elsewhere and no arm: its totals
    /// are then not among the [`cells`](Self::cells).
    fn known_baseline(&self) -> Option<(&dyn Statistic, &KnownBaseline)> {
        None
    }

    /// What the error of a baseline that is no arm adds to the variance of the value.
    fn variance_of_baseline(&self, totals: &[f64]) -> f64 {
        let _ = totals;
        0.0
    }

    /// For a statistic that contrasts the shares of two arms, `value = term(Treatment, S_A) -
    /// term(Baseline, S_B)`: the term of an arm with this share, given the totals. It rises with the share,
    /// and is infinite where the statistic is. For a statistic of one arm's share, `value = term`. `None`
    /// for all others, which [`ShareBounds`](crate::inference::ShareBounds) then cannot be made for.
    fn term(&self, side: Side, share: f64, totals: &[f64]) -> Option<f64> {
        let _ = (side, share, totals);
        None
    }

    /// Who wrote it; nobody outside the library can say that it is the library's.
    #[doc(hidden)]
    fn origin(&self, asking: Asking) -> Origin {
        let _ = asking;
        Origin::Own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences, for every statistic that is listed, at several totals.
    #[test]
    fn gradients_are_derivatives() {
        let one = [[30.0, 100.0, 10.0, 90.0], [0.2, 3.0, 0.7, 4.5], [512.0, 1e4, 40.0, 2e4]];
        // For statistics that keep strata apart, also two and three of them.
        let several = [one.concat(), one[..2].concat()].into_iter();
        for totals in one.iter().map(|totals| totals.to_vec()).chain(several) {
            for statistic in ALL {
                if totals.len() > 4 && statistic.cells(2).len() <= 4 {
                    continue;
                }
                let gradient = statistic.gradient(&totals);
                let at = |i: usize, step: f64| {
                    let mut moved = totals.clone();
                    moved[i] += step;
                    match statistic.value(&moved) {
                        Working::Finite(value) => value,
                        other => panic!("{statistic:?} is {other:?}"),
                    }
                };
                for i in 0..gradient.len() {
                    let step = 1e-5 * totals[i];
                    let numeric = (at(i, step) - at(i, -step)) / (2.0 * step);
                    // Besides what the step leaves out, the rounding of values over it.
                    let rounding = 5.0 * f64::EPSILON / (2.0 * step);
                    let tolerance = 1e-8 * numeric.abs().max(gradient[i].abs()) + rounding;
                    assert!(
                        (gradient[i] - numeric).abs() <= tolerance,
                        "{statistic:?}, total {i} of {totals:?}: {} against {numeric}",
                        gradient[i]
                    );
                }
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|s| s.name()).collect();
        assert_eq!(names.len(), ALL.len());
    }

    /// No statistic gives NaN, whatever the totals.
    #[test]
    fn edges_are_states() {
        let edges = [0.0, 1.0, 7.0];
        for a in edges {
            for b in edges {
                for c in edges {
                    for d in edges {
                        if a > b || c > d {
                            continue;
                        }
                        for statistic in ALL {
                            if let Working::Finite(value) = statistic.value(&[a, b, c, d]) {
                                assert!(value.is_finite(), "{statistic:?} at {a} {b} {c} {d}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn scales_have_their_limits() {
        for scale in [Scale::Linear, Scale::Log, Scale::LogPercent, Scale::Logit] {
            let (low, high) = scale.limits();
            assert_eq!(scale.reported(f64::NEG_INFINITY), low);
            assert_eq!(scale.reported(f64::INFINITY), high);
        }
    }
}
