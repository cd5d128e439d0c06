//! How large a study must be: what a design can detect, from a pilot log. It plans; estimates are
//! made elsewhere.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::arms::{ArmBlock, ArmCells};
use super::caution::{self, Caution};
use super::contribution::Contributions;
use super::delta::{self, Quantile};
use super::influence::Influence;
use super::question::TopicQuestion;
use crate::error::Error;
use crate::estimate::{ClusterCounts, NoInterval, Relation};
use crate::question::estimand::{Estimand, Unit};
use crate::statistic::{Checked, Scale, Side, Statistic, Working};
use crate::tally::Tally;

/// More clusters, or impressions of one, than this are not looked for.
const MOST_CLUSTERS: u64 = 1 << 50;

/// A study to be planned: how many clusters, how many impressions of each, and what is asked of it.
///
/// ```
/// use tiltmeter::inference::{SampleSizePlan, PerArm};
/// let design = SampleSizePlan { power: 0.9, ..SampleSizePlan::of(PerArm::equal(40)) };
/// assert_eq!((design.level, design.clusters_per_arm.baseline), (0.95, 40));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleSizePlan {
    /// Independent clusters (viewers, sock puppets, days) in each arm. Where the pilot's clusters
    /// are crossed with the arms these are the same clusters, so both numbers must be equal.
    pub clusters_per_arm: PerArm,
    /// Impressions of each cluster in each arm, on average; `None` for as many as in the pilot.
    pub impressions_per_cluster: Option<f64>,
    /// The confidence level of the interval that is to exclude the null, in (0, 1).
    pub level: f64,
    /// The probability with which it is to do so, above `(1 - level)/2` and below 1.
    pub power: f64,
    /// The distribution whose quantiles are used: that of the interval to come.
    pub quantile: Quantile,
}

impl SampleSizePlan {
    /// So many clusters, with the pilot's impressions of each, a 95% interval with Student's t and
    /// a power of 80%.
    #[must_use]
    pub const fn of(clusters_per_arm: PerArm) -> Self {
        Self {
            clusters_per_arm,
            impressions_per_cluster: None,
            level: 0.95,
            power: 0.8,
            quantile: Quantile::StudentT,
        }
    }

    fn check(&self) -> Result<(), Error> {
        super::check_level(self.level)?;
        if !(self.power > self.tail() && self.power < 1.0) {
            return Err(Error::Parameter {
                parameter: "the power of a SampleSizePlan",
                value: self.power.to_string(),
                expected: "above (1 - level)/2, the power without any effect, and below 1",
            });
        }
        match self.impressions_per_cluster {
            Some(mean) if !(1.0..=MOST_CLUSTERS as f64).contains(&mean) => Err(Error::Parameter {
                parameter: "the impressions_per_cluster of a SampleSizePlan",
                value: mean.to_string(),
                expected: "1 or more, and at most 2^50",
            }),
            _ => Ok(()),
        }
    }

    fn check_clusters(&self, sides: &[Option<Side>]) -> Result<(), Error> {
        let PerArm { treatment, baseline } = self.clusters_per_arm;
        let wrong = |expected| {
            Err(Error::Parameter {
                parameter: "the clusters_per_arm of a SampleSizePlan",
                value: format!("{treatment} and {baseline}"),
                expected,
            })
        };
        if sides.contains(&None) && treatment != baseline {
            return wrong(
                "the same in both arms, since the pilot's clusters are crossed with them",
            );
        }
        if sides.iter().any(|side| self.clusters_per_arm.clusters(*side) < 2.0) {
            return wrong("2 or more in each arm that matters");
        }
        Ok(())
    }

    /// The probability beyond one end of the interval.
    fn tail(&self) -> f64 {
        (1.0 - self.level) / 2.0
    }

    /// `q_{1-a/2}`.
    fn critical(&self, degrees: f64) -> f64 {
        self.quantile.upper(self.tail(), degrees)
    }

