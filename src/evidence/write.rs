//! A bundle written: made beside its place, and put there when it is complete.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use rayon::prelude::*;

use super::folder::Folder;
use super::make;
use super::manifest::{self, Contents, FileRecord, Manifest, Platform, TallyKept};
use super::store::is_zip;
use crate::base::sha256::FileState;
use crate::error::Error;
use crate::error::evidence::{EvidenceFaultKind, io};
use crate::place::sync_folder;
use crate::study_file::StudyFile;

/// The files of a study by name, with what their bytes are.
pub(super) fn inputs_of(
    study: &StudyFile,
    folder: &Path,
) -> Result<BTreeMap<String, FileState>, Error> {
    let files = study.files(folder)?;
    // The names first: a file outside is not to be read.
    let named = files.iter().map(|file| Ok((name_of(folder, file)?, file)));
    let named = named.collect::<Result<BTreeMap<_, _>, Error>>()?;
    let states = named.into_par_iter().map(|(name, file)| {
        let state = FileState::of_file(file).map_err(io(file))?;
        Ok((name, state))
    });
    states.collect()
}

/// Its name from the folder of the study on, where it is: a link there may lead anywhere else.
fn name_of(folder: &Path, file: &Path) -> Result<String, Error> {
    let name = manifest::name_from(folder, file)?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (its, of) = (file.canonicalize().map_err(io(file))?, folder.canonicalize());
    if its.starts_with(of.map_err(io(folder))?) {
        return Ok(name);
    }
    Err(EvidenceFaultKind::LinkedOutside.of(file))
}

/// Writes a bundle.
pub(super) fn write(
    study: &StudyFile,
    folder: &Path,
    to: &Path,
    contents: Contents,
    note: Option<&str>,
) -> Result<(), Error> {
    if to.symlink_metadata().is_ok() {
        return Err(EvidenceFaultKind::Exists.of(to));
    }
    if is_zip(to) && cfg!(not(feature = "zip")) {
        return Err(EvidenceFaultKind::NoZip.of(to));
    }
    let staged = Folder::beside(to)?;
    stage(study, folder, staged.path(), contents, note)?;
    put(staged.path(), to)?;
    sync_folder(to);
    Ok(())
}

#[cfg(feature = "zip")]
fn put(staged: &Path, to: &Path) -> Result<(), Error> {
    match is_zip(to) {
        true => super::pack::pack(staged, to),
        false => fs::rename(staged, to).map_err(io(to)),
    }
}

#[cfg(not(feature = "zip"))]
fn put(staged: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(staged, to).map_err(io(to))
}

/// Runs the audit, and writes all that it rests on.
fn stage(
    study: &StudyFile,
    folder: &Path,
    staged: &Path,
    contents: Contents,
    note: Option<&str>,
) -> Result<(), Error> {
    let before = inputs_of(study, folder)?;
    let inputs = study.read(folder)?;
    let (report, tally) = make::from_inputs(study, &inputs, folder, |parts| {
        if contents == Contents::ReportOnly {
            return Ok(TallyKept::LeftOut);
        }
        for (name, tally) in make::named(parts) {
            tally.save(staged.join(name))?;
        }
        Ok(TallyKept::of(&parts.aside))
    })?;
    let rows = super::RowCounts::of(inputs.origin.as_ref());
    drop(inputs);
    if contents == Contents::WithInputs {
        copy_inputs(folder, before.keys(), staged)?;
    }
    unchanged(folder, &before, &inputs_of(study, folder)?)?;
    text(&staged.join(manifest::STUDY), &(study.to_json()? + "\n"))?;
    text(&staged.join(manifest::REPORT), &(report.to_json()? + "\n"))?;
    text(&staged.join(manifest::TEXT), &report.to_string())?;
    text(&staged.join(manifest::MARKDOWN), &report.to_markdown())?;
    let files = super::store::Store::Folder(staged.to_owned());
    let names: Vec<String> = files.names()?.into_keys().collect();
    let files = names.into_par_iter().map(|name| {
        let path = staged.join(&name);
        let state = FileState::of_file(&path).map_err(io(&path))?;
        // A copy is of the very bytes that were read.
        match name.strip_prefix("inputs/").and_then(|input| before.get(input)) {
            Some(input) if *input != state => Err(changed(&path, *input, state)),
            _ => Ok(FileRecord { name, state }),
        }
    });
    let manifest = Manifest {
        schema: manifest::EVIDENCE_SCHEMA.to_owned(),
        version: manifest::EVIDENCE_VERSION,
        tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
        platform: Platform::here(),
        note: note.map(str::to_owned),
        contents,
        rows,
        seeds: manifest::seeds(study)?,
        tally,
        needs_inputs: manifest::needs_inputs(contents),
        files: files.collect::<Result<_, Error>>()?,
        inputs: before.into_iter().map(|(name, state)| FileRecord { name, state }).collect(),
    };
    let json = manifest.to_json()?;
    text(&staged.join(manifest::MANIFEST), &json)?;
    let fingerprint = super::Sha256::of(json.as_bytes());
    text(&staged.join(manifest::SUMS), &manifest.sums(fingerprint))
}

