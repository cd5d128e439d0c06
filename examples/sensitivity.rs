//! Does an audit's answer depend on how it was put? The simulated feed shipped in `data/simulated`, of
//! which the truth is known, under every attention model, weighting and baseline that its log supports;
//! and where on the way from supply to clicks its favoured topic gains.
//!
//! ```text
//! cargo run --example sensitivity               # the table, its verdict, the waterfall
//! cargo run --example sensitivity -- FOLDER     # and figures of both, into the folder
//! ```

use std::error::Error;
use std::path::Path;

use tiltmeter::decompose::{EngagementCounts, Waterfall, WaterfallReport};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::{CandidateKey, CandidateSets};
use tiltmeter::sensitivity::{Sensitivity, SensitivityTable};
use tiltmeter::simulate::{Simulation, SimulationConfig};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::AmplificationRatio;
use tiltmeter::{Attention, Baseline, ExposureLog, Question, Supply};

const TOPIC: &str = "conflict";

fn main() -> Result<(), Box<dyn Error>> {
    let feed = Feed::shipped()?;
    let table = feed.sensitivity()?;
    let waterfall = feed.waterfall()?;
    println!("{table}\n{waterfall}");
    if let Some(folder) = std::env::args().nth(1) {
        let folder = Path::new(&folder);
        std::fs::write(folder.join("curve.svg"), table.to_svg(&AmplificationRatio, TOPIC)?)?;
        std::fs::write(folder.join("waterfall.svg"), waterfall.to_svg(TOPIC)?)?;
    }
    Ok(())
}

/// The log, and what the feed could have shown.
struct Feed {
    log: ExposureLog,
    items: ExposureLog,
    pools: CandidateSets,
}

impl Feed {
    fn shipped() -> Result<Self, Box<dyn Error>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/simulated");
        let schema = LogSchema::new()
            .viewer("viewer")
            .arm("arm")
            .slate("slate")
            .item("item")
            .position("position")
            .time("time", TimeFormat::Iso)
            .topics(TopicColumn::separated("topics", '|'))
            .weight("dwell")
            .engagement("click");
        let log = ExposureLog::open(folder.join("conflict.parquet"), &schema)?;

        // The log does not say what else there was; its configuration makes the same catalogue again.
        let config = std::fs::read_to_string(folder.join("conflict.json"))?;
        let config: SimulationConfig = serde_json::from_str(&config)?;
        let simulation = Simulation::new(&config)?;
        let catalogue = simulation.catalogue();
        let sets = catalogue.topic_sets();
        let name = |set: &u32| -> String {
            let names = sets.of(*set).iter().map(|topic| &*sets.topics()[usize::from(*topic)]);
            names.collect::<Vec<_>>().join("|")
        };
        let ids: Vec<String> = (0..catalogue.len()).map(|item| item.to_string()).collect();
        let topics: Vec<String> = catalogue.topics().iter().map(name).collect();
        let table = || {
            SliceSource::new("catalogue")
                .text("item", &ids)
                .text("topics", &topics)
                .integer("published", catalogue.births())
        };
        let schema = LogSchema::new().item("item").topics(TopicColumn::separated("topics", '|'));
        let published = schema.clone().time("published", TimeFormat::EpochMicroseconds);
        let lifetime = config.world.topics.iter().map(|topic| topic.lifetime_hours);
        let hours = lifetime.fold(0.0, f64::max);
        let max_age = Some((hours * 3.6e9) as i64);
        Ok(Self {
            log,
            items: ExposureLog::read(table(), &schema)?,
            pools: CandidateSets::new(
                ExposureLog::read(table(), &published)?,
                CandidateKey::Everyone { max_age },
            )?,
        })
    }

    fn sensitivity(&self) -> Result<SensitivityTable, tiltmeter::Error> {
        Sensitivity::of(&self.log, &Question::between("treatment", "baseline").topics([TOPIC]))
            .baseline(Baseline::Supply(Supply::Known))
            .baseline(Baseline::UniformPool)
            .supply(&self.items)
            .candidates(&self.pools)
            .run()
    }

    fn waterfall(&self) -> Result<WaterfallReport, tiltmeter::Error> {
        let question =
            Question::of_arm("treatment").topics([TOPIC]).attention(Attention::Logarithmic);
        Waterfall::of(&self.log, &question)
            .supply(&self.items, Supply::Known)
            .candidates(&self.pools)
            // A click is what happened: whoever clicked has looked.
            .engagement(EngagementCounts::Alone)
            .run()
    }
}
