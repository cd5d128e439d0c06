//! What a world is made of: plain data with defaults, as it stands in a configuration file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::error::range::{at_most, finite, not_negative, out, positive, probability};

/// The most items a day, and hours of an item's life: enough for any feed, and a catalogue that fits
/// into memory.
const MOST_ITEMS: f64 = 1e7;
const MOST_HOURS: f64 = 1e6;

/// A world: what is published, and who watches.
///
/// Everything in it has a default, so that a configuration names only what differs. Rates and
/// counts are expectations: what comes of them is drawn.
///
/// ```
/// use tiltmeter::simulate::{TopicConfig, WorldConfig};
/// let world = WorldConfig {
///     topics: vec![TopicConfig::new("war"), TopicConfig { supply: 4.0, ..TopicConfig::new("sport") }],
///     ..WorldConfig::default()
/// };
/// let text = serde_json::to_string(&world).unwrap();
/// assert_eq!(serde_json::from_str::<WorldConfig>(&text).unwrap(), world);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldConfig {
    /// The seed of the catalogue and its creators. Viewers and what they do have the simulation's
    /// seed: so studies that repeat a simulation sample other viewers of the same catalogue. Default 1.
    pub seed: u64,
    /// What items are about. Default: politics, conflict, sport and music, alike but in name.
    pub topics: Vec<TopicConfig>,
    /// Items published a day, over all topics, bursts not counted. Default 400.
    pub items_per_day: f64,
    /// The probability that an item has a second topic, drawn by the supply of the others. Default 0.
    pub second_topic: f64,
    /// Times of more supply. Default none.
    pub bursts: Vec<Burst>,
    /// Who publishes.
    pub creators: CreatorsConfig,
    /// How many viewers there are. Default 1,000.
    pub viewers: u32,
    /// How viewers' interests in topics vary.
    pub interests: Interests,
    /// How often viewers ask for a slate.
    pub activity: ActivityConfig,
    /// The groups of viewers, such as regions or parties. Default: one of all.
    pub strata: Vec<StratumConfig>,
    /// Whom viewers follow at the start.
    pub follows: FollowsConfig,
    /// How much less a viewer likes an item of another leaning: an affinity is divided by
    /// `1 + leaning_distance * d^2`, d being the distance of the two leanings. Default 0.5.
    pub leaning_distance: f64,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            topics: ["politics", "conflict", "sport", "music"].map(TopicConfig::new).to_vec(),
            items_per_day: 400.0,
            second_topic: 0.0,
            bursts: Vec::new(),
            creators: CreatorsConfig::default(),
            viewers: 1_000,
            interests: Interests::default(),
            activity: ActivityConfig::default(),
            strata: vec![StratumConfig::new("all")],
            follows: FollowsConfig::default(),
            leaning_distance: 0.5,
        }
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicConfig {
    /// Its name, as logs will have it.
    pub name: String,
    /// Its share of the items that are published, in proportion to the other topics'. Default 1.
    #[serde(default = "one")]
    pub supply: f64,
    /// How much viewers like it, in proportion to the other topics. Default 1.
    #[serde(default = "one")]
    pub interest: f64,
    /// The mean logarithm of its items' quality, which multiplies affinities. Default 0.
    #[serde(default)]
    pub quality: f64,
    /// The standard deviation of that logarithm. Default 0.5.
    #[serde(default = "half")]
    pub quality_spread: f64,
    /// The mean leaning of its creators: below 0 left, above 0 right. Default 0.
    #[serde(default)]
    pub leaning: f64,
    /// The standard deviation of their leanings. Default 0.5.
    #[serde(default = "half")]
    pub leaning_spread: f64,
    /// Hours in which an item's appeal falls to a half. Default 24.
    #[serde(default = "day")]
    pub half_life_hours: f64,
    /// Hours after which an item is no longer shown. Default 72.
    #[serde(default = "three_days")]
    pub lifetime_hours: f64,
}

const fn one() -> f64 {
    1.0
}

