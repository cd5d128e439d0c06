//! A study as one page of HTML: what it finds, with every figure, the limits, and the study itself.
//!
//! Of the simulated feed shipped in `data/simulated`, or with `--open-bandit` of one campaign of the Open
//! Bandit Dataset (`data/README.md`).
//!
//! ```text
//! cargo run --example html_report                                   # the page, to the terminal
//! cargo run --example html_report -- --out report.html              # into a file
//! cargo run --example html_report -- --open-bandit --out bandit.html
//! cargo run --example html_report -- --figures FOLDER               # the figures alone, as SVG
//! cargo run --example html_report -- --json                         # the findings as JSON
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tiltmeter::StudyFile;
use tiltmeter::findings::Findings;

const USAGE: &str = "usage: html_report [--open-bandit] [--out FILE | --figures FOLDER | --json]";

enum Output {
    Terminal,
    File(PathBuf),
    Figures(PathBuf),
    Json,
}

fn main() -> ExitCode {
    let Some((study, output)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(study, &output) {
        Ok(text) => {
            // Whoever reads may have seen enough.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The study that is asked for, and where its report goes.
fn arguments() -> Option<(&'static str, Output)> {
    let mut arguments = std::env::args().skip(1);
    let (mut study, mut output) = (FEED, Output::Terminal);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--open-bandit" => study = OPEN_BANDIT,
            "--out" => output = Output::File(arguments.next()?.into()),
            "--figures" => output = Output::Figures(arguments.next()?.into()),
            "--json" => output = Output::Json,
            _ => return None,
        }
    }
    Some((study, output))
}

fn run(study: &str, output: &Output) -> Result<String, Box<dyn Error>> {
    let shipped = Path::new("data");
    let data = match shipped.exists() {
        true => shipped.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("data"),
    };
    let study: StudyFile = serde_json::from_str(study)?;
    let findings = Findings::of(&study.read(&data)?, &study)?;
    Ok(match output {
        Output::Terminal => findings.to_html()?,
        Output::Json => format!("{}\n", findings.to_json()?),
        Output::File(file) => {
            std::fs::write(file, findings.to_html()?)?;
            format!("{}\n", file.display())
        }
        Output::Figures(folder) => {
            std::fs::create_dir_all(folder)?;
            let mut told = String::new();
            for figure in findings.figures()? {
                let file = folder.join(format!("{}.svg", figure.name));
                std::fs::write(&file, &figure.svg)?;
                told.push_str(&format!("{}: {}\n", file.display(), figure.title));
            }
            told
        }
    })
}

const FEED: &str = r#"{
    "title": "A simulated feed that favours conflict",
    "note": "Everything about this feed is made up and known: the treatment's weight for conflict is 1.5 times the baseline's.",
    "log": {
        "path": "simulated/conflict.parquet",
        "schema": {
            "viewer": "viewer", "arm": "arm", "slate": "slate", "item": "item", "position": "position",
            "time": ["time", "iso"],
            "topics": {"column": "topics", "format": {"separated": "|"}},
            "engagement": "click"
        }
    },
    "question": {
        "treatment": "treatment",
        "baseline": {"arm": "baseline"},
        "attention": "logarithmic"
    }
}"#;

const OPEN_BANDIT: &str = r#"{
    "title": "Open Bandit Dataset: Thompson sampling against random recommendations",
    "note": "The campaign for women. There is no viewer id; the two policies ran side by side, and hours are the clusters.",
    "log": {
        "path": "open_bandit_small.csv.gz",
        "schema": {
            "arm": "arm", "item": "item", "position": "position",
            "time": ["ts", "iso"],
            "topics": {"column": "topic"},
            "engagement": "click",
            "columns": ["hour", "campaign"]
        },
        "keep": [{"column": "campaign", "values": ["women"]}]
    },
    "question": {
        "treatment": "bts",
        "baseline": {"arm": "random"},
        "cluster": {"column": "hour"}
    }
}"#;
