//! What a policy is made for.

use super::topic_sets::TopicSets;

/// What a policy is made for: the names that its configuration may use.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The topics and their sets.
    pub topic_sets: &'a TopicSets,
    /// The names of the strata of viewers.
    pub strata: &'a [String],
    /// The day 0 of biases that start on a day, in microseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// The seed of what a policy draws when it is made.
    pub seed: u64,
}
