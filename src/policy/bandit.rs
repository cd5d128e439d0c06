//! Bandits: what is shown is what was clicked most, but for what is not known well enough yet.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::per::Per;
use super::{Feature, Learning, Policy, Propensities, Request, Selection, Shown};
use crate::error::Error;
use crate::error::range::out;
use crate::question::attention::Attention;

/// The probability of exploring where a rule without chance of its own is not told how slates are made.
const EPSILON: f64 = 0.1;

/// What of a shown impression an arm that was never shown is taken to have: half of one, clicked, is
/// above anything that was shown.
const UNSHOWN: f64 = 0.5;

/// A Bernoulli bandit: an arm for each item (or set of topics, or creator), a click for a success.
///
/// Of an arm with `S` clicks in impressions that were looked at `N` times in all:
///
/// | rule | weight |
/// | --- | --- |
/// | [`Thompson`](BanditRule::Thompson) | a draw from `Beta(prior_clicks + S, prior_misses + N - S)` |
/// | [`KlUcb`](BanditRule::KlUcb) | the greatest `q` with `n * kl(S/N, q) <= ln t` |
/// | [`Ucb1`](BanditRule::Ucb1) | `S/N + sqrt(2 ln t / n)` |
///
/// `t` is 1 plus all impressions that it learned of, `kl` the divergence of two Bernoulli distributions,
/// and `n` is `N`, or, where impressions do not all count alike, `N^2` through their number: what an
/// estimate from clicks at the known probabilities of being looked at is worth (Lagrée, Vernade and
/// Cappé 2016, arXiv 1606.02448).
///
/// **Slates.** Thompson takes the greatest draws ([`Selection::Top`]), and cannot tell its propensities.
/// The other two have no chance in them, and learn only after every round, so in a round everybody
/// would be shown the same: they explore by [`Selection::EpsilonGreedy`] with 0.1 if nothing else is
/// said, and tell their propensities.
///
/// **Position.** An impression at a low rank that nobody looked at says nothing of the item. `examination`
/// tells the bandit how likely ranks are looked at, relative to rank 1, and an impression counts for
/// so much. If it counts each as one, which is the default and what a naive platform does, what it
/// showed at the top looks better for having been there.
///
/// **Right** for click probabilities that stay as they are, one arm shown at a time. **Fails** where
/// items live too briefly for every one to be tried (learn per set of topics or creator then), and
/// where viewers differ: it learns what is liked in general. Arms of the same set of topics have the
/// same weight, so that under [`Selection::Top`] the slate is of one set. **Costs** a look-up for each
/// candidate, and two gamma variables (Thompson; Marsaglia and Tsang 2000, doi 10.1145/358407.358414)
/// or the root of an equation (KL-UCB); a few dozen bytes for each arm that was shown, which are never
/// given up.
///
/// Sources: Thompson 1933, doi 10.1093/biomet/25.3-4.285; Chapelle and Li 2011 (NIPS 24); Auer,
/// Cesa-Bianchi and Fischer 2002, doi 10.1023/A:1013689704352; Garivier and Cappé 2011, arXiv 1102.2490.
///
/// ```
/// use tiltmeter::policy::{Bandit, BanditPolicy, BanditRule, Policy, Shown, slate};
/// use tiltmeter::policy::{Candidates, Request};
///
/// let mut bandit = BanditPolicy::new(&Bandit { rule: BanditRule::Ucb1, ..Bandit::default() })?;
/// let click = |item, clicked| Shown { clicked, ..Shown::of(item) };
/// bandit.learn(&[click(1, 1), click(1, 0), click(2, 0), click(2, 0)]);
/// assert_eq!(bandit.mean(1), (1.0 + 1.0) / (2.0 + 2.0)); // with a prior of one click and one miss
///
/// let pool = Candidates { items: vec![1, 2], ..Candidates::default() };
/// let slate = slate(&bandit, &Request::new(&pool), 1)?;
/// assert_eq!(slate.propensities, Some(vec![0.9 + 0.1 / 2.0]));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bandit {
    /// How weights come from what was clicked. Default Thompson sampling.
    pub rule: BanditRule,
    /// What its arms are. Default items.
    pub per: Per,
    /// Clicks that an arm is taken to have had before its first impression, from 0.001: for Thompson
    /// sampling and [`mean`](BanditPolicy::mean). Default 1, with 1 miss a uniform prior.
    pub prior_clicks: f64,
    /// Impressions without a click, likewise. Default 1.
    pub prior_misses: f64,
    /// How likely the bandit takes ranks to be looked at, relative to rank 1. Default uniform: every
    /// impression counts as one.
    pub examination: Attention,
}

