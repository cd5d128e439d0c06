//! How a biased feed hides from an audit that takes its own reverse-chronological feed as neutral.
//!
//! Viewers follow creators whom they met in an algorithmic feed that favours a topic. So the inventory
//! from which the newest is shown fills with the topic, and the comparison of algorithm with newest finds
//! less than the system as a whole does. The argument is that of Kristian Lum and Tomo Lazovich, "The
//! Myth of 'the Algorithm'", Knight First Amendment Institute at Columbia University, 2023.

use serde::Serialize;
use tiltmeter::log::{LogSchema, Role, TopicColumn};
use tiltmeter::policy::{Affinity, Bias, PolicyConfig, Ranker};
use tiltmeter::simulate::{
    ArmConfig, CandidatesConfig, ExperimentDesign, FollowsConfig, Interests, ResponseConfig,
    Simulation, SimulationConfig, TopicConfig, WorldConfig,
};
use tiltmeter::source::SliceSource;
use tiltmeter::{Audit, Error, ExposureLog, Question};
use tiltmeter_studies::phenomenon::Measured;

/// The topic that the algorithm favours.
pub(crate) const TOPIC: &str = "conflict";
/// The factor on the odds that an item of the topic is shown next.
pub(crate) const FACTOR: f64 = 4.0;
/// Days of biased feed before the audit, one world for each.
pub(crate) const HISTORIES: [u32; 5] = [0, 7, 14, 21, 28];
/// Days that are audited; the same days of the same catalogue in every world.
pub(crate) const AUDIT_DAYS: u32 = 7;

/// The day on which the audit begins.
const AUDIT: u32 = HISTORIES[HISTORIES.len() - 1];

/// What the algorithm is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Against {
    /// The newest of followed creators, as audits of platforms have it.
    Newest,
    /// The same in a world in which the algorithm never had the bias.
    CleanNewest,
    /// Anything that is alive, all alike.
    Uniform,
    /// The algorithm of that other world: all that the bias has done, by history and by ranking.
    CleanAlgorithm,
}

impl Against {
    pub(crate) const ALL: [Self; 4] =
        [Self::Newest, Self::CleanNewest, Self::Uniform, Self::CleanAlgorithm];

    /// The arm in a [`joined`] log.
    pub(crate) const fn arm(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::CleanNewest => "clean newest",
            Self::Uniform => "uniform",
            Self::CleanAlgorithm => "clean algorithm",
        }
    }
}

/// What was found after one history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// Days of biased feed before the audit.
    pub(crate) history: u32,
    /// The topic's share of the newest of followed creators, in the audited days.
    pub(crate) inventory_share: f64,
    /// The amplification ratio of the topic, in the order of [`Against::ALL`].
    pub(crate) ratios: Vec<Compared>,
}

/// The amplification ratio of the topic against a baseline.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) against: Against,
    pub(crate) ratio: Measured,
}

impl Finding {
    /// The ratio against a baseline.
    pub(crate) fn against(&self, against: Against) -> Measured {
        let found = self.ratios.iter().find(|compared| compared.against == against);
        found.map_or(Measured { value: 0.0, low: 0.0, high: 0.0 }, |compared| compared.ratio)
    }
}

/// A feed in which every slate is drawn to be the algorithm's (eight of ten), the newest of followed
/// creators, or uniform. Its algorithm is biased from a day on, or never.
pub(crate) fn feed(biased_from: Option<u32>) -> SimulationConfig {
    let algorithm = PolicyConfig {
        biases: biased_from
            .map(|day| Bias::topic(TOPIC, FACTOR).starting(day.into()))
            .into_iter()
            .collect(),
        ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
    };
    let newest = PolicyConfig::of(Ranker::ReverseChronological);
    let inventory = 30;
    let mut world = WorldConfig {
        topics: [TOPIC, "politics", "sport", "music"].map(TopicConfig::new).to_vec(),
        viewers: 500,
        interests: Interests::Dirichlet { concentration: 12.0 },
        follows: FollowsConfig { mean: 4.0 },
        ..WorldConfig::default()
    };
    world.creators.number = 1_000;
    world.activity.slates_per_day = 3.0;
    SimulationConfig {
        world,
        days: AUDIT + AUDIT_DAYS,
        arms: vec![
            ArmConfig::new("algorithm", algorithm)
                .choosing_from(CandidatesConfig::Mixed { inventory, sample: 60 }),
            ArmConfig::new("newest", newest)
                .choosing_from(CandidatesConfig::Inventory { size: inventory }),
            ArmConfig::new("uniform", PolicyConfig::default())
                .choosing_from(CandidatesConfig::Sample { size: 60 }),
        ],
        responses: ResponseConfig { follow: 0.5, click_odds: 0.3, ..ResponseConfig::default() },
        design: ExperimentDesign::Slates { shares: vec![8.0, 1.0, 1.0] },
        ..SimulationConfig::default()
    }
}

