//! Estimates as JSON holds them: flat.

use serde::{Deserialize, Serialize};

use super::measured::{Measured, Uncertainty};
use super::{
    ArmTotals, ClusterCounts, ConfidenceInterval, Estimate, Finding, IntervalMethod, Labels, Naive,
    NoInterval, NoTest, SideOfNull, TestMethod, TestResult, Value, Warning,
};
use crate::error::Error;
use crate::question::estimand::Estimand;
use crate::question::multiplicity::Multiplicity;
use crate::statistic::Undefined;

/// The state of a value. JSON has no infinities, so the state says what a null means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateRecord {
    /// `value` is a finite number.
    Estimated,
    /// `value` is a finite number, the one that stands for no exposure: 0, or -100 percent.
    Zero,
    /// `value` is null and means plus infinity.
    Infinite,
    /// `value` is null and means minus infinity.
    NegativeInfinite,
    /// `value` is null, and `undefined` says why.
    Undefined,
    /// `value` is null; it lies between `value_low` and `value_high`.
    Between,
}

/// Which sides of an interval are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalRecord {
    /// `low` and `high` are bounds.
    TwoSided,
    /// `low` is a bound; `high` is null, and nothing is said above.
    LowerBound,
    /// `high` is a bound; `low` is null, and nothing is said below.
    UpperBound,
    /// There is one, and it bounds nothing on either side.
    Unbounded,
    /// There is none; `no_interval` says why.
    None,
}

/// A [`Measured`] as JSON holds it: flat, within whatever it is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRecord {
    /// The value; null unless finite.
    pub value: Option<f64>,
    /// What a null value means; null itself where no answer was given at all.
    pub state: Option<StateRecord>,
    /// Why the value is undefined.
    pub undefined: Option<Undefined>,
    /// The least of the values between which the value is; null if it is a number, or if that is not
    /// finite.
    pub value_low: Option<f64>,
    /// The greatest of them.
    pub value_high: Option<f64>,
    /// The lower bound.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
    /// Which bounds there are.
    pub interval: IntervalRecord,
    /// The confidence level, in (0, 1).
    pub level: Option<f64>,
    /// How the interval was made.
    pub method: Option<IntervalMethod>,
    /// Why there is no interval.
    pub no_interval: Option<NoInterval>,
    /// Cluster-robust standard error, on the working scale (logarithm for ratios).
    pub standard_error: Option<f64>,
    /// Degrees of freedom of the Student quantile.
    pub degrees_of_freedom: Option<f64>,
}

impl From<Measured> for MeasuredRecord {
    fn from(measured: Measured) -> Self {
        Self::of(Some(measured))
    }
}

impl MeasuredRecord {
    /// Of an answer, or of none.
    pub(crate) fn of(measured: Option<Measured>) -> Self {
        let value = measured.map(|its| its.value);
        let interval = measured.and_then(|its| its.interval.ok());
        let no_interval = measured.and_then(|its| its.interval.err());
        let low = interval.and_then(|its| its.low).and_then(finite);
        let high = interval.and_then(|its| its.high).and_then(finite);
        let (ends, undefined) = match value {
            Some(Value::Between { low, high }) => (Some((low, high)), None),
            Some(Value::Undefined(reason)) => (None, Some(reason)),
            _ => (None, None),
        };
        Self {
            value: value.and_then(|its| its.number()).and_then(finite),
            state: value.map(StateRecord::from),
            undefined,
            value_low: ends.and_then(|(low, _)| finite(low)),
            value_high: ends.and_then(|(_, high)| finite(high)),
            low,
            high,
            interval: match measured {
                None => IntervalRecord::None,
                Some(_) => IntervalRecord::of((low, high), no_interval.as_ref()),
            },
            level: interval.map(|its| its.level),
            method: measured.and_then(|its| its.method),
            no_interval,
            standard_error: measured.and_then(|its| its.standard_error),
            degrees_of_freedom: measured.and_then(|its| its.degrees_of_freedom),
        }
    }

    /// What the record is of; which of its parts does not fit the fields that say what nulls mean, if any.
    fn measured(&self) -> Result<Measured, &'static str> {
        let value = match (self.state, self.value, self.undefined) {
            (Some(StateRecord::Estimated), Some(value), None) => Value::Estimated(value),
            (Some(StateRecord::Zero), Some(value), None) => Value::Zero(value),
            (Some(StateRecord::Infinite), None, None) => Value::Infinite,
            (Some(StateRecord::NegativeInfinite), None, None) => Value::NegativeInfinite,
            (Some(StateRecord::Undefined), None, Some(reason)) => Value::Undefined(reason),
            (Some(StateRecord::Between), None, None) => Value::Between {
                low: self.value_low.unwrap_or(f64::NEG_INFINITY),
                high: self.value_high.unwrap_or(f64::INFINITY),
            },
            _ => return Err("value"),
        };
        let interval = match (self.level, self.no_interval) {
            (_, Some(reason)) => Err(reason),
            (Some(level), None) => Ok(ConfidenceInterval { low: self.low, high: self.high, level }),
            (None, None) => return Err("interval"),
        };
        let Self { method, standard_error, degrees_of_freedom, .. } = *self;
        Ok(Uncertainty { interval, method, standard_error, degrees_of_freedom }.of(value))
    }
}

