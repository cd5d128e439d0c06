//! What is said of a group, as functions of totals with their gradients: its own ratio, its members', and
//! the parts of the one in terms of the others. All of them want the same totals.

use super::ZeroMembers;
use crate::statistic::{Cell, Over, Quantity, Scale, Side, Statistic, TwoArms, Undefined, Working};

/// Totals before those of the members: of all impressions and of the group as a whole, in both arms.
const BEFORE: usize = 4;

/// A function of the totals of a group: of all impressions in treatment and baseline, of the group in
/// both, then of each member in both.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) kind: Kind,
    /// By member, whether it counts: in means those with a finite ratio, in parts those of both arms.
    pub(super) counted: Vec<bool>,
    pub(super) zeros: ZeroMembers,
}

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The group's ratio.
    Group,
    /// The geometric mean of the members' ratios.
    Mean,
    /// The same, weighted by their totals in the baseline.
    WeightedMean,
    /// The logarithm of the group's ratio less the mean of its members'.
    Gap,
    /// The mean of the members' log ratios.
    Members,
    /// What is added by members with more exposure being shown more.
    Weight,
    /// What is added by members of one arm only.
    Turnover,
    /// What is added by members reaching the same clusters.
    Overlap,
}

/// A term of the logarithm of a share of totals: `slope ln(sum of totals)`.
type Logs = Vec<(f64, Vec<usize>)>;

impl Level {
    fn members(&self) -> Vec<usize> {
        (0..self.counted.len()).collect()
    }

    fn counted(&self) -> Vec<usize> {
        self.members().into_iter().filter(|&member| self.counted[member]).collect()
    }

    /// What is added to a member's total, and twice to that of all impressions.
    fn half(&self) -> f64 {
        match (self.kind, self.zeros) {
            (Kind::Mean | Kind::WeightedMean | Kind::Gap, ZeroMembers::HalfAdded) => 0.5,
            _ => 0.0,
        }
    }

    /// The function as a sum of logarithms of sums of totals. Shares need no overall total where they
    /// are shares of one another.
    fn logs(&self) -> Logs {
        let of = |members: &[usize], side: usize| -> Vec<usize> {
            members.iter().map(|member| BEFORE + 2 * member + side).collect()
        };
        let ratio =
            |up: Vec<usize>, down: Vec<usize>, slope: f64| vec![(slope, up), (-slope, down)];
        let group = || [ratio(vec![2], vec![0], 1.0), ratio(vec![3], vec![1], -1.0)].concat();
        let (all, counted) = (self.members(), self.counted());
        let sums = |members: &[usize], slope: f64| ratio(of(members, 0), of(members, 1), slope);
        let mean = |slope: f64| -> Logs {
            let each = slope / counted.len() as f64;
            counted.iter().flat_map(|&member| sums(&[member], each)).collect()
        };
        let overall = |slope: f64| ratio(vec![1], vec![0], slope);
        match self.kind {
            Kind::Group => group(),
            Kind::Mean | Kind::Members | Kind::WeightedMean => [mean(1.0), overall(1.0)].concat(),
            Kind::Gap => [group(), mean(-1.0), overall(-1.0)].concat(),
            Kind::Weight => [sums(&counted, 1.0), mean(-1.0)].concat(),
            // In this order nothing is left of equal sums.
            Kind::Turnover => [0, 1]
                .map(|side: usize| {
                    let slope = if side == 0 { 1.0 } else { -1.0 };
                    ratio(of(&all, side), of(&counted, side), slope)
                })
                .concat(),
            Kind::Overlap => [ratio(vec![2], vec![3], 1.0), sums(&all, -1.0)].concat(),
        }
    }

    /// A sum of totals, with what is added to it.
    fn sum(&self, totals: &[f64], of: &[usize]) -> f64 {
        let is_members = of.iter().all(|&at| at >= BEFORE);
        let is_overall = of.iter().all(|&at| at < 2);
        // The group's own ratio has nothing added.
        let added = match self.kind {
            Kind::Mean | Kind::WeightedMean if is_overall => 2.0 * self.half(),
            _ if is_members && of.len() == 1 => self.half(),
            _ => 0.0,
        };
        of.iter().map(|&at| totals[at]).sum::<f64>() + added
    }

