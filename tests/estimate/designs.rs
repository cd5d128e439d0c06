//! Designs of simulated studies: who is where when, what is recorded, and what that does to an estimate.

use std::collections::{BTreeMap, BTreeSet};

use tiltmeter::log::{FaultReason, Role, RowPolicy};
use tiltmeter::policy::{Affinity, PolicyConfig, Popularity, Ranker};
use tiltmeter::simulate::{
    ActivityConfig, Blocks, Conduct, Donation, ExperimentDesign, LabelErrors, LogOdds, Order,
    Period, Persona, PersonaFollows, Positions, Preset, PuppetArms, Simulation, SimulationConfig,
    SockPuppets, StratumConfig, Switchback, TopicErrors,
};
use tiltmeter::tally::TallySpec;
use tiltmeter::{Attention, Audit, ClusterBy, Error, ExposureLog, Question};

/// 2024-01-01T00:00:00Z, in microseconds.
const START: i64 = 1_704_067_200_000_000;
const HOUR: i64 = 3_600_000_000;

fn config(design: ExperimentDesign) -> SimulationConfig {
    let mut config = SimulationConfig::preset(Preset::Election);
    config.world.viewers = 240;
    config.days = 4;
    config.design = design;
    config
}

fn log(config: &SimulationConfig) -> ExposureLog {
    Simulation::new(config).unwrap().log().unwrap()
}

fn id(log: &ExposureLog, role: Role, row: usize) -> &str {
    log.ids(role).unwrap().id(row).unwrap()
}

/// For each id of a role, the ids of another that go with it.
fn by(log: &ExposureLog, of: Role, with: Role) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in 0..log.rows() {
        found.entry(id(log, of, row)).or_default().insert(id(log, with, row));
    }
    found
}

fn has_topic(log: &ExposureLog, row: usize, topic: &str) -> bool {
    let topics = log.topics().unwrap();
    topics.of_row(row).iter().any(|code| topics.labels().id(*code) == Some(topic))
}

fn of_everything(arms: usize) -> Vec<PolicyConfig> {
    vec![PolicyConfig::of(Ranker::Affinity(Affinity::default())); arms]
}

/// One of each design.
fn designs() -> Vec<ExperimentDesign> {
    let party = |party: &str, leaning| Persona {
        leaning,
        slates_per_day: 5,
        conduct: Conduct::Clicks { topics: vec![party.to_owned()] },
        follows: PersonaFollows::Leaning { nearest: 7 },
        ..Persona::new(party)
    };
    vec![
        ExperimentDesign::Viewers { shares: vec![1.0, 2.0], blocks: Blocks::Strata },
        ExperimentDesign::Slates { shares: vec![3.0, 1.0] },
        ExperimentDesign::SockPuppets(SockPuppets {
            personas: vec![party("left_party", -1.0), party("right_party", 1.0)],
            runs: 6,
            arms: PuppetArms::Policies,
        }),
        ExperimentDesign::Donation(Donation {
            choice: vec![LogOdds { constant: 0.2, activity: 0.3, leaning: 0.5 }],
            donates: LogOdds { constant: -0.5, activity: 0.5, leaning: 0.0 },
            arms: vec![0.5, 0.0],
            positions: Positions::MissingByRank { first: 0.0, last: 0.5 },
        }),
        ExperimentDesign::Switchback(Switchback {
            period: Period::Rounds(5),
            order: Order::Randomised,
            washout: 1,
        }),
        ExperimentDesign::PrePost { day: 2, washout_days: 1 },
    ]
}

/// Whatever the design and the threads, one log; and a design reads back as it was written.
#[test]
fn threads_do_not_matter_and_designs_read_back() {
    for design in designs() {
        let mut config = config(design);
        config.world.viewers = 100;
        config.arms[0].policy.ranker = Ranker::Popularity(Popularity::default());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| log(&config))
        };
        assert_eq!(on(1), on(3), "{:?}", config.design);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SimulationConfig>(&text).unwrap(), config);
    }
}

