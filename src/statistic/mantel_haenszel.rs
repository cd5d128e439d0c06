//! Common ratios and the common difference of strata, by Mantel and Haenszel.

use super::{Cell, Over, Quantity, Scale, Side, Statistic, Undefined, Working};

/// The four totals of every stratum, stratum by stratum: topic and all in the treatment, topic and
/// all in the baseline.
pub(super) fn cells_by_stratum(strata: usize) -> Vec<Cell> {
    let sides = [Side::Treatment, Side::Baseline];
    let quantities = [Quantity::Topic, Quantity::All];
    let of_stratum = |stratum| {
        sides.into_iter().flat_map(move |side| {
            let over = Over::Stratum(stratum);
            quantities.map(|quantity| Cell { side, quantity, over })
        })
    };
    (0..strata).flat_map(of_stratum).collect()
}

/// One stratum's totals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stratum {
    /// Topic in the treatment.
    pub(crate) a: f64,
    /// All in the treatment.
    pub(crate) n1: f64,
    /// Topic in the baseline.
    pub(crate) c: f64,
    /// All in the baseline.
    pub(crate) n0: f64,
}

impl Stratum {
    pub(crate) fn all(totals: &[f64]) -> impl Iterator<Item = Self> + '_ {
        totals.chunks_exact(4).map(|t| Self { a: t[0], n1: t[1], c: t[2], n0: t[3] })
    }

    /// Those that both arms have something in; what only one arm has tells nothing of their ratio.
    pub(crate) fn compared(totals: &[f64]) -> impl Iterator<Item = Self> + '_ {
        Self::all(totals).filter(|stratum| stratum.is_compared())
    }

    /// Whether both arms have something in it.
    pub(crate) fn is_compared(self) -> bool {
        self.n1 > 0.0 && self.n0 > 0.0
    }

    /// All, in both arms.
    pub(crate) fn n(self) -> f64 {
        self.n1 + self.n0
    }

    /// By how much the topic in the treatment is above what it would be if both arms had the same share:
    /// `a - n1 (a + c) / N`.
    pub(crate) fn excess(self) -> f64 {
        (self.a * self.n0 - self.c * self.n1) / self.n()
    }

    /// Derivatives of [`excess`](Self::excess) by the four totals; 0 for a stratum of one arm, which
    /// tells nothing.
    pub(crate) fn excess_gradient(self) -> [f64; 4] {
        if !self.is_compared() {
            return [0.0; 4];
        }
        let (n, both) = (self.n(), (self.a + self.c) / self.n());
        [self.n0 / n, -self.n0 / n * both, -self.n1 / n, self.n1 / n * both]
    }

    /// Not the topic, in the treatment.
    fn b(self) -> f64 {
        self.n1 - self.a
    }

    /// Not the topic, in the baseline.
    fn d(self) -> f64 {
        self.n0 - self.c
    }
}

/// Numerators and denominators, added up over strata.
fn sums(totals: &[f64], terms: impl Fn(Stratum) -> (f64, f64)) -> (f64, f64) {
    let terms = Stratum::compared(totals).map(terms);
    terms.fold((0.0, 0.0), |sums, term| (sums.0 + term.0, sums.1 + term.1))
}

/// The value of `ln(above / below)`, both sums over strata.
fn log_of(totals: &[f64], above: f64, below: f64) -> Working {
    if Stratum::compared(totals).next().is_none() {
        return Working::Undefined(Undefined::NoStratumInBothArms);
    }
    match (above > 0.0, below > 0.0) {
        (true, true) => Working::Finite((above / below).ln()),
        (true, false) => Working::Above,
        (false, true) => Working::Below,
        (false, false) => Working::Undefined(Undefined::TopicInNeitherArm),
    }
}

