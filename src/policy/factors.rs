//! Matrix factorisation of clicks, learned as it goes.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::adagrad::{Steps, Weight};
use super::per::Per;
use super::power::{probability, raise_log_odds};
use super::{Feature, Learning, Policy, Request, Shown};
use crate::base::draws::{Draws, Purpose};
use crate::error::Error;
use crate::error::range::{not_negative, out, probability as check_probability};

/// Ranks past this one share its bias.
const LAST_RANK: usize = 255;

/// A matrix factorisation of clicks with a logistic loss.
///
/// The log odds of a click of viewer `v` on item `i` at rank `r` are `m + b_v + c_i + d_r + p_v . q_i`,
/// with `p` and `q` of so many [`dimensions`](Self::dimensions) and `d_1 = 0`. Every impression moves
/// each of them against its gradient (stochastic gradient descent), with steps that grow smaller as those
/// of a [`Logistic`](super::Logistic) model do: `e + l2 * b_v` is the gradient of `b_v` with
/// `e = P(click) - click`, `e * q_i + l2 * p_v` that of `p_v`, and so on. Factors are normal with the
/// deviation `spread` before their first impression, by the seed and
/// the number of viewer or item; what was never shown counts as 0, the mean. A candidate's weight is its
/// odds at rank 1 to the power `sharpness`, as a part of the greatest of the request. Slates are
/// Plackett-Luce's, so propensities are known.
///
/// Sources: Koren, Bell and Volinsky 2009, doi 10.1109/MC.2009.263 (biases and factors by gradient
/// descent); with a logistic loss, Johnson 2014 (Logistic matrix factorization for implicit feedback
/// data, NIPS workshop).
///
/// **Right** where what viewers have in common is not among the features known, so that it must be found
/// in who clicked what. **Fails** for items that live briefly: each is new to it, and by the time it is
/// known it is gone; learn per creator or set of topics there. Examination multiplies probabilities
/// while `d_r` adds to log odds, nearly the same only where clicks are rare. **Costs** a look-up and
/// `dimensions` products per candidate, and `8 * (1 + dimensions)` bytes for each viewer and item, which
/// are never given up. It learns one impression after the other on one thread.
///
/// ```
/// use tiltmeter::policy::{Factors, FactorsPolicy, Policy, Shown};
/// let mut policy = FactorsPolicy::new(&Factors::default(), 1)?;
/// let shown = |viewer, item, clicked| Shown { viewer, clicked, ..Shown::of(item) };
/// // Viewers 0 and 1 like opposite things.
/// let log = [shown(0, 8, 1), shown(0, 9, 0), shown(1, 8, 0), shown(1, 9, 1)];
/// policy.learn(&log.repeat(500));
/// assert!(policy.click_probability(&log[0]) > 0.8);
/// assert!(policy.click_probability(&log[1]) < 0.2);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Factors {
    /// What has factors beside viewers. Default items.
    pub per: Per,
    /// How many factors, from 1 to 256. Default 8.
    pub dimensions: u32,
    /// The size of the first steps, from 0 to 1. Default 0.2.
    pub learning_rate: f64,
    /// How much parameters are drawn towards 0 at every impression that they concern, from 0 to 1.
    /// Default 0.001.
    pub l2: f64,
    /// The standard deviation of factors before their first impression. Default 0.1.
    pub spread: f64,
    /// The power of the odds: 0 is random, the greater, the more is left to the best. Default 1.
    pub sharpness: f64,
}

impl Default for Factors {
    fn default() -> Self {
        Self {
            per: Per::Item,
            dimensions: 8,
            learning_rate: 0.2,
            l2: 0.001,
            spread: 0.1,
            sharpness: 1.0,
        }
    }
}

impl Factors {
    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not.
    pub fn check(&self) -> Result<(), Error> {
        check_probability("Factors::learning_rate", self.learning_rate)?;
        check_probability("Factors::l2", self.l2)?;
        check_probability("Factors::spread", self.spread)?;
        not_negative("Factors::sharpness", self.sharpness)?;
        if (1..=256).contains(&self.dimensions) {
            return Ok(());
        }
        Err(out("Factors::dimensions", self.dimensions, "from 1 to 256"))
    }
}

/// Biases and factors of viewers, or of items.
#[derive(Clone, Debug)]
struct Embedding {
    /// By number, the row.
    rows: HashMap<u32, u32, FixedState>,
    /// A bias and then factors, row by row.
    values: Vec<Weight>,
    width: usize,
    /// Whose: names their random numbers.
    whose: u32,
}

