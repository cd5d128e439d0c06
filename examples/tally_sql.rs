//! Prints the query that tallies a log inside an SQL engine, and what to do with its answer.
//!
//! ```text
//! cargo run --example tally_sql                # DuckDB, over the log shipped in `data/`
//! cargo run --example tally_sql -- snowflake   # another engine, over a table "impressions"
//! ```
//!
//! The query goes to standard output, the rest to standard error.

use std::process::ExitCode;

use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::tally::{Dialect, SqlLog, TallySpec};
use tiltmeter::{Attention, ClusterBy, Error};

fn main() -> ExitCode {
    let named = std::env::args().nth(1).unwrap_or_else(|| Dialect::DuckDb.to_string());
    let mut dialects = Dialect::ALL.into_iter();
    let Some(dialect) = dialects.find(|its| its.to_string().eq_ignore_ascii_case(&named)) else {
        let known = Dialect::ALL.map(|dialect| dialect.to_string().to_lowercase());
        eprintln!("usage: tally_sql [{}]", known.join("|"));
        return ExitCode::from(2);
    };
    match query(dialect) {
        Ok(query) => print!("{query}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    eprintln!(
        "\nRun it, write its answer to a Parquet file, and go on from there:\n\n    \
         let tally = Tally::import_as(\"tally.parquet\", &spec)?;\n"
    );
    if dialect == Dialect::DuckDb {
        eprintln!("In DuckDB: COPY (the query) TO 'tally.parquet' (FORMAT parquet)");
    }
    ExitCode::SUCCESS
}

fn query(dialect: Dialect) -> Result<String, Error> {
    let schema = LogSchema::new()
        .arm("arm")
        .position("position")
        .topics(TopicColumn::single("topic"))
        .column("hour");
    // There is no viewer id. Both policies ran side by side every hour: hours are the clusters.
    let spec = TallySpec {
        cluster: ClusterBy::column("hour"),
        attentions: vec![Attention::Uniform, Attention::Logarithmic],
        ..TallySpec::default()
    };
    let log = match dialect {
        Dialect::DuckDb => SqlLog::query(
            "SELECT * FROM read_csv('data/open_bandit_small.csv.gz', all_varchar = true) \
             WHERE campaign = 'all'",
            &schema,
        ),
        _ => SqlLog::table(["impressions"], &schema),
    };
    // Three items were shown at a time.
    spec.sql(dialect, &log.deepest_rank(3))
}
