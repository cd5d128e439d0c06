//! Feeds in which intervals are known to fail: thin, lopsided, at a limit. Made of closed forms alone,
//! so that the truth is known whatever the library says.

use tiltmeter::{Reach, Unit};

use super::method::Method;
use super::numbers::Numbers;
use super::rows::{ARMS, Rows};
use super::study::{Contrast, MadeUp, Truth};

/// Impressions of a cluster where reach is asked for.
const OF_REACH: u32 = 5;
/// Days of the studies whose clusters are days, and impressions of an arm in each.
const DAYS: u32 = 30;
const PER_DAY: u32 = 16;

/// A feed with a name.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

impl Cell {
    /// Both contrasts by each method that can be asked: a permutation test of the ratio where arms are
    /// drawn alike, and nothing but default and delta where clusters go two ways.
    pub(crate) fn asked(&self) -> Vec<(Contrast, Method)> {
        let two_way = matches!(self.shape, Shape::TwoWay { .. });
        let mut methods = vec![Method::Default, Method::DeltaStudentT];
        methods.extend((!two_way).then_some(Method::Jackknife));
        let of_method = |&method: &Method| Contrast::BOTH.map(|contrast| (contrast, method));
        let mut asked: Vec<_> = methods.iter().flat_map(of_method).collect();
        // Labels of arms are not exchangeable where the arms are made of other strata.
        let stratified = matches!(self.shape, Shape::Strata { .. });
        if !two_way && !stratified && self.truth() == Truth::EQUAL {
            asked.push((Contrast::Ratio, Method::PermutationTest));
        }
        asked
    }
}

/// What a feed is like. Pairs are of treatment and baseline. The two arms have the same expected share
/// where only one is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Every cluster is reached by the topic or not, with this probability.
    Reach { clusters: [u32; 2], share: [f64; 2] },
    /// Clusters of one arm each, of so many impressions, whose shares differ by a beta distribution.
    BetaBinomial { clusters: [u32; 2], size: f64, share: [f64; 2], correlation: f64, first: First },
    /// Rare and heavy-tailed: sizes lognormal with median 50, a cluster's share lognormal with mean
    /// `share` (and at most 1).
    HeavyTailed { clusters: u32, share: f64 },
    /// A cluster's size is `20 exp(2 z)` and the logit of its share `-1.5 + slope z` and noise.
    SizeAndShare { clusters: [u32; 2], slope: f64 },
    /// The same, asked as the mean of the clusters' shares.
    Means { clusters: [u32; 2], slope: f64 },
    /// Two strata: the topic is four times as common in the one that most of the treatment and few of
    /// the baseline are in. Within each both arms are alike: beta-binomial, sizes lognormal with median
    /// 50.
    Strata { clusters: [u32; 2], correlation: f64 },
    /// So many clusters in each arm, the first `both` of them in both, whose leaning they keep.
    Crossed { clusters: [u32; 2], both: u32, share: f64, correlation: f64, leaning: Leaning },
    /// Days are the clusters and both arms have all of them; a topic lives on so many of 30, on
    /// average.
    Days { life: f64 },
    /// Beta-binomial with a correlation of 0.1, impressions weighted by lognormal dwell times.
    Dwell { clusters: [u32; 2], share: f64, deviation: f64 },
    /// Viewers of one arm each and days of both; standard deviations of their effects on the logit.
    TwoWay { viewers: u32, days: u32, deviation: [f64; 2] },
}

/// The treatment's first cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Is as the others.
    Alike,
    /// Has as much as all others of the treatment together.
    HalfOfMass,
    /// Has five impressions in the baseline too.
    StrayRow,
}

/// How a cluster's leanings in both arms go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaning {
    /// The same in both.
    Same,
    /// One differs from the other as two draws around the cluster's.
    Near,
    /// More in the one arm is less in the other.
    Opposed,
}

impl MadeUp for Cell {
    fn seed(&self) -> Vec<u64> {
        self.name.bytes().map(u64::from).collect()
    }

    fn truth(&self) -> Truth {
        match self.shape {
            Shape::Reach { share, .. } | Shape::BetaBinomial { share, .. } => Truth::of(share),
            // Both arms are drawn alike.
            _ => Truth::EQUAL,
        }
    }

