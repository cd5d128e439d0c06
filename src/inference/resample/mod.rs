//! Resampling of clusters: totals of many columns under many sets of weights, from one pass over
//! the clusters. It knows columns and weights, not what either is for.
//!
//! Clusters are taken 256 at a time, so that their weights in 128 replicates stay in a processor's
//! first-level cache. Whole numbers are taken apart into bits: the clusters whose number has a
//! certain bit have their weights added up in bytes, and the sum counts as often as the bit says.
//! Such sums are exact. Other numbers are multiplied and added in single precision within those 256
//! clusters, and the sums rounded to a 2^50th of the column's total before they are added up: so all
//! totals are sums of whole numbers, and the same on any number of threads.

mod weights;

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use self::weights::MOST;
pub(super) use self::weights::{GROUP, Weights, weights as poisson_weights};
use crate::log::ClusterKey;

/// Clusters whose weights are held at a time; their places are bytes.
const PIECE: usize = 256;

/// Bits whose sums over the clusters of a piece fit into a word together.
const WORD_BITS: u32 = (u16::MAX as usize / (PIECE * MOST as usize) + 1).ilog2();

/// Weights that may be added up in a byte.
const BYTE_ROWS: usize = (u8::MAX / MOST) as usize;

/// Totals held by a thread at a time: 32 MiB of them.
const HELD: usize = 1 << 22;

/// The weights to resample with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resampling {
    pub(super) replicates: usize,
    pub(super) seed: u64,
}

/// The columns of a table of clusters.
pub(super) trait Columns: Sync {
    /// The clusters, in the order of the table.
    fn keys(&self) -> &[ClusterKey];

    /// By column, its total: what all weights of 1 give.
    fn totals(&self) -> &[f64];

    /// How many blocks of clusters there are.
    fn blocks(&self) -> usize;

    /// The clusters of a block, by their places.
    fn clusters(&self, block: usize) -> std::ops::Range<usize>;

    /// Hands over the columns of a block.
    fn read(&self, block: usize, pieces: &mut Pieces);
}

/// Totals by column and replicate.
pub(super) struct ReplicateTotals {
    replicates: usize,
    /// By column, what a unit of its totals is worth.
    units: Vec<f64>,
    totals: Vec<u64>,
}

impl ReplicateTotals {
    /// The total of a column in a replicate.
    pub(super) fn get(&self, column: usize, replicate: usize) -> f64 {
        self.totals[column * self.replicates + replicate] as f64 * self.units[column]
    }
}

/// The columns of a block of clusters, taken apart.
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    column: u32,
    /// Bits of the column being read: by piece and bit, the clusters that have it.
    bits: Vec<Vec<u8>>,
    numbers: Vec<(Vec<u8>, Vec<f32>)>,
}

/// Of some clusters: runs of clusters whose numbers in some column share a bit, and of clusters
/// with other numbers.
#[derive(Default)]
struct Piece {
    runs: Vec<Run>,
    /// By their places among those of the piece.
    clusters: Vec<u8>,
    numbers: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Run {
    column: u32,
    kind: Kind,
    /// Whether sums of the next run belong to those of this one.
    goes_on: bool,
    /// Where its clusters end; they start where those of the run before end.
    end: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Bit(u32),
    Numbers,
}

const BITS: usize = u64::BITS as usize;

impl Pieces {
    fn new() -> Self {
        Self { pieces: Vec::new(), column: 0, bits: Vec::new(), numbers: Vec::new() }
    }

    fn clear(&mut self, clusters: usize) {
        let pieces = clusters.div_ceil(PIECE);
        self.pieces.resize_with(pieces, Piece::default);
        self.bits.resize_with(pieces * BITS, Vec::new);
        self.numbers.resize_with(pieces, Default::default);
        for piece in &mut self.pieces {
            piece.runs.clear();
            piece.clusters.clear();
            piece.numbers.clear();
        }
        self.column = 0;
    }

