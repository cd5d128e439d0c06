//! Intervals and p-values for contrasts of two shares, from bounds of either.

use serde::{Deserialize, Serialize};

use super::beta::{self, GREATEST, LEAST, Tail};
use super::delta::{normal_quantile, student_quantile};
use super::shares::{ArmShare, Shares};
use super::tails::above;
use super::{Case, Jackknife, Uncertainty};
use crate::error::Error;
use crate::estimate::{IntervalMethod, Warning};
use crate::statistic::{Side, Statistic};

/// The default: bounds for the share of each arm, put together.
///
/// For every statistic that contrasts two shares (ratio, percent, difference, odds ratio, add-one reach,
/// half-added ratio; pooled, cluster mean or reach) and for a share alone, with `x` and `n` a cluster's mass of
/// the topic and of all, and `e = x - p n` what it has beyond its part:
///
/// 1. each arm's share `p` has the greater of its linearised and its delete-one jackknife variance `v` over
///    the arm's own `G` clusters, known with `d = min(G - 1, 3 K - 1, 2 g - 1)` degrees of freedom, at least 1:
///    `K = (sum e^2)^2 / sum e^4` is the number of clusters that carry the residuals (a third of `G` if these
///    are normal) and `g = (sum n)^2 / sum n^2` that of those that carry the mass;
/// 2. the arm is worth `n* = min(p (1 - p)/v, m) (t_{m-1}/t_d)^2` independent impressions of the `m` that
///    it has, and not less than `g`, what clusters would be worth that show the topic always or never; its
///    share is bounded after Clopper and Pearson with `p n*` successes in `n*` (Korn and Graubard 1998,
///    Survey Methodology 24, 193-201). Where the share does not vary, at 0 and 1 above all, `n* = g`;
/// 3. the two are put together by MOVER (Zou and Donner 2008, doi 10.1002/sim.3095) on the statistic's
///    working scale: with `d_A = t(p_A) - t(l_A)` and `d_B = t(u_B) - t(p_B)` the lower end is `t(p_A) -
///    t(p_B) - sqrt(d_A^2 + d_B^2 - 2 r d_A d_B)`, the upper one likewise. `r` is the correlation of
///    the arms' residuals over shared clusters, lowered by a quarter of its standard error `(1 -
///    r^2)/sqrt(S)` and, where that is above 0, by the factor `max(0, 1 - (2/C)^2)`, times the part of the
///    arms' variation that these have; 0 where none is shared. `C` is the effective number `(sum x)^2 / sum
///    x^2` of shared clusters that carry the topic, or anything else, in the arm where it is least: one or
///    two go together whatever they are like. Where neither share varies nothing shows how they go
///    together, and `r` is the worst, -1 times the part of the arms' mass that shared clusters have;
/// 4. where clusters are in both arms and few carry the difference, each may have leaned its way by the toss of a
///    coin, however sure its own lean is: all `B` lean one way with a chance of `2 / 2^B`. No p-value is below that
///    of turning them round: how often `|sum +-e|` is as great as seen, with `e` what each adds to the difference of
///    the two shares about their mean (the first 12 by size in every way, the others as one normal variable),
///    or that of Welch's test of the clusters in one arm alone where it is smaller and says the same, of more
///    than a twentieth of the mass. An interval that is to
///    be wrong more rarely reaches to no amplification, and [`Warning::FewInBothArms`] says so. In both
///    arms is what has in neither less than a tenth of its part of the other, but for the smallest that together have a
///    twentieth of the mass, and few is `(sum e^2)^2 / sum e^4` below 12. So five crossed clusters or less are no finding at 95%, whatever stray impressions are beside
///    them (no more than that twentieth); with clusters that go two ways, five of either;
/// 5. nor is anything found against a baseline that is said to be exactly 0 or 1, without an error or the
///    size of a sample: one stray impression would do ([`Warning::CertainBaseline`]).
///
/// So an arm at 0% or 100% varies too, a single shared cluster changes next to nothing, and a cluster that
/// holds half of an arm or a topic that few clusters show makes the interval long instead of wrong. A
/// share of 0 below or above the line leaves one bound, by the rule for ratios (Donner and Zou 2012, doi
/// 10.1177/0962280210391951, cited from memory); everywhere else there are two. An end is never nearer to
/// nothing than 1e-200 of a share: such an interval says nothing.
///
/// A baseline known from elsewhere is one more share: with the standard error that was stated for it, or
/// none. Statistics that keep strata apart are no contrasts of two shares and have the
/// [`Jackknife`], as the result says. [`crate::guide::coverage_tables`] has the measured coverage. Costs a
/// pass over the clusters of each arm.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::inference::ShareBounds;
/// use tiltmeter::{Interval, IntervalMethod};
/// assert_eq!(Interval::default(), Interval::ShareBounds(ShareBounds::default()));
/// let report = Audit::of(&log, &question).run()?;
/// assert_eq!(report.estimates()[0].method, Some(IntervalMethod::ShareBounds));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ShareBounds {
    /// The confidence level, in (0, 1).
    pub level: f64,
    /// With or without what small and unequal studies need.
    pub form: BoundsForm,
}