impl Embedding {
    fn new(dimensions: u32, whose: u32) -> Self {
        let width = dimensions as usize + 1;
        Self { rows: HashMap::default(), values: Vec::new(), width, whose }
    }

    #[inline]
    fn get(&self, number: u32) -> Option<&[Weight]> {
        let row = *self.rows.get(&number)? as usize;
        Some(&self.values[row * self.width..][..self.width])
    }

    /// The row of a number, made if it is new.
    fn get_or_make(&mut self, number: u32, spread: f64, seed: u64) -> &mut [Weight] {
        let next = self.rows.len() as u32;
        let row = *self.rows.entry(number).or_insert(next);
        if row == next {
            let mut draws = Draws::new(seed, Purpose::Policy, number, self.whose);
            self.values.push(Weight::new(0.0));
            self.values.extend((1..self.width).map(|_| {
                let normal: f64 = StandardNormal.sample(&mut draws);
                Weight::new((spread * normal) as f32)
            }));
        }
        &mut self.values[row as usize * self.width..][..self.width]
    }
}

/// A [`Factors`] model at work.
#[derive(Clone, Debug)]
pub struct FactorsPolicy {
    config: Factors,
    seed: u64,
    everywhere: Weight,
    /// By rank, from 2.
    ranks: Vec<Weight>,
    viewers: Embedding,
    items: Embedding,
}

impl FactorsPolicy {
    /// A model that has learned nothing yet, with initial factors by this seed.
    ///
    /// # Errors
    /// Those of [`Factors::check`].
    pub fn new(config: &Factors, seed: u64) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            seed,
            everywhere: Weight::new(0.0),
            ranks: vec![Weight::new(0.0); LAST_RANK - 1],
            // Requests have numbers from below.
            viewers: Embedding::new(config.dimensions, u32::MAX),
            items: Embedding::new(config.dimensions, u32::MAX - 1),
            config: config.clone(),
        })
    }

    /// The probability that the model gives to a click on an impression, at the rank that it has.
    #[must_use]
    pub fn click_probability(&self, shown: &Shown) -> f64 {
        let viewer = self.viewers.get(shown.viewer);
        let item = self.items.get(self.config.per.of(shown));
        let rank = rank_of(shown).map_or(0.0, |rank| self.ranks[rank].value);
        let of_viewer = viewer.map_or(0.0, |viewer| viewer[0].value);
        probability((self.everywhere.value + rank + of_viewer + match_of(viewer, item)).into())
    }

    fn learn_one(&mut self, shown: &Shown) {
        let Factors { spread, per, .. } = self.config;
        let steps = Steps { rate: self.config.learning_rate, l2: self.config.l2 };
        let viewer = self.viewers.get_or_make(shown.viewer, spread, self.seed);
        let item = self.items.get_or_make(per.of(shown), spread, self.seed);
        let mut first = Weight::new(0.0);
        let rank = rank_of(shown).map_or(&mut first, |rank| &mut self.ranks[rank]);
        let of_pair = viewer[0].value + match_of(Some(viewer), Some(item));
        let log_odds = f64::from(self.everywhere.value + rank.value + of_pair);
        let error = probability(log_odds) - f64::from(shown.clicked.min(1));
        for bias in [&mut self.everywhere, rank, &mut viewer[0], &mut item[0]] {
            bias.step(error, steps);
        }
        for (p, q) in viewer[1..].iter_mut().zip(&mut item[1..]) {
            let before = f64::from(p.value);
            p.step(error * f64::from(q.value), steps);
            q.step(error * before, steps);
        }
    }
}

/// The place of a rank's bias; `None` for rank 1.
fn rank_of(shown: &Shown) -> Option<usize> {
    (shown.position as usize).clamp(1, LAST_RANK).checked_sub(2)
}

/// What an item adds to the log odds for a viewer: its bias and the product of their factors.
#[inline]
fn match_of(viewer: Option<&[Weight]>, item: Option<&[Weight]>) -> f32 {
    let Some(item) = item else { return 0.0 };
    let Some(viewer) = viewer else { return item[0].value };
    let products = viewer[1..].iter().zip(&item[1..]).map(|(p, q)| p.value * q.value);
    item[0].value + products.sum::<f32>()
}

impl Policy for FactorsPolicy {
    fn name(&self) -> String {
        "factors".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        self.config.per.needs()
    }

    /// What is the same for all candidates is left out: only ratios of weights matter.
    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        let viewer = self.viewers.get(request.viewer);
        let items = self.config.per.of_candidates(request.candidates);
        for (weight, &item) in weights.iter_mut().zip(items) {
            *weight = match_of(viewer, self.items.get(item)).into();
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
