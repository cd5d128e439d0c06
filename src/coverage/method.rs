//! Methods of inference as studies use them: with seeds of their own, and named in a few words.

use crate::inference::{BootstrapKind, BootstrapWeights, Inference, Interval, Multiplicity, Test};
use crate::simulate::replicates::Replicates;

/// A method whose random numbers are those of a study with this seed: were they the same in all
/// studies, their intervals would have errors in common.
pub(super) fn seeded(mut inference: Inference, of_study: u64) -> Inference {
    let drawn = Replicates::Study.seed(of_study, 0);
    match &mut inference.interval {
        Interval::Bootstrap(method) => method.seed = drawn,
        Interval::WildBootstrap(method) => method.seed = drawn,
        Interval::Simultaneous(method) => method.seed = drawn,
        Interval::ShareBounds(_) | Interval::Delta(_) | Interval::Jackknife(_) => {}
    }
    match &mut inference.test {
        Some(Test::WildBootstrap(test)) => test.seed = drawn,
        Some(Test::Permutation(test)) => test.seed = drawn,
        Some(
            Test::ShareBounds
            | Test::Delta(_)
            | Test::Equivalence(_)
            | Test::CochranMantelHaenszel(_)
            | Test::EqualStrata,
        )
        | None => {}
    }
    if let Some(Multiplicity::RomanoWolf(method)) = &mut inference.multiplicity {
        method.seed = drawn;
    }
    inference
}

/// A method in a few words.
pub(super) fn name(inference: &Inference) -> String {
    let interval = match &inference.interval {
        Interval::ShareBounds(_) => "share bounds",
        Interval::Delta(_) => "delta",
        Interval::Jackknife(_) => "jackknife",
        Interval::WildBootstrap(_) => "wild bootstrap",
        Interval::Simultaneous(_) => "simultaneous bands",
        Interval::Bootstrap(method) => match (method.weights, method.kind) {
            (BootstrapWeights::Poisson, BootstrapKind::Percentile) => "Poisson percentile",
            (BootstrapWeights::Poisson, BootstrapKind::Basic) => "Poisson basic",
            (BootstrapWeights::Poisson, BootstrapKind::Bca) => "Poisson BCa",
            (BootstrapWeights::Poisson, BootstrapKind::Studentised) => "Poisson studentised",
            (BootstrapWeights::Multinomial, BootstrapKind::Percentile) => "multinomial percentile",
            (BootstrapWeights::Multinomial, BootstrapKind::Basic) => "multinomial basic",
            (BootstrapWeights::Multinomial, BootstrapKind::Bca) => "multinomial BCa",
            (BootstrapWeights::Multinomial, BootstrapKind::Studentised) => {
                "multinomial studentised"
            }
        },
    };
    let test = match &inference.test {
        None => return interval.to_owned(),
        Some(Test::ShareBounds) => "share bounds test",
        Some(Test::Delta(_)) => "delta test",
        Some(Test::WildBootstrap(_)) => "wild test",
        Some(Test::Permutation(_)) => "permutation test",
        Some(Test::CochranMantelHaenszel(_)) => "Cochran-Mantel-Haenszel test",
        Some(Test::EqualStrata) => "equal strata test",
        Some(Test::Equivalence(_)) => "equivalence test",
    };
    match &inference.multiplicity {
        None => format!("{interval}, {test}"),
        Some(method) => format!("{interval}, {test}, {method}"),
    }
}