/// The common ratio of exposure shares over strata: with `a` and `c` the topic's totals in treatment
/// and baseline, `n1` and `n0` all totals, `N = n1 + n0`,
///
/// `sum_k (a n0 / N) / sum_k (c n1 / N)`
///
/// (Mantel and Haenszel 1959; for ratios of shares Greenland and Robins 1985, doi 10.2307/2530643).
/// It is the amplification that arms have in every stratum, where it is one and the same: strata in
/// which arms have other parts of their impressions do not show in it. Where amplification differs
/// between strata it is a mean of it, with weights of its own. A stratum that one arm has nothing in
/// counts for nothing, nor do its clusters, and the report warns of it.
///
/// Intervals are made for its logarithm, by cluster as those of all statistics. The naive error beside
/// is Greenland's and Robins's, for impressions that weigh 1.
///
/// ```
/// use tiltmeter::statistic::{MantelHaenszelRatio, Statistic, Working};
/// // Twice as much in each of two strata; the second is mostly of the baseline, and topic-rich.
/// let totals = [20.0, 100.0, 1.0, 10.0, 16.0, 20.0, 40.0, 100.0];
/// let Working::Finite(log_ratio) = MantelHaenszelRatio.value(&totals) else { panic!() };
/// assert!((log_ratio.exp() - 2.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MantelHaenszelRatio;

impl MantelHaenszelRatio {
    fn sums(totals: &[f64]) -> (f64, f64) {
        sums(totals, |s| (s.a * s.n0 / s.n(), s.c * s.n1 / s.n()))
    }
}

impl Statistic for MantelHaenszelRatio {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "mantel_haenszel_ratio"
    }

    fn phrase(&self) -> &'static str {
        "the Mantel-Haenszel ratio over strata of the topic's exposure share"
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Log
    }

    fn value(&self, totals: &[f64]) -> Working {
        let (above, below) = Self::sums(totals);
        log_of(totals, above, below)
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let (above, below) = Self::sums(totals);
        let of_stratum = |s: Stratum| {
            if s.n1 <= 0.0 || s.n0 <= 0.0 {
                return [0.0; 4];
            }
            let squared = s.n() * s.n();
            [
                s.n0 / s.n() / above,
                -s.n0 / squared * (s.a / above + s.c / below),
                -s.n1 / s.n() / below,
                s.n1 / squared * (s.a / above + s.c / below),
            ]
        };
        Stratum::all(totals).flat_map(of_stratum).collect()
    }

    /// Greenland and Robins 1985.
    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        let (above, below) = Self::sums(totals);
        let spread: f64 = Stratum::compared(totals)
            .map(|s| (s.n1 * s.n0 * (s.a + s.c) - s.a * s.c * s.n()) / (s.n() * s.n()))
            .sum();
        Some(spread / (above * below))
    }
}

/// The common ratio of exposure odds over strata: with `b = n1 - a` and `d = n0 - c`,
/// `sum_k (a d / N) / sum_k (b c / N)` (Mantel and Haenszel 1959). As
/// [`MantelHaenszelRatio`], for odds; the naive error is that of Robins, Breslow and Greenland 1986
/// (doi 10.2307/2531052).
///
/// ```
/// use tiltmeter::statistic::{MantelHaenszelOddsRatio, OddsRatio, Statistic};
/// // With one stratum it is the odds ratio.
/// let totals = [30.0, 100.0, 10.0, 100.0];
/// assert_eq!(MantelHaenszelOddsRatio.value(&totals), OddsRatio.value(&totals));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MantelHaenszelOddsRatio;

impl MantelHaenszelOddsRatio {
    fn sums(totals: &[f64]) -> (f64, f64) {
        sums(totals, |s| (s.a * s.d() / s.n(), s.b() * s.c / s.n()))
    }
}

