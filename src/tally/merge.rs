//! Adding tallies: of threads, files, days, machines. Sums are exact, so the order of merging
//! changes nothing.

use std::fmt;

use rayon::prelude::*;

use super::axes::Axes;
use super::block::{BLOCK, Block, BlockWriter};
use super::gather::Gather;
use super::mass::Mass;
use super::{Squares, Tally, Weights};
use crate::error::Error;
use crate::log::ClusterKey;
use crate::question::attention::Attention;
use crate::question::keep::Keep;

/// Blocks that are merged before the memory of those used up is given back.
pub(super) const BLOCKS_AT_A_TIME: usize = 64;

/// Blocks that are merged cell by cell: few enough that the counts of their clusters in one cell stay
/// in cache, and so many that of each tally some blocks, not slivers of blocks, fall into them.
const BLOCKS_TOGETHER: usize = 16;

/// The most places of a table per entry before sorting the entries is cheaper.
pub(super) const PLACES_PER_ENTRY: usize = 16;

impl Tally {
    /// The tally of both logs together. A cluster that occurs in both is one cluster.
    ///
    /// # Errors
    /// Those of [`Tally::merge_all`].
    pub fn merge(&self, other: &Self) -> Result<Self, Error> {
        Self::merge_all([self, other])
    }

    /// The tally of all logs together. A cluster that occurs in several is one cluster.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::tally::{Tally, TallySpec};
    /// let day = Tally::of(&log, &TallySpec::default())?;
    /// let week = Tally::merge_all(std::iter::repeat_n(&day, 7))?;
    /// assert_eq!((week.clusters(), week.impressions()), (8, 140));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unmergeable`] when specs differ, and in what, and where one is weighed and one is not;
    /// [`Error::UnmergeableClusters`] when clusters are single impressions, whose keys mean nothing
    /// outside their log; [`Error::SumTooLarge`]; [`Error::TooManyCells`]; [`Error::Unstated`] for no
    /// tallies at all.
    pub fn merge_all<'t>(tallies: impl IntoIterator<Item = &'t Self>) -> Result<Self, Error> {
        let tallies: Vec<&Self> = tallies.into_iter().collect();
        let Some(first) = tallies.first() else {
            return Err(Error::Unstated { what: "tallies", call: "Tally::of" });
        };
        if tallies.len() == 1 {
            return Ok((*first).clone());
        }
        Weights::of_all(tallies.iter().map(|tally| &tally.weights))?;
        tallies.iter().try_for_each(|tally| of_same_rows(first, tally))?;
        let labelled = merged_labelled(&tallies)?;
        let plan = Plan::of(&tallies)?;
        let parts = plan.parts(tallies.iter().copied());
        let stretches = plan.keys.par_chunks(BLOCK * BLOCKS_TOGETHER);
        let blocks = stretches.flat_map_iter(|keys| plan.blocks(&parts, keys)).collect();
        Ok(Self { labelled, ..plan.tally(first.spec.clone(), blocks) })
    }

    /// The same, giving back the memory of the tallies as they are used up; whatever they were weighed by,
    /// since they are parts that were made to be added.
    pub(crate) fn merge_owned(mut tallies: Vec<Self>) -> Result<Self, Error> {
        if tallies.len() == 1 {
            return Ok(tallies.remove(0));
        }
        let refs: Vec<&Self> = tallies.iter().collect();
        let Some(first) = refs.first() else {
            return Self::merge_all(refs);
        };
        let labelled = merged_labelled(&refs)?;
        let (spec, plan) = (first.spec.clone(), Plan::of(&refs)?);
        let mut blocks = Vec::with_capacity(plan.keys.len().div_ceil(BLOCK));
        let mut freed = vec![0; tallies.len()];
        for keys in plan.keys.chunks(BLOCK * BLOCKS_AT_A_TIME) {
            let parts = plan.parts(tallies.iter());
            let stretches = keys.par_chunks(BLOCK * BLOCKS_TOGETHER);
            blocks.par_extend(stretches.flat_map_iter(|keys| plan.blocks(&parts, keys)));
            let last = keys.last().copied();
            for (tally, freed) in tallies.iter_mut().zip(&mut freed) {
                let used = tally.keys.partition_point(|key| Some(*key) <= last) / BLOCK;
                tally.blocks[*freed..used].iter_mut().for_each(|block| *block = Block::default());
                *freed = used;
            }
        }
        Ok(Self { labelled, ..plan.tally(spec, blocks) })
    }

    /// Whether a tally may be added to this one.
    pub(super) fn check_mergeable(&self, other: &Self) -> Result<(), Error> {
        let (mine, others) = (&self.spec, &other.spec);
        alike("the cluster", &mine.cluster, &others.cluster, ToString::to_string)?;
        if !mine.cluster.has_stable_keys() {
            return Err(Error::UnmergeableClusters { cluster: mine.cluster.to_string() });
        }
        let list = |models: &Vec<Attention>| {
            let names: Vec<String> = models.iter().map(Attention::to_string).collect();
            names.join("; ")
        };
        alike("the attention", &mine.attentions, &others.attentions, list)?;
        let (rule, other_rule) = (&mine.multi_label, &others.multi_label);
        alike("the multi-label rule", rule, other_rule, ToString::to_string)?;
        alike("the strata", &mine.strata, &others.strata, ToString::to_string)?;
        alike("the windows", &mine.windows, &others.windows, ToString::to_string)
    }

    /// Whether mass is the count in every cell.
    fn is_of_counts(&self, attention: usize) -> bool {
        self.blocks.iter().all(|block| block.is_of_counts(attention))
    }
}

