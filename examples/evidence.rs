//! Writes a bundle of evidence for an audit of the log shipped in `data/`, and checks it as somebody
//! would who has the bundle but not the log, and as somebody who has both.
//!
//! ```text
//! cargo run --example evidence              # in words
//! cargo run --example evidence -- --json    # the second check as JSON
//! ```

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tiltmeter::evidence::{Bundle, Contents, Inputs};
use tiltmeter::{Error, StudyFile};

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

fn main() -> ExitCode {
    let json = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => {
            eprintln!("usage: evidence [--json]");
            return ExitCode::from(2);
        }
    };
    let text = match checked() {
        Ok((_, found)) if json => found,
        Ok((told, _)) => told,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // Whoever reads may have seen enough.
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
    ExitCode::SUCCESS
}

/// The folder of the shipped log.
fn data() -> PathBuf {
    let here = Path::new("data");
    match here.exists() {
        true => here.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join(here),
    }
}

/// Both checks in words, and the second as JSON.
fn checked() -> Result<(String, String), Error> {
    let report = |cause: serde_json::Error| Error::Report { detail: cause.to_string() };
    let study: StudyFile = serde_json::from_str(STUDY).map_err(report)?;
    let place = std::env::temp_dir().join(format!("evidence-{}", std::process::id()));
    let written = Bundle::write(&study, data(), &place, Contents::WithoutInputs)?;
    let fingerprint = written.fingerprint();
    let mut told =
        format!("Wrote {} files; fingerprint {fingerprint}.\n", written.manifest().files.len());

    let bundle = Bundle::open(&place)?.expecting(fingerprint);
    told += &format!("\nWithout the log:\n{}", bundle.verify(&Inputs::AsStudied)?);
    let found = bundle.verify(&Inputs::In(data()))?;
    told += &format!("\nWith the log:\n{found}");
    std::fs::remove_dir_all(&place).map_err(|cause| Error::Io { path: place, cause })?;
    Ok((told, serde_json::to_string_pretty(&found).map_err(report)?))
}
