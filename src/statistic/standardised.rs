//! Direct standardisation: the shares that both arms would have if their impressions were spread over
//! the strata in the same way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mantel_haenszel::{Stratum, cells_by_stratum};
use super::{Cell, Scale, Statistic, Undefined, Working};
use crate::error::Error;

/// Whose spread over the strata both arms are given.
///
/// ```
/// use tiltmeter::statistic::{StandardPopulation, StandardisedRatio, Statistic};
/// // Parts are divided by their sum: heads are as good as percentages.
/// let voters = StandardPopulation::declared([("north", 300.0), ("south", 100.0)]);
/// let statistic = StandardisedRatio { population: voters };
/// assert_eq!(statistic.details().unwrap(), "\"north\" 0.75, \"south\" 0.25");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandardPopulation {
    /// The treatment's: its share stays what it is, and the baseline's is made comparable with it.
    Treatment,
    /// The baseline's: its share stays what it is.
    Baseline,
    /// Both arms' together, so that the arm with more of the total has more of the say.
    #[default]
    Both,
    /// One from elsewhere, such as a census: by stratum, its part, 0 or more; parts are divided by their
    /// sum. It must name each stratum of the tally, and no other.
    Declared(BTreeMap<String, f64>),
}

impl StandardPopulation {
    /// A population from elsewhere: strata and their parts, in any order.
    pub fn declared<S: Into<String>>(parts: impl IntoIterator<Item = (S, f64)>) -> Self {
        Self::Declared(parts.into_iter().map(|(stratum, part)| (stratum.into(), part)).collect())
    }

    /// By stratum, its part; fewer where fewer are declared.
    fn parts(&self, totals: &[f64]) -> Vec<f64> {
        let of = |amount: fn(&Stratum) -> f64| {
            let amounts: Vec<f64> = Stratum::all(totals).map(|s| amount(&s)).collect();
            shared(&amounts)
        };
        match self {
            Self::Treatment => of(|s| s.n1),
            Self::Baseline => of(|s| s.n0),
            Self::Both => of(|s| s.n()),
            Self::Declared(parts) => shared(&parts.values().copied().collect::<Vec<_>>()),
        }
    }

    /// How fast a stratum's amount in the population grows with its total in treatment and baseline,
    /// over all of the population.
    fn growth(&self, totals: &[f64]) -> [f64; 2] {
        let sum = |amount: fn(&Stratum) -> f64| Stratum::all(totals).map(|s| amount(&s)).sum::<f64>();
        match self {
            Self::Treatment => [1.0 / sum(|s| s.n1), 0.0],
            Self::Baseline => [0.0, 1.0 / sum(|s| s.n0)],
            Self::Both => [1.0 / sum(|s| s.n()); 2],
            Self::Declared(_) => [0.0; 2],
        }
    }

    fn check(&self, statistic: &'static str, strata: &[String]) -> Result<(), Error> {
        let Self::Declared(parts) = self else { return Ok(()) };
        let missing: Vec<String> =
            strata.iter().filter(|name| !parts.contains_key(*name)).cloned().collect();
        let unknown: Vec<String> =
            parts.keys().filter(|name| !strata.contains(name)).cloned().collect();
        if !missing.is_empty() || !unknown.is_empty() {
            return Err(Error::StandardStrata { statistic, missing, unknown });
        }
        let refuse = |value: String| Error::Parameter {
            parameter: "a part of the declared population",
            value,
            expected: "a finite number, 0 or more; and above 0 for some stratum",
        };
        for (name, part) in parts {
            if !(0.0..f64::INFINITY).contains(part) {
                return Err(refuse(format!("{part} for the stratum {name:?}")));
            }
        }
        let sum: f64 = parts.values().sum();
        if sum > 0.0 && sum.is_finite() {
            return Ok(());
        }
        Err(refuse(format!("such that all together are {sum}")))
    }