const fn half() -> f64 {
    0.5
}

const fn day() -> f64 {
    24.0
}

const fn three_days() -> f64 {
    72.0
}

impl TopicConfig {
    /// A topic with the defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            supply: one(),
            interest: one(),
            quality: 0.0,
            quality_spread: half(),
            leaning: 0.0,
            leaning_spread: half(),
            half_life_hours: day(),
            lifetime_hours: three_days(),
        }
    }
}

/// A time of more supply: a war breaks out, an election is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// The topic's name.
    pub topic: String,
    /// When it starts, in days from the start of the simulation; may be a fraction.
    pub day: f64,
    /// The topic's supply then, as a multiple of what it was.
    pub peak: f64,
    /// Days in which what is above the usual falls to a half.
    pub half_life_days: f64,
}

/// Who publishes. A creator publishes about one topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreatorsConfig {
    /// How many there are, over all topics; each topic has at least one. Default 200.
    pub number: u32,
    /// How unequal they are: the r-th of a topic publishes in proportion to `r^-concentration`.
    /// Default 0.8.
    pub concentration: f64,
    /// The standard deviation of an item's leaning around its creator's. Default 0.1.
    pub leaning_spread: f64,
}

impl Default for CreatorsConfig {
    fn default() -> Self {
        Self { number: 200, concentration: 0.8, leaning_spread: 0.1 }
    }
}

/// How viewers' interests vary around the topics' and the stratum's means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Interests {
    /// Shares of interest have a Dirichlet distribution around the means.
    Dirichlet {
        /// The sum of its parameters: the greater, the more alike viewers are.
        concentration: f64,
    },
    /// Logarithms of interest are normal around those of the means, then made to add up to 1.
    LogisticNormal {
        /// Their standard deviation.
        spread: f64,
    },
}

impl Default for Interests {
    /// Dirichlet with concentration 4.
    fn default() -> Self {
        Self::Dirichlet { concentration: 4.0 }
    }
}

/// How often viewers ask for a slate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivityConfig {
    /// Slates a day of a viewer, on average. Default 2.
    pub slates_per_day: f64,
    /// The shape of the gamma distribution of viewers' rates: the smaller, the more unequal. Default 2.
    pub shape: f64,
}

impl Default for ActivityConfig {
    fn default() -> Self {
        Self { slates_per_day: 2.0, shape: 2.0 }
    }
}

/// A group of viewers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StratumConfig {
    /// Its name, as logs will have it.
    pub name: String,
    /// Its share of the viewers, in proportion to the other strata's. Default 1.
    #[serde(default = "one")]
    pub share: f64,
    /// The mean leaning of its viewers: below 0 left, above 0 right. Default 0.
    #[serde(default)]
    pub leaning: f64,
    /// The standard deviation of their leanings. Default 0.5.
    #[serde(default = "half")]
    pub leaning_spread: f64,
    /// Its viewers' activity as a multiple of the average. Default 1.
    #[serde(default = "one")]
    pub activity: f64,
    /// Its viewers' interest in topics, by name, as multiples of the topics' own. Default none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interests: BTreeMap<String, f64>,
}

impl StratumConfig {
    /// A stratum with the defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            share: one(),
            leaning: 0.0,
            leaning_spread: half(),
            activity: one(),
            interests: BTreeMap::new(),
        }
    }
}

/// Whom viewers follow at the start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FollowsConfig {
    /// How many creators a viewer follows, on average; the topic of each is drawn by the viewer's
    /// interests, and the creator within it by how much he publishes. Default 10.
    pub mean: f64,
}

impl Default for FollowsConfig {
    fn default() -> Self {
        Self { mean: 10.0 }
    }
}

