//! What the machine can do at most, for `benches/README.md` to set the kernels against: reading
//! memory, counting into tables of the kernels' sizes, adding up weights. One core. Throughput is
//! bytes, counts or additions of 128 weights per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use pulp::Arch;
use workload::{Columns, Random, Shape};

/// Weights of a cluster that the bootstrap adds at a time, and clusters whose weights it holds.
const GROUP: usize = 128;
const CLUSTERS: usize = 256;

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

/// Weights of a cluster in a group of replicates, in whole lines of cache.
#[derive(Clone)]
#[repr(align(64))]
struct Weights([u8; GROUP]);

/// As many additions of weights as 1,000 replicates of the scoreboard's tally need: one for each
/// binary digit of each sum in each group of replicates. The weights stand in first-level cache.
fn add_weights(group: &mut BenchmarkGroup<'_, WallTime>) {
    let log = Columns::make(Shape::of(10_000_000)).log().expect("the made-up log is right");
    let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
    let digits = |cell| tally.column(cell).map(|(_, sum)| sum.count.count_ones() as usize);
    let digits: usize = (0..tally.axes().cells() as u32).flat_map(digits).sum();
    let additions = digits * 1_000_usize.div_ceil(GROUP);
    let mut random = Random::seeded(4);
    let clusters: Vec<u8> = (0..24).map(|_| random.next() as u8).collect();
    let weights = vec![Weights([1; GROUP]); CLUSTERS];
    group.throughput(Throughput::Elements(additions as u64));
    group.bench_function("bootstrap_additions", |b| {
        b.iter(|| {
            Arch::new().dispatch(
                #[inline(always)]
                || added(black_box(&weights), black_box(&clusters), additions),
            )
        });
    });
}

#[inline(always)]
fn added(weights: &[Weights], clusters: &[u8], additions: usize) -> [u8; GROUP] {
    let mut sums = [0_u8; GROUP];
    for _ in 0..additions / clusters.len() {
        for &cluster in black_box(clusters) {
            for (sum, weight) in sums.iter_mut().zip(&weights[usize::from(cluster)].0) {
                *sum = sum.wrapping_add(*weight);
            }
        }
    }
    sums
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("bounds");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    read(&mut group);
    // 2 arms and 50 topics; by 1,024 clusters; by 100,000 clusters.
    count(&mut group, "100_bytes", 100);
    count(&mut group, "100_KiB", 100 << 10);
    count(&mut group, "10_MB", 10_000_000);
    add_weights(&mut group);
    group.finish();
    criterion.final_summary();
}
