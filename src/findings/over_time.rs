//! Shares of topics by window of time and arm.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Asked, Part};
use crate::base::time::DAY;
use crate::error::Error;
use crate::estimate::NoInterval;
use crate::inference::{self, ShareBounds, TopicQuestion};
use crate::log::ExposureLog;
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Supply};
use crate::tally::{Tally, TallySpec, WindowBy};

/// How long windows may be, in days: a day, whole weeks, so that every window has each weekday as often, a
/// quarter, half a year, a year.
const LENGTHS: [u16; 9] = [1, 7, 14, 21, 28, 56, 91, 182, 364];

/// More windows than these are more than a small picture shows.
const MOST: i64 = 31;

/// Clusters that each arm has in each window, where there is a length that gives so many: twice those below which
/// a whole audit is warned of ([`Warning::FewClusters`](crate::estimate::Warning::FewClusters)).
const ENOUGH: u64 = 20;

/// Shares of topics over time, by arm: what an audit of each window's impressions alone would say of each
/// arm's share.
///
/// Each interval is cluster-robust by the delta method and about its own window. Windows share clusters,
/// so neighbours are not independent, and that the intervals of two arms overlap in a window is no test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverTime {
    /// The windows, in UTC: the shortest of a day, 1, 2, 3, 4 and 8 weeks, 91, 182 and 364 days of which there are 31 at
    /// most and in each of which each arm that showed anything has 20 clusters; those of more than a day begin at the
    /// first day of the log. Where no length of which there are two windows gives so many, the one with the most
    /// clusters where they are fewest.
    pub windows: WindowBy,
    /// The clusters of an arm in the window that has fewest, but for arms that showed nothing in it.
    pub fewest_clusters: u64,
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// The arms: the treatment, and the baseline where it is an arm of the log.
    pub arms: Vec<String>,
    /// By window, then arm, then topic; windows without any impression are not there.
    pub shares: Vec<ShareInWindow>,
}

/// A topic's share in an arm, in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareInWindow {
    /// The first moment of the window, in microseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// The arm.
    pub arm: String,
    /// The topic.
    pub topic: String,
    /// The share in the unit of the study (pooled where that compares clusters with themselves), 0 to 1;
    /// `None` where the arm showed nothing in the window.
    pub share: Option<f64>,
    /// The lower bound of its interval.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
    /// Why there is no interval.
    pub no_interval: Option<NoInterval>,
    /// Impressions of the arm in the denominator.
    pub impressions: u64,
    /// Those of the topic.
    pub topic_impressions: u64,
    /// Clusters of the arm in the window.
    pub clusters: u64,
}

pub(super) fn of(log: &ExposureLog, asked: &Asked<'_>) -> Part<OverTime> {
    match log.times() {
        Some(times) => Part::of(over(log, times, asked)),
        None => Part::missing("the log has no times: say which column has them"),
    }
}

/// The log's first and last moment.
fn ends(times: &[i64]) -> (i64, i64) {
    (times.iter().min().copied().unwrap_or(0), times.iter().max().copied().unwrap_or(0))
}

/// Windows of so many days; those of more than one begin where the log does.
fn of_days(days: u16, first: i64) -> WindowBy {
    match (days, WindowBy::days(1).start(first).div_euclid(1_000_000)) {
        (1, _) => WindowBy::days(1),
        (days, origin) => WindowBy::Every { seconds: u32::from(days) * 86_400, origin },
    }
}

/// The log's sums by windows in which arms have clusters enough, and the clusters of an arm where they are fewest.
fn tally(log: &ExposureLog, times: &[i64], asked: &Asked<'_>) -> Result<(Tally, u64), Error> {
    let (first, last) = ends(times);
    let count = |days: u16| {
        let windows = of_days(days, first);
        (windows.start(last) - windows.start(first)) / (i64::from(days) * DAY) + 1
    };
    let lengths = LENGTHS.into_iter().filter(|days| (2..=MOST).contains(&count(*days)));
    let mut best: Option<(Tally, u64)> = None;
    for days in lengths {
        let windows = of_days(days, first);
        let tally = Tally::of(log, &TallySpec { windows, ..asked.study.tally_spec() })?;
        let fewest = fewest(&tally, asked)?;
        if best.as_ref().is_none_or(|(_, most)| fewest > *most) {
            best = Some((tally, fewest));
        }
        if fewest >= ENOUGH {
            break;
        }
    }
    match best {
        Some(best) => Ok(best),
        // A log of one day, or of many years.
        None => {
            let windows = if count(1) == 1 { of_days(1, first) } else { of_days(3_640, first) };
            let tally = Tally::of(log, &TallySpec { windows, ..asked.study.tally_spec() })?;
            let fewest = fewest(&tally, asked)?;
            Ok((tally, fewest))
        }
    }
}

/// The clusters of an arm in the window where it has fewest; an arm that showed nothing in a window is passed over.
fn fewest(tally: &Tally, asked: &Asked<'_>) -> Result<u64, Error> {
    let Some(topic) = asked.topics.first() else { return Ok(0) };
    let mut fewest = None;
    for window in 0..tally.axes().windows().len() {
        for arm in asked.arms() {
            let its = asked.share(tally, (&arm, topic), window)?;
            if its.clusters > 0 {
                fewest = Some(fewest.map_or(its.clusters, |least: u64| least.min(its.clusters)));
            }
        }
    }
    Ok(fewest.unwrap_or(0))
}

