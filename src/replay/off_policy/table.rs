//! The report as text.

use std::fmt;

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};

use super::measure::Measure;
use super::report::{Answer, Caution, OffPolicyEstimate, OffPolicyReport};
use crate::base::printable::{printable, printable_name};
use crate::base::text::{RULED, in_lines, number, percent, wrap};
use crate::estimate::MethodUsed;
use crate::estimate::words::{interval, value};

/// The width of tables, in characters.
const TABLE_WIDTH: u16 = 120;

/// The greatest width of a topic or measure, in characters.
const NAME_WIDTH: u16 = 40;

impl OffPolicyReport {
    /// The question and what the weights are worth, in sentences.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (asked, weights) = (&self.asked, &self.weights);
        let mut sentence = format!(
            "What arm {:?} would have earned and shown with another policy: target {}, weights {}; clusters: {}. {} impressions, worth {} of the target's (effective sample size); greatest weight {}, mean {}.",
            asked.arm,
            asked.target,
            asked.clip,
            asked.cluster,
            weights.impressions,
            number(weights.effective_size),
            number(weights.greatest),
            number(weights.mean),
        );
        if let Some(model) = &asked.reward_model {
            sentence += &format!(" Reward model: {model}.");
        }
        if let Some(check) = &asked.check {
            sentence += &format!(" Checked against arm {check:?}.");
        }
        sentence
    }

    /// Rewards and weights, a line each.
    fn rewards(&self) -> Table {
        let estimates: Vec<_> = self.estimates.iter().filter(|its| its.topic.is_none()).collect();
        let level = self.level();
        let mut table =
            ruled(&["measure", "estimate", &level, "clusters", "naive interval", "design effect"]);
        for estimate in estimates {
            let mut cells = vec![Cell::new(estimate.measure.name())];
            match &estimate.answer {
                Ok(answer) => cells.extend(columns(answer)),
                Err(_) => cells.extend(refused(5)),
            }
            table.add_row(cells);
        }
        aligned(table)
    }

    /// Topics, a line each.
    fn topics_table(&self, topics: &[&str]) -> Table {
        let level = self.level();
        let checked = self.asked.check.is_some();
        let mut header = vec!["topic", "logged", "SNIPS", "amplification", &level];
        if checked {
            header.extend(["check", "SNIPS - check", &level]);
        }
        let mut table = ruled(&header);
        for topic in topics {
            let cell = |measure| match self.of_topic(measure, topic).map(|its| &its.answer) {
                Some(Ok(answer)) => Cell::new(value(answer.value)),
                Some(Err(_)) => Cell::new("refused"),
                None => Cell::new("-"),
            };
            let range = |measure| {
                let answer = self.of_topic(measure, topic).and_then(|its| its.answer.ok());
                Cell::new(answer.map_or("-".to_owned(), |answer| range(&answer)))
            };
            let mut cells = vec![
                Cell::new(in_lines(printable_name(topic), NAME_WIDTH)),
                cell(Measure::LoggedShare),
                cell(Measure::SnipsShare),
                cell(Measure::Amplification),
                range(Measure::Amplification),
            ];
            if checked {
                cells.extend([
                    cell(Measure::OtherShare),
                    cell(Measure::ShareDifference),
                    range(Measure::ShareDifference),
                ]);
            }
            table.add_row(cells);
        }
        aligned(table)
    }

    /// The heading of intervals.
    fn level(&self) -> String {
        let intervals = self.estimates.iter().filter_map(|its| its.answer.ok()?.interval.ok());
        match intervals.into_iter().next() {
            Some(interval) => format!("{}% interval", percent(interval.level)),
            None => "interval".to_owned(),
        }
    }

    /// How intervals were made, each way with how many it made.
    fn methods(&self) -> String {
        let mut used: Vec<(MethodUsed, usize)> = Vec::new();
        for method in self.estimates.iter().filter_map(|its| its.answer.ok()?.method) {
            match used.iter_mut().find(|(its, _)| *its == method) {
                Some((_, count)) => *count += 1,
                None => used.push((method, 1)),
            }
        }
        let told = used.iter().map(|(method, count)| format!("{method} ({count})"));
        told.collect::<Vec<_>>().join("; ")
    }

    /// The warnings of single estimates, each once, with those it concerns.
    fn of_estimates(&self) -> Vec<(&Caution, Vec<String>)> {
        let mut seen: Vec<(&Caution, Vec<String>)> = Vec::new();
        for estimate in &self.estimates {
            for warning in &estimate.warnings {
                match seen.iter_mut().find(|(its, _)| *its == warning) {
                    Some((_, whose)) => whose.push(name(estimate)),
                    None => seen.push((warning, vec![name(estimate)])),
                }
            }
        }
        seen
    }
}

impl fmt::Display for OffPolicyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        writeln!(f, "{}", self.rewards())?;
        let topics = self.topics();
        if !topics.is_empty() {
            writeln!(f, "\nShares of exposure:\n{}", self.topics_table(&topics))?;
        }
        let methods = self.methods();
        if !methods.is_empty() {
            writeln!(f, "{}", wrap(&format!("Intervals: {methods}.")))?;
        }
        if let Some(refusal) = self.refusal() {
            writeln!(f, "{}", wrap(&format!("Refused: {refusal}.")))?;
        }
        for warning in &self.warnings {
            writeln!(f, "{}", wrap(&printable(&format!("Warning: {warning}."))))?;
        }
        for (warning, whose) in self.of_estimates() {
            let whose = match whose.as_slice() {
                few if few.len() <= 4 => few.join(", "),
                many => format!("{} and {} more", many[..3].join(", "), many.len() - 3),
            };
            writeln!(f, "{}", wrap(&printable(&format!("Warning ({whose}): {warning}."))))?;
        }
        Ok(())
    }
}

fn name(estimate: &OffPolicyEstimate) -> String {
    match &estimate.topic {
        None => estimate.measure.name().to_owned(),
        Some(topic) => format!("{} of {topic}", estimate.measure.name()),
    }
}

fn ruled(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(TABLE_WIDTH);
    table.set_header(header.iter().map(Cell::new));
    table
}

fn aligned(mut table: Table) -> Table {
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_constraint(match at {
            0 => ColumnConstraint::UpperBoundary(Width::Fixed(NAME_WIDTH)),
            _ => ColumnConstraint::ContentWidth,
        });
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn columns(answer: &Answer) -> Vec<Cell> {
    let clusters = match answer.arms {
        Some(arms) => format!("{} / {}", arms.treatment, arms.baseline),
        None => answer.clusters.to_string(),
    };
    vec![
        Cell::new(value(answer.value)),
        Cell::new(range(answer)),
        Cell::new(clusters),
        Cell::new(answer.naive.map_or("-".to_owned(), |naive| interval(&naive.interval))),
        Cell::new(answer.naive.and_then(|n| n.design_effect).map_or("-".to_owned(), number)),
    ]
}

fn range(answer: &Answer) -> String {
    answer.interval.as_ref().map_or("-".to_owned(), interval)
}

/// What stands where there is no number.
fn refused(columns: usize) -> Vec<Cell> {
    let dashes = std::iter::repeat_n("-", columns - 1);
    std::iter::once("refused").chain(dashes).map(Cell::new).collect()
}
