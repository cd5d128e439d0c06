//! Makes a feed of which the truth is known: a log to audit, what is true of it, and the configuration of both.
//!
//! ```text
//! cargo run --release --example simulate -- FOLDER
//! ```
//!
//! `tiltmeter simulate` does the same from the shell, of any configuration.

use std::error::Error;
use std::fs;
use std::path::Path;

use tiltmeter::Question;
use tiltmeter::policy::Bias;
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig, Truth, TruthSpec};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: simulate FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;

    // A preset, and what differs from it: fewer viewers, and a bias twice as strong as the preset's.
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 500;
    config.arms[0].policy.biases = vec![Bias::topic("conflict", 3.0)];

    let rows = Simulation::new(&config)?.write_parquet(folder.join("feed.parquet"))?;
    fs::write(folder.join("feed.json"), serde_json::to_string_pretty(&config)?)?;
    println!("{rows} impressions in {}", folder.join("feed.parquet").display());

    // What amplification between the arms is, whatever an audit of the log may find.
    let question = Question::between("treatment", "baseline");
    let truth = Truth::of(&config, &TruthSpec { replicates: 100, ..TruthSpec::of(&question) })?;
    fs::write(folder.join("feed.truth.json"), truth.to_json()?)?;
    let conflict = truth.value("conflict", "amplification_ratio").and_then(|its| its.number());
    println!("conflict is shown {:.3} times as much", conflict.ok_or("no truth")?);
    Ok(())
}