/// Every arm has its part of every stratum's viewers, to a viewer, and every viewer one arm.
#[test]
fn viewers_are_shared_out_exactly_within_blocks() {
    let shares = vec![1.0, 2.5, 1.0];
    let mut config =
        config(ExperimentDesign::Viewers { shares: shares.clone(), blocks: Blocks::Strata });
    // So that every viewer asks for a slate: of 20 a day, none comes to one in e^20 on each of four days.
    config.world.activity = ActivityConfig { slates_per_day: 20.0, shape: 1e6 };
    config.world.strata.push(StratumConfig::new("middle"));
    let third = config.arms[0].clone();
    config.arms.push(tiltmeter::simulate::ArmConfig { name: "third".to_owned(), ..third });
    let log = log(&config);
    let arms = by(&log, Role::Viewer, Role::Arm);
    assert_eq!(arms.len(), 240);
    assert!(arms.values().all(|arms| arms.len() == 1));
    let viewers = |stratum: &str, arm: &str| {
        let strata = by(&log, Role::Viewer, Role::Stratum);
        let here = |(viewer, _): &(&&str, _)| {
            strata[**viewer].contains(stratum) && arms[**viewer].contains(arm)
        };
        strata.iter().filter(here).count() as f64
    };
    for stratum in ["left", "right", "middle"] {
        let counts = ["treatment", "baseline", "third"].map(|arm| viewers(stratum, arm));
        let all: f64 = counts.iter().sum();
        assert!(all > 50.0);
        for (count, share) in counts.iter().zip(&shares) {
            assert!((count - share / 4.5 * all).abs() < 1.0, "{stratum}: {counts:?}");
        }
    }
}

/// A slate has one arm, viewers meet both, and arms have their part of the slates within four binomial
/// standard errors.
#[test]
fn slates_are_drawn_one_by_one() {
    let log = log(&config(ExperimentDesign::Slates { shares: vec![3.0, 1.0] }));
    let arms = by(&log, Role::Slate, Role::Arm);
    assert!(arms.values().all(|arms| arms.len() == 1));
    let first = arms.values().filter(|arms| arms.contains("treatment")).count() as f64;
    let all = arms.len() as f64;
    assert!((first / all - 0.75).abs() < 4.0 * (0.75 * 0.25 / all).sqrt(), "{first} of {all}");
    let met = by(&log, Role::Viewer, Role::Arm);
    assert!(met.values().filter(|arms| arms.len() == 2).count() * 2 > met.len());
}

fn puppets(personas: Vec<Persona>, arms: PuppetArms) -> SimulationConfig {
    let mut config = config(ExperimentDesign::SockPuppets(SockPuppets { personas, runs: 4, arms }));
    if arms == PuppetArms::Personas {
        config.arms.truncate(1);
    }
    config
}

