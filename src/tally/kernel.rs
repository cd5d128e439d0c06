//! From the rows of a log to the sums of its clusters. Rows are reduced to their slot and their
//! cluster's rank, then counted: in one table where that stays small, else part of the clusters
//! by part, so that each part's table stays in cache. All sums are whole numbers, so that neither
//! threads nor the order of rows can change them.

use std::ops::Range;

use rayon::prelude::*;

use super::block::{BLOCK, BLOCK_BITS, Block};
use super::cluster::{self};
use super::dense::{self, Table};
use super::memory;
use super::rows::Rows;
use super::slots::{SlotSums, Slots, Weighing};
use super::sparse;
use super::{Tally, TallySpec, Weights};
use crate::error::Error;
use crate::log::{ExposureLog, Role};

/// Rows that are grouped at a time: their slots and ranks fit in a second-level cache.
const CHUNK: usize = 1 << 17;

/// Rows of one pass; counts within a pass then fit in 32 bits.
const PASS: usize = 1 << 31;

/// The most parts that clusters are divided into: each needs a place to write to in cache.
const PARTS: usize = 1 << 11;

/// The most places of a table that serves all clusters at once.
const DIRECT: usize = 1 << 20;

/// The most places of a table per row before sorting the rows is cheaper.
const PLACES_PER_ROW: usize = 16;

/// Sums of squares have 128 bits, 40 of them after the point, and those of several logs are added.
const MOST_SQUARES: f64 = (1_u128 << 80) as f64;

/// The tally of a log but for what was labelled by hand, if its cells and keys take no more than so many bytes.
pub(super) fn tally(log: &ExposureLog, spec: &TallySpec, most: usize) -> Result<Tally, Error> {
    spec.check()?;
    check_counts(log, spec)?;
    let slots = Slots::of(log, spec)?;
    let weighings =
        spec.attentions.iter().map(|a| Weighing::of(log, a)).collect::<Result<Vec<_>, _>>()?;
    let clusters = cluster::clusters(log, &spec.cluster)?;
    let needed = memory::tallying_takes(&slots, spec, clusters.keys.len(), log.rows());
    if needed > most {
        return Err(Error::tally_too_large(needed, most));
    }
    let passes = (0..log.rows()).step_by(PASS).map(|first| {
        let rows = first..(first + PASS).min(log.rows());
        let counts = log.counts();
        Rows { slots: &slots, weighings: &weighings, clusters: &clusters, counts, rows }
    });
    let tallies = passes.map(|rows| {
        let (blocks, sums) = rows.blocks();
        Tally {
            spec: spec.clone(),
            weights: Weights::of(log),
            kept: log.origin().kept.clone(),
            axes: slots.axes.clone(),
            keys: clusters.keys.to_vec(),
            blocks,
            squares: sums.squares(&slots, &weighings),
            impressions: log.impressions_in(rows.rows.clone()),
            labelled: None,
        }
    });
    let mut tallies: Vec<Tally> = tallies.collect();
    match tallies.len() {
        1 => Ok(tallies.remove(0)),
        _ => Tally::merge_all(&tallies),
    }
}

/// Rows of a chunk, those of each part together.
struct Chunk<K> {
    /// By part, where its rows end.
    ends: Vec<u32>,
    keys: Vec<K>,
    /// For each attention model that does not weigh every impression 1, the masses.
    exact: Vec<Vec<f64>>,
}

impl<K> Chunk<K> {
    fn part(&self, part: usize) -> Range<usize> {
        let start = part.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        start..self.ends[part] as usize
    }
}

/// Buffers of a thread.
#[derive(Default)]
struct Buffers {
    slots: Vec<u32>,
    ranks: Vec<u32>,
    keys: Vec<u32>,
    exact: Vec<Vec<f64>>,
}

