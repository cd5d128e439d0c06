//! The `tiltmeter` command: the library from a shell. It reads flags and files, calls the library and
//! prints; what is computed is computed there.

mod adjust;
mod audit;
mod baseline;
mod breaks;
mod evidence;
mod failure;
mod forms;
mod generate;
mod html;
mod inspect;
mod log;
mod members;
mod monitor;
mod off_policy;
mod out;
mod parse;
mod power;
mod progress;
mod question;
mod report;
mod roles;
mod rows;
mod simulate;
mod spoken;
mod study;
mod tally;
mod toml_text;
mod uncertainty;
mod waterfall;
mod width;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;

/// Measure which way a recommendation feed leans.
#[derive(Debug, Parser)]
#[command(name = "tiltmeter", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done (or whoever read the output had seen enough); 1 the input or the run failed, with the
reason on standard error; 2 the command line makes no sense; 3 a bundle is not what it says; 4 a bundle is of another
release, and what both say is the same.

Start with `tiltmeter inspect LOG`, which says what is in a log and drafts a study file; then
`tiltmeter audit --study FILE`.";

#[derive(Debug, Subcommand)]
enum Command {
    Audit(Box<audit::AuditArgs>),
    Inspect(Box<inspect::InspectArgs>),
    Tally(Box<tally::TallyArgs>),
    Merge(tally::MergeArgs),
    Estimate(Box<tally::EstimateArgs>),
    Waterfall(Box<waterfall::WaterfallArgs>),
    Members(Box<members::MembersArgs>),
    OffPolicy(Box<off_policy::OffPolicyArgs>),
    Breaks(Box<breaks::BreaksArgs>),
    Simulate(simulate::SimulateArgs),
    Power(power::PowerArgs),
    Monitor(monitor::MonitorArgs),
    Adjust(adjust::AdjustArgs),
    Report(report::ReportArgs),
    Bundle(evidence::BundleArgs),
    Verify(evidence::VerifyArgs),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
}

fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(answer) => Err(Failure::Answered(answer)),
    };
    match done {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Audit(args) => audit::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Tally(args) => tally::run(&args),
        Command::Merge(args) => tally::merge(&args),
        Command::Estimate(args) => tally::estimate(&args),
        Command::Waterfall(args) => waterfall::run(&args),
        Command::Members(args) => members::run(&args),
        Command::OffPolicy(args) => off_policy::run(&args),
        Command::Breaks(args) => breaks::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Power(args) => power::run(&args),
        Command::Monitor(args) => monitor::run(&args),
        Command::Adjust(args) => adjust::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Bundle(args) => evidence::bundle(&args),
        Command::Verify(args) => evidence::verify(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}
