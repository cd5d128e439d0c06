//! `report`: a saved report in another form, or all that a study finds.

use std::path::PathBuf;

use clap::Args;
use tiltmeter::AuditReport;

use crate::failure::Failure;
use crate::forms::FormArgs;
use crate::html::PageArgs;
use crate::{audit, study};

/// Show a report saved as JSON in another form, or make the page of a study.
///
/// Example: tiltmeter report report.json --markdown
///
/// Example: tiltmeter report --study study.toml --html report.html --figures figures
///
/// A saved report has the answers alone. The page has more, and is made of the study's inputs.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The report, as `audit --json` or `estimate --json` printed it.
    #[arg(required_unless_present = "study", conflicts_with = "PageArgs")]
    report: Option<PathBuf>,
    /// A study file, to be run again.
    #[arg(long, value_name = "FILE", conflicts_with = "report", requires = "PageArgs")]
    study: Option<PathBuf>,
    /// As the table that `audit` prints (the default).
    #[arg(long, conflicts_with_all = ["markdown", "csv"])]
    text: bool,
    #[command(flatten)]
    form: FormArgs,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) fn run(args: &ReportArgs) -> Result<(), Failure> {
    if let Some(path) = &args.study {
        args.page.check(None, [path])?;
        let (study, folder) = (study::open(path)?, study::folder_of(path));
        args.page.check(None, &study.files(&folder).unwrap_or_default())?;
        return args.page.write(&study, &audit::read(&study, &folder)?);
    }
    let Some(path) = &args.report else {
        return Err(Failure::Usage("which report? Or --study FILE".to_owned()));
    };
    let json = std::fs::read_to_string(path).map_err(|cause| Failure::of_file(path, cause))?;
    let report = AuditReport::from_json(&json)?;
    args.form.show(&report)
}
