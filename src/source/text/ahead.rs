//! Bytes read, or unpacked, on a thread of their own, ahead of whoever needs them.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes that are handed over at a time, and how many such pieces may wait.
const PIECE: usize = 1 << 18;
const PIECES: usize = 4;

/// Bytes that another thread reads.
pub(super) struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    read: usize,
    /// Memory of pieces that were read.
    back: SyncSender<Vec<u8>>,
}

impl Ahead {
    /// Begins to read.
    pub(super) fn of(mut bytes: impl Read + Send + 'static) -> io::Result<Self> {
        let (send, pieces) = sync_channel(PIECES);
        let (back, used) = sync_channel::<Vec<u8>>(PIECES + 2);
        let reading = move || {
            loop {
                let mut piece = used.try_recv().unwrap_or_default();
                piece.clear();
                piece.reserve(PIECE);
                let read = (&mut bytes).take(PIECE as u64).read_to_end(&mut piece);
                // What was read before a failure is handed over before it.
                let all_sent = piece.is_empty() || send.send(Ok(piece)).is_ok();
                match read {
                    Ok(1..) if all_sent => {}
                    Err(cause) if all_sent => {
                        let _ = send.send(Err(cause));
                        return;
                    }
                    _ => return,
                }
            }
        };
        thread::Builder::new().name("tiltmeter-unpack".to_owned()).spawn(reading)?;
        Ok(Self { pieces, piece: Vec::new(), read: 0, back })
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() {
            let used = std::mem::take(&mut self.piece);
            // Memory that nobody takes back is given up.
            let _ = self.back.try_send(used);
            self.read = 0;
            match self.pieces.recv() {
                Ok(piece) => self.piece = piece?,
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.piece[self.read..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}
