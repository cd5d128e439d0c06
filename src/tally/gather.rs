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
}

impl Gather {
    pub(super) fn new(of_counts: Vec<bool>) -> Self {
        Self { places: Vec::new(), counts: Vec::new(), masses: Vec::new(), of_counts }
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
        self.places.push((u64::from(cell) << 16 | u64::from(at), place));
        self.counts.push(count);
        for (attention, _) in self.of_counts.iter().enumerate().filter(|(_, counts)| !**counts) {
            self.masses.push(mass(attention));
        }
    }

    /// The block of what was added; nothing is left.
    pub(super) fn block(&mut self) -> Block {
        self.places.sort_unstable();
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
        writer.finish()
    }
}
