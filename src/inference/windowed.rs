//! An arm's share within one window of a tally.

use super::contribution::Contributions;
use super::question::TopicQuestion;
use super::{Case, ShareBounds, Uncertainty, one_sided, reported};
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
/// impressions alone would say with [`ShareBounds`].
///
/// # Errors
/// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`], and a unit that a share has no
/// meaning in.
pub(crate) fn share_in_window(
    tally: &Tally,
    question: &TopicQuestion<'_>,
    window: usize,
    method: &ShareBounds,
) -> Result<Share, Error> {
    let statistic = TreatmentShare;
    method.check()?;
    crate::statistic::check_unit(&statistic, question.unit)?;
    let within = Contributions::of_window(tally, question, &statistic, window)?;
    let working = statistic.value(within.totals());
    let doubt = match working {
        Working::Finite(at) => {
            let case = Case::new(&statistic, at, tally.keys(), &within);
            method.doubt(&case)
        }
        Working::Undefined(_) => Uncertainty::none(NoInterval::UndefinedValue),
        Working::Above | Working::Below => one_sided(&statistic, &within, method),
    };
    Ok(Share {
        value: reported(working, statistic.scale()),
        interval: doubt.interval,
        totals: within.arm(Side::Treatment),
        clusters: within.clusters().treatment,
    })
}
