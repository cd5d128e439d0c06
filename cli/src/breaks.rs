//! `breaks`: when a share or a ratio changed, and in which arm.

use std::path::Path;

use clap::Args;
use tiltmeter::Baseline;
use tiltmeter::inference::{BlockBootstrap, BreakSpec, BreaksReport, Penalty};
use tiltmeter::job::TallyJob;
use tiltmeter::tally::{Tally, TallySpec, WindowBy};

use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::log::{LogArgs, Units};
use crate::members::UnitArgs;
use crate::progress::{Bar, waiting};
use crate::question::{ClusterArgs, SubjectArgs};

/// Find when a topic's share changed, in which arm, and whether their ratio did.
///
/// Example: tiltmeter breaks log.csv --arm feed --treatment ranked --baseline newest --topic about
/// --viewer who --time at --window day
///
/// The baseline is looked at too: where both arms moved together, it is the world and not the algorithm that changed.
#[derive(Debug, Args)]
pub(crate) struct BreaksArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    subject: SubjectArgs,
    /// The arm that it is compared with.
    #[arg(long, value_name = "ARM", help_heading = "Question")]
    baseline: String,
    #[command(flatten)]
    unit: UnitArgs,
    #[command(flatten)]
    series: SeriesArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What a break is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Breaks")]
struct SeriesArgs {
    /// Windows of time: day, week (from Monday, UTC), or every:seconds=NUMBER.
    #[arg(long, value_name = "LENGTH", requires = "time")]
    window: WindowBy,
    /// Windows between two breaks, at least; 5 by default.
    #[arg(long, value_name = "WINDOWS")]
    min_size: Option<usize>,
    /// What a break must save, in squares of natural logarithms; twice the variance of the values times the
    /// logarithm of their number by default.
    #[arg(long, value_name = "NUMBER")]
    penalty: Option<f64>,
    /// The confidence level of intervals for dates; 0.95 by default.
    #[arg(long, value_name = "LEVEL")]
    level: Option<f64>,
    /// Series that are drawn for them; 999 by default.
    #[arg(long, value_name = "NUMBER")]
    replicates: Option<u32>,
    /// The seed of their random numbers.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

impl SeriesArgs {
    fn spec(&self) -> BreakSpec {
        let usual = BreakSpec::default();
        let dates = BlockBootstrap {
            level: self.level.unwrap_or(usual.dates.level),
            replicates: self.replicates.unwrap_or(usual.dates.replicates),
            seed: self.seed.unwrap_or(usual.dates.seed),
            ..usual.dates
        };
        BreakSpec {
            penalty: self.penalty.map_or(usual.penalty, Penalty::Of),
            min_size: self.min_size.unwrap_or(usual.min_size),
            dates,
        }
    }
}

pub(crate) fn run(args: &BreaksArgs) -> Result<(), Failure> {
    let roles = &args.log.roles;
    let units = Units::of(&args.clusters, roles)?;
    let by = (units.multi_label, Some(roles));
    let baseline = Some(Baseline::arm(&args.baseline));
    let mut question = args.subject.question(baseline, units.clusters.clone(), by)?;
    question.unit = args.unit.unit.unwrap_or_default();
    let spec = TallySpec {
        cluster: units.clusters.0.clone(),
        attentions: question.attention.iter().cloned().collect(),
        multi_label: question.multi_label.unwrap_or_default(),
        windows: args.series.window,
        ..TallySpec::default()
    };
    let tally = tallied(&args.log, &units, spec, &question.treatment)?;
    let report = waiting("looking", || BreaksReport::of(&tally, &question, &args.series.spec()))?;
    args.output.show(&report)
}

/// The sums; without filters those of files that are not held.
fn tallied(log: &LogArgs, units: &Units, spec: TallySpec, arm: &str) -> Result<Tally, Failure> {
    let input = log.input(log.roles.schema(units.columns()))?;
    if input.is_held() || log.beside.item_topics(&log.roles)?.is_some() {
        return Ok(Tally::of(&log.open(units, None, arm)?, &spec)?);
    }
    let here = Path::new("");
    let job = TallyJob::new(input.files(here)?, input.schema_with_tables(here)?, spec);
    let bar = Bar::of("rows or files");
    let done = job.on_progress(|progress| bar.at(progress)).run();
    bar.end();
    Ok(done?.tally)
}
