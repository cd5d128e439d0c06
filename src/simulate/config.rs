//! A simulation as it stands in a configuration file.

use serde::{Deserialize, Serialize};

use super::design::ExperimentDesign;
use super::labels::LabelErrors;
use super::world::WorldConfig;
use crate::error::Error;
use crate::error::range::{out, positive, probability};
use crate::policy::{PolicyConfig, check_slate};
use crate::question::attention::Attention;

/// A simulation: a world, the arms of its feed, and how they are studied. What comes of it is a pure
/// function of this and nothing else: not of threads, nor of how it is read.
///
/// ```
/// use tiltmeter::simulate::{SimulationConfig, Preset};
/// let config = SimulationConfig { days: 3, ..SimulationConfig::preset(Preset::Everyday) };
/// let text = serde_json::to_string_pretty(&config).unwrap();
/// assert_eq!(serde_json::from_str::<SimulationConfig>(&text).unwrap(), config);
/// // A file names only what differs from the defaults.
/// let short: SimulationConfig = serde_json::from_str(r#"{"seed": 7, "world": {"viewers": 50}}"#).unwrap();
/// assert_eq!((short.seed, short.world.viewers, short.slate), (7, 50, 10));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulationConfig {
    /// The seed of viewers, slates and responses; the world's catalogue has its own. Default 1.
    pub seed: u64,
    /// What is published, and who watches.
    pub world: WorldConfig,
    /// The first day, as `YYYY-MM-DD`; days are those of UTC. Default 2024-01-01.
    pub start: String,
    /// How many days. Default 7.
    pub days: u32,
    /// Rounds a day: within a round the catalogue and what policies learned stand still, and a
    /// viewer's slates are a session. Default 8.
    pub rounds_per_day: u32,
    /// Items in a slate, at most 255; fewer where candidates run out. Default 10.
    pub slate: u32,
    /// What a request's candidates are, where its arm has none of its own.
    pub candidates: CandidatesConfig,
    /// How many of the items last shown to a viewer are not candidates again. Default 0.
    pub remembered: u32,
    /// How viewers respond.
    pub responses: ResponseConfig,
    /// The arms. Default: `treatment` and `baseline`, both random.
    pub arms: Vec<ArmConfig>,
    /// Who is in which arm when, and what is recorded.
    pub design: ExperimentDesign,
    /// Errors in the topics that the log shows. Default none.
    pub labels: LabelErrors,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        let arm = |name: &str| ArmConfig::new(name, PolicyConfig::default());
        Self {
            seed: 1,
            world: WorldConfig::default(),
            start: "2024-01-01".to_owned(),
            days: 7,
            rounds_per_day: 8,
            slate: 10,
            candidates: CandidatesConfig::default(),
            remembered: 0,
            responses: ResponseConfig::default(),
            arms: vec![arm("treatment"), arm("baseline")],
            design: ExperimentDesign::default(),
            labels: LabelErrors::default(),
        }
    }
}

/// An arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmConfig {
    /// Its name, as logs will have it.
    pub name: String,
    /// What ranks its slates.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// What the candidates of its requests are; [`SimulationConfig::candidates`] by default. A
    /// reverse-chronological feed of followed creators and one that recommends others as well differ
    /// in this before they differ in ranking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<CandidatesConfig>,
}

impl ArmConfig {
    /// An arm with the simulation's candidates.
    ///
    /// ```
    /// use tiltmeter::policy::{PolicyConfig, Ranker};
    /// use tiltmeter::simulate::{ArmConfig, CandidatesConfig};
    /// let newest = ArmConfig::new("newest", PolicyConfig::of(Ranker::ReverseChronological))
    ///     .choosing_from(CandidatesConfig::Inventory { size: 50 });
    /// let text = serde_json::to_string(&newest).unwrap();
    /// assert_eq!(serde_json::from_str::<ArmConfig>(&text).unwrap(), newest);
    /// ```
    pub fn new(name: impl Into<String>, policy: PolicyConfig) -> Self {
        Self { name: name.into(), policy, candidates: None }
    }

    /// The same with candidates of its own.
    #[must_use]
    pub fn choosing_from(self, candidates: CandidatesConfig) -> Self {
        Self { candidates: Some(candidates), ..self }
    }
}

/// What a request's candidates are, of the items that are alive when the round begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CandidatesConfig {
    /// All of them.
    Everything,
    /// So many, drawn for each request, all sets alike.
    Sample {
        /// How many.
        size: u32,
    },
    /// The newest of the creators whom the viewer follows.
    Inventory {
        /// How many at most.
        size: u32,
    },
    /// Both: the newest of followed creators, and a draw from all others.
    Mixed {
        /// How many of followed creators at most.
        inventory: u32,
        /// How many of all others.
        sample: u32,
    },
}

impl Default for CandidatesConfig {
    /// A sample of 200.
    fn default() -> Self {
        Self::Sample { size: 200 }
    }
}

impl CandidatesConfig {
    fn check(self) -> Result<(), Error> {
        let sizes = match self {
            Self::Everything => [1, 1],
            Self::Sample { size } | Self::Inventory { size } => [size; 2],
            Self::Mixed { inventory, sample } => [inventory, sample],
        };
        sizes.into_iter().try_for_each(|size| {
            within("the number of candidates", size, 1..=1_000_000, "from 1 to 1,000,000")
        })
    }
}