    /// The overall totals of means with a half added are others than the group's.
    fn overall_of_gap(&self, totals: &[f64]) -> f64 {
        if self.kind != Kind::Gap || self.half() <= 0.0 {
            return 0.0;
        }
        let more = 2.0 * self.half();
        ((totals[1] / (totals[1] + more)) / (totals[0] / (totals[0] + more))).ln()
    }

    /// The weighted mean: its value and each member's weight and log ratio.
    fn weighted(&self, totals: &[f64]) -> Option<(f64, Vec<[f64; 2]>)> {
        let counted = self.counted();
        let baseline = |member: usize| totals[BEFORE + 2 * member + 1];
        let whole: f64 = counted.iter().map(|&member| baseline(member)).sum();
        if whole <= 0.0 {
            return None;
        }
        let ratio = |member: usize| self.log_ratio(totals, member);
        let terms = counted.iter().map(|&member| [baseline(member) / whole, ratio(member)]);
        let terms: Vec<[f64; 2]> = terms.collect();
        let mean = terms.iter().map(|[weight, ratio]| weight * ratio).sum();
        Some((mean, terms))
    }

    fn log_ratio(&self, totals: &[f64], member: usize) -> f64 {
        let share = |side: usize| {
            (totals[BEFORE + 2 * member + side] + self.half()) / (totals[side] + 2.0 * self.half())
        };
        (share(0) / share(1)).ln()
    }
}

impl Statistic for Level {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Group => "group_ratio",
            Kind::Mean => "mean_member_ratio",
            Kind::WeightedMean => "weighted_mean_member_ratio",
            Kind::Gap => "group_less_members",
            Kind::Members => "members_part",
            Kind::Weight => "weight_part",
            Kind::Turnover => "turnover_part",
            Kind::Overlap => "overlap_part",
        }
    }

    fn phrase(&self) -> &'static str {
        "a part of the logarithm of a group's ratio"
    }

    fn cells(&self, _strata: usize) -> Vec<Cell> {
        let sides = [Side::Treatment, Side::Baseline];
        let all = sides.map(|side| Cell::over_all(side, Quantity::All));
        let group = sides.map(|side| Cell::over_all(side, Quantity::Topic));
        // Members stand where strata would.
        let member = |at: usize| {
            sides.map(|side| Cell { side, quantity: Quantity::Topic, over: Over::Stratum(at) })
        };
        let members = (0..self.counted.len()).flat_map(member);
        all.into_iter().chain(group).chain(members).collect()
    }

    fn scale(&self) -> Scale {
        match self.kind {
            Kind::Group | Kind::Mean | Kind::WeightedMean => Scale::Log,
            _ => Scale::Linear,
        }
    }

    fn value(&self, totals: &[f64]) -> Working {
        let arms = [totals[2], totals[0], totals[3], totals[1]];
        if let Err(reason) = TwoArms::from_totals(&arms).shares() {
            return Working::Undefined(reason);
        }
        if self.kind != Kind::Group && self.counted().is_empty() {
            return Working::Undefined(Undefined::NoMemberInBothArms);
        }
        let logs = self.logs();
        let (mut above, mut below) = (false, false);
        let mut value = self.overall_of_gap(totals);
        for (slope, of) in &logs {
            let sum = self.sum(totals, of);
            if sum > 0.0 {
                value += slope * sum.ln();
            } else {
                above |= *slope < 0.0;
                below |= *slope > 0.0;
            }
        }
        match (above, below) {
            (true, true) if self.kind == Kind::Group => {
                Working::Undefined(Undefined::TopicInNeitherArm)
            }
            (true, true) => Working::Undefined(Undefined::NoMemberInBothArms),
            (true, false) => Working::Above,
            (false, true) => Working::Below,
            (false, false) if self.kind == Kind::WeightedMean => match self.weighted(totals) {
                Some((mean, _)) => Working::Finite(mean),
                None => Working::Undefined(Undefined::NoMemberInBothArms),
            },
            (false, false) => Working::Finite(value),
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; totals.len()];
        if self.kind == Kind::WeightedMean {
            return self.weighted_gradient(totals, gradient);
        }
        for (slope, of) in self.logs() {
            let sum = self.sum(totals, &of);
            of.iter().for_each(|&at| gradient[at] += slope / sum);
        }
        if self.kind == Kind::Gap && self.half() > 0.0 {
            let more = 2.0 * self.half();
            gradient[1] += 1.0 / totals[1] - 1.0 / (totals[1] + more);
            gradient[0] -= 1.0 / totals[0] - 1.0 / (totals[0] + more);
        }
        gradient
    }
}