    /// `q_{1-a/2} + q_{1-b}`: how many standard errors make a detectable effect.
    fn multiplier(&self, degrees: f64) -> f64 {
        let beyond = 1.0 - self.power;
        let more = if beyond <= 0.5 {
            self.quantile.upper(beyond, degrees)
        } else {
            -self.quantile.upper(self.power, degrees)
        };
        self.critical(degrees) + more
    }
}

impl Quantile {
    /// What the distribution exceeds with this probability, at most one half.
    fn upper(self, tail: f64, degrees: f64) -> f64 {
        match self {
            _ if tail == 0.5 => 0.0,
            Self::StudentT => delta::student_quantile(tail, degrees),
            Self::Normal => delta::normal_quantile(tail),
        }
    }

    /// The probability of being at most this.
    fn cdf(self, at: f64, degrees: f64) -> f64 {
        match (self, StudentsT::new(0.0, 1.0, degrees)) {
            (Self::StudentT, Ok(student)) if degrees < 1e6 => student.cdf(at),
            _ => Normal::standard().cdf(at),
        }
    }
}

/// A number of clusters for each arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerArm {
    /// In the arm under test.
    pub treatment: u64,
    /// In what it is compared with.
    pub baseline: u64,
}

impl PerArm {
    /// The same in both arms.
    #[must_use]
    pub const fn equal(clusters: u64) -> Self {
        Self { treatment: clusters, baseline: clusters }
    }

    fn clusters(self, side: Option<Side>) -> f64 {
        match side {
            Some(Side::Baseline) => self.baseline as f64,
            Some(Side::Treatment) | None => self.treatment as f64,
        }
    }
}

