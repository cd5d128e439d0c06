//! A study as one page of HTML: what it finds, with every figure, the limits, and the study itself.
//!
//! ```text
//! cargo run --example html_report >report.html                # the Open Bandit log shipped in `data/`
//! cargo run --example html_report -- STUDY.json >report.html  # another study
//! ```
//!
//! `findings.figures()` has the figures alone, as SVG, and `findings.to_json()` the numbers. From the shell,
//! `tiltmeter report --study STUDY.json --html report.html --figures FOLDER` does the same.

use std::path::Path;

use tiltmeter::findings::Findings;
use tiltmeter::{Error, StudyFile};

fn main() -> Result<(), Error> {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/data/open_bandit.study.json");
    let path = std::env::args().nth(1).unwrap_or_else(|| shipped.to_owned());
    let study = StudyFile::open(&path)?;
    // A study names its files from the folder that it is in.
    let inputs = study.read(Path::new(&path).parent().unwrap_or(Path::new("")))?;
    let findings = Findings::of(&inputs, &study)?;
    print!("{}", findings.to_html()?);
    Ok(())
}
