//! What a decomposition says: plain data, and its words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::of_log::Membership;
use super::{PermutationPool, ZeroMembers};
use crate::estimate::{
    ClusterCounts, ConfidenceInterval, Estimate, Measured, NoTest, SideOfNull, Warning,
};
use crate::log::Keep;
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::tally::{ClusterBy, MultiLabel, Weights};

/// Which way an amplification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Shown more under the treatment.
    More,
    /// Shown less.
    Less,
}

impl Direction {
    /// Which way a value lies for sure from that of no amplification; `None` inside for "neither".
    pub(crate) fn of(figure: &Measured, null: f64) -> Option<Option<Self>> {
        let ConfidenceInterval { low, high, .. } = figure.interval.ok()?;
        Some(if low.is_some_and(|low| low > null) {
            Some(Self::More)
        } else if high.is_some_and(|high| high < null) {
            Some(Self::Less)
        } else {
            None
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::More => "more",
            Self::Less => "less",
        })
    }
}

/// What the two levels say together: the group's ratio, and the mean of its members'. "For sure" is
/// with an interval that excludes a ratio of 1. That one level is sure and the other is not does not show
/// that they differ; [`GroupFinding::gap`] has that comparison itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Both for sure, the same way.
    Agree(Direction),
    /// Both for sure, the same way, but the median member's ratio does not lie that way: a few members
    /// move the group and the mean. (Of the median no interval is made.)
    CarriedByFew(Direction),
    /// Both for sure, opposite ways; the group's is given.
    Opposite(Direction),
    /// The group for sure, its mean member not.
    GroupAlone(Direction),
    /// The mean member for sure, the group not.
    MembersAlone(Direction),
    /// Neither for sure.
    Neither,
    /// One of the two has no interval.
    Unknown,
}

impl Verdict {
    pub(super) fn of(group: &Measured, members: &Measured, spread: Option<&Quantiles>) -> Self {
        let follows = |way: Direction| {
            spread.is_none_or(|spread| match way {
                Direction::More => spread.median > 1.0,
                Direction::Less => spread.median < 1.0,
            })
        };
        match (Direction::of(group, 1.0), Direction::of(members, 1.0)) {
            (None, _) | (_, None) => Self::Unknown,
            (Some(None), Some(None)) => Self::Neither,
            (Some(Some(group)), Some(None)) => Self::GroupAlone(group),
            (Some(None), Some(Some(members))) => Self::MembersAlone(members),
            (Some(Some(group)), Some(Some(members))) if group == members => {
                if follows(group) {
                    Self::Agree(group)
                } else {
                    Self::CarriedByFew(group)
                }
            }
            (Some(Some(group)), Some(Some(_))) => Self::Opposite(group),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agree(way) => {
                write!(f, "the levels agree: the group and its mean member are shown {way}")
            }
            Self::CarriedByFew(way) => write!(
                f,
                "a few members carry it: the group and its mean member are shown {way}, its median \
                 member is not"
            ),
            Self::Opposite(Direction::More) => {
                f.write_str("the levels disagree: the group is shown more, its mean member less")
            }
            Self::Opposite(Direction::Less) => {
                f.write_str("the levels disagree: the group is shown less, its mean member more")
            }
            Self::GroupAlone(way) => write!(
                f,
                "the group is shown {way}; for its mean member neither way is beyond chance"
            ),
            Self::MembersAlone(way) => write!(
                f,
                "the mean member is shown {way}; for the group neither way is beyond chance"
            ),
            Self::Neither => f.write_str("neither level differs from 1 beyond chance"),
            Self::Unknown => f.write_str("a level has no interval, so they are not compared"),
        }
    }
}

/// What a part of a group's log ratio comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartKind {
    /// Within members: the mean log ratio of those shown in both arms, each counting once.
    Members,
    /// Between them: those with much of the exposure being shown more, or less, than the mean one.
    Weight,
    /// Between them: those shown in one arm only.
    Turnover,
    /// For reach alone: members reaching the same clusters in one arm more than in the other.
    Overlap,
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Members => "each member being shown more or less",
            Self::Weight => "members with more exposure being shown more",
            Self::Turnover => "members of one arm only",
            Self::Overlap => "members reaching the same clusters",
        })
    }
}

