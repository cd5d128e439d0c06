//! Which methods were used, and where they come from. A source is named here only if the documentation of
//! the method names it.

use crate::estimate::{Estimate, IntervalMethod, TestMethod};
use crate::findings::Findings;
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Bias};

/// A source in words, and its link.
pub(super) type Source = (String, Option<String>);

const DENG: (&str, &str) = ("Deng, Knoblich and Lu 2018, the delta method", "arXiv 1803.06336");
const KORN: (&str, &str) =
    ("Korn and Graubard 1998, bounds for shares, Survey Methodology 24, 193-201", "");
const MOVER: (&str, &str) =
    ("Zou and Donner 2008, putting two intervals together", "10.1002/sim.3095");
const TWO_WAY: (&str, &str) =
    ("Cameron, Gelbach and Miller 2011, two-way clusters", "10.1198/jbes.2010.07136");
const EFRON: (&str, &str) = ("Efron 1987, BCa intervals", "10.2307/2289144");
const WILD: (&str, &str) =
    ("Cameron, Gelbach and Miller 2008, the wild cluster bootstrap", "10.1162/rest.90.3.414");
const ROMANO: (&str, &str) = ("Romano and Wolf 2005, max-|t| bands", "10.1198/016214504000000539");
const PHIPSON: (&str, &str) =
    ("Phipson and Smyth 2010, permutation p-values", "10.2202/1544-6115.1585");
const COCHRAN: (&str, &str) = ("Cochran 1954, tests over strata", "10.2307/3001616");
const MANTEL: (&str, &str) =
    ("Mantel and Haenszel 1959, tests over strata", "10.1093/jnci/22.4.719");
const SCHUIRMANN: (&str, &str) = ("Schuirmann 1987, two one-sided tests", "10.1007/bf01068419");
const GREENLAND: (&str, &str) =
    ("Greenland and Robins 1985, Mantel-Haenszel estimators", "10.2307/2530643");
const KITAGAWA: (&str, &str) =
    ("Kitagawa 1955, composition and rate effects", "10.1080/01621459.1955.10501299");
const IMBENS: (&str, &str) =
    ("Imbens and Manski 2004, partially identified values", "10.1111/j.1468-0262.2004.00555.x");
const DUDIK: (&str, &str) = ("Dudík et al. 2014, off-policy estimates", "10.1214/14-STS500");
const CRASWELL: (&str, &str) =
    ("Craswell et al. 2008, the cascade model", "10.1145/1341531.1341545");
const MOFFAT: (&str, &str) =
    ("Moffat and Zobel 2008, rank-biased attention", "10.1145/1416950.1416952");
const SIMONSOHN: (&str, &str) =
    ("Simonsohn, Simmons and Nelson 2020, specification curves", "10.1038/s41562-020-0912-z");
const BLOOM: (&str, &str) = ("Bloom 1995, minimum detectable effects, Evaluation Review 19", "");
const WONG: (&str, &str) = ("Wong 2011, colours of Okabe and Ito", "10.1038/nmeth.1618");

impl Findings {
    /// A paragraph for a methods section.
    pub(super) fn methods(&self) -> String {
        let what = match self.study().question.is_of_one_arm() {
            true => "Shares were measured",
            false => "Amplification was measured",
        };
        let mut text = format!(
            "{what} with tiltmeter {}. {}",
            env!("CARGO_PKG_VERSION"),
            self.report().sentence()
        );
        if let Some(over) = self.over_time().there() {
            text.push_str(&format!(
                " Shares over time ({}) have cluster-robust delta intervals, one window at a time.",
                super::figures::every(over)
            ));
        }
        if self.sensitivity().there().is_some() {
            text.push_str(
                " The question was asked again under every choice that the log supports, and all answers \
                 are shown.",
            );
        }
        if let Some(power) = self.power().there() {
            text.push_str(&format!(
                " Detectable ratios are true ones that an audit of as many clusters tells from 1 in \
                 {}% of cases, by the linearised variance.",
                crate::report::percent(power.power)
            ));
        }
        text
    }

