//! Replays of logs by policies: against plain loops, against simulations whose other policy is known, and
//! against themselves in other orders, chunks and threads.

mod by_hand;
mod learning;
mod monitors;
mod simulated;
mod streams;

use std::collections::BTreeMap;

use tiltmeter::ExposureLog;
use tiltmeter::log::{LogSchema, Role, TimeFormat, TopicColumn};
use tiltmeter::policy::Policy;
use tiltmeter::replay::{
    CandidateColumns, CandidateKey, CandidateSets, Replay, ReplaySpec, Replayed,
};
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
use tiltmeter::source::SliceSource;

/// Three hours in microseconds: the length of a simulation's round.
const ROUND: i64 = 3 * 3_600_000_000;

/// A small feed.
fn config() -> SimulationConfig {
    let mut config = SimulationConfig::preset(Preset::Conflict);
    (config.world.viewers, config.days) = (60, 3);
    config.slate = 6;
    config
}

/// The log of a simulation and its candidates.
fn both(simulation: &Simulation) -> (ExposureLog, CandidateSets) {
    let table =
        ExposureLog::read(simulation.candidates().unwrap(), &simulation.candidates_schema());
    (simulation.log().unwrap(), CandidateSets::new(table.unwrap(), CandidateKey::Slate).unwrap())
}

/// A replay of a simulation's treatment.
fn spec_for(simulation: &Simulation) -> ReplaySpec {
    let mut spec = ReplaySpec::of("treatment", "replayed");
    spec.candidates = CandidateColumns::of_simulation();
    spec.topic_sets = Some(simulation.catalogue().topic_sets().clone());
    spec.disorder = ROUND;
    spec
}

fn replay(
    spec: &ReplaySpec,
    policy: &mut dyn Policy,
    (log, pools): (&ExposureLog, &CandidateSets),
) -> Replayed {
    Replay::new(spec, policy).unwrap().log(log, pools).unwrap()
}

fn id(log: &ExposureLog, role: Role, row: usize) -> &str {
    log.ids(role).unwrap().id(row).unwrap()
}

/// By slate of an arm, its items by position.
fn slates(log: &ExposureLog, arm: &str) -> BTreeMap<String, Vec<(u32, String)>> {
    let mut slates: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
    for row in (0..log.rows()).filter(|row| log.arms().unwrap().id(*row) == Some(arm)) {
        let place = (log.positions().unwrap()[row], id(log, Role::Item, row).to_owned());
        slates.entry(id(log, Role::Slate, row).to_owned()).or_default().push(place);
    }
    slates.values_mut().for_each(|slate| slate.sort());
    slates
}

/// A row of a log: viewer, slate, item, position, seconds, topic, engagement.
type Row = (&'static str, &'static str, &'static str, i64, i64, &'static str, f64);

/// A log of the arm "ranked".
fn log_of(rows: &[Row]) -> SliceSource {
    SliceSource::new("rows")
        .text("who", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .text("feed", &vec!["ranked"; rows.len()])
        .text("request", &rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .text("post", &rows.iter().map(|row| row.2).collect::<Vec<_>>())
        .integer("rank", &rows.iter().map(|row| row.3).collect::<Vec<_>>())
        .integer("at", &rows.iter().map(|row| row.4).collect::<Vec<_>>())
        .text("about", &rows.iter().map(|row| row.5).collect::<Vec<_>>())
        .float("liked", &rows.iter().map(|row| row.6).collect::<Vec<_>>())
}

fn log_schema() -> LogSchema {
    LogSchema::new()
        .viewer("who")
        .arm("feed")
        .slate("request")
        .item("post")
        .position("rank")
        .time("at", TimeFormat::EpochSeconds)
        .topics(TopicColumn::single("about"))
        .engagement("liked")
}

/// A candidate: slate, item, seconds, topic, score.
type Candidate = (&'static str, &'static str, i64, &'static str, &'static str);

fn table_of(rows: &[Candidate]) -> SliceSource {
    SliceSource::new("table")
        .text("request", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .text("post", &rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .integer("born", &rows.iter().map(|row| row.2).collect::<Vec<_>>())
        .text("about", &rows.iter().map(|row| row.3).collect::<Vec<_>>())
        .text("score", &rows.iter().map(|row| row.4).collect::<Vec<_>>())
}

fn table_schema() -> LogSchema {
    LogSchema::new()
        .slate("request")
        .item("post")
        .time("born", TimeFormat::EpochSeconds)
        .topics(TopicColumn::single("about"))
        .column("score")
}

fn pools_of(rows: &[Candidate]) -> CandidateSets {
    let table = ExposureLog::read(table_of(rows), &table_schema()).unwrap();
    CandidateSets::new(table, CandidateKey::Slate).unwrap()
}
