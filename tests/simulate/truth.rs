//! The truth of simulations: closed forms against plain enumeration and against replicates, and errors
//! that are what they say.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use tiltmeter::policy::{Bias, PolicyConfig, Ranker, Selection};
use tiltmeter::simulate::{
    Blocks, CandidatesConfig, Catalogue, ExperimentDesign, LabelErrors, Precision, Preset,
    Simulation, SimulationConfig, StratumConfig, TopicConfig, TopicDefinition, TrueValue, Truth,
    TruthMethod, TruthSpec,
};
use tiltmeter::statistic::{AddOneReach, AmplificationRatio, Difference, OddsRatio};
use tiltmeter::{Attention, Audit, Baseline, Denominator, Error, Question, Reach, Unit, Value};

const DAY: i64 = 86_400_000_000;

fn between() -> Question {
    Question::between("treatment", "baseline")
}

/// Three topics and two strata of unequal activity; lifetimes so short that topics' shares of what is
/// alive change over the day, and rounds with fewer items than a slate has.
fn tiny() -> SimulationConfig {
    let mut config = SimulationConfig {
        days: 2,
        rounds_per_day: 4,
        slate: 3,
        candidates: CandidatesConfig::Everything,
        ..SimulationConfig::default()
    };
    config.world.viewers = 60;
    config.world.items_per_day = 12.0;
    let topic = |name: &str, supply, lifetime_hours| TopicConfig {
        supply,
        lifetime_hours,
        ..TopicConfig::new(name)
    };
    config.world.topics =
        vec![topic("war", 1.0, 20.0), topic("sport", 2.0, 9.0), topic("art", 1.5, 14.0)];
    let stratum =
        |name: &str, share, activity| StratumConfig { share, activity, ..StratumConfig::new(name) };
    config.world.strata = vec![stratum("west", 1.0, 2.0), stratum("east", 3.0, 0.5)];
    config
}

fn treated(mut config: SimulationConfig, policy: PolicyConfig) -> SimulationConfig {
    config.arms[0].policy = policy;
    config
}

fn number(known: Option<TrueValue>) -> f64 {
    known.and_then(|known| known.number()).expect("a number")
}

/// The items alive at the start of every round, in the order of births.
fn rounds(config: &SimulationConfig, catalogue: &Catalogue) -> Vec<Vec<usize>> {
    let start = 1_704_067_200_000_000; // 2024-01-01T00:00:00Z
    let length = DAY / i64::from(config.rounds_per_day);
    (0..i64::from(config.days * config.rounds_per_day))
        .map(|round| {
            let now = start + round * length;
            let alive =
                |item: &usize| catalogue.births()[*item] <= now && catalogue.deaths()[*item] > now;
            (0..catalogue.len()).filter(alive).collect()
        })
        .collect()
}

/// A share by a plain loop: `mass` says what a slate of a round gives to each of its items.
fn enumerated(
    config: &SimulationConfig,
    topic: &str,
    mass: impl Fn(&Catalogue, &[usize]) -> Vec<f64>,
) -> f64 {
    let simulation = Simulation::new(config).expect("a world");
    let catalogue = simulation.catalogue();
    let topic = catalogue.topic_sets().topic(topic).expect("a topic of it");
    let (mut of_topic, mut all) = (0.0, 0.0);
    for alive in rounds(config, catalogue) {
        for (item, mass) in alive.iter().zip(mass(catalogue, &alive)) {
            let set = catalogue.topic_sets().of(catalogue.topics()[*item]);
            of_topic += if set.contains(&topic) { mass } else { 0.0 };
            all += mass;
        }
    }
    of_topic / all
}

