//! Writing the parts of a saved tally, with the digest of what was written. What the parts mean
//! is not known here.

use std::io::{self, Write};

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
