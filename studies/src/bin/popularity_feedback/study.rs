//! Feedback alone makes a feed unequal: items that are alike in everything, ranked by the clicks they had.
//!
//! Salganik, Dodds and Watts 2006 (Science, doi 10.1126/science.1121066) let people choose among songs
//! with and without the downloads of others in view: with them success was more unequal, and less
//! predictable. Here nothing differs between items, so all inequality is made by feedback; and what it
//! comes to is known. Slates of one, each clicked, ranked by `(clicks + prior)^exponent` are balls put
//! into bins. At exponent 1 they are Pólya's urn (Eggenberger and Pólya 1923), whose shares have a
//! Dirichlet distribution in the limit; below 1 shares become equal; above 1 one item gets all from some
//! time on (see Sidorova, arXiv 1809.02221, for the history).

use serde::Serialize;
use tiltmeter::log::Role;
use tiltmeter::policy::{Affinity, PolicyConfig, Popularity, Ranker};
use tiltmeter::simulate::{
    ActivityConfig, ArmConfig, CandidatesConfig, ResponseConfig, Simulation, SimulationConfig,
    TopicConfig, WorldConfig,
};
use tiltmeter::{Attention, Error};
use tiltmeter_studies::phenomenon::Measured;

/// Worlds of the same items and other viewers.
pub(crate) const WORLDS: u64 = 10;
pub(crate) const DAYS: u32 = 20;
/// Viewers of each policy.
const VIEWERS: u32 = 50;
/// Slates a day of each.
const SLATES_PER_DAY: f64 = 10.0;
/// Days that items last: so long that none is born or dies within the study, under the world's seed.
const AGES: f64 = 10_000.0;

/// What ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ranking {
    Random,
    Affinity,
    /// By clicks to the power 1/2.
    RootOfClicks,
    /// By clicks.
    Clicks,
    /// By clicks to the power 3/2.
    MoreThanClicks,
}

impl Ranking {
    pub(crate) const ALL: [Self; 5] =
        [Self::MoreThanClicks, Self::Clicks, Self::RootOfClicks, Self::Affinity, Self::Random];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Affinity => "affinity",
            Self::RootOfClicks => "clicks to the 0.5",
            Self::Clicks => "clicks",
            Self::MoreThanClicks => "clicks to the 1.5",
        }
    }

    fn policy(self) -> PolicyConfig {
        let clicks = |exponent| {
            let popularity = Popularity { exponent, ..Popularity::default() };
            Ranker::Popularity(popularity)
        };
        PolicyConfig::of(match self {
            Self::Random => Ranker::Random,
            Self::Affinity => Ranker::Affinity(Affinity::default()),
            Self::RootOfClicks => clicks(0.5),
            Self::Clicks => clicks(1.0),
            Self::MoreThanClicks => clicks(1.5),
        })
    }
}

/// What a ranking came to, over worlds: the mean, and the least and the greatest.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) ranking: Ranking,
    /// The Gini coefficient of items' impressions so far, by day from the first.
    pub(crate) gini: Vec<Measured>,
    /// The share of the most shown item, over all days.
    pub(crate) top_share: Measured,
    /// How many items came out on top in one world or another.
    pub(crate) winners: usize,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CoverageStudy {
    pub(crate) items: usize,
    /// Of Pólya's urn with so many items.
    pub(crate) limit_gini: f64,
    pub(crate) limit_top_share: f64,
    pub(crate) findings: Vec<Finding>,
}

/// All worlds.
pub(crate) fn study() -> Result<CoverageStudy, Error> {
    let items = Simulation::new(&feed(1))?.catalogue().len();
    let worlds: Vec<Vec<World>> = (1..=WORLDS).map(world).collect::<Result<_, Error>>()?;
    let finding = |(at, ranking): (usize, Ranking)| {
        let of = |value: &dyn Fn(&World) -> f64| {
            over_worlds(&worlds.iter().map(|world| value(&world[at])).collect::<Vec<_>>())
        };
        let mut winners: Vec<usize> = worlds.iter().map(|world| world[at].winner).collect();
        winners.sort_unstable();
        winners.dedup();
        Finding {
            ranking,
            gini: (0..DAYS as usize).map(|day| of(&|world| world.gini[day])).collect(),
            top_share: of(&|world| world.top_share),
            winners: winners.len(),
        }
    };
    Ok(CoverageStudy {
        items,
        limit_gini: urn_gini(items),
        limit_top_share: urn_top_share(items),
        findings: Ranking::ALL.into_iter().enumerate().map(finding).collect(),
    })
}

