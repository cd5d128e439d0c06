//! What threads bring: the same jobs on one and on two. Throughput is impressions per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use workload::{Columns, Shape};

const ROWS: usize = 10_000_000;

fn main() {
    let log = Columns::make(Shape::of(ROWS)).log().expect("the made-up log is right");
    let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("threads");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(ROWS as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        group.bench_function(BenchmarkId::new("dense", threads), |b| {
            b.iter(|| pool.install(|| workload::dense_totals(&log)));
        });
        group.bench_function(BenchmarkId::new("hashed", threads), |b| {
            b.iter(|| pool.install(|| workload::hashed(&log, 10)));
        });
        group.bench_function(BenchmarkId::new("per_viewer", threads), |b| {
            b.iter(|| pool.install(|| workload::per_viewer(&log)));
        });
        group.bench_function(BenchmarkId::new("bootstrap", threads), |b| {
            b.iter(|| pool.install(|| workload::bootstrap(&tally, 1_000)));
        });
    }
    group.finish();
    criterion.final_summary();
}