/// The form of [`ShareBounds`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BoundsForm {
    /// With what small and unequal studies need, as simulations showed.
    #[default]
    Refined,
    /// Without three refinements: degrees of freedom are `min(G - 1, 3 K - 1)`, `n*` has no least value and
    /// is `G` where the share does not vary, and the correlation is taken as it is. Somewhat too short with
    /// crossed clusters, and up to three times as long for reach with an arm of few clusters; for
    /// comparison.
    Plain,
}

impl Default for ShareBounds {
    /// 95%, refined.
    fn default() -> Self {
        Self { level: 0.95, form: BoundsForm::default() }
    }
}

impl ShareBounds {
    pub(super) fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)
    }

    /// The interval of a finite value: the jackknife's where the statistic is no contrast of shares.
    pub(super) fn doubt(&self, case: &Case<'_>) -> Uncertainty {
        match &case.shares {
            None => Jackknife { level: self.level }.doubt(case),
            Some(Err(reason)) => Uncertainty::none(*reason),
            Some(Ok(shares)) => {
                let totals = case.contributions.totals();
                let contrast = Contrast::of(case.statistic, totals, shares).in_form(self.form);
                self.of(&contrast, case.influence.variance().ok())
            }
        }
    }

    /// The interval of a contrast, beside the linearised variance of its value.
    pub(super) fn of(
        &self,
        contrast: &Contrast<'_>,
        linear: Option<super::influence::Variance>,
    ) -> Uncertainty {
        let (low, high) = contrast.ends(1.0 - self.level);
        // A share that does not vary has no error that clusters could show.
        let linear = linear.filter(|_| !contrast.shares.has_still_arm());
        Uncertainty {
            interval: Ok(contrast.statistic.scale().interval(low, high, self.level)),
            method: Some(IntervalMethod::ShareBounds),
            standard_error: linear.map(|known| known.variance.sqrt()),
            degrees_of_freedom: linear.map(|known| known.degrees_of_freedom),
        }
    }
}

/// A contrast of shares, ready to be bounded at any level.
pub(super) struct Contrast<'c> {
    statistic: &'c dyn Statistic,
    totals: &'c [f64],
    shares: &'c Shares,
    form: BoundsForm,
    correlation: f64,
    /// No p-value is below this.
    least_p: f64,
    /// The contrast that is taken off, where there are two, and the correlation between them.
    less: Option<(Box<Contrast<'c>>, f64)>,
}

/// A value with its bounds on the working scale.
#[derive(Clone, Copy, Debug)]
struct Bounded {
    low: f64,
    value: f64,
    high: f64,
}

