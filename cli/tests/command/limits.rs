//! The memory that the command takes, as the system counts it, for logs that are made to fill it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Beside `--memory`: the program itself, and a part of what was asked for.
const PROGRAM: u64 = 32 << 20;

/// The exit code, standard error and greatest memory in bytes of a tally in 64 MiB; `None` where the
/// system has no `time` that says it.
fn tallied(log: &Path) -> Option<(i32, String, u64)> {
    let time = Path::new("/usr/bin/time");
    if !time.exists() {
        let _ = writeln!(std::io::stderr(), "skipped: there is no {}", time.display());
        return None;
    }
    let words = "--memory 64 --viewer who --arm feed --topic about --out";
    let ran = Command::new(time)
        .args(["-f", "%M", env!("CARGO_BIN_EXE_tiltmeter"), "tally"])
        .arg(log)
        .args(words.split(' '))
        .arg(log.with_extension("tally"))
        .output()
        .unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    let peak = err.lines().last()?.trim().parse::<u64>().ok()? << 10;
    Some((ran.status.code()?, err, peak))
}

/// `gzip` of some bytes.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip");
    let gzip = gzip.arg("-1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut gzip = gzip.spawn().unwrap();
    let mut into = gzip.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writes = std::thread::spawn(move || into.write_all(&bytes).unwrap());
    let out = gzip.wait_with_output().unwrap();
    writes.join().unwrap();
    out.stdout
}

#[test]
fn no_log_takes_more_than_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let header = "who,feed,about\n";
    // A gigabyte in one line, of some megabytes.
    let line = [packed(header.as_bytes()), packed(&vec![b'x'; 16 << 20]).repeat(64)].concat();
    let names = |row: usize| format!("{row},{},{row}{}\n", row % 2, "x".repeat(60_000));
    let names: String = (0..1_000).map(names).collect();
    let arms: String = (0..150_000).map(|row| format!("{},arm {row},t\n", row % 1_000)).collect();
    let viewers: String = (0..300_000).map(|row| format!("v{row},{},t\n", row % 2)).collect();
    let long = |row: usize| format!("{row},arm {}{},t\n", row % 9_000, "x".repeat(2_000));
    let long: String = (0..18_000).map(long).collect();
    let text = |rows: &str| format!("{header}{rows}").into_bytes();
    let logs = [
        ("line.csv.gz", line, Some("a line of more than 1,048,576 bytes in row 1")),
        ("names.csv", text(&names), Some("hint: --memory ")),
        ("arms.csv", text(&arms), None),
        ("long-names-of-arms.csv", text(&long), None),
        ("viewers.csv", text(&viewers), None),
    ];
    for (name, bytes, refusal) in logs {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let Some((code, err, peak)) = tallied(&path) else { return };
        if let Some(refusal) = refusal {
            assert_eq!(code, 1, "{name}: {err}");
            assert!(err.contains(refusal), "{name}: {err}");
        }
        assert!(peak < PROGRAM + (64 << 20) / 100 * 115, "{name}: {} MiB", peak >> 20);
    }
}
