//! How much each cluster moves a statistic through either arm, and which clusters count there: what every
//! method that is not a plain bootstrap starts from.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use ndarray::Array2;

use super::arms::index;
use super::contribution::Contributions;
use super::lanes::{self, Place, Row};
use crate::estimate::NoInterval;
use crate::statistic::{Cell, Over, Side, Statistic, Working};

/// A variance and the degrees of freedom with which it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Variance {
    pub(super) variance: f64,
    pub(super) degrees_of_freedom: f64,
}

/// The clusters on which a statistic depends, by the arm in which it does. A cluster of both arms counts
/// in either; whether none, some or all do changes how parts are added up, never which rule does it.
#[derive(Clone, Debug)]
pub(super) struct Members {
    /// By cluster, whether it counts in the treatment and in the baseline.
    of: Vec<[bool; 2]>,
    /// By arm, how many count.
    sizes: [usize; 2],
    /// How many count in both.
    both: usize,
    /// By arm, whether the statistic needs it.
    needed: [bool; 2],
}

/// What clusters that vary together add to a variance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The arm whose clusters they are; `None` where the arms share clusters.
    pub(super) side: Option<Side>,
    pub(super) clusters: f64,
    pub(super) variance: f64,
}

const SIDES: [Side; 2] = [Side::Treatment, Side::Baseline];

impl Members {
    pub(super) fn of(contributions: &Contributions) -> Self {
        let cells = contributions.summary().cells();
        let needed = SIDES.map(|side| cells.iter().any(|cell| cell.side == side));
        let present = contributions.present().iter();
        let of = present.map(|here| [here[0] && needed[0], here[1] && needed[1]]).collect();
        Self { of, sizes: [0; 2], both: 0, needed }.counted()
    }

    fn counted(mut self) -> Self {
        self.sizes = [0, 1].map(|side: usize| self.of.iter().filter(|here| here[side]).count());
        self.both = self.of.iter().filter(|here| here[0] && here[1]).count();
        self
    }

    /// Without the clusters that have nothing where the statistic looks: those of strata that it passes
    /// over, as Mantel's and Haenszel's do where one arm has nothing, and contrasts of two strata all others.
    /// They do not vary what it says, and counted as clusters would make it look better known than it is.
    fn where_it_looks(mut self, gradient: &[f64], contributions: &Contributions) -> Self {
        let cells = contributions.summary().cells();
        let depends = cells.iter().zip(gradient).filter(|(_, by)| **by != 0.0);
        let strata: HashSet<Over, RandomState> = depends.map(|(cell, _)| cell.over).collect();
        let is_seen = |over: Over| over == Over::AllStrata || strata.contains(&over);
        let seen: Vec<bool> = cells.iter().map(|cell| is_seen(cell.over)).collect();
        let is_of_all = cells.iter().all(|cell| cell.over == Over::AllStrata);
        if is_of_all || !seen.contains(&true) {
            return self;
        }
        for side in SIDES {
            let columns = contributions.cells_with_columns().zip(&seen);
            let columns = columns.filter(|((cell, _), seen)| **seen && cell.side == side);
            let columns: Vec<_> = columns.map(|((_, column), _)| column).collect();
            for (cluster, here) in self.of.iter_mut().enumerate() {
                here[index(side)] &= columns.iter().any(|column| column[cluster] != 0.0);
            }
        }
        self.counted()
    }

    /// By cluster, whether it counts in the treatment and in the baseline.
    pub(super) fn by_cluster(&self) -> &[[bool; 2]] {
        &self.of
    }

    /// How many clusters of an arm count; `None` for an arm that the statistic does not need.
    pub(super) fn of_side(&self, side: Side) -> Option<u64> {
        self.needed[index(side)].then(|| self.sizes[index(side)] as u64)
    }

    /// How many clusters count in either arm.
    fn either(&self) -> usize {
        self.sizes[0] + self.sizes[1] - self.both
    }

    /// Whether an arm has but one cluster, so that nothing shows how it varies.
    pub(super) fn has_single(&self) -> bool {
        self.needed.iter().zip(self.sizes).any(|(needed, size)| *needed && size < 2)
    }

    /// By arm, a function of how many clusters count; 0 for an arm that the statistic does not need.
    pub(super) fn factors(&self, of: impl Fn(f64) -> f64) -> [f64; 2] {
        [0, 1].map(|side| if self.needed[side] { of(self.sizes[side] as f64) } else { 0.0 })
    }
}

