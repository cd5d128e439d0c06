//! Text in other encodings than UTF-8, as UTF-8.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::error::Error;

/// Bytes that are looked at to tell an encoding, and decoded at a time.
const LOOKED_AT: usize = 1 << 16;

/// Bytes as UTF-8: by the encoding that is declared, or that their beginning shows, which is then told by its name.
pub(in crate::source) fn decoded(
    bytes: Box<dyn Read + Send>,
    declared: Option<&str>,
) -> Result<(Box<dyn Read + Send>, Option<String>), Error> {
    let (first, bytes) = looked_at(bytes);
    let encoding = match declared {
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| Error::Parameter {
            parameter: "the encoding of a file",
            value: label.to_owned(),
            expected: "one that browsers know, such as utf-8, utf-16le, latin1, windows-1252, windows-1251 or \
                       shift_jis",
        })?,
        None => told(&first),
    };
    let bytes = Cursor::new(first).chain(bytes);
    if encoding == UTF_8 {
        return Ok((Box::new(bytes), None));
    }
    let bytes: Box<dyn Read + Send> = Box::new(bytes);
    let bytes = BufReader::with_capacity(LOOKED_AT, bytes);
    let name = declared.is_none().then(|| encoding.name().to_owned());
    // A byte-order mark is left out.
    let decoder = encoding.new_decoder_with_bom_removal();
    let decoding = Decoding { bytes, decoder, text: Vec::new(), read: 0, ended: false };
    Ok((Box::new(decoding), name))
}

/// The first bytes, as many whatever pieces they come in, and a reader of those that follow; a failure is told where it
/// was met.
fn looked_at(mut bytes: Box<dyn Read + Send>) -> (Vec<u8>, Box<dyn Read + Send>) {
    let mut first = Vec::new();
    match (&mut bytes).take(LOOKED_AT as u64).read_to_end(&mut first) {
        Ok(_) => (first, bytes),
        Err(cause) => (first, Box::new(Fails(Some(cause)))),
    }
}

/// A reader that fails, once.
struct Fails(Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The encoding that the beginning of a file shows.
fn told(first: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(first) {
        return encoding;
    }
    // Letters of most languages' files have a zero byte in every pair.
    let zeros = |at: usize| first.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let pairs = first.len() / 2;
    if pairs >= 8 && zeros(1) * 10 > pairs * 6 {
        return UTF_16LE;
    }
    if pairs >= 8 && zeros(0) * 10 > pairs * 6 {
        return UTF_16BE;
    }
    match std::str::from_utf8(first) {
        // A character may be cut off where the look ends.
        Err(cause) if cause.error_len().is_some() && is_office_text(first) => WINDOWS_1252,
        _ => UTF_8,
    }
}

/// Whether bytes that are no UTF-8 are text of one byte a character: letters beside letters, more than one, and no
/// control character. A single wrong byte, or one in text that is UTF-8 otherwise, is told as what it is.
fn is_office_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let is_right = |c: char| !c.is_ascii() && c != '\u{fffd}';
    let beside =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let is_letter = |at: &usize| {
        matches!(bytes[*at], 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0xfe)
            && (beside(at.checked_sub(1)) || beside(Some(at + 1)))
    };
    let letters = (0..bytes.len()).filter(is_letter).count();
    letters > 1
        && !bytes.iter().any(is_control)
        && !String::from_utf8_lossy(bytes).chars().any(is_right)
}

/// A reader of bytes of another encoding.
struct Decoding {
    bytes: BufReader<Box<dyn Read + Send>>,
    decoder: Decoder,
    text: Vec<u8>,
    /// How much of the text was read.
    read: usize,
    ended: bool,
}

impl Decoding {
    fn fill(&mut self) -> io::Result<()> {
        self.text.resize(4 * LOOKED_AT, 0);
        self.read = 0;
        let mut length = 0;
        while length == 0 && !self.ended {
            let bytes = self.bytes.fill_buf()?;
            let last = bytes.is_empty();
            let (result, taken, wrote, replaced) =
                self.decoder.decode_to_utf8(bytes, &mut self.text, last);
            self.bytes.consume(taken);
            if replaced {
                let what = format!("bytes that are no {}", self.decoder.encoding().name());
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            length = wrote;
            self.ended = last && result == CoderResult::InputEmpty;
        }
        self.text.truncate(length);
        Ok(())
    }
}

impl Read for Decoding {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() && !self.ended {
            self.fill()?;
        }
        let rest = &self.text[self.read..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], declared: Option<&str>) -> (String, Option<String>) {
        let (mut decoded, found) =
            decoded(Box::new(io::Cursor::new(bytes.to_vec())), declared).unwrap();
        let mut text = String::new();
        decoded.read_to_string(&mut text).unwrap();
        (text, found)
    }

    /// A reader of one byte at a time, which fails at the end.
    struct Drops(Vec<u8>);

    impl Read for Drops {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("cut off"));
            }
            into[0] = self.0.remove(0);
            Ok(1)
        }
    }

    /// What is told does not hang on the pieces in which bytes come, and a failure is not lost.
    #[test]
    fn pieces_do_not_matter() {
        let bytes = b"who,about\na,caf\xe9\nb,\xe9t\xe9\n".to_vec();
        let (mut decoded, found) = decoded(Box::new(Drops(bytes)), None).unwrap();
        assert_eq!(found.as_deref(), Some("windows-1252"));
        let mut text = Vec::new();
        let failed = decoded.read_to_end(&mut text).unwrap_err();
        assert_eq!(failed.to_string(), "cut off");
        assert_eq!(String::from_utf8(text).unwrap(), "who,about\na,café\nb,été\n");
    }

    #[test]
    fn encodings_are_told_and_declared() {
        let text = "who,about\nRené,économie\n".repeat(9_000);
        let utf16 = |swap: bool, mark: bool| {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units
                .flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect::<Vec<u8>>()
        };
        let latin1: Vec<u8> = text.chars().map(|c| c as u8).collect();
        assert_eq!(read(text.as_bytes(), None), (text.clone(), None));
        for (bytes, name) in [
            (utf16(false, true), "UTF-16LE"),
            (utf16(true, true), "UTF-16BE"),
            (utf16(false, false), "UTF-16LE"),
            (latin1.clone(), "windows-1252"),
        ] {
            assert_eq!(read(&bytes, None), (text.clone(), Some(name.to_owned())));
        }
        assert_eq!(read(&latin1, Some("latin1")), (text, None));
        let cyrillic = encoding_rs::WINDOWS_1251.encode("война").0.into_owned();
        assert_eq!(read(&cyrillic, Some("windows-1251")).0, "война");
        assert!(decoded(Box::new(io::empty()), Some("klingon")).is_err());
    }

    /// A wrong byte in text that is UTF-8 otherwise does not make it another encoding.
    #[test]
    fn one_wrong_byte_is_a_wrong_byte() {
        let mut bytes = "économie, économie, économie ".as_bytes().to_vec();
        bytes.push(0xe9);
        bytes.extend(b" and more");
        assert_eq!(told(&bytes), UTF_8);
        assert_eq!(told(b"who,about\na,\xff\nb,war\n"), UTF_8);
        assert_eq!(told(b"who,about\na,caf\xe9\nb,\xe9t\xe9\n"), WINDOWS_1252);
    }
}
