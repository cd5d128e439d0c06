//! `inspect`: what is in a log, found without a schema; and a draft of a study of it.

mod draft;
mod facts;
mod guess;
mod profile;
mod show;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tiltmeter::ExposureLog;

use tiltmeter::log::{LogSchema, RowPolicy};

use self::facts::Facts;
use self::guess::Guess;
use self::profile::Profile;
use crate::failure::Failure;
use crate::progress::waiting;
use crate::roles::JsonArgs;
use crate::tally::SkipArgs;
use crate::{out, parse};

/// Say what is in a log, without being told what its columns are, and draft a study of it.
///
/// Example: tiltmeter inspect log.csv.gz --write-study study.toml
///
/// Roles are guessed from names and contents: read them before believing them. Rows that break a rule
/// under the guess are left out and counted.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The log. Of a folder or pattern the first file is looked at.
    log: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Draft a study file in TOML, for `audit --study`.
    #[arg(long, value_name = "FILE")]
    write_study: Option<PathBuf>,
    /// How many topics, ranks and examples are shown.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    skip: SkipArgs,
    /// A text that means "no value", beside the empty one.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    null: Vec<String>,
    /// What stands between the fields of a line: one character, or tab.
    #[arg(long, value_name = "CHAR", value_parser = parse::delimiter)]
    delimiter: Option<u8>,
    #[command(flatten)]
    json_rows: JsonArgs,
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
    /// How rows were read.
    profile: Profile,
    guess: Guess,
    facts: Facts,
}

pub(crate) fn run(args: &InspectArgs) -> Result<(), Failure> {
    out::check([args.write_study.as_ref()], [&args.log])?;
    let files = args.skip.files_of(std::slice::from_ref(&args.log))?;
    let file = &files[0];
    let mut base = LogSchema::new().rows(RowPolicy::SetAside);
    if let Some(delimiter) = args.delimiter {
        base = base.delimiter(delimiter);
    }
    for null in &args.null {
        base = base.null(null);
    }
    base = args.json_rows.reading(base);
    let profile = waiting("reading", || profile::of(file, &base, &args.null))?;
    let mut guess = guess::of(&profile);
    let schema = guess.schema(base);
    let facts = match waiting("reading by the guess", || ExposureLog::open(file, &schema)) {
        Ok(log) => waiting("counting", || Facts::of(&log, &guess, args.top))?,
        // What was seen of the columns is worth showing all the same.
        Err(error) => {
            guess.remarks.push(format!("it cannot be read so: {error}"));
            Facts::default()
        }
    };
    let inspected = Inspected {
        schema: "tiltmeter.inspect",
        version: 1,
        file: file.display().to_string(),
        files: files.len(),
        profile,
        guess,
        facts,
    };
    if let Some(path) = &args.write_study {
        out::write(path, &draft::draft(&inspected, args, path)?)?;
    }
    if args.json {
        return out::print_json(&inspected);
    }
    out::say(&show::text(&inspected, args.top))
}
