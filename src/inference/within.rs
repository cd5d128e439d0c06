//! Within clusters: what the same cluster was shown more of in one arm than in the other, as a fit with an effect
//! of each cluster has it. It makes weighted contributions of masses; the statistics are those of two shares.

use super::lanes::{self, Place, Row};
use crate::statistic::WithinFit;

/// The most steps towards a ratio; the likelihood is concave, and from where it starts some five are enough.
const STEPS: usize = 200;

/// By cluster, the topic and all in the treatment and in the baseline.
pub(super) type Columns = [Vec<f64>; 4];

/// What a fit is made of.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    /// Contributions whose sums are the weighted shares of both arms, of the clusters that say something.
    pub(super) columns: Columns,
    /// By cluster of what it was made of, whether it says something.
    pub(super) says: Vec<bool>,
}

/// The contributions of clusters that are in both arms.
///
/// Least squares with a dummy for each cluster weigh it `w = n_A n_B/(n_A + n_B)`, so that the difference of the
/// weighted shares is the coefficient, and `w (x_A/n_A - x_B/n_B) - w beta` its score. Poisson regression with an
/// effect of each cluster has the root of `sum x_A - (x_A + x_B) p = 0`, `p = R n_A/(R n_A + n_B)`: a cluster says
/// something where it was shown the topic at all, and with `w = n_A n_B/(R n_A + n_B)` the ratio of weighted shares
/// is that root. Its influence on `log R` is its score over `D = sum (x_A + x_B) p (1 - p)`.
pub(super) fn fitted(columns: &[Vec<f64>], fit: WithinFit) -> Option<Fitted> {
    let [x_a, n_a, x_b, n_b] = columns else { return None };
    let says = (0..n_a.len()).map(|at| {
        let shown = fit == WithinFit::LeastSquares || x_a[at] + x_b[at] > 0.0;
        n_a[at] > 0.0 && n_b[at] > 0.0 && shown
    });
    let says: Vec<bool> = says.collect();
    let kept = |column: &Vec<f64>| {
        column.iter().zip(&says).filter(|(_, says)| **says).map(|(number, _)| *number).collect()
    };
    let of_both = Both { x_a: kept(x_a), n_a: kept(n_a), x_b: kept(x_b), n_b: kept(n_b) };
    let columns = match fit {
        WithinFit::LeastSquares => of_both.weighted(1.0),
        WithinFit::Poisson => match of_both.ratio() {
            Some(ratio) => of_both.around(ratio),
            // One arm shows it to none of them: the shares say so, whatever the weights.
            None => of_both.weighted(1.0),
        },
    };
    Some(Fitted { columns, says })
}

/// The masses of clusters that are in both arms.
struct Both {
    x_a: Vec<f64>,
    n_a: Vec<f64>,
    x_b: Vec<f64>,
    n_b: Vec<f64>,
}

impl Both {
    /// With `w = n_A n_B/(R n_A + n_B)`: the weighted shares' parts.
    fn weighted(&self, ratio: f64) -> Columns {
        let clusters = 0..self.n_a.len();
        let of = |part: fn(&Self, usize) -> f64| {
            let over = |at: usize| ratio * self.n_a[at] + self.n_b[at];
            clusters.clone().map(|at| part(self, at) / over(at)).collect::<Vec<f64>>()
        };
        let weights = of(|its, at| its.n_a[at] * its.n_b[at]);
        let topic_a = of(|its, at| its.x_a[at] * its.n_b[at]);
        let topic_b = of(|its, at| its.x_b[at] * its.n_a[at]);
        [topic_a, weights.clone(), topic_b, weights]
    }

    /// The score and its slope by `log R`.
    fn score(&self, ratio: f64) -> [f64; 2] {
        let terms = |at: Place| {
            let (x_a, both) = (at.of(&self.x_a), at.of(&self.x_a) + at.of(&self.x_b));
            let (a, b) = (at.of(&self.n_a) * ratio.into(), at.of(&self.n_b));
            let p = a / (a + b);
            let expected = both * p;
            [x_a - expected, expected * (Row::ONE - p)]
        };
        lanes::sums(self.n_a.len(), terms)
    }

