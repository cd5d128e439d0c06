//! Totals of a log without its clusters: the fastest look at it, and one without doubt.

use rayon::prelude::*;

use super::axes::Axes;
use super::mass::Mass;
use super::slots::{Slots, Weighing};
use super::{CellSum, TallySpec};
use crate::error::Error;
use crate::log::ExposureLog;

/// Rows whose slots are made at a time; they stay in the first-level cache.
const CHUNK: usize = 1 << 12;

/// Rows of a thread: counts then fit into 32 bits.
const MOST: usize = 1 << 31;

/// Tables that are counted in by turns, so that a row which falls into the same slot as the one
/// before need not wait for it.
const TURNS: usize = 4;

/// The sums of a log by arm, stratum, window and topic, over all clusters.
///
/// They say what was shown, and nothing of how sure one may be: an interval needs the sums by
/// cluster of a [`Tally`](super::Tally). The totals of a tally are the same, to the last bit.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::tally::{Slab, Tally, TallySpec, Totals};
/// let spec = TallySpec::default();
/// let totals = Totals::of(&log, &spec)?;
/// let axes = totals.axes();
/// let slab = Slab { arm: axes.arm("ranked").unwrap(), ..Slab::default() };
/// let war = axes.topic_cell(slab, axes.topic("war").unwrap());
/// assert_eq!(totals.sums()[war as usize].count, 4);
/// assert_eq!(totals.sums(), Tally::of(&log, &spec)?.totals());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    axes: Axes,
    /// By attention model and cell.
    sums: Vec<Vec<CellSum>>,
    impressions: u64,
}

impl Totals {
    /// Adds up a log, on the threads of the current `rayon` pool. The spec's cluster does not
    /// matter.
    ///
    /// # Errors
    /// [`Error::MissingRole`] or [`Error::UnknownColumn`] when the log lacks what the spec needs
    /// (its arms always); [`Error::Parameter`]; [`Error::TooManyCells`].
    pub fn of(log: &ExposureLog, spec: &TallySpec) -> Result<Self, Error> {
        spec.check()?;
        let slots = Slots::of(log, spec)?;
        let weighings =
            spec.attentions.iter().map(|a| Weighing::of(log, a)).collect::<Result<Vec<_>, _>>()?;
        let per_thread = log.rows().div_ceil(rayon::current_num_threads()).clamp(CHUNK, MOST);
        let starts: Vec<usize> = (0..log.rows()).step_by(per_thread).collect();
        let sums = starts
            .into_par_iter()
            .map(|start| {
                let rows = start..(start + per_thread).min(log.rows());
                SlotTotals::of(&slots, &weighings, log.counts(), rows)
            })
            .reduce(|| SlotTotals::new(&slots, &weighings), SlotTotals::added);
        Ok(Self {
            sums: sums.by_cell(&slots, &weighings),
            impressions: log.impressions(),
            axes: slots.axes,
        })
    }

    /// The arms, strata, windows and topics.
    #[must_use]
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// The sum of each cell under the first attention model, in the order of the [`Axes`].
    #[must_use]
    pub fn sums(&self) -> &[CellSum] {
        &self.sums[0]
    }

    /// The sums under each attention model of the spec.
    #[must_use]
    pub fn by_attention(&self) -> &[Vec<CellSum>] {
        &self.sums
    }

    /// How many impressions were added up.
    #[must_use]
    pub fn impressions(&self) -> u64 {
        self.impressions
    }
}

/// Sums by slot.
struct SlotTotals {
    counts: Vec<u64>,
    /// By attention model that does not weigh every impression 1: what impressions give as a
    /// whole, and to each of their topics.
    masses: Vec<Vec<[Mass; 2]>>,
}

