//! What a job saves, so that it can go on after it was killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::distinct::{refuse_repeats, refuse_unlike};
use super::parts::Parts;
use super::{Filter, TallyJob};
use crate::error::Error;
use crate::log::{ItemTopics, KeyedTable, LogSchema, Origin};
use crate::source::text::is_standard_input;
use crate::tally::{Tally, TallySpec};

/// What makes one job another: equal for two runs of the same one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The release that reads and tallies.
    tiltmeter: String,
    files: Vec<InputFile>,
    schema: LogSchema,
    spec: TallySpec,
    filter: Filter,
    /// A digest of all that the topics table says.
    item_topics: Option<String>,
    /// The same of each table of further columns.
    #[serde(default)]
    tables: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct InputFile {
    path: PathBuf,
    bytes: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z, below 0 before, where the file system says.
    modified: Option<i128>,
    /// The same of what only the system sets, when anything of the file changed.
    changed: Option<i128>,
    /// A digest of the first and the last bytes.
    ends: String,
}

/// How many bytes of each end of a file are in its digest.
const END: u64 = 1 << 16;

impl InputFile {
    fn of(path: &Path) -> Result<Self, Error> {
        if !is_kept(path) {
            let (path, ends) = (path.to_owned(), String::new());
            return Ok(Self { path, bytes: 0, modified: None, changed: None, ends });
        }
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(io)?;
        let about = file.metadata().map_err(io)?;
        let modified = about.modified().ok().map(|at| match at.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        });
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            Some(i128::from(about.ctime()) * 1_000_000_000 + i128::from(about.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let changed = None;
        let mut ends = Sha256::new();
        for from in [0, about.len().saturating_sub(END).max(END)] {
            let mut part = Vec::new();
            file.seek(SeekFrom::Start(from)).map_err(io)?;
            Read::by_ref(&mut file).take(END).read_to_end(&mut part).map_err(io)?;
            ends.update(&part);
        }
        let path = std::fs::canonicalize(path).map_err(io)?;
        Ok(Self { path, bytes: about.len(), modified, changed, ends: hex(ends) })
    }
}

/// Whether a file can be read again: a pipe cannot.
fn is_kept(path: &Path) -> bool {
    // What is not there is told by whoever reads it.
    !is_standard_input(path) && path.metadata().map_or(true, |about| about.is_file())
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest of all items and their topics, in whatever order they were read.
fn of_topics(topics: &ItemTopics) -> String {
    let mut items: Vec<(&str, &[String])> = topics.items().collect();
    items.sort_unstable();
    let mut digest = Sha256::new();
    for (item, labels) in items {
        digest.update((labels.len() as u64).to_le_bytes());
        for text in std::iter::once(item).chain(labels.iter().map(String::as_str)) {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
    }
    hex(digest)
}

/// A digest of all that a table of further columns says.
fn of_keyed(table: &KeyedTable) -> String {
    let mut digest = Sha256::new();
    for text in table.texts() {
        digest.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        digest.update(text.unwrap_or_default());
    }
    hex(digest)
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
    pub(super) fn of(job: &TallyJob<'_>, schema: &LogSchema) -> Result<Self, Error> {
        refuse_repeats(&job.files, |file| job.schema.columns_of_path(file))?;
        refuse_unlike(&job.files, &job.schema)?;
        if let Some(pipe) = job.files.iter().find(|file| job.checkpoint.is_some() && !is_kept(file))
        {
            return Err(Error::Parameter {
                parameter: "a checkpoint",
                value: format!("{pipe:?}, which can be read but once"),
                expected: "files that are still there when the job goes on; save it to a file, or leave the \
                           checkpoint away",
            });
        }
        // The table is in memory, and only a checkpoint outlives it.
        let of_table = job.item_topics.filter(|_| job.checkpoint.is_some());
        Ok(Self {
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            files: job.files.iter().map(|path| InputFile::of(path)).collect::<Result<_, _>>()?,
            schema: schema.clone().without_tables(),
            spec: job.spec.clone(),
            filter: job.filter.clone(),
            item_topics: of_table.map(of_topics),
            tables: if job.checkpoint.is_some() {
                schema.tables().iter().map(of_keyed).collect()
            } else {
                Vec::new()
            },
        })
    }

    /// Whether all files are still what they were when the job began to read them.
    pub(super) fn check_files(&self) -> Result<(), Error> {
        for file in &self.files {
            if InputFile::of(&file.path)? != *file {
                return Err(Error::ChangedWhileRead { path: file.path.clone() });
            }
        }
        Ok(())
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
            (self.tiltmeter != other.tiltmeter, "another release of tiltmeter wrote it"),
            (self.schema != other.schema, "it reads other columns"),
            (self.spec != other.spec, "it makes another tally"),
            (self.filter != other.filter, "it keeps other times or arms"),
            (self.item_topics != other.item_topics, "its topics table says something else"),
            (self.tables != other.tables, "a table beside it says something else"),
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
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        match fs::metadata(path) {
            Ok(at) if at.is_file() => {}
            // To read from a pipe is to wait for whoever writes to it.
            Ok(_) => {
                let what = "a checkpoint is read again, so it must be a file";
                return Err(io(io::Error::new(io::ErrorKind::InvalidInput, what)));
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(io(cause)),
        }
        let (tally, state): (Tally, Self) = Tally::open_saved_with(path)?;
        match state.identity.difference(identity) {
            Some(difference) => Err(Error::OtherJob { path: path.to_owned(), difference }),
            None => Ok(Some((tally, state))),
        }
    }
}