fn copy_inputs<'n>(
    folder: &Path,
    names: impl Iterator<Item = &'n String>,
    staged: &Path,
) -> Result<(), Error> {
    for name in names {
        let (from, to) = (folder.join(name), staged.join(manifest::INPUTS).join(name));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        let mut source = File::open(&from).map_err(io(&from))?;
        let mut copy = File::create(&to).map_err(io(&to))?;
        std::io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all()).map_err(io(&to))?;
    }
    Ok(())
}

/// Refuses an audit whose inputs were written to meanwhile.
fn unchanged(
    folder: &Path,
    before: &BTreeMap<String, FileState>,
    after: &BTreeMap<String, FileState>,
) -> Result<(), Error> {
    if !before.keys().eq(after.keys()) {
        let (before, after) = (before.len(), after.len());
        return Err(EvidenceFaultKind::InputsChanged { before, after }.of(folder));
    }
    let mut pairs = before.iter().zip(after.values());
    match pairs.find(|((_, before), after)| before != after) {
        Some(((name, before), after)) => Err(changed(&folder.join(name), *before, *after)),
        None => Ok(()),
    }
}

fn changed(file: &Path, before: FileState, after: FileState) -> Error {
    let (before, after) = (before.sha256, after.sha256);
    EvidenceFaultKind::InputChanged { before, after }.of(file)
}

fn text(path: &Path, text: &str) -> Result<(), Error> {
    let write = |mut file: File| file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    File::create(path).and_then(write).map_err(io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_change_meanwhile_are_refused() {
        let state = |text: &str| FileState::of_bytes(text.as_bytes());
        let of = |files: &[(&str, &str)]| -> BTreeMap<String, FileState> {
            files.iter().map(|(name, text)| ((*name).to_owned(), state(text))).collect()
        };
        let before = of(&[("a.csv", "1"), ("b.csv", "2")]);
        let folder = Path::new("study");
        assert!(unchanged(folder, &before, &before.clone()).is_ok());
        for after in [&[("a.csv", "1"), ("b.csv", "3")][..], &[("a.csv", "1")]] {
            let error = unchanged(folder, &before, &of(after)).unwrap_err();
            let Error::Evidence(fault) = &error else { panic!("{error}") };
            match (&fault.why, after.len()) {
                (EvidenceFaultKind::InputChanged { before, after }, 2) => {
                    assert_eq!(*before, state("2").sha256);
                    assert_eq!(*after, state("3").sha256);
                    assert_eq!(fault.file, folder.join("b.csv"));
                }
                (EvidenceFaultKind::InputsChanged { before: 2, after: 1 }, 1) => {}
                (other, _) => panic!("{other:?}"),
            }
        }
    }
}
