//! What clusters say of each arm's share: how it varies over them, how well that is known, and how the two
//! arms go together. Bounds are made of it elsewhere.

use super::arms::index;
use super::coins;
use super::contribution::Contributions;
use super::lanes::{self, Place, Row};
use crate::estimate::NoInterval;
use crate::statistic::{Cell, KnownBaseline, Over, Quantity, Side, Statistic};

/// The share of one arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ArmShare {
    pub(super) share: f64,
    /// The greater of the linearised and the delete-one jackknife variance over the arm's own clusters; for a
    /// share known from elsewhere the square of its standard error.
    pub(super) variance: f64,
    /// Of how many clusters; infinite for a share known from elsewhere.
    pub(super) clusters: f64,
    /// The effective number of its clusters by mass, `(sum n)^2 / sum n^2`.
    pub(super) effective_clusters: f64,
    /// How many independent impressions it is worth at least: as many as effective clusters, since nothing varies more
    /// than clusters of which each is all or nothing; none for shares that something was made of, such as corrected ones,
    /// which may vary more.
    pub(super) least: f64,
    /// The effective number of its clusters by residuals, `(sum e^2)^2 / sum e^4`.
    pub(super) residual_clusters: f64,
    /// How many impressions the arm has, whatever they weigh; infinite where that is not known.
    pub(super) impressions: f64,
    /// `sum e^2 / N^2`.
    squares: f64,
}

/// The shares of the arms that a statistic contrasts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shares {
    /// Treatment and baseline; `None` for an arm that the statistic does not need.
    pub(super) arms: [Option<ArmShare>; 2],
    shared: Together,
    /// What the correlation is at most; 1 but where clusters go two ways.
    most: f64,
    /// No p-value is below this: see [`coins::least_p`].
    pub(super) least_p: f64,
    /// Of a statistic that contrasts two values: the shares of the one that is taken off.
    pub(super) less: Option<Box<Less>>,
}

/// The shares of a value that is taken off another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Less {
    pub(super) shares: Shares,
    /// With which the two values go together, as cautiously as the arms' shares.
    pub(super) correlation: f64,
}

/// How residuals go together over the clusters of both arms, over the arms' masses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Together {
    /// `sum e_A e_B / (N_A N_B)`.
    products: f64,
    /// By arm, `sum e^2 / N^2` over these clusters.
    squares: [f64; 2],
    /// How many of them there are, as if of equal residuals: the least of their number, and for either arm
    /// three times `(sum e^2)^2 / sum e^4`; at least 1.
    clusters: f64,
    /// How many of them carry the topic, or anything else, in the arm where fewer do: `(sum x)^2 / sum x^2`.
    carriers: f64,
    /// What part of the arms' mass they have: the geometric mean of both arms'.
    mass: f64,
}

/// How two values go together over clusters, by what each cluster adds to either: lowered by a quarter of its
/// standard error, and where few clusters carry it, and the worst where some share does not vary, so that
/// nothing shows it.
fn between(one: &[f64], other: &[f64], is_still: bool) -> f64 {
    if is_still {
        return -1.0;
    }
    let (mut products, mut of_products, mut squares) = (0.0, 0.0, [0.0; 2]);
    let (mut sizes, mut both) = (0.0, 0.0);
    for (&one, &other) in one.iter().zip(other) {
        products += one * other;
        of_products += (one * other).powi(2);
        sizes += (one * other).abs();
        squares[0] += one * one;
        squares[1] += other * other;
        both += if one != 0.0 && other != 0.0 { 1.0 } else { 0.0 };
    }
    if both < 1.0 || of_products <= 0.0 {
        return 0.0;
    }
    let correlation = correlation(products, squares);
    let carriers: f64 = sizes * sizes / of_products;
    let cautious = correlation - (1.0 - correlation * correlation) / carriers.sqrt() / 4.0;
    let of_few = (1.0 - (2.0 / carriers.max(1.0)).powi(2)).max(0.0);
    if cautious > 0.0 { cautious * of_few } else { cautious.max(-1.0) }
}

/// How fast a contrasted value moves with a share that both arms have: what makes the halves' differences of shares
/// differences of values. 1 where the halves show nothing.
fn gradient_of_share(statistic: &dyn Statistic, totals: &[f64], half: usize) -> f64 {
    let its = &totals[4 * half..4 * half + 4];
    let share = f64::midpoint(its[0] / its[1], its[2] / its[3]);
    let equal = [share, 1.0, share, 1.0];
    let of = statistic.contrasts().map(|of| of.gradient(&equal));
    of.and_then(|slopes| slopes.first().copied()).unwrap_or(1.0)
}

