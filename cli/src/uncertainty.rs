//! How sure the answers are, as flags.

use clap::Args;
use tiltmeter::Interval;
use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BoundsForm, Delta, DeltaTest, Equivalence, Inference, Jackknife,
    Multiplicity, Permutation, Quantile, ShareBounds, Simultaneous, Test, WildBootstrap, WildTest,
};

use crate::parse;

/// Intervals, tests and their adjustment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Intervals and tests")]
pub(crate) struct UncertaintyArgs {
    /// share-bounds[:refined|plain] (the default), delta, bootstrap[:percentile|basic|bca|studentised],
    /// jackknife, wild, simultaneous. With two clusters there are share-bounds and delta.
    #[arg(long, value_name = "METHOD", value_parser = interval)]
    interval: Option<Method>,
    /// The confidence level; 0.95 by default.
    #[arg(long, value_name = "LEVEL")]
    level: Option<f64>,
    /// For delta: student-t (the default) or normal.
    #[arg(long, value_name = "QUANTILE", value_parser = parse::quantile)]
    quantile: Option<Quantile>,
    /// Replicates of whatever resamples.
    #[arg(long, value_name = "NUMBER")]
    replicates: Option<u32>,
    /// The seed of its random numbers.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// share-bounds (says what the default interval says), delta, wild, permutation,
    /// equivalence[:LOW,HIGH].
    #[arg(long, value_name = "TEST", value_parser = test)]
    test: Option<Test>,
    /// Adjust p-values for the number of topics: bonferroni, holm, bh, by, two-stage, romano-wolf.
    #[arg(long, value_name = "METHOD", requires = "test", value_parser = parse::multiplicity)]
    multiplicity: Option<Multiplicity>,
}

#[derive(Clone, Copy, Debug)]
enum Method {
    ShareBounds(BoundsForm),
    Delta,
    Bootstrap(BootstrapKind),
    Jackknife,
    Wild,
    Simultaneous,
}

fn interval(text: &str) -> Result<Method, String> {
    Ok(match text {
        "share-bounds" | "share-bounds:refined" => Method::ShareBounds(BoundsForm::Refined),
        "share-bounds:plain" => Method::ShareBounds(BoundsForm::Plain),
        "delta" => Method::Delta,
        "bootstrap" => Method::Bootstrap(Bootstrap::default().kind),
        "bootstrap:percentile" => Method::Bootstrap(BootstrapKind::Percentile),
        "bootstrap:basic" => Method::Bootstrap(BootstrapKind::Basic),
        "bootstrap:bca" => Method::Bootstrap(BootstrapKind::Bca),
        "bootstrap:studentised" => Method::Bootstrap(BootstrapKind::Studentised),
        "jackknife" => Method::Jackknife,
        "wild" => Method::Wild,
        "simultaneous" => Method::Simultaneous,
        _ => {
            return Err(
                "there are share-bounds (with :refined or :plain), delta, bootstrap (with \
                 :percentile, :basic, :bca or :studentised), jackknife, wild and simultaneous"
                    .to_owned(),
            );
        }
    })
}

fn test(text: &str) -> Result<Test, String> {
    Ok(match text.split_once(':') {
        None => match text {
            "share-bounds" => Test::ShareBounds,
            "delta" => Test::Delta(DeltaTest::default()),
            "wild" => Test::WildBootstrap(WildTest::default()),
            "permutation" => Test::Permutation(Permutation::default()),
            "equivalence" => Test::Equivalence(Equivalence::default()),
            _ => return Err(TESTS.to_owned()),
        },
        Some(("equivalence", margin)) => {
            let (low, high) = parse::pair(margin)?;
            Test::Equivalence(Equivalence { low, high, ..Equivalence::default() })
        }
        Some(_) => return Err(TESTS.to_owned()),
    })
}

const TESTS: &str =
    "there are share-bounds, delta, wild, permutation, equivalence and equivalence:LOW,HIGH";

impl UncertaintyArgs {
    /// What was asked for; a flag that would change nothing is refused.
    pub(crate) fn inference(&self) -> Result<Inference, String> {
        let mut doubt = Inference {
            interval: self.interval(),
            test: self.test,
            multiplicity: self.multiplicity,
        };
        let resamples = self.resample(&mut doubt);
        if (self.replicates.is_some() || self.seed.is_some()) && !resamples {
            return Err("--replicates and --seed change nothing where nothing is resampled; see \
                        --interval and --test"
                .to_owned());
        }
        if let Some(quantile) = self.quantile {
            let mut used = matches!(doubt.interval, Interval::Delta(_));
            match &mut doubt.test {
                Some(Test::Delta(test)) => (test.quantile, used) = (quantile, true),
                Some(Test::Equivalence(test)) => (test.quantile, used) = (Some(quantile), true),
                _ => {}
            }
            if !used {
                return Err("--quantile goes with --interval delta, --test delta and --test \
                            equivalence; others have quantiles of their own"
                    .to_owned());
            }
        }
        Ok(doubt)
    }

    fn interval(&self) -> Interval {
        let level = self.level.unwrap_or(0.95);
        match self.interval.unwrap_or(Method::ShareBounds(BoundsForm::default())) {
            Method::ShareBounds(form) => Interval::ShareBounds(ShareBounds { level, form }),
            Method::Delta => {
                Interval::Delta(Delta { level, quantile: self.quantile.unwrap_or_default() })
            }
            Method::Bootstrap(kind) => {
                Interval::Bootstrap(Bootstrap { level, kind, ..Bootstrap::default() })
            }
            Method::Jackknife => Interval::Jackknife(Jackknife { level }),
            Method::Wild => {
                Interval::WildBootstrap(WildBootstrap { level, ..WildBootstrap::default() })
            }
            Method::Simultaneous => {
                Interval::Simultaneous(Simultaneous { level, ..Simultaneous::default() })
            }
        }
    }

    /// Replicates and seed into whatever has them; whether anything does.
    fn resample(&self, doubt: &mut Inference) -> bool {
        let mut any = false;
        let mut set = |replicates: &mut u32, seed: &mut u64| {
            *replicates = self.replicates.unwrap_or(*replicates);
            *seed = self.seed.unwrap_or(*seed);
            any = true;
        };
        match &mut doubt.interval {
            Interval::Bootstrap(its) => set(&mut its.replicates, &mut its.seed),
            Interval::WildBootstrap(its) => set(&mut its.replicates, &mut its.seed),
            Interval::Simultaneous(its) => set(&mut its.replicates, &mut its.seed),
            _ => {}
        }
        match &mut doubt.test {
            Some(Test::WildBootstrap(its)) => set(&mut its.replicates, &mut its.seed),
            Some(Test::Permutation(its)) => set(&mut its.replicates, &mut its.seed),
            _ => {}
        }
        if let Some(Multiplicity::RomanoWolf(its)) = &mut doubt.multiplicity {
            set(&mut its.replicates, &mut its.seed);
        }
        any
    }
}
