//! What the examples of known phenomena share: their command line, and numbers with an interval. What
//! any of them is about is not here.

#![allow(dead_code, reason = "no example needs all of it")]

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use tiltmeter::{Error, Estimate};

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Measured {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Measured {
    /// What an audit found, where it has a finite value and both bounds.
    pub(crate) fn of(estimate: &Estimate) -> Option<Self> {
        let interval = estimate.interval.as_ref().ok()?;
        let value = estimate.value.number().filter(|value| value.is_finite())?;
        Some(Self { value, low: interval.low?, high: interval.high? })
    }

    /// The same on another scale; `change` must rise.
    pub(crate) fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self { value: change(self.value), low: change(self.low), high: change(self.high) }
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.2} ({:.2} to {:.2})", self.value, self.low, self.high))
    }
}

/// A study as the examples show it.
pub(crate) trait Phenomenon: Serialize {
    /// The table and the sentences.
    fn print(&self, out: &mut dyn Write) -> io::Result<()>;

    /// The plot, as SVG.
    fn plot(&self) -> Result<String, Box<dyn std::error::Error>>;
}

struct Options {
    json: bool,
    svg: PathBuf,
}

impl Options {
    fn parse(name: &str, arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut arguments = arguments;
        let mut options = Self { json: false, svg: default_path(name) };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                "--svg" => options.svg = arguments.next()?.into(),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// `target/NAME.svg` of the folder that the example is run in, or of the crate.
fn default_path(name: &str) -> PathBuf {
    let here = Path::new("target");
    let folder = match here.is_dir() {
        true => here.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
    };
    folder.join(format!("{name}.svg"))
}

/// Runs a study, writes its plot to a file and the rest to the standard output.
pub(crate) fn run<P: Phenomenon>(name: &str, study: impl FnOnce() -> Result<P, Error>) -> ExitCode {
    let Some(options) = Options::parse(name, std::env::args().skip(1)) else {
        eprintln!("usage: {name} [--json] [--svg FILE]");
        return ExitCode::from(2);
    };
    match show(&options, study) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn show<P: Phenomenon>(
    options: &Options,
    study: impl FnOnce() -> Result<P, Error>,
) -> Result<(), Box<dyn std::error::Error>> {
    let found = study()?;
    std::fs::write(&options.svg, found.plot()?)
        .map_err(|cause| format!("{}: {cause}", options.svg.display()))?;
    eprintln!("plot: {}", options.svg.display());
    let mut text = Vec::new();
    if options.json {
        serde_json::to_writer_pretty(&mut text, &found)?;
        writeln!(text)?;
    } else {
        found.print(&mut text)?;
    }
    // Whoever reads may have seen enough: `... | head`.
    match io::stdout().lock().write_all(&text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