fn attention(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

/// A random feed against a chronological one, slate by slate.
#[test]
fn exact_is_what_a_plain_loop_finds() {
    let newest = PolicyConfig::of(Ranker::ReverseChronological);
    let config = treated(tiny(), newest);
    let least = rounds(&config, Simulation::new(&config).unwrap().catalogue());
    assert!(least.iter().any(|alive| alive.len() < 3) && least.iter().any(|a| a.len() > 6));
    let question = between()
        .statistic(AmplificationRatio)
        .statistic(Difference)
        .statistic(OddsRatio)
        .attention(Attention::Logarithmic);
    let truth = Truth::of(&config, &TruthSpec::of(&question)).unwrap();
    assert_eq!(truth.replicates, None);
    for topic in ["art", "sport", "war"] {
        let newest = enumerated(&config, topic, |_, alive| {
            // Items are in the order of births, so ranks count from the end.
            let rank = |at: usize| alive.len() - 1 - at;
            let value = |at| if rank(at) < 3 { attention(rank(at)) } else { 0.0 };
            (0..alive.len()).map(value).collect()
        });
        let random = enumerated(&config, topic, |_, alive| {
            let slate: f64 = (0..alive.len().min(3)).map(attention).sum();
            vec![slate / alive.len() as f64; alive.len()]
        });
        let value = |statistic| truth.value(topic, statistic).and_then(TrueValue::number).unwrap();
        let odds = |share: f64| share / (1.0 - share);
        for (ours, expected) in [
            (value("amplification_ratio"), newest / random),
            (value("difference"), newest - random),
            (value("odds_ratio"), odds(newest) / odds(random)),
            (number(truth.topic(topic).unwrap().shares[0].share), newest),
            (number(truth.topic(topic).unwrap().shares[1].share), random),
            (number(truth.topic(topic).unwrap().shares[1].strata[0].share), random),
        ] {
            assert!((ours - expected).abs() < 1e-12, "{topic}: {ours} against {expected}");
        }
        assert!(truth.value(topic, "difference").unwrap().is_exact());
    }
}

/// Slates of one by Plackett and Luce: a weight over the sum of weights. A factor that begins on the
/// second day changes that day's share alone.
#[test]
fn exact_first_ranks() {
    let biases = vec![Bias::topic("war", 3.0), Bias::topic("art", 0.5).starting(1.0)];
    let mut config = treated(tiny(), PolicyConfig { biases, ..PolicyConfig::default() });
    config.slate = 1;
    let truth = Truth::of(&config, &TruthSpec::of(&between())).unwrap();
    assert_eq!(truth.replicates, None);
    // By hand, a day at a time.
    let first_day = SimulationConfig { days: 1, ..config.clone() };
    let share = enumerated(&first_day, "war", |catalogue, alive| {
        let weight = |item: &usize| if catalogue.topics()[*item] == 0 { 3.0 } else { 1.0 };
        let sum: f64 = alive.iter().map(weight).sum();
        alive.iter().map(|item| weight(item) / sum).collect()
    });
    let of = &truth.topic("war").unwrap().shares[0];
    assert!((number(of.days[0]) - share).abs() < 1e-12);
    let whole = enumerated(&config, "war", |catalogue, alive| {
        let weight = |item: &usize| if catalogue.topics()[*item] == 0 { 3.0 } else { 1.0 };
        let sum: f64 = alive.iter().map(weight).sum();
        alive.iter().map(|item| weight(item) / sum).collect()
    });
    assert!(number(of.share) > whole, "the second day has less art");
    // Slates of three of which only the first rank is looked at come to the same.
    config.slate = 3;
    let question = between().attention(Attention::TopK { k: 1 });
    let longer = Truth::of(&config, &TruthSpec::of(&question)).unwrap();
    for (one, three) in truth.topics.iter().zip(&longer.topics) {
        assert_eq!(one.values, three.values);
    }
}

/// Worlds with closed forms.
fn closed() -> Vec<(&'static str, SimulationConfig, Question)> {
    let discounted = between().attention(Attention::Reciprocal);
    let newest = PolicyConfig::of(Ranker::ReverseChronological);
    let favoured = |factor| PolicyConfig {
        biases: vec![Bias::topic("war", factor)],
        ..PolicyConfig::default()
    };
    let mut sampled = tiny();
    sampled.candidates = CandidatesConfig::Sample { size: 2 };
    let mut slates = treated(tiny(), newest.clone());
    slates.design = ExperimentDesign::Slates { shares: vec![1.0, 2.0] };
    let mut blocks = treated(SimulationConfig { slate: 1, ..tiny() }, favoured(4.0));
    blocks.design = ExperimentDesign::Viewers { shares: vec![2.0, 1.0], blocks: Blocks::Strata };
    // A factor of a year moves war above what is newer; the rest stays in the order of births.
    let mut lifted = treated(tiny(), favoured(1e15));
    lifted.arms[0].policy.ranker = Ranker::ReverseChronological;
    let diversified = PolicyConfig {
        selection: Some(Selection::Diversified { relevance: 0.4 }),
        ..newest.clone()
    };
    let mut drifting = treated(tiny(), newest.clone());
    drifting.responses.drift = 0.5;
    drifting.responses.follow = 0.5;
    vec![
        ("random", tiny(), discounted.clone()),
        ("sampled", sampled, discounted.clone()),
        ("newest", treated(tiny(), newest), discounted.clone()),
        ("by slates", slates, between()),
        ("first rank, in blocks", blocks, between()),
        ("all ranks of Plackett and Luce", treated(tiny(), favoured(4.0)), discounted.clone()),
        ("lifted", lifted, discounted.clone()),
        ("diversified", treated(tiny(), diversified), discounted),
        ("drifting", drifting, between()),
    ]
}

/// Closed forms are where replicates are, to four of their standard errors: values, shares, shares of
/// strata and of days, and totals themselves by a statistic that is not one of shares alone.
#[test]
fn exact_is_where_replicates_are() {
    for (name, config, question) in closed() {
        let question = question
            .statistic(AmplificationRatio)
            .statistic(tiltmeter::statistic::HaldaneAnscombeRatio);
        let spec = TruthSpec { replicates: 400, ..TruthSpec::of(&question) };
        let exact = Truth::of(&config, &spec).unwrap();
        assert_eq!(exact.replicates, None, "{name}");
        let spec = TruthSpec { route: TruthMethod::Replicates, ..spec };
        let simulated = Truth::of(&config, &spec).unwrap();
        assert_eq!(simulated.replicates, Some(400));
        let near = |exact: Option<TrueValue>, simulated: Option<TrueValue>| {
            let (Some(exact), Some(simulated)) = (exact, simulated) else {
                assert_eq!(exact.is_some(), simulated.is_some(), "{name}");
                return;
            };
            let error = simulated.standard_error().expect("finite");
            let off = (exact.number().unwrap() - simulated.number().unwrap()).abs();
            assert!(off <= 4.0 * error + 1e-12, "{name}: {exact:?} against {simulated:?}");
            assert!(error < 0.1, "{name}: {error}");
        };
        for (exact, simulated) in exact.topics.iter().zip(&simulated.topics) {
            for (exact, simulated) in exact.values.iter().zip(&simulated.values) {
                near(Some(exact.known), Some(simulated.known));
            }
            for (exact, simulated) in exact.shares.iter().zip(&simulated.shares) {
                near(exact.share, simulated.share);
                for (exact, simulated) in exact.strata.iter().zip(&simulated.strata) {
                    near(exact.share, simulated.share);
                }
                for (exact, simulated) in exact.days.iter().zip(&simulated.days) {
                    near(*exact, *simulated);
                }
            }
        }
    }
}

/// What has no closed form is simulated: memory, feeds by affinity, biases for some, other units.
#[test]
fn the_rest_is_simulated() {
    let spec = TruthSpec { replicates: 2, ..TruthSpec::of(&between()) };
    let simulated = |config: &SimulationConfig, spec: &TruthSpec| {
        Truth::of(config, spec).unwrap().replicates == Some(2)
    };
    assert!(!simulated(&tiny(), &spec));
    assert!(simulated(&SimulationConfig { remembered: 2, ..tiny() }, &spec));
    let policies = [
        PolicyConfig::of(Ranker::Affinity(Default::default())),
        PolicyConfig::of(Ranker::Popularity(Default::default())),
        PolicyConfig {
            biases: vec![
                Bias::topic("war", 2.0)
                    .only_for(tiltmeter::policy::Audience::Stratum("west".into())),
            ],
            ..PolicyConfig::default()
        },
        PolicyConfig {
            biases: vec![Bias::topic("war", 2.0).starting(0.3)],
            ..PolicyConfig::default()
        },
        PolicyConfig {
            selection: Some(Selection::EpsilonGreedy { epsilon: 0.2 }),
            ..PolicyConfig::default()
        },
    ];
    for policy in policies {
        let config = SimulationConfig { slate: 1, ..treated(tiny(), policy) };
        assert!(simulated(&config, &spec), "{:?}", config.arms[0]);
    }
    for unit in [Unit::ClusterMean, Unit::Reach(Reach::default())] {
        let question = between().unit(unit);
        assert!(simulated(&tiny(), &TruthSpec { question, ..spec.clone() }));
    }
}

/// Errors are what they say: over 60 truths from 48 replicates each, with seeds of their own, the
/// squared distances from the exact value in standard errors add up to a chi-square variable of 60
/// degrees (quantiles 0.0005 and 0.9995: 30.3 and 103.6), the latter stretched by 47/45 since the errors
/// are themselves estimated.
#[test]
fn errors_are_honest() {
    let config = treated(tiny(), PolicyConfig::of(Ranker::ReverseChronological));
    let exact = Truth::of(&config, &TruthSpec::of(&between())).unwrap();
    let spec =
        TruthSpec { route: TruthMethod::Replicates, replicates: 48, ..TruthSpec::of(&between()) };
    for topic in ["art", "war"] {
        let target = exact.value(topic, "amplification_ratio").unwrap().number().unwrap();
        let mut sum = 0.0;
        for seed in 0..60 {
            let config = SimulationConfig { seed: 1_000 + seed, ..config.clone() };
            let truth = Truth::of(&config, &spec).unwrap();
            let known = truth.value(topic, "amplification_ratio").unwrap();
            let Precision::MonteCarlo { working_error: Some(error), replicates: 48, .. } =
                known.how
            else {
                panic!("{known:?}");
            };
            sum += ((known.number().unwrap() / target).ln() / error).powi(2);
        }
        assert!(sum > 30.3 && sum < 103.6 * 47.0 / 45.0, "{topic}: {sum}");
    }
}

/// In every unit a large simulation's audit is near the truth, to four standard errors of the audit.
#[test]
fn audits_tend_to_it() {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 1_000;
    config.days = 2;
    let log = Simulation::new(&config).unwrap().log().unwrap();
    config.world.viewers = 200;
    let reach = Unit::Reach(Reach { impressions: 2, mass: 0.0 });
    for unit in [Unit::Pooled, Unit::ClusterMean, reach] {
        for attention in [Attention::Uniform, Attention::Logarithmic] {
            let question = between().unit(unit).attention(attention);
            let spec = TruthSpec { replicates: 64, ..TruthSpec::of(&question) };
            let truth = Truth::of(&config, &spec).unwrap();
            let report = Audit::of(&log, &question).run().unwrap();
            for estimate in report.estimates() {
                let topic = &estimate.estimand.topic;
                let known = truth.value(topic, "amplification_ratio").unwrap();
                let off = (estimate.value.number().unwrap() / known.number().unwrap()).ln();
                let error = estimate.standard_error.unwrap();
                assert!(off.abs() < 4.0 * error, "{unit:?} {topic}: {off} with {error}");
            }
            let known = truth.value("conflict", "amplification_ratio").unwrap();
            assert!(known.number().unwrap() > 1.0 && !known.is_exact());
        }
    }
}

/// Errors in labels change what a log says and not what is true.
#[test]
fn label_errors_leave_the_truth_alone() {
    let policy = PolicyConfig { biases: vec![Bias::topic("war", 4.0)], ..PolicyConfig::default() };
    let mut config = SimulationConfig { slate: 1, ..treated(tiny(), policy) };
    config.world.items_per_day = 400.0;
    config.world.viewers = 400;
    let spec = TruthSpec::of(&between());
    let of_labels = TruthSpec { about: TopicDefinition::Labels, ..spec.clone() };
    let clean = Truth::of(&config, &spec).unwrap();
    // Without errors labels are the topics.
    assert_eq!(clean.topics, Truth::of(&config, &of_labels).unwrap().topics);
    config.labels = LabelErrors { sensitivity: 0.8, specificity: 0.9, ..LabelErrors::default() };
    let with_errors = Truth::of(&config, &spec).unwrap();
    assert_eq!(clean.topics, with_errors.topics);

    let observed = Truth::of(&config, &of_labels).unwrap();
    for arm in 0..2 {
        let share = number(clean.topic("war").unwrap().shares[arm].share);
        let seen = number(observed.topic("war").unwrap().shares[arm].share);
        // Of some 300 items alive at a time; four standard deviations of their labels.
        let expected = 0.8 * share + 0.1 * (1.0 - share);
        assert!((seen - expected).abs() < 4.0 * 0.4 / 300_f64.sqrt(), "{seen} {expected}");
    }
    // An audit of the log finds what labels say, and not what is true.
    let mut large = config.clone();
    large.world.viewers = 10_000;
    let log = Simulation::new(&large).unwrap().log().unwrap();
    let report = Audit::of(&log, &between().topics(["war"])).run().unwrap();
    let estimate = &report.estimates()[0];
    let off = |truth: &Truth| {
        let known = truth.value("war", "amplification_ratio").unwrap().number().unwrap();
        (estimate.value.number().unwrap() / known).ln().abs() / estimate.standard_error.unwrap()
    };
    assert!(off(&observed) < 4.0 && off(&clean) > 5.0, "{} {}", off(&observed), off(&clean));

    // With tagged impressions in the denominator, labels say more of every topic; the truth is the same.
    let question = between().denominator(Denominator::TaggedImpressions);
    let spec = TruthSpec { question, ..spec };
    assert_eq!(clean.topics, Truth::of(&config, &spec).unwrap().topics);
    let of_labels =
        Truth::of(&config, &TruthSpec { about: TopicDefinition::Labels, ..spec }).unwrap();
    let share = |truth: &Truth| number(truth.topic("war").unwrap().shares[1].share);
    assert!(share(&of_labels) > share(&observed));
}

/// The same on one thread and on three, and other numbers for another seed.
#[test]
fn threads_do_not_matter() {
    let mut config = SimulationConfig::preset(Preset::Election);
    config.world.viewers = 150;
    config.days = 2;
    let question = between().unit(Unit::ClusterMean);
    let spec = TruthSpec { replicates: 80, until: Some(0.02), ..TruthSpec::of(&question) };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Truth::of(&config, &spec).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(3));
    let other = Truth::of(&SimulationConfig { seed: 2, ..config.clone() }, &spec).unwrap();
    assert_ne!(one.topics, other.topics);
}

