//! Files put in the place of others only when they are complete. What stands in them is not known here.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts a new file in the place of the one at `path`, if any, once it is complete: it is written
/// beside it, brought to the disk and renamed. If that fails, what was there is still there.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or_else(nameless)?);
    // Processes and threads that save to one place at once do not share a file.
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}-{number}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let file = File::create(&beside)?;
    let written = write(&file).and_then(|()| file.sync_all());
    drop(file);
    let renamed = written.and_then(|()| fs::rename(&beside, path));
    if renamed.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&beside);
        return renamed;
    }
    sync_folder(path);
    Ok(())
}

/// Brings the new name to the disk as well. Not every file system can; the file is there anyway.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) {
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    }
}
