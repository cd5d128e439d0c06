//! What a simulated world is made of, against the moments of the distributions that it is drawn from.

use tiltmeter::Error;
use tiltmeter::simulate::{
    ActivityConfig, Burst, Interests, Preset, Simulation, SimulationConfig, StratumConfig,
    TopicConfig, WorldConfig,
};

const DAY: i64 = 86_400_000_000;

fn simulation(world: WorldConfig, days: u32) -> Simulation {
    let config = SimulationConfig { world, days, ..SimulationConfig::default() };
    Simulation::new(&config).expect("the configuration is sound")
}

fn topic(name: &str, supply: f64) -> TopicConfig {
    TopicConfig { supply, ..TopicConfig::new(name) }
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Births are Poisson: the number of a topic's within five standard deviations of its expectation, in
/// proportion to supply, spread evenly over time.
#[test]
fn supply_is_as_declared() {
    let world = WorldConfig {
        topics: vec![topic("war", 1.0), topic("sport", 3.0)],
        items_per_day: 1_000.0,
        ..WorldConfig::default()
    };
    let simulation = simulation(world, 20);
    let catalogue = simulation.catalogue();
    let start =
        simulation.log().unwrap().times().unwrap().iter().min().copied().unwrap() / DAY * DAY;
    let count = |set: u32, from: i64, to: i64| {
        let items = catalogue.births().iter().zip(catalogue.topics());
        items
            .filter(|(birth, its)| {
                **its == set && (from..to).contains(&(**birth - start).div_euclid(DAY))
            })
            .count() as f64
    };
    for (set, a_day) in [(0, 250.0), (1, 750.0)] {
        for (from, to) in [(0, 10), (10, 20)] {
            let expected: f64 = 10.0 * a_day;
            let number = count(set, from, to);
            assert!((number - expected).abs() < 5.0 * expected.sqrt(), "{set}: {number}");
        }
    }
    assert!(catalogue.births().is_sorted());
    assert!(catalogue.births().iter().zip(catalogue.deaths()).all(|(b, d)| d - b == 3 * DAY));
}

/// A burst adds `(peak - 1) * 2^(-t / half-life)` times the usual supply: its integral over the days.
#[test]
fn a_burst_is_as_declared() {
    let burst = Burst { topic: "war".to_owned(), day: 2.5, peak: 9.0, half_life_days: 1.5 };
    let world = WorldConfig {
        topics: vec![topic("war", 1.0), topic("sport", 1.0)],
        items_per_day: 2_000.0,
        bursts: vec![burst],
        ..WorldConfig::default()
    };
    let simulation = simulation(world, 6);
    let catalogue = simulation.catalogue();
    let start = catalogue.births().last().unwrap() / DAY * DAY - 5 * DAY;
    let rate = std::f64::consts::LN_2 / 1.5;
    let integral = |from: f64, to: f64| {
        let since = |day: f64| (day - 2.5_f64).max(0.0);
        to - from + 8.0 * ((-rate * since(from)).exp() - (-rate * since(to)).exp()) / rate
    };
    for day in 0..6 {
        let births = catalogue.births().iter().zip(catalogue.topics());
        let number = births.filter(|(b, set)| **set == 0 && (**b - start).div_euclid(DAY) == day);
        let expected = 1_000.0 * integral(day as f64, day as f64 + 1.0);
        let number = number.count() as f64;
        assert!(
            (number - expected).abs() < 5.0 * expected.sqrt(),
            "day {day}: {number} of {expected}"
        );
    }
}

/// Dirichlet: a share has mean `m` and variance `m (1 - m) / (1 + concentration)`; gamma activity has
/// mean `slates_per_day` and variance `mean^2 / shape`; Poisson many creators are followed at most.
#[test]
fn viewers_have_their_moments() {
    let war = TopicConfig { interest: 2.0, ..topic("war", 1.0) };
    let world = WorldConfig {
        topics: vec![war, topic("sport", 1.0), topic("music", 1.0)],
        viewers: 20_000,
        interests: Interests::Dirichlet { concentration: 3.0 },
        activity: ActivityConfig { slates_per_day: 2.0, shape: 4.0 },
        ..WorldConfig::default()
    };
    let simulation = simulation(world, 1);
    let viewers = simulation.viewers();
    let shares: Vec<f64> =
        (0..viewers.len()).map(|v| f64::from(viewers.interests(v)[0]) / 3.0).collect();
    let centre = mean(shares.iter().copied());
    // The variance is 0.5 * 0.5 / 4; five standard errors of the mean, and 5% of the variance.
    assert!((centre - 0.5).abs() < 5.0 * 0.25 / 20_000_f64.sqrt(), "{centre}");
    let variance = mean(shares.iter().map(|share| (share - centre).powi(2)));
    assert!((variance / 0.0625 - 1.0).abs() < 0.05, "{variance}");
    let activities: Vec<f64> = viewers.activities().iter().map(|a| f64::from(*a)).collect();
    let centre = mean(activities.iter().copied());
    assert!((centre - 2.0).abs() < 5.0 / 20_000_f64.sqrt(), "{centre}");
    let variance = mean(activities.iter().map(|activity| (activity - centre).powi(2)));
    assert!((variance - 1.0).abs() < 0.1, "{variance}");
    let followed = mean((0..viewers.len()).map(|viewer| viewers.follows(viewer).len() as f64));
    assert!(followed > 8.0 && followed <= 10.0, "{followed}");
}

/// Strata have their parts, leanings, activities and interests.
#[test]
fn strata_are_as_declared() {
    let left = StratumConfig { share: 3.0, leaning: -1.0, ..StratumConfig::new("left") };
    let mut right = StratumConfig { leaning: 1.0, activity: 2.0, ..StratumConfig::new("right") };
    right.interests.insert("war".to_owned(), 4.0);
    let world = WorldConfig {
        topics: vec![topic("war", 1.0), topic("sport", 1.0)],
        viewers: 20_000,
        interests: Interests::LogisticNormal { spread: 0.0 },
        strata: vec![left, right],
        ..WorldConfig::default()
    };
    let simulation = simulation(world, 1);
    let viewers = simulation.viewers();
    let of = |stratum: u16| (0..viewers.len()).filter(move |v| viewers.strata()[*v] == stratum);
    let part = of(0).count() as f64 / 20_000.0;
    assert!((part - 0.75).abs() < 5.0 * (0.1875_f64 / 20_000.0).sqrt(), "{part}");
    for (stratum, leaning, activity, war) in [(0, -1.0, 2.0, 1.0), (1, 1.0, 4.0, 1.6)] {
        let number = of(stratum).count() as f64;
        let its = mean(of(stratum).map(|v| f64::from(viewers.leanings()[v])));
        assert!((its - leaning).abs() < 5.0 * 0.5 / number.sqrt(), "{its}");
        let its = mean(of(stratum).map(|v| f64::from(viewers.activities()[v])));
        assert!((its - activity).abs() < 5.0 * activity / 2.0_f64.sqrt() / number.sqrt(), "{its}");
        // Without spread everybody's interests are the means: a multiple of an equal share.
        assert!(of(stratum).all(|v| (f64::from(viewers.interests(v)[0]) - war).abs() < 1e-6));
    }
}

/// The catalogue has a seed of its own: another seed of the simulation gives other viewers of it.
#[test]
fn catalogue_and_viewers_have_seeds_of_their_own() {
    let config = SimulationConfig::preset(Preset::Conflict);
    let one = Simulation::new(&config).unwrap();
    let other = Simulation::new(&SimulationConfig { seed: 2, ..config.clone() }).unwrap();
    assert_eq!(one.catalogue(), other.catalogue());
    assert_ne!(one.viewers(), other.viewers());
    let world = WorldConfig { seed: 2, ..config.world.clone() };
    let other = Simulation::new(&SimulationConfig { world, ..config }).unwrap();
    assert_ne!(one.catalogue(), other.catalogue());
}

/// What cannot be is refused by name, never with a panic.
#[test]
fn bad_numbers_are_named() {
    let base = SimulationConfig::default;
    let world = |change: &dyn Fn(&mut WorldConfig)| {
        let mut config = base();
        change(&mut config.world);
        config
    };
    let cases = [
        ("WorldConfig::viewers", world(&|w| w.viewers = 0)),
        ("WorldConfig::items_per_day", world(&|w| w.items_per_day = f64::NAN)),
        ("WorldConfig::items_per_day", world(&|w| w.items_per_day = 1e12)),
        ("TopicConfig::lifetime_hours", world(&|w| w.topics[0].lifetime_hours = 1e9)),
        ("TopicConfig::supply", world(&|w| w.topics[1].supply = 0.0)),
        ("TopicConfig::name", world(&|w| w.topics[1].name = "war|peace".to_owned())),
        ("the topics of a world", world(&|w| w.topics[1].name = "politics".to_owned())),
        ("StratumConfig::activity", world(&|w| w.strata[0].activity = -1.0)),
        ("ActivityConfig::shape", world(&|w| w.activity.shape = f64::INFINITY)),
        ("WorldConfig::second_topic", world(&|w| w.second_topic = 1.5)),
        ("SimulationConfig::start", SimulationConfig { start: "soon".to_owned(), ..base() }),
        ("SimulationConfig::days", SimulationConfig { days: 0, ..base() }),
        ("the length of slates", SimulationConfig { slate: 256, ..base() }),
        ("the arms", SimulationConfig { arms: Vec::new(), ..base() }),
    ];
    for (name, config) in cases {
        match Simulation::new(&config) {
            Err(Error::Parameter { parameter, .. }) => assert_eq!(parameter, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let burst = Burst { topic: "war".to_owned(), day: 1.0, peak: 2.0, half_life_days: 1.0 };
    let config = world(&|w| w.bursts = vec![burst.clone()]);
    assert!(matches!(Simulation::new(&config), Err(Error::UnknownTopic { .. })));
}
