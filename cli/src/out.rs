//! What is printed, to a reader who may leave, and what is told on standard error.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tiltmeter::Place;
use tiltmeter::report::{inert_json, printable, printable_lines};

use crate::failure::Failure;

/// Prints a text, with a line's end if it has none.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let line = if text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{line}").and_then(|()| out.flush());
    written.map_err(|cause| match cause.kind() {
        io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Told(format!("standard output: {cause}")),
    })
}

/// Prints what the command itself put together, in which there may be names.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    print(&printable_lines(text))
}

/// Tells something on standard error, in which there may be names. That nobody can be told is no reason to
/// end otherwise.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable_lines(text));
}

/// A path as it is printed.
pub(crate) fn of_path(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// Something as JSON for people.
pub(crate) fn json_of(what: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(what).map(inert_json)
}

/// Prints something as JSON.
pub(crate) fn print_json(what: &impl Serialize) -> Result<(), Failure> {
    let text = json_of(what).map_err(|cause| Failure::Told(format!("the output: {cause}")))?;
    print(&text)
}

/// Writes a file, which ends with a line's end.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let line = if text.ends_with('\n') { "" } else { "\n" };
    Ok(Place::of(path)?.write(&format!("{text}{line}"))?)
}

/// Refuses places that cannot be written to, before the work whose results are to be there; and those that are
/// read, or are to hold two results.
pub(crate) fn check<'p>(
    places: impl IntoIterator<Item = Option<&'p PathBuf>>,
    read: impl IntoIterator<Item = &'p PathBuf>,
) -> Result<(), Failure> {
    let mut taken: Vec<PathBuf> = read.into_iter().filter_map(|path| itself(path)).collect();
    for path in places.into_iter().flatten() {
        Place::of(path)?;
        let Some(itself) = itself(path) else { continue };
        if taken.contains(&itself) {
            let what = format!(
                "{}: this file is read, or is to hold something else; name another to write to",
                printable(&path.display().to_string())
            );
            return Err(Failure::Usage(what));
        }
        taken.push(itself);
    }
    Ok(())
}

/// A file, or what will be one, without links; nothing for devices and folders.
fn itself(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Ok(path) => path.is_file().then_some(path),
        Err(_) => {
            let folder = path.parent().filter(|its| !its.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        }
    }
}