    /// The root of the score; `None` where an arm shows nothing of the topic.
    fn ratio(&self) -> Option<f64> {
        let [a, b] = lanes::sums(self.n_a.len(), |at| [at.of(&self.x_a), at.of(&self.x_b)]);
        if !(a > 0.0 && b > 0.0) {
            return None;
        }
        let [start_a, _, start_b, _] = self.weighted(1.0).map(|column| column.iter().sum::<f64>());
        let mut log = (start_a / start_b).ln();
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for _ in 0..STEPS {
            let [score, slope] = self.score(log.exp());
            // The expected number of the treatment's is a logistic curve: far from its middle a step is cut short.
            let step = (score / slope).clamp(-2.0, 2.0);
            if score == 0.0 || step.abs() <= 2.0 * f64::EPSILON * log.abs().max(1.0) {
                break;
            }
            if score > 0.0 {
                low = log;
            } else {
                high = log;
            }
            let next = log + if step.is_finite() { step } else { score.signum() };
            log = if next > low && next < high {
                next
            } else {
                f64::midpoint(low.max(log - 4.0), high.min(log + 4.0))
            };
        }
        Some(log.exp())
    }

    /// Contributions whose ratio of shares is the root, and of which each cluster's influence on its logarithm is its
    /// score over the slope. Their shares are the weighted ones.
    fn around(&self, ratio: f64) -> Columns {
        let [_, slope] = self.score(ratio);
        let [topic_a, weights, _, _] = self.weighted(ratio);
        let scale = ratio * slope / topic_a.iter().sum::<f64>();
        let mut columns: Columns = Default::default();
        for (at, weight) in weights.into_iter().enumerate() {
            let (a, b) = (ratio * self.n_a[at], self.n_b[at]);
            let p = a / (a + b);
            let expected = (self.x_a[at] + self.x_b[at]) * p;
            let (score, slope) = (self.x_a[at] - expected, expected * (b / (a + b)));
            let parts = [
                ratio * (slope + score / 2.0),
                weight * scale,
                slope - score / 2.0,
                weight * scale,
            ];
            columns.iter_mut().zip(parts).for_each(|(column, part)| column.push(part));
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With as many impressions in either arm for each cluster the Poisson fit is the plain ratio, and least squares
    /// the plain difference (closed forms).
    #[test]
    fn balanced_clusters_need_no_weights() {
        let columns =
            [vec![3.0, 0.0, 5.0, 1.0], vec![10.0; 4], vec![1.0, 2.0, 2.0, 0.0], vec![10.0; 4]];
        for (fit, wanted) in
            [(WithinFit::Poisson, 9.0 / 5.0), (WithinFit::LeastSquares, 4.0 / 40.0)]
        {
            let [a, all_a, b, all_b] =
                fitted(&columns, fit).unwrap().columns.map(|column| column.iter().sum::<f64>());
            let found = match fit {
                WithinFit::Poisson => (a / all_a) / (b / all_b),
                WithinFit::LeastSquares => a / all_a - b / all_b,
            };
            assert!((found - wanted).abs() < 1e-14, "{fit:?}: {found}");
        }
    }

    /// Where the score is 0 from the start, that is the root: two viewers with as much of it in either arm, and
    /// twice as much in one.
    #[test]
    fn an_exact_root_is_kept() {
        for (lift, rest) in [(1.0, 1.0), (2.0, 0.0)] {
            let columns = [vec![lift; 2], vec![2.0; 2], vec![1.0; 2], vec![1.0 + rest; 2]];
            let [a, all_a, b, all_b] = fitted(&columns, WithinFit::Poisson)
                .unwrap()
                .columns
                .map(|column| column.iter().sum::<f64>());
            let shares = [a / all_a, b / all_b];
            let wanted = [lift / 2.0, 1.0 / (1.0 + rest)];
            assert!(
                shares.iter().zip(wanted).all(|(share, wanted)| (share - wanted).abs() < 1e-15),
                "{shares:?}"
            );
        }
    }

    /// Far from 1, with clusters of very unequal sizes, the score is 0 at the root.
    #[test]
    fn the_root_is_found() {
        for factor in [1e-6, 0.03, 1.0, 40.0, 1e7] {
            let n_a: Vec<f64> = (1..60).map(|at| f64::from(at * at)).collect();
            let n_b: Vec<f64> = (1..60).map(|at| 4000.0 / f64::from(at)).collect();
            let x_a: Vec<f64> = n_a.iter().map(|n| 0.01 * n).collect();
            let x_b: Vec<f64> = n_b
                .iter()
                .enumerate()
                .map(|(at, n)| 0.01 * n / factor * (1.0 + at as f64 % 3.0))
                .collect();
            let shown: f64 = x_a.iter().sum();
            let both = Both { x_a, n_a, x_b, n_b };
            let ratio = both.ratio().unwrap();
            let [score, _] = both.score(ratio);
            assert!(score.abs() < 1e-14 * shown, "{factor}: {ratio}, {score} of {shown}");
        }
    }
}
