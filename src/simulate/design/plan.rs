//! What a design makes of a simulation: whom it has, and which arm serves whom when.

use super::puppets::{PuppetArms, Script};
use super::{ExperimentDesign, assign, rounds};
use crate::base::draws::{Draws, Purpose, stream};
use crate::error::Error;
use crate::error::range::{out, positive};
use crate::simulate::config::SimulationConfig;
use crate::simulate::response::MOST_REQUESTS;
use crate::simulate::world::{Catalogue, Viewers};

impl ExperimentDesign {
    /// Whether its numbers are in their ranges and fit the rest of a simulation.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first that is not; [`Error::UnknownTopic`] for a persona's topic
    /// that the world does not have.
    pub fn check(&self, config: &SimulationConfig) -> Result<(), Error> {
        match self {
            Self::Viewers { shares, .. } | Self::Slates { shares } => {
                if !shares.is_empty() && shares.len() != config.arms.len() {
                    let expected = "none, or one for each arm";
                    return Err(out(
                        "the shares of a ExperimentDesign",
                        format!("{shares:?}"),
                        expected,
                    ));
                }
                shares
                    .iter()
                    .try_for_each(|share| positive("a share of a ExperimentDesign", *share))
            }
            Self::SockPuppets(puppets) => puppets.check(config),
            Self::Donation(donation) => donation.check(config.arms.len()),
            Self::Switchback(switchback) => switchback.check(config),
            Self::PrePost { day, washout_days } => {
                rounds::check_pre_post(config, *day, *washout_days)
            }
        }
    }

    /// The viewers of a simulation: the world's, or puppets.
    pub(in crate::simulate) fn viewers(
        &self,
        config: &SimulationConfig,
        catalogue: &Catalogue,
    ) -> Viewers {
        match self {
            Self::SockPuppets(puppets) => puppets.viewers(config, catalogue),
            _ => Viewers::of(&config.world, catalogue, config.seed),
        }
    }

    /// The names of the arms, as logs will have them.
    pub(in crate::simulate) fn arms(&self, config: &SimulationConfig) -> Vec<String> {
        match self {
            Self::SockPuppets(puppets) if puppets.arms == PuppetArms::Personas => puppets.names(),
            _ => config.arms.iter().map(|arm| arm.name.clone()).collect(),
        }
    }

    /// The names of the strata of viewers.
    pub(in crate::simulate) fn strata(&self, config: &SimulationConfig) -> Vec<String> {
        match self {
            Self::SockPuppets(puppets) => puppets.names(),
            _ => config.world.strata.iter().map(|stratum| stratum.name.clone()).collect(),
        }
    }
}

/// A design made ready for its viewers.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulate) struct Plan {
    arms: ArmsBy,
    recorded: Recorded,
    policies: Policies,
    /// Rounds of a period, where there are periods.
    rounds_per_period: Option<u32>,
    /// By rank, the probability that it is not recorded; none if empty.
    missing: Vec<f64>,
    /// By viewer, the place of his script; none if viewers are free.
    script_of: Vec<u32>,
    scripts: Vec<Script>,
}

#[derive(Clone, Debug, PartialEq)]
enum ArmsBy {
    Viewer(Vec<u8>),
    Slate(Vec<f64>),
    Round(Vec<u8>),
}

/// What comes into the log.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulate) enum Recorded {
    Everything,
    /// By viewer, whether it does.
    Viewers(Vec<bool>),
    /// By round, whether it does.
    Rounds(Vec<bool>),
}

/// Which policy serves an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policies {
    OfArm,
    OneForAll,
}

/// The round of a request, by its number.
const fn round_of(request: u32) -> u32 {
    request / MOST_REQUESTS
}

