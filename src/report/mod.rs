//! The report: estimates as a table, as sentences, as JSON, as a frame. It speaks and never
//! computes.

mod audit;
mod breaks;
mod estimates;
mod findings;
#[cfg(feature = "polars")]
mod frame;
mod groups;
#[cfg(feature = "plot")]
mod html;
mod labels;
mod markup;
mod monitor;
mod off_policy;
#[cfg(feature = "plot")]
mod plot;
mod rendered;
mod sensitivity;
mod studies;
mod table;
mod warned;
mod waterfall;

#[cfg(feature = "plot")]
pub use self::html::Figure;
#[cfg(feature = "png")]
pub use self::plot::Png;
pub use self::table::{Align, Cell, Column, STANDARD_WIDTH, Table, Yields};

pub use crate::audit::json::{REPORT_SCHEMA, REPORT_VERSION, ReportRecord};
pub use crate::audit::report::AuditReport;
pub use crate::base::printable::{
    has_look, inert_json, printable, printable_lines, printable_name,
};
use crate::base::text::percent;
pub use crate::decompose::json::{
    MissingStageRecord, StepRecord, TopicWaterfallRecord, WATERFALL_SCHEMA, WATERFALL_VERSION,
    WaterfallRecord,
};
pub use crate::estimate::json::{
    EstimateRecord, IntervalRecord, MeasuredRecord, StateRecord, WarningRecord,
};
use crate::estimate::{Estimate, SideOfNull, Value};
use crate::question::multiplicity::Multiplicity;
pub use crate::sensitivity::json::{
    EffectRecord, SENSITIVITY_SCHEMA, SENSITIVITY_VERSION, SensitivityRecord, SensitivityRowRecord,
    SensitivitySummaryRecord,
};

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
        let topics = if self.is_grouped() { "estimates" } else { "topics" };
        // By its parameters too, as what is taken into account together is.
        let mut families: Vec<(String, Vec<&Estimate>)> = Vec::new();
        for estimate in self.estimates.iter().filter(|its| its.finding.is_some()) {
            let phrase = &estimate.estimand.phrase;
            let is_of = |its: &Estimate| {
                its.estimand.statistic == estimate.estimand.statistic
                    && its.estimand.phrase == *phrase
            };
            match families.iter_mut().find(|(_, members)| is_of(members[0])) {
                Some((_, members)) => members.push(estimate),
                None => families.push((estimates::called(estimate), vec![estimate])),
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
                    "Of {} {topics}{by} none has an interval, and none is said to be more or less than in \
                     the baseline.",
                    members.len()
                );
            }
            // A contrast is of two amplifications.
            let is_contrast = crate::statistic::is_contrast(&members[0].estimand.statistic);
            let than =
                if is_contrast { "than what they stand against" } else { "than in the baseline" };
            format!(
                "Of {} {topics}{}, {} {} and {} less {than} {}; one at a time {} more and {} less.",
                members.len(),
                if many { format!(", by {name}") } else { String::new() },
                counts.more.len(),
                if is_contrast { "amplified more" } else { "more" },
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
        for (place, estimate) in self.estimates.iter().enumerate() {
            let Err(none) = estimate.interval else { continue };
            let why = match estimate.value {
                Value::Undefined(reason) => reason.to_string(),
                _ => none.to_string(),
            };
            let (of, topic) = ((estimate.estimand.statistic.clone(), why), self.name_of(place));
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
