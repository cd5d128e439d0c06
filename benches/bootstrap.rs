//! The bootstrap by replicates and cells, and by hand. Throughput is impressions per second of the
//! log that was tallied.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::time::Duration;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, measurement::WallTime,
};
use workload::{Columns, Shape, by_hand};

fn shapes() -> Vec<(&'static str, Shape, &'static [u32])> {
    let base = Shape { viewers: 10_000, ..Shape::of(1_000_000) };
    vec![
        ("viewers_10k_topics_50", base, &[100, 1_000, 4_000]),
        ("viewers_10k_topics_5", Shape { topics: 5, ..base }, &[1_000]),
        ("viewers_10k_topics_500", Shape { topics: 500, ..base }, &[1_000]),
        ("viewers_10k_topics_50_weighted", Shape { ranked: true, ..base }, &[1_000]),
        ("viewers_100k_topics_50", Shape { viewers: 100_000, ..Shape::of(10_000_000) }, &[1_000]),
    ]
}

fn by_shape(group: &mut BenchmarkGroup<'_, WallTime>) {
    for (name, shape, replicates) in shapes() {
        let log = Columns::make(shape).log().expect("the made-up log is right");
        let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
        drop(log);
        group.throughput(Throughput::Elements(shape.rows as u64));
        for &replicates in replicates {
            let name = BenchmarkId::new(format!("tiltmeter_{name}"), replicates);
            group.bench_function(name, |b| b.iter(|| workload::bootstrap(&tally, replicates)));
        }
    }
}

fn by_hand(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (name, shape, _) = shapes()[0];
    let counts = by_hand::ndarray_per_viewer(&Columns::make(shape));
    group.throughput(Throughput::Elements(shape.rows as u64));
    group.bench_function(BenchmarkId::new(format!("ndarray_{name}"), 1_000), |b| {
        b.iter(|| by_hand::ndarray_bootstrap(&counts, 1_000));
    });
    group.bench_function(BenchmarkId::new(format!("loop_{name}"), 1_000), |b| {
        b.iter(|| by_hand::loop_bootstrap(&counts, 1_000));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("bootstrap");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(3));
    by_shape(&mut group);
    by_hand(&mut group);
    group.finish();
    criterion.final_summary();
}
