//! The race behind a slate: who arrives first, with the vectors of the processor at hand. It knows
//! weights and random words, not what is raced for.

use pulp::{Arch, Simd, WithSimd};

use crate::base::philox::Stream;

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
    /// By candidate, in blocks: its random word, and a time before which it does not arrive.
    words: Vec<[u32; BLOCK]>,
    earliest: Vec<[f32; BLOCK]>,
    /// By block and bit, who may arrive in time.
    sets: Vec<u32>,
    runners: Runners,
    /// Arrival and place in one number, where runners are sorted.
    keys: Vec<u64>,
}

/// Those who may be among the first: their places, and the rest in whole lanes.
#[derive(Clone, Debug, Default)]
struct Runners {
    places: Vec<u32>,
    words: Vec<[u32; LANES]>,
    weights: Vec<[f32; LANES]>,
    arrivals: Vec<[f32; LANES]>,
}

impl Race {
    pub(super) fn new() -> Self {
        Self {
            guess: 1.0,
            words: Vec::new(),
            earliest: Vec::new(),
            sets: Vec::new(),
            runners: Runners::default(),
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

impl WithSimd for Vectorised<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.race.run_with(simd, self.entry, self.wanted, self.slate);
    }
}

impl Race {
    #[inline(always)]
    fn run_with<S: Simd>(
        &mut self,
        simd: S,
        entry: Entry<'_>,
        wanted: usize,
        slate: &mut Vec<u32>,
    ) {
        let scale = scale(entry.weights);
        self.draw(entry, scale);
        let racing = arrived(&self.earliest, NEVER);
        let wanted = wanted.min(racing);
        if wanted == 0 {
            return;
        }
        let mut start = Start { early: 0.0, fewest: wanted };
        loop {
            let (time, count) = self.time(start, racing);
            self.gather(entry.weights, scale, time, count);
            self.runners.arrive();
            // Who is not among the runners arrives later than that.
            let arrived = arrived(&self.runners.arrivals, time);
            if arrived >= wanted {
                break;
            }
            start = Start { early: time, fewest: count + wanted - arrived };
        }
        if self.runners.places.len() > COMPARED || !self.runners.compare(simd, wanted, slate) {
            self.sort(wanted, slate);
        }
    }