impl Level {
    fn weighted_gradient(&self, totals: &[f64], mut gradient: Vec<f64>) -> Vec<f64> {
        let Some((mean, terms)) = self.weighted(totals) else { return gradient };
        let counted = self.counted();
        let whole: f64 = counted.iter().map(|member| totals[BEFORE + 2 * member + 1]).sum();
        for (member, [weight, ratio]) in counted.into_iter().zip(terms) {
            let [a, b] = [0, 1].map(|side: usize| BEFORE + 2 * member + side);
            gradient[a] += weight / (totals[a] + self.half());
            gradient[b] += (ratio - mean) / whole - weight / (totals[b] + self.half());
        }
        gradient[0] -= 1.0 / (totals[0] + 2.0 * self.half());
        gradient[1] += 1.0 / (totals[1] + 2.0 * self.half());
        gradient
    }
}

/// The logarithmic mean of two positive numbers, `(x - y) / (ln x - ln y)`.
pub(super) fn logarithmic_mean(x: f64, y: f64) -> f64 {
    let log = (x / y).ln();
    // Near x = y the quotient loses its digits; there it is x (1 - log/2 + log^2/6).
    if log.abs() < 1e-5 { x * (1.0 - log / 2.0 + log * log / 6.0) } else { (x - y) / log }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 8] = [
        Kind::Group,
        Kind::Mean,
        Kind::WeightedMean,
        Kind::Gap,
        Kind::Members,
        Kind::Weight,
        Kind::Turnover,
        Kind::Overlap,
    ];

    fn number(working: Working) -> f64 {
        match working {
            Working::Finite(value) => value,
            other => panic!("{other:?}"),
        }
    }

    /// Central differences, at totals in which one member is in the baseline alone and the group's own
    /// total is not the sum of its members', as for reach.
    #[test]
    fn gradients_are_derivatives() {
        let totals = [90.0, 120.0, 21.0, 30.0, 12.0, 8.0, 5.0, 15.0, 0.25, 7.0, 9.0, 4.0];
        for kind in KINDS {
            for zeros in [ZeroMembers::LeftOut, ZeroMembers::HalfAdded] {
                let level = Level { kind, counted: vec![true, true, false, true], zeros };
                let gradient = level.gradient(&totals);
                for at in 0..totals.len() {
                    let step = 1e-5 * totals[at];
                    let moved = |step: f64| {
                        let mut moved = totals;
                        moved[at] += step;
                        number(level.value(&moved))
                    };
                    let numeric = (moved(step) - moved(-step)) / (2.0 * step);
                    let error = (gradient[at] - numeric).abs();
                    assert!(error < 1e-8, "{kind:?} {zeros:?} by {at}: {} {numeric}", gradient[at]);
                }
            }
        }
    }

    /// The parts add up to the group's log ratio, and the gap is all of them but the members'.
    #[test]
    fn parts_add_up() {
        let totals = [90.0, 120.0, 21.0, 30.0, 12.0, 8.0, 5.0, 15.0, 0.0, 7.0, 9.0, 4.0];
        let of = |kind| {
            let level =
                Level { kind, counted: vec![true, true, false, true], zeros: ZeroMembers::LeftOut };
            number(level.value(&totals))
        };
        let rest = of(Kind::Weight) + of(Kind::Turnover) + of(Kind::Overlap);
        assert!((of(Kind::Members) + rest - of(Kind::Group)).abs() < 1e-14);
        assert!((rest - of(Kind::Gap)).abs() < 1e-14);
        // By hand: (21/90) / (30/120).
        assert!((of(Kind::Group) - (21.0_f64 / 22.5).ln()).abs() < 1e-14);
    }

    /// `L(2, 1) = 1 / ln 2`; between geometric and arithmetic mean; the series meets the quotient.
    #[test]
    fn logarithmic_means() {
        assert!((logarithmic_mean(2.0, 1.0) - 1.0 / 2.0_f64.ln()).abs() < 1e-15);
        assert!((logarithmic_mean(3.0, 3.0) - 3.0).abs() < 1e-15);
        let near = 1.0 + 0.99e-5;
        assert!((logarithmic_mean(1.0, near) - f64::midpoint(1.0, near)).abs() < 1e-10);
    }
}
