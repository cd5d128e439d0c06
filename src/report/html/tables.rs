//! The tables of the page: numbers to the last digit, shown in few.

use crate::base::text::{number, percent};
use crate::estimate::{Estimate, Value};
use crate::report::findings::{numeric, share, table};
use crate::report::table::{Cell, Table};
use crate::sensitivity::{SensitivityRow, SensitivityTable};

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

pub(super) fn specifications<'r>(
    table: &SensitivityTable,
    rows: impl Iterator<Item = &'r SensitivityRow>,
) -> Table {
    let mut columns = vec!["row".to_owned()];
    columns.extend(table.varied().iter().map(ToString::to_string));
    columns.extend(["value", "low", "high"].map(str::to_owned));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut out = self::table("Every supported row", &columns);
    for (at, row) in rows.enumerate() {
        let Ok(estimate) = &row.outcome else { continue };
        let [low, high] = ends(estimate);
        let mut cells = vec![Cell::Count(at as u64 + 1)];
        cells.extend(table.varied().iter().map(|its| Cell::name(row.choices.level(*its))));
        cells.extend([value(estimate.value), low, high]);
        out.rows.push(cells);
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
