//! Viewers drawn into arms: complete randomisation, within blocks.

use serde::{Deserialize, Serialize};

use crate::base::draws::{Draws, Purpose};
use crate::simulate::world::Viewers;

/// Within what viewers are assigned to arms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// All viewers together.
    #[default]
    Nothing,
    /// Each stratum by itself.
    Strata,
}

/// By viewer, the arm: within every block viewers are put in an order of chance, and arms get their
/// parts of it.
pub(super) fn assign(seed: u64, viewers: &Viewers, shares: &[f64], blocks: Blocks) -> Vec<u8> {
    let block = |viewer: u32| match blocks {
        Blocks::Nothing => 0,
        Blocks::Strata => viewers.strata()[viewer as usize],
    };
    let chance = |viewer: u32| Draws::new(seed, Purpose::Arm, viewer, 0).word();
    let mut order: Vec<(u16, u32, u32)> =
        (0..viewers.len() as u32).map(|viewer| (block(viewer), chance(viewer), viewer)).collect();
    order.sort_unstable();
    let mut arms = vec![0; viewers.len()];
    for members in order.chunk_by(|a, b| a.0 == b.0) {
        let start = Draws::new(seed, Purpose::Arm, u32::from(members[0].0), 1).uniform();
        let parts = parts(shares, members.len(), start);
        for (&(_, _, viewer), arm) in members.iter().zip(parts) {
            arms[viewer as usize] = arm;
        }
    }
    arms
}

/// The arms of so many viewers in order: those of points one apart, the first at `start` (from 0 to 1),
/// on a line on which arms have lengths in proportion to their shares. So an arm gets its part
/// rounded down or up, and over all starts its part on average (systematic sampling).
fn parts(shares: &[f64], number: usize, start: f64) -> impl Iterator<Item = u8> {
    let sum: f64 = shares.iter().sum();
    let mut before = 0.0;
    let ends: Vec<f64> = shares
        .iter()
        .map(|share| {
            before += share;
            let end = before / sum * number as f64;
            // A part that is whole must be so to the last bit, whatever adding up did to it.
            if (end - end.round()).abs() < 1e-12 * number as f64 { end.round() } else { end }
        })
        .collect();
    let mut arm = 0_u8;
    (0..number).map(move |at| {
        while at as f64 + start > ends[usize::from(arm)] && usize::from(arm) + 1 < ends.len() {
            arm += 1;
        }
        arm
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts differ from the exact parts by less than one, and are the parts where those are whole; over
    /// starts spread evenly their mean is the part, to the width of the spread.
    #[test]
    fn parts_are_exact() {
        for (shares, number) in [
            (vec![1.0, 1.0], 10),
            (vec![1.0, 1.0], 7),
            (vec![0.1, 0.2, 0.7], 1_000),
            (vec![3.0, 1.0, 1.0], 13),
            (vec![1.0; 7], 1),
        ] {
            let sum: f64 = shares.iter().sum();
            let mut totals = vec![0.0; shares.len()];
            for step in 0..200 {
                let mut counts = vec![0.0; shares.len()];
                parts(&shares, number, (f64::from(step) + 0.5) / 200.0)
                    .for_each(|arm| counts[usize::from(arm)] += 1.0);
                for (arm, count) in counts.iter().enumerate() {
                    let part = shares[arm] / sum * number as f64;
                    assert!((count - part).abs() < 1.0 - 1e-9, "{shares:?} {number}: {counts:?}");
                    totals[arm] += count / 200.0;
                }
            }
            for (total, share) in totals.iter().zip(&shares) {
                assert!(
                    (total - share / sum * number as f64).abs() < 0.011,
                    "{shares:?}: {totals:?}"
                );
            }
        }
    }
}
