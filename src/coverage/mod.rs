//! Studies: a simulation audited many times over, and what its audits say held against what is true.
//! The one place of the simulator that knows of inference.

mod curve;
mod method;
mod outcome;
mod proportion;
mod record;

pub use self::curve::{PowerCurve, PowerPoint, PowerResult, Smallest, SmallestEffect};
pub use self::proportion::Proportion;
pub use self::record::{Accuracy, StudyRecord};

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use self::method::seeded;
use self::outcome::Outcome;
use crate::base::progress::Progress;
use crate::error::Error;
use crate::error::range::out;
use crate::inference::{Inference, Query, TopicQuestion, estimates};
use crate::question::baseline::Baseline;
use crate::question::estimand::Unit;
use crate::question::whole::Question;
use crate::simulate::replicates::{Replicates, Telling, in_order};
use crate::simulate::truth::{Contrast, Truth, TruthSpec};
use crate::simulate::{Simulation, SimulationConfig};
use crate::tally::{ClusterBy, StratifyBy, Tally, TallySpec};

/// How often intervals cover the truth and tests find it, in studies of one simulation.
///
/// Every study samples other viewers, slates and responses of the same catalogue and audits its log by
/// every method; methods see the same studies. What is counted for a topic, statistic and method is in
/// [`StudyRecord`].
///
/// Right for any estimand, interval, test and [`ExperimentDesign`](crate::simulate::ExperimentDesign) that the library has: it says
/// what this feed, so many viewers and so many days do to a method. It says nothing of other feeds.
/// **Where a feed learns from its viewers** (popularity) each study sees a feed of its own: viewers of
/// an arm are not independent, so intervals clustered by viewers cover the truth of [`Truth`], which is
/// an average over feeds, too seldom. That is interference, and no fault of the interval: to it the feed
/// is fixed. (Viewers whose interests drift or who follow creators change nobody's feed but their own.)
///
/// Costs, for each study, a simulation, its log in memory and the audits; logs are dropped as studies
/// end. The Monte Carlo standard error of a coverage of 95% is 1.1 points from 400 studies. Seeds of
/// studies are Philox's by counter from the configuration's seed, apart from those of the truth;
/// resampling in a study has a seed of that study. Equal on any number of threads.
///
/// ```
/// use tiltmeter::Question;
/// use tiltmeter::coverage::CoverageStudy;
/// use tiltmeter::simulate::SimulationConfig;
///
/// let mut config = SimulationConfig { days: 1, ..SimulationConfig::default() };
/// config.world.viewers = 60;
/// let question = Question::between("treatment", "baseline");
/// let result = CoverageStudy { studies: 40, ..CoverageStudy::of(config, &question) }.run()?;
///
/// let record = &result.records[0];
/// assert_eq!((record.topic.as_str(), record.studies), ("conflict", 40));
/// assert!(record.truth.is_exact()); // both arms are random: a ratio of 1
/// assert!(record.coverage.unwrap().share > 0.8);
/// println!("{result}");
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CoverageStudy {
    /// What is simulated.
    pub config: SimulationConfig,
    /// What is asked of it, and how well the truth is to be known. Its error should be well below the
    /// length of intervals, or it counts as theirs. P-values are adjusted over the question's topics. With
    /// other clusters than viewers its unit must be [`Unit::Pooled`], since the truth in other units is about
    /// viewers.
    pub truth: TruthSpec,
    /// The methods, one or more. Their seeds are replaced by that of each study.
    pub inferences: Vec<Inference>,
    /// How many studies.
    pub studies: u32,
    /// The p-value up to which a test rejects, in (0, 1).
    pub alpha: f64,
}

/// What came of studies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct StudyResult {
    /// How many studies there were.
    pub studies: u32,
    /// The p-value up to which tests reject.
    pub alpha: f64,
    /// The clusters of the audits.
    pub cluster: ClusterBy,
    /// By statistic, topic and method.
    pub records: Vec<StudyRecord>,
    /// What is true.
    pub truth: Truth,
}

impl CoverageStudy {
    /// 400 studies of a question with the default interval; tests at 5%.
    #[must_use]
    pub fn of(config: SimulationConfig, question: &Question) -> Self {
        Self {
            config,
            truth: TruthSpec::of(question),
            inferences: vec![Inference::default()],
            studies: 400,
            alpha: 0.05,
        }
    }

    /// Makes the studies.
    ///
    /// # Errors
    /// Those of [`Truth::of`] and of [`crate::inference::estimates`]; [`Error::UnknownTopic`];
    /// [`Error::Parameter`] without a method or a study, for an alpha outside (0, 1) and for clusters
    /// other than viewers in a unit that the truth is not about.
    pub fn run(&self) -> Result<StudyResult, Error> {
        self.run_with(|_| ControlFlow::Continue(()))
    }

