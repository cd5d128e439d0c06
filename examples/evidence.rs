//! Writes a bundle of evidence for an audit of the log shipped in `data/`, and checks it as somebody
//! would who has the bundle but not the log, and as somebody who has both.
//!
//! ```text
//! cargo run --example evidence
//! ```

use std::path::Path;

use tiltmeter::StudyFile;
use tiltmeter::evidence::{Bundle, Contents, Inputs};

/// The study, beside the log that it names.
const STUDY: &str = r#"{
    "title": "Does a learning policy show other fashion than a random one?",
    "log": {
        "path": "open_bandit_small.csv.gz",
        "schema": {"arm": "arm", "topics": {"column": "topic"}, "columns": ["hour", "campaign"]},
        "keep": [{"column": "campaign", "values": ["all"]}]
    },
    "question": {"treatment": "bts", "baseline": {"arm": "random"}, "cluster": {"column": "hour"}},
    "inference": {"interval": {"bootstrap": {"replicates": 1000, "seed": 1}}}
}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let study: StudyFile = serde_json::from_str(STUDY)?;
    let place = std::env::temp_dir().join(format!("evidence-{}", std::process::id()));
    let written = Bundle::write(&study, &data, &place, Contents::WithoutInputs)?;
    // To be published before anybody asks: whoever has the bundle sees by it that nothing was changed since.
    let fingerprint = written.fingerprint();
    println!("Wrote {} files; fingerprint {fingerprint}.", written.manifest().files.len());

    let bundle = Bundle::open(&place)?.expecting(fingerprint);
    print!("\nWithout the log:\n{}", bundle.verify(&Inputs::AsStudied)?);
    print!("\nWith the log:\n{}", bundle.verify(&Inputs::In(data))?);
    std::fs::remove_dir_all(&place)?;
    Ok(())
}
