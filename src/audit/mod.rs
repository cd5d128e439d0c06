//! The front door: from a log and a question to a report, in one chain of calls. It wires the
//! other rooms together and computes nothing itself.

mod answers;
mod compared;
mod comparison;
pub(crate) mod json;
mod kept;
mod places;
pub(crate) mod report;
mod said;
mod vain;

use std::borrow::Cow;
use std::sync::Arc;

use self::compared::Given;
pub(crate) use self::comparison::{Comparison, of_quality};
pub(crate) use self::kept::{Aside, Kept, Parts};

use self::report::AuditReport;
use crate::error::Error;
use crate::estimate::Estimate;
use crate::inference::{self, Asked, Inference, Interval, Multiplicity, Test};
use crate::log::{DataQuality, ExposureLog, Origin, Role};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::replay::Pools;
use crate::statistic::Statistic;
use crate::tally::{ClusterBy, MultiLabel, StratifyBy, Tally, TallySpec, TwoWay, Weights};

/// An audit of one arm of a feed against a baseline, being put together.
///
/// Treatment and baseline must be said; the rest has defaults: clusters are viewers, attention is
/// uniform, shares are pooled over all impressions, every topic of the log is estimated, the
/// statistic is the amplification ratio and its interval the 95% one by
/// [`ShareBounds`](crate::inference::ShareBounds).
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::statistic::{AmplificationRatio, Difference};
/// use tiltmeter::{Audit, Baseline, ExposureLog, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("who", &["ada", "ada", "bo", "bo", "cy", "cy", "di", "di"])
///     .text("feed", &["ranked", "ranked", "ranked", "ranked", "newest", "newest", "newest", "newest"])
///     .text("about", &["war", "war", "war", "sport", "war", "sport", "sport", "sport"]);
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
///
/// let report = Audit::of(&log)
///     .treatment("ranked")
///     .baseline(Baseline::arm("newest"))
///     .topics(["war"])
///     .statistic(AmplificationRatio)
///     .statistic(Difference)
///     .run()?;
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
    treatment: Option<String>,
    baseline: Option<Baseline>,
    topics: Option<Vec<String>>,
    statistics: Vec<Arc<dyn Statistic>>,
    unit: Unit,
    denominator: Denominator,
    inference: Inference,
    attention: Option<Attention>,
    second_cluster: Option<ClusterBy>,
    said: Said,
    origin: Option<&'l Origin>,
    given: Given<'l>,
    /// The state of the data behind a tally, where that is known.
    quality: Option<DataQuality>,
    /// What was kept of a comparison beside its tallies.
    kept: Option<Kept<'l>>,
}

/// What was asked for of a tally, which one that was made before has or has not.
#[derive(Clone, Debug, Default)]
struct Said {
    cluster: Option<ClusterBy>,
    multi_label: Option<MultiLabel>,
    strata: Option<StratifyBy>,
}

/// Refuses what was said where a tally has something else.
fn same<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    said: Option<&T>,
    tally: &T,
) -> Result<(), Error> {
    match said {
        Some(said) if said != tally => {
            Err(Error::OtherTally { what, said: format!("{said:?}"), tally: format!("{tally:?}") })
        }
        _ => Ok(()),
    }
}

