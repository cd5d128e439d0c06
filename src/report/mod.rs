//! The report: estimates as a table, as sentences, as JSON, as a frame. It speaks and never
//! computes.

#[cfg(feature = "polars")]
mod frame;
#[cfg(feature = "plot")]
mod html;
mod markdown;
mod places;
#[cfg(feature = "plot")]
mod plot;
mod record;
mod sensitivity;
mod table;
mod warned;
mod waterfall;

#[cfg(feature = "plot")]
pub use self::html::Figure;
use self::places::Places;
pub(crate) use self::record::read;
pub use self::record::{
    EstimateRecord, IntervalRecord, REPORT_SCHEMA, REPORT_VERSION, ReportRecord, StateRecord,
    WarningRecord,
};
pub use self::sensitivity::{
    EffectRecord, SENSITIVITY_SCHEMA, SENSITIVITY_VERSION, SensitivityRecord, SensitivityRowRecord,
    SensitivitySummaryRecord,
};
pub(crate) use self::table::{RULED, in_lines, interval, number, value, wrap};
pub use self::waterfall::{
    MissingStageRecord, StepRecord, TopicWaterfallRecord, WATERFALL_SCHEMA, WATERFALL_VERSION,
    WaterfallRecord,
};
use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::base::digits::decimals;
pub use crate::base::printable::{
    has_look, inert_json, printable, printable_lines, printable_name,
};
use crate::error::Error;
use crate::estimate::{Estimate, SideOfNull, Value, Warning};
use crate::inference::Multiplicity;
use crate::log::DataQuality;
use crate::question::estimand::Unit;

/// The answer of an [`Audit`](crate::Audit).
///
/// `Display` prints the table; [`to_json`](AuditReport::to_json) the versioned JSON;
/// [`to_frame`](AuditReport::to_frame) makes a polars frame.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Baseline};
/// # let audit = Audit::of(&log).treatment("ranked").baseline(Baseline::arm("newest"));
/// let report = audit.run()?;
/// println!("{report}");
/// assert!(report.to_json()?.contains("\"topic\": \"war\""));
/// assert!(report.to_markdown().starts_with("| topic"));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct AuditReport {
    estimates: Vec<Estimate>,
    quality: Option<DataQuality>,
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
    fn distinct_topics(&self) -> usize {
        self.estimates.iter().map(|its| &*its.estimand.topic).collect::<HashSet<_>>().len()
    }

    /// The report as JSON, in the schema of [`ReportRecord`].
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        crate::base::printable::json_of(self)
            .map_err(|cause| Error::Report { detail: cause.to_string() })
    }
}

impl serde::Serialize for AuditReport {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReportRecord::from(self).serialize(serializer)
    }
}

/// How many topics of a statistic are findings: with all of them taken into account, and each by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FindingCounts {
    /// Shown more than in the baseline, with all taken into account.
    pub(crate) more: Vec<String>,
    /// Shown less.
    pub(crate) less: Vec<String>,
    /// The same by themselves.
    pub(crate) more_alone: usize,
    pub(crate) less_alone: usize,
    adjusted_by: Option<Multiplicity>,
    wrong: f64,
}

impl FindingCounts {
    pub(crate) fn of(estimates: &[&Estimate]) -> Self {
        let mut counts = Self { wrong: 0.05, ..Self::default() };
        for estimate in estimates {
            let Some(finding) = estimate.finding else { continue };
            counts.adjusted_by = counts.adjusted_by.or(finding.adjusted_by);
            if let Ok(interval) = estimate.interval {
                counts.wrong = 1.0 - interval.level;
            }
            let topic = || format!("{:?}", estimate.estimand.topic);
            match finding.alone {
                SideOfNull::Above => counts.more_alone += 1,
                SideOfNull::Below => counts.less_alone += 1,
                _ => {}
            }
            match finding.among_all {
                SideOfNull::Above => counts.more.push(topic()),
                SideOfNull::Below => counts.less.push(topic()),
                _ => {}
            }
        }
        counts
    }

    /// How they were taken into account.
    pub(crate) fn taken_together(&self) -> String {
        match self.adjusted_by {
            None => "by bands that hold for all of them at once".to_owned(),
            Some(method) => {
                format!("with all of them taken into account ({method}, {}%)", percent(self.wrong))
            }
        }
    }
}

