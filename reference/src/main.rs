//! Makes the reference of study files from the types that read them: `docs/study-file.schema.json`, and the chapter
//! `docs/guide/study-file-reference.md`. The words are the types' own; here are only examples.

use std::path::{Path, PathBuf};

use tiltmeter::StudyFile;

mod chapter;
mod examples;
mod schema;
mod site;
#[cfg(test)]
mod tests;

/// What is made: where it goes, and its text.
fn made() -> Result<[(PathBuf, String); 2], serde_json::Error> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let schema = StudyFile::json_schema();
    let chapter = chapter::Chapter::of(&serde_json::from_str(&schema)?).text;
    Ok([
        (docs.join("study-file.schema.json"), schema),
        (docs.join("guide/study-file-reference.md"), chapter),
    ])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (path, text) in made()? {
        std::fs::write(path, text)?;
    }
    Ok(())
}