/// Which columns hold the topic and all of an arm.
fn columns_of(cells: &[Cell], side: Side) -> Option<[usize; 2]> {
    let of = |quantity| {
        let is = |cell: &Cell| *cell == Cell { side, quantity, over: Over::AllStrata };
        cells.iter().position(is)
    };
    Some([of(Quantity::Topic)?, of(Quantity::All)?])
}

impl Shares {
    /// Of a statistic that is a contrast of shares; `None` for another.
    pub(super) fn of(
        statistic: &dyn Statistic,
        contributions: &Contributions,
    ) -> Option<Result<Self, NoInterval>> {
        let cells = contributions.summary().cells();
        let totals = contributions.totals();
        let sides = [Side::Treatment, Side::Baseline];
        if statistic.contrasts().is_some() {
            return Some(Self::of_contrast(statistic, contributions));
        }
        let is_of_shares = |side| statistic.term(side, 0.5, totals).is_some();
        if !sides.into_iter().all(is_of_shares) {
            return None;
        }
        let places = sides.map(|side| columns_of(cells, side));
        if cells.len() != 2 * places.iter().flatten().count() || cells.is_empty() {
            return None;
        }
        Some(Self::of_columns(contributions, places, statistic.known_baseline().map(|its| its.1)))
    }

    /// Of a statistic that contrasts two values.
    fn of_contrast(
        statistic: &dyn Statistic,
        contributions: &Contributions,
    ) -> Result<Self, NoInterval> {
        let half = |from: usize| {
            let places = [Some([from, from + 1]), Some([from + 2, from + 3])];
            Self::of_columns(contributions, places, None)
        };
        let (one, other) = (half(0)?, half(4)?);
        let gradient = statistic.gradient(contributions.totals());
        // What is taken off has the opposite sign in the gradient; the correlation is of the two values.
        let added = |half: std::ops::Range<usize>, sign: f64| {
            let mut added = vec![0.0; contributions.present().len()];
            for (column, slope) in contributions.columns()[half.clone()].iter().zip(&gradient[half])
            {
                added.iter_mut().zip(column).for_each(|(sum, value)| *sum += sign * value * slope);
            }
            added
        };
        let is_still = one.has_still_arm() || other.has_still_arm();
        let correlation = between(&added(0..4, 1.0), &added(4..8, -1.0), is_still);
        let columns = contributions.columns();
        let arms =
            |from: usize| [from, from + 2].map(|at| (&columns[at][..], &columns[at + 1][..]));
        let scale = |half: usize| {
            let scales = gradient_of_share(statistic, contributions.totals(), half);
            if scales.is_finite() { scales } else { 1.0 }
        };
        let least_p = coins::least_p_of_two([arms(0), arms(4)], [scale(0), scale(1)]);
        let less = Less { shares: other, correlation };
        Ok(Self { least_p, less: Some(Box::new(less)), ..one })
    }

    fn of_columns(
        contributions: &Contributions,
        places: [Option<[usize; 2]>; 2],
        known: Option<&KnownBaseline>,
    ) -> Result<Self, NoInterval> {
        let (columns, totals) = (contributions.columns(), contributions.totals());
        let arm = |side: Side| {
            let Some([topic, all]) = places[index(side)] else { return Ok(None) };
            let (x, n) = (&columns[topic], &columns[all]);
            // Sums that were made elsewhere say nothing of impressions.
            let impressions = match contributions.summary().impressions(all) {
                0 => f64::INFINITY,
                impressions => impressions as f64,
            };
            let mut arm = ArmShare::of(x, n, (totals[topic], totals[all]), impressions)?;
            if contributions.summary().is_reshaped() {
                arm.least = 0.0;
            }
            Ok(Some(arm))
        };
        let (treatment, mut baseline) = (arm(Side::Treatment)?, arm(Side::Baseline)?);
        if let Some(known) = known {
            baseline = Some(ArmShare::known(known).ok_or(NoInterval::UndefinedValue)?);
        }
        // Most designs are nested, and need nothing of what comes after.
        let shares_clusters = contributions.clusters().both > 0;
        let shared = match places {
            [Some(a), Some(b)] if shares_clusters => {
                let arm = |[topic, all]: [usize; 2]| {
                    (&columns[topic][..], &columns[all][..], totals[topic], totals[all])
                };
                Together::of(arm(a), arm(b))
            }
            _ => Together::default(),
        };
        let least_p = match places {
            [Some(a), Some(b)] if shares_clusters => {
                coins::least_p([a, b].map(|[topic, all]| (&columns[topic][..], &columns[all][..])))
            }
            // Against what is said to be shown never, or always, one stray impression would be as sure a finding
            // as there is.
            _ if baseline.is_some_and(|its| its.is_certain()) => 1.0,
            _ => 0.0,
        };
        let arms = [treatment, baseline];
        Ok(Self { arms, shared, most: 1.0, least_p, less: None })
    }

