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

    /// `1 / (1 + age)`, the age in microseconds at the time of the request, or when the newest was
    /// published, if that is later: in the order of births for ages up to three years. A factor makes
    /// an item so many times as young.
    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        let births = &request.candidates.births;
        let now = births.iter().copied().fold(request.time, i64::max);
        for (weight, birth) in weights.iter_mut().zip(births) {
            *weight = 1.0 / (1.0 + now.saturating_sub(*birth) as f64);
        }
    }

    fn selection(&self) -> Selection {
        Selection::Top
    }
}
