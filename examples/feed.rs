//! From a CSV to what a paper prints: the log of the guide's first chapter, with weights, times, lists of topics and
//! countries.
//!
//! ```text
//! cargo run --example feed        # from the folder of this checkout
//! ```

use tiltmeter::prelude::*;
use tiltmeter::statistic::{StratumContrast, TopicContrast};

fn main() -> Result<(), Error> {
    let schema = LogSchema::new()
        .viewer("viewer_id")
        .arm("feed")
        .position("rank")
        .iso_time("ts")
        .topics(TopicColumn::json("topics"))
        .weight("dwell_ms")
        .column("country");
    let log = ExposureLog::open("data/feed.csv", &schema)?;

    let question = Question::between("ranked", "chronological").cluster(ClusterBy::Viewer);
    let report = Audit::of(&log, &question).run()?;
    println!("{}", report.to_text(100));

    let politics = report.get("politics")?;
    println!("{}", politics.sentence());
    if let (Some(ratio), Some(low), Some(high)) =
        (politics.value(), politics.low(), politics.high())
    {
        println!("politics: {ratio:.2} ({low:.2} to {high:.2})\n");
    }

    let asked = question.clone().topics(["politics"]);
    let by_country = Audit::of(&log, &asked.clone().by("country").all_pairs()).run()?;
    println!("{}", by_country.to_text(110));
    let group = [("country", "DE"), ("treatment", "ranked"), ("baseline", "chronological")];
    println!("{}\n", by_country.get_in("politics", &group)?.sentence());

    // Whether politics is amplified more than sport, and more after a date than before.
    let after = StratumContrast::between("from 2026-03-09", "before 2026-03-09");
    let contrasts = asked
        .clone()
        .strata(StratifyBy::column("period"))
        .statistic(TopicContrast::against("sport"))
        .statistic(after);
    let report = Audit::of(&log.split_at("2026-03-09")?, &contrasts).run()?;
    for estimate in report.estimates() {
        println!("{}", estimate.sentence());
    }
    println!();

    let by_week = Audit::of(&log, &asked.windows(WindowBy::weeks()))
        .test(Test::ShareBounds)
        .multiplicity(Multiplicity::Holm)
        .run()?;
    for line in by_week.to_csv().lines() {
        let fields: Vec<&str> = line.split(',').collect();
        println!("{},{},{},{},{}", fields[0], fields[1], fields[3], fields[8], fields[9]);
    }
    Ok(())
}