/// How viewers respond to what they are shown.
///
/// A viewer `v` looks at rank `r` with the probability that `examination` gives it, relative to rank 1.
/// Of an item `i` that he looks at, he clicks with odds `click_odds * affinity(v, i)`, where
///
/// `affinity(v, i) = interest_v(topics) * quality_i * 2^(-age / half-life) / (1 + k * (l_v - l_i)^2)`,
///
/// the interest being the mean over the item's topics, as a multiple of an equal share, and `k` the
/// world's [`leaning_distance`](WorldConfig::leaning_distance). (Odds in proportion to the affinity are
/// a logistic model in its logarithm; examination times attraction is the position-based click model,
/// Craswell et al. 2008, doi 10.1145/1341531.1341545.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseConfig {
    /// How likely ranks are looked at, relative to rank 1. Default logarithmic.
    pub examination: Attention,
    /// The odds of a click at affinity 1. Default 0.1.
    pub click_odds: f64,
    /// The median seconds on an item that is clicked; on one that is looked at and not clicked, a
    /// tenth of it; on others, none. Default 20.
    pub dwell_seconds: f64,
    /// The standard deviation of the logarithm of those seconds. Default 0.8.
    pub dwell_spread: f64,
    /// The probability that a click makes the viewer follow the creator. Default 0.
    pub follow: f64,
    /// What part of a viewer's interests is replaced, each day, by the topics that he was shown that
    /// day. Default 0.
    pub drift: f64,
}

impl Default for ResponseConfig {
    fn default() -> Self {
        Self {
            examination: Attention::Logarithmic,
            click_odds: 0.1,
            dwell_seconds: 20.0,
            dwell_spread: 0.8,
            follow: 0.0,
            drift: 0.0,
        }
    }
}

impl SimulationConfig {
    /// Whether every number is in its range, and names are there and differ.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first that is not; [`Error::UnknownTopic`] for a topic that the
    /// world does not have.
    pub fn check(&self) -> Result<(), Error> {
        self.world.check()?;
        self.start_time()?;
        check_slate(self.slate)?;
        within("SimulationConfig::days", self.days, 1..=36_500, "from 1 to 36,500")?;
        within("SimulationConfig::rounds_per_day", self.rounds_per_day, 1..=240, "from 1 to 240")?;
        self.candidates.check()?;
        self.arms.iter().filter_map(|arm| arm.candidates).try_for_each(CandidatesConfig::check)?;
        let mut arms: Vec<&str> = self.arms.iter().map(|arm| &*arm.name).collect();
        arms.sort_unstable();
        let named = arms.first().is_some_and(|first| !first.is_empty());
        if !named || arms.windows(2).any(|pair| pair[0] == pair[1]) || arms.len() > 255 {
            let expected = "from 1 to 255, with names that are there and differ";
            return Err(out("the arms", format!("{arms:?}"), expected));
        }
        self.responses.check(self.slate)?;
        self.labels.check(&self.world)?;
        self.design.check(self)
    }

    /// What the candidates of an arm's requests are.
    pub(super) fn candidates_of(&self, arm: &ArmConfig) -> CandidatesConfig {
        arm.candidates.unwrap_or(self.candidates)
    }

    /// The start in microseconds since 1970-01-01T00:00:00Z.
    pub(super) fn start_time(&self) -> Result<i64, Error> {
        let wrong = || out("SimulationConfig::start", &self.start, "a date as YYYY-MM-DD");
        let date: jiff::civil::Date = self.start.parse().map_err(|_| wrong())?;
        let zoned = date.to_zoned_datetime(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
        Ok(zoned.timestamp().as_microsecond())
    }
}

impl ResponseConfig {
    fn check(&self, slate: u32) -> Result<(), Error> {
        self.examination.check()?;
        self.probabilities(slate)?;
        positive("ResponseConfig::click_odds", self.click_odds)?;
        positive("ResponseConfig::dwell_seconds", self.dwell_seconds)?;
        crate::error::range::not_negative("ResponseConfig::dwell_spread", self.dwell_spread)?;
        probability("ResponseConfig::follow", self.follow)?;
        probability("ResponseConfig::drift", self.drift)
    }

    /// By rank, the probability that it is looked at.
    pub(super) fn probabilities(&self, slate: u32) -> Result<Vec<f64>, Error> {
        let expected = "a model that gives rank 1 attention, and does not depend on the slate";
        let wrong =
            || out("ResponseConfig::examination", format!("{:?}", self.examination), expected);
        let table = self.examination.table(slate).ok_or_else(wrong)?;
        let first = table.first().copied().filter(|first| *first > 0.0).ok_or_else(wrong)?;
        Ok(table.iter().map(|value| (value / first).min(1.0)).collect())
    }
}

fn within(
    parameter: &'static str,
    value: u32,
    range: std::ops::RangeInclusive<u32>,
    expected: &'static str,
) -> Result<(), Error> {
    if range.contains(&value) { Ok(()) } else { Err(out(parameter, value, expected)) }
}
