//! The race behind a slate: who arrives first, with the vectors of the processor at hand. It knows
//! weights and random words, not what is raced for.

use pulp::{Arch, NullaryFnOnce};

use crate::philox::Stream;

/// Candidates whose random words are made together.
const BLOCK: usize = 32;

/// Counters of those words.
const COUNTERS: usize = BLOCK / 4;

/// Numbers that are worked on side by side.
const LANES: usize = 16;

/// The most runners that are ranked by comparing each with each, which for so few is quicker than
/// sorting them.
const COMPARED: usize = 127;

/// A weight so far below the greatest takes part only once all others have arrived.
const LEAST: f32 = 1.0 / (1_u128 << 96) as f32;

/// What a random word of 31 bits counts in.
const UNIT: f32 = 1.0 / (1_u32 << 31) as f32;

/// A time that nobody is too late for.
const NEVER: f32 = f32::MAX;

/// What is kept between races, to save asking for memory and, by a guess, looking for a time.
/// Nothing of it shows in the outcome.
#[derive(Clone, Debug)]
pub(super) struct Race {
    /// When about as many as wanted had arrived in the last race.
    guess: f32,
    /// By candidate, in blocks: when it arrives.
    arrivals: Vec<[f32; BLOCK]>,
    /// Of those that are among the first, and maybe some more: their places, and when they arrive,
    /// in whole lanes.
    runners: Vec<u32>,
    times: Vec<[f32; LANES]>,
    /// Arrival and place in one number, where runners are sorted.
    keys: Vec<u64>,
}

impl Race {
    pub(super) fn new() -> Self {
        Self {
            guess: 1.0,
            arrivals: Vec::new(),
            runners: Vec::new(),
            times: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Appends the first to arrive, as many as wanted or as there are with a weight that is not
    /// below [`LEAST`] of the greatest.
    pub(super) fn run(
        &mut self,
        arch: Arch,
        entry: Entry<'_>,
        wanted: usize,
        slate: &mut Vec<u32>,
    ) {
        arch.dispatch(Vectorised { race: self, entry, wanted, slate });
    }
}

/// Who races, and the chance they race by.
#[derive(Clone, Copy)]
pub(super) struct Entry<'w> {
    pub(super) weights: &'w [f64],
    pub(super) stream: Stream,
}

/// A race that is compiled once for each kind of processor, with the vectors that it has.
struct Vectorised<'r> {
    race: &'r mut Race,
    entry: Entry<'r>,
    wanted: usize,
    slate: &'r mut Vec<u32>,
}

impl NullaryFnOnce for Vectorised<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.race.run_here(self.entry, self.wanted, self.slate);
    }
}

impl Race {
    #[inline(always)]
    fn run_here(&mut self, entry: Entry<'_>, wanted: usize, slate: &mut Vec<u32>) {
        self.draw(entry);
        let racing = arrived(&self.arrivals, NEVER);
        let wanted = wanted.min(racing);
        if wanted == 0 {
            return;
        }
        self.gather(wanted, racing);
        if self.runners.len() > COMPARED || !self.compare(wanted, slate) {
            self.sort(wanted, slate);
        }
    }