/// Personas are run in every arm, ask as often as they are to, are all alike, and do as their rule says.
#[test]
fn puppets_follow_their_rules() {
    let right = || vec!["right_party".to_owned()];
    let clicks = Persona {
        slates_per_day: 11,
        leaning: 0.9,
        interests: BTreeMap::from([("sport".to_owned(), 0.0), ("right_party".to_owned(), 3.0)]),
        follows: PersonaFollows::Topics { topics: right(), each: 3 },
        conduct: Conduct::Clicks { topics: right() },
        ..Persona::new("clicks")
    };
    let watches =
        Persona { conduct: Conduct::Watches { topics: right() }, ..Persona::new("watches") };
    let config = puppets(vec![clicks, watches], PuppetArms::Policies);
    let simulation = Simulation::new(&config).unwrap();
    let viewers = simulation.viewers();
    assert_eq!(viewers.len(), 2 * 2 * 4);
    for puppet in 1..8 {
        assert_eq!(viewers.interests(puppet), viewers.interests(0));
        assert_eq!(viewers.follows(puppet), viewers.follows(0));
    }
    let party = simulation.catalogue().topic_sets().topic("right_party").unwrap();
    let of_party =
        |creator: &u32| simulation.catalogue().creator_topics()[*creator as usize] == party;
    assert_eq!(viewers.follows(0).len(), 3);
    assert!(viewers.follows(0).iter().all(of_party));
    // Of left_party, right_party, sport, music, comedy, alike but for the persona's multiples.
    let expected = [1.0, 3.0, 0.0, 1.0, 1.0].map(|multiple| multiple / 6.0 * 5.0);
    for (interest, expected) in viewers.interests(0).iter().zip(expected) {
        assert!((interest - expected).abs() < 1e-5, "{:?}", viewers.interests(0));
    }
    let log = simulation.log().unwrap();
    let slates = by(&log, Role::Viewer, Role::Slate);
    let strata = by(&log, Role::Viewer, Role::Stratum);
    let cells = by(&log, Role::Stratum, Role::Arm);
    assert_eq!(
        cells,
        BTreeMap::from(
            ["clicks", "watches"]
                .map(|persona| { (persona, BTreeSet::from(["baseline", "treatment"])) })
        )
    );
    for (viewer, slates) in &slates {
        let a_day = if strata[viewer].contains("clicks") { 11 } else { 8 };
        assert_eq!(slates.len(), a_day * 4, "{viewer}");
    }
    let clicked = log.numbers(Role::Engagement).unwrap();
    for (row, &clicked) in clicked.iter().enumerate() {
        let would = id(&log, Role::Stratum, row) == "clicks" && has_topic(&log, row, "right_party");
        assert_eq!(clicked == 1.0, would, "row {row}");
    }
    // Runs differ by chance: no two of a persona in an arm were shown the same.
    let items = by(&log, Role::Viewer, Role::Item);
    assert_ne!(items["0"], items["1"]);
}

/// A puppet that keeps to its rule with probability 0.8, and whose viewers hardly ever click, clicks 0.8
/// of its topic: within four binomial standard errors.
#[test]
fn puppets_are_as_faithful_as_they_are_said_to_be() {
    let persona = Persona {
        fidelity: 0.8,
        slates_per_day: 60,
        conduct: Conduct::Clicks { topics: vec!["sport".to_owned()] },
        ..Persona::new("fan")
    };
    let mut config = puppets(vec![persona], PuppetArms::Policies);
    config.responses.click_odds = 1e-12;
    let log = log(&config);
    let clicked = log.numbers(Role::Engagement).unwrap();
    let sport: Vec<usize> = (0..log.rows()).filter(|row| has_topic(&log, *row, "sport")).collect();
    let clicks: f64 = sport.iter().map(|row| clicked[*row]).sum();
    let number = sport.len() as f64;
    assert!(number > 1_000.0);
    assert!((clicks / number - 0.8).abs() < 4.0 * (0.16 / number).sqrt(), "{clicks} of {number}");
    assert_eq!(clicks, clicked.iter().sum::<f64>());
}

/// Where personas are the arms, one policy serves them: arms have their names and there is no stratum.
/// What the log has of one persona does not depend on the others unless the policy learns.
#[test]
fn personas_may_be_the_arms() {
    let fan = |topic: &str| Persona {
        conduct: Conduct::Clicks { topics: vec![topic.to_owned()] },
        ..Persona::new(topic)
    };
    let mut config = puppets(vec![fan("sport"), fan("music")], PuppetArms::Personas);
    let both = log(&config);
    assert!(both.ids(Role::Stratum).is_none());
    let arms = by(&both, Role::Arm, Role::Viewer);
    assert_eq!(arms["sport"], BTreeSet::from(["0", "1", "2", "3"]));
    assert_eq!(arms["music"], BTreeSet::from(["4", "5", "6", "7"]));
    let of_first = |config: &SimulationConfig, personas: Vec<Persona>| {
        let mut config = config.clone();
        config.design = puppets(personas, PuppetArms::Personas).design;
        let log = log(&config);
        let rows = (0..log.rows()).filter(|row| id(&log, Role::Arm, *row) == "sport");
        rows.map(|row| id(&log, Role::Item, row).to_owned()).collect::<Vec<_>>()
    };
    let pair = || vec![fan("sport"), fan("music")];
    assert_eq!(of_first(&config, pair()), of_first(&config, vec![fan("sport")]));
    config.arms[0].policy = PolicyConfig::of(Ranker::Popularity(Popularity::default()));
    assert_ne!(of_first(&config, pair()), of_first(&config, vec![fan("sport")]));
}

