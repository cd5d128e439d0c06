//! What a feed showed, as plain columns.

use super::response::Response;
use crate::log::retain;

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

    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            viewers: Vec::with_capacity(rows),
            requests: Vec::with_capacity(rows),
            arms: Vec::with_capacity(rows),
            items: Vec::with_capacity(rows),
            positions: Vec::with_capacity(rows),
            times: Vec::with_capacity(rows),
            propensities: Vec::with_capacity(rows),
            clicked: Vec::with_capacity(rows),
            dwells: Vec::with_capacity(rows),
        }
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

    /// The rows of these viewers.
    pub(super) fn of(mut self, viewers: &[bool]) -> Self {
        let keep: Vec<bool> = self.viewers.iter().map(|viewer| viewers[*viewer as usize]).collect();
        retain(&mut self.viewers, &keep);
        retain(&mut self.requests, &keep);
        retain(&mut self.arms, &keep);
        retain(&mut self.items, &keep);
        retain(&mut self.positions, &keep);
        retain(&mut self.times, &keep);
        retain(&mut self.propensities, &keep);
        retain(&mut self.clicked, &keep);
        retain(&mut self.dwells, &keep);
        self
    }

    pub(super) fn joined(parts: Vec<Self>) -> Self {
        let rows = parts.iter().map(Self::len).sum();
        let mut all = Self::with_capacity(rows);
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
