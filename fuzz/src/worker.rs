//! A process that tries inputs one after the other, and says on standard output which. It may die of one;
//! what it died of is for `watch` to find out.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::chance::Chance;
use crate::form::Form;
use crate::run::Place;
use crate::seeds::Seeds;

/// Where the input lies that is being tried, for whoever finds the process dead.
pub(crate) const CURRENT: &str = "current";

pub(crate) struct Work {
    pub(crate) folder: PathBuf,
    pub(crate) forms: Vec<Form>,
    pub(crate) seed: u64,
    pub(crate) from: u64,
    pub(crate) replay: Vec<PathBuf>,
}

/// Tries inputs until somebody ends the process, or those that are to be replayed.
pub(crate) fn work(work: &Work) -> Result<(), Box<dyn std::error::Error>> {
    let place = Place::new(&work.folder)?;
    for (number, path) in work.replay.iter().enumerate() {
        let form = Form::of_file(path);
        let form = form.ok_or_else(|| format!("{}: of no known form", path.display()))?;
        attempt(&place, number as u64, form, &std::fs::read(path)?)?;
    }
    if !work.replay.is_empty() {
        return Ok(());
    }
    let seeds = Seeds::read(&work.forms, &place)?;
    for number in work.from.. {
        let _ = std::fs::remove_file(work.folder.join(CURRENT));
        if let Some((form, seed)) = seeds.get(number) {
            attempt(&place, number, form, seed)?;
        } else {
            let mut chance = Chance::of_input(work.seed, number);
            let (form, its) = chance.pick(seeds.forms());
            say(&format!("make {number} {}", form.name()))?;
            let input = form.mutated(its, &mut chance);
            attempt(&place, number, *form, &input)?;
        }
    }
    Ok(())
}

fn attempt(place: &Place, number: u64, form: Form, input: &[u8]) -> std::io::Result<()> {
    std::fs::write(place.folder.join(CURRENT), input)?;
    say(&format!("try {number} {}", form.name()))?;
    match place.run(form, input) {
        Ok(()) => {
            let (given, refused) = (place.answers.given.take(), place.answers.refused.take());
            say(&format!("done {number} accepted {given} {refused}"))
        }
        Err(fault) => {
            let kind = format!("{fault:?}");
            let end = kind.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(kind.len());
            say(&format!("done {number} {}", &kind[..end]))
        }
    }
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The name under which an input is kept that was too much.
pub(crate) fn kept_as(folder: &Path, form: Form, what: &str, seed: u64, number: u64) -> PathBuf {
    folder.join(format!("{}--{what}-{seed}-{number}.{}", form.name(), form.ending()))
}
