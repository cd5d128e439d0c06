//! Derivatives of statistics that state none: central differences over ever smaller steps, put
//! together by Richardson's extrapolation (Ridders 1982, doi 10.1016/S0141-1195(82)80057-0).

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Cell, Quantity, Statistic, Working};

/// The widest step, as a part of the total.
const WIDEST: f64 = 1.0 / 16.0;

/// How often the step is halved, for a total above zero and for one of zero, whose scale nothing shows.
const HALVINGS: [i32; 2] = [8, 40];

/// How many extrapolations are put on one another.
const MOST_EXTRAPOLATIONS: usize = 6;

/// A derivative and how far it may be off.
#[derive(Clone, Copy, Debug)]
struct Slope {
    slope: f64,
    error: f64,
}

/// The derivative of a statistic by each total; NaN where differences show none.
///
/// Where a total of zero has none it is 0: no cluster has a part in such a total, so nothing is
/// multiplied by it.
///
/// Most statistics depend on a topic's total and on that of all by their share alone, and clusters with
/// equal shares then move nothing. What differences leave of that is their error, and would pass for
/// variation; so where the two derivatives cancel within their error, they are made to cancel.
pub(super) fn gradient<S: Statistic + ?Sized>(statistic: &S, totals: &[f64]) -> Vec<f64> {
    let largest = totals.iter().fold(0.0_f64, |most, total| most.max(total.abs()));
    let mut moved = totals.to_vec();
    let mut slopes = Vec::with_capacity(totals.len());
    for (at, &total) in totals.iter().enumerate() {
        let mut value = |total: f64| {
            moved[at] = total;
            match statistic.value(&moved) {
                Working::Finite(value) => value,
                _ => f64::NAN,
            }
        };
        slopes.push(slope(&mut value, total, if largest > 0.0 { largest } else { 1.0 }));
        moved[at] = total;
    }
    let mut gradient: Vec<f64> = slopes.iter().map(|its| its.slope).collect();
    for (topic, all) in pairs(statistic, totals.len()) {
        let [of_topic, of_all] = [topic, all].map(|at| gradient[at] * totals[at]);
        let error = [topic, all].map(|at| slopes[at].error * totals[at].abs());
        if totals[all] > 0.0 && (of_topic + of_all).abs() <= 8.0 * (error[0] + error[1]) {
            gradient[all] = -of_topic / totals[all];
        }
    }
    gradient
}

/// The places of the totals of a topic and of all in the same arm and strata.
fn pairs<S: Statistic + ?Sized>(statistic: &S, totals: usize) -> Vec<(usize, usize)> {
    let mut cells = statistic.cells(1);
    if cells.len() < totals && !cells.is_empty() {
        cells = statistic.cells(totals / cells.len());
    }
    // Where several topics are parts of one total it is no topic's alone.
    let is_other = |cell: &Cell| matches!(cell.quantity, Quantity::OtherTopic(_));
    if cells.len() != totals || cells.iter().any(is_other) {
        return Vec::new();
    }
    let alls: HashMap<Cell, usize, RandomState> = cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| cell.quantity == Quantity::All)
        .map(|(at, cell)| (*cell, at))
        .collect();
    let topics = cells.iter().enumerate().filter(|(_, cell)| cell.quantity == Quantity::Topic);
    topics
        .filter_map(|(at, cell)| {
            alls.get(&Cell { quantity: Quantity::All, ..*cell }).map(|&all| (at, all))
        })
        .collect()
}

/// The derivative by one total; by differences to one side where the other has no value.
fn slope(value: &mut impl FnMut(f64) -> f64, total: f64, largest: f64) -> Slope {
    let (size, halvings) =
        if total == 0.0 { (largest, HALVINGS[1]) } else { (total.abs(), HALVINGS[0]) };
    let steps = || (0..=halvings).map(move |nth| WIDEST * size * 0.5_f64.powi(nth));
    let mut central = |step: f64| {
        let (above, below) = (value(total + step), value(total - step));
        let rounding = f64::EPSILON * (above.abs() + below.abs()) / (2.0 * step);
        Slope { slope: (above - below) / (2.0 * step), error: rounding }
    };
    if let Some(found) = extrapolated(steps().map(&mut central), 4.0) {
        return found;
    }
    let here = value(total);
    for sign in [1.0, -1.0] {
        let one_sided = |step: f64| {
            let there = value(total + sign * step);
            let rounding = f64::EPSILON * (there.abs() + here.abs()) / step;
            Slope { slope: (there - here) / (sign * step), error: rounding }
        };
        if let Some(found) = extrapolated(steps().map(one_sided), 2.0) {
            return found;
        }
    }
    let slope = if total == 0.0 { 0.0 } else { f64::NAN };
    Slope { slope, error: 0.0 }
}

