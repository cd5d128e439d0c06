//! Values by other programs, and standard errors by plain loops.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tiltmeter::inference::Delta;
use tiltmeter::log::{ClusterKey, Role};
use tiltmeter::replay::off_policy::{
    Clip, Floor, ItemMeans, MeansOf, Measure, OffPolicy, OffPolicyReport, RewardModel, Target,
};
use tiltmeter::{ClusterBy, ExposureLog, Interval, Question, Relation};

use crate::off_policy::logs::{CAMPAIGNS, Shown, campaign, close, log_of, number, of_topic};
use crate::shared;

/// Sums of 10,000 products in another order, and in compensated arithmetic: nothing else differs.
const TOLERANCE: f64 = 1e-9;

fn uniform(log: &ExposureLog, items: u32) -> OffPolicy<'_> {
    OffPolicy::of(log, &Question::of_arm("bts").cluster(ClusterBy::column("hour")))
        .target(Target::Uniform { items })
        .floor(Floor::overridden())
}

/// Values by numpy: `golden/make_golden.py` of the shared folder, from the same rows.
#[test]
fn open_bandit_as_numpy_has_it() {
    let Some(golden) = shared::golden("open_bandit") else { return };
    for (name, items) in CAMPAIGNS {
        let expected = &golden["campaigns"][name];
        assert_eq!(expected["items"], items);
        let log = campaign(name);
        let report = uniform(&log, items).check("random").run().unwrap();
        for (measure, key) in [
            (Measure::LoggedReward, "ctr_bts"),
            (Measure::OtherReward, "ctr_random"),
            (Measure::Ips, "ips"),
            (Measure::Snips, "snips"),
        ] {
            close(number(&report, measure), expected[key].as_f64().unwrap(), TOLERANCE, key);
        }
        let weights = report.weights;
        close(weights.effective_size, expected["ess"].as_f64().unwrap(), TOLERANCE, "ess");
        close(weights.greatest, expected["max_weight"].as_f64().unwrap(), 1e-15, "max_weight");
        let shares = expected["topic_share_snips"].as_object().unwrap();
        assert!(shares.len() >= 4, "{name} has topics");
        assert_eq!(report.topics(), shares.keys().collect::<Vec<_>>());
        for (topic, share) in shares {
            let found = of_topic(&report, Measure::SnipsShare, topic);
            close(found, share.as_f64().unwrap(), TOLERANCE, topic);
        }
    }
}

/// The numbers of a list.
fn numbers(list: &Json) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// For each row, the table's prediction of the item, and of the target.
fn predictions(log: &ExposureLog, table: &Json, probabilities: &[f64]) -> RewardModel {
    let table: Vec<Vec<f64>> = table.as_array().unwrap().iter().map(numbers).collect();
    let (items, positions) = (log.ids(Role::Item).unwrap(), log.positions().unwrap());
    let place = |row: usize| positions[row] as usize - 1;
    let logged = |row| table[items.id(row).unwrap().parse::<usize>().unwrap()][place(row)];
    let target = |row| {
        let of_item = table.iter().zip(probabilities).map(|(q, p)| p * q[place(row)]);
        of_item.sum::<f64>()
    };
    RewardModel::Given {
        logged: (0..log.rows()).map(logged).collect(),
        target: (0..log.rows()).map(target).collect(),
    }
}

