//! What is printed, to a reader who may leave.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

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
    std::fs::write(path, format!("{text}{line}")).map_err(|cause| Failure::of_file(path, cause))
}