impl Default for Bandit {
    fn default() -> Self {
        Self {
            rule: BanditRule::Thompson,
            per: Per::Item,
            prior_clicks: 1.0,
            prior_misses: 1.0,
            examination: Attention::Uniform,
        }
    }
}

/// How a [`Bandit`] weighs its arms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BanditRule {
    /// A draw from what is believed of each arm.
    #[default]
    Thompson,
    /// The upper confidence bound by Kullback-Leibler divergence; from 0 to 1.
    KlUcb,
    /// The upper confidence bound by Hoeffding's inequality.
    Ucb1,
}

impl Bandit {
    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not, and for an examination that gives rank 1 nothing or
    /// depends on the slate.
    pub fn check(&self) -> Result<(), Error> {
        for (parameter, prior) in [
            ("Bandit::prior_clicks", self.prior_clicks),
            ("Bandit::prior_misses", self.prior_misses),
        ] {
            if !(0.001..=1e9).contains(&prior) {
                return Err(out(parameter, prior, "from 0.001 to 1,000,000,000"));
            }
        }
        self.examination.check()?;
        if self.examination.at(1).is_some_and(|first| first > 0.0) {
            return Ok(());
        }
        let expected = "a model that gives rank 1 attention, and does not depend on the slate";
        Err(out("Bandit::examination", format!("{:?}", self.examination), expected))
    }
}

/// What a [`Bandit`] knows of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArmRecord {
    /// Clicks.
    pub clicks: u64,
    /// Impressions.
    pub shown: u64,
    /// Impressions by how likely they were looked at.
    pub examined: f64,
}

/// A [`Bandit`] at work.
#[derive(Clone, Debug)]
pub struct BanditPolicy {
    config: Bandit,
    /// The attention of rank 1.
    first: f64,
    arms: HashMap<u32, ArmRecord, FixedState>,
    /// All impressions.
    shown: u64,
}

impl BanditPolicy {
    /// A bandit that has learned nothing yet.
    ///
    /// # Errors
    /// Those of [`Bandit::check`].
    pub fn new(config: &Bandit) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            first: config.examination.at(1).unwrap_or(1.0),
            config: config.clone(),
            arms: HashMap::default(),
            shown: 0,
        })
    }

    /// What it knows of an arm: an item, set of topics or creator by number.
    #[must_use]
    pub fn arm(&self, arm: u32) -> ArmRecord {
        self.arms.get(&arm).copied().unwrap_or_default()
    }

    /// The click probability that it expects of an arm where it is looked at, the prior counted in.
    #[must_use]
    pub fn mean(&self, arm: u32) -> f64 {
        let (clicks, misses) = self.belief(self.arm(arm));
        clicks / (clicks + misses)
    }

    /// The parameters of the beta distribution of an arm's click probability.
    fn belief(&self, arm: ArmRecord) -> (f64, f64) {
        let clicks = arm.clicks as f64;
        let misses = (arm.examined - clicks).max(0.0);
        (self.config.prior_clicks + clicks, self.config.prior_misses + misses)
    }

    fn weigh_arm(&self, number: u32, arm: ArmRecord, request: &Request<'_>, horizon: f64) -> f64 {
        match self.config.rule {
            BanditRule::Thompson => {
                let (clicks, misses) = self.belief(arm);
                Blocks { request, at: number }.beta(clicks, misses)
            }
            BanditRule::KlUcb if arm.examined > 0.0 => kl_bound(arm.rate(), horizon / arm.worth()),
            BanditRule::KlUcb => 1.0,
            BanditRule::Ucb1 if arm.examined > 0.0 => {
                arm.rate() + (2.0 * horizon / arm.worth()).sqrt()
            }
            BanditRule::Ucb1 => 1.0 + (2.0 * horizon / UNSHOWN).sqrt(),
        }
    }
}

