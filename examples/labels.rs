//! Is a topic shown more in one feed, or only taken for it more often by the model that labels? The shipped log
//! `data/labelled.csv`, whose true ratio is 1, as predicted and corrected by the rows that people labelled.
//!
//! ```text
//! cargo run --example labels
//! ```

use std::error::Error;

use tiltmeter::inference::{LabelPilot, TopicQuestion};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Audit, Correction, ExposureLog, Question};

fn main() -> Result<(), Box<dyn Error>> {
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("feed")
        .topics(TopicColumn::single("model_topic"))
        .human(TopicColumn::single("human_topic"))
        .inclusion("chance");
    let log = ExposureLog::open("data/labelled.csv", &schema)?;
    let question = Question::between("ranked", "newest").topics(["politics"]);
    println!("as predicted:\n{}", Audit::of(&log, &question).run()?);
    for correction in [Correction::Ppi, Correction::HandAlone] {
        println!(
            "{correction}:\n{}",
            Audit::of(&log, &question.clone().correct(correction)).run()?
        );
    }
    let tally = Tally::of(&log, &TallySpec::default())?;
    let pilot = LabelPilot::of(&tally, &TopicQuestion::of(&question, "politics")?)?;
    for labels in [500, 1_000, 2_000] {
        let plan = pilot.plan(labels, 0.95, 0.8)?;
        println!("{labels} labels would show ratios of {:.2} and more", plan.above);
    }
    Ok(())
}
