//! A table in Markdown. Whatever comes from a log is escaped: a topic may be called `|` or `*`.

use super::Table;
use super::lines::width_of;
use crate::base::printable::{printable, printable_name};

impl Table {
    /// The table in Markdown, a line for each row, without its caption. Names from the data are escaped.
    ///
    /// ```
    /// use tiltmeter::report::{Cell, Column, Table};
    ///
    /// let table = Table {
    ///     columns: vec![Column::name("topic")],
    ///     rows: vec![vec![Cell::name("*")]],
    ///     ..Table::default()
    /// };
    /// assert_eq!(table.to_markdown(), "| topic |\n|-------|\n| \\*    |");
    /// ```
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let heading = self.columns.iter().map(|column| words(&column.heading)).collect();
        let mut rows: Vec<Vec<String>> = vec![heading];
        rows.extend(self.rows.iter().map(|row| {
            row.iter().map(|cell| cell.text(|name| escaped(&printable_name(name)), words)).collect()
        }));
        let width = |at: usize| {
            let cells = rows.iter().filter_map(|row: &Vec<String>| row.get(at));
            cells.map(|cell| width_of(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut lines: Vec<String> = rows.iter().map(|row| self.line(row, &widths)).collect();
        let rule = widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|");
        lines.insert(1, format!("|{rule}|"));
        lines.join("\n")
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = "|".to_owned();
        for ((cell, width), column) in row.iter().zip(widths).zip(&self.columns) {
            let free = " ".repeat(width - width_of(cell));
            line.push_str(&match column.align {
                super::Align::Left => format!(" {cell}{free} |"),
                super::Align::Right => format!(" {free}{cell} |"),
            });
        }
        line
    }
}

/// Words of the library's own: what marks nothing up in any place stays as it is.
fn words(words: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _.,;%/+-()?".contains(&byte);
    if words.bytes().all(is_plain) { words.to_owned() } else { escaped(words) }
}

/// Text that Markdown shows as it is: on one line, with a backslash before what would mark it up or, as
/// many programs do with addresses, make a link of it.
pub(in crate::report) fn escaped(text: &str) -> String {
    let text = printable(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let marks = match c {
            '|' | '*' | '_' | '`' | '<' | '>' | '~' | '&' | '$' => true,
            // A backslash before a letter is one; so is a bracket that no link ends with.
            '\\' => chars.peek().is_some_and(char::is_ascii_punctuation),
            ']' => matches!(chars.peek(), Some('(' | '[' | ':')),
            ':' => chars.peek() == Some(&'/'),
            '.' => is_www(&out),
            '@' => true,
            _ => false,
        };
        if marks {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether what was written ends with a word that begins an address.
fn is_www(written: &str) -> bool {
    let at = written.len().saturating_sub(3);
    written.get(at..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

#[cfg(test)]
mod tests {
    use super::escaped;

    /// By hand, after CommonMark 0.31 section 2.4: any ASCII punctuation may be escaped, and a backslash
    /// before anything else is a backslash.
    #[test]
    fn marks_are_escaped_and_lines_joined() {
        assert_eq!(escaped("a|b"), r"a\|b");
        assert_eq!(escaped("*x* <b> [l](u)"), r"\*x\* \<b\> [l\](u)");
        assert_eq!(escaped("two\nlines"), r"two\nlines");
        assert_eq!(escaped(r"\*"), r"\\\*");
        assert_eq!(escaped("plain words, 1.5"), "plain words, 1.5");
        assert_eq!(escaped("[a]: https://b www.c d@e"), r"[a\]: https\://b www\.c d\@e");
        assert_eq!(escaped("a\u{2028}b\u{202e}"), r"a\u{2028}b\u{202e}");
    }
}
