//! The elements of an array, each on a line of its own.

use std::io::{self, Read};

use super::scan::{Nesting, Scan, ends_word, invalid, unclosed};

/// Bytes of lines that are made at a time.
const PIECE: usize = 1 << 16;

/// Reads a document as one line for each element of an array in it. The rest of the document is gone through too, so
/// that one that is not whole is an error.
pub(super) struct Elements {
    document: Scan,
    state: State,
    /// Brackets around the array.
    within: usize,
    /// Whether elements stand one after the other, without an array around them.
    are_bare: bool,
    lines: Vec<u8>,
    given: usize,
    /// What is told once the lines before were given.
    failed: Option<io::Error>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before the first element, if there is one.
    First,
    /// Before another element.
    Next,
    /// Within an element that is an object, an array or a text.
    Within(Nesting),
    /// Within another.
    Word,
    /// Behind an element.
    Behind,
    /// Behind the array.
    Closed,
    Ended,
}

impl Elements {
    /// The elements of an array whose bracket was passed over, in so many others.
    pub(super) fn of_array(document: Scan, within: usize) -> Self {
        Self::of(document, within, false)
    }

    /// Values that stand one after the other.
    pub(super) fn of_sequence(document: Scan) -> Self {
        Self::of(document, 0, true)
    }

    fn of(document: Scan, within: usize, are_bare: bool) -> Self {
        let (state, lines) = (State::First, Vec::new());
        Self { document, state, within, are_bare, lines, given: 0, failed: None }
    }

    /// Goes on to another state.
    fn step(&mut self) -> io::Result<State> {
        Ok(match self.state {
            State::First if self.are_bare => match self.document.next_byte()? {
                None => State::Ended,
                Some(_) => State::Next,
            },
            State::First if self.document.some_byte()? == b']' => {
                self.document.skip(1);
                State::Closed
            }
            State::First | State::Next => match self.document.some_byte()? {
                b'{' | b'[' | b'"' => State::Within(Nesting::default()),
                byte if ends_word(byte) => {
                    return Err(invalid(format!(
                        "{:?} where an element is expected",
                        char::from(byte)
                    )));
                }
                _ => State::Word,
            },
            State::Within(mut nesting) => {
                let ahead = self.document.ahead()?;
                if ahead.is_empty() {
                    return Err(unclosed());
                }
                let (passed, is_over) = nesting.copy(ahead, &mut self.lines);
                self.document.skip(passed);
                if is_over { State::Behind } else { State::Within(nesting) }
            }
            State::Word => {
                let ahead = self.document.ahead()?;
                let word = ahead.iter().take_while(|byte| !ends_word(**byte)).count();
                let is_over = word < ahead.len() || word == 0;
                self.lines.extend_from_slice(&ahead[..word]);
                self.document.skip(word);
                if is_over { State::Behind } else { State::Word }
            }
            State::Behind => {
                self.lines.push(b'\n');
                self.behind()?
            }
            State::Closed => {
                if self.within > 0 {
                    self.document.close(Nesting::at(self.within))?;
                }
                if self.document.next_byte()?.is_some() {
                    return Err(invalid(
                        "something stands behind the end of the document".to_owned(),
                    ));
                }
                State::Ended
            }
            State::Ended => State::Ended,
        })
    }

    /// What comes behind an element.
    fn behind(&mut self) -> io::Result<State> {
        if self.are_bare {
            return Ok(State::First);
        }
        let byte = self.document.some_byte()?;
        if byte != b',' && byte != b']' {
            return Err(invalid(format!("{:?} behind an element", char::from(byte))));
        }
        self.document.skip(1);
        Ok(if byte == b',' { State::Next } else { State::Closed })
    }
}

impl Read for Elements {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.lines.len() {
            self.lines.clear();
            self.given = 0;
            while self.failed.is_none()
                && self.lines.len() < PIECE
                && !matches!(self.state, State::Ended)
            {
                match self.step() {
                    Ok(state) => self.state = state,
                    Err(cause) => self.failed = Some(cause),
                }
            }
            if self.lines.is_empty()
                && let Some(cause) = self.failed.take()
            {
                self.state = State::Ended;
                return Err(cause);
            }
        }
        let rest = &self.lines[self.given..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}
