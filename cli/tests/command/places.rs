//! What is written goes where it was to go, whole, and what cannot be is known before the work begins.

use std::fs;
use std::path::Path;

use crate::support::run;

fn log(folder: &Path) -> String {
    let path = folder.join("log.csv");
    let rows = "who,feed,about\na,ranked,war\nb,ranked,sport\nc,newest,war\nd,newest,sport\n";
    fs::write(&path, rows).unwrap();
    path.to_str().unwrap().to_owned()
}

const ASKED: &str =
    "--arm feed --topic about --viewer who --treatment ranked --baseline newest --topics war";

fn audit(log: &str, more: &[&str]) -> crate::support::Ran {
    run(["audit", log].into_iter().chain(ASKED.split(' ').take(10)).chain(more.iter().copied()))
}

/// A log that is not there would be told next: the place is told first.
#[test]
fn places_are_looked_at_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no folder/out").to_str().unwrap().to_owned();
    let is_of_the_place = |told: String| assert!(told.contains("no folder"), "{told}");
    for flag in ["--html", "--findings"] {
        is_of_the_place(audit("no log.csv", &[flag, &nowhere]).failed(1));
    }
    let by = ["--arm", "feed", "--viewer", "who", "--topic", "about"];
    let tally =
        |more: &[&str]| run(["tally", "no log.csv"].iter().chain(&by).chain(more)).failed(1);
    is_of_the_place(tally(&["--out", &nowhere]));
    let out = folder.path().join("a.tally").to_str().unwrap().to_owned();
    is_of_the_place(tally(&["--out", &out, "--checkpoint", &nowhere]));
    is_of_the_place(run(["merge", "no.tally", "--out", &nowhere]).failed(1));
    is_of_the_place(run(["inspect", "no log.csv", "--write-study", &nowhere]).failed(1));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

/// Devices are written through, links lead where they led, and nothing is left beside them.
#[cfg(target_os = "linux")]
#[test]
fn devices_and_links_stay() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let by = ["--arm", "feed", "--viewer", "who", "--topic", "about"];
    let told = run(["tally", &log].iter().chain(&by).chain(&["--out", "/dev/full"])).failed(1);
    assert!(told.contains("/dev/full"), "{told}");
    audit(&log, &["--html", "/dev/full"]).failed(1);
    assert!(!fs::metadata("/dev/full").unwrap().is_file());

    let link = folder.path().join("page.html");
    std::os::unix::fs::symlink("real.html", &link).unwrap();
    audit(&log, &["--html", link.to_str().unwrap()]).ok();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(folder.path().join("real.html")).unwrap().contains("</html>"));
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["log.csv", "page.html", "real.html"]);
}

/// The checkpoint goes when the tally is where it was to go, and not before.
#[cfg(target_os = "linux")]
#[test]
fn the_checkpoint_outlives_a_failed_save() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let [checkpoint, out] =
        ["checkpoint", "a.tally"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let tally = |out: &str| {
        let by = "--arm feed --viewer who --topic about --checkpoint".split(' ');
        run(["tally", &log].into_iter().chain(by).chain([&*checkpoint, "--out", out]))
    };
    // What a job left that was stopped.
    let before = tally(&out).ok();
    assert!(!Path::new(&checkpoint).exists(), "{before}");
    tally("/dev/full").failed(1);
    tally(&out).ok();
    assert!(!Path::new(&checkpoint).exists());
    // A pipe, from which nobody would ever hear.
    assert!(std::process::Command::new("mkfifo").arg(&checkpoint).status().unwrap().success());
    let refused = tally(&out).failed(1);
    assert!(refused.contains("must be a file"), "{refused}");
    let refused = run(["verify", &checkpoint]).failed(1);
    assert!(refused.contains("neither a folder nor a file"), "{refused}");
}

/// What is read is not written over, nor two results to one place; links count as what they lead to.
#[cfg(unix)]
#[test]
fn inputs_and_results_keep_apart() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let before = fs::read(&log).unwrap();
    let link = folder.path().join("link").to_str().unwrap().to_owned();
    std::os::unix::fs::symlink("log.csv", &link).unwrap();
    let by = ["--arm", "feed", "--viewer", "who", "--topic", "about"];
    let tally = |more: &[&str]| run(["tally", &log].iter().chain(&by).chain(more));
    let new = folder.path().join("new").to_str().unwrap().to_owned();
    for place in [&log, &link] {
        tally(&["--out", place]).failed(2);
        audit(&log, &["--html", place]).failed(2);
        audit(&log, &["--findings", place]).failed(2);
        audit(&log, &["--write-study", place]).failed(2);
        run(["inspect", &log, "--write-study", place]).failed(2);
    }
    tally(&["--out", &new, "--checkpoint", &new]).failed(2);
    audit(&log, &["--html", &new, "--findings", &new]).failed(2);
    assert!(!Path::new(&new).exists());
    // In a folder of logs, and by a study that names it.
    let all = folder.path().to_str().unwrap();
    run(["tally", all].iter().chain(&by).chain(&["--out", &log])).failed(2);
    let study = folder.path().join("study.toml").to_str().unwrap().to_owned();
    audit(&log, &["--write-study", &study]).ok();
    run(["audit", "--study", &study, "--html", &log]).failed(2);
    run(["report", "--study", &study, "--html", &log]).failed(2);
    assert_eq!(fs::read(&log).unwrap(), before);
    // A sum in the place of one of its parts would count it twice the next time.
    tally(&["--out", &new]).ok();
    let part = fs::read(&new).unwrap();
    run(["merge", &new, "--out", &new]).failed(2);
    assert_eq!(fs::read(&new).unwrap(), part);
    // A study is written when it could be run.
    audit("no log.csv", &["--write-study", &new]).failed(1);
    assert_eq!(fs::read(&new).unwrap(), part);
    // Devices hold nothing.
    audit(&log, &["--html", "/dev/null", "--findings", "/dev/null"]).ok();
}
