//! The stages that a topic passes on its way to viewers, and what each does to its share.

use super::report::{MissingStage, StageShare, Step, TopicWaterfall, WaterfallReport};
use super::stage::{EngagementCounts, Stage};
use crate::audit::Audit;
use crate::error::Error;
use crate::estimate::{ArmTotals, Estimate, Warning};
use crate::inference::Interval;
use crate::log::{DataQuality, ExposureLog, MAX_WEIGHT, Role};
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Supply};
use crate::question::estimand::Denominator;
use crate::replay::{Making, Pools, derive, rows_of_arm, supply_arm};
use crate::statistic::LogRatio;
use crate::tally::{ClusterBy, MultiLabel, Tally, TallySpec, masses};

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
/// use tiltmeter::{ExposureLog, Supply, source::SliceSource};
/// use tiltmeter::decompose::{Stage, Waterfall};
/// let table = SliceSource::new("items")
///     .text("item", &["a", "b", "c", "d"])
///     .text("about", &["war", "sport", "music", "sport"]);
/// let schema = LogSchema::new().item("item").topics(TopicColumn::single("about"));
/// let items = ExposureLog::read(table, &schema)?;
///
/// let report = Waterfall::of(&log)
///     .arm("ranked")
///     .supply(&items, Supply::Known)
///     .topics(["war"])
///     .run()?;
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
    arm: Option<String>,
    topics: Option<Vec<String>>,
    supply: Option<(&'l ExposureLog, Supply)>,
    candidates: Option<&'l Pools>,
    attention: Attention,
    engagement: EngagementCounts,
    cluster: ClusterBy,
    multi_label: MultiLabel,
    denominator: Denominator,
    interval: Interval,
}

impl<'l> Waterfall<'l> {
    /// A waterfall of a log: clusters are viewers, attention is uniform, every label has the whole mass
    /// and all impressions stand below the line.
    pub fn of(log: &'l ExposureLog) -> Self {
        Self {
            log,
            arm: None,
            topics: None,
            supply: None,
            candidates: None,
            attention: Attention::Uniform,
            engagement: EngagementCounts::default(),
            cluster: ClusterBy::default(),
            multi_label: MultiLabel::default(),
            denominator: Denominator::default(),
            interval: Interval::default(),
        }
    }

    /// The arm. It must be said.
    pub fn arm(mut self, arm: impl Into<String>) -> Self {
        self.arm = Some(arm.into());
        self
    }

    /// The topics, in this order; if not said all of the log, of candidates and of a sampled supply, by
    /// name. One that only a known supply has cannot be asked about.
    pub fn topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.topics = Some(topics.into_iter().map(Into::into).collect());
        self
    }

    /// The items that were available, as for [`Audit::supply`], and whether they are all or a sample.
    pub fn supply(mut self, items: &'l ExposureLog, kind: Supply) -> Self {
        self.supply = Some((items, kind));
        self
    }

    /// The candidates of each request.
    pub fn candidates(mut self, candidates: &'l Pools) -> Self {
        self.candidates = Some(candidates);
        self
    }

    /// The position model of what was exposed.
    pub fn attention(mut self, attention: Attention) -> Self {
        self.attention = attention;
        self
    }

    /// What an impression's engagement counts.
    pub fn engagement(mut self, counts: EngagementCounts) -> Self {
        self.engagement = counts;
        self
    }

    /// The unit that was assigned or sampled independently.
    pub fn cluster(mut self, cluster: ClusterBy) -> Self {
        self.cluster = cluster;
        self
    }

    /// How several topics share an impression.
    pub fn multi_label(mut self, rule: MultiLabel) -> Self {
        self.multi_label = rule;
        self
    }

    /// Which impressions stand below the line of a share.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.denominator = denominator;
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
    /// [`Error::Unstated`] without an arm, and where there are fewer than two stages;
    /// [`Error::UnknownArm`], [`Error::UnknownTopic`]; [`Error::MissingRole`] for what clusters,
    /// attention and candidates need; [`Error::BaselineLacks`] for tables without topics;
    /// [`Error::Parameter`] for engagement below zero, and for clusters that have no ids.
    pub fn run(self) -> Result<WaterfallReport, Error> {
        let Staged { tally, stages, missing, mut warnings } = self.staged()?;
        let topics = match &self.topics {
            Some(topics) => topics.clone(),
            None => tally.axes().topics().to_vec(),
        };
        if topics.is_empty() {
            let call = "LogSchema::topics or with_item_topics";
            return Err(Error::Unstated { what: "topics", call });
        }
        let [first, .., last] = stages.as_slice() else {
            let call = "Waterfall::supply, candidates or attention";
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
        Ok(WaterfallReport {
            arm: self.arm.unwrap_or_default(),
            cluster: self.cluster,
            attention: self.attention,
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
        let audit = Audit::of_tally(tally);
        let audit = match (&self.supply, from) {
            (Some((items, Supply::Known)), Stage::Supply) => {
                audit.supply(items).baseline(Baseline::Supply(Supply::Known))
            }
            _ => audit.baseline(Baseline::arm(from.name())),
        };
        let report = audit
            .treatment(to.name())
            .topics(topics)
            .denominator(self.denominator)
            .interval(self.interval)
            .statistic(LogRatio)
            .run()?;
        let estimates = report.estimates().iter().cloned();
        // Both stages are made of the same impressions: an error as if they were not says nothing.
        Ok(estimates
            .map(|its| Step { from, to, estimate: Estimate { naive: None, ..its } })
            .collect())
    }

    /// The stages as arms of one tally.
    fn staged(&self) -> Result<Staged, Error> {
        if self.cluster.is_of_impressions() {
            return Err(Error::Parameter {
                parameter: "the cluster of a waterfall",
                value: self.cluster.to_string(),
                expected: "a unit that has an id: each impression is in several stages",
            });
        }
        let arm = self.arm.as_deref();
        let arm = arm.ok_or(Error::Unstated { what: "arm", call: "Waterfall::arm" })?;
        self.log.refuse_counts("a waterfall")?;
        let spec = TallySpec {
            cluster: self.cluster.clone(),
            multi_label: self.multi_label,
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
        let of_all = masses(self.log, &self.attention)?;
        let masses: Vec<f64> = rows.iter().map(|&row| of_all[row as usize]).collect();
        if self.attention == Attention::Uniform && self.log.numbers(Role::Weight).is_none() {
            made.lacks(
                Stage::Exposed,
                "an attention model other than the uniform (Waterfall::attention), or weights: without \
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
        let making = Making {
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
                made.add(Stage::Supply, supply_arm(items, cluster, named, &self.cluster)?)?;
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
