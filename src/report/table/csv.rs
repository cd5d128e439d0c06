//! A table as CSV (RFC 4180), for programs and spreadsheets.

use super::{Cell, Table};
use crate::base::digits::exact;
use crate::base::text::csv_text as text;

impl Table {
    /// The table as CSV: one row of headings, commas, lines that end with a line feed, numbers with all their digits,
    /// and nothing where there is nothing.
    ///
    /// Texts are printable: what has no look, line ends among it, is escaped as in `\n` or `\u{202e}`, and a backslash
    /// is doubled. A text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-` or `@`), or that
    /// begins with `'`, has a `'` before it; taken off, it is the text again.
    ///
    /// ```
    /// use tiltmeter::report::{Cell, Column, Table};
    ///
    /// let table = Table {
    ///     columns: vec![Column::name("topic"), Column::number("value")],
    ///     rows: vec![vec![Cell::name("=1+1, \"war\""), Cell::number(-1.0 / 3.0)]],
    ///     ..Table::default()
    /// };
    /// assert_eq!(table.to_csv(), "topic,value\n\"'=1+1, \"\"war\"\"\",-0.3333333333333333\n");
    /// ```
    #[must_use]
    pub fn to_csv(&self) -> String {
        let headings = self.columns.iter().map(|column| text(&column.heading));
        let mut out = headings.collect::<Vec<_>>().join(",");
        out.push('\n');
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&field(cell));
            }
            out.push('\n');
        }
        out
    }
}

fn field(cell: &Cell) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Words(its) | Cell::Name(its) => text(its),
        Cell::Count(count) => count.to_string(),
        Cell::Whole(whole) => whole.to_string(),
        Cell::Number { value, .. } if value.is_finite() => exact(*value),
        // What is not finite is no number; a field of its own says which state that is.
        Cell::Number { .. } => String::new(),
        Cell::Parts(parts) => text(&parts.iter().map(bare).collect::<String>()),
    }
}

/// One of several parts, which are quoted together.
fn bare(cell: &Cell) -> String {
    match cell {
        Cell::Words(its) | Cell::Name(its) => its.clone(),
        Cell::Parts(parts) => parts.iter().map(bare).collect(),
        other => field(other),
    }
}
