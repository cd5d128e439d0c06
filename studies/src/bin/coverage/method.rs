//! The methods that are compared.

use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BootstrapWeights, Delta, DeltaTest, Inference, Jackknife,
    Permutation, Quantile, Test, WildBootstrap, WildTest,
};
use tiltmeter::{Estimate, Interval};

use super::record::Outcome;
use super::study::Contrast;

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
    /// The library's default.
    Default,
    /// Tests.
    DefaultTest,
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
            Self::Default,
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

    pub(crate) const TESTS: [Self; 4] =
        [Self::DefaultTest, Self::DeltaTest, Self::WildTest, Self::PermutationTest];

    pub(crate) fn name(self) -> &'static str {
        use BootstrapKind::{Basic, Bca, Percentile};
        match self {
            Self::Naive => "naive",
            Self::DeltaStudentT => "delta_student_t",
            Self::DeltaNormal => "delta_normal",
            Self::Jackknife => "jackknife",
            Self::WildBootstrap => "wild_bootstrap",
            Self::Default => "default",
            Self::DefaultTest => "default_test",
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

    pub(crate) fn inference(self, replicates: u32, seed: u64) -> Inference {
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
            Self::Default => Inference::default(),
            Self::DefaultTest => {
                Inference { test: Some(Test::ShareBounds), ..Inference::default() }
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

    /// What the method says of the truth.
    pub(crate) fn outcome(self, estimate: &Estimate, contrast: Contrast, truth: f64) -> Outcome {
        if self.is_test() {
            let p = estimate.test.and_then(|test| test.p.ok());
            return p.map_or(Outcome::Nothing, |p| Outcome::Test { rejects: p <= 1.0 - LEVEL });
        }
        let interval = match self {
            Self::Naive => estimate.naive.map(|naive| naive.interval),
            _ => estimate.interval.ok(),
        };
        interval.map_or(Outcome::Nothing, |interval| Outcome::of(interval, contrast, truth))
    }
}
