//! Ranges that numbers of a configuration must lie in, as errors that name them.

use crate::error::Error;

pub(crate) fn out(parameter: &'static str, value: impl ToString, expected: &'static str) -> Error {
    Error::Parameter { parameter, value: value.to_string(), expected }
}

pub(crate) fn finite(parameter: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() { Ok(()) } else { Err(out(parameter, value, "a finite number")) }
}

pub(crate) fn positive(parameter: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(out(parameter, value, "a finite number above 0"))
}

pub(crate) fn not_negative(parameter: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(out(parameter, value, "a finite number, at least 0"))
}

pub(crate) fn probability(parameter: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(out(parameter, value, "from 0 to 1")) }
}

/// Above 0, and no more than this.
pub(crate) fn at_most(
    parameter: &'static str,
    value: f64,
    most: f64,
    expected: &'static str,
) -> Result<(), Error> {
    positive(parameter, value)?;
    if value <= most { Ok(()) } else { Err(out(parameter, value, expected)) }
}