/// What a log shows of how clusters vary, for planning a study that asks the same question.
///
/// Two ways lead from it to a design:
///
/// - [`minimum_detectable`](Self::minimum_detectable), [`power_at`](Self::power_at) and
///   [`clusters_needed`](Self::clusters_needed) work on the **linearised variance** of the statistic,
///   that of [`super::Delta`]: an arm's part of it shrinks as one over its clusters. It knows the
///   unit, attention, weights, unequal cluster sizes, and, where clusters are crossed with the arms,
///   that each is its own control. Prefer it.
/// - [`minimum_detectable_difference`](Self::minimum_detectable_difference) is the **textbook formula**
///   of cluster-randomised designs for two shares, from the intraclass correlation: arms independent,
///   every impression counting 1, clusters of one size. It ignores pairing, so with crossed clusters
///   it usually asks for more than is needed.
///
/// Detection means that the interval excludes the null on the side of the effect: a ratio of 1, a
/// difference or percent of 0, or, for the share of one arm, the pilot's own share. With
/// [`Quantile::StudentT`], `t_{1-a/2} + t_{1-b}` standard errors are needed (Bloom 1995, Evaluation
/// Review 19), and power is Student's distribution shifted by the effect: below the noncentral one by
/// at most 0.04 at 8 degrees of freedom and 0.01 at 28, and by next to nothing at powers of 80%. The interval
/// is that of the delta method; the default one is longer where few clusters show the topic, and finds less:
/// in 1,200 simulated studies of 80 viewers 14% where 21% were planned (`tests/simulate/study.rs` has the feed). With
/// few clusters plan for more, or ask a simulated feed ([`PowerCurve`](crate::coverage::PowerCurve)).
///
/// Right where the study will be like the pilot: same clusters, same feed. The variance is held at the
/// pilot's, also under the effect, so a pilot whose topic has another share than the study's misleads;
/// one of few clusters (see [`cautions`](Self::cautions)) knows the variance itself only roughly: with
/// G clusters to about `sqrt(2/(G-1))` of itself. Costs three passes over the clusters.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::inference::{SampleSizePlan, PerArm, Pilot, TopicQuestion};
/// use tiltmeter::statistic::AmplificationRatio;
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::Question;
///
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let question = Question::between("ranked", "newest");
/// let question = TopicQuestion::of(&question, "war")?;
/// let pilot = Pilot::of(&tally, &question, &AmplificationRatio)?;
/// assert_eq!((pilot.treatment.clusters, pilot.treatment.impressions), (4, 9));
/// // Clusters alike less than chance would make them: -0.26, counted as 0.
/// assert!(pilot.intraclass < Some(0.0) && pilot.design_effect == 1.0);
///
/// let design = SampleSizePlan::of(PerArm::equal(100));
/// let smallest = pilot.minimum_detectable(&design)?;
/// assert!(smallest.above > 1.35 && smallest.above < 1.36);
/// let needed = pilot.clusters_needed(2.0, &design)?;
/// let enough = SampleSizePlan { clusters_per_arm: PerArm::equal(needed), ..design };
/// assert!(pilot.power_at(2.0, &enough)? >= 0.8);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pilot {
    /// What the pilot estimates, and the study will.
    pub estimand: Estimand,
    /// The scale that the statistic works on.
    pub scale: Scale,
    /// The pilot's own value, on the working scale.
    pub working: f64,
    /// The clusters, and whether they are nested in the arms or crossed with them: found from the
    /// log, and taken over to the study.
    pub clusters: ClusterCounts,
    /// What was counted in the arm under test.
    pub treatment: PilotArm,
    /// What was counted in what it is compared with.
    pub baseline: PilotArm,
    /// Impressions in the denominator for each cluster in an arm, mean over the clusters of both arms
    /// (a crossed cluster is one in each): m.
    pub impressions_per_cluster: f64,
    /// The standard deviation of that number over its mean (population form, divided by the number
    /// of clusters): cv.
    pub size_variation: f64,
    /// The intraclass correlation rho of "the impression is of the topic" between impressions of a
    /// cluster within an arm, from counts: attention and weights do not enter. One-way analysis of
    /// variance for unequal sizes, arm means taken out:
    /// `rho = (MSB - MSW)/(MSB + (n0 - 1) MSW)` with
    /// `n0 = (N - sum over arms of sum n_c^2/N_a)/sum over arms of (G_a - 1)` (Donner 1986,
    /// International Statistical Review 54). From -1/(n0 - 1) to 1. **May be negative**, which is kept
    /// here and said in `cautions`; formulas that use rho take a negative one as 0, since chance makes
    /// most of them. `None` where rho cannot be known: every cluster has a single impression.
    pub intraclass: Option<f64>,
    /// `1 + (m - 1) rho`: how many times fewer impressions the log is worth, for clusters of one
    /// size. 1 where rho is below 0 or unknown.
    pub design_effect: f64,
    /// `1 + ((cv^2 + 1) m - 1) rho`: the same for unequal sizes (Kish 1965; Eldridge, Ashby and Kerry
    /// 2006). 1 where rho is below 0 or unknown.
    pub design_effect_unequal: f64,
    /// The linearised variance of the statistic on its working scale: the sum of these, which vary
    /// independently. One for each arm where clusters are nested, one in all where they are crossed.
    pub variance: Vec<VariancePart>,
    /// What to know before planning with it.
    pub cautions: Vec<Caution>,
    /// The statistic's null on the working scale; of one that compares nothing, the pilot's value.
    pub null: f64,
}

/// What a pilot shows of one arm; everything in counts of impressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PilotArm {
    /// Clusters of the arm.
    pub clusters: u64,
    /// Their impressions in the denominator.
    pub impressions: u64,
    /// Those of the topic.
    pub topic_impressions: u64,
    /// `topic_impressions / impressions`.
    pub share: f64,
    /// `impressions / clusters`.
    pub impressions_per_cluster: f64,
}

/// What clusters that vary together add to the variance of a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VariancePart {
    /// The arm whose clusters they are; `None` for crossed clusters, which are of both.
    pub side: Option<Side>,
    /// How many there are in the pilot. Of crossed ones, those in either arm.
    pub clusters: u64,
    /// Their part of the variance, in the pilot; it shrinks as one over their number.
    pub variance: f64,
}

