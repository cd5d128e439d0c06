//! Studies of one feed: how often each method's interval covers the true ratio, how long it is, and
//! how often each test rejects where there is nothing to find.

use rayon::prelude::*;
use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BootstrapWeights, Delta, DeltaTest, Inference, Jackknife,
    Permutation, Quantile, Question, ShareBounds, Test, WildBootstrap, WildTest, estimate,
};
use tiltmeter::statistic::AmplificationRatio;
use tiltmeter::tally::Tally;
use tiltmeter::{
    Attention, Baseline, ConfidenceInterval, Denominator, Error, Estimate, Interval, Unit,
};

use super::feed::Feed;

/// The confidence level of all intervals.
pub(crate) const LEVEL: f64 = 0.95;

/// What is studied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The interval that takes impressions for independent.
    Naive,
    /// Clustered intervals.
    DeltaStudentT,
    DeltaNormal,
    Jackknife,
    WildBootstrap,
    Bootstrap(BootstrapWeights, BootstrapKind),
    /// The default.
    Automatic,
    /// Tests.
    DeltaTest,
    WildTest,
    PermutationTest,
}

impl Method {
    /// All that make intervals.
    pub(crate) const INTERVALS: [Self; 13] = {
        use BootstrapKind::{Basic, Bca, Percentile, Studentised};
        use BootstrapWeights::{Multinomial, Poisson};
        [
            Self::Naive,
            Self::Automatic,
            Self::DeltaStudentT,
            Self::DeltaNormal,
            Self::Jackknife,
            Self::WildBootstrap,
            Self::Bootstrap(Poisson, Percentile),
            Self::Bootstrap(Poisson, Basic),
            Self::Bootstrap(Poisson, Bca),
            Self::Bootstrap(Poisson, Studentised),
            Self::Bootstrap(Multinomial, Percentile),
            Self::Bootstrap(Multinomial, Bca),
            Self::Bootstrap(Multinomial, Studentised),
        ]
    };

    pub(crate) const TESTS: [Self; 3] = [Self::DeltaTest, Self::WildTest, Self::PermutationTest];

    pub(crate) fn name(self) -> &'static str {
        use BootstrapKind::{Basic, Bca, Percentile};
        match self {
            Self::Naive => "naive",
            Self::DeltaStudentT => "delta_student_t",
            Self::DeltaNormal => "delta_normal",
            Self::Jackknife => "jackknife",
            Self::WildBootstrap => "wild_bootstrap",
            Self::Automatic => "automatic",
            Self::DeltaTest => "delta_test",
            Self::WildTest => "wild_test",
            Self::PermutationTest => "permutation_test",
            Self::Bootstrap(BootstrapWeights::Poisson, kind) => match kind {
                Percentile => "bootstrap_percentile",
                Basic => "bootstrap_basic",
                Bca => "bootstrap_bca",
                _ => "bootstrap_studentised",
            },
            Self::Bootstrap(_, kind) => match kind {
                Percentile => "multinomial_percentile",
                Basic => "multinomial_basic",
                Bca => "multinomial_bca",
                _ => "multinomial_studentised",
            },
        }
    }

    pub(crate) fn is_test(self) -> bool {
        Self::TESTS.contains(&self)
    }

    fn inference(self, replicates: u32, seed: u64) -> Inference {
        let level = LEVEL;
        let delta = |quantile| Inference::from(Interval::Delta(Delta { level, quantile }));
        let test = |test| Inference { test: Some(test), ..delta(Quantile::StudentT) };
        match self {
            Self::Naive | Self::DeltaStudentT => delta(Quantile::StudentT),
            Self::DeltaNormal => delta(Quantile::Normal),
            Self::Jackknife => Interval::Jackknife(Jackknife { level }).into(),
            Self::WildBootstrap => {
                let method = WildBootstrap { level, replicates, seed, ..WildBootstrap::default() };
                Interval::WildBootstrap(method).into()
            }
            Self::Bootstrap(weights, kind) => {
                let method = Bootstrap { level, replicates, seed, kind, weights };
                Interval::Bootstrap(method).into()
            }
            Self::Automatic => {
                Interval::ShareBounds(ShareBounds { level, ..ShareBounds::default() }).into()
            }
            Self::DeltaTest => test(Test::Delta(DeltaTest::default())),
            Self::WildTest => {
                test(Test::WildBootstrap(WildTest { replicates, seed, ..WildTest::default() }))
            }
            Self::PermutationTest => {
                test(Test::Permutation(Permutation { replicates, seed, ..Permutation::default() }))
            }
        }
    }

    /// What the method says of a study.
    fn outcome(self, tally: &Tally, truth: f64, inference: Inference) -> Result<Outcome, Error> {
        let baseline = Baseline::arm("baseline");
        let question = Question {
            topic: "topic",
            treatment: "treatment",
            baseline: &baseline,
            unit: Unit::Pooled,
            denominator: Denominator::AllImpressions,
            attention: &Attention::Uniform,
        };
        // A topic that was never shown is not in the log, and has no amplification.
        if !tally.axes().topics().iter().any(|topic| topic == "topic") {
            return Ok(Outcome::Nothing);
        }
        let estimate = estimate(tally, &question, &AmplificationRatio, inference)?;
        Ok(if self.is_test() {
            match estimate.test.and_then(|test| test.p.ok()) {
                Some(p) if p <= 1.0 - LEVEL => Outcome::Misses(None),
                Some(_) => Outcome::Covers(None),
                None => Outcome::Nothing,
            }
        } else {
            Outcome::of(self.interval(&estimate), truth)
        })
    }

    fn interval(self, estimate: &Estimate) -> Option<ConfidenceInterval> {
        match self {
            Self::Naive => estimate.naive.map(|naive| naive.interval),
            _ => estimate.interval.ok(),
        }
    }
}

