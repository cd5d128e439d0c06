//! How sure the answers are, as flags.

use std::str::FromStr;

use clap::Args;
use tiltmeter::inference::{Inference, Multiplicity, Quantile, Test};
use tiltmeter::{Interval, UnknownWord};

use crate::failure::Failure;

/// Intervals.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Intervals")]
pub(crate) struct IntervalArgs {
    /// share_bounds (the default; :form=plain), delta, bootstrap (:kind=percentile, basic, bca or
    /// studentised), jackknife, wild_bootstrap, simultaneous. With two clusters there are share_bounds and
    /// delta.
    #[arg(long, value_name = "METHOD")]
    interval: Option<Worded<Interval>>,
    /// The confidence level; 0.95 by default.
    #[arg(long, value_name = "LEVEL")]
    level: Option<f64>,
    /// For delta: student_t (the default) or normal.
    #[arg(long, value_name = "QUANTILE")]
    quantile: Option<Quantile>,
    /// Replicates of whatever resamples.
    #[arg(long, value_name = "NUMBER")]
    replicates: Option<u32>,
    /// The seed of its random numbers.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

impl IntervalArgs {
    /// How intervals are made.
    pub(crate) fn interval(&self) -> Result<Interval, Failure> {
        let args = UncertaintyArgs { of: self.clone(), test: None, multiplicity: None };
        Ok(args.inference().map_err(Failure::Usage)?.interval)
    }
}

/// Intervals, tests and their adjustment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Tests")]
pub(crate) struct UncertaintyArgs {
    #[command(flatten)]
    of: IntervalArgs,
    /// share_bounds (says what the default interval says), delta, wild_bootstrap, permutation,
    /// cochran_mantel_haenszel, equal_strata (is it the same in every stratum?), equivalence
    /// (:low=LOW,high=HIGH; 0.8 and 1.25 by default).
    #[arg(long, value_name = "TEST")]
    test: Option<Worded<Test>>,
    /// Adjust p-values for the number of topics: bonferroni, holm, benjamini_hochberg, benjamini_yekutieli,
    /// two_stage, romano_wolf.
    #[arg(long, value_name = "METHOD")]
    multiplicity: Option<Worded<Multiplicity>>,
}

/// An option, and the names of the parameters that its text gives; empty where it has one alone.
#[derive(Clone, Debug)]
struct Worded<T> {
    option: T,
    given: Vec<String>,
}

impl<T: FromStr<Err = UnknownWord>> FromStr for Worded<T> {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let parameters = text.split_once(':').map(|(_, parameters)| parameters.split(','));
        let names =
            parameters.into_iter().flatten().map(|parameter| match parameter.split_once('=') {
                Some((name, _)) => name.trim().to_owned(),
                None => String::new(),
            });
        Ok(Self { option: text.parse()?, given: names.collect() })
    }
}

impl<T: Copy> Worded<T> {
    /// The option, where none of its parameters has a flag that is given too. `alone` is the parameter of
    /// options that have one.
    fn once(&self, flag: &str, alone: &str, flags: &[(&str, bool)]) -> Result<T, String> {
        let has = |name: &str| {
            self.given.iter().any(|its| its == name || its.is_empty() && name == alone)
        };
        match flags.iter().find(|(name, said)| *said && has(name)) {
            None => Ok(self.option),
            Some((name, _)) => {
                Err(format!("--{name} says again what {flag} says with {name}=; say it once"))
            }
        }
    }
}

impl UncertaintyArgs {
    /// What was asked for; a flag that would change nothing is refused.
    pub(crate) fn inference(&self) -> Result<Inference, String> {
        self.on_top_of(Inference::default())
    }

    /// The same in the place of what a study says: an interval keeps its level, all else is that of the flags where
    /// they say it.
    pub(crate) fn on_top_of(&self, study: Inference) -> Result<Inference, String> {
        let flags = [
            ("level", self.of.level.is_some()),
            ("quantile", self.of.quantile.is_some()),
            ("replicates", self.of.replicates.is_some()),
            ("seed", self.of.seed.is_some()),
        ];
        let interval = self.of.interval.as_ref().map(|its| its.once("--interval", "level", &flags));
        let test = self.test.as_ref().map(|its| its.once("--test", "quantile", &flags));
        // The level of two_stage is another thing than that of intervals.
        let multiplicity = self.multiplicity.as_ref();
        let multiplicity = multiplicity.map(|its| its.once("--multiplicity", "level", &flags[1..]));
        let mut inference = Inference {
            interval: match interval.transpose()? {
                Some(interval) if self.says_level() => interval,
                Some(interval) => interval.at_level(study.interval.level()),
                None => study.interval,
            },
            test: test.transpose()?.or(study.test),
            multiplicity: multiplicity.transpose()?.or(study.multiplicity),
        };
        if self.multiplicity.is_some() && inference.test.is_none() {
            return Err(
                "--multiplicity adjusts p-values, and nothing is tested; say --test too".to_owned()
            );
        }
        if let Some(level) = self.of.level {
            inference.interval = inference.interval.at_level(level);
        }
        let resamples = self.resample(&mut inference);
        if (self.of.replicates.is_some() || self.of.seed.is_some()) && !resamples {
            return Err("--replicates and --seed change nothing where nothing is resampled; see \
                        --interval and --test"
                .to_owned());
        }
        if !self.of.quantile.is_none_or(|quantile| measure_by(&mut inference, quantile)) {
            return Err("--quantile goes with --interval delta, --test delta and --test \
                        equivalence; others have quantiles of their own"
                .to_owned());
        }
        Ok(inference)
    }

    /// Whether the level is said, by its flag or with the interval.
    fn says_level(&self) -> bool {
        let with = |its: &Worded<Interval>| {
            its.given.iter().any(|name| name == "level" || name.is_empty())
        };
        self.of.level.is_some() || self.of.interval.as_ref().is_some_and(with)
    }

    /// Replicates and seed into whatever has them; whether anything does.
    fn resample(&self, inference: &mut Inference) -> bool {
        let mut any = false;
        let mut set = |replicates: &mut u32, seed: &mut u64| {
            *replicates = self.of.replicates.unwrap_or(*replicates);
            *seed = self.of.seed.unwrap_or(*seed);
            any = true;
        };
        match &mut inference.interval {
            Interval::Bootstrap(its) => set(&mut its.replicates, &mut its.seed),
            Interval::WildBootstrap(its) => set(&mut its.replicates, &mut its.seed),
            Interval::Simultaneous(its) => set(&mut its.replicates, &mut its.seed),
            _ => {}
        }
        match &mut inference.test {
            Some(Test::WildBootstrap(its)) => set(&mut its.replicates, &mut its.seed),
            Some(Test::Permutation(its)) => set(&mut its.replicates, &mut its.seed),
            _ => {}
        }
        if let Some(Multiplicity::RomanoWolf(its)) = &mut inference.multiplicity {
            set(&mut its.replicates, &mut its.seed);
        }
        any
    }
}

/// The quantile into whatever has one; whether anything does.
fn measure_by(inference: &mut Inference, quantile: Quantile) -> bool {
    let mut any = false;
    if let Interval::Delta(its) = &mut inference.interval {
        (its.quantile, any) = (quantile, true);
    }
    match &mut inference.test {
        Some(Test::Delta(its)) => (its.quantile, any) = (quantile, true),
        Some(Test::Equivalence(its)) => (its.quantile, any) = (Some(quantile), true),
        _ => {}
    }
    any
}
