//! Sock puppets: automated accounts that play a persona.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::draws::Draws;
use crate::error::Error;
use crate::error::range::{finite, not_negative, out, probability};
use crate::policy::TopicSets;
use crate::simulate::config::SimulationConfig;
use crate::simulate::response::{GLANCE, MOST_REQUESTS, Response};
use crate::simulate::world::{Catalogue, LEAST_INTEREST, Profile, Viewers};

/// A sock-puppet audit: in place of viewers there are automated accounts, each of which plays a
/// persona. Runs of a persona differ by chance alone, so what differs between arms or personas
/// is the feed's doing. The world's viewers and strata are not used.
///
/// Cluster by viewer, which is one run of one puppet. Within an arm the runs of a persona are
/// independent but for what a policy learns from all of them; as they are all alike, clusters are few
/// and even. Puppets are not people: they ask at a fixed rate, and the answer holds for the personas
/// that were thought of, in the mixture in which they run (Sandvig et al. 2014; for audits in which
/// personas are compared, Ibrahim et al. 2025, arXiv 2501.17831).
///
/// ```
/// use tiltmeter::simulate::{Conduct, ExperimentDesign, Persona, Preset, PuppetArms, Simulation};
/// use tiltmeter::simulate::{SimulationConfig, SockPuppets};
///
/// // The persona is the arm: two kinds of accounts on one platform.
/// let mut config = SimulationConfig::preset(Preset::Election);
/// config.arms.truncate(1);
/// let of = |party: &str, leaning| Persona {
///     leaning,
///     conduct: Conduct::Clicks { topics: vec![party.to_owned()] },
///     ..Persona::new(party)
/// };
/// config.design = ExperimentDesign::SockPuppets(SockPuppets {
///     personas: vec![of("left_party", -1.0), of("right_party", 1.0)],
///     runs: 5,
///     arms: PuppetArms::Personas,
/// });
/// let log = Simulation::new(&config)?.log()?;
/// let arms: Vec<&str> = log.arms().unwrap().dictionary().iter().collect();
/// assert_eq!(arms, ["left_party", "right_party"]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SockPuppets {
    /// Who is played.
    pub personas: Vec<Persona>,
    /// How many puppets play each persona in each arm. Default 10.
    #[serde(default = "ten")]
    pub runs: u32,
    /// What the arms of the log are.
    #[serde(default)]
    pub arms: PuppetArms,
}

/// What the arms of a sock-puppet audit are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PuppetArms {
    /// The simulation's arms: each persona is run in each, and is a stratum of the log, so that
    /// policies are compared within personas.
    #[default]
    Policies,
    /// The personas: there is one policy, the simulation's only arm, which serves them all (and
    /// learns from them all); arms of the log have the personas' names. The log's schema then has no
    /// stratum, since a stratum of one arm compares nothing.
    Personas,
}

/// What a puppet is made to look like, and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Its name, as logs will have it.
    pub name: String,
    /// Its leaning: below 0 left, above 0 right. Default 0.
    #[serde(default)]
    pub leaning: f64,
    /// Its interest in topics, by name, as multiples of the topics' own; at least 0. Default 1 each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interests: BTreeMap<String, f64>,
    /// Whom it follows at the start.
    #[serde(default)]
    pub follows: PersonaFollows,
    /// Slates that it asks for on each day, spread evenly over the day's rounds. Default 8.
    #[serde(default = "eight")]
    pub slates_per_day: u32,
    /// How it responds.
    #[serde(default)]
    pub conduct: Conduct,
    /// The probability that it does so; else it responds to the item as a viewer of its interests and
    /// leaning would. Default 1.
    #[serde(default = "one")]
    pub fidelity: f64,
}

/// Whom a puppet follows at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum PersonaFollows {
    /// Nobody.
    #[default]
    Nobody,
    /// The creators of each topic who publish the most.
    Topics {
        /// The topics.
        topics: Vec<String>,
        /// How many creators of each.
        each: u32,
    },
    /// The creators, of any topic, whose leanings are the nearest to its own.
    Leaning {
        /// How many.
        nearest: u32,
    },
}

