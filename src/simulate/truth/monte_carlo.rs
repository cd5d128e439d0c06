//! Truth from replicates of the whole simulation.

use super::totals::{Counting, Layout};
use super::{Contrast, TruthSpec};
use crate::error::Error;
use crate::simulate::feed::Feed;
use crate::simulate::replicates::{Replicates, Telling, in_order};
use crate::simulate::{Simulation, SimulationConfig};

/// Replicates before the first look at the error.
const FIRST: u32 = 32;

/// The totals of replicates, one row each, in the order of their numbers: as many as are asked for, or
/// as it takes. The error is looked at after 32 of them, 64, 128 and so on, so that it does not depend
/// on threads how many there are.
pub(super) fn replicates(
    config: &SimulationConfig,
    (spec, contrast): (&TruthSpec, &Contrast<'_>),
    layout: &Layout,
    progress: &Telling<'_>,
    enough: impl Fn(&[Vec<f64>]) -> bool,
) -> Result<Vec<Vec<f64>>, Error> {
    let replicate = |number: u32| {
        let seed = Replicates::Truth.seed(config.seed, number);
        let totals =
            totals(&SimulationConfig { seed, ..config.clone() }, (spec, contrast), layout)?;
        progress.add(1)?;
        Ok(totals)
    };
    let mut made: Vec<Vec<f64>> = Vec::new();
    let mut next = if spec.until.is_some() { FIRST.min(spec.replicates) } else { spec.replicates };
    loop {
        made.extend(in_order(made.len() as u32..next, replicate)?);
        if next == spec.replicates || enough(&made) {
            progress.add(u64::from(spec.replicates - next))?;
            return Ok(made);
        }
        next = next.saturating_mul(2).min(spec.replicates);
    }
}

/// The totals of one simulation.
fn totals(
    config: &SimulationConfig,
    (spec, contrast): (&TruthSpec, &Contrast<'_>),
    layout: &Layout,
) -> Result<Vec<f64>, Error> {
    let simulation = Simulation::new(config)?;
    let mut feed = Feed::new(&simulation)?;
    let mut counting = Counting::new(&simulation, contrast, layout, spec.about)?;
    while let Some(rows) = feed.next_round()? {
        counting.add(&rows);
    }
    Ok(counting.finish())
}
