//! Processes killed at random moments and run again: what they end with is what they would have ended
//! with, and until then what was there before.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use tiltmeter::ExposureLog;
use tiltmeter::job::{TallyJob, log_files};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::tally::{Tally, TallySpec};

use crate::chance::Chance;
use crate::command::{AGAINST, ROLES, names, tiltmeter, write_log};

type Failed = Box<dyn std::error::Error>;

/// What stood in a file before: anything that is neither of the outcomes.
const BEFORE: &[u8] = b"what was there before\n";

/// Older than anything that somebody may still be writing.
const OLD: Duration = Duration::from_secs(48 * 60 * 60);

/// A process that is killed.
struct Case {
    name: &'static str,
    /// The words after `tiltmeter`, or after this program where the first is `itself`.
    words: Vec<String>,
    /// The files that it writes.
    writes: Vec<&'static str>,
    /// Whether it refuses to write where there is something.
    anew: bool,
}

/// Kills as many processes; whether all that followed was right.
pub(crate) fn run(times: u64, seed: u64) -> Result<bool, Failed> {
    let (start, mut chance) = (Instant::now(), Chance::new(seed));
    let cases = cases();
    let mut killed = 0;
    let mut left = 0;
    let mut rounds = Vec::new();
    for case in &cases {
        rounds.push(Round::start(case)?);
    }
    let mut watched = Observed::start()?;
    while killed < times {
        let at = chance.below(cases.len() + 1);
        let was_killed = match rounds.get_mut(at) {
            Some(round) => round.kill(&mut chance, &mut left)?,
            None => watched.kill(&mut chance)?,
        };
        killed += u64::from(was_killed);
    }
    println!(
        "{killed} processes killed in {:.0} s: each ended as if it had not been; {left} hidden part \
         files that they left behind were taken away",
        start.elapsed().as_secs_f64()
    );
    Ok(true)
}

fn cases() -> Vec<Case> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let asked = |first: &[&str], last: &[&str]| words(&[first, &ROLES[..], last].concat());
    let page =
        ["--html", "page.html", "--findings", "findings.json", "--write-study", "study.toml"];
    let tally = ["--out", "out.tally", "--checkpoint", "part.checkpoint"];
    vec![
        Case {
            name: "a job with checkpoints",
            words: words(&["itself", "job"]),
            writes: vec!["out.tally"],
            anew: false,
        },
        Case {
            name: "tiltmeter tally",
            words: asked(&["tally", "logs"], &tally),
            writes: vec!["out.tally"],
            anew: false,
        },
        Case {
            name: "tiltmeter audit",
            words: asked(&["audit", "logs/log0000.csv"], &[&AGAINST[..], &page[..]].concat()),
            writes: vec!["page.html", "findings.json", "study.toml"],
            anew: false,
        },
        Case {
            name: "saving and exporting",
            words: words(&["itself", "save"]),
            writes: vec!["log.parquet", "table.parquet", "log.tally"],
            anew: false,
        },
        Case {
            name: "tiltmeter bundle",
            words: words(&["bundle", "study.json", "--out", "evidence.zip"]),
            writes: vec!["evidence.zip"],
            anew: true,
        },
    ]
}

/// A case in a folder of its own.
struct Round<'c> {
    case: &'c Case,
    folder: tempfile::TempDir,
    /// What its files end with.
    outcome: Vec<Vec<u8>>,
    inputs: Vec<String>,
    takes: Duration,
}

impl<'c> Round<'c> {
    fn start(case: &'c Case) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("logs"))?;
        for number in 0..24 {
            write_log(&folder.path().join("logs"), number, 400)?;
        }
        let study = serde_json::json!({
            "log": {"path": "logs", "schema": schema()},
            "question": {"treatment": "ranked", "baseline": {"arm": "newest"}}});
        std::fs::write(folder.path().join("study.json"), study.to_string())?;
        let inputs = names(folder.path())?;
        let takes = Duration::ZERO;
        let mut round = Self { case, folder, outcome: Vec::new(), inputs, takes };
        let begun = Instant::now();
        round.to_its_end()?;
        round.takes = begun.elapsed();
        for name in &case.writes {
            round.outcome.push(std::fs::read(round.folder.path().join(name))?);
        }
        Ok(round)
    }

    fn command(&self) -> Result<Command, Failed> {
        let words = self.case.words.iter().map(String::as_str);
        let mut command = if self.case.words[0] == "itself" {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(words.skip(1)).arg("--folder").arg(self.folder.path());
            command
        } else {
            tiltmeter(self.folder.path(), words)?
        };
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }

    fn to_its_end(&self) -> Result<(), Failed> {
        let output = self.command()?.output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let fault = || format!("{}: {}: {told}", self.case.name, output.status);
        if output.status.success() { Ok(()) } else { Err(fault().into()) }
    }

    /// Kills the process once, looks at what it wrote, and runs it to its end.
    fn kill(&mut self, chance: &mut Chance, left: &mut u64) -> Result<bool, Failed> {
        let before = (!self.case.anew).then_some(BEFORE);
        for name in &self.case.writes {
            let path = self.folder.path().join(name);
            match before {
                Some(before) => std::fs::write(path, before)?,
                None => std::fs::remove_file(path)?,
            }
        }
        let was_killed = kill_once(&mut self.command()?, self.takes, chance)?;
        self.look(before)?;
        if self.case.anew {
            let _ = std::fs::remove_file(self.folder.path().join(self.case.writes[0]));
        }
        self.to_its_end()?;
        self.look(None)?;
        *left += self.swept()?;
        Ok(was_killed)
    }

