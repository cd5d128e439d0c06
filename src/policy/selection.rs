//! From weights to a slate, with propensities.

use serde::{Deserialize, Serialize};

use super::candidates::{Candidates, Request, check_length};
use super::{Policy, Propensities};
use crate::base::draws::{Draws, Purpose, stream};
use crate::error::Error;
use crate::error::range::{out, probability};
use crate::policy::plackett_luce::{PlackettLuce, propensities};

/// How a slate is made of a policy's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Selection {
    /// Rank by rank, each candidate that is left with probability in proportion to its weight
    /// (Plackett 1975, doi 10.2307/2346567). Every propensity is known and, for weights above 0,
    /// above 0.
    #[default]
    PlackettLuce,
    /// The candidates of the greatest weights; of equal ones, whichever comes first. Propensities
    /// are 1.
    Top,
    /// Rank by rank, the candidate of the greatest weight that is left, or with probability
    /// `epsilon` any that is left, all alike.
    EpsilonGreedy {
        /// The probability of exploring, from 0 to 1.
        epsilon: f64,
    },
    /// Maximal marginal relevance (Carbonell and Goldstein 1998, doi 10.1145/290941.291025): rank by
    /// rank, the candidate with the most of `relevance * weight / greatest weight` less
    /// `(1 - relevance) * similarity` to the most similar one above; of equal ones the one of the greatest
    /// weight. [`Policy::similarity`] says how alike two are. Propensities are 1.
    Diversified {
        /// What weights count for, from 0 to 1; diversity counts for the rest.
        relevance: f64,
    },
}

impl Selection {
    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not.
    pub fn check(self) -> Result<(), Error> {
        match self {
            Self::PlackettLuce | Self::Top => Ok(()),
            Self::EpsilonGreedy { epsilon } => probability("Selection::EpsilonGreedy", epsilon),
            Self::Diversified { relevance } => probability("Selection::Diversified", relevance),
        }
    }
}

/// A ranked list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slate {
    /// By rank, the place of the item among the candidates.
    pub places: Vec<u32>,
    /// By rank, the probability of this item at this rank given those above it, in (0, 1]; `None`
    /// where the policy cannot tell.
    pub propensities: Option<Vec<f64>>,
}

/// The slate that a policy gives to a request: its candidates may be those of a real log.
///
/// ```
/// use tiltmeter::policy::{ReverseChronological, slate};
/// use tiltmeter::policy::{Candidates, Request};
/// let pool = Candidates { items: vec![7, 8, 9], births: vec![30, 10, 20], ..Candidates::default() };
/// let slate = slate(&ReverseChronological, &Request::new(&pool), 2)?;
/// assert_eq!(slate.places, [0, 2]); // items 7 and 9, the newest first
/// assert_eq!(slate.propensities, Some(vec![1.0, 1.0]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for a length of 0; [`Error::Candidates`] where columns of the candidates are
/// of several lengths, or lack what the policy needs; [`Error::PolicyWeight`] where the policy gives
/// a weight that is not finite or below 0.
pub fn slate(policy: &dyn Policy, request: &Request<'_>, length: usize) -> Result<Slate, Error> {
    check_length(length)?;
    policy.selection().check()?;
    request.candidates.check()?;
    request.candidates.require(&policy.needs(), &policy.name())?;
    let mut chooser = Chooser::default();
    chooser.choose(policy, request, length)?;
    let propensities = match policy.propensities() {
        Propensities::Known => Some(chooser.propensities),
        Propensities::Unknown => None,
    };
    Ok(Slate { places: chooser.places, propensities })
}

/// Makes slates, one after the other, in the same memory.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    weights: Vec<f64>,
    order: Vec<u32>,
    /// Of those in `order`, how alike they are to the most similar one chosen.
    nearest: Vec<f64>,
    plackett_luce: PlackettLuce,
    /// By rank, the place among the candidates.
    pub(crate) places: Vec<u32>,
    /// By rank; of no meaning where the policy's propensities are unknown.
    pub(crate) propensities: Vec<f64>,
}

