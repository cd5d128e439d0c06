//! The library against numpy, DuckDB and polars from Python, by way of the script in `benches/peers/`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::contests::{Ours, REPLICATES, ratio};
use super::workload::text::Form;
use super::{Failure, Line};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/peers.py");
const TEXT_SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/text.py");

/// When the whole board should be done, in seconds after it began.
const END: f64 = 110.0;

/// The seconds that the script is given at least and at most.
const SECONDS: (f64, f64) = (20.0, 60.0);

/// Times the jobs in Python on the log in `file` and adds them to the board, each library in its
/// quickest way. Python's polars has the streaming engine and its own reader of Parquet.
pub(crate) fn contest(
    python: &Path,
    file: &Path,
    ours: &Ours,
    began: Instant,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let seconds = (END - began.elapsed().as_secs_f64()).clamp(SECONDS.0, SECONDS.1);
    let output = Command::new(python)
        .args([
            SCRIPT,
            "--json",
            "--only",
            "numpy,duckdb,polars",
            "--seconds",
            &seconds.to_string(),
        ])
        .args(["--replicates", &REPLICATES.to_string(), "--log"])
        .arg(file)
        .output()
        .map_err(|cause| format!("{}: {cause}", python.display()))?;
    if !output.status.success() {
        return Err(format!("{SCRIPT}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    for (name, job, library, ours) in [
        ("per_viewer_tally_vs_numpy", "per_viewer_tally", "numpy", ours.per_viewer),
        ("per_viewer_tally_vs_duckdb", "per_viewer_tally", "duckdb", ours.per_viewer),
        ("bootstrap_vs_numpy", "bootstrap", "numpy", ours.bootstrap),
        ("whole_job_vs_numpy", "whole_job", "numpy", ours.whole_job),
        ("whole_job_vs_duckdb", "whole_job", "duckdb", ours.whole_job),
        ("per_viewer_tally_vs_python_polars", "per_viewer_tally", "polars", ours.per_viewer),
        ("dense_totals_vs_python_polars", "dense_totals", "polars", ours.dense),
        ("whole_job_vs_python_polars", "whole_job", "polars", ours.whole_job),
    ] {
        let Some((seconds, how)) = best(&report, job, library) else {
            return Err(format!("{SCRIPT} has no time of {library} for {job}").into());
        };
        lines.push(ratio(name, ours, seconds, &format!("{library} in Python ({how})")).0);
    }
    Ok(())
}

/// Times the group-by of the text files beside `file`, which is less than what we do in our time.
pub(crate) fn text(
    python: &Path,
    file: &Path,
    ours: &Ours,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let files = [Form::Csv, Form::Ndjson].map(|form| file.with_file_name(form.file()));
    let output = Command::new(python)
        .args([TEXT_SCRIPT, "--json", "--repeats", "3"])
        .args(&files)
        .output()
        .map_err(|cause| format!("{}: {cause}", python.display()))?;
    if !output.status.success() {
        return Err(format!("{TEXT_SCRIPT}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let rows = report.as_array().ok_or("no list of times")?;
    for (name, form, library, ours) in [
        ("csv_vs_duckdb", "csv", "duckdb", ours.csv),
        ("csv_vs_polars", "csv", "polars", ours.csv),
        ("ndjson_vs_duckdb", "ndjson", "duckdb", ours.ndjson),
        ("ndjson_vs_polars", "ndjson", "polars", ours.ndjson),
    ] {
        // The quickest way of each stands first.
        let mine = rows.iter().find(|row| row["format"] == form && row["library"] == library);
        let seconds = mine.and_then(|row| row["seconds"].as_f64());
        let (Some(row), Some(seconds)) = (mine, seconds) else {
            return Err(format!("{TEXT_SCRIPT} has no time of {library} for {form}").into());
        };
        let how = row["how"].as_str().unwrap_or_default();
        let who = format!("{library} in Python (group-by alone, {how})");
        lines.push(ratio(name, ours, seconds, &who).0);
    }
    Ok(())
}

/// The time of a library's quickest way, and which it is.
fn best<'r>(report: &'r Value, job: &str, library: &str) -> Option<(f64, &'r str)> {
    let results = report["results"].as_array()?;
    let mine = results.iter().find(|row| row["job"] == job && row["library"] == library)?;
    Some((mine["seconds"].as_f64()?, mine["how"].as_str()?))
}
