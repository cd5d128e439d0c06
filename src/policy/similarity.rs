//! How alike two candidates are.

use super::Candidates;
use super::topic_sets::TopicSets;

/// Half for topics, half for creators: the Jaccard index of two sets of topics, and 1 for the same
/// creator (0 where creators are not known).
#[derive(Clone, Debug)]
pub(super) struct Similarity {
    /// Without repetitions.
    sets: Vec<Vec<u16>>,
}

impl Similarity {
    pub(super) fn new(topics: &TopicSets) -> Self {
        let set = |number| {
            let mut set = topics.of(number).to_vec();
            set.sort_unstable();
            set.dedup();
            set
        };
        Self { sets: (0..topics.len() as u32).map(set).collect() }
    }

    pub(super) fn of(&self, candidates: &Candidates, a: usize, b: usize) -> f64 {
        let topics = match (candidates.topics.get(a), candidates.topics.get(b)) {
            (Some(a), Some(b)) => self.jaccard(*a, *b),
            _ => 0.0,
        };
        0.5 * topics + same(&candidates.creators, a, b)
    }

    /// Topics in both through topics in either; 0 for two sets of which nothing is known, unless they
    /// are the same.
    fn jaccard(&self, a: u32, b: u32) -> f64 {
        if a == b {
            return 1.0;
        }
        let of = |set: u32| self.sets.get(set as usize).map_or(&[][..], Vec::as_slice);
        let (a, b) = (of(a), of(b));
        let both = a.iter().filter(|topic| b.contains(topic)).count();
        if both == 0 { 0.0 } else { both as f64 / (a.len() + b.len() - both) as f64 }
    }
}

/// Half for the same set of topics, half for the same creator: where sets are numbers and no more.
pub(super) fn by_number(candidates: &Candidates, a: usize, b: usize) -> f64 {
    same(&candidates.topics, a, b) + same(&candidates.creators, a, b)
}

/// 1/2 where a column has the same for both.
fn same(column: &[u32], a: usize, b: usize) -> f64 {
    match (column.get(a), column.get(b)) {
        (Some(a), Some(b)) if a == b => 0.5,
        _ => 0.0,
    }
}
