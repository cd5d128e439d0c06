//! The truth of a simulation: what an audit of it estimates, exactly where there is a closed form, else
//! from replicates with their error. It knows nothing of intervals.

mod exact;
mod json;
mod known;
mod monte_carlo;
mod totals;

pub use self::json::{TRUTH_SCHEMA, TRUTH_VERSION};
pub use self::known::{Precision, TrueValue};

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use self::totals::{Layout, Part};
use super::SimulationConfig;
use super::replicates::Telling;
use crate::base::progress::Progress;
use crate::error::range::{out, positive};
use crate::error::{Error, StatisticFault};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::question::whole::{Part as Said, Question};
use crate::statistic::{AnyStatistic, Checked, Scale, Statistic, Working, check_unit};
use crate::tally::MultiLabel;

/// What is asked of two arms, with all that a simulation leaves to the question.
pub(crate) struct Contrast<'q> {
    pub(crate) treatment: &'q str,
    pub(crate) baseline: &'q str,
    pub(crate) statistics: Vec<AnyStatistic>,
    pub(crate) unit: Unit,
    /// Of true topics every item has one, so that both denominators are the same.
    pub(crate) denominator: Denominator,
    pub(crate) attention: Attention,
    pub(crate) multi_label: MultiLabel,
}

impl<'q> Contrast<'q> {
    /// # Errors
    /// [`Error::Parameter`] for a baseline that is no arm, and for a unit that a statistic has no meaning
    /// for; [`Error::NotLookedAt`] for strata, which are the simulation's, and for a second way of
    /// clustering.
    pub(crate) fn of(question: &'q Question) -> Result<Self, Error> {
        question.refuse("a simulation", &[Said::Strata, Said::SecondCluster, Said::Correction])?;
        let baseline = match question.needs_baseline()? {
            Baseline::Arm(arm) => arm,
            other => return Err(out("the baseline of a simulation's question", other, "an arm")),
        };
        let statistics = question.distinct_statistics();
        statistics.iter().try_for_each(|statistic| check_unit(&**statistic, question.unit))?;
        crate::statistic::refuse_within(question.unit, "a simulation's truth")?;
        Ok(Self {
            treatment: &question.treatment,
            baseline,
            statistics,
            unit: question.unit,
            denominator: question.denominator,
            attention: question.attention.clone().unwrap_or_default(),
            multi_label: question.multi_label.unwrap_or_default(),
        })
    }
}

/// Whose topics a truth is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TopicDefinition {
    /// What items are about.
    #[default]
    TrueTopics,
    /// What the log's labels say that they are about, errors and all: what an audit of the log tends
    /// to that does not know of the errors.
    Labels,
}

/// Which way a truth is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TruthMethod {
    /// The closed form where there is one, else replicates.
    #[default]
    Best,
    /// Replicates, also where there is a closed form: to check one against the other.
    Replicates,
}

/// What truth is asked for, and how well it is to be known.
///
/// ```
/// use tiltmeter::Question;
/// use tiltmeter::simulate::TruthSpec;
/// let question = Question::between("treatment", "baseline");
/// // As many replicates as bring the error of log ratios below 1%, and no more than 5,000.
/// let spec = TruthSpec { replicates: 5_000, until: Some(0.01), ..TruthSpec::of(&question) };
/// assert_eq!(spec.replicates, 5_000);
/// ```
#[derive(Clone, Debug)]
pub struct TruthSpec {
    /// What is asked: of two arms of the simulation, by the attention of its positions (any but
    /// [`Attention::Cascade`]). A truth is about all topics; studies ask about those that are named, and
    /// cluster as it says. A statistic of your own is asked about too.
    pub question: Question,
    /// Of which topics.
    pub about: TopicDefinition,
    /// Which way it is looked for.
    pub route: TruthMethod,
    /// How many replicates, at most; 2 or more.
    pub replicates: u32,
    /// The standard error at which no more replicates are made: the largest of any topic and statistic,
    /// on the working scale (of the natural logarithm for ratios and percent, so 0.01 is about 1% of a
    /// ratio). Looked at after 32 replicates, 64, 128 and so on; `None` for all of `replicates`.
    pub until: Option<f64>,
}

