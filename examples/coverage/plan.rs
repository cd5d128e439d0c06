//! Which feeds are studied, how often.

use super::feed::{Design, Feed, Sizes};

/// The true ratio where coverage is studied: not 1, so that errors of the two arms do not cancel.
pub(crate) const RATIO: f64 = 1.5;

const CLUSTERS: [u32; 4] = [8, 20, 50, 400];
const INTRACLASS_CORRELATIONS: [f64; 3] = [0.0, 0.05, 0.3];
const SHARES: [f64; 3] = [0.005, 0.05, 0.4];

/// What is studied.
pub(crate) struct Plan {
    /// Designs with the sizes of their clusters.
    designs: &'static [(Design, Sizes)],
    studies: u32,
    /// With 400 clusters, where a study takes most of the time.
    studies_of_many: u32,
    /// Of every bootstrap.
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
        studies: 2_000,
        studies_of_many: 500,
        replicates: 999,
    };

    /// At most a minute.
    pub(crate) const QUICK: Self = Self {
        designs: &[(Design::Nested, Sizes::Constant), (Design::Nested, Sizes::HeavyTailed)],
        studies: 300,
        studies_of_many: 75,
        replicates: 399,
    };

    /// Every feed with the number of its studies; the ratio is that of coverage.
    pub(crate) fn feeds(&self) -> Vec<(Feed, u32)> {
        let mut feeds = Vec::new();
        for &(design, sizes) in self.designs {
            for share in SHARES {
                for intraclass_correlation in INTRACLASS_CORRELATIONS {
                    for clusters in CLUSTERS {
                        let studies =
                            if clusters > 100 { self.studies_of_many } else { self.studies };
                        feeds.push((
                            Feed {
                                design,
                                sizes,
                                clusters,
                                intraclass_correlation,
                                share,
                                ratio: RATIO,
                            },
                            studies,
                        ));
                    }
                }
            }
        }
        feeds
    }
}
