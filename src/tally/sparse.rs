//! Counting by sorting, where clusters are so many or slots so many that a table of both would be
//! nearly empty: a cluster with a few impressions costs what they cost.

use super::Squares;
use super::block::{BLOCK_BITS, Block};
use super::gather::Gather;
use super::kernel::Rows;
use super::mass::Mass;
use super::slots::{SlotSum, SlotSums, Weighing};

/// A row as its cluster and slot in one number: rows sort by cluster, then by slot.
pub(super) const fn key(slot: u32, cluster: u32) -> u64 {
    (cluster as u64) << 32 | slot as u64
}

/// The blocks of the clusters up to `clusters`, from the keys of their rows and, for each attention
/// model that needs them, masses. Blocks without rows are empty.
pub(super) fn blocks(
    rows: &Rows<'_>,
    mut keys: Vec<(u64, u32)>,
    exact: &[Vec<f64>],
    clusters: usize,
) -> (Vec<Block>, SlotSums) {
    keys.sort_unstable_by_key(|&(key, _)| key);
    let mut sums = SlotSums::default();
    let mut gather = Gather::new(rows.of_counts().collect());
    let mut blocks: Vec<Block> = Vec::new();
    let count = clusters.div_ceil(1 << BLOCK_BITS);
    let of_block = |key: u64| (key >> (32 + BLOCK_BITS)) as usize;
    for block in keys.chunk_by(|a, b| of_block(a.0) == of_block(b.0)) {
        while blocks.len() < of_block(block[0].0) {
            blocks.push(gather.block());
        }
        for run in block.chunk_by(|a, b| a.0 == b.0) {
            add(rows, run, exact, &mut gather, &mut sums);
        }
        blocks.push(gather.block());
    }
    while blocks.len() < count {
        blocks.push(gather.block());
    }
    (blocks, sums)
}

/// Adds the rows of one cluster in one slot.
fn add(
    rows: &Rows<'_>,
    run: &[(u64, u32)],
    exact: &[Vec<f64>],
    gather: &mut Gather,
    sums: &mut SlotSums,
) {
    let (slot, at) = (run[0].0 as u32, (run[0].0 >> 32) as u16 & ((1 << BLOCK_BITS) - 1));
    let (slab, set) = rows.slots.split(slot);
    let mut sum = SlotSum { count: run.len() as u64, squares: Vec::new() };
    let mut wholes = Vec::new();
    let mut eaches = Vec::new();
    let mut weighed = exact.iter();
    for weighing in rows.weighings {
        let (whole, each) = match weighing {
            Weighing::One => (Mass::of_count(sum.count), rows.slots.unit_share(set).by(sum.count)),
            Weighing::Rows { .. } => {
                let exact = weighed.next().expect("one for each such model");
                let (whole, each, squares) = masses(rows, run, exact, set);
                sum.squares.push(squares);
                (whole, each)
            }
        };
        wholes.push(whole);
        eaches.push(each);
    }
    sums.add(slot, &sum);
    let first = rows.slots.first_cell(slab);
    let topics = rows.slots.topics(set);
    for topic in topics {
        gather.add(first + topic, at, sum.count, |attention| eaches[attention]);
    }
    let all = first + rows.slots.axes.topics().len() as u32;
    gather.add(all, at, sum.count, |attention| wholes[attention]);
    if !topics.is_empty() {
        gather.add(all + 1, at, sum.count, |attention| wholes[attention]);
    }
}

/// The sums of rows' masses as a whole and as each topic's, and of their squares.
fn masses(
    rows: &Rows<'_>,
    run: &[(u64, u32)],
    exact: &[f64],
    set: usize,
) -> (Mass, Mass, [Squares; 2]) {
    let mut sums = (Mass::ZERO, Mass::ZERO, <[Squares; 2]>::default());
    for &(_, row) in run {
        let exact = exact[row as usize];
        let whole = Mass::of(exact);
        let share = rows.slots.share(exact, set);
        sums.0 += whole;
        sums.1 += share;
        sums.2[0] += Squares { own: whole.times(whole), cross: whole.times(whole) };
        sums.2[1] += Squares { own: share.times(share), cross: share.times(whole) };
    }
    sums
}
