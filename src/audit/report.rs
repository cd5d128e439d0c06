//! The answer of an audit, and its sentence.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::places::Places;
use crate::base::printable::{named, printable};
use crate::base::text::{number, percent};
use crate::estimate::{Estimate, Warning};
use crate::log::DataQuality;

/// The answer of an [`Audit`](crate::Audit).
///
/// `Display` prints the table, [`to_text`](AuditReport::to_text) for a terminal of any width;
/// [`to_json`](AuditReport::to_json) gives the versioned JSON, [`to_csv`](AuditReport::to_csv) a row for each estimate;
/// `to_frame`, with the feature `polars`, makes a polars frame.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// let report = Audit::of(&log, &question).run()?;
/// println!("{report}");
/// assert!(report.to_json()?.contains("\"topic\": \"war\""));
/// assert!(report.to_markdown().starts_with("| topic"));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct AuditReport {
    pub(crate) estimates: Vec<Estimate>,
    pub(crate) quality: Option<DataQuality>,
    places: Places,
}

impl AuditReport {
    pub(crate) fn new(estimates: Vec<Estimate>, quality: Option<DataQuality>) -> Self {
        Self { estimates, quality, places: Places::default() }
    }

    /// So that tests can put other numbers into it.
    #[cfg(all(test, feature = "plot"))]
    pub(crate) fn estimates_mut(&mut self) -> impl Iterator<Item = &mut Estimate> {
        self.estimates.iter_mut()
    }

    /// The estimates: by statistic as they were added, then by topic.
    pub fn estimates(&self) -> &[Estimate] {
        &self.estimates
    }

    /// The estimate of a statistic for a topic.
    pub fn estimate(
        &self,
        statistic: &dyn crate::statistic::Statistic,
        topic: &str,
    ) -> Option<&Estimate> {
        let phrase = crate::statistic::phrase_in_full(statistic);
        let of_topic = self.places.of(topic, &self.estimates).iter();
        of_topic.map(|&at| &self.estimates[at]).find(|Estimate { estimand, .. }| {
            *estimand.statistic == *statistic.name() && estimand.phrase == phrase
        })
    }

    /// The state of the log's data; `None` for a report from a tally whose
    /// [`origin`](crate::Audit::origin) was not said.
    #[must_use]
    pub fn quality(&self) -> Option<&DataQuality> {
        self.quality.as_ref()
    }