    /// The sources of the methods that were used, each once.
    pub(super) fn sources(&self) -> Vec<Source> {
        let mut named: Vec<(&str, &str)> = Vec::new();
        let mut name = |source| {
            if !named.contains(&source) {
                named.push(source);
            }
        };
        for estimate in self.report().estimates() {
            of_estimate(estimate).into_iter().for_each(&mut name);
        }
        if self.over_time().there().is_some() {
            name(KORN);
        }
        if self.sensitivity().there().is_some() {
            name(SIMONSOHN);
        }
        if self.power().there().is_some() {
            name(BLOOM);
        }
        name(WONG);
        named.into_iter().map(linked).collect()
    }
}

fn linked((words, place): (&str, &str)) -> Source {
    let link = match place.strip_prefix("arXiv ") {
        Some(number) => Some(format!("https://arxiv.org/abs/{number}")),
        None => (!place.is_empty()).then(|| format!("https://doi.org/{place}")),
    };
    (format!("{words}."), link)
}

fn of_estimate(estimate: &Estimate) -> Vec<(&'static str, &'static str)> {
    let mut sources = Vec::new();
    sources.extend(match estimate.method {
        Some(IntervalMethod::ShareBounds | IntervalMethod::TwoWayShareBounds) => Some(KORN),
        Some(IntervalMethod::DeltaStudentT | IntervalMethod::DeltaNormal) => Some(DENG),
        Some(IntervalMethod::TwoWayStudentT | IntervalMethod::TwoWayNormal) => Some(TWO_WAY),
        Some(IntervalMethod::BootstrapBca | IntervalMethod::MultinomialBca) => Some(EFRON),
        Some(IntervalMethod::WildBootstrap) => Some(WILD),
        Some(IntervalMethod::SimultaneousMaxT | IntervalMethod::SimultaneousStudentised) => {
            Some(ROMANO)
        }
        _ => None,
    });
    if matches!(
        estimate.method,
        Some(IntervalMethod::ShareBounds | IntervalMethod::TwoWayShareBounds)
    ) {
        sources.push(MOVER);
    }
    if matches!(estimate.method, Some(IntervalMethod::TwoWayShareBounds)) {
        sources.push(TWO_WAY);
    }
    match estimate.test.and_then(|test| test.method) {
        Some(TestMethod::WildBootstrap | TestMethod::WildBootstrapExhaustive) => sources.push(WILD),
        Some(TestMethod::Permutation) => sources.push(PHIPSON),
        Some(
            TestMethod::CochranMantelHaenszel
            | TestMethod::CochranMantelHaenszelCorrected
            | TestMethod::CochranMantelHaenszelClustered,
        ) => sources.extend([COCHRAN, MANTEL]),
        Some(
            TestMethod::EquivalenceShareBounds
            | TestMethod::EquivalenceJackknife
            | TestMethod::EquivalenceStudentT
            | TestMethod::EquivalenceNormal,
        ) => {
            sources.push(SCHUIRMANN);
        }
        _ => {}
    }
    let statistic = &*estimate.estimand.statistic;
    if statistic.starts_with("mantel_haenszel") {
        sources.push(GREENLAND);
    }
    if matches!(statistic, "composition_effect" | "rate_effect") {
        sources.push(KITAGAWA);
    }
    match &estimate.estimand.baseline {
        Baseline::Reference(reference) if reference.bias != Bias::NONE => sources.push(IMBENS),
        Baseline::Propensity(_) => sources.push(DUDIK),
        _ => {}
    }
    match estimate.estimand.attention {
        Attention::Cascade => sources.push(CRASWELL),
        Attention::Rbp { .. } => sources.push(MOFFAT),
        _ => {}
    }
    sources
}