fn donation() -> Donation {
    Donation {
        choice: vec![LogOdds { constant: 0.3, activity: 0.0, leaning: 1.0 }],
        donates: LogOdds { constant: -0.4, activity: 0.6, leaning: 0.4 },
        arms: vec![0.5, 0.0],
        positions: Positions::Recorded,
    }
}

/// Chances are the logistic function of what they are said to be linear in.
#[test]
fn chances_are_logistic() {
    let config = config(ExperimentDesign::Donation(donation()));
    let simulation = Simulation::new(&config).unwrap();
    let viewers = simulation.viewers();
    let z = |values: &[f32], at: usize| {
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let squares = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>();
        (f64::from(values[at]) - mean) / (squares / n).sqrt()
    };
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (viewer, chances) in donation().chances(viewers, 2).iter().enumerate() {
        let (a, l) = (z(viewers.activities(), viewer), z(viewers.leanings(), viewer));
        assert!((chances.arms[0] - logistic(0.3 + l)).abs() < 1e-12);
        assert!((chances.arms[0] + chances.arms[1] - 1.0).abs() < 1e-12);
        let donates = -0.4 + 0.6 * a + 0.4 * l;
        assert!((chances.donating[0] - logistic(donates + 0.5)).abs() < 1e-12);
        assert!((chances.donating[1] - logistic(donates)).abs() < 1e-12);
    }
    // Three arms, all coefficients 0: all alike.
    let even = Donation::default().chances(viewers, 3);
    assert!(even.iter().flat_map(|chances| &chances.arms).all(|p| (p - 1.0 / 3.0).abs() < 1e-12));
}

/// A donated log is the whole one without those who do not donate, though policies learn from all.
#[test]
fn donors_rows_are_those_of_the_whole_feed() {
    let mut config = config(ExperimentDesign::Donation(donation()));
    for arm in &mut config.arms {
        arm.policy = PolicyConfig::of(Ranker::Popularity(Popularity::default()));
    }
    let donated = log(&config);
    let donors: BTreeSet<&str> = by(&donated, Role::Viewer, Role::Arm).into_keys().collect();
    config.design = ExperimentDesign::Donation(Donation {
        donates: LogOdds { constant: 1e3, ..LogOdds::default() },
        ..donation()
    });
    let whole = log(&config);
    assert!(donors.len() * 5 < by(&whole, Role::Viewer, Role::Arm).len() * 4);
    let keep = |row: &usize| donors.contains(id(&whole, Role::Viewer, *row));
    let kept: Vec<usize> = (0..whole.rows()).filter(keep).collect();
    assert_eq!(kept.len(), donated.rows());
    for (row, &of_whole) in kept.iter().enumerate() {
        for role in [Role::Slate, Role::Item, Role::Arm] {
            assert_eq!(id(&donated, role, row), id(&whole, role, of_whole));
        }
    }
}

