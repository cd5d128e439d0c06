//! The same log, tallied by DuckDB and here, gives the same table bit for bit.
//!
//! DuckDB is run through its Python package (`tests/golden/requirements-duckdb.txt`), by the
//! Python that `TILTMETER_PYTHON` names, or `python3`.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::tally::{Dialect, SqlLog, StratifyBy, Tally, TallySpec, WindowBy};
use tiltmeter::{Attention, Error, ExposureLog, MultiLabel};

use crate::shared;
use crate::sql::logs::{cases, csv, log, rows};

const SCRIPT: &str = "
import duckdb, sys
connection = duckdb.connect()
connection.execute(\"SET TimeZone = 'UTC'\")
for path in sys.argv[1:]:
    connection.execute(open(path, encoding='utf-8').read())
";

/// A Python that has DuckDB; none is said on standard error.
fn python() -> Option<String> {
    let python = std::env::var("TILTMETER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import duckdb"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let message = format!(
        "\nNOT TESTED: {python} has no duckdb (pip install -r tests/golden/requirements-duckdb.txt, \
         and name the Python in TILTMETER_PYTHON); the test passes without it\n"
    );
    // The macros would be captured; losing the message is no reason to fail.
    let _ = std::io::stderr().write_all(message.as_bytes());
    None
}

/// A query to run, and the file that its table goes to.
struct Job {
    spec: TallySpec,
    query: String,
}

fn job(spec: TallySpec, log: &SqlLog<'_>) -> Job {
    let query = spec.sql(Dialect::DuckDb, log).unwrap();
    Job { spec, query }
}

fn run(python: &str, folder: &Path, jobs: &[Job], options: &str) {
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]);
    for (number, job) in jobs.iter().enumerate() {
        let table = folder.join(format!("{number}.parquet"));
        let copy =
            format!("COPY (\n{}\n) TO '{}' (FORMAT parquet{options})", job.query, table.display());
        let path = folder.join(format!("{number}.sql"));
        std::fs::write(&path, copy).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn imported(folder: &Path, number: usize, job: &Job) -> Result<Tally, Error> {
    Tally::import_as(folder.join(format!("{number}.parquet")), &job.spec)
}

fn csv_query(path: &Path) -> String {
    format!("SELECT * FROM read_csv('{}', all_varchar = true)", path.display())
}

#[test]
fn generated_logs() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = csv(&rows(4_000, 300));
    let path = folder.path().join("log.csv");
    std::fs::write(&path, &text).unwrap();
    let cases = cases();
    let query = csv_query(&path);
    let jobs: Vec<Job> = cases
        .iter()
        .map(|(schema, spec)| job(spec.clone(), &SqlLog::query(&query, schema).deepest_rank(60)))
        .collect();
    run(&python, folder.path(), &jobs, "");
    for (number, ((schema, spec), job)) in cases.iter().zip(&jobs).enumerate() {
        let expected = Tally::of(&log(&text, schema), spec).unwrap();
        let tally = imported(folder.path(), number, job).unwrap();
        assert_eq!(tally.axes(), expected.axes(), "{spec:?}");
        assert_eq!(tally.totals(), expected.totals(), "{spec:?}");
        assert!(tally == expected, "{spec:?}");
    }
}

/// Columns of numbers, booleans and timestamps in a Parquet file, and the metadata written by
/// DuckDB too.
#[test]
fn typed_columns_and_metadata() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let make = format!(
        "COPY (SELECT (i * 7919) % 97 AS who, i % 3 = 0 AS arm, i % 40 + 1 AS rank, \
         CAST(i AS FLOAT) / 3 AS dwell, TIMESTAMP '2024-01-01' + INTERVAL (i * 977) MINUTE AS at, \
         i % 5 AS about FROM range(3000) AS numbers (i)) TO '{}' (FORMAT parquet)",
        path.display()
    );
    std::fs::write(folder.path().join("make.sql"), make).unwrap();
    let output =
        Command::new(&python).args(["-c", SCRIPT]).arg(folder.path().join("make.sql")).output();
    assert!(output.unwrap().status.success());
    let schema = LogSchema::new()
        .viewer("who")
        .arm("arm")
        .position("rank")
        .weight("dwell")
        .time("at", TimeFormat::Iso)
        .topics(TopicColumn::single("about"));
    let spec = TallySpec {
        attentions: vec![Attention::Reciprocal],
        windows: WindowBy::days(30),
        ..TallySpec::default()
    };
    let query = format!("SELECT * FROM read_parquet('{}')", path.display());
    let jobs = [job(spec.clone(), &SqlLog::query(query, &schema))];
    let metadata = spec.table_metadata().into_iter();
    let metadata: Vec<String> =
        metadata.map(|(key, value)| format!("'{key}': '{}'", value.replace('\'', "''"))).collect();
    let options = format!(", KV_METADATA {{{}}}", metadata.join(", "));
    run(&python, folder.path(), &jobs, &options);
    let expected = Tally::of(&ExposureLog::open(&path, &schema).unwrap(), &spec).unwrap();
    assert!(Tally::import(folder.path().join("0.parquet")).unwrap() == expected);
}

