//! Reward models for doubly robust estimates: what an item's reward would be, before it is known.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::impression::{Impression, within};
use super::sums::sum_in_order;
use super::target::one_per_row;
use crate::error::Error;
use crate::format::word::said_by_words;
use crate::log::{Coded, ExposureLog};
use crate::question::propensity::Target;

/// What is expected of an item's reward, for the doubly robust estimate.
///
/// The estimate is right if either the propensities or the model are; a good model makes it less
/// uncertain than importance weighting alone, and a poor one makes it no more biased (Dudík, Langford and
/// Li 2011, arXiv 1103.4601; Dudík et al. 2014, doi 10.1214/14-STS500).
///
/// ```
/// use tiltmeter::replay::off_policy::{ItemMeans, MeansOf, RewardModel};
/// let means = ItemMeans { of: MeansOf::ItemAndPosition, ..ItemMeans::default() };
/// assert_eq!((means.folds, means.prior), (5, 10.0));
/// assert_eq!(RewardModel::default(), RewardModel::ItemMeans(ItemMeans::default()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RewardModel {
    /// Mean rewards of items in the log itself, of other clusters than the one they are used for.
    ItemMeans(ItemMeans),
    /// Predictions made elsewhere, finite, one for each row of the log. They should come from other
    /// data, or from other clusters; else the estimate trusts what it already knows.
    Given {
        /// The expected reward of the logged item in its place.
        logged: Vec<f64>,
        /// The expected reward there if the target chooses: `sum over items of pi(item) q(item)`.
        target: Vec<f64>,
    },
}

impl Default for RewardModel {
    fn default() -> Self {
        Self::ItemMeans(ItemMeans::default())
    }
}

impl fmt::Display for RewardModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given { .. } => f.write_str("given by row"),
            Self::ItemMeans(ItemMeans { of, folds, prior }) => {
                let of = match of {
                    MeansOf::Item => "items",
                    MeansOf::ItemAndPosition => "items at their positions",
                };
                write!(
                    f,
                    "means of {of}, cross-fitted over {folds} folds of clusters, prior {prior} impressions"
                )
            }
        }
    }
}

/// Mean rewards, shrunk and cross-fitted.
///
/// Clusters are dealt into folds, and what is used for a cluster is fitted on the other folds, so that
/// no reward predicts itself. An item's mean is shrunk toward the mean of all impressions as if it had
/// `prior` more impressions with that reward: `(sum y + prior * mean) / (n + prior)`; an item at a
/// position toward that of the item in the same way. An item without impressions has the mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemMeans {
    /// What has a mean of its own.
    pub of: MeansOf,
    /// How many folds, from 2 to 100; of fewer clusters there are as many folds as clusters.
    pub folds: u32,
    /// How many impressions the common mean counts for, above 0.
    pub prior: f64,
}

impl Default for ItemMeans {
    /// Of items, 5 folds, a prior of 10 impressions: few beside what an item needs for its own rate of
    /// clicks to be known, many beside none.
    fn default() -> Self {
        Self { of: MeansOf::Item, folds: 5, prior: 10.0 }
    }
}

/// What has a mean reward of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeansOf {
    /// Each item.
    #[default]
    Item,
    /// Each item at each position.
    ItemAndPosition,
}

said_by_words!(MeansOf);

impl ItemMeans {
    pub(super) fn needs_positions(&self) -> bool {
        self.of == MeansOf::ItemAndPosition
    }

    fn check(&self) -> Result<(), Error> {
        if !(2..=100).contains(&self.folds) {
            return Err(Error::Parameter {
                parameter: "the folds of ItemMeans",
                value: self.folds.to_string(),
                expected: "from 2 to 100, so that no reward predicts itself",
            });
        }
        if !(self.prior > 0.0 && self.prior.is_finite()) {
            return Err(Error::Parameter {
                parameter: "the prior of ItemMeans",
                value: self.prior.to_string(),
                expected: "a finite number above 0",
            });
        }
        Ok(())
    }
}

impl RewardModel {
    /// Whether it can say what is expected of the target.
    pub(super) fn check(&self, target: &Target) -> Result<(), Error> {
        match (self, target) {
            (Self::ItemMeans(_), Target::ByRow(_)) => Err(Error::Parameter {
                parameter: "the reward model",
                value: "ItemMeans with Target::ByRow".to_owned(),
                expected: "RewardModel::Given, since the target's other items are not known",
            }),
            (Self::ItemMeans(means), _) => means.check(),
            (Self::Given { .. }, _) => Ok(()),
        }
    }
}

/// Rewards of some impressions: their sum and how many there are.
type Seen = [f64; 2];

/// Predictions are written into impressions.
pub(super) struct Predictions {
    means: ItemMeans,
    folds: usize,
    /// By fold.
    all: Vec<Seen>,
    /// By item, then by fold.
    items: BTreeMap<u32, Vec<Seen>>,
    /// By item and position, then by fold; only where positions count.
    cells: BTreeMap<(u32, u32), Vec<Seen>>,
}

impl Predictions {
    /// Those that were made elsewhere.
    pub(super) fn given(
        log: &ExposureLog,
        predicted: &[f64],
        expected: &[f64],
        impressions: &mut [Impression],
    ) -> Result<(), Error> {
        one_per_row(log, "the predicted rewards of what was logged", predicted)?;
        one_per_row(log, "the predicted rewards of the target", expected)?;
        for one in impressions {
            (one.predicted, one.expected) = (predicted[one.row], expected[one.row]);
            within(one.row, "the predicted reward", one.predicted)?;
            within(one.row, "the predicted reward of the target", one.expected)?;
        }
        Ok(())
    }