impl WorldConfig {
    /// Whether every number is in its range, and names are there and differ.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        names("the topics of a world", self.topics.iter().map(|topic| &topic.name))?;
        if let Some(topic) = self.topics.iter().find(|topic| topic.name.contains('|')) {
            let expected = "without a bar, which stands between topics in logs";
            return Err(out("TopicConfig::name", &topic.name, expected));
        }
        names("the strata of a world", self.strata.iter().map(|stratum| &stratum.name))?;
        if self.topics.len() > usize::from(u16::MAX) {
            return Err(out("the number of topics", self.topics.len(), "at most 65,535"));
        }
        if self.viewers == 0 {
            return Err(out("WorldConfig::viewers", self.viewers, "at least 1"));
        }
        at_most("WorldConfig::items_per_day", self.items_per_day, MOST_ITEMS, "at most 1e7")?;
        not_negative("WorldConfig::leaning_distance", self.leaning_distance)?;
        not_negative("FollowsConfig::mean", self.follows.mean)?;
        not_negative("CreatorsConfig::concentration", self.creators.concentration)?;
        not_negative("CreatorsConfig::leaning_spread", self.creators.leaning_spread)?;
        positive("ActivityConfig::slates_per_day", self.activity.slates_per_day)?;
        positive("ActivityConfig::shape", self.activity.shape)?;
        probability("WorldConfig::second_topic", self.second_topic)?;
        match self.interests {
            Interests::Dirichlet { concentration } => {
                positive("the concentration of Interests::Dirichlet", concentration)?;
            }
            Interests::LogisticNormal { spread } => {
                not_negative("the spread of Interests::LogisticNormal", spread)?;
            }
        }
        self.topics.iter().try_for_each(TopicConfig::check)?;
        self.strata.iter().try_for_each(|stratum| stratum.check(self))?;
        self.bursts.iter().try_for_each(|burst| burst.check(self))
    }

    /// The place of a topic.
    pub(in crate::simulate) fn topic(&self, name: &str) -> Result<u16, Error> {
        let place = self.topics.iter().position(|topic| topic.name == name);
        place.map(|place| place as u16).ok_or_else(|| Error::UnknownTopic {
            topic: name.to_owned(),
            available: self.topics.iter().map(|topic| topic.name.clone()).collect(),
        })
    }
}

impl TopicConfig {
    fn check(&self) -> Result<(), Error> {
        positive("TopicConfig::supply", self.supply)?;
        positive("TopicConfig::interest", self.interest)?;
        finite("TopicConfig::quality", self.quality)?;
        not_negative("TopicConfig::quality_spread", self.quality_spread)?;
        finite("TopicConfig::leaning", self.leaning)?;
        not_negative("TopicConfig::leaning_spread", self.leaning_spread)?;
        positive("TopicConfig::half_life_hours", self.half_life_hours)?;
        let expected = "at most 1,000,000 (114 years)";
        at_most("TopicConfig::lifetime_hours", self.lifetime_hours, MOST_HOURS, expected)
    }
}

impl StratumConfig {
    fn check(&self, world: &WorldConfig) -> Result<(), Error> {
        positive("StratumConfig::share", self.share)?;
        finite("StratumConfig::leaning", self.leaning)?;
        not_negative("StratumConfig::leaning_spread", self.leaning_spread)?;
        positive("StratumConfig::activity", self.activity)?;
        for (topic, &multiple) in &self.interests {
            world.topic(topic)?;
            positive("a multiple in StratumConfig::interests", multiple)?;
        }
        Ok(())
    }
}

impl Burst {
    fn check(&self, world: &WorldConfig) -> Result<(), Error> {
        world.topic(&self.topic)?;
        finite("Burst::day", self.day)?;
        not_negative("Burst::peak", self.peak)?;
        positive("Burst::half_life_days", self.half_life_days)
    }
}

fn names<'a>(
    parameter: &'static str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), Error> {
    let mut names: Vec<&String> = names.collect();
    names.sort();
    if names.first().is_none_or(|first| first.is_empty()) {
        return Err(out(parameter, "none, or one without a name", "one or more, each with a name"));
    }
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(out(parameter, format!("two of the name {:?}", pair[0]), "names that differ"))
        }
        None => Ok(()),
    }
}
