//! Known biases, put on any policy.

use serde::{Deserialize, Serialize};

use super::topic_sets::TopicSets;
use super::{
    Candidates, Feature, Learning, Policy, Propensities, Request, Selection, Setting, Shown,
};
use crate::base::time::DAY;
use crate::error::Error;
use crate::error::range::{finite, not_negative, out};

/// What a bias is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Target {
    /// Items that have this topic, alone or with others.
    Topic(String),
    /// Items of this leaning.
    Leaning(Side),
    /// Items of these creators.
    Creators(Vec<u32>),
    /// Items whose quality is below this.
    QualityBelow(f64),
}

/// A side of the range of leanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Below 0.
    Left,
    /// Above 0.
    Right,
}

impl Side {
    fn has(self, leaning: f32) -> bool {
        match self {
            Self::Left => leaning < 0.0,
            Self::Right => leaning > 0.0,
        }
    }
}

/// For which viewers a bias works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Audience {
    /// For all.
    #[default]
    Everyone,
    /// For those of a stratum.
    Stratum(String),
    /// For those of a leaning.
    Leaning(Side),
}

/// A factor on the weights of some items: a known bias.
///
/// | what platforms do | as a bias |
/// | --- | --- |
/// | amplify a topic | [`Bias::topic`] with a factor above 1 |
/// | favour a leaning | [`Bias::leaning`] |
/// | boost creators | [`Bias::creators`] with a factor above 1 |
/// | downrank what they think little of | [`Bias::downrank`] |
/// | shadow-ban creators | [`Bias::shadow_ban`] |
/// | change it all on a date, or step by step from it | [`starting`](Bias::starting), [`rising`](Bias::rising) |
///
/// Under [`Selection::PlackettLuce`] the factor is one on the odds of being chosen next; what it does
/// to a topic's share depends on what else there is, which is what
/// [`Truth`](crate::simulate::Truth) is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bias {
    /// Which items.
    pub target: Target,
    /// The factor on their weights; 0 or more.
    pub factor: f64,
    /// For which viewers. Default everyone.
    #[serde(default)]
    pub audience: Audience,
    /// From when, in days from the start; `None` for always, or, where the factor rises, for from the
    /// start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_day: Option<f64>,
    /// Days over which the factor goes from 1 to its full size, geometrically. Default 0: at once.
    #[serde(default)]
    pub rise_days: f64,
}

impl Bias {
    const fn new(target: Target, factor: f64) -> Self {
        Self { target, factor, audience: Audience::Everyone, from_day: None, rise_days: 0.0 }
    }

    /// On items of a topic.
    pub fn topic(topic: impl Into<String>, factor: f64) -> Self {
        Self::new(Target::Topic(topic.into()), factor)
    }

    /// On items of a leaning.
    #[must_use]
    pub const fn leaning(side: Side, factor: f64) -> Self {
        Self::new(Target::Leaning(side), factor)
    }

    /// On items of these creators.
    pub fn creators(creators: impl IntoIterator<Item = u32>, factor: f64) -> Self {
        Self::new(Target::Creators(creators.into_iter().collect()), factor)
    }

    /// On items whose quality is below this.
    #[must_use]
    pub const fn downrank(quality_below: f64, factor: f64) -> Self {
        Self::new(Target::QualityBelow(quality_below), factor)
    }

    /// Never shows these creators.
    pub fn shadow_ban(creators: impl IntoIterator<Item = u32>) -> Self {
        Self::creators(creators, 0.0)
    }

