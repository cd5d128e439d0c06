//! A report as a page of HTML, for `--html FILE`: the one place that knows how it is made.

use std::path::Path;

use tiltmeter::AuditReport;

use crate::failure::Failure;

/// Writes a report as one self-contained file.
pub(crate) fn write(_report: &AuditReport, path: &Path) -> Result<(), Failure> {
    Err(Failure::of_file(
        path,
        "not written: this build cannot make HTML yet; take --json or --markdown",
    ))
}