    /// What was estimated, in a sentence that a methods section could print.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Some(first) = self.estimates.first() else {
            return "Nothing was estimated.".to_owned();
        };
        let estimand = &first.estimand;
        let mut topics: Vec<_> = self.estimates.iter().map(|e| &e.estimand.topic).collect();
        topics.sort();
        topics.dedup();
        let of = match topics.as_slice() {
            [one] => format!("the topic {one:?}"),
            many => format!("each of {} topics", many.len()),
        };
        let mut phrases: Vec<_> = self.estimates.iter().map(|e| &*e.estimand.phrase).collect();
        phrases.dedup();
        let mut sentence = format!(
            "For {of}: {}, in arm {:?} against {}; {}. Clusters: {}, {} in {:?} and {} in the baseline, {}.",
            phrases.join("; "),
            estimand.treatment,
            estimand.baseline,
            estimand.conditions(),
            estimand.cluster,
            first.clusters.treatment,
            estimand.treatment,
            first.clusters.baseline,
            first.clusters.relation,
        );
        if let (Some(cluster), Some(second)) = (&estimand.second_cluster, first.second_clusters) {
            sentence.push_str(&format!(
                " Second way: {cluster}, {} in {:?} and {} in the baseline, {}.",
                second.treatment, estimand.treatment, second.baseline, second.relation
            ));
        }
        if let Some(Ok(interval)) = self.estimates.iter().map(|e| e.interval).find(Result::is_ok) {
            let made = self.by_topics(|e| e.interval.ok().and(e.method));
            sentence.push_str(&format!(" Intervals: {}%, {made}.", percent(interval.level)));
        }
        let tests = self.by_topics(|e| e.test?.method);
        if !tests.is_empty() {
            sentence.push_str(&format!(" Tests: {tests}"));
            if let Some((low, high)) = self.estimates.iter().find_map(|e| e.test?.margin) {
                sentence.push_str(&format!(", whether within {} to {}", number(low), number(high)));
            }
            if let Some(by) = self.estimates.iter().find_map(|e| e.test?.adjusted_by) {
                sentence.push_str(&format!(", adjusted for the number of topics by {by}"));
            }
            sentence.push('.');
        }
        printable(&sentence)
    }

    /// What was used, in the order of first use; with the topics where it was not the same for all.
    fn by_topics<M: PartialEq + fmt::Display>(
        &self,
        of: impl Fn(&Estimate) -> Option<M>,
    ) -> String {
        let mut used: Vec<(M, Vec<&str>)> = Vec::new();
        let mut met: HashSet<(usize, &str)> = HashSet::new();
        for estimate in &self.estimates {
            let (Some(method), topic) = (of(estimate), &*estimate.estimand.topic) else {
                continue;
            };
            let at = used.iter().position(|(its, _)| *its == method).unwrap_or_else(|| {
                used.push((method, Vec::new()));
                used.len() - 1
            });
            if met.insert((at, topic)) {
                used[at].1.push(topic);
            }
        }
        if let [(method, _)] = used.as_slice() {
            return method.to_string();
        }
        if let Some(said) = self.by_statistics(&of) {
            return said;
        }
        let clause = |(method, topics): &(M, Vec<&str>)| match topics.as_slice() {
            few if few.len() <= 4 => format!("{method} ({})", named(few)),
            many => format!("{method} ({} topics)", many.len()),
        };
        used.iter().map(clause).collect::<Vec<_>>().join("; ")
    }

    /// The same where each statistic has one, and they differ: with the statistics.
    fn by_statistics<M: PartialEq + fmt::Display>(
        &self,
        of: impl Fn(&Estimate) -> Option<M>,
    ) -> Option<String> {
        let mut used: Vec<(M, &str)> = Vec::new();
        for estimate in &self.estimates {
            let (Some(method), name) = (of(estimate), &*estimate.estimand.statistic) else {
                continue;
            };
            match used.iter().find(|(_, its)| *its == name) {
                Some((its, _)) if *its != method => return None,
                Some(_) => {}
                None => used.push((method, name)),
            }
        }
        let clause = |(method, name): &(M, &str)| format!("{method} ({name})");
        Some(used.iter().map(clause).collect::<Vec<_>>().join("; "))
    }

    /// The warnings of all estimates, each once, with the topics it concerns (`None` if all).
    #[must_use]
    pub fn warnings(&self) -> Vec<(&Warning, Option<Vec<&str>>)> {
        let mut seen: Vec<(&Warning, Vec<&str>)> = Vec::new();
        // As many warnings as topics may differ in a number; in full they are told apart.
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut met: HashSet<(usize, &str)> = HashSet::new();
        for estimate in &self.estimates {
            let topic = &*estimate.estimand.topic;
            for warning in &estimate.warnings {
                let at = *places.entry(format!("{warning:?}")).or_insert_with(|| {
                    seen.push((warning, Vec::new()));
                    seen.len() - 1
                });
                if met.insert((at, topic)) {
                    seen[at].1.push(topic);
                }
            }
        }
        let all = self.distinct_topics();
        seen.into_iter()
            .map(|(warning, topics)| (warning, (topics.len() != all).then_some(topics)))
            .collect()
    }

    /// How many topics there are estimates of.
    pub(crate) fn distinct_topics(&self) -> usize {
        self.estimates.iter().map(|its| &*its.estimand.topic).collect::<HashSet<_>>().len()
    }
}