/// Whether a part of two specs is the same; if not, the difference in words.
fn alike<T: PartialEq + fmt::Debug>(
    what: &'static str,
    first: &T,
    second: &T,
    words: impl Fn(&T) -> String,
) -> Result<(), Error> {
    if first == second {
        return Ok(());
    }
    let told = [words(first), words(second)];
    // Different things may be called the same: two tables of attention of one length.
    let [first, second] =
        if told[0] == told[1] { [format!("{first:?}"), format!("{second:?}")] } else { told };
    Err(Error::Unmergeable { what, first, second })
}

/// How many impressions there are together. Since no count of a cell is above it, and no mass
/// above its count times the largest weight, all other sums but the squares fit if this does.
fn merged_impressions(tallies: &[&Tally]) -> Result<u64, Error> {
    tallies.iter().try_fold(0_u64, |sum, tally| {
        sum.checked_add(tally.impressions).ok_or_else(|| Error::SumTooLarge {
            what: "the number of impressions",
            first: sum.to_string(),
            second: tally.impressions.to_string(),
            largest: u64::MAX.to_string(),
        })
    })
}

/// A tally to merge, and by cell the number of that cell in the merged one.
struct Part<'t> {
    tally: &'t Tally,
    cells: &'t [u32],
}

/// By cell of the merged tally, that of a part.
type OfCell = Vec<Option<u32>>;

impl Part<'_> {
    fn of_cells(&self, cells: usize) -> OfCell {
        let mut of_cells = vec![None; cells];
        for (mine, &cell) in (0..).zip(self.cells) {
            of_cells[cell as usize] = Some(mine);
        }
        of_cells
    }
}

/// What tallies have together, but for the sums of their clusters.
struct Plan {
    axes: Axes,
    keys: Vec<ClusterKey>,
    /// By tally and cell, the number of the cell in the merged one.
    cells: Vec<Vec<u32>>,
    /// By attention model, whether mass is the count in every cell of all.
    of_counts: Vec<bool>,
    squares: Vec<Vec<Squares>>,
    impressions: u64,
    weights: Weights,
    kept: Vec<Keep>,
}

