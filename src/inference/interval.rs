//! How an interval is asked for: one enum of plain structs.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Bootstrap, BootstrapKind, BootstrapWeights, check_replicates};
use super::delta::Delta;
use super::jackknife::Jackknife;
use super::simultaneous::Simultaneous;
use super::wild::WildBootstrap;
use crate::error::Error;
use crate::estimate::Warning;

/// How intervals are made. Every method works for every statistic and unit, knows whether clusters
/// are nested in the arms or crossed with them, and says in the result that it was used.
///
/// [`crate::guide::choosing_an_interval`] says which to take.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Baseline};
/// # let audit = Audit::of(&log).treatment("ranked").baseline(Baseline::arm("newest"));
/// use tiltmeter::inference::{Automatic, WildBootstrap};
/// use tiltmeter::{Interval, MethodUsed};
/// assert_eq!(Interval::default(), Interval::Automatic(Automatic::default()));
/// let report = audit.interval(Interval::WildBootstrap(WildBootstrap::default())).run()?;
/// assert_eq!(report.estimates()[0].method, Some(MethodUsed::WildBootstrap));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interval {
    /// The delta method, or a bootstrap where that would be too short.
    Automatic(Automatic),
    /// The cluster-robust delta method.
    Delta(Delta),
    /// The cluster bootstrap: percentile, basic, BCa, studentised; Poisson or multinomial.
    Bootstrap(Bootstrap),
    /// The delete-one jackknife over clusters.
    Jackknife(Jackknife),
    /// The wild cluster bootstrap, for few clusters.
    WildBootstrap(WildBootstrap),
    /// Bands that hold for all topics at once.
    Simultaneous(Simultaneous),
}

/// The delta method with Student's t; where there are fewer than 10 clusters in an arm, or an arm
/// shows nothing but the topic or nothing of it while the statistic has a value, the studentised
/// multinomial bootstrap. The result says which was used.
///
/// Costs what the delta method costs, and with few clusters a bootstrap of those few.
///
/// ```
/// use tiltmeter::inference::Automatic;
/// let automatic = Automatic { level: 0.9, ..Automatic::default() };
/// assert_eq!((automatic.replicates, automatic.seed), (1_999, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Automatic {
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// Replicates where a bootstrap is made, from 2 to 1,000,000.
    pub replicates: u32,
    /// The seed of its random numbers.
    pub seed: u64,
}

impl Default for Automatic {
    /// 95%, 1,999 replicates, seed 0.
    fn default() -> Self {
        Self { level: 0.95, replicates: 1_999, seed: 0 }
    }
}

impl Automatic {
    fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)?;
        check_replicates(self.replicates)
    }

    /// The method for an estimate with these warnings.
    fn method(&self, warnings: &[Warning]) -> Interval {
        let Self { level, replicates, seed } = *self;
        let calls = |warning: &Warning| {
            use Warning::{FewClusters, FullShare, ZeroShare};
            matches!(warning, FewClusters { .. } | ZeroShare { .. } | FullShare { .. })
        };
        if !warnings.iter().any(calls) {
            return Interval::Delta(Delta { level, ..Delta::default() });
        }
        Interval::Bootstrap(Bootstrap {
            level,
            replicates,
            seed,
            kind: BootstrapKind::Studentised,
            weights: BootstrapWeights::Multinomial,
        })
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self::Automatic(Automatic::default())
    }
}

impl Interval {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Automatic(method) => method.check(),
            Self::Delta(method) => method.check(),
            Self::Bootstrap(method) => method.check(),
            Self::Jackknife(method) => method.check(),
            Self::WildBootstrap(method) => method.check(),
            Self::Simultaneous(method) => method.check(),
        }
    }

    pub(super) const fn level(&self) -> f64 {
        match self {
            Self::Automatic(method) => method.level,
            Self::Delta(method) => method.level,
            Self::Bootstrap(method) => method.level,
            Self::Jackknife(method) => method.level,
            Self::WildBootstrap(method) => method.level,
            Self::Simultaneous(method) => method.level,
        }
    }

    /// The method for an estimate with these warnings.
    pub(super) fn settled(&self, warnings: &[Warning]) -> Self {
        match self {
            Self::Automatic(method) => method.method(warnings),
            other => *other,
        }
    }

    /// The fewest clusters in an arm that the method can bear without a warning of its own.
    pub(super) fn enough(&self) -> u64 {
        match self {
            Self::Bootstrap(method) => method.enough(),
            Self::Simultaneous(_) => 20,
            _ => 0,
        }
    }
}
