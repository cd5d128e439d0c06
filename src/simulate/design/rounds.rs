//! Designs in which all viewers are in one arm at a time.

use serde::{Deserialize, Serialize};

use crate::base::draws::{Draws, Purpose};
use crate::error::Error;
use crate::error::range::out;
use crate::simulate::config::SimulationConfig;

/// All viewers together are switched from arm to arm (Bojinov, Simchi-Levi and Zhao 2023,
/// arXiv 2009.00148): where viewers influence one another, or a policy that learns has to
/// have all of them, arms cannot be viewers.
///
/// Cluster by the log's column `period`: its rows are what was assigned, so there are as many
/// clusters as periods, and few of those need an interval for few clusters. Viewers meet all arms;
/// what they have in common across periods cancels between arms, and can be looked at beside by a
/// second cluster ([`Question::second_cluster`](crate::Question::second_cluster)).
///
/// What carries over biases it: what a viewer follows, remembers or came to like in a period is
/// with him in the next, which pulls arms together. Rounds at the start of a period that are not
/// recorded (`washout`) help as far as it fades in them. News that break in a period are its arm's:
/// alternating arms share a trend less well than periods drawn in blocks, and a daily rhythm not at
/// all where a period is half a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switchback {
    /// How long an arm lasts, at the least. Default a day.
    pub period: Period,
    /// In which order arms come. Default randomised.
    pub order: Order,
    /// Rounds at the start of every period that are not recorded; fewer than a period has. Viewers are
    /// served in them, and policies learn. Default 0.
    pub washout: u32,
}

/// How long a period is. The last one may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Period {
    /// So many rounds.
    Rounds(u32),
    /// So many hours, which must be a whole number of rounds.
    Hours(f64),
}

impl Default for Period {
    /// A day.
    fn default() -> Self {
        Self::Hours(24.0)
    }
}

/// In which order arms follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As arms are listed, over and over.
    Alternating,
    /// In blocks of as many periods as there are arms; within each every arm once, in an order of
    /// chance. An arm may so have two periods in a row, which are two clusters all the same.
    #[default]
    Randomised,
}

impl Period {
    /// How many rounds it has; checked to be a whole number.
    pub(super) fn rounds(self, rounds_per_day: u32) -> u32 {
        match self {
            Self::Rounds(rounds) => rounds,
            Self::Hours(hours) => (hours / 24.0 * f64::from(rounds_per_day)).round() as u32,
        }
    }
}

impl Switchback {
    pub(super) fn check(&self, config: &SimulationConfig) -> Result<(), Error> {
        let rounds = self.period.rounds(config.rounds_per_day);
        if let Period::Hours(hours) = self.period {
            let exact = hours / 24.0 * f64::from(config.rounds_per_day);
            // Of NaN and infinities the distance is no number.
            let far = (exact - f64::from(rounds)).abs();
            if far.is_nan() || far >= 1e-6 {
                return Err(out("Period::Hours", hours, "hours that are a whole number of rounds"));
            }
        }
        if rounds == 0 || rounds > all_rounds(config) {
            let expected = "from one round to all that there are";
            return Err(out("Switchback::period", format!("{rounds} rounds"), expected));
        }
        if self.washout >= rounds {
            let expected = "fewer rounds than a period has";
            return Err(out("Switchback::washout", self.washout, expected));
        }
        Ok(())
    }

    /// By round, the arm, and whether it is recorded.
    pub(super) fn rounds(&self, config: &SimulationConfig) -> (Vec<u8>, Vec<bool>) {
        let length = self.period.rounds(config.rounds_per_day).max(1);
        let arms = config.arms.len() as u32;
        let mut order: Vec<u8> = (0..config.arms.len() as u8).collect();
        let mut drawn = None;
        (0..all_rounds(config))
            .map(|round| {
                let (period, within) = (round / length, round % length);
                let block = period / arms;
                if self.order == Order::Randomised && drawn != Some(block) {
                    drawn = Some(block);
                    shuffle(&mut order, Draws::new(config.seed, Purpose::Arm, block, 0));
                }
                (order[(period % arms) as usize], within >= self.washout)
            })
            .unzip()
    }
}

/// Fisher's and Yates' shuffle.
fn shuffle(order: &mut [u8], mut draws: Draws) {
    order.sort_unstable();
    for last in (1..order.len()).rev() {
        order.swap(last, draws.below(last as u32 + 1) as usize);
    }
}

pub(super) fn check_pre_post(
    config: &SimulationConfig,
    day: u32,
    washout_days: u32,
) -> Result<(), Error> {
    if config.arms.len() != 2 {
        let expected = "2 for ExperimentDesign::PrePost: before and after";
        return Err(out("the number of arms", config.arms.len(), expected));
    }
    if day == 0 || day >= config.days {
        return Err(out("Design::PrePost::day", day, "from 1 to the number of the last day"));
    }
    if day.saturating_add(washout_days) >= config.days {
        let expected = "so few that a day is left to be recorded";
        return Err(out("Design::PrePost::washout_days", washout_days, expected));
    }
    Ok(())
}

/// By round, the arm, and whether it is recorded.
pub(super) fn pre_post(
    config: &SimulationConfig,
    day: u32,
    washout_days: u32,
) -> (Vec<u8>, Vec<bool>) {
    let washed = day..day.saturating_add(washout_days);
    (0..all_rounds(config))
        .map(|round| round / config.rounds_per_day)
        .map(|today| (u8::from(today >= day), !washed.contains(&today)))
        .unzip()
}

const fn all_rounds(config: &SimulationConfig) -> u32 {
    config.days * config.rounds_per_day
}
