//! Delimited text byte by byte, by `csv-core`: for whatever has quotes where they do not belong, or is no
//! UTF-8.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::rows::{Halt, Rows};

/// A parser that is at the beginning of a row.
fn parser(delimiter: u8) -> Reader {
    let mut parser = ReaderBuilder::new().delimiter(delimiter).build();
    // A parser takes its first bytes for a byte-order mark, if they are one; those of a block are not first.
    let _ = parser.read_record(b"\n", &mut [0], &mut [0]);
    parser
}

/// A row that was read.
pub(super) struct Record<'r> {
    /// The texts of all fields.
    text: &'r [u8],
    ends: &'r [usize],
}

impl<'r> Record<'r> {
    /// The fields, in order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'r [u8]> {
        let (text, starts) = (self.text, std::iter::once(0).chain(self.ends.iter().copied()));
        starts.zip(self.ends).map(move |(start, &end)| &text[start..end])
    }
}

/// What comes next.
pub(super) enum Next<'r> {
    /// A row, from its first byte to after the byte that ends it.
    Row(Record<'r>, std::ops::Range<usize>),
    /// One that begins there and does not end, since a quote is open or the bytes are over.
    Open(usize),
    End,
}

/// Reads rows of bytes that begin with a row.
pub(super) struct Records<'b> {
    bytes: &'b [u8],
    at: usize,
    parser: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<'b> Records<'b> {
    pub(super) fn of(bytes: &'b [u8], delimiter: u8) -> Self {
        let (text, ends) = (vec![0; 1024], vec![0; 64]);
        Self { bytes, at: 0, parser: parser(delimiter), text, ends }
    }

    /// The next row. Where `ended`, the end of the bytes is the end of a row.
    pub(super) fn next(&mut self, ended: bool) -> Next<'_> {
        let blank = self.bytes[self.at..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let start = self.at + blank.count();
        if start == self.bytes.len() {
            return Next::End;
        }
        self.at = start;
        let (mut length, mut fields, mut told) = (0, 0, false);
        loop {
            let (rest, end): (&[u8], _) = match &self.bytes[self.at..] {
                [] if told || !ended => return Next::Open(start),
                [] => (b"\n", true),
                rest => (rest, false),
            };
            let (result, read, wrote, ended_fields) =
                self.parser.read_record(rest, &mut self.text[length..], &mut self.ends[fields..]);
            (length, fields) = (length + wrote, fields + ended_fields);
            if end {
                told = read > 0;
            } else {
                self.at += read;
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Next::End,
            }
        }
        let record = Record { text: &self.text[..length], ends: &self.ends[..fields] };
        Next::Row(record, start..self.at)
    }
}

/// Where the last row ends that ends among some bytes.
pub(super) fn last_row_end(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let mut records = Records::of(bytes, delimiter);
    let mut last = None;
    while let Next::Row(_, row) = records.next(false) {
        // A carriage return that is the last byte may be half of an end.
        if row.end < bytes.len() || bytes[row.end - 1] == b'\n' {
            last = Some(row.end);
        }
    }
    last
}

/// The rows of a block.
pub(super) fn decode(block: &[u8], delimiter: u8, rows: &mut Rows<'_>) -> Result<(), Halt> {
    let mut records = Records::of(block, delimiter);
    loop {
        match records.next(true) {
            Next::Row(record, at) => {
                // The end of the last row may be that of the bytes.
                let ends = matches!(block[at.end - 1], b'\n' | b'\r');
                rows.check_length(block, at.start, at.end + usize::from(!ends))?;
                rows.record(record.fields());
            }
            Next::Open(start) => {
                rows.check_length(block, start, block.len() + 1)?;
                return Err(Halt::OpenQuote);
            }
            Next::End => return Ok(()),
        }
    }
}