/// What came of one method in one study. Lengths are of the logarithm, of intervals with two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Covers(Option<f64>),
    Misses(Option<f64>),
    Nothing,
}

impl Outcome {
    fn of(interval: Option<ConfidenceInterval>, truth: f64) -> Self {
        let Some(ConfidenceInterval { low, high, .. }) = interval else {
            return Self::Nothing;
        };
        let length = low.zip(high).map(|(low, high)| (high / low).ln());
        let covers = low.is_none_or(|low| low <= truth) && high.is_none_or(|high| truth <= high);
        if covers { Self::Covers(length) } else { Self::Misses(length) }
    }
}

/// What came of one method in many studies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) studies: u32,
    /// Studies without an interval, or without a p-value.
    pub(crate) nothing: u32,
    /// Intervals that cover the truth, or tests that do not reject it.
    pub(crate) covered: u32,
    /// Intervals with one end only.
    pub(crate) one_sided: u32,
    length: f64,
    two_sided: u32,
}

impl Record {
    fn add(&mut self, outcome: Outcome) {
        self.studies += 1;
        let length = match outcome {
            Outcome::Nothing => {
                self.nothing += 1;
                return;
            }
            Outcome::Covers(length) => {
                self.covered += 1;
                length
            }
            Outcome::Misses(length) => length,
        };
        match length {
            Some(length) => {
                self.two_sided += 1;
                self.length += length;
            }
            None => self.one_sided += 1,
        }
    }

    /// What part of the intervals covers the truth; `None` where there are none.
    pub(crate) fn coverage(&self) -> Option<f64> {
        let with = self.studies - self.nothing;
        (with > 0).then(|| f64::from(self.covered) / f64::from(with))
    }

    /// The mean of `ln(high / low)` over intervals with two ends.
    pub(crate) fn mean_length(&self) -> Option<f64> {
        (self.two_sided > 0).then(|| self.length / f64::from(self.two_sided))
    }
}

/// So many studies of a feed by these methods, each with so many replicates where it makes them.
/// Gives the same on any number of threads; `done` is called after each study.
pub(crate) fn records(
    feed: &Feed,
    methods: &[Method],
    studies: u32,
    replicates: u32,
    done: impl Fn() + Sync,
) -> Result<Vec<Record>, Error> {
    let of_study = |study: u32| {
        let mut numbers = feed.numbers(study);
        let seed = numbers.word();
        let tally = feed.tally(&mut numbers)?;
        let outcomes: Result<Vec<Outcome>, Error> = methods
            .iter()
            .map(|method| method.outcome(&tally, feed.ratio, method.inference(replicates, seed)))
            .collect();
        done();
        outcomes
    };
    let outcomes: Result<Vec<_>, Error> = (0..studies).into_par_iter().map(of_study).collect();
    let mut records = vec![Record::default(); methods.len()];
    for outcomes in outcomes? {
        records.iter_mut().zip(outcomes).for_each(|(record, outcome)| record.add(outcome));
    }
    Ok(records)
}
