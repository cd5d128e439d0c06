//! Makes a feed with a known truth: a log to audit, what is true of it, and the configuration of both.
//!
//! ```text
//! cargo run --release --example simulate -- conflict --folder FOLDER
//! cargo run --release --example simulate -- my_world.json --folder FOLDER --replicates 400
//! ```
//!
//! A preset (election, conflict, everyday) or a file of JSON goes in; `NAME.parquet`, `NAME.json` and
//! `NAME.truth.json` come out, the last not with `--replicates 0`. The sample logs in `data/` were made by it.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tiltmeter::simulate::{Contrast, Preset, Simulation, SimulationConfig, Truth, TruthSpec};

/// What was asked for.
struct Asked {
    name: String,
    config: SimulationConfig,
    folder: PathBuf,
    replicates: u32,
}

fn main() -> ExitCode {
    let asked = match asked(std::env::args().skip(1).collect()) {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("{wrong}");
            eprintln!("usage: simulate PRESET|CONFIG.json --folder FOLDER [--replicates NUMBER]");
            eprintln!("presets: election, conflict, everyday");
            return ExitCode::from(2);
        }
    };
    match make(&asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(arguments: Vec<String>) -> Result<Asked, String> {
    let mut arguments = arguments.into_iter();
    let what = arguments.next().ok_or("what shall be simulated?")?;
    let (mut folder, mut replicates) = (None, 256);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or(format!("{flag} needs a value"))?;
        match &*flag {
            "--folder" => folder = Some(PathBuf::from(value)),
            "--replicates" => {
                replicates = value.parse().map_err(|_| format!("{value} is no number"))?;
            }
            _ => return Err(format!("{flag} is not known")),
        }
    }
    let config = match &*what {
        "election" => SimulationConfig::preset(Preset::Election),
        "conflict" => SimulationConfig::preset(Preset::Conflict),
        "everyday" => SimulationConfig::preset(Preset::Everyday),
        file => {
            let text = fs::read_to_string(file).map_err(|cause| format!("{file}: {cause}"))?;
            serde_json::from_str(&text).map_err(|cause| format!("{file}: {cause}"))?
        }
    };
    let name = Path::new(&what).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Asked { name, config, folder: folder.ok_or("no --folder")?, replicates })
}

fn make(asked: &Asked) -> Result<(), Box<dyn std::error::Error>> {
    let Asked { name, config, folder, replicates } = asked;
    let path = |ending: &str| folder.join(format!("{name}.{ending}"));
    fs::create_dir_all(folder)?;
    let rows = Simulation::new(config)?.write_parquet(path("parquet"))?;
    fs::write(path("json"), serde_json::to_string_pretty(config)? + "\n")?;
    let mut told = writeln!(io::stdout(), "{}: {rows} impressions", path("parquet").display());

    // The first two arms are compared; a simulation of one arm has nothing to compare.
    if let ([treatment, baseline, ..], 1..) = (&config.arms[..], *replicates) {
        let contrast = Contrast::between(&treatment.name, &baseline.name);
        let spec = TruthSpec { replicates: *replicates, ..TruthSpec::of(contrast) };
        let bar = bar(u64::from(*replicates));
        let truth = Truth::with_progress(config, &spec, &|done, _| bar.set_position(done))?;
        bar.finish_and_clear();
        fs::write(path("truth.json"), truth.to_json()? + "\n")?;
        told = told.and(writeln!(
            io::stdout(),
            "{}: amplification in {:?} against {:?}",
            path("truth.json").display(),
            treatment.name,
            baseline.name
        ));
    }
    // Whoever reads may have seen enough.
    let _ = told;
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
fn bar(replicates: u64) -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("truth {wide_bar} {pos}/{len} replicates, {eta} left");
    let bar = ProgressBar::with_draw_target(Some(replicates), target);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