/// The best of differences over halved steps and of what is extrapolated from them to no step at all.
/// Each extrapolation takes away one more power of the step, which falls by `factor` when the step is
/// halved. Steps without a value begin anew.
fn extrapolated(differences: impl Iterator<Item = Slope>, factor: f64) -> Option<Slope> {
    let mut best: Option<Slope> = None;
    let mut before: Vec<f64> = Vec::new();
    for Slope { slope, error: rounding } in differences {
        if !slope.is_finite() {
            before.clear();
            continue;
        }
        let mut row = vec![slope];
        let mut power = 1.0;
        for &coarser in before.iter().take(MOST_EXTRAPOLATIONS) {
            power *= factor;
            let last = row[row.len() - 1];
            let next = last + (last - coarser) / (power - 1.0);
            let error = (next - last).abs().max((next - coarser).abs()) + rounding;
            if best.is_none_or(|best| error < best.error) {
                best = Some(Slope { slope: next, error });
            }
            row.push(next);
        }
        before = row;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::{ALL, Scale};
    use super::*;

    /// A statistic of the list that keeps its gradient to itself.
    #[derive(Debug)]
    struct Silent<'s>(&'s dyn Statistic);

    impl Statistic for Silent<'_> {
        fn name(&self) -> &'static str {
            "silent"
        }
        fn phrase(&self) -> &'static str {
            self.0.phrase()
        }
        fn cells(&self, strata: usize) -> Vec<Cell> {
            self.0.cells(strata)
        }
        fn scale(&self) -> Scale {
            self.0.scale()
        }
        fn value(&self, totals: &[f64]) -> Working {
            self.0.value(totals)
        }
    }

    /// The exact gradient of every statistic of the list, to a part in 10^9 of what the totals' terms
    /// add up to.
    #[test]
    fn differences_are_the_exact_gradients() {
        let one = [
            [30.0, 100.0, 10.0, 90.0],
            [0.2, 3.0, 0.7, 4.5],
            [512.0, 1e4, 40.0, 2e4],
            [3.0, 1e9, 1e6, 2e9],
            [99.0, 100.0, 1.0, 100.0],
        ];
        let several = [one[..3].concat(), one[..2].concat()].into_iter();
        for totals in one.iter().map(|totals| totals.to_vec()).chain(several) {
            for statistic in ALL {
                if totals.len() > 4 && statistic.cells(2).len() <= 4 {
                    continue;
                }
                let cells = statistic.cells(if totals.len() > 4 { 2 } else { 1 }).len();
                let totals = &totals[..cells.min(totals.len())];
                let exact = statistic.gradient(totals);
                let numeric = Silent(*statistic).gradient(totals);
                assert_eq!(numeric.len(), exact.len());
                let terms = exact.iter().zip(totals).map(|(slope, total)| (slope * total).abs());
                let size = terms.fold(0.0_f64, f64::max);
                for ((exact, numeric), total) in exact.iter().zip(&numeric).zip(totals) {
                    assert!(
                        (exact - numeric).abs() * total <= 1e-9 * size,
                        "{statistic:?} at {totals:?}: {exact} against {numeric}"
                    );
                }
            }
        }
    }

    /// Where shares alone count, equal shares move nothing but for the last digits.
    #[test]
    fn derivatives_by_topic_and_all_cancel() {
        let totals = [30.0, 101.0, 10.0, 97.0];
        for statistic in ALL.iter().filter(|its| its.name() == "amplification_ratio") {
            let gradient = Silent(*statistic).gradient(&totals);
            for pair in [0, 2] {
                let sum = gradient[pair] * totals[pair] + gradient[pair + 1] * totals[pair + 1];
                assert!(sum.abs() <= 4.0 * f64::EPSILON, "{gradient:?}");
            }
        }
    }

    #[derive(Debug)]
    struct Made(fn(&[f64]) -> f64);

    impl Statistic for Made {
        fn name(&self) -> &'static str {
            "made"
        }
        fn phrase(&self) -> &'static str {
            "made up"
        }
        fn scale(&self) -> Scale {
            Scale::Linear
        }
        fn value(&self, totals: &[f64]) -> Working {
            Working::Finite((self.0)(totals))
        }
    }

    /// Closed forms at the edges: at a total of zero, where only one side has a value, and where none
    /// has a derivative.
    #[test]
    fn edges_have_derivatives() {
        let at = |statistic: fn(&[f64]) -> f64, totals: [f64; 4]| Made(statistic).gradient(&totals);
        // d ln(1 + x)/dx = 1 at 0, among totals of a thousand million.
        let slope = at(|t| t[0].ln_1p() + t[1], [0.0, 1e9, 0.0, 1e9])[0];
        assert!((slope - 1.0).abs() < 1e-6, "{slope}");
        // Defined below the whole alone: d (1 - x/100)^1.5/dx = -0.015 (1 - x/100)^0.5, 0 at x = 100.
        let slope = at(|t| (1.0 - t[0] / t[1]).powf(1.5), [100.0, 100.0, 0.0, 1.0])[0];
        assert!(slope.abs() < 1e-4, "{slope}");
        let slope = at(|t| if t[0] < 5.0 { f64::NAN } else { t[0] * t[0] }, [5.0, 9.0, 1.0, 2.0]);
        assert!((slope[0] - 10.0).abs() < 1e-8, "{slope:?}");
        assert_eq!(slope[2], 0.0);
        // Of a single point, and of zero.
        let nowhere = at(|t| if t[0] == 5.0 { 1.0 } else { f64::NAN }, [5.0, 9.0, 1.0, 2.0]);
        assert!(nowhere[0].is_nan());
        assert_eq!(at(|t| t[0].ln() + t[1], [0.0, 1.0, 1.0, 1.0])[0], 0.0);
    }
}
