//! Replays of sources: as in memory, bit for bit, whatever the memory, the batches, the order of rows
//! within what is allowed, and the threads; and what is not allowed.

use std::collections::BTreeMap;

use tiltmeter::log::{
    Batch, Column, LogSchema, LogSource, Role, TextColumn, TimeFormat, TopicColumn,
};
use tiltmeter::policy::{
    Affinity, Bias, Policy, PolicyConfig, Popularity, Ranker, ReverseChronological,
};
use tiltmeter::replay::{
    CandidateKey, CandidateSets, Feedback, Replay, ReplayDone, ReplayRun, ReplaySpec, Round,
};
use tiltmeter::simulate::{Simulation, SimulationConfig};
use tiltmeter::tally::{StratifyBy, TallySpec};
use tiltmeter::{Attention, ClusterBy, Error, ExposureLog};

use super::{ROUND, both, config, id, replay, spec_for};

/// Text in batches of any size.
#[derive(Clone, Debug)]
struct Rows {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    selected: Vec<usize>,
    at: usize,
    size: usize,
}

impl LogSource for Rows {
    fn name(&self) -> &str {
        "rows"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let rows = &self.rows[self.at..self.rows.len().min(self.at.saturating_add(self.size))];
        self.at += rows.len();
        let column = |column: &usize| {
            Column::Text(rows.iter().map(|row| Some(row[*column].as_str())).collect::<TextColumn>())
        };
        let columns = self.selected.iter().map(column).collect();
        Ok((!rows.is_empty()).then_some(Batch { columns, unreadable: Vec::new() }))
    }
}

fn topics_of(log: &ExposureLog, row: usize) -> String {
    let topics = log.topics().unwrap();
    let names = topics.of_row(row).iter().map(|code| topics.labels().id(*code).unwrap());
    names.collect::<Vec<_>>().join("|")
}

impl Rows {
    fn new(names: &[&str], rows: Vec<Vec<String>>) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { names, rows, selected: Vec::new(), at: 0, size: usize::MAX }
    }

    fn of_log(log: &ExposureLog) -> Self {
        let names = ["viewer", "arm", "slate", "item", "position", "time", "topics", "liked"];
        let ids = [Role::Viewer, Role::Arm, Role::Slate, Role::Item];
        let row = |row: usize| {
            let mut cells = ids.map(|role| id(log, role, row).to_owned()).to_vec();
            cells.push(log.positions().unwrap()[row].to_string());
            cells.push(log.times().unwrap()[row].to_string());
            cells.push(topics_of(log, row));
            cells.push(log.numbers(Role::Engagement).unwrap()[row].to_string());
            cells
        };
        Self::new(&names, (0..log.rows()).map(row).collect())
    }

    fn of_table(table: &ExposureLog) -> Self {
        let names = ["slate", "item", "time", "topics", "affinity", "creator"];
        let row = |row: usize| {
            vec![
                id(table, Role::Slate, row).to_owned(),
                id(table, Role::Item, row).to_owned(),
                table.times().unwrap()[row].to_string(),
                topics_of(table, row),
                table.numbers(Role::Weight).unwrap()[row].to_string(),
                table.column("creator").unwrap().id(row).unwrap().to_owned(),
            ]
        };
        Self::new(&names, (0..table.rows()).map(row).collect())
    }

    fn in_batches_of(&self, size: usize) -> Self {
        Self { size, ..self.clone() }
    }

    /// Sorted by time, slate and position.
    fn in_order_of_time(mut self) -> Self {
        self.rows.sort_by_key(|row| {
            (row[5].parse::<i64>().unwrap(), row[2].clone(), row[4].parse::<u32>().unwrap())
        });
        self
    }

    /// The candidates in the order in which a log first has their slates.
    fn in_order_of(mut self, log: &Self) -> Self {
        let mut place: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &log.rows {
            let next = place.len();
            place.entry(row[2].as_str()).or_insert(next);
        }
        self.rows.sort_by_key(|row| place.get(row[0].as_str()).copied());
        self
    }
}

fn schemas() -> (LogSchema, LogSchema) {
    let schema = LogSchema::new()
        .slate("slate")
        .item("item")
        .time("time", TimeFormat::EpochMicroseconds)
        .topics(TopicColumn::separated("topics", '|'));
    let log = schema.clone().viewer("viewer").arm("arm").position("position").engagement("liked");
    (log, schema.weight("affinity").column("creator"))
}