    /// The same, telling how many simulations are done, and of how many: those of the truth come
    /// first. It is told from any thread, and not always in order.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn run_with(
        &self,
        mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
    ) -> Result<StudyResult, Error> {
        self.run_as_part(&Telling::new(self.simulations(), &mut progress))
    }

    fn simulations(&self) -> u64 {
        u64::from(self.truth.replicates) + u64::from(self.studies)
    }

    /// The same, as part of other work: it adds [`simulations`](Self::simulations) to the progress.
    fn run_as_part(&self, progress: &Telling<'_>) -> Result<StudyResult, Error> {
        self.check()?;
        let truth = Truth::find(&self.config, &self.truth, progress)?;
        let contrast = Contrast::of(&self.truth.question)?;
        let topics = self.topics()?;
        let of_studies = in_order(0..self.studies, |number| {
            let outcomes = self.study(number, &contrast, &topics)?;
            progress.add(1)?;
            Ok(outcomes)
        })?;
        let mut records = Vec::new();
        for (of, statistic) in contrast.statistics.iter().enumerate() {
            for (at, topic) in topics.iter().enumerate() {
                let Some(known) = truth.value(topic, statistic.name()) else { continue };
                for (by, inference) in self.inferences.iter().enumerate() {
                    let asked = of * topics.len() + at;
                    let outcomes = of_studies.iter().map(|study| &study[by][asked]);
                    let subject = (topic.as_str(), &**statistic, inference);
                    records.push(StudyRecord::of(subject, known, self.alpha, outcomes));
                }
            }
        }
        Ok(StudyResult {
            studies: self.studies,
            alpha: self.alpha,
            cluster: self.cluster(),
            records,
            truth,
        })
    }

    fn check(&self) -> Result<(), Error> {
        if self.inferences.is_empty() {
            return Err(out("Study::inferences", "none", "one or more"));
        }
        if self.studies == 0 {
            return Err(out("Study::studies", self.studies, "1 or more"));
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(out("Study::alpha", self.alpha, "above 0 and below 1"));
        }
        if self.cluster() != ClusterBy::Viewer && self.truth.question.unit != Unit::Pooled {
            let expected = "ClusterBy::Viewer in this unit, since its truth is about viewers";
            return Err(out("the cluster of a study's question", self.cluster(), expected));
        }
        Ok(())
    }

    fn cluster(&self) -> ClusterBy {
        self.truth.question.cluster.clone().unwrap_or_default()
    }

    /// The topics asked about, in order.
    fn topics(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> =
            self.config.world.topics.iter().map(|topic| topic.name.clone()).collect();
        names.sort();
        let Some(topics) = self.truth.question.topics.named() else { return Ok(names) };
        match topics.iter().find(|topic| !names.contains(topic)) {
            Some(topic) => Err(Error::UnknownTopic { topic: topic.clone(), available: names }),
            None => Ok(topics.to_vec()),
        }
    }

    /// One study: by method, what it says of every statistic and topic.
    fn study(
        &self,
        number: u32,
        contrast: &Contrast<'_>,
        topics: &[String],
    ) -> Result<Vec<Vec<Outcome>>, Error> {
        let seed = Replicates::Study.seed(self.config.seed, number);
        let config = SimulationConfig { seed, ..self.config.clone() };
        let nothing = vec![Outcome::default(); contrast.statistics.len() * topics.len()];
        let log = match Simulation::new(&config)?.log() {
            Err(Error::EmptyLog { .. }) => return Ok(vec![nothing; self.inferences.len()]),
            log => log?,
        };
        let spec = TallySpec {
            cluster: self.cluster(),
            attentions: vec![contrast.attention.clone()],
            multi_label: contrast.multi_label,
            strata: StratifyBy::Stratum,
            ..TallySpec::default()
        };
        let tally = Tally::of(&log, &spec)?;
        drop(log);
        let shown = |topic: &String| {
            let arms = [contrast.treatment, contrast.baseline];
            let axes = tally.axes();
            axes.topic(topic).is_some() && arms.iter().all(|arm| axes.arm(arm).is_some())
        };
        let baseline = Baseline::arm(contrast.baseline);
        let (mut places, mut asked) = (Vec::new(), Vec::new());
        for (of, statistic) in contrast.statistics.iter().enumerate() {
            for (at, topic) in topics.iter().enumerate().filter(|(_, topic)| shown(topic)) {
                let question = TopicQuestion {
                    topic,
                    treatment: contrast.treatment,
                    baseline: &baseline,
                    unit: contrast.unit,
                    denominator: contrast.denominator,
                    attention: &contrast.attention,
                    correction: None,
                };
                places.push(of * topics.len() + at);
                asked.push(Query { question, statistic: &**statistic });
            }
        }
        let by_method = self.inferences.iter().map(|inference| {
            let made = estimates(&tally, &asked, seeded(*inference, seed))?;
            let mut outcomes = nothing.clone();
            for ((&place, asked), estimate) in places.iter().zip(&asked).zip(&made) {
                outcomes[place] = Outcome::of(estimate, asked.statistic.scale());
            }
            Ok(outcomes)
        });
        by_method.collect()
    }
}
