//! Which files a job reads.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::source::is_log;

/// The log files that a path stands for: itself if it is a file, those in it if it is a folder
/// (not in folders inside it), or those that match it as a pattern (`logs/2024-*/*.parquet`; `**`
/// for folders at any depth). In the order of their names.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # for name in ["b.csv", "a.csv", "notes.txt"] {
/// #     std::fs::write(folder.path().join(name), "").unwrap();
/// # }
/// let files = tiltmeter::job::log_files(folder.path())?;
/// assert_eq!(files, [folder.path().join("a.csv"), folder.path().join("b.csv")]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::NoFiles`] if there are none; [`Error::Io`] for a folder that cannot be read;
/// [`Error::Parameter`] for a pattern that makes no sense.
pub fn log_files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, Error> {
    let path = path.as_ref();
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let mut files: Vec<PathBuf> = if path.is_file() {
        vec![path.to_owned()]
    } else if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(io)?;
        let entries = entries.map(|entry| entry.map(|entry| entry.path()));
        let files = entries.collect::<Result<Vec<_>, _>>().map_err(io)?;
        files.into_iter().filter(|file| file.is_file() && is_log(file)).collect()
    } else {
        matching(path)?
    };
    if files.is_empty() {
        return Err(Error::NoFiles { path: path.to_owned() });
    }
    files.sort_unstable();
    Ok(files)
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, Error> {
    let found = glob::glob(&pattern.to_string_lossy()).map_err(|cause| Error::Parameter {
        parameter: "a pattern of files",
        value: format!("{:?} ({cause})", pattern.display()),
        expected: "a path with * ? [ab] or ** in it",
    })?;
    let mut files = Vec::new();
    for file in found {
        let file =
            file.map_err(|cause| Error::Io { path: cause.path().to_owned(), cause: cause.into() })?;
        if file.is_file() {
            files.push(file);
        }
    }
    Ok(files)
}
