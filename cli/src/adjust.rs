//! `adjust`: p-values with the number of tests taken into account.

use std::io::Read;

use clap::Args;
use tiltmeter::inference::Multiplicity;

use crate::failure::Failure;
use crate::out;

/// Adjust p-values for how many there are, in the order in which they are given.
///
/// Example: tiltmeter adjust --multiplicity holm 0.01 0.75 0.02 0.5
///
/// Without p-values they are read from standard input, one a line; names may stand before them, with a comma
/// between: `war,0.01`. What is printed is CSV.
#[derive(Debug, Args)]
pub(crate) struct AdjustArgs {
    /// The p-values, each from 0 to 1.
    #[arg(value_name = "P")]
    p: Vec<String>,
    /// bonferroni, holm, benjamini_hochberg, benjamini_yekutieli or two_stage (:level=0.05).
    #[arg(long, value_name = "METHOD", default_value = "holm")]
    multiplicity: Multiplicity,
}

pub(crate) fn run(args: &AdjustArgs) -> Result<(), Failure> {
    let lines = match args.p.is_empty() {
        true => of_input()?,
        false => args.p.clone(),
    };
    let tests = lines.iter().map(|line| test(line)).collect::<Result<Vec<_>, _>>()?;
    let p: Vec<f64> = tests.iter().map(|(_, p)| *p).collect();
    let adjusted = args.multiplicity.adjusted(&p)?;
    let named = tests.iter().any(|(name, _)| name.is_some());
    let mut text = String::from(if named { "name,p,p_adjusted\n" } else { "p,p_adjusted\n" });
    for ((name, p), adjusted) in tests.iter().zip(adjusted) {
        if named {
            text.push_str(&field(name.unwrap_or_default()));
            text.push(',');
        }
        text.push_str(&format!("{p},{adjusted}\n"));
    }
    out::print(text.trim_end())
}

/// The lines of standard input that say something.
fn of_input() -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|cause| Failure::Told(format!("standard input: {cause}")))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    match lines.is_empty() {
        true => Err(Failure::Usage("which p-values? As arguments, or a line for each".to_owned())),
        false => Ok(lines),
    }
}

/// `P` or `NAME,P`.
fn test(line: &str) -> Result<(Option<&str>, f64), Failure> {
    let (name, p) = match line.rsplit_once(',') {
        Some((name, p)) => (Some(name), p),
        None => (None, line),
    };
    match p.trim().parse() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok((name, p)),
        _ => {
            Err(Failure::Usage(format!("{line:?} is no p-value: a number from 0 to 1, or NAME,P")))
        }
    }
}

/// A name as CSV has it; one that is in quotes already stays so.
fn field(name: &str) -> String {
    let is_quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    match !is_quoted && name.contains([',', '"']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}
