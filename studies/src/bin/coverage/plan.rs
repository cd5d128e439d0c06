//! Which feeds are studied, how often.

use super::cells::{Cell, cells};
use super::feed::{ExperimentDesign, Feed, Sizes};

/// The true ratio where methods are compared: not 1, so that errors of the two arms do not cancel.
pub(crate) const RATIO: f64 = 1.5;

const INTRACLASS_CORRELATIONS: [f64; 3] = [0.0, 0.05, 0.3];
const SHARES: [f64; 3] = [0.005, 0.05, 0.4];

/// What is studied.
pub(crate) struct Plan {
    /// Whether thin and lopsided feeds are.
    thin: bool,
    /// Designs of feeds, with the sizes of their clusters.
    designs: &'static [(ExperimentDesign, Sizes)],
    /// Clusters of feeds.
    clusters: &'static [u32],
    /// Of each feed and each cell.
    pub(crate) studies: u32,
    /// Of every bootstrap and permutation test.
    pub(crate) replicates: u32,
}

impl Plan {
    /// The published one.
    pub(crate) const FULL: Self = Self { thin: true, ..Self::METHODS };

    /// Feeds by number, size and likeness of clusters alone.
    pub(crate) const METHODS: Self = Self {
        thin: false,
        designs: &[
            (ExperimentDesign::Nested, Sizes::Constant),
            (ExperimentDesign::Nested, Sizes::HeavyTailed),
            (ExperimentDesign::Crossed, Sizes::Constant),
            (ExperimentDesign::Crossed, Sizes::HeavyTailed),
        ],
        clusters: &[8, 20, 50, 400],
        studies: 1_000,
        replicates: 399,
    };

    /// Thin and lopsided feeds alone.
    pub(crate) const THIN: Self = Self { designs: &[], clusters: &[], ..Self::FULL };

    /// Some seconds.
    pub(crate) const QUICK: Self = Self {
        thin: true,
        designs: &[(ExperimentDesign::Nested, Sizes::HeavyTailed)],
        clusters: &[8, 20],
        studies: 20,
        replicates: 99,
    };

    pub(crate) fn cells(&self) -> Vec<Cell> {
        if self.thin { cells() } else { Vec::new() }
    }

    /// Feeds of each design and sizes; the ratio is that of coverage.
    pub(crate) fn kinds(&self) -> Vec<Vec<Feed>> {
        self.designs.iter().map(|&(design, sizes)| self.feeds(design, sizes)).collect()
    }

    fn feeds(&self, design: ExperimentDesign, sizes: Sizes) -> Vec<Feed> {
        let mut feeds = Vec::new();
        for &clusters in self.clusters {
            for share in SHARES {
                for intraclass_correlation in INTRACLASS_CORRELATIONS {
                    feeds.push(Feed {
                        design,
                        sizes,
                        clusters,
                        intraclass_correlation,
                        share,
                        ratio: RATIO,
                    });
                }
            }
        }
        feeds
    }
}
