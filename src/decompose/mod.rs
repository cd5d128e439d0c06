//! What an amplification is made of: a group's by its members, a topic's by the stages from what there was
//! to what was acted upon. It asks `inference` for every interval.

mod group;
pub(crate) mod json;
mod report;
mod stage;
mod waterfall;

pub use self::group::{
    Contribution, Direction, GROUP_SCHEMA, GROUP_VERSION, GroupDecomposition, GroupFinding,
    GroupRecord, GroupReport, GroupReportRecord, LabelTest, LabelTestRecord, Member, MemberCounts,
    MemberFinding, MemberRecord, Membership, MultiMembership, Part, PartKind, PartRecord,
    PermutationCount, PermutationPool, Presence, Quantiles, Surely, Verdict, ZeroMembers,
};
pub use self::report::{MissingStage, StageShare, Step, TopicWaterfall, WaterfallReport};
pub use self::stage::{EngagementCounts, Stage};
pub use self::waterfall::Waterfall;
