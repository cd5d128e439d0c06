//! Studies of simulations: intervals that cover as they should, tests of the right size, power as planned
//! from a pilot, and results that do not depend on threads.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use tiltmeter::coverage::{CoverageStudy, PowerCurve, Smallest, StudyResult};
use tiltmeter::inference::{
    Delta, DeltaTest, Inference, Interval, Jackknife, Multiplicity, PerArm, Permutation, Pilot,
    SampleSizePlan as Plan, Test, TopicQuestion,
};
use tiltmeter::policy::{Bias, PolicyConfig, Popularity, Ranker};
use tiltmeter::simulate::{
    CandidatesConfig, ExperimentDesign, Preset, Simulation, SimulationConfig, TopicConfig,
};
use tiltmeter::statistic::{AmplificationRatio, Difference, TreatmentShare};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Attention, Baseline, ClusterBy, Denominator, Error, Question, Unit};

fn between() -> Question {
    Question::between("treatment", "baseline")
}

/// A random feed of slates of one that favours a topic: the truth is exact.
fn random(factor: f64) -> SimulationConfig {
    let mut config = SimulationConfig {
        days: 2,
        slate: 1,
        candidates: CandidatesConfig::Everything,
        ..SimulationConfig::default()
    };
    config.world.viewers = 160;
    config.world.items_per_day = 20.0;
    config.world.activity.slates_per_day = 4.0;
    config.world.topics = ["news", "sport", "music"].map(TopicConfig::new).to_vec();
    config.arms[0].policy.biases = vec![Bias::topic("news", factor)];
    config
}

fn tests() -> Inference {
    Inference { test: Some(Test::Delta(DeltaTest::default())), ..Inference::default() }
}

/// Whether a share is where it should be: within 3.3 binomial standard errors (0.1% of fair studies are
/// not).
fn near(times: u32, of: u32, expected: f64) -> bool {
    let error = (expected * (1.0 - expected) / f64::from(of)).sqrt();
    (f64::from(times) / f64::from(of) - expected).abs() < 3.3 * error
}

/// Where nothing feeds back, the default 95% interval covers 95% of the time, and estimates are off by no
/// more than their errors: an exact truth, in three scales of statistics.
#[test]
fn the_default_interval_covers() {
    let question = between()
        .topics(["news"])
        .statistic(AmplificationRatio)
        .statistic(Difference)
        .statistic(TreatmentShare);
    let study = CoverageStudy::of(random(2.0), &question);
    let result = study.run().unwrap();
    assert_eq!(result.records.len(), 3);
    for record in &result.records {
        assert!(record.truth.is_exact());
        let coverage = record.coverage.unwrap();
        assert!(near(coverage.times, coverage.of, 0.95), "{record:?}");
        assert_eq!((coverage.of, record.without_interval), (400, 0));
        let working = record.working.unwrap();
        assert!(working.bias.abs() < 4.0 * working.standard_error.unwrap(), "{working:?}");
        let identity = working.bias.powi(2) + working.deviation.unwrap().powi(2) * 399.0 / 400.0;
        assert!((working.rmse - identity.sqrt()).abs() < 1e-12);
        // A 95% interval is 2 * 1.96 standard errors long.
        let length = record.working_length.unwrap() / working.deviation.unwrap();
        assert!((length / 3.95 - 1.0).abs() < 0.15, "{length}");
    }
    assert_eq!(result.records[2].excludes_null, None); // a share compares nothing
}

/// The same for a feed by affinity whose truth is simulated, with viewers as clusters of their own slates
/// in both arms.
#[test]
fn it_covers_where_clusters_are_crossed() {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 60;
    config.days = 2;
    config.design = ExperimentDesign::Slates { shares: vec![] };
    let question = between().attention(Attention::Logarithmic);
    let study = CoverageStudy { studies: 300, ..CoverageStudy::of(config, &question) };
    let result = study.run().unwrap();
    for record in &result.records {
        let coverage = record.coverage.unwrap();
        assert!(near(coverage.times, coverage.of, 0.95), "{record:?}");
        assert!(!record.truth.is_exact());
        // The truth's error is a small part of an interval.
        assert!(record.truth.standard_error().unwrap() < 0.1 * record.length.unwrap());
    }
}

