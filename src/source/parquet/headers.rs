//! The headers of pages, looked at before any page is decoded: what they say of sizes is believed by no
//! decoder until it was compared with what may be held. What this cannot read, decoders cannot either.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;

/// What the pages of a column take, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// The largest page, decompressed.
    pub(super) page: u64,
    /// While pages are decoded: one page, packed and unpacked, and the dictionary.
    pub(super) decoding: u64,
    /// A value, in the page where values are longest on average.
    pub(super) value: u64,
}

impl Sizes {
    /// The larger of each.
    pub(super) fn or_larger(self, other: Self) -> Self {
        Self {
            page: self.page.max(other.page),
            decoding: self.decoding.max(other.decoding),
            value: self.value.max(other.value),
        }
    }
}

/// Bytes that a value of a dictionary takes beside its text: where it ends, and what was made of it.
const OF_DICTIONARY: u64 = 16;

/// The most that deflate packs into a byte.
const DEFLATE: u64 = 1_032;

/// The longest header that is looked at: statistics may stand in it.
const LONGEST: usize = 1 << 20;

/// The sizes of the pages of a column in a row group, as their headers have them; larger than `most` for a
/// page packed by gzip that is more than it says.
pub(super) fn sizes(file: &File, chunk: &ColumnChunkMetaData, most: u64) -> Sizes {
    let (start, length) = chunk.byte_range();
    let end = start.saturating_add(length);
    let is_gzip = matches!(chunk.compression(), Compression::GZIP(_));
    let (mut at, mut sizes, mut page, mut dictionary) = (start, Sizes::default(), 0, 0);
    while at < end
        && let Some(header) = Header::at(file, at, end)
    {
        at = at.saturating_add(header.length);
        let mut unpacked = header.unpacked;
        // Its decoder takes all that there is, whatever was said.
        if is_gzip
            && header.packed.saturating_mul(DEFLATE) > most
            && is_more(file, at, header.packed, unpacked)
        {
            unpacked = u64::MAX / 4;
        }
        at = at.saturating_add(header.packed);
        sizes.page = sizes.page.max(unpacked);
        let both = unpacked.saturating_add(header.packed);
        if header.kind == Header::DICTIONARY {
            let values = header.values.saturating_mul(OF_DICTIONARY);
            dictionary = dictionary.max(both.saturating_add(unpacked).saturating_add(values));
        } else {
            page = page.max(both);
            sizes.value = sizes.value.max(unpacked / header.values.max(1));
        }
    }
    sizes.decoding = page.saturating_add(dictionary);
    sizes
}

/// Whether more comes out of gzip than was said.
fn is_more(mut file: &File, at: u64, packed: u64, said: u64) -> bool {
    if file.seek(SeekFrom::Start(at)).is_err() {
        return false;
    }
    let unpacked = MultiGzDecoder::new(BufReader::new(file.take(packed)));
    let counted = std::io::copy(&mut unpacked.take(said.saturating_add(1)), &mut std::io::sink());
    counted.is_ok_and(|count| count > said)
}

/// What a header says of its page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Header {
    /// Bytes of the header.
    length: u64,
    kind: u64,
    unpacked: u64,
    packed: u64,
    values: u64,
}

impl Header {
    const DICTIONARY: u64 = 2;

    /// The header that starts at a place of a file.
    fn at(mut file: &File, at: u64, end: u64) -> Option<Self> {
        let mut room = 256;
        loop {
            file.seek(SeekFrom::Start(at)).ok()?;
            let mut bytes = Vec::with_capacity(room);
            file.take(room.min(usize::try_from(end - at).ok()?) as u64)
                .read_to_end(&mut bytes)
                .ok()?;
            match Self::of(&bytes) {
                Some(header) => return Some(header),
                None if bytes.len() < room || room >= LONGEST => return None,
                None => room *= 8,
            }
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift { bytes, at: 0 };
        let mut header = Self::default();
        let mut id = 0;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (1, Thrift::I32) => header.kind = thrift.whole()?,
                (2, Thrift::I32) => header.unpacked = thrift.whole()?,
                (3, Thrift::I32) => header.packed = thrift.whole()?,
                // Of pages of either form and of dictionaries: how many values they have stands first.
                (5 | 7 | 8, Thrift::STRUCT) => header.values = thrift.first_of_struct()?,
                (_, kind) => thrift.skip(kind, 0)?,
            }
        }
        header.length = thrift.at as u64;
        Some(header)
    }
}

/// Thrift's compact form, as far as headers of pages need it.
struct Thrift<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Thrift<'_> {
    const I32: u8 = 5;
    const STRUCT: u8 = 12;
    /// How deep structures are followed.
    const DEEPEST: u32 = 16;

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn variable(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A whole number; a negative one counts as the largest, which nothing may have.
    fn whole(&mut self) -> Option<u64> {
        let number = self.variable()?;
        Some(if number & 1 == 0 { number >> 1 } else { u64::MAX / 4 })
    }

    /// The kind of the next field, after that of a number; `None` at the end of the structure.
    fn field(&mut self, id: &mut u64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.whole()?,
            more => id.saturating_add(more.into()),
        };
        Some(Some(byte & 0x0f))
    }

    /// The first field of a structure, a whole number.
    fn first_of_struct(&mut self) -> Option<u64> {
        let (mut id, mut first) = (0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (1, Self::I32) => first = self.whole()?,
                (_, kind) => self.skip(kind, 1)?,
            }
        }
        Some(first)
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > Self::DEEPEST {
            return None;
        }
        match kind {
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=6 => drop(self.variable()?),
            7 => self.pass(8)?,
            8 => {
                let length = self.variable()?;
                self.pass(length)?;
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.variable()?,
                    few => few.into(),
                };
                for _ in 0..count {
                    // Truth values are a byte each in lists, and none of their own in structures.
                    match byte & 0x0f {
                        1 | 2 => drop(self.byte()?),
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
            }
            Self::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.at = self.at.checked_add(usize::try_from(count).ok()?)?;
        (self.at <= self.bytes.len()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the letter of the format: a page of 300 values, 70,000 bytes unpacked, with statistics.
    #[test]
    fn a_header_is_read_and_what_is_cut_off_is_not() {
        let statistics = [0x5c, 0x18, 3, b'a', b'b', b'c', 0x16, 2, 0];
        let head = [0x15, 0, 0x15, 0xe0, 0xc5, 0x08, 0x15, 0x64, 0x2c, 0x15, 0xd8, 0x04, 0x15, 0];
        let bytes = [&head[..], &[0x15, 6, 0x15, 6], &statistics[1..], &[0], &[9, 9]].concat();
        let header = Header::of(&bytes).unwrap();
        let length = bytes.len() as u64 - 2;
        let expected = Header { length, kind: 0, unpacked: 70_000, packed: 50, values: 300 };
        assert_eq!(header, expected);
        for cut in 0..bytes.len() - 2 {
            assert_eq!(Header::of(&bytes[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn negative_sizes_are_too_large_for_anything() {
        let header = Header::of(&[0x15, 0, 0x15, 1, 0x15, 2, 0]).unwrap();
        assert!(header.unpacked > u64::from(u32::MAX));
    }
}