/// The smallest effect that a design detects with its power.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Detectable {
    /// The distance from the null on the working scale (of the logarithm, for ratios).
    pub effect: f64,
    /// The null with that added, on the reported scale: the smallest ratio above 1, say.
    pub above: f64,
    /// The null with that taken away, on the reported scale: the largest ratio below 1, say.
    pub below: f64,
    /// The standard error that the study is expected to have, on the working scale.
    pub standard_error: f64,
    /// The degrees of freedom it will leave (Welch-Satterthwaite where clusters are nested); `None`
    /// with normal quantiles.
    pub degrees_of_freedom: Option<f64>,
    /// How clusters relate to the arms, in the pilot and so in the study.
    pub relation: Relation,
}

impl Pilot {
    /// What a tally shows for planning a study of this question and statistic.
    ///
    /// # Errors
    /// [`Error::Pilot`] where an arm that the statistic needs has a single cluster, where clusters do
    /// not vary, and where the statistic is undefined, infinite or zero; those of
    /// [`super::estimates`] for a question that the tally cannot answer, and for a statistic of your own
    /// that returns what is no number.
    pub fn of(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
    ) -> Result<Self, Error> {
        let own = Checked::of(statistic, tally.axes().strata().len())?;
        let pilot = Self::of_sound(tally, question, own.as_ref().map_or(statistic, |own| own));
        own.map_or(Ok(()), |own| own.fault())?;
        pilot
    }

    /// The same of a statistic that returns nothing but numbers.
    fn of_sound(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
    ) -> Result<Self, Error> {
        crate::statistic::check_unit(statistic, question.unit)?;
        crate::statistic::refuse_within(question.unit, "a plan")?;
        question.refuse_correction("a plan")?;
        crate::statistic::check_strata(statistic, tally.axes().strata())?;
        let contributions = Contributions::of(tally, question, statistic)?;
        let refused = |reason| Error::Pilot { reason };
        let working = match statistic.value(contributions.totals()) {
            Working::Finite(value) => value,
            Working::Above | Working::Below => return Err(refused(NoInterval::ShareAtLimit)),
            Working::Undefined(_) => return Err(refused(NoInterval::UndefinedValue)),
        };
        let gradient = statistic.gradient(contributions.totals());
        let parts = Influence::of(&gradient, &contributions).parts().map_err(refused)?;
        if parts.iter().map(|part| part.variance).sum::<f64>() <= 0.0 {
            return Err(refused(NoInterval::NoVariation));
        }
        let variance = parts.into_iter().map(|part| VariancePart {
            side: part.side,
            clusters: part.clusters as u64,
            variance: part.variance,
        });
        let counts = Counts::of(tally, question)?;
        let (mean, variation) = counts.sizes();
        let intraclass = counts.intraclass();
        let rho = intraclass.unwrap_or(0.0).max(0.0);
        let clusters = contributions.clusters();
        Ok(Self {
            estimand: question.estimand(tally, statistic),
            scale: statistic.scale(),
            working,
            clusters,
            treatment: counts.arms[0].described(),
            baseline: counts.arms[1].described(),
            impressions_per_cluster: mean,
            size_variation: variation,
            intraclass,
            design_effect: design_effect(mean, 0.0, rho),
            design_effect_unequal: design_effect(mean, variation, rho),
            variance: variance.collect(),
            cautions: caution::of(&contributions, intraclass),
            null: statistic.null().unwrap_or(working),
        })
    }

