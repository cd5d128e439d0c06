//! Simulated feeds: the same whatever the threads, and what is known of them in closed form.

use tiltmeter::log::Role;
use tiltmeter::policy::{Bias, PolicyConfig, Random, Ranker};
use tiltmeter::simulate::{
    CandidatesConfig, Preset, Simulation, SimulationConfig, Truth, TruthMethod, TruthSpec,
};
use tiltmeter::{Audit, Question};

fn small(preset: Preset) -> SimulationConfig {
    let mut config = SimulationConfig::preset(preset);
    config.world.viewers = 300;
    config.days = 4;
    config
}

/// A pure function of the configuration: the same log on one thread and on three, and another for
/// another seed.
#[test]
fn threads_do_not_matter() {
    for preset in [Preset::Conflict, Preset::Election, Preset::Everyday] {
        let config = small(preset);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Simulation::new(&config).unwrap().log().unwrap())
        };
        let one = on(1);
        assert_eq!(one, on(3));
        let other = SimulationConfig { seed: 2, ..config.clone() };
        assert_ne!(one, Simulation::new(&other).unwrap().log().unwrap());
        assert!(one.rows() > 5_000, "{}", one.rows());
    }
}

/// The log has what the schema promises, and propensities that are probabilities.
#[test]
fn logs_are_whole() {
    let log = Simulation::new(&small(Preset::Conflict)).unwrap().log().unwrap();
    let propensities = log.numbers(Role::Propensity).unwrap();
    assert!(propensities.iter().all(|p| *p > 0.0 && *p <= 1.0));
    assert!(log.positions().unwrap().iter().all(|rank| (1..=10).contains(rank)));
    for role in [Role::Viewer, Role::Item, Role::Stratum, Role::Slate, Role::Session] {
        assert!(log.ids(role).is_some(), "{role}");
    }
}

/// Random slates of everything: the expected share of a topic is its share of what is alive. Without a
/// bias the amplification is 1; here within four standard errors.
#[test]
fn nothing_injected_is_nothing_found() {
    let mut config = small(Preset::Conflict);
    config.candidates = CandidatesConfig::Everything;
    for arm in &mut config.arms {
        arm.policy.ranker = Ranker::Random;
        arm.policy.biases.clear();
    }
    let log = Simulation::new(&config).unwrap().log().unwrap();
    let audit = || Audit::of(&log, &Question::between("treatment", "baseline"));
    for estimate in audit().run().unwrap().estimates() {
        let ratio = estimate.value.number().unwrap();
        let error = estimate.standard_error.unwrap();
        assert!((ratio - 1.0).abs() < 4.0 * error, "{estimate:?}");
    }
    config.arms[0].policy.biases = vec![Bias::topic("conflict", 3.0)];
    let log = Simulation::new(&config).unwrap().log().unwrap();
    let question = Question::between("treatment", "baseline").topics(["conflict"]);
    let report = Audit::of(&log, &question).run().unwrap();
    assert!(report.estimates()[0].value.number().unwrap() > 1.5);
}

/// The truth of a feed with a policy from outside is that of this policy: of the random one under another name it is,
/// replicate for replicate, that of the configuration that says so; and of one that is not random it is not.
#[test]
fn own_policies_have_their_own_truth() {
    let mut config = small(Preset::Conflict);
    config.world.viewers = 40;
    let of = |config: &SimulationConfig| {
        let question = Question::between("treatment", "baseline").topics(["conflict"]);
        let route = TruthMethod::Replicates;
        let spec = TruthSpec { replicates: 4, route, ..TruthSpec::of(&question) };
        *Truth::of(config, &spec).unwrap().value("conflict", "amplification_ratio").unwrap()
    };
    config.arms[0].policy = PolicyConfig::of(Ranker::Random);
    let known = of(&config);
    config.arms[0].policy = PolicyConfig::own("mine", |_| Random);
    assert_eq!(of(&config), known);
    config.arms[0].policy.biases = vec![Bias::topic("conflict", 3.0)];
    let more = of(&config).number().unwrap() / known.number().unwrap();
    assert!(more > 1.5, "{more}");
}

/// A policy from outside serves its arm: where it is the random one, the log is that of the
/// configuration that says so.
#[test]
fn own_policies_serve_their_arms() {
    let mut config = small(Preset::Conflict);
    config.arms[1].policy = PolicyConfig::own("mine", |_| Random);
    let own = Simulation::new(&config).unwrap();
    let written = serde_json::to_string(&config).unwrap();
    let read: SimulationConfig = serde_json::from_str(&written).unwrap();
    let error = Simulation::new(&read).unwrap_err();
    assert!(error.to_string().contains("the policy \"mine\" of somebody's own"), "{error}");
    config.arms[1].policy = PolicyConfig::of(Ranker::Random);
    assert_eq!(own.log().unwrap(), Simulation::new(&config).unwrap().log().unwrap());
    #[cfg(feature = "parquet")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.parquet");
        own.write_parquet(&path).unwrap();
        assert!(SimulationConfig::of_parquet(&path).is_err(), "it would make another log");
    }
}
