//! Study files: read from TOML or JSON, written as either.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tiltmeter::log::TopicColumn;
use tiltmeter::{Baseline, ClusterBy, StudyFile};

use crate::failure::Failure;
use crate::{out, toml_text};

/// What a draft has where it does not know: no arm is called so.
pub(crate) const TO_BE_SAID: &str = "TO BE SAID";

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(OsStr::new("toml")))
}

/// The folder from which a study's paths are taken.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// Reads a study that says what it asks.
pub(crate) fn open(path: &Path) -> Result<StudyFile, Failure> {
    let study = if is_toml(path) {
        let text = std::fs::read_to_string(path).map_err(|cause| Failure::of_file(path, cause))?;
        toml::from_str(&text).map_err(|cause| Failure::of_file(path, cause))?
    } else {
        StudyFile::open(path)?
    };
    said(path, &study)?;
    Ok(study)
}

/// Refuses a draft whose question nobody has filled in.
fn said(path: &Path, study: &StudyFile) -> Result<(), Failure> {
    let question = &study.question;
    let schema = &study.log.schema;
    let field = if *schema == schema.clone().arm(TO_BE_SAID) {
        "column of arms"
    } else if *schema == schema.clone().topics(TopicColumn::single(TO_BE_SAID)) {
        "column of topics"
    } else if question.treatment == TO_BE_SAID {
        "treatment"
    } else if question.baseline == Some(Baseline::arm(TO_BE_SAID)) {
        "baseline"
    } else if question.cluster == Some(ClusterBy::column(TO_BE_SAID)) {
        "cluster"
    } else {
        return Ok(());
    };
    Err(Failure::of_file(
        path,
        format!(
            "the {field} is still {TO_BE_SAID:?}; fill it in (comments in the draft list \
             what there is)"
        ),
    ))
}

/// Writes a study, in TOML if the name ends so, its paths as they are from there.
pub(crate) fn write(path: &Path, study: &StudyFile, from: &Path) -> Result<(), Failure> {
    let mut study = study.clone();
    let folder = folder_of(path);
    let paths = std::iter::once(&mut study.log.path)
        .chain(&mut study.log.more)
        .chain(study.log.join.iter_mut().map(|its| &mut its.path))
        .chain(study.log.tables.iter_mut().map(|its| &mut its.path))
        .chain(study.item_topics.as_mut().map(|its| &mut its.path))
        .chain(study.candidates.as_mut().map(|its| &mut its.path))
        .chain(study.supply.as_mut().map(|its| &mut its.path));
    for path in paths {
        *path = seen_from(&folder, &from.join(&*path))?;
    }
    let text = if is_toml(path) {
        toml_text::document(&study).map_err(|cause| Failure::of_file(path, cause))?
    } else {
        study.to_json()?
    };
    out::write(path, &text)
}

/// A path from a folder: what is in the folder by the rest of its name, all else from the root.
pub(crate) fn seen_from(folder: &Path, path: &Path) -> Result<PathBuf, Failure> {
    // Standard input is the same from everywhere.
    if path.to_str() == Some("-") {
        return Ok(path.to_owned());
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|cause| Failure::of_file(path, cause));
    let (folder, path) = (absolute(here)?, absolute(path)?);
    Ok(path.strip_prefix(&folder).map(Path::to_owned).unwrap_or(path))
}