impl Bounded {
    /// The bounds of this value less another, put together like those of two shares; where one of them is
    /// infinite the widest that both leave.
    fn less(self, other: Self, correlation: f64) -> (f64, f64) {
        let value = self.value - other.value;
        let open = |end: f64, open: f64| if end.is_nan() { open } else { end };
        if !value.is_finite() {
            let (low, high) = (self.low - other.high, self.high - other.low);
            return (open(low, f64::NEG_INFINITY), open(high, f64::INFINITY));
        }
        let down = reach(self.value - self.low, other.high - other.value, correlation);
        let up = reach(self.high - self.value, other.value - other.low, correlation);
        (value - down, value + up)
    }
}

/// How far a difference reaches whose parts reach so far, with a correlation between them.
fn reach(one: f64, other: f64, correlation: f64) -> f64 {
    if one.is_infinite() || other.is_infinite() {
        return f64::INFINITY;
    }
    (one * one + other * other - 2.0 * correlation * one * other).max(0.0).sqrt()
}

/// The term of an arm's share, and those of its bounds.
#[derive(Clone, Copy, Debug)]
struct Term {
    at: f64,
    low: f64,
    high: f64,
}

impl Term {
    /// Nothing, for an arm that the statistic does not need.
    const NONE: Self = Self { at: 0.0, low: 0.0, high: 0.0 };
}

impl<'c> Contrast<'c> {
    pub(super) fn of(statistic: &'c dyn Statistic, totals: &'c [f64], shares: &'c Shares) -> Self {
        let form = BoundsForm::default();
        let (own, less) = match (statistic.contrasts(), &shares.less) {
            (Some(of), Some(less)) => {
                let (own, other) = totals.split_at(totals.len() / 2);
                let other = Box::new(Self::of(of, other, &less.shares));
                ((of, own), Some((other, less.correlation)))
            }
            _ => ((statistic, totals), None),
        };
        let (statistic, totals) = own;
        Self { statistic, totals, shares, form, correlation: 0.0, least_p: 0.0, less }.in_form(form)
    }

    /// In another form than the default one.
    pub(super) fn in_form(self, form: BoundsForm) -> Self {
        let correlation = match form {
            BoundsForm::Refined => self.shares.cautious_correlation(),
            BoundsForm::Plain => self.shares.correlation(),
        };
        let least_p = match form {
            BoundsForm::Refined => self.shares.least_p,
            BoundsForm::Plain => 0.0,
        };
        let less = self.less.map(|(other, between)| (Box::new(other.in_form(form)), between));
        Self { form, correlation, least_p, less, ..self }
    }

    /// Why its interval at this level reaches to the null, if it would not by itself.
    pub(super) fn held_back(&self, alpha: f64) -> Option<Warning> {
        let null = self.statistic.null().filter(|_| alpha < self.least_p)?;
        let (low, high) = self.own_ends(alpha);
        if low <= null && null <= high {
            return None;
        }
        let is_baseline = self.shares.arms.iter().flatten().any(ArmShare::is_certain);
        Some(if is_baseline {
            Warning::CertainBaseline
        } else {
            Warning::FewInBothArms { p: self.least_p }
        })
    }

    /// Between which values the contrast is where the arms' shares are equal, on the working scale: from the
    /// null to the null, but where something is added to the cells, which moves it.
    pub(super) fn of_equal_shares(&self, null: f64) -> [f64; 2] {
        let ([Some(a), Some(b)], None) = (self.shares.arms, &self.less) else { return [null; 2] };
        let values = [a.share, b.share].map(|share| {
            let of = |side| self.statistic.term(side, share, self.totals).unwrap_or(f64::NAN);
            of(Side::Treatment) - of(Side::Baseline)
        });
        // Infinite terms of equal shares are no difference.
        let values = values.into_iter().filter(|value| value.is_finite());
        values.fold([null; 2], |[low, high], value| [low.min(value), high.max(value)])
    }

    /// The ends of the interval on the working scale, infinite where there is none; at a level at which nothing can
    /// be found they reach to the null.
    pub(super) fn ends(&self, alpha: f64) -> (f64, f64) {
        let (low, high) = self.own_ends(alpha);
        match self.statistic.null() {
            Some(null) if alpha < self.least_p => (low.min(null), high.max(null)),
            _ => (low, high),
        }
    }

