//! Statistics from outside the library among those that are asked: watched while they are evaluated,
//! and what comes of them looked at before anybody sees it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Query, TopicQuestion};
use crate::error::{Error, StatisticFault};
use crate::estimate::{Estimate, Value};
use crate::statistic::Checked;
use crate::tally::Tally;

/// By question, the statistic under watch; `None` for one of the library.
pub(super) struct Watch<'q> {
    asked: &'q [Query<'q>],
    checked: Vec<Option<Checked<'q>>>,
}

impl<'q> Watch<'q> {
    /// # Errors
    /// [`Error::Statistic`] for a statistic that nothing can be asked of, and for two of one name.
    pub(super) fn over(tally: &Tally, asked: &'q [Query<'q>]) -> Result<Self, Error> {
        let strata = tally.axes().strata().len();
        let checked = asked.iter().map(|asked| Checked::of(asked.statistic, strata));
        let watch = Self { asked, checked: checked.collect::<Result<_, _>>()? };
        watch.check_names()?;
        Ok(watch)
    }

    /// What is asked, with statistics whose faults are caught.
    pub(super) fn asked(&self) -> Vec<Query<'_>> {
        let mut watched: Vec<Query<'_>> = self.asked.to_vec();
        for (asked, checked) in watched.iter_mut().zip(&self.checked) {
            if let Some(checked) = checked {
                asked.statistic = checked;
            }
        }
        watched
    }

    /// Hands on the answers where every statistic behaved.
    ///
    /// # Errors
    /// [`Error::Statistic`] for the first that did not.
    pub(super) fn settle(
        &self,
        answers: Result<Vec<Estimate>, Error>,
    ) -> Result<Vec<Estimate>, Error> {
        // What a statistic did wrong comes before what followed from it.
        self.checked.iter().flatten().try_for_each(Checked::fault)?;
        let answers = answers?;
        for (checked, estimate) in self.checked.iter().zip(&answers) {
            let overflow = checked.as_ref().and(not_a_number(estimate));
            if let Some((what, value)) = overflow {
                return Err(Error::Statistic {
                    statistic: estimate.estimand.statistic.clone(),
                    fault: StatisticFault::Overflow { what, value },
                });
            }
        }
        Ok(answers)
    }

    /// Whether answers to one question can be told apart by what they are called.
    fn check_names(&self) -> Result<(), Error> {
        let mut called: HashMap<_, Vec<&TopicQuestion<'_>>, RandomState> = HashMap::default();
        let own = self.asked.iter().zip(&self.checked).filter(|(_, checked)| checked.is_some());
        for (Query { question, statistic }, _) in own {
            let name = (statistic.name(), statistic.details(), question.topic, question.treatment);
            let others = called.entry(name).or_default();
            if others.iter().any(|other| is_same(other, question)) {
                return Err(Error::Statistic {
                    statistic: statistic.name().to_owned(),
                    fault: StatisticFault::SharedName { topic: Some(question.topic.to_owned()) },
                });
            }
            others.push(question);
        }
        Ok(())
    }
}

/// Whether two questions about one topic and treatment are one.
fn is_same(a: &TopicQuestion<'_>, b: &TopicQuestion<'_>) -> bool {
    let rest = |its: &TopicQuestion<'_>| (its.unit, its.denominator);
    rest(a) == rest(b) && a.baseline == b.baseline && a.attention == b.attention
}

/// The first number of an estimate that is none, and what it is.
fn not_a_number(estimate: &Estimate) -> Option<(&'static str, f64)> {
    let value = match estimate.value {
        Value::Estimated(value) | Value::Zero(value) => Some(value),
        Value::Between { low, high } => Some(low + high),
        _ => None,
    };
    let interval = estimate.interval.ok();
    let naive = estimate.naive;
    let test = estimate.test.as_ref();
    let finite = [
        ("a value", value),
        ("a standard error", estimate.standard_error),
        ("an interval with the end", interval.and_then(|its| its.low)),
        ("an interval with the end", interval.and_then(|its| its.high)),
        ("a naive standard error", naive.map(|its| its.standard_error)),
        ("a naive interval with the end", naive.and_then(|its| its.interval.low)),
        ("a naive interval with the end", naive.and_then(|its| its.interval.high)),
        ("a design effect", naive.and_then(|its| its.design_effect)),
        ("a test statistic", test.and_then(|its| its.statistic)),
        ("a p-value", test.and_then(|its| its.p.ok())),
        ("an adjusted p-value", test.and_then(|its| its.p_adjusted)),
    ];
    // Degrees of freedom may be as many as one likes.
    let degrees = [estimate.degrees_of_freedom, test.and_then(|its| its.degrees_of_freedom)]
        .map(|degrees| ("degrees of freedom", degrees.filter(|degrees| degrees.is_nan())));
    let number = |(what, value): (&'static str, Option<f64>)| value.map(|value| (what, value));
    let mut all = finite.into_iter().chain(degrees).filter_map(number);
    all.find(|(_, value)| !value.is_finite())
}