    /// The smallest difference of two shares that the design detects, by the textbook formula
    /// `(q_{1-a/2} + q_{1-b}) sqrt(sum over arms of S_a (1 - S_a) (1 + (m - 1) rho)/(G_a m))`, which
    /// is `(...) sqrt(2 sigma^2 (1 + (m - 1) rho)/(G m))` for arms of G clusters with sigma^2 the mean
    /// of their `S (1 - S)` (METHODS section 11; Donner and Klar 2000). S are the topic's shares of
    /// impressions in the pilot, a negative rho counts as 0, and Student's t has
    /// `G_A + G_B - 2` degrees of freedom.
    ///
    /// A share of 0 in one arm adds no variance there, which is too good to be true. Arms are taken as
    /// independent and clusters as of one size, whatever the pilot's; multiply by
    /// the square root of `design_effect_unequal / design_effect` for sizes as unequal as there.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a design outside its ranges, with fewer than 2 clusters in an arm, or
    /// with several impressions per cluster where the pilot leaves rho unknown; [`Error::Pilot`] where
    /// both shares are 0 or 1, or an arm has no impressions.
    pub fn minimum_detectable_difference(&self, design: &SampleSizePlan) -> Result<f64, Error> {
        design.check()?;
        design.check_clusters(&[Some(Side::Treatment), Some(Side::Baseline)])?;
        let mean = design.impressions_per_cluster.unwrap_or(self.impressions_per_cluster);
        let inflation = design_effect(mean, 0.0, self.known_intraclass(mean)?) / mean;
        let PerArm { treatment, baseline } = design.clusters_per_arm;
        let arms = [(self.treatment, treatment as f64), (self.baseline, baseline as f64)];
        if arms.iter().any(|(arm, _)| arm.impressions == 0) {
            return Err(Error::Pilot { reason: NoInterval::UndefinedValue });
        }
        let variance: f64 = arms
            .iter()
            .map(|(arm, clusters)| arm.share * (1.0 - arm.share) * inflation / clusters)
            .sum();
        if variance <= 0.0 {
            return Err(Error::Pilot { reason: NoInterval::NoVariation });
        }
        let degrees = arms.iter().map(|(_, clusters)| clusters - 1.0).sum();
        Ok(design.multiplier(degrees) * variance.sqrt())
    }

    /// The smallest effect that the design detects, from the linearised variance.
    ///
    /// With other impressions per cluster than the pilot's, the variance is taken to change as
    /// `(1 + ((cv^2 + 1) m - 1) rho)/m`, rho below 0 counting as 0 and cv as 0 for cluster means: an
    /// approximation, for nested clusters, pooled shares and cluster means.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a design outside its ranges; with fewer than 2 clusters in an arm;
    /// with unequal arms where clusters are crossed; with other impressions per cluster where clusters
    /// are crossed or the unit is reach, since rho does not say what they do there.
    pub fn minimum_detectable(&self, design: &SampleSizePlan) -> Result<Detectable, Error> {
        let (standard_error, degrees) = self.expected(design)?;
        let effect = design.multiplier(degrees) * standard_error;
        let null = self.null;
        Ok(Detectable {
            effect,
            above: self.scale.reported(null + effect),
            below: self.scale.reported(null - effect),
            standard_error,
            degrees_of_freedom: (design.quantile == Quantile::StudentT).then_some(degrees),
            relation: self.clusters.relation,
        })
    }

    /// The probability that the design's interval excludes the null on the side of the effect, where
    /// the statistic's true value is `truth` on the reported scale: a ratio of 1.5, a difference of
    /// 0.02. The design's own power is not looked at.
    ///
    /// # Errors
    /// Those of [`minimum_detectable`](Self::minimum_detectable), and [`Error::Parameter`] where
    /// `truth` is the null or no value of the statistic.
    pub fn power_at(&self, truth: f64, design: &SampleSizePlan) -> Result<f64, Error> {
        let effect = self.effect(truth)?;
        let (standard_error, degrees) = self.expected(design)?;
        let excess = effect.abs() / standard_error - design.critical(degrees);
        Ok(design.quantile.cdf(excess, degrees))
    }

