//! The impressions that estimates are made of: columns of the log, weights and predictions brought
//! together in an order of their own, so that no sum depends on the order of the log.

use super::impression::{Impression, within};
use super::model::{Predictions, RewardModel};
use super::weights::{ImportanceWeights, rows_of_arm};
use crate::error::Error;
use crate::log::{ClusterKey, Coded, ExposureLog, Role, Topics};
use crate::question::attention::Attention;
use crate::question::propensity::Target;
use crate::tally::{ClusterBy, cluster_of_rows, masses};

/// The impressions of the logging arm, and of one that it is checked against.
pub(super) struct Sample {
    pub(super) logged: Vec<Impression>,
    pub(super) against: Vec<Impression>,
    /// The clusters, ascending.
    pub(super) keys: Vec<ClusterKey>,
}

/// What a sample is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'p> {
    pub(super) log: &'p ExposureLog,
    pub(super) weights: &'p ImportanceWeights,
    pub(super) target: &'p Target,
    pub(super) model: Option<&'p RewardModel>,
    pub(super) cluster: &'p ClusterBy,
    pub(super) attention: &'p Attention,
    pub(super) against: Option<&'p str>,
}

impl Sample {
    /// Brings the columns together.
    pub(super) fn of(parts: &Parts<'_>) -> Result<Self, Error> {
        let columns = Columns::of(parts)?;
        let weighed = parts.weights.rows().iter().zip(parts.weights.weights());
        let mut logged = weighed
            .map(|(&row, &weight)| columns.impression(row, weight))
            .collect::<Result<Vec<_>, Error>>()?;
        if let Some(RewardModel::Given { logged: predicted, target }) = parts.model {
            Predictions::given(parts.log, predicted, target, &mut logged)?;
        }
        let mut against = match parts.against {
            None => Vec::new(),
            Some(arm) => {
                let rows = rows_of_arm(parts.log, arm)?.into_iter();
                rows.map(|row| columns.impression(row, 1.0)).collect::<Result<_, _>>()?
            }
        };
        let mut keys = columns.keys;
        if *parts.cluster == ClusterBy::Impression {
            keys = each_for_itself(&mut logged, &mut against);
        }
        logged.sort_unstable_by(Impression::order);
        against.sort_unstable_by(Impression::order);
        if let Some(RewardModel::ItemMeans(means)) = parts.model {
            let items = parts.log.require_ids(Role::Item, "a reward model by item")?;
            if means.needs_positions() {
                parts.log.require_positions("a reward model by item and position")?;
            }
            Predictions::fit(means, parts.target, items, &mut logged)?;
        }
        Ok(Self { logged, against, keys })
    }
}

/// Clusters of one impression each, numbered in the impressions' own order.
fn each_for_itself(logged: &mut [Impression], against: &mut [Impression]) -> Vec<ClusterKey> {
    let mut next = 0;
    for arm in [logged, against] {
        arm.iter_mut().for_each(|one| one.cluster = 0);
        arm.sort_unstable_by(Impression::order);
        for one in arm {
            one.cluster = next;
            next += 1;
        }
    }
    (0..next.into()).map(ClusterKey::from_number).collect()
}

/// The columns that impressions are read from.
struct Columns<'l> {
    clusters: Vec<u32>,
    keys: Vec<ClusterKey>,
    rewards: Option<&'l [f64]>,
    masses: Vec<f64>,
    topics: Option<&'l Topics>,
    rank_of_set: Vec<u32>,
    items: Option<(&'l Coded, Vec<u32>)>,
    positions: Option<&'l [u32]>,
}

impl<'l> Columns<'l> {
    fn of(parts: &Parts<'l>) -> Result<Self, Error> {
        let log = parts.log;
        let (clusters, keys) = cluster_of_rows(log, parts.cluster)?;
        let topics = log.topics();
        let items = log.ids(Role::Item);
        Ok(Self {
            clusters,
            keys,
            rewards: log.numbers(Role::Engagement),
            masses: masses(log, parts.attention)?,
            topics,
            rank_of_set: topics.map(ranks_of_sets).unwrap_or_default(),
            items: items.map(|items| (items, ranks(items.dictionary().iter()))),
            positions: log.positions(),
        })
    }

    fn impression(&self, row: usize, weight: f64) -> Result<Impression, Error> {
        let reward = self.rewards.map_or(0.0, |rewards| rewards[row]);
        within(row, "the engagement", reward)?;
        let set = self.topics.map_or(0, |topics| topics.set_of_row()[row]);
        let item = self.items.as_ref().map(|(items, rank_of)| rank_of[items.codes()[row] as usize]);
        Ok(Impression {
            row,
            cluster: self.clusters[row],
            weight,
            reward,
            mass: self.masses[row],
            set,
            set_rank: self.rank_of_set.get(set as usize).copied().unwrap_or(0),
            item: item.unwrap_or(0),
            position: self.positions.map_or(0, |positions| positions[row]),
            predicted: 0.0,
            expected: 0.0,
        })
    }
}

/// The place of each name in the order of names.
fn ranks<'n, N: Ord + 'n>(names: impl Iterator<Item = N>) -> Vec<u32> {
    let mut sorted: Vec<(N, usize)> = names.zip(0..).collect();
    sorted.sort_unstable();
    let mut ranks = vec![0; sorted.len()];
    for (rank, (_, at)) in (0..).zip(sorted) {
        ranks[at] = rank;
    }
    ranks
}

fn ranks_of_sets(topics: &Topics) -> Vec<u32> {
    let names = |set: usize| {
        let labels = topics.set(set as u32).iter();
        let mut names: Vec<&str> = labels.filter_map(|&code| topics.labels().id(code)).collect();
        names.sort_unstable();
        names
    };
    ranks((0..topics.set_count()).map(names))
}
