//! What would a random policy have earned and shown? Estimated from the log of a learning one in the Open
//! Bandit Dataset (`data/`), and checked against the random policy that ran beside it.
//!
//! ```text
//! cargo run --example off_policy
//! ```

use std::path::Path;

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::off_policy::{OffPolicy, RewardModel, Target};
use tiltmeter::{ClusterBy, Error, ExposureLog, Keep, Question};

fn main() -> Result<(), Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/open_bandit_small.csv.gz");
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

    // Items and topics are hashed anew for each campaign, so only one may be taken.
    let log = log.keep(&Keep::new("campaign", ["all"]))?;

    // There is no viewer id. Both policies ran side by side every hour: hours are the clusters. A report
    // refuses to answer where the log is worth too few impressions of the other policy.
    let report = OffPolicy::of(&log, &Question::of_arm("bts").cluster(ClusterBy::column("hour")))
        .target(Target::Uniform { items: 80 })
        .reward_model(RewardModel::default())
        .check("random")
        .run()?;
    println!("{report}");
    Ok(())
}