    /// The smallest number of clusters in each arm with which the design detects a true value of
    /// `truth` (on the reported scale) with its power; where the pilot's clusters are crossed, the
    /// number of clusters, each in both arms. All of the design counts but its `clusters_per_arm`.
    ///
    /// # Errors
    /// Those of [`power_at`](Self::power_at), and [`Error::Parameter`] where the effect is so small
    /// that 2^50 clusters do not show it.
    pub fn clusters_needed(&self, truth: f64, design: &SampleSizePlan) -> Result<u64, Error> {
        /// An effect that is detectable but for rounding is.
        const ROUNDING: f64 = 1e-12;
        let effect = self.effect(truth)?.abs() * (1.0 + ROUNDING);
        let enough = |clusters: u64| -> Result<bool, Error> {
            let clusters_per_arm = PerArm::equal(clusters);
            let detectable =
                self.minimum_detectable(&SampleSizePlan { clusters_per_arm, ..*design })?.effect;
            Ok(detectable <= effect)
        };
        let (mut short, mut long) = (1, 2);
        while !enough(long)? {
            if long >= MOST_CLUSTERS {
                return Err(
                    self.no_effect(truth, "so far from the null that 2^50 clusters show it")
                );
            }
            (short, long) = (long, 2 * long);
        }
        while long - short > 1 {
            let middle = short + (long - short) / 2;
            if enough(middle)? {
                long = middle;
            } else {
                short = middle;
            }
        }
        Ok(long)
    }

    /// The standard error and degrees of freedom of a study.
    fn expected(&self, design: &SampleSizePlan) -> Result<(f64, f64), Error> {
        design.check()?;
        let sides: Vec<Option<Side>> = self.variance.iter().map(|part| part.side).collect();
        design.check_clusters(&sides)?;
        let inflation = self.inflation(design)?;
        let parts = self.variance.iter().map(|part| {
            let clusters = design.clusters_per_arm.clusters(part.side);
            (inflation * part.variance * (part.clusters as f64 / clusters), clusters - 1.0)
        });
        let variance: f64 = parts.clone().map(|(variance, _)| variance).sum();
        let spread: f64 = parts.map(|(part, degrees)| (part / variance).powi(2) / degrees).sum();
        Ok((variance.sqrt(), 1.0 / spread))
    }

    /// What other impressions per cluster do to the variance.
    fn inflation(&self, design: &SampleSizePlan) -> Result<f64, Error> {
        let Some(mean) = design.impressions_per_cluster else { return Ok(1.0) };
        let refused = |expected| Error::Parameter {
            parameter: "the impressions_per_cluster of a SampleSizePlan",
            value: format!("{mean}"),
            expected,
        };
        if self.variance.iter().any(|part| part.side.is_none()) {
            return Err(refused("None, as in the pilot: its clusters are crossed with the arms"));
        }
        if matches!(self.estimand.unit, Unit::Reach(_)) {
            return Err(refused("None, as in the pilot: more impressions change reach itself"));
        }
        // Clusters of any size have one say in a cluster mean.
        let pooled = self.estimand.unit == Unit::Pooled;
        let cv = if pooled { self.size_variation } else { 0.0 };
        let pilot = self.impressions_per_cluster;
        let rho = self.known_intraclass(mean)?;
        Ok(design_effect(mean, cv, rho) / mean / (design_effect(pilot, cv, rho) / pilot))
    }

    /// Rho as formulas use it.
    fn known_intraclass(&self, mean: f64) -> Result<f64, Error> {
        match self.intraclass {
            Some(intraclass) => Ok(intraclass.max(0.0)),
            None if mean == 1.0 => Ok(0.0),
            None => Err(Error::Parameter {
                parameter: "the impressions_per_cluster of a SampleSizePlan",
                value: mean.to_string(),
                expected: "1, as in the pilot, which does not show how alike impressions of a cluster are",
            }),
        }
    }

    /// The distance of a reported value from the null, on the working scale.
    fn effect(&self, truth: f64) -> Result<f64, Error> {
        let effect = self.scale.working(truth) - self.null;
        if !effect.is_finite() {
            return Err(
                self.no_effect(truth, "a value that the statistic can have, short of its limits")
            );
        }
        if effect == 0.0 {
            return Err(self.no_effect(
                truth,
                "another value than the null, which no study tells from itself",
            ));
        }
        Ok(effect)
    }