    /// Draws when everybody arrives. Nobody without a weight ever does.
    #[inline(always)]
    fn draw(&mut self, entry: Entry<'_>) {
        let scale = scale(entry.weights);
        self.arrivals.resize(entry.weights.len().div_ceil(BLOCK), [0.0; BLOCK]);
        let (whole, rest) = entry.weights.as_chunks::<BLOCK>();
        let mut last = [0.0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        let weights = whole.iter().chain(std::iter::once(&last));
        for (block, (arrivals, weights)) in (0..).zip(self.arrivals.iter_mut().zip(weights)) {
            let words = random_words(entry.stream, block);
            for ((arrival, word), weight) in arrivals.iter_mut().zip(words).zip(weights) {
                *arrival = exponential(word) / scaled(*weight, scale);
            }
        }
    }

    /// A time by which as many as wanted have arrived, and not many more; and how many have.
    #[inline(always)]
    fn time(&mut self, wanted: usize, racing: usize) -> (f32, usize) {
        if 2 * wanted >= racing {
            return (NEVER, racing);
        }
        // What is found depends on the guess, but who is first does not.
        let spread = wanted.isqrt() + 1;
        let (aim, most) = ((wanted + 3 * spread / 2) as f32, wanted + 3 * spread);
        let (mut early, mut late) = (0.0, f32::INFINITY);
        let mut time = self.guess;
        for trial in 0.. {
            let count = arrived(&self.arrivals, time);
            // Between numbers next to each other there is no better time.
            let enough = if count < wanted {
                early = time;
                false
            } else {
                late = time;
                count <= most || early.next_up() >= late
            };
            if enough {
                self.guess = time;
                return (time, count);
            }
            let ratio = aim / (count as f32).max(0.5);
            time *= if ratio > 1.0 { ratio * ratio } else { ratio };
            if early.next_up() >= late {
                time = late;
            } else if trial >= TRIALS || time <= early || time >= late {
                time = f32::from_bits(early.to_bits().midpoint(late.to_bits()));
            }
        }
        (NEVER, racing)
    }

    /// Gathers those who are among the first, and maybe some more.
    #[inline(always)]
    fn gather(&mut self, wanted: usize, racing: usize) {
        let (time, count) = self.time(wanted, racing);
        // Eight places are written at a time, of which the next eight take back what is too many.
        self.runners.resize(count + 8, 0);
        let mut next = 0;
        for (first, arrivals) in (0..).step_by(BLOCK).zip(&self.arrivals) {
            for (eight, set) in (first..).step_by(8).zip(places_by(arrivals, time).to_le_bytes()) {
                if let Some(runners) = self.runners.get_mut(next..next + 8) {
                    for (runner, bit) in runners.iter_mut().zip(PLACES[usize::from(set)]) {
                        *runner = eight + u32::from(bit);
                    }
                }
                next += set.count_ones() as usize;
            }
        }
        self.runners.truncate(count);
        self.times.clear();
        self.times.resize(count.div_ceil(LANES), [NEVER; LANES]);
        let arrivals = self.arrivals.as_flattened();
        for (time, &runner) in self.times.as_flattened_mut().iter_mut().zip(&self.runners) {
            *time = arrivals[runner as usize];
        }
    }

    /// Appends the first of the runners, each at the rank that is the number of those before it; or
    /// nothing, where two arrive at once.
    #[inline(always)]
    fn compare(&self, wanted: usize, slate: &mut Vec<u32>) -> bool {
        let count = self.runners.len();
        let mut order = [0; COMPARED + 1];
        let mut sum = 0;
        let rivals = &self.times.as_flattened()[..count];
        for (times, runners) in self.times.iter().zip(self.runners.chunks(LANES)) {
            let mut ranks = [0; LANES];
            for rival in rivals {
                for (rank, time) in ranks.iter_mut().zip(times) {
                    *rank += u32::from(rival < time);
                }
            }
            for (rank, runner) in ranks.iter().zip(runners) {
                sum += *rank as usize;
                order[*rank as usize % (COMPARED + 1)] = *runner;
            }
        }
        // Ranks are 0, 1, 2, ... only if no two are the same.
        let all_differ = sum == count * (count - 1) / 2;
        if all_differ {
            slate.extend_from_slice(&order[..wanted]);
        }
        all_differ
    }

    /// Appends the first of the runners in the order of their arrivals, and of their places where
    /// two arrive at once.
    fn sort(&mut self, wanted: usize, slate: &mut Vec<u32>) {
        let times = self.times.as_flattened();
        let key = |(&runner, time): (&u32, &f32)| {
            // The bits of positive numbers are in their order.
            u64::from(time.to_bits()) << 32 | u64::from(runner)
        };
        self.keys.clear();
        self.keys.extend(self.runners.iter().zip(times).map(key));
        if wanted < self.keys.len() {
            self.keys.select_nth_unstable(wanted);
        }
        let first = &mut self.keys[..wanted];
        first.sort_unstable();
        slate.extend(first.iter().map(|key| *key as u32));
    }
}

/// Guesses at a time before it is found by halving.
const TRIALS: u32 = 6;

/// A power of two that brings the greatest weight to between 1 and 2, or near it. Any other scale
/// would round the weights.
#[inline(always)]
fn scale(weights: &[f64]) -> f64 {
    // The bits of numbers that are not negative are in their order.
    let greatest = weights.iter().fold(0, |most, weight| weight.to_bits().max(most));
    let exponent = greatest >> 52;
    f64::from_bits(2046_u64.saturating_sub(exponent).max(1) << 52)
}

/// A weight in single precision, or 0 where it is too small for it.
#[inline(always)]
fn scaled(weight: f64, scale: f64) -> f32 {
    let weight = (weight * scale) as f32;
    if weight >= LEAST { weight } else { 0.0 }
}

/// The random words of a block of candidates: word `k` of the stream is candidate `k`'s.
#[inline(always)]
fn random_words(stream: Stream, block: usize) -> [u32; BLOCK] {
    let mut words = [[0; 4]; COUNTERS];
    for (counter, words) in words.iter_mut().enumerate() {
        *words = stream.words((block * COUNTERS + counter) as u32);
    }
    bytemuck::cast(words)
}

/// The number in (0, 1) that the upper 31 bits of a word stand for; processors convert those, but
/// not all convert 32.
#[inline(always)]
fn fraction(word: u32) -> f32 {
    ((word >> 1) as i32 as f32 + 0.5) * UNIT
}

/// An exponential random number with mean 1: `-ln(1 - v)` for the `v` of a word, wrong by at most
/// 2e-7 of its value. Only additions, multiplications and choices, each rounded as IEEE 754 says,
/// so the bits are the same on any machine.
#[inline(always)]
fn exponential(word: u32) -> f32 {
    /// `ln(1 + r) = r - r^2/2 + r^3 P(r)` for r from `sqrt(1/2) - 1` to `sqrt(2) - 1`: least
    /// greatest relative error, 6e-9, by reweighted least squares.
    const P: [f32; 8] = [
        0.333_333_31,
        -0.250_008_2,
        0.200_012_27,
        -0.166_233_57,
        0.142_017_57,
        -0.131_601_84,
        0.127_615_79,
        -0.076_345_004,
    ];
    /// `ln 2` in two parts, of which the first has so few digits that its products are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -0.000_212_194_44];
    const SQRT_HALF: i32 = 0x3F35_04F3;
    let left = fraction(!word);
    let exponent = (left.to_bits() as i32 - SQRT_HALF) >> 23;
    let mantissa = f32::from_bits((left.to_bits() as i32 - (exponent << 23)) as u32);
    // Close to 1 the difference from 1 is known better than the number.
    let r = if exponent == 0 { -fraction(word) } else { mantissa - 1.0 };
    // Terms in pairs and pairs of pairs: fewer steps that wait for each other.
    let [p0, p1, p2, p3] = [0, 2, 4, 6].map(|at| P[at] + P[at + 1] * r);
    let square = r * r;
    let p = (p0 + p1 * square) + (p2 + p3 * square) * (square * square);
    let small = square * (r * p - 0.5);
    let powers = -exponent as f32;
    powers * LN_2[0] - ((small - powers * LN_2[1]) + r)
}

/// How many have arrived by a time.
#[inline(always)]
fn arrived<const N: usize>(arrivals: &[[f32; N]], time: f32) -> usize {
    let arrivals = arrivals.as_flattened().iter();
    arrivals.map(|arrival| u32::from(*arrival <= time)).sum::<u32>() as usize
}

/// By bit, who of a block may arrive by a time.
#[inline(always)]
fn places_by(earliest: &[f32; BLOCK], time: f32) -> u32 {
    let mut set = 0;
    for (place, earliest) in earliest.iter().enumerate() {
        set |= u32::from(*earliest <= time) << place;
    }
    set
}

/// By byte, the places of its bits, the lowest first.
const PLACES: [[u8; 8]; 256] = {
    let mut places = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut next) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                places[byte][next] = bit;
                next += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    places
};
