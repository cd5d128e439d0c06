//! The cells of a tally: which number stands for which arm, stratum, window and topic.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The most cells of a tally. Sums of squares are kept for each cell, empty or not: 512 MiB of them
/// at most.
const MOST_CELLS: usize = 1 << 24;

/// One arm in one stratum and window, by their indices in the [`Axes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slab {
    /// Index into [`Axes::arms`].
    pub arm: usize,
    /// Index into [`Axes::strata`].
    pub stratum: usize,
    /// Index into [`Axes::windows`].
    pub window: usize,
}

/// What a cell holds: the impressions of one topic, all of them, or those with any topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellKind {
    /// The impressions of a topic, by its index in [`Axes::topics`].
    Topic(usize),
    /// All impressions.
    All,
    /// The impressions that have a topic.
    Tagged,
}

/// The arms, strata, windows and topics of a tally, each in ascending order, and the numbering of
/// the cells they span.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::tally::{Slab, Tally, TallySpec};
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let axes = tally.axes();
/// assert_eq!(axes.topics(), ["music", "politics", "sport", "war"]);
/// let slab = Slab { arm: axes.arm("ranked").unwrap(), ..Slab::default() };
/// let war = axes.topic_cell(slab, axes.topic("war").unwrap());
/// assert_eq!(tally.totals()[war as usize].count, 4);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axes {
    arms: Vec<String>,
    strata: Vec<String>,
    windows: Vec<i64>,
    topics: Vec<String>,
}