    /// The same, whatever can be found.
    fn own_ends(&self, alpha: f64) -> (f64, f64) {
        let own = self.of_shares(alpha);
        match &self.less {
            Some((other, between)) => own.less(other.of_shares(alpha), *between),
            None => (own.low, own.high),
        }
    }

    /// The contrast of its own two shares.
    fn of_shares(&self, alpha: f64) -> Bounded {
        let [a, b] = [Side::Treatment, Side::Baseline].map(|side| self.term(side, alpha));
        // A statistic of the baseline's share alone is its term, and nothing less that.
        let [a, b] = if self.shares.arms[0].is_none() { [b, a] } else { [a, b] };
        let value = a.at - b.at;
        if value == f64::NEG_INFINITY {
            return Bounded { low: value, value, high: below(a, b, self.correlation) };
        }
        if value == f64::INFINITY {
            return Bounded { low: -below(b, a, self.correlation), value, high: value };
        }
        let down = reach(a.at - a.low, b.high - b.at, self.correlation);
        let up = reach(a.high - a.at, b.at - b.low, self.correlation);
        Bounded { low: value - down, value, high: value + up }
    }

    fn term(&self, side: Side, alpha: f64) -> Term {
        let Some(arm) = self.shares.arms[super::arms::index(side)] else {
            return Term::NONE;
        };
        let (low, high) = bounds(&arm, self.form, alpha);
        let term = |share| {
            // What was asked for each share before is there for these too.
            self.statistic.term(side, share, self.totals).unwrap_or(f64::NAN)
        };
        Term { at: term(arm.share), low: term(low), high: term(high) }
    }

    /// How far the value is from another one, on the working scale, as a normal variable would be that has
    /// the same p-value: positive above it, and 0 where no level leaves it out. The two-sided p-value is
    /// twice what a normal exceeds that by.
    ///
    /// By false position (Illinois) on the normal quantile, in which ends are nearly straight lines.
    pub(super) fn distance(&self, from: f64) -> f64 {
        let distance = self.own_distance(from);
        // Ends that reach to the null reach past what lies before it, and not past what lies beyond.
        let is_before = |null| if distance > 0.0 { from >= null } else { from <= null };
        if self.least_p <= 0.0 || !self.statistic.null().is_some_and(is_before) {
            return distance;
        }
        let most = if self.least_p < 1.0 { normal_quantile(self.least_p / 2.0) } else { 0.0 };
        distance.clamp(-most, most)
    }

    fn own_distance(&self, from: f64) -> f64 {
        let (low, high) = self.own_ends(1.0);
        let (sign, is_low) = if low > from {
            (1.0, true)
        } else if high < from {
            (-1.0, false)
        } else {
            return 0.0;
        };
        // Where the other share is known to be 0 there is no end at any level, and nothing is left out.
        let (low, high) = self.own_ends(2.0 * above(MOST_ERRORS, None));
        if low == f64::INFINITY || high == f64::NEG_INFINITY {
            return 0.0;
        }
        // Above 0 as long as the interval leaves the other value out.
        let clear = |z: f64| {
            let (low, high) = self.own_ends((2.0 * above(z, None)).min(1.0));
            let clear = if is_low { low - from } else { from - high };
            clear.clamp(-1e6, 1e6)
        };
        let (mut near, mut far) = (0.0, MOST_ERRORS);
        let (mut at_near, mut at_far) = (clear(near), clear(far));
        if at_far > 0.0 {
            return sign * far;
        }
        for _ in 0..100 {
            let between = (near * at_far - far * at_near) / (at_far - at_near);
            let here = clear(between);
            if here > 0.0 {
                (near, at_near) = (between, here);
                at_far /= 2.0;
            } else {
                (far, at_far) = (between, here);
                at_near /= 2.0;
            }
            if far - near <= 1e-12 * far || here == 0.0 {
                break;
            }
        }
        sign * f64::midpoint(near, far)
    }
}

