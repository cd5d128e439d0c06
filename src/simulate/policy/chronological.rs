//! The newest first.

use super::{Feature, Policy, Request, Selection};

/// The newest first; of two of one time, whichever comes first among the candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReverseChronological;

impl Policy for ReverseChronological {
    fn name(&self) -> String {
        "reverse-chronological".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        vec![Feature::Births]
    }

    /// `1 / (1 + age)`, the age in microseconds from the newest of the candidates: in the order of
    /// births for ages up to three years, and a factor moves an item as a multiple of its age.
    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        let births = &request.candidates.births;
        let newest = births.iter().copied().max().unwrap_or(0);
        for (weight, birth) in weights.iter_mut().zip(births) {
            *weight = 1.0 / (1.0 + newest.saturating_sub(*birth) as f64);
        }
    }

    fn selection(&self) -> Selection {
        Selection::Top
    }
}
