//! `bundle` and `verify`: what an audit rests on, kept and checked.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tiltmeter::evidence::{Bundle, Contents, Inputs, Sha256, Verdict};

use crate::failure::Failure;
use crate::progress::waiting;
use crate::{out, study};

/// Run a study and keep what it rests on: study file, report, tally, and digests of every input.
///
/// Example: tiltmeter bundle study.toml --out evidence.zip
///
/// Prints the bundle's fingerprint, which can be put into a letter or a registration.
#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// The study file (TOML or JSON); paths in it are from its folder.
    study: PathBuf,
    /// Where to write it: a folder, or a name that ends in .zip; nothing may be there.
    #[arg(long, value_name = "PLACE")]
    out: PathBuf,
    /// What goes into it.
    #[arg(long, value_enum, default_value_t = Kept::Tally)]
    contents: Kept,
    /// A note for the manifest: a case number, a name.
    #[arg(long)]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kept {
    /// The report alone.
    Report,
    /// The report and the tally that it comes from.
    Tally,
    /// And a copy of every input.
    Inputs,
}

/// Check a bundle: every digest, and the report computed again.
///
/// Example: tiltmeter verify evidence.zip --inputs data --fingerprint 5e2c...
///
/// Ends with 0 if all is the same, 3 if something is not, nothing could be computed again or inputs were not where they
/// were said to be, 4 if another release
/// wrote the bundle and what this one computes is the same.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The bundle, a folder or a .zip.
    bundle: PathBuf,
    /// The folder that the study's inputs are in; without it, the report is computed from the tally.
    #[arg(long, value_name = "FOLDER")]
    inputs: Option<PathBuf>,
    /// The fingerprint that the bundle should have.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<Sha256>,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn bundle(args: &BundleArgs) -> Result<(), Failure> {
    let (study, folder) = (study::open(&args.study)?, study::folder_of(&args.study));
    let contents = match args.contents {
        Kept::Report => Contents::ReportOnly,
        Kept::Tally => Contents::WithoutInputs,
        Kept::Inputs => Contents::WithInputs,
    };
    let bundle = waiting("running the study", || match &args.note {
        Some(note) => Bundle::write_with_note(&study, &folder, &args.out, contents, note),
        None => Bundle::write(&study, &folder, &args.out, contents),
    })?;
    out::print(&bundle.fingerprint().to_string())
}

pub(crate) fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let mut bundle = Bundle::open(&args.bundle)?;
    if let Some(fingerprint) = args.fingerprint {
        bundle = bundle.expecting(fingerprint);
    }
    if let Some(folder) = args.inputs.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(Failure::of_file(folder, "is no folder, so no inputs are in it"));
    }
    let inputs = args.inputs.clone().map_or(Inputs::AsStudied, Inputs::In);
    let found = waiting("computing again", || bundle.verify(&inputs))?;
    match args.json {
        true => out::print_json(&found)?,
        false => out::say(&found.to_string())?,
    }
    match found.verdict {
        // Who says where the inputs are wants them looked at.
        Verdict::SameFromTally if args.inputs.is_some() => Err(Failure::NotTheSame),
        Verdict::Same | Verdict::SameFromTally => Ok(()),
        Verdict::OtherRelease { .. } => Err(Failure::OtherRelease),
        _ => Err(Failure::NotTheSame),
    }
}
