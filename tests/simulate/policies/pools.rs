//! Pools that are not what a policy can choose from: typed errors.

use tiltmeter::policy::{
    Affinity, Audience, Bandit, BanditPolicy, Bias, Factors, FactorsPolicy, Logistic,
    LogisticPolicy, Per, Policy, PolicyConfig, Popularity, PopularityPolicy, Random, Ranker,
    Selection, Setting, Shown, Side, Term, slate,
};
use tiltmeter::policy::{Candidates, Request};
use tiltmeter::{Attention, Error};

use super::{Given, build, items, topics};

fn refusal(policy: &dyn Policy, pool: &Candidates, length: usize) -> String {
    let error = slate(policy, &Request::new(pool), length).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Candidates { .. } | Error::PolicyWeight { .. } | Error::Parameter { .. }
        ),
        "{error:?}"
    );
    error.to_string()
}

#[test]
fn missing_features_and_wrong_lengths() {
    let pool = items(2);
    let needs = |config| refusal(&*build(&config), &pool, 1);
    let message = needs(PolicyConfig::of(Ranker::Affinity(Affinity::default())));
    assert!(message.contains("no affinities, which the policy affinity needs"), "{message}");
    let message = needs(PolicyConfig::of(Ranker::ReverseChronological));
    assert!(message.contains("no births"), "{message}");
    let bandit = Bandit { per: Per::Creator, ..Bandit::default() };
    assert!(needs(PolicyConfig::of(Ranker::Bandit(bandit))).contains("no creators"));
    let factors = Factors { per: Per::TopicSet, ..Factors::default() };
    assert!(needs(PolicyConfig::of(Ranker::Factors(factors))).contains("no topics"));
    assert!(needs(PolicyConfig::of(Ranker::Logistic(Logistic::default()))).contains("no topics"));
    for (bias, missing) in [
        (Bias::topic("a", 2.0), "no topics"),
        (Bias::leaning(Side::Left, 2.0), "no leanings"),
        (Bias::creators([1], 2.0), "no creators"),
        (Bias::downrank(0.5, 0.1), "no qualities"),
    ] {
        let config = PolicyConfig { biases: vec![bias], ..PolicyConfig::default() };
        assert!(needs(config).contains(missing));
    }
    let selection = Some(Selection::Diversified { relevance: 0.5 });
    assert!(needs(PolicyConfig { selection, ..PolicyConfig::default() }).contains("no topics"));

    let short = Candidates { topics: vec![0], ..items(2) };
    assert!(refusal(&Random, &short, 1).contains("1 topics for 2 items"));
    let bad = Candidates { affinities: vec![1.0, -1.0], ..items(2) };
    assert!(refusal(&Random, &bad, 1).contains("below 0"));
    let bad = Candidates { leanings: vec![1.0, f32::NAN], ..items(2) };
    assert!(refusal(&Random, &bad, 1).contains("not finite"));
    assert!(refusal(&Random, &pool, 0).contains("length of a slate"));
}

#[test]
fn weights_that_are_none() {
    for weight in [f64::NAN, f64::INFINITY, -1.0] {
        let policy = Given { weights: vec![1.0, weight], selection: Selection::Top };
        let message = refusal(&policy, &items(2), 1);
        assert!(message.contains("the policy given gave a candidate the weight"), "{message}");
    }
}

/// Nothing to choose from is an empty slate, for every selection.
#[test]
fn empty_pools() {
    for selection in [
        Selection::PlackettLuce,
        Selection::Top,
        Selection::EpsilonGreedy { epsilon: 0.5 },
        Selection::Diversified { relevance: 0.5 },
    ] {
        let policy = Given { weights: vec![0.0; 3], selection };
        for pool in [items(0), items(3)] {
            let slate = slate(&policy, &Request::new(&pool), 2).unwrap();
            assert!(slate.places.is_empty());
            assert_eq!(slate.propensities, Some(vec![]));
        }
    }
}