impl Plan {
    fn of(tallies: &[&Tally]) -> Result<Self, Error> {
        let first = tallies[0];
        for other in &tallies[1..] {
            first.check_mergeable(other)?;
        }
        let impressions = merged_impressions(tallies)?;
        let names = |of: fn(&Axes) -> &[String]| {
            tallies.iter().flat_map(move |tally| of(&tally.axes)).map(String::as_str)
        };
        let windows = tallies.iter().flat_map(|tally| tally.axes.windows().iter().copied());
        // Strata are named or not alike in all, since the specs are equal.
        let axes = Axes::new(names(Axes::arms), names(Axes::strata), windows, names(Axes::topics))?;
        let cells: Vec<Vec<u32>> = tallies.iter().map(|t| t.axes.cells_in(&axes)).collect();
        let of_counts = (0..first.spec.attentions.len())
            .map(|attention| tallies.iter().all(|tally| tally.is_of_counts(attention)))
            .collect();
        let squares = merged_squares(tallies, &cells, axes.cells())?;
        // Parts that were made to be added may be weighed otherwise each.
        let weights = Weights::of_all(tallies.iter().map(|tally| &tally.weights));
        let weights = weights.unwrap_or_default();
        let kept = first.kept.clone();
        let keys = union(tallies);
        Ok(Self { keys, axes, cells, of_counts, squares, impressions, weights, kept })
    }

    fn parts<'p>(&'p self, tallies: impl Iterator<Item = &'p Tally>) -> Vec<Part<'p>> {
        tallies.zip(&self.cells).map(|(tally, cells)| Part { tally, cells }).collect()
    }

    /// The blocks of a stretch of clusters.
    fn blocks(&self, parts: &[Part<'_>], keys: &[ClusterKey]) -> Vec<Block> {
        let cells = self.axes.cells();
        let only_counts = self.of_counts.iter().all(|of_counts| *of_counts);
        if only_counts && u32::try_from(self.impressions).is_ok() {
            let stretch = Stretch::of(parts, keys);
            if !stretch.is_sparse(cells) {
                return stretch.blocks(cells, self.of_counts.len());
            }
        }
        let block = |keys| Stretch::of(parts, keys).block(cells, &self.of_counts);
        keys.chunks(BLOCK).map(block).collect()
    }

    fn tally(self, spec: super::TallySpec, blocks: Vec<Block>) -> Tally {
        let Self { axes, keys, squares, impressions, weights, kept, .. } = self;
        let labelled = None;
        Tally { spec, weights, kept, axes, keys, blocks, squares, impressions, labelled }
    }
}

/// What was labelled by hand in any of them.
fn merged_labelled(tallies: &[&Tally]) -> Result<Option<Box<Tally>>, Error> {
    let labelled: Vec<&Tally> = tallies.iter().filter_map(|tally| tally.labelled()).collect();
    match labelled[..] {
        [] => Ok(None),
        [one] => Ok(Some(Box::new(one.clone()))),
        _ => Ok(Some(Box::new(Tally::merge_all(labelled)?))),
    }
}

/// Every key that occurs, ascending.
fn union(tallies: &[&Tally]) -> Vec<ClusterKey> {
    let mut keys: Vec<ClusterKey> = tallies.iter().flat_map(|tally| &tally.keys).copied().collect();
    if tallies.len() > 1 {
        // The keys of each tally are in order already, which this kind of sorting makes use of.
        keys.sort();
        keys.dedup();
        keys.shrink_to_fit();
    }
    keys
}

/// The cell squares of all parts, by attention model.
fn merged_squares(
    tallies: &[&Tally],
    places: &[Vec<u32>],
    cells: usize,
) -> Result<Vec<Vec<Squares>>, Error> {
    let models = tallies[0].squares.len();
    let mut merged = vec![vec![Squares::default(); cells]; models];
    for (tally, places) in tallies.iter().zip(places) {
        for (mine, more) in merged.iter_mut().zip(&tally.squares) {
            for (&cell, squares) in places.iter().zip(more) {
                let sum = &mut mine[cell as usize];
                *sum = sum.checked_add(*squares).ok_or_else(|| Error::SumTooLarge {
                    what: "a sum of squared masses",
                    first: sum.own.get().to_string(),
                    second: squares.own.get().to_string(),
                    largest: Mass::from_units(u128::MAX).get().to_string(),
                })?;
            }
        }
    }
    Ok(merged)
}

/// The clusters of a part that are among some keys: where each stands there, in order.
fn places(tally: &Tally, keys: &[ClusterKey]) -> (usize, Vec<u16>) {
    let (Some(low), Some(high)) = (keys.first(), keys.last()) else {
        return (0, Vec::new());
    };
    let first = tally.keys.partition_point(|key| key < low);
    let mut at = 0;
    let mine = tally.keys[first..].iter().take_while(|key| *key <= high);
    let place = |key: &ClusterKey| {
        while keys[at] < *key {
            at += 1;
        }
        at as u16
    };
    (first, mine.map(place).collect())
}

/// The clusters of some keys, and where they are in each part.
struct Stretch<'m> {
    parts: &'m [Part<'m>],
    clusters: usize,
    /// By part, its first cluster that is among the keys, and where each from there on stands there.
    places: Vec<(usize, Vec<u16>)>,
}

