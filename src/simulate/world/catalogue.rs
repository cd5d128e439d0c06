//! What is published: items and their creators, as columns.

use rand_distr::{Distribution, Normal, Poisson};

use super::config::{Burst, TopicConfig, WorldConfig};
use super::{DAY, HOUR};
use crate::base::draws::{Draws, Purpose};
use crate::policy::TopicSets;

/// Every topic alone, then all pairs in order: the sets that items of a world can have.
fn singles_and_pairs(config: &WorldConfig) -> TopicSets {
    let topics: Vec<String> = config.topics.iter().map(|topic| topic.name.clone()).collect();
    let number = topics.len() as u16;
    let mut sets: Vec<Vec<u16>> = (0..number).map(|topic| vec![topic]).collect();
    if config.second_topic > 0.0 {
        for first in 0..number {
            sets.extend((first + 1..number).map(|second| vec![first, second]));
        }
    }
    TopicSets { topics, sets }
}

/// The number of the set of one topic or two, as [`singles_and_pairs`] has them.
fn number_of(all: &TopicSets, first: u16, second: Option<u16>) -> u32 {
    let Some(second) = second else { return u32::from(first) };
    let pair = vec![first.min(second), first.max(second)];
    let place = all.sets.iter().position(|set| *set == pair);
    place.map_or(u32::from(first), |place| place as u32)
}

/// Items as columns, in the order of their births; an item is the number of its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    topic_sets: TopicSets,
    topics: Vec<u32>,
    creators: Vec<u32>,
    qualities: Vec<f32>,
    leanings: Vec<f32>,
    births: Vec<i64>,
    deaths: Vec<i64>,
    half_lives: Vec<i64>,
    creator_topics: Vec<u16>,
    creator_leanings: Vec<f32>,
    creators_of: Vec<Vec<u32>>,
    /// By topic, how much each of its creators publishes.
    output_of: Vec<Vec<f64>>,
}

/// An item before it has its place.
struct Born {
    birth: i64,
    topics: u32,
    creator: u32,
    quality: f32,
    leaning: f32,
    topic: u16,
}

impl Catalogue {
    /// What is published from so long before the first day that the first slates are like the later
    /// ones, to the end of the last.
    pub(in crate::simulate) fn of(config: &WorldConfig, start: i64, days: u32) -> Self {
        let topic_sets = singles_and_pairs(config);
        let mut made = Self {
            topic_sets,
            topics: Vec::new(),
            creators: Vec::new(),
            qualities: Vec::new(),
            leanings: Vec::new(),
            births: Vec::new(),
            deaths: Vec::new(),
            half_lives: Vec::new(),
            creator_topics: Vec::new(),
            creator_leanings: Vec::new(),
            creators_of: vec![Vec::new(); config.topics.len()],
            output_of: vec![Vec::new(); config.topics.len()],
        };
        made.add_creators(config);
        let longest = config.topics.iter().map(|topic| topic.lifetime_hours).fold(0.0, f64::max);
        let before = (longest / 24.0).ceil().min(1e6) as i64;
        let mut items = Vec::new();
        for day in -before..i64::from(days) {
            for topic in 0..config.topics.len() as u16 {
                made.publish(config, topic, day, start, &mut items);
            }
        }
        items.sort_by_key(|item| (item.birth, item.creator));
        for item in items {
            made.add(&config.topics[usize::from(item.topic)], &item);
        }
        made
    }

    fn add_creators(&mut self, config: &WorldConfig) {
        let supply: f64 = config.topics.iter().map(|topic| topic.supply).sum();
        for (place, topic) in config.topics.iter().enumerate() {
            let share = f64::from(config.creators.number) * topic.supply / supply;
            let number = (share.round() as u32).max(1);
            let leaning = spread(topic.leaning, topic.leaning_spread);
            for rank in 0..number {
                let creator = self.creator_topics.len() as u32;
                let mut draws = Draws::new(config.seed, Purpose::Creators, creator, 0);
                self.creator_topics.push(place as u16);
                self.creator_leanings.push(leaning.sample(&mut draws) as f32);
                self.creators_of[place].push(creator);
                let output = f64::from(rank + 1).powf(-config.creators.concentration);
                self.output_of[place].push(output);
            }
        }
    }

