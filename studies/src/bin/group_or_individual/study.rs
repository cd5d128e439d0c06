//! Amplification of a group and of its members need not agree.
//!
//! A group's reach is that of the union of what its members publish. Huszár et al. 2022 (PNAS, doi
//! 10.1073/pnas.2025334119) found parties amplified unalike, and no association of single legislators'
//! amplification with their party by a permutation test. Here two mechanisms that make the two disagree
//! are injected, one the other way round from the other.

use serde::Serialize;
use tiltmeter::policy::{Audience, Bias, PolicyConfig, Ranker};
use tiltmeter::simulate::{
    ActivityConfig, ArmConfig, CreatorsConfig, Interests, Simulation, SimulationConfig,
    StratumConfig, TopicConfig, WorldConfig,
};
use tiltmeter::statistic::AddOneReach;
use tiltmeter::tally::StratifyBy;
use tiltmeter::{Audit, Error, ExposureLog, Question, Unit};
use tiltmeter_studies::phenomenon::Measured;

/// The groups, each a topic that its members alone publish about.
pub(crate) const GROUPS: [&str; 2] = ["left_party", "right_party"];
/// Members of each.
pub(crate) const MEMBERS: u32 = 12;
/// The stratum of viewers who are shown the left party anyhow.
const LOYAL: &str = "loyal";

/// What the treatment does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mechanism {
    /// Nothing.
    Nothing,
    /// Boosts two members of the right party to new viewers.
    FewMembers,
    /// Boosts every member of the left party, for viewers whom the party reaches anyhow.
    SameViewers,
}

impl Mechanism {
    fn biases(self) -> Vec<Bias> {
        let (left, right) = (GROUPS[0], MEMBERS);
        match self {
            Self::Nothing => Vec::new(),
            Self::FewMembers => vec![Bias::creators(right..right + 2, 12.0)],
            Self::SameViewers => {
                vec![Bias::topic(left, 4.0).only_for(Audience::Stratum(LOYAL.to_owned()))]
            }
        }
    }
}

/// A group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// The share of viewers whom it reached under the baseline.
    pub(crate) reach: f64,
    /// The ratio of its smoothed reach, treatment to baseline.
    pub(crate) ratio: Measured,
    /// Those of its members.
    pub(crate) members: Vec<f64>,
}

impl Group {
    /// The median of its members' ratios.
    pub(crate) fn median_member(&self) -> f64 {
        let mut members = self.members.clone();
        members.sort_by(f64::total_cmp);
        let middle = members.len() / 2;
        f64::midpoint(members[middle], members[members.len() - 1 - middle])
    }
}

/// What one mechanism does.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) mechanism: Mechanism,
    pub(crate) groups: [Group; 2],
    /// Of a permutation test over members: is amplification associated with the party?
    pub(crate) p: f64,
}

