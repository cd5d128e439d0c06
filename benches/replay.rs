//! A chronological replay of a simulated log with its candidates, in memory; beside it the plain loop that
//! one writes first: a map of slates, each sorted by time. One core. Throughput is candidates per second;
//! the number of impressions stands in the name.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use tiltmeter::ExposureLog;
use tiltmeter::log::Role;
use tiltmeter::policy::{Affinity, Policy, ReverseChronological};
use tiltmeter::replay::{CandidateColumns, CandidateKey, CandidateSets, Replay, ReplaySpec};
use tiltmeter::simulate::{CandidatesConfig, Preset, Simulation, SimulationConfig};

/// Sizes of samples of candidates.
const SIZES: [u32; 2] = [50, 200];

fn workload(size: u32) -> (ExposureLog, CandidateSets) {
    let mut config = SimulationConfig::preset(Preset::Everyday);
    (config.world.viewers, config.days) = (400, 3);
    config.candidates = CandidatesConfig::Sample { size };
    let simulation = Simulation::new(&config).expect("a preset");
    let table = ExposureLog::read(
        simulation.candidates().expect("no donation"),
        &simulation.candidates_schema(),
    );
    let pools = CandidateSets::new(table.expect("candidates"), CandidateKey::Slate)
        .expect("pools of slates");
    (simulation.log().expect("a log"), pools)
}

fn replayed(log: &ExposureLog, pools: &CandidateSets, policy: &mut dyn Policy) -> usize {
    let mut spec = ReplaySpec::of("treatment", "replayed");
    spec.candidates = CandidateColumns::of_simulation();
    let replay = Replay::new(&spec, policy).expect("a sound spec");
    replay.log(log, pools).expect("requests have candidates").log.rows()
}

/// Slates of the newest by hand: item ids of each place, nothing else.
fn by_hand(log: &ExposureLog, table: &ExposureLog) -> usize {
    let slates = |log: &ExposureLog| log.ids(Role::Slate).cloned().expect("slates");
    let (of_log, of_table) = (slates(log), slates(table));
    let items = table.ids(Role::Item).expect("items");
    let times = table.times().expect("times");
    let arms = log.arms().expect("arms");
    let mut pools: HashMap<&str, Vec<(i64, &str)>> = HashMap::new();
    for (row, &time) in times.iter().enumerate() {
        let slate = of_table.id(row).expect("a slate");
        pools.entry(slate).or_default().push((-time, items.id(row).expect("an item")));
    }
    let mut places: HashMap<&str, usize> = HashMap::new();
    for row in (0..log.rows()).filter(|row| arms.id(*row) == Some("treatment")) {
        *places.entry(of_log.id(row).expect("a slate")).or_default() += 1;
    }
    let mut shown: Vec<&str> = Vec::new();
    for (slate, length) in places {
        let pool = pools.get_mut(slate).expect("candidates");
        pool.sort_unstable();
        shown.extend(pool.iter().take(length).map(|candidate| candidate.1));
    }
    black_box(&shown).len()
}

fn main() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("replay");
    for size in SIZES {
        let (log, pools) = workload(size);
        let rows = replayed(&log, &pools, &mut ReverseChronological);
        assert_eq!(rows, by_hand(&log, pools.candidates()));
        // Those of both arms are in the table, and half of them are of the arm.
        group.throughput(Throughput::Elements(pools.candidates().rows() as u64));
        let name = |way| BenchmarkId::new(way, format!("{rows} impressions of {size}"));
        group.bench_function(name("newest"), |bench| {
            bench.iter(|| one.install(|| replayed(&log, &pools, &mut ReverseChronological)));
        });
        group.bench_function(name("affinity"), |bench| {
            bench.iter(|| one.install(|| replayed(&log, &pools, &mut Affinity::default())));
        });
        group.bench_function(name("newest by hand"), |bench| {
            bench.iter(|| by_hand(&log, pools.candidates()));
        });
    }
    group.finish();
    criterion.final_summary();
}
