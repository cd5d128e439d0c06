//! The library against polars in this process, and its time per impression.

use std::path::Path;

use tiltmeter::ExposureLog;
use tiltmeter::tally::{CellKind, Tally};

use super::clock::{contest, on_one_thread};
use super::workload::text::{Form, write};
use super::workload::{self, Columns, Shape, frames};
use super::{Failure, Line};

/// Replicates of every bootstrap.
pub(crate) const REPLICATES: u32 = 1_000;

/// Hash buckets, as a power of two.
const BUCKET_BITS: u32 = 10;

/// The library's own times, in seconds of wall clock on all cores.
pub(crate) struct Ours {
    pub(crate) dense: f64,
    pub(crate) per_viewer: f64,
    pub(crate) bootstrap: f64,
    pub(crate) whole_job: f64,
    /// The same from text.
    pub(crate) csv: f64,
    pub(crate) ndjson: f64,
}

/// Every contest in this process. Leaves the log in `file`, and as text beside it.
pub(crate) fn all(shape: Shape, file: &Path) -> Result<(Vec<Line>, Ours), Failure> {
    let columns = Columns::make(shape);
    frames::write(&columns, file)?;
    let [csv, ndjson] = [Form::Csv, Form::Ndjson].map(|form| from_text(&columns, form, file));
    let log = columns.log()?;
    let (dense, our_totals) = dense_totals(&columns, &log)?;
    let (per_viewer, our_tally) = per_viewer_tally(&columns, &log)?;
    let mut lines = vec![];
    lines.extend(per_viewer);
    lines.extend(dense);
    drop(columns);
    let hashed = on_one_thread(|| done(workload::hashed(&log, BUCKET_BITS)))?;
    let unsorted = on_one_thread(|| done(workload::per_viewer(&log)))?;
    let tally = workload::per_viewer(&log)?;
    drop(log);
    let mut way = || done(workload::bootstrap(&tally, REPLICATES));
    let [bootstrap] = contest(3.0, [&mut way])?;
    drop(tally);
    let (whole, whole_job) = whole_job(file, bootstrap)?;
    let log = Columns::make(Shape { sorted: true, ..shape }).log()?;
    let sorted = on_one_thread(|| done(workload::per_viewer(&log)))?;

    let per_impression = |name, seconds: f64, about: &str| {
        let value = seconds * 1e9 / shape.rows as f64;
        Line { name, value, about: format!("ns of CPU for an impression, {about}") }
    };
    let buckets = format!("{} hash buckets of viewers", 1 << BUCKET_BITS);
    let bootstrap_line = Line {
        name: "bootstrap_1000_seconds",
        value: bootstrap,
        about: format!("s for {REPLICATES} replicates of all topics, with intervals"),
    };
    lines.extend([
        per_impression("hashed_ns_per_impression", hashed, &buckets),
        per_impression("per_viewer_sorted_ns_per_impression", sorted, "rows sorted by viewer"),
        per_impression("per_viewer_unsorted_ns_per_impression", unsorted, "rows in any order"),
        bootstrap_line,
        whole,
    ]);
    let text = |name, seconds: f64| Line {
        name,
        value: seconds * 1e9 / shape.rows as f64,
        about: "ns for an impression, file to intervals, all cores".to_owned(),
    };
    let (csv, ndjson) = (csv?, ndjson?);
    lines.extend([text("csv_ns_per_impression", csv), text("ndjson_ns_per_impression", ndjson)]);
    let (dense, per_viewer) = (our_totals, our_tally);
    Ok((lines, Ours { dense, per_viewer, bootstrap, whole_job, csv, ndjson }))
}

/// Seconds from a file of text to intervals. Leaves the file beside another.
fn from_text(columns: &Columns, form: Form, beside: &Path) -> Result<f64, Failure> {
    let path = beside.with_file_name(form.file());
    write(columns, form, &path)?;
    let mut way = || done(workload::whole_job(&path, 1, REPLICATES));
    let [seconds] = contest(4.0, [&mut way])?;
    Ok(seconds)
}

/// Drops what a job made.
fn done<T, E: Into<Failure>>(job: Result<T, E>) -> Result<(), Failure> {
    job.map(drop).map_err(Into::into)
}

/// How much longer they took than we; with what we took.
pub(crate) fn ratio(name: &'static str, ours: f64, theirs: f64, who: &str) -> (Line, f64) {
    let about = format!("times as long: {who} {theirs:.4} s, tiltmeter {ours:.4} s");
    (Line { name, value: theirs / ours, about }, ours)
}

/// Against a group-by of the columns as they are, and of one column that holds them all in one
/// number, which a user must think of and make, and which is quicker.
fn dense_totals(columns: &Columns, log: &ExposureLog) -> Result<([Line; 2], f64), Failure> {
    let frame = frames::frame(columns)?;
    let mut ours = || done(workload::dense_totals(log));
    let mut by_columns = || done(frames::group_by(&frame, &["arm", "topic"]));
    let mut packed = || done(frames::group_by_packed(columns, false));
    let [ours, two, one] = contest(4.0, [&mut ours, &mut by_columns, &mut packed])?;
    Ok((
        [
            ratio("dense_totals_vs_polars", ours, two, "polars' group_by").0,
            ratio("dense_totals_vs_polars_packed", ours, one, "polars' group_by of a packed key").0,
        ],
        ours,
    ))
}

fn per_viewer_tally(columns: &Columns, log: &ExposureLog) -> Result<([Line; 2], f64), Failure> {
    let frame = frames::frame(columns)?;
    let names = ["viewer", "arm", "topic"];
    let (mut tally, mut groups) = (None, 0);
    let mut ours = || {
        tally = Some(workload::per_viewer(log)?);
        Ok(())
    };
    let mut by_columns = || {
        groups = frames::group_by(&frame, &names)?.height();
        Ok(())
    };
    let mut packed = || done(frames::group_by_packed(columns, true));
    let [ours, three, one] = contest(8.0, [&mut ours, &mut by_columns, &mut packed])?;
    if let Some(tally) = &tally
        && sums_by_topic(tally) != groups
    {
        return Err(format!("{} sums here, {groups} in polars", sums_by_topic(tally)).into());
    }
    let packed = "polars' group_by of a packed key";
    Ok((
        [
            ratio("per_viewer_tally_vs_polars", ours, three, "polars' group_by").0,
            ratio("per_viewer_tally_vs_polars_packed", ours, one, packed).0,
        ],
        ours,
    ))
}

/// How many sums of a topic and viewer are not zero: as many as polars has groups.
fn sums_by_topic(tally: &Tally) -> usize {
    let cells = (0..tally.axes().cells() as u32)
        .filter(|&cell| matches!(tally.axes().cell(cell), (_, CellKind::Topic(_))));
    cells.map(|cell| tally.column(cell).count()).sum()
}

/// From file to intervals. polars' time is that of reading and grouping; what it would take for
/// the bootstrap is counted as what we take for ours.
fn whole_job(file: &Path, bootstrap: f64) -> Result<(Line, f64), Failure> {
    let mut ours = || done(workload::whole_job(file, 1, REPLICATES));
    let mut theirs = || {
        let frame = frames::read(file)?;
        done(frames::group_by(&frame, &["viewer", "arm", "topic"]))
    };
    let [ours, theirs] = contest(8.0, [&mut ours, &mut theirs])?;
    let who = "arrow-rs, polars' group_by and our bootstrap";
    Ok(ratio("whole_job_parquet_vs_polars", ours, theirs + bootstrap, who))
}
