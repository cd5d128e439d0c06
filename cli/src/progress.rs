//! How far it is, on standard error if that is a terminal, for whatever takes more than a second.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tiltmeter::Progress;

/// What is done sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears after a second.
#[derive(Clone)]
pub(crate) struct Bar {
    bar: ProgressBar,
    since: Instant,
}

impl Bar {
    /// A bar that counts things of this name.
    pub(crate) fn of(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template = format!("{{wide_bar}} {{human_pos}} of {{human_len}} {what}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self { bar, since: Instant::now() }
    }

    /// So many are done, of so many.
    fn set(&self, done: u64, of: u64) {
        if self.since.elapsed() > PATIENCE && self.bar.is_hidden() && shown() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    /// How far it is, in rows where files say how many they have, else in parts; and on it goes.
    pub(crate) fn at(&self, progress: &Progress) -> ControlFlow<()> {
        match progress.of_rows {
            Some(of) => self.set(progress.rows, of),
            None => self.set(progress.parts as u64, progress.of_parts as u64),
        }
        ControlFlow::Continue(())
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Runs something whose length nobody knows, with a word for it turning after a second.
pub(crate) fn waiting<T>(what: &'static str, work: impl FnOnce() -> T) -> T {
    let spinner = shown().then(|| Spinner::start(what));
    let done = work();
    drop(spinner);
    done
}

struct Spinner {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Spinner {
    fn start(what: &'static str) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_message(what);
            bar.enable_steady_tick(Duration::from_millis(120));
            // Either way the work is done.
            let _ = stopped.recv();
            bar.finish_and_clear();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It draws and nothing else; whatever befell it is no concern of the result.
            let _ = thread.join();
        }
    }
}

fn shown() -> bool {
    std::io::stderr().is_terminal()
}
