//! What came of one method in studies of one feed.

use tiltmeter::ConfidenceInterval;

use super::study::Contrast;

/// What came of one method in one study.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Neither interval nor p-value.
    Nothing,
    /// An interval without ends, which is right and says nothing.
    Unbounded,
    /// An interval with an end or two, and its length if there are two.
    Interval { covers: bool, length: Option<f64> },
    /// A test.
    Test { rejects: bool },
}

impl Outcome {
    pub(crate) fn of(interval: ConfidenceInterval, contrast: Contrast, truth: f64) -> Self {
        let ConfidenceInterval { low, high, .. } = interval;
        if low.is_none() && high.is_none() {
            return Self::Unbounded;
        }
        let length = low.zip(high).map(|(low, high)| contrast.length(low, high));
        let covers = low.is_none_or(|low| low <= truth) && high.is_none_or(|high| truth <= high);
        // The logarithm of a ratio of 0 is no end.
        Self::Interval { covers, length: length.filter(|length| length.is_finite()) }
    }
}

/// What came of one method in many studies.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) studies: u32,
    /// Studies without an interval, or without a p-value.
    pub(crate) nothing: u32,
    /// Intervals without ends.
    pub(crate) unbounded: u32,
    /// Intervals with one end only.
    pub(crate) one_sided: u32,
    /// Intervals with an end that cover the truth, or tests that do not reject it.
    pub(crate) covered: u32,
    /// Studies in which both arms show the topic.
    pub(crate) both_shown: u32,
    /// Of these, intervals with two ends.
    pub(crate) two_sided_of_both: u32,
    /// Of intervals with two ends.
    lengths: Vec<f64>,
    /// The length of an oracle's.
    oracle: f64,
}

impl Record {
    pub(crate) fn of(outcomes: &[Outcome], shares: &[[f64; 2]], oracle: f64) -> Self {
        let mut record = Self { studies: outcomes.len() as u32, oracle, ..Self::default() };
        for (outcome, shares) in outcomes.iter().zip(shares) {
            let both_shown = shares.iter().all(|&share| share > 0.0);
            record.both_shown += u32::from(both_shown);
            match *outcome {
                Outcome::Nothing => record.nothing += 1,
                Outcome::Unbounded => record.unbounded += 1,
                Outcome::Test { rejects } => record.covered += u32::from(!rejects),
                Outcome::Interval { covers, length } => {
                    record.covered += u32::from(covers);
                    record.one_sided += u32::from(length.is_none());
                    record.two_sided_of_both += u32::from(length.is_some() && both_shown);
                    record.lengths.extend(length);
                }
            }
        }
        record.lengths.sort_by(f64::total_cmp);
        record
    }

    /// Studies with an interval that has an end, or with a p-value.
    fn judged(&self) -> u32 {
        self.studies - self.nothing - self.unbounded
    }

    /// What part of the intervals with an end, or of the tests, is right about the truth; `None` where
    /// there are none.
    pub(crate) fn coverage(&self) -> Option<f64> {
        let judged = self.judged();
        (judged > 0).then(|| f64::from(self.covered) / f64::from(judged))
    }

    /// The Monte Carlo standard error of the coverage.
    pub(crate) fn error(&self) -> Option<f64> {
        let judged = f64::from(self.judged());
        self.coverage().map(|coverage| (coverage * (1.0 - coverage) / judged).sqrt())
    }

    /// What part of the studies in which both arms show the topic has an interval with two ends.
    pub(crate) fn two_sided(&self) -> Option<f64> {
        let both = f64::from(self.both_shown);
        (self.both_shown > 0).then(|| f64::from(self.two_sided_of_both) / both)
    }

    /// The median length of intervals with two ends.
    pub(crate) fn length(&self) -> Option<f64> {
        let lengths = &self.lengths;
        let upper = lengths.get(lengths.len() / 2)?;
        Some(if lengths.len() % 2 == 1 {
            *upper
        } else {
            (lengths[lengths.len() / 2 - 1] + upper) / 2.0
        })
    }

    /// That over the length of an oracle's interval.
    pub(crate) fn relative_length(&self) -> Option<f64> {
        self.length().map(|length| length / self.oracle)
    }
}
