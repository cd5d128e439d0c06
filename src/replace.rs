//! Files put in the place of others only when they are complete. What stands in them is not known here.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::temporary::make_in;

/// Puts a new file in the place of the one at `path`, if any, once it is complete: it is written
/// beside it, brought to the disk and renamed. If that fails, what was there is still there.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let nameless = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let name = path.file_name().ok_or_else(nameless)?;
    let (beside, file) = make_in(folder_of(path), name, |beside| File::create_new(beside))?;
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

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the new name to the disk as well. Not every file system can; the file is there anyway.
fn sync_folder(path: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    }
}
