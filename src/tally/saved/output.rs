//! Writing the parts of a saved tally, with the digest of what was written. What the parts mean
//! is not known here.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use md5::{Digest, Md5};

/// Numbers that are turned into bytes at a time.
const RUN: usize = 1 << 12;

/// A writer that digests what it writes.
pub(super) struct Output<'w, W> {
    inner: &'w mut W,
    md5: Md5,
    buffer: Vec<u8>,
}

impl<'w, W: Write> Output<'w, W> {
    pub(super) fn new(inner: &'w mut W) -> Self {
        Self { inner, md5: Md5::new(), buffer: vec![0; 16 * RUN] }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.md5.update(bytes);
        self.inner.write_all(bytes)
    }

    /// Writes numbers one after the other.
    pub(super) fn array<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> io::Result<()> {
        for run in values.chunks(RUN) {
            let filled = &mut self.buffer[..N * run.len()];
            for (place, &value) in filled.as_chunks_mut::<N>().0.iter_mut().zip(run) {
                *place = bytes(value);
            }
            self.md5.update(&*filled);
            self.inner.write_all(filled)?;
        }
        Ok(())
    }

    /// Writes the digest of everything before it.
    pub(super) fn finish(self) -> io::Result<()> {
        let digest: [u8; 16] = self.md5.finalize().into();
        self.inner.write_all(&digest)
    }
}

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
