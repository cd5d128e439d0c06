//! A logging policy of which all is known: how its estimates err, and how often intervals cover.

use std::collections::BTreeMap;

use tiltmeter::inference::Delta;
use tiltmeter::replay::off_policy::{
    Clip, Floor, Measure, OffPolicy, OffPolicyReport, RewardModel, Target,
};
use tiltmeter::{ExposureLog, Interval, Question};

use crate::off_policy::logs::{Shown, log_of};
use crate::shared::random::Random;

const ITEMS: usize = 5;
const VIEWERS: u32 = 80;
const EACH: u32 = 15;
const STUDIES: u64 = 400;

/// Mean rewards of items, some of them negative.
const REWARDS: [f64; ITEMS] = [0.9, 0.2, -0.3, 0.1, 0.6];

/// What viewers of either kind get more, whatever the item.
const OF_KIND: [f64; 2] = [0.05, -0.05];

/// The logging policy's scores of items for either kind of viewer.
const SCORES: [[f64; ITEMS]; 2] = [[1.2, 0.3, -0.4, 0.0, 0.5], [0.0, 0.8, 0.2, -0.6, 0.9]];

/// The target's probabilities.
const TARGET: [f64; ITEMS] = [0.1, 0.2, 0.3, 0.25, 0.15];

fn softmax(scores: [f64; ITEMS]) -> [f64; ITEMS] {
    let sum: f64 = scores.iter().map(|score| score.exp()).sum();
    scores.map(|score| score.exp() / sum)
}

/// One of some things with these probabilities.
fn choose(random: &mut Random, probabilities: &[f64]) -> usize {
    let mut left = random.next();
    for (at, probability) in probabilities.iter().enumerate() {
        left -= probability;
        if left < 0.0 {
            return at;
        }
    }
    probabilities.len() - 1
}

/// Viewers of two kinds at even odds, 15 impressions each; their kind moves both what they are shown and
/// what they give, so impressions of a viewer are alike.
fn study(seed: u64) -> ExposureLog {
    let mut random = Random(seed);
    let mut shown = Vec::new();
    for who in 0..VIEWERS {
        let kind = choose(&mut random, &[0.5, 0.5]);
        let chances = softmax(SCORES[kind]);
        for position in 1..=EACH {
            let item = choose(&mut random, &chances);
            let noise = 0.4 * (random.next() - 0.5);
            shown.push(Shown {
                who,
                arm: "softmax",
                item: item as u32,
                position,
                reward: REWARDS[item] + OF_KIND[kind] + noise,
                propensity: chances[item],
            });
        }
    }
    log_of(&shown)
}

/// The target's mean reward: kinds cancel.
fn value_of_target() -> f64 {
    TARGET.iter().zip(REWARDS).map(|(p, q)| p * q).sum()
}

/// The share of items 2 and 3, which are about sport, under some probabilities.
fn sport(probabilities: &[f64; ITEMS]) -> f64 {
    probabilities[2] + probabilities[3]
}

fn target() -> Target {
    Target::Table(TARGET.iter().enumerate().map(|(item, p)| (item.to_string(), *p)).collect())
}

fn estimated(log: &ExposureLog, clip: Clip, interval: Interval) -> OffPolicyReport {
    let items = log.ids(tiltmeter::log::Role::Item).unwrap();
    let predicted = |row| REWARDS[items.id(row).unwrap().parse::<usize>().unwrap()];
    let model = RewardModel::Given {
        logged: (0..log.rows()).map(predicted).collect(),
        target: vec![value_of_target(); log.rows()],
    };
    OffPolicy::of(log, &Question::of_arm("softmax"))
        .target(target())
        .clip(clip)
        .interval(interval)
        .reward_model(model)
        .floor(Floor::At(100.0))
        .run()
        .unwrap()
}

/// What studies found of a measure.
#[derive(Default)]
struct Found {
    values: Vec<f64>,
    covered: u64,
}

impl Found {
    fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (self.values.len() - 1) as f64).sqrt()
    }

    /// How far the mean is from the truth, in its own standard errors.
    fn off(&self, truth: f64) -> f64 {
        (self.mean() - truth) / (self.deviation() / (self.values.len() as f64).sqrt())
    }
}

