//! Every method of interval and test on the same tally; and 1,000 BCa replicates of 1,000 topics for
//! 100,000 clusters. Throughput is questions (topics) per second.

#[allow(dead_code, reason = "other benches use the rest")]
mod workload;

use std::time::Duration;

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, measurement::WallTime,
};
use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BootstrapWeights, Delta, DeltaTest, Inference, Jackknife, Monitor,
    MonitorSpec, Multiplicity, Permutation, ReplicateErrors, RomanoWolf, ShareBounds, Simultaneous,
    Test, Trail, WildBootstrap, WildTest,
};
use tiltmeter::statistic::{AmplificationRatio, AnyStatistic, Difference};
use tiltmeter::tally::Tally;
use tiltmeter::{Audit, AuditReport, Error, Interval, Question, Unit};
use workload::{ARMS, Columns, Shape};

fn audit(tally: &Tally, by: Inference) -> Result<AuditReport, Error> {
    let question = Question::between(ARMS[0], ARMS[1]);
    Audit::of_tally(tally, &question).inference(by).run()
}

fn bootstrap(kind: BootstrapKind, weights: BootstrapWeights) -> Interval {
    Interval::Bootstrap(Bootstrap { kind, weights, ..Bootstrap::default() })
}

fn intervals() -> Vec<(&'static str, Interval)> {
    use BootstrapKind::{Basic, Bca, Percentile, Studentised};
    use BootstrapWeights::{Multinomial, Poisson};
    let bands = |errors| {
        Interval::Simultaneous(Simultaneous { replicates: 1_000, errors, ..Default::default() })
    };
    let wild = WildBootstrap { replicates: 1_000, ..WildBootstrap::default() };
    vec![
        ("share_bounds", Interval::ShareBounds(ShareBounds::default())),
        ("delta", Interval::Delta(Delta::default())),
        ("jackknife", Interval::Jackknife(Jackknife::default())),
        ("percentile", bootstrap(Percentile, Poisson)),
        ("basic", bootstrap(Basic, Poisson)),
        ("bca", bootstrap(Bca, Poisson)),
        ("studentised", bootstrap(Studentised, Poisson)),
        ("multinomial_percentile", bootstrap(Percentile, Multinomial)),
        ("multinomial_bca", bootstrap(Bca, Multinomial)),
        ("multinomial_studentised", bootstrap(Studentised, Multinomial)),
        ("wild", Interval::WildBootstrap(wild)),
        ("bands", bands(ReplicateErrors::Same)),
        ("bands_studentised", bands(ReplicateErrors::Each)),
    ]
}

fn tests() -> Vec<(&'static str, Inference)> {
    let of = |test| Inference {
        interval: Interval::Delta(Delta::default()),
        test: Some(test),
        multiplicity: None,
    };
    let wild = WildTest { replicates: 1_000, ..WildTest::default() };
    let permutation = Permutation { replicates: 1_000, ..Permutation::default() };
    let step_down = RomanoWolf { replicates: 1_000, ..RomanoWolf::default() };
    let delta = of(Test::Delta(DeltaTest::default()));
    vec![
        ("delta_test", delta),
        ("wild_test", of(Test::WildBootstrap(wild))),
        ("permutation_test", of(Test::Permutation(permutation))),
        ("holm", Inference { multiplicity: Some(Multiplicity::Holm), ..delta }),
        (
            "romano_wolf",
            Inference { multiplicity: Some(Multiplicity::RomanoWolf(step_down)), ..delta },
        ),
    ]
}

fn by_method(group: &mut BenchmarkGroup<'_, WallTime>) {
    let shape = Shape { viewers: 10_000, topics: 10, ..Shape::of(1_000_000) };
    let log = Columns::make(shape).log().expect("the made-up log is right");
    let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
    group.throughput(Throughput::Elements(10));
    let intervals = intervals().into_iter().map(|(name, method)| (name, method.into()));
    for (name, by) in intervals.chain(tests()) {
        group.bench_function(BenchmarkId::new("viewers_10k_topics_10", name), |b| {
            b.iter(|| audit(&tally, by));
        });
    }
}

/// Percentiles beside BCa, to see what the pass over the clusters costs.
fn bca_of_many_topics(group: &mut BenchmarkGroup<'_, WallTime>) {
    let shape = Shape { viewers: 100_000, topics: 1_000, ..Shape::of(10_000_000) };
    let log = Columns::make(shape).log().expect("the made-up log is right");
    let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
    drop(log);
    group.throughput(Throughput::Elements(1_000));
    for (name, kind) in [("percentile", BootstrapKind::Percentile), ("bca", BootstrapKind::Bca)] {
        let method = bootstrap(kind, BootstrapWeights::Poisson);
        group.bench_function(BenchmarkId::new("viewers_100k_topics_1000", name), |b| {
            b.iter(|| audit(&tally, method.into()));
        });
    }
}

/// Ten million viewers compared with themselves, four rows each in either arm in turn; throughput is viewers.
fn within(group: &mut BenchmarkGroup<'_, WallTime>) {
    let viewers = 10_000_000;
    let shape = Shape { viewers, topics: 2, ..Shape::of(40_000_000) };
    let mut columns = Columns::make(shape);
    columns.arm.iter_mut().zip(0_u32..).for_each(|(arm, row)| *arm = row & 1);
    let log = columns.log().expect("the made-up log is right");
    drop(columns);
    let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
    drop(log);
    group.throughput(Throughput::Elements(viewers.into()));
    for (name, statistic) in
        [("least_squares", AnyStatistic::from(Difference)), ("poisson", AmplificationRatio.into())]
    {
        let question = Question::between(ARMS[0], ARMS[1]).topics([workload::topic_name(1)]);
        let question = question.unit(Unit::Within).statistic(statistic);
        group.bench_function(BenchmarkId::new("within_viewers_10m", name), |b| {
            b.iter(|| {
                let audit = Audit::of_tally(&tally, &question);
                audit.interval(Interval::Delta(Delta::default())).run()
            });
        });
    }
}

/// A monitor that observes 10,000 clusters at once.
fn monitor(group: &mut BenchmarkGroup<'_, WallTime>) {
    let shape = Shape { viewers: 10_000, topics: 10, ..Shape::of(1_000_000) };
    let log = Columns::make(shape).log().expect("the made-up log is right");
    let tally = workload::per_viewer(&log).expect("the log has arms and viewers");
    let topics = (0..10).map(workload::topic_name);
    let question = Question::between(ARMS[0], ARMS[1]).topics(topics);
    let mut spec = MonitorSpec::of(&question, 10_000).expect("it has topics and a baseline");
    spec.trail = Trail::Dropped;
    group.throughput(Throughput::Elements(10));
    group.bench_function(BenchmarkId::new("viewers_10k_topics_10", "monitor"), |b| {
        b.iter(|| {
            let mut monitor = Monitor::new(spec.clone()).expect("the spec is right");
            monitor.observe(&tally).expect("every cluster is new");
            monitor.readings()
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("intervals");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(2));
    by_method(&mut group);
    bca_of_many_topics(&mut group);
    within(&mut group);
    monitor(&mut group);
    group.finish();
    criterion.final_summary();
}