/// Values by the Open Bandit Pipeline 0.5.7, `tests/golden/make_off_policy.py`: IPS, SNIPS and DR with a
/// given table of rewards, for a uniform and a skewed target, clipped at 5 and not.
#[test]
fn open_bandit_as_its_own_pipeline_has_it() {
    let golden: Json = serde_json::from_str(include_str!("../../golden/off_policy.json")).unwrap();
    let clip = golden["clip"].as_f64().unwrap();
    for (name, items) in CAMPAIGNS {
        let of_campaign = &golden["campaigns"][name];
        let log = campaign(name);
        for target in ["uniform", "skewed"] {
            let expected = &of_campaign["targets"][target];
            let probabilities = numbers(&expected["probabilities"]);
            let model = predictions(&log, &of_campaign["q"], &probabilities);
            let by_item: BTreeMap<String, f64> =
                (0..).map(|item: u32| item.to_string()).zip(probabilities).collect();
            let policy = match target {
                "uniform" => Target::Uniform { items },
                _ => Target::Table(by_item),
            };
            let estimation = uniform(&log, items).target(policy).reward_model(model);
            let whole = estimation.clone().run().unwrap();
            let clipped = estimation.clip(Clip::At(clip)).run().unwrap();
            assert!(clipped.weights.greatest <= clip);
            for (report, of, measures) in [
                (&whole, "unclipped", &["ips", "snips", "dr"][..]),
                (&clipped, "clipped", &["ips", "dr"]),
            ] {
                for key in measures {
                    let measure = match *key {
                        "ips" => Measure::Ips,
                        "snips" => Measure::Snips,
                        _ => Measure::DoublyRobust,
                    };
                    let expected = expected[of][key].as_f64().unwrap();
                    let what = format!("{name} {target} {of} {key}");
                    close(number(report, measure), expected, TOLERANCE, &what);
                }
            }
        }
    }
}

/// Columns of the sample as a plain loop sees them.
struct Plain {
    hours: Vec<String>,
    arms: Vec<String>,
    topics: Vec<String>,
    clicks: Vec<f64>,
    weights: Vec<f64>,
}

impl Plain {
    fn of(log: &ExposureLog, items: u32) -> Self {
        let topics = log.topics().unwrap();
        let label = |row| topics.labels().id(topics.of_row(row)[0]).unwrap().to_owned();
        let propensities = log.numbers(Role::Propensity).unwrap();
        let ids = |column: &str| {
            let column = log.column(column).unwrap();
            (0..log.rows()).map(|row| column.id(row).unwrap().to_owned()).collect()
        };
        Self {
            hours: ids("hour"),
            arms: ids("arm"),
            topics: (0..log.rows()).map(label).collect(),
            clicks: log.numbers(Role::Engagement).unwrap().to_vec(),
            weights: propensities.iter().map(|p| 1.0 / f64::from(items) / p).collect(),
        }
    }

    /// The sums by hour of what each row gives, of the rows of an arm.
    fn sums(&self, arm: &str, of: impl Fn(usize) -> f64) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for row in (0..self.arms.len()).filter(|&row| self.arms[row] == arm) {
            *sums.entry(&*self.hours[row]).or_insert(0.0) += of(row);
        }
        sums
    }
}

/// `sqrt(G/(G-1) sum (h - mean h)^2)` of each hour's influence.
fn error_of(influences: &[f64]) -> f64 {
    let clusters = influences.len() as f64;
    let mean = influences.iter().sum::<f64>() / clusters;
    let squares: f64 = influences.iter().map(|h| (h - mean).powi(2)).sum();
    (clusters / (clusters - 1.0) * squares).sqrt()
}

fn delta(report: &OffPolicyReport, measure: Measure, topic: Option<&str>) -> f64 {
    let estimate = match topic {
        None => report.estimate(measure),
        Some(topic) => report.of_topic(measure, topic),
    };
    estimate.unwrap().answer.unwrap().standard_error.unwrap()
}