impl SlotTotals {
    fn new(slots: &Slots<'_>, weighings: &[Weighing<'_>]) -> Self {
        let weighed = weighings.iter().filter(|weighing| !weighing.is_one());
        let masses = weighed.map(|_| vec![[Mass::ZERO; 2]; slots.len()]).collect();
        Self { counts: vec![0; slots.len()], masses }
    }

    fn of(
        slots: &Slots<'_>,
        weighings: &[Weighing<'_>],
        counts: Option<&[f64]>,
        rows: std::ops::Range<usize>,
    ) -> Self {
        let mut sums = Self::new(slots, weighings);
        let mut turns = vec![0_u32; TURNS * slots.len()];
        let mut of_row = Vec::with_capacity(CHUNK);
        for first in rows.clone().step_by(CHUNK) {
            slots.fill(first..(first + CHUNK).min(rows.end), &mut of_row);
            match counts {
                None => count(&of_row, &mut turns),
                Some(counts) => {
                    for (row, &slot) in (first..).zip(&of_row) {
                        sums.counts[slot as usize] += counts[row] as u64;
                    }
                }
            }
            let weighed = weighings.iter().filter(|weighing| !weighing.is_one());
            for (masses, weighing) in sums.masses.iter_mut().zip(weighed) {
                for (row, &slot) in (first..).zip(&of_row) {
                    let exact = weighing.of_row(row);
                    let [whole, each] = &mut masses[slot as usize];
                    let n = counts.map_or(1, |counts| counts[row] as u64);
                    *whole += Mass::of(exact).by(n);
                    *each += slots.share(exact, slots.split(slot).1).by(n);
                }
            }
        }
        for turn in turns.chunks_exact(slots.len()) {
            sums.counts.iter_mut().zip(turn).for_each(|(sum, &count)| *sum += u64::from(count));
        }
        sums
    }

    fn added(mut self, more: Self) -> Self {
        self.counts.iter_mut().zip(more.counts).for_each(|(sum, more)| *sum += more);
        for (masses, more) in self.masses.iter_mut().zip(more.masses) {
            for (sum, more) in masses.iter_mut().zip(more) {
                sum[0] += more[0];
                sum[1] += more[1];
            }
        }
        self
    }

    fn by_cell(&self, slots: &Slots<'_>, weighings: &[Weighing<'_>]) -> Vec<Vec<CellSum>> {
        let mut all = vec![vec![CellSum::default(); slots.axes.cells()]; weighings.len()];
        for (slot, &count) in (0..).zip(&self.counts).filter(|(_, count)| **count > 0) {
            let (slab, set) = slots.split(slot);
            let first = slots.first_cell(slab) as usize;
            let topics = slots.topics(set);
            let mut weighed = self.masses.iter();
            for (cells, weighing) in all.iter_mut().zip(weighings) {
                let [whole, each] = match weighing {
                    Weighing::One => [Mass::of_count(count), slots.unit_share(set).by(count)],
                    Weighing::Rows { .. } => {
                        weighed.next().expect("one for each such model")[slot as usize]
                    }
                };
                for &topic in topics {
                    cells[first + topic as usize] += CellSum { count, mass: each };
                }
                let all = first + slots.axes.topics().len();
                cells[all] += CellSum { count, mass: whole };
                if !topics.is_empty() {
                    cells[all + 1] += CellSum { count, mass: whole };
                }
            }
        }
        all
    }
}

/// Counts slots in as many tables as there are turns, one after the other in `tables`.
fn count(slots: &[u32], tables: &mut [u32]) {
    let length = tables.len() / TURNS;
    let (first, rest) = tables.split_at_mut(length);
    let (second, rest) = rest.split_at_mut(length);
    let (third, fourth) = rest.split_at_mut(length);
    let (quads, rest) = slots.as_chunks::<TURNS>();
    for quad in quads {
        first[quad[0] as usize] += 1;
        second[quad[1] as usize] += 1;
        third[quad[2] as usize] += 1;
        fourth[quad[3] as usize] += 1;
    }
    rest.iter().for_each(|&slot| first[slot as usize] += 1);
}
