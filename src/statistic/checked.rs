//! Statistics from outside the library, watched while they are evaluated: what they return is looked
//! at in one place, whoever asks, and the first thing that is no number becomes an error at the end.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::contrast;
use super::origin::{self, Origin};
use super::{
    ALL, Cell, KnownBaseline, NullOf, Over, Quantity, Scale, Side, Statistic, Undefined, Units,
    WithinFit, Working, standardised,
};
use crate::error::{Error, StatisticFault};

/// A statistic whose faults are caught. Where it returns what is no number, another value stands for
/// it until [`fault`](Self::fault) is asked.
#[derive(Debug)]
pub(crate) struct Checked<'s> {
    of: &'s dyn Statistic,
    cells: Vec<Cell>,
    /// The largest working value that is a number on the reported scale.
    most: f64,
    fault: Mutex<Option<(Place, StatisticFault)>>,
}

/// Where a fault lies, so that of many the same one is told on any number of threads: which call, and
/// at which totals.
#[derive(Clone, Debug)]
struct Place(Call, Vec<f64>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Value,
    Gradient,
    Variance,
    Term,
}

impl Place {
    fn is_before(&self, other: &Self) -> bool {
        let totals = || {
            let pairs = self.1.iter().zip(&other.1);
            pairs.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne())
        };
        self.0.cmp(&other.0).then_with(|| totals().unwrap_or(Ordering::Equal)).is_lt()
    }
}

impl<'s> Checked<'s> {
    /// Of a statistic from outside the library, for so many strata; `None` for one that is the
    /// library's.
    ///
    /// # Errors
    /// [`Error::Statistic`] for a name that is empty or taken, cells that make no sense, and a null that
    /// is no number.
    pub(crate) fn of(statistic: &'s dyn Statistic, strata: usize) -> Result<Option<Self>, Error> {
        if origin::of(statistic) == Origin::Library {
            return Ok(None);
        }
        let name = statistic.name();
        let refuse = |fault| Err(faulty(statistic, fault));
        if name.trim().is_empty() {
            return refuse(StatisticFault::NoName);
        }
        if is_taken(name) {
            return refuse(StatisticFault::TakenName);
        }
        check_cells(statistic, strata)?;
        let cells = statistic.cells(strata);
        if let Some(value) = statistic.null().filter(|null| !null.is_finite()) {
            return refuse(StatisticFault::Null { value });
        }
        let most = match statistic.scale() {
            Scale::Linear | Scale::Logit => f64::MAX,
            Scale::Log => f64::MAX.ln(),
            Scale::LogPercent => (f64::MAX / 100.0).ln() - 1e-9,
        };
        Ok(Some(Self { of: statistic, cells, most, fault: Mutex::new(None) }))
    }

    /// What it returned that is no number.
    ///
    /// # Errors
    /// [`Error::Statistic`], the same one on any number of threads.
    pub(crate) fn fault(&self) -> Result<(), Error> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match fault.as_ref() {
            Some((_, fault)) => Err(faulty(self.of, fault.clone())),
            None => Ok(()),
        }
    }

    #[cold]
    fn note(&self, call: Call, totals: &[f64], fault: impl FnOnce(Vec<f64>) -> StatisticFault) {
        let place = Place(call, totals.to_vec());
        let mut first = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(other, _)| place.is_before(other)) {
            // As the statistic itself was given them, where a baseline is known from elsewhere.
            let given = match self.of.known_baseline() {
                Some((of, known)) => known.put_into(&of.cells(self.strata()), totals),
                None => totals.to_vec(),
            };
            *first = Some((place, fault(given)));
        }
    }

    /// Enough strata for all cells.
    fn strata(&self) -> usize {
        let one = |cell: &Cell| match cell.over {
            Over::AllStrata | Over::Named(_) => 1,
            Over::Stratum(at) => at + 1,
        };
        self.cells.iter().map(one).max().unwrap_or(1)
    }

    /// What is wrong with a gradient, of the statistic itself where a baseline is known from elsewhere.
    #[cold]
    fn fault_of(&self, gradient: Vec<f64>, totals: Vec<f64>) -> StatisticFault {
        let (gradient, cells) = match self.of.known_baseline() {
            Some((of, _)) => (of.gradient(&totals), of.cells(self.strata())),
            None => (gradient, self.cells.clone()),
        };
        let wrong = gradient.iter().position(|slope| !slope.is_finite());
        match wrong.and_then(|at| cells.get(at)) {
            Some(&by) if gradient.len() == cells.len() => {
                let value = gradient.iter().copied().find(|slope| !slope.is_finite());
                StatisticFault::Derivative { by, value: value.unwrap_or(f64::NAN), totals }
            }
            _ => {
                let (found, expected) = (gradient.len(), cells.len());
                StatisticFault::GradientLength { found, expected, totals }
            }
        }
    }

    /// Whether the terms of the arms' shares, if it has them, are those of its value.
    fn check_terms(&self, value: f64, totals: &[f64]) {
        let share = |side| {
            let total = |quantity| {
                let its = Cell { side, quantity, over: Over::AllStrata };
                self.cells.iter().position(|cell| *cell == its).and_then(|at| totals.get(at))
            };
            Some(total(Quantity::Topic)? / total(Quantity::All)?)
        };
        let Some(treatment) = share(Side::Treatment) else { return };
        let Some(mut terms) = self.term(Side::Treatment, treatment, totals) else { return };
        let baseline = share(Side::Baseline);
        if let Some(its) = baseline.and_then(|share| self.term(Side::Baseline, share, totals)) {
            terms -= its;
        }
        if terms.is_finite() && (terms - value).abs() > 1e-6 * value.abs().max(1.0) {
            self.note(Call::Term, totals, |totals| StatisticFault::Terms { terms, value, totals });
        }
    }

    fn variance(&self, which: &'static str, variance: f64, totals: &[f64]) -> f64 {
        if (0.0..f64::INFINITY).contains(&variance) {
            return variance;
        }
        self.note(Call::Variance, totals, |totals| StatisticFault::Variance {
            which,
            value: variance,
            totals,
        });
        0.0
    }
}

