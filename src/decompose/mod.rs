//! What an amplification is made of: a group's by its members. It asks `inference` for every interval,
//! reads tallies, and speaks of nothing that a tally does not hold.

mod group;

pub use self::group::{
    Arrangements, Contribution, Direction, Figure, FigureRecord, GROUP_SCHEMA, GROUP_VERSION,
    GroupDecomposition, GroupFinding, GroupRecord, GroupReport, GroupReportRecord, LabelTest,
    LabelTestRecord, Member, MemberCounts, MemberFinding, MemberRecord, Membership, Others, Part,
    PartKind, PartRecord, Presence, Quantiles, Several, Surely, Verdict, ZeroMembers,
};
