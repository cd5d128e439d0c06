//! `members`: groups against their members, as parties against their legislators.

use clap::Args;
use tiltmeter::decompose::{
    GroupDecomposition, Member, MultiMembership, PermutationPool, ZeroMembers,
};

use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::log::tell_left_out;
use crate::progress::waiting;
use crate::rows::{self, Beside, OtherArmArgs, RowsArgs};
use crate::uncertainty::IntervalArgs;

/// Compare the amplification of groups with that of their members, as parties with their legislators.
///
/// Example: tiltmeter members log.csv --arm feed --treatment ranked --baseline newest --topic party
/// --viewer who --of author
///
/// Topics are the groups, and whoever has impressions of a topic is its member. A group may be amplified where
/// hardly any of its members is: large members weigh more in it.
#[derive(Debug, Args)]
pub(crate) struct MembersArgs {
    #[command(flatten)]
    rows: RowsArgs,
    #[command(flatten)]
    other: OtherArmArgs,
    #[command(flatten)]
    of: OfArgs,
    #[command(flatten)]
    doubt: IntervalArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Who members are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Members")]
struct OfArgs {
    /// The column of members, such as authors; item for those of --item.
    #[arg(long, value_name = "COLUMN")]
    of: String,
    /// A member with impressions of several groups: refuse (the default), majority (it is of the group of most of
    /// them), leave_out.
    #[arg(long, value_name = "RULE")]
    several: Option<MultiMembership>,
    /// A member that an arm never shows: left_out of means (the default), or half_added.
    #[arg(long, value_name = "RULE")]
    zeros: Option<ZeroMembers>,
    /// Whom labels are permuted over: other_groups (the default), or all_members.
    #[arg(long, value_name = "WHOM")]
    permute_over: Option<PermutationPool>,
    /// How many ways of labelling are drawn; 9999 by default.
    #[arg(long, value_name = "NUMBER")]
    permutations: Option<u32>,
    /// The seed of these draws; 0 by default.
    #[arg(long, value_name = "SEED")]
    permutation_seed: Option<u64>,
}

pub(crate) fn run(args: &MembersArgs) -> Result<(), Failure> {
    let interval = args.doubt.interval()?;
    let (member, column) = match args.of.of.as_str() {
        "item" if args.rows.log.roles.item.is_some() => (Member::Item, None),
        column => (Member::column(column), Some(column)),
    };
    let question = args.rows.question(Some(&args.other))?;
    let study = args.rows.study(question, Beside::default(), column)?;
    let log = rows::read(&study)?.log;
    tell_left_out(log.origin());
    let asked = GroupDecomposition::of_log(&log, member, &study.question).interval(interval);
    let asked = args.of.on_top_of(asked);
    args.output.show(&waiting("estimating", || asked.run())?)
}

impl OfArgs {
    fn on_top_of<'l>(&self, mut asked: GroupDecomposition<'l>) -> GroupDecomposition<'l> {
        asked = asked.several(self.several.unwrap_or_default());
        asked = asked.zeros(self.zeros.unwrap_or_default());
        asked = asked.others(self.permute_over.unwrap_or_default());
        asked.permutations(self.permutations.unwrap_or(9_999), self.permutation_seed.unwrap_or(0))
    }
}