/// Two arms with one and the same policy: the true ratio is 1. Viewers of the right choose the treatment
/// and are shown more of their party in either, so the naive ratio is above 1, and by as much as the
/// chances of choosing and donating say: within four standard errors of those draws.
#[test]
fn self_selection_biases_as_computed() {
    const VIEWERS: usize = 10_000;
    let donation =
        Donation { choice: vec![LogOdds { leaning: 2.5, ..LogOdds::default() }], ..donation() };
    let mut config = config(ExperimentDesign::Donation(donation.clone()));
    config.world.viewers = VIEWERS as u32;
    config.days = 3;
    for (arm, policy) in config.arms.iter_mut().zip(of_everything(2)) {
        arm.policy = policy;
    }
    let simulation = Simulation::new(&config).unwrap();
    let chances = donation.chances(simulation.viewers(), 2);
    // What every viewer is shown, in whichever arm: the policies are the same, and do not learn.
    let mut everyone = config.clone();
    everyone.design = ExperimentDesign::default();
    let whole = log(&everyone);
    let mut shown = vec![[0.0; 2]; VIEWERS];
    for row in 0..whole.rows() {
        let viewer: usize = id(&whole, Role::Viewer, row).parse().unwrap();
        shown[viewer][0] += f64::from(u8::from(has_topic(&whole, row, "right_party")));
        shown[viewer][1] += 1.0;
    }
    let arm = |arm: usize| {
        let chance = |viewer: usize| chances[viewer].arms[arm] * chances[viewer].donating[arm];
        let sum = |of: usize| (0..VIEWERS).map(|v| chance(v) * shown[v][of]).sum::<f64>();
        let (topic, all) = (sum(0), sum(1));
        let spread = |v: usize| {
            let influence = shown[v][0] / topic - shown[v][1] / all;
            chance(v) * (1.0 - chance(v)) * influence * influence
        };
        (topic / all, (0..VIEWERS).map(spread).sum::<f64>().sqrt())
    };
    let ((treated, its), (base, others)) = (arm(0), arm(1));
    let expected = (treated / base).ln();
    assert!(expected > 0.1, "{expected}");
    let log = simulation.log().unwrap();
    let report = Audit::of(
        &log,
        &Question::between("treatment", "baseline")
            .cluster(config.design.cluster())
            .topics(["right_party"]),
    )
    .run()
    .unwrap();
    let naive = report.estimates()[0].value.number().unwrap().ln();
    assert!((naive - expected).abs() < 4.0 * (its + others), "{naive} for {expected}");
    assert!(naive > 4.0 * (its + others), "{naive}: no bias to be seen");
}

/// Positions are missing as often as they are said to be at each rank, within four binomial standard errors;
/// the log goes without, or sets such rows aside and counts them.
#[test]
fn missing_positions_are_counted() {
    let positions = Positions::MissingByRank { first: 0.1, last: 0.55 };
    let config = config(ExperimentDesign::Donation(Donation { positions, ..Donation::default() }));
    let simulation = Simulation::new(&config).unwrap();
    let log = simulation.log().unwrap();
    assert!(log.positions().is_none());
    let schema = simulation.schema().unwrap().position("position");
    let strict = ExposureLog::read(simulation.source().unwrap(), &schema);
    assert!(matches!(strict, Err(Error::Row(fault)) if fault.reason == FaultReason::Null));
    let schema = schema.rows(RowPolicy::SetAside);
    let kept = ExposureLog::read(simulation.source().unwrap(), &schema).unwrap();
    let aside = &kept.origin().set_aside;
    assert_eq!(kept.rows() as u64 + aside.rows, log.rows() as u64);
    assert_eq!((aside.reasons.len(), aside.reasons[0].column.as_str()), (1, "position"));
    // Slates are whole, so every rank was shown a tenth of the rows.
    let at_rank = log.rows() as f64 / 10.0;
    for rank in 1..=10_u32 {
        let known = kept.positions().unwrap().iter().filter(|its| **its == rank).count() as f64;
        let expected = 1.0 - (0.1 + 0.45 * f64::from(rank - 1) / 9.0);
        let error = (expected * (1.0 - expected) / at_rank).sqrt();
        assert!((known / at_rank - expected).abs() < 4.0 * error, "rank {rank}");
    }
    // A tally that needs no position is of all rows.
    assert_eq!(simulation.tally(&TallySpec::default()).unwrap().impressions(), log.rows() as u64);
    let by_rank = TallySpec { attentions: vec![Attention::Logarithmic], ..TallySpec::default() };
    assert!(matches!(simulation.tally(&by_rank), Err(Error::MissingRole { .. })));
}

