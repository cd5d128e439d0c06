//! Plans a study from the log shipped in `data/`: how small a ratio more hours of the same feed would
//! show, and how many hours some ratios need.
//!
//! ```text
//! cargo run --example design
//! ```

use std::path::Path;

use tiltmeter::inference::{PerArm, Pilot, SampleSizePlan, TopicQuestion};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::statistic::AmplificationRatio;
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{ClusterBy, Error, ExposureLog, Keep, Question};

/// How many times the pilot's clusters a study might have.
const TIMES: [u64; 5] = [1, 2, 4, 8, 16];
/// True ratios that a study might be after.
const RATIOS: [f64; 3] = [1.05, 1.1, 1.5];

/// What the pilot says of a topic.
struct Plan {
    /// What it shows.
    pilot: Pilot,
    /// For each of `TIMES`, clusters per arm and the smallest ratio above 1 that they show.
    detectable: Vec<(u64, f64)>,
    /// For each of `RATIOS`, the clusters per arm that show it.
    needed: Vec<(f64, u64)>,
}

fn main() -> Result<(), Error> {
    print(&plans()?);
    Ok(())
}

fn plans() -> Result<Vec<Plan>, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/open_bandit_small.csv.gz");
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .topics(TopicColumn::single("topic"))
        .column("hour")
        .column("campaign");
    let log = ExposureLog::open(path, &schema)?;
    // Topics are hashed anew for each campaign; both policies ran side by side every hour.
    let log = log.keep(&Keep::new("campaign", ["all"]))?;
    let spec = TallySpec { cluster: ClusterBy::column("hour"), ..TallySpec::default() };
    let tally = Tally::of(&log, &spec)?;

    let question = Question::between("bts", "random");
    let mut plans = Vec::new();
    for topic in tally.axes().topics() {
        let pilot = Pilot::of(&tally, &TopicQuestion::of(&question, topic)?, &AmplificationRatio);
        match pilot {
            Ok(pilot) => plans.push(plan(pilot)?),
            Err(Error::Pilot { reason }) => eprintln!("{topic} left out: {reason}"),
            Err(error) => return Err(error),
        }
    }
    Ok(plans)
}

fn plan(pilot: Pilot) -> Result<Plan, Error> {
    let clusters = pilot.variance.iter().map(|part| part.clusters).max().unwrap_or(0);
    let detectable = |times| {
        let design = SampleSizePlan::of(PerArm::equal(times * clusters));
        Ok((times * clusters, pilot.minimum_detectable(&design)?.above))
    };
    let design = SampleSizePlan::of(PerArm::equal(clusters));
    let needed = |ratio| Ok((ratio, pilot.clusters_needed(ratio, &design)?));
    Ok(Plan {
        detectable: TIMES.into_iter().map(detectable).collect::<Result<_, Error>>()?,
        needed: RATIOS.into_iter().map(needed).collect::<Result<_, Error>>()?,
        pilot,
    })
}

fn print(plans: &[Plan]) {
    let Some(first) = plans.first() else {
        println!("no topic that both arms show");
        return;
    };
    let clusters = first.pilot.clusters;
    println!(
        "Pilot: {} and {} hours, {}; {:.1} impressions an hour in an arm (cv {:.2}).",
        clusters.treatment,
        clusters.baseline,
        clusters.relation,
        first.pilot.impressions_per_cluster,
        first.pilot.size_variation
    );
    println!("Smallest ratio above 1 that a 95% interval shows with a power of 80%, by hours;");
    println!("and the hours that some ratios need.\n");
    print!("{:<8}{:>8}{:>8}", "topic", "rho", "deff");
    for (clusters, _) in &first.detectable {
        print!("{:>9}", format!("{clusters} h"));
    }
    for ratio in RATIOS {
        print!("{:>10}", format!("for {ratio}"));
    }
    println!();
    for Plan { pilot, detectable, needed } in plans {
        let rho = pilot.intraclass.map_or("-".to_owned(), |rho| format!("{rho:.4}"));
        print!("{:<8}{rho:>8}{:>8.2}", pilot.estimand.topic, pilot.design_effect_unequal);
        detectable.iter().for_each(|(_, ratio)| print!("{ratio:>9.3}"));
        needed.iter().for_each(|(_, clusters)| print!("{clusters:>10}"));
        println!();
    }
}
