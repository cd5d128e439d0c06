//! Statistics of the list by their names, as files have them.

use serde::{Deserialize, Serialize};

use super::{ALL, Cell, KnownBaseline, NullOf, Scale, Side, Statistic, Units, Working};
use crate::error::Error;

/// A statistic of the library, written as its name.
///
/// ```
/// use tiltmeter::statistic::{NamedStatistic, Statistic};
/// assert_eq!(NamedStatistic::of("odds_ratio").map(|its| its.name()), Some("odds_ratio"));
/// assert!(NamedStatistic::of("oddity").is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NamedStatistic(&'static dyn Statistic);

impl NamedStatistic {
    /// By its name; `None` for one that the library does not have.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        ALL.iter().find(|its| its.name() == name).map(|its| Self(*its))
    }

    /// The statistic.
    #[must_use]
    pub fn get(self) -> &'static dyn Statistic {
        self.0
    }
}

impl PartialEq for NamedStatistic {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Serialize for NamedStatistic {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for NamedStatistic {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::of(&name).ok_or_else(|| {
            let known: Vec<&str> = ALL.iter().map(|its| its.name()).collect();
            let message = format!("there is no statistic {name:?}; there are {}", known.join(", "));
            serde::de::Error::custom(message)
        })
    }
}

impl Statistic for NamedStatistic {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn phrase(&self) -> &'static str {
        self.0.phrase()
    }

    fn details(&self) -> Option<String> {
        self.0.details()
    }

    fn check_strata(&self, strata: &[String]) -> Result<(), Error> {
        self.0.check_strata(strata)
    }

    fn null_of(&self) -> NullOf {
        self.0.null_of()
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        self.0.cells(strata)
    }

    fn scale(&self) -> Scale {
        self.0.scale()
    }

    fn value(&self, totals: &[f64]) -> Working {
        self.0.value(totals)
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        self.0.gradient(totals)
    }

    fn units(&self) -> Units {
        self.0.units()
    }

    fn null(&self) -> Option<f64> {
        self.0.null()
    }

    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        self.0.variance_of_independent(totals)
    }

    fn known_baseline(&self) -> Option<(&dyn Statistic, &KnownBaseline)> {
        self.0.known_baseline()
    }

    fn variance_of_baseline(&self, totals: &[f64]) -> f64 {
        self.0.variance_of_baseline(totals)
    }

    fn term(&self, side: Side, share: f64, totals: &[f64]) -> Option<f64> {
        self.0.term(side, share, totals)
    }
}
