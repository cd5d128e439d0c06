//! How large an effect must be to be found.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{CoverageStudy, StudyRecord};
use crate::base::progress::Progress;
use crate::error::Error;
use crate::error::range::out;
use crate::policy::{Audience, Bias, Target};
use crate::simulate::SimulationConfig;
use crate::simulate::replicates::Telling;
use crate::statistic::scale_of;

/// Power by the size of what is injected, and by how much is studied.
///
/// Every factor is put on a topic's weights in the treatment, as [`Bias::topic`], in place of the
/// biases on that topic for everyone that the treatment has; and with every number of viewers and of
/// days. At each point [`CoverageStudy`] gives the true effect and how often every method finds it. All points
/// have the same seeds, so that what differs between them is what was varied, and hardly chance.
///
/// [`Pilot`](crate::inference::Pilot) plans from one log in closed form, with the pilot's variance held
/// at every effect; this asks the feed itself, at the cost of so many simulations, and needs no method
/// to be the delta one.
///
/// ```
/// use tiltmeter::Question;
/// use tiltmeter::coverage::{PowerCurve, Smallest, CoverageStudy};
/// use tiltmeter::simulate::SimulationConfig;
///
/// let mut config = SimulationConfig { days: 1, slate: 1, ..SimulationConfig::default() };
/// config.world.viewers = 100;
/// let question = Question::between("treatment", "baseline");
/// let study = CoverageStudy { studies: 30, ..CoverageStudy::of(config, &question) };
/// let result = PowerCurve::of(study, "conflict", [1.0, 10.0]).run()?;
///
/// let power = |at: usize| result.points[at].records[0].power().unwrap().share;
/// assert!(power(0) < 0.3 && power(1) > 0.8);
/// let smallest = &result.smallest(0.8)?[0];
/// assert!(matches!(smallest.smallest, Smallest::Between { effect, .. } if effect > 1.0));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PowerCurve {
    /// The study at every point; its topics give way to the one below.
    pub study: CoverageStudy,
    /// The topic that is favoured.
    pub topic: String,
    /// The factors on its weights in the treatment, one or more.
    pub factors: Vec<f64>,
    /// Numbers of viewers; that of the study if empty.
    pub viewers: Vec<u32>,
    /// Numbers of days; that of the study if empty. The catalogue goes on as the days do, so a longer
    /// study sees a burst that a shorter one does not.
    pub days: Vec<u32>,
}

/// What came of a power curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct PowerResult {
    /// The topic that was favoured.
    pub topic: String,
    /// How many studies there were at each point.
    pub studies: u32,
    /// The p-value up to which tests reject.
    pub alpha: f64,
    /// By number of viewers, days and factor.
    pub points: Vec<PowerPoint>,
}

/// Studies at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerPoint {
    /// The factor on the topic's weights.
    pub factor: f64,
    /// How many viewers there were.
    pub viewers: u32,
    /// How many days.
    pub days: u32,
    /// By statistic and method: the truth, and how often it was found.
    pub records: Vec<StudyRecord>,
}

/// The smallest effect that a method finds with a probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmallestEffect {
    /// How many viewers there were.
    pub viewers: u32,
    /// How many days.
    pub days: u32,
    /// The statistic's name.
    pub statistic: String,
    /// The method in a few words.
    pub method: String,
    /// The probability.
    pub power: f64,
    /// The effect.
    pub smallest: Smallest,
}

/// Where on a curve power reaches a probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "where")]
#[non_exhaustive]
pub enum Smallest {
    /// Between two points.
    Between {
        /// The factor on weights.
        factor: f64,
        /// The true value of the statistic, on the reported scale.
        effect: f64,
    },
    /// The smallest effect that was studied already has it.
    AtMost {
        /// Its factor.
        factor: f64,
        /// Its true value.
        effect: f64,
    },
    /// The greatest that was studied does not have it, or there is none.
    NotReached,
}

impl PowerCurve {
    /// These factors, with the study's own viewers and days.
    pub fn of(
        study: CoverageStudy,
        topic: impl Into<String>,
        factors: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            study,
            topic: topic.into(),
            factors: factors.into_iter().collect(),
            viewers: Vec::new(),
            days: Vec::new(),
        }
    }

    /// Makes the studies.
    ///
    /// # Errors
    /// Those of [`CoverageStudy::run`]; [`Error::Parameter`] without a factor.
    pub fn run(&self) -> Result<PowerResult, Error> {
        self.run_with(|_| ControlFlow::Continue(()))
    }

    /// The same, telling how many simulations are done, and of how many, as
    /// [`CoverageStudy::run_with`] does.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn run_with(
        &self,
        mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
    ) -> Result<PowerResult, Error> {
        let places = self.places()?;
        let simulations = self.study.simulations() * places.len() as u64;
        let progress = Telling::new(simulations, &mut progress);
        let mut points = Vec::with_capacity(places.len());
        for (viewers, days, factor) in places {
            let mut truth = self.study.truth.clone();
            truth.question = truth.question.topics([&self.topic]);
            let study = CoverageStudy {
                config: self.config(viewers, days, factor)?,
                truth,
                ..self.study.clone()
            };
            let records = study.run_as_part(&progress)?.records;
            points.push(PowerPoint { factor, viewers, days, records });
        }
        Ok(PowerResult {
            topic: self.topic.clone(),
            studies: self.study.studies,
            alpha: self.study.alpha,
            points,
        })
    }

    fn places(&self) -> Result<Vec<(u32, u32, f64)>, Error> {
        if self.factors.is_empty() {
            return Err(out("PowerCurve::factors", "none", "one or more"));
        }
        let or = |all: &[u32], own: u32| if all.is_empty() { vec![own] } else { all.to_vec() };
        let viewers = or(&self.viewers, self.study.config.world.viewers);
        let days = or(&self.days, self.study.config.days);
        let mut places = Vec::new();
        for &viewers in &viewers {
            for &days in &days {
                places.extend(self.factors.iter().map(|factor| (viewers, days, *factor)));
            }
        }
        Ok(places)
    }

    fn config(&self, viewers: u32, days: u32, factor: f64) -> Result<SimulationConfig, Error> {
        let mut config = SimulationConfig { days, ..self.study.config.clone() };
        config.world.viewers = viewers;
        let name = &self.study.truth.question.treatment;
        let available = || config.arms.iter().map(|arm| arm.name.clone()).collect();
        let Some(place) = config.arms.iter().position(|arm| arm.name == *name) else {
            return Err(Error::UnknownArm { arm: name.clone(), available: available() });
        };
        let biases = &mut config.arms[place].policy.biases;
        let topic = Target::Topic(self.topic.clone());
        biases.retain(|bias| bias.target != topic || bias.audience != Audience::Everyone);
        biases.push(Bias::topic(self.topic.clone(), factor));
        Ok(config)
    }
}