impl<'m> Stretch<'m> {
    fn of(parts: &'m [Part<'m>], keys: &[ClusterKey]) -> Self {
        let places = parts.iter().map(|part| places(part.tally, keys)).collect();
        Self { parts, clusters: keys.len(), places }
    }

    /// Whether most places of a table of the clusters' sums would be empty.
    fn is_sparse(&self, cells: usize) -> bool {
        let pieces = |(part, (first, places)): (_, &(usize, Vec<u16>))| {
            pieces(part, *first, places.len()).map(|piece| (piece.block, piece.clusters))
        };
        let entries: usize = (self.parts.iter().zip(&self.places).flat_map(pieces))
            .map(|(block, clusters)| block.len() * clusters.len() / BLOCK + 1)
            .sum();
        cells.saturating_mul(self.clusters) > entries.saturating_mul(PLACES_PER_ENTRY)
    }

    /// The blocks, where mass is the count in every cell. One cell after the other, so that the
    /// table is of one cell only.
    fn blocks(&self, cells: usize, models: usize) -> Vec<Block> {
        let count = self.clusters.div_ceil(BLOCK);
        let writer = |_| BlockWriter::new(std::iter::repeat_n(true, models));
        let mut writers: Vec<BlockWriter> = (0..count).map(writer).collect();
        let mut counts = vec![0_u32; self.clusters];
        let of_parts: Vec<OfCell> = self.parts.iter().map(|part| part.of_cells(cells)).collect();
        for cell in 0..cells {
            let mut is_empty = true;
            for ((part, (first, places)), of_cell) in
                self.parts.iter().zip(&self.places).zip(&of_parts)
            {
                let Some(mine) = of_cell[cell] else {
                    continue;
                };
                for Piece { block, clusters, before } in pieces(part, *first, places.len()) {
                    let places = &places[before..];
                    for entry in block.column_between(mine, clusters.clone()) {
                        let place = usize::from(places[entry.at - clusters.start]);
                        counts[place] += entry.count as u32;
                        is_empty = false;
                    }
                }
            }
            if is_empty {
                continue;
            }
            for (writer, counts) in writers.iter_mut().zip(counts.chunks(BLOCK)) {
                writer.counts(counts);
                writer.end(cell as u32);
            }
            counts.fill(0);
        }
        writers.into_iter().map(BlockWriter::finish).collect()
    }

    /// The block of a stretch that is no longer than one.
    fn block(&self, cells: usize, of_counts: &[bool]) -> Block {
        let sums = self.parts.iter().zip(&self.places);
        if self.is_sparse(cells) {
            let mut gather = Gather::new(of_counts.to_vec());
            for (part, (first, places)) in sums {
                each(part, *first, places, |cell, at, block, entry| {
                    let mass = |attention| block.mass(entry, attention);
                    gather.add(cell, at, entry.count, mass);
                });
            }
            return gather.block();
        }
        let mut counts = vec![0_u64; cells * BLOCK];
        let models = of_counts.iter().map(|of_counts| if *of_counts { 0 } else { cells * BLOCK });
        let mut masses: Vec<Vec<Mass>> = models.map(|places| vec![Mass::ZERO; places]).collect();
        for (part, (first, places)) in sums {
            each(part, *first, places, |cell, at, block, entry| {
                let place = cell as usize * BLOCK + usize::from(at);
                counts[place] += entry.count;
                for (attention, masses) in masses.iter_mut().enumerate() {
                    if let Some(mass) = masses.get_mut(place) {
                        *mass += block.mass(entry, attention);
                    }
                }
            });
        }
        let mut writer = BlockWriter::new(of_counts.iter().copied());
        for (cell, counts) in counts.chunks_exact(BLOCK).enumerate() {
            for (at, &count) in (0..).zip(&counts[..self.clusters]) {
                let place = cell * BLOCK + usize::from(at);
                writer.entry(at, count, |attention| masses[attention][place]);
            }
            writer.end(cell as u32);
        }
        writer.finish()
    }
}

