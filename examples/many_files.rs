//! A tally of files that need not fit into memory, by all cores and in a stated amount of it, which goes on
//! where it was when it is killed; and an audit of the tally.
//!
//! ```text
//! cargo run --release --example many_files              # the log shipped in `data/simulated`
//! cargo run --release --example many_files -- FOLDER    # Parquet files with viewer, arm and topics
//! ```

use std::ops::ControlFlow;
use std::time::Duration;

use tiltmeter::job::{TallyJob, log_files};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::tally::TallySpec;
use tiltmeter::{Audit, Error, Question};

fn main() -> Result<(), Error> {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/data/simulated/conflict.parquet");
    let path = std::env::args().nth(1).unwrap_or_else(|| shipped.to_owned());
    let schema =
        LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::separated("topics", '|'));

    let checkpoint = std::env::temp_dir().join("many_files.checkpoint");
    let done = TallyJob::new(log_files(path)?, schema, TallySpec::default())
        .memory(1 << 30)
        .checkpoint(&checkpoint, Duration::from_secs(5))
        .on_progress(|progress| {
            eprintln!("{} rows", progress.rows);
            // Breaking stops the job, and keeps what it has.
            ControlFlow::Continue(())
        })
        .run()?;

    let tally = &done.tally;
    println!("{} impressions of {} viewers", tally.impressions(), tally.clusters());
    // The tally is small and exact: any statistic and interval is computed from it, without the files.
    let audit = Question::between("treatment", "baseline");
    println!("{}", Audit::of_tally(tally, &audit).run()?);
    done.remove_checkpoint()
}