impl TruthSpec {
    /// True topics, the closed form where there is one, else 256 replicates.
    #[must_use]
    pub fn of(question: &Question) -> Self {
        Self {
            question: question.clone(),
            about: TopicDefinition::TrueTopics,
            route: TruthMethod::Best,
            replicates: 256,
            until: None,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.replicates < 2 {
            return Err(out("TruthSpec::replicates", self.replicates, "2 or more"));
        }
        self.until.map_or(Ok(()), |until| positive("TruthSpec::until", until))
    }
}

/// What is true of a simulation.
///
/// The catalogue is as it is; viewers, slates and responses are what chance makes of them. So the true
/// value of a statistic is its value at **expected totals**, given the catalogue: for the amplification
/// ratio, the ratio of the expected exposure shares, each being the expected mass of the topic over the
/// expected mass of all. It is what estimates from ever more viewers tend to, where viewers do not
/// influence one another. Feeds that learn from their viewers are another matter: there the truth is the
/// average over what may come of the feed, while one study sees one feed ([`CoverageStudy`](crate::coverage::CoverageStudy) shows what
/// that does to intervals).
///
/// **Exact** ([`Precision::Exact`], to rounding) with pooled units, no
/// [memory](SimulationConfig::remembered), a [`ExperimentDesign`](super::ExperimentDesign) of viewers or of slates, and
/// either
///
/// - the candidates are everything alive or a sample of it, and all arms are random without a bias; or
/// - the candidates are everything, and all arms rank at random or by time with biases that are for
///   everyone and change at midnight only: the greatest weights, or diversified, whatever the length;
///   Plackett and Luce's draws.
///
/// Under Plackett and Luce ranks below the first need their marginals
/// ([`plackett_luce::marginals`](crate::policy::plackett_luce::marginals)) in every round: where candidates times
/// ranks are more than 20,000 that would take longer than replicates, which are made then.
///
/// **Monte Carlo** elsewhere: replicates of the whole simulation with other seeds, the statistic of the
/// mean totals, and its linearised standard error over replicates: with gradient g at the mean and
/// totals `x_r`, `sqrt(sum (g.(x_r - mean))^2 / (R (R - 1)))`. The bias of that, a ratio's, is of the
/// order of `1/R` and of the square of the error. A replicate costs what [`super::Simulation::log`] does
/// without the log; the error is about `1/sqrt(R)` of the standard error that one study has.
/// Seeds of replicates are Philox's by counter from [`SimulationConfig::seed`], and never that seed
/// itself, so that a truth is not of the log that is held against it. Equal on any number of threads.
///
/// Errors in labels do not touch the truth about [true topics](TopicDefinition::TrueTopics).
///
/// ```
/// use tiltmeter::Question;
/// use tiltmeter::policy::Bias;
/// use tiltmeter::simulate::{CandidatesConfig, SimulationConfig, Truth, TruthSpec};
///
/// let mut config = SimulationConfig { slate: 1, days: 1, ..SimulationConfig::default() };
/// config.candidates = CandidatesConfig::Everything;
/// config.arms[0].policy.biases.push(Bias::topic("conflict", 3.0));
/// let question = Question::between("treatment", "baseline");
/// let truth = Truth::of(&config, &TruthSpec::of(&question))?;
///
/// let known = truth.value("conflict", "amplification_ratio").unwrap();
/// assert!(known.is_exact());
/// // A share s becomes 3s/(1 + 2s): less than three times as much.
/// let share = truth.topic("conflict").unwrap().shares[1].share.unwrap().number().unwrap();
/// assert!((known.number().unwrap() - 3.0 / (1.0 + 2.0 * share)).abs() < 1e-3);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Truth {
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with.
    pub baseline: String,
    /// How viewers are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// The position model.
    pub attention: Attention,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
    /// Whose topics it is about.
    pub about: TopicDefinition,
    /// How many replicates there were; `None` where all is exact.
    pub replicates: Option<u32>,
    /// By topic, in the order of names.
    pub topics: Vec<TopicTruth>,
    /// What it is the truth of.
    pub config: SimulationConfig,
}

