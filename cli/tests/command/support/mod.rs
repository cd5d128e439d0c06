//! Runs the command as a shell would.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value as Json;

/// What a run left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output of a run that went well.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out
    }

    /// The same as JSON.
    pub(crate) fn json(self) -> Json {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// Standard error of a run that ended with this code.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{} {}", self.out, self.err);
        self.err
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tiltmeter"))
}

pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    let Output { status, stdout, stderr } = command().args(arguments).output().unwrap();
    Ran {
        code: status.code().expect("it ends by itself"),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Words as a shell takes them apart: at spaces, but for those in single quotes. `LOG` is the first
/// path, and `OUT` the second.
pub(crate) fn shell(line: &str, paths: &[&str]) -> Ran {
    let words = line.split('\'').enumerate().flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![part.to_owned()],
    });
    let placed = words.map(|word| match &*word {
        "LOG" | "LOG.csv.gz" => paths[0].to_owned(),
        "OUT" => paths[1].to_owned(),
        _ => word,
    });
    run(placed)
}

/// A log that ships with the project.
pub(crate) fn shipped(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../data").join(file);
    assert!(path.exists(), "{} ships with the project", path.display());
    path.to_str().unwrap().to_owned()
}

/// A file beside a development checkout; `None`, said on standard error past the test runner's capture,
/// where it is absent.
pub(crate) fn shared(file: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(file);
    if path.exists() {
        return Some(path.to_str().unwrap().to_owned());
    }
    let message =
        format!("\nNOT TESTED: {} is absent; the test passes without it\n", path.display());
    // The macros would be captured; losing the message is no reason to fail.
    let _ = std::io::stderr().write_all(message.as_bytes());
    None
}

/// Golden values of a log.
pub(crate) fn golden(name: &str) -> Option<Json> {
    let path = shared(&format!("golden/{name}.json"))?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

/// Within 1e-9 of each other, relative.
pub(crate) fn close(what: &str, ours: &Json, theirs: &Json) {
    let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{what}: {ours} against {theirs}");
}
