//! The tables of the page: numbers to the last digit, shown in few.

use std::collections::HashMap;

use super::order::ascending;
use crate::base::text::{number, percent};
use crate::decompose::WaterfallReport;
use crate::estimate::{Estimate, NoInterval, Value};
use crate::findings::AtRank;
use crate::report::findings::{end_of, numeric, share, table};
use crate::report::table::{Cell, Table};
use crate::sensitivity::{
    Disagreement, SensitivityRow, SensitivitySummary, SensitivityTable, Verdict,
};
use crate::statistic::{AmplificationRatio, Statistic};

/// A value, with its state in words where it is no number between others.
pub(super) fn value(value: Value) -> Cell {
    match value {
        Value::Estimated(at) | Value::Zero(at) => numeric(Some(at)),
        Value::Between { low, high } => Cell::words(format!("{} to {}", number(low), number(high))),
        Value::Undefined(reason) => Cell::words(format!("undefined: {reason}")),
        Value::Infinite | Value::NegativeInfinite => {
            Cell::words(crate::estimate::words::value(value))
        }
    }
}

fn ends(estimate: &Estimate) -> [Cell; 2] {
    match estimate.interval {
        Ok(its) => [its.low, its.high].map(|end| match end {
            Some(_) => numeric(end),
            None => Cell::words("no end"),
        }),
        Err(reason) => [Cell::words(format!("no interval: {reason}")), Cell::words("")],
    }
}

/// The estimates of a statistic.
pub(super) fn estimates(estimates: &[&Estimate]) -> Table {
    let tested = estimates.iter().any(|its| its.test.is_some());
    let mut columns =
        vec!["topic", "value", "low", "high", "share in treatment", "share in baseline"];
    columns.extend(["clusters in treatment", "clusters in baseline", "method"]);
    if tested {
        columns.extend(["p", "p adjusted"]);
    }
    let level = estimates.iter().find_map(|its| its.interval.ok());
    let level = level.map_or("no".to_owned(), |its| format!("{}%", percent(its.level)));
    let phrase = estimates.first().map_or("", |its| &its.estimand.phrase);
    let mut out = table(format!("{phrase}, with {level} intervals"), &columns);
    for its in estimates {
        let [low, high] = ends(its);
        let mut row = vec![Cell::name(&its.estimand.topic), value(its.value), low, high];
        row.extend([share(its.treatment.share), share(its.baseline.share)]);
        row.extend([Cell::Count(its.clusters.treatment), Cell::Count(its.clusters.baseline)]);
        row.push(Cell::words(its.method.map_or("none".to_owned(), |method| method.to_string())));
        if tested {
            row.push(match its.test.map(|test| test.p) {
                Some(Ok(p)) => numeric(Some(p)),
                Some(Err(reason)) => Cell::words(reason.to_string()),
                None => Cell::words("none"),
            });
            row.push(numeric(its.test.and_then(|test| test.p_adjusted)));
        }
        out.rows.push(row);
    }
    out
}

/// Both intervals of each estimate.
pub(super) fn naive(estimates: &[&Estimate]) -> Table {
    let columns = [
        "topic",
        "value",
        "clustered low",
        "clustered high",
        "naive low",
        "naive high",
        "design effect",
    ];
    let mut out = table("Intervals by clusters, and as if impressions were independent", &columns);
    for its in estimates {
        let [low, high] = ends(its);
        let mut row = vec![Cell::name(&its.estimand.topic), value(its.value), low, high];
        match its.naive {
            Some(naive) => row.extend([
                numeric(naive.interval.low),
                numeric(naive.interval.high),
                numeric(naive.design_effect),
            ]),
            None => row.extend([Cell::words("none"), Cell::words("none"), Cell::words("none")]),
        }
        out.rows.push(row);
    }
    out
}

/// Rows as the curve has them: by size, the least first. The one that is the question as it was asked says so.
pub(super) fn specifications(table: &SensitivityTable, topic: &str) -> Table {
    let statistic = AmplificationRatio;
    let mut columns = vec!["row".to_owned()];
    columns.extend(table.varied().iter().map(ToString::to_string));
    columns.extend(["value", "low", "high", "as asked"].map(str::to_owned));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut out = self::table("Every supported row", &columns);
    let rows = table.rows_of(&statistic, topic);
    let mut rows: Vec<(&SensitivityRow, &Estimate)> =
        rows.filter_map(|row| Some((row, row.outcome.as_ref().ok()?))).collect();
    rows.sort_by(|(_, a), (_, b)| ascending(a, b, statistic.scale()));
    let asked = table.row_as_asked(&statistic, topic);
    for (at, (row, estimate)) in rows.into_iter().enumerate() {
        let [low, high] = ends(estimate);
        let mut cells = vec![Cell::Count(at as u64 + 1)];
        cells.extend(table.varied().iter().map(|its| Cell::name(row.choices.level(*its))));
        let is_asked = asked.is_some_and(|its| std::ptr::eq(its, row));
        let asked = Cell::words(if is_asked { "yes" } else { "" });
        cells.extend([value(estimate.value), low, high, asked]);
        out.rows.push(cells);
    }
    out
}