    /// How many part files were left behind, which the next run takes away once they are old.
    fn swept(&self) -> Result<u64, Failed> {
        let parts = self.parts()?;
        if parts.is_empty() {
            return Ok(0);
        }
        for part in &parts {
            let path = self.folder.path().join(part);
            std::fs::File::open(path)?.set_modified(SystemTime::now() - OLD)?;
        }
        if self.case.anew {
            std::fs::remove_file(self.folder.path().join(self.case.writes[0]))?;
        }
        self.to_its_end()?;
        match self.parts()? {
            left if left.is_empty() => Ok(parts.len() as u64),
            left => Err(format!("{}: {left:?} are never taken away", self.case.name).into()),
        }
    }

    /// The hidden part files that are there; all else is an input or what was to be written.
    fn parts(&self) -> Result<Vec<String>, Failed> {
        let mut parts = names(self.folder.path())?;
        parts.retain(|name| !self.inputs.contains(name) && !self.case.writes.contains(&&**name));
        let is_part = |name: &String| name.starts_with('.') && name.ends_with(".part");
        match parts.iter().find(|name| !is_part(name)) {
            Some(name) => Err(format!("{}: {name} is left over", self.case.name).into()),
            None => Ok(parts),
        }
    }

    /// That each file is what it was before, if anything, or the outcome.
    fn look(&self, before: Option<&[u8]>) -> Result<(), Failed> {
        for (name, outcome) in self.case.writes.iter().zip(&self.outcome) {
            let found = std::fs::read(self.folder.path().join(name)).ok();
            let old = found.as_deref() == before;
            if !old && found.as_ref() != Some(outcome) {
                let bytes = found.map_or(0, |found| found.len());
                let of = outcome.len();
                let fault =
                    format!("{}: {name} is half written: {bytes} of {of} bytes", self.case.name);
                return Err(fault.into());
            }
        }
        Ok(())
    }
}

/// Whether the process was killed before it had ended.
fn kill_once(command: &mut Command, takes: Duration, chance: &mut Chance) -> Result<bool, Failed> {
    let mut child = command.spawn()?;
    let most = (takes.as_micros() as usize).max(1000);
    std::thread::sleep(Duration::from_micros(chance.below(most + most / 8) as u64));
    let ended = child.try_wait()?.is_some();
    let _ = child.kill();
    child.wait()?;
    Ok(!ended)
}

/// A monitor whose observers are killed.
struct Observed {
    folder: tempfile::TempDir,
    looks: u64,
    takes: Duration,
}

impl Observed {
    fn start() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        init_monitor(folder.path())?;
        let mut observed = Self { folder, looks: 0, takes: Duration::ZERO };
        let begun = Instant::now();
        observed.observe()?.output()?;
        observed.takes = begun.elapsed();
        observed.looks = 1;
        Ok(observed)
    }

    fn observe(&self) -> Result<Command, Failed> {
        let log = write_log(self.folder.path(), self.looks as usize, 64)?;
        let mut command =
            tiltmeter(self.folder.path(), ["monitor", "observe", "feed.monitor", &log])?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// A look is there once or not at all, and can then be had again.
    fn kill(&mut self, chance: &mut Chance) -> Result<bool, Failed> {
        let was_killed = kill_once(&mut self.observe()?, self.takes, chance)?;
        let found = looks(self.folder.path())?;
        if found != self.looks && found != self.looks + 1 {
            return Err(format!("{found} looks after {} and one killed", self.looks).into());
        }
        let again = self.observe()?.status()?;
        if again.success() != (found == self.looks) {
            return Err(format!("observing again after {found} looks: {again}").into());
        }
        self.looks += 1;
        match looks(self.folder.path())? {
            found if found == self.looks => Ok(was_killed),
            found => Err(format!("{found} looks, where {} were had", self.looks).into()),
        }
    }
}

/// Makes a monitor of logs as they are written here.
pub(crate) fn init_monitor(folder: &Path) -> Result<(), Failed> {
    let words = ["monitor", "init", "feed.monitor", "--watch", "war", "--target", "100"];
    let words = words.into_iter().chain(ROLES).chain(AGAINST);
    let output = tiltmeter(folder, words)?.output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(told.into()) }
}

/// How often the monitor has been looked at.
pub(crate) fn looks(folder: &Path) -> Result<u64, Failed> {
    let output = tiltmeter(folder, ["monitor", "show", "feed.monitor", "--json"])?.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|fault| format!("monitor show: {fault}: {told}"))?;
    Ok(shown["observations"].as_u64().ok_or("no observations are shown")?)
}

fn schema() -> LogSchema {
    LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"))
}

/// What is killed as a job: the tally of the logs, with a checkpoint after each part.
pub(crate) fn job(folder: &Path) -> Result<(), Failed> {
    let files = log_files(folder.join("logs"))?;
    let job = TallyJob::new(files, schema(), TallySpec::default());
    let done = job.checkpoint(folder.join("part.checkpoint"), Duration::ZERO).run()?;
    done.tally.save(folder.join("out.tally"))?;
    Ok(done.remove_checkpoint()?)
}

/// What is killed while it saves.
pub(crate) fn save(folder: &Path) -> Result<(), Failed> {
    let log = ExposureLog::open(folder.join("logs/log0000.csv"), &schema())?;
    let tally = Tally::of(&log, &TallySpec::default())?;
    log.save(folder.join("log.parquet"))?;
    tally.export(folder.join("table.parquet"))?;
    Ok(tally.save(folder.join("log.tally"))?)
}
