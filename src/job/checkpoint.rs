//! What a job saves, so that it can go on after it was killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::Filter;
use super::distinct::refuse_repeats;
use super::parts::Parts;
use crate::error::Error;
use crate::log::{LogSchema, Origin};
use crate::tally::{Tally, TallySpec};

/// What makes one job another: equal for two runs of the same one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    files: Vec<InputFile>,
    schema: LogSchema,
    spec: TallySpec,
    filter: Filter,
    /// The topics table, by its name and size.
    item_topics: Option<(String, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct InputFile {
    path: PathBuf,
    bytes: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z, where the file system says.
    modified: Option<u128>,
}

/// How far a job was when its tally was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) identity: Identity,
    pub(super) parts: Parts,
    /// The parts that are in the tally, with what was read of each.
    pub(super) done: BTreeMap<usize, Origin>,
}

impl Identity {
    pub(super) fn of(
        files: &[PathBuf],
        schema: &LogSchema,
        spec: &TallySpec,
        filter: &Filter,
        item_topics: Option<(String, u64)>,
    ) -> Result<Self, Error> {
        refuse_repeats(files)?;
        let mut known = Vec::with_capacity(files.len());
        for path in files {
            let io = |cause| Error::Io { path: path.clone(), cause };
            let about = std::fs::metadata(path).map_err(io)?;
            let modified = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let path = std::fs::canonicalize(path).map_err(io)?;
            let file = InputFile {
                path,
                bytes: about.len(),
                modified: modified.map(|since| since.as_nanos()),
            };
            known.push(file);
        }
        Ok(Self {
            files: known,
            schema: schema.clone(),
            spec: spec.clone(),
            filter: filter.clone(),
            item_topics,
        })
    }

    /// What differs from another job.
    fn difference(&self, other: &Self) -> Option<String> {
        let names = |id: &Self| id.files.iter().map(|f| f.path.clone()).collect::<Vec<_>>();
        if names(self) != names(other) {
            return Some("it is about other files".to_owned());
        }
        if let Some((file, _)) = self.files.iter().zip(&other.files).find(|(a, b)| a != b) {
            return Some(format!("{} has changed since", file.path.display()));
        }
        [
            (self.schema != other.schema, "it reads other columns"),
            (self.spec != other.spec, "it makes another tally"),
            (self.filter != other.filter, "it keeps other times or arms"),
            (self.item_topics != other.item_topics, "its topics are from another table"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then(|| what.to_owned()))
    }
}

impl State {
    /// Saves the state with the tally of the parts that are done.
    pub(super) fn save(&self, tally: &Tally, path: &Path) -> Result<(), Error> {
        tally.save_with(path, self)
    }

    /// Reads a state back, if there is one, which must be of the same job.
    pub(super) fn open(path: &Path, identity: &Identity) -> Result<Option<(Tally, Self)>, Error> {
        if !path.try_exists().map_err(|cause| Error::Io { path: path.to_owned(), cause })? {
            return Ok(None);
        }
        let (tally, state): (Tally, Self) = Tally::open_saved_with(path)?;
        match state.identity.difference(identity) {
            Some(difference) => Err(Error::OtherJob { path: path.to_owned(), difference }),
            None => Ok(Some((tally, state))),
        }
    }
}
