//! The answer of an audit, and its sentence.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::places::{Labels, Places, has_several_arms};
use crate::base::printable::{named, printable, quoted_each};
use crate::base::text::{number, percent};
use crate::error::Error;
use crate::estimate::{Estimate, Warning, words};
use crate::log::DataQuality;
use crate::question::baseline::Baseline;
use crate::question::estimand::Estimand;
use crate::statistic::Side;

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
    labels: Labels,
}

impl AuditReport {
    pub(crate) fn new(estimates: Vec<Estimate>, quality: Option<DataQuality>) -> Self {
        Self { estimates, quality, places: Places::default(), labels: Labels::default() }
    }

    /// So that tests can put other numbers into it.
    #[cfg(all(test, feature = "plot"))]
    pub(crate) fn estimates_mut(&mut self) -> impl Iterator<Item = &mut Estimate> {
        self.estimates.iter_mut()
    }

    /// The estimates: by statistic as they were added, then by topic; of several groups by group before that,
    /// then by pair of arms.
    pub fn estimates(&self) -> &[Estimate] {
        &self.estimates
    }

    /// The estimate of a statistic for a topic; `None` where there is none, or one for each of several groups
    /// or pairs of arms, which [`get_in`](Self::get_in) tells apart.
    pub fn estimate(
        &self,
        statistic: &dyn crate::statistic::Statistic,
        topic: &str,
    ) -> Option<&Estimate> {
        let phrase = crate::statistic::phrase_in_full(statistic);
        let of_topic = self.places.of(topic, &self.estimates).iter();
        let mut found =
            of_topic.map(|&at| &self.estimates[at]).filter(|Estimate { estimand, .. }| {
                *estimand.statistic == *statistic.name() && estimand.phrase == phrase
            });
        let first = found.next()?;
        let of = |its: &Estimand| (its.treatment.clone(), its.baseline.clone(), its.group.clone());
        found.all(|its| of(&its.estimand) == of(&first.estimand)).then_some(first)
    }

