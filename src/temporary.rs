//! Names for what is written beside its place until it is complete. Every file and folder that the
//! library makes for a while is named here, so that no two are named alike.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
    let name = if name.len() <= LONGEST { name } else { OsStr::new("tiltmeter") };
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

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
