//! Shares that labels by hand correct: contributions whose sums are the corrected shares, and whose residuals are each
//! cluster's influence on them, so that whatever works on contributions knows what labelling adds to doubt.

use super::arms::{ArmBlock, ArmCells};
use super::question::TopicQuestion;
use crate::error::Error;
use crate::estimate::{ArmLabels, ArmTotals, FEW_LABELS, Warning};
use crate::question::correction::Correction;
use crate::question::estimand::{Denominator, Unit};
use crate::statistic::{Cell, Over, Quantity, Side, Statistic, Undefined, Working};
use crate::tally::Tally;
use crate::tally::labelled::{Labelling, obstacle};

/// What was labelled by hand in one arm, by cluster of the contributions: masses over inclusion probabilities.
struct InArm {
    predicted: Vec<f64>,
    by_hand: Vec<f64>,
    both: Vec<f64>,
    all: Vec<f64>,
    rows: u64,
    with_topic: u64,
    with_prediction: u64,
}

/// The corrected share of an arm, as a function of `lambda`, with what each cluster adds to it: `share + lambda
/// moved`, `of_share + lambda of_moved`. What clusters add sums to 0.
struct Corrected {
    share: f64,
    moved: f64,
    of_share: Vec<f64>,
    of_moved: Vec<f64>,
    /// The variance that rows of one prediction have which hands found all alike, and so do not show.
    unseen: f64,
}

/// What corrections make of contributions.
pub(super) struct Correcting {
    /// By cell of the statistic, that of each cluster.
    pub(super) columns: Vec<Vec<f64>>,
    /// Why there are no corrected shares; the columns are then those that there were.
    pub(super) undefined: Option<Undefined>,
    /// By arm that the statistic needs, what labels said.
    pub(super) arms: [Option<ArmLabels>; 2],
}

/// Refuses what labels by hand cannot correct.
pub(super) fn check(
    tally: &Tally,
    question: &TopicQuestion<'_>,
    statistic: &dyn Statistic,
) -> Result<(), Error> {
    let Some(correction) = question.correction else { return Ok(()) };
    let refuse = |parameter, value: String, expected| {
        let value = format!("{value}, with labels corrected by hand");
        Err(Error::Parameter { parameter, value, expected })
    };
    let is_of_shares = |cell: &Cell| {
        cell.over == Over::AllStrata && !matches!(cell.quantity, Quantity::OtherTopic(_))
    };
    if !statistic.cells(2).iter().all(is_of_shares) || statistic.is_of_counts() {
        let expected = "one of the topic's shares in two arms: amplification_ratio, log_ratio, \
                        percent_amplification, difference, odds_ratio; or the share of one arm";
        return refuse("the statistic", statistic.name().to_owned(), expected);
    }
    if !matches!(question.unit, Unit::Pooled | Unit::ClusterMean) {
        let expected =
            "pooled or cluster_mean: whom a topic reached is not known where labels may be wrong";
        return refuse("the unit", question.unit.to_string(), expected);
    }
    if question.denominator != Denominator::AllImpressions {
        let expected = "all impressions: which are tagged is what labels may be wrong about";
        return refuse("the denominator", "tagged impressions".to_owned(), expected);
    }
    match (tally.labelled(), obstacle(tally.spec())) {
        (Some(_), _) => Ok(()),
        (None, Some(what)) => refuse(
            "the question",
            what.to_owned(),
            "another --cluster, --attention or --multi-label",
        ),
        (None, None) => Err(Error::NoLabels { correction: correction.to_string() }),
    }
}

