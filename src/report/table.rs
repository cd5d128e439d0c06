//! The table that a report prints.

use std::fmt;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableStyle, Width,
};

use crate::audit::report::AuditReport;
use crate::base::digits::decimals;
use crate::base::printable::{named, printable, printable_name};
use crate::base::text::{RULED, in_lines, number, percent, wrap};
use crate::estimate::Estimate;
use crate::estimate::words::{interval, value};
use crate::log::{DataQuality, SetAside};

/// The width of the table, in characters.
const TABLE_WIDTH: u16 = 120;

/// The greatest width of the topics, in characters.
const TOPIC_WIDTH: u16 = 40;

/// Topics up to so many characters stay on one line, however wide that makes the table.
const SHORT_TOPIC: u16 = 16;

impl AuditReport {
    pub(super) fn table(
        &self,
        style: TableStyle,
        arrangement: ContentArrangement,
        topic: impl Fn(&str) -> String,
    ) -> Table {
        // A cell of several lines would be several rows of Markdown, cut within an escape at worst.
        let whole = matches!(arrangement, ContentArrangement::Disabled);
        let first = self.estimates.first();
        let one_statistic = self
            .estimates
            .iter()
            .all(|e| Some(&e.estimand.statistic) == first.map(|f| &f.estimand.statistic));
        let level = first.and_then(|first| first.interval.as_ref().ok()).map(|i| i.level);
        let interval = level.map_or("interval".to_owned(), |l| format!("{}% interval", percent(l)));
        let mut header = vec!["topic", "statistic", "estimate", &interval];
        let tested = self.estimates.iter().any(|estimate| estimate.test.is_some());
        let adjusted =
            self.estimates.iter().any(|e| e.test.is_some_and(|t| t.p_adjusted.is_some()));
        header.extend(["p", "adjusted p"]);
        header.extend(["share A", "share B", "clusters", "naive interval", "design effect"]);
        let mut table = Table::new();
        table.load_style(style).set_content_arrangement(arrangement);
        table.set_width(TABLE_WIDTH);
        let cells = |cells: Vec<Cell>| {
            let skip = |at: &usize| match *at {
                1 => !one_statistic,
                4 => tested,
                5 => adjusted,
                _ => true,
            };
            cells.into_iter().enumerate().filter(move |(at, _)| skip(at)).map(|(_, cell)| cell)
        };
        table.set_header(cells(header.into_iter().map(Cell::new).collect()));
        for estimate in &self.estimates {
            // The names of the library's own statistics are as they are in any form.
            let name = &estimate.estimand.statistic;
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let name = if is_plain { name.clone() } else { topic(name) };
            let topic = topic(&estimate.estimand.topic);
            let topic = if whole { topic } else { in_lines(topic, TOPIC_WIDTH) };
            table.add_row(cells(row(estimate, [topic, name])));
        }
        let lengths = self.estimates.iter().map(|e| topic(&e.estimand.topic).chars().count());
        let lengths = lengths.map(|length| u16::try_from(length).unwrap_or(u16::MAX));
        let longest = lengths.chain(["topic".len() as u16]).max().unwrap_or(0);
        let numbers = if one_statistic { 1 } else { 2 };
        for (at, column) in table.column_iter_mut().enumerate() {
            // Topics give way to everything else.
            column.set_constraint(match at {
                0 if !whole => ColumnConstraint::Boundaries {
                    lower: Width::Fixed(longest.min(SHORT_TOPIC)),
                    upper: Width::Fixed(TOPIC_WIDTH),
                },
                _ => ColumnConstraint::ContentWidth,
            });
            if at >= numbers {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        writeln!(f, "{}", self.table(RULED, ContentArrangement::Dynamic, printable_name))?;
        for sentence in self.findings_in_words() {
            writeln!(f, "{}", wrap(&printable(&sentence)))?;
        }
        for sentence in self.without_interval_in_words() {
            writeln!(f, "{}", wrap(&printable(&sentence)))?;
        }
        if let Some(first) = self.estimates.first() {
            let (treatment, baseline) = (first.treatment, first.baseline);
            let line = format!(
                "A: {:?}, {} impressions. B: {}, {} impressions.",
                first.estimand.treatment,
                treatment.impressions,
                first.estimand.baseline,
                baseline.impressions
            );
            writeln!(f, "{}", printable(&line))?;
        }
        if let Some(quality) = &self.quality {
            quality_lines(f, quality)?;
        }
        for (warning, topics) in self.warnings_in_words() {
            let whom = match &topics {
                None => String::new(),
                Some(topics) if topics.len() > 4 => {
                    format!(" ({} and {} more topics)", named(&topics[..3]), topics.len() - 3)
                }
                Some(topics) => format!(" ({})", named(topics)),
            };
            let line = printable(&format!("Warning{whom}: {warning}."));
            writeln!(f, "{}", wrap(&line))?;
        }
        Ok(())
    }
}

pub(super) fn quality_lines(f: &mut impl fmt::Write, quality: &DataQuality) -> fmt::Result {
    let origin = &quality.origin;
    writeln!(
        f,
        "Log: {}, {} rows read, {} set aside, {} left out, {} impressions, {} untagged.",
        printable_name(&origin.source),
        origin.rows_read,
        origin.set_aside.rows,
        origin.left_out,
        quality.impressions,
        quality.untagged
    )?;
    set_aside_lines(f, &origin.set_aside)?;
    if let Some(table) = &origin.item_topics {
        writeln!(
            f,
            "Topics: {}, {} items, {} rows set aside, {} items of the log missing.",
            printable_name(&table.source),
            table.items,
            table.set_aside.rows,
            table.items_missing
        )?;
        set_aside_lines(f, &table.set_aside)?;
    }
    Ok(())
}

fn set_aside_lines(f: &mut impl fmt::Write, set_aside: &SetAside) -> fmt::Result {
    for entry in &set_aside.reasons {
        let line = format!(
            "  set aside: {} for {} in column {:?}, first row {} ({:?})",
            entry.rows, entry.reason, entry.column, entry.first_row, entry.first_value
        );
        writeln!(f, "{}", printable(&line))?;
    }
    Ok(())
}

fn row(estimate: &Estimate, [topic, statistic]: [String; 2]) -> Vec<Cell> {
    let share = |share: Option<f64>| {
        share.map_or("-".to_owned(), |s| format!("{}%", decimals(100.0 * s, 2)))
    };
    let counts = estimate.clusters;
    let (naive, test) = (estimate.naive, estimate.test);
    vec![
        Cell::new(topic),
        Cell::new(statistic),
        Cell::new(value(estimate.value)),
        Cell::new(estimate.interval.as_ref().map_or("-".to_owned(), interval)),
        Cell::new(test.map_or("-".to_owned(), |t| t.p.map_or_else(|no| no.to_string(), p_value))),
        Cell::new(test.and_then(|t| t.p_adjusted).map_or("-".to_owned(), p_value)),
        Cell::new(share(estimate.treatment.share)),
        Cell::new(share(estimate.baseline.share)),
        Cell::new(format!("{} / {}", counts.treatment, counts.baseline)),
        Cell::new(naive.map_or("-".to_owned(), |n| interval(&n.interval))),
        Cell::new(naive.and_then(|n| n.design_effect).map_or("-".to_owned(), number)),
    ]
}

/// A p-value; small ones as a bound, since what is beyond that is the model's, not the log's.
fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}
