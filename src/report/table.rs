//! The table that a report prints.

use std::fmt;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableStyle, Width, presets,
};

use super::{AuditReport, named, percent, printable, printable_name};
use crate::base::digits::decimals;
use crate::estimate::{ConfidenceInterval, Estimate, Value};
use crate::log::{DataQuality, SetAside};

/// The width of the table, in characters.
const TABLE_WIDTH: u16 = 120;

/// The greatest width of the topics, in characters.
const TOPIC_WIDTH: u16 = 40;

/// Topics up to so many characters stay on one line, however wide that makes the table.
const SHORT_TOPIC: u16 = 16;

/// A line under the header and none elsewhere.
pub(crate) const RULED: TableStyle = TableStyle {
    top_border: presets::NOTHING.top_border,
    header_lines: presets::UTF8_HORIZONTAL_ONLY.header_lines,
    header_separator: presets::UTF8_HORIZONTAL_ONLY.header_separator,
    content_lines: presets::UTF8_HORIZONTAL_ONLY.content_lines,
    row_separator: presets::NOTHING.row_separator,
    bottom_border: presets::NOTHING.bottom_border,
};

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

/// A very long name in lines of so many columns, since a table would look for where to part it anew for each.
pub(crate) fn in_lines(name: String, columns: u16) -> String {
    const LONG: usize = 400;
    if name.len() <= LONG {
        return name;
    }
    // Characters may be two columns wide.
    let width = usize::from(columns) / if name.is_ascii() { 1 } else { 2 };
    let characters: Vec<char> = name.chars().collect();
    let lines = characters.chunks(width.max(1)).map(|line| line.iter().collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
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

/// A value in words or digits.
pub(crate) fn value(value: Value) -> String {
    match value {
        Value::Estimated(at) => number(at),
        Value::Zero(at) => format!("{} (zero)", number(at)),
        Value::Infinite => "infinite".to_owned(),
        Value::NegativeInfinite => "-infinite".to_owned(),
        Value::Undefined(_) => "undefined".to_owned(),
        Value::Between { low, high } => format!("from {} to {}", number(low), number(high)),
    }
}

/// An interval in words or digits.
pub(crate) fn interval(interval: &ConfidenceInterval) -> String {
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        (Some(low), None) => format!("{} or more", number(low)),
        (None, Some(high)) => format!("{} or less", number(high)),
        (None, None) => "unbounded".to_owned(),
    }
}

/// Four significant digits; plain notation where that is short.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "infinite" } else { "-infinite" }.to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if (-4.0..6.0).contains(&magnitude) {
        let digits = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

/// Lines of at most 100 characters.
pub(crate) fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 100 {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{in_lines, number};
    use crate::base::digits::{decimals, exact};

    /// Parted by the table it would take minutes.
    #[test]
    fn very_long_names_are_in_lines() {
        let long = in_lines("x".repeat(1 << 16), 40);
        assert!(long.lines().all(|line| line.len() <= 40));
        assert_eq!(long.replace('\n', "").len(), 1 << 16);
        let wide = in_lines("日".repeat(1 << 14), 40);
        assert!(wide.lines().all(|line| line.chars().count() <= 20));
        assert_eq!(in_lines("a b".to_owned(), 2), "a b");
    }

    #[test]
    fn numbers_of_every_size_are_short_and_exact_ones_read_back() {
        for value in [0.0, -0.0, 0.1, 5e-324, -5e-324, 1e-300, 1e81, -1e300, f64::MAX, 1.0 / 3.0] {
            assert!(number(value).len() <= 12, "{}", number(value));
            assert!(decimals(value, 3).len() <= 14, "{}", decimals(value, 3));
            let text = exact(value);
            assert!(text.len() <= 26, "{text}");
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
        assert_eq!((&*exact(0.25), &*exact(1e81), &*decimals(1.5, 3)), ("0.25", "1e81", "1.500"));
    }
}