impl InArm {
    /// Of the clusters at these places of a tally.
    fn of(
        tally: &Tally,
        labelled: &Tally,
        (question, arm, attention): (&TopicQuestion<'_>, &str, usize),
        places: &[u32],
    ) -> Self {
        // By cluster of what was labelled, its place among those that are asked about.
        let place = |key| {
            let at = tally.keys().binary_search(key).ok()?;
            places.binary_search(&(at as u32)).ok()
        };
        let at: Vec<Option<usize>> = labelled.keys().iter().map(place).collect();
        let mut rows = [0; 3];
        let mut column = |labelling: Option<Labelling>| {
            let name = labelling.map_or_else(String::new, |its| its.name(question.topic));
            let cells =
                ArmCells::where_any(labelled, &TopicQuestion { topic: &name, ..*question }, arm);
            let mut values = vec![0.0; places.len()];
            let mut sums = ArmBlock::default();
            for block in 0..labelled.block_count() {
                let strata = 0..cells.strata().len();
                sums.load(labelled, block, attention, (&cells, strata));
                let of = if labelling.is_some() { &sums.topic } else { &sums.all };
                match labelling {
                    None => rows[0] += of.total().count,
                    Some(Labelling::ByHand) => rows[1] += of.total().count,
                    Some(Labelling::Predicted) => rows[2] += of.total().count,
                    Some(Labelling::Both) => {}
                }
                for (at, &place) in at[labelled.block_clusters(block)].iter().enumerate() {
                    if let Some(place) = place {
                        values[place] = of.mass(at);
                    }
                }
            }
            values
        };
        let predicted = column(Some(Labelling::Predicted));
        let by_hand = column(Some(Labelling::ByHand));
        let both = column(Some(Labelling::Both));
        let all = column(None);
        Self {
            predicted,
            by_hand,
            both,
            all,
            rows: rows[0],
            with_topic: rows[1],
            with_prediction: rows[2],
        }
    }
}

impl InArm {
    /// How many rows were labelled that are predicted to have the topic, and of the rest; with the part of them in which
    /// hands find it.
    fn kinds(&self) -> [(f64, f64); 2] {
        let (all, predicted, both) = (sum(&self.all), sum(&self.predicted), sum(&self.both));
        let rest = (self.rows - self.with_prediction) as f64;
        let found = sum(&self.by_hand) - both;
        [(self.with_prediction as f64, both / predicted), (rest, found / (all - predicted))]
    }

    /// Whether there is something of a kind, and nothing of it was labelled.
    fn lacks_a_kind(&self, predicted: f64) -> bool {
        let [(with, _), (without, _)] = self.kinds();
        predicted > 0.0 && with == 0.0 || predicted < 1.0 && without == 0.0
    }

    /// The variance of the share from rows of a kind that hands found all alike: as if one more had the topic and one
    /// had not.
    fn unseen(&self, predicted: f64) -> f64 {
        let parts = self.kinds().into_iter().zip([predicted, 1.0 - predicted]);
        let alike = parts.filter(|((rows, rate), part)| {
            *part > 0.0 && *rows > 0.0 && (*rate <= 1e-12 || *rate >= 1.0 - 1e-12)
        });
        let varies = |((rows, _), part): ((f64, f64), f64)| {
            part * part * (rows + 1.0) / ((rows + 2.0) * (rows + 2.0)) / rows
        };
        alike.map(varies).sum()
    }

    /// How often predictions are what hands say.
    fn agreement(&self) -> ArmLabels {
        let all = sum(&self.all);
        let [found, predicted, both] =
            [&self.by_hand, &self.predicted, &self.both].map(|column| sum(column) / all);
        let over = |above: f64, below: f64| (below > 0.0).then(|| above / below);
        let apart = found + predicted - 2.0 * both;
        let by_chance = found * predicted + (1.0 - found) * (1.0 - predicted);
        let values = 2.0 * self.rows as f64;
        let either = f64::midpoint(found, predicted);
        // Of two values of all that either gave, how often they differ.
        let differ = 2.0 * either * (1.0 - either) * values / (values - 1.0);
        ArmLabels {
            rows: self.rows,
            with_topic: self.with_topic,
            stands_for: 0.0,
            predicted: None,
            sensitivity: over(both, found),
            specificity: over(1.0 - found - predicted + both, 1.0 - found),
            kappa: over(1.0 - apart - by_chance, 1.0 - by_chance),
            alpha: over(differ - apart, differ),
            lambda: None,
        }
    }

    /// By cluster what each says of its share, where that is asked for, given its mass.
    fn in_unit(mut self, unit: Unit, all: &[f64]) -> Self {
        if unit == Unit::ClusterMean {
            let columns = [&mut self.predicted, &mut self.by_hand, &mut self.both, &mut self.all];
            for column in columns {
                let of_arm = column.iter_mut().zip(all).filter(|(_, all)| **all > 0.0);
                of_arm.for_each(|(labelled, all)| *labelled /= all);
            }
        }
        self
    }
}

/// The sum over clusters.
fn sum(column: &[f64]) -> f64 {
    super::lanes::compensated_sum(column)
}

/// What each cluster adds to a ratio of sums.
fn of_ratio(above: &[f64], below: &[f64]) -> (f64, Vec<f64>) {
    let (all, ratio) = (sum(below), sum(above) / sum(below));
    let parts = above.iter().zip(below).map(|(above, below)| (above - ratio * below) / all);
    (ratio, parts.collect())
}

/// One column less another.
fn less(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one - other).collect()
}

