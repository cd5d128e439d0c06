//! What tallies take in memory, and what adding them takes beside. Counts; computes no sums.

use super::axes::Axes;
use super::block::{BLOCK, Block};
use super::mass::Mass;
use super::merge::{BLOCKS_AT_A_TIME, PLACES_PER_ENTRY};
use super::slots::Slots;
use super::{Squares, Tally, TallySpec};
use crate::log::ClusterKey;

/// Bytes that a name takes beside its text, with what its allocation takes.
const NAME: usize = size_of::<String>() + 24;

/// Bytes that it takes while names are put in order.
const ORDERED: usize = NAME + size_of::<&str>();

/// Bytes that the text of a name takes. Half as much again: names that go with a merged tally leave holes
/// between those that stay, and with 9,000 arms of 2,000 bytes a process was twice as large as what it held.
const fn text(name: &str) -> usize {
    name.len() + name.len() / 2
}

/// Bytes that a sum takes while sums are sorted by cell and cluster.
const SORTED: usize = 40;

/// Bytes that a set of topics takes while rows are counted: its topics, and its places in tables.
const SET: usize = 160;

impl Axes {
    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        let names = [self.arms(), self.strata(), self.topics()];
        let names = names.into_iter().flatten().map(|name| NAME + text(name)).sum::<usize>();
        names + size_of_val(self.windows())
    }
}

/// Cells and bytes of the axes that have all names of some.
fn together(tallies: &[&Tally]) -> (usize, usize) {
    let first = tallies[0].axes();
    if tallies[1..].iter().all(|tally| tally.axes() == first) {
        return (first.cells(), first.bytes());
    }
    let names = |of: fn(&Axes) -> &[String]| {
        let all = tallies.iter().flat_map(move |tally| of(tally.axes()));
        let mut all: Vec<&str> = all.map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        (all.len(), all.into_iter().map(|name| ORDERED + text(name)).sum::<usize>())
    };
    let mut windows: Vec<i64> = tallies.iter().flat_map(|t| t.axes().windows()).copied().collect();
    windows.sort_unstable();
    windows.dedup();
    let [arms, strata, topics] = [names(Axes::arms), names(Axes::strata), names(Axes::topics)];
    let cells = [strata.0, windows.len(), topics.0 + 2];
    let cells = cells.into_iter().fold(arms.0, usize::saturating_mul);
    (cells, arms.1 + strata.1 + topics.1 + size_of::<i64>() * windows.len())
}

impl Tally {
    /// Bytes of memory that the tally takes: its sums and keys, and what each of its cells takes, empty or
    /// not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let squares: usize = self.squares.iter().map(Vec::capacity).sum();
        self.keys.capacity() * size_of::<ClusterKey>()
            + self.blocks.iter().map(|block| size_of::<Block>() + block.bytes()).sum::<usize>()
            + squares * size_of::<Squares>()
            + self.axes.bytes()
            + self.labelled.as_ref().map_or(0, |labelled| size_of::<Self>() + labelled.bytes())
    }

    /// Bytes of memory that merging some tallies takes beside them, until they are given back: their
    /// names, keys and squares are there twice, and as many blocks as are merged at a time.
    pub(crate) fn merging_takes(tallies: &[&Self]) -> usize {
        if tallies.len() < 2 {
            return 0;
        }
        let labelled: Vec<&Self> = tallies.iter().filter_map(|tally| tally.labelled()).collect();
        let of_labelled = Self::merging_takes(&labelled);
        let models = tallies[0].spec.attentions.len();
        let (cells, names) = together(tallies);
        let numbers: usize =
            tallies.iter().map(|tally| size_of::<u32>() * tally.axes.cells()).sum();
        let keys: usize = tallies.iter().map(|tally| tally.keys.len()).sum();
        let of_blocks = |block: &Block| size_of::<Block>() + block.bytes();
        let blocks = tallies.iter().flat_map(|tally| &tally.blocks);
        let blocks: usize = blocks.map(of_blocks).sum();
        let longest = tallies.iter().map(|tally| tally.blocks.len()).max().unwrap_or(0).max(1);
        let at_a_time = blocks / longest * BLOCKS_AT_A_TIME.min(longest);
        // Keys are put in a row, and sorted with the help of half as many.
        let keys = keys * size_of::<ClusterKey>() / 2 * 3;
        let entries: usize = tallies.iter().map(|tally| tally.entries() as usize).sum();
        let adding = adding_takes(entries / longest, cells, models);
        let adding = adding * rayon::current_num_threads().min(longest);
        names
            .saturating_add(cells.saturating_mul(models * size_of::<Squares>()))
            .saturating_add(numbers + keys + at_a_time + adding)
            .saturating_add(of_labelled)
    }
}

/// Bytes that sums take while they are added for a block: in a table of all its cells where that is not
/// much larger than they are, else one by one until they are sorted.
fn adding_takes(entries: usize, cells: usize, models: usize) -> usize {
    let each = size_of::<u64>() + models * size_of::<Mass>();
    match cells.saturating_mul(BLOCK) {
        places if places <= entries.saturating_mul(PLACES_PER_ENTRY) => places * each,
        _ => entries.saturating_mul(SORTED + each),
    }
}

/// Bytes of memory that the tally of some rows of a log takes beside them, from their slots on.
pub(super) fn tallying_takes(
    slots: &Slots<'_>,
    spec: &TallySpec,
    clusters: usize,
    rows: usize,
) -> usize {
    let models = spec.attentions.len();
    let cells = slots.axes.cells().saturating_mul(models * size_of::<Squares>());
    let sets = slots.sets().saturating_mul(SET);
    let blocks = clusters.div_ceil(BLOCK).max(1);
    let keys = blocks * size_of::<Block>() + clusters * size_of::<ClusterKey>();
    // A row is an entry of its topics, of all and of tagged ones.
    let entries = rows.saturating_mul(3) / blocks;
    let adding = adding_takes(entries, slots.axes.cells(), models);
    cells.saturating_add(sets).saturating_add(keys + 2 * slots.axes.bytes()).saturating_add(adding)
}
