//! The sums of a thousand clusters, compressed: for each cell that is not empty, which clusters
//! have something in it and how much. Storage only; where the sums come from is not known here.

use super::mass::Mass;
use crate::log::MAX_WEIGHT;

/// Clusters of a block, but for the last of a tally. A block's sums in one cell, and a block's
/// bootstrap weights in some replicates, fit in a processor's second-level cache.
pub(super) const BLOCK: usize = 1 << BLOCK_BITS;
pub(super) const BLOCK_BITS: u32 = 10;

/// Sums by cell and cluster, in the order of cells and, within a cell, of clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// The cells that are not empty, ascending, and where the entries of each end.
    pub(super) cells: Vec<u32>,
    pub(super) ends: Vec<u32>,
    /// By entry, the cluster's place in the block.
    pub(super) at: Vec<u16>,
    /// By entry, the count up to 255, or 0 for one that stands in `large`.
    pub(super) counts: Vec<u8>,
    /// Entry and count, in the order of entries, for counts above 255.
    pub(super) large: Vec<(u32, u64)>,
    /// One for each attention model.
    pub(super) masses: Vec<Masses>,
}

/// The masses of a block's entries under one attention model, in the least room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Masses {
    /// Every impression weighs 1.
    OfCounts,
    /// In units, where all fit into 64 bits.
    Narrow(Vec<u64>),
    /// In units.
    Wide(Vec<u128>),
}

/// An entry of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The cluster's place in the block.
    pub(super) at: usize,
    pub(super) count: u64,
    /// The number of the entry in its block, to ask for masses.
    number: usize,
}

impl Block {
    /// The cells that are not empty, ascending.
    pub(super) fn cells(&self) -> &[u32] {
        &self.cells
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        let masses = self.masses.iter().map(|masses| match masses {
            Masses::OfCounts => 0,
            Masses::Narrow(units) => 8 * units.capacity(),
            Masses::Wide(units) => 16 * units.capacity(),
        });
        4 * (self.cells.capacity() + self.ends.capacity())
            + 2 * self.at.capacity()
            + self.counts.capacity()
            + 16 * self.large.capacity()
            + masses.sum::<usize>()
    }

    /// The entries of a cell, in the order of clusters.
    pub(super) fn column(&self, cell: u32) -> impl Iterator<Item = Entry> {
        let at = self.cells.binary_search(&cell).ok();
        self.entries(at.map_or(0..0, |at| self.range(at)))
    }

    /// Every cell that is not empty, with its entries.
    pub(super) fn columns(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = Entry>)> {
        let column = |(at, &cell)| (cell, self.entries(self.range(at)));
        self.cells.iter().enumerate().map(column)
    }

    /// The entries of the clusters from `first` up to `end`, by cell.
    pub(super) fn columns_between(
        &self,
        first: usize,
        end: usize,
    ) -> impl Iterator<Item = (u32, impl Iterator<Item = Entry>)> {
        let column =
            move |(at, &cell)| (cell, self.entries(self.between(self.range(at), &(first..end))));
        self.cells.iter().enumerate().map(column)
    }

    /// The entries of a cell of the clusters of a range.
    pub(super) fn column_between(
        &self,
        cell: u32,
        clusters: std::ops::Range<usize>,
    ) -> impl Iterator<Item = Entry> {
        let range = self.cells.binary_search(&cell).map_or(0..0, |at| self.range(at));
        self.entries(self.between(range, &clusters))
    }

    /// Of the entries of a cell, those of the clusters of a range.
    fn between(
        &self,
        range: std::ops::Range<usize>,
        clusters: &std::ops::Range<usize>,
    ) -> std::ops::Range<usize> {
        let at = &self.at[range.clone()];
        let below = |end: usize| range.start + at.partition_point(|&its| usize::from(its) < end);
        below(clusters.start)..below(clusters.end)
    }

    /// An entry's mass under an attention model, by its number.
    pub(super) fn mass(&self, entry: Entry, attention: usize) -> Mass {
        match &self.masses[attention] {
            Masses::OfCounts => Mass::of_count(entry.count),
            Masses::Narrow(units) => Mass::from_units(units[entry.number].into()),
            Masses::Wide(units) => Mass::from_units(units[entry.number]),
        }
    }

    /// Whether mass is the count in every entry.
    pub(super) fn is_of_counts(&self, attention: usize) -> bool {
        self.masses[attention] == Masses::OfCounts
    }