    /// Draws everybody's random word, and a time before which nobody arrives.
    #[inline(always)]
    fn draw(&mut self, entry: Entry<'_>, scale: f64) {
        let blocks = entry.weights.len().div_ceil(BLOCK);
        self.words.resize(blocks, [0; BLOCK]);
        self.earliest.resize(blocks, [0.0; BLOCK]);
        let (whole, rest) = entry.weights.as_chunks::<BLOCK>();
        let mut last = [0.0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        let weights = whole.iter().chain(std::iter::once(&last));
        let columns = self.words.iter_mut().zip(&mut self.earliest).zip(weights);
        for (block, ((words, earliest), weights)) in (0..).zip(columns) {
            *words = random_words(entry.stream, block);
            for ((earliest, word), weight) in earliest.iter_mut().zip(words).zip(weights) {
                *earliest = no_earlier(*word, scaled(*weight, scale));
            }
        }
    }

    /// A time by which as many may have arrived as are asked for, and not many more; and how many
    /// may have. Which one it is depends on the guess, but who is first does not.
    #[inline(always)]
    fn time(&mut self, start: Start, racing: usize) -> (f32, usize) {
        let Start { mut early, fewest } = start;
        if racing <= FEW || 2 * fewest >= racing {
            return (NEVER, racing);
        }
        let spread = fewest.isqrt() + 1;
        let (aim, most) = ((fewest + SPREADS * spread / 2) as f32, fewest + SPREADS * spread);
        let mut late = f32::INFINITY;
        let mut time = self.guess.max(early);
        for trial in 0.. {
            let count = arrived(&self.earliest, time);
            if count < fewest {
                early = time;
            } else if count <= most || early.next_up() >= late {
                self.guess = time;
                return (time, count);
            } else {
                late = time;
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

    /// Gathers those who may arrive by a time, of whom there are so many.
    #[inline(always)]
    fn gather(&mut self, weights: &[f64], scale: f64, time: f32, count: usize) {
        self.sets.clear();
        self.sets.extend(self.earliest.iter().map(|earliest| places_by(earliest, time)));
        let Runners { places, words, weights: of_runners, arrivals } = &mut self.runners;
        // Eight places are written at a time, of which the next eight take back what is too many.
        places.resize(count + 8, 0);
        let mut next = 0;
        for (&set, first) in self.sets.iter().zip((0..).step_by(BLOCK)) {
            for (set, first) in set.to_le_bytes().iter().zip((first..).step_by(8)) {
                if let Some(places) = places.get_mut(next..next + 8) {
                    for (place, bit) in places.iter_mut().zip(&PLACES[usize::from(*set)]) {
                        *place = first + u32::from(*bit);
                    }
                }
                next += set.count_ones() as usize;
            }
        }
        places.truncate(count);
        let lanes = count.div_ceil(LANES);
        words.resize(lanes, [0; LANES]);
        of_runners.resize(lanes, [0.0; LANES]);
        arrivals.resize(lanes, [0.0; LANES]);
        if let Some(last) = of_runners.last_mut() {
            *last = [0.0; LANES];
        }
        let all = self.words.as_flattened();
        let columns = words.as_flattened_mut().iter_mut().zip(of_runners.as_flattened_mut());
        for (&place, (word, weight)) in places.iter().zip(columns) {
            *word = all[place as usize];
            *weight = scaled(weights[place as usize], scale);
        }
    }

    /// Appends the first of the runners in the order of their arrivals, and of their places where
    /// two arrive at once.
    fn sort(&mut self, wanted: usize, slate: &mut Vec<u32>) {
        let arrivals = self.runners.arrivals.as_flattened();
        let key = |(&place, arrival): (&u32, &f32)| {
            // The bits of positive numbers are in their order.
            u64::from(arrival.to_bits()) << 32 | u64::from(place)
        };
        self.keys.clear();
        self.keys.extend(self.runners.places.iter().zip(arrivals).map(key));
        if wanted < self.keys.len() {
            self.keys.select_nth_unstable(wanted);
        }
        let first = &mut self.keys[..wanted];
        first.sort_unstable();
        slate.extend(first.iter().map(|key| *key as u32));
    }
}

/// Where looking for a time starts: it is later than one, and by it so many may have arrived.
#[derive(Clone, Copy)]
struct Start {
    early: f32,
    fewest: usize,
}

/// So few candidates are compared sooner than some of them are found.
const FEW: usize = 2 * LANES;

/// How many more than wanted are taken at most, in square roots of those; half of that is aimed at.
const SPREADS: usize = 4;

/// Guesses at a time before it is found by halving.
const TRIALS: u32 = 6;

impl Runners {
    /// Works out when they arrive. Nobody without a weight ever does.
    #[inline(always)]
    fn arrive(&mut self) {
        let columns = self.arrivals.iter_mut().zip(&self.words).zip(&self.weights);
        for ((arrivals, words), weights) in columns {
            for ((arrival, word), weight) in arrivals.iter_mut().zip(words).zip(weights) {
                *arrival = exponential(*word) / weight;
            }
        }
    }

    /// Appends the first of them, each at the rank that is the number of those before it; or
    /// nothing, where two arrive at once.
    #[inline(always)]
    fn compare<S: Simd>(&self, simd: S, wanted: usize, slate: &mut Vec<u32>) -> bool {
        let count = self.places.len();
        let (one, none) = (simd.splat_u32s(1), simd.splat_u32s(0));
        let mut ranks = [[0; LANES]; (COMPARED + 1) / LANES];
        let (vectors, _) = S::as_mut_simd_u32s(ranks.as_flattened_mut());
        let all = self.arrivals.as_flattened();
        let (arrivals, _) = S::as_simd_f32s(all);
        for (ranks, &arrivals) in vectors.iter_mut().zip(arrivals) {
            let mut before = none;
            for &rival in &all[..count] {
                let earlier = simd.less_than_f32s(simd.splat_f32s(rival), arrivals);
                before = simd.add_u32s(before, simd.select_u32s(earlier, one, none));
            }
            *ranks = before;
        }
        let mut order = [0; COMPARED + 1];
        let mut sum = 0;
        for (&rank, &place) in ranks.as_flattened().iter().zip(&self.places) {
            sum += rank as usize;
            order[rank as usize % (COMPARED + 1)] = place;
        }
        // Ranks are 0, 1, 2, ... only if no two are the same.
        let all_differ = sum == count * (count - 1) / 2;
        if all_differ {
            slate.extend_from_slice(&order[..wanted]);
        }
        all_differ
    }
}

/// A power of two that brings the greatest weight to between 1 and 2, or near it. Any other scale
/// would round the weights.
#[inline(always)]
fn scale(weights: &[f64]) -> f64 {
    // The bits of positive numbers are in their order; a zero may have a sign.
    let greatest = weights.iter().fold(0, |most, weight| weight.abs().to_bits().max(most));
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
    bytemuck::cast(stream.many::<COUNTERS>((block * COUNTERS) as u32))
}

/// The number in (0, 1) that the upper 31 bits of a word stand for; processors convert those, but
/// not all convert 32.
#[inline(always)]
fn fraction(word: u32) -> f32 {
    ((word >> 1) as i32 as f32 + 0.5) * UNIT
}

/// A time that the candidate does not arrive before, because `-ln(1 - v) > v`. It is shortened by
/// far more than what [`exponential`] may be wrong by.
#[inline(always)]
fn no_earlier(word: u32, weight: f32) -> f32 {
    const SHORTENED: f32 = 1.0 - 1.0 / (1 << 20) as f32;
    fraction(word) * SHORTENED / weight
}

/// An exponential random number with mean 1: `-ln(1 - v)` for the `v` of a word, wrong by at most
/// 2e-7 of its value. Only additions, multiplications and choices, each rounded as IEEE 754 says,
/// so the bits are the same on any machine.
#[inline(always)]
fn exponential(word: u32) -> f32 {
    /// `ln(1 + r) = r - r^2/2 + r^3 P(r)` for r from `sqrt(1/2) - 1` to `sqrt(2) - 1`: least
    /// greatest relative error, 6e-9, by reweighted least squares.
    const P: [f32; 8] = [
        0.333_333_3,
        -0.250_008_2,
        0.200_012_27,
        -0.166_233_57,
        0.142_017_57,
        -0.131_601_84,
        0.127_615_8,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(seed: u64, request: u32) -> Stream {
        Stream { seed, place: [request, 0, 7] }
    }

    /// Weights over four orders of magnitude, from a linear congruence; one in five is 0.
    fn weights(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99_991);
            (state >> 33) as f64 / (1_u64 << 31) as f64
        };
        (0..count).map(|_| if next() < 0.2 { 0.0 } else { 10_f64.powf(4.0 * next()) }).collect()
    }

    fn run(
        race: &mut Race,
        arch: Arch,
        weights: &[f64],
        wanted: usize,
        stream: Stream,
    ) -> Vec<u32> {
        let mut slate = Vec::new();
        race.run(arch, Entry { weights, stream }, wanted, &mut slate);
        slate
    }

    /// The race by the letter: everybody's arrival, all of them sorted.
    fn plain(weights: &[f64], wanted: usize, stream: Stream) -> Vec<u32> {
        let scale = 2_f64.powf(-weights.iter().fold(0.0_f64, |a, b| a.max(*b)).log2().floor());
        let arrival = |(place, weight): (usize, &f64)| {
            let word = stream.words(place as u32 / 4)[place % 4];
            (exponential(word) / (weight * scale) as f32, place as u32)
        };
        let mut all: Vec<(f32, u32)> = weights.iter().enumerate().map(arrival).collect();
        all.retain(|(arrival, _)| arrival.is_finite());
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all.iter().take(wanted).map(|(_, place)| *place).collect()
    }

    /// On any vectors, after any other race, for few and many of few and many: bit for bit the plain
    /// race, of which nothing but the exponential numbers is shared.
    #[test]
    fn vectors_and_shortcuts_change_nothing() {
        let mut reused = Race::new();
        let shapes = [(1, 1), (3, 2), (10, 1), (32, 4), (50, 10), (65, 64), (200, 20), (200, 200)];
        let more = [(200, 1), (1000, 50), (1000, 130), (1000, 700), (5000, 20)];
        for (seed, (count, wanted)) in (1..).zip(shapes.iter().chain(&more).copied()) {
            for request in 0..40 {
                let weights = weights(count, seed * 1000 + u64::from(request));
                let stream = stream(seed, request);
                let expected = plain(&weights, wanted, stream);
                let here = run(&mut reused, Arch::new(), &weights, wanted, stream);
                assert_eq!(here, expected, "{wanted} of {count}");
                let scalar = run(&mut Race::new(), Arch::Scalar, &weights, wanted, stream);
                assert_eq!(scalar, expected, "{wanted} of {count}");
            }
        }
    }

    /// Against the logarithm in double precision, for a million words and those at both ends.
    #[test]
    fn exponential_numbers_are_exact_to_single_precision() {
        let ends = (0..10_000).flat_map(|word| [word, !word]);
        let words = (0..1_000_000_u32).map(|at| at.wrapping_mul(4_294_919_297)).chain(ends);
        let mut worst = 0.0_f64;
        for word in words {
            let fraction = (f64::from(word >> 1) + 0.5) / 2_f64.powi(31);
            // Both ends have their digits.
            let exact = if fraction < 0.5 {
                -(-fraction).ln_1p()
            } else {
                -((f64::from(!word >> 1) + 0.5) / 2_f64.powi(31)).ln()
            };
            worst = worst.max((f64::from(exponential(word)) / exact - 1.0).abs());
            for weight in [1.0, 1.7, 1e-20] {
                assert!(no_earlier(word, weight) <= exponential(word) / weight, "{word}");
            }
        }
        assert!(worst < 2e-7, "{worst}");
    }

    /// Two who arrive at once are in the order of their places.
    #[test]
    fn arrivals_at_once_are_sorted() {
        let mut race = Race::new();
        race.runners.places = vec![3, 5, 9];
        let mut arrivals = [f32::INFINITY; LANES];
        arrivals[..3].copy_from_slice(&[2.0, 1.0, 1.0]);
        race.runners.arrivals = vec![arrivals];
        let mut slate = Vec::new();
        assert!(!race.runners.compare(pulp::Scalar::new(), 2, &mut slate));
        assert!(slate.is_empty());
        race.sort(2, &mut slate);
        assert_eq!(slate, [5, 9]);
    }
}
