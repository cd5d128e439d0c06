//! The policy that is asked about, as the probability it gives to what was logged. Probabilities only;
//! nothing is weighed here.

use std::collections::BTreeMap;

use super::sums::sum_in_order;
use crate::error::Error;
use crate::log::{Coded, ExposureLog, Role};
use crate::question::propensity::Target;

/// How far above 1 the probabilities of a table may add up: the rounding of whoever made it.
const ROUNDING: f64 = 1e-9;

/// The target's probabilities of an arm's rows, and how far the arm shows what the target would.
pub(super) struct Chosen {
    /// By row of the arm.
    pub(super) probabilities: Vec<f64>,
    /// Distinct items of the arm; `None` without a column of items.
    pub(super) items: Option<u64>,
    /// What the target gives to items that the arm never shows; `None` where that is not known.
    pub(super) uncovered: Option<f64>,
    /// What the target gives to all items: 1 but for tables that add up to less.
    pub(super) total: f64,
}

impl Target {
    /// The probabilities of some rows.
    pub(super) fn of_rows(&self, log: &ExposureLog, rows: &[usize]) -> Result<Chosen, Error> {
        let items = log.ids(Role::Item);
        let shown = items.map(|items| Shown::of(items, rows));
        let count = shown.as_ref().map(|shown| shown.count);
        let needed = |needed_by: &str| log.require_ids(Role::Item, needed_by);
        let (probabilities, uncovered, total) = match self {
            Self::Uniform { items } => {
                check_items(*items, count)?;
                let each = 1.0 / f64::from(*items);
                let uncovered = count.map(|count| (f64::from(*items) - count as f64) * each);
                (vec![each; rows.len()], uncovered, 1.0)
            }
            Self::UniformOverItems => {
                needed("a target that is uniform over items")?;
                let each = 1.0 / count.unwrap_or(1).max(1) as f64;
                (vec![each; rows.len()], Some(0.0), 1.0)
            }
            Self::Table(table) => {
                let items = needed("a target by item")?;
                let total = check_table(table)?;
                let by_code: Vec<f64> = items
                    .dictionary()
                    .iter()
                    .map(|item| table.get(item).copied().unwrap_or(0.0))
                    .collect();
                let unseen = table.iter().filter(|(item, _)| {
                    let code = items.dictionary().code(item);
                    !shown.as_ref().is_some_and(|shown| shown.has(code))
                });
                let uncovered = sum_in_order(unseen.map(|(_, probability)| *probability));
                let of_row = |&row: &usize| by_code[items.codes()[row] as usize];
                (rows.iter().map(of_row).collect(), Some(uncovered), total)
            }
            Self::ByRow(values) => (by_row(log, rows, values)?, None, 1.0),
        };
        Ok(Chosen { probabilities, items: count, uncovered, total })
    }
}

/// Which items some rows show.
struct Shown {
    by_code: Vec<bool>,
    count: u64,
}

impl Shown {
    fn of(items: &Coded, rows: &[usize]) -> Self {
        let mut by_code = vec![false; items.dictionary().len()];
        rows.iter().for_each(|&row| by_code[items.codes()[row] as usize] = true);
        let count = by_code.iter().filter(|shown| **shown).count() as u64;
        Self { by_code, count }
    }

    fn has(&self, code: Option<u32>) -> bool {
        code.is_some_and(|code| self.by_code[code as usize])
    }
}

fn check_items(items: u32, shown: Option<u64>) -> Result<(), Error> {
    let shown = shown.unwrap_or(0);
    if items > 0 && u64::from(items) >= shown {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "the number of items of Target::Uniform",
        value: format!("{items}, where the logging arm shows {shown} distinct items"),
        expected: "1 or more, and no fewer than the arm shows",
    })
}

/// The sum of a table's probabilities.
fn check_table(table: &BTreeMap<String, f64>) -> Result<f64, Error> {
    let no_probability = |value: f64| !(0.0..=1.0 + ROUNDING).contains(&value);
    if let Some((item, value)) = table.iter().find(|(_, value)| no_probability(**value)) {
        return Err(Error::Parameter {
            parameter: "a probability of Target::Table",
            value: format!("{value} for item {item:?}"),
            expected: "from 0 to 1",
        });
    }
    let total = sum_in_order(table.values().copied());
    if total > 1.0 + ROUNDING {
        return Err(Error::Parameter {
            parameter: "the sum of Target::Table",
            value: total.to_string(),
            expected: "at most 1, since one item is shown at a time",
        });
    }
    Ok(total)
}

fn by_row(log: &ExposureLog, rows: &[usize], values: &[f64]) -> Result<Vec<f64>, Error> {
    one_per_row(log, "the target's probabilities", values)?;
    let probability = |&row: &usize| match values[row] {
        value if (0.0..=1.0).contains(&value) => Ok(value),
        value => Err(Error::GivenRow {
            what: "the target's probability",
            row: row as u64 + 1,
            value,
            expected: "from 0 to 1",
        }),
    };
    rows.iter().map(probability).collect()
}

/// Whether there is a number for each row of a log.
pub(super) fn one_per_row(log: &ExposureLog, what: &str, values: &[f64]) -> Result<(), Error> {
    if values.len() == log.rows() {
        return Ok(());
    }
    Err(Error::ColumnLength {
        file: log.origin().source.clone(),
        column: what.to_owned(),
        found: values.len(),
        expected: log.rows(),
    })
}
