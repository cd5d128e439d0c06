//! What was found, in the words of somebody who tells it: who showed what how many times as often as whom.

use super::order::is_decided;
use crate::base::text::{count, grouped, percent, short};
use crate::estimate::{ConfidenceInterval, Estimate, SideOfNull, Value};
use crate::findings::Findings;
use crate::question::baseline::Baseline;
use crate::question::estimand::Unit;
use crate::report::FindingCounts;
use crate::statistic::{AmplificationRatio, Difference, PercentAmplification, Statistic};

/// How many topics are spoken of one by one.
const SAID: usize = 10;

/// A number in three digits, without those that say nothing.
fn digits(value: f64) -> String {
    let magnitude = value.abs().max(f64::MIN_POSITIVE).log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return short(value);
    }
    let places = (2.0 - magnitude).clamp(0.0, 7.0) as usize;
    let text = format!("{value:.places$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    grouped(text)
}

/// How a statistic is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// So many times as often.
    Times,
    /// So many percent more or less often.
    Percent,
    /// So many percentage points of all that was shown.
    Points,
    /// By its own phrase.
    Itself,
}

impl Told {
    fn of(statistic: &str) -> Self {
        match statistic {
            its if its == AmplificationRatio.name() => Self::Times,
            its if its == PercentAmplification.name() => Self::Percent,
            its if its == Difference.name() => Self::Points,
            _ => Self::Itself,
        }
    }

    fn number(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{}%", digits(value)),
            Self::Points => format!("{} points", digits(100.0 * value)),
            Self::Times | Self::Itself => digits(value),
        }
    }

    fn interval(self, its: &ConfidenceInterval) -> String {
        let number = |end: f64| self.number(end);
        let ends = match (its.low.map(number), its.high.map(number)) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("{low} or more"),
            (None, Some(high)) => format!("{high} or less"),
            (None, None) => "without ends".to_owned(),
        };
        format!("{}% CI {ends}", percent(its.level))
    }

    /// What an arm did with a topic, and beside whom: `showed "war" 1.44 times as often as arm "newest" did`.
    fn effect(self, estimate: &Estimate, value: f64) -> String {
        let estimand = &estimate.estimand;
        let topic = &estimand.topic;
        let (beside, has) = match &estimand.baseline {
            arm @ Baseline::Arm(_) => (arm.to_string(), "did"),
            other => (other.to_string(), "has it"),
        };
        let size = self.number(value.abs());
        let more = if value < 0.0 { "less" } else { "more" };
        match (self, estimand.unit) {
            (Self::Times, Unit::Reach(_)) => {
                format!("reached {size} times as large a part with {topic:?} as {beside} {has}")
            }
            (Self::Times, _) => {
                format!("showed {topic:?} {size} times as often as {beside} {has}")
            }
            (Self::Percent, Unit::Reach(_)) => {
                format!("reached a part {size} {more} with {topic:?} than {beside} {has}")
            }
            (Self::Percent, _) => {
                format!("showed {topic:?} {size} {more} often than {beside} {has}")
            }
            (Self::Points, Unit::Reach(_)) => {
                format!("reached {size} {more} of all with {topic:?} than {beside} {has}")
            }
            (Self::Points, _) => {
                format!("gave {topic:?} {size} {more} of all that it showed than {beside} {has}")
            }
            (Self::Itself, _) => {
                format!("has, for {topic:?}, {} of {}", estimand.phrase, self.number(value))
            }
        }
    }
}

/// What is told of an estimate, without its arm and without a full stop.
fn told(estimate: &Estimate) -> String {
    let told = Told::of(&estimate.estimand.statistic);
    let topic = &estimate.estimand.topic;
    let beside = &estimate.estimand.baseline;
    let said = match estimate.value {
        Value::Estimated(value) => told.effect(estimate, value),
        Value::Zero(_) if told == Told::Times => {
            format!("showed nothing of {topic:?}, which {beside} did show")
        }
        Value::Zero(value) => told.effect(estimate, value),
        Value::Infinite | Value::NegativeInfinite if told != Told::Itself => {
            format!("showed {topic:?}, of which {beside} showed nothing")
        }
        Value::Infinite | Value::NegativeInfinite => {
            format!("has, for {topic:?}, {} without bound", estimate.estimand.phrase)
        }
        Value::Between { low, high } => {
            format!("{}, or {}", told.effect(estimate, low), told.number(high))
        }
        Value::Undefined(reason) => return format!("has no value for {topic:?}: {reason}"),
    };
    match &estimate.interval {
        Ok(interval) => format!("{said}, {}", told.interval(interval)),
        Err(reason) => format!("{said}; there is no interval: {reason}"),
    }
}