/// A feed in which half of the viewers are under a treatment with this mechanism.
pub(crate) fn feed(mechanism: Mechanism) -> SimulationConfig {
    let rare = |name: &str| TopicConfig { supply: 0.12, ..TopicConfig::new(name) };
    let other = TopicConfig { supply: 9.76, ..TopicConfig::new("everything_else") };
    let loyal = StratumConfig {
        share: 0.3,
        interests: [(GROUPS[0].to_owned(), 8.0)].into(),
        ..StratumConfig::new(LOYAL)
    };
    let others = StratumConfig {
        share: 0.7,
        interests: [(GROUPS[0].to_owned(), 0.2)].into(),
        ..StratumConfig::new("others")
    };
    let policy =
        |biases| PolicyConfig { biases, ..PolicyConfig::of(Ranker::Affinity(Default::default())) };
    SimulationConfig {
        world: WorldConfig {
            topics: vec![rare(GROUPS[0]), rare(GROUPS[1]), other],
            items_per_day: 1_600.0,
            creators: CreatorsConfig {
                number: 1_000,
                concentration: 0.0,
                ..CreatorsConfig::default()
            },
            viewers: 4_000,
            strata: vec![loyal, others],
            interests: Interests::Dirichlet { concentration: 20.0 },
            activity: ActivityConfig { slates_per_day: 3.0, shape: 8.0 },
            ..WorldConfig::default()
        },
        days: 5,
        arms: vec![
            ArmConfig::new("treatment", policy(mechanism.biases())),
            ArmConfig::new("baseline", policy(Vec::new())),
        ],
        ..SimulationConfig::default()
    }
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CoverageStudy {
    /// [`Mechanism::FewMembers`], then [`Mechanism::SameViewers`].
    pub(crate) findings: [Finding; 2],
}

/// Both mechanisms.
pub(crate) fn study() -> Result<CoverageStudy, Error> {
    Ok(CoverageStudy {
        findings: [finding(Mechanism::FewMembers)?, finding(Mechanism::SameViewers)?],
    })
}

/// Reach of groups and of members under a mechanism, and the test over members.
pub(crate) fn finding(mechanism: Mechanism) -> Result<Finding, Error> {
    let log = Simulation::new(&feed(mechanism))?.log()?;
    let groups = reach(&log, &GROUPS.map(str::to_owned))?;
    let creators = log.column("creator")?.clone();
    let by_creator =
        log.with_topics_by_row(|_, row| creators.id(row).map(str::to_owned).into_iter().collect())?;
    let group = |at: usize| -> Result<Group, Error> {
        let first = at as u32 * MEMBERS;
        let members: Vec<String> = (first..first + MEMBERS).map(|m| m.to_string()).collect();
        let members = reach(&by_creator, &members)?;
        let (reach, ratio) = groups[at];
        let members = members.iter().map(|(_, ratio)| ratio.value).collect();
        Ok(Group { name: GROUPS[at], reach, ratio, members })
    };
    let groups = [group(0)?, group(1)?];
    let p = permutation_test(&groups[0].members, &groups[1].members, 9_999, 1);
    Ok(Finding { mechanism, groups, p })
}

/// For each of these topics its baseline reach and the ratio of its smoothed reach.
fn reach(log: &ExposureLog, topics: &[String]) -> Result<Vec<(f64, Measured)>, Error> {
    let question = Question::between("treatment", "baseline")
        .strata(StratifyBy::Nothing)
        .topics(topics)
        .unit(Unit::Reach(Default::default()))
        .statistic(AddOneReach);
    let report = Audit::of(log, &question).run()?;
    let none = Measured { value: 0.0, low: 0.0, high: 0.0 };
    let found = report.estimates().iter().map(|estimate| {
        let percent = Measured::of(estimate).unwrap_or(none);
        let reach = estimate.baseline.share.unwrap_or_default();
        (reach, percent.map(|percent| 1.0 + percent / 100.0))
    });
    Ok(found.collect())
}

/// The p-value of "labels are assigned at random" by the absolute difference of mean logarithms, two-sided,
/// over random assignments of the labels; the observed one counts as one of them.
pub(crate) fn permutation_test(a: &[f64], b: &[f64], times: u32, seed: u64) -> f64 {
    let mut all: Vec<f64> = a.iter().chain(b).map(|ratio| ratio.ln()).collect();
    let distance = |all: &[f64]| {
        let (a, b) = all.split_at(a.len());
        (mean(a) - mean(b)).abs()
    };
    let observed = distance(&all);
    let mut random = SplitMix(seed);
    let mut as_far = 1;
    for _ in 0..times {
        for at in 0..a.len() {
            let other = at + random.below((all.len() - at) as u64) as usize;
            all.swap(at, other);
        }
        // Sums in another order differ in their last bits.
        as_far += u32::from(distance(&all) >= observed - 1e-12);
    }
    f64::from(as_far) / f64::from(times + 1)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// SplitMix64 (Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform below a small bound, to within 2^-60.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}