/// `G / (G - 1)`.
pub(super) fn small_sample(clusters: f64) -> f64 {
    clusters / (clusters - 1.0)
}

/// What each cluster adds to a statistic through treatment and baseline, and how large the terms were of
/// which that is the sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    pub(super) of: [f64; 2],
    pub(super) sizes: [f64; 2],
}

impl Score {
    /// Adds a term of one arm.
    pub(super) fn add(&mut self, side: usize, term: f64) {
        self.of[side] += term;
        self.sizes[side] += term.abs();
    }

    /// Around the arms' means and with the arms' factors under a root, the two parts as one; 0 for what is
    /// only rounding.
    fn joined(&self, here: [bool; 2], means: [f64; 2], roots: [f64; 2]) -> [f64; 2] {
        let part = |side: usize| {
            if here[side] { roots[side] * (self.of[side] - means[side]) } else { 0.0 }
        };
        let size = |side: usize| if here[side] { roots[side] * self.sizes[side] } else { 0.0 };
        let (parts, sizes) = ([part(0), part(1)], size(0) + size(1));
        if (parts[0] + parts[1]).abs() <= 16.0 * f64::EPSILON * sizes { [0.0; 2] } else { parts }
    }
}

/// Sums over clusters of what they add through either arm.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    /// Of the squares of both parts together: the variance.
    pub(super) together: f64,
    /// Of the squares of each arm's part.
    alone: [f64; 2],
}

impl Spread {
    /// Of weighted clusters' scores around the arms' means, `sum (sqrt(f_A) (a - mean a) + sqrt(f_B) (b -
    /// mean b))^2`: with `f = G/(G-1)` the variance of METHODS section 4, for nested, crossed and partly
    /// crossed clusters alike.
    pub(super) fn of(
        scores: impl Iterator<Item = (Score, [bool; 2], f64)> + Clone,
        factors: [f64; 2],
    ) -> Self {
        let means = means(scores.clone());
        let roots = factors.map(f64::sqrt);
        let mut spread = Self::default();
        for (score, here, weight) in scores {
            let [a, b] = score.joined(here, means, roots);
            spread.together += weight * (a + b) * (a + b);
            spread.alone[0] += weight * a * a;
            spread.alone[1] += weight * b * b;
        }
        spread
    }

    /// Of unweighted clusters, the terms whose squares add up to that.
    pub(super) fn terms(
        scores: impl Iterator<Item = (Score, [bool; 2], f64)> + Clone,
        factors: [f64; 2],
    ) -> Vec<f64> {
        let (means, roots) = (means(scores.clone()), factors.map(f64::sqrt));
        scores.map(|(score, here, _)| score.joined(here, means, roots).iter().sum()).collect()
    }

    /// The variance with its degrees of freedom, `(v_A + v_B)^2 / (v_A^2/(G_A - 1) + v_B^2/(G_B - 1))` with `v`
    /// the arms' parts, at most 1 less than all clusters: Welch and Satterthwaite's where the arms share
    /// none, `G - 1` where they share all. Simulated between the two (3 clusters against 300 to 50
    /// against 50) intervals with these cover as they do at the ends.
    pub(super) fn variance(&self, members: &Members, stated: f64) -> Result<Variance, NoInterval> {
        if members.has_single() {
            return Err(NoInterval::SingleCluster);
        }
        let variance = self.together + stated;
        if variance <= 0.0 {
            return Err(NoInterval::NoVariation);
        }
        if !variance.is_finite() {
            return Err(NoInterval::BeyondNumbers);
        }
        let most = members.either() as f64 - 1.0;
        let over = |side: usize| match members.needed[side] {
            true => self.alone[side] * self.alone[side] / (members.sizes[side] as f64 - 1.0),
            false => 0.0,
        };
        let apart = (self.alone[0] + self.alone[1]).powi(2) / (over(0) + over(1));
        let of_clusters = if apart < most { apart } else { most };
        // Whoever stated an error is taken to know it, so that its share of the variance adds no doubt.
        let own = self.together / variance;
        Ok(Variance { variance, degrees_of_freedom: of_clusters / (own * own) })
    }
}