fn over(log: &ExposureLog, times: &[i64], asked: &Asked<'_>) -> Result<OverTime, Error> {
    let (tally, fewest_clusters) = tally(log, times, asked)?;
    let (windows, level) = (tally.spec().windows, asked.study.inference.interval.level());
    let arms = asked.arms();
    let starts = tally.axes().windows();
    let shown = shown(log, |row| starts.binary_search(&windows.start(times[row])).ok(), asked);
    let mut shares = Vec::with_capacity(starts.len() * arms.len() * asked.topics.len());
    for (window, &start) in starts.iter().enumerate() {
        for (at, arm) in arms.iter().enumerate() {
            for (topic, its) in asked.shares(&tally, (arm, at), window, &shown)? {
                shares.push(share((start, arm, topic), its));
            }
        }
    }
    Ok(OverTime { windows, fewest_clusters, level, arms, shares })
}

/// What was shown at all: window, arm and topic by their places.
pub(super) type Shown = HashSet<(usize, usize, usize)>;

/// Which topics each arm showed in each window.
pub(super) fn shown(
    log: &ExposureLog,
    window: impl Fn(usize) -> Option<usize>,
    asked: &Asked<'_>,
) -> Shown {
    let mut shown = Shown::new();
    let (Some(arms), Some(topics)) = (log.arms(), log.topics()) else { return shown };
    let compared = asked.arms();
    let named = asked.places_of(topics.labels().iter());
    for row in 0..log.rows() {
        let arm = arms.id(row).and_then(|id| compared.iter().position(|arm| arm == id));
        let (Some(arm), Some(window)) = (arm, window(row)) else { continue };
        let labels = topics.of_row(row).iter();
        shown.extend(labels.filter_map(|&at| Some((window, arm, named[at as usize]?))));
    }
    shown
}

impl Asked<'_> {
    /// Where each name stands among the topics.
    pub(super) fn places_of<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Option<usize>> {
        let topics = self.topics.iter().enumerate();
        let places: HashMap<&str, usize> = topics.map(|(at, topic)| (&**topic, at)).collect();
        names.map(|name| places.get(name).copied()).collect()
    }

    /// A topic's share in an arm, in the window at this place.
    fn share(
        &self,
        tally: &Tally,
        (arm, topic): (&str, &str),
        window: usize,
    ) -> Result<Share, Error> {
        // A share asks for nothing of a baseline: any that is no arm of the tally will do.
        let none = Baseline::Supply(Supply::Known);
        let question = &self.study.question;
        let asked = TopicQuestion {
            topic,
            treatment: arm,
            baseline: &none,
            unit: question.unit.of_one_arm(),
            denominator: question.denominator,
            attention: tally.spec().attentions.first().unwrap_or(&Attention::Uniform),
            correction: None,
        };
        let level = self.study.inference.interval.level();
        let method = ShareBounds { level, ..ShareBounds::default() };
        Ok(Share::from(inference::share_in_window(tally, &asked, window, &method)?))
    }

    /// The share of each topic in an arm, in the window at this place. What an arm did not show is the same for all
    /// topics that it did not show, and is asked for once: most topics of many are in few of the windows.
    pub(super) fn shares<'a>(
        &'a self,
        tally: &Tally,
        (arm, at): (&str, usize),
        window: usize,
        shown: &Shown,
    ) -> Result<Vec<(&'a str, Share)>, Error> {
        let mut none: Option<Share> = None;
        let mut shares = Vec::with_capacity(self.topics.len());
        for (place, topic) in self.topics.iter().enumerate() {
            let its = match (&none, shown.contains(&(window, at, place))) {
                (Some(none), false) => *none,
                (_, is_shown) => {
                    let its = self.share(tally, (arm, topic), window)?;
                    if !is_shown {
                        none = Some(its);
                    }
                    its
                }
            };
            shares.push((&**topic, its));
        }
        Ok(shares)
    }
}

/// A share with its interval, and what it is of.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub(super) share: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) no_interval: Option<NoInterval>,
    pub(super) impressions: u64,
    pub(super) topic_impressions: u64,
    pub(super) clusters: u64,
}

impl Share {
    /// Of an arm that showed nothing.
    pub(super) const NONE: Self = Self {
        share: None,
        low: None,
        high: None,
        no_interval: Some(NoInterval::UndefinedValue),
        impressions: 0,
        topic_impressions: 0,
        clusters: 0,
    };
}

impl From<inference::Share> for Share {
    fn from(its: inference::Share) -> Self {
        Self {
            share: its.value.number(),
            low: its.interval.ok().and_then(|its| its.low),
            high: its.interval.ok().and_then(|its| its.high),
            no_interval: its.interval.err(),
            impressions: its.totals.impressions,
            topic_impressions: its.totals.topic_impressions,
            clusters: its.clusters,
        }
    }
}

fn share((start, arm, topic): (i64, &str, &str), its: Share) -> ShareInWindow {
    ShareInWindow {
        start,
        arm: arm.to_owned(),
        topic: topic.to_owned(),
        share: its.share,
        low: its.low,
        high: its.high,
        no_interval: its.no_interval,
        impressions: its.impressions,
        topic_impressions: its.topic_impressions,
        clusters: its.clusters,
    }
}