/// The expected Gini coefficient of shares with the flat Dirichlet distribution over `items`: those are
/// independent exponentials divided by their sum, whose mean absolute difference is their mean, over all
/// ordered pairs but those of an item with itself.
pub(crate) fn urn_gini(items: usize) -> f64 {
    0.5 * (items as f64 - 1.0) / items as f64
}

/// The expected greatest of such shares: the sum of `1/i` for `i` up to `items`, divided by `items`.
pub(crate) fn urn_top_share(items: usize) -> f64 {
    (1..=items).map(|i| 1.0 / i as f64).sum::<f64>() / items as f64
}

/// Items that are alike and last; an arm for each ranking, which learns from its own viewers.
pub(crate) fn feed(seed: u64) -> SimulationConfig {
    let alike = TopicConfig {
        quality_spread: 0.0,
        leaning_spread: 0.0,
        half_life_hours: 1e3 * 24.0 * AGES,
        lifetime_hours: 24.0 * AGES,
        ..TopicConfig::new("anything")
    };
    let mut world = WorldConfig {
        seed: 1,
        topics: vec![alike],
        items_per_day: 100.0 / AGES,
        viewers: VIEWERS * Ranking::ALL.len() as u32,
        activity: ActivityConfig { slates_per_day: SLATES_PER_DAY, ..ActivityConfig::default() },
        leaning_distance: 0.0,
        ..WorldConfig::default()
    };
    world.creators.leaning_spread = 0.0;
    SimulationConfig {
        seed,
        world,
        days: DAYS,
        // Policies learn after every round, urns after every ball: rounds of two slates are near that.
        rounds_per_day: 240,
        slate: 1,
        candidates: CandidatesConfig::Everything,
        responses: ResponseConfig {
            examination: Attention::Uniform,
            click_odds: 1e12,
            ..ResponseConfig::default()
        },
        arms: Ranking::ALL.map(|ranking| ArmConfig::new(ranking.name(), ranking.policy())).to_vec(),
        ..SimulationConfig::default()
    }
}

/// What a ranking came to in one world.
struct World {
    gini: Vec<f64>,
    top_share: f64,
    winner: usize,
}

/// The rankings of one world, in the order of [`Ranking::ALL`].
fn world(seed: u64) -> Result<Vec<World>, Error> {
    let simulation = Simulation::new(&feed(seed))?;
    let (log, items) = (simulation.log()?, simulation.catalogue().len());
    let days = log.column("day")?;
    let mut shown = vec![vec![vec![0_u32; items]; DAYS as usize]; Ranking::ALL.len()];
    for row in 0..log.rows() {
        let number = |id: Option<&str>| id.and_then(|id| id.parse::<usize>().ok()).unwrap_or(0);
        let arm = log.arms().and_then(|arms| arms.id(row)).unwrap_or_default();
        let item = log.ids(Role::Item).and_then(|items| items.id(row));
        if let Some(arm) = Ranking::ALL.iter().position(|ranking| ranking.name() == arm) {
            shown[arm][number(days.id(row))][number(item)] += 1;
        }
    }
    Ok(shown.iter().map(|days| World::of(days)).collect())
}

impl World {
    fn of(days: &[Vec<u32>]) -> Self {
        let mut so_far = vec![0.0; days[0].len()];
        let mut ginis = Vec::new();
        for day in days {
            so_far.iter_mut().zip(day).for_each(|(sum, count)| *sum += f64::from(*count));
            ginis.push(gini(&so_far));
        }
        let top = so_far.iter().copied().fold(0.0, f64::max);
        Self {
            gini: ginis,
            top_share: top / so_far.iter().sum::<f64>(),
            winner: so_far.iter().position(|count| *count == top).unwrap_or(0),
        }
    }
}

/// The Gini coefficient: half the mean absolute difference of all ordered pairs, over the mean. 0 where
/// all are alike; `1 - 1/n` where one has all.
pub(crate) fn gini(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let number = sorted.len() as f64;
    let by_rank =
        (1..).zip(&sorted).map(|(rank, value)| (2.0 * f64::from(rank) - number - 1.0) * value);
    by_rank.sum::<f64>() / (number * sorted.iter().sum::<f64>())
}

fn over_worlds(values: &[f64]) -> Measured {
    Measured {
        value: values.iter().sum::<f64>() / values.len() as f64,
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}
