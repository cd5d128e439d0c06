//! Whether the files of a bundle, and the inputs of its study, are as the manifest says.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::manifest::{
    FileRecord, INPUTS, MANIFEST, MARKDOWN, Manifest, REPORT, STUDY, SUMS, TEXT, name_from,
};
use super::store::Store;
use super::verification::Finding;
use crate::base::sha256::{FileState, Sha256};
use crate::error::Error;
use crate::error::evidence::io;
use crate::study_file::StudyFile;

/// Checks every file of a bundle.
pub(super) fn check(
    store: &Store,
    manifest: &Manifest,
    fingerprint: Sha256,
) -> Result<Vec<Finding>, Error> {
    let names = store.names()?;
    let of_files = manifest.files.par_iter().map(|file| check_file(store, &names, file));
    let mut findings: Vec<Finding> = of_files.collect::<Vec<_>>().into_iter().flatten().collect();
    findings.extend(check_sums(store, &names, manifest, fingerprint));
    let listed: HashSet<&str> = manifest.files.iter().map(|file| &*file.name).collect();
    // Without them a bundle says less than it should, whatever its manifest says.
    for name in [STUDY, REPORT, TEXT, MARKDOWN] {
        if !listed.contains(name) {
            findings.push(Finding::Missing { file: name.to_owned() });
        }
    }
    if manifest.has_inputs() {
        let copies = manifest.inputs.iter().map(|input| format!("{INPUTS}/{}", input.name));
        let missing = copies.filter(|copy| !listed.contains(&**copy));
        findings.extend(missing.map(|file| Finding::Missing { file }));
    }
    for name in names.keys() {
        if !listed.contains(&**name) && name != MANIFEST && name != SUMS {
            findings.push(Finding::NotListed { file: name.clone() });
        }
    }
    Ok(findings)
}

fn check_file(
    store: &Store,
    names: &BTreeMap<String, Option<u64>>,
    FileRecord { name, state: expected }: &FileRecord,
) -> Option<Finding> {
    let file = name.clone();
    let size = match names.get(name) {
        None => return Some(Finding::Missing { file }),
        Some(None) => return Some(Finding::NoFile { file }),
        Some(Some(size)) => *size,
    };
    let changed = |found_bytes, found_sha256| {
        Some(Finding::Changed {
            file: file.clone(),
            expected: *expected,
            found_bytes,
            found_sha256,
        })
    };
    // What a zip says of a size is not to be believed, and no reason to fill a disk.
    if size != expected.bytes && !matches!(store, Store::Folder(_)) {
        return changed(size, None);
    }
    let place = store.place(name);
    let state = store.read(name, |from| {
        // One byte more tells that there is more than was said.
        let from = from.take(size.saturating_add(1));
        FileState::of_reader(from, |_| Ok(())).map_err(io(&place))
    });
    match state {
        Ok(state) if state == *expected => None,
        Ok(FileState { bytes, sha256 }) => changed(bytes, Some(sha256)),
        Err(error) => Some(Finding::Unreadable { file: file.clone(), detail: error.to_string() }),
    }
}

/// Whether `SHA256SUMS` is what follows from the manifest.
fn check_sums(
    store: &Store,
    names: &BTreeMap<String, Option<u64>>,
    manifest: &Manifest,
    fingerprint: Sha256,
) -> Option<Finding> {
    let file = SUMS.to_owned();
    let size = match names.get(SUMS) {
        None => return Some(Finding::Missing { file }),
        Some(None) => return Some(Finding::NoFile { file }),
        Some(Some(size)) => *size,
    };
    let text = match store.document(SUMS, size) {
        Ok(text) => text,
        Err(error) => return Some(Finding::Unreadable { file, detail: error.to_string() }),
    };
    if text == manifest.sums(fingerprint).as_bytes() {
        return None;
    }
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().filter_map(|line| line.split_once("  "));
    let of_manifest = lines.find(|(_, name)| *name == MANIFEST);
    Some(Finding::OtherSums { of_manifest: of_manifest.and_then(|(sum, _)| sum.parse().ok()) })
}

/// The files that a study names and the manifest does not have among its inputs. Patterns stand for none by
/// themselves, and a folder for any file in it.
pub(super) fn inputs_not_listed(study: &StudyFile, manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in study.paths() {
        let Ok(name) = name_from(Path::new(""), path) else { continue };
        let is_in = |input: &str| {
            input.strip_prefix(&*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_pattern = name.contains(['*', '?', '[']);
        if !is_pattern && !manifest.inputs.iter().any(|input| is_in(&input.name)) {
            findings.push(Finding::InputNotListed { file: name });
        }
    }
    findings
}

/// The inputs in a folder, compared with the manifest.
#[derive(Default)]
pub(super) struct InputsFound {
    pub(super) findings: Vec<Finding>,
    pub(super) absent: Vec<String>,
}

impl InputsFound {
    /// None of them.
    pub(super) fn none(manifest: &Manifest) -> Self {
        let absent = manifest.inputs.iter().map(|input| input.name.clone()).collect();
        Self { findings: Vec::new(), absent }
    }

    pub(super) fn in_folder(folder: &Path, manifest: &Manifest) -> Result<Self, Error> {
        let states = manifest.inputs.par_iter().map(|input| {
            let path = folder.join(&input.name);
            if !path.is_file() {
                return Ok((input, None));
            }
            Ok((input, Some(FileState::of_file(&path).map_err(io(&path))?)))
        });
        let mut found = Self::default();
        for state in states.collect::<Vec<_>>() {
            match state? {
                (input, None) => found.absent.push(input.name.clone()),
                (input, Some(state)) if state != input.state => {
                    let (file, expected) = (input.name.clone(), input.state);
                    found.findings.push(Finding::InputChanged { file, expected, found: state });
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Looks for what the study would read beside them, such as a file that its pattern finds by now.
    pub(super) fn look_for_others(
        &mut self,
        files: &[PathBuf],
        folder: &Path,
        manifest: &Manifest,
    ) {
        let listed: HashSet<&str> = manifest.inputs.iter().map(|input| &*input.name).collect();
        for path in files {
            let name = name_from(folder, path).ok();
            if !name.as_ref().is_some_and(|name| listed.contains(&**name)) {
                let file = name.unwrap_or_else(|| path.display().to_string());
                self.findings.push(Finding::InputNotListed { file });
            }
        }
    }

    /// Whether all are there and as they were.
    pub(super) fn are_complete(&self) -> bool {
        self.findings.is_empty() && self.absent.is_empty()
    }
}