impl Axes {
    /// The axes with the given names, which are sorted. No strata are one stratum without name,
    /// no windows one window that starts at 0.
    pub(super) fn new<'a>(
        arms: impl Iterator<Item = &'a str>,
        strata: impl Iterator<Item = &'a str>,
        windows: impl Iterator<Item = i64>,
        topics: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let mut axes = Self {
            arms: owned(arms),
            strata: owned(strata),
            windows: sorted(windows),
            topics: owned(topics),
        };
        if axes.strata.is_empty() {
            axes.strata.push(String::new());
        }
        if axes.windows.is_empty() {
            axes.windows.push(0);
        }
        axes.check()?;
        Ok(axes)
    }

    /// Whether the cells can be numbered.
    pub(super) fn check(&self) -> Result<(), Error> {
        let cells = [self.arms.len(), self.strata.len(), self.windows.len(), self.width()]
            .into_iter()
            .try_fold(1_usize, usize::checked_mul);
        match cells {
            Some(cells) if cells <= MOST_CELLS => Ok(()),
            _ => Err(self.too_many()),
        }
    }

    /// That there are more cells than a tally may have, or than can be kept.
    pub(super) fn too_many(&self) -> Error {
        Error::TooManyCells {
            arms: self.arms.len(),
            strata: self.strata.len(),
            windows: self.windows.len(),
            topics: self.topics.len(),
        }
    }

    /// Whether every axis is in strictly ascending order and none is empty but the topics, as
    /// [`Axes::new`] makes them; axes that were read from outside may not be.
    pub(super) fn are_in_order(&self) -> bool {
        fn ascend<T: Ord>(names: &[T]) -> bool {
            names.windows(2).all(|pair| pair[0] < pair[1])
        }
        ascend(&self.arms)
            && ascend(&self.strata)
            && ascend(&self.windows)
            && ascend(&self.topics)
            && !self.arms.is_empty()
            && !self.strata.is_empty()
            && !self.windows.is_empty()
    }

    /// The arms.
    #[must_use]
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// The strata; one without a name where the tally keeps none apart.
    #[must_use]
    pub fn strata(&self) -> &[String] {
        &self.strata
    }

    /// The first moment of each window, in microseconds since 1970-01-01T00:00:00Z; a single 0
    /// where the tally keeps none apart.
    #[must_use]
    pub fn windows(&self) -> &[i64] {
        &self.windows
    }

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.slab_count() * self.width()
    }

    /// The index of an arm.
    #[must_use]
    pub fn arm(&self, name: &str) -> Option<usize> {
        index(&self.arms, name)
    }

    /// The index of a topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<usize> {
        index(&self.topics, name)
    }

    /// The index of a stratum.
    #[must_use]
    pub fn stratum(&self, name: &str) -> Option<usize> {
        index(&self.strata, name)
    }

    /// The index of the window that starts at this moment.
    #[must_use]
    pub fn window(&self, start: i64) -> Option<usize> {
        self.windows.binary_search(&start).ok()
    }

    /// Every arm in every stratum and window, in the order of their cells.
    pub fn slabs(&self) -> impl Iterator<Item = Slab> {
        (0..self.slab_count()).map(|at| self.slab_at(at))
    }

    /// The cell of a topic, by its index.
    #[must_use]
    pub fn topic_cell(&self, slab: Slab, topic: usize) -> u32 {
        self.first_cell(slab) + topic as u32
    }

    /// The cell of all impressions.
    #[must_use]
    pub fn all_cell(&self, slab: Slab) -> u32 {
        self.first_cell(slab) + self.topics.len() as u32
    }

    /// The cell of the impressions that have a topic.
    #[must_use]
    pub fn tagged_cell(&self, slab: Slab) -> u32 {
        self.all_cell(slab) + 1
    }

    /// What a cell holds.
    #[must_use]
    pub fn cell(&self, cell: u32) -> (Slab, CellKind) {
        let (slab, offset) = (cell as usize / self.width(), cell as usize % self.width());
        let kind = match offset.checked_sub(self.topics.len()) {
            None => CellKind::Topic(offset),
            Some(0) => CellKind::All,
            Some(_) => CellKind::Tagged,
        };
        (self.slab_at(slab), kind)
    }

    /// By cell here, its number in `wider`, which has all these names and more.
    pub(super) fn cells_in(&self, wider: &Self) -> Vec<u32> {
        fn places<T: Ord>(names: &[T], wider: &[T]) -> Vec<usize> {
            let place = |name| wider.binary_search(name).expect("the wider axes have it");
            names.iter().map(place).collect()
        }
        let arms = places(&self.arms, &wider.arms);
        let strata = places(&self.strata, &wider.strata);
        let windows = places(&self.windows, &wider.windows);
        let topics = places(&self.topics, &wider.topics);
        let renumber = |cell| {
            let (Slab { arm, stratum, window }, kind) = self.cell(cell);
            let slab = Slab { arm: arms[arm], stratum: strata[stratum], window: windows[window] };
            match kind {
                CellKind::Topic(topic) => wider.topic_cell(slab, topics[topic]),
                CellKind::All => wider.all_cell(slab),
                CellKind::Tagged => wider.tagged_cell(slab),
            }
        };
        (0..self.cells() as u32).map(renumber).collect()
    }

    pub(super) fn slab_count(&self) -> usize {
        self.arms.len() * self.strata.len() * self.windows.len()
    }

    /// Cells of a slab: its topics, all and tagged.
    pub(super) fn width(&self) -> usize {
        self.topics.len() + 2
    }

    fn slab_at(&self, at: usize) -> Slab {
        let (rest, window) = (at / self.windows.len(), at % self.windows.len());
        Slab { arm: rest / self.strata.len(), stratum: rest % self.strata.len(), window }
    }

    fn first_cell(&self, slab: Slab) -> u32 {
        let at = (slab.arm * self.strata.len() + slab.stratum) * self.windows.len() + slab.window;
        // Axes with more cells than 32 bits can number are not made.
        (at * self.width()) as u32
    }
}

fn index(names: &[String], name: &str) -> Option<usize> {
    names.binary_search_by(|its| its.as_str().cmp(name)).ok()
}

/// Names in order, each once; copied only then, since many may be the same.
fn owned<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    sorted(names).into_iter().map(str::to_owned).collect()
}

fn sorted<T: Ord>(names: impl Iterator<Item = T>) -> Vec<T> {
    let mut names: Vec<T> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
