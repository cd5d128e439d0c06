//! The tables: rows as JSON or Markdown.

use std::fmt::Write as _;

use serde::Serialize;

use super::cells::Cell;
use super::feed::Feed;
use super::method::{LEVEL, Method};
use super::record::Record;
use super::study::Contrast;

/// What was studied.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A thin or lopsided feed.
    Cell(Cell),
    /// A feed by number, size and likeness of clusters.
    Feed(Feed),
}

/// One method in the studies of one feed.
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) contrast: Contrast,
    pub(crate) method: Method,
    pub(crate) record: Record,
}

/// A row as it is printed in JSON.
#[derive(Serialize)]
struct Flat {
    feed: String,
    contrast: &'static str,
    method: &'static str,
    nominal: f64,
    studies: u32,
    without_interval: u32,
    unbounded: u32,
    one_sided: u32,
    /// Of the studies in which both arms show the topic.
    two_sided: Option<f64>,
    coverage: Option<f64>,
    monte_carlo_error: Option<f64>,
    median_length: Option<f64>,
    length_over_oracle: Option<f64>,
    /// What part of the tests rejects a true null; for tests alone.
    size: Option<f64>,
}

impl Row {
    fn feed(&self) -> String {
        match &self.subject {
            Subject::Cell(cell) => cell.name.clone(),
            Subject::Feed(feed) => format!(
                "{}, {} sizes, {} clusters, share {}, correlation {}, ratio {}",
                feed.design.name(),
                feed.sizes.name(),
                feed.clusters,
                feed.share,
                feed.intraclass_correlation,
                feed.ratio
            ),
        }
    }

    fn flat(&self) -> Flat {
        let record = &self.record;
        let is_test = self.method.is_test();
        let of_interval = |part: Option<f64>| part.filter(|_| !is_test);
        Flat {
            feed: self.feed(),
            contrast: self.contrast.name(),
            method: self.method.name(),
            nominal: LEVEL,
            studies: record.studies,
            without_interval: record.nothing,
            unbounded: record.unbounded,
            one_sided: record.one_sided,
            two_sided: of_interval(record.two_sided()),
            coverage: record.coverage(),
            monte_carlo_error: record.error(),
            median_length: of_interval(record.length()),
            length_over_oracle: of_interval(record.relative_length()),
            size: record.coverage().filter(|_| is_test).map(|coverage| 1.0 - coverage),
        }
    }

    /// The feed of a row that compares methods.
    fn of_feed(&self) -> Option<&Feed> {
        match &self.subject {
            Subject::Feed(feed) => Some(feed),
            Subject::Cell(_) => None,
        }
    }

    /// Coverage with its error; then how many intervals have both ends, and how long they are.
    fn entry(&self) -> String {
        let record = &self.record;
        let (Some(coverage), Some(error)) = (record.coverage(), record.error()) else {
            return "none".to_owned();
        };
        let mut entry = format!("{:.1} ± {:.1}", 100.0 * coverage, 100.0 * error);
        if !self.method.is_test() {
            let two_sided = record.two_sided().map_or("-".to_owned(), percent);
            let length = record.relative_length().map_or("-".to_owned(), |its| format!("{its:.2}"));
            let _ = write!(entry, "; {two_sided}; {length}");
        }
        entry
    }

    /// Coverage, with a star where more than 5% of the studies have no interval with an end.
    fn coverage(&self) -> String {
        let record = &self.record;
        let Some(coverage) = record.coverage() else {
            return "none".to_owned();
        };
        let without = f64::from(record.nothing + record.unbounded);
        let star = if without > 0.05 * f64::from(record.studies) { "*" } else { "" };
        format!("{:.1}{star}", 100.0 * coverage)
    }
}

/// A part in percent, never 100 where it is not all.
fn percent(part: f64) -> String {
    format!("{:.0}", if part < 1.0 { (100.0 * part).min(99.0) } else { 100.0 })
}

/// An object a line.
pub(crate) fn json(rows: &[Row]) -> serde_json::Result<String> {
    rows.iter().map(|row| Ok(serde_json::to_string(&row.flat())? + "\n")).collect()
}

