//! Real logs and golden values that are beside a development checkout but not part of the crate.

#[allow(dead_code, reason = "not every test file draws")]
pub(crate) mod random;

use std::io::Write;
use std::path::PathBuf;

/// The path of a file in the shared folder; `None`, said on standard error past the test
/// runner's capture, where the folder is absent.
pub(crate) fn path(file: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(file);
    if path.exists() {
        return Some(path);
    }
    let message =
        format!("\nNOT TESTED: {} is absent; the test passes without it\n", path.display());
    // The macros would be captured; losing the message is no reason to fail.
    let _ = std::io::stderr().write_all(message.as_bytes());
    None
}

/// A file of golden values.
#[allow(dead_code, reason = "not every test file has golden values")]
pub(crate) fn golden(name: &str) -> Option<serde_json::Value> {
    let path = path(&format!("golden/{name}.json"))?;
    let text = std::fs::read_to_string(path).expect("the file exists");
    Some(serde_json::from_str(&text).expect("golden values are JSON"))
}