/// Without a bias both the interval and tests find something 5% of the time; adjusted by Holm, any topic
/// of a study at most as often.
#[test]
fn nothing_is_found_where_there_is_nothing() {
    let permutation = Permutation { replicates: 99, ..Permutation::default() };
    let study = CoverageStudy {
        inferences: vec![
            tests(),
            Inference { test: Some(Test::Permutation(permutation)), ..Inference::default() },
            Inference { multiplicity: Some(Multiplicity::Holm), ..tests() },
        ],
        ..CoverageStudy::of(random(1.0), &between())
    };
    let result = study.run().unwrap();
    for record in &result.records {
        assert_eq!(record.truth.number(), Some(1.0));
        let (interval, test) = (record.excludes_null.unwrap(), record.rejects.unwrap());
        assert!(near(interval.times, interval.of, 0.05), "{record:?}");
        if record.inference.multiplicity.is_none() {
            assert!(near(test.times, test.of, 0.05), "{record:?}");
        } else {
            assert!(test.share < 0.05, "{record:?}");
        }
    }
}

/// Power rises with the factor and with viewers, and is what `Pilot` plans from a log of the same feed:
/// within 0.05, of which 1,200 studies leave 0.043 (three standard errors) and the pilot's own variance
/// the rest.
#[test]
fn power_is_as_planned() {
    // Pilots plan for the delta method; the default interval is more cautious with few clusters.
    let inferences = vec![Inference::from(Interval::Delta(Delta::default()))];
    let study =
        CoverageStudy { studies: 1_200, inferences, ..CoverageStudy::of(random(1.0), &between()) };
    let curve = PowerCurve {
        viewers: vec![80, 160],
        ..PowerCurve::of(study, "news", [1.0, 1.2, 1.4, 1.8])
    };
    let planned = [1.0, 1.2, 1.4, 1.8].map(|factor| {
        let mut large = random(factor);
        large.world.viewers = 6_000;
        pilot(&large)
    });
    let result = curve.run().unwrap();
    let power = |at: usize| result.points[at].records[0].power().unwrap();
    for at in 0..8 {
        let point = &result.points[at];
        assert_eq!(point.viewers, if at < 4 { 80 } else { 160 });
        if at % 4 > 0 {
            assert!(power(at).share > power(at - 1).share - 0.03, "{at}");
        }
        if at >= 4 {
            assert!(power(at).high > power(at - 4).low, "{at}");
        }
        let truth = point.records[0].truth.number().unwrap();
        if point.factor > 1.0 {
            let planned = planned[at % 4].power_at(truth, &plan(point.viewers)).unwrap();
            assert!((planned - power(at).share).abs() < 0.05, "{planned} {:?}", power(at));
        }
    }
    // The smallest effect: interpolated between points, and in closed form.
    let smallest = result.smallest(0.8).unwrap();
    assert_eq!((smallest.len(), smallest[1].viewers), (2, 160));
    let Smallest::Between { effect, factor } = smallest[1].smallest else {
        panic!("{smallest:?}");
    };
    assert!(factor > effect && factor < 1.8, "{smallest:?}");
    let planned = planned[0].minimum_detectable(&plan(160)).unwrap().effect;
    assert!((effect.ln() / planned - 1.0).abs() < 0.15, "{} against {planned}", effect.ln());
}

fn plan(viewers: u32) -> Plan {
    Plan::of(PerArm::equal(u64::from(viewers) / 2))
}

fn pilot(config: &SimulationConfig) -> Pilot {
    let log = Simulation::new(config).and_then(|simulation| simulation.log()).expect("a log");
    let tally = Tally::of(&log, &TallySpec::default()).expect("its tally");
    let question = TopicQuestion {
        topic: "news",
        treatment: "treatment",
        baseline: &Baseline::arm("baseline"),
        unit: Unit::Pooled,
        denominator: Denominator::AllImpressions,
        attention: &Attention::Uniform,
        correction: None,
    };
    Pilot::of(&tally, &question, &AmplificationRatio).expect("a ratio with an error")
}

/// A feed that learns what is popular is another feed in each study, and viewers of an arm are not
/// independent: an interval clustered by viewers does not cover what feeds are on average. The finding
/// that the docs of `CoverageStudy` tell of.
#[test]
fn feedback_is_interference() {
    let mut config = random(1.0);
    config.arms[0].policy = PolicyConfig::of(Ranker::Popularity(Popularity::default()));
    config.responses.click_odds = 5.0;
    let study = CoverageStudy { studies: 200, ..CoverageStudy::of(config, &between()) };
    for record in study.run().unwrap().records {
        let coverage = record.coverage.unwrap();
        assert!(coverage.high < 0.9, "{record:?}");
    }
}

