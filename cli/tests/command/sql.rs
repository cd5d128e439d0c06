//! Logs that are queries: what they give where they are compiled in, and what is said where not.

use crate::support::run;

fn case(name: &str) -> String {
    format!("{}/../tests/cases/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn asked<'a>(log: &'a str, table: &'a str, query: &'a str) -> Vec<&'a str> {
    vec![
        "audit",
        log,
        "--table",
        table,
        "--sql",
        query,
        "--arm",
        "arm",
        "--treatment",
        "ranked",
        "--baseline",
        "newest",
        "--topic",
        "topic",
        "--viewer",
        "viewer",
        "--only",
        "war",
        "--interval",
        "delta",
    ]
}

/// The cases' README: 58 of 120 against 34 of 120, and the interval of the first version.
#[cfg(feature = "sql")]
#[test]
fn a_query_is_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    let (log, table) = (case("log_no_arm.csv"), format!("accounts={}", case("accounts.csv")));
    let query = "SELECT * FROM log JOIN accounts USING (viewer)";
    let asked = asked(&log, &table, query);
    let flags = ["--json", "--write-study", study.to_str().unwrap()];
    let report = run(asked.iter().chain(&flags)).json();
    let war = &report["estimates"][0];
    assert!((war["value"].as_f64().unwrap() - 58.0 / 34.0).abs() < 1e-12);
    assert!((war["low"].as_f64().unwrap() - 1.244).abs() < 5e-4);
    let said = war["estimand"]["kept"][0]["column"].as_str().unwrap();
    assert_eq!(said, format!("rows of the query {query}"));
    let again = run(["audit", "--study", study.to_str().unwrap(), "--json"]).json();
    assert_eq!(again["estimates"], report["estimates"]);
    let inspected = run(["inspect", &log, "--table", &table, "--sql", query]).ok();
    assert!(inspected.contains("arms, by rows: newest 120, ranked 120"), "{inspected}");
    let asked = self::asked(&log, &table, "SELECT * FROM nothing");
    let told = run(asked).failed(1);
    assert!(told.contains("\"log\"") && told.contains("\"accounts\""), "{told}");
}

#[cfg(not(feature = "sql"))]
#[test]
fn without_queries_it_is_said_how_to_have_them() {
    let (log, table) = (case("log_no_arm.csv"), format!("accounts={}", case("accounts.csv")));
    let told = run(asked(&log, &table, "SELECT * FROM log")).failed(1);
    assert!(told.contains("cargo install --path cli --features sql"), "{told}");
}
