//! Ranking policies against closed forms, brute force and simulations of known truth.

mod bandits;
mod biases;
mod closed_forms;
mod feeds;
mod learning;
mod pools;
mod properties;

use tiltmeter::policy::{Candidates, Request, TopicSets};
use tiltmeter::policy::{Feature, Policy, PolicyConfig, Selection, Setting, slate};

/// Weights by item, given.
#[derive(Clone, Debug)]
struct Given {
    weights: Vec<f64>,
    selection: Selection,
}

impl Policy for Given {
    fn name(&self) -> String {
        "given".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        Vec::new()
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        for (weight, &item) in weights.iter_mut().zip(&request.candidates.items) {
            *weight = self.weights[item as usize];
        }
    }

    fn selection(&self) -> Selection {
        self.selection
    }
}

/// Items 0, 1, ... without any feature.
fn items(number: u32) -> Candidates {
    Candidates { items: (0..number).collect(), ..Candidates::default() }
}

/// Slates for requests 0, 1, ... of viewer 0.
fn slates(
    policy: &dyn Policy,
    pool: &Candidates,
    length: usize,
    number: u32,
) -> impl Iterator<Item = Vec<u32>> {
    (0..number).map(move |number| {
        let request = Request { number, ..Request::new(pool) };
        slate(policy, &request, length).unwrap().places
    })
}

/// Topics a, b and c, and as sets of them a, b, c, ab, bc.
fn topics() -> TopicSets {
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    TopicSets::new(names, vec![vec![0], vec![1], vec![2], vec![0, 1], vec![1, 2]]).unwrap()
}

/// A policy over [`topics`] and the strata `north` and `south`, from day 0 at time 0.
fn build(config: &PolicyConfig) -> Box<dyn Policy> {
    let strata = ["north".to_owned(), "south".to_owned()];
    let setting = Setting { topic_sets: &topics(), strata: &strata, start: 0, seed: 5 };
    config.build(&setting).unwrap()
}

/// Whether a count in so many trials is within `errors` binomial standard errors of what is expected.
fn assert_binomial(count: u64, trials: u64, probability: f64, errors: f64) {
    let n = trials as f64;
    let deviation = (count as f64 - n * probability).abs();
    let error = (n * probability * (1.0 - probability)).sqrt();
    assert!(deviation <= errors * error, "{count} of {trials}, expected {probability}");
}

/// Mean, variance and the standard errors of both, without a model.
fn moments(values: &[f64]) -> (f64, f64, f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |power| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
    let (variance, fourth) = (central(2), central(4));
    (mean, variance, (variance / n).sqrt(), ((fourth - variance * variance) / n).sqrt())
}