/// Some clusters of a block of a part.
struct Piece<'t> {
    block: &'t Block,
    clusters: std::ops::Range<usize>,
    /// How many clusters are in the pieces before.
    before: usize,
}

/// The blocks of a part that hold its clusters from `first` on, each with which of them.
fn pieces<'t>(
    part: &'t Part<'_>,
    first: usize,
    clusters: usize,
) -> impl Iterator<Item = Piece<'t>> {
    let end = first + clusters;
    (first / BLOCK..end.div_ceil(BLOCK)).map(move |at| {
        let start = at * BLOCK;
        let from = first.max(start);
        let clusters = from - start..end.min(start + BLOCK) - start;
        Piece { block: &part.tally.blocks[at], clusters, before: from - first }
    })
}

/// Calls `add` with the merged cell and place of every entry of a part's clusters.
fn each(
    part: &Part<'_>,
    first: usize,
    places: &[u16],
    mut add: impl FnMut(u32, u16, &Block, super::block::Entry),
) {
    for Piece { block, clusters, before } in pieces(part, first, places.len()) {
        for (cell, entries) in block.columns_between(clusters.start, clusters.end) {
            let cell = part.cells[cell as usize];
            for entry in entries {
                add(cell, places[before + entry.at - clusters.start], block, entry);
            }
        }
    }
}

