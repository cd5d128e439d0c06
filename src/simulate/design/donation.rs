//! Donated logs: viewers choose their arm, and some give away what they saw.

use serde::{Deserialize, Serialize};

use crate::base::draws::{Draws, Purpose};
use crate::error::Error;
use crate::error::range::{finite, out, probability};
use crate::simulate::world::Viewers;

/// An observational study: viewers choose their own arm (a setting, an app, a region), and those who
/// feel like it donate their logs. Nothing is assigned by chance.
///
/// Cluster by viewer. What arms differ by is then the policies' effect and that of who chose them
/// and who donated, together: where choice or donation go with activity or leaning, and what is shown
/// goes with these as well, the naive comparison is biased, and more viewers do not help.
/// [`chances`](Self::chances) are the truth that weights by inverse probability want to know.
/// Viewers who do not donate use the feed all the same, and policies learn from them. Who
/// donates is not as who does not (Strycharz et al. 2024, doi 10.5117/CCR2024.2.3.STRY).
///
/// Positions that are missing ([`Positions`]) are nulls in the column `position`. The log of
/// [`Simulation::schema`](crate::simulate::Simulation::schema) then goes without positions: a question
/// that needs none has all rows, and one that does is refused. With
/// `schema.position("position").rows(RowPolicy::SetAside)` rows without one are set aside and
/// counted by reason; what is left is biased where what is missing goes with the rank.
///
/// ```
/// use tiltmeter::log::{FaultReason, RowPolicy};
/// use tiltmeter::simulate::{ExperimentDesign, Donation, LogOdds, Positions, Preset, Simulation, SimulationConfig};
/// use tiltmeter::ExposureLog;
///
/// let mut config = SimulationConfig::preset(Preset::Election);
/// config.world.viewers = 300;
/// config.days = 2;
/// config.design = ExperimentDesign::Donation(Donation {
///     donates: LogOdds { constant: -1.0, activity: 0.5, leaning: 0.0 },
///     positions: Positions::Missing { probability: 0.25 },
///     ..Donation::default()
/// });
/// let simulation = Simulation::new(&config)?;
/// let log = simulation.log()?;
/// assert!(log.positions().is_none());
///
/// let schema = simulation.schema()?.position("position").rows(RowPolicy::SetAside);
/// let with_positions = ExposureLog::read(simulation.source()?, &schema)?;
/// let aside = &with_positions.origin().set_aside;
/// assert_eq!(aside.reasons[0].reason, FaultReason::Null);
/// assert_eq!(with_positions.rows() + aside.rows as usize, log.rows());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Donation {
    /// By arm but the last, the log-odds of choosing it rather than the last; all 0 if empty.
    pub choice: Vec<LogOdds>,
    /// The log-odds of donating. Default 0: every other viewer does.
    pub donates: LogOdds,
    /// By arm, what is added to the log-odds of donating of those who chose it; nothing if empty.
    pub arms: Vec<f64>,
    /// Which positions are missing in what is donated.
    pub positions: Positions,
}

/// A logarithm of odds, linear in what a viewer is like. Activity (slates a day) and leaning are
/// standardised: less their mean over all viewers, in units of their standard deviation, and 0 where
/// there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogOdds {
    /// That of an average viewer. Default 0.
    pub constant: f64,
    /// What a standard deviation of activity adds. Default 0.
    pub activity: f64,
    /// What a standard deviation of leaning adds. Default 0.
    pub leaning: f64,
}

/// Which positions are missing in the log, each by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Positions {
    /// None.
    #[default]
    Recorded,
    /// Each with the same probability.
    Missing {
        /// The probability.
        probability: f64,
    },
    /// Each with a probability that goes in a straight line from the first rank to the last of a
    /// whole slate: what is far down is often lost.
    MissingByRank {
        /// The probability at rank 1.
        first: f64,
        /// That at the last rank.
        last: f64,
    },
}

/// What chance a viewer had of being where he is in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Chances {
    /// By arm, the probability of choosing it.
    pub arms: Vec<f64>,
    /// By arm, the probability of donating, if it is chosen.
    pub donating: Vec<f64>,
}

impl LogOdds {
    fn check(self) -> Result<(), Error> {
        finite("LogOdds::constant", self.constant)?;
        finite("LogOdds::activity", self.activity)?;
        finite("LogOdds::leaning", self.leaning)
    }

