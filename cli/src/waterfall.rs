//! `waterfall`: what each stage on the way to viewers does to a topic's share.

use std::path::PathBuf;

use clap::Args;
use tiltmeter::decompose::{EngagementCounts, Waterfall};
use tiltmeter::{Error, StudyRows};

use crate::baseline::{CandidatesArgs, sampled, supply_input};
use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::progress::waiting;
use crate::rows::{self, Beside, RowsArgs};
use crate::uncertainty::IntervalArgs;

/// Say what each stage on the way to viewers does to a topic's share: supply, candidates, what was ranked,
/// what was looked at, what was engaged with.
///
/// Example: tiltmeter waterfall log.csv --arm feed --treatment ranked --topic about --viewer who --item post
/// --position rank --supply posts.csv --attention logarithmic
///
/// Stages that the files do not support are named, with what they need. Two are enough.
#[derive(Debug, Args)]
pub(crate) struct WaterfallArgs {
    #[command(flatten)]
    rows: RowsArgs,
    #[command(flatten)]
    stages: StageArgs,
    #[command(flatten)]
    candidates: CandidatesArgs,
    #[command(flatten)]
    doubt: IntervalArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Stages beside what was ranked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stages")]
struct StageArgs {
    /// The items that were available: a table with the log's columns of items and topics.
    #[arg(long, value_name = "FILE")]
    supply: Option<PathBuf>,
    /// They are a sample, drawn by item or a column of the table; all that there were by default.
    #[arg(long, value_name = "UNIT", requires = "supply")]
    supply_sampled: Option<String>,
    /// What the column of --engagement is: what happened (clicks, likes: alone, the default), or what an
    /// impression would get if it were looked at (ratings: times_mass).
    #[arg(long, value_name = "WHAT", requires = "engagement")]
    engagement_counts: Option<EngagementCounts>,
}

pub(crate) fn run(args: &WaterfallArgs) -> Result<(), Failure> {
    let roles = &args.rows.log.roles;
    let kind = sampled(&args.stages.supply_sampled, roles)?;
    let supply = args.stages.supply.as_ref().map(|path| supply_input(path, &kind, roles));
    let beside = Beside { supply: supply.transpose()?, candidates: args.candidates.input(roles) };
    let study = args.rows.study(args.rows.question(None)?, beside, None)?;
    let StudyRows { log, candidates, supply } = rows::read(&study)?;
    let mut waterfall = Waterfall::of(&log, &study.question).interval(args.doubt.interval()?);
    if let Some(supply) = &supply {
        waterfall = waterfall.supply(supply, kind);
    }
    if let Some(candidates) = &candidates {
        waterfall = waterfall.candidates(candidates);
    }
    if let Some(counts) = args.stages.engagement_counts {
        waterfall = waterfall.engagement(counts);
    }
    let report = waiting("estimating", || waterfall.run());
    args.output.show(&report.map_err(more_stages)?)
}

/// What is missing, as files and flags.
fn more_stages(error: Error) -> Failure {
    match error {
        Error::Unstated { call, .. } if call.contains("Waterfall::supply") => Failure::Usage(
            "one stage is no waterfall; add another: --supply FILE, --candidates FILE, --attention MODEL \
             with --position COLUMN, or --engagement COLUMN"
                .to_owned(),
        ),
        other => other.into(),
    }
}