    /// The same for some viewers only.
    #[must_use]
    pub fn only_for(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// The same from a day on, counted from the start.
    #[must_use]
    pub fn starting(self, day: f64) -> Self {
        Self { from_day: Some(day), ..self }
    }

    /// The same with the factor rising from 1, geometrically, over so many days.
    #[must_use]
    pub fn rising(self, days: f64) -> Self {
        Self { rise_days: days, ..self }
    }

    fn check(&self) -> Result<(), Error> {
        not_negative("Bias::factor", self.factor)?;
        not_negative("Bias::rise_days", self.rise_days)?;
        if let Target::QualityBelow(quality) = self.target {
            finite("Target::QualityBelow", quality)?;
        }
        if self.rise_days > 0.0 && self.factor == 0.0 {
            return Err(out("Bias::factor", 0, "above 0 where it rises over some days"));
        }
        self.from_day.map_or(Ok(()), |day| finite("Bias::from_day", day))
    }
}

/// A policy with a bias.
///
/// ```
/// use tiltmeter::policy::{Bias, Biased, Random, Setting, slate};
/// use tiltmeter::policy::{Candidates, Request, TopicSets};
/// let topics = TopicSets::new(vec!["war".into(), "sport".into()], vec![vec![0], vec![1]])?;
/// let setting = Setting { topic_sets: &topics, strata: &[], start: 0, seed: 0 };
/// let policy = Biased::new(Box::new(Random), &Bias::topic("war", 3.0), &setting)?;
///
/// let pool = Candidates { items: vec![1, 2], topics: vec![0, 1], ..Candidates::default() };
/// let slate = slate(&policy, &Request::new(&pool), 1)?;
/// let war_first = slate.places == [0];
/// assert_eq!(slate.propensities, Some(vec![if war_first { 0.75 } else { 0.25 }]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Debug)]
pub struct Biased {
    policy: Box<dyn Policy>,
    on: On,
    factor: f64,
    for_whom: For,
    from: Option<i64>,
    rise: f64,
}

/// A [`Target`] with names resolved.
#[derive(Debug)]
enum On {
    /// By set of topics.
    Sets(Vec<bool>),
    Side(Side),
    /// Sorted.
    Creators(Vec<u32>),
    QualityBelow(f64),
}

/// An [`Audience`] with names resolved.
#[derive(Debug)]
enum For {
    Everyone,
    Stratum(u16),
    Side(Side),
}

impl Biased {
    /// Puts a bias on a policy.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers out of their range and for a stratum that there is not;
    /// [`Error::UnknownTopic`].
    pub fn new(policy: Box<dyn Policy>, bias: &Bias, setting: &Setting<'_>) -> Result<Self, Error> {
        bias.check()?;
        let for_whom = match &bias.audience {
            Audience::Everyone => For::Everyone,
            Audience::Leaning(side) => For::Side(*side),
            Audience::Stratum(name) => {
                let place = setting.strata.iter().position(|stratum| stratum == name);
                let unknown = || out("Audience::Stratum", name, "a stratum of the world");
                For::Stratum(place.ok_or_else(unknown)? as u16)
            }
        };
        let microseconds = |days: f64| days * DAY as f64;
        let from = bias.from_day.or((bias.rise_days > 0.0).then_some(0.0));
        Ok(Self {
            policy,
            on: On::of(&bias.target, setting.topic_sets)?,
            factor: bias.factor,
            for_whom,
            from: from.map(|day| setting.start.saturating_add(microseconds(day) as i64)),
            rise: microseconds(bias.rise_days),
        })
    }

    /// The factor for a request.
    fn factor(&self, request: &Request<'_>) -> f64 {
        let meant = match self.for_whom {
            For::Everyone => true,
            For::Stratum(stratum) => request.stratum == stratum,
            For::Side(side) => side.has(request.leaning),
        };
        let Some(from) = self.from.filter(|_| meant) else {
            return if meant { self.factor } else { 1.0 };
        };
        let since = request.time.saturating_sub(from) as f64;
        if since < 0.0 {
            1.0
        } else if since < self.rise {
            self.factor.powf(since / self.rise)
        } else {
            self.factor
        }
    }
}

impl On {
    fn of(target: &Target, topics: &TopicSets) -> Result<Self, Error> {
        Ok(match target {
            Target::Topic(name) => {
                let topic = topics.topic(name).ok_or_else(|| Error::UnknownTopic {
                    topic: name.clone(),
                    available: topics.topics().to_vec(),
                })?;
                Self::Sets(
                    (0..topics.len() as u32).map(|set| topics.of(set).contains(&topic)).collect(),
                )
            }
            Target::Leaning(side) => Self::Side(*side),
            Target::Creators(creators) => {
                let mut creators = creators.clone();
                creators.sort_unstable();
                Self::Creators(creators)
            }
            Target::QualityBelow(quality) => Self::QualityBelow(*quality),
        })
    }
}

impl Policy for Biased {
    fn name(&self) -> String {
        format!("{}, biased", self.policy.name())
    }

    fn needs(&self) -> Vec<Feature> {
        let mut needs = self.policy.needs();
        needs.push(match self.on {
            On::Sets(_) => Feature::Topics,
            On::Side(_) => Feature::Leanings,
            On::Creators(_) => Feature::Creators,
            On::QualityBelow(_) => Feature::Qualities,
        });
        needs
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        self.policy.weigh(request, weights);
        let factor = self.factor(request);
        if factor == 1.0 {
            return;
        }
        let candidates = request.candidates;
        let mut weigh = |place: usize, meant: bool| {
            weights[place] *= if meant { factor } else { 1.0 };
        };
        match &self.on {
            On::Sets(sets) => {
                for (place, set) in candidates.topics.iter().enumerate() {
                    weigh(place, sets.get(*set as usize).copied().unwrap_or(false));
                }
            }
            On::Side(side) => {
                for (place, leaning) in candidates.leanings.iter().enumerate() {
                    weigh(place, side.has(*leaning));
                }
            }
            On::Creators(creators) => {
                for (place, creator) in candidates.creators.iter().enumerate() {
                    weigh(place, creators.binary_search(creator).is_ok());
                }
            }
            On::QualityBelow(least) => {
                for (place, quality) in candidates.qualities.iter().enumerate() {
                    weigh(place, f64::from(*quality) < *least);
                }
            }
        }
    }

    fn selection(&self) -> Selection {
        self.policy.selection()
    }

    fn similarity(&self, candidates: &Candidates, a: usize, b: usize) -> f64 {
        self.policy.similarity(candidates, a, b)
    }

    fn propensities(&self) -> Propensities {
        self.policy.propensities()
    }

    fn learning(&self) -> Learning {
        self.policy.learning()
    }

    fn learn(&mut self, shown: &[Shown]) {
        self.policy.learn(shown);
    }
}
