//! Worlds to start from.

use super::config::{ArmConfig, SimulationConfig};
use super::world::{Burst, StratumConfig, TopicConfig, WorldConfig};
use crate::policy::{Affinity, Bias, PolicyConfig, Ranker};

/// A named simulation to start from. Numbers are of a plausible size and no more: none was fitted to a
/// platform.
///
/// | preset | topics, by share of supply | what happens | the treatment favours |
/// | --- | --- | --- | --- |
/// | [`Election`](Self::Election) | two parties 10% each, sport 30%, music 30%, comedy 20% | parties publish three times as much on election day, the fifth | the right party, 1.5-fold |
/// | [`Conflict`](Self::Conflict) | conflict 5%, politics 15%, sport 30%, music 30%, comedy 20% | a war on the third day: five times as much of it | conflict, 1.5-fold |
/// | [`Everyday`](Self::Everyday) | sport 30%, music 30%, news 20%, comedy 20% | nothing | nothing |
///
/// In all of them 1,000 viewers ask for two slates of ten a day for a week; half of them are in the arm
/// `treatment`, half in `baseline`; both arms rank a sample of 200 candidates, of some 1,200 items that
/// are alive, by affinity. About 4% of impressions are clicked. A factor is one on odds at each rank: it
/// does less to a topic's share, the more of a slate the topic has anyhow, which for those who like it is
/// much. Tastes differ, so that one audit of a topic's ratio has a standard error of some 7%.
///
/// ```
/// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
/// use tiltmeter::{Audit, Question};
/// for (preset, topic, low, high) in [
///     (Preset::Election, "right_party", 1.0, 1.5),
///     (Preset::Conflict, "conflict", 1.0, 1.5),
///     (Preset::Everyday, "news", 0.85, 1.15),
/// ] {
///     let log = Simulation::new(&SimulationConfig::preset(preset))?.log()?;
///     let question = Question::between("treatment", "baseline").topics([topic]);
///     let report = Audit::of(&log, &question).run()?;
///     let ratio = report.estimates()[0].value.number().unwrap();
///     assert!(low < ratio && ratio < high, "{topic}: {ratio}");
/// }
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// Two parties whose supply jumps on election day, and two strata of viewers, one around either
    /// party's leaning: a viewer likes an item of the other side about half as much as one of his own. The
    /// treatment favours one party's topic by half.
    Election,
    /// A war breaks out on the third day, and the treatment favours the topic by half.
    Conflict,
    /// Sport, music, news and comedy; the treatment favours nothing: what an audit finds here it finds by
    /// chance.
    Everyday,
}

impl SimulationConfig {
    /// The configuration of a preset.
    ///
    /// ```
    /// use tiltmeter::simulate::{Preset, SimulationConfig};
    /// let config = SimulationConfig { days: 3, ..SimulationConfig::preset(Preset::Conflict) };
    /// assert_eq!(config.arms[0].policy.biases[0].factor, 1.5);
    /// assert_eq!(config.world.bursts[0].day, 2.0); // days count from 0
    /// ```
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Election => with(election(), vec![Bias::topic("right_party", 1.5)]),
            Preset::Conflict => with(conflict(), vec![Bias::topic("conflict", 1.5)]),
            Preset::Everyday => with(everyday(), Vec::new()),
        }
    }
}

/// A world whose treatment has these biases.
fn with(world: WorldConfig, biases: Vec<Bias>) -> SimulationConfig {
    let by_affinity =
        |biases| PolicyConfig { biases, ..PolicyConfig::of(Ranker::Affinity(Affinity::default())) };
    let treatment = ArmConfig::new("treatment", by_affinity(biases));
    let baseline = ArmConfig::new("baseline", by_affinity(Vec::new()));
    SimulationConfig { world, arms: vec![treatment, baseline], ..SimulationConfig::default() }
}

fn topic(name: &str, supply: f64) -> TopicConfig {
    TopicConfig { supply, ..TopicConfig::new(name) }
}

fn election() -> WorldConfig {
    let burst =
        |party: &str| Burst { topic: party.to_owned(), day: 4.0, peak: 3.0, half_life_days: 2.0 };
    WorldConfig {
        topics: vec![
            TopicConfig { leaning: -0.8, ..topic("left_party", 1.0) },
            TopicConfig { leaning: 0.8, ..topic("right_party", 1.0) },
            topic("sport", 3.0),
            topic("music", 3.0),
            topic("comedy", 2.0),
        ],
        strata: vec![
            StratumConfig { leaning: -0.7, ..StratumConfig::new("left") },
            StratumConfig { leaning: 0.7, ..StratumConfig::new("right") },
        ],
        bursts: ["left_party", "right_party"].map(burst).to_vec(),
        ..WorldConfig::default()
    }
}

fn conflict() -> WorldConfig {
    WorldConfig {
        topics: vec![
            topic("conflict", 0.5),
            topic("politics", 1.5),
            topic("sport", 3.0),
            topic("music", 3.0),
            topic("comedy", 2.0),
        ],
        bursts: vec![Burst {
            topic: "conflict".to_owned(),
            day: 2.0,
            peak: 5.0,
            half_life_days: 4.0,
        }],
        ..WorldConfig::default()
    }
}

fn everyday() -> WorldConfig {
    WorldConfig {
        topics: vec![
            topic("sport", 3.0),
            topic("music", 3.0),
            topic("news", 2.0),
            topic("comedy", 2.0),
        ],
        ..WorldConfig::default()
    }
}
