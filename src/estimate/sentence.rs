//! An estimate in a sentence.

use super::{Estimate, Value, words};
use crate::base::digits::decimals;
use crate::base::printable::printable;
use crate::base::text::percent;
use crate::question::estimand::Unit;

impl Estimate {
    /// The p-value of the test that was asked for; `None` where there is none.
    #[must_use]
    pub fn p(&self) -> Option<f64> {
        self.test?.p.ok()
    }

    /// The finding in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let estimand = &self.estimand;
        let mut sentence = format!("Topic {:?}: ", estimand.topic);
        if let (Some(treatment), Some(baseline)) = (self.treatment.share, self.baseline.share) {
            let what = match estimand.unit {
                Unit::Reach(_) => "reach",
                _ => "exposure share",
            };
            sentence.push_str(&format!(
                "{what} {}% in arm {:?}, {}% in the baseline ({}); ",
                decimals(100.0 * treatment, 2),
                estimand.treatment,
                decimals(100.0 * baseline, 2),
                estimand.baseline
            ));
        }
        sentence.push_str(&format!("{} is {}", estimand.phrase, words::value(self.value)));
        if let Value::Undefined(reason) = self.value {
            sentence.push_str(&format!(": {reason}"));
        }
        match &self.interval {
            Ok(interval) => sentence.push_str(&format!(
                ", {}% interval {}.",
                percent(interval.level),
                words::interval(interval)
            )),
            Err(reason) => sentence.push_str(&format!("; no interval: {reason}.")),
        }
        printable(&sentence)
    }
}
