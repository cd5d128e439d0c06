//! Full disks, folders that cannot be written to, observers at the same time, and inputs that change
//! while they are read.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::command::{self, AGAINST, ROLES, ended, names, tiltmeter, write_log};
use crate::kill::{init_monitor, looks};

type Failed = Box<dyn std::error::Error>;

pub(crate) fn run() -> Result<bool, Failed> {
    full_output()?;
    full_disk()?;
    unwritable_folder()?;
    observers_at_once()?;
    inputs_that_change()?;
    println!(
        "full disks, unwritable folders, observers at once and changing inputs: as they should be"
    );
    Ok(true)
}

fn audit<'w>(log: &'w str, more: &[&'w str]) -> Vec<&'w str> {
    [&["audit", log], &ROLES[..], &AGAINST[..], more].concat()
}

/// Standard output that takes nothing is told, with a code of failure.
fn full_output() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let log = write_log(folder.path(), 0, 400)?;
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        println!("NOT TESTED: a full standard output, since there is no /dev/full");
        return Ok(());
    };
    let mut command = tiltmeter(folder.path(), audit(&log, &["--json"]))?;
    let output = command.stdout(full).stderr(Stdio::piped()).output()?;
    ended("a full standard output", &output)?;
    refused("a full standard output", output.status.code())
}

fn refused(what: &str, code: Option<i32>) -> Result<(), Failed> {
    if code == Some(1) { Ok(()) } else { Err(format!("{what}: ended with {code:?}").into()) }
}

/// Files that may not grow, as on a full disk: what was there before is still there, and nothing beside it.
fn full_disk() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let log = write_log(folder.path(), 0, 4000)?;
    init_monitor(folder.path())?;
    let of_logs = [&["tally", &log], &ROLES[..], &["--out", "out.tally"]].concat();
    let cases = [
        (of_logs, "out.tally"),
        (audit(&log, &["--html", "page.html"]), "page.html"),
        (vec!["monitor", "observe", "feed.monitor", &log], "feed.monitor"),
    ];
    for name in ["out.tally", "page.html"] {
        std::fs::write(folder.path().join(name), "what was there before")?;
    }
    for (words, name) in cases {
        let path = folder.path().join(name);
        let (before, beside) = (std::fs::read(&path)?, names(folder.path())?);
        // Without the signal, a file that may not grow is an error of writing.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(command::path()?);
        command.args(&words).current_dir(folder.path()).stdin(Stdio::null());
        let output = command.stderr(Stdio::piped()).output()?;
        ended(words[0], &output)?;
        refused(&format!("{} on a full disk", words[0]), output.status.code())?;
        if std::fs::read(&path)? != before {
            return Err(format!("{name} is lost on a full disk").into());
        }
        if names(folder.path())? != beside {
            return Err(
                format!("{name}: left over on a full disk: {:?}", names(folder.path())?).into()
            );
        }
    }
    Ok(())
}

/// A folder that cannot be written to; for a user whom no bits stop, one of the system's.
fn unwritable_folder() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let log = write_log(folder.path(), 0, 64)?;
    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed)?;
    let mut bits = std::fs::metadata(&closed)?.permissions();
    bits.set_readonly(true);
    std::fs::set_permissions(&closed, bits)?;
    let stops = std::fs::write(closed.join("try"), "").is_err();
    if !stops {
        println!("NOT TESTED: a folder by its permissions, which do not stop this user (root?)");
    }
    for (out, tested) in
        [("closed/out.tally", stops), ("/proc/out.tally", Path::new("/proc").is_dir())]
    {
        if tested {
            let words = [&["tally", &log], &ROLES[..], &["--out", out]].concat();
            let output = tiltmeter(folder.path(), words)?.output()?;
            ended(out, &output)?;
            refused(out, output.status.code())?;
        }
    }
    Ok(())
}

/// Observers at the same time: each of them succeeds, and each look is there.
fn observers_at_once() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    init_monitor(folder.path())?;
    let mut running = Vec::new();
    for number in 0..8 {
        let log = write_log(folder.path(), number, 64)?;
        let mut command = tiltmeter(folder.path(), ["monitor", "observe", "feed.monitor", &log])?;
        running.push(command.stdout(Stdio::null()).spawn()?);
    }
    for mut observer in running {
        if !observer.wait()?.success() {
            return Err("an observer failed beside others".into());
        }
    }
    match looks(folder.path())? {
        8 => Ok(()),
        found => Err(format!("{found} looks of 8 observers at once").into()),
    }
}

/// Logs that are cut, filled and made anew while they are read: an answer or a refusal, no panic; and no
/// bundle that does not stand its own check.
fn inputs_that_change() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let log = write_log(folder.path(), 0, 20_000)?;
    let path = folder.path().join(&log);
    let whole = std::fs::read(&path)?;
    let study = serde_json::json!({
        "log": {"path": log, "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
        "question": {"treatment": "ranked", "baseline": {"arm": "newest"}}});
    std::fs::write(folder.path().join("study.json"), study.to_string())?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for length in (1..=7).cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                let _ = std::fs::write(&path, &whole[..whole.len() * length / 7]);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let tried = (0..6).try_for_each(|at| read_changing(folder.path(), &log, at));
        over.store(true, Ordering::Relaxed);
        tried
    })
}

fn read_changing(folder: &Path, log: &str, at: usize) -> Result<(), Failed> {
    let out = format!("out{at}.tally");
    let tally = [&["tally", log], &ROLES[..], &["--out", &out]].concat();
    for words in [audit(log, &["--json"]), tally] {
        ended("reading what changes", &tiltmeter(folder, words)?.output()?)?;
    }
    let zip = format!("evidence{at}.zip");
    let words = ["bundle", "study.json", "--out", &zip, "--contents", "inputs"];
    let made = tiltmeter(folder, words)?.output()?;
    ended("a bundle of what changes", &made)?;
    if made.status.success() {
        let checked = tiltmeter(folder, ["verify", &zip])?.output()?;
        ended("checking a bundle of what changed", &checked)?;
        if !checked.status.success() {
            return Err("a bundle of an input that changed is not what it says".into());
        }
    }
    Ok(())
}