    fn no_effect(&self, truth: f64, expected: &'static str) -> Error {
        Error::Parameter {
            parameter: "the true value to be detected",
            value: format!("{truth} for {}", self.estimand.statistic),
            expected,
        }
    }
}

fn design_effect(mean: f64, variation: f64, rho: f64) -> f64 {
    1.0 + ((variation * variation + 1.0) * mean - 1.0) * rho
}

/// Impressions by cluster, in each arm.
struct Counts {
    arms: [ArmCounts; 2],
}

/// An arm's clusters: impressions of the topic, and all.
#[derive(Default)]
struct ArmCounts {
    clusters: Vec<(f64, f64)>,
}

impl ArmCounts {
    fn topic(&self) -> f64 {
        self.clusters.iter().map(|(topic, _)| topic).sum()
    }

    fn all(&self) -> f64 {
        self.clusters.iter().map(|(_, all)| all).sum()
    }

    /// Sum of the squares of the sizes.
    fn squares(&self) -> f64 {
        self.clusters.iter().map(|(_, all)| all * all).sum()
    }

    fn described(&self) -> PilotArm {
        let over = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
        PilotArm {
            clusters: self.clusters.len() as u64,
            impressions: self.all() as u64,
            topic_impressions: self.topic() as u64,
            share: over(self.topic(), self.all()),
            impressions_per_cluster: over(self.all(), self.clusters.len() as f64),
        }
    }
}

impl Counts {
    fn of(tally: &Tally, question: &TopicQuestion<'_>) -> Result<Self, Error> {
        let cells = ArmCells::of_both(tally, question, &crate::statistic::AmplificationRatio)?;
        let attention = tally.attention(question.attention)?;
        let mut arms = [ArmCounts::default(), ArmCounts::default()];
        let mut sums = ArmBlock::default();
        for block in 0..tally.block_count() {
            for (arm, cells) in arms.iter_mut().zip(&cells) {
                sums.load(tally, block, attention, (cells, 0..cells.strata().len()));
                let counts = sums.topic.counts.iter().zip(&sums.all.counts);
                let members = counts.zip(sums.members(question.unit)).filter(|(_, is)| *is);
                arm.clusters.extend(members.map(|((t, all), _)| (*t as f64, *all as f64)));
            }
        }
        Ok(Self { arms })
    }

    /// Mean and coefficient of variation of the impressions per cluster.
    fn sizes(&self) -> (f64, f64) {
        let sum = |of: fn(&ArmCounts) -> f64| self.arms.iter().map(of).sum::<f64>();
        let clusters = sum(|arm| arm.clusters.len() as f64);
        let mean = sum(ArmCounts::all) / clusters;
        let variance = sum(ArmCounts::squares) / clusters - mean * mean;
        (mean, variance.max(0.0).sqrt() / mean)
    }

    /// The one-way estimator of the intraclass correlation, arm means taken out.
    fn intraclass(&self) -> Option<f64> {
        let (mut between, mut within, mut size) = (0.0, 0.0, 0.0);
        let (mut between_degrees, mut within_degrees) = (0.0, 0.0);
        for arm in self.arms.iter().filter(|arm| !arm.clusters.is_empty()) {
            let (all, clusters) = (arm.all(), arm.clusters.len() as f64);
            let share = arm.topic() / all;
            for (topic, all) in &arm.clusters {
                between += all * (topic / all - share).powi(2);
                within += topic * (1.0 - topic / all);
            }
            size += all - arm.squares() / all;
            between_degrees += clusters - 1.0;
            within_degrees += all - clusters;
        }
        let size = size / between_degrees;
        let (between, within) = (between / between_degrees, within / within_degrees);
        let rho = (between - within) / (between + (size - 1.0) * within);
        rho.is_finite().then_some(rho)
    }
}
