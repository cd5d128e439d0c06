//! What a study finds as a page of HTML and as figures: `--html FILE` and `--figures FOLDER`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tiltmeter::findings::Findings;
use tiltmeter::report::Figure;
use tiltmeter::{Place, Question, StudyFile, StudyInputs};

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
    /// Write each figure of that page into a folder: the picture, its numbers as CSV, and its title and alternative
    /// text as .txt.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) figures: Option<PathBuf>,
    /// In which form: svg, or png for word processors, where the command was built with it.
    #[arg(
        long,
        value_name = "FORM",
        default_value = "svg",
        requires = "figures",
        hide_possible_values = true
    )]
    figures_as: Form,
    /// How many pixels of a PNG there are to an inch; 300 by default.
    #[arg(long, value_name = "N", requires = "figures")]
    dpi: Option<u16>,
    /// A font for letters of a PNG that Roboto does not have (beyond Latin, Greek and Cyrillic).
    #[arg(long, value_name = "FILE", requires = "figures")]
    font: Vec<PathBuf>,
    /// Write all that the page is made of as JSON (docs/findings-json.md).
    #[arg(long, value_name = "FILE")]
    pub(crate) findings: Option<PathBuf>,
}

/// The form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Svg,
    Png,
}

impl PageArgs {
    /// Whether anything is asked for.
    pub(crate) fn is_any(&self) -> bool {
        self.html.is_some() || self.figures.is_some() || self.findings.is_some()
    }

    /// Refuses places that cannot be written to or are read, before what is to be there is known.
    pub(crate) fn check<'p>(
        &'p self,
        more: impl IntoIterator<Item = &'p PathBuf>,
        read: impl IntoIterator<Item = &'p PathBuf>,
    ) -> Result<(), Failure> {
        if self.figures_as == Form::Png && cfg!(not(feature = "png")) {
            return Err(Failure::Usage(NO_PNG.to_owned()));
        }
        if self.figures_as == Form::Svg && (self.dpi.is_some() || !self.font.is_empty()) {
            let what = "--dpi and --font are of PNGs; say --figures-as png, or leave them out";
            return Err(Failure::Usage(what.to_owned()));
        }
        let more = more.into_iter().map(Some);
        out::check([self.html.as_ref(), self.findings.as_ref()].into_iter().chain(more), read)?;
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
            Some(folder) => self.figures(&findings, folder),
            None => Ok(()),
        }
    }

    fn figures(&self, findings: &Findings, folder: &Path) -> Result<(), Failure> {
        make_folder(folder)?;
        for figure in findings.figures()? {
            let place = |ending: &str| folder.join(format!("{}.{ending}", figure.name));
            match self.figures_as {
                Form::Svg => out::write(&place("svg"), &figure.svg)?,
                Form::Png => Place::of(place("png"))?.write_bytes(&self.png(&figure)?)?,
            }
            out::write(&place("csv"), &figure.numbers.to_csv())?;
            out::write(&place("txt"), &format!("{}\n\n{}\n", figure.title, figure.description))?;
        }
        Ok(())
    }

    #[cfg(feature = "png")]
    fn png(&self, figure: &Figure) -> Result<Vec<u8>, Failure> {
        use tiltmeter::report::Png;
        let dots_per_inch = self.dpi.unwrap_or(Png::default().dots_per_inch);
        Ok(figure.to_png(&Png { dots_per_inch, fonts: self.font.clone() })?)
    }

    #[cfg(not(feature = "png"))]
    fn png(&self, _: &Figure) -> Result<Vec<u8>, Failure> {
        Err(Failure::Usage(NO_PNG.to_owned()))
    }
}

/// What to do where the command cannot write PNG: without, it has 37 crates less to compile.
const NO_PNG: &str = "this command was built without PNG; build it with `cargo install --path cli --features png`, \
                      or take the SVG, which many word processors show too";

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|cause| Failure::of_file(folder, cause))
}
