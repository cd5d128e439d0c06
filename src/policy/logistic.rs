//! A logistic model of clicks, learned as it goes.

use serde::{Deserialize, Serialize};

use super::adagrad::{Steps, Weight};
use super::power::{probability, raise_log_odds};
use super::{Feature, Learning, Policy, Request, Shown};
use crate::base::time::DAY;
use crate::error::Error;
use crate::error::range::{not_negative, out, probability as check_probability};

/// Ranks past this one share its weight.
const LAST_RANK: usize = 255;
/// Days past which an item is as old as any.
const OLDEST: f64 = 30.0;
/// The most terms that a model can have.
const MOST_TERMS: usize = 9;

/// A logistic model of clicks that learns from every impression.
///
/// The log odds of a click are a sum of weights: one for all impressions, and one for each of
/// [`terms`](Self::terms). Weights learn by adaptive gradient descent on the log loss (AdaGrad; Duchi,
/// Hazan and Singer 2011, JMLR 12, 2121-2159): of a weight `w` with the value `x`,
///
/// `g = (p - click) * x + l2 * w`, `G <- G + g^2`, `w <- w - learning_rate * g / sqrt(G)`, from `G = 1`.
///
/// Weights of categories stand in one table under a hash of term and category (Weinberger et al. 2009,
/// arXiv 0902.2206), so that memory is bounded; categories that fall into one place share a weight. A
/// candidate's weight is the odds that the model gives it at rank 1, to the power `sharpness`, as a part
/// of the greatest of the request. Slates are Plackett-Luce's, so propensities are known.
///
/// **Right** for clicks whose log odds add up, which holds for [simulated viewers](crate::simulate::ResponseConfig)
/// whom all look at every rank: interests, quality and age are then terms of the model. **Fails** where
/// a term is missing that matters; where examination is far from certain, since it multiplies
/// probabilities and a [`Term::Rank`] adds to log odds, nearly the same only where clicks are rare; and
/// in the first rounds, when it knows nothing. Without [`Term::Rank`] what was shown at the top looks
/// better for having been there (a bias of its own towards what it showed before; as a shallow part of
/// a model, Zhao et al. 2019, doi 10.1145/3298689.3346997). **Costs** a look-up in the table per term and
/// candidate, and `8 * 2^table_bits` bytes. It learns one impression after the other on one thread.
///
/// ```
/// use tiltmeter::policy::{Logistic, LogisticPolicy, Policy, Shown, Term};
/// let model = Logistic { terms: vec![Term::Topics, Term::Rank], ..Logistic::default() };
/// let mut policy = LogisticPolicy::new(&model)?;
/// assert_eq!(policy.click_probability(&Shown::of(1)), 0.5); // nothing known yet
/// let liked = Shown { topics: 3, clicked: 1, ..Shown::of(1) };
/// let not_liked = Shown { topics: 4, ..Shown::of(2) };
/// policy.learn(&[liked, not_liked].repeat(50));
/// assert!(policy.click_probability(&liked) > 0.9);
/// assert!(policy.click_probability(&not_liked) < 0.1);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logistic {
    /// What clicks are taken to depend on; it decides what must be known of candidates. Default all.
    pub terms: Vec<Term>,
    /// The size of the first steps, from 0 to 1. Default 0.4.
    pub learning_rate: f64,
    /// How much weights are drawn towards 0 at every impression that they concern, from 0 to 1.
    /// Default 0.0001.
    pub l2: f64,
    /// The table has `2^table_bits` places; from 8 to 28. Default 18.
    pub table_bits: u32,
    /// The power of the odds: 0 is random, the greater, the more is left to the best. Default 1.
    pub sharpness: f64,
}

impl Default for Logistic {
    fn default() -> Self {
        Self {
            terms: Term::ALL.to_vec(),
            learning_rate: 0.4,
            l2: 1e-4,
            table_bits: 18,
            sharpness: 1.0,
        }
    }
}