const fn are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

fn number_are(number: usize) -> String {
    format!("{} {}", count(number as u64), are(number))
}

impl Findings {
    /// What was found, in a sentence or two that begin with the arm: the largest effects among those that are findings
    /// with all topics taken into account; or that there are none.
    pub(super) fn headline(&self, statistic: &dyn Statistic) -> String {
        let telling = self.most_telling(statistic);
        let arm = format!("Arm {:?}", self.study().question.treatment);
        if let [one] = telling.as_slice() {
            return match (one.finding.map(|its| its.among_all), one.value) {
                (Some(SideOfNull::Includes | SideOfNull::NoInterval), Value::Estimated(_)) => {
                    format!("{arm} {}. Whether that is more or less is not decided.", told(one))
                }
                _ => format!("{arm} {}.", told(one)),
            };
        }
        if statistic.null().is_none() {
            let by_size = self.by_size(statistic);
            let most = by_size.first().map_or_else(String::new, |its| told(its));
            return format!("{arm} {most}: the most of {} topics.", by_size.len());
        }
        let on = |side: SideOfNull| {
            telling.iter().find(move |its| its.finding.is_some_and(|its| its.among_all == side))
        };
        match (on(SideOfNull::Above), on(SideOfNull::Below)) {
            (Some(more), Some(less)) => format!("{arm} {}. It {}.", told(more), told(less)),
            (Some(one), None) | (None, Some(one)) => format!("{arm} {}.", told(one)),
            (None, None) => format!(
                "Of {} topics none is decided to be shown more or less by arm {:?} than {} has it, with all of them \
                 taken into account.",
                telling.len(),
                self.study().question.treatment,
                self.study().question.baseline_in_words()
            ),
        }
    }

    /// How many topics of a statistic are findings, and how that was decided; nothing where there is one topic.
    pub(super) fn counted(&self, statistic: &dyn Statistic) -> Option<String> {
        let estimates = self.estimates_of(statistic);
        if estimates.len() < 2 || statistic.null().is_none() {
            return None;
        }
        let counts = FindingCounts::of(&estimates);
        let level = estimates.iter().find_map(|its| its.interval.ok());
        let by = level.map_or("no intervals".to_owned(), |its| {
            format!("{}% intervals by clusters", percent(its.level))
        });
        let of = match self.statistics().len() {
            1 => "Of".to_owned(),
            _ => format!("By {}, of", statistic.name().replace('_', " ")),
        };
        Some(format!(
            "{of} {} topics {} shown more and {} less than in the baseline, {}; one at a time, {by} exclude no \
             difference for {} that {} shown more and {} that {} shown less, and {} not decided.",
            count(estimates.len() as u64),
            number_are(counts.more.len()),
            counts.less.len(),
            counts.taken_together(),
            counts.more_alone,
            are(counts.more_alone),
            counts.less_alone,
            are(counts.less_alone),
            number_are(estimates.len() - counts.more_alone - counts.less_alone),
        ))
    }

    /// The other findings with all topics taken into account, the largest first, as far as the headline has not told
    /// them.
    pub(super) fn decided(&self, statistic: &dyn Statistic) -> Vec<String> {
        let telling = self.most_telling(statistic);
        if telling.len() < 2 {
            return Vec::new();
        }
        let headline = self.headline(statistic);
        let found: Vec<String> =
            telling.into_iter().filter(|its| is_decided(its)).map(told).collect();
        let rest: Vec<&String> = found.iter().filter(|its| !headline.contains(&***its)).collect();
        let mut said: Vec<String> =
            rest.iter().take(SAID).map(|its| format!("It {its}.")).collect();
        if rest.len() > SAID {
            said.push(format!("And {} more, which are in the figure below.", rest.len() - SAID));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_of_usual_size_have_three_digits() {
        let values = [1.4372, 1.4, 12.34, 0.01234, 1234.5, 98765.0, 1e9, 1e-9, 0.0];
        let shown =
            ["1.44", "1.4", "12.3", "0.0123", "1,234", "98,765", "1.000e9", "1.000e-9", "0"];
        assert_eq!(values.map(digits), shown.map(str::to_owned));
    }
}
