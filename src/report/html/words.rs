//! What is found, and its limits, in sentences.

use std::collections::HashMap;

use crate::base::text::{number, percent};
use crate::estimate::{Estimate, IntervalMethod, Value};
use crate::findings::{Findings, PowerLeft};
use crate::report::FindingCounts;
use crate::statistic::Statistic;

/// How many topics are spoken of one by one.
const SAID: usize = 10;

impl Findings {
    /// The finding of a statistic in a sentence.
    pub(super) fn finding(&self, statistic: &dyn Statistic) -> String {
        let estimates = self.estimates_of(statistic);
        if let [one] = estimates.as_slice() {
            return one.sentence();
        }
        if statistic.null().is_none() {
            return format!("{}: of {} topics.", statistic.phrase(), estimates.len());
        }
        let counts = FindingCounts::of(&estimates);
        let question = &self.study().question;
        let level = estimates.iter().find_map(|its| its.interval.ok());
        let by = level.map_or("no intervals".to_owned(), |its| {
            format!("{}% intervals by clusters", percent(its.level))
        });
        format!(
            "Of {} topics, arm {:?} shows {} more than the baseline ({}) does, and {} less, {}. One at a time, \
             {by} exclude no difference for {} that are shown more and {} that are shown less; {} are not \
             decided.",
            estimates.len(),
            question.treatment,
            of(&counts.more),
            question.baseline_in_words(),
            of(&counts.less),
            counts.taken_together(),
            counts.more_alone,
            counts.less_alone,
            estimates.len() - counts.more_alone - counts.less_alone,
        )
    }

    /// What was found of each topic that is a finding among all of them, where there are several.
    pub(super) fn decided(&self, statistic: &dyn Statistic) -> Vec<String> {
        let estimates = self.estimates_of(statistic);
        if estimates.len() < 2 {
            return Vec::new();
        }
        let is_found =
            |its: &&&Estimate| its.finding.is_some_and(|finding| finding.among_all.is_clear());
        let decided: Vec<&&Estimate> = estimates.iter().filter(is_found).collect();
        let mut said: Vec<String> = decided.iter().take(SAID).map(|its| its.sentence()).collect();
        if decided.len() > SAID {
            said.push(format!("And {} more, which are in the figure below.", decided.len() - SAID));
        }
        said
    }

    /// What limits it.
    pub(super) fn limits(&self) -> Vec<String> {
        let question = &self.study().question;
        let mut limits = vec![format!(
            "The baseline is {}. Against another baseline the same log may say the opposite.",
            question.baseline_in_words()
        )];
        let estimates = self.report().estimates();
        if let Some(first) = estimates.first() {
            limits.push(clusters(first));
        }
        limits.extend(many(estimates, self.topics().len()));
        limits.extend(special(estimates));
        for (warning, concerned) in self.report().warnings_in_words() {
            limits.push(match concerned {
                None => format!("{}.", sentence(&warning)),
                Some(topics) => {
                    let topics: Vec<String> = topics.iter().map(|t| format!("{t:?}")).collect();
                    format!("{} ({}).", sentence(&warning), topics.join(", "))
                }
            });
        }
        limits
    }
}

/// What was independent.
fn clusters(estimate: &Estimate) -> String {
    let counts = estimate.clusters;
    let baseline = match counts.baseline {
        0 => "none in the baseline".to_owned(),
        some => format!("{some} in the baseline, {}", counts.relation),
    };
    let second = match &estimate.estimand.second_cluster {
        Some(second) => format!(" and the {second}"),
        None => String::new(),
    };
    format!(
        "What was sampled or assigned independently is taken to be the {}{second}: {} in the \
         treatment, {baseline}. If it was something else, intervals are wrong.",
        estimate.estimand.cluster, counts.treatment
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

fn of(topics: &[String]) -> String {
    match topics.len() {
        0 => "none".to_owned(),
        few if few <= 5 => format!("{few} ({})", topics.join(", ")),
        many => many.to_string(),
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
fn special(estimates: &[Estimate]) -> Vec<String> {
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
    let sentence = |(statistic, words, topics): (&str, String, Vec<&str>)| {
        let topics: Vec<String> = topics.iter().map(|topic| format!("{topic:?}")).collect();
        format!("{}, {statistic}: {words}.", topics.join(", "))
    };
    said.into_iter().map(sentence).collect()
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

/// What the audit could have seen.
pub(super) fn power(power: &PowerLeft) -> String {
    let mut parts: Vec<String> = Vec::new();
    for its in &power.topics {
        parts.push(match (its.above, its.below) {
            (Some(above), Some(below)) => {
                format!("{:?}: {} or more, or {} or less", its.topic, number(above), number(below))
            }
            _ => match &its.reason {
                Some(reason) => format!("{:?}: not known, since {reason}", its.topic),
                None => format!("{:?}: not known", its.topic),
            },
        });
    }
    format!(
        "With as many clusters, {}% intervals would exclude a ratio of 1 in {}% of audits or more for true \
         ratios of: {}.",
        percent(power.level),
        percent(power.power),
        parts.join("; ")
    )
}