/// The arm, by period; whatever is recorded lies in the period that the log says.
fn periods(log: &ExposureLog, length: i64, washout: i64) -> BTreeMap<i64, String> {
    let periods = log.column("period").unwrap();
    let mut arms = BTreeMap::new();
    for row in 0..log.rows() {
        let since = log.times().unwrap()[row] - START;
        let period: i64 = periods.id(row).unwrap().parse().unwrap();
        assert_eq!(period, since / length);
        assert!(since % length >= washout);
        let arm = id(log, Role::Arm, row).to_owned();
        assert_eq!(*arms.entry(period).or_insert_with(|| arm.clone()), arm);
    }
    arms
}

/// All viewers are switched together, period by period, in an order that goes through all arms.
#[test]
fn switchbacks_switch_everybody() {
    let mut config = config(ExperimentDesign::Switchback(Switchback {
        period: Period::Hours(9.0),
        order: Order::Alternating,
        washout: 1,
    }));
    // 96 hours are ten periods of 9 hours, three rounds each, and one of 6.
    let log = log(&config);
    let arms = periods(&log, 9 * HOUR, 3 * HOUR);
    assert_eq!(arms.len(), 11);
    for (period, arm) in &arms {
        assert_eq!(arm, if period % 2 == 0 { "treatment" } else { "baseline" });
    }
    assert_eq!(config.design.cluster(), ClusterBy::column("period"));
    let report = Audit::of(
        &log,
        &Question::between("treatment", "baseline").cluster(config.design.cluster()),
    )
    .run()
    .unwrap();
    let clusters = report.estimates()[0].clusters;
    assert_eq!((clusters.treatment, clusters.baseline), (6, 5));

    config.days = 30;
    config.world.viewers = 30;
    config.design = ExperimentDesign::Switchback(Switchback {
        period: Period::Rounds(4),
        ..Switchback::default()
    });
    let arms = periods(&self::log(&config), 12 * HOUR, 0);
    assert_eq!(arms.len(), 60);
    let arms: Vec<&String> = arms.values().collect();
    assert!(arms.chunks(2).all(|block| block[0] != block[1]));
    // Of 30 blocks those that begin with the treatment: not all, nor none (each has a chance of 2^-30).
    let first = arms.chunks(2).filter(|block| *block[0] == "treatment").count();
    assert!((5..=25).contains(&first), "{first}");
}

/// Before the day the first arm, from it on the second, but for days that are washed out.
#[test]
fn pre_post_changes_once() {
    let log = log(&config(ExperimentDesign::PrePost { day: 2, washout_days: 1 }));
    let mut days = BTreeMap::new();
    for row in 0..log.rows() {
        let day = (log.times().unwrap()[row] - START) / (24 * HOUR);
        assert_eq!(log.column("day").unwrap().id(row).unwrap(), day.to_string());
        days.entry(day).or_insert_with(BTreeSet::new).insert(id(&log, Role::Arm, row));
    }
    let first = BTreeSet::from(["treatment"]);
    let expected =
        BTreeMap::from([(0, first.clone()), (1, first), (3, BTreeSet::from(["baseline"]))]);
    assert_eq!(days, expected);
}

