//! Replays by periods, and monitors that are fed by them.

use tiltmeter::inference::{
    Alarm, ChangeMonitor, ChangeSpec, InControl, Monitor, MonitorSpec, Shift,
};
use tiltmeter::policy::PolicyConfig;
use tiltmeter::policy::{Bias, Ranker, ReverseChronological};
use tiltmeter::replay::{Replay, ReplaySpec, Step, StepSpec};
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
use tiltmeter::tally::{TallySpec, WindowBy};
use tiltmeter::{Audit, ClusterBy, Error, Question};

use super::{both, config, replay, spec_for};

const TOPICS: [&str; 3] = ["conflict", "politics", "sport"];

fn monitor(cluster: ClusterBy, target: u64) -> Monitor {
    let question = Question::between("treatment", "replayed").topics(TOPICS).cluster(cluster);
    let mut spec = MonitorSpec::of(&question, target).unwrap();
    spec.start = 4;
    Monitor::new(spec).unwrap()
}

/// The steps of a source, as they come.
fn steps_of(simulation: &Simulation, spec: &ReplaySpec, steps: &StepSpec) -> Vec<Step> {
    let (log, table) = (simulation.schema().unwrap(), simulation.candidates_schema());
    let mut found = Vec::new();
    let replay = Replay::new(spec, &mut ReverseChronological).unwrap().run_with(
        (simulation.source().unwrap(), &log),
        (simulation.candidates().unwrap(), &table),
        steps,
        |step| {
            found.push(step.clone());
            Ok(())
        },
    );
    let account = replay.unwrap().account;
    assert_eq!(account.requests, found.iter().map(|step| step.account.requests).sum::<u64>());
    found
}

/// Steps of days or of half days: in memory and from sources the same; together they are the whole; and a
/// monitor that was told of them one by one has the value, errors and counts of an audit of all, by
/// slates and by days.
#[test]
fn monitors_of_steps_have_the_values_of_the_whole() {
    let mut config = config();
    config.days = 8;
    let simulation = Simulation::new(&config).unwrap();
    let (log, pools) = both(&simulation);
    let mut spec = spec_for(&simulation);
    let whole = replay(&spec, &mut ReverseChronological, (&log, &pools));
    let half_days = WindowBy::Every { seconds: 43_200, origin: 0 };
    for (cluster, by, periods) in [
        (ClusterBy::Slate, WindowBy::days(1), 8),
        (ClusterBy::Slate, half_days, 16),
        (ClusterBy::column("day"), WindowBy::days(1), 8),
        (ClusterBy::Slate, WindowBy::Nothing, 1),
    ] {
        let mut monitor = monitor(cluster.clone(), 100);
        let tally = monitor.spec().tally.clone();
        let step_spec = StepSpec { tally: tally.clone(), by };
        let steps = whole.steps(&step_spec).unwrap();
        for memory in [0, 256 << 20] {
            spec.memory = memory;
            assert_eq!(steps_of(&simulation, &spec, &step_spec), steps);
        }
        assert_eq!(steps.len(), periods);
        assert!(steps.windows(2).all(|pair| pair[0].start < pair[1].start));
        steps.iter().for_each(|step| monitor.observe_as(&step.label, &step.tally).unwrap());

        let all = whole.tally(&tally).unwrap();
        let merged = steps.into_iter().map(|step| step.tally);
        let merged = merged.reduce(|all, step| all.merge(&step).unwrap()).unwrap();
        assert_eq!(merged, all);
        let question = Question::between("treatment", "replayed").topics(TOPICS);
        let report = Audit::of_tally(&all, &question).run().unwrap();
        assert_eq!(monitor.readings().len(), 3);
        for (reading, estimate) in monitor.readings().iter().zip(report.estimates()) {
            assert_eq!(reading.value, estimate.value, "{cluster}");
            assert_eq!(reading.clusters, estimate.clusters);
            let (found, expected) = (reading.standard_error, estimate.standard_error);
            if cluster == ClusterBy::Slate {
                let (found, expected) = (found.unwrap(), expected.unwrap());
                assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
            }
        }
        let labels: Vec<&str> = monitor.trail().map(|(label, _)| label).collect();
        match by {
            WindowBy::Nothing => assert_eq!(labels, ["all"]),
            _ => assert_eq!(labels[1].len(), "2024-01-02T00:00:00Z".len()),
        }
    }
}

