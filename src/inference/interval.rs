//! How an interval is asked for: one enum of plain structs.

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::delta::Delta;
use super::jackknife::Jackknife;
use super::share_bounds::ShareBounds;
use super::simultaneous::Simultaneous;
use super::wild::WildBootstrap;
use crate::error::Error;
use crate::format::word::said_by_words;

/// How intervals are made. Every method works for every statistic and unit, takes clusters nested in the
/// arms, crossed with them or partly crossed by one rule, and says in the result that it was used.
///
/// Where an arm's share does not vary over clusters, at 0 and 1 above all, a contrast of two shares has
/// [`ShareBounds`] whatever was asked for: every other method would take that arm for known.
///
/// [`crate::guide::choosing_an_interval`] says which to take.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::{ShareBounds, WildBootstrap};
/// use tiltmeter::{Interval, IntervalMethod};
/// assert_eq!(Interval::default(), Interval::ShareBounds(ShareBounds::default()));
/// let report = Audit::of(&log, &question).interval(Interval::WildBootstrap(WildBootstrap::default())).run()?;
/// assert_eq!(report.estimates()[0].method, Some(IntervalMethod::WildBootstrap));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interval {
    /// Bounds for each arm's share, put together; for statistics over strata the jackknife.
    ShareBounds(ShareBounds),
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

said_by_words!(Interval);

impl Default for Interval {
    fn default() -> Self {
        Self::ShareBounds(ShareBounds::default())
    }
}

impl Interval {
    /// The same at another confidence level, in (0, 1).
    ///
    /// ```
    /// use tiltmeter::Interval;
    /// assert_eq!("jackknife".parse::<Interval>()?.at_level(0.9), "jackknife:level=0.9".parse()?);
    /// # Ok::<(), tiltmeter::UnknownWord>(())
    /// ```
    #[must_use]
    pub fn at_level(mut self, at: f64) -> Self {
        match &mut self {
            Self::ShareBounds(ShareBounds { level, .. })
            | Self::Delta(Delta { level, .. })
            | Self::Bootstrap(Bootstrap { level, .. })
            | Self::Jackknife(Jackknife { level })
            | Self::WildBootstrap(WildBootstrap { level, .. })
            | Self::Simultaneous(Simultaneous { level, .. }) => *level = at,
        }
        self
    }

    /// Its kind, for messages.
    pub(super) const fn in_words(&self) -> &'static str {
        match self {
            Self::ShareBounds(_) => "share bounds",
            Self::Delta(_) => "the delta method",
            Self::Bootstrap(_) => "a bootstrap",
            Self::Jackknife(_) => "the jackknife",
            Self::WildBootstrap(_) => "the wild bootstrap",
            Self::Simultaneous(_) => "simultaneous bands",
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::ShareBounds(method) => method.check(),
            Self::Delta(method) => method.check(),
            Self::Bootstrap(method) => method.check(),
            Self::Jackknife(method) => method.check(),
            Self::WildBootstrap(method) => method.check(),
            Self::Simultaneous(method) => method.check(),
        }
    }

    /// The confidence level, in (0, 1).
    #[must_use]
    pub const fn level(&self) -> f64 {
        match self {
            Self::ShareBounds(method) => method.level,
            Self::Delta(method) => method.level,
            Self::Bootstrap(method) => method.level,
            Self::Jackknife(method) => method.level,
            Self::WildBootstrap(method) => method.level,
            Self::Simultaneous(method) => method.level,
        }
    }

    /// The bounds that stand for it where an arm's share does not vary.
    pub(super) fn share_bounds(&self) -> ShareBounds {
        match self {
            Self::ShareBounds(method) => *method,
            other => ShareBounds { level: other.level(), ..ShareBounds::default() },
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
