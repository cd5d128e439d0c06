//! The same amplification under every choice that could have been made: attention, weighting, baseline,
//! unit, denominator, multi-label rule, clusters. It wires audits together and computes no estimate.

mod choices;
pub(crate) mod json;
mod levels;
mod run;
mod summary;

use std::collections::HashMap;

pub use self::choices::{Choices, Dimension, LeftOut, Unsupported, UnsupportedKind, Weighting};
pub use self::summary::{
    Direction, Disagreement, Effect, Found, SensitivitySummary, Tallied, Verdict,
};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::inference::Interval;
use crate::log::{DataQuality, ExposureLog};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::question::whole::Question;
use crate::replay::CandidateSets;
use crate::statistic::Statistic;
use crate::tally::{ClusterBy, MultiLabel};

/// A sensitivity table being put together: one question, asked in every way that the log supports.
///
/// Dimensions whose levels are not said have these, and what the [`Question`] chose if it is none of them:
///
/// | dimension | levels |
/// | --- | --- |
/// | baseline, cluster | the question's, and those that are added |
/// | attention | uniform; with positions logarithmic, reciprocal, rank-biased with persistence 0.8, top 1, 3 and 10 as far as the log has more ranks than that; with slates and satisfactions the cascade |
/// | weighting | as logged; unweighted too if the log has weights |
/// | unit | pooled, cluster mean, reach |
/// | denominator | all impressions; tagged ones too if some are untagged |
/// | multi-label rule | full; fractional too if some impressions have several topics |
///
/// What is left out of these, and why, is in [`SensitivityTable::left_out`]. Levels that are asked for
/// and not supported are rows without an estimate, each with its reason.
///
/// # What it is for, and what not
///
/// It shows whether an answer hangs on a choice that somebody else would have made otherwise: a
/// specification curve (Simonsohn, Simmons and Nelson 2020, doi 10.1038/s41562-020-0912-z). It is no
/// menu. To look at the rows and report the one that pleases is a search for a specification; its
/// interval covers less often than it says. State the estimand before, report its row, and this table
/// beside it.
///
/// Rows are **not independent**: all are made of the same impressions. That many rows agree is no more
/// evidence than that one does, and no share of rows is a probability. Nor are all rows equally good
/// answers: baselines answer different questions, and an attention model that is wrong for the feed
/// stays wrong beside right ones.
///
/// Reach without a threshold for mass does not depend on attention, weights or the multi-label rule: it
/// has one row where other units have one for each of those.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::Question;
/// use tiltmeter::sensitivity::{Sensitivity, Verdict};
/// let question = Question::between("ranked", "newest").topics(["war"]);
/// let table = Sensitivity::of(&log, &question).run()?;
/// println!("{table}");
/// let summary = &table.summaries()[0];
/// // Pooled and averaged, of all and of tagged impressions, full and fractional; and reach.
/// assert_eq!(summary.tallied.supported, 10);
/// assert!(matches!(summary.verdict, Verdict::NeverSure { .. })); // eight viewers prove little
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Sensitivity<'l> {
    log: &'l ExposureLog,
    question: Question,
    baselines: Vec<Baseline>,
    candidates: Option<&'l CandidateSets>,
    supply: Option<&'l ExposureLog>,
    clusters: Vec<ClusterBy>,
    attentions: Option<Vec<Attention>>,
    weightings: Option<Vec<Weighting>>,
    units: Option<Vec<Unit>>,
    denominators: Option<Vec<Denominator>>,
    multi_labels: Option<Vec<MultiLabel>>,
    interval: Interval,
}

impl<'l> Sensitivity<'l> {
    /// A table of a log.
    pub fn of(log: &'l ExposureLog, question: &Question) -> Self {
        Self {
            log,
            question: question.clone(),
            baselines: Vec::new(),
            candidates: None,
            supply: None,
            clusters: Vec::new(),
            attentions: None,
            weightings: None,
            units: None,
            denominators: None,
            multi_labels: None,
            interval: Interval::default(),
        }
    }