    /// The correlation of the two arms' residuals over clusters, from -1 to 1; 0 where they share none.
    pub(super) fn correlation(&self) -> f64 {
        let [Some(a), Some(b)] = self.arms else { return 0.0 };
        correlation(self.shared.products, [a.squares, b.squares]).min(self.most)
    }

    /// The same, lowered by a quarter of its standard error, and by `1 - (2/c)^2` where `c` clusters carry the
    /// topic: a correlation that few clusters show is overstated as often as not, and a high one makes
    /// intervals short. Where neither arm's share varies nothing shows it, and it is as bad as it may be.
    pub(super) fn cautious_correlation(&self) -> f64 {
        let [Some(a), Some(b)] = self.arms else { return 0.0 };
        if a.is_still() && b.is_still() {
            return -self.shared.mass;
        }
        let of = self.shared.squares;
        // What part of the arms' variation the shared clusters have.
        let part = (of[0] * of[1] / (a.squares * b.squares)).sqrt();
        let within = correlation(self.shared.products, of);
        if !part.is_finite() || self.shared.clusters < 1.0 {
            return 0.0;
        }
        let error = (1.0 - within * within) / self.shared.clusters.sqrt();
        // One or two clusters that carry a topic in both arms go together whatever they are like.
        let of_few = (1.0 - (2.0 / self.shared.carriers).powi(2)).max(0.0);
        let cautious = within - error / 4.0;
        let cautious = if cautious > 0.0 { cautious * of_few } else { cautious };
        (part * cautious).max(-1.0).min(self.most)
    }

    /// By two ways of clustering, and by their pairs: variances and covariances are added, and those of the
    /// pairs taken off (Cameron, Gelbach and Miller 2011), but for no arm and no contrast is less taken than
    /// the larger of the two ways': where nothing but the pairs varies, the sum is the difference of three
    /// numbers that are alike but for chance, and its intervals are too short
    /// ([`crate::guide::coverage_tables`]). What is known of a variance is what the way says that knows
    /// less.
    pub(super) fn two_way(first: &Self, second: &Self, pairs: &Self) -> Self {
        let added = |one: f64, two: f64, both: f64| (one + two - both).max(one).max(two);
        let arm = |side: usize| {
            let [Some(one), Some(two), Some(both)] =
                [first.arms[side], second.arms[side], pairs.arms[side]]
            else {
                return first.arms[side];
            };
            Some(ArmShare {
                variance: added(one.variance, two.variance, both.variance),
                squares: added(one.squares, two.squares, both.squares),
                clusters: one.clusters.min(two.clusters),
                effective_clusters: one.effective_clusters.min(two.effective_clusters),
                least: one.least.min(two.least),
                residual_clusters: one.residual_clusters.min(two.residual_clusters),
                ..one
            })
        };
        let arms = [arm(0), arm(1)];
        // All clusters count as shared: which of them a correlation is of, two ways do not say alike.
        let squares = arms.map(|arm| arm.map_or(0.0, |arm| arm.squares));
        let known = arms.iter().flatten().map(|arm| {
            arm.clusters.min(3.0 * arm.residual_clusters).min(2.0 * arm.effective_clusters)
        });
        let shared =
            Together {
                products: first.shared.products + second.shared.products - pairs.shared.products,
                squares,
                clusters: known.fold(f64::INFINITY, f64::min).max(1.0),
                carriers: [first, second]
                    .map(|way| {
                        if way.shared.clusters < 1.0 { f64::INFINITY } else { way.shared.carriers }
                    })
                    .into_iter()
                    .fold(f64::INFINITY, f64::min),
                mass: first.shared.mass.max(second.shared.mass),
            };
        let is_nested = [first, second, pairs].iter().all(|way| way.shared.clusters < 1.0);
        let most = match arms {
            [Some(a), Some(b)] => most_correlation([a, b], [first, second]),
            _ => 1.0,
        };
        // Few weeks are few, however many viewers there are.
        let least_p = first.least_p.max(second.least_p);
        let shared = if is_nested { Together::default() } else { shared };
        Self { arms, shared, most, least_p, less: None }
    }

