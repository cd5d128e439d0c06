//! Experiment designs: which arm serves whom when, and what of it is recorded. It ranks nothing and
//! measures nothing.

mod assign;
mod donation;
mod puppets;
mod rounds;

use serde::{Deserialize, Serialize};

pub use self::assign::Blocks;
pub use self::donation::{Chances, Donation, LogOdds, Positions};
pub(super) use self::puppets::Script;
pub use self::puppets::{Conduct, Persona, PersonaFollows, PuppetArms, SockPuppets};
pub use self::rounds::{Order, Period, Switchback};
use super::check::{out, positive};
use super::config::SimulationConfig;
use super::draws::{Draws, Purpose, stream};
use super::feed::MOST_REQUESTS;
use super::world::{Catalogue, Viewers};
use crate::error::Error;
use crate::tally::ClusterBy;

/// Who is in which arm when, and what of it is recorded.
///
/// | design | assigned by chance | cluster to declare | what may bias it |
/// | --- | --- | --- | --- |
/// | [`Viewers`](Self::Viewers) | viewers | viewer | interference within arms |
/// | [`Slates`](Self::Slates) | slates | viewer | what carries over from one arm to the other |
/// | [`SockPuppets`](Self::SockPuppets) | nothing, or runs | viewer: the puppet's account | personas are not people |
/// | [`Donation`](Self::Donation) | nothing | viewer | self-selection into arms and into the log; missing positions |
/// | [`Switchback`](Self::Switchback) | periods | `period` | what carries over into the next period |
/// | [`PrePost`](Self::PrePost) | nothing | viewer | whatever else changed with time |
///
/// [`cluster`](Self::cluster) says the third column in code.
///
/// **Policies that learn** exist once for each arm, and learn from what was shown in their arm,
/// recorded or not. So viewers of one arm do not go without influence on one another: what one clicks
/// changes what the others are shown (interference within arms, which makes clusters dependent and
/// intervals too short). Between arms that are viewers there is none. What viewers themselves
/// keep (follows, drifting interests, what they remember) goes with them from arm to arm, where a design
/// moves them.
///
/// ```
/// use tiltmeter::simulate::{Design, Period, Preset, Simulation, SimulationConfig, Switchback};
/// use tiltmeter::{Audit, Baseline};
///
/// let mut config = SimulationConfig::preset(Preset::Conflict);
/// config.world.viewers = 200;
/// config.design = Design::Switchback(Switchback { period: Period::Hours(12.0), ..Switchback::default() });
/// let log = Simulation::new(&config)?.log()?;
/// let report = Audit::of(&log)
///     .treatment("treatment")
///     .baseline(Baseline::arm("baseline"))
///     .cluster(config.design.cluster())
///     .topics(["conflict"])
///     .run()?;
/// assert_eq!(report.estimates()[0].clusters.treatment, 7); // of 14 periods in a week
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Design {
    /// Every viewer stays in an arm that was drawn for him: a randomised experiment, such as
    /// Twitter's (Huszár et al. 2022, doi 10.1073/pnas.2025334119). Arms get their parts of the
    /// viewers exactly, to a viewer; within every block, where there are blocks. What is left over
    /// goes to arms by chance, so that every viewer has each arm with just its part as probability.
    ///
    /// Cluster by viewer. The difference of the arms is the effect of the policies, for the viewers
    /// of the world; where policies learn, of policies that learned from their part of the viewers
    /// only.
    Viewers {
        /// By arm, its part of the viewers in proportion to the others; all alike if empty.
        #[serde(default)]
        shares: Vec<f64>,
        /// Within what viewers are drawn.
        #[serde(default)]
        blocks: Blocks,
    },
    /// Every slate has an arm that was drawn for it, so that viewers meet all arms.
    ///
    /// Cluster by viewer: what is shown to one is alike across slates, and clusters are crossed, so
    /// what viewers have in common in both arms cancels. What a viewer was shown in one arm acts
    /// on what he wants in the other, where follows or interests change; both arms are then more
    /// alike than two feeds of their own would be.
    Slates {
        /// By arm, its part of the slates in proportion to the others; all alike if empty.
        #[serde(default)]
        shares: Vec<f64>,
    },
    /// Automated accounts in place of viewers.
    SockPuppets(SockPuppets),
    /// Viewers who choose their arm, some of whom give their logs away.
    Donation(Donation),
    /// All viewers together are switched from arm to arm.
    Switchback(Switchback),
    /// All viewers are in the first arm before a day and in the second from it on, as when a
    /// platform changes its feed: there are just these two arms.
    ///
    /// Cluster by viewer, each of whom meets both arms. The difference is that of the policies and of
    /// the days together: with news that breaks, supply that grows, or policies that get
    /// better as they learn, it is not the policies'. An interrupted series
    /// (Bernal, Cummins and Gasparrini 2017, doi 10.1093/ije/dyw098) assumes that what came before
    /// would have gone on.
    PrePost {
        /// The first day of the second arm, from 1 to the last day (days count from 0).
        day: u32,
        /// Days from that one on which are not recorded. Default 0.
        #[serde(default)]
        washout_days: u32,
    },
}