impl Corrected {
    /// From the predicted topic and all of each cluster, in the unit of the question.
    fn of(
        correction: Correction,
        (topic, all): (&[f64], &[f64]),
        labels: &InArm,
    ) -> Result<Self, Undefined> {
        let (predicted, of_predicted) = of_ratio(topic, all);
        if sum(&labels.all) <= 0.0 || labels.lacks_a_kind(predicted) {
            return Err(Undefined::NothingLabelled);
        }
        let unseen = labels.unseen(predicted);
        if correction == Correction::RoganGladen {
            return Self::rogan_gladen((predicted, of_predicted), labels, unseen);
        }
        let (found, of_found) = of_ratio(&labels.by_hand, &labels.all);
        let (there, of_there) = of_ratio(&labels.predicted, &labels.all);
        Ok(Self {
            share: found,
            moved: predicted - there,
            of_share: of_found,
            of_moved: less(&of_predicted, &of_there),
            unseen,
        })
    }

    /// `S = (F - q)/(p - q)`, `p` and `q` the chances that a topic that is there, or is not, is predicted.
    fn rogan_gladen(
        (predicted, of_predicted): (f64, Vec<f64>),
        labels: &InArm,
        unseen: f64,
    ) -> Result<Self, Undefined> {
        let without = less(&labels.all, &labels.by_hand);
        if sum(&labels.by_hand) <= 0.0 || sum(&without) <= 0.0 {
            return Err(Undefined::LabelsAllAlike);
        }
        let (right, of_right) = of_ratio(&labels.both, &labels.by_hand);
        let (wrong, of_wrong) = of_ratio(&less(&labels.predicted, &labels.both), &without);
        let apart = right - wrong;
        if apart <= 0.0 {
            return Err(Undefined::PredictionsSayNothing);
        }
        let share = (predicted - wrong) / apart;
        let parts = of_predicted.iter().zip(of_right.iter().zip(&of_wrong));
        let of_share =
            parts.map(|(f, (p, q))| (f - share * p - (1.0 - share) * q) / apart).collect();
        let of_moved = vec![0.0; of_predicted.len()];
        Ok(Self { share, moved: 0.0, of_share, of_moved, unseen: unseen / (apart * apart) })
    }

    /// The share, if it is one.
    fn at(&self, lambda: f64) -> Result<f64, Undefined> {
        let share = self.share + lambda * self.moved;
        if share > 0.0 && share < 1.0 { Ok(share) } else { Err(Undefined::CorrectedOutOfRange) }
    }

    /// The topic of each cluster, so that all together have the share and each moves it as it does.
    fn topics(&self, all: &[f64], lambda: f64) -> Vec<f64> {
        let (share, total) = (self.share + lambda * self.moved, sum(all));
        let seen: f64 = self
            .of_share
            .iter()
            .zip(&self.of_moved)
            .map(|(of_share, of_moved)| (of_share + lambda * of_moved).powi(2))
            .sum();
        // What is not seen is given to all clusters in proportion.
        let total = match seen > 0.0 {
            true => total * (1.0 + self.unseen / seen).sqrt(),
            false => total,
        };
        let parts = self.of_share.iter().zip(&self.of_moved).zip(all);
        parts
            .map(|((of_share, of_moved), n)| share * n + total * (of_share + lambda * of_moved))
            .collect()
    }
}

/// Contributions in the unit of the question: those of the pooled masses, or each cluster's share and a 1.
fn in_unit(unit: Unit, topic: &[f64], all: &[f64]) -> (Vec<f64>, Vec<f64>) {
    if unit != Unit::ClusterMean {
        return (topic.to_vec(), all.to_vec());
    }
    let is_of_arm = |n: &f64| *n > 0.0;
    let shares = topic.iter().zip(all).map(|(x, n)| if is_of_arm(n) { x / n } else { 0.0 });
    (shares.collect(), all.iter().map(|n| f64::from(u8::from(is_of_arm(n)))).collect())
}

