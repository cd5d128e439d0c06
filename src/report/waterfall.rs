//! A waterfall in words, as a table, and as JSON.

use std::fmt;

use super::estimates;
use super::sensitivity::first_of_each;
use super::table::{Cell, Column, Table, Yields, of_level, record};
use crate::base::printable::printable;
use crate::base::text::{number, wrap};
use crate::decompose::{EngagementCounts, Stage, Step, TopicWaterfall, WaterfallReport};
use crate::estimate::words;
use crate::estimate::{ConfidenceInterval, Value};
use crate::question::estimand::{OfRows, Weighing};

impl WaterfallReport {
    /// What was measured, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let names: Vec<&str> = self.stages().iter().map(|stage| stage.name()).collect();
        let weighing = Weighing {
            weights: self.weights(),
            attention: self.attention(),
            denominator: self.denominator(),
            multi_label: self.multi_label(),
        };
        let mut sentence = format!(
            "What the stages of arm {:?} do to a topic's share: {}{weighing}{}; clusters: {}.",
            self.arm(),
            names.join(" to "),
            OfRows(&self.quality().origin.kept),
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

impl WaterfallReport {
    /// A table for each topic: its steps, and the total.
    pub fn tables(&self) -> Vec<Table> {
        self.waterfalls().iter().map(table).collect()
    }

    /// The steps of all topics as CSV, a row for each, with the fields of the JSON that a cell can hold
    /// (`docs/waterfall-json.md`); `part` says which are totals. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let of = ["topic", "part", "from", "to"].into_iter();
        let mut table = record(of.chain(estimates::answer_names()));
        for waterfall in self.waterfalls() {
            let steps = waterfall.steps.iter().map(|step| ("step", step));
            table.rows.extend(steps.chain([("total", &waterfall.total)]).map(|(part, step)| {
                let of = [part, step.from.name(), step.to.name()].map(Cell::words);
                let mut cells = vec![Cell::name(&waterfall.topic)];
                cells.extend(of);
                cells.extend(estimates::answer_cells(Some(&step.estimate)));
                cells
            }));
        }
        table.to_csv()
    }

    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        let wrap = |text: &str| wrap(text, width);
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        for waterfall in self.waterfalls() {
            writeln!(f, "\n{}", wrap(&printable(&waterfall.sentence())))?;
            writeln!(f, "{}", table(waterfall).to_text(width))?;
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
    let steps = || waterfall.steps.iter().chain([&waterfall.total]);
    let level = of_level(steps().map(|step| step.estimate.interval.as_ref().ok()));
    let later = |heading: &str, order| Column::number(heading).yielding(Yields::Later(order));
    let columns = vec![
        Column::words("step"),
        later("share before", 2),
        later("share after", 3),
        Column::number("ratio"),
        Column::number(level),
        later("log ratio", 1),
        later("error", 0),
    ];
    let row = |(place, step): (usize, &Step)| {
        let estimate = &step.estimate;
        let name = match place == waterfall.steps.len() {
            true => format!("total: {} to {}", step.from, step.to),
            false => format!("{} to {}", step.from, step.to),
        };
        let share = |share: Option<f64>| {
            share.map_or(Cell::Nothing, |its| Cell::shown(its, format!("{:.2}%", 100.0 * its)))
        };
        let interval = match &estimate.interval {
            Ok(interval) => Cell::interval(&of_ratio(interval)),
            Err(_) => Cell::interval_or_why(&estimate.interval),
        };
        vec![
            Cell::Words(name),
            share(estimate.baseline.share),
            share(estimate.treatment.share),
            match estimate.value.number().map(f64::exp) {
                Some(its) => Cell::shown(its, ratio(estimate.value)),
                None => Cell::Words(ratio(estimate.value)),
            },
            interval,
            Cell::value(estimate.value),
            Cell::number(estimate.standard_error),
        ]
    };
    let caption = format!("Steps of topic {:?}; logarithms are natural", waterfall.topic);
    Table { caption, columns, rows: steps().enumerate().map(row).collect() }
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

super::rendered::tabular!(WaterfallReport);
super::rendered::printed!(WaterfallReport);
