//! `off-policy`: what another policy would have shown and earned.

use clap::Args;
use tiltmeter::replay::off_policy::{
    Clip, Floor, ItemMeans, MeansOf, OffPolicy, RewardModel, Target,
};

use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::progress::waiting;
use crate::rows::{self, Beside, RowsArgs};
use crate::uncertainty::IntervalArgs;

/// Estimate what another policy would have shown and earned, from a log with the probabilities that its own drew with.
///
/// Example: tiltmeter off-policy log.csv --arm policy --treatment bandit --item item --topic about
/// --engagement click --propensity probability --viewer who --target uniform:80 --check random
///
/// There is no number where the log is worth too few impressions of the other policy; the report says why.
#[derive(Debug, Args)]
pub(crate) struct OffPolicyArgs {
    #[command(flatten)]
    rows: RowsArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    doubt: IntervalArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The other policy.
#[derive(Debug, Args)]
#[command(next_help_heading = "The other policy")]
struct TargetArgs {
    /// uniform:ITEMS, any of so many items alike; uniform_over_items, any of those that the arm showed.
    #[arg(long, value_name = "POLICY")]
    target: Target,
    /// Weights above this number count as this number, which biases the answer.
    #[arg(long, value_name = "WEIGHT")]
    clip: Option<f64>,
    /// The effective sample size below which there is no answer; 100 by default.
    #[arg(long, value_name = "SIZE")]
    floor: Option<f64>,
    /// An arm that followed the other policy, to check the estimates against.
    #[arg(long, value_name = "ARM")]
    check: Option<String>,
    /// Add the doubly robust estimate, with mean rewards of: item, or item_and_position.
    #[arg(long, value_name = "WHAT")]
    rewards_by: Option<MeansOf>,
}

pub(crate) fn run(args: &OffPolicyArgs) -> Result<(), Failure> {
    let interval = args.doubt.interval()?;
    let study = args.rows.study(args.rows.question(None)?, Beside::default(), None)?;
    let log = rows::read(&study)?.log;
    let TargetArgs { target, clip, floor, check, rewards_by } = &args.target;
    let mut asked = OffPolicy::of(&log, &study.question).target(target.clone()).interval(interval);
    if let Some(weight) = clip {
        asked = asked.clip(Clip::At(*weight));
    }
    if let Some(size) = floor {
        asked = asked.floor(Floor::At(*size));
    }
    if let Some(arm) = check {
        asked = asked.check(arm);
    }
    if let &Some(of) = rewards_by {
        asked =
            asked.reward_model(RewardModel::ItemMeans(ItemMeans { of, ..ItemMeans::default() }));
    }
    args.output.show(&waiting("estimating", || asked.run())?)
}