/// Standard errors by plain loops: each hour's part of the linearised estimate (METHODS section 4), the
/// covariance of numerator and denominator, of log and target, and of both arms through the hours.
#[test]
fn standard_errors_are_those_of_plain_loops() {
    let log = campaign("men");
    let interval = Interval::Delta(Delta::default());
    let report = uniform(&log, 34).interval(interval).check("random").run().unwrap();
    let plain = Plain::of(&log, 34);
    let (w, y) = (&plain.weights, &plain.clicks);
    let total = |sums: &BTreeMap<&str, f64>| sums.values().sum::<f64>();
    // A ratio's influences: (x - R n) / N.
    let ratio = |x: &BTreeMap<&str, f64>, n: &BTreeMap<&str, f64>| -> (f64, Vec<f64>) {
        let (sum, all) = (total(x), total(n));
        let value = sum / all;
        (value, x.iter().map(|(hour, x)| (x - value * n[hour]) / all).collect())
    };
    let ones = plain.sums("bts", |_| 1.0);
    let weights = plain.sums("bts", |row| w[row]);
    let weighed = plain.sums("bts", |row| w[row] * y[row]);
    let (_, ips) = ratio(&weighed, &ones);
    let (_, snips) = ratio(&weighed, &weights);
    close(delta(&report, Measure::Ips, None), error_of(&ips), 1e-9, "ips");
    close(delta(&report, Measure::Snips, None), error_of(&snips), 1e-9, "snips");

    let others = plain.sums("random", |_| 1.0);
    let (_, other) = ratio(&plain.sums("random", |row| y[row]), &others);
    assert_eq!(others.len(), ones.len(), "both arms ran in every hour, so hours are crossed");
    let apart: Vec<f64> = snips.iter().zip(&other).map(|(a, b)| a - b).collect();
    let found = delta(&report, Measure::RewardDifference, None);
    close(found, error_of(&apart), 1e-9, "difference");

    let of = |row: usize| f64::from(u8::from(plain.topics[row] == "c1"));
    let (share, logged) = ratio(&plain.sums("bts", of), &ones);
    let (under, target) = ratio(&plain.sums("bts", |row| w[row] * of(row)), &weights);
    let relative: Vec<f64> =
        logged.iter().zip(&target).map(|(a, b)| a / share - b / under).collect();
    close(delta(&report, Measure::Amplification, Some("c1")), error_of(&relative), 1e-9, "ratio");
    let found = of_topic(&report, Measure::Amplification, "c1");
    close(found, share / under, 1e-9, "amplification");
    // The log odds of a share: its error over S (1 - S).
    let odds = error_of(&target) / (under * (1.0 - under));
    close(delta(&report, Measure::SnipsShare, Some("c1")), odds, 1e-9, "share");
}

/// The naive error of IPS is that of a mean of independent products, `sqrt(sum (w y - V)^2) / n`.
#[test]
fn naive_errors_are_those_of_independent_impressions() {
    let log = campaign("men");
    let report = uniform(&log, 34).run().unwrap();
    let plain = Plain::of(&log, 34);
    let rows = (0..log.rows()).filter(|&row| plain.arms[row] == "bts");
    let products: Vec<f64> = rows.map(|row| plain.weights[row] * plain.clicks[row]).collect();
    let n = products.len() as f64;
    let mean = products.iter().sum::<f64>() / n;
    let expected = products.iter().map(|x| (x - mean).powi(2)).sum::<f64>().sqrt() / n;
    let answer = report.estimate(Measure::Ips).unwrap().answer.unwrap();
    let naive = answer.naive.unwrap();
    close(naive.standard_error, expected, 1e-9, "naive");
    let effect = (answer.standard_error.unwrap() / expected).powi(2);
    close(naive.design_effect.unwrap(), effect, 1e-9, "design effect");
}

/// A fold, an item if it is of one, and a position.
type Cell = (usize, Option<u32>, Option<u32>);

