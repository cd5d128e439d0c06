//! Policies in whole simulations: propensities against the world, what engagement gains, and the same
//! log on any number of threads.

use std::collections::BTreeMap;

use tiltmeter::ExposureLog;
use tiltmeter::log::Role;
use tiltmeter::policy::{
    Affinity, Bandit, BanditRule, Bias, Factors, Logistic, Per, PolicyConfig, Popularity, Ranker,
    Selection, Side,
};
use tiltmeter::simulate::{
    ArmConfig, CandidatesConfig, Interests, Preset, Simulation, SimulationConfig,
};

fn arm(name: &str, policy: PolicyConfig) -> ArmConfig {
    ArmConfig::new(name, policy)
}

fn rankers() -> Vec<Ranker> {
    let bandit = |rule, per| Ranker::Bandit(Bandit { rule, per, ..Bandit::default() });
    vec![
        Ranker::Random,
        Ranker::ReverseChronological,
        Ranker::Popularity(Popularity { exponent: 0.8, ..Popularity::default() }),
        Ranker::Affinity(Affinity { sharpness: 1.5 }),
        bandit(BanditRule::Thompson, Per::Item),
        bandit(BanditRule::KlUcb, Per::Creator),
        bandit(BanditRule::Ucb1, Per::TopicSet),
        Ranker::Logistic(Logistic { table_bits: 12, ..Logistic::default() }),
        Ranker::Factors(Factors { per: Per::Creator, ..Factors::default() }),
    ]
}

/// The item of each row, as its place in the catalogue.
fn items(log: &ExposureLog) -> Vec<usize> {
    let ids = log.ids(Role::Item).unwrap();
    (0..log.rows()).map(|row| ids.id(row).unwrap().parse().unwrap()).collect()
}

fn viewers(log: &ExposureLog) -> Vec<usize> {
    let ids = log.ids(Role::Viewer).unwrap();
    (0..log.rows()).map(|row| ids.id(row).unwrap().parse().unwrap()).collect()
}

/// Any ranker's feed, with and without biases and other selections: the same on one thread and on three.
#[test]
fn threads_do_not_matter() {
    let mut arms: Vec<ArmConfig> = Vec::new();
    for (number, ranker) in rankers().into_iter().enumerate() {
        let selections = [None, Some(Selection::Diversified { relevance: 0.5 })];
        for (other, selection) in selections.into_iter().enumerate() {
            let biases = vec![Bias::topic("conflict", 1.5), Bias::leaning(Side::Left, 1.2)];
            let policy = PolicyConfig { ranker: ranker.clone(), selection, biases };
            arms.push(arm(&format!("{number}-{other}"), policy));
        }
    }
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 540;
    config.world.second_topic = 0.3;
    config.days = 2;
    config.arms = arms;
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Simulation::new(&config).unwrap().log().unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert!(one.rows() > 10_000, "{}", one.rows());
    assert_eq!(one.arms().unwrap().dictionary().len(), 18);
    // Thompson's arms cannot tell their propensities, so the log has none.
    assert!(one.numbers(Role::Propensity).is_none());
}

