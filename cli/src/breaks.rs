//! `breaks`: when a share or a ratio changed, and in which arm.

use std::path::Path;

use clap::Args;
use tiltmeter::StudyFile;
use tiltmeter::inference::{BlockBootstrap, BreakSpec, BreaksReport, Penalty};
use tiltmeter::job::TallyJob;
use tiltmeter::log::Origin;
use tiltmeter::tally::{StratifyBy, Tally, TallySpec, WindowBy};

use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::log::{tell_found, tell_left_out};
use crate::progress::{Bar, waiting};
use crate::rows::{self, Beside, OtherArmArgs, RowsArgs};

/// Find when a topic's share changed, in which arm, and whether their ratio did.
///
/// Example: tiltmeter breaks log.csv --arm feed --treatment ranked --baseline newest --topic about
/// --viewer who --time at --window day
///
/// The baseline is looked at too: where both arms moved together, it is the world and not the algorithm that changed.
#[derive(Debug, Args)]
pub(crate) struct BreaksArgs {
    #[command(flatten)]
    rows: RowsArgs,
    #[command(flatten)]
    other: OtherArmArgs,
    #[command(flatten)]
    series: SeriesArgs,
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
    let question = args.rows.question(Some(&args.other))?;
    let study = args.rows.study(question, Beside::default(), None)?;
    let spec = TallySpec {
        windows: args.series.window,
        strata: StratifyBy::Nothing,
        ..study.tally_spec()
    };
    let (tally, origin) = tallied(&study, spec)?;
    tell_left_out(&origin);
    let report =
        waiting("looking", || BreaksReport::of(&tally, &study.question, &args.series.spec()))?;
    args.output.show(&report.origin(&origin))
}

/// The sums, of rows that are held or of files that are not, and what they are of.
fn tallied(study: &StudyFile, spec: TallySpec) -> Result<(Tally, Origin), Failure> {
    let here = Path::new("");
    if study.log.is_held() || study.item_topics.is_some() {
        let log = rows::read(study)?.log;
        return Ok((Tally::of(&log, &spec)?, log.origin().clone()));
    }
    let schema = study.log.schema_with_tables(here)?;
    let job = TallyJob::new(study.log.files(here)?, schema, spec);
    let bar = Bar::of("rows or files");
    let done = job.on_progress(|progress| bar.at(progress)).run();
    bar.end();
    let done = done?;
    tell_found(&done.origin);
    Ok((done.tally, done.origin))
}