/// How a puppet responds. A rule knows no ranks: a puppet looks at all that it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Conduct {
    /// As a viewer of its interests and leaning.
    #[default]
    AsViewer,
    /// Clicks every item with one of these topics and stays for the
    /// [`dwell_seconds`](crate::simulate::ResponseConfig::dwell_seconds); gives others a tenth of that.
    Clicks {
        /// The topics.
        topics: Vec<String>,
    },
    /// Stays on every item with one of these topics as above, and clicks nothing.
    Watches {
        /// The topics.
        topics: Vec<String>,
    },
    /// Scrolls on: no click, and a tenth of the seconds, whatever is shown.
    Scrolls,
}

const fn one() -> f64 {
    1.0
}

const fn eight() -> u32 {
    8
}

const fn ten() -> u32 {
    10
}

impl Persona {
    /// A persona with the defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            leaning: 0.0,
            interests: BTreeMap::new(),
            follows: PersonaFollows::Nobody,
            slates_per_day: eight(),
            conduct: Conduct::AsViewer,
            fidelity: one(),
        }
    }

    fn check(&self, config: &SimulationConfig) -> Result<(), Error> {
        finite("Persona::leaning", self.leaning)?;
        probability("Persona::fidelity", self.fidelity)?;
        for (topic, multiple) in &self.interests {
            config.world.topic(topic)?;
            not_negative("a multiple in Persona::interests", *multiple)?;
        }
        let most = MOST_REQUESTS * config.rounds_per_day;
        if self.slates_per_day == 0 || self.slates_per_day > most {
            let expected = "at least 1, and at most 256 a round";
            return Err(out("Persona::slates_per_day", self.slates_per_day, expected));
        }
        let followed: &[String] = match &self.follows {
            PersonaFollows::Topics { topics, .. } => topics,
            PersonaFollows::Nobody | PersonaFollows::Leaning { .. } => &[],
        };
        let known = |topic: &String| config.world.topic(topic).map(|_| ());
        followed.iter().chain(self.conduct.topics()).try_for_each(known)
    }

    fn profile(&self, place: u16, config: &SimulationConfig, catalogue: &Catalogue) -> Profile {
        let multiple = |topic: &str| self.interests.get(topic).copied().unwrap_or(1.0);
        let topics = &config.world.topics;
        let raw: Vec<f64> =
            topics.iter().map(|topic| topic.interest * multiple(&topic.name)).collect();
        let mean = raw.iter().sum::<f64>() / raw.len() as f64;
        // A persona that wants nothing at all wants everything alike.
        let interest = |raw: f64| if mean > 0.0 { (raw / mean).max(LEAST_INTEREST) } else { 1.0 };
        Profile {
            stratum: place,
            leaning: self.leaning as f32,
            activity: self.slates_per_day as f32,
            interests: raw.into_iter().map(|raw| interest(raw) as f32).collect(),
            follows: self.follows.creators(self.leaning, catalogue),
        }
    }
}

impl PersonaFollows {
    fn creators(&self, leaning: f64, catalogue: &Catalogue) -> Vec<u32> {
        let topic_of = catalogue.creator_topics();
        let mut creators: Vec<u32> = match self {
            Self::Nobody => Vec::new(),
            Self::Topics { topics, each } => topics
                .iter()
                .filter_map(|topic| catalogue.topic_sets().topic(topic))
                .flat_map(|topic| {
                    // Creators of a topic are numbered by how much they publish, the most first.
                    let its = (0..).zip(topic_of).filter(move |(_, its)| **its == topic);
                    its.map(|(creator, _)| creator).take(*each as usize)
                })
                .collect(),
            Self::Leaning { nearest } => {
                let leanings = catalogue.creator_leanings();
                let distance =
                    |creator: &u32| (f64::from(leanings[*creator as usize]) - leaning).abs();
                let mut all: Vec<u32> = (0..leanings.len() as u32).collect();
                all.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
                all.truncate(*nearest as usize);
                all
            }
        };
        creators.sort_unstable();
        creators.dedup();
        creators
    }
}

impl Conduct {
    fn topics(&self) -> &[String] {
        match self {
            Self::Clicks { topics } | Self::Watches { topics } => topics,
            Self::AsViewer | Self::Scrolls => &[],
        }
    }
}