    fn unit(&self) -> Unit {
        match self.shape {
            Shape::Reach { .. } => Unit::Reach(Reach::default()),
            Shape::Means { .. } => Unit::ClusterMean,
            _ => Unit::Pooled,
        }
    }

    fn rows(&self, numbers: &mut Numbers) -> Rows {
        let mut rows = Rows::default();
        match self.shape {
            Shape::Reach { clusters, share } => each(clusters, |cluster, arm| {
                let reached = numbers.uniform() < share[arm as usize];
                rows.counted(cluster, arm, u32::from(reached), OF_REACH);
            }),
            Shape::BetaBinomial { .. } => beta_binomial(&self.shape, &mut rows, numbers),
            Shape::HeavyTailed { clusters, share } => each([clusters; 2], |cluster, arm| {
                let size = (50.0 * numbers.normal().exp()).ceil();
                let share = (share * (2.0 * numbers.normal() - 2.0).exp()).min(1.0);
                rows.show(cluster, arm, size, share, numbers);
            }),
            Shape::SizeAndShare { clusters, slope } | Shape::Means { clusters, slope } => {
                each(clusters, |cluster, arm| {
                    let z = numbers.normal();
                    let share = logistic(-1.5 + slope * z + 0.5 * numbers.normal());
                    rows.show(cluster, arm, (20.0 * (2.0 * z).exp()).ceil(), share, numbers);
                })
            }
            Shape::Strata { clusters, correlation } => each(clusters, |cluster, arm| {
                let one_in_four = cluster % 4 == 0;
                let common = one_in_four == (arm == ARMS[1]);
                let share = numbers.beta(if common { 0.4 } else { 0.1 }, correlation);
                let size = (50.0 * numbers.normal().exp()).ceil();
                rows.in_stratum((cluster, u8::from(common)), arm, (size, share), numbers);
            }),
            Shape::Crossed { .. } => crossed(&self.shape, &mut rows, numbers),
            Shape::Days { life } => days(life, &mut rows, numbers),
            Shape::Dwell { clusters, share, deviation } => each(clusters, |cluster, arm| {
                let share = numbers.beta(share, 0.1);
                rows.dwell(cluster, arm, (50, share, deviation), numbers);
            }),
            Shape::TwoWay { viewers, days, deviation } => {
                two_way((viewers, days), deviation, &mut rows, numbers);
            }
        }
        rows
    }
}

