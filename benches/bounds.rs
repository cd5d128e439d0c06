//! What the machine can do at most, for `benches/README.md` to set the kernels against: reading
//! memory, and counting into tables of the kernels' sizes. One core. Throughput is bytes or counts
//! per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use workload::Random;

/// Far more than any cache: 256 MiB.
const WORDS: usize = 1 << 25;

const COUNTS: usize = 1 << 22;

/// A sum over memory: as fast as a core can read.
fn read(group: &mut BenchmarkGroup<'_, WallTime>) {
    let words: Vec<u64> = (0..WORDS as u64).collect();
    group.throughput(Throughput::Bytes(8 * WORDS as u64));
    group.bench_function("read_memory", |b| {
        b.iter(|| black_box(&words).iter().fold(0_u64, |sum, word| sum.wrapping_add(*word)));
    });
}

/// Counts in bytes at places that are known beforehand: a load of the place, then a load, an
/// addition and a store of the count. No tally can be quicker with one core and scalar code.
fn count(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, places: usize) {
    let mut random = Random::seeded(3);
    let place = |_| (random.next() % places as u64) as u32;
    let at: Vec<u32> = (0..COUNTS).map(place).collect();
    let mut table = vec![0_u8; places];
    group.throughput(Throughput::Elements(COUNTS as u64));
    group.bench_function(BenchmarkId::new("count", name), |b| {
        b.iter(|| {
            for &at in black_box(&at) {
                let count = &mut table[at as usize];
                *count = count.wrapping_add(1);
            }
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("bounds");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    read(&mut group);
    // 2 arms and 50 topics; by 1,024 clusters; by 100,000 clusters.
    count(&mut group, "100_bytes", 100);
    count(&mut group, "100_KiB", 100 << 10);
    count(&mut group, "10_MB", 10_000_000);
    group.finish();
    criterion.final_summary();
}
