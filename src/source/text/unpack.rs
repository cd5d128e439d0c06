//! Opening a file that may be compressed with gzip or Zstandard; told by its first bytes, not its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::STANDARD_INPUT;
use super::ahead::Ahead;
use crate::error::Error;

/// Bytes by which forms of compression are told.
const MAGIC_BYTES: usize = 4;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

#[cfg(feature = "zstd")]
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What a frame of Zstandard begins with that holds something else; the first byte may be one of 16.
#[cfg(feature = "zstd")]
const ZSTD_SKIPPED: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// The bytes of a file, decompressed where they are compressed, on a thread of their own.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Error> {
    let failed = |cause| Error::Io { path: path.to_owned(), cause };
    let place = if path.to_str() == Some(STANDARD_INPUT) { Path::new("/dev/stdin") } else { path };
    let mut file = File::open(place).map_err(failed)?;
    // Not gone back to: a pipe has no way back.
    let mut first = Vec::with_capacity(MAGIC_BYTES);
    (&mut file).take(MAGIC_BYTES as u64).read_to_end(&mut first).map_err(failed)?;
    let is_gzip = Gzip::is(&first);
    #[cfg(feature = "zstd")]
    let is_zstd = Zstd::is(&first);
    let bytes = Cursor::new(first).chain(file);
    if is_gzip {
        return Ok(Box::new(Ahead::of(Members::<Gzip>::of(bytes)).map_err(failed)?));
    }
    #[cfg(feature = "zstd")]
    if is_zstd {
        return Ok(Box::new(Ahead::of(Members::<Zstd>::of(bytes)).map_err(failed)?));
    }
    Ok(Box::new(bytes))
}

/// Whether a file is compressed.
pub(crate) fn is_packed(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(MAGIC_BYTES as u64).read_to_end(&mut first)?;
    #[cfg(feature = "zstd")]
    if Zstd::is(&first) {
        return Ok(true);
    }
    Ok(Gzip::is(&first))
}

/// The bytes of a file, of which the first were read before.
type Bytes = BufReader<Chain<Cursor<Vec<u8>>, File>>;

/// A form of compression, whose files are one or more members, one after the other.
trait Form: Sized {
    /// Bytes by which it is told.
    const TOLD_BY: usize;

    /// What reads one member.
    type Member: Read;

    /// Whether a member may begin so; its first byte is always there, the others may be still to be read.
    fn begins(bytes: &[u8]) -> bool;

    /// Whether a file of this form begins so.
    fn is(first: &[u8]) -> bool {
        first.len() >= Self::TOLD_BY && Self::begins(first)
    }

    fn begin(bytes: Bytes) -> io::Result<Self::Member>;

    fn end(member: Self::Member) -> Bytes;
}

struct Gzip;

impl Form for Gzip {
    const TOLD_BY: usize = GZIP_MAGIC.len();
    type Member = GzDecoder<Bytes>;

    fn begins(bytes: &[u8]) -> bool {
        begins_with(bytes, &GZIP_MAGIC)
    }

    fn begin(bytes: Bytes) -> io::Result<Self::Member> {
        Ok(GzDecoder::new(bytes))
    }

    fn end(member: Self::Member) -> Bytes {
        member.into_inner()
    }
}

#[cfg(feature = "zstd")]
struct Zstd;

#[cfg(feature = "zstd")]
impl Form for Zstd {
    const TOLD_BY: usize = ZSTD_MAGIC.len();
    type Member = zstd::stream::read::Decoder<'static, Bytes>;

    fn begins(bytes: &[u8]) -> bool {
        let skipped = bytes.first().is_some_and(|first| first & 0xf0 == ZSTD_SKIPPED[0]);
        begins_with(bytes, &ZSTD_MAGIC) || skipped && begins_with(&bytes[1..], &ZSTD_SKIPPED[1..])
    }

    fn begin(bytes: Bytes) -> io::Result<Self::Member> {
        // Frames that are skipped are read by the same decoder as those with contents.
        Ok(zstd::stream::read::Decoder::with_buffer(bytes)?.single_frame())
    }

    fn end(member: Self::Member) -> Bytes {
        member.finish()
    }
}

/// Whether bytes begin with others, as far as they go.
fn begins_with(bytes: &[u8], first: &[u8]) -> bool {
    let count = bytes.len().min(first.len());
    bytes[..count] == first[..count]
}

/// The bytes of all members. Zero bytes behind the last are passed over, as the programs of that name do:
/// what writes in blocks of a fixed size fills them up so.
struct Members<F: Form>(State<F>);

enum State<F: Form> {
    Between(Bytes),
    Within(F::Member),
    Ended,
}

impl<F: Form> Members<F> {
    fn of(bytes: Chain<Cursor<Vec<u8>>, File>) -> Self {
        Self(State::Between(BufReader::with_capacity(1 << 18, bytes)))
    }
}

impl<F: Form> Read for Members<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.0, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(mut bytes) => {
                    if begins_another(&mut bytes, F::begins)? {
                        self.0 = State::Within(F::begin(bytes)?);
                    }
                }
                State::Within(mut member) => {
                    let count = member.read(into)?;
                    if count > 0 || into.is_empty() {
                        self.0 = State::Within(member);
                        return Ok(count);
                    }
                    self.0 = State::Between(F::end(member));
                }
            }
        }
    }
}

/// Whether there is another member; an error for bytes that are neither one nor zeros up to the end.
fn begins_another(bytes: &mut Bytes, begins: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    let mut zeros = false;
    loop {
        let next = bytes.fill_buf()?;
        let Some(&first) = next.first() else { return Ok(false) };
        if first != 0 {
            if !zeros && begins(next) {
                return Ok(true);
            }
            let what = "bytes behind the compressed ones that are none";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        zeros = true;
        let count = next.iter().take_while(|byte| **byte == 0).count();
        bytes.consume(count);
    }
}

/// What a failed read means: bytes that end early or do not decode are the file's fault, the
/// rest the operating system's.
pub(in crate::source) fn read_error(
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
