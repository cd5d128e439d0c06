//! What comes through a pipe, kept for as long as it is looked at: it is read more than once.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::failure::Failure;

/// A copy of what can be read but once.
pub(super) struct Spool {
    folder: TempDir,
    name: &'static str,
}

impl Spool {
    /// Of a path that is a pipe or standard input; nothing of others.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, Failure> {
        let is_standard = path.to_str() == Some("-");
        let is_pipe = path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
        if !is_standard && !is_pipe {
            return Ok(None);
        }
        let failed = |cause: io::Error| Failure::of_file(path, cause);
        let folder = tempfile::tempdir().map_err(failed)?;
        let spool = Self { folder, name: "standard input" };
        let mut to = std::fs::File::create(spool.path()).map_err(failed)?;
        if is_standard {
            io::copy(&mut io::stdin().lock(), &mut to).map_err(failed)?;
        } else {
            io::copy(&mut std::fs::File::open(path).map_err(failed)?, &mut to).map_err(failed)?;
        }
        Ok(Some(spool))
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }
}
