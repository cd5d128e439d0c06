//! What is printed, to a reader who may leave.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tiltmeter::Place;

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

/// Prints something as JSON.
pub(crate) fn print_json(what: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(what)
        .map_err(|cause| Failure::Told(format!("the output: {cause}")))?;
    print(&text)
}

/// Writes a file, which ends with a line's end.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let line = if text.ends_with('\n') { "" } else { "\n" };
    Ok(Place::of(path)?.write(&format!("{text}{line}"))?)
}

/// Refuses places that cannot be written to, before the work whose results are to be there.
pub(crate) fn check<'p>(
    paths: impl IntoIterator<Item = Option<&'p PathBuf>>,
) -> Result<(), Failure> {
    for path in paths.into_iter().flatten() {
        Place::of(path)?;
    }
    Ok(())
}
