//! What the studies share: how they tell what they found, and their charts. What any of them is about is in
//! its program.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub mod chart;
pub mod phenomenon;
mod svg;

/// Prints what was found, or why nothing was.
pub fn told<E: Display>(text: Result<String, E>) -> ExitCode {
    match text {
        Ok(text) => {
            // Whoever reads may have seen enough: `... | head`.
            let _ = writeln!(io::stdout().lock(), "{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The log that a study is of: the one that is given, else a public one by its name. Says so where it is absent.
#[must_use]
pub fn log_of(given: Option<PathBuf>, file: &str) -> Option<PathBuf> {
    let path = given.unwrap_or_else(|| beside(file));
    if path.exists() {
        return Some(path);
    }
    eprintln!("NOT RUN: {} is absent; say where the log is", path.display());
    None
}

/// A file of `data/`, by the folder that one is in, so that reports say so, or by the source.
#[must_use]
pub fn shipped(file: &str) -> PathBuf {
    here_or_there(&Path::new("data").join(file))
}

/// A public log that is not shipped, where a development checkout has it.
fn beside(file: &str) -> PathBuf {
    here_or_there(&Path::new("../shared/data").join(file))
}

fn here_or_there(path: &Path) -> PathBuf {
    match path.exists() {
        true => path.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path),
    }
}
