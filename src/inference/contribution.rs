//! Each cluster's contribution to the totals of a question: the only thing that inference works
//! on. The unit of the estimand (pooled, cluster mean, reach) is applied here.

use ndarray::{Array2, ShapeBuilder};

use super::arms::{ArmBlock, ArmCells, index};
use super::labels;
use super::lanes::{self, compensated_sum};
use super::question::TopicQuestion;
use super::summary::Summary;
use super::within;
use crate::error::Error;
use crate::estimate::{ArmLabels, ArmTotals, ClusterCounts};
use crate::question::baseline::Baseline;
use crate::question::estimand::Unit;
use crate::statistic::{Cell, Over, Quantity, Side, Statistic};
use crate::tally::Tally;

/// The most totals, of clusters or of replicates, that are held together: a gibibyte.
const MOST: usize = 1 << 27;

/// Refuses what would be held of a statistic that keeps strata apart, before it is.
pub(super) fn check_totals(
    totals: usize,
    (of, each): (usize, &'static str),
    strata: usize,
) -> Result<(), Error> {
    if totals.saturating_mul(of) <= MOST {
        return Ok(());
    }
    Err(Error::TooManyTotals { totals, of, each, strata })
}

/// What each cluster adds to each total that a statistic needs.
///
/// `values` is clusters x cells: row c holds the contribution of cluster c, in the order of the
/// clusters' keys, and the totals are its column sums. Only clusters that belong to one of the two
/// arms are in it: by their mass there, or for reach by their impressions.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::inference::{Contributions, TopicQuestion};
/// use tiltmeter::statistic::AmplificationRatio;
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::Question;
///
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let question = Question::between("ranked", "newest");
/// let question = TopicQuestion::of(&question, "war")?;
/// let contributions = Contributions::of(&tally, &question, &AmplificationRatio)?;
/// assert_eq!(contributions.values().dim(), (8, 4)); // viewers x totals
/// assert_eq!(contributions.totals(), [4.0, 9.0, 2.0, 11.0]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Contributions {
    /// By cell, the contribution of each cluster.
    columns: Vec<Vec<f64>>,
    /// For each cluster, whether it belongs to the treatment and to the baseline.
    present: Vec<[bool; 2]>,
    /// For each cluster, its place in the tally.
    places: Vec<u32>,
    summary: Summary,
}

impl Contributions {
    /// The contributions to a statistic's totals.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`] and
    /// [`Error::SameArm`]; [`Error::TooManyTotals`] for strata kept apart.
    pub fn of(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
    ) -> Result<Self, Error> {
        Self::of_tuned(tally, question, statistic, None)
    }

    /// The same with predictions counting as much as was found before, where labels are corrected by hand: by another
    /// way of clustering the same log.
    pub(super) fn of_tuned(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
        tuned: Option<[Option<ArmLabels>; 2]>,
    ) -> Result<Self, Error> {
        labels::check(tally, question, statistic)?;
        let arms = ArmCells::of_both(tally, question, statistic)?;
        let masses = Self::of_cells(tally, question, statistic, &arms)?;
        if question.correction.is_none() {
            return Ok(masses);
        }
        let Self { columns, present, places, mut summary } = masses;
        let cells = summary.cells().to_vec();
        let asked = (question, statistic);
        let labels = labels::corrected(tally, asked, (&cells, columns, &places), tuned)?;
        let columns = labels.columns;
        summary.finish(totals(&columns), &present);
        summary.note_labels(labels.arms, labels.undefined);
        Ok(Self { columns, present, places, summary })
    }

    /// The same for a part of a stream, which may lack an arm or the topic: what was not shown
    /// counts as zero.
    pub(super) fn of_part(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
    ) -> Result<Self, Error> {
        let treatment = ArmCells::where_any(tally, question, question.treatment);
        let baseline = match question.baseline {
            Baseline::Arm(baseline) => ArmCells::where_any(tally, question, baseline),
            _ => ArmCells::none(tally),
        };
        let arms =
            [treatment, baseline].map(|arm| arm.with_others(tally, statistic.other_topics()));
        Self::of_cells(tally, question, statistic, &arms)
    }