impl AuditReport {
    /// For each statistic of several topics, how many are findings, in a sentence.
    pub(crate) fn findings_in_words(&self) -> Vec<String> {
        let mut families: Vec<(String, Vec<&Estimate>)> = Vec::new();
        for estimate in self.estimates.iter().filter(|its| its.finding.is_some()) {
            let name = &estimate.estimand.statistic;
            match families.iter_mut().find(|(of, _)| of == name) {
                Some((_, members)) => members.push(estimate),
                None => families.push((name.clone(), vec![estimate])),
            }
        }
        let many = families.len() > 1;
        let several = families.into_iter().filter(|(_, members)| members.len() > 1);
        let sentence = |(name, members): (String, Vec<&Estimate>)| {
            let counts = FindingCounts::of(&members);
            let none = |its: &&Estimate| {
                its.finding.is_some_and(|finding| finding.alone == SideOfNull::NoInterval)
            };
            if members.iter().all(none) {
                let by = if many { format!(", by {name}") } else { String::new() };
                return format!(
                    "Of {} topics{by} none has an interval, and none is said to be more or less than in \
                     the baseline.",
                    members.len()
                );
            }
            format!(
                "Of {} topics{}, {} more and {} less than in the baseline {}; one at a time {} more and {} \
                 less.",
                members.len(),
                if many { format!(", by {name}") } else { String::new() },
                counts.more.len(),
                counts.less.len(),
                counts.taken_together(),
                counts.more_alone,
                counts.less_alone,
            )
        };
        several.map(sentence).collect()
    }
}

/// Topics that are named of those without an interval.
const NAMED: usize = 5;

impl AuditReport {
    /// Which topics of each statistic have no interval and why, in a sentence for each reason.
    pub(crate) fn without_interval_in_words(&self) -> Vec<String> {
        let mut groups: Vec<((String, String), Vec<&str>)> = Vec::new();
        for estimate in &self.estimates {
            let Err(none) = estimate.interval else { continue };
            let why = match estimate.value {
                Value::Undefined(reason) => reason.to_string(),
                _ => none.to_string(),
            };
            let (of, topic) =
                ((estimate.estimand.statistic.clone(), why), &*estimate.estimand.topic);
            match groups.iter_mut().find(|(its, _)| *its == of) {
                Some((_, topics)) => topics.push(topic),
                None => groups.push((of, vec![topic])),
            }
        }
        let first = self.estimates.first().map(|its| &its.estimand.statistic);
        let many = self.estimates.iter().any(|its| Some(&its.estimand.statistic) != first);
        let sentence = |((statistic, why), topics): ((String, String), Vec<&str>)| {
            let named = &topics[..topics.len().min(NAMED)];
            let more = match topics.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let of = if many { format!(" by {statistic}") } else { String::new() };
            format!(
                "No interval{of} for {}{more}: {why}.",
                crate::base::printable::quoted_each(named)
            )
        };
        groups.into_iter().map(sentence).collect()
    }
}

impl Estimate {
    /// The finding in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let estimand = &self.estimand;
        let mut sentence = format!("Topic {:?}: ", estimand.topic);
        if let (Some(treatment), Some(baseline)) = (self.treatment.share, self.baseline.share) {
            let what = match estimand.unit {
                Unit::Reach(_) => "reach",
                _ => "exposure share",
            };
            sentence.push_str(&format!(
                "{what} {}% in arm {:?}, {}% in the baseline ({}); ",
                decimals(100.0 * treatment, 2),
                estimand.treatment,
                decimals(100.0 * baseline, 2),
                estimand.baseline
            ));
        }
        sentence.push_str(&format!("{} is {}", estimand.phrase, table::value(self.value)));
        if let Value::Undefined(reason) = self.value {
            sentence.push_str(&format!(": {reason}"));
        }
        match &self.interval {
            Ok(interval) => sentence.push_str(&format!(
                ", {}% interval {}.",
                percent(interval.level),
                table::interval(interval)
            )),
            Err(reason) => sentence.push_str(&format!("; no interval: {reason}.")),
        }
        printable(&sentence)
    }
}

/// Names without quotes, with commas between them.
fn named(names: &[&str]) -> String {
    names.iter().map(|name| printable_name(name)).collect::<Vec<_>>().join(", ")
}

/// A level in percent, without digits that say nothing; one below 1 is never 100%.
pub(crate) fn percent(level: f64) -> String {
    let mut digits = 4;
    loop {
        let text = format!("{:.digits$}", 100.0 * level);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        if short != "100" || level >= 1.0 || digits >= 17 {
            return short.to_owned();
        }
        digits += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn levels_below_one_are_not_all() {
        let shown = [0.95, 0.5, 0.999, 1.0, 0.999_999_99, 1.0 - f64::EPSILON].map(percent);
        assert_eq!(shown[..5], ["95", "50", "99.9", "100", "99.999999"]);
        assert!(shown[5].starts_with("99.99"), "{shown:?}");
    }
}
