//! The estimates of a question, one after the other.

use rayon::prelude::*;

use super::OffPolicy;
use super::answer::{Adds, Part, answer, of_one};
use super::impression::Impression;
use super::measure::Measure;
use super::model::RewardModel;
use super::report::{Caution, OffPolicyEstimate, OffPolicyQuestion, OffPolicyReport, Refusal};
use super::sample::{Parts, Sample};
use super::sums::effective_size;
use super::weights::{ImportanceWeights, WeightDiagnostics};
use crate::error::Error;
use crate::inference::Interval;
use crate::log::{Role, Topics};
use crate::question::attention::Attention;
use crate::question::estimand::{Denominator, OfRows, Weighing};
use crate::question::propensity::{Clip, Floor, Target};
use crate::question::whole::Part as Said;
use crate::tally::{ClusterBy, MultiLabel, Weights};

pub(super) fn run(by: &OffPolicy<'_>) -> Result<OffPolicyReport, Error> {
    let arm = by.question.treatment.as_str();
    let unstated = || Error::Unstated { what: "target policy", call: "OffPolicy::target" };
    let target = by.target.as_ref().ok_or_else(unstated)?;
    let settled = Settled {
        cluster: by.question.cluster.clone().unwrap_or_default(),
        attention: by.question.attention.clone().unwrap_or_default(),
        multi_label: by.question.multi_label.unwrap_or_default(),
    };
    check(by, arm, target)?;
    let weights = ImportanceWeights::of(by.log, arm, target, by.clip)?;
    let sample = Sample::of(&Parts {
        log: by.log,
        weights: &weights,
        target,
        model: by.model.as_ref(),
        cluster: &settled.cluster,
        attention: &settled.attention,
        against: by.check.as_deref(),
    })?;
    let weighed: Vec<f64> = sample.logged.iter().map(|one| one.weight * one.mass).collect();
    let run = Run {
        by,
        settled: &settled,
        arm,
        target,
        sample: &sample,
        effective_size: weights.diagnostics().effective_size,
        exposure_effective_size: effective_size(&weighed),
    };
    let mut estimates = run.rewards()?;
    estimates.extend(run.topics()?);
    let warnings = run.warnings(weights.diagnostics(), &estimates);
    Ok(OffPolicyReport {
        asked: run.asked(),
        weights: *weights.diagnostics(),
        exposure_effective_size: run.exposure_effective_size,
        estimates,
        warnings,
    })
}

/// Whether the parts of a question fit together.
fn check(question: &OffPolicy<'_>, arm: &str, target: &Target) -> Result<(), Error> {
    question.question.refuse(
        "an off-policy estimate",
        &[
            Said::Baseline,
            Said::Statistics,
            Said::Unit,
            Said::Denominator,
            Said::Strata,
            Said::SecondCluster,
            Said::Correction,
        ],
    )?;
    question.floor.check()?;
    question.question.attention.iter().try_for_each(Attention::check)?;
    if let Some(model) = &question.model {
        model.check(target)?;
        question.log.require_numbers(Role::Engagement, "a reward model")?;
    }
    if question.check.as_deref() == Some(arm) {
        return Err(Error::SameArm { arm: arm.to_owned() });
    }
    if matches!(question.interval, Interval::Simultaneous(_)) {
        return Err(Error::Parameter {
            parameter: "the interval",
            value: "simultaneous bands".to_owned(),
            expected: "one for each estimate by itself",
        });
    }
    if question.log.topics().is_none() {
        question.log.require_numbers(Role::Engagement, "an off-policy estimate without topics")?;
    }
    Ok(())
}

/// What the question leaves to the default.
struct Settled {
    cluster: ClusterBy,
    attention: Attention,
    multi_label: MultiLabel,
}

struct Run<'r> {
    by: &'r OffPolicy<'r>,
    settled: &'r Settled,
    arm: &'r str,
    target: &'r Target,
    sample: &'r Sample,
    effective_size: f64,
    exposure_effective_size: f64,
}

