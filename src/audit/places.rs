//! Where the estimates of each topic stand, so that many look-ups cost no more than going through all once.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use crate::estimate::Estimate;

/// What is found when first asked for, and no part of what a report says.
#[derive(Debug)]
pub(super) struct Found<T>(OnceLock<T>);

/// The places of estimates by topic.
pub(super) type Places = Found<HashMap<String, Vec<usize>, RandomState>>;

impl Places {
    /// The places of a topic's estimates among all, ascending.
    pub(super) fn of(&self, topic: &str, estimates: &[Estimate]) -> &[usize] {
        let places = self.0.get_or_init(|| {
            let mut places: HashMap<String, Vec<usize>, RandomState> = HashMap::default();
            for (at, estimate) in estimates.iter().enumerate() {
                match places.get_mut(&estimate.estimand.topic) {
                    Some(its) => its.push(at),
                    None => drop(places.insert(estimate.estimand.topic.clone(), vec![at])),
                }
            }
            places
        });
        places.get(topic).map_or(&[], Vec::as_slice)
    }
}

/// What each estimate is called where topics are named: its topic, with its group and its arms where there are
/// several.
pub(super) type Labels = Found<Vec<String>>;

impl Labels {
    /// What the estimate in this place is called.
    pub(super) fn of<'r>(&'r self, at: usize, estimates: &'r [Estimate]) -> &'r str {
        let labels = self.0.get_or_init(|| {
            let arms = has_several_arms(estimates);
            match arms || estimates.iter().any(|its| !its.estimand.group.is_empty()) {
                true => estimates.iter().map(|its| label(its, arms)).collect(),
                false => Vec::new(),
            }
        });
        labels.get(at).unwrap_or(&estimates[at].estimand.topic)
    }
}

/// Whether not all estimates compare the same two arms.
pub(crate) fn has_several_arms(estimates: &[Estimate]) -> bool {
    let is_of = |first: &Estimate, its: &Estimate| {
        let (first, its) = (&first.estimand, &its.estimand);
        first.treatment == its.treatment && first.baseline == its.baseline
    };
    estimates.first().is_some_and(|first| !estimates.iter().all(|its| is_of(first, its)))
}

fn label(of: &Estimate, has_several_arms: bool) -> String {
    let estimand = &of.estimand;
    let mut label = estimand.topic.clone();
    for (at, group) in estimand.group.iter().enumerate() {
        label.push_str(if at == 0 { " in " } else { ", " });
        label.push_str(&group.value);
    }
    if has_several_arms {
        let against = estimand.baseline.called();
        label.push_str(&format!(", {} against {against}", estimand.treatment));
    }
    label
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> PartialEq for Found<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