    /// Adds a whole number of a cluster, by its place in the block, to the column being read.
    #[inline]
    pub(super) fn whole(&mut self, at: usize, mut number: u64) {
        let first = at / PIECE * BITS;
        while number != 0 {
            self.bits[first + number.trailing_zeros() as usize].push((at % PIECE) as u8);
            number &= number - 1;
        }
    }

    /// Adds any other number of a cluster to the column being read.
    pub(super) fn number(&mut self, at: usize, number: f64) {
        let (clusters, numbers) = &mut self.numbers[at / PIECE];
        clusters.push((at % PIECE) as u8);
        numbers.push(number as f32);
    }

    /// Ends the column being read.
    pub(super) fn end_column(&mut self) {
        let column = self.column;
        let bits = self.bits.chunks_exact_mut(BITS).zip(&mut self.numbers);
        for (piece, (bits, (clusters, numbers))) in self.pieces.iter_mut().zip(bits) {
            for (bit, having) in (0..).zip(bits).filter(|(_, having)| !having.is_empty()) {
                piece.clusters.append(having);
                piece.end(column, Kind::Bit(bit));
            }
            if !clusters.is_empty() {
                piece.clusters.append(clusters);
                // Numbers stand at the places of their clusters.
                piece.numbers.resize(piece.clusters.len() - numbers.len(), 0.0);
                piece.numbers.append(numbers);
                piece.end(column, Kind::Numbers);
            }
        }
        self.column += 1;
    }
}

impl Piece {
    fn end(&mut self, column: u32, kind: Kind) {
        if let (Kind::Bit(bit), Some(run)) = (kind, self.runs.last_mut())
            && let Kind::Bit(before) = run.kind
        {
            run.goes_on = run.column == column && before / WORD_BITS == bit / WORD_BITS;
        }
        let end = self.clusters.len() as u32;
        self.runs.push(Run { column, kind, goes_on: false, end });
    }
}

/// The totals of all columns in all replicates.
pub(super) fn resample(columns: &impl Columns, resampling: Resampling) -> ReplicateTotals {
    resample_on(Arch::new(), columns, resampling)
}

/// The same with the vectors of a kind of processor.
fn resample_on(arch: Arch, columns: &impl Columns, resampling: Resampling) -> ReplicateTotals {
    let groups = resampling.replicates.div_ceil(GROUP);
    let count = columns.totals().len();
    let units: Vec<f64> = columns.totals().iter().copied().map(unit).collect();
    let mut all = vec![0; count * resampling.replicates];
    let at_a_time = (HELD / GROUP / count.max(1)).clamp(1, groups);
    for first in (0..groups).step_by(at_a_time) {
        let range = first..(first + at_a_time).min(groups);
        let width = range.len() * GROUP;
        let thread = || Thread {
            pieces: Pieces::new(),
            weights: vec![Weights([0; GROUP]); PIECE],
            totals: vec![0; count * width],
        };
        let block = |mut thread: Thread, block: usize| {
            let clusters = columns.clusters(block);
            thread.pieces.clear(clusters.len());
            columns.read(block, &mut thread.pieces);
            let keys = &columns.keys()[clusters];
            let task = Task { seed: resampling.seed, groups: range.clone(), units: &units, keys };
            arch.dispatch(Vectorised { task, thread: &mut thread });
            thread
        };
        let totals = (0..columns.blocks())
            .into_par_iter()
            .fold(thread, block)
            .map(|thread| thread.totals)
            .reduce(Vec::new, added);
        for (column, totals) in totals.chunks_exact(width).enumerate() {
            let start = range.start * GROUP;
            let end = resampling.replicates.min(range.end * GROUP);
            let mine = &mut all[column * resampling.replicates..][start..end];
            mine.copy_from_slice(&totals[..end - start]);
        }
    }
    ReplicateTotals { replicates: resampling.replicates, units, totals: all }
}

/// What a unit of a column's totals is worth: so little that rounding to it does not matter, and
/// so much that eight times the total fits into 64 bits. Whole numbers stay whole.
fn unit(total: f64) -> f64 {
    const DIGITS: i32 = 50;
    match total.log2() {
        log if log.is_finite() => 2_f64.powi(log.ceil() as i32 - DIGITS).min(1.0),
        _ => 1.0,
    }
}

fn added(mut totals: Vec<u64>, more: Vec<u64>) -> Vec<u64> {
    if totals.is_empty() {
        return more;
    }
    totals.iter_mut().zip(more).for_each(|(total, more)| *total += more);
    totals
}

/// What a thread works with.
struct Thread {
    pieces: Pieces,
    weights: Vec<Weights>,
    /// By column and replicate.
    totals: Vec<u64>,
}

/// A block of clusters to add to the totals of some groups of replicates.
struct Task<'t> {
    seed: u64,
    groups: std::ops::Range<usize>,
    units: &'t [f64],
    keys: &'t [ClusterKey],
}

