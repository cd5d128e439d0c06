//! Commands that run at the same time on the same files, as processes of their own.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;

use crate::support::{command, run};

fn place(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// A log of eight clusters in two arms, none of which is in another log.
fn log(folder: &Path, number: usize) -> String {
    let mut text = "who,feed,about\n".to_owned();
    for viewer in 0..8 {
        let feed = if viewer % 2 == 0 { "ranked" } else { "newest" };
        for about in ["war", "sport"] {
            writeln!(text, "v{number}-{viewer},{feed},{about}").unwrap();
        }
    }
    let path = place(folder, &format!("log{number}.csv"));
    std::fs::write(&path, text).unwrap();
    path
}

/// Eight processes at once that observe for one monitor, five times over: each of them succeeds, and
/// every look and cluster is in the state.
#[test]
fn monitors_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = place(folder.path(), "feed.monitor");
    let asked = "--arm feed --topic about --viewer who --treatment ranked --baseline newest \
                 --watch war --target 100";
    let words = ["monitor", "init", &state];
    run(words.into_iter().chain(asked.split_whitespace())).ok();
    for round in 0..5 {
        let logs: Vec<String> = (0..8).map(|at| log(folder.path(), round * 8 + at)).collect();
        let running: Vec<_> = logs
            .iter()
            .map(|log| {
                let mut command = command();
                command.args(["monitor", "observe", &state, log]);
                command.stdout(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut process in running {
            assert!(process.wait().unwrap().success());
        }
        let shown = run(["monitor", "show", &state, "--json"]).json();
        assert_eq!(shown["observations"], (round as u64 + 1) * 8);
        assert_eq!(shown["clusters"], (round as u64 + 1) * 64);
    }
    // One log given to two at once: one look, and the other is told so.
    let same = log(folder.path(), 40);
    let observe = || {
        let mut command = command();
        command.args(["monitor", "observe", &state, &same]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let ends = [observe(), observe()].map(|process| process.wait_with_output().unwrap());
    assert_eq!(ends.iter().filter(|end| end.status.success()).count(), 1);
    let told = ends.iter().find(|end| !end.status.success()).unwrap();
    assert!(String::from_utf8_lossy(&told.stderr).contains("was observed before"));
    let shown = run(["monitor", "show", &state, "--json"]).json();
    assert_eq!((shown["observations"].as_u64(), shown["clusters"].as_u64()), (Some(41), Some(328)));
}

/// The two logs of the case, which were both said to be observed while one of them was lost.
#[test]
fn both_logs_of_the_case_are_kept() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let folder = tempfile::tempdir().unwrap();
    let state = place(folder.path(), "case.monitor");
    let asked = "--arm feed --topic about --viewer who --treatment ranked --baseline newest --watch war \
                 --target 100";
    run(["monitor", "init", &state].into_iter().chain(asked.split_whitespace())).ok();
    let running = ["mon0.csv", "mon1.csv"].map(|name| {
        let mut command = command();
        command.args(["monitor", "observe", &state]).arg(cases.join(name));
        command.stdout(Stdio::null()).spawn().unwrap()
    });
    for mut process in running {
        assert!(process.wait().unwrap().success());
    }
    let shown = run(["monitor", "show", &state, "--json"]).json();
    assert_eq!(shown["observations"], 2);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "the state and its schema: {names:?}");
}

/// Bundles of every kind, each the first that its process writes, and eight at once into one folder.
#[test]
fn bundles_of_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 0);
    let study = place(folder.path(), "study.toml");
    let asked = "--arm feed --topic about --viewer who --treatment ranked --baseline newest";
    let words = ["audit", &log].into_iter().chain(asked.split_whitespace());
    run(words.chain(["--write-study", &study])).ok();
    let mut running = Vec::new();
    for (at, contents) in ["report", "tally", "inputs"].into_iter().cycle().take(24).enumerate() {
        let to = place(folder.path(), &format!("e{at}{}", if at % 2 == 0 { ".zip" } else { "" }));
        let mut command = command();
        command.args(["bundle", &study, "--out", &to, "--contents", contents]);
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        running.push((to, process));
        if at < 6 || at % 8 == 7 {
            // The first six alone, the others eight at a time.
            for (to, mut process) in running.drain(..) {
                assert!(process.wait().unwrap().success(), "{to}");
                run(["verify", &to, "--inputs", folder.path().to_str().unwrap()]).ok();
            }
        }
    }
}
