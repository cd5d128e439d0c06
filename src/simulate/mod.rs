//! Feeds with a known truth: worlds, ranking policies, viewers that respond, experiments on them. What
//! comes out is an ordinary log. What an audit says of one is known to studies alone, which hold it
//! against the truth.

mod candidates;
mod config;
mod design;
mod feed;
mod labels;
mod offered;
mod pool;
mod preset;
pub(crate) mod replicates;
mod response;
mod rows;
#[cfg(feature = "parquet")]
mod saved;
mod source;
mod state;
pub(crate) mod truth;
mod world;

pub use self::candidates::CandidatesSource;
pub use self::config::{ArmConfig, CandidatesConfig, ResponseConfig, SimulationConfig};
pub use self::design::{
    Blocks, Chances, Conduct, Donation, ExperimentDesign, LogOdds, Order, Period, Persona,
    PersonaFollows, Positions, PuppetArms, SockPuppets, Switchback,
};
pub use self::labels::{LabelErrors, TopicErrors};
pub use self::preset::Preset;
pub use self::source::SimulationSource;
pub use self::truth::{
    ArmTruth, Precision, StatisticTruth, StratumTruth, TRUTH_SCHEMA, TRUTH_VERSION,
    TopicDefinition, TopicTruth, TrueValue, Truth, TruthMethod, TruthSpec,
};
pub use self::world::{
    ActivityConfig, Burst, Catalogue, CreatorsConfig, FollowsConfig, Interests, StratumConfig,
    TopicConfig, Viewers, WorldConfig,
};

use self::design::Plan;
use self::labels::Labels;
use crate::error::Error;
use crate::job::tally_source;
use crate::log::ExposureLog;
use crate::policy::{Policy, Setting};
use crate::tally::{Tally, TallySpec};

/// A world made and ready to be shown.
///
/// Everything that it draws is a pure function of its configuration: the same on any number of
/// threads, and however it is read. Random numbers are Philox's (Salmon et al. 2011) by counter: each is
/// named by the seed, what it is for, the viewer or item, and the request.
///
/// ```
/// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
/// use tiltmeter::{Audit, Question};
///
/// let mut config = SimulationConfig::preset(Preset::Conflict);
/// config.world.viewers = 200;
/// config.days = 2;
/// let log = Simulation::new(&config)?.log()?;
/// let question = Question::between("treatment", "baseline").topics(["conflict"]);
/// let report = Audit::of(&log, &question).run()?;
/// assert!(report.estimates()[0].value.number().unwrap() > 1.0);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulation {
    config: SimulationConfig,
    start: i64,
    leaning_distance: f32,
    catalogue: Catalogue,
    viewers: Viewers,
    plan: Plan,
    labels: Labels,
    /// The names of the arms and of the strata of viewers.
    arms: Vec<String>,
    strata: Vec<String>,
}

impl Simulation {
    /// Makes the world.
    ///
    /// # Errors
    /// Those of [`SimulationConfig::check`] and of [`PolicyConfig::build`](crate::policy::PolicyConfig::build).
    pub fn new(config: &SimulationConfig) -> Result<Self, Error> {
        config.check()?;
        let start = config.start_time()?;
        let catalogue = Catalogue::of(&config.world, start, config.days);
        let viewers = config.design.viewers(config, &catalogue);
        let simulation = Self {
            start,
            leaning_distance: config.world.leaning_distance as f32,
            plan: Plan::of(config, &catalogue, &viewers),
            labels: Labels::of(&config.labels, &catalogue, config.world.seed),
            arms: config.design.arms(config),
            strata: config.design.strata(config),
            config: config.clone(),
            catalogue,
            viewers,
        };
        simulation.build_policies()?;
        Ok(simulation)
    }

    /// The policies of the arms, in the order of the configuration.
    fn build_policies(&self) -> Result<Vec<Box<dyn Policy>>, Error> {
        let setting = Setting {
            topic_sets: self.catalogue.topic_sets(),
            strata: &self.strata,
            start: self.start,
            seed: self.config.seed,
        };
        self.config.arms.iter().map(|arm| arm.policy.build(&setting)).collect()
    }

    /// What it was made of.
    #[must_use]
    pub fn config(&self) -> &SimulationConfig {
        &self.config
    }

    /// What is published.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Who watches, as they are at the start.
    #[must_use]
    pub fn viewers(&self) -> &Viewers {
        &self.viewers
    }

    /// The whole log, in memory, by [`schema`](Self::schema).
    ///
    /// # Errors
    /// [`Error::EmptyLog`] where nothing was shown; [`Error::PolicyWeight`].
    pub fn log(&self) -> Result<ExposureLog, Error> {
        ExposureLog::read(self.source()?, &self.schema()?)
    }

    /// The tally of the whole log, as that of [`log`](Self::log) bit for bit, without holding the log.
    ///
    /// # Errors
    /// Those of [`log`](Self::log) and of [`Tally::of`].
    pub fn tally(&self, spec: &TallySpec) -> Result<Tally, Error> {
        tally_source(self.source()?, &self.schema()?, spec)
    }
}
