//! Reading the parts of a saved tally, with the digest of what was read. No length in the file
//! is believed further than the file is long.

use std::io::{self, BufRead, BufReader, Read};

use md5::{Digest, Md5};

use super::{FORMAT, Header, MAGIC, Place, VERSION, WITH_LABELS};
use crate::error::Error;

/// Bytes of the digest at the end.
const DIGEST: u64 = 16;
/// Bytes that are turned into numbers at a time; a multiple of every size of number.
const RUN: usize = 1 << 16;

/// A reader that digests what it reads and knows how much is left.
pub(super) struct Input<'n, R> {
    name: &'n str,
    inner: BufReader<R>,
    md5: Md5,
    /// Bytes before the digest that were not read yet.
    left: u64,
    place: Place,
    buffer: Vec<u8>,
}

impl<'n, R: Read> Input<'n, R> {
    pub(super) fn new(name: &'n str, size: u64, from: R) -> Self {
        Self {
            name,
            inner: BufReader::with_capacity(1 << 18, from),
            md5: Md5::new(),
            left: size.saturating_sub(DIGEST),
            place: Place::Start,
            buffer: vec![0; RUN],
        }
    }

    /// Says what is read next, for messages.
    pub(super) fn at(&mut self, place: Place) {
        self.place = place;
    }

    pub(super) fn damaged(&self, detail: impl Into<String>) -> Error {
        Error::Damaged {
            file: self.name.to_owned(),
            format: FORMAT,
            place: self.place.to_string(),
            detail: detail.into(),
        }
    }

    fn failed(&self, cause: io::Error) -> Error {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => self.short(),
            _ => Error::Io { path: self.name.into(), cause },
        }
    }

    fn short(&self) -> Error {
        self.damaged("the file ends too early")
    }

    /// Reads past the magic line and the version, which it says.
    pub(super) fn version(&mut self) -> Result<&'static str, Error> {
        let start = self.line(MAGIC.len() as u64)?;
        if start != MAGIC {
            let mend = match &*start {
                start if start.starts_with(b"PAR1") => {
                    "; a saved log is read with ExposureLog::open_saved"
                }
                _ => "",
            };
            return Err(
                self.damaged(format!("its first line is not \"tiltmeter saved tally\"{mend}"))
            );
        }
        let line = self.line(32)?;
        let line = String::from_utf8_lossy(&line);
        let found = line.strip_prefix("version ").and_then(|rest| rest.strip_suffix('\n'));
        match found {
            Some(VERSION) => Ok(VERSION),
            Some(WITH_LABELS) => Ok(WITH_LABELS),
            Some(found) => Err(Error::Version {
                file: self.name.to_owned(),
                what: FORMAT,
                found: found.to_owned(),
                expected: VERSION,
            }),
            None => Err(self.damaged("its second line is not a version")),
        }
    }

    pub(super) fn header(&mut self) -> Result<Header<'static>, Error> {
        self.at(Place::Header);
        let line = self.line(self.left)?;
        if line.last() != Some(&b'\n') {
            return Err(self.short());
        }
        let header: Header<'static> =
            serde_json::from_slice(&line).map_err(|cause| self.damaged(cause.to_string()))?;
        header.check().map_err(|fault| self.damaged(fault))?;
        Ok(header)
    }

    /// Up to the end of the line, or as far as `most` bytes and the file go.
    fn line(&mut self, most: u64) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        let mut within = self.inner.by_ref().take(most.min(self.left));
        let read = within.read_until(b'\n', &mut line);
        read.map_err(|cause| self.failed(cause))?;
        self.left -= line.len() as u64;
        self.md5.update(&line);
        Ok(line)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.left = self.left.checked_sub(N as u64).ok_or_else(|| self.short())?;
        self.inner.read_exact(&mut bytes).map_err(|cause| self.failed(cause))?;
        self.md5.update(bytes);
        Ok(bytes)
    }

    /// A length.
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        self.bytes().map(|bytes| u32::from_le_bytes(bytes).into())
    }

    /// Reads numbers one after the other.
    pub(super) fn array<T, const N: usize>(
        &mut self,
        count: u64,
        of: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let length = count.checked_mul(N as u64).filter(|&length| length <= self.left);
        let length = length.ok_or_else(|| self.short())?;
        let count = usize::try_from(count).map_err(|_| self.short())?;
        self.left -= length;
        let mut values = Vec::with_capacity(count);
        while values.len() < count {
            let run = (count - values.len()).min(RUN / N);
            let mut buffer = std::mem::take(&mut self.buffer);
            let filled = &mut buffer[..run * N];
            self.inner.read_exact(filled).map_err(|cause| self.failed(cause))?;
            self.md5.update(&*filled);
            values.extend(filled.as_chunks::<N>().0.iter().map(|&bytes| of(bytes)));
            self.buffer = buffer;
        }
        Ok(values)
    }

    /// Reads the digest, which must be that of everything before it, and be the end of the file.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let mut digest = [0; DIGEST as usize];
        self.inner.read_exact(&mut digest).map_err(|cause| self.failed(cause))?;
        let read: [u8; DIGEST as usize] = std::mem::take(&mut self.md5).finalize().into();
        let ended = self.inner.fill_buf().map(<[u8]>::is_empty);
        if self.left != 0 || !ended.map_err(|cause| self.failed(cause))? {
            return Err(self.damaged("there is more in the file than its header says"));
        }
        if digest != read {
            return Err(self.damaged("its contents are not those that were saved"));
        }
        Ok(())
    }
}