impl PowerResult {
    /// For each number of viewers and days, statistic and method: the smallest effect above none that
    /// is found with this probability (in (0, 1); 0.8 by custom).
    ///
    /// Points with factors of 1 and more are taken in the order of their factors. Between the first that
    /// has the power and the one before, the normal quantile of power is taken to be straight in the
    /// true effect on the working scale, which it nearly is for a normal estimate (shares found count
    /// as `(times + 1/2)/(of + 1)`, so that none and all have a quantile); the factor is interpolated
    /// on the logarithm. As exact as the points are close and the studies many.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a power outside (0, 1).
    pub fn smallest(&self, power: f64) -> Result<Vec<SmallestEffect>, Error> {
        if !(power > 0.0 && power < 1.0) {
            return Err(out("the power of a smallest effect", power, "above 0 and below 1"));
        }
        let mut all = Vec::new();
        let same = |a: &PowerPoint, b: &PowerPoint| (a.viewers, a.days) == (b.viewers, b.days);
        for points in self.points.chunk_by(same) {
            let mut points: Vec<&PowerPoint> =
                points.iter().filter(|point| point.factor >= 1.0).collect();
            points.sort_by(|a, b| a.factor.total_cmp(&b.factor));
            let Some(first) = points.first() else { continue };
            for (at, record) in first.records.iter().enumerate() {
                let on_curve = points.iter().filter_map(|point| OnCurve::of(point, at));
                all.push(SmallestEffect {
                    viewers: first.viewers,
                    days: first.days,
                    statistic: record.statistic.clone(),
                    method: record.method.clone(),
                    power,
                    smallest: smallest(&on_curve.collect::<Vec<_>>(), power, &record.statistic),
                });
            }
        }
        Ok(all)
    }
}

/// A point as it is interpolated.
#[derive(Clone, Copy)]
struct OnCurve {
    factor: f64,
    effect: f64,
    share: f64,
    quantile: f64,
}

impl OnCurve {
    fn of(point: &PowerPoint, record: usize) -> Option<Self> {
        let record = point.records.get(record)?;
        let effect = record.truth.number().filter(|effect| effect.is_finite())?;
        let power = record.power()?;
        let inside = (f64::from(power.times) + 0.5) / (f64::from(power.of) + 1.0);
        let quantile = Normal::standard().inverse_cdf(inside);
        Some(Self { factor: point.factor, effect, share: power.share, quantile })
    }
}

fn smallest(points: &[OnCurve], power: f64, statistic: &str) -> Smallest {
    let Some(at) = points.iter().position(|point| point.share >= power) else {
        return Smallest::NotReached;
    };
    let above = points[at];
    let Some(below) = at.checked_sub(1).map(|before| points[before]) else {
        return Smallest::AtMost { factor: above.factor, effect: above.effect };
    };
    let wanted = Normal::standard().inverse_cdf(power);
    let rise = above.quantile - below.quantile;
    let part = if rise > 0.0 { ((wanted - below.quantile) / rise).clamp(0.0, 1.0) } else { 1.0 };
    let between = |from: f64, to: f64| from + part * (to - from);
    let effect = match scale_of(statistic) {
        Some(scale) => {
            scale.reported(between(scale.working(below.effect), scale.working(above.effect)))
        }
        None => between(below.effect, above.effect),
    };
    Smallest::Between { factor: between(below.factor.ln(), above.factor.ln()).exp(), effect }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half the way between quantiles is half the way between logarithms.
    #[test]
    fn interpolated_on_the_working_scale() {
        let normal = Normal::standard();
        let point = |factor: f64, effect: f64, quantile: f64| OnCurve {
            factor,
            effect,
            share: normal.cdf(quantile),
            quantile,
        };
        let points = [point(1.0, 1.0, -1.0), point(4.0, 2.25, 1.0), point(9.0, 3.0, 2.0)];
        match smallest(&points, 0.5, "amplification_ratio") {
            Smallest::Between { factor, effect } => {
                assert!((factor - 2.0).abs() < 1e-9 && (effect - 1.5).abs() < 1e-9);
            }
            other => panic!("{other:?}"),
        }
        let at_most = smallest(&points, 0.1, "amplification_ratio");
        assert_eq!(at_most, Smallest::AtMost { factor: 1.0, effect: 1.0 });
        assert_eq!(smallest(&points, 0.999, "difference"), Smallest::NotReached);
        assert_eq!(smallest(&[], 0.5, "difference"), Smallest::NotReached);
    }
}