/// What is audited: a log with the spec of the tally to make of it, or a tally made before.
#[derive(Clone, Debug)]
enum Subject<'l> {
    Log(&'l ExposureLog, TallySpec),
    Tally(&'l Tally),
    TwoWay(&'l TwoWay),
}

impl<'l> Audit<'l> {
    /// An audit of a log. Its strata, where declared, are kept apart.
    pub fn of(log: &'l ExposureLog) -> Self {
        let spec = TallySpec { strata: strata_of(log), ..TallySpec::default() };
        Self::new(Subject::Log(log, spec))
    }

    /// An audit of a tally made before, here or elsewhere. Cluster, multi-label rule and strata
    /// are the tally's own; they need not be said again, and saying others is refused
    /// ([`Error::OtherTally`]). The attention model is the tally's
    /// first unless another of its models is asked for.
    pub fn of_tally(tally: &'l Tally) -> Self {
        Self::new(Subject::Tally(tally))
    }

    /// An audit of tallies by two ways of clustering.
    pub fn of_two_way(tallies: &'l TwoWay) -> Self {
        Self::new(Subject::TwoWay(tallies))
    }

    fn new(of: Subject<'l>) -> Self {
        Self {
            of,
            treatment: None,
            baseline: None,
            topics: None,
            statistics: Vec::new(),
            unit: Unit::default(),
            denominator: Denominator::default(),
            inference: Inference::default(),
            attention: None,
            second_cluster: None,
            said: Said::default(),
            origin: None,
            given: Given::default(),
            quality: None,
            kept: None,
        }
    }

    fn spec(mut self, change: impl FnOnce(&mut TallySpec)) -> Self {
        if let Subject::Log(_, spec) = &mut self.of {
            change(spec);
        }
        self
    }

    /// Refuses what was said otherwise than the tally has it.
    fn check_said(&self) -> Result<(), Error> {
        let first = match &self.of {
            Subject::Log(..) => return Ok(()),
            Subject::Tally(tally) => tally.spec(),
            Subject::TwoWay(tallies) => {
                let second = &tallies.second().spec().cluster;
                same("second cluster", self.second_cluster.as_ref(), second)?;
                tallies.first().spec()
            }
        };
        same("cluster", self.said.cluster.as_ref(), &first.cluster)?;
        same("counting of labels", self.said.multi_label.as_ref(), &first.multi_label)?;
        same("stratum", self.said.strata.as_ref(), &first.strata)
    }

    /// The arm under test.
    pub fn treatment(mut self, arm: impl Into<String>) -> Self {
        self.treatment = Some(arm.into());
        self
    }

    /// What it is compared with.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// The candidates of each request, for baselines that are made of them.
    pub fn candidates(mut self, candidates: &'l Pools) -> Self {
        self.given.candidates = Some(candidates);
        self
    }

    /// The items that were available, for [`Baseline::Supply`]: a table read as a log is, with items,
    /// topics, and weights where they count differently.
    pub fn supply(mut self, items: &'l ExposureLog) -> Self {
        self.given.supply = Some(items);
        self
    }

    /// The topics to estimate, in this order and each once; all of the log's, by name, if not said.
    pub fn topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.topics = Some(topics.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a statistic; the amplification ratio if none is added. One of the library that is added twice is
    /// asked for once.
    pub fn statistic(mut self, statistic: impl Statistic + 'static) -> Self {
        self.statistics.push(Arc::new(statistic));
        self
    }

    /// The unit that was assigned or sampled independently.
    pub fn cluster(mut self, cluster: ClusterBy) -> Self {
        self.said.cluster = Some(cluster.clone());
        self.spec(|spec| spec.cluster = cluster)
    }

    /// A second unit, for impressions that are alike for two reasons: the same device and the same
    /// week. See [`TwoWay`].
    pub fn second_cluster(mut self, cluster: ClusterBy) -> Self {
        self.second_cluster = Some(cluster);
        self
    }

    /// The position model.
    pub fn attention(mut self, attention: Attention) -> Self {
        self.attention = Some(attention.clone());
        self.spec(|spec| spec.attentions = vec![attention])
    }

    /// How several topics share an impression.
    pub fn multi_label(mut self, rule: MultiLabel) -> Self {
        self.said.multi_label = Some(rule);
        self.spec(|spec| spec.multi_label = rule)
    }

    /// The groups kept apart; the log's stratum, where it has one, if not said. Groups that are said
    /// and that neither statistics nor test look at are warned of.
    pub fn strata(mut self, strata: StratifyBy) -> Self {
        self.said.strata = Some(strata.clone());
        if let Subject::Log(log, spec) = &mut self.of {
            // By the column's name, so that the estimand says which one it was.
            spec.strata = match strata {
                StratifyBy::Stratum if log.ids(Role::Stratum).is_some() => strata_of(log),
                other => other,
            };
        }
        self
    }

    /// Where the rows of a tally came from ([`JobDone::origin`](crate::job::JobDone::origin)), so that
    /// the report tells of those that were set aside. A log has an origin of its own.
    pub fn origin(mut self, origin: &'l Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// How clusters are put together.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Which impressions stand below the line of a share.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.denominator = denominator;
        self
    }

    /// How intervals are made.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.inference.interval = interval;
        self
    }

    /// What is tested beside the interval; nothing if not said.
    pub fn test(mut self, test: Test) -> Self {
        self.inference.test = Some(test);
        self
    }

    /// How the p-values of a statistic are adjusted for how many topics there are; not at all if not
    /// said.
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
    /// [`Error::Unstated`] without treatment or baseline; [`Error::UnknownArm`] and
    /// [`Error::UnknownTopic`] for names that the log does not have; [`Error::MissingRole`] and
    /// [`Error::UnknownColumn`] for columns that it does not have; [`Error::Parameter`] for numbers
    /// out of their range and for a unit that a statistic has no meaning for; [`Error::OtherTally`] and
    /// [`Error::UnknownAttention`] for what a tally made before does not have; [`Error::NoStrata`] for a
    /// statistic or test that compares within strata where there are none; [`Error::StandardStrata`]
    /// for a declared population of other strata.
    pub fn run(self) -> Result<AuditReport, Error> {
        Ok(self.run_with(|_| Ok(()))?.0)
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
enum Made<'l> {
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

    /// What its impressions weigh.
    fn weights(&self) -> Weights {
        match self {
            Self::Log(log, _) => Weights::of(log),
            Self::Tally(tally) => tally.weights().clone(),
            Self::TwoWay(tallies) => tallies.first().weights().clone(),
        }
    }

    fn made(&self, second: Option<&ClusterBy>) -> Result<Made<'_>, Error> {
        match (self, second) {
            (Self::Log(log, spec), None) => {
                Ok(Made::One(Box::new(Cow::Owned(Tally::of(log, spec)?))))
            }
            (Self::Log(log, spec), Some(second)) => {
                Ok(Made::Two(Box::new(Cow::Owned(TwoWay::of(log, spec, second.clone())?))))
            }
            (Self::Tally(tally), None) => Ok(Made::One(Box::new(Cow::Borrowed(*tally)))),
            (Self::Tally(_), Some(second)) => Err(Error::TwoWay {
                detail: format!("a tally by one unit does not know of {second}"),
            }),
            (Self::TwoWay(tallies), _) => Ok(Made::Two(Box::new(Cow::Borrowed(*tallies)))),
        }
    }
}

impl Made<'_> {
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

    fn estimates(&self, asked: &[Asked<'_>], by: Inference) -> Result<Vec<Estimate>, Error> {
        match self {
            Self::One(tally) => inference::estimates(tally, asked, by),
            Self::Two(tallies) => tallies.estimates(asked, by),
        }
    }
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
        origin: origin.clone(),
        time_range: None,
        repeats: None,
    }
}