/// A part of the natural logarithm of a group's ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it comes from.
    pub kind: PartKind,
    /// How much, as a difference of natural logarithms.
    pub figure: Measured,
}

/// In which arms a member was shown at all, in the unit of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// In both: its log ratio is finite.
    Both,
    /// In the treatment alone.
    TreatmentOnly,
    /// In the baseline alone.
    BaselineOnly,
    /// In neither, though elsewhere in the tally.
    Neither,
}

impl Presence {
    pub(super) fn of([treatment, baseline]: [f64; 2]) -> Self {
        match (treatment > 0.0, baseline > 0.0) {
            (true, true) => Self::Both,
            (true, false) => Self::TreatmentOnly,
            (false, true) => Self::BaselineOnly,
            (false, false) => Self::Neither,
        }
    }
}

/// How many members a group has, by where they were shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCounts {
    /// In both arms.
    pub both: u64,
    /// In the treatment alone: their ratio is infinite.
    pub treatment_only: u64,
    /// In the baseline alone: their ratio is 0.
    pub baseline_only: u64,
    /// In neither arm, though the tally has them.
    pub neither: u64,
    /// Not in the tally at all.
    pub not_in_tally: u64,
}

/// How many members are amplified for sure by their own intervals, each at its level; one in twenty of
/// those at 95% is so by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surely {
    /// Shown more.
    pub more: u64,
    /// Shown less.
    pub less: u64,
}

impl Surely {
    pub(super) fn of(members: &[MemberFinding]) -> Self {
        let mut surely = Self::default();
        for finding in members.iter().filter_map(|member| member.estimate.finding) {
            surely.more += u64::from(finding.alone == SideOfNull::Above);
            surely.less += u64::from(finding.alone == SideOfNull::Below);
        }
        surely
    }
}

/// A member's part in its group's log ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Its weight, the logarithmic mean of its parts of the group in either arm, scaled so that weights
    /// add up to 1 over the members of both arms (Sato 1976; Ang 2005).
    pub weight: f64,
    /// Weight times log ratio. These add up to the parts [`PartKind::Members`] and [`PartKind::Weight`]
    /// together.
    pub contribution: f64,
}

/// What is known of one member.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberFinding {
    /// Its name, a topic of the tally.
    pub name: String,
    /// Where it was shown.
    pub presence: Presence,
    /// Its own amplification ratio.
    pub estimate: Estimate,
    /// Its log ratio as it counts in the mean; `None` where it is left out.
    pub log_ratio: Option<f64>,
    /// What it adds to the group; `None` unless it was shown in both arms.
    pub contribution: Option<Contribution>,
}

/// Quantiles of the ratios of the members that count in the mean, by linear interpolation between their
/// logarithms in order (type 7 of Hyndman and Fan 1996, doi 10.1080/00031305.1996.10473566).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The least.
    pub least: f64,
    /// A quarter is below.
    pub lower_quartile: f64,
    /// Half are below.
    pub median: f64,
    /// Three quarters are below.
    pub upper_quartile: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Quantiles {
    /// Of log ratios; `None` of none.
    pub(super) fn of(mut logs: Vec<f64>) -> Option<Self> {
        logs.sort_by(f64::total_cmp);
        let last = logs.len().checked_sub(1)?;
        let at = |part: f64| {
            let place = part * last as f64;
            let below = place.floor() as usize;
            let above = (below + 1).min(last);
            (logs[below] + (place - below as f64) * (logs[above] - logs[below])).exp()
        };
        Some(Self {
            least: at(0.0),
            lower_quartile: at(0.25),
            median: at(0.5),
            upper_quartile: at(0.75),
            greatest: at(1.0),
        })
    }
}

