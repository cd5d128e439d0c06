//! An arm's share within one window of a tally.

use super::contribution::{Contributions, Question};
use super::delta::{Delta, delta};
use super::influence::Influence;
use super::{Doubt, reported};
use crate::error::Error;
use crate::estimate::{ArmTotals, ConfidenceInterval, NoInterval, Value};
use crate::statistic::{Side, Statistic, TreatmentShare, Working};
use crate::tally::Tally;

/// A share within a window.
pub(crate) struct Share {
    pub(crate) value: Value,
    pub(crate) interval: Result<ConfidenceInterval, NoInterval>,
    pub(crate) totals: ArmTotals,
    pub(crate) clusters: u64,
}

/// The treatment's share within the window at this place among the axes': what an audit of the window's
/// impressions alone would say with [`Delta`].
///
/// # Errors
/// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`], and a unit that a share has no
/// meaning in.
pub(crate) fn share_in_window(
    tally: &Tally,
    question: &Question<'_>,
    window: usize,
    method: &Delta,
) -> Result<Share, Error> {
    let statistic = TreatmentShare;
    method.check()?;
    crate::statistic::check_unit(&statistic, question.unit)?;
    let within = Contributions::of_window(tally, question, &statistic, window)?;
    let working = statistic.value(within.totals());
    let doubt = match working {
        Working::Finite(at) => {
            let gradient = statistic.gradient(within.totals());
            let known = Influence::of(&gradient, &within).variance();
            delta(at, statistic.scale(), known, method)
        }
        Working::Undefined(_) => Doubt::none(NoInterval::UndefinedValue),
        Working::Above | Working::Below => Doubt::none(NoInterval::ShareAtLimit),
    };
    Ok(Share {
        value: reported(working, statistic.scale()),
        interval: doubt.interval,
        totals: within.arm(Side::Treatment),
        clusters: within.clusters().treatment,
    })
}
