//! Opening a file that may be compressed with gzip; told by its first bytes, not its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;

pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a file, decompressed where they are gzip.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Error> {
    let failed = |cause| Error::Io { path: path.to_owned(), cause };
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
    if file.fill_buf().map_err(failed)?.starts_with(&GZIP_MAGIC) {
        Ok(Box::new(MultiGzDecoder::new(file)))
    } else {
        Ok(Box::new(file))
    }
}

/// What a failed read means: bytes that end early or do not decode are the file's fault, the
/// rest the operating system's.
pub(super) fn read_error(
    file: &str,
    format: &'static str,
    rows_before: u64,
    cause: io::Error,
) -> Error {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::Damaged {
                file: file.to_owned(),
                format,
                place: format!(" after row {rows_before}"),
                detail: cause.to_string(),
            }
        }
        _ => Error::Io { path: file.into(), cause },
    }
}