/// Every cluster of clusters that are in one arm each, by its number.
fn each(clusters: [u32; 2], mut show: impl FnMut(u32, u32)) {
    let [treatment, baseline] = clusters;
    (0..treatment).for_each(|cluster| show(cluster, ARMS[0]));
    (treatment..treatment + baseline).for_each(|cluster| show(cluster, ARMS[1]));
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn beta_binomial(shape: &Shape, rows: &mut Rows, numbers: &mut Numbers) {
    let &Shape::BetaBinomial { clusters, size, share, correlation, first } = shape else {
        return;
    };
    each(clusters, |cluster, arm| {
        let its = numbers.beta(share[arm as usize], correlation);
        let size = match first {
            First::HalfOfMass if cluster == 0 => size * f64::from(clusters[0] - 1),
            _ => size,
        };
        rows.show(cluster, arm, size, its, numbers);
        if first == First::StrayRow && cluster == 0 {
            rows.show(cluster, ARMS[1], 5.0, its, numbers);
        }
    });
}

/// Sizes are lognormal with median 60.
fn crossed(shape: &Shape, rows: &mut Rows, numbers: &mut Numbers) {
    let &Shape::Crossed { clusters, both, share, correlation, leaning } = shape else {
        return;
    };
    let [treatment, baseline] = clusters;
    for cluster in 0..treatment + baseline - both {
        let its = match leaning {
            Leaning::Opposed => numbers.normal(),
            _ => numbers.beta(share, correlation),
        };
        for (arm, sign) in ARMS.into_iter().zip([1.0, -1.0]) {
            let is_in = cluster < both || (cluster < treatment) == (arm == ARMS[0]);
            if !is_in {
                continue;
            }
            let size = (60.0 * (0.7 * numbers.normal()).exp()).ceil();
            let share = match leaning {
                Leaning::Same => its,
                // As two draws of 20 impressions around it.
                Leaning::Near => numbers.beta(its, 1.0 / 21.0),
                Leaning::Opposed => logistic(-1.5 + sign * its + 0.3 * numbers.normal()),
            };
            rows.show(cluster, arm, size, share, numbers);
        }
    }
}

/// A topic is shown on a Poisson number of days, at least one, and there has 15% of the impressions
/// on average, with a gamma distribution of shape 2 over days.
fn days(life: f64, rows: &mut Rows, numbers: &mut Numbers) {
    let mut alive = numbers.poisson(life).clamp(1, DAYS);
    for day in 0..DAYS {
        // Each set of so many days is as likely as any other.
        let lives = numbers.uniform() * f64::from(DAYS - day) < f64::from(alive);
        let mut rate = 0.0;
        if lives {
            alive -= 1;
            rate = 0.15 * f64::from(PER_DAY) * numbers.gamma(2.0) / 2.0;
        }
        for arm in ARMS {
            rows.counted(day, arm, numbers.poisson(rate).min(PER_DAY), PER_DAY);
        }
    }
}

/// Some ten impressions of each viewer on each day.
fn two_way(
    (viewers, days): (u32, u32),
    [of_viewers, of_days]: [f64; 2],
    rows: &mut Rows,
    numbers: &mut Numbers,
) {
    let days: Vec<f64> = (0..days).map(|_| of_days * numbers.normal()).collect();
    each([viewers; 2], |viewer, arm| {
        let its = of_viewers * numbers.normal();
        for (day, effect) in (0..).zip(&days) {
            let share = logistic(-1.4 + its + effect + 0.3 * numbers.normal());
            rows.on_day((viewer, day), arm, (numbers.poisson(10.0), share), numbers);
        }
    });
}

fn nested(clusters: [u32; 2], size: f64, share: f64, correlation: f64, first: First) -> Shape {
    Shape::BetaBinomial { clusters, size, share: [share; 2], correlation, first }
}

fn in_both(clusters: [u32; 2], both: u32, leaning: Leaning) -> Shape {
    let correlation = if leaning == Leaning::Same { 0.2 } else { 0.1 };
    Shape::Crossed { clusters, both, share: 0.2, correlation, leaning }
}

fn cell(name: String, shape: Shape) -> Cell {
    Cell { name, shape }
}

/// All cells.
pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = near_limits();
    cells.extend(lopsided());
    cells.extend(thin());
    cells.extend(shared());
    cells.extend(means_and_strata());
    cells.extend(weighted_and_two_way());
    cells
}

/// Reach near 0% and 100%.
fn near_limits() -> Vec<Cell> {
    let mut cells = Vec::new();
    for share in [0.02, 0.05, 0.5, 0.85, 0.9, 0.95, 0.98] {
        for [a, b] in [[100, 10], [400, 20]] {
            let shape = Shape::Reach { clusters: [a, b], share: [share; 2] };
            cells.push(cell(format!("reach {share}, {a} against {b}"), shape));
        }
    }
    let unlike = Shape::Reach { clusters: [100, 10], share: [0.5, 0.95] };
    cells.push(cell("reach 0.5 against 0.95, 100 against 10".to_owned(), unlike));
    cells
}

/// Few clusters in an arm, or few that have most of its mass.
fn lopsided() -> Vec<Cell> {
    let mut cells = Vec::new();
    for [a, b] in [[12, 12], [20, 20], [50, 50], [100, 12], [100, 20]] {
        for (slope, way) in [(-0.5, "falls"), (0.5, "rises")] {
            let shape = Shape::SizeAndShare { clusters: [a, b], slope };
            cells.push(cell(format!("size {way} with share, {a} against {b}"), shape));
        }
    }
    for a in [2, 3, 5] {
        for (first, more) in [(First::Alike, ""), (First::StrayRow, ", one in both")] {
            let shape = nested([a, 200], 200.0, 0.2, 0.1, first);
            cells.push(cell(format!("share 0.2, {a} against 200{more}"), shape));
        }
    }
    for a in [9, 50] {
        let shape = nested([a, a], 200.0, 0.2, 0.1, First::Alike);
        cells.push(cell(format!("share 0.2, {a} against {a}"), shape));
    }
    for (b, correlation) in [(12, 0.1), (20, 0.02), (20, 0.1), (20, 0.5), (50, 0.1)] {
        let shape = nested([b, b], 60.0, 0.2, correlation, First::HalfOfMass);
        let name =
            format!("half of an arm in one cluster, {b} against {b}, correlation {correlation}");
        cells.push(cell(name, shape));
    }
    cells
}