/// Every number out of its range is an error that names it.
#[test]
fn bad_designs_are_refused() {
    let refused = |change: &dyn Fn(&mut SimulationConfig)| {
        let mut config = config(ExperimentDesign::default());
        change(&mut config);
        let error = Simulation::new(&config).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. } | Error::UnknownTopic { .. }), "{error}");
    };
    let refuse = |design: ExperimentDesign| refused(&|config| config.design = design.clone());
    refuse(ExperimentDesign::Viewers { shares: vec![1.0], blocks: Blocks::Nothing });
    refuse(ExperimentDesign::Slates { shares: vec![1.0, 0.0] });
    refuse(ExperimentDesign::Slates { shares: vec![1.0, f64::NAN] });
    for period in
        [Period::Rounds(0), Period::Rounds(33), Period::Hours(1.0), Period::Hours(f64::NAN)]
    {
        refuse(ExperimentDesign::Switchback(Switchback { period, ..Switchback::default() }));
    }
    refuse(ExperimentDesign::Switchback(Switchback { washout: 8, ..Switchback::default() }));
    for (day, washout_days) in [(0, 0), (4, 0), (2, 2), (1, u32::MAX)] {
        refuse(ExperimentDesign::PrePost { day, washout_days });
    }
    let donate = |change: &dyn Fn(&mut Donation)| {
        let mut donation = donation();
        change(&mut donation);
        refuse(ExperimentDesign::Donation(donation));
    };
    donate(&|donation| donation.choice.push(LogOdds::default()));
    donate(&|donation| donation.choice[0].leaning = f64::INFINITY);
    donate(&|donation| donation.donates.constant = f64::NAN);
    donate(&|donation| donation.arms = vec![0.0; 3]);
    donate(&|donation| donation.positions = Positions::Missing { probability: 1.5 });
    donate(&|donation| donation.positions = Positions::MissingByRank { first: 0.0, last: -0.1 });
    let puppet = |change: &dyn Fn(&mut SockPuppets)| {
        let personas = vec![Persona::new("one"), Persona::new("two")];
        let mut puppets = SockPuppets { personas, runs: 2, arms: PuppetArms::Policies };
        change(&mut puppets);
        refuse(ExperimentDesign::SockPuppets(puppets));
    };
    puppet(&|puppets| puppets.personas.clear());
    puppet(&|puppets| puppets.personas[0].name = "two".to_owned());
    puppet(&|puppets| puppets.runs = 0);
    puppet(&|puppets| puppets.runs = u32::MAX);
    puppet(&|puppets| puppets.arms = PuppetArms::Personas);
    puppet(&|puppets| puppets.personas[0].fidelity = 1.1);
    puppet(&|puppets| puppets.personas[0].slates_per_day = 0);
    puppet(&|puppets| puppets.personas[0].slates_per_day = 5_000);
    puppet(&|puppets| puppets.personas[0].leaning = f64::NAN);
    puppet(&|puppets| {
        puppets.personas[0].conduct = Conduct::Clicks { topics: vec!["chess".to_owned()] };
    });
    puppet(&|puppets| {
        puppets.personas[0].interests.insert("sport".to_owned(), -1.0);
    });
    refused(&|config| config.labels.sensitivity = -0.1);
    refused(&|config| {
        config.labels.topics.insert("chess".to_owned(), TopicErrors::default());
    });
}

