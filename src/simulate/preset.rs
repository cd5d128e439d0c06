//! Worlds to start from.

use super::config::{ArmConfig, SimulationConfig};
use super::policy::{Affinity, Bias, PolicyConfig, Ranker};
use super::world::{Burst, StratumConfig, TopicConfig, WorldConfig};

/// A named simulation to start from. Numbers are of a plausible size and no more: none was fitted to a
/// platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// Two parties' supply grows towards election day, leanings are polarised, and the treatment favours
    /// one party's topic by half.
    Election,
    /// A war breaks out on the third day, and the treatment favours the topic by half.
    Conflict,
    /// Sport, music, news and comedy; the treatment favours nothing.
    Everyday,
}

impl SimulationConfig {
    /// The configuration of a preset.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let affine = |biases| PolicyConfig {
            biases,
            ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
        };
        let arms = |biases| {
            let baseline = ArmConfig::new("baseline", affine(Vec::new()));
            vec![ArmConfig::new("treatment", affine(biases)), baseline]
        };
        let topic = |name: &str, supply| TopicConfig { supply, ..TopicConfig::new(name) };
        match preset {
            Preset::Conflict => Self {
                world: WorldConfig {
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
                },
                arms: arms(vec![Bias::topic("conflict", 1.5)]),
                ..Self::default()
            },
            Preset::Election => Self {
                world: WorldConfig {
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
                    bursts: ["left_party", "right_party"]
                        .map(|party| Burst {
                            topic: party.to_owned(),
                            day: 4.0,
                            peak: 3.0,
                            half_life_days: 2.0,
                        })
                        .to_vec(),
                    ..WorldConfig::default()
                },
                arms: arms(vec![Bias::topic("right_party", 1.5)]),
                ..Self::default()
            },
            Preset::Everyday => Self {
                world: WorldConfig {
                    topics: vec![
                        topic("sport", 3.0),
                        topic("music", 3.0),
                        topic("news", 2.0),
                        topic("comedy", 2.0),
                    ],
                    ..WorldConfig::default()
                },
                arms: arms(Vec::new()),
                ..Self::default()
            },
        }
    }
}
