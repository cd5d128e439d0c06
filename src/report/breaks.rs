//! Breaks over windows, as text, Markdown and CSV.

use std::fmt;

use super::table::{Cell, Column, Table, field, record};
use crate::base::digits::decimals;
use crate::base::time::iso_text;
use crate::inference::{Break, Breaks, SeriesBreaks};

/// The series, each with the name of its field.
fn series(of: &Breaks) -> [(&'static str, &'static str, &SeriesBreaks); 3] {
    [
        ("ratio", "log ratio", &of.ratio),
        ("treatment", "log share in the treatment", &of.treatment),
        ("baseline", "log share in the baseline", &of.baseline),
    ]
}

/// Every series with its breaks, and who moved; moments in ISO 8601, UTC.
impl fmt::Display for Breaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, name, series) in series(self) {
            writeln!(
                f,
                "{name}: {} breaks in {} windows, {} of them without a value",
                series.breaks.len(),
                series.windows.len(),
                series.without_value
            )?;
            for Break { start, low, high, before, after } in &series.breaks {
                let [before, after] = [before, after].map(|&value| decimals(value, 3));
                let [start, low, high] = [start, low, high].map(|&at| iso_text(at));
                writeln!(f, "  {start} ({low} to {high}): from {before} to {after}")?;
            }
        }
        self.episodes.iter().try_for_each(|its| {
            writeln!(f, "{} to {}: {}", iso_text(its.from), iso_text(its.to), its.moved)
        })
    }
}

impl Breaks {
    /// A table of the breaks, and one of the episodes.
    pub fn tables(&self) -> Vec<Table> {
        vec![self.of_series(), self.of_episodes()]
    }

    /// The breaks as CSV, a row for each, with the fields of the JSON: moments in microseconds since
    /// 1970-01-01T00:00:00Z, and the same in ISO 8601. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let numbers = ["series", "start", "low", "high", "before", "after"].into_iter();
        let mut table = record(numbers.chain(["start_utc", "low_utc", "high_utc"]));
        for (name, _, series) in series(self) {
            table.rows.extend(series.breaks.iter().map(|its| {
                let moments = [its.start, its.low, its.high];
                let mut cells = vec![Cell::words(name)];
                cells.extend(moments.map(Cell::Whole));
                cells.extend([field(&its.before), field(&its.after)]);
                cells.extend(moments.map(|at| Cell::Words(iso_text(at))));
                cells
            }));
        }
        table.to_csv()
    }

    fn of_series(&self) -> Table {
        let columns = vec![
            Column::words("series"),
            Column::words("first window after"),
            Column::words("earliest"),
            Column::words("latest"),
            Column::number("mean before"),
            Column::number("mean after"),
        ];
        let mut rows = Vec::new();
        for (_, name, series) in series(self) {
            rows.extend(series.breaks.iter().map(|its| {
                let mut cells = vec![Cell::words(name)];
                let moments = [its.start, its.low, its.high];
                cells.extend(moments.map(|at| Cell::Words(iso_text(at))));
                cells.extend([its.before, its.after].map(|at| Cell::shown(at, decimals(at, 3))));
                cells
            }));
        }
        Table { caption: "Breaks; means are of natural logarithms".to_owned(), columns, rows }
    }

    fn of_episodes(&self) -> Table {
        let columns = ["from", "to", "who moved"].map(Column::words).into();
        let row = |its: &crate::inference::Episode| {
            let moments = [its.from, its.to].map(iso_text);
            let [from, to] = moments.map(Cell::Words);
            vec![from, to, Cell::Words(its.moved.to_string())]
        };
        let rows = self.episodes.iter().map(row).collect();
        Table { caption: "Breaks whose intervals overlap, together".to_owned(), columns, rows }
    }
}

super::rendered::tabular!(Breaks);