    /// Whether some arm's share does not vary over clusters, as at 0 and 1, so that nothing shows how well it
    /// is known.
    pub(super) fn has_still_arm(&self) -> bool {
        let is_still = |less: &Less| less.shares.has_still_arm();
        self.arms.iter().flatten().any(ArmShare::is_still)
            || self.less.as_deref().is_some_and(is_still)
    }
}

/// The correlation with which neither the difference of two shares nor the logarithm of their ratio varies
/// less than by one of the ways of clustering alone.
fn most_correlation([a, b]: [ArmShare; 2], ways: [&Shares; 2]) -> f64 {
    let varies = |[a, b]: [&ArmShare; 2], slopes: [f64; 2], correlation: f64| {
        let [a, b] = [slopes[0] * a.variance.sqrt(), slopes[1] * b.variance.sqrt()];
        a * a + b * b - 2.0 * correlation * a * b
    };
    let of_scale = |slopes: [f64; 2]| {
        let alone = ways.iter().map(|way| match &way.arms {
            [Some(a), Some(b)] => varies([a, b], slopes, way.correlation()),
            _ => 0.0,
        });
        let least = alone.fold(0.0, f64::max);
        let product = slopes[0] * slopes[1] * (a.variance * b.variance).sqrt();
        (varies([&a, &b], slopes, 0.0) - least) / (2.0 * product)
    };
    let scales = [[1.0, 1.0], [1.0 / a.share, 1.0 / b.share]];
    let most = scales.into_iter().map(of_scale).filter(|most| most.is_finite());
    most.fold(1.0, f64::min).max(-1.0)
}

/// What clusters have of the topic beyond the arm's share, with what is only rounding set to zero.
#[inline(always)]
fn residuals(topic: Row, all: Row, share: f64) -> Row {
    let expected = all * share.into();
    let residual = topic - expected;
    residual.unless_within(residual, (topic + expected) * (8.0 * f64::EPSILON).into())
}

/// The topic and all of the clusters that have some of an arm.
fn of_arm(topic: &[f64], all: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut topics, mut alls) = (vec![0.0; all.len()], vec![0.0; all.len()]);
    let mut clusters = 0;
    // Each is written, and written over unless it counts: a processor guesses which way a branch goes, and would be
    // wrong about every other cluster.
    for (topic, all) in topic.iter().zip(all) {
        (topics[clusters], alls[clusters]) = (*topic, *all);
        clusters += usize::from(*all > 0.0);
    }
    topics.truncate(clusters);
    alls.truncate(clusters);
    (topics, alls)
}

impl ArmShare {
    /// From the topic and all of each cluster, 0 where the cluster is not of the arm.
    fn of(
        topic: &[f64],
        all: &[f64],
        (topic_total, all_total): (f64, f64),
        impressions: f64,
    ) -> Result<Self, NoInterval> {
        // Weighted sums round: a share of one is no more than that.
        let share = (topic_total / all_total).min(1.0);
        // Clusters of the other arm alone are left out, and not added as zeros: sums stand in lanes, and would round
        // otherwise for other clusters beside.
        let (topic, all) = of_arm(topic, all);
        let [squares, fourths, sizes, off, off_squares] = lanes::sums(
            topic.len(),
            #[inline(always)]
            |at: Place| {
                let (topic, all) = (at.of(&topic), at.of(&all));
                let residual = residuals(topic, all, share);
                let square = residual * residual;
                // How far the share moves without the cluster.
                let moved = residual / (all - all_total.into());
                [square, square * square, all * all, moved, moved * moved]
            },
        );
        let clusters = topic.len() as f64;
        if clusters < 2.0 {
            return Err(NoInterval::SingleCluster);
        }
        let plain = squares / (all_total * all_total);
        let linear = clusters / (clusters - 1.0) * plain;
        let jackknife = (clusters - 1.0) / clusters * (off_squares - off * off / clusters);
        Ok(Self {
            share,
            variance: if jackknife > linear { jackknife } else { linear },
            clusters,
            effective_clusters: all_total * all_total / sizes,
            least: all_total * all_total / sizes,
            residual_clusters: if fourths > 0.0 { squares * squares / fourths } else { 0.0 },
            impressions,
            squares: plain,
        })
    }

