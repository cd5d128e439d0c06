//! From impressions to an answer: each cluster's sums, and what follows from them.

use super::impression::Impression;
use super::measure::Measure;
use super::report::{Answer, Caution};
use super::sums::effective_size;
use crate::error::Error;
use crate::estimate::{ClusterCounts, Warning};
use crate::inference::{ClusterSums, FEW_TOPIC_CLUSTERS, Interval, OfSums, naive_of_sums};
use crate::log::ClusterKey;
use crate::statistic::{Cell, Side};

/// What an impression adds to a topic or reward and to all, in the treatment and in the baseline.
pub(super) type Adds = [f64; 4];

/// Impressions and what each adds.
#[derive(Clone, Copy)]
pub(super) struct Part<'p> {
    pub(super) impressions: &'p [Impression],
    /// Whether their clusters are of the treatment and of the baseline.
    pub(super) of: [bool; 2],
    pub(super) adds: &'p (dyn Fn(&Impression) -> Adds + Sync),
}

/// Impressions that estimates of one arm are made of.
pub(super) fn of_one<'p>(
    impressions: &'p [Impression],
    adds: &'p (dyn Fn(&Impression) -> Adds + Sync),
) -> Part<'p> {
    Part { impressions, of: [true, true], adds }
}

/// The answer to a measure, and what to beware of.
pub(super) fn answer(
    measure: Measure,
    keys: &[ClusterKey],
    parts: &[Part<'_>],
    interval: &Interval,
) -> Result<(Answer, Vec<Caution>), Error> {
    let statistic = measure.statistic();
    let cells = statistic.cells(1);
    let sums = cluster_sums(keys, parts, cells.len());
    let known = few_carriers(&sums, &cells);
    let sums = sums.knowing(known);
    let OfSums { value, doubt, clusters, warnings } = sums.estimate(statistic, cells, interval)?;
    let totals = sums.totals();
    let variance = naive_variance(&statistic.gradient(&totals), parts);
    let naive = naive_of_sums(statistic, &totals, variance, interval, doubt.standard_error);
    let two_arms = parts.len() > 1;
    let answer = Answer {
        measured: doubt.of(value),
        naive,
        clusters: clusters.treatment,
        arms: two_arms.then_some(clusters),
    };
    Ok((answer, cautions(warnings, two_arms, clusters)))
}

/// Each cluster's sums, of clusters that have any impressions.
fn cluster_sums(keys: &[ClusterKey], parts: &[Part<'_>], cells: usize) -> ClusterSums {
    let mut by_cluster = vec![([false; 2], Adds::default()); keys.len()];
    for part in parts {
        for one in part.impressions {
            let (present, sums) = &mut by_cluster[one.cluster as usize];
            present.iter_mut().zip(part.of).for_each(|(here, of)| *here |= of);
            let adds = (part.adds)(one);
            sums.iter_mut().zip(adds).for_each(|(sum, more)| *sum += more);
        }
    }
    let mut sums = ClusterSums::new(cells);
    for (key, (present, of_cluster)) in keys.iter().zip(by_cluster) {
        if present != [false; 2] {
            sums.push(*key, present, &of_cluster[..cells]);
        }
    }
    sums
}

/// Sides whose sums come from few of the clusters. With weights this matters above the line and below
/// it alike: a cluster with most of all weight is most of every estimate.
fn few_carriers(sums: &ClusterSums, cells: &[Cell]) -> Vec<Warning> {
    let of_side = |side: Side| {
        let columns = sums.columns().iter().zip(cells).filter(|(_, cell)| cell.side == side);
        let sizes = columns.filter_map(|(column, _)| {
            let sizes: Vec<f64> = column.iter().map(|sum| sum.abs()).collect();
            let effective = effective_size(&sizes);
            let few = effective < FEW_TOPIC_CLUSTERS && effective < sizes.len() as f64 / 2.0;
            // Where all are zero nothing hangs on anything.
            (few && effective > 0.0).then_some(effective)
        });
        let effective = sizes.reduce(f64::min)?;
        Some(Warning::FewTopicClusters { side, effective })
    };
    [Side::Treatment, Side::Baseline].into_iter().filter_map(of_side).collect()
}

/// The variance of the linearised value if impressions were independent.
fn naive_variance(gradient: &[f64], parts: &[Part<'_>]) -> f64 {
    let of_one = |part: &Part<'_>, one: &Impression| {
        let adds = (part.adds)(one);
        let moved = gradient.iter().zip(adds).fold(0.0, |sum, (slope, more)| sum + slope * more);
        moved * moved
    };
    let of_part =
        |part: &Part<'_>| part.impressions.iter().fold(0.0, |sum, one| sum + of_one(part, one));
    parts.iter().fold(0.0, |sum, part| sum + of_part(part))
}

/// Warnings in the words of this room: of its arms there is one, or the logging arm and another.
fn cautions(warnings: Vec<Warning>, two_arms: bool, counts: ClusterCounts) -> Vec<Caution> {
    let mut cautions: Vec<Caution> = Vec::new();
    let mut least: Option<f64> = None;
    for warning in warnings {
        match warning {
            Warning::FewClusters { side: Side::Baseline, .. } if !two_arms => {}
            Warning::FewClusters { clusters, .. } => {
                cautions.push(Caution::FewClusters { clusters });
            }
            Warning::FewTopicClusters { effective, .. } => {
                least = Some(least.map_or(effective, |least| least.min(effective)));
            }
            warning => cautions.push(Caution::Inference { warning }),
        }
    }
    let clusters = counts.treatment;
    let few = least.map(|effective| Caution::FewCarriers { effective, clusters });
    cautions.extend(few);
    cautions.dedup();
    cautions
}
