//! What a study of a simulated conflict could find: how often three intervals cover the truth, and how
//! large an amplification so many viewers show.
//!
//! ```text
//! cargo run --release -p tiltmeter-studies --bin power                       # tables
//! cargo run --release -p tiltmeter-studies --bin power -- --quick --json     # a part of it, as JSON
//! ```
//!
//! Truths are known (`simulate::Truth`); every method sees the same studies. Numbers are the same on any
//! machine and number of threads.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tiltmeter::coverage::{CoverageStudy, PowerCurve, PowerResult, SmallestEffect, StudyResult};
use tiltmeter::inference::{Bootstrap, Delta, Inference, ShareBounds};
use tiltmeter::simulate::{Preset, SimulationConfig};
use tiltmeter::{Interval, Progress, Question};
use tiltmeter_studies::told;

type Failure = Box<dyn std::error::Error>;

const TOPIC: &str = "conflict";

/// How much is simulated.
struct Plan {
    studies: u32,
    /// Of the truth.
    replicates: u32,
    /// Of bootstraps.
    bootstrap: u32,
    days: u32,
    viewers: &'static [u32],
    factors: &'static [f64],
}

impl Plan {
    const FULL: Self = Self {
        studies: 400,
        replicates: 400,
        bootstrap: 999,
        days: 4,
        viewers: &[60, 120, 240],
        factors: &[1.0, 1.1, 1.2, 1.35, 1.5, 2.0],
    };

    const QUICK: Self = Self {
        studies: 60,
        replicates: 60,
        bootstrap: 199,
        days: 3,
        viewers: &[160],
        factors: &[1.0, 1.5, 2.5],
    };

    fn study(&self) -> CoverageStudy {
        let mut config = SimulationConfig::preset(Preset::Conflict);
        config.world.viewers = self.viewers[0];
        config.days = self.days;
        let mut study = CoverageStudy::of(config, &Question::between("treatment", "baseline"));
        study.studies = self.studies;
        study.truth.replicates = self.replicates;
        study
    }

    /// The methods whose coverage is studied.
    fn methods(&self) -> Vec<Inference> {
        let replicates = self.bootstrap;
        let percentile = Bootstrap { replicates, ..Bootstrap::default() };
        vec![
            Interval::ShareBounds(ShareBounds::default()).into(),
            Interval::Delta(Delta::default()).into(),
            Interval::Bootstrap(percentile).into(),
        ]
    }
}

/// What is printed.
#[derive(Serialize)]
struct Results {
    schema: &'static str,
    version: u32,
    preset: &'static str,
    coverage: StudyResult,
    power: PowerResult,
    smallest: Vec<SmallestEffect>,
}

/// What a study of a simulated conflict could find.
#[derive(Parser)]
struct Options {
    /// A part of it.
    #[arg(long)]
    quick: bool,
    /// Prints the same as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let plan = if options.quick { Plan::QUICK } else { Plan::FULL };
    told(run(&plan).and_then(|results| {
        Ok(match options.json {
            true => serde_json::to_string_pretty(&results)?,
            false => format!("{}\n{}", results.coverage, results.power),
        })
    }))
}

fn run(plan: &Plan) -> Result<Results, Failure> {
    let bar = ProgressBar::new(0);
    let style = "{bar:40} {human_pos} of {human_len} simulations, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let show = |progress: &Progress| {
        bar.set_length(progress.of_parts as u64);
        bar.set_position(progress.parts as u64);
        ControlFlow::Continue(())
    };
    let coverage = CoverageStudy { inferences: plan.methods(), ..plan.study() };
    let coverage = coverage.run_with(show)?;
    let curve = PowerCurve {
        viewers: plan.viewers.to_vec(),
        ..PowerCurve::of(plan.study(), TOPIC, plan.factors.iter().copied())
    };
    let power = curve.run_with(show)?;
    bar.finish_and_clear();
    Ok(Results {
        schema: "tiltmeter.example.power",
        version: 1,
        preset: "conflict",
        smallest: power.smallest(0.8)?,
        coverage,
        power,
    })
}