    /// Adds a baseline to the question's.
    pub fn baseline(mut self, baseline: impl Into<Baseline>) -> Self {
        self.baselines.push(baseline.into());
        self
    }

    /// Adds a unit that may have been assigned or sampled independently to the question's. Which it was is
    /// mostly known, and then there is but one.
    pub fn cluster(mut self, cluster: ClusterBy) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// The candidates of each request, for baselines that are made of them.
    pub fn candidates(mut self, candidates: &'l CandidateSets) -> Self {
        self.candidates = Some(candidates);
        self
    }

    /// The items that were available, for [`Baseline::Supply`].
    pub fn supply(mut self, items: &'l ExposureLog) -> Self {
        self.supply = Some(items);
        self
    }

    /// The position models: these, and no others.
    pub fn attentions(mut self, models: impl IntoIterator<Item = Attention>) -> Self {
        self.attentions = Some(models.into_iter().collect());
        self
    }

    /// Whether the log's weights count.
    pub fn weightings(mut self, weightings: impl IntoIterator<Item = Weighting>) -> Self {
        self.weightings = Some(weightings.into_iter().collect());
        self
    }

    /// How clusters are put together.
    pub fn units(mut self, units: impl IntoIterator<Item = Unit>) -> Self {
        self.units = Some(units.into_iter().collect());
        self
    }

    /// Which impressions form the denominator.
    pub fn denominators(mut self, denominators: impl IntoIterator<Item = Denominator>) -> Self {
        self.denominators = Some(denominators.into_iter().collect());
        self
    }

    /// How several topics share an impression.
    pub fn multi_labels(mut self, rules: impl IntoIterator<Item = MultiLabel>) -> Self {
        self.multi_labels = Some(rules.into_iter().collect());
        self
    }

    /// How intervals are made.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.interval = interval;
        self
    }

    /// Answers the question in every way. The log is tallied once for each cluster, multi-label rule and
    /// weighting, under all attention models in one pass; baselines that are made of candidates or of
    /// the time before need a pass for each attention model too.
    ///
    /// # Errors
    /// [`Error::Unstated`] for a question without a baseline, and [`Error::NotLookedAt`] for one with a
    /// second way of clustering; [`Error::UnknownArm`],
    /// [`Error::UnknownTopic`] and [`Error::SameArm`] for names that cannot be asked about;
    /// [`Error::Parameter`] for levels out of their range; and where no combination at all is supported,
    /// what the first of them lacks.
    pub fn run(self) -> Result<SensitivityTable, Error> {
        run::run(&self)
    }
}

/// The answers to one question in every way that was asked, side by side.
///
/// `Display` prints verdicts and rows, [`to_json`](Self::to_json) the versioned JSON
/// (`docs/sensitivity-json.md`); [`to_svg`](Self::to_svg), with the feature `plot`, draws the
/// specification curve.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct SensitivityTable {
    treatment: String,
    asked: Choices,
    rows: Vec<SensitivityRow>,
    summaries: Vec<SensitivitySummary>,
    varied: Vec<Dimension>,
    left_out: Vec<LeftOut>,
    quality: DataQuality,
}

/// One way to put the question, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SensitivityRow {
    /// The topic.
    pub topic: String,
    /// The statistic's name.
    pub statistic: &'static str,
    /// What was chosen.
    pub choices: Choices,
    /// The estimate, or why there is none.
    pub outcome: Result<Estimate, Unsupported>,
    /// On which side of no amplification it lies; `None` without an estimate, and for statistics that
    /// compare nothing.
    pub found: Option<Found>,
}

impl SensitivityTable {
    /// So that tests can put other numbers into it.
    #[cfg(all(test, feature = "plot"))]
    pub(crate) fn estimates_mut(&mut self) -> impl Iterator<Item = &mut Estimate> {
        self.rows.iter_mut().filter_map(|row| row.outcome.as_mut().ok())
    }

    /// The arm under test.
    #[must_use]
    pub fn treatment(&self) -> &str {
        &self.treatment
    }

