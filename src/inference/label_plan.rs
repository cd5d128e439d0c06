//! How many rows to label by hand, and which: from a pilot of which some are.

use serde::{Deserialize, Serialize};

use super::contribution::Contributions;
use super::delta::normal_quantile;
use super::influence::Influence;
use super::labels::{self, PilotArm};
use super::question::TopicQuestion;
use crate::error::Error;
use crate::estimate::NoInterval;
use crate::question::correction::Correction;
use crate::statistic::{LogRatio, Side, Statistic, Working};
use crate::tally::Tally;

/// What a pilot with labels by hand says of a topic, for planning how many there should be of the same log.
///
/// An arm's corrected share varies with its clusters, and with which rows hands looked at. With `W` the part of the arm
/// that is predicted to have the topic, or not to, `p` the part of that in which hands find it, and `n` rows of it
/// labelled, the latter is the sum of `W^2 p (1 - p) / n` over both (Cochran 1977, Sampling Techniques, chapter 5), whatever
/// predictions count. So the best use of labels has `n` as `W sqrt(p (1 - p)) / S` (Neyman 1934, doi 10.2307/2342192). What
/// clusters leave is taken from the ratio as it is predicted.
///
/// ```
/// use tiltmeter::inference::{LabelPilot, TopicQuestion};
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::{ExposureLog, Question};
///
/// let schema = LogSchema::new()
///     .viewer("viewer")
///     .arm("feed")
///     .topics(TopicColumn::single("model_topic"))
///     .human(TopicColumn::single("human_topic"))
///     .inclusion("chance");
/// let log = ExposureLog::open("data/labelled.csv", &schema)?;
/// let tally = Tally::of(&log, &TallySpec::default())?;
/// let question = Question::between("ranked", "newest");
/// let pilot = LabelPilot::of(&tally, &TopicQuestion::of(&question, "politics")?)?;
/// let (some, more) = (pilot.plan(500, 0.95, 0.8)?, pilot.plan(2_000, 0.95, 0.8)?);
/// assert!(some.above > more.above && more.above > 1.2);
/// // Rows that the model passes over are most, and few of them are about politics.
/// assert!(some.treatment.not_predicted > 50 && some.treatment.predicted > 50);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelPilot {
    /// The topic.
    pub topic: String,
    /// The treatment.
    pub treatment: LabelledArm,
    /// The baseline.
    pub baseline: LabelledArm,
    /// The variance of the logarithm of the ratio that clusters leave, however many labels there are.
    pub of_clusters: f64,
}

/// What a pilot says of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelledArm {
    /// Of what is predicted to have the topic.
    pub predicted: LabelledPart,
    /// Of the rest.
    pub not_predicted: LabelledPart,
}

/// What a pilot says of the rows of an arm that have one prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelledPart {
    /// Impressions.
    pub impressions: u64,
    /// What part of the arm's mass they are.
    pub part: f64,
    /// Labelled by hand.
    pub labels: u64,
    /// In what part of them hands find the topic, as if one row more had it and one had not, so that what was not seen
    /// in a few is not taken for impossible.
    pub with_topic: f64,
}

/// What so many labels show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelPlan {
    /// How many there are, at most.
    pub labels: u64,
    /// Those of the treatment.
    pub treatment: LabelSplit,
    /// Those of the baseline.
    pub baseline: LabelSplit,
    /// The standard error of the logarithm of the ratio.
    pub standard_error: f64,
    /// The smallest ratio above 1 that is found.
    pub above: f64,
    /// The largest below 1.
    pub below: f64,
}

/// How labels are shared among the rows of an arm: each row of either kind has the same chance, which is its inclusion
/// probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelSplit {
    /// Labels of what is predicted to have the topic.
    pub predicted: u64,
    /// Labels of the rest.
    pub not_predicted: u64,
}

impl LabelledArm {
    fn of(arm: &PilotArm) -> Self {
        let part = |at: usize| {
            let labels = arm.labels[at];
            let seen = arm.with_topic[at] * labels as f64;
            LabelledPart {
                impressions: arm.impressions[at],
                part: arm.parts[at],
                labels,
                with_topic: (seen + 1.0) / (labels as f64 + 2.0),
            }
        };
        Self { predicted: part(0), not_predicted: part(1) }
    }

    fn share(&self) -> f64 {
        self.parts().iter().map(|its| its.part * its.with_topic).sum()
    }

    const fn parts(&self) -> [LabelledPart; 2] {
        [self.predicted, self.not_predicted]
    }
}

