//! What the studies of known phenomena share: their command line, and numbers with an interval.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;
use tiltmeter::Estimate;

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The number.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Measured {
    /// What an audit found, where it has a finite value and both bounds.
    pub fn of(estimate: &Estimate) -> Option<Self> {
        let interval = estimate.interval.as_ref().ok()?;
        let value = estimate.value.number().filter(|value| value.is_finite())?;
        Some(Self { value, low: interval.low?, high: interval.high? })
    }

    /// The same on another scale; `change` must rise.
    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self { value: change(self.value), low: change(self.low), high: change(self.high) }
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.2} ({:.2} to {:.2})", self.value, self.low, self.high))
    }
}

/// A study of a phenomenon, as it is told.
pub trait Phenomenon: Serialize {
    /// The table and the sentences.
    ///
    /// # Errors
    /// Those of the writer.
    fn print(&self, out: &mut dyn Write) -> io::Result<()>;

    /// The chart, as SVG.
    fn chart(&self) -> String;
}

/// A table and two sentences, and a chart.
#[derive(Parser)]
struct Options {
    /// Prints the same as JSON.
    #[arg(long)]
    json: bool,
    /// Where the chart goes; into `target/` by default.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Runs a study, writes its chart to a file and prints the rest.
pub fn run<P: Phenomenon>(
    name: &str,
    study: impl FnOnce() -> Result<P, tiltmeter::Error>,
) -> ExitCode {
    let options = Options::parse();
    crate::told(study().map_err(Into::into).and_then(|found| text(name, &options, &found)))
}

fn text<P: Phenomenon>(name: &str, options: &Options, found: &P) -> Result<String, Box<dyn Error>> {
    let svg = options.svg.clone().unwrap_or_else(|| default_path(name));
    std::fs::write(&svg, found.chart()).map_err(|cause| format!("{}: {cause}", svg.display()))?;
    eprintln!("chart: {}", svg.display());
    if options.json {
        return Ok(serde_json::to_string_pretty(found)?);
    }
    let mut text = Vec::new();
    found.print(&mut text)?;
    Ok(String::from_utf8(text)?)
}

/// `target/NAME.svg` of the folder that the study is run in, or of the workspace.
fn default_path(name: &str) -> PathBuf {
    let here = Path::new("target");
    let folder = match here.is_dir() {
        true => here.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
    };
    folder.join(format!("{name}.svg"))
}
