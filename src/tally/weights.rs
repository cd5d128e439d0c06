//! What the impressions of a log are weighed by.

use crate::log::{ExposureLog, Role};
use crate::question::weights::Weights;

impl Weights {
    /// Of a log.
    pub(crate) fn of(log: &ExposureLog) -> Self {
        match (log.numbers(Role::Weight), &log.origin().weight) {
            (None, _) => Self::Equal,
            (Some(_), Some(column)) => Self::Columns(vec![column.clone()]),
            // Weights that were worked out.
            (Some(_), None) => Self::Unknown,
        }
    }
}
