//! A policy whose slates are made in another way than its own.

use super::similarity::Similarity;
use super::{
    Candidates, Feature, Learning, Policy, Propensities, Request, Selection, Setting, Shown,
};
use crate::error::Error;

/// A policy whose slates are made in another way than its own: it keeps its weights, what it learns, and
/// whether it can tell its propensities.
///
/// Under [`Selection::Diversified`] candidates are alike by half the Jaccard index of their topics and half
/// for the same creator, and must have both columns.
///
/// ```
/// use tiltmeter::policy::{Affinity, Selected, Selection, Setting, slate};
/// use tiltmeter::policy::{Candidates, Request, TopicSets};
/// let topics = TopicSets::new(vec!["war".into(), "sport".into()], vec![vec![0], vec![1]])?;
/// let setting = Setting { topic_sets: &topics, strata: &[], start: 0, seed: 0 };
/// let diverse = Selection::Diversified { relevance: 0.5 };
/// let policy = Selected::new(Box::new(Affinity::default()), diverse, &setting)?;
///
/// let pool = Candidates {
///     items: vec![1, 2, 3],
///     topics: vec![0, 0, 1],
///     creators: vec![1, 2, 3],
///     affinities: vec![1.0, 0.9, 0.8],
///     ..Candidates::default()
/// };
/// // The third is liked less than the second, and is about something else than the first.
/// assert_eq!(slate(&policy, &Request::new(&pool), 3)?.places, [0, 2, 1]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Debug)]
pub struct Selected {
    policy: Box<dyn Policy>,
    selection: Selection,
    similarity: Option<Similarity>,
}

impl Selected {
    /// Has a policy's slates made in this way.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers of the selection that are out of their range.
    pub fn new(
        policy: Box<dyn Policy>,
        selection: Selection,
        setting: &Setting<'_>,
    ) -> Result<Self, Error> {
        selection.check()?;
        let diversified = matches!(selection, Selection::Diversified { .. });
        let similarity = diversified.then(|| Similarity::new(setting.topic_sets));
        Ok(Self { policy, selection, similarity })
    }
}

impl Policy for Selected {
    fn name(&self) -> String {
        self.policy.name()
    }

    fn needs(&self) -> Vec<Feature> {
        let mut needs = self.policy.needs();
        if self.similarity.is_some() {
            needs.extend([Feature::Topics, Feature::Creators]);
        }
        needs
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        self.policy.weigh(request, weights);
    }

    fn selection(&self) -> Selection {
        self.selection
    }

    fn similarity(&self, candidates: &Candidates, a: usize, b: usize) -> f64 {
        match &self.similarity {
            Some(similarity) => similarity.of(candidates, a, b),
            None => self.policy.similarity(candidates, a, b),
        }
    }

    fn propensities(&self) -> Propensities {
        self.policy.propensities()
    }

    fn learning(&self) -> Learning {
        self.policy.learning()
    }

    fn learn(&mut self, shown: &[Shown]) {
        self.policy.learn(shown);
    }
}