    /// The items of a topic that are born on a day.
    fn publish(
        &self,
        config: &WorldConfig,
        topic: u16,
        day: i64,
        start: i64,
        items: &mut Vec<Born>,
    ) {
        let its = &config.topics[usize::from(topic)];
        let supply: f64 = config.topics.iter().map(|topic| topic.supply).sum();
        let bursts = config.bursts.iter().filter(|burst| burst.topic == its.name);
        let more: f64 = bursts.map(|burst| burst.mean_on(day as f64)).sum();
        let expected = config.items_per_day * its.supply / supply * (1.0 + more).max(0.0);
        let mut draws = Draws::new(config.seed, Purpose::Items, u32::from(topic), day as u32);
        let number = Poisson::new(expected).map_or(0.0, |births| births.sample(&mut draws));
        let quality = spread(its.quality, its.quality_spread);
        let around = spread(0.0, config.creators.leaning_spread);
        for _ in 0..number as u64 {
            let birth = start + day * DAY + (draws.uniform() * DAY as f64) as i64;
            let within = draws.weighted(&self.output_of[usize::from(topic)]);
            let creator = self.creators_of[usize::from(topic)][within];
            let second = draws.happens(config.second_topic).then(|| {
                let others = |place: usize| if place == usize::from(topic) { 0.0 } else { 1.0 };
                let supplies = config.topics.iter().enumerate();
                let weights: Vec<f64> =
                    supplies.map(|(place, other)| other.supply * others(place)).collect();
                draws.weighted(&weights) as u16
            });
            let leaning = f64::from(self.creator_leanings[creator as usize]);
            items.push(Born {
                birth,
                topics: number_of(
                    &self.topic_sets,
                    topic,
                    second.filter(|second| *second != topic),
                ),
                creator,
                quality: quality.sample(&mut draws).exp() as f32,
                leaning: (leaning + around.sample(&mut draws)) as f32,
                topic,
            });
        }
    }

    fn add(&mut self, topic: &TopicConfig, item: &Born) {
        self.topics.push(item.topics);
        self.creators.push(item.creator);
        self.qualities.push(item.quality);
        self.leanings.push(item.leaning);
        self.births.push(item.birth);
        self.deaths.push(item.birth.saturating_add((topic.lifetime_hours * HOUR) as i64));
        self.half_lives.push(((topic.half_life_hours * HOUR) as i64).max(1));
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// The sets of topics that items have.
    #[must_use]
    pub fn topic_sets(&self) -> &TopicSets {
        &self.topic_sets
    }

    /// By item, the number of its set in [`topic_sets`](Self::topic_sets).
    #[must_use]
    pub fn topics(&self) -> &[u32] {
        &self.topics
    }

    /// By item, its creator.
    #[must_use]
    pub fn creators(&self) -> &[u32] {
        &self.creators
    }

    /// By item, its quality: what affinities are multiplied by when it is new; above 0.
    #[must_use]
    pub fn qualities(&self) -> &[f32] {
        &self.qualities
    }

    /// By item, its leaning: below 0 left, above 0 right.
    #[must_use]
    pub fn leanings(&self) -> &[f32] {
        &self.leanings
    }

    /// By item, when it was published, in microseconds since 1970-01-01T00:00:00Z; never falls.
    #[must_use]
    pub fn births(&self) -> &[i64] {
        &self.births
    }

    /// By item, from when on it is no longer shown, in the same unit.
    #[must_use]
    pub fn deaths(&self) -> &[i64] {
        &self.deaths
    }

    /// By item, the microseconds in which its appeal falls to a half.
    #[must_use]
    pub fn half_lives(&self) -> &[i64] {
        &self.half_lives
    }

    /// By creator, the topic of what he publishes, as a place in the topics of
    /// [`topic_sets`](Self::topic_sets).
    #[must_use]
    pub fn creator_topics(&self) -> &[u16] {
        &self.creator_topics
    }

    /// By creator, his leaning.
    #[must_use]
    pub fn creator_leanings(&self) -> &[f32] {
        &self.creator_leanings
    }

    /// A creator of a topic, drawn by how much each publishes.
    pub(in crate::simulate) fn draw_creator(&self, topic: usize, draws: &mut Draws) -> u32 {
        self.creators_of[topic][draws.weighted(&self.output_of[topic])]
    }
}

impl Burst {
    /// What it adds to a topic's usual supply, as a multiple of that, on average over a day.
    fn mean_on(&self, day: f64) -> f64 {
        let rate = std::f64::consts::LN_2 / self.half_life_days;
        let (from, to) = ((day - self.day).max(0.0), (day + 1.0 - self.day).max(0.0));
        (self.peak - 1.0) * ((-rate * from).exp() - (-rate * to).exp()) / rate
    }
}

/// A normal distribution; the parameters were checked.
pub(in crate::simulate) fn spread(mean: f64, deviation: f64) -> Normal<f64> {
    Normal::new(mean, deviation).expect("the deviation was checked to be finite and not negative")
}
