//! The same sums by other ways, on the same data in this process, each with all the cores it can
//! use: the library, plain loops, ndarray, and polars where the features `polars` (eager) and
//! `lazy` of the benches are on. Throughput is impressions per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};
use workload::{Columns, Shape, by_hand};

const ROWS: usize = 10_000_000;

fn dense_totals(group: &mut BenchmarkGroup<'_, WallTime>, columns: &Columns) {
    let log = columns.log().expect("the made-up log is right");
    group.bench_function("tiltmeter", |b| b.iter(|| workload::dense_totals(&log)));
    drop(log);
    group.bench_function("loop", |b| b.iter(|| by_hand::loop_totals(columns)));
    group.bench_function("ndarray", |b| b.iter(|| by_hand::ndarray_totals(columns)));
    polars(group, columns, &["arm", "topic"]);
}

fn per_viewer(group: &mut BenchmarkGroup<'_, WallTime>, columns: &Columns) {
    let log = columns.log().expect("the made-up log is right");
    group.bench_function("tiltmeter", |b| b.iter(|| workload::per_viewer(&log)));
    drop(log);
    group.bench_function("loop", |b| b.iter(|| by_hand::loop_per_viewer(columns)));
    group.bench_function("ndarray", |b| b.iter(|| by_hand::ndarray_per_viewer(columns)));
    polars(group, columns, &["viewer", "arm", "topic"]);
}

#[cfg(feature = "polars")]
fn polars(group: &mut BenchmarkGroup<'_, WallTime>, columns: &Columns, names: &[&str]) {
    use workload::frames;
    let frame = frames::frame(columns).expect("columns of one length");
    group.bench_function("polars_eager", |b| b.iter(|| frames::group_by(&frame, names)));
    let viewers = names.len() == 3;
    group.bench_function("polars_eager_packed", |b| {
        b.iter(|| frames::group_by_packed(columns, viewers));
    });
    #[cfg(feature = "lazy")]
    group.bench_function("polars_lazy", |b| b.iter(|| frames::group_by_lazily(&frame, names)));
}

#[cfg(not(feature = "polars"))]
fn polars(_: &mut BenchmarkGroup<'_, WallTime>, _: &Columns, _: &[&str]) {}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let columns = Columns::make(Shape::of(ROWS));
    for (name, job) in [
        ("peers_dense_totals", dense_totals as fn(&mut BenchmarkGroup<'_, WallTime>, &Columns)),
        ("peers_per_viewer", per_viewer),
    ] {
        let mut group = criterion.benchmark_group(name);
        group
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10)
            .warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_secs(3));
        group.throughput(Throughput::Elements(ROWS as u64));
        job(&mut group, &columns);
        group.finish();
    }
    criterion.final_summary();
}