impl Statistic for MantelHaenszelOddsRatio {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "mantel_haenszel_odds_ratio"
    }

    fn phrase(&self) -> &'static str {
        "the Mantel-Haenszel ratio over strata of the topic's exposure odds"
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Log
    }

    fn value(&self, totals: &[f64]) -> Working {
        let (above, below) = Self::sums(totals);
        let shown = Stratum::compared(totals).any(|s| s.a + s.c > 0.0);
        match log_of(totals, above, below) {
            Working::Undefined(Undefined::TopicInNeitherArm) if shown => {
                Working::Undefined(Undefined::NothingButTopic)
            }
            value => value,
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let (above, below) = Self::sums(totals);
        let of_stratum = |s: Stratum| {
            if s.n1 <= 0.0 || s.n0 <= 0.0 {
                return [0.0; 4];
            }
            let (ad, bc) = (s.a * s.d() / s.n(), s.b() * s.c / s.n());
            let by_n = bc / below - ad / above;
            [
                s.d() / above + s.c / below,
                by_n - s.c / below,
                -s.a / above - s.b() / below,
                by_n + s.a / above,
            ]
            .map(|slope| slope / s.n())
        };
        Stratum::all(totals).flat_map(of_stratum).collect()
    }

    /// Robins, Breslow and Greenland 1986.
    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        let (above, below) = Self::sums(totals);
        let terms = Stratum::compared(totals).map(|s| {
            let (p, q) = ((s.a + s.d()) / s.n(), (s.b() + s.c) / s.n());
            let (r, t) = (s.a * s.d() / s.n(), s.b() * s.c / s.n());
            [p * r, p * t + q * r, q * t]
        });
        let [pr, cross, qt] = terms.fold([0.0; 3], |sums, term| {
            [sums[0] + term[0], sums[1] + term[1], sums[2] + term[2]]
        });
        let (pr, cross, qt) =
            (pr / (above * above), cross / (above * below), qt / (below * below));
        Some((pr + cross + qt) / 2.0)
    }
}

/// The common difference of exposure shares over strata: with the totals of [`MantelHaenszelRatio`],
///
/// `sum_k (a n0 - c n1) / N  /  sum_k n1 n0 / N`
///
/// (Greenland and Robins 1985, doi 10.2307/2530643). It is the mean of the strata's differences, each
/// with the weight `n1 n0 / N`: the difference that arms have in every stratum, where it is one and the
/// same. Where differences vary between strata it is a mean of them with those weights, which are of this
/// log and of no population; a [`StandardisedDifference`](super::StandardisedDifference) says whose mean
/// it is. A stratum that one arm has nothing in counts for nothing, and the report warns of it.
///
/// The naive error beside is Sato's (Sato, Greenland and Robins 1989, Biometrics 45, 1323-1324), for
/// independent impressions that weigh 1 and a difference that is the same in all strata. It holds for a
/// few large strata and for many small ones alike.
///
/// ```
/// use tiltmeter::statistic::{MantelHaenszelDifference, Statistic, Working};
/// // Ten points more in each of two strata; the second is mostly of the baseline, and topic-rich.
/// let totals = [20.0, 100.0, 1.0, 10.0, 18.0, 20.0, 80.0, 100.0];
/// let Working::Finite(difference) = MantelHaenszelDifference.value(&totals) else { panic!() };
/// assert!((difference - 0.1).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MantelHaenszelDifference;

impl MantelHaenszelDifference {
    fn sums(totals: &[f64]) -> (f64, f64) {
        sums(totals, |s| (s.excess(), s.n1 * s.n0 / s.n()))
    }
}

impl Statistic for MantelHaenszelDifference {
    crate::statistic::origin::of_the_library!();