    /// Whether the block is one that a [`BlockWriter`] could have made for this many clusters,
    /// cells and attention models; one that was read from outside may not be.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(
        &self,
        clusters: usize,
        cells: usize,
        attentions: usize,
    ) -> Result<(), &'static str> {
        fn ascend<T: Ord>(values: &[T]) -> bool {
            values.windows(2).all(|pair| pair[0] < pair[1])
        }
        let must = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        must(ascend(&self.cells), "the cells are not in ascending order")?;
        must(
            self.cells.last().is_none_or(|&last| (last as usize) < cells),
            "a cell is not one of the axes'",
        )?;
        must(self.ends.len() == self.cells.len(), "cells and ends differ in number")?;
        must(
            self.ends.first() != Some(&0) && ascend(&self.ends),
            "a cell is there that has no entries",
        )?;
        let end = self.ends.last().map_or(0, |&end| end as usize);
        must(end == self.at.len(), "the last cell does not end with the last entry")?;
        let columns = || (0..self.cells.len()).map(|at| &self.at[self.range(at)]);
        must(columns().all(ascend), "the clusters of a cell are not in ascending order")?;
        let inside = |column: &[u16]| column.last().is_none_or(|&at| usize::from(at) < clusters);
        must(columns().all(inside), "a cluster is not one of the block's")?;
        must(self.counts.len() == self.at.len(), "clusters and counts differ in number")?;
        let mut zeros = (0_u32..).zip(&self.counts).filter(|(_, count)| **count == 0);
        let large = self.large.iter().all(|&(entry, count)| {
            count > u8::MAX.into() && zeros.next().is_some_and(|(zero, _)| zero == entry)
        });
        must(large && zeros.next().is_none(), "a count is 0, or a large one not above 255")?;
        must(self.masses.len() == attentions, "not one column of masses for each attention model")?;
        must(
            self.masses.iter().all(|masses| self.can_weigh(masses)),
            "a mass is larger than its count allows",
        )
    }

    /// Whether there is a mass for each entry, and none that its impressions cannot have. So
    /// masses can be added as long as counts can.
    fn can_weigh(&self, masses: &Masses) -> bool {
        let most = Mass::of(MAX_WEIGHT);
        let mut most = self.entries(0..self.len()).map(|entry| most.by(entry.count).units());
        let mut most = |units: u128| most.next().is_some_and(|most| units <= most);
        match masses {
            Masses::OfCounts => true,
            Masses::Narrow(units) => {
                units.len() == self.len() && units.iter().all(|&units| most(units.into()))
            }
            Masses::Wide(units) => units.len() == self.len() && units.iter().all(|&u| most(u)),
        }
    }

    /// The block with its masses in the least room, as a [`BlockWriter`] leaves them.
    pub(super) fn in_least_room(mut self) -> Self {
        let masses = std::mem::take(&mut self.masses);
        let narrower = masses.into_iter().map(|masses| match masses {
            Masses::OfCounts => masses,
            Masses::Narrow(units) => {
                let counts = self.entries(0..self.len()).map(|e| Mass::of_count(e.count).units());
                if counts.eq(units.iter().map(|&units| u128::from(units))) {
                    return Masses::OfCounts;
                }
                Masses::Narrow(units)
            }
            Masses::Wide(units) => {
                narrowest(Some(units.into_iter().map(Mass::from_units).collect()), &self)
            }
        });
        let narrower = narrower.collect();
        Self { masses: narrower, ..self }
    }

    fn range(&self, at: usize) -> std::ops::Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        start..self.ends[at] as usize
    }

    fn entries(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Entry> {
        let before = self.large.partition_point(|&(entry, _)| (entry as usize) < range.start);
        let mut large = self.large[before..].iter();
        let columns = self.at[range.clone()].iter().zip(&self.counts[range.clone()]);
        range.zip(columns).map(move |(number, (&at, &count))| {
            let count = match count {
                0 => large.next().map_or(0, |&(_, count)| count),
                small => small.into(),
            };
            Entry { at: at.into(), count, number }
        })
    }
}

/// Makes a block from its entries, which must come in the order of cells and clusters.
pub(super) struct BlockWriter {
    block: Block,
    /// By attention model, the masses so far; `None` where they are known to be counts.
    masses: Vec<Option<Vec<Mass>>>,
}

impl BlockWriter {
    /// A writer for the given attention models, which says of each whether it weighs every
    /// impression 1.
    pub(super) fn new(of_counts: impl Iterator<Item = bool>) -> Self {
        let masses = of_counts.map(|of_counts| (!of_counts).then(Vec::new)).collect();
        Self { block: Block::default(), masses }
    }

    /// Adds a cluster's sums to the cell being written, the mass under each attention model in
    /// turn. A count of 0 is not an entry.
    pub(super) fn entry(&mut self, at: u16, count: u64, mut mass: impl FnMut(usize) -> Mass) {
        if count == 0 {
            return;
        }
        self.count(at, count);
        for (attention, masses) in self.masses.iter_mut().enumerate() {
            if let Some(masses) = masses {
                masses.push(mass(attention));
            }
        }
    }

