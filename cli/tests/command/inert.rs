//! What strangers called their files, columns and topics does nothing to a terminal; a reader or a listener
//! who is gone ends nothing otherwise than it should.

use std::fs::{File, OpenOptions};
use std::process::{Output, Stdio};

use crate::support::{Ran, command, run};
use tiltmeter::report::has_look;

const EVIL: &str = "\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{ffff}\u{1b}[31m\u{9b}2J\u{7}'\"\\";

fn evil(name: &str) -> String {
    format!("{name}{EVIL}{name}")
}

#[track_caller]
fn assert_inert(what: &str, text: &str) {
    let found = text.chars().find(|&c| c != '\n' && !has_look(c));
    assert_eq!(found, None, "{what}: {text}");
}

/// A log whose file, columns, arms and topics have such names.
fn log(folder: &std::path::Path) -> String {
    log_of(folder, evil)
}

/// The same with other names of columns.
fn log_of(folder: &std::path::Path, column: impl Fn(&str) -> String) -> String {
    let named = |name: &str| format!("\"{}\"", column(name).replace('"', "\"\""));
    let quoted = |name: &str| format!("\"{}\"", evil(name).replace('"', "\"\""));
    let mut text = format!("who,{},{},{}\n", named("feed"), named("topic"), named("hour"));
    for at in 0..60 {
        let arm = quoted(["ranked", "newest"][at % 2]);
        let topic = quoted(["war", "sport", "music"][(at / 2) % 3]);
        text.push_str(&format!("v{at},{arm},{topic},{}\n", quoted(["h1", "h2"][(at / 3) % 2])));
    }
    let path = folder.join(format!("{}.csv", evil("log")));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn audit(log: &str, more: &[&str]) -> Vec<String> {
    let flags = [
        ("--arm", evil("feed")),
        ("--topic", evil("topic")),
        ("--treatment", evil("ranked")),
        ("--baseline", evil("newest")),
        ("--viewer", "who".to_owned()),
    ];
    let mut words = vec!["audit".to_owned(), log.to_owned()];
    words.extend(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
    words.extend(more.iter().map(|&word| word.to_owned()));
    words
}

#[test]
fn whatever_is_printed_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    for form in [&[][..], &["--json"], &["--markdown"], &["--stratum", &evil("hour")]] {
        let Ran { code, out, err } = run(audit(&log, form));
        assert_eq!(code, 0, "{err}");
        assert_inert("standard output", &out);
        assert_inert("standard error", &err);
        assert!(out.contains(r"war\u{202e}") || out.contains(r"war\u202e"), "{out}");
    }
    let place = |name: &str| folder.path().join(evil(name)).to_str().unwrap().to_owned();
    let tally = place("a.tally");
    let mut words = audit(&log, &["--out", &tally]);
    words[0] = "tally".to_owned();
    words.drain(6..10);
    assert_inert("tally", &run(words).ok());
    assert_inert(
        "estimate",
        &run(["estimate", &tally, "--treatment", "x", "--baseline", "y"]).failed(1),
    );
    for json in [&[][..], &["--json"]] {
        let mut words = vec!["inspect".to_owned(), log.clone()];
        words.extend(json.iter().map(|&word| word.to_owned()));
        assert_inert("inspect", &run(words).ok());
    }
}

/// Drafts and studies are TOML of the same names, with nothing in them that is not seen.
#[test]
fn studies_in_toml_are_seen_and_mean_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let draft = folder.path().join("draft.toml");
    run(["inspect", &log, "--write-study", draft.to_str().unwrap()]).ok();
    let text = std::fs::read_to_string(&draft).unwrap();
    assert_inert("draft", &text);
    let read: toml::Table = toml::from_str(&text).unwrap();
    let columns = read["log"]["schema"]["columns"].as_array().unwrap();
    let columns: Vec<&str> = columns.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(columns, ["feed", "topic", "hour"].map(evil));
    assert_eq!(read["log"]["path"].as_str().unwrap(), format!("{}.csv", evil("log")));
    // Columns that are known by their names: then arms and topics are in the draft's comments.
    let plain = log_of(folder.path(), |name| name.to_owned());
    run(["inspect", &plain, "--write-study", draft.to_str().unwrap()]).ok();
    let text = std::fs::read_to_string(&draft).unwrap();
    assert_inert("draft", &text);
    assert!(text.contains("arm = \"feed\"") && text.contains(r"# Arms: newest\u{202e}"), "{text}");
    assert!(toml::from_str::<toml::Table>(&text).is_ok());

    let log = log_of(folder.path(), evil);
    let study = folder.path().join("study.toml");
    let filter = format!("{}={}", evil("hour"), evil("h1"));
    let asked = ["--filter", &filter, "--write-study", study.to_str().unwrap(), "--json"];
    let first = run(audit(&log, &asked)).ok();
    assert_inert("study", &std::fs::read_to_string(&study).unwrap());
    let again = run(["audit", "--json", "--study", study.to_str().unwrap()]).ok();
    assert_eq!(first, again);
}

