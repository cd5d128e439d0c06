//! An impression as it is estimated from.

use std::cmp::Ordering;

use super::sums::LARGEST;
use crate::error::Error;

/// One impression.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Impression {
    /// Its row in the log.
    pub(super) row: usize,
    /// Its cluster, as a place among the keys.
    pub(super) cluster: u32,
    /// Its importance weight; 1 in an arm that is not weighed.
    pub(super) weight: f64,
    pub(super) reward: f64,
    /// Its exposure mass.
    pub(super) mass: f64,
    /// The number of its set of topics, and the place of that set in the order of names.
    pub(super) set: u32,
    pub(super) set_rank: u32,
    /// The place of its item in the order of names; 0 without items.
    pub(super) item: u32,
    /// Its rank; 0 without positions.
    pub(super) position: u32,
    /// What the reward model says of the logged item, and of the target.
    pub(super) predicted: f64,
    pub(super) expected: f64,
}

impl Impression {
    /// By cluster, then by all that an estimate may depend on. Impressions that are equal in this order
    /// are alike, so sums in it are the same for any order of the log.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let ids = |one: &Self| (one.set_rank, one.item, one.position);
        let numbers = |one: &Self| [one.weight, one.reward, one.mass, one.predicted, one.expected];
        let by_number = || {
            let pairs = numbers(self).into_iter().zip(numbers(other));
            pairs.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne())
        };
        let by_cluster = self.cluster.cmp(&other.cluster);
        by_cluster
            .then_with(|| by_number().unwrap_or(Ordering::Equal))
            .then_with(|| ids(self).cmp(&ids(other)))
    }
}

/// Whether a number is one that can be added up.
pub(super) fn within(row: usize, what: &'static str, value: f64) -> Result<(), Error> {
    if value.abs() <= LARGEST {
        return Ok(());
    }
    Err(Error::GivenRow { what, row: row as u64 + 1, value, expected: "from -1e70 to 1e70" })
}
