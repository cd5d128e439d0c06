//! A simulated feed: impressions per second by policy, with few columns and with all, as a tally and as
//! a Parquet file. One thread but for what says otherwise.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use tiltmeter::log::LogSource;
use tiltmeter::policy::{Affinity, PolicyConfig, Ranker};
use tiltmeter::simulate::{CandidatesConfig, Preset, Simulation, SimulationConfig};
use tiltmeter::tally::TallySpec;

/// The conflict preset, with slates of 20 from 200 candidates, and one ranker for all arms.
fn simulation(ranker: &Ranker, days: u32) -> Simulation {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 10_000;
    config.days = days;
    config.slate = 20;
    config.candidates = CandidatesConfig::Sample { size: 200 };
    for arm in &mut config.arms {
        arm.policy = PolicyConfig::of(ranker.clone());
    }
    Simulation::new(&config).expect("the configuration is right")
}

/// Reads some of the columns; the answer is the number of rows.
fn read(simulation: &Simulation, columns: &[&str]) -> usize {
    let mut source = simulation.source().expect("policies can be made");
    let names = source.column_names();
    let all: Vec<usize> = (0..names.len())
        .filter(|at| columns.is_empty() || columns.contains(&names[*at].as_str()))
        .collect();
    source.select(&all);
    let mut rows = 0;
    while let Some(batch) = source.next_batch().expect("weights are right") {
        rows += black_box(&batch).columns.first().map_or(0, tiltmeter::log::Column::len);
    }
    rows
}

fn rankers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulate");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    let rankers = [("random", Ranker::Random), ("affinity", Ranker::Affinity(Affinity::default()))];
    for (name, ranker) in rankers {
        let simulation = simulation(&ranker, 1);
        let rows = read(&simulation, &["position"]);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("feed", name), |b| {
            b.iter(|| read(&simulation, &["position"]));
        });
        group.bench_function(BenchmarkId::new("all_columns", name), |b| {
            b.iter(|| read(&simulation, &[]));
        });
        group.bench_function(BenchmarkId::new("tally", name), |b| {
            b.iter(|| simulation.tally(&TallySpec::default()).expect("a tally"));
        });
        group.bench_function(BenchmarkId::new("parquet_two_threads", name), |b| {
            let path =
                std::env::temp_dir().join(format!("tiltmeter-{}.parquet", std::process::id()));
            b.iter(|| simulation.write_parquet(&path).expect("a place to write"));
            // Only a file of its own process is left behind if that fails.
            let _ = std::fs::remove_file(&path);
        });
    }
    group.finish();
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        let mut criterion = Criterion::default().configure_from_args();
        rankers(&mut criterion);
        criterion.final_summary();
    });
}