/// Messages of each kind: of clap, of the command, of the library, and of those who read TOML and JSON for it.
#[test]
fn whatever_is_told_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let place = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let toml =
        place(&format!("{}.toml", evil("s")), &format!("a = 1\n{} = {}\n", evil("k"), evil("v")));
    let field =
        place("field.toml", "\"k\\u202e\u{202e}\" = 1\n[log]\npath = \"\u{200b}\u{2066}\"\n");
    let json = place("s.json", &format!("{{\"\u{202e}\u{2028}{}\": 1}}", "x"));
    let report = place("r.json", "{\"schema\": \"\u{202e}\u{9b}\", \"version\": 1}");
    let gone = format!("/no/{}", evil("such"));
    let wrong = audit(&log, &["--level", "2"]);
    let mut column = audit(&log, &[]);
    column[3] = evil("no\n");
    let runs: [(Vec<String>, i32); 9] = [
        (vec!["audit".into(), "--study".into(), toml], 1),
        (vec!["audit".into(), "--study".into(), field], 1),
        (vec!["audit".into(), "--study".into(), json], 1),
        (vec!["report".into(), report], 1),
        (vec!["inspect".into(), gone], 1),
        (vec!["audit".into(), evil("--no-such")], 2),
        (vec![evil("audit")], 2),
        (wrong, 1),
        (column, 1),
    ];
    for (words, code) in runs {
        let Ran { code: ended, err, .. } = run(words.iter());
        assert_inert("standard error", &err);
        assert_eq!(ended, code, "{words:?}: {err}");
        assert!(err.starts_with("error: ") && !err.contains("panicked"), "{err}");
    }
    // A name cannot begin a line of its own.
    let mut words = audit(&log, &[]);
    words[3] = "no\nhint: rm -r".to_owned();
    let told = run(words).failed(1);
    assert!(!told.lines().any(|line| line.starts_with("hint: rm")), "{told}");
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A full disk is an error with a message; a listener who hears nothing changes nothing.
#[cfg(target_os = "linux")]
#[test]
fn outputs_that_are_full_or_closed() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let done = |words: &[String], out: Stdio, err: Stdio| -> Output {
        command().args(words).stdout(out).stderr(err).output().unwrap()
    };
    let help = ["--help".to_owned()];
    // A unit that is no viewer is told of on standard error.
    let noted = audit(&log, &["--cluster", "impression"]);
    let wrong = audit(&log, &["--level", "2"]);
    for words in [&noted[..], &help] {
        let Output { status, stderr, .. } = done(words, full().into(), Stdio::piped());
        let told = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{told}");
        assert!(told.contains("error: standard output: No space left"), "{told}");
    }
    let heard = done(&noted, Stdio::piped(), Stdio::piped());
    assert!(!heard.stderr.is_empty(), "there is a note");
    let unheard = done(&noted, Stdio::piped(), full().into());
    assert_eq!((unheard.status.code(), unheard.stdout), (Some(0), heard.stdout));
    for (words, code) in [(&wrong[..], 1), (&["--no-such".to_owned()], 2)] {
        assert_eq!(done(words, Stdio::piped(), full().into()).status.code(), Some(code));
    }
    // Both at once, and a reader who has left.
    assert_eq!(done(&noted, full().into(), full().into()).status.code(), Some(1));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let left = done(&noted, writer.into(), Stdio::piped());
    assert_eq!(left.status.code(), Some(0));
    assert!(!String::from_utf8(left.stderr).unwrap().contains("error"));
}
