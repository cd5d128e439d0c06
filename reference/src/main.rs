//! Makes the reference of study files from the types that read them: `docs/study-file.schema.json`, and the chapter
//! `docs/guide/study-file-reference.md`. The words are the types' own; here are only examples.

use std::error::Error;
use std::path::{Path, PathBuf};

use tiltmeter::StudyFile;

mod chapter;
mod examples;
mod faults;
mod schema;
mod site;
#[cfg(test)]
mod tests;

/// What is made: where it goes, and its text.
fn made() -> Result<[(PathBuf, String); 2], Box<dyn Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = StudyFile::json_schema();
    let schema = serde_json::from_str(&text)?;
    let chapter = chapter::Chapter::of(&schema);
    let faults = faults::faults(&schema, &chapter);
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    Ok([
        (docs.join("study-file.schema.json"), text),
        (docs.join("guide/study-file-reference.md"), chapter.text),
    ])
}

fn main() -> Result<(), Box<dyn Error>> {
    for (path, text) in made()? {
        std::fs::write(path, text)?;
    }
    Ok(())
}
