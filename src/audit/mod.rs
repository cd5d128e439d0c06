//! The front door: from a log and a question to a report, in one chain of calls. It wires the
//! other rooms together and computes nothing itself.

mod answers;
mod compared;
mod comparison;
mod groups;
pub(crate) mod json;
mod kept;
mod places;
pub(crate) mod report;
mod said;
mod vain;

use std::borrow::Cow;

use self::compared::SideTables;
pub(crate) use self::comparison::{Comparison, of_quality};
pub(crate) use self::kept::{ComparisonMeta, Parts, SavedComparison};

pub(crate) use self::places::has_several_arms;
use self::report::AuditReport;
pub(crate) use self::said::not_kept_in;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::inference::{self, Inference, Interval, Multiplicity, Query, Test};
use crate::log::{DataQuality, ExposureLog, Origin, Role};
use crate::question::baseline::Baseline;
use crate::question::whole::{Question, same};
use crate::replay::CandidateSets;
use crate::tally::{ClusterBy, StratifyBy, Tally, TallySpec, TwoWay, Weights};

/// An audit of one arm of a feed against a baseline, being put together.
///
/// What is asked is a [`Question`]; how sure the answers are is said here, by default the 95% intervals of
/// [`ShareBounds`](crate::inference::ShareBounds) and no test.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::statistic::{AmplificationRatio, Difference};
/// use tiltmeter::{Audit, ExposureLog, Question, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("who", &["ada", "ada", "bo", "bo", "cy", "cy", "di", "di"])
///     .text("feed", &["ranked", "ranked", "ranked", "ranked", "newest", "newest", "newest", "newest"])
///     .text("about", &["war", "war", "war", "sport", "war", "sport", "sport", "sport"]);
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
///
/// let question = Question::between("ranked", "newest")
///     .topics(["war"])
///     .statistic(AmplificationRatio)
///     .statistic(Difference);
/// let report = Audit::of(&log, &question).run()?;
///
/// let ratio = report.estimates()[0].value.number().unwrap();
/// assert!((ratio - 3.0).abs() < 1e-12); // three of four against one of four
/// println!("{report}");
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Audit<'l> {
    of: Subject<'l>,
    question: Question,
    inference: Inference,
    origin: Option<&'l Origin>,
    given: SideTables<'l>,
    /// The state of the data behind a tally, where that is known.
    quality: Option<DataQuality>,
    /// What was kept of a comparison beside its tallies.
    kept: Option<SavedComparison<'l>>,
}