/// What the log odds of a click depend on, in a [`Logistic`] model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Term {
    /// The item's set of topics.
    Topics,
    /// Who published it.
    Creator,
    /// The item itself.
    Item,
    /// The viewer's stratum with the set of topics.
    StratumTopics,
    /// The viewer with the set of topics: what one person likes.
    ViewerTopics,
    /// `ln(1 + d^2)`, d being the distance of the viewer's leaning and the item's.
    LeaningDistance,
    /// Days since it was published, from 0 to 30.
    Age,
    /// The rank it was shown at, against rank 1.
    Rank,
}

impl Term {
    const ALL: [Self; 8] = [
        Self::Topics,
        Self::Creator,
        Self::Item,
        Self::StratumTopics,
        Self::ViewerTopics,
        Self::LeaningDistance,
        Self::Age,
        Self::Rank,
    ];

    const fn needs(self) -> Option<Feature> {
        match self {
            Self::Topics | Self::StratumTopics | Self::ViewerTopics => Some(Feature::Topics),
            Self::Creator => Some(Feature::Creators),
            Self::LeaningDistance => Some(Feature::Leanings),
            Self::Age => Some(Feature::Births),
            Self::Item | Self::Rank => None,
        }
    }
}

impl Logistic {
    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not, and for a term twice.
    pub fn check(&self) -> Result<(), Error> {
        check_probability("Logistic::learning_rate", self.learning_rate)?;
        check_probability("Logistic::l2", self.l2)?;
        not_negative("Logistic::sharpness", self.sharpness)?;
        if !(8..=28).contains(&self.table_bits) {
            return Err(out("Logistic::table_bits", self.table_bits, "from 8 to 28"));
        }
        let mut terms = self.terms.clone();
        terms.sort_unstable();
        if terms.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(out("Logistic::terms", format!("{terms:?}"), "terms that differ"));
        }
        Ok(())
    }
}

/// A [`Logistic`] model at work.
#[derive(Clone, Debug)]
pub struct LogisticPolicy {
    config: Logistic,
    everywhere: Weight,
    distance: Weight,
    age: Weight,
    /// By rank, from 2.
    ranks: Vec<Weight>,
    table: Vec<Weight>,
}

/// The terms of one impression.
#[derive(Clone, Copy, Default)]
struct Encoded {
    /// Places of the table.
    places: [usize; MOST_TERMS],
    number: usize,
    distance: Option<f64>,
    age: Option<f64>,
    /// The place of the rank's weight; `None` for rank 1.
    rank: Option<usize>,
}

