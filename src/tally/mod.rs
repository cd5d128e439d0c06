//! The tally: what each cluster was shown, as sums by arm, stratum and topic. It adds and never
//! divides; everything after it works on these sums alone.
//!
//! A log that stays in an SQL engine is tallied there: [`TallySpec::sql`] writes the query, and
//! [`Tally::import_as`] (feature `parquet`) reads its table.

mod axes;
mod block;
mod cluster;
mod dense;
mod gather;
mod kernel;
pub(crate) mod labelled;
mod mass;
mod memory;
mod merge;
mod merger;
mod rows;
mod saved;
mod slots;
mod sparse;
mod sql;
mod table;
mod totals;
mod two_way;
mod weights;

use serde::{Deserialize, Serialize};

pub use self::axes::{Axes, CellKind, Slab};
use self::block::{BLOCK, Block};
pub(crate) use self::cluster::cluster_of_rows;
pub use self::mass::Mass;
pub(crate) use self::merger::{Merger, WAITING};
pub(crate) use self::slots::masses;
pub use self::sql::{Dialect, SqlLog};
pub use self::table::{TableFault, TableFaultReason};
pub use self::totals::Totals;
pub use self::two_way::TwoWay;
use crate::error::Error;
use crate::log::{ClusterKey, ExposureLog};
use crate::question::attention::Attention;
pub use crate::question::cluster::{ClusterBy, MAX_BUCKET_BITS, StratifyBy};
use crate::question::keep::Keep;
pub use crate::question::multi_label::MultiLabel;
pub use crate::question::weights::Weights;
pub use crate::question::window::WindowBy;

/// What a tally sums, and by what. Tallies with equal specs can be merged.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::ClusterBy;
/// let spec = TallySpec { cluster: ClusterBy::Viewer.hashed(2), ..TallySpec::default() };
/// assert!(Tally::of(&log, &spec)?.clusters() <= 4);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TallySpec {
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// The position models, one or more: all are summed in one pass.
    pub attentions: Vec<Attention>,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
    /// The groups kept apart.
    pub strata: StratifyBy,
    /// The windows of time kept apart.
    pub windows: WindowBy,
}

impl Default for TallySpec {
    /// By viewer, with uniform attention, nothing kept apart.
    fn default() -> Self {
        Self {
            cluster: ClusterBy::default(),
            attentions: vec![Attention::default()],
            multi_label: MultiLabel::default(),
            strata: StratifyBy::default(),
            windows: WindowBy::default(),
        }
    }
}

impl TallySpec {
    /// Whether there is something to sum, and all parameters lie in their ranges.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.attentions.is_empty() {
            return Err(Error::Parameter {
                parameter: "the number of attention models",
                value: "0".to_owned(),
                expected: "1 or more",
            });
        }
        self.attentions.iter().try_for_each(Attention::check)?;
        self.cluster.check()?;
        self.windows.check()
    }
}

/// Sums over the impressions of each cluster, by cell (arm, stratum, window, topic).
///
/// Each arm in each stratum and window has one cell per topic, one for all impressions and one
/// for tagged ones. Only sums that are not zero take room. Counts are whole numbers and masses
/// [fixed-point](Mass), so that a tally is the same, bit for bit, for any order of the rows, any
/// number of threads and any split of the log.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("who", &["ada", "ada", "bo"])
///     .text("feed", &["ranked", "ranked", "newest"])
///     .text("about", &["war", "", "war"]);
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
///
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// assert_eq!((tally.clusters(), tally.impressions()), (2, 3));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tally {
    spec: TallySpec,
    weights: Weights,
    /// Which rows of the log it is of, as far as that is known.
    kept: Vec<Keep>,
    axes: Axes,
    /// Ascending.
    keys: Vec<ClusterKey>,
    /// Of [`BLOCK`] clusters each, in the order of their keys.
    blocks: Vec<Block>,
    /// By attention model and cell.
    squares: Vec<Vec<Squares>>,
    impressions: u64,
    /// Of the rows that were labelled by hand, if there are any.
    labelled: Option<Box<Tally>>,
}

/// By spec and sums: what the columns were called that they were made of is no part of it.
impl PartialEq for Tally {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
            && self.axes == other.axes
            && self.keys == other.keys
            && self.blocks == other.blocks
            && self.squares == other.squares
            && self.impressions == other.impressions
            && self.labelled == other.labelled
    }
}

/// Sums of squared masses in a cell over all clusters, for the naive variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Squares {
    /// Sum of the squares of what the impressions give to the cell.
    pub own: Mass,
    /// Sum of the products of that with the impressions' whole masses. Differs from `own` for
    /// topics under [`MultiLabel::Fractional`] only.
    pub cross: Mass,
}

impl Squares {
    fn checked_add(self, more: Self) -> Option<Self> {
        Some(Self {
            own: self.own.checked_add(more.own)?,
            cross: self.cross.checked_add(more.cross)?,
        })
    }
}

impl std::ops::AddAssign for Squares {
    fn add_assign(&mut self, more: Self) {
        self.own += more.own;
        self.cross += more.cross;
    }
}

/// The sums of a cell: over all clusters, or of one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellSum {
    /// How many impressions.
    pub count: u64,
    /// Their mass.
    pub mass: Mass,
}

impl std::ops::AddAssign for CellSum {
    fn add_assign(&mut self, more: Self) {
        self.count += more.count;
        self.mass += more.mass;
    }
}

impl Tally {
    /// Tallies a log, on the threads of the current `rayon` pool.
    ///
    /// # Errors
    /// [`Error::MissingRole`] or [`Error::UnknownColumn`] when the log lacks what the spec needs
    /// (its arms always); [`Error::Parameter`]; [`Error::TooManyCells`]; [`Error::KeyCollision`].
    pub fn of(log: &ExposureLog, spec: &TallySpec) -> Result<Self, Error> {
        Self::of_within(log, spec, usize::MAX)
    }

