//! How often intervals cover the truth, and how often tests reject it.
//!
//! ```text
//! cargo run --release --example coverage                       # the published table, in Markdown
//! cargo run --release --example coverage -- --quick --json     # a part of it, in at most a minute
//! ```
//!
//! Feeds are made up (`feed.rs`): 8, 20, 50 and 400 clusters in both arms together, nested in the arms
//! or crossed with them, of 200 impressions each or of lognormal sizes with that mean; a topic with a
//! share of 0.5%, 5% and 40% in the baseline, whose intraclass correlation within clusters is 0, 0.05
//! and 0.3 (beta-binomial). Every method sees the same studies. Numbers are a pure function of the feed
//! and the number of the study, so that the table is the same on any machine and number of threads.
//!
//! - Coverage is of a true ratio of 1.5, by pooled amplification ratios, at a nominal 95%. It is the
//!   part of the studies with an interval whose interval has the truth in it; an end that is missing
//!   bounds nothing, so a one-sided interval is an interval. Studies without one are counted beside it.
//! - The mean length is that of the logarithm, `ln(high / low)`, over intervals with two ends.
//! - The size of a test is how often it rejects at 5% where the ratio is 1; its coverage is the rest.
//!
//! The Monte Carlo standard error of a coverage of 95% is 0.5 points from 2,000 studies and 1 point
//! from 500.

mod feed;
mod numbers;
mod plan;
mod study;
mod table;

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use self::feed::Feed;
use self::plan::Plan;
use self::study::{Method, records};
use self::table::Row;

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "usage: coverage [--quick] [--json]";

/// How rows are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Markdown,
}

fn main() -> ExitCode {
    let (mut plan, mut form) = (Plan::FULL, Form::Markdown);
    for word in std::env::args().skip(1) {
        match &*word {
            "--quick" => plan = Plan::QUICK,
            "--json" => form = Form::Json,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    match run(&plan, form) {
        Ok(text) => println!("{text}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(plan: &Plan, form: Form) -> Result<String, Failure> {
    let feeds = plan.feeds();
    // Those of coverage and those of tests.
    let studies: u64 = feeds.iter().map(|&(_, studies)| 2 * u64::from(studies)).sum();
    let bar = ProgressBar::new(studies);
    let style = "{bar:40} {human_pos} of {human_len} studies, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let mut rows = Vec::new();
    for (feed, studies) in feeds {
        let null = Feed { ratio: 1.0, ..feed };
        for (feed, methods) in [(feed, &Method::INTERVALS[..]), (null, &Method::TESTS[..])] {
            let records = records(&feed, methods, studies, plan.replicates, || bar.inc(1))?;
            let of_method = methods.iter().zip(&records);
            rows.extend(of_method.map(|(&method, record)| Row::new(method, &feed, record)));
        }
    }
    bar.finish_and_clear();
    Ok(match form {
        Form::Json => table::json(&rows)?,
        Form::Markdown => table::markdown(&rows),
    })
}
