//! The delete-one jackknife over clusters.

use serde::{Deserialize, Serialize};

use super::arms::index;
use super::delta::student_quantile;
use super::influence::{Score, Spread, Variance};
use super::{Case, Uncertainty};
use crate::error::Error;
use crate::estimate::{IntervalMethod, NoInterval};
use crate::statistic::Working;

/// The delete-one jackknife over clusters, with quantiles of Student's t.
///
/// The statistic is evaluated without each cluster in turn. With clusters crossed with the arms,
/// `V = (G-1)/G sum (theta_(-c) - mean)^2` with `G - 1` degrees of freedom; with clusters nested in
/// them, the sum of that over the arms, with Welch-Satterthwaite degrees (Tukey 1958; Efron and
/// Tibshirani 1993, chapter 11); with partly crossed ones, what lies between, as for
/// [`Delta`](super::Delta). The interval is made on the working scale of the statistic.
///
/// For a contrast of two shares of which one is 0 or 1 everywhere, leaving clusters out changes nothing
/// in that arm, which does not make it known: [`ShareBounds`](super::ShareBounds) are given there instead,
/// and the result says so.
///
/// Right where the delta method is, where it gives the same interval, and where that is too short:
/// with unequal clusters and with topics that few of them show, since it sees how the statistic
/// bends and how much hangs on each cluster ([`crate::guide::coverage_tables`] has the figures). It has
/// no interval where leaving a cluster out leaves no topic in an arm ([`NoInterval::LeavingOneOut`]), and for
/// a statistic over strata none where an arm shows nothing of a topic, or nothing else
/// ([`NoInterval::ShareAtLimit`]). Costs one evaluation of the statistic for each cluster.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::Jackknife;
/// use tiltmeter::{Interval, IntervalMethod};
/// let jackknife = Interval::Jackknife(Jackknife { level: 0.9 });
/// let report = Audit::of(&log, &question.topics(["sport"])).interval(jackknife).run()?;
/// assert_eq!(report.estimates()[0].method, Some(IntervalMethod::Jackknife));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Jackknife {
    /// The confidence level, in (0, 1).
    pub level: f64,
}

impl Default for Jackknife {
    /// 95%.
    fn default() -> Self {
        Self { level: 0.95 }
    }
}

impl Jackknife {
    pub(super) fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)
    }

    pub(super) fn doubt(&self, case: &Case<'_>) -> Uncertainty {
        let variance = match variance(case) {
            Ok(variance) => variance,
            Err(reason) => return Uncertainty::none(reason),
        };
        let standard_error = variance.variance.sqrt();
        let degrees = variance.degrees_of_freedom;
        let reach = student_quantile((1.0 - self.level) / 2.0, degrees) * standard_error;
        let scale = case.statistic.scale();
        Uncertainty {
            interval: Ok(scale.interval(case.at - reach, case.at + reach, self.level)),
            method: Some(IntervalMethod::Jackknife),
            standard_error: Some(standard_error),
            degrees_of_freedom: Some(degrees),
        }
    }
}

/// What leaving each cluster out does to the statistic, through either arm: a cluster of both is left out
/// of the treatment first and then of the baseline too, so that its two parts add up to leaving it out.
pub(super) fn variance(case: &Case<'_>) -> Result<Variance, NoInterval> {
    let members = case.influence.members();
    let scores = scores(case)?;
    let weighed = scores.iter().zip(members.by_cluster()).map(|(s, here)| (*s, *here, 1.0));
    let factors = members.factors(|clusters| (clusters - 1.0) / clusters);
    Spread::of(weighed, factors).variance(members, case.influence.of_baseline())
}

/// The terms of which that variance is the sum of squares, by cluster, with the variance.
pub(super) fn terms(case: &Case<'_>) -> Result<(Vec<f64>, Variance), NoInterval> {
    let members = case.influence.members();
    let scores = scores(case)?;
    let weighed = scores.iter().zip(members.by_cluster()).map(|(s, here)| (*s, *here, 1.0));
    let factors = members.factors(|clusters| (clusters - 1.0) / clusters);
    let variance = Spread::of(weighed.clone(), factors).variance(members, 0.0)?;
    Ok((Spread::terms(weighed, factors), variance))
}

fn scores(case: &Case<'_>) -> Result<Vec<Score>, NoInterval> {
    let members = case.influence.members();
    if members.has_single() {
        return Err(NoInterval::SingleCluster);
    }
    let left_out = LeftOut::of(case);
    let mut scores = Vec::with_capacity(members.by_cluster().len());
    for (cluster, here) in members.by_cluster().iter().enumerate() {
        let mut score = Score::default();
        let mut before = case.at;
        for side in [0, 1] {
            if here[side] {
                let now = left_out.without(cluster, side, *here)?;
                score.of[side] = now - before;
                // Equal values differ by rounding only.
                score.sizes[side] = 4.0 * now.abs();
                before = now;
            }
        }
        scores.push(score);
    }
    Ok(scores)
}

/// The statistic without a cluster.
struct LeftOut<'c, 'a> {
    case: &'c Case<'a>,
    sides: Vec<usize>,
}

impl<'c, 'a> LeftOut<'c, 'a> {
    fn of(case: &'c Case<'a>) -> Self {
        let cells = case.contributions.summary().cells();
        Self { case, sides: cells.iter().map(|cell| index(cell.side)).collect() }
    }

    /// Without its part of this arm, and of the other where that was left out before.
    fn without(&self, cluster: usize, side: usize, here: [bool; 2]) -> Result<f64, NoInterval> {
        let totals = self.case.contributions.totals();
        let columns = self.case.contributions.columns();
        let cells = self.sides.iter().zip(totals).zip(columns);
        let rest = cells.map(|((&of, &total), column)| {
            let out = of == side || (side == 1 && here[0] && of == 0);
            if out { without(total, column[cluster]) } else { total }
        });
        match self.case.statistic.value(&rest.collect::<Vec<_>>()) {
            Working::Finite(value) => Ok(value),
            _ => Err(NoInterval::LeavingOneOut),
        }
    }
}

/// A total less one cluster's part of it, with what is only rounding set to zero.
fn without(total: f64, part: f64) -> f64 {
    let rest = total - part;
    if rest.abs() <= 8.0 * f64::EPSILON * total.abs() { 0.0 } else { rest }
}