    /// The same, if what it takes for its cells and keys is no more than so many bytes.
    ///
    /// # Errors
    /// Those of [`Tally::of`]; [`Error::MemoryLimit`].
    pub(crate) fn of_within(
        log: &ExposureLog,
        spec: &TallySpec,
        bytes: usize,
    ) -> Result<Self, Error> {
        let tally = kernel::tally(log, spec, bytes)?;
        Ok(Self { labelled: labelled::of(log, spec, bytes)?, ..tally })
    }

    /// What is summed, and by what.
    #[must_use]
    pub fn spec(&self) -> &TallySpec {
        &self.spec
    }

    /// The arms, strata, windows and topics.
    #[must_use]
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// How many clusters there are.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.keys.len()
    }

    /// The clusters' keys, ascending: the order of clusters in all that is made from a tally.
    #[must_use]
    pub fn keys(&self) -> &[ClusterKey] {
        &self.keys
    }

    /// What the impressions were weighed by, as far as that is known. Tallies that differ in nothing else
    /// are equal.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Which rows of the log were asked for, all of which hold; all rows if empty. A tally that another program
    /// made does not know it.
    #[must_use]
    pub fn kept(&self) -> &[Keep] {
        &self.kept
    }

    /// Says which rows this was made of.
    pub(crate) fn of_rows(&mut self, kept: &[Keep]) {
        self.kept = kept.to_vec();
    }

    /// Says what the impressions weigh that this was made of.
    pub(crate) fn weigh(&mut self, weights: &Weights) {
        self.weights.clone_from(weights);
    }

    /// How many impressions were summed.
    #[must_use]
    pub fn impressions(&self) -> u64 {
        self.impressions
    }

    /// How many of the impressions were labelled by hand.
    #[must_use]
    pub fn labelled_impressions(&self) -> u64 {
        self.labelled.as_ref().map_or(0, |labelled| labelled.impressions)
    }

    /// What was labelled by hand.
    pub(crate) fn labelled(&self) -> Option<&Self> {
        self.labelled.as_deref()
    }

    /// How many sums are not zero, over all clusters and cells.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.blocks.iter().map(|block| block.len() as u64).sum()
    }

    /// The place of an attention model among those of the spec.
    ///
    /// # Errors
    /// [`Error::UnknownAttention`] if it is not among them.
    pub fn attention(&self, model: &Attention) -> Result<usize, Error> {
        let place = self.spec.attentions.iter().position(|its| its == model);
        place.ok_or_else(|| Error::UnknownAttention {
            attention: model.to_string(),
            available: self.spec.attentions.iter().map(Attention::to_string).collect(),
        })
    }

    /// The sums of a cell that are not zero, under the first attention model, each with its
    /// cluster's place among the [keys](Tally::keys), ascending.
    pub fn column(&self, cell: u32) -> impl Iterator<Item = (usize, CellSum)> {
        (0..self.blocks.len()).flat_map(move |block| {
            self.column_of_block(block, cell, 0).map(move |(at, sum)| (block * BLOCK + at, sum))
        })
    }

    /// How many blocks of clusters there are.
    pub(crate) fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The places, among all, of a block's clusters.
    pub(crate) fn block_clusters(&self, block: usize) -> std::ops::Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.keys.len())
    }

    /// The sums of a cell in a block, each with its cluster's place in the block.
    pub(crate) fn column_of_block(
        &self,
        block: usize,
        cell: u32,
        attention: usize,
    ) -> impl Iterator<Item = (usize, CellSum)> {
        let block = &self.blocks[block];
        block.column(cell).map(move |entry| {
            (entry.at, CellSum { count: entry.count, mass: block.mass(entry, attention) })
        })
    }

    /// The counts of a cell in a block, each with its cluster's place in the block.
    pub(crate) fn counts_of_block(
        &self,
        block: usize,
        cell: u32,
    ) -> impl Iterator<Item = (usize, u64)> {
        self.blocks[block].column(cell).map(|entry| (entry.at, entry.count))
    }

    /// Whether mass is the count in every cell of a block.
    pub(crate) fn block_is_of_counts(&self, block: usize, attention: usize) -> bool {
        self.blocks[block].is_of_counts(attention)
    }

    /// The sum over all clusters of each cell under the first attention model, in the order of
    /// the [`Axes`].
    #[must_use]
    pub fn totals(&self) -> Vec<CellSum> {
        self.totals_under(0)
    }

    /// The sum over all clusters of each cell under an attention model, by its place in the spec.
    pub(crate) fn totals_under(&self, attention: usize) -> Vec<CellSum> {
        let mut totals = vec![CellSum::default(); self.axes.cells()];
        for block in &self.blocks {
            let of_counts = block.is_of_counts(attention);
            for (cell, entries) in block.columns() {
                let total = if of_counts {
                    let count = entries.map(|entry| entry.count).sum();
                    CellSum { count, mass: Mass::of_count(count) }
                } else {
                    entries.fold(CellSum::default(), |mut total, entry| {
                        let mass = block.mass(entry, attention);
                        total += CellSum { count: entry.count, mass };
                        total
                    })
                };
                totals[cell as usize] += total;
            }
        }
        totals
    }

    /// The sums of squares of a cell under the first attention model; zero for one that the axes
    /// do not have.
    #[must_use]
    pub fn squares(&self, cell: u32) -> Squares {
        self.squares_under(0, cell)
    }

    pub(crate) fn squares_under(&self, attention: usize, cell: u32) -> Squares {
        let cells = self.squares.get(attention);
        cells.and_then(|cells| cells.get(cell as usize)).copied().unwrap_or_default()
    }
}
