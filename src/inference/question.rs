//! What is asked of a tally.

use crate::error::Error;
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::correction::Correction;
use crate::question::estimand::{Denominator, Estimand, Unit};
use crate::question::whole::Question;
use crate::statistic::{Statistic, keeps_strata, phrase_in_full};
use crate::tally::{StratifyBy, Tally};

/// What a [`Question`] asks of a tally about one topic, but for the statistic.
#[derive(Clone, Copy, Debug)]
pub struct TopicQuestion<'q> {
    /// The topic.
    pub topic: &'q str,
    /// The arm under test.
    pub treatment: &'q str,
    /// What it is compared with.
    pub baseline: &'q Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// The position model, one of the tally's.
    pub attention: &'q Attention,
    /// How labels are corrected by those that were given by hand, if they are.
    pub correction: Option<Correction>,
}

impl<'q> TopicQuestion<'q> {
    /// What a question asks about one of its topics, of a log's tally.
    ///
    /// # Errors
    /// [`Error::Unstated`] for a question without a baseline.
    pub fn of(question: &'q Question, topic: &'q str) -> Result<Self, Error> {
        Ok(Self {
            topic,
            treatment: &question.treatment,
            baseline: question.needs_baseline()?,
            unit: question.unit,
            denominator: question.denominator,
            attention: question.attention.as_ref().unwrap_or(&Attention::Uniform),
            correction: question.correct,
        })
    }

    /// Refuses labels corrected by hand where what is asked is no function of corrected shares.
    pub(super) fn refuse_correction(&self, what: &str) -> Result<(), Error> {
        match self.correction {
            None => Ok(()),
            Some(correction) => Err(Error::Parameter {
                parameter: "the correction of labels",
                value: format!("{correction}, in {what}"),
                expected: "none: it looks at labels as they are",
            }),
        }
    }

    /// The question in full, with what the tally and the statistic settle.
    pub(super) fn estimand(&self, tally: &Tally, statistic: &dyn Statistic) -> Estimand {
        let spec = tally.spec();
        Estimand {
            statistic: statistic.name().to_owned(),
            phrase: phrase_in_full(statistic),
            topic: self.topic.to_owned(),
            treatment: self.treatment.to_owned(),
            baseline: self.baseline.clone(),
            unit: self.unit,
            denominator: self.denominator,
            weights: tally.weights().clone(),
            attention: self.attention.clone(),
            multi_label: spec.multi_label,
            cluster: spec.cluster.clone(),
            second_cluster: None,
            correct: self.correction,
            strata: match keeps_strata(statistic) {
                true => spec.strata.clone(),
                false => StratifyBy::Nothing,
            },
            kept: Vec::new(),
            group: Vec::new(),
        }
    }
}