/// A row that breaks a rule of the log makes a table that is refused.
#[test]
fn broken_rows_are_refused() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let schema = LogSchema::new()
        .viewer("who")
        .arm("arm")
        .position("rank")
        .weight("dwell")
        .time("at", TimeFormat::EpochSeconds);
    let spec = TallySpec {
        attentions: vec![Attention::Reciprocal],
        windows: WindowBy::days(1),
        ..TallySpec::default()
    };
    let broken = [
        ("7,x,1,1,0", None),
        ("7,x,11,1,0", Some("mass_0")),
        ("7,x,1.5,1,0", Some("mass_0")),
        ("7,x,1,-1,0", Some("mass_0")),
        ("7,x,1,nan,0", Some("mass_0")),
        ("7,x,1,9000000,0", Some("mass_0")),
        ("7,x,1,,0", Some("mass_0")),
        (",x,1,1,0", Some("cluster")),
        ("7,,1,1,0", Some("arm")),
        ("7,x,1,1,", Some("window")),
        ("7,x,1,1,1e17", Some("window")),
    ];
    let job_of = |(number, (row, _)): (usize, &(&str, _))| {
        let path = folder.path().join(format!("{number}.csv"));
        std::fs::write(&path, format!("who,arm,rank,dwell,at\n7,x,1,1,0\n8,y,2,1,0\n{row}\n"))
            .unwrap();
        job(spec.clone(), &SqlLog::query(csv_query(&path), &schema).deepest_rank(10))
    };
    let jobs: Vec<Job> = broken.iter().enumerate().map(job_of).collect();
    run(&python, folder.path(), &jobs, "");
    for (number, ((row, expected), job)) in broken.iter().zip(&jobs).enumerate() {
        match (imported(folder.path(), number, job), expected) {
            (Ok(_), None) => {}
            (Err(Error::Table(fault)), Some(column)) => assert_eq!(fault.column, *column, "{row}"),
            (other, _) => panic!("{row}: {other:?}"),
        }
    }
}

/// Real logs, in CSV.gz, with the types that DuckDB finds in them.
#[test]
fn real_logs() {
    let Some(python) = python() else { return };
    let (Some(tiktok), Some(news)) =
        (shared::path("data/tiktok_politics.csv.gz"), shared::path("data/applenews.csv.gz"))
    else {
        return;
    };
    let topics = LogSchema::new()
        .arm("arm")
        .viewer("device")
        .position("position")
        .time("date", TimeFormat::Iso)
        .topics(TopicColumn::separated("topics", '|'))
        .column("state");
    let publishers = LogSchema::new()
        .arm("arm")
        .viewer("day")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("publisher"));
    let by_device = TallySpec {
        attentions: vec![Attention::Uniform, Attention::Logarithmic],
        multi_label: MultiLabel::Fractional,
        strata: StratifyBy::Column("state".into()),
        windows: WindowBy::weeks(),
        ..TallySpec::default()
    };
    let by_day = TallySpec { attentions: vec![Attention::Logarithmic], ..TallySpec::default() };
    let cases = [(tiktok, topics, by_device), (news, publishers, by_day)];
    let folder = tempfile::tempdir().unwrap();
    let jobs: Vec<Job> = cases
        .iter()
        .map(|(path, schema, spec)| {
            let query = format!("SELECT * FROM read_csv('{}')", path.display());
            // The deepest position of the TikTok log.
            job(spec.clone(), &SqlLog::query(query, schema).deepest_rank(1_439))
        })
        .collect();
    run(&python, folder.path(), &jobs, "");
    for (number, ((path, schema, spec), job)) in cases.iter().zip(&jobs).enumerate() {
        let expected = Tally::of(&ExposureLog::open(path, schema).unwrap(), spec).unwrap();
        let tally = imported(folder.path(), number, job).unwrap();
        assert!(tally == expected, "{}", path.display());
    }
}
