//! Which feeds are studied, how often.

use super::feed::{Design, Feed, Sizes};

/// The true ratio where methods are compared: not 1, so that errors of the two arms do not cancel.
pub(crate) const RATIO: f64 = 1.5;

const INTRACLASS_CORRELATIONS: [f64; 3] = [0.0, 0.05, 0.3];
const SHARES: [f64; 3] = [0.005, 0.05, 0.4];

/// What is studied.
pub(crate) struct Plan {
    /// Designs of feeds, with the sizes of their clusters.
    designs: &'static [(Design, Sizes)],
    /// Clusters of feeds.
    clusters: &'static [u32],
    /// Of each feed and each cell.
    pub(crate) studies: u32,
    /// Of every bootstrap and permutation test.
    pub(crate) replicates: u32,
}

impl Plan {
    /// The published one.
    pub(crate) const FULL: Self = Self {
        designs: &[
            (Design::Nested, Sizes::Constant),
            (Design::Nested, Sizes::HeavyTailed),
            (Design::Crossed, Sizes::Constant),
            (Design::Crossed, Sizes::HeavyTailed),
        ],
        clusters: &[8, 20, 50, 400],
        studies: 1_000,
        replicates: 399,
    };

    /// Thin and lopsided feeds alone.
    pub(crate) const THIN: Self =
        Self { designs: &[], clusters: &[], studies: 1_000, replicates: 399 };

    /// Some seconds.
    pub(crate) const QUICK: Self = Self {
        designs: &[(Design::Nested, Sizes::HeavyTailed)],
        clusters: &[8, 20],
        studies: 20,
        replicates: 99,
    };

    /// Every feed; the ratio is that of coverage.
    pub(crate) fn feeds(&self) -> Vec<Feed> {
        let mut feeds = Vec::new();
        for &(design, sizes) in self.designs {
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
        }
        feeds
    }
}
