//! The report in Markdown. Whatever comes from a log is escaped: a topic may be called `|` or `*`.

use comfy_table::{ContentArrangement, presets};

use super::table::quality_lines;
use crate::audit::report::AuditReport;
use crate::base::printable::{named, printable, printable_name};

impl AuditReport {
    /// The table in Markdown, without the sentences around it.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        self.table(presets::ASCII_MARKDOWN, ContentArrangement::Disabled, |name| {
            escaped(&printable_name(name))
        })
        .to_string()
    }

    /// The whole report in Markdown: what was estimated, the table, what the arms showed, the state of
    /// the log, and warnings as a list.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # use tiltmeter::{Audit, Question};
    /// # let question = Question::between("ranked", "newest");
    /// let report = Audit::of(&log, &question.topics(["war"])).run()?;
    /// let text = report.to_markdown_document();
    /// assert!(text.contains("| topic |") && text.contains("- **Warning**"));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn to_markdown_document(&self) -> String {
        let mut text = format!("{}\n\n{}\n", escaped(&self.sentence()), self.to_markdown());
        let said = [self.findings_in_words(), self.without_interval_in_words()];
        for sentence in said.concat() {
            text.push_str(&format!("\n{}\n", escaped(&sentence)));
        }
        if let Some(first) = self.estimates.first() {
            let arms = format!(
                "A: {:?}, {} impressions. B: {}, {} impressions.",
                first.estimand.treatment,
                first.treatment.impressions,
                first.estimand.baseline,
                first.baseline.impressions
            );
            text.push_str(&format!("\n{}\n", escaped(&arms)));
        }
        if let Some(quality) = &self.quality {
            let mut lines = String::new();
            quality_lines(&mut lines, quality).expect("writing to a String does not fail");
            text.push('\n');
            for line in lines.lines() {
                text.push_str(&format!("- {}\n", escaped(line.trim_start())));
            }
        }
        let warnings = self.warnings_in_words();
        if !warnings.is_empty() {
            text.push('\n');
        }
        for (warning, topics) in warnings {
            let whom = topics.map_or_else(String::new, |topics| format!(" ({})", named(&topics)));
            text.push_str(&format!("- **Warning**{}\n", escaped(&format!("{whom}: {warning}."))));
        }
        text
    }
}

/// Text that Markdown shows as it is: on one line, with a backslash before what would mark it up or, as
/// many programs do with addresses, make a link of it.
fn escaped(text: &str) -> String {
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