/// What is true of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicTruth {
    /// The topic.
    pub topic: String,
    /// By statistic, in the order of the contrast.
    pub values: Vec<StatisticTruth>,
    /// By arm, in the order of the configuration.
    pub shares: Vec<ArmTruth>,
}

/// The true value of a statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatisticTruth {
    /// Its name.
    pub statistic: String,
    /// Its value on the reported scale.
    pub known: TrueValue,
}

/// The topic's true exposure share in an arm: pooled, whatever the unit of the contrast, with its
/// attention, labels and denominator. `None` where nothing is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmTruth {
    /// The arm.
    pub arm: String,
    /// Over all of the simulation.
    pub share: Option<TrueValue>,
    /// By stratum, in the order of names.
    pub strata: Vec<StratumTruth>,
    /// By day, from the first.
    pub days: Vec<Option<TrueValue>>,
}

/// The topic's true exposure share in a stratum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StratumTruth {
    /// The stratum.
    pub stratum: String,
    /// The share there; `None` where nothing is shown.
    pub share: Option<TrueValue>,
}

impl Truth {
    /// Finds it.
    ///
    /// # Errors
    /// Those of [`super::Simulation::new`]; [`Error::UnknownArm`] and [`Error::SameArm`];
    /// [`Error::Parameter`] for a spec out of its ranges, for a unit that a statistic has no meaning
    /// for, and for [`Attention::Cascade`]; [`Error::StandardStrata`] for a declared population of other
    /// strata than the simulation's; [`Error::PolicyWeight`].
    pub fn of(config: &SimulationConfig, spec: &TruthSpec) -> Result<Self, Error> {
        Self::of_with(config, spec, |_| ControlFlow::Continue(()))
    }

    /// The same, telling how many replicates are done, and of how many: from any thread, and not always in
    /// order. Those that are not needed count as done.
    ///
    /// # Errors
    /// Those of [`of`](Self::of), and [`Error::Stopped`].
    pub fn of_with(
        config: &SimulationConfig,
        spec: &TruthSpec,
        mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
    ) -> Result<Self, Error> {
        Self::find(config, spec, &Telling::new(u64::from(spec.replicates), &mut progress))
    }

    /// The same, as part of other work: it adds `spec.replicates` to the progress.
    pub(crate) fn find(
        config: &SimulationConfig,
        spec: &TruthSpec,
        progress: &Telling<'_>,
    ) -> Result<Self, Error> {
        config.check()?;
        spec.check()?;
        let contrast = Contrast::of(&spec.question)?;
        let layout = Layout::of(config, &contrast)?;
        let of_contrast = &contrast.statistics;
        for its in of_contrast {
            crate::statistic::check_strata(&**its, &layout.strata)?;
            crate::statistic::cells_among(&**its, &layout.strata)?;
            if let Some(other) = its.other_topics().iter().find(|its| !layout.topics.contains(its))
            {
                let available = layout.topics.clone();
                return Err(Error::UnknownTopic { topic: other.clone(), available });
            }
        }
        totals::attention(&contrast, config.slate)?;
        let checked = of_contrast.iter().map(|its| Checked::of(&**its, layout.strata.len()));
        let checked: Vec<Option<Checked<'_>>> = checked.collect::<Result<_, _>>()?;
        check_names(&checked)?;
        let statistics = of_contrast.iter().zip(&checked);
        let statistics: Vec<&dyn Statistic> = statistics
            .map(|(its, checked)| checked.as_ref().map_or(&**its, |own| own as &dyn Statistic))
            .collect();
        let asked = Asked { contrast: &contrast, layout: &layout, statistics: &statistics };
        let found = Self::of_sound(config, spec, asked, progress);
        checked.iter().flatten().try_for_each(Checked::fault)?;
        found
    }

