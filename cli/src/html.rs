//! What a study finds as a page of HTML and as figures: `--html FILE` and `--figures FOLDER`.

use std::path::{Path, PathBuf};

use clap::Args;
use tiltmeter::findings::Findings;
use tiltmeter::{Question, StudyFile, StudyInputs};

use crate::failure::Failure;
use crate::out;
use crate::progress::waiting;

/// Files beside what is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct PageArgs {
    /// Write one page of HTML with figures, shares over time, sensitivity and methods.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write each figure of that page as SVG into a folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) figures: Option<PathBuf>,
    /// Write all that the page is made of as JSON (docs/findings-json.md).
    #[arg(long, value_name = "FILE")]
    pub(crate) findings: Option<PathBuf>,
}

impl PageArgs {
    /// Whether anything is asked for.
    pub(crate) fn is_any(&self) -> bool {
        self.html.is_some() || self.figures.is_some() || self.findings.is_some()
    }

    /// Refuses places that cannot be written to or are read, before what is to be there is known.
    pub(crate) fn check<'p>(
        &'p self,
        more: Option<&'p PathBuf>,
        read: impl IntoIterator<Item = &'p PathBuf>,
    ) -> Result<(), Failure> {
        out::check([self.html.as_ref(), self.findings.as_ref(), more], read)?;
        self.figures.as_ref().map_or(Ok(()), |folder| make_folder(folder))
    }

    /// Refuses a page of several groups before the log is read.
    pub(crate) fn check_question(&self, question: &Question) -> Result<(), Failure> {
        if self.is_any() && !question.groups.is_nothing() {
            return Err(Failure::Usage(format!(
                "a page, its figures and its findings are of one comparison, and groups are asked for ({}); \
                 leave --by, --window and --pairs out, or print the groups with --csv or --json",
                question.groups
            )));
        }
        Ok(())
    }

    /// Writes what is asked for.
    pub(crate) fn write(&self, study: &StudyFile, inputs: &StudyInputs) -> Result<(), Failure> {
        if !self.is_any() {
            return Ok(());
        }
        let findings = waiting("drawing", || Findings::of(inputs, study))?;
        if let Some(path) = &self.html {
            out::write(path, &findings.to_html()?)?;
        }
        if let Some(path) = &self.findings {
            out::write(path, &findings.to_json()?)?;
        }
        match &self.figures {
            Some(folder) => figures(&findings, folder),
            None => Ok(()),
        }
    }
}

fn figures(findings: &Findings, folder: &Path) -> Result<(), Failure> {
    make_folder(folder)?;
    for figure in findings.figures()? {
        out::write(&folder.join(format!("{}.svg", figure.name)), &figure.svg)?;
    }
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|cause| Failure::of_file(folder, cause))
}
