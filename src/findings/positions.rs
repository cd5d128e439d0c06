//! What was shown at each rank, by arm: counts, and shares of counts.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Asked, Part};
use crate::log::ExposureLog;
use crate::question::estimand::Denominator;

/// Ranks below this one are counted together.
const TOP: u32 = 20;

/// What was shown at each of the top ranks, by arm. Counts of impressions: neither weights nor attention
/// enter, and an impression with several topics counts fully for each.
///
/// It shows where a topic is put and whether arms have the same ranks at all. It has no intervals: a
/// difference at one rank of many is not a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionProfile {
    /// The arms: the treatment, and the baseline where it is an arm of the log.
    pub arms: Vec<String>,
    /// By arm, then rank, from 1 to the last rank that an arm has, 20 at most.
    pub ranks: Vec<AtRank>,
    /// Ranks among these at which an arm showed nothing.
    pub missing: Vec<MissingRank>,
    /// Impressions further down, by arm.
    pub beyond: Vec<Beyond>,
}

/// What an arm showed at a rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtRank {
    /// The arm.
    pub arm: String,
    /// The rank, from 1.
    pub rank: u32,
    /// Impressions in the denominator: all, or those with a topic, as the study asks.
    pub impressions: u64,
    /// By topic, in the order of the audit.
    pub topics: Vec<TopicAtRank>,
}

/// A topic at a rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicAtRank {
    /// The topic.
    pub topic: String,
    /// Its impressions.
    pub impressions: u64,
    /// Over all impressions in the denominator, 0 to 1; `None` where there are none.
    pub share: Option<f64>,
}

/// A rank at which an arm showed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRank {
    /// The arm.
    pub arm: String,
    /// The rank.
    pub rank: u32,
}

/// What is further down than the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beyond {
    /// The arm.
    pub arm: String,
    /// Its impressions there.
    pub impressions: u64,
}

/// Counts of a rank.
#[derive(Clone, Default)]
struct Counts {
    all: u64,
    topics: Vec<u64>,
}

pub(super) fn of(log: &ExposureLog, asked: &Asked<'_>) -> Part<PositionProfile> {
    let Some(positions) = log.positions() else {
        return Part::missing(
            "the log has no positions: declare their column with LogSchema::position",
        );
    };
    let (Some(arms), Some(topics)) = (log.arms(), log.topics()) else {
        return Part::missing("it needs arms and topics");
    };
    let places: HashMap<&str, usize> =
        asked.topics.iter().enumerate().map(|(at, topic)| (&**topic, at)).collect();
    let named: Vec<Option<usize>> =
        topics.labels().iter().map(|label| places.get(label).copied()).collect();
    let tagged = asked.study.question.denominator == Denominator::TaggedImpressions;
    let compared = asked.arms();
    let mut counts: BTreeMap<(usize, u32), Counts> = BTreeMap::new();
    let mut beyond = vec![0; compared.len()];
    for (row, &rank) in positions.iter().enumerate() {
        let arm = arms.id(row).and_then(|id| compared.iter().position(|arm| arm == id));
        let labels = topics.of_row(row);
        let Some(arm) = arm.filter(|_| !(tagged && labels.is_empty())) else { continue };
        let n = log.impressions_in(row..row + 1);
        if rank > TOP {
            beyond[arm] += n;
            continue;
        }
        let at = counts.entry((arm, rank)).or_default();
        at.topics.resize(asked.topics.len(), 0);
        at.all += n;
        for topic in labels.iter().filter_map(|&label| named[label as usize]) {
            at.topics[topic] += n;
        }
    }
    Part::There(profile(&counts, &beyond, compared, asked.topics))
}

fn profile(
    counts: &BTreeMap<(usize, u32), Counts>,
    beyond: &[u64],
    arms: Vec<String>,
    topics: &[String],
) -> PositionProfile {
    let last = counts.keys().map(|(_, rank)| *rank).max().unwrap_or(0);
    let mut ranks = Vec::new();
    let mut missing = Vec::new();
    for (at, arm) in arms.iter().enumerate() {
        for rank in 1..=last {
            let none = Counts { all: 0, topics: vec![0; topics.len()] };
            let Counts { all, topics: of } = counts.get(&(at, rank)).cloned().unwrap_or(none);
            if all == 0 {
                missing.push(MissingRank { arm: arm.clone(), rank });
            }
            let share = |n: u64| (all > 0).then(|| n as f64 / all as f64);
            let shown = topics.iter().zip(of).map(|(topic, n)| TopicAtRank {
                topic: topic.clone(),
                impressions: n,
                share: share(n),
            });
            let topics = shown.collect();
            ranks.push(AtRank { arm: arm.clone(), rank, impressions: all, topics });
        }
    }
    let beyond = arms.iter().zip(beyond);
    let beyond = beyond.map(|(arm, &n)| Beyond { arm: arm.clone(), impressions: n }).collect();
    PositionProfile { arms, ranks, missing, beyond }
}