impl ArmRecord {
    /// Clicks by what was looked at.
    fn rate(self) -> f64 {
        (self.clicks as f64 / self.examined).min(1.0)
    }

    /// The number of impressions that were all looked at that would tell as much.
    fn worth(self) -> f64 {
        self.examined * self.examined / self.shown as f64
    }
}

impl Policy for BanditPolicy {
    fn name(&self) -> String {
        let rule = match self.config.rule {
            BanditRule::Thompson => "Thompson sampling",
            BanditRule::KlUcb => "KL-UCB",
            BanditRule::Ucb1 => "UCB1",
        };
        format!("bandit, {rule}")
    }

    fn needs(&self) -> Vec<Feature> {
        self.config.per.needs()
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        let horizon = (self.shown as f64).ln_1p();
        let arms = self.config.per.of_candidates(request.candidates);
        for (weight, &arm) in weights.iter_mut().zip(arms) {
            *weight = self.weigh_arm(arm, self.arm(arm), request, horizon);
        }
    }

    fn selection(&self) -> Selection {
        match self.config.rule {
            BanditRule::Thompson => Selection::Top,
            BanditRule::KlUcb | BanditRule::Ucb1 => Selection::EpsilonGreedy { epsilon: EPSILON },
        }
    }

    fn propensities(&self) -> Propensities {
        match self.config.rule {
            BanditRule::Thompson => Propensities::Unknown,
            BanditRule::KlUcb | BanditRule::Ucb1 => Propensities::Known,
        }
    }

    fn learning(&self) -> Learning {
        Learning::EveryRound
    }

    fn learn(&mut self, shown: &[Shown]) {
        self.shown += shown.len() as u64;
        for impression in shown {
            let arm = self.arms.entry(self.config.per.of(impression)).or_default();
            arm.shown += 1;
            arm.clicks += u64::from(impression.clicked.min(1));
            let attention = self.config.examination.at(impression.position).unwrap_or(0.0);
            arm.examined += (attention / self.first).min(1.0);
        }
    }
}

/// The greatest `q` with `kl(p, q) <= bound`, from above by Newton's method, since `kl(p, .)` is convex
/// above `p`. The start is on the far side of the root by Pinsker's inequality for small bounds, and for
/// large ones by leaving out what a click adds, which is exact for p = 0.
fn kl_bound(p: f64, bound: f64) -> f64 {
    const STEPS: u32 = 16;
    if p >= 1.0 {
        return 1.0;
    }
    // kl(p, q) = -entropy - p ln q - (1 - p) ln(1 - q).
    let entropy = std::f64::consts::LN_2 - kl(p, 0.5);
    let far = 1.0 - (-(entropy + bound) / (1.0 - p)).exp();
    let mut q = (p + (bound / 2.0).sqrt()).min(far).min(1.0 - f64::EPSILON);
    for _ in 0..STEPS {
        if q <= p {
            return p;
        }
        let excess = -entropy - p * q.ln() - (1.0 - p) * (-q).ln_1p() - bound;
        let step = excess * q * (1.0 - q) / (q - p);
        // What is not above the root, by rounding or because both are equal, stays.
        if step <= 0.0 {
            break;
        }
        q -= step;
        // Each step squares the distance that is left.
        if step < 1e-6 * (q - p).min(1.0 - q) {
            break;
        }
    }
    q
}

/// The Kullback-Leibler divergence of Bernoulli distributions, for p below 1 and q inside (0, 1).
fn kl(p: f64, q: f64) -> f64 {
    let click = if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    click + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln()
}

/// Random numbers of an arm in a request, four at a time: candidates of one arm have the same.
struct Blocks<'a> {
    request: &'a Request<'a>,
    at: u32,
}