fn run(spec: &ReplaySpec, policy: &mut dyn Policy, log: &Rows, table: &Rows) -> ReplayDone {
    try_run(spec, policy, log, table).unwrap()
}

fn try_run(
    spec: &ReplaySpec,
    policy: &mut dyn Policy,
    log: &Rows,
    table: &Rows,
) -> Result<ReplayDone, Error> {
    let (log_schema, table_schema) = schemas();
    let (log, table) = ((log.clone(), &log_schema), (table.clone(), &table_schema));
    Replay::new(spec, policy)?.run(log, table, &tally_spec())
}

fn tally_spec() -> TallySpec {
    let attentions = vec![Attention::Logarithmic, Attention::Uniform];
    TallySpec { attentions, ..TallySpec::default() }
}

/// Policies with all that may depend on order: numbers of items and viewers, draws, and what is learned.
fn policies() -> Vec<(PolicyConfig, Feedback, Round)> {
    let biased = PolicyConfig {
        biases: vec![Bias::topic("conflict", 2.0), Bias::creators([3, 5], 4.0)],
        ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
    };
    let popular = || PolicyConfig::of(Ranker::Popularity(Popularity::default()));
    let factors = PolicyConfig::of(Ranker::Factors(Default::default()));
    vec![
        (PolicyConfig::of(Ranker::ReverseChronological), Feedback::None, Round::Requests(1)),
        (biased, Feedback::None, Round::Requests(1)),
        (popular(), Feedback::FromLogged, Round::Every(5 * ROUND)),
        (popular(), Feedback::FromMatches, Round::Requests(7)),
        (factors, Feedback::FromLogged, Round::Requests(20)),
    ]
}

/// Straight from the simulation, whose rows interleave within rounds: in memory and with memory for one
/// round or for all, on one thread and on three.
#[test]
fn sources_give_what_memory_gives() {
    let config = SimulationConfig { design: Default::default(), ..config() };
    let simulation = Simulation::new(&config).unwrap();
    let (log, pools) = both(&simulation);
    let (log_schema, table_schema) = (simulation.schema().unwrap(), simulation.candidates_schema());
    let clusters = [ClusterBy::Viewer, ClusterBy::Slate, ClusterBy::column("day")];
    for (at, (policy, feedback, round)) in policies().into_iter().enumerate() {
        let mut spec = spec_for(&simulation);
        (spec.feedback, spec.round) = (feedback, round);
        spec.creators = (0..50).map(|creator| creator.to_string()).collect();
        let build = |spec: &ReplaySpec| spec.build(&policy, 1_704_067_200_000_000).unwrap();
        let tally = TallySpec {
            cluster: clusters[at % 3].clone(),
            strata: StratifyBy::Stratum,
            ..tally_spec()
        };
        let whole = replay(&spec, &mut *build(&spec), (&log, &pools));
        let expected = whole.tally(&tally).unwrap();
        for (memory, threads) in [(0, 1), (300_000, 3), (256 << 20, 2)] {
            spec.memory = memory;
            let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let done = threads.install(|| {
                let sources = (
                    (simulation.source().unwrap(), &log_schema),
                    (simulation.candidates().unwrap(), &table_schema),
                );
                let mut policy = build(&spec);
                let replay = Replay::new(&spec, &mut *policy).unwrap();
                replay.run(sources.0, sources.1, &tally).unwrap()
            });
            assert_eq!(done.tally, expected, "policy {at}, memory {memory}");
            assert_eq!(done.run.account, whole.account);
            let ReplayRun { log: of_log, candidates, unclaimed, .. } = done.run;
            assert_eq!((of_log.rows_read, unclaimed), (log.rows() as u64, 0));
            assert_eq!(candidates.rows_read, pools.candidates().rows() as u64);
        }
        let mut policy = build(&spec);
        let replay = Replay::new(&spec, &mut *policy).unwrap();
        let among = replay.run_among((simulation.source().unwrap(), &log_schema), &pools, &tally);
        assert_eq!(among.unwrap().tally, expected);
    }
}