/// Methods see the same studies: the jackknife and the delta method have the same estimates, and every
/// count adds up.
#[test]
fn methods_see_the_same_studies() {
    let mut config = random(3.0);
    config.world.viewers = 10;
    config.days = 1;
    let study = CoverageStudy {
        studies: 120,
        inferences: vec![
            Interval::Delta(Delta::default()).into(),
            Interval::Jackknife(Jackknife { level: 0.95 }).into(),
        ],
        ..CoverageStudy::of(config, &between())
    };
    let result = study.run().unwrap();
    assert_eq!(result.records.len(), 6);
    for pair in result.records.chunks(2) {
        let [delta, jackknife] = pair else { panic!() };
        assert_eq!((&*delta.method, &*jackknife.method), ("delta", "jackknife"));
        assert_eq!((&delta.topic, delta.working), (&jackknife.topic, jackknife.working));
        assert_eq!(delta.without_value, jackknife.without_value);
        for record in pair {
            assert_eq!(record.studies, 120);
            let coverage = record.coverage.unwrap();
            assert_eq!(coverage.of + record.without_interval, 120);
            assert_eq!(record.excludes_null.unwrap().of, 120);
            assert!(record.warnings["few_clusters"] > 100, "{record:?}");
        }
    }
    let text = result.to_string();
    assert!(text.contains("jackknife") && text.contains("The truth is exact"), "{text}");
}

/// The same on one thread and on three; JSON reads back; progress comes to its end.
#[test]
fn threads_do_not_matter() {
    let mut config = SimulationConfig::preset(Preset::Everyday);
    config.world.viewers = 40;
    config.days = 1;
    let mut study = CoverageStudy { studies: 30, ..CoverageStudy::of(config, &between()) };
    study.truth.replicates = 20;
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| study.run().unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(3));
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<StudyResult>(&json).unwrap(), one);

    let done = AtomicU64::new(0);
    let curve = PowerCurve { days: vec![1, 2], ..PowerCurve::of(study, "news", [1.0, 2.0]) };
    let result = curve
        .run_with(|progress| {
            assert_eq!(progress.of_parts, 4 * 50);
            done.fetch_max(progress.parts as u64, Ordering::Relaxed);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(done.into_inner(), 200);
    assert!(result.to_string().contains("Smallest amplification_ratio"), "{result}");
    let json = serde_json::to_string(&result).unwrap();
    assert_eq!(serde_json::from_str::<tiltmeter::coverage::PowerResult>(&json).unwrap(), result);
}

/// Clusters other than viewers, in pooled units; topics that a small study never shows.
#[test]
fn other_clusters_and_rare_topics() {
    let mut config = random(1.0);
    config.world.topics[1].supply = 1e-2;
    config.world.viewers = 6;
    config.days = 1;
    let question = between().cluster(ClusterBy::column("creator"));
    let study = CoverageStudy { studies: 50, ..CoverageStudy::of(config, &question) };
    let result = study.run().unwrap();
    let sport = result.records.iter().find(|record| record.topic == "sport").unwrap();
    assert!(sport.without_value > 25, "{sport:?}");
    let mut refused = study;
    refused.truth.question.unit = Unit::ClusterMean;
    assert!(matches!(refused.run(), Err(Error::Parameter { .. })));
}

#[test]
fn wrong_studies_are_refused() {
    let study = || CoverageStudy { studies: 2, ..CoverageStudy::of(random(1.0), &between()) };
    for wrong in [
        CoverageStudy { studies: 0, ..study() },
        CoverageStudy { inferences: vec![], ..study() },
        CoverageStudy { alpha: 1.0, ..study() },
        CoverageStudy { alpha: f64::NAN, ..study() },
    ] {
        assert!(matches!(wrong.run(), Err(Error::Parameter { .. })));
    }
    let unknown = CoverageStudy {
        studies: 2,
        ..CoverageStudy::of(random(1.0), &between().topics(["chess"]))
    };
    assert!(matches!(unknown.run(), Err(Error::UnknownTopic { .. })));
    let curve = |topic: &str, factors: &[f64]| {
        PowerCurve::of(study(), topic, factors.iter().copied()).run().unwrap_err()
    };
    assert!(matches!(curve("chess", &[2.0]), Error::UnknownTopic { .. }));
    assert!(matches!(curve("news", &[]), Error::Parameter { .. }));
    assert!(matches!(curve("news", &[-1.0]), Error::Parameter { .. }));
    let result = PowerCurve::of(study(), "news", [1.0]).run().unwrap();
    assert!(result.smallest(1.0).is_err() && result.smallest(0.8).is_ok());
}