/// Shares in several places, by topic, then place: side by side what each arm had there.
pub(super) struct Shares<'a> {
    pub(super) caption: String,
    /// What places are, and those there are.
    pub(super) place: (&'static str, &'a [String]),
    pub(super) arms: &'a [String],
    pub(super) topics: &'a [&'a str],
}

/// Below the shares, how many impressions each arm had at a rank.
pub(super) fn impressions_at<'a>(
    rank: &str,
    arms: impl Iterator<Item = Option<&'a &'a AtRank>>,
) -> Vec<Cell> {
    let mut row = vec![Cell::words("impressions of all topics"), Cell::words(rank)];
    for its in arms {
        row.push(Cell::Count(its.map_or(0, |its| its.impressions)));
        row.extend([Cell::words(""), Cell::words("")]);
    }
    row
}

/// A share with the ends of its interval, or why it has none.
pub(super) type ShareWithEnds = (Option<f64>, [Option<f64>; 2], Option<NoInterval>);

impl Shares<'_> {
    /// The table, given the share at an arm, topic and place, each by its number.
    pub(super) fn table(&self, of: impl Fn(usize, usize, usize) -> Option<ShareWithEnds>) -> Table {
        let (what, places) = self.place;
        let mut columns = vec!["topic".to_owned(), what.to_owned()];
        for arm in self.arms {
            columns.extend(["share", "low", "high"].map(|its| format!("{its} in {arm:?}")));
        }
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut out = table(self.caption.clone(), &columns);
        for (topic, name) in self.topics.iter().enumerate() {
            for (place, at) in places.iter().enumerate() {
                let mut row = vec![Cell::name(*name), Cell::words(at)];
                for arm in 0..self.arms.len() {
                    row.extend(match of(arm, topic, place) {
                        Some((its, [low, high], why)) => {
                            [share(its), end_of(low, why), end_of(high, why)]
                        }
                        None => [share(None), share(None), share(None)],
                    });
                }
                out.rows.push(row);
            }
        }
        out
    }
}

/// Whether the answer depends on what is chosen, for each topic.
pub(super) fn verdicts(table: &SensitivityTable, topics: &[&Estimate]) -> Table {
    let columns =
        ["topic", "depends on choices", "rows", "least", "greatest", "what moves it most"];
    let mut out = self::table("Whether the amplification ratio depends on choices", &columns);
    let of = |its: &SensitivitySummary| its.statistic == AmplificationRatio.name();
    let summaries = table.summaries().iter().filter(|its| of(its));
    let summaries: HashMap<&str, &SensitivitySummary> =
        summaries.map(|its| (&*its.topic, its)).collect();
    let there = topics.iter().filter_map(|its| summaries.get(&*its.estimand.topic));
    out.rows.extend(there.map(|its| {
        let moves = its.effects.first().filter(|its| its.largest > 0.0);
        vec![
            Cell::name(&its.topic),
            Cell::words(depends(&its.verdict)),
            Cell::Count(its.tallied.with_value as u64),
            numeric(its.least),
            numeric(its.greatest),
            Cell::words(moves.map_or("nothing".to_owned(), |its| its.dimension.to_string())),
        ]
    }));
    out
}

const fn depends(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Robust { .. } => "no",
        Verdict::SameSideNotAlwaysSure { .. } => "in certainty, not in direction",
        Verdict::Depends { how: Disagreement::OppositeFindings, .. } => "yes, opposite findings",
        Verdict::Depends { how: Disagreement::OppositeValues, .. } => "yes, opposite values",
        Verdict::NeverSure { .. } => "no row is a finding",
        Verdict::SingleRow => "one row alone",
        Verdict::NoValue => "no row has a value",
        Verdict::NothingCompared => "nothing is compared",
    }
}

/// From the first stage to the last, for each topic.
pub(super) fn totals(report: &WaterfallReport) -> Table {
    let columns =
        ["topic", "share at first", "share at last", "factor", "log ratio", "low", "high"];
    let caption = match (report.stages().first(), report.stages().last()) {
        (Some(first), Some(last)) => format!("From {first} to {last}; logarithms are natural"),
        _ => "From the first stage to the last".to_owned(),
    };
    let mut out = table(caption, &columns);
    for its in report.waterfalls() {
        let estimate = &its.total.estimate;
        let [low, high] = ends(estimate);
        out.rows.push(vec![
            Cell::name(&its.topic),
            share(estimate.baseline.share),
            share(estimate.treatment.share),
            numeric(estimate.value.number().map(f64::exp)),
            value(estimate.value),
            low,
            high,
        ]);
    }
    out
}

pub(super) fn waterfall(waterfall: &crate::decompose::TopicWaterfall) -> Table {
    let columns = ["step", "share before", "share after", "log ratio", "low", "high", "factor"];
    let caption = format!("Steps of topic {:?}; logarithms are natural", waterfall.topic);
    let mut out = table(caption, &columns);
    for step in waterfall.steps.iter().chain([&waterfall.total]) {
        let its = &step.estimate;
        let [low, high] = ends(its);
        let name = format!("{} to {}", step.from, step.to);
        let is_total = std::ptr::eq(step, &raw const waterfall.total);
        out.rows.push(vec![
            Cell::words(if is_total { format!("total: {name}") } else { name }),
            share(its.baseline.share),
            share(its.treatment.share),
            value(its.value),
            low,
            high,
            numeric(its.value.number().map(f64::exp)),
        ]);
    }
    out
}