/// One estimate, flat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateRecord {
    /// The topic.
    pub topic: String,
    /// The statistic's name.
    pub statistic: String,
    /// Its value and how sure one may be of it.
    #[serde(flatten)]
    pub measured: MeasuredRecord,
    /// The p-value of the test.
    pub p_value: Option<f64>,
    /// The p-value, adjusted for the number of tests of the statistic.
    pub p_adjusted: Option<f64>,
    /// How it was adjusted.
    pub adjusted_by: Option<Multiplicity>,
    /// How the p-value came about.
    pub test: Option<TestMethod>,
    /// The low end of the margin of an equivalence test, on the reported scale.
    #[serde(default)]
    pub margin_low: Option<f64>,
    /// Its high end.
    #[serde(default)]
    pub margin_high: Option<f64>,
    /// What the test compared with its distribution.
    pub test_statistic: Option<f64>,
    /// Degrees of freedom of the test's Student's t.
    pub test_degrees_of_freedom: Option<f64>,
    /// Why a test that was asked for has no p-value.
    pub no_test: Option<NoTest>,
    /// On which side of no amplification the interval lies; null for a statistic that compares nothing.
    #[serde(default)]
    pub finding: Option<SideOfNull>,
    /// The same with all estimates of the statistic taken into account.
    #[serde(default)]
    pub finding_among_all: Option<SideOfNull>,
    /// How they were; null where the interval is a band for all of them.
    #[serde(default)]
    pub finding_adjusted_by: Option<Multiplicity>,
    /// Standard error if impressions were independent, on the working scale.
    pub naive_standard_error: Option<f64>,
    /// Lower bound of the interval that would give.
    pub naive_low: Option<f64>,
    /// Upper bound of the interval that would give.
    pub naive_high: Option<f64>,
    /// Square of the ratio of the standard errors.
    pub design_effect: Option<f64>,
    /// The topic's share in the treatment, in the unit of the estimand.
    pub share_treatment: Option<f64>,
    /// The topic's share in the baseline.
    pub share_baseline: Option<f64>,
    /// Total of the topic in the treatment, in the unit of the estimand.
    pub topic_treatment: f64,
    /// Total of all in the treatment.
    pub all_treatment: f64,
    /// Total of the topic in the baseline.
    pub topic_baseline: f64,
    /// Total of all in the baseline.
    pub all_baseline: f64,
    /// Impressions in the denominator in the treatment.
    pub impressions_treatment: u64,
    /// Impressions in the denominator in the baseline.
    pub impressions_baseline: u64,
    /// Impressions of the topic in the treatment.
    pub topic_impressions_treatment: u64,
    /// Impressions of the topic in the baseline.
    pub topic_impressions_baseline: u64,
    /// Clusters in the treatment.
    pub clusters_treatment: u64,
    /// Clusters in the baseline.
    pub clusters_baseline: u64,
    /// Clusters in both, and how the arms share them.
    pub clusters: ClusterCounts,
    /// The same for the second way, where clusters go two ways.
    pub second_clusters: Option<ClusterCounts>,
    /// What labels by hand said, where they correct others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// The question in full.
    pub estimand: Estimand,
    /// Warnings, each as data and in words.
    pub warnings: Vec<WarningRecord>,
}

/// A warning as data and in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarningRecord {
    /// The warning as data.
    #[serde(flatten)]
    pub warning: Warning,
    /// The same in words.
    pub message: String,
}

