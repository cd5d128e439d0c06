//! Audits the log shipped in `data/`: 20,000 fashion recommendations of the Open Bandit Dataset,
//! a learning policy against a random one.
//!
//! ```text
//! cargo run --example audit              # the shipped log
//! cargo run --example audit -- --json    # the same as JSON
//! ```

use std::path::Path;
use std::process::ExitCode;

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::{Audit, Baseline, ClusterBy, Error, ExposureLog};

fn main() -> ExitCode {
    let json = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => {
            eprintln!("usage: audit [--json]");
            return ExitCode::from(2);
        }
    };
    match audit() {
        Ok(report) if json => match report.to_json() {
            Ok(text) => println!("{text}"),
            Err(error) => return fail(&error),
        },
        Ok(report) => print!("{report}"),
        Err(error) => return fail(&error),
    }
    ExitCode::SUCCESS
}

fn fail(error: &Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn audit() -> Result<tiltmeter::AuditReport, Error> {
    let shipped = Path::new("data/open_bandit_small.csv.gz");
    let path = match shipped.exists() {
        true => shipped.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join(shipped),
    };
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("topic"))
        .engagement("click")
        .propensity("propensity")
        .column("hour")
        .column("campaign");
    let log = ExposureLog::open(path, &schema)?;

    // The publisher hashed topics and items anew for each campaign, so only one may be taken.
    let campaigns = log.column("campaign")?.clone();
    let log = log.restrict(|row| campaigns.id(row) == Some("all"))?;

    // There is no viewer id. Both policies ran side by side every hour: hours are the clusters.
    Audit::of(&log)
        .treatment("bts")
        .baseline(Baseline::arm("random"))
        .cluster(ClusterBy::column("hour"))
        .run()
}
