//! From a file to intervals: read, tally, 1,000 replicates, report. Throughput is impressions per
//! second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use workload::{ARMS, Columns, Shape, frames, topic_name, viewer_id};

const ROWS: usize = 1_000_000;
const REPLICATES: u32 = 1_000;

fn write_csv(columns: &Columns, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "viewer,arm,topic")?;
    for row in 0..columns.shape.rows {
        let arm = ARMS[columns.arm[row] as usize];
        let topic = topic_name(columns.topic[row]);
        writeln!(file, "{},{arm},{topic}", viewer_id(columns.viewer[row]))?;
    }
    file.flush()
}

fn main() {
    let columns = Columns::make(Shape::of(ROWS));
    let folder = tempfile::tempdir().expect("a folder for files");
    let (parquet, csv) = (folder.path().join("log.parquet"), folder.path().join("log.csv"));
    frames::write(&columns, &parquet).expect("room for the file");
    write_csv(&columns, &csv).expect("room for the file");
    drop(columns);
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("whole_job");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, path) in [("parquet", &parquet), ("csv", &csv)] {
        group.bench_function(name, |b| b.iter(|| workload::whole_job(path, 1, REPLICATES)));
    }
    group.bench_function("parquet_arrow_rs_and_polars_group_by_alone", |b| {
        b.iter(|| {
            let frame = frames::read(&parquet).expect("the file was just written");
            frames::group_by(&frame, &["viewer", "arm", "topic"])
        });
    });
    group.finish();
    criterion.final_summary();
}