/// Refuses sums of rows that were chosen in two ways: those of one state and those of all are no parts of one sum.
fn of_same_rows(first: &Tally, other: &Tally) -> Result<(), Error> {
    // All choices hold, so that their order says nothing.
    let said = |tally: &Tally| {
        let mut kept: Vec<String> = tally.kept.iter().map(Keep::to_string).collect();
        kept.sort_unstable();
        if kept.is_empty() { "all rows, or not known".to_owned() } else { kept.join(" and ") }
    };
    let (first, second) = (said(first), said(other));
    if first == second {
        return Ok(());
    }
    Err(Error::Unmergeable { what: "the choice of rows", first, second })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{ExposureLog, LogSchema};
    use crate::question::attention::Beyond;
    use crate::source::SliceSource;
    use crate::tally::{ClusterBy, TallySpec};

    fn tally(spec: &TallySpec) -> Tally {
        let source = SliceSource::new("example")
            .text("viewer", &["ada", "bo", "cy"])
            .text("arm", &["ranked", "newest", "ranked"])
            .integer("rank", &[1, 2, 3]);
        let schema = LogSchema::new().viewer("viewer").arm("arm").position("rank");
        Tally::of(&ExposureLog::read(source, &schema).unwrap(), spec).unwrap()
    }

    fn refused(first: &TallySpec, second: &TallySpec) -> String {
        tally(first).merge(&tally(second)).unwrap_err().to_string()
    }

    /// Twenty blocks of clusters in five logs, each of which lacks a topic or an arm, have the tally
    /// of one log: with some counts above 255, and masses that are counts.
    #[test]
    fn many_blocks_are_merged_as_if_they_were_of_one_log() {
        let rows = 0..90_000_u32;
        let mixed = |row: u32| row.wrapping_mul(2_654_435_761) >> 8;
        let viewer: Vec<i64> = (rows.clone())
            .map(|row| if row.is_multiple_of(60) { 7 } else { (mixed(row) % 20_000).into() })
            .collect();
        let arm: Vec<&str> = rows.clone().map(|row| ["a", "b"][(row % 3 / 2) as usize]).collect();
        let topic: Vec<&str> =
            rows.map(|row| ["war", "", "sport", "art"][(mixed(row) / 64 % 4) as usize]).collect();
        let source = SliceSource::new("example")
            .integer("viewer", &viewer)
            .text("arm", &arm)
            .text("topic", &topic);
        let schema = LogSchema::new().viewer("viewer").arm("arm");
        let schema = schema.topics(crate::log::TopicColumn::single("topic"));
        let log = ExposureLog::read(source, &schema).unwrap();
        let part_of = |row: usize| match (arm[row], topic[row]) {
            ("b", "war") => 0,
            ("b", _) => 1,
            (_, "art") => 2,
            _ => 3 + row % 2,
        };
        let spec = TallySpec::default();
        let part = |part| {
            let rows = log.clone().retained(|row| part_of(row) == part).unwrap();
            Tally::of(&rows, &spec).unwrap()
        };
        let parts: Vec<Tally> = (0..5).map(part).collect();
        let whole = Tally::of(&log, &spec).unwrap();
        assert!(whole.clusters() > BLOCK * BLOCKS_TOGETHER);
        assert!(whole.blocks.iter().any(|block| !block.large.is_empty()));
        assert_eq!(Tally::merge_all(&parts).unwrap(), whole);
        assert_eq!(Tally::merge_owned(parts).unwrap(), whole);
    }

    #[test]
    fn differences_are_told_in_words() {
        let base = TallySpec::default();
        let hashed = TallySpec { cluster: ClusterBy::Viewer.hashed(3), ..base.clone() };
        assert_eq!(
            refused(&base, &hashed),
            "these tallies cannot be merged: the cluster is viewer in one and 8 hash buckets of \
             viewer in the other; make both with the same TallySpec"
        );
        let of = |attentions| TallySpec { attentions, ..base.clone() };
        let two = of(vec![Attention::Uniform, Attention::TopK { k: 3 }]);
        let message = refused(&base, &two);
        assert!(message.contains("is uniform in one and uniform; top 3 in the other"), "{message}");
        // Two tables of one length have one name.
        let table = |value| Attention::Table { values: vec![value], beyond: Beyond::Zero };
        let message = refused(&of(vec![table(0.25)]), &of(vec![table(0.75)]));
        assert!(message.contains("0.25") && message.contains("0.75"), "{message}");
        let impressions = TallySpec { cluster: ClusterBy::Impression, ..base };
        let message = refused(&impressions, &impressions);
        assert!(message.contains("their clusters are impression, numbered anew"), "{message}");
    }

    #[test]
    fn sums_past_the_largest_are_refused() {
        let tally = tally(&TallySpec::default());
        let mut huge = tally.clone();
        huge.impressions = u64::MAX - 2;
        assert_eq!(
            huge.merge(&tally).unwrap_err().to_string(),
            "these tallies cannot be merged: the number of impressions, 18446744073709551613 in \
             one and 3 in the other, is together above 18446744073709551615; merge fewer of them"
        );
        let mut huge = tally.clone();
        huge.squares[0][0].own = Mass::from_units(u128::MAX);
        assert!(matches!(huge.merge(&huge), Err(Error::SumTooLarge { .. })));
    }
}
