//! A table in HTML: names each by themselves, numbers to the last digit in `<data>`.

use super::{Cell, Table};
use crate::base::digits::exact;
use crate::base::printable::printable_name;
use crate::base::text::{count, grouped};
use crate::report::markup::{escaped, isolated, with_names_isolated};

impl Table {
    /// The table as a `<table>` element, which is XML too. Names from the data are escaped, and each stands in a
    /// `<bdi>`; every number has all its digits in a `<data>`, and is shown with commas between thousands.
    ///
    /// ```
    /// use tiltmeter::report::{Cell, Column, Table};
    ///
    /// let table = Table {
    ///     caption: "Topics".to_owned(),
    ///     columns: vec![Column::name("topic"), Column::number("value")],
    ///     rows: vec![vec![Cell::name("<b>"), Cell::number(2.0 / 3.0)]],
    /// };
    /// let html = table.to_html();
    /// assert!(html.contains("<th scope=\"row\"><bdi>&lt;b&gt;</bdi></th>"));
    /// assert!(html.contains("<data value=\"0.6666666666666666\">0.6667</data>"));
    /// ```
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut out = format!(
            "<table>\n<caption>{}</caption>\n<thead><tr>",
            with_names_isolated(&self.caption)
        );
        for column in &self.columns {
            out.push_str(&format!("<th scope=\"col\">{}</th>", escaped(&column.heading)));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let inside = within(cell);
                out.push_str(&match cell {
                    _ if at == 0 => format!("<th scope=\"row\">{inside}</th>"),
                    _ => format!("<td>{inside}</td>"),
                });
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n");
        out
    }
}

/// What stands in a cell.
fn within(cell: &Cell) -> String {
    let data = |exact: &str, shown: &str| {
        format!("<data value=\"{}\">{}</data>", escaped(exact), escaped(shown))
    };
    match cell {
        Cell::Nothing => "none".to_owned(),
        Cell::Words(words) => with_names_isolated(words),
        Cell::Name(name) => isolated(&printable_name(name)),
        Cell::Count(its) => data(&its.to_string(), &count(*its)),
        Cell::Whole(whole) => data(&whole.to_string(), &grouped(&whole.to_string())),
        Cell::Number { value, shown } => data(&exact(*value), &grouped(shown)),
        Cell::Parts(parts) => parts.iter().map(within).collect(),
    }
}
