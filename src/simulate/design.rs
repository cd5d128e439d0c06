//! Experiment designs: which arm serves whom when.

use serde::{Deserialize, Serialize};

use super::check::{out, positive};
use super::config::SimulationConfig;
use super::draws::{Draws, Purpose};
use super::world::Viewers;
use crate::error::Error;

/// Who is in which arm when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Design {
    /// Every viewer stays in an arm that was drawn for him: a randomised experiment. Arms get their
    /// parts of the viewers exactly, to a viewer; within every block, where there are blocks.
    Viewers {
        /// By arm, its part of the viewers in proportion to the others; all alike if empty.
        #[serde(default)]
        shares: Vec<f64>,
        /// Within what viewers are drawn.
        #[serde(default)]
        blocks: Blocks,
    },
    /// Every slate has an arm that was drawn for it, so that viewers meet all arms.
    Slates {
        /// By arm, its part of the slates in proportion to the others; all alike if empty.
        #[serde(default)]
        shares: Vec<f64>,
    },
}

impl Default for Design {
    /// Viewers, all arms alike, without blocks.
    fn default() -> Self {
        Self::Viewers { shares: Vec::new(), blocks: Blocks::Nothing }
    }
}

/// Within what viewers are assigned to arms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// All viewers together.
    #[default]
    Nothing,
    /// Each stratum by itself.
    Strata,
}

impl Design {
    pub(super) fn check(&self, config: &SimulationConfig) -> Result<(), Error> {
        match self {
            Self::Viewers { shares, .. } | Self::Slates { shares } => {
                check_shares(shares, config.arms.len())
            }
        }
    }
}

fn check_shares(shares: &[f64], arms: usize) -> Result<(), Error> {
    if !shares.is_empty() && shares.len() != arms {
        return Err(out(
            "the shares of a Design",
            format!("{shares:?}"),
            "none, or one for each arm",
        ));
    }
    shares.iter().try_for_each(|share| positive("a share of a Design", *share))
}

/// A design made ready for its viewers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    arms: ArmsBy,
}

#[derive(Clone, Debug, PartialEq)]
enum ArmsBy {
    Viewer(Vec<u8>),
    Slate(Vec<f64>),
}

impl Plan {
    pub(super) fn of(config: &SimulationConfig, viewers: &Viewers) -> Self {
        let parts = |shares: &[f64]| match shares {
            [] => vec![1.0; config.arms.len()],
            shares => shares.to_vec(),
        };
        let arms = match &config.design {
            Design::Viewers { shares, blocks } => {
                ArmsBy::Viewer(assign(config.seed, viewers, &parts(shares), *blocks))
            }
            Design::Slates { shares } => ArmsBy::Slate(parts(shares)),
        };
        Self { arms }
    }

    /// The arm of a viewer's slate, by the number of the request.
    pub(super) fn arm(&self, seed: u64, viewer: u32, request: u32) -> u8 {
        match &self.arms {
            ArmsBy::Viewer(arms) => arms[viewer as usize],
            ArmsBy::Slate(shares) => {
                Draws::new(seed, Purpose::Arm, viewer, request).weighted(shares) as u8
            }
        }
    }
}

/// By viewer, the arm: within every block viewers are put in an order of chance, and arms get their
/// parts of it.
fn assign(seed: u64, viewers: &Viewers, shares: &[f64], blocks: Blocks) -> Vec<u8> {
    let block = |viewer: u32| match blocks {
        Blocks::Nothing => 0,
        Blocks::Strata => viewers.strata()[viewer as usize],
    };
    let chance = |viewer: u32| Draws::new(seed, Purpose::Arm, viewer, 0).word();
    let mut order: Vec<(u16, u32, u32)> =
        (0..viewers.len() as u32).map(|viewer| (block(viewer), chance(viewer), viewer)).collect();
    order.sort_unstable();
    let sum: f64 = shares.iter().sum();
    let mut arms = vec![0; viewers.len()];
    for members in order.chunk_by(|a, b| a.0 == b.0) {
        let number = members.len() as f64;
        let mut ends = shares.iter().scan(0.0, |end, share| {
            *end += share / sum * number;
            Some(*end)
        });
        let mut end = ends.next().unwrap_or(number);
        let mut arm = 0;
        for (at, &(_, _, viewer)) in members.iter().enumerate() {
            while at as f64 + 0.5 > end && usize::from(arm) + 1 < shares.len() {
                arm += 1;
                end = ends.next().unwrap_or(number);
            }
            arms[viewer as usize] = arm;
        }
    }
    arms
}
