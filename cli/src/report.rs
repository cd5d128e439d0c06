//! `report`: a saved report in another form.

use std::path::PathBuf;

use clap::Args;
use tiltmeter::AuditReport;

use crate::failure::Failure;
use crate::{html, out};

/// Show a report saved as JSON in another form.
///
/// Example: tiltmeter report report.json --markdown
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The report, as `audit --json` or `estimate --json` printed it.
    report: PathBuf,
    /// As the table that `audit` prints (the default).
    #[arg(long, conflicts_with = "markdown")]
    text: bool,
    /// As Markdown.
    #[arg(long)]
    markdown: bool,
    /// Write it as HTML.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let json = std::fs::read_to_string(&args.report)
        .map_err(|cause| Failure::of_file(&args.report, cause))?;
    let report = AuditReport::from_json(&json)?;
    if args.markdown {
        out::print(&report.to_markdown_document())?;
    } else if args.text || args.html.is_none() {
        out::print(&report.to_string())?;
    }
    args.html.iter().try_for_each(|path| html::write(&report, path))
}
