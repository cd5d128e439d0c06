//! Threads that decode and gather blocks of a source, ahead of the log that takes them in their order.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::blocks::{Decoded, Stop, Undecoded};
use super::builder::{Known, LogBuilder, Piece, Told};
use super::schema::LogSchema;
use crate::error::Error;

/// Blocks for each thread that are decoded or wait: one that is worked on, one that waits for it, and one
/// that waits for the log.
const BLOCKS_OF_THREAD: usize = 3;

/// What becomes of a block.
pub(super) struct Gathered {
    pub(super) worker: usize,
    /// `None` where there were no rows.
    pub(super) piece: Result<Option<Piece>, Error>,
    pub(super) stop: Option<Stop>,
}

type Outcome = thread::Result<Gathered>;

/// A block, and who waits for what becomes of it.
type Task = (Undecoded, SyncSender<Outcome>);

/// Threads, the blocks that they work on, and what is known of their codes.
pub(super) struct Workers {
    threads: Vec<JoinHandle<()>>,
    /// `None` once they are to end.
    tasks: Option<Sender<Task>>,
    todo: Arc<Mutex<Receiver<Task>>>,
    /// In the order of the file.
    waiting: VecDeque<Receiver<Outcome>>,
    pub(super) known: Vec<Known>,
    /// By thread, bytes that it holds.
    held: Vec<usize>,
    /// Raised when they are to forget what they know.
    forget: Arc<AtomicU64>,
}

impl Default for Workers {
    fn default() -> Self {
        let (send, receive) = channel();
        Self {
            threads: Vec::new(),
            tasks: Some(send),
            todo: Arc::new(Mutex::new(receive)),
            waiting: VecDeque::new(),
            known: Vec::new(),
            held: Vec::new(),
            forget: Arc::default(),
        }
    }
}

impl Workers {
    /// Sees to it that there are at least so many threads, which gather the columns of a schema and hold no
    /// more than about so many bytes each for finding numbers.
    pub(super) fn at_least(
        &mut self,
        count: usize,
        file: &str,
        schema: &LogSchema,
        columns: &[String],
        bytes: usize,
    ) -> std::io::Result<()> {
        while self.threads.len() < count {
            let worker = self.threads.len();
            let (todo, forget) = (Arc::clone(&self.todo), Arc::clone(&self.forget));
            let forgot = forget.load(Ordering::Relaxed);
            let (file, schema, columns) = (file.to_owned(), schema.clone(), columns.to_vec());
            let mut own = Worker { worker, file, columns, bytes, forget, forgot };
            let thread = thread::Builder::new().name(format!("tiltmeter-decode-{worker}"));
            self.threads.push(thread.spawn(move || own.work(&schema, &todo))?);
            self.known.push(Known::default());
            self.held.push(0);
        }
        Ok(())
    }

    /// How many blocks are worked on, or wait.
    pub(super) fn blocks(&self) -> usize {
        self.waiting.len()
    }

    /// Whether they could do with another block.
    pub(super) fn want_more(&self) -> bool {
        self.waiting.len() < self.known.len() * BLOCKS_OF_THREAD
    }

    pub(super) fn give(&mut self, block: Undecoded) {
        let (send, receive) = sync_channel(1);
        if let Some(tasks) = &self.tasks {
            // They end when they are told to, and not before.
            let _ = tasks.send((block, send));
        }
        self.waiting.push_back(receive);
    }

    /// What became of the first block that was given and not taken yet.
    pub(super) fn take(&mut self) -> Option<Gathered> {
        let outcome = self.waiting.pop_front()?.recv();
        match outcome {
            Ok(Ok(gathered)) => {
                if let Ok(Some(piece)) = &gathered.piece {
                    self.held[gathered.worker] = piece.held;
                }
                Some(gathered)
            }
            Ok(Err(panic)) => resume_unwind(panic),
            // A thread whose work panicked told so.
            Err(_) => None,
        }
    }

    /// Bytes that threads hold for what they know, and the log for what it knows of them.
    pub(super) fn bytes(&self) -> usize {
        self.held.iter().sum::<usize>() + self.known.iter().map(Known::bytes).sum::<usize>()
    }

    /// Begins another log, in which no code is known yet.
    pub(super) fn begin(&mut self, bytes: usize) {
        if self.bytes() > bytes {
            self.forget.fetch_add(1, Ordering::Relaxed);
        }
        self.known.iter_mut().for_each(Known::begin);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Blocks that nobody waits for are passed over.
        self.waiting.clear();
        self.tasks = None;
        for thread in self.threads.drain(..) {
            // What panicked was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

/// What a thread has for itself.
struct Worker {
    worker: usize,
    file: String,
    columns: Vec<String>,
    bytes: usize,
    forget: Arc<AtomicU64>,
    forgot: u64,
}

impl Worker {
    fn work(&mut self, schema: &LogSchema, tasks: &Mutex<Receiver<Task>>) {
        let mut builder = None;
        loop {
            let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((block, send)) = task else { return };
            let forget = self.forget.load(Ordering::Relaxed);
            if std::mem::replace(&mut self.forgot, forget) != forget {
                builder = None;
            }
            let gathered = catch_unwind(AssertUnwindSafe(|| {
                let Decoded { batch, stop } = block.decode();
                let piece = batch.map(|batch| {
                    let (builder, told) = self.builder(schema, &mut builder)?;
                    builder.piece(batch, told)
                });
                Gathered { worker: self.worker, piece: piece.transpose(), stop }
            }));
            // Nobody waits any more where reading was given up.
            let _ = send.send(gathered);
        }
    }

    fn builder<'b, 's>(
        &self,
        schema: &'s LogSchema,
        builder: &'b mut Option<(LogBuilder<'s>, Told)>,
    ) -> Result<&'b mut (LogBuilder<'s>, Told), Error> {
        if builder.is_none() {
            let (new, _) = LogBuilder::new(&self.file, schema, &self.columns)?;
            *builder = Some((new.within(self.bytes), Told::default()));
        }
        Ok(builder.as_mut().expect("it was just made"))
    }
}
