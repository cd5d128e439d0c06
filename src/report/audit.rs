//! An audit's report as text, Markdown and CSV. Whatever comes from a log is escaped where it is rendered.

use std::fmt;

use super::estimates;
use super::table::{Table, markdown_escaped as escaped};
use crate::audit::report::AuditReport;
use crate::base::printable::{named, printable, printable_name};
use crate::base::text::wrap;
use crate::estimate::Estimate;
use crate::log::{DataQuality, SetAside};
use crate::question::baseline::Baseline;

impl AuditReport {
    /// The tables of the report: a row for each estimate; and where labels are corrected by hand, what hands said.
    pub fn tables(&self) -> Vec<Table> {
        let labels = super::labels::table(&self.estimates);
        std::iter::once(estimates::table(&self.estimates)).chain(labels).collect()
    }

    /// The estimates as CSV, a row for each, with the fields of the JSON that a cell can hold
    /// (`docs/report-json.md`); [`Table::to_csv`] says how.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # use tiltmeter::{Audit, Question};
    /// # let report = Audit::of(&log, &Question::between("ranked", "newest")).run()?;
    /// assert!(report.to_csv().starts_with("topic,statistic,value,state,"));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn to_csv(&self) -> String {
        estimates::record(&self.estimates).to_csv()
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
        if let Some(first) = self.estimates.first().filter(|_| !self.is_grouped()) {
            text.push_str(&format!("\n{}\n", escaped(&arms(first))));
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

    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        let wrap = |text: &str| wrap(text, width);
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        for table in self.tables() {
            writeln!(f, "{}", table.to_text(width))?;
        }
        for sentence in [self.findings_in_words(), self.without_interval_in_words()].concat() {
            writeln!(f, "{}", wrap(&printable(&sentence)))?;
        }
        if let Some(first) = self.estimates.first().filter(|_| !self.is_grouped()) {
            writeln!(f, "{}", printable(&arms(first)))?;
        }
        if let Some(quality) = &self.quality {
            quality_lines(f, quality)?;
        }
        for (warning, topics) in self.warnings_in_words() {
            let whom = match &topics {
                None => String::new(),
                Some(topics) if topics.len() > 4 => {
                    format!(" ({} and {} more topics)", named(&topics[..3]), topics.len() - 3)
                }
                Some(topics) => format!(" ({})", named(topics)),
            };
            let line = printable(&format!("Warning{whom}: {warning}."));
            writeln!(f, "{}", wrap(&line))?;
        }
        Ok(())
    }
}

/// What the arms are called in the table.
fn arms(first: &Estimate) -> String {
    if first.estimand.baseline == Baseline::Nothing {
        let Estimate { estimand, treatment, .. } = first;
        return format!("A: {:?}, {} impressions.", estimand.treatment, treatment.impressions);
    }
    format!(
        "A: {:?}, {} impressions. B: {}, {} impressions.",
        first.estimand.treatment,
        first.treatment.impressions,
        first.estimand.baseline,
        first.baseline.impressions
    )
}

fn quality_lines(f: &mut impl fmt::Write, quality: &DataQuality) -> fmt::Result {
    let origin = &quality.origin;
    let outside = match quality.outside {
        0 => String::new(),
        outside => format!(", {outside} of arms that are not compared"),
    };
    let found: Vec<String> = origin.found.iter().map(ToString::to_string).collect();
    let found = match found.as_slice() {
        [] => String::new(),
        found => format!("; found: {}", found.join(", ")),
    };
    writeln!(
        f,
        "Log: {}, {} rows read, {} set aside, {} left out, {} impressions, {} untagged{outside}{found}.",
        printable_name(&origin.source),
        origin.rows_read,
        origin.set_aside.rows,
        origin.left_out,
        quality.impressions,
        quality.untagged
    )?;
    set_aside_lines(f, &origin.set_aside)?;
    if let Some(table) = &origin.item_topics {
        writeln!(
            f,
            "Topics: {}, {} items, {} rows set aside, {} items of the log missing.",
            printable_name(&table.source),
            table.items,
            table.set_aside.rows,
            table.items_missing
        )?;
        set_aside_lines(f, &table.set_aside)?;
    }
    Ok(())
}

fn set_aside_lines(f: &mut impl fmt::Write, set_aside: &SetAside) -> fmt::Result {
    for entry in &set_aside.reasons {
        let line = format!(
            "  set aside: {} for {} in column {:?}, first row {} ({:?})",
            entry.rows, entry.reason, entry.column, entry.first_row, entry.first_value
        );
        writeln!(f, "{}", printable(&line))?;
    }
    Ok(())
}

super::rendered::tabular!(AuditReport);
super::rendered::printed!(AuditReport);
