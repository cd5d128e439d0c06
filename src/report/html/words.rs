//! What limits a finding, in sentences.

use std::collections::HashMap;

use super::page::Item;
use crate::base::text::{count, number, percent};
use crate::estimate::{Estimate, IntervalMethod, Value};
use crate::findings::{Findings, PowerLeft};

/// Topics that are named in a sentence; of more, the names are folded.
const NAMED: usize = 5;

/// Warnings of one kind that are told one by one; more are folded.
const OF_A_KIND: usize = 2;

impl Findings {
    /// What limits it.
    pub(super) fn limits(&self) -> Vec<Item> {
        let question = &self.study().question;
        let mut limits = vec![Item::Said(match question.is_of_one_arm() {
            true => {
                "Shares of one arm say nothing of amplification, which needs a baseline.".to_owned()
            }
            false => format!(
                "The baseline is {}. Against another baseline the same log may say the opposite.",
                question.baseline_in_words()
            ),
        })];
        let estimates = self.report().estimates();
        if let Some(first) = estimates.first() {
            limits.push(Item::Said(clusters(first)));
        }
        limits.extend(many(estimates, self.topics().len()).map(Item::Said));
        limits.extend(special(estimates));
        for kind in self.report().warnings_by_kind() {
            let told = |(warning, topics): (String, Option<Vec<&str>>)| {
                about(&sentence(&warning), &topics.unwrap_or_default())
            };
            let mut items: Vec<Item> = kind.into_iter().map(told).collect();
            if items.len() > OF_A_KIND {
                let rest = items.split_off(1);
                let summary = format!("{} more warnings of the same kind as the last", rest.len());
                items.push(Item::Folded {
                    summary,
                    items: rest.into_iter().map(Item::flat).collect(),
                });
            }
            limits.extend(items);
        }
        limits
    }
}

/// What is said of some topics, with their names where there are few; of more, these are folded.
fn about(words: &str, topics: &[&str]) -> Item {
    let named = || topics.iter().map(|topic| format!("{topic:?}")).collect::<Vec<_>>();
    match topics.len() {
        0 => Item::Said(format!("{words}.")),
        few if few <= NAMED => Item::Said(format!("{words} ({}).", named().join(", "))),
        many => Item::Folded { summary: format!("{words} ({many} topics).",), items: named() },
    }
}

/// What was independent.
fn clusters(estimate: &Estimate) -> String {
    let counts = estimate.clusters;
    let baseline = match counts.baseline {
        0 => "none in the baseline".to_owned(),
        some => format!("{} in the baseline, {}", count(some), counts.relation),
    };
    let second = match &estimate.estimand.second_cluster {
        Some(second) => format!(" and the {second}"),
        None => String::new(),
    };
    format!(
        "What was sampled or assigned independently is taken to be the {}{second}: {} in the \
         treatment, {baseline}. If it was something else, intervals are wrong.",
        estimate.estimand.cluster,
        count(counts.treatment)
    )
}

/// What it means that there are several topics.
fn many(estimates: &[Estimate], topics: usize) -> Option<String> {
    let at_once = estimates.iter().filter_map(|its| its.method).any(|method| {
        matches!(method, IntervalMethod::SimultaneousMaxT | IntervalMethod::SimultaneousStudentised)
    });
    match (topics > 1, at_once) {
        (false, _) => None,
        (true, true) => Some("Intervals hold for all topics at once.".to_owned()),
        (true, false) => Some(format!(
            "Intervals are for one topic at a time: of {topics} topics without any difference some would \
             be taken for one by chance. What is counted as a finding, and coloured full, allows for that."
        )),
    }
}

/// With a capital letter.
pub(super) fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Values that are no ordinary numbers, in words: topics of which the same is to be said, together.
fn special(estimates: &[Estimate]) -> Vec<Item> {
    let mut said: Vec<(&str, String, Vec<&str>)> = Vec::new();
    // As many words as topics may differ in a number.
    let mut places: HashMap<(&str, String), usize> = HashMap::new();
    for its in estimates {
        let Some(words) = state(its) else { continue };
        let (statistic, topic) = (&*its.estimand.statistic, &*its.estimand.topic);
        let at = *places.entry((statistic, words.clone())).or_insert(said.len());
        match said.get_mut(at) {
            Some((_, _, topics)) => topics.push(topic),
            None => said.push((statistic, words, vec![topic])),
        }
    }
    let item = |(statistic, words, topics): (&str, String, Vec<&str>)| {
        about(&format!("{}: {words}", sentence(&statistic.replace('_', " "))), &topics)
    };
    said.into_iter().map(item).collect()
}

/// What is special about an estimate.
fn state(estimate: &Estimate) -> Option<String> {
    let bound = match &estimate.interval {
        Ok(_) => "the end of its interval is in the table".to_owned(),
        Err(reason) => format!("there is no interval: {reason}"),
    };
    Some(match estimate.value {
        Value::Estimated(_) => format!("there is no interval: {}", estimate.interval.err()?),
        Value::Zero(_) => format!(
            "the treatment showed nothing of it, and the value is zero, which is a value and not a missing \
             one; {bound}"
        ),
        Value::Infinite => format!(
            "the baseline showed nothing of it and the treatment did, so the value is infinite; {bound}"
        ),
        Value::NegativeInfinite => format!(
            "the treatment showed nothing of it and the baseline did, so the value is infinite below; \
             {bound}"
        ),
        Value::Undefined(reason) => format!("there is no value: {reason}"),
        Value::Between { low, high } => format!(
            "the value lies between {} and {}, as far as the stated bias of the reference goes",
            number(low),
            number(high)
        ),
    })
}

/// What the audit could have seen: the topics of which it sees least and most.
pub(super) fn power(power: &PowerLeft) -> String {
    let known = power.topics.iter().filter_map(|its| Some((its.above?, its.below?, &its.topic)));
    let mut known: Vec<(f64, f64, &String)> = known.collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let one = |(above, below, topic): &(f64, f64, &String)| {
        format!("{} or more, or {} or less, for {topic:?}", number(*above), number(*below))
    };
    let ratios = match known.as_slice() {
        [] => {
            return "It is not known of any topic which ratios the audit would have seen."
                .to_owned();
        }
        [only] => one(only),
        [most, .., least] => format!("{}, to {}", one(most), one(least)),
    };
    let unknown = match power.topics.len() - known.len() {
        0 => String::new(),
        some => format!(" It is not known of {some} topics."),
    };
    format!(
        "With as many clusters, {}% intervals would tell the ratio from 1 in {}% of audits or more for true \
         ratios of {ratios}.{unknown}",
        percent(power.level),
        percent(power.power)
    )
}