    /// All rows: by statistic as they were added, then by topic, then by the dimensions, the last of
    /// which changes first.
    pub fn rows(&self) -> &[SensitivityRow] {
        &self.rows
    }

    /// The rows of a statistic and topic.
    pub fn rows_of<'t>(
        &'t self,
        statistic: &dyn Statistic,
        topic: &'t str,
    ) -> impl Iterator<Item = &'t SensitivityRow> {
        self.rows_named(statistic.name(), topic)
    }

    pub(crate) fn rows_named<'t>(
        &'t self,
        statistic: &'t str,
        topic: &'t str,
    ) -> impl Iterator<Item = &'t SensitivityRow> {
        self.rows.iter().filter(move |row| row.statistic == statistic && row.topic == topic)
    }

    /// What the question itself chose: the row to report, beside which the others stand.
    #[must_use]
    pub fn asked(&self) -> &Choices {
        &self.asked
    }

    /// The row of a statistic and topic that is the question as it was asked; `None` where that has no estimate. Of
    /// reach that counts impressions alone it is the one row there is, whatever attention, weights and label rule were
    /// asked for.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::sensitivity::Sensitivity;
    /// use tiltmeter::statistic::AmplificationRatio;
    /// use tiltmeter::{Audit, Question, Unit};
    /// let question = Question::between("ranked", "newest").topics(["war"]).unit(Unit::ClusterMean);
    /// let table = Sensitivity::of(&log, &question).run()?;
    /// let row = table.row_as_asked(&AmplificationRatio, "war").unwrap();
    /// assert_eq!(row.choices, *table.asked());
    /// let audit = Audit::of(&log, &question).run()?;
    /// assert_eq!(row.outcome.as_ref().unwrap().value, audit.get("war")?.value);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn row_as_asked<'t>(
        &'t self,
        statistic: &dyn Statistic,
        topic: &'t str,
    ) -> Option<&'t SensitivityRow> {
        let mut rows = self.rows_of(statistic, topic).filter(|row| row.outcome.is_ok());
        let counts = matches!(self.asked.unit, Unit::Reach(reach) if reach.mass <= 0.0);
        rows.find(|row| match counts {
            false => row.choices == self.asked,
            true => {
                let Choices { attention, weighting, multi_label, .. } = row.choices.clone();
                row.choices == Choices { attention, weighting, multi_label, ..self.asked.clone() }
            }
        })
    }

    /// What the rows of a statistic and topic say together.
    #[must_use]
    pub fn summary(&self, statistic: &dyn Statistic, topic: &str) -> Option<&SensitivitySummary> {
        let mut summaries = self.summaries.iter();
        summaries.find(|its| its.statistic == statistic.name() && its.topic == topic)
    }

    /// What the rows say together, for each statistic and topic.
    pub fn summaries(&self) -> &[SensitivitySummary] {
        &self.summaries
    }

    /// The dimensions with more than one level.
    #[must_use]
    pub fn varied(&self) -> &[Dimension] {
        &self.varied
    }

    /// Levels that would have been taken by themselves, if the log supported them.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The state of the log's data.
    #[must_use]
    pub fn quality(&self) -> &DataQuality {
        &self.quality
    }

    /// Rows without an estimate: each reason once, with how many there are.
    #[must_use]
    pub fn unsupported(&self) -> Vec<(&Unsupported, usize)> {
        let mut seen: Vec<(&Unsupported, usize)> = Vec::new();
        // Reasons may name topics, of which there are many.
        let mut places: HashMap<(&str, String), usize> = HashMap::new();
        for reason in self.rows.iter().filter_map(|row| row.outcome.as_ref().err()) {
            let key = (&*reason.message, format!("{:?}", reason.kind));
            let at = *places.entry(key).or_insert(seen.len());
            match seen.get_mut(at) {
                Some((_, rows)) => *rows += 1,
                None => seen.push((reason, 1)),
            }
        }
        seen
    }
}
