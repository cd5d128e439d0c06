//! Experiment designs: which arm serves whom when, and what of it is recorded. It ranks nothing and
//! measures nothing.

mod assign;
mod donation;
mod plan;
mod puppets;
mod rounds;

use serde::{Deserialize, Serialize};

pub use self::assign::Blocks;
pub use self::donation::{Chances, Donation, LogOdds, Positions};
pub(super) use self::plan::{Plan, Recorded};
pub use self::puppets::{Conduct, Persona, PersonaFollows, PuppetArms, SockPuppets};
pub use self::rounds::{Order, Period, Switchback};
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
/// use tiltmeter::simulate::{ExperimentDesign, Period, Preset, Simulation, SimulationConfig, Switchback};
/// use tiltmeter::{Audit, Question};
///
/// let mut config = SimulationConfig::preset(Preset::Conflict);
/// config.world.viewers = 200;
/// config.design = ExperimentDesign::Switchback(Switchback { period: Period::Hours(12.0), ..Switchback::default() });
/// let log = Simulation::new(&config)?.log()?;
/// let question = Question::between("treatment", "baseline")
///     .cluster(config.design.cluster())
///     .topics(["conflict"]);
/// let report = Audit::of(&log, &question).run()?;
/// assert_eq!(report.estimates()[0].clusters.treatment, 7); // of 14 periods in a week
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ExperimentDesign {
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

impl Default for ExperimentDesign {
    /// Viewers, all arms alike, without blocks.
    fn default() -> Self {
        Self::Viewers { shares: Vec::new(), blocks: Blocks::Nothing }
    }
}

impl ExperimentDesign {
    /// The clusters to declare to an audit: what was assigned, or what impressions depend on one
    /// another by where that is coarser.
    #[must_use]
    pub fn cluster(&self) -> ClusterBy {
        match self {
            Self::Switchback(_) => ClusterBy::column("period"),
            _ => ClusterBy::Viewer,
        }
    }
}
