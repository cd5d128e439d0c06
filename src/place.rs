//! Places for files: written beside, brought to the disk and put in place when complete.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::base::temporary::{make_in, sweep};
use crate::error::Error;

/// How many links may lead to a place.
const MOST_LINKS: u32 = 40;

/// Where a file will be written. To be made before the work whose result it is to hold, so that a place that
/// cannot be written to is known before hours were spent.
///
/// A file is written beside its place, brought to the disk and renamed: whoever looks sees what was there
/// before or all of what is there now, and if anything fails, what was there before. Where a link leads to the
/// place, the link stays and the file that it leads to is written. What is no file, as a device or a pipe, is
/// written through and never replaced. What processes left beside the place that ended while they wrote is
/// taken away.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// use tiltmeter::Place;
/// let path = folder.path().join("page.html");
/// let place = Place::of(&path)?;
/// // … an hour later …
/// place.write("<!doctype html>")?;
/// assert_eq!(std::fs::read_to_string(path).unwrap(), "<!doctype html>");
///
/// assert!(Place::of(folder.path().join("no such folder/page.html")).is_err());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As it was named, for messages.
    named: PathBuf,
    /// Without links.
    path: PathBuf,
    is: Is,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// A file, or nothing.
    File,
    /// A device, a pipe or a socket.
    Device,
}

impl Place {
    /// Looks whether a file can be written there, without changing what is there.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot: there is no such folder, the path is a folder, the file or its folder must
    /// not be written.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, Error> {
        let named = path.as_ref().to_owned();
        Self::find(&named).map_err(|cause| Error::Io { path: named, cause })
    }

    /// Writes a text there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, text: &str) -> Result<(), Error> {
        self.write_bytes(text.as_bytes())
    }

    /// Writes bytes there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        let write = |mut file: &File| io::Write::write_all(&mut file, bytes);
        self.write_with(write).map_err(|cause| Error::Io { path: self.named.clone(), cause })
    }

    /// Writes there what a function writes.
    pub(crate) fn write_with(&self, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        if self.is == Is::Device {
            return File::options().write(true).open(&self.path).and_then(|file| write(&file));
        }
        let (folder, name) = self.parts()?;
        let (beside, file) = make_in(folder, name, |beside| File::create_new(beside))?;
        // Who holds it is alive; where files cannot be locked it is as if nobody were told.
        let _ = file.try_lock();
        let written =
            write(&file).and_then(|()| self.keep_rights(&file)).and_then(|()| file.sync_all());
        drop(file);
        let renamed = written.and_then(|()| fs::rename(&beside, &self.path));
        if renamed.is_err() {
            // The first failure is the one to tell.
            let _ = fs::remove_file(&beside);
            return renamed;
        }
        sync_folder(&self.path);
        Ok(())
    }

    fn find(named: &Path) -> io::Result<Self> {
        let path = if is_handle(named) { named.to_owned() } else { without_links(named)? };
        let at = match fs::metadata(&path) {
            Ok(at) => Some(at),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(cause),
        };
        if at.as_ref().is_some_and(Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let is_device = is_handle(named) || at.as_ref().is_some_and(|at| !at.is_file());
        let is = if is_device { Is::Device } else { Is::File };
        let place = Self { named: named.to_owned(), path, is };
        if is == Is::File {
            if at.is_some() {
                // What must not be written must not be replaced.
                File::options().write(true).open(&place.path)?;
            }
            let (folder, name) = place.parts()?;
            sweep(folder, name);
            let (beside, _) = make_in(folder, name, |beside| File::create_new(beside))?;
            fs::remove_file(beside)?;
        }
        Ok(place)
    }

    fn parts(&self) -> io::Result<(&Path, &OsStr)> {
        let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
        Ok((folder_of(&self.path), self.path.file_name().ok_or_else(nameless)?))
    }

    /// Gives a new file the rights that the old one has.
    fn keep_rights(&self, file: &File) -> io::Result<()> {
        match fs::metadata(&self.path) {
            Ok(old) => file.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        }
    }
}

/// Whether a path stands for what a process has open: the links there lead to no places.
fn is_handle(path: &Path) -> bool {
    let standard = ["/dev/stdout", "/dev/stderr"].map(Path::new);
    cfg!(unix)
        && (standard.contains(&path) || ["/dev/fd", "/proc"].iter().any(|of| path.starts_with(of)))
}

/// Where links lead, whether something is there or not.
fn without_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = folder_of(&path).join(to),
            // No link, or nothing at all.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("links lead to links without an end"))
}

/// Puts a new file in the place of the one at `path`, if any, once it is complete.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    Place::find(path)?.write_with(write)
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the new name to the disk as well. Not every file system can; the file is there anyway.
pub(crate) fn sync_folder(path: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What fails leaves what was there, and nothing beside it.
    #[test]
    fn all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let place = Place::of(&path).unwrap();
        assert_eq!(names_in(folder.path()), Vec::<String>::new());
        place.write("old").unwrap();
        let half = |mut file: &File| {
            io::Write::write_all(&mut file, b"ne")?;
            Err(io::Error::other("no more"))
        };
        assert!(place.write_with(half).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names_in(folder.path()), ["a"]);
        assert!(Place::of(folder.path()).is_err());
        assert!(Place::of(folder.path().join("b/c")).is_err());
    }

    /// A link stays a link, also one that leads to nothing yet; rights stay what they were.
    #[cfg(unix)]
    #[test]
    fn links_and_rights_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [link, file] = ["link", "file"].map(|name| folder.path().join(name));
        symlink("file", &link).unwrap();
        for text in ["one", "two"] {
            Place::of(&link).unwrap().write(text).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        }
        Place::of(&file).unwrap().write("three").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        symlink("round", folder.path().join("round")).unwrap();
        assert!(Place::of(folder.path().join("round")).is_err());
    }

    /// A device is written through, and is a device afterwards, also where a link leads to it.
    #[cfg(target_os = "linux")]
    #[test]
    fn devices_stay() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/full", &link).unwrap();
        for path in [Path::new("/dev/full"), &link] {
            let error = Place::of(path).unwrap().write("text").unwrap_err();
            assert!(matches!(&error, Error::Io { path: at, .. } if at == path), "{error}");
        }
        Place::of("/dev/null").unwrap().write("text").unwrap();
        for device in ["/dev/full", "/dev/null"] {
            assert!(!fs::metadata(device).unwrap().is_file());
        }
    }

    /// What a process left that is no more is taken away, and what is being written is not.
    #[test]
    fn leftovers_are_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        let left = |name: &str| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(hour_ago).unwrap();
            file
        };
        let _old =
            [".a.999999999-3.part", ".b.999999999-3.part", ".a.part", ".a.x-3.part"].map(left);
        let written = left(".a.999999999-4.part");
        written.try_lock().unwrap();
        File::create(folder.path().join(".a.999999999-5.part")).unwrap();
        Place::of(folder.path().join("a")).unwrap();
        let expected = [
            ".a.999999999-4.part",
            ".a.999999999-5.part",
            ".a.part",
            ".a.x-3.part",
            ".b.999999999-3.part",
        ];
        assert_eq!(names_in(folder.path()), expected);
    }
}
