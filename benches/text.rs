//! Reading text: into a log with three of six columns, with all six, and from files that are compressed.
//! Throughput is impressions per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use tiltmeter::ExposureLog;
use tiltmeter::log::LogSchema;
use workload::text::{Form, write};
use workload::{Columns, Shape, schema};

const ROWS: usize = 1_000_000;

/// All six columns.
fn all() -> LogSchema {
    schema(1).position("position").item("item").iso_time("time")
}

/// The same file compressed by a program of the system, if it is there.
fn packed(path: &Path, program: &str, ending: &str) -> Option<PathBuf> {
    let out = std::process::Command::new(program).args(["-q", "-c"]).arg(path).output().ok()?;
    let packed = PathBuf::from(format!("{}.{ending}", path.display()));
    std::fs::File::create(&packed).ok()?.write_all(&out.stdout).ok()?;
    out.status.success().then_some(packed)
}

fn main() {
    let columns = Columns::make(Shape::of(ROWS));
    let folder = tempfile::tempdir().expect("a folder for files");
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("text");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(4))
        .throughput(Throughput::Elements(ROWS as u64));
    for form in [Form::Csv, Form::Ndjson] {
        let path = folder.path().join(form.file());
        write(&columns, form, &path).expect("room for the file");
        let name = form.file().trim_start_matches("log.");
        let mut read = |name: String, path: &Path, schema: &LogSchema| {
            group.bench_function(name, |b| b.iter(|| ExposureLog::open(path, schema)));
        };
        read(name.to_owned(), &path, &schema(1));
        read(format!("{name}_all_columns"), &path, &all());
        for (program, ending) in [("gzip", "gz"), ("zstd", "zst")] {
            match packed(&path, program, ending) {
                Some(path) => read(format!("{name}_{ending}"), &path, &schema(1)),
                None => eprintln!("left out, since {program} is not here: {name}_{ending}"),
            }
        }
    }
    group.finish();
    criterion.final_summary();
}
