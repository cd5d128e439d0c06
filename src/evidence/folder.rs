//! Folders of a process alone, which are gone when it ends.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::base::temporary::{make_in, sweep};
use crate::error::Error;
use crate::error::evidence::io;
use crate::place::folder_of;

/// A folder of this process alone, which is gone when it is dropped.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one beside the place where what stands in it is to be.
    pub(super) fn beside(place: &Path) -> Result<Self, Error> {
        let name = place.file_name().unwrap_or_default();
        sweep(folder_of(place), name);
        Self::new(folder_of(place), name, |path| fs::create_dir(path))
    }

    /// Makes one among the system's temporary files, for copies that nobody else is to read.
    #[cfg(feature = "zip")]
    pub(super) fn temporary() -> Result<Self, Error> {
        Self::new(&std::env::temp_dir(), OsStr::new("tiltmeter-evidence"), private)
    }

    fn new(
        within: &Path,
        name: &OsStr,
        make: impl Fn(&Path) -> std::io::Result<()>,
    ) -> Result<Self, Error> {
        let (path, ()) = make_in(within, name, make).map_err(io(within))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is gone already where it was put in its place.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A folder that nobody else may look into, where the system knows of that.
#[cfg(feature = "zip")]
fn private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
