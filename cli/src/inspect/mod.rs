//! `inspect`: what is in a log, found without a schema; and a draft of a study of it.

mod beside;
mod draft;
mod facts;
mod guess;
mod profile;
mod reading;
mod show;
mod spool;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use self::facts::Facts;
use self::guess::Guess;
use self::profile::Profile;
use self::reading::Reading;
use crate::failure::Failure;
use crate::log::LogArgs;
use crate::out;
use crate::progress::waiting;

/// Say what is in a log, without being told what its columns are, and draft a study of it.
///
/// Example: tiltmeter inspect log.csv.gz --write-study study.toml
///
/// Roles are guessed from names and contents: read them before believing them. What is said with a flag is not
/// guessed. Rows that break a rule under the guess are left out and counted.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Draft a study file in TOML, for `audit --study`.
    #[arg(long, value_name = "FILE")]
    write_study: Option<PathBuf>,
    /// How many topics, ranks and examples are shown.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
}

/// What `inspect --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    /// Always `tiltmeter.inspect`.
    schema: &'static str,
    version: u32,
    /// The file looked at.
    file: String,
    /// How many files the path stands for.
    files: usize,
    /// How many of them the facts are of.
    files_counted: usize,
    /// How it is read that nobody said, in words.
    taken: Vec<String>,
    /// How rows were read.
    profile: Profile,
    guess: Guess,
    facts: Facts,
}

pub(crate) fn run(args: &InspectArgs) -> Result<(), Failure> {
    out::check([args.write_study.as_ref()], &args.log.logs)?;
    let mut reading = Reading::of(&args.log)?;
    out::check([args.write_study.as_ref()], &reading.files)?;
    let mut profile = waiting("reading", || reading.profile(&args.log.roles))?;
    waiting("reading beside it", || beside::add(&mut profile, &reading, &args.log));
    let mut guess = guess::of(&profile, &args.log);
    let facts = waiting("reading by the guess", || facts::of(&reading, &mut guess, args))?;
    let inspected = Inspected {
        schema: "tiltmeter.inspect",
        version: 1,
        file: reading.called(),
        files: reading.files.len(),
        files_counted: reading.counted(),
        taken: reading.taken.clone(),
        profile,
        guess,
        facts,
    };
    if let Some(path) = &args.write_study {
        out::write(path, &draft::draft(&inspected, &reading, args, path)?)?;
    }
    if args.json {
        return out::print_json(&inspected);
    }
    out::say(&show::text(&inspected, args.top))
}
