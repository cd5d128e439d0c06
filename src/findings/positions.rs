//! What was shown at each rank, by arm: shares with their intervals, and counts.

use serde::{Deserialize, Serialize};

use super::over_time::{Share, shown};
use super::{Asked, Part};
use crate::error::Error;
use crate::estimate::NoInterval;
use crate::log::ExposureLog;
use crate::question::attention::Attention;
use crate::tally::{Tally, TallySpec, WindowBy};

/// Ranks below this one are counted together.
const TOP: u32 = 20;

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// What was shown at each of the top ranks, by arm: what an audit of each rank's impressions alone would say of each
/// arm's share, with the weights, the unit, the denominator and the label rule of the question. A position model says
/// what ranks are worth beside each other, and does not enter where each stands by itself.
///
/// It shows where a topic is put and whether arms have the same ranks at all. Each interval is about its own rank:
/// ranks share clusters, and a difference at one rank of many is not a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionProfile {
    /// The confidence level, in (0, 1).
    pub level: f64,
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
    /// Clusters of the arm at the rank.
    pub clusters: u64,
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
    /// The share in the unit of the study (pooled where that compares clusters with themselves), 0 to 1;
    /// `None` where the arm showed nothing at the rank.
    pub share: Option<f64>,
    /// The lower bound of its interval.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
    /// Why there is no interval.
    pub no_interval: Option<NoInterval>,
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

pub(super) fn of(log: &ExposureLog, asked: &Asked<'_>) -> Part<PositionProfile> {
    match log.positions() {
        Some(positions) => Part::of(profile(log, positions, asked)),
        None => Part::missing("the log has no positions: say which column has them"),
    }
}

/// Ranks are windows of a log whose times are its ranks, in seconds: what holds of shares in windows holds of them.
/// Those further down are one window more.
fn profile(
    log: &ExposureLog,
    positions: &[u32],
    asked: &Asked<'_>,
) -> Result<PositionProfile, Error> {
    let time = |rank: u32| i64::from(rank.min(TOP + 1)) * SECOND;
    let times = positions.iter().map(|&rank| time(rank)).collect();
    let spec = TallySpec {
        attentions: vec![Attention::Uniform],
        windows: WindowBy::Every { seconds: 1, origin: 0 },
        ..asked.study.tally_spec()
    };
    let tally = Tally::of(&log.clone().at_times(times), &spec)?;
    let starts = tally.axes().windows();
    let compared = asked.arms();
    let window = |rank: u32| starts.binary_search(&time(rank)).ok();
    let shown = shown(log, |row| window(positions[row]), asked);
    let last = last_of(log, positions, &compared).min(TOP);
    let mut its = PositionProfile {
        level: asked.study.inference.interval.level(),
        arms: compared.clone(),
        ranks: Vec::new(),
        missing: Vec::new(),
        beyond: Vec::new(),
    };
    for (at, arm) in compared.into_iter().enumerate() {
        for rank in 1..=last {
            let shares = match window(rank) {
                Some(window) => asked.shares(&tally, (&arm, at), window, &shown)?,
                None => asked.topics.iter().map(|topic| (&**topic, Share::NONE)).collect(),
            };
            let here = at_rank((&arm, rank), &shares);
            if here.impressions == 0 {
                its.missing.push(MissingRank { arm: arm.clone(), rank });
            }
            its.ranks.push(here);
        }
        let further = match window(TOP + 1) {
            Some(window) => asked.shares(&tally, (&arm, at), window, &shown)?,
            None => Vec::new(),
        };
        let impressions = further.first().map_or(0, |(_, its)| its.impressions);
        its.beyond.push(Beyond { arm, impressions });
    }
    Ok(its)
}

/// The last rank that one of the arms has.
fn last_of(log: &ExposureLog, positions: &[u32], arms: &[String]) -> u32 {
    let compared = |row: usize| {
        let arm = log.arms().and_then(|its| its.id(row));
        arm.is_some_and(|arm| arms.iter().any(|its| its == arm))
    };
    let ranks = positions.iter().enumerate().filter(|(row, _)| compared(*row));
    ranks.map(|(_, &rank)| rank).max().unwrap_or(0)
}

fn at_rank((arm, rank): (&str, u32), shares: &[(&str, Share)]) -> AtRank {
    let of_all = shares.first().map_or(Share::NONE, |(_, its)| *its);
    let topic = |(topic, its): &(&str, Share)| TopicAtRank {
        topic: (*topic).to_owned(),
        impressions: its.topic_impressions,
        share: its.share,
        low: its.low,
        high: its.high,
        no_interval: its.no_interval,
    };
    AtRank {
        arm: arm.to_owned(),
        rank,
        impressions: of_all.impressions,
        clusters: of_all.clusters,
        topics: shares.iter().map(topic).collect(),
    }
}
