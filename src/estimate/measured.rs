//! A value and how sure one may be of it: what every answer has.

use std::fmt;

use crate::base::digits::decimals;
use crate::error::no_interval::NoInterval;
use crate::estimate::IntervalMethod;
use crate::statistic::value::{ConfidenceInterval, Value};

/// A value and how sure one may be of it. It is in every answer: an [`Estimate`](crate::Estimate), what
/// [another policy](crate::replay::off_policy::Answer) would have earned, a figure of a
/// [group](crate::decompose::GroupFinding), a [reading](crate::inference::Reading) of a monitor. Those give
/// its fields as if they were their own: `estimate.value`.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::{Audit, Measured, Question};
/// let report = Audit::of(&log, &Question::between("ranked", "newest").topics(["war"])).run()?;
/// let estimate = &report.estimates()[0];
/// let measured: Measured = estimate.measured;
/// assert_eq!(measured.value, estimate.value);
/// assert!(measured.interval.is_ok() && measured.method.is_some());
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The value, or the state it is in.
    pub value: Value,
    /// The cluster-robust interval, or the reason why there is none.
    pub interval: Result<ConfidenceInterval, NoInterval>,
    /// How the interval was made; `None` where there is none.
    pub method: Option<IntervalMethod>,
    /// Cluster-robust standard error on the working scale of what is measured: of the natural logarithm for
    /// ratios and percent, of the log odds for shares.
    pub standard_error: Option<f64>,
    /// Degrees of freedom with which the standard error is known: those of Student's quantile where
    /// the method uses it. `None` for the normal, for standard errors that come from replicates, and
    /// without an interval.
    pub degrees_of_freedom: Option<f64>,
}

impl Measured {
    /// The value as a number, infinities included; `None` where it is undefined, or between two.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.value.number()
    }

    /// The lower end of the interval; `None` where it is unbounded, or there is no interval.
    #[must_use]
    pub fn low(&self) -> Option<f64> {
        self.interval.ok()?.low
    }

    /// The upper end of the interval; `None` where it is unbounded, or there is no interval.
    #[must_use]
    pub fn high(&self) -> Option<f64> {
        self.interval.ok()?.high
    }
}

/// The value and its interval on one line, to three decimals.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::Undefined(reason) => return write!(f, "undefined ({reason})"),
            Value::Infinite => f.write_str("infinite")?,
            Value::NegativeInfinite => f.write_str("minus infinity")?,
            Value::Estimated(value) | Value::Zero(value) => f.write_str(&decimals(value, 3))?,
            Value::Between { low, high } => {
                write!(f, "from {} to {}", decimals(low, 3), decimals(high, 3))?;
            }
        }
        let end = |end: Option<f64>| end.map_or("unbounded".to_owned(), |end| decimals(end, 3));
        match self.interval {
            Ok(ConfidenceInterval { low, high, .. }) => {
                write!(f, " [{}, {}]", end(low), end(high))
            }
            Err(reason) => write!(f, " (no interval: {reason})"),
        }
    }
}

/// How sure one may be of a value: a standard error, an interval, and how they came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Uncertainty {
    pub(crate) interval: Result<ConfidenceInterval, NoInterval>,
    pub(crate) method: Option<IntervalMethod>,
    pub(crate) standard_error: Option<f64>,
    pub(crate) degrees_of_freedom: Option<f64>,
}

impl Uncertainty {
    /// There is no interval, and nothing else is known.
    pub(crate) const fn none(reason: NoInterval) -> Self {
        Self { interval: Err(reason), method: None, standard_error: None, degrees_of_freedom: None }
    }

    /// With the value that it is of.
    pub(crate) const fn of(self, value: Value) -> Measured {
        let Self { interval, method, standard_error, degrees_of_freedom } = self;
        Measured { value, interval, method, standard_error, degrees_of_freedom }
    }
}

/// Gives a type the fields of the [`Measured`] that it has, or of its record.
macro_rules! is_measured {
    ($name:ty) => {
        crate::estimate::measured::is_measured!($name: crate::estimate::Measured);
    };
    ($name:ty: $measured:ty) => {
        impl std::ops::Deref for $name {
            type Target = $measured;

            fn deref(&self) -> &Self::Target {
                &self.measured
            }
        }
    };
}
pub(crate) use is_measured;