/// What is audited: a log with the spec of the tally to make of it, or a tally made before.
#[derive(Clone, Debug)]
enum Subject<'l> {
    Log(&'l ExposureLog, TallySpec),
    Tally(&'l Tally),
    TwoWay(&'l TwoWay),
}

impl<'l> Audit<'l> {
    /// An audit of a log.
    pub fn of(log: &'l ExposureLog, question: &Question) -> Self {
        Self::new(Subject::Log(log, spec_of(log, question)), question)
    }

    /// An audit of a tally made before, here or elsewhere. Cluster, multi-label rule, strata and attention
    /// are the tally's own where the question leaves them to it; a question that says others is refused
    /// ([`Error::OtherTally`], [`Error::UnknownAttention`]).
    pub fn of_tally(tally: &'l Tally, question: &Question) -> Self {
        Self::new(Subject::Tally(tally), question)
    }

    /// An audit of tallies by two ways of clustering.
    pub fn of_two_way(tallies: &'l TwoWay, question: &Question) -> Self {
        Self::new(Subject::TwoWay(tallies), question)
    }

    fn new(of: Subject<'l>, question: &Question) -> Self {
        Self {
            of,
            question: question.clone(),
            inference: Inference::default(),
            origin: None,
            given: SideTables::default(),
            quality: None,
            kept: None,
        }
    }

    /// Refuses what is asked otherwise than the tally has it.
    fn check_said(&self) -> Result<(), Error> {
        let question = &self.question;
        let first = match &self.of {
            Subject::Log(..) => return Ok(()),
            Subject::Tally(tally) => tally.spec(),
            Subject::TwoWay(tallies) => {
                let second = &tallies.second().spec().cluster;
                same("second cluster", question.second_cluster.as_ref(), second)?;
                tallies.first().spec()
            }
        };
        same("cluster", question.cluster.as_ref(), &first.cluster)?;
        same("counting of labels", question.multi_label.as_ref(), &first.multi_label)?;
        same("stratum", question.strata.as_ref(), &first.strata)
    }

    /// The candidates of each request, for baselines that are made of them.
    pub fn candidates(mut self, candidates: &'l CandidateSets) -> Self {
        self.given.candidates = Some(candidates);
        self
    }

    /// The items that were available, for [`Baseline::Supply`](crate::Baseline::Supply): a table read as a log
    /// is, with items, topics, and weights where they count differently.
    pub fn supply(mut self, items: &'l ExposureLog) -> Self {
        self.given.supply = Some(items);
        self
    }

    /// Where the rows of a tally came from ([`JobDone::origin`](crate::job::JobDone::origin)), so that
    /// the report tells of those that were set aside. A log has an origin of its own.
    pub fn origin(mut self, origin: &'l Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// How sure the answers are: intervals, test and adjustment together, as a study file has them.
    pub fn inference(mut self, inference: Inference) -> Self {
        self.inference = inference;
        self
    }

    /// How intervals are made.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.inference.interval = interval;
        self
    }

    /// What is tested beside the interval; nothing by default.
    pub fn test(mut self, test: Test) -> Self {
        self.inference.test = Some(test);
        self
    }

    /// How the p-values of a statistic are adjusted for how many topics there are; not at all by default.
    pub fn multiplicity(mut self, method: Multiplicity) -> Self {
        self.inference.multiplicity = Some(method);
        self
    }

    /// The log behind a tally, for what its sums do not tell.
    pub(crate) fn rows_behind(mut self, log: &'l ExposureLog) -> Self {
        self.given.rows = Some(log);
        self
    }

    /// What is known of the data behind a tally.
    pub(crate) fn quality(mut self, quality: &DataQuality) -> Self {
        self.quality = Some(quality.clone());
        self
    }

    /// Runs the audit.
    ///
    /// # Errors
    /// [`Error::Unstated`] for a question without a baseline; [`Error::UnknownArm`] and
    /// [`Error::UnknownTopic`] for names that the log does not have; [`Error::MissingRole`] and
    /// [`Error::UnknownColumn`] for columns that it does not have; [`Error::Parameter`] for numbers
    /// out of their range and for a unit that a statistic has no meaning for; [`Error::OtherTally`] and
    /// [`Error::UnknownAttention`] for what a tally made before does not have; [`Error::NoStrata`] for a
    /// statistic or test that compares within strata where there are none; [`Error::StandardStrata`]
    /// for a declared population of other strata; [`Error::NotLookedAt`] for groups of a tally, which are of
    /// rows.
    pub fn run(self) -> Result<AuditReport, Error> {
        if let Subject::Log(log, _) = self.of
            && log.arms().is_none()
            && self.question.needs_baseline().is_ok_and(is_elsewhere)
        {
            let of_one = log.clone().in_arm(&self.question.treatment);
            let of = Subject::Log(&of_one, spec_of(&of_one, &self.question));
            return Audit { of, ..self }.run();
        }
        if self.question.groups.is_nothing() {
            return Ok(self.run_with(|_| Ok(()))?.0);
        }
        match &self.of {
            Subject::Log(log, _) => groups::run(&self, log),
            Subject::Tally(_) | Subject::TwoWay(_) => Err(Error::NotLookedAt {
                by: "an audit of a tally",
                part: "groups",
                said: self.question.groups.to_string(),
            }),
        }
    }
}

/// How a log is tallied for a question.
pub(crate) fn spec_of(log: &ExposureLog, question: &Question) -> TallySpec {
    TallySpec {
        cluster: question.cluster.clone().unwrap_or_default(),
        attentions: vec![question.attention.clone().unwrap_or_default()],
        multi_label: question.multi_label.unwrap_or_default(),
        strata: match &question.strata {
            None => strata_of(log),
            // By the column's name, so that the estimand says which one it was.
            Some(StratifyBy::Stratum) if log.ids(Role::Stratum).is_some() => strata_of(log),
            Some(strata) => strata.clone(),
        },
        ..TallySpec::default()
    }
}

/// The strata that a log declares, by the name of their column where it is known.
pub(crate) fn strata_of(log: &ExposureLog) -> StratifyBy {
    match (log.ids(Role::Stratum), log.name_of(Role::Stratum)) {
        (None, _) => StratifyBy::Nothing,
        (Some(_), Some(column)) => StratifyBy::Column(column.to_owned()),
        (Some(_), None) => StratifyBy::Stratum,
    }
}

/// The tallies that answers come from.
enum ComparisonTally<'l> {
    One(Box<Cow<'l, Tally>>),
    Two(Box<Cow<'l, TwoWay>>),
}

impl Subject<'_> {
    /// The state of its rows, as far as it is known.
    fn quality(&self, origin: Option<&Origin>) -> Option<DataQuality> {
        let tally = match self {
            Self::Log(log, _) => return Some(DataQuality::of(log)),
            Self::Tally(tally) => tally,
            Self::TwoWay(tallies) => tallies.first(),
        };
        origin.map(|origin| quality_of(tally, origin))
    }

    /// Impressions of arms that are not compared.
    fn outside(&self, compared: &[&str]) -> u64 {
        let tally = match self {
            Self::Log(log, _) => return crate::log::outside(log, compared),
            Self::Tally(tally) => tally,
            Self::TwoWay(tallies) => tallies.first(),
        };
        let (axes, totals) = (tally.axes(), tally.totals());
        let is_outside = |arm: usize| !compared.contains(&axes.arms()[arm].as_str());
        let slabs = axes.slabs().filter(|slab| is_outside(slab.arm));
        slabs.map(|slab| totals[axes.all_cell(slab) as usize].count).sum()
    }

    /// What its impressions weigh.
    fn weights(&self) -> Weights {
        match self {
            Self::Log(log, _) => Weights::of(log),
            Self::Tally(tally) => tally.weights().clone(),
            Self::TwoWay(tallies) => tallies.first().weights().clone(),
        }
    }

    fn made(&self, second: Option<&ClusterBy>) -> Result<ComparisonTally<'_>, Error> {
        match (self, second) {
            (Self::Log(log, spec), None) => {
                Ok(ComparisonTally::One(Box::new(Cow::Owned(Tally::of(log, spec)?))))
            }
            (Self::Log(log, spec), Some(second)) => Ok(ComparisonTally::Two(Box::new(Cow::Owned(
                TwoWay::of(log, spec, second.clone())?,
            )))),
            (Self::Tally(tally), None) => Ok(ComparisonTally::One(Box::new(Cow::Borrowed(*tally)))),
            (Self::Tally(_), Some(second)) => Err(Error::TwoWay {
                detail: format!("a tally by one unit does not know of {second}"),
            }),
            (Self::TwoWay(tallies), _) => {
                Ok(ComparisonTally::Two(Box::new(Cow::Borrowed(*tallies))))
            }
        }
    }
}

impl ComparisonTally<'_> {
    /// Says what the impressions weigh that were asked about, whatever was made of them.
    fn weigh(&mut self, weights: &Weights) {
        match self {
            Self::One(tally) => {
                if let Cow::Owned(tally) = &mut **tally {
                    tally.weigh(weights);
                }
            }
            Self::Two(tallies) => {
                if let Cow::Owned(tallies) = &mut **tallies {
                    tallies.weigh(weights);
                }
            }
        }
    }

    fn tally(&self) -> &Tally {
        match self {
            Self::One(tally) => tally,
            Self::Two(tallies) => tallies.first(),
        }
    }

    fn estimates(&self, asked: &[Query<'_>], by: Inference) -> Result<Vec<Estimate>, Error> {
        match self {
            Self::One(tally) => inference::estimates(tally, asked, by),
            Self::Two(tallies) => tallies.estimates(asked, by),
        }
    }
}

/// Whether a baseline asks for no arm beside the treatment, so that a log without arms can be the treatment.
pub(crate) const fn is_elsewhere(baseline: &Baseline) -> bool {
    !matches!(baseline, Baseline::Arm(_))
}

/// The arms that a comparison is of: the treatment, and what the baseline is or is made of.
fn arms_of<'q>(treatment: &'q str, baseline: &'q Baseline) -> Vec<&'q str> {
    let other = match baseline {
        Baseline::Arm(arm) => Some(arm.as_str()),
        Baseline::Propensity(propensity) => propensity.logged.as_deref(),
        _ => None,
    };
    std::iter::once(treatment).chain(other).collect()
}

/// The state of the rows that a tally adds up, as far as sums tell.
fn quality_of(tally: &Tally, origin: &Origin) -> DataQuality {
    let (axes, totals) = (tally.axes(), tally.totals());
    let untagged = axes.slabs().map(|slab| {
        totals[axes.all_cell(slab) as usize].count - totals[axes.tagged_cell(slab) as usize].count
    });
    DataQuality {
        impressions: tally.impressions(),
        untagged: untagged.sum(),
        outside: 0,
        origin: origin.clone(),
        time_range: None,
        repeats: None,
    }
}