/// A task that is compiled once for each kind of processor, with the vectors that it has.
struct Vectorised<'t> {
    task: Task<'t>,
    thread: &'t mut Thread,
}

impl NullaryFnOnce for Vectorised<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.task.run(self.thread);
    }
}

impl Task<'_> {
    #[inline(always)]
    fn run(&self, thread: &mut Thread) {
        let width = self.groups.len() * GROUP;
        for (piece, keys) in thread.pieces.pieces.iter().zip(self.keys.chunks(PIECE)) {
            for (place, group) in self.groups.clone().enumerate() {
                for (weights, &key) in thread.weights.iter_mut().zip(keys) {
                    weights::weights(self.seed, key, group as u32, weights);
                }
                let mut start = 0;
                let mut open = Words::ZERO;
                for run in &piece.runs {
                    let range = start..run.end as usize;
                    start = range.end;
                    let column = run.column as usize;
                    let totals = &mut thread.totals[column * width + place * GROUP..];
                    let Some(totals) = totals.first_chunk_mut::<GROUP>() else {
                        continue;
                    };
                    let clusters = &piece.clusters[range.clone()];
                    match run.kind {
                        Kind::Bit(bit) => {
                            add_bits(clusters, &thread.weights, bit % WORD_BITS, &mut open);
                            if !run.goes_on {
                                // A unit is a power of two, of at most 1: its exponent says how
                                // many bits a whole one is worth.
                                let digits = 1023 - (self.units[column].to_bits() >> 52) as u32;
                                open.close(digits + bit / WORD_BITS * WORD_BITS, totals);
                            }
                        }
                        Kind::Numbers => {
                            let numbers = &piece.numbers[range];
                            let per_unit = 1.0 / self.units[column];
                            add_numbers(clusters, numbers, &thread.weights, per_unit, totals);
                        }
                    }
                }
            }
        }
    }
}

/// Words of the longest vector that there is; of bytes it holds twice as many.
const LANES: usize = 32;

/// Sums of a group of replicates in words, over some consecutive bits of a column.
struct Words([[u16; LANES]; GROUP / LANES]);

impl Words {
    const ZERO: Self = Self([[0; LANES]; GROUP / LANES]);

    /// Adds the sums, each worth `2^bit` units, to the totals, and begins anew.
    #[inline(always)]
    fn close(&mut self, bit: u32, totals: &mut [u64; GROUP]) {
        let (totals, _) = totals.as_chunks_mut::<LANES>();
        for (totals, words) in totals.iter_mut().zip(std::mem::replace(self, Self::ZERO).0) {
            for (total, word) in totals.iter_mut().zip(words) {
                *total += u64::from(word) << bit;
            }
        }
    }
}

/// Adds the clusters' weights, each worth `2^bit`.
#[inline(always)]
fn add_bits(clusters: &[u8], weights: &[Weights], bit: u32, words: &mut Words) {
    let Some(weights) = weights.first_chunk::<PIECE>() else {
        return;
    };
    // Bytes hold few weights and are added up in words, which hold those of all clusters.
    for clusters in clusters.chunks(BYTE_ROWS) {
        let mut bytes = [[0_u8; 2 * LANES]; GROUP / LANES / 2];
        for &cluster in clusters {
            let (weights, _) = weights[usize::from(cluster)].0.as_chunks::<{ 2 * LANES }>();
            for (bytes, weights) in bytes.iter_mut().zip(weights) {
                for (sum, weight) in bytes.iter_mut().zip(weights) {
                    *sum = sum.wrapping_add(*weight);
                }
            }
        }
        let bytes: [[u8; LANES]; GROUP / LANES] = bytemuck::cast(bytes);
        for (words, bytes) in words.0.iter_mut().zip(bytes) {
            for (word, byte) in words.iter_mut().zip(bytes) {
                *word += u16::from(byte) << bit;
            }
        }
    }
}

