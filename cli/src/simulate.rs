//! `simulate`: a log with a known truth.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tiltmeter::Question;
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig, Truth, TruthSpec};

use crate::failure::Failure;
use crate::out;
use crate::progress::{Bar, waiting};

/// Make a log of a simulated feed, and say what is true of it.
///
/// Example: tiltmeter simulate --preset conflict --viewers 300 --out conflict.parquet --truth
/// conflict.truth.json
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// The log to write, in Parquet.
    #[arg(long, value_name = "LOG.parquet")]
    out: PathBuf,
    /// Write what is true of it: the first arm against the second, in JSON.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Replicates for what has no closed form; 256 by default.
    #[arg(long, value_name = "NUMBER", requires = "truth")]
    replicates: Option<u32>,
    /// Write the configuration too, in JSON.
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
}

/// What is simulated.
#[derive(Debug, Args)]
pub(crate) struct WorldArgs {
    /// A world to start from; conflict by default.
    #[arg(long, value_enum, conflicts_with = "config")]
    preset: Option<PresetName>,
    /// A configuration in JSON, which names what differs from the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The seed of viewers, slates and responses.
    #[arg(long)]
    seed: Option<u64>,
    /// How many viewers.
    #[arg(long, value_name = "NUMBER")]
    viewers: Option<u32>,
    /// How many days.
    #[arg(long, value_name = "NUMBER")]
    days: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PresetName {
    Election,
    Conflict,
    Everyday,
}

impl WorldArgs {
    /// The configuration.
    pub(crate) fn config(&self) -> Result<SimulationConfig, Failure> {
        let mut config = match (&self.config, self.preset) {
            (Some(path), _) => configured(path)?,
            (None, preset) => SimulationConfig::preset(match preset {
                Some(PresetName::Election) => Preset::Election,
                Some(PresetName::Conflict) | None => Preset::Conflict,
                Some(PresetName::Everyday) => Preset::Everyday,
            }),
        };
        config.seed = self.seed.unwrap_or(config.seed);
        config.world.viewers = self.viewers.unwrap_or(config.world.viewers);
        config.days = self.days.unwrap_or(config.days);
        config.check()?;
        Ok(config)
    }
}

fn configured(path: &Path) -> Result<SimulationConfig, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| Failure::of_file(path, cause))?;
    serde_json::from_str(&text).map_err(|cause| Failure::of_file(path, cause))
}

/// The first arm against the second, and what they are called.
pub(crate) fn first_two(config: &SimulationConfig) -> Result<(Question, [&str; 2]), Failure> {
    match config.arms.as_slice() {
        [treatment, baseline, ..] => {
            let arms = [treatment.name.as_str(), baseline.name.as_str()];
            Ok((Question::between(arms[0], arms[1]), arms))
        }
        _ => Err(Failure::Told(
            "the configuration has one arm: there is nothing to compare it with".to_owned(),
        )),
    }
}

/// A name that promises another form would be found out by whoever reads the log.
fn named_as_written(out: &Path) -> Result<(), Failure> {
    match out.extension() {
        Some(ending) if !ending.eq_ignore_ascii_case("parquet") => Err(Failure::Usage(format!(
            "--out {}: the log is written in Parquet; name it {}",
            out::of_path(out),
            out::of_path(&out.with_extension("parquet")),
        ))),
        _ => Ok(()),
    }
}

pub(crate) fn run(args: &SimulateArgs) -> Result<(), Failure> {
    named_as_written(&args.out)?;
    let config = args.world.config()?;
    let text = |its: serde_json::Result<String>| {
        its.map_err(|cause| Failure::Told(format!("the configuration: {cause}")))
    };
    let places = [Some(&args.out), args.truth.as_ref(), args.write_config.as_ref()];
    out::check(places, &args.world.config)?;
    if let Some(path) = &args.write_config {
        out::write(path, &text(out::json_of(&config))?)?;
    }
    let rows = waiting("simulating", || Simulation::new(&config)?.write_parquet(&args.out))?;
    let mut told = format!("{}: {rows} impressions", out::of_path(&args.out));
    if let Some(path) = &args.truth {
        let (question, [treatment, baseline]) = first_two(&config)?;
        told.push_str(&format!(
            "\n{}: what is true of arm {treatment:?} against arm {baseline:?}",
            out::of_path(path),
        ));
        let spec =
            TruthSpec { replicates: args.replicates.unwrap_or(256), ..TruthSpec::of(&question) };
        let bar = Bar::of("replicates");
        let truth = Truth::of_with(&config, &spec, |progress| bar.at(progress));
        bar.end();
        out::write(path, &truth?.to_json()?)?;
    }
    out::say(&told)
}
