//! Tallies on one core: each kernel by rows, clusters, topics, topics per impression, order and
//! mass. Throughput is impressions per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, measurement::WallTime,
};
use std::hint::black_box;
use std::time::Duration;
use tiltmeter::ExposureLog;
use workload::{Columns, Shape};

const ROWS: usize = 1_000_000;

type Kernel = (&'static str, fn(&ExposureLog));

const KERNELS: [Kernel; 3] = [
    ("dense", |log| drop(black_box(workload::dense_totals(log)))),
    ("hashed", |log| drop(black_box(workload::hashed(log, 10)))),
    ("per_viewer", |log| drop(black_box(workload::per_viewer(log)))),
];

/// The shapes: the first, and one thing changed at a time.
fn shapes() -> Vec<(&'static str, Shape)> {
    let base = Shape::of(ROWS);
    vec![
        ("rows_1M_viewers_10k_topics_50", base),
        ("rows_100k_viewers_1k", Shape::of(100_000)),
        ("rows_10M_viewers_100k", Shape::of(10_000_000)),
        ("viewers_1k", Shape { viewers: 1_000, ..base }),
        ("viewers_100k", Shape { viewers: 100_000, ..base }),
        ("viewers_1M", Shape { viewers: 1_000_000, ..base }),
        ("topics_5", Shape { topics: 5, ..base }),
        ("topics_500", Shape { topics: 500, ..base }),
        ("labels_3", Shape { labels: 3, ..base }),
        ("sorted", Shape { sorted: true, ..base }),
        ("weighted", Shape { ranked: true, ..base }),
    ]
}

fn kernels(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, shape: Shape) {
    let log = Columns::make(shape).log().expect("the made-up log is right");
    group.throughput(Throughput::Elements(shape.rows as u64));
    for (kernel, tally) in KERNELS {
        group.bench_function(BenchmarkId::new(kernel, name), |b| b.iter(|| tally(&log)));
    }
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        let mut criterion = Criterion::default().configure_from_args();
        let mut group = criterion.benchmark_group("tally");
        group
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        for (name, shape) in shapes() {
            kernels(&mut group, name, shape);
        }
        group.finish();
        criterion.final_summary();
    });
}