    fn name(&self) -> &'static str {
        "mantel_haenszel_difference"
    }

    fn phrase(&self) -> &'static str {
        "the Mantel-Haenszel difference over strata of the topic's exposure share"
    }

    fn cells(&self, strata: usize) -> Vec<Cell> {
        cells_by_stratum(strata)
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        let (excess, weight) = Self::sums(totals);
        if Stratum::compared(totals).next().is_none() {
            return Working::Undefined(Undefined::NoStratumInBothArms);
        }
        Working::Finite(excess / weight)
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let (excess, weight) = Self::sums(totals);
        let of_stratum = |s: Stratum| {
            let weights = match s.is_compared() {
                true => [s.n0, s.n1].map(|other| (other / s.n()).powi(2)),
                false => [0.0; 2],
            };
            let [by_a, by_n1, by_c, by_n0] = s.excess_gradient();
            let difference = excess / weight;
            [by_a, by_n1 - difference * weights[0], by_c, by_n0 - difference * weights[1]]
                .map(|slope| slope / weight)
        };
        Stratum::all(totals).flat_map(of_stratum).collect()
    }

    /// Sato, Greenland and Robins 1989.
    fn variance_of_independent(&self, totals: &[f64]) -> Option<f64> {
        let (excess, weight) = Self::sums(totals);
        let terms = Stratum::compared(totals).map(|s| {
            let (p1, p0) = (s.n1 / s.n(), s.n0 / s.n());
            let by_difference = p1 * p1 * s.c - p0 * p0 * s.a + p1 * p0 * (s.n0 - s.n1) / 2.0;
            (by_difference, (s.a * s.d() + s.b() * s.c) / (2.0 * s.n()))
        });
        let (by_difference, rest) =
            terms.fold((0.0, 0.0), |sums, term| (sums.0 + term.0, sums.1 + term.1));
        Some((excess / weight * by_difference + rest) / (weight * weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of which the values below are those of statsmodels' `StratifiedTable`, and for the error
    /// of the ratio of shares Greenland's and Robins's formula in numpy.
    #[test]
    fn ratios_and_naive_errors_are_those_of_statsmodels() {
        // [topic, other] in the treatment, [topic, other] in the baseline.
        let tables = [[56.0, 202.0, 41.0, 273.0], [35.0, 241.0, 50.0, 98.0]];
        let totals: Vec<f64> =
            tables.iter().flat_map(|t| [t[0], t[0] + t[1], t[2], t[2] + t[3]]).collect();
        let expected: [(&dyn Statistic, f64, f64); 2] = [
            (&MantelHaenszelOddsRatio, 0.811_604_733_795_148_2, 0.160_592_247_747_723_54),
            (&MantelHaenszelRatio, 0.841_655_389_204_916_2, 0.126_685_755_947_104_32),
        ];
        for (statistic, ratio, error) in expected {
            let Working::Finite(log) = statistic.value(&totals) else { panic!("{statistic:?}") };
            assert!((log.exp() - ratio).abs() < 1e-12, "{statistic:?}: {}", log.exp());
            let variance = statistic.variance_of_independent(&totals).expect("it has one");
            assert!((variance.sqrt() - error).abs() < 1e-12, "{statistic:?}: {variance}");
        }
    }

    /// Where shares are as expected and the difference is the same in all strata, the naive variance of
    /// the difference is exactly that of binomials with these shares.
    #[test]
    fn variance_of_the_difference_is_that_of_binomials() {
        for difference in [0.0, 0.05, -0.2] {
            let strata = [(90.0, 400.0, 0.3), (700.0, 150.0, 0.5), (12.0, 30.0, 0.25)];
            let (mut totals, mut variance, mut weights) = (Vec::new(), 0.0, 0.0);
            for (n1, n0, share) in strata {
                let more: f64 = share + difference;
                totals.extend([n1 * more, n1, n0 * share, n0]);
                let weight = n1 * n0 / (n1 + n0);
                weights += weight;
                let of_shares = more * (1.0 - more) / n1 + share * (1.0 - share) / n0;
                variance += weight * weight * of_shares;
            }
            let expected = variance / (weights * weights);
            let its = MantelHaenszelDifference.variance_of_independent(&totals).expect("it has one");
            assert!((its / expected - 1.0).abs() < 1e-12, "{difference}: {its} for {expected}");
        }
    }

    /// A stratum of one arm changes nothing.
    #[test]
    fn strata_of_one_arm_do_not_count() {
        let totals = [30.0, 100.0, 10.0, 100.0];
        let more = [&totals[..], &[5.0, 9.0, 0.0, 0.0], &[0.0; 4]].concat();
        let all: [&dyn Statistic; 3] =
            [&MantelHaenszelRatio, &MantelHaenszelOddsRatio, &MantelHaenszelDifference];
        for statistic in all {
            assert_eq!(statistic.value(&totals), statistic.value(&more));
            assert_eq!(statistic.gradient(&totals), statistic.gradient(&more)[..4]);
            assert!(statistic.gradient(&more)[4..].iter().all(|slope| *slope == 0.0));
            let apart = [5.0, 9.0, 0.0, 0.0, 0.0, 0.0, 2.0, 3.0];
            let undefined = Working::Undefined(Undefined::NoStratumInBothArms);
            assert_eq!(statistic.value(&apart), undefined);
        }
    }
}
