//! Tables of studies.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::StudyResult;
use super::curve::{PowerResult, Smallest};
use super::proportion::Proportion;
use super::record::{Accuracy, StudyRecord};
use crate::base::printable::{printable, printable_name};
use crate::base::text::{RULED, number, wrap};
use crate::estimate::words::value;
use crate::simulate::truth::{HowKnown, Known};

/// The power whose smallest effect is printed.
const POWER: f64 = 0.8;

fn table(header: &[&str], texts: usize) -> Table {
    let mut table = Table::new();
    table.load_style(RULED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A share in percent, with its interval.
fn share(proportion: Option<Proportion>) -> String {
    proportion.map_or("-".to_owned(), |p| {
        format!("{:.1}% ({:.1} to {:.1})", 100.0 * p.share, 100.0 * p.low, 100.0 * p.high)
    })
}

/// A truth, with its error if it has one.
fn known(known: &Known) -> String {
    let text = value(known.value);
    match known.how {
        HowKnown::MonteCarlo { standard_error: Some(error), .. } => {
            format!("{text} ± {}", number(error))
        }
        _ => text,
    }
}

fn optional(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), number)
}

impl fmt::Display for StudyResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { studies, truth, .. } = self;
        let sentence = format!(
            "{studies} studies of {:?} against {:?}, {}, attention {}; clusters: {}. The truth is {}.",
            truth.treatment,
            truth.baseline,
            truth.unit,
            truth.attention,
            self.cluster,
            match truth.replicates {
                None => "exact".to_owned(),
                Some(replicates) => format!("from {replicates} replicates, ± its standard error"),
            }
        );
        writeln!(f, "{}", wrap(&printable(&sentence)))?;
        let header = [
            "topic", "method", "truth", "bias", "RMSE", "coverage", "length", "none", "no end",
            "one end", "found",
        ];
        let several = several_statistics(&self.records);
        let mut table = table(&header, 2);
        for record in &self.records {
            table.add_row(row(record, several));
        }
        writeln!(f, "{table}")?;
        let note = "Bias, RMSE and length are on the working scale, that of the logarithm for ratios. \
                    Coverage is of the intervals with an end, length of those with two. None: studies \
                    without an interval; no end, one end: intervals that lack both or one. Found is \
                    of all studies: by the test, or where the interval leaves out no amplification.";
        writeln!(f, "{}", wrap(note))
    }
}

/// Whether records are about more than one statistic, so that each must be named.
fn several_statistics(records: &[StudyRecord]) -> bool {
    records.windows(2).any(|pair| pair[0].statistic != pair[1].statistic)
}

/// What a record is about, in a table that names a statistic only where there are several.
fn about(name: &str, record: &StudyRecord, several: bool) -> String {
    let name = printable_name(name);
    if several { format!("{name}, {}", record.statistic) } else { name }
}

fn row(record: &StudyRecord, several: bool) -> Vec<String> {
    let bias = |accuracy: Accuracy| match accuracy.standard_error {
        Some(error) => format!("{} ± {}", number(accuracy.bias), number(error)),
        None => number(accuracy.bias),
    };
    vec![
        about(&record.topic, record, several),
        printable_name(&record.method),
        known(&record.truth),
        record.working.map_or("-".to_owned(), bias),
        optional(record.working.map(|accuracy| accuracy.rmse)),
        share(record.coverage),
        optional(record.working_length),
        record.without_interval.to_string(),
        record.unbounded.to_string(),
        record.one_sided.to_string(),
        share(record.power()),
    ]
}

impl fmt::Display for PowerResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence =
            format!("Power for topic {:?}, {} studies at each point.", self.topic, self.studies);
        writeln!(f, "{}", wrap(&printable(&sentence)))?;
        let header = ["method", "viewers", "days", "factor", "truth", "found", "coverage"];
        let mut table = table(&header, 1);
        for point in &self.points {
            let several = several_statistics(&point.records);
            for record in &point.records {
                table.add_row(vec![
                    about(&record.method, record, several),
                    point.viewers.to_string(),
                    point.days.to_string(),
                    number(point.factor),
                    known(&record.truth),
                    share(record.power()),
                    share(record.coverage),
                ]);
            }
        }
        writeln!(f, "{table}")?;
        for smallest in self.smallest(POWER).unwrap_or_default() {
            let found = match smallest.smallest {
                Smallest::Between { factor, effect } => {
                    format!("{} (a factor of {})", number(effect), number(factor))
                }
                Smallest::AtMost { effect, .. } => format!("at most {}", number(effect)),
                Smallest::NotReached => "larger than those studied".to_owned(),
            };
            let line = format!(
                "Smallest {} that {} viewers in {} days show with {:.0}% power, {}: {found}.",
                smallest.statistic,
                smallest.viewers,
                smallest.days,
                100.0 * POWER,
                smallest.method
            );
            writeln!(f, "{}", wrap(&line))?;
        }
        Ok(())
    }
}
