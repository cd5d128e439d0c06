//! In which form a report is printed.

use clap::Args;
use tiltmeter::decompose::{GroupReport, WaterfallReport};
use tiltmeter::inference::BreaksReport;
use tiltmeter::replay::off_policy::OffPolicyReport;
use tiltmeter::{AuditReport, Error};

use crate::failure::Failure;
use crate::out;
use crate::spoken::in_flags;
use crate::width::WidthArgs;

/// In which form.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print the report as JSON (docs/*-json.md).
    #[arg(long, conflicts_with_all = ["markdown", "csv"])]
    json: bool,
    #[command(flatten)]
    form: FormArgs,
}

/// In which form for people and tables; as text by default.
#[derive(Debug, Args)]
pub(crate) struct FormArgs {
    /// Print it as Markdown.
    #[arg(long, conflicts_with = "csv")]
    markdown: bool,
    /// Print its estimates as CSV, a row for each.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    width: WidthArgs,
}

/// A report in every form.
pub(crate) trait Forms {
    fn json(&self) -> Result<String, Error>;
    fn markdown(&self) -> String;
    fn csv(&self) -> String;
    fn text(&self, width: usize) -> String;
}

/// Reports whose forms have the same names; a report's Markdown may be a document or tables alone.
macro_rules! forms {
    ($($report:ty: $markdown:ident),+ $(,)?) => {$(
        impl Forms for $report {
            fn json(&self) -> Result<String, Error> {
                self.to_json()
            }

            fn markdown(&self) -> String {
                self.$markdown()
            }

            fn csv(&self) -> String {
                self.to_csv()
            }

            fn text(&self, width: usize) -> String {
                self.to_text(width)
            }
        }
    )+};
}

forms! {
    AuditReport: to_markdown_document,
    WaterfallReport: to_markdown,
    GroupReport: to_markdown,
    OffPolicyReport: to_markdown,
    BreaksReport: to_markdown,
}

impl OutputArgs {
    /// Prints a report in the form asked for.
    pub(crate) fn show(&self, report: &impl Forms) -> Result<(), Failure> {
        if !self.json {
            return self.form.show(report);
        }
        self.form.width.refuse("JSON")?;
        out::print(&report.json()?)
    }
}

impl FormArgs {
    /// Prints a report in the form asked for.
    pub(crate) fn show(&self, report: &impl Forms) -> Result<(), Failure> {
        if self.markdown {
            self.width.refuse("Markdown")?;
            out::print(&in_flags(&report.markdown()))
        } else if self.csv {
            self.width.refuse("CSV")?;
            out::print(&report.csv())
        } else {
            out::print(&in_flags(&report.text(self.width.columns())))
        }
    }
}
