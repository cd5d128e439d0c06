//! What a feed showed, as plain columns.

use super::feed::Response;

/// Impressions, one row each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) viewers: Vec<u32>,
    /// The number of the request among the viewer's.
    pub(super) requests: Vec<u32>,
    pub(super) arms: Vec<u8>,
    pub(super) items: Vec<u32>,
    /// 1-based ranks.
    pub(super) positions: Vec<u8>,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) times: Vec<i64>,
    pub(super) propensities: Vec<f64>,
    pub(super) clicked: Vec<bool>,
    /// Seconds.
    pub(super) dwells: Vec<f32>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.viewers.len()
    }

    #[allow(clippy::too_many_arguments, reason = "one for each column")]
    pub(super) fn push(
        &mut self,
        viewer: u32,
        request: u32,
        arm: u8,
        item: u32,
        position: u32,
        time: i64,
        propensity: f64,
        response: Response,
    ) {
        self.viewers.push(viewer);
        self.requests.push(request);
        self.arms.push(arm);
        self.items.push(item);
        self.positions.push(position as u8);
        self.times.push(time);
        self.propensities.push(propensity);
        self.clicked.push(response.clicked);
        self.dwells.push(response.dwell);
    }

    pub(super) fn joined(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        for part in parts {
            all.viewers.extend(part.viewers);
            all.requests.extend(part.requests);
            all.arms.extend(part.arms);
            all.items.extend(part.items);
            all.positions.extend(part.positions);
            all.times.extend(part.times);
            all.propensities.extend(part.propensities);
            all.clicked.extend(part.clicked);
            all.dwells.extend(part.dwells);
        }
        all
    }
}