/// The influence of each cluster on a statistic: its contribution times the gradient.
#[derive(Clone, Debug)]
pub(super) struct Influence {
    members: Members,
    spread: Spread,
    /// The sums of squares and of cubes around the means.
    moments: [f64; 2],
    /// What the error of a baseline that is no arm adds.
    of_baseline: f64,
}

impl Influence {
    pub(super) fn of(gradient: &[f64], contributions: &Contributions) -> Self {
        let members = Members::of(contributions).where_it_looks(gradient, contributions);
        let factors = members.factors(|clusters| small_sample(clusters.max(2.0)));
        let (spread, moments) = spread_and_moments(contributions, gradient, &members, factors);
        Self { members, spread, moments, of_baseline: 0.0 }
    }

    /// With what the error of a baseline that is no arm adds to the variance.
    pub(super) fn with_baseline(self, of_baseline: f64) -> Self {
        Self { of_baseline, ..self }
    }

    /// What the error of a baseline that is no arm adds to the variance.
    pub(super) fn of_baseline(&self) -> f64 {
        self.of_baseline
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// The variance of the statistic, [`Spread::variance`]. Whoever stated the error of a baseline that is
    /// no arm is taken to know it.
    pub(super) fn variance(&self) -> Result<Variance, NoInterval> {
        self.spread.variance(&self.members, self.of_baseline)
    }

    /// The parts of the variance: one, or one for each arm where these share no cluster.
    pub(super) fn parts(&self) -> Result<Vec<Part>, NoInterval> {
        if self.members.has_single() {
            return Err(NoInterval::SingleCluster);
        }
        if self.members.both > 0 {
            let clusters = self.members.either() as f64;
            return Ok(vec![Part { side: None, clusters, variance: self.spread.together }]);
        }
        let needed = SIDES.into_iter().filter(|&side| self.members.needed[index(side)]);
        let part = |side: Side| Part {
            side: Some(side),
            clusters: self.members.sizes[index(side)] as f64,
            variance: self.spread.alone[index(side)],
        };
        Ok(needed.map(part).collect())
    }

    /// The acceleration of BCa intervals, `sum h^3 / (6 (sum h^2)^1.5)` around the arms' means: a
    /// sixth of the skewness of the statistic, as the linear part of it has.
    pub(super) fn acceleration(&self) -> f64 {
        let [squares, cubes] = self.moments;
        if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
    }
}

/// The weighted means of the arms' scores.
fn means(scores: impl Iterator<Item = (Score, [bool; 2], f64)>) -> [f64; 2] {
    let (mut sums, mut weights) = ([0.0; 2], [0.0; 2]);
    for (score, here, weight) in scores {
        for side in [0, 1] {
            if here[side] {
                sums[side] += weight * score.of[side];
                weights[side] += weight;
            }
        }
    }
    let mean = |side: usize| if weights[side] > 0.0 { sums[side] / weights[side] } else { 0.0 };
    [0, 1].map(mean)
}

/// The spread of clusters, and the sums of squares and of cubes around the arms' means without small-sample
/// factors. The same as [`Spread::of`] with the [`scores`], but column by column, since what is read of many
/// clusters takes longer than what is done with it.
fn spread_and_moments(
    contributions: &Contributions,
    gradient: &[f64],
    members: &Members,
    factors: [f64; 2],
) -> (Spread, [f64; 2]) {
    let arms = SIDES.map(|side| ArmScores::of(contributions, gradient, members, side));
    let clusters = members.of.len();
    let [mean_a, mean_b] = arms.each_ref().map(ArmScores::mean);
    let roots = factors.map(f64::sqrt);
    let [together, alone_a, alone_b, squares, cubes] = lanes::sums(
        clusters,
        #[inline(always)]
        |at: Place| {
            // Parts around the means, 0 for what is only rounding: `Score::joined`.
            let ((a, size_a), (b, size_b)) = (arms[0].at(at), arms[1].at(at));
            let (here_a, here_b) = (arms[0].here(at), arms[1].here(at));
            let (a, b) = (here_a * (a - mean_a.into()), here_b * (b - mean_b.into()));
            let (size_a, size_b) = (here_a * size_a, here_b * size_b);
            let least = Row::from(16.0 * f64::EPSILON);
            let plain = (a + b).unless_within(a + b, least * (size_a + size_b));
            let (a, b) = (a * roots[0].into(), b * roots[1].into());
            let sizes = size_a * roots[0].into() + size_b * roots[1].into();
            let counts = Row::ONE.unless_within(a + b, least * sizes);
            let (a, b) = (counts * a, counts * b);
            [(a + b) * (a + b), a * a, b * b, plain * plain, plain * plain * plain]
        },
    );
    (Spread { together, alone: [alone_a, alone_b] }, [squares, cubes])
}

/// The [`scores`] of one arm, made of columns each time that they are asked for.
struct ArmScores<'c> {
    columns: Vec<(&'c [f64], f64)>,
    members: &'c Members,
    side: usize,
}

impl<'c> ArmScores<'c> {
    fn of(
        contributions: &'c Contributions,
        gradient: &[f64],
        members: &'c Members,
        side: Side,
    ) -> Self {
        let columns = contributions.cells_with_columns().zip(gradient);
        let columns = columns.filter(|((cell, _), _)| cell.side == side);
        let columns = columns.map(|((_, column), slope)| (&column[..], *slope)).collect();
        Self { columns, members, side: index(side) }
    }

