//! What could have been shown: the candidates of requests.

use crate::log::retain;

/// Candidates of requests, one row each, in the order of requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Offered {
    pub(super) viewers: Vec<u32>,
    /// The number of the request among the viewer's.
    pub(super) requests: Vec<u32>,
    pub(super) items: Vec<u32>,
    pub(super) affinities: Vec<f32>,
    /// Clicks on the item before the round.
    pub(super) clicks: Vec<u32>,
}

impl Offered {
    pub(super) fn push(
        &mut self,
        (viewer, request): (u32, u32),
        items: &[u32],
        affinities: &[f32],
        clicks: &[u32],
    ) {
        let rows = self.items.len() + items.len();
        self.viewers.resize(rows, viewer);
        self.requests.resize(rows, request);
        self.items.extend(items);
        self.affinities.extend(affinities);
        self.clicks.extend(items.iter().map(|item| clicks[*item as usize]));
    }

    pub(super) fn joined(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.viewers.extend(part.viewers);
            all.requests.extend(part.requests);
            all.items.extend(part.items);
            all.affinities.extend(part.affinities);
            all.clicks.extend(part.clicks);
        }
        all
    }

    /// Those of these viewers.
    pub(super) fn of(mut self, viewers: &[bool]) -> Self {
        let keep: Vec<bool> = self.viewers.iter().map(|viewer| viewers[*viewer as usize]).collect();
        retain(&mut self.viewers, &keep);
        retain(&mut self.requests, &keep);
        retain(&mut self.items, &keep);
        retain(&mut self.affinities, &keep);
        retain(&mut self.clicks, &keep);
        self
    }
}
