//! A block from sums that come in any order, for blocks in which most cells are empty.

use super::block::{Block, BlockWriter};
use super::mass::Mass;

/// Sums of clusters in cells, in any order; a cluster may come several times for a cell.
pub(super) struct Gather {
    /// Cell and cluster in one number, so that they sort in the order of a block; and the place
    /// of the sums.
    places: Vec<(u64, u32)>,
    counts: Vec<u64>,
    /// By place, the mass under each attention model that does not weigh every impression 1.
    masses: Vec<Mass>,
    /// By attention model, whether it does.
    of_counts: Vec<bool>,
    /// Whether clusters came in order so far, and the greatest cell.
    in_order: bool,
    last: u32,
    /// Buffers of sorting.
    ends: Vec<u32>,
    sorted: Vec<(u64, u32)>,
}

impl Gather {
    pub(super) fn new(of_counts: Vec<bool>) -> Self {
        Self {
            places: Vec::new(),
            counts: Vec::new(),
            masses: Vec::new(),
            of_counts,
            in_order: true,
            last: 0,
            ends: Vec::new(),
            sorted: Vec::new(),
        }
    }

    /// Adds sums of a cluster to a cell; `mass` is asked for each attention model that does not
    /// weigh every impression 1.
    pub(super) fn add(
        &mut self,
        cell: u32,
        at: u16,
        count: u64,
        mut mass: impl FnMut(usize) -> Mass,
    ) {
        let place = self.places.len() as u32;
        self.in_order &= self.places.last().is_none_or(|before| before.0 as u16 <= at);
        self.last = self.last.max(cell);
        self.places.push((u64::from(cell) << 16 | u64::from(at), place));
        self.counts.push(count);
        for (attention, _) in self.of_counts.iter().enumerate().filter(|(_, counts)| !**counts) {
            self.masses.push(mass(attention));
        }
    }

    /// The block of what was added; nothing is left.
    pub(super) fn block(&mut self) -> Block {
        self.sort();
        let weighed = self.of_counts.iter().filter(|counts| !**counts).count();
        let mut writer = BlockWriter::new(self.of_counts.iter().copied());
        let mut masses = vec![Mass::ZERO; self.of_counts.len()];
        let mut open = None;
        for run in self.places.chunk_by(|a, b| a.0 == b.0) {
            let (cell, at) = ((run[0].0 >> 16) as u32, run[0].0 as u16);
            if let Some(before) = open.replace(cell).filter(|&before| before != cell) {
                writer.end(before);
            }
            masses.fill(Mass::ZERO);
            let mut count = 0;
            for &(_, place) in run {
                let place = place as usize;
                count += self.counts[place];
                let mut more = self.masses[place * weighed..][..weighed].iter();
                for (mass, _) in masses.iter_mut().zip(&self.of_counts).filter(|(_, c)| !**c) {
                    *mass += more.next().copied().unwrap_or_default();
                }
            }
            writer.entry(at, count, |attention| masses[attention]);
        }
        if let Some(last) = open {
            writer.end(last);
        }
        self.places.clear();
        self.counts.clear();
        self.masses.clear();
        self.in_order = true;
        self.last = 0;
        writer.finish()
    }

    /// Sorts what was added by cell and cluster. Where clusters came in order it is enough to put
    /// each in its cell.
    fn sort(&mut self) {
        if !self.in_order || self.last as usize > 4 * self.places.len() {
            self.places.sort_unstable();
            return;
        }
        self.ends.clear();
        self.ends.resize(self.last as usize + 2, 0);
        self.places.iter().for_each(|(place, _)| self.ends[(place >> 16) as usize + 1] += 1);
        for cell in 0..=self.last as usize {
            self.ends[cell + 1] += self.ends[cell];
        }
        self.sorted.clear();
        self.sorted.resize(self.places.len(), (0, 0));
        for &place in &self.places {
            let at = &mut self.ends[(place.0 >> 16) as usize];
            self.sorted[*at as usize] = place;
            *at += 1;
        }
        std::mem::swap(&mut self.places, &mut self.sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_or_not_the_block_is_the_same() {
        let sums =
            [(7_u32, 0_u16, 3_u64), (2, 1, 1), (7, 1, 2), (2, 1, 5), (0, 9, 1), (7, 300, 999)];
        let block = |sums: &mut dyn Iterator<Item = &(u32, u16, u64)>| {
            let mut gather = Gather::new(vec![true]);
            sums.for_each(|&(cell, at, count)| gather.add(cell, at, count, |_| Mass::ZERO));
            gather.block()
        };
        let ordered = block(&mut sums.iter());
        assert_eq!(ordered, block(&mut sums.iter().rev()));
        let column: Vec<_> = ordered.column(7).map(|entry| (entry.at, entry.count)).collect();
        assert_eq!(column, [(0, 3), (1, 2), (300, 999)]);
        assert_eq!(ordered.column(2).next().map(|entry| entry.count), Some(6));
    }
}
