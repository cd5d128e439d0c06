//! What viewers do with items.

/// Requests of a viewer in a round, at most: numbers of requests leave eight bits for them.
pub(super) const MOST_REQUESTS: u32 = 256;

/// What part of the time on a clicked item one is given that is looked at and not clicked.
pub(super) const GLANCE: f64 = 0.1;

/// What a viewer did with an item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Response {
    pub(super) clicked: bool,
    /// Seconds.
    pub(super) dwell: f32,
}
