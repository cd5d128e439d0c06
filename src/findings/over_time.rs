//! Shares of topics by window of time and arm.

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

/// Logs that span more days than this are shown by weeks.
const DAYS: i64 = 60;

/// Shares of topics over time, by arm: what an audit of each window's impressions alone would say of each
/// arm's share.
///
/// Each interval is cluster-robust by the delta method and about its own window. Windows share clusters,
/// so neighbours are not independent, and that the intervals of two arms overlap in a window is no test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverTime {
    /// The windows: days, or weeks from Monday, in UTC.
    pub windows: WindowBy,
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
    /// The share in the unit of the study, 0 to 1; `None` where the arm showed nothing in the window.
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
        None => Part::missing("the log has no times: declare their column with LogSchema::time"),
    }
}

/// Days, or weeks if there would be too many.
fn windows(times: &[i64]) -> WindowBy {
    let first = times.iter().min().copied().unwrap_or(0);
    let last = times.iter().max().copied().unwrap_or(0);
    let days = WindowBy::days(1);
    let span = days.start(last).saturating_sub(days.start(first)) / DAY + 1;
    if span > DAYS { WindowBy::weeks() } else { days }
}

fn over(log: &ExposureLog, times: &[i64], asked: &Asked<'_>) -> Result<OverTime, Error> {
    let windows = windows(times);
    let level = asked.study.inference.interval.level();
    let tally = Tally::of(log, &TallySpec { windows, ..asked.study.tally_spec() })?;
    let arms = asked.arms();
    let starts = tally.axes().windows();
    let mut shares = Vec::with_capacity(starts.len() * arms.len() * asked.topics.len());
    // A share asks for nothing of a baseline: any that is no arm of the tally will do.
    let none = Baseline::Supply(Supply::Known);
    let question = &asked.study.question;
    for (window, &start) in starts.iter().enumerate() {
        for arm in &arms {
            for topic in asked.topics {
                let asked = TopicQuestion {
                    topic,
                    treatment: arm,
                    baseline: &none,
                    unit: question.unit,
                    denominator: question.denominator,
                    attention: question.attention.as_ref().unwrap_or(&Attention::Uniform),
                };
                let method = ShareBounds { level, ..ShareBounds::default() };
                let its = inference::share_in_window(&tally, &asked, window, &method)?;
                shares.push(share((start, arm, topic), its));
            }
        }
    }
    Ok(OverTime { windows, level, arms, shares })
}

fn share((start, arm, topic): (i64, &str, &str), its: inference::Share) -> ShareInWindow {
    ShareInWindow {
        start,
        arm: arm.to_owned(),
        topic: topic.to_owned(),
        share: its.value.number(),
        low: its.interval.ok().and_then(|its| its.low),
        high: its.interval.ok().and_then(|its| its.high),
        no_interval: its.interval.err(),
        impressions: its.totals.impressions,
        topic_impressions: its.totals.topic_impressions,
        clusters: its.clusters,
    }
}
