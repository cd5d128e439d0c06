//! Names for what is written beside its place until it is complete. Every file and folder that the
//! library makes for a while is named here, so that no two are named alike.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Names that are taken are passed over this often: as by what a process of the same number left
/// behind, on this machine or on another that shares the folder.
const TRIES: u32 = 10_000;

/// The longest name, in bytes, that is part of a temporary one; names of files end at 255.
const LONGEST: usize = 200;

/// Makes a file or folder in a folder, under a name of its own with `name` in it. `make` must fail with
/// [`io::ErrorKind::AlreadyExists`] where there is one, so that nobody else's is used.
pub(crate) fn make_in<T>(
    folder: &Path,
    name: &OsStr,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    // One counter for files and folders of the whole process.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = shortened(name);
    let mut left = TRIES;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut own = OsString::from(".");
        own.push(name);
        own.push(format!(".{}-{number}.part", std::process::id()));
        let path = folder.join(own);
        left -= 1;
        match make(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && left > 0 => {}
            made => return made.map(|made| (path, made)),
        }
    }
}

/// Nothing younger than this is taken for left behind: it may be about to be locked.
const YOUNG: Duration = Duration::from_secs(10);

/// Folders are not locked, and are left alone for longer.
const YOUNG_FOLDER: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes away what was made in a folder under this name by processes that ended before it was complete: files
/// that nobody holds, and folders of processes that are no more. What cannot be taken away stays, since nobody asked
/// for it.
pub(crate) fn sweep(folder: &Path, name: &OsStr) {
    let mut before = OsString::from(".");
    before.push(shortened(name));
    before.push(".");
    let before = before.as_encoded_bytes();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let own = entry.file_name();
        let number = own.as_encoded_bytes().strip_prefix(before);
        let number = number.and_then(|rest| rest.strip_suffix(b".part"));
        if number.is_some_and(is_number) && is_left_behind(&entry.path()).unwrap_or(false) {
            let path = entry.path();
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Whether this is the number of a process and one of what it made.
fn is_number(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'-');
    let is_whole = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.next().is_some_and(is_whole)
        && parts.next().is_some_and(is_whole)
        && parts.next().is_none()
}

fn is_left_behind(path: &Path) -> io::Result<bool> {
    let about = fs::symlink_metadata(path)?;
    // A time in the future is of no age.
    let age = about.modified()?.elapsed().unwrap_or_default();
    if about.is_dir() {
        return Ok(age > YOUNG_FOLDER);
    }
    Ok(about.is_file() && age > YOUNG && File::open(path)?.try_lock().is_ok())
}

/// A name that is not too long to be part of another.
fn shortened(name: &OsStr) -> &OsStr {
    if name.len() <= LONGEST { name } else { OsStr::new("tiltmeter") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What others left under the next names is passed over and left alone.
    #[test]
    fn names_that_are_taken_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let name = OsStr::new("a.zip");
        let make = |path: &Path| File::create_new(path);
        let (first, _) = make_in(folder.path(), name, make).unwrap();
        let text = first.file_name().unwrap().to_str().unwrap();
        let number = text.strip_suffix(".part").unwrap().rsplit_once('-').unwrap().1;
        let number: u64 = number.parse().unwrap();
        for next in number + 1..number + 50 {
            let taken = format!(".a.zip.{}-{next}.part", std::process::id());
            fs::create_dir(folder.path().join(taken)).unwrap();
        }
        let (second, _) = make_in(folder.path(), name, make).unwrap();
        assert!(second.is_file() && first != second);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 51);
    }

    #[test]
    fn a_name_as_long_as_names_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(255);
        let (path, ()) =
            make_in(folder.path(), OsStr::new(&long), |path| fs::create_dir(path)).unwrap();
        assert!(path.is_dir());
    }
}