    fn details(&self) -> Option<String> {
        let Self::Declared(parts) = self else { return None };
        let shares = shared(&parts.values().copied().collect::<Vec<_>>());
        let named = parts.keys().zip(shares).map(|(name, part)| format!("{name:?} {part}"));
        Some(named.collect::<Vec<_>>().join(", "))
    }
}

/// Each amount over the sum of all; zeros where that is no positive number.
fn shared(amounts: &[f64]) -> Vec<f64> {
    let sum: f64 = amounts.iter().sum();
    let is_sum = sum > 0.0 && sum.is_finite();
    amounts.iter().map(|amount| if is_sum { amount / sum } else { 0.0 }).collect()
}

/// Both arms' shares under one population.
struct Standard {
    /// By stratum of the totals.
    parts: Vec<f64>,
    treatment: f64,
    baseline: f64,
}

impl Standard {
    fn of(population: &StandardPopulation, totals: &[f64]) -> Result<Self, Undefined> {
        let all = |of: fn(&Stratum) -> f64| Stratum::all(totals).map(|s| of(&s)).sum::<f64>();
        if all(|s| s.n1) <= 0.0 {
            return Err(Undefined::NoTreatmentMass);
        }
        if all(|s| s.n0) <= 0.0 {
            return Err(Undefined::NoBaselineMass);
        }
        let mut parts = population.parts(totals);
        let strata = totals.len() / 4;
        if !parts.iter().any(|part| *part > 0.0) || parts.iter().skip(strata).any(|part| *part > 0.0)
        {
            return Err(Undefined::StratumInNeitherArm);
        }
        parts.resize(strata, 0.0);
        let (mut treatment, mut baseline) = (0.0, 0.0);
        for (stratum, part) in Stratum::all(totals).zip(&parts).filter(|(_, part)| **part > 0.0) {
            match (stratum.n1 > 0.0, stratum.n0 > 0.0) {
                (true, true) => {}
                (false, false) => return Err(Undefined::StratumInNeitherArm),
                _ => return Err(Undefined::StratumInOneArm),
            }
            treatment += part * stratum.a / stratum.n1;
            baseline += part * stratum.c / stratum.n0;
        }
        Ok(Self { parts, treatment, baseline })
    }

    /// Derivatives by the totals, from those by the two standardised shares.
    fn gradient(
        &self,
        population: &StandardPopulation,
        totals: &[f64],
        by_shares: [f64; 2],
    ) -> Vec<f64> {
        let growth = population.growth(totals);
        let of_stratum = |(stratum, part): (Stratum, &f64)| {
            if *part <= 0.0 {
                return [0.0; 4];
            }
            let Stratum { a, n1, c, n0 } = stratum;
            let rates = [a / n1, c / n0];
            let [by_rate1, by_rate0] = by_shares.map(|slope| slope * part);
            // What a larger part of this stratum would change, at the cost of all others.
            let by_part =
                by_shares[0] * (rates[0] - self.treatment) + by_shares[1] * (rates[1] - self.baseline);
            [
                by_rate1 / n1,
                by_part * growth[0] - by_rate1 * rates[0] / n1,
                by_rate0 / n0,
                by_part * growth[1] - by_rate0 * rates[1] / n0,
            ]
        };
        Stratum::all(totals).zip(&self.parts).flat_map(of_stratum).collect()
    }
}

/// The variance if an arm's impressions, each weighing 1, fell independently on strata and topic: from
/// the gradient, around the mean of each arm. Where the population is declared that is
/// `sum_k P_k^2 r (1 - r) / n` for the share of an arm.
fn variance_of_independent(gradient: &[f64], totals: &[f64]) -> f64 {
    let mut variance = 0.0;
    for arm in [0, 2] {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (slopes, of_stratum) in gradient.chunks_exact(4).zip(totals.chunks_exact(4)) {
            let (topic, all) = (of_stratum[arm], of_stratum[arm + 1]);
            let (other, of_topic) = (slopes[arm + 1], slopes[arm] + slopes[arm + 1]);
            count += all;
            sum += topic * of_topic + (all - topic) * other;
            squares += topic * of_topic * of_topic + (all - topic) * other * other;
        }
        variance += squares - sum * sum / count;
    }
    variance
}