/// Learning policies serve a pool of nothing, and of items with any numbers.
#[test]
fn any_numbers() {
    let mut learned: Vec<Box<dyn Policy>> = vec![
        Box::new(PopularityPolicy::new(&Popularity::default()).unwrap()),
        Box::new(BanditPolicy::new(&Bandit::default()).unwrap()),
        Box::new(
            LogisticPolicy::new(&Logistic { terms: vec![Term::Item], ..Logistic::default() })
                .unwrap(),
        ),
        Box::new(FactorsPolicy::new(&Factors::default(), 3).unwrap()),
    ];
    for policy in &mut learned {
        let far = Candidates { items: vec![u32::MAX, 0, 4_000_000_000], ..Candidates::default() };
        assert!(slate(&**policy, &Request::new(&items(0)), 2).unwrap().places.is_empty());
        let shown =
            |item, clicked| Shown { clicked, position: 400, viewer: u32::MAX, ..Shown::of(item) };
        policy.learn(&[shown(u32::MAX, 1), shown(4_000_000_000, 255)]);
        assert_eq!(slate(&**policy, &Request::new(&far), 5).unwrap().places.len(), 3);
    }
}

#[test]
fn parameters_out_of_range() {
    let strata = ["north".to_owned()];
    let setting = Setting { topic_sets: &topics(), strata: &strata, start: 0, seed: 0 };
    let wrong = |config: PolicyConfig| config.build(&setting).map(|_| ()).unwrap_err().to_string();
    let ranker = |ranker| wrong(PolicyConfig::of(ranker));
    for (message, parameter) in [
        (ranker(Ranker::Affinity(Affinity { sharpness: -1.0 })), "Affinity::sharpness"),
        (
            ranker(Ranker::Popularity(Popularity { prior: 0.0, ..Popularity::default() })),
            "Popularity::prior",
        ),
        (
            ranker(Ranker::Bandit(Bandit { prior_clicks: 0.0, ..Bandit::default() })),
            "Bandit::prior_clicks",
        ),
        (
            ranker(Ranker::Bandit(Bandit { prior_misses: f64::NAN, ..Bandit::default() })),
            "Bandit::prior_misses",
        ),
        (
            ranker(Ranker::Bandit(Bandit { examination: Attention::Cascade, ..Bandit::default() })),
            "Bandit::examination",
        ),
        (
            ranker(Ranker::Logistic(Logistic { learning_rate: 2.0, ..Logistic::default() })),
            "Logistic::learning_rate",
        ),
        (
            ranker(Ranker::Logistic(Logistic { table_bits: 40, ..Logistic::default() })),
            "Logistic::table_bits",
        ),
        (
            ranker(Ranker::Logistic(Logistic {
                terms: vec![Term::Age, Term::Age],
                ..Logistic::default()
            })),
            "Logistic::terms",
        ),
        (
            ranker(Ranker::Factors(Factors { dimensions: 0, ..Factors::default() })),
            "Factors::dimensions",
        ),
        (
            ranker(Ranker::Factors(Factors { l2: f64::INFINITY, ..Factors::default() })),
            "Factors::l2",
        ),
    ] {
        assert!(message.starts_with(parameter), "{message}");
    }
    let bias = |bias| wrong(PolicyConfig { biases: vec![bias], ..PolicyConfig::default() });
    assert!(bias(Bias::topic("a", -1.0)).starts_with("Bias::factor"));
    assert!(bias(Bias::topic("a", f64::NAN)).starts_with("Bias::factor"));
    assert!(bias(Bias::topic("a", 0.0).rising(2.0)).starts_with("Bias::factor"));
    assert!(bias(Bias::topic("a", 2.0).starting(f64::INFINITY)).starts_with("Bias::from_day"));
    assert!(bias(Bias::topic("x", 2.0)).contains('x'));
    let audience = Audience::Stratum("west".to_owned());
    assert!(bias(Bias::topic("a", 2.0).only_for(audience)).contains("west"));
    let selection = Some(Selection::EpsilonGreedy { epsilon: 1.5 });
    assert!(wrong(PolicyConfig { selection, ..PolicyConfig::default() }).contains("EpsilonGreedy"));
}
