//! Counting in a table with one place for each slot and cluster. The table is small enough for a
//! processor's cache: of all clusters where they are few, of a part of them otherwise.

use super::Squares;
use super::block::{BLOCK, BLOCK_BITS, Block, BlockWriter};
use super::mass::Mass;
use super::rows::Rows;
use super::slots::{SlotSum, SlotSums, Weighing};

/// Sums by slot and cluster. A place's number is its slot, shifted by `bits`, and its cluster.
pub(super) struct Table {
    bits: u32,
    slots: usize,
    counts: Carried<u8>,
    /// One for each attention model that does not weigh every impression 1.
    weighed: Vec<Weighed>,
}

/// Sums modulo the range of a small integer, and each overflow of them by its place: small sums
/// stay in cache, and large ones are exact all the same.
#[derive(Default)]
struct Carried<T> {
    sums: Vec<T>,
    carries: Vec<u32>,
}

struct Weighed {
    whole: Carried<u64>,
    /// What impressions give to each of their topics, where that may be less.
    each: Option<Carried<u64>>,
    squares: Vec<[Squares; 2]>,
}

impl Carried<u8> {
    #[inline]
    fn count(&mut self, place: u32) {
        let sum = &mut self.sums[place as usize];
        *sum = sum.wrapping_add(1);
        if *sum == 0 {
            self.carries.push(place);
        }
    }
}

impl Carried<u64> {
    fn add(&mut self, place: u32, units: u64) {
        let sum = &mut self.sums[place as usize];
        let (next, carried) = sum.overflowing_add(units);
        *sum = next;
        if carried {
            self.carries.push(place);
        }
    }
}

impl<T: Default + Clone> Carried<T> {
    fn new(places: usize) -> Self {
        Self { sums: vec![T::default(); places], carries: Vec::new() }
    }

    /// The carries of a run of places.
    fn carries(&self, first: usize, places: usize) -> impl Iterator<Item = usize> {
        let below = |end: usize| self.carries.partition_point(move |&its| (its as usize) < end);
        self.carries[below(first)..below(first + places)].iter().map(move |&at| at as usize - first)
    }
}

impl Table {
    /// An empty table for `2^bits` clusters.
    pub(super) fn new(rows: &Rows<'_>, bits: u32) -> Self {
        let slots = rows.slots.len();
        let places = slots << bits;
        let weighed =
            rows.weighings.iter().filter(|weighing| !weighing.is_one()).map(|_| Weighed {
                whole: Carried::new(places),
                each: rows.slots.is_fractional().then(|| Carried::new(places)),
                squares: vec![<[Squares; 2]>::default(); slots],
            });
        Self { bits, slots, counts: Carried::new(places), weighed: weighed.collect() }
    }

    /// Adds rows, given by their places and, for each attention model that needs them, masses.
    pub(super) fn add(&mut self, rows: &Rows<'_>, places: &[u32], exact: &[&[f64]]) {
        for &place in places {
            self.counts.count(place);
        }
        for (weighed, exact) in self.weighed.iter_mut().zip(exact) {
            for (&place, &exact) in places.iter().zip(*exact) {
                weighed.add(rows, place, self.bits, exact);
            }
        }
    }

    /// Ends adding.
    pub(super) fn finish(mut self) -> Self {
        self.counts.carries.sort_unstable();
        for weighed in &mut self.weighed {
            weighed.whole.carries.sort_unstable();
            weighed.each.iter_mut().for_each(|each| each.carries.sort_unstable());
        }
        self
    }

    /// Adds the table's sums by slot.
    pub(super) fn slot_sums(&self, sums: &mut SlotSums) {
        for slot in 0..self.slots {
            let (first, places) = (slot << self.bits, 1 << self.bits);
            let counts = &self.counts.sums[first..first + places];
            let low: u64 = counts.iter().map(|&count| u64::from(count)).sum();
            let carried = self.counts.carries(first, places).count() as u64;
            let squares = self.weighed.iter().map(|weighed| weighed.squares[slot]).collect();
            sums.add(slot as u32, &SlotSum { count: low + (carried << 8), squares });
        }
    }

    /// Adds the counts of a slot in a block of the table to those of its clusters.
    fn add_counts(&self, slot: usize, block: usize, counts: &mut [u32]) {
        let first = (slot << self.bits) + (block << BLOCK_BITS);
        for (count, &more) in counts.iter_mut().zip(&self.counts.sums[first..]) {
            *count += u32::from(more);
        }
        if !self.counts.carries.is_empty() {
            self.counts.carries(first, counts.len()).for_each(|at| counts[at] += 256);
        }
    }
}