    /// The same of statistics that return nothing but numbers.
    fn of_sound(
        config: &SimulationConfig,
        spec: &TruthSpec,
        asked: Asked<'_>,
        progress: &Telling<'_>,
    ) -> Result<Self, Error> {
        let Asked { contrast, layout, .. } = asked;
        if spec.route == TruthMethod::Best
            && let Some(expected) = exact::totals(config, (spec, contrast), layout)?
        {
            progress.add(u64::from(spec.replicates))?;
            let rows = &[expected];
            return Ok(Samples { asked, spec, rows, replicates: None }.truth(config));
        }
        let enough = |rows: &[Vec<f64>]| Samples::of(asked, spec, rows).is_enough();
        let rows = monte_carlo::replicates(config, (spec, contrast), layout, progress, enough)?;
        Ok(Samples::of(asked, spec, &rows).truth(config))
    }

    /// What is true of a topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&TopicTruth> {
        self.topics.iter().find(|topic| topic.topic == name)
    }

    /// The true value of a statistic, by its name, for a topic.
    #[must_use]
    pub fn value(&self, topic: &str, statistic: &str) -> Option<&TrueValue> {
        let values = &self.topic(topic)?.values;
        values.iter().find(|value| value.statistic == statistic).map(|value| &value.known)
    }
}

/// What is asked, and where it stands in the totals.
#[derive(Clone, Copy)]
struct Asked<'a> {
    contrast: &'a Contrast<'a>,
    layout: &'a Layout,
    /// Those of the contrast, with faults that are caught.
    statistics: &'a [&'a dyn Statistic],
}

/// Totals of replicates, or the expected ones alone.
struct Samples<'a> {
    asked: Asked<'a>,
    spec: &'a TruthSpec,
    rows: &'a [Vec<f64>],
    replicates: Option<u32>,
}

impl<'a> Samples<'a> {
    const fn of(asked: Asked<'a>, spec: &'a TruthSpec, rows: &'a [Vec<f64>]) -> Self {
        Self { asked, spec, rows, replicates: Some(rows.len() as u32) }
    }

    fn truth(&self, config: &SimulationConfig) -> Truth {
        let contrast = self.asked.contrast;
        let topics = self.asked.layout.topics.iter().enumerate();
        Truth {
            treatment: contrast.treatment.to_owned(),
            baseline: contrast.baseline.to_owned(),
            unit: contrast.unit,
            denominator: contrast.denominator,
            attention: contrast.attention.clone(),
            multi_label: contrast.multi_label,
            about: self.spec.about,
            replicates: self.replicates,
            topics: topics.map(|(at, name)| self.topic(config, at, name)).collect(),
            config: config.clone(),
        }
    }

    fn topic(&self, config: &SimulationConfig, topic: usize, name: &str) -> TopicTruth {
        let strata = &self.asked.layout.strata;
        let values = self.asked.statistics.iter().map(|statistic| StatisticTruth {
            statistic: statistic.name().to_owned(),
            known: self.value(*statistic, topic),
        });
        let parts = |arm: usize, parts: &[Part]| self.share(arm, parts, topic);
        let shares = config.arms.iter().enumerate().map(|(arm, its)| ArmTruth {
            arm: its.name.clone(),
            share: parts(arm, &(0..strata.len()).map(Part::Stratum).collect::<Vec<_>>()),
            strata: (0..)
                .zip(strata)
                .map(|(at, name)| StratumTruth {
                    stratum: name.clone(),
                    share: parts(arm, &[Part::Stratum(at)]),
                })
                .collect(),
            days: (0..self.asked.layout.days).map(|day| parts(arm, &[Part::Day(day)])).collect(),
        });
        TopicTruth { topic: name.to_owned(), values: values.collect(), shares: shares.collect() }
    }