fn faulty(statistic: &dyn Statistic, fault: StatisticFault) -> Error {
    Error::Statistic { statistic: statistic.name().to_owned(), fault }
}

/// Whether a statistic of the library has this name.
fn is_taken(name: &str) -> bool {
    let listed = ALL.iter().map(|statistic| statistic.name());
    let declared = standardised::DECLARED.iter().map(|statistic| statistic.name());
    listed.chain(declared).chain(contrast::NAMES).any(|taken| taken == name)
}

/// Whether a tally with so many strata has the totals that a statistic needs. Those of the library are
/// made for any.
///
/// # Errors
/// [`Error::Statistic`].
pub(crate) fn check_cells(statistic: &dyn Statistic, strata: usize) -> Result<(), Error> {
    if origin::of(statistic) == Origin::Library {
        return Ok(());
    }
    // Where a baseline is known from elsewhere, the statistic behind is asked for both arms.
    let of = statistic.known_baseline().map_or(statistic, |(of, _)| of);
    let cells = of.cells(strata);
    let refuse = |detail| Err(faulty(statistic, StatisticFault::Cells { detail }));
    if cells.is_empty() {
        return refuse("none at all".to_owned());
    }
    let mut seen: HashSet<&Cell, RandomState> = HashSet::default();
    for cell in &cells {
        if let Over::Stratum(at) = cell.over
            && at >= strata
        {
            let last = strata.saturating_sub(1);
            return refuse(format!("{cell:?}, where the strata are numbered from 0 to {last}"));
        }
        let (topics, names) = (of.other_topics().len(), of.named_strata().len());
        match (cell.quantity, cell.over) {
            (Quantity::OtherTopic(at), _) if at >= topics => {
                return refuse(format!("{cell:?}, of {topics} other topics numbered from 0"));
            }
            (_, Over::Named(at)) if at >= names => {
                return refuse(format!("{cell:?}, of {names} named strata numbered from 0"));
            }
            _ => {}
        }
        if !seen.insert(cell) {
            return refuse(format!("{cell:?} twice"));
        }
    }
    Ok(())
}

impl Statistic for Checked<'_> {
    // Its faults are caught already.
    crate::statistic::origin::of_the_library!();

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

    fn other_topics(&self) -> &[String] {
        self.of.other_topics()
    }

    fn named_strata(&self) -> &[String] {
        self.of.named_strata()
    }

    fn contrasts(&self) -> Option<&dyn Statistic> {
        self.of.contrasts()
    }

    fn cells(&self, _strata: usize) -> Vec<Cell> {
        self.cells.clone()
    }

    fn scale(&self) -> Scale {
        self.of.scale()
    }

    fn value(&self, totals: &[f64]) -> Working {
        let value = self.of.value(totals);
        match value {
            Working::Finite(number) if !(number.is_finite() && number <= self.most) => {
                self.note(Call::Value, totals, |totals| StatisticFault::Value {
                    value: number,
                    totals,
                });
                Working::Undefined(Undefined::TopicInNeitherArm)
            }
            Working::Finite(number) => {
                self.check_terms(number, totals);
                value
            }
            sound => sound,
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let gradient = self.of.gradient(totals);
        let is_sound = gradient.len() == self.cells.len();
        if is_sound && gradient.iter().all(|slope| slope.is_finite()) {
            return gradient;
        }
        self.note(Call::Gradient, totals, |totals| self.fault_of(gradient, totals));
        vec![0.0; self.cells.len()]
    }

    fn within(&self) -> Option<WithinFit> {
        self.of.within()
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

    fn null_of(&self) -> NullOf {
        self.of.null_of()
    }

    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        let variance = self.of.variance_of_independent(totals)?;
        Some(self.variance("variance_of_independent", variance, totals))
    }

    fn known_baseline(&self) -> Option<(&dyn Statistic, &KnownBaseline)> {
        self.of.known_baseline()
    }

    fn variance_of_baseline(&self, totals: &[f64]) -> f64 {
        self.variance("variance_of_baseline", self.of.variance_of_baseline(totals), totals)
    }

    fn term(&self, side: Side, share: f64, totals: &[f64]) -> Option<f64> {
        let term = self.of.term(side, share, totals)?;
        if term.is_nan() {
            self.note(Call::Term, totals, |totals| StatisticFault::Term { side, share, totals });
            return Some(share);
        }
        Some(term)
    }
}