/// In batches of any number of rows, sorted by time or interleaved within a disorder, with slates without
/// candidates, candidates of nobody, and pools that batches cut.
#[test]
fn batches_and_gaps_do_not_matter() {
    let simulation = Simulation::new(&config()).unwrap();
    let (log, pools) = both(&simulation);
    let sorted = Rows::of_log(&log).in_order_of_time();
    let mut table = Rows::of_table(pools.candidates());
    let hash = |slate: &str| slate.bytes().map(u64::from).sum::<u64>() % 7;
    table.rows.retain(|row| hash(&row[0]) != 3);
    let mut spec = spec_for(&simulation);
    spec.candidates.leaning = None;
    spec.candidates.quality = None;
    spec.disorder = 0;
    let mut kept = sorted.clone();
    kept.rows.retain(|row| hash(&row[2]) != 5);
    let table = table.in_order_of(&sorted);

    let (log_schema, table_schema) = schemas();
    let log = ExposureLog::read(kept.clone(), &log_schema).unwrap();
    let in_memory = ExposureLog::read(table.clone(), &table_schema).unwrap();
    let pools = CandidateSets::new(in_memory, CandidateKey::Slate).unwrap();
    for (config, feedback, round) in policies() {
        (spec.feedback, spec.round) = (feedback, round);
        let build = |spec: &ReplaySpec| spec.build(&config, 0).unwrap();
        let whole = replay(&spec, &mut *build(&spec), (&log, &pools));
        let expected = whole.tally(&tally_spec()).unwrap();
        assert!(whole.account.without_candidates > 10);
        for (log_batch, table_batch, memory) in
            [(1, 37, 0), (50, 1_000, 0), (7, 5_000, 1 << 20), (100_000, 100_000, 256 << 20)]
        {
            spec.memory = memory;
            let (log, table) = (kept.in_batches_of(log_batch), table.in_batches_of(table_batch));
            let done = run(&spec, &mut *build(&spec), &log, &table);
            assert_eq!(done.tally, expected, "{log_batch} {table_batch} {memory}");
            assert_eq!(done.run.account, whole.account);
            assert!(done.run.unclaimed > 10);
        }
        // Rows of neighbouring slates interleaved, as far as an hour.
        let mut mixed = kept.clone();
        let hour = 3_600_000_000;
        mixed.rows.sort_by_key(|row| {
            let scatter = i64::from(row[3].bytes().map(u32::from).sum::<u32>() % 60) * hour / 60;
            row[5].parse::<i64>().unwrap() + scatter
        });
        assert_ne!(mixed.rows, kept.rows);
        let reordered = table.clone().in_order_of(&mixed).in_batches_of(500);
        // Those of nobody stand first now, where any order of theirs would do.
        let mut loose = spec.clone();
        (loose.disorder, loose.memory) = (hour, 0);
        let done = run(&loose, &mut *build(&spec), &mixed.in_batches_of(40), &reordered);
        assert_eq!(done.tally, expected);
        assert_eq!(done.run.account, whole.account);
    }
}

/// A small log of three slates, sorted, and its candidates.
fn small() -> (Rows, Rows) {
    let row = |slate: &str, item: &str, rank: &str, time: &str| {
        let cells = ["ada", "ranked", slate, item, rank, time, "war", "1"];
        cells.map(str::to_owned).to_vec()
    };
    let rows = vec![
        row("r1", "a", "1", "100"),
        row("r1", "b", "2", "100"),
        row("r2", "a", "1", "200"),
        row("r3", "b", "1", "300"),
    ];
    let names = ["viewer", "arm", "slate", "item", "position", "time", "topics", "liked"];
    let candidate = |slate: &str, item: &str| {
        [slate, item, "10", "war", "0.5", "x"].map(str::to_owned).to_vec()
    };
    let table = vec![
        candidate("r1", "a"),
        candidate("r1", "b"),
        candidate("r2", "a"),
        candidate("r2", "c"),
        candidate("r3", "c"),
    ];
    let table_names = ["slate", "item", "time", "topics", "affinity", "creator"];
    (Rows::new(&names, rows), Rows::new(&table_names, table))
}