impl Chooser {
    /// Candidates are taken to be well-formed and to have what the policy needs.
    pub(crate) fn choose(
        &mut self,
        policy: &dyn Policy,
        request: &Request<'_>,
        length: usize,
    ) -> Result<(), Error> {
        self.weights.clear();
        self.weights.resize(request.candidates.len(), 0.0);
        self.places.clear();
        self.propensities.clear();
        policy.weigh(request, &mut self.weights);
        let sound = |weight: &f64| (0.0..f64::INFINITY).contains(weight);
        // Looked at all together, weights are compared several at a time.
        if !self.weights.iter().fold(true, |all, weight| all & sound(weight)) {
            let bad = self.weights.iter().find(|weight| !sound(weight));
            let weight = bad.copied().unwrap_or_default().to_string();
            return Err(Error::PolicyWeight { policy: policy.name(), weight });
        }
        match policy.selection() {
            Selection::PlackettLuce => {
                let stream = stream(request.seed, Purpose::Slate, request.viewer, request.number);
                self.plackett_luce.slate(&self.weights, length, stream, &mut self.places);
                propensities(&self.weights, &self.places, &mut self.propensities);
            }
            Selection::Top => {
                self.top(length);
                self.propensities.resize(self.places.len(), 1.0);
            }
            Selection::EpsilonGreedy { epsilon } => self.epsilon_greedy(request, length, epsilon),
            Selection::Diversified { relevance } => {
                self.diversified(policy, request.candidates, length, relevance);
                self.propensities.resize(self.places.len(), 1.0);
            }
        }
        Ok(())
    }

    /// The places of weights above 0, the greatest first.
    fn top(&mut self, length: usize) {
        let weights = &self.weights;
        let order =
            |a: &u32, b: &u32| weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b));
        let with_weight = (0..weights.len() as u32).filter(|place| weights[*place as usize] > 0.0);
        self.places.extend(with_weight);
        if length < self.places.len() {
            self.places.select_nth_unstable_by(length, order);
            self.places.truncate(length);
        }
        self.places.sort_unstable_by(order);
    }

    fn epsilon_greedy(&mut self, request: &Request<'_>, length: usize, epsilon: f64) {
        self.top(usize::MAX);
        self.order.clear();
        self.order.append(&mut self.places);
        let mut draws = Draws::new(request.seed, Purpose::Slate, request.viewer, request.number);
        while self.places.len() < length && !self.order.is_empty() {
            let left = self.order.len();
            let explores = draws.happens(epsilon);
            let at = if explores { draws.below(left as u32) as usize } else { 0 };
            let greedy = if at == 0 { 1.0 - epsilon } else { 0.0 };
            self.propensities.push(greedy + epsilon / left as f64);
            self.places.push(self.order.remove(at));
        }
    }

    fn diversified(
        &mut self,
        policy: &dyn Policy,
        candidates: &Candidates,
        length: usize,
        relevance: f64,
    ) {
        let greatest = self.weights.iter().copied().fold(0.0, f64::max);
        self.top(usize::MAX);
        self.order.clear();
        self.order.append(&mut self.places);
        self.nearest.clear();
        self.nearest.resize(self.order.len(), 0.0);
        while self.places.len() < length && !self.order.is_empty() {
            let value = |at: usize| {
                let weight = self.weights[self.order[at] as usize] / greatest;
                relevance * weight - (1.0 - relevance) * self.nearest[at]
            };
            // Candidates stand in the order of their weights, so the first of equals is the heaviest.
            let (mut best, mut most) = (0, value(0));
            for at in 1..self.order.len() {
                let value = value(at);
                if value > most {
                    (best, most) = (at, value);
                }
            }
            let chosen = self.order.remove(best);
            self.nearest.remove(best);
            for (nearest, &other) in self.nearest.iter_mut().zip(&self.order) {
                let similarity = policy.similarity(candidates, chosen as usize, other as usize);
                *nearest = nearest.max(similarity);
            }
            self.places.push(chosen);
        }
    }
}

/// Whether a slate may be asked for with this many candidates.
pub(crate) fn check_slate(length: u32) -> Result<(), Error> {
    match length {
        1..=255 => Ok(()),
        _ => Err(out("the length of slates", length, "from 1 to 255")),
    }
}
