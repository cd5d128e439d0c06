//! Tails of distributions.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The probability that Student's t or the normal exceeds a number.
pub(super) fn above(errors: f64, degrees: Option<f64>) -> f64 {
    let student = degrees.and_then(|degrees| StudentsT::new(0.0, 1.0, degrees).ok());
    match student {
        Some(student) => student.sf(errors),
        None => Normal::standard().sf(errors),
    }
}
