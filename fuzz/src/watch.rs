//! The process that watches others try inputs: that none of them panics, is killed, or takes more time or
//! memory than an input is worth. An input that was too much is kept, with what happened.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::form::Form;
use crate::shown::SAY;
use crate::worker::{CURRENT, kept_as};

/// Of the processor, for one input; others may use the machine too.
const MOST_SECONDS: f64 = 10.0;
/// By the clock, for one input.
const MOST_WAITING: Duration = Duration::from_secs(120);
/// Resident memory, for one input.
const MOST_MEBIBYTES: u64 = 1024;
/// Clock ticks of `/proc/<pid>/stat` in a second, on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) seconds: Option<u64>,
    pub(crate) inputs: Option<u64>,
    pub(crate) forms: Vec<Form>,
    pub(crate) replay: Vec<PathBuf>,
    pub(crate) found: PathBuf,
}

/// What became of inputs, by form and outcome.
#[derive(Debug, Default)]
struct Tried {
    inputs: u64,
    outcomes: BTreeMap<(&'static str, String), u64>,
    /// Questions about inputs that were accepted, answered and refused.
    answers: u64,
    refusals: u64,
    found: Vec<String>,
}

/// A worker as it is watched.
struct Watched {
    child: Child,
    lines: Receiver<String>,
    stderr: PathBuf,
    /// The input under way, its form, and since when.
    current: Option<(u64, Form)>,
    since: Instant,
    seconds_before: f64,
}

/// Runs for as long as is said; whether nothing was found.
pub(crate) fn run(run: &Run) -> Result<bool, Box<dyn std::error::Error>> {
    let (start, scratch) = (Instant::now(), tempfile::tempdir()?);
    let mut tried = Tried::default();
    let over = |tried: &Tried| {
        run.seconds.is_some_and(|most| start.elapsed().as_secs() >= most)
            || run.inputs.is_some_and(|most| tried.inputs >= most)
    };
    let mut next = 0;
    while !over(&tried) {
        let mut watched = Watched::start(run, scratch.path(), next)?;
        let ended = watched.watch(&mut tried, &over);
        let _ = watched.child.kill();
        let status = watched.child.wait()?;
        let done = !run.replay.is_empty();
        match ended {
            Ended::Enough => break,
            Ended::Itself if status.success() && done => break,
            Ended::Itself => watched.keep(run, scratch.path(), &status.to_string(), &mut tried)?,
            Ended::TooMuch(what) => watched.keep(run, scratch.path(), &what, &mut tried)?,
        }
        let Some((number, _)) = watched.current else {
            return Err(watched.last_words().into());
        };
        next = number + 1;
        if done {
            break;
        }
    }
    tried.tell(start.elapsed());
    Ok(tried.found.is_empty())
}

enum Ended {
    Enough,
    Itself,
    TooMuch(String),
}

impl Watched {
    fn start(run: &Run, scratch: &Path, from: u64) -> std::io::Result<Self> {
        let stderr = scratch.join("stderr");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["worker", "--folder"]).arg(scratch);
        command.args(["--seed", &run.seed.to_string(), "--from", &from.to_string()]);
        for form in &run.forms {
            command.args(["--only", form.name()]);
        }
        for path in &run.replay {
            command.arg("--replay").arg(path);
            command.env(SAY, "");
        }
        command.env("RAYON_NUM_THREADS", "2");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&stderr)?);
        let mut child = command.spawn()?;
        let (tell, lines) = channel();
        let out = child.stdout.take();
        std::thread::spawn(move || {
            let lines = out.into_iter().flat_map(|out| BufReader::new(out).lines());
            lines.map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let since = Instant::now();
        Ok(Self { child, lines, stderr, current: None, since, seconds_before: 0.0 })
    }

    fn watch(&mut self, tried: &mut Tried, over: &dyn Fn(&Tried) -> bool) -> Ended {
        loop {
            match self.lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => self.heard(&line, tried),
                Err(RecvTimeoutError::Disconnected) => return Ended::Itself,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(what) = self.too_much() {
                        return Ended::TooMuch(what);
                    }
                }
            }
            if over(tried) {
                return Ended::Enough;
            }
        }
    }

    fn heard(&mut self, line: &str, tried: &mut Tried) {
        let mut words = line.split(' ');
        let (what, number) = (words.next(), words.next().and_then(|it| it.parse().ok()));
        let (Some(what), Some(number), Some(word)) = (what, number, words.next()) else { return };
        match (what, Form::by_name(word), self.current) {
            ("make" | "try", Some(form), _) => {
                self.current = Some((number, form));
                self.since = Instant::now();
                self.seconds_before = self.seconds().unwrap_or(self.seconds_before);
            }
            ("done", _, Some((_, form))) => {
                tried.inputs += 1;
                for (count, word) in
                    [&mut tried.answers, &mut tried.refusals].into_iter().zip(words)
                {
                    *count += word.parse().unwrap_or(0);
                }
                *tried.outcomes.entry((form.name(), word.to_owned())).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Seconds of the processor that the worker has used.
    fn seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / TICKS)
    }

    fn too_much(&self) -> Option<String> {
        let used = self.seconds()? - self.seconds_before;
        if used > MOST_SECONDS || self.since.elapsed() > MOST_WAITING {
            return Some(format!("hang of {used:.0} s"));
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        let mebibytes = kibibytes / 1024;
        (mebibytes > MOST_MEBIBYTES).then(|| format!("memory of {mebibytes} MiB"))
    }

    fn last_words(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Keeps the input that was too much, and says what happened.
    fn keep(
        &self,
        run: &Run,
        scratch: &Path,
        what: &str,
        tried: &mut Tried,
    ) -> std::io::Result<()> {
        let Some((number, form)) = self.current else { return Ok(()) };
        let words = self.last_words();
        let kind = if words.contains("panicked") { "panic" } else { what };
        let kind = kind.split(' ').next().unwrap_or_default().replace([':', '/'], "");
        std::fs::create_dir_all(&run.found)?;
        let path = kept_as(&run.found, form, &kind, run.seed, number);
        let about = format!("{what}\n{words}");
        if std::fs::copy(scratch.join(CURRENT), &path).is_err() {
            std::fs::write(&path, format!("made by --seed {} --from {number}\n", run.seed))?;
        }
        std::fs::write(path.with_added_extension("txt"), &about)?;
        let first: Vec<&str> = about.lines().take(4).collect();
        let shown: String = first.join("\n  ").chars().take(400).collect();
        eprintln!("FOUND {}: {shown}", path.display());
        if !run.replay.is_empty() {
            eprintln!("{words}");
        }
        tried.inputs += 1;
        tried.found.push(path.display().to_string());
        Ok(())
    }
}

impl Tried {
    fn tell(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let accepted = self.outcomes.iter().filter(|((_, outcome), _)| outcome == "accepted");
        let accepted: u64 = accepted.map(|(_, count)| count).sum();
        println!(
            "{} inputs in {seconds:.0} s ({:.1} a second), {accepted} accepted, {} questions \
             answered and {} refused, {} found",
            self.inputs,
            self.inputs as f64 / seconds,
            self.answers,
            self.refusals,
            self.found.len()
        );
        let mut last = "";
        for ((form, outcome), count) in &self.outcomes {
            if *form != last {
                print!("{}{form}:", if last.is_empty() { "" } else { "\n" });
            }
            last = form;
            print!(" {outcome} {count}");
        }
        println!();
        self.found.iter().for_each(|path| println!("found: {path}"));
    }
}