/// Further than this from the null p-values are told from one another no more: 1e-299.
const MOST_ERRORS: f64 = 37.0;

/// The upper end of a contrast whose value is minus infinity, on the working scale: for `a/b` with `a` of 0,
/// `u_a / (r d + sqrt(b^2 - d^2 (1 - r^2)))` with `d = b - l_b`, where the bound for `a - theta b` meets 0 (Donner
/// and Zou 2012, with the correlation in it); `a` and `b` are the exponentials of the terms. Where it is `b`
/// that is infinite, the same of their inverses; where both are, one bound over the other.
fn below(a: Term, b: Term, correlation: f64) -> f64 {
    let (zero, other) = if a.at == f64::NEG_INFINITY {
        (a.high, (b.at, b.low))
    } else {
        (-b.low, (-a.at, -a.high))
    };
    let (at, low) = other;
    if at == f64::INFINITY {
        return zero - low;
    }
    if low == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    // As `l_b (2 b - l_b) / (sqrt(r^2 d^2 + l_b (2 b - l_b)) - r d)`, over `b`: `l_b` may be tiny.
    let left = (low - at).exp();
    let down = correlation * (1.0 - left);
    let root = (down * down + left * (2.0 - left)).sqrt();
    zero - (low + (2.0 - left).ln() - (root - down).ln())
}

/// The bounds of an arm's share, each held with `1 - alpha/2`.
fn bounds(arm: &ArmShare, form: BoundsForm, alpha: f64) -> (f64, f64) {
    let (share, tail) = (arm.share, alpha / 2.0);
    let is_sample = arm.impressions.is_finite();
    if arm.is_known() && arm.variance <= 0.0 && !is_sample {
        return (share, share);
    }
    let inside = share > 0.0 && share < 1.0;
    if arm.is_known() && !inside && !is_sample {
        let reach = normal_quantile(tail) * arm.variance.sqrt();
        return ((share - reach).max(0.0), (share + reach).min(1.0));
    }
    let worth = worth(arm, form, tail).max(1e-9);
    let (hits, misses) = (share * worth, (1.0 - share) * worth);
    let low = if share > 0.0 {
        beta::quantile(Tail::Lower, tail, hits, misses + 1.0).max(LEAST)
    } else {
        0.0
    };
    let high = if share < 1.0 {
        beta::quantile(Tail::Upper, tail, hits + 1.0, misses).min(GREATEST)
    } else {
        1.0
    };
    (low, high)
}

/// How many independent impressions an arm is worth.
fn worth(arm: &ArmShare, form: BoundsForm, tail: f64) -> f64 {
    let of_residuals = (arm.clusters - 1.0).min(3.0 * arm.residual_clusters - 1.0);
    let (degrees, still, least) = match form {
        BoundsForm::Refined => {
            let clusters = arm.effective_clusters;
            (of_residuals.min(2.0 * clusters - 1.0), clusters, arm.least)
        }
        BoundsForm::Plain => (of_residuals, arm.clusters, 0.0),
    };
    if arm.is_known() && arm.impressions.is_finite() {
        return arm.impressions;
    }
    let varies = arm.share > 0.0 && arm.share < 1.0 && arm.variance > 0.0;
    if !varies {
        return still;
    }
    let independent = (arm.share * (1.0 - arm.share) / arm.variance).min(arm.impressions);
    (independent * shrink(tail, arm.impressions - 1.0, degrees.max(1.0))).max(least)
}

/// `(t_{m-1} / t_d)^2`, at the same tail.
fn shrink(tail: f64, impressions: f64, degrees: f64) -> f64 {
    if degrees.is_infinite() {
        return 1.0;
    }
    // At the median both quantiles are 0, and their ratio that of the densities there.
    let tail = tail.min(0.5 - 1e-6);
    let many = student_quantile(tail, impressions.max(1.0));
    (many / student_quantile(tail, degrees)).powi(2)
}