/// Viewers come back, so a monitor refuses them as clusters of daily steps; the replay stops with its word.
#[test]
fn what_a_step_is_given_to_may_refuse_it() {
    let simulation = Simulation::new(&config()).unwrap();
    let spec = spec_for(&simulation);
    let (log, table) = (simulation.schema().unwrap(), simulation.candidates_schema());
    let mut monitor = monitor(ClusterBy::Viewer, 100);
    let steps = StepSpec { tally: monitor.spec().tally.clone(), by: WindowBy::days(1) };
    let error = Replay::new(&spec, &mut ReverseChronological)
        .unwrap()
        .run_with(
            (simulation.source().unwrap(), &log),
            (simulation.candidates().unwrap(), &table),
            &steps,
            |step| monitor.observe_as(&step.label, &step.tally),
        )
        .unwrap_err();
    assert!(matches!(error, Error::ObservedTwice { .. }), "{error}");
    assert_eq!(monitor.observations(), 1);
    let none =
        StepSpec { tally: TallySpec::default(), by: WindowBy::Every { seconds: 0, origin: 0 } };
    let (log, pools) = both(&simulation);
    let whole = replay(&spec, &mut ReverseChronological, (&log, &pools));
    assert!(matches!(whole.steps(&none), Err(Error::Parameter { .. })));
    let impressions = TallySpec { cluster: ClusterBy::Impression, ..TallySpec::default() };
    assert!(matches!(whole.tally(&impressions), Err(Error::UnmergeableClusters { .. })));
}

/// A bias that begins on the thirty-fifth day, seen by charts that are fed with the replay's days: in the
/// ratio and in the treatment, and not first in what the same requests would have had in the order of time.
#[test]
fn charts_of_steps_see_a_policy_change() {
    let mut config = SimulationConfig::preset(Preset::Everyday);
    (config.world.viewers, config.days, config.slate) = (60, 48, 6);
    config.arms.retain(|arm| arm.name == "treatment");
    config.arms[0].policy = PolicyConfig {
        biases: vec![Bias { from_day: Some(34.0), ..Bias::topic("sport", 4.0) }],
        ..PolicyConfig::of(Ranker::Random)
    };
    let simulation = Simulation::new(&config).unwrap();
    let spec = spec_for(&simulation);
    let steps = StepSpec {
        tally: TallySpec { cluster: ClusterBy::Slate, ..TallySpec::default() },
        by: WindowBy::days(1),
    };
    let charted =
        ChangeSpec { in_control: InControl::WarmUp { periods: 30 }, ..ChangeSpec::default() };
    let mut monitor = ChangeMonitor::new("sport", "treatment", "replayed", charted).unwrap();
    for step in steps_of(&simulation, &spec, &steps) {
        monitor.observe_as(&step.label, &step.tally).unwrap();
    }
    let reading = monitor.reading();
    assert_eq!(reading.periods.len(), 48);
    for chart in [&reading.ratio, &reading.treatment] {
        let alarm = &chart.alarms[0];
        assert!((35..=37).contains(&alarm.period) && alarm.shift == Shift::Up, "{alarm:?}");
        assert!((33..=35).contains(&alarm.since), "{alarm:?}");
    }
    // Nobody is offered again what he was shown, so among candidates the topic gets scarcer, later on.
    let first = reading.treatment.alarms[0].period;
    let scarcer = |alarm: &Alarm| alarm.period > first && alarm.shift == Shift::Down;
    assert!(reading.baseline.alarms.iter().all(scarcer), "{:?}", reading.baseline);
}