/// What was written reads back, and a file names only what differs.
#[test]
fn configurations_round_trip() {
    for ranker in rankers() {
        for selection in [None, Some(Selection::EpsilonGreedy { epsilon: 0.1 })] {
            let config = PolicyConfig {
                ranker: ranker.clone(),
                selection,
                biases: vec![
                    Bias::shadow_ban([3, 4]).starting(1.5),
                    Bias::downrank(0.5, 0.2).rising(2.0),
                ],
            };
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<PolicyConfig>(&text).unwrap(), config, "{text}");
        }
    }
    let read = |text: &str| serde_json::from_str::<Ranker>(text);
    assert_eq!(read(r#"{"bandit": {}}"#).unwrap(), Ranker::Bandit(Bandit::default()));
    assert_eq!(
        read(r#"{"bandit": {"rule": "kl_ucb", "per": "topic_set"}}"#).unwrap(),
        Ranker::Bandit(Bandit { rule: BanditRule::KlUcb, per: Per::TopicSet, ..Bandit::default() })
    );
    assert_eq!(
        read(r#"{"logistic": {"terms": ["topics", "age"], "learning_rate": 0.2}}"#).unwrap(),
        Ranker::Logistic(Logistic {
            terms: vec![tiltmeter::policy::Term::Topics, tiltmeter::policy::Term::Age],
            learning_rate: 0.2,
            ..Logistic::default()
        })
    );
    assert_eq!(
        read(r#"{"factors": {"dimensions": 3}}"#).unwrap(),
        Ranker::Factors(Factors { dimensions: 3, ..Factors::default() })
    );
    assert!(read(r#"{"factors": {"dimension": 3}}"#).is_err());
}

/// The propensity of every impression at rank 1 is the weight of its item over those of all that were
/// alive: affinities by their formula, times the factor. To 1 in 10,000, since affinities have 24 bits.
#[test]
fn propensities_are_the_worlds() {
    let mut config = SimulationConfig::preset(Preset::Election);
    config.world.viewers = 60;
    config.world.second_topic = 0.3;
    config.world.items_per_day = 60.0;
    config.days = 3;
    config.candidates = CandidatesConfig::Everything;
    let policy = PolicyConfig {
        ranker: Ranker::Affinity(Affinity { sharpness: 1.5 }),
        biases: vec![Bias::topic("sport", 2.0), Bias::leaning(Side::Right, 1.5).starting(1.0)],
        ..PolicyConfig::default()
    };
    config.arms = vec![arm("biased", policy)];
    let simulation = Simulation::new(&config).unwrap();
    let log = simulation.log().unwrap();
    let (world, people) = (simulation.catalogue(), simulation.viewers());
    let times = log.times().unwrap();
    let start = 1_704_067_200_000_000; // 2024-01-01T00:00:00Z
    let day = 86_400_000_000;
    let round = day / 8;
    let sport = world.topic_sets().topic("sport").unwrap();
    let weight = |viewer: usize, item: usize, time: i64| {
        let began = start + (time - start) / round * round;
        if world.births()[item] > began || world.deaths()[item] <= began {
            return 0.0;
        }
        let topics = world.topic_sets().of(world.topics()[item]);
        let interests = people.interests(viewer);
        let interest =
            topics.iter().map(|topic| f64::from(interests[usize::from(*topic)])).sum::<f64>()
                / topics.len() as f64;
        let age = (began - world.births()[item]) as f64 / world.half_lives()[item] as f64;
        let leaning = f64::from(world.leanings()[item]);
        let far = (f64::from(people.leanings()[viewer]) - leaning).powi(2);
        let affinity = interest * f64::from(world.qualities()[item]) * (-age).exp2()
            / (1.0 + config.world.leaning_distance * far);
        let boosted = if topics.contains(&sport) { 2.0 } else { 1.0 };
        let tilted = if leaning > 0.0 && time >= start + day { 1.5 } else { 1.0 };
        affinity.powf(1.5) * boosted * tilted
    };
    let (items, viewers) = (items(&log), viewers(&log));
    let mut checked = 0;
    for row in (0..log.rows()).filter(|row| log.positions().unwrap()[*row] == 1) {
        let (viewer, time) = (viewers[row], times[row]);
        let sum: f64 = (0..world.len()).map(|item| weight(viewer, item, time)).sum();
        let expected = weight(viewer, items[row], time) / sum;
        let told = log.numbers(Role::Propensity).unwrap()[row];
        assert!((told / expected - 1.0).abs() < 1e-4, "{told} {expected}");
        checked += 1;
    }
    assert!(checked > 200, "{checked}");
}

/// Weighing an arm's impressions at rank 1 by 1 / (propensity * pool) gives the topic shares of random
/// slates, within four standard errors of the difference.
#[test]
fn propensities_undo_a_policy() {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 1_500;
    config.world.interests = Interests::LogisticNormal { spread: 0.3 };
    config.world.leaning_distance = 0.1;
    config.days = 5;
    let biased = PolicyConfig {
        biases: vec![Bias::topic("conflict", 3.0)],
        ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
    };
    config.arms = vec![arm("biased", biased), arm("random", PolicyConfig::default())];
    let simulation = Simulation::new(&config).unwrap();
    let log = simulation.log().unwrap();
    let world = simulation.catalogue();
    let arms = log.arms().unwrap();
    let propensities = log.numbers(Role::Propensity).unwrap();
    let items = items(&log);
    let rows: Vec<usize> =
        (0..log.rows()).filter(|row| log.positions().unwrap()[*row] == 1).collect();
    for topic in 0..5 {
        let its = |name: &str, weighed: fn(f64) -> f64| {
            let values: Vec<f64> = rows
                .iter()
                .filter(|row| arms.id(**row) == Some(name))
                .map(|row| {
                    let has = world.topics()[items[*row]] == topic;
                    weighed(propensities[*row]) * f64::from(u8::from(has))
                })
                .collect();
            let (mean, _, error, _) = super::moments(&values);
            (mean, error)
        };
        let weighed = its("biased", |propensity| 1.0 / (propensity * 200.0));
        let random = its("random", |_| 1.0);
        let error = weighed.1.hypot(random.1);
        assert!(
            error < 0.05 && (weighed.0 - random.0).abs() < 4.0 * error,
            "{weighed:?} {random:?}"
        );
        let raw = its("biased", |_| 1.0);
        // Conflict is what the bias is on.
        assert!(topic > 0 || raw.0 > random.0 + 10.0 * error, "{raw:?} {random:?}");
    }
}

/// Clicks per impression of an arm from a day on, with the standard error over viewers.
fn click_rate(log: &ExposureLog, name: &str, from: u32) -> (f64, f64) {
    let clicks = log.numbers(Role::Engagement).unwrap();
    let (arms, days) = (log.arms().unwrap(), log.column("day").unwrap());
    let mut by_viewer: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (row, viewer) in viewers(log).into_iter().enumerate() {
        if arms.id(row) == Some(name) && days.id(row).unwrap().parse::<u32>().unwrap() >= from {
            let (clicked, shown) = by_viewer.entry(viewer).or_default();
            *clicked += clicks[row];
            *shown += 1.0;
        }
    }
    let shown: f64 = by_viewer.values().map(|its| its.1).sum();
    let rate = by_viewer.values().map(|its| its.0).sum::<f64>() / shown;
    let squares = by_viewer.values().map(|its| (its.0 - rate * its.1).powi(2)).sum::<f64>();
    (rate, squares.sqrt() / shown)
}

/// After four days of learning policies that go by clicks get more of them per impression than random
/// slates do, by more than four standard errors over viewers; one that knows affinities gets the most.
#[test]
fn engagement_is_gained() {
    let mut config = SimulationConfig::preset(Preset::Everyday);
    config.world.viewers = 3_500;
    config.world.items_per_day = 100.0;
    config.days = 8;
    config.responses.click_odds = 0.5;
    let of = |name: &str, ranker| arm(name, PolicyConfig::of(ranker));
    let told = config.responses.examination.clone();
    let bandit = |per, rule| {
        Ranker::Bandit(Bandit { per, rule, examination: told.clone(), ..Bandit::default() })
    };
    config.arms = vec![
        of("random", Ranker::Random),
        of("thompson", bandit(Per::Creator, BanditRule::Thompson)),
        of("ucb", bandit(Per::Item, BanditRule::KlUcb)),
        of("logistic", Ranker::Logistic(Logistic { sharpness: 2.0, ..Logistic::default() })),
        of(
            "factors",
            Ranker::Factors(Factors {
                per: Per::TopicSet,
                learning_rate: 0.4,
                sharpness: 2.0,
                ..Factors::default()
            }),
        ),
        of("affinity", Ranker::Affinity(Affinity { sharpness: 2.0 })),
    ];
    let log = Simulation::new(&config).unwrap().log().unwrap();
    let rates: BTreeMap<&str, (f64, f64)> =
        config.arms.iter().map(|arm| (&*arm.name, click_rate(&log, &arm.name, 4))).collect();
    let random = rates["random"];
    for name in ["thompson", "ucb", "logistic", "factors", "affinity"] {
        let its = rates[name];
        assert!(its.0 - random.0 > 4.0 * its.1.hypot(random.1), "{name}: {rates:?}");
        assert!(its.0 <= rates["affinity"].0, "{name}: {rates:?}");
    }
}