impl Run<'_> {
    /// Rewards and weights.
    fn rewards(&self) -> Result<Vec<OffPolicyEstimate>, Error> {
        let logged = &self.sample.logged;
        let one = |measure, adds: &(dyn Fn(&Impression) -> Adds + Sync)| {
            self.estimate(measure, None, &[of_one(logged, adds)])
        };
        let mut estimates = vec![one(Measure::MeanWeight, &|i| [i.weight, 1.0, 0.0, 0.0])?];
        if self.by.log.numbers(Role::Engagement).is_none() {
            return Ok(estimates);
        }
        estimates.push(one(Measure::LoggedReward, &|i| [i.reward, 1.0, 0.0, 0.0])?);
        estimates.push(one(Measure::Ips, &|i| [i.weight * i.reward, 1.0, 0.0, 0.0])?);
        estimates.push(one(Measure::Snips, &|i| [i.weight * i.reward, i.weight, 0.0, 0.0])?);
        if self.by.model.is_some() {
            let robust = |i: &Impression| i.expected + i.weight * (i.reward - i.predicted);
            estimates.push(one(Measure::DoublyRobust, &|i| [robust(i), 1.0, 0.0, 0.0])?);
        }
        if self.by.check.is_some() {
            let against = &self.sample.against;
            let other = |i: &Impression| [i.reward, 1.0, 0.0, 0.0];
            let part = of_one(against, &other);
            estimates.push(self.estimate(Measure::OtherReward, None, &[part])?);
            let first = |i: &Impression| [i.weight * i.reward, i.weight, 0.0, 0.0];
            let second = |i: &Impression| [0.0, 0.0, i.reward, 1.0];
            let parts = self.both(&first, &second);
            estimates.push(self.estimate(Measure::RewardDifference, None, &parts)?);
        }
        Ok(estimates)
    }

    /// The logging arm against the one that it is checked against.
    fn both<'p>(
        &'p self,
        first: &'p (dyn Fn(&Impression) -> Adds + Sync),
        second: &'p (dyn Fn(&Impression) -> Adds + Sync),
    ) -> [Part<'p>; 2] {
        [
            Part { impressions: &self.sample.logged, of: [true, false], adds: first },
            Part { impressions: &self.sample.against, of: [false, true], adds: second },
        ]
    }

    /// All topics, one after the other.
    fn topics(&self) -> Result<Vec<OffPolicyEstimate>, Error> {
        let Some(topics) = self.by.log.topics() else {
            return Ok(Vec::new());
        };
        let mut names: Vec<&str> = topics.labels().iter().collect();
        names.sort_unstable();
        let asked = match self.by.question.topics.named() {
            None => names,
            Some(asked) => match asked.iter().find(|topic| topics.labels().code(topic).is_none()) {
                None => asked.iter().map(String::as_str).collect(),
                Some(unknown) => {
                    let available = names.into_iter().map(str::to_owned).collect();
                    return Err(Error::UnknownTopic { topic: unknown.clone(), available });
                }
            },
        };
        let estimates = asked.par_iter().map(|topic| self.topic(topics, topic));
        // Collected first, so that the error of the first topic is the one that is reported.
        let estimates: Vec<Result<Vec<OffPolicyEstimate>, Error>> = estimates.collect();
        Ok(estimates.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn topic(&self, topics: &Topics, topic: &str) -> Result<Vec<OffPolicyEstimate>, Error> {
        let share = shares(topics, topic, self.settled.multi_label);
        let mass = |i: &Impression| i.mass * share[i.set as usize];
        let logged = |i: &Impression| [mass(i), i.mass, 0.0, 0.0];
        let snips = |i: &Impression| [i.weight * mass(i), i.weight * i.mass, 0.0, 0.0];
        let ips = |i: &Impression| [i.weight * mass(i), i.mass, 0.0, 0.0];
        let ratio = |i: &Impression| [mass(i), i.mass, i.weight * mass(i), i.weight * i.mass];
        let as_baseline = |i: &Impression| [0.0, 0.0, mass(i), i.mass];
        let of_logged = &self.sample.logged;
        let one = |measure, adds: &(dyn Fn(&Impression) -> Adds + Sync)| {
            self.estimate(measure, Some(topic), &[of_one(of_logged, adds)])
        };
        let mut estimates = vec![
            one(Measure::LoggedShare, &logged)?,
            one(Measure::SnipsShare, &snips)?,
            one(Measure::IpsShare, &ips)?,
            one(Measure::Amplification, &ratio)?,
        ];
        if self.by.check.is_some() {
            let other = of_one(&self.sample.against, &logged);
            estimates.push(self.estimate(Measure::OtherShare, Some(topic), &[other])?);
            let parts = self.both(&snips, &as_baseline);
            estimates.push(self.estimate(Measure::ShareDifference, Some(topic), &parts)?);
        }
        Ok(estimates)
    }

    fn estimate(
        &self,
        measure: Measure,
        topic: Option<&str>,
        parts: &[Part<'_>],
    ) -> Result<OffPolicyEstimate, Error> {
        let refusal = if measure.is_of_target() { self.refusal(measure, topic) } else { None };
        let (answer, mut warnings) = match refusal {
            Some(refusal) => (Err(refusal), Vec::new()),
            None => {
                let interval = &self.by.interval;
                let (answer, warnings) = answer(measure, &self.sample.keys, parts, interval)?;
                (Ok(answer), warnings)
            }
        };
        let effective_size = self.effective_size_of(topic);
        let floor = self.by.floor.effective_size();
        if measure.is_of_target() && answer.is_ok() && effective_size < floor {
            warnings.insert(0, Caution::BelowFloor { effective_size, floor });
        }
        let sentence = self.sentence(measure, topic);
        Ok(OffPolicyEstimate {
            measure,
            topic: topic.map(str::to_owned),
            sentence,
            answer,
            warnings,
        })
    }

    /// The effective size that a topic, or rewards, go by.
    fn effective_size_of(&self, topic: Option<&str>) -> f64 {
        match topic {
            None => self.effective_size,
            Some(_) => self.exposure_effective_size,
        }
    }

    fn refusal(&self, measure: Measure, topic: Option<&str>) -> Option<Refusal> {
        let effective_size = self.effective_size_of(topic);
        if effective_size <= 0.0 {
            return Some(Refusal::NoWeight);
        }
        if let Floor::At(floor) = self.by.floor
            && effective_size < floor
        {
            let impressions = self.sample.logged.len() as u64;
            return Some(Refusal::BelowFloor { effective_size, floor, impressions });
        }
        let fitted = matches!(self.by.model, Some(RewardModel::ItemMeans(_)));
        let logged = &self.sample.logged;
        let single = logged.first().map(|one| one.cluster) == logged.last().map(|one| one.cluster);
        (measure == Measure::DoublyRobust && fitted && single).then_some(Refusal::SingleCluster)
    }

    fn sentence(&self, measure: Measure, topic: Option<&str>) -> String {
        let by = self.by;
        let mut sentence = measure.phrase().to_owned();
        if let Some(topic) = topic {
            let weighing = Weighing {
                weights: &Weights::of(by.log),
                attention: &self.settled.attention,
                denominator: Denominator::AllImpressions,
                multi_label: self.settled.multi_label,
            };
            sentence += &format!(" of topic {topic:?}{weighing}");
        }
        let other = by.check.as_deref().unwrap_or_default();
        let arm = match measure {
            Measure::OtherReward | Measure::OtherShare => format!("; arm {other:?}"),
            _ => format!("; logging arm {:?}", self.arm),
        };
        sentence += &arm;
        if measure.is_of_target() || measure == Measure::MeanWeight {
            sentence += &format!("; target {}, weights {}", self.target, by.clip);
        }
        if let (Measure::DoublyRobust, Some(model)) = (measure, &by.model) {
            sentence += &format!("; reward model: {model}");
        }
        if matches!(measure, Measure::RewardDifference | Measure::ShareDifference) {
            sentence += &format!("; checked against arm {other:?}");
        }
        let rows = OfRows(&by.log.origin().kept);
        sentence + &format!("{rows}; clusters: {}", self.settled.cluster)
    }

    fn warnings(
        &self,
        weights: &WeightDiagnostics,
        estimates: &[OffPolicyEstimate],
    ) -> Vec<Caution> {
        let mut warnings = Vec::new();
        if let (Target::UniformOverItems, Some(items)) = (self.target, weights.items_shown) {
            warnings.push(Caution::UnshownItemsNotCounted { items });
        }
        if let Some(probability) = weights.uncovered.filter(|uncovered| *uncovered > 0.0) {
            warnings.push(Caution::Uncovered { probability });
        }
        if weights.expected_mean < 1.0 - 1e-9 {
            warnings.push(Caution::TargetBelowOne { sum: weights.expected_mean });
        }
        if weights.clipped > 0 {
            let (impressions, mass) = (weights.clipped, weights.clipped_mass);
            warnings.push(Caution::Clipped { impressions, mass });
        }
        warnings.extend(self.mean_weight_off(weights, estimates));
        let rows = self.by.log.origin().set_aside.rows;
        if rows > 0 {
            warnings.push(Caution::RowsSetAside { rows });
        }
        if self.settled.cluster == ClusterBy::Impression {
            warnings.push(Caution::ImpressionsAsClusters);
        }
        warnings
    }

    /// Whether the mean weight's interval leaves out all that it may be: between the target's total less
    /// what the arm never shows, and that total.
    fn mean_weight_off(
        &self,
        weights: &WeightDiagnostics,
        estimates: &[OffPolicyEstimate],
    ) -> Option<Caution> {
        if matches!(self.by.clip, Clip::At(_)) {
            return None;
        }
        let mean = estimates.iter().find(|its| its.measure == Measure::MeanWeight)?;
        let interval = mean.answer.ok()?.interval.ok()?;
        let (mean, expected) = (weights.mean, weights.expected_mean);
        let least = expected - weights.uncovered.unwrap_or(0.0);
        let below = interval.high.is_some_and(|high| high < least);
        let above = interval.low.is_some_and(|low| low > expected);
        (below || above).then_some(Caution::MeanWeightOff { mean, expected })
    }

    fn asked(&self) -> OffPolicyQuestion {
        let by = self.by;
        OffPolicyQuestion {
            arm: self.arm.to_owned(),
            target: self.target.to_string(),
            clip: by.clip,
            floor: by.floor,
            cluster: self.settled.cluster.clone(),
            interval: by.interval,
            weights: Weights::of(by.log),
            attention: self.settled.attention.clone(),
            multi_label: self.settled.multi_label,
            kept: by.log.origin().kept.clone(),
            reward_model: by.model.as_ref().map(ToString::to_string),
            check: by.check.clone(),
        }
    }
}

/// By set of topics, how much of an impression's mass is the topic's.
fn shares(topics: &Topics, topic: &str, rule: MultiLabel) -> Vec<f64> {
    let code = topics.labels().code(topic);
    let share = |set: usize| {
        let codes = topics.set(set as u32);
        match (codes.iter().any(|its| Some(*its) == code), rule) {
            (false, _) => 0.0,
            (true, MultiLabel::Full) => 1.0,
            (true, MultiLabel::Fractional) => 1.0 / codes.len() as f64,
        }
    };
    (0..topics.set_count()).map(share).collect()
}
