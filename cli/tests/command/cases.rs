//! What the manual says is so: the commands of the READMEs and of `cases/*.md`, common ones first, with what they
//! print. Each file of cases is run in a copy of the folder beside it that ends in `.in`, from the top down.
//!
//! `TRYCMD=overwrite cargo test -p tiltmeter-cli --test command cases::` writes anew what the cases print; then
//! `git diff`. What the READMEs print is written by hand, and shortened by lines of `...`.

use std::fs;
use std::path::{Path, PathBuf};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Programs of the system, to show a file and to change one.
const OTHERS: [&str; 3] = ["cat", "grep", "sed"];

/// Runs the commands in these files.
fn run_all(files: &[PathBuf]) {
    let cases = trycmd::TestCases::new();
    cases.register_bin("tiltmeter", Path::new(env!("CARGO_BIN_EXE_tiltmeter")));
    let folders = std::env::var_os("PATH").unwrap();
    for name in OTHERS {
        let mut places = std::env::split_paths(&folders).map(|folder| folder.join(name));
        cases.register_bin(name, places.find(|path| path.exists()).expect("a Unix has it"));
    }
    for file in files {
        check(file);
        cases.case(file);
    }
    cases.run();
}

/// A program that nobody knows would be passed over, and what it prints believed.
fn check(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    let mut commands = text.lines().filter_map(|line| line.strip_prefix("$ ")).peekable();
    assert!(commands.peek().is_some(), "{} has no commands", file.display());
    for command in commands {
        let program = command.split(' ').next().unwrap();
        assert!(program == "tiltmeter" || OTHERS.contains(&program), "{command}");
    }
}

#[test]
fn cases() {
    let folder = Path::new(HERE).join("tests/command/cases");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|its| its == "md")).collect();
    files.sort();
    run_all(&files);
}

/// With the chapters of the guide that are told in commands. Their commands are run beside the logs that ship with the project, and write there: so in a copy.
#[test]
fn readmes() {
    let folder = tempfile::tempdir().unwrap();
    let logs =
        ["data/open_bandit_small.csv.gz", "data/simulated/conflict.parquet", "data/labelled.csv"];
    let told = [
        ("root", "../README.md"),
        ("command", "README.md"),
        ("guide", "../docs/guide/beyond-one-ratio.md"),
        ("labels", "../docs/guide/labels-by-hand.md"),
    ];
    let readmes = told.map(|(name, readme)| {
        let at = |end: &str| folder.path().join(format!("{name}.{end}"));
        fs::copy(Path::new(HERE).join(readme), at("md")).unwrap();
        fs::create_dir(at("out")).unwrap();
        for log in logs {
            let to = at("in").join(log);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(Path::new(HERE).join("..").join(log), to).unwrap();
        }
        at("md")
    });
    run_all(&readmes);
}
