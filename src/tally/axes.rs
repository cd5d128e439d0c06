//! The cells of a tally: which number stands for which arm, stratum and topic.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The arms, strata and topics of a tally, each in the order of their names, and the numbering
/// of the cells they span.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::tally::{Tally, TallySpec};
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let axes = tally.axes();
/// assert_eq!(axes.topics(), ["music", "politics", "sport", "war"]);
/// let (arm, topic) = (axes.arm("ranked").unwrap(), axes.topic("war").unwrap());
/// assert_eq!(tally.totals()[axes.topic_cell(arm, 0, topic) as usize].count, 4);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axes {
    arms: Vec<String>,
    strata: Vec<String>,
    topics: Vec<String>,
}

impl Axes {
    /// The axes with the given names, which are sorted. No strata are one stratum without name.
    pub(super) fn new<'a>(
        arms: impl Iterator<Item = &'a str>,
        strata: impl Iterator<Item = &'a str>,
        topics: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let mut axes = Self { arms: sorted(arms), strata: sorted(strata), topics: sorted(topics) };
        if axes.strata.is_empty() {
            axes.strata.push(String::new());
        }
        let slabs = axes.arms.len().checked_mul(axes.strata.len());
        let cells = slabs.and_then(|slabs| slabs.checked_mul(axes.width()));
        match cells.map(u32::try_from) {
            Some(Ok(cells)) if cells < u32::MAX => Ok(axes),
            _ => Err(Error::TooManyCells {
                arms: axes.arms.len(),
                strata: axes.strata.len(),
                topics: axes.topics.len(),
            }),
        }
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

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.arms.len() * self.strata.len() * self.width()
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

    /// The cell of a topic in an arm and stratum, by their indices.
    #[must_use]
    pub fn topic_cell(&self, arm: usize, stratum: usize, topic: usize) -> u32 {
        self.slab(arm, stratum) + topic as u32
    }

    /// The cell of all impressions in an arm and stratum.
    #[must_use]
    pub fn all_cell(&self, arm: usize, stratum: usize) -> u32 {
        self.slab(arm, stratum) + self.topics.len() as u32
    }

    /// The cell of the impressions that have a topic, in an arm and stratum.
    #[must_use]
    pub fn tagged_cell(&self, arm: usize, stratum: usize) -> u32 {
        self.all_cell(arm, stratum) + 1
    }

    /// The number in `wider`, which has all these names and more, of a cell here.
    pub(super) fn cell_in(&self, cell: u32, wider: &Self) -> u32 {
        let (slab, offset) = (cell as usize / self.width(), cell as usize % self.width());
        let (arm, stratum) = (slab / self.strata.len(), slab % self.strata.len());
        let place = |names: &[String], name| index(names, name).expect("the wider axes have it");
        let arm = place(&wider.arms, &self.arms[arm]);
        let stratum = place(&wider.strata, &self.strata[stratum]);
        match self.topics.get(offset) {
            Some(topic) => wider.topic_cell(arm, stratum, place(&wider.topics, topic)),
            None => wider.all_cell(arm, stratum) + (offset - self.topics.len()) as u32,
        }
    }

    fn slab(&self, arm: usize, stratum: usize) -> u32 {
        // Axes with 2^32 cells or more are not made.
        ((arm * self.strata.len() + stratum) * self.width()) as u32
    }

    fn width(&self) -> usize {
        self.topics.len() + 2
    }
}

fn index(names: &[String], name: &str) -> Option<usize> {
    names.binary_search_by(|its| its.as_str().cmp(name)).ok()
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}