/// Topics that few clusters show.
fn thin() -> Vec<Cell> {
    let mut cells = Vec::new();
    for life in [1, 2, 4, 8] {
        let shape = Shape::Days { life: f64::from(life) };
        cells.push(cell(format!("topics of {life} in 30 days"), shape));
    }
    for (share, [a, b]) in [(0.001, [400, 400]), (0.001, [400, 20]), (0.01, [400, 20])] {
        let shape = nested([a, b], 50.0, share, 0.1, First::Alike);
        cells.push(cell(format!("rare {share}, {a} against {b}"), shape));
    }
    for (share, clusters) in [(0.001, 400), (0.01, 100)] {
        let shape = Shape::HeavyTailed { clusters, share };
        let name = format!("rare {share}, heavy-tailed, {clusters} against {clusters}");
        cells.push(cell(name, shape));
    }
    cells
}

/// Arms that share clusters.
fn shared() -> Vec<Cell> {
    let mut cells = Vec::new();
    let leanings =
        [(Leaning::Same, "alike"), (Leaning::Near, "less alike"), (Leaning::Opposed, "opposed")];
    for clusters in [6, 12, 60] {
        for (leaning, name) in leanings {
            let shape = in_both([clusters; 2], clusters, leaning);
            cells.push(cell(format!("crossed, {name}, {clusters}"), shape));
        }
    }
    for (share, clusters) in [(0.01, 60), (0.9, 12)] {
        let shape = Shape::Crossed {
            clusters: [clusters; 2],
            both: clusters,
            share,
            correlation: 0.2,
            leaning: Leaning::Same,
        };
        cells.push(cell(format!("crossed, alike, share {share}, {clusters}"), shape));
    }
    for ([a, b], both) in [([12, 12], 6), ([40, 40], 20), ([6, 100], 3), ([10, 100], 5)] {
        let shape = in_both([a, b], both, Leaning::Same);
        cells.push(cell(format!("partly crossed, {a} against {b}, {both} in both"), shape));
    }
    cells
}

/// Means of clusters' shares, and statistics over strata.
fn means_and_strata() -> Vec<Cell> {
    let mut cells = Vec::new();
    for [a, b] in [[12, 12], [50, 50], [100, 12]] {
        for (slope, way) in [(-0.5, "falls"), (0.5, "rises")] {
            let shape = Shape::Means { clusters: [a, b], slope };
            let name = format!("mean of clusters, size {way} with share, {a} against {b}");
            cells.push(cell(name, shape));
        }
    }
    for ([a, b], correlation) in
        [([12, 12], 0.05), ([40, 40], 0.05), ([40, 40], 0.3), ([100, 12], 0.05)]
    {
        let shape = Shape::Strata { clusters: [a, b], correlation };
        cells.push(cell(format!("two strata, {a} against {b}, correlation {correlation}"), shape));
    }
    cells
}

fn weighted_and_two_way() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (share, [a, b]) in [(0.1, [20, 20]), (0.02, [100, 20])] {
        for deviation in [1.0, 1.5] {
            let shape = Shape::Dwell { clusters: [a, b], share, deviation };
            let name = format!("dwell lognormal({deviation}), {share}, {a} against {b}");
            cells.push(cell(name, shape));
        }
    }
    let effects =
        [([0.8, 0.8], "both matter"), ([0.1, 0.8], "days matter"), ([0.8, 0.1], "viewers matter")];
    for (viewers, days) in [(10, 8), (20, 15), (50, 30)] {
        for (deviation, which) in effects {
            let shape = Shape::TwoWay { viewers, days, deviation };
            let name = format!("two ways, {viewers} against {viewers}, {days} days, {which}");
            cells.push(cell(name, shape));
        }
    }
    cells
}
