//! Uncertainty about functions of sums that no tally holds: each cluster's own sums in, value and interval
//! out, by the same methods as everything else.

use super::contribution::Contributions;
use super::{Case, Interval, Uncertainty, doubt, one_sided, reported};
use crate::error::Error;
use crate::estimate::{ClusterCounts, Measured, Naive, NoInterval, Value, Warning};
use crate::log::ClusterKey;
use crate::statistic::{Cell, Side, Statistic, Working};

/// Sums by cluster, one column for each cell of the statistic that they are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterSums {
    keys: Vec<ClusterKey>,
    present: Vec<[bool; 2]>,
    /// By cell, the sum of each cluster.
    columns: Vec<Vec<f64>>,
    /// Warnings that are known before anything is estimated.
    known: Vec<Warning>,
}

/// What follows from sums by cluster.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OfSums {
    pub(crate) value: Value,
    pub(crate) doubt: Uncertainty,
    pub(crate) clusters: ClusterCounts,
    pub(crate) warnings: Vec<Warning>,
}

impl OfSums {
    /// The value and how sure one may be of it.
    pub(crate) const fn measured(&self) -> Measured {
        self.doubt.of(self.value)
    }
}

impl ClusterSums {
    /// No clusters yet, for so many cells.
    pub(crate) fn new(cells: usize) -> Self {
        Self { columns: vec![Vec::new(); cells], ..Self::default() }
    }

    /// Adds a cluster: whether it is of treatment and baseline, and its sum in each cell, finite.
    /// Clusters must come in the order of their keys, each once, so that sums over them have one order.
    pub(crate) fn push(&mut self, key: ClusterKey, present: [bool; 2], sums: &[f64]) {
        debug_assert!(self.keys.last().is_none_or(|last| *last < key), "clusters in their order");
        self.keys.push(key);
        self.present.push(present);
        for (column, sum) in self.columns.iter_mut().zip(sums) {
            column.push(*sum);
        }
    }

    /// With warnings that are known already.
    pub(crate) fn knowing(self, known: Vec<Warning>) -> Self {
        Self { known, ..self }
    }

    /// By cell, the sum of each cluster.
    pub(crate) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The total of each cell.
    pub(crate) fn totals(&self) -> Vec<f64> {
        super::contribution::totals(&self.columns)
    }

    /// The value of a statistic at these sums, with its interval. The statistic's cells are those of
    /// the columns: of each only the side counts here.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an interval whose numbers are out of their range.
    pub(crate) fn estimate(
        &self,
        statistic: &dyn Statistic,
        cells: Vec<Cell>,
        interval: &Interval,
    ) -> Result<OfSums, Error> {
        interval.check()?;
        let mut warnings = self.known.clone();
        let places = (0..self.keys.len() as u32).collect();
        let contributions =
            Contributions::of_columns(self.columns.clone(), self.present.clone(), places, cells);
        let totals = contributions.totals().to_vec();
        let working = statistic.value(&totals);
        let clusters = contributions.clusters();
        for (side, clusters) in
            [(Side::Treatment, clusters.treatment), (Side::Baseline, clusters.baseline)]
        {
            let needed = contributions.summary().cells().iter().any(|cell| cell.side == side);
            if needed && clusters < super::FEW_CLUSTERS {
                warnings.push(Warning::FewClusters { side, clusters });
            }
        }
        let doubt = match working {
            Working::Undefined(_) => Uncertainty::none(NoInterval::UndefinedValue),
            Working::Above | Working::Below => {
                one_sided(statistic, &contributions, &interval.share_bounds())
            }
            Working::Finite(at) => {
                let case = Case::new(statistic, at, &self.keys, &contributions);
                doubt(interval, &case, (None, 1), &mut warnings)
            }
        };
        Ok(OfSums { value: reported(working, statistic.scale()), doubt, clusters, warnings })
    }
}

/// The naive error beside an estimate from sums, given the variance of the working value if impressions
/// were independent; `None` where there is no finite value.
pub(crate) fn naive_of_sums(
    statistic: &dyn Statistic,
    totals: &[f64],
    variance: f64,
    interval: &Interval,
    robust: Option<f64>,
) -> Option<Naive> {
    let Working::Finite(at) = statistic.value(totals) else {
        return None;
    };
    let naive = super::naive::of_variance(at, statistic.scale(), variance, interval.level());
    Some(naive.beside(robust))
}
