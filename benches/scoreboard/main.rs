//! How much quicker than other ways, in one run of some two minutes; with other libraries' times from
//! text, of some four.
//!
//! ```text
//! cargo run --release -p tiltmeter-benches --bin scoreboard                       # a table
//! cargo run --release -p tiltmeter-benches --bin scoreboard -- --json             # name: number
//! cargo run --release -p tiltmeter-benches --bin scoreboard -- --peers PYTHON     # Python's libraries too
//! cargo run --release -p tiltmeter-benches --bin scoreboard -- --rows 100000      # to see whether it works
//! ```
//!
//! PYTHON is an interpreter that has what `benches/peers/requirements.txt` lists: numpy, DuckDB, and
//! polars with its streaming engine, which is several times as quick as the `group_by` of polars in
//! this process. Where it is there, the ratios to polars are to the quicker of the two.
//!
//! The log is made up: 10,000,000 impressions of 100,000 viewers, who are each in one of two arms,
//! with 50 topics by Zipf's law, in any order. A ratio `x_vs_y` is y's wall-clock time through
//! ours, each the best of several runs that take turns, all on all cores. Nanoseconds per
//! impression are CPU time of one thread. `benches/README.md` says what each contender does.

mod clock;
mod contests;
mod peers;
#[path = "../workload/mod.rs"]
#[allow(dead_code, reason = "the benches use the rest")]
mod workload;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One number of the board.
struct Line {
    name: &'static str,
    value: f64,
    /// What it was made of.
    about: String,
}

/// How much quicker the library is than other ways.
#[derive(Parser)]
struct Options {
    /// Prints name: number.
    #[arg(long)]
    json: bool,
    /// The size of the log.
    #[arg(long, default_value = "10000000")]
    rows: NonZeroUsize,
    /// A Python that has what `benches/peers/requirements.txt` lists, whose libraries are timed too.
    #[arg(long, value_name = "PYTHON")]
    peers: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match board(&options) {
        Ok(lines) if options.json => print_json(&lines),
        Ok(lines) => print_table(&lines),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn board(options: &Options) -> Result<Vec<Line>, Failure> {
    let began = Instant::now();
    let shape = workload::Shape::of(options.rows.get());
    if !options.json {
        println!(
            "{} impressions, {} viewers, {} topics, {} threads\n",
            shape.rows,
            shape.viewers,
            shape.topics,
            rayon::current_num_threads()
        );
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("log.parquet");
    let (mut lines, ours) = contests::all(shape, &file)?;
    if let Some(python) = &options.peers {
        peers::contest(python, &file, &ours, began, &mut lines)?;
        peers::text(python, &file, &ours, &mut lines)?;
    }
    Ok(lines)
}

fn print_json(lines: &[Line]) {
    let numbers: serde_json::Map<String, serde_json::Value> =
        lines.iter().map(|line| (line.name.to_owned(), line.value.into())).collect();
    println!("{}", serde_json::Value::from(numbers));
}

fn print_table(lines: &[Line]) {
    for line in lines {
        println!("{:<37} {:>8.3}  {}", line.name, line.value, line.about);
    }
}
