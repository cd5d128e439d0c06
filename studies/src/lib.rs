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

/// A file of `data/`, by the folder that one is in, so that reports say so, or by the source.
#[must_use]
pub fn shipped(file: &str) -> PathBuf {
    here_or_there(&Path::new("data").join(file))
}

/// A public log that is not shipped, where a development checkout has it.
#[must_use]
pub fn beside(file: &str) -> PathBuf {
    here_or_there(&Path::new("../shared/data").join(file))
}

fn here_or_there(path: &Path) -> PathBuf {
    match path.exists() {
        true => path.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path),
    }
}
