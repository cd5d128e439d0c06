//! Replays of simulated feeds, whose other policies are known.

use std::collections::{BTreeMap, HashSet};

use tiltmeter::log::Role;
use tiltmeter::policy::{PolicyConfig, Ranker, ReverseChronological};
use tiltmeter::replay::ReplaySpec;
use tiltmeter::simulate::{
    Blocks, CandidatesConfig, Donation, ExperimentDesign, Period, Persona, PuppetArms, Simulation,
    SimulationConfig, SockPuppets, Switchback,
};
use tiltmeter::statistic::Difference;
use tiltmeter::tally::TallySpec;
use tiltmeter::{Audit, Baseline, Error, Question};

use super::{both, config, id, replay, slates, spec_for};

fn pools() -> [CandidatesConfig; 4] {
    [
        CandidatesConfig::Everything,
        CandidatesConfig::Sample { size: 40 },
        CandidatesConfig::Inventory { size: 30 },
        CandidatesConfig::Mixed { inventory: 10, sample: 20 },
    ]
}

fn designs() -> Vec<ExperimentDesign> {
    vec![
        ExperimentDesign::Viewers { shares: vec![1.0, 2.0], blocks: Blocks::Nothing },
        ExperimentDesign::Slates { shares: Vec::new() },
        ExperimentDesign::SockPuppets(SockPuppets {
            personas: vec![Persona::new("one"), Persona::new("two")],
            runs: 3,
            arms: PuppetArms::Policies,
        }),
        ExperimentDesign::Switchback(Switchback {
            period: Period::Rounds(5),
            ..Switchback::default()
        }),
        ExperimentDesign::PrePost { day: 1, washout_days: 1 },
    ]
}

/// Every shown item is among the candidates of its slate, for every kind of candidates and design, and the
/// slates of the candidates are those of the log, in its order.
#[test]
fn what_is_shown_was_offered() {
    let mut cases: Vec<SimulationConfig> = Vec::new();
    for candidates in pools() {
        let mut config = config();
        (config.candidates, config.remembered, config.world.viewers) = (candidates, 20, 25);
        config.responses.follow = 0.5;
        config.responses.drift = 0.3;
        cases.push(config);
    }
    cases.extend(designs().into_iter().map(|design| SimulationConfig { design, ..config() }));
    for config in cases {
        let simulation = Simulation::new(&config).unwrap();
        let (log, pools) = both(&simulation);
        let table = pools.candidates();
        let offered: HashSet<(&str, &str)> = (0..table.rows())
            .map(|row| (id(table, Role::Slate, row), id(table, Role::Item, row)))
            .collect();
        assert_eq!(offered.len(), table.rows());
        let shown =
            (0..log.rows()).map(|row| (id(&log, Role::Slate, row), id(&log, Role::Item, row)));
        assert!(log.rows() > 200 && shown.clone().all(|pair| offered.contains(&pair)));
        let of_log = log.ids(Role::Slate).unwrap().dictionary();
        let of_table = table.ids(Role::Slate).unwrap().dictionary();
        assert!(of_log.iter().eq(of_table.iter()), "{:?}", config.design);
        // Nothing is offered before it is published, and clicks are never fewer than before.
        let latest = log.times().unwrap().iter().max().unwrap();
        assert!(table.times().unwrap().iter().all(|born| born <= latest));
        let clicks = table.numbers(Role::Engagement).unwrap();
        let mut most: BTreeMap<&str, f64> = BTreeMap::new();
        for (row, &clicks) in clicks.iter().enumerate() {
            let before = most.entry(id(table, Role::Item, row)).or_default();
            assert!(clicks >= *before);
            *before = clicks;
        }
        let clicked: f64 = log.numbers(Role::Engagement).unwrap().iter().sum();
        assert!(most.values().any(|clicks| *clicks > 0.0));
        // What is not recorded is clicked too.
        let all = !matches!(
            config.design,
            ExperimentDesign::PrePost { .. } | ExperimentDesign::Switchback(_)
        );
        assert!(!all || most.values().sum::<f64>() <= clicked, "{:?}", config.design);
    }
    let design = ExperimentDesign::Donation(Donation::default());
    let simulation = Simulation::new(&SimulationConfig { design, ..config() }).unwrap();
    let error = simulation.candidates().map(drop).unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }) && error.to_string().contains("donors"));
}

/// Where what was shown before does not matter, the newest of the treatment's pools are the slates of the
/// same viewers in a feed whose treatment is reverse-chronological: the other feed is known.
#[test]
fn the_other_feed_is_known() {
    for candidates in pools() {
        let config = SimulationConfig { candidates, ..config() };
        let mut other = config.clone();
        other.arms[0].policy = PolicyConfig::of(Ranker::ReverseChronological);
        let expected = slates(&Simulation::new(&other).unwrap().log().unwrap(), "treatment");

        let simulation = Simulation::new(&config).unwrap();
        let (log, pools) = both(&simulation);
        let spec = ReplaySpec::of("treatment", "newest");
        let replayed = replay(&spec, &mut ReverseChronological, (&log, &pools));
        assert_eq!(slates(&replayed.log, "newest"), expected);
        assert_ne!(slates(&log, "treatment"), expected);
        assert!(expected.len() > 100);
        assert_eq!((replayed.account.short, replayed.account.shown_outside), (0, 0));
    }
}

/// The treatment's own policy, bias and all, shows the treatment's topics: differences lie within four of
/// the standard errors of independent slates' impressions, over seeds.
#[test]
fn the_same_policy_shows_the_same_topics() {
    let mut config = config();
    (config.world.viewers, config.days) = (300, 4);
    let simulation = Simulation::new(&config).unwrap();
    let (log, pools) = both(&simulation);
    let spec = spec_for(&simulation);
    let start = 1_704_067_200_000_000;
    let mut policy = spec.build(&config.arms[0].policy, start).unwrap();
    let replayed = replay(&spec, &mut *policy, (&log, &pools));
    let tally = replayed.tally(&TallySpec::default()).unwrap();
    let audit = |baseline: &str| {
        let report = Audit::of_tally(
            &tally,
            &Question::between("treatment", Baseline::arm(baseline)).statistic(Difference),
        )
        .run()
        .unwrap();
        let estimates = report.estimates().iter().map(|estimate| {
            let share = estimate.treatment.share.unwrap();
            let error = (2.0 * share * (1.0 - share) / estimate.treatment.all).sqrt();
            (estimate.value.number().unwrap(), error)
        });
        estimates.collect::<Vec<_>>()
    };
    let found = audit("replayed");
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|(value, error)| value.abs() < 4.0 * error), "{found:?}");

    // And not those of a policy without the bias.
    let mut unbiased = spec.build(&config.arms[1].policy, start).unwrap();
    let replayed = replay(&spec, &mut *unbiased, (&log, &pools));
    let report = Audit::of_tally(
        &replayed.tally(&TallySpec::default()).unwrap(),
        &Question::between("treatment", "replayed").topics(["conflict"]),
    )
    .run()
    .unwrap();
    let interval = report.estimates()[0].interval.unwrap();
    assert!(interval.low.unwrap() > 1.0, "{interval:?}");
    // A policy knows its propensities, and so does the replay.
    let propensities = replayed.log.numbers(Role::Propensity).unwrap();
    assert!(propensities.iter().all(|p| *p > 0.0 && *p <= 1.0));
    assert!(propensities.iter().any(|p| *p < 1.0));
}
