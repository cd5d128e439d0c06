//! Statistics against a baseline that is known from elsewhere: it is no arm, so only the treatment's
//! totals are asked for, and only they vary.

use super::origin::{self, Asking, Origin};
use super::{Cell, NullOf, Over, Quantity, Scale, Side, Statistic, Units, Working};
use crate::error::Error;

/// A baseline that is no arm.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownBaseline {
    /// Totals of the topic and of all.
    pub(crate) totals: [f64; 2],
    /// The same by stratum; empty where all strata have the same baseline.
    pub(crate) strata: Vec<[f64; 2]>,
    /// The standard error of the topic's share, of whoever measured it; 0 for none.
    pub(crate) standard_error: f64,
    /// Of how many independent draws it is none or all; infinite for any other.
    pub(crate) sample: f64,
}

impl KnownBaseline {
    fn total(&self, cell: Cell) -> f64 {
        let [topic, all] = match cell.over {
            Over::AllStrata | Over::Named(_) => self.totals,
            Over::Stratum(at) => self.strata.get(at).copied().unwrap_or(self.totals),
        };
        match cell.quantity {
            // A statistic of several topics has no such baseline.
            Quantity::Topic | Quantity::OtherTopic(_) => topic,
            Quantity::All => all,
        }
    }

    /// The totals of both arms, given those of the treatment.
    pub(crate) fn put_into(&self, cells: &[Cell], treatment: &[f64]) -> Vec<f64> {
        let mut treatment = treatment.iter();
        let total = |cell: &Cell| match cell.side {
            Side::Treatment => treatment.next().copied().unwrap_or(0.0),
            Side::Baseline => self.total(*cell),
        };
        cells.iter().map(total).collect()
    }

    /// The topic's share.
    pub(crate) fn share(&self) -> Option<f64> {
        let [topic, all] = self.totals;
        (all > 0.0).then(|| topic / all)
    }
}

/// A statistic of two arms with its baseline's totals put in.
#[derive(Clone, Debug)]
pub(crate) struct AgainstKnown<'s> {
    of: &'s dyn Statistic,
    /// All cells of the statistic, the baseline's too.
    cells: Vec<Cell>,
    known: KnownBaseline,
}

impl<'s> AgainstKnown<'s> {
    pub(crate) fn new(of: &'s dyn Statistic, strata: usize, known: KnownBaseline) -> Self {
        Self { of, cells: of.cells(strata), known }
    }

    /// The totals of both arms.
    fn full(&self, totals: &[f64]) -> Vec<f64> {
        self.known.put_into(&self.cells, totals)
    }
}

impl Statistic for AgainstKnown<'_> {
    fn origin(&self, _: Asking) -> Origin {
        origin::of(self.of)
    }

    fn name(&self) -> &'static str {
        self.of.name()
    }

    fn phrase(&self) -> &'static str {
        self.of.phrase()
    }

    fn details(&self) -> Option<String> {
        self.of.details()
    }

    fn check_strata(&self, strata: &[String]) -> Result<(), Error> {
        self.of.check_strata(strata)
    }

    fn null_of(&self) -> NullOf {
        self.of.null_of()
    }

    fn cells(&self, _strata: usize) -> Vec<Cell> {
        self.cells.iter().filter(|cell| cell.side == Side::Treatment).copied().collect()
    }

    fn scale(&self) -> Scale {
        self.of.scale()
    }

    fn value(&self, totals: &[f64]) -> Working {
        self.of.value(&self.full(totals))
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let gradient = self.of.gradient(&self.full(totals));
        let is_sound =
            || gradient.len() == self.cells.len() && gradient.iter().all(|slope| slope.is_finite());
        if origin::of(self.of) == Origin::Own && !is_sound() {
            // What is wrong with the baseline's part is not to be lost with it.
            return Vec::new();
        }
        let with_cells = gradient.into_iter().zip(&self.cells);
        with_cells.filter(|(_, cell)| cell.side == Side::Treatment).map(|(g, _)| g).collect()
    }

    fn is_of_counts(&self) -> bool {
        self.of.is_of_counts()
    }

    fn units(&self) -> Units {
        self.of.units()
    }

    fn null(&self) -> Option<f64> {
        self.of.null()
    }

    fn term(&self, side: Side, share: f64, totals: &[f64]) -> Option<f64> {
        self.of.term(side, share, &self.full(totals))
    }

    fn known_baseline(&self) -> Option<(&dyn Statistic, &KnownBaseline)> {
        Some((self.of, &self.known))
    }

    /// By the derivative by the share: all topic totals of the baseline rise with it.
    fn variance_of_baseline(&self, totals: &[f64]) -> f64 {
        if self.known.standard_error <= 0.0 {
            return 0.0;
        }
        let gradient = self.of.gradient(&self.full(totals));
        let of_topic =
            |cell: &Cell| cell.side == Side::Baseline && cell.quantity == Quantity::Topic;
        let with_cells = self.cells.iter().zip(gradient);
        let slope: f64 = with_cells
            .filter(|(cell, _)| of_topic(cell))
            .map(|(cell, slope)| {
                slope * self.known.total(Cell { quantity: Quantity::All, ..*cell })
            })
            .sum();
        (slope * self.known.standard_error).powi(2)
    }
}
