//! Which columns a job needs: others are not decoded.

use super::Filter;
use crate::log::{ItemTopics, LogSchema, Role, RowPolicy};
use crate::question::attention::Attention;
use crate::tally::{ClusterBy, StratifyBy, TallySpec, WindowBy};

/// The schema without the columns that the tally does not need. Where rows that break a rule are set aside all columns
/// are looked at: which rows count must not depend on how many files they are in, and a log of one file is read whole.
pub(super) fn needed(
    schema: &LogSchema,
    spec: &TallySpec,
    filter: &Filter,
    item_topics: Option<&ItemTopics>,
) -> LogSchema {
    let by_rank = spec.attentions.iter().any(|model| *model != Attention::Uniform);
    let cascade = spec.attentions.contains(&Attention::Cascade);
    let timed = spec.windows != WindowBy::Nothing || filter.times.is_some();
    let units = spec.cluster.units();
    let clustered = |unit: ClusterBy| units.contains(&&unit);
    let named = |column: &str| {
        units.iter().any(|unit| matches!(unit, ClusterBy::Column(name) if name == column))
            || matches!(&spec.strata, StratifyBy::Column(name) if name == column)
    };
    let is_checked = schema.rows == RowPolicy::SetAside;
    schema.restricted(|role, column| match role {
        Role::Topics if is_checked => item_topics.is_none(),
        _ if is_checked => true,
        Role::Arm | Role::Weight | Role::Count | Role::Human | Role::Inclusion => true,
        Role::Topics => item_topics.is_none(),
        Role::Item => item_topics.is_some() || clustered(ClusterBy::Item) || named(column),
        Role::Viewer => clustered(ClusterBy::Viewer) || named(column),
        Role::Session => clustered(ClusterBy::Session) || named(column),
        Role::Slate => cascade || clustered(ClusterBy::Slate) || named(column),
        Role::Stratum => spec.strata == StratifyBy::Stratum || named(column),
        Role::Position => by_rank,
        Role::Satisfaction => cascade,
        // How its times are written is how those of a filter are.
        Role::Time => timed || schema.keep.iter().any(|keep| keep.column == column),
        Role::Named => named(column),
        Role::Engagement | Role::Propensity => false,
    })
}