/// Replicates end once the error is small, after 32, 64, ... of them; progress comes to its end.
#[test]
fn replicates_end_where_the_error_is_small() {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    config.world.viewers = 60;
    config.days = 1;
    let (done, most) = (AtomicU64::new(0), AtomicU64::new(0));
    let spec = |until| TruthSpec { replicates: 600, until, ..TruthSpec::of(&between()) };
    let truth = Truth::of_with(&config, &spec(Some(0.03)), |progress| {
        done.fetch_max(progress.parts as u64, Ordering::Relaxed);
        most.store(progress.of_parts as u64, Ordering::Relaxed);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((done.into_inner(), most.into_inner()), (600, 600));
    let replicates = truth.replicates.unwrap();
    assert!([64, 128, 256, 512].contains(&replicates), "{replicates}");
    for topic in &truth.topics {
        let Precision::MonteCarlo { working_error: Some(error), .. } = topic.values[0].known.how
        else {
            panic!("{topic:?}");
        };
        assert!(error <= 0.03);
    }
    assert_eq!(Truth::of(&config, &spec(Some(10.0))).unwrap().replicates, Some(32));
    // Never reached: all of them.
    let few = TruthSpec { replicates: 40, ..spec(Some(1e-9)) };
    assert_eq!(Truth::of(&config, &few).unwrap().replicates, Some(40));
}

/// JSON reads back as it was, exact or not, and with values that are not finite.
#[test]
fn json_reads_back() {
    let never = |arm: usize| {
        let mut config = SimulationConfig { slate: 1, ..tiny() };
        config.arms[arm].policy.biases = vec![Bias::topic("war", 0.0)];
        config
    };
    let mut neither = never(0);
    neither.arms[1].policy.biases = vec![Bias::topic("war", 0.0)];
    let expected = [(never(0), "zero"), (never(1), "infinite"), (neither, "undefined")];
    for (config, state) in expected {
        for route in [TruthMethod::Best, TruthMethod::Replicates] {
            let spec = TruthSpec { route, replicates: 3, ..TruthSpec::of(&between()) };
            let truth = Truth::of(&config, &spec).unwrap();
            let known = truth.value("war", "amplification_ratio").unwrap();
            assert_eq!(known.value.state(), state);
            assert_eq!(known.is_exact(), route == TruthMethod::Best);
            let json = truth.to_json().unwrap();
            assert!(json.contains("\"schema\": \"tiltmeter.truth\""));
            assert!(json.contains(&format!("\"state\": \"{state}\"")));
            assert_eq!(Truth::from_json(&json).unwrap(), truth);
            let other = json.replace("\"version\": 1", "\"version\": 2");
            assert!(matches!(Truth::from_json(&other), Err(Error::Report { .. })));
        }
    }
    let broken = r#"{"value": null, "state": "estimated", "how": "exact"}"#;
    assert!(serde_json::from_str::<TrueValue>(broken).is_err());
}

/// A feed that shows nothing has no shares, and its ratio is undefined with a reason.
#[test]
fn nothing_shown_is_a_state() {
    let mut config = tiny();
    for topic in &mut config.world.topics {
        topic.lifetime_hours = 1e-6;
    }
    for route in [TruthMethod::Best, TruthMethod::Replicates] {
        let spec = TruthSpec { route, replicates: 2, ..TruthSpec::of(&between()) };
        let truth = Truth::of(&config, &spec).unwrap();
        for topic in &truth.topics {
            assert!(matches!(topic.values[0].known.value, Value::Undefined(_)), "{topic:?}");
            assert!(topic.shares.iter().all(|arm| arm.share.is_none()));
        }
    }
}

#[test]
fn wrong_questions_are_refused() {
    let refused = |question| Truth::of(&tiny(), &TruthSpec::of(&question)).unwrap_err();
    let unknown = refused(Question::between("treatment", "control"));
    assert!(matches!(unknown, Error::UnknownArm { .. }), "{unknown}");
    let same = refused(Question::between("baseline", "baseline"));
    assert!(matches!(same, Error::SameArm { .. }), "{same}");
    for question in [
        between().attention(Attention::Cascade),
        between().attention(Attention::TopK { k: 0 }),
        between().statistic(AddOneReach),
        between().against(Baseline::UniformPool),
    ] {
        let error = refused(question);
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    for spec in [
        TruthSpec { replicates: 1, ..TruthSpec::of(&between()) },
        TruthSpec { until: Some(0.0), ..TruthSpec::of(&between()) },
        TruthSpec { until: Some(f64::NAN), ..TruthSpec::of(&between()) },
    ] {
        let error = Truth::of(&tiny(), &spec).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
}
