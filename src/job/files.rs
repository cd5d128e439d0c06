//! Which files a job reads.

use std::path::{Component, Path, PathBuf};

use glob::Pattern;

use crate::error::Error;
use crate::source::text::is_standard_input;
use crate::source::{is_log, looks_like_log};

/// The log files that a path stands for: itself if it is a file, those in it if it is a folder
/// (and in folders inside it that are called `NAME=VALUE`, whose names say a column, but not in others), or those that match it as a pattern (`logs/2024-*/*.parquet`; `**`
/// for folders at any depth). In the order of their names.
///
/// Hidden files and folders, whose names begin with `.` or `_` (`.ipynb_checkpoints`, `_SUCCESS`), are
/// no logs unless they are named: by the path itself, or by a pattern that has such a beginning too.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # for name in ["b.csv", "a.csv", ".c.csv", "notes.txt"] {
/// #     std::fs::write(folder.path().join(name), "").unwrap();
/// # }
/// let files = tiltmeter::job::log_files(folder.path())?;
/// assert_eq!(files, [folder.path().join("a.csv"), folder.path().join("b.csv")]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::NoFiles`] if there are none; [`Error::UnreadInFolder`] for a file in a folder that looks like
/// a log and is of no format that can be read, see [`log_files_but`]; [`Error::Io`] for a folder that
/// cannot be read; [`Error::Parameter`] for a pattern that makes no sense.
pub fn log_files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, Error> {
    log_files_but::<&str>(path, &[])
}

/// The same but for the files that one of these patterns stands for (`*.csv.xz`, `old-*`). A pattern is
/// for the file's name, or for its path if there is a `/` in it. A path that is a file is taken
/// whatever they say.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # for name in ["monday.csv", "tuesday.csv.xz"] {
/// #     std::fs::write(folder.path().join(name), "").unwrap();
/// # }
/// use tiltmeter::Error;
/// use tiltmeter::job::{log_files, log_files_but};
/// assert!(matches!(log_files(folder.path()), Err(Error::UnreadInFolder { .. })));
/// let files = log_files_but(folder.path(), &["*.xz"])?;
/// assert_eq!(files, [folder.path().join("monday.csv")]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// Those of [`log_files`].
pub fn log_files_but<S: AsRef<str>>(
    path: impl AsRef<Path>,
    skip: &[S],
) -> Result<Vec<PathBuf>, Error> {
    let path = path.as_ref();
    let skip = skip.iter().map(|text| pattern(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
    let left_out = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let whole = file.to_string_lossy();
        skip.iter().any(|skip| match skip.as_str().contains('/') {
            true => skip.matches(&whole),
            false => skip.matches(&name),
        })
    };
    // A pipe is a file too, and standard input has a path of its own.
    let is_one = is_standard_input(path) || path.exists() && !path.is_dir();
    let mut files = if is_one {
        vec![path.to_owned()]
    } else if path.is_dir() {
        let mut files = in_folder(path)?;
        files.retain(|file| !left_out(file));
        if let Some(unread) = files.iter().find(|file| !is_log(file)) {
            return Err(Error::UnreadInFolder { path: unread.clone() });
        }
        files
    } else {
        let mut files = matching(path)?;
        files.retain(|file| !left_out(file));
        files
    };
    if files.is_empty() {
        return Err(Error::NoFiles { path: path.to_owned() });
    }
    files.sort_unstable();
    Ok(files)
}

fn pattern(text: &str) -> Result<Pattern, Error> {
    Pattern::new(text).map_err(|cause| Error::Parameter {
        parameter: "a pattern of files",
        value: format!("{text:?} ({cause})"),
        expected: "a path with * ? [ab] or ** in it",
    })
}

/// The files in a folder that are logs or look like them, and those in folders that say a column.
fn in_folder(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let name = file.file_name().unwrap_or_default();
        if file.is_dir() && !is_hidden(name) && name.to_string_lossy().contains('=') {
            files.extend(in_folder(&file)?);
            continue;
        }
        if file.is_file() && !is_hidden(name) && (is_log(&file) || looks_like_log(&file)) {
            files.push(file);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'))
}

fn matching(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = path.to_string_lossy();
    pattern(&text)?;
    let found = glob::glob(&text).map_err(|cause| Error::Parameter {
        parameter: "a pattern of files",
        value: format!("{:?} ({cause})", path.display()),
        expected: "a path with * ? [ab] or ** in it",
    })?;
    let names = Names::of(path);
    let mut files = Vec::new();
    for file in found {
        let file =
            file.map_err(|cause| Error::Io { path: cause.path().to_owned(), cause: cause.into() })?;
        if file.is_file() && !names.hide(&file) {
            files.push(file);
        }
    }
    Ok(files)
}

/// The hidden names that a pattern speaks of.
struct Names {
    /// Parts of the path before the first with a wildcard, which are what they are.
    plain: usize,
    hidden: Vec<Pattern>,
}

impl Names {
    fn of(pattern: &Path) -> Self {
        let parts = || pattern.components().filter_map(name);
        let is_wild = |part: &std::ffi::OsStr| part.to_string_lossy().contains(['*', '?', '[']);
        let plain = parts().take_while(|part| !is_wild(part)).count();
        let hidden = parts().skip(plain).filter(|part| is_hidden(part));
        let hidden = hidden.filter_map(|part| Pattern::new(&part.to_string_lossy()).ok());
        Self { plain, hidden: hidden.collect() }
    }

    /// Whether a file that was found is hidden, or in a hidden folder, that was not spoken of.
    fn hide(&self, file: &Path) -> bool {
        let parts = file.components().filter_map(name).skip(self.plain);
        let mut hidden = parts.filter(|part| is_hidden(part));
        hidden.any(|part| !self.hidden.iter().any(|named| named.matches(&part.to_string_lossy())))
    }
}

/// A name in a path; `.` and `..` are none.
fn name(part: Component<'_>) -> Option<&std::ffi::OsStr> {
    match part {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}
