//! Attacks on tiltmeter that stay: odd and damaged inputs, kills, full disks. `README.md` says how to run
//! them. No function here knows what an input means.

mod ask;
mod beyond;
mod bundle;
mod bytes;
mod chance;
mod columns;
mod command;
mod digests;
mod files;
mod form;
mod json;
mod kill;
mod odd;
mod run;
mod seeds;
mod shown;
mod watch;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::form::Form;

type Failed = Box<dyn std::error::Error>;

/// What the command line says, with what it says nothing of.
#[derive(Debug, Default)]
struct Said {
    command: Option<String>,
    make_seeds: bool,
    seed: u64,
    seconds: Option<u64>,
    inputs: Option<u64>,
    from: u64,
    times: Option<u64>,
    only: Vec<Form>,
    replay: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Said {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Self, Failed> {
        let mut said = Self { seed: 1, ..Self::default() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--make-seeds" => said.make_seeds = true,
                "--seed" => said.seed = value()?.parse()?,
                "--seconds" => said.seconds = Some(value()?.parse()?),
                "--inputs" => said.inputs = Some(value()?.parse()?),
                "--from" => said.from = value()?.parse()?,
                "--times" => said.times = Some(value()?.parse()?),
                "--replay" => said.replay.push(value()?.into()),
                "--folder" => said.folder = Some(value()?.into()),
                "--only" => {
                    let name = value()?;
                    let form = Form::by_name(&name).ok_or_else(|| format!("no form {name}"))?;
                    said.only.push(form);
                }
                _ if word.starts_with('-') => return Err(format!("no option {word}").into()),
                _ => said.command = Some(word),
            }
        }
        Ok(said)
    }

    fn forms(&self) -> Vec<Form> {
        if self.only.is_empty() { Form::ALL.to_vec() } else { self.only.clone() }
    }
}

fn main() -> ExitCode {
    match Said::of(std::env::args().skip(1)).and_then(obey) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(2)
        }
    }
}

fn obey(said: Said) -> Result<bool, Failed> {
    match said.command.as_deref() {
        _ if said.make_seeds => seeds::make().map(|()| true),
        Some("worker") => {
            let forms = said.forms();
            let folder = said.folder.ok_or("a worker needs a folder")?;
            let Said { seed, from, replay, .. } = said;
            worker::work(&worker::Work { folder, forms, seed, from, replay }).map(|()| true)
        }
        Some("kill") => kill::run(said.times.unwrap_or(1000), said.seed),
        Some("files") => files::run(),
        // What is killed runs in a process of its own.
        Some("job") => kill::job(&said.folder.ok_or("a job needs a folder")?).map(|()| true),
        Some("save") => kill::save(&said.folder.ok_or("saving needs a folder")?).map(|()| true),
        Some(other) => Err(format!("no command {other}").into()),
        None => watch::run(&watch::Run {
            seed: said.seed,
            seconds: said.seconds.or(if said.inputs.is_none() { Some(60) } else { None }),
            inputs: said.inputs,
            forms: said.forms(),
            replay: said.replay,
            found: Path::new(env!("CARGO_MANIFEST_DIR")).join("found"),
        }),
    }
}