    /// The scores of some clusters, and how large the terms were.
    #[inline(always)]
    fn at(&self, at: Place) -> (Row, Row) {
        let (mut score, mut size) = (Row::ZERO, Row::ZERO);
        for (column, slope) in &self.columns {
            let term = at.of(column) * (*slope).into();
            score = score + term;
            size = size + term.abs();
        }
        (score.unless_within(score, size * (8.0 * f64::EPSILON).into()), size)
    }

    /// 1 for clusters that count, else 0.
    #[inline(always)]
    fn here(&self, at: Place) -> Row {
        at.is(&self.members.of, self.side)
    }

    /// The mean of those that count.
    fn mean(&self) -> f64 {
        let clusters = self.members.of.len();
        let [sum] = lanes::sums(
            clusters,
            #[inline(always)]
            |at| [self.at(at).0 * self.here(at)],
        );
        let counted = self.members.sizes[self.side];
        if counted > 0 { sum / counted as f64 } else { 0.0 }
    }
}

/// Each cluster's contribution times the gradient, by arm. By columns, so that a processor's vectors take
/// several clusters at a time.
pub(super) fn scores(contributions: &Contributions, gradient: &[f64]) -> Vec<Score> {
    let mut scores = vec![Score::default(); contributions.present().len()];
    for ((cell, column), slope) in contributions.cells_with_columns().zip(gradient) {
        let side = index(cell.side);
        for (score, value) in scores.iter_mut().zip(column) {
            score.add(side, value * slope);
        }
    }
    scores.iter_mut().for_each(Score::without_rounding);
    scores
}

impl Score {
    /// With what is only rounding set to zero.
    pub(super) fn without_rounding(&mut self) {
        for side in [0, 1] {
            if self.of[side].abs() <= 8.0 * f64::EPSILON * self.sizes[side] {
                self.of[side] = 0.0;
            }
        }
    }
}

/// The contribution of one cluster times the gradient, by arm, with what is only rounding set to zero.
pub(super) fn score(
    cells: &[Cell],
    columns: &[Vec<f64>],
    gradient: &[f64],
    cluster: usize,
) -> Score {
    let mut score = Score::default();
    for ((cell, column), slope) in cells.iter().zip(columns).zip(gradient) {
        score.add(index(cell.side), column[cluster] * slope);
    }
    score.without_rounding();
    score
}

impl Contributions {
    /// By how much each cluster moves a statistic through treatment and baseline, to first order: clusters x 2,
    /// on the statistic's working scale, around 0 in each arm. With `h_A` and `h_B` a cluster's two numbers and `G`
    /// an arm's clusters, `sum (sqrt(G_A/(G_A-1)) h_A + sqrt(G_B/(G_B-1)) h_B)^2` is the variance of
    /// [`Delta`](super::Delta). `None` where the statistic has no finite value.
    ///
    /// The statistic is the one that the contributions were made for.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # use tiltmeter::Question;
    /// use tiltmeter::inference::{Contributions, TopicQuestion};
    /// use tiltmeter::ndarray::Axis;
    /// use tiltmeter::statistic::AmplificationRatio;
    /// use tiltmeter::tally::{Tally, TallySpec};
    /// let question = Question::between("ranked", "newest");
    /// let tally = Tally::of(&log, &TallySpec::default())?;
    /// let asked = TopicQuestion::of(&question, "war")?;
    /// let contributions = Contributions::of(&tally, &asked, &AmplificationRatio)?;
    /// let influences = contributions.influences(&AmplificationRatio).expect("the ratio is finite");
    /// assert_eq!(influences.dim(), (8, 2));
    /// assert!(influences.sum_axis(Axis(0)).iter().all(|sum| sum.abs() < 1e-12));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn influences(&self, statistic: &dyn Statistic) -> Option<Array2<f64>> {
        let Working::Finite(_) = statistic.value(self.totals()) else { return None };
        let gradient = statistic.gradient(self.totals());
        if gradient.len() != self.columns().len() || !gradient.iter().all(|slope| slope.is_finite())
        {
            return None;
        }
        let parts = scores(self, &gradient);
        let means = [0, 1].map(|side: usize| {
            let here = parts.iter().zip(self.present()).filter(|(_, here)| here[side]);
            let (sum, count) =
                here.fold((0.0, 0.0), |(sum, count), (part, _)| (sum + part.of[side], count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        });
        let rows = parts.len();
        let part = |(row, side): (usize, usize)| match self.present()[row][side] {
            true => parts[row].of[side] - means[side],
            false => 0.0,
        };
        Some(Array2::from_shape_fn((rows, 2), part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gradients whose squares numbers of 64 bits do not hold, and such as are none: a reason, and no number.
    #[test]
    fn a_variance_beyond_numbers_is_none() {
        let columns = vec![
            vec![3.0, 1.0, 0.0, 0.0],
            vec![4.0, 4.0, 0.0, 0.0],
            vec![0.0, 0.0, 2.0, 1.0],
            vec![0.0, 0.0, 4.0, 4.0],
        ];
        let present = vec![[true, false], [true, false], [false, true], [false, true]];
        let contributions =
            Contributions::of_columns(columns, present, (0..4).collect(), Cell::TWO_ARMS.to_vec());
        let variance = |by: f64| Influence::of(&[by, -by, -by, by], &contributions).variance();
        assert!(variance(1.0).is_ok());
        for by in [1e200, f64::INFINITY, f64::NAN] {
            assert_eq!(variance(by).unwrap_err(), NoInterval::BeyondNumbers, "{by}");
        }
    }

    /// The passes by columns are the sums by scores: of nested, partly and wholly shared clusters, to rounding.
    #[test]
    fn columns_and_scores_agree() {
        let mut state = 1_u64;
        let mut number = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64
        };
        for part_shared in [0, 3, 1] {
            let of = |at: usize| part_shared > 0 && at.is_multiple_of(part_shared);
            let present: Vec<[bool; 2]> =
                (0..43).map(|at| [at % 2 == 0 || of(at), at % 2 == 1 || of(at)]).collect();
            let column = |side: usize, number: &mut dyn FnMut() -> f64| -> Vec<f64> {
                present.iter().map(|here| if here[side] { number() } else { 0.0 }).collect()
            };
            let columns = [0, 0, 1, 1].map(|side| column(side, &mut number)).to_vec();
            let places = (0..43).collect();
            let contributions =
                Contributions::of_columns(columns, present, places, Cell::TWO_ARMS.to_vec());
            let gradient = [1.0e-7, -0.4e-7, -2.0e-7, 0.9e-7];
            let members = Members::of(&contributions);
            let factors = members.factors(small_sample);
            let (by_columns, moments) =
                spread_and_moments(&contributions, &gradient, &members, factors);
            let scores = scores(&contributions, &gradient);
            let plain = |factors| {
                let scores = scores.iter().zip(&members.of).map(|(s, here)| (*s, *here, 1.0));
                (Spread::of(scores.clone(), factors), Spread::terms(scores, factors))
            };
            let (by_scores, _) = plain(factors);
            let (_, terms) = plain([1.0; 2]);
            let near = |one: f64, other: f64| {
                assert!((one - other).abs() <= 1e-12 * other.abs().max(1.0), "{one} {other}");
            };
            near(by_columns.together, by_scores.together);
            near(by_columns.alone[0], by_scores.alone[0]);
            near(by_columns.alone[1], by_scores.alone[1]);
            near(moments[0], terms.iter().map(|h| h * h).sum());
            near(moments[1], terms.iter().map(|h| h * h * h).sum());
        }
    }
}
