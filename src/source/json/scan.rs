//! Going through the bytes of a document: its brackets and texts. What stands between them is not looked at.

use std::io::{self, Read};

use crate::log::MAX_VALUE;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 17;

/// The bytes of a document, each of which is seen once.
pub(super) struct Scan {
    from: Box<dyn Read + Send>,
    piece: Vec<u8>,
    at: usize,
    /// Whether a line has ended so far.
    pub(super) has_line_ends: bool,
    /// Why no more can be read, told behind what was read.
    failed: Option<io::Error>,
}

impl Scan {
    pub(super) fn of(from: Box<dyn Read + Send>) -> Self {
        Self { from, piece: Vec::new(), at: 0, has_line_ends: false, failed: None }
    }

    /// What is read and not passed over yet, some of it if there is any.
    pub(super) fn ahead(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() {
            self.at = 0;
            self.piece.clear();
            if let Some(cause) = self.failed.take() {
                return Err(cause);
            }
            match (&mut self.from).take(PIECE as u64).read_to_end(&mut self.piece) {
                Err(cause) if self.piece.is_empty() => return Err(cause),
                read => self.failed = read.err(),
            }
        }
        Ok(&self.piece[self.at..])
    }

    /// Passes over bytes that [`ahead`](Self::ahead) showed.
    pub(super) fn skip(&mut self, bytes: usize) {
        let passed = &self.piece[self.at..self.at + bytes];
        self.has_line_ends = self.has_line_ends || memchr::memchr(b'\n', passed).is_some();
        self.at += bytes;
    }

    /// The first byte of the document, behind a byte-order mark and space.
    pub(super) fn first(&mut self) -> io::Result<Option<u8>> {
        if self.ahead()?.starts_with(b"\xef\xbb\xbf") {
            self.skip(3);
        }
        let first = self.next_byte()?;
        self.has_line_ends = false;
        Ok(first)
    }

    /// The next byte that is no space, which is not passed over.
    pub(super) fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                return Ok(None);
            }
            let space = ahead.iter().take_while(|byte| is_space(**byte)).count();
            let byte = ahead.get(space).copied();
            self.skip(space);
            if byte.is_some() {
                return Ok(byte);
            }
        }
    }

    /// The next byte that is no space, of a document that cannot end there.
    pub(super) fn some_byte(&mut self) -> io::Result<u8> {
        self.next_byte()?.ok_or_else(unclosed)
    }

    /// Passes over a byte that has to be next.
    pub(super) fn expect(&mut self, byte: u8) -> io::Result<()> {
        let found = self.some_byte()?;
        if found != byte {
            let (wanted, found) = (char::from(byte), char::from(found));
            return Err(invalid(format!("{found:?} where {wanted:?} is expected")));
        }
        self.skip(1);
        Ok(())
    }

    /// The key that is next.
    pub(super) fn key(&mut self) -> io::Result<String> {
        self.expect(b'"')?;
        let mut text = vec![b'"'];
        let mut nesting = Nesting::in_text();
        loop {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                return Err(unclosed());
            }
            let (passed, is_over) = nesting.pass(ahead);
            text.extend_from_slice(&ahead[..passed]);
            self.skip(passed);
            if is_over {
                break;
            }
            if text.len() > MAX_VALUE {
                return Err(invalid("a key of more than 65,536 bytes".to_owned()));
            }
        }
        serde_json::from_slice(&text).map_err(|_| invalid("a key that is no text".to_owned()))
    }

    /// Passes over the value that is next.
    pub(super) fn value(&mut self) -> io::Result<()> {
        match self.some_byte()? {
            b'{' | b'[' | b'"' => self.close(Nesting::default()),
            _ => loop {
                let ahead = self.ahead()?;
                let word = ahead.iter().take_while(|byte| !ends_word(**byte)).count();
                let is_over = word < ahead.len() || ahead.is_empty();
                self.skip(word);
                if is_over {
                    return Ok(());
                }
            },
        }
    }

    /// Passes over what is left of the brackets that are open.
    pub(super) fn close(&mut self, mut nesting: Nesting) -> io::Result<()> {
        loop {
            let ahead = self.ahead()?;
            if ahead.is_empty() {
                return Err(unclosed());
            }
            let (passed, is_over) = nesting.pass(ahead);
            self.skip(passed);
            if is_over {
                return Ok(());
            }
        }
    }

    /// Goes through the members of an object, with what is done with each, which has to pass over its value, up to
    /// one for which it gives something.
    pub(super) fn members<T>(
        &mut self,
        mut each: impl FnMut(&mut Self, String) -> io::Result<Option<T>>,
    ) -> io::Result<Option<T>> {
        self.expect(b'{')?;
        if self.some_byte()? == b'}' {
            self.skip(1);
            return Ok(None);
        }
        loop {
            let key = self.key()?;
            self.expect(b':')?;
            if let Some(given) = each(self, key)? {
                return Ok(Some(given));
            }
            if self.some_byte()? == b'}' {
                self.skip(1);
                return Ok(None);
            }
            self.expect(b',')?;
        }
    }
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a number or word ends before this byte.
pub(super) const fn ends_word(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b']' | b'}')
}

pub(super) fn unclosed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the document ends before it is closed")
}

pub(super) fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The brackets that are open, and whether a text is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nesting {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
}

impl Nesting {
    /// With so many brackets open.
    pub(super) fn at(depth: usize) -> Self {
        Self { depth, ..Self::default() }
    }

    /// Behind the quote with which a text begins.
    fn in_text() -> Self {
        Self { in_text: true, ..Self::default() }
    }

    /// Goes through bytes up to where nothing is open any more: how many those are, and whether that is so.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_text {
                at += self.text(&bytes[at..]);
                if !self.in_text && self.depth == 0 {
                    return (at, true);
                }
                continue;
            }
            at += 1;
            if self.byte(bytes[at - 1]) {
                return (at, true);
            }
        }
        (at, false)
    }

    /// The same, with the bytes added to others, where ends of lines become spaces. Those within a text, where none
    /// may be, become a byte that may not be there either.
    pub(super) fn copy(&mut self, bytes: &[u8], into: &mut Vec<u8>) -> (usize, bool) {
        const NOT_IN_TEXTS: u8 = 1;
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            if self.in_text {
                at += self.text(&bytes[at..]);
                let text = into.len();
                into.extend_from_slice(&bytes[start..at]);
                into[text..].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| {
                    *byte = NOT_IN_TEXTS;
                });
                if !self.in_text && self.depth == 0 {
                    return (at, true);
                }
                continue;
            }
            let mut is_over = false;
            while at < bytes.len() && bytes[at] != b'\n' && !self.in_text && !is_over {
                is_over = self.byte(bytes[at]);
                at += 1;
            }
            into.extend_from_slice(&bytes[start..at]);
            if is_over {
                return (at, true);
            }
            if !self.in_text && bytes.get(at) == Some(&b'\n') {
                into.push(b' ');
                at += bytes[at..].iter().take_while(|byte| is_space(**byte)).count();
            }
        }
        (at, false)
    }

    /// Takes a byte outside of texts; whether nothing is open any more.
    #[inline]
    fn byte(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }

    /// How many bytes there are up to the end of the text, its quote with them.
    #[inline]
    fn text(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.is_escaped) {
                at += 1;
                continue;
            }
            let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) else {
                return bytes.len();
            };
            at += found + 1;
            if bytes[at - 1] == b'"' {
                self.in_text = false;
                return at;
            }
            self.is_escaped = true;
        }
        at
    }
}
