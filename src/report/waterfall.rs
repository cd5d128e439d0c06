//! A waterfall in words, as a table, and as JSON.

use std::fmt;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::sensitivity::first_of_each;
use crate::base::printable::printable;
use crate::base::text::{RULED, number, percent, wrap};
use crate::decompose::{EngagementCounts, Stage, Step, TopicWaterfall, WaterfallReport};
use crate::estimate::words;
use crate::estimate::{ConfidenceInterval, Value};

impl WaterfallReport {
    /// What was measured, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let names: Vec<&str> = self.stages().iter().map(|stage| stage.name()).collect();
        let mut sentence = format!(
            "What the stages of arm {:?} do to a topic's share: {}; attention {}; clusters: {}.",
            self.arm(),
            names.join(" to "),
            self.attention(),
            self.cluster()
        );
        if self.stages().contains(&Stage::Engaged) {
            sentence.push_str(match self.engagement() {
                EngagementCounts::TimesMass => " Engagement counts times the impression's mass.",
                EngagementCounts::Alone => " Engagement counts alone.",
            });
        }
        sentence
    }
}

impl fmt::Display for WaterfallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        for waterfall in self.waterfalls() {
            writeln!(f, "\n{}", wrap(&printable(&waterfall.sentence())))?;
            writeln!(f, "{}", table(waterfall))?;
        }
        writeln!(f)?;
        for missing in self.missing() {
            let line = format!("No stage {:?}: it needs {}.", missing.stage.name(), missing.needs);
            writeln!(f, "{}", wrap(&line))?;
        }
        let steps = self.waterfalls().iter().flat_map(|its| its.steps.iter().chain([&its.total]));
        for (warning, steps) in first_of_each(steps.map(|step| &step.estimate)) {
            let line = format!("Warning, {steps} steps, the first: {warning}.");
            writeln!(f, "{}", wrap(&printable(&line)))?;
        }
        for warning in self.warnings() {
            writeln!(f, "{}", wrap(&printable(&format!("Warning: {warning}."))))?;
        }
        Ok(())
    }
}

fn table(waterfall: &TopicWaterfall) -> Table {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(120);
    let steps = || waterfall.steps.iter().chain([&waterfall.total]);
    let level = steps().find_map(|step| step.estimate.interval.ok());
    let level = level
        .map_or_else(|| "interval".to_owned(), |its| format!("{}% interval", percent(its.level)));
    table.set_header([
        "step",
        "share before",
        "share after",
        "ratio",
        &level,
        "log ratio",
        "error",
    ]);
    let share = |share: Option<f64>| {
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", 100.0 * share))
    };
    for (place, step) in steps().enumerate() {
        let estimate = &step.estimate;
        let name = match place == waterfall.steps.len() {
            true => format!("total: {} to {}", step.from, step.to),
            false => format!("{} to {}", step.from, step.to),
        };
        let interval = match &estimate.interval {
            Ok(interval) => words::interval(&of_ratio(interval)),
            Err(reason) => format!("none: {reason}"),
        };
        table.add_row(
            [
                name,
                share(estimate.baseline.share),
                share(estimate.treatment.share),
                ratio(estimate.value),
                interval,
                words::value(estimate.value),
                estimate.standard_error.map_or_else(|| "-".to_owned(), number),
            ]
            .map(Cell::new),
        );
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A log ratio as a ratio.
fn ratio(log: Value) -> String {
    match log {
        Value::NegativeInfinite => "0 (zero)".to_owned(),
        other => other.number().map_or_else(|| words::value(other), |log| number(log.exp())),
    }
}

/// An interval of log ratios as one of ratios.
fn of_ratio(interval: &ConfidenceInterval) -> ConfidenceInterval {
    let end = |end: Option<f64>| end.map(f64::exp).filter(|end| end.is_finite());
    ConfidenceInterval { low: end(interval.low), high: end(interval.high), level: interval.level }
}

impl TopicWaterfall {
    /// What the stages do to the topic, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = format!("Topic {:?}: ", self.topic);
        let parts = self.steps.iter().map(|step| {
            let doubt = match step.estimate.interval {
                Ok(_) if step.excludes_no_change() => "",
                Ok(_) => " (its interval does not exclude 1)",
                Err(_) => " (no interval)",
            };
            format!("{} to {} times {}{doubt}", step.from, step.to, ratio(step.estimate.value))
        });
        sentence.push_str(&parts.collect::<Vec<_>>().join(", "));
        sentence.push_str(&format!("; in all times {}.", ratio(self.total.estimate.value)));
        sentence
    }
}

impl Step {
    /// Whether its interval excludes that nothing changed.
    pub(crate) fn excludes_no_change(&self) -> bool {
        self.estimate.interval.is_ok_and(|interval| {
            interval.low.is_some_and(|low| low > 0.0)
                || interval.high.is_some_and(|high| high < 0.0)
        })
    }
}
