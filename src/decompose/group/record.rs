//! The decomposition's JSON: records in a versioned schema, which can be read back.

use serde::{Deserialize, Serialize};

use super::of_log::Membership;
use super::report::{
    Contribution, GroupFinding, GroupReport, LabelTest, MemberCounts, MemberFinding, PartKind,
    PermutationCount, Presence, Quantiles, Surely, Verdict,
};
use super::{PermutationPool, ZeroMembers};
use crate::error::Error;
use crate::estimate::json::{EstimateRecord, MeasuredRecord, WarningRecord};
use crate::estimate::{ClusterCounts, NoTest};
use crate::format::document;
use crate::log::Keep;
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::tally::{ClusterBy, MultiLabel, Weights};

/// The name of the schema.
pub const GROUP_SCHEMA: &str = "tiltmeter.groups";

/// The version of the schema: raised whenever a field changes its meaning or goes away.
pub const GROUP_VERSION: u32 = 1;

/// A part of the group's log ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    /// What it comes from.
    pub kind: PartKind,
    /// How much.
    #[serde(flatten)]
    pub figure: MeasuredRecord,
}

/// A [`LabelTest`] as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelTestRecord {
    /// The p-value.
    pub p_value: Option<f64>,
    /// Why there is none.
    pub no_test: Option<NoTest>,
    /// The difference of natural logarithms that was compared.
    pub difference: Option<f64>,
    /// How many ways there were.
    pub arrangements: PermutationCount,
    /// Members of the group that took part.
    pub group: u64,
    /// Other members that did.
    pub others: u64,
    /// Ways without a value.
    pub without_value: u64,
}

impl From<&LabelTest> for LabelTestRecord {
    fn from(test: &LabelTest) -> Self {
        Self {
            p_value: test.p.ok(),
            no_test: test.p.err(),
            difference: test.difference,
            arrangements: test.arrangements,
            group: test.group,
            others: test.others,
            without_value: test.without_value,
        }
    }
}

/// A member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Its name.
    pub name: String,
    /// Where it was shown.
    pub presence: Presence,
    /// Its log ratio as it counts in the mean.
    pub log_ratio: Option<f64>,
    /// What it adds to the group.
    pub contribution: Option<Contribution>,
    /// Its own amplification ratio, as in a report.
    pub estimate: EstimateRecord,
}

impl From<&MemberFinding> for MemberRecord {
    fn from(member: &MemberFinding) -> Self {
        Self {
            name: member.name.clone(),
            presence: member.presence,
            log_ratio: member.log_ratio,
            contribution: member.contribution,
            estimate: EstimateRecord::from(&member.estimate),
        }
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Its name.
    pub name: String,
    /// Its ratio.
    pub group: MeasuredRecord,
    /// Its share in the treatment.
    pub share_treatment: Option<f64>,
    /// Its share in the baseline.
    pub share_baseline: Option<f64>,
    /// The geometric mean of its members' ratios.
    pub mean_member: MeasuredRecord,
    /// The same, weighted by the baseline.
    pub weighted_mean_member: MeasuredRecord,
    /// The logarithm of the first less that of the second.
    pub gap: MeasuredRecord,
    /// Parts of the logarithm of the group's ratio.
    pub parts: Vec<PartRecord>,
    /// How members' ratios spread.
    pub quantiles: Option<Quantiles>,
    /// How many members there are.
    pub counts: MemberCounts,
    /// How many count in the mean.
    pub counted: u64,
    /// How many are amplified by their own intervals.
    pub surely: Surely,
    /// The permutation test by members.
    pub label_test: LabelTestRecord,
    /// The permutation test by unions.
    pub union_test: LabelTestRecord,
    /// What the levels say together.
    pub verdict: Verdict,
    /// The same in words.
    pub verdict_in_words: String,
    /// The clusters.
    pub clusters: ClusterCounts,
    /// Warnings, each as data and in words.
    pub warnings: Vec<WarningRecord>,
    /// The members.
    pub members: Vec<MemberRecord>,
}

impl From<&GroupFinding> for GroupRecord {
    fn from(group: &GroupFinding) -> Self {
        let part =
            |part: &super::report::Part| PartRecord { kind: part.kind, figure: part.figure.into() };
        Self {
            name: group.name.clone(),
            group: group.group.into(),
            share_treatment: group.shares[0],
            share_baseline: group.shares[1],
            mean_member: group.mean_member.into(),
            weighted_mean_member: group.weighted_mean_member.into(),
            gap: group.gap.into(),
            parts: group.parts.iter().map(part).collect(),
            quantiles: group.quantiles,
            counts: group.counts,
            counted: group.counted,
            surely: group.surely,
            label_test: LabelTestRecord::from(&group.label_test),
            union_test: LabelTestRecord::from(&group.union_test),
            verdict: group.verdict,
            verdict_in_words: group.verdict.to_string(),
            clusters: group.clusters,
            warnings: group.warnings.iter().map(WarningRecord::from).collect(),
            members: group.members.iter().map(MemberRecord::from).collect(),
        }
    }
}

/// A [`GroupReport`] as JSON holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReportRecord {
    /// Always [`GROUP_SCHEMA`].
    pub schema: String,
    /// The version of the schema.
    pub version: u32,
    /// The release of the library that made it.
    pub tiltmeter: String,
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with.
    pub baseline: Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// What impressions weigh.
    #[serde(default)]
    pub weights: Weights,
    /// The position model.
    pub attention: Attention,
    /// How several topics share an impression.
    #[serde(default)]
    pub multi_label: MultiLabel,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// Which rows were asked about, by the ids in columns; all of them if there is nothing here.
    #[serde(default)]
    pub kept: Vec<Keep>,
    /// What was done about members without a finite ratio.
    pub zeros: ZeroMembers,
    /// Who members were compared with.
    pub others: PermutationPool,
    /// How members came to their groups.
    pub membership: Option<Membership>,
    /// The groups.
    pub groups: Vec<GroupRecord>,
}

impl From<&GroupReport> for GroupReportRecord {
    fn from(report: &GroupReport) -> Self {
        Self {
            schema: GROUP_SCHEMA.to_owned(),
            version: GROUP_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            treatment: report.treatment.clone(),
            baseline: report.baseline.clone(),
            unit: report.unit,
            denominator: report.denominator,
            weights: report.weights.clone(),
            attention: report.attention.clone(),
            multi_label: report.multi_label,
            cluster: report.cluster.clone(),
            kept: report.kept.clone(),
            zeros: report.zeros,
            others: report.others,
            membership: report.membership,
            groups: report.groups.iter().map(GroupRecord::from).collect(),
        }
    }
}

impl GroupReport {
    /// The report as JSON, which [`GroupReportRecord::from_json`] reads back.
    ///
    /// # Errors
    /// [`Error::Report`] when the serialiser fails.
    pub fn to_json(&self) -> Result<String, Error> {
        let record = GroupReportRecord::from(self);
        document::write(&record)
    }
}

impl GroupReportRecord {
    /// Reads a report's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not a report's, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        document::read(json, GROUP_SCHEMA, GROUP_VERSION)
    }
}