impl Rows<'_> {
    /// By attention model, whether mass is the count in every cell.
    pub(super) fn of_counts(&self) -> impl Iterator<Item = bool> {
        self.weighings.iter().map(|weighing| weighing.is_one() && !self.slots.is_fractional())
    }

    fn blocks(&self) -> (Vec<Block>, SlotSums) {
        let clusters = self.clusters.keys.len();
        let places = self.slots.len().saturating_mul(clusters);
        // A table's places are numbered in 32 bits.
        let fits = |bits: u32| self.slots.len() <= (u32::MAX >> bits) as usize;
        let all = clusters.next_power_of_two().trailing_zeros().max(BLOCK_BITS);
        let part = (clusters.div_ceil(PARTS)).next_power_of_two().trailing_zeros().max(BLOCK_BITS);
        let sorted = places > self.rows.len().saturating_mul(PLACES_PER_ROW) || !fits(part);
        // Tables count rows one by one.
        if sorted || self.counts.is_some() {
            self.sparse(part)
        } else if places <= DIRECT && fits(all) {
            self.direct(all)
        } else {
            self.by_part(part)
        }
    }

    /// One table for all clusters, in each thread.
    fn direct(&self, bits: u32) -> (Vec<Block>, SlotSums) {
        let threads = rayon::current_num_threads();
        let per_thread = self.rows.len().div_ceil(threads).max(CHUNK);
        let starts: Vec<usize> = self.rows.clone().step_by(per_thread).collect();
        let table = |start: usize| {
            let mut table = Table::new(self, bits);
            let mut buffers = Buffers::default();
            let rows = start..(start + per_thread).min(self.rows.end);
            for first in rows.clone().step_by(CHUNK / 8) {
                let chunk = first..(first + CHUNK / 8).min(rows.end);
                self.places(chunk, bits, &mut buffers);
                let exact: Vec<&[f64]> = buffers.exact.iter().map(Vec::as_slice).collect();
                table.add(self, &buffers.keys, &exact);
            }
            table.finish()
        };
        let tables: Vec<Table> = starts.into_par_iter().map(table).collect();
        let mut sums = SlotSums::default();
        tables.iter().for_each(|table| table.slot_sums(&mut sums));
        let clusters = self.clusters.keys.len();
        let block =
            |at: usize| dense::block(self, &tables, at, BLOCK.min(clusters - (at << BLOCK_BITS)));
        ((0..clusters.div_ceil(BLOCK)).into_par_iter().map(block).collect(), sums)
    }

    /// A table for each part of the clusters, one after the other.
    fn by_part(&self, bits: u32) -> (Vec<Block>, SlotSums) {
        let chunks = self.scatter(bits, |slot, cluster| slot << bits | cluster);
        let part = |part: usize| {
            let mut table = Table::new(self, bits);
            for chunk in &chunks {
                let range = chunk.part(part);
                let exact: Vec<&[f64]> = chunk.exact.iter().map(|e| &e[range.clone()]).collect();
                table.add(self, &chunk.keys[range], &exact);
            }
            let tables = [table.finish()];
            let mut sums = SlotSums::default();
            tables[0].slot_sums(&mut sums);
            let clusters = (1 << bits).min(self.clusters.keys.len() - (part << bits));
            let block = |at: usize| {
                dense::block(self, &tables, at, BLOCK.min(clusters - (at << BLOCK_BITS)))
            };
            ((0..clusters.div_ceil(BLOCK)).map(block).collect(), sums)
        };
        self.each_part(bits, part)
    }

    /// Each part of the clusters by sorting.
    fn sparse(&self, bits: u32) -> (Vec<Block>, SlotSums) {
        let chunks = self.scatter(bits, sparse::key);
        let part = |part: usize| {
            let mut keys: Vec<(u64, u32)> = Vec::new();
            let mut exact = vec![Vec::new(); self.columns().count()];
            for chunk in &chunks {
                let range = chunk.part(part);
                for &key in &chunk.keys[range.clone()] {
                    keys.push((key, keys.len() as u32));
                }
                for (exact, more) in exact.iter_mut().zip(&chunk.exact) {
                    exact.extend_from_slice(&more[range.clone()]);
                }
            }
            let clusters = (1 << bits).min(self.clusters.keys.len() - (part << bits));
            sparse::blocks(self, keys, &exact, clusters)
        };
        self.each_part(bits, part)
    }

    fn each_part(
        &self,
        bits: u32,
        part: impl Fn(usize) -> (Vec<Block>, SlotSums) + Send + Sync,
    ) -> (Vec<Block>, SlotSums) {
        let parts = self.clusters.keys.len().div_ceil(1 << bits);
        let done: Vec<_> = (0..parts).into_par_iter().map(part).collect();
        let mut blocks = Vec::new();
        let mut all = SlotSums::default();
        for (more, sums) in done {
            blocks.extend(more);
            all = all.merge(&sums);
        }
        (blocks, all)
    }

    /// The places of a chunk's rows in a table of `2^bits` clusters, and their masses.
    fn places(&self, rows: Range<usize>, bits: u32, buffers: &mut Buffers) {
        self.slots.fill(rows.clone(), &mut buffers.slots);
        self.clusters.ranks(rows.clone(), &mut buffers.ranks);
        let columns = buffers.slots.iter().zip(&buffers.ranks);
        buffers.keys.clear();
        buffers.keys.extend(columns.map(|(slot, rank)| slot << bits | rank));
        buffers.exact.clear();
        buffers.exact.extend(self.weighed().map(|w| rows.clone().map(|r| w.of_row(r)).collect()));
    }

    /// The rows in chunks, grouped by parts of `2^bits` clusters each.
    fn scatter<K: Copy + Default + Send>(
        &self,
        bits: u32,
        key: impl Fn(u32, u32) -> K + Sync,
    ) -> Vec<Chunk<K>> {
        let starts: Vec<usize> = self.rows.clone().step_by(CHUNK).collect();
        let parts = self.clusters.keys.len().div_ceil(1 << bits);
        let chunk = |buffers: &mut Buffers, first: usize| {
            let rows = first..(first + CHUNK).min(self.rows.end);
            self.slots.fill(rows.clone(), &mut buffers.slots);
            self.clusters.ranks(rows.clone(), &mut buffers.ranks);
            let mut ends = vec![0_u32; parts + 1];
            buffers.ranks.iter().for_each(|rank| ends[(rank >> bits) as usize + 1] += 1);
            for part in 0..parts {
                ends[part + 1] += ends[part];
            }
            let mut keys = vec![K::default(); rows.len()];
            let mut exact: Vec<Vec<f64>> = self.columns().map(|_| vec![0.0; rows.len()]).collect();
            let mask = (1 << bits) - 1;
            for (row, (&slot, &rank)) in buffers.slots.iter().zip(&buffers.ranks).enumerate() {
                // Where the part before ends, its first row goes; at last, each part ends there.
                let at = &mut ends[(rank >> bits) as usize];
                keys[*at as usize] = key(slot, rank & mask);
                for (exact, column) in exact.iter_mut().zip(self.columns()) {
                    exact[*at as usize] = column.of_row(rows.start + row);
                }
                *at += 1;
            }
            Chunk { ends, keys, exact }
        };
        starts.into_par_iter().map_init(Buffers::default, chunk).collect()
    }

    fn weighed(&self) -> impl Iterator<Item = &Weighing<'_>> {
        self.weighings.iter().filter(|weighing| !weighing.is_one())
    }

    /// The numbers that go with rows: masses where they are not 1 and, last, counts.
    fn columns(&self) -> impl Iterator<Item = RowNumbers<'_>> {
        let counts = self.counts.into_iter().map(RowNumbers::Counts);
        self.weighed().map(RowNumbers::Masses).chain(counts)
    }
}

