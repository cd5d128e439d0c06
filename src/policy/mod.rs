//! Ranking policies: what a feed shows of what it could show. One trait, for simulated candidates and
//! for real ones; how a slate is made of weights stands in `selection`. It knows nothing of arms or
//! experiments.

mod adagrad;
mod affinity;
mod bandit;
mod bias;
mod candidates;
mod chronological;
mod config;
mod factors;
mod logistic;
mod own;
mod per;
pub mod plackett_luce;
mod popularity;
mod power;
mod random;
mod selected;
mod selection;
mod setting;
mod similarity;
mod topic_sets;

use std::fmt;

pub use self::affinity::Affinity;
pub use self::bandit::{ArmRecord, Bandit, BanditPolicy, BanditRule};
pub use self::bias::{Audience, Bias, Biased, Side, Target};
pub use self::candidates::{Candidates, Feature, Request};
pub use self::chronological::ReverseChronological;
pub use self::config::{PolicyConfig, Ranker};
pub use self::factors::{Factors, FactorsPolicy};
pub use self::logistic::{Logistic, LogisticPolicy, Term};
pub use self::own::OwnPolicy;
pub use self::per::Per;
pub use self::popularity::{Popularity, PopularityPolicy};
pub use self::random::Random;
pub use self::selected::Selected;
pub(crate) use self::selection::Chooser;
pub(crate) use self::selection::check_slate;
pub use self::selection::{Selection, Slate, slate};
pub use self::setting::Setting;
pub use self::topic_sets::TopicSets;

/// Decides what is shown.
///
/// A policy weighs candidates; its [`Selection`] makes slates of the weights. So a bias is a factor
/// on weights whatever the policy, and under [`Selection::PlackettLuce`] it is a factor on the odds
/// of being chosen next.
///
/// ```
/// use tiltmeter::policy::{Feature, Policy, Selection, slate};
/// use tiltmeter::policy::{Candidates, Request};
///
/// /// Shows what viewers are believed to like least.
/// #[derive(Debug)]
/// struct Contrary;
///
/// impl Policy for Contrary {
///     fn name(&self) -> String {
///         "contrary".to_owned()
///     }
///     fn needs(&self) -> Vec<Feature> {
///         vec![Feature::Affinities]
///     }
///     fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
///         for (weight, affinity) in weights.iter_mut().zip(&request.candidates.affinities) {
///             *weight = 1.0 / (0.01 + f64::from(*affinity));
///         }
///     }
///     fn selection(&self) -> Selection {
///         Selection::Top
///     }
/// }
///
/// let pool = Candidates { items: vec![1, 2], affinities: vec![2.0, 0.5], ..Candidates::default() };
/// assert_eq!(slate(&Contrary, &Request::new(&pool), 1)?.places, [1]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
pub trait Policy: fmt::Debug + Send + Sync {
    /// Its name, for messages.
    fn name(&self) -> String;

    /// What it needs to know of candidates.
    fn needs(&self) -> Vec<Feature>;

    /// Puts down how much each candidate is wanted: finite and not negative; one of weight 0 is
    /// never shown. `weights` has a place for each candidate, and holds zeros. The same request must
    /// give the same weights until the policy learns: random numbers come from
    /// [`Request::uniform`].
    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]);

    /// How slates are made of the weights.
    fn selection(&self) -> Selection {
        Selection::PlackettLuce
    }

    /// How alike two candidates are, from 0 to 1, for [`Selection::Diversified`]; given are their places.
    /// By itself half for the same set of topics and half for the same creator, as far as they are
    /// known. [`Selected`] knows which topics sets have in common.
    fn similarity(&self, candidates: &Candidates, a: usize, b: usize) -> f64 {
        similarity::by_number(candidates, a, b)
    }

    /// Whether the propensities of its [`selection`](Self::selection) are its own: not where weights
    /// are themselves drawn.
    fn propensities(&self) -> Propensities {
        Propensities::Known
    }

    /// Whether [`learn`](Self::learn) does anything.
    fn learning(&self) -> Learning {
        Learning::Never
    }

    /// Learns from what was shown and what came of it, in the order of viewers and of their time.
    fn learn(&mut self, _shown: &[Shown]) {}
}

/// Whether a policy can tell its propensities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propensities {
    /// Those of its selection.
    Known,
    /// It cannot tell.
    Unknown,
}

/// Whether a policy learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// It stays as it is.
    Never,
    /// From what was shown to its own viewers, after every round.
    EveryRound,
}

/// An impression as a policy learns from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Who saw it.
    pub viewer: u32,
    /// The viewer's stratum.
    pub stratum: u16,
    /// The viewer's leaning.
    pub viewer_leaning: f32,
    /// What was shown.
    pub item: u32,
    /// The number of the item's set of topics.
    pub topics: u32,
    /// Who published it.
    pub creator: u32,
    /// The item's leaning.
    pub leaning: f32,
    /// Microseconds since it was published.
    pub age: i64,
    /// Its 1-based rank.
    pub position: u32,
    /// Whether it was clicked: 0 or 1.
    pub clicked: u8,
    /// Seconds that the viewer spent on it.
    pub dwell: f32,
}

impl Shown {
    /// An item without topics, age or leaning, shown to viewer 0 at rank 1 and not clicked.
    #[must_use]
    pub const fn of(item: u32) -> Self {
        Self {
            viewer: 0,
            stratum: 0,
            viewer_leaning: 0.0,
            item,
            topics: 0,
            creator: 0,
            leaning: 0.0,
            age: 0,
            position: 1,
            clicked: 0,
            dwell: 0.0,
        }
    }
}