/// The audited days of a feed.
pub(crate) fn audited(feed: &SimulationConfig) -> Result<ExposureLog, Error> {
    let log = Simulation::new(feed)?.log()?;
    let days = log.column("day")?.clone();
    let late = |day: &str| day.parse().is_ok_and(|day: u32| day >= AUDIT);
    log.filter("the later days", |row| days.id(row).is_some_and(late))
}

/// The log of a world beside that of the clean one, whose arms are called clean. Viewers of one number
/// are the same person in both, so that clusters are crossed with the arms.
pub(crate) fn joined(log: &ExposureLog, clean: &ExposureLog) -> Result<ExposureLog, Error> {
    let (mut arms, mut viewers, mut topics) = (Vec::new(), Vec::new(), Vec::new());
    for (log, prefix) in [(log, ""), (clean, "clean ")] {
        for row in 0..log.rows() {
            let id = |role| log.ids(role).and_then(|ids| ids.id(row)).unwrap_or_default();
            arms.push(format!("{prefix}{}", id(Role::Arm)));
            viewers.push(id(Role::Viewer).to_owned());
            topics.push(topic(log, row).to_owned());
        }
    }
    let source = SliceSource::new("two worlds")
        .text("arm", &arms)
        .text("viewer", &viewers)
        .text("topic", &topics);
    let topic = TopicColumn::single("topic");
    ExposureLog::read(source, &LogSchema::new().arm("arm").viewer("viewer").topics(topic))
}

/// The topic of an impression; items of this study have one.
fn topic(log: &ExposureLog, row: usize) -> &str {
    let topics = log.topics();
    let name = topics
        .and_then(|topics| topics.of_row(row).first().and_then(|topic| topics.labels().id(*topic)));
    name.unwrap_or_default()
}

/// What was found, by history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CoverageStudy {
    /// In the world that never had the bias: the topic's share of the newest of followed creators.
    pub(crate) clean_inventory_share: f64,
    pub(crate) findings: Vec<Finding>,
}

/// Audits the same days after every history.
pub(crate) fn study() -> Result<CoverageStudy, Error> {
    let clean = audited(&feed(None))?;
    let after = |history| finding(history, &clean);
    Ok(CoverageStudy {
        clean_inventory_share: inventory_share(&clean)?,
        findings: HISTORIES.into_iter().map(after).collect::<Result<_, Error>>()?,
    })
}

/// Audits a world that was biased for so many days before the audit, and during it.
fn finding(history: u32, clean: &ExposureLog) -> Result<Finding, Error> {
    let log = audited(&feed(Some(AUDIT - history)))?;
    let inventory_share = inventory_share(&log)?;
    let log = joined(&log, clean)?;
    let mut ratios = Vec::new();
    for against in Against::ALL {
        let question = Question::between("algorithm", against.arm()).topics([TOPIC]);
        let report = Audit::of(&log, &question).run()?;
        let ratio = Measured::of(&report.estimates()[0]);
        ratios.extend(ratio.map(|ratio| Compared { against, ratio }));
    }
    Ok(Finding { history, inventory_share, ratios })
}

/// The topic's share of what the newest of followed creators were about.
fn inventory_share(log: &ExposureLog) -> Result<f64, Error> {
    let question = Question::between("newest", "uniform").topics([TOPIC]);
    let report = Audit::of(log, &question).run()?;
    Ok(report.estimates()[0].treatment.share.unwrap_or_default())
}