/// Adds the clusters' weights, each times the cluster's number.
#[inline(always)]
fn add_numbers(
    clusters: &[u8],
    numbers: &[f32],
    weights: &[Weights],
    per_unit: f64,
    totals: &mut [u64; GROUP],
) {
    let Some(weights) = weights.first_chunk::<PIECE>() else {
        return;
    };
    let mut sums = [0.0_f32; GROUP];
    for (&cluster, number) in clusters.iter().zip(numbers) {
        let weights = &weights[usize::from(cluster)].0;
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += number * f32::from(*weight);
        }
    }
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total += (f64::from(sum) * per_unit).round() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers up to a million, and fractions, of 1,300 clusters in two blocks.
    struct Made(Vec<ClusterKey>, Vec<[f64; 2]>, [f64; 2]);

    impl Made {
        fn new() -> Self {
            let keys = (0..1_300).map(|id| ClusterKey::of(&format!("viewer {id}"))).collect();
            let number = |id: u32| {
                let mixed = id.wrapping_mul(2_654_435_761) >> 12;
                [f64::from(mixed), if id.is_multiple_of(3) { 0.0 } else { f64::from(mixed) / 7e5 }]
            };
            let numbers: Vec<[f64; 2]> = (0..1_300).map(number).collect();
            let total = |at: usize| numbers.iter().map(|number| number[at]).sum();
            let totals = [total(0), total(1)];
            Self(keys, numbers, totals)
        }
    }

    impl Columns for Made {
        fn keys(&self) -> &[ClusterKey] {
            &self.0
        }

        fn totals(&self) -> &[f64] {
            &self.2
        }

        fn blocks(&self) -> usize {
            2
        }

        fn clusters(&self, block: usize) -> std::ops::Range<usize> {
            [0..1_000, 1_000..1_300][block].clone()
        }

        fn read(&self, block: usize, pieces: &mut Pieces) {
            let numbers = &self.1[self.clusters(block)];
            numbers.iter().enumerate().for_each(|(at, n)| pieces.whole(at, n[0] as u64));
            pieces.end_column();
            numbers.iter().enumerate().for_each(|(at, n)| pieces.number(at, n[1]));
            pieces.end_column();
        }
    }

    /// A plain loop over clusters and replicates: whole numbers to the last bit, others to a
    /// millionth.
    #[test]
    fn totals_are_weighted_sums() {
        let made = Made::new();
        let resampling = Resampling { replicates: 300, seed: 11 };
        let totals = resample(&made, resampling);
        for replicate in 0..resampling.replicates {
            let mut sums = [0.0; 2];
            for (key, numbers) in made.0.iter().zip(&made.1) {
                let mut weights = Weights([0; GROUP]);
                weights::weights(11, *key, (replicate / GROUP) as u32, &mut weights);
                let weight = f64::from(weights.0[replicate % GROUP]);
                sums[0] += weight * numbers[0];
                sums[1] += weight * numbers[1];
            }
            assert_eq!(totals.get(0, replicate), sums[0]);
            assert!((totals.get(1, replicate) / sums[1] - 1.0).abs() < 1e-6);
        }
    }

    /// With the vectors of this processor or with none, the same bits.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn vectors_change_nothing() {
        let resampling = Resampling { replicates: 500, seed: 3 };
        let with = resample(&Made::new(), resampling);
        let without = resample_on(Arch::Scalar, &Made::new(), resampling);
        assert_eq!(with.totals, without.totals);
    }
}
