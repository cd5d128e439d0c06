//! The stages that a topic passes on its way to viewers, and what each does to its share.

use super::report::{MissingStage, StageShare, Step, TopicWaterfall, WaterfallReport};
use super::stage::{EngagementCounts, Stage};
use crate::audit::{Audit, not_kept_in};
use crate::error::Error;
use crate::estimate::{ArmTotals, Estimate, Table, Warning};
use crate::inference::Interval;
use crate::log::{DataQuality, ExposureLog, MAX_WEIGHT, Role};
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Supply};
use crate::question::whole::{Part, Question};
use crate::replay::{BaselineInputs, CandidateSets, derive, rows_of_arm, supply_arm};
use crate::statistic::LogRatio;
use crate::tally::{ClusterBy, Tally, TallySpec, Weights, masses};

/// A waterfall being put together: an arm's share of each topic, stage by stage.
///
/// The logarithm of the total amplification, last stage over first, is the sum of the logarithms of the
/// steps between. Each step has an interval of its own that knows which clusters the two stages have in
/// common: they are stages of the same requests, so their covariance is in it. Intervals of steps are
/// not independent, and do not add up to that of the total.
///
/// Stages that the input does not support are left out, and named with what they need
/// ([`WaterfallReport::missing`]); a step then spans them. A topic with a share of zero at a stage has a
/// step that is infinite, minus infinite or undefined: a state, never NaN.
///
/// # When it is right
///
/// A step says how the share changed, not why. It is the work of a ranker only as far as the candidates
/// are all that the ranker could choose from; requests without candidates are left out of all stages and
/// counted. It is of one arm: differences between arms are differences between their waterfalls.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::{ExposureLog, Question, Supply, source::SliceSource};
/// use tiltmeter::decompose::{Stage, Waterfall};
/// let table = SliceSource::new("items")
///     .text("item", &["a", "b", "c", "d"])
///     .text("about", &["war", "sport", "music", "sport"]);
/// let schema = LogSchema::new().item("item").topics(TopicColumn::single("about"));
/// let items = ExposureLog::read(table, &schema)?;
///
/// let question = Question::of_arm("ranked").topics(["war"]);
/// let report = Waterfall::of(&log, &question).supply(&items, Supply::Known).run()?;
/// let war = &report.waterfalls()[0];
/// // A quarter of the items, four of nine impressions.
/// let ratio = war.total.estimate.value.number().unwrap().exp();
/// assert!((ratio - (4.0 / 9.0) / 0.25).abs() < 1e-12);
/// assert_eq!(report.stages(), [Stage::Supply, Stage::Ranked]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Waterfall<'l> {
    log: &'l ExposureLog,
    question: Question,
    supply: Option<(&'l ExposureLog, Supply)>,
    candidates: Option<&'l CandidateSets>,
    engagement: EngagementCounts,
    interval: Interval,
}

impl<'l> Waterfall<'l> {
    /// A waterfall of the arm of a question ([`Question::of_arm`]): by its topics (by default all of the log,
    /// of candidates and of a sampled supply; one that only a known supply has cannot be asked about),
    /// attention, denominator, labels and clusters.
    pub fn of(log: &'l ExposureLog, question: &Question) -> Self {
        Self {
            log,
            question: question.clone(),
            supply: None,
            candidates: None,
            engagement: EngagementCounts::default(),
            interval: Interval::default(),
        }
    }

    /// The items that were available, as for [`Audit::supply`], and whether they are all or a sample.
    pub fn supply(mut self, items: &'l ExposureLog, kind: Supply) -> Self {
        self.supply = Some((items, kind));
        self
    }

    /// The candidates of each request.
    pub fn candidates(mut self, candidates: &'l CandidateSets) -> Self {
        self.candidates = Some(candidates);
        self
    }

    /// What an impression's engagement counts.
    pub fn engagement(mut self, counts: EngagementCounts) -> Self {
        self.engagement = counts;
        self
    }

