//! The tally: what each cluster was shown, as sums by arm, stratum and topic. It adds and never
//! divides; everything after it works on these sums alone.

mod axes;
mod cluster;
mod kernel;
mod mass;
mod merge;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::axes::Axes;
pub use self::cluster::{ClusterBy, MAX_BUCKET_BITS, StratifyBy};
pub use self::mass::Mass;
use crate::attention::Attention;
use crate::error::Error;
use crate::log::{ClusterKey, ExposureLog};

/// How an impression with several topics counts for each of them.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Baseline};
/// # let audit = Audit::of(&log).treatment("ranked").baseline(Baseline::arm("newest"));
/// use tiltmeter::MultiLabel;
/// let report = audit.multi_label(MultiLabel::Fractional).topics(["war"]).run()?;
/// let mass = report.estimates()[0].treatment.topic;
/// assert!((mass - 3.5).abs() < 1e-9); // one of four impressions is about politics too
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MultiLabel {
    /// Every topic gets the whole mass; shares may add up to more than 1.
    #[default]
    Full,
    /// Each of n topics gets one n-th of the mass.
    Fractional,
}

impl fmt::Display for MultiLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Fractional => "fractional",
        })
    }
}

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TallySpec {
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// The position model.
    pub attention: Attention,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
    /// The groups kept apart.
    pub strata: StratifyBy,
}

/// Sums over the impressions of each cluster, by cell (arm, stratum, topic).
///
/// Each (arm, stratum) has one cell per topic, one for all impressions and one for tagged ones.
/// A cluster's row holds its non-zero cells only. Counts are whole numbers and masses
/// [fixed-point](Mass), so that a tally is the same, bit for bit, for any order of the rows.
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
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    spec: TallySpec,
    axes: Axes,
    keys: Vec<ClusterKey>,
    /// For each cluster, where its cells end; they start where the cluster before it ends.
    ends: Vec<usize>,
    cells: Vec<u32>,
    counts: Vec<u64>,
    masses: Vec<Mass>,
    /// For each cell of the axes.
    squares: Vec<Squares>,
    impressions: u64,
}

/// Sums of squared masses in a cell over all clusters, for the naive variance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Squares {
    /// Sum of the squares of what the impressions give to the cell.
    pub own: Mass,
    /// Sum of the products of that with the impressions' whole masses. Differs from `own` for
    /// topics under [`MultiLabel::Fractional`] only.
    pub cross: Mass,
}

/// One non-zero cell of a cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellSum {
    /// The cell's number in the [`Axes`].
    pub cell: u32,
    /// How many impressions.
    pub count: u64,
    /// Their mass.
    pub mass: Mass,
}

impl Tally {
    /// Tallies a log.
    ///
    /// # Errors
    /// [`Error::MissingRole`] or [`Error::UnknownColumn`] when the log lacks what the spec needs
    /// (its arms always); [`Error::Parameter`]; [`Error::TooManyCells`]; [`Error::KeyCollision`].
    pub fn of(log: &ExposureLog, spec: &TallySpec) -> Result<Self, Error> {
        kernel::tally(log, spec)
    }

    /// What is summed, and by what.
    #[must_use]
    pub fn spec(&self) -> &TallySpec {
        &self.spec
    }

    /// The arms, strata and topics.
    #[must_use]
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// How many clusters there are.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.keys.len()
    }

    /// How many impressions were summed.
    #[must_use]
    pub fn impressions(&self) -> u64 {
        self.impressions
    }

    /// The clusters in the order of their keys, each with its non-zero cells in ascending order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (ClusterKey, Row<'_>)> {
        self.keys.iter().enumerate().map(|(cluster, &key)| {
            let start = cluster.checked_sub(1).map_or(0, |before| self.ends[before]);
            let range = start..self.ends[cluster];
            let row = Row {
                cells: &self.cells[range.clone()],
                counts: &self.counts[range.clone()],
                masses: &self.masses[range],
            };
            (key, row)
        })
    }

    /// The sum over all clusters of each cell, in the order of the [`Axes`].
    #[must_use]
    pub fn totals(&self) -> Vec<CellSum> {
        let mut totals: Vec<CellSum> = (0..self.squares.len() as u32)
            .map(|cell| CellSum { cell, count: 0, mass: Mass::ZERO })
            .collect();
        for ((&cell, &count), &mass) in self.cells.iter().zip(&self.counts).zip(&self.masses) {
            let total = &mut totals[cell as usize];
            total.count += count;
            total.mass += mass;
        }
        totals
    }

    /// The sums of squares of a cell; zero for one that the axes do not have.
    #[must_use]
    pub fn squares(&self, cell: u32) -> Squares {
        self.squares.get(cell as usize).copied().unwrap_or_default()
    }
}

/// The non-zero cells of one cluster, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'t> {
    cells: &'t [u32],
    counts: &'t [u64],
    masses: &'t [Mass],
}

impl Row<'_> {
    /// The sums of a cell; zero where the cluster has none.
    #[must_use]
    pub fn get(&self, cell: u32) -> CellSum {
        match self.cells.binary_search(&cell) {
            Ok(at) => self.at(at),
            Err(_) => CellSum { cell, count: 0, mass: Mass::ZERO },
        }
    }

    /// The non-zero cells.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CellSum> {
        (0..self.cells.len()).map(|at| self.at(at))
    }

    fn at(&self, at: usize) -> CellSum {
        CellSum { cell: self.cells[at], count: self.counts[at], mass: self.masses[at] }
    }
}
