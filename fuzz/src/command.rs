//! The `tiltmeter` command, as it was built beside this program, and logs for it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

type Failed = Box<dyn std::error::Error>;

/// How the logs here are read.
pub(crate) const ROLES: [&str; 6] = ["--viewer", "who", "--arm", "feed", "--topic", "about"];
/// What is asked of them.
pub(crate) const AGAINST: [&str; 4] = ["--treatment", "ranked", "--baseline", "newest"];

/// The command: by `TILTMETER`, or beside this program.
pub(crate) fn path() -> Result<PathBuf, Failed> {
    if let Some(path) = std::env::var_os("TILTMETER") {
        return Ok(path.into());
    }
    let path = std::env::current_exe()?.with_file_name("tiltmeter");
    let missing = || format!("{} is missing: cargo build -p tiltmeter-cli", path.display());
    if path.is_file() { Ok(path) } else { Err(missing().into()) }
}

/// The command in a folder, quiet.
pub(crate) fn tiltmeter<'w>(
    folder: &Path,
    words: impl IntoIterator<Item = &'w str>,
) -> Result<Command, Failed> {
    let mut command = Command::new(path()?);
    command.current_dir(folder).args(words).stdin(Stdio::null());
    Ok(command)
}

/// A log of eight viewers in two arms, none of which is in another log.
pub(crate) fn write_log(folder: &Path, number: usize, rows: usize) -> Result<String, Failed> {
    let mut text = "who,feed,about\n".to_owned();
    for row in 0..rows {
        let viewer = row % 8;
        let feed = if viewer % 2 == 0 { "ranked" } else { "newest" };
        let about = ["war", "sport", "weather"][(row / 8 + viewer) % 3];
        writeln!(text, "v{number}-{viewer},{feed},{about}")?;
    }
    let name = format!("log{number:04}.csv");
    std::fs::write(folder.join(&name), text)?;
    Ok(name)
}

/// That a command ended by itself and without a panic.
pub(crate) fn ended(what: &str, output: &Output) -> Result<(), Failed> {
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code().is_none() || told.contains("panicked") {
        return Err(format!("{what}: {}: {told}", output.status).into());
    }
    Ok(())
}

/// The names of the files in a folder.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, Failed> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.iter().map(name).collect();
    names.sort();
    Ok(names)
}
