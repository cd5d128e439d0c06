//! The probability of each candidate at each rank: an integral over the time of the race.

use ndarray::Array2;

/// Logarithms of the weights of those who have one, and how many ranks are asked for: no more than
/// candidates.
pub(super) struct Race<'w> {
    pub(super) logs: &'w [f64],
    pub(super) length: usize,
}

/// Steps of the first sum over the logarithm of time.
const FIRST_STEP: f64 = 0.25;

/// Sums that differ by no more than this are the integral: the one with twice the points is off by
/// far less.
const CLOSE: f64 = 1e-12;

/// How often the step is halved at most.
const HALVINGS: u32 = 10;

/// Before the time by which so many arrivals are expected, and after the time by which fewer than
/// `length` have arrived with this probability, nothing happens that double precision could show.
const NOTHING: f64 = 1e-18;

impl Race<'_> {
    /// By candidate and rank, `integral of w exp(-w t) P(rank - 1 others have arrived by t) dt`.
    ///
    /// In `x = ln t` the integrand is smooth and vanishes on both sides, so that the trapezoidal rule
    /// converges faster than any power of its step. The step is halved until nothing moves.
    pub(super) fn marginals(&self) -> Array2<f64> {
        let shape = (self.logs.len(), self.length);
        let most = self.logs.iter().fold(f64::NEG_INFINITY, |most, log| most.max(*log));
        let start = (NOTHING / self.logs.len() as f64).ln() - most;
        let mut scratch = Scratch::new(self);
        let mut sums = Array2::zeros(shape);
        let mut points = 0_u32;
        while scratch.add(self, start + f64::from(points) * FIRST_STEP, &mut sums) {
            points += 1;
        }
        let mut step = FIRST_STEP;
        let mut integral = &sums * step;
        for _ in 0..HALVINGS {
            for point in 0..points {
                scratch.add(self, start + (f64::from(point) + 0.5) * step, &mut sums);
            }
            points *= 2;
            step /= 2.0;
            let finer = &sums * step;
            let moved = finer.iter().zip(&integral).map(|(new, old)| (new - old).abs());
            let moved = moved.fold(0.0, f64::max);
            integral = finer;
            if moved <= CLOSE {
                break;
            }
        }
        integral.mapv_into(|probability| probability.min(1.0))
    }
}

/// What is worked with at a point of time.
struct Scratch {
    /// By candidate.
    times: Vec<Chances>,
    /// By depth and number of arrivals, its probability among those outside the range at the depth.
    counts: Vec<Vec<f64>>,
}

/// The time by a candidate's own clock, `w t`, and the probabilities that it has arrived and has not.
#[derive(Clone, Copy)]
struct Chances {
    time: f64,
    arrived: f64,
    not: f64,
}

impl Scratch {
    fn new(race: &Race<'_>) -> Self {
        let depths = race.logs.len().next_power_of_two().ilog2() as usize + 2;
        Self { times: Vec::new(), counts: vec![vec![0.0; race.length]; depths] }
    }

    /// Adds the integrand at `x = ln t`; says whether more is to come at later times.
    fn add(&mut self, race: &Race<'_>, x: f64, sums: &mut Array2<f64>) -> bool {
        self.times.clear();
        self.times.extend(race.logs.iter().map(|log| {
            let time = (log + x).exp();
            Chances { time, arrived: -(-time).exp_m1(), not: (-time).exp() }
        }));
        let [first, rest @ ..] = &mut self.counts[..] else { return false };
        first.fill(0.0);
        first[0] = 1.0;
        let mut add = |candidate: usize, counts: &[f64]| {
            let Chances { time, not, .. } = self.times[candidate];
            // Late enough, time is infinite and nobody is left.
            let density = if not == 0.0 { 0.0 } else { time * not };
            let mut row = sums.row_mut(candidate);
            for (sum, count) in row.iter_mut().zip(counts) {
                *sum += density * count;
            }
        };
        without_each(&self.times, 0, first, rest, &mut add);
        first.fill(0.0);
        first[0] = 1.0;
        self.times.iter().for_each(|candidate| arrive(first, *candidate));
        first.iter().sum::<f64>() > NOTHING
    }
}

/// For each candidate of a range, how many of the others have arrived. Each half of the range is
/// told of the other half's arrivals; nothing is ever divided out, so all terms are positive.
fn without_each(
    times: &[Chances],
    first: usize,
    counts: &[f64],
    scratch: &mut [Vec<f64>],
    add: &mut impl FnMut(usize, &[f64]),
) {
    let ([_, _, ..], [here, deeper @ ..]) = (times, scratch) else {
        add(first, counts);
        return;
    };
    let (left, right) = times.split_at(times.len() / 2);
    for (mine, others, first) in [(left, right, first), (right, left, first + left.len())] {
        here.copy_from_slice(counts);
        others.iter().for_each(|other| arrive(here, *other));
        without_each(mine, first, here, deeper, add);
    }
}

/// One more candidate may have arrived.
fn arrive(counts: &mut [f64], chances: Chances) {
    let mut before = 0.0;
    for count in counts {
        let now = *count * chances.not + before * chances.arrived;
        before = *count;
        *count = now;
    }
}
