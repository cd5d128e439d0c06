//! Digests of what the library computes, to be compared between machines.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin same_bits
//! sh .ci/anywhere            # here and on an emulated aarch64, compared line by line
//! ```
//!
//! Each line is the SHA-256 of one thing: a simulated log, tallies in their saved form, a monitor, reports by each
//! method of inference. Lines are the same on any machine, number of threads and division of the input where
//! nothing but additions, multiplications, divisions and square roots goes into them; the last part of a line says
//! whether logarithms and the like do.

use std::error::Error;
use std::fs;

use sha2::{Digest, Sha256};
use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BootstrapWeights, Delta, Interval, Jackknife, Monitor, MonitorSpec,
    Permutation, Quantile, ShareBounds, Test, WildBootstrap,
};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, Difference, OddsRatio};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Attention, Audit, ClusterBy, ExposureLog, Question};

/// What goes into the numbers of a line.
#[derive(Clone, Copy)]
enum Of {
    Arithmetic,
    Logarithms,
}

fn show(name: &str, bytes: &[u8], of: Of) {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let of = match of {
        Of::Arithmetic => "arithmetic alone",
        Of::Logarithms => "with logarithms and the like",
    };
    println!("{digest}  {name} ({of})");
}

/// 20,000 impressions of 300 viewers, with weights, from whole numbers alone.
fn made_log() -> Result<ExposureLog, tiltmeter::Error> {
    let mut state = 20_u64;
    let mut next = move |below: u64| {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    };
    let (mut viewers, mut arms, mut topics) = (Vec::new(), Vec::new(), Vec::new());
    let (mut weights, mut positions) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let viewer = next(300);
        viewers.push(viewer as i64);
        arms.push(if (viewer + next(3)) % 2 == 0 { "ranked" } else { "newest" });
        topics.push(["war", "sport", "art", "war|art"][next(4) as usize]);
        weights.push(next(1000) as f64 / 7.0);
        positions.push(next(20) as i64 + 1);
    }
    let source = SliceSource::new("made")
        .integer("who", &viewers)
        .text("feed", &arms)
        .text("about", &topics)
        .float("dwell", &weights)
        .integer("rank", &positions);
    let topics = TopicColumn::new("about", tiltmeter::log::TopicFormat::Separated('|'));
    let schema = LogSchema::new().viewer("who").arm("feed").topics(topics);
    ExposureLog::read(source, &schema.weight("dwell").position("rank"))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("same-bits-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let saved = folder.join("saved");
    let log = made_log()?;
    for (name, spec) in specs() {
        Tally::of(&log, &spec)?.save(&saved)?;
        show(&format!("tally {name}"), &fs::read(&saved)?, Of::Arithmetic);
    }
    let tally = Tally::of(&log, &TallySpec::default())?;
    let question = Question::between("ranked", "newest").topics(["war"]);
    let mut monitor = Monitor::new(MonitorSpec::of(&question, 300)?)?;
    monitor.observe(&tally)?;
    monitor.save(&saved)?;
    show("monitor", &fs::read(&saved)?, Of::Logarithms);
    for (name, interval) in intervals() {
        let question = Question::between("ranked", "newest")
            .attention(Attention::Logarithmic)
            .statistic(AmplificationRatio)
            .statistic(Difference)
            .statistic(OddsRatio);
        let test = Test::Permutation(Permutation::default());
        let report = Audit::of(&log, &question).interval(interval).test(test).run()?;
        show(&format!("report by {name}"), report.to_json()?.as_bytes(), Of::Logarithms);
    }
    for (name, preset) in [
        ("conflict", Preset::Conflict),
        ("election", Preset::Election),
        ("everyday", Preset::Everyday),
    ] {
        let mut config = SimulationConfig { days: 2, ..SimulationConfig::preset(preset) };
        config.world.viewers = 300;
        let tally = Simulation::new(&config)?.tally(&TallySpec::default())?;
        tally.save(&saved)?;
        show(&format!("simulation {name}"), &fs::read(&saved)?, Of::Logarithms);
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn specs() -> Vec<(&'static str, TallySpec)> {
    let plain = TallySpec::default;
    vec![
        ("by viewer", plain()),
        ("by hash bucket", TallySpec { cluster: ClusterBy::Viewer.hashed(5), ..plain() }),
        ("by impression", TallySpec { cluster: ClusterBy::Impression, ..plain() }),
    ]
}

fn intervals() -> Vec<(&'static str, Interval)> {
    let mut all = vec![
        ("share bounds", Interval::ShareBounds(ShareBounds::default())),
        (
            "delta, normal",
            Interval::Delta(Delta { quantile: Quantile::Normal, ..Delta::default() }),
        ),
        ("delta, Student's t", Interval::Delta(Delta::default())),
        ("jackknife", Interval::Jackknife(Jackknife::default())),
        ("wild bootstrap", Interval::WildBootstrap(WildBootstrap::default())),
    ];
    for (name, kind, weights) in [
        ("Poisson percentiles", BootstrapKind::Percentile, BootstrapWeights::Poisson),
        ("multinomial percentiles", BootstrapKind::Percentile, BootstrapWeights::Multinomial),
        ("BCa", BootstrapKind::Bca, BootstrapWeights::Poisson),
        ("studentised", BootstrapKind::Studentised, BootstrapWeights::Poisson),
    ] {
        all.push((name, Interval::Bootstrap(Bootstrap { kind, weights, ..Bootstrap::default() })));
    }
    all
}