    /// A share known from elsewhere, with the error that was stated for it.
    fn known(known: &KnownBaseline) -> Option<Self> {
        Some(Self {
            share: known.share()?,
            variance: known.standard_error.powi(2),
            clusters: f64::INFINITY,
            effective_clusters: f64::INFINITY,
            least: 0.0,
            residual_clusters: f64::INFINITY,
            impressions: known.sample,
            squares: 0.0,
        })
    }

    /// Whether it was measured and does not vary.
    fn is_still(&self) -> bool {
        self.variance <= 0.0 && (!self.is_known() || self.impressions.is_finite())
    }

    /// Whether it is known from elsewhere to be exactly none or all.
    pub(super) fn is_certain(&self) -> bool {
        let at_limit = self.share <= 0.0 || self.share >= 1.0;
        self.is_known() && at_limit && self.variance <= 0.0 && self.impressions.is_infinite()
    }

    /// Whether it is known from elsewhere.
    pub(super) fn is_known(&self) -> bool {
        self.clusters.is_infinite()
    }
}

/// From -1 to 1; 0 where either does not vary.
fn correlation(products: f64, squares: [f64; 2]) -> f64 {
    let scale = (squares[0] * squares[1]).sqrt();
    if scale > 0.0 { (products / scale).clamp(-1.0, 1.0) } else { 0.0 }
}

/// The topic and all of each cluster, and their totals.
type Arm<'c> = (&'c [f64], &'c [f64], f64, f64);

impl Together {
    fn of((x_a, n_a, all_x_a, all_a): Arm<'_>, (x_b, n_b, all_x_b, all_b): Arm<'_>) -> Self {
        let (p_a, p_b) = (all_x_a / all_a, all_x_b / all_b);
        let both = |at: Place| {
            let is = Row::ONE.where_more(at.of(n_a), Row::ZERO);
            is.where_more(at.of(n_b), Row::ZERO)
        };
        let together = |at: Place| {
            let both = both(at);
            let a = both * residuals(at.of(x_a), at.of(n_a), p_a);
            let b = both * residuals(at.of(x_b), at.of(n_b), p_b);
            let squares = [a * a, b * b];
            let fourths = squares.map(|square| square * square);
            [a * b, squares[0], squares[1], fourths[0], fourths[1], both]
        };
        let [products, squares_a, squares_b, fourths_a, fourths_b, mut clusters] =
            lanes::sums(n_a.len(), together);
        let (squares, fourths) = ([squares_a, squares_b], [fourths_a, fourths_b]);
        // By arm, of the topic and of the rest: sums and sums of squares.
        let masses = [(x_a, n_a), (x_b, n_b)].map(|(x, n)| {
            let parts = |at: Place| {
                let topic = both(at) * at.of(x);
                let rest = both(at) * at.of(n) - topic;
                [topic, topic * topic, rest, rest * rest]
            };
            let [topic, of_topic, rest, of_rest] = lanes::sums(n.len(), parts);
            [[topic, of_topic], [rest, of_rest]]
        });
        let effective = [0, 1].map(|side: usize| {
            if fourths[side] > 0.0 {
                3.0 * squares[side] * squares[side] / fourths[side]
            } else {
                0.0
            }
        });
        if clusters > 0.0 {
            clusters = effective.into_iter().fold(clusters, f64::min).max(1.0);
        }
        let of_arm = |side: usize| masses[side][0][0] + masses[side][1][0];
        let carriers = masses
            .iter()
            .flatten()
            .map(|[sum, squares]| if *squares > 0.0 { sum * sum / squares } else { 0.0 });
        Self {
            products: products / (all_a * all_b),
            squares: [squares[0] / (all_a * all_a), squares[1] / (all_b * all_b)],
            clusters,
            carriers: carriers.fold(f64::INFINITY, f64::min).max(1.0),
            mass: (of_arm(0) / all_a * (of_arm(1) / all_b)).sqrt().min(1.0),
        }
    }
}
