//! How an interval is asked for: one enum of plain structs.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Bootstrap, BootstrapKind, BootstrapWeights, check_replicates};
use super::delta::{self, Delta};
use super::jackknife::Jackknife;
use super::simultaneous::Simultaneous;
use super::wild::WildBootstrap;
use super::{Case, Doubt};
use crate::error::Error;
use crate::estimate::{NoInterval, Warning};

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
    /// The delta method, or where that would be too short the jackknife or a bootstrap.
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

/// The method that covers, by what the log is like:
///
/// - where one of these warnings fires, the jackknife: fewer than 10 clusters in an arm
///   ([`Warning::FewClusters`]), few clusters that carry the topic ([`Warning::FewTopicClusters`]), or
///   an arm that shows nothing but the topic or nothing of it while the statistic has a value;
/// - where the jackknife then has no interval, since all rests on one cluster, the studentised
///   multinomial bootstrap, which often says that there is no bound on one side;
/// - else the delta method with Student's t.
///
/// The result says which was used. In simulations its 95% intervals cover 92% to 99% where the delta
/// method's cover as little as 81% ([`crate::guide::choosing_an_interval`]): what makes the delta
/// method too short is not so much few clusters as unequal ones and topics that few of them show,
/// and there the jackknife, which sees what each cluster changes, is the better of all methods.
///
/// Costs two passes over the clusters; where a topic hangs on one cluster a bootstrap, which is a
/// pass for each replicate: about a second for a topic of 100,000 clusters.
///
/// ```
/// use tiltmeter::inference::Automatic;
/// let automatic = Automatic { level: 0.9, ..Automatic::default() };
/// assert_eq!((automatic.replicates, automatic.seed), (1_999, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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

    /// The interval by the method that an estimate with these warnings asks for.
    pub(super) fn doubt(&self, case: &Case<'_>, warnings: &mut Vec<Warning>) -> Doubt {
        use Warning::{FewClusters, FewTopicClusters, FullShare, ZeroShare};
        let calls = |warning: &Warning| {
            matches!(
                warning,
                FewClusters { .. } | FewTopicClusters { .. } | ZeroShare { .. } | FullShare { .. }
            )
        };
        // The jackknife knows nothing of an error that is not of the clusters.
        if warnings.iter().any(calls) && !case.influence.has_baseline() {
            let doubt = Jackknife { level: self.level }.doubt(case);
            return match doubt.interval {
                Err(NoInterval::LeavingOneOut) => self.bootstrap(case, warnings),
                _ => doubt,
            };
        }
        let method = Delta { level: self.level, ..Delta::default() };
        delta::delta(case.at, case.statistic.scale(), case.influence.variance(), &method)
    }

    fn bootstrap(&self, case: &Case<'_>, warnings: &mut Vec<Warning>) -> Doubt {
        let method = Bootstrap {
            level: self.level,
            replicates: self.replicates,
            seed: self.seed,
            kind: BootstrapKind::Studentised,
            weights: BootstrapWeights::Multinomial,
        };
        let replicated = method.replicate(case);
        warnings.extend(replicated.warning());
        let value = (case.at, case.statistic.scale());
        replicated.doubt(value, case.contributions.summary(), Some(&case.influence), &method)
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

    pub(crate) const fn level(&self) -> f64 {
        match self {
            Self::Automatic(method) => method.level,
            Self::Delta(method) => method.level,
            Self::Bootstrap(method) => method.level,
            Self::Jackknife(method) => method.level,
            Self::WildBootstrap(method) => method.level,
            Self::Simultaneous(method) => method.level,
        }
    }

    /// The fewest clusters in an arm that the method can bear without a warning of its own.
    pub(super) fn enough(&self) -> u64 {
        match self {
            Self::Bootstrap(method) => method.enough(),
            Self::Simultaneous(_) => 25,
            _ => 0,
        }
    }
}