/// The ways of giving the label to members that a test compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermutationCount {
    /// All there are, so that p is exact.
    All(u64),
    /// Some, drawn at random.
    Drawn(u64),
}

/// A permutation test of a group's label.
///
/// It tests that members are exchangeable: that the label was given to as many members without regard to
/// how they were amplified, the exposure being what it was. It says nothing of viewers: that others might
/// have been sampled is not in it, and a difference that is certain over members may be chance over
/// viewers (and the other way round).
#[derive(Clone, Debug, PartialEq)]
pub struct LabelTest {
    /// The p-value, two-sided, or the reason why there is none.
    pub p: Result<f64, NoTest>,
    /// The difference that was compared, of the group less the others, of natural logarithms; `None`
    /// where there is no finite one.
    pub difference: Option<f64>,
    /// How many ways there were.
    pub arrangements: PermutationCount,
    /// Members of the group that took part.
    pub group: u64,
    /// Other members that did.
    pub others: u64,
    /// Ways in which there is no value; they count as further away.
    pub without_value: u64,
}

/// What is known of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupFinding {
    /// Its name.
    pub name: String,
    /// The ratio of the group as a whole, and its share in treatment and baseline.
    pub group: Measured,
    /// The shares of the group in treatment and baseline; `None` where an arm has no mass.
    pub shares: [Option<f64>; 2],
    /// The geometric mean of its members' ratios, each counting once.
    pub mean_member: Measured,
    /// The same, each counting by its total in the baseline.
    pub weighted_mean_member: Measured,
    /// The natural logarithm of the group's ratio less that of [`mean_member`](Self::mean_member): where
    /// its interval excludes 0, the levels differ.
    pub gap: Measured,
    /// Parts that add up to the natural logarithm of the group's ratio, in the order of [`PartKind`].
    pub parts: Vec<Part>,
    /// How members' ratios spread; `None` where none counts.
    pub quantiles: Option<Quantiles>,
    /// How many members there are, by where they were shown.
    pub counts: MemberCounts,
    /// How many of them count in the mean.
    pub counted: u64,
    /// How many members' own intervals lie above 1, and how many below.
    pub surely: Surely,
    /// The members that the tally has, in the order of their names.
    pub members: Vec<MemberFinding>,
    /// The test of the difference of mean log ratios between the group's members and the others.
    pub label_test: LabelTest,
    /// The test of the difference of log ratios between the union of the group's members and that of the
    /// others.
    pub union_test: LabelTest,
    /// What the two levels say together.
    pub verdict: Verdict,
    /// The clusters.
    pub clusters: ClusterCounts,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

/// The answer of a [`GroupDecomposition`](super::GroupDecomposition).
///
/// `Display` prints it in words, [`to_json`](GroupReport::to_json) as versioned JSON.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct GroupReport {
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with.
    pub baseline: Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// What impressions weigh.
    pub weights: Weights,
    /// The position model.
    pub attention: Attention,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// Which rows were asked about, by the ids in columns; all of them if there is nothing here, or if the rows of a tally are not known.
    pub kept: Vec<Keep>,
    /// What was done about members without a finite ratio.
    pub zeros: ZeroMembers,
    /// Who the members were compared with when labels were permuted.
    pub others: PermutationPool,
    /// The groups, in the order in which they were given, or by name.
    pub groups: Vec<GroupFinding>,
    /// How members came to their groups; `None` where groups were given.
    pub membership: Option<Membership>,
}

impl GroupReport {
    /// The finding of a group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&GroupFinding> {
        self.groups.iter().find(|group| group.name == name)
    }
}

impl fmt::Display for LabelTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.p {
            Err(reason) => return write!(f, "no test: {reason}"),
            Ok(p) => write!(f, "p = {p:.4}")?,
        }
        let Self { group, others, .. } = self;
        match self.arrangements {
            PermutationCount::All(of) => write!(f, " over all {of} ways")?,
            PermutationCount::Drawn(of) => write!(f, " over {of} ways drawn at random")?,
        }
        write!(f, " of labelling {group} of {} members", group + others)
    }
}