/// The ratio of the topic's exposure shares, both standardised to one population: `S_A / S_B` with
///
/// `S_a = sum_k P_k r_ak`
///
/// where `P_k` is the part that stratum k has in the [population](StandardPopulation) and `r_ak` the
/// topic's share in it in arm a: direct standardisation, as of death rates by age. It is the amplification that would have been seen had both arms been shown to that
/// population. Unlike [`MantelHaenszelRatio`](super::MantelHaenszelRatio) it has a meaning where
/// amplification differs between strata, and it depends on the population then.
///
/// Right where every stratum of the population has impressions in both arms, and not too few: a stratum
/// with a large part and little mass has the say. One with a part and mass in one arm only leaves the
/// share of the other unknown, and the value is [undefined](Undefined::StratumInOneArm); such a stratum
/// may be declared to have no part, which is then another question.
///
/// Errors are clustered as those of all statistics, and know that an arm's own spread over strata is
/// itself found from the clusters. A declared population is taken as exact. The naive error beside is for
/// impressions that weigh 1 and fall independently on strata and topic; for a declared population that
/// is the textbook's `sum_k P_k^2 r (1 - r) / n` of either arm.
///
/// ```
/// use tiltmeter::statistic::{StandardisedRatio, Statistic, Working};
/// // Twice as much in the first stratum, as much in the second, and arms that are spread differently.
/// let totals = [20.0, 100.0, 1.0, 10.0, 4.0, 10.0, 40.0, 100.0];
/// // 100 of the treatment's 110 are in the first stratum, and 10 of the baseline's.
/// let ratio = |statistic: StandardisedRatio| match statistic.value(&totals) {
///     Working::Finite(log) => log.exp(),
///     other => panic!("{other:?}"),
/// };
/// assert!((ratio(StandardisedRatio::TREATMENT) - 24.0 / 14.0).abs() < 1e-12);
/// assert!((ratio(StandardisedRatio::BASELINE) - 42.0 / 41.0).abs() < 1e-12);
/// assert!((ratio(StandardisedRatio::BOTH) - 6.0 / 5.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StandardisedRatio {
    /// Whose spread over strata both arms are given.
    pub population: StandardPopulation,
}

impl StandardisedRatio {
    /// To the treatment's spread.
    pub const TREATMENT: Self = Self { population: StandardPopulation::Treatment };
    /// To the baseline's spread.
    pub const BASELINE: Self = Self { population: StandardPopulation::Baseline };
    /// To that of both together.
    pub const BOTH: Self = Self { population: StandardPopulation::Both };
}

impl Statistic for StandardisedRatio {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        match self.population {
            StandardPopulation::Treatment => "standardised_ratio_treatment",
            StandardPopulation::Baseline => "standardised_ratio_baseline",
            StandardPopulation::Both => "standardised_ratio_both",
            StandardPopulation::Declared(_) => "standardised_ratio_declared",
        }
    }

    fn phrase(&self) -> &'static str {
        match self.population {
            StandardPopulation::Treatment => {
                "the ratio of the topic's exposure share, standardised to the treatment's strata"
            }
            StandardPopulation::Baseline => {
                "the ratio of the topic's exposure share, standardised to the baseline's strata"
            }
            StandardPopulation::Both => {
                "the ratio of the topic's exposure share, standardised to the strata of both arms"
            }
            StandardPopulation::Declared(_) => {
                "the ratio of the topic's exposure share, standardised to declared strata"
            }
        }
    }

    fn details(&self) -> Option<String> {
        self.population.details()
    }

    fn check_strata(&self, strata: &[String]) -> Result<(), Error> {
        self.population.check(self.name(), strata)
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Log
    }

    fn value(&self, totals: &[f64]) -> Working {
        let Standard { treatment, baseline, .. } = match Standard::of(&self.population, totals) {
            Ok(standard) => standard,
            Err(reason) => return Working::Undefined(reason),
        };
        match (treatment > 0.0, baseline > 0.0) {
            (true, true) => Working::Finite((treatment / baseline).ln()),
            (true, false) => Working::Above,
            (false, true) => Working::Below,
            (false, false) => Working::Undefined(Undefined::TopicInNeitherArm),
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        match Standard::of(&self.population, totals) {
            Ok(standard) => {
                let by_shares = [1.0 / standard.treatment, -1.0 / standard.baseline];
                standard.gradient(&self.population, totals, by_shares)
            }
            Err(_) => vec![0.0; totals.len()],
        }
    }

    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        Some(variance_of_independent(&self.gradient(totals), totals))
    }
}

