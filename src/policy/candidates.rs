//! What a policy chooses from: a request and its candidates, simulated or from a real log.

use crate::base::draws::{Purpose, stream};
use crate::error::Error;
use crate::error::range::out;

/// What may be known of candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Feature {
    /// The numbers of their sets of topics, in [`TopicSets`](crate::policy::TopicSets).
    Topics,
    /// Who published them.
    Creators,
    /// When they were published.
    Births,
    /// Their leanings.
    Leanings,
    /// Their qualities.
    Qualities,
    /// How much the viewer likes them, or what a platform believes of it.
    Affinities,
}

impl Feature {
    const ALL: [Self; 6] = [
        Self::Topics,
        Self::Creators,
        Self::Births,
        Self::Leanings,
        Self::Qualities,
        Self::Affinities,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Creators => "creators",
            Self::Births => "births",
            Self::Leanings => "leanings",
            Self::Qualities => "qualities",
            Self::Affinities => "affinities",
        }
    }
}

/// The candidates of one request, as columns of one length; what is not known is empty.
///
/// ```
/// use tiltmeter::policy::Candidates;
/// let pool = Candidates {
///     items: vec![10, 11, 12],
///     births: vec![5, 9, 7], // microseconds since 1970-01-01T00:00:00Z
///     ..Candidates::default()
/// };
/// assert_eq!(pool.len(), 3);
/// pool.check()?;
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// The items, as numbers of the caller's: learning policies keep what they know under them.
    pub items: Vec<u32>,
    /// The number of the set of topics of each.
    pub topics: Vec<u32>,
    /// Who published each, as numbers of the caller's.
    pub creators: Vec<u32>,
    /// When each was published, in microseconds since 1970-01-01T00:00:00Z.
    pub births: Vec<i64>,
    /// The leaning of each: below 0 left, above 0 right.
    pub leanings: Vec<f32>,
    /// The quality of each, above 0.
    pub qualities: Vec<f32>,
    /// How much the viewer likes each, or is believed to: not negative.
    pub affinities: Vec<f32>,
}

impl Candidates {
    /// How many candidates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn length_of(&self, feature: Feature) -> usize {
        match feature {
            Feature::Topics => self.topics.len(),
            Feature::Creators => self.creators.len(),
            Feature::Births => self.births.len(),
            Feature::Leanings => self.leanings.len(),
            Feature::Qualities => self.qualities.len(),
            Feature::Affinities => self.affinities.len(),
        }
    }

    /// Whether every column is empty or as long as the items, and numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Candidates`] for the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        for feature in Feature::ALL {
            let length = self.length_of(feature);
            if length != 0 && length != self.len() {
                let detail = format!("{length} {} for {} items", feature.name(), self.len());
                return Err(Error::Candidates { detail });
            }
        }
        let finite = self.leanings.iter().all(|leaning| leaning.is_finite());
        let not_negative = |values: &[f32]| values.iter().all(|v| v.is_finite() && *v >= 0.0);
        if finite && not_negative(&self.qualities) && not_negative(&self.affinities) {
            return Ok(());
        }
        let detail = "a leaning, quality or affinity that is not finite, or a quality or affinity \
                      below 0";
        Err(Error::Candidates { detail: detail.to_owned() })
    }

    /// Whether a feature is known.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.length_of(feature) == self.len()
    }

    /// Whether all that a policy needs is known.
    pub(super) fn require(&self, features: &[Feature], policy: &str) -> Result<(), Error> {
        match features.iter().find(|feature| !self.has(**feature)) {
            None => Ok(()),
            Some(missing) => Err(Error::Candidates {
                detail: format!("no {}, which the policy {policy} needs", missing.name()),
            }),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.topics.clear();
        self.creators.clear();
        self.births.clear();
        self.leanings.clear();
        self.qualities.clear();
        self.affinities.clear();
    }
}

/// A viewer asks for a slate.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What may be shown.
    pub candidates: &'a Candidates,
    /// Who asks, as a number of the caller's.
    pub viewer: u32,
    /// The viewer's stratum, as a place in the list of strata that the policy was made for.
    pub stratum: u16,
    /// The viewer's leaning: below 0 left, above 0 right.
    pub leaning: f32,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The seed of the random numbers of the whole feed.
    pub seed: u64,
    /// The number of the request among the viewer's: other requests draw other numbers.
    pub number: u32,
}

impl<'a> Request<'a> {
    /// A request of viewer 0 at time 0 for some of these, with seed 0.
    #[must_use]
    pub const fn new(candidates: &'a Candidates) -> Self {
        Self { candidates, viewer: 0, stratum: 0, leaning: 0.0, time: 0, seed: 0, number: 0 }
    }

    /// A random number for the policy's own use, uniform between 0 and 1: the same for the same seed,
    /// viewer, request and place.
    #[must_use]
    pub fn uniform(&self, place: u32) -> f64 {
        self.uniforms(place / 4)[place as usize % 4]
    }

    /// Four random numbers at once: [`uniform`](Self::uniform) at four times this place, and at the next
    /// three.
    #[must_use]
    pub fn uniforms(&self, block: u32) -> [f64; 4] {
        let stream = stream(self.seed, Purpose::Policy, self.viewer, self.number);
        stream.words(block).map(|word| (f64::from(word) + 0.5) / 4_294_967_296.0)
    }
}

/// Whether a slate may have this length.
pub(super) fn check_length(length: usize) -> Result<(), Error> {
    if length == 0 { Err(out("the length of a slate", length, "at least 1")) } else { Ok(()) }
}
