//! Reading text: into a log with three of six columns, with all six, and from files that are compressed. Beside
//! it what bounds it: the files taken apart by crates that do nothing else, nothing kept, in halves on two threads.
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

/// How many values there are, by `csv`.
fn values_of_csv(text: &[u8]) -> usize {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    let (mut record, mut values) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).is_ok_and(|is_there| is_there) {
        values += record.len();
    }
    values
}

/// How many values there are, by `simd-json`'s tape of each line.
fn values_of_ndjson(text: &[u8]) -> usize {
    // It writes into what it reads.
    let mut text = text.to_vec();
    let mut buffers = simd_json::Buffers::default();
    let lines = text.split_mut(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut of_line = |line| simd_json::to_tape_with_buffers(line, &mut buffers).map(|t| t.0.len());
    lines.map(|line| of_line(line).expect("a line that was written here")).sum()
}

/// Both halves of a text, which end where a line does.
fn halves(text: &[u8]) -> (&[u8], &[u8]) {
    let middle = text.len() / 2;
    let end = text[middle..].iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    text.split_at(middle + end)
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
        let values = match form {
            Form::Csv => values_of_csv,
            Form::Ndjson => values_of_ndjson,
        };
        let text = std::fs::read(&path).expect("the file that was written");
        let (one, other) = halves(&text);
        group.bench_function(format!("{name}_taken_apart_alone"), |b| {
            b.iter(|| rayon::join(|| values(one), || values(other)));
        });
        let mut read = |name: String, path: &Path, schema: &LogSchema| {
            group.bench_function(name, |b| b.iter(|| ExposureLog::open(path, schema)));
        };
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