/// The difference of the topic's exposure shares, both standardised to one population; as
/// [`StandardisedRatio`], `S_A - S_B`.
///
/// ```
/// use tiltmeter::statistic::{StandardPopulation, StandardisedDifference, Statistic, Working};
/// let totals = [20.0, 100.0, 1.0, 10.0, 4.0, 10.0, 40.0, 100.0];
/// // The strata's differences are 0.1 and 0.
/// let population = StandardPopulation::declared([("a", 3.0), ("b", 1.0)]);
/// let statistic = StandardisedDifference { population };
/// let Working::Finite(difference) = statistic.value(&totals) else { panic!() };
/// assert!((difference - 0.075).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StandardisedDifference {
    /// Whose spread over strata both arms are given.
    pub population: StandardPopulation,
}

impl StandardisedDifference {
    /// To the treatment's spread.
    pub const TREATMENT: Self = Self { population: StandardPopulation::Treatment };
    /// To the baseline's spread.
    pub const BASELINE: Self = Self { population: StandardPopulation::Baseline };
    /// To that of both together.
    pub const BOTH: Self = Self { population: StandardPopulation::Both };
}

impl Statistic for StandardisedDifference {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        match self.population {
            StandardPopulation::Treatment => "standardised_difference_treatment",
            StandardPopulation::Baseline => "standardised_difference_baseline",
            StandardPopulation::Both => "standardised_difference_both",
            StandardPopulation::Declared(_) => "standardised_difference_declared",
        }
    }

    fn phrase(&self) -> &'static str {
        match self.population {
            StandardPopulation::Treatment => {
                "the difference of the topic's exposure share, standardised to the treatment's strata"
            }
            StandardPopulation::Baseline => {
                "the difference of the topic's exposure share, standardised to the baseline's strata"
            }
            StandardPopulation::Both => {
                "the difference of the topic's exposure share, standardised to the strata of both arms"
            }
            StandardPopulation::Declared(_) => {
                "the difference of the topic's exposure share, standardised to declared strata"
            }
        }
    }

    fn details(&self) -> Option<String> {
        self.population.details()
    }

    fn check_strata(&self, strata: &[String]) -> Result<(), Error> {
        self.population.check(self.name(), strata)
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        match Standard::of(&self.population, totals) {
            Ok(standard) => Working::Finite(standard.treatment - standard.baseline),
            Err(reason) => Working::Undefined(reason),
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        match Standard::of(&self.population, totals) {
            Ok(standard) => standard.gradient(&self.population, totals, [1.0, -1.0]),
            Err(_) => vec![0.0; totals.len()],
        }
    }

    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        Some(variance_of_independent(&self.gradient(totals), totals))
    }
}

/// Those of a declared population, which cannot be listed among all since they need the strata's names:
/// what they have without.
pub(super) static DECLARED: [&dyn Statistic; 2] = [
    &StandardisedRatio { population: StandardPopulation::Declared(BTreeMap::new()) },
    &StandardisedDifference { population: StandardPopulation::Declared(BTreeMap::new()) },
];
