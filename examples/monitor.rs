//! Watches the log shipped in `data/` hour by hour, saves the monitor half way and goes on from the
//! file: a learning policy of the Open Bandit Dataset against a random one.
//!
//! ```text
//! cargo run --example monitor    # a line for each fourth hour
//! ```

use std::path::Path;

use tiltmeter::inference::{Monitor, MonitorSpec};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::tally::Tally;
use tiltmeter::{ClusterBy, Error, ExposureLog, Keep, Question};

/// Hours that are observed together.
const HOURS: usize = 4;

fn main() -> Result<(), Error> {
    let log = log()?;
    // There is no viewer id. Both policies ran side by side every hour: hours are the clusters, and
    // an hour is observed when it is over.
    let hours = log.column("hour")?.clone();
    let mut names: Vec<&str> = (0..log.rows()).filter_map(|row| hours.id(row)).collect();
    names.sort_unstable();
    names.dedup();

    let question =
        Question::between("bts", "random").topics(["c0"]).cluster(ClusterBy::column("hour"));
    let spec = MonitorSpec::of(&question, names.len() as u64)?;
    let tally = spec.tally.clone();
    let mut monitor = Monitor::new(spec)?;

    let path = std::env::temp_dir().join(format!("tiltmeter-{}.monitor", std::process::id()));
    let parts: Vec<&[&str]> = names.chunks(HOURS).collect();
    for (nth, part) in parts.iter().enumerate() {
        let shown =
            log.filter("some hours", |row| hours.id(row).is_some_and(|hour| part.contains(&hour)))?;
        let last = part[part.len() - 1];
        monitor.observe_as(last, &Tally::of(&shown, &tally)?)?;
        for reading in monitor.readings() {
            println!("{last}  {reading}");
        }
        if nth == parts.len() / 2 {
            monitor.save(&path)?;
            monitor = Monitor::open(&path)?;
            eprintln!("saved, and gone on from the file");
        }
    }
    // It stands in the folder for temporary files; if it cannot be deleted, it may stay.
    let _ = std::fs::remove_file(path);
    Ok(())
}

fn log() -> Result<ExposureLog, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/open_bandit_small.csv.gz");
    let schema = LogSchema::new()
        .arm("arm")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("topic"))
        .column("hour")
        .column("campaign");
    let log = ExposureLog::open(path, &schema)?;
    // The publisher hashed topics anew for each campaign, so only one may be taken.
    log.keep(&Keep::new("campaign", ["all"]))
}