impl LogisticPolicy {
    /// A model that has learned nothing yet: all weights are 0.
    ///
    /// # Errors
    /// Those of [`Logistic::check`].
    pub fn new(config: &Logistic) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            config: config.clone(),
            everywhere: Weight::new(0.0),
            distance: Weight::new(0.0),
            age: Weight::new(0.0),
            ranks: vec![Weight::new(0.0); LAST_RANK - 1],
            table: vec![Weight::new(0.0); 1 << config.table_bits],
        })
    }

    /// The probability that the model gives to a click on an impression, at the rank that it has.
    #[must_use]
    pub fn click_probability(&self, shown: &Shown) -> f64 {
        probability(self.log_odds(&self.encode(shown)))
    }

    /// The place of a category of a term.
    #[inline]
    fn place(&self, term: Term, first: u32, second: u32) -> usize {
        let key = u64::from(first) << 32 | u64::from(second);
        let key = (key ^ (term as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        let key = (key ^ key >> 32).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
        (key >> (64 - self.config.table_bits)) as usize
    }

    fn encode(&self, shown: &Shown) -> Encoded {
        let mut encoded = Encoded::default();
        for &term in &self.config.terms {
            let (first, second) = match term {
                Term::Topics => (0, shown.topics),
                Term::Creator => (0, shown.creator),
                Term::Item => (0, shown.item),
                Term::StratumTopics => (shown.stratum.into(), shown.topics),
                Term::ViewerTopics => (shown.viewer, shown.topics),
                Term::LeaningDistance => {
                    encoded.distance = Some(far(shown.viewer_leaning, shown.leaning));
                    continue;
                }
                Term::Age => {
                    encoded.age = Some(days(shown.age));
                    continue;
                }
                Term::Rank => {
                    let rank = (shown.position as usize).clamp(1, LAST_RANK);
                    encoded.rank = rank.checked_sub(2);
                    continue;
                }
            };
            encoded.places[encoded.number] = self.place(term, first, second);
            encoded.number += 1;
        }
        encoded
    }

    fn log_odds(&self, encoded: &Encoded) -> f64 {
        let places = &encoded.places[..encoded.number];
        let of_table: f64 = places.iter().map(|place| f64::from(self.table[*place].value)).sum();
        f64::from(self.everywhere.value)
            + of_table
            + encoded.distance.unwrap_or(0.0) * f64::from(self.distance.value)
            + encoded.age.unwrap_or(0.0) * f64::from(self.age.value)
            + encoded.rank.map_or(0.0, |rank| f64::from(self.ranks[rank].value))
    }

    fn learn_one(&mut self, shown: &Shown) {
        let steps = Steps { rate: self.config.learning_rate, l2: self.config.l2 };
        let encoded = self.encode(shown);
        let error = probability(self.log_odds(&encoded)) - f64::from(shown.clicked.min(1));
        self.everywhere.step(error, steps);
        for place in &encoded.places[..encoded.number] {
            self.table[*place].step(error, steps);
        }
        if let Some(distance) = encoded.distance {
            self.distance.step(error * distance, steps);
        }
        if let Some(age) = encoded.age {
            self.age.step(error * age, steps);
        }
        if let Some(rank) = encoded.rank {
            self.ranks[rank].step(error, steps);
        }
    }

    /// Adds the weights of a category of every candidate.
    #[inline]
    fn add(&self, weights: &mut [f64], term: Term, first: u32, column: &[u32]) {
        for (weight, &second) in weights.iter_mut().zip(column) {
            *weight += f64::from(self.table[self.place(term, first, second)].value);
        }
    }
}

/// How far apart two leanings are.
fn far(viewer: f32, item: f32) -> f64 {
    (f64::from(viewer) - f64::from(item)).powi(2).ln_1p()
}

/// An age in days.
fn days(microseconds: i64) -> f64 {
    (microseconds as f64 / DAY as f64).clamp(0.0, OLDEST)
}

impl Policy for LogisticPolicy {
    fn name(&self) -> String {
        "logistic".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        let mut needs: Vec<Feature> =
            self.config.terms.iter().filter_map(|term| term.needs()).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// What is the same for all candidates is left out: only ratios of weights matter.
    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        let candidates = request.candidates;
        for &term in &self.config.terms {
            match term {
                Term::Topics => self.add(weights, term, 0, &candidates.topics),
                Term::Creator => self.add(weights, term, 0, &candidates.creators),
                Term::Item => self.add(weights, term, 0, &candidates.items),
                Term::StratumTopics => {
                    self.add(weights, term, request.stratum.into(), &candidates.topics);
                }
                Term::ViewerTopics => self.add(weights, term, request.viewer, &candidates.topics),
                Term::LeaningDistance => {
                    let slope = f64::from(self.distance.value);
                    for (weight, &leaning) in weights.iter_mut().zip(&candidates.leanings) {
                        *weight += slope * far(request.leaning, leaning);
                    }
                }
                Term::Age => {
                    let slope = f64::from(self.age.value);
                    for (weight, &birth) in weights.iter_mut().zip(&candidates.births) {
                        *weight += slope * days(request.time.saturating_sub(birth));
                    }
                }
                Term::Rank => {}
            }
        }
        raise_log_odds(weights, self.config.sharpness);
    }

    fn learning(&self) -> Learning {
        Learning::EveryRound
    }

    fn learn(&mut self, shown: &[Shown]) {
        for impression in shown {
            self.learn_one(impression);
        }
    }
}