impl Plan {
    pub(in crate::simulate) fn of(
        config: &SimulationConfig,
        catalogue: &Catalogue,
        viewers: &Viewers,
    ) -> Self {
        let parts = |shares: &[f64]| match shares {
            [] => vec![1.0; config.arms.len()],
            shares => shares.to_vec(),
        };
        match &config.design {
            ExperimentDesign::Viewers { shares, blocks } => {
                let arms = assign::assign(config.seed, viewers, &parts(shares), *blocks);
                Self::by(ArmsBy::Viewer(arms))
            }
            ExperimentDesign::Slates { shares } => Self::by(ArmsBy::Slate(parts(shares))),
            ExperimentDesign::SockPuppets(puppets) => {
                let policies = match puppets.arms {
                    PuppetArms::Policies => Policies::OfArm,
                    PuppetArms::Personas => Policies::OneForAll,
                };
                Self {
                    policies,
                    script_of: puppets.personas_of(config.arms.len()),
                    scripts: puppets.scripts(config, catalogue.topic_sets()),
                    ..Self::by(ArmsBy::Viewer(puppets.arms_of(config.arms.len())))
                }
            }
            ExperimentDesign::Donation(donation) => {
                let (arms, donors) = donation.draw(config.seed, viewers, config.arms.len());
                Self {
                    recorded: Recorded::Viewers(donors),
                    missing: donation.positions.missing(config.slate),
                    ..Self::by(ArmsBy::Viewer(arms))
                }
            }
            ExperimentDesign::Switchback(switchback) => {
                let (arms, recorded) = switchback.rounds(config);
                Self {
                    recorded: Recorded::Rounds(recorded),
                    rounds_per_period: Some(switchback.period.rounds(config.rounds_per_day)),
                    ..Self::by(ArmsBy::Round(arms))
                }
            }
            ExperimentDesign::PrePost { day, washout_days } => {
                let (arms, recorded) = rounds::pre_post(config, *day, *washout_days);
                let recorded = Recorded::Rounds(recorded);
                Self { recorded, ..Self::by(ArmsBy::Round(arms)) }
            }
        }
    }

    const fn by(arms: ArmsBy) -> Self {
        Self {
            arms,
            recorded: Recorded::Everything,
            policies: Policies::OfArm,
            rounds_per_period: None,
            missing: Vec::new(),
            script_of: Vec::new(),
            scripts: Vec::new(),
        }
    }

    /// The arm of a viewer's slate, by the number of the request.
    pub(in crate::simulate) fn arm(&self, seed: u64, viewer: u32, request: u32) -> u8 {
        match &self.arms {
            ArmsBy::Viewer(arms) => arms[viewer as usize],
            ArmsBy::Round(arms) => arms[round_of(request) as usize],
            ArmsBy::Slate(shares) => {
                Draws::new(seed, Purpose::Arm, viewer, request).weighted(shares) as u8
            }
        }
    }

    /// The place of the policy that serves an arm.
    pub(in crate::simulate) fn policy(&self, arm: u8) -> usize {
        match self.policies {
            Policies::OfArm => usize::from(arm),
            Policies::OneForAll => 0,
        }
    }

    /// What a viewer does by rule, where he is a puppet.
    pub(in crate::simulate) fn script(&self, viewer: u32) -> Option<&Script> {
        self.scripts.get(*self.script_of.get(viewer as usize)? as usize)
    }

    pub(in crate::simulate) const fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// The period of a request, where there are periods.
    pub(in crate::simulate) fn period(&self, request: u32) -> Option<u32> {
        self.rounds_per_period.map(|rounds| round_of(request) / rounds)
    }

    pub(in crate::simulate) const fn has_periods(&self) -> bool {
        self.rounds_per_period.is_some()
    }

    /// Whether some position may be missing.
    pub(in crate::simulate) fn may_miss_positions(&self) -> bool {
        self.missing.iter().any(|probability| *probability > 0.0)
    }

    /// Whether the position of an impression is missing.
    pub(in crate::simulate) fn misses(
        &self,
        seed: u64,
        viewer: u32,
        request: u32,
        position: u8,
    ) -> bool {
        let rank = usize::from(position).saturating_sub(1);
        let Some(&probability) = self.missing.get(rank) else { return false };
        let stream = stream(seed, Purpose::Recording, viewer, request);
        let word = stream.words(rank as u32 / 4)[rank % 4];
        (f64::from(word) + 0.5) / 4_294_967_296.0 < probability
    }
}
