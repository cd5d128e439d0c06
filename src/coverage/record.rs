//! What came of one method for one topic and statistic, over all studies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::method::name;
use super::outcome::Outcome;
use super::proportion::Proportion;
use crate::inference::Inference;
use crate::simulate::truth::TrueValue;
use crate::statistic::Statistic;

/// What came of one method for one topic and statistic, over all studies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyRecord {
    /// The topic.
    pub topic: String,
    /// The statistic's name.
    pub statistic: String,
    /// The method in a few words.
    pub method: String,
    /// The method in full.
    pub inference: Inference,
    /// The true value.
    pub truth: TrueValue,
    /// How many studies there were.
    pub studies: u32,
    /// Studies in which the statistic had no finite value, or the topic was not shown.
    pub without_value: u32,
    /// Studies without an interval.
    pub without_interval: u32,
    /// Studies whose interval has no end, which is right and says nothing.
    #[serde(default)]
    pub unbounded: u32,
    /// Studies whose interval has one end only.
    pub one_sided: u32,
    /// How far estimates are off on the working scale (of the logarithm, for ratios), over studies
    /// with a value; `None` without any, or where the truth is not finite there.
    pub working: Option<Accuracy>,
    /// How far they are off on the reported scale.
    pub reported: Option<Accuracy>,
    /// How often the interval had the truth in it, of the studies whose interval has at least one end; an
    /// end that is missing bounds nothing. `None` without such an interval or a truth.
    pub coverage: Option<Proportion>,
    /// The mean length of intervals with two ends, on the working scale.
    pub working_length: Option<f64>,
    /// The same on the reported scale.
    pub length: Option<f64>,
    /// How often the interval left out the value that stands for no amplification, on either side, of
    /// all studies: without an interval nothing is found. Power, or where the truth is that value, how
    /// often it cries wolf. `None` for a statistic that compares nothing.
    pub excludes_null: Option<Proportion>,
    /// How often the test rejected (by its p-value as adjusted, where that was asked for), of all
    /// studies; `None` without a test.
    pub rejects: Option<Proportion>,
    /// By kind, in how many studies there was a warning, as [`crate::report`] names kinds.
    pub warnings: BTreeMap<String, u32>,
}

/// How far estimates are off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The mean of the estimates less the truth.
    pub bias: f64,
    /// The Monte Carlo standard error of that mean, the truth's own not counted; `None` from a single
    /// study.
    pub standard_error: Option<f64>,
    /// The standard deviation of the estimates; `None` from a single study.
    pub deviation: Option<f64>,
    /// The square root of the mean squared distance from the truth.
    pub rmse: f64,
}

impl Accuracy {
    fn of(values: &[f64], truth: f64) -> Option<Self> {
        if values.is_empty() || !truth.is_finite() {
            return None;
        }
        let number = values.len() as f64;
        let mean = values.iter().sum::<f64>() / number;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (number - 1.0)).sqrt());
        let bias = mean - truth;
        Some(Self {
            bias,
            standard_error: deviation.map(|deviation| deviation / number.sqrt()),
            deviation,
            rmse: (squares / number + bias * bias).sqrt(),
        })
    }
}

impl StudyRecord {
    pub(super) fn of<'o>(
        (topic, statistic, inference): (&str, &dyn Statistic, &Inference),
        truth: &TrueValue,
        alpha: f64,
        outcomes: impl Iterator<Item = &'o Outcome> + Clone,
    ) -> Self {
        let scale = statistic.scale();
        let count = |holds: &dyn Fn(&Outcome) -> bool| {
            outcomes.clone().filter(|outcome| holds(outcome)).count() as u32
        };
        let studies = count(&|_| true);
        let number = truth.number();
        let covers = |outcome: &Outcome| number.and_then(|number| outcome.covers(number));
        let values: Vec<(f64, f64)> = outcomes.clone().filter_map(|o| o.value).collect();
        let lengths: Vec<(f64, f64)> = outcomes.clone().filter_map(|o| o.length(scale)).collect();
        let working: Vec<f64> = values.iter().map(|(working, _)| *working).collect();
        let reported: Vec<f64> = values.iter().map(|(_, reported)| *reported).collect();
        let mean = |length: &dyn Fn(&(f64, f64)) -> f64| {
            let sum: f64 = lengths.iter().map(length).sum();
            (!lengths.is_empty()).then(|| sum / lengths.len() as f64)
        };
        let mut warnings = BTreeMap::new();
        for kind in outcomes.clone().flat_map(|outcome| &outcome.warnings) {
            *warnings.entry(kind.clone()).or_insert(0) += 1;
        }
        let one_end = |(low, high): (Option<f64>, Option<f64>)| low.is_some() != high.is_some();
        Self {
            topic: topic.to_owned(),
            statistic: statistic.name().to_owned(),
            method: name(inference),
            inference: *inference,
            truth: *truth,
            studies,
            without_value: count(&|outcome| outcome.value.is_none()),
            without_interval: count(&|outcome| outcome.interval.is_none()),
            unbounded: count(&|outcome| outcome.is_unbounded()),
            one_sided: count(&|outcome| outcome.interval.is_some_and(one_end)),
            working: number.and_then(|number| Accuracy::of(&working, scale.working(number))),
            reported: number.and_then(|number| Accuracy::of(&reported, number)),
            coverage: Proportion::of(
                count(&|outcome| covers(outcome) == Some(true)),
                count(&|outcome| covers(outcome).is_some()),
            ),
            working_length: mean(&|length| length.0),
            length: mean(&|length| length.1),
            excludes_null: statistic.null().and_then(|_| {
                Proportion::of(count(&|outcome| outcome.excludes_null(statistic)), studies)
            }),
            rejects: inference.test.and_then(|_| {
                Proportion::of(count(&|outcome| outcome.p.is_some_and(|p| p <= alpha)), studies)
            }),
            warnings,
        }
    }

    /// How often the method finds something: its test rejects, or without a test its interval leaves
    /// out no amplification.
    #[must_use]
    pub fn power(&self) -> Option<Proportion> {
        self.rejects.or(self.excludes_null)
    }
}