impl Weighed {
    fn add(&mut self, rows: &Rows<'_>, place: u32, bits: u32, exact: f64) {
        let slot = place >> bits;
        let whole = Mass::of(exact);
        // A mass is at most 2^23 impressions: 2^63 units.
        self.whole.add(place, whole.units() as u64);
        let mut share = whole;
        if let Some(each) = &mut self.each {
            share = rows.slots.share(exact, rows.slots.split(slot).1);
            each.add(place, share.units() as u64);
        }
        let [of_whole, of_each] = &mut self.squares[slot as usize];
        *of_whole += Squares { own: whole.times(whole), cross: whole.times(whole) };
        *of_each += Squares { own: share.times(share), cross: share.times(whole) };
    }

    /// Adds the masses of a slot in a block to those of its clusters, in units.
    fn add_units(&self, first: usize, as_topic: bool, units: &mut [u128]) {
        let sums = match &self.each {
            Some(each) if as_topic => each,
            _ => &self.whole,
        };
        for (sum, &more) in units.iter_mut().zip(&sums.sums[first..]) {
            *sum += u128::from(more);
        }
        sums.carries(first, units.len()).for_each(|at| units[at] += 1 << 64);
    }
}

/// The sums of a block's clusters in one cell, while they are being added up.
struct Column<'t> {
    rows: &'t Rows<'t>,
    tables: &'t [Table],
    block: usize,
    counts: Vec<u32>,
    of_set: Vec<u32>,
    /// By attention model.
    units: Vec<Vec<u128>>,
}

/// A block of the clusters that tables of equal size have sums for.
pub(super) fn block(rows: &Rows<'_>, tables: &[Table], block: usize, clusters: usize) -> Block {
    debug_assert!(clusters <= BLOCK);
    let all_of_counts = rows.of_counts().all(|of_counts| of_counts);
    let models = if all_of_counts { 0 } else { rows.weighings.len() };
    let mut column = Column {
        rows,
        tables,
        block,
        counts: vec![0; clusters],
        of_set: vec![0; clusters],
        units: vec![vec![0; clusters]; models],
    };
    let slots = rows.slots;
    let mut writer = BlockWriter::new(rows.of_counts());
    for slab in 0..slots.axes.slab_count() {
        let first = slots.first_cell(slab as u32);
        let topics = slots.axes.topics().len();
        for topic in 0..topics {
            column.clear();
            slots.sets_with(topic).iter().for_each(|&set| column.add(slab, set, true));
            column.write(&mut writer, first + topic as u32);
        }
        // All impressions are the tagged ones and the others, but come before the tagged ones.
        column.clear();
        let sets = 0..slots.sets() as u32;
        sets.clone().for_each(|set| column.add(slab, set, false));
        column.write(&mut writer, first + topics as u32);
        column.clear();
        let tagged = sets.filter(|&set| !slots.topics(set as usize).is_empty());
        tagged.for_each(|set| column.add(slab, set, false));
        column.write(&mut writer, first + topics as u32 + 1);
    }
    writer.finish()
}

impl Column<'_> {
    fn clear(&mut self) {
        self.counts.fill(0);
        self.units.iter_mut().for_each(|units| units.fill(0));
    }

    /// Adds the sums of one label set's slot, as what its impressions give to a topic or whole.
    fn add(&mut self, slab: usize, set: u32, as_topic: bool) {
        let slot = self.rows.slots.slot(slab, set);
        if self.units.is_empty() {
            self.tables.iter().for_each(|t| t.add_counts(slot, self.block, &mut self.counts));
            return;
        }
        self.of_set.fill(0);
        for table in self.tables {
            table.add_counts(slot, self.block, &mut self.of_set);
        }
        for (count, &more) in self.counts.iter_mut().zip(&self.of_set) {
            *count += more;
        }
        let share =
            if as_topic { self.rows.slots.unit_share(set as usize) } else { Mass::of_count(1) };
        let mut number = 0;
        for (units, weighing) in self.units.iter_mut().zip(self.rows.weighings) {
            match weighing {
                Weighing::One => {
                    for (units, &count) in units.iter_mut().zip(&self.of_set) {
                        *units += share.by(count.into()).units();
                    }
                }
                Weighing::Rows { .. } => {
                    for table in self.tables {
                        let first = (slot << table.bits) + (self.block << BLOCK_BITS);
                        table.weighed[number].add_units(first, as_topic, units);
                    }
                    number += 1;
                }
            }
        }
    }

    fn write(&self, writer: &mut BlockWriter, cell: u32) {
        if self.units.is_empty() {
            writer.counts(&self.counts);
        } else {
            for (at, &count) in (0..).zip(&self.counts) {
                let mass =
                    |attention: usize| Mass::from_units(self.units[attention][usize::from(at)]);
                writer.entry(at, count.into(), mass);
            }
        }
        writer.end(cell);
    }
}