impl SockPuppets {
    pub(super) fn check(&self, config: &SimulationConfig) -> Result<(), Error> {
        let mut names = self.names();
        names.sort_unstable();
        let named = names.first().is_some_and(|first| !first.is_empty());
        if !named || names.windows(2).any(|pair| pair[0] == pair[1]) || names.len() > 255 {
            let expected = "from 1 to 255, with names that are there and differ";
            return Err(out("the personas of SockPuppets", format!("{names:?}"), expected));
        }
        if self.arms == PuppetArms::Personas && config.arms.len() != 1 {
            let expected = "1 where personas are the arms of the log";
            return Err(out("the number of arms", config.arms.len(), expected));
        }
        let puppets = [self.personas.len(), config.arms.len()]
            .iter()
            .try_fold(self.runs, |product, number| product.checked_mul(*number as u32));
        if puppets.is_none_or(|puppets| puppets == 0) {
            let expected = "at least 1, and no more than 4,294,967,295 puppets in all";
            return Err(out("SockPuppets::runs", self.runs, expected));
        }
        self.personas.iter().try_for_each(|persona| persona.check(config))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.personas.iter().map(|persona| persona.name.clone()).collect()
    }

    /// By puppet, the persona and the arm: persona by persona, within each arm by arm, then the runs.
    fn places(&self, arms: usize) -> impl Iterator<Item = (u32, u8)> {
        let runs = self.runs as usize;
        let (personas, own) = (self.personas.len(), self.arms == PuppetArms::Personas);
        (0..personas).flat_map(move |persona| {
            (0..arms).flat_map(move |arm| {
                let arm = if own { persona } else { arm };
                std::iter::repeat_n((persona as u32, arm as u8), runs)
            })
        })
    }

    pub(super) fn arms_of(&self, arms: usize) -> Vec<u8> {
        self.places(arms).map(|(_, arm)| arm).collect()
    }

    pub(super) fn personas_of(&self, arms: usize) -> Vec<u32> {
        self.places(arms).map(|(persona, _)| persona).collect()
    }

    pub(super) fn viewers(&self, config: &SimulationConfig, catalogue: &Catalogue) -> Viewers {
        let profile = |persona: u32| {
            self.personas[persona as usize].profile(persona as u16, config, catalogue)
        };
        let profiles = self.places(config.arms.len()).map(|(persona, _)| profile(persona));
        Viewers::from_profiles(config.world.topics.len(), profiles.collect())
    }

    pub(super) fn scripts(&self, config: &SimulationConfig, sets: &TopicSets) -> Vec<Script> {
        let script = |persona: &Persona| {
            let its: Vec<Option<u16>> =
                persona.conduct.topics().iter().map(|topic| sets.topic(topic)).collect();
            let has = |set| sets.of(set).iter().any(|topic| its.contains(&Some(*topic)));
            Script {
                slates_per_day: persona.slates_per_day,
                rounds_per_day: config.rounds_per_day,
                fidelity: persona.fidelity,
                seconds: config.responses.dwell_seconds,
                act: match persona.conduct {
                    Conduct::AsViewer => Act::AsViewer,
                    Conduct::Clicks { .. } => Act::Clicks,
                    Conduct::Watches { .. } | Conduct::Scrolls => Act::Watches,
                },
                wanted: (0..sets.len() as u32).map(has).collect(),
            }
        };
        self.personas.iter().map(script).collect()
    }
}

/// A persona's rules, ready to be followed.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulate) struct Script {
    slates_per_day: u32,
    rounds_per_day: u32,
    fidelity: f64,
    seconds: f64,
    act: Act,
    /// By set of topics, whether it has one of the script's.
    wanted: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    AsViewer,
    Clicks,
    Watches,
}

impl Script {
    /// How many slates are asked for in a round.
    pub(in crate::simulate) fn requests(&self, round: u32) -> u32 {
        let within = u64::from(round % self.rounds_per_day);
        let (slates, rounds) = (u64::from(self.slates_per_day), u64::from(self.rounds_per_day));
        ((within + 1) * slates / rounds - within * slates / rounds) as u32
    }

    /// The response to an item with this set of topics; `None` where it is that of a viewer.
    pub(in crate::simulate) fn respond(&self, set: u32, draws: &mut Draws) -> Option<Response> {
        if self.act == Act::AsViewer || !draws.happens(self.fidelity) {
            return None;
        }
        let wanted = self.wanted[set as usize];
        let part = if wanted { 1.0 } else { GLANCE };
        let clicked = wanted && self.act == Act::Clicks;
        Some(Response { clicked, dwell: (part * self.seconds) as f32 })
    }
}
