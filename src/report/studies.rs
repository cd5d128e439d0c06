//! What came of studies of a simulation, as text, Markdown and CSV.

use std::fmt;

use super::table::{
    Cell, Column, Fields, Table, Yields, cells, field, fields, names, nested, record,
};
use crate::base::printable::printable;
use crate::base::text::{number, wrap};
use crate::coverage::{Accuracy, PowerResult, Proportion, Smallest, StudyRecord, StudyResult};
use crate::simulate::{Precision, TrueValue};

/// The power whose smallest effect is printed.
const POWER: f64 = 0.8;

/// What stands below the table of a study.
const NOTE: &str = "Bias, RMSE and length are on the working scale, that of the logarithm for ratios. \
                    Coverage is of the intervals with an end, length of those with two. None: studies \
                    without an interval; no end, one end: intervals that lack both or one. Found is \
                    of all studies: by the test, or where the interval leaves out no amplification.";

/// A share in percent, with its interval.
fn share(proportion: Option<Proportion>) -> Cell {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    proportion.map_or(Cell::Nothing, |its| {
        Cell::Parts(vec![
            Cell::shown(its.share, format!("{}%", percent(its.share))),
            Cell::words(" ("),
            Cell::shown(its.low, percent(its.low)),
            Cell::words(" to "),
            Cell::shown(its.high, percent(its.high)),
            Cell::words(")"),
        ])
    })
}

/// A number with its error, if it has one.
fn with_error(cell: Cell, error: Option<f64>) -> Cell {
    match error {
        Some(error) => Cell::Parts(vec![cell, Cell::words(" ± "), Cell::number(error)]),
        None => cell,
    }
}

/// A truth, with its error if it has one.
fn known(known: &TrueValue) -> Cell {
    let error = match known.how {
        Precision::MonteCarlo { standard_error, .. } => standard_error,
        _ => None,
    };
    with_error(Cell::value(known.value), error)
}

/// Whether records are about more than one statistic, so that each must be named.
fn several_statistics(records: &[StudyRecord]) -> bool {
    records.windows(2).any(|pair| pair[0].statistic != pair[1].statistic)
}

/// What a record is about, in a table that names a statistic only where there are several.
fn about(name: &str, record: &StudyRecord, several: bool) -> Cell {
    match several {
        true => Cell::Parts(vec![
            Cell::name(name),
            Cell::words(", "),
            Cell::statistic(&record.statistic),
        ]),
        false => Cell::name(name),
    }
}

fn later(heading: &str, order: u8) -> Column {
    Column::number(heading).yielding(Yields::Later(order))
}

impl StudyResult {
    /// The table: a row for each topic, statistic and method.
    pub fn tables(&self) -> Vec<Table> {
        let several = several_statistics(&self.records);
        let row = |its: &StudyRecord| {
            let bias = |its: Accuracy| with_error(Cell::number(its.bias), its.standard_error);
            vec![
                about(&its.topic, its, several),
                Cell::name(&its.method),
                known(&its.truth),
                its.working.map_or(Cell::Nothing, bias),
                Cell::number(its.working.map(|accuracy| accuracy.rmse)),
                share(its.coverage),
                Cell::number(its.working_length),
                Cell::Count(its.without_interval.into()),
                Cell::Count(its.unbounded.into()),
                Cell::Count(its.one_sided.into()),
                share(its.power()),
            ]
        };
        let columns = vec![
            Column::name("topic"),
            Column::name("method"),
            Column::number("truth"),
            later("bias", 5),
            later("RMSE", 3),
            Column::number("coverage"),
            later("length", 4),
            later("none", 2),
            later("no end", 0),
            later("one end", 1),
            Column::number("found"),
        ];
        let caption = format!("What came of {} studies", self.studies);
        vec![Table { caption, columns, rows: self.records.iter().map(row).collect() }]
    }

    /// The records as CSV, a row for each, with the fields of the JSON that a cell can hold.
    /// [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut table = record(record_names());
        table.rows = self.records.iter().map(record_cells).collect();
        table.to_csv()
    }

    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
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
        let wrap = |text: &str| wrap(text, width);
        writeln!(f, "{}", wrap(&printable(&sentence)))?;
        for table in self.tables() {
            writeln!(f, "{}", table.to_text(width))?;
        }
        writeln!(f, "{}", wrap(NOTE))
    }
}