/// A number for each row of the log.
enum RowNumbers<'r> {
    Masses(&'r Weighing<'r>),
    Counts(&'r [f64]),
}

impl RowNumbers<'_> {
    fn of_row(&self, row: usize) -> f64 {
        match self {
            Self::Masses(weighing) => weighing.of_row(row),
            Self::Counts(counts) => counts[row],
        }
    }
}

/// Whether the squares of masses can be added up, each as often as its row counts.
fn check_counts(log: &ExposureLog, spec: &TallySpec) -> Result<(), Error> {
    let Some(counts) = log.counts() else { return Ok(()) };
    if spec.cluster.is_of_impressions() {
        return Err(Error::RowsOfSeveral { what: "clustering by single impressions".to_owned() });
    }
    let weights = log.numbers(Role::Weight);
    let square = |(row, count): (usize, &f64)| count * weights.map_or(1.0, |w| w[row] * w[row]);
    let sum: f64 = counts.iter().enumerate().map(square).sum();
    if sum < MOST_SQUARES {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "the sum of counts times squared weights",
        value: format!("{sum:e}"),
        expected: "below 2^80; divide all weights by the same number",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::log::{ClusterKey, LogSchema, TimeFormat, TopicColumn};
    use crate::question::attention::Attention;
    use crate::source::SliceSource;
    use crate::tally::{
        CellSum, ClusterBy, Mass, MultiLabel, Slab, Squares, StratifyBy, Totals, WindowBy,
    };

    /// Numbers that look random; the tests only need them varied and the same every time.
    fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    fn log(rows: usize, viewers: u64, weighed: bool) -> ExposureLog {
        let mut next = numbers(rows as u64 + viewers);
        let mut column = |below: u64| (0..rows).map(|_| next(below) as i64).collect::<Vec<_>>();
        let (viewer, arm, stratum, time) =
            (column(viewers), column(3), column(2), column(3 * 86_400));
        let position: Vec<i64> = column(40).iter().map(|p| p + 1).collect();
        let weight: Vec<f64> = column(1 << 20).iter().map(|w| *w as f64 * 7.9).collect();
        let name = |bits: &i64| {
            let named = ["war", "party", "sport"].iter().enumerate();
            let mine = named.filter(|(bit, _)| bits >> bit & 1 == 1);
            mine.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
        };
        let topics: Vec<String> = column(8).iter().map(name).collect();
        let source = SliceSource::new("generated")
            .integer("viewer", &viewer)
            .integer("arm", &arm)
            .integer("stratum", &stratum)
            .integer("position", &position)
            .integer("time", &time)
            .float("weight", &weight)
            .text("topics", &topics);
        let schema = LogSchema::new()
            .viewer("viewer")
            .arm("arm")
            .stratum("stratum")
            .position("position")
            .time("time", TimeFormat::EpochSeconds)
            .topics(TopicColumn::separated("topics", '|'));
        let schema = if weighed { schema.weight("weight") } else { schema };
        ExposureLog::read(source, &schema).unwrap()
    }

    type Sums = BTreeMap<(ClusterKey, u32), CellSum>;

    /// The tally as one would write it down: row by row, with maps.
    fn plain(log: &ExposureLog, tally: &Tally, attention: usize) -> (Sums, Vec<Squares>) {
        let (spec, axes) = (tally.spec(), tally.axes());
        let mut sums = Sums::new();
        let mut squares = vec![Squares::default(); axes.cells()];
        let id = |role, row| log.ids(role).unwrap().id(row).unwrap();
        let topics = log.topics().unwrap();
        for row in 0..log.rows() {
            let mut key = ClusterKey::of(id(Role::Viewer, row));
            if let ClusterBy::Hashed { bits, .. } = spec.cluster {
                key = ClusterKey::from_number(key.bucket(bits));
            }
            let stratum = match spec.strata {
                StratifyBy::Nothing => 0,
                _ => axes.stratum(id(Role::Stratum, row)).unwrap(),
            };
            let window = axes.window(spec.windows.start(log.times().unwrap()[row])).unwrap();
            let slab = Slab { arm: axes.arm(id(Role::Arm, row)).unwrap(), stratum, window };
            let weight = log.numbers(Role::Weight).map_or(1.0, |weights| weights[row]);
            let rank = log.positions().unwrap()[row];
            let exact = weight * spec.attentions[attention].at(rank).unwrap();
            let labels = topics.of_row(row);
            let share = match spec.multi_label {
                MultiLabel::Full => Mass::of(exact),
                MultiLabel::Fractional => Mass::of(exact / labels.len().max(1) as f64),
            };
            let mut put = |cell: u32, mass: Mass| {
                *sums.entry((key, cell)).or_default() += CellSum { count: 1, mass };
                let whole = Mass::of(exact);
                squares[cell as usize] +=
                    Squares { own: mass.times(mass), cross: mass.times(whole) };
            };
            put(axes.all_cell(slab), Mass::of(exact));
            if !labels.is_empty() {
                put(axes.tagged_cell(slab), Mass::of(exact));
            }
            for &label in labels {
                let topic = axes.topic(topics.labels().id(label).unwrap()).unwrap();
                put(axes.topic_cell(slab, topic), share);
            }
        }
        (sums, squares)
    }

    fn specs() -> Vec<TallySpec> {
        let models = [
            vec![Attention::Uniform],
            vec![Attention::Logarithmic, Attention::Uniform, Attention::TopK { k: 20 }],
        ];
        let mut specs = Vec::new();
        for attentions in models {
            for multi_label in [MultiLabel::Full, MultiLabel::Fractional] {
                for cluster in [ClusterBy::Viewer, ClusterBy::Viewer.hashed(5)] {
                    let (attentions, cluster) = (attentions.clone(), cluster.clone());
                    let (strata, windows) = match cluster {
                        ClusterBy::Viewer => (StratifyBy::Stratum, WindowBy::days(1)),
                        _ => (StratifyBy::Nothing, WindowBy::Nothing),
                    };
                    specs.push(TallySpec { cluster, attentions, multi_label, strata, windows });
                }
            }
        }
        specs
    }

    /// The way through the kernel that is to be taken whatever the sizes.
    #[derive(Clone, Copy, Debug)]
    enum Way {
        Direct,
        ByPart,
        Sparse,
    }

    fn on(way: Way, log: &ExposureLog, spec: &TallySpec) -> Tally {
        let slots = Slots::of(log, spec).unwrap();
        let weighings: Vec<_> =
            spec.attentions.iter().map(|a| Weighing::of(log, a).unwrap()).collect();
        let clusters = cluster::clusters(log, &spec.cluster).unwrap();
        let rows = Rows {
            slots: &slots,
            weighings: &weighings,
            clusters: &clusters,
            counts: None,
            rows: 0..log.rows(),
        };
        let (blocks, sums) = match way {
            Way::Direct => rows.direct(12),
            Way::ByPart => rows.by_part(BLOCK_BITS),
            Way::Sparse => rows.sparse(BLOCK_BITS + 1),
        };
        Tally {
            spec: spec.clone(),
            weights: Weights::of(log),
            kept: log.origin().kept.clone(),
            axes: slots.axes.clone(),
            keys: clusters.keys.to_vec(),
            blocks,
            squares: sums.squares(&slots, &weighings),
            impressions: log.rows() as u64,
            labelled: None,
        }
    }

    /// Every way through the kernel gives, to the last bit, what the plain loop gives.
    #[test]
    fn all_ways_agree_with_a_plain_loop() {
        // 3,000 viewers make three blocks; seven make sums past 255; 131,072 rows are a chunk.
        for (rows, viewers, weighed) in
            [(20_000, 3_000, false), (20_000, 3_000, true), (140_000, 7, false), (9_000, 7, true)]
        {
            let log = log(rows, viewers, weighed);
            for spec in specs() {
                let tally = Tally::of(&log, &spec).unwrap();
                for way in [Way::Direct, Way::ByPart, Way::Sparse] {
                    assert_eq!(on(way, &log, &spec), tally, "{way:?} for {spec:?}");
                }
                let totals = Totals::of(&log, &spec).unwrap();
                for attention in 0..spec.attentions.len() {
                    assert_eq!(totals.by_attention()[attention], tally.totals_under(attention));
                    let (sums, squares) = plain(&log, &tally, attention);
                    let mut mine = Sums::new();
                    for cell in 0..tally.axes().cells() as u32 {
                        for block in 0..tally.block_count() {
                            let first = tally.block_clusters(block).start;
                            for (at, sum) in tally.column_of_block(block, cell, attention) {
                                mine.insert((tally.keys()[first + at], cell), sum);
                            }
                        }
                    }
                    assert!(mine == sums, "sums differ for {spec:?}");
                    assert_eq!(tally.squares[attention], squares, "{spec:?}");
                }
            }
        }
    }

    /// One thread or four, the same bits.
    #[test]
    fn threads_do_not_matter() {
        let log = log(300_000, 5_000, true);
        for spec in specs() {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| Tally::of(&log, &spec).unwrap())
            };
            assert_eq!(on(1), on(4));
        }
    }
}
