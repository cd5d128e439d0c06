//! Studies of one feed: how often each method's interval covers the truth, how long it is, and how
//! often each test rejects where there is nothing to find.

use rayon::prelude::*;
use tiltmeter::inference::{Query, TopicQuestion, estimate};
use tiltmeter::statistic::{
    AmplificationRatio, Difference, MantelHaenszelDifference, MantelHaenszelRatio, Statistic,
};
use tiltmeter::tally::StratifyBy;
use tiltmeter::{Attention, Baseline, Denominator, Error, Unit};

use super::method::Method;
use super::numbers::Numbers;
use super::record::{Outcome, Record};
use super::rows::{Log, Rows};

/// The normal quantile of that level.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// What is asked of two shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contrast {
    Ratio,
    Difference,
}

impl Contrast {
    pub(crate) const BOTH: [Self; 2] = [Self::Ratio, Self::Difference];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Difference => "difference",
        }
    }

    /// That within strata, where they are kept apart.
    fn statistic(self, strata: &StratifyBy) -> &'static dyn Statistic {
        match (self, strata) {
            (Self::Ratio, StratifyBy::Nothing) => &AmplificationRatio,
            (Self::Difference, StratifyBy::Nothing) => &Difference,
            (Self::Ratio, _) => &MantelHaenszelRatio,
            (Self::Difference, _) => &MantelHaenszelDifference,
        }
    }

    fn of(self, truth: Truth) -> f64 {
        match self {
            Self::Ratio => truth.ratio,
            Self::Difference => truth.difference,
        }
    }

    /// How long an interval is: of the logarithm, for ratios.
    pub(crate) fn length(self, low: f64, high: f64) -> f64 {
        match self {
            Self::Ratio => (high / low).ln(),
            Self::Difference => high - low,
        }
    }

    /// How long the interval of an oracle is that knows how the shares vary over all studies: twice
    /// the normal quantile times the standard deviation, to first order.
    fn oracle(self, shares: &[[f64; 2]]) -> f64 {
        let number = shares.len() as f64;
        let mean = |arm: usize| shares.iter().map(|shares| shares[arm]).sum::<f64>() / number;
        let means = [mean(0), mean(1)];
        let [of_treatment, of_baseline] = match self {
            Self::Ratio => means.map(f64::recip),
            Self::Difference => [1.0; 2],
        };
        let off = |[treatment, baseline]: &[f64; 2]| {
            of_treatment * (treatment - means[0]) - of_baseline * (baseline - means[1])
        };
        let squares: f64 = shares.iter().map(|shares| off(shares).powi(2)).sum();
        2.0 * NORMAL_QUANTILE * (squares / number).sqrt()
    }
}

/// The true contrasts of a feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Truth {
    pub(crate) ratio: f64,
    pub(crate) difference: f64,
}

impl Truth {
    /// Both arms have the same share.
    pub(crate) const EQUAL: Self = Self { ratio: 1.0, difference: 0.0 };

    pub(crate) fn of([treatment, baseline]: [f64; 2]) -> Self {
        Self { ratio: treatment / baseline, difference: treatment - baseline }
    }
}

/// A feed of known truth.
pub(crate) trait MadeUp: Sync {
    /// What random numbers are a function of, beside the number of the study.
    fn seed(&self) -> Vec<u64>;

    fn truth(&self) -> Truth;

    fn unit(&self) -> Unit;

    /// What was shown in one study.
    fn rows(&self, numbers: &mut Numbers) -> Rows;

    /// Random numbers of one study, the same whatever other studies are made.
    fn numbers(&self, study: u32) -> Numbers {
        let mut words = self.seed();
        words.push(u64::from(study));
        Numbers::of(&words)
    }
}

/// How one feed is studied.
pub(crate) struct Studied<'a> {
    /// What is asked, and by which method it is answered.
    pub(crate) asked: &'a [(Contrast, Method)],
    pub(crate) studies: u32,
    /// Of methods that make replicates.
    pub(crate) replicates: u32,
}

impl Studied<'_> {
    /// A record of each question. Gives the same on any number of threads; `done` is called after each
    /// study.
    pub(crate) fn records(
        &self,
        feed: &dyn MadeUp,
        done: impl Fn() + Sync,
    ) -> Result<Vec<Record>, Error> {
        let of_study = |study: u32| {
            let mut numbers = feed.numbers(study);
            let seed = numbers.word();
            let rows = feed.rows(&mut numbers);
            let shares = rows.shares(feed.unit());
            let outcomes = self.outcomes(&rows.log()?, feed, seed)?;
            done();
            Ok((shares, outcomes))
        };
        let studies: Result<Vec<_>, Error> =
            (0..self.studies).into_par_iter().map(of_study).collect();
        let (shares, outcomes): (Vec<_>, Vec<_>) = studies?.into_iter().unzip();
        let record = |(place, (contrast, _)): (usize, &(Contrast, Method))| {
            let its: Vec<Outcome> = outcomes.iter().map(|outcomes| outcomes[place]).collect();
            Record::of(&its, &shares, contrast.oracle(&shares))
        };
        Ok(self.asked.iter().enumerate().map(record).collect())
    }

    /// What comes of the questions in one study.
    fn outcomes(&self, log: &Log, feed: &dyn MadeUp, seed: u64) -> Result<Vec<Outcome>, Error> {
        // A topic that was never shown is not in the log, and has no amplification.
        let tally = log.tally();
        if !tally.axes().topics().iter().any(|topic| topic == "topic") {
            return Ok(vec![Outcome::Nothing; self.asked.len()]);
        }
        let baseline = Baseline::arm("baseline");
        let question = TopicQuestion {
            topic: "topic",
            treatment: "treatment",
            baseline: &baseline,
            unit: feed.unit(),
            denominator: Denominator::AllImpressions,
            correction: None,
            attention: &Attention::Uniform,
        };
        let outcome = |&(contrast, method): &(Contrast, Method)| {
            let inference = method.inference(self.replicates, seed);
            let statistic = contrast.statistic(&tally.spec().strata);
            let estimate = match log {
                Log::OneWay(tally) => estimate(tally, &question, statistic, inference)?,
                Log::TwoWay(ways) => {
                    ways.estimates(&[Query { question, statistic }], inference)?.remove(0)
                }
            };
            Ok(method.outcome(&estimate, contrast, contrast.of(feed.truth())))
        };
        self.asked.iter().map(outcome).collect()
    }
}
