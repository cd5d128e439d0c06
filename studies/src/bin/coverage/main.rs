//! How often intervals cover the truth, and how often tests reject it.
//!
//! ```text
//! cargo run --release -p tiltmeter-studies --bin coverage                       # the tables of the guide, in Markdown
//! cargo run --release -p tiltmeter-studies --bin coverage -- --thin             # the first of them
//! cargo run --release -p tiltmeter-studies --bin coverage -- --methods          # the others
//! cargo run --release -p tiltmeter-studies --bin coverage -- --quick --json     # a part of them, in some seconds
//! ```
//!
//! Each table is printed as soon as it is made, and in JSON each feed, one object a line.
//!
//! Feeds are made up from closed forms, so that the truth is known whatever the library says; every
//! method sees the same studies. Numbers are a pure function of the feed and the number of the study,
//! so that the tables are the same on any machine and number of threads.
//!
//! - **Thin and lopsided feeds** (`cells.rs`): shares near 0% and 100%, few clusters against many, sizes
//!   that go with the share, one cluster with half of an arm's mass, topics that few clusters show, arms
//!   that share all, some or one of their clusters, dwell times as weights, clusters that go two ways.
//!   Each says what the feed is like; the ratio and the difference are asked for, of reach or of pooled
//!   shares, and the two arms have the same expected share but where two are named.
//! - **Feeds by number, size and likeness of clusters** (`feed.rs`): 8, 20, 50 and 400 clusters in both
//!   arms together, nested in the arms or crossed with them, of 200 impressions each or of lognormal
//!   sizes with that mean; a topic with a share of 0.5%, 5% and 40% in the baseline, whose intraclass
//!   correlation within clusters is 0, 0.05 and 0.3 (beta-binomial). Intervals of a true ratio of 1.5;
//!   tests of a true ratio of 1.
//!
//! What is counted:
//!
//! - Coverage, at a nominal 95%, is the part of the intervals *with at least one end* that has the
//!   truth in it. Studies without an interval and intervals without ends are counted beside it, and so
//!   are intervals with one end.
//! - "Both ends" is what part of the studies in which both arms show the topic has an interval with two.
//! - The length is the median over intervals with two ends (of the logarithm, for ratios), over the
//!   length of an oracle's, which knows how the two shares vary over all studies and takes the normal
//!   quantile.
//! - The size of a test is how often it rejects at 5% where the ratio is 1; its coverage is the rest.
//!
//! The Monte Carlo standard error of a coverage of 95% is 0.7 points from 1,000 studies.

mod cells;
mod feed;
mod method;
mod numbers;
mod plan;
mod record;
mod rows;
mod study;
mod table;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Args, Parser};
use indicatif::{ProgressBar, ProgressStyle};

use self::feed::Feed;
use self::method::Method;
use self::plan::Plan;
use self::study::{Contrast, MadeUp, Studied};
use self::table::{Row, Subject};

type Failure = Box<dyn std::error::Error>;

/// How often intervals cover the truth, and how often tests reject it: the tables of the guide.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    part: Part,
    /// Prints each feed as JSON, one object a line.
    #[arg(long)]
    json: bool,
}

/// What is studied, where it is not all.
#[derive(Args)]
#[group(multiple = false)]
struct Part {
    /// Some studies of some feeds, in some seconds.
    #[arg(long)]
    quick: bool,
    /// Thin and lopsided feeds alone.
    #[arg(long)]
    thin: bool,
    /// Feeds by number, size and likeness of clusters alone.
    #[arg(long)]
    methods: bool,
}

impl Part {
    const fn plan(&self) -> Plan {
        match self {
            Self { quick: true, .. } => Plan::QUICK,
            Self { thin: true, .. } => Plan::THIN,
            Self { methods: true, .. } => Plan::METHODS,
            _ => Plan::FULL,
        }
    }
}

/// How rows are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Markdown,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let form = if options.json { Form::Json } else { Form::Markdown };
    if let Err(error) = run(&options.part.plan(), form) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(plan: &Plan, form: Form) -> Result<(), Failure> {
    let (cells, kinds) = (plan.cells(), plan.kinds());
    let studied = cells.len() + 2 * kinds.iter().map(Vec::len).sum::<usize>();
    let bar = ProgressBar::new(studied as u64 * u64::from(plan.studies));
    let style = "{bar:40} {human_pos} of {human_len} studies, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let study = |feed: &dyn MadeUp, subject: Subject, asked: &[(Contrast, Method)]| {
        let studied = Studied { asked, studies: plan.studies, replicates: plan.replicates };
        let records = studied.records(feed, || bar.inc(1))?;
        let row = |(&(contrast, method), record)| Row {
            subject: subject.clone(),
            contrast,
            method,
            record,
        };
        let rows: Vec<Row> = asked.iter().zip(records).map(row).collect();
        if form == Form::Json {
            bar.suspend(|| table::json(&rows).map(|lines| print!("{lines}")))?;
        }
        Ok::<_, Failure>(rows)
    };
    let show = |text: String| {
        if form == Form::Markdown && !text.is_empty() {
            bar.suspend(|| println!("{text}"));
        }
    };
    let mut thin = Vec::new();
    for cell in cells {
        thin.extend(study(&cell, Subject::Cell(cell.clone()), &cell.asked())?);
    }
    show(table::thin(&thin));
    let mut of_tests = Vec::new();
    for feeds in kinds {
        let mut of_intervals = Vec::new();
        for feed in feeds {
            let asked = |methods: &[Method]| {
                methods.iter().map(|&method| (Contrast::Ratio, method)).collect::<Vec<_>>()
            };
            let null = Feed { ratio: 1.0, ..feed };
            let subject = Subject::Feed(feed);
            of_intervals.extend(study(&feed, subject.clone(), &asked(&Method::INTERVALS))?);
            of_tests.extend(study(&null, subject, &asked(&Method::TESTS))?);
        }
        show(table::methods(&of_intervals));
    }
    show(table::tests(&of_tests));
    bar.finish_and_clear();
    Ok(())
}