fn heading(text: &mut String, title: &str, columns: &[&str]) {
    let _ = writeln!(text, "### {title}\n\n| {} |", columns.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(columns.len()));
}

/// Thin and lopsided feeds down, methods across.
pub(crate) fn thin(rows: &[Row]) -> String {
    let mut text = String::new();
    if rows.is_empty() {
        return text;
    }
    let methods =
        [Method::Default, Method::DeltaStudentT, Method::Jackknife, Method::PermutationTest];
    let columns = ["feed", "contrast", "default", "delta t", "jackknife", "permutation"];
    heading(&mut text, "Thin and lopsided feeds", &columns);
    for of_cell in rows.chunk_by(|a, b| a.feed() == b.feed()) {
        for contrast in Contrast::BOTH {
            let of_contrast = of_cell.iter().filter(|row| row.contrast == contrast);
            let entry = |method| {
                let row = of_contrast.clone().find(|row| row.method == method);
                row.map_or("-".to_owned(), |row| row.entry())
            };
            let entries = methods.map(entry).join(" | ");
            let _ = writeln!(text, "| {} | {} | {entries} |", of_cell[0].feed(), contrast.name());
        }
    }
    text
}

/// Feeds of one design and sizes down, all intervals across.
pub(crate) fn methods(rows: &[Row]) -> String {
    let mut text = String::new();
    let Some(first) = rows.first().and_then(Row::of_feed) else {
        return text;
    };
    let names = Method::INTERVALS.map(|method| method.name().replace('_', " "));
    let mut columns = vec!["clusters", "share", "correlation"];
    columns.extend(names.iter().map(String::as_str));
    columns.extend(["both ends, default", "length, default", "length, delta"]);
    let title = format!("{}, {} clusters", first.design.title(), first.sizes.title());
    heading(&mut text, &title, &columns);
    for of_feed in rows.chunk_by(|a, b| a.feed() == b.feed()) {
        let Some(feed) = of_feed[0].of_feed() else { continue };
        let record =
            |method| of_feed.iter().find(|row| row.method == method).map(|row| &row.record);
        let length = |method| {
            let length = record(method).and_then(Record::relative_length);
            length.map_or("-".to_owned(), |length| format!("{length:.2}"))
        };
        let coverage: Vec<String> = of_feed.iter().map(|row| row.coverage()).collect();
        let two_sided = record(Method::Default).and_then(Record::two_sided);
        let _ = writeln!(
            text,
            "| {} | {}% | {} | {} | {} | {} | {} |",
            feed.clusters,
            100.0 * feed.share,
            feed.intraclass_correlation,
            coverage.join(" | "),
            two_sided.map_or("-".to_owned(), percent),
            length(Method::Default),
            length(Method::DeltaStudentT)
        );
    }
    text
}

/// How often tests reject what is true, least to most over the correlations.
pub(crate) fn tests(rows: &[Row]) -> String {
    let mut text = String::new();
    if rows.is_empty() {
        return text;
    }
    let names = Method::TESTS.map(|method| method.name().replace('_', " "));
    let mut columns = vec!["feeds", "clusters", "share"];
    columns.extend(names.iter().map(String::as_str));
    heading(&mut text, "Tests at 5%", &columns);
    let kind = |row: &Row| {
        let feed = row.of_feed()?;
        Some((feed.design, feed.sizes, feed.clusters, feed.share))
    };
    for of_kind in rows.chunk_by(|a, b| kind(a) == kind(b)) {
        let Some((design, sizes, clusters, share)) = kind(&of_kind[0]) else { continue };
        let _ = write!(
            text,
            "| {}, {} | {clusters} | {}% |",
            design.name(),
            sizes.title(),
            100.0 * share
        );
        for method in Method::TESTS {
            let of_test = of_kind.iter().filter(|row| row.method == method);
            let (least, most) = of_test
                .filter_map(|row| Some(1.0 - row.record.coverage()?))
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), its| (a.min(its), b.max(its)));
            let _ = write!(text, " {:.1} to {:.1} |", 100.0 * least, 100.0 * most);
        }
        text.push('\n');
    }
    text
}