impl PowerResult {
    /// The table: a row for each point, statistic and method.
    pub fn tables(&self) -> Vec<Table> {
        let columns = vec![
            Column::name("method"),
            Column::number("viewers"),
            Column::number("days"),
            Column::number("factor"),
            later("truth", 1),
            Column::number("found"),
            later("coverage", 0),
        ];
        let mut rows = Vec::new();
        for point in &self.points {
            let several = several_statistics(&point.records);
            rows.extend(point.records.iter().map(|record| {
                vec![
                    about(&record.method, record, several),
                    Cell::Count(point.viewers.into()),
                    Cell::Count(point.days.into()),
                    Cell::number(point.factor),
                    known(&record.truth),
                    share(record.power()),
                    share(record.coverage),
                ]
            }));
        }
        vec![Table { caption: format!("Power for topic {:?}", self.topic), columns, rows }]
    }

    /// The records of all points as CSV, a row for each, with the fields of the JSON that a cell can hold.
    /// [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let point = ["factor", "viewers", "days"].map(str::to_owned);
        let mut table = record(point.into_iter().chain(record_names()));
        for point in &self.points {
            table.rows.extend(point.records.iter().map(|its| {
                let mut cells = vec![
                    field(&point.factor),
                    Cell::Count(point.viewers.into()),
                    Cell::Count(point.days.into()),
                ];
                cells.extend(record_cells(its));
                cells
            }));
        }
        table.to_csv()
    }

    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        let wrap = |text: &str| wrap(text, width);
        let sentence =
            format!("Power for topic {:?}, {} studies at each point.", self.topic, self.studies);
        writeln!(f, "{}", wrap(&printable(&sentence)))?;
        for table in self.tables() {
            writeln!(f, "{}", table.to_text(width))?;
        }
        for line in self.smallest_in_words() {
            writeln!(f, "{}", wrap(&printable(&line)))?;
        }
        Ok(())
    }

    fn smallest_in_words(&self) -> Vec<String> {
        let smallest = self.smallest(POWER).unwrap_or_default();
        let line = |its: &crate::coverage::SmallestEffect| {
            let found = match its.smallest {
                Smallest::Between { factor, effect } => {
                    format!("{} (a factor of {})", number(effect), number(factor))
                }
                Smallest::AtMost { effect, .. } => format!("at most {}", number(effect)),
                Smallest::NotReached => "larger than those studied".to_owned(),
            };
            format!(
                "Smallest {} that {} viewers in {} days show with {:.0}% power, {}: {found}.",
                its.statistic,
                its.viewers,
                its.days,
                100.0 * POWER,
                its.method
            )
        };
        smallest.iter().map(line).collect()
    }
}

/// What a record is of, and how many of its studies lack what.
const FIELDS: Fields<StudyRecord> = fields!(StudyRecord:
    topic, statistic, method, studies, without_value, without_interval, unbounded, one_sided,
    working_length, length,
);

const TRUTH: &[&str] = &["value", "state", "undefined", "how", "standard_error", "replicates"];
const ACCURACY: &[&str] = &["bias", "standard_error", "deviation", "rmse"];
const PROPORTION: &[&str] = &["times", "of", "share", "low", "high"];

/// The fields of a record that have fields of their own.
const NESTED: [(&str, &[&str]); 6] = [
    ("truth", TRUTH),
    ("working", ACCURACY),
    ("reported", ACCURACY),
    ("coverage", PROPORTION),
    ("excludes_null", PROPORTION),
    ("rejects", PROPORTION),
];

fn record_names() -> impl Iterator<Item = String> {
    let nested = NESTED.into_iter();
    let nested =
        nested.flat_map(|(of, inside)| inside.iter().map(move |name| format!("{of}_{name}")));
    names(FIELDS).map(str::to_owned).chain(nested).chain(["warnings".to_owned()])
}

fn record_cells(its: &StudyRecord) -> Vec<Cell> {
    let mut all: Vec<Cell> = cells(FIELDS, its).collect();
    all.extend(nested(TRUTH, &its.truth));
    for accuracy in [&its.working, &its.reported] {
        all.extend(nested(ACCURACY, accuracy));
    }
    for proportion in [&its.coverage, &its.excludes_null, &its.rejects] {
        all.extend(nested(PROPORTION, proportion));
    }
    let warnings = its.warnings.iter().map(|(kind, studies)| format!("{kind}: {studies}"));
    let warnings: Vec<String> = warnings.collect();
    all.push(super::table::words_joined(warnings.iter().map(String::as_str)));
    all
}

super::rendered::tabular!(StudyResult, PowerResult);
super::rendered::printed!(StudyResult, PowerResult);
