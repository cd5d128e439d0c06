//! Counting by sorting, where clusters are so many or slots so many that a table of both would be
//! nearly empty: a cluster with a few impressions costs what they cost.

use super::Squares;
use super::block::{BLOCK_BITS, Block};
use super::gather::Gather;
use super::mass::Mass;
use super::rows::Rows;
use super::slots::{SlotSum, SlotSums, Weighing};

/// A row as its cluster and slot in one number: rows sort by cluster, then by slot.
pub(super) const fn key(slot: u32, cluster: u32) -> u64 {
    (cluster as u64) << 32 | slot as u64
}

/// The blocks of the clusters up to `clusters`, from the keys of their rows and, for each attention
/// model that needs them, masses; last how many impressions rows stand for, where that is said. Blocks without rows are empty.
pub(super) fn blocks(
    rows: &Rows<'_>,
    mut keys: Vec<(u64, u32)>,
    exact: &[Vec<f64>],
    clusters: usize,
) -> (Vec<Block>, SlotSums) {
    keys.sort_unstable_by_key(|&(key, _)| key);
    let (exact, counts) = match (rows.counts, exact.split_last()) {
        (Some(_), Some((counts, exact))) => (exact, Some(counts.as_slice())),
        _ => (exact, None),
    };
    let mut adding = Adding {
        rows,
        exact,
        counts,
        gather: Gather::new(rows.of_counts().collect()),
        sum: SlotSum::default(),
        masses: Vec::new(),
        sums: SlotSums::default(),
    };
    let mut blocks: Vec<Block> = Vec::new();
    let count = clusters.div_ceil(1 << BLOCK_BITS);
    let of_block = |key: u64| (key >> (32 + BLOCK_BITS)) as usize;
    for block in keys.chunk_by(|a, b| of_block(a.0) == of_block(b.0)) {
        while blocks.len() < of_block(block[0].0) {
            blocks.push(adding.gather.block());
        }
        for run in block.chunk_by(|a, b| a.0 == b.0) {
            adding.add(run);
        }
        blocks.push(adding.gather.block());
    }
    while blocks.len() < count {
        blocks.push(adding.gather.block());
    }
    let mut sums = adding.sums;
    // Counts by slot: sorted by slot, each slot is looked up once.
    keys.sort_unstable_by_key(|&(key, _)| key as u32);
    for run in keys.chunk_by(|a, b| a.0 as u32 == b.0 as u32) {
        sums.count(run[0].0 as u32, impressions(run, counts));
    }
    (blocks, sums)
}

/// Clusters being added, with buffers that are used again for each.
struct Adding<'r> {
    rows: &'r Rows<'r>,
    exact: &'r [Vec<f64>],
    counts: Option<&'r [f64]>,
    gather: Gather,
    sum: SlotSum,
    /// By attention model, what impressions give as a whole and to each of their topics.
    masses: Vec<[Mass; 2]>,
    /// Squares only; counts are added at the end.
    sums: SlotSums,
}

impl Adding<'_> {
    /// Adds the rows of one cluster in one slot.
    fn add(&mut self, run: &[(u64, u32)]) {
        let slots = self.rows.slots;
        let (slot, at) = (run[0].0 as u32, (run[0].0 >> 32) as u16 & ((1 << BLOCK_BITS) - 1));
        let (slab, set) = slots.split(slot);
        let count = impressions(run, self.counts);
        self.sum.squares.clear();
        self.masses.clear();
        let mut weighed = self.exact.iter();
        for weighing in self.rows.weighings {
            self.masses.push(match weighing {
                Weighing::One => [Mass::of_count(count), slots.unit_share(set).by(count)],
                Weighing::Rows { .. } => {
                    let exact = weighed.next().expect("one for each such model");
                    let (whole, each, squares) = masses(self.rows, run, (exact, self.counts), set);
                    self.sum.squares.push(squares);
                    [whole, each]
                }
            });
        }
        if !self.sum.squares.is_empty() {
            self.sums.add_squares(slot, &self.sum);
        }
        let first = slots.first_cell(slab);
        let topics = slots.topics(set);
        let masses = &self.masses;
        for topic in topics {
            self.gather.add(first + topic, at, count, |attention| masses[attention][1]);
        }
        let all = first + slots.axes.topics().len() as u32;
        self.gather.add(all, at, count, |attention| masses[attention][0]);
        if !topics.is_empty() {
            self.gather.add(all + 1, at, count, |attention| masses[attention][0]);
        }
    }
}

/// The sums of rows' masses as a whole and as each topic's, and of their squares.
fn masses(
    rows: &Rows<'_>,
    run: &[(u64, u32)],
    (exact, counts): (&[f64], Option<&[f64]>),
    set: usize,
) -> (Mass, Mass, [Squares; 2]) {
    let mut sums = (Mass::ZERO, Mass::ZERO, <[Squares; 2]>::default());
    for &(_, row) in run {
        let exact = exact[row as usize];
        let n = counts.map_or(1, |counts| counts[row as usize] as u64);
        let whole = Mass::of(exact);
        let share = rows.slots.share(exact, set);
        sums.0 += whole.by(n);
        sums.1 += share.by(n);
        let [square, own] = [whole.times(whole).by(n), share.times(share).by(n)];
        sums.2[0] += Squares { own: square, cross: square };
        sums.2[1] += Squares { own, cross: share.times(whole).by(n) };
    }
    sums
}

/// How many impressions rows stand for.
fn impressions(run: &[(u64, u32)], counts: Option<&[f64]>) -> u64 {
    match counts {
        None => run.len() as u64,
        Some(counts) => run.iter().map(|&(_, row)| counts[row as usize] as u64).sum(),
    }
}
