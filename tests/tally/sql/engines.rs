//! The same by other engines, which are not at hand everywhere, and so on request only:
//!
//! ```text
//! export TILTMETER_SQL_CASES=$(mktemp -d)
//! cargo test --test tally sql::engines::write -- --ignored
//! python3 tests/golden/run_engines.py "$TILTMETER_SQL_CASES"
//! cargo test --test tally sql::engines::check -- --ignored
//! ```

use std::path::PathBuf;

use tiltmeter::tally::{Dialect, SqlLog, Tally};

use crate::sql::logs::{cases, csv, log, rows};

fn folder() -> PathBuf {
    std::env::var("TILTMETER_SQL_CASES").expect("the folder for cases").into()
}

fn text() -> String {
    csv(&rows(4_000, 300))
}

#[test]
#[ignore = "part of a run with other engines"]
fn write() {
    std::fs::write(folder().join("log.csv"), text()).unwrap();
    for dialect in Dialect::ALL {
        for (number, (schema, spec)) in cases().iter().enumerate() {
            let log = SqlLog::table(["log"], schema).deepest_rank(60);
            let query = spec.sql(dialect, &log).unwrap();
            let name = format!("{number}.{}.sql", dialect.to_string().to_lowercase());
            std::fs::write(folder().join(name), query).unwrap();
        }
    }
}

#[test]
#[ignore = "part of a run with other engines"]
fn check() {
    let cases = cases();
    let (mut compared, mut differing) = (0, Vec::new());
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "parquet") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (number, _) = name.split_once('.').unwrap();
        let (schema, spec) = &cases[number.parse::<usize>().unwrap()];
        let expected = Tally::of(&log(&text(), schema), spec).unwrap();
        match Tally::import_as(&path, spec) {
            Ok(tally) if tally == expected => {}
            Ok(_) => differing.push(format!("{name}: another tally")),
            Err(error) => differing.push(error.to_string()),
        }
        compared += 1;
    }
    assert!(differing.is_empty(), "{differing:#?}");
    println!("{compared} tables compared");
    assert!(compared > 0, "no tables; run tests/golden/run_engines.py");
}