    /// The same within one window of the tally, by its place among the axes'.
    pub(super) fn of_window(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
        window: usize,
    ) -> Result<Self, Error> {
        let arms = ArmCells::of_both(tally, question, statistic)?;
        Self::of_cells(tally, question, statistic, &arms.map(|arm| arm.within(tally, window)))
    }

    fn of_cells(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
        arms: &[ArmCells; 2],
    ) -> Result<Self, Error> {
        let attention = tally.attention(question.attention)?;
        let strata = tally.axes().strata().len();
        crate::statistic::check_cells(statistic, strata)?;
        let cells = crate::statistic::cells_among(statistic, tally.axes().strata())?;
        check_totals(cells.len(), (tally.clusters(), "clusters"), strata)?;
        let mut summary = Summary::new(tally, question, attention, arms, cells);
        let mut made = Growing {
            columns: vec![Vec::with_capacity(tally.clusters()); summary.cells().len()],
            present: Vec::with_capacity(tally.clusters()),
            places: Vec::with_capacity(tally.clusters()),
        };
        // What a fit is made of are masses.
        let reshapes = question.unit == Unit::Within || question.correction.is_some();
        let unit = if reshapes { Unit::Pooled } else { question.unit };
        let mut sums = [0, 1].map(|_| ArmBlock::default());
        let cells = summary.cells().to_vec();
        let mut of_cells: Vec<ArmBlock> = cells.iter().map(|_| ArmBlock::default()).collect();
        for block in 0..tally.block_count() {
            for (sums, arm) in sums.iter_mut().zip(arms) {
                sums.load(tally, block, attention, (arm, 0..strata));
            }
            for (number, (sums, cell)) in of_cells.iter_mut().zip(&cells).enumerate() {
                if let Over::Stratum(at) = cell.over {
                    let arm = &arms[index(cell.side)];
                    sums.load(tally, block, attention, (arm, at..at + 1));
                    summary.add_in_stratum(number, sums);
                }
            }
            let here = [0, 1].map(|side| summary.add(side, &sums[side], unit));
            made.add_places(tally.block_clusters(block), &here);
            made.add_block(unit, &cells, here, &sums, &of_cells);
        }
        let Growing { mut columns, mut present, mut places } = made;
        if question.unit == Unit::Within
            && let Some(fitted) = statistic.within().and_then(|fit| within::fitted(&columns, fit))
        {
            summary.note_compared(&present, fitted.columns[0].len());
            let mut says = fitted.says.iter();
            present.retain(|_| says.next() == Some(&true));
            let mut says = fitted.says.iter();
            places.retain(|_| says.next() == Some(&true));
            columns = fitted.columns.to_vec();
        }
        summary.finish(totals(&columns), &present);
        Ok(Self { columns, present, places, summary })
    }

    /// Contributions that come from elsewhere: by cell, that of each cluster; for each cluster, whether
    /// it belongs to treatment and baseline, and its place among the keys.
    pub(super) fn of_columns(
        columns: Vec<Vec<f64>>,
        present: Vec<[bool; 2]>,
        places: Vec<u32>,
        cells: Vec<Cell>,
    ) -> Self {
        let summary = Summary::of_columns(cells, totals(&columns), &present);
        Self { columns, present, places, summary }
    }

    /// The contribution of each cluster: clusters x cells.
    #[must_use]
    pub fn values(&self) -> Array2<f64> {
        let shape = (self.present.len(), self.columns.len());
        Array2::from_shape_vec(shape.f(), self.columns.concat())
            .expect("one value per cluster and cell")
    }

    /// By cell, the contribution of each cluster.
    pub(super) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The statistic's cells, each with the contribution of each cluster.
    pub(super) fn cells_with_columns(&self) -> impl Iterator<Item = (&Cell, &Vec<f64>)> {
        self.summary.cells().iter().zip(&self.columns)
    }