/// The doubly robust estimate with cross-fitted means, by a plain loop over hours dealt into five folds in
/// the order of their keys.
#[test]
fn fitted_means_are_those_of_a_plain_loop() {
    let log = campaign("men");
    for of in [MeansOf::Item, MeansOf::ItemAndPosition] {
        let model = RewardModel::ItemMeans(ItemMeans { of, ..ItemMeans::default() });
        let report = uniform(&log, 34).reward_model(model).run().unwrap();
        let plain = Plain::of(&log, 34);
        let (items, positions) = (log.ids(Role::Item).unwrap(), log.positions().unwrap());
        let mut hours: Vec<&String> = plain.hours.iter().collect();
        hours.sort_by_key(|hour| ClusterKey::of(hour));
        hours.dedup();
        let fold = |row: usize| hours.iter().position(|h| **h == plain.hours[row]).unwrap() % 5;
        let rows: Vec<usize> = (0..log.rows()).filter(|&row| plain.arms[row] == "bts").collect();
        let folds: Vec<usize> = rows.iter().map(|&row| fold(row)).collect();
        // Sum and number of rewards outside a fold, of all, of items, of items at positions.
        let mut seen: BTreeMap<Cell, (f64, f64)> = BTreeMap::new();
        for (&row, &own) in rows.iter().zip(&folds) {
            let (item, rank) = (Some(items.codes()[row]), Some(positions[row]));
            for fold in (0..5).filter(|fold| *fold != own) {
                for key in [(fold, None, None), (fold, item, None), (fold, item, rank)] {
                    let (sum, count) = seen.entry(key).or_default();
                    (*sum, *count) = (*sum + plain.clicks[row], *count + 1.0);
                }
            }
        }
        let q = |fold: usize, item: u32, rank: u32| {
            let at = |item, rank| seen.get(&(fold, item, rank)).copied().unwrap_or_default();
            let (sum, count) = at(None, None);
            let (of_item, shown) = at(Some(item), None);
            let mean = (of_item + 10.0 * (sum / count)) / (shown + 10.0);
            let (of_cell, shown) = at(Some(item), Some(rank));
            match of {
                MeansOf::Item => mean,
                MeansOf::ItemAndPosition => (of_cell + 10.0 * mean) / (shown + 10.0),
            }
        };
        let parts = rows.iter().zip(&folds).map(|(&row, &fold)| {
            let rank = positions[row];
            let expected = (0..34).map(|item| q(fold, item, rank)).sum::<f64>() / 34.0;
            let surprise = plain.clicks[row] - q(fold, items.codes()[row], rank);
            expected + plain.weights[row] * surprise
        });
        assert_eq!(items.dictionary().len(), 34, "every item is shown");
        let mean = parts.sum::<f64>() / rows.len() as f64;
        close(number(&report, Measure::DoublyRobust), mean, TOLERANCE, "fitted");
    }
}

/// Where no cluster is in both arms, the variances of the two add up.
#[test]
fn nested_arms_vary_by_themselves() {
    let shown: Vec<Shown> = (0..60)
        .map(|at| Shown {
            who: at % 12,
            arm: if at % 12 < 6 { "a" } else { "b" },
            item: at * at % 5,
            position: 1,
            reward: f64::from(at * 7 % 11) - 3.0,
            propensity: f64::from(1 + at % 4) / 5.0,
        })
        .collect();
    let log = log_of(&shown);
    let report = OffPolicy::of(&log, &Question::of_arm("a"))
        .target(Target::Uniform { items: 5 })
        .interval(Interval::Delta(Delta::default()))
        .floor(Floor::At(0.0))
        .check("b")
        .run()
        .unwrap();
    let answer = report.estimate(Measure::RewardDifference).unwrap().answer.unwrap();
    let arms = answer.arms.unwrap();
    assert_eq!((arms.treatment, arms.baseline, arms.relation), (6, 6, Relation::Nested));
    let parts = [Measure::Snips, Measure::OtherReward].map(|of| delta(&report, of, None).powi(2));
    let expected = (parts[0] + parts[1]).sqrt();
    close(answer.standard_error.unwrap(), expected, 1e-12, "nested");
    let apart = number(&report, Measure::Snips) - number(&report, Measure::OtherReward);
    close(number(&report, Measure::RewardDifference), apart, 1e-12, "difference");
}