    fn of(self, activity: f64, leaning: f64) -> f64 {
        self.constant + self.activity * activity + self.leaning * leaning
    }
}

impl Positions {
    fn check(self) -> Result<(), Error> {
        match self {
            Self::Recorded => Ok(()),
            Self::Missing { probability: missing } => probability("Positions::Missing", missing),
            Self::MissingByRank { first, last } => {
                probability("Positions::MissingByRank::first", first)?;
                probability("Positions::MissingByRank::last", last)
            }
        }
    }

    /// By rank from 1, the probability that it is missing.
    pub(super) fn missing(self, slate: u32) -> Vec<f64> {
        match self {
            Self::Recorded => Vec::new(),
            Self::Missing { probability } => vec![probability; slate as usize],
            Self::MissingByRank { first, last } => {
                let steps = f64::from(slate.saturating_sub(1).max(1));
                (0..slate).map(|at| first + (last - first) * f64::from(at) / steps).collect()
            }
        }
    }
}

impl Donation {
    pub(super) fn check(&self, arms: usize) -> Result<(), Error> {
        if !self.choice.is_empty() && self.choice.len() + 1 != arms {
            let expected = "none, or one for each arm but the last";
            return Err(out("Donation::choice", format!("{:?}", self.choice), expected));
        }
        if !self.arms.is_empty() && self.arms.len() != arms {
            let expected = "none, or one for each arm";
            return Err(out("Donation::arms", format!("{:?}", self.arms), expected));
        }
        self.choice.iter().try_for_each(|choice| choice.check())?;
        self.arms.iter().try_for_each(|more| finite("a number of Donation::arms", *more))?;
        self.donates.check()?;
        self.positions.check()
    }

    /// By viewer, the probabilities of choosing each of so many arms, and of donating in it.
    #[must_use]
    pub fn chances(&self, viewers: &Viewers, arms: usize) -> Vec<Chances> {
        let activities = standardised(viewers.activities());
        let leanings = standardised(viewers.leanings());
        let of = |(activity, leaning): (f64, f64)| {
            let choice = |arm| {
                let log_odds: LogOdds = self.choice.get(arm).copied().unwrap_or_default();
                if arm + 1 < arms { log_odds.of(activity, leaning) } else { 0.0 }
            };
            let log_odds: Vec<f64> = (0..arms).map(choice).collect();
            let greatest = log_odds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let odds: Vec<f64> = log_odds.iter().map(|odds| (odds - greatest).exp()).collect();
            let sum: f64 = odds.iter().sum();
            let donating = |arm| {
                let more = self.arms.get(arm).copied().unwrap_or(0.0);
                1.0 / (1.0 + (-self.donates.of(activity, leaning) - more).exp())
            };
            Chances {
                arms: odds.into_iter().map(|odds| odds / sum).collect(),
                donating: (0..arms).map(donating).collect(),
            }
        };
        activities.zip(leanings).map(of).collect()
    }

    /// By viewer, the arm that he chose, and whether he donates.
    pub(super) fn draw(&self, seed: u64, viewers: &Viewers, arms: usize) -> (Vec<u8>, Vec<bool>) {
        let chances = self.chances(viewers, arms);
        let draw = |(viewer, chances): (u32, Chances)| {
            let arm = Draws::new(seed, Purpose::Arm, viewer, 0).weighted(&chances.arms);
            // Requests have numbers below; those draw which positions are missing.
            let mut recording = Draws::new(seed, Purpose::Recording, viewer, u32::MAX);
            (arm as u8, recording.happens(chances.donating[arm]))
        };
        (0..).zip(chances).map(draw).unzip()
    }
}

/// Values less their mean, in standard deviations.
fn standardised(values: &[f32]) -> impl Iterator<Item = f64> {
    let number = values.len().max(1) as f64;
    let all = || values.iter().map(|value| f64::from(*value));
    let mean = all().sum::<f64>() / number;
    let deviation = (all().map(|value| (value - mean).powi(2)).sum::<f64>() / number).sqrt();
    // Of equal values rounding may leave a spread of its own.
    let flat = deviation <= 1e-9 * mean.abs();
    all()
        .map(move |value| if flat { 0.0 } else { (value - mean) / deviation })
        .collect::<Vec<_>>()
        .into_iter()
}