    /// The totals, in the order of the statistic's cells.
    #[must_use]
    pub fn totals(&self) -> &[f64] {
        self.summary.totals()
    }

    /// For each cluster, whether it belongs to the treatment and to the baseline.
    pub(super) fn present(&self) -> &[[bool; 2]] {
        &self.present
    }

    /// The effective number of clusters that carry the topic, or all, in an arm, `(sum x)^2 / sum x^2`; `None`
    /// where none does.
    pub(super) fn effective(&self, side: Side, quantity: Quantity) -> Option<f64> {
        let of_topic = |cell: &Cell| cell.side == side && cell.quantity == quantity;
        let mut columns = self.cells_with_columns().filter(|(cell, _)| of_topic(cell));
        let carried = |topic: &[f64]| {
            let of = |at: lanes::Place| [at.of(topic), at.of(topic) * at.of(topic)];
            let [sum, squares] = lanes::sums(topic.len(), of);
            (squares > 0.0).then(|| sum * sum / squares)
        };
        let (_, first) = columns.next()?;
        let Some((_, second)) = columns.next() else { return carried(first) };
        // Of strata kept apart, all together.
        let mut topic = first.clone();
        for column in std::iter::once(second).chain(columns.map(|(_, column)| column)) {
            topic.iter_mut().zip(column).for_each(|(sum, value)| *sum += value);
        }
        carried(&topic)
    }

    /// For each cluster, its place in the tally.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// What is known without looking at clusters one by one.
    pub(super) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// How many clusters there are, and how the arms share them.
    #[must_use]
    pub fn clusters(&self) -> ClusterCounts {
        self.summary.clusters()
    }

    /// What an arm showed, in the unit of the question.
    #[must_use]
    pub fn arm(&self, side: Side) -> ArmTotals {
        self.summary.arm(side)
    }
}

/// Contributions while they are being put together.
struct Growing {
    columns: Vec<Vec<f64>>,
    present: Vec<[bool; 2]>,
    places: Vec<u32>,
}

impl Growing {
    /// Notes which clusters of a block belong to one of the two arms.
    fn add_places(&mut self, block: std::ops::Range<usize>, here: &[Vec<bool>; 2]) {
        let kept = block.zip(&here[0]).zip(&here[1]).filter(|((_, a), b)| **a || **b);
        self.places.extend(kept.map(|((place, _), _)| place as u32));
    }

    /// Adds the clusters of a block: those that belong to one of the two arms.
    fn add_block(
        &mut self,
        unit: Unit,
        cells: &[Cell],
        here: [Vec<bool>; 2],
        sums: &[ArmBlock; 2],
        strata: &[ArmBlock],
    ) {
        let keep: Vec<bool> = here[0].iter().zip(&here[1]).map(|(a, b)| a | b).collect();
        let present = here[0].iter().zip(&here[1]).map(|(&a, &b)| [a, b]);
        let whole = keep.iter().all(|keep| *keep);
        let mut values = Vec::with_capacity(keep.len());
        for ((cell, stratum), column) in cells.iter().zip(strata).zip(&mut self.columns) {
            let arm = match cell.over {
                Over::AllStrata => &sums[index(cell.side)],
                Over::Stratum(_) | Over::Named(_) => stratum,
            };
            if whole {
                arm.contributions(unit, cell.quantity, column);
                continue;
            }
            values.clear();
            arm.contributions(unit, cell.quantity, &mut values);
            let kept = values.iter().zip(&keep).filter(|(_, keep)| **keep);
            column.extend(kept.map(|(value, _)| *value));
        }
        if whole {
            self.present.extend(present);
        } else {
            let kept = present.zip(&keep).filter(|(_, keep)| **keep);
            self.present.extend(kept.map(|(present, _)| present));
        }
    }
}

/// The total of each column.
pub(super) fn totals(columns: &[Vec<f64>]) -> Vec<f64> {
    columns.iter().map(|column| compensated_sum(column)).collect()
}
