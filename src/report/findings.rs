//! Parts of findings as tables and CSV: shares over time, ranks, and what could have been seen.

use super::table::{Cell, Column, Fields, Table, cells, field, fields, names, record};
use crate::base::text::{percent, short};
use crate::base::time::iso_text;
use crate::estimate::NoInterval;
use crate::findings::{OverTime, PositionProfile, PowerLeft, ShareInWindow, TopicPower};

/// A table without rows.
pub(super) fn table(caption: impl Into<String>, columns: &[&str]) -> Table {
    let columns = columns.iter().copied().map(Column::words).collect();
    Table { caption: caption.into(), columns, rows: Vec::new() }
}

/// A number, or that there is none; one that is not finite is a word.
pub(super) fn numeric(value: Option<f64>) -> Cell {
    value.map_or_else(|| Cell::words("none"), Cell::number)
}

/// A share, in percent; its exact value is the share.
pub(super) fn share(value: Option<f64>) -> Cell {
    let percent = |its: f64| Cell::shown(its, format!("{}%", short(100.0 * its)));
    value.map_or_else(|| Cell::words("none"), percent)
}

/// The date of a moment.
pub(super) fn date(microseconds: i64) -> String {
    let text = iso_text(microseconds);
    text.split('T').next().unwrap_or(&text).to_owned()
}

fn over_time(over: &OverTime) -> Table {
    let columns =
        ["window from", "arm", "topic", "share", "low", "high", "impressions", "clusters"];
    let caption = format!("Shares by window and arm, with {}% intervals", percent(over.level));
    let mut out = table(caption, &columns);
    for its in &over.shares {
        let ShareInWindow { start, arm, topic, low, high, no_interval, .. } = its;
        let end = |end: Option<f64>| end_of(end, *no_interval);
        out.rows.push(vec![
            Cell::words(date(*start)),
            Cell::name(arm),
            Cell::name(topic),
            share(its.share),
            end(*low),
            end(*high),
            Cell::Count(its.impressions),
            Cell::Count(its.clusters),
        ]);
    }
    out
}

/// The end of a share's interval, or why there is none.
pub(super) fn end_of(end: Option<f64>, no_interval: Option<NoInterval>) -> Cell {
    match (end, no_interval) {
        (Some(_), _) => share(end),
        (None, Some(reason)) => Cell::words(format!("none: {reason}")),
        (None, None) => Cell::words("no end"),
    }
}

fn positions(profile: &PositionProfile) -> Table {
    let columns =
        ["arm", "rank", "impressions", "topic", "impressions of the topic", "share", "low", "high"];
    let caption = format!("Shares by rank and arm, with {}% intervals", percent(profile.level));
    let mut out = table(caption, &columns);
    for at in &profile.ranks {
        for topic in &at.topics {
            out.rows.push(vec![
                Cell::name(&at.arm),
                Cell::Count(u64::from(at.rank)),
                Cell::Count(at.impressions),
                Cell::name(&topic.topic),
                Cell::Count(topic.impressions),
                share(topic.share),
                end_of(topic.low, topic.no_interval),
                end_of(topic.high, topic.no_interval),
            ]);
        }
    }
    out
}

/// What could have been seen of each topic, beside what was found of it where that is at hand.
pub(super) fn power(power: &PowerLeft, found: Option<&dyn Fn(&str) -> Cell>) -> Table {
    let mut columns = vec!["topic"];
    columns.extend(found.map(|_| "value found"));
    columns.extend([
        "smallest above 1",
        "largest below 1",
        "clusters in treatment",
        "clusters in baseline",
    ]);
    let caption = format!(
        "True amplification ratios with which a study of as many clusters finds some, by its {}% interval, with a probability of {}%",
        percent(power.level),
        percent(power.power)
    );
    let mut out = table(caption, &columns);
    for its in &power.topics {
        let mut row = vec![Cell::name(&its.topic)];
        row.extend(found.map(|found| found(&its.topic)));
        match (&its.reason, its.clusters) {
            (None, Some([treatment, baseline])) => row.extend([
                numeric(its.above),
                numeric(its.below),
                Cell::Count(treatment),
                Cell::Count(baseline),
            ]),
            (reason, _) => {
                row.push(Cell::words(reason.clone().unwrap_or_default()));
                row.extend([Cell::words(""), Cell::words(""), Cell::words("")]);
            }
        }
        out.rows.push(row);
    }
    out
}

const SHARE: Fields<ShareInWindow> = fields!(ShareInWindow:
    start, arm, topic, share, low, high, no_interval, impressions, topic_impressions, clusters,
);

impl OverTime {
    /// The table: a row for each window, arm and topic.
    pub fn tables(&self) -> Vec<Table> {
        vec![over_time(self)]
    }

    /// The shares as CSV, a row for each, with the fields of the JSON, and the start of the window in ISO 8601.
    /// [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut table = record(names(SHARE).chain(["start_utc"]));
        let start = |its: &ShareInWindow| Cell::Words(iso_text(its.start));
        let row = |its: &ShareInWindow| cells(SHARE, its).chain([start(its)]).collect();
        table.rows = self.shares.iter().map(row).collect();
        table.to_csv()
    }
}

impl PositionProfile {
    /// The table: a row for each arm, rank and topic.
    pub fn tables(&self) -> Vec<Table> {
        vec![positions(self)]
    }

    /// What was shown at each rank as CSV, a row for each arm, rank and topic. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let of_topic = ["topic", "topic_impressions", "share", "low", "high", "no_interval"];
        let own = ["arm", "rank", "impressions", "clusters"];
        let mut table = record(own.into_iter().chain(of_topic));
        for at in &self.ranks {
            table.rows.extend(at.topics.iter().map(|its| {
                vec![
                    Cell::name(&at.arm),
                    Cell::Count(at.rank.into()),
                    Cell::Count(at.impressions),
                    Cell::Count(at.clusters),
                    Cell::name(&its.topic),
                    Cell::Count(its.impressions),
                    field(&its.share),
                    field(&its.low),
                    field(&its.high),
                    field(&its.no_interval),
                ]
            }));
        }
        table.to_csv()
    }
}

const POWER: Fields<TopicPower> = fields!(TopicPower: topic, above, below, standard_error, reason);

impl PowerLeft {
    /// The table: a row for each topic.
    pub fn tables(&self) -> Vec<Table> {
        vec![power(self, None)]
    }

    /// What could have been seen as CSV, a row for each topic, with the fields of the JSON. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let of_all = ["level", "power", "clusters_treatment", "clusters_baseline"];
        let mut table = record(names(POWER).chain(of_all));
        let row = |its: &TopicPower| {
            let [treatment, baseline] = match its.clusters {
                Some(clusters) => clusters.map(Cell::Count),
                None => [Cell::Nothing, Cell::Nothing],
            };
            let of_all = [field(&self.level), field(&self.power), treatment, baseline];
            cells(POWER, its).chain(of_all).collect()
        };
        table.rows = self.topics.iter().map(row).collect();
        table.to_csv()
    }
}

super::rendered::tabular!(OverTime, PositionProfile, PowerLeft);
