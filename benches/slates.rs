//! Slates by the Plackett-Luce model, by shape; beside them Gumbel noise and sorting with `rand`, and
//! the exact marginals. One core. Throughput is impressions per second: places in slates.

use std::hint::black_box;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tiltmeter::policy::plackett_luce::{PlackettLuce, conditional_propensities, marginals};

/// Candidates and length of the slate.
const SHAPES: [(usize, usize); 7] =
    [(200, 20), (50, 10), (1_000, 50), (10, 1), (5_000, 20), (20, 20), (200, 200)];

/// Requests that take turns, so that no processor learns one by heart.
const REQUESTS: u64 = 64;

/// Lognormal weights with a standard deviation of 1 on the log scale: the greatest of 200 has some
/// 4% of the whole.
fn weights(candidates: usize) -> Vec<Vec<f64>> {
    let mut random = SmallRng::seed_from_u64(5);
    let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let mut of_request = |_| (0..candidates).map(|_| normal().exp()).collect();
    (0..REQUESTS).map(&mut of_request).collect()
}

/// What one writes first: a score with noise for each candidate, and the best of them.
struct Gumbel {
    random: SmallRng,
    keys: Vec<(f64, u32)>,
}

impl Gumbel {
    fn noisy(&mut self, scores: &[f64]) {
        let random = &mut self.random;
        let noise = || -(-(1.0 - random.random::<f64>()).ln()).ln();
        let noises = std::iter::repeat_with(noise);
        self.keys.clear();
        self.keys.extend(scores.iter().zip(noises).zip(0..).map(|((s, g), at)| (s + g, at)));
    }

    fn sorted(&mut self, scores: &[f64], length: usize) -> Vec<u32> {
        self.noisy(scores);
        self.keys.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        self.keys[..length].iter().map(|key| key.1).collect()
    }

    fn selected(&mut self, scores: &[f64], length: usize) -> Vec<u32> {
        self.noisy(scores);
        if length < self.keys.len() {
            self.keys.select_nth_unstable_by(length, |a, b| b.0.total_cmp(&a.0));
        }
        let first = &mut self.keys[..length];
        first.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        first.iter().map(|key| key.1).collect()
    }
}

fn slates(group: &mut BenchmarkGroup<'_, WallTime>, candidates: usize, length: usize) {
    let name = |way| BenchmarkId::new(way, format!("{length}_of_{candidates}"));
    let weights = weights(candidates);
    let logs = |weights: &Vec<f64>| weights.iter().map(|weight| weight.ln()).collect::<Vec<_>>();
    let scores: Vec<Vec<f64>> = weights.iter().map(logs).collect();
    group.throughput(Throughput::Elements(length as u64));
    let mut feed = PlackettLuce::new();
    let mut request = 0;
    let mut next = || {
        request += 1;
        (request, (request % REQUESTS) as usize)
    };
    group.bench_function(name("tiltmeter"), |b| {
        b.iter(|| {
            let (request, at) = next();
            feed.draw(black_box(&weights[at]), length, 1, request).expect("weights are right")
        });
    });
    group.bench_function(name("tiltmeter_with_propensities"), |b| {
        b.iter(|| {
            let (request, at) = next();
            let slate = feed.draw(&weights[at], length, 1, request).expect("weights are right");
            conditional_propensities(&weights[at], &slate).expect("the slate is right")
        });
    });
    let mut gumbel = Gumbel { random: SmallRng::seed_from_u64(1), keys: Vec::new() };
    group.bench_function(name("gumbel_sort"), |b| {
        b.iter(|| gumbel.sorted(black_box(&scores[next().1]), length));
    });
    group.bench_function(name("gumbel_select"), |b| {
        b.iter(|| gumbel.selected(black_box(&scores[next().1]), length));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("slates");
    for (candidates, length) in SHAPES {
        slates(&mut group, candidates, length);
    }
    group.sample_size(10);
    for (candidates, length) in [(50, 10), (200, 20)] {
        let weights = &weights(candidates)[0];
        group.throughput(Throughput::Elements(length as u64));
        let name = BenchmarkId::new("marginals", format!("{length}_of_{candidates}"));
        group.bench_function(name, |b| b.iter(|| marginals(black_box(weights), length)));
    }
    group.finish();
    criterion.final_summary();
}
