//! What was labelled by hand, as a tally of its own: of the rows that were, each as heavy as the rows that it stands
//! for. It knows three topics for each: as predicted, by hand, and by both.

use std::collections::HashMap;

use super::{Tally, TallySpec, Weights, kernel};
use crate::error::Error;
use crate::log::{ExposureLog, LABELLED_NONE, MAX_WEIGHT, Role, Topics};
use crate::question::attention::Attention;
use crate::question::multi_label::MultiLabel;

/// What is known of a topic in the rows that were labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labelling {
    /// The log's own topics have it.
    Predicted,
    /// The labels by hand have it.
    ByHand,
    /// Both do.
    Both,
}

impl Labelling {
    /// What the topic is called in the tally of what was labelled.
    pub(crate) fn name(self, topic: &str) -> String {
        let prefix = match self {
            Self::Predicted => 'p',
            Self::ByHand => 'h',
            Self::Both => 'b',
        };
        format!("{prefix}{topic}")
    }
}

/// Why labels by hand cannot be summed beside the others; `None` where they can.
pub(crate) fn obstacle(spec: &TallySpec) -> Option<&'static str> {
    if !spec.cluster.has_stable_keys() {
        return Some(
            "clusters of impressions, which are numbered anew in the rows that were labelled",
        );
    }
    if spec.attentions.contains(&Attention::Cascade) {
        return Some("attention cascade, which needs all rows of a slate");
    }
    (spec.multi_label == MultiLabel::Fractional).then_some(
        "labels that share an impression, since a hand may have found another number of them",
    )
}

/// The tally of the rows that are labelled by hand; `None` where there are none.
pub(super) fn of(
    log: &ExposureLog,
    spec: &TallySpec,
    most: usize,
) -> Result<Option<Box<Tally>>, Error> {
    let (Some(human), Some(topics)) = (log.human(), log.topics()) else { return Ok(None) };
    if obstacle(spec).is_some() {
        return Ok(None);
    }
    let rows: Vec<u32> =
        (0..log.rows() as u32).filter(|&row| !human.of_row(row as usize).is_empty()).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let weights = heavier(log, &rows)?;
    let mut named = HashMap::new();
    let sets: Vec<(u32, u32)> = rows
        .iter()
        .map(|&row| (topics.set_of_row()[row as usize], human.set_of_row()[row as usize]))
        .collect();
    let labelled = log.again(&rows)?.without_labels().weighing(weights);
    let labelled = labelled.with_topics_by_row(|_, row| {
        let (predicted, by_hand) = sets[row];
        named
            .entry(sets[row])
            .or_insert_with(|| names((topics, predicted), (human, by_hand)))
            .clone()
    })?;
    let mut tally = kernel::tally(&labelled, spec, most)?;
    tally.weigh(&Weights::default());
    tally.of_rows(&[]);
    Ok(Some(Box::new(tally)))
}

/// The weight of each row times how many it stands for.
fn heavier(log: &ExposureLog, rows: &[u32]) -> Result<Vec<f64>, Error> {
    let chances = log.require_numbers(Role::Inclusion, "labels by hand")?;
    let weights = log.numbers(Role::Weight);
    let heavier = |&row: &u32| {
        let row = row as usize;
        let weight = weights.map_or(1.0, |weights| weights[row]) / chances[row];
        if weight <= MAX_WEIGHT {
            return Ok(weight);
        }
        Err(Error::Parameter {
            parameter: "the weight of a row over its inclusion probability",
            value: weight.to_string(),
            expected: "at most 8,388,608: a row that stands for more decides all by itself",
        })
    };
    rows.iter().map(heavier).collect()
}

/// What a row with these topics is about in the tally of what was labelled.
fn names((topics, predicted): (&Topics, u32), (human, by_hand): (&Topics, u32)) -> Vec<String> {
    let texts = |topics: &Topics, set| {
        let texts = topics.set(set).iter().filter_map(|&code| topics.labels().id(code));
        texts.filter(|text| *text != LABELLED_NONE).map(str::to_owned).collect::<Vec<String>>()
    };
    let (predicted, by_hand) = (texts(topics, predicted), texts(human, by_hand));
    let both = predicted.iter().filter(|topic| by_hand.contains(topic));
    let named = |labelling: Labelling| move |topic: &String| labelling.name(topic);
    predicted
        .iter()
        .map(named(Labelling::Predicted))
        .chain(by_hand.iter().map(named(Labelling::ByHand)))
        .chain(both.map(named(Labelling::Both)))
        .collect()
}