impl From<&Estimate> for EstimateRecord {
    fn from(estimate: &Estimate) -> Self {
        let (naive, test, treatment, baseline) =
            (estimate.naive, estimate.test, estimate.treatment, estimate.baseline);
        Self {
            topic: estimate.estimand.topic.clone(),
            statistic: estimate.estimand.statistic.clone(),
            measured: estimate.measured.into(),
            p_value: test.and_then(|t| t.p.ok()),
            p_adjusted: test.and_then(|t| t.p_adjusted),
            adjusted_by: test.and_then(|t| t.adjusted_by),
            test: test.and_then(|t| t.method),
            margin_low: test.and_then(|t| t.margin).map(|(low, _)| low),
            margin_high: test.and_then(|t| t.margin).map(|(_, high)| high),
            test_statistic: test.and_then(|t| t.statistic).and_then(finite),
            test_degrees_of_freedom: test.and_then(|t| t.degrees_of_freedom).and_then(finite),
            no_test: test.and_then(|t| t.p.err()),
            finding: estimate.finding.map(|its| its.alone),
            finding_among_all: estimate.finding.map(|its| its.among_all),
            finding_adjusted_by: estimate.finding.and_then(|its| its.adjusted_by),
            naive_standard_error: naive.map(|n| n.standard_error),
            naive_low: naive.and_then(|n| n.interval.low).and_then(finite),
            naive_high: naive.and_then(|n| n.interval.high).and_then(finite),
            design_effect: naive.and_then(|n| n.design_effect),
            share_treatment: treatment.share,
            share_baseline: baseline.share,
            topic_treatment: treatment.topic,
            all_treatment: treatment.all,
            topic_baseline: baseline.topic,
            all_baseline: baseline.all,
            impressions_treatment: treatment.impressions,
            impressions_baseline: baseline.impressions,
            topic_impressions_treatment: treatment.topic_impressions,
            topic_impressions_baseline: baseline.topic_impressions,
            clusters_treatment: estimate.clusters.treatment,
            clusters_baseline: estimate.clusters.baseline,
            clusters: estimate.clusters,
            second_clusters: estimate.second_clusters,
            labels: estimate.labels,
            estimand: estimate.estimand.clone(),
            warnings: estimate.warnings.iter().map(WarningRecord::from).collect(),
        }
    }
}

impl EstimateRecord {
    /// The estimate that the record is of, as one of so many of its statistic.
    pub(crate) fn estimate(self, of: usize) -> Result<Estimate, Error> {
        let (naive, tested) = (self.naive(), self.tested());
        let measured = self.measured.measured().map_err(|what| self.at_odds(what))?;
        Ok(Estimate {
            measured,
            naive,
            clusters: self.clusters,
            treatment: ArmTotals {
                impressions: self.impressions_treatment,
                topic_impressions: self.topic_impressions_treatment,
                topic: self.topic_treatment,
                all: self.all_treatment,
                share: self.share_treatment,
            },
            baseline: ArmTotals {
                impressions: self.impressions_baseline,
                topic_impressions: self.topic_impressions_baseline,
                topic: self.topic_baseline,
                all: self.all_baseline,
                share: self.share_baseline,
            },
            second_clusters: self.second_clusters,
            labels: self.labels,
            finding: self.finding.zip(self.finding_among_all).map(|(alone, among_all)| Finding {
                alone,
                among_all,
                adjusted_by: self.finding_adjusted_by,
                of,
                p: None,
            }),
            test: tested,
            estimand: self.estimand,
            warnings: self.warnings.into_iter().map(|its| its.warning).collect(),
        })
    }

    fn at_odds(&self, what: &str) -> Error {
        let Self { topic, statistic, .. } = self;
        let detail = format!(
            "{statistic} of topic {topic:?}: its {what} does not fit the fields that say what nulls \
             mean; take a report as the library wrote it"
        );
        Error::Report { detail }
    }

    fn naive(&self) -> Option<Naive> {
        let standard_error = self.naive_standard_error?;
        let level = self.measured.level.unwrap_or(0.95);
        let interval = ConfidenceInterval { low: self.naive_low, high: self.naive_high, level };
        Some(Naive { standard_error, interval, design_effect: self.design_effect })
    }

    fn tested(&self) -> Option<TestResult> {
        let p = match (self.p_value, self.no_test) {
            (Some(p), None) => Ok(p),
            (_, Some(reason)) => Err(reason),
            (None, None) => return None,
        };
        Some(TestResult {
            p,
            p_adjusted: self.p_adjusted,
            adjusted_by: self.adjusted_by,
            method: self.test,
            margin: self.margin_low.zip(self.margin_high),
            statistic: self.test_statistic,
            degrees_of_freedom: self.test_degrees_of_freedom,
        })
    }
}

impl From<Value> for StateRecord {
    fn from(value: Value) -> Self {
        match value {
            Value::Estimated(_) => Self::Estimated,
            Value::Zero(_) => Self::Zero,
            Value::Infinite => Self::Infinite,
            Value::NegativeInfinite => Self::NegativeInfinite,
            Value::Undefined(_) => Self::Undefined,
            Value::Between { .. } => Self::Between,
        }
    }
}

impl IntervalRecord {
    /// From the bounds as the record holds them: one that is not finite bounds nothing.
    pub(crate) fn of((low, high): (Option<f64>, Option<f64>), none: Option<&NoInterval>) -> Self {
        match (low, high) {
            _ if none.is_some() => Self::None,
            (None, None) => Self::Unbounded,
            (Some(_), Some(_)) => Self::TwoSided,
            (Some(_), None) => Self::LowerBound,
            (None, Some(_)) => Self::UpperBound,
        }
    }
}

impl From<&Warning> for WarningRecord {
    fn from(warning: &Warning) -> Self {
        Self { warning: warning.clone(), message: warning.to_string() }
    }
}

pub(crate) fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

super::measured::is_measured!(EstimateRecord: MeasuredRecord);