    /// Whether errors are as small as was asked for.
    fn is_enough(&self) -> bool {
        let Some(until) = self.spec.until else { return false };
        let small = |known: TrueValue| match known.how {
            Precision::MonteCarlo { working_error: Some(error), .. } => error <= until,
            _ => true,
        };
        let statistics = self.asked.statistics;
        let mut topics = 0..self.asked.layout.topics.len();
        topics.all(|topic| statistics.iter().all(|statistic| small(self.value(*statistic, topic))))
    }

    fn value(&self, statistic: &dyn Statistic, topic: usize) -> TrueValue {
        let layout = &self.asked.layout;
        let others = statistic.other_topics();
        // Topics and strata that there are none of were refused before anything was simulated.
        let cells = crate::statistic::cells_among(statistic, &layout.strata).unwrap_or_default();
        let places: Vec<Vec<usize>> =
            cells.iter().map(|cell| layout.cell(cell, topic, others)).collect();
        let gradient = |totals: &[f64]| statistic.gradient(totals);
        self.known(&places, statistic.scale(), |totals| statistic.value(totals), gradient)
    }

    fn share(&self, arm: usize, parts: &[Part], topic: usize) -> Option<TrueValue> {
        let places =
            |column| parts.iter().map(|part| self.asked.layout.at(arm, *part, column)).collect();
        let places = [places(topic), places(self.asked.layout.all())];
        let all: f64 = self.means(&places)[1];
        let share = |totals: &[f64]| Working::Finite(totals[0] / totals[1]);
        let gradient = |totals: &[f64]| vec![1.0 / totals[1], -totals[0] / totals[1].powi(2)];
        (all > 0.0).then(|| self.known(&places, Scale::Linear, share, gradient))
    }

    fn known(
        &self,
        places: &[Vec<usize>],
        scale: Scale,
        value: impl Fn(&[f64]) -> Working,
        gradient: impl Fn(&[f64]) -> Vec<f64>,
    ) -> TrueValue {
        let means = self.means(places);
        let working = value(&means);
        let variance = match working {
            Working::Finite(_) if self.rows.len() > 1 => {
                Some(self.variance(places, &means, &gradient(&means)))
            }
            _ => None,
        };
        TrueValue::of(working, scale, variance, self.replicates)
    }

    /// The mean of each total over replicates.
    fn means(&self, places: &[Vec<usize>]) -> Vec<f64> {
        let number = self.rows.len() as f64;
        let mean = |places: &Vec<usize>| {
            self.rows.iter().map(|row| sum(row, places)).sum::<f64>() / number
        };
        places.iter().map(mean).collect()
    }

    /// The variance of a statistic of the means, from its gradient there.
    fn variance(&self, places: &[Vec<usize>], means: &[f64], gradient: &[f64]) -> f64 {
        let influence = |row: &Vec<f64>| {
            let totals = places.iter().map(|places| sum(row, places));
            let terms =
                totals.zip(means).zip(gradient).map(|((x, mean), slope)| slope * (x - mean));
            terms.sum::<f64>()
        };
        let squares: f64 = self.rows.iter().map(|row| influence(row).powi(2)).sum();
        let number = self.rows.len() as f64;
        squares / (number * (number - 1.0))
    }
}

/// Truths are found by the names of their statistics, so no two may have one.
fn check_names(own: &[Option<Checked<'_>>]) -> Result<(), Error> {
    let mut names: Vec<_> = own.iter().flatten().map(|its| its.name()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::Statistic {
            statistic: pair[0].to_owned(),
            fault: StatisticFault::SharedName { topic: None },
        }),
        None => Ok(()),
    }
}

fn sum(row: &[f64], places: &[usize]) -> f64 {
    places.iter().map(|place| row[*place]).sum()
}