fn truths() -> BTreeMap<(Measure, Option<&'static str>), f64> {
    let value = value_of_target();
    let logged: f64 = SCORES.iter().map(|scores| sport(&softmax(*scores)) / 2.0).sum();
    let share = sport(&TARGET);
    BTreeMap::from([
        ((Measure::Ips, None), value),
        ((Measure::Snips, None), value),
        ((Measure::DoublyRobust, None), value),
        ((Measure::MeanWeight, None), 1.0),
        ((Measure::SnipsShare, Some("sport")), share),
        ((Measure::IpsShare, Some("sport")), share),
        ((Measure::LoggedShare, Some("sport")), logged),
        ((Measure::Amplification, Some("sport")), logged / share),
    ])
}

fn studies(clip: Clip, interval: Interval) -> BTreeMap<(Measure, Option<&'static str>), Found> {
    let mut found: BTreeMap<_, Found> = BTreeMap::new();
    for seed in 0..STUDIES {
        let report = estimated(&study(1_000_003 * seed + 17), clip, interval);
        for (&(measure, topic), truth) in &truths() {
            let estimate = match topic {
                None => report.estimate(measure).unwrap(),
                Some(topic) => report.of_topic(measure, topic).unwrap(),
            };
            let bounds = estimate.answer.unwrap().interval.unwrap();
            let covers = bounds.low.unwrap() <= *truth && *truth <= bounds.high.unwrap();
            let found = found.entry((measure, topic)).or_default();
            found.values.push(estimate.number().unwrap());
            found.covered += u64::from(covers);
        }
    }
    found
}

/// Unbiasedness to 3.5 standard errors of the mean of 400 studies; coverage of 95% intervals by either
/// method to 3.5 binomial standard errors, 0.0381.
#[test]
fn estimates_are_unbiased_and_intervals_cover() {
    let truths = truths();
    for interval in [Interval::default(), Interval::Delta(Delta::default())] {
        let found = studies(Clip::None, interval);
        for (key, found) in &found {
            let truth = truths[key];
            let off = found.off(truth);
            // Ratios are biased by the order of 1/G; that is a small part of their spread.
            match key.0 {
                Measure::Ips | Measure::DoublyRobust | Measure::MeanWeight | Measure::IpsShare => {
                    assert!(off.abs() < 3.5, "{key:?} is off by {off} standard errors");
                }
                _ => {
                    let bias = (found.mean() - truth).abs() / found.deviation();
                    assert!(bias < 0.3, "{key:?} is off by {bias} standard deviations");
                }
            }
            let covered = found.covered as f64 / STUDIES as f64;
            assert!((covered - 0.95).abs() < 0.0381, "{key:?}: {covered}");
        }
        let spread = |measure| found[&(measure, None)].deviation();
        let robust = spread(Measure::DoublyRobust);
        assert!(robust < 0.75 * spread(Measure::Ips), "{robust} {}", spread(Measure::Ips));
        assert!(robust < 0.75 * spread(Measure::Snips), "{robust} {}", spread(Measure::Snips));
    }
}

/// Clipping at 1 takes weight from what the policy seldom showed, and the estimates lean away from the
/// truth by many standard errors, where those without it do not.
#[test]
fn clipping_biases() {
    let found = studies(Clip::At(1.0), Interval::default());
    let truths = truths();
    for measure in [Measure::Ips, Measure::Snips, Measure::MeanWeight] {
        let key = (measure, None);
        let off = found[&key].off(truths[&key]);
        assert!(off.abs() > 10.0, "{measure:?} is off by {off} standard errors");
    }
}

/// Means of items from other viewers are nearly as good a model as the true one, and leave the estimate
/// unbiased.
#[test]
fn cross_fitted_means_help_and_do_not_harm() {
    let (mut fitted, mut weighed) = (Found::default(), Found::default());
    for seed in 0..STUDIES {
        let log = study(1_000_003 * seed + 17);
        let estimation = OffPolicy::of(&log, &Question::of_arm("softmax")).target(target());
        let report = estimation.reward_model(RewardModel::default()).run().unwrap();
        let number = |measure| report.estimate(measure).unwrap().number().unwrap();
        fitted.values.push(number(Measure::DoublyRobust));
        weighed.values.push(number(Measure::Ips));
    }
    let off = fitted.off(value_of_target());
    assert!(off.abs() < 3.5, "off by {off} standard errors");
    let (fitted, weighed) = (fitted.deviation(), weighed.deviation());
    assert!(fitted < 0.75 * weighed, "{fitted} {weighed}");
}
