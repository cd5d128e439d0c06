//! How much quicker than other ways, in one run of at most two minutes.
//!
//! ```text
//! cargo run --release --example scoreboard                       # a table
//! cargo run --release --example scoreboard -- --json             # name: number
//! cargo run --release --example scoreboard -- --peers PYTHON     # Python's libraries too
//! cargo run --release --example scoreboard -- --rows 100000      # to see whether it works
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
#[path = "../../benches/workload/mod.rs"]
#[allow(dead_code, reason = "the benches use the rest")]
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "usage: scoreboard [--json] [--rows N] [--peers PYTHON]";

/// One number of the board.
struct Line {
    name: &'static str,
    value: f64,
    /// What it was made of.
    about: String,
}

/// What was asked for.
struct Options {
    json: bool,
    rows: usize,
    python: Option<PathBuf>,
}

impl Options {
    fn of(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self { json: false, rows: 10_000_000, python: None };
        while let Some(word) = words.next() {
            match &*word {
                "--json" => options.json = true,
                "--rows" => options.rows = words.next()?.parse().ok().filter(|&rows| rows > 0)?,
                "--peers" => options.python = Some(words.next()?.into()),
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::of(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
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
    let shape = workload::Shape::of(options.rows);
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
    if let Some(python) = &options.python {
        peers::contest(python, &file, &ours, began, &mut lines)?;
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