impl Blocks<'_> {
    fn next(&mut self) -> [f64; 4] {
        let block = self.request.uniforms(self.at);
        // Far from where arms with numbers in a row have their first blocks.
        self.at = self.at.wrapping_add(0x9E37_79B9);
        block
    }

    /// A beta variable, above 0: from two gamma variables, which one block mostly is enough for.
    fn beta(mut self, a: f64, b: f64) -> f64 {
        let [radius, angle, first, second] = self.next();
        let (x, y) = normals(radius, angle);
        let a = self.log_gamma(a, x, first);
        let b = self.log_gamma(b, y, second);
        (1.0 / (1.0 + (b - a).exp())).max(f64::MIN_POSITIVE)
    }

    /// The logarithm of a gamma variable of scale 1, from a normal and a uniform one, and from more
    /// where these are rejected.
    fn log_gamma(&mut self, shape: f64, mut normal: f64, mut uniform: f64) -> f64 {
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 {
                let square = normal * normal;
                let log_v = v.ln();
                if uniform < 1.0 - 0.0331 * square * square
                    || uniform.ln() < 0.5 * square + d * (1.0 - v + log_v)
                {
                    // For shapes below 1, one more by a power of a uniform variable.
                    let less = if shape < 1.0 { self.next()[0].ln() / shape } else { 0.0 };
                    return d.ln() + log_v + less;
                }
            }
            let [radius, angle, next, _] = self.next();
            (normal, uniform) = (normals(radius, angle).0, next);
        }
    }
}

/// Two standard normal variables from two uniform ones (Box and Muller 1958).
fn normals(radius: f64, angle: f64) -> (f64, f64) {
    let radius = (-2.0 * radius.ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * angle).sin_cos();
    (radius * cos, radius * sin)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Beta, ContinuousCDF};

    use super::*;
    use crate::policy::Candidates;

    /// Draws have the beta distribution: Kolmogorov's distance of 4,000 of them is below what one in
    /// 10,000 samples exceeds (2.23 / sqrt(n)).
    #[test]
    fn beta_variables() {
        let pool = Candidates::default();
        for (a, b) in [(1.0, 1.0), (0.3, 0.7), (0.5, 40.0), (2.0, 3.0), (120.0, 900.0), (0.4, 0.4)]
        {
            let mut draws: Vec<f64> = (0..4_000)
                .map(|number| {
                    let request = Request { number, ..Request::new(&pool) };
                    Blocks { request: &request, at: 7 }.beta(a, b)
                })
                .collect();
            draws.sort_unstable_by(f64::total_cmp);
            let beta = Beta::new(a, b).unwrap();
            let distance = draws.iter().enumerate().map(|(rank, draw)| {
                let at = beta.cdf(*draw);
                (at - rank as f64 / 4_000.0).abs().max((at - (rank + 1) as f64 / 4_000.0).abs())
            });
            let distance = distance.fold(0.0, f64::max);
            assert!(distance < 2.23 / 4_000_f64.sqrt(), "Beta({a}, {b}): {distance}");
        }
    }

    /// The bound is where the divergence is what it may be, and closed forms for p = 0 and p = 1.
    #[test]
    fn kl_bounds() {
        for p in [0.0, 0.001, 0.1, 0.5, 0.9, 0.999] {
            for bound in [1e-9, 1e-4, 0.01, 0.5, 3.0, 20.0] {
                let q = kl_bound(p, bound);
                assert!(q > p && q < 1.0, "{p} {bound}: {q}");
                // Nearer to 1, the distance is of few digits.
                let exact = (kl(p, q) - bound).abs() < 1e-8 * bound.max(1e-4);
                assert!(exact || 1.0 - q < 1e-7, "{p} {bound}: {q}");
            }
        }
        // kl(0, q) = -ln(1 - q).
        assert!((kl_bound(0.0, 0.7) - (1.0 - (-0.7_f64).exp())).abs() < 1e-12);
        assert_eq!(kl_bound(1.0, 0.7), 1.0);
        assert!(kl_bound(0.3, 1e6) <= 1.0);
        assert_eq!(kl_bound(0.3, 0.0), 0.3);
        assert_eq!(kl_bound(0.3, 1e-40), 0.3);
    }
}