    /// Adds the counts of all clusters of a block to the cell being written, where every
    /// attention model weighs each impression 1.
    pub(super) fn counts(&mut self, counts: &[u32]) {
        debug_assert!(self.masses.iter().all(Option::is_none));
        let mut at = [0_u16; BLOCK];
        let mut small = [0_u8; BLOCK];
        let mut filled = 0;
        let mut most = 0;
        // Without a branch in the loop: which cells are empty cannot be foretold.
        for (cluster, &count) in (0..BLOCK as u16).zip(counts) {
            at[filled] = cluster;
            small[filled] = if count > 255 { 0 } else { count as u8 };
            most = most.max(count);
            filled += usize::from(count != 0);
        }
        if most > 255 {
            let first = self.block.at.len() as u32;
            let large = |(entry, cluster): (u32, &u16)| {
                let count = counts[usize::from(*cluster)];
                (count > 255).then(|| (first + entry, count.into()))
            };
            self.block.large.extend((0..).zip(&at[..filled]).filter_map(large));
        }
        self.block.at.extend_from_slice(&at[..filled]);
        self.block.counts.extend_from_slice(&small[..filled]);
    }

    fn count(&mut self, at: u16, count: u64) {
        let small = u8::try_from(count).unwrap_or(0);
        if small == 0 {
            self.block.large.push((self.block.at.len() as u32, count));
        }
        self.block.at.push(at);
        self.block.counts.push(small);
    }

    /// Ends the cell being written.
    pub(super) fn end(&mut self, cell: u32) {
        let end = self.block.at.len() as u32;
        if self.block.ends.last().copied().unwrap_or(0) < end {
            self.block.cells.push(cell);
            self.block.ends.push(end);
        }
    }

    /// The block.
    pub(super) fn finish(self) -> Block {
        let mut block = self.block;
        block.masses = self.masses.into_iter().map(|masses| narrowest(masses, &block)).collect();
        // Copies of the right size: vectors that shrink in place leave holes which the next block,
        // growing as this one did, cannot use.
        block.cells = block.cells.as_slice().to_vec();
        block.ends = block.ends.as_slice().to_vec();
        block.at = block.at.as_slice().to_vec();
        block.counts = block.counts.as_slice().to_vec();
        block
    }
}

fn narrowest(masses: Option<Vec<Mass>>, block: &Block) -> Masses {
    let Some(masses) = masses else {
        return Masses::OfCounts;
    };
    let counts = block.entries(0..block.at.len()).map(|entry| Mass::of_count(entry.count));
    if counts.eq(masses.iter().copied()) {
        return Masses::OfCounts;
    }
    let narrow = masses.iter().map(|mass| u64::try_from(mass.units()).ok());
    match narrow.collect() {
        Some(units) => Masses::Narrow(units),
        None => Masses::Wide(masses.into_iter().map(Mass::units).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_whatever_their_size() {
        let written = [(0_u16, 1_u64), (7, 255), (8, 256), (1023, 1 << 40)];
        let mut writer = BlockWriter::new([false, true, false].into_iter());
        for (at, count) in written {
            let mass = |attention| match attention {
                0 => Mass::of(0.5),
                1 => unreachable!("known to be counts"),
                _ => Mass::of_count(count),
            };
            writer.entry(at, count, mass);
        }
        writer.end(3);
        writer.end(4);
        writer.entry(2, 300, |_| Mass::from_units(1 << 100));
        writer.end(5);
        let block = writer.finish();
        assert_eq!(block.cells(), [3, 5]);
        let read: Vec<_> = block.column(3).map(|e| (e.at as u16, e.count)).collect();
        assert_eq!(read, written);
        assert!(block.column(3).all(|e| block.mass(e, 0) == Mass::of(0.5)));
        assert!(block.column(3).all(|e| block.mass(e, 2) == Mass::of_count(e.count)));
        assert_eq!(block.column(4).count(), 0);
        let last = block.column(5).next().unwrap();
        assert_eq!((last.at, last.count, block.mass(last, 1)), (2, 300, Mass::of_count(300)));
        assert_eq!(block.mass(last, 0), Mass::from_units(1 << 100));
        let between: Vec<_> =
            block.columns_between(7, 9).map(|(c, e)| (c, e.map(|e| e.count).sum())).collect();
        assert_eq!(between, [(3, 511_u64), (5, 0)]);
    }

    #[test]
    fn a_column_of_counts_is_the_same_as_its_entries() {
        let counts: Vec<u32> = (0..BLOCK as u32).map(|i| (i % 3) * (i % 7) * i).collect();
        let mut whole = BlockWriter::new(std::iter::once(true));
        whole.counts(&counts);
        whole.end(0);
        let mut one_by_one = BlockWriter::new(std::iter::once(true));
        for (at, &count) in (0..).zip(&counts) {
            one_by_one.entry(at, count.into(), |_| Mass::ZERO);
        }
        one_by_one.end(0);
        assert_eq!(whole.finish(), one_by_one.finish());
    }
}