/// What is out of order is refused, with the row and its time or slate.
#[test]
fn disorder_is_refused() {
    let spec = ReplaySpec::of("ranked", "newest");
    let fails = |spec: &ReplaySpec, log: &Rows, table: &Rows| {
        [1, 100].map(|size| {
            let (log, table) = (log.in_batches_of(size), table.in_batches_of(size));
            let mut spec = spec.clone();
            spec.memory = 0;
            try_run(&spec, &mut ReverseChronological, &log, &table)
                .map(|done| done.run)
                .unwrap_err()
        })
    };
    let (log, table) = small();
    assert_eq!(run(&spec, &mut ReverseChronological, &log, &table).run.account.requests, 3);

    let mut swapped = log.clone();
    swapped.rows.swap(1, 2);
    for error in fails(&spec, &swapped, &table) {
        let Error::OutOfOrder { file, row, time, disorder, .. } = &error else { panic!("{error}") };
        assert_eq!((file.as_str(), *row, *disorder), ("rows", 3, 0));
        assert!(time.contains("00:00:00.0001"), "{time}");
    }
    let mut loose = spec.clone();
    loose.disorder = 100;
    assert!(try_run(&loose, &mut ReverseChronological, &swapped, &table).is_ok());
    loose.disorder = 99;
    assert!(try_run(&loose, &mut ReverseChronological, &swapped, &table).is_err());

    // A slate whose rows are of two times.
    let mut torn = log.clone();
    torn.rows[1][5] = "150".to_owned();
    for error in fails(&spec, &torn, &table) {
        assert!(matches!(error, Error::OutOfOrder { row: 2, .. }), "{error}");
        assert!(error.to_string().contains("r1"), "{error}");
    }

    // A row of a slate that was complete.
    let mut late = log.clone();
    late.rows[3][2] = "r1".to_owned();
    for error in fails(&spec, &late, &table) {
        assert!(matches!(error, Error::OutOfOrder { row: 4, .. }), "{error}");
    }

    let mut crossed = table.clone();
    crossed.rows.rotate_left(2);
    for error in fails(&spec, &log, &crossed) {
        let Error::CandidatesOutOfOrder { slate, row, .. } = &error else { panic!("{error}") };
        assert_eq!((slate.as_str(), *row), ("r1", 4));
    }
    let mut torn = table.clone();
    torn.rows.swap(1, 2);
    let mut together = spec.clone();
    together.memory = 1 << 20;
    let error = try_run(&together, &mut ReverseChronological, &log, &torn).unwrap_err();
    let Error::CandidatesOutOfOrder { slate, row, .. } = &error else { panic!("{error}") };
    assert_eq!((slate.as_str(), *row), ("r1", 3));
}

/// Faults of values name the row of the source; roles that are missing and arms that are not there are
/// told; a repeated candidate is.
#[test]
fn faults_name_their_rows() {
    let (log, table) = small();
    let mut spec = ReplaySpec::of("ranked", "newest");
    spec.candidates.affinity = Some(tiltmeter::replay::NumberColumn::Named("creator".to_owned()));
    let mut numbers = table.clone();
    numbers.rows.iter_mut().for_each(|row| row[5] = "1".to_owned());
    numbers.rows[3][5] = "many".to_owned();
    for size in [1, 3, 100] {
        let (log, table) = (log.in_batches_of(size), numbers.in_batches_of(size));
        let mut spec = spec.clone();
        spec.memory = 0;
        let error = try_run(&spec, &mut ReverseChronological, &log, &table).unwrap_err();
        let Error::Row(fault) = &error else { panic!("{error}") };
        assert_eq!((fault.row, fault.value.as_str()), (4, "many"));
    }
    spec.candidates.affinity = None;
    let mut twice = table.clone();
    twice.rows[3][1] = "a".to_owned();
    let error = try_run(&spec, &mut ReverseChronological, &log, &twice).unwrap_err();
    assert!(matches!(error, Error::RepeatedCandidate { .. }), "{error}");
    let other = ReplaySpec::of("nobody", "newest");
    let error = try_run(&other, &mut ReverseChronological, &log, &table).unwrap_err();
    assert!(matches!(error, Error::UnknownArm { .. }), "{error}");
    let mut nothing = table.clone();
    nothing.rows.iter_mut().for_each(|row| row[0] = "elsewhere".to_owned() + &row[1]);
    nothing.rows.truncate(2);
    let error = try_run(&spec, &mut ReverseChronological, &log, &nothing).unwrap_err();
    assert!(matches!(error, Error::EmptyLog { set_aside: 3, .. }), "{error}");
    let (schema, table_schema) = schemas();
    let no_slates = LogSchema::new().arm("arm").viewer("viewer");
    for schema in [&no_slates, &schema.clone()] {
        let mut newest = ReverseChronological;
        let replay = Replay::new(&spec, &mut newest).unwrap();
        let bare = LogSchema::new().item("item");
        let table_schema = if schema == &no_slates { &table_schema } else { &bare };
        let error = replay
            .run((log.clone(), schema), (table.clone(), table_schema), &TallySpec::default())
            .unwrap_err();
        assert!(matches!(error, Error::MissingRole { .. } | Error::Candidates { .. }), "{error}");
    }
}
