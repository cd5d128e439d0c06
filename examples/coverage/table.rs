//! The table: rows as JSON or Markdown.

use std::fmt::Write as _;

use serde::Serialize;

use super::feed::Feed;
use super::study::{LEVEL, Method, Record};

/// One method in the studies of one feed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    method: &'static str,
    design: &'static str,
    sizes: &'static str,
    clusters: u32,
    intraclass_correlation: f64,
    share: f64,
    ratio: f64,
    nominal: f64,
    coverage: Option<f64>,
    mean_length: Option<f64>,
    studies: u32,
    without_interval: u32,
    one_sided: u32,
    /// What part of the tests rejects a true null; for tests alone.
    size: Option<f64>,
}

impl Row {
    pub(crate) fn new(method: Method, feed: &Feed, record: &Record) -> Self {
        let coverage = record.coverage();
        Self {
            method: method.name(),
            design: feed.design.name(),
            sizes: feed.sizes.name(),
            clusters: feed.clusters,
            intraclass_correlation: feed.intraclass_correlation,
            share: feed.share,
            ratio: feed.ratio,
            nominal: LEVEL,
            coverage,
            mean_length: record.mean_length(),
            studies: record.studies,
            without_interval: record.nothing,
            one_sided: if method.is_test() { 0 } else { record.one_sided },
            size: coverage.filter(|_| method.is_test()).map(|coverage| 1.0 - coverage),
        }
    }

    /// Rows of one table share these.
    fn heading(&self) -> String {
        format!(
            "{} clusters, {} sizes, share {}%, intraclass correlation {}",
            self.design,
            self.sizes.replace('_', "-"),
            100.0 * self.share,
            self.intraclass_correlation
        )
    }

    /// Coverage or size in percent, length, and what part has no interval.
    fn cell(&self) -> String {
        let Some(part) = self.size.or(self.coverage) else {
            return "none".to_owned();
        };
        let mut cell = format!("{:.1}", 100.0 * part);
        if let Some(length) = self.mean_length {
            let _ = write!(cell, " ({length:.2})");
        }
        if self.without_interval > 0 {
            let part = f64::from(self.without_interval) / f64::from(self.studies);
            let _ = write!(cell, ", {:.0}% none", (100.0 * part).max(1.0));
        }
        cell
    }
}

/// An array of objects, one a line.
pub(crate) fn json(rows: &[Row]) -> serde_json::Result<String> {
    let lines: serde_json::Result<Vec<_>> = rows.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n{}\n]", lines?.join(",\n")))
}

/// A table for each kind of feed: methods down, numbers of clusters across.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::new();
    for rows in rows.chunk_by(|a, b| a.heading() == b.heading()) {
        let mut clusters: Vec<u32> = rows.iter().map(|row| row.clusters).collect();
        clusters.dedup();
        let _ = writeln!(text, "### {}\n", rows[0].heading());
        let across: String = clusters.iter().map(|clusters| format!(" {clusters} |")).collect();
        let _ = writeln!(text, "| method |{across}");
        let _ = writeln!(text, "| --- |{}", " --- |".repeat(clusters.len()));
        for first in rows.iter().filter(|row| row.clusters == clusters[0]) {
            let same = rows.iter().filter(|row| row.method == first.method);
            let cells: String = same.map(|row| format!(" {} |", row.cell())).collect();
            let _ = writeln!(text, "| {} |{cells}", first.method);
        }
        text.push('\n');
    }
    text
}