impl LabelPilot {
    /// What a tally shows.
    ///
    /// # Errors
    /// [`Error::NoLabels`] where an arm has no labels by hand of one of its kinds of rows; [`Error::Pilot`] where the
    /// ratio as predicted has no value or does not vary; those of [`super::estimates`] for what labels by hand cannot
    /// correct.
    pub fn of(tally: &Tally, question: &TopicQuestion<'_>) -> Result<Self, Error> {
        let corrected = TopicQuestion { correction: Some(Correction::Dsl), ..*question };
        labels::check(tally, &corrected, &LogRatio)?;
        let predicted = TopicQuestion { correction: None, ..*question };
        let contributions = Contributions::of(tally, &predicted, &LogRatio)?;
        let totals = contributions.totals();
        let Working::Finite(_) = LogRatio.value(totals) else {
            return Err(Error::Pilot { reason: NoInterval::ShareAtLimit });
        };
        let influence = Influence::of(&LogRatio.gradient(totals), &contributions);
        let known = influence.variance().map_err(|reason| Error::Pilot { reason })?;
        let shown = [Side::Treatment, Side::Baseline].map(|side| contributions.arm(side));
        let arms = labels::of_pilot(tally, &corrected, (contributions.places(), shown))?;
        let [treatment, baseline] = arms.map(|arm| LabelledArm::of(&arm));
        Ok(Self {
            topic: question.topic.to_owned(),
            treatment,
            baseline,
            of_clusters: known.variance,
        })
    }

    /// What so many labels of the pilot's own rows show, shared in the best way, with an interval of this level and this
    /// chance to find what is there.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level or a power that is none.
    pub fn plan(&self, labels: u64, level: f64, power: f64) -> Result<LabelPlan, Error> {
        super::check_level(level)?;
        if labels == 0 {
            return Err(Error::Parameter {
                parameter: "the number of labels of a plan",
                value: labels.to_string(),
                expected: "1 or more",
            });
        }
        let tail = (1.0 - level) / 2.0;
        if !(power > tail && power < 1.0) {
            return Err(Error::Parameter {
                parameter: "the power of a plan of labels",
                value: power.to_string(),
                expected: "above (1 - level)/2, the power without any effect, and below 1",
            });
        }
        let (shared, variance) = self.shared(labels);
        let standard_error = (self.of_clusters + variance).sqrt();
        let far = (normal_quantile(tail) + signed_quantile(1.0 - power)) * standard_error;
        let split = |at: usize| LabelSplit {
            predicted: shared[at].round() as u64,
            not_predicted: shared[at + 1].round() as u64,
        };
        Ok(LabelPlan {
            labels,
            treatment: split(0),
            baseline: split(2),
            standard_error,
            above: far.exp(),
            below: (-far).exp(),
        })
    }

    /// The fewest labels that find this ratio, with an interval of this level and this chance; `None` where labels of
    /// all rows do not, since there are too few clusters.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a ratio that is none or 1, and for a level or a power that is none.
    pub fn labels_needed(&self, ratio: f64, level: f64, power: f64) -> Result<Option<u64>, Error> {
        let far = ratio.ln().abs();
        if !(far > 0.0 && far.is_finite()) {
            return Err(Error::Parameter {
                parameter: "the ratio that labels are to show",
                value: ratio.to_string(),
                expected: "above 0, and not 1",
            });
        }
        let all: u64 = self.parts().iter().map(|(its, _)| its.impressions).sum();
        let is_enough = |labels| Ok::<_, Error>(self.plan(labels, level, power)?.above.ln() <= far);
        if !is_enough(all.max(1))? {
            return Ok(None);
        }
        let (mut few, mut enough) = (0, all.max(1));
        while few + 1 < enough {
            let half = u64::midpoint(few, enough);
            if is_enough(half)? {
                enough = half;
            } else {
                few = half;
            }
        }
        Ok(Some(enough))
    }

    /// The kinds of rows, with the shares of their arms.
    fn parts(&self) -> [(LabelledPart, f64); 4] {
        let [a, b] = [self.treatment, self.baseline].map(|arm| (arm.parts(), arm.share()));
        [(a.0[0], a.1), (a.0[1], a.1), (b.0[0], b.1), (b.0[1], b.1)]
    }

    /// How labels are shared so that the ratio varies least, none having more than it has rows; and how much it varies
    /// for which rows were chosen.
    fn shared(&self, labels: u64) -> ([f64; 4], f64) {
        let parts = self.parts();
        let weights = parts.map(|(its, share)| {
            its.part * (its.with_topic * (1.0 - its.with_topic)).sqrt() / share
        });
        let mut shared = [0.0; 4];
        let mut full = [false; 4];
        // Each round fills one kind at least, or is the last.
        for _ in 0..parts.len() {
            let taken: f64 = (0..4).filter(|&at| full[at]).map(|at| shared[at]).sum();
            let open: f64 = (0..4).filter(|&at| !full[at]).map(|at| weights[at]).sum();
            let left = (labels as f64 - taken).max(0.0);
            let mut filled = false;
            for at in 0..4 {
                let most = parts[at].0.impressions as f64;
                if !full[at] {
                    shared[at] = if open > 0.0 { left * weights[at] / open } else { 0.0 };
                    if shared[at] >= most {
                        (shared[at], full[at], filled) = (most, true, true);
                    }
                }
            }
            if !filled {
                break;
            }
        }
        let varies = |at: usize| {
            let most = parts[at].0.impressions as f64;
            if weights[at] <= 0.0 || most <= 0.0 {
                return 0.0;
            }
            weights[at] * weights[at] / shared[at] * (1.0 - shared[at] / most)
        };
        (shared, (0..4).map(varies).sum())
    }
}

/// What a normal variable exceeds with this chance, below 0 for more than one half.
fn signed_quantile(chance: f64) -> f64 {
    if chance <= 0.5 { normal_quantile(chance) } else { -normal_quantile(1.0 - chance) }
}