    /// How intervals are made.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.interval = interval;
        self
    }

    /// Measures every stage and every step.
    ///
    /// # Errors
    /// [`Error::Unstated`] where there are fewer than two stages; [`Error::NotLookedAt`] for a question with
    /// a baseline other than the supply, and with statistics, unit, strata or a second way of clustering;
    /// [`Error::UnknownArm`], [`Error::UnknownTopic`]; [`Error::MissingRole`] for what clusters,
    /// attention and candidates need; [`Error::BaselineLacks`] for tables without topics;
    /// [`Error::Parameter`] for engagement below zero, and for clusters that have no ids.
    pub fn run(self) -> Result<WaterfallReport, Error> {
        let Staged { tally, stages, missing, mut warnings } = self.staged()?;
        let topics = match self.question.topics.named() {
            Some(topics) => topics.to_vec(),
            None => tally.axes().topics().to_vec(),
        };
        if topics.is_empty() {
            let call = "LogSchema::topics or with_item_topics";
            return Err(Error::Unstated { what: "topics", call });
        }
        let [first, .., last] = stages.as_slice() else {
            let call = "Waterfall::supply or candidates, or Question::attention";
            return Err(Error::Unstated { what: "second stage (see Waterfall)", call });
        };
        let total = self.steps(&tally, (*first, *last), &topics)?;
        let mut steps = Vec::new();
        for pair in stages.windows(2) {
            steps.push(self.steps(&tally, (pair[0], pair[1]), &topics)?.into_iter());
        }
        let waterfalls = topics.iter().zip(total).map(|(topic, total)| {
            let steps: Vec<Step> = steps.iter_mut().filter_map(Iterator::next).collect();
            TopicWaterfall { topic: topic.clone(), stages: shares(&steps), steps, total }
        });
        let waterfalls = waterfalls.collect();
        let quality = DataQuality::of(self.log);
        warnings.extend(crate::audit::of_quality(&quality));
        let supply = self.supply.as_ref().map(|(items, _)| (Table::Supply, *items));
        let pools = self.candidates.map(|pools| (Table::Candidates, pools.candidates()));
        for table in supply.into_iter().chain(pools) {
            warnings.extend(not_kept_in(&quality.origin.kept, table));
        }
        Ok(WaterfallReport {
            cluster: self.cluster(),
            weights: Weights::of(self.log),
            attention: self.attention(),
            denominator: self.question.denominator,
            multi_label: self.question.multi_label.unwrap_or_default(),
            arm: self.question.treatment,
            engagement: self.engagement,
            stages,
            waterfalls,
            missing,
            warnings,
            quality,
        })
    }

    /// Steps from one stage to another, by topic.
    fn steps(
        &self,
        tally: &Tally,
        (from, to): (Stage, Stage),
        topics: &[String],
    ) -> Result<Vec<Step>, Error> {
        let question = Question::of_arm(to.name())
            .topics(topics)
            .denominator(self.question.denominator)
            .statistic(LogRatio);
        let report = match (&self.supply, from) {
            (Some((items, Supply::Known)), Stage::Supply) => {
                let question = question.against(Baseline::Supply(Supply::Known));
                Audit::of_tally(tally, &question).supply(items).interval(self.interval).run()?
            }
            _ => {
                let question = question.against(from.name());
                Audit::of_tally(tally, &question).interval(self.interval).run()?
            }
        };
        // What weighs the impressions of a stage is no weight of the log's that a supply could lack.
        let of_stages = self.log.numbers(Role::Weight).is_none();
        let is_of_log =
            |its: &Warning| !(of_stages && matches!(its, Warning::SupplyUnweighted { .. }));
        let step = |mut estimate: Estimate| {
            estimate.warnings.retain(is_of_log);
            estimate.estimand.kept.clone_from(&self.log.origin().kept);
            // Both stages are made of the same impressions: an error as if they were not says nothing.
            Step { from, to, estimate: Estimate { naive: None, ..estimate } }
        };
        Ok(report.estimates().iter().cloned().map(step).collect())
    }

    /// Refuses what stages do not look at.
    fn check(&self) -> Result<(), Error> {
        let parts =
            [Part::Statistics, Part::Unit, Part::Strata, Part::SecondCluster, Part::Correction];
        self.question.refuse("a waterfall", &parts)?;
        match (&self.question.baseline, &self.supply) {
            (None, _) => Ok(()),
            (Some(Baseline::Supply(asked)), Some((_, kind))) if asked == kind => Ok(()),
            (Some(_), _) => self.question.refuse("a waterfall", &[Part::Baseline]),
        }
    }

    fn cluster(&self) -> ClusterBy {
        self.question.cluster.clone().unwrap_or_default()
    }

    /// The position model of what was exposed.
    fn attention(&self) -> Attention {
        self.question.attention.clone().unwrap_or_default()
    }

    /// The stages as arms of one tally.
    fn staged(&self) -> Result<Staged, Error> {
        self.check()?;
        let cluster = self.cluster();
        if cluster.is_of_impressions() {
            return Err(Error::Parameter {
                parameter: "the cluster of a waterfall",
                value: cluster.to_string(),
                expected: "a unit that has an id: each impression is in several stages",
            });
        }
        let arm = self.question.treatment.as_str();
        self.log.refuse_counts("a waterfall")?;
        let spec = TallySpec {
            cluster,
            multi_label: self.question.multi_label.unwrap_or_default(),
            ..TallySpec::default()
        };
        let mut made =
            Made { spec: &spec, tallies: Vec::new(), stages: Vec::new(), missing: Vec::new() };
        match &self.supply {
            None => made.lacks(
                Stage::Supply,
                "a table of the items that were available: Waterfall::supply",
            ),
            Some((items, kind)) => self.add_supply(items, kind, &mut made)?,
        }
        let (rows, warnings) = self.add_candidates(arm, &mut made)?;
        let shown = self.log.again(&rows)?;
        made.add(Stage::Ranked, shown.clone().unweighted())?;
        let attention = self.attention();
        let of_all = masses(self.log, &attention)?;
        let masses: Vec<f64> = rows.iter().map(|&row| of_all[row as usize]).collect();
        if attention == Attention::Uniform && self.log.numbers(Role::Weight).is_none() {
            made.lacks(
                Stage::Exposed,
                "an attention model other than the uniform (Question::attention), or weights: without \
                 either what was exposed is what was ranked",
            );
        } else {
            made.add(Stage::Exposed, shown.clone().weighing(masses.clone()))?;
        }
        match shown.numbers(Role::Engagement) {
            None => made.lacks(Stage::Engaged, "a column of engagement: LogSchema::engagement"),
            Some(engagement) => {
                let weights = self.engaged(engagement, &masses)?;
                made.add(Stage::Engaged, shown.weighing(weights))?;
            }
        }
        let Made { tallies, stages, missing, .. } = made;
        Ok(Staged { tally: Tally::merge_owned(tallies)?, stages, missing, warnings })
    }

    /// Adds what requests could choose from, where that is known. Given back are the rows of the arm
    /// that all later stages are made of, and what became of requests.
    fn add_candidates(
        &self,
        arm: &str,
        made: &mut Made<'_>,
    ) -> Result<(Vec<u32>, Vec<Warning>), Error> {
        let Some(pools) = self.candidates else {
            let needs = "the candidates of each request: Waterfall::candidates";
            made.lacks(Stage::Candidates, needs);
            return Ok((rows_of_arm(self.log, arm, "a waterfall")?, Vec::new()));
        };
        let making = BaselineInputs {
            log: &self.log.clone().unweighted(),
            treatment: arm,
            name: Stage::Candidates.name(),
            attention: &Attention::Uniform,
            pools: Some(pools),
        };
        let derived = derive(&Baseline::UniformPool, &making)?;
        made.add(Stage::Candidates, derived.baseline)?;
        Ok((derived.kept, derived.warnings))
    }

    fn add_supply(
        &self,
        items: &ExposureLog,
        kind: &Supply,
        made: &mut Made<'_>,
    ) -> Result<(), Error> {
        if items.topics().is_none() {
            return Err(Error::BaselineLacks {
                baseline: Baseline::Supply(kind.clone()).to_string(),
                needs: "the topics of the items that were available",
                mend: "declare their column in the table's LogSchema, or join a table with \
                       ExposureLog::with_item_topics",
            });
        }
        match kind {
            Supply::Known => made.stages.push(Stage::Supply),
            Supply::Sampled { cluster } => {
                let named = (Stage::Supply.name(), &Attention::Uniform);
                made.add(Stage::Supply, supply_arm(items, cluster, named, &self.cluster())?)?;
            }
        }
        Ok(())
    }

    /// What the engagement of each impression counts.
    fn engaged(&self, engagement: &[f64], masses: &[f64]) -> Result<Vec<f64>, Error> {
        let weigh = |(&engagement, &mass): (&f64, &f64)| {
            if engagement < 0.0 {
                return Err(Error::Parameter {
                    parameter: "the engagement of an impression",
                    value: engagement.to_string(),
                    expected: "0 or more; count what was clicked, liked or watched",
                });
            }
            let weight = match self.engagement {
                EngagementCounts::TimesMass => mass * engagement,
                EngagementCounts::Alone => engagement,
            };
            if weight > MAX_WEIGHT {
                return Err(Error::Parameter {
                    parameter: "what an impression's engagement counts",
                    value: weight.to_string(),
                    expected: "at most 8,388,608; count engagement in a larger unit",
                });
            }
            Ok(weight)
        };
        engagement.iter().zip(masses).map(weigh).collect()
    }
}

/// All stages.
struct Staged {
    tally: Tally,
    stages: Vec<Stage>,
    missing: Vec<MissingStage>,
    warnings: Vec<Warning>,
}

/// Stages on their way into one tally.
struct Made<'s> {
    spec: &'s TallySpec,
    tallies: Vec<Tally>,
    stages: Vec<Stage>,
    missing: Vec<MissingStage>,
}

impl Made<'_> {
    fn lacks(&mut self, stage: Stage, needs: &'static str) {
        self.missing.push(MissingStage { stage, needs });
    }

    fn add(&mut self, stage: Stage, rows: ExposureLog) -> Result<(), Error> {
        self.tallies.push(Tally::of(&rows.in_arm(stage.name()), self.spec)?);
        self.stages.push(stage);
        Ok(())
    }
}

/// The shares at the ends of steps.
fn shares(steps: &[Step]) -> Vec<StageShare> {
    let of = |stage, ArmTotals { topic, all, share, .. }| StageShare { stage, topic, all, share };
    let first = steps.first().map(|step| of(step.from, step.estimate.baseline));
    first.into_iter().chain(steps.iter().map(|step| of(step.to, step.estimate.treatment))).collect()
}