/// The share of a topic's labels is `Se * p + (1 - Sp) * (1 - p)`, within four standard errors of the
/// draws (one for each item); the label goes with the item, and the true topics stand beside.
#[test]
fn labels_err_as_often_as_said() {
    let mut config = config(ExperimentDesign::default());
    config.world.items_per_day = 3_000.0;
    config.arms.truncate(1);
    config.arms[0].policy = PolicyConfig::default();
    config.labels = LabelErrors {
        sensitivity: 0.9,
        specificity: 0.97,
        topics: BTreeMap::from([(
            "left_party".to_owned(),
            TopicErrors { sensitivity: 0.6, specificity: 0.8 },
        )]),
    };
    let log = log(&config);
    assert_eq!(config.labels.of("sport"), TopicErrors { sensitivity: 0.9, specificity: 0.97 });
    let truth = log.column("true_topics").unwrap();
    let topics = log.topics().unwrap();
    let mut sets = BTreeMap::new();
    for row in 0..log.rows() {
        let set = topics.set_of_row()[row];
        assert_eq!(*sets.entry(id(&log, Role::Item, row)).or_insert(set), set);
    }
    for topic in ["left_party", "right_party", "sport", "music", "comedy"] {
        let TopicErrors { sensitivity, specificity } = config.labels.of(topic);
        let mut of_item: BTreeMap<&str, (f64, bool)> = BTreeMap::new();
        let mut observed = 0.0;
        for row in 0..log.rows() {
            let is = truth.id(row) == Some(topic);
            let item = of_item.entry(id(&log, Role::Item, row)).or_insert((0.0, is));
            item.0 += 1.0;
            observed += f64::from(u8::from(has_topic(&log, row, topic)));
        }
        let all = log.rows() as f64;
        let about = of_item.values().filter(|(_, is)| *is).map(|(rows, _)| rows).sum::<f64>();
        let share = about / all;
        let expected = sensitivity * share + (1.0 - specificity) * (1.0 - share);
        let variance: f64 = of_item
            .values()
            .map(|(rows, is)| {
                let right = if *is { sensitivity } else { specificity };
                rows * rows * right * (1.0 - right)
            })
            .sum();
        let error = variance.sqrt() / all;
        assert!((observed / all - expected).abs() < 4.0 * error, "{topic}: {observed} of {all}");
        assert!(error < 0.02, "{topic}: {error} shows nothing");
    }
}

/// A simulation is tallied without its log, and its file says what it is and reads back as the log.
#[cfg(feature = "parquet")]
#[test]
fn files_are_the_log() {
    use tiltmeter::log::LogSource as _;

    use tiltmeter::job::TallyJob;
    use tiltmeter::source::ParquetSource;

    let folder = tempfile::tempdir().unwrap();
    for (at, design) in designs().into_iter().enumerate() {
        let mut config = config(design);
        config.world.viewers = 80;
        config.labels.sensitivity = 0.9;
        let simulation = Simulation::new(&config).unwrap();
        let (log, schema) = (simulation.log().unwrap(), simulation.schema().unwrap());
        let path = folder.path().join(format!("{at}.parquet"));
        assert_eq!(simulation.write_parquet(&path).unwrap(), log.rows() as u64);
        assert_eq!(SimulationConfig::of_parquet(&path).unwrap(), config);
        let read = ExposureLog::open(&path, &schema).unwrap();
        let roles =
            [Role::Viewer, Role::Item, Role::Arm, Role::Stratum, Role::Slate, Role::Session];
        roles.iter().for_each(|role| assert_eq!(read.ids(*role), log.ids(*role)));
        assert!(read.named().eq(log.named()));
        assert_eq!(read.positions(), log.positions());
        assert_eq!(read.times(), log.times());
        assert_eq!(read.topics(), log.topics());
        for role in [Role::Engagement, Role::Propensity] {
            assert_eq!(read.numbers(role), log.numbers(role));
        }
        let spec = TallySpec { cluster: config.design.cluster(), ..TallySpec::default() };
        let tally = tiltmeter::tally::Tally::of(&log, &spec).unwrap();
        assert_eq!(simulation.tally(&spec).unwrap(), tally);
        let job = TallyJob::new([path.clone()], schema, spec);
        assert_eq!(job.run().unwrap().tally, tally);
        let columns = ParquetSource::open(&path).unwrap().column_names().to_vec();
        assert_eq!(columns, simulation.source().unwrap().column_names());
    }
    let other = folder.path().join("other.parquet");
    log(&config(ExperimentDesign::default())).save(&other).unwrap();
    assert!(matches!(SimulationConfig::of_parquet(&other), Err(Error::Version { .. })));
}