    /// Those of item means, for impressions in their own order. With a single cluster there is nothing
    /// to fit on, and nothing is written.
    pub(super) fn fit(
        means: &ItemMeans,
        target: &Target,
        items: &Coded,
        impressions: &mut [Impression],
    ) -> Result<(), Error> {
        let fold_of = folds(impressions, means.folds as usize);
        let folds = fold_of.iter().max().map_or(0, |last| last + 1);
        if folds < 2 {
            return Ok(());
        }
        let fitted = Self::fitted(means, folds, &fold_of, impressions);
        let probabilities = fitted.probabilities(target, items);
        let mut expected: BTreeMap<(usize, u32), f64> = BTreeMap::new();
        for (one, &fold) in impressions.iter_mut().zip(&fold_of) {
            let position = if means.needs_positions() { one.position } else { 0 };
            one.predicted = fitted.at(fold, one.item, position);
            one.expected = *expected
                .entry((fold, position))
                .or_insert_with(|| fitted.under(&probabilities, fold, position));
        }
        Ok(())
    }

    fn fitted(means: &ItemMeans, folds: usize, fold_of: &[usize], all: &[Impression]) -> Self {
        let none = vec![[0.0; 2]; folds];
        let mut fitted = Self {
            means: *means,
            folds,
            all: none.clone(),
            items: BTreeMap::new(),
            cells: BTreeMap::new(),
        };
        for (one, &fold) in all.iter().zip(fold_of) {
            let add = |seen: &mut Vec<Seen>| {
                seen[fold][0] += one.reward;
                seen[fold][1] += 1.0;
            };
            add(&mut fitted.all);
            add(fitted.items.entry(one.item).or_insert_with(|| none.clone()));
            if means.needs_positions() {
                let cell = (one.item, one.position);
                add(fitted.cells.entry(cell).or_insert_with(|| none.clone()));
            }
        }
        fitted
    }

    /// What was seen in the other folds.
    fn elsewhere(&self, seen: &[Seen], fold: usize) -> Seen {
        let others = (0..self.folds).filter(|its| *its != fold).map(|its| seen[its]);
        others.fold([0.0; 2], |sum, more| [sum[0] + more[0], sum[1] + more[1]])
    }

    /// A mean, shrunk toward another.
    fn shrunk(&self, seen: Option<&Vec<Seen>>, fold: usize, toward: f64) -> f64 {
        let [sum, count] = seen.map_or([0.0; 2], |seen| self.elsewhere(seen, fold));
        (sum + self.means.prior * toward) / (count + self.means.prior)
    }

    /// The mean of all impressions of the other folds, of which each has some.
    fn common(&self, fold: usize) -> f64 {
        let [sum, count] = self.elsewhere(&self.all, fold);
        sum / count
    }

    /// What is expected of an item.
    fn at(&self, fold: usize, item: u32, position: u32) -> f64 {
        let of_item = self.shrunk(self.items.get(&item), fold, self.common(fold));
        match self.means.of {
            MeansOf::Item => of_item,
            MeansOf::ItemAndPosition => {
                self.shrunk(self.cells.get(&(item, position)), fold, of_item)
            }
        }
    }

    /// The target's probabilities of the items that were seen, in the order of their names, and of all
    /// others together.
    fn probabilities(&self, target: &Target, items: &Coded) -> (Vec<(u32, f64)>, f64) {
        let seen = self.items.keys().copied();
        let each = |probability: f64| seen.clone().map(|item| (item, probability)).collect();
        let count = self.items.len() as f64;
        match target {
            Target::Uniform { items } => {
                let all = f64::from(*items);
                (each(1.0 / all), (all - count) / all)
            }
            Target::UniformOverItems => (each(1.0 / count), 0.0),
            Target::Table(table) => {
                let mut names: Vec<&str> = items.dictionary().iter().collect();
                names.sort_unstable();
                let of = |item: u32| table.get(names[item as usize]).copied().unwrap_or(0.0);
                let of_seen: Vec<(u32, f64)> = seen.map(|item| (item, of(item))).collect();
                let others = table.iter().filter(|(name, _)| {
                    let item = names.binary_search(&name.as_str()).ok();
                    item.is_none_or(|item| !self.items.contains_key(&(item as u32)))
                });
                (of_seen, sum_in_order(others.map(|(_, probability)| *probability)))
            }
            // Refused before anything is fitted.
            Target::ByRow(_) => (Vec::new(), 0.0),
        }
    }

    /// What is expected if the target chooses.
    fn under(&self, (seen, others): &(Vec<(u32, f64)>, f64), fold: usize, position: u32) -> f64 {
        let of_seen = seen.iter().map(|(item, probability)| match *probability {
            0.0 => 0.0,
            probability => probability * self.at(fold, *item, position),
        });
        sum_in_order(of_seen) + others * self.common(fold)
    }
}

/// The fold of each impression: clusters in the order of their keys, dealt out one after the other.
fn folds(impressions: &[Impression], folds: usize) -> Vec<usize> {
    let mut nth = 0;
    let mut last = impressions.first().map(|one| one.cluster);
    let fold = |one: &Impression| {
        if last != Some(one.cluster) {
            last = Some(one.cluster);
            nth += 1;
        }
        nth % folds
    };
    impressions.iter().map(fold).collect()
}
