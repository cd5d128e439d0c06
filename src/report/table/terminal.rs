//! A table for a terminal: a line under the headings and none elsewhere, and below it what had no room.

use std::fmt;

use super::layout::Layout;
use super::lines::{Parted, lines, width_of};
use super::{Align, STANDARD_WIDTH, Table, Yields};
use crate::base::printable::{printable, printable_name};
use crate::base::text::wrap;

impl Table {
    /// The table in lines of at most so many columns of a terminal, as long as its columns of names have their floor
    /// and its words and numbers are whole. Columns for which there is no room are named below it.
    ///
    /// ```
    /// use tiltmeter::report::{Cell, Column, Table, Yields};
    ///
    /// let clusters = Column::number("clusters").yielding(Yields::First(0));
    /// let table = Table {
    ///     columns: vec![Column::name("topic"), Column::number("estimate"), clusters],
    ///     rows: vec![vec![Cell::name("war"), Cell::number(1.5), Cell::Count(12)]],
    ///     ..Table::default()
    /// };
    /// assert!(table.to_text(80).contains("clusters"));
    /// assert!(table.to_text(25).contains("No room for: clusters."));
    /// ```
    #[must_use]
    pub fn to_text(&self, width: usize) -> String {
        let text_of = |row: &Vec<super::Cell>| -> Vec<String> {
            row.iter().map(|cell| cell.text(printable_name, printable)).collect()
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(text_of).collect();
        let layout = Layout::of(self, &rows, width);
        let columns: Vec<Shown<'_>> =
            layout.shown.iter().map(|place| Shown::of(self, &rows, *place)).collect();
        let mut out = Out(String::new());
        out.row(columns.iter().map(|its| (&*its.heading, its)));
        let ruled: usize = columns.iter().map(|its| its.width + 2).sum();
        out.end();
        out.0.push_str(&"═".repeat(ruled + columns.len().saturating_sub(1)));
        for at in 0..rows.len() {
            out.end();
            out.row(columns.iter().map(|its| (&*its.cells[at], its)));
        }
        if !layout.left_out.is_empty() {
            out.end();
            let named = layout.left_out.iter().map(|at| &*self.columns[*at].heading);
            let line = format!(
                "No room for: {}. A wider terminal has it, and so have Markdown, CSV and JSON.",
                named.collect::<Vec<_>>().join(", ")
            );
            out.0.push_str(&wrap(&printable(&line), width));
        }
        out.0
    }
}

/// For [`STANDARD_WIDTH`].
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(STANDARD_WIDTH))
    }
}

/// A column with its cells in lines.
struct Shown<'t> {
    heading: Vec<String>,
    cells: Vec<Vec<String>>,
    width: usize,
    align: &'t Align,
}

impl<'t> Shown<'t> {
    fn of(table: &'t Table, rows: &[Vec<String>], (at, width): (usize, usize)) -> Self {
        let column = &table.columns[at];
        let parted = match column.yields {
            Yields::Wrapping { .. } => Parted::Anywhere,
            _ => Parted::BetweenWords,
        };
        let lines = |text: &str| lines(text, width, parted);
        let heading = lines(&printable(&column.heading));
        let cells: Vec<_> =
            rows.iter().map(|row| row.get(at).map_or_else(Vec::new, |its| lines(its))).collect();
        let all = cells.iter().chain([&heading]).flatten();
        let width = all.map(|line| width_of(line)).max().unwrap_or(0);
        Self { heading, cells, width, align: &column.align }
    }
}

struct Out(String);

impl Out {
    fn end(&mut self) {
        self.0.push('\n');
    }

    /// A row: as many lines as the cell with most of them.
    fn row<'c>(&mut self, cells: impl Iterator<Item = (&'c [String], &'c Shown<'c>)> + Clone) {
        let most = cells.clone().map(|(lines, _)| lines.len()).max().unwrap_or(0);
        for nth in 0..most.max(1) {
            if nth > 0 {
                self.end();
            }
            for (at, (lines, column)) in cells.clone().enumerate() {
                let text = lines.get(nth).map_or("", |line| &**line);
                let free = " ".repeat(column.width.saturating_sub(width_of(text)));
                let (before, after) = match column.align {
                    Align::Left => ("", &*free),
                    Align::Right => (&*free, ""),
                };
                let gap = if at > 0 { " " } else { "" };
                self.0.push_str(&format!("{gap} {before}{text}{after} "));
            }
        }
    }
}
