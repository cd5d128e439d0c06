//! What is tallied.

use std::ops::Range;

use super::cluster::Clusters;
use super::slots::{Slots, Weighing};

/// What is tallied: some rows of a log.
pub(super) struct Rows<'l> {
    pub(super) slots: &'l Slots<'l>,
    /// By attention model.
    pub(super) weighings: &'l [Weighing<'l>],
    pub(super) clusters: &'l Clusters<'l>,
    /// How many impressions each row of the log stands for; one each if `None`.
    pub(super) counts: Option<&'l [f64]>,
    pub(super) rows: Range<usize>,
}