    /// The estimate for a topic, by the first statistic that was asked for.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # use tiltmeter::{Audit, Question};
    /// # let question = Question::between("ranked", "newest");
    /// let report = Audit::of(&log, &question).run()?;
    /// let war = report.get("war")?;
    /// assert!(war.low() < war.value() && war.value() < war.high());
    /// assert!(report.get("peace").is_err());
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownTopic`] with the topics there are; [`Error::SeveralEstimates`] in a report of several
    /// groups, of which [`get_in`](Self::get_in) takes one.
    pub fn get(&self, topic: &str) -> Result<&Estimate, Error> {
        self.get_in(topic, &[])
    }

    /// The same in the group with these values of columns, such as `[("country", "DE")]`. Of windows of time
    /// the column is `window`; of pairs of arms the columns are `treatment` and `baseline`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); and [`Error::NoSuchEstimate`] where the topic has no estimate in such a group.
    pub fn get_in(&self, topic: &str, group: &[(&str, &str)]) -> Result<&Estimate, Error> {
        let places = self.places.of(topic, &self.estimates);
        let of_topic = places.iter().map(|&at| &self.estimates[at]);
        let Some(first) = of_topic.clone().next() else {
            let mut available: Vec<String> =
                self.estimates.iter().map(|its| its.estimand.topic.clone()).collect();
            available.sort_unstable();
            available.dedup();
            return Err(Error::UnknownTopic { topic: topic.to_owned(), available });
        };
        let has = |its: &Estimate, &(column, value): &(&str, &str)| {
            let Estimand { treatment, baseline, group, .. } = &its.estimand;
            group.iter().any(|its| its.column == column && its.value == value)
                || column == "treatment" && treatment == value
                || column == "baseline" && *baseline == Baseline::arm(value)
        };
        let mut found = of_topic.filter(|its| {
            its.estimand.statistic == first.estimand.statistic
                && its.estimand.phrase == first.estimand.phrase
                && group.iter().all(|said| has(its, said))
        });
        match (found.next(), found.next()) {
            (Some(estimate), None) => Ok(estimate),
            (None, _) => Err(Error::NoSuchEstimate {
                topic: topic.to_owned(),
                group: group.iter().map(|(column, value)| format!("{column} {value}")).collect(),
            }),
            (Some(one), Some(other)) => Err(Error::SeveralEstimates {
                topic: topic.to_owned(),
                first: one.estimand.to_string(),
                second: other.estimand.to_string(),
            }),
        }
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
        if self.estimates.is_empty() {
            return "Nothing was estimated.".to_owned();
        }
        let mut topics: Vec<_> = self.estimates.iter().map(|e| &e.estimand.topic).collect();
        topics.sort();
        topics.dedup();
        let of = match topics.as_slice() {
            [one] => format!("the topic {one:?}"),
            many => format!("each of {} topics", many.len()),
        };
        let mut phrases: Vec<_> = self.estimates.iter().map(|e| &*e.estimand.phrase).collect();
        let mut seen = HashSet::new();
        phrases.retain(|phrase| seen.insert(*phrase));
        let mut sentence = match self.is_grouped() {
            true => self.of_groups(&of, &phrases.join("; ")),
            false => of_one(&self.estimates, &of, &phrases.join("; ")),
        };
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
                let over = if self.is_grouped() { "topics and groups" } else { "topics" };
                sentence.push_str(&format!(", adjusted for the number of {over} by {by}"));
            }
            sentence.push('.');
        }
        printable(&sentence)
    }

    /// Whether there are several groups, or several pairs of arms.
    pub(crate) fn is_grouped(&self) -> bool {
        self.estimates.iter().any(|its| !its.estimand.group.is_empty())
            || has_several_arms(&self.estimates)
    }

    /// What was asked of several groups. Their clusters are in the table.
    fn of_groups(&self, of: &str, phrases: &str) -> String {
        let estimand = &self.estimates[0].estimand;
        let mut groups: Vec<_> = self.estimates.iter().map(|its| &its.estimand.group).collect();
        groups.dedup();
        let columns: Vec<&str> = estimand.group.iter().map(|its| &*its.column).collect();
        let within = match (columns.as_slice(), groups.len()) {
            ([], _) => String::new(),
            (by, 1) => format!(" in the one group by {}", quoted_each(by)),
            (by, many) => format!(" in each of {many} groups by {}", quoted_each(by)),
        };
        let arms = match has_several_arms(&self.estimates) {
            true => "each arm against each other".to_owned(),
            false => estimand.arms(),
        };
        let clusters = match &estimand.second_cluster {
            Some(second) => format!("{} and {second}", estimand.cluster),
            None => estimand.cluster.to_string(),
        };
        let conditions = estimand.conditions_of_all();
        format!("For {of}{within}: {phrases}, in {arms}; {conditions}. Clusters: {clusters}.")
    }

    /// What was used, in the order of first use; with the topics where it was not the same for all.
    fn by_topics<M: PartialEq + fmt::Display>(
        &self,
        of: impl Fn(&Estimate) -> Option<M>,
    ) -> String {
        let mut used: Vec<(M, Vec<&str>)> = Vec::new();
        let mut met: HashSet<(usize, &str)> = HashSet::new();
        for (place, estimate) in self.estimates.iter().enumerate() {
            let (Some(method), topic) = (of(estimate), self.name_of(place)) else {
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
        for (place, estimate) in self.estimates.iter().enumerate() {
            let topic = self.name_of(place);
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

    /// What an estimate is called where topics are named: its topic, with its group where there are several.
    pub(crate) fn name_of(&self, at: usize) -> &str {
        self.labels.of(at, &self.estimates)
    }

    /// How many topics, in all groups, there are estimates of.
    pub(crate) fn distinct_topics(&self) -> usize {
        (0..self.estimates.len()).map(|at| self.name_of(at)).collect::<HashSet<_>>().len()
    }
}

/// What was asked of one comparison, with its clusters.
fn of_one(estimates: &[Estimate], of: &str, phrases: &str) -> String {
    let first = &estimates[0];
    let estimand = &first.estimand;
    let treatment = words::clusters(estimates, Side::Treatment, |clusters| clusters.to_string());
    let clusters = match estimand.baseline {
        Baseline::Nothing => treatment,
        _ => format!(
            "{treatment} in {:?} and {} in the baseline, {}",
            estimand.treatment,
            words::clusters(estimates, Side::Baseline, |clusters| clusters.to_string()),
            first.clusters.relation
        ),
    };
    let mut sentence = format!(
        "For {of}: {phrases}, in {}; {}. Clusters: {}, {clusters}.",
        estimand.arms(),
        estimand.conditions(),
        estimand.cluster,
    );
    if let (Some(cluster), Some(second)) = (&estimand.second_cluster, first.second_clusters) {
        sentence.push_str(&format!(
            " Second way: {cluster}, {} in {:?} and {} in the baseline, {}.",
            second.treatment, estimand.treatment, second.baseline, second.relation
        ));
    }
    sentence
}