impl Default for Design {
    /// Viewers, all arms alike, without blocks.
    fn default() -> Self {
        Self::Viewers { shares: Vec::new(), blocks: Blocks::Nothing }
    }
}

impl Design {
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
                    return Err(out("the shares of a Design", format!("{shares:?}"), expected));
                }
                shares.iter().try_for_each(|share| positive("a share of a Design", *share))
            }
            Self::SockPuppets(puppets) => puppets.check(config),
            Self::Donation(donation) => donation.check(config.arms.len()),
            Self::Switchback(switchback) => switchback.check(config),
            Self::PrePost { day, washout_days } => {
                rounds::check_pre_post(config, *day, *washout_days)
            }
        }
    }

    /// The clusters to declare to an audit: what was assigned, or what impressions depend on one
    /// another by where that is coarser.
    #[must_use]
    pub fn cluster(&self) -> ClusterBy {
        match self {
            Self::Switchback(_) => ClusterBy::column("period"),
            _ => ClusterBy::Viewer,
        }
    }

    /// The viewers of a simulation: the world's, or puppets.
    pub(super) fn viewers(&self, config: &SimulationConfig, catalogue: &Catalogue) -> Viewers {
        match self {
            Self::SockPuppets(puppets) => puppets.viewers(config, catalogue),
            _ => Viewers::of(&config.world, catalogue, config.seed),
        }
    }

    /// The names of the arms, as logs will have them.
    pub(super) fn arms(&self, config: &SimulationConfig) -> Vec<String> {
        match self {
            Self::SockPuppets(puppets) if puppets.arms == PuppetArms::Personas => puppets.names(),
            _ => config.arms.iter().map(|arm| arm.name.clone()).collect(),
        }
    }

    /// The names of the strata of viewers.
    pub(super) fn strata(&self, config: &SimulationConfig) -> Vec<String> {
        match self {
            Self::SockPuppets(puppets) => puppets.names(),
            _ => config.world.strata.iter().map(|stratum| stratum.name.clone()).collect(),
        }
    }
}

/// A design made ready for its viewers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
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
pub(super) enum Recorded {
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
    pub(super) fn of(config: &SimulationConfig, catalogue: &Catalogue, viewers: &Viewers) -> Self {
        let parts = |shares: &[f64]| match shares {
            [] => vec![1.0; config.arms.len()],
            shares => shares.to_vec(),
        };
        match &config.design {
            Design::Viewers { shares, blocks } => {
                let arms = assign::assign(config.seed, viewers, &parts(shares), *blocks);
                Self::by(ArmsBy::Viewer(arms))
            }
            Design::Slates { shares } => Self::by(ArmsBy::Slate(parts(shares))),
            Design::SockPuppets(puppets) => {
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
            Design::Donation(donation) => {
                let (arms, donors) = donation.draw(config.seed, viewers, config.arms.len());
                Self {
                    recorded: Recorded::Viewers(donors),
                    missing: donation.positions.missing(config.slate),
                    ..Self::by(ArmsBy::Viewer(arms))
                }
            }
            Design::Switchback(switchback) => {
                let (arms, recorded) = switchback.rounds(config);
                Self {
                    recorded: Recorded::Rounds(recorded),
                    rounds_per_period: Some(switchback.period.rounds(config.rounds_per_day)),
                    ..Self::by(ArmsBy::Round(arms))
                }
            }
            Design::PrePost { day, washout_days } => {
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
    pub(super) fn arm(&self, seed: u64, viewer: u32, request: u32) -> u8 {
        match &self.arms {
            ArmsBy::Viewer(arms) => arms[viewer as usize],
            ArmsBy::Round(arms) => arms[round_of(request) as usize],
            ArmsBy::Slate(shares) => {
                Draws::new(seed, Purpose::Arm, viewer, request).weighted(shares) as u8
            }
        }
    }

    /// The place of the policy that serves an arm.
    pub(super) fn policy(&self, arm: u8) -> usize {
        match self.policies {
            Policies::OfArm => usize::from(arm),
            Policies::OneForAll => 0,
        }
    }

    /// What a viewer does by rule, where he is a puppet.
    pub(super) fn script(&self, viewer: u32) -> Option<&Script> {
        self.scripts.get(*self.script_of.get(viewer as usize)? as usize)
    }

    pub(super) const fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// The period of a request, where there are periods.
    pub(super) fn period(&self, request: u32) -> Option<u32> {
        self.rounds_per_period.map(|rounds| round_of(request) / rounds)
    }

    pub(super) const fn has_periods(&self) -> bool {
        self.rounds_per_period.is_some()
    }

    /// Whether some position may be missing.
    pub(super) fn may_miss_positions(&self) -> bool {
        self.missing.iter().any(|probability| *probability > 0.0)
    }

    /// Whether the position of an impression is missing.
    pub(super) fn misses(&self, seed: u64, viewer: u32, request: u32, position: u8) -> bool {
        let rank = usize::from(position).saturating_sub(1);
        let Some(&probability) = self.missing.get(rank) else { return false };
        let stream = stream(seed, Purpose::Recording, viewer, request);
        let word = stream.words(rank as u32 / 4)[rank % 4];
        (f64::from(word) + 0.5) / 4_294_967_296.0 < probability
    }
}
