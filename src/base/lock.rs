//! One at a time: a lock on a file that is read, changed and written again.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The right to read, change and write a file, until it is dropped. It is held by the file `NAME.lock`
/// beside it, since the file itself is replaced by another. The system gives it back when a process
/// ends, in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    file: PathBuf,
    held_by: PathBuf,
    _held: File,
}

impl Lock {
    /// Waits until nobody else has it.
    pub(crate) fn wait(of: &Path) -> io::Result<Self> {
        let lock = Self::take(of, |file| file.lock().map(|()| true))?;
        lock.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Takes it unless somebody else has it.
    pub(crate) fn now(of: &Path) -> io::Result<Option<Self>> {
        Self::take(of, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(cause)) => Err(cause),
        })
    }

    /// The file itself, where a link was named.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    fn take(of: &Path, lock: impl Fn(&File) -> io::Result<bool>) -> io::Result<Option<Self>> {
        // One lock for a file, whatever links lead to it.
        let file = fs::canonicalize(of).unwrap_or_else(|_| of.to_owned());
        let mut name = OsString::from(&file);
        name.push(".lock");
        let path = PathBuf::from(name);
        loop {
            let held = File::options().create(true).write(true).truncate(false).open(&path)?;
            if !lock(&held)? {
                return Ok(None);
            }
            // Whoever had it before may have taken the file away meanwhile.
            if is_at(&held, &path)? {
                return Ok(Some(Self { file, held_by: path, _held: held }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only where `is_at` notices; elsewhere an empty file stays.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.held_by);
        }
    }
}

/// Whether a path still leads to an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let file = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (file.dev(), file.ino())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen threads that each read a number, add one and write it, 20 times: none is lost.
    #[test]
    fn nothing_is_lost_between_reading_and_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        fs::write(&path, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _lock = Lock::wait(&path).unwrap();
                        let number: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                        std::thread::yield_now();
                        fs::write(&path, (number + 1).to_string()).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "320");
        let held = Lock::now(&path).unwrap();
        assert!(held.is_some() && Lock::now(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::now(&path).unwrap().is_some());
    }
}