/// Corrects the contributions of pooled masses, by cell, of the clusters at these places. `tuned` is what was found
/// before, for the same log clustered otherwise.
pub(super) fn corrected(
    tally: &Tally,
    (question, statistic): (&TopicQuestion<'_>, &dyn Statistic),
    (cells, columns, places): (&[Cell], Vec<Vec<f64>>, &[u32]),
    tuned: Option<[Option<ArmLabels>; 2]>,
) -> Result<Correcting, Error> {
    let (Some(correction), Some(labelled)) = (question.correction, tally.labelled()) else {
        return Ok(Correcting { columns, undefined: None, arms: [None; 2] });
    };
    let attention = tally.attention(question.attention)?;
    let names = [Some(question.treatment), question.baseline.of_tally().ok()];
    let at = |side, quantity| {
        cells.iter().position(|cell| cell.side == side && cell.quantity == quantity)
    };
    let mut arms = [None; 2];
    let mut made = Vec::new();
    let mut undefined = None;
    for (index, side) in [Side::Treatment, Side::Baseline].into_iter().enumerate() {
        let Some((topic, all)) = at(side, Quantity::Topic).zip(at(side, Quantity::All)) else {
            continue;
        };
        let Some(name) = names[index] else { continue };
        let labels = InArm::of(tally, labelled, (question, name, attention), places);
        let (shares, weights) = in_unit(question.unit, &columns[topic], &columns[all]);
        arms[index] = Some(ArmLabels {
            stands_for: sum(&labels.all) / sum(&columns[all]),
            predicted: (sum(&weights) > 0.0).then(|| sum(&shares) / sum(&weights)),
            ..labels.agreement()
        });
        let labels = labels.in_unit(question.unit, &columns[all]);
        match Corrected::of(correction, (&shares, &weights), &labels) {
            Ok(corrected) => made.push((index, [topic, all], corrected, weights)),
            Err(reason) => undefined = undefined.or(Some(reason)),
        }
    }
    if undefined.is_some() {
        return Ok(Correcting { columns, undefined, arms });
    }
    let lambdas = match tuned {
        Some(tuned) => tuned.map(|arm| arm.and_then(|arm| arm.lambda).unwrap_or(0.0)),
        None => lambdas(correction, statistic, cells, &made),
    };
    let mut columns = columns;
    for (index, [topic, all], corrected, weights) in made {
        let lambda = lambdas[index];
        if let (Some(arm), false) = (&mut arms[index], correction == Correction::RoganGladen) {
            arm.lambda = Some(lambda);
        }
        if let Err(reason) = corrected.at(lambda) {
            undefined = undefined.or(Some(reason));
        }
        columns[topic] = corrected.topics(&weights, lambda);
        columns[all] = weights;
    }
    Ok(Correcting { columns, undefined, arms })
}

/// An arm's number, its columns, its corrected share and the columns' weights.
type Made = (usize, [usize; 2], Corrected, Vec<f64>);

/// How much predictions count in each arm.
fn lambdas(
    correction: Correction,
    statistic: &dyn Statistic,
    cells: &[Cell],
    made: &[Made],
) -> [f64; 2] {
    match correction {
        Correction::Ppi => {}
        Correction::Dsl => return [1.0; 2],
        Correction::RoganGladen | Correction::HandAlone => return [0.0; 2],
    }
    // How fast the statistic moves with either share: at what hands found, or where that is no share, in equal parts.
    let mut totals = vec![0.0; cells.len()];
    for (_, [topic, all], corrected, _) in made {
        totals[*topic] = corrected.share;
        totals[*all] = 1.0;
    }
    let inside = made.iter().all(|(_, _, corrected, _)| corrected.at(0.0).is_ok());
    let slopes = match statistic.value(&totals) {
        Working::Finite(_) if inside => statistic.gradient(&totals),
        _ => vec![1.0; cells.len()],
    };
    let mut lambdas = [0.0; 2];
    let moves = |its: &Made| {
        let (_, [topic, _], corrected, _) = its;
        corrected.of_moved.iter().map(|part| slopes[*topic] * part).collect::<Vec<f64>>()
    };
    let rest: Vec<Vec<f64>> = made
        .iter()
        .map(|(_, [topic, _], corrected, _)| {
            corrected.of_share.iter().map(|part| slopes[*topic] * part).collect()
        })
        .collect();
    let moves: Vec<Vec<f64>> = made.iter().map(moves).collect();
    let product =
        |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let against: Vec<f64> =
        moves.iter().map(|moves| rest.iter().map(|rest| product(moves, rest)).sum()).collect();
    match &moves[..] {
        [one] => lambdas[made[0].0] = least(product(one, one), against[0]),
        [one, two] => {
            let [a, b, both] = [product(one, one), product(two, two), product(one, two)];
            lambdas = least_of_two([a, b], both, [against[0], against[1]]);
        }
        _ => {}
    }
    lambdas
}

/// What makes `a l^2 + 2 c l` least, from 0 to 1.
fn least(a: f64, c: f64) -> f64 {
    if a > 0.0 { (-c / a).clamp(0.0, 1.0) } else { 0.0 }
}

/// What makes `a l^2 + b m^2 + 2 both l m + 2 c l + 2 d m` least, each from 0 to 1: where the least is outside, it is on
/// an edge.
fn least_of_two([a, b]: [f64; 2], both: f64, [c, d]: [f64; 2]) -> [f64; 2] {
    let value = |[l, m]: [f64; 2]| a * l * l + b * m * m + 2.0 * (both * l * m + c * l + d * m);
    let inner = a * b - both * both;
    let free = [(both * d - b * c) / inner, (both * c - a * d) / inner];
    let is_inside = |its: f64| (0.0..=1.0).contains(&its);
    if inner > 1e-12 * a * b && free.into_iter().all(is_inside) {
        return free;
    }
    let edges = [0.0, 1.0]
        .into_iter()
        .flat_map(|end| [[end, least(b, d + both * end)], [least(a, c + both * end), end]]);
    edges.min_by(|one, other| value(*one).total_cmp(&value(*other))).unwrap_or([0.0; 2])
}

/// What a pilot says of an arm, of what is predicted to have the topic and of the rest.
pub(super) struct PilotArm {
    pub(super) impressions: [u64; 2],
    /// Parts of the arm's mass.
    pub(super) parts: [f64; 2],
    pub(super) labels: [u64; 2],
    /// In what part hands find the topic.
    pub(super) with_topic: [f64; 2],
}

/// What a pilot says of both arms, given the places of its clusters and what is shown as predicted.
pub(super) fn of_pilot(
    tally: &Tally,
    question: &TopicQuestion<'_>,
    (places, shown): (&[u32], [ArmTotals; 2]),
) -> Result<[PilotArm; 2], Error> {
    let attention = tally.attention(question.attention)?;
    let none = || Error::NoLabels {
        correction:
            "a plan (of rows that are predicted to have the topic, and of others, in either arm)"
                .to_owned(),
    };
    let labelled = tally.labelled().ok_or_else(none)?;
    let arm = |shown: ArmTotals, name: &str| {
        let labels = InArm::of(tally, labelled, (question, name, attention), places);
        let share = shown.share.unwrap_or(0.0);
        let (predicted, both) = (sum(&labels.predicted), sum(&labels.both));
        let rest = sum(&labels.all) - predicted;
        if predicted <= 0.0 || rest <= 0.0 {
            return Err(none());
        }
        Ok(PilotArm {
            impressions: [shown.topic_impressions, shown.impressions - shown.topic_impressions],
            parts: [share, 1.0 - share],
            labels: [labels.with_prediction, labels.rows - labels.with_prediction],
            with_topic: [both / predicted, (sum(&labels.by_hand) - both) / rest],
        })
    };
    let [treatment, baseline] = shown;
    let treatment = arm(treatment, question.treatment)?;
    Ok([treatment, arm(baseline, question.baseline.of_tally()?)?])
}

/// What to know of labels by hand.
pub(super) fn warnings(arms: [Option<ArmLabels>; 2]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let sides = [Side::Treatment, Side::Baseline].into_iter().zip(arms);
    for (side, arm) in sides.filter_map(|(side, arm)| Some((side, arm?))) {
        let ArmLabels { rows, with_topic, stands_for, .. } = arm;
        let without_topic = rows - with_topic;
        if with_topic.min(without_topic) < FEW_LABELS {
            warnings.push(Warning::FewLabels { side, with_topic, without_topic });
        }
        // Where each row is chosen by a toss of its own, the part varies by about one over the root of their number.
        let by_chance = 4.0 / (rows as f64).sqrt();
        if rows > 0 && (stands_for - 1.0).abs() > by_chance.max(0.1) {
            warnings.push(Warning::LabelsNotByDesign { side, stands_for });
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a fine grid, for forms whose least is inside, on an edge and in a corner.
    #[test]
    fn the_least_is_found() {
        for ([a, b], both, [c, d]) in [
            ([2.0, 3.0], 0.5, [-1.0, -1.2]),
            ([2.0, 3.0], -1.5, [-3.0, 0.4]),
            ([1.0, 1.0], 0.9, [1.0, 2.0]),
            ([1.0, 0.0], 0.0, [-0.3, 0.0]),
        ] {
            let value =
                |l: f64, m: f64| a * l * l + b * m * m + 2.0 * (both * l * m + c * l + d * m);
            let [l, m] = least_of_two([a, b], both, [c, d]);
            let grid = (0..=200).flat_map(|at| (0..=200).map(move |and| (at, and)));
            let least = grid
                .map(|(at, and)| value(f64::from(at) / 200.0, f64::from(and) / 200.0))
                .fold(f64::INFINITY, f64::min);
            assert!(value(l, m) <= least + 1e-12, "{l} {m}: {} above {least}", value(l, m));
        }
    }
}
